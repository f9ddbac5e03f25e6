//! Asks that are under way, and what waits for each: a table by number. Not what waits, nor what is answered.

use neerc_core::limits;
use std::collections::VecDeque;

/// The table. Asks are counted up, and they are answered in nearly the order in which they were made: a queue with
/// gaps, in which nothing has to be looked for.
#[derive(Debug)]
pub(super) struct Asks<T> {
    /// The number of the ask in the first place.
    first: u64,
    places: VecDeque<Option<T>>,
}

impl<T> Default for Asks<T> {
    fn default() -> Asks<T> {
        Asks { first: 0, places: VecDeque::new() }
    }
}

impl<T> Asks<T> {
    /// Whether no more can be taken now.
    pub fn is_full(&self) -> bool {
        self.places.len() >= limits::WRITES_WAITING
    }

    /// Takes what waits for a new ask, which gets this number.
    pub fn add(&mut self, asker: T) -> u64 {
        self.places.push_back(Some(asker));
        self.first + (self.places.len() - 1) as u64
    }

    /// Who waits for the ask of that number. Each is handed out once.
    pub fn take(&mut self, number: u64) -> Option<T> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let asker = self.places.get_mut(place)?.take();
        while let Some(None) = self.places.front() {
            self.places.pop_front();
            self.first += 1;
        }
        asker
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_asker_is_handed_out_once_in_whatever_order() {
        let mut asks = Asks::default();
        let line = |n: u64| n.to_string();
        let whose = |asker: Option<String>| asker;
        let tokens: Vec<u64> = (0..4).map(|n| asks.add(line(n))).collect();
        assert_eq!(whose(asks.take(tokens[2])).as_deref(), Some("2"));
        assert_eq!((whose(asks.take(tokens[2])), asks.places.len()), (None, 4));
        assert_eq!(whose(asks.take(tokens[0])).as_deref(), Some("0"));
        assert_eq!((whose(asks.take(tokens[0])), asks.places.len()), (None, 3));
        assert_eq!(whose(asks.take(tokens[1])).as_deref(), Some("1"));
        assert_eq!(asks.places.len(), 1);
        let next = asks.add(line(4));
        assert_eq!((whose(asks.take(next)).as_deref(), whose(asks.take(next + 1))), (Some("4"), None));
        assert_eq!(whose(asks.take(tokens[3])).as_deref(), Some("3"));
        assert!(asks.places.is_empty() && !asks.is_full());
    }
}
