//! Ends and beginnings: of the service, of the server, of rooms, and what whoever runs them is told to mend.

use std::fs;
use std::process::Output;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{
    Stage, Task, answered_once, done, expect_push, login, muc, packet, pushes, query, refused, shared, users_of, within,
};
use crate::fake::FakeServer;
use crate::raw::{Raw, Silence};
use crate::said::Said;
use crate::servers::{Kind, Options, ROOMS, Server, unique};
use crate::service::Neerc;
use crate::slix::User;
use crate::trust;
use crate::wait::{PATIENCE, poll_for, wait_for};

on_both!(
    an_orderly_restart_loses_nothing,
    what_the_spacing_held_back_is_told_after_a_kill,
    what_the_server_did_not_confirm_is_told_after_a_kill,
    the_service_outlives_its_server,
    what_a_killed_server_did_not_confirm_is_told_again,
    a_server_killed_again_and_again_takes_nothing_along,
    a_wrong_secret_is_explained,
    an_unknown_component_is_explained,
    one_store_serves_one_service,
    a_missing_room_is_created,
    a_destroyed_room_is_created_anew,
    whoever_comes_first_after_the_end_of_a_room_has_no_power,
    a_taken_nick_is_no_obstacle,
    a_member_held_every_nick_and_kept_the_service_out,
    a_room_that_is_open_or_does_not_last_is_told_of,
    a_closed_or_unreadable_room_is_explained,
    a_good_configuration_is_said_to_be_good,
    a_wrong_configuration_is_refused_with_its_line,
);

const PEOPLE: [(&str, &str); 3] = [("jury1", "owner"), ("hall1", "member"), ("hall2", "member")];

/// A status line of every change, so that tests see when one is on disk.
const DEBUG: &str = "[log]\nlevel = \"debug\"\n";

fn an_orderly_restart_loses_nothing(kind: Kind) {
    let mut stage = Stage::new(shared(kind), &PEOPLE, "");
    let jury = stage.join("jury1");
    let hall = stage.join("hall1");
    let id = stage.create(&jury, "stays", "todo", &[("hall1", "none", "")]);
    let idle = stage.create(&jury, "idle", "confirm", &[]);
    let gone = stage.create(&jury, "gone", "todo", &[]);
    stage.remove(&jury, &gone);
    stage.answer(&hall, &id, "fail", "Б <&>");
    let before = stage.tasks(&jury);
    assert_eq!(before.len(), 2);
    for round in 0..3 {
        let (status, took) = stage.neerc.terminate();
        assert!(status.code() == Some(0) && took < Duration::from_secs(3), "{status} after {took:?}");
        let left = |presence: &crate::slix::Stanza| {
            presence.kind() == "unavailable" && presence.attr("from").ends_with("/neerc")
        };
        jury.expect_presence(left, PATIENCE);
        let ready = stage.neerc.restart();
        println!("{kind:?}: ended after {took:?}, ready after {ready:?}");
        assert_eq!(stage.tasks(&jury), before, "round {round}");
        assert_eq!(users_of(&hall.iq(&stage.at(), "get", &query("users"))).len(), 3);
    }
    // Sessions that stayed in the room hear of the next change without having asked for anything.
    stage.answer(&hall, &id, "success", "");
    expect_push(&hall, &format!("{id} todo 'stays': hall1 success"));
    expect_push(&jury, &format!("{id} todo 'stays': hall1 success"));
    refused(&jury.iq(&stage.at(), "set", &packet(Some(&gone), "x", "todo", &[])), "item-not-found");
    let next = stage.create(&jury, "next", "todo", &[]);
    assert!(![&id, &idle, &gone].contains(&&next), "no id is used twice");
    answered_once(&jury);
}

fn what_the_spacing_held_back_is_told_after_a_kill(kind: Kind) {
    let mut stage = Stage::new(shared(kind), &PEOPLE, "[tasks]\nspacing_ms = 10000\n");
    let jury = stage.join("jury1");
    let hall = stage.join("hall1");
    let id = stage.create(&jury, "held", "todo", &[("hall1", "none", "")]);
    let gone = stage.create(&jury, "removed", "todo", &[("hall1", "none", "")]);
    expect_push(&hall, &format!("{id} todo 'held': hall1 none"));
    expect_push(&hall, &format!("{gone} todo 'removed': hall1 none"));
    stage.answer(&hall, &id, "success", "kept");
    stage.remove(&jury, &gone);
    stage.neerc.kill9();
    assert_eq!(pushes(&hall, None), [""; 0], "both are held back for ten seconds");
    stage.neerc.restart();
    for session in [&jury, &hall] {
        expect_push(session, &format!("{id} todo 'held': hall1 success 'kept'"));
        expect_push(session, &format!("{gone} remove ''"));
    }
    assert_eq!(stage.list(&jury), [format!("{id} todo 'held': hall1 success 'kept'")]);
    trust::report("P3", &format!("SIGKILL while changes are held back, {kind:?}"), 2, "0 untold to 2 listeners");
}

