//! Moments: a time of day, a while from now, or minutes from the start or the end of a contest; how people write them, and
//! how long it takes until they come. Not what is done then.

use crate::clock::{Phase, Reading, Speed};
use crate::limits;
use crate::units::{DAY_MS, MINUTE_MS};
use std::fmt;

/// Words for minutes and for hours behind a number, in lower case.
const MINUTES: [&str; 11] =
    ["m", "min", "mins", "minute", "minutes", "м", "мин", "минут", "минута", "минуты", "минуту"];
const HOURS: [&str; 9] = ["h", "hr", "hrs", "hour", "hours", "ч", "час", "часа", "часов"];
/// Lengths of time without a number, in minutes; they stand behind a word of [`WITHIN`].
const LENGTHS: [(&str, i64); 8] = [
    ("aminute", 1),
    ("минуту", 1),
    ("halfanhour", 30),
    ("полчаса", 30),
    ("anhour", 60),
    ("hour", 60),
    ("час", 60),
    ("полторачаса", 90),
];
/// Words before a while from now, in lower case.
pub(crate) const WITHIN: [&str; 3] = ["in", "through", "через"];
/// Words before a time of day, in lower case.
pub(crate) const AT: [&str; 2] = ["at", "в"];

/// What a moment of a contest is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// The start of the contest.
    Start,
    /// Its end.
    End,
}

/// A moment of a contest: `start+15`, `end-60`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContestMoment {
    /// What it is counted from.
    pub anchor: Anchor,
    /// Minutes after the anchor; before it, if negative.
    pub offset_min: i64,
}

/// That a moment is further away than anybody needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFar;

impl ContestMoment {
    /// The words for each anchor, in lower case.
    const WORDS: [(&'static str, Anchor); 5] = [
        ("start", Anchor::Start),
        ("end", Anchor::End),
        ("начало", Anchor::Start),
        ("старт", Anchor::Start),
        ("конец", Anchor::End),
    ];

    /// Reads one; `None` if the word is none.
    pub fn parse(word: &str) -> Result<Option<ContestMoment>, TooFar> {
        // Phones turn hyphens into dashes.
        let sign =
            word.chars().find(|c| matches!(c, '+' | '-' | '\u{2010}'..='\u{2015}' | '−' | '\u{ff0d}' | '\u{ff0b}'));
        let (name, offset) = match sign.and_then(|sign| Some((sign, word.split_once(sign)?))) {
            Some((sign, (name, digits))) => (name, Some((sign, digits))),
            None => (word, None),
        };
        let name = name.to_lowercase();
        let Some((_, anchor)) = ContestMoment::WORDS.into_iter().find(|(word, _)| *word == name) else {
            return Ok(None);
        };
        let Some((sign, digits)) = offset else { return Ok(Some(ContestMoment { anchor, offset_min: 0 })) };
        let Some(minutes) = number(digits) else { return Ok(None) };
        if minutes > limits::SCHEDULE_MIN {
            return Err(TooFar);
        }
        let offset_min = if matches!(sign, '+' | '\u{ff0b}') { minutes } else { -minutes };
        Ok(Some(ContestMoment { anchor, offset_min }))
    }

    /// Whether a word is a bare anchor (`start`), which may also be the first word of a title.
    pub(crate) fn is_bare(word: &str) -> bool {
        let word = word.to_lowercase();
        ContestMoment::WORDS.iter().any(|(name, _)| *name == word)
    }

    /// When that is in a contest of that length, in ms of contest time.
    pub fn contest_ms(self, total_ms: i64) -> i64 {
        let base_ms = match self.anchor {
            Anchor::Start => 0,
            Anchor::End => total_ms,
        };
        base_ms.saturating_add(self.offset_min.saturating_mul(MINUTE_MS))
    }
}

impl fmt::Display for ContestMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let anchor = match self.anchor {
            Anchor::Start => "start",
            Anchor::End => "end",
        };
        write!(f, "{anchor}{:+}", self.offset_min)
    }
}

/// A moment as somebody gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
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
    Contest(ContestMoment),
}

