//! What was promised, and what is known of it from outside.

use crate::due::{WallTime, has_come};
use crate::hand::{Hand, after, over_at_end};
use crate::life::{MINUTE_MS, Process, ROOMS};
use crate::reminders::Reminders;
use crate::system::{Stand, nothing};
use neerc_core::board::Boards;
use neerc_core::change::{Change, Entry, Room};
use neerc_core::clock::hand::{ClockAct, SetClock};
use neerc_core::clock::{Phase, Reading};
use neerc_core::limits;
use neerc_core::moment::DueAt;
use neerc_core::plan::{Consent, PlanId, Planned};
use neerc_testing::lists::Lists;
use std::collections::{BTreeMap, BTreeSet};

/// How long something may take that is done at once: a commit and the one before it, and a start.
pub const SLACK_MS: i64 = 3_000;
/// How far off a clock may be whose system tells its start.
pub const NEAR_MS: i64 = 1_000;

/// A look at a feed.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// What is true.
    pub stand: Stand,
    /// Of which documents.
    pub version: u64,
    /// What was seen counts.
    pub settles: bool,
}

/// What a feed's clock may show.
#[derive(Default)]
struct Window {
    /// Everything that was seen since two looks agreed; the last one first.
    stands: Vec<Stand>,
    last_version: Option<u64>,
    /// Since when there is only one, in ms.
    settled_ms: Option<i64>,
    /// Since when it is over by all accounts, in ms; by some it may have been before.
    surely_over_ms: Option<i64>,
}

impl Window {
    /// One that is known from before a start.
    fn restored(stand: Stand) -> Window {
        let surely_over_ms = Some(stand.at_ms - stand.over_ms).filter(|_| is_at_end(stand));
        Window { stands: vec![stand], last_version: None, settled_ms: Some(stand.at_ms), surely_over_ms }
    }
}

fn is_at_end(stand: Stand) -> bool {
    stand.phase == Phase::Over || stand.phase == Phase::Running && stand.elapsed_ms >= stand.total_ms
}

/// All of them.
#[derive(Default)]
pub struct Promises {
    feeds: [Window; 2],
    pub by_hand: BTreeMap<Room, (Hand, SetClock, i64)>,
    /// The boards, as what is on disk makes them.
    pub boards: Boards,
    /// The checklists that are gone through.
    pub lists: Lists,
    pub reminders: Reminders,
    /// The rooms that rehearse, each with what its clock was set to before.
    pub rehearsals: BTreeMap<Room, Option<SetClock>>,
    /// When each was planned, and of a line of a checklist when its turn came.
    planned_ms: BTreeMap<(Room, PlanId), i64>,
    done: BTreeSet<(Room, PlanId)>,
    lapsed: BTreeSet<(Room, PlanId)>,
    /// When people were asked about each, by this process.
    asked: BTreeMap<(Room, PlanId), i64>,
    /// When something was refused last, and when the machine woke up last.
    pub refused_ms: i64,
    pub slept_ms: i64,
    pub wall: WallTime,
}

pub fn place(room: &str) -> usize {
    ROOMS.iter().position(|name| *name == room).expect("a room")
}

impl Promises {
    /// The process starts; its feeds have shown this when it was last known.
    pub fn started(&mut self, now_ms: i64, wall_ms: i64, restored: Vec<(usize, Stand)>) {
        self.asked.clear();
        for (hand, _, since_ms) in self.by_hand.values_mut() {
            hand.stand = Stand { at_ms: now_ms, ..hand.set.at(wall_ms.max(hand.set.at_ms)) };
            *since_ms = now_ms;
        }
        self.feeds = Default::default();
        for (feed, stand) in restored {
            self.feeds[feed] = Window::restored(stand);
        }
    }

    /// A feed is looked at.
    pub fn seen(&mut self, feed: usize, Seen { stand, version, settles }: Seen) {
        let Window { stands, last_version, settled_ms, surely_over_ms } = &mut self.feeds[feed];
        // That it is over counts from when it was known to be, and what is said of its past after its end changes nothing.
        let last = stands.first().map(|last| last.at(stand.at_ms));
        let over_ms = match stand.phase {
            Phase::Over => last.map_or(0, |last| last.over_ms),
            _ if is_at_end(stand) => {
                let known_ms = last.map_or(0, |last| last.shown_ms() + last.over_ms - stand.total_ms);
                stand.over_ms.max(known_ms)
            }
            _ => 0,
        };
        let is_changed = last_version.is_some_and(|last| last != version);
        // An end that is so near that the server's time cannot tell counts from the next look on.
        let is_new = is_changed || settled_ms.is_none() || last.is_none_or(|last| last.phase != stand.phase);
        let ended_ms = if is_new { Some(stand.at_ms) } else { Some(surely_over_ms.unwrap_or(stand.at_ms)) };
        *surely_over_ms = ended_ms.filter(|_| is_at_end(stand));
        let stand = Stand { over_ms, ..stand };
        let is_same = last_version.replace(version) == Some(version);
        let agrees = settles && (feed == 1 || is_same);
        let is_news = stands.first().is_none_or(|last| {
            let (now, last) = (stand, last.at(stand.at_ms));
            (now.phase, now.total_ms) != (last.phase, last.total_ms) || now.shown_ms() != last.shown_ms()
        });
        if agrees {
            *stands = vec![stand];
            if is_news || settled_ms.is_none() {
                *settled_ms = Some(stand.at_ms);
            }
        } else {
            stands.insert(0, stand);
            *settled_ms = None;
        }
    }

