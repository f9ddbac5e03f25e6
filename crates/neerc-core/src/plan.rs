//! Tasks planned for a time of day or a moment of the contest, and which of them are due. A due task is handed out
//! by a [`Command::Fulfil`](crate::command::Command::Fulfil) in the name of its planner.

mod runs;

pub use self::runs::{Run, RunId, RunStep};

use self::runs::Runs;
use crate::clock::Speed;
use crate::limits;
use crate::moment::{DueAt, ShownTime, TooFar, When};
use crate::people::Person;
use crate::refusal::{Refusal, excerpt};
use crate::task::{Kind, TaskId, Title};
use crate::units::MINUTE_MS;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Number of a planned task within its room, never used twice. It is written `s3`, to differ from the number of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanId(pub u64);

impl PlanId {
    /// Reads `s3`, also in upper case and after a `#`.
    pub fn parse(text: &str) -> Result<PlanId, Refusal> {
        let digits = text.strip_prefix('#').unwrap_or(text).strip_prefix(['s', 'S']).unwrap_or("");
        let canonical = !digits.starts_with('0') && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let number = if canonical { digits.parse().ok() } else { None };
        number.map(PlanId).ok_or_else(|| Refusal::UnknownPlan { plan: excerpt(text) })
    }
}

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

/// Whether an admin must agree before a due task is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Consent {
    /// An admin must agree first.
    Required,
    /// It is handed out at once (`!`).
    NotNeeded,
}

impl Consent {
    /// How it is written behind a moment.
    pub fn mark(self) -> &'static str {
        match self {
            Consent::Required => "",
            Consent::NotNeeded => "!",
        }
    }
}

/// When a task is to be handed out, as somebody says it: `start+15`, `10:30!`, `in 20m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timing {
    /// The moment; `None`: as soon as its turn in a checklist has come.
    pub when: Option<When>,
    /// Whether an admin must agree first.
    pub consent: Consent,
}

impl Timing {
    /// As soon as its turn has come.
    pub const AT_ITS_TURN: Timing = Timing { when: None, consent: Consent::NotNeeded };

    /// Reads it; `None` if the text is no moment. Refuses a moment that is too far away.
    pub fn parse(text: &str) -> Result<Option<Timing>, Refusal> {
        let text = text.trim();
        let (moment, consent) = text
            .strip_suffix(['!', '\u{ff01}'])
            .map_or((text, Consent::Required), |moment| (moment, Consent::NotNeeded));
        let when = When::parse(moment).map_err(|TooFar| Timing::refused(text))?;
        Ok(when.map(|when| Timing { when: Some(when), consent }))
    }

    /// Reads a text that must be a moment.
    pub fn required(text: &str) -> Result<Timing, Refusal> {
        Timing::parse(text)?.ok_or_else(|| Timing::refused(text))
    }

    fn refused(text: &str) -> Refusal {
        Refusal::BadSchedule { schedule: excerpt(text) }
    }

    /// When that is, said at `wall_ms` where the local time of day is `zone_ms` ahead of UTC, and contest time passes at that
    /// speed.
    pub fn schedule(self, wall_ms: i64, zone_ms: i64, speed: Speed) -> Schedule {
        Schedule { due: self.when.map(|when| when.due(wall_ms, zone_ms, speed)), consent: self.consent }
    }
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(when) = self.when else { return Ok(()) };
        let lead = if matches!(when, When::Within { .. }) { "in " } else { "" };
        write!(f, "{lead}{when}{}", self.consent.mark())
    }
}

/// When a planned task is to be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    /// The moment; `None`: as soon as its turn in a checklist has come.
    pub due: Option<DueAt>,
    /// Whether an admin must agree first.
    pub consent: Consent,
}

impl Schedule {
    /// As soon as its turn has come.
    pub const AT_ITS_TURN: Schedule = Schedule { due: None, consent: Consent::NotNeeded };

    /// Whether the moment has come. While the start of the contest is unknown none of it has.
    fn has_come(&self, now: ShownTime) -> bool {
        self.due.is_none_or(|due| due.has_come(now))
    }

    /// How late it is; `None` for less than a minute.
    pub fn lateness(&self, now: ShownTime) -> Option<Lateness> {
        let due = self.due?;
        let late_ms = due.left_ms(now)?.saturating_neg();
        let late_min = match due {
            DueAt::Day { .. } => late_ms,
            DueAt::Contest(_) => now.speed.contest_ms(late_ms),
        } / MINUTE_MS;
        (late_min > 0).then_some(Lateness {
            due,
            total_ms: now.reading.map_or(0, |reading| reading.total_ms),
            late_min,
        })
    }
}

