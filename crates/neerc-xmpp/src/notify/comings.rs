//! Sessions become recipients and cease to be: by what they do, by whether the service is in their room, and when the
//! link is lost. What they are told is in mod.rs.

use super::fences::Told;
use super::held::Missed;
use super::recipients::{Hears, Recipient};
use super::slots::Slots;
use super::{Key, Outbox, Why};
use crate::chat::contacts::Client;
use crate::limits;
use crate::stanza::address::Address;
use neerc_core::task::TaskId;
use std::collections::BTreeSet;

impl Outbox {
    /// The session of that address, made if there is none and there is room for it. `joined`: it is seen in the room.
    pub(super) fn session(&mut self, room: usize, address: &Address, joined: bool) -> Option<&mut Recipient> {
        let (slot, pushed_out) = self.recipients.place(room, address, joined, self.gone.last())?;
        if let Some(pushed_out) = pushed_out {
            self.forget(pushed_out);
        }
        self.recipients.get_mut(slot)
    }

    /// The session is in the room, with that client as far as is known.
    pub fn joined(&mut self, room: usize, address: &Address, client: Client) {
        let inside = self.inside.contains(&room);
        if let Some(session) = self.session(room, address, true) {
            session.joined = true;
            // Who comes while the service is here is answered when they ask.
            session.knows |= inside;
            session.chats |= client != Client::Unknown;
        }
    }

    /// A message to the session came back, and the room may have it still: it is told nothing before the room has said so.
    pub fn hold(&mut self, room: usize, address: &Address) {
        let Some(slot) = self.recipients.slot(room, address) else { return };
        let of_room = self.pending.range((room, TaskId(0))..=(room, TaskId(u64::MAX)));
        let due = of_room.filter(|(_, pending)| pending.waiting.contains(slot) || pending.again.contains(slot));
        let late = self.late.listed(slot);
        self.held.hold(room, address, due.map(|((_, task), _)| *task).chain(late));
        self.forget(slot);
    }

    /// The session is in the room: if it was held, it is told of what it missed.
    pub fn release(&mut self, now_ms: i64, room: usize, address: &Address) {
        let Some(missed) = self.held.release(room, address) else { return };
        let Some(slot) = self.recipients.slot(room, address) else { return };
        self.clock_waiting.insert(slot);
        match missed {
            Missed::Tasks(tasks) => self.tell_late(now_ms, slot, Why::Missed, tasks.into_iter().collect()),
            Missed::Everything => self.tell_all(now_ms, slot),
        }
    }

    /// The session has left the room. It is told nothing more unless it has sent presence to the service itself.
    pub fn left(&mut self, room: usize, address: &Address) {
        self.withdraw(room, address, |session| session.joined = false);
    }

    /// The session has left the room at a time that nobody told of, so it may have asked after that.
    pub fn missing(&mut self, room: usize, address: &Address) {
        self.held.release(room, address);
        let Some(slot) = self.recipients.slot(room, address) else { return };
        let Some(session) = self.recipients.get_mut(slot) else { return };
        session.joined = false;
        if !session.directed && session.asked_ms.is_none() {
            self.forget(slot);
        }
    }

    /// The session has sent presence to the service itself.
    pub fn directed(&mut self, room: usize, address: &Address) {
        if let Some(session) = self.session(room, address, false) {
            session.directed = true;
        }
    }

    /// The session has taken its presence to the service back. It is told nothing more unless it is in the room.
    pub fn undirected(&mut self, room: usize, address: &Address) {
        self.withdraw(room, address, |session| session.directed = false);
    }

    /// Takes back one reason to tell the session of changes; having asked is none any more either.
    fn withdraw(&mut self, room: usize, address: &Address, reason: impl FnOnce(&mut Recipient)) {
        self.held.release(room, address);
        let Some(slot) = self.recipients.slot(room, address) else { return };
        let Some(session) = self.recipients.get_mut(slot) else { return };
        reason(session);
        session.asked_ms = None;
        if !session.joined && !session.directed {
            self.forget(slot);
        }
    }

    /// The session is gone from wherever it was.
    pub fn gone(&mut self, address: &Address) {
        for room in self.recipients.rooms() {
            if let Some(slot) = self.recipients.slot(room, address) {
                self.forget(slot);
            }
        }
    }

    /// The session has asked for the tasks of the room, so it knows all that is committed. The first time the clock is
    /// sent to it as well, and it is looked at once more a little later: some clients hear nothing before they have drawn
    /// the list, and servers hand on then what they kept for a session of the same account that has gone.
    pub fn asked(&mut self, room: usize, address: &Address, now_ms: i64, hears: Hears) {
        self.held.release(room, address);
        let Some(session) = self.session(room, address, false) else { return };
        session.asked_ms = Some(now_ms);
        session.hears = hears;
        session.by_chat = false;
        session.knows = true;
        let is_first = session.second_look_ms.is_none();
        let look_ms = *session.second_look_ms.get_or_insert(now_ms + limits::SECOND_LOOK_MS);
        let Some(slot) = self.recipients.slot(room, address) else { return };
        self.late.needs_not_all(slot);
        if is_first {
            self.clock_waiting.insert(slot);
            self.second_looks.insert((look_ms, slot));
        }
    }

    /// People read what is sent to the session, and it has not asked for the tasks: it is told by chat lines instead.
    pub fn by_chat(&mut self, room: usize, address: &Address) {
        if let Some(session) = self.recipients.find(room, address) {
            session.by_chat = true;
        }
    }

