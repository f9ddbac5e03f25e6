//! Remembers what departed sessions were told. A server that keeps messages for a session to be resumed hands them to
//! the account's next session once it gives up on the first, although each message says that it must not be stored; so
//! an old state may arrive after the list. The next session is told the current state of those tasks. Bounded: each
//! room keeps its last tellings by number, each account the number of the first telling that may be among them.

use super::Key;
use crate::limits;
use neerc_core::people::Person;
use neerc_core::task::TaskId;
use std::collections::{BTreeMap, HashMap};

/// What a session may have been handed by its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owed {
    /// These tasks, some of which may have been removed.
    Tasks(Vec<TaskId>),
    /// These, and any of those that there are.
    Everything(Vec<TaskId>),
}

#[derive(Debug, Default)]
struct Tellings {
    /// Each task by the number of its last telling, with the time of that (ms).
    tasks: BTreeMap<u64, (TaskId, i64)>,
    last: HashMap<TaskId, u64>,
    /// The highest number that was forgotten.
    forgotten: u64,
}

#[derive(Debug)]
struct Absent {
    /// Everything told after that number may still arrive.
    since: u64,
    /// When the account's next session was told, in ms.
    told_ms: Option<i64>,
}

#[derive(Debug, Default)]
pub(super) struct Gone {
    last: u64,
    rooms: HashMap<usize, Tellings>,
    absent: HashMap<(usize, Person), Absent>,
}

impl Gone {
    /// The number of the last telling.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// A task was told to somebody.
    pub(super) fn told(&mut self, now_ms: i64, (room, task): Key) {
        self.last += 1;
        let tellings = self.rooms.entry(room).or_default();
        if let Some(before) = tellings.last.insert(task, self.last) {
            tellings.tasks.remove(&before);
        }
        tellings.tasks.insert(self.last, (task, now_ms));
        if tellings.tasks.len() > limits::TELLINGS_REMEMBERED
            && let Some((number, (task, _))) = tellings.tasks.pop_first()
        {
            tellings.last.remove(&task);
            tellings.forgotten = number;
        }
    }

    /// A session has gone that may have been told everything after `since`.
    pub(super) fn left(&mut self, room: usize, person: &Person, since: u64) {
        let is_told = |tellings: &Tellings| tellings.tasks.last_key_value().is_some_and(|(last, _)| *last > since);
        if !self.rooms.get(&room).is_some_and(is_told) {
            return;
        }
        let key = (room, person.clone());
        if let Some(absent) = self.absent.get_mut(&key) {
            absent.since = absent.since.min(since);
            absent.told_ms = None;
        } else if self.absent.len() < limits::ABSENT_ACCOUNTS {
            self.absent.insert(key, Absent { since, told_ms: None });
        }
    }

    /// What a session of that account may be handed.
    pub(super) fn owed(&mut self, now_ms: i64, room: usize, person: &Person) -> Owed {
        let (Some(absent), Some(tellings)) = (self.absent.get_mut(&(room, person.clone())), self.rooms.get(&room))
        else {
            return Owed::Tasks(Vec::new());
        };
        absent.told_ms.get_or_insert(now_ms);
        let kept = |told_ms: &i64| now_ms - told_ms <= limits::KEPT_BY_SERVERS_MS;
        let told = tellings.tasks.range(absent.since.saturating_add(1)..).rev();
        let tasks = told.filter(|(_, (_, told_ms))| kept(told_ms)).map(|(_, (task, _))| *task).collect();
        if absent.since < tellings.forgotten { Owed::Everything(tasks) } else { Owed::Tasks(tasks) }
    }

    /// Forgets the accounts whose sessions have been told, after a while: several may come at once.
    pub(super) fn tidy(&mut self, now_ms: i64) {
        self.absent.retain(|_, absent| absent.told_ms.is_none_or(|told| now_ms - told <= limits::ASKER_MS));
    }
}