/// That a moment has passed before anything could be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lateness {
    /// The moment.
    pub due: DueAt,
    /// The length of the contest, in ms.
    pub total_ms: i64,
    /// Whole minutes since then, of contest time if it is one of the contest.
    pub late_min: i64,
}

/// A task that is to be handed out later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Its number among the planned ones.
    pub id: PlanId,
    /// Who planned it. It is handed out with their rights.
    pub by: Person,
    /// What to do.
    pub title: Title,
    /// What kind of answer it asks for.
    pub kind: Kind,
    /// For whom, as written: a group stands for its members at the moment of handing out.
    pub names: Vec<String>,
    /// When.
    pub schedule: Schedule,
    /// Where it stands in a checklist, if it is of one. Then it is not due before its turn.
    pub turn: Option<RunStep>,
}

impl Planned {
    /// Whether it waits for the contest clock.
    pub fn is_by_contest(&self) -> bool {
        matches!(self.schedule.due, Some(DueAt::Contest(_)))
    }

    /// The same with each name once. Plans from before names were checked may repeat a name a thousand times.
    fn with_names_once(&self) -> Planned {
        Planned { names: once(&self.names), ..self.clone() }
    }
}

/// Each name once, in the order of first occurrence. Case matters, as in nicks.
pub(crate) fn once(names: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    names.iter().filter(|name| seen.insert(name.as_str())).cloned().collect()
}

/// Weight of the names, in bytes.
pub(crate) fn weight(names: &[String]) -> usize {
    names.iter().map(|name| name.len() + limits::PLAN_NAME_BYTES).sum()
}

/// A number for the moment of a planned task.
fn moment_of(planned: &Planned) -> u64 {
    let mut hasher = DefaultHasher::new();
    (planned.id, planned.schedule).hash(&mut hasher);
    hasher.finish()
}

/// The planned tasks of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Shared between copies of the plan.
    entries: BTreeMap<PlanId, Arc<Planned>>,
    next: u64,
    /// Weight of the names of all entries, in bytes.
    names_bytes: usize,
    /// A number that another moment of any entry changes.
    moments: u64,
    /// Those of which nobody has said whether they are to be handed out.
    lapsed: BTreeSet<PlanId>,
    runs: Runs,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan::restore([], 1)
    }
}

impl Plan {
    /// Restores a plan from a snapshot: its entries and the number of the next one.
    pub fn restore(entries: impl IntoIterator<Item = Planned>, next: u64) -> Plan {
        let once = |planned: Planned| (planned.id, Arc::new(planned.with_names_once()));
        let entries: BTreeMap<_, _> = entries.into_iter().map(once).collect();
        let next = entries.keys().map(|id: &PlanId| id.0.saturating_add(1)).fold(next.max(1), u64::max);
        let names_bytes = entries.values().map(|planned| weight(&planned.names)).sum();
        let moments = entries.values().fold(0, |sum: u64, planned| sum.wrapping_add(moment_of(planned)));
        Plan { entries, next, names_bytes, moments, lapsed: BTreeSet::new(), runs: Runs::default() }
    }

    /// The same plan with what nobody has said anything of.
    pub fn with_lapsed(mut self, lapsed: impl IntoIterator<Item = PlanId>) -> Plan {
        self.lapsed = lapsed.into_iter().filter(|id| self.entries.contains_key(id)).collect();
        self
    }

