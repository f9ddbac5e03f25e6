//! Standing by: the store is opened as soon as nobody else serves from it. Which of two gets it, a lock of the file system
//! decides or, where several machines share a database, a lease in that.

use crate::fence::Fence;
use crate::holding::WhoServes;
use crate::lock::Lock;
use crate::postgres::{self, Keeper};
use crate::servers::Servers;
use crate::{Opened, StoreError, Url, limits, open, opened};
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

/// A process that waits for a store.
#[derive(Debug)]
pub struct Standby {
    waits: Waits,
    fence: Option<Fence>,
    steady_ms: fn() -> i64,
}

#[derive(Debug)]
enum Waits {
    /// For the lock of a file.
    Lock(Url),
    /// For the lock that keeps a second process of this machine out.
    Place(Arc<Servers>),
    /// For the lease.
    Lease { server: Arc<Servers>, lock: Lock, keeper: Keeper },
    /// For nothing any more.
    Over,
}

/// What came of looking.
#[derive(Debug)]
pub enum Looked {
    /// The store is this process's.
    Opened(Box<Opened>),
    /// It is another's.
    Others(WhoServes),
}

impl Standby {
    /// One that waits for the store at `url`, by a clock that nobody can set and that counts while the machine is suspended.
    pub fn of(url: &Url, steady_ms: fn() -> i64) -> Standby {
        let waits = match url {
            Url::Sqlite(_) => Waits::Lock(url.clone()),
            Url::Postgres(server) => Waits::Place(server.clone()),
        };
        Standby { waits, fence: None, steady_ms }
    }

    /// The same that ends whoever serves from a database, once that one is silent, before it takes over.
    pub fn with_fence(self, fence: Fence) -> Standby {
        Standby { fence: Some(fence), ..self }
    }

    /// Whether no other process of this machine can have what is beside the store, as long as this one stands by.
    pub fn has_place(&self) -> bool {
        matches!(self.waits, Waits::Lease { .. })
    }

    /// Opens the store, unless somebody else serves from it. Blocks on the disk or the network.
    pub fn look(&mut self) -> Result<Looked, StoreError> {
        match std::mem::replace(&mut self.waits, Waits::Over) {
            Waits::Lock(url) => {
                let looked = others_or(open(&url).map(|opened| Looked::Opened(Box::new(opened))));
                self.waits = Waits::Lock(url);
                looked
            }
            Waits::Place(server) => {
                let lock = match Lock::take(server.local()) {
                    Ok(lock) => lock,
                    Err(error) => {
                        self.waits = Waits::Place(server);
                        return others_or(Err(error));
                    }
                };
                let holder = postgres::holder(server.local());
                let keeper = Keeper::start(server.clone(), holder, self.fence.take(), self.steady_ms)?;
                self.lease(server, lock, keeper)
            }
            Waits::Lease { server, lock, keeper } => self.lease(server, lock, keeper),
            Waits::Over => Err(StoreError::Gone),
        }
    }

    /// What has become of the lease.
    fn lease(&mut self, server: Arc<Servers>, lock: Lock, keeper: Keeper) -> Result<Looked, StoreError> {
        for _ in 0..limits::KEEPER_LOOKS {
            let mut seen = keeper.seen();
            if let Some(error) = seen.refused.take() {
                return Err(error);
            }
            let (term, who) = (seen.term.clone(), seen.who.clone());
            drop(seen);
            if let Some(term) = term
                && keeper.is_held()
            {
                let (store, loaded) = postgres::open_held(&server, lock, keeper.held(term))?;
                return Ok(Looked::Opened(Box::new(opened(crate::Store::Postgres(store), loaded, keeper.hand_over()))));
            }
            if let Some(who) = who {
                if lock.noted().is_none_or(|noted| noted < who.revision) {
                    lock.note(who.revision);
                }
                self.waits = Waits::Lease { server, lock, keeper };
                return Ok(Looked::Others(who));
            }
            sleep(Duration::from_millis(limits::KEEPER_LOOK_MS.unsigned_abs()));
        }
        let trouble = Some(format!("{} has not answered yet", server.name().display()));
        let who = WhoServes { revision: lock.noted().unwrap_or(0), trouble, ..WhoServes::default() };
        self.waits = Waits::Lease { server, lock, keeper };
        Ok(Looked::Others(who))
    }
}

/// That another process uses the store is no error here.
fn others_or(looked: Result<Looked, StoreError>) -> Result<Looked, StoreError> {
    match looked {
        Err(StoreError::InUse { file, by }) => Ok(Looked::Others(who_uses(&file, by))),
        Err(StoreError::InUseElsewhere { file }) => Ok(Looked::Others(who_uses(&file, None))),
        looked => looked,
    }
}

fn who_uses(file: &Path, by: Option<u32>) -> WhoServes {
    let holder = by.map_or_else(|| "another process".to_owned(), |id| format!("process {id}"));
    WhoServes { holder, revision: Lock::peek(file).unwrap_or(0), trouble: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use tempfile::TempDir;

    #[test]
    fn where_no_database_had_answered_it_was_said_to_stand_by_for_nobody() {
        let folder = TempDir::new().unwrap();
        // Whoever connects hears nothing.
        let silent = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let hosts = silent.each_ref().map(|silent| silent.local_addr().unwrap().to_string()).join(",");
        let url = Url::parse(&format!("postgres://neerc@{hosts}/neerc"), folder.path()).unwrap();
        let mut standby = Standby::of(&url, || 1_000);
        match standby.look().unwrap() {
            Looked::Others(who) => assert!(who.trouble.is_some(), "{who:?}"),
            Looked::Opened(_) => panic!("it serves"),
        }
    }
}
