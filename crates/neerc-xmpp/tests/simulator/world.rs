//! Everything around the service in simulated time: the link with its delays and breaks, the server, the disk, and what
//! comes of each step. What users do is in users.rs.

use crate::broken::Breakage;
use crate::contest::Contest;
use crate::deadlines::Rounds;
use crate::keys::Keys;
use crate::model::{Copy, HOST, Model, News, ROOMS, Sight, number};
use crate::server::{Room, SVC, bare};
use crate::service::{Disk, Service, Word};
use crate::users::{Effect, Known, Needs, Request, Session};
use neerc_core::change::{Change, Entry};
use neerc_core::command::{Command, WholeTask};
use neerc_core::face::words::Language;
use neerc_core::ledger::{Ask, Face, Now, Rooms, Stored};
use neerc_core::people::{GroupRule, Person};
use neerc_core::view::Visibility;
use neerc_testing::random::Random;
use neerc_xmpp::front::FrontSettings;
use neerc_xmpp::limits;
use neerc_xmpp::ns;
use neerc_xmpp::room::groups::GroupSettings;
use neerc_xmpp::stanza::address::Address;
use neerc_xmpp::stream::frame::{Frame, FrameLimits, Framer};
use neerc_xmpp::throttle::{Budget, Rate};
use neerc_xmpp::xml::{self, Element, TreeLimits};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// How late somebody may know of what happened at the server.
pub const SLACK_MS: i64 = 1_000;
const SPACING_MS: i64 = 50;
/// How often the contest clock is looked at.
const READ_CLOCK_MS: i64 = 5_000;
/// The room that stands for a group.
const PRINTERS: &str = "printers@conference.localhost";
/// How often the service asks for its members, and how long an answer of it may be awaited.
const REGROUP_MS: i64 = 60_000 + 2 * SLACK_MS;
const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' from='neerc.localhost' id='5'>";

/// Something that happens at a time. `life` is that of the link, `run` that of the process.
enum Event {
    Connect,
    ToService { life: u64, bytes: Vec<u8> },
    ToServer { life: u64, said: Said },
    Written { life: u64 },
    Broken { life: u64 },
    ServerAnswers { life: u64, request: Asked },
    Stored { run: u64 },
    SaveTold { run: u64, revision: u64 },
    ReadClock,
    Restart,
}

/// A request of the service to the server.
#[derive(Clone)]
struct Asked {
    id: String,
    to: String,
    payload: String,
    list: Option<String>,
}

/// What the service has said in one stanza.
enum Said {
    Open,
    Handshake,
    Request(Asked),
    Answer { to: String, id: String, error: Option<String>, list: Option<List> },
    Join { to: String },
    Push { to: String, task: u64, news: News, revision: Option<u64> },
    Clock { to: String, phase: String, elapsed_ms: i64, total_ms: i64 },
    Other,
}

/// An answer to a request for the tasks.
struct List {
    tasks: Vec<(u64, News)>,
    /// What it holds, where differences were asked for.
    revision: Option<u64>,
    /// All tasks that there are, where the list holds only those that changed.
    ids: Option<Vec<u64>>,
}

/// What was done in a world, to be reported.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Things that happened.
    pub steps: usize,
    /// Times that the process died, and that the link broke.
    pub crashes: usize,
    pub cuts: usize,
    /// Changes that were made, and writes that were answered with success.
    pub changes: usize,
    pub answered: usize,
    /// States of tasks that somebody was shown.
    pub shown: usize,
    /// Times that somebody's rights were compared with what the room says of them.
    pub rights: usize,
    /// Planned tasks that were handed out by the clock, and those of them while there was no link.
    pub due: usize,
    pub due_without_link: usize,
    /// Reminders that were noted.
    pub reminders: usize,
}

impl Counts {
    /// Adds those of another world.
    pub fn add(&mut self, other: &Counts) {
        let Counts { steps, crashes, cuts, changes, answered, shown, rights, due, due_without_link, reminders } = other;
        self.steps += steps;
        self.crashes += crashes;
        self.cuts += cuts;
        self.changes += changes;
        self.answered += answered;
        self.shown += shown;
        self.rights += rights;
        self.due += due;
        self.due_without_link += due_without_link;
        self.reminders += reminders;
    }
}

/// The whole of it.
pub struct World {
    pub random: Random,
    pub now_ms: i64,
    pub wall_ahead_ms: i64,
    /// When it was set last.
    pub wall_set_ms: i64,
    /// The last reminder of each task, and when it was noted.
    pub rounds: Rounds,
    events: BTreeMap<(i64, u64), Event>,
    next_event: u64,
    pub service: Option<Service>,
    pub disk: Disk,
    run: u64,
    settings: FrontSettings,
    chunk: usize,
    /// Which connection; odd while there is one.
    pub life: u64,
    online: bool,
    free: bool,
    written: Framer,
    to_service_ms: i64,
    to_server_ms: i64,
    /// From now on nothing fails.
    pub calm: bool,
    pub rooms: Vec<Room>,
    pub sessions: Vec<Session>,
    pub requests: HashMap<(String, String), Request>,
    pub next_request: u64,
    pub model: Model,
    pub counts: Counts,
    pub contest: Contest,
    /// When the process was started, and since when in its life it is known who the people of each room are.
    pub started_ms: i64,
    pub known_ms: [Option<i64>; 2],
    /// When the machine woke up last.
    pub slept_ms: i64,
    /// When something could not be stored last.
    pub refused_ms: i64,
    /// Until when nothing answers at the server's address.
    pub unreachable_until_ms: i64,
    /// The members of the room that stands for a group.
    pub printers: BTreeSet<String>,
    /// What the service was answered of them: in which run and life, when, and who.
    printers_said: Vec<(u64, u64, i64, BTreeSet<String>)>,
    sent_ms: HashMap<(String, u64), i64>,
    /// Who was refused a change of a task and has to be shown it as it is.
    pub to_repeat: HashMap<(String, u64), i64>,
    /// Sessions that have written a chat line, and were spoken to until they were answered their tasks at that time.
    pub spoken_to: HashMap<String, i64>,
    trace: bool,
    pub breakage: Option<Breakage>,
}

