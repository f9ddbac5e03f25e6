//! Makes changes durable. [`open`] returns the boards as they were last stored; then [`Store::commit`] stores batches
//! of changes, each as a whole or not at all. The meaning of changes is the core's business.

mod archive;
mod backdrop;
mod compact;
mod copies;
mod encryption;
mod error;
mod fence;
mod generation;
mod holding;
mod keep;
pub mod lease;
mod limits;
mod loaded;
mod lock;
mod owner;
mod postgres;
#[doc(hidden)]
pub mod record; // for its fuzz target alone
mod rows;
mod servers;
mod sqlite;
mod standby;
mod thread;
mod url;
mod whole;

use neerc_core::board::Boards;
use neerc_core::change::Entry;
use neerc_core::keeping::LostChanges;
use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::sync::oneshot;

pub use archive::{ArchiveHead, read_line, write_line};
pub use backdrop::{Backdrop, BackdropFound, RoomBackdrop, StoredState};
pub use copies::{Copied, Existing, LogPoint, Moment, Recalled, Restored};
pub use error::StoreError;
pub use error::postgres::PostgresError;
pub use fence::{Fence, FenceOrder};
pub use holding::{Holding, StoreCopies, WhoServes};
pub use keep::{Archived, Compacted, Keep, LogFloor};
pub use owner::User;
pub use postgres::{Follower, LogWords, ServerSurvey, ServerWords, Survey, Term, survey};
pub use servers::Servers;
pub use standby::{Looked, Standby};
pub use url::{Url, UrlError};
pub use whole::{Verdict, WholeFile, WholeKind, archives_of, files_of, verify_files};

/// What [`open`] read.
#[derive(Debug)]
pub struct Opened {
    /// The open store.
    pub store: Store,
    /// The boards of all rooms that have ever changed, as of `revision`.
    pub boards: Boards,
    /// The revision of the last change; 0 if there is none.
    pub revision: u64,
    /// The revision of the snapshot that was read; 0 if there was none. Later changes were read one by one.
    pub snapshot_revision: u64,
    /// The last revision that is in an archive and not in the database; 0 if none is.
    pub archived_revision: u64,
    /// The last revision that everybody is recorded to have been told of.
    pub told_revision: u64,
    /// The changes after `told_revision`, in order.
    pub untold: Vec<Entry>,
    /// The newest changes, in order, about as many as are kept in memory.
    pub newest: Vec<Entry>,
    /// Of which history the log is: another number once changes were lost or taken back.
    pub generation: u64,
    /// The changes that were lost last, if any ever were.
    pub lost: Option<LostChanges>,
    /// For how long this process may serve from it.
    pub holding: Holding,
}

/// Opens the store at `url`, or creates it, and reads the newest snapshot and the changes after it. Blocks on the disk,
/// so it must not be called from an async loop.
pub fn open(url: &Url) -> Result<Opened, StoreError> {
    let (store, loaded) = match url {
        Url::Sqlite(path) => sqlite::open(path).map(|(handle, loaded)| (Store::Sqlite(handle), loaded))?,
        Url::Postgres(server) => postgres::open(server).map(|(store, loaded)| (Store::Postgres(store), loaded))?,
    };
    Ok(opened(store, loaded, Holding::forever()))
}

fn opened(store: Store, loaded: loaded::Loaded, holding: Holding) -> Opened {
    let loaded::Loaded { boards, revision, snapshot_revision, told_revision, untold, newest, generation, lost, .. } =
        loaded;
    Opened {
        store,
        boards,
        revision,
        snapshot_revision,
        archived_revision: loaded.floor,
        told_revision,
        untold,
        newest,
        generation,
        lost,
        holding,
    }
}

/// Whether [`open`] would create a new store at `url`.
pub fn is_new(url: &Url) -> Result<bool, StoreError> {
    match url {
        Url::Sqlite(path) => sqlite::is_new(path),
        Url::Postgres(server) => postgres::read::is_new(server),
    }
}

/// The process of this machine that has a store, or had it last.
pub fn user_of(url: &Url) -> Option<u32> {
    lock::Lock::user(url.local())
}

