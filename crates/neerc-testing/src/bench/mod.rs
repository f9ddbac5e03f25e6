//! The test bench: a real `Front` and the `Ledger` with a disk in memory and, if wanted, a chat server that answers the
//! service's requests.
//!
//! A conversation is a text. Each line is `C: STANZA` (a client or the server says it), `S: STANZA` (the service must
//! say exactly that, next), or a step in parentheses such as `(50 ms later)`; other lines go on with the one before.

mod canon;
pub mod keys;
pub mod openfire;
pub mod server;

use neerc_core::board::Boards;
use neerc_core::change::Entry;
use neerc_core::checklist::Checklist;
use neerc_core::clock::{Phase, Reading};
use neerc_core::desk::Desk;
use neerc_core::doors::{Entrance, LoginCode, NewSecret, SecretHash};
use neerc_core::face::words::Language;
use neerc_core::ledger::{Now, Stored};
use neerc_core::view::Visibility;
use neerc_xmpp::front::{Front, FrontEvent, FrontSettings};
use neerc_xmpp::limits;
use neerc_xmpp::room::groups::GroupSettings;
use neerc_xmpp::stanza::address::Address;
use neerc_xmpp::stream::frame::{Frame, FrameLimits, Framer};
use neerc_xmpp::stream::outgoing::Outgoing;
use openfire::Openfire;
use server::{ChatServer, Server};
use std::collections::VecDeque;
use std::sync::Arc;

pub use canon::canonical;

/// What every available presence of the service carries; `<caps/>` in a script.
pub const CAPS: &str = "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' \
    node='http://neerc.ifmo.ru/protocol/neerc' ver='eS94ttgb4AyXkKlQNSNHfVbHxzI='/>\
    <x xmlns='vcard-temp:x:update'><photo>b94aa526bb66975aed90f2bfe25877c0c713dd66</photo></x>";

/// When every conversation begins, in ms since 1970.
pub const BEGIN_MS: i64 = 1_512_700_000_000;

/// The settings of a service on localhost with one room.
pub fn settings() -> FrontSettings {
    FrontSettings {
        component: "neerc.localhost".to_owned(),
        host: Address::parse("localhost").unwrap(),
        secret: "secret".to_owned(),
        rooms_service: "conference.localhost".to_owned(),
        rooms: vec!["neerc".into()],
        nickname: "neerc".to_owned(),
        nick_seed: "seed".to_owned(),
        rooms_jid: "neerc.localhost".to_owned(),
        owners: Vec::new(),
        admit_unaffiliated: false,
        groups: GroupSettings::default(),
        visibility: Visibility::All,
        wiki_packet: true,
        spacing_ms: 50,
        max_stanza_bytes: 256 * 1024,
        rate: neerc_xmpp::throttle::Rate { per_second: 0, burst: 1, burst_of_power: 1 },
        budget: neerc_xmpp::throttle::Budget::UNLIMITED,
        words: Arc::new(keys::Keys),
        language: Language::English,
        contacts: Vec::new(),
        version: "0.1.0".to_owned(),
    }
}

/// Whether changes can be made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// They can.
    Good,
    /// They cannot.
    Full,
}

/// A front with everything around it.
pub struct Bench {
    /// What is tested.
    pub front: Front,
    /// What is decided and what of it is on disk, the clocks, and what is due by them.
    desk: Desk,
    log: Vec<Entry>,
    /// The time, steady and of day.
    pub now_ms: i64,
    /// Where the ledger stores.
    pub disk: Disk,
    /// Bytes handed to the link at once.
    pub chunk: usize,
    /// Whether the link takes anything.
    pub link_free: bool,
    /// The chat server that takes part.
    pub server: Option<Server>,
    /// One that takes part in its place.
    openfire: Option<Openfire>,
    cutter: Framer,
    said: VecDeque<String>,
    /// Whom the service has asked for their presence, as stanzas.
    pub probes: Vec<String>,
    /// Everything the front made known but asks, in order.
    pub events: Vec<FrontEvent>,
    /// Everything the front was given since the connection, if it is wanted.
    pub heard: Vec<(i64, Vec<u8>)>,
    settings: FrontSettings,
    /// Secrets given so far.
    secrets: u64,
}

