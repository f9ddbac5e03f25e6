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
    /// When each session's bucket is full again, in ms; sessions whose bucket is full are not kept.
    full_at_ms: HashMap<Arc<str>, i64>,
    order: BTreeSet<(i64, Arc<str>)>,
}

impl Throttle {
    /// Full buckets for everybody.
    pub fn new(rate: Rate) -> Throttle {
        Throttle { rate, full_at_ms: HashMap::new(), order: BTreeSet::new() }
    }

    /// Takes a token out of the session's bucket; says whether there was one.
    pub fn admits(&mut self, now_ms: i64, session: &Arc<str>) -> bool {
        if self.rate.per_second == 0 {
            return true;
        }
        self.forget_full(now_ms);
        // Time is counted in thousandths of ms, so that odd rates keep their pace.
        let token = 1_000_000 / i64::from(self.rate.per_second);
        let now = now_ms.saturating_mul(1_000);
        let full_at = self.full_at_ms.get(session).copied().unwrap_or(now).max(now);
        if full_at.saturating_sub(now) > token * (i64::from(self.rate.burst) - 1) {
            return false;
        }
        if self.full_at_ms.len() >= limits::THROTTLED_SESSIONS && !self.full_at_ms.contains_key(session) {
            // The one whose bucket is fullest is forgotten: it loses nothing by it.
            if let Some((_, fullest)) = self.order.pop_first() {
                self.full_at_ms.remove(&fullest);
            }
        }
        self.order.remove(&(full_at, session.clone()));
        self.order.insert((full_at + token, session.clone()));
        self.full_at_ms.insert(session.clone(), full_at + token);
        true
    }

    fn forget_full(&mut self, now_ms: i64) {
        let now = now_ms.saturating_mul(1_000);
        while self.order.first().is_some_and(|(full_at, _)| *full_at <= now) {
            if let Some((_, session)) = self.order.pop_first() {
                self.full_at_ms.remove(&session);
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
        assert_eq!(throttle.full_at_ms.len(), limits::THROTTLED_SESSIONS);
        assert_eq!(throttle.order.len(), limits::THROTTLED_SESSIONS);
        assert_eq!(admitted(&mut throttle, 50, "x@b/c", 1), 1);
        assert_eq!((throttle.full_at_ms.len(), throttle.order.len()), (1, 1));
    }

    #[test]
    fn a_rate_of_nought_is_no_limit() {
        let mut throttle = Throttle::new(Rate { per_second: 0, burst: 0 });
        assert_eq!(admitted(&mut throttle, 0, "a@b/c", 1_000), 1_000);
        assert!(throttle.full_at_ms.is_empty());
    }
}
