//! The state that readers are handed with each call: the tasks of each room as they are on disk, and its contest clock. Not
//! who may read what.

use crate::board::{Board, Boards};
use crate::checklist::Checklist;
use crate::clock::{ContestClock, Reading};
use crate::clocks::{Clocks, Dial};
use crate::doors::Entrance;
use crate::ledger::Now;
use crate::moment::ShownTime;
use crate::trail::Trail;
use std::sync::LazyLock;

/// Boards and clocks, to be read.
#[derive(Clone, Copy, Debug)]
pub struct World<'w> {
    boards: &'w Boards,
    clocks: &'w Clocks,
    trail: Option<&'w Trail>,
    checklists: &'w [Checklist],
    entrance: &'w Entrance,
}

impl<'w> World<'w> {
    /// Boards and clocks together.
    pub fn new(boards: &'w Boards, clocks: &'w Clocks) -> World<'w> {
        World { boards, clocks, trail: None, checklists: &[], entrance: Entrance::closed() }
    }

    /// The same with the newest changes.
    pub fn with_trail(self, trail: &'w Trail) -> World<'w> {
        World { trail: Some(trail), ..self }
    }

    /// The same with these checklists.
    pub fn with_checklists(self, checklists: &'w [Checklist]) -> World<'w> {
        World { checklists, ..self }
    }

    /// The checklists that can be gone through in every room.
    pub fn checklists(self) -> &'w [Checklist] {
        self.checklists
    }

    /// The same with what the web side says of itself.
    pub fn with_entrance(self, entrance: &'w Entrance) -> World<'w> {
        World { entrance, ..self }
    }

    /// The web side, as it says of itself.
    pub fn entrance(self) -> &'w Entrance {
        self.entrance
    }

    /// The newest changes, where they are known.
    pub fn trail(self) -> Option<&'w Trail> {
        self.trail
    }

    /// The clocks of all rooms.
    pub fn clocks(self) -> &'w Clocks {
        self.clocks
    }

    /// The boards of all rooms that have ever had a change.
    pub fn boards(self) -> &'w Boards {
        self.boards
    }

    /// The board of a room; an empty one if it never had a change.
    pub fn board(self, room: &str) -> &'w Board {
        static NOTHING: LazyLock<Board> = LazyLock::new(Board::default);
        self.boards.get(room).unwrap_or(&NOTHING)
    }

    /// The contest clock of a room, once it was read.
    pub fn clock(self, room: &str) -> Option<ContestClock> {
        self.clocks.of(room)
    }

    /// What the clocks on the walls here are ahead of UTC, in ms.
    pub fn zone_ms(self) -> i64 {
        self.clocks.zone_ms()
    }

    /// What that clock shows at `now_ms`.
    pub fn reading(self, room: &str, now_ms: i64) -> Option<Reading> {
        self.clocks.reading(room, now_ms)
    }

    /// What people see of the time in a room.
    pub fn shown(self, room: &str, now: Now) -> ShownTime {
        self.clocks.shown(room, now)
    }

    /// What the clock of a room shows at `now_ms`, with where that is from.
    pub fn dial(self, room: &str, now_ms: i64) -> Option<Dial<'w>> {
        self.clocks.dial(room, now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Phase;

    #[test]
    fn a_room_without_changes_has_an_empty_board_and_every_room_the_clock() {
        let (boards, mut clocks) = (Boards::from([("neerc".into(), Board::default())]), Clocks::default());
        assert_eq!(World::new(&boards, &clocks).clock("neerc"), None);
        let reading = Reading { elapsed_ms: 7, total_ms: 18_000_000, phase: Phase::Paused };
        assert!(clocks.read(0, reading));
        let world = World::new(&boards, &clocks);
        assert_eq!((world.board("test").revision(), world.boards().len()), (0, 1));
        assert_eq!(world.reading("test", 5), Some(reading));
    }
}
