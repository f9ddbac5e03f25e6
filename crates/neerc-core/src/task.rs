//! A task with its people and their answers, and how an old copy of it is told from a deliberate edit. Not who may
//! change it: that is board.rs.

use crate::limits;
use crate::people::Person;
use crate::refusal::{Refusal, excerpt};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Number of a task within its room. Never used twice. People are shown the digits, which are short to type; programs
/// are sent [`TaskId::wire_id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u64);

impl TaskId {
    /// Reads an id as people and programs write it: `17`, `#17`, `t17` or `T17`. Only the exact digits that
    /// [`fmt::Display`] writes count (`017` and `+17` do not); any other text is the id of no task.
    pub fn parse(text: &str) -> Result<TaskId, Refusal> {
        let digits = TaskId::digits(text).filter(|digits| !digits.starts_with('0'));
        let number = digits.and_then(|digits| digits.parse().ok());
        number.map(TaskId).ok_or_else(|| Refusal::UnknownTask { task: excerpt(text) })
    }

    /// The digits of a word that is written as an id is.
    pub fn digits(text: &str) -> Option<&str> {
        let text = text.strip_prefix('#').unwrap_or(text);
        let digits = text.strip_prefix(['t', 'T']).unwrap_or(text);
        Some(digits).filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    }

    /// The id as programs are sent it. It is never all digits: a client that keeps tasks as properties of a JavaScript
    /// object walks those that look like integers first and in numeric order, whatever the order of the list was.
    pub fn wire_id(self) -> String {
        format!("t{}", self.0)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What kind of answer a task asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// To be started and finished.
    Todo,
    /// To be started and finished, or to fail with a reason.
    TodoFail,
    /// To be acknowledged by one click.
    Confirm,
    /// Yes, or no with a reason.
    OkFail,
    /// To be answered with a text.
    Question,
}

impl Kind {
    /// Every kind with its name on the wire, then the aliases that are accepted and never sent.
    const NAMES: [(&'static str, Kind); 9] = [
        ("todo", Kind::Todo),
        ("todofail", Kind::TodoFail),
        ("confirm", Kind::Confirm),
        ("okfail", Kind::OkFail),
        ("question", Kind::Question),
        ("task", Kind::Todo),
        ("ok", Kind::Confirm),
        ("reason", Kind::OkFail),
        ("q", Kind::Question),
    ];

    /// Reads a name or an alias.
    pub fn parse(text: &str) -> Result<Kind, Refusal> {
        let found = Kind::NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, kind)| *kind).ok_or_else(|| Refusal::UnknownKind { kind: excerpt(text) })
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Todo => "todo",
            Kind::TodoFail => "todofail",
            Kind::Confirm => "confirm",
            Kind::OkFail => "okfail",
            Kind::Question => "question",
        }
    }
}

/// How far somebody is with a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Progress {
    /// No answer yet.
    None,
    /// Begun.
    Running,
    /// Done, or answered.
    Success,
    /// Failed; the value says why.
    Fail,
    /// Seen.
    Acknowledged,
}

impl Progress {
    /// Every value.
    pub const ALL: [Progress; 5] =
        [Progress::None, Progress::Running, Progress::Success, Progress::Fail, Progress::Acknowledged];

    /// Reads the name on the wire.
    pub fn parse(text: &str) -> Result<Progress, Refusal> {
        let found = Progress::ALL.into_iter().find(|progress| progress.name() == text);
        found.ok_or_else(|| Refusal::UnknownStatus { status: excerpt(text) })
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Progress::None => "none",
            Progress::Running => "running",
            Progress::Success => "success",
            Progress::Fail => "fail",
            Progress::Acknowledged => "acknowledged",
        }
    }

    /// Whether nothing more is expected of whoever says this.
    pub fn is_final(self) -> bool {
        matches!(self, Progress::Success | Progress::Fail)
    }
}

/// The title of a task: one line, not empty, within [`limits::TITLE_CHARS`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Title(Arc<str>);