impl World {
    /// A world of its own for each seed; `breakage`: with something wrong in it.
    pub fn new(seed: u64, trace: bool, breakage: Option<Breakage>) -> World {
        let mut random = Random::new(seed);
        let names_all = random.one_in(2);
        let people: [&[(&str, &str)]; 2] = [
            &[
                ("admin@localhost", "owner"),
                ("jury@localhost", "admin"),
                ("hall1@localhost", "member"),
                ("hall2@localhost", "member"),
                ("hall3@localhost", "member"),
                ("hall4@elsewhere", "member"),
                ("outcast@localhost", "outcast"),
            ],
            &[("boss@localhost", "owner"), ("hall9@localhost", "member")],
        ];
        let rooms = ROOMS.into_iter().zip(people).map(|(name, people)| Room::new(name, names_all, people)).collect();
        let visibility = if random.one_in(4) { Visibility::Own } else { Visibility::All };
        let (wiki_packet, limited) = (random.one_in(2), !random.one_in(2));
        let settings = FrontSettings {
            component: SVC.to_owned(),
            host: Address::parse(HOST).unwrap(),
            secret: "secret".to_owned(),
            rooms_service: "conference.localhost".to_owned(),
            rooms: ROOMS.map(Into::into).to_vec(),
            nickname: "neerc".to_owned(),
            nick_seed: "seed".to_owned(),
            rooms_jid: "neerc.localhost".to_owned(),
            owners: Vec::new(),
            admit_unaffiliated: false,
            groups: GroupSettings {
                rules: vec![GroupRule { group: "Halls".into(), patterns: vec!["hall*".to_owned()] }],
                rooms: vec![("Printers".into(), Address::parse(PRINTERS).unwrap())],
                ..GroupSettings::default()
            },
            visibility,
            wiki_packet,
            spacing_ms: SPACING_MS,
            max_stanza_bytes: 262_144,
            rate: Rate { per_second: if limited { 5 } else { 0 }, burst: 10, burst_of_power: 15 },
            budget: if limited { Budget { bytes_per_second: 2_000, burst_bytes: 20_000 } } else { Budget::UNLIMITED },
            words: Arc::new(Keys),
            language: Language::English,
            contacts: Vec::new(),
            version: "sim".to_owned(),
        };
        let chunk = [400, 2_000, 65_536][random.below(3)];
        let mut world = World {
            random,
            now_ms: 1_000_000_000,
            wall_ahead_ms: 0,
            wall_set_ms: 0,
            rounds: Rounds::new(),
            events: BTreeMap::new(),
            next_event: 0,
            service: None,
            disk: Disk::default(),
            run: 0,
            settings,
            chunk,
            life: 0,
            online: false,
            free: false,
            written: Framer::new(FrameLimits::default()),
            to_service_ms: 0,
            to_server_ms: 0,
            calm: false,
            rooms,
            sessions: Vec::new(),
            requests: HashMap::new(),
            next_request: 0,
            model: Model::default(),
            counts: Counts::default(),
            contest: Contest::default(),
            started_ms: 0,
            known_ms: [None; 2],
            slept_ms: 0,
            refused_ms: 0,
            unreachable_until_ms: 0,
            printers: BTreeSet::from(["hall1@localhost".to_owned()]),
            printers_said: Vec::new(),
            sent_ms: HashMap::new(),
            to_repeat: HashMap::new(),
            spoken_to: HashMap::new(),
            trace,
            breakage,
        };
        world.at(0, Event::Restart);
        world.at(READ_CLOCK_MS, Event::ReadClock);
        world
    }

    /// Notes a line for a replay.
    pub fn trace(&self, line: impl FnOnce() -> String) {
        if self.trace {
            eprintln!("{:>9} {}", self.now_ms - 1_000_000_000, line());
        }
    }

    fn at(&mut self, after_ms: i64, event: Event) {
        self.next_event += 1;
        self.events.insert((self.now_ms + after_ms.max(0), self.next_event), event);
    }

    /// Lets time go by.
    pub fn run_for(&mut self, ms: i64) {
        let until_ms = self.now_ms + ms;
        loop {
            self.advance();
            let event_ms = self.events.first_key_value().map_or(i64::MAX, |(key, _)| key.0);
            let wake_ms = self.wake_ms();
            let next_ms = event_ms.min(wake_ms);
            if next_ms > until_ms {
                break;
            }
            self.now_ms = self.now_ms.max(next_ms);
            self.counts.steps += 1;
            if event_ms <= wake_ms {
                if let Some((_, event)) = self.events.pop_first() {
                    self.happen(event);
                }
            } else if let Some(service) = &mut self.service {
                service.timeout(self.now_ms);
            }
        }
        self.now_ms = until_ms;
    }

    fn wake_ms(&self) -> i64 {
        let Some(service) = &self.service else { return i64::MAX };
        let transmit_ms = if self.free { service.front.next_transmit_ms() } else { i64::MAX };
        service.next_timeout_ms().min(transmit_ms)
    }

    // The process

    fn advance(&mut self) {
        let Some(mut service) = self.service.take() else { return };
        let mut words = Vec::new();
        service.take_events(self.now(), &mut words);
        if service.decide(self.now(), &mut words).is_some() {
            self.store();
        }
        if self.free && !words.iter().any(|word| matches!(word, Word::Ended(_))) {
            let out = service.transmit(self.now_ms, self.chunk);
            if !out.is_empty() {
                self.transmitted(&out);
            }
            service.take_events(self.now(), &mut words);
        }
        for (known_ms, name) in self.known_ms.iter_mut().zip(ROOMS) {
            if service.front.is_known(name) {
                known_ms.get_or_insert(self.now_ms);
            }
        }
        self.service = Some(service);
        for word in words {
            self.word(word);
        }
    }