/// The request is in the service's socket before the server is frozen, so the service commits it, tells it into a
/// connection that nobody reads, and is killed.
fn what_the_server_did_not_confirm_is_told_after_a_kill(kind: Kind) {
    let server = Server::launch(kind, Options::default());
    let mut stage = Stage::new(&server, &PEOPLE, DEBUG);
    let jury = stage.join("jury1");
    let hall = stage.join("hall1");
    let id = stage.create(&jury, "frozen", "todo", &[("hall1", "none", "")]);
    freeze_after(&mut stage, &hall, &super::status_packet(&id, "success", "kept"));
    stage.neerc.kill9();
    server.signal("CONT");
    jury.sync("localhost");
    let early = pushes(&hall, Some(&id));
    jury.clear();
    hall.clear();
    stage.neerc.restart();
    for session in [&jury, &hall] {
        expect_push(session, &format!("{id} todo 'frozen': hall1 success 'kept'"));
    }
    println!("{kind:?}: before the kill {} pushes had come through, after it one came again", early.len());
    trust::report("P3", &format!("SIGKILL before the server has read, {kind:?}"), 1, "0 untold to 2 listeners");
}

/// Lets `user` send a write, and freezes the server between the moment that the service has it and its answer.
fn freeze_after(stage: &mut Stage<'_>, user: &User<'_>, child: &str) {
    user.sync(stage.svc());
    let log = stage.neerc.log().len();
    freeze(stage.neerc.pid(), || stage.neerc.signal("STOP"));
    // Longer than whatever else the server may have to say to the service in between.
    let id = "frozen-".repeat(PADDING_BYTES / 7 + 1);
    user.send(&format!("<iq type='set' id='{id}' to='{}'>{child}</iq>", stage.at()));
    wait_for("the request to be in the service's socket", || unread_bytes(stage.server.component_port) > PADDING_BYTES);
    freeze(stage.server.pid(), || stage.server.signal("STOP"));
    stage.neerc.signal("CONT");
    stage.neerc.wait_for_log(" what=", log);
}

const PADDING_BYTES: usize = 2_000;

/// Stops a process and waits until each of its threads stands still, which takes a while on a loaded machine.
fn freeze(pid: u32, stop: impl FnOnce()) {
    stop();
    wait_for("all threads to stand still", || {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
        let mut states = threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
        states.all(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T')))
    });
}

/// What waits to be read by whoever is connected to that port of this machine (proc(5), /proc/net/tcp).
fn unread_bytes(port: u16) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let far = format!("0100007F:{port:04X}");
    let queue = |line: &str| {
        let mut columns = line.split_whitespace().skip(2);
        let to_it = columns.next()? == far;
        let (_, received) = columns.nth(1)?.split_once(':')?;
        to_it.then(|| usize::from_str_radix(received, 16).unwrap())
    };
    table.lines().filter_map(queue).max().unwrap_or(0)
}

fn what_a_killed_server_did_not_confirm_is_told_again(kind: Kind) {
    let server = Server::launch(kind, Options::default());
    let mut stage = Stage::new(&server, &PEOPLE, DEBUG);
    // One server writes behind; an orderly stop settles the room and the accounts, which are not what is tested.
    server.stop();
    server.start();
    ready_again(&mut stage, 0);
    let jury = stage.join("jury1");
    let hall = stage.join("hall1");
    let id = stage.create(&jury, "killed", "todo", &[("hall1", "none", "")]);
    freeze_after(&mut stage, &hall, &super::status_packet(&id, "success", "kept"));
    server.kill_hard();
    let log = stage.neerc.log().len();
    stage.neerc.signal("STOP");
    server.start();
    let back = login(&server, "hall1");
    back.join(&stage.room, "hall1");
    stage.neerc.signal("CONT");
    ready_again(&mut stage, log);
    expect_push(&back, &format!("{id} todo 'killed': hall1 success 'kept'"));
    assert_eq!(stage.list(&back), [format!("{id} todo 'killed': hall1 success 'kept'")]);
    trust::report("P3", &format!("server killed before it has read, {kind:?}"), 1, "0 untold");
}

