//! What a request costs on a big board: no more than its answer is long. Times are the machine's, so they are printed
//! and only asserted to be far from what they would be if everything was looked at and written for every answer.
//! `cargo test --release -p neerc-xmpp --test front -- costs --nocapture` prints what is to be compared.

use super::*;
use std::time::{Duration, Instant};

/// A bench with so many members, each of whom has each of so many tasks; all but the newest tenth are done.
fn board(people: usize, tasks: usize) -> Bench {
    let mut server = Server::new(Flavour::Prosody);
    for n in 0..people {
        server.list("neerc", &format!("person{n}@localhost"), "member");
    }
    let mut bench = Bench::served(settings(), server);
    for n in 0..tasks {
        let done = if n * 10 < tasks * 9 { "success" } else { "none" };
        let all = format!("<status for='Users' type='{done}'/>");
        bench.hear(iq("set", ADMIN, &format!("<task xmlns='{NS}#task' title='Task {n}' type='todo'>{all}</task>")));
    }
    bench.pass(60_000);
    bench.said();
    bench
}

/// How long each of these takes.
fn table(bench: &mut Bench) -> Vec<(&'static str, Duration)> {
    let chat = |from: &str, body: &str| {
        format!("<message type='chat' from='{from}' to='{ROOM}'><body>{body}</body></message>")
    };
    let rows = [
        ("hall: #tasks", iq("get", HALL1, &query("tasks"))),
        ("hall: #tasks delta=1", iq("get", HALL1, &format!("<query xmlns='{NS}#tasks' delta='1'/>"))),
        ("hall: 50 x tasks all", chat(HALL1, &"tasks all\n".repeat(50))),
        ("hall: 50 x tasks", chat(HALL1, &"tasks\n".repeat(50))),
        ("admin: #tasks", iq("get", ADMIN, &query("tasks"))),
        ("admin: late", chat(ADMIN, "late")),
        ("admin: form late", iq("set", ADMIN, "<command xmlns='http://jabber.org/protocol/commands' node='late'/>")),
    ];
    rows.map(|(what, stanza)| {
        let mut least = Duration::MAX;
        for n in 0..3 {
            // A change before each, so that nothing was written before.
            bench.hear(iq("set", HALL2, &status(1, if n % 2 == 0 { "running" } else { "success" })));
            bench.pass(1_000);
            bench.said();
            let began = Instant::now();
            bench.hear(&stanza);
            let took = began.elapsed();
            assert!(!bench.said().is_empty(), "{what}");
            least = least.min(took);
        }
        (what, least)
    })
    .into()
}

#[test]
fn a_request_costs_no_more_than_its_answer_is_long() {
    let (people, tasks) = match std::env::var("NEERC_COSTS") {
        Ok(_) => (300, 5_000),
        Err(_) => (120, 1_000),
    };
    let mut bench = board(people, tasks);
    for (what, took) in table(&mut bench) {
        println!("{people} x {tasks}, {what}: {:.2} ms", took.as_secs_f64() * 1e3);
        if std::env::var("NEERC_COSTS").is_err() {
            assert!(took < Duration::from_millis(1_500), "{what} took {took:?}");
        }
    }
}
