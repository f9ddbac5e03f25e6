//! One room as the front knows it: the room itself, and what was written of it that others may be given again.

use super::iq::{AllTasks, OwnLists};
use crate::neerc::UserList;
use crate::room::{RoomEvent, RoomWatch};
use neerc_core::people::{GroupBook, Person};
use std::sync::Arc;

/// One room.
#[derive(Debug)]
pub(super) struct Hall {
    watch: RoomWatch,
    /// The list of all tasks as it was last written, with the revision that it shows.
    pub list: Option<(u64, AllTasks)>,
    pub own_lists: OwnLists,
    /// The list of users, until they change.
    users: Option<UserList>,
}

impl Hall {
    /// A room of which nothing was written.
    pub fn new(watch: RoomWatch) -> Hall {
        Hall { watch, list: None, own_lists: OwnLists::default(), users: None }
    }

    /// The room, to be read.
    pub fn watch(&self) -> &RoomWatch {
        &self.watch
    }

    /// Gives the room something. Its people are worked out at once if something of them has changed: there is no other way
    /// to change a room, so nobody can read rights that are out of date.
    pub fn change<T>(&mut self, book: &GroupBook, change: impl FnOnce(&mut RoomWatch) -> T) -> T {
        let outcome = change(&mut self.watch);
        if self.watch.refresh_people(book) {
            self.users = None;
        }
        outcome
    }

    /// Forgets what was written, since it would be written otherwise now.
    pub fn forget_written(&mut self) {
        (self.list, self.own_lists, self.users) = (None, OwnLists::default(), None);
    }

    /// What happened since the last call.
    pub fn take_events(&mut self) -> Vec<RoomEvent> {
        self.watch.take_events()
    }

    /// The list of users for one of them, and how many it leaves out; written once until they change.
    pub fn users(&mut self, who: &Person, limit: usize) -> (Arc<Vec<u8>>, usize) {
        let people = self.watch.people();
        let list = self.users.get_or_insert_with(|| UserList::of(people, limit));
        (list.with(people, who), list.left_out)
    }
}
