//! What people and the world do: halls that answer, desktops with old copies, pollers, strangers, hostile clients,
//! admins of the rooms, and whatever pulls the plug.

use crate::model::{Copy, number};
use crate::server::{SVC, bare};
use crate::world::{SLACK_MS, World, room_of};
use std::collections::BTreeMap;

const NS: &str = "http://neerc.ifmo.ru/protocol/neerc";
const ADMINS: [&str; 3] = ["admin@localhost", "jury@localhost", "boss@localhost"];
const HALLS: [&str; 5] =
    ["hall1@localhost", "hall2@localhost", "hall3@localhost", "hall4@elsewhere", "hall9@localhost"];
const STRANGERS: [&str; 3] = ["stranger@localhost", "outcast@localhost", "admin@elsewhere"];

/// One client of somebody.
pub struct Session {
    pub jid: String,
    pub room: &'static str,
    pub online: bool,
    /// When the service was sent that it is in the room; `MAX` if it was not yet.
    pub known_ms: i64,
    /// When it came online.
    pub came_ms: i64,
    /// When it left the room.
    pub left_ms: i64,
    /// Since when the service has its directed presence.
    pub directed_ms: Option<i64>,
    /// Whom its server will tell that it goes.
    pub directed_to: Vec<String>,
    /// When it was answered its tasks, when it had asked, and on which link.
    pub asked: Option<(i64, i64, u64)>,
    /// It has said that stanzas do not reach it.
    pub silenced: bool,
    /// Tasks as it was shown them, the newest last.
    pub copies: Vec<Copy>,
    /// Which state of each task it was shown last: the earliest and the latest that it can have been.
    pub seen: BTreeMap<u64, (usize, usize)>,
    /// Whether it asks for differences.
    pub wants_parts: bool,
    /// What it holds, if it asks for differences and was answered with a revision.
    pub known: Option<Known>,
    /// It was told of differences that it cannot put together: its address had another client before it.
    pub puzzled: bool,
    /// Phase and length of the contest as it heard them last, and when.
    pub clock: Option<(String, i64, i64)>,
}

/// What a client holds that hears differences.
#[derive(Debug)]
pub struct Known {
    /// The last revision that it was told.
    pub revision: u64,
    /// Its copies of the tasks.
    pub copies: BTreeMap<u64, Copy>,
}

/// What a write must have left in the log once it is answered.
#[derive(Clone, Debug)]
pub enum Effect {
    /// In that room a task was given this title, which no other request gives.
    Titled(&'static str, String),
    /// Somebody has answered with this value, which no other request gives.
    Answered(String),
    /// In that room this task is gone.
    Removed(&'static str, u64),
}

/// What somebody has to be to ask something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    User,
    Power,
    /// It depends on more than that.
    More,
}

impl Needs {
    fn of(stanza: &str) -> Needs {
        let plain = |name: &str| stanza.contains(&format!("<query xmlns='{NS}#{name}'/>"));
        if stanza.contains(&format!("<task xmlns='{NS}#task'")) {
            Needs::Power
        } else if plain("users") || plain("tasks") {
            Needs::User
        } else {
            Needs::More
        }
    }
}

/// A request that was sent.
#[derive(Debug)]
pub struct Request {
    pub effect: Option<Effect>,
    /// The task that it would change.
    pub task: Option<u64>,
    /// Who may ask that, whatever the tasks are like.
    pub needs: Needs,
    pub sent_ms: i64,
    pub answers: usize,
    pub failed: bool,
    /// The link or the process was lost before it was answered.
    pub lost: bool,
}

impl World {
    /// Some are there from the beginning.
    pub fn open(&mut self) {
        self.run_for(100);
        for who in ["admin@localhost/D", "hall1@localhost/D", "hall2@localhost/A"] {
            if !self.random.one_in(4) {
                self.come_as(who.to_owned());
            }
        }
        self.create();
    }

