//! P4 under a flood: one session asks as fast as it can and is held to the limit that the program has unless it is told
//! otherwise, 20 requests a second with 60 at once. Everybody else is answered, and never told to wait.
//!
//! A server hands on no more than it can itself, so 5,000 requests a second come straight into the stream, from a fake
//! server. How long the others waited is reported, with the flood and without, and not asserted: it is the machine's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::fake::FakeServer;
use crate::raw::Raw;
use crate::said::{NS, Said};
use crate::servers::{Kind, Options, Server};
use crate::service::Neerc;
use crate::trust;

on_both!(a_flood_through_a_server_is_held_to_the_limit);

/// What `neerc init` writes too; the tests' own configuration has no limit.
const DEFAULT_LIMITS: &str = "[limits]\nrequests_per_second = 20\nrequests_burst = 60\n";
const PER_SECOND: f64 = 20.0;
const BURST: usize = 60;
/// What the flood aims at, each second.
const AIM: f64 = 5_000.0;
/// How many requests of the flood are sent together.
const TOGETHER: usize = 25;
/// How many may be under way: more would only wait in the server, and the others behind them.
const UNDER_WAY: usize = 2 * TOGETHER;
/// How far apart one session's requests are that is not flooding: half of what it may.
const PACE: Duration = Duration::from_millis(100);
/// Who else is there.
const OTHERS: [&str; 5] = ["jury1", "hall2", "hall3", "hall4", "hall5"];

fn seconds() -> Duration {
    Duration::from_secs(trust::times(4, 30) as u64)
}

/// What the flooding session sends: every other one a write, so that what is let through costs all that it can.
fn request(number: usize) -> (&'static str, String) {
    if number.is_multiple_of(2) {
        ("get", format!("<query xmlns='{NS}#ping'/>"))
    } else {
        ("set", format!("<taskstatus xmlns='{NS}#taskstatus' id='1' type='running' value='flood {number}'/>"))
    }
}

fn task() -> String {
    format!("<task xmlns='{NS}#task' title='Water' type='todo'><status for='hall1'/></task>")
}

/// What came of a flood.
#[derive(Debug, Default)]
struct Flood {
    sent: usize,
    admitted: usize,
    told_to_wait: usize,
    took: Duration,
}

impl Flood {
    /// Notes the answer to a request of the flood.
    #[track_caller]
    fn note(&mut self, said: &Said) {
        if said.kind == "result" {
            self.admitted += 1;
            return;
        }
        let error = said.xml.replace('"', "'");
        assert!(said.condition == "resource-constraint" && error.contains("type='wait'"), "{error}");
        self.told_to_wait += 1;
    }

    fn unanswered(&self) -> usize {
        self.sent - self.admitted - self.told_to_wait
    }

    fn per_second(&self) -> f64 {
        self.sent as f64 / self.took.as_secs_f64()
    }

    /// It got what it may have, and no more. `took` is the test's own time, which begins before the program's.
    #[track_caller]
    fn assert_held(&self) {
        let may = BURST + 1 + (PER_SECOND * self.took.as_secs_f64()).ceil() as usize;
        assert!((BURST..=may).contains(&self.admitted), "{self:?}, but at most {may} may be let through");
        assert_eq!(self.unanswered(), 0, "{self:?}");
    }
}

/// How long the others waited for their answers; a refusal has ended the test.
#[derive(Debug, Default)]
struct Waits(Vec<Duration>);

impl Waits {
    fn p99_ms(&mut self) -> f64 {
        self.0.sort_unstable();
        self.0[(self.0.len() * 99).div_ceil(100) - 1].as_secs_f64() * 1e3
    }
}

fn report(way: &str, flood: &Flood, mut before: Waits, mut during: Waits) {
    let (sent, rate, admitted) = (flood.sent, flood.per_second(), flood.admitted);
    let outcome = format!(
        "{rate:.0} requests/s from one session: {admitted} let through in {:.0} s, {} told to wait; 0 of {} requests of \
         others refused or unanswered, their p99 {:.1} ms, without the flood {:.1} ms",
        flood.took.as_secs_f64(),
        flood.told_to_wait,
        during.0.len(),
        during.p99_ms(),
        before.p99_ms(),
    );
    println!("{way}: {outcome}");
    trust::report("P4", &format!("flood, {way}"), sent, &outcome);
}

// Through a server

/// Asks at the pace of `PACE` until `is_over`, and gives back how long each answer took.
fn ask_politely(raw: &mut Raw, to: &str, is_over: &AtomicBool) -> Waits {
    let mut waits = Waits::default();
    let mut next = Instant::now();
    while !is_over.load(Ordering::Relaxed) {
        let id = crate::servers::unique("polite");
        let began = Instant::now();
        raw.send(&format!("<iq to='{to}' type='get' id='{id}'><query xmlns='{NS}#ping'/></iq>"));
        let answer = Said::read(&raw.expect(|text| Said::read(text).id == id));
        assert_eq!(answer.kind, "result", "{}", answer.xml);
        waits.0.push(began.elapsed());
        next = (next + PACE).max(Instant::now());
        // What is told meanwhile is read, so that the server can go on telling.
        while raw.stanza(next.saturating_duration_since(Instant::now())).is_ok() {}
    }
    waits
}

