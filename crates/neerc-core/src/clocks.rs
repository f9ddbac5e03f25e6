//! The contest clocks of all rooms: by their feed, or as they were set by hand, and when people are to hear of them again.
//! Not where readings come from.

use crate::board::{Board, Boards};
use crate::change::{Entry, Room};
use crate::clock::hand::{ClockNow, SetClock};
use crate::clock::{ContestClock, Reading, Speed};
use crate::ledger::{Ask, Now, Rooms};
use crate::limits;
use crate::moment::ShownTime;
use crate::people::People;
use std::collections::{BTreeMap, BTreeSet};

/// When people are to hear of a clock again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Beat {
    /// When at the latest, in ms.
    next_ms: i64,
    /// Now.
    is_due: bool,
}

impl Beat {
    /// A clock that nobody has looked at.
    const NEVER: Beat = Beat { next_ms: i64::MAX, is_due: false };

    /// After a while, or when the clock turns by itself.
    fn after(now_ms: i64, turns_ms: i64) -> Beat {
        Beat::within(limits::CLOCK_TICK_MS, now_ms, turns_ms)
    }

    fn within(tick_ms: i64, now_ms: i64, turns_ms: i64) -> Beat {
        Beat { next_ms: turns_ms.min(now_ms.saturating_add(tick_ms)), is_due: false }
    }

    /// The same, with people hearing of it now as well.
    fn now(now_ms: i64, turns_ms: i64) -> Beat {
        Beat { is_due: true, ..Beat::after(now_ms, turns_ms) }
    }

    /// The same of a clock that was set by hand: of a fast one people hear more often.
    fn of_hand(clock: ContestClock, now_ms: i64) -> Beat {
        let speed = if clock.at(now_ms).phase.ticks() { clock.speed() } else { Speed::REAL };
        let tick_ms = speed.real_ms(limits::CLOCK_TICK_MS).max(limits::REHEARSAL_TICK_MS);
        Beat { is_due: true, ..Beat::within(tick_ms, now_ms, HandClock::turns_at_ms(clock, now_ms)) }
    }
}

/// The clock of a room that was set by hand. It counts by the steady time from when it was set, or from the start of the
/// service: setting the machine's time does not move it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HandClock {
    set: SetClock,
    clock: ContestClock,
    beat: Beat,
}

impl HandClock {
    /// When such a clock turns from one phase to the next by itself, in ms.
    fn turns_at_ms(clock: ContestClock, now_ms: i64) -> i64 {
        let reading = clock.at(now_ms);
        let left_ms = if reading.elapsed_ms < 0 {
            reading.elapsed_ms.saturating_neg()
        } else {
            reading.total_ms - reading.elapsed_ms
        };
        let left_ms = clock.speed().real_ms(left_ms);
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
    /// Since when its feed has been silent for too long, in ms since 1970; it has run on since.
    pub silent_since_ms: Option<i64>,
    /// How far the local time of day is ahead of UTC, in ms.
    pub zone_ms: i64,
    /// For how long it has stood at its end, in ms.
    pub over_ms: i64,
}

impl Dial<'_> {
    /// How fast contest time passes.
    pub fn speed(&self) -> Speed {
        self.set.map(|set| set.speed).unwrap_or_default()
    }
}

/// How closely a feed tells the start of a contest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Some time after the fact, as a file that is written now and then.
    Rough,
    /// To a second.
    Exact,
}

/// A feed, as far as it was heard.
#[derive(Clone, Debug)]
struct Feed {
    clock: Option<ContestClock>,
    heard_ms: Option<i64>,
    /// Why it cannot be read now.
    trouble: Option<String>,
    beat: Beat,
}

impl Feed {
    /// One that nobody has looked at.
    const UNHEARD: Feed = Feed { clock: None, heard_ms: None, trouble: None, beat: Beat::NEVER };

    /// When its clock turns by itself, in ms.
    fn turns_at_ms(&self, now_ms: i64) -> i64 {
        let begins_ms = self.clock.map(|clock| clock.begins_at_ms());
        begins_ms.filter(|begins_ms| *begins_ms > now_ms).unwrap_or(i64::MAX)
    }
}

/// What a feed said once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastHeard {
    /// What it showed.
    pub reading: Reading,
    /// When, in ms.
    pub heard_ms: i64,
    /// For how long it had stood at its end by then, in ms.
    pub over_ms: i64,
}

/// How a feed is, for whoever looks after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedState {
    /// What it shows, once it was read.
    pub reading: Option<Reading>,
    /// For how long it has stood at its end, in ms.
    pub over_ms: i64,
    /// How long ago it was heard, in ms.
    pub age_ms: Option<i64>,
    /// Why it cannot be read now.
    pub trouble: Option<String>,
}