    /// An admin has done something to a clock, or was refused. `before`: as it was set before, which need not be on disk;
    /// `feed`: what the feed shows.
    pub fn set_by_hand(
        &self,
        room: &str,
        act: ClockAct,
        (before, feed): (Option<&SetClock>, Option<Reading>),
        made: Option<&Option<SetClock>>,
        (now_ms, wall_ms): (i64, i64),
    ) {
        if act == ClockAct::Follow {
            assert_eq!(made, before.map(|_| &None), "to follow its feed again is to forget what was set");
            return;
        }
        let shown = self.shown(room, (before, feed), (now_ms, wall_ms));
        let wanted = after(act, shown, wall_ms.rem_euclid(24 * 60 * MINUTE_MS), nothing(now_ms));
        match (wanted, made) {
            (None, None) => {}
            (Some(wanted), Some(Some(made))) => {
                let reading = made.reading;
                let off_ms = (reading.elapsed_ms - wanted.elapsed_ms).abs();
                let is_right = (reading.phase, reading.total_ms, i64::from(made.speed.times()))
                    == (wanted.phase, wanted.total_ms, wanted.speed)
                    && off_ms <= 2 * wanted.speed;
                assert!(is_right, "{act:?} on {shown:?} makes {reading:?} and not {wanted:?}");
            }
            (Some(wanted), None) => {
                let is_same = before.is_some() && shown.is_some_and(|shown| Stand { at_ms: now_ms, ..wanted } == shown);
                assert!(is_same, "{act:?} on {shown:?} changes nothing");
            }
            _ => panic!("{act:?} on {shown:?} makes {made:?} and not {wanted:?}"),
        }
    }

    /// What somebody who sets the clock of a room finds.
    pub fn shown(
        &self,
        room: &str,
        (before, feed): (Option<&SetClock>, Option<Reading>),
        (now_ms, wall_ms): (i64, i64),
    ) -> Option<Stand> {
        let shown = match before {
            Some(set) => Some(match self.by_hand.get(room) {
                Some((hand, known, _)) if known == set => hand.at(now_ms),
                _ => over_at_end(Stand::of_set(set).at(wall_ms.max(set.at_ms))),
            }),
            None => feed.map(|reading| Stand::of(now_ms, reading)),
        };
        shown.map(|stand| Stand { at_ms: now_ms, ..stand })
    }

    /// What the clock of a room may show now.
    fn may_show(&self, room: &str, now_ms: i64) -> Vec<Stand> {
        match self.by_hand.get(room) {
            Some((hand, ..)) => vec![hand.at(now_ms)],
            None => self
                .feeds
                .get(place(room))
                .map_or(Vec::new(), |feed| feed.stands.iter().map(|stand| stand.at(now_ms)).collect()),
        }
    }

    /// Since when the feed of a room is over by all accounts.
    fn surely_over_ms(&self, room: &str) -> Option<i64> {
        if self.by_hand.contains_key(room) { None } else { self.feeds.get(place(room))?.surely_over_ms }
    }

    fn check_due(&self, room: &str, planned: &Planned, now_ms: i64) {
        let planned_ms = self.planned_ms.get(&(room.into(), planned.id));
        let planned_ms = *planned_ms.unwrap_or_else(|| panic!("it is not planned, or not its turn: {planned:?}"));
        let known = self.boards.get(room).and_then(|board| board.plan().entry(planned.id));
        let known = known.map(|known| known.schedule);
        assert_eq!(Some(planned.schedule), known, "{room}: is planned for another moment: {planned:?}");
        if let Some(due) = planned.schedule.due {
            self.check_come(room, due, planned_ms, now_ms);
        }
    }

