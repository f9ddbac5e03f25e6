//! A fake Openfire, in two versions where they differ: no Openfire is in reach of the tests, so it does what real ones
//! were seen to do to a component. What of that is played, and what is not, is a table in front/openfire.rs.

use super::server::ChatServer;
use neerc_xmpp::ns;
use neerc_xmpp::stream;
use neerc_xmpp::xml::{self, Element};
use std::collections::{BTreeMap, BTreeSet};

const NS_MUC: &str = "http://jabber.org/protocol/muc";
const NS_ADMIN: &str = "http://jabber.org/protocol/muc#admin";
const NS_OWNER: &str = "http://jabber.org/protocol/muc#owner";
const NS_USER: &str = "http://jabber.org/protocol/muc#user";
const NS_INFO: &str = "http://jabber.org/protocol/disco#info";
const NS_STANZAS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
const STREAM_ID: &str = "9yk9x2y6dh";
/// It takes no larger stanza.
const MOST_BYTES: usize = 1 << 20;
const ROOMS: &str = "conference.localhost";

/// Which Openfire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 4.2.4.
    V4,
    /// 5.1.1.
    V5,
}

/// All of them.
pub const VERSIONS: [Version; 2] = [Version::V4, Version::V5];

#[derive(Clone, Debug)]
struct Occupant {
    nick: String,
    jid: String,
}

/// A chat room.
#[derive(Debug, Default)]
pub struct ChatRoom {
    /// By bare JID.
    pub affiliations: BTreeMap<String, String>,
    occupants: Vec<Occupant>,
    /// It is new, and its form was not submitted yet.
    pub is_locked: bool,
    /// What its form says, by the names of the fields.
    pub settings: BTreeMap<String, String>,
}

impl ChatRoom {
    fn is(&self, setting: &str, value: &str) -> bool {
        self.settings.get(&format!("muc#roomconfig_{setting}")).is_some_and(|set| set == value)
    }

    fn of_jid(&self, jid: &str) -> Option<&Occupant> {
        self.occupants.iter().find(|occupant| occupant.jid == jid)
    }

    fn is_taken(&self, nick: &str, jid: &str) -> bool {
        self.occupants.iter().any(|occupant| occupant.nick == nick && bare(&occupant.jid) != bare(jid))
    }
}

/// The server.
pub struct Openfire {
    version: Version,
    /// The rooms, by their local part.
    pub rooms: BTreeMap<String, ChatRoom>,
    /// Administrators of the service of rooms.
    pub administrators: BTreeSet<String>,
    /// It refuses the component before the handshake: with that condition, or in the newer version without one.
    pub refuses: Option<&'static str>,
    /// The domain in its header.
    pub header_from: &'static str,
    /// The secret that it knows.
    pub secret: &'static str,
    /// What the component has answered to the questions of the server's list of components.
    pub told: Vec<String>,
    /// How often a list was asked for.
    pub list_requests: usize,
    /// How many stanzas the component has sent.
    pub stanzas: usize,
    /// How often the component has asked whether it is still in a room.
    pub self_pings: usize,
    /// How often it has asked to come into one.
    pub joins: usize,
    /// Whether nobody answers a request to come in.
    pub is_mute: bool,
    /// Whether its connection to the component is open.
    is_connected: bool,
    out: Vec<String>,
}

fn bare(jid: &str) -> &str {
    jid.split('/').next().unwrap()
}

fn error(code: u16, kind: &str, condition: &str) -> String {
    format!("<error code='{code}' type='{kind}'><{condition} xmlns='{NS_STANZAS}'/></error>")
}

fn bad_request() -> String {
    error(400, "modify", "bad-request")
}

