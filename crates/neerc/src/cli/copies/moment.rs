//! How a moment is written to which a store is brought back, in the time of this machine.

use jiff::civil::{DateTime, Time};
use jiff::{Timestamp, Zoned};
use neerc_store::Moment;

/// What can be written.
pub const WANTED: &str = "14:32, 14:32:05, 2026-11-26T14:32:05, 2026-11-26T14:32:05Z or r12345";

/// Reads the moment that an option gives. A time of day is the last one that has been.
pub fn parse(option: &str, text: &str, now: &Zoned) -> Result<Moment, String> {
    let wrong = || format!("{option} is {text:?}: must be like {WANTED}");
    if let Some(number) = text.strip_prefix('r') {
        return number.parse().map(Moment::Revision).map_err(|_| wrong());
    }
    let at = |zoned: Zoned| Moment::At(zoned.timestamp().as_millisecond());
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(Moment::At(timestamp.as_millisecond()));
    }
    let local = |civil: DateTime| civil.to_zoned(now.time_zone().clone()).map_err(|_| wrong());
    if let Ok(civil) = text.parse::<DateTime>() {
        return local(civil).map(at);
    }
    // A time with a date would be read as one without.
    let time = text.parse::<Time>().map_err(|_| wrong())?;
    let today = local(now.date().to_datetime(time))?;
    if today <= *now {
        return Ok(at(today));
    }
    let yesterday = now.date().yesterday().map_err(|_| wrong())?;
    local(yesterday.to_datetime(time)).map(at)
}

/// A time in ms since 1970 as people write it.
pub fn written(ms: i64, now: &Zoned) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or_default();
    at.to_zoned(now.time_zone().clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now: Zoned = "2026-11-26T15:00:00+03:00[+03:00]".parse().unwrap();
        let check = |text: &str, expected: &str| {
            let Moment::At(ms) = parse("--at", text, &now).unwrap() else { panic!("{text}") };
            assert_eq!(written(ms, &now), expected, "{text}");
        };
        check("14:32", "2026-11-26 14:32:00");
        check("14:32:05", "2026-11-26 14:32:05");
        check("15:00", "2026-11-26 15:00:00");
        check("15:01", "2026-11-25 15:01:00");
        check("2026-11-26T14:32", "2026-11-26 14:32:00");
        check("2026-11-25 14:32:05", "2026-11-25 14:32:05");
        check("2026-11-26T11:32:05Z", "2026-11-26 14:32:05");
        check("2026-11-26T14:32:05+02:00", "2026-11-26 15:32:05");
        assert_eq!(parse("--at", "r12345", &now), Ok(Moment::Revision(12_345)));
        for text in ["", "r", "r-1", "yesterday", "25:00", "14.32", "2026-13-01T00:00"] {
            assert!(parse("--at", text, &now).unwrap_err().starts_with("--at is "), "{text}");
        }
    }
}
