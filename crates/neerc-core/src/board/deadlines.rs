//! By when tasks are to be answered, and what was said of it already: who may set that, and what is noted.

use super::{Board, Decision};
use crate::change::Change;
use crate::deadline::{Deadline, Round};
use crate::people::Admin;
use crate::refusal::Refusal;
use crate::task::TaskId;

impl Board {
    /// The same board with the deadlines of a snapshot.
    pub fn with_deadlines(self, deadlines: impl IntoIterator<Item = (TaskId, Deadline)>) -> Board {
        let deadlines = deadlines.into_iter().filter(|(task, _)| self.tasks.contains_key(task)).collect();
        Board { deadlines, ..self }
    }

    /// The tasks with a deadline, by number.
    pub fn deadlines(&self) -> impl Iterator<Item = (TaskId, &Deadline)> {
        self.deadlines.iter().map(|(task, deadline)| (*task, deadline))
    }

    /// The deadline of a task.
    pub fn deadline(&self, task: TaskId) -> Option<&Deadline> {
        self.deadlines.get(&task)
    }

    /// Whether anybody has not finished a task.
    pub fn is_late(&self, id: TaskId) -> bool {
        self.task(id).is_some_and(|task| task.statuses.values().any(|status| !status.progress.is_final()))
    }

    pub(super) fn set_deadline(&self, _: Admin, id: TaskId, deadline: Option<Deadline>) -> Result<Decision, Refusal> {
        self.existing(id)?;
        if deadline.is_none() && !self.deadlines.contains_key(&id) {
            return Ok(Decision::default());
        }
        Ok(Change::Deadlined { task: id, deadline }.into())
    }

    pub(super) fn remind(&self, _: Admin, id: TaskId) -> Result<Decision, Refusal> {
        self.existing(id)?;
        let reminded = Change::Reminded { task: id, round: None };
        Ok(if self.is_late(id) { reminded.into() } else { Decision::default() })
    }

    /// Nothing where it was noted before, or where nobody is late any more.
    pub(super) fn overdue(&self, now_ms: i64, id: TaskId, number: u32) -> Decision {
        let next = self.deadlines.get(&id).and_then(Deadline::next);
        if next.is_none_or(|(next, _)| next != number) || !self.is_late(id) {
            return Decision::default();
        }
        Change::Reminded { task: id, round: Some(Round { number, at_ms: now_ms }) }.into()
    }

    pub(super) fn set_due(&mut self, id: TaskId, deadline: Option<Deadline>) {
        self.deadlines.remove(&id);
        if self.tasks.contains_key(&id) {
            self.deadlines.extend(deadline.map(|deadline| (id, deadline)));
        }
    }

    pub(super) fn note_round(&mut self, id: TaskId, round: Option<Round>) {
        if let Some(deadline) = self.deadlines.get_mut(&id)
            && round.is_some()
        {
            deadline.last = round;
        }
    }
}

impl Decision {
    /// The same, where it creates a task, with a deadline.
    pub(super) fn due(mut self, set: Deadline) -> Decision {
        if let Some(Change::Created { deadline, .. }) = &mut self.change {
            *deadline = Some(set);
        }
        self
    }
}
