//! What of a log is kept in the database, and what came of moving the rest out.

use neerc_core::limits::TRAIL_BYTES;
use neerc_core::units::DAY_MS;
use std::path::PathBuf;

/// What is kept in the database. Besides that, whatever a start needs is: what somebody has still to be told, and the
/// newest changes, which are held in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// What happened since then, in ms since 1970.
    pub since_ms: i64,
    /// The present, in ms since 1970. What is said to have happened a day after that is not believed.
    pub now_ms: i64,
    /// How much of the newest changes, in bytes.
    pub newest_bytes: usize,
}

impl Keep {
    /// Keeps the last so many days, and what a start reads.
    pub fn days(days: u32, now_ms: i64) -> Keep {
        let since_ms = now_ms.saturating_sub(DAY_MS.saturating_mul(days.into()));
        Keep { since_ms, now_ms, newest_bytes: TRAIL_BYTES }
    }
}

/// An archive that was written, read back and found to be what the log held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived {
    /// Its path.
    pub file: PathBuf,
    /// The first revision in it.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// How long it is.
    pub bytes: u64,
}

/// What came of a compaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The archives that were written.
    pub archives: Vec<Archived>,
    /// Where the log begins now.
    pub floor: LogFloor,
    /// How many changes are in the database.
    pub kept: u64,
}

/// Where the log begins: after what is in archives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogFloor {
    /// The last revision that is in an archive; 0 if none is.
    pub revision: u64,
    /// When that change happened, in ms since 1970.
    pub at_ms: i64,
}
