//! The contest clock: the last reading, carried forward in time, unless somebody has set it by hand. The readings come
//! from the binary.

pub mod hand;
mod speed;

pub use self::speed::Speed;

use crate::limits;
use crate::refusal::Refusal;
use std::ops::Range;

/// The phase of the contest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not yet started; the start is unknown, or the countdown is stopped.
    Before,
    /// Not yet started; the countdown runs.
    Counting,
    /// Running.
    Running,
    /// Paused.
    Paused,
    /// Over.
    Over,
}

impl Phase {
    /// Reads the word or the digit that contest systems write.
    pub fn parse(text: &str) -> Option<Phase> {
        Some(match text.trim().to_ascii_uppercase().as_str() {
            "BEFORE" | "1" => Phase::Before,
            "RUNNING" | "2" => Phase::Running,
            "PAUSED" | "3" => Phase::Paused,
            "OVER" | "4" => Phase::Over,
            _ => return None,
        })
    }

    /// The name by which it is kept.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Before => "before",
            Phase::Counting => "counting",
            Phase::Running => "running",
            Phase::Paused => "paused",
            Phase::Over => "over",
        }
    }

    /// The phase of such a name.
    pub fn named(name: &str) -> Result<Phase, Refusal> {
        let all = [Phase::Before, Phase::Counting, Phase::Running, Phase::Paused, Phase::Over];
        let found = all.into_iter().find(|phase| phase.name() == name);
        found.ok_or(Refusal::Malformed { what: "the phase of a clock", wanted: "known" })
    }

    /// Its number on the wire, which has none for a countdown.
    pub fn on_wire(self) -> u8 {
        match self {
            Phase::Before | Phase::Counting => 1,
            Phase::Running => 2,
            Phase::Paused => 3,
            Phase::Over => 4,
        }
    }

    /// Whether contest time passes.
    pub fn ticks(self) -> bool {
        matches!(self, Phase::Counting | Phase::Running)
    }

    /// Whether the contest has begun.
    pub fn has_begun(self) -> bool {
        !matches!(self, Phase::Before | Phase::Counting)
    }
}

/// One reading of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Contest time that has passed, in ms; negative before the start, if that is known.
    pub elapsed_ms: i64,
    /// Length of the contest, in ms.
    pub total_ms: i64,
    /// The phase of the contest.
    pub phase: Phase,
}

impl Reading {
    /// What the clock shows now, by a reading of that age: a ticking clock has run on, at most to the end of the
    /// contest. `None` for a reading that is older than the contest is long: it is left over from another day.
    pub fn aged(self, age_ms: i64) -> Option<Reading> {
        (!self.phase.ticks() || age_ms <= self.total_ms).then(|| self.carried(age_ms))
    }

    /// The same reading, carried forward: a countdown that reaches zero becomes a running contest.
    pub fn carried(self, gone_ms: i64) -> Reading {
        if !self.phase.ticks() {
            return self;
        }
        let end_ms = self.total_ms.max(self.elapsed_ms);
        let elapsed_ms = self.elapsed_ms.saturating_add(gone_ms.max(0)).min(end_ms);
        let phase = if elapsed_ms < 0 { self.phase } else { Phase::Running };
        Reading { elapsed_ms, phase, ..self }
    }

    /// The same; over once all of its time has passed.
    pub fn over_at_end(self) -> Reading {
        match self.phase {
            Phase::Running if self.elapsed_ms >= self.total_ms => {
                Reading { elapsed_ms: self.total_ms, phase: Phase::Over, ..self }
            }
            _ => self,
        }
    }

    /// The contest time that packets show, in ms: zero before the start.
    pub fn shown_ms(self) -> i64 {
        self.elapsed_ms.max(0)
    }
}

/// The contest clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContestClock {
    reading: Reading,
    read_at_ms: i64,
    /// For how much longer it has stood at its end than the reading says, in ms of contest time.
    over_ms: i64,
    speed: Speed,
}

impl ContestClock {
    /// A clock with its first reading, taken at `now_ms`.
    pub fn new(reading: Reading, now_ms: i64) -> ContestClock {
        ContestClock { reading, read_at_ms: now_ms, over_ms: 0, speed: Speed::REAL }
    }

    /// The same at that speed.
    pub fn at_speed(self, speed: Speed) -> ContestClock {
        ContestClock { speed, ..self }
    }