    /// The moment of something that is known since then has come.
    pub fn check_come(&self, room: &str, due: DueAt, known_ms: i64, now_ms: i64) {
        let early_ms = match place(room) {
            _ if self.by_hand.contains_key(room) => 2 * self.speed(room),
            1 => limits::CLOCK_SMOOTHING_MS,
            _ => NEAR_MS,
        };
        let moment = match due {
            DueAt::Contest(moment) => moment,
            DueAt::Day { at_ms } => {
                assert!(self.wall.has_shown(at_ms, known_ms, now_ms), "{room}: is due before its time: {due:?}");
                return;
            }
        };
        let stands = self.may_show(room, now_ms);
        // A start counts at once and a length when two looks agree, so those of different looks may meet.
        let at_length = |stand: Stand| stands.iter().map(move |other| Stand { total_ms: other.total_ms, ..stand });
        let is_due = stands.iter().flat_map(|stand| at_length(*stand)).any(|stand| has_come(moment, stand, early_ms));
        assert!(is_due, "{room}: is due before its moment: {moment:?} by {stands:?}");
    }

    /// How fast the time of a room passes.
    pub fn speed(&self, room: &str) -> i64 {
        self.by_hand.get(room).map_or(1, |(hand, ..)| hand.set.speed)
    }

    /// A planned task is handed out, by the planner or by an admin.
    pub fn handed_out(&self, room: &str, planned: &Planned, by_planner: bool, now_ms: i64) {
        if by_planner {
            assert_eq!(planned.schedule.consent, Consent::NotNeeded, "somebody is asked first: {planned:?}");
            self.check_due(room, planned, now_ms);
        }
    }

    /// Whoever planned it is asked first.
    pub fn asked_first(&mut self, room: &Room, planned: &Planned, now_ms: i64) {
        self.check_due(room, planned, now_ms);
        let key = (room.clone(), planned.id);
        assert!(!self.lapsed.contains(&key), "asked although it has lapsed: {planned:?}");
        assert!(self.asked.insert(key, now_ms).is_none(), "asked twice: {planned:?}");
    }

