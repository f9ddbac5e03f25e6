//! One room as the front knows it: the room itself, and what was written of it that others may be given again.

use super::iq::{AllTasks, OwnLists};
use crate::neerc::UserList;
use crate::room::RoomWatch;
use neerc_core::people::GroupBook;

/// One room.
#[derive(Debug)]
pub(super) struct Hall {
    pub watch: RoomWatch,
    /// The list of all tasks as it was last written, with the revision that it shows.
    pub list: Option<(u64, AllTasks)>,
    pub own_lists: OwnLists,
    /// The list of users, until they change.
    pub users: Option<UserList>,
}

impl Hall {
    /// A room of which nothing was written.
    pub fn new(watch: RoomWatch) -> Hall {
        Hall { watch, list: None, own_lists: OwnLists::default(), users: None }
    }

    /// Works out the people, if something of them has changed.
    pub fn freshen(&mut self, book: &GroupBook) {
        if self.watch.refresh_people(book) {
            self.users = None;
        }
    }
}