    fn word(&mut self, word: Word) {
        match word {
            Word::Told(revision) => {
                self.trace(|| format!("told up to {revision}"));
                assert!(revision <= self.disk.log.len() as u64, "told of what is not durable");
                self.check_told(revision, "told before it arrived");
                let after_ms = self.random.ms(0, 1_000);
                self.at(after_ms, Event::SaveTold { run: self.run, revision });
            }
            Word::Ended(why) => {
                self.trace(|| format!("the front gives up: {why}"));
                let allowed = why.contains("silent") || why.contains("did not accept");
                assert!(allowed, "input ended the stream: {why}");
                self.down();
                let after_ms = self.random.ms(250, 3_000);
                self.at(after_ms, Event::Connect);
            }
            Word::Decided(decided) => {
                let (ask, before, entry) = *decided;
                self.trace(|| format!("{:?} in {}: {:?} -> {entry:?}", ask.who, ask.room, ask.command));
                let Some(entry) = entry else { return };
                let of_room = self.rooms.iter().find(|room| room.name == &*ask.room).expect("a room");
                let is_old = |since_ms: i64| since_ms.saturating_add(3 * SLACK_MS) < self.now_ms;
                let is_user = |person: &Person| {
                    let standing = of_room.standing.get(person.bare()).and_then(|all| all.last());
                    let belongs = |(since_ms, affiliation): &(i64, &str)| {
                        is_old(*since_ms) && !matches!(*affiliation, "none" | "outcast")
                    };
                    of_room.hearing_ms.is_some_and(is_old) && standing.is_some_and(belongs)
                };
                self.model.decided(&ask, &before, &entry, is_user);
                self.check_due(&ask, &entry, before.plan());
                self.check_overdue(&ask, &entry, &before);
                if matches!(entry.change, Change::Created { .. }) && ask.token.face == Face::Planner {
                    self.counts.due += 1;
                    self.counts.due_without_link += usize::from(!self.online);
                }
                self.check_group(&ask, &entry);
                let room = self.rooms.iter().find(|room| room.name == &*ask.room).expect("a room");
                let power = !matches!(entry.change, Change::Answered { .. });
                let is_overdue = matches!(entry.change, Change::Reminded { round: Some(_), .. }); // holds after they have gone
                if !is_overdue && room.hearing_ms.is_some_and(|since| since + SLACK_MS < self.now_ms) {
                    let had = room.had(ask.who.bare(), self.now_ms - SLACK_MS, power);
                    assert!(had, "{:?} was let do what is beyond their standing: {:?}", ask.who, entry.change);
                }
            }
        }
    }

    /// The process dies, whatever it is doing.
    pub fn crash(&mut self) {
        let Some(service) = self.service.take() else { return };
        self.trace(|| "CRASH".to_owned());
        self.counts.crashes += 1;
        self.run += 1;
        if let Some(entries) = service.desk.ledger.storing()
            && self.random.one_in(2)
        {
            self.model.committed(self.now_ms, entries);
            self.disk.write(entries);
            self.disk.sync();
        }
        self.disk.lose_power();
        self.model.lost();
        self.down();
        let after_ms = self.random.ms(1, 3_000);
        self.at(after_ms, Event::Restart);
    }

    fn restart(&mut self) {
        self.trace(|| format!("start, {} changes, told {}", self.disk.log.len(), self.disk.told));
        let service = Service::start(self.settings.clone(), self.now_ms, &self.disk, self.breakage);
        assert_eq!(service.boards(), self.model.boards(), "the log gives other boards");
        self.service = Some(service);
        (self.started_ms, self.known_ms) = (self.now_ms, [None; 2]);
        let after_ms = self.random.ms(0, 300);
        self.at(after_ms, Event::Connect);
    }

    // The link

    /// The link is gone for both sides; what was under way is lost.
    fn down(&mut self) {
        if self.life % 2 == 1 {
            self.life += 1;
        }
        self.online = false;
        self.free = false;
        self.to_repeat.clear();
        for room in &mut self.rooms {
            room.component_leaves(true);
            room.silent = false;
        }
        for session in &mut self.sessions {
            session.directed_ms = None;
            session.asked = None;
        }
        self.requests.values_mut().filter(|request| request.answers == 0).for_each(|request| request.lost = true);
    }

    /// The machine sleeps: what was under way arrives late, and all timers are overdue at once.
    pub fn sleep(&mut self) {
        let ms = self.random.ms(10_000, 10_000_000);
        self.trace(|| format!("the machine sleeps for {ms} ms"));
        self.now_ms += ms;
        let now_ms = self.now_ms;
        for room in &mut self.rooms {
            // A list that was asked for counts as not answered in time, and is asked for again a little later.
            room.hearing_ms = room.hearing_ms.map(|_| now_ms + limits::RETRY_ROOM_MS);
        }
        for session in &mut self.sessions {
            session.known_ms = if session.known_ms == i64::MAX { i64::MAX } else { now_ms };
            session.directed_ms = session.directed_ms.map(|_| now_ms);
            session.asked = session.asked.map(|(_, sent_ms, life)| (now_ms, sent_ms, life));
        }
        self.printers_said.iter_mut().for_each(|said| said.2 = now_ms);
        self.contest.unsure(now_ms);
        self.slept_ms = now_ms;
        self.to_repeat.clear();
    }

    /// The link breaks; the service hears of it later.
    pub fn cut(&mut self) {
        if self.life.is_multiple_of(2) {
            return;
        }
        self.trace(|| "the link breaks".to_owned());
        self.counts.cuts += 1;
        self.down();
        let after_ms = self.random.ms(0, 200);
        self.at(after_ms, Event::Broken { life: self.life });
    }

    /// Sends a stanza to the service, in pieces; says whether there is a stream to send it on.
    pub fn send(&mut self, stanza: &str) -> bool {
        if !self.online {
            return false;
        }
        self.trace(|| format!("-> {}", stanza.chars().take(600).collect::<String>()));
        self.send_raw(stanza.as_bytes());
        true
    }

