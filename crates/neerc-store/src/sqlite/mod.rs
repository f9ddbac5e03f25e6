//! The store in an SQLite file: a thread of its own owns the connection, and handles send it batches. Every commit is
//! synced; the write-ahead log is copied back between commits, never within one. Other processes may read the file
//! (backups), but a lock file beside it keeps a second neerc out. Not the formats of records: see record.rs.

pub mod backup;
mod lock;
mod wal;

use crate::StoreError;
use crate::record::{self, RecordError};
use lock::Lock;
use neerc_core::board::Boards;
use neerc_core::change::{Entry, Room};
use neerc_core::people::Person;
use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, TransactionBehavior, ffi};
use std::ffi::c_int;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Marks an SQLite file as ours: "NERC" in ASCII.
pub const APPLICATION_ID: i64 = 0x4e45_5243;
/// What makes a database of format N from one of format N - 1. Never edit one; add one.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/1.sql")];
/// The newest format.
const FORMAT: i64 = MIGRATIONS.len() as i64;

/// Most batches waiting for the thread; the service has one under way at a time.
const BATCHES_WAITING: usize = 64;
/// How long another process that writes into the file is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_millis(250);
/// How long a told revision waits for a commit to be stored with.
const TOLD_WAIT: Duration = Duration::from_millis(500);
/// How long nothing must be committed before the write-ahead log is copied back.
const IDLE: Duration = Duration::from_millis(200);
/// Pages in the write-ahead log at which it is copied back even if commits keep coming: 16 MiB.
const WAL_PAGES: i64 = 4_096;
/// Pages in the write-ahead log at which somebody's reading transaction is worth a warning: 256 MiB.
const WAL_PAGES_ALARMING: i64 = 65_536;
/// Pause before housekeeping that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How often the thread looks whether a snapshot has been written down.
const SNAPSHOT_POLL: Duration = Duration::from_millis(10);
/// Snapshots that are kept.
const SNAPSHOTS: u32 = 2;

type Reply = oneshot::Sender<Result<(), StoreError>>;

/// What reading the file at the start gave.
pub struct Loaded {
    /// The boards as of `revision`.
    pub boards: Boards,
    /// Last revision of the log.
    pub revision: u64,
    /// Revision of the snapshot that was read; 0 if there was none.
    pub snapshot_revision: u64,
    /// Revision up to which everybody was told.
    pub told_revision: u64,
    /// The entries above that.
    pub untold: Vec<Entry>,
}

/// A handle to the thread.
#[derive(Clone, Debug)]
pub struct Sqlite {
    requests: mpsc::Sender<Request>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
enum Request {
    Commit {
        entries: Arc<[Entry]>,
        reply: Reply,
    },
    /// There is something new in [`Shared`].
    Look,
    Close {
        reply: Reply,
    },
}

/// What handles leave for the thread where only the newest counts.
#[derive(Debug, Default)]
struct Shared {
    batches_waiting: AtomicUsize,
    told: AtomicU64,
    snapshot: Mutex<Option<(u64, Boards)>>,
    /// A [`Request::Look`] is on its way, so another would only fill the queue.
    look_sent: AtomicBool,
}

impl Shared {
    fn snapshot(&self) -> MutexGuard<'_, Option<(u64, Boards)>> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner) // whole at any time: it is only ever replaced
    }
}

impl Sqlite {
    /// See [`crate::Store::commit`].
    pub fn commit(&self, entries: Arc<[Entry]>) -> oneshot::Receiver<Result<(), StoreError>> {
        let (reply, outcome) = oneshot::channel();
        let waiting = self.shared.batches_waiting.fetch_add(1, Ordering::SeqCst);
        if waiting >= BATCHES_WAITING {
            self.shared.batches_waiting.fetch_sub(1, Ordering::SeqCst);
            let _ = reply.send(Err(StoreError::Busy { waiting })); // we hold the receiver
        } else {
            self.send(Request::Commit { entries, reply });
        }
        outcome
    }

    /// See [`crate::Store::told`].
    pub fn told(&self, revision: u64) {
        self.shared.told.fetch_max(revision, Ordering::SeqCst);
        self.look();
    }

    /// See [`crate::Store::snapshot`].
    pub fn snapshot(&self, revision: u64, boards: Boards) {
        let mut waiting = self.shared.snapshot();
        if waiting.as_ref().is_none_or(|(known, _)| *known < revision) {
            *waiting = Some((revision, boards));
        }
        drop(waiting);
        self.look();
    }

