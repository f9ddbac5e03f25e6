//! A chat server as far as the service needs one: rooms with people, lists, pings, rosters. It speaks like Prosody or
//! like ejabberd where they differ. It answers what is addressed to it and leaves the rest to the script.

use neerc_xmpp::ns;
use neerc_xmpp::xml::{self, Element};
use std::collections::{BTreeMap, BTreeSet};

/// How the server begins its stream.
pub const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' \
    xmlns:stream='http://etherx.jabber.org/streams' id='3BF96D32' from='neerc.localhost'>";

const NS_ADMIN: &str = "http://jabber.org/protocol/muc#admin";
const NS_USER: &str = "http://jabber.org/protocol/muc#user";

/// Whose ways it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Names every session of a nick.
    Prosody,
    /// Names one of them.
    Ejabberd,
}

/// All of them.
pub const BOTH: [Flavour; 2] = [Flavour::Prosody, Flavour::Ejabberd];

#[derive(Clone, Debug)]
struct Occupant {
    room: String,
    nick: String,
    jids: Vec<String>,
}

/// What the bench needs of any server that takes part.
pub trait ChatServer {
    /// Hears a stanza of the service; says whether it was for the server.
    fn hears(&mut self, stanza: &str) -> bool;
    /// What it says next.
    fn take(&mut self) -> Vec<String>;
    /// The service's connection is gone.
    fn disconnected(&mut self);
}

/// The server.
pub struct Server {
    flavour: Flavour,
    /// Room and bare JID, with what its lists say.
    affiliations: BTreeMap<(String, String), String>,
    /// Owners of every room whom no list names.
    pub implicit: BTreeSet<String>,
    occupants: Vec<Occupant>,
    /// The rooms that the service is in, with its nick.
    inside: BTreeMap<String, String>,
    /// The rosters of accounts that may be read.
    pub rosters: BTreeMap<String, Vec<(String, Vec<String>)>>,
    /// Whether it answers pings.
    pub pongs: bool,
    /// Whether it hands on to the service what is for the service.
    pub hands_on: bool,
    /// Whether the service may read lists.
    pub lists: bool,
    /// Whether it may read role lists.
    pub roles: bool,
    /// Requests and presences that the service has sent it.
    pub asked: usize,
    /// Whether nobody answers a request to come into a room.
    pub closed: bool,
    /// How often a list was asked for.
    pub list_requests: usize,
    out: Vec<String>,
}

impl Server {
    /// A server whose room `neerc` has admin (owner), tk (admin), hall1, hall2 and hall3 (members); nobody is in it.
    pub fn new(flavour: Flavour) -> Server {
        let mut server = Server {
            flavour,
            affiliations: BTreeMap::new(),
            implicit: BTreeSet::new(),
            occupants: Vec::new(),
            inside: BTreeMap::new(),
            rosters: BTreeMap::new(),
            pongs: true,
            hands_on: true,
            lists: true,
            roles: true,
            asked: 0,
            closed: false,
            list_requests: 0,
            out: Vec::new(),
        };
        let people =
            [("admin", "owner"), ("tk", "admin"), ("hall1", "member"), ("hall2", "member"), ("hall3", "member")];
        for (name, affiliation) in people {
            server.list("neerc", &format!("{name}@localhost"), affiliation);
        }
        server
    }

    /// Puts somebody on a list without a word to anybody.
    pub fn list(&mut self, room: &str, bare: &str, affiliation: &str) {
        let key = (room.to_owned(), bare.to_owned());
        if affiliation == "none" {
            self.affiliations.remove(&key);
        } else {
            self.affiliations.insert(key, affiliation.to_owned());
        }
    }

    fn affiliation(&self, room: &str, jid: &str) -> &str {
        let bare = jid.split('/').next().unwrap_or(jid);
        if self.implicit.contains(bare) {
            return "owner";
        }
        self.affiliations.get(&(room.to_owned(), bare.to_owned())).map_or("none", String::as_str)
    }

    fn item(&self, room: &str, jid: &str) -> String {
        format!("<item jid='{jid}' role='participant' affiliation='{}'/>", self.affiliation(room, jid))
    }

