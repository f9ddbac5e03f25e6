//! How long a commit is waited for: as long as the server says, on another connection, that the commit waits for the
//! standby; and otherwise only for a few seconds.

use super::alone::END_ONE;
use super::session::Session;
use crate::limits;
use crate::servers::Servers;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};
use tokio_postgres::Error;

/// The connection on which commits are asked after.
pub(super) struct Waiting {
    server: Servers,
    side: Option<Session>,
}

impl Waiting {
    pub fn new(server: Servers) -> Waiting {
        Waiting { server, side: None }
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

    /// Ends a process that waits for the standby; whether there was one.
    async fn end(&mut self, pid: i32) -> bool {
        let Some(side) = self.side.as_ref() else { return false };
        let ended = timeout(limits::CONNECT, side.client().query_one(END_ONE, &[&pid])).await.ok().and_then(Result::ok);
        ended.is_some_and(|row| row.get::<_, i64>(0) > 0)
    }
}

/// Why a statement is not waited for any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// Nothing is known of it for so long.
    Late(Duration),
    /// It waited for a standby that is away, and was ended.
    Standby,
}

/// Waits for a statement that writes.
pub(super) async fn watched<T>(
    work: impl Future<Output = Result<T, Error>>,
    waiting: &mut Waiting,
    pid: i32,
) -> Result<Result<T, Error>, GivenUp> {
    let mut work = pin!(work);
    let mut last_known = Instant::now();
    let mut waits_since = None;
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            () = sleep(limits::COMMIT_LOOK) => {}
        }
        let said = tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            said = waiting.is_for_standby(pid) => said,
        };
        if said == Some(true) {
            last_known = Instant::now();
            let since = *waits_since.get_or_insert(last_known);
            if waiting.server.goes_on() && since.elapsed() >= limits::STANDBY_AWAY && waiting.end(pid).await {
                return Err(GivenUp::Standby);
            }
        } else if last_known.elapsed() >= limits::COMMIT {
            return Err(GivenUp::Late(limits::COMMIT));
        }
    }
}
