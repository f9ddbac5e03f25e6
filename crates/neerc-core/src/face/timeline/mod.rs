//! What happened in a room over time, worked out from the changes of its log: when was answered, and how long it took from
//! handing out to the first word and to the answer. Not how it is drawn, and not who may read it.

pub mod export;
pub mod svg;

use super::grid::CellState;
use crate::change::{Change, Entry};
use crate::limits;
use crate::people::Person;
use crate::task::{Kind, Progress, Status, TaskId};
use crate::units::MINUTE_MS;
use std::collections::{BTreeMap, VecDeque};

/// Lengths that a bar may stand for, in minutes.
const BAR_MIN: [i64; 10] = [1, 2, 5, 10, 15, 30, 60, 120, 240, 480];

/// A task as it is told of in a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineTask {
    /// What to do.
    pub title: String,
    /// What kind of answer it asks for.
    pub kind: Kind,
    /// When it was made, in ms since 1970; `None` where that was before the changes that were read.
    pub created_ms: Option<i64>,
    /// Whether it was removed.
    pub is_removed: bool,
}

/// Something that somebody said of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineAnswer {
    /// When, in ms since 1970.
    pub at_ms: i64,
    /// Of which task.
    pub task: TaskId,
    /// Who.
    pub person: Person,
    /// What it came to.
    pub state: CellState,
}

/// From when somebody got a task until they were done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// When they got it, in ms since 1970.
    pub from_ms: i64,
    /// When they first said anything.
    pub first_ms: Option<i64>,
    /// When nothing more was expected.
    pub answered_ms: Option<i64>,
}

/// How long something took, of several times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// How many times there were.
    pub count: usize,
    /// What half of them did not exceed, in ms.
    pub median_ms: i64,
    /// What nine of ten did not exceed, in ms.
    pub p90_ms: i64,
}

impl Spread {
    /// Of these times, in ms.
    pub fn of(times_ms: impl IntoIterator<Item = i64>) -> Spread {
        let mut times_ms: Vec<i64> = times_ms.into_iter().collect();
        times_ms.sort_unstable();
        // The least time that so many of a hundred do not exceed.
        let at = |percent: usize| {
            let rank = (times_ms.len() * percent).div_ceil(100);
            times_ms.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        };
        Spread { count: times_ms.len(), median_ms: at(50), p90_ms: at(90) }
    }
}

/// How fast somebody was, or everybody with a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// How many tasks they were given, or how many people the task.
    pub given: usize,
    /// How many of them are open.
    pub open: usize,
    /// From handing out to the first word.
    pub first: Spread,
    /// From handing out to the answer.
    pub answered: Spread,
}

/// How many answers there were in a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// When it begins, in ms since 1970.
    pub from_ms: i64,
    /// Tasks that were done.
    pub done: usize,
    /// Tasks that failed.
    pub failed: usize,
    /// Other words: seen, begun.
    pub other: usize,
}

/// What happened in a room, as far as changes were noted.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    since_ms: Option<i64>,
    tasks: BTreeMap<TaskId, TimelineTask>,
    answers: VecDeque<TimelineAnswer>,
    waits: BTreeMap<(TaskId, Person), Vec<Wait>>,
    left_out: usize,
    until_ms: Option<i64>,
}

impl Timeline {
    /// One that tells what was from that time on, in ms since 1970.
    pub fn since(since_ms: i64) -> Timeline {
        Timeline { since_ms: Some(since_ms), ..Timeline::default() }
    }

