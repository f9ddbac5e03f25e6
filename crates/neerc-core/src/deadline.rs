//! By when a task is to be answered, and when whoever is late is reminded. What was said of it already is kept with the
//! deadline, so nothing is said twice. Not who is late, and not how people are told.

use crate::clock::{Phase, Reading};
use crate::limits;
use crate::people::Person;
use crate::plan::{Anchor, Consent, Schedule};
use crate::refusal::{Refusal, excerpt};
use std::fmt;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Words for minutes and for hours behind a number, in lower case.
const MINUTES: [&str; 11] =
    ["m", "min", "mins", "minute", "minutes", "м", "мин", "минут", "минута", "минуты", "минуту"];
const HOURS: [&str; 9] = ["h", "hr", "hrs", "hour", "hours", "ч", "час", "часа", "часов"];

/// A deadline as somebody gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// So many minutes from now: `20m`.
    Within {
        /// How many.
        minutes: i64,
    },
    /// The next time that it is this time of day here: `10:45`.
    TimeOfDay {
        /// The time, in minutes since midnight.
        of_day_min: i64,
    },
    /// A moment of the contest: `end-30`.
    Contest {
        /// What it is counted from.
        anchor: Anchor,
        /// Minutes after that; before it, if negative.
        offset_min: i64,
    },
}

impl By {
    /// Reads a deadline; `None` if the text is none. Refuses one that is too far away.
    pub fn parse(text: &str) -> Result<Option<By>, Refusal> {
        let joined: String = text.to_lowercase().split_whitespace().collect();
        if let Some((hours, minutes)) = joined.split_once(':') {
            let number = |digits: &str, most: i64| number(digits).filter(|number| digits.len() <= 2 && *number < most);
            let time = number(hours, 24).zip(number(minutes, 60).filter(|_| minutes.len() == 2));
            return Ok(time.map(|(hours, minutes)| By::TimeOfDay { of_day_min: hours * 60 + minutes }));
        }
        let unit = joined.trim_start_matches(|c: char| c.is_ascii_digit());
        if let Some(count) = joined.strip_suffix(unit).and_then(number) {
            let minutes = match unit {
                _ if MINUTES.contains(&unit) => count,
                _ if HOURS.contains(&unit) => count.saturating_mul(60),
                _ => return Ok(None),
            };
            if !(1..=limits::SCHEDULE_MIN).contains(&minutes) {
                return Err(By::refused(text));
            }
            return Ok(Some(By::Within { minutes }));
        }
        let schedule = Schedule::parse(&joined).map_err(|_| By::refused(text))?;
        let schedule = schedule.filter(|schedule| schedule.consent == Consent::Required); // `!` says nothing here
        Ok(schedule.map(|Schedule { anchor, offset_min, .. }| By::Contest { anchor, offset_min }))
    }

    /// Reads a text that must be a deadline.
    pub fn required(text: &str) -> Result<By, Refusal> {
        By::parse(text)?.ok_or_else(|| By::refused(text))
    }

    fn refused(text: &str) -> Refusal {
        Refusal::BadDeadline { deadline: excerpt(text) }
    }

    /// The deadline that somebody sets with it, at `wall_ms`.
    pub fn deadline(self, who: &Person, wall_ms: i64, zone_ms: i64) -> Deadline {
        Deadline { by: who.clone(), due: self.due(wall_ms, zone_ms), last: None }
    }

    /// When that is, said at `wall_ms` where the local time of day is `zone_ms` ahead of UTC.
    pub fn due(self, wall_ms: i64, zone_ms: i64) -> DueAt {
        match self {
            By::Within { minutes } => DueAt::Day { at_ms: wall_ms.saturating_add(minutes.saturating_mul(MINUTE_MS)) },
            By::TimeOfDay { of_day_min } => {
                let now_of_day_ms = wall_ms.saturating_add(zone_ms).rem_euclid(DAY_MS);
                let left_ms = (of_day_min.saturating_mul(MINUTE_MS) - now_of_day_ms).rem_euclid(DAY_MS);
                let left_ms = if left_ms == 0 { DAY_MS } else { left_ms };
                DueAt::Day { at_ms: wall_ms.saturating_add(left_ms) }
            }
            By::Contest { anchor, offset_min } => DueAt::Contest { anchor, offset_min },
        }
    }
}

