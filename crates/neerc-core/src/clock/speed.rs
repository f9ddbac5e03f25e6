//! How fast contest time passes: as time itself does, or faster in a rehearsal.

use crate::limits;
use crate::refusal::{Refusal, excerpt};

/// How many times as fast as time itself contest time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed(u16);

impl Default for Speed {
    fn default() -> Speed {
        Speed::REAL
    }
}

impl Speed {
    /// As fast as time itself.
    pub const REAL: Speed = Speed(1);

    /// So many times as fast; `None` for more than there may be.
    pub fn new(times: u16) -> Option<Speed> {
        (1..=limits::REHEARSAL_SPEED).contains(&times).then_some(Speed(times))
    }

    /// Reads a speed as it is written: `x60`, `60x` or `60`.
    pub fn parse(text: &str) -> Result<Speed, Refusal> {
        const TIMES: [char; 5] = ['x', 'X', 'х', 'Х', '×'];
        let digits = text.trim().trim_start_matches(TIMES).trim_end_matches(TIMES).trim();
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let times = if is_number { digits.parse().ok() } else { None };
        times.and_then(Speed::new).ok_or_else(|| Refusal::BadSpeed { speed: excerpt(text) })
    }

    /// How many times.
    pub fn times(self) -> u16 {
        self.0
    }

    /// How much contest time passes in so much time, in ms.
    pub fn contest_ms(self, real_ms: i64) -> i64 {
        real_ms.saturating_mul(i64::from(self.0))
    }

    /// How long so much contest time takes to pass, in ms: not less.
    pub fn real_ms(self, contest_ms: i64) -> i64 {
        let times = i64::from(self.0);
        contest_ms.div_euclid(times).saturating_add(i64::from(contest_ms.rem_euclid(times) > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_as_they_are_written() {
        for (text, times) in [("x60", 60), ("60x", 60), (" 1 ", 1), ("х600", 600), ("×2", 2), ("X 10", 10)] {
            assert_eq!(Speed::parse(text).map(Speed::times), Ok(times), "{text}");
        }
        for text in ["", "x", "0", "x601", "-1", "1.5", "99999999999999", "fast"] {
            assert!(matches!(Speed::parse(text), Err(Refusal::BadSpeed { .. })), "{text}");
        }
    }

    #[test]
    fn what_contest_time_takes_is_never_too_little() {
        let speed = Speed::parse("x60").unwrap();
        assert_eq!((speed.contest_ms(1_000), speed.real_ms(60_000), speed.real_ms(60_001)), (60_000, 1_000, 1_001));
        assert_eq!((speed.real_ms(-60_001), speed.real_ms(1), speed.real_ms(0)), (-1_000, 1, 0));
        assert_eq!((speed.contest_ms(i64::MAX), Speed::REAL.real_ms(i64::MAX)), (i64::MAX, i64::MAX));
        for contest_ms in -200..200 {
            assert!(speed.contest_ms(speed.real_ms(contest_ms)) >= contest_ms);
        }
    }
}
