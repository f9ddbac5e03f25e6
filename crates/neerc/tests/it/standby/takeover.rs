//! Two services on one PostgreSQL: whichever serves is killed, stopped in the middle or ended, again and again. The other one
//! follows, nothing that was answered is missing, and never two speak: every byte that either sends to the chat server
//! passes a recorder. And a whole machine is lost, after which somebody promotes the database of the other one.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use neerc_testing::postgres::Cluster;

use crate::servers::{Kind, Options, Server};
use crate::service::Neerc;
use crate::slix::{Slix, User};
use crate::trust;
use crate::wait::{PATIENCE, poll_for};

on_both!(one_follows_the_other_and_never_two_speak);

/// With what is Prosody's default the old connection of a machine that hangs would keep the new one out.
const KICK_OLD: &str = "component_conflict_resolve = \"kick_old\"\n";
/// How often somebody asks for something.
const ASKS: Duration = Duration::from_millis(100);

/// When bytes came from a service on their way to the chat server.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Instant>>>);

impl Recorder {
    /// Hands on what a service says to that port; the port for the service.
    fn before(&self, port: u16) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let own = listener.local_addr().unwrap().port();
        let said = self.0.clone();
        thread::spawn(move || {
            for service in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let (from, to) = (service.try_clone().unwrap(), server.try_clone().unwrap());
                let said = said.clone();
                thread::spawn(move || hand_on(from, to, || note(&said)));
                thread::spawn(move || hand_on(server, service, || ()));
            }
        });
        own
    }

    /// The first and the last time that something was said since then.
    fn since(&self, since: Instant) -> Option<(Instant, Instant)> {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = said.partition_point(|at| *at <= since);
        Some((*said.get(first)?, *said.last()?))
    }
}

fn note(said: &Mutex<Vec<Instant>>) {
    said.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
}

fn hand_on(mut from: TcpStream, mut to: TcpStream, heard: impl Fn()) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        heard();
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// A machine with its service.
struct Machine<'a> {
    neerc: Neerc<'a>,
    recorder: Recorder,
}

impl<'a> Machine<'a> {
    fn of(neerc: Neerc<'a>, server: &Server) -> Machine<'a> {
        let recorder = Recorder::default();
        let port = recorder.before(server.component_port);
        neerc.lay(&format!("[component]\nserver = \"127.0.0.1:{port}\"\n"));
        Machine { neerc, recorder }
    }

    fn stand_by(&mut self) {
        let old = self.neerc.log().len();
        self.neerc.spawn();
        self.neerc.wait_for_log("standing by for", old);
    }
}

/// How the service that serves comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Killed,
    Paused,
    Stopped,
}

/// Somebody who hands out tasks all the time, and notes which were answered.
struct Busy<'a> {
    user: User<'a>,
    to: String,
    asked: usize,
    answered: Vec<String>,
}

impl Busy<'_> {
    fn send(&mut self) {
        self.asked += 1;
        let (to, number) = (&self.to, self.asked);
        self.user.send(&format!(
            "<message to='{to}' type='chat' id='busy{number}'><body>@todo hall1 Bring no{number}.</body></message>"
        ));
    }

    fn ask(&mut self) {
        self.send();
        thread::sleep(ASKS);
        let messages = self.user.messages();
        let bodies = messages.iter().map(|message| message.body());
        let titles =
            bodies.filter(|body| body.contains("is handed out")).filter_map(|body| body.split("Bring ").nth(1));
        let new: Vec<String> = titles.filter_map(|rest| rest.split_inclusive('.').next()).map(str::to_owned).collect();
        self.answered.extend(new);
        self.user.clear();
    }

    /// Asks until something is answered that is asked from now on; how long that took.
    #[track_caller]
    fn is_answered(&mut self) -> Duration {
        let (since, asked) = (Instant::now(), self.asked);
        while !self.answered.iter().any(|title| number(title) > asked) {
            assert!(since.elapsed() < PATIENCE, "nobody answers");
            self.ask();
        }
        since.elapsed()
    }
}

fn number(title: &str) -> usize {
    title.trim_start_matches("no").trim_end_matches('.').parse().unwrap_or(0)
}