/// Copies the store at `url`, which may be in use, to `target`. The copy is read back as a whole before it gets its
/// name. Without a target it is named after its revision and put into the working directory.
pub fn backup(url: &Url, target: Option<&Path>, existing: Existing) -> Result<Copied, StoreError> {
    match url {
        Url::Sqlite(path) => sqlite::backup::backup(path, target, existing),
        Url::Postgres(server) => postgres::copy::backup(server, target, existing),
    }
}

/// Replaces the store at `url`, which nobody may be using, with a copy of the backup `source`. The backup is read as a
/// whole first, and the previous store is kept.
pub fn restore(url: &Url, source: &Path) -> Result<Restored, StoreError> {
    match url {
        Url::Sqlite(path) => sqlite::backup::restore(path, source),
        Url::Postgres(server) => postgres::copy::restore(server, source),
    }
}

/// Puts the store at `url`, which nobody may be using, back to a moment, and keeps the previous one. What it is made from
/// is that store or the backup `source`, and its archives where they are needed. Made `into` another file, it leaves the
/// store alone, which may be in use then.
pub fn restore_moment(
    url: &Url,
    source: Option<&Path>,
    into: Option<&Path>,
    moment: Moment,
) -> Result<Recalled, StoreError> {
    match url {
        Url::Sqlite(path) => sqlite::moment::restore(path, source, into, moment),
        Url::Postgres(server) => postgres::copy::restore_moment(server, source, into, moment),
    }
}

/// Reads and checks the whole store at `url`, including what a start does not read. This process must have the store
/// open.
pub fn verify(url: &Url) -> Result<(), StoreError> {
    match url {
        Url::Sqlite(path) => sqlite::backup::verify(&sqlite::resolve(path)?).map(|_| ()),
        Url::Postgres(server) => postgres::copy::verify(server),
    }
}

/// A handle to an open store. Clones are cheap and refer to the same store, which closes shortly after the last one is
/// dropped.
#[derive(Clone, Debug)]
pub enum Store {
    /// An SQLite file.
    Sqlite(thread::Handle),
    /// A PostgreSQL database.
    Postgres(postgres::Postgres),
}

impl Store {
    fn handle(&self) -> &thread::Handle {
        match self {
            Store::Sqlite(handle) => handle,
            Store::Postgres(store) => &store.handle,
        }
    }

    /// What of the machine or the server beneath is not as it should be, in words.
    pub fn concerns(&self) -> &[String] {
        match self {
            Store::Sqlite(_) => &[],
            Store::Postgres(store) => &store.concerns,
        }
    }

    /// Stores a batch in one transaction with one sync of the disk. Its revisions must follow the last stored one
    /// without gaps. Once the future returns `Ok`, all of the batch is on disk. After an error none of it is; after a
    /// fatal error, reopening the store shows whether it is.
    ///
    /// The batch is queued by the call, not when the future is polled, and is stored even if the future is dropped. The
    /// future is `'static` and `Unpin`, so `select!` can poll `&mut` of it.
    pub fn commit(&self, entries: impl Into<Arc<[Entry]>>) -> Committing {
        Awaited(self.handle().commit(entries.into()))
    }

    /// Records that everybody was told of the changes up to `revision`. Does not wait: the record is stored with the
    /// next commit or within a second, so after a crash too many changes may count as untold, but never too few.
    pub fn told(&self, revision: u64) {
        self.handle().told(revision)
    }

    /// Stores the boards as of the committed `revision`, so the next start need not read earlier changes. Does not
    /// wait: later commits may be in progress, and if several snapshots are waiting, only the newest is stored. A
    /// failure is logged and does no harm.
    pub fn snapshot(&self, revision: u64, boards: Boards) {
        self.handle().snapshot(revision, boards)
    }

    /// Moves what need not be kept out of the database into archives beside it, while others are stored; one compaction at
    /// a time. It goes on if the future is dropped.
    pub fn compact(&self, keep: Keep) -> Awaited<Compacted> {
        match self {
            Store::Sqlite(handle) => {
                let file = handle.file().clone();
                Awaited(handle.compact(keep, move || sqlite::compact::FileLog::open(&file)))
            }
            Store::Postgres(store) => {
                let server = store.readers.server().clone();
                Awaited(store.handle.compact(keep, move || postgres::compact::ServerLog::open(server)))
            }
        }
    }

