//! How changes and boards are encoded: as JSON, which logs hold forever, so every later version must read what is
//! written today. A new format gets a new name or version beside the old one. The records are types of their own; the
//! core's values are checked again whenever they are read.

use neerc_core::board::{Board, Boards, RemovedTasks};
use neerc_core::change::Change;
use neerc_core::links::LinksWishes;
use neerc_core::people::Person;
use neerc_core::plan::{PlanId, RunId};
use neerc_core::refusal::Refusal;
use neerc_core::task::{Kind, Past, PastStep, Progress, Status, Task, TaskId, Title};
use neerc_core::watch::Watches;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

mod deadlines;
mod doors;
mod rooms;
mod sums;

pub use self::sums::{entry_sum, snapshot_sum};

use self::deadlines::{DeadlineRecord, RoundRecord};
use self::doors::{DoorRecord, DoorsRecord};
use self::rooms::{ClockRecord, LinksRecord, PlanRecord, PlannedRecord, RemovedRecord, WatchRecord};

/// Version of the snapshots that are written; no others are read.
const SNAPSHOT_VERSION: u32 = 1;

/// What is wrong with a stored record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It has no known form.
    #[error("it cannot be read: {0}")]
    Form(#[from] serde_json::Error),
    /// It holds what no change or board can hold.
    #[error("it is not valid: {0}")]
    Value(#[from] Refusal),
    /// It is a snapshot of another format version.
    #[error("it is a snapshot of format {found}; this version reads format {SNAPSHOT_VERSION}")]
    Version {
        /// The version of the record.
        found: u32,
    },
    /// A snapshot refers to a missing row of one of its tables.
    #[error("it refers to {what} {index} and has only {len}")]
    Index {
        /// The table.
        what: &'static str,
        /// The row.
        index: u32,
        /// How many rows the table has.
        len: usize,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChangeRecord<'a> {
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
    Watched(WatchRecord<'a>),
    Linked(LinksRecord<'a>),
    Door(DoorRecord<'a>),
}

#[derive(Serialize, Deserialize)]
struct StatusRecord<'a> {
    person: Cow<'a, str>,
    status: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    value: Cow<'a, str>,
}

impl<'a> StatusRecord<'a> {
    fn of(person: &'a Person, status: &'a Status) -> StatusRecord<'a> {
        StatusRecord {
            person: person.bare().into(),
            status: status.progress.name().into(),
            value: status.value().into(),
        }
    }

    fn all(statuses: &'a [(Person, Status)]) -> Vec<StatusRecord<'a>> {
        statuses.iter().map(|(person, status)| StatusRecord::of(person, status)).collect()
    }

    fn read(&self) -> Result<(Person, Status), Refusal> {
        let status = Status::new(Progress::parse(&self.status)?, &self.value)?;
        Ok((Person::from_bare(&self.person), status))
    }

    fn read_all(statuses: &[StatusRecord<'_>]) -> Result<Vec<(Person, Status)>, Refusal> {
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
    };
    Ok(serde_json::to_string(&record)?)
}

/// Decodes what [`write_change`] of this or an earlier version encoded.
pub fn read_change(record: &[u8]) -> Result<Change, RecordError> {
    Ok(match serde_json::from_slice(record)? {
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
    })
}

/// All boards. People and statuses are tables, and the rest refers to their rows by index: a long history repeats the
/// same few of them.
#[derive(Serialize, Deserialize)]
struct SnapshotRecord<'a> {
    v: u32,
    people: Vec<Cow<'a, str>>,
    /// Progress and value.
    statuses: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    rooms: Vec<BoardRecord<'a>>,
}

#[derive(Serialize, Deserialize)]
struct BoardRecord<'a> {
    room: Cow<'a, str>,
    next_id: u64,
    last_timestamp_ms: i64,
    revision: u64,
    tasks: Vec<TaskRecord<'a>>,
    /// Absent if nothing has ever been planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<PlanRecord<'a>>,
    /// Absent if the clock goes by its feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock: Option<ClockRecord<'a>>,
    /// Absent if nobody watches anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    watches: Vec<WatchRecord<'a>>,
    /// Absent if nobody has said anything about links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    links: Vec<LinksRecord<'a>>,
    /// Absent if nothing was removed lately.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    removed: Vec<RemovedRecord<'a>>,
    /// Of tasks by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deadlines: Vec<(u64, DeadlineRecord<'a>)>,
    /// Absent if nobody has ever come in by a door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    doors: Option<DoorsRecord<'a>>,
}

/// Revision of a step, and people with the status before it (null: not assigned).
type StepRecord = (u64, Vec<(u32, Option<u32>)>);

#[derive(Serialize, Deserialize)]
struct TaskRecord<'a> {
    id: u64,
    title: Cow<'a, str>,
    kind: Cow<'a, str>,
    timestamp_ms: i64,
    revision: u64,
    /// Person and status.
    statuses: Vec<(u32, u32)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    past_titles: Vec<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    past_kinds: Vec<Cow<'a, str>>,
    /// Revision after which every step is kept.
    past_since: u64,
    /// Steps, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    past_steps: Vec<StepRecord>,
}

/// Encodes all boards, with the histories of their tasks.
pub fn write_boards(boards: &Boards) -> Result<String, RecordError> {
    let mut tables = Tables::default();
    let rooms = boards.iter().map(|(room, board)| BoardRecord {
        room: (&**room).into(),
        next_id: board.next_id(),
        last_timestamp_ms: board.last_timestamp_ms(),
        revision: board.revision(),
        tasks: board.tasks().map(|task| tables.task(task)).collect(),
        plan: PlanRecord::of(board.plan()),
        clock: board.clock().map(ClockRecord::of),
        watches: board.watches().all().map(|(person, watch)| WatchRecord::of(person, watch)).collect(),
        links: board.links().all().map(LinksRecord::of).collect(),
        removed: board.removed().all().map(RemovedRecord::of).collect(),
        deadlines: board.deadlines().map(|(task, deadline)| (task.0, DeadlineRecord::of(deadline))).collect(),
        doors: DoorsRecord::of(board.doors()),
    });
    let rooms = rooms.collect();
    let statuses = tables.statuses.lines.iter();
    let record = SnapshotRecord {
        v: SNAPSHOT_VERSION,
        people: tables.people.lines.iter().map(|person| person.bare().into()).collect(),
        statuses: statuses.map(|status| (status.progress.name().into(), status.value().into())).collect(),
        rooms,
    };
    Ok(serde_json::to_string(&record)?)
}

/// The tables of a snapshot while it is encoded.
#[derive(Default)]
struct Tables<'a> {
    people: Table<'a, Person>,
    statuses: Table<'a, Status>,
}

struct Table<'a, T> {
    lines: Vec<&'a T>,
    numbers: HashMap<&'a T, u32>,
}

