//! Copies between a database and files of SQLite, which are what backups are: so a store can move from either to the other.

use super::commit::Batch;
use super::open::{holder, look, migrate};
use super::read::{MARK, Reading, connected, row_of};
use super::session::{Session, within};
use super::take::{self, Term};
use crate::error::postgres::PostgresError;
use crate::generation::missing;
use crate::lease::LeaseFree;
use crate::loaded::Loaded;
use crate::lock::Lock;
use crate::rows::{Floor, number_of, stored};
use crate::servers::Servers;
use crate::sqlite::backup::{self as files, Part};
use crate::sqlite::filling::{Emptying, Filling, read_back};
use crate::sqlite::moment;
use crate::url::beside;
use crate::{Copied, Existing, Moment, Recalled, Restored, StoreError, archive, limits};
use std::fs;
use std::path::{Path, PathBuf};
use tokio_postgres::types::ToSql;

/// See [`crate::backup`].
pub fn backup(server: &Servers, target: Option<&Path>, existing: Existing) -> Result<Copied, StoreError> {
    files::make_backup(target, None, existing, |part| copy_checked(server, part))
}

/// See [`crate::verify`]. The rows are read as a copy, whose sums are those of the rows.
pub fn verify(server: &Servers) -> Result<(), StoreError> {
    copy_checked(server, &Part(beside(server.local(), ".verifying"))).map(|_| ())
}

fn copy_checked(server: &Servers, part: &Part) -> Result<Loaded, StoreError> {
    let head = copy(server, part)?;
    let damaged = |what| StoreError::Damaged { file: server.name(), what };
    // An error in the copy comes from the original, so the original is named.
    let loaded = read_back(part).map_err(|error| match error {
        StoreError::Damaged { what, .. } => damaged(what),
        error => error,
    })?;
    match loaded.revision {
        revision if revision == head => Ok(loaded),
        revision => Err(damaged(format!("the log ends at revision {revision}, but revision {head} was stored"))),
    }
}

/// Copies the rows, as of one moment, into a file, also where they are damaged. Returns where the log should end.
fn copy(server: &Servers, part: &Part) -> Result<u64, StoreError> {
    connected(|| async {
        let (session, name) = (Session::connect(server).await?, server.name());
        let reading = Reading { session: &session, name: &name };
        if super::open::format(&reading).await? == 0 {
            return Err(StoreError::Foreign { file: name.clone() });
        }
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        within(limits::STATEMENT, "read", &name, session.client().batch_execute(begin)).await?;
        let filling = Filling::begin(part)?;
        let floor = reading.floor().await?.unwrap_or_else(|why| {
            tracing::warn!("{}: what the log begins with is left out of the copy: {why}", name.display());
            Floor::default() // whoever reads the copy as a whole misses it
        });
        if floor.revision > 0 {
            filling.floor(&floor)?;
        }
        let (mut last, to) = (floor.revision, u64::MAX);
        loop {
            let rows = reading.part(last, to, limits::PART_ROWS).await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let row = row_of(row).map_err(|what| StoreError::Damaged { file: name.clone(), what })?;
                filling.log(&row)?;
                last = stored(row.number);
            }
        }
        for row in reading.rows("SELECT revision, record, sum FROM snapshot", &[]).await? {
            filling.snapshot(reading.column(&row, 0)?, reading.column(&row, 1)?, reading.column(&row, 2)?)?;
        }
        let head = reading.rows("SELECT told, revision FROM head", &[]).await?;
        let head = head.first().ok_or_else(|| StoreError::Foreign { file: name.clone() })?;
        filling.progress(stored(reading.column(head, 0)?), &reading.marks().await?)?;
        filling.end()?;
        Ok(stored(reading.column(head, 1)?))
    })
}

/// See [`crate::restore`].
pub fn restore(server: &Servers, source: &Path) -> Result<Restored, StoreError> {
    let source = files::existing_file(source)?;
    let lock = Lock::take(server.local())?;
    let part = Part(beside(server.local(), ".restoring"));
    let loaded = files::copy(&source, &part)?;
    put(server, &lock, &part, &loaded)
}

/// See [`crate::restore_moment`].
pub fn restore_moment(
    server: &Servers,
    source: Option<&Path>,
    into: Option<&Path>,
    moment: Moment,
) -> Result<Recalled, StoreError> {
    let local = server.local();
    let lock = into.is_none().then(|| Lock::take(local)).transpose()?;
    let copied = Part(beside(local, ".copied"));
    let source = match source {
        Some(source) => source.to_owned(),
        None => {
            copy_checked(server, &copied)?;
            copied.0.clone()
        }
    };
    let Some(lock) = lock else { return moment::restore(local, Some(&source), into, moment) };
    let part = Part(beside(local, ".recalled"));
    part.remove(); // of a run that was killed
    let recalled = moment::restore(local, Some(&source), Some(&part.0), moment);
    drop(fs::remove_dir_all(archive::folder(&part.0))); // the archives of the store stay with it
    drop(fs::remove_file(beside(&part.0, ".lock")));
    let recalled = recalled?;
    let loaded = read_back(&part)?;
    let Restored { now, kept } = put(server, &lock, &part, &loaded)?;
    Ok(Recalled { now, kept, ..recalled })
}

