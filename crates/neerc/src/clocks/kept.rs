//! The last readings of the feeds, in a file beside the store, so that a start neither jumps nor forgets: a contest that was
//! over stays over when its system is gone. Advice as all readings are: a file that is lost or cannot be read does no harm.

use super::ClockSource;
use super::limits::KEPT_MS;
use neerc_core::clock::{Phase, Reading};
use neerc_core::clocks::LastHeard;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tokio::sync::watch;

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
    /// For how long it had been over, in ms; absent where it was not.
    #[serde(default, skip_serializing_if = "is_zero")]
    over_ms: i64,
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl KeptReading {
    /// What was read there.
    pub fn of(source: &ClockSource, LastHeard { reading, heard_ms, over_ms }: LastHeard) -> KeptReading {
        let Reading { elapsed_ms, total_ms, phase } = reading;
        let (source, phase) = (source.to_string(), phase.name().to_owned());
        KeptReading { source, at_ms: heard_ms, elapsed_ms, total_ms, phase, over_ms }
    }

    /// What that clock showed and when it was read; nothing if that is too long ago.
    fn heard(&self, wall_ms: i64) -> Option<LastHeard> {
        let phase = Phase::named(&self.phase).ok()?;
        let reading = Reading { elapsed_ms: self.elapsed_ms, total_ms: self.total_ms, phase };
        let age_ms = wall_ms.saturating_sub(self.at_ms).max(0);
        let heard = LastHeard { reading, heard_ms: self.at_ms.min(wall_ms), over_ms: self.over_ms };
        (age_ms <= KEPT_MS).then_some(heard)
    }
}

/// The file that belongs to a store.
pub fn beside(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push("-clocks");
    name.into()
}

/// Writes the newest readings whenever there are other ones, as long as somebody has any: the loop does not wait for a disk.
pub async fn keep(file: PathBuf, mut readings: watch::Receiver<Vec<KeptReading>>) {
    while readings.changed().await.is_ok() {
        let (to, newest) = (file.clone(), readings.borrow_and_update().clone());
        let written = tokio::task::spawn_blocking(move || write(&to, &newest)).await;
        if let Err(error) = written.unwrap_or_else(|panicked| Err(panicked.to_string())) {
            tracing::warn!("what contest clocks show cannot be kept in {}: {error}", file.display());
        }
    }
}

/// Writes the readings; what goes wrong is said for the log.
fn write(file: &Path, readings: &[KeptReading]) -> Result<(), String> {
    let part = file.with_extension("part");
    let text = serde_json::to_vec(readings).map_err(|error| error.to_string())?;
    std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, file)).map_err(|error| error.to_string())
}

/// What each of the sources showed last; it is that time of day now.
pub fn read(file: &Path, sources: &[ClockSource], wall_ms: i64) -> Vec<(usize, LastHeard)> {
    let text = std::fs::read(file).unwrap_or_default();
    let kept: Vec<KeptReading> = serde_json::from_slice(&text).unwrap_or_default();
    let of = |(place, source): (usize, &ClockSource)| {
        let name = source.to_string();
        Some((place, kept.iter().find(|kept| kept.source == name)?.heard(wall_ms)?))
    };
    sources.iter().enumerate().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clocks::Format;

    #[test]
    fn what_was_read_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = beside(&folder.path().join("neerc.db"));
        let source = ClockSource::File("clock.xml".into(), Format::Pcms);
        let sources = [ClockSource::Manual, source.clone()];
        assert_eq!(read(&file, &sources, 0), []);
        let running = Reading { elapsed_ms: 5_000, total_ms: 60_000, phase: Phase::Running };
        let heard = LastHeard { reading: running, heard_ms: 1_000, over_ms: 0 };
        write(&file, &[KeptReading::of(&source, heard)]).unwrap();
        let now = |wall_ms| read(&file, &sources, wall_ms);
        assert_eq!((now(3_000), now(1_000_000)), (vec![(1, heard)], vec![(1, heard)]));
        assert_eq!(now(0), [(1, LastHeard { heard_ms: 0, ..heard })], "the machine's clock went back");
        let over = LastHeard { reading: Reading { phase: Phase::Over, ..running }, over_ms: 7, ..heard };
        let earlier = r#"[{"source":"file","at_ms":1,"elapsed_ms":2,"total_ms":3,"phase":"over"}]"#;
        assert_eq!(serde_json::from_str::<Vec<KeptReading>>(earlier).unwrap()[0].heard(1).unwrap().over_ms, 0);
        write(&file, &[KeptReading::of(&source, over)]).unwrap();
        assert_eq!(now(3_000), [(1, over)]);
        assert_eq!(now(1_001 + KEPT_MS), []);
        std::fs::write(&file, "[{").unwrap();
        assert_eq!(now(3_000), []);
    }
}
