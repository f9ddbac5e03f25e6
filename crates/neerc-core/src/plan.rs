//! Tasks planned for a moment of the contest, and which of them are due by the contest clock. A due task is handed out
//! by a [`Command::Fulfil`](crate::command::Command::Fulfil) in the name of its planner.

mod runs;

pub use self::runs::{Run, RunId, RunStep};

use self::runs::Runs;
use crate::clock::{Phase, Reading};
use crate::limits;
use crate::people::Person;
use crate::refusal::{Refusal, excerpt};
use crate::task::{Kind, TaskId, Title};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

const MINUTE_MS: i64 = 60_000;

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

/// What a moment is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// The start of the contest.
    Start,
    /// Its end.
    End,
    /// The turn of a line in a checklist, whatever the clock shows. It is not written in any line.
    Turn,
}

impl Anchor {
    /// The moment so many minutes after it in a contest of that length, in ms of contest time.
    pub fn moment_ms(self, offset_min: i64, total_ms: i64) -> i64 {
        let base_ms = match self {
            Anchor::Start => 0,
            Anchor::End => total_ms,
            Anchor::Turn => return i64::MIN,
        };
        base_ms.saturating_add(offset_min.saturating_mul(MINUTE_MS))
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

/// A moment of the contest: `start+15`, `end-60!`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    /// What it is counted from.
    pub anchor: Anchor,
    /// Minutes after the anchor; before it, if negative.
    pub offset_min: i64,
    /// Whether an admin must agree first.
    pub consent: Consent,
}

impl Schedule {
    /// As soon as its turn has come.
    pub const AT_ITS_TURN: Schedule = Schedule { anchor: Anchor::Turn, offset_min: 0, consent: Consent::NotNeeded };

    /// The words for each anchor, in lower case.
    const WORDS: [(&'static str, Anchor); 5] = [
        ("start", Anchor::Start),
        ("end", Anchor::End),
        ("начало", Anchor::Start),
        ("старт", Anchor::Start),
        ("конец", Anchor::End),
    ];

    /// Reads a moment; `None` if the word is not one. Refuses a moment that no contest reaches.
    pub fn parse(word: &str) -> Result<Option<Schedule>, Refusal> {
        let (moment, consent) = word
            .strip_suffix(['!', '\u{ff01}'])
            .map_or((word, Consent::Required), |moment| (moment, Consent::NotNeeded));
        // Phones turn hyphens into dashes.
        let sign =
            moment.chars().find(|c| matches!(c, '+' | '-' | '\u{2010}'..='\u{2015}' | '−' | '\u{ff0d}' | '\u{ff0b}'));
        let (name, offset) = match sign.and_then(|sign| Some((sign, moment.split_once(sign)?))) {
            Some((sign, (name, digits))) => (name, Some((sign, digits))),
            None => (moment, None),
        };
        let name = name.to_lowercase();
        let Some((_, anchor)) = Schedule::WORDS.into_iter().find(|(word, _)| *word == name) else { return Ok(None) };
        let Some((sign, digits)) = offset else { return Ok(Some(Schedule { anchor, offset_min: 0, consent })) };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(None);
        }
        let minutes: i64 = digits.parse().unwrap_or(i64::MAX);
        if minutes > limits::SCHEDULE_MIN {
            return Err(Schedule::refused(word));
        }
        Ok(Some(Schedule {
            anchor,
            offset_min: if matches!(sign, '+' | '\u{ff0b}') { minutes } else { -minutes },
            consent,
        }))
    }

    /// Reads a word that must be a moment.
    pub fn required(word: &str) -> Result<Schedule, Refusal> {
        Schedule::parse(word)?.ok_or_else(|| Schedule::refused(word))
    }

    fn refused(word: &str) -> Refusal {
        Refusal::BadSchedule { schedule: excerpt(word) }
    }