    /// The session has shown that a program reads what is sent to it.
    pub fn by_notifications(&mut self, room: usize, address: &Address) {
        if let Some(session) = self.recipients.find(room, address) {
            session.by_chat = false;
        }
    }

    /// Whoever is in that slot is told nothing more.
    pub(super) fn forget(&mut self, slot: usize) {
        let Some(session) = self.recipients.remove(slot) else { return };
        self.gone.left(session.room, &session.person, session.since);
        if let Some(look_ms) = session.second_look_ms {
            self.second_looks.remove(&(look_ms, slot));
        }
        self.late.remove(slot);
        self.clock_waiting.remove(slot);
        for pending in self.pending.values_mut() {
            pending.waiting.remove(slot);
            pending.again.remove(slot);
        }
    }

    /// The service is in the room, and its sessions are known: what they have not heard is told.
    pub fn inside(&mut self, now_ms: i64, room: usize) {
        self.inside.insert(room);
        let keys: Vec<Key> =
            self.pending.range((room, TaskId(0))..=(room, TaskId(u64::MAX))).map(|(key, _)| *key).collect();
        for key in keys {
            let spaced_ms = self.spaced_ms(key);
            let Some(pending) = self.pending.get_mut(&key) else { continue };
            if std::mem::take(&mut pending.everybody) {
                if pending.begun {
                    // Whoever is told in the next round has heard nothing of this one.
                    pending.again_since = pending.again_since.min(pending.since);
                }
                if let Some(of_room) = self.recipients.of_room(room) {
                    pending.wait(of_room);
                }
                self.order.remove(&(pending.due_ms, key));
                pending.due_ms = spaced_ms.map_or(now_ms, |spaced_ms| spaced_ms.max(now_ms));
                self.order.insert((pending.due_ms, key));
            }
        }
        // Clients count by themselves in between; they may have missed that the clock was stopped.
        if let Some(of_room) = self.recipients.of_room(room) {
            self.clock_waiting.union(of_room);
        }
        self.note_who_knows_nothing(now_ms, room);
    }

    /// Who was in the room before the service may have asked while nobody answered, and most clients ask only once: whoever
    /// is not known from before is told of everything, unless they ask soon.
    fn note_who_knows_nothing(&mut self, now_ms: i64, room: usize) {
        let here: Vec<usize> = self.recipients.of_room(room).map(|slots| slots.iter().collect()).unwrap_or_default();
        for slot in here {
            let Some(session) = self.recipients.get_mut(slot) else { continue };
            let key = (room, session.address.clone());
            let knows = std::mem::replace(&mut session.knows, true) || self.knew.contains(&key);
            if session.joined && !session.chats && !knows {
                self.late.add(now_ms, slot, Why::Untold);
            }
        }
        self.knew.retain(|(of, _)| *of != room);
    }

    /// Remembers who of a room knows everything, since nobody knows for a while who is there.
    fn note_who_knows(&mut self, room: usize) {
        let holders = self.late.holders();
        for slot in self.recipients.of_room(room).into_iter().flat_map(Slots::iter) {
            if let Some(session) = self.recipients.get(slot)
                && session.knows
                && !holders.contains(&slot)
            {
                self.knew.insert((room, session.address.clone()));
            }
        }
    }

    /// The service is not in the room any more; who is there is not known.
    pub fn outside(&mut self, room: usize) {
        self.inside.remove(&room);
        self.held.outside(room);
        self.note_who_knows(room);
        let here: Vec<usize> = self.recipients.of_room(room).map(|slots| slots.iter().collect()).unwrap_or_default();
        let gone: Vec<usize> = here
            .into_iter()
            .filter(|slot| {
                let Some(session) = self.recipients.get_mut(*slot) else { return false };
                session.joined = false;
                !session.directed && session.asked_ms.is_none()
            })
            .collect();
        gone.into_iter().for_each(|slot| self.forget(slot));
        self.untold(room);
    }

    /// Whatever may not have arrived counts as not told.
    fn untold(&mut self, room: usize) {
        for (key, Told { since, lost }) in self.fences.take_room(room) {
            self.pend(0, key, since).lost.add(lost);
        }
        for (key, pending) in self.pending.range_mut((room, TaskId(0))..=(room, TaskId(u64::MAX))) {
            pending.everybody |= pending.since != u64::MAX;
            if std::mem::take(&mut pending.begun) {
                // The round is over without its end: whoever is still there is told in the next one.
                pending.waiting.union(&std::mem::take(&mut pending.again));
                pending.again_since = u64::MAX;
                self.order.remove(&(pending.due_ms, *key));
                pending.due_ms = self.last_told_ms.get(key).map_or(pending.due_ms, |told| told + self.spacing_ms);
                self.order.insert((pending.due_ms, *key));
            }
        }
    }

    /// The link is gone: no session is known to be there, and what the server did not confirm is told again.
    pub fn disconnected(&mut self) {
        for room in self.recipients.rooms() {
            self.note_who_knows(room);
        }
        for session in self.recipients.drain() {
            self.gone.left(session.room, &session.person, session.since);
        }
        self.second_looks.clear();
        self.held.clear();
        self.late.clear();
        self.clock_waiting.clear();
        self.pending.retain(|_, pending| {
            pending.waiting.clear();
            pending.again.clear();
            pending.begun = false;
            pending.since != u64::MAX
        });
        let pending: BTreeSet<Key> = self.pending.keys().copied().collect();
        self.order.retain(|(_, key)| pending.contains(key));
        let rooms: BTreeSet<usize> = pending.iter().map(|key| key.0).chain(self.fences.rooms()).collect();
        rooms.into_iter().for_each(|room| self.untold(room));
        self.inside.clear();
    }
}