/// Puts what a file holds in the place of everything, which is kept as a file, with its archives. To keep it may take longer than
/// the lease lasts. If somebody who stands by serves then, the epoch is another one, and nothing is replaced.
fn put(server: &Servers, lock: &Lock, part: &Part, loaded: &Loaded) -> Result<Restored, StoreError> {
    let name = server.name();
    let term = connected(|| async {
        let session = Session::connect(server).await?;
        look(&Reading { session: &session, name: &name }).await?;
        migrate(&session, &name).await?;
        match take::take(&session, server, (&holder(server.local()), LeaseFree::RunOut), limits::LEASE_TTL).await? {
            Ok(term) => Ok(term),
            Err(take::Holder { name: holder, until, .. }) => {
                Err(PostgresError::Held { store: name.clone(), holder, until }.into())
            }
        }
    })?;
    let kept = keep(server)?;
    connected(|| async {
        replace(&Session::connect(server).await?, &name, (&term, lock.noted()), part, loaded).await
    })?;
    archive::part_with(server.local(), kept.as_deref(), loaded.floor)?;
    lock.note(loaded.revision);
    Ok(Restored { now: files::copied(name, loaded), kept })
}

/// Keeps what is in the database as a file, if there is anything.
fn keep(server: &Servers) -> Result<Option<PathBuf>, StoreError> {
    let kept = files::kept_name(server.local())?;
    let part = Part(beside(server.local(), ".keeping"));
    copy(server, &part)?; // even what is damaged
    let is_empty = Emptying::of(&part.0)?.part(0, 1, &mut |_| Ok(()))? == 0;
    if is_empty && read_back(&part).is_ok_and(|loaded| loaded.revision == 0) {
        return Ok(None);
    }
    part.own(server.local())?;
    part.rename(&kept)?;
    Ok(Some(kept))
}

/// Replaces all rows in one transaction, which another one who takes over waits for.
async fn replace(
    session: &Session,
    name: &Path,
    (term, noted): (&Term, Option<u64>),
    part: &Part,
    loaded: &Loaded,
) -> Result<(), StoreError> {
    let doing = "bring rows into";
    let source = Emptying::of(&part.0)?;
    let client = session.client();
    let run = async |sql: &str, values: &[&(dyn ToSql + Sync)]| {
        within(limits::ROW, doing, name, client.execute(sql, values)).await
    };
    let (warnings, epoch) = (session.warnings(), number_of(term.epoch));
    within(limits::STATEMENT, doing, name, client.batch_execute("BEGIN")).await?;
    if run("SELECT 1 FROM head WHERE epoch = $1 FOR UPDATE", &[&epoch]).await? == 0 {
        let what = format!("the epoch is not {epoch} any more");
        return Err(PostgresError::Fenced { store: name.to_owned(), what }.into());
    }
    within(limits::ROW, doing, name, client.batch_execute("DELETE FROM log; DELETE FROM snapshot; DELETE FROM floor"))
        .await?;
    run("DELETE FROM meta WHERE starts_with(key, $1)", &[&MARK]).await?;
    let insert = within(limits::STATEMENT, doing, name, client.prepare(super::commit::INSERT)).await?;
    let mut last = loaded.floor;
    while last < loaded.revision {
        let mut batch = Batch::default();
        last = source.part(last, limits::PART_ROWS, &mut |row| batch.take(row))?;
        within(limits::ROW, doing, name, client.execute(&insert, &batch.columns())).await?;
    }
    for (number, record, sum) in source.snapshots()? {
        run("INSERT INTO snapshot VALUES ($1, $2, $3)", &[&number, &record, &sum]).await?;
    }
    let floor = source.floor()?;
    if floor.revision > 0 {
        let (number, chain, sum) = (number_of(floor.revision), i64::from(floor.chain), i64::from(floor.sum()));
        let values: &[&(dyn ToSql + Sync)] = &[&number, &floor.at_ms, &chain, &floor.record, &sum];
        run("INSERT INTO floor VALUES ($1, $2, $3, $4, $5)", values).await?;
    }
    for (mark, revision) in source.marks()? {
        run("INSERT INTO meta VALUES ($1, $2)", &[&format!("{MARK}{mark}"), &number_of(revision)]).await?;
    }
    let row = within(limits::STATEMENT, doing, name, client.query_one("SELECT revision FROM head", &[])).await?;
    let known = stored(row.get(0)).max(noted.unwrap_or(0));
    if let Some(missing) = missing(Some(known), loaded.revision) {
        let since_ms = loaded.newest.last().map_or(0, |entry| entry.at_ms);
        take::renumber(session, name, term.epoch, missing, since_ms).await?;
    }
    let (revision, told) = (number_of(loaded.revision), number_of(loaded.told_revision));
    run("UPDATE head SET revision = $1, told = $2, batch = 'restored'", &[&revision, &told]).await?;
    // Another history: whoever knows the old one begins anew.
    let generation =
        "UPDATE lease SET generation = floor(random() * 4294967296)::bigint, until = '-infinity' WHERE epoch = $1";
    run(generation, &[&epoch]).await?;
    within(limits::ROW, doing, name, client.batch_execute("COMMIT")).await?;
    match session.warnings() == warnings {
        true => Ok(()),
        false => Err(PostgresError::Unknown { store: name.to_owned(), what: session.last_warning() }.into()),
    }
}
