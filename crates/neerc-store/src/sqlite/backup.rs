//! Makes a copy of a store that is in use, and restores one. A file is read back as a whole under a temporary name
//! before it gets its final one. A damaged store is refused, not repaired.

use super::load;
use super::open;
use super::{floor, generation};
use crate::error::failed;
use crate::generation::missing;
use crate::loaded::Loaded;
use crate::lock::{Lock, beside, identity};
use crate::rows::{self, Floor};
use crate::{Copied, Existing, Restored, StoreError, archive, limits, owner};
use neerc_core::board::{Board, Boards};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File, Metadata, Permissions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Offset of the application id in an SQLite file, and the magic at its beginning.
const APPLICATION_ID_AT: usize = 68;
pub const MAGIC: &[u8] = b"SQLite format 3\0";

/// See [`crate::backup`].
pub fn backup(store: &Path, target: Option<&Path>, existing: Existing) -> Result<Copied, StoreError> {
    let store = existing_file(store)?;
    let folder = target.map(open::resolve).transpose()?;
    if folder.as_ref().is_some_and(|target| is_of(&store, target)) {
        return Err(StoreError::Same { file: store });
    }
    let write = |part: &Part| {
        let noted = check_unused(&store)?;
        let loaded = copy(&store, part)?;
        open::check_note(&store, noted, loaded.revision)?;
        Ok(loaded)
    };
    make_backup(target, Some(&store), existing, write)
}

/// Makes a backup of what `write` puts into a file, which is not the store itself.
pub(crate) fn make_backup(
    target: Option<&Path>,
    store: Option<&Path>,
    existing: Existing,
    write: impl FnOnce(&Part) -> Result<Loaded, StoreError>,
) -> Result<Copied, StoreError> {
    if let Some(target) = target {
        replaceable(target, store, existing)?;
    }
    let part = beside(target.unwrap_or(Path::new("neerc-backup")), &format!(".{}.part", std::process::id()));
    let part = Part(part);
    let loaded = write(&part)?;
    let file = match target {
        Some(target) => target.to_owned(),
        None => PathBuf::from(format!("neerc-backup-{:06}.db", loaded.revision)),
    };
    if let Some(replaced) = replaceable(&file, store, existing)? {
        part.take_after(&replaced).and_then(|()| part.hide()).map_err(|source| at(&file, source))?;
    }
    part.rename(&file)?;
    Ok(copied(file, &loaded))
}

/// What a backup named `file` would replace, if it is allowed to: a backup, a cleanly closed store, or an empty file.
/// Nothing else is ever replaced: a name may be mistyped, and `/dev/null` is a name.
fn replaceable(file: &Path, store: Option<&Path>, existing: Existing) -> Result<Option<Metadata>, StoreError> {
    let found = match fs::symlink_metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(|source| at(file, source))?,
    };
    if !found.is_file() {
        return Err(StoreError::NotPlain { file: file.to_owned() });
    }
    let the_store = store.map(|store| fs::metadata(store).map_err(|source| at(store, source))).transpose()?;
    if the_store.is_some_and(|store| identity(&found) == identity(&store)) {
        return Err(StoreError::Same { file: file.to_owned() });
    }
    if existing == Existing::Keep {
        return Err(StoreError::Exists { file: file.to_owned() });
    }
    let not = |what| StoreError::NotReplaced { file: file.to_owned(), what };
    let opened = File::open(file).map_err(|source| at(file, source))?;
    let mut head = Vec::new();
    (&opened).take(100).read_to_end(&mut head).map_err(|source| at(file, source))?;
    let id = head.get(APPLICATION_ID_AT..).and_then(|rest| rest.first_chunk()).map(|id| u32::from_be_bytes(*id));
    let is_ours = head.starts_with(MAGIC) && id.map(i64::from) == Some(open::APPLICATION_ID);
    if !head.is_empty() && !is_ours {
        return Err(not("no store and no backup"));
    }
    let locked = opened.try_lock();
    drop(opened.unlock());
    match locked {
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { file: file.to_owned(), by: None }),
        _ if beside(file, "-wal").exists() => Err(not("a store with a write-ahead log beside it")),
        _ => Ok(Some(found)),
    }
}

