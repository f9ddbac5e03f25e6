//! What comes by the contest clock, among people: a rehearsal from its beginning to its end, and planned tasks that two admins
//! decide on.
#![allow(clippy::disallowed_methods)] // a test looks at the same clock as the program

use crate::servers::{Kind, Server, unique};
use crate::service::Neerc;
use crate::slix::{Slix, User};
use crate::wait::{PATIENCE, poll_for};
use std::collections::BTreeSet;
use std::time::Instant;

const NS: &str = "http://neerc.ifmo.ru/protocol/neerc";
const MINUTE_MS: i64 = 60_000;
const CHECKLIST: &str = "
- name: seating
  steps:
  - - '@todo rehhall Open the doors'
    - '@todo rehhall end-60! Freeze'
  - '@todo rehhall Seat the teams'
";

/// Waits for what somebody is told without asking.
#[track_caller]
fn hears(user: &User<'_>, wanted: &str) {
    user.expect_message(|message| message.body().contains(wanted), PATIENCE);
}

/// Enters the room, and waits until the service has seen it.
#[track_caller]
fn enters(user: &User<'_>, neerc: &Neerc<'_>, room: &str, name: &str) {
    user.join(room, name);
    let mut said = String::new();
    let there = poll_for(PATIENCE, || {
        said = user.asks(&neerc.room_jid(room), "who");
        said.split(", ").any(|part| part.contains(name) && part.contains('●')).then_some(())
    });
    assert!(there.is_some(), "{name} is not seen in the room: {said}");
}

/// What a client is told of the clock when it asks, and how much time has passed since `began` before and after.
fn clock(user: &User<'_>, to: &str, began: Instant) -> (i64, [i64; 2]) {
    let passed_ms = || i64::try_from(began.elapsed().as_millis()).unwrap();
    let before_ms = passed_ms();
    let answer = user.iq(to, "get", &format!("<query xmlns='{NS}#clock'/>"));
    let clock = answer.find("clock").unwrap_or_else(|| panic!("no clock: {}", answer.xml));
    assert_eq!(clock.attr("status"), "2", "{}", answer.xml);
    (clock.attr("time").parse().unwrap(), [before_ms, passed_ms()])
}

fn a_rehearsal_runs_sixty_times_as_fast_is_marked_and_leaves_nothing(kind: Kind) {
    let server = Server::shared(kind);
    let names = ["rehboss", "rehhall", "rehold"];
    server.register_many(&names);
    let room = server.room(&[(names[0], "owner"), (names[1], "member"), (names[2], "admin")]);
    let settings = "[limits]\nrequests_per_second = 0\n[checklists]\nfile = \"scripts.yaml\"\n";
    let mut neerc = Neerc::prepare(server, &[&room], settings);
    std::fs::write(neerc.dir.join("scripts.yaml"), CHECKLIST).unwrap();
    neerc.restart();
    let to = neerc.room_jid(&room);
    let [boss, hall, old] = names.map(|name| Slix::shared().connect(server, name, &unique("r")));
    let lists = || assert_eq!(old.iq(&to, "get", &format!("<query xmlns='{NS}#tasks'/>")).kind(), "result");
    old.join(&room, names[2]);
    lists();
    enters(&boss, &neerc, &room, names[0]);
    enters(&hall, &neerc, &room, names[1]);
    assert_eq!(hall.asks(&to, "tasks"), "Nothing to do for you.");

    let said = boss.asks(&to, "clock rehearse x60");
    assert!(said.starts_with("This is a rehearsal now: contest time runs 60 times as fast"), "{said}");
    assert_eq!(boss.asks(&to, "run seating"), "The checklist is under way: 3 tasks in 2 steps.");
    hears(&hall, "New task 1: [rehearsal] Open the doors");
    let said = boss.asks(&to, "clock start");
    assert!(said.contains("Rehearsal, 60 times as fast.") && said.contains("of 5:00:00"), "{said}");
    let said = boss.asks(&to, "@okfail rehhall by 2m Seated?");
    assert!(said.contains("\nTask 2 is to be answered by "), "{said}");
    let is_late = |said: &str| said.starts_with("This was to be answered") && said.contains("[rehearsal] Seated?");
    hall.expect_message(|message| is_late(message.body()), PATIENCE);

    let began = Instant::now();
    let first = clock(&hall, &to, began);
    neerc.kill9();
    neerc.restart();
    boss.reads(&to, "clock", "Rehearsal, 60 times as fast.");
    let second = clock(&hall, &to, began);
    let bounds = [second.1[0] - first.1[1], second.1[1] - first.1[0]].map(|ms| ms * 60);
    let passed_ms = second.0 - first.0;
    assert!((bounds[0] - MINUTE_MS..=bounds[1] + MINUTE_MS).contains(&passed_ms), "{passed_ms} of {bounds:?}");

    hall.asks(&to, "done 1");
    boss.asks(&to, "clock set 3:59:00");
    hall.reads(&to, "tasks", "[rehearsal] Freeze");
    assert!(hall.asks(&to, "tasks").lines().any(|line| line.starts_with("3 · [rehearsal] Freeze")));
    hall.asks(&to, "done 3");
    hall.reads(&to, "tasks", "4 · [rehearsal] Seat the teams");

    lists();
    old.clear();
    let said = boss.asks(&to, "clock rehearse off");
    assert_eq!(said, "The rehearsal is over. 4 tasks of it are thrown away.");
    let mut gone = BTreeSet::new();
    while gone.len() < 4 {
        let told = old
            .expect_message(|message| message.find("task").is_some_and(|task| task.attr("type") == "remove"), PATIENCE);
        gone.insert(told.find("task").unwrap().attr("id").to_owned());
    }
    assert_eq!(gone.iter().map(String::as_str).collect::<Vec<_>>(), ["t1", "t2", "t3", "t4"]);
    assert_eq!(boss.asks(&to, "tasks all"), "There are no tasks.");
    assert_eq!(boss.asks(&to, "plans"), "Nothing is planned.");
    assert!(boss.asks(&to, "checklists").contains("seating · 3 tasks, 2 steps"), "nothing is under way");
    assert_eq!(boss.asks(&to, "clock"), "There is no contest clock.");
}

