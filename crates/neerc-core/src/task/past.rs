//! The history of a task, in steps that can be undone, as far as it is needed to recognise old copies.

use crate::limits;
use crate::people::Person;
use crate::task::{Kind, Status, Title};
use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// One step of a task's history, stored as what undoes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastStep {
    /// Revision of the change that made it.
    pub revision: u64,
    /// The people it changed, each with the status before it (`None`: not assigned).
    pub before: Before,
}

/// What a step restores when it is undone. Nearly every step is one answer of one person, which is stored without a
/// list.
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

/// The history of a task, as far as it is needed to recognise old copies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Its earlier titles.
    pub titles: Vec<Title>,
    /// Its earlier kinds.
    pub kinds: Vec<Kind>,
    /// Revision after which every step is kept: that of the creation, or of the newest dropped step.
    pub since: u64,
    /// Shared between copies of the task, so copying is cheap.
    steps: VecDeque<Arc<PastStep>>,
    /// Weight of all steps, in bytes.
    weight: usize,
}

impl Past {
    /// Restores a history from a snapshot; the newest step is last.
    pub fn restore(
        titles: Vec<Title>,
        kinds: Vec<Kind>,
        since: u64,
        steps: impl IntoIterator<Item = PastStep>,
    ) -> Past {
        let mut past = Past { titles, kinds, since, ..Past::default() };
        steps.into_iter().for_each(|step| past.push(Arc::new(step)));
        past
    }

    /// The step of that revision, if it is kept. Searches from the newest step on.
    pub(crate) fn step_at(&self, revision: u64) -> Option<&Arc<PastStep>> {
        self.steps.iter().rev().take_while(|step| step.revision >= revision).last().filter(|s| s.revision == revision)
    }

    /// The steps, newest last.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = &PastStep> + ExactSizeIterator {
        self.steps.iter().map(|step| &**step)
    }

    /// Adds a step and drops the oldest ones that exceed the bound; the newest is always kept.
    pub(super) fn push(&mut self, step: Arc<PastStep>) {
        self.weight += weight(&step);
        self.steps.push_back(step);
        while self.weight > limits::HISTORY_BYTES && self.steps.len() > 1 {
            let Some(oldest) = self.steps.pop_front() else { return };
            self.weight -= weight(&oldest);
            self.since = oldest.revision;
        }
    }
}

/// Weight of a step, in bytes.
fn weight(step: &PastStep) -> usize {
    let said = step.before.iter().filter_map(|(_, status)| status.as_ref());
    said.map(|status| status.value().len()).sum::<usize>() + step.before.len() * limits::HISTORY_ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(revision: u64, people: usize) -> PastStep {
        let before = (0..people).map(|n| (Person::named(&format!("p{n}"), "localhost"), None)).collect();
        PastStep { revision, before }
    }

    #[test]
    fn a_past_holds_what_a_snapshot_held() {
        let titles = vec![Title::parse("Earlier").unwrap()];
        let past = Past::restore(titles.clone(), vec![Kind::Confirm], 7, [step(8, 1), step(9, 2)]);
        assert_eq!((&past.titles, &past.kinds[..], past.since), (&titles, &[Kind::Confirm][..], 7));
        assert_eq!(past.steps().map(|step| (step.revision, step.before.len())).collect::<Vec<_>>(), [(8, 1), (9, 2)]);
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
}
