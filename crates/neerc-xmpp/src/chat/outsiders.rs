//! Who writes to the service from where it can tell them nothing, neither in the room nor as a contact: they are told so,
//! once. Not the words, nor who is where: that is contacts.rs.

use crate::limits;
use crate::stanza::address::Address;
use neerc_core::face::words::Language;
use neerc_core::people::Person;
use std::collections::{HashSet, VecDeque};

/// A session that wrote: from when on it is told, its room, and the language it was answered in.
type Waiting = (i64, usize, Address, Language);

/// Who has been told, and who will be. Whoever comes within that time is not: many write first and join then, and a
/// start takes a while to learn who is there.
#[derive(Debug, Default)]
pub struct Outsiders {
    told: HashSet<(usize, Person)>,
    /// In the order of their times.
    waiting: VecDeque<Waiting>,
}

impl Outsiders {
    /// The stream is gone, and with it whoever waits; they are told when they write again.
    pub fn disconnected(&mut self) {
        for (_, room, address, _) in self.waiting.drain(..) {
            self.told.remove(&(room, address.person()));
        }
    }

    /// A session wrote from outside.
    pub fn wrote(&mut self, now_ms: i64, room: usize, address: &Address, language: Language) {
        if self.told.len() < limits::CONTACTS_PER_ROOM && self.told.insert((room, address.person())) {
            self.waiting.push_back((now_ms + limits::CHAT_GRACE_MS, room, address.clone(), language));
        }
    }

    /// When the next one is to be told, in ms.
    pub fn next_due_ms(&self) -> i64 {
        self.waiting.front().map_or(i64::MAX, |(at_ms, ..)| *at_ms)
    }

    /// The next one whose time has come.
    pub fn take(&mut self, now_ms: i64) -> Option<(usize, Address, Language)> {
        if self.next_due_ms() > now_ms {
            return None;
        }
        self.waiting.pop_front().map(|(_, room, address, language)| (room, address, language))
    }
}
