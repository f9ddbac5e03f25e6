//! Who serves from a database: one row says it, by the clock of the database alone, and each who takes over counts up the
//! epoch. The row that every commit compares is set after that, which waits for a commit that is under way; so nothing
//! of an earlier epoch is stored once this is done.
//!
//! The row says of which server's clock its end is. Another server, or the same one after a start, first lets the lease last
//! once more by its own clock, unless it was given back on the timeline that this server is on. Whoever held it last takes it
//! again at once, but on that timeline only: a server that was promoted may have missed who came next. Each timeline has epochs
//! of its own, so a server that took over without the newest rows cannot give out an epoch for the second time. Its log counts as
//! another one (`generation`): whether it has got everything that somebody remembers, nobody may know who is left.

use super::alone::{END_TAKING, END_WAITING};
use super::session::{Session, within};
use crate::error::postgres::PostgresError;
use crate::generation::LOST;
use crate::lease::{LeaseFree, LeaseSeen, LeaseSight};
use crate::rows::{number_of, stored};
use crate::servers::Servers;
use crate::{StoreError, limits};
use std::path::Path;
use std::time::Duration;
use tokio_postgres::types::ToSql;

/// What whoever serves has: until when is known to the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Which one it is. It goes up each time somebody takes over.
    pub epoch: u64,
    /// Of which history the log is: another number once changes were lost or taken back.
    pub generation: u64,
}

/// What the rows say of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who it is.
    pub name: String,
    /// Which term is theirs.
    pub epoch: u64,
    /// Until when, by the clock of the database, as it writes it.
    pub until: String,
    /// In how many ms that is; never negative.
    pub lasts_ms: i64,
    /// They gave it back.
    pub is_given_back: bool,
    /// The last revision that is stored.
    pub revision: u64,
    /// Which start of which server says so.
    pub server: i64,
    /// It was taken or renewed last before this server was promoted.
    pub is_from_before: bool,
    /// That server is on this machine.
    pub is_here: bool,
}

/// The start of a server as a number.
const CLOCK_US: &str = "(extract(epoch FROM server.clock) * 1000000)::bigint";

impl Holder {
    /// What a node sees that is called so.
    pub fn sight(&self, own: &str) -> LeaseSight {
        LeaseSight {
            lasts_ms: self.lasts_ms,
            is_given_back: self.is_given_back,
            seen: LeaseSeen { epoch: self.epoch, server: self.server },
            is_from_before: self.is_from_before,
            is_own: self.name == own,
            is_here: self.is_here,
        }
    }
}

/// The server that is asked: when it was started, and on which timeline it writes.
const SERVER: &str = "WITH server AS (SELECT pg_postmaster_start_time() AS clock, \
    ('x' || lpad(left(pg_walfile_name(pg_current_wal_insert_lsn()), 8), 16, '0'))::bit(64)::bigint AS timeline)";

/// Takes over if nobody serves, or the very same holder did. Returns who does otherwise.
pub(crate) async fn take(
    session: &Session,
    server: &Servers,
    (holder, free): (&str, LeaseFree),
    ttl: Duration,
) -> Result<Result<Term, Holder>, StoreError> {
    let (doing, store) = ("take over", &*server.name());
    let (client, before, seconds) = (session.client(), session.warnings(), ttl.as_secs_f64());
    if server.goes_on() {
        let away = limits::STANDBY_AWAY.as_secs_f64();
        within(limits::STATEMENT, doing, store, client.query_one(END_TAKING, &[&away])).await?;
    }
    let update = format!(
        "{SERVER} UPDATE lease SET holder = $1, epoch = greatest(epoch + 1, (server.timeline - 1) * 1000000),
            until = now() + $2 * interval '1 s', clock = server.clock, timeline = server.timeline,
            generation = CASE WHEN lease.timeline <> server.timeline THEN floor(random() * 4294967296)::bigint
                ELSE generation END FROM server
        WHERE lease.clock = server.clock AND (holder = $1 AND lease.timeline = server.timeline OR until < now() AND ($3::bigint IS NULL OR epoch = $3)
                OR epoch = $4::bigint AND {CLOCK_US} = $5)
            OR until = '-infinity' AND coalesce(lease.timeline, server.timeline) = server.timeline
        RETURNING epoch, generation"
    );
    // Of which epoch it is free once it has run out, and at once; of each one where none is said.
    let (run_out, ended) = match free {
        LeaseFree::RunOut => (None, None),
        LeaseFree::Never => (Some(-1), None), // no lease has that one
        LeaseFree::RunOutOf(epoch) => (Some(number_of(epoch)), None),
        LeaseFree::EndedOf(seen) => (Some(number_of(seen.epoch)), Some(seen)),
    };
    let (ended, seen_at) = (ended.map(|seen| number_of(seen.epoch)), ended.map(|seen| seen.server));
    let values: [&(dyn ToSql + Sync); 5] = [&holder, &seconds, &run_out, &ended, &seen_at];
    let taken = within(limits::STATEMENT, doing, store, client.query_opt(&update, &values)).await?;
    let Some(taken) = taken else { return look(session, store, seconds).await.map(Err) };
    let (epoch, generation): (i64, i64) = (taken.get(0), taken.get(1));
    let update = "UPDATE head SET epoch = $1 WHERE epoch < $1";
    if server.goes_on() {
        let away = limits::STANDBY_AWAY.as_secs_f64();
        within(limits::STATEMENT, doing, store, client.query_one(END_WAITING, &[&away])).await?;
    }
    // Waits for what is being stored in an earlier epoch.
    let moved = within(limits::COMMIT, doing, store, client.execute(update, &[&epoch])).await?;
    if moved == 0 || session.warnings() != before {
        let what = format!("epoch {epoch} was over before it began");
        return Err(PostgresError::Fenced { store: store.to_owned(), what }.into());
    }
    Ok(Ok(Term { epoch: stored(epoch), generation: stored(generation) }))
}

