//! Checklists: each line is handed out once, not before everybody has finished the step before it, and then soon; over
//! crashes, lost links and a disk that fails. What the model knows of it follows from the log alone, by other rules than those
//! of the service.

use crate::model::ROOMS;
use crate::world::World;
use neerc_core::command::{Command, NewPlan, NewRun};
use neerc_core::ledger::{Ask, Face, Token};
use neerc_core::people::Person;
use neerc_core::plan::Timing;
use neerc_core::task::{Kind, Progress, Status, TaskId, Title};

/// Who has power in each room whatever happens.
const KEEPERS: [&str; 2] = ["admin@localhost", "boss@localhost"];
const NAMES: [&str; 3] = ["seating", "freeze", "closing"];

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
            service.desk.ledger.ask(Ask { token, room: ROOMS[room].into(), who, command, request: None, seen: None });
        }
    }
}