    /// Gives the space of what was moved out back to the file system. Nothing is stored meanwhile, and it takes as much
    /// room again for a while, so it is not for a store in service: what is stored later takes that space anyway.
    pub fn shrink(&self) -> Awaited<()> {
        Awaited(self.handle().shrink())
    }

    /// Records how far each of those has come who read the log by themselves, by a name for each; of others nothing is
    /// recorded any more. Queued and stored like a batch. What is after a mark is not moved into archives.
    pub fn mark(&self, marks: BTreeMap<String, u64>) -> Committing {
        Awaited(self.handle().mark(marks))
    }

    /// Keeps a backdrop for those who stand by, in place of the one before: until another one serves. Queued like a batch;
    /// it is advice, and a store without it is whole.
    pub fn show_before(&self, backdrop: &Backdrop) -> Result<Awaited<()>, StoreError> {
        let unwritable = |why: record::RecordError| StoreError::Unwritable { revision: 0, what: why.to_string() };
        let record = record::write_backdrop(backdrop).map_err(unwritable)?;
        Ok(Awaited(self.handle().show_before(record)))
    }

    /// What reads the whole log while the store is in use.
    pub fn log_reader(&self) -> LogReader {
        match self {
            Store::Sqlite(handle) => Log::File(handle.file().clone()).reader(),
            Store::Postgres(store) => Log::Server(store.readers.clone()).reader(),
        }
    }

    /// Stores everything that is waiting, from all handles, and closes the file. Later commits fail.
    pub async fn close(self) -> Result<(), StoreError> {
        let closed = self.handle().clone();
        drop(self);
        Awaited(closed.close()).await
    }
}

/// Which part of a log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogPart {
    /// The changes after that revision, oldest first.
    After(u64),
    /// The changes before that revision, newest first.
    Before(u64),
}

/// Reads the log of an open store, also what was before all that is kept in memory, but not what is in archives. Clones
/// are cheap.
#[derive(Clone, Debug)]
pub struct LogReader {
    log: Log,
    /// The newest revision that counts, where what is stored does not count by that alone.
    up_to: Option<Arc<AtomicU64>>,
}

#[derive(Clone, Debug)]
enum Log {
    File(Arc<Path>),
    Server(Arc<postgres::Readers>),
}

impl Log {
    fn reader(self) -> LogReader {
        LogReader { log: self, up_to: None }
    }
}

impl LogReader {
    /// The log of a store that some other process may use.
    pub fn of(url: &Url) -> LogReader {
        match url {
            Url::Sqlite(path) => Log::File(path.as_path().into()).reader(),
            Url::Postgres(server) => Log::Server(postgres::Readers::new(server.clone()).into()).reader(),
        }
    }

    /// The same that reads no change after the revision which stands there at that time.
    pub fn up_to(self, revision: Arc<AtomicU64>) -> LogReader {
        LogReader { up_to: Some(revision), ..self }
    }

    /// The last revision that is read.
    fn bound(&self) -> u64 {
        self.up_to.as_ref().map_or(u64::MAX, |revision| revision.load(Ordering::SeqCst))
    }

    /// The log of a store as far as those of its servers have it that only follow another one; `None` where there are no such
    /// servers.
    pub fn of_followers(url: &Url) -> Option<LogReader> {
        match url {
            Url::Sqlite(_) => None,
            Url::Postgres(server) => {
                let followers = Servers::clone(server).followers();
                Some(Log::Server(postgres::Readers::new(followers.into()).into()).reader())
            }
        }
    }

    /// When the last change happened that a server that follows knows of, in ms since 1970; `None` for one that follows
    /// nobody. Blocks on the network.
    pub fn replayed_ms(&self) -> Result<Option<i64>, StoreError> {
        match &self.log {
            Log::File(_) => Ok(None),
            Log::Server(server) => postgres::read::replayed_ms(server),
        }
    }

