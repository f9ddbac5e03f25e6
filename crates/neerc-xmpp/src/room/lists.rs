//! The affiliation lists of a room and what it tells of them in between: who belongs to it, whether or not they are in it.
//! Not who is in the room: that is occupants.rs.

use super::occupants::jid_item;
use super::{NS_MUC_ADMIN, NS_MUC_USER, Phase, RoomEvent, RoomWatch, error_text};
use crate::address::Address;
use crate::stanza::Shell;
use crate::wire::{Purpose, Unanswered, Wire};
use crate::xml::Element;
use neerc_core::limits;
use neerc_core::people::{Affiliation, Person};
use std::collections::BTreeMap;

/// The lists that are read, each by a request of its own: one server answers only the first item of a request.
pub(super) const LISTS: [&str; 3] = ["owner", "admin", "member"];
/// The list that is read where a whole domain is on one of those: it says who of the domain has no rights.
pub(super) const OUTCASTS: &str = "outcast";

#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Lists that are not answered yet.
    pub(super) awaited: usize,
    pub(super) listed: BTreeMap<Person, Affiliation>,
    /// What the room told of in between: newer than the lists that were answered before it, and no older than those
    /// answered after it, for the room speaks in order.
    pub(super) pushed: BTreeMap<Person, Affiliation>,
    /// The service has come into the room in between; what changed before that was not told, so all is read again.
    pub(super) again: bool,
    failures: Vec<Failure>,
}

/// Why one list could not be read.
#[derive(Debug)]
pub(super) struct Failure {
    affiliation: &'static str,
    kind: Unanswered,
    why: String,
}

impl RoomWatch {
    pub(super) fn read_lists(&mut self, now_ms: i64, wire: &mut Wire) {
        self.reading = Some(Reading { awaited: LISTS.len(), ..Reading::default() });
        self.read_on_entry = false;
        self.read_at_ms = now_ms + limits::REREAD_ROOM_MS;
        for affiliation in LISTS {
            self.read_list(now_ms, affiliation, wire);
        }
    }

    pub(super) fn read_list(&self, now_ms: i64, affiliation: &'static str, wire: &mut Wire) {
        let payload = format!("<query xmlns='{NS_MUC_ADMIN}'><item affiliation='{affiliation}'/></query>");
        let purpose = Purpose::List { room: self.index, affiliation };
        wire.request(now_ms, "get", &self.jid, &payload, purpose);
    }

    /// Takes the answer to the request for one list, or why there is none. A list that cannot be read keeps its people; the
    /// others count.
    pub fn list(
        &mut self,
        now_ms: i64,
        affiliation: &'static str,
        answer: Result<&Element<'_>, Unanswered>,
        wire: &mut Wire,
    ) {
        let Some(reading) = &mut self.reading else { return };
        let failure = match answer {
            Err(unanswered) => Some((unanswered, unanswered.to_string())),
            Ok(iq) if iq.attr("type") == Some("error") => Some((Unanswered::InTime, error_text(iq))),
            Ok(iq) => {
                read_items(iq, affiliation, &mut reading.listed);
                None
            }
        };
        reading.failures.extend(failure.map(|(kind, why)| Failure { affiliation, kind, why }));
        reading.awaited = reading.awaited.saturating_sub(1);
        if reading.awaited > 0 {
            return;
        }
        if reading.again {
            return self.read_lists(now_ms, wire);
        }
        if affiliation != OUTCASTS && reading.listed.keys().any(is_domain) {
            reading.awaited = 1;
            return self.read_list(now_ms, OUTCASTS, wire);
        }
        let Reading { mut listed, pushed, failures, .. } = std::mem::take(reading);
        self.reading = None;
        self.keep_unread(&mut listed, &failures);
        for (person, affiliation) in pushed {
            set_listed(&mut listed, &person, affiliation);
        }
        self.replace_listed(listed);
        if failures.is_empty() && (self.is_raw || self.name_owners(now_ms, wire)) {
            return; // the lists are read again once that is done
        }
        self.read(now_ms, &failures);
    }

    /// Adds those on lists that could not be read, as far as they are known from before.
    fn keep_unread(&self, listed: &mut BTreeMap<Person, Affiliation>, failures: &[Failure]) {
        for failure in failures {
            let unread = Affiliation::parse(failure.affiliation);
            if failure.affiliation == OUTCASTS {
                // Who of a domain has no rights is not known, so no domain may have got any.
                listed.retain(|person, _| !is_domain(person) || self.listed.contains_key(person));
            }
            for (person, affiliation) in self.listed.iter().filter(|(_, affiliation)| Some(**affiliation) == unread) {
                let known = listed.entry(person.clone()).or_insert(*affiliation);
                *known = (*known).max(*affiliation);
            }
        }
    }