impl ChatServer for Openfire {
    fn hears(&mut self, stanza: &str) -> bool {
        if stanza.starts_with("<?xml") || stanza.starts_with("<stream:stream") {
            self.opened(stanza);
            return true;
        }
        if stanza.starts_with("<handshake") {
            self.shaken(stanza);
            return true;
        }
        self.stanzas += 1;
        let element = match xml::parse(stanza.as_bytes(), ns::COMPONENT, &xml::TreeLimits::default()) {
            Ok(element) if stanza.len() <= MOST_BYTES => element,
            Ok(_) => return self.ends_with("internal-server-error"),
            Err(_) => return self.ends_with("not-well-formed"),
        };
        let (from, to) = (element.attr("from").expect(stanza), element.attr("to").expect(stanza));
        match (element.name, element.attr("type")) {
            ("presence", kind) if to.contains(ROOMS) => self.presence(from, to, kind, &element),
            ("iq", Some("get" | "set" | "result" | "error")) if to.ends_with("neerc.localhost") => {
                self.out.push(stanza.to_owned()); // to the component itself
            }
            ("iq", Some(kind @ ("get" | "set"))) => self.request(from, to, kind, &element),
            ("iq", Some("result" | "error")) if to == "component.localhost" => self.told.push(stanza.to_owned()),
            ("iq", Some("result" | "error")) if to.contains(ROOMS) => self.pass_on(from, to, stanza),
            ("iq", Some("result" | "error")) | ("message" | "presence", _) => return false,
            ("iq", _) => return self.ends_with("not-well-formed"),
            _ => return self.ends_with("unsupported-stanza-type"),
        }
        true
    }

    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.out)
    }

    /// The component dies, and stays in its rooms: nobody tells them.
    fn disconnected(&mut self) {
        self.is_connected = false;
        self.out.clear();
    }
}

// The stream

impl Openfire {
    /// A server whose room `neerc` has admin (owner), tk (admin), hall1, hall2 and hall3 (members); the component's
    /// address towards the rooms administers all of them.
    pub fn new(version: Version) -> Openfire {
        let mut room = ChatRoom::default();
        for (name, value) in [("membersonly", "1"), ("persistentroom", "1"), ("whois", "anyone")] {
            room.settings.insert(format!("muc#roomconfig_{name}"), value.to_owned());
        }
        let people =
            [("admin", "owner"), ("tk", "admin"), ("hall1", "member"), ("hall2", "member"), ("hall3", "member")];
        for (name, affiliation) in people {
            room.affiliations.insert(format!("{name}@localhost"), affiliation.to_owned());
        }
        Openfire {
            version,
            rooms: BTreeMap::from([("neerc".to_owned(), room)]),
            administrators: BTreeSet::from(["tasks-service@neerc.localhost".to_owned()]),
            refuses: None,
            header_from: "neerc.localhost",
            secret: "secret",
            told: Vec::new(),
            list_requests: 0,
            stanzas: 0,
            self_pings: 0,
            joins: 0,
            is_mute: false,
            is_connected: false,
            out: Vec::new(),
        }
    }

    /// The header of the component has come; it may name the subdomain or the whole domain.
    fn opened(&mut self, header: &str) {
        assert!(header.contains(" to='neerc'") || header.contains(" to='neerc.localhost'"), "{header}");
        let id = match (self.refuses, self.version) {
            (Some(_), Version::V5) => String::new(),
            _ => format!(" id='{STREAM_ID}'"),
        };
        self.out.push(format!(
            "<?xml version='1.0' encoding='UTF-8'?><stream:stream xmlns:stream='{}' xmlns='{ns}' from='{}'{id}>",
            ns::STREAMS,
            self.header_from,
            ns = ns::COMPONENT
        ));
        if let (Some(condition), Version::V4) = (self.refuses, self.version) {
            self.ends_with(condition);
        }
    }

    /// The handshake has come. Openfire takes it, and then asks who that is.
    fn shaken(&mut self, handshake: &str) {
        if self.refuses.is_some() {
            return; // nobody is there to read it
        }
        let mut expected = Vec::new();
        stream::handshake(&mut expected, STREAM_ID, self.secret);
        if handshake.as_bytes() != expected {
            self.ends_with("not-authorized");
            return;
        }
        self.is_connected = true;
        self.out.push("<handshake></handshake>".to_owned());
        let mut questions = vec![("disco", NS_INFO)];
        if self.version == Version::V5 {
            questions.push(("version", "jabber:iq:version"));
        }
        for (id, ns) in questions {
            self.out.push(format!(
                "<iq type='get' id='{id}' to='neerc.localhost' from='component.localhost'><query xmlns='{ns}'/></iq>"
            ));
        }
    }

    fn ends_with(&mut self, condition: &str) -> bool {
        self.out.push(format!(
            "<stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
        ));
        true
    }

    /// The name by which the component is in the list of what the server offers: there is none before it has answered.
    pub fn offered(&self) -> Option<String> {
        let answer = self.told.iter().find(|told| told.contains("id='disco'"))?;
        Some(answer.split_once(" name='")?.1.split('\'').next()?.to_owned())
    }
}

// Rooms

