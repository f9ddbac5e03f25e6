//! Documents as servers have served them, and what the clock makes of them.

use super::*;

/// 2031-10-12T10:00:00+03:00, in ms since 1970.
const TEN: i64 = 1_949_554_800_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

const DOMJUDGE: &str = r#"{"id":"demo","name":"Autumn Open","formal_name":"Autumn Open 2031","shortname":"ao31",
    "start_time":"2031-10-12T10:00:00+03:00","end_time":"2031-10-12T15:00:00+03:00","duration":"5:00:00.000",
    "scoreboard_freeze_duration":"1:00:00.000","scoreboard_thaw_time":null,"penalty_time":20,
    "scoreboard_type":"pass-fail","allow_submit":true}"#;
const DELAYED: &str =
    r#"{"id":"demo","name":"Autumn Open","start_time":null,"duration":"5:00:00.000","penalty_time":20}"#;
const COUNTDOWN: &str =
    r#"{"id":"demo","name":"Autumn Open","countdown_pause_time":"0:12:34.000","duration":"5:00:00.000"}"#;
const BOTH: &str = r#"{"id":"demo","name":"x","start_time":"2031-10-12T10:00:00.000+03:00",
    "countdown_pause_time":"0:02:41.000","duration":"1:30:00.000"}"#;
const PC2: &str = r#"{"id":"Default--1234567890123456789","name":"R","start_time":"2031-10-12T02:00:00.005-05",
    "duration":"5:00:00","scoreboard_freeze_duration":"01:00:00","penalty_time":20}"#;
const KATTIS: &str = r#"{"id":"ao31","name":"ao31","duration":"5:00:00.000","start_time":"2031-10-12T07:00:00.000+00",
    "formal_name":null,"penalty_time":20,"scoreboard_freeze_duration":"0:00:00.000"}"#;
const YEAR_2026: &str = r#"{"id":"demo","name":"Autumn Open","start_time":"2031-10-12T10:00:00+03:00",
    "duration":"5:00:00.000","penalty_time":"0:20:00","logo":[],"location":{"latitude":59.9,"longitude":30.3}}"#;
const NOT_STARTED: [&str; 2] =
    ["{}", r#"{"started":null,"frozen":null,"ended":null,"thawed":null,"finalized":null,"end_of_updates":null}"#];
const STARTED_LATE: &str = r#"{"started":"2031-10-12T10:09:25.000+03:00","frozen":null,"ended":null}"#;

fn at(contest: &str, state_: &str, now_ms: i64) -> (i64, Phase) {
    let reading = schedule(contest.as_bytes()).unwrap().reading(&state(state_.as_bytes()).unwrap(), now_ms);
    (reading.elapsed_ms, reading.phase)
}

#[test]
fn each_servers_contest_counts_down_runs_and_stops() {
    for contest in [DOMJUDGE, PC2, KATTIS, YEAR_2026] {
        let late = if contest == PC2 { 5 } else { 0 }; // its start is 5 ms past the second
        for state in NOT_STARTED {
            assert_eq!(at(contest, state, TEN - MINUTE), (-MINUTE - late, Phase::Counting), "{contest}");
            assert_eq!(at(contest, state, TEN + MINUTE), (MINUTE - late, Phase::Running), "the server may be silent");
            assert_eq!(at(contest, state, TEN + 9 * HOUR), (5 * HOUR, Phase::Running));
        }
        let ended = r#"{"started":"2031-10-12T10:00:00+03:00","ended":"2031-10-12T15:00:00+03:00"}"#;
        assert_eq!(at(contest, ended, TEN + 9 * HOUR), (5 * HOUR, Phase::Over));
    }
}

#[test]
fn a_start_that_is_unknown_and_a_countdown_that_stands() {
    assert_eq!(at(DELAYED, "{}", TEN), (0, Phase::Before));
    assert_eq!(at(COUNTDOWN, "{}", TEN), (-754_000, Phase::Before));
    // One server gives both at once, which its specification forbids: the start is the one that was before.
    assert_eq!(at(BOTH, "{}", TEN - HOUR), (-161_000, Phase::Before));
}

#[test]
fn what_has_happened_comes_before_what_was_planned() {
    for contest in [DOMJUDGE, DELAYED, COUNTDOWN, BOTH] {
        assert_eq!(at(contest, STARTED_LATE, TEN + HOUR).0, HOUR - 565_000, "{contest}");
    }
    let ended_in_2074 = r#"{"started":"2031-10-12T10:00:00+03:00","ended":"2074-10-12T10:00:00+03:00"}"#;
    assert_eq!(at(DOMJUDGE, ended_in_2074, TEN + HOUR), (HOUR, Phase::Running));
    let ended_early = r#"{"started":"2031-10-12T10:00:00+03:00","ended":"2031-10-12T12:00:00+03:00"}"#;
    assert_eq!(at(DOMJUDGE, ended_early, TEN + 4 * HOUR), (2 * HOUR, Phase::Over));
    let ended_before_it_began = r#"{"started":"2031-10-12T10:00:00+03:00","ended":"2031-10-12T09:00:00+03:00"}"#;
    assert_eq!(at(DOMJUDGE, ended_before_it_began, TEN + HOUR), (0, Phase::Over));
}

#[test]
fn removed_intervals_pause_the_contest_and_shift_what_comes_after() {
    let removed = r#"{"started":"2031-10-12T10:00:00+03","ended":null,"removed_intervals":[
        {"start":"2031-10-12T13:00:00+03","end":null,"contest_time":"2:45:00"},
        {"start":"2031-10-12T11:30:00+03","end":"2031-10-12T11:45:00+03","contest_time":"1:30:00"}]}"#;
    let minutes = |minutes| at(DOMJUDGE, removed, TEN + minutes * MINUTE);
    assert_eq!(minutes(89), (89 * MINUTE, Phase::Running));
    assert_eq!(minutes(100), (90 * MINUTE, Phase::Paused), "one that will end is a pause now");
    assert_eq!(minutes(110), (95 * MINUTE, Phase::Running));
    assert_eq!(minutes(200), (165 * MINUTE, Phase::Paused));
    assert_eq!(minutes(600), (165 * MINUTE, Phase::Paused));
    let over = removed.replace("\"ended\":null", r#""ended":"2031-10-12T14:00:00+03:00""#);
    assert_eq!(at(DOMJUDGE, &over, TEN + 9 * HOUR), (165 * MINUTE, Phase::Over));
}