    /// Whether a word is a bare anchor (`start`), which may also be the first word of a title.
    pub(crate) fn is_bare(word: &str) -> bool {
        let word = word.to_lowercase();
        Schedule::WORDS.iter().any(|(name, _)| *name == word)
    }

    /// Contest time left until the moment; zero or negative once it has come.
    fn left_ms(&self, reading: Reading) -> i64 {
        self.moment_ms(reading.total_ms).saturating_sub(reading.elapsed_ms)
    }

    /// The moment in a contest of that length, in ms of contest time.
    fn moment_ms(&self, total_ms: i64) -> i64 {
        self.anchor.moment_ms(self.offset_min, total_ms)
    }

    /// The same, for what is planned by the contest's clock.
    pub fn by_clock(self) -> Option<Schedule> {
        Some(self).filter(|schedule| schedule.anchor != Anchor::Turn)
    }

    /// Whether the moment has come by this reading, if there is any. While the start is unknown none has.
    fn has_come(&self, reading: Option<Reading>) -> bool {
        let by_clock = |reading: Reading| reading.phase != Phase::Before && self.left_ms(reading) <= 0;
        self.anchor == Anchor::Turn || reading.is_some_and(by_clock)
    }

    /// How late it is by this reading; `None` for less than a minute.
    pub fn lateness(&self, reading: Reading) -> Option<Lateness> {
        self.by_clock()?;
        let late_min = self.left_ms(reading).saturating_neg() / MINUTE_MS;
        (late_min > 0).then(|| Lateness { moment_ms: self.moment_ms(reading.total_ms), late_min })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let anchor = match self.anchor {
            Anchor::Start => "start",
            Anchor::End => "end",
            Anchor::Turn => return Ok(()),
        };
        let mark = if self.consent == Consent::NotNeeded { "!" } else { "" };
        write!(f, "{anchor}{:+}{mark}", self.offset_min)
    }
}

/// That a moment has passed before anything could be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lateness {
    /// The moment, in ms of contest time; negative before the start.
    pub moment_ms: i64,
    /// Whole minutes of contest time since then.
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

/// The planned tasks of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Shared between copies of the plan.
    entries: BTreeMap<PlanId, Arc<Planned>>,
    next: u64,
    /// Weight of the names of all entries, in bytes.
    names_bytes: usize,
    runs: Runs,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan { entries: BTreeMap::new(), next: 1, names_bytes: 0, runs: Runs::default() }
    }
}

