//! Webhooks (Standard Webhooks 1.0): other systems are told over HTTP what happens. Each endpoint has a thread that reads the
//! log for it, so nothing waits in memory for one that is down, and none holds up another or the service. How far each has
//! heard is kept with the log. Not who may be told: whoever runs the service names the endpoints.

pub mod courier;
pub mod limits;
pub mod message;
pub mod networks;
pub mod poster;
pub mod signature;

use crate::http::HttpAddress;
use courier::Courier;
use neerc_core::change::Room;
use neerc_store::{LogReader, Store, StoreError};
use networks::Network;
use poster::{Door, Poster};
use ring::digest::{SHA256, digest};
use signature::SigningKeys;
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// One endpoint, and what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where it is, and whom to believe.
    pub address: HttpAddress,
    /// What signs.
    pub keys: SigningKeys,
    /// What happens in these rooms; in all, where none is named.
    pub rooms: Vec<Room>,
    /// Of which type; of all, where none is named.
    pub types: Vec<&'static str>,
    /// Addresses that are not public, and may be connected to.
    pub private: Vec<Network>,
}

/// Without what stands behind the host, which is a secret of many endpoints.
impl fmt::Display for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.address.url.split_once("://").unwrap_or(("https", ""));
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        write!(f, "{scheme}://{host}")
    }
}

impl Webhook {
    /// Which addresses may be connected to.
    pub fn door(&self) -> Door {
        Door { private: self.private.clone(), is_plain: self.address.url.starts_with("http://") }
    }

    /// By which name it is kept how far it has heard: what is written of it can change, but for the URL.
    fn mark_name(&self) -> String {
        let hash = digest(&SHA256, self.address.url.as_bytes());
        hash.as_ref().iter().take(limits::MARK_NAME_BYTES).fold("webhook:".to_owned(), |mut name, byte| {
            _ = write!(name, "{byte:02x}"); // a string takes everything
            name
        })
    }
}

/// What couriers are given.
#[derive(Clone, Debug)]
pub struct Office {
    /// Where they read.
    pub log: LogReader,
    /// Where it is recorded how far they have come.
    pub store: Store,
    /// The domain whose users go by their short names.
    pub host: String,
    /// Of which history the log is.
    pub generation: u64,
    /// Where it is said what is wrong.
    pub troubles: mpsc::Sender<String>,
    /// The time of day, in ms since 1970.
    pub wall_ms: fn() -> i64,
}

/// How an endpoint is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointState {
    /// How many messages it has taken.
    pub taken: u64,
    /// How many times one was not taken.
    pub failed: u64,
    /// Up to which revision it has heard.
    pub heard: u64,
    /// Since when messages are not taken, in ms since 1970; `None` if the last one was.
    pub failing_since_ms: Option<i64>,
    /// Why the last one was not taken; empty if it was.
    pub why: String,
    /// It wants nothing more.
    pub is_off: bool,
}

/// What loop and couriers tell each other.
#[derive(Debug, Default)]
struct Counter {
    desk: Mutex<CounterDesk>,
    changed: Condvar,
    /// The endpoints, as they are named.
    hooks: Vec<Webhook>,
}

#[derive(Debug, Default)]
struct CounterDesk {
    /// The newest revision on disk.
    revision: u64,
    is_over: bool,
    endpoints: Vec<EndpointState>,
    marks: BTreeMap<String, u64>,
}

/// What a courier has waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waited {
    /// There is more to tell.
    News,
    /// Nothing happened meanwhile.
    Quiet,
    /// Everything is over.
    Over,
}

impl Counter {
    fn desk(&self) -> MutexGuard<'_, CounterDesk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner) // every step leaves it whole
    }

    /// Waits so long at most, until there is more than that revision or everything is over.
    fn wait(&self, revision: u64, patience: Duration) -> Waited {
        let is_quiet = |desk: &mut CounterDesk| !desk.is_over && desk.revision <= revision;
        let waited = self.changed.wait_timeout_while(self.desk(), patience, is_quiet);
        let desk = waited.unwrap_or_else(PoisonError::into_inner).0;
        match (desk.is_over, desk.revision > revision) {
            (true, _) => Waited::Over,
            (false, true) => Waited::News,
            (false, false) => Waited::Quiet,
        }
    }
}

/// All couriers, as the loop holds them. They end when this is dropped.
#[derive(Debug)]
pub struct Webhooks(Arc<Counter>);

/// Why webhooks do not begin.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// It is not known how far they have come.
    #[error("it cannot be kept how far webhooks have heard")]
    Store(#[from] StoreError),
    /// One cannot be used.
    #[error("the webhook to {0}: {1}")]
    Endpoint(String, String),
}

impl Webhooks {
    /// Begins to tell all endpoints what has happened since they heard last; one that is new, what happens from now on.
    pub async fn start(hooks: Vec<Webhook>, office: Office, revision: u64) -> Result<Webhooks, WebhookError> {
        let known = match office.log.marks() {
            Err(_) if hooks.is_empty() => BTreeMap::new(),
            known => known?,
        };
        let mark = |hook: &Webhook| {
            let name = hook.mark_name();
            let heard = known.get(&name).copied().unwrap_or(revision).min(revision);
            (name, heard)
        };
        let marks: BTreeMap<String, u64> = hooks.iter().map(mark).collect();
        if !(marks.is_empty() && known.is_empty()) {
            // What is new must not be new again after a crash: what happens until then would never be told.
            office.store.mark(marks.clone()).await?;
        }
        let heard = |hook: &Webhook| marks.get(&hook.mark_name()).copied().unwrap_or(revision);
        let endpoint = |hook: &Webhook| EndpointState { heard: heard(hook), ..EndpointState::default() };
        let endpoints = hooks.iter().map(endpoint).collect();
        let desk = CounterDesk { revision, is_over: false, endpoints, marks: marks.clone() };
        let counter = Arc::new(Counter { desk: Mutex::new(desk), changed: Condvar::new(), hooks: hooks.clone() });
        for (place, hook) in hooks.into_iter().enumerate() {
            let wrong = |why: String| WebhookError::Endpoint(hook.to_string(), why);
            let poster = Poster::new(hook.clone()).map_err(wrong)?;
            let heard = heard(&hook);
            let courier = Courier::new(hook.clone(), poster, (place, heard), office.clone(), counter.clone());
            let thread = std::thread::Builder::new().name(format!("webhook {place}"));
            thread.spawn(move || courier.run()).map_err(|error| wrong(format!("no thread for it: {error}")))?;
        }
        Ok(Webhooks(counter))
    }

    /// Everything up to that revision is on disk.
    pub fn stored(&self, revision: u64) {
        self.0.desk().revision = revision;
        self.0.changed.notify_all();
    }

    /// How the endpoints are, in their order.
    pub fn endpoints(&self) -> Vec<EndpointState> {
        self.0.desk().endpoints.clone()
    }

    /// The endpoints with how they are, in their order.
    pub fn standing(&self) -> impl Iterator<Item = (&Webhook, EndpointState)> {
        self.0.hooks.iter().zip(self.endpoints())
    }

    /// Nothing more is sent.
    pub fn stop(&self) {
        self.0.desk().is_over = true;
        self.0.changed.notify_all();
    }
}

impl Drop for Webhooks {
    fn drop(&mut self) {
        self.stop();
    }
}
