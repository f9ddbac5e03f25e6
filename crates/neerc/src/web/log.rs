//! Reading a room's log for pages and files: on threads that may block, few at a time, and in parts, so that neither the
//! loop nor other pages wait. Not what is made of it, nor who may read it.

use super::limits;
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::Frame;
use neerc_core::change::{Entry, Room};
use neerc_store::{LogFloor, LogPart, LogReader};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::{Semaphore, mpsc};

/// The log of all rooms, to be read by few at a time.
#[derive(Debug, Clone)]
pub struct Library {
    reader: Arc<Mutex<LogReader>>,
    places: Arc<Semaphore>,
}

/// The log could not be read; why is in the log of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

impl Library {
    /// The log that is read by this.
    pub fn new(reader: LogReader) -> Library {
        Library { reader: Arc::new(Mutex::new(reader)), places: Arc::new(Semaphore::new(limits::LOG_READERS)) }
    }

    fn reader(&self) -> MutexGuard<'_, LogReader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner) // it is only ever replaced
    }

    /// Reads by this from now on.
    pub fn read_by(&self, reader: LogReader) {
        *self.reader() = reader;
    }

    /// What comes of reading, which is done once there is a place for it.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&LogReader) -> Result<T, Unreadable> + Send + 'static,
    ) -> Result<T, Unreadable> {
        let place = self.places.clone().acquire_owned().await.map_err(|_| Unreadable)?;
        let reader = self.reader().clone();
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&reader);
            drop(place);
            done
        });
        done.await.map_err(|_| Unreadable)?
    }

    /// A body that is made while the log is read: its beginning, and then what each change gives.
    pub async fn stream(
        &self,
        room: Room,
        head: String,
        line: impl Fn(&Entry) -> String + Send + 'static,
    ) -> Result<Body, Unreadable> {
        let place = self.places.clone().acquire_owned().await.map_err(|_| Unreadable)?;
        let reader = self.reader().clone();
        let (sender, receiver) = mpsc::channel(1);
        tokio::task::spawn_blocking(move || {
            let mut text = head;
            let sent = each(&reader, &room, |entries| {
                entries.iter().for_each(|entry| text.push_str(&line(entry)));
                // Whoever does not read any more gets no more.
                sender.blocking_send(Ok(Bytes::from(std::mem::take(&mut text)))).map_err(|_| Unreadable)
            });
            let is_gone = sender.is_closed();
            if sent.is_err() && !is_gone {
                // A file that ends too early must not look whole.
                let _ = sender.blocking_send(Err(io::Error::other("the log could not be read")));
            } else if !text.is_empty() {
                let _ = sender.blocking_send(Ok(Bytes::from(text))); // nothing happened in the room
            }
            drop(place);
        });
        Ok(Body::new(Parts(receiver)))
    }
}

/// Hands on all changes of a room in parts, oldest first, until one is refused.
pub fn each(
    reader: &LogReader,
    room: &str,
    mut take: impl FnMut(&[Entry]) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let mut last = 0;
    loop {
        let entries = part(reader, room, LogPart::After(last))?;
        let Some(newest) = entries.last() else { return Ok(()) };
        last = newest.revision;
        take(&entries)?;
    }
}

/// The next part of the log of a room.
pub fn part(reader: &LogReader, room: &str, part: LogPart) -> Result<Vec<Entry>, Unreadable> {
    reader.read(room, part, limits::LOG_PART).map_err(|error| {
        tracing::warn!("the history of {room} cannot be shown: {error}");
        Unreadable
    })
}

/// Where the log begins, after what is in archives.
pub fn floor(reader: &LogReader) -> Result<LogFloor, Unreadable> {
    reader.floor().map_err(|error| {
        tracing::warn!("where the history begins cannot be read: {error}");
        Unreadable
    })
}

/// A body whose parts come one by one.
struct Parts(mpsc::Receiver<io::Result<Bytes>>);

impl HttpBody for Parts {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| part.map(Frame::data)))
    }
}
