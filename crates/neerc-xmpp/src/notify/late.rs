//! Tells some sessions of many tasks, one after another: those that were in the room before the service, and those
//! whose server may have handed them old states. They are told a little at a time and after the news, since a few
//! hundred sessions and tasks make tens of thousands of messages.

use crate::limits;
use neerc_core::task::TaskId;
use std::collections::{HashSet, VecDeque};

/// Why a session is told late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It may have heard nothing.
    Untold,
    /// It may be handed old states.
    MayBeHandedOldStates,
    /// It was told nothing for a while, or may see other tasks than before.
    Missed,
}

#[derive(Debug)]
struct List {
    slot: usize,
    why: Why,
    /// The tasks that the session has still to be told of, the next one last.
    tasks: Vec<TaskId>,
}

#[derive(Debug, Default)]
pub(super) struct Late {
    /// Sessions that are to be told of all tasks, from that time on (ms).
    waiting: VecDeque<(i64, usize, Why)>,
    lists: VecDeque<List>,
    /// How many tasks are in all lists.
    listed: usize,
    next_ms: i64,
}

impl Late {
    /// The session of a slot is to be told of all tasks, unless it asks for them soon.
    pub(super) fn add(&mut self, now_ms: i64, slot: usize, why: Why) {
        self.waiting.push_back((now_ms + limits::LATE_GRACE_MS, slot, why));
    }

    /// The next session that needs a list, and why.
    pub(super) fn take(&mut self, now_ms: i64) -> Option<(usize, Why)> {
        if self.listed >= limits::LATE_TASKS || self.waiting.front()?.0 > now_ms {
            return None;
        }
        self.waiting.pop_front().map(|(_, slot, why)| (slot, why))
    }

    /// The session of a slot is to be told of these tasks, in this order.
    pub(super) fn list(&mut self, now_ms: i64, slot: usize, why: Why, mut tasks: Vec<TaskId>) {
        if tasks.is_empty() || self.listed >= 2 * limits::LATE_TASKS {
            return;
        }
        if self.lists.is_empty() {
            self.next_ms = self.next_ms.max(now_ms);
        }
        tasks.reverse();
        self.listed += tasks.len();
        self.lists.push_back(List { slot, why, tasks });
    }

    /// The session has asked for all tasks, and was given them.
    pub(super) fn needs_not_all(&mut self, slot: usize) {
        self.retain(|of, why| of != slot || why != Why::Untold);
    }

    /// What the session of a slot has still to be told of.
    pub(super) fn listed(&self, slot: usize) -> impl Iterator<Item = TaskId> {
        self.lists.iter().filter(move |list| list.slot == slot).flat_map(|list| list.tasks.iter().copied())
    }

    /// The session is gone.
    pub(super) fn remove(&mut self, slot: usize) {
        self.retain(|of, _| of != slot);
    }

    fn retain(&mut self, keep: impl Fn(usize, Why) -> bool) {
        if self.waiting.is_empty() && self.lists.is_empty() {
            return;
        }
        self.waiting.retain(|(_, of, why)| keep(*of, *why));
        self.lists.retain(|list| keep(list.slot, list.why));
        self.listed = self.lists.iter().map(|list| list.tasks.len()).sum();
    }

    /// The sessions that have still to be told of something.
    pub(super) fn holders(&self) -> HashSet<usize> {
        self.waiting.iter().map(|(_, slot, _)| *slot).chain(self.lists.iter().map(|list| list.slot)).collect()
    }

    /// What is to be told now: one task to each of some sessions, which take turns.
    pub(super) fn beat(&mut self, now_ms: i64, size: impl Fn(usize, TaskId) -> usize) -> Vec<(usize, TaskId, Why)> {
        let mut told = Vec::new();
        if self.next_ms > now_ms {
            return told;
        }
        let mut bytes = 0;
        for _ in 0..self.lists.len().min(limits::LATE_BEAT_TASKS) {
            if bytes >= limits::LATE_BEAT_BYTES {
                break;
            }
            let Some(mut list) = self.lists.pop_front() else { break };
            let Some(task) = list.tasks.pop() else { continue };
            bytes += size(list.slot, task);
            self.listed = self.listed.saturating_sub(1);
            told.push((list.slot, task, list.why));
            if !list.tasks.is_empty() {
                self.lists.push_back(list);
            }
        }
        self.next_ms = now_ms + limits::LATE_BEAT_MS;
        told
    }

    /// When there is something to do, in ms.
    pub(super) fn next_due_ms(&self) -> Option<i64> {
        let lists = (!self.lists.is_empty()).then_some(self.next_ms);
        let waiting = self.waiting.front().map(|(at_ms, ..)| *at_ms).filter(|_| self.listed < limits::LATE_TASKS);
        lists.into_iter().chain(waiting).min()
    }

    pub(super) fn clear(&mut self) {
        *self = Late { next_ms: self.next_ms, ..Late::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_tasks_are_told_to_fewer_sessions_at_a_time_and_all_take_turns() {
        let mut late = Late::default();
        for slot in 0..100 {
            late.list(0, slot, Why::Untold, vec![TaskId(2), TaskId(1)]);
        }
        let told = |late: &mut Late, now_ms| late.beat(now_ms, |_, _| limits::LATE_BEAT_BYTES.div_ceil(10));
        for beat in 0..20 {
            let now_ms = beat * limits::LATE_BEAT_MS;
            assert_eq!(late.next_due_ms(), Some(now_ms));
            let now = told(&mut late, now_ms);
            let (first, task) = ((beat as usize % 10) * 10, if beat < 10 { 2 } else { 1 });
            assert_eq!(now, (first..first + 10).map(|slot| (slot, TaskId(task), Why::Untold)).collect::<Vec<_>>());
            assert_eq!(told(&mut late, now_ms), [], "only at the next beat");
        }
        assert_eq!((late.next_due_ms(), late.listed), (None, 0));
    }
}