impl Openfire {
    /// A room of its own.
    pub fn room(&mut self, room: &str) -> &mut ChatRoom {
        self.rooms.get_mut(room).unwrap()
    }

    /// Where the component is in a room, by that address.
    fn own(&self, room: &str) -> Option<&Occupant> {
        self.rooms.get(room)?.occupants.iter().find(|occupant| bare(&occupant.jid).ends_with("neerc.localhost"))
    }

    /// The nick of the component in a room that it is in.
    pub fn own_nick(&self, room: &str) -> Option<&str> {
        self.own(room).map(|own| own.nick.as_str())
    }

    fn affiliation(&self, room: &str, jid: &str) -> &str {
        if self.administrators.contains(bare(jid)) {
            return "owner";
        }
        self.rooms[room].affiliations.get(bare(jid)).map_or("none", String::as_str)
    }

    /// What the room says to the component, if it is in it and is there.
    fn tell(&mut self, room: &str, stanza: impl FnOnce(&str) -> String) {
        if let Some(own) = self.own(room).filter(|_| self.is_connected) {
            let stanza = stanza(&own.jid);
            self.out.push(stanza);
        }
    }

    fn item(&self, room: &str, jid: &str, role: &str) -> String {
        let affiliation = self.affiliation(room, jid);
        let sees = self.rooms[room].is("whois", "anyone")
            || self.own(room).is_some_and(|own| matches!(self.affiliation(room, &own.jid), "owner" | "admin"));
        let jid = if sees { format!("jid='{jid}' ") } else { String::new() };
        format!("<item {jid}affiliation='{affiliation}' role='{role}'/>")
    }

