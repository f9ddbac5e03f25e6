//! The service as an occupant of a chat room (XEP-0045): joining and staying. Who belongs to the room is in lists.rs, who is
//! in it in occupants.rs, the making of a missing one in setup.rs. Not what these people may do: that is core's.

pub mod groups;

mod advice;
mod lists;
mod nick;
mod occupants;
mod owners;
mod remade;
mod roles;
mod setup;
mod stay;

use self::lists::{ListReading, is_domain};
pub use self::lists::{member_list, members};
use self::nick::OwnNick;
use self::occupants::{Occupants, new_nick};
use self::remade::Remade;
use self::roles::Roles;
use crate::chat::contacts::Client;
use crate::limits;
use crate::ns;
use crate::server::Software;
use crate::stanza::address::Address;
use crate::stanza::wire::{Purpose, Wire, ping};
use crate::stanza::{Shell, error_condition, error_text};
use crate::xml::{Element, WriteXml};
use neerc_core::change::Room;
use neerc_core::people::{Affiliation, GroupBook, People, Person, Standing};
use std::collections::BTreeMap;

/// What the configuration says of every room.
#[derive(Clone, Debug)]
pub struct RoomSettings {
    /// The component's domain; its own JIDs are never users.
    pub component: String,
    /// The domain of the users whose names are short.
    pub host: String,
    /// The nick to join with.
    pub nickname: String,
    /// Secret random text, from which nicks are made that nobody can guess.
    pub nick_seed: String,
    /// What is said to whoever is put out because they hold the service's nick.
    pub nick_reason: String,
    /// The service's address towards the rooms.
    pub jid: String,
    /// Who becomes an owner where nobody but the service has power.
    pub owners: Vec<Address>,
    /// Whether occupants without an affiliation count as ordinary users.
    pub admit_unaffiliated: bool,
}

/// What the rest of the program must know of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomEvent {
    /// A session is in the room, with that client as far as is known.
    Joined(Address, Client),
    /// A session has left the room.
    Left(Address),
    /// A session is not in the room any more, and has left at a time that nobody told of.
    Missing(Address),
    /// The service is in the room and knows who is there.
    Inside,
    /// The service is not in the room any more; everybody known to be there is forgotten.
    Outside,
    /// The room was missing and has been created.
    Created,
    /// Nobody but the service had power, so these became owners.
    OwnersNamed(String),
    /// Something that whoever runs the service must mend.
    Trouble(String),
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// Not in the room; to be joined at that time (ms).
    Out { retry_ms: i64 },
    /// Asked to join; given up at that time (ms).
    Joining { deadline_ms: i64 },
    /// In the room.
    In,
}

/// One room.
#[derive(Debug)]
pub struct RoomWatch {
    /// Name of the room.
    pub room: Room,
    /// The room's JID.
    pub jid: Address,
    /// Which server this is, once it has said so.
    pub software: Option<Software>,
    index: usize,
    settings: RoomSettings,
    phase: Phase,
    /// When the stream was opened.
    connected_ms: i64,
    own_nick: OwnNick,
    remade: Remade,
    /// What is wrong with how the room is configured, as it was last said.
    config_trouble: Option<String>,
    /// Whether the room's configuration is to be looked at with the next reading of the lists.
    is_config_due: bool,
    occupants: Occupants,
    roles: Roles,
    /// Whether this server has named several sessions of a nick in one presence; then that of a nick which goes is of all.
    names_all_sessions: bool,
    listed: BTreeMap<Person, Affiliation>,
    reading: Option<ListReading>,
    /// How often the lists were asked for; the number of the last reading.
    readings: u64,
    read_at_ms: i64,
    /// A hint waits for its time.
    hint_waits: bool,
    /// The lists have shown that this server tells nothing of people who are not in the room.
    is_found_untold: bool,
    /// No reading for the sake of a hint before that time, in ms.
    hints_from_ms: i64,
    /// Who has power by the server's configuration, which no list says: what it is, and until when it is remembered.
    implicit: BTreeMap<Person, (Affiliation, i64)>,
    has_read: bool,
    /// The lists were not asked for since the service asked to come in.
    read_on_entry: bool,
    self_ping_at_ms: i64,
    /// Requests to come in that were not answered, since the service was last inside.
    unanswered_joins: u32,
    /// The room is new, and not configured yet.
    is_raw: bool,
    /// Owners were named, and nobody with power was seen since.
    has_named_owners: bool,
    people: People,
    /// How often they have changed.
    people_changes: u64,
    stale: bool,
    /// The people are those of the connection before, until something of them is heard on this one.
    keeps_people: bool,
    /// It was heard once who they are.
    is_known: bool,
    trouble: Option<String>,
    events: Vec<RoomEvent>,
}

