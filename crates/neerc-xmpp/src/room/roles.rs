//! The role lists of a room name every session in it, even where presences show only one session of a nick, or say
//! nothing when one of several leaves. They are read on entry and whenever presences leave something open: at once, but
//! not too often. Where a server refuses them, its presences are believed.

use super::lists::list_query;
use super::{Phase, RoomEvent, RoomWatch};
use crate::limits;
use crate::ns;
use crate::stanza::address::Address;
use crate::stanza::wire::{Purpose, Response, Wire};
use neerc_core::people::Affiliation;
use std::collections::HashMap;

/// The roles that an occupant can have, each a request of its own: one server answers only the first item of a request.
const ROLES: [&str; 3] = ["moderator", "participant", "visitor"];

/// How soon the lists should be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// As soon as may be: a session may have gone, or may be untold.
    Soon,
    /// With the next regular reading.
    InTime,
}

#[derive(Debug)]
struct RoleReading {
    awaited: usize,
    found: HashMap<Address, (String, Affiliation)>,
    /// When it counts as refused, in ms, if a request should have been lost.
    deadline_ms: i64,
}

/// When the role lists are read, and what was read so far.
#[derive(Debug)]
pub(super) struct Roles {
    /// How many readings have begun.
    number: u64,
    reading: Option<RoleReading>,
    /// When the next one is wanted, in ms.
    at_ms: i64,
    /// When it may begin, in ms.
    earliest_ms: i64,
    began_ms: i64,
    /// The server does not give them; asked again then (ms).
    refused_until_ms: i64,
    /// Whether they have been read, or refused, since the service came into the room.
    pub(super) has_entered: bool,
}

impl Roles {
    pub(super) fn new() -> Roles {
        Roles {
            number: 0,
            reading: None,
            at_ms: i64::MAX,
            earliest_ms: i64::MIN,
            began_ms: i64::MIN / 2, // so that a difference to it is still a number
            refused_until_ms: i64::MIN,
            has_entered: false,
        }
    }

    /// How many readings have begun.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// A session has left: what a list said of it before is old.
    pub(super) fn left(&mut self, session: &Address) {
        if let Some(reading) = &mut self.reading {
            reading.found.remove(session);
        }
    }

    /// A presence has said what a person's affiliation is now: what a list said of any of their sessions before is old.
    pub(super) fn affiliated(&mut self, bare: &str, affiliation: Affiliation) {
        for (session, (_, known)) in self.reading.iter_mut().flat_map(|reading| &mut reading.found) {
            if session.bare() == bare {
                *known = affiliation;
            }
        }
    }

    /// The service is not in the room any more.
    pub(super) fn outside(&mut self) {
        *self = Roles { number: self.number, ..Roles::new() };
    }

    pub(super) fn next_timeout_ms(&self) -> i64 {
        self.reading.as_ref().map_or(self.at_ms, |reading| reading.deadline_ms)
    }
}

impl RoomWatch {
    /// Wants the role lists to be read.
    pub(super) fn look_again(&mut self, now_ms: i64, look: Look) {
        if self.phase != Phase::In {
            return; // they are read on entry
        }
        let roles = &mut self.roles;
        let at_ms = match look {
            Look::Soon => roles.earliest_ms.max(now_ms),
            Look::InTime => roles.earliest_ms.max(roles.began_ms + limits::REREAD_ROLES_MS).max(now_ms),
        };
        roles.at_ms = roles.at_ms.min(at_ms);
    }

    /// Does what is due.
    pub(super) fn roles_timeout(&mut self, now_ms: i64, wire: &mut Wire) {
        if self.phase != Phase::In || self.roles.next_timeout_ms() > now_ms {
            return;
        }
        if self.roles.reading.is_some() {
            return self.roles_refused(now_ms);
        }
        if now_ms < self.roles.refused_until_ms {
            self.roles.at_ms = if self.occupants.has_shared_nicks() { self.roles.refused_until_ms } else { i64::MAX };
            return self.believe_presences();
        }
        self.read_roles(now_ms, wire);
    }

    pub(super) fn read_roles(&mut self, now_ms: i64, wire: &mut Wire) {
        let roles = &mut self.roles;
        roles.number += 1;
        (roles.began_ms, roles.at_ms) = (now_ms, i64::MAX);
        let deadline_ms = now_ms + limits::ANSWER_MS + 1_000;
        roles.reading = Some(RoleReading { awaited: ROLES.len(), found: HashMap::new(), deadline_ms });
        for role in ROLES {
            let purpose = Purpose::Roles { room: self.index, reading: roles.number };
            wire.request(now_ms, "get", &self.jid, |out| list_query(out, "role", role), purpose);
        }
    }

    /// Takes the answer to the request for one role list of that reading; or what became of that.
    pub fn role_list(&mut self, now_ms: i64, number: u64, response: Response<'_>) {
        if number != self.roles.number {
            return;
        }
        let Some(reading) = &mut self.roles.reading else { return };
        let Some(iq) = response.result() else { return self.roles_refused(now_ms) };
        let items = iq.child("query", ns::MUC_ADMIN).into_iter().flat_map(|query| query.elements());
        for item in items.filter(|item| item.is("item", ns::MUC_ADMIN)) {
            let (Some(jid), Some(nick), Some(affiliation)) = (
                item.attr("jid").and_then(Address::parse),
                item.attr("nick"),
                Affiliation::parse(item.attr("affiliation").unwrap_or("none")),
            ) else {
                continue;
            };
            if jid.resource().is_some() {
                reading.found.insert(jid, (nick.to_owned(), affiliation));
            }
        }
        reading.awaited -= 1; // as many as requests, and each is answered once
        if reading.awaited > 0 {
            return;
        }
        let found = std::mem::take(&mut reading.found);
        self.roles.reading = None;
        self.roles.earliest_ms =
            now_ms + limits::ROLES_SPACING_MS.max(found.len() as i64 * limits::ROLES_SPACING_PER_SESSION_MS);
        for session in self.occupants.named_before(number) {
            if !found.contains_key(&session) {
                self.session_missing(session);
            }
        }
        for (session, (nick, affiliation)) in found {
            self.occupant_is_listed(session, &nick, affiliation, number);
        }
        self.roles_known(now_ms);
    }

    fn roles_refused(&mut self, now_ms: i64) {
        self.roles.reading = None;
        self.roles.refused_until_ms = now_ms + limits::ROLES_REFUSED_MS;
        self.believe_presences();
        self.roles_known(now_ms);
    }

    /// The server does not say more than its presences did: whoever they left open counts as gone.
    fn believe_presences(&mut self) {
        for session in self.occupants.doubted() {
            self.session_left(session);
        }
    }

    fn roles_known(&mut self, now_ms: i64) {
        if !std::mem::replace(&mut self.roles.has_entered, true) {
            self.events.push(RoomEvent::Inside);
        }
        self.roles.at_ms = self.roles.at_ms.max(self.roles.earliest_ms);
        if self.occupants.has_shared_nicks() {
            self.look_again(now_ms, Look::InTime);
        }
    }
}
