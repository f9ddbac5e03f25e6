//! Where changes are durable. [`open`] hands over the boards as they were left; then [`Store::commit`] stores batches
//! of changes, each whole or not at all. Not what the changes mean: that is the core's business.

#[cfg(test)]
#[path = "../../../fuzz/src/program/record.rs"]
mod fuzz;
mod owner;
mod record;
mod sqlite;

use neerc_core::board::Boards;
use neerc_core::change::Entry;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

pub use owner::User;

/// What [`open`] found.
#[derive(Debug)]
pub struct Opened {
    /// The way to store more.
    pub store: Store,
    /// The boards of all rooms that ever had a change, as of `revision`.
    pub boards: Boards,
    /// The revision of the last change; 0 if there is none.
    pub revision: u64,
    /// The revision of the snapshot that was read; 0 if there was none. The changes above it were read one by one.
    pub snapshot_revision: u64,
    /// Everybody was told of the changes up to here, as far as is stored.
    pub told_revision: u64,
    /// The changes above `told_revision`, in order.
    pub untold: Vec<Entry>,
}

/// Opens the store at `url`: the path of an SQLite file, with or without `sqlite:` before it. The file is made if there
/// is none. Reads the newest snapshot and the changes after it; waits for the disk, so not for use within the loop.
pub fn open(url: &str) -> Result<Opened, StoreError> {
    let (store, loaded) = sqlite::open(&path_of(url)?)?;
    let sqlite::Loaded { boards, revision, snapshot_revision, told_revision, untold } = loaded;
    Ok(Opened { store: Store::Sqlite(store), boards, revision, snapshot_revision, told_revision, untold })
}

/// Whether [`open`] would make a new store at `url`.
pub fn is_new(url: &str) -> Result<bool, StoreError> {
    sqlite::is_new(&path_of(url)?)
}

fn path_of(url: &str) -> Result<PathBuf, StoreError> {
    let path = match url.split_once(':') {
        Some(("sqlite", path)) => path.strip_prefix("//").unwrap_or(path),
        Some((scheme, rest)) if rest.starts_with("//") => {
            return Err(StoreError::Url { url: format!("{scheme}://…") }); // the rest may hold a password
        }
        _ => url,
    };
    if path.is_empty() {
        return Err(StoreError::Url { url: url.to_owned() });
    }
    Ok(PathBuf::from(path))
}

/// Copies the store at `url` to `target` while it may be in use, and reads the copy from beginning to end before it gets
/// its name. Without a target the copy is named after its revision, in the working folder.
pub fn backup(url: &str, target: Option<&Path>, existing: Existing) -> Result<Copied, StoreError> {
    sqlite::backup::backup(&path_of(url)?, target, existing)
}

/// Puts a copy of the backup `source` in the place of the store at `url`, which nobody must be using. The backup is read
/// from beginning to end first, and what was in its place is kept.
pub fn restore(url: &str, source: &Path) -> Result<Restored, StoreError> {
    sqlite::backup::restore(&path_of(url)?, source)
}

/// Reads all of the store at `url`, also what a start does not need, and checks it. It must be open in this process.
pub fn verify(url: &str) -> Result<(), StoreError> {
    let file = sqlite::resolve(&path_of(url)?)?;
    sqlite::backup::verify(&file).map(|_| ())
}

/// What becomes of a file that exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written.
    Keep,
    /// It is replaced.
    Replace,
}

/// A copy that was read and found whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where it is.
    pub file: PathBuf,
    /// The changes in it.
    pub revision: u64,
    /// The live tasks in it.
    pub tasks: usize,
}

/// What became of a [`restore`].
#[derive(Debug, PartialEq, Eq)]
pub struct Restored {
    /// The store as it is now.
    pub now: Copied,
    /// Where the store is that was in its place, if there was one.
    pub kept: Option<PathBuf>,
}

