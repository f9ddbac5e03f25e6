//! The clock of a contest as the CLICS Contest API serves it, from 2020-03 to 2026-01 and with the draft's removed
//! intervals: the documents `contests/<id>` and `contests/<id>/state`, which are fetched at different moments and may
//! contradict each other. Pure: the documents and the server's time go in, a reading comes out.

use super::limits;
use super::time::{length, moment};
use neerc_core::clock::{Phase, Reading};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// `contests/<id>`, of which the clock needs these. `null` and an absent property are the same.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContestDocument {
    start_time: Option<String>,
    countdown_pause_time: Option<String>,
    duration: Option<String>,
    time_multiplier: Option<f64>,
}

/// `contests/<id>/state`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StateDocument {
    started: Option<String>,
    ended: Option<String>,
    removed_intervals: Option<Vec<RemovedDocument>>,
}

#[derive(Debug, Deserialize)]
struct RemovedDocument {
    start: String,
    #[serde(default)]
    end: Option<String>,
    contest_time: String,
}

/// What is planned, which counts only once two looks agree on it: around a start servers say one thing and another within
/// a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timetable {
    /// When the contest begins, in ms since 1970.
    start_ms: Option<i64>,
    /// What is left while the countdown stands, in ms.
    countdown_ms: Option<i64>,
    length_ms: i64,
}

/// What has happened, which counts at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    started_ms: Option<i64>,
    ended_ms: Option<i64>,
    removed: Vec<Removed>,
}

/// A stretch of time that is none of the contest's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Removed {
    start_ms: i64,
    /// Open: the contest is paused.
    end_ms: Option<i64>,
    contest_ms: i64,
}

/// Reads `contests/<id>`.
pub fn schedule(body: &[u8]) -> Result<Timetable, String> {
    let document: ContestDocument = read(body)?;
    if let Some(speed) = document.time_multiplier.filter(|speed| *speed != 1.0) {
        return Err(format!(
            "time_multiplier is {speed}: a contest that is replayed at another speed has no clock to go by"
        ));
    }
    let length_ms = document.duration.as_deref().ok_or("there is no duration: this is no contest of the CLICS API")?;
    let length_ms = named("duration", length(length_ms))?;
    if length_ms <= 0 {
        return Err(format!("duration is {length_ms} ms: a contest takes some time"));
    }
    Ok(Timetable {
        start_ms: document.start_time.as_deref().map(moment).transpose().map_err(|why| of("start_time", &why))?,
        countdown_ms: document
            .countdown_pause_time
            .as_deref()
            .map(length)
            .transpose()
            .map_err(|why| of("countdown_pause_time", &why))?,
        length_ms,
    })
}

/// Reads `contests/<id>/state`.
pub fn state(body: &[u8]) -> Result<State, String> {
    let document: StateDocument = read(body)?;
    let when = |name, text: Option<String>| text.as_deref().map(moment).transpose().map_err(|why| of(name, &why));
    let removed = document.removed_intervals.unwrap_or_default();
    if removed.len() > limits::REMOVED_INTERVALS {
        return Err(format!(
            "removed_intervals has {} entries; {} is the most",
            removed.len(),
            limits::REMOVED_INTERVALS
        ));
    }
    let removed = removed.into_iter().map(|interval| {
        Ok(Removed {
            start_ms: named("removed_intervals.start", moment(&interval.start))?,
            end_ms: when("removed_intervals.end", interval.end)?,
            contest_ms: named("removed_intervals.contest_time", length(&interval.contest_time))?,
        })
    });
    let mut removed = removed.collect::<Result<Vec<_>, String>>()?;
    removed.sort_unstable_by_key(|interval| interval.start_ms);
    Ok(State { started_ms: when("started", document.started)?, ended_ms: when("ended", document.ended)?, removed })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => serde_json::from_slice(body).map_err(|error| format!("it is not the JSON of a contest: {error}")),
        None => Err("the answer is empty".to_owned()),
        Some(b'<') => Err("it is a web page: is there a login page in front, or is the address wrong?".to_owned()),
        Some(_) => Err("it is not the JSON of a contest: it does not begin with {".to_owned()),
    }
}

fn named<T>(name: &str, outcome: Result<T, String>) -> Result<T, String> {
    outcome.map_err(|why| of(name, &why))
}

