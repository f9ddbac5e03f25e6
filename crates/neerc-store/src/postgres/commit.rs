//! How a batch gets into PostgreSQL: by one statement that stores it only if the log ends where we know it to, in our
//! epoch. Whatever comes instead of a plain answer, a warning as well, means that the outcome is not known. It is found
//! out by the row that the same statement has written; nothing is answered meanwhile.

use super::alone::Alone;
use super::session::{Reach, Session, within};
use super::take::{self, Term};
use super::waiting::{GivenUp, Waiting, watched};
use crate::error::postgres::{PostgresError, failed, is_refusal, words};
use crate::loaded::Loaded;
use crate::rows::{self, StoredRow, number_of};
use crate::servers::Servers;
use crate::{StoreError, limits};
use neerc_core::change::Entry;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use tokio::time::sleep;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement, ToStatement};

const STORE: &str = "
    WITH fence AS (
        UPDATE head SET revision = $1, batch = $2, told = greatest(told, $3) WHERE epoch = $4 AND revision = $5
        RETURNING 1
    )
    INSERT INTO log SELECT u.* FROM fence, unnest($6::bigint[], $7::text[], $8::bigint[], $9::text[], $10::text[],
        $11::bigint[]) AS u";

/// The same without a fence, for rows that come from elsewhere.
pub(super) const INSERT: &str = "
    INSERT INTO log SELECT u.* FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[],
        $6::bigint[]) AS u";

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
    waiting: Waiting,
    /// The standby is away, and commits do not wait for it.
    alone: Option<Alone>,
    is_alone: Arc<AtomicBool>,
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
    async fn of(session: Session, reach: Reach, name: &Path) -> Result<Line, StoreError> {
        within(limits::STATEMENT, "set up", name, session.set_reach(reach)).await?;
        let store = within(limits::STATEMENT, "prepare", name, session.client().prepare(STORE)).await?;
        Ok(Line { session, store })
    }
}

/// A batch, with the name under which it is looked for.
struct Sent {
    name: String,
    /// The revision after which it comes.
    after: i64,
    last: i64,
    told: i64,
    rows: Batch,
}

/// Rows of the log as columns.
#[derive(Default)]
pub(super) struct Batch {
    revisions: Vec<i64>,
    rooms: Vec<String>,
    at_ms: Vec<i64>,
    by: Vec<String>,
    records: Vec<String>,
    sums: Vec<i64>,
}

impl Batch {
    /// The same as values of a statement.
    pub fn columns(&self) -> [&(dyn ToSql + Sync); 6] {
        [&self.revisions, &self.rooms, &self.at_ms, &self.by, &self.records, &self.sums]
    }