impl Bench {
    /// Not connected; nobody answers the front but the script.
    pub fn new(settings: FrontSettings) -> Bench {
        Bench {
            front: Front::new(settings.clone(), BEGIN_MS, 0),
            desk: Desk::new(Boards::new(), 0),
            log: Vec::new(),
            now_ms: BEGIN_MS,
            disk: Disk::Good,
            chunk: limits::LINK_CHUNK_BYTES,
            link_free: true,
            server: None,
            openfire: None,
            cutter: cutter(),
            said: VecDeque::new(),
            probes: Vec::new(),
            events: Vec::new(),
            heard: Vec::new(),
            settings,
            secrets: 0,
        }
    }

    /// Connected to a server that takes part by itself; the front is in its rooms.
    pub fn served(settings: FrontSettings, server: Server) -> Bench {
        let mut bench = Bench::new(settings);
        bench.server = Some(server);
        bench.connect();
        assert_eq!(bench.said, Vec::<String>::new(), "said while getting ready");
        assert!(bench.events.contains(&FrontEvent::Ready), "not ready: {:?}", bench.events);
        bench.events.clear();
        bench
    }

    /// Connected to an Openfire that takes part, as far as the service comes there.
    pub fn beside(settings: FrontSettings, openfire: Openfire) -> Bench {
        let mut bench = Bench::new(settings);
        bench.openfire = Some(openfire);
        bench.connect();
        bench
    }

    /// These checklists can be gone through from now on.
    pub fn checklists(&mut self, checklists: impl Into<Arc<[Checklist]>>) {
        self.desk.checklists = checklists.into();
    }

    /// Opens the stream; with a server that takes part, up to being in the rooms.
    pub fn connect(&mut self) {
        self.cutter = cutter();
        self.front.connected(self.now_ms);
        self.pump();
        if self.server.is_some() {
            self.hear(server::HEADER);
            self.hear("<handshake/>");
        }
    }

    /// The same with the script as server: the handshake is accepted, and what the front then asks is returned.
    pub fn accepted(settings: FrontSettings) -> Bench {
        let mut bench = Bench::new(settings);
        bench.connect();
        bench.hear(server::HEADER);
        bench.hear("<handshake/>");
        let header = bench.said.drain(..3).collect::<Vec<_>>();
        bench.hear("<iq type='result' id='n0' from='localhost' to='neerc.localhost'/>");
        assert!(header[0].starts_with("<?xml") || header[0].starts_with("<stream:stream"), "{header:?}");
        assert!(header[1].starts_with("<handshake"), "{header:?}");
        bench
    }

    /// The connection is lost.
    pub fn disconnect(&mut self) {
        self.front.disconnected();
        if let Some(server) = self.chat_server() {
            server.disconnected();
        }
        self.cutter = cutter();
    }

    /// There is a web side, whose pages show codes of six digits, each on a browser of that name.
    pub fn open_web(&mut self, codes: &[(&str, &str)]) {
        let code = |(n, (code, browser)): (usize, &(&str, &str))| LoginCode {
            code: (*code).into(),
            room: None,
            browser: (*browser).into(),
            session: SecretHash::new([0xf0 | n as u8; 32]),
            until_ms: i64::MAX,
        };
        let codes = codes.iter().enumerate().map(code).collect();
        self.desk.entrance = Entrance { url: Some("https://board.example.org".into()), codes };
    }

    /// The service ends at once and starts again with what is on disk; what was told after `told` is told again.
    pub fn restart(&mut self, told: u64) {
        self.restart_without_link(told);
        self.connect();
    }

    /// The same as long as there is no server to connect to.
    pub fn restart_without_link(&mut self, told: u64) {
        self.front = Front::new(self.settings.clone(), self.now_ms, told);
        let (checklists, entrance) = (self.desk.checklists.clone(), self.desk.entrance.clone());
        self.desk = Desk::new(self.boards().clone(), self.desk.ledger.revision());
        (self.desk.checklists, self.desk.entrance) = (checklists, entrance);
        self.desk.follow_clocks(self.now(), &mut self.front);
        for (room, revision, notice) in self.desk.ledger.notices(self.log.iter().filter(|entry| entry.revision > told))
        {
            self.front.tell(self.now_ms, &room, revision, notice);
        }
        if let Some(server) = self.chat_server() {
            server.disconnected();
        }
        self.said.clear();
    }