impl Plan {
    /// Restores a plan from a snapshot: its entries and the number of the next one.
    pub fn restore(entries: impl IntoIterator<Item = Planned>, next: u64) -> Plan {
        let once = |planned: Planned| (planned.id, Arc::new(planned.with_names_once()));
        let entries: BTreeMap<_, _> = entries.into_iter().map(once).collect();
        let next = entries.keys().map(|id: &PlanId| id.0.saturating_add(1)).fold(next.max(1), u64::max);
        let names_bytes = entries.values().map(|planned| weight(&planned.names)).sum();
        Plan { entries, next, names_bytes, runs: Runs::default() }
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

    /// A number that is another one once a step has come to its end.
    pub fn moves(&self) -> u64 {
        self.runs.moves()
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

    /// The tasks that are due at this reading of the contest clock, if there is one, by number. Tasks come due during the
    /// countdown, and while the contest runs, is paused or is over, but not while its start is unknown; what is of a
    /// checklist not before its turn. A task stays due until it is handed out or removed from the plan, so the caller must
    /// remember which it has asked about.
    pub fn due(&self, reading: Option<Reading>) -> impl Iterator<Item = &Planned> {
        self.entries().filter(move |planned| self.is_its_turn(planned) && planned.schedule.has_come(reading))
    }

    fn is_its_turn(&self, planned: &Planned) -> bool {
        planned.turn.is_none_or(|turn| self.runs.has_come(turn))
    }

    /// Time from this reading until the next task is due, in ms; `None` if the clock stands or no more tasks are
    /// planned.
    pub fn next_due_ms(&self, reading: Reading) -> Option<i64> {
        let waiting = self.entries().filter(|planned| self.is_its_turn(planned));
        let left = waiting.map(|planned| planned.schedule.left_ms(reading)).filter(|left_ms| *left_ms > 0);
        if reading.phase.ticks() { left.min() } else { None }
    }

    /// Adds an entry, unless its number was used before. `ahead`: a copy of this plan that may already have the entry.
    pub(crate) fn add(&mut self, planned: &Planned, ahead: Option<&Plan>) {
        if planned.id.0 >= self.next {
            self.next = planned.id.0.saturating_add(1);
            let made = ahead.and_then(|ahead| ahead.entries.get(&planned.id)).cloned();
            let made = made.unwrap_or_else(|| Arc::new(planned.with_names_once()));
            self.names_bytes += weight(&made.names);
            self.entries.insert(planned.id, made);
        }
    }

    /// Removes an entry.
    pub(crate) fn take_out(&mut self, id: PlanId) {
        if let Some(planned) = self.entries.remove(&id) {
            self.names_bytes -= weight(&planned.names);
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

    fn schedule(text: &str) -> Schedule {
        Schedule::required(text).unwrap()
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

    fn reading(minutes: i64, phase: Phase) -> Reading {
        Reading { elapsed_ms: minutes * MINUTE_MS, total_ms: 300 * MINUTE_MS, phase }
    }

    #[test]
    fn plans_are_counted() {
        let (two, none) = (plan(&["start", "end"]), Plan::default());
        assert_eq!((two.len(), two.is_empty(), none.len(), none.is_empty()), (2, false, 0, true));
    }

    #[test]
    fn moments_and_what_is_none() {
        for (text, anchor, offset_min, consent) in [
            ("start", Anchor::Start, 0, Consent::Required),
            ("start+5", Anchor::Start, 5, Consent::Required),
            ("start-15!", Anchor::Start, -15, Consent::NotNeeded),
            ("END!", Anchor::End, 0, Consent::NotNeeded),
            ("end-60!", Anchor::End, -60, Consent::NotNeeded),
            ("конец−60", Anchor::End, -60, Consent::Required),
            ("Начало+007!", Anchor::Start, 7, Consent::NotNeeded),
        ] {
            let read = schedule(text);
            assert_eq!(read, Schedule { anchor, offset_min, consent }, "{text}");
            assert_eq!(schedule(&read.to_string()), read);
        }
        for text in ["", "!", "starts", "start!!", "start+", "start+x", "start+-5", "begin+5", "+5", "start+５"] {
            assert_eq!(Schedule::parse(text), Ok(None), "{text}");
        }
        for text in ["end-10081", "start+99999999999999999999999!"] {
            assert!(matches!(Schedule::parse(text), Err(Refusal::BadSchedule { .. })), "{text}");
        }
        assert_eq!(schedule("start").to_string(), "start+0");
        assert_eq!([Schedule::is_bare("Start"), Schedule::is_bare("start!")], [true, false]);
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
        let due =
            |minutes, phase| plan.due(Some(reading(minutes, phase))).map(|planned| planned.id.0).collect::<Vec<_>>();
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
    fn readings_without_sense_do_not_overflow() {
        let plan = plan(&["start-10080", "end+10080"]);
        for number in [i64::MIN, 0, i64::MAX] {
            for other in [i64::MIN, 0, i64::MAX] {
                let reading = Reading { elapsed_ms: number, total_ms: other, phase: Phase::Running };
                plan.due(Some(reading)).count();
                plan.next_due_ms(reading);
            }
        }
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
    fn a_number_is_never_given_twice() {
        let mut plan = plan(&["start", "end"]);
        let first = plan.entry(PlanId(1)).unwrap().clone();
        plan.take_out(PlanId(1));
        plan.add(&first, None);
        assert_eq!((plan.len(), plan.next()), (1, 3));
    }
}