    /// The next change of the room.
    pub fn note(&mut self, entry: &Entry) {
        let at_ms = entry.at_ms;
        if self.since_ms.is_none_or(|since_ms| at_ms >= since_ms) {
            self.until_ms = self.until_ms.max(Some(at_ms));
        }
        match &entry.change {
            Change::Created { task, title, kind, statuses, .. } => {
                let title = title.as_str().to_owned();
                let made = TimelineTask { title, kind: *kind, created_ms: Some(at_ms), is_removed: false };
                self.tasks.insert(*task, made);
                self.set(*task, at_ms, statuses);
            }
            Change::Edited { task, title, kind, set, unassigned, .. } => {
                if let Some(known) = self.tasks.get_mut(task) {
                    known.kind = kind.unwrap_or(known.kind);
                    title.iter().for_each(|title| title.as_str().clone_into(&mut known.title));
                }
                self.set(*task, at_ms, set);
                for person in unassigned {
                    self.end(*task, person);
                }
            }
            Change::Answered { task, person, status } => self.said(*task, at_ms, person, status),
            Change::Removed { task, .. } => {
                self.tasks.entry(*task).and_modify(|known| known.is_removed = true);
            }
            Change::Restored { task, .. } => {
                self.tasks.entry(*task).and_modify(|known| known.is_removed = false);
            }
            Change::RehearsalEnded { tasks } => {
                // Nobody wants to know how fast they were.
                let is_kept = |task: &TaskId| tasks.binary_search(task).is_err(); // they are in order
                self.tasks.retain(|task, _| is_kept(task));
                self.waits.retain(|(task, _), _| is_kept(task));
                self.answers.retain(|answer| is_kept(&answer.task));
            }
            Change::Deadlined { .. }
            | Change::Reminded { .. }
            | Change::Planned(_)
            | Change::Unplanned { .. }
            | Change::Replanned { .. }
            | Change::Lapsed { .. }
            | Change::Begun { .. }
            | Change::Stopped { .. }
            | Change::Clocked(_)
            | Change::Rehearsed(_)
            | Change::Watched { .. }
            | Change::Linked { .. }
            | Change::Door(_) => {}
        }
    }

    /// An admin gave people a task, or set what they say of it.
    fn set(&mut self, task: TaskId, at_ms: i64, statuses: &[(Person, Status)]) {
        for (person, status) in statuses {
            let waits = self.waits.entry((task, person.clone())).or_default();
            if *status == Status::NONE || waits.is_empty() {
                waits.retain(|wait| wait.answered_ms.is_some());
                waits.push(Wait { from_ms: at_ms, first_ms: None, answered_ms: None });
            }
            if *status != Status::NONE {
                self.said(task, at_ms, person, status);
            }
        }
    }

    fn said(&mut self, task: TaskId, at_ms: i64, person: &Person, status: &Status) {
        let wait = self.waits.get_mut(&(task, person.clone())).and_then(|waits| waits.last_mut());
        if let Some(wait) = wait {
            match status.progress {
                Progress::None => wait.answered_ms = None, // taken back
                progress => {
                    wait.first_ms.get_or_insert(at_ms);
                    if progress.is_final() {
                        wait.answered_ms.get_or_insert(at_ms);
                    } else {
                        wait.answered_ms = None;
                    }
                }
            }
        }
        if status.progress == Progress::None || self.since_ms.is_some_and(|since_ms| at_ms < since_ms) {
            return;
        }
        if self.answers.len() == limits::TIMELINE_ANSWERS {
            self.answers.pop_front();
            self.left_out += 1;
        }
        let (person, state) = (person.clone(), CellState::of(status.progress));
        self.answers.push_back(TimelineAnswer { at_ms, task, person, state });
    }

    /// Nothing more is expected of somebody who is not assigned any more.
    fn end(&mut self, task: TaskId, person: &Person) {
        if let Some(waits) = self.waits.get_mut(&(task, person.clone())) {
            waits.retain(|wait| wait.answered_ms.is_some());
        }
    }

    /// Whether nobody has said anything.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// What was said, oldest first.
    pub fn answers(&self) -> impl DoubleEndedIterator<Item = &TimelineAnswer> + ExactSizeIterator {
        self.answers.iter()
    }

    /// How much was said before that and is too much to be told.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// What is known of a task.
    pub fn task(&self, id: TaskId) -> Option<&TimelineTask> {
        self.tasks.get(&id)
    }