fn of(name: &str, why: &str) -> String {
    format!("{name}: {why}")
}

impl Timetable {
    /// What the clock shows when it is `now_ms` for the server (CLICS `state`, `removed_intervals`): what has happened
    /// comes before what is planned, and a countdown that stands before a start, which two servers give beside it.
    pub fn reading(&self, state: &State, now_ms: i64) -> Reading {
        let look = |elapsed_ms, phase| Reading { elapsed_ms, total_ms: self.length_ms, phase };
        if let (None, Some(left_ms)) = (state.started_ms, self.countdown_ms) {
            return look(left_ms.saturating_neg().min(0), Phase::Before);
        }
        let Some(start_ms) = state.started_ms.or(self.start_ms) else { return look(0, Phase::Before) };
        // An end in the future is somebody's wrong sum.
        let ended_ms = state.ended_ms.filter(|ended_ms| *ended_ms <= now_ms);
        let until_ms = ended_ms.unwrap_or(now_ms);
        let (mut removed_ms, mut counted_ms) = (0_i64, start_ms);
        for interval in state.removed.iter().filter(|interval| interval.start_ms < until_ms) {
            let end_ms = interval.end_ms.filter(|end_ms| *end_ms <= until_ms);
            if end_ms.is_none() && ended_ms.is_none() {
                return match interval.start_ms < start_ms {
                    true => look(interval.contest_ms.min(0), Phase::Before),
                    false => look(interval.contest_ms.clamp(0, self.length_ms), Phase::Paused),
                };
            }
            // What two of them share, or what lies before the start, is taken out once, or not at all.
            let (from_ms, end_ms) = (interval.start_ms.max(counted_ms), end_ms.unwrap_or(until_ms));
            removed_ms += end_ms.saturating_sub(from_ms).max(0);
            counted_ms = counted_ms.max(end_ms);
        }
        let elapsed_ms = until_ms.saturating_sub(start_ms).saturating_sub(removed_ms);
        match ended_ms {
            Some(_) => look(elapsed_ms.clamp(0, self.length_ms), Phase::Over),
            None if elapsed_ms < 0 => look(elapsed_ms, Phase::Counting),
            None => look(elapsed_ms.min(self.length_ms), Phase::Running),
        }
    }
}

/// Takes a schedule only when a second look agrees with it, and likewise that a contest which has started has not.
#[derive(Debug, Default)]
pub struct Agreed {
    taken: Option<Timetable>,
    /// What was said last of a contest that has started.
    begun: Option<State>,
    /// What was seen last, if it differs, and when, in ms: the schedule, and whether the start is taken back.
    seen: Option<(Timetable, bool, i64)>,
}

impl Agreed {
    /// A look at the schedule and what has happened; what of both counts now, if anything does.
    pub fn see(&mut self, schedule: Timetable, state: State, now_ms: i64) -> Option<(Timetable, State)> {
        let is_taken_back = state.started_ms.is_none() && self.begun.is_some();
        match self.seen {
            _ if self.taken == Some(schedule) && !is_taken_back => self.seen = None,
            Some((seen, back, since_ms)) if (seen, back) == (schedule, is_taken_back) => {
                if now_ms.saturating_sub(since_ms) >= limits::SETTLE_MS {
                    (self.taken, self.seen, self.begun) = (Some(schedule), None, self.begun.take().filter(|_| !back));
                }
            }
            _ => self.seen = Some((schedule, is_taken_back, now_ms)),
        }
        let state = match &self.begun {
            Some(begun) if state.started_ms.is_none() => begun.clone(),
            _ => state,
        };
        self.begun = Some(state.clone()).filter(|state| state.started_ms.is_some());
        self.taken.map(|schedule| (schedule, state))
    }

    /// Whether a contest has not begun, so far as anything planned tells.
    pub fn is_ahead(&self, schedule: &Timetable, now_ms: i64) -> bool {
        let planned = self.taken.unwrap_or(*schedule);
        planned.start_ms.is_none_or(|start_ms| now_ms < start_ms)
    }

    /// Whether the next look should come soon.
    pub fn doubts(&self) -> bool {
        self.seen.is_some()
    }
}

#[cfg(test)]
mod tests;
