//! What comes while the service leaves is decided by the next process: once, in order, and only if it is not too old.

use super::*;
use neerc_xmpp::front::{FrontEvent, Undecided};
use neerc_xmpp::limits;

/// A service with an admin in its room.
fn stage() -> Bench {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("admin", ADMIN);
    bench.joins("hall1", HALL1);
    bench.said();
    bench
}

/// A request that makes a task of that title.
fn makes(title: &str) -> String {
    iq("set", ADMIN, &task(&format!("title='{title}' type='todo'"), &["hall1"]))
        .replace("id='i'", &format!("id='{title}'"))
}

fn line(text: &str) -> String {
    format!("<message from='{ADMIN}' to='{ROOM}' type='chat'><body>{text}</body></message>")
}

/// What somebody says in the room.
fn said_in_room(text: &str) -> String {
    format!(
        "<message from='neerc@conference.localhost/admin' to='neerc.localhost' type='groupchat'><body>{text}</body></message>"
    )
}

/// Another process on the same store, which takes up what was left and hears of something new at once.
fn goes_on(bench: &mut Bench, undecided: Vec<Undecided>, newer: &str) {
    bench.restart_without_link(0);
    bench.events.clear();
    bench.front.take_up(undecided);
    let server = bench.server.take();
    bench.connect();
    bench.server = server;
    bench.hear(bench::server::HEADER);
    bench.hear(format!("<handshake/>{newer}"));
}

fn titles(bench: &Bench) -> Vec<String> {
    let board = &bench.boards()["neerc"];
    board.tasks().map(|task| task.title.as_str().to_owned()).collect()
}

#[test]
fn what_comes_while_the_service_leaves_is_done_by_the_next_one_before_all_that_is_new() {
    let mut bench = stage();
    bench.hear(makes("A"));
    bench.said();
    let server = bench.server.take();
    bench.front.close();
    assert!(!bench.front.has_left(), "the server may still hand something on");
    bench.pump();
    let left = bench.said();
    assert!(left.last().is_some_and(|said| said.ends_with("</stream:stream>")), "{left:?}");
    let asked = [makes("B"), line("@todo hall1 C"), said_in_room("@todo hall1 D"), iq("get", HALL1, &query("tasks"))];
    let not_asked = [
        format!("<presence from='{HALL2}' to='{ROOM}'/>"),
        "<iq type='result' id='n9' from='localhost' to='neerc.localhost'/>".to_owned(),
        format!("<message type='error' from='{ADMIN}' to='{ROOM}'><body>x</body></message>"),
        format!(
            "<message from='{ADMIN}' to='{ROOM}'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>"
        ),
    ];
    for (asked, other) in asked.iter().zip(&not_asked) {
        let (begin, end) = asked.split_at(asked.len() / 2);
        bench.hear(begin);
        bench.hear(format!("{end}{other}"));
    }
    bench.hear(format!("{}</stream:stream>", makes("E")));
    assert!(bench.front.has_left());
    assert_eq!(bench.said(), Vec::<String>::new(), "nothing is said any more");
    assert_eq!(titles(&bench), ["A"], "nothing is decided any more");
    let (undecided, dropped) = bench.front.take_undecided();
    let wanted: Vec<Undecided> = asked
        .iter()
        .cloned()
        .chain([makes("E")])
        .map(|stanza| Undecided { bytes: stanza.into_bytes(), at_ms: bench.now_ms })
        .collect();
    assert_eq!((undecided, dropped), (wanted.clone(), 0));
    bench.server = server;
    bench.now_ms += limits::LEFT_MS;
    goes_on(&mut bench, wanted, &makes("F"));
    assert!(bench.events.contains(&FrontEvent::TakenUp { young: 5, old: 0 }), "{:?}", bench.events);
    assert_eq!(titles(&bench), ["A", "B", "C", "D", "E", "F"]);
    let said = bench.said();
    for id in ["B", "E", "F", "i"] {
        let answers =
            said.iter().filter(|said| said.starts_with("<iq type='result'") && said.contains(&format!("id='{id}'")));
        assert_eq!(answers.count(), 1, "{id} in {said:?}");
    }
    bench.restart(0);
    assert_eq!(titles(&bench).len(), 6, "once");
}

