//! The open database: stores batches, progress and snapshots, each as a whole or not at all. After a fatal error it
//! stores nothing more.

use super::copying::Copying;
use super::floor;
use super::wal;
use crate::error::failed;
use crate::lock::{self, Lock};
use crate::rows::{self, Floor, number_of, stored};
use crate::{StoreError, limits, owner, record};
use neerc_core::change::Entry;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// What the keys of marks begin with. A version that knows no marks leaves such keys alone.
pub(super) const MARK: &str = "mark:";

/// Where the backdrop of a database is kept.
pub(super) fn backdrop_of(file: &Path) -> PathBuf {
    lock::beside(file, "-backdrop")
}

/// The connection, with what is known about the file.
pub(crate) struct Disk {
    pub(super) conn: Connection,
    pub(super) file: PathBuf,
    /// Last stored revision.
    pub(super) last: u64,
    /// Last stored told revision.
    pub(super) told: u64,
    /// The last revision that is in an archive.
    pub(super) floor: u64,
    /// Pages in the write-ahead log after the last commit; 0 once they are copied back.
    pub(super) wal_pages: Arc<AtomicI64>,
    /// Set by a fatal error, after which nothing more is stored.
    pub(super) is_broken: bool,
    pub(super) lock: Lock,
    pub(super) copying: Copying,
}

impl Disk {
    /// Empties the write-ahead log of an earlier process. After that, everything that was read is known to be on disk;
    /// a killed process may have left it only in the page cache.
    pub(super) fn begin(&mut self) -> Result<(), StoreError> {
        let at = |source| failed("open", &self.file, source);
        self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(at)?;
        match self.checkpoint(Checkpoint::Truncate) {
            Ok(0) => {
                self.lock.note(self.last);
                if let Err(error) = wal::prepare(&lock::beside(&self.file, "-wal")) {
                    tracing::debug!("{}: its write-ahead log grows as it is needed: {error}", self.file.display());
                }
            }
            Ok(_) => {} // there is a reader
            Err(error) if error.is_fatal() => return Err(error),
            Err(error) => tracing::warn!("{error}"),
        }
        self.lock.watch()
    }

    /// Stores a batch together with the told revision. On an error neither is stored.
    pub(super) fn append(&mut self, entries: &[Entry], told: u64) -> Result<(), StoreError> {
        let Some(last) = entries.last() else { return Ok(()) };
        let told = told.min(self.last).max(self.told);
        self.guarded(|disk| {
            disk.insert(entries, told)?;
            disk.lock.check()
        })?;
        self.last = last.revision;
        self.told = told;
        self.lock.note(self.last);
        Ok(())
    }

    fn insert(&mut self, entries: &[Entry], told: u64) -> Result<(), StoreError> {
        let file = &self.file;
        let at = |source| failed("store changes in", file, source);
        let tx = &self.conn;
        step(tx, "BEGIN IMMEDIATE").map_err(at)?; // `guarded` rolls back on an error
        let found: Option<i64> = {
            let mut last = tx.prepare_cached("SELECT max(revision) FROM log").map_err(at)?;
            last.query_row([], |row| row.get(0)).map_err(at)?
        };
        let mut last = stored(found.unwrap_or(0)).max(self.floor);
        {
            let mut insert = tx.prepare_cached("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)").map_err(at)?;
            for entry in entries {
                let Entry { revision, room, at_ms, by, .. } = entry;
                if last.checked_add(1) != Some(*revision) {
                    return Err(StoreError::Order { file: file.clone(), last, given: *revision });
                }
                last = *revision;
                let (record, sum) = rows::written(entry)?;
                insert.execute((number_of(*revision), &**room, at_ms, by.bare(), record, sum)).map_err(at)?;
            }
        }
        if told > self.told {
            set_told(tx, told).map_err(at)?;
        }
        step(tx, "COMMIT").map_err(at)
    }

    /// Stores the told revision.
    pub(super) fn save_told(&mut self, told: u64) -> Result<(), StoreError> {
        let told = told.min(self.last);
        self.guarded(|disk| set_told(&disk.conn, told).map_err(|e| failed("store progress in", &disk.file, e)))?;
        self.told = told;
        Ok(())
    }

