//! Where monitoring asks how the service is: `/healthz` whether the process answers, `/readyz` whether the service can do
//! its work, `/metrics` the numbers. Nothing can be changed by it. Not what is measured.

use super::health::Health;
use super::metrics::{self, Surroundings};
use super::space;
use super::status::{Questions, ask_service};
use super::time::processor_ms;
use crate::limits;
use crate::web::crowd::CrowdCounter;
use crate::web::server;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use neerc_store::WhoServes;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// What answers are made of.
#[derive(Debug)]
struct Answers {
    questions: Questions,
    /// The store's file.
    store: PathBuf,
    /// A file system may hang; then one thread waits for it, not one for each question.
    looks: Arc<Semaphore>,
}

/// Listens for monitoring.
#[derive(Debug)]
pub struct Operations {
    listener: TcpListener,
    answers: Answers,
}

impl Operations {
    /// At an address, for the service that answers those questions and whose store is that file.
    pub async fn listen(at: SocketAddr, questions: Questions, store: &Path) -> io::Result<Operations> {
        let listener = TcpListener::bind(at).await?;
        let answers = Answers { questions, store: store.to_owned(), looks: Arc::new(Semaphore::new(1)) };
        Ok(Operations { listener, answers })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers for as long as the process runs.
    pub async fn serve(self) {
        let pages = Router::new()
            .route("/healthz", get(|| async { plain(StatusCode::OK, "ok\n") }))
            .route("/readyz", get(ready))
            .route("/metrics", get(measured))
            .with_state(Arc::new(self.answers));
        let (_stop, stopped) = watch::channel(false);
        server::serve(self.listener, pages, (stopped, CrowdCounter::default())).await;
    }
}

/// What monitoring is answered by a process that stands by.
pub fn standby_router(sight: watch::Receiver<WhoServes>) -> Router {
    let ready = |State(sight): State<watch::Receiver<WhoServes>>| async move {
        let WhoServes { holder, revision, trouble } = sight.borrow().clone();
        let why = match trouble {
            Some(trouble) => format!("this process stands by, and who serves is not known: {trouble}\n"),
            None => format!("this process stands by for {holder}, which serves; revision {revision} is known\n"),
        };
        plain(StatusCode::SERVICE_UNAVAILABLE, why)
    };
    let measured = |State(sight): State<watch::Receiver<WhoServes>>| async move {
        plain(StatusCode::OK, metrics::standby_text(sight.borrow().revision))
    };
    Router::new()
        .route("/healthz", get(|| async { plain(StatusCode::OK, "ok\n") }))
        .route("/readyz", get(ready))
        .route("/metrics", get(measured))
        .with_state(sight)
}

fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
    ];
    (status, headers, text.into()).into_response()
}

impl Answers {
    /// How the service is; nothing if its loop does not say so in time.
    async fn health(&self) -> Option<Health> {
        tokio::time::timeout(limits::STATUS_PATIENCE, ask_service(&self.questions)).await.ok()?.ok()
    }

    /// How it is around the loop.
    async fn surroundings(&self) -> Surroundings {
        let store = self.store.clone();
        let around = Surroundings { processor_ms: processor_ms(), ..Surroundings::default() };
        let Ok(place) = self.looks.clone().try_acquire_owned() else { return around };
        let look = tokio::task::spawn_blocking(move || {
            let around = look(&store);
            drop(place);
            around
        });
        match tokio::time::timeout(limits::SPACE_PATIENCE, look).await {
            Ok(Ok(seen)) => Surroundings { processor_ms: around.processor_ms, ..seen },
            _ => around,
        }
    }
}

fn look(store: &Path) -> Surroundings {
    let bytes = |path: &Path| std::fs::metadata(path).ok().map(|known| known.len());
    let mut log = store.as_os_str().to_owned();
    log.push("-wal");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let held = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    Surroundings {
        free_bytes: space::free_bytes(&space::folder(store)).ok(),
        store_bytes: bytes(store).map(|length| length + bytes(Path::new(&log)).unwrap_or(0)),
        memory_bytes: held.map(|kb: u64| kb << 10),
        processor_ms: 0,
    }
}

/// Why the service cannot do its work; nothing if it can.
fn not_ready(health: Option<&Health>) -> Option<String> {
    let Some(health) = health else { return Some("the service does not answer".to_owned()) };
    let unread = health.rooms.iter().filter(|room| !room.ready).count();
    if !health.online {
        return Some("there is no connection to the chat server".to_owned());
    }
    if unread > 0 || !health.ready {
        return Some(format!("{unread} of {} rooms are not read", health.rooms.len()));
    }
    health.meters.is_store_failing.then(|| "the last changes could not be stored".to_owned())
}

async fn ready(State(answers): State<Arc<Answers>>) -> Response {
    match not_ready(answers.health().await.as_ref()) {
        Some(why) => plain(StatusCode::SERVICE_UNAVAILABLE, why + "\n"),
        None => plain(StatusCode::OK, "ready\n"),
    }
}

async fn measured(State(answers): State<Arc<Answers>>) -> Response {
    let (health, around) = (answers.health().await, answers.surroundings().await);
    match health {
        Some(health) => plain(StatusCode::OK, metrics::text(&health, &around)),
        None => plain(StatusCode::SERVICE_UNAVAILABLE, "the service does not answer\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::health::RoomHealth;
    use super::*;

    #[test]
    fn each_reason_not_to_be_ready() {
        let room = |ready| RoomHealth {
            room: "r".into(),
            jid: "r@c".into(),
            ready,
            users: 0,
            power: 0,
            tasks: 0,
            trouble: None,
        };
        let fine = Health { online: true, ready: true, rooms: vec![room(true)], ..Health::default() };
        assert_eq!(not_ready(Some(&fine)), None);
        let why = |health: Health| not_ready(Some(&health)).unwrap();
        assert_eq!(not_ready(None).unwrap(), "the service does not answer");
        assert_eq!(why(Health { online: false, ..fine.clone() }), "there is no connection to the chat server");
        let half = Health { rooms: vec![room(true), room(false)], ..fine.clone() };
        assert_eq!(why(half), "1 of 2 rooms are not read");
        let mut broken = fine;
        broken.meters.is_store_failing = true;
        assert_eq!(why(broken), "the last changes could not be stored");
    }
}
