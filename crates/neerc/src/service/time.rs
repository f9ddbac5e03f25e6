//! Where time enters: the steady one that everything waits by, and the time of day that people are shown.

use crate::limits;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds that never go back, and start as the time of day.
#[derive(Clone, Copy, Debug)]
pub struct Steady {
    began: Instant,
    began_ms: i64,
}

impl Steady {
    /// Starts now.
    pub fn start() -> Steady {
        Steady { began: Instant::now(), began_ms: wall_ms() }
    }

    /// The time for everything that waits and repeats, in ms since 1970 as it was known at the start.
    pub fn now_ms(self) -> i64 {
        self.now_us().div_euclid(1_000)
    }

    /// The same in µs.
    pub fn now_us(self) -> i64 {
        let began_us = self.began_ms.saturating_mul(1_000);
        began_us.saturating_add(i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX))
    }

    /// How long ago that was, in ms.
    pub fn age_ms(self) -> i64 {
        self.now_ms().saturating_sub(self.began_ms)
    }

    /// The instant of a time in ms; far ahead is far enough.
    pub fn at(self, ms: i64) -> Instant {
        let from_start = u64::try_from(ms.saturating_sub(self.began_ms)).unwrap_or(0);
        self.began + Duration::from_millis(from_start.min(limits::SLEEP_MS))
    }
}

/// How far the local time of day is ahead of UTC now, in ms.
pub fn zone_ms() -> i64 {
    let now = jiff::Timestamp::from_millisecond(wall_ms()).unwrap_or_default();
    i64::from(jiff::tz::TimeZone::system().to_offset(now).seconds()) * 1_000
}

/// The time of day, in ms since 1970, for what people are shown.
#[allow(clippy::disallowed_methods)] // here is where time enters
pub fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
