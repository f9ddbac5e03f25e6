//! What is drawn of a room once for all who see the same, and how a page is put together from that and from what is its
//! reader's own. It is kept for the newest picture of a room only, so whatever changes, rights among it, is drawn anew. Not what
//! anybody may see: that goes by the view of whoever asks, which says under what their sight is kept.

use super::limits;
use super::picture::Picture;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use neerc_core::change::Room;
use neerc_core::face::grid::GridFilter;
use neerc_core::face::words::Language;
use neerc_core::people::Person;
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// Where what is drawn apart stands in a page. Nothing that people wrote can look like it, since it is escaped.
pub const PLACE: &str = "<!-- drawn -->";

/// Who sees the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SharedSight {
    pub language: Language,
    /// Whether they are offered what admins can do.
    pub is_admin: bool,
    /// Whose sight it is, where nobody else sees the same.
    pub person: Option<Person>,
    pub filter: GridFilter,
}

/// A part of a page, as somebody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// What can be done, the filters, the table and the list.
    Board(SharedSight),
    /// The table and the list of a wall.
    Wall(SharedSight),
    /// The tasks of one person.
    Own(SharedSight),
    /// Who is there, after that many comings and goings.
    Online(Language, u64),
}

/// What is drawn of the newest picture of a room.
#[derive(Debug)]
struct Shelf {
    picture: Arc<Picture>,
    /// Each with the stretch of time in which its ages are true.
    parts: HashMap<Part, (i64, Bytes)>,
    bytes: usize,
}

/// What is drawn of all rooms.
#[derive(Debug, Default)]
pub struct Drawn(Mutex<HashMap<Room, Shelf>>);

impl Drawn {
    /// A part of what that picture shows now, drawn unless it was just before.
    pub fn part(&self, picture: &Arc<Picture>, now_ms: i64, part: Part, draw: impl FnOnce() -> String) -> Bytes {
        let stretch = now_ms.div_euclid(limits::DRAWN_MS);
        if let Some(known) = self.find(picture, &part, stretch) {
            return known;
        }
        let drawn = Bytes::from(draw());
        self.keep(picture, part, stretch, drawn.clone());
        drawn
    }

    fn find(&self, picture: &Arc<Picture>, part: &Part, stretch: i64) -> Option<Bytes> {
        let shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shelf = shelves.get(&picture.room).filter(|shelf| Arc::ptr_eq(&shelf.picture, picture))?;
        shelf.parts.get(part).filter(|(of, _)| *of == stretch).map(|(_, drawn)| drawn.clone())
    }

    fn keep(&self, picture: &Arc<Picture>, part: Part, stretch: i64, drawn: Bytes) {
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = || Shelf { picture: picture.clone(), parts: HashMap::new(), bytes: 0 };
        let shelf = shelves.entry(picture.room.clone()).or_insert_with(empty);
        if !Arc::ptr_eq(&shelf.picture, picture) {
            if shelf.picture.generation == picture.generation && shelf.picture.serial > picture.serial {
                return; // somebody looks at an older one still
            }
            *shelf = empty();
        }
        let weight = |drawn: &Bytes| drawn.len() + limits::DRAWN_ENTRY_BYTES;
        let more = weight(&drawn);
        if more > limits::DRAWN_BYTES {
            return;
        }
        if shelf.bytes + more > limits::DRAWN_BYTES {
            (shelf.parts, shelf.bytes) = (HashMap::new(), 0);
        }
        let old = shelf.parts.insert(part, (stretch, drawn));
        shelf.bytes = shelf.bytes + more - old.map_or(0, |(_, old)| weight(&old)); // what is replaced was counted
    }

    /// What is kept of a room, as it is counted.
    #[cfg(test)]
    pub fn bytes(&self, room: &str) -> usize {
        let shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(shelf) = shelves.get(room) else { return 0 };
        let held = shelf.parts.values().map(|(_, drawn)| drawn.len() + limits::DRAWN_ENTRY_BYTES).sum::<usize>();
        assert_eq!(shelf.bytes, held);
        held
    }
}

/// A page in pieces, of which those that many are sent are shared. They are handed to the socket together.
struct Pieces {
    left: VecDeque<Bytes>,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.left.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.iter().map(|piece| piece.len() as u64).sum())
    }
}

/// A page, with each part where [`PLACE`] stands in it.
pub fn page(around: String, parts: impl IntoIterator<Item = Bytes>) -> Response {
    let around = Bytes::from(around);
    let (mut left, mut from) = (VecDeque::new(), 0);
    let text = std::str::from_utf8(&around).unwrap_or_default(); // it was a string
    for ((at, place), part) in text.match_indices(PLACE).zip(parts) {
        left.extend([around.slice(from..at), part]);
        from = at + place.len();
    }
    left.push_back(around.slice(from..));
    left.retain(|piece| !piece.is_empty());
    let body = Body::new(Pieces { left });
    (StatusCode::OK, [(CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response()
}
