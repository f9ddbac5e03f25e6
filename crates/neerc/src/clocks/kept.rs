//! The last readings of the feeds, in a file beside the store, so that a start neither jumps nor forgets: a contest that was
//! over stays over when its system is gone. Advice as all readings are: a file that is lost or cannot be read does no harm.

use super::ClockSource;
use super::limits::KEPT_MS;
use neerc_core::clock::{Phase, Reading};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// One reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptReading {
    /// Where it was read.
    source: String,
    /// When, in ms since 1970.
    at_ms: i64,
    elapsed_ms: i64,
    total_ms: i64,
    phase: String,
}

impl KeptReading {
    /// What was read there at that time.
    pub fn of(source: &ClockSource, at_ms: i64, Reading { elapsed_ms, total_ms, phase }: Reading) -> KeptReading {
        KeptReading { source: source.to_string(), at_ms, elapsed_ms, total_ms, phase: phase.name().to_owned() }
    }

    /// What that clock shows now, and when it was read; nothing if that is too long ago.
    fn now(&self, wall_ms: i64) -> Option<(Reading, i64)> {
        let phase = Phase::named(&self.phase).ok()?;
        let reading = Reading { elapsed_ms: self.elapsed_ms, total_ms: self.total_ms, phase };
        let age_ms = wall_ms.saturating_sub(self.at_ms).max(0);
        (age_ms <= KEPT_MS).then(|| reading.carried(age_ms)).map(|reading| (reading, self.at_ms.min(wall_ms)))
    }
}

/// The file that belongs to a store.
pub fn beside(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push("-clocks");
    name.into()
}

/// Writes the readings; what goes wrong is said for the log.
pub fn write(file: &Path, readings: &[KeptReading]) -> Result<(), String> {
    let part = file.with_extension("part");
    let text = serde_json::to_vec(readings).map_err(|error| error.to_string())?;
    std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, file)).map_err(|error| error.to_string())
}

/// What each of the sources showed last, as it would be at that time of day.
pub fn read(file: &Path, sources: &[ClockSource], wall_ms: i64) -> Vec<(usize, Reading, i64)> {
    let text = std::fs::read(file).unwrap_or_default();
    let kept: Vec<KeptReading> = serde_json::from_slice(&text).unwrap_or_default();
    let of = |(place, source): (usize, &ClockSource)| {
        let name = source.to_string();
        let (reading, at_ms) = kept.iter().find(|kept| kept.source == name)?.now(wall_ms)?;
        Some((place, reading, at_ms))
    };
    sources.iter().enumerate().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clocks::Format;

    #[test]
    fn what_was_read_is_read_back_as_it_would_be_now() {
        let folder = tempfile::tempdir().unwrap();
        let file = beside(&folder.path().join("neerc.db"));
        let source = ClockSource::File("clock.xml".into(), Format::Pcms);
        let sources = [ClockSource::Manual, source.clone()];
        assert_eq!(read(&file, &sources, 0), []);
        let running = Reading { elapsed_ms: 5_000, total_ms: 60_000, phase: Phase::Running };
        write(&file, &[KeptReading::of(&source, 1_000, running)]).unwrap();
        let now = |wall_ms| read(&file, &sources, wall_ms);
        assert_eq!(now(3_000), [(1, Reading { elapsed_ms: 7_000, ..running }, 1_000)]);
        assert_eq!(now(0), [(1, running, 0)], "the machine's clock went back");
        assert_eq!(now(1_000_000)[0].1.elapsed_ms, 60_000);
        assert_eq!(now(1_001 + KEPT_MS), []);
        std::fs::write(&file, "[{").unwrap();
        assert_eq!(now(3_000), []);
    }
}