/// Sends a flood for so long, and then waits for the last of its answers.
fn flood(raw: &mut Raw, to: &str, limit: Duration) -> Flood {
    let mut flood = Flood::default();
    let began = Instant::now();
    let note = |flood: &mut Flood, text: &str| {
        let said = Said::read(text);
        if said.name == "iq" {
            flood.note(&said);
        }
    };
    while began.elapsed() < limit {
        let mut text = String::new();
        for _ in 0..TOGETHER {
            let (kind, child) = request(flood.sent);
            text += &format!("<iq to='{to}' type='{kind}' id='f{}'>{child}</iq>", flood.sent);
            flood.sent += 1;
        }
        raw.send(&text);
        let next = began + Duration::from_secs_f64(flood.sent as f64 / AIM);
        loop {
            let left = next.saturating_duration_since(Instant::now());
            let left = if flood.unanswered() > UNDER_WAY { left.max(PACE) } else { left };
            match raw.stanza(left.max(Duration::from_micros(1))) {
                Ok(text) => note(&mut flood, &text),
                Err(silence) => assert_eq!(silence, crate::raw::Silence::Timeout),
            }
            if flood.unanswered() <= UNDER_WAY && Instant::now() >= next {
                break;
            }
        }
    }
    while flood.unanswered() > 0 {
        let text = raw.stanza(crate::wait::PATIENCE).unwrap_or_else(|silence| panic!("{silence:?} after {flood:?}"));
        note(&mut flood, &text);
    }
    flood.took = began.elapsed();
    flood
}

fn a_flood_through_a_server_is_held_to_the_limit(kind: Kind) {
    // A server of its own, so that no other test has to live with the flood.
    let server = Server::launch(kind, Options::default());
    let people: Vec<_> = OTHERS.iter().map(|name| (*name, if *name == "jury1" { "owner" } else { "member" })).collect();
    let room = server.room(&[&people[..], &[("hall1", "member")]].concat());
    let neerc = Neerc::start(&server, &[&room], DEFAULT_LIMITS);
    let to = neerc.room_jid(&room);
    let mut others = OTHERS.map(|name| Raw::login(&server, name, &crate::servers::unique("polite")));
    let mut flooder = Raw::login(&server, "hall1", &crate::servers::unique("flood"));
    others[0].send(&format!("<iq to='{to}' type='set' id='task'>{}</iq>", task()));
    others[0].expect(|text| Said::read(text).id == "task" && Said::read(text).kind == "result");
    let mut politely = |while_: &mut dyn FnMut()| {
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let asking: Vec<_> =
                others.iter_mut().map(|raw| scope.spawn(|| ask_politely(raw, &to, &is_over))).collect();
            while_();
            is_over.store(true, Ordering::Relaxed);
            Waits(asking.into_iter().flat_map(|waits| waits.join().expect("all are answered").0).collect())
        })
    };
    let before = politely(&mut || assert!(crate::wait::poll_for(seconds() / 2, || None::<()>).is_none()));
    let mut flooded = Flood::default();
    let during = politely(&mut || flooded = flood(&mut flooder, &to, seconds()));
    flooded.assert_held();
    report(&format!("{kind:?}"), &flooded, before, during);
}

// Straight into the stream

/// Lets the others ask at their pace and one session flood, or not, for so long.
fn straight(fake: &mut FakeServer, floods: Option<&mut Flood>, limit: Duration) -> Waits {
    const FLOODER: &str = "hall1@localhost/bad";
    const POLITE: [&str; 2] = ["jury1@localhost/desk", "hall2@localhost/desk"];
    let mut unused = Flood::default();
    let is_flood = floods.is_some();
    let flood = floods.unwrap_or(&mut unused);
    let mut waits = Waits::default();
    let mut asked: BTreeMap<String, Instant> = BTreeMap::new();
    let mut next_polite = Instant::now();
    let began = Instant::now();
    while began.elapsed() < limit || flood.unanswered() > 0 || !asked.is_empty() {
        assert!(began.elapsed() < limit + crate::wait::PATIENCE, "{flood:?} and {asked:?}");
        let goes_on = began.elapsed() < limit;
        let due = (began.elapsed().as_secs_f64() * AIM) as usize;
        while is_flood && goes_on && flood.sent < due {
            let (kind, child) = request(flood.sent);
            let iq = fake.iq(FLOODER, kind, &format!("f{}", flood.sent), &child);
            fake.send(&iq);
            flood.sent += 1;
        }
        if goes_on && Instant::now() >= next_polite {
            next_polite = (next_polite + PACE).max(Instant::now());
            for from in POLITE {
                let id = crate::servers::unique("polite");
                let iq = fake.iq(from, "get", &id, &format!("<query xmlns='{NS}#ping'/>"));
                fake.send(&iq);
                asked.insert(id, Instant::now());
            }
        }
        while let Some(said) = fake.hear(Duration::from_millis(1)) {
            if let Some(since) = asked.remove(&said.id) {
                assert_eq!(said.kind, "result", "{}", said.xml);
                waits.0.push(since.elapsed());
            } else if said.name == "iq" && said.to == FLOODER {
                flood.note(&said);
            }
        }
    }
    flood.took = began.elapsed();
    waits
}

#[test]
fn a_flood_of_5_000_requests_a_second_is_held_to_the_limit() {
    let (mut fake, neerc) = FakeServer::start_with(DEFAULT_LIMITS);
    let create = fake.iq("jury1@localhost/desk", "set", "task", &task());
    fake.send(&create);
    assert_eq!(fake.expect(|said| said.id == "task").kind, "result");
    let before = straight(&mut fake, None, seconds() / 2);
    let mut flood = Flood::default();
    let during = straight(&mut fake, Some(&mut flood), seconds());
    flood.assert_held();
    assert!(!neerc.log().contains("WARN"), "{}", neerc.log());
    report("straight into the stream", &flood, before, during);
}