/// See [`crate::restore`].
pub fn restore(store: &Path, source: &Path) -> Result<Restored, StoreError> {
    let source = existing_file(source)?;
    let store = open::resolve(store)?;
    if is_of(&store, &source) {
        return Err(StoreError::Same { file: source });
    }
    let lock = Lock::take(&store)?;
    let part = Part(beside(&store, ".restoring"));
    let loaded = copy(&source, &part)?;
    part.own(&store)?;
    put(part, store, &lock, &loaded)
}

/// Puts a copy in the place of a store, which is kept, with its archives.
pub(super) fn put(part: Part, store: PathBuf, lock: &Lock, loaded: &Loaded) -> Result<Restored, StoreError> {
    generation::renew(&part.0, missing(lock.noted(), loaded.revision))?;
    // From here on a crash leaves either a complete store or one that the note shows to be incomplete.
    lock.note(loaded.revision.max(1));
    lock.sync().map_err(|source| at(lock.path(), source))?;
    let kept = set_aside(&store)?;
    archive::part_with(&store, kept.as_deref(), loaded.floor)?;
    part.rename(&store)?;
    lock.note(loaded.revision);
    Ok(Restored { now: copied(store, loaded), kept })
}

/// Does the checks of a start if the store is not in use; returns the note beside it.
pub(super) fn check_unused(store: &Path) -> Result<Option<u64>, StoreError> {
    match Lock::take(store) {
        Ok(lock) => {
            open::check_wal(store)?;
            Ok(lock.noted())
        }
        // Under another name SQLite looks for another write-ahead log, so the copy would lack changes.
        Err(error @ StoreError::InUseElsewhere { .. }) if !beside(store, "-wal").exists() => Err(error),
        Err(error @ StoreError::NotPlain { .. }) => Err(error),
        // The process that uses it has done the checks; without permission to read the lock, only the copy can be
        // checked.
        Err(_) => Ok(None),
    }
}

/// An unfinished file under a temporary name; it is removed unless it gets its final name.
pub(crate) struct Part(pub(crate) PathBuf);

impl Part {
    pub(crate) fn rename(self, file: &Path) -> Result<(), StoreError> {
        fs::rename(&self.0, file).map_err(|source| at(file, source))?;
        let folder = file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| at(folder, source))
    }

    /// Creates it, empty and private to its owner.
    pub(crate) fn make(&self) -> Result<(), StoreError> {
        self.remove(); // left by a killed process
        owner::private().create_new(true).open(&self.0).map(drop).map_err(|source| at(&self.0, source))
    }

    /// Makes it private to its owner, which earlier versions did not.
    fn hide(&self) -> io::Result<()> {
        let mode = fs::metadata(&self.0)?.mode();
        fs::set_permissions(&self.0, Permissions::from_mode(mode & 0o770))
    }

    /// Gives it the owner and the permissions of the file it will replace.
    fn take_after(&self, replaced: &Metadata) -> io::Result<()> {
        let file = File::open(&self.0)?;
        owner::like(&file, replaced)
    }

    /// Gives it the owner that the store has, or should have.
    pub(crate) fn own(&self, store: &Path) -> Result<(), StoreError> {
        let owned = match fs::metadata(store) {
            Ok(replaced) => self.take_after(&replaced),
            Err(_) => self.bequeath(store),
        };
        owned.map_err(|source| at(store, source))
    }

    fn bequeath(&self, store: &Path) -> io::Result<()> {
        owner::bequeath(&File::open(&self.0)?, store);
        Ok(())
    }

    pub(crate) fn remove(&self) {
        for ending in ["", "-journal", "-wal", "-shm"] {
            drop(fs::remove_file(beside(&self.0, ending))); // usually there is none
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.remove();
    }
}

pub(crate) fn at(file: &Path, source: std::io::Error) -> StoreError {
    StoreError::File { file: file.to_owned(), source }
}

/// The canonical path of an existing file.
pub(crate) fn existing_file(path: &Path) -> Result<PathBuf, StoreError> {
    let file = path.canonicalize().map_err(|source| at(path, source))?;
    owner::plain(&file)?;
    Ok(file)
}