    /// The presence of an occupant: one server names all its sessions, the other only the latest.
    fn presence(&self, occupant: &Occupant) -> String {
        let Occupant { room, nick, jids } = occupant;
        let items: String = match self.flavour {
            Flavour::Prosody => jids.iter().map(|jid| self.item(room, jid)).collect(),
            Flavour::Ejabberd => self.item(room, jids.last().unwrap()),
        };
        let id = match self.flavour {
            Flavour::Prosody => "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='x'/>",
            Flavour::Ejabberd => "",
        };
        format!(
            "<presence from='{room}@conference.localhost/{nick}' to='neerc.localhost' xml:lang='en'>{id}\
             <x xmlns='{NS_USER}'>{items}</x></presence>"
        )
    }

    fn tell(&mut self, room: &str, stanza: String) {
        if self.inside.contains_key(room) {
            self.out.push(stanza);
        }
    }

    /// Somebody joins a room.
    pub fn join(&mut self, room: &str, nick: &str, jid: &str) {
        let here = self.occupants.iter_mut().find(|occupant| occupant.room == room && occupant.nick == nick);
        let occupant = match here {
            Some(occupant) => {
                occupant.jids.push(jid.to_owned());
                occupant.clone()
            }
            None => {
                let occupant = Occupant { room: room.to_owned(), nick: nick.to_owned(), jids: vec![jid.to_owned()] };
                self.occupants.push(occupant.clone());
                occupant
            }
        };
        let presence = self.presence(&occupant);
        self.tell(room, presence);
    }

    /// Somebody leaves a room, with one session.
    pub fn leave(&mut self, room: &str, nick: &str, jid: &str) {
        let at = self.occupants.iter().position(|o| o.room == room && o.nick == nick).unwrap();
        if self.occupants[at].jids.len() > 1 {
            // Prosody still names the session that goes this once; ejabberd says nothing.
            let presence = self.presence(&self.occupants[at]);
            self.occupants[at].jids.retain(|known| known != jid);
            if self.flavour == Flavour::Prosody {
                self.tell(room, presence);
            }
            return;
        }
        self.occupants.remove(at);
        let affiliation = self.affiliation(room, jid);
        let gone = format!(
            "<presence type='unavailable' from='{room}@conference.localhost/{nick}' to='neerc.localhost'>\
             <x xmlns='{NS_USER}'><item jid='{jid}' role='none' affiliation='{affiliation}'/></x></presence>"
        );
        self.tell(room, gone);
    }

    /// Somebody goes over to another nick, with one session.
    pub fn rename(&mut self, room: &str, nick: &str, new: &str, jid: &str) {
        let at = self.occupants.iter().position(|o| o.room == room && o.nick == nick).unwrap();
        let is_taken = self.occupants.iter().any(|o| o.room == room && o.nick == new);
        self.occupants[at].jids.retain(|known| known != jid);
        let before = self.occupants[at].clone();
        if !before.jids.is_empty() {
            // One server shows who stays, the other says nothing of the old nick.
            let presence = self.presence(&before);
            if self.flavour == Flavour::Prosody {
                self.tell(room, presence);
            }
        } else {
            self.occupants.remove(at);
            let affiliation = self.affiliation(room, jid);
            let x = match (self.flavour, is_taken) {
                (Flavour::Prosody, true) => String::new(),
                _ => format!(
                    "<item jid='{jid}' nick='{new}' role='participant' affiliation='{affiliation}'/><status code='303'/>"
                ),
            };
            self.tell(
                room,
                format!(
                    "<presence type='unavailable' from='{room}@conference.localhost/{nick}' to='neerc.localhost'>\
                     <x xmlns='{NS_USER}'>{x}</x></presence>"
                ),
            );
        }
        self.join(room, new, jid);
    }

    /// Somebody changes their status.
    pub fn show(&mut self, room: &str, nick: &str) {
        let occupant = self.occupants.iter().find(|o| o.room == room && o.nick == nick).unwrap();
        let presence = self.presence(occupant);
        self.tell(room, presence);
    }

    /// A session is not in a room any more, of which nobody is told.
    pub fn lose(&mut self, room: &str, jid: &str) {
        for occupant in self.occupants.iter_mut().filter(|o| o.room == room) {
            occupant.jids.retain(|known| known != jid);
        }
        self.occupants.retain(|occupant| !occupant.jids.is_empty());
    }