/// A cheap handle to an open store; all clones are the same store. Once the last one is gone the store closes by
/// itself, a little later.
#[derive(Clone, Debug)]
pub enum Store {
    /// An SQLite file.
    Sqlite(sqlite::Sqlite),
}

impl Store {
    /// Stores a batch in one transaction with one sync of the disk. The entries carry the revisions after the last
    /// stored one, without gaps. Once the future says `Ok`, they are on disk; on an error none of them is stored
    /// (after a fatal one, only opening the store again tells).
    ///
    /// The batch takes its place in the order now, not when the future is polled, and is stored even if the future is
    /// dropped. The future is `'static` and `Unpin`: keep it in a variable and poll `&mut` of it in `select!`.
    pub fn commit(&self, entries: impl Into<Arc<[Entry]>>) -> Committing {
        match self {
            Store::Sqlite(store) => Committing(store.commit(entries.into())),
        }
    }

    /// Notes that everybody was told of the changes up to `revision`. Does not wait: it is stored with the next commit
    /// or within a second, so after a crash somewhat too many changes are untold, never too few.
    pub fn told(&self, revision: u64) {
        match self {
            Store::Sqlite(store) => store.told(revision),
        }
    }

    /// Stores the boards as they were after the committed change `revision`, so that the next start need not read what
    /// is before it. Does not wait; later commits may be under way, and if several snapshots wait only the newest is
    /// stored. A failure is logged and harmless.
    pub fn snapshot(&self, revision: u64, boards: Boards) {
        match self {
            Store::Sqlite(store) => store.snapshot(revision, boards),
        }
    }

    /// Stores what still waits, also of the other handles, and lets the file go. Commits after this fail.
    pub async fn close(self) -> Result<(), StoreError> {
        match self {
            Store::Sqlite(store) => Committing(store.close()).await,
        }
    }
}

/// The outcome of a [`Store::commit`] that is under way.
#[derive(Debug)]
#[must_use = "changes may be answered only once they are stored"]
pub struct Committing(oneshot::Receiver<Result<(), StoreError>>);

impl Future for Committing {
    type Output = Result<(), StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|reply| reply.unwrap_or(Err(StoreError::Gone)))
    }
}