impl When {
    /// Reads a moment; `None` if the text is none. A while from now may stand behind `in`, a time of day behind `at`.
    pub fn parse(text: &str) -> Result<Option<When>, TooFar> {
        let lower = text.to_lowercase();
        let text = lower.trim();
        let (lead, rest) = text.split_once(char::is_whitespace).unwrap_or(("", text));
        let (is_within, is_at) = (WITHIN.contains(&lead), AT.contains(&lead));
        let text = if is_within || is_at { rest } else { text };
        let joined: String = text.split_whitespace().collect();
        if is_within {
            return within(&joined);
        }
        if let Some((hours, minutes)) = joined.split_once(':') {
            let time = sixtieths(hours, minutes).filter(|time| hours.len() <= 2 && *time < 24 * 60);
            return Ok(time.map(|of_day_min| When::TimeOfDay { of_day_min }));
        }
        if is_at {
            return Ok(None);
        }
        match counted(&joined) {
            Some(minutes) => bounded(minutes).map(Some),
            None => Ok(ContestMoment::parse(&joined)?.map(When::Contest)),
        }
    }

    /// When that is, said at `wall_ms` where the local time of day is `zone_ms` ahead of UTC. Minutes are those of a contest of
    /// that speed: in a rehearsal they are shorter.
    pub fn due(self, wall_ms: i64, zone_ms: i64, speed: Speed) -> DueAt {
        match self {
            When::Within { minutes } => {
                let left_ms = speed.real_ms(minutes.saturating_mul(MINUTE_MS));
                DueAt::Day { at_ms: wall_ms.saturating_add(left_ms) }
            }
            When::TimeOfDay { of_day_min } => {
                let now_of_day_ms = wall_ms.saturating_add(zone_ms).rem_euclid(DAY_MS);
                let left_ms = (of_day_min.saturating_mul(MINUTE_MS) - now_of_day_ms).rem_euclid(DAY_MS);
                let left_ms = if left_ms == 0 { DAY_MS } else { left_ms };
                DueAt::Day { at_ms: wall_ms.saturating_add(left_ms) }
            }
            When::Contest(moment) => DueAt::Contest(moment),
        }
    }
}

/// Digits as a number; too many of them are a great number.
fn number(digits: &str) -> Option<i64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(i64::MAX))
}

/// `1:20`, in minutes.
fn sixtieths(hours: &str, minutes: &str) -> Option<i64> {
    let minutes = number(minutes).filter(|number| minutes.len() == 2 && *number < 60)?;
    Some(number(hours)?.saturating_mul(60).saturating_add(minutes))
}

/// `20m`, `2h`, in minutes.
fn counted(joined: &str) -> Option<i64> {
    let unit = joined.trim_start_matches(|c: char| c.is_ascii_digit());
    let count = joined.strip_suffix(unit).and_then(number)?;
    match unit {
        _ if MINUTES.contains(&unit) => Some(count),
        _ if HOURS.contains(&unit) => Some(count.saturating_mul(60)),
        _ => None,
    }
}

/// What stands behind `in`.
fn within(joined: &str) -> Result<Option<When>, TooFar> {
    let length = || LENGTHS.into_iter().find(|(name, _)| *name == joined).map(|(_, minutes)| minutes);
    let minutes = match joined.split_once(':') {
        Some((hours, minutes)) => sixtieths(hours, minutes),
        None => counted(joined).or_else(length),
    };
    minutes.map(bounded).transpose()
}

fn bounded(minutes: i64) -> Result<When, TooFar> {
    if (1..=limits::SCHEDULE_MIN).contains(&minutes) { Ok(When::Within { minutes }) } else { Err(TooFar) }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            When::Within { minutes } => write!(f, "{minutes}m"),
            When::TimeOfDay { of_day_min } => write!(f, "{}:{:02}", of_day_min / 60, of_day_min % 60),
            When::Contest(moment) => moment.fmt(f),
        }
    }
}

/// When something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DueAt {
    /// At a time of a day.
    Day {
        /// The time, in ms since 1970.
        at_ms: i64,
    },
    /// At a moment of the contest.
    Contest(ContestMoment),
}

/// What the clocks show: the one on the wall, and that of the contest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownTime {
    /// The time of day, in ms since 1970.
    pub wall_ms: i64,
    /// The contest clock, where there is one.
    pub reading: Option<Reading>,
    /// For how long it has stood at its end, in ms of contest time. It shows nothing of that, and what comes after the end goes by it.
    pub over_ms: i64,
    /// How fast contest time passes.
    pub speed: Speed,
}

