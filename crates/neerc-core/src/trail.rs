//! The newest changes of all rooms as they were stored, from which the history of a task is told. Kept in memory up to a
//! bound, and read again from the log at a start, so that a question costs the disk nothing; what is older stands in the
//! log only. Not who may read it, nor how it is said.

use crate::change::{Entry, Room};
use crate::limits;
use crate::quota;
use crate::task::TaskId;
use crate::times::Times;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The newest changes, in the batches in which they were stored.
#[derive(Debug, Default)]
pub struct Trail {
    batches: VecDeque<Arc<[Entry]>>,
    /// About what they take.
    bytes: usize,
    /// When the answers of each room were given; also those that the changes kept do not tell any more.
    times: BTreeMap<Room, Times>,
}

/// About what a batch takes, in bytes.
fn weight(entries: &[Entry]) -> usize {
    let bytes = entries.iter().map(|entry| quota::stored_bytes(&entry.change)).sum::<u64>();
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

impl Trail {
    /// What a log ends with, oldest first.
    pub fn restore(entries: impl IntoIterator<Item = Entry>) -> Trail {
        let mut trail = Trail::default();
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            trail.note(entries.by_ref().take(limits::WRITES_PER_BATCH).collect());
        }
        trail
    }

    /// Changes were stored. The oldest batches that exceed the bound are forgotten; the newest is always kept.
    pub fn note(&mut self, entries: Arc<[Entry]>) {
        for entry in entries.iter() {
            match self.times.get_mut(&entry.room) {
                Some(times) => times.note(entry),
                None => self.times.entry(entry.room.clone()).or_default().note(entry),
            }
        }
        self.bytes = self.bytes.saturating_add(weight(&entries));
        self.batches.push_back(entries);
        while self.bytes > limits::TRAIL_BYTES && self.batches.len() > 1 {
            let Some(oldest) = self.batches.pop_front() else { return };
            self.bytes -= weight(&oldest);
        }
    }

    /// When the answers of a room were given; `None` before anything is known of it.
    pub fn times(&self, room: &str) -> Option<&Times> {
        self.times.get(room)
    }

    /// All changes that are kept, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Entry> {
        self.batches.iter().rev().flat_map(|entries| entries.iter().rev())
    }

    /// Whether all changes after that revision are kept.
    pub fn reaches(&self, revision: u64) -> bool {
        let oldest = self.batches.front().and_then(|entries| entries.first());
        oldest.is_some_and(|oldest| oldest.revision <= revision.saturating_add(1))
    }

    /// What happened to a task of a room, newest first.
    pub fn of<'t>(&'t self, room: &'t str, task: TaskId) -> impl Iterator<Item = &'t Entry> {
        self.newest_first().filter(move |entry| *entry.room == *room && entry.change.tasks().any(|of| of == task))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Change;
    use crate::people::Person;
    use crate::task::{Kind, Title};

    fn entry(revision: u64, room: &str, change: Change) -> Entry {
        Entry { revision, room: room.into(), at_ms: 0, by: Person::named("admin", "localhost"), change, request: None }
    }

    fn revisions(trail: &Trail, room: &str, task: u64) -> Vec<u64> {
        trail.of(room, TaskId(task)).map(|entry| entry.revision).collect()
    }

    #[test]
    fn the_newest_changes_of_a_task_are_known_as_far_as_they_are_kept() {
        let reminded =
            |revision, room, task| entry(revision, room, Change::Reminded { task: TaskId(task), round: None });
        let mut trail = Trail::restore((1..=600).map(|revision| reminded(revision, "a", revision % 2)));
        assert_eq!(trail.batches.len(), 3);
        trail.note([reminded(601, "b", 1), entry(602, "a", Change::Clocked(None)), reminded(603, "a", 1)].into());
        assert_eq!(revisions(&trail, "a", 1)[..3], [603, 599, 597]);
        assert_eq!((revisions(&trail, "b", 1), revisions(&trail, "a", 2)), (vec![601], vec![]));
        assert!(trail.reaches(0) && trail.newest_first().map(|entry| entry.revision).eq((1..=603).rev()));

        let title = Title::parse(&"x".repeat(1_000)).unwrap();
        let long = |revision| {
            let (kind, statuses) = (Kind::Todo, Vec::new());
            let (task, title) = (TaskId(revision), title.clone());
            entry(
                revision,
                "a",
                Change::Created { task, title, kind, timestamp_ms: 0, statuses, plan: None, deadline: None },
            )
        };
        let most = limits::TRAIL_BYTES as u64 / 1_000;
        (604..604 + most).for_each(|revision| trail.note([long(revision)].into()));
        assert!(trail.bytes <= limits::TRAIL_BYTES, "{}", trail.bytes);
        assert!(!trail.reaches(603) && trail.reaches(604 + most) && !Trail::default().reaches(0));
        assert_eq!((revisions(&trail, "a", 1), revisions(&trail, "a", 604 + most - 1).len()), (vec![], 1));
    }
}
