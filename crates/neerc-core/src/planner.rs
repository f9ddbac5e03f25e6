//! What is due by the contest clock: a planned task is handed out in the name of whoever planned it, with the rights they
//! have at that moment, or they are asked first. What is planned is on the boards; here is only what was asked for and is
//! under way. Not the clock, and not how people are told.
//!
//! Whoever runs the loop calls [`Planner::look`] in each round, hands the asks to the ledger and the answers to
//! [`Planner::answered`].

use crate::board::Done;
use crate::change::{Effect, Room};
use crate::clock::ContestClock;
use crate::command::Command;
use crate::ledger::{Ask, Face, Rooms, Token};
use crate::limits;
use crate::plan::{Consent, Lateness, Plan, PlanId, Planned};
use crate::refusal::Refusal;
use crate::task::TaskId;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};

/// What is to be done, since its moment has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DuePlan {
    /// A planned task is to be handed out: the ledger is to be asked this.
    HandOut(Ask),
    /// Whoever planned it has to say first that it is to be handed out. Nothing is said of it a second time.
    AskFirst {
        /// The room.
        room: Room,
        /// What is planned.
        planned: Planned,
    },
}

/// What came of handing out a planned task, for whoever planned it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOut {
    /// The room.
    pub room: Room,
    /// What was planned.
    pub planned: Planned,
    /// The task that it is now, or why it is none. Then it stays planned, and is left to people.
    pub outcome: Result<TaskId, Refusal>,
    /// By how much its moment had passed, if it had: the clock has jumped, or the service was not running.
    pub lateness: Option<Lateness>,
}

/// What decides whether a room has to be looked at closely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    /// The number of the next planned task, and how many there are.
    plan: (u64, usize),
    clock: Option<ContestClock>,
    is_known: bool,
}

/// One room.
#[derive(Debug, Default)]
struct Watch {
    /// As of the last look.
    seen: Option<Seen>,
    /// Left to people: whoever planned these was asked, or could not hand them out.
    left: BTreeSet<PlanId>,
    under_way: BTreeSet<PlanId>,
}

/// The planner.
#[derive(Debug)]
pub struct Planner {
    rooms: BTreeMap<Room, Watch>,
    /// The asks that are under way, by number.
    asks: BTreeMap<u64, (Room, Planned, Option<Lateness>)>,
    /// The number of the next ask.
    next: u64,
    /// When to look closely although nothing has changed, in ms.
    look_ms: i64,
}

impl Default for Planner {
    fn default() -> Planner {
        Planner { rooms: BTreeMap::new(), asks: BTreeMap::new(), next: 0, look_ms: i64::MAX }
    }
}

impl Planner {
    /// What is due now. It looks closely only where something may be: it is cheap to call.
    pub fn look(&mut self, now_ms: i64, world: World<'_>, rooms: &impl Rooms) -> Vec<DuePlan> {
        let mut due = Vec::new();
        if !self.has_changed(world, rooms) && now_ms < self.look_ms {
            return due;
        }
        self.look_ms = i64::MAX;
        for (room, board) in world.boards() {
            let Some(watch) = self.rooms.get_mut(room) else { continue };
            watch.left.retain(|plan| board.plan().entry(*plan).is_some());
            // Without the people of the room nobody has any rights.
            let reading = world.reading(room, now_ms).filter(|_| rooms.is_known(room));
            let Some(reading) = reading else { continue };
            if let Some(left_ms) = board.plan().next_due_ms(reading) {
                self.look_ms = self.look_ms.min(now_ms.saturating_add(left_ms));
            }
            let Watch { left, under_way, .. } = watch;
            let is_new = |planned: &&Planned| !left.contains(&planned.id) && !under_way.contains(&planned.id);
            let planned: Vec<Planned> = board.plan().due(reading).filter(is_new).cloned().collect();
            for planned in planned {
                if self.asks.len() >= limits::WRITES_WAITING {
                    self.look_ms = self.look_ms.min(now_ms + limits::RETRY_PLAN_MS);
                    break;
                }
                let lateness = planned.schedule.lateness(reading);
                due.push(self.come(room, planned, lateness));
            }
        }
        due
    }

    /// Whether plans, clock or people of a room are others than at the last look.
    fn has_changed(&mut self, world: World<'_>, rooms: &impl Rooms) -> bool {
        let mut has_changed = false;
        for (room, board) in world.boards() {
            let plan: &Plan = board.plan();
            let clock = world.clock(room);
            let seen = Some(Seen { plan: (plan.next(), plan.len()), clock, is_known: rooms.is_known(room) });
            match self.rooms.get_mut(room) {
                Some(watch) => has_changed |= std::mem::replace(&mut watch.seen, seen) != seen,
                None => {
                    self.rooms.insert(room.clone(), Watch { seen, ..Watch::default() });
                    has_changed = true;
                }
            }
        }
        has_changed
    }

    /// The moment of a planned task has come.
    fn come(&mut self, room: &Room, planned: Planned, lateness: Option<Lateness>) -> DuePlan {
        let watch = self.rooms.entry(room.clone()).or_default();
        if planned.schedule.consent == Consent::Required {
            watch.left.insert(planned.id);
            return DuePlan::AskFirst { room: room.clone(), planned };
        }
        watch.under_way.insert(planned.id);
        let token = Token { face: Face::Planner, number: self.next };
        let (who, command) = (planned.by.clone(), Command::Fulfil { plan: planned.id });
        self.asks.insert(self.next, (room.clone(), planned, lateness));
        self.next += 1;
        DuePlan::HandOut(Ask { token, room: room.clone(), who, command })
    }