    /// Stores who has read the log how far, and forgets what was stored of others.
    pub(super) fn save_marks(&mut self, marks: &BTreeMap<String, u64>) -> Result<(), StoreError> {
        let last = self.last;
        self.guarded(|disk| {
            let at = |source| failed("store progress in", &disk.file, source);
            let tx = disk.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)?;
            tx.execute("DELETE FROM meta WHERE key GLOB ?", [format!("{MARK}*")]).map_err(at)?;
            for (name, revision) in marks {
                let (key, value) = (format!("{MARK}{name}"), number_of(last.min(*revision)));
                tx.execute("INSERT INTO meta VALUES (?, ?)", (key, value)).map_err(at)?;
            }
            tx.commit().map_err(at)
        })
    }

    /// Keeps a backdrop in a file beside the database: it is of no use to whoever opens that.
    pub(super) fn save_backdrop(&mut self, record: &str) -> Result<(), StoreError> {
        let file = backdrop_of(&self.file);
        let part = lock::beside(&file, ".part");
        let written = owner::private().create(true).truncate(true).open(&part).and_then(|mut opened| {
            owner::bequeath(&opened, &self.file);
            opened.write_all(record.as_bytes())?;
            fs::rename(&part, &file)
        });
        written.map_err(|source| StoreError::File { file, source })
    }

    /// Stores a snapshot and deletes the oldest.
    pub(super) fn save_snapshot(&mut self, revision: u64, record: &str) -> Result<(), StoreError> {
        let last = self.last;
        self.guarded(|disk| {
            let file = &disk.file;
            if revision > last {
                return Err(StoreError::Order { file: file.clone(), last, given: revision });
            }
            let at = |source| failed("store a snapshot in", file, source);
            let number = number_of(revision);
            let sum = record::snapshot_sum(number, record.as_bytes());
            let tx = disk.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)?;
            tx.execute("INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?)", (number, record, sum)).map_err(at)?;
            let newest = "SELECT revision FROM snapshot ORDER BY revision DESC LIMIT ?";
            tx.execute(&format!("DELETE FROM snapshot WHERE revision NOT IN ({newest})"), [limits::SNAPSHOTS])
                .map_err(at)?;
            tx.commit().map_err(at)
        })
    }

    /// Stores from where on the log is in the database. What is below counts as gone from here on.
    pub(super) fn raise_floor(&mut self, floor: &Floor) -> Result<(), StoreError> {
        self.guarded(|disk| {
            let at = |source| failed("store what is in archives in", &disk.file, source);
            if floor.revision > disk.told.min(disk.last) {
                return Err(StoreError::Order { file: disk.file.clone(), last: disk.last, given: floor.revision });
            }
            let tx = disk.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)?;
            floor::write(&tx, floor).map_err(at)?;
            tx.commit().map_err(at)?;
            disk.lock.check()
        })?;
        self.floor = floor.revision;
        Ok(())
    }

    /// Deletes some of what is in archives. Returns whether there is more of it.
    pub(super) fn sweep(&mut self) -> Result<bool, StoreError> {
        self.guarded(|disk| {
            let at = |source| failed("delete what is in archives from", &disk.file, source);
            let tx = disk.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)?;
            let is_more = floor::sweep(&tx, disk.floor).map_err(at)?;
            tx.commit().map_err(at)?;
            Ok(is_more)
        })
    }

    /// Gives the space of what was deleted back to the file system, where it is worth it. Takes as much room again
    /// meanwhile, and nothing else is stored.
    pub(super) fn shrink(&mut self) -> Result<(), StoreError> {
        while self.sweep()? {}
        let at = |disk: &Disk, source| failed("give back the space in", &disk.file, source);
        let number = |disk: &Disk, sql| disk.conn.query_row(sql, [], |row| row.get::<_, i64>(0));
        let (pages, free) = (number(self, "PRAGMA page_count"), number(self, "PRAGMA freelist_count"));
        let (pages, free) = (pages.map_err(|e| at(self, e))?, free.map_err(|e| at(self, e))?);
        if free <= pages / limits::FREE_PAGES_KEPT {
            return Ok(());
        }
        self.guarded(|disk| {
            disk.conn.flush_prepared_statement_cache();
            disk.conn.execute_batch("VACUUM").map_err(|error| failed("give back the space in", &disk.file, error))
        })?;
        self.checkpoint(Checkpoint::Truncate).map(|_| ())
    }

    /// Copies the write-ahead log back in that mode. Returns how many of its pages are left.
    pub(super) fn checkpoint(&mut self, mode: Checkpoint) -> Result<i64, StoreError> {
        self.guarded(|disk| {
            let at = |source| failed("copy the write-ahead log back into", &disk.file, source);
            let mut pragma = disk.conn.prepare_cached(mode.sql()).map_err(at)?;
            let (pages, copied): (i64, i64) = pragma.query_row([], |row| Ok((row.get(1)?, row.get(2)?))).map_err(at)?;
            let left = (pages - copied).max(i64::from(pages < 0)); // negative: it could not even be inspected
            disk.wal_pages.store(left, Ordering::Relaxed);
            Ok(left)
        })
    }

    /// Runs `work` unless the store is broken. Afterwards either no transaction is open or the store is broken.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Disk) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.is_broken {
            return Err(StoreError::Broken { file: self.file.clone() });
        }
        let outcome = work(self);
        let is_stuck = !self.conn.is_autocommit() && self.conn.execute_batch("ROLLBACK").is_err();
        if is_stuck || outcome.as_ref().is_err_and(StoreError::is_fatal) {
            self.give_up();
        }
        match outcome {
            Err(error) if self.is_broken && !error.is_fatal() => {
                tracing::error!("{error}, and that could not be undone");
                Err(StoreError::Broken { file: self.file.clone() })
            }
            outcome => outcome,
        }
    }

    /// Stops using the file: the page cache may differ from the disk, so even the checkpoint that SQLite does on
    /// closing must not happen.
    pub(super) fn give_up(&mut self) {
        self.is_broken = true;
        if let Err(error) = self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
            tracing::error!("{}: {error}", self.file.display());
        }
    }
}

/// Runs a statement that is prepared once, since SQLite takes as long to parse one as to run it.
fn step(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn set_told(conn: &Connection, told: u64) -> rusqlite::Result<()> {
    let mut update = conn.prepare_cached("UPDATE meta SET value = ? WHERE key = 'told_revision'")?;
    update.execute([number_of(told)]).map(|_| ())
}

/// How much of the write-ahead log is copied back.
#[derive(Clone, Copy)]
pub(super) enum Checkpoint {
    /// As much as possible without waiting for readers.
    Passive,
    /// All of it; the file is truncated.
    Truncate,
}

impl Checkpoint {
    fn sql(self) -> &'static str {
        match self {
            Checkpoint::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
            Checkpoint::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
        }
    }
}
