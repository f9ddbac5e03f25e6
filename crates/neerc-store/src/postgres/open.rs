//! Opens a store in PostgreSQL: looks at how the server is set up, brings the tables up to date, and takes over. Nothing is
//! written until the database is known to be a store, or empty.

use super::commit::Writer;
use super::disk::Disk;
use super::read::{Reading, runtime, unfit};
use super::session::{Session, within};
use super::{Held, take};
use crate::error::postgres::PostgresError;
use crate::generation::missing;
use crate::lease::LeaseFree;
use crate::loaded::Loaded;
use crate::lock::{Identity, Lock, identity};
use crate::rows::stored;
use crate::servers::Servers;
use crate::{StoreError, limits};
use std::cmp::Ordering;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// Migrations from format N - 1 to N. Never edit one; add one.
const MIGRATIONS: [&str; 3] =
    [include_str!("migrations/1.sql"), include_str!("migrations/2.sql"), include_str!("migrations/3.sql")];
pub(super) const FORMAT: i64 = MIGRATIONS.len() as i64;

/// What an open store is.
pub(super) struct Begun {
    pub disk: Disk,
    pub loaded: Loaded,
    pub term: take::Term,
    pub concerns: Vec<String>,
}

/// Opens the store, on the thread that will use it.
pub(super) fn begin(server: &Servers, lock: Lock, held: Option<Held>) -> Result<Begun, StoreError> {
    let runtime = runtime()?;
    let name = server.name();
    let opened = runtime.block_on(async {
        let session = Session::connect(server).await?;
        let concerns = look(&Reading { session: &session, name: &name }).await?;
        migrate(&session, &name).await?;
        let (mut term, is_alone) = match held {
            Some(Held { term, is_alone }) => {
                is_held_here(&Reading { session: &session, name: &name }, term.epoch).await?;
                (term, is_alone)
            }
            None => {
                let holder = holder(server.local());
                match take::take(&session, server, (&holder, LeaseFree::RunOut), limits::LEASE_TTL).await? {
                    Ok(term) => (term, Arc::default()),
                    Err(take::Holder { name: holder, until, .. }) => {
                        return Err(PostgresError::Held { store: name.clone(), holder, until }.into());
                    }
                }
            }
        };
        let reading = Reading { session: &session, name: &name };
        let mut loaded = reading.load().await?;
        // A log without anything is a new one.
        if let Some(missing) = missing(lock.noted(), loaded.revision).filter(|_| loaded.revision > 0) {
            let since_ms = loaded.newest.last().map_or(0, |entry| entry.at_ms);
            take::renumber(&session, &name, term.epoch, missing, since_ms).await?;
            (loaded.generation, loaded.lost) = reading.history().await?;
        }
        term.generation = loaded.generation;
        let writer = Writer::begin(server.clone(), session, (&term, is_alone), &loaded).await?;
        Ok::<_, StoreError>((writer, loaded, term, concerns))
    });
    let (writer, loaded, term, concerns) = opened?;
    for concern in &concerns {
        tracing::warn!("{}: {concern}", name.display());
    }
    lock.note(loaded.revision);
    Ok(Begun { disk: Disk { runtime, writer, lock }, loaded, term, concerns })
}

/// Looks whether the server that answers is the one of the lease. Where two are written to, it may be the other one, whose log is
/// not what people were answered by.
async fn is_held_here(reading: &Reading<'_>, epoch: u64) -> Result<(), StoreError> {
    let rows = reading.rows("SELECT epoch FROM head", &[]).await?;
    let found = rows.first().map(|row| reading.column::<i64>(row, 0)).transpose()?.map_or(0, stored);
    match found.cmp(&epoch) {
        Ordering::Equal => Ok(()),
        Ordering::Less => Err(unfit(
            reading.name,
            "two of its servers are written to, and the one that answers now is not the one of the lease; switch off the one \
             whose log you do not keep: neerc standby status says what each has",
        )),
        Ordering::Greater => {
            let what = format!("epoch {epoch} was over before it began");
            Err(PostgresError::Fenced { store: reading.name.to_owned(), what }.into())
        }
    }
}

/// Who this process is to others: a name for people, and what no other process can be at the same time, since it holds a
/// lock. So a process that was killed is followed at once by the next one that is started here.
pub(crate) fn holder(local: &Path) -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let host = rustix::system::uname();
    let lock = std::fs::metadata(crate::url::beside(local, ".lock")).ok();
    named(&host.nodename().to_string_lossy(), boot.as_deref(), lock.as_ref().map(identity))
}

/// A holder on a host, since it was started, by a lock. Machines may have one name, and their locks the same numbers, where one
/// is a copy of the other. So where it is hidden since when the machine runs, as units of systemd can do, each process is one
/// by itself.
fn named(host: &str, boot: Option<&str>, lock: Option<Identity>) -> String {
    static BY_ITSELF: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
    let own = || format!("{:016x}", *BY_ITSELF);
    let boot = boot.and_then(|boot| boot.trim().split('-').next()).filter(|boot| !boot.is_empty());
    let place = lock.map(|(device, inode)| format!("{device:x}.{inode:x}"));
    format!("{host} ({} {})", boot.map_or_else(own, str::to_owned), place.unwrap_or_else(own))
}

