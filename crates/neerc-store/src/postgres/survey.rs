//! What each server of a database says of itself, for whoever has to decide which one is to be written to. Asks them all, also
//! those that only follow, and changes nothing.

use crate::error::postgres::words;
use crate::limits;
use crate::lock::{Lock, beside};
use crate::rows::stored;
use crate::servers::{Server, Servers};
use crate::{StoreCopies, StoreError, postgres};
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use tokio::time::{sleep, timeout};
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{Client, Error};

/// What is known of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Each server of the address, in its order.
    pub servers: Vec<ServerSurvey>,
    /// The last revision that this machine has seen, by a note of its own, if it has seen any; or why that cannot be read.
    pub noted: Result<Option<u64>, String>,
    /// What this machine is called in the lease.
    pub holder: String,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSurvey {
    /// Its name.
    pub host: String,
    /// What it says, or why it says nothing.
    pub said: Result<ServerWords, String>,
}

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerWords {
    /// It follows another one.
    pub follows: bool,
    /// The log of the database, as far as it is here.
    pub log: Option<LogWords>,
    /// Which standbys commits wait for, as it is set; empty if for none.
    pub waits_for: String,
    /// Who follows it.
    pub followers: Vec<Follower>,
    /// It receives from another one now.
    pub receives: bool,
}

/// How far the log is on a server, and who serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogWords {
    /// The last revision.
    pub revision: u64,
    /// Who serves, or did.
    pub holder: String,
    /// Their term.
    pub epoch: u64,
    /// Until when, by the clock of the database; `-infinity` if they gave it back.
    pub until: String,
    /// Whether that is over by the clock of this server.
    pub is_over: bool,
}

/// Who follows a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follower {
    /// Its name.
    pub name: String,
    /// `sync`, `quorum`, `potential` or `async`; nothing where that may not be read.
    pub sync_state: Option<String>,
    /// How much it has still to store, in bytes.
    pub behind_bytes: Option<i64>,
}

/// Asks all servers. Blocks on the network.
pub fn survey(servers: &Servers) -> Result<Survey, StoreError> {
    let runtime = postgres::read::runtime()?;
    let noted = noted(servers.local()); // before they are asked, since people may be at work
    let all = servers.each().into_iter().map(|mut server| {
        let said = runtime.block_on(ask(&mut server));
        ServerSurvey { host: server.label, said }
    });
    let servers_said = all.collect();
    let holder = postgres::holder(servers.local());
    Ok(Survey { servers: servers_said, noted, holder })
}

/// Whether a server has a synchronous standby, by who follows it; not known where that may not be read. What was known before
/// tells one that has gone from one that nobody wants.
pub(super) async fn copies(client: &Client, servers: &Servers, before: StoreCopies) -> Result<StoreCopies, Error> {
    let select = "SELECT current_setting('synchronous_standby_names') <> '', \
        count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')), count(*) FILTER (WHERE sync_state IS NULL), \
        count(*) FROM pg_stat_replication";
    let row = client.query_one(select, &[]).await?;
    let (is_wanted, kept, hidden): (bool, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let is_left_alone = servers.are_several() && row.try_get::<_, i64>(3)? == 0;
    Ok(match (is_wanted, kept, hidden) {
        (_, 1.., _) => StoreCopies::Kept,
        (_, _, 1..) => StoreCopies::Unknown,
        (true, _, _) if servers.goes_on() => StoreCopies::Alone,
        (true, _, _) => StoreCopies::Awaited,
        (false, _, _) if before == StoreCopies::Unknown && !is_left_alone => StoreCopies::Unknown,
        (false, _, _) => StoreCopies::Alone,
    })
}

/// What this machine has seen; that it cannot be read is another thing than that it has seen nothing.
fn noted(local: &Path) -> Result<Option<u64>, String> {
    let file = beside(local, ".lock");
    match File::open(&file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(format!("{}: {error}", file.display())),
        _ => Ok(Lock::peek(local)),
    }
}

async fn ask(server: &mut Server) -> Result<ServerWords, String> {
    server.config.target_session_attrs(TargetSessionAttrs::Any);
    let (client, connection) = in_time(postgres::tls::connect(server)).await?;
    let driver = tokio::spawn(connection);
    let _ = timeout(limits::REPLAY, replayed(&client)).await; // what is not there then may never be
    let said = in_time(async { listen(&client).await.map_err(|error| words(&error)) }).await;
    driver.abort();
    said
}

async fn in_time<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let late = |_| Err(format!("no answer within {} s", limits::CONNECT.as_secs()));
    timeout(limits::CONNECT, work).await.unwrap_or_else(late)
}

/// Waits until a server that follows shows all that it has on its disk: that is stored first, and applied later.
async fn replayed(client: &Client) -> Result<(), Error> {
    let select = "SELECT coalesce(pg_last_wal_replay_lsn() < pg_last_wal_receive_lsn(), false)";
    while client.query_one(select, &[]).await?.try_get(0)? {
        sleep(limits::REPLAY_LOOK).await;
    }
    Ok(())
}

async fn listen(client: &Client) -> Result<ServerWords, Error> {
    let select = "SELECT pg_is_in_recovery(), current_setting('synchronous_standby_names'), \
        EXISTS (SELECT FROM pg_stat_wal_receiver), to_regclass('lease') IS NOT NULL";
    let row = client.query_one(select, &[]).await?;
    let (follows, waits_for, receives): (bool, String, bool) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let log = if row.try_get(3)? { Some(log(client).await?) } else { None };
    let followers = if follows { Vec::new() } else { followers(client).await? };
    Ok(ServerWords { follows, log, waits_for, followers, receives })
}

async fn log(client: &Client) -> Result<LogWords, Error> {
    let select =
        "SELECT head.revision, lease.holder, lease.epoch, lease.until::text, lease.until < now() FROM head, lease";
    let row = client.query_one(select, &[]).await?;
    Ok(LogWords {
        revision: stored(row.try_get(0)?),
        holder: row.try_get(1)?,
        epoch: stored(row.try_get(2)?),
        until: row.try_get(3)?,
        is_over: row.try_get(4)?,
    })
}

async fn followers(client: &Client) -> Result<Vec<Follower>, Error> {
    let select = "SELECT coalesce(application_name, pid::text), sync_state, \
        pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn)::bigint FROM pg_stat_replication ORDER BY 1";
    let rows = client.query(select, &[]).await?;
    rows.iter()
        .map(|row| Ok(Follower { name: row.try_get(0)?, sync_state: row.try_get(1)?, behind_bytes: row.try_get(2)? }))
        .collect()
}
