//! A server that sends and does not read, as half-open connections and overloaded servers do: the program goes on
//! committing what it has taken, its memory stays bounded because it stops taking, and nothing is lost once the server
//! reads again. Only a fake server can be held like this.
//!
//! Servers that are silent altogether are in `silent.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::fake::{FakeServer, OCCUPANTS};
use crate::said::{NS, Said};
use crate::service::Neerc;
use crate::trust;
use crate::wait::{PATIENCE, poll_for, wait_for};

const JURY: &str = "jury1@localhost/desk";
const HALL: &str = "hall1@localhost/bad";
/// Far above what an idle program takes, far below what is sent to it.
const MEMORY_KB: u64 = 60 * 1024;
/// How long nothing must be taken to count as refused.
const STANDSTILL: Duration = Duration::from_secs(1);

/// The most memory that the program ever held.
fn peak_kb(neerc: &Neerc<'_>) -> u64 {
    memory_kb(neerc, "VmHWM:")
}

fn memory_kb(neerc: &Neerc<'_>, what: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", neerc.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("Linux says so");
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn revision(neerc: &Neerc<'_>) -> i64 {
    let log = Connection::open(neerc.dir.join("neerc.db")).unwrap();
    log.query_row("SELECT coalesce(max(revision), 0) FROM log", [], |row| row.get(0)).unwrap()
}

fn create(fake: &mut FakeServer, title: &str) {
    let task = format!("<task xmlns='{NS}#task' title='{title}' type='todo'><status for='hall1'/></task>");
    let iq = fake.iq(JURY, "set", "create", &task);
    fake.send(&iq);
    assert_eq!(fake.expect(|said| said.id == "create").kind, "result");
}

/// Sends requests until the program takes no more; how many were sent, the last one perhaps not whole yet.
fn overfill(fake: &mut FakeServer, request: impl Fn(&FakeServer, usize) -> String) -> usize {
    const TOO_MANY: usize = 1_000_000;
    for number in 0..TOO_MANY {
        let text = request(fake, number);
        if !fake.send_unheard(text.as_bytes(), STANDSTILL) {
            return number + 1;
        }
    }
    panic!("the program takes without end");
}

#[test]
fn writes_of_a_server_that_does_not_read_stay_within_memory() {
    const WRITES: usize = 20_000;
    let (mut fake, neerc) = FakeServer::start();
    for number in 1..=8 {
        create(&mut fake, &format!("Task {number}"));
    }
    for number in 0..WRITES {
        let text = write(&fake, number);
        assert!(fake.send_unheard(text.as_bytes(), PATIENCE), "write {number} was not taken");
    }
    wait_for("all changes", || revision(&neerc) == 8 + WRITES as i64);
    let ping = |fake: &FakeServer, number: usize| {
        fake.iq(HALL, "get", &format!("p{number}"), &format!("<query xmlns='{NS}#ping'/>"))
    };
    let taken = overfill(&mut fake, ping);
    let peak = peak_kb(&neerc);
    println!("{WRITES} changes committed with nobody reading, and {taken} pings taken; at most {} MB", peak / 1024);
    assert!(peak < MEMORY_KB, "{peak} KB");
    expect_all(&mut fake, WRITES, taken);
    report("writes and then pings", WRITES + taken, peak);
}

fn report(what: &str, sent: usize, peak_kb: u64) {
    let outcome = format!("at most {} MB of memory, 0 stops, all told or answered afterwards", peak_kb / 1024);
    trust::report("P4", &format!("server that sends {what} and reads nothing"), sent, &outcome);
}

/// The server reads again: everything that was sent is answered, and everybody hears of the last state of each task.
#[track_caller]
fn expect_all(fake: &mut FakeServer, writes: usize, pings: usize) {
    let mut answers =
        (0..writes).map(|number| format!("w{number}")).chain((0..pings).map(|number| format!("p{number}")));
    let mut waiting = answers.next();
    let mut told = BTreeMap::new();
    while waiting.is_some() {
        let said = fake.expect(|_| true);
        // The service asks the server, too.
        if said.name == "iq" && said.kind != "get" {
            assert_eq!((Some(&said.id), said.kind.as_str()), (waiting.as_ref(), "result"));
            waiting = answers.next();
        }
        note(&mut told, said);
    }
    while told.len() < 8 * OCCUPANTS.len() || told.iter().any(|((_, task), value)| *value != last_value(*task, writes))
    {
        let said = fake.expect(|_| true);
        note(&mut told, said);
    }
}

/// Of the hall to one task after the other.
fn write(fake: &FakeServer, number: usize) -> String {
    let task = number % 8 + 1;
    let status = format!("<taskstatus xmlns='{NS}#taskstatus' id='{task}' type='running' value='v{number}'/>");
    fake.iq(HALL, "set", &format!("w{number}"), &status)
}

#[test]
fn changes_go_on_within_memory_while_a_server_does_not_read() {
    const WRITES_PER_S: usize = 300;
    const MOST_KB: u64 = 64 * 1024;
    // Not longer: when too many answers wait, the service reads no more, and 35 s later it gives the connection up, as
    // silent.rs has it from servers that are frozen.
    let seconds = trust::times(5, 25);
    let (mut fake, neerc) = FakeServer::start();
    for number in 1..=8 {
        create(&mut fake, &format!("Task {number}"));
    }
    let before = memory_kb(&neerc, "VmRSS:");
    let began = Instant::now();
    let mut most = before;
    for number in 0..seconds * WRITES_PER_S {
        let text = write(&fake, number);
        fake.send_unheard(text.as_bytes(), Duration::from_millis(1));
        let next = began + Duration::from_secs_f64(number as f64 / WRITES_PER_S as f64);
        poll_for(next.saturating_duration_since(Instant::now()), || (Instant::now() >= next).then_some(()));
        if number % WRITES_PER_S == 0 {
            most = most.max(memory_kb(&neerc, "VmRSS:"));
        }
    }
    let (writes, took) = (seconds * WRITES_PER_S, began.elapsed());
    wait_for("all changes", || revision(&neerc) == 8 + writes as i64);
    let growth = most.max(memory_kb(&neerc, "VmRSS:")) - before;
    assert!(growth < MOST_KB, "{growth} KB more than {before}");
    expect_all(&mut fake, writes, 0);
    let connections = neerc.log().matches("connected to ").count();
    assert_eq!(connections, 1, "{}", neerc.log());
    println!("{writes} changes in {took:.1?} with nobody reading cost {} KB beside {before}", growth);
    let outcome = format!("{writes} changes meanwhile cost {growth} KB of memory; all told of the newest afterwards");
    trust::report("P3", &format!("server that does not read for {:.0} s", took.as_secs_f64()), 1, &outcome);
}

/// What the last write to a task said.
fn last_value(task: u64, writes: usize) -> String {
    let last = (0..writes).rev().find(|number| (number % 8 + 1) as u64 == task);
    format!("v{}", last.expect("each task was written"))
}

fn note(told: &mut BTreeMap<(String, u64), String>, said: Said) {
    for (id, task) in said.tasks.into_iter().filter_map(|(id, task)| Some((id, task?))) {
        let value = task.statuses.get("hall1").map(|(_, value)| value.clone()).unwrap_or_default();
        told.insert((said.to.clone(), id), value);
    }
}

#[test]
fn reads_of_a_server_that_does_not_read_stay_within_memory() {
    let (mut fake, neerc) = FakeServer::start();
    for number in 1..=200 {
        create(&mut fake, &format!("{number} {}", "long ".repeat(190).trim()));
    }
    let list = |fake: &FakeServer, number: usize| {
        fake.iq(HALL, "get", &format!("r{number}"), &format!("<query xmlns='{NS}#tasks'/>"))
    };
    let taken = overfill(&mut fake, list);
    let peak = peak_kb(&neerc);
    println!("{taken} questions with answers of 200 KB sent with nobody reading; at most {} MB", peak / 1024);
    assert!(peak < MEMORY_KB, "{peak} KB");
    fake.expect(|said| said.id == "r0" && said.clone().listed().len() == 200);
    for number in 1..taken.min(50) {
        fake.expect(|said| said.id == format!("r{number}"));
    }
    report("questions with answers of 200 KB", taken, peak);
}
