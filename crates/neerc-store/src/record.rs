//! How changes and boards are encoded: as JSON, which logs hold forever, so every later version must read what is
//! written today. A new format gets a new name or version beside the old one. The records are types of their own; the
//! core's values are checked again whenever they are read.

use neerc_core::board::{Board, Boards, RemovedTasks};
use neerc_core::links::LinksWishes;
use neerc_core::people::Person;
use neerc_core::refusal::Refusal;
use neerc_core::task::{Kind, Past, PastStep, Progress, Status, Task, TaskId, Title};
use neerc_core::watch::Watches;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

mod backdrop;
mod changes;
mod deadlines;
mod doors;
mod requests;
mod rooms;
mod sums;

pub use self::backdrop::{read_backdrop, write_backdrop};
pub use self::changes::{read_change, write_change};
pub use self::requests::{read_entry, write_entry};
pub use self::sums::{chained, entry_sum, floor_sum, snapshot_sum};

use self::deadlines::DeadlineRecord;
use self::doors::DoorsRecord;
use self::requests::RequestRecord;
use self::rooms::{ClockRecord, LinksRecord, PlanRecord, RehearsalRecord, RemovedRecord, WatchRecord};

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
    /// Absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rehearsal: Option<RehearsalRecord<'a>>,
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
    /// Absent if none has a key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    requests: Vec<RequestRecord<'a>>,
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
        rehearsal: board.rehearsal().map(RehearsalRecord::of),
        watches: board.watches().all().map(|(person, watch)| WatchRecord::of(person, watch)).collect(),
        links: board.links().all().map(LinksRecord::of).collect(),
        removed: board.removed().all().map(RemovedRecord::of).collect(),
        deadlines: board.deadlines().map(|(task, deadline)| (task.0, DeadlineRecord::of(deadline))).collect(),
        doors: DoorsRecord::of(board.doors()),
        requests: board.requests().all().map(RequestRecord::of).collect(),
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
        let BoardRecord { rehearsal, watches, links, removed, deadlines, doors, requests, .. } = board;
        let tasks = tasks.into_iter().map(|task| lines.task(task)).collect::<Result<Vec<_>, _>>()?;
        let plan = plan.map(PlanRecord::read).transpose()?.unwrap_or_default();
        let deadlines = deadlines.into_iter().map(|(task, deadline)| Ok((TaskId(task), deadline.read()?)));
        let deadlines = deadlines.collect::<Result<Vec<_>, Refusal>>()?;
        let board = Board::restore(tasks, next_id, last_timestamp_ms, revision)
            .with_plan(plan)
            .with_clock(clock.map(ClockRecord::read).transpose()?)
            .with_rehearsal(rehearsal.map(RehearsalRecord::read).transpose()?)
            .with_watches(Watches::restore(watches.into_iter().map(WatchRecord::read)))
            .with_links(LinksWishes::restore(links.into_iter().map(LinksRecord::read).collect::<Result<Vec<_>, _>>()?))
            .with_removed(RemovedTasks::restore(
                removed.into_iter().map(RemovedRecord::read).collect::<Result<Vec<_>, _>>()?,
            ))
            .with_deadlines(deadlines)
            .with_doors(doors.map(DoorsRecord::read).transpose()?.unwrap_or_default())
            .with_requests(requests::read(&requests)?);
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
