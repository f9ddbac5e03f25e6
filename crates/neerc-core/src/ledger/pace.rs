//! When the next commit begins. No clock of its own: the times are handed in.

use crate::limits;

/// The pace of the commits, which follows the disk and those who write. The rule:
///
/// * A lone change is stored at once, and so is all that waits when a commit of fewer than
///   [`limits::WRITES_OF_A_BUSY_COMMIT`] changes ends.
/// * After a commit of more, the next one begins once as many changes wait as that one had; or sooner, once they cost as much
///   as the commit itself, which are at least [`limits::WRITES_WORTH_A_SYNC`].
/// * Else the disk rests until then, but only for [`limits::WAKE_US`] and a quarter of what a commit takes, and never longer
///   than [`limits::COMMIT_REST_US`].
///
/// Why: a commit costs the processor as much as some dozen changes, in wake-ups and calls, however fast the disk is; a rest of
/// one wake-up gathers those. On a slow disk changes gather by themselves while it works. But those who were answered together
/// ask again within a moment, one by one, and without a rest the first of them would have the disk for itself while all
/// others wait for it twice. Once as many are there as were answered, nobody is left to wait for.
///
/// What a commit takes is measured from its hand-out until the ledger hears of its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// What a commit takes, as measured lately, in µs.
    commit_us: i64,
    /// When a commit of few changes may begin, in µs.
    due_us: i64,
    /// How many changes do not wait for that.
    enough: usize,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { commit_us: limits::COMMIT_US, due_us: i64::MIN, enough: 0 }
    }
}

impl Pace {
    /// A commit of so many changes, which took so long, has ended.
    pub(super) fn ended(&mut self, now_us: i64, took_us: i64, changes: usize) {
        self.measured(took_us);
        self.enough = changes.min(self.worth_a_sync());
        let is_busy = changes >= limits::WRITES_OF_A_BUSY_COMMIT;
        self.due_us = if is_busy { now_us.saturating_add(self.rest_us()) } else { now_us };
    }

    /// Whether a commit of so many changes may begin.
    pub(super) fn admits(&self, now_us: i64, changes: usize) -> bool {
        now_us >= self.due_us || changes == 0 || changes >= self.enough
    }

    /// From when on a commit of few changes may begin, in µs.
    pub(super) fn due_us(&self) -> i64 {
        self.due_us
    }

    /// How many changes cost as much as a commit does.
    fn worth_a_sync(&self) -> usize {
        let changes = usize::try_from(self.commit_us / limits::CHANGE_US).unwrap_or(usize::MAX);
        changes.clamp(limits::WRITES_WORTH_A_SYNC, limits::WRITES_PER_BATCH)
    }

    /// How long the disk rests after a busy commit, unless enough changes wait.
    fn rest_us(&self) -> i64 {
        (limits::WAKE_US + self.commit_us / 4).min(limits::COMMIT_REST_US)
    }

    /// Moves what a commit takes halfway to a measurement, but by no more than an eighth, so that a single commit that
    /// waited for something else counts little.
    fn measured(&mut self, took_us: i64) {
        let [least, most] = limits::COMMIT_BOUNDS_US;
        let step = self.commit_us / 8 + 1;
        self.commit_us += ((took_us.clamp(least, most) - self.commit_us) / 2).clamp(-step, step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// How long one change waits for others once a commit of so many has ended, in µs.
    fn wait_us(mut pace: Pace, changes: usize) -> i64 {
        pace.ended(0, pace.commit_us, changes);
        if pace.admits(0, 1) { 0 } else { pace.due_us() }
    }

    /// A pace that has seen many commits that took so long.
    fn on_a_disk(took_us: i64) -> Pace {
        let mut pace = Pace::default();
        (0..100).for_each(|_| pace.measured(took_us));
        pace
    }

    #[test]
    fn the_pace_follows_the_disk() {
        for (took_us, rest_us) in [(100, 1_025), (2_000, 1_500), (10_000, 3_500), (20_000, 5_000), (200_000, 5_000)] {
            let waited_us = wait_us(on_a_disk(took_us), 10);
            assert!((waited_us - rest_us).abs() <= rest_us / 50, "{took_us} µs: {waited_us} µs");
        }
    }

    #[test]
    fn nobody_waits_once_as_many_have_come_as_were_answered_nor_once_there_are_many() {
        for (took_us, answered, enough) in [
            (200, 4, 4),
            (200, 17, 17),
            (200, 256, limits::WRITES_WORTH_A_SYNC),
            (2_000, 200, 200),
            (1_600, 256, 200),
            (20_000, 256, limits::WRITES_PER_BATCH),
        ] {
            let mut pace = on_a_disk(took_us);
            pace.ended(0, took_us, answered);
            assert!(pace.enough.abs_diff(enough) <= enough / 50, "{took_us} µs, {answered} were answered: {pace:?}");
            assert!(pace.admits(0, pace.enough) && !pace.admits(0, pace.enough - 1));
        }
    }

    #[test]
    fn a_disk_that_becomes_slow_is_known_after_some_dozen_commits_and_one_slow_commit_changes_little() {
        let mut pace = on_a_disk(130);
        pace.measured(900_000);
        assert!((130..150).contains(&pace.commit_us), "{pace:?}");
        let after = (1..).find(|_| {
            pace.measured(20_000);
            pace.commit_us > 18_000
        });
        assert!(after <= Some(60), "{after:?} commits");
    }

    proptest! {
        #[test]
        fn a_lone_change_is_stored_at_once_and_nothing_waits_longer_than_the_bound(
            ended in prop::collection::vec((any::<i64>(), 1usize..=256), 0..200),
            changes in 1usize..=256,
            now_us in any::<i64>(),
        ) {
            let mut pace = Pace::default();
            prop_assert!(pace.admits(now_us, 1), "the first change waits for nothing");
            ended.into_iter().for_each(|(took_us, changes)| pace.ended(now_us, took_us, changes));
            pace.ended(now_us, 0, 1);
            prop_assert!(pace.admits(now_us, 1));
            pace.ended(now_us, 0, changes);
            prop_assert!(pace.due_us().saturating_sub(now_us) <= limits::COMMIT_REST_US);
            prop_assert!(pace.admits(pace.due_us(), 1) && pace.admits(now_us, limits::WRITES_PER_BATCH));
        }

        #[test]
        fn the_rest_is_what_the_rule_says_for_any_disk(took_us in 50i64..1_000_000) {
            let rest_us = (1_000 + took_us / 4).min(limits::COMMIT_REST_US);
            let waited_us = wait_us(on_a_disk(took_us), limits::WRITES_OF_A_BUSY_COMMIT);
            prop_assert!((waited_us - rest_us).abs() <= rest_us / 50 + 5, "{} µs", waited_us);
            prop_assert_eq!(wait_us(on_a_disk(took_us), limits::WRITES_OF_A_BUSY_COMMIT - 1), 0);
        }
    }
}
