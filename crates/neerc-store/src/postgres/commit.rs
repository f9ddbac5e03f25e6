//! How a batch gets into PostgreSQL: by one statement that stores it only if the log ends where we know it to, in our
//! epoch. Whatever comes instead of a plain answer, a warning as well, means that the outcome is not known. It is found
//! out by the row that the same statement has written; nothing is answered meanwhile.

use super::error::{PostgresError, failed, is_refusal, words};
use super::session::{Session, within};
use super::take::{self, Term};
use super::waiting::{Waiting, watched};
use crate::loaded::Loaded;
use crate::rows::number_of;
use crate::servers::Servers;
use crate::{StoreError, limits, record};
use neerc_core::change::Entry;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio::time::sleep;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Statement, ToStatement};

const STORE: &str = "
    WITH fence AS (
        UPDATE head SET revision = $1, batch = $2, told = greatest(told, $3) WHERE epoch = $4 AND revision = $5
        RETURNING 1
    )
    INSERT INTO log SELECT u.* FROM fence, unnest($6::bigint[], $7::text[], $8::bigint[], $9::text[], $10::text[],
        $11::bigint[]) AS u";

/// The connection that writes, and what is known of the database.
pub(super) struct Writer {
    pub server: Servers,
    pub name: PathBuf,
    /// Which term is ours.
    pub epoch: u64,
    /// Last stored revision.
    pub last: u64,
    /// Last stored told revision.
    pub told: u64,
    /// The last revision that is in an archive.
    pub floor: u64,
    /// Set by a fatal error, after which nothing more is stored.
    pub is_broken: bool,
    line: Option<Line>,
    pub waiting: Waiting,
    /// What no other batch is called like, with a number.
    run: u64,
    batches: u64,
}

/// The connection with what is prepared on it.
struct Line {
    session: Session,
    store: Statement,
}

impl Line {
    async fn of(session: Session, name: &Path) -> Result<Line, StoreError> {
        let store = within(limits::STATEMENT, "prepare", name, session.client().prepare(STORE)).await?;
        Ok(Line { session, store })
    }
}

/// A batch as columns, and the name under which it is looked for.
struct Batch {
    name: String,
    /// The revision after which it comes.
    after: i64,
    last: i64,
    told: i64,
    revisions: Vec<i64>,
    rooms: Vec<String>,
    at_ms: Vec<i64>,
    by: Vec<String>,
    records: Vec<String>,
    sums: Vec<i64>,
}

/// What came of a statement.
enum Attempt {
    /// It is stored, on every disk that it should be on.
    Done,
    /// It is not stored, and will not be.
    Refused(StoreError),
    /// The log does not end where it should, or not in our epoch.
    Elsewhere,
    /// Nobody knows yet.
    Unknown(String),
}

impl Writer {
    pub async fn begin(server: Servers, session: Session, term: &Term, loaded: &Loaded) -> Result<Writer, StoreError> {
        let name = server.name();
        let line = Line::of(session, &name).await?;
        let waiting = Waiting::new(server.clone());
        let (epoch, last, told, floor) = (term.epoch, loaded.revision, loaded.told_revision, loaded.floor);
        let run = RandomState::new().hash_one(std::process::id());
        let line = Some(line);
        Ok(Writer { server, name, epoch, last, told, floor, is_broken: false, line, waiting, run, batches: 0 })
    }

    /// Stores a batch together with the told revision.
    pub async fn append(&mut self, entries: &[Entry], told: u64) -> Result<(), StoreError> {
        let Some(last) = entries.last() else { return Ok(()) };
        let told = told.min(self.last).max(self.told);
        let batch = self.batch(entries, told)?;
        let stored = match self.attempt(&batch).await {
            Attempt::Done => Ok(()),
            Attempt::Refused(error) => Err(error),
            Attempt::Elsewhere => self.resolve(&batch, String::from("it ends elsewhere")).await,
            Attempt::Unknown(why) => self.resolve(&batch, why).await,
        };
        self.is_broken |= stored.as_ref().is_err_and(StoreError::is_fatal);
        stored?;
        self.last = last.revision;
        self.told = told;
        Ok(())
    }