    fn send_raw(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let len = if self.random.one_in(4) { 1 + self.random.below(bytes.len()) } else { bytes.len() };
            let (piece, rest) = bytes.split_at(len);
            bytes = rest;
            self.to_service_ms = self.to_service_ms.max(self.now_ms + self.random.ms(0, 10));
            let event = Event::ToService { life: self.life, bytes: piece.to_vec() };
            self.at(self.to_service_ms - self.now_ms, event);
        }
    }

    /// The service has handed bytes to the link.
    fn transmitted(&mut self, out: &[u8]) {
        self.free = false;
        self.written.push(out);
        let mut all = Vec::new();
        while let Some(frame) = self.written.next_frame().expect("the service writes well-framed XML") {
            match frame {
                Frame::Open(_) => all.push(Said::Open),
                Frame::Close => {}
                Frame::Skipped { .. } => panic!("a stanza over every limit"),
                Frame::Stanza(bytes) => {
                    let stanza = xml::parse(bytes, ns::COMPONENT, &TreeLimits::default())
                        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(bytes)));
                    if self.trace {
                        eprintln!("{:>9} <- {}", self.now_ms - 1_000_000_000, String::from_utf8_lossy(bytes));
                    }
                    all.push(said(&stanza));
                }
            }
        }
        for said in all {
            match &said {
                Said::Push { to, task, .. } => self.check_push(to, *task),
                Said::Clock { to, phase, elapsed_ms, total_ms } => {
                    self.contest.check(self.now_ms, phase, *elapsed_ms, *total_ms);
                    self.check_told_to(to);
                }
                _ => {}
            }
            if let Said::Request(request) = &said
                && !self.calm
                && self.random.one_in(10)
            {
                self.forge(&request.id);
            }
            self.to_server_ms = self.to_server_ms.max(self.now_ms + self.random.ms(0, 10));
            self.at(self.to_server_ms - self.now_ms, Event::ToServer { life: self.life, said });
        }
        let slow_ms = if self.random.one_in(20) { self.random.ms(20, 500) } else { self.random.ms(0, 3) };
        self.at(slow_ms, Event::Written { life: self.life });
    }

    /// Somebody guesses the id of a request of the service, and answers it.
    fn forge(&mut self, id: &str) {
        let here: Vec<usize> = (0..self.sessions.len()).filter(|at| self.sessions[*at].online).collect();
        let Some(&at) = self.random.pick(&here) else { return };
        let jid = self.sessions[at].jid.clone();
        let item = format!("<item jid='{}' affiliation='owner'/>", bare(&jid));
        let list = format!("<query xmlns='http://jabber.org/protocol/muc#admin'>{item}</query>");
        self.send(&format!("<iq type='result' id='{id}' from='{jid}' to='{SVC}'>{list}</iq>"));
    }

    /// A push is about to leave: not too soon after the last one, and only to somebody who may see it.
    fn check_push(&mut self, to: &str, task: u64) {
        let last = self.sent_ms.insert((to.to_owned(), task), self.now_ms);
        if let Some(last) = last {
            let gap = self.now_ms - last;
            assert!(gap >= SPACING_MS, "task {task} told twice to {to} within {gap} ms");
        }
        self.check_told_to(to);
    }

    /// Somebody is told something: a session, of somebody who may be.
    fn check_told_to(&self, to: &str) {
        assert!(to.contains('/'), "told a bare address: {to}");
        let Some(room) = self.rooms.iter().find(|room| room.name == room_of(to)) else { return };
        if room.hearing_ms.is_some_and(|since| since + SLACK_MS < self.now_ms) {
            assert!(room.had(bare(to), self.now_ms - SLACK_MS, false), "{to} was told and is nobody in the room");
        }
    }

    // What happens

    fn happen(&mut self, event: Event) {
        let live = |life: u64, world: &World| life == world.life && world.life % 2 == 1;
        match event {
            Event::Connect => self.connect(),
            Event::ToService { life, bytes } if live(life, self) => {
                if let Some(service) = &mut self.service {
                    service.receive(self.now_ms, &bytes);
                }
            }
            Event::ToServer { life, said } if live(life, self) => self.said(said),
            Event::Written { life } if live(life, self) => self.free = true,
            Event::Broken { life } if life == self.life => {
                if let Some(service) = &mut self.service {
                    service.front.disconnected();
                    let after_ms = self.random.ms(250, 3_000);
                    self.at(after_ms, Event::Connect);
                }
            }
            Event::ServerAnswers { life, request } if live(life, self) => self.server_answers(&request),
            Event::Stored { run } if run == self.run => self.stored(),
            Event::ReadClock => self.read_clock(),
            Event::SaveTold { run, revision } if run == self.run => self.disk.told = self.disk.told.max(revision),
            Event::Restart => self.restart(),
            _ => {}
        }
    }

    /// The contest clock is looked at, maybe a little late.
    fn read_clock(&mut self) {
        let late_ms = if self.random.one_in(4) { self.random.ms(0, 1_500) } else { 0 };
        if let (Some(service), Some(reading)) = (&mut self.service, self.contest.read(self.now_ms, late_ms)) {
            service.clock_read(self.now_ms, reading);
        }
        self.at(READ_CLOCK_MS, Event::ReadClock);
    }

    /// Somebody at the contest starts, stops or sets its clock.
    pub fn turn_contest_clock(&mut self) {
        self.contest.turn(&mut self.random, self.now_ms);
        self.trace(|| "the contest clock is turned".to_owned());
    }

    fn connect(&mut self) {
        let Some(service) = &mut self.service else { return };
        if self.life % 2 == 1 {
            return;
        }
        if self.now_ms < self.unreachable_until_ms && !self.calm {
            service.front.disconnected();
            self.at(500, Event::Connect);
            return;
        }
        self.life += 1;
        self.written = Framer::new(FrameLimits::default());
        self.to_service_ms = 0;
        self.to_server_ms = 0;
        self.free = true;
        service.front.connected(self.now_ms);
        self.trace(|| "connected".to_owned());
    }

    fn now(&self) -> Now {
        Now::from_ms(self.now_ms, self.now_ms + self.wall_ahead_ms)
    }

    /// The disk begins to store what the ledger has handed out.
    fn store(&mut self) {
        let after_ms = if self.random.one_in(8) { self.random.ms(0, 400) } else { self.random.ms(0, 12) };
        self.at(after_ms, Event::Stored { run: self.run });
    }

    fn stored(&mut self) {
        let stored = if self.calm || !self.random.one_in(10) { Stored::Yes } else { Stored::No };
        let now = self.now();
        let Some(service) = &mut self.service else { return };
        let entries = service.desk.ledger.storing().cloned().expect("something is being stored");
        match stored {
            Stored::Yes => {
                self.model.committed(self.now_ms, &entries);
                self.counts.changes += entries.len();
                self.disk.write(&entries);
                if self.breakage != Some(Breakage::SyncLeftOut) {
                    self.disk.sync();
                }
            }
            _ => {
                self.refused_ms = self.now_ms;
                self.model.lost();
            }
        }
        let goes_on = service.stored(now, stored).is_some();
        assert_eq!(service.boards(), self.model.boards(), "the boards are not what is on disk");
        self.trace(|| format!("stored: {stored:?}"));
        if goes_on {
            self.store();
        }
        if !self.calm && self.random.one_in(60) {
            self.crash();
        }
    }

    /// A stanza of the service arrives at the server.
    fn said(&mut self, said: Said) {
        match said {
            Said::Open => self.send_raw(HEADER.as_bytes()),
            Said::Handshake => {
                self.online = true;
                self.send("<handshake/>");
            }
            Said::Join { to } => {
                let (jid, nick) = to.split_once('/').expect("a nick");
                let room = self.rooms.iter_mut().find(|room| room.jid() == jid).expect("a room of ours");
                let said = room.component_enters(nick);
                // Knowing the lists is part of being there.
                room.hearing_ms = room.component.as_ref().and(room.hearing_ms.or(Some(self.now_ms)));
                for session in self.sessions.iter_mut().filter(|session| session.known_ms == i64::MAX) {
                    if session.room == room.name {
                        session.known_ms = self.now_ms;
                    }
                }
                for stanza in said {
                    self.send(&stanza);
                }
            }
            Said::Request(request) => self.server_asked(request),
            Said::Answer { to, id, error, list } => self.answered(&to, &id, error.as_deref(), list),
            Said::Push { to, task, news, revision } => self.told(&to, task, news, revision),
            Said::Clock { to, phase, total_ms, .. } => {
                if let Some(at) = self.session(&to) {
                    self.sessions[at].clock = Some((phase, total_ms, self.now_ms));
                }
            }
            Said::Other => {}
        }
    }

    /// The server answers at once, late, twice, or never.
    fn server_asked(&mut self, request: Asked) {
        let (ping, to) = (request.list.is_none(), request.to.clone());
        match self.random.below(if self.calm { 1 } else { 30 }) {
            1 if ping => {}
            2 | 4 if !ping => {
                let after_ms = self.random.ms(0, 500);
                self.at(after_ms, Event::ServerAnswers { life: self.life, request });
            }
            2 => {
                let after_ms = self.random.ms(0, 20_000);
                self.at(after_ms, Event::ServerAnswers { life: self.life, request });
            }
            3 => {
                self.server_answers(&request);
                self.server_answers(&request);
            }
            _ => self.server_answers(&request),
        }
        // What changes between two lists is in neither, or in both.
        if !ping && !self.calm && self.random.one_in(4) {
            let room = self.rooms.iter().find(|room| room.jid() == bare(&to)).map(|room| room.name);
            if let Some(room) = room {
                self.affiliate_in(room);
            }
        }
    }

    fn server_answers(&mut self, Asked { id, to, payload, list }: &Asked) {
        let at = self.rooms.iter().position(|room| room.jid() == bare(to));
        let (type_, answer) = match (at, list) {
            _ if to == PRINTERS => ("result", self.say_printers()),
            (Some(at), Some(list)) if ["moderator", "participant", "visitor"].contains(&&**list) => {
                ("result", self.rooms[at].role_list(list))
            }
            (Some(at), Some(list)) => ("result", self.rooms[at].list(list)),
            (Some(at), None) if payload == "ping" && self.rooms[at].component.is_none() => (
                "error",
                "<error type='cancel'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>".to_owned(),
            ),
            _ => ("result", String::new()),
        };
        let answer = format!("<iq type='{type_}' id='{id}' from='{to}' to='{SVC}'>{answer}</iq>");
        self.send(&answer);
    }

    fn say_printers(&mut self) -> String {
        self.printers_said.push((self.run, self.life, self.now_ms, self.printers.clone()));
        let items: String =
            self.printers.iter().map(|jid| format!("<item jid='{jid}' affiliation='member'/>")).collect();
        format!("<query xmlns='http://jabber.org/protocol/muc#admin'>{items}</query>")
    }

    /// A user's request is answered.
    fn answered(&mut self, to: &str, id: &str, error: Option<&str>, list: Option<List>) {
        let Some(request) = self.requests.get_mut(&(to.to_owned(), id.to_owned())) else {
            panic!("an answer to {to} {id}, which never asked");
        };
        request.answers += 1;
        assert_eq!(request.answers, 1, "{to} {id} is answered twice");
        request.failed = error.is_some();
        let (effect, sent_ms, task, needs) = (request.effect.clone(), request.sent_ms, request.task, request.needs);
        let done = effect.as_ref().is_some_and(|effect| self.is_logged(effect));
        match error {
            None => {
                assert!(effect.is_none() || done, "{to} {id} has its result, and it is not on disk: {effect:?}");
                self.counts.answered += usize::from(done);
            }
            Some(error) => {
                if error == "forbidden" {
                    self.check_refused(to, id, sent_ms, needs);
                }
                if let Some(task) = task.filter(|_| error != "resource-constraint") {
                    self.refused(to, task);
                }
                assert!(!done || matches!(effect, Some(Effect::Removed(..))), "{error} for what was done: {effect:?}");
            }
        }
        if let Some(list) = list {
            self.listed(to, sent_ms, list);
        }
    }

    /// Somebody was refused a change of a task: if it ever was, and they may see it, they are shown it as it is.
    fn refused(&mut self, to: &str, task: u64) {
        let Some(at) = self.session(to) else { return };
        let room = ROOMS.iter().position(|room| *room == room_of(to)).unwrap_or(0);
        let known = &self.rooms[room];
        let sure = known.hearing_ms.is_some_and(|since| since.saturating_add(SLACK_MS) < self.now_ms);
        let standing = known.standing.get(bare(to)).and_then(|all| all.last());
        let belongs = standing.is_some_and(|(since, affiliation)| {
            !matches!(*affiliation, "none" | "outcast") && since.saturating_add(SLACK_MS) < self.now_ms
        });
        let whole = self.sight(&self.sessions[at]) == Sight::Whole;
        let there = self.model.history.get(&(room, task)).is_some_and(|all| all[0].at_ms + SLACK_MS < self.now_ms);
        if sure && belongs && whole && there {
            self.to_repeat.insert((to.to_owned(), task), self.now_ms);
        }
    }

    /// Whether the log holds that effect.
    pub fn is_logged(&self, effect: &Effect) -> bool {
        let room = |name: &str| ROOMS.iter().position(|room| *room == name).unwrap_or(0);
        match effect {
            Effect::Titled(name, title) => self.disk.log.iter().any(|entry| match &entry.change {
                Change::Created { title: given, .. } | Change::Edited { title: Some(given), .. } => {
                    *entry.room == **name && given.as_str() == title
                }
                _ => false,
            }),
            Effect::Answered(value) => self.disk.log.iter().any(
                |entry| matches!(&entry.change, Change::Answered { status, .. } if status.value() == value.as_str()),
            ),
            Effect::Removed(name, task) => {
                let versions = self.model.history.get(&(room(name), *task));
                versions.and_then(|versions| versions.last()).is_some_and(|last| last.copy.is_none())
            }
        }
    }

    fn listed(&mut self, to: &str, sent_ms: i64, list: List) {
        let Some(at) = self.session(to) else { return };
        let room = ROOMS.iter().position(|room| *room == room_of(to)).unwrap_or(0);
        let (now_ms, life) = (self.now_ms, self.life);
        self.spoken_to.entry(to.to_owned()).and_modify(|until_ms| *until_ms = (*until_ms).min(now_ms));
        // That one of several sessions has left is found out a little later.
        if sent_ms > self.sessions[at].left_ms.saturating_add(SLACK_MS) {
            self.sessions[at].asked = Some((now_ms, sent_ms, life));
        }
        let List { tasks, revision, ids } = list;
        assert!(self.sessions[at].wants_parts || (revision.is_none() && ids.is_none()), "{to} has not asked for that");
        let there = ids.unwrap_or_else(|| tasks.iter().map(|(task, _)| *task).collect());
        for (task, news) in tasks {
            assert!(!matches!(news, News::Part(_)), "a list holds whole tasks");
            self.pushed(to, task, news);
        }
        let keys: Vec<u64> = self.model.history.keys().filter(|key| key.0 == room).map(|key| key.1).collect();
        for task in keys.into_iter().filter(|task| !there.contains(task)) {
            // What is left out was not there yet, or is there no more.
            if self.sessions[at].seen.contains_key(&task) {
                self.pushed(to, task, News::Gone);
            }
        }
        if self.sessions[at].wants_parts {
            self.knows_all(at, revision, &there);
        }
    }

    /// A session that hears differences has an answer: with a revision it holds everything up to there.
    fn knows_all(&mut self, at: usize, revision: Option<u64>, there: &[u64]) {
        let Some(revision) = revision else { return self.sessions[at].known = None };
        let jid = self.sessions[at].jid.clone();
        let session = &mut self.sessions[at];
        let mut copies: BTreeMap<u64, Copy> = BTreeMap::new();
        for task in there {
            let of_task = |copy: &&Copy| copy.id == format!("t{task}");
            let held = session.known.as_ref().and_then(|known| known.copies.get(task));
            let copy = session.copies.iter().rev().find(of_task).or(held);
            copies.insert(*task, copy.unwrap_or_else(|| panic!("{jid} is not given task {task}")).clone());
        }
        session.known = Some(Known { revision, copies });
        self.check_known(at, revision);
    }

    /// A session that hears differences has been told of everything up to a revision.
    fn check_known(&self, at: usize, revision: u64) {
        let session = &self.sessions[at];
        if self.sights(&session.jid) != [Sight::Whole] {
            return;
        }
        let room = ROOMS.iter().position(|room| *room == session.room).unwrap_or(0);
        for ((_, task), versions) in self.model.history.range((room, 0)..=(room, u64::MAX)) {
            let Some(at) = versions.iter().rposition(|version| version.revision <= revision) else { continue };
            let seen = session.seen.get(task).copied();
            let knows = seen.is_some_and(|(seen, latest)| latest >= at || versions[seen].copy == versions[at].copy);
            let nothing = versions[at].copy.is_none() && seen.is_none();
            let jid = &session.jid;
            assert!(knows || nothing, "{jid} was told that it knows revision {revision}: task {task}, seen {seen:?}");
        }
    }

    /// A session is told of a task.
    fn told(&mut self, to: &str, task: u64, news: News, revision: Option<u64>) {
        let Some(at) = self.session(to) else {
            let bounce = format!(
                "<message type='error' from='{to}' to='{SVC}'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
            );
            self.send(&bounce);
            return;
        };
        assert!(self.sessions[at].wants_parts || revision.is_none(), "{to} has not asked for revisions");
        if matches!(news, News::Part(_)) && self.sessions[at].known.is_none() {
            self.sessions[at].puzzled = true; // meant for the client that had the address before
            return;
        }
        self.pushed(to, task, news);
        if let (Some(revision), Some(known)) = (revision, &mut self.sessions[at].known) {
            // It may be told less than it was answered, where others have still to be told.
            known.revision = known.revision.max(revision);
            let revision = known.revision;
            self.check_known(at, revision);
        }
    }

    fn pushed(&mut self, to: &str, task: u64, news: News) {
        let Some(at) = self.session(to) else { return };
        self.counts.shown += 1;
        let room = ROOMS.iter().position(|room| *room == room_of(to)).unwrap_or(0);
        let sights = self.sights(to);
        self.to_repeat.remove(&(to.to_owned(), task));
        let session = &mut self.sessions[at];
        let held = session.known.as_ref().and_then(|known| known.copies.get(&task));
        let copy = match news {
            News::Gone => None,
            News::Whole(copy) => Some(copy),
            News::Part(part) => {
                let held = held.unwrap_or_else(|| panic!("{to} is told a part of task {task}, which it does not have"));
                Some(held.changed(part))
            }
        };
        let seen = session.seen.get(&task).map(|(seen, _)| *seen);
        let seen = self.model.shown((room, task), &sights, seen, &copy);
        session.seen.insert(task, seen);
        if let Some(known) = &mut session.known {
            match &copy {
                Some(copy) => _ = known.copies.insert(task, copy.clone()),
                None => _ = known.copies.remove(&task),
            }
        }
        if let Some(copy) = copy {
            session.copies.push(copy);
            if session.copies.len() > 30 {
                session.copies.remove(0);
            }
        }
    }

    /// How somebody may be shown a task now.
    fn sights(&self, jid: &str) -> Vec<Sight> {
        let name = bare(jid).strip_suffix("@localhost").unwrap_or(bare(jid)).to_owned();
        let room = self.rooms.iter().find(|room| room.name == room_of(jid)).expect("a room");
        let unsure = room.hearing_ms.is_none_or(|since| since + SLACK_MS >= self.now_ms);
        let power = unsure || room.had(bare(jid), self.now_ms - 2 * SLACK_MS, true);
        match self.settings.visibility {
            Visibility::All => vec![Sight::Whole],
            Visibility::Own if power => vec![Sight::Whole, Sight::Own(name)],
            Visibility::Own => vec![Sight::Own(name)],
        }
    }

    /// How a session must be told of a task.
    fn sight(&self, session: &Session) -> Sight {
        let who = bare(&session.jid);
        let room = self.rooms.iter().find(|room| room.name == session.room).expect("a room");
        let power = matches!(room.affiliation(who), "owner" | "admin");
        if self.settings.visibility == Visibility::All || power {
            return Sight::Whole;
        }
        Sight::Own(who.strip_suffix("@localhost").unwrap_or(who).to_owned())
    }

    /// The session of a JID that is online.
    pub fn session(&self, jid: &str) -> Option<usize> {
        self.sessions.iter().rposition(|session| session.jid == jid && session.online)
    }

    // What must hold

    /// Everybody who was there when a task changed has been told of its state as of `revision`.
    pub fn check_told(&self, revision: u64, what: &str) {
        for session in self.sessions.iter().filter(|session| session.online && !session.silenced) {
            if session.puzzled && session.known.is_none() {
                continue;
            }
            let Some((since_ms, until_ms)) = self.entitled(session) else { continue };
            let room = ROOMS.iter().position(|room| *room == session.room).unwrap_or(0);
            let sight = self.sight(session);
            for ((_, task), versions) in self.model.history.range((room, 0)..=(room, u64::MAX)) {
                let Some(at) = versions.iter().rposition(|version| version.revision <= revision) else { continue };
                let version = &versions[at];
                if version.at_ms <= since_ms + SLACK_MS || version.at_ms >= until_ms {
                    continue;
                }
                let wanted = sight.view(&version.copy);
                let seen = session.seen.get(task).copied();
                let told =
                    seen.is_some_and(|(seen, latest)| latest >= at || sight.view(&versions[seen].copy) == wanted);
                let nothing = wanted.is_none() && (seen.is_none() && sight != Sight::Whole);
                assert!(
                    told || nothing,
                    "{what}: {} of task {task} at revision {} ({wanted:?}); seen {seen:?}",
                    session.jid,
                    version.revision
                );
            }
        }
    }

    /// From when and until when a session must be told of changes, by all that can have been known of it.
    fn entitled(&self, session: &Session) -> Option<(i64, i64)> {
        let spoken_ms = self.spoken_to.get(&session.jid).copied().unwrap_or(i64::MIN);
        let (since_ms, until_ms) = self.notified(session)?;
        (spoken_ms < i64::MAX).then_some((since_ms.max(spoken_ms), until_ms))
    }

    /// The same as if nobody ever wrote a chat line.
    fn notified(&self, session: &Session) -> Option<(i64, i64)> {
        let room = self.rooms.iter().find(|room| room.name == session.room)?;
        let who = bare(&session.jid);
        if !matches!(room.affiliation(who), "owner" | "admin" | "member") {
            return None;
        }
        let standing_ms = room.standing.get(who).and_then(|all| all.last()).map_or(i64::MIN, |(since, _)| *since);
        let mut standing_ms = standing_ms.max(-SLACK_MS * 1_000);
        if room.standing.get(who).is_some_and(|all| all.len() > 1) {
            // It may have changed while the service did not hear of it.
            standing_ms = standing_ms.max(room.hearing_ms?);
        }
        if room.nick_of(&session.jid).is_some() {
            return (session.known_ms < i64::MAX).then(|| (session.known_ms.max(standing_ms), i64::MAX));
        }
        if let Some(directed_ms) = session.directed_ms {
            return Some((directed_ms.max(standing_ms), i64::MAX));
        }
        let (answered_ms, sent_ms, life) = session.asked?;
        (life == self.life).then(|| (answered_ms.max(standing_ms), sent_ms + 58_000))
    }

    /// Rights are what the room says, once it has had time to say so.
    pub fn check_rights(&mut self) {
        let Some(service) = &mut self.service else { return };
        let sure = |since: i64| since.saturating_add(3 * SLACK_MS) < self.now_ms;
        for room in self.rooms.iter().filter(|room| room.hearing_ms.is_some_and(sure)) {
            let people = service.front.people(room.name);
            for (jid, standing) in &room.standing {
                let Some((_, affiliation)) = standing.last().filter(|(since, _)| sure(*since)) else { continue };
                let has = people.rights(&Person::from_bare(jid)).map(|rights| rights.is_power());
                let should = match *affiliation {
                    "owner" | "admin" => Some(true),
                    "member" => Some(false),
                    _ => None,
                };
                assert_eq!(has, should, "the power of {jid} in {}, who is {affiliation} there", room.name);
                self.counts.rights += 1;
            }
        }
    }

    /// Somebody was refused something as not theirs: then they have not had the right to it all the time.
    fn check_refused(&self, to: &str, id: &str, sent_ms: i64, needs: Needs) {
        let Some(room) = self.rooms.iter().find(|room| room.name == room_of(to)) else { return };
        let sure = room.hearing_ms.is_some_and(|since| since + 3 * SLACK_MS < sent_ms);
        let standing = room.standing.get(bare(to)).and_then(|all| all.last());
        let Some((_, affiliation)) = standing.filter(|(since, _)| since.saturating_add(3 * SLACK_MS) < sent_ms) else {
            return;
        };
        let had = match needs {
            Needs::Power => matches!(*affiliation, "owner" | "admin"),
            Needs::User => matches!(*affiliation, "owner" | "admin" | "member"),
            Needs::More => false,
        };
        assert!(!(sure && had), "{to} {id} was refused what is theirs as {affiliation}");
    }

    /// A new task that names the group of a room is for the members of that room, as the service was last answered.
    fn check_group(&self, ask: &Ask, entry: &Entry) {
        let (Command::Create(WholeTask { statuses: named, .. }), Change::Created { statuses, .. }) =
            (&ask.command, &entry.change)
        else {
            return;
        };
        if !named.iter().any(|named| named.name == "printers") {
            return;
        }
        let plain: Vec<Person> = named.iter().map(|named| Person::named(&named.name, HOST)).collect();
        let given = statuses.iter().map(|(person, _)| person).filter(|person| !plain.contains(person));
        let given: BTreeSet<&str> = given.map(Person::bare).collect();
        let room = self.rooms.iter().find(|room| room.name == &*ask.room).expect("a room");
        let here = |at: &(u64, u64, i64, _)| at.0 == self.run && at.1 == self.life;
        let arrived = |at: &(u64, u64, i64, _)| here(at) && at.2 + SLACK_MS < self.now_ms;
        let last = self.printers_said.iter().rposition(arrived);
        if last.is_some_and(|at| self.printers_said[at].2 + REGROUP_MS < self.now_ms) {
            panic!("the members of {PRINTERS} were not asked for in time");
        }
        let mut possible: Vec<&BTreeSet<String>> =
            self.printers_said[last.unwrap_or(0)..].iter().map(|(.., members)| members).collect();
        let nobody = BTreeSet::new();
        if last.is_none() {
            possible.push(&nobody);
        }
        let sure = room.hearing_ms.is_some_and(|since| since + 3 * SLACK_MS < self.now_ms);
        let fits = |members: &&BTreeSet<String>| {
            let users = members.iter().filter(|jid| {
                let since_ms = room.standing.get(*jid).and_then(|all| all.last()).map_or(i64::MIN, |last| last.0);
                since_ms.saturating_add(3 * SLACK_MS) < self.now_ms
                    && matches!(room.affiliation(jid), "owner" | "admin" | "member")
                    && !plain.contains(&Person::from_bare(jid))
            });
            let all_users = users.into_iter().all(|jid| given.contains(jid.as_str()));
            (all_users || !sure) && given.iter().all(|jid| members.contains(*jid))
        };
        assert!(possible.iter().any(fits), "the group is {given:?}, and was {possible:?}");
    }

    /// Everybody who was there when the contest clock was turned has heard of it.
    fn check_clock(&self) {
        let Some(([surely_ms, turned_ms], phase, total_ms)) = self.contest.turned() else { return };
        if turned_ms + READ_CLOCK_MS + 2 * SLACK_MS > self.now_ms {
            return;
        }
        for session in self.sessions.iter().filter(|session| session.online && !session.silenced) {
            let Some((since_ms, until_ms)) = self.entitled(session) else { continue };
            if since_ms + 2 * SLACK_MS < surely_ms && turned_ms + READ_CLOCK_MS + 2 * SLACK_MS < until_ms {
                let heard = session.clock.as_ref().map(|(phase, total_ms, _)| (phase.as_str(), *total_ms));
                assert_eq!(heard, Some((phase, total_ms)), "{} has not heard of the clock", session.jid);
            }
        }
    }

    /// Nothing waits anywhere.
    pub fn check_settled(&mut self) {
        for _ in 0..200 {
            // A ping of the service may be under way just now, who asked a moment ago is looked at once more, and what has come
            // due is being stored.
            let is_quiet =
                |service: &Service| service.front.next_transmit_ms() == i64::MAX && service.desk.ledger.is_idle();
            let quiet = self.service.as_ref().is_some_and(is_quiet);
            if quiet && self.wake_ms() > self.now_ms && self.free {
                break;
            }
            self.run_for(100);
        }
        self.check_rights();
        self.check_plans();
        self.check_reminders();
        self.check_clock();
        let service = self.service.as_ref().expect("the service runs");
        assert!(service.desk.ledger.is_idle(), "something waits to be stored");
        assert!(self.online, "the service is not online");
        assert_eq!(service.front.next_transmit_ms(), i64::MAX, "something waits to be sent");
        assert!(!service.front.is_congested());
        let revision = self.disk.log.len() as u64;
        self.check_told(revision, "never told");
        // Of what is planned nobody is told until it is a task.
        let told = self.disk.log.iter().rfind(|entry| entry.change.task().is_some()).map_or(0, |entry| entry.revision);
        assert!((told..=revision).contains(&service.told), "not everything is known to be told");
        for ((jid, task), at_ms) in &self.to_repeat {
            let session = self.session(jid).map(|at| &self.sessions[at]);
            // Somebody who has gone or lost their standing since then need not be shown anything.
            let still = session.is_some_and(|s| {
                s.came_ms < *at_ms
                    && !s.silenced
                    && self.entitled(s).is_some_and(|(since, _)| since + SLACK_MS < *at_ms)
            });
            assert!(!still, "{jid} was refused a change of task {task} and was not shown it");
        }
        for ((jid, id), request) in &self.requests {
            assert!(request.answers == 1 || request.lost, "{jid} {id} was never answered: {request:?}");
            if let Some(effect) = request.effect.as_ref().filter(|_| request.failed) {
                let gone = matches!(effect, Effect::Removed(..));
                assert!(gone || !self.is_logged(effect), "{jid} {id} was refused, and done: {effect:?}");
            }
            if let Some(effect) = request.effect.as_ref().filter(|_| request.answers == 1 && !request.failed) {
                assert!(self.is_logged(effect), "{jid} {id} was answered, and lost: {effect:?}");
            }
        }
    }
}