    /// An occupant is put out, with every session.
    pub fn put_out(&mut self, room: &str, nick: &str) {
        let at = self.occupants.iter().position(|o| o.room == room && o.nick == nick).unwrap();
        let Occupant { jids, .. } = self.occupants.remove(at);
        let item = |jid: &String| self.item(room, jid).replace("participant", "none");
        let said: Vec<String> = match self.flavour {
            Flavour::Prosody => vec![jids.iter().map(item).collect()],
            Flavour::Ejabberd => jids.iter().map(item).collect(),
        };
        for items in said {
            self.tell(
                room,
                format!(
                    "<presence type='unavailable' from='{room}@conference.localhost/{nick}' to='neerc.localhost'>\
                     <x xmlns='{NS_USER}'>{items}<status code='307'/></x></presence>"
                ),
            );
        }
    }

    /// Every session in a room, as the role lists name them.
    fn role_list(&self, room: &str, role: &str) -> String {
        let here = self.occupants.iter().filter(|o| o.room == room && role == "participant");
        let items: String = here
            .flat_map(|o| o.jids.iter().map(move |jid| (&o.nick, jid)))
            .map(|(nick, jid)| self.item(room, jid).replace("<item ", &format!("<item nick='{nick}' ")))
            .collect();
        let own = self.inside.get(room).filter(|_| role == "moderator");
        let own =
            own.map(|nick| format!("<item nick='{nick}' jid='neerc.localhost' role='moderator' affiliation='owner'/>"));
        format!("<query xmlns='{NS_ADMIN}'>{items}{}</query>", own.unwrap_or_default())
    }

    /// Somebody's affiliation is changed, by whatever means.
    pub fn affiliate(&mut self, room: &str, bare: &str, affiliation: &str) {
        self.list(room, bare, affiliation);
        let of_theirs = |jid: &String| jid.split('/').next() == Some(bare);
        let here: Vec<Occupant> =
            self.occupants.iter().filter(|o| o.room == room && o.jids.iter().any(of_theirs)).cloned().collect();
        for occupant in &here {
            let presence = self.presence(occupant);
            self.tell(room, presence);
        }
        if here.is_empty() {
            let (id, role) = match self.flavour {
                Flavour::Prosody => ("", ""),
                Flavour::Ejabberd => (" id='14683'", " role='none'"),
            };
            self.tell(
                room,
                format!(
                    "<message from='{room}@conference.localhost' to='neerc.localhost'{id}><x xmlns='{NS_USER}'>\
                     <item jid='{bare}'{role} affiliation='{affiliation}'/></x></message>"
                ),
            );
        }
    }

    /// The service is put out of a room.
    pub fn kick(&mut self, room: &str) {
        let Some(nick) = self.inside.remove(room) else { return };
        self.out.push(format!(
            "<presence type='unavailable' from='{room}@conference.localhost/{nick}' to='neerc.localhost'>\
             <x xmlns='{NS_USER}'><item jid='neerc.localhost' role='none' affiliation='owner'/>\
             <status code='110'/><status code='307'/></x></presence>"
        ));
    }

    /// Forgets that the service is in a room, and does not say so.
    pub fn forget(&mut self, room: &str) {
        self.inside.remove(room);
    }

    fn hears_presence(&mut self, to: &str, kind: Option<&str>) {
        let (bare, nick) = to.split_once('/').unwrap();
        let room = bare.strip_suffix("@conference.localhost").unwrap();
        if kind.is_some() {
            self.inside.remove(room);
            return;
        }
        if self.closed {
            return;
        }
        self.inside.insert(room.to_owned(), nick.to_owned());
        if self.flavour == Flavour::Ejabberd {
            self.out.push(format!(
                "<presence from='{bare}' to='neerc.localhost' id='1'>\
                 <c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='x' ver='y'/></presence>"
            ));
        }
        let others: Vec<String> =
            self.occupants.iter().filter(|o| o.room == room).map(|occupant| self.presence(occupant)).collect();
        self.out.extend(others);
        self.out.push(format!(
            "<presence from='{bare}/{nick}' to='neerc.localhost'><x xmlns='{NS_USER}'><status code='100'/>\
             <item jid='neerc.localhost' role='moderator' affiliation='owner'/><status code='110'/></x></presence>"
        ));
        self.out.push(format!("<message type='groupchat' from='{bare}' to='neerc.localhost'><subject/></message>"));
    }