    /// See [`crate::Store::close`].
    pub fn close(self) -> oneshot::Receiver<Result<(), StoreError>> {
        let (reply, outcome) = oneshot::channel();
        self.send(Request::Close { reply });
        outcome
    }

    fn look(&self) {
        if !self.shared.look_sent.swap(true, Ordering::SeqCst) {
            self.send(Request::Look);
        }
    }

    /// If the thread is gone, the request is dropped, and its reply with it: the receiver says so.
    fn send(&self, request: Request) {
        let _ = self.requests.send(request);
    }
}

/// Whether there is nothing at a path, nor ever was a store.
pub fn is_new(path: &Path) -> Result<bool, StoreError> {
    let file = resolve(path)?;
    Ok(!file.exists() && Lock::peek(&file).is_none_or(|noted| noted == 0))
}

/// Opens the file, reads it and starts the thread.
pub fn open(path: &Path) -> Result<(Sqlite, Loaded), StoreError> {
    let (disk, loaded) = open_disk(path)?;
    let (requests, queue) = mpsc::channel();
    let shared = Arc::new(Shared::default());
    let worker = Worker { disk, queue, shared: shared.clone(), due: Due::default(), writing: None, is_alarmed: false };
    let thread = thread::Builder::new().name("neerc-store".into());
    thread.spawn(move || worker.run()).map_err(StoreError::Thread)?;
    Ok((Sqlite { requests, shared }, loaded))
}

fn open_disk(path: &Path) -> Result<(Disk, Loaded), StoreError> {
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
    let (mut conn, loaded) = opened.map_err(|error| if was_ours { disfigured(error) } else { error })?;
    check_note(&file, noted, loaded.revision)?;
    let (last, told) = (loaded.revision, loaded.told_revision);
    let wal_pages = count_wal_pages(&mut conn).map_err(|error| failed("open", &file, error))?;
    let mut disk = Disk { conn, file, last, told, wal_pages, is_broken: false, lock };
    disk.begin()?;
    Ok((disk, loaded))
}