/// The room that a user belongs to.
pub fn room_of(jid: &str) -> &'static str {
    if jid.starts_with("boss@") || jid.starts_with("hall9@") { ROOMS[1] } else { ROOMS[0] }
}

/// Reads a stanza of the service.
fn said(stanza: &Element<'_>) -> Said {
    if stanza.name == "handshake" {
        return Said::Handshake;
    }
    let attr = |name: &str| stanza.attr(name).map(str::to_owned);
    let to = attr("to").expect("a recipient");
    let bare = |from: &str| match stanza.name {
        "presence" => from.trim_end_matches("/neerc").to_owned(), // what contacts see is a session
        _ => from.to_owned(),
    };
    assert!(stanza.attr("from").is_some_and(|from| bare(from).ends_with(SVC)), "not from us: {stanza:?}");
    match (stanza.name, stanza.attr("type")) {
        ("iq", Some("result" | "error")) => {
            let error = stanza.elements().find(|e| e.name == "error").and_then(|e| e.elements().next());
            let query = stanza.elements().find(|e| e.ns == "http://neerc.ifmo.ru/protocol/neerc#tasks");
            Said::Answer {
                to,
                id: attr("id").expect("an id"),
                error: error.map(|condition| condition.name.to_owned()),
                list: query.map(list),
            }
        }
        ("iq", _) => {
            let payload = stanza.elements().next().expect("a payload");
            let list = payload
                .elements()
                .next()
                .and_then(|item| item.attr("affiliation").or(item.attr("role")))
                .map(str::to_owned);
            Said::Request(Asked { id: attr("id").expect("an id"), to, payload: payload.name.to_owned(), list })
        }
        ("presence", None) if to.contains("@conference.") => Said::Join { to },
        ("message", None) => {
            match stanza.elements().find(|e| e.name == "x").and_then(|x| Some((x, x.elements().next()?))) {
                Some((x, task)) if task.name == "task" => {
                    let (task, news) = News::read(task);
                    let revision = x.attr("revision").map(|revision| revision.parse().expect("a revision"));
                    Said::Push { to, task, news, revision }
                }
                Some((_, clock)) if clock.name == "clock" => {
                    let number = |name: &str| clock.attr(name).and_then(|text| text.parse().ok()).expect("a number");
                    let phase = clock.attr("status").expect("a phase").to_owned();
                    Said::Clock { to, phase, elapsed_ms: number("time"), total_ms: number("total") }
                }
                _ => Said::Other,
            }
        }
        _ => Said::Other,
    }
}

fn list(query: &Element<'_>) -> List {
    let revision = query.attr("revision").map(|revision| revision.parse().expect("a revision"));
    let ids = query.attr("ids").map(|ids| ids.split_whitespace().map(|id| number(id).expect("an id")).collect());
    assert_eq!(query.attr("since").is_some(), ids.is_some(), "since and ids belong together");
    List { tasks: query.elements().map(News::read).collect(), revision, ids }
}
