//! The disk as its thread uses it: the write-ahead log is copied back once there is a pause, or at once if it is long.

use super::disk::{Checkpoint, Disk};
use crate::rows::Floor;
use crate::{StoreError, limits, thread};
use neerc_core::change::Entry;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// When the write-ahead log is copied back.
#[derive(Default)]
pub(super) struct Copying {
    /// `None` if there is nothing to copy.
    due: Option<Instant>,
    /// When to retry after it could not be copied back completely.
    pause: Option<Instant>,
    is_alarmed: bool,
}

impl Disk {
    /// Copies the write-ahead log back once there is a pause, or now if it is long.
    fn after_commit<T>(&mut self, outcome: T) -> T {
        let now = Instant::now();
        let pause = self.copying.pause.unwrap_or(now);
        self.copying.due = match self.wal_pages.load(Ordering::Relaxed) {
            0 => None,
            _ if self.is_broken => None,
            limits::WAL_PAGES.. => Some(pause),
            _ => Some((now + limits::IDLE).max(pause)),
        };
        outcome
    }

    fn copy_back(&mut self, now: Instant) -> Result<(), StoreError> {
        let left = self.checkpoint(Checkpoint::Passive);
        let pages = *left.as_ref().unwrap_or(&1);
        self.copying.pause = (pages > 0).then_some(now + limits::RETRY);
        self.copying.due = self.copying.pause.filter(|_| !self.is_broken);
        let is_alarming = pages >= limits::WAL_PAGES_ALARMING;
        if is_alarming && !self.copying.is_alarmed {
            tracing::warn!(
                "{}: {pages} pages of the write-ahead log cannot be copied back while another program reads the file",
                self.file.display()
            );
        }
        self.copying.is_alarmed = is_alarming;
        left.map(|_| ())
    }
}

impl thread::Disk for Disk {
    fn name(&self) -> &Path {
        &self.file
    }

    fn last(&self) -> u64 {
        self.last
    }

    fn told(&self) -> u64 {
        self.told
    }

    fn floor(&self) -> u64 {
        self.floor
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }

    fn append(&mut self, entries: &[Entry], told: u64) -> Result<(), StoreError> {
        let outcome = self.append(entries, told);
        self.after_commit(outcome)
    }

    fn save_told(&mut self, told: u64) -> Result<(), StoreError> {
        let outcome = self.save_told(told);
        self.after_commit(outcome)
    }

    fn save_backdrop(&mut self, record: &str) -> Result<(), StoreError> {
        self.save_backdrop(record)
    }

    fn save_marks(&mut self, marks: &BTreeMap<String, u64>) -> Result<(), StoreError> {
        let outcome = self.save_marks(marks);
        self.after_commit(outcome)
    }

    fn save_snapshot(&mut self, revision: u64, record: &str) -> Result<(), StoreError> {
        let outcome = self.save_snapshot(revision, record);
        self.after_commit(outcome)
    }

    fn raise_floor(&mut self, floor: &Floor) -> Result<(), StoreError> {
        let outcome = self.raise_floor(floor);
        self.after_commit(outcome)
    }

    fn sweep(&mut self) -> Result<bool, StoreError> {
        let outcome = self.sweep();
        self.after_commit(outcome)
    }

    fn shrink(&mut self) -> Result<(), StoreError> {
        let outcome = self.shrink();
        self.after_commit(outcome)
    }

    fn due(&self) -> Option<Instant> {
        self.copying.due
    }

    fn keep_house(&mut self, now: Instant) -> Result<(), StoreError> {
        match self.copying.due {
            Some(due) if due <= now => self.copy_back(now),
            _ => Ok(()),
        }
    }

    /// Empties the write-ahead log, so the database is a single file again.
    fn finish(&mut self) -> Result<(), StoreError> {
        self.checkpoint(Checkpoint::Truncate).map(|_| ())
    }
}
