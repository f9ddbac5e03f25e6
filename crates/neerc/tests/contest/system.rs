//! Contest systems, each with what it says and with what is true: contest time is counted here by adding up what passes, not
//! by the rules of the documents.

use neerc_core::clock::hand::SetClock;
use neerc_core::clock::{Phase, Reading};
use neerc_testing::random::Random;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60_000;

/// What a clock shows at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stand {
    /// When, in ms.
    pub at_ms: i64,
    /// Contest time at that time, also beyond the end of the contest, in ms.
    pub elapsed_ms: i64,
    /// The length of the contest, in ms.
    pub total_ms: i64,
    /// The phase.
    pub phase: Phase,
    /// For how long it is known to be over, in ms.
    pub over_ms: i64,
    /// How many times as fast as time itself its time passes.
    pub speed: i64,
}

impl Stand {
    /// What a reading of that time says.
    pub fn of(at_ms: i64, Reading { elapsed_ms, total_ms, phase }: Reading) -> Stand {
        Stand { at_ms, elapsed_ms, total_ms, phase, over_ms: 0, speed: 1 }
    }

    /// What a clock that is set by hand shows at that time of day.
    pub fn of_set(set: &SetClock) -> Stand {
        Stand { speed: i64::from(set.speed.times()), ..Stand::of(set.at_ms, set.reading) }
    }

    /// The same at another time, if nobody touches it.
    pub fn at(self, at_ms: i64) -> Stand {
        let passed_ms = (at_ms - self.at_ms) * self.speed;
        let gone_ms = if matches!(self.phase, Phase::Counting | Phase::Running) { passed_ms } else { 0 };
        let elapsed_ms = self.elapsed_ms + gone_ms;
        let phase = if self.phase == Phase::Counting && elapsed_ms >= 0 { Phase::Running } else { self.phase };
        let over_ms = match phase {
            Phase::Over => self.over_ms + passed_ms,
            Phase::Running if self.elapsed_ms >= self.total_ms => {
                (elapsed_ms - self.total_ms).max(self.over_ms + gone_ms)
            }
            Phase::Running => (elapsed_ms - self.total_ms).max(0),
            _ => 0,
        };
        Stand { at_ms, elapsed_ms, phase, over_ms, ..self }
    }

    /// What people see of it.
    pub fn shown_ms(self) -> i64 {
        self.elapsed_ms.min(self.total_ms)
    }
}

/// Nobody has said anything yet.
pub fn nothing(now_ms: i64) -> Stand {
    Stand { at_ms: now_ms, elapsed_ms: 0, total_ms: 300 * MINUTE_MS, phase: Phase::Before, over_ms: 0, speed: 1 }
}

/// What a contest system says from some time on. Times are in s since a moment that all of them share.
#[derive(Clone, Copy, Debug)]
pub enum Said {
    /// When it starts.
    Starts(i64),
    /// The start is unknown.
    NoStart,
    /// The countdown stands, so long before the start; some give a start beside it.
    Stands { left_s: i64, start_s: Option<i64> },
    /// When it has started.
    Started(i64),
    /// How long it takes.
    Lasts(i64),
    /// When it was ended.
    Ended(i64),
}

/// A contest system that is asked over HTTP. Its clock is so far ahead of the machine's.
pub struct Clics {
    pub ahead_ms: i64,
    start_ms: Option<i64>,
    countdown_ms: Option<i64>,
    started_ms: Option<i64>,
    ended_ms: Option<i64>,
    /// Start, end and contest time of each.
    removed: Vec<(i64, Option<i64>, i64)>,
    stand: Stand,
    /// How often something was changed.
    pub version: u64,
}

fn written(ms: Option<i64>) -> String {
    ms.map_or("null".to_owned(), |ms| format!("\"{}\"", jiff::Timestamp::from_millisecond(ms).unwrap()))
}

