//! Where changes are durable. [`open`] hands over the boards as they were left; then [`Store::commit`] stores batches
//! of changes, each whole or not at all. Not what the changes mean: that is the core's business.

mod copies;
mod error;
mod limits;
mod owner;
#[doc(hidden)]
pub mod record; // for its fuzz target alone
mod sqlite;
mod url;

use neerc_core::board::Boards;
use neerc_core::change::Entry;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

pub use copies::{Copied, Existing, Restored};
pub use error::StoreError;
pub use owner::User;
pub use url::{Url, UrlError};

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

/// Opens the store at `url`. The file is made if there is none. Reads the newest snapshot and the changes after it; waits
/// for the disk, so not for use within the loop.
pub fn open(url: &Url) -> Result<Opened, StoreError> {
    let Url::Sqlite(path) = url;
    let (store, loaded) = sqlite::open(path)?;
    let sqlite::Loaded { boards, revision, snapshot_revision, told_revision, untold } = loaded;
    Ok(Opened { store: Store::Sqlite(store), boards, revision, snapshot_revision, told_revision, untold })
}

/// Whether [`open`] would make a new store at `url`.
pub fn is_new(url: &Url) -> Result<bool, StoreError> {
    let Url::Sqlite(path) = url;
    sqlite::is_new(path)
}

/// Copies the store at `url` to `target` while it may be in use, and reads the copy from beginning to end before it gets
/// its name. Without a target the copy is named after its revision, in the working folder.
pub fn backup(url: &Url, target: Option<&Path>, existing: Existing) -> Result<Copied, StoreError> {
    let Url::Sqlite(path) = url;
    sqlite::backup::backup(path, target, existing)
}

/// Puts a copy of the backup `source` in the place of the store at `url`, which nobody must be using. The backup is read
/// from beginning to end first, and what was in its place is kept.
pub fn restore(url: &Url, source: &Path) -> Result<Restored, StoreError> {
    let Url::Sqlite(path) = url;
    sqlite::backup::restore(path, source)
}

/// Reads all of the store at `url`, also what a start does not need, and checks it. It must be open in this process.
pub fn verify(url: &Url) -> Result<(), StoreError> {
    let Url::Sqlite(path) = url;
    let file = sqlite::resolve(path)?;
    sqlite::backup::verify(&file).map(|_| ())
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

#[cfg(test)]
mod tests;