/// Who serves; if that is of another server's clock, they have as long again by this one's.
async fn look(session: &Session, store: &Path, seconds: f64) -> Result<Holder, StoreError> {
    let (doing, client) = ("look who serves from", session.client());
    let update = format!(
        "{SERVER} UPDATE lease SET until = now() + $1 * interval '1 s', clock = server.clock FROM server
        WHERE lease.clock <> server.clock"
    );
    within(limits::STATEMENT, doing, store, client.execute(&update, &[&seconds])).await?;
    sight(session, store).await
}

/// Who serves, by what the rows say.
pub(crate) async fn sight(session: &Session, store: &Path) -> Result<Holder, StoreError> {
    let select = format!(
        "{SERVER} SELECT lease.holder, lease.epoch, to_char(until, 'YYYY-MM-DD HH24:MI:SS TZH:TZM'),
            CASE WHEN until <= now() THEN 0 ELSE (extract(epoch FROM until - now()) * 1000)::bigint END, revision,
            coalesce(lease.timeline <> server.timeline, false), {CLOCK_US},
            inet_client_addr() IS NOT DISTINCT FROM inet_server_addr(), until = '-infinity' FROM lease, head, server"
    );
    let row =
        within(limits::STATEMENT, "look who serves from", store, session.client().query_one(&select, &[])).await?;
    let until: Option<String> = row.get(2);
    Ok(Holder {
        name: row.get(0),
        epoch: stored(row.get(1)),
        until: until.unwrap_or_default(),
        lasts_ms: row.get(3),
        revision: stored(row.get(4)),
        is_from_before: row.get(5),
        server: row.get(6),
        is_here: row.get(7),
        is_given_back: row.get(8),
    })
}

/// Has the lease last longer, if this epoch is still the newest: then the last revision that is stored.
pub(crate) async fn renew(
    session: &Session,
    store: &Path,
    (holder, epoch): (&str, u64),
    ttl: Duration,
) -> Result<Option<u64>, StoreError> {
    let update = format!(
        "{SERVER} UPDATE lease SET until = now() + $3 * interval '1 s', clock = server.clock, timeline = server.timeline
        FROM server WHERE holder = $1 AND epoch = $2 AND (until > now() OR lease.clock <> server.clock)
        RETURNING (SELECT revision FROM head)"
    );
    let (epoch, seconds) = (number_of(epoch), ttl.as_secs_f64());
    let values: [&(dyn ToSql + Sync); 3] = [&holder, &epoch, &seconds];
    let renewed = session.client().query_opt(&update, &values);
    Ok(within(limits::STATEMENT, "go on serving from", store, renewed).await?.map(|row| stored(row.get(0))))
}

/// Lets others serve at once. The epoch stays.
pub(crate) async fn resign(session: &Session, store: &Path, epoch: u64) -> Result<(), StoreError> {
    let update = "UPDATE lease SET until = '-infinity' WHERE epoch = $1 AND until > now()";
    let epoch = number_of(epoch);
    within(limits::STATEMENT, "let others take over", store, session.client().execute(update, &[&epoch])).await?;
    Ok(())
}

/// The log is another one than before: it ends earlier than somebody knows. Gives it another number, and notes which revisions
/// are missing and when the last change happened that is not.
pub(crate) async fn renumber(
    session: &Session,
    store: &Path,
    epoch: u64,
    (first, last): (u64, u64),
    since_ms: i64,
) -> Result<(), StoreError> {
    let update = "
        WITH fence AS (
            UPDATE lease SET generation = floor(random() * 4294967296)::bigint WHERE epoch = $1 RETURNING 1
        )
        INSERT INTO meta SELECT u.* FROM fence,
            unnest($2::text[], ARRAY[$3::bigint, $4, $5, (extract(epoch FROM now()) * 1000)::bigint]) AS u
            ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    let ([epoch, first, last], keys) = ([epoch, first, last].map(number_of), LOST.as_slice());
    let values: [&(dyn ToSql + Sync); 5] = [&epoch, &keys, &first, &last, &since_ms];
    within(limits::STATEMENT, "number", store, session.client().execute(update, &values)).await?;
    Ok(())
}
