//! Reads a store in PostgreSQL: what a start needs, and the log while it grows. Everything that is read is checked.

use super::readers::Readers;
use super::session::{Session, within};
use super::survey;
use crate::error::postgres::PostgresError;
use crate::generation::lost_of;
use crate::loaded::{self, Loaded, Loading, Newest};
use crate::rows::{self, Floor, StoredRow, number_of, stored};
use crate::servers::Servers;
use crate::{BackdropFound, LogFloor, LogPart, StoreCopies, StoreError, limits, record};
use neerc_core::board::Boards;
use neerc_core::change::Entry;
use neerc_core::keeping::LostChanges;
use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// What the keys of marks begin with.
pub(super) const MARK: &str = "mark:";
const COLUMNS: &str = "revision, room, at_ms, by_jid, record, sum";

/// Does work that waits for the network, on a thread of its own: the caller may be in an async loop.
pub(super) fn apart<T: Send>(work: impl FnOnce() -> Result<T, StoreError> + Send) -> Result<T, StoreError> {
    thread::scope(|scope| scope.spawn(work).join().unwrap_or(Err(StoreError::Gone))) // it panicked, which was said
}

/// Waits for work by a connection of its own, on such a thread.
pub(super) fn connected<T: Send, W: Future<Output = Result<T, StoreError>>>(
    work: impl FnOnce() -> W + Send,
) -> Result<T, StoreError> {
    apart(|| runtime()?.block_on(work()))
}

/// What one thread waits for the network with.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, StoreError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StoreError::Thread)
}

/// What is read by a connection.
pub(super) struct Reading<'a> {
    pub session: &'a Session,
    pub name: &'a Path,
}

