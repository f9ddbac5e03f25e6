//! The clock of a contest, as it really is: what the service says of it must be near.

use crate::world::SLACK_MS;
use neerc_core::clock::{Phase, Reading};
use neerc_core::limits;
use neerc_testing::random::Random;

/// What it was, from each moment on.
#[derive(Default)]
pub struct Contest(Vec<(i64, Reading)>);

/// How long after it was turned the service may say the old state: it looks every 5 s.
const STALE_MS: i64 = 5_000 + 2 * SLACK_MS;

impl Contest {
    /// Somebody starts, stops or sets it.
    pub fn turn(&mut self, random: &mut Random, now_ms: i64) {
        let phase = [Phase::Before, Phase::Running, Phase::Running, Phase::Paused, Phase::Over][random.below(5)];
        let total_ms = [18_000_000, 18_000_000, 18_600_000][random.below(3)];
        let elapsed_ms = match (self.read(now_ms, 0), random.below(3)) {
            (Some(now), 0 | 1) => now.elapsed_ms,
            _ => random.ms(0, total_ms),
        };
        self.0.push((now_ms, Reading { elapsed_ms, total_ms, phase }));
    }

    /// What it shows; `late_ms` ago, if it runs.
    pub fn read(&self, now_ms: i64, late_ms: i64) -> Option<Reading> {
        let (since_ms, reading) = *self.0.last()?;
        Some(carried(reading, (now_ms - since_ms - late_ms).max(0)))
    }

    /// What was said of it may be said late, and what was known of it may not have been looked at since.
    pub fn unsure(&mut self, now_ms: i64) {
        if let Some(now) = self.read(now_ms, 0) {
            let known = |(since_ms, reading): &(i64, Reading)| [*reading, carried(*reading, now_ms - since_ms)];
            self.0 = self.0.iter().flat_map(known).chain([now]).map(|reading| (now_ms, reading)).collect();
        }
    }

    /// Something is said of it.
    pub fn check(&self, now_ms: i64, phase: &str, elapsed_ms: i64, total_ms: i64) {
        let possible = self.0.iter().enumerate().filter(|(at, _)| {
            let until_ms = self.0.get(at + 1).map_or(i64::MAX, |next| next.0);
            until_ms.saturating_add(STALE_MS) >= now_ms
        });
        let near = |(since_ms, reading): &(i64, Reading)| {
            let true_ms = carried(*reading, now_ms - since_ms).elapsed_ms;
            let off_ms = (elapsed_ms - true_ms).abs();
            phase == reading.phase.on_wire().to_string()
                && total_ms == reading.total_ms
                && off_ms <= limits::CLOCK_SMOOTHING_MS + STALE_MS
        };
        assert!(possible.clone().any(|(_, state)| near(state)), "the clock is not {phase} {elapsed_ms} of {total_ms}");
    }

    /// Whether something may hold of what the service knows of it now, and of how long it knows it to be over.
    pub fn may_show(&self, now_ms: i64, holds: impl Fn(Reading, i64) -> bool) -> bool {
        let is_known = |at: usize| self.0.get(at + 1).is_none_or(|next| next.0.saturating_add(STALE_MS) >= now_ms);
        self.0.iter().enumerate().any(|(at, (since_ms, reading))| {
            is_known(at) && holds(carried(*reading, now_ms - since_ms), self.over_ms(at, now_ms))
        })
    }

    /// For how long it is over by what it was from then on.
    fn over_ms(&self, at: usize, now_ms: i64) -> i64 {
        let Some((since_ms, reading)) = self.0.get(at) else { return 0 };
        let gone_ms = now_ms - since_ms;
        match reading.phase {
            // It may have been at its end before somebody said so.
            Phase::Over => gone_ms + at.checked_sub(1).map_or(0, |before| self.over_ms(before, *since_ms)),
            Phase::Running => (reading.elapsed_ms + gone_ms - reading.total_ms).max(0),
            _ => 0,
        }
    }

    /// What it showed then, if nobody has touched it since.
    pub fn settled(&self, then_ms: i64) -> Option<Reading> {
        let (since_ms, reading) = *self.0.last()?;
        (since_ms < then_ms).then(|| carried(reading, then_ms - since_ms))
    }

    /// From when to when phase or length changed last, and what they are. What was turned back before the service has looked
    /// may be as if it never was.
    pub fn turned(&self) -> Option<([i64; 2], &'static str, i64)> {
        let (_, last) = self.0.last()?;
        let same = |reading: &Reading| reading.phase == last.phase && reading.total_ms == last.total_ms;
        let of = |at: usize| self.0.get(at).map_or(i64::MAX, |(since_ms, _)| *since_ms);
        let is_other = |at: &usize| self.0.get(*at).is_some_and(|(_, reading)| !same(reading));
        let was_seen = |at: &usize| is_other(at) && of(at + 1).saturating_sub(of(*at)) > STALE_MS;
        let [surely, at_last] = [(0..self.0.len()).rev().find(was_seen), (0..self.0.len()).rev().find(is_other)];
        let [surely, at_last] = [surely, at_last].map(|at| of(at.map_or(0, |at| at + 1)));
        let phase = ["0", "1", "2", "3", "4"][usize::from(last.phase.on_wire())];
        Some(([surely, at_last], phase, last.total_ms))
    }
}

fn carried(reading: Reading, gone_ms: i64) -> Reading {
    if reading.phase != Phase::Running {
        return reading;
    }
    let elapsed_ms = (reading.elapsed_ms + gone_ms).min(reading.total_ms.max(reading.elapsed_ms));
    Reading { elapsed_ms, ..reading }
}
