//! Whether what whoever asks has seen is still so: a change that would replace something newer is refused, since nobody has
//! decided that who has not seen it. What was added meanwhile beside it stays, and is no reason to refuse.

use crate::board::Board;
use crate::change::{Change, Entry};
use crate::people::Person;
use crate::refusal::Refusal;
use crate::trail::Trail;

/// The changes of a room that are newer than a revision: those that are not on disk yet, the newest first, and the trail.
pub(super) struct Newer<'l> {
    pub room: &'l str,
    /// What was seen.
    pub seen: u64,
    /// The newest revision that there is.
    pub known: u64,
    pub trail: &'l Trail,
    /// The room as it is with all of them.
    pub board: &'l Board,
}

impl Newer<'_> {
    /// Refuses a change that replaces what is newer than what was seen.
    pub fn admit<'e>(&self, change: &Change, ahead: impl Iterator<Item = &'e Entry>) -> Result<(), Refusal> {
        if self.seen > self.known {
            return Err(Refusal::Outdated); // that was in a log which is lost
        }
        let replaces = |entry: &Entry| *entry.room == *self.room && replaces(change, &entry.change);
        let is_newer = |entry: &&Entry| entry.revision > self.seen;
        let mut ahead = ahead.take_while(is_newer);
        let mut on_disk = self.trail.newest_first().take_while(is_newer);
        if ahead.any(replaces) || on_disk.any(replaces) || self.is_forgotten(change) {
            return Err(Refusal::Outdated);
        }
        Ok(())
    }

    /// Whether more has happened to the task since than is remembered: then it may have been anything.
    fn is_forgotten(&self, change: &Change) -> bool {
        let is_remembered = self.trail.reaches(self.seen);
        !is_remembered && change.task().and_then(|task| self.board.task(task)).is_some_and(|t| t.revision > self.seen)
    }
}

/// Whether a change replaces what an earlier one of the same room says.
fn replaces(change: &Change, earlier: &Change) -> bool {
    match (change, earlier) {
        (Change::Clocked(_), Change::Clocked(_) | Change::Rehearsed(_) | Change::RehearsalEnded { .. }) => true,
        (
            Change::Replanned { plan, .. } | Change::Unplanned { plan },
            Change::Replanned { plan: other, .. } | Change::Lapsed { plan: other },
        ) => plan == other,
        _ if change.task().is_none() || change.task() != earlier.task() => false,
        (Change::Deadlined { .. }, Change::Deadlined { .. }) => true,
        // To remove it throws away whatever it is by now.
        (
            Change::Removed { .. },
            Change::Edited { .. } | Change::Answered { .. } | Change::Deadlined { .. } | Change::Restored { .. },
        ) => true,
        // An answer to another question is none.
        (Change::Answered { person, .. }, Change::Edited { title, kind, .. }) => {
            title.is_some() || kind.is_some() || says(earlier, person)
        }
        (Change::Answered { person, .. }, Change::Answered { .. }) => says(earlier, person),
        (Change::Edited { title, kind, set, unassigned, .. }, Change::Edited { .. } | Change::Answered { .. }) => {
            let (retitles, rekinds) = match earlier {
                Change::Edited { title, kind, .. } => (title.is_some(), kind.is_some()),
                _ => (false, false),
            };
            let mut people = set.iter().map(|(person, _)| person).chain(unassigned);
            (title.is_some() && retitles) || (kind.is_some() && rekinds) || people.any(|person| says(earlier, person))
        }
        _ => false,
    }
}

/// Whether a change is about what that person says of its task, or whether they have it.
fn says(change: &Change, person: &Person) -> bool {
    match change {
        Change::Answered { person: who, .. } => who == person,
        Change::Edited { set, unassigned, .. } => {
            set.iter().map(|(who, _)| who).chain(unassigned).any(|who| who == person)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Kind, Progress, Status, TaskId, Title};

    fn person(name: &str) -> Person {
        Person::named(name, "localhost")
    }

    fn edited(title: Option<&str>, kind: Option<Kind>, set: &[&str], unassigned: &[&str]) -> Change {
        let title = title.map(|title| Title::parse(title).unwrap());
        let set = set.iter().map(|name| (person(name), Status::NONE)).collect();
        let unassigned = unassigned.iter().map(|name| person(name)).collect();
        Change::Edited { task: TaskId(1), title, kind, timestamp_ms: None, set, unassigned }
    }

    fn answered(task: u64, name: &str) -> Change {
        let status = Status::new(Progress::Success, "").unwrap();
        Change::Answered { task: TaskId(task), person: person(name), status }
    }

    #[test]
    fn only_what_would_be_replaced_is_a_reason_to_refuse() {
        let titled = || edited(Some("A"), None, &[], &[]);
        let kinded = || edited(None, Some(Kind::Todo), &[], &[]);
        let given = || edited(None, None, &["b"], &[]);
        let taken = || edited(None, None, &[], &["b"]);
        let removed = || Change::Removed { task: TaskId(1), at_ms: None };
        let due = || Change::Deadlined { task: TaskId(1), deadline: None };
        let reminded = || Change::Reminded { task: TaskId(1), round: None };
        let clocked = || Change::Clocked(None);
        for (change, earlier, expected) in [
            (answered(1, "b"), answered(1, "b"), true),
            (answered(1, "b"), answered(1, "c"), false),
            (answered(1, "b"), answered(2, "b"), false),
            (answered(1, "b"), given(), true),
            (answered(1, "c"), given(), false),
            (answered(1, "c"), titled(), true),
            (answered(1, "c"), kinded(), true),
            (answered(1, "c"), due(), false),
            (titled(), titled(), true),
            (titled(), kinded(), false),
            (titled(), answered(1, "b"), false),
            (kinded(), kinded(), true),
            (given(), taken(), true),
            (taken(), answered(1, "b"), true),
            (taken(), answered(1, "c"), false),
            (taken(), answered(2, "b"), false),
            (removed(), answered(1, "c"), true),
            (removed(), titled(), true),
            (removed(), due(), true),
            (removed(), reminded(), false),
            (removed(), answered(2, "c"), false),
            (due(), due(), true),
            (due(), answered(1, "c"), false),
            (clocked(), clocked(), true),
            (clocked(), titled(), false),
            (reminded(), answered(1, "c"), false),
        ] {
            assert_eq!(replaces(&change, &earlier), expected, "{change:?} after {earlier:?}");
        }
    }
}
