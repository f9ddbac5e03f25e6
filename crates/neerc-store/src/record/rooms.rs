//! The written form of what a room has besides its tasks: what is planned, its clock, who watches what or wants links, and
//! what was removed lately.

use super::changes::StatusRecord;
use neerc_core::board::{Rehearsal, RemovedTask};
use neerc_core::change::Change;
use neerc_core::clock::hand::SetClock;
use neerc_core::clock::{Phase, Reading, Speed};
use neerc_core::links::LinksWish;
use neerc_core::moment::{DueAt, When};
use neerc_core::people::Person;
use neerc_core::plan::{Consent, Plan, PlanId, Planned, Run, RunId, RunStep, Schedule, Timing};
use neerc_core::refusal::{Refusal, excerpt};
use neerc_core::task::{Kind, TaskId, Title};
use neerc_core::watch::{Watch, WatchedAnswers};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A contest clock that was set by hand.
#[derive(Serialize, Deserialize)]
pub(super) struct ClockRecord<'a> {
    by: Cow<'a, str>,
    at_ms: i64,
    elapsed_ms: i64,
    total_ms: i64,
    /// `before`, `counting`, `running`, `paused`, `over`.
    phase: Cow<'a, str>,
    /// How many times as fast as time itself it runs; absent if it is no rehearsal's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    speed: Option<u16>,
}

impl<'a> ClockRecord<'a> {
    pub(super) fn of(SetClock { by, at_ms, reading, speed }: &'a SetClock) -> ClockRecord<'a> {
        let speed = Some(speed.times()).filter(|times| *times != 1);
        let Reading { elapsed_ms, total_ms, phase } = *reading;
        ClockRecord { by: by.bare().into(), at_ms: *at_ms, elapsed_ms, total_ms, phase: phase.name().into(), speed }
    }

    pub(super) fn read(self) -> Result<SetClock, Refusal> {
        let phase = Phase::named(&self.phase)?;
        let reading = Reading { elapsed_ms: self.elapsed_ms, total_ms: self.total_ms, phase };
        let unknown = Refusal::Malformed { what: "the speed of a clock", wanted: "known" };
        let speed = self.speed.map_or(Some(Speed::REAL), Speed::new).ok_or(unknown)?;
        Ok(SetClock { by: Person::from_bare(&self.by), at_ms: self.at_ms, reading, speed })
    }
}

/// A rehearsal that goes on.
#[derive(Serialize, Deserialize)]
pub(super) struct RehearsalRecord<'a> {
    by: Cow<'a, str>,
    at_ms: i64,
    first: u64,
    /// Absent if the clock went by its feed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<ClockRecord<'a>>,
}

impl<'a> RehearsalRecord<'a> {
    pub(super) fn of(Rehearsal { by, at_ms, first, before }: &'a Rehearsal) -> RehearsalRecord<'a> {
        let (by, before) = (by.bare().into(), before.as_ref().map(ClockRecord::of));
        RehearsalRecord { by, at_ms: *at_ms, first: first.0, before }
    }

    pub(super) fn read(self) -> Result<Rehearsal, Refusal> {
        let (by, first) = (Person::from_bare(&self.by), TaskId(self.first));
        Ok(Rehearsal { by, at_ms: self.at_ms, first, before: self.before.map(ClockRecord::read).transpose()? })
    }
}

/// What somebody watches. Without anything but the person: nothing.
#[derive(Serialize, Deserialize)]
pub(super) struct WatchRecord<'a> {
    person: Cow<'a, str>,
    /// `failures`, `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answers: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tasks: Vec<u64>,
}

impl<'a> WatchRecord<'a> {
    pub(super) fn of(person: &'a Person, watch: &'a Watch) -> WatchRecord<'a> {
        let answers = (watch.answers != WatchedAnswers::None).then(|| watch.answers.name().into());
        WatchRecord { person: person.bare().into(), answers, tasks: watch.tasks.iter().map(|task| task.0).collect() }
    }

    /// What a later version watches besides is not known here.
    pub(super) fn read(self) -> (Person, Watch) {
        let answers = self.answers.and_then(|name| WatchedAnswers::named(&name)).unwrap_or_default();
        let tasks = self.tasks.into_iter().map(TaskId).collect();
        (Person::from_bare(&self.person), Watch { answers, tasks })
    }
}

