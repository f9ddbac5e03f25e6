//! The written form of changes.

use super::RecordError;
use super::deadlines::{DeadlineRecord, RoundRecord};
use super::doors::DoorRecord;
use super::rooms::{ClockRecord, LinksRecord, PlannedRecord, ReplannedRecord, WatchRecord};
use neerc_core::change::Change;
use neerc_core::people::Person;
use neerc_core::plan::{PlanId, RunId};
use neerc_core::refusal::Refusal;
use neerc_core::task::{Kind, Progress, Status, TaskId, Title};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChangeRecord<'a> {
    Created {
        task: u64,
        title: Cow<'a, str>,
        kind: Cow<'a, str>,
        timestamp_ms: i64,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        statuses: Vec<StatusRecord<'a>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<DeadlineRecord<'a>>,
    },
    Edited {
        task: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timestamp_ms: Option<i64>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        set: Vec<StatusRecord<'a>>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unassigned: Vec<Cow<'a, str>>,
    },
    Answered {
        task: u64,
        person: Cow<'a, str>,
        status: Cow<'a, str>,
        #[serde(default, skip_serializing_if = "str::is_empty")]
        value: Cow<'a, str>,
    },
    Removed {
        task: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_ms: Option<i64>,
    },
    Restored {
        task: u64,
        timestamp_ms: i64,
    },
    Planned(PlannedRecord<'a>),
    Unplanned {
        plan: u64,
    },
    Replanned(ReplannedRecord),
    Lapsed {
        plan: u64,
    },
    /// Null: it has none any more.
    Deadlined {
        task: u64,
        deadline: Option<DeadlineRecord<'a>>,
    },
    Reminded {
        task: u64,
        /// Absent where an admin asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        round: Option<RoundRecord>,
    },
    Begun {
        name: Cow<'a, str>,
        at_ms: i64,
        lines: Vec<PlannedRecord<'a>>,
    },
    Stopped {
        run: u64,
    },
    /// Null: the clock goes by its feed again.
    Clocked(Option<ClockRecord<'a>>),
    Rehearsed(ClockRecord<'a>),
    RehearsalEnded {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tasks: Vec<u64>,
    },
    Watched(WatchRecord<'a>),
    Linked(LinksRecord<'a>),
    Door(DoorRecord<'a>),
}

#[derive(Serialize, Deserialize)]
pub(super) struct StatusRecord<'a> {
    person: Cow<'a, str>,
    status: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    value: Cow<'a, str>,
}

impl<'a> StatusRecord<'a> {
    pub(super) fn of(person: &'a Person, status: &'a Status) -> StatusRecord<'a> {
        StatusRecord {
            person: person.bare().into(),
            status: status.progress.name().into(),
            value: status.value().into(),
        }
    }

    pub(super) fn all(statuses: &'a [(Person, Status)]) -> Vec<StatusRecord<'a>> {
        statuses.iter().map(|(person, status)| StatusRecord::of(person, status)).collect()
    }

    pub(super) fn read(&self) -> Result<(Person, Status), Refusal> {
        let status = Status::new(Progress::parse(&self.status)?, &self.value)?;
        Ok((Person::from_bare(&self.person), status))
    }

    pub(super) fn read_all(statuses: &[StatusRecord<'_>]) -> Result<Vec<(Person, Status)>, Refusal> {
        statuses.iter().map(StatusRecord::read).collect()
    }
}

/// Encodes a change.
pub fn write_change(change: &Change) -> Result<String, RecordError> {
    let record = match change {
        Change::Created { task, title, kind, timestamp_ms, statuses, plan, deadline } => ChangeRecord::Created {
            task: task.0,
            title: title.as_str().into(),
            kind: kind.name().into(),
            timestamp_ms: *timestamp_ms,
            statuses: StatusRecord::all(statuses),
            plan: plan.map(|plan| plan.0),
            deadline: deadline.as_ref().map(DeadlineRecord::of),
        },
        Change::Edited { task, title, kind, timestamp_ms, set, unassigned } => ChangeRecord::Edited {
            task: task.0,
            title: title.as_ref().map(|title| title.as_str().into()),
            kind: kind.map(|kind| kind.name().into()),
            timestamp_ms: *timestamp_ms,
            set: StatusRecord::all(set),
            unassigned: unassigned.iter().map(|person| person.bare().into()).collect(),
        },
        Change::Answered { task, person, status } => {
            let StatusRecord { person, status, value } = StatusRecord::of(person, status);
            ChangeRecord::Answered { task: task.0, person, status, value }
        }
        Change::Removed { task, at_ms } => ChangeRecord::Removed { task: task.0, at_ms: *at_ms },
        Change::Restored { task, timestamp_ms } => ChangeRecord::Restored { task: task.0, timestamp_ms: *timestamp_ms },
        Change::Deadlined { task, deadline } => {
            ChangeRecord::Deadlined { task: task.0, deadline: deadline.as_ref().map(DeadlineRecord::of) }
        }
        Change::Reminded { task, round } => ChangeRecord::Reminded { task: task.0, round: round.map(RoundRecord::of) },
        Change::Planned(planned) => ChangeRecord::Planned(PlannedRecord::of(planned)),
        Change::Unplanned { plan } => ChangeRecord::Unplanned { plan: plan.0 },
        Change::Replanned { plan, schedule } => ChangeRecord::Replanned(ReplannedRecord::of(*plan, *schedule)),
        Change::Lapsed { plan } => ChangeRecord::Lapsed { plan: plan.0 },
        Change::Begun { name, at_ms, lines } => ChangeRecord::Begun {
            name: name.as_str().into(),
            at_ms: *at_ms,
            lines: lines.iter().map(PlannedRecord::of).collect(),
        },
        Change::Stopped { run } => ChangeRecord::Stopped { run: run.0 },
        Change::Watched { person, watch } => ChangeRecord::Watched(WatchRecord::of(person, watch)),
        Change::Linked { person, wish } => ChangeRecord::Linked(LinksRecord::of((person, *wish))),
        Change::Door(change) => ChangeRecord::Door(DoorRecord::of(change)),
        Change::Clocked(set) => ChangeRecord::Clocked(set.as_ref().map(ClockRecord::of)),
        Change::Rehearsed(set) => ChangeRecord::Rehearsed(ClockRecord::of(set)),
        Change::RehearsalEnded { tasks } => {
            ChangeRecord::RehearsalEnded { tasks: tasks.iter().map(|task| task.0).collect() }
        }
    };
    Ok(serde_json::to_string(&record)?)
}

/// Decodes what [`write_change`] of this or an earlier version encoded.
pub fn read_change(record: &[u8]) -> Result<Change, RecordError> {
    change_of(serde_json::from_slice(record)?)
}

/// The change that a record holds.
pub(super) fn change_of(record: ChangeRecord<'_>) -> Result<Change, RecordError> {
    Ok(match record {
        ChangeRecord::Created { task, title, kind, timestamp_ms, statuses, plan, deadline } => Change::Created {
            task: TaskId(task),
            title: Title::parse(&title)?,
            kind: Kind::parse(&kind)?,
            timestamp_ms,
            statuses: StatusRecord::read_all(&statuses)?,
            plan: plan.map(PlanId),
            deadline: deadline.map(DeadlineRecord::read).transpose()?,
        },
        ChangeRecord::Edited { task, title, kind, timestamp_ms, set, unassigned } => Change::Edited {
            task: TaskId(task),
            title: title.map(|title| Title::parse(&title)).transpose()?,
            kind: kind.map(|kind| Kind::parse(&kind)).transpose()?,
            timestamp_ms,
            set: StatusRecord::read_all(&set)?,
            unassigned: unassigned.iter().map(|person| Person::from_bare(person)).collect(),
        },
        ChangeRecord::Answered { task, person, status, value } => {
            let (person, status) = StatusRecord { person, status, value }.read()?;
            Change::Answered { task: TaskId(task), person, status }
        }
        ChangeRecord::Removed { task, at_ms } => Change::Removed { task: TaskId(task), at_ms },
        ChangeRecord::Restored { task, timestamp_ms } => Change::Restored { task: TaskId(task), timestamp_ms },
        ChangeRecord::Deadlined { task, deadline } => {
            Change::Deadlined { task: TaskId(task), deadline: deadline.map(DeadlineRecord::read).transpose()? }
        }
        ChangeRecord::Reminded { task, round } => {
            Change::Reminded { task: TaskId(task), round: round.map(RoundRecord::read) }
        }
        ChangeRecord::Planned(record) => Change::Planned(record.read()?),
        ChangeRecord::Unplanned { plan } => Change::Unplanned { plan: PlanId(plan) },
        ChangeRecord::Replanned(record) => record.read()?,
        ChangeRecord::Lapsed { plan } => Change::Lapsed { plan: PlanId(plan) },
        ChangeRecord::Begun { name, at_ms, lines } => Change::Begun {
            name: name.into_owned(),
            at_ms,
            lines: lines.into_iter().map(PlannedRecord::read).collect::<Result<_, _>>()?,
        },
        ChangeRecord::Stopped { run } => Change::Stopped { run: RunId(run) },
        ChangeRecord::Watched(record) => {
            let (person, watch) = record.read();
            Change::Watched { person, watch }
        }
        ChangeRecord::Linked(record) => {
            let (person, wish) = record.read()?;
            Change::Linked { person, wish }
        }
        ChangeRecord::Door(record) => Change::Door(record.read()?),
        ChangeRecord::Clocked(record) => Change::Clocked(record.map(ClockRecord::read).transpose()?),
        ChangeRecord::Rehearsed(record) => Change::Rehearsed(record.read()?),
        ChangeRecord::RehearsalEnded { tasks } => {
            Change::RehearsalEnded { tasks: tasks.into_iter().map(TaskId).collect() }
        }
    })
}
