//! Who must hear of a change. A notice only names the task: faces tell people its newest state, whenever they get to
//! it.

use crate::deadline::{Round, RoundStep};
use crate::people::Person;
use crate::task::TaskId;

/// A task has changed, and some people may have lost it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which task.
    pub task: TaskId,
    /// The people who are no longer assigned: everybody, if the task was removed.
    pub lost: Lost,
    /// Who is to be told besides that somebody has not finished it.
    pub reminder: Option<Reminder>,
}

/// Who is told that somebody has not finished a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reminder {
    /// Whoever has not.
    ToTheLate,
    /// Whoever has not, by its deadline.
    Overdue,
    /// The admins.
    ToAdmins,
}

impl Reminder {
    /// What is due in a round of a deadline; without one an admin has asked for it.
    pub fn of(round: Option<Round>) -> Reminder {
        match round.map(|round| RoundStep::of(round.number)) {
            None => Reminder::ToTheLate,
            Some(RoundStep::Remind) => Reminder::Overdue,
            Some(RoundStep::Escalate) => Reminder::ToAdmins,
        }
    }
}

/// Who has lost a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// These people.
    These(Vec<Person>),
    /// Unknown people: the task was removed, and its state before that is not kept.
    Unknown,
}