impl RoomWatch {
    /// A room of the service `service`, not joined yet.
    pub fn new(index: usize, room: Room, jid: Address, settings: RoomSettings) -> RoomWatch {
        RoomWatch {
            room,
            jid,
            software: None,
            index,
            own_nick: OwnNick::new(&settings.nickname),
            remade: Remade::default(),
            config_trouble: None,
            is_config_due: false,
            settings,
            phase: Phase::Out { retry_ms: i64::MAX },
            connected_ms: 0,
            occupants: Occupants::default(),
            roles: Roles::new(),
            names_all_sessions: false,
            listed: BTreeMap::new(),
            reading: None,
            readings: 0,
            hint_waits: false,
            is_found_untold: false,
            read_at_ms: i64::MAX,
            hints_from_ms: i64::MIN,
            implicit: BTreeMap::new(),
            has_read: false,
            read_on_entry: false,
            self_ping_at_ms: i64::MAX,
            unanswered_joins: 0,
            is_raw: false,
            has_named_owners: false,
            people: People::default(),
            people_changes: 0,
            stale: true,
            keeps_people: false,
            is_known: false,
            trouble: None,
            events: Vec::new(),
        }
    }

    /// What happened since the last call.
    pub fn take_events(&mut self) -> Vec<RoomEvent> {
        std::mem::take(&mut self.events)
    }

