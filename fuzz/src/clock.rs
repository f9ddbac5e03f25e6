//! What contest systems say of their clocks: the two documents of the CLICS Contest API, the neutral document, the clock file,
//! and what was kept of them. No panic; an error says something; a reading lies within its contest; contest time never goes
//! faster than time; the same document written otherwise is read as the same, and what was read is written and read again.
//!
//! Zero bytes cut the input: a contest and its state. Each piece is also read as each of the other documents.

use neerc::clocks::clics::{self, State, Timetable};
use neerc::clocks::{Format, file, json};
use neerc_core::clock::{ContestClock, Phase, Reading};

/// 2031-10-12T10:00:00+03:00, in ms since 1970.
const TEN_MS: i64 = 1_949_554_800_000;
const MINUTE_MS: i64 = 60_000;

/// Checks one input.
pub fn check(data: &[u8]) {
    let mut pieces = data.split(|byte| *byte == 0);
    let contest = pieces.next().unwrap_or_default();
    let state = pieces.next();
    for piece in [Some(contest), state].into_iter().flatten() {
        neutral(piece);
        clock_file(piece);
    }
    let read = clics::schedule(contest);
    same(contest, &read, clics::schedule);
    let Ok(timetable) = read else { return };
    let unknown = Ok(State::default());
    let state = state.map_or(unknown, |body| {
        let read = clics::state(body);
        same(body, &read, clics::state);
        read
    });
    if let Ok(state) = state {
        contest_time(&timetable, &state);
    }
}

/// The same JSON is written without blanks and with its keys in order, and read as the same.
fn same<T: PartialEq + std::fmt::Debug>(body: &[u8], read: &Result<T, String>, reads: fn(&[u8]) -> Result<T, String>) {
    match read {
        Ok(read) => {
            // What the clock does not need may be anything.
            let plain = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
            let Ok(value) = serde_json::from_slice::<serde_json::Value>(plain) else { return };
            assert_eq!(reads(value.to_string().as_bytes()).as_ref(), Ok(read));
            let with_more = value.to_string().replacen('{', "{\"more\":[{\"start\":null}],", 1);
            let with_more = with_more.replace(",}", "}");
            assert_eq!(reads(with_more.as_bytes()).as_ref(), Ok(read), "{with_more}");
        }
        Err(why) => assert!(why.chars().any(char::is_alphanumeric), "says nothing: {why:?}"),
    }
}

/// What the clock shows over some hours.
fn contest_time(timetable: &Timetable, state: &State) {
    let mut last: Option<(i64, Reading)> = None;
    let near = (-90..=420).step_by(15).map(|minutes| TEN_MS + minutes * MINUTE_MS);
    for now_ms in [i64::MIN, 0].into_iter().chain(near).chain([4 * TEN_MS, i64::MAX]) {
        let reading = timetable.reading(state, now_ms);
        within(reading);
        if let Some((then_ms, then)) = last {
            // Where it stands, a contest may be told to stand anywhere; so is one whose end is known.
            let runs = |reading: Reading| matches!(reading.phase, Phase::Counting | Phase::Running);
            let gone_ms = reading.elapsed_ms.saturating_sub(then.elapsed_ms);
            let most_ms = now_ms.saturating_sub(then_ms);
            assert!(!runs(then) || !runs(reading) || (0..=most_ms).contains(&gone_ms), "{then:?} and then {reading:?}");
            assert!(then.phase != Phase::Over || reading == then, "over stays over: {reading:?}");
        }
        last = Some((now_ms, reading));
        carried(reading, now_ms);
    }
}

fn within(reading: Reading) {
    let Reading { elapsed_ms, total_ms, phase } = reading;
    assert!(total_ms > 0, "{reading:?}");
    let is_within = match phase {
        Phase::Before => elapsed_ms <= 0,
        Phase::Counting => elapsed_ms < 0,
        Phase::Running | Phase::Paused | Phase::Over => (0..=total_ms).contains(&elapsed_ms),
    };
    assert!(is_within, "{reading:?}");
}

/// A clock that runs on by that reading alone.
fn carried(reading: Reading, now_ms: i64) {
    let clock = ContestClock::new(reading, now_ms);
    assert_eq!(clock.at(now_ms), reading.carried(0));
    for gone_ms in [1, MINUTE_MS, i64::MAX] {
        let later = clock.at(now_ms.saturating_add(gone_ms));
        let on_ms = later.elapsed_ms.saturating_sub(reading.elapsed_ms);
        assert!((0..=gone_ms).contains(&on_ms), "{reading:?} and {gone_ms} ms later {later:?}");
        assert!(reading.phase.ticks() || later == reading);
    }
}

/// The neutral document.
fn neutral(body: &[u8]) {
    let Ok(text) = std::str::from_utf8(body) else { return };
    let reading = match json::reading(text) {
        Ok(reading) => reading,
        Err(why) => return assert_ne!(why, ""),
    };
    assert_eq!(file::reading(body, Format::Json), Ok(reading), "the same in a file");
    let Reading { elapsed_ms, total_ms, phase } = reading;
    assert!(total_ms > 0 && (elapsed_ms >= 0) == (phase != Phase::Counting), "{reading:?}");
    let status = if phase == Phase::Counting { "before" } else { phase.name() };
    let written = format!("{{\"status\":{status:?},\"length_ms\":{total_ms},\"time_ms\":{elapsed_ms}}}");
    assert_eq!(json::reading(&written), Ok(reading), "{text} was written as {written}");
    carried(reading, TEN_MS);
}

/// The clock file.
fn clock_file(body: &[u8]) {
    let reading = match file::reading(body, Format::Pcms) {
        Ok(reading) => reading,
        Err(why) => return assert_ne!(why, ""),
    };
    let Reading { elapsed_ms, total_ms, phase } = reading;
    assert!(elapsed_ms >= 0 && total_ms >= 0 && phase != Phase::Counting, "{reading:?}");
    let written = format!("<clock time='{elapsed_ms}' length='{total_ms}' status='{}'/>", phase.on_wire());
    assert_eq!(file::reading(written.as_bytes(), Format::Pcms), Ok(reading), "it was written as {written}");
    carried(reading, TEN_MS);
    let Ok(text) = std::str::from_utf8(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)) else { return };
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(file::reading(&wide, Format::Pcms), Ok(reading), "the same in UTF-16");
}
