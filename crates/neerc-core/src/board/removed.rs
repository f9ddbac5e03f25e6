//! Tasks that were removed a short while ago, which may be brought back.

use super::{Board, Decision};
use crate::change::Change;
use crate::limits;
use crate::people::{Admin, Person};
use crate::refusal::Refusal;
use crate::task::{Kind, Past, Status, Task, TaskId, Title};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A task as it was when it was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedTask {
    /// What was to be done.
    pub title: Title,
    /// What kind of answer it asked for.
    pub kind: Kind,
    /// Who it was for, and what they said.
    pub statuses: BTreeMap<Person, Status>,
    /// When it was removed, in ms since 1970.
    pub at_ms: i64,
}

/// The removed tasks of a room that are kept, by their numbers. Shared between copies of the board, so copying is cheap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemovedTasks(Arc<BTreeMap<TaskId, Arc<RemovedTask>>>);

impl RemovedTasks {
    /// Those of a snapshot.
    pub fn restore(tasks: impl IntoIterator<Item = (TaskId, RemovedTask)>) -> RemovedTasks {
        RemovedTasks(Arc::new(tasks.into_iter().map(|(id, task)| (id, Arc::new(task))).collect()))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (TaskId, &RemovedTask)> {
        self.0.iter().map(|(id, task)| (*id, &**task))
    }

    /// Keeps a task, and forgets those that were removed too long before it.
    pub(super) fn keep(&mut self, task: &Task, at_ms: i64) {
        let Task { title, kind, statuses, .. } = task;
        let (title, statuses) = (title.clone(), statuses.clone());
        let all = Arc::make_mut(&mut self.0);
        all.insert(task.id, Arc::new(RemovedTask { title, kind: *kind, statuses, at_ms }));
        all.retain(|_, kept| at_ms.saturating_sub(kept.at_ms) <= limits::RESTORED_MS);
        while all.len() > limits::REMOVED_TASKS {
            let oldest = all.iter().min_by_key(|(id, kept)| (kept.at_ms, **id)).map(|(id, _)| *id);
            oldest.into_iter().for_each(|id| _ = all.remove(&id));
        }
    }

    /// Forgets those of that number and above.
    pub(super) fn forget_from(&mut self, first: TaskId) {
        Arc::make_mut(&mut self.0).retain(|id, _| *id < first);
    }

    /// Takes a task out, as a live one that has no history.
    pub(super) fn take(&mut self, id: TaskId, timestamp_ms: i64, revision: u64) -> Option<Task> {
        let removed = Arc::make_mut(&mut self.0).remove(&id)?;
        let RemovedTask { title, kind, statuses, .. } = Arc::unwrap_or_clone(removed);
        let past = Past::restore(Vec::new(), Vec::new(), revision, []);
        Some(Task { id, title, kind, timestamp_ms, statuses, revision, past })
    }
}

impl Board {
    /// The removed tasks that are kept.
    pub fn removed(&self) -> &RemovedTasks {
        &self.removed
    }

    /// The same board with the removed tasks of a snapshot.
    pub fn with_removed(self, removed: RemovedTasks) -> Board {
        Board { removed, ..self }
    }

    /// A task comes back under its number, with the people and answers that it had.
    pub(super) fn bring_back(&self, _: Admin, now_ms: i64, id: TaskId) -> Result<Decision, Refusal> {
        let kept = self.removed.0.get(&id);
        if kept.is_none_or(|kept| now_ms.saturating_sub(kept.at_ms) > limits::RESTORED_MS) {
            return self.existing(id).map(|_| Decision::default());
        }
        if self.is_before_rehearsal(id) {
            return Err(Refusal::Rehearses); // what is brought back now would be thrown away
        }
        if self.len() >= limits::TASKS_PER_ROOM {
            return Err(Refusal::TooMany { what: "tasks in the room", limit: limits::TASKS_PER_ROOM });
        }
        Ok(Change::Restored { task: id, timestamp_ms: self.next_timestamp_ms(now_ms) }.into())
    }

    pub(super) fn put_back(&mut self, id: TaskId, timestamp_ms: i64, revision: u64) {
        let Some(task) = self.removed.take(id, timestamp_ms, revision) else { return };
        self.last_timestamp_ms = self.last_timestamp_ms.max(timestamp_ms);
        self.tasks.insert(id, Arc::new(task));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: u64) -> Task {
        let title = Title::parse("Water").unwrap();
        let past = Past::restore(Vec::new(), Vec::new(), 1, []);
        Task { id: TaskId(id), title, kind: Kind::Todo, timestamp_ms: 1, statuses: BTreeMap::new(), revision: 1, past }
    }

    #[test]
    fn tasks_are_kept_for_a_day_and_not_too_many() {
        let mut removed = RemovedTasks::default();
        removed.keep(&task(1), 0);
        removed.keep(&task(2), limits::RESTORED_MS);
        assert_eq!(removed.all().count(), 2);
        removed.keep(&task(3), limits::RESTORED_MS + 1);
        assert_eq!(removed.all().map(|(id, _)| id.0).collect::<Vec<_>>(), [2, 3]);
        (4..2_000).for_each(|id| removed.keep(&task(id), limits::RESTORED_MS + 1));
        assert_eq!(removed.all().count(), limits::REMOVED_TASKS);
        assert_eq!(removed.take(TaskId(2), 9, 9), None, "the oldest go first");
        let back = removed.take(TaskId(1_999), 9, 10).unwrap();
        assert_eq!((back.timestamp_ms, back.revision, back.past.since), (9, 10, 10));
    }
}