    /// One thing that somebody does.
    pub fn act(&mut self) {
        match self.random.below(100) {
            0..14 => self.come(),
            14..18 => self.go(),
            18..28 => self.create(),
            28..44 => self.edit(),
            44..48 => self.remove(),
            48..66 => self.answer(),
            66..74 => self.read(),
            74..77 => self.trespass(),
            77..79 => self.plan(),
            79 => self.create_due(),
            80..86 => self.hostile(),
            86..90 => self.affiliate(),
            90..92 => self.direct(),
            92..94 => self.kick(),
            94 => self.set_wall_clock(),
            95 => self.turn_contest_clock(),
            96 => self.cut(),
            97 => match self.random.below(4) {
                0 => self.sleep(),
                1 => self.cut(),
                _ => self.crash(),
            },
            98 => self.regroup(),
            _ => {
                let ms = self.random.ms(1_000, 70_000);
                self.run_for(ms);
            }
        }
    }

    pub fn someone(&mut self, among: &[&str]) -> Option<usize> {
        let fits = |(_, s): &(usize, &Session)| s.online && among.contains(&bare(&s.jid));
        let here: Vec<usize> = self.sessions.iter().enumerate().filter(fits).map(|(at, _)| at).collect();
        self.random.pick(&here).copied()
    }

    /// Sends a request of a session.
    fn ask(&mut self, at: usize, type_: &str, to: &str, payload: &str, effect: Option<Effect>) {
        self.next_request += 1;
        let (id, jid) = (format!("q{}", self.next_request), self.sessions[at].jid.clone());
        let stanza = format!("<iq type='{type_}' id='{id}' from='{jid}' to='{to}'>{payload}</iq>");
        self.ask_as_is(jid, id, &stanza, effect);
    }

    fn ask_as_is(&mut self, jid: String, id: String, stanza: &str, effect: Option<Effect>) {
        if self.send(stanza) {
            let words = stanza.split_once("#task' id='").or_else(|| stanza.split_once("#taskstatus' id='"));
            let task = words.and_then(|(_, id)| number(id.split_once('\'')?.0));
            let (needs, sent_ms) = (Needs::of(stanza), self.now_ms);
            let request = Request { effect, task, needs, sent_ms, answers: 0, failed: false, lost: false };
            self.requests.insert((jid, id), request);
        }
    }

    fn service_of(room: &str) -> String {
        format!("{room}@{SVC}")
    }

    /// Somebody comes online, mostly into the room, sometimes under a nick of their own or only to ask.
    fn come(&mut self) {
        let everybody = [&ADMINS[..], &HALLS[..], &HALLS[..], &STRANGERS[..]].concat();
        let who = everybody[self.random.below(everybody.len())];
        let jid = format!("{who}/{}", ["A", "B", "D"][self.random.below(3)]);
        if self.session(&jid).is_some() {
            return;
        }
        self.come_as(jid);
    }

    /// A session comes online.
    pub fn come_as(&mut self, jid: String) {
        // A client that was gone without the room's notice is put out before it comes again.
        let said = self.rooms.iter_mut().map(|room| room.leave(&jid)).collect::<Vec<_>>().concat();
        self.say(said);
        for at in 0..self.sessions.len() {
            if self.sessions[at].jid == jid {
                self.undirect(at);
            }
        }
        let session = Session {
            room: room_of(&jid),
            wants_parts: jid.ends_with("/D"),
            known: None,
            puzzled: false,
            clock: None,
            jid,
            online: true,
            known_ms: i64::MAX,
            came_ms: self.now_ms,
            left_ms: i64::MIN,
            directed_ms: None,
            directed_to: Vec::new(),
            asked: None,
            silenced: false,
            copies: Vec::new(),
            seen: BTreeMap::new(),
        };
        self.sessions.push(session);
        let at = self.sessions.len() - 1;
        if self.sessions[at].wants_parts {
            self.read_tasks(at);
        } else if self.random.one_in(3) {
            self.read_as(at);
        }
        if !self.random.one_in(5) {
            self.enter(at);
        }
    }

