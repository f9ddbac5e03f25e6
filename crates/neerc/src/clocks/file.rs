//! The clock file that contest systems write: one XML element with `time` (elapsed ms), `length` (ms) and `status`
//! (`BEFORE`, `RUNNING`, `PAUSED`, `OVER`, or 1 to 4). Read whole every second; a file caught half-written is simply read
//! again, and until then the last reading counts.

use super::{ClockLook, Format, json};
use crate::limits;
use neerc_core::clock::{Phase, Reading};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use tokio::sync::mpsc;

/// What is wrong with a file that ends too early, as one does that is being written.
const UNFINISHED: &str = "it ends in the middle of its XML element";

/// Reads the file every second and sends what it finds. Ends when nobody listens.
/// `wall_ms` gives the time of day.
///
/// A reading that was seen to change is of this moment. What is found at a start, or after the file could not be read,
/// is as old as the file: a contest system may write only when something happens, and the clock ran on since then.
pub async fn watch(
    file: PathBuf,
    format: Format,
    wall_ms: fn() -> i64,
    (place, looks): (usize, mpsc::Sender<(usize, ClockLook)>),
) {
    let mut ticks = tokio::time::interval(limits::CLOCK_POLL);
    let mut last: Option<Reading> = None;
    let mut is_watched = false; // it was read a moment ago
    loop {
        ticks.tick().await;
        let found = match read(&file, format).await {
            Ok(Found { reading, .. }) if last == Some(reading) => Ok(None),
            Ok(Found { reading, .. }) if is_watched => Ok(Some((reading, reading))),
            Ok(Found { reading, written_ms }) => {
                let age_ms = wall_ms().saturating_sub(written_ms.unwrap_or(i64::MAX)).max(0);
                match reading.aged(age_ms) {
                    Some(now) => Ok(Some((reading, now))),
                    None => Err(stale(reading, age_ms)),
                }
            }
            Err(problem) => Err(problem),
        };
        is_watched = found.is_ok();
        let look = match found {
            Ok(None) => ClockLook::Same,
            Ok(Some((reading, now))) => {
                last = Some(reading);
                ClockLook::Reading(now)
            }
            Err(problem) => ClockLook::Nothing(format!("the clock file {} cannot be used: {problem}", file.display())),
        };
        if looks.send((place, look)).await.is_err() {
            return;
        }
    }
}

fn stale(reading: Reading, age_ms: i64) -> String {
    let minutes = |ms: i64| ms / 60_000;
    format!(
        "it says that a contest of {} minutes runs, but was written {} minutes ago; it is used once it is written anew",
        minutes(reading.total_ms),
        minutes(age_ms)
    )
}

/// What stands in the file, and since when, if that is known.
struct Found {
    reading: Reading,
    written_ms: Option<i64>,
}

/// What stands in the file now; an error says why it cannot be read.
pub fn try_read(file: &Path, format: Format) -> Result<Reading, String> {
    found(file, format).map(|found| found.reading)
}

async fn read(file: &Path, format: Format) -> Result<Found, String> {
    let path = file.to_owned();
    tokio::task::spawn_blocking(move || found(&path, format)).await.map_err(|e| e.to_string())?
}