    /// How fast contest time passes.
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// A clock with a reading that is so old at `now_ms`, in ms of contest time.
    pub fn old(reading: Reading, age_ms: i64, now_ms: i64) -> ContestClock {
        let over_ms = ContestClock::new(reading, 0).over_ms(age_ms.max(0));
        ContestClock::new(reading.carried(age_ms), now_ms).over_for(over_ms)
    }

    /// The same, which has stood at its end for so long; one that is not at its end has not, and one that counts on beyond
    /// it says by itself for how long.
    fn over_for(self, over_ms: i64) -> ContestClock {
        let Reading { elapsed_ms, total_ms, phase } = self.reading;
        let is_over = phase == Phase::Over || phase.ticks() && elapsed_ms == total_ms;
        let known_ms = self.over_ms(self.read_at_ms);
        let more_ms = if is_over { over_ms.saturating_sub(known_ms).max(0) } else { 0 };
        ContestClock { over_ms: self.over_ms.saturating_add(more_ms), ..self }
    }

    /// The same, which had stood at its end for so long before it was read.
    pub fn over_before(self, over_ms: i64) -> ContestClock {
        let known_ms = self.over_ms(self.read_at_ms);
        self.over_for(known_ms.saturating_add(over_ms.max(0)))
    }

    /// Takes a newer reading and returns whether people must hear of it. A ticking clock that seems to have started a
    /// little later than before was only read late, so the earlier start is kept.
    pub fn update(&mut self, reading: Reading, now_ms: i64) -> bool {
        self.take(reading, now_ms, 0..limits::CLOCK_SMOOTHING_MS)
    }

    /// The same for a reading that tells the start itself: whichever way it has moved, it has moved.
    pub fn update_exactly(&mut self, reading: Reading, now_ms: i64) -> bool {
        self.take(reading, now_ms, -limits::CLOCK_JITTER_MS..limits::CLOCK_JITTER_MS)
    }

    /// `kept`: so much later than before a start may be and still be the same.
    fn take(&mut self, reading: Reading, now_ms: i64, kept: Range<i64>) -> bool {
        let before = self.at(now_ms);
        let runs = before.phase.ticks() && before.phase == reading.phase;
        if runs && self.reading.total_ms == reading.total_ms {
            let start_ms = |now_ms: i64, reading: Reading| now_ms.saturating_sub(reading.elapsed_ms);
            let known_ms = start_ms(self.read_at_ms, self.reading).saturating_sub(self.over_ms);
            let late_ms = start_ms(now_ms, reading).saturating_sub(known_ms);
            if kept.contains(&late_ms) {
                return false;
            }
        }
        let same = self.reading == reading && !runs;
        // Its system says later that it is over than it was, and need not count on beyond the end.
        let over_ms = self.over_ms(now_ms);
        let over_ms = match reading.phase {
            Phase::Over => over_ms,
            _ => before.elapsed_ms.min(before.total_ms).saturating_add(over_ms).saturating_sub(reading.total_ms),
        };
        *self = ContestClock::new(reading, now_ms).over_for(over_ms);
        !same
    }

    /// For how long it has stood at its end at `now_ms`, in ms of contest time.
    pub fn over_ms(&self, now_ms: i64) -> i64 {
        let Reading { elapsed_ms, total_ms, phase } = self.reading;
        let gone_ms = self.speed.contest_ms(now_ms.saturating_sub(self.read_at_ms).max(0));
        let passed_ms = match phase {
            Phase::Over => gone_ms,
            _ if phase.ticks() => gone_ms.saturating_add(elapsed_ms).saturating_sub(total_ms).max(0),
            _ => 0,
        };
        passed_ms.saturating_add(self.over_ms)
    }

    /// What the clock shows at `now_ms`.
    pub fn at(&self, now_ms: i64) -> Reading {
        self.reading.carried(self.speed.contest_ms(now_ms.saturating_sub(self.read_at_ms)))
    }

