//! Hostile input of somebody who is logged in and in the room: whatever a hall sends, the program, its connection and
//! everybody else go on, and nothing has changed.
//!
//! The inputs are one table (`table.rs`). Each is sent through Prosody, through ejabberd, and straight into the
//! component stream by a fake server. Only the last way brings all of them to the program: real servers refuse what is
//! not well-formed, what is too long or deep, and addresses that are none, and other servers may not.

mod table;

use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::fake::FakeServer;
use crate::raw::{Raw, Silence};
use crate::said::{NS, Said};
use crate::servers::{Kind, Options, ROOMS, Server, unique};
use crate::service::Neerc;
use crate::trust;
use crate::wait::{PATIENCE, poll_for};
use table::{Input, Reply, Sending, inputs};

on_both!(whatever_a_hall_sends_nothing_happens, deep_nesting_ends_nothing_that_does_not_come_back);

/// How soon others are answered.
const PING_LIMIT: Duration = Duration::from_millis(100);
/// A busy machine may hold up one ping; it does not hold up five.
const PINGS: usize = 5;

/// What a test does with the session or stream that sends the inputs, and how it looks at what came of it.
trait Way {
    /// Sends what goes before the input, if anything, and waits until the program has it.
    fn prelude(&mut self, text: &str);
    /// Sends the input and says what came back to the sender.
    fn send(&mut self, input: &Input, bytes: &[u8], wanted: &Reply) -> Reply;
    /// How long another user waits for the answer to a ping.
    fn ping(&mut self) -> Duration {
        let began = Instant::now();
        self.jury_asks("get", &query("ping"));
        began.elapsed()
    }
    /// What another user sees: tasks and users.
    fn state(&mut self) -> (Said, Said) {
        (self.jury_asks("get", &query("tasks")), self.jury_asks("get", &query("users")))
    }
    /// What the service answers to another user.
    fn jury_asks(&mut self, kind: &str, child: &str) -> Said;
    /// Fills in the addresses.
    fn fill(&self, text: &str) -> String;
}

/// Sends one input and holds all that must hold afterwards against it; the time of the best ping.
fn check(way: &mut dyn Way, neerc: &Neerc<'_>, input: &Input, wanted: &Reply) -> Result<Duration, String> {
    let before = (way.state(), revision(neerc));
    assert_eq!((before.0.0.kind.as_str(), before.0.1.kind.as_str()), ("result", "result"), "before {}", input.what);
    if !input.prelude.is_empty() {
        way.prelude(&way.fill(input.prelude));
    }
    let bytes = match &input.bytes {
        Ok(text) => way.fill(text).into_bytes(),
        Err(bytes) => bytes
            .iter()
            .flat_map(|piece| match std::str::from_utf8(piece) {
                Ok(text) => way.fill(text).into_bytes(),
                Err(_) => piece.to_vec(),
            })
            .collect(),
    };
    let reply = way.send(input, &bytes, wanted);
    let best = (0..PINGS).map(|_| way.ping()).find(|time| *time < PING_LIMIT);
    if reply != *wanted {
        return Err(format!("got {reply:?}, not {wanted:?}"));
    }
    if (way.state(), revision(neerc)) != before {
        return Err(String::from("something has changed"));
    }
    best.ok_or_else(|| format!("{PINGS} pings took over {PING_LIMIT:?} each"))
}

/// What came of the whole table.
#[derive(Default)]
struct Outcome {
    tried: usize,
    slowest: Duration,
    failures: Vec<String>,
}

impl Outcome {
    fn note(&mut self, server: &str, input: &Input, wanted: &Reply, checked: Result<Duration, String>) {
        self.tried += 1;
        match checked {
            Ok(ping) => {
                println!("{server:9} {:60} {wanted:?}; ping {:.1} ms", input.what, ping.as_secs_f64() * 1e3);
                self.slowest = self.slowest.max(ping);
            }
            Err(failure) => self.failures.push(format!("{}: {failure}", input.what)),
        }
    }

