//! Checklists: each line is handed out once, not before everybody has finished the step before it, and then soon; over
//! crashes, lost links and a disk that fails. What the model knows of it follows from the log alone, by other rules than those
//! of the service.

use crate::model::ROOMS;
use crate::world::World;
use neerc_core::board::Board;
use neerc_core::change::{Change, Entry};
use neerc_core::command::{Command, NewPlan, NewRun};
use neerc_core::ledger::{Ask, Face, Token};
use neerc_core::people::Person;
use neerc_core::plan::{PlanId, Timing};
use neerc_core::task::{Kind, Progress, Status, TaskId, Title};
use std::collections::BTreeMap;

/// Who has power in each room whatever happens.
const KEEPERS: [&str; 2] = ["admin@localhost", "boss@localhost"];
const NAMES: [&str; 3] = ["seating", "freeze", "closing"];

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Waits,
    Out(TaskId),
    Gone,
}

/// The checklists that were begun, as the log says.
#[derive(Default)]
pub struct Lists {
    /// By room and first line: the lines of each step, of which the first one here is not finished.
    runs: BTreeMap<(usize, u64), Vec<BTreeMap<PlanId, Line>>>,
}

impl Lists {
    /// Takes a change that has just become durable and is on the board; the lines whose turn has come by it.
    pub fn committed(&mut self, room: usize, entry: &Entry, board: &Board) -> Vec<PlanId> {
        let mut come = Vec::new();
        match &entry.change {
            Change::Begun { lines, .. } => {
                let mut steps: Vec<BTreeMap<PlanId, Line>> = Vec::new();
                for line in lines {
                    let step = line.turn.expect("a line of a step").step as usize;
                    steps.resize(steps.len().max(step), BTreeMap::new());
                    steps[step - 1].insert(line.id, Line::Waits);
                }
                come.extend(steps[0].keys());
                let before = self.runs.insert((room, lines[0].id.0), steps);
                assert!(before.is_none(), "a checklist is begun twice");
            }
            Change::Stopped { run } => {
                self.runs.remove(&(room, run.0)).expect("a checklist that is under way");
            }
            Change::Created { task, plan: Some(plan), .. } => self.becomes(room, *plan, Line::Out(*task)),
            Change::Unplanned { plan } => self.becomes(room, *plan, Line::Gone),
            _ => {}
        }
        let is_finished = |line: &Line| match line {
            Line::Waits => false,
            Line::Gone => true,
            Line::Out(task) => {
                board.task(*task).is_none_or(|task| task.statuses.values().all(|status| status.progress.is_final()))
            }
        };
        for (_, steps) in self.runs.iter_mut().filter(|((of, _), _)| *of == room) {
            while steps.first().is_some_and(|lines| lines.values().all(is_finished)) {
                steps.remove(0);
                come.extend(steps.first().into_iter().flat_map(BTreeMap::keys));
            }
        }
        come
    }

    fn becomes(&mut self, room: usize, plan: PlanId, state: Line) {
        let of_room = self.runs.iter_mut().filter(|((of, _), _)| *of == room);
        if let Some(line) = of_room.flat_map(|(_, steps)| steps).find_map(|lines| lines.get_mut(&plan)) {
            assert_eq!(*line, Line::Waits, "{plan} is handed out twice, or was taken out before");
            *line = state;
        }
    }

    /// The tasks of a room that hold up a checklist.
    fn awaited(&self, room: usize) -> Vec<TaskId> {
        let of_room = self.runs.iter().filter(|((of, _), _)| *of == room);
        let first = of_room.filter_map(|(_, steps)| steps.first()).flat_map(BTreeMap::values);
        first.filter_map(|line| if let Line::Out(task) = line { Some(*task) } else { None }).collect()
    }
}

impl World {
    /// Now and then an admin begins or stops a checklist, or people finish what holds one up.
    pub fn go_through_checklists(&mut self) {
        let room = self.random.below(2);
        let keeper = Person::from_bare(KEEPERS[room]);
        let name = NAMES[self.random.below(NAMES.len())].to_owned();
        match self.random.below(12) {
            0 => {
                let steps = self.steps(room);
                self.ask_at_once(room, keeper, Command::Begin(NewRun { name, steps }));
            }
            1 if self.random.one_in(3) => self.ask_at_once(room, keeper, Command::Stop { name }),
            2..6 => {
                let Some(service) = &self.service else { return };
                let Some(board) = service.boards().get(ROOMS[room]) else { return };
                let tasks = self.model.lists.awaited(room).into_iter().filter_map(|task| board.task(task));
                let all: Vec<(TaskId, Person)> =
                    tasks.flat_map(|task| task.statuses.keys().map(|who| (task.id, who.clone()))).collect();
                for (task, who) in all {
                    let progress = [Progress::Success, Progress::Fail, Progress::Running][self.random.below(3)];
                    let status = Status::new(progress, "").expect("a status");
                    self.ask_at_once(room, who, Command::Answer { task, status });
                }
            }
            _ => {}
        }
    }

    /// One to three steps of lines, some at a moment around now, some long ago or for the end.
    fn steps(&mut self, room: usize) -> Vec<Vec<NewPlan>> {
        let names = [["admin", "hall1"], ["boss", "hall9"]][room];
        let mut line = |n: usize| {
            let timing = match self.random.below(5) {
                0 => {
                    Timing::required(["start-15!", "start!", "in 1m!", "end!"][self.random.below(4)]).expect("a moment")
                }
                _ => Timing::AT_ITS_TURN,
            };
            let names = names[..self.random.below(3)].iter().map(|name| (*name).to_owned()).collect();
            NewPlan { title: Title::parse(&format!("L{n}")).expect("a title"), kind: Kind::Todo, names, timing }
        };
        let shapes: [&[usize]; 4] = [&[1], &[2, 1], &[1, 1, 1], &[1, 3, 2]];
        let at = usize::try_from(self.next_request).unwrap_or(0) % shapes.len();
        self.next_request += 1;
        shapes[at].iter().map(|lines| (0..*lines).map(&mut line).collect()).collect()
    }

    /// Somebody asks, of whom no client waits for an answer.
    fn ask_at_once(&mut self, room: usize, who: Person, command: Command) {
        let token = Token { face: Face::Xmpp, number: u64::MAX };
        if let Some(service) = &mut self.service {
            service.desk.ledger.ask(Ask { token, room: ROOMS[room].into(), who, command, request: None });
        }
    }
}
