//! What is due: a planned task is handed out in the name of whoever planned it, with the rights they have at that moment, or
//! they are asked first; whoever has not answered a task by its deadline is reminded, and then the admins are told. What is
//! planned and by when is on the boards; here is only what was asked for and is under way. Not the clock, and not how people
//! are told.
//!
//! Whoever runs the loop calls [`Planner::look`] in each round, hands the asks to the ledger and the answers to
//! [`Planner::answered`].

use crate::board::{Board, Done};
use crate::change::{Effect, Room};
use crate::clock::ContestClock;
use crate::command::Command;
use crate::deadline::Deadline;
use crate::ledger::{Ask, Face, Now, Rooms, Token};
use crate::limits;
use crate::moment::ShownTime;
use crate::plan::{Consent, Lateness, Plan, PlanId, Planned, Schedule};
use crate::refusal::Refusal;
use crate::task::TaskId;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};

/// What is to be done, since its moment has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// A planned task is to be handed out: the ledger is to be asked this.
    HandOut(Ask),
    /// Whoever planned it has to say first that it is to be handed out. Nothing is said of it a second time.
    AskFirst {
        /// The room.
        room: Room,
        /// What is planned.
        planned: Planned,
    },
    /// The deadline of a task has passed, or nobody has said for long whether a planned task is to be handed out, which is to
    /// be noted: the ledger is to be asked this. It is told as any change is.
    Note(Ask),
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
    /// The number of the next planned task, how many there are, and the steps of checklists.
    plan: (u64, usize, u64),
    clock: Option<ContestClock>,
    is_known: bool,
}

/// One room.
#[derive(Debug, Default)]
struct Watch {
    /// As of the last look.
    seen: Option<Seen>,
    /// Left to people, who were asked about these, or could not hand them out.
    left: BTreeMap<PlanId, Left>,
    under_way: BTreeSet<PlanId>,
    /// That the deadlines of these have passed is being noted.
    overdue: BTreeSet<TaskId>,
    /// Of the board at the last look at its deadlines.
    revision: u64,
}

/// What is left to people.
#[derive(Clone, Copy, Debug)]
struct Left {
    /// For when it was planned. If it is planned anew, it is left to nobody.
    schedule: Schedule,
    /// Since when people are asked, in ms, if they are.
    since_ms: Option<i64>,
}

/// An ask that is under way.
#[derive(Debug)]
enum Asked {
    Lapse(PlanId),
    HandOut(Planned, Option<Lateness>),
    Overdue(TaskId),
}

/// How long it is waited for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// From one reminder of a deadline to the next, in ms.
    pub remind_ms: i64,
    /// Until people are asked no more whether a planned task is to be handed out, in ms; `None`: they are for ever.
    pub lapse_ms: Option<i64>,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { remind_ms: limits::REMINDER_PAUSE_MS, lapse_ms: Some(limits::PLAN_LAPSE_MS) }
    }
}

/// The planner.
#[derive(Debug)]
pub struct Planner {
    patience: Patience,
    rooms: BTreeMap<Room, Watch>,
    /// The asks that are under way, by number.
    asks: BTreeMap<u64, (Room, Asked)>,
    /// The number of the next ask.
    next: u64,
    /// When to look closely although nothing has changed, in ms.
    look_ms: i64,
    /// When it was looked last, in ms.
    looked_ms: i64,
}

impl Default for Planner {
    fn default() -> Planner {
        Planner::new(Patience::default())
    }
}

impl Planner {
    /// A planner that waits so long for people.
    pub fn new(patience: Patience) -> Planner {
        let (rooms, asks) = (BTreeMap::new(), BTreeMap::new());
        Planner { patience, rooms, asks, next: 0, look_ms: i64::MAX, looked_ms: i64::MIN }
    }

    /// Waits so long for people from now on.
    pub fn wait_so_long(&mut self, patience: Patience) {
        (self.patience, self.look_ms) = (patience, i64::MIN);
    }

