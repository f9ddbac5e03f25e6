//! When a moment has come, as the people understand it who have planned something for it.

use crate::life::MINUTE_MS;
use crate::system::Stand;
use neerc_core::clock::Phase;
use neerc_core::moment::{Anchor, ContestMoment};

/// The time of day, which is set now and then: from when on it was ahead by how much.
#[derive(Default)]
pub struct WallTime(Vec<(i64, i64)>);

impl WallTime {
    /// It is set.
    pub fn set(&mut self, now_ms: i64, ahead_ms: i64) {
        self.0.push((now_ms, ahead_ms));
    }

    /// When it was set last.
    pub fn set_ms(&self) -> i64 {
        self.0.last().map_or(i64::MIN, |(set_ms, _)| *set_ms)
    }

    /// What it is.
    pub fn at(&self, now_ms: i64) -> i64 {
        now_ms + self.0.last().map_or(0, |(_, ahead_ms)| *ahead_ms)
    }

    /// Whether it has shown a time between then and now.
    pub fn has_shown(&self, at_ms: i64, then_ms: i64, now_ms: i64) -> bool {
        let until_ms = |n: usize| self.0.get(n + 1).map_or(now_ms, |(set_ms, _)| *set_ms);
        let before = self.0.first().map_or(now_ms, |(set_ms, _)| *set_ms);
        let stretches = self.0.iter().enumerate().map(|(n, (_, ahead_ms))| (until_ms(n), *ahead_ms));
        [(before, 0)]
            .into_iter()
            .chain(stretches)
            .any(|(end_ms, ahead_ms)| end_ms >= then_ms && end_ms + ahead_ms >= at_ms)
    }
}

/// When a moment is in a contest of that length, in ms of contest time.
fn contest_ms(moment: ContestMoment, total_ms: i64) -> i64 {
    let base_ms = if moment.anchor == Anchor::End { total_ms } else { 0 };
    base_ms + moment.offset_min * MINUTE_MS
}

/// Whether a moment of the contest has come by a clock that shows this; `early_ms`: or will come so soon. After the end time
/// goes on, from when it was really over.
pub fn has_come(moment: ContestMoment, now: Stand, early_ms: i64) -> bool {
    let contest_ms = contest_ms(moment, now.total_ms);
    let is_over = now.phase == Phase::Over || now.phase == Phase::Running && now.elapsed_ms >= now.total_ms;
    let end_ms = if moment.anchor == Anchor::End { now.total_ms } else { now.shown_ms() };
    let is_after = is_over && contest_ms > now.total_ms && end_ms + now.over_ms + early_ms >= contest_ms;
    now.phase != Phase::Before && (now.shown_ms() + early_ms >= contest_ms || is_after)
}
