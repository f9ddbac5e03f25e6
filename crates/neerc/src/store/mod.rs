//! Where changes are durable. [`open`] hands over the boards as they were left; then [`Store::commit`] stores batches
//! of changes, each whole or not at all. Not what the changes mean: that is the core's business.

mod record;
mod sqlite;

use neerc_core::board::Boards;
use neerc_core::change::Entry;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// What [`open`] found.
#[derive(Debug)]
pub struct Opened {
    /// The way to store more.
    pub store: Store,
    /// The boards of all rooms that ever had a change, as of `revision`.
    pub boards: Boards,
    /// The revision of the last change; 0 if there is none.
    pub revision: u64,
    /// Everybody was told of the changes up to here, as far as is stored.
    pub told_revision: u64,
    /// The changes above `told_revision`, in order.
    pub untold: Vec<Entry>,
}

/// Opens the store at `url`: the path of an SQLite file, with or without `sqlite:` before it. The file is made if there
/// is none. Reads the newest snapshot and the changes after it; waits for the disk, so not for use within the loop.
pub fn open(url: &str) -> Result<Opened, StoreError> {
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
    let (store, loaded) = sqlite::open(Path::new(path))?;
    let sqlite::Loaded { boards, revision, told_revision, untold } = loaded;
    Ok(Opened { store: Store::Sqlite(store), boards, revision, told_revision, untold })
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
    pub fn commit(&self, entries: Vec<Entry>) -> Committing {
        match self {
            Store::Sqlite(store) => Committing(store.commit(entries)),
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
    #[error("cannot use {}: {source}", file.display())]
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
    /// A database of another program.
    #[error("{} is not a neerc store but some other program's database; give another path", file.display())]
    Foreign {
        /// The database.
        file: PathBuf,
    },
    /// A database of a later version of this program.
    #[error(
        "{} was written by a newer neerc (format {found}; this one reads up to {known}); use that version or restore \
         a backup",
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
    #[error("{} is damaged: {what}; restore a backup", file.display())]
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
            | StoreError::Order { .. }
            | StoreError::Unwritable { .. }
            | StoreError::Broken { .. }
            | StoreError::Gone => true,
            StoreError::Url { .. }
            | StoreError::File { .. }
            | StoreError::InUse { .. }
            | StoreError::Foreign { .. }
            | StoreError::Newer { .. }
            | StoreError::NoWal { .. }
            | StoreError::Thread(_)
            | StoreError::Busy { .. } => false,
        }
    }
}

fn process(id: &Option<u32>) -> String {
    id.map(|id| format!(" (process {id})")).unwrap_or_default()
}