    /// What the newer version adds to whatever comes from an occupant.
    fn additions(&self) -> &'static str {
        match self.version {
            Version::V4 => "",
            Version::V5 => "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='b2NjdXBhbnQ='/>",
        }
    }

    fn presence_of(&self, room: &str, occupant: &Occupant, to: &str) -> String {
        let Occupant { nick, jid } = occupant;
        let (item, additions) = (self.item(room, jid, "participant"), self.additions());
        format!(
            "<presence from='{room}@{ROOMS}/{nick}' to='{to}'>{additions}<x xmlns='{NS_USER}'>{item}</x></presence>"
        )
    }

    fn own_presence(&self, room: &str, nick: &str, jid: &str, codes: &[u16]) -> String {
        let codes: String = codes.iter().map(|code| format!("<status code='{code}'/>")).collect();
        let (item, additions) = (self.item(room, jid, "moderator"), self.additions());
        let vcard = match self.version {
            Version::V4 => "",
            Version::V5 => "<x xmlns='vcard-temp:x:update'/>",
        };
        format!(
            "<presence from='{room}@{ROOMS}/{nick}' to='{jid}'>{vcard}{additions}\
             <x xmlns='{NS_USER}'>{item}{codes}</x></presence>"
        )
    }

    fn gone(&self, room: &str, occupant: &Occupant, codes: &str, to: &str) -> String {
        let Occupant { nick, jid } = occupant;
        let item = self.item(room, jid, "none");
        format!(
            "<presence type='unavailable' from='{room}@{ROOMS}/{nick}' to='{to}'>\
             <x xmlns='{NS_USER}'>{item}{codes}</x></presence>"
        )
    }

    /// Somebody comes in with one session: a presence of its own, also where their nick is there already.
    pub fn join(&mut self, room: &str, nick: &str, jid: &str) {
        assert!(!self.rooms[room].is_taken(nick, jid), "409 for them");
        let occupant = Occupant { nick: nick.to_owned(), jid: jid.to_owned() };
        self.room(room).occupants.push(occupant.clone());
        let presence = self.presence_of(room, &occupant, "TO");
        self.tell(room, |to| presence.replace("to='TO'", &format!("to='{to}'")));
    }

    /// One session leaves.
    pub fn leave(&mut self, room: &str, jid: &str) {
        self.removes(room, jid, "");
    }

    fn removes(&mut self, room: &str, jid: &str, codes: &str) {
        let Some(occupant) = self.rooms[room].of_jid(jid).cloned() else { return };
        let gone = self.gone(room, &occupant, codes, "TO");
        self.tell(room, |to| gone.replace("to='TO'", &format!("to='{to}'")));
        self.room(room).occupants.retain(|known| known.jid != jid);
    }

    /// Somebody's affiliation is changed: each of their sessions here is shown anew, and of people who are not here nothing
    /// is said to anybody.
    pub fn affiliate(&mut self, room: &str, bare_jid: &str, affiliation: &str) {
        let affiliations = &mut self.room(room).affiliations;
        match affiliation {
            "none" => affiliations.remove(bare_jid),
            _ => affiliations.insert(bare_jid.to_owned(), affiliation.to_owned()),
        };
        let theirs: Vec<_> =
            self.rooms[room].occupants.iter().filter(|known| bare(&known.jid) == bare_jid).cloned().collect();
        for occupant in theirs {
            let presence = self.presence_of(room, &occupant, "TO");
            self.tell(room, |to| presence.replace("to='TO'", &format!("to='{to}'")));
        }
    }

    /// An occupant says something to all. What else is in the message is kept, and the newer version adds to it.
    pub fn say(&mut self, room: &str, nick: &str, inside: &str) {
        let jid = self.rooms[room].occupants.iter().find(|known| known.nick == nick).unwrap().jid.clone();
        let additions = match self.version {
            Version::V4 => String::new(),
            Version::V5 => format!(
                "<stanza-id xmlns='urn:xmpp:sid:0' id='4f6e' by='{room}@{ROOMS}'/>{}\
                 <addresses xmlns='http://jabber.org/protocol/address'><address type='ofrom' jid='{jid}'/></addresses>",
                self.additions()
            ),
        };
        self.tell(room, |to| {
            format!(
                "<message type='groupchat' id='m' from='{room}@{ROOMS}/{nick}' to='{to}'>{inside}{additions}</message>"
            )
        });
    }

    /// The component is put out.
    pub fn kick(&mut self, room: &str) {
        let Some(own) = self.own(room).cloned() else { return };
        let gone = self.gone(room, &own, "<status code='110'/><status code='307'/>", &own.jid);
        self.out.push(gone);
        self.forget(room);
    }

    /// The component is not in a room any more, of which nobody is told.
    pub fn forget(&mut self, room: &str) {
        self.room(room).occupants.retain(|known| !bare(&known.jid).ends_with("neerc.localhost"));
    }

    fn presence(&mut self, from: &str, to: &str, kind: Option<&str>, element: &Element<'_>) {
        let (room_jid, nick) = to.split_once('/').unwrap();
        let room = room_jid.split('@').next().unwrap();
        if kind == Some("unavailable") {
            return self.forget(room);
        }
        if self.is_mute {
            return;
        }
        let joins = element.child("x", NS_MUC).is_some();
        self.joins += usize::from(joins);
        let is_new = !self.rooms.contains_key(room);
        if is_new && joins {
            let mut made = ChatRoom { is_locked: true, ..ChatRoom::default() };
            made.settings.insert("muc#roomconfig_maxusers".to_owned(), "30".to_owned());
            made.affiliations.insert(bare(from).to_owned(), "owner".to_owned());
            self.rooms.insert(room.to_owned(), made);
        }
        if let Some(refused) = self.refusal(room, nick, from) {
            return self.out.push(format!(
                "<presence type='error' from='{to}' to='{from}'><x xmlns='{NS_MUC}'/>{refused}</presence>"
            ));
        }
        let before = self.rooms[room].of_jid(from).cloned().filter(|before| before.nick != nick);
        self.room(room).occupants.retain(|known| known.jid != from);
        self.room(room).occupants.push(Occupant { nick: nick.to_owned(), jid: from.to_owned() });
        if let Some(before) = before.filter(|_| !joins) {
            // A new nick.
            let gone = self.gone(room, &before, "<status code='303'/><status code='110'/>", from);
            let gone = gone.replace("<item ", &format!("<item nick='{nick}' "));
            let here = self.own_presence(room, nick, from, &[110]);
            return self.out.extend([gone, here]);
        }
        if joins {
            self.enters(room, nick, from, is_new);
        }
    }

    fn refusal(&self, room: &str, nick: &str, from: &str) -> Option<String> {
        let Some(found) = self.rooms.get(room) else { return Some(bad_request()) };
        if self.affiliation(room, from) == "none" && found.is("membersonly", "1") {
            let text = match self.version {
                Version::V4 => String::new(),
                Version::V5 => format!("<text xmlns='{NS_STANZAS}'>This room is members-only.</text>"),
            };
            let refused = error(407, "auth", "registration-required");
            return Some(refused.replace("</error>", &format!("{text}</error>")));
        }
        found.is_taken(nick, from).then(|| error(409, "cancel", "conflict"))
    }

    fn enters(&mut self, room: &str, nick: &str, from: &str, is_new: bool) {
        let others: Vec<String> = self.rooms[room]
            .occupants
            .iter()
            .filter(|other| other.jid != from)
            .map(|other| self.presence_of(room, other, from))
            .collect();
        self.out.extend(others);
        let mut codes = vec![110];
        if is_new {
            codes.insert(0, 201);
        }
        if is_new || self.rooms[room].is("whois", "anyone") {
            codes.push(100);
        }
        if is_new && self.version == Version::V5 {
            codes.push(170);
        }
        let own = self.own_presence(room, nick, from, &codes);
        self.out.push(own);
        if self.version == Version::V5 {
            self.out.push(format!(
                "<message type='groupchat' from='{room}@{ROOMS}' to='{from}'><subject></subject></message>"
            ));
        }
    }
}

