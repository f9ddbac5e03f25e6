//! Reads the log of one room while the store is in use, a part at a time: no reader holds up the write-ahead log for longer
//! than a part takes.

use super::{floor, load};
use crate::error::failed;
use crate::{LogFloor, LogPart, StoreError, limits};
use neerc_core::board::Boards;
use neerc_core::change::Entry;
use rusqlite::{Connection, OpenFlags, Row};
use std::path::Path;

/// See [`crate::LogReader::read`].
pub fn read(file: &Path, room: &str, part: LogPart, most: usize) -> Result<Vec<Entry>, StoreError> {
    let at = |error| failed("read", file, error);
    let mut conn = connect(file)?;
    let conn = conn.transaction().map_err(at)?; // what it begins with and what it reads are of one moment
    let floor = load::number_of(floor::peek(&conn).map_err(at)?.revision);
    let (condition, from) = match part {
        LogPart::After(revision) => ("revision > max(?1, ?4) AND room = ?2 ORDER BY revision", revision),
        LogPart::Before(revision) => ("revision < ?1 AND revision > ?4 AND room = ?2 ORDER BY revision DESC", revision),
    };
    let sql = format!("SELECT revision, room, at_ms, by_jid, record, sum FROM log WHERE {condition} LIMIT ?3");
    let mut log = conn.prepare(&sql).map_err(at)?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut rows = log.query((load::number_of(from), room, most, floor)).map_err(at)?;
    let (boards, mut entries) = (Boards::new(), Vec::new());
    while let Some(row) = rows.next().map_err(at)? {
        let what = |row: &Row<'_>| load::entry(row, &boards, load::stored(row.get(0).map_err(|e| e.to_string())?));
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