impl Reading<'_> {
    /// The rows of a question.
    pub async fn rows(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, StoreError> {
        within(limits::ROW, "read", self.name, self.session.client().query(sql, values)).await
    }

    fn damaged(&self, what: String) -> StoreError {
        StoreError::Damaged { file: self.name.to_owned(), what }
    }

    /// A column of the first row.
    pub fn column<'r, T: tokio_postgres::types::FromSql<'r>>(&self, row: &'r Row, at: usize) -> Result<T, StoreError> {
        row.try_get(at).map_err(|source| crate::error::postgres::failed("read", self.name, source))
    }

    async fn number(&self, sql: &str) -> Result<Option<u64>, StoreError> {
        let rows = self.rows(sql, &[]).await?;
        let found = rows.first().map(|row| self.column::<Option<i64>>(row, 0)).transpose()?;
        Ok(found.flatten().map(stored))
    }

    /// Some rows of the log after a revision, up to another.
    pub async fn part(&self, after: u64, to: u64, most: i64) -> Result<Vec<Row>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM log WHERE revision > $1 AND revision <= $2 ORDER BY revision LIMIT $3");
        self.rows(&sql, &[&number_of(after), &number_of(to), &most]).await
    }

    /// What a start needs to know, and nothing else.
    pub async fn load(&self) -> Result<Loaded, StoreError> {
        let floor = self.peek().await?.revision;
        let revision = self.number("SELECT max(revision) FROM log").await?.unwrap_or(0).max(floor);
        let (head, told) = self.ends().await?;
        if head != revision {
            let what = format!("the log ends at revision {revision}, but revision {head} was stored");
            return Err(self.damaged(what));
        }
        let snapshot = self.number("SELECT max(revision) FROM snapshot").await?.unwrap_or(0);
        loaded::check_end(revision, told, snapshot).map_err(|what| self.damaged(what))?;
        let (folded, boards) = match self.newest_snapshot(floor).await? {
            Some(snapshot) => snapshot,
            None => {
                let floor = self.floor().await?.and_then(|floor| Ok((floor.revision, floor.boards()?)));
                let why = |why| self.damaged(format!("what the log begins with after what is in archives: {why}"));
                floor.map_err(why)?
            }
        };
        let mut loading = Loading::begin(folded, boards, told);
        loop {
            let rows = self.part(loading.last, revision, limits::PART_ROWS).await?;
            for row in &rows {
                let entry = row_of(row).and_then(|row| row.entry(&loading.boards, loading.last + 1));
                loading.take(entry.map_err(|what| self.damaged(what))?);
            }
            if rows.is_empty() {
                break;
            }
        }
        let newest = self.newest(&loading.boards, floor, revision).await?;
        let (generation, lost) = self.history().await?;
        let loaded = loading.end(revision, floor, newest).map_err(|what| self.damaged(what))?;
        Ok(Loaded { generation, lost, ..loaded })
    }

    /// The newest revision, and up to which one everybody was told.
    async fn ends(&self) -> Result<(u64, u64), StoreError> {
        let head = self.rows("SELECT revision, told FROM head", &[]).await?;
        let head = head.first().ok_or_else(|| self.damaged(String::from("head has no row")))?;
        Ok((stored(self.column(head, 0)?), stored(self.column(head, 1)?)))
    }

    async fn newest(&self, boards: &Boards, floor: u64, revision: u64) -> Result<Vec<Entry>, StoreError> {
        let mut newest = Newest::default();
        let mut before = revision.saturating_add(1);
        let sql =
            format!("SELECT {COLUMNS} FROM log WHERE revision > $1 AND revision < $2 ORDER BY revision DESC LIMIT $3");
        while !newest.is_full() {
            let rows = self.rows(&sql, &[&number_of(floor), &number_of(before), &limits::PART_ROWS]).await?;
            if rows.is_empty() {
                break;
            }
            for row in rows.iter().take_while(|_| !newest.is_full()).collect::<Vec<_>>() {
                let row = row_of(row);
                let taken = row.and_then(|row| {
                    before = stored(row.number);
                    newest.take(&row, boards, revision)
                });
                if let Err(why) = taken {
                    let store = self.name.display();
                    tracing::warn!("{store}: what was before is left out of what is told of tasks: {why}");
                    return Ok(newest.in_order());
                }
            }
        }
        Ok(newest.in_order())
    }

    async fn newest_snapshot(&self, floor: u64) -> Result<Option<(u64, Boards)>, StoreError> {
        let sql = "SELECT revision, record, sum FROM snapshot WHERE revision >= $1 ORDER BY revision DESC";
        for row in self.rows(sql, &[&number_of(floor)]).await? {
            let number: i64 = self.column(&row, 0)?;
            let (record, sum): (&str, i64) = (self.column(&row, 1)?, self.column(&row, 2)?);
            match rows::snapshot(number, record.as_bytes(), sum) {
                Ok(boards) => return Ok(Some((stored(number), boards))),
                Err(why) => tracing::warn!(
                    "{}: the snapshot of revision {number} is left aside and more of the log read instead: {why}",
                    self.name.display()
                ),
            }
        }
        Ok(None)
    }

    /// Where the log begins, without a look at the boards.
    pub async fn peek(&self) -> Result<LogFloor, StoreError> {
        let rows = self.rows("SELECT revision, at_ms FROM floor", &[]).await?;
        let Some(row) = rows.first() else { return Ok(LogFloor::default()) };
        Ok(LogFloor { revision: stored(self.column(row, 0)?), at_ms: self.column(row, 1)? })
    }

    /// The same, checked. The inner error says what is wrong with it.
    pub async fn floor(&self) -> Result<Result<Floor, String>, StoreError> {
        let rows = self.rows("SELECT revision, at_ms, chain, record, sum FROM floor", &[]).await?;
        let Some(row) = rows.first() else { return Ok(Ok(Floor::default())) };
        let (number, at_ms): (i64, i64) = (self.column(row, 0)?, self.column(row, 1)?);
        let (chain, record, sum): (i64, &str, i64) = (self.column(row, 2)?, self.column(row, 3)?, self.column(row, 4)?);
        let (Ok(chain), Ok(sum)) = (u32::try_from(chain), u32::try_from(sum)) else {
            return Ok(Err(String::from("it cannot be read")));
        };
        Ok(Floor::checked(number, at_ms, chain, record, sum))
    }

    /// Of which history the log is, and the changes that were lost last.
    pub async fn history(&self) -> Result<(u64, Option<LostChanges>), StoreError> {
        let generation = self.number("SELECT generation FROM lease").await?;
        let rows = self.rows("SELECT key, value FROM meta WHERE starts_with(key, 'lost:')", &[]).await?;
        let rows: Result<Vec<(String, i64)>, StoreError> =
            rows.iter().map(|row| Ok((self.column(row, 0)?, self.column(row, 1)?))).collect();
        Ok((generation.unwrap_or(0), lost_of(rows?)))
    }

    /// How far others have read the log.
    pub async fn marks(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let sql = "SELECT substr(key, length($1::text) + 1), value FROM meta WHERE starts_with(key, $1)";
        let rows = self.rows(sql, &[&MARK]).await?;
        rows.iter().map(|row| Ok((self.column(row, 0)?, stored(self.column(row, 1)?)))).collect()
    }

    async fn entries(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Entry>, StoreError> {
        let boards = Boards::new();
        let sql = format!("SELECT {COLUMNS} FROM log WHERE {sql}");
        let rows = self.rows(&sql, values).await?;
        let entry = |row| row_of(row).and_then(|row| row.entry(&boards, stored(row.number)));
        rows.iter().map(|row| entry(row).map_err(|what| self.damaged(what))).collect()
    }
}

