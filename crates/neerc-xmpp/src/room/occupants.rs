//! Who is in a room: its sessions, each under one nick at a time, which other sessions of the account may share. What
//! presences leave open is settled by the role lists, in roles.rs. Not who belongs to the room: that is lists.rs.

use super::roles::Look;
use super::{RoomEvent, RoomWatch};
use crate::chat::contacts::Client;
use crate::limits;
use crate::ns;
use crate::stanza::address::Address;
use crate::xml::Element;
use neerc_core::people::{Affiliation, Person};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A session in the room.
#[derive(Debug)]
struct Seat {
    nick: Arc<str>,
    affiliation: Affiliation,
    /// The last reading of the role lists that had begun when a presence named the session.
    named: u64,
    /// A presence left open whether the session is still here.
    doubted: bool,
    /// A message for the session came back, so it is told nothing until the room is known to have it still.
    bounced: bool,
}

/// The sessions in a room, by what they are asked for.
#[derive(Debug, Default)]
pub(super) struct Occupants {
    seats: HashMap<Address, Seat>,
    nicks: HashMap<Arc<str>, BTreeSet<Address>>,
    people: HashMap<Person, BTreeSet<Address>>,
    /// Nicks with several sessions.
    several: usize,
    /// People and nicks of whom something is different since they were taken.
    pub(super) changed_people: BTreeSet<Person>,
    pub(super) changed_nicks: BTreeSet<Arc<str>>,
}

impl Occupants {
    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Whether any nick has several sessions.
    pub(super) fn has_shared_nicks(&self) -> bool {
        self.several > 0
    }

    /// Whether any session of that bare JID is here.
    pub(super) fn has_person(&self, bare: &str) -> bool {
        self.people.contains_key(bare)
    }

    pub(super) fn has_session(&self, session: &Address) -> bool {
        self.seats.contains_key(session)
    }

    /// The sessions under a nick.
    pub(super) fn of_nick(&self, nick: &str) -> impl Iterator<Item = &Address> {
        self.nicks.get(nick).into_iter().flatten()
    }

    /// All nicks, each with the person whose sessions have it.
    pub(super) fn nicks(&self) -> impl Iterator<Item = (&Arc<str>, Person)> {
        self.nicks.iter().filter_map(|(nick, sessions)| Some((nick, sessions.first()?.person())))
    }

    /// Everybody here, with the affiliation of each session.
    pub(super) fn standings(&self) -> impl Iterator<Item = (Person, Affiliation)> {
        self.people.iter().flat_map(|(person, sessions)| {
            sessions.iter().filter_map(|session| Some((person.clone(), self.seats.get(session)?.affiliation)))
        })
    }

    /// The affiliations of the sessions of a person.
    pub(super) fn affiliations(&self, bare: &str) -> impl Iterator<Item = Affiliation> {
        let sessions = self.people.get(bare).into_iter().flatten();
        sessions.filter_map(|session| Some(self.seats.get(session)?.affiliation))
    }

    /// Gives all sessions of a person this affiliation.
    pub(super) fn affiliate(&mut self, person: &Person, affiliation: Affiliation) {
        for session in self.people.get(person).into_iter().flatten() {
            if let Some(seat) = self.seats.get_mut(session)
                && seat.affiliation != affiliation
            {
                seat.affiliation = affiliation;
                self.changed_people.insert(person.clone());
            }
        }
    }

    /// A session is here under that nick, and under no other. `named`: how many readings of the role lists have begun.
    /// Says whether the session was not here before, or counted as gone.
    fn sit(&mut self, session: &Address, nick: &str, affiliation: Affiliation, named: u64) -> bool {
        let is_full = self.seats.len() >= limits::SESSIONS_PER_ROOM;
        let Some(seat) = self.seats.get_mut(session) else {
            if is_full {
                return true;
            }
            let seat = Seat { nick: nick.into(), affiliation, named, doubted: false, bounced: false };
            self.seats.insert(session.clone(), seat);
            let person = session.person();
            self.changed_people.insert(person.clone());
            self.people.entry(person).or_default().insert(session.clone());
            self.enter_nick(nick, session);
            return true;
        };
        let is_back = std::mem::take(&mut seat.bounced);
        (seat.named, seat.doubted) = (named, false);
        if std::mem::replace(&mut seat.affiliation, affiliation) != affiliation {
            self.changed_people.insert(session.person());
        }
        if *seat.nick != *nick {
            let before = std::mem::replace(&mut seat.nick, nick.into());
            self.leave_nick(&before, session);
            self.enter_nick(nick, session);
        }
        is_back
    }