/// Somebody writes all the time while the server is killed; the service stays, and is online again after each start.
fn a_server_killed_again_and_again_takes_nothing_along(kind: Kind) {
    let kills = trust::times(10, 100) / 2;
    let server = Server::launch(kind, Options::default());
    let mut stage = Stage::new(&server, &PEOPLE, "");
    // Settles the room and the accounts, see above.
    server.stop();
    server.start();
    ready_again(&mut stage, 0);
    let jury = stage.join("jury1");
    let id = stage.create(&jury, "written", "todo", &[("hall1", "none", "")]);
    let (mut last, mut slowest) = (0, Duration::ZERO);
    for _ in 0..kills {
        let log = stage.neerc.log().len();
        let mut hall = Raw::login(&server, "hall1", &unique("r"));
        let (to, answered) = (stage.at(), AtomicU64::new(last));
        std::thread::scope(|scope| {
            scope.spawn(|| write_until_closed(&mut hall, &to, &id, &answered));
            wait_for("an answer", || answered.load(Ordering::Relaxed) > last);
            // Nothing is waited for here: any moment is as good as another.
            poll_for(Duration::from_millis(fastrand::u64(..500)), || None::<()>);
            server.kill_hard();
        });
        server.start();
        slowest = slowest.max(ready_again(&mut stage, log));
        let hall = stage.join("hall1");
        let answered = answered.load(Ordering::Relaxed);
        // The write that was under way may have been done, too.
        let state = |number: u64| [format!("{id} todo 'written': hall1 running '{number}'")];
        let listed = stage.list(&hall);
        last = if listed == state(answered + 1) { answered + 1 } else { answered };
        assert_eq!(listed, state(last), "{answered} were answered");
        let file = Connection::open(stage.neerc.dir.join("neerc.db")).unwrap();
        let query = "SELECT count(*), max(revision) FROM log";
        let log: (i64, i64) = file.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let changes = i64::try_from(last).unwrap() + 1;
        assert_eq!(log, (changes, changes), "each change is in the log once");
    }
    println!("{kind:?}: {kills} kills of the server; {last} changes; online again at most {slowest:?} after it");
    let outcome = format!(
        "0 of {last} answered changes lost, log complete, online by itself at most {:.1} s after the server",
        slowest.as_secs_f64()
    );
    trust::report("P1", &format!("server killed under load, {kind:?}"), kills, &outcome);
}

/// Answers the task with one number after the other, from the one after `answered` on, until the server is gone.
fn write_until_closed(hall: &mut Raw, to: &str, id: &str, answered: &AtomicU64) {
    for number in answered.load(Ordering::Relaxed) + 1.. {
        let status = super::status_packet(id, "running", &number.to_string());
        let iq = format!("<iq to='{to}' type='set' id='n{number}'>{status}</iq>");
        if hall.try_send_bytes(iq.as_bytes()).is_err() {
            return;
        }
        loop {
            match hall.stanza(PATIENCE).map(|text| Said::read(&text)) {
                Ok(said) if said.id == format!("n{number}") => {
                    assert_eq!(said.kind, "result", "{}", said.xml);
                    break;
                }
                Ok(_) => {}
                Err(Silence::Closed) => return,
                Err(Silence::Timeout) => panic!("no answer to write {number}"),
            }
        }
        answered.store(number, Ordering::Relaxed);
    }
}

fn ready_again(stage: &mut Stage<'_>, from: usize) -> Duration {
    let began = Instant::now();
    // The log may hold an older line; the one after the newest loss of the connection counts.
    wait_for("the service to be ready again", || {
        let log = stage.neerc.log();
        let new = log.get(from..).unwrap_or_default();
        let lost = new.rfind("trying again").or_else(|| new.rfind("WARN"));
        new.rfind("ready: rooms")
            .is_some_and(|ready| lost.is_none_or(|lost| lost < ready) && (from > 0 || lost.is_some()))
    });
    began.elapsed()
}

