//! A connection to PostgreSQL that never hangs: each server is given a few seconds for the whole of connecting, and each
//! statement its own. Nothing is ever cancelled: a commit whose wait for the standby is cancelled is reported as done.

use super::tls::{self, Encrypted};
use crate::error::postgres::{PostgresError, failed, words};
use crate::servers::{Server, Servers};
use crate::{StoreError, limits};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Client, Connection, Error, Socket};

/// What a session is set to. Warnings must reach us, and what is answered must be on disk. None of the server's own limits
/// is relied on; but a machine that is gone is to be noticed by the server as soon as by us, not after hours, since what it had
/// begun holds up whoever takes over. Nor does what waits for a row go on once nobody waits for it: whoever asks again and again
/// would fill the server with that.
const SETTINGS: &str = "
    SELECT set_config(name, value, false) FROM (VALUES
        ('client_min_messages', 'warning'), ('statement_timeout', '0'), ('lock_timeout', '0'),
        ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'), ('transaction_timeout', '0'),
        ('tcp_keepalives_idle', '5'), ('tcp_keepalives_interval', '2'), ('tcp_keepalives_count', '3'),
        ('tcp_user_timeout', '8000'), ('client_connection_check_interval', '2000'), ('default_transaction_isolation', 'read committed'), ('default_transaction_deferrable', 'off'),
        ('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply'
                               ELSE 'on' END)) AS wanted (name, value)
    WHERE name IN (SELECT name FROM pg_settings)";

/// Which disks a commit waits for: of this server, or of its synchronous standby as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Standby,
    Here,
}

/// The first as the user's own default has it, if that is more than what we need.
const TO_STANDBY: &str = "SELECT set_config('synchronous_commit', CASE reset_val WHEN 'remote_apply' THEN 'remote_apply' \
    ELSE 'on' END, false) FROM pg_settings WHERE name = 'synchronous_commit'";
const TO_HERE: &str = "SELECT set_config('synchronous_commit', 'local', false)";

/// A connection. It is closed when it is dropped, whatever it waits for.
pub(crate) struct Session {
    client: Client,
    /// The number of its process on the server.
    pub pid: i32,
    warnings: Arc<Warnings>,
    driver: JoinHandle<()>,
}

/// The warnings that the server has sent.
#[derive(Default)]
struct Warnings {
    count: AtomicU64,
    last: Mutex<String>,
}

impl Session {
    /// Connects to a server that can be written to: to the first that answers so. Each is asked once the one before it has
    /// refused, or after a moment, since a machine that is gone refuses nothing; and again while another one has not
    /// answered, since it may be promoted just then. Where the service goes on without a standby, what is written does not
    /// wait for one until it is told to.
    pub async fn connect(server: &Servers) -> Result<Session, StoreError> {
        let reach = if server.goes_on() { Reach::Here } else { Reach::Standby };
        let servers = Arc::new(server.each());
        let (mut asked, mut refused, mut next) = (JoinSet::new(), BTreeMap::new(), 0);
        let ask = |asked: &mut JoinSet<_>, at: usize, pause: Duration| {
            let servers = servers.clone();
            asked.spawn(async move {
                sleep(pause).await;
                (at, Session::with(&servers[at], reach).await)
            });
        };
        while refused.len() < servers.len() {
            if next < servers.len() {
                ask(&mut asked, next, Duration::ZERO);
                next += 1;
            }
            let answer = match next < servers.len() {
                true => timeout(limits::NEXT_SERVER, asked.join_next()).await,
                false => Ok(asked.join_next().await),
            };
            match answer {
                Ok(Some(Ok((_, Ok(session))))) => return Ok(session),
                Ok(Some(Ok((at, Err(why))))) => {
                    refused.insert(at, why);
                    ask(&mut asked, at, limits::RECONNECT);
                }
                Ok(Some(Err(_))) | Err(_) => {} // it panicked, which was said, or it takes its time
                Ok(None) => break,
            }
        }
        let tried = refused.into_values().collect::<Vec<_>>().join("; ");
        Err(PostgresError::Unreachable { store: server.name(), tried }.into())
    }

    /// Connects to one server. The error says which, and why not.
    async fn with(server: &Server, reach: Reach) -> Result<Session, String> {
        let connecting = async {
            let (client, connection) = tls::connect(server).await?;
            let warnings = Arc::new(Warnings::default());
            let driver = tokio::spawn(drive(connection, warnings.clone()));
            let mut session = Session { client, pid: 0, warnings, driver };
            session.pid = session.set_up(reach).await.map_err(|error| words(&error))?;
            Ok::<Session, String>(session)
        };
        let host = &server.label;
        match timeout(limits::CONNECT, connecting).await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(why)) => Err(format!("{host}: {why}")),
            Err(_) => Err(format!("{host}: no answer within {} s", limits::CONNECT.as_secs())),
        }
    }

    /// Sets it up; the number of its process.
    async fn set_up(&self, reach: Reach) -> Result<i32, Error> {
        self.client.query(SETTINGS, &[]).await?;
        if reach == Reach::Here {
            self.client.query(TO_HERE, &[]).await?;
        }
        self.client.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)
    }

    /// The client, for statements that are waited for in their own way.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the connection has ended.
    pub fn is_over(&self) -> bool {
        self.client.is_closed()
    }

    /// Has commits wait for these disks from now on.
    pub async fn set_reach(&self, reach: Reach) -> Result<(), Error> {
        let sql = if reach == Reach::Here { TO_HERE } else { TO_STANDBY };
        self.client.query_one(sql, &[]).await.map(drop)
    }

    /// Whether the server answers within a while.
    pub async fn answers(&self, limit: Duration) -> bool {
        timeout(limit, self.client.check_connection()).await.is_ok_and(|answer| answer.is_ok())
    }

    /// How many warnings have come.
    pub fn warnings(&self) -> u64 {
        self.warnings.count.load(Ordering::SeqCst)
    }

    /// The last of them.
    pub fn last_warning(&self) -> String {
        self.warnings.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort(); // it would go on until the server has answered everything
    }
}

/// Keeps a connection going, and counts what the server says besides its answers.
async fn drive(mut connection: Connection<Socket, Encrypted>, warnings: Arc<Warnings>) {
    loop {
        match poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notice(notice))) => {
                *warnings.last.lock().unwrap_or_else(PoisonError::into_inner) = notice.message().to_owned();
                warnings.count.fetch_add(1, Ordering::SeqCst);
                tracing::warn!("PostgreSQL says: {}: {}", notice.severity(), notice.message());
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return, // whoever waits for an answer is told
        }
    }
}

/// Waits for a statement that takes little.
pub(super) async fn within<T>(
    limit: Duration,
    doing: &'static str,
    store: &Path,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, StoreError> {
    match timeout(limit, work).await {
        Ok(done) => done.map_err(|source| failed(doing, store, source)),
        Err(_) => Err(PostgresError::Late { doing, store: store.to_owned(), limit }.into()),
    }
}
