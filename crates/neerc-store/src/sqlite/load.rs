//! Reads a file: the newest snapshot and the log after it. Everything that is read is checked.

use super::{floor, generation};
use crate::StoreError;
use crate::error::failed;
use crate::loaded::{self, Loaded, Loading, Newest};
use crate::rows::{self, StoredRow};
use neerc_core::board::Boards;
use neerc_core::change::Entry;
use rusqlite::{Connection, OptionalExtension, Row};
use std::path::Path;

/// Reads the newest readable snapshot and the log after it, and nothing else, so a long log does not slow down the
/// start. Everything that is read is checked.
pub(super) fn load(conn: &Connection, file: &Path) -> Result<Loaded, StoreError> {
    let damaged = |what: String| StoreError::Damaged { file: file.to_owned(), what };
    let number = |sql| {
        let found = conn.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)).optional();
        found.map(Option::flatten).map_err(|error| failed("read", file, error))
    };
    let floor = floor::peek(conn).map_err(|error| failed("read", file, error))?.revision;
    let revision = rows::stored(number("SELECT max(revision) FROM log")?.unwrap_or(0)).max(floor);
    let told = number("SELECT value FROM meta WHERE key = 'told_revision'")?;
    let told_revision = rows::stored(told.ok_or_else(|| damaged("meta has no told_revision".into()))?);
    let snapshot = rows::stored(number("SELECT max(revision) FROM snapshot")?.unwrap_or(0));
    loaded::check_end(revision, told_revision, snapshot).map_err(damaged)?;
    let (folded, boards) = match newest_snapshot(conn, file, floor)? {
        Some(snapshot) => snapshot,
        None => {
            let floor = floor::read(conn, file)?.and_then(|floor| Ok((floor.revision, floor.boards()?)));
            floor.map_err(|why| damaged(format!("what the log begins with after what is in archives: {why}")))?
        }
    };
    let mut loading = Loading::begin(folded, boards, told_revision);
    let mut log = conn
        .prepare("SELECT revision, room, at_ms, by_jid, record, sum FROM log WHERE revision > ? ORDER BY revision")
        .map_err(|error| failed("read", file, error))?;
    let mut rows = log.query([rows::number_of(loading.last)]).map_err(|error| failed("read", file, error))?;
    while let Some(row) = rows.next().map_err(|error| failed("read", file, error))? {
        let entry = entry(row, &loading.boards, loading.last + 1).map_err(damaged)?;
        loading.take(entry);
    }
    let newest = newest(conn, file, &loading.boards, floor, revision).map_err(|error| failed("read", file, error))?;
    let (generation, lost) = generation::peek(conn).map_err(|error| failed("read", file, error))?;
    loading.end(revision, floor, newest).map(|loaded| Loaded { generation, lost, ..loaded }).map_err(damaged)
}

/// The newest entries of the log, in order, about as many as the core keeps in memory. One that cannot be read ends them: a
/// start does without.
fn newest(conn: &Connection, file: &Path, boards: &Boards, floor: u64, revision: u64) -> rusqlite::Result<Vec<Entry>> {
    let mut log = conn.prepare(
        "SELECT revision, room, at_ms, by_jid, record, sum FROM log WHERE revision > ? ORDER BY revision DESC",
    )?;
    let mut rows = log.query([rows::number_of(floor)])?;
    let mut newest = Newest::default();
    while !newest.is_full()
        && let Some(found) = rows.next()?
    {
        let taken = row(found).and_then(|row| newest.take(&row, boards, revision));
        if let Err(why) = taken {
            tracing::warn!("{}: what was before is left out of what is told of tasks: {why}", file.display());
            break;
        }
    }
    Ok(newest.in_order())
}

/// A row of the log, by its columns.
pub(super) fn row<'a>(row: &'a Row<'_>) -> Result<StoredRow<'a>, String> {
    let number = |column| row.get_ref(column).map_err(|e| e.to_string())?.as_i64().map_err(|e| e.to_string());
    let text = |column| row.get_ref(column).map_err(|e| e.to_string())?.as_bytes().map_err(|e| e.to_string());
    Ok(StoredRow {
        number: number(0)?,
        room: text(1)?,
        at_ms: number(2)?,
        by: text(3)?,
        record: text(4)?,
        sum: number(5)?,
    })
}

/// A log entry, which must have that revision; the error says what is wrong with it.
pub(super) fn entry(found: &Row<'_>, boards: &Boards, revision: u64) -> Result<Entry, String> {
    let row = row(found).map_err(|why| format!("revision {revision} of the log: {why}"))?;
    row.entry(boards, revision)
}

/// The newest readable snapshot that is not below the floor. An unreadable one only slows down the start, unless SQLite itself finds the file
/// damaged.
fn newest_snapshot(conn: &Connection, file: &Path, floor: u64) -> Result<Option<(u64, Boards)>, StoreError> {
    let at = |source| failed("read", file, source);
    let select = "SELECT revision, record, sum FROM snapshot WHERE revision >= ? ORDER BY revision DESC";
    let mut snapshots = conn.prepare(select).map_err(at)?;
    let mut rows = snapshots.query([rows::number_of(floor)]).map_err(at)?;
    while let Some(row) = rows.next().map_err(at)? {
        let revision = row.get(0).map_err(at)?;
        match boards(row, revision) {
            Ok(boards) => return Ok(Some((rows::stored(revision), boards))),
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
    rows::snapshot(revision, record, row.get(2).map_err(|e| e.to_string())?)
}