/// From now on holds how many pages the write-ahead log has after each commit, which SQLite tells for nothing; asking it
/// takes locks and costs as much as storing several changes.
fn count_wal_pages(conn: &mut Connection) -> rusqlite::Result<Arc<AtomicI64>> {
    let pages = Arc::new(AtomicI64::new(0));
    let noted = pages.clone();
    conn.wal_hook(Some(move |_: &mut Wal, pages: c_int| {
        noted.store(pages.into(), Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(pages)
}

/// What it means of a file that was a store of ours if it does not look like one now.
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

/// Whether the log goes as far as it was once noted to.
pub fn check_note(file: &Path, noted: Option<u64>, last: u64) -> Result<(), StoreError> {
    let Some(noted) = noted.filter(|noted| *noted > last) else { return Ok(()) };
    let what = format!(
        "the log ends at revision {last}, but {} says that revision {noted} was stored (if an older copy was put here \
         on purpose, give it another name and bring that in)",
        lock::beside(file, ".lock").display()
    );
    Err(StoreError::Damaged { file: file.to_owned(), what })
}

/// Whether the write-ahead log has lost something; asked before SQLite is, which would overwrite it.
pub fn check_wal(file: &Path) -> Result<(), StoreError> {
    let path = lock::beside(file, "-wal");
    match wal::damage(&path) {
        Ok(None) => Ok(()),
        Ok(Some(what)) => Err(StoreError::Damaged { file: file.to_owned(), what }),
        Err(source) => Err(StoreError::File { file: path, source }),
    }
}

/// The one true path, so that two links to a database lead to the same lock.
pub fn resolve(path: &Path) -> Result<PathBuf, StoreError> {
    let at = |source| StoreError::File { file: path.to_owned(), source };
    match path.canonicalize() {
        // A link to where there is nothing yet: what is made there has the same name afterwards.
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

/// An error of SQLite with what it happened at. Damage is recognised whatever was being done.
pub fn failed(doing: &'static str, file: &Path, source: rusqlite::Error) -> StoreError {
    let file = file.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { file, what: source.to_string() }
        }
        _ => StoreError::Sqlite { doing, file, source },
    }
}

/// Whether after this error what is on disk is not known any more.
pub fn is_fatal(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(error, _) = error else { return false };
    let syncs = [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC, ffi::SQLITE_IOERR_CORRUPTFS];
    // The index of the write-ahead log grows after the sync, so the changes may be on disk all the same.
    let index = [ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_SHMMAP];
    syncs.contains(&error.extended_code)
        || index.contains(&error.extended_code)
        || matches!(error.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
}

/// Opens a connection to a database of ours, made or migrated if need be. Nothing is written before it is known whose
/// the file is.
fn connect(file: &Path) -> Result<Connection, StoreError> {
    let at = |source| failed("open", file, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(file, flags).map_err(at)?;
    conn.busy_timeout(BUSY_TIMEOUT).map_err(at)?;
    // If the file is refused, it stays as it is: what SQLite would tidy up when it closes may be all there is.
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
pub fn format(conn: &Connection, file: &Path) -> Result<i64, StoreError> {
    let number = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|e| failed("open", file, e));
    let application_id = number("PRAGMA application_id")?;
    let format = number("PRAGMA user_version")?;
    if application_id != APPLICATION_ID {
        let is_empty = application_id == 0 && format == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0;
        return if is_empty { Ok(0) } else { Err(StoreError::Foreign { file: file.to_owned() }) };
    }
    if format > FORMAT {
        return Err(StoreError::Newer { file: file.to_owned(), found: format, known: FORMAT });
    }
    Ok(format)
}

fn migrate(conn: &mut Connection, format: i64) -> rusqlite::Result<()> {
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

/// Reads the newest snapshot that can be read and the log after it; nothing else, so that a long log does not make a
/// long start. Whatever is read is checked.
pub fn load(conn: &Connection, file: &Path) -> Result<Loaded, StoreError> {
    let damaged = |what: String| StoreError::Damaged { file: file.to_owned(), what };
    let number = |sql| {
        let found = conn.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)).optional();
        Ok(found.map_err(|error| failed("read", file, error))?.flatten())
    };
    let revision = stored(number("SELECT max(revision) FROM log")?.unwrap_or(0));
    let told = number("SELECT value FROM meta WHERE key = 'told_revision'")?;
    let told_revision = stored(told.ok_or_else(|| damaged("meta has no told_revision".into()))?);
    let snapshot = stored(number("SELECT max(revision) FROM snapshot")?.unwrap_or(0));
    for (known, what) in [(told_revision, "people were told of"), (snapshot, "a snapshot was stored of")] {
        if known > revision {
            return Err(damaged(format!("the log ends at revision {revision}, but {what} revision {known}")));
        }
    }
    let (folded, mut boards) = newest_snapshot(conn, file)?.unwrap_or_default();
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
            boards.entry(entry.room.clone()).or_default().apply(last, &entry.change);
        }
        if last > told_revision {
            untold.push(entry);
        }
    }
    if last != revision {
        return Err(damaged(format!("revision {} of the log is missing", last + 1)));
    }
    Ok(Loaded { boards, revision, snapshot_revision: folded, told_revision, untold })
}

/// A line of the log, which must be that of `revision`; the error says what is wrong with it.
pub fn entry(row: &Row<'_>, boards: &Boards, revision: u64) -> Result<Entry, String> {
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
    let change = record::read_change(record).map_err(|e| wrong(&e))?;
    Ok(Entry { revision, room, at_ms, by, change })
}

/// The newest snapshot that can be read. One that cannot only makes the start longer, unless SQLite itself finds
/// damage in the file.
fn newest_snapshot(conn: &Connection, file: &Path) -> Result<Option<(u64, Boards)>, StoreError> {
    let at = |source| failed("read", file, source);
    let mut snapshots =
        conn.prepare("SELECT revision, record, sum FROM snapshot ORDER BY revision DESC").map_err(at)?;
    let mut rows = snapshots.query([]).map_err(at)?;
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

/// The boards of a line of the snapshots; the error says what is wrong with it.
pub fn boards(row: &Row<'_>, revision: i64) -> Result<Boards, String> {
    let record = row.get_ref(1).map_err(|e| e.to_string())?.as_bytes().map_err(|e| e.to_string())?;
    let known: i64 = row.get(2).map_err(|e| e.to_string())?;
    let sum = i64::from(record::snapshot_sum(revision, record));
    if sum != known {
        return Err(format!("its checksum is {sum}, not {known} as stored"));
    }
    record::read_boards(record).map_err(|e| e.to_string())
}

/// A revision as SQLite holds numbers.
fn number_of(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

/// A revision from what SQLite holds; a negative one, which nobody stores, is none.
fn stored(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The connection with what is known of the file.
struct Disk {
    conn: Connection,
    file: PathBuf,
    /// Last revision stored.
    last: u64,
    /// Told revision stored.
    told: u64,
    /// Pages in the write-ahead log after the last commit, or 0 once they are copied back.
    wal_pages: Arc<AtomicI64>,
    /// Something fatal happened: nothing is stored any more.
    is_broken: bool,
    lock: Lock,
}

impl Disk {
    /// Empties the write-ahead log, so that nothing of an earlier process is in it, and then knows that what was read is
    /// on disk: a killed process may have left it in the page cache alone.
    fn begin(&mut self) -> Result<(), StoreError> {
        let at = |source| failed("open", &self.file, source);
        self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(at)?;
        match self.checkpoint(Checkpoint::Truncate) {
            Ok(0) => {
                self.lock.note(self.last);
                if let Err(error) = wal::prepare(&lock::beside(&self.file, "-wal")) {
                    tracing::debug!("{}: its write-ahead log grows as it is needed: {error}", self.file.display());
                }
            }
            Ok(_) => {} // somebody reads it
            Err(error) if error.is_fatal() => return Err(error),
            Err(error) => tracing::warn!("{error}"),
        }
        self.lock.watch()
    }

    /// Stores a batch and, with it, up to where everybody was told. On an error nothing of either is stored.
    fn append(&mut self, entries: &[Entry], told: u64) -> Result<(), StoreError> {
        let Some(last) = entries.last() else { return Ok(()) };
        let told = told.min(self.last).max(self.told);
        self.guarded(|disk| {
            disk.insert(entries, told)?;
            disk.lock.check()
        })?;
        self.last = last.revision;
        self.told = told;
        self.lock.note(self.last);
        Ok(())
    }

    fn insert(&mut self, entries: &[Entry], told: u64) -> Result<(), StoreError> {
        let file = &self.file;
        let at = |source| failed("store changes in", file, source);
        let tx = &self.conn;
        step(tx, "BEGIN IMMEDIATE").map_err(at)?; // undone by `guarded`, if it comes to that
        let found: Option<i64> = {
            let mut last = tx.prepare_cached("SELECT max(revision) FROM log").map_err(at)?;
            last.query_row([], |row| row.get(0)).map_err(at)?
        };
        let mut last = stored(found.unwrap_or(0));
        {
            let mut insert = tx.prepare_cached("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)").map_err(at)?;
            for Entry { revision, room, at_ms, by, change } in entries {
                if last.checked_add(1) != Some(*revision) {
                    return Err(StoreError::Order { file: file.clone(), last, given: *revision });
                }
                last = *revision;
                let record = record::write_change(change)
                    .map_err(|why| StoreError::Unwritable { revision: *revision, what: why.to_string() })?;
                let (number, by) = (number_of(*revision), by.bare());
                let sum = record::entry_sum(number, room.as_bytes(), *at_ms, by.as_bytes(), record.as_bytes());
                insert.execute((number, &**room, at_ms, by, record, sum)).map_err(at)?;
            }
        }
        if told > self.told {
            set_told(tx, told).map_err(at)?;
        }
        step(tx, "COMMIT").map_err(at)
    }

    /// Stores up to where everybody was told.
    fn save_told(&mut self, told: u64) -> Result<(), StoreError> {
        let told = told.min(self.last);
        self.guarded(|disk| set_told(&disk.conn, told).map_err(|e| failed("store progress in", &disk.file, e)))?;
        self.told = told;
        Ok(())
    }

    /// Stores a snapshot and drops the oldest.
    fn save_snapshot(&mut self, revision: u64, record: &str) -> Result<(), StoreError> {
        let last = self.last;
        self.guarded(|disk| {
            let file = &disk.file;
            if revision > last {
                return Err(StoreError::Order { file: file.clone(), last, given: revision });
            }
            let at = |source| failed("store a snapshot in", file, source);
            let number = number_of(revision);
            let sum = record::snapshot_sum(number, record.as_bytes());
            let tx = disk.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(at)?;
            tx.execute("INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?)", (number, record, sum)).map_err(at)?;
            let newest = "SELECT revision FROM snapshot ORDER BY revision DESC LIMIT ?";
            tx.execute(&format!("DELETE FROM snapshot WHERE revision NOT IN ({newest})"), [SNAPSHOTS]).map_err(at)?;
            tx.commit().map_err(at)
        })
    }

    /// Copies the write-ahead log back as `mode` says. Returns how many pages of it are not copied.
    fn checkpoint(&mut self, mode: Checkpoint) -> Result<i64, StoreError> {
        self.guarded(|disk| {
            let at = |source| failed("copy the write-ahead log back into", &disk.file, source);
            let mut pragma = disk.conn.prepare_cached(mode.sql()).map_err(at)?;
            let (pages, copied): (i64, i64) = pragma.query_row([], |row| Ok((row.get(1)?, row.get(2)?))).map_err(at)?;
            let left = (pages - copied).max(i64::from(pages < 0)); // below zero: it could not even be looked at
            disk.wal_pages.store(left, Ordering::Relaxed);
            Ok(left)
        })
    }

    /// Runs `work` unless the store is broken. Afterwards no transaction is open, or the store is broken.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Disk) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.is_broken {
            return Err(StoreError::Broken { file: self.file.clone() });
        }
        let outcome = work(self);
        let is_stuck = !self.conn.is_autocommit() && self.conn.execute_batch("ROLLBACK").is_err();
        if is_stuck || outcome.as_ref().is_err_and(StoreError::is_fatal) {
            self.give_up();
        }
        match outcome {
            Err(error) if self.is_broken && !error.is_fatal() => {
                tracing::error!("{error}, and that could not be undone");
                Err(StoreError::Broken { file: self.file.clone() })
            }
            outcome => outcome,
        }
    }

    /// Touches the file no more: what the page cache holds may not be what is on disk, so not even the checkpoint
    /// that SQLite makes of its own when it closes may happen.
    fn give_up(&mut self) {
        self.is_broken = true;
        if let Err(error) = self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
            tracing::error!("{}: {error}", self.file.display());
        }
    }
}

/// Runs a statement that is prepared once: SQLite takes as long to read one as to run it.
fn step(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn set_told(conn: &Connection, told: u64) -> rusqlite::Result<()> {
    let mut update = conn.prepare_cached("UPDATE meta SET value = ? WHERE key = 'told_revision'")?;
    update.execute([number_of(told)]).map(|_| ())
}

/// How much of the write-ahead log is copied back.
#[derive(Clone, Copy)]
enum Checkpoint {
    /// What is possible without waiting for anybody.
    Passive,
    /// Everything, and the file is emptied.
    Truncate,
}

impl Checkpoint {
    fn sql(self) -> &'static str {
        match self {
            Checkpoint::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
            Checkpoint::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
        }
    }
}

/// What the thread holds.
struct Worker {
    disk: Disk,
    queue: mpsc::Receiver<Request>,
    shared: Arc<Shared>,
    due: Due,
    /// The snapshot that is being written down, by a thread that ends with it.
    writing: Option<(u64, JoinHandle<Result<String, RecordError>>)>,
    is_alarmed: bool,
}

/// When housekeeping is due; `None`: there is nothing to do.
#[derive(Default)]
struct Due {
    told: Option<Instant>,
    checkpoint: Option<Instant>,
    /// The write-ahead log could not be copied back whole; not again before this.
    checkpoint_pause: Option<Instant>,
}

impl Worker {
    fn run(mut self) {
        loop {
            match self.next() {
                Ok(Request::Commit { entries, reply }) => {
                    self.shared.batches_waiting.fetch_sub(1, Ordering::SeqCst);
                    let outcome = self.disk.append(&entries, self.shared.told.load(Ordering::SeqCst));
                    let _ = reply.send(outcome); // whoever dropped the future does not care
                    self.after_commit();
                }
                Ok(Request::Look) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Request::Close { reply }) => {
                    let outcome = self.finish();
                    drop(self);
                    let _ = reply.send(outcome);
                    return;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    if let Err(error) = self.finish() {
                        tracing::error!("{error}");
                    }
                    return;
                }
            }
            self.housekeeping();
        }
    }

    /// The next request, or a timeout when housekeeping is due and nothing is waiting.
    fn next(&self) -> Result<Request, RecvTimeoutError> {
        let poll = self.writing.as_ref().map(|_| Instant::now() + SNAPSHOT_POLL);
        match [self.due.told, self.due.checkpoint, poll].into_iter().flatten().min() {
            Some(due) => self.queue.recv_timeout(due.saturating_duration_since(Instant::now())),
            None => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// The write-ahead log is copied back once there is a pause, or now if it is long.
    fn after_commit(&mut self) {
        let now = Instant::now();
        self.due.checkpoint = match self.disk.wal_pages.load(Ordering::Relaxed) {
            0 => None,
            _ if self.disk.is_broken => None,
            WAL_PAGES.. => Some(self.due.checkpoint_pause.unwrap_or(now)),
            _ => Some((now + IDLE).max(self.due.checkpoint_pause.unwrap_or(now))),
        };
    }

    fn housekeeping(&mut self) {
        self.shared.look_sent.store(false, Ordering::SeqCst); // before looking: what comes later sends another
        if self.disk.is_broken {
            self.due = Due::default();
            *self.shared.snapshot() = None;
            return;
        }
        let now = Instant::now();
        self.keep_told(now);
        self.keep_snapshot();
        if self.due.checkpoint.is_some_and(|due| due <= now) {
            self.copy_back(now);
        }
    }

    fn keep_told(&mut self, now: Instant) {
        let told = self.shared.told.load(Ordering::SeqCst).min(self.disk.last);
        if told <= self.disk.told {
            self.due.told = None;
        } else if *self.due.told.get_or_insert(now + TOLD_WAIT) <= now {
            let saved = self.disk.save_told(told);
            self.due.told = saved.is_err().then_some(now + RETRY);
            self.report(saved);
            self.after_commit();
        }
    }

    fn keep_snapshot(&mut self) {
        if let Some((revision, writing)) = self.writing.take_if(|(_, writing)| writing.is_finished()) {
            self.store_snapshot(revision, writing);
            self.after_commit();
        }
        if self.writing.is_none() {
            self.write_snapshot();
        }
    }

    /// Has the waiting snapshot written down by another thread: with a long history that takes longer than a commit
    /// should.
    fn write_snapshot(&mut self) {
        let Some((revision, boards)) = self.shared.snapshot().take() else { return };
        let thread = thread::Builder::new().name("neerc-snapshot".into());
        match thread.spawn(move || record::write_boards(&boards)) {
            Ok(writing) => self.writing = Some((revision, writing)),
            Err(error) => self.report(Err(StoreError::Thread(error))),
        }
    }

    fn store_snapshot(&mut self, revision: u64, writing: JoinHandle<Result<String, RecordError>>) {
        match writing.join() {
            Ok(Ok(record)) => {
                let saved = self.disk.save_snapshot(revision, &record);
                self.report(saved);
            }
            Ok(Err(why)) => self.report(Err(StoreError::Unwritable { revision, what: why.to_string() })),
            Err(_) => tracing::error!("writing down the snapshot of revision {revision} panicked"),
        }
    }

    fn copy_back(&mut self, now: Instant) {
        let left = self.disk.checkpoint(Checkpoint::Passive);
        let pages = *left.as_ref().unwrap_or(&1);
        self.due.checkpoint_pause = (pages > 0).then_some(now + RETRY);
        self.due.checkpoint = self.due.checkpoint_pause.filter(|_| !self.disk.is_broken);
        let is_alarming = pages >= WAL_PAGES_ALARMING;
        if is_alarming && !self.is_alarmed {
            tracing::warn!(
                "{}: {pages} pages of the write-ahead log cannot be copied back while another program reads the file",
                self.disk.file.display()
            );
        }
        self.is_alarmed = is_alarming;
        self.report(left.map(|_| ()));
    }

    /// Housekeeping has nobody to answer; after a fatal error the next commit says so.
    fn report(&self, outcome: Result<(), StoreError>) {
        match outcome {
            Ok(()) => {}
            Err(error) if error.is_fatal() => tracing::error!("{error}"),
            Err(error) => tracing::warn!("{error}"),
        }
    }

    /// Stores what waits and empties the write-ahead log, so that the database is one file again.
    fn finish(&mut self) -> Result<(), StoreError> {
        if let Some((revision, writing)) = self.writing.take() {
            self.store_snapshot(revision, writing);
        }
        self.write_snapshot();
        if let Some((revision, writing)) = self.writing.take() {
            self.store_snapshot(revision, writing);
        }
        let told = self.shared.told.load(Ordering::SeqCst);
        if told.min(self.disk.last) > self.disk.told {
            self.disk.save_told(told)?;
        }
        self.disk.checkpoint(Checkpoint::Truncate).map(|_| ())
    }
}

#[cfg(test)]
mod tests;