#[test]
fn the_stream_is_not_ended_while_something_is_on_its_way() {
    let mut bench = stage();
    bench.server = None;
    bench.front.hush();
    let ping = |bench: &mut Bench| {
        bench.pump();
        let said = bench.said();
        let ping =
            said.iter().find(|said| said.contains("urn:xmpp:ping")).unwrap_or_else(|| panic!("no ping in {said:?}"));
        let id = bench::attr(ping, "id").unwrap();
        (format!("<iq type='result' id='{id}' from='localhost' to='neerc.localhost'/>"), id)
    };
    let (pong, id) = ping(&mut bench);
    bench.hear(format!("<iq type='result' id='{id}' from='{ADMIN}' to='neerc.localhost'/>"));
    bench.hear(format!("{}{pong}", makes("A")));
    assert!(!bench.front.is_quiet(), "something came in between");
    let (pong, _) = ping(&mut bench);
    assert!(!bench.front.is_quiet());
    bench.hear(pong);
    assert!(bench.front.is_quiet() && !bench.front.has_left());
    bench.front.close();
    bench.pump();
    assert_eq!(bench.said(), ["</stream:stream>"], "alone");
    bench.hear(format!("{}</stream:stream>", makes("B")));
    assert!(bench.front.has_left());
    assert_eq!(bench.front.take_undecided().0.len(), 2);
}

#[test]
fn what_is_too_old_is_not_done() {
    let mut bench = stage();
    let one = |title: &str, at_ms| Undecided { bytes: makes(title).into_bytes(), at_ms };
    let now_ms = bench.now_ms;
    let undecided = vec![
        one("old", now_ms - limits::LEFT_MS - 1),
        one("young", now_ms - limits::LEFT_MS),
        one("from times to come", now_ms + limits::LEFT_AHEAD_MS + 1),
        Undecided { bytes: b"<iq".to_vec(), at_ms: now_ms },
    ];
    goes_on(&mut bench, undecided, "");
    assert!(bench.events.contains(&FrontEvent::TakenUp { young: 2, old: 2 }), "{:?}", bench.events);
    assert_eq!(titles(&bench), ["young"]);
}

#[test]
fn what_waits_when_the_service_leaves_is_left_too() {
    let mut bench = stage();
    // It waits for the people of the room.
    bench.restart_without_link(0);
    let server = bench.server.take();
    bench.connect();
    bench.hear(bench::server::HEADER);
    bench.hear(format!("<handshake/>{}", makes("A")));
    bench.pass(2_000);
    bench.front.close();
    let (undecided, _) = bench.front.take_undecided();
    let began_ms = bench.now_ms - 2_000;
    assert_eq!(undecided, [Undecided { bytes: makes("A").into_bytes(), at_ms: began_ms }]);
    bench.server = server;
    // They wait for their account's turn.
    let mut settings = settings();
    settings.budget = neerc_xmpp::throttle::Budget { bytes_per_second: 128 * 1_024, burst_bytes: 4 * 1_024 * 1_024 };
    let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
    bench.joins("admin", ADMIN);
    for number in 0..100 {
        bench.hear(makes(&format!("Bring water to everybody, {number}")));
    }
    bench.pass(60_000);
    bench.said();
    (bench.server, bench.link_free) = (None, false);
    for number in 0..20 {
        bench.hear(iq("get", ADMIN, &query("tasks")).replace("id='i'", &format!("id='list{number}'")));
    }
    bench.hear(line("@todo hall1 X\n@todo hall1 Y"));
    bench.front.close();
    bench.link_free = true;
    bench.pump();
    let said = bench.said();
    let (undecided, _) = bench.front.take_undecided();
    let is_left = |id: &str| undecided.iter().filter(|one| String::from_utf8_lossy(&one.bytes).contains(id)).count();
    for number in 0..20 {
        let id = format!("id='list{number}'");
        let answers = said.iter().filter(|said| said.contains(&id)).count();
        assert_eq!(answers + is_left(&id), 1, "{id} is answered or left");
    }
    assert!(is_left("id='list0'") == 0 && is_left("id='list19'") == 1, "not all could be answered");
    assert_eq!(is_left("@todo hall1 X\n@todo hall1 Y"), 1);
}

#[test]
fn more_than_is_kept_is_counted() {
    let mut bench = stage();
    bench.server = None;
    bench.front.close();
    for _ in 0..limits::LEFT_STANZAS + 3 {
        bench.hear(makes("A"));
    }
    let (undecided, dropped) = bench.front.take_undecided();
    assert_eq!((undecided.len(), dropped), (limits::LEFT_STANZAS, 3));
}
