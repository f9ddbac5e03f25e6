//! Rehearsals: all of it passes at its speed and none of it earlier or twice, it is marked, and after the end nothing of it is left.

use crate::life::{Life, ROOMS};
use crate::promises::Promises;
use neerc_core::board::Board;
use neerc_core::change::{Change, Entry};
use neerc_core::clock::hand::{ClockAct, SetClock};
use neerc_core::clock::{Phase, Reading, Speed};
use neerc_core::command::{Command, NewPlan, NewRun};
use neerc_core::ledger::Ask;
use neerc_core::limits;
use neerc_core::moment::{DueAt, When};
use neerc_core::plan::{PlanId, Timing};
use neerc_core::task::TaskId;
use std::collections::BTreeSet;

/// What stands before the title of a task of a rehearsal.
const MARK: &str = "[rehearsal] ";
const MINUTE_MS: i64 = 60_000;

impl Promises {
    /// An admin has done something to a clock, or was refused.
    pub fn clock_act(
        &self,
        room: &str,
        act: ClockAct,
        (before, feed): (&Board, Option<Reading>),
        change: Option<&Change>,
        times: (i64, i64),
    ) {
        let goes_on = before.rehearsal().is_some();
        match (act, change) {
            (ClockAct::Rehearse { speed }, _) if !goes_on => {
                let shown = self.shown(room, (before.clock(), feed), times);
                let is_contest = shown.is_some_and(|now| matches!(now.phase, Phase::Running | Phase::Paused));
                let may_begin = !is_contest && before.is_empty() && before.plan().is_empty();
                let total_ms = shown.map_or(limits::CONTEST_MS, |now| now.total_ms);
                let reading = Reading { elapsed_ms: 0, total_ms, phase: Phase::Before };
                match change {
                    None => assert!(!may_begin, "{room} may not rehearse"),
                    Some(Change::Rehearsed(SetClock { reading: set, speed: at, .. })) => {
                        assert!(may_begin, "{room} rehearses while it is {shown:?}, with {} tasks", before.len());
                        assert_eq!((*set, *at), (reading, speed), "{room}: the clock of a rehearsal is set wrong");
                    }
                    Some(other) => panic!("{act:?} makes {other:?}"),
                }
            }
            (ClockAct::EndRehearsal, None) => assert!(!goes_on, "the rehearsal of {room} does not end"),
            (ClockAct::EndRehearsal, Some(Change::RehearsalEnded { tasks })) => {
                let all: BTreeSet<TaskId> = before.tasks().map(|task| task.id).collect();
                assert_eq!(tasks.iter().copied().collect::<BTreeSet<_>>(), all, "{room}: all of it is thrown away");
            }
            (ClockAct::Follow, _) if goes_on => assert_eq!(change, None, "{room} rehearses, and follows a feed"),
            (_, None) => self.set_by_hand(room, act, (before.clock(), feed), None, times),
            (_, Some(Change::Clocked(set))) => {
                self.set_by_hand(room, act, (before.clock(), feed), Some(set), times);
            }
            (_, Some(other)) => panic!("the clock was to be set, and {other:?} was"),
        }
    }

    /// Minutes are those of the contest of the room: in a rehearsal they are shorter.
    pub fn check_planned(&self, ask: &Ask, before: &Board, entry: Option<&Entry>, wall_ms: i64) {
        let (timing, schedule) = match (&ask.command, entry.map(|entry| &entry.change)) {
            (Command::Plan(NewPlan { timing, .. }), Some(Change::Planned(planned))) => (timing, planned.schedule),
            (Command::Replan { timing, .. }, Some(Change::Replanned { schedule, .. })) => (timing, *schedule),
            _ => return,
        };
        if let (Some(When::Within { minutes }), Some(DueAt::Day { at_ms })) = (timing.when, schedule.due) {
            let times = before.clock().map_or(1, |set| i64::from(set.speed.times()));
            let left_ms = (minutes * MINUTE_MS + times - 1) / times;
            assert_eq!(at_ms - wall_ms, left_ms, "{minutes} minutes in {} at x{times}", ask.room);
        }
    }