// Requests

impl Openfire {
    fn request(&mut self, from: &str, to: &str, kind: &str, iq: &Element<'_>) {
        let id = iq.attr("id").unwrap();
        let payload = iq.elements().next().unwrap();
        self.list_requests += usize::from(kind == "get" && payload.is("query", NS_ADMIN));
        self.self_pings += usize::from(to.contains('/') && payload.is("ping", "urn:xmpp:ping"));
        if to.contains('/') && self.version == Version::V4 && payload.is("ping", "urn:xmpp:ping") {
            let room = to.split('@').next().unwrap();
            if self.rooms.get(room).is_some_and(|room| room.of_jid(from).is_some()) {
                return self.pass_on(
                    from,
                    to,
                    &format!("<iq type='get' id='{id}' from='' to=''><ping xmlns='urn:xmpp:ping'/></iq>"),
                );
            }
        }
        let (kind, inside) = match self.answer(from, to, kind, payload) {
            Ok(inside) => ("result", inside),
            // What was asked comes back with the error.
            Err(error) => ("error", format!("<{} xmlns='{}'/>{error}", payload.name, payload.ns)),
        };
        self.out.push(format!("<iq type='{kind}' id='{id}' from='{to}' to='{from}'>{inside}</iq>"));
    }

    /// Hands a stanza between occupants on, as from the nick of its sender.
    fn pass_on(&mut self, from: &str, to: &str, stanza: &str) {
        let (room_jid, nick) = to.split_once('/').unwrap();
        let room = &self.rooms[room_jid.split('@').next().unwrap()];
        let (Some(sender), Some(receiver)) =
            (room.of_jid(from), room.occupants.iter().find(|known| known.nick == nick))
        else {
            return;
        };
        let element = xml::parse(stanza.as_bytes(), ns::COMPONENT, &xml::TreeLimits::default()).unwrap();
        let (kind, id) = (element.attr("type").unwrap(), element.attr("id").unwrap());
        let inside = if kind == "get" { "<ping xmlns='urn:xmpp:ping'/>" } else { "" };
        let handed_on = format!(
            "<iq type='{kind}' id='{id}' from='{room_jid}/{}' to='{}'>{inside}</iq>",
            sender.nick, receiver.jid
        );
        self.out.push(handed_on);
    }

    fn answer(&mut self, from: &str, to: &str, kind: &str, payload: &Element<'_>) -> Result<String, String> {
        match to.split_once('@') {
            None if payload.is("query", NS_INFO) => Ok(format!(
                "<query xmlns='{NS_INFO}'><identity category='server' name='Openfire Server' type='im'/>\
                 <feature var='msgoffline'/></query>"
            )),
            None if payload.is("ping", "urn:xmpp:ping") => Ok(String::new()),
            Some((room, domain)) if domain.starts_with(ROOMS) => self.room_answer(from, room, kind, payload),
            _ if payload.is("query", "jabber:iq:roster") => Err(error(403, "auth", "forbidden")),
            _ => Err(error(503, "cancel", "service-unavailable")),
        }
    }

