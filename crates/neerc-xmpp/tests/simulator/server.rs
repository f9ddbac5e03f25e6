//! An XMPP server with chat rooms, as far as a component sees one: who is in which room with which standing, and the
//! stanzas that say so. Two flavours: one names all sessions of a nick, the other only the latest.

use std::collections::BTreeMap;

/// The component.
pub const SVC: &str = "neerc.localhost";
const USER: &str = "http://jabber.org/protocol/muc#user";

/// Somebody in a room, with all sessions that share the nick.
pub struct Occupant {
    pub nick: String,
    pub sessions: Vec<String>,
}

/// A chat room.
pub struct Room {
    pub name: &'static str,
    /// Of bare JIDs; whoever is missing has none.
    affiliations: BTreeMap<String, &'static str>,
    /// When each was changed last, and what it was at each time.
    pub standing: BTreeMap<String, Vec<(i64, &'static str)>>,
    pub occupants: Vec<Occupant>,
    /// The nick of the component, if it is in.
    pub component: Option<String>,
    /// The component was put out without being told.
    pub silent: bool,
    /// Since when the component hears of every change.
    pub hearing_ms: Option<i64>,
    names_all: bool,
}

/// The bare part of a JID.
pub fn bare(jid: &str) -> &str {
    jid.split('/').next().unwrap_or(jid)
}

impl Room {
    /// A room with these affiliations.
    pub fn new(name: &'static str, names_all: bool, affiliations: &[(&str, &'static str)]) -> Room {
        let affiliations: BTreeMap<_, _> = affiliations.iter().map(|(jid, a)| ((*jid).to_owned(), *a)).collect();
        let standing = affiliations.iter().map(|(jid, a)| (jid.clone(), vec![(i64::MIN, *a)])).collect();
        Room {
            name,
            affiliations,
            standing,
            occupants: Vec::new(),
            component: None,
            silent: false,
            hearing_ms: None,
            names_all,
        }
    }

    /// The JID of the room.
    pub fn jid(&self) -> String {
        format!("{}@conference.localhost", self.name)
    }

    /// The standing of an account.
    pub fn affiliation(&self, bare: &str) -> &'static str {
        self.affiliations.get(bare).copied().unwrap_or("none")
    }

    /// Whether somebody had that standing or a higher one at some time from `from_ms` on.
    pub fn had(&self, bare: &str, from_ms: i64, power: bool) -> bool {
        let enough = |a: &str| a == "owner" || a == "admin" || (!power && a == "member");
        let Some(standing) = self.standing.get(bare) else { return false };
        let at = standing.partition_point(|(since, _)| *since <= from_ms).saturating_sub(1);
        standing[at..].iter().any(|(_, affiliation)| enough(affiliation))
    }

    /// The nick under which a session is in the room.
    pub fn nick_of(&self, jid: &str) -> Option<&str> {
        let here = |occupant: &&Occupant| occupant.sessions.iter().any(|session| session == jid);
        self.occupants.iter().find(here).map(|occupant| &*occupant.nick)
    }

    fn presence(&self, nick: &str, type_: &str, sessions: &[String], codes: &[&str]) -> String {
        let affiliation = sessions.first().map_or("owner", |session| self.affiliation(bare(session)));
        let item = |jid: &String| format!("<item jid='{jid}' affiliation='{affiliation}' role='participant'/>");
        let items: String = sessions.iter().map(item).collect();
        let codes: String = codes.iter().map(|code| format!("<status code='{code}'/>")).collect();
        let type_ = if type_.is_empty() { String::new() } else { format!(" type='{type_}'") };
        format!(
            "<presence from='{}/{nick}' to='{SVC}'{type_}><x xmlns='{USER}'>{items}{codes}</x></presence>",
            self.jid()
        )
    }

    fn here(&self, occupant: &Occupant) -> String {
        let latest = occupant.sessions.len() - 1;
        let named = if self.names_all { &occupant.sessions[..] } else { &occupant.sessions[latest..] };
        self.presence(&occupant.nick, "", named, &[])
    }

    /// A session comes in; what the component is told of it.
    pub fn enter(&mut self, nick: &str, jid: &str) -> Vec<String> {
        match self.occupants.iter_mut().find(|occupant| occupant.nick == nick) {
            Some(occupant) => occupant.sessions.push(jid.to_owned()),
            None => self.occupants.push(Occupant { nick: nick.to_owned(), sessions: vec![jid.to_owned()] }),
        }
        let occupant = self.occupants.iter().find(|occupant| occupant.nick == nick);
        self.to_component(occupant.map(|occupant| self.here(occupant)))
    }

    /// A session goes; what the component is told of it.
    pub fn leave(&mut self, jid: &str) -> Vec<String> {
        let Some(at) = self.occupants.iter().position(|o| o.sessions.iter().any(|session| session == jid)) else {
            return Vec::new();
        };
        // The one that goes is still named this once.
        let still = self.here(&self.occupants[at]);
        self.occupants[at].sessions.retain(|session| session != jid);
        if !self.occupants[at].sessions.is_empty() {
            return self.to_component(Some(still).filter(|_| self.names_all));
        }
        let occupant = self.occupants.remove(at);
        self.to_component(Some(self.presence(&occupant.nick, "unavailable", &[jid.to_owned()], &[])))
    }

    /// The standing of an account changes; what the component is told of it.
    pub fn affiliate(&mut self, now_ms: i64, bare_jid: &str, affiliation: &'static str) -> Vec<String> {
        self.affiliations.insert(bare_jid.to_owned(), affiliation);
        let standing = self.standing.entry(bare_jid.to_owned()).or_insert_with(|| vec![(i64::MIN, "none")]);
        standing.push((now_ms, affiliation));
        let mut said = Vec::new();
        let (out, stay): (Vec<Occupant>, Vec<Occupant>) = std::mem::take(&mut self.occupants)
            .into_iter()
            .partition(|o| bare(&o.sessions[0]) == bare_jid && matches!(affiliation, "none" | "outcast"));
        self.occupants = stay;
        for occupant in out.iter() {
            let code = if affiliation == "none" { "321" } else { "301" };
            said.push(self.presence(&occupant.nick, "unavailable", &occupant.sessions, &[code]));
        }
        let here: Vec<String> =
            self.occupants.iter().filter(|o| bare(&o.sessions[0]) == bare_jid).map(|o| self.here(o)).collect();
        said.extend(here);
        if said.is_empty() {
            said.push(format!(
                "<message from='{}' to='{SVC}'><x xmlns='{USER}'><item affiliation='{affiliation}' jid='{bare_jid}'/></x></message>",
                self.jid()
            ));
        }
        self.to_component(said)
    }

    /// The component asks to come in, or to hear again who is there.
    pub fn component_enters(&mut self, nick: &str) -> Vec<String> {
        if self.occupants.iter().any(|occupant| occupant.nick == nick) {
            return vec![format!(
                "<presence from='{}/{nick}' to='{SVC}' type='error'><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>",
                self.jid()
            )];
        }
        self.component = Some(nick.to_owned());
        self.silent = false;
        // One server names all sessions of a nick, the other shows one of them.
        let mut said: Vec<String> = self.occupants.iter().map(|occupant| self.here(occupant)).collect();
        said.push(self.presence(nick, "", &[SVC.to_owned()], &["110"]));
        said
    }

    /// The component is put out; told of it unless `silently`.
    pub fn component_leaves(&mut self, silently: bool) -> Vec<String> {
        let Some(nick) = self.component.take() else { return Vec::new() };
        self.hearing_ms = None;
        self.silent = silently;
        if silently {
            Vec::new()
        } else {
            vec![self.presence(&nick, "unavailable", &[SVC.to_owned()], &["110", "307"])]
        }
    }

    /// A session goes over to another nick; what the component is told of it.
    pub fn rename(&mut self, jid: &str, new: &str) -> Vec<String> {
        let Some(at) = self.occupants.iter().position(|o| o.sessions.iter().any(|session| session == jid)) else {
            return Vec::new();
        };
        let is_taken = self.occupants.iter().any(|occupant| occupant.nick == new);
        let mut said = Vec::new();
        self.occupants[at].sessions.retain(|session| session != jid);
        if self.occupants[at].sessions.is_empty() {
            let nick = self.occupants.remove(at).nick;
            let gone = match self.names_all && is_taken {
                true => self.presence(&nick, "unavailable", &[], &[]),
                false => self
                    .presence(&nick, "unavailable", &[jid.to_owned()], &["303"])
                    .replace("<item ", &format!("<item nick='{new}' ")),
            };
            said.push(gone);
        } else if self.names_all {
            said.push(self.here(&self.occupants[at]));
        }
        let mut said = self.to_component(said);
        said.extend(self.enter(new, jid));
        said
    }

    /// The payload of an answer to a request for a role list: every session of everybody.
    pub fn role_list(&self, role: &str) -> String {
        let here = self.occupants.iter().filter(|_| role == "participant");
        let items: String = here
            .flat_map(|o| o.sessions.iter().map(move |jid| (&o.nick, jid)))
            .map(|(nick, jid)| {
                let affiliation = self.affiliation(bare(jid));
                format!("<item nick='{nick}' jid='{jid}' affiliation='{affiliation}' role='{role}'/>")
            })
            .collect();
        format!("<query xmlns='http://jabber.org/protocol/muc#admin'>{items}</query>")
    }

    /// The payload of an answer to a request for a list.
    pub fn list(&self, affiliation: &str) -> String {
        let listed = self.affiliations.iter().filter(|(_, a)| **a == affiliation);
        let items: String = listed.map(|(jid, a)| format!("<item jid='{jid}' affiliation='{a}'/>")).collect();
        format!("<query xmlns='http://jabber.org/protocol/muc#admin'>{items}</query>")
    }

    fn to_component(&self, said: impl IntoIterator<Item = String>) -> Vec<String> {
        if self.component.is_some() { said.into_iter().collect() } else { Vec::new() }
    }
}