impl Title {
    /// Checks a title; line breaks (also those of Unicode) and tabs become spaces.
    pub fn parse(text: &str) -> Result<Title, Refusal> {
        let line = one_line("title", text, limits::TITLE_CHARS)?;
        if line.trim().is_empty() { Err(Refusal::EmptyTitle) } else { Ok(Title(line)) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

fn one_line(what: &'static str, text: &str, limit: usize) -> Result<Arc<str>, Refusal> {
    let chars = text.chars().count();
    if chars > limit {
        return Err(Refusal::TooLong { what, chars, limit });
    }
    // Java's regular expressions, with which a client reads our bodies, end a line at all of these.
    let breaks = |c: char| matches!(c, '\r' | '\n' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let forbidden = |c: &char| matches!(c, '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}') && !breaks(*c);
    if let Some(character) = text.chars().find(forbidden) {
        return Err(Refusal::ForbiddenCharacter { what, character });
    }
    Ok(if text.contains(breaks) { text.replace(breaks, " ").into() } else { text.into() })
}

/// What one person says of one task.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Status {
    /// How far.
    pub progress: Progress,
    value: Option<Arc<str>>,
}

impl Status {
    /// Nothing said yet.
    pub const NONE: Status = Status { progress: Progress::None, value: None };

    /// Checks a value: one line (line breaks become spaces) within [`limits::VALUE_CHARS`], possibly empty.
    pub fn new(progress: Progress, value: &str) -> Result<Status, Refusal> {
        let value = if value.is_empty() { None } else { Some(one_line("value", value, limits::VALUE_CHARS)?) };
        Ok(Status { progress, value })
    }

    /// The text, possibly empty.
    pub fn value(&self) -> &str {
        self.value.as_deref().unwrap_or("")
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.progress.name(), self.value())
    }
}

/// The people of a whole-task packet: what it says of each, or `None` for somebody who only has to be among them (a
/// member of a named group): kept as they are, or assigned with nothing said.
pub type Packet = BTreeMap<Person, Option<Status>>;

/// One step of a task's history, as what undoes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Revision of the change that made it.
    pub revision: u64,
    /// Each person concerned with the status before it (`None`: not assigned).
    pub before: Before,
}

/// What a step has to put back. Nearly every step is one answer of one person, who needs no list for that.
#[derive(Clone)]
pub enum Before {
    /// One person.
    One([(Person, Option<Status>); 1]),
    /// Several, or nobody.
    Several(Box<[(Person, Option<Status>)]>),
}

impl Deref for Before {
    type Target = [(Person, Option<Status>)];

    fn deref(&self) -> &Self::Target {
        match self {
            Before::One(one) => one,
            Before::Several(several) => several,
        }
    }
}

impl FromIterator<(Person, Option<Status>)> for Before {
    fn from_iter<I: IntoIterator<Item = (Person, Option<Status>)>>(people: I) -> Before {
        let mut people = people.into_iter();
        match (people.next(), people.next()) {
            (Some(one), None) => Before::One([one]),
            (first, second) => Before::Several(first.into_iter().chain(second).chain(people).collect()),
        }
    }
}

impl PartialEq for Before {
    fn eq(&self, other: &Before) -> bool {
        **self == **other
    }
}

impl Eq for Before {}

impl fmt::Debug for Before {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// What a task was before, as far as it serves to recognise old copies of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Titles it has had and left.
    pub titles: Vec<Title>,
    /// Kinds it has had and left.
    pub kinds: Vec<Kind>,
    /// Revision after which every step is kept: that of the creation, or of the newest step that was forgotten.
    pub since: u64,
    /// Shared with copies of the task, so that a copy is cheap.
    steps: VecDeque<Arc<Step>>,
    /// What the steps count for, in bytes.
    weight: usize,
}

impl Past {
    /// A past from what a snapshot holds; the steps with the newest last.
    pub fn restore(titles: Vec<Title>, kinds: Vec<Kind>, since: u64, steps: impl IntoIterator<Item = Step>) -> Past {
        let mut past = Past { titles, kinds, since, ..Past::default() };
        steps.into_iter().for_each(|step| past.push(Arc::new(step)));
        past
    }

    /// The step that the change with that revision made, if it is kept. Steps are looked for from the newest on.
    pub(crate) fn step_at(&self, revision: u64) -> Option<&Arc<Step>> {
        self.steps.iter().rev().take_while(|step| step.revision >= revision).last().filter(|s| s.revision == revision)
    }

    /// The steps of its people and answers, the newest last.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = &Step> + ExactSizeIterator {
        self.steps.iter().map(|step| &**step)
    }

