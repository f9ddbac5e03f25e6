//! A task with its people and their answers, and how an old copy of it is told from a deliberate edit. Who may change a
//! task is decided by the board.

mod past;
mod values;

pub use past::{Before, Past, PastStep};
pub use values::{Kind, Progress, Status, TaskId, Title};

use crate::limits;
use crate::people::Person;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The people of a whole-task packet with the status given for each. `None` stands for a member of a named group:
/// whoever has the task keeps their status, the others are assigned without one.
pub(crate) type Packet = BTreeMap<Person, Option<Status>>;

/// What happens to people of a task who are not in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// They stay assigned.
    Kept,
    /// They are unassigned.
    Unassigned,
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
    /// When it was created or last assigned to somebody new, in ms since 1970; unique within the room.
    pub timestamp_ms: i64,
    /// Who it is for, and what they say.
    pub statuses: BTreeMap<Person, Status>,
    /// Revision of its last change.
    pub revision: u64,
    /// What it was before.
    pub past: Past,
}

/// What a packet changes in a task, after rebasing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// People to be assigned, or whose status is deliberately replaced.
    pub set: BTreeMap<Person, Status>,
    /// People to be unassigned.
    pub unassigned: BTreeSet<Person>,
}

impl Task {
    /// What a whole-task packet really asks for, given that its sender may have seen an old copy of the task
    /// (PROTOCOL.md, "What a task packet changes").
    ///
    /// The newest version that explains the packet is the copy it was made from: everybody in both has the version's
    /// status, and everybody new comes without one. Only the difference to that version is applied. If no version
    /// explains the packet, it is a deliberate edit and replaces what it names.
    pub(crate) fn rebase(&self, packet: &Packet, left_out: LeftOut) -> Difference {
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
        let lost =
            |person: &&Person| left_out == LeftOut::Unassigned && !packet.contains_key(*person) && was_assigned(person);
        let unassigned = self.statuses.keys().filter(lost).cloned().collect();
        Difference { set, unassigned }
    }

    /// The newest version that explains the packet, as its differences from the current task.
    fn explaining(&self, packet: &Packet) -> Option<HashMap<&Person, Option<&Status>>> {
        let explains = |said: &Option<Status>, version: Option<&Status>| match said {
            Some(said) => said == version.unwrap_or(&Status::NONE),
            None => true,
        };
        let mut unexplained: BTreeSet<&Person> =
            packet.iter().filter(|(p, said)| !explains(said, self.statuses.get(*p))).map(|(p, _)| p).collect();
        let mut version: HashMap<&Person, Option<&Status>> = HashMap::new();
        let mut older = self.past.newest_first();
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

    /// Sets the title and remembers the old one. A title that comes back is no longer an earlier one, so a packet with
    /// it counts as a copy of the current task.
    pub(crate) fn retitle(&mut self, title: Title) {
        self.past.titles.retain(|earlier| *earlier != title);
        let left = std::mem::replace(&mut self.title, title);
        if self.past.titles.len() == limits::TITLES_PER_TASK {
            self.past.titles.remove(0);
        }
        self.past.titles.push(left);
    }

    /// Sets the kind and remembers the old one.
    pub(crate) fn rekind(&mut self, kind: Kind) {
        let left = std::mem::replace(&mut self.kind, kind);
        if !self.past.kinds.contains(&left) {
            self.past.kinds.push(left);
        }
    }

    /// The people whose status or assignment changed at `revision` or later; `None` if the history does not reach back
    /// that far.
    pub fn changed_since(&self, revision: u64) -> Option<BTreeSet<&Person>> {
        if revision <= self.past.since {
            return None;
        }
        let newer = self.past.newest_first().take_while(|step| step.revision >= revision);
        Some(newer.flat_map(|step| step.before.iter()).map(|(person, _)| person).collect())
    }

    /// Sets (`Some`) or unassigns (`None`) people as one step of the history. `made`: the same step of another copy of
    /// the task, to share its memory.
    pub(crate) fn step(
        &mut self,
        revision: u64,
        changes: impl IntoIterator<Item = (Person, Option<Status>)>,
        made: Option<&Arc<PastStep>>,
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

    /// Sets the status of one person as one step of the history; does nothing if they do not have the task.
    pub(crate) fn answer(&mut self, revision: u64, person: &Person, status: &Status, made: Option<&Arc<PastStep>>) {
        // All steps share the task's own copy of the person; the request's copy is dropped.
        let Entry::Occupied(mut held) = self.statuses.entry(person.clone()) else { return };
        let before = held.insert(status.clone());
        let person = held.key().clone();
        self.revision = revision;
        self.remember(revision, || Before::One([(person, Some(before))]), made);
    }

    fn remember(&mut self, revision: u64, before: impl FnOnce() -> Before, made: Option<&Arc<PastStep>>) {
        let step = match made {
            Some(made) => {
                debug_assert_eq!(**made, PastStep { revision, before: before() }, "copies of a task are alike");
                made.clone()
            }
            None => Arc::new(PastStep { revision, before: before() }),
        };
        if !step.before.is_empty() {
            self.past.push(step);
        }
    }

    /// Whether it has people and all of them are done or have failed.
    pub fn is_finished(&self) -> bool {
        !self.statuses.is_empty() && self.statuses.values().all(|status| status.progress.is_final())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
