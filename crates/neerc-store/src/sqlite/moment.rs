//! Brings a store back to a moment: to a copy of the store or of a backup without what came later or, where the moment is
//! older than what the database holds, to what an archive holds.

use super::backup::{self, Part, at, copy, existing_file, is_of};
use super::floor;
use super::open;
use crate::archive::{self, ArchiveReader, Row};
use crate::error::failed;
use crate::loaded::Loaded;
use crate::lock::{Lock, beside};
use crate::rows::{Floor, number_of, stored};
use crate::{LogPoint, Moment, Recalled, StoreError};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction};
use std::path::{Path, PathBuf};

/// See [`crate::restore_moment`].
pub fn restore(
    store: &Path,
    source: Option<&Path>,
    into: Option<&Path>,
    moment: Moment,
) -> Result<Recalled, StoreError> {
    let store = open::resolve(store)?;
    let source = existing_file(source.unwrap_or(&store))?;
    let target = into.map_or(Ok(store.clone()), open::resolve)?;
    if into.is_some() && is_of(&store, &target) || source != store && is_of(&source, &target) {
        return Err(StoreError::Same { file: target });
    }
    if into.is_some() && target.exists() {
        return Err(StoreError::Exists { file: target });
    }
    let lock = Lock::take(&target)?;
    let noted = if source == target {
        open::check_wal(&source)?;
        lock.noted()
    } else if beside(&source, ".lock").exists() {
        backup::check_unused(&source)?
    } else {
        None
    };
    let part = Part(beside(&target, ".restoring"));
    let loaded = copy(&source, &part)?;
    open::check_note(&source, noted, loaded.revision)?;
    let archives = archive::folder(&store);
    let cut = cut(&part.0, &loaded, &archives, moment)?;
    let loaded = backup::verify(&part.0)?;
    part.own(&target)?;
    let restored = backup::put(part, target, &lock, &loaded)?;
    if into.is_some() {
        archive::share(&archives, &restored.now.file, loaded.floor)?;
    }
    let Cut { taken, left_out, left_out_count } = cut;
    Ok(Recalled { now: restored.now, kept: restored.kept, taken, left_out, left_out_count })
}

/// What was cut off.
struct Cut {
    taken: Option<LogPoint>,
    left_out: Option<LogPoint>,
    left_out_count: u64,
}

/// Takes out of a copy what came after a moment.
fn cut(file: &Path, loaded: &Loaded, archives: &Path, moment: Moment) -> Result<Cut, StoreError> {
    let failed = |error| failed("write", file, error);
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_READ_WRITE;
    let mut conn = Connection::open_with_flags(file, flags).map_err(failed)?;
    conn.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    let floor = floor::read(&conn, file)?.map_err(|what| StoreError::Damaged { file: file.to_owned(), what })?;
    let here = match moment {
        Moment::Revision(revision) => Some(revision).filter(|revision| *revision >= floor.revision),
        Moment::At(at_ms) => {
            let select = "SELECT max(revision) FROM log WHERE at_ms <= ? AND revision > ?";
            let found: Option<i64> =
                conn.query_row(select, (at_ms, number_of(floor.revision)), |row| row.get(0)).map_err(failed)?;
            found.map(stored).or((floor.revision > 0 && floor.at_ms <= at_ms).then_some(floor.revision))
        }
    };
    let tx = conn.transaction().map_err(failed)?;
    let cut = match here {
        Some(revision) if revision <= loaded.revision => keep_up_to(&tx, &floor, revision).map_err(failed)?,
        Some(_) => return Err(nothing(&format!("the last change is revision {}", loaded.revision))),
        None if floor.revision == 0 => return Err(nothing("nothing had been stored by then")),
        None => {
            let found = find(archives, &floor, moment)?;
            let later = match &found.later {
                Some(later) => first_of(later)?,
                None => point(&tx, found.revision + 1).map_err(failed)?,
            };
            let cut = rebuild(&tx, file, &found.archive, found.revision)?;
            Cut { left_out: cut.left_out.or(later), ..cut }
        }
    };
    let revision = cut.taken.map_or(0, |taken| taken.revision);
    // Nobody was told of, or has read, what is not there any more.
    tx.execute(
        "UPDATE meta SET value = min(value, ?) WHERE key = 'told_revision' OR key GLOB 'mark:*'",
        [number_of(revision)],
    )
    .map_err(failed)?;
    tx.commit().map_err(failed)?;
    conn.execute_batch("VACUUM").map_err(failed)?;
    conn.close().map_err(|(_, error)| failed(error))?;
    std::fs::File::open(file).and_then(|file| file.sync_all()).map_err(|error| at(file, error))?;
    Ok(Cut { left_out_count: loaded.revision - revision, ..cut })
}

fn nothing(what: &str) -> StoreError {
    StoreError::NoMoment { what: what.to_owned() }
}

