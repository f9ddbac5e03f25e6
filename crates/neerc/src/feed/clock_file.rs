//! The clock file that contest systems write: one XML element with `time` (elapsed ms), `length` (ms) and `status`
//! (`BEFORE`, `RUNNING`, `PAUSED`, `OVER`, or 1 to 4). Read whole every second; a file caught half-written is simply read
//! again.

use neerc_core::clock::{Phase, Reading};
use neerc_core::limits;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

/// Reads the file every second and sends each reading that differs from the one before. Ends when nobody listens.
pub async fn watch(file: PathBuf, readings: mpsc::Sender<Reading>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(limits::CLOCK_POLL_MS));
    let mut last: Option<Reading> = None;
    let mut last_problem: Option<String> = None;
    loop {
        ticks.tick().await;
        match read(&file).await {
            Ok(reading) => {
                last_problem = None;
                if last != Some(reading) {
                    last = Some(reading);
                    if readings.send(reading).await.is_err() {
                        return;
                    }
                }
            }
            Err(problem) => {
                if last_problem.as_ref() != Some(&problem) {
                    tracing::warn!("the clock file {} cannot be read: {problem}", file.display());
                    last_problem = Some(problem);
                }
            }
        }
    }
}

async fn read(file: &Path) -> Result<Reading, String> {
    let path = file.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let bytes = std::fs::metadata(&path)?.len();
        if bytes > limits::CLOCK_FILE_BYTES {
            return Err(std::io::Error::other(format!(
                "it has {bytes} bytes; at most {} are read",
                limits::CLOCK_FILE_BYTES
            )));
        }
        std::fs::read_to_string(&path)
    });
    let text = read.await.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
    parse(&text)
}

/// Reads the text of a clock file.
fn parse(text: &str) -> Result<Reading, String> {
    let root = text
        .match_indices('<')
        .map(|(at, _)| &text[at..])
        .find(|rest| !rest.starts_with("<?") && !rest.starts_with("<!"));
    let root = root.filter(|_| text.trim_end().ends_with('>')).ok_or("it holds no XML element")?;
    let element = neerc_xmpp::xml::parse_head(root.as_bytes(), "").ok_or("it holds no XML element")?;
    let attribute = |name: &str| element.attr(name).ok_or_else(|| format!("the attribute '{name}' is missing"));
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

    #[test]
    fn what_contest_systems_write() {
        let expected = Reading { elapsed_ms: 1_234_567, total_ms: 18_000_000, phase: Phase::Running };
        for text in [
            "<clock length=\"18000000\" time=\"1234567\" status=\"RUNNING\"/>",
            "<?xml version='1.0'?>\n<!-- x -->\n<state time='1234567' status='2' length='18000000'></state>\n",
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn half_written_and_wrong_files_say_what_is_wrong() {
        for (text, problem) in [
            ("", "it holds no XML element"),
            ("<clock length='18000000' tim", "it holds no XML element"),
            ("<clock length='1' status='2'/>", "the attribute 'time' is missing"),
            ("<clock length='1' time='-5' status='2'/>", "time='-5' is no number of milliseconds"),
            ("<clock length='1' time='5' status='0'/>", "status='0' is none of BEFORE, RUNNING, PAUSED, OVER"),
        ] {
            assert_eq!(parse(text), Err(problem.to_owned()), "{text}");
        }
    }
}