    /// Every change that is on disk.
    pub fn log(&self) -> &[Entry] {
        &self.log
    }

    /// What is on disk.
    pub fn boards(&self) -> &Boards {
        self.desk.ledger.boards()
    }

    /// The chat server that takes part.
    pub fn server(&mut self) -> &mut Server {
        self.server.as_mut().unwrap()
    }

    /// The Openfire that takes part.
    pub fn openfire(&mut self) -> &mut Openfire {
        self.openfire.as_mut().unwrap()
    }

    /// Whichever server takes part.
    fn chat_server(&mut self) -> Option<&mut dyn ChatServer> {
        match (&mut self.server, &mut self.openfire) {
            (Some(server), _) => Some(server),
            (None, Some(openfire)) => Some(openfire),
            (None, None) => None,
        }
    }

    /// The front hears something from the server; what comes of it is done.
    pub fn hear(&mut self, xml: impl AsRef<[u8]>) {
        self.hear_only(xml);
        self.pump();
    }

    /// The front hears something; nothing else happens.
    pub fn hear_only(&mut self, xml: impl AsRef<[u8]>) {
        let bytes = xml.as_ref();
        self.heard.push((self.now_ms, bytes.to_vec()));
        self.front.receive(self.now_ms, bytes, self.desk.world());
    }

    /// The front hears what the server says now.
    pub fn server_says(&mut self, say: impl FnOnce(&mut Server)) {
        let server = self.server.as_mut().unwrap();
        say(server);
        self.pump();
    }

    /// Does all that can be done without waiting.
    pub fn pump(&mut self) {
        loop {
            self.take_events();
            let out = if self.link_free { self.transmit(self.chunk) } else { Outgoing::default() };
            self.take_events();
            let mut said = cut(&mut self.cutter, &out.to_vec());
            let mut answers = Vec::new();
            if let Some(server) = self.chat_server() {
                said.retain(|stanza| !server.hears(stanza));
                answers = server.take();
            }
            // Pings to the own address are between the service and its server; no conversation is about them.
            said.retain(|stanza| !stanza.contains(" from='neerc.localhost' to='neerc.localhost'><ping "));
            // Nor are most about those who are asked for their presence.
            let probes;
            (probes, said) = said.into_iter().partition(|stanza| stanza.starts_with("<presence type='probe'"));
            self.probes.extend(probes);
            self.said.extend(said);
            let more = self.link_free && self.front.next_transmit_ms() == i64::MIN;
            if out.is_empty() && answers.is_empty() && !more {
                break;
            }
            for answer in answers {
                self.hear_only(answer);
            }
        }
    }

    /// What the link is handed where it takes so many bytes; nothing else happens.
    pub fn transmit(&mut self, limit: usize) -> Outgoing {
        let mut out = Outgoing::default();
        self.front.transmit(self.now_ms, self.desk.world(), &mut out, limit);
        out
    }

    /// As the loop of the service does.
    fn take_events(&mut self) {
        while self.take_some_events() {} // an answer may bring the next ask
    }

    fn take_some_events(&mut self) -> bool {
        let mut has_asks = self.desk.look_at_plans(Now::from_ms(self.now_ms, self.now_ms), &mut self.front);
        while let Some(event) = self.front.poll() {
            match event {
                FrontEvent::Ask(ask) => {
                    self.secrets += 1;
                    let hash = SecretHash::new(self.secrets.to_be_bytes().repeat(4).try_into().expect("32 bytes"));
                    self.desk.ask(ask, || Some(NewSecret::new(&format!("secret{}", self.secrets), hash)));
                    has_asks = true;
                }
                FrontEvent::Ended(_) => {
                    self.events.push(event);
                    self.front.disconnected();
                }
                event => self.events.push(event),
            }
        }
        let now = self.now();
        let mut next = self.desk.decide_last(now, &mut self.front);
        while let Some(entries) = next {
            let stored = if self.disk == Disk::Full { Stored::No } else { Stored::Yes };
            let mut settled = self.desk.ledger.stored(now, stored).expect("an outcome that is known");
            self.log.extend(settled.entries.iter().cloned());
            next = settled.next.take();
            self.desk.settle(now, settled, &mut self.front);
            drop(entries);
        }
        has_asks
    }

