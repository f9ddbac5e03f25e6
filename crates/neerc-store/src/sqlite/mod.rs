//! The store in an SQLite file. A dedicated thread owns the connection, and handles send it batches. Every commit is
//! synced; the write-ahead log is copied back between commits, never during one. Other processes may read the file
//! (backups), but a lock file keeps a second neerc out.

pub(crate) mod backup;
mod compact;
mod disk;
mod floor;
mod load;
mod lock;
pub(crate) mod moment;
mod open;
pub(crate) mod read;
mod wal;

use crate::record::{self, RecordError};
use crate::{Compacted, Keep, StoreError, limits};
use compact::Stage;
use disk::{Checkpoint, Disk};
use floor::Floor;
use lock::Lock;
use neerc_core::board::Boards;
use neerc_core::change::Entry;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;
use tokio::sync::oneshot;

pub(crate) use load::Loaded;
pub(crate) use open::resolve;

type Reply = oneshot::Sender<Result<(), StoreError>>;

/// A handle to the thread.
#[derive(Clone, Debug)]
pub struct Sqlite {
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
    file: Arc<Path>,
}

#[derive(Debug)]
enum Job {
    Commit {
        entries: Arc<[Entry]>,
        reply: Reply,
    },
    /// The changes up to there are in archives. Who archives them waits for the reply.
    Raise {
        floor: Floor,
        reply: mpsc::Sender<Result<(), StoreError>>,
    },
    /// What was deleted is given back to the file system.
    Shrink {
        reply: Reply,
    },
    /// So far others have read the log.
    Mark {
        marks: BTreeMap<String, u64>,
        reply: Reply,
    },
    /// [`Shared`] has changed.
    Look,
    Close {
        reply: Reply,
    },
}

/// What handles leave for the thread, where only the newest value counts.
#[derive(Debug, Default)]
struct Shared {
    batches_waiting: AtomicUsize,
    told: AtomicU64,
    snapshot: Mutex<Option<(u64, Boards)>>,
    /// A [`Job::Look`] is queued, so another would only fill the queue.
    look_sent: AtomicBool,
    is_archiving: AtomicBool,
    /// The thread that archives changes, or the last one that did.
    archiving: Mutex<Option<JoinHandle<()>>>,
    /// The store is being closed.
    is_closing: AtomicBool,
}

impl Shared {
    fn snapshot(&self) -> MutexGuard<'_, Option<(u64, Boards)>> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner) // always consistent: it is only ever replaced
    }

    fn archiving(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.archiving.lock().unwrap_or_else(PoisonError::into_inner) // the same
    }
}

impl Sqlite {
    /// See [`crate::Store::commit`].
    pub fn commit(&self, entries: Arc<[Entry]>) -> oneshot::Receiver<Result<(), StoreError>> {
        let (reply, outcome) = oneshot::channel();
        let waiting = self.shared.batches_waiting.fetch_add(1, Ordering::SeqCst);
        if waiting >= limits::BATCHES_WAITING {
            self.shared.batches_waiting.fetch_sub(1, Ordering::SeqCst);
            let _ = reply.send(Err(StoreError::Busy { waiting })); // we hold the receiver
        } else {
            self.send(Job::Commit { entries, reply });
        }
        outcome
    }

