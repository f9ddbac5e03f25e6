//! Many such worlds, right ones and wrong ones.

use super::{World, Wrong};
use neerc_testing::trust::{report, times};

/// Runs so many worlds: what went wrong in which of them, and how often the lease was taken.
fn worlds(wrong: Wrong, seeds: usize) -> (Vec<String>, usize) {
    let (mut failed, mut takeovers) = (Vec::new(), 0);
    for seed in 0..seeds as u64 {
        match World::new(seed, wrong).run() {
            Ok(world) => takeovers += world.takeovers,
            Err(why) => failed.push(format!("seed {seed}: {why}")),
        }
    }
    (failed, takeovers)
}

#[test]
fn one_at_a_time_serves_whatever_is_late_lost_paused_and_wrong_about_the_time() {
    let seeds = times(300, 20_000);
    let (failed, takeovers) = worlds(Wrong::Nothing, seeds);
    assert!(failed.is_empty(), "{} of {seeds}: {:?}", failed.len(), failed.first());
    assert!(takeovers > 3 * seeds, "{takeovers} take-overs in {seeds} worlds");
    let outcome =
        format!("{takeovers} take-overs, never two at once, nothing of an older epoch, 0 answered changes lost");
    report("P1", "the lease with pauses, losses and clocks ten minutes apart", seeds, &outcome);
}

#[test]
fn what_is_done_wrong_is_noticed() {
    for (wrong, says) in [
        (Wrong::NoFence, "is stored after"),
        (Wrong::OwnClock, "speak at once"),
        (Wrong::EpochReset, "is stored after"),
        (Wrong::ForeignClock, "speak at once"),
        (Wrong::Observed, "speak at once"),
        (Wrong::NoDeadline, "speak at once"),
        (Wrong::Spared, "speak at once"),
        (Wrong::OwnFromBefore, "speak at once"),
    ] {
        let noticed = (0..2_000).find_map(|seed| {
            let why = World::new(seed, wrong).run().err()?;
            why.contains(says).then_some((seed, why))
        });
        println!("{wrong:?}: {noticed:?}");
        assert!(noticed.is_some(), "{wrong:?}: nothing {says}");
    }
}
