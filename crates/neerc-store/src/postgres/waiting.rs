//! How long a commit is waited for: as long as the server says, on another connection, that the commit waits for the
//! standby; and otherwise only for a few seconds.

use super::session::Session;
use crate::limits;
use crate::servers::Servers;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};
use tokio_postgres::Error;

/// The connection on which commits are asked after.
pub(super) struct Waiting {
    server: Servers,
    side: Option<Session>,
    /// A commit is known to wait for the standby.
    pub for_standby: Arc<AtomicBool>,
}

impl Waiting {
    pub fn new(server: Servers) -> Waiting {
        Waiting { server, side: None, for_standby: Arc::new(AtomicBool::new(false)) }
    }

    /// Whether a process of the server waits for the standby; `None` if nobody can be asked.
    async fn is_for_standby(&mut self, pid: i32) -> Option<bool> {
        if self.side.as_ref().is_none_or(Session::is_over) {
            self.side = None;
            self.side = Some(Session::connect(&self.server).await.ok()?);
        }
        let sql = "SELECT coalesce(wait_event = 'SyncRep', false) FROM pg_stat_activity WHERE pid = $1";
        let side = self.side.as_ref()?;
        let said = timeout(limits::CONNECT, side.client().query_opt(sql, &[&pid])).await.ok().and_then(Result::ok);
        if said.is_none() {
            self.side = None; // it may be as dead as the other one
        }
        said?.map(|row| row.get(0))
    }
}

/// Waits for a statement that writes. The error is how long it was waited for in vain.
pub(super) async fn watched<T>(
    work: impl Future<Output = Result<T, Error>>,
    waiting: &mut Waiting,
    pid: i32,
) -> Result<Result<T, Error>, Duration> {
    let mut work = pin!(work);
    let mut last_known = Instant::now();
    let for_standby = waiting.for_standby.clone();
    let outcome = loop {
        tokio::select! {
            biased;
            done = &mut work => break Ok(done),
            () = sleep(limits::COMMIT_LOOK) => {}
        }
        let said = tokio::select! {
            biased;
            done = &mut work => break Ok(done),
            said = waiting.is_for_standby(pid) => said,
        };
        if said == Some(true) {
            last_known = Instant::now();
            for_standby.store(true, Ordering::SeqCst);
        } else if last_known.elapsed() >= limits::COMMIT {
            break Err(limits::COMMIT);
        }
    };
    for_standby.store(false, Ordering::SeqCst);
    outcome
}
