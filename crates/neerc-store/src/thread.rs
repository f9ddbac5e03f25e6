//! The thread of a store, and the handles that send it work. Commits come first; what only has to happen at some time
//! (progress, snapshots, deleting what is in archives) waits for a pause, or is stored along with a commit.

use crate::compact::{self, Source, Stage};
use crate::record::{self, RecordError};
use crate::rows::Floor;
use crate::{Compacted, Keep, StoreError, limits};
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

type Reply = oneshot::Sender<Result<(), StoreError>>;

/// A handle to the thread.
#[derive(Clone, Debug)]
pub struct Handle {
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
    file: Arc<Path>,
}

/// What the thread writes to. Each of these is done as a whole or not at all; after a fatal error nothing is done any more.
pub(crate) trait Disk {
    /// Its name, for messages.
    fn name(&self) -> &Path;
    /// The last stored revision.
    fn last(&self) -> u64;
    /// The last stored told revision.
    fn told(&self) -> u64;
    /// The last revision that is in an archive.
    fn floor(&self) -> u64;
    /// A fatal error has stopped it.
    fn is_broken(&self) -> bool;
    /// Stores a batch together with the told revision.
    fn append(&mut self, entries: &[Entry], told: u64) -> Result<(), StoreError>;
    /// Stores the told revision.
    fn save_told(&mut self, told: u64) -> Result<(), StoreError>;
    /// Stores who has read the log how far, and forgets what was stored of others.
    fn save_marks(&mut self, marks: &BTreeMap<String, u64>) -> Result<(), StoreError>;
    /// Keeps a backdrop for those who stand by, in place of the one before.
    fn save_backdrop(&mut self, record: &str) -> Result<(), StoreError>;
    /// Stores a snapshot and deletes the oldest.
    fn save_snapshot(&mut self, revision: u64, record: &str) -> Result<(), StoreError>;
    /// Stores from where on the log is in the database. What is below counts as gone from here on.
    fn raise_floor(&mut self, floor: &Floor) -> Result<(), StoreError>;
    /// Deletes some of what is in archives. Returns whether there is more of it.
    fn sweep(&mut self) -> Result<bool, StoreError>;
    /// Gives the space of what was deleted back.
    fn shrink(&mut self) -> Result<(), StoreError>;
    /// When something of its own is due.
    fn due(&self) -> Option<Instant>;
    /// Does that. Called after every job.
    fn keep_house(&mut self, now: Instant) -> Result<(), StoreError>;
    /// Lets go of the store, with everything in its place.
    fn finish(&mut self) -> Result<(), StoreError>;
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
    /// What boards are shown before is this now.
    Backdrop {
        record: String,
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

impl Handle {
    /// Starts the thread.
    pub(crate) fn start<D: Disk + Send + 'static>(disk: D) -> Result<Handle, StoreError> {
        let (handle, queue) = Handle::of(disk.name());
        let thread = thread::Builder::new().name("neerc-store".into());
        thread.spawn(move || Worker::new(disk, queue).run()).map_err(StoreError::Thread)?;
        Ok(handle)
    }

    /// A handle for a thread that is not there yet, and what that one is to run by.
    pub(crate) fn of(name: &Path) -> (Handle, Queue) {
        let (jobs, queue) = mpsc::channel();
        let shared = Arc::new(Shared::default());
        (Handle { jobs, shared: shared.clone(), file: name.into() }, Queue { jobs: queue, shared })
    }

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

    /// See [`crate::Store::show_before`].
    pub fn show_before(&self, record: String) -> oneshot::Receiver<Result<(), StoreError>> {
        let (reply, outcome) = oneshot::channel();
        self.send(Job::Backdrop { record, reply });
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

    /// The name of the store.
    pub fn file(&self) -> &Arc<Path> {
        &self.file
    }

    /// See [`crate::Store::compact`].
    pub(crate) fn compact<S: Source>(
        &self,
        keep: Keep,
        source: impl FnOnce() -> Result<S, StoreError> + Send + 'static,
    ) -> oneshot::Receiver<Result<Compacted, StoreError>> {
        let (reply, outcome) = oneshot::channel();
        let mut archiving = self.shared.archiving();
        if self.shared.is_archiving.swap(true, Ordering::SeqCst) {
            let _ = reply.send(Err(StoreError::Compacting { file: self.file.to_path_buf() })); // we hold the receiver
            return outcome;
        }
        let (jobs, shared) = (self.jobs.clone(), self.shared.clone());
        let work = move || {
            let raise = &mut |floor| {
                let (reply, outcome) = mpsc::channel();
                let _ = jobs.send(Job::Raise { floor, reply }); // if the thread is gone, there is no outcome
                outcome.recv().unwrap_or(Err(StoreError::Gone))
            };
            let goes_on = &mut |_: Stage| !shared.is_closing.load(Ordering::SeqCst);
            let outcome = source()
                .and_then(|mut source| compact::compact(&mut source, keep, limits::ARCHIVE_CHANGES, raise, goes_on));
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

/// What handles leave for the thread.
pub(crate) struct Queue {
    jobs: mpsc::Receiver<Job>,
    shared: Arc<Shared>,
}

/// The state of the thread.
pub(crate) struct Worker<D> {
    disk: D,
    queue: mpsc::Receiver<Job>,
    shared: Arc<Shared>,
    due: Due,
    /// The snapshot that is being encoded, by a thread that ends afterwards.
    writing: Option<(u64, JoinHandle<Result<String, RecordError>>)>,
}

/// When housekeeping is due; `None` if there is none.
#[derive(Default)]
struct Due {
    told: Option<Instant>,
    /// When some of what is in archives is deleted.
    sweep: Option<Instant>,
}

impl<D: Disk> Worker<D> {
    pub(crate) fn new(disk: D, queue: Queue) -> Self {
        let sweep = (disk.floor() > 0).then(Instant::now); // whoever raised the floor may not have come so far
        let due = Due { sweep, ..Due::default() };
        Worker { disk, queue: queue.jobs, shared: queue.shared, due, writing: None }
    }

    pub(crate) fn run(mut self) {
        loop {
            match self.next() {
                Ok(Job::Commit { entries, reply }) => {
                    self.shared.batches_waiting.fetch_sub(1, Ordering::SeqCst);
                    let outcome = self.disk.append(&entries, self.shared.told.load(Ordering::SeqCst));
                    let _ = reply.send(outcome); // the caller may have dropped the future
                }
                Ok(Job::Raise { floor, reply }) => {
                    let outcome = self.disk.raise_floor(&floor);
                    self.due.sweep = outcome.is_ok().then(Instant::now);
                    let _ = reply.send(outcome); // whoever archives waits
                }
                Ok(Job::Shrink { reply }) => {
                    let _ = reply.send(self.disk.shrink()); // the caller may have dropped the future
                }
                Ok(Job::Mark { marks, reply }) => {
                    let _ = reply.send(self.disk.save_marks(&marks)); // the caller may have dropped the future
                }
                Ok(Job::Backdrop { record, reply }) => {
                    let _ = reply.send(self.disk.save_backdrop(&record)); // the caller may have dropped the future
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
        match [self.due.told, self.disk.due(), self.due.sweep, poll].into_iter().flatten().min() {
            Some(due) => self.queue.recv_timeout(due.saturating_duration_since(Instant::now())),
            None => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    fn housekeeping(&mut self) {
        self.shared.look_sent.store(false, Ordering::SeqCst); // before reading: a later change sends another
        if self.disk.is_broken() {
            self.due = Due::default();
            *self.shared.snapshot() = None;
            return;
        }
        let now = Instant::now();
        self.keep_told(now);
        self.keep_snapshot();
        self.sweep(now);
        let kept = self.disk.keep_house(Instant::now());
        self.report(kept);
    }

    fn keep_told(&mut self, now: Instant) {
        let told = self.shared.told.load(Ordering::SeqCst).min(self.disk.last());
        if told <= self.disk.told() {
            self.due.told = None;
        } else if *self.due.told.get_or_insert(now + limits::TOLD_WAIT) <= now {
            let saved = self.disk.save_told(told);
            self.due.told = saved.is_err().then_some(now + limits::RETRY);
            self.report(saved);
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
    }

    fn keep_snapshot(&mut self) {
        if let Some((revision, writing)) = self.writing.take_if(|(_, writing)| writing.is_finished()) {
            self.store_snapshot(revision, writing);
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

    /// Stores what is waiting, and has the store put in order.
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
        if told.min(self.disk.last()) > self.disk.told() {
            self.disk.save_told(told)?;
        }
        self.disk.finish()
    }
}