    /// What is due now. It looks closely only where something may be: it is cheap to call.
    pub fn look(&mut self, now: Now, world: World<'_>, rooms: &impl Rooms) -> Vec<Due> {
        let (mut due, now_ms) = (Vec::new(), now.steady_ms());
        if !self.has_changed(world, rooms) && now_ms < self.look_ms {
            return due;
        }
        (self.look_ms, self.looked_ms) = (i64::MAX, now_ms);
        for (room, board) in world.boards() {
            // Without the people of the room nobody has any rights.
            if !rooms.is_known(room) {
                continue;
            }
            let shown = world.shown(room, now);
            self.look_at_plan(now_ms, room, board.plan(), shown, &mut due);
            self.look_at_deadlines(now_ms, room, board, shown, &mut due);
        }
        due
    }

    fn look_at_plan(&mut self, now_ms: i64, room: &Room, plan: &Plan, shown: ShownTime, due: &mut Vec<Due>) {
        let Some(watch) = self.rooms.get_mut(room) else { return };
        watch.left.retain(|id, left| plan.entry(*id).is_some_and(|planned| planned.schedule == left.schedule));
        if let Some(left_ms) = plan.next_due_ms(shown) {
            self.look_ms = self.look_ms.min(now_ms.saturating_add(left_ms));
        }
        let Watch { left, under_way, .. } = watch;
        let is_new = |planned: &&Planned| {
            let id = planned.id;
            !left.contains_key(&id) && !under_way.contains(&id) && !plan.is_lapsed(id)
        };
        let planned: Vec<Planned> = plan.due(shown).filter(is_new).cloned().collect();
        for planned in planned {
            if self.is_full(now_ms) {
                break;
            }
            let lateness = planned.schedule.lateness(shown);
            due.push(self.come(now_ms, room, planned, lateness));
        }
        self.look_at_questions(now_ms, room, plan, due);
    }

    /// Whether people have been asked for long enough.
    fn look_at_questions(&mut self, now_ms: i64, room: &Room, plan: &Plan, due: &mut Vec<Due>) {
        let (Some(lapse_ms), Some(watch)) = (self.patience.lapse_ms, self.rooms.get_mut(room)) else { return };
        let Watch { left, under_way, .. } = watch;
        let asked = left.iter().filter_map(|(id, left)| Some((*id, left.since_ms?.saturating_add(lapse_ms))));
        let mut lapsed = Vec::new();
        for (id, lapses_ms) in asked.filter(|(id, _)| !under_way.contains(id) && !plan.is_lapsed(*id)) {
            if lapses_ms > now_ms {
                self.look_ms = self.look_ms.min(lapses_ms);
            } else {
                lapsed.extend(plan.entry(id));
            }
        }
        for planned in lapsed {
            if self.is_full(now_ms) {
                break;
            }
            self.rooms.entry(room.clone()).or_default().under_way.insert(planned.id);
            let token = self.token(room, Asked::Lapse(planned.id));
            let (who, command) = (planned.by.clone(), Command::NoteLapsed { plan: planned.id, due: planned.schedule });
            due.push(Due::Note(Ask { token, room: room.clone(), who, command, request: None, seen: None }));
        }
    }

    fn look_at_deadlines(&mut self, now_ms: i64, room: &Room, board: &Board, shown: ShownTime, due: &mut Vec<Due>) {
        if let Some(watch) = self.rooms.get_mut(room) {
            watch.revision = board.revision();
        }
        for (task, deadline) in board.deadlines() {
            let Some(left_ms) = deadline.left_ms(shown, self.patience.remind_ms) else { continue };
            let is_under_way = self.rooms.get(room).is_some_and(|watch| watch.overdue.contains(&task));
            if left_ms > 0 {
                self.look_ms = self.look_ms.min(now_ms.saturating_add(left_ms.min(limits::DEADLINE_LOOK_MS)));
            } else if !is_under_way && board.is_late(task) {
                if self.is_full(now_ms) {
                    break;
                }
                due.extend(self.pass(room, task, deadline));
            }
        }
    }