    /// Whether the service is in the room and has read who its people are.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::In && self.has_read && self.roles.has_entered
    }

    /// Whether it was heard since the start who the people are.
    pub fn is_known(&self) -> bool {
        self.is_known
    }

    /// What is wrong with the room now, if anything is.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Whether the service is in the room.
    pub fn is_inside(&self) -> bool {
        self.phase == Phase::In
    }

    /// The people as they are known now.
    pub fn people(&self) -> &People {
        &self.people
    }

    /// A number that is another one whenever the people may be others.
    pub fn people_changes(&self) -> u64 {
        self.people_changes
    }

    /// Works out the people where something has changed; says whether the list of users is another one now.
    pub fn refresh_people(&mut self, book: &GroupBook) -> bool {
        self.is_known |= self.is_ready();
        if self.keeps_people {
            return false;
        }
        let people = std::mem::take(&mut self.occupants.changed_people);
        let nicks = std::mem::take(&mut self.occupants.changed_nicks);
        if std::mem::take(&mut self.stale) {
            self.build_people(book);
            self.people_changes += 1;
            return true;
        }
        self.people_changes += u64::from(!people.is_empty() || !nicks.is_empty());
        let mut is_news = false;
        for person in people {
            is_news |= self.people.update(&person, self.standing(&person), book);
        }
        for nick in nicks {
            let person = self.occupants.of_nick(&nick).next().map(Address::person);
            self.people.name_occupant(&nick, person);
        }
        is_news
    }

    fn build_people(&mut self, book: &GroupBook) {
        // An occupant is one address, also one without a name; only lists speak of all of a domain.
        let present = self.occupants.standings().filter(|(person, _)| !is_domain(person));
        let present = present.map(|(person, affiliation)| (person, self.admitted(affiliation)));
        let listed = self.listed.iter().map(|(person, affiliation)| (person.clone(), *affiliation));
        let standings = listed
            .chain(present)
            .filter(|(person, _)| person.domain() != self.settings.component)
            .map(|(person, affiliation)| Standing { affiliation: self.trusted(&person, affiliation), person });
        let nicks = self.occupants.nicks().map(|(nick, person)| (nick.to_string(), person)).collect();
        self.people = People::build(&self.settings.host, &self.own_nick.now, standings, nicks, book);
    }

    /// The highest affiliation that is known of a person.
    fn standing(&self, person: &Person) -> Affiliation {
        if person.domain() == self.settings.component {
            return Affiliation::None;
        }
        let present = self.occupants.affiliations(person.bare()).map(|affiliation| self.admitted(affiliation));
        let known = self.listed.get(person).copied().into_iter().chain(present.filter(|_| !is_domain(person)));
        let known = known.map(|affiliation| self.trusted(person, affiliation));
        known.filter(|affiliation| *affiliation != Affiliation::None).max().unwrap_or(Affiliation::None)
    }

    /// What an occupant's affiliation counts as.
    fn admitted(&self, affiliation: Affiliation) -> Affiliation {
        let admits = self.settings.admit_unaffiliated && affiliation == Affiliation::None;
        if admits { Affiliation::Member } else { affiliation }
    }

    /// Asks for a new look at the people at the next occasion, because their groups have changed.
    pub fn groups_changed(&mut self) {
        self.stale = true;
    }

    /// Takes other settings of who becomes an owner and who counts as a user.
    pub fn renew(&mut self, owners: Vec<Address>, admit_unaffiliated: bool) {
        (self.settings.owners, self.settings.admit_unaffiliated) = (owners, admit_unaffiliated);
        self.stale = true;
    }

    /// The stream is open: read the lists and join.
    pub fn connected(&mut self, now_ms: i64, wire: &mut Wire) {
        self.connected_ms = now_ms;
        self.has_read = false;
        self.reading = None;
        self.is_raw = false;
        self.has_named_owners = false;
        self.own_nick = OwnNick::new(&self.settings.nickname).after(&self.own_nick);
        self.join(now_ms, wire);
        self.read_lists(now_ms, wire);
    }

    /// The stream is gone: nobody is known to be there. Who belongs to the room is kept, with their nicks and groups.
    pub fn disconnected(&mut self) {
        self.reading = None;
        self.read_at_ms = i64::MAX;
        self.left(i64::MAX, i64::MAX);
        self.keeps_people = true;
    }

    /// Says good-bye to the room.
    pub fn leave(&mut self, wire: &mut Wire) {
        if self.phase == Phase::In {
            wire.presence(Some("unavailable"), &self.own_occupant(), |_| {});
        }
    }

    /// When [`RoomWatch::timeout`] has something to do.
    pub fn next_timeout_ms(&self) -> i64 {
        let phase = match self.phase {
            Phase::Out { retry_ms } => retry_ms,
            Phase::Joining { deadline_ms } => deadline_ms,
            Phase::In => self.self_ping_at_ms.min(self.roles.next_timeout_ms()).min(self.own_nick.retry_ms),
        };
        if self.reading.is_some() { phase } else { phase.min(self.lists_due_ms()) }
    }

    /// Does what is due.
    pub fn timeout(&mut self, now_ms: i64, wire: &mut Wire) {
        match self.phase {
            Phase::Out { retry_ms } if retry_ms <= now_ms => self.join(now_ms, wire),
            Phase::Joining { deadline_ms } if deadline_ms <= now_ms => {
                if self.joins_again_quickly(now_ms, wire) {
                    return;
                }
                self.report(format!("{} did not answer the request to join", self.jid.as_str()));
                self.unanswered_joins += 1;
                if self.unanswered_joins >= limits::UNANSWERED_JOINS {
                    self.make_up_nick(); // one server answers nothing under a nick whose last holder it has half forgotten
                }
                self.left(now_ms, now_ms + limits::RETRY_ROOM_MS);
            }
            Phase::In if self.self_ping_at_ms <= now_ms => {
                self.self_ping_at_ms = now_ms + limits::SELF_PING_MS;
                if let Some(own) = Address::parse(&self.own_occupant()) {
                    wire.request(now_ms, "get", &own, ping, Purpose::SelfPing { room: self.index });
                }
            }
            _ => {}
        }
        if self.own_nick.retry_ms <= now_ms {
            self.reclaim_nick(now_ms, wire);
        }
        self.roles_timeout(now_ms, wire);
        if self.reading.is_none() && self.lists_due_ms() <= now_ms {
            self.read_due_lists(now_ms, wire);
        }
    }

    fn own_occupant(&self) -> String {
        format!("{}/{}", self.jid.as_str(), self.own_nick.now)
    }

    fn join(&mut self, now_ms: i64, wire: &mut Wire) {
        self.phase = Phase::Joining { deadline_ms: now_ms + self.join_patience_ms() };
        self.read_on_entry = true;
        self.send_join(wire);
    }

    fn send_join(&self, wire: &mut Wire) {
        wire.presence(None, &self.own_occupant(), |out| {
            out.open("x").xmlns(ns::MUC).inside(|out| out.open("history").number("maxstanzas", 0).empty());
        });
    }

    fn left(&mut self, now_ms: i64, retry_ms: i64) {
        let was_inside = self.phase == Phase::In || !self.occupants.is_empty();
        self.phase = Phase::Out { retry_ms };
        self.occupants.clear();
        self.roles.outside();
        self.self_ping_at_ms = i64::MAX;
        self.implicit.clear();
        self.keeps_people = false;
        // Nothing tells of changes from now on.
        self.read_at_ms = self.read_at_ms.min(now_ms.saturating_add(limits::REREAD_OUTSIDE_MS));
        self.stale = true;
        if was_inside {
            self.events.push(RoomEvent::Outside);
        }
    }

    fn report(&mut self, trouble: String) {
        if self.trouble.as_ref() != Some(&trouble) {
            self.trouble = Some(trouble.clone());
            self.events.push(RoomEvent::Trouble(trouble));
        }
    }

    // Presences and messages of the room

    /// Takes a presence from the room or an occupant of it.
    pub fn presence(&mut self, now_ms: i64, shell: &Shell<'_>, element: &Element<'_>, wire: &mut Wire) {
        // One server speaks of the room itself by presences from its bare JID; nobody is in it by that.
        let Some(nick) = shell.from.resource() else {
            if shell.type_ == "error" {
                self.join_refused(now_ms, element, wire);
            }
            return;
        };
        if shell.type_ == "error" {
            if nick == self.own_nick.now {
                self.join_refused(now_ms, element, wire);
            }
            return;
        }
        let x = element.child("x", ns::MUC_USER);
        let codes: Vec<&str> = x.map(|x| statuses(x)).unwrap_or_default();
        let own = codes.contains(&"110") || (nick == self.own_nick.now && self.phase == Phase::In);
        match (shell.type_, own) {
            ("unavailable", true) if codes.contains(&"303") => {
                if let Some(nick) = x.and_then(new_nick) {
                    self.own_nick.now = nick;
                    self.stale = true;
                }
            }
            ("unavailable", true) if x.is_some_and(|x| x.child("destroy", ns::MUC_USER).is_some()) => {
                self.report(format!("{} was destroyed; joining it again", self.jid.as_str()));
                self.destroyed(now_ms, wire);
            }
            ("unavailable", true) => {
                if self.phase == Phase::In && !self.may_end_an_earlier_stay(now_ms, &codes) {
                    self.report(format!("{} put the service out; joining it again", self.jid.as_str()));
                }
                self.left(now_ms, now_ms + limits::REENTER_MS);
            }
            ("unavailable", false) => {
                if codes.contains(&"303") {
                    self.renamed(now_ms, nick, x);
                } else {
                    self.occupant_left(now_ms, nick, x);
                }
                self.nick_is_free(nick, now_ms, wire);
            }
            ("", true) => self.joined(now_ms, nick, &codes, wire),
            ("", false) => self.occupant_is_here(now_ms, nick, x, Client::of(element)),
            _ => {}
        }
    }

    fn joined(&mut self, now_ms: i64, nick: &str, codes: &[&str], wire: &mut Wire) {
        self.stale |= self.own_nick.now != nick;
        self.own_nick.now = nick.to_owned();
        let is_new = codes.contains(&"201");
        if is_new {
            self.events.push(RoomEvent::Created);
            self.is_raw = true;
            let form = |out: &mut Vec<u8>| out.open("query").xmlns(ns::MUC_OWNER).empty();
            wire.request(now_ms, "get", &self.jid, form, Purpose::ConfigForm { room: self.index });
        }
        if self.phase != Phase::In {
            self.phase = Phase::In;
            self.unanswered_joins = 0;
            self.self_ping_at_ms = now_ms + limits::SELF_PING_MS;
            self.trouble = None;
            self.keeps_people = false;
            self.stale = true;
            self.found(is_new);
            self.nick_on_entry(now_ms, wire);
            self.read_roles(now_ms, wire);
            if !is_new {
                self.read_config(now_ms, wire);
            }
            // The lists of a new room are read once it is configured.
            match (std::mem::take(&mut self.read_on_entry) && !is_new, &mut self.reading) {
                // The room does not tell of changes that were made while the service was out.
                (true, Some(reading)) => reading.again = true,
                (true, None) => self.read_lists(now_ms, wire),
                (false, _) => self.read_at_ms = now_ms + self.reread_ms(),
            }
        }
    }

    fn join_refused(&mut self, now_ms: i64, element: &Element<'_>, wire: &mut Wire) {
        if !matches!(self.phase, Phase::Joining { .. }) {
            return;
        }
        let condition = error_condition(element);
        if condition == "conflict" {
            return self.nick_is_taken(now_ms, wire);
        }
        let said = error_text(element);
        let (room, advice) = (self.jid.as_str(), self.join_advice(condition, &said));
        self.report(format!("{room} cannot be joined ({said}): {advice}"));
        self.left(now_ms, now_ms + limits::RETRY_ROOM_MS);
    }
}

