//! The contest clock of a room, set by hand: what an admin may do to it, and what comes of that. It counts until the clock
//! is told to follow its feed again. Not who may do it, which the board decides.

use super::{Phase, Reading, Speed};
use crate::limits;
use crate::people::Person;
use crate::refusal::{Refusal, excerpt};
use crate::units::DAY_MS;

/// What an admin does to the contest clock of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockAct {
    /// The contest begins now.
    Start,
    /// It begins, or began, at a time of day.
    StartAt {
        /// When, in ms since midnight.
        of_day_ms: i64,
    },
    /// The clock stands from now on.
    Pause,
    /// It goes on.
    Resume,
    /// So much of the contest is over.
    Set {
        /// How much, in ms.
        elapsed_ms: i64,
    },
    /// So long is the contest.
    Length {
        /// How long, in ms.
        total_ms: i64,
    },
    /// The contest is over.
    Over,
    /// It begins anew, now.
    Restart,
    /// The clock goes by its feed again; where there is none, there is no clock.
    Follow,
    /// A rehearsal begins, or goes on at another speed.
    Rehearse {
        /// How fast contest time passes.
        speed: Speed,
    },
    /// It ends, and all that was made in it is thrown away.
    EndRehearsal,
}

impl ClockAct {
    /// The words for each, in every language; the first one is also its name in forms and among the keys of words.
    pub const WORDS: [(&'static str, &'static [&'static str]); 9] = [
        ("start", &["begin", "старт", "начать", "начало", "пуск"]),
        ("pause", &["stop", "пауза", "стоп", "приостановить", "стой"]),
        ("resume", &["continue", "go", "дальше", "продолжить", "продолжаем"]),
        ("set", &["установить", "поставить"]),
        ("length", &["duration", "длина", "длительность"]),
        ("over", &["end", "finish", "конец", "окончен", "закончить"]),
        ("restart", &["заново", "сначала"]),
        ("follow", &["auto", "авто", "следовать"]),
        ("rehearse", &["rehearsal", "репетиция", "репетировать", "прогон"]),
    ];

    /// The name of what a word stands for.
    pub fn named(word: &str) -> Option<&'static str> {
        let word = word.to_lowercase();
        ClockAct::WORDS.iter().find(|(name, others)| *name == word || others.contains(&&*word)).map(|(name, _)| *name)
    }

    /// Reads what is to be done and the time that it is told, if it is told one: `start` and `10:30`, `length` and `5:00`.
    pub fn parse(word: &str, time: Option<&str>) -> Result<ClockAct, Refusal> {
        let unknown = || Refusal::UnknownClockAct { act: excerpt(word) };
        let act = match ClockAct::named(word).ok_or_else(unknown)? {
            "start" => match time.map(at).transpose()? {
                Some(of_day_ms) => return Ok(ClockAct::StartAt { of_day_ms }),
                None => ClockAct::Start,
            },
            "set" => return Ok(ClockAct::Set { elapsed_ms: length(required(time)?)? }),
            "length" => match length(required(time)?)? {
                0 => return Err(bad(time.unwrap_or_default())),
                total_ms => return Ok(ClockAct::Length { total_ms }),
            },
            "pause" => ClockAct::Pause,
            "resume" => ClockAct::Resume,
            "over" => ClockAct::Over,
            "restart" => ClockAct::Restart,
            "follow" => ClockAct::Follow,
            "rehearse" => return ClockAct::rehearse(time),
            _ => return Err(unknown()),
        };
        match time {
            Some(text) => Err(Refusal::Surplus { text: excerpt(text) }),
            None => Ok(act),
        }
    }

    /// `x60`, or `off` at the end.
    fn rehearse(speed: Option<&str>) -> Result<ClockAct, Refusal> {
        const OFF: [&str; 8] = ["off", "stop", "end", "over", "выкл", "стоп", "конец", "окончена"];
        match speed.map(str::trim) {
            None => Speed::parse(&limits::REHEARSAL_SPEED_UNSAID.to_string()).map(|speed| ClockAct::Rehearse { speed }),
            Some(word) if OFF.contains(&word.to_lowercase().as_str()) => Ok(ClockAct::EndRehearsal),
            Some(text) => Ok(ClockAct::Rehearse { speed: Speed::parse(text)? }),
        }
    }
}

fn required(time: Option<&str>) -> Result<&str, Refusal> {
    time.ok_or(Refusal::MissingField { field: "time" })
}

fn bad(time: &str) -> Refusal {
    Refusal::BadClockTime { time: excerpt(time) }
}

/// A time of day, with or without a word before it: `at 10:30`.
fn at(text: &str) -> Result<i64, Refusal> {
    let time = text.trim().rsplit(char::is_whitespace).next().unwrap_or_default();
    let before = text.trim().strip_suffix(time).unwrap_or_default().trim().to_lowercase();
    let is_read = matches!(&*before, "" | "at" | "в" | "@");
    length(time).ok().filter(|ms| is_read && *ms < DAY_MS).ok_or_else(|| bad(text))
}

/// `h:mm` or `h:mm:ss`, in ms.
fn length(text: &str) -> Result<i64, Refusal> {
    let parts: Vec<&str> = text.trim().split(':').collect();
    let number = |part: &str, most: i64| {
        let digits = !part.is_empty() && part.len() <= 5 && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits { part.parse::<i64>().ok().filter(|number| *number <= most) } else { None }
    };
    let sixtieth = |part: &str| if part.len() == 2 { number(part, 59) } else { None };
    let seconds = match parts[..] {
        [hours, minutes] => number(hours, limits::CLOCK_H).zip(sixtieth(minutes)).map(|(h, m)| (h * 60 + m) * 60),
        [hours, minutes, seconds] => number(hours, limits::CLOCK_H)
            .zip(sixtieth(minutes))
            .zip(sixtieth(seconds))
            .map(|((h, m), s)| (h * 60 + m) * 60 + s),
        _ => None,
    };
    seconds.map(|seconds| seconds * 1_000).ok_or_else(|| bad(text))
}

/// What the clock of a room was set to by hand. The times in it are those of day, so it can be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetClock {
    /// By whom.
    pub by: Person,
    /// When, in ms since 1970.
    pub at_ms: i64,
    /// What the clock showed then.
    pub reading: Reading,
    /// How fast contest time passes.
    pub speed: Speed,
}