    /// What somebody was asked about.
    pub fn asked(&self) -> impl Iterator<Item = (Room, PlanId)> + '_ {
        self.asked.keys().filter(|key| !self.done.contains(key)).cloned()
    }

    /// It is on disk.
    pub fn stored(&mut self, entry: &Entry, now_ms: i64, wall_ms: i64) {
        let room = entry.room.clone();
        self.reminders.stored(entry, &self.boards, now_ms);
        self.check_rehearsal(entry);
        self.applied(entry, now_ms);
        match &entry.change {
            Change::Planned(planned) => drop(self.planned_ms.insert((room, planned.id), now_ms)),
            Change::Replanned { plan, .. } => {
                let key = (room, *plan);
                self.planned_ms.entry(key.clone()).and_modify(|planned_ms| *planned_ms = now_ms);
                self.lapsed.remove(&key);
                self.asked.remove(&key);
            }
            Change::Lapsed { plan } => {
                let key = (room, *plan);
                let asked_ms = self.asked.get(&key).copied();
                let is_old = asked_ms.is_some_and(|asked_ms| now_ms - asked_ms >= limits::PLAN_LAPSE_MS);
                assert!(is_old, "{plan} lapses, about which people are asked since {asked_ms:?}, at {now_ms}");
                assert!(self.lapsed.insert(key), "{plan} lapses twice");
            }
            Change::Created { plan: Some(plan), .. } => {
                assert!(self.done.insert((room.clone(), *plan)), "{plan} is handed out twice in {room}");
            }
            Change::Clocked(set) => self.set(room, set.clone(), now_ms, wall_ms),
            Change::Rehearsed(set) => {
                let before = self.by_hand.get(&room).map(|(_, set, _)| set.clone());
                self.rehearsals.insert(room.clone(), before);
                self.set(room, Some(set.clone()), now_ms, wall_ms);
            }
            Change::RehearsalEnded { .. } => {
                let before = self.rehearsals.remove(&room).expect("a rehearsal");
                self.set(room, before, now_ms, wall_ms);
            }
            Change::Unplanned { .. }
            | Change::Created { .. }
            | Change::Answered { .. }
            | Change::Removed { .. }
            | Change::Reminded { .. }
            | Change::Begun { .. }
            | Change::Stopped { .. } => {}
            other => panic!("nobody asked for {other:?}"),
        }
    }

    /// Applies a change: what is planned no more is forgotten, and the turn of lines of checklists may have come.
    fn applied(&mut self, entry: &Entry, now_ms: i64) {
        if let Change::Created { plan: Some(plan), .. } = &entry.change {
            let is_planned = self.planned_ms.contains_key(&(entry.room.clone(), *plan));
            assert!(is_planned, "{}: {plan} is handed out, and is not planned any more", entry.room);
        }
        let board = self.boards.entry(entry.room.clone()).or_default();
        board.apply(entry.revision, &entry.change);
        let come = self.lists.committed(place(&entry.room), entry, board);
        self.planned_ms.extend(come.into_iter().map(|plan| ((entry.room.clone(), plan), now_ms)));
        self.planned_ms.retain(|(room, plan), _| *room != entry.room || board.plan().entry(*plan).is_some());
    }

    /// The clock of a room is set, or not set any more.
    fn set(&mut self, room: Room, made: Option<SetClock>, now_ms: i64, wall_ms: i64) {
        self.by_hand.remove(&room);
        if let Some(made) = made {
            let set = Stand::of_set(&made);
            let hand = Hand { set, stand: Stand { at_ms: now_ms, ..set.at(wall_ms.max(set.at_ms)) } };
            self.by_hand.insert(room, (hand, made, now_ms));
        }
    }

    /// What people see of a clock is what it has to show; says whether that is known.
    pub fn check_shown(&self, room: &str, shown: Option<Reading>, now_ms: i64) -> bool {
        let is_by_hand = self.by_hand.contains_key(room);
        let is_settled = is_by_hand || self.feeds.get(place(room)).is_some_and(|feed| feed.settled_ms.is_some());
        let (true, [stand]) = (is_settled, &self.may_show(room, now_ms)[..]) else { return false };
        let Some(shown) = shown else { panic!("{room} has no clock, and it is {stand:?}") };
        let off_ms = shown.elapsed_ms - stand.shown_ms();
        let is_near = match place(room) {
            _ if is_by_hand => off_ms.abs() <= 2 * stand.speed,
            1 => (-NEAR_MS..=limits::CLOCK_SMOOTHING_MS).contains(&off_ms),
            _ => off_ms.abs() <= NEAR_MS,
        };
        let near_ms = NEAR_MS.max(2 * stand.speed);
        let begins = |phase| matches!(phase, Phase::Counting | Phase::Running) && stand.elapsed_ms.abs() <= near_ms;
        let is_phase = shown.phase == stand.phase || begins(shown.phase) && begins(stand.phase);
        let is_right = is_near && is_phase && shown.total_ms == stand.total_ms;
        assert!(is_right, "{room} shows {shown:?}, and it is {stand:?}, by {off_ms} ms");
        true
    }

    /// Whether a moment had come by then for all who looked.
    pub fn has_surely_come(&self, due: DueAt, then: Option<Stand>, since_ms: i64) -> bool {
        match due {
            DueAt::Contest(moment) => then.is_some_and(|then| has_come(moment, then, -NEAR_MS - 2 * then.speed)),
            DueAt::Day { at_ms } => {
                self.wall.set_ms() + limits::DEADLINE_LOOK_MS < since_ms && self.wall.at(since_ms) >= at_ms
            }
        }
    }

    /// What the clock of a room showed then, if there is no doubt.
    pub fn surely(&self, room: &str, since_ms: i64) -> Option<Stand> {
        let settled_ms = match self.by_hand.get(room) {
            Some((.., since_ms)) => Some(*since_ms),
            None => self.feeds.get(place(room)).and_then(|feed| feed.settled_ms),
        };
        let stands = self.may_show(room, since_ms);
        let is_settled = settled_ms.is_some_and(|ms| ms < since_ms);
        stands.first().filter(|_| is_settled && stands.len() == 1).map(|then| match self.surely_over_ms(room) {
            Some(over_ms) => Stand { over_ms: (since_ms - over_ms).clamp(0, then.over_ms.max(0)), ..*then },
            None => *then,
        })
    }

    /// Whether nothing has kept the service from doing all that was due by then.
    pub fn is_quiet(&self, process: &Process, since_ms: i64) -> bool {
        [process.began_ms, process.known_ms, self.slept_ms].iter().all(|ms| *ms < since_ms)
            && self.refused_ms + limits::RETRY_PLAN_MS < since_ms
    }

    /// Nothing that was due some time ago is still planned.
    pub fn check_lost(&self, process: &Process, now_ms: i64) {
        let since_ms = now_ms - SLACK_MS;
        if !self.is_quiet(process, since_ms) {
            return;
        }
        for (room, board) in process.desk.ledger.boards() {
            let then = self.surely(room, since_ms);
            for planned in board.plan().entries() {
                let key = (room.clone(), planned.id);
                let is_old = self.planned_ms.get(&key).is_some_and(|planned_ms| *planned_ms < since_ms);
                let is_due = planned.schedule.due.is_none_or(|due| self.has_surely_come(due, then, since_ms));
                if is_old && is_due {
                    let asks = planned.schedule.consent == Consent::Required;
                    let is_asked = asks && (self.asked.contains_key(&key) || self.lapsed.contains(&key));
                    assert!(is_asked, "{room}: was due and is not handed out: {planned:?} by {then:?}");
                }
                if let Some(asked_ms) = self.asked.get(&key).filter(|_| !self.lapsed.contains(&key)) {
                    let for_ms = since_ms - asked_ms;
                    assert!(for_ms < limits::PLAN_LAPSE_MS, "{room}: has not lapsed: {planned:?}, after {for_ms} ms");
                }
            }
        }
    }
}
