//! Where time enters: the steady one that everything waits by, and the time of day that people are shown.

use crate::config::log::LogTime;
use crate::limits;
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A clock that nobody can set. On Linux it also counts while the machine is suspended, as a contest does.
#[cfg(target_os = "linux")]
const STEADY: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const STEADY: ClockId = ClockId::Monotonic;

/// Milliseconds that never go back, and start as the time of day.
#[derive(Clone, Copy, Debug)]
pub struct Steady {
    /// By the clock that nobody can set, in µs.
    began_us: i64,
    began_ms: i64,
}

impl Steady {
    /// Starts now.
    pub fn start() -> Steady {
        Steady { began_us: steady_us(), began_ms: wall_ms() }
    }

    /// The time for everything that waits and repeats, in ms since 1970 as it was known at the start.
    pub fn now_ms(self) -> i64 {
        self.now_us().div_euclid(1_000)
    }

    /// The same in µs.
    pub fn now_us(self) -> i64 {
        let began_us = self.began_ms.saturating_mul(1_000);
        began_us.saturating_add(steady_us().saturating_sub(self.began_us))
    }

    /// How long ago that was, in ms.
    pub fn age_ms(self) -> i64 {
        self.now_ms().saturating_sub(self.began_ms)
    }

    /// When to look again for what is due at a time in ms. Timers do not count while the machine is suspended, so that is
    /// never far ahead.
    pub fn at(self, ms: i64) -> Instant {
        let left_us = ms.saturating_mul(1_000).saturating_sub(self.now_us());
        let left_us = u64::try_from(left_us).unwrap_or(0).min(limits::SLEEP_MS * 1_000);
        Instant::now() + Duration::from_micros(left_us)
    }
}

/// A clock that nobody can set, and that counts while the machine is suspended, in ms.
pub fn steady_ms() -> i64 {
    steady_us().div_euclid(1_000)
}

/// That clock now, in µs.
fn steady_us() -> i64 {
    let now = clock_gettime(STEADY);
    now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000)
}

/// The clock by which supervisors tell when something was said, in µs.
pub fn monotonic_us() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000)
}

/// A moment in ms since 1970 as programs read it, in UTC, to a second.
pub fn moment_of(ms: i64) -> String {
    jiff::Timestamp::from_second(ms.div_euclid(1_000)).unwrap_or_default().to_string()
}

/// How much processor time this process has taken, in ms.
pub fn processor_ms() -> i64 {
    let taken = clock_gettime(ClockId::ProcessCPUTime);
    taken.tv_sec.saturating_mul(1_000).saturating_add(taken.tv_nsec / 1_000_000)
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

/// The moment at the beginning of a line of the log.
#[allow(clippy::disallowed_methods)] // here is where time enters
pub fn stamp(time: LogTime) -> String {
    let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap_or_default();
    match time {
        LogTime::Utc => format!("{now:.6}"),
        LogTime::Local => now.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steady_time_goes_on_as_instants_do_and_no_sleep_is_long() {
        let (began, steady) = (Instant::now(), Steady::start());
        let (since, first_us) = (Instant::now(), steady.now_us());
        while steady.now_us() < first_us + 20_000 {
            std::hint::spin_loop();
        }
        let passed = since.elapsed();
        assert!(passed >= Duration::from_micros(19_999), "{passed:?} of 20 ms");
        assert!(steady.age_ms() >= 20 && Duration::from_millis(steady.age_ms() as u64) <= began.elapsed());
        for ms in [i64::MIN, 0] {
            assert!(steady.at(ms) <= Instant::now(), "what is overdue is due now");
        }
        let longest = Duration::from_millis(limits::SLEEP_MS);
        assert!(steady.at(i64::MAX) <= Instant::now() + longest);
    }
}