    fn batch(&mut self, entries: &[Entry], told: u64) -> Result<Batch, StoreError> {
        self.batches += 1;
        let room_for = entries.len();
        let mut batch = Batch {
            name: format!("{:016x}-{}", self.run, self.batches),
            after: number_of(self.last),
            last: 0,
            told: number_of(told),
            revisions: Vec::with_capacity(room_for),
            rooms: Vec::with_capacity(room_for),
            at_ms: Vec::with_capacity(room_for),
            by: Vec::with_capacity(room_for),
            records: Vec::with_capacity(room_for),
            sums: Vec::with_capacity(room_for),
        };
        let mut last = self.last;
        for Entry { revision, room, at_ms, by, change, request } in entries {
            if last.checked_add(1) != Some(*revision) {
                return Err(StoreError::Order { file: self.name.clone(), last, given: *revision });
            }
            last = *revision;
            let record = record::write_entry(change, request.as_deref())
                .map_err(|why| StoreError::Unwritable { revision: *revision, what: why.to_string() })?;
            let (number, by) = (number_of(*revision), by.bare());
            let sum = record::entry_sum(number, room.as_bytes(), *at_ms, by.as_bytes(), record.as_bytes());
            batch.revisions.push(number);
            batch.rooms.push(room.to_string());
            batch.at_ms.push(*at_ms);
            batch.by.push(by.to_owned());
            batch.records.push(record);
            batch.sums.push(sum.into());
        }
        batch.last = number_of(last);
        Ok(batch)
    }

    /// Sends a batch.
    async fn attempt(&mut self, batch: &Batch) -> Attempt {
        let epoch = number_of(self.epoch);
        let Some(store) = self.line.as_ref().map(|line| line.store.clone()) else {
            return Attempt::Unknown(String::from("the connection was lost"));
        };
        let Batch { name, after, last, told, revisions, rooms, at_ms, by, records, sums } = batch;
        let values: [&(dyn ToSql + Sync); 11] =
            [last, name, told, &epoch, after, revisions, rooms, at_ms, by, records, sums];
        match self.change(&store, &values).await {
            Ok(rows) if usize::try_from(rows) == Ok(revisions.len()) => Attempt::Done,
            Ok(_) => Attempt::Elsewhere,
            Err(attempt) => attempt,
        }
    }

    /// What an error of a commit means.
    fn judge(&mut self, error: Error) -> Attempt {
        if is_refusal(&error) {
            return Attempt::Refused(failed("store changes in", &self.name, error));
        }
        self.line = None;
        Attempt::Unknown(words(&error))
    }

    /// Finds out what became of a batch, and stores it if it was not. Ends with the certainty that it is stored, or in a
    /// fatal error.
    async fn resolve(&mut self, batch: &Batch, why: String) -> Result<(), StoreError> {
        let (since, mut why) = (Instant::now(), why);
        tracing::warn!("{}: whether changes are stored is being found out: {why}", self.name.display());
        while since.elapsed() < limits::RESOLVE {
            if let Err(error) = self.reconnect().await {
                why = error.to_string();
                sleep(limits::RECONNECT).await;
                continue;
            }
            let head = match self.head().await {
                Ok(head) => head,
                Err(error) => {
                    (self.line, why) = (None, error.to_string());
                    sleep(limits::RECONNECT).await;
                    continue;
                }
            };
            let attempt = match head {
                (epoch, revision, name)
                    if (epoch, revision) == (number_of(self.epoch), batch.last) && name == batch.name =>
                {
                    self.touch().await
                }
                (epoch, revision, _) if (epoch, revision) == (number_of(self.epoch), batch.after) => {
                    self.attempt(batch).await
                }
                (epoch, revision, _) => {
                    let what = format!("the log ends at revision {revision} of epoch {epoch}, ours is {}", self.epoch);
                    return Err(PostgresError::Fenced { store: self.name.clone(), what }.into());
                }
            };
            match attempt {
                Attempt::Done => return Ok(()),
                Attempt::Refused(error) => return Err(error),
                Attempt::Elsewhere => {} // what was sent before has arrived after all: look again
                Attempt::Unknown(new) => why = new,
            }
        }
        Err(PostgresError::Unknown { store: self.name.clone(), what: why }.into())
    }

