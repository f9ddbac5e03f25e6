//! Limits how much one sender may ask, so that nobody takes the service, or the server behind it, away from the others.
//! Each session has a bucket of requests, each account a budget of answered bytes; both refill with time. This has
//! nothing to do with rights: whoever asks too much waits, or is told to.

use crate::limits;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// How many requests a session may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run, each second; 0 means without limit.
    pub per_second: u32,
    /// At once, after a pause.
    pub burst: u32,
    /// At once for somebody with power, whose client may send a line for each of many tasks.
    pub burst_of_power: u32,
}

/// How many bytes all sessions of an account may be answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// In the long run, each second; 0 means without limit.
    pub bytes_per_second: u32,
    /// After a pause. These are handed out evenly, and not at once.
    pub burst_bytes: u32,
}

impl Budget {
    /// Whatever is asked for.
    pub const UNLIMITED: Budget = Budget { bytes_per_second: 0, burst_bytes: 0 };
}

/// When somebody may be given a long answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// At once.
    Now,
    /// At this time, in ms.
    At(i64),
    /// Not in the near future.
    Refused,
}

/// The buckets of one kind.
#[derive(Debug, Default)]
struct Buckets {
    /// When each bucket is full again, in µs; full ones are not kept.
    full_at_us: HashMap<Arc<str>, i64>,
    /// When each of them is to be looked at: once, no later than it is full.
    order: BTreeSet<(i64, Arc<str>)>,
}

/// All buckets.
#[derive(Debug)]
pub struct Throttle {
    rate: Rate,
    budget: Budget,
    /// Requests of each session.
    requests: Buckets,
    /// What each account was answered in the long run.
    spent: Buckets,
    /// What each account was answered just now, so that a burst goes out evenly.
    paced: Buckets,
}

/// So many bytes at a rate, in µs.
fn lasting_us(bytes: usize, per_second: i64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX).saturating_mul(1_000_000) / per_second.max(1)
}

impl Throttle {
    /// Full buckets for everybody.
    pub fn new(rate: Rate, budget: Budget) -> Throttle {
        let (requests, spent, paced) = (Buckets::default(), Buckets::default(), Buckets::default());
        Throttle { rate, budget, requests, spent, paced }
    }

    /// Takes a request out of the session's bucket; says whether there was one.
    pub fn admits(&mut self, now_ms: i64, session: &Arc<str>) -> bool {
        self.take(now_ms, session, self.rate.burst)
    }

    /// The same for somebody with power.
    pub fn admits_power(&mut self, now_ms: i64, session: &Arc<str>) -> bool {
        self.take(now_ms, session, self.rate.burst_of_power.max(self.rate.burst))
    }

    fn take(&mut self, now_ms: i64, session: &Arc<str>, burst: u32) -> bool {
        if self.rate.per_second == 0 {
            return true;
        }
        // Time is counted in µs, so that odd rates keep their pace.
        let token_us = 1_000_000 / i64::from(self.rate.per_second);
        burst > 0
            && self.requests.take(now_ms.saturating_mul(1_000), session, token_us, token_us * (i64::from(burst) - 1))
    }

    /// Whether the account may be given a long answer now.
    pub fn turn(&mut self, now_ms: i64, account: &str) -> Turn {
        if self.budget.bytes_per_second == 0 {
            return Turn::Now;
        }
        let now_us = now_ms.saturating_mul(1_000);
        let per_second = i64::from(self.budget.bytes_per_second);
        let burst = usize::try_from(self.budget.burst_bytes).unwrap_or(usize::MAX);
        if self.spent.owed_us(now_us, account) > lasting_us(burst, per_second) {
            return Turn::Refused;
        }
        let pace = per_second.saturating_mul(limits::PACE_OF_BURSTS);
        let early_us = self.paced.owed_us(now_us, account) - lasting_us(limits::ANSWERED_AT_ONCE_BYTES, pace);
        if early_us <= 0 { Turn::Now } else { Turn::At(now_ms.saturating_add(early_us.saturating_add(999) / 1_000)) }
    }

    /// Something asked by the account has cost so much. Short answers are not counted: requests are.
    pub fn charge(&mut self, now_ms: i64, account: &str, bytes: usize) {
        if self.budget.bytes_per_second == 0 || bytes < limits::SHORT_ANSWER_BYTES {
            return;
        }
        let now_us = now_ms.saturating_mul(1_000);
        let per_second = i64::from(self.budget.bytes_per_second);
        self.spent.charge(now_us, account, lasting_us(bytes, per_second));
        self.paced.charge(now_us, account, lasting_us(bytes, per_second.saturating_mul(limits::PACE_OF_BURSTS)));
    }

