//! What runs before the service does: standing by until the store is this process's. Nothing is connected to the chat server
//! meanwhile, since some servers would hand it half of what people send; whoever watches the process is told how it stands.

use super::supervisor::Supervisor;
use super::time::Steady;
use super::{Service, operations};
use crate::limits::STANDBY_LOOK;
use crate::web;
use crate::web::crowd::CrowdCounter;
use crate::web::server;
use neerc_core::face::words::Language;
use neerc_store::{Looked, Opened, Standby, StoreCopies, StoreError, WhoServes};
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where a process that stands by can be asked.
#[derive(Clone, Copy, Debug)]
pub struct StandbyFaces {
    /// Where monitoring asks.
    pub operations: Option<SocketAddr>,
    /// Where browsers come to.
    pub web: Option<SocketAddr>,
    /// The language of those who do not tell theirs.
    pub language: Language,
}

/// Why standing by came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum StandbyError {
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody can ask here.
    #[error("nobody can be answered at {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The thread that looks has gone.
    #[error("the store can be looked at no more")]
    Gone,
}

/// Stands by until the store is this process's; nothing comes of it if that is not before `stop` is over.
pub async fn stand_by(
    mut standby: Standby,
    faces: StandbyFaces,
    supervisor: &mut Supervisor,
    stop: impl Future<Output = ()>,
) -> Result<Option<Opened>, StandbyError> {
    let (mut stop, time) = (pin!(stop), Steady::start());
    let mut answering: Option<Answering> = None;
    let mut said = String::new();
    let mut hangup = signal(SignalKind::hangup()).ok(); // it would end the process
    loop {
        let looking = tokio::task::spawn_blocking(move || (standby.look(), standby));
        let (looked, again) = looking.await.map_err(|_| StandbyError::Gone)?;
        standby = again;
        let sight = match looked? {
            Looked::Opened(opened) => {
                if let Some(answering) = answering {
                    tracing::info!("the store is free: this process serves from now on");
                    answering.end().await;
                }
                return Ok(Some(*opened));
            }
            Looked::Others(sight) => sight,
        };
        let (words, revision) = (words(&sight), sight.revision);
        match &answering {
            Some(answering) => {
                answering.sight.send_if_modified(|known| std::mem::replace(known, sight.clone()) != sight)
            }
            None => {
                answering = Some(Answering::begin(faces, sight).await?);
                true
            }
        };
        if said != words {
            tracing::info!("{words}");
            said.clone_from(&words);
        }
        supervisor.stands(format!("{words}, revision {revision}"), true);
        supervisor.turned(time.now_ms());
        tokio::select! {
            biased;
            () = stop.as_mut() => {
                tracing::info!("stopping");
                supervisor.stopping();
                return Ok(None);
            }
            () = asked_to_reload(&mut hangup) => {
                tracing::warn!("a process that stands by does not read its configuration again; start it anew for that");
            }
            () = tokio::time::sleep(STANDBY_LOOK) => {}
        }
    }
}

/// How it stands.
fn words(WhoServes { holder, trouble, .. }: &WhoServes) -> String {
    match trouble {
        Some(why) => format!("standing by; who serves is not known: {why}"),
        None => format!("standing by for {holder}"),
    }
}

async fn asked_to_reload(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => pending().await,
    }
}

impl Service {
    /// Says once where the database has one copy only.
    pub(super) fn look_at_standby(&mut self) {
        let copies = self.holding.copies();
        let before = std::mem::replace(&mut self.remembered.copies, copies);
        match copies {
            _ if copies == before => {}
            StoreCopies::Awaited => self.trouble(
                "no synchronous standby of the database is connected, so nothing is stored or answered until one is: start it, \
                 or have the database go on alone by ALTER SYSTEM SET synchronous_standby_names = '' and SELECT \
                 pg_reload_conf()"
                    .to_owned(),
            ),
            StoreCopies::Alone => self.trouble(
                "the database has lost its synchronous standby and goes on alone, so there is one copy only: start the standby, \
                 and name it in synchronous_standby_names again"
                    .to_owned(),
            ),
            StoreCopies::Kept => tracing::info!("a synchronous standby of the database is connected: there are two copies"),
            StoreCopies::Unknown => {}
        }
    }
}

/// What is answered meanwhile.
struct Answering {
    sight: watch::Sender<WhoServes>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Answering {
    async fn begin(faces: StandbyFaces, sight: WhoServes) -> Result<Answering, StandbyError> {
        let (sight, seen) = watch::channel(sight);
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        let pages = [
            (faces.operations, "monitoring is answered at", operations::standby_router(seen.clone())),
            (faces.web, "browsers are told at", web::standby::router(seen, faces.language)),
        ];
        for (at, what, pages) in pages {
            let Some(at) = at else { continue };
            let listener = TcpListener::bind(at).await.map_err(|error| StandbyError::Listen(at, error))?;
            tracing::info!("{what} http://{}", listener.local_addr().unwrap_or(at));
            tasks.push(tokio::spawn(server::serve(listener, pages, (stopped.clone(), CrowdCounter::default()))));
        }
        Ok(Answering { sight, stop, tasks })
    }

    /// Leaves the addresses to the service.
    async fn end(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            let _ = task.await; // one that has failed listens no more either
        }
    }
}
