//! Keeps the lease of a database, or waits for it, on a thread and a connection of its own: a commit may wait for the standby,
//! and reading a log takes long, while the lease is to be renewed every few seconds. What is to be done when is the lease's
//! business (lease.rs); how the database is asked is that of take.rs.

use super::Held;
use super::open::{look, migrate};
use super::read::{Reading, runtime};
use super::session::{Reach, Session, within};
use super::survey;
use super::take::{self, Term};
use crate::error::postgres::PostgresError;
use crate::fence::{Fence, FenceOrder};
use crate::holding::{StoreCopies, WhoServes};
use crate::lease::{LEASE_ANSWER_MS, Lease, LeaseAnswer, LeaseAsk, LeaseStep};
use crate::limits::{self, KEEPER_LOOK_MS};
use crate::lock::Lock;
use crate::servers::Servers;
use crate::{Holding, StoreError};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// What has become of it so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Who serves, once somebody could be asked or could not.
    pub who: Option<WhoServes>,
    /// The server of the database that was asked is on this machine.
    pub is_here: bool,
    /// This process serves.
    pub term: Option<Term>,
    /// The database is of no use.
    pub refused: Option<StoreError>,
}

/// The thread, as whoever waits for the lease holds it. If that is dropped, the lease is given back.
#[derive(Debug)]
pub(crate) struct Keeper {
    seen: Arc<Mutex<Seen>>,
    until_ms: watch::Receiver<i64>,
    steady_ms: fn() -> i64,
    copies: watch::Receiver<StoreCopies>,
    serves: Arc<AtomicBool>,
    is_alone: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Begins to wait for the lease, as that holder.
    pub fn start(
        server: Arc<Servers>,
        holder: String,
        fence: Option<Fence>,
        steady_ms: fn() -> i64,
    ) -> Result<Keeper, StoreError> {
        let (set, until_ms) = watch::channel(i64::MIN);
        let (tell, copies) = watch::channel(StoreCopies::Unknown);
        let (seen, stop) = (Arc::<Mutex<Seen>>::default(), Arc::<AtomicBool>::default());
        let serves = Arc::<AtomicBool>::default();
        let is_alone = Arc::<AtomicBool>::default();
        let runtime = runtime()?;
        let name = server.name();
        let keeping = Keeping {
            server,
            name,
            holder,
            steady_ms,
            set,
            tell,
            seen: seen.clone(),
            serves: serves.clone(),
            is_alone: is_alone.clone(),
            stop: stop.clone(),
            session: None,
            fence,
        };
        let thread = thread::Builder::new().name("neerc-lease".into());
        let thread = thread.spawn(move || runtime.block_on(keeping.keep())).map_err(StoreError::Thread)?;
        Ok(Keeper { seen, until_ms, steady_ms, copies, serves, is_alone, stop, thread: Some(thread) })
    }

    /// What has become of it.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner) // always consistent: values are only ever replaced
    }

    /// Whether this process may serve now.
    pub fn is_held(&self) -> bool {
        *self.until_ms.borrow() > (self.steady_ms)()
    }

    /// A term that it keeps, to be opened.
    pub fn held(&self, term: Term) -> Held {
        Held { term, is_alone: self.is_alone.clone() }
    }

    /// For how long this process may serve. The thread goes on for as long as the process runs.
    pub fn hand_over(mut self) -> Holding {
        self.thread = None;
        self.serves.store(true, Ordering::SeqCst);
        Holding::until(self.until_ms.clone(), self.steady_ms, self.copies.clone())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.stop.store(true, Ordering::SeqCst);
            let _ = thread.join(); // whatever became of it
        }
    }
}

/// The thread's own.
struct Keeping {
    server: Arc<Servers>,
    name: PathBuf,
    holder: String,
    steady_ms: fn() -> i64,
    set: watch::Sender<i64>,
    tell: watch::Sender<StoreCopies>,
    seen: Arc<Mutex<Seen>>,
    /// The log was read, and what is stored is noted from then on.
    serves: Arc<AtomicBool>,
    /// Whoever stores says by this that it does without the standby.
    is_alone: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    session: Option<Session>,
    fence: Option<Fence>,
}