/// Whether a file is the store or one of the files beside it.
pub(super) fn is_of(store: &Path, file: &Path) -> bool {
    ["", "-wal", "-shm", "-journal", ".lock"].iter().any(|ending| beside(store, ending) == file)
}

pub(crate) fn copied(file: PathBuf, loaded: &Loaded) -> Copied {
    let tasks = loaded.boards.values().map(Board::len).sum();
    Copied { file, archived: loaded.floor, revision: loaded.revision, tasks }
}

/// Copies a database, as of one moment, into a single synced file, and reads the copy back.
pub(crate) fn copy(source: &Path, part: &Part) -> Result<Loaded, StoreError> {
    let target = part.0.as_path();
    let from = |error| failed("copy", source, error);
    let to = |error| failed("write", target, error);
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let original = Connection::open_with_flags(source, flags | OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(from)?;
    original.busy_timeout(limits::COPY_BUSY_TIMEOUT).map_err(from)?;
    // Opened read-only, so the write-ahead log of a killed process stays.
    let stays = beside(source, "-wal").exists();
    original.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, stays).map_err(from)?;
    if open::format(&original, source)? == 0 {
        return Err(StoreError::Foreign { file: source.to_owned() }); // an empty database is not a backup
    }
    part.make()?;
    let mut copy = Connection::open_with_flags(target, flags | OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(to)?;
    copy.pragma_update(None, "synchronous", "FULL").map_err(to)?;
    // All pages are copied in one step, so they are of one moment; writers go on in the write-ahead log.
    let step = Backup::new(&original, &mut copy).and_then(|backup| backup.step(-1)).map_err(to)?;
    if step != StepResult::Done {
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        return Err(from(rusqlite::Error::SqliteFailure(busy, None)));
    }
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).map_err(to)?;
    copy.close().map_err(|(_, error)| to(error))?;
    File::open(target).and_then(|file| file.sync_all()).map_err(|error| at(target, error))?;
    // An error in the copy comes from the original, so the original is named.
    verify(target).map_err(|error| match error {
        StoreError::Damaged { what, .. } => StoreError::Damaged { file: source.to_owned(), what },
        error => error,
    })
}

/// What a whole database was found to be.
pub struct Seen {
    /// The last revision.
    pub revision: u64,
    /// The last that is in an archive.
    pub floor: u64,
    /// The checksum of the log up to there.
    pub chain: u32,
    /// The boards as they were then.
    pub floor_boards: Boards,
}

/// Reads a whole database, which may be in use, and changes nothing, not even beside it.
pub fn look(file: &Path) -> Result<Seen, StoreError> {
    let file = existing_file(file)?;
    let noted = if beside(&file, ".lock").exists() { check_unused(&file)? } else { None };
    let (loaded, floor, floor_boards) = read_whole(&file)?;
    open::check_note(&file, noted, loaded.revision)?;
    Ok(Seen { revision: loaded.revision, floor: floor.revision, chain: floor.chain, floor_boards })
}

/// Reads a whole database: what a start reads, and also its structure, every log entry, and every snapshot, which must
/// agree with the log.
pub fn verify(file: &Path) -> Result<Loaded, StoreError> {
    read_whole(file).map(|(loaded, ..)| loaded)
}

