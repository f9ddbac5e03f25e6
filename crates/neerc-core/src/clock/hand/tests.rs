//! Each act on a clock in each of its phases, and the words for them.

use super::*;

const HOUR_MS: i64 = 3_600_000;
/// 2031-10-12T07:41:00Z, which is 10:41 three hours ahead of UTC.
const NOW_MS: i64 = 1_949_554_800_000 + 41 * 60_000;

fn clock(phase: Phase, elapsed_ms: i64) -> ClockNow {
    let reading = Some(Reading { elapsed_ms, total_ms: 5 * HOUR_MS, phase });
    ClockNow { reading, is_by_hand: false, zone_ms: 3 * HOUR_MS, speed: Speed::REAL }
}

fn set(clock: ClockNow, act: &str, time: Option<&str>) -> Result<Reading, Refusal> {
    let act = ClockAct::parse(act, time)?;
    let set = clock.after(act, &Person::from_bare("admin@localhost"), NOW_MS)?;
    Ok(set.flatten().map_or_else(|| panic!("nothing was set by {act:?}"), |set| set.reading))
}

fn shows(clock: ClockNow, act: &str, time: Option<&str>) -> String {
    match set(clock, act, time) {
        Ok(Reading { elapsed_ms, total_ms, phase }) => {
            let sign = if elapsed_ms < 0 { "-" } else { "" };
            format!("{phase:?} {sign}{} of {}", clock_face(elapsed_ms.abs()), clock_face(total_ms))
        }
        Err(refusal) => refusal.key().to_owned(),
    }
}

#[test]
fn what_each_act_makes_of_a_clock_in_each_phase() {
    let hour = HOUR_MS;
    let unread = ClockNow { zone_ms: 3 * hour, ..ClockNow::default() };
    let (before, counting) = (clock(Phase::Before, 0), clock(Phase::Counting, -hour));
    let stands = clock(Phase::Before, -hour);
    let (running, paused) = (clock(Phase::Running, hour), clock(Phase::Paused, hour));
    let (early, over) = (clock(Phase::Over, hour), clock(Phase::Over, 5 * hour));
    for (clock, act, time, shown) in [
        (unread, "start", None, "Running 0:00:00 of 5:00:00"),
        (unread, "length", Some("4:30"), "Before 0:00:00 of 4:30:00"),
        (unread, "pause", None, "clock-stands"),
        (before, "start", None, "Running 0:00:00 of 5:00:00"),
        (counting, "start", None, "Running 0:00:00 of 5:00:00"),
        (running, "start", None, "clock-has-begun"),
        (over, "start", None, "clock-has-begun"),
        (running, "restart", None, "Running 0:00:00 of 5:00:00"),
        (before, "start", Some("10:30"), "Running 0:11:00 of 5:00:00"),
        (running, "start", Some("at 10:41:00"), "Running 0:00:00 of 5:00:00"),
        (before, "start", Some("в 10:45"), "Counting -0:04:00 of 5:00:00"),
        (before, "start", Some("5:00"), "Counting -18:19:00 of 5:00:00"),
        (counting, "pause", None, "Before -1:00:00 of 5:00:00"),
        (stands, "resume", None, "Counting -1:00:00 of 5:00:00"),
        (running, "pause", None, "Paused 1:00:00 of 5:00:00"),
        (paused, "pause", None, "clock-stands"),
        (paused, "resume", None, "Running 1:00:00 of 5:00:00"),
        (early, "resume", None, "Running 1:00:00 of 5:00:00"),
        (over, "resume", None, "clock-not-paused"),
        (running, "resume", None, "clock-not-paused"),
        (running, "set", Some("1:23:00"), "Running 1:23:00 of 5:00:00"),
        (paused, "set", Some("1:23"), "Paused 1:23:00 of 5:00:00"),
        (running, "set", Some("5:00:01"), "beyond-clock"),
        (running, "length", Some("6:00"), "Running 1:00:00 of 6:00:00"),
        (running, "length", Some("0:30"), "Over 0:30:00 of 0:30:00"),
        (paused, "length", Some("0:30"), "Over 0:30:00 of 0:30:00"),
        (over, "length", Some("4:00"), "Over 4:00:00 of 4:00:00"),
        (over, "length", Some("6:00"), "Over 5:00:00 of 6:00:00"),
        (running, "over", None, "Over 1:00:00 of 5:00:00"),
        (counting, "over", None, "Over 0:00:00 of 5:00:00"),
    ] {
        assert_eq!(shows(clock, act, time), shown, "{act} {time:?} on {clock:?}");
    }
    let (who, follow) = (Person::from_bare("admin@localhost"), ClockAct::Follow);
    assert_eq!(running.after(follow, &who, NOW_MS), Ok(None), "it follows already");
    assert_eq!(ClockNow { is_by_hand: true, ..running }.after(follow, &who, NOW_MS), Ok(Some(None)));
}

