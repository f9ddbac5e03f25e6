//! Of which history the log in a file is, and what was lost of it. A file gets a number when it is made, and another one when
//! it takes the place of a store. Not what is told of that.

use super::backup::at;
use crate::StoreError;
use crate::error::failed;
use crate::generation::{GENERATION, LOST, lost_of};
use crate::rows::{number_of, stored};
use neerc_core::keeping::LostChanges;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use std::fs::File;
use std::path::Path;

/// A new number: SQLite has chance of its own.
const NEW: &str = "abs(random() % 4294967296)";

/// What a file says: 0 of one that earlier versions made.
pub(super) fn peek(conn: &Connection) -> rusqlite::Result<(u64, Option<LostChanges>)> {
    let found = conn.query_row("SELECT value FROM meta WHERE key = ?", [GENERATION], |row| row.get(0)).optional()?;
    let mut rows = conn.prepare("SELECT key, value FROM meta WHERE key GLOB 'lost:*'")?;
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let rows: Vec<(String, i64)> = rows.query_map([], row)?.collect::<Result<_, _>>()?;
    Ok((found.map_or(0, stored), lost_of(rows)))
}

/// The number of a file, which is given one if it has none.
pub(super) fn ensure(conn: &Connection) -> rusqlite::Result<u64> {
    conn.execute(&format!("INSERT OR IGNORE INTO meta VALUES (?, {NEW})"), [GENERATION])?;
    Ok(peek(conn)?.0)
}

/// Gives a file that takes the place of a store another number, and notes which revisions of that store it has not got.
pub(super) fn renew(file: &Path, missing: Option<(u64, u64)>) -> Result<(), StoreError> {
    let failed = |error| failed("write", file, error);
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_READ_WRITE;
    let mut conn = Connection::open_with_flags(file, flags).map_err(failed)?;
    conn.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    let tx = conn.transaction().map_err(failed)?;
    tx.execute(&format!("INSERT OR REPLACE INTO meta VALUES (?, {NEW})"), [GENERATION]).map_err(failed)?;
    if let Some((first, last)) = missing {
        let [first, last] = [first, last].map(number_of);
        let since: Option<i64> = tx
            .query_row("SELECT at_ms FROM log WHERE revision = ?", [first - 1], |row| row.get(0))
            .optional()
            .map_err(failed)?;
        let now_ms: i64 = tx
            .query_row("SELECT CAST(strftime('%s', 'now') AS INTEGER) * 1000", [], |row| row.get(0))
            .map_err(failed)?;
        for (key, value) in LOST.iter().zip([first, last, since.unwrap_or(0), now_ms]) {
            tx.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value)).map_err(failed)?;
        }
    }
    tx.commit().map_err(failed)?;
    conn.close().map_err(|(_, error)| failed(error))?;
    File::open(file).and_then(|file| file.sync_all()).map_err(|error| at(file, error))
}