    fn enter(&mut self, at: usize) {
        let (jid, now_ms) = (self.sessions[at].jid.clone(), self.now_ms);
        let Some(room) = self.rooms.iter_mut().find(|room| room.name == room_of(&jid)) else { return };
        if room.nick_of(&jid).is_some() || !matches!(room.affiliation(bare(&jid)), "owner" | "admin" | "member") {
            return;
        }
        let nick = bare(&jid).replace('@', " at ");
        let said = room.enter(&nick, &jid);
        let silent = room.silent;
        self.sessions[at].known_ms = if silent { i64::MAX } else { now_ms };
        self.say(said);
    }

    fn say(&mut self, stanzas: Vec<String>) {
        for stanza in stanzas {
            self.send(&stanza);
        }
    }

    /// Somebody leaves the room, goes offline, or is gone without the room's notice.
    fn go(&mut self) {
        let here: Vec<usize> = (0..self.sessions.len()).filter(|at| self.sessions[*at].online).collect();
        let Some(&at) = self.random.pick(&here) else { return };
        match self.random.below(5) {
            0 => self.leave(at),
            4 => self.rename(at),
            1 => self.sessions[at].online = false, // the room finds out when a stanza comes back
            _ => self.go_offline(at),
        }
    }

    /// A session takes another nick, which others of its account may have already.
    fn rename(&mut self, at: usize) {
        let jid = self.sessions[at].jid.clone();
        let nick = format!("{}{}", bare(&jid).replace('@', " at "), ["", " again"][self.random.below(2)]);
        let Some(room) = self.rooms.iter_mut().find(|room| room.name == room_of(&jid)) else { return };
        if room.nick_of(&jid).is_none_or(|known| known == nick) {
            return;
        }
        let said = room.rename(&jid, &nick);
        self.say(said);
    }

    fn leave(&mut self, at: usize) {
        let jid = self.sessions[at].jid.clone();
        self.sessions[at].asked = None;
        self.sessions[at].left_ms = self.now_ms;
        let said = self.rooms.iter_mut().map(|room| room.leave(&jid)).collect::<Vec<_>>().concat();
        self.say(said);
    }

    /// A session says good-bye everywhere.
    pub fn go_offline(&mut self, at: usize) {
        self.leave(at);
        let session = &mut self.sessions[at];
        session.online = false;
        self.undirect(at);
    }

    /// The server takes the directed presence of a session back.
    fn undirect(&mut self, at: usize) {
        let session = &mut self.sessions[at];
        session.directed_ms = None;
        for to in std::mem::take(&mut session.directed_to) {
            let gone = format!("<presence type='unavailable' from='{}' to='{to}'/>", self.sessions[at].jid);
            self.send(&gone);
        }
    }

    fn statuses(&mut self, names: &[&str]) -> String {
        let one = |name: &&str| format!("<status for='{name}' type='none'/>");
        names.iter().filter(|_| self.random.one_in(2)).map(one).collect()
    }

    fn names(room: &str) -> &'static [&'static str] {
        if room == "neerc" { &["hall1", "hall2", "hall3", "hall4@elsewhere", "admin"] } else { &["hall9", "boss"] }
    }

    fn title(&mut self, room: &str) -> String {
        format!("{room} T{}", self.next_request + 1)
    }

    fn create(&mut self) {
        let Some(at) = self.someone(&ADMINS) else { return };
        let room = self.sessions[at].room;
        let title = self.title(room);
        let mut people = self.statuses(Self::names(room));
        match self.random.below(12) {
            0 => people.push_str("<status for='halls'/>"),
            3 | 4 if room == "neerc" => people.push_str("<status for='printers'/>"),
            1 => people.push_str("<status for='nobody'/>"),
            2 => people.push_str("<status for='neerc'/>"),
            _ => {}
        }
        let kind = ["todo", "confirm", "okfail", "q"][self.random.below(4)];
        let task = format!("<task xmlns='{NS}#task' title='{title}' type='{kind}'>{people}</task>");
        let type_ = ["get", "set"][self.random.below(2)];
        self.ask(at, type_, &Self::service_of(room), &task, Some(Effect::Titled(room, title)));
    }