#[test]
fn a_clock_that_was_set_goes_on_by_the_time_of_day_and_is_over_at_the_end() {
    let set = |phase, elapsed_ms| SetClock {
        by: Person::from_bare("admin@localhost"),
        at_ms: NOW_MS,
        reading: Reading { elapsed_ms, total_ms: 5 * HOUR_MS, phase },
        speed: Speed::REAL,
    };
    let at = |set: &SetClock, later_ms| (set.at(NOW_MS + later_ms).phase, set.at(NOW_MS + later_ms).elapsed_ms);
    let running = set(Phase::Running, HOUR_MS);
    assert_eq!(at(&running, 60_000), (Phase::Running, HOUR_MS + 60_000));
    assert_eq!(at(&running, 4 * HOUR_MS), (Phase::Over, 5 * HOUR_MS));
    assert_eq!(at(&running, -60_000), (Phase::Running, HOUR_MS), "the machine's clock went back");
    assert_eq!(at(&set(Phase::Paused, 7), HOUR_MS), (Phase::Paused, 7));
    assert_eq!(at(&set(Phase::Counting, -60_000), 61_000), (Phase::Running, 1_000));
}

#[test]
fn words_and_times_of_either_language() {
    let parse = |word, time| ClockAct::parse(word, time).map_err(|refusal| refusal.key());
    assert_eq!(parse("ПАУЗА", None), Ok(ClockAct::Pause));
    assert_eq!((parse("stop", None), parse("стоп", None)), (Ok(ClockAct::Pause), Ok(ClockAct::Pause)));
    assert_eq!(parse("Старт", Some("в 9:05")), Ok(ClockAct::StartAt { of_day_ms: (9 * 60 + 5) * 60_000 }));
    assert_eq!(parse("set", None), Err("missing-field"));
    assert_eq!(parse("pause", Some("1:00")), Err("surplus"));
    assert_eq!(parse("wind", None), Err("unknown-clock-act"));
    for time in
        ["", "5", "5:0", "5:60", "1:2:3", "5:00:60", "10001:00", "-1:00", "1:00:00:00", "+1:00", "１:00", "x:00"]
    {
        assert_eq!(parse("length", Some(time)), Err("bad-clock-time"), "{time}");
    }
    assert_eq!(parse("length", Some("0:00")), Err("bad-clock-time"));
    assert_eq!(parse("start", Some("24:00")), Err("bad-clock-time"));
    assert_eq!(parse("start", Some("tomorrow 10:00")), Err("bad-clock-time"));
    let mut words: Vec<&str> =
        ClockAct::WORDS.iter().flat_map(|(name, more)| more.iter().chain([name])).copied().collect();
    let all = words.len();
    words.sort_unstable();
    words.dedup();
    assert_eq!((words.len(), ClockAct::named("тик")), (all, None));
    assert_eq!((time_of_day(NOW_MS, 3 * HOUR_MS), time_of_day(-60_000, 0)), ("10:41".to_owned(), "23:59".to_owned()));
}
