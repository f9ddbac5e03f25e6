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
    steps: Steps,
}

/// Steps in runs that are shared between copies of the task: a copy costs some pointers for each run, not for each step.
/// Whoever keeps many versions of a task, as browsers do, would else keep many lists of a thousand pointers.
#[derive(Clone, Default)]
struct Steps {
    /// The oldest first.
    runs: VecDeque<Arc<[Arc<PastStep>]>>,
    /// How many steps of the first run do not count any more.
    dropped: usize,
    /// What follows the runs, and is to become one.
    newest: Vec<Arc<PastStep>>,
    /// Weight of that, in bytes.
    newest_weight: usize,
    /// How many steps there are.
    count: usize,
    /// Weight of all of them, in bytes.
    weight: usize,
}

impl Steps {
    fn newest_first(&self) -> impl Iterator<Item = &Arc<PastStep>> {
        let in_runs = self.runs.iter().rev().flat_map(|run| run.iter().rev());
        self.newest.iter().rev().chain(in_runs).take(self.count)
    }

    fn oldest_first(&self) -> impl Iterator<Item = &Arc<PastStep>> {
        self.runs.iter().flat_map(|run| run.iter()).skip(self.dropped).chain(&self.newest)
    }

    fn push(&mut self, step: Arc<PastStep>) {
        let weight = weight(&step);
        (self.weight, self.newest_weight) = (self.weight + weight, self.newest_weight + weight);
        self.count += 1;
        self.newest.push(step);
        if self.newest_weight >= limits::HISTORY_RUN_BYTES {
            self.runs.push_back(std::mem::take(&mut self.newest).into());
            self.newest_weight = 0;
        }
    }

    /// Takes out the oldest step; gives its revision.
    fn drop_oldest(&mut self) -> Option<u64> {
        let run = self.runs.front()?;
        let oldest = run.get(self.dropped)?;
        let (revision, weight, is_last) = (oldest.revision, weight(oldest), self.dropped + 1 == run.len());
        (self.count, self.weight) = (self.count - 1, self.weight - weight);
        self.dropped = if is_last { 0 } else { self.dropped + 1 };
        if is_last {
            self.runs.pop_front();
        }
        Some(revision)
    }
}

impl PartialEq for Steps {
    fn eq(&self, other: &Steps) -> bool {
        self.oldest_first().eq(other.oldest_first())
    }
}

impl Eq for Steps {}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.oldest_first()).finish()
    }
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
        self.steps
            .newest_first()
            .take_while(|step| step.revision >= revision)
            .last()
            .filter(|step| step.revision == revision)
    }

    /// The steps, newest last.
    pub fn steps(&self) -> impl Iterator<Item = &PastStep> {
        self.steps.oldest_first().map(|step| &**step)
    }

    /// The steps, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &PastStep> {
        self.steps.newest_first().map(|step| &**step)
    }

    /// Adds a step and drops the oldest ones that exceed the bound; the newest is always kept.
    pub(super) fn push(&mut self, step: Arc<PastStep>) {
        self.steps.push(step);
        while self.steps.weight > limits::HISTORY_BYTES && self.steps.count > 1 {
            let Some(revision) = self.steps.drop_oldest() else { return };
            self.since = revision;
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
        assert_eq!((past.steps().count(), past.since), (MOST, 0), "as many as there may be");
        for revision in MOST as u64 + 1..3 * MOST as u64 {
            past.push(Arc::new(step(revision, 1)));
            assert_eq!((past.steps().count(), past.since), (MOST, revision - MOST as u64));
        }
        past.push(Arc::new(step(10_000, MOST + 1)));
        assert_eq!(
            (past.steps().count(), past.since),
            (1, 3 * MOST as u64 - 1),
            "the newest is kept, however long it is"
        );
    }

    #[test]
    fn copies_share_what_they_have_in_common_and_drop_it_one_by_one() {
        let long = |revision: u64| {
            let status = crate::task::Status::new(crate::task::Progress::Fail, &"x".repeat(1_000)).unwrap();
            let before = std::iter::once((Person::named("p", "localhost"), Some(status))).collect();
            Arc::new(PastStep { revision, before })
        };
        let mut past = Past::default();
        for revision in 1..=1_000 {
            let copy = past.clone();
            past.push(if revision % 3 == 0 { long(revision) } else { Arc::new(step(revision, 1)) });
            let kept: Vec<u64> = past.steps().map(|step| step.revision).collect();
            assert_eq!(kept, (past.since + 1..=revision).collect::<Vec<_>>());
            assert_eq!(past.newest_first().map(|step| step.revision).collect::<Vec<_>>(), {
                let mut newest_first = kept.clone();
                newest_first.reverse();
                newest_first
            });
            assert_eq!(past.steps().map(weight).sum::<usize>(), past.steps.weight);
            assert!(past.steps.weight <= limits::HISTORY_BYTES);
            assert_eq!(copy.steps().last().map(|step| step.revision), (revision > 1).then_some(revision - 1));
            assert!(past.step_at(revision).is_some() && past.step_at(past.since).is_none());
            let again = Past::restore(Vec::new(), Vec::new(), past.since, past.steps().cloned());
            assert_eq!(again, past, "a past that was read again is the same, wherever its runs end");
        }
        assert!(past.steps.runs.len() < 40 && past.since > 0, "{} runs", past.steps.runs.len());
    }
}