fn two_admins_decide_on_planned_tasks_and_each_is_told_what_the_other_did(kind: Kind) {
    let server = Server::shared(kind);
    let names = ["planboss", "planjury", "planhall"];
    server.register_many(&names);
    let room = server.room(&[(names[0], "owner"), (names[1], "admin"), (names[2], "member")]);
    let mut neerc = Neerc::start(server, &[&room], "[limits]\nrequests_per_second = 0\n");
    let to = neerc.room_jid(&room);
    let [boss, jury, hall] = names.map(|name| Slix::shared().connect(server, name, &unique("r")));
    for (user, name) in [&boss, &jury, &hall].into_iter().zip(names) {
        enters(user, &neerc, &room, name);
    }
    let asked = |question: &str| [&boss, &jury].map(|admin| hears(admin, question));
    boss.asks(&to, "clock start");
    let said = boss.asks(&to, "@todo planhall start+60 Water");
    assert!(said.starts_with("Planned as s1 for start+60"), "{said}");
    boss.asks(&to, "clock set 1:00:00");
    asked("It is time for the planned task s1: Water. Hand it out?");

    let said = jury.asks(&to, "replan s1 end-30");
    assert!(said.starts_with("s1 is now planned 30 minutes before the end"), "{said}");
    hears(&boss, "planjury has planned s1 for another moment, 30 minutes before the end");
    neerc.kill9();
    neerc.restart();
    for admin in [&boss, &jury] {
        admin.reads(&to, "plans", "30 minutes before the end");
    }
    assert_eq!(hall.asks(&to, "tasks"), "Nothing to do for you.", "it was moved, also for whoever starts anew");
    boss.asks(&to, "clock set 4:30:00");
    asked("It is time for the planned task s1: Water. Hand it out?");
    assert!(boss.asks(&to, "now s1").starts_with("Task 1 is handed out to 1 person: Water"));
    hears(&jury, "planboss has handed out the planned task s1 as task 1: Water");
    hears(&hall, "New task 1: Water");

    boss.asks(&to, "@todo planhall end-30 Bread");
    asked("It is time for the planned task s2: Bread. Hand it out?");
    jury.asks(&to, "unplan s2");
    hears(&boss, "planjury has taken the planned task s2 out of the plan: Bread");
    assert!(boss.asks(&to, "now s2").contains("There is no planned task \"s2\""));

    boss.asks(&to, "@todo planhall end-1! Pack up");
    let said = jury.asks(&to, "перенести s3 end-20!");
    assert!(said.starts_with("s3 теперь раздаётся за 20 минут до конца"), "{said}");
    boss.asks(&to, "clock set 4:40:00");
    hears(&hall, "New task 2: Pack up");
    assert_eq!(jury.asks(&to, "plans"), "Nothing is planned.");
}

on_both!(
    a_rehearsal_runs_sixty_times_as_fast_is_marked_and_leaves_nothing,
    two_admins_decide_on_planned_tasks_and_each_is_told_what_the_other_did
);
