//! The boards as a machine that stands by shows them: read from the log that another one writes, by the same rules as a start
//! reads it, and kept up with it. Who may see what is what the other one knew last. Not what is shown of it: that is the web's.

use super::keeping::{KeepingWatch, lack_of};
use super::time::{Steady, wall_ms, zone_ms};
use crate::limits::STANDBY_PART;
use crate::web::picture::{Album, Elsewhere, Picture, PictureClock, Timepiece};
use neerc_core::board::{Board, Boards};
use neerc_core::change::{Entry, Room};
use neerc_core::clocks::Clocks;
use neerc_core::keeping::{Keeping, LostChanges};
use neerc_core::ledger::Now;
use neerc_core::trail::Trail;
use neerc_store::{Backdrop, BackdropFound, LogReader, RoomBackdrop, StoreCopies, StoreError, StoredState, WhoServes};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Instant;

/// What was read of the log.
struct Known {
    boards: Boards,
    revision: u64,
    trail: Trail,
    /// Of which history it is, and what was lost of it last.
    history: u64,
    lost: Option<LostChanges>,
    /// The last change, by which it is seen that the log is still the same.
    last: Option<Entry>,
}

/// Whether a log goes on where it was left.
#[derive(Debug, PartialEq, Eq)]
enum Course {
    On,
    /// Changes of it are gone, or others stand in their place.
    Other,
}

impl Known {
    fn of(StoredState { boards, revision, newest, generation: history, lost }: StoredState) -> Known {
        let last = newest.last().filter(|last| last.revision == revision).cloned();
        Known { boards, revision, trail: Trail::restore(newest), history, lost, last }
    }

    /// Takes what stands in the log from the last known change on.
    fn take(&mut self, entries: Vec<Entry>) -> Course {
        let mut entries = entries.into_iter().peekable();
        if let Some(last) = &self.last
            && entries.next().as_ref() != Some(last)
        {
            return Course::Other;
        }
        for entry in entries {
            if entry.revision <= self.revision && self.last.is_none() {
                continue;
            }
            if entry.revision != self.revision.saturating_add(1) {
                return Course::Other;
            }
            self.boards.entry(entry.room.clone()).or_default().replay(&entry);
            self.revision = entry.revision;
            self.trail.note([entry.clone()].into());
            self.last = Some(entry);
        }
        Course::On
    }
}

/// Looks on while another machine serves.
pub(super) struct Onlooker {
    /// What the log is read by: each where those before it cannot be read. Only the first one is sure to be up to date.
    logs: Vec<LogReader>,
    time: Steady,
    /// By which its pictures are told from those of others.
    generation: u64,
    /// The address at which browsers find this machine.
    own_url: String,
    known: Option<Known>,
    backdrop: Option<(Backdrop, i64)>,
    clocks: Clocks,
    /// Whether what is written is on two machines, and what admins are told of that.
    copies: StoreCopies,
    keeping: KeepingWatch,
    pictures: Vec<Arc<Picture>>,
    /// How many there were.
    serial: u64,
    /// When everything was as it was read, in ms since 1970.
    at_ms: Option<i64>,
}

impl Onlooker {
    /// One who has seen nothing yet.
    pub fn new(logs: Vec<LogReader>, own_url: String) -> Onlooker {
        Onlooker {
            logs,
            time: Steady::start(),
            generation: RandomState::new().hash_one(std::process::id()) >> 16,
            own_url,
            known: None,
            backdrop: None,
            clocks: Clocks::default(),
            copies: StoreCopies::Unknown,
            keeping: KeepingWatch::default(),
            pictures: Vec::new(),
            serial: 0,
            at_ms: None,
        }
    }

    /// Reads what is new. Blocks on the disk or the network.
    pub fn look(&mut self) -> Result<(), StoreError> {
        let (began_ms, logs) = (wall_ms(), self.logs.clone());
        let Some((log, followers)) = logs.split_first() else { return Ok(()) };
        let Err(error) = self.look_by(log, began_ms) else {
            // Who follows is known where the log is written.
            self.copies = log.copies(self.copies)?;
            return Ok(());
        };
        for follower in followers {
            // What is known already may be newer than what is there.
            if let Ok(Some(at_ms)) = follower.replayed_ms()
                && self.at_ms.is_none_or(|known_ms| known_ms < at_ms)
                && self.look_by(follower, at_ms).is_ok()
            {
                return Ok(());
            }
        }
        Err(error)
    }

    /// Reads what is new by that, which has all that was there at that time.
    fn look_by(&mut self, log: &LogReader, at_ms: i64) -> Result<(), StoreError> {
        match log.backdrop(self.backdrop.as_ref().map(|(_, stamp)| *stamp))? {
            BackdropFound::Same => {}
            BackdropFound::Nothing => {
                // Nobody knows who may see anything, so there is nothing to be read.
                (self.backdrop, self.known, self.at_ms) = (None, None, None);
                return Ok(());
            }
            BackdropFound::New(backdrop, stamp) => {
                let is_same_term = |(_, known): &(Backdrop, i64)| known >> 32 == stamp >> 32;
                if !self.backdrop.as_ref().is_some_and(is_same_term) {
                    self.known = None; // whoever serves now may have begun another history
                }
                self.clocks = clocks(self.time.now_ms(), &backdrop);
                self.backdrop = Some((*backdrop, stamp));
            }
        }
        if self.follow(log)? == Course::Other {
            self.known = None;
            self.follow(log)?;
        }
        self.clocks.set_zone(zone_ms());
        if let Some(known) = &self.known {
            let now = Now::from_ms(self.time.now_ms(), wall_ms());
            self.clocks.follow(now, &known.boards);
        }
        self.at_ms = Some(at_ms);
        Ok(())
    }

