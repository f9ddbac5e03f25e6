//! Moves what is old out of the store into archives, while the service runs: once a day by itself, and when a command on
//! this machine asks for it. The store does the work on threads of its own; the loop knows nothing of it.

use super::time::wall_ms;
use crate::limits;
use neerc_store::{Compacted, Keep, Store, StoreError};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, watch};

/// What a command asks for. It asks again in the same words until it is told what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompactRequest {
    /// What is to be done.
    pub compact: CompactWish,
}

/// That something be moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompactWish {
    /// Chosen by whoever asks, so that what is asked again is done once.
    pub id: String,
    /// What is older than so many days.
    pub keep_days: u32,
}

/// What is answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompactAnswer {
    /// Of what was asked last.
    #[serde(default)]
    pub id: String,
    /// What came of it, once it is done.
    #[serde(default)]
    pub done: Option<CompactReport>,
    /// Why it failed, or was not begun.
    #[serde(default)]
    pub failed: Option<String>,
}

/// What came of a compaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompactReport {
    /// The archives that were written: where each is, its first and its last revision.
    pub archives: Vec<(PathBuf, u64, u64)>,
    /// The last revision that is in an archive.
    pub archived: u64,
    /// How many changes are in the database.
    pub kept: u64,
}

impl From<Compacted> for CompactReport {
    fn from(done: Compacted) -> CompactReport {
        let archives = done.archives.into_iter().map(|archive| (archive.file, archive.first, archive.last)).collect();
        CompactReport { archives, archived: done.floor.revision, kept: done.kept }
    }
}

/// Whoever sees to it. Clones are cheap, and see to the same store.
#[derive(Debug, Clone)]
pub struct Archivist {
    store: Store,
    last: Arc<Mutex<CompactAnswer>>,
}

impl Archivist {
    /// For a store that is open.
    pub fn new(store: Store) -> Archivist {
        Archivist { store, last: Arc::default() }
    }

    /// Answers a command: begins what it asks for, or says what came of it.
    pub fn answer(&self, request: CompactRequest) -> CompactAnswer {
        let CompactWish { id, keep_days } = request.compact;
        let mut last = self.last();
        let is_running = !last.id.is_empty() && last.done.is_none() && last.failed.is_none();
        if last.id == id {
            return last.clone();
        }
        if is_running {
            return CompactAnswer { id, done: None, failed: Some("the store is being compacted already".to_owned()) };
        }
        *last = CompactAnswer { id, ..CompactAnswer::default() };
        let archivist = self.clone();
        let moved = self.store.compact(Keep::days(keep_days, wall_ms()));
        tokio::spawn(async move {
            let outcome = moved.await;
            archivist.note(&outcome);
            let mut last = archivist.last();
            match outcome {
                Ok(done) => last.done = Some(done.into()),
                Err(error) => last.failed = Some(error.to_string()),
            }
        });
        last.clone()
    }

    /// Moves what is older than so many days, if not all is to be kept (0), once a day, for as long as somebody hears of what
    /// goes wrong.
    pub async fn watch(self, keep_days: watch::Receiver<u32>, troubles: mpsc::Sender<String>) {
        let mut pause = limits::COMPACT_FIRST;
        loop {
            tokio::time::sleep(pause).await;
            pause = limits::COMPACT_POLL;
            let days = *keep_days.borrow();
            if days == 0 {
                continue;
            }
            let outcome = self.store.compact(Keep::days(days, wall_ms())).await;
            self.note(&outcome);
            let trouble = match outcome {
                Ok(_) | Err(StoreError::Compacting { .. }) => continue,
                Err(StoreError::Gone) => return,
                Err(error) => format!(
                    "what is older than {days} days could not be moved out of the store ({error}); nothing is lost, and it \
                     is tried again in a day"
                ),
            };
            if troubles.send(trouble).await.is_err() {
                return;
            }
        }
    }

    fn note(&self, outcome: &Result<Compacted, StoreError>) {
        let Ok(done) = outcome else { return };
        for archive in &done.archives {
            let (file, first, last) = (archive.file.display(), archive.first, archive.last);
            tracing::info!("changes {first} to {last} are in {file} now, which was read again, and not in the store");
        }
    }

    fn last(&self) -> MutexGuard<'_, CompactAnswer> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner) // always consistent: it is only ever replaced
    }
}
