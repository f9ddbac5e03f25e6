//! Checklists that are gone through, as the log says: a model that knows by other rules than those of the service when the turn
//! of each line has come.

use neerc_core::board::Board;
use neerc_core::change::{Change, Entry};
use neerc_core::plan::PlanId;
use neerc_core::task::TaskId;
use std::collections::BTreeMap;

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
            Change::RehearsalEnded { .. } => self.runs.retain(|(of, _), _| *of != room),
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
    pub fn awaited(&self, room: usize) -> Vec<TaskId> {
        let of_room = self.runs.iter().filter(|((of, _), _)| *of == room);
        let first = of_room.filter_map(|(_, steps)| steps.first()).flat_map(BTreeMap::values);
        first.filter_map(|line| if let Line::Out(task) = line { Some(*task) } else { None }).collect()
    }
}
