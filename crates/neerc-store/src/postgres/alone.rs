//! Going on without the synchronous standby, where that is wanted (`store.alone`): changes then count once they are on the
//! disk of the server that is written to. Any user may have their own commits not wait; how the server is set up stays.
//!
//! What waits already is not waited for any more by ending its process on the server, which leaves it committed there; never
//! by cancelling it, which is reported as success. So it is one more commit whose outcome is not known, and that is found out by
//! its row as ever. That a standby is back shows where a write that waits for it comes to its end: everything before it
//! is on its disk then as well, and nobody needs rights for that.

use super::read::runtime;
use super::session::{Reach, Session};
use crate::servers::Servers;
use crate::{StoreError, limits};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use tokio::time::sleep;

/// Writes nothing that anybody reads, and holds no row.
const PROBE: &str = "SELECT pg_logical_emit_message(true, 'neerc', '')";
/// Ends what has waited for a standby for long, of whoever writes to this database as the same user: the rows that it holds
/// are wanted. It stays committed here, and whoever sent it is not answered.
pub(super) const END_WAITING: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
    WHERE wait_event = 'SyncRep' AND datname = current_database() AND usename = current_user \
    AND query_start < now() - $1 * interval '1 s'";
/// The same of those who wanted to take over and were given up by who sent it, as one does that was not to go on without a standby:
/// it holds the row of the lease.
pub(super) const END_TAKING: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
    WHERE wait_event = 'SyncRep' AND datname = current_database() AND usename = current_user \
    AND query LIKE '%UPDATE lease SET holder%' AND query_start < now() - $1 * interval '1 s'";
/// The same for one process, if it waits.
pub(super) const END_ONE: &str =
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid = $1";

/// Commits do not wait at the moment; a thread waits for the standby in their place.
pub(super) struct Alone {
    is_over: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    /// What others are told of it by.
    told: Arc<AtomicBool>,
}

impl Alone {
    /// Begins to wait for a standby. For as long as this lasts, `told` is set.
    pub fn begin(server: &Servers, told: &Arc<AtomicBool>) -> Result<Alone, StoreError> {
        let (is_over, stop) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let (server, given, stopped) = (server.clone(), is_over.clone(), stop.clone());
        let runtime = runtime()?;
        let wait = move || runtime.block_on(wait(&server, &given, &stopped));
        thread::Builder::new().name("neerc-alone".into()).spawn(wait).map_err(StoreError::Thread)?;
        told.store(true, Ordering::SeqCst);
        Ok(Alone { is_over, stop, told: told.clone() })
    }

    /// A standby is there again, or none is named any more.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst); // the thread ends by itself
        self.told.store(false, Ordering::SeqCst);
    }
}

async fn wait(server: &Servers, is_over: &AtomicBool, stop: &AtomicBool) {
    while !stop.load(Ordering::SeqCst) {
        if has_come(server, stop).await {
            return is_over.store(true, Ordering::SeqCst);
        }
        sleep(limits::RECONNECT).await;
    }
}

/// Writes something, and waits until it is on the disk of a standby too.
async fn has_come(server: &Servers, stop: &AtomicBool) -> bool {
    let Ok(session) = Session::connect(server).await else { return false };
    if session.set_reach(Reach::Standby).await.is_err() {
        return false;
    }
    let written = async { session.client().query_one(PROBE, &[]).await.is_ok() && session.warnings() == 0 };
    let stopped = async {
        while !stop.load(Ordering::SeqCst) {
            sleep(limits::COMMIT_LOOK).await;
        }
    };
    tokio::select! {
        is_written = written => is_written,
        () = stopped => false,
    }
}