    /// See [`crate::Store::mark`].
    pub fn mark(&self, marks: BTreeMap<String, u64>) -> oneshot::Receiver<Result<(), StoreError>> {
        let (reply, outcome) = oneshot::channel();
        self.send(Job::Mark { marks, reply });
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

    /// The file.
    pub fn file(&self) -> &Arc<Path> {
        &self.file
    }

    /// See [`crate::Store::compact`].
    pub fn compact(&self, keep: Keep) -> oneshot::Receiver<Result<Compacted, StoreError>> {
        let (reply, outcome) = oneshot::channel();
        let mut archiving = self.shared.archiving();
        if self.shared.is_archiving.swap(true, Ordering::SeqCst) {
            let _ = reply.send(Err(StoreError::Compacting { file: self.file.to_path_buf() })); // we hold the receiver
            return outcome;
        }
        let (jobs, shared, file) = (self.jobs.clone(), self.shared.clone(), self.file.clone());
        let work = move || {
            let raise = &mut |floor| {
                let (reply, outcome) = mpsc::channel();
                let _ = jobs.send(Job::Raise { floor, reply }); // if the thread is gone, there is no outcome
                outcome.recv().unwrap_or(Err(StoreError::Gone))
            };
            let goes_on = &mut |_: Stage| !shared.is_closing.load(Ordering::SeqCst);
            let outcome = compact::compact(&file, keep, limits::ARCHIVE_CHANGES, raise, goes_on);
            shared.is_archiving.store(false, Ordering::SeqCst);
            let _ = reply.send(outcome); // the caller may not wait for it
        };
        match thread::Builder::new().name("neerc-archive".into()).spawn(work) {
            Ok(thread) => *archiving = Some(thread),
            Err(error) => {
                self.shared.is_archiving.store(false, Ordering::SeqCst);
                tracing::warn!("cannot start the thread that archives changes: {error}");
            }
        }
        outcome
    }

    /// See [`crate::Store::shrink`].
    pub fn shrink(&self) -> oneshot::Receiver<Result<(), StoreError>> {
        let (reply, outcome) = oneshot::channel();
        self.send(Job::Shrink { reply });
        outcome
    }

    /// See [`crate::Store::close`].
    pub fn close(self) -> oneshot::Receiver<Result<(), StoreError>> {
        let (reply, outcome) = oneshot::channel();
        self.send(Job::Close { reply });
        outcome
    }

    fn look(&self) {
        if !self.shared.look_sent.swap(true, Ordering::SeqCst) {
            self.send(Job::Look);
        }
    }

    /// If the thread is gone, the job and its reply are dropped, which the receiver notices.
    fn send(&self, job: Job) {
        let _ = self.jobs.send(job);
    }
}

/// Whether there is nothing at a path and never was a store.
pub fn is_new(path: &Path) -> Result<bool, StoreError> {
    let file = resolve(path)?;
    Ok(!file.exists() && Lock::peek(&file).is_none_or(|noted| noted == 0))
}

/// Opens the file, reads it and starts the thread.
pub fn open(path: &Path) -> Result<(Sqlite, Loaded), StoreError> {
    let (disk, loaded) = open::open_disk(path)?;
    let (jobs, queue) = mpsc::channel();
    let shared = Arc::new(Shared::default());
    let sweep = (disk.floor > 0).then(Instant::now); // whoever raised the floor may not have come so far
    let due = Due { sweep, ..Due::default() };
    let worker = Worker { disk, queue, shared: shared.clone(), due, writing: None, is_alarmed: false };
    let file = worker.disk.file.as_path().into();
    let thread = thread::Builder::new().name("neerc-store".into());
    thread.spawn(move || worker.run()).map_err(StoreError::Thread)?;
    Ok((Sqlite { jobs, shared, file }, loaded))
}

/// The state of the thread.
struct Worker {
    disk: Disk,
    queue: mpsc::Receiver<Job>,
    shared: Arc<Shared>,
    due: Due,
    /// The snapshot that is being encoded, by a thread that ends afterwards.
    writing: Option<(u64, JoinHandle<Result<String, RecordError>>)>,
    is_alarmed: bool,
}

/// When housekeeping is due; `None` if there is none.
#[derive(Default)]
struct Due {
    told: Option<Instant>,
    checkpoint: Option<Instant>,
    /// When to retry after the write-ahead log could not be copied back completely.
    checkpoint_pause: Option<Instant>,
    /// When some of what is in archives is deleted.
    sweep: Option<Instant>,
}

impl Worker {
    fn run(mut self) {
        loop {
            match self.next() {
                Ok(Job::Commit { entries, reply }) => {
                    self.shared.batches_waiting.fetch_sub(1, Ordering::SeqCst);
                    let outcome = self.disk.append(&entries, self.shared.told.load(Ordering::SeqCst));
                    let _ = reply.send(outcome); // the caller may have dropped the future
                    self.after_commit();
                }
                Ok(Job::Raise { floor, reply }) => {
                    let outcome = self.disk.raise_floor(&floor);
                    self.due.sweep = outcome.is_ok().then(Instant::now);
                    let _ = reply.send(outcome); // whoever archives waits
                    self.after_commit();
                }
                Ok(Job::Shrink { reply }) => {
                    let _ = reply.send(self.disk.shrink()); // the caller may have dropped the future
                    self.after_commit();
                }
                Ok(Job::Mark { marks, reply }) => {
                    let _ = reply.send(self.disk.save_marks(&marks)); // the caller may have dropped the future
                    self.after_commit();
                }
                Ok(Job::Look) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Job::Close { reply }) => {
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

    /// The next request, or a timeout if housekeeping is due and no request is waiting.
    fn next(&self) -> Result<Job, RecvTimeoutError> {
        let poll = self.writing.as_ref().map(|_| Instant::now() + limits::SNAPSHOT_POLL);
        match [self.due.told, self.due.checkpoint, self.due.sweep, poll].into_iter().flatten().min() {
            Some(due) => self.queue.recv_timeout(due.saturating_duration_since(Instant::now())),
            None => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Copies the write-ahead log back once there is a pause, or now if it is long.
    fn after_commit(&mut self) {
        let now = Instant::now();
        self.due.checkpoint = match self.disk.wal_pages.load(Ordering::Relaxed) {
            0 => None,
            _ if self.disk.is_broken => None,
            limits::WAL_PAGES.. => Some(self.due.checkpoint_pause.unwrap_or(now)),
            _ => Some((now + limits::IDLE).max(self.due.checkpoint_pause.unwrap_or(now))),
        };
    }

    fn housekeeping(&mut self) {
        self.shared.look_sent.store(false, Ordering::SeqCst); // before reading: a later change sends another
        if self.disk.is_broken {
            self.due = Due::default();
            *self.shared.snapshot() = None;
            return;
        }
        let now = Instant::now();
        self.keep_told(now);
        self.keep_snapshot();
        self.sweep(now);
        if self.due.checkpoint.is_some_and(|due| due <= now) {
            self.copy_back(now);
        }
    }

    fn keep_told(&mut self, now: Instant) {
        let told = self.shared.told.load(Ordering::SeqCst).min(self.disk.last);
        if told <= self.disk.told {
            self.due.told = None;
        } else if *self.due.told.get_or_insert(now + limits::TOLD_WAIT) <= now {
            let saved = self.disk.save_told(told);
            self.due.told = saved.is_err().then_some(now + limits::RETRY);
            self.report(saved);
            self.after_commit();
        }
    }

    /// Deletes some of what is in archives, and then lets others come first.
    fn sweep(&mut self, now: Instant) {
        if self.due.sweep.is_none_or(|due| due > now) {
            return;
        }
        let swept = self.disk.sweep();
        self.due.sweep = match swept {
            Ok(true) => Some(Instant::now() + limits::SWEEP_PAUSE),
            Ok(false) => None,
            Err(_) => Some(now + limits::RETRY),
        };
        self.report(swept.map(|_| ()));
        self.after_commit();
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

    /// Encodes the waiting snapshot in another thread: with a long history that takes longer than a commit should.
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
        self.due.checkpoint_pause = (pages > 0).then_some(now + limits::RETRY);
        self.due.checkpoint = self.due.checkpoint_pause.filter(|_| !self.disk.is_broken);
        let is_alarming = pages >= limits::WAL_PAGES_ALARMING;
        if is_alarming && !self.is_alarmed {
            tracing::warn!(
                "{}: {pages} pages of the write-ahead log cannot be copied back while another program reads the file",
                self.disk.file.display()
            );
        }
        self.is_alarmed = is_alarming;
        self.report(left.map(|_| ()));
    }

    /// Housekeeping has no caller to report to; after a fatal error the next commit fails.
    fn report(&self, outcome: Result<(), StoreError>) {
        match outcome {
            Ok(()) => {}
            Err(error) if error.is_fatal() => tracing::error!("{error}"),
            Err(error) => tracing::warn!("{error}"),
        }
    }

    /// Waits for the thread that archives changes, which is told that it is not wanted any more; its connection must not
    /// outlive the lock.
    fn end_archiving(&mut self) {
        self.shared.is_closing.store(true, Ordering::SeqCst);
        let Some(thread) = self.shared.archiving().take() else { return };
        while !thread.is_finished() {
            // What waits in the queue is for a store that is closed; who waits for it is told by its end.
            drop(self.queue.recv_timeout(limits::CLOSING_POLL));
        }
        if thread.join().is_err() {
            tracing::error!("archiving changes panicked");
        }
    }

    /// Stores what is waiting and empties the write-ahead log, so the database is a single file again.
    fn finish(&mut self) -> Result<(), StoreError> {
        self.end_archiving();
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
pub(crate) mod tests;