impl DueAt {
    /// How long it takes until then, in ms: not more than zero once it has come. `None` while nobody knows, as with a clock
    /// that stands.
    pub fn left_ms(self, now: ShownTime) -> Option<i64> {
        let moment = match self {
            DueAt::Day { at_ms } => return Some(at_ms.saturating_sub(now.wall_ms)),
            DueAt::Contest(moment) => moment,
        };
        let reading = now.reading.filter(|reading| reading.phase != Phase::Before)?;
        let contest_ms = moment.contest_ms(reading.total_ms);
        let left_ms = contest_ms.saturating_sub(reading.elapsed_ms);
        let is_over =
            reading.phase == Phase::Over || reading.phase == Phase::Running && reading.elapsed_ms >= reading.total_ms;
        if left_ms <= 0 || !is_over {
            let is_known = left_ms <= 0 || reading.phase.ticks();
            return is_known.then(|| now.speed.real_ms(left_ms));
        }
        // The contest may have been ended early: what was to come before its end does not come any more.
        let end_ms = match moment.anchor {
            Anchor::Start => reading.elapsed_ms,
            Anchor::End => reading.total_ms,
        };
        let is_after = contest_ms > reading.total_ms;
        is_after.then(|| now.speed.real_ms(contest_ms.saturating_sub(end_ms).saturating_sub(now.over_ms)))
    }

    /// Whether it has come.
    pub fn has_come(self, now: ShownTime) -> bool {
        self.left_ms(now).is_some_and(|left_ms| left_ms <= 0)
    }