    fn now(&self) -> Now {
        Now::from_ms(self.now_ms, self.now_ms)
    }

    /// Time goes by; what falls due on the way is done when it is due.
    pub fn pass(&mut self, ms: i64) {
        let end_ms = self.now_ms + ms;
        loop {
            let of_front_ms = self.front.next_timeout_ms().min(self.front.next_transmit_ms());
            let due_ms = of_front_ms.min(self.desk.next_due_ms());
            if due_ms > end_ms || !self.link_free {
                break;
            }
            self.now_ms = due_ms.max(self.now_ms);
            self.timeout();
        }
        self.now_ms = end_ms;
        self.timeout();
    }

    /// Does what is due now.
    fn timeout(&mut self) {
        self.front.timeout(self.now_ms);
        self.desk.tick(self.now_ms, &mut self.front);
        self.pump();
    }

    /// Everything said and not expected yet.
    pub fn said(&mut self) -> Vec<String> {
        self.said.drain(..).collect()
    }

    /// The first thing said and not expected yet.
    pub fn next_said(&mut self) -> Option<String> {
        self.said.pop_front()
    }

    /// The troubles made known since the last call.
    pub fn troubles(&mut self) -> Vec<String> {
        let mut troubles = Vec::new();
        self.events.retain(|event| match event {
            FrontEvent::Trouble(trouble) | FrontEvent::Ended(trouble) => {
                troubles.push(trouble.clone());
                false
            }
            _ => true,
        });
        troubles
    }

    /// The last revision that everybody is known to have been told of.
    pub fn told(&self) -> u64 {
        let told = self.events.iter().filter_map(|event| match event {
            FrontEvent::Told(revision) => Some(*revision),
            _ => None,
        });
        told.max().unwrap_or(0)
    }

    /// Who was told something since the last look: the addresses of all messages, in order.
    pub fn recipients(&mut self) -> Vec<String> {
        let said = self.said();
        said.iter().filter(|stanza| stanza.starts_with("<message")).filter_map(|stanza| attr(stanza, "to")).collect()
    }

    /// The system's clock shows this.
    pub fn time_of_day(&mut self, wall_ms: i64) {
        self.front.time_of_day(self.now_ms, wall_ms);
    }

    /// The contest clock is read.
    pub fn clock(&mut self, elapsed_ms: i64, total_ms: i64, phase: Phase) {
        if self.desk.clocks.read(self.now_ms, Reading { elapsed_ms, total_ms, phase }) {
            self.front.say_clocks(&mut self.desk.clocks);
        }
        self.pump();
    }

    /// Plays a conversation. Everything the service says must be in it, in this order.
    #[track_caller]
    pub fn check(&mut self, script: &str) {
        if let Err(wrong) = self.play(script) {
            panic!("{wrong}");
        }
    }

    /// Plays a conversation; an error says what went otherwise.
    pub fn play(&mut self, script: &str) -> Result<(), String> {
        let mut before = "the beginning".to_owned();
        for step in steps(script)? {
            if let Step::Expect(expected) = &step {
                let expected = expected.replace("<caps/>", CAPS);
                let expected = canonical(&expected).map_err(|e| format!("in the script: {e}: {expected}"))?;
                let said = self
                    .said
                    .pop_front()
                    .ok_or_else(|| format!("after {before}\n  expected {expected}\n  but nothing more was said"))?;
                let actual = canonical(&said).map_err(|e| format!("said: {e}: {said}"))?;
                if expected != actual {
                    return Err(format!("after {before}\n  expected {expected}\n  but said {actual}"));
                }
                continue;
            }
            self.nothing_more(&before)?;
            match step {
                Step::Hear(xml) => {
                    self.hear(flat(&xml));
                    before = xml;
                }
                Step::Do(what) => {
                    self.act(&what)?;
                    before = format!("({what})");
                }
                Step::Expect(_) => {}
            }
        }
        self.nothing_more(&before)
    }