    fn answer(&self, to: &str, payload: &Element<'_>) -> Result<String, String> {
        let error = |kind: &str, name: &str| {
            format!("<error type='{kind}'><{name} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>")
        };
        if payload.is("query", NS_ADMIN) {
            if !self.lists {
                return Err(error("auth", "forbidden"));
            }
            let room = to.split('@').next().unwrap();
            let item = payload.elements().next().unwrap();
            if let Some(role) = item.attr("role") {
                // One server answers occupants only.
                let is_seen = self.roles && (self.flavour == Flavour::Prosody || self.inside.contains_key(room));
                return if is_seen { Ok(self.role_list(room, role)) } else { Err(error("auth", "forbidden")) };
            }
            let wanted = item.attr("affiliation").unwrap();
            let listed = self.affiliations.iter().filter(|((of, _), affiliation)| of == room && *affiliation == wanted);
            let items: String =
                listed.map(|((_, jid), _)| format!("<item jid='{jid}' affiliation='{wanted}'/>")).collect();
            return Ok(format!("<query xmlns='{NS_ADMIN}'>{items}</query>"));
        }
        if payload.is("ping", "urn:xmpp:ping") {
            return match to.split_once('@') {
                Some((room, _)) if !self.inside.contains_key(room) => Err(error("cancel", "not-acceptable")),
                _ => Ok(String::new()),
            };
        }
        if payload.is("query", "http://jabber.org/protocol/disco#info") && to == "localhost" {
            return Ok(format!(
                "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='server' type='im' name='{}'/>\
                 </query>",
                match self.flavour {
                    Flavour::Prosody => "Prosody",
                    Flavour::Ejabberd => "ejabberd",
                }
            ));
        }
        if payload.is("query", "jabber:iq:roster") {
            let roster = self.rosters.get(to).ok_or_else(|| error("auth", "forbidden"))?;
            let items: String = roster
                .iter()
                .map(|(jid, groups)| {
                    let groups: String = groups.iter().map(|group| format!("<group>{group}</group>")).collect();
                    format!("<item jid='{jid}' subscription='both'>{groups}</item>")
                })
                .collect();
            return Ok(format!("<query xmlns='jabber:iq:roster'>{items}</query>"));
        }
        Err(error("cancel", "service-unavailable"))
    }
}

impl ChatServer for Server {
    fn hears(&mut self, stanza: &str) -> bool {
        if stanza.starts_with("<?xml") || stanza.starts_with("<stream:stream") || stanza.starts_with("<handshake") {
            return true;
        }
        let element = xml::parse(stanza.as_bytes(), ns::COMPONENT, &xml::TreeLimits::default()).expect(stanza);
        let to = element.attr("to").expect(stanza);
        let is_asked = element.name != "message" && to != "neerc.localhost" && element.attr("type") != Some("probe");
        self.asked += usize::from(is_asked);
        match (element.name, element.attr("type")) {
            ("presence", kind) if to.contains("@conference.") => self.hears_presence(to, kind),
            ("iq", Some("get")) if to == "neerc.localhost" => {
                if self.hands_on {
                    self.out.push(stanza.to_owned());
                }
            }
            ("iq", Some("get" | "set")) => {
                let id = element.attr("id").unwrap();
                self.list_requests += usize::from(element.child("query", NS_ADMIN).is_some());
                let answer = self.answer(to, element.elements().next().unwrap());
                let (kind, payload) = match answer {
                    Ok(payload) => ("result", payload),
                    Err(error) => ("error", error),
                };
                if self.pongs {
                    self.out
                        .push(format!("<iq type='{kind}' id='{id}' from='{to}' to='neerc.localhost'>{payload}</iq>"));
                }
            }
            _ => return false,
        }
        true
    }

    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.out)
    }

    fn disconnected(&mut self) {
        self.inside.clear();
        self.out.clear();
    }
}