fn statuses<'e>(x: &'e Element<'_>) -> Vec<&'e str> {
    x.elements().filter(|e| e.is("status", ns::MUC_USER)).filter_map(|e| e.attr("code")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stanza::wire::Response;
    use crate::xml;

    /// Hands the room a presence of the service itself.
    fn own_presence(room: &mut RoomWatch, now_ms: i64, wire: &mut Wire, type_: &str, code: &str) {
        let stanza = format!(
            "<presence from='neerc@conference.localhost/neerc' to='neerc.localhost' {type_}><x xmlns='{ns}'>\
             <item affiliation='owner'/><status code='110'/><status code='{code}'/></x></presence>",
            ns = ns::MUC_USER
        );
        let element = xml::parse(stanza.as_bytes(), ns::COMPONENT, &Default::default()).unwrap();
        room.presence(now_ms, &Shell::of(&element).unwrap(), &element, wire);
    }

    /// Takes what was written, and says whether the lists were asked for.
    fn asks_for_lists(wire: &mut Wire) -> bool {
        String::from_utf8(std::mem::take(&mut wire.out).to_vec()).unwrap().contains("<item affiliation='owner'/>")
    }

    fn room() -> RoomWatch {
        let settings = RoomSettings {
            component: "neerc.localhost".to_owned(),
            host: "localhost".to_owned(),
            nickname: "neerc".to_owned(),
            nick_seed: "seed".to_owned(),
            nick_reason: String::new(),
            jid: "neerc.localhost".to_owned(),
            owners: Vec::new(),
            admit_unaffiliated: false,
        };
        let jid = Address::parse("neerc@conference.localhost").unwrap();
        RoomWatch::new(0, "neerc".into(), jid, settings)
    }

    #[test]
    fn a_session_that_came_back_while_its_nick_stayed_is_said_to_be_here_again() {
        let mut room = room();
        let wire = &mut Wire::new("neerc.localhost");
        let stanza = format!(
            "<presence from='neerc@conference.localhost/hall1' to='neerc.localhost'><x xmlns='{ns}'>\
             <item affiliation='member' jid='hall1@localhost/A'/><item affiliation='member' jid='hall1@localhost/B'/>\
             </x></presence>",
            ns = ns::MUC_USER
        );
        let element = xml::parse(stanza.as_bytes(), ns::COMPONENT, &Default::default()).unwrap();
        for _ in 0..2 {
            room.presence(0, &Shell::of(&element).unwrap(), &element, wire);
            let joined = ["hall1@localhost/A", "hall1@localhost/B"]
                .map(|jid| Address::parse(jid).map(|jid| RoomEvent::Joined(jid, Client::Unknown)));
            assert_eq!(room.take_events(), joined.into_iter().flatten().collect::<Vec<_>>());
        }
    }

    #[test]
    fn rights_that_changed_while_the_service_was_put_out_are_read_on_entry() {
        let mut room = room();
        let wire = &mut Wire::new("neerc.localhost");
        room.connected(0, wire);
        assert!(asks_for_lists(wire));
        own_presence(&mut room, 10, wire, "", "100");
        assert!(!asks_for_lists(wire), "the lists that were asked for after the join are new enough");
        for list in lists::LISTS {
            let answer = format!("<iq type='result'><query xmlns='{ns}'/></iq>", ns = ns::MUC_ADMIN);
            let answer = xml::parse(answer.as_bytes(), ns::COMPONENT, &Default::default()).unwrap();
            room.list(20, list, 1, Response::of(&answer), wire);
        }
        own_presence(&mut room, 1_000, wire, "type='unavailable'", "307");
        room.timeout(2_000, wire);
        own_presence(&mut room, 2_010, wire, "", "100");
        assert!(asks_for_lists(wire));
    }
}