/// The same, with where its log begins.
fn read_whole(file: &Path) -> Result<(Loaded, Floor, Boards), StoreError> {
    let at = |error| failed("read", file, error);
    let damaged = |what: String| StoreError::Damaged { file: file.to_owned(), what };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(file, flags).map_err(at)?;
    conn.busy_timeout(limits::COPY_BUSY_TIMEOUT).map_err(at)?;
    // The write-ahead log of a killed process stays.
    let stays = beside(file, "-wal").exists();
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, stays).map_err(at)?;
    let moment = conn.transaction().map_err(at)?;
    if open::format(&moment, file)? == 0 {
        return Err(StoreError::Foreign { file: file.to_owned() });
    }
    let verdict: String = moment.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(at)?;
    if verdict != "ok" {
        return Err(damaged(verdict));
    }
    let loaded = load::load(&moment, file)?;
    let snapshots = snapshots(&moment, file)?;
    let floor = floor::read(&moment, file)?.and_then(|floor| Ok((floor.boards()?, floor)));
    let (floor_boards, floor) = floor.map_err(|why| damaged(format!("what is in place of the archives: {why}")))?;
    let (mut last, mut boards) = (floor.revision, floor_boards.clone());
    let is_wrong =
        |snapshot: &(u64, Boards), last, boards: &Boards| snapshot.0 == last && !is_same(&snapshot.1, boards);
    let select = "SELECT revision, room, at_ms, by_jid, record, sum FROM log WHERE revision > ? ORDER BY revision";
    let mut log = moment.prepare(select).map_err(at)?;
    let mut rows = log.query([rows::number_of(last)]).map_err(at)?;
    while let Some(row) = rows.next().map_err(at)? {
        let entry = load::entry(row, &boards, last + 1).map_err(damaged)?;
        last = entry.revision;
        boards.entry(entry.room.clone()).or_default().replay(&entry);
        if snapshots.iter().any(|snapshot| is_wrong(snapshot, last, &boards)) {
            return Err(damaged(format!("the snapshot of revision {last} is not what the log comes to")));
        }
    }
    if last != loaded.revision || !is_same(&loaded.boards, &boards) {
        return Err(damaged(format!("revision {} of the log: a start reads something else", loaded.revision)));
    }
    drop(rows);
    drop(log);
    Ok((loaded, floor, floor_boards))
}

/// The snapshots that a start can use.
fn snapshots(conn: &Connection, file: &Path) -> Result<Vec<(u64, Boards)>, StoreError> {
    let at = |error| failed("read", file, error);
    let mut snapshots = conn.prepare("SELECT revision, record, sum FROM snapshot").map_err(at)?;
    let mut rows = snapshots.query([]).map_err(at)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(at)? {
        let revision: i64 = row.get(0).map_err(at)?;
        if let (Ok(boards), Ok(revision)) = (load::boards(row, revision), u64::try_from(revision)) {
            found.push((revision, boards));
        }
    }
    Ok(found)
}

/// Whether two sets of boards look the same to users. How much history of a task is kept depends on the version that
/// wrote it.
pub fn is_same(one: &Boards, other: &Boards) -> bool {
    let is_same_board = |one: &Board, other: &Board| {
        let numbers = |board: &Board| (board.next_id(), board.last_timestamp_ms(), board.revision(), board.len());
        let tasks = one.tasks().zip(other.tasks());
        numbers(one) == numbers(other)
            && one.plan() == other.plan()
            && tasks.into_iter().all(|(a, b)| {
                (a.id, &a.title, a.kind, a.timestamp_ms, &a.statuses, a.revision)
                    == (b.id, &b.title, b.kind, b.timestamp_ms, &b.statuses, b.revision)
            })
    };
    one.len() == other.len() && one.iter().zip(other).all(|((a, one), (b, other))| a == b && is_same_board(one, other))
}

/// A name for a store that is kept.
pub(crate) fn kept_name(store: &Path) -> Result<PathBuf, StoreError> {
    let is_free = |file: &PathBuf| !file.exists() && !beside(file, "-wal").exists();
    let mut names = (1..limits::KEPT).map(|number| beside(store, &format!(".old-{number}")));
    names.find(is_free).ok_or_else(|| StoreError::Exists { file: beside(store, ".old-1") })
}

/// Renames a store and its write-ahead log; `None` if there is no store.
fn set_aside(store: &Path) -> Result<Option<PathBuf>, StoreError> {
    let kept = kept_name(store)?;
    // The write-ahead log goes first: it must never be next to a database that it does not belong to.
    let mut is_any = false;
    for ending in ["-wal", ""] {
        let from = beside(store, ending);
        if from.exists() {
            fs::rename(&from, beside(&kept, ending)).map_err(|source| at(&from, source))?;
            is_any = true;
        }
    }
    drop(fs::remove_file(beside(store, "-shm"))); // recreated by the next process that opens the database
    Ok(is_any.then_some(kept))
}

#[cfg(test)]
mod tests;
