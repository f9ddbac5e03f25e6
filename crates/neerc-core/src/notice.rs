//! Who must hear of a change. A notice only names the task: faces tell people its newest state, whenever they get to
//! it.

use crate::change::{Change, Entry, Room};
use crate::deadline::{Round, RoundStep};
use crate::people::Person;
use crate::plan::{Consent, Plan, Planned, Schedule};
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

/// What has become of a planned task about which admins are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanNews {
    /// The room.
    pub room: Room,
    /// The planned task, as it was.
    pub planned: Planned,
    /// Who has decided.
    pub by: Person,
    /// What.
    pub fate: PlanFate,
}

/// What may become of a planned task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanFate {
    /// It is this task now.
    HandedOut(TaskId),
    /// It is out of the plan.
    Unplanned,
    /// It is planned for another moment.
    Replanned(Schedule),
    /// Nobody has said anything, and nobody is asked any more.
    Lapsed,
}

impl PlanNews {
    /// What an entry says of a task in the plan, which is as it was before that.
    pub fn of(entry: &Entry, plan: &Plan) -> Option<PlanNews> {
        let (id, fate) = match &entry.change {
            Change::Created { task, plan: Some(plan), .. } => (*plan, PlanFate::HandedOut(*task)),
            Change::Unplanned { plan } => (*plan, PlanFate::Unplanned),
            Change::Replanned { plan, schedule } => (*plan, PlanFate::Replanned(*schedule)),
            Change::Lapsed { plan } => (*plan, PlanFate::Lapsed),
            _ => return None,
        };
        let planned = plan.entry(id).filter(|planned| planned.schedule.consent == Consent::Required)?;
        Some(PlanNews { room: entry.room.clone(), planned: planned.clone(), by: entry.by.clone(), fate })
    }
}
