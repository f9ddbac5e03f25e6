//! The ways in which times are written: moments and lengths of the CLICS Contest API, dates of HTTP answers, clock times by
//! hand, moments of a plan. No panic; what is read lies within its bounds and, written again, is read as the same; who reads
//! the same text in two places reads the same time; blanks around it and the case of letters make no other time.
//!
//! The input is read as the text of each of them. Its bytes are also a date, a time of day and an offset, which are written in
//! one of the dresses that were seen, and must be read as what they are.

use jiff::civil::Date;
use neerc::clocks::limits::LONGEST_H;
use neerc::clocks::time::{length, moment};
use neerc::http::http_date;
use neerc_core::clock::Speed;
use neerc_core::clock::hand::{ClockAct, clock_face};
use neerc_core::deadline::Deadline;
use neerc_core::limits::{CLOCK_H, SCHEDULE_MIN};
use neerc_core::moment::{DueAt, When};
use neerc_core::plan::{Consent, Timing};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// 1970-01-01 and 2201-01-01, in ms since 1970; an offset may take a moment 18 h beyond.
const MOMENTS_MS: std::ops::Range<i64> = -18 * HOUR_MS..7_289_654_400_000 + 18 * HOUR_MS;

/// Checks one input.
pub fn check(data: &[u8]) {
    if let Some((numbers, _)) = data.split_first_chunk::<12>() {
        dressed(*numbers);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    moments(text);
    lengths(text);
    dates(text);
    by_hand(text);
    planned(text);
}

/// A moment with its offset.
fn moments(text: &str) {
    let read = moment(text);
    assert_eq!(moment(&format!(" {text}\n")).ok(), moment(text.trim()).ok(), "blanks around it");
    let Ok(ms) = read else { return };
    assert!(MOMENTS_MS.contains(&ms), "{text:?} is {ms}");
    assert_eq!(moment(&text.to_lowercase()), Ok(ms));
    let written = jiff::Timestamp::from_millisecond(ms).expect("within bounds").to_string();
    if (0..MOMENTS_MS.end - 18 * HOUR_MS).contains(&ms) {
        assert_eq!(moment(&written), Ok(ms), "{text:?} was written as {written}");
    }
    // Whoever reads such texts for a living reads the same, or none: decimals beyond a nanosecond, for one.
    if let Ok(other) = text.trim().parse::<jiff::Timestamp>() {
        let off_ms = (other.as_nanosecond().div_euclid(1_000_000) - i128::from(ms)).abs();
        assert!(off_ms == 0 || text.contains(":60") && off_ms < 1_000, "{text:?} is {ms}, and to others {other}");
    }
}

/// A length of time.
fn lengths(text: &str) {
    let read = length(text);
    assert_eq!(length(&format!("\t{text} ")).ok(), length(text.trim()).ok(), "blanks around it");
    let Ok(ms) = read else { return };
    assert!(ms.abs() < (LONGEST_H + 1) * HOUR_MS, "{text:?} is {ms}");
    let (sign, whole) = (if ms < 0 { "-" } else { "" }, ms.abs());
    let written = format!("{sign}{}.{:03}", clock_face(whole), whole % 1_000);
    assert_eq!(length(&written), Ok(ms), "{text:?} was written as {written}");
    match text.trim().strip_prefix('-') {
        Some(bare) => assert_eq!(length(bare), Ok(-ms)),
        None => assert_eq!(length(&format!("-{}", text.trim())), Ok(-ms)),
    }
}

/// A date of an HTTP answer.
fn dates(text: &str) {
    let Some(ms) = http_date(text) else { return };
    let at = jiff::Timestamp::from_millisecond(ms).expect("a moment");
    if let Ok(written) = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at) {
        assert_eq!(http_date(&written), Some(ms - ms.rem_euclid(1_000)), "{text:?} was written as {written}");
    }
}

/// What an admin writes behind `clock`.
fn by_hand(text: &str) {
    let act = |word: &str| ClockAct::parse(word, Some(text));
    let set = match act("set") {
        Ok(ClockAct::Set { elapsed_ms }) => Some(elapsed_ms),
        Ok(other) => panic!("set {text:?} is {other:?}"),
        Err(_) => None,
    };
    match act("length") {
        Ok(ClockAct::Length { total_ms }) => assert_eq!(set, Some(total_ms)),
        Ok(other) => panic!("length {text:?} is {other:?}"),
        Err(_) => assert!(set.is_none_or(|ms| ms == 0), "{text:?} can be set and is no length"),
    }
    match act("start") {
        Ok(ClockAct::StartAt { of_day_ms }) => {
            assert!((0..DAY_MS).contains(&of_day_ms), "{text:?} is {of_day_ms}");
            let again = ClockAct::parse("start", Some(&clock_face(of_day_ms)));
            assert_eq!(again, Ok(ClockAct::StartAt { of_day_ms }));
        }
        Ok(other) => panic!("start {text:?} is {other:?}"),
        Err(_) => assert!(set.is_none_or(|ms| ms >= DAY_MS), "{text:?} can be set and is no time of day"),
    }
    for word in ["pause", "resume", "over", "restart", "follow"] {
        assert!(act(word).is_err(), "{word} takes no time");
    }
    let words = text.split_once(' ').map_or((text, None), |(word, time)| (word, Some(time)));
    if let Ok(act) = ClockAct::parse(words.0, words.1) {
        let name = ClockAct::named(words.0).expect("what is done has a name");
        assert_eq!(ClockAct::parse(name, words.1), Ok(act));
    }
    let Some(ms) = set else { return };
    assert!((0..(CLOCK_H + 1) * HOUR_MS).contains(&ms) && ms % 1_000 == 0, "{text:?} is {ms}");
    let face = clock_face(ms);
    assert_eq!(ClockAct::parse("set", Some(&face)), Ok(ClockAct::Set { elapsed_ms: ms }));
    if text.matches(':').count() == 2 {
        assert_eq!(length(text), Ok(ms), "a contest system would mean another time by {text:?}");
    }
    assert_eq!(length(&face), Ok(ms));
}

