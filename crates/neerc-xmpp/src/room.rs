//! The service as an occupant of a chat room (XEP-0045): joining and staying, creating and configuring a missing room,
//! and the people of the room from its lists, pushes and presences. Not what these people may do: that is core's.

use crate::address::Address;
use crate::contacts::Client;
use crate::stanza::{Shell, attribute};
use crate::wire::{PING, Purpose, Wire};
use crate::xml::{Element, escape_text};
use neerc_core::change::Room;
use neerc_core::limits;
use neerc_core::people::{Affiliation, GroupBook, People, Person, Standing};
use std::collections::{BTreeMap, HashMap};

const NS_MUC: &str = "http://jabber.org/protocol/muc";
const NS_MUC_USER: &str = "http://jabber.org/protocol/muc#user";
const NS_MUC_ADMIN: &str = "http://jabber.org/protocol/muc#admin";
const NS_MUC_OWNER: &str = "http://jabber.org/protocol/muc#owner";
const NS_DATA: &str = "jabber:x:data";

/// The lists that are read, each by a request of its own: one server answers only the first item of a request.
const LISTS: [&str; 3] = ["owner", "admin", "member"];
/// The list that is read where a whole domain is on one of those: it says who of the domain has no rights.
const OUTCASTS: &str = "outcast";

