//! When whoever watches answers is told of them: together, and of each room not often. By state: up to which revision
//! each has been told is known, and what is new is worked out from the board. Not who watches what: that is on the board.

use crate::limits;
use neerc_core::people::Person;
use std::collections::HashMap;

/// The watchers of one room.
#[derive(Debug, Default)]
struct RoomWatchers {
    /// When they are told next, if something has changed, in ms.
    due_ms: Option<i64>,
    /// When they were told last, in ms.
    told_ms: Option<i64>,
    /// Up to which revision each has been told.
    told: HashMap<Person, u64>,
    /// The same for whoever is not in it: nobody has to hear of what is older.
    since: Option<u64>,
}

/// Those of all rooms.
#[derive(Debug)]
pub struct Watchers {
    rooms: Vec<RoomWatchers>,
}

impl Watchers {
    /// Nobody, in that many rooms.
    pub fn new(rooms: usize) -> Watchers {
        Watchers { rooms: (0..rooms).map(|_| RoomWatchers::default()).collect() }
    }

    /// A task of the room has changed with that revision.
    pub fn changed(&mut self, now_ms: i64, room: usize, revision: u64) {
        let Some(room) = self.rooms.get_mut(room) else { return };
        // After a start the first is the oldest of which nobody may have been told.
        room.since.get_or_insert(revision.saturating_sub(1));
        let rested_ms = room.told_ms.map_or(i64::MIN, |told_ms| told_ms + limits::WATCH_REST_MS);
        room.due_ms.get_or_insert(rested_ms.max(now_ms + limits::CHAT_GATHER_MS));
    }

    /// Somebody has come, and may have missed something.
    pub fn came(&mut self, now_ms: i64, room: usize) {
        let Some(room) = self.rooms.get_mut(room).filter(|room| !room.told.is_empty()) else { return };
        room.due_ms.get_or_insert(now_ms + limits::CHAT_GATHER_MS);
    }

    /// Somebody begins to watch: what was before is no news to them.
    pub fn begins(&mut self, room: usize, person: &Person, revision: u64) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.told.entry(person.clone()).or_insert(revision);
        }
    }

    /// When somebody is to be told something, in ms.
    pub fn next_due_ms(&self) -> i64 {
        self.rooms.iter().filter_map(|room| room.due_ms).min().unwrap_or(i64::MAX)
    }

    /// The next room whose watchers are to be told.
    pub fn take_due(&mut self, now_ms: i64) -> Option<usize> {
        let is_due = |room: &RoomWatchers| room.due_ms.is_some_and(|due_ms| due_ms <= now_ms);
        let index = self.rooms.iter().position(is_due)?;
        if let Some(room) = self.rooms.get_mut(index) {
            room.due_ms = None;
        }
        Some(index)
    }

    /// Up to which revision somebody has been told.
    pub fn told(&self, room: usize, person: &Person) -> Option<u64> {
        let room = self.rooms.get(room)?;
        room.told.get(person).copied().or(room.since)
    }

    /// Somebody has been told of everything up to that revision.
    pub fn note_told(&mut self, now_ms: i64, room: usize, person: &Person, revision: u64) {
        let Some(room) = self.rooms.get_mut(room) else { return };
        room.told_ms = Some(now_ms);
        room.told.insert(person.clone(), revision);
    }

    /// Somebody does not watch anything any more.
    pub fn ends(&mut self, room: usize, person: &Person) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.told.remove(person);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_told_together_and_not_often() {
        let (mut watchers, who) = (Watchers::new(1), Person::named("admin", "localhost"));
        assert_eq!((watchers.next_due_ms(), watchers.told(0, &who)), (i64::MAX, None));
        watchers.changed(0, 0, 7);
        watchers.changed(500, 0, 8);
        assert_eq!((watchers.next_due_ms(), watchers.told(0, &who)), (limits::CHAT_GATHER_MS, Some(6)));
        assert_eq!((watchers.take_due(0), watchers.take_due(1_000), watchers.take_due(1_000)), (None, Some(0), None));
        watchers.note_told(1_000, 0, &who, 8);
        watchers.changed(1_001, 0, 9);
        assert_eq!((watchers.next_due_ms(), watchers.told(0, &who)), (1_000 + limits::WATCH_REST_MS, Some(8)));
        watchers.ends(0, &who);
        assert_eq!(watchers.told(0, &who), Some(6));
    }
}