fn the_service_outlives_its_server(kind: Kind) {
    let server = Server::launch(kind, Options::default());
    let mut stage = Stage::new(&server, &PEOPLE, "");
    let jury = stage.join("jury1");
    let id = stage.create(&jury, "outlives", "todo", &[("hall1", "none", "")]);
    let before = stage.tasks(&jury);
    for way in ["stop", "kill"] {
        let log = stage.neerc.log().len();
        match way {
            "stop" => server.stop(),
            _ => server.kill_hard(),
        }
        if way == "stop" {
            // For a while it is tried again soon after each failure.
            let attempts = || attempts_s(stage.neerc.log().get(log..).unwrap_or_default());
            wait_for("the fifth attempt to connect", || attempts().len() >= 5);
            let pauses: Vec<_> = attempts().windows(2).map(|pair| (pair[1] - pair[0]).rem_euclid(86_400.0)).collect();
            println!("{kind:?}: pauses between attempts {pauses:?} s");
            assert!(pauses[..4].iter().all(|pause| (0.19..1.9).contains(pause)), "{pauses:?}");
        }
        server.start();
        let took = ready_again(&mut stage, log);
        println!("{kind:?}: after a {way}, ready {took:?} after the server was");
        let jury = stage.join("jury1");
        let hall = stage.join("hall1");
        assert_eq!(stage.tasks(&jury), before);
        assert_eq!(users_of(&hall.iq(&stage.at(), "get", &query("users"))).len(), 3);
        let own = stage.create(&jury, way, "todo", &[("hall1", "none", "")]);
        expect_push(&hall, &format!("{own} todo '{way}': hall1 none"));
        stage.remove(&jury, &own);
        stage.answer(&hall, &id, "running", way);
        stage.answer(&hall, &id, "none", "");
    }
    let log = stage.neerc.log();
    assert!(!log.contains("panicked") && stage.neerc.terminate().0.code() == Some(0), "{log}");
}

/// When the connection was lost or refused, in seconds of the day, from the log's own times.
fn attempts_s(log: &str) -> Vec<f64> {
    let lines = log.lines().filter(|line| line.contains("no connection to the server"));
    let seconds = |line: &str| {
        let (_, time) = line.split_once('T')?;
        let mut parts = time.split_once('Z')?.0.split(':').map(|part| part.parse::<f64>().ok());
        Some(parts.next()?? * 3_600.0 + parts.next()?? * 60.0 + parts.next()??)
    };
    lines.map(|line| seconds(line).expect("a line begins with its time")).collect()
}

fn a_wrong_secret_is_explained(kind: Kind) {
    let server = shared(kind);
    let mut neerc = Neerc::prepare(server, &["neerc"], "[component]\nsecret = \"wrong\"\n");
    let jid = neerc.jid.clone();
    let check = check(&neerc);
    neerc.spawn();
    neerc.wait_for_log("refuses the secret", 0);
    let said = neerc.log();
    for text in [said, text(&check)] {
        for part in [
            jid.as_str(),
            "component.secret in neerc.toml",
            "component_secret",
            "prosody.cfg.lua",
            "ejabberd_service",
            "ejabberd.yml",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("wrong\""), "the secret is not printed");
    }
    assert_eq!(check.status.code(), Some(1));
    assert!(text(&check).contains(&format!("WRONG the server refuses the secret of {jid}")), "{}", text(&check));
    assert_eq!(text(&check).matches("WRONG").count(), 1, "nothing that follows from it: {}", text(&check));
    // It goes on trying: whoever mends the server need not start it again.
    wait_for("another attempt", || neerc.log().matches("refuses the secret").count() > 1);
    assert_eq!(neerc.terminate().0.code(), Some(0));
}

fn an_unknown_component_is_explained(kind: Kind) {
    let server = shared(kind);
    let mut neerc = Neerc::prepare(server, &["neerc"], "[component]\njid = \"unknown.localhost\"\n");
    neerc.spawn();
    match kind {
        Kind::Prosody => {
            neerc.wait_for_log("does not know the component unknown.localhost", 0);
            assert!(neerc.log().contains("Component \"unknown.localhost\""), "{}", neerc.log());
        }
        // This one checks the secret of whatever it does not know.
        Kind::Ejabberd => {
            neerc.wait_for_log("refuses the secret of unknown.localhost", 0);
            assert!(
                neerc.log().contains("where a unknown.localhost that is not listed is refused the same way"),
                "{}",
                neerc.log()
            );
        }
    }
    assert!(neerc.log().contains("component.jid in neerc.toml") || kind == Kind::Ejabberd, "{}", neerc.log());
}

/// An end without a change since the start left none, so after many crashes the whole log was read at each start.
#[test]
fn an_orderly_end_after_a_kill_leaves_a_snapshot() {
    let (mut fake, mut neerc) = FakeServer::start();
    let iq = fake.iq("jury1@localhost/desk", "set", "create", &packet(None, "kept", "todo", &[]));
    fake.send(&iq);
    assert_eq!(fake.expect(|said| said.id == "create").kind, "result");
    neerc.kill9();
    neerc.spawn();
    let fake = fake.accept_again(&neerc);
    assert_eq!(neerc.terminate().0.code(), Some(0));
    drop(fake);
    let file = Connection::open(neerc.dir.join("neerc.db")).unwrap();
    let newest = file.query_row("SELECT max(revision) FROM snapshot", [], |row| row.get::<_, Option<i64>>(0));
    assert_eq!(newest.unwrap(), Some(1));
}