/// Deletes what came after a revision.
fn keep_up_to(tx: &Transaction<'_>, floor: &Floor, revision: u64) -> rusqlite::Result<Cut> {
    let at_floor = LogPoint { revision: floor.revision, at_ms: floor.at_ms };
    let at_floor = Some(at_floor).filter(|_| revision > 0 && revision == floor.revision);
    let (taken, left_out) = (point(tx, revision)?.or(at_floor), point(tx, revision + 1)?);
    for table in ["log", "snapshot"] {
        tx.execute(&format!("DELETE FROM {table} WHERE revision > ?"), [number_of(revision)])?;
    }
    tx.execute("DELETE FROM log WHERE revision <= ?", [number_of(floor.revision)])?;
    Ok(Cut { taken, left_out, left_out_count: 0 })
}

/// A change of the log.
fn point(tx: &Transaction<'_>, revision: u64) -> rusqlite::Result<Option<LogPoint>> {
    let select = "SELECT at_ms FROM log WHERE revision = ?";
    let found = tx.query_row(select, [number_of(revision)], |row| row.get(0)).optional()?;
    Ok(found.map(|at_ms| LogPoint { revision, at_ms }))
}

/// The first change of an archive.
fn first_of(archive: &Path) -> Result<Option<LogPoint>, StoreError> {
    let row = ArchiveReader::open(archive)?.next()?;
    Ok(row.map(|row| LogPoint { revision: row.entry.revision, at_ms: row.entry.at_ms }))
}

/// Where a moment is that is before the floor.
struct Found {
    archive: PathBuf,
    /// The last of its revisions that the moment has.
    revision: u64,
    /// The archive after it, if one is.
    later: Option<PathBuf>,
}

/// Finds the archive that holds a moment before the floor. It must lead to that floor.
fn find(archives: &Path, floor: &Floor, moment: Moment) -> Result<Found, StoreError> {
    let mut all = archive::list(archives)?;
    let mut later = None;
    let (mut last, mut chain) = (floor.revision, floor.chain);
    while last > 0 {
        let fits = |file: &Path| {
            let head = ArchiveReader::open(file).ok()?.head().clone();
            (head.last == last && head.chain_after == chain).then_some(head)
        };
        let found = all.iter().rev().find_map(|(.., file)| Some((file.clone(), fits(file)?)));
        let Some((file, head)) = found else {
            return Err(nothing(&format!(
                "it is in an archive: revisions up to {last} are, and no readable archive in {} ends there",
                archives.display()
            )));
        };
        all.retain(|(.., other)| *other != file);
        (last, chain) = (head.first - 1, head.chain_before);
        let is_in = match moment {
            Moment::Revision(revision) => revision >= head.first || head.first == 1,
            Moment::At(at_ms) => at_ms >= head.earliest_ms,
        };
        if is_in {
            return Ok(Found { revision: last_of(&file, moment)?, archive: file, later });
        }
        later = Some(file);
    }
    Err(nothing("nothing had been stored by then"))
}

/// The last revision of an archive that a moment has.
fn last_of(file: &Path, moment: Moment) -> Result<u64, StoreError> {
    let at_ms = match moment {
        Moment::Revision(revision) => return Ok(revision),
        Moment::At(at_ms) => at_ms,
    };
    let mut archive = ArchiveReader::open(file)?;
    let mut last = archive.head().first - 1;
    while let Some(row) = archive.next()? {
        if row.entry.at_ms <= at_ms {
            last = row.entry.revision;
        }
    }
    Ok(last)
}

/// Puts what an archive holds up to a revision in the place of everything.
fn rebuild(tx: &Transaction<'_>, file: &Path, archive: &Path, revision: u64) -> Result<Cut, StoreError> {
    let failed = |error| failed("write", file, error);
    let mut archive = ArchiveReader::open(archive)?;
    let head = archive.head().clone();
    tx.execute_batch("DELETE FROM log; DELETE FROM snapshot").map_err(failed)?;
    if head.first > 1 {
        let (chain, record) = (head.chain_before, archive.boards_record().to_owned());
        let floor = Floor { revision: head.first - 1, at_ms: head.before_ms, chain, record };
        floor::write(tx, &floor).map_err(failed)?;
    } else {
        tx.execute_batch("DROP TABLE floor").map_err(failed)?;
        tx.pragma_update(None, "user_version", open::FORMAT).map_err(failed)?;
    }
    let (mut taken, mut left_out) = (None, None);
    let mut insert = tx.prepare("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)").map_err(failed)?;
    while let Some(row) = archive.next()? {
        let Row { entry, record, sum } = row;
        let point = LogPoint { revision: entry.revision, at_ms: entry.at_ms };
        if entry.revision > revision {
            left_out = left_out.or(Some(point));
            continue; // the whole archive is read, so that all of it is known to be good
        }
        taken = Some(point);
        insert
            .execute((number_of(entry.revision), &*entry.room, entry.at_ms, entry.by.bare(), record, sum))
            .map_err(failed)?;
    }
    Ok(Cut { taken, left_out, left_out_count: 0 })
}

#[cfg(test)]
mod tests;