/// Looks at how a server is set up. What would lose answered changes is refused; what makes damage harder to see is said.
pub(super) async fn look(reading: &Reading<'_>) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT current_setting('server_version_num')::int, current_setting('server_version'), \
               current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'), \
               current_setting('data_checksums'), current_setting('server_encoding')";
    let rows = reading.rows(sql, &[]).await?;
    let row = rows.first().ok_or_else(|| unfit(reading.name, "it does not say how it is set up"))?;
    let number: i32 = reading.column(row, 0)?;
    let text = |at| reading.column::<String>(row, at);
    let version = u32::try_from(number).unwrap_or(0) / 10_000;
    if version < limits::OLDEST_POSTGRES {
        let oldest = limits::OLDEST_POSTGRES;
        return Err(unfit(reading.name, format!("it is PostgreSQL {}; use {oldest} or later", text(1)?)));
    }
    for (setting, value) in [("fsync", text(2)?), ("full_page_writes", text(3)?)] {
        if value != "on" {
            let what = format!(
                "{setting} is {value}, so a power cut could lose what was answered or damage the database; \
                 set {setting} = on in postgresql.conf and reload"
            );
            return Err(unfit(reading.name, what));
        }
    }
    let commit = text(4)?;
    if !matches!(&*commit, "on" | "remote_apply" | "local") {
        let what = format!("synchronous_commit is {commit} and cannot be set to on here, so commits are not on disk");
        return Err(unfit(reading.name, what));
    }
    let encoding = text(6)?;
    if encoding != "UTF8" {
        let what = format!("its encoding is {encoding}; make one by createdb -E UTF8 -T template0");
        return Err(unfit(reading.name, what));
    }
    let mut concerns = Vec::new();
    if text(5)? != "on" {
        concerns.push(String::from(
            "PostgreSQL keeps no checksums of its pages, so a failing disk is noticed late; \
             stop it and run pg_checksums --enable",
        ));
    }
    Ok(concerns)
}

/// The format of a database: 0 if it is empty.
pub(super) async fn format(reading: &Reading<'_>) -> Result<i64, StoreError> {
    // One look at all of them: functions such as to_regclass see what others commit meanwhile, so they would see a part.
    let sql = "SELECT coalesce(bool_or(relname = 'meta'), false), coalesce(bool_or(relname = 'log'), false), \
               coalesce(bool_or(relname = 'head'), false) \
               FROM pg_class WHERE relname IN ('meta', 'log', 'head') AND pg_table_is_visible(oid)";
    let rows = reading.rows(sql, &[]).await?;
    let foreign = || StoreError::Foreign { file: reading.name.to_owned() };
    let row = rows.first().ok_or_else(foreign)?;
    let are_there: [bool; 3] = [reading.column(row, 0)?, reading.column(row, 1)?, reading.column(row, 2)?];
    match are_there {
        [false, false, false] => return Ok(0),
        [true, true, true] => {}
        _ => return Err(foreign()),
    }
    let rows = reading.rows("SELECT value FROM meta WHERE key = 'format'", &[]).await?;
    let found: i64 = reading.column(rows.first().ok_or_else(foreign)?, 0)?;
    match found {
        1..=FORMAT => Ok(found),
        _ => Err(StoreError::Newer { file: reading.name.to_owned(), found, known: FORMAT }),
    }
}

/// Makes the tables, or brings them up to date. Two who begin at once do it one after the other.
pub(super) async fn migrate(session: &Session, name: &Path) -> Result<(), StoreError> {
    let reading = Reading { session, name };
    if format(&reading).await? == FORMAT {
        return Ok(());
    }
    let run = |sql: String| async move {
        within(limits::STATEMENT, "bring up to date", name, session.client().batch_execute(&sql)).await
    };
    run(String::from("BEGIN; SELECT pg_advisory_xact_lock(x'4e455243'::int)")).await?;
    let found = format(&reading).await?; // somebody else may have done it meanwhile
    for (version, sql) in (1..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        run(format!(
            "{sql}; INSERT INTO meta VALUES ('format', {version}) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        ))
        .await?;
    }
    run(String::from("COMMIT")).await?;
    tracing::info!("{}: brought from format {found} to {FORMAT}", name.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_machines_were_one_holder_where_their_units_hid_since_when_they_run() {
        let known = named("alpha", Some("17e1adcf-9d5d-4c8f\n"), Some((0xfe00, 0x9a)));
        assert_eq!(known, "alpha (17e1adcf fe00.9a)");
        let hidden = [None, Some("")].map(|boot| named("alpha", boot, Some((0xfe00, 0x9a))));
        // No other process can make that one up.
        assert!(hidden.iter().all(|name| name.len() == "alpha ( fe00.9a)".len() + 16), "{hidden:?}");
        assert_eq!(hidden[0], hidden[1], "it is one as long as it runs");
        assert!(!holder(Path::new("/nowhere/neerc")).starts_with(' '));
    }
}