/// Only this server refuses a second connection; the other deals stanzas out to both at random, hence the store's lock.
#[test]
fn a_second_instance_is_told_of_the_first() {
    let stage = Stage::new(shared(Kind::Prosody), &PEOPLE, "");
    let jury = stage.join("jury1");
    let toml = format!("[component]\njid = \"{}\"\n", stage.svc());
    let mut second = Neerc::prepare(stage.server, &[&stage.room], &toml);
    second.spawn();
    second.wait_for_log(&format!("the server already has a {}", stage.svc()), 0);
    for part in ["another neerc is connected (stop it", "choose another component.jid in neerc.toml"] {
        assert!(second.log().contains(part), "{part}: {}", second.log());
    }
    stage.settle(&jury, &[]);
    assert!(!stage.neerc.log().contains("trying again"), "the first is not disturbed: {}", stage.neerc.log());
    let outcome = "refused by the server with conflict, the first undisturbed; ejabberd would take both";
    trust::report("P6", "second instance with another store on the same Prosody", 1, outcome);
}

fn one_store_serves_one_service(kind: Kind) {
    let stage = Stage::new(shared(kind), &PEOPLE, "");
    let jury = stage.join("jury1");
    let second = stage.neerc.command().arg("run").arg("--config").arg(stage.neerc.config()).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = text(&second);
    assert!(said.contains("neerc.db is in use by another neerc"), "{said}");
    assert!(said.contains(&stage.neerc.pid().to_string()), "which one: {said}");
    // A check says so and does not disturb the one that serves.
    let check = check(&stage.neerc);
    assert_eq!(check.status.code(), Some(0), "{}", text(&check));
    let pid = stage.neerc.pid();
    assert!(text(&check).contains(&format!("a running neerc (process {pid}) serves from it")), "{}", text(&check));
    stage.settle(&jury, &[]);
}

fn a_missing_room_is_created(kind: Kind) {
    let server = shared(kind);
    let room = unique("missing");
    let mut neerc = Neerc::start(server, &[&room], "");
    neerc.wait_for_log(&format!("created the room {room}, which was missing"), 0);
    server.register("jury1");
    let jury = login(server, "jury1");
    let features = || {
        let info = jury.iq(&muc(&room), "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>");
        let query = info.child("query").unwrap_or_else(|| panic!("{}", info.xml));
        query
            .children
            .iter()
            .filter(|child| child.name == "feature")
            .map(|f| f.attr("var").to_owned())
            .collect::<Vec<_>>()
    };
    let wanted = ["muc_persistent", "muc_membersonly", "muc_nonanonymous", "muc_unmoderated", "muc_hidden"];
    within(PATIENCE, "the room to be configured", || {
        wanted.iter().all(|wanted| features().iter().any(|feature| feature == wanted))
    });
    assert!(jury.try_join(&room, "jury1").is_err(), "members only");
    let to = neerc.room_jid(&room);
    refused(&jury.iq(&to, "get", &query("users")), "forbidden");
    // It is there for whoever runs the server to put people into.
    server.set_affiliation(&room, "jury1@localhost", "owner");
    within(super::PROMPT, "the owner", || {
        let users = jury.iq(&to, "get", &query("users"));
        users.kind() == "result" && users_of(&users) == ["jury1 Admins yes"]
    });
    neerc.terminate();
    assert!(features().contains(&String::from("muc_persistent")), "it stays without its creator");
}

fn a_destroyed_room_is_created_anew(kind: Kind) {
    let mut stage = Stage::new(shared(kind), &PEOPLE, "");
    let jury = stage.join("jury1");
    let id = stage.create(&jury, "kept", "todo", &[("hall1", "none", "")]);
    stage.server.destroy_room(&stage.room);
    stage.neerc.wait_for_log("was destroyed; joining it again", 0);
    let took = within(PATIENCE, "the room to be there", || stage.neerc.log().contains("which was missing"));
    println!("{kind:?}: made anew {took:?} after its end");
    within(PATIENCE, "the people to be gone", || jury.iq(&stage.at(), "get", &query("users")).kind() == "error");
    stage.server.set_affiliation(&stage.room, "jury1@localhost", "owner");
    within(super::PROMPT, "the owner", || jury.iq(&stage.at(), "get", &query("users")).kind() == "result");
    assert_eq!(stage.list(&jury), [format!("{id} todo 'kept': hall1 none")]);
    jury.join(&stage.room, "jury1");
    jury.sync(stage.svc());
    let next = stage.create(&jury, "next", "todo", &[]);
    assert_ne!(next, id);
}

