//! The contest clock as people are told it, from the file of a contest system; and the time of day.
#![allow(clippy::disallowed_methods)] // a test looks at the same clock as the program

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::fake::FakeServer;
use crate::said::NS;
use crate::service::Neerc;
use crate::wait::{PATIENCE, wait_for};

const TOTAL_MS: i64 = 18_000_000;

fn wall_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Writes the clock's file, as it would be `age` after it was written.
fn write(dir: &Path, time_ms: i64, status: &str, age: Duration) -> i64 {
    let part = dir.join("clock.part");
    fs::write(&part, format!("<clock time='{time_ms}' length='{TOTAL_MS}' status='{status}'/>")).unwrap();
    let written = SystemTime::now() - age;
    File::options().write(true).open(&part).unwrap().set_modified(written).unwrap();
    fs::rename(part, dir.join("clock.xml")).unwrap();
    i64::try_from(written.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn attribute(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once("<clock ")?;
    let (_, rest) = rest.split_once(&format!("{name}='"))?;
    rest.split_once('\'').map(|(value, _)| value.to_owned())
}

/// The clock as the service tells it when asked, once it shows this status; and between which times of day that was.
#[track_caller]
fn told(fake: &mut FakeServer, status: &str) -> (i64, (i64, i64)) {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let before_ms = wall_ms();
        let id = crate::servers::unique("clock");
        let query = fake.iq("jury1@localhost/desk", "get", &id, &format!("<query xmlns='{NS}#clock'/>"));
        fake.send(&query);
        let answer = fake.expect(|said| said.id == id);
        if attribute(&answer.xml, "status").as_deref() == Some(status) {
            return (attribute(&answer.xml, "time").unwrap().parse().unwrap(), (before_ms, wall_ms()));
        }
        assert!(std::time::Instant::now() < deadline, "the clock does not show {status}: {}", answer.xml);
    }
}

fn prepare() -> (std::net::TcpListener, Neerc<'static>) {
    FakeServer::prepare("[clock]\nfile = \"clock.xml\"\n")
}

#[test]
fn a_running_clock_jumped_back_when_the_service_was_started_anew() {
    let (listener, mut neerc) = prepare();
    let written_ms = write(&neerc.dir, 3_600_000, "RUNNING", Duration::from_secs(12));
    for start in ["first", "second"] {
        let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
        let (time_ms, (before_ms, after_ms)) = told(&mut fake, "2");
        let at = |wall_ms: i64| 3_600_000 + wall_ms - written_ms;
        assert!((at(before_ms) - 20..=at(after_ms) + 20).contains(&time_ms), "{start}: {time_ms} {}", at(before_ms));
        neerc.kill9();
    }
}

#[test]
fn a_file_of_another_day_is_no_clock_until_it_is_written_anew() {
    let (listener, mut neerc) = prepare();
    write(&neerc.dir, 3_600_000, "RUNNING", Duration::from_secs(24 * 3_600));
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    neerc.wait_for_log("that a contest of 300 minutes runs, but was written 1440 minutes ago", 0);
    let query = fake.iq("jury1@localhost/desk", "get", "none", &format!("<query xmlns='{NS}#clock'/>"));
    fake.send(&query);
    assert_eq!(fake.expect(|said| said.id == "none").condition, "item-not-found");
    write(&neerc.dir, 1_000, "RUNNING", Duration::ZERO);
    let (time_ms, _) = told(&mut fake, "2");
    assert!((1_000..1_000 + 30_000).contains(&time_ms), "{time_ms}");
}

#[test]
fn a_clock_stands_while_its_file_is_half_written() {
    let (listener, mut neerc) = prepare();
    write(&neerc.dir, 5_000, "PAUSED", Duration::from_secs(600));
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    assert_eq!(told(&mut fake, "3").0, 5_000, "a clock that stands does not age");
    fs::write(neerc.dir.join("clock.xml"), "<clock time='7000' length='18000000' sta").unwrap();
    neerc.wait_for_log("it ends in the middle", 0);
    assert_eq!(told(&mut fake, "3").0, 5_000);
    write(&neerc.dir, 7_000, "OVER", Duration::ZERO);
    assert_eq!(told(&mut fake, "4").0, 7_000);
}

#[test]
fn a_contest_that_was_over_stays_over_when_its_file_is_gone_at_the_next_start() {
    let (listener, mut neerc) = prepare();
    write(&neerc.dir, TOTAL_MS, "OVER", Duration::ZERO);
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    assert_eq!(told(&mut fake, "4").0, TOTAL_MS);
    wait_for("the reading to be kept", || neerc.dir.join("neerc.db-clocks").exists());
    neerc.kill9();
    fs::remove_file(neerc.dir.join("clock.xml")).unwrap();
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    assert_eq!(told(&mut fake, "4").0, TOTAL_MS);
}

/// A library that steps the program's system clock; laid under it by `LD_PRELOAD`.
pub fn steps() -> PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/step.c");
    let library = crate::guard::scratch_dir("step").join("step.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]).arg(&library).arg(source);
    assert!(compiler.status().unwrap().success(), "{compiler:?}");
    library
}

/// The time that XEP-0202 tells, in seconds since 1970.
fn time_of_day_s(fake: &mut FakeServer) -> i64 {
    let id = crate::servers::unique("time");
    let ask = fake.iq("jury1@localhost/desk", "get", &id, "<time xmlns='urn:xmpp:time'/>");
    fake.send(&ask);
    let xml = fake.expect(|said| said.id == id).xml;
    let utc = xml.split_once("<utc>").unwrap().1.split_once("</utc>").unwrap().0.to_owned();
    let seconds = Command::new("date").args(["+%s", "-d", &utc]).output().unwrap();
    String::from_utf8(seconds.stdout).unwrap().trim().parse().unwrap()
}

/// The timestamp of a task that is made now, in seconds since 1970.
fn task_s(fake: &mut FakeServer) -> i64 {
    let id = crate::servers::unique("task");
    let packet = format!("<task xmlns='{NS}#task' title='Water' type='todo'/>");
    let ask = fake.iq("jury1@localhost/desk", "set", &id, &packet);
    fake.send(&ask);
    let answer = fake.expect(|said| said.id == id);
    assert_eq!(answer.kind, "result", "{}", answer.xml);
    let list = fake.iq("jury1@localhost/desk", "get", "all", &format!("<query xmlns='{NS}#tasks'/>"));
    fake.send(&list);
    let listed = fake.expect(|said| said.id == "all").listed();
    listed.values().map(|task| task.timestamp.parse::<i64>().unwrap()).max().unwrap() / 1_000
}

#[test]
fn the_time_of_day_that_was_told_stayed_behind_when_the_system_clock_was_set() {
    let (listener, mut neerc) = FakeServer::prepare("");
    let step = neerc.dir.join("step");
    neerc.env = vec![("LD_PRELOAD", steps()), ("CLOCK_STEP", step.clone())];
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    for step_s in [0, 7_200, -3_600, 0] {
        fs::write(&step, step_s.to_string()).unwrap();
        let before_s = wall_ms() / 1_000 + step_s;
        let told_s = time_of_day_s(&mut fake);
        let after_s = wall_ms() / 1_000 + step_s;
        assert!((before_s..=after_s).contains(&told_s), "{step_s}: {told_s} {before_s} {after_s}");
        if step_s == 7_200 {
            assert!((before_s..=after_s + 30).contains(&task_s(&mut fake)), "a task has the same time");
        }
    }
}