    /// What is made in a rehearsal is marked, and nothing else is; what ends one leaves nothing. The boards are those before it.
    pub fn check_rehearsal(&self, entry: &Entry) {
        let Entry { room, change, revision, .. } = entry;
        match change {
            Change::Created { title, .. } => {
                let is_marked = title.as_str().starts_with(MARK);
                assert_eq!(is_marked, self.rehearsals.contains_key(room), "{room}: {title:?}");
            }
            Change::RehearsalEnded { .. } => {
                let mut board = self.boards.get(room).cloned().unwrap_or_default();
                board.apply(*revision, change);
                let is_left = !board.is_empty() || !board.plan().is_empty() || board.deadlines().next().is_some();
                assert!(
                    !is_left && board.plan().runs().next().is_none(),
                    "something is left of a rehearsal: {board:?}"
                );
                assert_eq!(
                    board.clock(),
                    self.rehearsals.get(room).and_then(Option::as_ref),
                    "the clock is not as before"
                );
            }
            _ => {}
        }
    }
}

impl Life {
    /// Now and then a rehearsal begins in the room for that, things are done in it, and it ends.
    pub fn rehearse(&mut self) {
        let room = ROOMS[3];
        let goes_on = self.board(room).is_some_and(|board| board.rehearsal().is_some());
        match self.random.below(24) {
            0..4 if !goes_on => {
                self.tidy_up(room);
                let speed = self.some_speed();
                self.ask(room, Command::Clock(ClockAct::Rehearse { speed }));
                if self.random.one_in(2) {
                    self.ask(room, Command::Clock(ClockAct::Start));
                }
            }
            4 | 5 => self.set_clock(room),
            6..9 if goes_on => self.set_clock(room),
            9 | 10 if goes_on => self.ask(room, Command::Clock(ClockAct::EndRehearsal)),
            11 if goes_on => {
                let speed = self.some_speed();
                self.ask(room, Command::Clock(ClockAct::Rehearse { speed }));
            }
            12..15 if goes_on => self.plan_in(room),
            15..17 if goes_on => self.begin(room),
            17 | 18 if goes_on => self.create_due(room),
            19..22 if goes_on => self.finish(room),
            22 if goes_on => self.ask(room, Command::Stop { name: "seating".to_owned() }),
            // Nobody rehearses; what comes too early or too late is refused, or is real.
            23 => self.plan_in(room),
            _ => {}
        }
    }

    fn some_speed(&mut self) -> Speed {
        Speed::new([1, 7, 60, 60, 600][self.random.below(5)]).unwrap()
    }

    /// One to three steps, some lines with a moment of their own.
    fn begin(&mut self, room: &str) {
        let name = ["seating", "freeze"][self.random.below(2)].to_owned();
        let mut steps = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            let mut lines = Vec::new();
            for _ in 0..1 + self.random.below(2) {
                let plan = self.new_plan(room);
                let timing = if self.random.one_in(3) { plan.timing } else { Timing::AT_ITS_TURN };
                lines.push(NewPlan { timing, ..plan });
            }
            steps.push(lines);
        }
        self.counts.begun += 1;
        self.ask(room, Command::Begin(NewRun { name, steps }));
    }

    /// Whatever is there is taken away, since a rehearsal begins where nothing is.
    fn tidy_up(&mut self, room: &str) {
        let Some(board) = self.board(room) else { return };
        let plans: Vec<PlanId> = board.plan().entries().map(|planned| planned.id).collect();
        let tasks: Vec<TaskId> = board.tasks().map(|task| task.id).collect();
        for plan in plans {
            self.ask(room, Command::Unplan { plan });
        }
        for task in tasks {
            self.ask(room, Command::Remove { task });
        }
    }
}
