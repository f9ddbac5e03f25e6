//! Who must hear of a change. A notice only names the task: faces tell people its newest state, whenever they get to
//! it.

use crate::people::Person;
use crate::task::TaskId;

/// A task has changed, and some people may have lost it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which task.
    pub task: TaskId,
    /// The people who are no longer assigned: everybody, if the task was removed.
    pub lost: Lost,
}

/// Who has lost a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// These people.
    These(Vec<Person>),
    /// Unknown people: the task was removed, and its state before that is not kept.
    Unknown,
}
