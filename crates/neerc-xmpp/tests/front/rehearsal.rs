//! A rehearsal, as the people of a room see it: marked, at its speed, and gone without a trace.

use super::checklists::seating;
use super::*;

const MINUTE_MS: i64 = 60_000;

/// What a session is told of tasks and clocks.
fn told(bench: &mut Bench, to: &str) -> Vec<String> {
    let of = |said: &String| bench::attr(said, "to").is_some_and(|told| told == to);
    bench.said().into_iter().filter(|said| said.starts_with("<message") && of(said)).collect()
}

#[test]
fn five_hours_take_five_minutes_and_everything_in_them_is_marked_and_comes_once() {
    let mut bench = seating();
    let said = admin_writes(&mut bench, "clock rehearse x60\n@todo hall1 end-60! Freeze\n@todo hall1 start+90! Water");
    assert!(said[0].starts_with("[said-rehearsed speed=60]\n[said-planned plan=s1 "), "{said:?}");
    assert_eq!(admin_writes(&mut bench, "run seating"), ["[said-begun count=4 steps=3]"]);
    assert_eq!(titles(&bench), ["[rehearsal] Open the doors", "[rehearsal] Are you there?"]);
    let said = admin_writes(&mut bench, "clock start").join(" ");
    assert!(said.starts_with("[clock-rehearsal speed=60] [clock-running elapsed=0:00:00 total=5:00:00]"), "{said}");
    bench.pass(90_000 - 2_000);
    assert_eq!(titles(&bench).len(), 2);
    bench.pass(2_000);
    assert_eq!(titles(&bench)[2..], ["[rehearsal] Water"]);
    bench.hear(iq("set", HALL1, &status(1, "success")));
    bench.said();
    bench.hear(iq("set", HALL2, &status(2, "success")));
    bench.pass(1_000);
    let said = texts(bench.said());
    assert!(said.contains(&"[rehearsal-mark] [run-step checklist=Seating step=2 steps=3]".to_owned()), "{said:?}");
    bench.restart(bench.log().last().unwrap().revision);
    bench.pass(5 * MINUTE_MS);
    assert_eq!(titles(&bench)[3..], ["[rehearsal] Seat the teams", "[rehearsal] Freeze"], "also after a restart, once");
}

#[test]
fn everybody_is_told_that_it_is_gone_and_the_clock_is_what_it_was() {
    let mut bench = seating();
    bench.clock(0, 4 * 60 * MINUTE_MS, neerc_core::clock::Phase::Before);
    admin_writes(
        &mut bench,
        "clock rehearse x600\n@todo hall1 Water\n@todo hall2 Bread\n@todo hall1 end! Pack up\nclock start",
    );
    bench.joins("hall1", HALL1);
    bench.hear(iq("get", HALL1, &query("tasks")));
    bench.pass(10_000);
    let ticks = told(&mut bench, HALL1).iter().filter(|said| said.contains("<clock ")).count();
    assert!(ticks >= 4, "the clock is told often: {ticks} times");
    admin_writes(&mut bench, "run seating");
    bench.pass(1_000);
    told(&mut bench, HALL1);
    let revision = bench.log().last().unwrap().revision;
    assert_eq!(bench.log().last().unwrap().revision, revision);
    bench.hear(format!("<message type='chat' from='{ADMIN}' to='{ROOM}'><body>clock rehearse off</body></message>"));
    bench.pass(1_000);
    let said = told(&mut bench, HALL1);
    let gone =
        |task: u64| said.iter().any(|said| said.contains("type='remove'") && said.contains(&format!("id='t{task}'")));
    assert!(gone(1) && gone(2) && gone(3) && gone(4), "{said:#?}");
    assert!(said.iter().any(|said| said.contains("total='14400000' status='1'")), "the feed's clock again: {said:#?}");
    assert_eq!(titles(&bench), [""; 0]);
    assert_eq!(admin_writes(&mut bench, "plans"), ["[no-plans]"]);
    assert_eq!(bench.log().last().unwrap().revision, revision + 1, "in one change");
    bench.pass(60 * MINUTE_MS);
    assert_eq!(titles(&bench), [""; 0]);
    assert_eq!(admin_writes(&mut bench, "restore 1"), ["[refusal-removed-task task=1]"]);
    let history = admin_writes(&mut bench, "history 1").join("\n");
    assert!(history.contains("[history-rehearsal-ended]") && history.contains("[rehearsal] Water"), "{history}");
    assert_eq!(admin_writes(&mut bench, "clock rehearse off"), ["[refusal-no-rehearsal]"]);
    // Who missed it is told after a restart.
    bench.restart(revision);
    bench.joins("hall1", HALL1);
    bench.hear(iq("get", HALL1, &query("tasks")));
    bench.pass(10_000);
    let said = told(&mut bench, HALL1);
    assert!(said.iter().all(|said| !said.contains("type='todo'")), "{said:#?}");
}

#[test]
fn it_is_refused_where_something_would_be_lost() {
    let mut bench = seating();
    let said = admin_writes(
        &mut bench,
        "@todo hall1 Water\nclock rehearse x60\nremove 1\nclock start\nclock rehearse\nclock over",
    );
    let refusals: Vec<&String> = said.iter().filter(|said| said.contains("refusal-rehearsal")).collect();
    assert_eq!(refusals.len(), 1, "{said:?}");
    assert!(said[0].contains("[refusal-rehearsal-among-tasks tasks=1]"), "{said:?}");
    assert!(said[0].contains("[refusal-rehearsal-in-contest]"), "{said:?}");
    assert_eq!(admin_writes(&mut bench, "clock rehearse x10"), ["[said-rehearsed speed=10]"]);
    assert_eq!(admin_writes(&mut bench, "clock follow"), ["[refusal-rehearses]"]);
    assert_eq!(admin_writes(&mut bench, "restore 1"), ["[refusal-rehearses]"]);
}
