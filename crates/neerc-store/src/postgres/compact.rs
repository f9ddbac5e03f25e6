//! The log of a database as it is moved into archives on this machine: read by a connection of its own, so that others are
//! stored meanwhile.

use super::read::{Reading, row_of, runtime};
use super::session::Session;
use crate::compact::{LogSpan, Source};
use crate::rows::{Floor, StoredRow, stored};
use crate::servers::Servers;
use crate::{StoreError, limits};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// A database whose log is read.
pub(crate) struct ServerLog {
    runtime: Runtime,
    session: Session,
    server: Arc<Servers>,
    name: PathBuf,
}

impl ServerLog {
    /// Connects, on the thread that will read.
    pub fn open(server: Arc<Servers>) -> Result<ServerLog, StoreError> {
        let runtime = runtime()?;
        let session = runtime.block_on(Session::connect(&server))?;
        let name = server.name();
        Ok(ServerLog { runtime, session, server, name })
    }

    fn read<T>(&self, work: impl AsyncFnOnce(Reading<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.runtime.block_on(work(Reading { session: &self.session, name: &self.name }))
    }
}

impl Source for ServerLog {
    fn name(&self) -> &Path {
        &self.name
    }

    fn place(&self) -> &Path {
        self.server.local()
    }

    fn floor(&mut self) -> Result<Result<Floor, String>, StoreError> {
        self.read(async |reading| reading.floor().await)
    }

    fn span(&mut self) -> Result<LogSpan, StoreError> {
        self.read(async |reading| {
            let head = reading.rows("SELECT revision, told FROM head", &[]).await?;
            let head = head.first().ok_or(StoreError::Gone)?;
            let (last, told) = (stored(reading.column(head, 0)?), stored(reading.column(head, 1)?));
            Ok(LogSpan { last, told, marked: reading.marks().await?.into_values().min() })
        })
    }

    fn lengths(&mut self, take: &mut dyn FnMut(u64, usize) -> ControlFlow<()>) -> Result<(), StoreError> {
        self.read(async |reading| {
            let sql = "SELECT revision, length(record) FROM log WHERE revision < $1 ORDER BY revision DESC LIMIT $2";
            let mut before = i64::MAX;
            loop {
                let rows = reading.rows(sql, &[&before, &limits::PART_ROWS]).await?;
                if rows.is_empty() {
                    return Ok(());
                }
                for row in &rows {
                    let (revision, characters): (i64, i32) = (reading.column(row, 0)?, reading.column(row, 1)?);
                    before = revision;
                    if take(stored(revision), usize::try_from(characters).unwrap_or(0)).is_break() {
                        return Ok(());
                    }
                }
            }
        })
    }

    fn part(
        &mut self,
        after: u64,
        to: u64,
        take: &mut dyn FnMut(&StoredRow<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.read(async |reading| {
            for row in reading.part(after, to, limits::PART_ROWS).await? {
                let damaged = |what| StoreError::Damaged { file: reading.name.to_owned(), what };
                if take(&row_of(&row).map_err(damaged)?).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }
}