fn length(ms: i64) -> String {
    let (sign, ms) = (if ms < 0 { "-" } else { "" }, ms.abs());
    let seconds = ms / 1_000;
    format!("{sign}{}:{:02}:{:02}.{:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60, ms % 1_000)
}

impl Clics {
    /// A contest of which nothing is known but its length.
    pub fn new(ahead_ms: i64, now_ms: i64) -> Clics {
        let stand = Stand { total_ms: 40 * MINUTE_MS, ..nothing(now_ms) };
        Clics {
            ahead_ms,
            start_ms: None,
            countdown_ms: None,
            started_ms: None,
            ended_ms: None,
            removed: Vec::new(),
            stand,
            version: 0,
        }
    }

    /// What is true now.
    pub fn stand(&self, now_ms: i64) -> Stand {
        self.stand.at(now_ms)
    }

    /// `contests/<id>`.
    pub fn contest(&self) -> String {
        let countdown = self.countdown_ms.map_or("null".to_owned(), |ms| format!("\"{}\"", length(ms)));
        let (start, total) = (written(self.start_ms), length(self.stand.total_ms));
        format!(r#"{{"id":"demo","start_time":{start},"countdown_pause_time":{countdown},"duration":"{total}"}}"#)
    }

    /// `contests/<id>/state`.
    pub fn state(&self) -> String {
        let interval = |(start, end, contest): &(i64, Option<i64>, i64)| {
            let (start, end) = (written(Some(*start)), written(*end));
            format!(r#"{{"start":{start},"end":{end},"contest_time":"{}"}}"#, length(*contest))
        };
        let removed: Vec<String> = self.removed.iter().map(interval).collect();
        let (started, ended) = (written(self.started_ms), written(self.ended_ms));
        format!(r#"{{"started":{started},"ended":{ended},"removed_intervals":[{}]}}"#, removed.join(","))
    }

    /// It says something else from now on; `zero_ms`: when all times begin.
    pub fn say(&mut self, said: Said, zero_ms: i64, now_ms: i64) {
        let (mine_ms, now) = (now_ms + self.ahead_ms, self.stand.at(now_ms));
        let at_ms = |at_s: i64| zero_ms + self.ahead_ms + at_s * SECOND_MS;
        let begun = self.started_ms.is_some();
        self.version += 1;
        self.stand = match said {
            Said::Starts(at_s) => {
                (self.start_ms, self.countdown_ms) = (Some(at_ms(at_s)), None);
                let elapsed_ms = mine_ms - at_ms(at_s);
                let phase = if elapsed_ms < 0 { Phase::Counting } else { Phase::Running };
                if begun { now } else { Stand { elapsed_ms, phase, ..now } }
            }
            Said::NoStart => {
                (self.start_ms, self.countdown_ms) = (None, None);
                if begun { now } else { Stand { elapsed_ms: 0, phase: Phase::Before, ..now } }
            }
            Said::Stands { left_s, start_s } => {
                (self.start_ms, self.countdown_ms) = (start_s.map(at_ms), Some(left_s * SECOND_MS));
                if begun { now } else { Stand { elapsed_ms: -left_s * SECOND_MS, phase: Phase::Before, ..now } }
            }
            Said::Started(at_s) => {
                self.started_ms = Some(at_ms(at_s));
                Stand { elapsed_ms: mine_ms - at_ms(at_s), phase: Phase::Running, ..now }
            }
            Said::Lasts(total_s) => Stand { total_ms: total_s * SECOND_MS, ..now },
            Said::Ended(at_s) => {
                self.ended_ms = Some(at_ms(at_s));
                let elapsed_ms = (now.elapsed_ms + at_ms(at_s) - mine_ms).clamp(0, now.total_ms);
                Stand { elapsed_ms, phase: Phase::Over, ..now }
            }
        };
    }

    /// Somebody at the contest does something.
    pub fn act(&mut self, random: &mut Random, now_ms: i64) -> &'static str {
        let (mine_ms, now) = (now_ms + self.ahead_ms, self.stand.at(now_ms));
        self.stand = now;
        self.version += 1;
        let (begun, runs) = (self.started_ms.is_some(), now.phase == Phase::Running);
        match random.below(12) {
            0..3 if !begun => self.plan(mine_ms + random.ms(-3 * MINUTE_MS, 8 * MINUTE_MS), mine_ms),
            3 if !begun => {
                (self.start_ms, self.countdown_ms) = (None, None);
                self.stand = Stand { elapsed_ms: 0, phase: Phase::Before, ..now };
                "the start is unknown"
            }
            4 if now.phase == Phase::Counting => {
                self.countdown_ms = Some(-now.elapsed_ms);
                self.start_ms = self.start_ms.filter(|_| random.one_in(3)); // one server gives both
                self.stand = Stand { phase: Phase::Before, ..now };
                "the countdown is stopped"
            }
            5 | 6 if !begun => {
                let started_ms = self.start_ms.filter(|_| runs).unwrap_or(mine_ms) + random.ms(-2, 2) * SECOND_MS;
                self.started_ms = Some(started_ms.min(mine_ms));
                self.countdown_ms = self.countdown_ms.filter(|_| random.one_in(2));
                let elapsed_ms = mine_ms - started_ms.min(mine_ms);
                self.stand = Stand { elapsed_ms, phase: Phase::Running, ..now };
                "it has begun"
            }
            0 | 1 if begun && runs => {
                self.removed.push((mine_ms, None, now.elapsed_ms));
                self.stand = Stand { phase: Phase::Paused, ..now };
                "it is paused"
            }
            0..5 if now.phase == Phase::Paused => {
                self.removed.last_mut().unwrap().1 = Some(mine_ms);
                self.stand = Stand { phase: Phase::Running, ..now };
                "it goes on"
            }
            2 | 3 if begun && runs => self.remove_afterwards(random, mine_ms),
            10 if begun && now.phase != Phase::Over => {
                self.ended_ms = Some(mine_ms);
                self.stand = Stand { phase: Phase::Over, elapsed_ms: now.elapsed_ms.clamp(0, now.total_ms), ..now };
                "it is ended"
            }
            11 if begun => {
                (self.started_ms, self.ended_ms, self.removed) = (None, None, Vec::new());
                self.plan(mine_ms + random.ms(SECOND_MS, 6 * MINUTE_MS), mine_ms);
                "its start is taken back"
            }
            8 if begun && self.ended_ms.is_none() => {
                self.ended_ms = Some(mine_ms + 43 * 365 * 24 * 3_600 * SECOND_MS);
                "its end is somebody's wrong sum"
            }
            _ => {
                let total_ms = random.ms(25, 45) * MINUTE_MS;
                if now.phase != Phase::Over {
                    self.stand = Stand { total_ms, ..now };
                }
                "its length is changed"
            }
        }
    }

    fn plan(&mut self, start_ms: i64, mine_ms: i64) -> &'static str {
        (self.start_ms, self.countdown_ms) = (Some(start_ms), None);
        let elapsed_ms = mine_ms - start_ms;
        let phase = if elapsed_ms < 0 { Phase::Counting } else { Phase::Running };
        self.stand = Stand { elapsed_ms, phase, ..self.stand };
        "its start is planned"
    }

    /// Time steps back: a stretch that has passed is none of the contest's.
    fn remove_afterwards(&mut self, random: &mut Random, mine_ms: i64) -> &'static str {
        let ends = self.removed.iter().filter_map(|(_, end_ms, _)| *end_ms).max();
        let least_ms = ends.into_iter().chain(self.started_ms).max().unwrap_or(mine_ms);
        let most_ms = (mine_ms - least_ms).clamp(0, 5 * MINUTE_MS);
        let gone_ms = random.ms(0, most_ms);
        let start_ms = least_ms + random.ms(0, mine_ms - least_ms - gone_ms);
        self.removed.push((start_ms, Some(start_ms + gone_ms), 0));
        self.stand.elapsed_ms -= gone_ms;
        "a stretch is taken out afterwards"
    }
}

/// A contest system that writes a file now and then.
pub struct Writer {
    stand: Stand,
    /// What stands in the file.
    pub written: Stand,
    period_ms: i64,
}

impl Writer {
    /// One that writes every so often.
    pub fn new(period_ms: i64, now_ms: i64) -> Writer {
        let stand = Stand { total_ms: 40 * MINUTE_MS, ..nothing(now_ms) };
        Writer { stand, written: stand, period_ms }
    }

    /// What is true now; such a system ends by itself.
    pub fn stand(&self, now_ms: i64) -> Stand {
        let now = self.stand.at(now_ms);
        let is_over = now.phase == Phase::Running && now.elapsed_ms >= now.total_ms;
        if is_over { Stand { phase: Phase::Over, elapsed_ms: now.total_ms, ..now } } else { now }
    }

    /// Time has passed: it may be time to write.
    pub fn pass(&mut self, now_ms: i64) {
        let now = self.stand(now_ms);
        let is_late = now_ms - self.written.at_ms >= self.period_ms && now.phase == Phase::Running;
        if is_late || now.phase != self.written.phase || now.total_ms != self.written.total_ms {
            self.written = now;
        }
    }

    /// Somebody at the contest does something.
    pub fn act(&mut self, random: &mut Random, now_ms: i64) -> &'static str {
        let now = self.stand(now_ms);
        self.stand = now;
        let what = match (random.below(6), now.phase) {
            (0..3, Phase::Before) => {
                self.stand = Stand { elapsed_ms: 0, phase: Phase::Running, ..now };
                "the file's contest begins"
            }
            (0 | 1, Phase::Running) => {
                self.stand = Stand { phase: Phase::Paused, ..now };
                "the file's contest is paused"
            }
            (0..4, Phase::Paused) => {
                self.stand = Stand { phase: Phase::Running, ..now };
                "the file's contest goes on"
            }
            (2 | 3, Phase::Running) => {
                self.stand.elapsed_ms = (now.elapsed_ms - 5 * MINUTE_MS).max(0);
                "the file's clock steps back by five minutes"
            }
            (4, Phase::Running | Phase::Paused) => {
                self.stand.elapsed_ms = (now.elapsed_ms + random.ms(1, 10) * MINUTE_MS).min(now.total_ms);
                "the file's clock jumps ahead"
            }
            (0, Phase::Over) => {
                self.stand = Stand { elapsed_ms: 0, phase: Phase::Before, ..now };
                "the file has another contest"
            }
            _ => {
                self.stand.total_ms = (random.ms(25, 45) * MINUTE_MS).max(now.elapsed_ms);
                "the file's contest has another length"
            }
        };
        self.written = self.stand;
        what
    }
}
