//! Reads a file: the newest snapshot and the log after it. Everything that is read is checked.

use super::floor;
use crate::error::failed;
use crate::{StoreError, record};
use neerc_core::board::Boards;
use neerc_core::change::{Entry, Room};
use neerc_core::limits::{STORED_CHANGE_BYTES, TRAIL_BYTES};
use neerc_core::people::Person;
use rusqlite::{Connection, OptionalExtension, Row};
use std::path::Path;

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
}

/// Reads the newest readable snapshot and the log after it, and nothing else, so a long log does not slow down the
/// start. Everything that is read is checked.
pub(super) fn load(conn: &Connection, file: &Path) -> Result<Loaded, StoreError> {
    let damaged = |what: String| StoreError::Damaged { file: file.to_owned(), what };
    let number = |sql| {
        let found = conn.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)).optional();
        Ok(found.map_err(|error| failed("read", file, error))?.flatten())
    };
    let floor = floor::peek(conn).map_err(|error| failed("read", file, error))?.revision;
    let revision = stored(number("SELECT max(revision) FROM log")?.unwrap_or(0)).max(floor);
    let told = number("SELECT value FROM meta WHERE key = 'told_revision'")?;
    let told_revision = stored(told.ok_or_else(|| damaged("meta has no told_revision".into()))?);
    let snapshot = stored(number("SELECT max(revision) FROM snapshot")?.unwrap_or(0));
    for (known, what) in [(told_revision, "people were told of"), (snapshot, "a snapshot was stored of")] {
        if known > revision {
            return Err(damaged(format!("the log ends at revision {revision}, but {what} revision {known}")));
        }
    }
    let (folded, mut boards) = match newest_snapshot(conn, file, floor)? {
        Some(snapshot) => snapshot,
        None => {
            let floor = floor::read(conn, file)?.and_then(|floor| Ok((floor.revision, floor.boards()?)));
            floor.map_err(|why| damaged(format!("what the log begins with after what is in archives: {why}")))?
        }
    };
    let mut untold = Vec::new();
    let mut last = folded.min(told_revision);
    let mut log = conn
        .prepare("SELECT revision, room, at_ms, by_jid, record, sum FROM log WHERE revision > ? ORDER BY revision")
        .map_err(|error| failed("read", file, error))?;
    let mut rows = log.query([number_of(last)]).map_err(|error| failed("read", file, error))?;
    while let Some(row) = rows.next().map_err(|error| failed("read", file, error))? {
        let entry = entry(row, &boards, last + 1).map_err(damaged)?;
        last = entry.revision;
        if last > folded {
            boards.entry(entry.room.clone()).or_default().replay(&entry);
        }
        if last > told_revision {
            untold.push(entry);
        }
    }
    if last != revision {
        return Err(damaged(format!("revision {} of the log is missing", last + 1)));
    }
    let newest = newest(conn, file, &boards, floor, revision).map_err(|error| failed("read", file, error))?;
    Ok(Loaded { boards, revision, snapshot_revision: folded, floor, told_revision, untold, newest })
}

/// The newest entries of the log, in order, about as many as the core keeps in memory. One that cannot be read ends them: a
/// start does without.
fn newest(conn: &Connection, file: &Path, boards: &Boards, floor: u64, revision: u64) -> rusqlite::Result<Vec<Entry>> {
    let mut log = conn.prepare(
        "SELECT revision, room, at_ms, by_jid, record, sum FROM log WHERE revision > ? ORDER BY revision DESC",
    )?;
    let mut rows = log.query([number_of(floor)])?;
    let (mut newest, mut bytes) = (Vec::new(), 0);
    while bytes < TRAIL_BYTES
        && let Some(row) = rows.next()?
    {
        bytes += row.get_ref(4)?.as_bytes().map_or(0, <[u8]>::len) + STORED_CHANGE_BYTES;
        match entry(row, boards, revision.saturating_sub(newest.len() as u64)) {
            Ok(entry) => newest.push(entry),
            Err(why) => {
                tracing::warn!("{}: what was before is left out of what is told of tasks: {why}", file.display());
                break;
            }
        }
    }
    newest.reverse();
    Ok(newest)
}

/// A log entry, which must have that revision; the error says what is wrong with it.
pub(super) fn entry(row: &Row<'_>, boards: &Boards, revision: u64) -> Result<Entry, String> {
    let wrong = |why: &dyn std::fmt::Display| format!("revision {revision} of the log: {why}");
    let text = |column| row.get_ref(column).map_err(|e| wrong(&e))?.as_bytes().map_err(|e| wrong(&e));
    let number = |column| row.get_ref(column).map_err(|e| wrong(&e))?.as_i64().map_err(|e| wrong(&e));
    let found = number(0)?;
    if found != number_of(revision) {
        return Err(format!("revision {revision} of the log is missing; the next is {found}"));
    }
    let (room, at_ms, by, record) = (text(1)?, number(2)?, text(3)?, text(4)?);
    let sum = i64::from(record::entry_sum(found, room, at_ms, by, record));
    if sum != number(5)? {
        return Err(wrong(&format_args!("its checksum is {sum}, not {} as stored", number(5)?)));
    }
    let room = std::str::from_utf8(room).map_err(|e| wrong(&e))?;
    let room = boards.get_key_value(room).map_or_else(|| Room::from(room), |(room, _)| room.clone());
    let by = Person::from_bare(std::str::from_utf8(by).map_err(|e| wrong(&e))?);
    let (change, request) = record::read_entry(record).map_err(|e| wrong(&e))?;
    Ok(Entry { revision, room, at_ms, by, change, request })
}

/// The newest readable snapshot that is not below the floor. An unreadable one only slows down the start, unless SQLite itself finds the file
/// damaged.
fn newest_snapshot(conn: &Connection, file: &Path, floor: u64) -> Result<Option<(u64, Boards)>, StoreError> {
    let at = |source| failed("read", file, source);
    let select = "SELECT revision, record, sum FROM snapshot WHERE revision >= ? ORDER BY revision DESC";
    let mut snapshots = conn.prepare(select).map_err(at)?;
    let mut rows = snapshots.query([number_of(floor)]).map_err(at)?;
    while let Some(row) = rows.next().map_err(at)? {
        let revision = row.get(0).map_err(at)?;
        match boards(row, revision) {
            Ok(boards) => return Ok(Some((stored(revision), boards))),
            Err(why) => tracing::warn!(
                "{}: the snapshot of revision {revision} is left aside and more of the log read instead: {why}",
                file.display()
            ),
        }
    }
    Ok(None)
}

/// The boards of a snapshot; the error says what is wrong with it.
pub(super) fn boards(row: &Row<'_>, revision: i64) -> Result<Boards, String> {
    let record = row.get_ref(1).map_err(|e| e.to_string())?.as_bytes().map_err(|e| e.to_string())?;
    let known: i64 = row.get(2).map_err(|e| e.to_string())?;
    let sum = i64::from(record::snapshot_sum(revision, record));
    if sum != known {
        return Err(format!("its checksum is {sum}, not {known} as stored"));
    }
    record::read_boards(record).map_err(|e| e.to_string())
}

/// A revision as SQLite holds numbers.
pub(super) fn number_of(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

/// A revision from a number of SQLite's; a negative one, which is never stored, counts as none.
pub(super) fn stored(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