    #[track_caller]
    fn settle(self, server: &str) {
        let slowest_ms = self.slowest.as_secs_f64() * 1e3;
        println!("{server}: the slowest best ping was {slowest_ms:.1} ms");
        assert!(self.failures.is_empty(), "{server}: {:#?}", self.failures);
        let outcome = format!(
            "0 stops, 0 connections of the service lost by its own fault, 0 changes of anybody's; others answered \
             within {slowest_ms:.0} ms"
        );
        trust::report("P4", &format!("hostile input, {server}"), self.tried, &outcome);
    }
}

/// The connection was never lost, and nothing was worth a warning.
#[track_caller]
fn assert_steady(neerc: &Neerc<'_>) {
    let log = neerc.log();
    let connections = log.matches("connected to ").count();
    let complaints: Vec<_> = log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).collect();
    assert!(connections == 1 && complaints.is_empty(), "{connections} connections; {complaints:#?}");
}

/// How many changes there ever were.
fn revision(neerc: &Neerc<'_>) -> i64 {
    let log = Connection::open(neerc.dir.join("neerc.db")).unwrap();
    log.query_row("SELECT count(*) FROM log", [], |row| row.get(0)).unwrap()
}

fn query(name: &str) -> String {
    format!("<query xmlns='{NS}#{name}'/>")
}

/// The one task there is, for the hall and the admin.
fn first_task() -> String {
    format!(
        "<task xmlns='{NS}#task' title='Water' type='todo'><status for='hall1' type='none'/>\
         <status for='jury1' type='none'/></task>"
    )
}

// Through a server

struct Through<'a> {
    server: &'a Server,
    neerc: &'a Neerc<'a>,
    room: String,
    nick: String,
    hall: Raw,
    jury: Raw,
}

impl<'a> Through<'a> {
    fn new(server: &'a Server, neerc: &'a Neerc<'a>, room: String) -> Self {
        let hall = Raw::login(server, "hall1", &unique("bad"));
        let jury = Raw::login(server, "jury1", &unique("desk"));
        Self { server, neerc, room, nick: unique("Evil"), hall, jury }
    }

    /// Lets the server look at all that it was sent.
    fn push(&mut self, input: &Input, bytes: &[u8]) -> std::io::Result<()> {
        match input.sending {
            Sending::Whole => self.hall.push(bytes),
            // Every tag was cut.
            Sending::Bytewise => self.hall.try_send_bytes(&vec![b' '; bytes.len()]),
        }
    }

    /// A session of its own for each input: the server may have closed the one before.
    fn renew(&mut self) {
        self.hall = Raw::login(self.server, "hall1", &unique("bad"));
        self.nick = unique("Evil");
    }
}