    /// At most so many changes of a room. Blocks on the disk, so it must not be called from an async loop; commits go on
    /// meanwhile.
    pub fn read(&self, room: &str, part: LogPart, most: usize) -> Result<Vec<Entry>, StoreError> {
        let bound = self.bound();
        let part = match part {
            LogPart::Before(revision) => LogPart::Before(revision.min(bound.saturating_add(1))),
            after => after,
        };
        let read = match &self.log {
            Log::File(file) => sqlite::read::read(file, room, part, most)?,
            Log::Server(readers) => postgres::read::read(readers, room, part, most)?,
        };
        Ok(read.into_iter().filter(|entry| entry.revision <= bound).collect())
    }

    /// What is in archives and is not read. Blocks on the disk like [`LogReader::read`].
    pub fn floor(&self) -> Result<LogFloor, StoreError> {
        match &self.log {
            Log::File(file) => sqlite::read::floor(file),
            Log::Server(readers) => postgres::read::floor(readers),
        }
    }

    /// At most so many changes of all rooms after that revision, oldest first. Blocks on the disk as well.
    pub fn read_all(&self, after: u64, most: usize) -> Result<Vec<Entry>, StoreError> {
        let bound = self.bound();
        let read = match &self.log {
            Log::File(file) => sqlite::read::read_all(file, after, most)?,
            Log::Server(readers) => postgres::read::read_all(readers, after, most)?,
        };
        Ok(read.into_iter().filter(|entry| entry.revision <= bound).collect())
    }

    /// The newest revision; 0 if there is none. Blocks on the disk as well.
    pub fn newest(&self) -> Result<u64, StoreError> {
        let newest = match &self.log {
            Log::File(file) => sqlite::read::newest(file)?,
            Log::Server(readers) => postgres::read::ends(readers).map(|(newest, _)| newest)?,
        };
        Ok(newest.min(self.bound()))
    }

    /// What a start would read, without opening the store. Blocks on the disk as well.
    pub fn state(&self) -> Result<StoredState, StoreError> {
        let loaded::Loaded { boards, revision, newest, generation, lost, .. } = match &self.log {
            Log::File(file) => sqlite::read::state(file)?,
            Log::Server(server) => postgres::read::state(server)?,
        };
        Ok(StoredState { boards, revision, newest, generation, lost })
    }

    /// The backdrop that whoever serves keeps, unless it is the known one. Blocks on the disk as well.
    pub fn backdrop(&self, known: Option<i64>) -> Result<BackdropFound, StoreError> {
        match &self.log {
            Log::File(file) => sqlite::read::backdrop(file, known),
            Log::Server(server) => postgres::read::backdrop(server, known),
        }
    }

    /// Whether what is stored is on another machine as well, as far as that is found out without serving. What was known before
    /// tells a standby that has gone from one that nobody wants. Blocks on the network.
    pub fn copies(&self, before: StoreCopies) -> Result<StoreCopies, StoreError> {
        match &self.log {
            Log::File(_) => Ok(StoreCopies::Unknown),
            Log::Server(server) => postgres::read::copies(server, before),
        }
    }

    /// What was recorded by [`Store::told`]. Blocks on the disk as well.
    pub fn told(&self) -> Result<u64, StoreError> {
        match &self.log {
            Log::File(file) => sqlite::read::told(file),
            Log::Server(readers) => postgres::read::ends(readers).map(|(_, told)| told),
        }
    }

    /// What was recorded by [`Store::mark`]. Blocks on the disk as well.
    pub fn marks(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        match &self.log {
            Log::File(file) => sqlite::read::marks(file),
            Log::Server(readers) => postgres::read::marks(readers),
        }
    }
}

/// The pending outcome of a [`Store::commit`].
pub type Committing = Awaited<()>;

/// What the thread of the store will answer.
#[derive(Debug)]
#[must_use = "changes may be answered only once they are stored"]
pub struct Awaited<T>(oneshot::Receiver<Result<T, StoreError>>);

impl<T> Awaited<T> {
    /// Waits for the outcome. Blocks, so it must not be called from an async loop.
    pub fn wait(self) -> Result<T, StoreError> {
        self.0.blocking_recv().unwrap_or(Err(StoreError::Gone))
    }
}

impl<T> Future for Awaited<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|reply| reply.unwrap_or(Err(StoreError::Gone)))
    }
}

#[cfg(test)]
pub(crate) mod tests;