    /// The ask of that number is decided; what of it is to be told.
    pub fn answered(&mut self, now_ms: i64, number: u64, outcome: Result<Done, Refusal>) -> Option<HandedOut> {
        let (room, planned, lateness) = self.asks.remove(&number)?;
        let Watch { left, under_way, .. } = self.rooms.entry(room.clone()).or_default();
        under_way.remove(&planned.id);
        let outcome = match outcome {
            Ok(Done { effect: Effect::Created { task, .. }, .. }) => Ok(task),
            Ok(_) | Err(Refusal::UnknownPlan { .. }) => return None, // an admin was quicker
            Err(Refusal::NotDurable | Refusal::Busy) => {
                self.look_ms = self.look_ms.min(now_ms + limits::RETRY_PLAN_MS);
                return None;
            }
            Err(refusal) => {
                left.insert(planned.id);
                Err(refusal)
            }
        };
        Some(HandedOut { room, planned, outcome, lateness })
    }

    /// When [`Planner::look`] finds something although nothing changes but the time, in ms.
    pub fn next_look_ms(&self) -> i64 {
        self.look_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::{Board, Boards};
    use crate::clock::{Phase, Reading};
    use crate::clocks::Clocks;
    use crate::people::{People, Person};
    use crate::plan::{Plan, Schedule};
    use crate::task::{Kind, Title};

    const MINUTE_MS: i64 = 60_000;

    /// Whether the people of all rooms are known.
    struct Known(bool);

    impl Rooms for Known {
        fn people(&mut self, _: &str) -> &People {
            unreachable!("nothing is decided here")
        }

        fn is_known(&self, _: &str) -> bool {
            self.0
        }
    }

    fn boards(schedules: &[&str]) -> Boards {
        let planned = schedules.iter().enumerate().map(|(n, text)| Planned {
            id: PlanId(n as u64 + 1),
            by: Person::from_bare("admin@localhost"),
            title: Title::parse("Announce").unwrap(),
            kind: Kind::Todo,
            names: vec!["halls".into()],
            schedule: Schedule::required(text).unwrap(),
        });
        let board = Board::default().with_plan(Plan::restore(planned, 1));
        Boards::from([("neerc".into(), board)])
    }

    fn running(minutes: i64) -> Clocks {
        let mut clocks = Clocks::default();
        let total_ms = 300 * MINUTE_MS;
        clocks.read(0, Reading { elapsed_ms: minutes * MINUTE_MS, total_ms, phase: Phase::Running });
        clocks
    }

    /// The numbers of what is handed out and of what is asked about.
    fn numbers(due: &[DuePlan]) -> (Vec<u64>, Vec<u64>) {
        let (mut handed_out, mut asked) = (Vec::new(), Vec::new());
        for due in due {
            match due {
                DuePlan::HandOut(Ask { command: Command::Fulfil { plan }, .. }) => handed_out.push(plan.0),
                DuePlan::HandOut(ask) => panic!("{ask:?}"),
                DuePlan::AskFirst { planned, .. } => asked.push(planned.id.0),
            }
        }
        (handed_out, asked)
    }

    #[test]
    fn what_is_due_is_asked_for_once_and_what_comes_later_is_waited_for() {
        let (boards, clocks, mut planner) = (boards(&["start!", "start", "start+5!"]), running(0), Planner::default());
        let world = World::new(&boards, &clocks);
        assert_eq!(numbers(&planner.look(0, world, &Known(true))), (vec![1], vec![2]));
        assert_eq!(planner.next_look_ms(), 5 * MINUTE_MS);
        assert_eq!(planner.look(5 * MINUTE_MS - 1, world, &Known(true)), []);
        assert_eq!(numbers(&planner.look(5 * MINUTE_MS, world, &Known(true))), (vec![3], vec![]));
        assert_eq!(planner.look(i64::MAX, world, &Known(true)), []);
    }

    #[test]
    fn nothing_is_due_before_it_is_known_who_has_rights_and_what_the_clock_shows() {
        let (boards, mut planner) = (boards(&["start!"]), Planner::default());
        let (unread, running) = (Clocks::default(), running(0));
        assert_eq!(planner.look(0, World::new(&boards, &unread), &Known(true)), []);
        assert_eq!(planner.look(0, World::new(&boards, &running), &Known(false)), []);
        assert_eq!(numbers(&planner.look(0, World::new(&boards, &running), &Known(true))), (vec![1], vec![]));
    }

    #[test]
    fn what_could_not_be_stored_is_asked_for_again_and_what_was_refused_is_left_to_people() {
        let (boards, clocks, mut planner) = (boards(&["start!", "start!"]), running(0), Planner::default());
        let world = World::new(&boards, &clocks);
        let due = planner.look(0, world, &Known(true));
        let tokens: Vec<Token> =
            due.iter().filter_map(|due| if let DuePlan::HandOut(ask) = due { Some(ask.token) } else { None }).collect();
        assert!(tokens.iter().all(|token| token.face == Face::Planner));
        assert_eq!(planner.answered(7, tokens[0].number, Err(Refusal::NotDurable)), None);
        let handed_out = planner.answered(8, tokens[1].number, Err(Refusal::AdminsOnly)).expect("something to tell");
        assert_eq!((handed_out.planned.id.0, handed_out.outcome), (2, Err(Refusal::AdminsOnly)));
        assert_eq!(planner.answered(9, tokens[1].number, Ok(Done::default())), None, "it is answered once");
        assert_eq!(planner.next_look_ms(), 7 + limits::RETRY_PLAN_MS);
        assert_eq!(planner.look(9, world, &Known(true)), []);
        assert_eq!(numbers(&planner.look(7 + limits::RETRY_PLAN_MS, world, &Known(true))), (vec![1], vec![]));
    }
}