impl Way for Through<'_> {
    fn jury_asks(&mut self, kind: &str, child: &str) -> Said {
        let id = unique("j");
        self.jury.send(&format!("<iq to='{}' type='{kind}' id='{id}'>{child}</iq>", self.neerc.room_jid(&self.room)));
        let answer = self.jury.expect(|text| Said::read(text).id == id);
        Said { id: String::new(), xml: String::new(), ..Said::read(&answer) }
    }

    fn prelude(&mut self, text: &str) {
        self.hall.send(text);
        // Through the room, behind all that the room hands on; whatever the answer is, the program has seen the rest.
        let through = format!("{}@{ROOMS}/neerc", self.room);
        self.hall.send(&format!("<iq to='{through}' type='get' id='through'><ping xmlns='urn:xmpp:ping'/></iq>"));
        self.hall.expect(|text| Said::read(text).id == "through");
    }

    fn send(&mut self, input: &Input, bytes: &[u8], wanted: &Reply) -> Reply {
        let marker = format!("<iq to='{}' type='get' id='marker'>{}</iq>", self.neerc.jid, query("ping"));
        let sent = match input.sending {
            Sending::Whole => self.hall.try_send_bytes(bytes),
            Sending::Bytewise => bytes.chunks(1).try_for_each(|byte| self.hall.try_send_bytes(byte)),
        };
        let sent = sent.and_then(|()| self.hall.try_send_bytes(marker.as_bytes()));
        if sent.and_then(|()| self.push(input, bytes)).is_err() {
            return Reply::Refused;
        }
        let mut marked = false;
        loop {
            match self.hall.stanza(PATIENCE) {
                Err(Silence::Closed) => return Reply::Refused,
                Err(Silence::Timeout) => panic!("nothing came back of {}, not even a pong", input.what),
                Ok(text) => {
                    let said = Said::read(&text);
                    marked |= said.id == "marker";
                    if let Some(reply) = Reply::of(&said, input) {
                        // A server's own refusal is not worded like the program's.
                        let own = *wanted == Reply::Refused && said.kind == "error";
                        return if own { Reply::Refused } else { reply };
                    }
                    if marked && matches!(wanted, Reply::Silence | Reply::Refused) {
                        return Reply::Silence;
                    }
                }
            }
        }
    }

    fn fill(&self, text: &str) -> String {
        table::fill(
            text,
            &table::Places {
                from: "",
                room: &self.neerc.room_jid(&self.room),
                service: &self.neerc.jid,
                chat_room: &format!("{}@{ROOMS}", self.room),
                nick: &self.nick,
            },
        )
    }
}

fn whatever_a_hall_sends_nothing_happens(kind: Kind) {
    let server = Server::launch(kind, Options::default());
    let room = server.room(&[("jury1", "owner"), ("hall1", "member"), ("hall2", "member")]);
    let neerc = Neerc::start(&server, &[&room], "");
    let mut through = Through::new(&server, &neerc, room);
    assert_eq!(through.jury_asks("set", &first_task()).kind, "result");
    let mut outcome = Outcome::default();
    for input in inputs().iter().filter(|input| !input.is_deep()) {
        let Some(wanted) = input.through(kind) else { continue };
        through.renew();
        let checked = check(&mut through, &neerc, input, wanted);
        outcome.note(&format!("{kind:?}"), input, wanted, checked);
        assert_steady(&neerc);
    }
    outcome.settle(&format!("through {kind:?}"));
}

/// Private servers, since ejabberd 23.01 does not survive all of it. The program has to survive that.
fn deep_nesting_ends_nothing_that_does_not_come_back(kind: Kind) {
    let server = Server::launch(kind, Options::default());
    let mut outcome = Outcome::default();
    for input in inputs().iter().filter(|input| input.is_deep()) {
        let Some(wanted) = input.through(kind) else { continue };
        let room = server.room(&[("jury1", "owner"), ("hall1", "member"), ("hall2", "member")]);
        let mut neerc = Neerc::start(&server, &[&room], "");
        let mut through = Through::new(&server, &neerc, room.clone());
        if *wanted != Reply::EndsServer {
            let checked = check(&mut through, &neerc, input, wanted);
            outcome.note(&format!("{kind:?}"), input, wanted, checked);
            assert_steady(&neerc);
            continue;
        }
        let text = through.fill(input.bytes.as_ref().unwrap());
        through.hall.send(&text);
        if !ends(&server, &mut through.hall) {
            println!("{kind:?} survives {}", input.what);
            outcome.tried += 1;
            through.ping();
            assert_steady(&neerc);
            continue;
        }
        drop(through);
        let old_log = neerc.log().len();
        server.kill_hard();
        let began = Instant::now();
        server.start();
        let up = began.elapsed();
        neerc.wait_for_log("ready: rooms", old_log);
        outcome.tried += 1;
        println!("{kind:?} ended by: {}; back in {up:.1?}, the program ready in {:.1?}", input.what, began.elapsed());
        Through::new(&server, &neerc, room).ping();
    }
    outcome.settle(&format!("deep nesting through {kind:?}, which may end of it"));
}

