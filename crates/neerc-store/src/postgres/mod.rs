//! The store in a PostgreSQL database, which may be on several machines. One connection writes, on a thread of its own;
//! every commit carries the epoch of whoever serves, so that nobody else's is stored.

mod alone;
mod commit;
pub(crate) mod compact;
pub(crate) mod copy;
mod disk;
mod keeper;
mod open;
pub(crate) mod read;
mod readers;
mod session;
mod survey;
mod take;
mod tls;
mod waiting;

use crate::StoreError;
use crate::loaded::Loaded;
use crate::lock::Lock;
use crate::servers::Servers;
use crate::thread::{Handle, Worker};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};
use std::thread;

pub(crate) use keeper::Keeper;
pub(crate) use open::holder;
pub(crate) use readers::Readers;
pub use survey::{Follower, LogWords, ServerSurvey, ServerWords, Survey, survey};
pub use take::Term;

/// A handle to the thread.
#[derive(Clone, Debug)]
pub struct Postgres {
    pub(crate) handle: Handle,
    /// What reads its log.
    pub(crate) readers: Arc<Readers>,
    /// Which term of serving this is.
    pub term: Term,
    /// What is not as it should be about the server, in words.
    pub concerns: Arc<[String]>,
}

/// A term that this process has, and that something else keeps.
pub struct Held {
    pub term: Term,
    /// Whether changes are stored without the synchronous standby at the moment.
    pub is_alone: Arc<AtomicBool>,
}

/// Takes over, reads the database, and starts the thread.
pub fn open(server: &Arc<Servers>) -> Result<(Postgres, Loaded), StoreError> {
    begin(server, Lock::take(server.local())?, None)
}

/// The same in a term that this process has.
pub fn open_held(server: &Arc<Servers>, lock: Lock, held: Held) -> Result<(Postgres, Loaded), StoreError> {
    begin(server, lock, Some(held))
}

fn begin(server: &Arc<Servers>, lock: Lock, held: Option<Held>) -> Result<(Postgres, Loaded), StoreError> {
    let (handle, queue) = Handle::of(&server.name());
    let (tell, told) = mpsc::channel();
    let given = server.clone();
    let work = move || match open::begin(&given, lock, held) {
        Ok(open::Begun { disk, loaded, term, concerns }) => {
            let _ = tell.send(Ok((loaded, term, concerns))); // whoever opens it waits
            drop(tell);
            Worker::new(disk, queue).run();
        }
        Err(error) => drop(tell.send(Err(error))),
    };
    thread::Builder::new().name("neerc-store".into()).spawn(work).map_err(StoreError::Thread)?;
    let (loaded, term, concerns) = told.recv().unwrap_or(Err(StoreError::Gone))?;
    let readers = Readers::new(server.clone()).into();
    Ok((Postgres { handle, readers, term, concerns: concerns.into() }, loaded))
}

#[cfg(test)]
mod tests;
