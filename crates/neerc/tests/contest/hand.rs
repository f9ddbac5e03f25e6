//! What an admin does to a clock, as the people who do it understand it.

use crate::system::Stand;
use neerc_core::clock::Phase;
use neerc_core::clock::hand::ClockAct;

const DAY_MS: i64 = 24 * 60 * 60_000;

/// A clock that was set by hand.
#[derive(Clone, Copy, Debug)]
pub struct Hand {
    /// What it showed when it was set; its time is that of the time of day.
    pub set: Stand,
    /// What it shows, by the time that passes.
    pub stand: Stand,
}

impl Hand {
    /// What it shows: such a clock is over once its time has passed.
    pub fn at(self, now_ms: i64) -> Stand {
        over_at_end(self.stand.at(now_ms))
    }
}

/// The same; over, once all of its time has passed.
pub fn over_at_end(now: Stand) -> Stand {
    match now.phase {
        Phase::Running if now.elapsed_ms >= now.total_ms => {
            Stand { phase: Phase::Over, elapsed_ms: now.total_ms, ..now }
        }
        _ => now,
    }
}

/// What such a clock shows after that act; `None` if the act makes no sense. `of_day_ms`: the time of day.
pub fn after(act: ClockAct, shown: Option<Stand>, of_day_ms: i64, nothing: Stand) -> Option<Stand> {
    let now = shown.unwrap_or(nothing);
    let begun = !matches!(now.phase, Phase::Before | Phase::Counting);
    let anew = Stand { elapsed_ms: 0, phase: Phase::Running, ..now };
    Some(match act {
        ClockAct::Start if begun => return None,
        ClockAct::Start | ClockAct::Restart => anew,
        ClockAct::StartAt { of_day_ms: start_ms } => {
            let since_ms = (of_day_ms - start_ms).rem_euclid(DAY_MS);
            if since_ms * now.speed < now.total_ms {
                Stand { elapsed_ms: since_ms * now.speed, ..anew }
            } else {
                Stand { elapsed_ms: (since_ms - DAY_MS) * now.speed, phase: Phase::Counting, ..anew }
            }
        }
        ClockAct::Pause if now.phase == Phase::Running => Stand { phase: Phase::Paused, ..now },
        ClockAct::Pause if now.phase == Phase::Counting => Stand { phase: Phase::Before, ..now },
        ClockAct::Pause => return None,
        ClockAct::Resume if now.phase == Phase::Before && now.elapsed_ms < 0 => Stand { phase: Phase::Counting, ..now },
        ClockAct::Resume if now.phase == Phase::Paused => Stand { phase: Phase::Running, ..now },
        ClockAct::Resume if now.phase == Phase::Over && now.elapsed_ms < now.total_ms => {
            Stand { phase: Phase::Running, ..now }
        }
        ClockAct::Resume => return None,
        ClockAct::Set { elapsed_ms } if elapsed_ms > now.total_ms => return None,
        ClockAct::Set { elapsed_ms } if now.phase == Phase::Paused => Stand { elapsed_ms, ..now },
        ClockAct::Set { elapsed_ms } => Stand { elapsed_ms, ..anew },
        ClockAct::Length { total_ms } if begun && total_ms <= now.elapsed_ms => {
            Stand { elapsed_ms: total_ms, total_ms, phase: Phase::Over, ..now }
        }
        ClockAct::Length { total_ms } => Stand { total_ms, ..now },
        ClockAct::Over => Stand { elapsed_ms: now.elapsed_ms.max(0), phase: Phase::Over, ..now },
        ClockAct::Rehearse { speed } => Stand { speed: i64::from(speed.times()), ..now },
        ClockAct::Follow | ClockAct::EndRehearsal => return None,
    })
}