impl SetClock {
    /// What the clock shows at that time of day, in ms since 1970.
    pub fn at(&self, wall_ms: i64) -> Reading {
        self.reading.carried(self.speed.contest_ms(wall_ms.saturating_sub(self.at_ms))).over_at_end()
    }
}

/// A clock as it is when somebody does something to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockNow {
    /// What it shows, if anything.
    pub reading: Option<Reading>,
    /// Whether it was set by hand.
    pub is_by_hand: bool,
    /// How fast it runs.
    pub speed: Speed,
    /// How far the local time of day is ahead of UTC, in ms.
    pub zone_ms: i64,
}

impl ClockNow {
    /// A clock without a feed, for somebody who knows no more than what was set by hand, in UTC.
    pub fn by_hand(set: Option<&SetClock>, wall_ms: i64) -> ClockNow {
        let speed = set.map(|set| set.speed).unwrap_or_default();
        ClockNow { reading: set.map(|set| set.at(wall_ms)), is_by_hand: set.is_some(), speed, ..ClockNow::default() }
    }

    /// What the clock is set to by that act: `Some(None)` if it goes by its feed again, `None` if nothing changes.
    pub fn after(self, act: ClockAct, who: &Person, wall_ms: i64) -> Result<Option<Option<SetClock>>, Refusal> {
        if act == ClockAct::Follow {
            return Ok(self.is_by_hand.then_some(None));
        }
        let reading = self.set_by(act, wall_ms)?;
        let same = self.is_by_hand && self.reading == Some(reading);
        Ok((!same).then(|| Some(SetClock { by: who.clone(), at_ms: wall_ms, reading, speed: self.speed })))
    }

    fn set_by(self, act: ClockAct, wall_ms: i64) -> Result<Reading, Refusal> {
        let nothing = Reading { elapsed_ms: 0, total_ms: limits::CONTEST_MS, phase: Phase::Before };
        let now = self.reading.unwrap_or(nothing);
        let running = Reading { elapsed_ms: 0, phase: Phase::Running, ..now };
        match act {
            ClockAct::Start if now.phase.has_begun() => Err(Refusal::ClockHasBegun),
            ClockAct::Start | ClockAct::Restart => Ok(running),
            ClockAct::StartAt { of_day_ms } => Ok(self.started_at(of_day_ms, running, wall_ms)),
            ClockAct::Pause => match now.phase {
                Phase::Running => Ok(Reading { phase: Phase::Paused, ..now }),
                Phase::Counting => Ok(Reading { phase: Phase::Before, ..now }),
                Phase::Before | Phase::Paused | Phase::Over => Err(Refusal::ClockStands),
            },
            ClockAct::Resume => match now.phase {
                Phase::Before if now.elapsed_ms < 0 => Ok(Reading { phase: Phase::Counting, ..now }),
                Phase::Paused => Ok(Reading { phase: Phase::Running, ..now }),
                Phase::Over if now.elapsed_ms < now.total_ms => Ok(Reading { phase: Phase::Running, ..now }),
                _ => Err(Refusal::ClockNotPaused),
            },
            ClockAct::Set { elapsed_ms } if elapsed_ms > now.total_ms => {
                Err(Refusal::BeyondClock { time: clock_face(elapsed_ms), total: clock_face(now.total_ms) })
            }
            ClockAct::Set { elapsed_ms } => {
                let phase = if now.phase == Phase::Paused { Phase::Paused } else { Phase::Running };
                Ok(Reading { elapsed_ms, phase, ..now })
            }
            ClockAct::Length { total_ms } if now.phase.has_begun() && now.elapsed_ms >= total_ms => {
                Ok(Reading { elapsed_ms: total_ms, total_ms, phase: Phase::Over })
            }
            ClockAct::Length { total_ms } => Ok(Reading { total_ms, ..now }),
            ClockAct::Over => Ok(Reading { elapsed_ms: now.elapsed_ms.max(0), phase: Phase::Over, ..now }),
            // The first is not set by hand; of the others the board decides.
            ClockAct::Follow | ClockAct::Rehearse { .. } | ClockAct::EndRehearsal => Ok(now),
        }
    }

    /// The time of day that is meant is the last one if the contest would still be running since then, else the next.
    fn started_at(self, of_day_ms: i64, running: Reading, wall_ms: i64) -> Reading {
        let now_of_day_ms = wall_ms.saturating_add(self.zone_ms).rem_euclid(DAY_MS);
        let since_ms = (now_of_day_ms - of_day_ms).rem_euclid(DAY_MS);
        let elapsed_ms = self.speed.contest_ms(since_ms);
        if elapsed_ms < running.total_ms {
            return Reading { elapsed_ms, ..running };
        }
        Reading { elapsed_ms: self.speed.contest_ms(since_ms - DAY_MS), phase: Phase::Counting, ..running }
    }
}

/// A length of time as clocks show it: `1:23:00`.
pub fn clock_face(ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// The local time of day, `10:41`, of a time in ms since 1970.
pub fn time_of_day(ms: i64, zone_ms: i64) -> String {
    let minutes = ms.saturating_add(zone_ms).rem_euclid(DAY_MS) / 60_000;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests;
