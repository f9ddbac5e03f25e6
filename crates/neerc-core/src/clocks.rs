//! The contest clocks of all rooms: by their feed, or as they were set by hand, and when people are to hear of them again.
//! Not where readings come from.

use crate::board::{Board, Boards};
use crate::change::{Entry, Room};
use crate::clock::hand::{ClockNow, SetClock};
use crate::clock::{ContestClock, Reading};
use crate::ledger::{Ask, Now, Rooms};
use crate::limits;
use crate::people::People;
use std::collections::BTreeMap;

/// The clock of a room that was set by hand. It counts by the steady time from when it was set, or from the start of the
/// service: setting the machine's time does not move it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HandClock {
    set: SetClock,
    clock: ContestClock,
}

impl HandClock {
    /// When it turns from one phase to the next by itself, in ms.
    fn turns_at_ms(&self, now_ms: i64) -> i64 {
        let reading = self.clock.at(now_ms);
        let left_ms = if reading.elapsed_ms < 0 {
            reading.elapsed_ms.saturating_neg()
        } else {
            reading.total_ms - reading.elapsed_ms
        };
        if reading.phase.ticks() && left_ms > 0 { now_ms.saturating_add(left_ms) } else { i64::MAX }
    }
}

/// What people see of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dial<'c> {
    /// What it shows.
    pub reading: Reading,
    /// By whom and when it was set by hand; `None` if it goes by its feed.
    pub set: Option<&'c SetClock>,
    /// How far the local time of day is ahead of UTC, in ms.
    pub zone_ms: i64,
}

/// The contest clocks of all rooms. Today one feed is read for all of them.
#[derive(Clone, Debug)]
pub struct Clocks {
    shared: Option<ContestClock>,
    /// Those that were set by hand.
    by_hand: BTreeMap<Room, HandClock>,
    /// When people are to hear of it again, in ms.
    tick_ms: i64,
    /// How far the local time of day is ahead of UTC, in ms.
    zone_ms: i64,
}

impl Default for Clocks {
    fn default() -> Clocks {
        Clocks { shared: None, by_hand: BTreeMap::new(), tick_ms: i64::MAX, zone_ms: 0 }
    }
}

impl Clocks {
    /// Takes a reading of the feed; says whether people must hear of it.
    pub fn read(&mut self, now_ms: i64, reading: Reading) -> bool {
        let is_news = match &mut self.shared {
            Some(clock) => clock.update(reading, now_ms),
            None => {
                self.shared = Some(ContestClock::new(reading, now_ms));
                true
            }
        };
        if is_news {
            self.next_tick(now_ms);
        }
        is_news
    }

    /// Takes what was set by hand in any room, as it is on disk; says whether people must hear of it.
    pub fn follow(&mut self, now: Now, boards: &Boards) -> bool {
        let mut is_news = false;
        for (room, board) in boards {
            let Some(set) = board.clock() else {
                is_news |= self.by_hand.remove(room).is_some();
                continue;
            };
            if self.by_hand.get(room).is_none_or(|known| known.set != *set) {
                let reading = set.reading.carried(now.wall_ms.saturating_sub(set.at_ms));
                let clock = ContestClock::new(reading, now.steady_ms());
                self.by_hand.insert(room.clone(), HandClock { set: set.clone(), clock });
                is_news = true;
            }
        }
        if is_news {
            self.next_tick(now.steady_ms());
        }
        is_news
    }

    /// The local time of day is so far ahead of UTC, in ms.
    pub fn set_zone(&mut self, zone_ms: i64) {
        self.zone_ms = zone_ms;
    }

    /// The clock of a room, once it was read or set.
    pub fn of(&self, room: &str) -> Option<ContestClock> {
        self.by_hand.get(room).map(|hand| hand.clock).or(self.shared)
    }