/// A hall waits for the end of the room and comes in again at once, as often as it takes.
fn whoever_comes_first_after_the_end_of_a_room_has_no_power(kind: Kind) {
    let stage = Stage::new(shared(kind), &PEOPLE, "");
    let jury = stage.join("jury1");
    stage.create(&jury, "kept", "todo", &[("hall1", "none", "")]);
    let mut hall = Raw::login(stage.server, "hall1", &unique("r"));
    let join =
        format!("<presence to='{}/first'><x xmlns='http://jabber.org/protocol/muc'/></presence>", muc(&stage.room));
    hall.send(&join);
    hall.expect(|stanza| stanza.contains("110"));
    std::thread::scope(|scope| {
        scope.spawn(|| stage.server.destroy_room(&stage.room));
        hall.expect(|stanza| stanza.contains("<destroy"));
        for _ in 0..20 {
            hall.send(&join);
        }
    });
    within(PATIENCE, "the service to be back", || {
        let log = stage.neerc.log();
        log.contains("which was missing") || log.contains("others made it anew")
    });
    println!("{kind:?}: the hall was first: {}", stage.neerc.log().contains("others made it anew"));
    // Whoever made the room, the hall has no power over the tasks of the jury.
    for _ in 0..20 {
        let id = unique("ask");
        let remove = packet(Some("9999"), "", "remove", &[]);
        hall.send(&format!("<iq to='{}' type='set' id='{id}'>{remove}</iq>", stage.at()));
        let answer = hall.expect(|stanza| stanza.contains(&id));
        assert!(answer.contains("<forbidden"), "{answer}");
    }
    trust::report("P5", &format!("a room made anew by a member, {kind:?}"), 20, "0 let through");
}

fn a_taken_nick_is_no_obstacle(kind: Kind) {
    let server = shared(kind);
    let room = server.room(&PEOPLE);
    let jury = login(server, "jury1");
    jury.join(&room, "neerc");
    let neerc = Neerc::start(server, &[&room], "");
    assert!(neerc.log().contains("the nick neerc is taken"), "{}", neerc.log());
    let stage = Stage { server, room, neerc };
    let own = |stanza: &crate::slix::Stanza| stanza.attr("from").split_once("/neerc-").map(|(_, rest)| rest.to_owned());
    let own = jury.expect_presence(|stanza| own(stanza).is_some(), PATIENCE);
    let own = own.attr("from").rsplit('/').next().unwrap().to_owned();
    let id = stage.create(&jury, "nick", "todo", &[("neerc", "none", ""), (&own, "none", "")]);
    assert_eq!(stage.list(&jury), [format!("{id} todo 'nick': jury1 none")], "the nick's owner; the service is nobody");
    // Who has power keeps the nick, and leaves it to the service when they go.
    stage.neerc.log().find("belongs to jury1@localhost").expect("whose nick it is");
    jury.leave(&stage.room, "neerc");
    let again = login(server, "hall1");
    again.join(&stage.room, "watcher");
    again.expect_presence(|stanza| stanza.attr("from").ends_with("/neerc") && stanza.kind().is_empty(), PATIENCE);
}

/// One member holds the nick that the service has and those it once went on to, and takes it the moment the service goes.
fn a_member_held_every_nick_and_kept_the_service_out(kind: Kind) {
    let mut stage = Stage::new(shared(kind), &[("jury1", "owner"), ("jury2", "admin"), ("hall1", "member")], "");
    let jury = stage.join("jury1");
    let id = stage.create(&jury, "told", "todo", &[("jury1", "none", "")]);
    let join = |nick: &str| {
        format!("<presence to='{}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>", muc(&stage.room))
    };
    let mut squatters = Vec::new();
    for longer in 1..9 {
        let mut squatter = Raw::login(stage.server, "hall1", &unique("r"));
        squatter.send(&join(&format!("neerc{}", "_".repeat(longer))));
        squatter.expect(|stanza| stanza.contains("110"));
        squatters.push(squatter);
    }
    let mut last = Raw::login(stage.server, "hall1", &unique("r"));
    last.send(&join("watch"));
    last.expect(|stanza| stanza.contains("110"));
    stage.neerc.terminate();
    last.expect(|stanza| stanza.contains("/neerc'") || stanza.contains("/neerc\""));
    last.send(&join("neerc"));
    last.expect(|stanza| stanza.contains("303") || stanza.contains("/neerc"));
    stage.neerc.restart();
    jury.sync(stage.svc());
    stage.answer(&jury, &id, "success", "");
    expect_push(&jury, &format!("{id} todo 'told': jury1 success"));
    // Rights follow the room, and the service has its nick again.
    let fallen = login(stage.server, "jury2");
    stage.server.set_affiliation(&stage.room, fallen.bare_jid(), "member");
    within(super::PROMPT, "the loss of power", || {
        let answer = fallen.iq(&stage.at(), "set", &packet(Some("9999"), "", "remove", &[]));
        answer.error().is_some_and(|error| error.condition == "forbidden")
    });
    let own = |stanza: &crate::slix::Stanza| {
        let is_own = stanza.find("item").is_some_and(|item| item.attr("jid") == stage.neerc.jid);
        is_own && stanza.attr("from").ends_with("/neerc") && stanza.kind().is_empty()
    };
    let watcher = login(stage.server, "jury1");
    watcher.join(&stage.room, "jury1");
    watcher.expect_presence(own, PATIENCE);
    trust::report("P3", &format!("nicks held by a member, {kind:?}"), 9, "0 changes untold, 0 kept in power");
}

