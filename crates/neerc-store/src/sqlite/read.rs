//! Reads the log of one room or of all while the store is in use, a part at a time: no reader holds up the write-ahead log
//! for longer than a part takes.

use super::disk::{MARK, backdrop_of};
use super::{floor, load};
use crate::error::failed;
use crate::loaded::Loaded;
use crate::rows;
use crate::{BackdropFound, LogFloor, LogPart, StoreError, limits, record};
use neerc_core::board::Boards;
use neerc_core::change::Entry;
use rusqlite::{Connection, OpenFlags, Params, Row};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// See [`crate::LogReader::read`].
pub fn read(file: &Path, room: &str, part: LogPart, most: usize) -> Result<Vec<Entry>, StoreError> {
    let at = |error| failed("read", file, error);
    let mut conn = connect(file)?;
    let conn = conn.transaction().map_err(at)?; // what it begins with and what it reads are of one moment
    let floor = rows::number_of(floor::peek(&conn).map_err(at)?.revision);
    let (condition, from) = match part {
        LogPart::After(revision) => ("revision > max(?1, ?4) AND room = ?2 ORDER BY revision", revision),
        LogPart::Before(revision) => ("revision < ?1 AND revision > ?4 AND room = ?2 ORDER BY revision DESC", revision),
    };
    entries(&conn, file, &format!("{condition} LIMIT ?3"), (rows::number_of(from), room, bound(most), floor))
}

/// See [`crate::LogReader::read_all`].
pub fn read_all(file: &Path, after: u64, most: usize) -> Result<Vec<Entry>, StoreError> {
    let at = |error| failed("read", file, error);
    let mut conn = connect(file)?;
    let conn = conn.transaction().map_err(at)?;
    let floor = floor::peek(&conn).map_err(at)?.revision;
    let condition = "revision > ?1 ORDER BY revision LIMIT ?2";
    entries(&conn, file, condition, (rows::number_of(after.max(floor)), bound(most)))
}

/// See [`crate::LogReader::told`].
pub fn told(file: &Path) -> Result<u64, StoreError> {
    number(&connect(file)?, file, "SELECT value FROM meta WHERE key = 'told_revision'")
}

/// See [`crate::LogReader::newest`].
pub fn newest(file: &Path) -> Result<u64, StoreError> {
    let mut conn = connect(file)?;
    let conn = conn.transaction().map_err(|error| failed("read", file, error))?;
    let floor = floor::peek(&conn).map_err(|error| failed("read", file, error))?.revision;
    Ok(number(&conn, file, "SELECT ifnull(max(revision), 0) FROM log")?.max(floor))
}

/// See [`crate::LogReader::state`].
pub fn state(file: &Path) -> Result<Loaded, StoreError> {
    let mut conn = connect(file)?;
    let conn = conn.transaction().map_err(|error| failed("read", file, error))?; // all that is read is of one moment
    load::load(&conn, file)
}

/// See [`crate::LogReader::backdrop`].
pub fn backdrop(database: &Path, known: Option<i64>) -> Result<BackdropFound, StoreError> {
    let file = backdrop_of(database);
    let read = || {
        let mut opened = File::open(&file)?;
        let found = opened.metadata()?;
        let stamp = found.mtime().wrapping_mul(1_000_000_000).wrapping_add(found.mtime_nsec());
        let mut record = String::new();
        if known != Some(stamp) {
            opened.read_to_string(&mut record)?;
        }
        Ok((stamp, record))
    };
    match read() {
        Ok((stamp, _)) if known == Some(stamp) => Ok(BackdropFound::Same),
        Ok((stamp, record)) => {
            let what = |why| StoreError::Damaged { file: file.clone(), what: format!("who is there: {why}") };
            Ok(BackdropFound::New(record::read_backdrop(&record).map_err(what)?.into(), stamp))
        }
        Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => Ok(BackdropFound::Nothing),
        Err(source) => Err(StoreError::File { file, source }),
    }
}

fn number(conn: &Connection, file: &Path, sql: &str) -> Result<u64, StoreError> {
    let found = conn.query_row(sql, [], |row| row.get(0));
    found.map(rows::stored).map_err(|error| failed("read", file, error))
}

/// See [`crate::LogReader::marks`].
pub fn marks(file: &Path) -> Result<BTreeMap<String, u64>, StoreError> {
    let at = |error| failed("read", file, error);
    let conn = connect(file)?;
    let mut marks = conn.prepare("SELECT substr(key, ?1), value FROM meta WHERE key GLOB ?2").map_err(at)?;
    let mark = |row: &Row<'_>| Ok((row.get(0)?, rows::stored(row.get(1)?)));
    let found = marks.query_map((bound(MARK.len() + 1), format!("{MARK}*")), mark).map_err(at)?;
    found.collect::<Result<_, _>>().map_err(at)
}

fn bound(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

fn entries(conn: &Connection, file: &Path, which: &str, values: impl Params) -> Result<Vec<Entry>, StoreError> {
    let at = |error| failed("read", file, error);
    let sql = format!("SELECT revision, room, at_ms, by_jid, record, sum FROM log WHERE {which}");
    let mut log = conn.prepare(&sql).map_err(at)?;
    let mut rows = log.query(values).map_err(at)?;
    let (boards, mut entries) = (Boards::new(), Vec::new());
    while let Some(row) = rows.next().map_err(at)? {
        let what = |row: &Row<'_>| load::entry(row, &boards, rows::stored(row.get(0).map_err(|e| e.to_string())?));
        let entry = what(row).map_err(|what| StoreError::Damaged { file: file.to_owned(), what })?;
        entries.push(entry);
    }
    Ok(entries)
}

/// Where the log begins.
pub fn floor(file: &Path) -> Result<LogFloor, StoreError> {
    let conn = connect(file)?;
    floor::peek(&conn).map_err(|error| failed("read", file, error))
}

/// A connection that writes nothing.
pub(super) fn connect(file: &Path) -> Result<Connection, StoreError> {
    let at = |error| failed("read", file, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(file, flags).map_err(at)?;
    conn.busy_timeout(limits::COPY_BUSY_TIMEOUT).map_err(at)?;
    Ok(conn)
}
