//! What runs before the service does: standing by until the store is this process's. Nothing is connected to the chat server
//! meanwhile, since some servers would hand it half of what people send; whoever watches the process is told how it stands.

mod asked;

use self::asked::Asked;
use super::onlooker::Onlooker;
use super::reload::ReloadAnswer;
use super::supervisor::Supervisor;
use super::time::Steady;
use super::{Service, operations};
use crate::limits::{STANDBY_LOOK, STANDBY_READ};
use crate::web::crowd::CrowdCounter;
use crate::web::picture::Album;
use crate::web::{Web, WebSettings, server};
use neerc_store::{LogReader, Looked, Opened, Standby, StoreCopies, StoreError, WhoServes};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tokio::net::TcpListener;
use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where a process that stands by can be asked.
#[derive(Clone, Debug)]
pub struct StandbyFaces {
    /// Where the store is on this machine, and the socket beside it.
    pub store: PathBuf,
    /// Where monitoring asks.
    pub operations: Option<SocketAddr>,
    /// Where browsers come to, and what they are shown.
    pub web: Option<WebSettings>,
    /// What they are shown is read by these; nothing is shown where there are none.
    pub logs: Vec<LogReader>,
}

/// What a process has that may serve.
#[derive(Debug)]
pub struct Admitted {
    /// The store.
    pub opened: Opened,
    /// Where browsers came to meanwhile, and are served from now on.
    pub web: Option<Web>,
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

/// Stands by until the store is this process's; nothing comes of it if that is not before `stop` is over. `reread` has the
/// configuration read again: when SIGHUP or a command wants it, and before this process serves.
pub async fn stand_by(
    mut standby: Standby,
    faces: StandbyFaces,
    (supervisor, hangup): (&mut Supervisor, &mut Option<Signal>),
    stop: impl Future<Output = ()>,
    reread: impl AsyncFnMut() -> ReloadAnswer,
) -> Result<Option<Admitted>, StandbyError> {
    let (mut stop, time) = (pin!(stop), Steady::start());
    let mut answering: Option<Answering> = None;
    let mut said = String::new();
    let mut asked = Asked::new(faces.store.clone(), hangup, reread, time);
    loop {
        let looking = tokio::task::spawn_blocking(move || (standby.look(), standby));
        let (looked, again) = looking.await.map_err(|_| StandbyError::Gone)?;
        standby = again;
        let sight = match looked? {
            Looked::Opened(opened) => {
                let web = match answering {
                    Some(answering) => {
                        tracing::info!("the store is free: this process serves from now on");
                        asked.serves().await;
                        answering.end().await
                    }
                    None => None,
                };
                return Ok(Some(Admitted { opened: *opened, web }));
            }
            Looked::Others(sight) => sight,
        };
        let (words, revision, is_known) = (words(&sight), sight.revision, sight.trouble.is_none());
        match &answering {
            Some(answering) => {
                answering.sight.send_if_modified(|known| std::mem::replace(known, sight.clone()) != sight)
            }
            None => {
                answering = Some(Answering::begin(&faces, sight).await?);
                true
            }
        };
        if said != words {
            match is_known {
                true => tracing::info!("{words}"),
                false => tracing::warn!("{words}"),
            }
            said.clone_from(&words);
        }
        supervisor.stands(format!("{words}, revision {revision}"), true);
        supervisor.turned(time.now_ms());
        asked.listen(&standby);
        tokio::select! {
            biased;
            () = stop.as_mut() => {
                tracing::info!("stopping");
                supervisor.stopping();
                return Ok(None);
            }
            wish = asked.next() => asked.answer(wish, (&words, revision), supervisor).await,
            () = tokio::time::sleep(STANDBY_LOOK) => {}
        }
    }
}

/// How it stands.
fn words(WhoServes { holder, trouble, .. }: &WhoServes) -> String {
    match trouble {
        Some(why) => {
            format!("standing by; who serves is not known: {why} (neerc standby status says how each server stands)")
        }
        None => format!("standing by for {holder}"),
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
                 and see that synchronous_standby_names names it"
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
    operations: Option<JoinHandle<()>>,
    web: Option<(Web, Showing)>,
}

/// Where the pictures go of whoever looks on; nowhere any more, once this process serves.
type Showing = Arc<Mutex<Option<watch::Sender<Arc<Album>>>>>;

impl Answering {
    async fn begin(faces: &StandbyFaces, sight: WhoServes) -> Result<Answering, StandbyError> {
        let (sight, seen) = watch::channel(sight);
        let (stop, stopped) = watch::channel(false);
        let operations = match faces.operations {
            Some(at) => {
                let listener = TcpListener::bind(at).await.map_err(|error| StandbyError::Listen(at, error))?;
                tracing::info!("monitoring is answered at http://{}", listener.local_addr().unwrap_or(at));
                let pages = operations::standby_router(seen.clone());
                Some(tokio::spawn(server::serve(listener, pages, (stopped, CrowdCounter::default()))))
            }
            None => None,
        };
        let web = faces.web.clone().map(|settings| show(settings, faces.logs.clone(), seen)).transpose()?;
        Ok(Answering { sight, stop, operations, web })
    }

    /// Leaves the addresses to the service; browsers stay connected.
    async fn end(self) -> Option<Web> {
        self.stop.send_replace(true);
        if let Some(operations) = self.operations {
            let _ = operations.await; // one that has failed listens no more either
        }
        self.web.map(|(web, showing)| {
            *showing.lock().unwrap_or_else(PoisonError::into_inner) = None;
            web
        })
    }
}

/// Shows browsers what whoever serves writes, by a thread that waits for the store.
fn show(
    settings: WebSettings,
    logs: Vec<LogReader>,
    seen: watch::Receiver<WhoServes>,
) -> Result<(Web, Showing), StandbyError> {
    let at = settings.listen;
    let failed = |error| StandbyError::Listen(at, error);
    let elsewhere = Onlooker::elsewhere(&seen.borrow());
    let web = Web::stand_by(settings, elsewhere).map_err(failed)?;
    tracing::info!("browsers are told at {}", web.url);
    let onlooker = Onlooker::new(logs, web.url.to_string());
    let showing = Arc::new(Mutex::new(Some(web.bridge.albums.clone())));
    let given = showing.clone();
    let thread = thread::Builder::new().name("neerc-onlooker".into());
    thread.spawn(move || look_on(onlooker, &seen, &given)).map_err(failed)?;
    Ok((web, showing))
}

/// Shows what there is, again and again, until that is the service's.
fn look_on(
    mut onlooker: Onlooker,
    seen: &watch::Receiver<WhoServes>,
    showing: &Mutex<Option<watch::Sender<Arc<Album>>>>,
) {
    loop {
        if let Err(error) = onlooker.look() {
            tracing::debug!("what another machine serves cannot be read: {error}");
        }
        let album = onlooker.album(&seen.borrow());
        match &*showing.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(albums) => albums.send_replace(album.into()),
            None => return,
        };
        thread::sleep(STANDBY_READ);
    }
}
