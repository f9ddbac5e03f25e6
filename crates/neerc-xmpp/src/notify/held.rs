//! Holds back what is due to a session after a message to it bounced, while the room may still have it. The session is
//! sent nothing until the room has said so; then it is told what changed meanwhile, but not what bounced: where a
//! server delivers nothing to a session, that would go on for ever. Bounded by the number of sessions, and per session
//! by a number of tasks.

use crate::limits;
use crate::stanza::address::Address;
use neerc_core::task::TaskId;
use std::collections::{BTreeSet, HashMap};

/// What one session is to be told of once it is known to be here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Missed {
    /// These tasks, some of which may have been removed.
    Tasks(BTreeSet<TaskId>),
    /// All: there were too many.
    Everything,
}

impl Missed {
    fn add(&mut self, task: TaskId) {
        match self {
            Missed::Tasks(tasks) if tasks.len() < limits::TASKS_HELD => _ = tasks.insert(task),
            Missed::Tasks(_) => *self = Missed::Everything,
            Missed::Everything => {}
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Held {
    rooms: HashMap<usize, HashMap<Address, Missed>>,
}

impl Held {
    /// A session is told nothing for a while, and these tasks it has still to be told of.
    pub(super) fn hold(&mut self, room: usize, address: &Address, tasks: impl Iterator<Item = TaskId>) {
        let mut missed = Missed::Tasks(BTreeSet::new());
        tasks.for_each(|task| missed.add(task));
        let of_room = self.rooms.entry(room).or_default();
        if of_room.len() < limits::SESSIONS_PER_ROOM {
            of_room.insert(address.clone(), missed);
        }
    }

    /// A task has changed.
    pub(super) fn changed(&mut self, room: usize, task: TaskId) {
        self.rooms.get_mut(&room).into_iter().flat_map(HashMap::values_mut).for_each(|missed| missed.add(task));
    }

    /// The session is here, or gone for good, or has asked for itself: what it missed, if it was held.
    pub(super) fn release(&mut self, room: usize, address: &Address) -> Option<Missed> {
        let of_room = self.rooms.get_mut(&room)?;
        let missed = of_room.remove(address);
        if of_room.is_empty() {
            self.rooms.remove(&room);
        }
        missed
    }

    /// Who is in the room is not known any more.
    pub(super) fn outside(&mut self, room: usize) {
        self.rooms.remove(&room);
    }

    pub(super) fn clear(&mut self) {
        self.rooms.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_changes_everything_is_told() {
        let hall = Address::parse("hall1@localhost/Phone").unwrap();
        let mut held = Held::default();
        held.hold(0, &hall, [TaskId(1)].into_iter());
        held.changed(1, TaskId(2));
        held.changed(0, TaskId(3));
        assert_eq!(held.release(0, &hall), Some(Missed::Tasks([TaskId(1), TaskId(3)].into())));
        assert_eq!((held.release(0, &hall), held.rooms.len()), (None, 0));
        held.hold(0, &hall, (0..=limits::TASKS_HELD as u64).map(TaskId));
        held.changed(0, TaskId(3));
        assert_eq!(held.release(0, &hall), Some(Missed::Everything));
    }
}