    /// What the clock of a room shows, once it was read or set.
    pub fn reading(&self, room: &str, now_ms: i64) -> Option<Reading> {
        match self.by_hand.get(room) {
            Some(hand) => Some(hand.clock.at(now_ms).over_at_end()),
            None => self.shared.map(|clock| clock.at(now_ms)),
        }
    }

    /// The same with where it is from.
    pub fn dial(&self, room: &str, now_ms: i64) -> Option<Dial<'_>> {
        let set = self.by_hand.get(room).map(|hand| &hand.set);
        self.reading(room, now_ms).map(|reading| Dial { reading, set, zone_ms: self.zone_ms })
    }

    /// The clock of a room for whoever decides on what was set last, which need not be on disk yet.
    pub fn now(&self, room: &str, set: Option<&SetClock>, now: Now) -> ClockNow {
        let reading = match (set, self.by_hand.get(room)) {
            (Some(set), Some(hand)) if hand.set == *set => Some(hand.clock.at(now.steady_ms()).over_at_end()),
            (Some(set), _) => Some(set.at(now.wall_ms)),
            (None, _) => self.shared.map(|clock| clock.at(now.steady_ms())),
        };
        ClockNow { reading, is_by_hand: set.is_some(), zone_ms: self.zone_ms }
    }

    /// Whether it is time that people hear of the clock again. In every phase: a client that has missed a change goes wrong
    /// until the next message.
    pub fn tick(&mut self, now_ms: i64) -> bool {
        let is_due = self.tick_ms <= now_ms;
        if is_due {
            self.next_tick(now_ms);
        }
        is_due
    }

    fn next_tick(&mut self, now_ms: i64) {
        let turns = self.by_hand.values().map(|hand| hand.turns_at_ms(now_ms));
        let begins = self.shared.iter().map(ContestClock::begins_at_ms).filter(|begins_ms| *begins_ms > now_ms);
        self.tick_ms = turns.chain(begins).fold(now_ms.saturating_add(limits::CLOCK_TICK_MS), i64::min);
    }

    /// When [`Clocks::tick`] says so, in ms.
    pub fn next_tick_ms(&self) -> i64 {
        self.tick_ms
    }
}

/// The rooms with their contest clocks.
#[derive(Debug)]
pub struct ClockedRooms<'a, R> {
    /// The rooms.
    pub rooms: &'a mut R,
    /// The clocks.
    pub clocks: &'a Clocks,
}

impl<R: Rooms> Rooms for ClockedRooms<'_, R> {
    fn people(&mut self, room: &str) -> &People {
        self.rooms.people(room)
    }

    fn is_known(&self, room: &str) -> bool {
        self.rooms.is_known(room)
    }

    fn clock(&self, room: &str, set: Option<&SetClock>, now: Now) -> ClockNow {
        self.clocks.now(room, set, now)
    }

    fn decided(&mut self, ask: &Ask, board: &Board, entry: Option<&Entry>) {
        self.rooms.decided(ask, board, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Phase;

    fn running(elapsed_ms: i64) -> Reading {
        Reading { elapsed_ms, total_ms: 18_000_000, phase: Phase::Running }
    }

    #[test]
    fn people_hear_of_a_clock_when_it_changes_and_again_after_a_while() {
        let mut clocks = Clocks::default();
        assert!(!clocks.tick(i64::MAX - 1) && clocks.of("neerc").is_none());
        assert!(clocks.read(1_000, running(5_000)) && !clocks.read(2_000, running(6_000)));
        assert_eq!(clocks.next_tick_ms(), 1_000 + limits::CLOCK_TICK_MS);
        assert!(!clocks.tick(limits::CLOCK_TICK_MS) && clocks.tick(1_000 + limits::CLOCK_TICK_MS));
        assert_eq!(clocks.next_tick_ms(), 1_000 + 2 * limits::CLOCK_TICK_MS);
        assert_eq!(clocks.of("neerc").map(|clock| clock.at(3_000).elapsed_ms), Some(7_000));
    }
}