    /// From when to when it goes, in ms since 1970; `None` where nothing happened.
    pub fn span_ms(&self) -> Option<(i64, i64)> {
        let first_ms = self.answers.front()?.at_ms;
        let given_ms = self.waits().map(|(_, _, wait)| wait.from_ms);
        let given_ms = given_ms.filter(|from_ms| self.since_ms.is_none_or(|since_ms| *from_ms >= since_ms)).min();
        let from_ms = given_ms.map_or(first_ms, |given_ms| given_ms.min(first_ms));
        Some((from_ms, self.until_ms.unwrap_or(first_ms).max(from_ms)))
    }

    /// Who had to wait for whom: every task that somebody was given, if it is open or was answered in the time told of.
    pub fn waits(&self) -> impl Iterator<Item = (TaskId, &Person, &Wait)> {
        let all =
            self.waits.iter().flat_map(|((task, person), waits)| waits.iter().map(move |wait| (*task, person, wait)));
        all.filter(|(task, _, wait)| match wait.answered_ms {
            Some(answered_ms) => self.since_ms.is_none_or(|since_ms| answered_ms >= since_ms),
            None => !self.tasks.get(task).is_some_and(|task| task.is_removed),
        })
    }

    /// How fast each person was.
    pub fn people(&self) -> BTreeMap<&Person, Pace> {
        self.paces(|(_, person, _)| person)
    }

    /// How fast each task was answered.
    pub fn tasks(&self) -> BTreeMap<TaskId, Pace> {
        self.paces(|(task, _, _)| task)
    }

    /// How fast all were.
    pub fn all(&self) -> Pace {
        self.paces(|_| ()).remove(&()).unwrap_or_default()
    }

    fn paces<'t, K: Ord>(&'t self, key: impl Fn((TaskId, &'t Person, &'t Wait)) -> K) -> BTreeMap<K, Pace> {
        let mut waits: BTreeMap<K, Vec<&Wait>> = BTreeMap::new();
        self.waits().for_each(|each| waits.entry(key(each)).or_default().push(each.2));
        let pace = |waits: Vec<&Wait>| Pace {
            given: waits.len(),
            open: waits.iter().filter(|wait| wait.answered_ms.is_none()).count(),
            first: Spread::of(waits.iter().filter_map(|wait| Some(wait.first_ms?.saturating_sub(wait.from_ms)))),
            answered: Spread::of(waits.iter().filter_map(|wait| Some(wait.answered_ms?.saturating_sub(wait.from_ms)))),
        };
        waits.into_iter().map(|(key, waits)| (key, pace(waits))).collect()
    }

    /// How many answers there were, in bars of one length; that length in ms comes first.
    pub fn bars(&self) -> (i64, Vec<Bar>) {
        let Some((from_ms, until_ms)) = self.span_ms() else { return (MINUTE_MS, Vec::new()) };
        let most = |minutes: &i64| until_ms.saturating_sub(from_ms) / (minutes * MINUTE_MS) < limits::TIMELINE_BARS;
        let last = BAR_MIN.last().copied().unwrap_or(1);
        let whole_min = until_ms.saturating_sub(from_ms) / MINUTE_MS;
        let many_min = (whole_min / limits::TIMELINE_BARS / last + 1).saturating_mul(last);
        let bar_ms = BAR_MIN.into_iter().find(most).unwrap_or(many_min).saturating_mul(MINUTE_MS);
        let first_ms = from_ms.saturating_sub(from_ms.rem_euclid(bar_ms));
        let count = usize::try_from(until_ms.saturating_sub(first_ms) / bar_ms).unwrap_or_default() + 1;
        let mut bars: Vec<Bar> = (0..count)
            .zip(std::iter::successors(Some(first_ms), |from_ms| from_ms.checked_add(bar_ms)))
            .map(|(_, from_ms)| Bar { from_ms, ..Bar::default() })
            .collect();
        for answer in &self.answers {
            let at = usize::try_from(answer.at_ms.saturating_sub(first_ms) / bar_ms).unwrap_or_default();
            let Some(bar) = bars.get_mut(at) else { continue };
            match answer.state {
                CellState::Done => bar.done += 1,
                CellState::Failed => bar.failed += 1,
                _ => bar.other += 1,
            }
        }
        (bar_ms, bars)
    }
}

#[cfg(test)]
mod tests;
