//! A set of small numbers, kept as bits: the sessions that wait for a task. A thousand sessions take 128 bytes.

/// The set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    words: Vec<u64>,
}

impl Slots {
    /// Adds a number.
    pub fn insert(&mut self, slot: usize) {
        let (word, bit) = (slot / 64, slot % 64);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << bit;
    }

    /// Takes a number out.
    pub fn remove(&mut self, slot: usize) {
        if let Some(word) = self.words.get_mut(slot / 64) {
            *word &= !(1 << (slot % 64));
        }
    }

    /// Whether a number is in it.
    pub fn contains(&self, slot: usize) -> bool {
        self.words.get(slot / 64).is_some_and(|word| word & (1 << (slot % 64)) != 0)
    }

    /// Adds all numbers of another set.
    pub fn union(&mut self, other: &Slots) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.words.iter_mut().zip(&other.words).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// The numbers that are not in another set.
    pub fn without(&self, other: &Slots) -> Slots {
        let of_other = other.words.iter().copied().chain(std::iter::repeat(0));
        Slots { words: self.words.iter().zip(of_other).map(|(mine, theirs)| mine & !theirs).collect() }
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Takes all numbers out.
    pub fn clear(&mut self) {
        self.words.clear();
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(index, &word)| {
            let next = |rest: &u64| Some(rest & (rest - 1)).filter(|rest| *rest != 0);
            std::iter::successors(Some(word).filter(|word| *word != 0), next)
                .map(move |rest| index * 64 + rest.trailing_zeros() as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_is_a_set(steps in prop::collection::vec((any::<bool>(), 0usize..300), 0..200), more in prop::collection::btree_set(0usize..500, 0..50)) {
            let mut slots = Slots::default();
            let mut model = BTreeSet::new();
            for (inserts, slot) in steps {
                if inserts { slots.insert(slot); model.insert(slot); } else { slots.remove(slot); model.remove(&slot); }
                prop_assert_eq!(slots.is_empty(), model.is_empty());
                prop_assert_eq!(slots.contains(slot), model.contains(&slot));
            }
            let mut other = Slots::default();
            more.iter().for_each(|slot| other.insert(*slot));
            let rest: BTreeSet<usize> = model.difference(&more).copied().collect();
            prop_assert_eq!(slots.without(&other).iter().collect::<BTreeSet<_>>(), rest);
            slots.union(&other);
            model.extend(&more);
            prop_assert_eq!(slots.iter().collect::<Vec<_>>(), model.into_iter().collect::<Vec<_>>());
        }
    }
}