    /// Keeps a step, forgetting the oldest ones for it; the newest is always kept.
    fn push(&mut self, step: Arc<Step>) {
        self.weight += weight(&step);
        self.steps.push_back(step);
        while self.weight > limits::HISTORY_BYTES && self.steps.len() > 1 {
            let Some(oldest) = self.steps.pop_front() else { return };
            self.weight -= weight(&oldest);
            self.since = oldest.revision;
        }
    }
}

/// What a step counts for, in bytes.
fn weight(step: &Step) -> usize {
    let said = step.before.iter().filter_map(|(_, status)| status.as_ref());
    said.map(|status| status.value().len()).sum::<usize>() + step.before.len() * limits::HISTORY_ENTRY_BYTES
}

/// A task as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its number.
    pub id: TaskId,
    /// What to do.
    pub title: Title,
    /// What kind of answer it asks for.
    pub kind: Kind,
    /// When it was created or last given to somebody new, in ms since 1970; no two tasks of a room share one.
    pub timestamp_ms: i64,
    /// Who it is for, and what they say.
    pub statuses: BTreeMap<Person, Status>,
    /// Revision of the last change of it.
    pub revision: u64,
    /// What it was before.
    pub past: Past,
}

/// What a packet asks of an existing task, after the rebase of an old copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// People to be assigned, or whose status is deliberately replaced.
    pub set: BTreeMap<Person, Status>,
    /// People to be unassigned.
    pub unassigned: BTreeSet<Person>,
}

impl Task {
    /// What a whole-task packet, made from a copy of this task that may be old, really asks for (PROTOCOL.md,
    /// "What a task packet changes").
    ///
    /// The newest version that explains the packet is the copy it was made from: everybody in both has the version's
    /// status, and everybody new comes with nothing said. Only the difference to that version is asked for. Where no
    /// version explains it, the packet is a deliberate edit and replaces what it names. `unassigns`: whether
    /// leaving somebody out means to unassign them.
    pub fn rebase(&self, packet: &Packet, unassigns: bool) -> Difference {
        let said = || packet.iter().filter_map(|(person, status)| Some((person, status.as_ref()?)));
        let unsaid = packet.iter().filter(|(person, said)| said.is_none() && !self.statuses.contains_key(*person));
        let joining = unsaid.map(|(person, _)| (person.clone(), Status::NONE));
        let Some(version) = self.explaining(packet) else {
            let differs = said().filter(|(person, status)| self.statuses.get(*person) != Some(*status));
            let set = differs.map(|(person, status)| (person.clone(), status.clone())).chain(joining).collect();
            return Difference { set, unassigned: BTreeSet::new() };
        };
        let was_assigned = |person: &Person| match version.get(person) {
            Some(before) => before.is_some(),
            None => self.statuses.contains_key(person),
        };
        let new = said().filter(|(person, _)| !was_assigned(person) && !self.statuses.contains_key(*person));
        let set = new.map(|(person, status)| (person.clone(), status.clone())).chain(joining).collect();
        let left_out = |person: &&Person| unassigns && !packet.contains_key(*person) && was_assigned(person);
        let unassigned = self.statuses.keys().filter(left_out).cloned().collect();
        Difference { set, unassigned }
    }

    /// The newest version that explains the packet, as what differs in it from the task as it is now.
    fn explaining(&self, packet: &Packet) -> Option<HashMap<&Person, Option<&Status>>> {
        let explains = |said: &Option<Status>, version: Option<&Status>| match said {
            Some(said) => said == version.unwrap_or(&Status::NONE),
            None => true,
        };
        let mut unexplained: BTreeSet<&Person> =
            packet.iter().filter(|(p, said)| !explains(said, self.statuses.get(*p))).map(|(p, _)| p).collect();
        let mut version: HashMap<&Person, Option<&Status>> = HashMap::new();
        let mut older = self.past.steps.iter().rev();
        while !unexplained.is_empty() {
            for (person, before) in older.next()?.before.iter() {
                version.insert(person, before.as_ref());
                if let Some((named, said)) = packet.get_key_value(person) {
                    if explains(said, before.as_ref()) {
                        unexplained.remove(named)
                    } else {
                        unexplained.insert(named)
                    };
                }
            }
        }
        Some(version)
    }

