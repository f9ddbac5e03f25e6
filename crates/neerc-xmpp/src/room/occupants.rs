//! Who is in a room: its occupants by nick, each with their sessions. Not who belongs to it: that is lists.rs.

use super::{NS_MUC_USER, RoomEvent, RoomWatch};
use crate::address::Address;
use crate::contacts::Client;
use crate::xml::Element;
use neerc_core::people::Affiliation;
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Default, Clone)]
pub(super) struct Occupant {
    pub(super) sessions: BTreeMap<Address, Affiliation>,
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
        for (session, affiliation) in &items {
            self.note_affiliation(&session.person(), *affiliation);
        }
        let several = items.len() > 1;
        self.names_all_sessions |= several;
        let named: BTreeMap<Address, Affiliation> = items.into_iter().collect();
        if let Some(refreshed) = &mut self.refreshed {
            refreshed.insert(nick.to_owned(), Occupant { sessions: named.clone() });
        }
        let occupant = self.occupants.entry(nick.to_owned()).or_default();
        let mut new = named.keys().filter(|session| !occupant.sessions.contains_key(session));
        let (first_new, second_new) = (new.next().cloned(), new.next().is_some());
        let nobody_new = first_new.is_none();
        // Of several sessions under one nick the presence shows the client of one: of that which is new.
        let shown = if named.len() == 1 { named.keys().next().cloned() } else { first_new.filter(|_| !second_new) };
        if several && nobody_new && self.refreshed.is_none() && self.refresh_at_ms.is_none() {
            // One session of several may have gone: the server still names it this once. Ask for the state anew.
            self.refresh_at_ms = Some(now_ms + 200);
        }
        for (session, affiliation) in named {
            // The server may name only the latest session of an account; the others have the same affiliation.
            for (known, standing) in &mut occupant.sessions {
                if known.bare() == session.bare() {
                    *standing = affiliation;
                }
            }
            occupant.sessions.insert(session.clone(), affiliation);
            // Said each time: a session that counts as gone since a stanza came back from it may be here again.
            let client = if shown.as_ref() == Some(&session) { client } else { Client::Unknown };
            self.events.push(RoomEvent::Joined(session, client));
        }
        self.stale = true;
    }

    pub(super) fn occupant_left(&mut self, nick: &str, x: Option<&Element<'_>>) {
        for (session, affiliation) in x.into_iter().flat_map(|x| x.elements()).filter_map(jid_item) {
            self.note_affiliation(&session.person(), affiliation);
        }
        if let Some(refreshed) = &mut self.refreshed {
            refreshed.remove(nick);
        }
        if let Some(occupant) = self.occupants.remove(nick) {
            self.events.extend(occupant.sessions.into_keys().map(RoomEvent::Left));
            self.stale = true;
        }
    }

    /// An occupant has a new nick, with all its sessions; nobody has left.
    pub(super) fn renamed(&mut self, nick: &str, x: Option<&Element<'_>>) {
        let Some(new) = x.and_then(new_nick) else { return self.occupant_left(nick, x) };
        for occupants in self.refreshed.iter_mut().chain([&mut self.occupants]) {
            if let Some(occupant) = occupants.remove(nick) {
                occupants.entry(new.clone()).or_default().sessions.extend(occupant.sessions);
            }
        }
        self.stale = true;
    }

    pub(super) fn replace_occupants(&mut self, refreshed: HashMap<String, Occupant>) {
        if !self.names_all_sessions {
            return;
        }
        let mut gone = Vec::new();
        for (nick, occupant) in &self.occupants {
            let now = refreshed.get(nick);
            let here = |session: &Address| now.is_some_and(|now| now.sessions.contains_key(session));
            gone.extend(occupant.sessions.keys().filter(|session| !here(session)).cloned());
        }
        self.occupants = refreshed;
        self.events.extend(gone.into_iter().map(RoomEvent::Left));
        self.stale = true;
    }

    /// The sessions of an occupant.
    pub fn sessions_of(&self, nick: &str) -> Vec<Address> {
        self.occupants.get(nick).map(|occupant| occupant.sessions.keys().cloned().collect()).unwrap_or_default()
    }
}

pub(super) fn new_nick(x: &Element<'_>) -> Option<String> {
    x.child("item", NS_MUC_USER)?.attr("nick").map(str::to_owned)
}

pub(super) fn jid_item(item: &Element<'_>) -> Option<(Address, Affiliation)> {
    if !item.is("item", NS_MUC_USER) {
        return None;
    }
    Some((Address::parse(item.attr("jid")?)?, Affiliation::parse(item.attr("affiliation")?)?))
}