/// Digits as a number; too many of them are a great number.
fn number(digits: &str) -> Option<i64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(i64::MAX))
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            By::Within { minutes } => write!(f, "{minutes}m"),
            By::TimeOfDay { of_day_min } => write!(f, "{}:{:02}", of_day_min / 60, of_day_min % 60),
            By::Contest { anchor, offset_min } => {
                let (anchor, offset_min) = (*anchor, *offset_min);
                write!(f, "{}", Schedule { anchor, offset_min, consent: Consent::Required })
            }
        }
    }
}

/// When a deadline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueAt {
    /// At a time of a day.
    Day {
        /// The time, in ms since 1970.
        at_ms: i64,
    },
    /// At a moment of the contest.
    Contest {
        /// What it is counted from.
        anchor: Anchor,
        /// Minutes after that; before it, if negative.
        offset_min: i64,
    },
}

impl DueAt {
    /// When that is, in ms since 1970, where the contest clock shows `reading` at `wall_ms`. `None` while nobody knows: a
    /// contest that has not begun or that stands still says no times of day.
    pub fn at_ms(self, wall_ms: i64, reading: Option<Reading>) -> Option<i64> {
        match self {
            DueAt::Day { at_ms } => Some(at_ms),
            DueAt::Contest { anchor, offset_min } => {
                let reading = reading.filter(|reading| reading.phase != Phase::Before)?;
                let left_ms = anchor.moment_ms(offset_min, reading.total_ms).saturating_sub(reading.elapsed_ms);
                (left_ms <= 0 || reading.phase.ticks()).then(|| wall_ms.saturating_add(left_ms))
            }
        }
    }
}

/// What was said last to those who are late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// How often something was said by then.
    pub number: u32,
    /// When, in ms since 1970.
    pub at_ms: i64,
}

/// The deadline of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Who set it.
    pub by: Person,
    /// When it is.
    pub due: DueAt,
    /// What was said last; `None` before anything was.
    pub last: Option<Round>,
}

/// What is said of a deadline that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundStep {
    /// Whoever is late is reminded.
    Remind,
    /// The admins are told who is late. Nothing is said after that.
    Escalate,
}

impl RoundStep {
    /// Of the round of that number.
    pub fn of(number: u32) -> RoundStep {
        if number <= limits::REMINDERS { RoundStep::Remind } else { RoundStep::Escalate }
    }
}

impl Deadline {
    /// The number of the next round and what is said in it; `None` once all is said.
    pub fn next(&self) -> Option<(u32, RoundStep)> {
        let number = self.last.map_or(0, |last| last.number).saturating_add(1);
        (number <= limits::REMINDERS + 1).then(|| (number, RoundStep::of(number)))
    }

    /// Whether the admins were told who is late.
    pub fn is_escalated(&self) -> bool {
        self.last.is_some() && self.next().is_none()
    }

