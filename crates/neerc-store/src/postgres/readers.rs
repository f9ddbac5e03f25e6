//! The connections by which the log of a database is read while it is used: kept from one reading to the next, and made anew
//! once they have broken. Not what is read.

use super::read::{Reading, apart, runtime};
use super::session::Session;
use crate::error::postgres::{PostgresError, is_refusal};
use crate::servers::Servers;
use crate::{StoreError, limits};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Runtime;

/// What reads a database. Several may read at once.
pub(crate) struct Readers {
    server: Arc<Servers>,
    /// Connections that nobody reads by at the moment.
    idle: Mutex<Vec<Line>>,
}

/// A connection, and what waits for it.
struct Line {
    session: Session,
    runtime: Option<Runtime>,
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background(); // it may be dropped in an async loop, which must not wait
        }
    }
}

impl Line {
    fn connect(server: &Servers) -> Result<Line, StoreError> {
        let runtime = runtime()?;
        let session = runtime.block_on(Session::connect(server))?;
        Ok(Line { session, runtime: Some(runtime) })
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, StoreError> {
        Ok(self.runtime.as_ref().ok_or(StoreError::Gone)?.block_on(work))
    }

    /// Whether the server answers by it. What happened to it meanwhile shows only now.
    fn is_alive(&self) -> bool {
        self.run(self.session.answers(limits::CONNECT)).unwrap_or(false)
    }
}

impl Readers {
    /// None is connected yet.
    pub fn new(server: Arc<Servers>) -> Readers {
        Readers { server, idle: Mutex::default() }
    }

    /// The database that is read.
    pub fn server(&self) -> &Arc<Servers> {
        &self.server
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Line>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner) // always consistent: whole lines are put in and taken out
    }

    /// Reads by a connection that is there, or by a new one; by a new one also where the one that was there breaks meanwhile.
    pub(super) fn read<T: Send>(
        &self,
        work: impl AsyncFn(Reading<'_>) -> Result<T, StoreError> + Sync,
    ) -> Result<T, StoreError> {
        let name = self.server.name();
        apart(|| {
            while let Some(line) = self.take() {
                match self.by(line, &name, &work) {
                    Err(StoreError::Postgres(why)) if is_of_the_line(&why) => {}
                    read => return read,
                }
            }
            self.by(Line::connect(&self.server)?, &name, &work)
        })
    }

    /// One that is there, and answers. Its place is not held while it is asked.
    fn take(&self) -> Option<Line> {
        loop {
            let line = self.idle().pop()?;
            if line.is_alive() {
                return Some(line);
            }
        }
    }

    /// Reads by a connection, which is kept if it can be used again.
    fn by<T>(
        &self,
        line: Line,
        name: &Path,
        work: &impl AsyncFn(Reading<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let read = line.run(work(Reading { session: &line.session, name }))?;
        let is_late = matches!(&read, Err(StoreError::Postgres(PostgresError::Late { .. })));
        if !is_late && !line.session.is_over() {
            let mut idle = self.idle();
            if idle.len() < limits::READERS_KEPT {
                idle.push(line);
            }
        }
        read
    }
}

/// Whether an error may be one of the connection, and not of what is asked or of the server.
fn is_of_the_line(why: &PostgresError) -> bool {
    matches!(why, PostgresError::Failed { source, .. } if !is_refusal(source))
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Readers({})", self.server)
    }
}