    /// Whether nobody's answers are counted, so that everybody may be answered at once.
    pub fn is_unlimited(&self) -> bool {
        self.budget.bytes_per_second == 0
    }
}

impl Buckets {
    /// Takes `cost_us` out of a bucket that holds `depth_us` and the cost of one, if it is there.
    fn take(&mut self, now_us: i64, key: &Arc<str>, cost_us: i64, depth_us: i64) -> bool {
        self.forget_full(now_us);
        if let Some(full_at_us) = self.full_at_us.get_mut(key) {
            let begins_us = (*full_at_us).max(now_us);
            let admits = begins_us - now_us <= depth_us;
            if admits {
                *full_at_us = begins_us + cost_us;
            }
            return admits;
        }
        self.begin(now_us + cost_us, key.clone());
        true
    }

    /// Takes it, be it there or not.
    fn charge(&mut self, now_us: i64, key: &str, cost_us: i64) {
        self.forget_full(now_us);
        match self.full_at_us.get_mut(key) {
            Some(full_at_us) => *full_at_us = (*full_at_us).max(now_us).saturating_add(cost_us),
            None => self.begin(now_us.saturating_add(cost_us), key.into()),
        }
    }

    /// How long it takes until the bucket is full.
    fn owed_us(&self, now_us: i64, key: &str) -> i64 {
        if self.full_at_us.is_empty() {
            return 0;
        }
        self.full_at_us.get(key).map_or(0, |full_at_us| (full_at_us - now_us).max(0))
    }

    fn begin(&mut self, full_at_us: i64, key: Arc<str>) {
        if self.full_at_us.len() >= limits::THROTTLED_SESSIONS {
            self.forget_fullest();
        }
        self.full_at_us.insert(key.clone(), full_at_us);
        self.order.insert((full_at_us, key));
    }

    fn forget_full(&mut self, now_us: i64) {
        while self.order.first().is_some_and(|(look_us, _)| *look_us <= now_us) {
            self.look_at_first(|full_at_us| full_at_us <= now_us);
        }
    }