    /// A reading of the lists has ended.
    fn read(&mut self, now_ms: i64, failures: &[Failure]) {
        let Some(failure) = failures.first() else {
            self.has_read = true;
            self.trouble = None;
            self.events.push(RoomEvent::Read);
            return;
        };
        // A room that is only just being created has no lists yet.
        if self.phase != Phase::In {
            self.read_at_ms = now_ms + 1_000;
            return;
        }
        if failure.kind == Unanswered::InTime {
            self.read_at_ms = now_ms + limits::RETRY_ROOM_MS;
        }
        self.has_read = true;
        self.events.push(RoomEvent::Read);
        let text = match failure.kind {
            Unanswered::TooLong => format!(
                "the {} list of {} cannot be read ({}), so those on it are known only as far as they were before, or are in \
                 the room: take people off the list, or divide the room",
                failure.affiliation,
                self.jid.as_str(),
                failure.why
            ),
            Unanswered::InTime => self.unreadable(failure.affiliation, &failure.why),
        };
        self.report(text);
    }

    fn replace_listed(&mut self, listed: BTreeMap<Person, Affiliation>) {
        let before = std::mem::replace(&mut self.listed, listed);
        let changed = &mut self.occupants.changed_people;
        changed
            .extend(self.listed.iter().filter(|(who, now)| before.get(*who) != Some(now)).map(|(who, _)| who.clone()));
        changed.extend(before.into_keys().filter(|who| !self.listed.contains_key(who)));
    }

    pub(super) fn unreadable(&self, affiliation: &str, failure: &str) -> String {
        let component = &self.settings.component;
        format!(
            "the {affiliation} list of {} cannot be read ({failure}), so only people who are in the room are known: \
             make {component} an owner of all rooms; in Prosody by admins = {{ \"{component}\" }} in the \
             Component ... \"muc\" section; in ejabberd by acl: neerc: server: {component} and access_admin with \
             allow: neerc in mod_muc; in Openfire by adding {component} to the administrators of the group chat service",
            self.jid.as_str()
        )
    }

    /// Takes a message from the room itself: how it tells of the affiliations of people who are not in it.
    pub fn message(&mut self, shell: &Shell<'_>, element: &Element<'_>) {
        if shell.from.resource().is_some() || matches!(shell.type_, "error" | "groupchat") {
            return;
        }
        for item in element.child("x", NS_MUC_USER).into_iter().flat_map(|x| x.elements()) {
            if let Some((jid, affiliation)) = jid_item(item) {
                self.note_affiliation(&jid.person(), affiliation);
                // Also of somebody of whom the lists say the same: what their presence said may be older.
                self.note_standing(&jid.person(), affiliation);
            }
        }
    }

    /// Takes an affiliation as the newest truth about a person.
    pub(super) fn note_affiliation(&mut self, person: &Person, affiliation: Affiliation) {
        if let Some(reading) = &mut self.reading {
            reading.pushed.insert(person.clone(), affiliation);
        }
        if !set_listed(&mut self.listed, person, affiliation) {
            return;
        }
        if is_domain(person) && affiliation >= Affiliation::Member {
            // Who of the domain is an outcast was of no account before.
            self.read_at_ms = i64::MIN;
        }
        self.note_standing(person, affiliation);
        self.occupants.changed_people.insert(person.clone());
    }

    /// Gives all sessions of a person who is in the room this affiliation.
    pub(super) fn note_standing(&mut self, person: &Person, affiliation: Affiliation) {
        self.occupants.affiliate(person, affiliation);
    }
}

/// Notes what a person's affiliation is now, as the lists would; says whether that is news.
pub(super) fn set_listed(
    listed: &mut BTreeMap<Person, Affiliation>,
    person: &Person,
    affiliation: Affiliation,
) -> bool {
    let is_listed = affiliation != Affiliation::None;
    let before = if is_listed { listed.insert(person.clone(), affiliation) } else { listed.remove(person) };
    before != Some(affiliation).filter(|_| is_listed)
}

/// Whether an entry of a list is a whole domain.
pub(super) fn is_domain(listed: &Person) -> bool {
    !listed.bare().contains('@')
}

/// Reads the items of one list into `listed`, keeping the highest affiliation of each person.
pub(super) fn read_items(iq: &Element<'_>, affiliation: &str, listed: &mut BTreeMap<Person, Affiliation>) {
    let items = iq.child("query", NS_MUC_ADMIN).into_iter().flat_map(|query| query.elements());
    for item in items.filter(|item| item.is("item", NS_MUC_ADMIN)) {
        let affiliation = Affiliation::parse(item.attr("affiliation").unwrap_or(affiliation));
        let (Some(jid), Some(affiliation)) = (item.attr("jid").and_then(Address::parse), affiliation) else { continue };
        let known = listed.entry(jid.person()).or_insert(affiliation);
        *known = (*known).max(affiliation);
    }
}

/// The members of a room that stands for a group, from the answer to [`member_list`].
pub fn members(iq: &Element<'_>) -> Vec<Person> {
    let mut listed = BTreeMap::new();
    read_items(iq, "member", &mut listed);
    listed.into_keys().collect()
}

/// Payload of a request for the member list of a room.
pub fn member_list() -> String {
    format!("<query xmlns='{NS_MUC_ADMIN}'><item affiliation='member'/></query>")
}
