//! What the web asks the loop, and how answers come back. Not what is asked: that is the core's.

use super::limits;
use super::picture::Album;
use neerc_core::board::Done;
use neerc_core::change::{Entry, Room};
use neerc_core::command::Command;
use neerc_core::doors::LoginCode;
use neerc_core::people::Person;
use neerc_core::refusal::Refusal;
use neerc_core::requests::KeyedRequest;
use neerc_core::task::TaskId;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// The service has ended, and it is unknown whether something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceGone;

/// Something that is to be changed.
#[derive(Debug)]
pub struct WebWish {
    /// In which room.
    pub room: Room,
    /// Who asks.
    pub who: Person,
    /// For what.
    pub command: Command,
    /// By which it is known when it is asked again.
    pub request: Option<Arc<KeyedRequest>>,
    /// The revision of the board that they have seen, where they say so: what is newer is not replaced.
    pub seen: Option<u64>,
}

impl WebWish {
    /// Asks once, whatever was seen.
    pub fn new(room: Room, who: Person, command: Command) -> WebWish {
        WebWish { room, who, command, request: None, seen: None }
    }
}

/// Something that only the loop can do or knows.
#[derive(Debug)]
pub enum WebAsk {
    /// To have something changed.
    Change {
        /// What.
        wish: WebWish,
        /// Where the answer is wanted. `Ok` means: on disk, and in the album.
        reply: oneshot::Sender<Result<Done, Refusal>>,
    },
    /// To have these codes known, and no others: those that pages show.
    Codes(Vec<LoginCode>),
    /// What happened to a task, newest first, as far as it is kept in memory.
    Trail {
        /// In which room.
        room: Room,
        /// To which task.
        task: TaskId,
        /// Where the answer is wanted.
        reply: oneshot::Sender<Vec<Entry>>,
    },
}

/// The web's end of what joins it with the loop. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Bridge {
    albums: watch::Receiver<Arc<Album>>,
    asks: mpsc::Sender<WebAsk>,
}

/// The loop's end.
#[derive(Debug)]
pub struct BridgeEnd {
    /// Where pictures go.
    pub albums: watch::Sender<Arc<Album>>,
    /// What is asked; nothing more once it is taken away.
    pub asks: Option<mpsc::Receiver<WebAsk>>,
}

impl Bridge {
    /// Both ends; without pictures yet.
    pub fn open() -> (Bridge, BridgeEnd) {
        let (sender, albums) = watch::channel(Arc::new(Album::default()));
        let (asks, receiver) = mpsc::channel(limits::ASKS_WAITING);
        (Bridge { albums, asks }, BridgeEnd { albums: sender, asks: Some(receiver) })
    }

    /// The newest pictures.
    pub fn album(&self) -> Arc<Album> {
        self.albums.borrow().clone()
    }

    /// The pictures as they change.
    pub fn albums(&self) -> watch::Receiver<Arc<Album>> {
        self.albums.clone()
    }

    /// Whether anything can be asked: not where another machine serves.
    fn is_here(&self) -> Result<(), ServiceGone> {
        if self.albums.borrow().elsewhere.is_some() { Err(ServiceGone) } else { Ok(()) }
    }

    /// Has something changed; what came of it is in the album by then.
    pub async fn change(&self, wish: WebWish) -> Result<Result<Done, Refusal>, ServiceGone> {
        self.is_here()?;
        let (reply, answer) = oneshot::channel();
        self.asks.send(WebAsk::Change { wish, reply }).await.map_err(|_| ServiceGone)?;
        answer.await.map_err(|_| ServiceGone)
    }

    /// Has these codes known, and no others.
    pub async fn show_codes(&self, codes: Vec<LoginCode>) -> Result<(), ServiceGone> {
        self.is_here()?;
        self.asks.send(WebAsk::Codes(codes)).await.map_err(|_| ServiceGone)
    }

    /// What happened to a task, newest first.
    pub async fn trail(&self, room: Room, task: TaskId) -> Result<Vec<Entry>, ServiceGone> {
        self.is_here()?;
        let (reply, answer) = oneshot::channel();
        self.asks.send(WebAsk::Trail { room, task, reply }).await.map_err(|_| ServiceGone)?;
        answer.await.map_err(|_| ServiceGone)
    }
}
