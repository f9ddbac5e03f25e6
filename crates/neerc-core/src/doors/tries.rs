//! How often somebody may write a code that no page shows: nobody shall find one by trying.

use crate::limits;
use crate::people::Person;
use crate::refusal::Refusal;
use std::collections::{HashMap, VecDeque};

/// When whom tried in vain, in ms of a time that never goes back. In memory only.
#[derive(Debug, Default)]
pub struct LoginTries(HashMap<Person, VecDeque<i64>>);

impl LoginTries {
    /// Whether somebody may try now.
    pub fn check(&mut self, now_ms: i64, who: &Person) -> Result<(), Refusal> {
        let Some(tries) = self.0.get_mut(who) else { return Ok(()) };
        tries.retain(|at_ms| now_ms < at_ms.saturating_add(limits::LOGIN_TRIES_MS));
        if tries.len() >= limits::LOGIN_TRIES {
            return Err(Refusal::TooManyTries { minutes: limits::LOGIN_TRIES_MS / 60_000 });
        }
        if tries.is_empty() {
            self.0.remove(who);
        }
        Ok(())
    }

    /// Somebody has tried in vain.
    pub fn note(&mut self, now_ms: i64, who: &Person) {
        if self.0.len() >= limits::LOGIN_TRIERS && !self.0.contains_key(who) {
            // Those who have tried least recently may try again.
            let last = |tries: &VecDeque<i64>| tries.back().copied().unwrap_or(i64::MIN);
            let oldest = self.0.iter().min_by_key(|(_, tries)| last(tries)).map(|(person, _)| person.clone());
            oldest.map(|person| self.0.remove(&person));
        }
        self.0.entry(who.clone()).or_default().push_back(now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_tries_in_ten_minutes() {
        let (mut tries, who) = (LoginTries::default(), Person::named("hall1", "localhost"));
        for at_ms in [0, 1, 60_000] {
            assert_eq!(tries.check(at_ms, &who), Ok(()));
            tries.note(at_ms, &who);
        }
        assert_eq!(tries.check(599_999, &who), Err(Refusal::TooManyTries { minutes: 10 }));
        assert_eq!(tries.check(599_999, &Person::named("hall2", "localhost")), Ok(()));
        assert_eq!(tries.check(600_001, &who), Ok(()), "two of them are long ago");
        assert_eq!(tries.check(700_000, &who), Ok(()));
        assert!(tries.0.is_empty());
        for n in 0..=limits::LOGIN_TRIERS as i64 {
            tries.note(n, &Person::named(&format!("u{n}"), "localhost"));
        }
        assert_eq!(tries.0.len(), limits::LOGIN_TRIERS);
    }
}
