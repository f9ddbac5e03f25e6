//! Servers that are there and say nothing: one that takes the connection and no more, one that falls silent in the
//! middle, and real ones that are frozen and go on later. The program notices within its limits (10 s for the opening,
//! 35 s of silence), connects again by itself, and everybody is told what is newest.
//!
//! Waiting is most of it, so all of them wait at once, in one test.

use std::time::{Duration, Instant};

use crate::fake::FakeServer;
use crate::raw::Raw;
use crate::said::{NS, Said};
use crate::servers::{Kind, Options, ROOMS, Server};
use crate::service::Neerc;
use crate::trust;
use crate::wait::{PATIENCE, poll_for};

/// Longer than the silence after which a link counts as dead, by what a loaded machine may need.
const SILENCE: Duration = Duration::from_secs(60);

/// What a server does, and the time after which the program notices.
type Silent = (&'static str, fn() -> Duration);

#[test]
fn silent_servers_are_noticed_and_the_service_comes_back_by_itself() {
    let servers: [Silent; 5] = [
        ("hands nothing on since its component was loaded anew", deaf),
        ("takes the connection and says nothing", mute_from_the_start),
        ("falls silent and answers no ping", mute_in_the_middle),
        ("Prosody is frozen and goes on", || frozen(Kind::Prosody)),
        ("ejabberd is frozen and goes on", || frozen(Kind::Ejabberd)),
    ];
    std::thread::scope(|scope| {
        let running = servers.map(|(what, run)| (what, scope.spawn(run)));
        for (what, run) in running {
            let noticed = run.join().unwrap_or_else(|_| panic!("a server that {what}"));
            println!("{what}: noticed after {noticed:.1?}");
            let outcome = format!("noticed after {:.0} s, back by itself, 0 untold", noticed.as_secs_f64());
            trust::report("P3", &format!("silent server: {what}"), 1, &outcome);
        }
    });
}

/// Waits for what the program says of a server, and gives back how long that took.
#[track_caller]
fn noticed(neerc: &Neerc<'_>, text: &str) -> Duration {
    let began = Instant::now();
    let said = poll_for(SILENCE, || neerc.log().contains(text).then_some(()));
    assert!(said.is_some(), "{text:?} is not in {}", neerc.log());
    began.elapsed()
}

fn create(title: &str) -> String {
    format!("<task xmlns='{NS}#task' title='{title}' type='todo'><status for='hall1'/></task>")
}

fn tells(said: &Said, title: &str) -> bool {
    said.name == "message" && said.tasks.iter().any(|(_, task)| task.as_ref().is_some_and(|task| task.title == title))
}

fn mute_from_the_start() -> Duration {
    let (listener, mut neerc) = FakeServer::prepare("");
    neerc.spawn();
    let held = poll_for(PATIENCE, || listener.accept().ok()).expect("the program connects");
    let took = noticed(&neerc, "the server did not accept the component within 10 s");
    let mut fake = FakeServer::accept(listener, &neerc);
    let iq = fake.iq("jury1@localhost/desk", "set", "create", &create("late"));
    fake.send(&iq);
    assert_eq!(fake.expect(|said| said.id == "create").kind, "result");
    drop(held);
    took
}

/// The last change before the silence is answered into a connection that nobody reads, so it is told again.
fn mute_in_the_middle() -> Duration {
    let (mut fake, neerc) = FakeServer::start();
    let iq = fake.iq("jury1@localhost/desk", "set", "create", &create("unheard"));
    fake.send(&iq);
    let took = noticed(&neerc, "the server has been silent for 35 s");
    // The old connection stays open at the server's side until it has the next one.
    let mut fake = fake.accept_again(&neerc);
    let mut untold: Vec<&str> = crate::fake::OCCUPANTS.iter().map(|(_, jid, _)| *jid).collect();
    while !untold.is_empty() {
        let told = fake.expect(|said| tells(said, "unheard"));
        assert_eq!(told.tasks.len(), 1);
        untold.retain(|jid| *jid != told.to);
    }
    took
}

/// A hall answers while the server is frozen; when it goes on, it finds a dead connection and a new one.
fn frozen(kind: Kind) -> Duration {
    let server = Server::launch(kind, Options::default());
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let mut neerc = Neerc::start(&server, &[&room], "");
    let mut jury = Raw::login(&server, "jury1", "desk");
    let mut hall = Raw::login(&server, "hall1", "desk");
    let to = neerc.room_jid(&room);
    for (raw, nick) in [(&mut jury, "jury1"), (&mut hall, "hall1")] {
        let muc = "http://jabber.org/protocol/muc";
        raw.send(&format!("<presence to='{room}@{ROOMS}/{nick}'><x xmlns='{muc}'/></presence>"));
        raw.expect(|text| text.starts_with("<presence") && text.contains("110"));
    }
    server.signal("STOP");
    let iq = format!("<iq to='{to}' type='set' id='late'>{}</iq>", create("asked of a frozen server"));
    jury.send(&iq);
    let took = noticed(&neerc, "the server has been silent for 3");
    let log = neerc.log().len();
    server.signal("CONT");
    neerc.wait_for_log("ready: rooms", log);
    // Whether the server hands the request on, refuses it or loses it with the old connection is its own affair. If it
    // was answered, the answer is true.
    jury.send(&format!("<iq to='{to}' type='get' id='list'><query xmlns='{NS}#tasks'/></iq>"));
    let mut answer = None;
    let list = jury.expect(|text| {
        let said = Said::read(text);
        let is_list = said.id == "list";
        answer = answer.take().or((said.id == "late").then_some(said.kind));
        is_list
    });
    let listed = Said::read(&list).listed();
    assert!(answer.as_deref() != Some("result") || listed.len() == 1, "{listed:?}");
    jury.send(&format!("<iq to='{to}' type='set' id='next'>{}</iq>", create("after it")));
    assert_eq!(Said::read(&jury.expect(|text| Said::read(text).id == "next")).kind, "result");
    hall.expect(|text| tells(&Said::read(text), "after it"));
    println!("{kind:?}: what was asked of the frozen server was answered with {answer:?}");
    took
}

/// Prosody forgets the connection and goes on to answer on it what is for itself.
fn deaf() -> Duration {
    let server = Server::launch(Kind::Prosody, Options::default());
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let mut neerc = Neerc::start(&server, &[&room], "");
    let mut jury = Raw::login(&server, "jury1", "desk");
    let ping = format!("<query xmlns='{NS}#ping'/>");
    // The first ping to its own address has to have come back.
    std::thread::sleep(Duration::from_secs(12));
    crate::servers::prosody::reload_component(&server, &neerc.jid);
    jury.send(&format!("<iq to='{}' type='get' id='deaf'>{ping}</iq>", neerc.jid));
    assert_eq!(Said::read(&jury.expect(|text| Said::read(text).id == "deaf")).kind, "error");
    let log = neerc.log().len();
    let took = noticed(&neerc, "the server has handed nothing on to");
    neerc.wait_for_log("ready: rooms", log);
    jury.send(&format!("<iq to='{}' type='get' id='again'>{ping}</iq>", neerc.jid));
    assert_eq!(Said::read(&jury.expect(|text| Said::read(text).id == "again")).kind, "result");
    took
}
