//! How often one session may ask: a bucket of tokens for each full JID, refilled with time. It keeps one sender from
//! taking the service away from the others. Not a matter of rights: everybody who asks too often is told to wait.

use neerc_core::limits;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// How many requests a session may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run, each second; 0 means without limit.
    pub per_second: u32,
    /// At once, after a pause.
    pub burst: u32,
}

/// The buckets.
#[derive(Debug)]
pub struct Throttle {
    rate: Rate,
    /// When each session's bucket is full again, in µs; sessions whose bucket is full are not kept.
    full_at_us: HashMap<Arc<str>, i64>,
    /// When each of them is to be looked at: once, no later than its bucket is full.
    order: BTreeSet<(i64, Arc<str>)>,
}

impl Throttle {
    /// Full buckets for everybody.
    pub fn new(rate: Rate) -> Throttle {
        Throttle { rate, full_at_us: HashMap::new(), order: BTreeSet::new() }
    }

    /// Takes a token out of the session's bucket; says whether there was one.
    pub fn admits(&mut self, now_ms: i64, session: &Arc<str>) -> bool {
        if self.rate.per_second == 0 {
            return true;
        }
        // Time is counted in µs, so that odd rates keep their pace.
        let now_us = now_ms.saturating_mul(1_000);
        let token_us = 1_000_000 / i64::from(self.rate.per_second);
        self.forget_full(now_us);
        if let Some(full_at_us) = self.full_at_us.get_mut(session) {
            let begins_us = (*full_at_us).max(now_us);
            let admits = begins_us - now_us <= token_us * (i64::from(self.rate.burst) - 1);
            if admits {
                *full_at_us = begins_us + token_us;
            }
            return admits;
        }
        if self.rate.burst == 0 {
            return false;
        }
        if self.full_at_us.len() >= limits::THROTTLED_SESSIONS {
            self.forget_fullest();
        }
        self.full_at_us.insert(session.clone(), now_us + token_us);
        self.order.insert((now_us + token_us, session.clone()));
        true
    }

    fn forget_full(&mut self, now_us: i64) {
        while self.order.first().is_some_and(|(look_us, _)| *look_us <= now_us) {
            self.look_at_first(|full_at_us| full_at_us <= now_us);
        }
    }

    /// Forgets the one whose bucket is fullest: it loses nothing by it.
    fn forget_fullest(&mut self) {
        while let Some(&(look_us, _)) = self.order.first() {
            if self.look_at_first(|full_at_us| full_at_us <= look_us) {
                return;
            }
        }
    }

    /// Forgets the first in order if that is right for its bucket, or looks at it again when that is full. Says whether
    /// it is forgotten.
    fn look_at_first(&mut self, is_right: impl FnOnce(i64) -> bool) -> bool {
        let Some((_, session)) = self.order.pop_first() else { return true };
        match self.full_at_us.get(&session) {
            Some(&full_at_us) if !is_right(full_at_us) => {
                self.order.insert((full_at_us, session));
                false
            }
            _ => {
                self.full_at_us.remove(&session);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(throttle: &mut Throttle, now_ms: i64, session: &str, tries: usize) -> usize {
        let session: Arc<str> = session.into();
        (0..tries).filter(|_| throttle.admits(now_ms, &session)).count()
    }

    #[test]
    fn a_flood_is_held_to_the_rate_and_others_are_not_touched() {
        let mut throttle = Throttle::new(Rate { per_second: 20, burst: 60 });
        assert_eq!(admitted(&mut throttle, 0, "a@b/c", 5_000), 60);
        assert_eq!(admitted(&mut throttle, 0, "a@b/d", 10), 10);
        let in_ten_seconds: usize = (1..=50_000).map(|n| admitted(&mut throttle, n / 5, "a@b/c", 1)).sum();
        assert_eq!(in_ten_seconds, 200);
        assert_eq!(
            admitted(&mut throttle, 13_000, "a@b/c", 5_000),
            60,
            "after three seconds of silence all is forgiven"
        );
    }

    #[test]
    fn full_buckets_take_no_memory_and_the_others_are_bounded() {
        let mut throttle = Throttle::new(Rate { per_second: 20, burst: 60 });
        for n in 0..limits::THROTTLED_SESSIONS + 100 {
            assert_eq!(admitted(&mut throttle, 0, &format!("a@b/{n}"), 1), 1);
        }
        assert_eq!(throttle.full_at_us.len(), limits::THROTTLED_SESSIONS);
        assert_eq!(throttle.order.len(), limits::THROTTLED_SESSIONS);
        assert_eq!(admitted(&mut throttle, 50, "x@b/c", 1), 1);
        assert_eq!((throttle.full_at_us.len(), throttle.order.len()), (1, 1));
    }

    #[test]
    fn whoever_asks_much_is_not_forgotten_for_newcomers() {
        let mut throttle = Throttle::new(Rate { per_second: 20, burst: 60 });
        assert_eq!(admitted(&mut throttle, 0, "a@a/flood", 100), 60); // the first in order, by its name
        for n in 0..limits::THROTTLED_SESSIONS + 10 {
            assert_eq!(admitted(&mut throttle, 0, &format!("a@b/{n}"), 1), 1);
        }
        assert_eq!(admitted(&mut throttle, 0, "a@a/flood", 100), 0, "its bucket is still empty");
        assert_eq!(throttle.full_at_us.len(), limits::THROTTLED_SESSIONS);
    }

    #[test]
    fn a_rate_of_nought_is_no_limit() {
        let mut throttle = Throttle::new(Rate { per_second: 0, burst: 0 });
        assert_eq!(admitted(&mut throttle, 0, "a@b/c", 1_000), 1_000);
        assert!(throttle.full_at_us.is_empty());
    }
}