    /// What nobody has said anything of, by number.
    pub fn lapsed(&self) -> impl Iterator<Item = PlanId> + '_ {
        self.lapsed.iter().copied()
    }

    /// Whether nobody has said anything of a planned task, and nobody is asked any more.
    pub fn is_lapsed(&self, id: PlanId) -> bool {
        self.lapsed.contains(&id)
    }

    /// Whether a planned task waits for an admin to say that it is to be handed out.
    pub fn waits(&self, planned: &Planned, now: ShownTime) -> bool {
        let asks = planned.schedule.consent == Consent::Required && !self.is_lapsed(planned.id);
        asks && self.is_its_turn(planned) && planned.schedule.has_come(now)
    }

    /// The same plan with the runs of a snapshot.
    pub fn with_runs(self, runs: impl IntoIterator<Item = Run>) -> Plan {
        Plan { runs: Runs::restore(runs), ..self }
    }

    /// The checklists that are gone through, and the last ones that were, by number.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.all()
    }

    /// The run of that number.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.runs().find(|run| run.id == id)
    }

    /// The checklist of that name that is gone through now.
    pub fn running(&self, name: &str) -> Option<&Run> {
        self.runs().find(|run| !run.is_over() && run.is_called(name))
    }

    /// A number that is another one once a step has come to its end, or something is planned for another moment.
    pub fn moves(&self) -> u64 {
        self.moments.wrapping_add(self.runs.moves())
    }

    /// The planned tasks, by number.
    pub fn entries(&self) -> impl Iterator<Item = &Planned> {
        self.entries.values().map(|planned| &**planned)
    }

    /// Weight of the names of all planned tasks, in bytes.
    pub fn names_bytes(&self) -> usize {
        self.names_bytes
    }

    /// How many tasks are planned.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is planned.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// One planned task.
    pub fn entry(&self, id: PlanId) -> Option<&Planned> {
        self.entries.get(&id).map(|planned| &**planned)
    }

    /// The number of the next planned task.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The tasks that are due now, by number. What is planned by the contest comes due during the countdown, and while the
    /// contest runs, is paused or is over, but not while its start is unknown; what is of a checklist not before its turn. A
    /// task stays due until it is handed out or removed from the plan, so the caller must remember which it has asked about.
    pub fn due(&self, now: ShownTime) -> impl Iterator<Item = &Planned> {
        self.entries().filter(move |planned| self.is_its_turn(planned) && planned.schedule.has_come(now))
    }

    fn is_its_turn(&self, planned: &Planned) -> bool {
        planned.turn.is_none_or(|turn| self.runs.has_come(turn))
    }

    /// Time until the next task is due, in ms; `None` if no more tasks are planned, or the clock stands that they wait for.
    /// The time of day may be set, so what waits for that is looked at again soon.
    pub fn next_due_ms(&self, now: ShownTime) -> Option<i64> {
        let left_ms = |planned: &Planned| {
            let due = planned.schedule.due?;
            let left_ms = due.left_ms(now).filter(|left_ms| *left_ms > 0)?;
            Some(if let DueAt::Day { .. } = due { left_ms.min(limits::DEADLINE_LOOK_MS) } else { left_ms })
        };
        self.entries().filter(|planned| self.is_its_turn(planned)).filter_map(left_ms).min()
    }

    /// Adds an entry, unless its number was used before. `ahead`: a copy of this plan that may already have the entry.
    pub(crate) fn add(&mut self, planned: &Planned, ahead: Option<&Plan>) {
        if planned.id.0 >= self.next {
            self.next = planned.id.0.saturating_add(1);
            let made = ahead.and_then(|ahead| ahead.entries.get(&planned.id)).cloned();
            let made = made.unwrap_or_else(|| Arc::new(planned.with_names_once()));
            self.names_bytes += weight(&made.names);
            self.moments = self.moments.wrapping_add(moment_of(&made));
            self.entries.insert(planned.id, made);
        }
    }

    /// Plans an entry for another moment.
    pub(crate) fn replan(&mut self, id: PlanId, schedule: Schedule) {
        let Some(planned) = self.entries.get_mut(&id) else { return };
        self.moments = self.moments.wrapping_sub(moment_of(planned));
        Arc::make_mut(planned).schedule = schedule;
        self.moments = self.moments.wrapping_add(moment_of(planned));
        self.lapsed.remove(&id);
    }

    /// Nobody is asked any more whether an entry is to be handed out.
    pub(crate) fn lapse(&mut self, id: PlanId) {
        if self.entries.contains_key(&id) {
            self.lapsed.insert(id);
        }
    }

    /// Removes an entry.
    pub(crate) fn take_out(&mut self, id: PlanId) {
        if let Some(planned) = self.entries.remove(&id) {
            self.names_bytes -= weight(&planned.names);
            self.moments = self.moments.wrapping_sub(moment_of(&planned));
            self.lapsed.remove(&id);
        }
    }

    /// Removes an entry that is this task now.
    pub(crate) fn hand_out(&mut self, id: PlanId, task: TaskId) {
        if let Some(turn) = self.entry(id).and_then(|planned| planned.turn) {
            self.runs.note(turn, task);
        }
        self.take_out(id);
    }

    /// Adds the lines of a checklist that is gone through from now on.
    pub(crate) fn begin(&mut self, name: &str, at_ms: i64, lines: &[Planned], ahead: Option<&Plan>) {
        if let Some(run) = Run::of(name, at_ms, lines)
            && run.id.0 >= self.next
        {
            lines.iter().for_each(|planned| self.add(planned, ahead));
            self.runs.begin(run);
        }
    }

    /// Removes a run with all of it that is planned still.
    pub(crate) fn stop(&mut self, run: RunId) {
        let lines = runs::lines_of(self.entries().map(|planned| (planned.id, planned.turn)), run);
        lines.into_iter().for_each(|id| self.take_out(id));
        self.runs.forget(run);
    }

    /// Whether a step may have come to its end by a change of this task, or of the plan.
    pub(crate) fn awaits(&self, task: Option<TaskId>) -> bool {
        task.map_or_else(|| self.runs().next().is_some(), |task| self.runs.wait_for(task))
    }

    /// Lets the runs go on whose steps are finished.
    pub(crate) fn settle(&mut self, is_finished: impl Fn(TaskId) -> bool) {
        let Plan { entries, runs, .. } = self;
        runs.settle(|turn| entries.values().any(|planned| planned.turn == Some(turn)), is_finished);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Phase, Reading};

    fn schedule(text: &str) -> Schedule {
        Timing::required(text).unwrap().schedule(0, 0, Speed::REAL)
    }

    fn plan(schedules: &[&str]) -> Plan {
        let planned = schedules.iter().enumerate().map(|(n, text)| Planned {
            id: PlanId(n as u64 + 1),
            by: Person::from_bare("admin@localhost"),
            title: Title::parse("Announce").unwrap(),
            kind: Kind::Todo,
            names: vec!["halls".into()],
            schedule: schedule(text),
            turn: None,
        });
        Plan::restore(planned, 1)
    }

    fn reading(minutes: i64, phase: Phase) -> ShownTime {
        let reading = Reading { elapsed_ms: minutes * MINUTE_MS, total_ms: 300 * MINUTE_MS, phase };
        ShownTime { wall_ms: 600 * MINUTE_MS, reading: Some(reading), over_ms: 0, speed: Speed::REAL }
    }

    #[test]
    fn plans_are_counted() {
        let (two, none) = (plan(&["start", "end"]), Plan::default());
        assert_eq!((two.len(), two.is_empty(), none.len(), none.is_empty()), (2, false, 0, true));
    }

    #[test]
    fn moments_and_what_is_none() {
        for (text, expected) in [
            ("start", "start+0"),
            ("start-15!", "start-15!"),
            ("END!", "end+0!"),
            ("конец−60", "end-60"),
            ("Начало+007!", "start+7!"),
            ("10:30", "10:30"),
            ("at 9:05！", "9:05!"),
            ("in 20 minutes!", "in 20m!"),
            ("через 1:20", "in 80m"),
            ("20m", "in 20m"),
        ] {
            let read = Timing::required(text).unwrap();
            assert_eq!(read.to_string(), expected, "{text}");
            assert_eq!(Timing::required(expected), Ok(read));
        }
        for text in ["", "!", "starts", "start!!", "start+", "10:30!!", "noon", "in the hall"] {
            assert_eq!(Timing::parse(text), Ok(None), "{text}");
        }
        for text in ["end-10081", "start+99999999999999999999999!", "in 169:00"] {
            assert!(matches!(Timing::parse(text), Err(Refusal::BadSchedule { .. })), "{text}");
        }
    }

    #[test]
    fn numbers_of_planned_tasks() {
        for text in ["s3", "S3", "#s3"] {
            assert_eq!(PlanId::parse(text).unwrap().to_string(), "s3");
        }
        for text in ["3", "s", "s03", "s0", "s-1", "s18446744073709551616", ""] {
            assert!(matches!(PlanId::parse(text), Err(Refusal::UnknownPlan { .. })), "{text}");
        }
    }

    #[test]
    fn a_task_is_due_from_its_moment_on_but_not_while_nobody_knows_the_start() {
        let plan = plan(&["start-15", "start", "start+15!", "end-60", "end"]);
        let due = |minutes, phase| plan.due(reading(minutes, phase)).map(|planned| planned.id.0).collect::<Vec<_>>();
        assert_eq!(due(0, Phase::Before), []);
        assert_eq!(due(300, Phase::Before), []);
        assert_eq!((due(-16, Phase::Counting), due(-15, Phase::Counting)), (vec![], vec![1]));
        assert_eq!(due(0, Phase::Running), [1, 2]);
        assert_eq!(due(14, Phase::Running), [1, 2]);
        assert_eq!(due(15, Phase::Paused), [1, 2, 3]);
        assert_eq!(due(240, Phase::Running), [1, 2, 3, 4]);
        assert_eq!(due(300, Phase::Over), [1, 2, 3, 4, 5]);
        assert_eq!(due(-20, Phase::Running), []);
    }

    #[test]
    fn the_next_moment_is_waited_for_while_the_clock_runs() {
        let plan = plan(&["start-15", "start+15!", "end-60"]);
        assert_eq!(plan.next_due_ms(reading(0, Phase::Running)), Some(15 * MINUTE_MS));
        assert_eq!(plan.next_due_ms(reading(15, Phase::Running)), Some(225 * MINUTE_MS));
        assert_eq!(plan.next_due_ms(reading(15, Phase::Paused)), None);
        assert_eq!(plan.next_due_ms(reading(299, Phase::Running)), None);
    }

    #[test]
    fn a_time_of_day_needs_no_contest_clock_and_is_looked_at_again_soon() {
        let (plan, at) = (plan(&["10:00", "in 9m!"]), |wall_min: i64| ShownTime {
            wall_ms: wall_min * MINUTE_MS,
            reading: None,
            over_ms: 0,
            speed: Speed::REAL,
        });
        let due = |wall_min| plan.due(at(wall_min)).map(|planned| planned.id.0).collect::<Vec<_>>();
        assert_eq!((due(8), due(9), due(599), due(600)), (vec![], vec![2], vec![2], vec![1, 2]));
        assert_eq!(plan.next_due_ms(at(8)), Some(limits::DEADLINE_LOOK_MS), "the time of day may be set");
        let almost = ShownTime { wall_ms: 600 * MINUTE_MS - 7, ..at(0) };
        assert_eq!((plan.next_due_ms(almost), plan.next_due_ms(at(600))), (Some(7), None));
        let late = plan.entry(PlanId(1)).unwrap().schedule.lateness(at(603)).map(|lateness| lateness.late_min);
        assert_eq!((late, plan.entry(PlanId(1)).unwrap().schedule.lateness(at(600))), (Some(3), None));
    }

    #[test]
    fn a_name_is_kept_once_and_copies_share_it() {
        let names = ["hall1", "Halls", "hall1", "HALL1", "halls", "hall2"].map(str::to_owned);
        let mut old = plan(&["start"]).entry(PlanId(1)).unwrap().clone();
        old.names = names.iter().cycle().take(4_800).cloned().collect();
        let restored = Plan::restore([old.clone()], 1);
        assert_eq!(restored.entry(PlanId(1)).unwrap().names, ["hall1", "Halls", "HALL1", "halls", "hall2"]);
        let (mut ahead, mut plan) = (Plan::default(), Plan::default());
        ahead.add(&old, None);
        plan.add(&old, Some(&ahead));
        assert!(Arc::ptr_eq(&plan.entries[&PlanId(1)], &ahead.entries[&PlanId(1)]));
        assert_eq!((&plan, plan.names_bytes()), (&restored, 25 + 5 * limits::PLAN_NAME_BYTES));
        plan.take_out(PlanId(1));
        plan.take_out(PlanId(1));
        assert_eq!((plan.names_bytes(), plan.len()), (0, 0));
    }

    #[test]
    fn another_moment_is_noticed_and_what_has_lapsed_lapses_no_more() {
        let mut plan = plan(&["start", "end"]);
        let before = (plan.moves(), plan.clone());
        plan.lapse(PlanId(1));
        plan.lapse(PlanId(7));
        assert_eq!((plan.lapsed().collect::<Vec<_>>(), plan.moves()), (vec![PlanId(1)], before.0));
        let restored = Plan::restore(plan.entries().cloned(), plan.next()).with_lapsed(plan.lapsed());
        assert_eq!(restored, plan);
        let over = reading(300, Phase::Over);
        let waiting =
            |plan: &Plan| plan.entries().filter(|one| plan.waits(one, over)).map(|one| one.id.0).collect::<Vec<_>>();
        assert_eq!((waiting(&before.1), waiting(&plan)), (vec![1, 2], vec![2]));
        plan.replan(PlanId(1), schedule("start+5"));
        plan.replan(PlanId(7), schedule("start+5"));
        assert_eq!((plan.lapsed().count(), waiting(&plan)), (0, vec![1, 2]));
        assert_ne!(plan.moves(), before.0);
        plan.replan(PlanId(1), schedule("start"));
        assert_eq!(plan, before.1);
        plan.lapse(PlanId(1));
        plan.take_out(PlanId(1));
        assert_eq!(plan.lapsed().count(), 0);
    }

    #[test]
    fn a_number_is_never_given_twice() {
        let mut plan = plan(&["start", "end"]);
        let first = plan.entry(PlanId(1)).unwrap().clone();
        plan.take_out(PlanId(1));
        plan.add(&first, None);
        assert_eq!((plan.len(), plan.next()), (1, 3));
    }
}