    /// Whether so much is under way that the rest has to wait.
    fn is_full(&mut self, now_ms: i64) -> bool {
        let is_full = self.asks.len() >= limits::WRITES_WAITING;
        if is_full {
            self.look_ms = self.look_ms.min(now_ms + limits::RETRY_PLAN_MS);
        }
        is_full
    }

    /// Whether plans, clock or people of a room are others than at the last look.
    fn has_changed(&mut self, world: World<'_>, rooms: &impl Rooms) -> bool {
        let mut has_changed = false;
        for (room, board) in world.boards() {
            let plan: &Plan = board.plan();
            let clock = world.clock(room);
            if board.deadlines().next().is_some()
                && self.rooms.get(room).is_some_and(|watch| watch.revision != board.revision())
            {
                self.look_ms = self.look_ms.min(self.looked_ms.saturating_add(limits::DEADLINE_REST_MS));
            }
            let seen =
                Some(Seen { plan: (plan.next(), plan.len(), plan.moves()), clock, is_known: rooms.is_known(room) });
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
    fn come(&mut self, now_ms: i64, room: &Room, planned: Planned, lateness: Option<Lateness>) -> Due {
        let watch = self.rooms.entry(room.clone()).or_default();
        if planned.schedule.consent == Consent::Required {
            watch.left.insert(planned.id, Left { schedule: planned.schedule, since_ms: Some(now_ms) });
            return Due::AskFirst { room: room.clone(), planned };
        }
        watch.under_way.insert(planned.id);
        let (who, command) = (planned.by.clone(), Command::Fulfil { plan: planned.id, due: Some(planned.schedule) });
        let token = self.token(room, Asked::HandOut(planned, lateness));
        Due::HandOut(Ask { token, room: room.clone(), who, command, request: None, seen: None })
    }

    /// The deadline of a task has passed, or is to be said again.
    fn pass(&mut self, room: &Room, task: TaskId, deadline: &Deadline) -> Option<Due> {
        let (round, _) = deadline.next()?;
        self.rooms.entry(room.clone()).or_default().overdue.insert(task);
        let (who, command) = (deadline.by.clone(), Command::NoteOverdue { task, round });
        let token = self.token(room, Asked::Overdue(task));
        Some(Due::Note(Ask { token, room: room.clone(), who, command, request: None, seen: None }))
    }

    fn token(&mut self, room: &Room, asked: Asked) -> Token {
        let token = Token { face: Face::Planner, number: self.next };
        self.asks.insert(self.next, (room.clone(), asked));
        self.next += 1;
        token
    }

    /// The ask of that number is decided; what of it is to be told.
    pub fn answered(&mut self, now_ms: i64, number: u64, outcome: Result<Done, Refusal>) -> Option<HandedOut> {
        let (room, asked) = self.asks.remove(&number)?;
        let Watch { left, under_way, overdue, .. } = self.rooms.entry(room.clone()).or_default();
        if let Err(Refusal::NotDurable | Refusal::Busy) = outcome {
            self.look_ms = self.look_ms.min(now_ms + limits::RETRY_PLAN_MS);
        }
        let (planned, lateness) = match asked {
            Asked::HandOut(planned, lateness) => (planned, lateness),
            Asked::Overdue(task) => {
                overdue.remove(&task);
                return None;
            }
            Asked::Lapse(plan) => {
                under_way.remove(&plan);
                return None;
            }
        };
        under_way.remove(&planned.id);
        let outcome = match outcome {
            Ok(Done { effect: Effect::Created { task, .. }, .. }) => Ok(task),
            Ok(_) | Err(Refusal::UnknownPlan { .. }) => return None, // an admin was quicker
            Err(Refusal::NotDurable | Refusal::Busy) => return None,
            Err(refusal) => {
                left.insert(planned.id, Left { schedule: planned.schedule, since_ms: None });
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
    use crate::board::Boards;
    use crate::change::Change;
    use crate::clock::{Phase, Reading, Speed};
    use crate::clocks::Clocks;
    use crate::deadline::RoundStep;
    use crate::people::{People, Person};
    use crate::plan::Timing;
    use crate::task::{Kind, Progress, Status, Title};

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
            schedule: Timing::required(text).unwrap().schedule(0, 0, Speed::REAL),
            turn: None,
        });
        let board = Board::default().with_plan(Plan::restore(planned, 1));
        Boards::from([("neerc".into(), board)])
    }

    fn at(now_ms: i64) -> Now {
        Now { steady_us: now_ms.saturating_mul(1_000), wall_ms: now_ms }
    }

    fn running(minutes: i64) -> Clocks {
        let mut clocks = Clocks::default();
        let total_ms = 300 * MINUTE_MS;
        clocks.read(0, Reading { elapsed_ms: minutes * MINUTE_MS, total_ms, phase: Phase::Running });
        clocks
    }

    /// The numbers of what is handed out and of what is asked about.
    fn numbers(due: &[Due]) -> (Vec<u64>, Vec<u64>) {
        let (mut handed_out, mut asked) = (Vec::new(), Vec::new());
        for due in due {
            match due {
                Due::HandOut(Ask { command: Command::Fulfil { plan, .. }, .. }) => handed_out.push(plan.0),
                Due::HandOut(ask) => panic!("{ask:?}"),
                Due::AskFirst { planned, .. } => asked.push(planned.id.0),
                Due::Note(ask) => panic!("{ask:?}"),
            }
        }
        (handed_out, asked)
    }

    #[test]
    fn what_is_due_is_asked_for_once_and_what_comes_later_is_waited_for() {
        let (boards, clocks, mut planner) = (boards(&["start!", "start", "start+5!"]), running(0), Planner::default());
        let world = World::new(&boards, &clocks);
        assert_eq!(numbers(&planner.look(at(0), world, &Known(true))), (vec![1], vec![2]));
        assert_eq!(planner.next_look_ms(), 5 * MINUTE_MS);
        assert_eq!(planner.look(at(5 * MINUTE_MS - 1), world, &Known(true)), []);
        assert_eq!(numbers(&planner.look(at(5 * MINUTE_MS), world, &Known(true))), (vec![3], vec![]));
        assert_eq!(planner.look(at(60 * MINUTE_MS - 1), world, &Known(true)), []);
    }

    #[test]
    fn nothing_is_due_before_it_is_known_who_has_rights_and_what_the_clock_shows() {
        let (boards, mut planner) = (boards(&["start!"]), Planner::default());
        let (unread, running) = (Clocks::default(), running(0));
        assert_eq!(planner.look(at(0), World::new(&boards, &unread), &Known(true)), []);
        assert_eq!(planner.look(at(0), World::new(&boards, &running), &Known(false)), []);
        assert_eq!(numbers(&planner.look(at(0), World::new(&boards, &running), &Known(true))), (vec![1], vec![]));
    }

    #[test]
    fn what_could_not_be_stored_is_asked_for_again_and_what_was_refused_is_left_to_people() {
        let (boards, clocks, mut planner) = (boards(&["start!", "start!"]), running(0), Planner::default());
        let world = World::new(&boards, &clocks);
        let due = planner.look(at(0), world, &Known(true));
        let tokens: Vec<Token> =
            due.iter().filter_map(|due| if let Due::HandOut(ask) = due { Some(ask.token) } else { None }).collect();
        assert!(tokens.iter().all(|token| token.face == Face::Planner));
        assert_eq!(planner.answered(7, tokens[0].number, Err(Refusal::NotDurable)), None);
        let handed_out = planner.answered(8, tokens[1].number, Err(Refusal::AdminsOnly)).expect("something to tell");
        assert_eq!((handed_out.planned.id.0, handed_out.outcome), (2, Err(Refusal::AdminsOnly)));
        assert_eq!(planner.answered(9, tokens[1].number, Ok(Done::default())), None, "it is answered once");
        assert_eq!(planner.next_look_ms(), 7 + limits::RETRY_PLAN_MS);
        assert_eq!(planner.look(at(9), world, &Known(true)), []);
        assert_eq!(numbers(&planner.look(at(7 + limits::RETRY_PLAN_MS), world, &Known(true))), (vec![1], vec![]));
    }

    /// Decides what is due on the board itself; returns whom it asks first, and what has lapsed.
    fn settle(boards: &mut Boards, planner: &mut Planner, now_ms: i64, clocks: &Clocks) -> (Vec<u64>, Vec<u64>) {
        let (mut asked, mut lapsed) = (Vec::new(), Vec::new());
        for due in planner.look(at(now_ms), World::new(boards, clocks), &Known(true)) {
            match due {
                Due::AskFirst { planned, .. } => asked.push(planned.id.0),
                Due::HandOut(ask) => panic!("{ask:?}"),
                Due::Note(ask) => {
                    let board = boards.get_mut("neerc").unwrap();
                    let decision = board.decide(now_ms, &ask.who, &People::default(), &ask.command).unwrap();
                    let done = decision.done();
                    let Some(Change::Lapsed { plan }) = decision.change else { panic!("{decision:?}") };
                    lapsed.push(plan.0);
                    board.apply(board.revision() + 1, &Change::Lapsed { plan });
                    assert_eq!(planner.answered(now_ms, ask.token.number, Ok(done)), None);
                }
            }
        }
        (asked, lapsed)
    }

    #[test]
    fn a_question_lapses_once_and_what_is_planned_anew_is_asked_about_anew() {
        let (mut boards, clocks) = (boards(&["start", "start", "start"]), running(0));
        let patience = Patience { lapse_ms: Some(60 * MINUTE_MS), ..Patience::default() };
        let mut planner = Planner::new(patience);
        assert_eq!(settle(&mut boards, &mut planner, 0, &clocks), (vec![1, 2, 3], vec![]));
        let replanned = |boards: &mut Boards, plan, text: &str| {
            let (board, schedule) =
                (boards.get_mut("neerc").unwrap(), Timing::required(text).unwrap().schedule(0, 0, Speed::REAL));
            board.apply(board.revision() + 1, &Change::Replanned { plan: PlanId(plan), schedule });
        };
        replanned(&mut boards, 2, "start+5");
        assert_eq!(settle(&mut boards, &mut planner, 4 * MINUTE_MS, &clocks), (vec![], vec![]));
        assert_eq!(settle(&mut boards, &mut planner, 5 * MINUTE_MS, &clocks), (vec![2], vec![]));
        assert_eq!(planner.next_look_ms(), 60 * MINUTE_MS);
        assert_eq!(settle(&mut boards, &mut planner, 60 * MINUTE_MS - 1, &clocks), (vec![], vec![]));
        assert_eq!(settle(&mut boards, &mut planner, 60 * MINUTE_MS, &clocks), (vec![], vec![1, 3]));
        planner = Planner::new(patience);
        assert_eq!(settle(&mut boards, &mut planner, 61 * MINUTE_MS, &clocks), (vec![2], vec![]), "after a crash");
        replanned(&mut boards, 3, "start+1");
        assert_eq!(settle(&mut boards, &mut planner, 62 * MINUTE_MS, &clocks), (vec![3], vec![]));
        assert_eq!(settle(&mut boards, &mut planner, i64::MAX / 2_000, &clocks), (vec![], vec![2, 3]));
        let mut for_ever = Planner::new(Patience { lapse_ms: None, ..patience });
        replanned(&mut boards, 1, "start+2");
        assert_eq!(settle(&mut boards, &mut for_ever, i64::MAX / 4_000, &clocks), (vec![1], vec![]));
        assert_eq!(settle(&mut boards, &mut for_ever, i64::MAX / 2_000, &clocks), (vec![], vec![]));
    }

    #[test]
    fn it_is_waited_as_long_as_was_said_last() {
        let (mut boards, clocks) = (boards(&["start", "start"]), running(0));
        let patience = |minutes| Patience { lapse_ms: Some(minutes * MINUTE_MS), ..Patience::default() };
        let mut planner = Planner::new(patience(60));
        assert_eq!(settle(&mut boards, &mut planner, 0, &clocks), (vec![1, 2], vec![]));
        planner.wait_so_long(patience(90));
        assert_eq!(settle(&mut boards, &mut planner, 60 * MINUTE_MS, &clocks), (vec![], vec![]));
        assert_eq!(planner.next_look_ms(), 90 * MINUTE_MS);
        planner.wait_so_long(patience(30));
        assert_eq!(settle(&mut boards, &mut planner, 60 * MINUTE_MS, &clocks), (vec![], vec![1, 2]), "at once");
    }

    /// Task 1 of hall1, which is to be answered in 20 minutes.
    fn due_in_twenty() -> Boards {
        let deadline = Deadline {
            by: Person::from_bare("admin@localhost"),
            due: Deadline::required("20m").unwrap().due(0, 0, Speed::REAL),
            last: None,
        };
        let mut board = Board::default();
        board.apply(
            1,
            &Change::Created {
                task: TaskId(1),
                title: Title::parse("Seated?").unwrap(),
                kind: Kind::OkFail,
                timestamp_ms: 1,
                statuses: vec![(Person::from_bare("hall1@localhost"), Status::NONE)],
                plan: None,
                deadline: Some(deadline),
            },
        );
        Boards::from([("neerc".into(), board)])
    }

    /// Lets time go by until `end_min`, decides what is due on the board itself, and says when what was to be told. After
    /// each step the planner may be a new one, as after a crash.
    fn story(
        boards: &mut Boards,
        end_min: i64,
        mut after: impl FnMut(i64, &mut Board, &mut Planner),
    ) -> Vec<(i64, RoundStep)> {
        let (mut planner, mut told, clocks) = (Planner::default(), Vec::new(), Clocks::default());
        for now_ms in (0..end_min * MINUTE_MS).step_by(10_000) {
            for due in planner.look(at(now_ms), World::new(boards, &clocks), &Known(true)) {
                let Due::Note(ask) = due else { panic!("{due:?}") };
                let board = boards.get_mut("neerc").unwrap();
                let decision = board.decide(now_ms, &ask.who, &People::default(), &ask.command).unwrap();
                let done = decision.done();
                if let Some(change) = &decision.change {
                    let Change::Reminded { round: Some(round), .. } = change else { panic!("{change:?}") };
                    told.push((now_ms / MINUTE_MS, RoundStep::of(round.number)));
                    board.apply(board.revision() + 1, change);
                }
                assert_eq!(planner.answered(now_ms, ask.token.number, Ok(done)), None);
            }
            after(now_ms, boards.get_mut("neerc").unwrap(), &mut planner);
        }
        told
    }

    #[test]
    fn whoever_is_late_is_reminded_and_then_the_admins_are_told_each_once_whatever_crashes() {
        let reminders = [20, 25, 30, 35, 40, 45, 50, 55, 60].map(|minute| (minute, RoundStep::Remind));
        let expected = [&reminders[..], &[(65, RoundStep::Escalate)]].concat();
        assert_eq!(story(&mut due_in_twenty(), 200, |_, _, _| ()), expected);
        assert_eq!(story(&mut due_in_twenty(), 200, |_, _, planner| *planner = Planner::default()), expected);
    }

    #[test]
    fn nobody_is_reminded_of_what_they_have_answered_and_a_new_answer_counts_at_once() {
        let says = |board: &mut Board, progress| {
            let (person, status) = (Person::from_bare("hall1@localhost"), Status::new(progress, "").unwrap());
            board.apply(board.revision() + 1, &Change::Answered { task: TaskId(1), person, status });
        };
        let told = story(&mut due_in_twenty(), 120, |now_ms, board, _| match now_ms / 10_000 {
            0 => says(board, Progress::Running),
            132 => says(board, Progress::Success),
            360 => says(board, Progress::None),
            361 => board.apply(board.revision() + 1, &Change::Deadlined { task: TaskId(1), deadline: None }),
            _ => {}
        });
        assert_eq!(told, [(20, RoundStep::Remind), (60, RoundStep::Remind)]);
    }
}