    /// One more task, so that everybody is told of something.
    pub fn last_change(&mut self, at: usize) {
        let room = self.sessions[at].room;
        let title = self.title(room);
        let task = format!("<task xmlns='{NS}#task' title='{title}' type='todo'/>");
        self.ask(at, "set", &Self::service_of(room), &task, Some(Effect::Titled(room, title)));
    }

    /// A packet made from a copy that may be old, or made up.
    fn edit(&mut self) {
        let Some(at) = self.someone(&ADMINS) else { return };
        let room = self.sessions[at].room;
        let copies = &self.sessions[at].copies;
        let back = if self.random.one_in(2) { 1 } else { 12 };
        let from = copies.len().saturating_sub(back);
        let Some(copy) = self.random.pick(&copies[from..]).cloned() else { return };
        let drops = self.random.one_in(3);
        let made_up = self.random.one_in(8);
        let mut people = String::new();
        for (name, kind, value) in &copy.statuses {
            if drops && self.random.one_in(3) {
                continue;
            }
            let kind = if made_up { "success" } else { kind };
            people.push_str(&format!("<status for='{name}' type='{kind}' value='{value}'/>"));
        }
        for name in Self::names(room) {
            if self.random.one_in(4) && !copy.statuses.iter().any(|(known, ..)| known == name) {
                people.push_str(&format!("<status for='{name}' type='none' value=''/>"));
            }
        }
        let renamed = self.random.one_in(5).then(|| self.title(room));
        let effect = renamed.clone().map(|title| Effect::Titled(room, title));
        let (title, id, kind) = (renamed.unwrap_or(copy.title), copy.id, copy.kind);
        let task = format!("<task xmlns='{NS}#task' id='{id}' title='{title}' type='{kind}'>{people}</task>");
        let type_ = ["get", "set"][self.random.below(2)];
        self.ask(at, type_, &Self::service_of(room), &task, effect);
    }

    fn remove(&mut self) {
        let Some(at) = self.someone(&ADMINS) else { return };
        let room = self.sessions[at].room;
        let Some(id) = self.random.pick(&self.sessions[at].copies).map(|copy| copy.id.clone()) else { return };
        let task = format!("<task xmlns='{NS}#task' id='{id}' type='remove'/>");
        let effect = number(&id).map(|id| Effect::Removed(room, id));
        self.ask(at, "set", &Self::service_of(room), &task, effect);
    }

    fn answer(&mut self) {
        let Some(at) = self.someone(&HALLS) else { return };
        let room = self.sessions[at].room;
        let Some(id) = self.random.pick(&self.sessions[at].copies).map(|copy| copy.id.clone()) else { return };
        let value = format!("v{}", self.next_request + 1);
        let kind = ["running", "success", "fail"][self.random.below(3)];
        let payload = format!("<taskstatus xmlns='{NS}#taskstatus' id='{id}' type='{kind}' value='{value}'/>");
        let type_ = ["get", "set"][self.random.below(2)];
        self.ask(at, type_, &Self::service_of(room), &payload, Some(Effect::Answered(value)));
    }

    fn read(&mut self) {
        let here: Vec<usize> = (0..self.sessions.len()).filter(|at| self.sessions[*at].online).collect();
        let Some(&at) = self.random.pick(&here) else { return };
        self.read_as(at);
    }

    fn read_as(&mut self, at: usize) {
        let what = ["tasks", "tasks", "tasks", "users", "clock", "ping"][self.random.below(6)];
        if what == "tasks" {
            return self.read_tasks(at);
        }
        let to = Self::service_of(self.sessions[at].room);
        self.ask(at, "get", &to, &format!("<query xmlns='{NS}#{what}'/>"), None);
    }