    /// Sets the title, keeping the one it leaves. One that comes back is no earlier title any more, so a packet that
    /// says it is taken for what it is: a copy of the task as it stands.
    pub(crate) fn retitle(&mut self, title: Title) {
        self.past.titles.retain(|earlier| *earlier != title);
        let left = std::mem::replace(&mut self.title, title);
        if self.past.titles.len() == limits::TITLES_PER_TASK {
            self.past.titles.remove(0);
        }
        self.past.titles.push(left);
    }

    /// Sets the kind, keeping the one it leaves.
    pub(crate) fn rekind(&mut self, kind: Kind) {
        let left = std::mem::replace(&mut self.kind, kind);
        if !self.past.kinds.contains(&left) {
            self.past.kinds.push(left);
        }
    }

    /// Whose status has changed (or who was assigned or unassigned) at that revision or later; `None` if the history
    /// that is kept does not reach back before it.
    pub fn changed_since(&self, revision: u64) -> Option<BTreeSet<&Person>> {
        if revision <= self.past.since {
            return None;
        }
        let newer = self.past.steps.iter().rev().take_while(|step| step.revision >= revision);
        Some(newer.flat_map(|step| step.before.iter()).map(|(person, _)| person).collect())
    }

    /// Sets (`Some`) or unassigns (`None`) people, as one step of the task's history. `made`: the step, if another copy of
    /// the task has made it already.
    pub(crate) fn step(
        &mut self,
        revision: u64,
        changes: impl IntoIterator<Item = (Person, Option<Status>)>,
        made: Option<&Arc<Step>>,
    ) {
        let changes = changes.into_iter();
        let mut undo = Vec::with_capacity(changes.size_hint().0);
        for (person, status) in changes {
            undo.push(match status {
                Some(status) => match self.statuses.entry(person) {
                    Entry::Occupied(mut held) => (held.key().clone(), Some(held.insert(status))),
                    Entry::Vacant(place) => {
                        let person = place.key().clone();
                        place.insert(status);
                        (person, None)
                    }
                },
                None => {
                    let before = self.statuses.remove(&person);
                    (person, before)
                }
            });
        }
        undo.reverse(); // a person named twice is undone in the opposite order
        self.remember(revision, || undo.into_iter().collect(), made);
    }

    /// Sets what one person says, as one step; nothing happens if the task is not theirs.
    pub(crate) fn answer(&mut self, revision: u64, person: &Person, status: &Status, made: Option<&Arc<Step>>) {
        // The person as the task holds it is shared by all steps; the other one goes with its request.
        let Entry::Occupied(mut held) = self.statuses.entry(person.clone()) else { return };
        let before = held.insert(status.clone());
        let person = held.key().clone();
        self.revision = revision;
        self.remember(revision, || Before::One([(person, Some(before))]), made);
    }

    fn remember(&mut self, revision: u64, before: impl FnOnce() -> Before, made: Option<&Arc<Step>>) {
        let step = match made {
            Some(made) => {
                debug_assert_eq!(**made, Step { revision, before: before() }, "copies of a task are alike");
                made.clone()
            }
            None => Arc::new(Step { revision, before: before() }),
        };
        if !step.before.is_empty() {
            self.past.push(step);
        }
    }