impl<T> Default for Table<'_, T> {
    fn default() -> Self {
        Table { lines: Vec::new(), numbers: HashMap::new() }
    }
}

impl<'a, T: Eq + std::hash::Hash> Table<'a, T> {
    fn number(&mut self, line: &'a T) -> u32 {
        *self.numbers.entry(line).or_insert_with(|| {
            self.lines.push(line);
            (self.lines.len() - 1) as u32 // 2^32 different rows would not fit into memory
        })
    }
}

impl<'a> Tables<'a> {
    fn task(&mut self, task: &'a Task) -> TaskRecord<'a> {
        let Past { titles, kinds, .. } = &task.past;
        TaskRecord {
            id: task.id.0,
            title: task.title.as_str().into(),
            kind: task.kind.name().into(),
            timestamp_ms: task.timestamp_ms,
            revision: task.revision,
            statuses: task.statuses.iter().map(|(p, s)| (self.people.number(p), self.statuses.number(s))).collect(),
            past_titles: titles.iter().map(|title| title.as_str().into()).collect(),
            past_kinds: kinds.iter().map(|kind| kind.name().into()).collect(),
            past_since: task.past.since,
            past_steps: task.past.steps().map(|step| self.step(step)).collect(),
        }
    }

    fn step(&mut self, step: &'a PastStep) -> StepRecord {
        let status = |table: &mut Table<'a, Status>, status: &'a Option<Status>| {
            status.as_ref().map(|status| table.number(status))
        };
        let before = step.before.iter().map(|(p, before)| (self.people.number(p), status(&mut self.statuses, before)));
        (step.revision, before.collect())
    }
}

/// Decodes what [`write_boards`] encoded.
pub fn read_boards(record: &[u8]) -> Result<Boards, RecordError> {
    let Version { v } = serde_json::from_slice(record)?;
    if v != SNAPSHOT_VERSION {
        return Err(RecordError::Version { found: v });
    }
    let record: SnapshotRecord<'_> = serde_json::from_slice(record)?;
    let status = |(progress, value): &(Cow<'_, str>, Cow<'_, str>)| Status::new(Progress::parse(progress)?, value);
    let lines = Lines {
        people: record.people.iter().map(|person| Person::from_bare(person)).collect(),
        statuses: record.statuses.iter().map(status).collect::<Result<_, _>>()?,
    };
    let mut boards = Boards::new();
    for board in record.rooms {
        let BoardRecord { room, next_id, last_timestamp_ms, revision, tasks, plan, clock, .. } = board;
        let BoardRecord { watches, links, removed, deadlines, doors, .. } = board;
        let tasks = tasks.into_iter().map(|task| lines.task(task)).collect::<Result<Vec<_>, _>>()?;
        let plan = plan.map(PlanRecord::read).transpose()?.unwrap_or_default();
        let deadlines = deadlines.into_iter().map(|(task, deadline)| Ok((TaskId(task), deadline.read()?)));
        let deadlines = deadlines.collect::<Result<Vec<_>, Refusal>>()?;
        let board = Board::restore(tasks, next_id, last_timestamp_ms, revision)
            .with_plan(plan)
            .with_clock(clock.map(ClockRecord::read).transpose()?)
            .with_watches(Watches::restore(watches.into_iter().map(WatchRecord::read)))
            .with_links(LinksWishes::restore(links.into_iter().map(LinksRecord::read).collect::<Result<Vec<_>, _>>()?))
            .with_removed(RemovedTasks::restore(
                removed.into_iter().map(RemovedRecord::read).collect::<Result<Vec<_>, _>>()?,
            ))
            .with_deadlines(deadlines)
            .with_doors(doors.map(DoorsRecord::read).transpose()?.unwrap_or_default());
        boards.insert(room.into(), board);
    }
    Ok(boards)
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// The tables of a snapshot while it is decoded.
struct Lines {
    people: Vec<Person>,
    statuses: Vec<Status>,
}

impl Lines {
    fn person(&self, index: u32) -> Result<Person, RecordError> {
        let person = self.people.get(index as usize).cloned();
        person.ok_or(RecordError::Index { what: "person", index, len: self.people.len() })
    }

    fn status(&self, index: u32) -> Result<Status, RecordError> {
        let status = self.statuses.get(index as usize).cloned();
        status.ok_or(RecordError::Index { what: "status", index, len: self.statuses.len() })
    }

    fn task(&self, record: TaskRecord<'_>) -> Result<Task, RecordError> {
        let mut statuses = BTreeMap::new();
        for (person, status) in record.statuses {
            statuses.insert(self.person(person)?, self.status(status)?);
        }
        let titles = record.past_titles.iter().map(|title| Title::parse(title)).collect::<Result<_, _>>()?;
        let kinds = record.past_kinds.iter().map(|kind| Kind::parse(kind)).collect::<Result<_, _>>()?;
        let steps = record.past_steps.into_iter().map(|step| self.step(step)).collect::<Result<Vec<_>, _>>()?;
        let past = Past::restore(titles, kinds, record.past_since, steps);
        Ok(Task {
            id: TaskId(record.id),
            title: Title::parse(&record.title)?,
            kind: Kind::parse(&record.kind)?,
            timestamp_ms: record.timestamp_ms,
            statuses,
            revision: record.revision,
            past,
        })
    }

    fn step(&self, (revision, before): StepRecord) -> Result<PastStep, RecordError> {
        let status = |status: Option<u32>| status.map(|status| self.status(status)).transpose();
        let before = before.into_iter().map(|(person, before)| Ok((self.person(person)?, status(before)?)));
        Ok(PastStep { revision, before: before.collect::<Result<_, RecordError>>()? })
    }
}

#[cfg(test)]
mod tests;
