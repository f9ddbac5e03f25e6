//! The affiliation lists of a room and what it tells of them in between: who belongs to it, whether or not they are in it.
//! Not who is in the room: that is occupants.rs.

use super::advice::unanswered;
use super::roles::Look;
use super::{Phase, RoomWatch};
use crate::limits;
use crate::ns;
use crate::server::Software;
use crate::stanza::address::Address;
use crate::stanza::wire::{Purpose, Response, Unanswered, Wire};
use crate::stanza::{Shell, StanzaKind};
use crate::xml::{Element, WriteXml};
use neerc_core::people::{Affiliation, Person};
use std::collections::{BTreeMap, BTreeSet};

/// The lists that are read, each by a request of its own: one server answers only the first item of a request.
pub(super) const LISTS: [&str; 3] = ["owner", "admin", "member"];
/// The list that is read where a whole domain is on one of those: it says who of the domain has no rights.
pub(super) const OUTCASTS: &str = "outcast";

#[derive(Debug, Default)]
pub(super) struct ListReading {
    /// When the lists were asked for, in ms.
    began_ms: i64,
    /// Lists that are not answered yet.
    pub(super) awaited: usize,
    pub(super) listed: BTreeMap<Person, Affiliation>,
    /// What occupants' presences told in between: newer than the lists that were answered before it, and no older than
    /// those answered after it, for the room speaks in order.
    pub(super) pushed: BTreeMap<Person, Affiliation>,
    /// The service has come into the room in between; what changed before that was not told, so all is read again.
    pub(super) again: bool,
    /// Something in between hinted at a change, so all is read once more afterwards.
    hinted: bool,
    /// It was time for it, and nothing has hinted at a change.
    pub(super) is_routine: bool,
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
        self.readings += 1;
        self.reading = Some(ListReading { began_ms: now_ms, awaited: LISTS.len(), ..ListReading::default() });
        self.read_on_entry = false;
        self.hint_waits = false;
        self.hints_from_ms = now_ms + limits::HINT_SPACING_MS;
        self.read_at_ms = now_ms + self.reread_ms();
        for affiliation in LISTS {
            self.read_list(now_ms, affiliation, wire);
        }
        if std::mem::take(&mut self.is_config_due) {
            self.read_config(now_ms, wire);
        }
    }

    /// How long the lists may be believed: where the service is not in the room, nothing tells it of changes.
    pub(super) fn reread_ms(&self) -> i64 {
        match self.phase {
            Phase::In if self.is_untold() => limits::REREAD_UNTOLD_MS,
            Phase::In => limits::REREAD_ROOM_MS,
            _ => limits::REREAD_OUTSIDE_MS,
        }
    }

    /// Whether the server tells nothing of what changes for people who are not in the room: no Openfire does, nor one that
    /// was found out.
    pub(crate) fn is_untold(&self) -> bool {
        self.software == Some(Software::Openfire) || self.is_found_untold
    }

    /// Reads the lists because it is time to.
    pub(super) fn read_due_lists(&mut self, now_ms: i64, wire: &mut Wire) {
        let is_routine = !self.hint_waits && self.phase == Phase::In && self.has_read;
        self.read_lists(now_ms, wire);
        if let Some(reading) = &mut self.reading {
            reading.is_routine = is_routine;
        }
    }

    /// Whether a reading that nothing has hinted at gives somebody a place who had none, or a lower one: rooms tell of that
    /// before they answer. Not who has lost one, for power that no list names comes and goes with presences.
    fn finds_untold(&self, reading: &ListReading) -> bool {
        let is_news = |(person, affiliation): (&Person, &Affiliation)| {
            !reading.pushed.contains_key(person) && self.listed.get(person) < Some(affiliation)
        };
        let is_quiet = reading.is_routine && !reading.hinted && reading.failures.is_empty();
        is_quiet && self.phase == Phase::In && reading.listed.iter().any(is_news)
    }

    /// Which server this is.
    pub fn server_is(&mut self, now_ms: i64, software: Option<Software>) {
        self.software = software;
        self.read_at_ms = self.read_at_ms.min(now_ms.saturating_add(self.reread_ms()));
    }

    /// Whether the lists are being read.
    pub(crate) fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Somebody unknown asks for something: reads the lists, unless that was done a moment ago; says whether they are
    /// being read.
    pub(crate) fn reads_for_unknown(&mut self, now_ms: i64, wire: &mut Wire) -> bool {
        if self.reading.is_none() && self.phase == Phase::In && self.hints_from_ms <= now_ms {
            self.read_lists(now_ms, wire);
        }
        self.reading.is_some()
    }

    /// When the lists are to be read next, unless they are being read.
    pub(super) fn lists_due_ms(&self) -> i64 {
        if self.hint_waits { self.read_at_ms.min(self.hints_from_ms) } else { self.read_at_ms }
    }

    /// Something says that the lists have changed. Whoever says so need not be the room, so nothing is taken from it but
    /// that it is time to read: one reading at a time, one more after it for all hints in between, and no more often than
    /// what a reading costs allows.
    pub(super) fn hinted(&mut self, now_ms: i64, wire: &mut Wire) {
        match &mut self.reading {
            Some(reading) => reading.hinted = true,
            None if self.hints_from_ms <= now_ms => self.read_lists(now_ms, wire),
            None => self.hint_waits = true,
        }
    }

    pub(super) fn read_list(&self, now_ms: i64, affiliation: &'static str, wire: &mut Wire) {
        let purpose = Purpose::List { room: self.index, affiliation, reading: self.readings };
        wire.request(now_ms, "get", &self.jid, |out| list_query(out, "affiliation", affiliation), purpose);
    }

    /// Takes the answer to the request for one list, made for the reading of that number, or why there is none. A list that
    /// cannot be read keeps its people; the others count.
    pub fn list(
        &mut self,
        now_ms: i64,
        affiliation: &'static str,
        number: u64,
        response: Response<'_>,
        wire: &mut Wire,
    ) {
        let Some(reading) = self.reading.as_mut().filter(|_| number == self.readings) else { return };
        if let Some(iq) = response.result() {
            read_items(iq, affiliation, &mut reading.listed);
        }
        let kind = if let Response::Nothing(unanswered) = response { unanswered } else { Unanswered::InTime };
        reading.failures.extend(response.failure().map(|why| Failure { affiliation, kind, why }));
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
        let Some(reading) = self.reading.take() else { return };
        self.read(now_ms, reading, wire);
    }

    /// Takes what the lists say that could be read.
    fn read(&mut self, now_ms: i64, reading: ListReading, wire: &mut Wire) {
        if !self.is_found_untold && self.finds_untold(&reading) {
            self.is_found_untold = true;
            self.read_at_ms = now_ms + self.reread_ms();
        }
        let ListReading { began_ms, mut listed, pushed, hinted, failures, .. } = reading;
        self.keep_unread(&mut listed, &failures);
        if failures.is_empty() {
            self.note_implicit(now_ms, &listed, &pushed);
        }
        for (person, affiliation) in pushed {
            set_listed(&mut listed, &person, affiliation);
        }
        for (person, (affiliation, _)) in &self.implicit {
            let known = listed.entry(person.clone()).or_insert(*affiliation);
            *known = (*known).max(*affiliation);
        }
        let people = i64::try_from(listed.len()).unwrap_or(i64::MAX) / limits::HINT_SPACING_PEOPLE;
        let took_ms = now_ms - began_ms;
        // What took longer than any answer is waited for was a machine that slept.
        let is_long = (limits::LONG_READING_MS + 1..=limits::ANSWER_MS).contains(&took_ms);
        let rest_ms = if is_long { 2 * took_ms } else { 0 };
        let spacing_ms = limits::HINT_SPACING_MS + people.min(limits::HINT_SPACING_PEOPLE_MS);
        self.hints_from_ms = began_ms + spacing_ms.max(rest_ms);
        self.hint_waits = hinted;
        self.replace_listed(listed);
        self.keeps_people = false;
        if failures.is_empty() && (self.is_raw || self.name_owners(now_ms, wire)) {
            return; // the lists are read again once that is done
        }
        self.has_ended(now_ms, &failures, wire);
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
                // Whoever is on another list now is not on this one any more.
                listed.entry(person.clone()).or_insert(*affiliation);
            }
        }
    }

    /// A reading of the lists has ended.
    fn has_ended(&mut self, now_ms: i64, failures: &[Failure], wire: &Wire) {
        let Some(failure) = failures.first() else {
            self.has_read = true;
            self.trouble = None;
            self.judge_remade();
            return;
        };
        if failure.kind == Unanswered::InTime {
            self.hints_from_ms = now_ms + limits::REREAD_OUTSIDE_MS;
        }
        // A room that is only just being created has no lists yet.
        if self.phase != Phase::In {
            self.read_on_entry = true;
            self.read_at_ms = now_ms + limits::REREAD_OUTSIDE_MS;
            return;
        }
        if failure.kind == Unanswered::InTime {
            self.read_at_ms = now_ms + limits::RETRY_ROOM_MS;
        }
        self.has_read = true;
        let text = match failure.kind {
            Unanswered::TooLong => format!(
                "the {} list of {} cannot be read ({}), so those on it are known only as far as they were before, or are in \
                 the room: take people off the list, or divide the room",
                failure.affiliation,
                self.jid.as_str(),
                failure.why
            ),
            Unanswered::InTime if !wire.is_answered => unanswered(&self.settings.component),
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

    /// Notes who is in the room with more than the lists say: they have it by the server's configuration, and keep it
    /// for a while after they have left. Who was given it while the lists were read is no such one.
    fn note_implicit(
        &mut self,
        now_ms: i64,
        listed: &BTreeMap<Person, Affiliation>,
        pushed: &BTreeMap<Person, Affiliation>,
    ) {
        self.implicit.retain(|_, (_, until_ms)| *until_ms > now_ms);
        for (person, affiliation) in self.occupants.standings() {
            let said = listed.get(&person).copied().unwrap_or(Affiliation::None);
            if affiliation >= Affiliation::Admin && said < affiliation && !pushed.contains_key(&person) {
                self.implicit.insert(person, (affiliation, now_ms + limits::REREAD_ROOM_MS));
            }
        }
    }

    /// Takes a message from the room's own address. It is how rooms tell of people who are not in them, but one server
    /// also hands on from there what strangers have written, so it is a hint and no more.
    pub fn message(&mut self, now_ms: i64, shell: &Shell<'_>, element: &Element<'_>, wire: &mut Wire) {
        let x = element.child("x", ns::MUC_USER).filter(|_| shell.from.resource().is_none() && shell.type_ != "error");
        let Some(x) = x else { return };
        // With a status code rooms say that their configuration has changed.
        self.is_config_due |= x.child("status", ns::MUC_USER).is_some();
        self.hinted(now_ms, wire);
    }

    /// Something of the room could not be read. Most of what is in a presence the occupant has written, and they may
    /// have made it too long just to hide what the room says of them in it; so from now on only the lists count.
    pub fn unread(&mut self, now_ms: i64, shell: &Shell<'_>, wire: &mut Wire) {
        match (shell.kind, shell.from.resource(), shell.type_) {
            (StanzaKind::Iq, ..) | (_, _, "error") => return,
            (StanzaKind::Message, resource, _) if resource.is_some() => return,
            (StanzaKind::Presence, Some(nick), "unavailable") if nick == self.own_nick.now => self.left(now_ms, now_ms),
            (StanzaKind::Presence, Some(nick), "unavailable") => {
                self.sessions_of(nick).into_iter().for_each(|session| self.session_left(session));
                self.look_again(now_ms, Look::Soon); // others may share the nick
            }
            (StanzaKind::Presence, Some(nick), _) => self.occupant_unread(now_ms, nick),
            _ => {}
        }
        self.hinted(now_ms, wire);
    }

    fn occupant_unread(&mut self, now_ms: i64, nick: &str) {
        let people: BTreeSet<Person> = self.occupants.of_nick(nick).map(Address::person).collect();
        for person in people {
            self.implicit.remove(&person);
            self.note_standing(&person, Affiliation::None);
        }
        self.look_again(now_ms, Look::Soon);
    }

    /// Takes the affiliation in the presence of an occupant as the newest truth about a person.
    pub(super) fn note_affiliation(&mut self, person: &Person, affiliation: Affiliation) {
        if self.implicit.get(person).is_some_and(|(known, _)| affiliation < *known) {
            self.implicit.remove(person);
        }
        if is_domain(person) {
            return; // an occupant is one address, also one without a name; only lists speak of all of a domain
        }
        if let Some(reading) = &mut self.reading {
            reading.pushed.insert(person.clone(), affiliation);
        }
        if !set_listed(&mut self.listed, person, affiliation) {
            return;
        }
        self.note_standing(person, affiliation);
        self.occupants.changed_people.insert(person.clone());
        self.hint_waits |= self.is_distrusted(); // who has power there is judged with the lists
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
    let items = iq.child("query", ns::MUC_ADMIN).into_iter().flat_map(|query| query.elements());
    for item in items.filter(|item| item.is("item", ns::MUC_ADMIN)) {
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
pub fn member_list(out: &mut Vec<u8>) {
    list_query(out, "affiliation", "member");
}

/// Payload of a request for the list of those with that affiliation or role.
pub(super) fn list_query(out: &mut Vec<u8>, by: &str, value: &str) {
    out.open("query").xmlns(ns::MUC_ADMIN).inside(|out| out.open("item").attr(by, value).empty());
}
