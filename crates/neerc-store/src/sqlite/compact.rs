//! The log of a file as it is moved into archives: read by a connection of its own, so that others are stored meanwhile.

use super::disk::MARK;
use super::{floor, load, read};
use crate::compact::{LogSpan, Source};
use crate::error::failed;
use crate::rows::{Floor, StoredRow, number_of, stored};
use crate::{StoreError, limits};
use rusqlite::Connection;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// A file whose log is read.
pub(crate) struct FileLog {
    file: PathBuf,
    conn: Connection,
}

impl FileLog {
    pub fn open(file: &Path) -> Result<FileLog, StoreError> {
        Ok(FileLog { file: file.to_owned(), conn: read::connect(file)? })
    }

    fn number(&self, sql: &str) -> Result<Option<u64>, StoreError> {
        let found = self.conn.query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
        Ok(found.map_err(|error| failed("read", &self.file, error))?.map(stored))
    }
}

impl Source for FileLog {
    fn name(&self) -> &Path {
        &self.file
    }

    fn place(&self) -> &Path {
        &self.file
    }

    fn floor(&mut self) -> Result<Result<Floor, String>, StoreError> {
        floor::read(&self.conn, &self.file)
    }

    fn span(&mut self) -> Result<LogSpan, StoreError> {
        let told = self.number("SELECT value FROM meta WHERE key = 'told_revision'")?.unwrap_or(0);
        let last = self.number("SELECT max(revision) FROM log")?.unwrap_or(0);
        let marked = self.number(&format!("SELECT min(value) FROM meta WHERE key GLOB '{MARK}*'"))?;
        Ok(LogSpan { last, told, marked })
    }

    fn lengths(&mut self, take: &mut dyn FnMut(u64, usize) -> ControlFlow<()>) -> Result<(), StoreError> {
        let at = |error| failed("read", &self.file, error);
        let select = "SELECT revision, length(record) FROM log ORDER BY revision DESC";
        let mut log = self.conn.prepare(select).map_err(at)?;
        let mut rows = log.query([]).map_err(at)?;
        while let Some(row) = rows.next().map_err(at)? {
            let (revision, characters): (i64, i64) = (row.get(0).map_err(at)?, row.get(1).map_err(at)?);
            if take(stored(revision), usize::try_from(characters).unwrap_or(0)).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn part(
        &mut self,
        after: u64,
        to: u64,
        take: &mut dyn FnMut(&StoredRow<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let at = |error| failed("read", &self.file, error);
        let select = "SELECT revision, room, at_ms, by_jid, record, sum FROM log WHERE revision > ? AND revision <= ? \
                      ORDER BY revision LIMIT ?";
        let mut log = self.conn.prepare_cached(select).map_err(at)?;
        let mut rows = log.query((number_of(after), number_of(to), limits::PART_ROWS)).map_err(at)?;
        while let Some(row) = rows.next().map_err(at)? {
            let damaged = |what| StoreError::Damaged { file: self.file.clone(), what };
            if take(&load::row(row).map_err(damaged)?).is_break() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