    /// Connects again, if that is needed.
    async fn reconnect(&mut self) -> Result<(), StoreError> {
        if self.line.as_ref().is_none_or(|line| line.session.is_over()) {
            self.line = None; // closes it
            let session = Session::connect(&self.server).await?;
            self.line = Some(Line::of(session, &self.name).await?);
        }
        Ok(())
    }

    /// Epoch, revision and batch, once nobody is writing them.
    async fn head(&mut self) -> Result<(i64, i64, String), StoreError> {
        let Some(line) = &self.line else { return Err(StoreError::Gone) };
        let select = "SELECT epoch, revision, batch FROM head FOR UPDATE";
        let row = within(limits::COMMIT, "read", &self.name, line.session.client().query_one(select, &[])).await?;
        let at = |source| failed("read", &self.name, source);
        Ok((row.try_get(0).map_err(at)?, row.try_get(1).map_err(at)?, row.try_get(2).map_err(at)?))
    }

    /// Writes something behind a batch that is stored here: when that has come to every disk, so has the batch.
    async fn touch(&mut self) -> Attempt {
        let sql = "UPDATE head SET batch = batch WHERE epoch = $1";
        match self.change(sql, &[&number_of(self.epoch)]).await {
            Ok(1) => Attempt::Done,
            Ok(_) => Attempt::Elsewhere,
            Err(attempt) => attempt,
        }
    }

    /// Runs a statement that writes. Whatever is not plainly answered leaves no connection behind.
    async fn change<S: ToStatement + ?Sized>(
        &mut self,
        sql: &S,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Attempt> {
        let Some(line) = self.line.as_ref().filter(|line| !line.session.is_over()) else {
            return Err(Attempt::Unknown(String::from("the connection was lost")));
        };
        let before = line.session.warnings();
        let work = line.session.client().execute(sql, values);
        let outcome = watched(work, &mut self.waiting, line.session.pid).await;
        if line.session.warnings() != before {
            return Err(Attempt::Unknown(line.session.last_warning()));
        }
        match outcome {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) => Err(self.judge(error)),
            Err(late) => {
                self.line = None;
                Err(Attempt::Unknown(format!("no answer within {} s", late.as_secs())))
            }
        }
    }

    /// Does what may be done twice: it is repeated after a lost connection. Everything in it compares our epoch.
    pub async fn repeat(
        &mut self,
        doing: &'static str,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, StoreError> {
        if self.is_broken {
            return Err(StoreError::Broken { file: self.name.clone() });
        }
        let since = Instant::now();
        loop {
            let why = match self.reconnect().await {
                Err(error) => error.to_string(),
                Ok(()) => match self.change(sql, values).await {
                    Ok(rows) => return Ok(rows),
                    Err(Attempt::Refused(error)) => return Err(error),
                    Err(Attempt::Unknown(why)) => why,
                    Err(Attempt::Done | Attempt::Elsewhere) => String::new(), // `change` says neither
                },
            };
            if since.elapsed() >= limits::RESOLVE {
                let what = format!("{doing}: {why}");
                return Err(PostgresError::Unreachable { store: self.name.clone(), tried: what }.into());
            }
            sleep(limits::RECONNECT).await;
        }
    }

    /// Whether a statement that compares our epoch wrote anything. If not, nothing more is stored.
    pub fn is_ours(&mut self, rows: u64) -> Result<(), StoreError> {
        if rows > 0 {
            return Ok(());
        }
        self.is_broken = true;
        let what = format!("the epoch is not {} any more", self.epoch);
        Err(PostgresError::Fenced { store: self.name.clone(), what }.into())
    }

    /// Lets others serve at once.
    pub async fn resign(&mut self) -> Result<(), StoreError> {
        self.reconnect().await?;
        match &self.line {
            Some(line) => take::resign(&line.session, &self.name, self.epoch).await,
            None => Ok(()),
        }
    }
}
