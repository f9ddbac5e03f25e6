//! The sessions that may be told, each in a slot of its own: how many one account may have, and which are evicted when
//! there are too many. What they are told is in mod.rs.

use crate::limits;
use crate::notify::slots::Slots;
use crate::stanza::address::Address;
use crate::xml::escape_attr;
use neerc_core::people::Person;
use neerc_core::task::TaskId;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How a session is told of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hears {
    /// Of each changed task, whole.
    #[default]
    Tasks,
    /// Of each changed task, the statuses that changed.
    Differences,
}

/// One session that may be told.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Index of the room.
    pub room: usize,
    /// The full JID.
    pub address: Address,
    /// The account.
    pub person: Person,
    /// The full JID as it stands in an attribute.
    pub to: Box<[u8]>,
    /// How it is told.
    pub hears: Hears,
    pub(super) joined: bool,
    pub(super) directed: bool,
    pub(super) asked_ms: Option<i64>,
    /// Tasks whose true state it is to be told, whether or not it is told of changes.
    pub(super) repeats: BTreeSet<TaskId>,
    /// When it is looked at once more, or was, in ms; none before it has asked for the tasks.
    pub(super) second_look_ms: Option<i64>,
    /// It is told by chat lines instead.
    pub(super) by_chat: bool,
    /// Its client is made for people to chat with.
    pub(super) chats: bool,
    /// It has been told of everything, or could have asked.
    pub(super) knows: bool,
    /// The number of the last telling before it came.
    pub(super) since: u64,
    /// The number of the last sign of it.
    heard: u64,
}

impl Recipient {
    /// Whether it is to be told the true state of that task, whatever it is told of changes.
    pub fn awaits(&self, task: TaskId) -> bool {
        self.repeats.contains(&task)
    }

    pub(super) fn is_live(&self, now_ms: i64) -> bool {
        self.joined || self.directed || self.asked_ms.is_some_and(|asked| now_ms - asked <= limits::ASKER_MS)
    }
}

/// Where there were too many sessions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Crowd {
    /// Of one account in a room: of more than there may be, those go of which nothing was heard for longest.
    Account(usize, Person),
    /// In a room: whoever comes is told nothing.
    Room(usize),
}

/// All sessions.
#[derive(Debug, Default)]
pub(super) struct Recipients {
    sessions: Vec<Option<Recipient>>,
    free: Vec<usize>,
    index: HashMap<(usize, Address), usize>,
    per_room: BTreeMap<usize, (usize, Slots)>,
    per_account: HashMap<(usize, Person), Vec<usize>>,
    heard: u64,
    crowds: Vec<Crowd>,
}

impl Recipients {
    /// The slot of a session, made if it is new, and the session that has to go for it. `None` for an address that is no
    /// session's, and where there is no room. `since`: the number of the last telling.
    pub(super) fn place(
        &mut self,
        room: usize,
        address: &Address,
        joined: bool,
        since: u64,
    ) -> Option<(usize, Option<usize>)> {
        if address.resource().is_none() && address.local().is_some() {
            return None; // servers store messages for a bare JID, or hand them to another session
        }
        self.heard += 1;
        let key = (room, address.clone());
        if let Some(&slot) = self.index.get(&key) {
            self.sessions[slot].as_mut()?.heard = self.heard; // slots in the index are those of sessions
            return Some((slot, None));
        }
        let account = (room, address.person());
        let pushed_out = match self.per_account.get(&account) {
            Some(slots) if slots.len() >= limits::SESSIONS_PER_ACCOUNT => {
                let last = self.least_recent(slots, joined);
                self.note(Crowd::Account(room, account.1.clone()));
                Some(last?)
            }
            _ => None,
        };
        if pushed_out.is_none() && self.count(room) >= limits::SESSIONS_PER_ROOM {
            self.note(Crowd::Room(room));
            return None;
        }
        let session = Recipient {
            room,
            address: address.clone(),
            person: account.1.clone(),
            to: escaped(address.as_it_came()),
            hears: Hears::Tasks,
            joined: false,
            directed: false,
            asked_ms: None,
            repeats: BTreeSet::new(),
            second_look_ms: None,
            by_chat: false,
            chats: false,
            knows: false,
            since,
            heard: self.heard,
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.sessions.push(None);
            self.sessions.len() - 1
        });
        self.sessions[slot] = Some(session); // a free slot, or the one just pushed
        self.index.insert(key, slot);
        self.per_account.entry(account).or_default().push(slot);
        let (count, slots) = self.per_room.entry(room).or_default();
        *count += 1;
        slots.insert(slot);
        Some((slot, pushed_out))
    }

    /// Of these, the session of which nothing was heard for longest, if it may go for another one: whoever is in the room
    /// goes only for somebody who is as well.
    fn least_recent(&self, slots: &[usize], for_joined: bool) -> Option<usize> {
        let sessions = slots.iter().filter_map(|slot| Some((*slot, self.get(*slot)?)));
        let (last, session) = sessions.min_by_key(|(_, session)| (session.joined, session.heard))?;
        (for_joined || !session.joined).then_some(last)
    }

    fn note(&mut self, crowd: Crowd) {
        if self.crowds.len() < limits::CROWDS && !self.crowds.contains(&crowd) {
            self.crowds.push(crowd);
        }
    }

    pub(super) fn take_crowds(&mut self) -> Vec<Crowd> {
        std::mem::take(&mut self.crowds)
    }

    /// The slot of a session.
    pub(super) fn slot(&self, room: usize, address: &Address) -> Option<usize> {
        self.index.get(&(room, address.clone())).copied()
    }

    pub(super) fn find(&mut self, room: usize, address: &Address) -> Option<&mut Recipient> {
        let slot = self.slot(room, address)?;
        self.get_mut(slot)
    }

    pub(super) fn get(&self, slot: usize) -> Option<&Recipient> {
        self.sessions.get(slot)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Recipient> {
        self.sessions.get_mut(slot)?.as_mut()
    }

    /// Takes a session out of its slot.
    pub(super) fn remove(&mut self, slot: usize) -> Option<Recipient> {
        let session = self.sessions.get_mut(slot)?.take()?;
        if let Some((count, slots)) = self.per_room.get_mut(&session.room) {
            *count = count.saturating_sub(1);
            slots.remove(slot);
        }
        let account = (session.room, session.person.clone());
        if let Some(slots) = self.per_account.get_mut(&account) {
            slots.retain(|of| *of != slot);
            if slots.is_empty() {
                self.per_account.remove(&account);
            }
        }
        self.index.remove(&(session.room, session.address.clone()));
        self.free.push(slot);
        Some(session)
    }

    /// Takes all sessions out.
    pub(super) fn drain(&mut self) -> Vec<Recipient> {
        let sessions = std::mem::take(&mut self.sessions).into_iter().flatten().collect();
        *self = Recipients { heard: self.heard, crowds: std::mem::take(&mut self.crowds), ..Recipients::default() };
        sessions
    }

    /// How many sessions of a room there are.
    pub(super) fn count(&self, room: usize) -> usize {
        self.per_room.get(&room).map_or(0, |(count, _)| *count)
    }

    /// The slots of a room's sessions.
    pub(super) fn of_room(&self, room: usize) -> Option<&Slots> {
        self.per_room.get(&room).map(|(_, slots)| slots)
    }

    /// The rooms that have or had sessions.
    pub(super) fn rooms(&self) -> Vec<usize> {
        self.per_room.keys().copied().collect()
    }
}

fn escaped(text: &str) -> Box<[u8]> {
    let mut out = Vec::new();
    escape_attr(&mut out, text);
    out.into()
}
