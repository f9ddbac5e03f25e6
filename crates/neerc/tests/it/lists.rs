//! P4 where little is asked and much is answered: one account asks for lists with several sessions, each as often as it
//! may. Everybody else is answered as if nobody did, also where the server takes long over each list.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::raw::Raw;
use crate::said::{NS, Said};
use crate::servers::{Kind, Options, Server, unique};
use crate::service::Neerc;
use crate::trust;

on_both!(
    ten_sessions_of_one_account_that_ask_for_lists_are_in_nobodys_way,
    an_admin_who_pastes_500_lines_loses_none_and_may_remove_them_all,
);

/// What `neerc init` writes too; the tests' own configuration has no limits.
const DEFAULT_LIMITS: &str = "[limits]\nrequests_per_second = 20\nrequests_burst = 60\nrequests_burst_of_power = 1000\n\
                              answers_kib_per_second = 128\nanswers_burst_kib = 4096\n";
/// Sessions of the account.
const SESSIONS: usize = 10;
/// How far apart the requests of each are: as often as the limit admits.
const GAP: Duration = Duration::from_millis(50);
/// How far apart the requests of the others are.
const PACE: Duration = Duration::from_millis(50);
/// Tasks of a real contest, for a list of 12 KB.
const TASKS: usize = 90;

fn seconds() -> Duration {
    Duration::from_secs(trust::times(6, 30) as u64)
}

/// How many of a hundred others may wait no longer than that. Where the machine does much besides, a few of the few that
/// are asked for in a short run wait for the machine; then it is only seen that others do not wait for the lists to be
/// through.
fn bound() -> (usize, Duration) {
    (trust::times(50, 99), Duration::from_millis(trust::times(1_000, 100) as u64))
}

fn create(raw: &mut Raw, to: &str, count: usize) -> usize {
    let ids: Vec<String> = (0..count).map(|_| unique("create")).collect();
    let text: String = ids
        .iter()
        .map(|id| {
            let title = format!("Bring water and paper to everybody in the hall, {id}");
            format!(
                "<iq to='{to}' type='set' id='{id}'><task xmlns='{NS}#task' title='{title}' type='todo'>\
                 <status for='hall1'/></task></iq>"
            )
        })
        .collect();
    raw.send(&text);
    results(raw, &ids)
}

/// How many of these requests have a result; each must have an answer.
fn results(raw: &mut Raw, ids: &[String]) -> usize {
    let (mut answered, mut done) = (0, 0);
    while answered < ids.len() {
        let said = Said::read(&raw.expect(|text| text.starts_with("<iq")));
        if ids.contains(&said.id) {
            answered += 1;
            done += usize::from(said.kind == "result");
        }
    }
    done
}

/// Asks for the list at the limit until it is over; how many lists came, and how often it was told to wait.
fn ask_for_lists(mut raw: Raw, to: &str, is_over: &AtomicBool) -> (usize, usize) {
    let (mut lists, mut told_to_wait) = (0, 0);
    let mut next = Instant::now();
    while !is_over.load(Ordering::Relaxed) {
        raw.send(&format!("<iq to='{to}' type='get' id='l'><query xmlns='{NS}#tasks'/></iq>"));
        next += GAP;
        while let Ok(text) = raw.stanza(next.saturating_duration_since(Instant::now()).max(Duration::from_micros(1))) {
            lists += usize::from(text.len() > 5_000);
            told_to_wait += usize::from(text.contains("resource-constraint"));
        }
    }
    (lists, told_to_wait)
}

