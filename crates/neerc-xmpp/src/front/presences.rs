//! Who has the service in their contact list, asked for anew on each connection: their servers say who is online only when
//! that changes, and what they said before is lost with the connection or the process (RFC 6121 section 4.3). Not what
//! follows from somebody's presence: that is speaking.rs.

use super::Front;
use super::speaking::{asking, available, plain, unavailable};
use crate::limits;
use crate::stanza::Shell;
use crate::stanza::address::Address;
use crate::xep::entity::Target;
use neerc_core::people::Person;
use std::collections::{HashSet, VecDeque};

/// An address of ours as a contact of somebody.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Contact {
    room: usize,
    /// The address, of the room or of the service.
    ours: String,
    person: Person,
}

/// What is known on one connection.
#[derive(Debug, Default)]
pub(super) struct Presences {
    /// Rooms whose people are being asked, or were.
    rooms: HashSet<usize>,
    waiting: VecDeque<Contact>,
    next_ms: i64,
    /// Who was asked, by a probe or by a request for their presence, and has not answered.
    asked: HashSet<Contact>,
    /// Who was sent our presence, so that they must hear when it ends.
    shown: HashSet<Contact>,
}

impl Presences {
    /// When somebody is to be asked, in ms.
    pub(super) fn next_timeout_ms(&self) -> i64 {
        if self.waiting.is_empty() { i64::MAX } else { self.next_ms }
    }

    fn show(&mut self, contact: Contact) {
        if self.shown.len() < limits::CONTACTS_PER_ROOM {
            self.shown.insert(contact);
        }
    }
}

impl Front {
    /// Lists whom to ask in rooms whose people are known by now. Whoever has us in no contact list does not answer.
    pub(super) fn note_whom_to_ask(&mut self, now_ms: i64) {
        for index in 0..self.halls.len() {
            if !self.stream.is_online() || !self.halls[index].watch().is_ready() || !self.presences.rooms.insert(index)
            {
                continue;
            }
            if self.presences.waiting.is_empty() {
                self.presences.next_ms = now_ms + limits::PRESENCE_PAUSE_MS;
            }
            let ours = self.addresses_of(index);
            let people: Vec<Person> =
                self.halls[index].watch().people().listed().iter().map(|(who, _)| (*who).clone()).collect();
            for person in people.into_iter().filter(|person| person.bare().contains('@')) {
                for ours in ours.clone() {
                    self.presences.waiting.push_back(Contact { room: index, ours, person: person.clone() });
                }
            }
        }
    }

    /// The addresses that stand for a room: the service's own stands for the first.
    fn addresses_of(&self, room: usize) -> Vec<String> {
        let service = (room == 0).then(|| self.settings.component.clone());
        service.into_iter().chain([self.room_address(room)]).collect()
    }

    /// Asks a few people for their presence.
    pub(super) fn ask_presences(&mut self, now_ms: i64) {
        if self.presences.next_timeout_ms() > now_ms {
            return;
        }
        self.presences.next_ms = now_ms + limits::PRESENCE_PAUSE_MS;
        for _ in 0..limits::PRESENCES_AT_ONCE {
            let Some(contact) = self.presences.waiting.pop_front() else { break };
            plain(self.wire.out.own(), "probe", &contact.ours, contact.person.bare());
            self.presences.asked.insert(contact);
        }
    }

    /// A session of somebody is online. If that is their answer they have us in their contact list, and have not heard of us
    /// on this connection, or before their client knew us for a contact: one ignores what comes earlier.
    pub(super) fn contact_is_online(&mut self, room: usize, to: &Address, from: &Address) {
        let contact = Contact { room, ours: to.bare().to_owned(), person: from.person() };
        if self.presences.asked.remove(&contact) {
            self.show_presence(room, to.bare(), from.bare_as_it_came());
        }
        self.presences.show(contact);
    }

    /// Somebody has asked for our presence, or wants none any more.
    pub(super) fn contact_was_shown(&mut self, room: usize, shell: &Shell<'_>) {
        let contact = Contact { room, ours: shell.to.bare().to_owned(), person: shell.from.person() };
        match shell.type_ {
            "unsubscribe" => _ = self.presences.shown.remove(&contact),
            _ if self.halls[room].watch().people().rights(&contact.person).is_some() => {
                if shell.type_ == "subscribe" && self.presences.asked.len() < limits::CONTACTS_PER_ROOM {
                    self.presences.asked.insert(contact.clone());
                }
                self.presences.show(contact);
            }
            _ => {}
        }
    }

    /// Asks somebody for their presence, so that it is known when they are there.
    pub(super) fn ask_to_be_a_contact(&mut self, room: usize, session: &Address, out: &mut Vec<u8>) {
        let ours = self.room_address(room);
        asking(out, &ours, session.bare_as_it_came(), &self.contact_wish());
        if self.presences.asked.len() < limits::CONTACTS_PER_ROOM {
            self.presences.asked.insert(Contact { room, ours, person: session.person() });
        }
    }

    /// Somebody is sent our presence.
    pub(super) fn show_presence(&mut self, room: usize, ours: &str, to: &str) {
        let status = self.settings.words.say(self.settings.language, "presence-status", &[]);
        let is_room = ours.contains('@');
        let target = if is_room { Target::Room(&self.halls[room].watch().room) } else { Target::Service };
        let carried = self.entity.presence(target);
        available(self.wire.out.own(), ours, to, &status, &carried);
    }

    /// Says good-bye to all who see us in their contact list.
    pub(super) fn hide_presence(&mut self) {
        for contact in std::mem::take(&mut self.presences.shown) {
            unavailable(self.wire.out.own(), &contact.ours, contact.person.bare());
        }
    }
}
