//! A file that is made of the rows of a store elsewhere, and the rows of a file for a store elsewhere.

use super::backup::{self, Part, at};
use super::disk::MARK;
use super::{floor, load, open, read};
use crate::StoreError;
use crate::error::failed;
use crate::loaded::Loaded;
use crate::rows::{Floor, StoredRow, number_of, stored};
use rusqlite::{Connection, OpenFlags, Row};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A file that is being filled. Nothing is in it before [`Filling::end`].
pub(crate) struct Filling {
    conn: Connection,
    file: PathBuf,
}

impl Filling {
    pub fn begin(part: &Part) -> Result<Filling, StoreError> {
        part.make()?;
        let file = part.0.clone();
        let at = |error| failed("write", &file, error);
        let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_READ_WRITE;
        let mut conn = Connection::open_with_flags(&file, flags).map_err(at)?;
        conn.pragma_update(None, "synchronous", "FULL").map_err(at)?;
        open::migrate(&mut conn, 0).map_err(at)?;
        conn.execute_batch("BEGIN IMMEDIATE").map_err(at)?;
        Ok(Filling { conn, file })
    }

    fn run(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> Result<(), StoreError> {
        work(&self.conn).map_err(|error| failed("write", &self.file, error))
    }

    /// A row of the log, as it is.
    pub fn log(&self, row: &StoredRow<'_>) -> Result<(), StoreError> {
        let text = |bytes| std::str::from_utf8(bytes).map_err(|error| rusqlite::Error::Utf8Error(0, error));
        self.run(|conn| {
            let mut insert = conn.prepare_cached("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)")?;
            let (room, by, record) = (text(row.room)?, text(row.by)?, text(row.record)?);
            insert.execute((row.number, room, row.at_ms, by, record, row.sum)).map(|_| ())
        })
    }

    /// A snapshot, as it is.
    pub fn snapshot(&self, number: i64, record: &str, sum: i64) -> Result<(), StoreError> {
        self.run(|conn| conn.execute("INSERT INTO snapshot VALUES (?, ?, ?)", (number, record, sum)).map(|_| ()))
    }

    /// Where the log begins.
    pub fn floor(&self, floor: &Floor) -> Result<(), StoreError> {
        self.run(|conn| floor::write(conn, floor))
    }

    /// How far people were told, and how far others have read.
    pub fn progress(&self, told: u64, marks: &BTreeMap<String, u64>) -> Result<(), StoreError> {
        self.run(|conn| {
            conn.execute("UPDATE meta SET value = ? WHERE key = 'told_revision'", [number_of(told)])?;
            for (name, revision) in marks {
                let (key, value) = (format!("{MARK}{name}"), number_of(*revision));
                conn.execute("INSERT INTO meta VALUES (?, ?)", (key, value))?;
            }
            Ok(())
        })
    }

    /// Makes all of it durable.
    pub fn end(self) -> Result<(), StoreError> {
        self.run(|conn| conn.execute_batch("COMMIT"))?;
        let Filling { conn, file } = self;
        conn.close().map_err(|(_, error)| failed("write", &file, error))?;
        File::open(&file).and_then(|file| file.sync_all()).map_err(|error| at(&file, error))
    }
}

/// A file whose rows are read, and which nobody writes to.
pub(crate) struct Emptying {
    conn: Connection,
    file: PathBuf,
}

impl Emptying {
    pub fn of(file: &Path) -> Result<Emptying, StoreError> {
        Ok(Emptying { conn: read::connect(file)?, file: file.to_owned() })
    }

    /// Where its log begins.
    pub fn floor(&self) -> Result<Floor, StoreError> {
        let damaged = |what| StoreError::Damaged { file: self.file.clone(), what };
        floor::read(&self.conn, &self.file)?.map_err(damaged)
    }

    /// How far others have read it.
    pub fn marks(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        read::marks(&self.file)
    }

    /// Its snapshots.
    pub fn snapshots(&self) -> Result<Vec<(i64, String, i64)>, StoreError> {
        let at = |error| failed("read", &self.file, error);
        let mut select = self.conn.prepare("SELECT revision, record, sum FROM snapshot").map_err(at)?;
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        select.query_map([], row).map_err(at)?.collect::<Result<_, _>>().map_err(at)
    }

    /// Shows some of its rows after a revision. Returns the last of them.
    pub fn part(
        &self,
        after: u64,
        most: i64,
        take: &mut dyn FnMut(&StoredRow<'_>) -> Result<(), String>,
    ) -> Result<u64, StoreError> {
        let at = |error| failed("read", &self.file, error);
        let damaged = |what| StoreError::Damaged { file: self.file.clone(), what };
        let select =
            "SELECT revision, room, at_ms, by_jid, record, sum FROM log WHERE revision > ? ORDER BY revision LIMIT ?";
        let mut log = self.conn.prepare_cached(select).map_err(at)?;
        let mut rows = log.query((number_of(after), most)).map_err(at)?;
        let mut last = after;
        while let Some(row) = rows.next().map_err(at)? {
            let row = load::row(row).map_err(damaged)?;
            last = stored(row.number);
            take(&row).map_err(damaged)?;
        }
        Ok(last)
    }
}

/// Reads a filled file back as a whole.
pub(crate) fn read_back(part: &Part) -> Result<Loaded, StoreError> {
    backup::verify(&part.0)
}
