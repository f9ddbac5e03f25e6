//! Checklists that a room goes through: their lines are planned tasks, each of one step, and a step begins once everything
//! of the one before was handed out and everybody has finished it. Where a run stands follows from the changes alone, so it
//! is the same after a restart. Not what stands in checklists, and not when a line with a moment of its own is due.

use super::{PlanId, Planned};
use crate::limits;
use crate::people::Person;
use crate::task::TaskId;
use std::collections::BTreeMap;

/// Number of a run within its room: that of its first planned task, so it is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// Where a planned task stands in a checklist that is gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunStep {
    /// Of which run.
    pub run: RunId,
    /// In which step of it, from 1.
    pub step: u64,
}

/// A checklist that is gone through, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// What the checklist is called.
    pub name: String,
    /// Who began it. Its lines are handed out with their rights.
    pub by: Person,
    /// When, in ms since 1970.
    pub at_ms: i64,
    /// How many steps it has.
    pub steps: u64,
    /// The step that it is at, from 1; above `steps` once all of it is finished.
    pub step: u64,
    /// What was handed out of this step, and of later ones before their turn.
    pub tasks: BTreeMap<TaskId, u64>,
}

impl Run {
    /// The run that these planned tasks are the lines of; `None` if they are of none.
    pub fn of(name: &str, at_ms: i64, lines: &[Planned]) -> Option<Run> {
        let first = lines.first()?;
        let steps = lines.iter().filter_map(|planned| Some(planned.turn?.step)).max()?;
        let (id, by) = (RunId(first.id.0), first.by.clone());
        Some(Run { id, name: name.to_owned(), by, at_ms, steps, step: 1, tasks: BTreeMap::new() })
    }

    /// Whether all of it is finished.
    pub fn is_over(&self) -> bool {
        self.step > self.steps
    }

    /// Whether it is called so; case does not matter.
    pub fn is_called(&self, name: &str) -> bool {
        self.name.to_lowercase() == name.trim().to_lowercase()
    }
}

/// The runs of one room: those that go on, and the last ones that are over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs(BTreeMap<RunId, Run>);

impl Runs {
    pub(super) fn restore(runs: impl IntoIterator<Item = Run>) -> Runs {
        Runs(runs.into_iter().map(|run| (run.id, run)).collect())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Run> {
        self.0.values()
    }

    /// A number that another step of any run changes.
    pub(super) fn moves(&self) -> u64 {
        self.all().fold(0, |moves: u64, run| moves.wrapping_add(run.step))
    }

    /// Whether the turn of what stands there has come.
    pub(super) fn has_come(&self, turn: RunStep) -> bool {
        self.0.get(&turn.run).is_some_and(|run| turn.step <= run.step)
    }

    /// Adds one. Of what is over, the same checklist is forgotten, and the oldest when there are too many.
    pub(super) fn begin(&mut self, run: Run) {
        self.0.retain(|_, known| !(known.is_over() && known.is_called(&run.name)));
        while self.0.len() >= limits::RUNS_PER_ROOM {
            let oldest = self.all().find(|run| run.is_over()).map(|run| run.id);
            let Some(oldest) = oldest else { break };
            self.0.remove(&oldest);
        }
        self.0.insert(run.id, run);
    }

    pub(super) fn forget(&mut self, id: RunId) {
        self.0.remove(&id);
    }

    /// A planned task was handed out at that turn.
    pub(super) fn note(&mut self, turn: RunStep, task: TaskId) {
        if let Some(run) = self.0.get_mut(&turn.run).filter(|run| turn.step >= run.step) {
            run.tasks.insert(task, turn.step);
        }
    }

    /// Whether something of a step may have come to its end by a change of this task.
    pub(super) fn wait_for(&self, task: TaskId) -> bool {
        self.all().any(|run| run.tasks.contains_key(&task))
    }

    /// Goes on to the first steps that are not finished. `planned`: whether something of that turn is not handed out.
    pub(super) fn settle(&mut self, planned: impl Fn(RunStep) -> bool, is_finished: impl Fn(TaskId) -> bool) {
        for run in self.0.values_mut() {
            while !run.is_over() && !planned(RunStep { run: run.id, step: run.step }) {
                let at = run.step;
                if run.tasks.iter().any(|(task, step)| *step == at && !is_finished(*task)) {
                    break;
                }
                run.tasks.retain(|_, step| *step > at);
                run.step += 1;
            }
        }
    }
}

/// The lines of a run that are planned still.
pub(super) fn lines_of(entries: impl Iterator<Item = (PlanId, Option<RunStep>)>, run: RunId) -> Vec<PlanId> {
    entries.filter(|(_, turn)| turn.is_some_and(|turn| turn.run == run)).map(|(id, _)| id).collect()
}