    /// Whether nothing more is expected of anybody: it has people and all of them have answered.
    pub fn is_finished(&self) -> bool {
        !self.statuses.is_empty() && self.statuses.values().all(|status| status.progress.is_final())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_numbers_are_ids() {
        for text in ["17", "#17", "t17", "T17", "#t17"] {
            assert_eq!(TaskId::parse(text), Ok(TaskId(17)), "{text}");
        }
        assert_eq!((TaskId(17).wire_id(), TaskId::parse(&TaskId(17).wire_id())), ("t17".to_owned(), Ok(TaskId(17))));
        for text in
            ["", "0", "017", "+17", "-1", "17 ", "x", "18446744073709551616", "11111111-2222-3333-4444-555555555555"]
                .into_iter()
                .chain(["t", "#", "t0", "t017", "t+17", "tt17", "t#17", "##17", "s17", "t 17", "т17"])
        {
            assert!(matches!(TaskId::parse(text), Err(Refusal::UnknownTask { .. })), "{text}");
        }
    }

    #[test]
    fn kinds_and_their_aliases() {
        for (text, kind) in Kind::NAMES {
            assert_eq!(Kind::parse(text), Ok(kind));
        }
        assert_eq!(Kind::parse(Kind::OkFail.name()), Ok(Kind::OkFail));
        assert!(Kind::parse("remove").is_err() && Kind::parse("Todo").is_err() && Kind::parse("").is_err());
    }

    fn step(revision: u64, people: usize) -> Step {
        let before = (0..people).map(|n| (Person::named(&format!("p{n}"), "localhost"), None)).collect();
        Step { revision, before }
    }

    #[test]
    fn a_past_holds_what_a_snapshot_held() {
        let titles = vec![Title::parse("Earlier").unwrap()];
        let past = Past::restore(titles.clone(), vec![Kind::Confirm], 7, [step(8, 1), step(9, 2)]);
        assert_eq!((&past.titles, &past.kinds[..], past.since), (&titles, &[Kind::Confirm][..], 7));
        assert_eq!(past.steps().map(|step| (step.revision, step.before.len())).collect::<Vec<_>>(), [(8, 1), (9, 2)]);
    }

    #[test]
    fn whose_status_has_changed_since_a_revision() {
        let person = |name: &str| Person::named(name, "localhost");
        let mut task = Task {
            id: TaskId(1),
            title: Title::parse("T").unwrap(),
            kind: Kind::Todo,
            timestamp_ms: 1,
            statuses: BTreeMap::new(),
            revision: 1,
            past: Past::restore(Vec::new(), Vec::new(), 1, []),
        };
        task.step(2, [(person("a"), Some(Status::NONE)), (person("b"), Some(Status::NONE))], None);
        task.step(4, [(person("b"), None)], None);
        let changed = |revision| {
            let people = task.changed_since(revision)?;
            Some(people.into_iter().map(|person| person.name("localhost")).collect::<Vec<_>>().join(" "))
        };
        let of = |people: &str| Some(people.to_owned());
        assert_eq!([0, 1, 2, 3, 4, 5].map(changed), [None, None, of("a b"), of("b"), of("b"), of("")]);
    }

    #[test]
    fn the_oldest_steps_are_forgotten_one_by_one() {
        const MOST: usize = limits::HISTORY_BYTES / limits::HISTORY_ENTRY_BYTES;
        let mut past = Past::restore(Vec::new(), Vec::new(), 0, (1..=MOST as u64).map(|revision| step(revision, 1)));
        assert_eq!((past.steps().len(), past.since), (MOST, 0), "as many as there may be");
        for revision in MOST as u64 + 1..3 * MOST as u64 {
            past.push(Arc::new(step(revision, 1)));
            assert_eq!((past.steps().len(), past.since), (MOST, revision - MOST as u64));
        }
        past.push(Arc::new(step(10_000, MOST + 1)));
        assert_eq!(
            (past.steps().len(), past.since),
            (1, 3 * MOST as u64 - 1),
            "the newest is kept, however long it is"
        );
    }

    #[test]
    fn texts_are_one_line_within_limits() {
        assert_eq!(Title::parse("a\r\nb\tc").unwrap().as_str(), "a  b c");
        assert_eq!(Title::parse("a\u{85}b\u{2028}c\u{2029}d").unwrap().as_str(), "a b c d");
        assert_eq!(Title::parse(" \n"), Err(Refusal::EmptyTitle));
        assert!(Title::parse(&"я".repeat(limits::TITLE_CHARS)).is_ok());
        let chars = limits::TITLE_CHARS + 1;
        assert_eq!(Title::parse(&"я".repeat(chars)), Err(Refusal::TooLong { what: "title", chars, limit: chars - 1 }));
        for c in ['\0', '\u{b}', '\u{1f}', '\u{fffe}'] {
            assert_eq!(
                Title::parse(&format!("a{c}")),
                Err(Refusal::ForbiddenCharacter { what: "title", character: c })
            );
        }
        assert_eq!(Status::new(Progress::Fail, "").unwrap().value(), "");
        assert!(Status::new(Progress::Fail, &"x".repeat(limits::VALUE_CHARS + 1)).is_err());
    }
}