/// A row of the log, by its columns.
pub(super) fn row_of(row: &Row) -> Result<StoredRow<'_>, String> {
    let number = |at| row.try_get::<_, i64>(at).map_err(|error| error.to_string());
    let text = |at| row.try_get::<_, &str>(at).map(str::as_bytes).map_err(|error| error.to_string());
    let (number_, at_ms, sum) = (number(0)?, number(2)?, number(5)?);
    Ok(StoredRow { number: number_, room: text(1)?, at_ms, by: text(3)?, record: text(4)?, sum })
}

/// See [`crate::LogReader::read`].
pub fn read(readers: &Readers, room: &str, part: LogPart, most: usize) -> Result<Vec<Entry>, StoreError> {
    readers.read(async |reading| {
        let (condition, from) = match part {
            LogPart::After(revision) => ("revision > $1 AND room = $2 ORDER BY revision", revision),
            LogPart::Before(revision) => ("revision < $1 AND room = $2 ORDER BY revision DESC", revision),
        };
        // One statement sees one moment, so what it begins after and what it reads belong together.
        let sql = format!("revision > (SELECT coalesce(max(revision), 0) FROM floor) AND {condition} LIMIT $3");
        reading.entries(&sql, &[&number_of(from), &room, &bound(most)]).await
    })
}

/// See [`crate::LogReader::read_all`].
pub fn read_all(readers: &Readers, after: u64, most: usize) -> Result<Vec<Entry>, StoreError> {
    readers.read(async |reading| {
        let sql =
            "revision > (SELECT coalesce(max(revision), 0) FROM floor) AND revision > $1 ORDER BY revision LIMIT $2";
        reading.entries(sql, &[&number_of(after), &bound(most)]).await
    })
}

/// See [`crate::LogReader::floor`].
pub fn floor(readers: &Readers) -> Result<LogFloor, StoreError> {
    readers.read(async |reading| reading.peek().await)
}

/// The newest revision, and up to which one everybody was told.
pub fn ends(readers: &Readers) -> Result<(u64, u64), StoreError> {
    readers.read(async |reading| reading.ends().await)
}

/// See [`crate::LogReader::marks`].
pub fn marks(readers: &Readers) -> Result<BTreeMap<String, u64>, StoreError> {
    readers.read(async |reading| reading.marks().await)
}

/// See [`crate::LogReader::state`].
pub fn state(readers: &Readers) -> Result<Loaded, StoreError> {
    readers.read(async |reading| {
        let run = async |sql| {
            within(limits::STATEMENT, "read", reading.name, reading.session.client().batch_execute(sql)).await
        };
        // Somebody stores meanwhile: all that is read is of one moment.
        run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let loaded = reading.load().await;
        run("COMMIT").await?; // whatever came of it: others read by this connection
        loaded
    })
}

/// See [`crate::LogReader::backdrop`].
pub fn backdrop(readers: &Readers, known: Option<i64>) -> Result<BackdropFound, StoreError> {
    readers.read(async |reading| {
        let sql = "SELECT stamp, CASE WHEN stamp IS DISTINCT FROM $1 THEN record END
            FROM backdrop JOIN head USING (epoch)";
        let rows = reading.rows(sql, &[&known]).await?;
        let Some(row) = rows.first() else { return Ok(BackdropFound::Nothing) };
        let (stamp, record): (i64, Option<&str>) = (reading.column(row, 0)?, reading.column(row, 1)?);
        let Some(record) = record else { return Ok(BackdropFound::Same) };
        let found = record::read_backdrop(record).map_err(|why| reading.damaged(format!("who is there: {why}")))?;
        Ok(BackdropFound::New(found.into(), stamp))
    })
}

/// See [`crate::LogReader::copies`].
pub fn copies(readers: &Readers, before: StoreCopies) -> Result<StoreCopies, StoreError> {
    readers.read(async |reading| {
        let asked = survey::copies(reading.session.client(), readers.server(), before);
        within(limits::STATEMENT, "look who follows", reading.name, asked).await
    })
}

/// See [`crate::LogReader::replayed_ms`].
pub fn replayed_ms(readers: &Readers) -> Result<Option<i64>, StoreError> {
    readers.read(async |reading| {
        let sql =
            "SELECT (extract(epoch FROM pg_last_xact_replay_timestamp()) * 1000)::bigint WHERE pg_is_in_recovery()";
        let rows = reading.rows(sql, &[]).await?;
        Ok(rows.first().map(|row| reading.column::<Option<i64>>(row, 0)).transpose()?.flatten())
    })
}

fn bound(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// Whether the database has no store in it.
pub fn is_new(server: &Servers) -> Result<bool, StoreError> {
    connected(|| async {
        let session = Session::connect(server).await?;
        let reading = Reading { session: &session, name: &server.name() };
        Ok(super::open::format(&reading).await? == 0)
    })
}

/// An error that says what a server is not fit for.
pub(super) fn unfit(name: &Path, what: impl Into<String>) -> StoreError {
    PostgresError::Unfit { store: name.to_owned(), what: what.into() }.into()
}