    fn enter_nick(&mut self, nick: &str, session: &Address) {
        let sessions = self.nicks.entry(nick.into()).or_default();
        sessions.insert(session.clone());
        self.several += usize::from(sessions.len() == 2);
        self.changed_nicks.insert(nick.into());
    }

    fn leave_nick(&mut self, nick: &Arc<str>, session: &Address) {
        if let Some(sessions) = self.nicks.get_mut(nick)
            && sessions.remove(session)
        {
            self.several -= usize::from(sessions.len() == 1); // it was two, so it counted
            if sessions.is_empty() {
                self.nicks.remove(nick);
            }
            self.changed_nicks.insert(nick.clone());
        }
    }

    /// A session is not here any more.
    pub(super) fn rise(&mut self, session: &Address) {
        let Some(seat) = self.seats.remove(session) else { return };
        self.leave_nick(&seat.nick, session);
        let person = session.person();
        if let Some(sessions) = self.people.get_mut(&person) {
            sessions.remove(session);
            if sessions.is_empty() {
                self.people.remove(&person);
            }
        }
        self.changed_people.insert(person);
    }

    /// It is open whether the sessions under a nick are still here.
    fn doubt(&mut self, nick: &str) {
        for session in self.nicks.get(nick).into_iter().flatten() {
            if let Some(seat) = self.seats.get_mut(session) {
                seat.doubted = true;
            }
        }
    }

    /// The sessions of which it is open whether they are still here.
    pub(super) fn doubted(&self) -> Vec<Address> {
        self.seats.iter().filter(|(_, seat)| seat.doubted).map(|(session, _)| session.clone()).collect()
    }

    /// The sessions that no presence has named since that reading of the role lists began.
    pub(super) fn named_before(&self, reading: u64) -> Vec<Address> {
        self.seats.iter().filter(|(_, seat)| seat.named < reading).map(|(session, _)| session.clone()).collect()
    }

    /// Nobody is known to be here.
    pub(super) fn clear(&mut self) {
        *self = Occupants::default();
    }
}

impl RoomWatch {
    pub(super) fn occupant_is_here(&mut self, now_ms: i64, nick: &str, x: Option<&Element<'_>>, client: Client) {
        let items: Vec<(Address, Affiliation)> =
            x.into_iter().flat_map(|x| x.elements()).filter_map(jid_item).collect();
        if items.is_empty() {
            if self.trouble.is_none() {
                self.report(format!(
                    "{} hides its occupants' addresses, so they cannot be told of changes: make the room non-anonymous \
                     (whois: anyone), or make {} an owner of it",
                    self.jid.as_str(),
                    self.settings.component
                ));
            }
            return;
        }
        self.names_all_sessions |= items.len() > 1;
        let mut new =
            items.iter().filter(|(session, _)| self.occupants.seats.get(session).is_none_or(|s| *s.nick != *nick));
        let (first_new, second_new) = (new.next().map(|(session, _)| session.clone()), new.next().is_some());
        let nobody_new = first_new.is_none();
        // Of several sessions under one nick the presence shows the client of one: of that which is new.
        let shown = if let [(only, _)] = &items[..] { Some(only.clone()) } else { first_new.filter(|_| !second_new) };
        for (session, affiliation) in items {
            let person = session.person();
            self.note_affiliation(&person, affiliation);
            // The server may name only the latest session of an account; the others have the same affiliation.
            self.occupants.affiliate(&person, affiliation);
            self.roles.affiliated(person.bare(), affiliation);
            self.occupants.sit(&session, nick, affiliation, self.roles.number());
            // Said each time: a session that counts as gone since a stanza came back from it may be here again.
            let client = if shown.as_ref() == Some(&session) { client } else { Client::Unknown };
            self.events.push(RoomEvent::Joined(session, client));
        }
        if self.occupants.of_nick(nick).nth(1).is_some() {
            // One session of several may have gone: one server still names it this once, the other says nothing at all.
            self.look_again(now_ms, if nobody_new { Look::Soon } else { Look::InTime });
        }
    }

