//! Moments and lengths of time as contest systems write them (CLICS Contest API, TIME and RELTIME), in all the dress that
//! was seen of them. A moment without an offset is refused: nobody knows which zone was meant.

use jiff::civil::Date;
use jiff::tz::Offset;

/// Years that a contest may be in; outside of them somebody has added a start twice.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2200;

/// A moment, `2031-10-12T10:00:00.000+03:00`, in ms since 1970. The offset may lack its minutes or its colon, or be `Z`;
/// a second may have one digit and any number of decimals, of which three count.
pub fn moment(text: &str) -> Result<i64, String> {
    moment_of(text).ok_or_else(|| {
        format!("\"{}\" is no moment, such as 2031-10-12T10:00:00.000+03:00 with its offset", excerpt(text))
    })
}

fn moment_of(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, rest) = text.split_at_checked(10)?;
    let mut parts = date.split('-');
    let mut next = |digits: usize| parts.next().filter(|part| part.len() == digits).and_then(number);
    let (year, month, day) = (next(4)?, next(2)?, next(2)?);
    let year = i16::try_from(year).ok().filter(|year| YEARS.contains(year))?;
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let sign = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, offset) = rest.split_at(sign);
    let of_day_ms = clock_face(clock.trim_end(), 23)?;
    let offset_s = offset_s(offset)?;
    let midnight = date.to_datetime(jiff::civil::Time::midnight());
    let midnight_s = Offset::UTC.to_timestamp(midnight).ok()?.as_second();
    Some((midnight_s - offset_s) * 1_000 + of_day_ms)
}

/// The offset behind a moment, in s.
fn offset_s(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.get(1..)?;
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let part = |text: &str, most: i64| number(text).filter(|n| text.len() == 2 && *n <= most);
    let ahead_s = part(hours, 18)? * 3_600 + part(minutes, 59)? * 60;
    (ahead_s <= super::limits::FARTHEST_S).then_some(sign * ahead_s)
}

/// A length of time, `-0:12:34.000` or `192:00:00`, in ms.
pub fn length(text: &str) -> Result<i64, String> {
    let bare = text.trim();
    let (sign, bare) = bare.strip_prefix('-').map_or((1, bare), |rest| (-1, rest));
    let ms = clock_face(bare, super::limits::LONGEST_H).filter(|_| bare.matches(':').count() == 2);
    ms.map(|ms| sign * ms).ok_or_else(|| format!("\"{}\" is no length of time, such as 5:00:00.000", excerpt(text)))
}

/// `h:mm:ss` or `h:mm`, with decimals of a second and one digit of it at least, in ms.
fn clock_face(text: &str, most_hours: i64) -> Option<i64> {
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0"));
    if parts.next().is_some() {
        return None;
    }
    let (seconds, decimals) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let hours = number(hours).filter(|hours| *hours <= most_hours)?;
    let minutes = number(minutes).filter(|n| minutes.len() == 2 && *n <= 59)?;
    // A leap second is the second before it.
    let seconds = number(seconds).filter(|n| seconds.len() <= 2 && *n <= 60)?.min(59);
    number(decimals)?;
    let ms = decimals.bytes().chain(*b"00").take(3).fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0'));
    Some(((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms)
}

/// A number of decimal digits and nothing else; a long one is as large as can be.
fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(i64::MAX))
}

fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_in_every_dress_that_contest_systems_write_them() {
        let ten = 1_949_554_800_000; // 2031-10-12T10:00:00+03:00
        for (text, ms) in [
            ("2031-10-12T10:00:00.000+03:00", ten),
            ("2031-10-12T10:00:00+03", ten),
            ("2031-10-12T10:00:00.000+0300", ten),
            ("2031-10-12T10:00+03:00", ten),
            ("2031-10-12 10:00:00+03:00", ten),
            ("2031-10-12T07:00:00Z", ten),
            ("2031-10-12T07:00:00.000+00", ten),
            ("2031-10-12T02:00:00.004-05", ten + 4),
            ("2031-10-12T03:00:00.8-04:00", ten + 800),
            ("2031-10-12T02:00:0.000-0500", ten),
            ("2031-10-12T10:00:00.123456789+03:00", ten + 123),
            ("2031-10-12T10:00:60+03:00", ten + 59_000),
            (" 2031-10-12T10:00:00.000+03:00\n", ten),
        ] {
            assert_eq!(moment(text), Ok(ms), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment() {
        for text in [
            "",
            "2031-10-12",
            "2031-10-12T10:00:00", // whose?
            "2031-10-12T10:00:00.000",
            "2031-13-12T10:00:00Z",
            "2031-02-29T10:00:00Z",
            "2031-10-12T24:00:00Z",
            "2031-10-12T10:60:00Z",
            "2031-10-12T10:00:00+3",
            "2031-10-12T10:00:00+19:00",
            "2031-10-12T10:00:00-18:01",
            "2031-10-12T10:00:00+1о0", // the letter is of two bytes
            "2031-10-12T10:00:00.x+03:00",
            "9999-12-31T10:00:00Z",
            "1969-12-31T10:00:00Z",
            "2031-10-12T1:2:3:4Z",
            "двадцать",
            "2031-10-1é10:00:00Z",
        ] {
            assert!(moment(text).is_err(), "{text}");
        }
        let words = moment("2031-10-12T10:00:00").unwrap_err();
        assert_eq!(
            words,
            "\"2031-10-12T10:00:00\" is no moment, such as 2031-10-12T10:00:00.000+03:00 with its offset"
        );
    }

    #[test]
    fn lengths_in_every_dress() {
        let hour = 3_600_000;
        for (text, ms) in [
            ("5:00:00.000", 5 * hour),
            ("5:00:00", 5 * hour),
            ("01:00:00", hour),
            ("024:00:00", 24 * hour),
            ("192:00:00", 192 * hour),
            ("0:01:30.5", 90_500),
            ("-0:12:34.000", -754_000),
            ("0:00:00", 0),
        ] {
            assert_eq!(length(text), Ok(ms), "{text}");
        }
        for text in
            ["", "5:00", "300", "5:60:00", "5:00:61", "1:2:3", "-", "--1:00:00", "10001:00:00", "5:00:00:00", "x:00:00"]
        {
            assert!(length(text).is_err(), "{text}");
        }
    }
}