    /// Takes a row as it is.
    pub fn take(&mut self, row: &StoredRow<'_>) -> Result<(), String> {
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| error.to_string());
        self.revisions.push(row.number);
        self.rooms.push(text(row.room)?);
        self.at_ms.push(row.at_ms);
        self.by.push(text(row.by)?);
        self.records.push(text(row.record)?);
        self.sums.push(row.sum);
        Ok(())
    }
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
    /// Of a term; whoever keeps it is told while commits do not wait for the standby.
    pub async fn begin(
        server: Servers,
        session: Session,
        (term, is_alone): (&Term, Arc<AtomicBool>),
        loaded: &Loaded,
    ) -> Result<Writer, StoreError> {
        let name = server.name();
        let line = Line::of(session, Reach::Standby, &name).await?;
        let waiting = Waiting::new(server.clone());
        let (epoch, last, told, floor) = (term.epoch, loaded.revision, loaded.told_revision, loaded.floor);
        let run = RandomState::new().hash_one(std::process::id());
        let line = Some(line);
        Ok(Writer {
            server,
            name,
            epoch,
            last,
            told,
            floor,
            is_broken: false,
            line,
            waiting,
            alone: None,
            is_alone,
            run,
            batches: 0,
        })
    }

    /// Stores a batch together with the told revision.
    pub async fn append(&mut self, entries: &[Entry], told: u64) -> Result<(), StoreError> {
        let Some(last) = entries.last() else { return Ok(()) };
        let told = told.min(self.last).max(self.told);
        let batch = self.batch(entries, told)?;
        self.look_for_standby().await;
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

    fn batch(&mut self, entries: &[Entry], told: u64) -> Result<Sent, StoreError> {
        let mut batch = Batch::default();
        let mut last = self.last;
        for entry in entries {
            let Entry { revision, room, at_ms, by, .. } = entry;
            if last.checked_add(1) != Some(*revision) {
                return Err(StoreError::Order { file: self.name.clone(), last, given: *revision });
            }
            last = *revision;
            let unwritable = |what| StoreError::Unwritable { revision: *revision, what };
            let (record, sum) = rows::written(entry)?;
            let (number, room, by) = (number_of(*revision), room.as_bytes(), by.bare().as_bytes());
            let (at_ms, record, sum) = (*at_ms, record.as_bytes(), sum.into());
            batch.take(&StoredRow { number, room, at_ms, by, record, sum }).map_err(unwritable)?;
        }
        self.batches += 1;
        let name = format!("{:016x}-{}", self.run, self.batches);
        Ok(Sent { name, after: number_of(self.last), last: number_of(last), told: number_of(told), rows: batch })
    }

    /// Sends a batch.
    async fn attempt(&mut self, batch: &Sent) -> Attempt {
        let epoch = number_of(self.epoch);
        let Some(store) = self.line.as_ref().map(|line| line.store.clone()) else {
            return Attempt::Unknown(String::from("the connection was lost"));
        };
        let Sent { name, after, last, told, rows } = batch;
        let [revisions, rooms, at_ms, by, records, sums] = rows.columns();
        let values: [&(dyn ToSql + Sync); 11] =
            [last, name, told, &epoch, after, revisions, rooms, at_ms, by, records, sums];
        match self.change(&store, &values).await {
            Ok(stored) if usize::try_from(stored) == Ok(rows.revisions.len()) => Attempt::Done,
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
    async fn resolve(&mut self, batch: &Sent, why: String) -> Result<(), StoreError> {
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
                Err(Attempt::Unknown(new)) => {
                    why = new;
                    continue;
                }
                Err(_) => {
                    self.line = None; // it cannot even be read: that server is not what it was
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
            let reach = if self.alone.is_some() { Reach::Here } else { Reach::Standby };
            self.line = Some(Line::of(session, reach, &self.name).await?);
        }
        Ok(())
    }

    /// Has commits wait again for a standby that has come back.
    async fn look_for_standby(&mut self) {
        if self.alone.take_if(|alone| alone.is_over()).is_none() {
            return;
        }
        tracing::info!("{}: changes are stored on the standby as well again", self.name.display());
        let Some(line) = &self.line else { return };
        let set = within(limits::STATEMENT, "set up", &self.name, line.session.set_reach(Reach::Standby)).await;
        if set.is_err() {
            self.line = None; // the next one is set up so
        }
    }

    /// Goes on without the standby, which has been away for long.
    fn go_on_alone(&mut self) {
        match Alone::begin(&self.server, &self.is_alone) {
            Ok(alone) => self.alone = Some(alone),
            Err(error) => tracing::warn!("{error}"), // the next commit waits for the standby as long again
        }
    }

    /// Epoch, revision and batch, once nobody is writing them. To lock the row is to write: it waits for the standby too.
    async fn head(&mut self) -> Result<(i64, i64, String), Attempt> {
        let select = "SELECT epoch, revision, batch FROM head FOR UPDATE";
        self.asked(async |client| {
            let row = client.query_one(select, &[]).await?;
            Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
        })
        .await
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

    /// Runs a statement that writes, and says how many rows.
    async fn change<S: ToStatement + ?Sized>(
        &mut self,
        sql: &S,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Attempt> {
        self.asked(async |client| client.execute(sql, values).await).await
    }

    /// Runs something that writes. Whatever is not plainly answered leaves no connection behind.
    async fn asked<T>(&mut self, work: impl AsyncFnOnce(&Client) -> Result<T, Error>) -> Result<T, Attempt> {
        let Some(line) = self.line.as_ref().filter(|line| !line.session.is_over()) else {
            return Err(Attempt::Unknown(String::from("the connection was lost")));
        };
        let before = line.session.warnings();
        let outcome = watched(work(line.session.client()), &mut self.waiting, line.session.pid).await;
        let is_warned = line.session.warnings() != before;
        match outcome {
            Ok(_) if is_warned => Err(Attempt::Unknown(line.session.last_warning())),
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(self.judge(error)),
            Err(given_up) => {
                self.line = None;
                Err(Attempt::Unknown(match given_up {
                    GivenUp::Late(limit) => format!("no answer within {} s", limit.as_secs()),
                    GivenUp::Standby => {
                        self.go_on_alone();
                        let away = limits::STANDBY_AWAY.as_secs();
                        format!("no synchronous standby has confirmed them for {away} s, so they are stored without")
                    }
                }))
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
        // The connection may have ended before, which shows when it is used.
        let mut resigned = self.resign_once().await;
        if resigned.is_err() {
            self.line = None;
            resigned = self.resign_once().await;
        }
        resigned
    }

    async fn resign_once(&mut self) -> Result<(), StoreError> {
        self.reconnect().await?;
        match &self.line {
            Some(line) => take::resign(&line.session, &self.name, self.epoch).await,
            None => Ok(()),
        }
    }
}