    fn room_answer(&mut self, from: &str, room: &str, kind: &str, payload: &Element<'_>) -> Result<String, String> {
        let is_inside = self.rooms.get(room).is_some_and(|room| room.of_jid(from).is_some());
        if payload.is("ping", "urn:xmpp:ping") {
            return match (self.version, self.rooms.contains_key(room)) {
                (Version::V4, _) => Err(bad_request()),
                (Version::V5, false) => Err(error(404, "cancel", "item-not-found")),
                (Version::V5, true) if is_inside => Ok(String::new()),
                (Version::V5, true) => Err(error(406, "modify", "not-acceptable")),
            };
        }
        if !self.rooms.contains_key(room) {
            return Err(error(404, "cancel", "item-not-found"));
        }
        if payload.is("query", NS_INFO) {
            return Ok(self.room_info(room));
        }
        if self.version == Version::V4 && !is_inside {
            return Err(bad_request());
        }
        if self.affiliation(room, from) != "owner" {
            return Err(error(403, "auth", "forbidden"));
        }
        if payload.is("query", NS_OWNER) {
            return Ok(self.form(room, kind, payload));
        }
        let items: Vec<&Element<'_>> = payload.elements().collect();
        if kind == "get" {
            let listed: String = items.iter().map(|item| self.listed(room, item)).collect();
            return Ok(format!("<query xmlns='{NS_ADMIN}'>{listed}</query>"));
        }
        for item in items {
            if let (Some(nick), Some("none")) = (item.attr("nick"), item.attr("role")) {
                let found = self.rooms[room].occupants.iter().find(|known| known.nick == nick);
                let jid = found.map(|known| known.jid.clone()).ok_or_else(|| error(404, "cancel", "item-not-found"))?;
                self.removes(room, &jid, "<status code='307'/>");
            } else {
                self.affiliate(room, item.attr("jid").unwrap(), item.attr("affiliation").unwrap());
            }
        }
        Ok(String::new())
    }

    /// One list of a request; it answers all that are asked for together.
    fn listed(&self, room: &str, asked: &Element<'_>) -> String {
        if let Some(role) = asked.attr("role") {
            let role_of =
                |known: &&Occupant| if known.jid.ends_with("neerc.localhost") { "moderator" } else { "participant" };
            let item = |known: &Occupant| {
                self.item(room, &known.jid, role).replace("<item ", &format!("<item nick='{}' ", known.nick))
            };
            return self.rooms[room].occupants.iter().filter(|known| role_of(known) == role).map(item).collect();
        }
        let wanted = asked.attr("affiliation").unwrap();
        let listed = self.rooms[room].affiliations.iter().filter(|(_, affiliation)| *affiliation == wanted);
        listed.map(|(jid, _)| format!("<item jid='{jid}' affiliation='{wanted}'/>")).collect()
    }

    fn room_info(&self, room: &str) -> String {
        let room = &self.rooms[room];
        let mut features = vec![
            NS_MUC,
            if room.is("persistentroom", "1") { "muc_persistent" } else { "muc_temporary" },
            if room.is("membersonly", "1") { "muc_membersonly" } else { "muc_open" },
        ];
        if self.version == Version::V5 {
            features.extend([
                "urn:xmpp:occupant-id:0",
                "urn:xmpp:sid:0",
                "http://jabber.org/protocol/muc#self-ping-optimization",
            ]);
        }
        let features: String = features.iter().map(|feature| format!("<feature var='{feature}'/>")).collect();
        format!("<query xmlns='{NS_INFO}'><identity category='conference' name='neerc' type='text'/>{features}</query>")
    }

    /// The form of a room, given or taken; with it the room is unlocked.
    fn form(&mut self, room: &str, kind: &str, payload: &Element<'_>) -> String {
        let room = self.room(room);
        if kind == "set" {
            let form = payload.elements().next().unwrap();
            for field in form.elements().filter(|field| field.name == "field") {
                let value = field.elements().next().unwrap().text();
                room.settings.insert(field.attr("var").unwrap().to_owned(), value);
            }
            room.is_locked = false;
            return String::new();
        }
        let plain: String = ["roomname", "persistentroom", "membersonly", "moderatedroom", "publicroom"]
            .iter()
            .map(|name| format!("<field var='muc#roomconfig_{name}' type='boolean'><value>0</value></field>"))
            .collect();
        let chosen = |name: &str, values: &[&str]| {
            let options: String =
                values.iter().map(|value| format!("<option><value>{value}</value></option>")).collect();
            format!("<field var='muc#roomconfig_{name}' type='list-single'>{options}</field>")
        };
        format!(
            "<query xmlns='{NS_OWNER}'><x xmlns='jabber:x:data' type='form'>{plain}{}{}</x></query>",
            chosen("maxusers", &["10", "20", "30", "40", "50", "0"]),
            chosen("whois", &["moderators", "anyone"])
        )
    }
}