/// Whether the server's process ends of what was just sent, rather than to answer it or to close the sender's stream.
fn ends(server: &Server, sender: &mut Raw) -> bool {
    let over = poll_for(PATIENCE, || {
        if !runs(server.pid()) {
            return Some(true);
        }
        match sender.stanza(Duration::from_millis(1)) {
            Ok(_) => Some(false),
            // It takes a moment from the end of its connections to the end of the process.
            Err(Silence::Closed) => Some(poll_for(PATIENCE / 10, || (!runs(server.pid())).then_some(())).is_some()),
            Err(Silence::Timeout) => None,
        }
    });
    over.expect("an answer or an end")
}

fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

// Straight into the stream

struct Straight {
    fake: FakeServer,
}

const BAD: &str = "hall1@localhost/bad";
const JURY: &str = "jury1@localhost/desk";

impl Way for Straight {
    fn jury_asks(&mut self, kind: &str, child: &str) -> Said {
        let id = unique("j");
        let iq = self.fake.iq(JURY, kind, &id, child);
        self.fake.send(&iq);
        let answer = self.fake.expect(|said| said.id == id && said.to == JURY);
        Said { id: String::new(), xml: String::new(), ..answer }
    }

    fn prelude(&mut self, text: &str) {
        self.fake.send(text);
    }

    fn send(&mut self, input: &Input, bytes: &[u8], wanted: &Reply) -> Reply {
        match input.sending {
            Sending::Whole => self.fake.send_bytes(bytes),
            Sending::Bytewise => bytes.chunks(1).for_each(|byte| self.fake.send_bytes(byte)),
        }
        let marker = self.fake.iq(BAD, "get", "marker", &query("ping"));
        self.fake.send(&marker);
        let is_over = |said: &Said| match wanted {
            Reply::Silence => said.id == "marker" || Reply::of(said, input).is_some(),
            _ => Reply::of(said, input).is_some(),
        };
        let said = self.fake.expect(is_over);
        Reply::of(&said, input).unwrap_or(Reply::Silence)
    }

    fn fill(&self, text: &str) -> String {
        table::fill(
            text,
            &table::Places {
                from: &format!("from='{BAD}'"),
                room: &self.fake.room_jid(),
                service: &self.fake.component,
                chat_room: &format!("{}@{ROOMS}", crate::fake::ROOM),
                nick: "Evil",
            },
        )
    }
}

#[test]
fn whatever_a_server_hands_on_nothing_happens() {
    let (fake, neerc) = FakeServer::start();
    let mut straight = Straight { fake };
    assert_eq!(straight.jury_asks("set", &first_task()).kind, "result");
    let mut outcome = Outcome::default();
    for input in &inputs() {
        let Some(wanted) = &input.stream else { continue };
        let checked = check(&mut straight, &neerc, input, wanted);
        outcome.note("stream", input, wanted, checked);
    }
    assert_steady(&neerc);
    outcome.settle("straight into the stream");
}

#[test]
fn lists_forged_while_the_true_ones_are_awaited_are_not_believed() {
    const FORGED: usize = 100;
    let forged = |component: &str| {
        let list = "<query xmlns='http://jabber.org/protocol/muc#admin'><item jid='hall1@localhost' affiliation='owner'/>\
                    </query>";
        let result = |number| format!("<iq from='{BAD}' to='{component}' type='result' id='n{number}'>{list}</iq>");
        (1..=FORGED).map(result).collect()
    };
    let (fake, neerc) = FakeServer::start_saying(forged);
    let mut straight = Straight { fake };
    let users = straight.jury_asks("get", &query("users")).users;
    let power: Vec<_> = users.iter().filter(|[_, _, power]| power == "yes").map(|[name, ..]| name.as_str()).collect();
    assert_eq!((users.len(), power), (4, vec!["jury1"]));
    assert_steady(&neerc);
    trust::report("P5", "forged lists of a room's people", FORGED, "0 believed");
}