fn one_follows_the_other_and_never_two_speak(kind: Kind) {
    let extra_config = if kind == Kind::Prosody { KICK_OLD.to_owned() } else { String::new() };
    let server = Server::launch(kind, Options { extra_config, ..Options::default() });
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let cluster = Cluster::shared();
    let database = cluster.database();
    let store = format!("[store]\nurl = \"{}\"\n", cluster.url(&database));
    let first = Neerc::prepare(&server, &[&room], &store);
    let second = first.second();
    let mut machines = [first, second].map(|neerc| Machine::of(neerc, &server));
    machines[0].neerc.restart();
    machines[1].stand_by();
    let user = Slix::shared().login(&server, "jury1", "desk");
    let mut busy = Busy { user, to: machines[0].neerc.room_jid(&room), asked: 0, answered: Vec::new() };
    let rounds = trust::times(3, 200);
    let mut took = Vec::new();
    for round in 0..rounds {
        busy.is_answered();
        let [old, new] = &mut machines;
        let end = [End::Paused, End::Stopped, End::Killed][round % 3];
        took.push((follows(old, new, end, &mut busy), end));
        old.stand_by();
        machines.reverse();
    }
    busy.is_answered();
    for title in &busy.answered {
        let found = cluster.sql(&database, &format!("SELECT count(*) FROM log WHERE record LIKE '%Bring {title}%'"));
        assert_ne!(found, "0", "{title} was answered and is not there");
    }
    let slowest =
        |of: End| took.iter().filter(|(_, end)| *end == of).map(|(took, _)| took.as_millis()).max().unwrap_or(0);
    let outcome = format!(
        "{} answered changes, 0 lost, never two speaking; slowest take-over {} ms killed, {} ms paused, {} ms after a clean end",
        busy.answered.len(),
        slowest(End::Killed),
        slowest(End::Paused),
        slowest(End::Stopped),
    );
    println!("{kind:?}: {outcome}");
    trust::report("P1", &format!("two services on one PostgreSQL, on {kind:?}"), rounds, &outcome);
}

#[test]
fn the_other_machine_has_all_that_was_answered_once_its_database_is_promoted() {
    let extra_config = KICK_OLD.to_owned();
    let server = Server::launch(Kind::Prosody, Options { extra_config, ..Options::default() });
    let rounds = trust::times(1, 20);
    let answered: usize = (0..rounds).map(|_| a_machine_is_lost(&server)).sum();
    let outcome = format!("{answered} answered changes, 0 lost");
    trust::report("P1", "machine with the database and the service killed, the other one promoted", rounds, &outcome);
}

/// Kills the first machine and follows what `doc/two-machines.md` says; how much had been answered.
fn a_machine_is_lost(server: &Server) -> usize {
    let primary = Cluster::start(&[]);
    let database = primary.database();
    let other = Cluster::standby(&primary, &[]);
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.sql("postgres", "SELECT pg_reload_conf()");
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let (ours, theirs) = (primary.port(), other.port());
    let store = format!("[store]\nurl = \"postgres://postgres@127.0.0.1:{ours},127.0.0.1:{theirs}/{database}\"\n");
    let first = Neerc::prepare(server, &[&room], &store);
    let second = first.second();
    let [mut first, mut second] = [first, second].map(|neerc| Machine::of(neerc, server));
    first.neerc.restart();
    second.stand_by();
    let user = Slix::shared().login(server, "jury1", "desk");
    let mut busy = Busy { user, to: first.neerc.room_jid(&room), asked: 0, answered: Vec::new() };
    for _ in 0..10 {
        busy.is_answered();
    }
    (0..10).for_each(|_| busy.send());
    primary.kill();
    first.neerc.kill9();
    let known = survey(&second.neerc);
    let promoted = format!("127.0.0.1:{theirs}");
    assert!(known.contains(&format!("no server is written to. {promoted} has most, up to revision ")), "{known}");
    assert!(known.contains(": all that this machine has seen is there."), "{known}");
    let log = second.neerc.log().len();
    other.promote();
    other.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''");
    other.sql("postgres", "SELECT pg_reload_conf()");
    second.neerc.wait_for_log("ready: rooms", log);
    busy.is_answered();
    for title in &busy.answered {
        let found = other.sql(&database, &format!("SELECT count(*) FROM log WHERE record LIKE '%Bring {title}%'"));
        assert_ne!(found, "0", "{title} was answered and is not there");
    }
    let known = survey(&second.neerc);
    assert!(known.ends_with(&format!("{promoted} is written to; there is nothing to decide\n")), "{known}");
    busy.answered.len()
}

/// What `neerc standby status` says there.
fn survey(neerc: &Neerc<'_>) -> String {
    let asked = neerc.command().args(["standby", "status", "--config"]).arg(neerc.config()).output().unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    String::from_utf8(asked.stdout).unwrap()
}

/// Ends the service that serves, and waits until the other one does; how long it took until that one said something.
fn follows(old: &mut Machine<'_>, new: &mut Machine<'_>, end: End, busy: &mut Busy<'_>) -> Duration {
    let log = new.neerc.log().len();
    let began = Instant::now();
    match end {
        End::Killed => old.neerc.kill9(),
        End::Paused => old.neerc.signal("STOP"),
        End::Stopped => assert!(old.neerc.terminate().0.success()),
    }
    let speaks = poll_for(PATIENCE, || {
        busy.ask();
        new.recorder.since(began)
    });
    let (speaks, _) = speaks.unwrap_or_else(|| panic!("nobody follows one that was {end:?}"));
    if end == End::Paused {
        old.neerc.signal("CONT");
        assert!(!old.neerc.wait_for_exit().success(), "its lease has run out");
    }
    new.neerc.wait_for_log("ready: rooms", log);
    busy.is_answered();
    if let Some((_, last)) = old.recorder.since(began) {
        assert!(last <= speaks, "one that was {end:?} spoke {:?} after the other had begun", last - speaks);
    }
    speaks - began
}
