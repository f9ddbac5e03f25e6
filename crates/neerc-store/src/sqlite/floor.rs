//! Where the log of a database begins once what is older is in archives: the row that says so, and the rows below it, which
//! count as gone at once and are deleted a few at a time.

use super::open;
use crate::error::failed;
use crate::rows::{Floor, number_of, stored};
use crate::{LogFloor, StoreError, limits};
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

/// Whether a database was ever compacted.
fn exists(conn: &Connection) -> rusqlite::Result<bool> {
    Ok(conn.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))? >= open::COMPACTED)
}

/// The floor of a database, which is checked. The inner error says what is wrong with it, and where the log begins if that
/// can be believed.
pub(super) fn read(conn: &Connection, file: &Path) -> Result<Result<Floor, String>, StoreError> {
    let at = |source| failed("read", file, source);
    if !exists(conn).map_err(at)? {
        return Ok(Ok(Floor::default()));
    }
    let row = conn.query_row("SELECT revision, at_ms, chain, record, sum FROM floor", [], |row| {
        let (number, at_ms, chain): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let known: i64 = row.get(4)?;
        let text = row.get_ref(3)?.as_bytes()?;
        let (Ok(chain), Ok(record)) = (u32::try_from(chain), std::str::from_utf8(text)) else {
            return Ok(Err(String::from("it cannot be read")));
        };
        let known = u32::try_from(known).map_err(|_| String::from("its checksum is none"));
        Ok(known.and_then(|known| Floor::checked(number, at_ms, chain, record, known)))
    });
    Ok(row.optional().map_err(at)?.unwrap_or_else(|| Err(String::from("it is missing"))))
}

/// Where the log begins, without a look at the boards.
pub(super) fn peek(conn: &Connection) -> rusqlite::Result<LogFloor> {
    if !exists(conn)? {
        return Ok(LogFloor::default());
    }
    let row = conn.query_row("SELECT revision, at_ms FROM floor", [], |row| Ok((row.get(0)?, row.get(1)?)));
    let (revision, at_ms) = row.optional()?.unwrap_or_default();
    Ok(LogFloor { revision: stored(revision), at_ms })
}

/// Stores a floor, in a transaction that is open. The first one makes the place for it.
pub(super) fn write(conn: &Connection, floor: &Floor) -> rusqlite::Result<()> {
    if !exists(conn)? {
        conn.execute_batch(include_str!("migrations/2.sql"))?;
        conn.pragma_update(None, "user_version", open::COMPACTED)?;
    }
    let Floor { revision, at_ms, chain, record } = floor;
    let number = number_of(*revision);
    conn.execute("DELETE FROM floor", [])?;
    conn.execute("INSERT INTO floor VALUES (?, ?, ?, ?, ?)", (number, at_ms, chain, record, floor.sum()))?;
    conn.execute("DELETE FROM snapshot WHERE revision < ?", [number])?;
    Ok(())
}

/// Deletes some of the rows below the floor. Returns whether there are more.
pub(super) fn sweep(conn: &Connection, floor: u64) -> rusqlite::Result<bool> {
    let floor = number_of(floor);
    let lowest = || -> rusqlite::Result<Option<i64>> {
        let mut lowest = conn.prepare_cached("SELECT min(revision) FROM log")?;
        lowest.query_row([], |row| row.get(0))
    };
    let Some(from) = lowest()?.filter(|from| *from <= floor) else { return Ok(false) };
    let to = floor.min(from.saturating_add(limits::SWEEP_ROWS));
    conn.prepare_cached("DELETE FROM log WHERE revision <= ?")?.execute([to])?;
    Ok(to < floor)
}
