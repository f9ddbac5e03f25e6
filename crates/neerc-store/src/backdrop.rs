//! What a board is shown before, and what no log holds: who its people are, which the chat server says to the machine that
//! serves. Kept beside the log for those who stand by and show the board as well. Nothing that is decided depends on it.

use neerc_core::board::Boards;
use neerc_core::change::{Entry, Room};
use neerc_core::clocks::LastHeard;
use neerc_core::keeping::LostChanges;
use neerc_core::people::People;
use neerc_core::view::Visibility;
use std::sync::Arc;

/// Of all rooms, as whoever serves knew them last.
#[derive(Clone, Debug, Default)]
pub struct Backdrop {
    /// Under which address browsers find whoever serves.
    pub url: Option<Arc<str>>,
    /// Each room whose people are known.
    pub rooms: Vec<RoomBackdrop>,
}

/// Of one room.
#[derive(Clone, Debug)]
pub struct RoomBackdrop {
    /// Its name.
    pub room: Room,
    /// Its people, without their nicks.
    pub people: Arc<People>,
    /// Who may see which tasks.
    pub visibility: Visibility,
    /// What its clock said, unless it was set by hand.
    pub clock: Option<LastHeard>,
}

impl Backdrop {
    /// Whether it says the same.
    pub fn is_like(&self, other: &Backdrop) -> bool {
        let pairs = || self.rooms.iter().zip(&other.rooms);
        self.url == other.url && self.rooms.len() == other.rooms.len() && pairs().all(|(one, other)| one.is_like(other))
    }
}

impl RoomBackdrop {
    fn is_like(&self, other: &RoomBackdrop) -> bool {
        let (one, two) = (&self.people, &other.people);
        let is_same = Arc::ptr_eq(one, two)
            || (one.host() == two.host()
                && one.listed() == two.listed()
                && one.domains().eq(two.domains())
                && one.outcasts().eq(two.outcasts()));
        is_same && (&self.room, self.visibility, self.clock) == (&other.room, other.visibility, other.clock)
    }
}

/// A backdrop as it was found.
#[derive(Clone, Debug)]
pub enum BackdropFound {
    /// There is none of whoever serves now.
    Nothing,
    /// It is the one that is known.
    Same,
    /// Another one, and by what it is known: all but the last 32 bits of that are those of the term in which it was written.
    New(Box<Backdrop>, i64),
}

/// What a store holds at one moment, as whoever serves would begin with it.
#[derive(Debug)]
pub struct StoredState {
    /// The boards as of the last change.
    pub boards: Boards,
    /// The last revision.
    pub revision: u64,
    /// The newest changes, in order.
    pub newest: Vec<Entry>,
    /// Of which history the log is.
    pub generation: u64,
    /// The changes that were lost last, if any ever were.
    pub lost: Option<LostChanges>,
}