    fn follow(&mut self, log: &LogReader) -> Result<Course, StoreError> {
        let known = match &mut self.known {
            Some(known) => known,
            None => self.known.insert(Known::of(log.state()?)),
        };
        loop {
            // What is known last is read again.
            let entries = log.read_all(known.revision.saturating_sub(1), STANDBY_PART)?;
            let is_all = entries.len() < STANDBY_PART;
            if known.take(entries) == Course::Other {
                return Ok(Course::Other);
            }
            if is_all {
                return Ok(Course::On);
            }
        }
    }

    /// Who serves, before anything was read.
    pub fn elsewhere(WhoServes { holder, revision, trouble }: &WhoServes) -> Elsewhere {
        // What tells two holders on one machine apart is of no use to people.
        let name = holder.split(" (").next().filter(|name| !name.is_empty() && trouble.is_none());
        Elsewhere { holder: name.map(str::to_owned), revision: *revision, ..Elsewhere::default() }
    }

    /// What there is to be shown.
    pub fn album(&mut self, who: &WhoServes) -> Album {
        let (now_ms, zone_ms) = (self.time.now_ms(), self.clocks.zone_ms());
        let time = Timepiece { taken: Instant::now(), steady_ms: now_ms, wall_ms: wall_ms(), zone_ms };
        let backdrop = self.backdrop.as_ref().map(|(backdrop, _)| backdrop);
        let url = backdrop.and_then(|backdrop| backdrop.url.clone()).filter(|url| **url != *self.own_url);
        let revision = self.known.as_ref().map_or(who.revision, |known| known.revision);
        let elsewhere = Elsewhere { url, revision, at_ms: self.at_ms, ..Onlooker::elsewhere(who) };
        let (Some(known), Some(backdrop)) = (&self.known, backdrop) else {
            self.pictures.clear();
            return Album { time: None, rooms: Vec::new(), elsewhere: Some(elsewhere.into()) };
        };
        self.keeping.lost_were(known.lost);
        let keeping = self.keeping.look(lack_of(self.copies), (now_ms, time.wall_ms));
        let serials = self.serial + 1..;
        self.pictures = backdrop
            .rooms
            .iter()
            .zip(serials)
            .map(|(room, serial)| self.picture((room, known, keeping), (time, serial)))
            .collect();
        self.serial += self.pictures.len() as u64;
        Album { time: Some(time), rooms: self.pictures.clone(), elsewhere: Some(elsewhere.into()) }
    }

    /// A room as it is now: the same picture as before, if nothing of it has changed.
    fn picture(
        &self,
        (room, known, keeping): (&RoomBackdrop, &Known, Keeping),
        (taken, serial): (Timepiece, u64),
    ) -> Arc<Picture> {
        let old = self.pictures.iter().find(|picture| picture.room == room.room);
        let board = known.boards.get(&room.room);
        let revision = board.map_or(0, Board::revision);
        let dial = self.clocks.dial(&room.room, taken.steady_ms);
        let clock = self.clocks.of(&room.room).map(|clock| {
            let set = dial.and_then(|dial| dial.set).cloned();
            PictureClock { clock, set, silent_since_ms: dial.and_then(|dial| dial.silent_since_ms) }
        });
        let is_same = |old: &&Arc<Picture>| {
            old.board.revision() == revision
                && Arc::ptr_eq(&old.people, &room.people)
                && (&old.clock, old.visibility, old.keeping) == (&clock, room.visibility, keeping)
        };
        if let Some(old) = old.filter(is_same) {
            return old.clone();
        }
        Arc::new(Picture {
            room: room.room.clone(),
            serial,
            generation: self.generation,
            history: known.history,
            taken,
            people: room.people.clone(),
            board: board.cloned().unwrap_or_default().into(),
            times: known.trail.times(&room.room).cloned(),
            clock,
            online: Arc::default(),
            checklists: Arc::default(),
            entrance: Arc::default(),
            visibility: room.visibility,
            keeping,
            is_connected: false,
        })
    }
}

/// The clocks that whoever serves has read. What was set by hand stands in the log.
fn clocks(now_ms: i64, backdrop: &Backdrop) -> Clocks {
    let places = backdrop.rooms.iter().zip(0..);
    let of_room: BTreeMap<Room, usize> = places.clone().map(|(room, place)| (room.room.clone(), place)).collect();
    let mut clocks = Clocks::new(of_room);
    for (room, place) in places {
        if let Some(heard) = room.clock {
            clocks.restore(now_ms, place, heard);
        }
    }
    clocks
}

#[cfg(test)]
mod tests;
