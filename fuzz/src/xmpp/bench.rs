//! A front with a server and a store around it, as small as they can be: requests of the service are answered at once,
//! every change is durable at once. What the front writes is always checked.

use neerc_core::board::Boards;
use neerc_core::clock::{Phase, Reading};
use neerc_core::desk::Desk;
use neerc_core::ledger::{Now, Stored};
use neerc_core::people::GroupRule;
use neerc_xmpp::front::{Front, FrontEvent, FrontSettings};
use neerc_xmpp::ns;
use neerc_xmpp::room::groups::GroupSettings;
use neerc_xmpp::stanza::address::Address;
use neerc_xmpp::stream::frame::{Frame, FrameLimits, Framer};
use neerc_xmpp::stream::outgoing::Outgoing;
use neerc_xmpp::xml::{self, Element, TreeLimits};
use std::collections::VecDeque;

/// The component.
pub const SVC: &str = "neerc.localhost";
/// The default room.
pub const ROOM: &str = "neerc@conference.localhost";

/// Settings as a small contest has them.
pub fn settings() -> FrontSettings {
    FrontSettings {
        rooms: vec!["neerc".into(), "test".into()],
        groups: GroupSettings {
            rules: vec![GroupRule { group: "Halls".into(), patterns: vec!["hall*".to_owned()] }],
            rooms: Address::parse("jury@conference.localhost").map(|room| ("Jury".into(), room)).into_iter().collect(),
            directory: Address::parse("directory@localhost").map(|account| (account, 60_000)),
        },
        ..neerc_testing::bench::settings()
    }
}

/// How the server answers one request of the service.
pub enum Answering {
    /// Never.
    Silence,
    /// With `result` or `error`, and this inside.
    Iq(&'static str, String),
}

/// The bench.
pub struct Bench {
    /// What is tested.
    pub front: Front,
    /// What is decided and what of it is on disk, the clocks, and what is due by them.
    pub desk: Desk,
    /// The time.
    pub now_ms: i64,
    /// Whether the front has given up the stream.
    pub ended: bool,
    /// Answers to requests of users so far.
    pub answers: usize,
    /// How the server answers the next requests, the usual way when there is none.
    pub answering: VecDeque<Answering>,
    /// Whether what was received so far ends between two stanzas; the server's own stanzas wait until it does.
    pub between: bool,
    replies: String,
    written: Framer,
}

impl Bench {
    /// A front whose stream is open and whose rooms have not answered.
    pub fn online() -> Bench {
        let mut bench = Bench {
            front: Front::new(settings(), 0, 0),
            desk: Desk::new(Boards::new(), 0),
            now_ms: 1_000_000,
            ended: false,
            answers: 0,
            answering: VecDeque::new(),
            between: true,
            replies: String::new(),
            written: Framer::new(FrameLimits { bytes: 1 << 20, depth: 40, head_bytes: 100 }),
        };
        bench.front.connected(bench.now_ms);
        bench.receive(b"<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' from='neerc.localhost' id='1'>");
        bench.receive(b"<handshake/>");
        bench
    }

    /// A front that is in both rooms, with an admin and a hall in the first.
    pub fn joined() -> Bench {
        let mut bench = Bench::online();
        for (nick, jid, affiliation) in
            [("admin", "admin@localhost/A", "owner"), ("Hall 1", "hall1@localhost/H", "member")]
        {
            let stanza = occupant(nick, "", &[item(jid, affiliation)], &[]);
            bench.receive(stanza.as_bytes());
        }
        let clock = Reading { elapsed_ms: 0, total_ms: 18_000_000, phase: Phase::Running };
        bench.desk.clocks.read(bench.now_ms, clock);
        let own = occupant("neerc", "", &[item(SVC, "owner")], &["110"]);
        bench.receive(own.as_bytes());
        bench.receive(own.replace("neerc@conf", "test@conf").as_bytes());
        bench
    }

    /// Hands bytes to the front and does what follows from them.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.front.receive(self.now_ms, bytes, self.desk.world());
        self.work();
    }

    /// Lets time go by.
    pub fn wait(&mut self, ms: i64) {
        self.now_ms += ms;
        self.front.timeout(self.now_ms);
        self.work();
    }

    /// Takes events and output until there are none.
    pub fn work(&mut self) {
        for _ in 0..1_000 {
            if self.desk.look_at_plans(Now::from_ms(self.now_ms, self.now_ms), &mut self.front) {
                self.store();
            }
            while let Some(event) = self.front.poll() {
                self.event(event);
            }
            let mut out = Outgoing::default();
            self.front.transmit(self.now_ms, self.desk.world(), &mut out, 65_536);
            self.read(&out.to_vec());
            if self.ended || !self.between || (out.is_empty() && self.replies.is_empty()) {
                return;
            }
            let replies = std::mem::take(&mut self.replies);
            if !replies.is_empty() {
                self.front.receive(self.now_ms, replies.as_bytes(), self.desk.world());
            }
        }
        panic!("there is always more to send");
    }