    /// How long it takes until then, in ms: not more than zero once it is time. `None` while nobody knows, and once all is
    /// said.
    pub fn left_ms(&self, wall_ms: i64, reading: Option<Reading>) -> Option<i64> {
        self.next()?;
        let left_ms = self.due.at_ms(wall_ms, reading)?.saturating_sub(wall_ms);
        // A clock that was set back makes nobody wait longer.
        let pause_ms = self.last.map_or(0, |last| {
            let next_ms = last.at_ms.saturating_add(limits::REMINDER_PAUSE_MS);
            next_ms.saturating_sub(wall_ms).min(limits::REMINDER_PAUSE_MS)
        });
        Some(left_ms.max(pause_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(text: &str) -> Option<String> {
        By::parse(text).unwrap().map(|by| by.to_string())
    }

    #[test]
    fn deadlines_and_what_is_none() {
        for (text, expected) in [
            ("20m", "20m"),
            ("20 min", "20m"),
            ("2 часа", "120m"),
            ("90 МИНУТ", "90m"),
            ("10:45", "10:45"),
            ("9:05", "9:05"),
            ("end-30", "end-30"),
            ("конец−30", "end-30"),
            ("start", "start+0"),
        ] {
            assert_eq!(by(text).as_deref(), Some(expected), "{text}");
            assert_eq!(by(expected).as_deref(), Some(expected));
        }
        for text in ["", "20", "m", "20 chairs", "24:00", "10:5", "10:60", "1:23:00", "end-30!", "the way", "-5m"] {
            assert_eq!(by(text), None, "{text}");
        }
        for text in ["0m", "10081m", "169h", "99999999999999999999999m", "end-10081"] {
            assert!(matches!(By::parse(text), Err(Refusal::BadDeadline { .. })), "{text}");
        }
    }

    #[test]
    fn a_time_of_day_is_the_next_such_time_here() {
        let at = |wall_min: i64, zone_min: i64| {
            let due = By::required("10:45").unwrap().due(wall_min * MINUTE_MS, zone_min * MINUTE_MS);
            let DueAt::Day { at_ms } = due else { panic!("{due:?}") };
            at_ms / MINUTE_MS - wall_min
        };
        assert_eq!((at(0, 0), at(10 * 60 + 44, 0), at(10 * 60 + 45, 0)), (645, 1, 1_440));
        assert_eq!((at(0, 180), at(0, -300)), (465, 945));
    }

    fn deadline(due: &str) -> Deadline {
        let due = By::required(due).unwrap().due(0, 0);
        Deadline { by: Person::from_bare("admin@localhost"), due, last: None }
    }

    #[test]
    fn whoever_is_late_is_reminded_again_and_again_and_then_the_admins_are_told_once() {
        let (mut deadline, mut wall_ms, mut said) = (deadline("20m"), 0, Vec::new());
        while let Some((number, step)) = deadline.next() {
            wall_ms += deadline.left_ms(wall_ms, None).unwrap();
            assert!(deadline.left_ms(wall_ms - 1, None).unwrap() > 0 && deadline.left_ms(wall_ms, None) == Some(0));
            deadline.last = Some(Round { number, at_ms: wall_ms });
            said.push((wall_ms / MINUTE_MS, step));
        }
        let (last, reminders) = said.split_last().unwrap();
        assert_eq!(reminders.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [20, 25, 30, 35, 40, 45, 50, 55, 60]);
        assert!(reminders.iter().all(|(_, step)| *step == RoundStep::Remind));
        assert_eq!((*last, deadline.left_ms(i64::MAX, None)), ((65, RoundStep::Escalate), None));
    }

    #[test]
    fn a_moment_of_the_contest_is_waited_for_while_its_clock_is_known_and_runs() {
        let deadline = deadline("end-30");
        let left_min = |elapsed_min: i64, total_min: i64, phase| {
            let reading = Reading { elapsed_ms: elapsed_min * MINUTE_MS, total_ms: total_min * MINUTE_MS, phase };
            deadline.left_ms(0, Some(reading)).map(|left_ms| left_ms / MINUTE_MS)
        };
        assert_eq!(deadline.left_ms(0, None), None);
        assert_eq!((left_min(0, 300, Phase::Before), left_min(-5, 300, Phase::Counting)), (None, Some(275)));
        assert_eq!((left_min(200, 300, Phase::Running), left_min(200, 300, Phase::Paused)), (Some(70), None));
        assert_eq!((left_min(270, 300, Phase::Paused), left_min(270, 240, Phase::Over)), (Some(0), Some(0)));
    }

    #[test]
    fn a_clock_of_the_machine_that_is_set_back_makes_nobody_wait_longer() {
        let last = Some(Round { number: 1, at_ms: 100 * MINUTE_MS });
        let deadline = Deadline { due: DueAt::Day { at_ms: 0 }, last, ..deadline("20m") };
        assert_eq!(deadline.left_ms(10 * MINUTE_MS, None), Some(limits::REMINDER_PAUSE_MS));
    }
}