#[test]
fn removed_intervals_that_overlap_or_begin_before_the_start_are_taken_out_once_or_not_at_all() {
    let with = |intervals: &[[&str; 3]]| {
        let of = |[start, end, contest_time]: &[&str; 3]| {
            let end = if end.is_empty() { "null".to_owned() } else { format!("\"2031-10-12T{end}:00+03\"") };
            format!(r#"{{"start":"2031-10-12T{start}:00+03","end":{end},"contest_time":"{contest_time}"}}"#)
        };
        format!(r#"{{"removed_intervals":[{}]}}"#, intervals.iter().map(of).collect::<Vec<_>>().join(","))
    };
    let shared = with(&[["11:30", "11:45", "1:30:00"], ["11:40", "11:50", "1:30:00"]]);
    assert_eq!(
        at(DOMJUDGE, &shared, TEN + 2 * HOUR),
        (100 * MINUTE, Phase::Running),
        "20 minutes, of which 5 are both's"
    );
    let before = with(&[["09:50", "10:10", "0:00:00"], ["09:00", "09:30", "0:00:00"]]);
    assert_eq!(at(DOMJUDGE, &before, TEN - 5 * MINUTE), (0, Phase::Before), "nothing that waits for the start is due");
    assert_eq!(at(DOMJUDGE, &before, TEN + HOUR), (50 * MINUTE, Phase::Running));
    let beyond = with(&[["11:30", "", "9:00:00"]]);
    assert_eq!(at(DOMJUDGE, &beyond, TEN + 2 * HOUR), (5 * HOUR, Phase::Paused), "a contest has no tenth hour of five");
    let negative = with(&[["11:30", "", "-1:00:00"]]);
    assert_eq!(at(DOMJUDGE, &negative, TEN + 2 * HOUR), (0, Phase::Paused));
}

#[test]
fn a_moved_start_counts_when_two_looks_agree() {
    let of = |contest: &str| schedule(contest.as_bytes()).unwrap();
    struct Schedules(Agreed);
    impl Schedules {
        fn see(&mut self, schedule: Timetable, now_ms: i64) -> Option<Timetable> {
            self.0.see(schedule, State::default(), now_ms).map(|(schedule, _)| schedule)
        }
    }
    let mut settled = Schedules(Agreed::default());
    // One server has three truths within a second of a connection.
    assert_eq!(settled.see(of(DOMJUDGE), 0), None);
    assert_eq!(settled.see(of(DELAYED), 500), None);
    assert_eq!(settled.see(of(DOMJUDGE), 1_000), None);
    assert!(settled.0.doubts());
    assert_eq!(settled.see(of(DOMJUDGE), 2_999), None, "2 s apart");
    assert_eq!(settled.see(of(DOMJUDGE), 3_000), Some(of(DOMJUDGE)));
    assert!(!settled.0.doubts());
    // 9:15, 9:00 and 9:15 again within a minute.
    assert_eq!(settled.see(of(COUNTDOWN), 8_000), Some(of(DOMJUDGE)));
    assert_eq!(settled.see(of(DOMJUDGE), 10_000), Some(of(DOMJUDGE)));
    assert_eq!(settled.see(of(COUNTDOWN), 12_000), Some(of(DOMJUDGE)));
    assert_eq!(settled.see(of(COUNTDOWN), 14_000), Some(of(COUNTDOWN)));
}

#[test]
fn a_start_that_is_taken_back_counts_when_two_looks_agree_and_one_that_has_happened_at_once() {
    let (schedule, started) = (schedule(DOMJUDGE.as_bytes()).unwrap(), state(STARTED_LATE.as_bytes()).unwrap());
    let mut settled = Agreed::default();
    let mut see = |state: &State, now_ms| settled.see(schedule, state.clone(), now_ms).map(|(_, state)| state);
    let none = State::default();
    assert_eq!((see(&none, 0), see(&none, 2_000)), (None, Some(none.clone())));
    assert_eq!(see(&started, 3_000), Some(started.clone()));
    assert_eq!((see(&none, 4_000), see(&none, 5_000)), (Some(started.clone()), Some(started.clone())));
    assert_eq!((see(&started, 5_500), see(&none, 6_500)), (Some(started.clone()), Some(started.clone())), "a slip");
    assert_eq!((see(&none, 8_500), see(&started, 8_600)), (Some(none), Some(started)));
}

#[test]
fn what_is_no_contest_is_said_with_its_value() {
    let why = |body: &str| schedule(body.as_bytes()).unwrap_err();
    assert_eq!(why(""), "the answer is empty");
    assert!(why("<!DOCTYPE html><p>Log in").starts_with("it is a web page"));
    assert!(why(&DOMJUDGE[..60]).starts_with("it is not the JSON of a contest: EOF"));
    assert!(why("[]").starts_with("it is not the JSON"));
    assert!(why("{}").starts_with("there is no duration"));
    assert!(why(r#"{"duration":"5 hours"}"#).starts_with("duration: \"5 hours\" is no length of time"));
    assert!(why(r#"{"duration":"0:00:00"}"#).starts_with("duration is 0 ms"));
    assert!(why(r#"{"duration":"5:00:00","start_time":"2031-10-12T10:00:00"}"#).starts_with("start_time: "));
    assert!(why(r#"{"duration":"5:00:00","time_multiplier":60.0}"#).starts_with("time_multiplier is 60"));
    assert!(why(&"[".repeat(200_000)).starts_with("it is not the JSON"), "and the stack holds");
    let why = |body: &str| state(body.as_bytes()).unwrap_err();
    assert!(why(r#"{"started":"now"}"#).starts_with("started: \"now\""));
    assert!(
        why(r#"{"removed_intervals":[{"start":"x","contest_time":"0:00:00"}]}"#).starts_with("removed_intervals.start")
    );
    assert!(why(r#"{"code":404,"removed_intervals":7}"#).starts_with("it is not the JSON"));
}

#[test]
fn numbers_without_sense_do_not_overflow() {
    let contest =
        r#"{"start_time":"2200-12-31T23:59:59-18","duration":"9999:59:59","countdown_pause_time":"-9999:00:00"}"#;
    for now_ms in [i64::MIN, 0, i64::MAX] {
        at(contest, "{}", now_ms);
        at(contest, STARTED_LATE, now_ms);
        at(
            DOMJUDGE,
            r#"{"started":"1970-01-01T00:00:00Z","removed_intervals":[{"start":"2199-01-01T00:00:00Z","end":"1970-01-01T00:00:00Z","contest_time":"-9999:00:00"}]}"#,
            now_ms,
        );
    }
}