    /// A session asks for the tasks, in its way.
    pub fn read_tasks(&mut self, at: usize) {
        let Session { wants_parts, known, room, .. } = &self.sessions[at];
        let since = match known {
            _ if self.random.one_in(15) => " since='123456789'".to_owned(), // of some other service
            Some(known) => format!(" since='{}'", known.revision),
            None => String::new(),
        };
        let parts = if *wants_parts { format!(" delta='1'{since}") } else { String::new() };
        let to = Self::service_of(room);
        self.ask(at, "get", &to, &format!("<query xmlns='{NS}#tasks'{parts}/>"), None);
    }

    /// Somebody asks for what is not theirs to ask.
    fn trespass(&mut self) {
        let everybody = [&HALLS[..], &STRANGERS[..]].concat();
        let Some(at) = self.someone(&everybody) else { return };
        let room = self.sessions[at].room;
        let title = self.title(room);
        let id = format!("t{}", 1 + self.random.below(8));
        let payload = match self.random.below(4) {
            0 => format!("<task xmlns='{NS}#task' title='{title}' type='todo'><status for='hall1'/></task>"),
            1 => format!("<task xmlns='{NS}#task' id='{id}' title='{title}' type='todo'/>"),
            2 => format!("<task xmlns='{NS}#task' id='{id}' type='remove'/>"),
            _ => format!("<taskstatus xmlns='{NS}#taskstatus' id='{id}' type='fail' value='{title}'/>"),
        };
        let effect = if payload.contains(&title) && !payload.contains("value=") {
            Some(Effect::Titled(room, title))
        } else {
            None
        };
        self.ask(at, "set", &Self::service_of(room), &payload, effect);
    }

    /// What no client sends, but somebody might.
    fn hostile(&mut self) {
        let everybody = [&ADMINS[..], &HALLS[..], &STRANGERS[..]].concat();
        let Some(at) = self.someone(&everybody) else { return };
        let jid = self.sessions[at].jid.clone();
        let to = Self::service_of(self.sessions[at].room);
        let requests = [
            "<a>".repeat(40) + &"</a>".repeat(40),
            "<a>&nope;</a>".to_owned(),
            "<!-- x -->".to_owned(),
            "<a/><b/>".to_owned(),
            String::new(),
            format!("<task xmlns='{NS}#task' id='t1' title='' type='todo'/>"),
            format!("<taskstatus xmlns='{NS}#taskstatus' id='t1' type='never'/>"),
            format!("<task xmlns='{NS}#task' id='t99999999999999999999' type='remove'/>"),
            "<query xmlns='http://jabber.org/protocol/disco#info'/>".to_owned(),
            "<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>".to_owned(),
        ];
        let n = self.random.below(30);
        match n {
            0..10 => self.ask(at, "set", &to, &requests[n], None),
            10 => self.ask(at, "weird", &to, "<a/>", None),
            11 => self.ask(at, "get", "nowhere@neerc.localhost", &requests[8], None),
            12 => self.direct_to(at, SVC.to_owned()),
            13 => {
                self.send(&format!("<message type='weird' from='{jid}' to='{to}'><body>x</body></message>"));
                self.spoken_to.insert(jid, i64::MAX);
            }
            14 if self.random.one_in(8) => {
                let long = format!("<a x='{}'/>", "x".repeat(300_000));
                self.ask(at, "get", &to, &long, None);
            }
            15..20 => {
                // Answers to requests of the service that are not theirs to give.
                let id = self.random.below(60);
                let type_ = ["result", "error"][n % 2];
                self.send(&format!("<iq type='{type_}' id='n{id}' from='{jid}' to='{SVC}'/>"));
            }
            20 => {
                self.sessions[at].silenced = true;
                self.sessions[at].asked = None;
                self.sessions[at].left_ms = self.now_ms;
                self.send(&format!("<message type='error' from='{jid}' to='{SVC}'/>"));
            }
            21..25 => drop(self.send("  text <!-- between --> stanzas <a xmlns='x'/>")),
            25 => {
                let message = format!(
                    "<message from='{jid}' to='{SVC}'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner' jid='{}'/></x></message>",
                    bare(&jid)
                );
                self.send(&message);
            }
            _ => {}
        }
    }