/// What the configuration says of every room.
#[derive(Clone, Debug)]
pub struct RoomSettings {
    /// The component's domain; its own JIDs are never users.
    pub component: String,
    /// The domain of the users whose names are short.
    pub host: String,
    /// The nick to join with.
    pub nickname: String,
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
    /// The service is in the room and knows who is there.
    Inside,
    /// The service is not in the room any more; everybody known to be there is forgotten.
    Outside,
    /// The lists have been read, or cannot be.
    Read,
    /// The room was missing and has been created.
    Created,
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

#[derive(Debug, Default, Clone)]
struct Occupant {
    sessions: BTreeMap<Address, Affiliation>,
}

#[derive(Debug, Default)]
struct Reading {
    /// Lists that are not answered yet.
    awaited: usize,
    listed: BTreeMap<Person, Affiliation>,
    /// What the room told of in between: newer than the lists that were answered before it, and no older than those
    /// answered after it, for the room speaks in order.
    pushed: BTreeMap<Person, Affiliation>,
    /// The service has come into the room in between; what changed before that was not told, so all is read again.
    again: bool,
}

/// One room.
#[derive(Debug)]
pub struct RoomWatch {
    /// Name of the room.
    pub room: Room,
    /// The room's JID.
    pub jid: Address,
    index: usize,
    settings: RoomSettings,
    phase: Phase,
    nick: String,
    occupants: HashMap<String, Occupant>,
    /// Nicks that the server has named again since their state was asked for anew.
    refreshed: Option<HashMap<String, Occupant>>,
    refresh_at_ms: Option<i64>,
    /// Whether this server names every session of a nick; then a list of sessions replaces the one before.
    names_all_sessions: bool,
    listed: BTreeMap<Person, Affiliation>,
    reading: Option<Reading>,
    read_at_ms: i64,
    has_read: bool,
    /// The lists were not asked for since the service asked to come in.
    read_on_entry: bool,
    self_ping_at_ms: i64,
    people: People,
    stale: bool,
    trouble: Option<String>,
    events: Vec<RoomEvent>,
}

impl RoomWatch {
    /// A room of the service `service`, not joined yet.
    pub fn new(index: usize, room: Room, jid: Address, settings: RoomSettings) -> RoomWatch {
        RoomWatch {
            room,
            jid,
            index,
            nick: settings.nickname.clone(),
            settings,
            phase: Phase::Out { retry_ms: i64::MAX },
            occupants: HashMap::new(),
            refreshed: None,
            refresh_at_ms: None,
            names_all_sessions: false,
            listed: BTreeMap::new(),
            reading: None,
            read_at_ms: i64::MAX,
            has_read: false,
            read_on_entry: false,
            self_ping_at_ms: i64::MAX,
            people: People::default(),
            stale: true,
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
        self.phase == Phase::In && self.has_read
    }

    /// Whether the service is in the room.
    pub fn is_inside(&self) -> bool {
        self.phase == Phase::In
    }

    /// The people as they are known now.
    pub fn people(&self) -> &People {
        &self.people
    }

    /// Works out the people anew if something has changed; says whether it did.
    pub fn refresh_people(&mut self, book: &GroupBook) -> bool {
        if !std::mem::take(&mut self.stale) {
            return false;
        }
        let own = |person: &Person| person.domain() == self.settings.component;
        let present = self.occupants.values().flat_map(|occupant| &occupant.sessions).map(|(session, affiliation)| {
            let admitted = self.settings.admit_unaffiliated && *affiliation == Affiliation::None;
            let affiliation = if admitted { Affiliation::Member } else { *affiliation };
            Standing { person: session.person(), affiliation }
        });
        let listed = self
            .listed
            .iter()
            .map(|(person, affiliation)| Standing { person: person.clone(), affiliation: *affiliation });
        let nicks = self.occupants.iter().filter_map(|(nick, occupant)| {
            let (session, _) = occupant.sessions.first_key_value()?;
            Some((nick.clone(), session.person()))
        });
        let standings = listed.chain(present).filter(|standing| !own(&standing.person));
        self.people = People::build(&self.settings.host, &self.nick, standings, nicks.collect(), book);
        true
    }

    /// Asks for a new look at the people at the next occasion, because their groups have changed.
    pub fn groups_changed(&mut self) {
        self.stale = true;
    }

    /// The stream is open: read the lists and join.
    pub fn connected(&mut self, now_ms: i64, wire: &mut Wire) {
        self.has_read = false;
        self.reading = None;
        self.nick = self.settings.nickname.clone();
        self.join(now_ms, wire);
        self.read_lists(now_ms, wire);
    }

    /// The stream is gone: nobody is known to be there.
    pub fn disconnected(&mut self) {
        self.reading = None;
        self.read_at_ms = i64::MAX;
        self.left(i64::MAX);
    }

    /// Says good-bye to the room.
    pub fn leave(&mut self, wire: &mut Wire) {
        if self.phase == Phase::In {
            wire.presence(Some("unavailable"), &self.own_occupant(), "");
        }
    }

    /// When [`RoomWatch::timeout`] has something to do.
    pub fn next_timeout_ms(&self) -> i64 {
        let phase = match self.phase {
            Phase::Out { retry_ms } => retry_ms,
            Phase::Joining { deadline_ms } => deadline_ms,
            Phase::In => self.self_ping_at_ms.min(self.refresh_at_ms.unwrap_or(i64::MAX)),
        };
        if self.reading.is_some() { phase } else { phase.min(self.read_at_ms) }
    }

    /// Does what is due.
    pub fn timeout(&mut self, now_ms: i64, wire: &mut Wire) {
        match self.phase {
            Phase::Out { retry_ms } if retry_ms <= now_ms => self.join(now_ms, wire),
            Phase::Joining { deadline_ms } if deadline_ms <= now_ms => {
                self.report(format!("{} did not answer the request to join", self.jid.as_str()));
                self.left(now_ms + limits::RETRY_ROOM_MS);
            }
            Phase::In if self.self_ping_at_ms <= now_ms => {
                self.self_ping_at_ms = now_ms + limits::SELF_PING_MS;
                if let Some(own) = Address::parse(&self.own_occupant()) {
                    wire.request(now_ms, "get", &own, PING, Purpose::SelfPing { room: self.index });
                }
            }
            _ => {}
        }
        if self.phase == Phase::In && self.refresh_at_ms.is_some_and(|at| at <= now_ms) {
            self.refresh_at_ms = None;
            self.refreshed = Some(HashMap::new());
            self.send_join(wire);
        }
        if self.reading.is_none() && self.read_at_ms <= now_ms {
            self.read_lists(now_ms, wire);
        }
    }

    fn own_occupant(&self) -> String {
        format!("{}/{}", self.jid.as_str(), self.nick)
    }

    fn join(&mut self, now_ms: i64, wire: &mut Wire) {
        self.phase = Phase::Joining { deadline_ms: now_ms + limits::ANSWER_MS };
        self.read_on_entry = true;
        self.send_join(wire);
    }

    fn send_join(&self, wire: &mut Wire) {
        let payload = format!("<x xmlns='{NS_MUC}'><history maxstanzas='0'/></x>");
        wire.presence(None, &self.own_occupant(), &payload);
    }

    fn left(&mut self, retry_ms: i64) {
        let was_inside = self.phase == Phase::In || !self.occupants.is_empty();
        self.phase = Phase::Out { retry_ms };
        self.occupants.clear();
        self.refreshed = None;
        self.refresh_at_ms = None;
        self.self_ping_at_ms = i64::MAX;
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

    // Lists

    fn read_lists(&mut self, now_ms: i64, wire: &mut Wire) {
        self.reading = Some(Reading { awaited: LISTS.len(), ..Reading::default() });
        self.read_on_entry = false;
        self.read_at_ms = now_ms + limits::REREAD_ROOM_MS;
        for affiliation in LISTS {
            self.read_list(now_ms, affiliation, wire);
        }
    }

    fn read_list(&self, now_ms: i64, affiliation: &'static str, wire: &mut Wire) {
        let payload = format!("<query xmlns='{NS_MUC_ADMIN}'><item affiliation='{affiliation}'/></query>");
        let purpose = Purpose::List { room: self.index, affiliation };
        wire.request(now_ms, "get", &self.jid, &payload, purpose);
    }

    /// Takes the answer to the request for one list; `None` if there was none in time.
    pub fn list(&mut self, now_ms: i64, affiliation: &'static str, answer: Option<&Element<'_>>, wire: &mut Wire) {
        let Some(reading) = &mut self.reading else { return };
        let failure = match answer {
            None => Some("no answer in time".to_owned()),
            Some(iq) if iq.attr("type") == Some("error") => Some(error_text(iq)),
            Some(iq) => {
                read_items(iq, affiliation, &mut reading.listed);
                None
            }
        };
        if let Some(failure) = failure {
            self.reading = None;
            self.read_at_ms = now_ms + limits::RETRY_ROOM_MS;
            // A room that is only just being created has no lists yet.
            if self.phase == Phase::In {
                self.has_read = true;
                self.events.push(RoomEvent::Read);
                self.report(self.unreadable(affiliation, &failure));
            } else {
                self.read_at_ms = now_ms + 1_000;
            }
            return;
        }
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
        let mut listed = std::mem::take(&mut reading.listed);
        for (person, affiliation) in std::mem::take(&mut reading.pushed) {
            set_listed(&mut listed, &person, affiliation);
        }
        self.reading = None;
        self.listed = listed;
        self.stale = true;
        self.has_read = true;
        self.trouble = None;
        self.events.push(RoomEvent::Read);
    }

    fn unreadable(&self, affiliation: &str, failure: &str) -> String {
        let component = &self.settings.component;
        format!(
            "the {affiliation} list of {} cannot be read ({failure}), so only people who are in the room are known: \
             make {component} an owner of all rooms; in Prosody by admins = {{ \"{component}\" }} in the \
             Component ... \"muc\" section; in ejabberd by acl: neerc: server: {component} and access_admin with \
             allow: neerc in mod_muc; in Openfire by adding {component} to the administrators of the group chat service",
            self.jid.as_str()
        )
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
            if nick == self.nick {
                self.join_refused(now_ms, element, wire);
            }
            return;
        }
        let x = element.child("x", NS_MUC_USER);
        let codes: Vec<&str> = x.map(|x| statuses(x)).unwrap_or_default();
        let own = codes.contains(&"110") || (nick == self.nick && self.phase == Phase::In);
        match (shell.type_, own) {
            ("unavailable", true) if codes.contains(&"303") => {
                if let Some(nick) = x.and_then(new_nick) {
                    self.nick = nick;
                }
            }
            ("unavailable", true) => {
                let why = if x.is_some_and(|x| x.child("destroy", NS_MUC_USER).is_some()) {
                    "was destroyed"
                } else {
                    "put the service out"
                };
                self.report(format!("{} {why}; joining it again", self.jid.as_str()));
                self.left(now_ms + 1_000);
            }
            ("unavailable", false) if codes.contains(&"303") => self.renamed(nick, x),
            ("unavailable", false) => self.occupant_left(nick, x),
            ("", true) => self.joined(now_ms, nick, &codes, wire),
            ("", false) => self.occupant_is_here(now_ms, nick, x, Client::of(element)),
            _ => {}
        }
    }

    fn joined(&mut self, now_ms: i64, nick: &str, codes: &[&str], wire: &mut Wire) {
        self.nick = nick.to_owned();
        if codes.contains(&"201") {
            self.events.push(RoomEvent::Created);
            let form = format!("<query xmlns='{NS_MUC_OWNER}'/>");
            wire.request(now_ms, "get", &self.jid, &form, Purpose::ConfigForm { room: self.index });
        }
        if let Some(refreshed) = self.refreshed.take() {
            self.replace_occupants(refreshed);
        }
        if self.phase != Phase::In {
            self.phase = Phase::In;
            self.self_ping_at_ms = now_ms + limits::SELF_PING_MS;
            self.trouble = None;
            self.stale = true;
            self.events.push(RoomEvent::Inside);
            if std::mem::take(&mut self.read_on_entry) {
                // The room does not tell of changes that were made while the service was out.
                match &mut self.reading {
                    Some(reading) => reading.again = true,
                    None => self.read_lists(now_ms, wire),
                }
            }
        }
    }

    fn join_refused(&mut self, now_ms: i64, element: &Element<'_>, wire: &mut Wire) {
        if !matches!(self.phase, Phase::Joining { .. }) {
            return;
        }
        let condition = error_condition(element);
        if condition == "conflict" && self.nick.len() < self.settings.nickname.len() + 8 {
            let text = format!("the nick {} is taken in {}; joining as {}_", self.nick, self.jid.as_str(), self.nick);
            self.nick.push('_');
            self.report(text);
            return self.join(now_ms, wire);
        }
        let component = &self.settings.component;
        let room = self.jid.as_str();
        let advice = match condition {
            "registration-required" | "forbidden" => format!(
                "give {component} the right to enter: make it an owner of all rooms in the server's configuration \
                 (neerc init prints the lines), or a member of {room}"
            ),
            // Either the room is missing and not anybody may create one, or the domain is none of this server's.
            "not-allowed" => format!(
                "let {component} create rooms by making it an owner of all rooms in the server's configuration \
                 (neerc init prints the lines), or create the room with any client; if {0} is not the server's domain \
                 of chat rooms, correct rooms.service in neerc.toml ({0})",
                self.jid.domain()
            ),
            "remote-server-not-found" | "remote-server-timeout" => format!(
                "correct rooms.service in neerc.toml ({}), or start that chat room service in the server's \
                 configuration",
                self.jid.domain()
            ),
            "item-not-found" => {
                "the room is locked or may not be created by the service; create it with any client".to_owned()
            }
            _ => "the server gave no better reason".to_owned(),
        };
        self.report(format!("{room} cannot be joined ({}): {advice}", error_text(element)));
        self.nick = self.settings.nickname.clone();
        self.left(now_ms + limits::RETRY_ROOM_MS);
    }

    fn occupant_is_here(&mut self, now_ms: i64, nick: &str, x: Option<&Element<'_>>, client: Client) {
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

    fn occupant_left(&mut self, nick: &str, x: Option<&Element<'_>>) {
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
    fn renamed(&mut self, nick: &str, x: Option<&Element<'_>>) {
        let Some(new) = x.and_then(new_nick) else { return self.occupant_left(nick, x) };
        for occupants in self.refreshed.iter_mut().chain([&mut self.occupants]) {
            if let Some(occupant) = occupants.remove(nick) {
                occupants.entry(new.clone()).or_default().sessions.extend(occupant.sessions);
            }
        }
        self.stale = true;
    }

    fn replace_occupants(&mut self, refreshed: HashMap<String, Occupant>) {
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
    fn note_affiliation(&mut self, person: &Person, affiliation: Affiliation) {
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
        self.stale = true;
    }

    /// Gives all sessions of a person who is in the room this affiliation.
    fn note_standing(&mut self, person: &Person, affiliation: Affiliation) {
        for occupant in self.occupants.values_mut() {
            for (session, standing) in &mut occupant.sessions {
                if *standing != affiliation && session.bare() == person.bare() {
                    *standing = affiliation;
                    self.stale = true;
                }
            }
        }
    }

    // Configuration of a room that was created, and self-ping

    /// Takes the configuration form of a room that was just created and submits what the service needs of it, naming
    /// only fields that the form offers: one server refuses the whole form for one field it does not know.
    pub fn config_form(&mut self, now_ms: i64, answer: Option<&Element<'_>>, wire: &mut Wire) {
        let form = answer.and_then(|iq| iq.child("query", NS_MUC_OWNER)).and_then(|query| query.child("x", NS_DATA));
        let Some(form) = form else {
            return self
                .report(format!("the configuration form of the new room {} could not be read", self.jid.as_str()));
        };
        let wanted = [
            ("muc#roomconfig_persistentroom", "1"),
            ("muc#roomconfig_membersonly", "1"),
            ("muc#roomconfig_whois", "anyone"),
            ("muc#roomconfig_moderatedroom", "0"),
            ("muc#roomconfig_publicroom", "0"),
        ];
        let mut out = Vec::new();
        out.extend_from_slice(format!("<query xmlns='{NS_MUC_OWNER}'><x xmlns='{NS_DATA}' type='submit'>").as_bytes());
        field(&mut out, "FORM_TYPE", "http://jabber.org/protocol/muc#roomconfig");
        let offered = |var: &str| form.elements().any(|f| f.is("field", NS_DATA) && f.attr("var") == Some(var));
        for (var, value) in wanted.into_iter().filter(|(var, _)| offered(var)) {
            field(&mut out, var, value);
        }
        out.extend_from_slice(b"</x></query>");
        let payload = String::from_utf8_lossy(&out);
        wire.request(now_ms, "set", &self.jid, &payload, Purpose::ConfigSubmit { room: self.index });
    }

    /// Takes the answer to the configuration.
    pub fn configured(&mut self, now_ms: i64, answer: Option<&Element<'_>>, wire: &mut Wire) {
        match answer {
            Some(iq) if iq.attr("type") == Some("result") => {}
            Some(iq) => {
                self.report(format!("the new room {} could not be configured ({})", self.jid.as_str(), error_text(iq)))
            }
            None => {
                self.report(format!("the new room {} could not be configured (no answer in time)", self.jid.as_str()))
            }
        }
        if self.reading.is_none() {
            self.read_lists(now_ms, wire);
        }
    }

    /// Takes the answer to a self-ping: an error of the room means that the service is not in it.
    pub fn self_pinged(&mut self, now_ms: i64, answer: Option<&Element<'_>>, wire: &mut Wire) {
        let Some(iq) = answer else { return };
        if self.phase != Phase::In || iq.attr("type") != Some("error") {
            return;
        }
        // XEP-0410 section 3.2: these say that somebody at our own nick answered, or nothing at all.
        let still_in =
            ["service-unavailable", "feature-not-implemented", "remote-server-not-found", "remote-server-timeout"];
        if !still_in.contains(&error_condition(iq)) {
            self.left(now_ms);
            self.join(now_ms, wire);
        }
    }
}

/// Notes what a person's affiliation is now, as the lists would; says whether that is news.
fn set_listed(listed: &mut BTreeMap<Person, Affiliation>, person: &Person, affiliation: Affiliation) -> bool {
    let is_listed = affiliation != Affiliation::None;
    let before = if is_listed { listed.insert(person.clone(), affiliation) } else { listed.remove(person) };
    before != Some(affiliation).filter(|_| is_listed)
}

/// Whether an entry of a list is a whole domain.
fn is_domain(listed: &Person) -> bool {
    !listed.bare().contains('@')
}

fn field(out: &mut Vec<u8>, var: &str, value: &str) {
    out.extend_from_slice(b"<field");
    attribute(out, "var", var);
    out.extend_from_slice(b"><value>");
    escape_text(out, value);
    out.extend_from_slice(b"</value></field>");
}

fn statuses<'e>(x: &'e Element<'_>) -> Vec<&'e str> {
    x.elements().filter(|e| e.is("status", NS_MUC_USER)).filter_map(|e| e.attr("code")).collect()
}

fn new_nick(x: &Element<'_>) -> Option<String> {
    x.child("item", NS_MUC_USER)?.attr("nick").map(str::to_owned)
}

fn jid_item(item: &Element<'_>) -> Option<(Address, Affiliation)> {
    if !item.is("item", NS_MUC_USER) {
        return None;
    }
    Some((Address::parse(item.attr("jid")?)?, Affiliation::parse(item.attr("affiliation")?)?))
}

/// Reads the items of one list into `listed`, keeping the highest affiliation of each person.
fn read_items(iq: &Element<'_>, affiliation: &str, listed: &mut BTreeMap<Person, Affiliation>) {
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

/// The condition of an error stanza, by its element name.
pub fn error_condition<'e>(stanza: &'e Element<'_>) -> &'e str {
    let error = stanza.elements().find(|e| e.name == "error");
    let condition = error.and_then(|e| e.elements().find(|c| &*c.ns == crate::stanza::NS_STANZAS && c.name != "text"));
    condition.map_or("undefined-condition", |c| c.name)
}

/// The condition of an error stanza with the server's words.
pub fn error_text(stanza: &Element<'_>) -> String {
    let error = stanza.elements().find(|e| e.name == "error");
    let text = error.and_then(|e| e.child("text", crate::stanza::NS_STANZAS)).map(|t| t.text()).unwrap_or_default();
    let condition = error_condition(stanza);
    if text.is_empty() { condition.to_owned() } else { format!("{condition}: {text}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stanza::NS_COMPONENT;
    use crate::xml;

    /// Hands the room a presence of the service itself.
    fn own_presence(room: &mut RoomWatch, now_ms: i64, wire: &mut Wire, type_: &str, code: &str) {
        let stanza = format!(
            "<presence from='neerc@conference.localhost/neerc' to='neerc.localhost' {type_}><x xmlns='{NS_MUC_USER}'>\
             <item affiliation='owner'/><status code='110'/><status code='{code}'/></x></presence>"
        );
        let element = xml::parse(stanza.as_bytes(), NS_COMPONENT, &Default::default()).unwrap();
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
            "<presence from='neerc@conference.localhost/hall1' to='neerc.localhost'><x xmlns='{NS_MUC_USER}'>\
             <item affiliation='member' jid='hall1@localhost/A'/><item affiliation='member' jid='hall1@localhost/B'/>\
             </x></presence>"
        );
        let element = xml::parse(stanza.as_bytes(), NS_COMPONENT, &Default::default()).unwrap();
        for _ in 0..2 {
            room.presence(0, &Shell::of(&element).unwrap(), &element, wire);
            let joined = ["hall1@localhost/A", "hall1@localhost/B"]
                .map(|jid| Address::parse(jid).map(|jid| RoomEvent::Joined(jid, Client::Unknown)));
            assert_eq!(room.take_events(), joined.into_iter().flatten().collect::<Vec<_>>());
        }
    }

    #[test]
    fn somebody_who_is_in_the_room_and_in_no_list_is_put_out_by_a_push() {
        let mut room = room();
        let wire = &mut Wire::new("neerc.localhost");
        room.connected(0, wire);
        own_presence(&mut room, 10, wire, "", "100");
        let item = |name: &str, affiliation: &str| {
            format!(
                "<{name} from='neerc@conference.localhost' to='neerc.localhost'><x xmlns='{NS_MUC_USER}'>\
                 <item affiliation='{affiliation}' jid='hall1@localhost/A'/></x></{name}>"
            )
        };
        let presence = item("presence", "member").replacen("localhost'", "localhost/hall1'", 1);
        let presence = xml::parse(presence.as_bytes(), NS_COMPONENT, &Default::default()).unwrap();
        room.presence(20, &Shell::of(&presence).unwrap(), &presence, wire);
        room.reading = None;
        room.listed.clear(); // as the lists of a server that leaves the person out
        let hall1 = Person::from_bare("hall1@localhost");
        room.refresh_people(&GroupBook::default());
        assert!(room.people().rights(&hall1).is_some());
        let message = item("message", "none");
        let message = xml::parse(message.as_bytes(), NS_COMPONENT, &Default::default()).unwrap();
        room.message(&Shell::of(&message).unwrap(), &message);
        assert!(room.refresh_people(&GroupBook::default()), "the people have changed");
        assert!(room.people().rights(&hall1).is_none());
    }

    #[test]
    fn rights_that_changed_while_the_service_was_put_out_are_read_on_entry() {
        let mut room = room();
        let wire = &mut Wire::new("neerc.localhost");
        room.connected(0, wire);
        assert!(asks_for_lists(wire));
        own_presence(&mut room, 10, wire, "", "100");
        assert!(!asks_for_lists(wire), "the lists that were asked for after the join are new enough");
        for list in LISTS {
            let answer = format!("<iq type='result'><query xmlns='{NS_MUC_ADMIN}'/></iq>");
            let answer = xml::parse(answer.as_bytes(), NS_COMPONENT, &Default::default()).unwrap();
            room.list(20, list, Some(&answer), wire);
        }
        own_presence(&mut room, 1_000, wire, "type='unavailable'", "307");
        room.timeout(2_000, wire);
        own_presence(&mut room, 2_010, wire, "", "100");
        assert!(asks_for_lists(wire));
    }
}