/// The moment of a plan, and of a deadline.
fn planned(text: &str) {
    let Ok(Some(timing)) = Timing::parse(text) else { return };
    let when = timing.when.expect("whoever writes it says when");
    assert_eq!(Timing::parse(&timing.to_string()), Ok(Some(timing)));
    assert_eq!(Timing::parse(&text.to_lowercase()), Ok(Some(timing)));
    assert_eq!(Timing::parse(&format!(" {text}\t")), Ok(Some(timing)), "blanks around it");
    assert_eq!(Timing::required(text), Ok(timing));
    assert_eq!(When::parse(&when.to_string()), Ok(Some(when)));
    if timing.consent == Consent::Required {
        assert_eq!(Deadline::required(text), Ok(when), "{text:?} is another deadline");
    }
    let due = |wall_ms, zone_ms| when.due(wall_ms, zone_ms, Speed::REAL);
    match when {
        When::Contest(moment) => {
            assert!(moment.offset_min.abs() <= SCHEDULE_MIN, "{text:?} is {moment:?}");
            assert_eq!(due(7, 7), DueAt::Contest(moment));
        }
        When::Within { minutes } => {
            assert!((1..=SCHEDULE_MIN).contains(&minutes), "{text:?} is {minutes}");
            assert_eq!(due(7, DAY_MS / 3), DueAt::Day { at_ms: 7 + minutes * 60_000 });
        }
        When::TimeOfDay { of_day_min } => {
            assert!((0..1_440).contains(&of_day_min), "{text:?} is {of_day_min}");
            // Seen from any hour of a day it is the next one.
            for hour in [0, 7, 23] {
                let (wall_ms, zone_ms) = (hour * HOUR_MS + 1, -2 * HOUR_MS);
                let DueAt::Day { at_ms } = due(wall_ms, zone_ms) else { panic!("{text:?} is no time of day") };
                assert!((1..=DAY_MS).contains(&(at_ms - wall_ms)), "{text:?} is not the next one");
                assert_eq!((at_ms + zone_ms).rem_euclid(DAY_MS), of_day_min * 60_000);
            }
        }
    }
}

/// A moment that is known, written in one of the dresses.
fn dressed(bytes: [u8; 12]) {
    let [century, year, month, day, hour, minute, second, hundredths, dress, offset, quarter, more] = bytes;
    let year = 1971 + i16::from(century % 2) * 100 + i16::from(year % 100);
    let Ok(date) = Date::new(year, 1 + (month % 12) as i8, 1 + (day % 31) as i8) else { return };
    let (hour, minute, second) = (hour % 24, minute % 60, second % 60);
    let (ahead_h, ahead_min) = (i64::from(offset % 37) - 18, i64::from(quarter % 4) * 15);
    let ahead_min = if ahead_h.abs() == 18 || dress & 8 != 0 { 0 } else { ahead_min };
    let sign = if ahead_h < 0 { '-' } else { '+' };
    let ahead_ms = (ahead_h.abs() * 60 + ahead_min) * 60_000 * if ahead_h < 0 { -1 } else { 1 };
    let zone = match dress & 8 {
        0 if dress & 16 == 0 => format!("{sign}{:02}:{ahead_min:02}", ahead_h.abs()),
        0 => format!("{sign}{:02}{ahead_min:02}", ahead_h.abs()),
        _ if ahead_h == 0 && dress & 32 == 0 => "Z".to_owned(),
        _ => format!("{sign}{:02}", ahead_h.abs()),
    };
    let (seconds, ms) = match dress & 3 {
        0 => (format!(":{second:02}"), i64::from(second) * 1_000),
        1 => (format!(":{second}"), i64::from(second) * 1_000),
        2 => (String::new(), 0),
        _ => {
            let hundredths = i64::from(hundredths % 100);
            let rest = &"0000000000"[..usize::from(more % 11)];
            (format!(":{second:02}.{hundredths:02}{rest}"), i64::from(second) * 1_000 + hundredths * 10)
        }
    };
    let between = if dress & 4 == 0 { 'T' } else { ' ' };
    let text = format!("{date}{between}{hour:02}:{minute:02}{seconds}{zone}");
    let midnight_ms = days(date) * DAY_MS;
    let of_day_ms = (i64::from(hour) * 60 + i64::from(minute)) * 60_000 + ms;
    assert_eq!(moment(&text), Ok(midnight_ms + of_day_ms - ahead_ms), "{text}");
    if dress & 64 == 0 {
        assert!(moment(text.trim_end_matches(&zone)).is_err(), "without its offset: {text}");
    }
}

/// Days since 1970, counted by the calendar's rule.
fn days(date: Date) -> i64 {
    let before = i64::from(date.year()) - 1;
    let leap_days = before / 4 - before / 100 + before / 400;
    before * 365 + leap_days - 719_162 + i64::from(date.day_of_year()) - 1
}