impl Keeping {
    async fn keep(mut self) {
        let now_ms = (self.steady_ms)();
        let mut lease = match self.fence {
            Some(_) => Lease::standby(now_ms).with_fence(now_ms),
            None => Lease::standby(now_ms),
        };
        while !self.stop.load(Ordering::SeqCst) {
            if self.session.as_ref().is_none_or(Session::is_over)
                && let Err(error) = self.connect().await
            {
                let is_useless = !matches!(&error, StoreError::Postgres(why) if why.is_passing());
                if is_useless && lease.until_ms().is_none() {
                    self.note(|seen| seen.refused = Some(error));
                    return;
                }
                self.in_vain(&error);
            }
            let now_ms = (self.steady_ms)();
            match lease.step(now_ms) {
                LeaseStep::Ask(ask) => {
                    let limit = Duration::from_millis(LEASE_ANSWER_MS.unsigned_abs());
                    let asked = timeout(limit, self.ask(ask)).await.unwrap_or_else(|_| {
                        let store = self.name.clone();
                        Err(PostgresError::Late { doing: "ask for the lease of", store, limit }.into())
                    });
                    let answer = asked.unwrap_or_else(|error| {
                        self.session = None;
                        self.in_vain(&error);
                        LeaseAnswer::Failed
                    });
                    lease.answered((self.steady_ms)(), answer);
                    self.set.send_replace(lease.until_ms().unwrap_or(i64::MIN));
                    if lease.until_ms().is_some() {
                        let _ = timeout(limits::KEEPER_COPIES, self.look_at_copies()).await; // it is asked again soon
                    }
                }
                LeaseStep::Fence(seen) => {
                    let is_ended = self.end_holder();
                    lease.fenced((self.steady_ms)(), seen, is_ended);
                }
                LeaseStep::Wait { until_ms } => {
                    let wait_ms = until_ms.saturating_sub(now_ms).clamp(1, KEEPER_LOOK_MS);
                    sleep(Duration::from_millis(wait_ms.unsigned_abs())).await;
                }
                LeaseStep::Over => {
                    self.set.send_replace(i64::MIN);
                    return;
                }
            }
        }
        if let (Some(epoch), Some(session)) = (lease.resign(), &self.session)
            && let Err(error) = take::resign(session, &self.name, epoch).await
        {
            tracing::debug!("the lease could not be given back: {error}"); // it runs out by itself
        }
    }

    /// Has the one that serves ended, which is silent. Whether that has worked.
    fn end_holder(&mut self) -> bool {
        let (holder, database_is_here) = {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner); // see `Keeper::seen`
            (seen.who.clone().unwrap_or_default().holder, seen.is_here)
        };
        let Some(fence) = &mut self.fence else { return false };
        tracing::warn!("{holder} serves no more: store.fence is to end the other machine's service");
        match fence.end(&FenceOrder { holder, database_is_here }) {
            Ok(()) => {
                tracing::info!("store.fence has ended it: nothing more is waited for");
                true
            }
            Err(why) => {
                tracing::warn!("store.fence has not ended it, so its lease is waited for: {why}");
                false
            }
        }
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner)); // see `Keeper::seen`
    }

    /// The database could not be asked. It is tried again.
    fn in_vain(&self, error: &StoreError) {
        let why = error.to_string();
        tracing::debug!("the lease: {why}");
        self.note(|seen| seen.who.get_or_insert_default().trouble = Some(why));
    }

    async fn connect(&mut self) -> Result<(), StoreError> {
        self.session = None;
        let session = Session::connect(&self.server).await?;
        let is_new = self.seen.lock().unwrap_or_else(PoisonError::into_inner).term.is_none();
        if is_new {
            look(&Reading { session: &session, name: &self.name }).await?;
            migrate(&session, &self.name).await?;
        }
        self.session = Some(session);
        Ok(())
    }

    /// Who follows the database: not known where that may not be read.
    async fn look_at_copies(&self) {
        let Some(session) = &self.session else { return };
        let before = *self.tell.borrow();
        let Ok(found) = survey::copies(session.client(), &self.server, before).await else { return };
        let is_alone = self.is_alone.load(Ordering::SeqCst);
        self.tell.send_replace(if is_alone { StoreCopies::Alone } else { found });
    }

    async fn ask(&self, ask: LeaseAsk) -> Result<LeaseAnswer, StoreError> {
        let Some(session) = &self.session else { return Ok(LeaseAnswer::Failed) };
        match ask {
            LeaseAsk::Take(free) => {
                match take::take(session, &self.server, (&self.holder, free), limits::LEASE_TTL).await? {
                    Ok(term) => {
                        let epoch = term.epoch;
                        self.note(|seen| seen.term = Some(term));
                        Ok(LeaseAnswer::Mine { epoch })
                    }
                    Err(holder) => {
                        let sight = holder.sight(&self.holder);
                        let take::Holder { name, revision, is_here, .. } = holder;
                        self.note(|seen| {
                            seen.who = Some(WhoServes { holder: name, revision, trouble: None });
                            seen.is_here = is_here;
                        });
                        Ok(LeaseAnswer::Others(sight))
                    }
                }
            }
            LeaseAsk::Renew { epoch } => {
                // To go on serving must not wait for the standby; who takes over does.
                within(limits::STATEMENT, "set up", &self.name, session.set_reach(Reach::Here)).await?;
                let noted = self.serves.load(Ordering::SeqCst).then(|| Lock::peek(self.server.local())).flatten();
                Ok(match take::renew(session, &self.name, (&self.holder, epoch), limits::LEASE_TTL).await? {
                    Some(revision) if noted.is_none_or(|noted| noted <= revision) => LeaseAnswer::Mine { epoch },
                    Some(revision) => {
                        // A server was promoted that has not got it. What is shown is not true any more, also where nobody writes.
                        let noted = noted.unwrap_or_default();
                        tracing::warn!(
                            "{}: the log ends at revision {revision}, and {noted} was stored",
                            self.name.display()
                        );
                        LeaseAnswer::Gone
                    }
                    None => LeaseAnswer::Gone,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests;
