//! When the people of a room's tasks said what they say now, as far as the changes that are kept tell. Not what happened
//! before: that is the trail.

use crate::change::{Change, Entry};
use crate::people::Person;
use crate::task::TaskId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// When the answers to one task were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct TaskTimes {
    /// When everybody who is not named got the task, in ms since 1970.
    from_ms: Option<i64>,
    people: BTreeMap<Person, i64>,
}

/// When the answers of one room were given, in ms since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Shared between copies, so copying is cheap.
    tasks: BTreeMap<TaskId, Arc<TaskTimes>>,
}

impl Times {
    /// Since when somebody says what they say of a task, or has it without having said anything.
    pub fn of(&self, task: TaskId, person: &Person) -> Option<i64> {
        let times = self.tasks.get(&task)?;
        times.people.get(person).copied().or(times.from_ms)
    }

    /// A change of this room was stored.
    pub fn note(&mut self, entry: &Entry) {
        match &entry.change {
            Change::Created { task, .. } => {
                let times = TaskTimes { from_ms: Some(entry.at_ms), ..TaskTimes::default() };
                self.tasks.insert(*task, Arc::new(times));
            }
            Change::Answered { task, person, .. } => self.said(*task, person, entry.at_ms),
            Change::Edited { task, set, unassigned, .. } => {
                set.iter().for_each(|(person, _)| self.said(*task, person, entry.at_ms));
                if let Some(times) = self.tasks.get_mut(task).filter(|_| !unassigned.is_empty()) {
                    let times = Arc::make_mut(times);
                    unassigned.iter().for_each(|person| _ = times.people.remove(person));
                }
            }
            // Removed tasks that come back were answered before.
            Change::Removed { task, .. } | Change::Restored { task, .. } => _ = self.tasks.remove(task),
            Change::RehearsalEnded { tasks } => tasks.iter().for_each(|task| _ = self.tasks.remove(task)),
            Change::Planned(_)
            | Change::Unplanned { .. }
            | Change::Replanned { .. }
            | Change::Lapsed { .. }
            | Change::Deadlined { .. }
            | Change::Reminded { .. }
            | Change::Begun { .. }
            | Change::Stopped { .. }
            | Change::Clocked(_)
            | Change::Rehearsed(_)
            | Change::Watched { .. }
            | Change::Linked { .. }
            | Change::Door(_) => {}
        }
    }

    fn said(&mut self, task: TaskId, person: &Person, at_ms: i64) {
        let times = Arc::make_mut(self.tasks.entry(task).or_default());
        match times.people.get_mut(person) {
            Some(known_ms) => *known_ms = at_ms,
            None => _ = times.people.insert(person.clone(), at_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Kind, Progress, Status, Title};

    #[test]
    fn since_when_people_say_what_they_say() {
        let person = |name: &str| Person::named(name, "localhost");
        let status = || Status::new(Progress::Running, "").unwrap();
        let (task, title) = (TaskId(1), Title::parse("T").unwrap());
        let answered = |task, name: &str| Change::Answered { task, person: person(name), status: status() };
        let edited = |set: &[&str], unassigned: &[&str]| {
            let set = set.iter().map(|name| (person(name), status())).collect();
            let unassigned = unassigned.iter().map(|name| person(name)).collect();
            Change::Edited { task, title: None, kind: None, timestamp_ms: None, set, unassigned }
        };
        let statuses = vec![(person("a"), Status::NONE), (person("b"), Status::NONE)];
        let kind = Kind::Todo;
        let changes = [
            Change::Created { task, title, kind, timestamp_ms: 0, statuses, plan: None, deadline: None },
            answered(task, "b"),
            edited(&["c"], &["b"]),
            answered(TaskId(2), "b"),
        ];
        let mut times = Times::default();
        for (change, revision) in changes.into_iter().zip(1..) {
            let (room, by) = ("neerc".into(), person("admin"));
            times.note(&Entry {
                revision,
                room,
                at_ms: 100 * i64::try_from(revision).unwrap(),
                by,
                change,
                request: None,
            });
        }
        let of = |task, name: &str| times.of(TaskId(task), &person(name));
        assert_eq!((of(1, "a"), of(1, "b"), of(1, "c")), (Some(100), Some(100), Some(300)), "b has left it");
        assert_eq!((of(2, "b"), of(2, "a"), of(3, "a")), (Some(400), None, None), "what is older is not known");

        let (room, by) = ("neerc".into(), person("admin"));
        let change = Change::Removed { task, at_ms: Some(500) };
        times.note(&Entry { revision: 5, room, at_ms: 500, by, change, request: None });
        assert_eq!(times.of(task, &person("a")), None);
    }
}