/// How long pings take, in order, until it is over.
fn ping(raw: &mut Raw, to: &str, limit: Duration) -> Vec<Duration> {
    let (began, mut next, mut waits) = (Instant::now(), Instant::now(), Vec::new());
    while began.elapsed() < limit {
        let id = unique("ping");
        let sent = Instant::now();
        raw.send(&format!("<iq to='{to}' type='get' id='{id}'><query xmlns='{NS}#ping'/></iq>"));
        let answer = Said::read(&raw.expect(|text| Said::read(text).id == id));
        assert_eq!(answer.kind, "result", "{}", answer.xml);
        waits.push(sent.elapsed());
        next = (next + PACE).max(Instant::now());
        while raw.stanza(next.saturating_duration_since(Instant::now())).is_ok() {}
    }
    waits.sort_unstable();
    waits
}

fn of_a_hundred(waits: &[Duration], count: usize) -> Duration {
    waits[(waits.len() * count).div_ceil(100) - 1]
}

fn ten_sessions_of_one_account_that_ask_for_lists_are_in_nobodys_way(kind: Kind) {
    // A server of its own, so that no other test has to live with the lists.
    let server = Server::launch(kind, Options::default());
    let room = server.room(&[("jury1", "owner"), ("hall1", "member"), ("hall5", "member")]);
    let neerc = Neerc::start(&server, &[&room], DEFAULT_LIMITS);
    let to = neerc.room_jid(&room);
    let mut jury = Raw::login(&server, "jury1", &unique("jury"));
    assert_eq!(create(&mut jury, &to, TASKS), TASKS);
    let mut other = Raw::login(&server, "hall5", &unique("other"));
    let before = ping(&mut other, &to, seconds() / 3);
    let sessions: Vec<Raw> = (0..SESSIONS).map(|_| Raw::login(&server, "hall1", &unique("list"))).collect();
    let is_over = AtomicBool::new(false);
    let (during, lists, told_to_wait) = std::thread::scope(|scope| {
        let asking: Vec<_> =
            sessions.into_iter().map(|raw| scope.spawn(|| ask_for_lists(raw, &to, &is_over))).collect();
        let during = ping(&mut other, &to, seconds());
        is_over.store(true, Ordering::Relaxed);
        let counts = asking.into_iter().map(|asking| asking.join().expect("it goes on asking"));
        let (lists, told_to_wait) = counts.fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        (during, lists, told_to_wait)
    });
    assert!(lists > 50, "{lists} lists were given");
    let p99 = of_a_hundred(&during, 99);
    let ms = |wait: Duration| wait.as_secs_f64() * 1e3;
    let outcome = format!(
        "10 sessions of one account, 200 requests for lists a second: {lists} lists in {:.0} s, {told_to_wait} told to \
         wait; others' {} pings p50 {:.1}, p99 {:.1}, last {:.1} ms, before p99 {:.1} ms",
        seconds().as_secs_f64(),
        during.len(),
        ms(of_a_hundred(&during, 50)),
        ms(p99),
        ms(of_a_hundred(&during, 100)),
        ms(of_a_hundred(&before, 99)),
    );
    println!("{kind:?}: {outcome}");
    trust::report("P4", &format!("lists, {kind:?}"), lists + told_to_wait, &outcome);
    let (share, longest) = bound();
    assert!(of_a_hundred(&during, share) <= longest, "{outcome}");
}

fn an_admin_who_pastes_500_lines_loses_none_and_may_remove_them_all(kind: Kind) {
    let server = Server::launch(kind, Options::default());
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let neerc = Neerc::start(&server, &[&room], DEFAULT_LIMITS);
    let to = neerc.room_jid(&room);
    let mut jury = Raw::login(&server, "jury1", &unique("jury"));
    assert_eq!(create(&mut jury, &to, 500), 500, "{}", neerc.log());
    let ids: Vec<String> = (1..=500).map(|_| unique("remove")).collect();
    let text: String = ids
        .iter()
        .enumerate()
        .map(|(n, id)| {
            let task = n + 1;
            format!("<iq to='{to}' type='set' id='{id}'><task xmlns='{NS}#task' id='{task}' type='remove'/></iq>")
        })
        .collect();
    jury.send(&text);
    assert_eq!(results(&mut jury, &ids), 500);
}