fn found(path: &Path, format: Format) -> Result<Found, String> {
    let read = || {
        let found = std::fs::metadata(path)?;
        if !found.is_file() {
            return Err(io::Error::other("it is no plain file")); // a pipe would be waited for
        }
        let file = File::open(path)?;
        let written = file.metadata()?.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let mut bytes = Vec::new();
        file.take(limits::CLOCK_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limits::CLOCK_FILE_BYTES {
            return Err(io::Error::other(format!("it has more than {} bytes", limits::CLOCK_FILE_BYTES)));
        }
        Ok((bytes, written.and_then(|since| i64::try_from(since.as_millis()).ok())))
    };
    let (bytes, written_ms) = read().map_err(|error: io::Error| error.to_string())?;
    Ok(Found { reading: reading(&bytes, format)?, written_ms })
}

/// What the bytes of such a file say.
pub fn reading(bytes: &[u8], format: Format) -> Result<Reading, String> {
    let text = text(bytes);
    match format {
        Format::Pcms => parse(&text),
        Format::Json => json::reading(&text),
    }
}

/// The text of a file in UTF-8 or UTF-16, by its first bytes. What is read of it are ASCII words, so an old encoding of
/// what else stands there does no harm.
fn text(bytes: &[u8]) -> String {
    let units = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).filter_map(|two| two.first_chunk().copied().map(unit)).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Reads the text of a clock file: the attributes of the root of a whole document.
fn parse(text: &str) -> Result<Reading, String> {
    let mut reader = Reader::from_str(text);
    let mut depth = 0_usize;
    let mut root: Option<Reading> = None;
    loop {
        let event = reader.read_event().map_err(|error| match text.trim_end().ends_with('>') {
            true => format!("it is no XML: {error}"),
            false => UNFINISHED.to_owned(),
        })?;
        match event {
            Event::Start(tag) => {
                open(&mut root, depth, &tag)?;
                depth += 1;
            }
            Event::Empty(tag) => open(&mut root, depth, &tag)?,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(text) if depth == 0 && !text.trim().is_empty() => {
                return Err("it is no XML: there is text outside of its element".to_owned());
            }
            Event::CData(_) | Event::GeneralRef(_) if depth == 0 => {
                return Err("it is no XML: there is text outside of its element".to_owned());
            }
            Event::Eof if depth > 0 => return Err(UNFINISHED.to_owned()),
            Event::Eof => return root.ok_or_else(|| "it holds no XML element".to_owned()),
            _ => {} // comments, the declaration, a document type, and what stands within the element
        }
    }
}

/// An element begins; only the first counts, and there is only one that is not within another.
fn open(root: &mut Option<Reading>, depth: usize, tag: &BytesStart<'_>) -> Result<(), String> {
    match (depth, &root) {
        (0, None) => *root = Some(of_element(tag)?),
        (0, Some(_)) => return Err("it is no XML: there is a second element after the first".to_owned()),
        _ => {}
    }
    Ok(())
}

fn of_element(tag: &BytesStart<'_>) -> Result<Reading, String> {
    let mut found = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| format!("it is no XML: {error}"))?;
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| format!("it is no XML: {error}"))?;
        found.push((attribute.key, value.into_owned()));
    }
    let attribute = |name: &str| {
        let value = found.iter().find(|(key, _)| key.as_ref() == name).map(|(_, value)| value.as_str());
        value.ok_or_else(|| format!("the attribute '{name}' is missing"))
    };
    let number = |name: &str| {
        let text = attribute(name)?;
        let number = text.trim().parse::<i64>().ok().filter(|ms| *ms >= 0);
        number.ok_or_else(|| format!("{name}='{text}' is no number of milliseconds"))
    };
    let status = attribute("status")?;
    let phase = Phase::parse(status);
    let phase = phase.ok_or_else(|| format!("status='{status}' is none of BEFORE, RUNNING, PAUSED, OVER"))?;
    Ok(Reading { elapsed_ms: number("time")?, total_ms: number("length")?, phase })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Reading = Reading { elapsed_ms: 1_234_567, total_ms: 18_000_000, phase: Phase::Running };

    #[test]
    fn an_element_in_a_comment_was_taken_for_the_clock() {
        let clock = "<clock time='1234567' length='18000000' status='RUNNING'/>";
        let other = "<clock time='0' length='18000000' status='OVER'/>";
        for before in [
            format!("<!-- {other} -->\n"),
            format!("<!-- {other} > -->"),
            format!("<?was {other}?>"),
            format!("<!DOCTYPE clock [<!-- {other} --><!ELEMENT clock EMPTY>]>"),
        ] {
            assert_eq!(parse(&format!("{before}{clock}")), Ok(EXPECTED), "{before}");
            assert_eq!(parse(&format!("{clock}{before}")), Ok(EXPECTED), "behind: {before}");
        }
        let whole =
            format!("<clock time='1234567' length='18000000' status='RUNNING'><![CDATA[{other}]]>{other}</clock>");
        assert_eq!(parse(&whole), Ok(EXPECTED));
        for (text, problem) in [
            (format!("<![CDATA[{other}]]>{clock}"), "there is text outside"),
            (format!("{clock}{other}"), "there is a second element"),
            (format!("12:00 {clock}"), "there is text outside"),
        ] {
            assert!(parse(&text).unwrap_err().contains(problem), "{text}");
        }
    }

    #[test]
    fn what_contest_systems_write() {
        for text in [
            "<clock length=\"18000000\" time=\"1234567\" status=\"RUNNING\"/>",
            "<?xml version='1.0'?>\n<!-- x -->\n<state time='1234567' status='2' length='18000000'></state>\n",
            "<?xml version=\"1.0\" encoding=\"windows-1251\"?><clock\n  time = '1234567'\r\n\tlength='18000000' status=' running '>\n</clock>",
            "<c:clock xmlns:c='urn:c' c:time='0' time='12&#x33;4567' status='&#50;' length='18000000' name='&lt;&amp;&gt;'/>",
        ] {
            assert_eq!(parse(text), Ok(EXPECTED), "{text}");
        }
    }

    #[test]
    fn encodings_are_told_by_the_first_bytes() {
        let clock = "<?xml version='1.0'?><clock time='1234567' length='18000000' status='RUNNING' name='Финал'/>";
        let utf_16 = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
            mark.into_iter().chain(clock.encode_utf16().flat_map(bytes)).collect::<Vec<_>>()
        };
        let all = [
            clock.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", clock.as_bytes()].concat(),
            utf_16([0xff, 0xfe], u16::to_le_bytes),
            utf_16([0xfe, 0xff], u16::to_be_bytes),
            b"<clock time='1234567' length='18000000' status='RUNNING' name='\xd4\xe8\xed\xe0\xeb'/>".to_vec(),
        ];
        for bytes in all {
            assert_eq!(parse(&text(&bytes)), Ok(EXPECTED), "{bytes:?}");
        }
    }

    #[test]
    fn half_written_and_wrong_files_say_what_is_wrong() {
        for (text, problem) in [
            ("", "it holds no XML element"),
            ("<!-- x -->", "it holds no XML element"),
            ("<clock length='1' status='2'/>", "the attribute 'time' is missing"),
            ("<clock length='1' time='-5' status='2'/>", "time='-5' is no number of milliseconds"),
            ("<clock length='1' time='5' status='0'/>", "status='0' is none of BEFORE, RUNNING, PAUSED, OVER"),
        ] {
            assert_eq!(parse(text), Err(problem.to_owned()), "{text}");
        }
        assert!(parse("<clock length='1' length='2' time='5' status='2'/>").unwrap_err().starts_with("it is no XML: "));
        assert!(parse("<clock length='&one;' time='5' status='2'/>").unwrap_err().starts_with("it is no XML: "));
        let whole =
            "<?xml version='1.0'?>\n<clock time='1234567' length='18000000' status='RUNNING'><a b='>'/></clock>";
        for end in 0..whole.len() {
            let half = parse(&whole[..end]);
            assert!(half.is_err(), "{half:?} of {}", &whole[..end]);
        }
    }
}