    /// When that is, in ms since 1970, if nobody touches the clocks; `None` while nobody knows. What has passed of a contest
    /// whose clock stands was so much earlier as it stands for.
    pub fn wall_ms(self, now: ShownTime) -> Option<i64> {
        self.left_ms(now).map(|left_ms| now.wall_ms.saturating_add(left_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when(text: &str) -> Option<String> {
        When::parse(text).unwrap().map(|when| when.to_string())
    }

    #[test]
    fn moments_and_what_is_none() {
        for (text, expected) in [
            ("20m", "20m"),
            ("20 min", "20m"),
            ("2 часа", "120m"),
            ("90 МИНУТ", "90m"),
            ("in 20m", "20m"),
            ("In 20 minutes", "20m"),
            ("in 1:20", "80m"),
            ("in an hour", "60m"),
            ("in half an hour", "30m"),
            ("через 20 мин", "20m"),
            ("через 1:05", "65m"),
            ("через час", "60m"),
            ("Через полчаса", "30m"),
            ("10:45", "10:45"),
            ("9:05", "9:05"),
            ("at 09:05", "9:05"),
            ("в 10:45", "10:45"),
            ("end-30", "end-30"),
            ("конец−30", "end-30"),
            ("start", "start+0"),
        ] {
            assert_eq!(when(text).as_deref(), Some(expected), "{text}");
            assert_eq!(when(expected).as_deref(), Some(expected));
        }
        for text in ["", "20", "m", "20 chairs", "24:00", "10:5", "10:60", "1:23:00", "end-30!", "the way", "-5m"] {
            assert_eq!(when(text), None, "{text}");
        }
        for text in ["in", "in 20", "in end-30", "at 20m", "at end-30", "at", "in the hall", "час", "in 1:60", "010:30"]
        {
            assert_eq!(when(text), None, "{text}");
        }
        for text in ["0m", "10081m", "169h", "99999999999999999999999m", "end-10081", "in 169:00", "in 0:00"] {
            assert_eq!(When::parse(text), Err(TooFar), "{text}");
        }
    }

    #[test]
    fn moments_of_the_contest() {
        for (text, anchor, offset_min) in [
            ("start", Anchor::Start, 0),
            ("start+5", Anchor::Start, 5),
            ("END", Anchor::End, 0),
            ("конец−60", Anchor::End, -60),
            ("Начало+007", Anchor::Start, 7),
        ] {
            let read = ContestMoment::parse(text);
            assert_eq!(read, Ok(Some(ContestMoment { anchor, offset_min })), "{text}");
        }
        for text in ["", "starts", "start+", "start+x", "start+-5", "begin+5", "+5", "start+５", "start!"] {
            assert_eq!(ContestMoment::parse(text), Ok(None), "{text}");
        }
        assert_eq!([ContestMoment::is_bare("Start"), ContestMoment::is_bare("start!")], [true, false]);
    }

    #[test]
    fn a_time_of_day_is_the_next_such_time_here() {
        let at = |wall_min: i64, zone_min: i64| {
            let due =
                When::parse("10:45").unwrap().unwrap().due(wall_min * MINUTE_MS, zone_min * MINUTE_MS, Speed::REAL);
            let DueAt::Day { at_ms } = due else { panic!("{due:?}") };
            at_ms / MINUTE_MS - wall_min
        };
        assert_eq!((at(0, 0), at(10 * 60 + 44, 0), at(10 * 60 + 45, 0)), (645, 1, 1_440));
        assert_eq!((at(0, 180), at(0, -300)), (465, 945));
    }

    fn due(text: &str) -> DueAt {
        When::parse(text).unwrap().unwrap().due(0, 0, Speed::REAL)
    }

    fn shown(elapsed_min: i64, total_min: i64, phase: Phase, over_min: i64) -> ShownTime {
        let reading = Reading { elapsed_ms: elapsed_min * MINUTE_MS, total_ms: total_min * MINUTE_MS, phase };
        ShownTime {
            wall_ms: 600 * MINUTE_MS,
            reading: Some(reading),
            over_ms: over_min * MINUTE_MS,
            speed: Speed::REAL,
        }
    }

    #[test]
    fn a_moment_of_the_contest_is_waited_for_while_its_clock_is_known_and_runs() {
        let left_min = |elapsed_min, total_min, phase| {
            due("end-30").left_ms(shown(elapsed_min, total_min, phase, 0)).map(|left_ms| left_ms / MINUTE_MS)
        };
        assert_eq!(
            due("end-30").left_ms(ShownTime { wall_ms: 0, reading: None, over_ms: 0, speed: Speed::REAL }),
            None
        );
        assert_eq!((left_min(0, 300, Phase::Before), left_min(-5, 300, Phase::Counting)), (None, Some(275)));
        assert_eq!((left_min(200, 300, Phase::Running), left_min(200, 300, Phase::Paused)), (Some(70), None));
        assert_eq!((left_min(270, 300, Phase::Paused), left_min(270, 240, Phase::Over)), (Some(0), Some(-60)));
    }

    #[test]
    fn what_is_after_the_end_comes_as_long_after_it_also_where_the_contest_was_ended_early() {
        let left_min = |text, elapsed_min, phase, over_min| {
            due(text).left_ms(shown(elapsed_min, 300, phase, over_min)).map(|left_ms| left_ms / MINUTE_MS)
        };
        assert_eq!(left_min("end+10", 300, Phase::Over, 4), Some(6));
        assert_eq!(left_min("end+10", 300, Phase::Running, 10), Some(0), "its system says nothing more");
        assert_eq!(left_min("start+310", 300, Phase::Over, 4), Some(6));
        assert_eq!(left_min("end+10", 240, Phase::Over, 4), Some(6), "ended early");
        assert_eq!(
            (left_min("end-30", 240, Phase::Over, 40), left_min("start+250", 240, Phase::Over, 40)),
            (None, None)
        );
        assert_eq!(left_min("end+10", 300, Phase::Paused, 0), None);
        assert_eq!(left_min("end-30", 300, Phase::Over, 40), Some(-30));
    }

    #[test]
    fn a_moment_is_a_time_of_day_as_far_as_that_is_known() {
        let wall_min = |text, now| due(text).wall_ms(now).map(|wall_ms| wall_ms / MINUTE_MS);
        assert_eq!(wall_min("20m", shown(0, 300, Phase::Before, 0)), Some(20));
        assert_eq!(wall_min("start-15", shown(-40, 300, Phase::Counting, 0)), Some(625));
        assert_eq!(wall_min("end-60", shown(250, 300, Phase::Running, 0)), Some(590), "it has gone");
        assert_eq!(wall_min("end-60", shown(100, 300, Phase::Paused, 0)), None);
        assert_eq!(wall_min("end-60", shown(0, 300, Phase::Before, 0)), None);
        assert_eq!(wall_min("end+10", shown(300, 300, Phase::Over, 3)), Some(607));
        assert_eq!(wall_min("end-60", shown(300, 300, Phase::Over, 0)), Some(540));
    }

    #[test]
    fn numbers_without_sense_do_not_overflow() {
        for text in ["start-10080", "end+10080"] {
            for number in [i64::MIN, 0, i64::MAX] {
                for other in [i64::MIN, 0, i64::MAX] {
                    for phase in [Phase::Running, Phase::Over] {
                        let reading = Reading { elapsed_ms: number, total_ms: other, phase };
                        let now =
                            ShownTime { wall_ms: other, reading: Some(reading), over_ms: number, speed: Speed::REAL };
                        due(text).wall_ms(now);
                    }
                }
            }
        }
    }
}
