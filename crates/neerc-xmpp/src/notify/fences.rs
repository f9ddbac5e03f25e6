//! Tracks what was told but may not have reached the server. A ping that follows it is a fence: the stream is ordered,
//! so the answer proves that everything before the ping has arrived. The front sends the pings.

use super::{Key, Losers};
use std::collections::BTreeMap;

/// The first revision of a task that may not have arrived, and who lost the task since.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) since: u64,
    pub(super) lost: Losers,
}

/// What waits for a fence, and what a fence that is under way will prove.
#[derive(Debug, Default)]
pub(super) struct Fences {
    unfenced: BTreeMap<Key, Told>,
    fencing: BTreeMap<Key, Told>,
    /// The number of the last fence.
    last: u64,
}

impl Fences {
    /// Everybody was told of a task as it has been since that revision.
    pub(super) fn told(&mut self, key: Key, since: u64, lost: Losers) {
        let unfenced = self.unfenced.entry(key).or_insert(Told { since: u64::MAX, lost: Losers::default() });
        unfenced.since = unfenced.since.min(since);
        unfenced.lost.add(lost);
    }

    /// Whether something was told that a fence should follow; one at a time.
    pub(super) fn are_needed(&self) -> bool {
        !self.unfenced.is_empty() && self.fencing.is_empty()
    }

    /// Whether all that was told has arrived.
    pub(super) fn is_empty(&self) -> bool {
        self.unfenced.is_empty() && self.fencing.is_empty()
    }

    /// The number of the next fence, if one is needed. From then on it is under way.
    pub(super) fn take(&mut self) -> Option<u64> {
        if !self.are_needed() {
            return None;
        }
        self.fencing = std::mem::take(&mut self.unfenced);
        self.last += 1;
        Some(self.last)
    }

    /// That fence came back.
    pub(super) fn arrived(&mut self, number: u64) {
        if number == self.last {
            self.fencing.clear();
        }
    }

    /// That fence did not come back: a later one must prove what it was to prove.
    pub(super) fn lost(&mut self, number: u64) {
        if number == self.last {
            for (key, Told { since, lost }) in std::mem::take(&mut self.fencing) {
                self.told(key, since, lost);
            }
        }
    }

    /// The first revision of each task that may not have arrived.
    pub(super) fn oldest(&self) -> impl Iterator<Item = u64> {
        self.unfenced.values().chain(self.fencing.values()).map(|told| told.since)
    }

    /// The rooms with anything that may not have arrived.
    pub(super) fn rooms(&self) -> impl Iterator<Item = usize> {
        self.unfenced.keys().chain(self.fencing.keys()).map(|(room, _)| *room)
    }

    /// Takes out all of a room that may not have arrived. What a fence is under way for in other rooms waits for the next.
    pub(super) fn take_room(&mut self, room: usize) -> Vec<(Key, Told)> {
        let unfenced = std::mem::take(&mut self.unfenced).into_iter().chain(std::mem::take(&mut self.fencing));
        let (of_room, others): (Vec<_>, Vec<_>) = unfenced.partition(|(key, _)| key.0 == room);
        others.into_iter().for_each(|(key, Told { since, lost })| self.told(key, since, lost));
        of_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neerc_core::people::Person;
    use neerc_core::task::TaskId;

    #[test]
    fn what_was_told_before_and_after_a_fence_is_told_again_as_one() {
        let of = |name: &str| Losers {
            people: [Person::from_bare(&format!("{name}@localhost"))].into(),
            ..Losers::default()
        };
        let key = (1, TaskId(1));
        let mut fences = Fences::default();
        fences.told(key, 3, of("a"));
        assert_eq!(fences.take(), Some(1));
        fences.told(key, 7, of("b"));
        assert!(fences.take_room(0).is_empty(), "the other room had nothing to lose");
        assert_eq!(fences.oldest().collect::<Vec<_>>(), [3]);
        let again = fences.take_room(1);
        let people: Vec<_> = again.iter().flat_map(|(_, told)| &told.lost.people).map(Person::bare).collect();
        assert_eq!(people, ["a@localhost", "b@localhost"]);
        assert!(fences.is_empty());
    }
}