    fn affiliate(&mut self) {
        let everybody = [&ADMINS[1..2], &HALLS[..], &STRANGERS[..]].concat();
        let who = everybody[self.random.below(everybody.len())];
        self.affiliate_one(who);
    }

    /// The standing of somebody in a room changes.
    pub fn affiliate_in(&mut self, room: &str) {
        let everybody = [&ADMINS[1..2], &HALLS[..], &STRANGERS[..]].concat();
        let of_room: Vec<&str> = everybody.into_iter().filter(|who| room_of(who) == room).collect();
        if let Some(who) = self.random.pick(&of_room) {
            self.affiliate_one(who);
        }
    }

    fn affiliate_one(&mut self, who: &str) {
        let affiliation = ["admin", "member", "member", "none", "outcast"][self.random.below(5)];
        let now_ms = self.now_ms;
        self.trace(|| format!("{who} becomes {affiliation}"));
        let Some(room) = self.rooms.iter_mut().find(|room| room.name == room_of(who)) else { return };
        let said = room.affiliate(now_ms, who, affiliation);
        if matches!(affiliation, "none" | "outcast") {
            for session in self.sessions.iter_mut().filter(|session| bare(&session.jid) == who) {
                (session.asked, session.left_ms) = (None, now_ms);
            }
        }
        self.say(said);
    }

    fn direct(&mut self) {
        let Some(at) = self.someone(&HALLS) else { return };
        let to = Self::service_of(self.sessions[at].room);
        self.direct_to(at, to);
    }

    /// The service takes directed presence only of somebody whom it knows to be of the room.
    fn direct_to(&mut self, at: usize, to: String) {
        let Session { jid, room, .. } = &self.sessions[at];
        let (jid, room) = (jid.clone(), *room);
        if !self.send(&format!("<presence from='{jid}' to='{to}'><show>foo</show></presence>")) {
            return;
        }
        let own =
            to.strip_suffix(SVC).is_some_and(|name| name == format!("{room}@") || (name.is_empty() && room == "neerc"));
        self.sessions[at].directed_to.push(to);
        let Some(room) = self.rooms.iter().find(|known| known.name == room) else { return };
        let known = |since: i64| since.saturating_add(SLACK_MS) < self.now_ms;
        let standing = room.standing.get(bare(&jid)).and_then(|all| all.last());
        let belongs = standing.is_some_and(|(since, a)| *a != "none" && *a != "outcast" && known(*since));
        if own && belongs && room.hearing_ms.is_some_and(known) {
            self.sessions[at].directed_ms = Some(self.now_ms);
        }
    }

    /// The clock of the machine is set, a little or to another age; the time that goes by does not notice.
    fn set_wall_clock(&mut self) {
        const YEAR_MS: i64 = 366 * 24 * 3_600_000;
        self.wall_set_ms = self.now_ms;
        self.wall_ahead_ms = match self.random.below(6) {
            0 => -self.now_ms,
            1 => self.random.ms(-50 * YEAR_MS, 0),
            2 => self.random.ms(0, 50 * YEAR_MS),
            _ => self.wall_ahead_ms + self.random.ms(-100_000, 100_000),
        };
    }

    /// Somebody joins or leaves the room that stands for a group.
    fn regroup(&mut self) {
        let who = HALLS[self.random.below(HALLS.len())];
        if !self.printers.remove(who) {
            self.printers.insert(who.to_owned());
        }
    }

    fn kick(&mut self) {
        let silently = self.random.one_in(3);
        let at = self.random.below(self.rooms.len());
        self.trace(|| format!("the service is put out of room {at}, silently: {silently}"));
        let said = self.rooms[at].component_leaves(silently);
        self.to_repeat.clear(); // sessions that nobody knows of any more are not shown anything
        self.say(said);
    }
}