    /// A nick has gone: with it the sessions that are named. One server names none where a session goes over to a nick
    /// that another one has already; then it is open who has gone, and so it is of the nick's other sessions.
    pub(super) fn occupant_left(&mut self, now_ms: i64, nick: &str, x: Option<&Element<'_>>) {
        let mut is_named = false;
        for (session, affiliation) in x.into_iter().flat_map(|x| x.elements()).filter_map(jid_item) {
            is_named = true;
            self.note_affiliation(&session.person(), affiliation);
            if self.occupants.seats.get(&session).is_some_and(|seat| *seat.nick != *nick) {
                self.look_again(now_ms, Look::Soon); // it has gone over to another nick before
                continue;
            }
            self.session_left(session);
        }
        if self.occupants.of_nick(nick).next().is_some() {
            if !is_named || self.names_all_sessions {
                self.occupants.doubt(nick);
            }
            self.look_again(now_ms, Look::Soon);
        }
    }

    pub(super) fn session_left(&mut self, session: Address) {
        self.occupants.rise(&session);
        self.roles.left(&session);
        self.events.push(RoomEvent::Left(session));
    }

    /// A session is in no list of those who are here. It may have gone long ago without a word, so power that was seen by it
    /// alone counts no more, and the lists say what is left.
    pub(super) fn session_missing(&mut self, session: Address) {
        self.hint_waits |= self.implicit.remove(&session.person()).is_some();
        self.occupants.rise(&session);
        self.roles.left(&session);
        self.events.push(RoomEvent::Missing(session));
    }

    /// Sessions have gone over to a new nick: those that are named, or all under the old one. Nobody has left.
    pub(super) fn renamed(&mut self, now_ms: i64, nick: &str, x: Option<&Element<'_>>) {
        let Some(new) = x.and_then(new_nick) else { return self.occupant_left(now_ms, nick, x) };
        let named: Vec<Address> =
            x.into_iter().flat_map(|x| x.elements()).filter_map(|item| jid_item(item).map(|(jid, _)| jid)).collect();
        let over: Vec<Address> = self
            .occupants
            .of_nick(nick)
            .filter(|session| named.is_empty() || named.contains(session))
            .cloned()
            .collect();
        for session in over {
            if let Some(affiliation) = self.occupants.seats.get(&session).map(|seat| seat.affiliation) {
                self.occupants.sit(&session, &new, affiliation, self.roles.number());
            }
        }
        if self.occupants.of_nick(nick).next().is_some() {
            self.look_again(now_ms, Look::Soon);
        }
    }

    /// A role list names a session, as it was before every presence that named it since the reading began.
    pub(super) fn occupant_is_listed(&mut self, session: Address, nick: &str, affiliation: Affiliation, reading: u64) {
        if session.domain() == self.settings.component {
            return;
        }
        let seat = self.occupants.seats.get(&session);
        let is_news = match seat {
            Some(seat) if seat.named >= reading => false,
            _ => self.occupants.sit(&session, nick, affiliation, reading),
        };
        if is_news {
            self.events.push(RoomEvent::Joined(session, Client::Unknown));
        }
    }

    /// A message for a session came back. Says whether it was here before; the room says whether it is still.
    pub fn bounced(&mut self, now_ms: i64, session: &Address) -> bool {
        let Some(seat) = self.occupants.seats.get_mut(session) else { return false };
        seat.bounced = true;
        self.look_again(now_ms, Look::Soon);
        true
    }

    /// A session has asked for the tasks. One that the room has not shown may be in it beside others of its account.
    pub fn asked(&mut self, now_ms: i64, session: &Address) {
        if !self.occupants.has_session(session) && self.occupants.has_person(session.bare()) {
            self.look_again(now_ms, Look::InTime);
        }
    }

    /// The sessions of an occupant.
    pub fn sessions_of(&self, nick: &str) -> Vec<Address> {
        self.occupants.of_nick(nick).cloned().collect()
    }
}

pub(super) fn new_nick(x: &Element<'_>) -> Option<String> {
    x.child("item", ns::MUC_USER)?.attr("nick").map(str::to_owned)
}

pub(super) fn jid_item(item: &Element<'_>) -> Option<(Address, Affiliation)> {
    if !item.is("item", ns::MUC_USER) {
        return None;
    }
    Some((Address::parse(item.attr("jid")?)?, Affiliation::parse(item.attr("affiliation")?)?))
}
