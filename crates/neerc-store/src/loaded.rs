//! What a start reads: the boards from the newest snapshot and the log after it, and what people have still to be told.

use crate::rows::StoredRow;
use neerc_core::board::Boards;
use neerc_core::change::Entry;
use neerc_core::keeping::LostChanges;
use neerc_core::limits::{STORED_CHANGE_BYTES, TRAIL_BYTES};

/// What was read at the start.
#[derive(Debug)]
pub struct Loaded {
    /// The boards as of `revision`.
    pub boards: Boards,
    /// The last revision of the log.
    pub revision: u64,
    /// The revision of the snapshot that was read; 0 if there was none.
    pub snapshot_revision: u64,
    /// The last revision that is in an archive; 0 if none is.
    pub floor: u64,
    /// The told revision.
    pub told_revision: u64,
    /// The entries after it.
    pub untold: Vec<Entry>,
    /// The newest entries, in order.
    pub newest: Vec<Entry>,
    /// Of which history the log is; 0 if that is not known.
    pub generation: u64,
    /// The changes that were lost last, if any ever were.
    pub lost: Option<LostChanges>,
}

/// How the log says that it ends before what else is known.
pub(crate) fn check_end(revision: u64, told: u64, snapshot: u64) -> Result<(), String> {
    for (known, what) in [(told, "people were told of"), (snapshot, "a snapshot was stored of")] {
        if known > revision {
            return Err(format!("the log ends at revision {revision}, but {what} revision {known}"));
        }
    }
    Ok(())
}

/// The boards while the log is read.
pub(crate) struct Loading {
    /// As of `last`, or of the snapshot where that is later.
    pub boards: Boards,
    pub untold: Vec<Entry>,
    /// The last revision that was read.
    pub last: u64,
    folded: u64,
    told: u64,
}

impl Loading {
    /// Begins with a snapshot. The log is to be read after `last`.
    pub fn begin(folded: u64, boards: Boards, told: u64) -> Loading {
        Loading { boards, untold: Vec::new(), last: folded.min(told), folded, told }
    }

    /// Takes the next entry.
    pub fn take(&mut self, entry: Entry) {
        self.last = entry.revision;
        if self.last > self.folded {
            self.boards.entry(entry.room.clone()).or_default().replay(&entry);
        }
        if self.last > self.told {
            self.untold.push(entry);
        }
    }

    /// What was read, if the log ends where it should.
    pub fn end(self, revision: u64, floor: u64, newest: Vec<Entry>) -> Result<Loaded, String> {
        if self.last != revision {
            return Err(format!("revision {} of the log is missing", self.last + 1));
        }
        let Loading { boards, untold, folded: snapshot_revision, told: told_revision, .. } = self;
        let (generation, lost) = (0, None); // whoever has the rows knows
        Ok(Loaded { boards, revision, snapshot_revision, floor, told_revision, untold, newest, generation, lost })
    }
}

/// The newest entries while they are read, the last one first: about as many as the core keeps in memory.
#[derive(Default)]
pub(crate) struct Newest {
    entries: Vec<Entry>,
    bytes: usize,
}

impl Newest {
    /// Whether that is enough.
    pub fn is_full(&self) -> bool {
        self.bytes >= TRAIL_BYTES
    }

    /// Takes the row before, if it can be read. One that cannot ends them: a start does without.
    pub fn take(&mut self, row: &StoredRow<'_>, boards: &Boards, revision: u64) -> Result<(), String> {
        self.bytes += row.record.len() + STORED_CHANGE_BYTES;
        let entry = row.entry(boards, revision.saturating_sub(self.entries.len() as u64))?;
        self.entries.push(entry);
        Ok(())
    }

    /// All of them, in order.
    pub fn in_order(mut self) -> Vec<Entry> {
        self.entries.reverse();
        self.entries
    }
}
