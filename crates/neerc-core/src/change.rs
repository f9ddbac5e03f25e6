//! Everything that can have happened, as a closed list. Changes are stored for ever and never edited; how they are
//! written down is the store's business.

use crate::people::Person;
use crate::plan::{PlanId, Planned};
use crate::task::{Kind, Status, TaskId, Title};
use std::sync::Arc;

/// Name of a room: the local part of its JID, in lower case.
pub type Room = Arc<str>;

/// Something that happened to the tasks of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new task.
    Created {
        /// Its number, never used before in the room.
        task: TaskId,
        /// What to do.
        title: Title,
        /// What kind of answer it asks for.
        kind: Kind,
        /// When, in ms since 1970, later than every timestamp before it in the room.
        timestamp_ms: i64,
        /// Who it is for from the start.
        statuses: Vec<(Person, Status)>,
        /// The planned task that it was, which is none any more.
        plan: Option<PlanId>,
    },
    /// An admin changed a task. What is `None` or empty stays as it was.
    Edited {
        /// Which.
        task: TaskId,
        /// The new title.
        title: Option<Title>,
        /// The new kind.
        kind: Option<Kind>,
        /// The new timestamp: given when somebody new was assigned.
        timestamp_ms: Option<i64>,
        /// People assigned, or whose status was replaced.
        set: Vec<(Person, Status)>,
        /// People who are not assigned any more.
        unassigned: Vec<Person>,
    },
    /// Somebody said how far they are.
    Answered {
        /// Which task.
        task: TaskId,
        /// Who, about themselves.
        person: Person,
        /// What.
        status: Status,
    },
    /// A task is gone; its number never comes back.
    Removed {
        /// Which.
        task: TaskId,
    },
    /// A task is to be handed out at a moment of the contest.
    Planned(
        /// What, with a number never used before in the room.
        Planned,
    ),
    /// A planned task is not wanted any more.
    Unplanned {
        /// Which.
        plan: PlanId,
    },
}

impl Change {
    /// The task that it is about; planned ones are none yet.
    pub fn task(&self) -> Option<TaskId> {
        match self {
            Change::Created { task, .. }
            | Change::Edited { task, .. }
            | Change::Answered { task, .. }
            | Change::Removed { task } => Some(*task),
            Change::Planned(_) | Change::Unplanned { .. } => None,
        }
    }
}

/// What a change came to, in as few words as an answer needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// Everything was already as it was asked for.
    #[default]
    Nothing,
    /// There is a new task.
    Created {
        /// Its number.
        task: TaskId,
        /// How many people have it.
        people: usize,
        /// The planned task that it was.
        plan: Option<PlanId>,
    },
    /// A task is changed.
    Edited {
        /// Which.
        task: TaskId,
    },
    /// Somebody has said how far they are.
    Answered {
        /// With which task.
        task: TaskId,
    },
    /// A task is gone.
    Removed {
        /// Which.
        task: TaskId,
    },
    /// A task is planned.
    Planned {
        /// Its number in the plan.
        plan: PlanId,
    },
    /// A planned task is not planned any more.
    Unplanned {
        /// Which.
        plan: PlanId,
    },
}

impl From<&Change> for Effect {
    fn from(change: &Change) -> Effect {
        match change {
            Change::Created { task, statuses, plan, .. } => {
                Effect::Created { task: *task, people: statuses.len(), plan: *plan }
            }
            Change::Edited { task, .. } => Effect::Edited { task: *task },
            Change::Answered { task, .. } => Effect::Answered { task: *task },
            Change::Removed { task } => Effect::Removed { task: *task },
            Change::Planned(planned) => Effect::Planned { plan: planned.id },
            Change::Unplanned { plan } => Effect::Unplanned { plan: *plan },
        }
    }
}

/// A change with its place in the one order of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number in the order of all changes of all rooms, from 1, without gaps.
    pub revision: u64,
    /// Where.
    pub room: Room,
    /// When it was decided, in ms since 1970 by the service's clock.
    pub at_ms: i64,
    /// Who asked for it.
    pub by: Person,
    /// What.
    pub change: Change,
}
