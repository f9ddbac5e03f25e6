//! Opens a file safely: takes the lock, checks for lost data, and migrates an old format. Nothing is written until the
//! file is known to be a store.

use super::copying::Copying;
use super::disk::{Disk, backdrop_of};
use super::generation;
use super::load::load;
use super::wal;
use crate::error::failed;
use crate::loaded::Loaded;
use crate::lock::{self, Lock};
use crate::{StoreError, limits};
use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::ffi::c_int;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The application id of our SQLite files: "NERC" in ASCII.
pub(super) const APPLICATION_ID: i64 = 0x4e45_5243;
/// Migrations from format N - 1 to N. Never edit one; add one.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/1.sql")];
/// The format of a store that was never compacted.
pub(super) const FORMAT: i64 = MIGRATIONS.len() as i64;
/// The newest format, to which the first compaction brings a store, and nothing else: until then, an earlier version of the
/// program can still be used.
pub(super) const COMPACTED: i64 = 2;

pub(super) fn open_disk(path: &Path) -> Result<(Disk, Loaded), StoreError> {
    let file = resolve(path)?;
    let mut lock = Lock::take(&file)?;
    let noted = lock.noted();
    check_wal(&file)?;
    let wal = lock::beside(&file, "-wal");
    wal::rewrite(&wal).map_err(|source| StoreError::File { file: wal, source })?;
    if let Some(revision) = noted.filter(|revision| *revision > 0)
        && !file.exists()
    {
        return Err(StoreError::Missing { file, lock: lock.path().to_owned(), revision });
    }
    lock.make()?;
    let was_ours = noted.is_some_and(|noted| noted > 0);
    let opened = connect(&file).and_then(|conn| load(&conn, &file).map(|loaded| (conn, loaded)));
    let (mut conn, mut loaded) = opened.map_err(|error| if was_ours { disfigured(error) } else { error })?;
    check_note(&file, noted, loaded.revision)?;
    loaded.generation = generation::ensure(&conn).map_err(|error| failed("open", &file, error))?;
    let (last, told, floor) = (loaded.revision, loaded.told_revision, loaded.floor);
    let wal_pages = count_wal_pages(&mut conn).map_err(|error| failed("open", &file, error))?;
    let mut disk =
        Disk { conn, file, last, told, floor, wal_pages, is_broken: false, lock, copying: Copying::default() };
    disk.begin()?;
    let _ = std::fs::remove_file(backdrop_of(&disk.file)); // who was there is not known yet; mostly there is none
    Ok((disk, loaded))
}

/// Counts the pages in the write-ahead log after each commit, which SQLite reports anyway; asking for the count takes
/// locks and costs as much as storing several changes.
fn count_wal_pages(conn: &mut Connection) -> rusqlite::Result<Arc<AtomicI64>> {
    let pages = Arc::new(AtomicI64::new(0));
    let noted = pages.clone();
    conn.wal_hook(Some(move |_: &mut Wal, pages: c_int| {
        noted.store(pages.into(), Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(pages)
}

/// The error for a file that was a store and no longer looks like one.
fn disfigured(error: StoreError) -> StoreError {
    let what = error.to_string();
    match error {
        StoreError::Foreign { file } => StoreError::Damaged { file, what: String::from("it says that it is not ours") },
        StoreError::Sqlite { file, source, .. } if source.sqlite_error_code() == Some(ErrorCode::Unknown) => {
            StoreError::Damaged { file, what }
        }
        error => error,
    }
}

/// Checks that the log reaches the revision of its note.
pub(super) fn check_note(file: &Path, noted: Option<u64>, last: u64) -> Result<(), StoreError> {
    let Some(noted) = noted.filter(|noted| *noted > last) else { return Ok(()) };
    let what = format!(
        "the log ends at revision {last}, but {} says that revision {noted} was stored (if an older copy was put here \
         on purpose, give it another name and bring that in)",
        lock::beside(file, ".lock").display()
    );
    Err(StoreError::Damaged { file: file.to_owned(), what })
}

/// Checks the write-ahead log for lost data before SQLite opens it, which would overwrite it.
pub(super) fn check_wal(file: &Path) -> Result<(), StoreError> {
    let path = lock::beside(file, "-wal");
    match wal::damage(&path) {
        Ok(None) => Ok(()),
        Ok(Some(what)) => Err(StoreError::Damaged { file: file.to_owned(), what }),
        Err(source) => Err(StoreError::File { file: path, source }),
    }
}

/// The canonical path, so two links to a database lead to the same lock.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf, StoreError> {
    let at = |source| StoreError::File { file: path.to_owned(), source };
    match path.canonicalize() {
        // A link to a file that does not exist yet; once created, the file has that canonical path.
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_symlink() => {
            let to = path.read_link().map_err(at)?;
            resolve(&path.parent().unwrap_or(Path::new("")).join(to))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or_else(|| at(error))?;
            let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
            Ok(folder.canonicalize().map_err(at)?.join(name))
        }
        resolved => resolved.map_err(at),
    }
}

/// Opens a connection to a store, creating or migrating it if necessary. Nothing is written until the file is known to
/// be a store.
fn connect(file: &Path) -> Result<Connection, StoreError> {
    let at = |source| failed("open", file, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(file, flags).map_err(at)?;
    conn.busy_timeout(limits::BUSY_TIMEOUT).map_err(at)?;
    // A refused file stays as it is: SQLite would clean up on closing, and that may be the only copy of the data.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(at)?;
    let format = format(&conn, file)?;
    let mode: String = conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(at)?;
    if mode != "wal" {
        return Err(StoreError::NoWal { file: file.to_owned(), mode });
    }
    conn.pragma_update(None, "synchronous", "FULL").map_err(at)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0).map_err(at)?;
    conn.pragma_update(None, "cell_size_check", true).map_err(at)?;
    if format < FORMAT {
        migrate(&mut conn, format).map_err(|source| failed("bring up to date", file, source))?;
        tracing::info!("{}: brought from format {format} to {FORMAT}", file.display());
    }
    Ok(conn)
}

/// The format of the database, 0 for an empty one.
pub(super) fn format(conn: &Connection, file: &Path) -> Result<i64, StoreError> {
    let number = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|e| failed("open", file, e));
    let application_id = number("PRAGMA application_id")?;
    let format = number("PRAGMA user_version")?;
    if application_id != APPLICATION_ID {
        let is_empty = application_id == 0 && format == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0;
        return if is_empty { Ok(0) } else { Err(StoreError::Foreign { file: file.to_owned() }) };
    }
    if format > COMPACTED {
        return Err(StoreError::Newer { file: file.to_owned(), found: format, known: COMPACTED });
    }
    Ok(format)
}

pub(super) fn migrate(conn: &mut Connection, format: i64) -> rusqlite::Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (version, sql) in (1..).zip(MIGRATIONS) {
        if version > format {
            tx.execute_batch(sql)?;
        }
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", FORMAT)?;
    tx.commit()
}