    fn event(&mut self, event: FrontEvent) {
        match event {
            FrontEvent::Ask(ask) => {
                self.desk.ledger.ask(ask);
                self.store();
            }
            FrontEvent::Ended(_) => self.ended = true,
            FrontEvent::Told(revision) => assert!(revision <= self.desk.ledger.revision()),
            _ => {}
        }
    }

    /// Stores what was asked for.
    fn store(&mut self) {
        let now = Now::from_ms(self.now_ms, self.now_ms);
        let mut next = self.desk.decide_last(now, &mut self.front);
        while next.is_some() {
            let mut settled = self.desk.ledger.stored(now, Stored::Yes).expect("an outcome that is known");
            next = settled.next.take();
            self.desk.settle(now, settled, &mut self.front);
        }
    }

    /// Checks what the front has written, and notes what the server answers to it.
    fn read(&mut self, out: &[u8]) {
        self.written.push(out);
        let mut answers = 0;
        loop {
            match self.written.next_frame().expect("we write well-framed XML") {
                None => break,
                Some(Frame::Skipped { .. }) => panic!("we write a stanza over our limits"),
                Some(Frame::Open(_) | Frame::Close) => {}
                Some(Frame::Stanza(bytes)) => {
                    let limits = TreeLimits { nodes: 100_000, ..TreeLimits::default() };
                    let stanza = xml::parse(bytes, ns::COMPONENT, &limits)
                        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(bytes)));
                    answers += reply(&stanza, &mut self.answering, &mut self.replies);
                }
            }
        }
        self.answers += answers;
    }
}

/// Checks a stanza of the front and writes the server's answer to it; counts answers to users.
fn reply(stanza: &Element<'_>, answering: &mut VecDeque<Answering>, replies: &mut String) -> usize {
    if stanza.name == "handshake" {
        return 0;
    }
    let from = stanza.attr("from").and_then(Address::parse).expect("a sender");
    let to = stanza.attr("to").and_then(Address::parse).expect("a recipient");
    if let ("iq", Some("result" | "error")) = (stanza.name, stanza.attr("type")) {
        return 1; // from whatever was asked, which a server makes sure is ours
    }
    match (stanza.name, stanza.attr("type")) {
        ("message", Some("error")) => {} // the same
        _ => assert_eq!(from.domain(), SVC),
    }
    match (stanza.name, stanza.attr("type")) {
        ("iq", Some("get" | "set")) => {
            let id = stanza.attr("id").expect("an id");
            let payload = stanza.elements().next().expect("a payload");
            let usual = || match payload.elements().next().and_then(|item| item.attr("role")) {
                Some(_) => Answering::Iq("error", String::new()), // this server knows nobody's sessions
                None => Answering::Iq("result", usual_answer(payload)),
            };
            if let Answering::Iq(type_, answer) = answering.pop_front().unwrap_or_else(usual) {
                let mut to = Vec::new();
                xml::escape_attr(&mut to, stanza.attr("to").unwrap_or_default());
                let to = String::from_utf8_lossy(&to);
                replies.push_str(&format!("<iq type='{type_}' id='{id}' from='{to}' to='{SVC}'>{answer}</iq>"));
            }
        }
        ("message", None) => assert!(to.resource().is_some(), "told a bare address: {to:?}"),
        _ => {}
    }
    0
}

/// What a server that is well says to a request.
fn usual_answer(payload: &Element<'_>) -> String {
    if payload.ns != "http://jabber.org/protocol/muc#admin" {
        return String::new();
    }
    let list = payload.elements().next().and_then(|item| item.attr("affiliation")).expect("a list");
    let people = match list {
        "owner" => "<item jid='admin@localhost' affiliation='owner'/>",
        "member" => "<item jid='hall1@localhost' affiliation='member'/><item jid='hall2@localhost'/>",
        _ => "",
    };
    format!("<query xmlns='http://jabber.org/protocol/muc#admin'>{people}</query>")
}

/// One item of a presence in a room.
pub fn item(jid: &str, affiliation: &str) -> String {
    format!("<item jid='{jid}' affiliation='{affiliation}' role='participant'/>")
}

/// A presence of an occupant.
pub fn occupant(nick: &str, type_: &str, items: &[String], codes: &[&str]) -> String {
    let type_ = if type_.is_empty() { String::new() } else { format!(" type='{type_}'") };
    let codes: String = codes.iter().map(|code| format!("<status code='{code}'/>")).collect();
    format!(
        "<presence from='{ROOM}/{nick}' to='{SVC}'{type_}><x xmlns='http://jabber.org/protocol/muc#user'>{}{codes}</x></presence>",
        items.concat()
    )
}
