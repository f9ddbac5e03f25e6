//! How changes and boards are written down: JSON that old logs hold for ever, so what is written today must be read by
//! every later version. A new format gets a new name or version beside the old one. Not SQL, and not the domain's own
//! types: those are checked again whenever they are read.

use neerc_core::board::{Board, Boards};
use neerc_core::change::Change;
use neerc_core::people::Person;
use neerc_core::plan::{Plan, PlanId, Planned, Schedule};
use neerc_core::refusal::Refusal;
use neerc_core::task::{Kind, Past, Progress, Status, Step, Task, TaskId, Title};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// Version of the snapshots that are written; others are not read.
const SNAPSHOT_VERSION: u32 = 1;

/// What is wrong with a stored record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is not of any known form.
    #[error("it cannot be read: {0}")]
    Form(#[from] serde_json::Error),
    /// It says what no change and no board could say.
    #[error("it is not valid: {0}")]
    Value(#[from] Refusal),
    /// A snapshot of another version of the format.
    #[error("it is a snapshot of format {found}; this version reads format {SNAPSHOT_VERSION}")]
    Version {
        /// The format of the record.
        found: u32,
    },
    /// A snapshot refers to a line of one of its tables that is not there.
    #[error("it refers to {what} {index} and has only {len}")]
    Index {
        /// Which table.
        what: &'static str,
        /// The line.
        index: u32,
        /// How many lines the table has.
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
    },
    Planned(PlannedRecord<'a>),
    Unplanned {
        plan: u64,
    },
}

#[derive(Serialize, Deserialize)]
struct PlannedRecord<'a> {
    plan: u64,
    by: Cow<'a, str>,
    title: Cow<'a, str>,
    kind: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    names: Vec<Cow<'a, str>>,
    /// `start+15`, `end-60!`.
    schedule: String,
}

impl<'a> PlannedRecord<'a> {
    fn of(planned: &'a Planned) -> PlannedRecord<'a> {
        PlannedRecord {
            plan: planned.id.0,
            by: planned.by.bare().into(),
            title: planned.title.as_str().into(),
            kind: planned.kind.name().into(),
            names: planned.names.iter().map(|name| name.as_str().into()).collect(),
            schedule: planned.schedule.to_string(),
        }
    }

    fn read(self) -> Result<Planned, Refusal> {
        Ok(Planned {
            id: PlanId(self.plan),
            by: Person::from_bare(&self.by),
            title: Title::parse(&self.title)?,
            kind: Kind::parse(&self.kind)?,
            names: self.names.into_iter().map(Cow::into_owned).collect(),
            schedule: Schedule::required(&self.schedule)?,
        })
    }
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

/// Writes a change.
pub fn write_change(change: &Change) -> Result<String, RecordError> {
    let record = match change {
        Change::Created { task, title, kind, timestamp_ms, statuses, plan } => ChangeRecord::Created {
            task: task.0,
            title: title.as_str().into(),
            kind: kind.name().into(),
            timestamp_ms: *timestamp_ms,
            statuses: StatusRecord::all(statuses),
            plan: plan.map(|plan| plan.0),
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
        Change::Removed { task } => ChangeRecord::Removed { task: task.0 },
        Change::Planned(planned) => ChangeRecord::Planned(PlannedRecord::of(planned)),
        Change::Unplanned { plan } => ChangeRecord::Unplanned { plan: plan.0 },
    };
    Ok(serde_json::to_string(&record)?)
}

/// Reads what [`write_change`] of this or an earlier version wrote.
pub fn read_change(record: &[u8]) -> Result<Change, RecordError> {
    Ok(match serde_json::from_slice(record)? {
        ChangeRecord::Created { task, title, kind, timestamp_ms, statuses, plan } => Change::Created {
            task: TaskId(task),
            title: Title::parse(&title)?,
            kind: Kind::parse(&kind)?,
            timestamp_ms,
            statuses: StatusRecord::read_all(&statuses)?,
            plan: plan.map(PlanId),
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
        ChangeRecord::Removed { task } => Change::Removed { task: TaskId(task) },
        ChangeRecord::Planned(record) => Change::Planned(record.read()?),
        ChangeRecord::Unplanned { plan } => Change::Unplanned { plan: PlanId(plan) },
    })
}

/// All boards. People and statuses are tables, and the rest refers to their lines by number, from 0: a long history
/// names the same few of them again and again.
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
    /// Absent if nothing was ever planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<PlanRecord<'a>>,
}

#[derive(Serialize, Deserialize)]
struct PlanRecord<'a> {
    next: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    entries: Vec<PlannedRecord<'a>>,
}

impl<'a> PlanRecord<'a> {
    fn of(plan: &'a Plan) -> Option<PlanRecord<'a>> {
        let entries = plan.entries().map(PlannedRecord::of).collect();
        (*plan != Plan::default()).then(|| PlanRecord { next: plan.next(), entries })
    }

    fn read(self) -> Result<Plan, Refusal> {
        let entries = self.entries.into_iter().map(PlannedRecord::read).collect::<Result<Vec<_>, _>>()?;
        Ok(Plan::restore(entries, self.next))
    }
}

/// Revision of a step, and persons with the status before it (null: not assigned).
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

/// Writes all boards, with all of their tasks' past.
pub fn write_boards(boards: &Boards) -> Result<String, RecordError> {
    let mut tables = Tables::default();
    let rooms = boards.iter().map(|(room, board)| BoardRecord {
        room: (&**room).into(),
        next_id: board.next_id(),
        last_timestamp_ms: board.last_timestamp_ms(),
        revision: board.revision(),
        tasks: board.tasks().map(|task| tables.task(task)).collect(),
        plan: PlanRecord::of(board.plan()),
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

/// The tables of a snapshot that is being written.
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
            (self.lines.len() - 1) as u32 // 2^32 different lines would not fit into memory
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

    fn step(&mut self, step: &'a Step) -> StepRecord {
        let status = |table: &mut Table<'a, Status>, status: &'a Option<Status>| {
            status.as_ref().map(|status| table.number(status))
        };
        let before = step.before.iter().map(|(p, before)| (self.people.number(p), status(&mut self.statuses, before)));
        (step.revision, before.collect())
    }
}

/// Reads what [`write_boards`] wrote.
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
    for BoardRecord { room, next_id, last_timestamp_ms, revision, tasks, plan } in record.rooms {
        let tasks = tasks.into_iter().map(|task| lines.task(task)).collect::<Result<Vec<_>, _>>()?;
        let plan = plan.map(PlanRecord::read).transpose()?.unwrap_or_default();
        let board = Board::restore(tasks, next_id, last_timestamp_ms, revision).with_plan(plan);
        boards.insert(room.into(), board);
    }
    Ok(boards)
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// The tables of a snapshot that is being read.
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

    fn step(&self, (revision, before): StepRecord) -> Result<Step, RecordError> {
        let status = |status: Option<u32>| status.map(|status| self.status(status)).transpose();
        let before = before.into_iter().map(|(person, before)| Ok((self.person(person)?, status(before)?)));
        Ok(Step { revision, before: before.collect::<Result<_, RecordError>>()? })
    }
}

/// The checksum of a line of the log: over every field, with the lengths of the texts.
pub fn entry_sum(revision: i64, room: &[u8], at_ms: i64, by: &[u8], record: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&revision.to_le_bytes());
    sum.update(&at_ms.to_le_bytes());
    for text in [room, by, record] {
        sum.update(&(text.len() as u64).to_le_bytes());
        sum.update(text);
    }
    sum.finalize()
}

/// The checksum of a snapshot.
pub fn snapshot_sum(revision: i64, record: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&revision.to_le_bytes());
    sum.update(record);
    sum.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> Person {
        Person::from_bare(&format!("{name}@localhost"))
    }

    fn status(progress: Progress, value: &str) -> Status {
        Status::new(progress, value).unwrap()
    }

    fn title(text: &str) -> Title {
        Title::parse(text).unwrap()
    }

    /// One of each form. These texts are in people's logs: never change one, only add.
    fn golden() -> Vec<(&'static str, Change)> {
        let created = |task, statuses| Change::Created {
            task: TaskId(task),
            title: title("Раздать \"воду\""),
            kind: Kind::OkFail,
            timestamp_ms: 1_700_000_000_123,
            statuses,
            plan: None,
        };
        let edited = |title, kind, timestamp_ms, set, unassigned| Change::Edited {
            task: TaskId(7),
            title,
            kind,
            timestamp_ms,
            set,
            unassigned,
        };
        let answered = |progress, value: &str| Change::Answered {
            task: TaskId(7),
            person: person("hall2"),
            status: status(progress, value),
        };
        vec![
            (
                r#"{"created":{"task":18446744073709551615,"title":"Раздать \"воду\"","kind":"okfail","timestamp_ms":1700000000123}}"#,
                created(u64::MAX, vec![]),
            ),
            (
                r#"{"created":{"task":7,"title":"Раздать \"воду\"","kind":"okfail","timestamp_ms":1700000000123,"statuses":[{"person":"hall2@localhost","status":"none"},{"person":"hall1@localhost","status":"running","value":"50%"}]}}"#,
                created(7, vec![(person("hall2"), Status::NONE), (person("hall1"), status(Progress::Running, "50%"))]),
            ),
            (
                r#"{"edited":{"task":7,"title":"t","kind":"question","timestamp_ms":-1,"set":[{"person":"hall1@localhost","status":"none"}],"unassigned":["hall2@localhost"]}}"#,
                edited(
                    Some(title("t")),
                    Some(Kind::Question),
                    Some(-1),
                    vec![(person("hall1"), Status::NONE)],
                    vec![person("hall2")],
                ),
            ),
            (r#"{"edited":{"task":7,"kind":"todo"}}"#, edited(None, Some(Kind::Todo), None, vec![], vec![])),
            (
                r#"{"answered":{"task":7,"person":"hall2@localhost","status":"success"}}"#,
                answered(Progress::Success, ""),
            ),
            (
                r#"{"answered":{"task":7,"person":"hall2@localhost","status":"fail","value":"нет бумаги"}}"#,
                answered(Progress::Fail, "нет бумаги"),
            ),
            (
                r#"{"answered":{"task":7,"person":"hall2@localhost","status":"acknowledged"}}"#,
                answered(Progress::Acknowledged, ""),
            ),
            (r#"{"removed":{"task":7}}"#, Change::Removed { task: TaskId(7) }),
            (
                r#"{"planned":{"plan":3,"by":"admin@localhost","title":"Раздать \"воду\"","kind":"okfail","names":["halls","зал 1"],"schedule":"end-60!"}}"#,
                Change::Planned(planned(3, &["halls", "зал 1"], "end-60!")),
            ),
            (
                r#"{"planned":{"plan":18446744073709551615,"by":"admin@localhost","title":"Раздать \"воду\"","kind":"okfail","schedule":"start+0"}}"#,
                Change::Planned(planned(u64::MAX, &[], "start")),
            ),
            (r#"{"unplanned":{"plan":3}}"#, Change::Unplanned { plan: PlanId(3) }),
            (
                r#"{"created":{"task":7,"title":"t","kind":"todo","timestamp_ms":5,"plan":3}}"#,
                Change::Created {
                    task: TaskId(7),
                    title: title("t"),
                    kind: Kind::Todo,
                    timestamp_ms: 5,
                    statuses: vec![],
                    plan: Some(PlanId(3)),
                },
            ),
        ]
    }

    fn planned(id: u64, names: &[&str], schedule: &str) -> Planned {
        Planned {
            id: PlanId(id),
            by: person("admin"),
            title: title("Раздать \"воду\""),
            kind: Kind::OkFail,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            schedule: Schedule::required(schedule).unwrap(),
        }
    }

    #[test]
    fn changes_are_written_and_read_as_ever() {
        for (text, change) in golden() {
            assert_eq!(write_change(&change).unwrap(), text);
            assert_eq!(read_change(text.as_bytes()).unwrap(), change);
        }
        for kind in [Kind::Todo, Kind::TodoFail, Kind::Confirm, Kind::OkFail, Kind::Question] {
            let text = format!(r#"{{"edited":{{"task":7,"kind":"{}"}}}}"#, kind.name());
            assert!(matches!(read_change(text.as_bytes()).unwrap(), Change::Edited { kind: Some(k), .. } if k == kind));
        }
    }

    #[test]
    fn a_field_of_a_later_version_is_no_obstacle() {
        let text = r#"{"removed":{"task":7,"why":"done"}}"#;
        assert_eq!(read_change(text.as_bytes()).unwrap(), Change::Removed { task: TaskId(7) });
    }

    #[test]
    fn what_no_change_could_say_is_refused() {
        let check = |text: &str, expected: &str| {
            let error = read_change(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check("", "it cannot be read");
        check(r#"{"moved":{"task":7}}"#, "unknown variant `moved`");
        check(r#"{"removed":{}}"#, "missing field `task`");
        check(
            r#"{"created":{"task":1,"title":" ","kind":"todo","timestamp_ms":1}}"#,
            "it is not valid: the title is empty",
        );
        check(r#"{"edited":{"task":1,"kind":"tidy"}}"#, "no task type 'tidy'");
        check(r#"{"answered":{"task":1,"person":"a@b","status":"late"}}"#, "no status type 'late'");
        let planned = r#"{"planned":{"plan":1,"by":"a@b","title":"t","kind":"todo","schedule":"noon"}}"#;
        check(planned, "'noon' is no moment of a contest");
    }

    /// Two rooms with everything a board can remember.
    fn boards() -> Boards {
        let halls = ["hall1", "hall2"].map(|name| (person(name), Status::NONE));
        let created = |task, kind| Change::Created {
            task: TaskId(task),
            title: title("Water"),
            kind,
            timestamp_ms: 1_000 + task as i64,
            statuses: halls.to_vec(),
            plan: None,
        };
        let mut boards = Boards::new();
        let neerc = boards.entry("neerc".into()).or_default();
        neerc.apply(1, &created(1, Kind::Todo));
        neerc.apply(2, &created(2, Kind::Confirm));
        let answered =
            Change::Answered { task: TaskId(1), person: person("hall2"), status: status(Progress::Running, "50%") };
        neerc.apply(3, &answered);
        let edited = Change::Edited {
            task: TaskId(1),
            title: Some(title("Вода")),
            kind: Some(Kind::Question),
            timestamp_ms: Some(2_000),
            set: vec![(person("admin"), Status::NONE)],
            unassigned: vec![person("hall1")],
        };
        neerc.apply(4, &edited);
        neerc.apply(6, &Change::Removed { task: TaskId(2) });
        boards.entry("empty".into()).or_default();
        boards.entry("other".into()).or_default().apply(5, &created(1, Kind::OkFail));
        boards
    }

    const SNAPSHOT: &str = concat!(
        r#"{"v":1,"people":["admin@localhost","hall2@localhost","hall1@localhost"],"#,
        r#""statuses":[["none",""],["running","50%"]],"rooms":["#,
        r#"{"room":"empty","next_id":1,"last_timestamp_ms":0,"revision":0,"tasks":[]},"#,
        r#"{"room":"neerc","next_id":3,"last_timestamp_ms":2000,"revision":6,"tasks":["#,
        r#"{"id":1,"title":"Вода","kind":"question","timestamp_ms":2000,"revision":4,"statuses":[[0,0],[1,1]],"#,
        r#""past_titles":["Water"],"past_kinds":["todo"],"past_since":1,"past_steps":[[3,[[1,0]]],[4,[[2,0],[0,null]]]]}]},"#,
        r#"{"room":"other","next_id":2,"last_timestamp_ms":1001,"revision":5,"tasks":["#,
        r#"{"id":1,"title":"Water","kind":"okfail","timestamp_ms":1001,"revision":5,"statuses":[[2,0],[1,0]],"past_since":5}]}]}"#,
    );

    #[test]
    fn snapshots_are_written_and_read_as_ever() {
        assert_eq!(write_boards(&boards()).unwrap(), SNAPSHOT);
        assert_eq!(read_boards(SNAPSHOT.as_bytes()).unwrap(), boards());
    }

    #[test]
    fn what_is_planned_survives_a_snapshot_as_ever() {
        let mut boards = Boards::new();
        let room = boards.entry("neerc".into()).or_default();
        for (revision, id) in [(1, 1), (2, 2), (3, 3)] {
            room.apply(revision, &Change::Planned(planned(id, &["halls"], "start+15")));
        }
        room.apply(4, &Change::Unplanned { plan: PlanId(1) });
        room.apply(5, &Change::Unplanned { plan: PlanId(3) });
        let written = concat!(
            r#"{"v":1,"people":[],"statuses":[],"rooms":[{"room":"neerc","next_id":1,"last_timestamp_ms":0,"revision":5,"#,
            r#""tasks":[],"plan":{"next":4,"entries":[{"plan":2,"by":"admin@localhost","#,
            r#""title":"Раздать \"воду\"","kind":"okfail","names":["halls"],"schedule":"start+15"}]}}]}"#,
        );
        assert_eq!(write_boards(&boards).unwrap(), written);
        assert_eq!(read_boards(written.as_bytes()).unwrap(), boards);
    }

    #[test]
    fn snapshots_of_another_version_or_with_loose_ends_are_refused() {
        let check = |from: &str, to: &str, expected: &str| {
            assert!(SNAPSHOT.contains(from));
            let error = read_boards(SNAPSHOT.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(r#""v":1"#, r#""v":2"#, "a snapshot of format 2");
        check("[0,0],[1,1]", "[0,0],[1,2]", "it refers to status 2 and has only 2");
        check("[[1,0]]", "[[3,0]]", "it refers to person 3 and has only 3");
        check("Вода", "", "the title is empty");
    }

    #[test]
    fn checksums_are_as_ever_and_tell_every_field() {
        let sum = entry_sum(7, b"neerc", 1_000, b"a@b", b"{}");
        assert_eq!(sum, 0x3801_78a5); // Python: zlib.crc32
        let others = [
            entry_sum(8, b"neerc", 1_000, b"a@b", b"{}"),
            entry_sum(7, b"neerd", 1_000, b"a@b", b"{}"),
            entry_sum(7, b"neerc", 1_001, b"a@b", b"{}"),
            entry_sum(7, b"neerc", 1_000, b"a@c", b"{}"),
            entry_sum(7, b"neerc", 1_000, b"a@b", b"{ "),
            entry_sum(7, b"neerca", 1_000, b"@b", b"{}"),
        ];
        assert!(others.iter().all(|other| *other != sum));
        assert_eq!(snapshot_sum(7, b"{}"), 0xe329_deb3);
        assert_ne!(snapshot_sum(8, b"{}"), snapshot_sum(7, b"{}"));
    }
}