/// The contest clocks of all rooms.
#[derive(Clone, Debug)]
pub struct Clocks {
    /// The first one is that of every room that has no other.
    feeds: Vec<Feed>,
    /// The rooms that have another feed.
    of_room: BTreeMap<Room, usize>,
    /// Those that were set by hand.
    by_hand: BTreeMap<Room, HandClock>,
    /// The rooms that go by their feed again, whose people have not heard of that.
    freed: BTreeSet<Room>,
    /// How far the local time of day is ahead of UTC, in ms.
    zone_ms: i64,
}

impl Default for Clocks {
    fn default() -> Clocks {
        Clocks::new(BTreeMap::new())
    }
}

impl Clocks {
    /// Clocks that nobody has looked at. `of_room`: the rooms whose feed is not the first one, which has the number 0.
    pub fn new(of_room: BTreeMap<Room, usize>) -> Clocks {
        let last = of_room.values().copied().max().unwrap_or(0);
        let feeds = vec![Feed::UNHEARD; last + 1];
        Clocks { feeds, of_room, by_hand: BTreeMap::new(), freed: BTreeSet::new(), zone_ms: 0 }
    }

    /// Takes other feeds. `kept` names those that there were before, by their number then; the others have not been looked
    /// at. What was set by hand counts on. Rooms whose feed is another one now are to hear of it.
    pub fn renew(&mut self, of_room: BTreeMap<Room, usize>, kept: &[Option<usize>]) {
        let rooms: BTreeSet<&Room> = self.of_room.keys().chain(of_room.keys()).collect();
        let last = of_room.values().copied().max().unwrap_or(0);
        let before = |feed: usize| kept.get(feed).copied().flatten();
        let number = |of_room: &BTreeMap<Room, usize>, room: &Room| of_room.get(room).copied().unwrap_or(0);
        let is_other = |room: &&&Room| before(number(&of_room, room)) != Some(number(&self.of_room, room));
        let moved: Vec<Room> = rooms.iter().filter(is_other).map(|room| (*room).clone()).collect();
        let feed = |place| {
            let mut feed = before(place).and_then(|before| self.feeds.get(before)).cloned().unwrap_or(Feed::UNHEARD);
            feed.beat.is_due |= before(place) != Some(place) && feed.clock.is_some();
            feed
        };
        self.feeds = (0..=last).map(feed).collect();
        self.of_room = of_room;
        self.freed.extend(moved);
    }

    /// Takes a rough reading of the first feed; says whether people must hear of it.
    pub fn read(&mut self, now_ms: i64, reading: Reading) -> bool {
        self.read_feed(now_ms, 0, reading, Precision::Rough)
    }

    /// Takes a reading of a feed; says whether people must hear of it.
    pub fn read_feed(&mut self, now_ms: i64, feed: usize, reading: Reading, precision: Precision) -> bool {
        let Some(feed) = self.feeds.get_mut(feed) else { return false };
        (feed.heard_ms, feed.trouble) = (Some(now_ms), None);
        let is_news = match (&mut feed.clock, precision) {
            (Some(clock), Precision::Rough) => clock.update(reading, now_ms),
            (Some(clock), Precision::Exact) => clock.update_exactly(reading, now_ms),
            (None, _) => {
                feed.clock = Some(ContestClock::new(reading, now_ms));
                true
            }
        };
        if is_news {
            feed.beat = Beat::now(now_ms, feed.turns_at_ms(now_ms));
        }
        is_news
    }

    /// Takes what a feed said before a start.
    pub fn restore(&mut self, now_ms: i64, feed: usize, LastHeard { reading, heard_ms, over_ms }: LastHeard) {
        if let Some(feed) = self.feeds.get_mut(feed) {
            let clock = ContestClock::old(reading, now_ms.saturating_sub(heard_ms), now_ms).over_before(over_ms);
            (feed.clock, feed.heard_ms) = (Some(clock), Some(heard_ms));
            feed.beat = Beat::after(now_ms, feed.turns_at_ms(now_ms));
        }
    }

    /// A feed was heard, and says the same as before.
    pub fn heard(&mut self, now_ms: i64, feed: usize) {
        if let Some(feed) = self.feeds.get_mut(feed) {
            (feed.heard_ms, feed.trouble) = (Some(now_ms), None);
        }
    }

    /// A feed cannot be read; its clock runs on. Says whether that is news.
    pub fn not_heard(&mut self, feed: usize, trouble: String) -> bool {
        let Some(feed) = self.feeds.get_mut(feed) else { return false };
        let is_news = feed.trouble.as_ref() != Some(&trouble);
        feed.trouble = Some(trouble);
        is_news
    }