/// Why a store could not be opened or something could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The setting names no store.
    #[error("there is no store '{url}'; give the path of an SQLite file, or sqlite: and the path")]
    Url {
        /// The setting, without what may be secret.
        url: String,
    },
    /// A file beside the database, or the way to it, cannot be used.
    #[error("cannot use {}: {source}{}", file.display(), owner::explain(.file, .source))]
    File {
        /// Which.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process has the store open.
    #[error("{} is in use by another neerc{}; only one can use it at a time", file.display(), process(.by))]
    InUse {
        /// The database.
        file: PathBuf,
        /// The id of that process, if it could be read.
        by: Option<u32>,
    },
    /// Another process has the database open by another name, or the file beside it is not the one that process locked.
    #[error(
        "{} is in use by another neerc, under another name or without its lock file; only one can use it at a time",
        file.display()
    )]
    InUseElsewhere {
        /// The database.
        file: PathBuf,
    },
    /// A folder, a device, a pipe or a link where a file is wanted.
    #[error("{} is no plain file, but a folder, a device, a pipe or a link; give the name of a file", file.display())]
    NotPlain {
        /// What is there.
        file: PathBuf,
    },
    /// A backup would replace what is not its like.
    #[error("{} is {what}, so it is not replaced; give another name", file.display())]
    NotReplaced {
        /// The file.
        file: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A file of the store was removed or replaced while it was in use.
    #[error(
        "{} is not the file any more that was opened: somebody moved, replaced or removed it while it was in use",
        file.display()
    )]
    Replaced {
        /// The file.
        file: PathBuf,
    },
    /// A database of another program.
    #[error("{} is not a neerc store but some other program's database; give another path", file.display())]
    Foreign {
        /// The database.
        file: PathBuf,
    },
    /// The database was here and is gone.
    #[error(
        "{} is gone, and {} says that revision {revision} was stored in it; bring a backup back with `neerc restore \
         FILE`, or give another name in store.url to begin anew",
        file.display(),
        lock.display()
    )]
    Missing {
        /// The database.
        file: PathBuf,
        /// The file beside it that says so.
        lock: PathBuf,
        /// Up to where it had been stored.
        revision: u64,
    },
    /// A file would be replaced that was not to be.
    #[error("{} exists already; give another name, or --force to replace it", file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// A backup and its store are one file.
    #[error("{} is the store itself; give the name of another file", file.display())]
    Same {
        /// The file.
        file: PathBuf,
    },
    /// A database of a later version of this program.
    #[error(
        "{} was written by a newer neerc (format {found}; this one reads up to {known}); use that version or \
         bring a backup back with `neerc restore FILE`",
        file.display()
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// The format of the database.
        found: i64,
        /// The newest format that can be read.
        known: i64,
    },
    /// The file system lacks what SQLite's write-ahead log needs.
    #[error("{} is on a file system without write-ahead logging (journal mode '{mode}'); use a local disk", file.display())]
    NoWal {
        /// The database.
        file: PathBuf,
        /// The journal mode that could be had.
        mode: String,
    },
    /// What is stored is not what was stored.
    #[error("{} is damaged: {what}; bring a backup back with `neerc restore FILE`", file.display())]
    Damaged {
        /// The database.
        file: PathBuf,
        /// Where and how.
        what: String,
    },
    /// The batch does not continue the log.
    #[error("cannot store revision {given} in {}: after {last} comes {}", file.display(), .last.saturating_add(1))]
    Order {
        /// The database.
        file: PathBuf,
        /// The last revision before.
        last: u64,
        /// The revision that was to follow.
        given: u64,
    },
    /// A change cannot be written down: an error in this program.
    #[error("cannot write down revision {revision}: {what}")]
    Unwritable {
        /// The revision of the change.
        revision: u64,
        /// Why not.
        what: String,
    },
    /// SQLite could not do something.
    #[error("cannot {doing} {}: {source}", file.display())]
    Sqlite {
        /// What, to be followed by the name of the file.
        doing: &'static str,
        /// The database.
        file: PathBuf,
        /// Why not.
        source: rusqlite::Error,
    },
    /// Something fatal happened before, so nothing is stored any more.
    #[error("{} is not used any more since an earlier failure; start again", file.display())]
    Broken {
        /// The database.
        file: PathBuf,
    },
    /// The store's thread cannot be started.
    #[error("cannot start the thread of the store: {0}")]
    Thread(io::Error),
    /// Too many batches wait already.
    #[error("{waiting} batches wait to be stored already; try again later")]
    Busy {
        /// How many.
        waiting: usize,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Gone,
}

impl StoreError {
    /// Whether trying again is pointless and the process must not go on: what is on disk is not known any more (a
    /// failed sync leaves the page cache unlike the disk), is damaged, or is not what this process believes.
    pub fn is_fatal(&self) -> bool {
        match self {
            StoreError::Sqlite { source, .. } => sqlite::is_fatal(source),
            StoreError::Damaged { .. }
            | StoreError::Replaced { .. }
            | StoreError::Order { .. }
            | StoreError::Broken { .. }
            | StoreError::Gone => true,
            StoreError::Url { .. }
            | StoreError::File { .. }
            | StoreError::InUse { .. }
            | StoreError::InUseElsewhere { .. }
            | StoreError::NotPlain { .. }
            | StoreError::NotReplaced { .. }
            | StoreError::Foreign { .. }
            | StoreError::Missing { .. }
            | StoreError::Exists { .. }
            | StoreError::Same { .. }
            | StoreError::Newer { .. }
            | StoreError::NoWal { .. }
            | StoreError::Unwritable { .. }
            | StoreError::Thread(_)
            | StoreError::Busy { .. } => false,
        }
    }
}

fn process(id: &Option<u32>) -> String {
    id.map(|id| format!(" (process {id})")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