/// Whether somebody wants links.
#[derive(Serialize, Deserialize)]
pub(super) struct LinksRecord<'a> {
    person: Cow<'a, str>,
    /// `on`, `off`.
    links: Cow<'a, str>,
}

impl<'a> LinksRecord<'a> {
    pub(super) fn of((person, wish): (&'a Person, LinksWish)) -> LinksRecord<'a> {
        LinksRecord { person: person.bare().into(), links: wish.name().into() }
    }

    pub(super) fn read(self) -> Result<(Person, LinksWish), Refusal> {
        Ok((Person::from_bare(&self.person), LinksWish::parse(&self.links)?))
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct PlannedRecord<'a> {
    plan: u64,
    by: Cow<'a, str>,
    title: Cow<'a, str>,
    kind: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    names: Vec<Cow<'a, str>>,
    /// `start+15`, `end-60!`. Absent for a line of a checklist that comes at its turn, and for a time of day.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    schedule: String,
    /// For a time of day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<TimeRecord>,
    /// The run that it is a line of, and its step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<u64>,
}

impl<'a> PlannedRecord<'a> {
    pub(super) fn of(planned: &'a Planned) -> PlannedRecord<'a> {
        PlannedRecord {
            plan: planned.id.0,
            by: planned.by.bare().into(),
            title: planned.title.as_str().into(),
            kind: planned.kind.name().into(),
            names: planned.names.iter().map(|name| name.as_str().into()).collect(),
            schedule: contest_schedule(planned.schedule),
            time: TimeRecord::of(planned.schedule),
            run: planned.turn.map(|turn| turn.run.0),
            step: planned.turn.map(|turn| turn.step),
        }
    }

    pub(super) fn read(self) -> Result<Planned, Refusal> {
        let turn = self.run.zip(self.step).map(|(run, step)| RunStep { run: RunId(run), step });
        let schedule = read_schedule(&self.schedule, self.time, turn)?;
        Ok(Planned {
            id: PlanId(self.plan),
            by: Person::from_bare(&self.by),
            title: Title::parse(&self.title)?,
            kind: Kind::parse(&self.kind)?,
            names: self.names.into_iter().map(Cow::into_owned).collect(),
            schedule,
            turn,
        })
    }
}

/// A time of day for which something is planned.
#[derive(Serialize, Deserialize)]
pub(super) struct TimeRecord {
    at_ms: i64,
    /// Whether an admin must agree first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    asks: bool,
}

impl TimeRecord {
    fn of(schedule: Schedule) -> Option<TimeRecord> {
        let Some(DueAt::Day { at_ms }) = schedule.due else { return None };
        Some(TimeRecord { at_ms, asks: schedule.consent == Consent::Required })
    }
}

/// Another moment of a planned task.
#[derive(Serialize, Deserialize)]
pub(super) struct ReplannedRecord {
    plan: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    schedule: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<TimeRecord>,
}

impl ReplannedRecord {
    pub(super) fn of(plan: PlanId, schedule: Schedule) -> ReplannedRecord {
        ReplannedRecord { plan: plan.0, schedule: contest_schedule(schedule), time: TimeRecord::of(schedule) }
    }

    pub(super) fn read(self) -> Result<Change, Refusal> {
        let schedule = read_schedule(&self.schedule, self.time, None)?;
        Ok(Change::Replanned { plan: PlanId(self.plan), schedule })
    }
}

/// What is planned by the contest, as it is written; nothing for what is not.
fn contest_schedule(schedule: Schedule) -> String {
    match schedule.due {
        Some(DueAt::Contest(moment)) => format!("{moment}{}", schedule.consent.mark()),
        _ => String::new(),
    }
}

fn read_schedule(schedule: &str, time: Option<TimeRecord>, turn: Option<RunStep>) -> Result<Schedule, Refusal> {
    if let Some(TimeRecord { at_ms, asks }) = time {
        let consent = if asks { Consent::Required } else { Consent::NotNeeded };
        return Ok(Schedule { due: Some(DueAt::Day { at_ms }), consent });
    }
    if turn.is_some() && schedule.is_empty() {
        return Ok(Schedule::AT_ITS_TURN);
    }
    match Timing::required(schedule)? {
        Timing { when: Some(When::Contest(moment)), consent } => {
            Ok(Schedule { due: Some(DueAt::Contest(moment)), consent })
        }
        _ => Err(Refusal::BadSchedule { schedule: excerpt(schedule) }), // another time is not kept as it is written
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct PlanRecord<'a> {
    next: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    entries: Vec<PlannedRecord<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    runs: Vec<RunRecord<'a>>,
    /// What nobody has said anything of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lapsed: Vec<u64>,
}

/// A checklist that is gone through, or was.
#[derive(Serialize, Deserialize)]
struct RunRecord<'a> {
    run: u64,
    name: Cow<'a, str>,
    by: Cow<'a, str>,
    at_ms: i64,
    steps: u64,
    step: u64,
    /// Task and step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tasks: Vec<(u64, u64)>,
}

impl<'a> RunRecord<'a> {
    fn of(run: &'a Run) -> RunRecord<'a> {
        let tasks = run.tasks.iter().map(|(task, step)| (task.0, *step)).collect();
        let (name, by) = (run.name.as_str().into(), run.by.bare().into());
        RunRecord { run: run.id.0, name, by, at_ms: run.at_ms, steps: run.steps, step: run.step, tasks }
    }

    fn read(self) -> Run {
        let RunRecord { run, name, by, at_ms, steps, step, tasks } = self;
        let tasks = tasks.into_iter().map(|(task, step)| (TaskId(task), step)).collect();
        Run { id: RunId(run), name: name.into_owned(), by: Person::from_bare(&by), at_ms, steps, step, tasks }
    }
}

impl<'a> PlanRecord<'a> {
    pub(super) fn of(plan: &'a Plan) -> Option<PlanRecord<'a>> {
        let entries = plan.entries().map(PlannedRecord::of).collect();
        (*plan != Plan::default()).then(|| PlanRecord {
            next: plan.next(),
            entries,
            runs: plan.runs().map(RunRecord::of).collect(),
            lapsed: plan.lapsed().map(|id| id.0).collect(),
        })
    }

    pub(super) fn read(self) -> Result<Plan, Refusal> {
        let entries = self.entries.into_iter().map(PlannedRecord::read).collect::<Result<Vec<_>, _>>()?;
        let plan = Plan::restore(entries, self.next).with_runs(self.runs.into_iter().map(RunRecord::read));
        Ok(plan.with_lapsed(self.lapsed.into_iter().map(PlanId)))
    }
}

/// A task that was removed lately.
#[derive(Serialize, Deserialize)]
pub(super) struct RemovedRecord<'a> {
    task: u64,
    at_ms: i64,
    title: Cow<'a, str>,
    kind: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    statuses: Vec<StatusRecord<'a>>,
}

impl<'a> RemovedRecord<'a> {
    pub(super) fn of((id, task): (TaskId, &'a RemovedTask)) -> RemovedRecord<'a> {
        RemovedRecord {
            task: id.0,
            at_ms: task.at_ms,
            title: task.title.as_str().into(),
            kind: task.kind.name().into(),
            statuses: task.statuses.iter().map(|(person, status)| StatusRecord::of(person, status)).collect(),
        }
    }

    pub(super) fn read(self) -> Result<(TaskId, RemovedTask), Refusal> {
        let statuses = StatusRecord::read_all(&self.statuses)?.into_iter().collect();
        let (title, kind) = (Title::parse(&self.title)?, Kind::parse(&self.kind)?);
        Ok((TaskId(self.task), RemovedTask { title, kind, statuses, at_ms: self.at_ms }))
    }
}
