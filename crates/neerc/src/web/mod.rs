//! The task board in a browser. It draws pages from pictures that the loop hands over, and asks the loop for what is to be
//! changed; it runs on a thread of its own, so that drawing holds up nobody. Not what is true or who may read it: that is
//! the core's.

mod agent;
mod api;
pub mod asks;
mod assets;
mod board;
pub mod crowd;
mod doing;
pub mod door;
mod draw;
mod drawn;
mod guard;
mod history;
pub mod limits;
mod live;
mod log;
mod login;
mod pages;
pub mod picture;
pub mod report;
pub mod server;
pub mod standby;
mod told;
mod typed;
mod visit;
mod wall;

use crate::config::WebUrl;
use crate::i18n::Files;
use asks::{Bridge, BridgeEnd};
use crowd::WebCrowd;
use log::Library;
use neerc_core::doors::{LoginTries, NewSecret};
use neerc_core::face::words::{Language, Words};
use neerc_store::LogReader;
use picture::{Album, Elsewhere};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{oneshot, watch};

/// What the web is told by the configuration.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// Where browsers connect to.
    pub listen: SocketAddr,
    /// Under which address people open the board; that of the listener, if there is none.
    pub url: Option<WebUrl>,
    /// The language of those who do not tell theirs.
    pub language: Language,
    /// What happened in all rooms.
    pub log: LogReader,
}

/// The web, as the rest of the program holds it. It ends when this is dropped.
#[derive(Debug)]
pub struct Web {
    /// Where pictures go and asks come from.
    pub bridge: BridgeEnd,
    /// Under which address people open the board.
    pub url: WebUrl,
    /// Who is there.
    pub crowd: WebCrowd,
    asker: Bridge,
    library: Library,
    language: watch::Sender<Language>,
    /// Says whether it is to end.
    stop: watch::Sender<bool>,
    ended: Option<oneshot::Receiver<()>>,
}

/// What every page is drawn with.
#[derive(Debug)]
pub struct WebSite {
    bridge: Bridge,
    words: Files,
    /// The language of those who do not tell theirs.
    language: watch::Receiver<Language>,
    url: WebUrl,
    /// Whether only this machine can connect.
    is_local: bool,
    port: u16,
    /// What happened.
    library: Library,
    streams: Arc<live::Streams>,
    drawn: drawn::Drawn,
    crowd: WebCrowd,
    tries: Mutex<LoginTries>,
    porch: login::Porch,
    /// Says whether it is to end.
    stopped: watch::Receiver<bool>,
}

impl WebSite {
    /// The language of those who do not tell theirs.
    fn language(&self) -> Language {
        *self.language.borrow()
    }

    fn words(&self) -> &dyn Words {
        &self.words
    }

    /// How often who has written codes that no page shows.
    fn tries(&self) -> MutexGuard<'_, LoginTries> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request was meant for this site, by the host that it names. A name of another's that leads here is none
    /// of ours.
    fn is_own_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let here = ["localhost", "127.0.0.1", "[::1]"];
        let name = host.strip_suffix(&format!(":{}", self.port)).unwrap_or(&host);
        host == self.url.authority || (self.is_local && here.contains(&name))
    }

    /// Whether a page of this site is where a request came from.
    fn is_own_origin(&self, origin: &str) -> bool {
        let is_own = |host: &str| self.is_own_host(host);
        origin == self.url.to_string() || (self.is_local && origin.strip_prefix("http://").is_some_and(is_own))
    }
}

impl Web {
    /// Listens, and serves from a thread of its own.
    pub fn start(settings: WebSettings) -> io::Result<Web> {
        Web::begin(settings, Album::default())
    }

    /// The same while another machine serves, until there are pictures of this one.
    pub fn stand_by(settings: WebSettings, elsewhere: Elsewhere) -> io::Result<Web> {
        Web::begin(settings, Album { elsewhere: Some(elsewhere.into()), ..Album::default() })
    }

    fn begin(settings: WebSettings, first: Album) -> io::Result<Web> {
        let listener = TcpListener::bind(settings.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let url = settings.url.unwrap_or_else(|| WebUrl::of(address));
        let (stop, stopped) = watch::channel(false);
        let (end, ended) = oneshot::channel();
        let (asker, bridge) = Bridge::open();
        bridge.albums.send_replace(first.into());
        let crowd = WebCrowd::default();
        let connections = crowd.connections.clone();
        let library = Library::new(settings.log);
        let (speaks, language) = watch::channel(settings.language);
        let site = Arc::new(WebSite {
            bridge: asker.clone(),
            words: Files,
            language,
            url: url.clone(),
            is_local: address.ip().to_canonical().is_loopback(),
            port: address.port(),
            library: library.clone(),
            streams: Arc::default(),
            drawn: drawn::Drawn::default(),
            crowd: crowd.clone(),
            tries: Mutex::default(),
            porch: login::Porch::default(),
            stopped: stopped.clone(),
        });
        let pages = pages::router(site);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("web".to_owned()).spawn(move || {
            give_way();
            runtime.block_on(async {
                match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => server::serve(listener, pages, (stopped, connections)).await,
                    Err(error) => tracing::warn!("the board cannot be served: {error}"),
                }
            });
            drop(runtime);
            let _ = end.send(()); // nobody waits for it where the process ends by itself
        })?;
        Ok(Web { bridge, url, crowd, asker, library, language: speaks, stop, ended: Some(ended) })
    }

    /// Another end that asks of the loop.
    pub fn asker(&self) -> Bridge {
        self.asker.clone()
    }

    /// Where a link leads that has this secret.
    pub fn link(url: &WebUrl, secret: &NewSecret) -> String {
        format!("{url}/l/{}", secret.reveal())
    }

    /// What happened is read by this from now on.
    pub fn read_by(&self, log: LogReader) {
        self.library.read_by(log);
    }

    /// Those who do not tell their language are spoken to in this one from now on.
    pub fn speak(&self, language: Language) {
        self.language.send_replace(language);
    }

    /// Nothing new is taken from now on, and streams end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until everything is answered.
    pub async fn ended(&mut self) {
        if let Some(ended) = self.ended.take() {
            let _ = ended.await; // a thread that is gone has ended too
        }
    }
}

/// Whatever browsers ask for, the loop has the processor when it wants it: many readers are served by one thread, and where
/// there are few processors, that would often be in the way. Elsewhere the priority is that of the whole process.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(limits::NICENESS) {
        tracing::debug!("the board is served with the priority of everything else: {error}");
    }
}

#[cfg(test)]
mod tests;