    /// How each feed is.
    pub fn feeds(&self, now_ms: i64) -> impl Iterator<Item = FeedState> + '_ {
        self.feeds.iter().map(move |feed| FeedState {
            reading: feed.clock.map(|clock| clock.at(now_ms)),
            over_ms: feed.clock.map_or(0, |clock| clock.over_ms(now_ms)),
            age_ms: feed.heard_ms.map(|heard_ms| now_ms.saturating_sub(heard_ms)),
            trouble: feed.trouble.clone(),
        })
    }

    /// The number of the feed of a room.
    pub fn feed_number(&self, room: &str) -> usize {
        self.of_room.get(room).copied().unwrap_or(0)
    }

    fn feed_of(&self, room: &str) -> Option<&Feed> {
        self.feeds.get(self.feed_number(room))
    }

    /// Takes what was set by hand in any room, as it is on disk; says whether people must hear of it.
    pub fn follow(&mut self, now: Now, boards: &Boards) -> bool {
        let mut is_news = false;
        for (room, board) in boards {
            let Some(set) = board.clock() else {
                if self.by_hand.remove(room).is_some() {
                    self.freed.insert(room.clone());
                    is_news = true;
                }
                continue;
            };
            if self.by_hand.get(room).is_none_or(|known| known.set != *set) {
                let now_ms = now.steady_ms();
                let age_ms = set.speed.contest_ms(now.wall_ms.saturating_sub(set.at_ms));
                let clock = ContestClock::old(set.reading, age_ms, now_ms).at_speed(set.speed);
                let beat = Beat::of_hand(clock, now_ms);
                self.by_hand.insert(room.clone(), HandClock { set: set.clone(), clock, beat });
                is_news = true;
            }
        }
        is_news
    }

    /// The local time of day is so far ahead of UTC, in ms.
    pub fn zone_ms(&self) -> i64 {
        self.zone_ms
    }

    /// Sets it.
    pub fn set_zone(&mut self, zone_ms: i64) {
        self.zone_ms = zone_ms;
    }

    /// The clock of a room, once it was read or set.
    pub fn of(&self, room: &str) -> Option<ContestClock> {
        self.by_hand.get(room).map(|hand| hand.clock).or_else(|| self.feed_of(room)?.clock)
    }

    /// What people see of the time in a room.
    pub fn shown(&self, room: &str, now: Now) -> ShownTime {
        let (now_ms, clock) = (now.steady_ms(), self.of(room));
        let over_ms = clock.map_or(0, |clock| clock.over_ms(now_ms));
        let speed = clock.map(|clock| clock.speed()).unwrap_or_default();
        ShownTime { wall_ms: now.wall_ms, reading: self.reading(room, now_ms), over_ms, speed }
    }

    /// What the clock of a room shows, once it was read or set.
    pub fn reading(&self, room: &str, now_ms: i64) -> Option<Reading> {
        match self.by_hand.get(room) {
            Some(hand) => Some(hand.clock.at(now_ms).over_at_end()),
            None => Some(self.feed_of(room)?.clock?.at(now_ms)),
        }
    }

    /// The same with where it is from.
    pub fn dial(&self, room: &str, now_ms: i64) -> Option<Dial<'_>> {
        let set = self.by_hand.get(room).map(|hand| &hand.set);
        let heard_ms = self.feed_of(room).and_then(|feed| feed.trouble.as_ref().and(feed.heard_ms));
        let is_long = |heard_ms: &i64| now_ms.saturating_sub(*heard_ms) >= limits::CLOCK_SILENCE_MS;
        let silent_since_ms = heard_ms.filter(|heard_ms| set.is_none() && is_long(heard_ms));
        let over_ms = self.of(room).map_or(0, |clock| clock.over_ms(now_ms));
        self.reading(room, now_ms).map(|reading| Dial { reading, set, silent_since_ms, zone_ms: self.zone_ms, over_ms })
    }

    /// The clock of a room for whoever decides on what was set last, which need not be on disk yet.
    pub fn now(&self, room: &str, set: Option<&SetClock>, now: Now) -> ClockNow {
        let reading = match (set, self.by_hand.get(room)) {
            (Some(set), Some(hand)) if hand.set == *set => Some(hand.clock.at(now.steady_ms()).over_at_end()),
            (Some(set), _) => Some(set.at(now.wall_ms)),
            (None, _) => self.feed_of(room).and_then(|feed| Some(feed.clock?.at(now.steady_ms()))),
        };
        let speed = set.map(|set| set.speed).unwrap_or_default();
        ClockNow { reading, is_by_hand: set.is_some(), speed, zone_ms: self.zone_ms }
    }

    /// Whether it is time that people of some rooms hear of their clock again. In every phase: a client that has missed a
    /// change goes wrong until the next message.
    pub fn tick(&mut self, now_ms: i64) -> bool {
        let mut is_due = false;
        for feed in self.feeds.iter_mut().filter(|feed| feed.beat.next_ms <= now_ms) {
            feed.beat = Beat::now(now_ms, feed.turns_at_ms(now_ms));
            is_due = true;
        }
        for hand in self.by_hand.values_mut().filter(|hand| hand.beat.next_ms <= now_ms) {
            hand.beat = Beat::of_hand(hand.clock, now_ms);
            is_due = true;
        }
        is_due
    }

    /// Whether the people of that room are to hear of its clock now.
    pub fn is_news(&self, room: &str) -> bool {
        match self.by_hand.get(room) {
            Some(hand) => hand.beat.is_due,
            None => self.freed.contains(room) || self.feed_of(room).is_some_and(|feed| feed.beat.is_due),
        }
    }

    /// All of them are told.
    pub fn said(&mut self) {
        let of_feeds = self.feeds.iter_mut().map(|feed| &mut feed.beat);
        of_feeds.chain(self.by_hand.values_mut().map(|hand| &mut hand.beat)).for_each(|beat| beat.is_due = false);
        self.freed.clear();
    }

    /// When [`Clocks::tick`] says so, in ms.
    pub fn next_tick_ms(&self) -> i64 {
        let of_feeds = self.feeds.iter().map(|feed| feed.beat.next_ms);
        of_feeds.chain(self.by_hand.values().map(|hand| hand.beat.next_ms)).fold(i64::MAX, i64::min)
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

    #[test]
    fn feeds_that_stay_go_on_where_others_come_and_go_around_them() {
        let mut clocks = Clocks::new(BTreeMap::from([("school".into(), 1), ("finals".into(), 2)]));
        for feed in 0..3 {
            clocks.read_feed(0, feed, running(1_000 * (feed as i64 + 1)), Precision::Exact);
        }
        clocks.said();
        clocks.renew(BTreeMap::from([("school".into(), 1), ("finals".into(), 2)]), &[None, Some(1), Some(0)]);
        let shows = |room| clocks.reading(room, 0).map(|reading| reading.elapsed_ms);
        assert_eq!((shows("neerc"), shows("school"), shows("finals")), (None, Some(2_000), Some(1_000)));
        assert_eq!((clocks.is_news("school"), clocks.is_news("finals")), (false, true));
        clocks.renew(BTreeMap::new(), &[Some(1)]);
        assert_eq!(clocks.reading("finals", 0).map(|reading| reading.elapsed_ms), Some(2_000));
        assert!(!clocks.read_feed(0, 1, running(0), Precision::Exact), "there is no second one any more");
    }

    #[test]
    fn each_room_goes_by_its_own_feed_and_a_silent_one_runs_on_and_is_said() {
        let mut clocks = Clocks::new(BTreeMap::from([("school".into(), 1)]));
        assert!(clocks.read_feed(0, 0, running(5_000), Precision::Exact));
        assert_eq!(
            (clocks.reading("neerc", 1_000).map(|r| r.elapsed_ms), clocks.reading("school", 1_000)),
            (Some(6_000), None)
        );
        assert!(!clocks.read_feed(0, 2, running(1), Precision::Exact), "there is no third one");
        assert!(clocks.not_heard(0, "busy".to_owned()) && !clocks.not_heard(0, "busy".to_owned()));
        let silent = |clocks: &Clocks, now_ms| clocks.dial("neerc", now_ms).and_then(|dial| dial.silent_since_ms);
        assert_eq!((silent(&clocks, 59_999), silent(&clocks, 60_000)), (None, Some(0)));
        assert_eq!(clocks.reading("neerc", 60_000).map(|r| r.elapsed_ms), Some(65_000));
        let states: Vec<FeedState> = clocks.feeds(60_000).collect();
        assert_eq!((states[0].age_ms, states[0].trouble.as_deref()), (Some(60_000), Some("busy")));
        assert_eq!(states[1], FeedState { reading: None, over_ms: 0, age_ms: None, trouble: None });
        clocks.heard(61_000, 0);
        assert_eq!(silent(&clocks, 500_000), None);
        let over = Reading { phase: Phase::Over, ..running(18_000_000) };
        assert!(clocks.read_feed(70_000, 0, over, Precision::Exact));
        assert!(clocks.not_heard(0, "knows no such contest (404)".to_owned()));
        assert_eq!(clocks.reading("neerc", i64::MAX), Some(over), "over stays over");
    }
}