fn a_room_that_is_open_or_does_not_last_is_told_of(kind: Kind) {
    let server = shared(kind);
    let room = server.room(&PEOPLE);
    let jury = login(server, "jury1");
    jury.join(&room, "jury1");
    let form = |persistent: u8, members_only: u8| {
        let query = format!(
            "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>\
             <field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>\
             <field var='muc#roomconfig_persistentroom'><value>{persistent}</value></field>\
             <field var='muc#roomconfig_membersonly'><value>{members_only}</value></field></x></query>"
        );
        assert_eq!(jury.iq(&muc(&room), "set", &query).kind(), "result");
    };
    form(1, 1);
    let mut neerc = Neerc::start(server, &[&room], "");
    let complains = |log: &str| log.contains("is open") || log.contains("is not persistent");
    assert!(!complains(&neerc.log()), "{}", neerc.log());
    // While the service runs, and where it finds it.
    form(0, 0);
    neerc.wait_for_log("is open, so anybody can come in", 0);
    neerc.wait_for_log("is not persistent", 0);
    let known = neerc.log().len();
    neerc.terminate();
    neerc.restart();
    neerc.wait_for_log("is open, so anybody can come in", known);
    neerc.terminate();
    let check = neerc.command().args(["check", "--config"]).arg(neerc.config()).output().unwrap();
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(said.contains("WRONG") && said.contains("is not persistent"), "{said}");
}

fn a_closed_or_unreadable_room_is_explained(kind: Kind) {
    let server = Server::launch(kind, Options { component_is_muc_admin: false, ..Options::default() });
    server.register_many(&["jury1", "hall1"]);
    let closed = server.room(&PEOPLE);
    let mut neerc = Neerc::prepare(&server, &[&closed], "");
    let jid = neerc.jid.clone();
    neerc.spawn();
    neerc.wait_for_log("cannot be joined", 0);
    for part in
        ["registration-required", &format!("give {jid} the right to enter"), &format!("a member of {}", muc(&closed))]
    {
        assert!(neerc.log().contains(part), "{part}: {}", neerc.log());
    }
    neerc.terminate();

    // An open room lets it in and hides its lists.
    let jury = login(&server, "jury1");
    let open = unique("open");
    jury.join(&open, "jury1");
    configure(&jury, &open, &[("persistentroom", "1"), ("membersonly", "0"), ("whois", "anyone")]);
    let mut neerc = Neerc::prepare(&server, &[&open], "");
    let jid = neerc.jid.clone();
    let check = check(&neerc);
    assert_eq!(check.status.code(), Some(1), "{}", text(&check));
    assert!(text(&check).contains("ok    server") && text(&check).contains("WRONG the "), "{}", text(&check));
    neerc.restart();
    neerc.wait_for_log("cannot be read", 0);
    for said in [neerc.log(), text(&check)] {
        for part in [
            format!("list of {} cannot be read (forbidden", muc(&open)),
            format!("make {jid} an owner of all rooms"),
            match kind {
                Kind::Prosody => format!("in Prosody, admins = {{ \"{jid}\" }}"),
                Kind::Ejabberd => format!("in ejabberd, acl: neerc: server: {jid}, and access_admin"),
            },
        ] {
            assert!(said.contains(&part), "{part}: {said}");
        }
    }
    // It serves those it sees, with the rights it sees.
    let at = neerc.room_jid(&open);
    within(super::PROMPT, "the owner in the room", || jury.iq(&at, "get", &query("users")).kind() == "result");
    assert_eq!(users_of(&jury.iq(&at, "get", &query("users"))), ["jury1 Admins yes"]);
    done(&jury.iq(&at, "set", &packet(None, "seen", "todo", &[("jury1", "none", "")])));
    jury.expect_message(|stanza| Task::pushed(stanza).is_some(), PATIENCE);
}