    /// When the contest begins if nothing more is read, in ms; never, unless the start comes nearer.
    pub fn begins_at_ms(&self) -> i64 {
        match self.reading.phase {
            Phase::Counting => self.read_at_ms.saturating_sub(self.reading.elapsed_ms.min(0)),
            _ => i64::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(elapsed_ms: i64) -> Reading {
        Reading { elapsed_ms, total_ms: 18_000_000, phase: Phase::Running }
    }

    #[test]
    fn a_late_reading_does_not_set_the_clock_back() {
        let mut clock = ContestClock::new(running(1_000), 10_000);
        assert!(!clock.update(running(1_000), 14_000));
        assert_eq!(clock.at(14_000).elapsed_ms, 5_000);
        assert!(clock.update(running(1_000), 80_000), "a minute is more than a late reading");
        assert!(clock.update(running(9_000), 80_000), "an earlier start is taken at once");
        assert_eq!(clock.at(81_000).elapsed_ms, 10_000);
    }

    #[test]
    fn an_exact_reading_moves_the_start_either_way_and_a_tremble_does_not() {
        let mut clock = ContestClock::new(running(100_000), 0);
        assert!(!clock.update_exactly(running(100_400), 1_000), "the network takes its time");
        assert_eq!(clock.at(1_000).elapsed_ms, 101_000);
        assert!(clock.update_exactly(running(98_000), 1_000), "a stretch was taken out");
        assert!(clock.update_exactly(running(99_500), 1_000), "and put back");
        assert_eq!(clock.at(2_000).elapsed_ms, 100_500);
    }

    #[test]
    fn an_old_look_at_a_clock_that_runs_has_run_on() {
        let elapsed = |reading: Reading, age_ms| reading.aged(age_ms).map(|now| now.elapsed_ms);
        assert_eq!(elapsed(running(1_000), 12_000), Some(13_000));
        assert_eq!(elapsed(running(1_000), -12_000), Some(1_000), "written in the future: a clock is wrong");
        assert_eq!(elapsed(running(17_999_000), 12_000), Some(18_000_000), "it ends at the end");
        assert_eq!(elapsed(running(18_000_007), 12_000), Some(18_000_007));
        assert_eq!(elapsed(running(1_000), 18_000_000), Some(18_000_000));
        assert_eq!(elapsed(running(1_000), 18_000_001), None, "left from another day");
        assert_eq!(elapsed(running(1_000), i64::MAX), None);
        for phase in [Phase::Before, Phase::Paused, Phase::Over] {
            let stands = Reading { phase, ..running(1_000) };
            assert_eq!(stands.aged(i64::MAX), Some(stands));
        }
    }

    #[test]
    fn a_countdown_becomes_the_contest_when_its_time_has_come() {
        let countdown = Reading { phase: Phase::Counting, ..running(-5_000) };
        let mut clock = ContestClock::new(countdown, 10_000);
        assert_eq!((clock.at(14_999), clock.begins_at_ms()), (Reading { elapsed_ms: -1, ..countdown }, 15_000));
        assert_eq!(clock.at(15_000), running(0));
        assert_eq!(clock.at(17_000), running(2_000));
        assert!(!clock.update(running(1_990), 17_000), "read a moment late");
        assert_eq!(clock.at(17_000), running(2_000), "the start that was counted down to is kept");
        let mut clock = ContestClock::new(countdown, 10_000);
        assert!(!clock.update(Reading { elapsed_ms: -4_500, ..countdown }, 11_000), "the same start");
        assert!(clock.update(Reading { elapsed_ms: -900_000, ..countdown }, 11_000), "moved");
        assert!(clock.update(Reading { phase: Phase::Before, ..running(-900_000) }, 11_000), "the countdown stands");
        assert_eq!((clock.at(99_000_000).elapsed_ms, clock.begins_at_ms()), (-900_000, i64::MAX));
        assert_eq!(clock.at(11_000).shown_ms(), 0);
    }

    #[test]
    fn how_long_it_has_been_over_is_counted_from_its_end_whenever_that_is_said() {
        let over = |elapsed_ms| Reading { phase: Phase::Over, ..running(elapsed_ms) };
        let mut clock = ContestClock::new(running(17_999_000), 0);
        assert_eq!((clock.over_ms(1_000), clock.over_ms(4_000)), (0, 3_000));
        assert!(clock.update(over(18_000_000), 6_000));
        assert_eq!(clock.over_ms(7_000), 6_000, "its end was a second after the first reading");
        assert!(!clock.update(over(18_000_000), 9_000));
        assert_eq!(clock.over_ms(9_500), 8_500, "also where it is said again and again");
        assert!(clock.update(running(17_000_000), 10_000), "it goes on");
        assert_eq!(clock.over_ms(11_000), 0);
        let old = |reading, age_ms| ContestClock::old(reading, age_ms, 50_000);
        assert_eq!(old(running(17_999_000), 3_000).over_ms(51_000), 3_000);
        assert_eq!(old(over(17_000_000), 3_000).over_ms(51_000), 4_000);
        assert_eq!(old(running(17_000_000), 3_000), ContestClock::new(running(17_003_000), 50_000));
        assert_eq!(old(over(17_000_000), -3_000).over_ms(50_000), 0, "the time of day was set back");
        assert_eq!(old(over(17_000_000), 3_000).over_before(7_000).over_ms(50_000), 10_000);
        assert_eq!(old(running(17_000_000), 3_000).over_before(7_000).over_ms(50_000), 0);
        // It was set back while nobody looked, from three minutes after its end to half a minute before it.
        let mut clock = old(running(17_990_000), 190_000);
        assert!(clock.update(running(17_970_000), 50_000));
        assert_eq!((clock.at(50_000), clock.over_ms(50_000)), (running(17_970_000), 0));
        // A system that says its last second again and again, and one that counts on.
        let mut clock = ContestClock::new(running(18_000_000), 0);
        assert!(clock.update(running(18_000_000), 70_000) && clock.update(running(18_000_000), 140_000));
        assert_eq!(clock.over_ms(150_000), 150_000);
        assert!(clock.update(running(18_190_000), 160_000));
        assert_eq!(clock.over_ms(170_000), 200_000);
        assert!(clock.update(Reading { total_ms: 18_120_000, ..running(18_120_000) }, 170_000), "it is longer");
        assert_eq!(clock.over_ms(170_000), 80_000);
        assert!(clock.update(running(18_020_000), 180_000));
        assert_eq!(clock.over_ms(190_000), 30_000);
    }

    #[test]
    fn phases_by_word_and_digit() {
        let all = [("before", "1"), ("RUNNING", " 2 "), ("Paused\n", "3"), ("OVER", "4")];
        let read = all.map(|(word, digit)| [Phase::parse(word), Phase::parse(digit)]);
        let phases = [Phase::Before, Phase::Running, Phase::Paused, Phase::Over];
        assert_eq!(read, phases.map(|phase| [Some(phase), Some(phase)]));
        assert!(["", "0", "5", "22", "run"].iter().all(|word| Phase::parse(word).is_none()));
    }

    #[test]
    fn only_a_clock_that_runs_on_is_no_news() {
        let at_10_s = ContestClock::new(running(5_000), 10_000);
        let in_phase = |phase, elapsed_ms| Reading { phase, ..running(elapsed_ms) };
        let news = |mut clock: ContestClock, reading| clock.update(reading, 12_000);
        assert!(!news(at_10_s, running(6_000)), "read a second late");
        assert!(news(at_10_s, in_phase(Phase::Paused, 6_000)));
        assert!(news(at_10_s, Reading { total_ms: 18_000_001, ..running(6_000) }));
        let paused = ContestClock::new(in_phase(Phase::Paused, 5_000), 10_000);
        assert!(news(paused, running(6_000)));
        assert!(news(paused, in_phase(Phase::Paused, 4_000)));
        assert!(!news(paused, in_phase(Phase::Paused, 5_000)));
    }

    #[test]
    fn numbers_without_sense_do_not_overflow() {
        for elapsed_ms in [i64::MIN, i64::MAX] {
            let mut clock = ContestClock::new(running(-elapsed_ms.saturating_add(1)), 10_000);
            clock.update(running(elapsed_ms), 20_000);
            clock.update(running(0), -20_000);
            clock.at(i64::MAX);
        }
    }

    #[test]
    fn a_running_clock_stops_at_the_end_and_a_stopped_one_stands() {
        let mut clock = ContestClock::new(running(17_999_000), 0);
        assert_eq!(clock.at(5_000).elapsed_ms, 18_000_000);
        let paused = Reading { phase: Phase::Paused, ..running(7) };
        assert!(clock.update(paused, 0));
        assert!(!clock.update(paused, 1_000));
        assert_eq!(clock.at(99_000).elapsed_ms, 7);
    }
}