    fn nothing_more(&mut self, before: &str) -> Result<(), String> {
        match self.said.pop_front() {
            None => Ok(()),
            Some(said) => Err(format!("after {before}\n  said, and not expected: {said}")),
        }
    }

    fn act(&mut self, what: &str) -> Result<(), String> {
        let words: Vec<&str> = what.split_whitespace().collect();
        match words[..] {
            [number, "ms", "later"] => self.pass(number.parse().map_err(|_| format!("no number: {what}"))?),
            [number, "s", "later"] => {
                self.pass(1_000 * number.parse::<i64>().map_err(|_| format!("no number: {what}"))?);
            }
            ["the", "disk", "is", "full"] => self.disk = Disk::Full,
            ["the", "disk", "is", "well", "again"] => self.disk = Disk::Good,
            ["the", "connection", "is", "lost"] => self.disconnect(),
            ["the", "service", "connects"] => self.connect(),
            ["the", "contest", "clock", "shows", elapsed, "of", total, "ms,", phase] => {
                let number = |text: &str| text.parse().map_err(|_| format!("no number: {what}"));
                let phase = Phase::parse(phase).ok_or_else(|| format!("no phase: {what}"))?;
                self.clock(number(elapsed)?, number(total)?, phase);
            }
            [nick, "joins", "from", jid] => {
                let (nick, jid) = (nick.to_owned(), jid.to_owned());
                self.server_says(|server| server.join("neerc", &nick, &jid));
            }
            [nick, "leaves", "from", jid] => {
                let (nick, jid) = (nick.to_owned(), jid.to_owned());
                self.server_says(|server| server.leave("neerc", &nick, &jid));
            }
            [person, "becomes", affiliation] => {
                let (person, affiliation) = (person.to_owned(), affiliation.to_owned());
                self.server_says(|server| server.affiliate("neerc", &person, &affiliation));
            }
            _ => return Err(format!("no such step: ({what})")),
        }
        Ok(())
    }
}

/// The value of an attribute of the start tag, as written.
pub fn attr(stanza: &str, name: &str) -> Option<String> {
    let head = &stanza[..stanza.find('>')?];
    let value = head.split_once(&format!(" {name}='"))?.1;
    Some(value.split('\'').next()?.to_owned())
}

fn cutter() -> Framer {
    Framer::new(FrameLimits { bytes: 64 << 20, depth: 64, head_bytes: 8_192 })
}

/// Cuts what the front has said into stanzas.
fn cut(cutter: &mut Framer, out: &[u8]) -> Vec<String> {
    cutter.push(out);
    let mut stanzas = Vec::new();
    while let Some(frame) = cutter.next_frame().expect("what the front says is well-formed") {
        stanzas.push(match frame {
            Frame::Open(bytes) | Frame::Stanza(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            Frame::Close => "</stream:stream>".to_owned(),
            Frame::Skipped { .. } => panic!("the front said something over every limit"),
        });
    }
    stanzas
}

enum Step {
    Hear(String),
    Expect(String),
    Do(String),
}

/// Without the line breaks and indents that a script puts between elements.
fn flat(xml: &str) -> String {
    let mut flat = String::new();
    for line in xml.lines() {
        let line = line.trim();
        if !flat.is_empty() && !flat.ends_with('>') && !line.starts_with('<') {
            flat.push(' '); // in the middle of a tag
        }
        flat.push_str(line);
    }
    flat
}

fn steps(script: &str) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    for line in script.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with("# ") {
            continue;
        }
        if let Some(what) = line.strip_prefix('(').and_then(|line| line.strip_suffix(')')) {
            steps.push(Step::Do(what.to_owned()));
        } else if let Some(xml) = line.strip_prefix("C: ") {
            steps.push(Step::Hear(xml.trim().to_owned()));
        } else if let Some(xml) = line.strip_prefix("S: ") {
            steps.push(Step::Expect(xml.trim().to_owned()));
        } else {
            match steps.last_mut() {
                Some(Step::Hear(xml) | Step::Expect(xml)) => {
                    xml.push('\n');
                    xml.push_str(line);
                }
                _ => return Err(format!("no step: {line}")),
            }
        }
    }
    Ok(steps)
}