fn configure(owner: &User<'_>, room: &str, fields: &[(&str, &str)]) {
    let form = "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>";
    let fields: String = fields
        .iter()
        .map(|(name, value)| format!("<field var='muc#roomconfig_{name}'><value>{value}</value></field>"))
        .collect();
    let x = format!("<x xmlns='jabber:x:data' type='submit'>{form}{fields}</x>");
    let answer =
        owner.iq(&muc(room), "set", &format!("<query xmlns='http://jabber.org/protocol/muc#owner'>{x}</query>"));
    assert_eq!(answer.kind(), "result", "{}", answer.xml);
}

fn a_good_configuration_is_said_to_be_good(kind: Kind) {
    let mut stage = Stage::new(shared(kind), &PEOPLE, "");
    let jury = stage.join("jury1");
    stage.create(&jury, "one", "todo", &[("hall1", "none", "")]);
    assert_eq!(stage.neerc.terminate().0.code(), Some(0));
    let check = check(&stage.neerc);
    let said = text(&check);
    assert_eq!(check.status.code(), Some(0), "{said}");
    for line in [
        format!("ok    configuration {}", stage.neerc.config().display()),
        format!("ok    server 127.0.0.1:{} accepts {} ({kind:?})", stage.server.component_port, stage.svc())
            .replace("Ejabberd", "ejabberd"),
        format!("ok    room {}: 3 users, 1 of them with power; 1 tasks", stage.room),
    ] {
        assert!(said.lines().any(|said| said == line), "{line}: {said}");
    }
    assert!(said.contains(" a short stanza takes "), "{said}");
    assert!(
        said.lines().any(|line| line.starts_with("ok    store ") && line.ends_with("1 changes, 1 tasks")),
        "{said}"
    );
    assert!(!said.contains("WRONG"), "{said}");
    // Checking has told nobody of anything and left nothing behind.
    jury.clear();
    stage.neerc.restart();
    stage.settle(&jury, &[]);
    assert_eq!(pushes(&jury, Some("1")), [""; 0]);
    // No chat rooms where the configuration says: the server is fine, the rooms are not.
    let broken = stage.neerc.dir.join("broken.toml");
    let config = fs::read_to_string(stage.neerc.config())
        .unwrap()
        .replace(ROOMS, "nowhere.localhost")
        .replace("neerc.db", "broken.db");
    stage.neerc.terminate();
    fs::write(&broken, config).unwrap();
    let check = stage.neerc.command().arg("check").arg("--config").arg(&broken).output().unwrap();
    assert_eq!(check.status.code(), Some(1), "{}", text(&check));
    assert!(text(&check).contains("rooms.service in neerc.toml (nowhere.localhost)"), "{}", text(&check));
}

fn a_wrong_configuration_is_refused_with_its_line(kind: Kind) {
    let server = shared(kind);
    let neerc = Neerc::prepare(server, &["neerc"], "");
    let good = fs::read_to_string(neerc.config()).unwrap();
    let line_of = |part: &str, text: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    for (from, to, part) in [
        ("secret = ", "sekret = ", "sekret"),
        ("nickname = \"neerc\"", "nickname = 5", "rooms.nickname"),
        ("nickname = \"neerc\"", "nickname = \"hall\"", "rooms.nickname"),
        ("join = [\"neerc\"]", "join = [\"ne-erc\"]", "rooms.join"),
        ("[store]", "[store", ""),
    ] {
        let wrong = good.replace(from, to);
        assert_ne!(wrong, good, "{from}");
        fs::write(neerc.config(), &wrong).unwrap();
        for action in ["run", "check"] {
            let output = neerc.command().arg(action).arg("--config").arg(neerc.config()).output().unwrap();
            let said = text(&output);
            assert_eq!(output.status.code(), Some(2), "{said}");
            let place = format!("neerc.toml:{}", line_of(to, &wrong));
            assert!(said.contains(&place) && said.contains(part), "{place} {part}: {said}");
        }
    }
    assert!(!neerc.dir.join("neerc.db").exists(), "nothing was started");
}

fn check(neerc: &Neerc<'_>) -> Output {
    neerc.command().arg("check").arg("--config").arg(neerc.config()).output().unwrap()
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}