    /// Forgets the one that is fullest: it loses nothing by it.
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
        let Some((_, key)) = self.order.pop_first() else { return true };
        match self.full_at_us.get(&key) {
            Some(&full_at_us) if !is_right(full_at_us) => {
                self.order.insert((full_at_us, key));
                false
            }
            _ => {
                self.full_at_us.remove(&key);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(per_second: u32, burst: u32) -> Throttle {
        Throttle::new(Rate { per_second, burst, burst_of_power: 1_000 }, Budget::UNLIMITED)
    }

    const KIB: usize = 1_024;

    fn budget(kib_per_second: u32, burst_kib: u32) -> Throttle {
        let rate = Rate { per_second: 0, burst: 0, burst_of_power: 0 };
        Throttle::new(rate, Budget { bytes_per_second: kib_per_second * 1_024, burst_bytes: burst_kib * 1_024 })
    }

    /// Answers of so many bytes to an account that asks again and again up to a time, in ms: how many, and how many
    /// requests were refused.
    fn answered(throttle: &mut Throttle, (from_ms, to_ms): (i64, i64), bytes: usize) -> (usize, usize) {
        let (mut now_ms, mut given, mut refused) = (from_ms, 0, 0);
        while now_ms <= to_ms {
            match throttle.turn(now_ms, "a@b") {
                Turn::Now => {
                    throttle.charge(now_ms, "a@b", bytes);
                    given += 1;
                }
                Turn::At(at_ms) => {
                    assert!(at_ms > now_ms);
                    now_ms = at_ms;
                }
                Turn::Refused => {
                    refused += 1;
                    now_ms += 10;
                }
            }
        }
        (given, refused)
    }

    #[test]
    fn whoever_asks_for_long_answers_is_given_a_burst_evenly_and_then_held_to_the_rate() {
        let mut throttle = budget(128, 4_096);
        let (at_once, _) = answered(&mut throttle, (0, 0), 12 * KIB);
        assert_eq!(at_once, limits::ANSWERED_AT_ONCE_BYTES / (12 * KIB) + 1);
        let (second, refused) = answered(&mut throttle, (1, 1_000), 12 * KIB);
        assert!((41..=44).contains(&second), "{second}: 512 KiB in a second");
        assert_eq!(refused, 0);
        let (given, refused) = answered(&mut throttle, (1_001, 101_000), 12 * KIB);
        let all = (at_once + second + given) * 12;
        assert!((4_096 + 101 * 128 - 24..4_096 + 101 * 128 + 24).contains(&all), "{all} KiB");
        assert!(refused > 0);
        assert_eq!(throttle.turn(101_000, "x@b"), Turn::Now, "others are not touched");
        assert_eq!(answered(&mut throttle, (200_000, 200_000), 12 * KIB).0, at_once, "after a pause all is forgiven");
    }

    #[test]
    fn short_answers_are_not_counted_and_no_budget_is_no_limit() {
        let mut throttle = budget(1, 1);
        for _ in 0..100_000 {
            throttle.charge(0, "a@b", limits::SHORT_ANSWER_BYTES - 1);
        }
        assert_eq!((throttle.turn(0, "a@b"), throttle.spent.full_at_us.len()), (Turn::Now, 0));
        throttle.charge(0, "a@b", usize::MAX);
        throttle.charge(0, "a@b", usize::MAX);
        assert_eq!(throttle.turn(i64::MAX - 1, "a@b"), Turn::Now, "no overflow");
        let mut unlimited = budget(0, 0);
        unlimited.charge(0, "a@b", usize::MAX);
        assert_eq!((unlimited.turn(0, "a@b"), unlimited.is_unlimited()), (Turn::Now, true));
    }

    #[test]
    fn accounts_that_were_answered_are_bounded_in_number() {
        let mut throttle = budget(1, 1);
        for n in 0..limits::THROTTLED_SESSIONS + 10 {
            throttle.charge(0, &format!("{n}@b"), 10 * KIB);
        }
        for buckets in [&throttle.spent, &throttle.paced] {
            assert_eq!(
                (buckets.full_at_us.len(), buckets.order.len()),
                (limits::THROTTLED_SESSIONS, limits::THROTTLED_SESSIONS)
            );
        }
    }

    #[test]
    fn somebody_with_power_may_ask_for_more_at_once() {
        let mut throttle = throttle(20, 60);
        let session: Arc<str> = "a@b/c".into();
        let admitted = (0..2_000).filter(|_| throttle.admits_power(0, &session)).count();
        assert_eq!((admitted, throttle.admits(0, &session)), (1_000, false));
        let later = (0..2_000).filter(|_| throttle.admits_power(10_000, &session)).count();
        assert_eq!(later, 200);
    }

    fn admitted(throttle: &mut Throttle, now_ms: i64, session: &str, tries: usize) -> usize {
        let session: Arc<str> = session.into();
        (0..tries).filter(|_| throttle.admits(now_ms, &session)).count()
    }

    #[test]
    fn a_flood_is_held_to_the_rate_and_others_are_not_touched() {
        let mut throttle = throttle(20, 60);
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
        let mut throttle = throttle(20, 60);
        for n in 0..limits::THROTTLED_SESSIONS + 100 {
            assert_eq!(admitted(&mut throttle, 0, &format!("a@b/{n}"), 1), 1);
        }
        assert_eq!(throttle.requests.full_at_us.len(), limits::THROTTLED_SESSIONS);
        assert_eq!(throttle.requests.order.len(), limits::THROTTLED_SESSIONS);
        assert_eq!(admitted(&mut throttle, 50, "x@b/c", 1), 1);
        assert_eq!((throttle.requests.full_at_us.len(), throttle.requests.order.len()), (1, 1));
    }

    #[test]
    fn whoever_asks_much_is_not_forgotten_for_newcomers() {
        let mut throttle = throttle(20, 60);
        assert_eq!(admitted(&mut throttle, 0, "a@a/flood", 100), 60); // the first in order, by its name
        for n in 0..limits::THROTTLED_SESSIONS + 10 {
            assert_eq!(admitted(&mut throttle, 0, &format!("a@b/{n}"), 1), 1);
        }
        assert_eq!(admitted(&mut throttle, 0, "a@a/flood", 100), 0, "its bucket is still empty");
        assert_eq!(throttle.requests.full_at_us.len(), limits::THROTTLED_SESSIONS);
    }

    #[test]
    fn a_rate_of_nought_is_no_limit() {
        let mut throttle = throttle(0, 0);
        assert_eq!(admitted(&mut throttle, 0, "a@b/c", 1_000), 1_000);
        assert!(throttle.requests.full_at_us.is_empty());
    }
}
