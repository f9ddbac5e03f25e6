//! Contests in a simulated world that a seed determines: contest systems that move, pause and shorten them, vanish and come
//! back, admins who set clocks by hand and plan tasks, machines that sleep, disks that fail and processes that die. The
//! documents, their settling, the clocks, the planner and the ledger are those of the program; beside them is a model that
//! counts contest time by itself and knows what was promised: each planned task is handed out once and each reminder said once,
//! none before its moment, none is lost, of a rehearsal nothing is left, and what a clock shows is right to a second.
//!
//! `NEERC_SEEDS=n` tries more seeds, `NEERC_FIRST=x` others; `NEERC_SEED=x` replays one and prints what happens.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a broken promise is reported

mod broken;
mod due;
mod hand;
mod life;
mod month;
mod promises;
mod recorded;
mod rehearsal;
mod reminders;
mod system;

use broken::Breakage;
use life::{Counts, Life};
use neerc_testing::trust;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds of an ordinary run, and of a long one.
const SEEDS: [usize; 2] = [10_000, 100_000];

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn each_planned_task_is_handed_out_once_and_none_before_its_moment() {
    if let Some(seed) = variable("NEERC_SEED") {
        println!("{:?}", Life::new(seed, true, None).live());
        return;
    }
    let seeds = variable("NEERC_SEEDS").unwrap_or(trust::times(SEEDS[0], SEEDS[1]) as u64);
    let first = variable("NEERC_FIRST").unwrap_or(0);
    let (next, counts, failed) = (AtomicU64::new(first), Mutex::new(Counts::default()), Mutex::new(None));
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds {
                break;
            }
            match catch_unwind(AssertUnwindSafe(|| Life::new(seed, false, None).live())) {
                Ok(done) => counts.lock().unwrap().add(&done),
                Err(_) => {
                    next.store(u64::MAX / 2, Ordering::Relaxed);
                    *failed.lock().unwrap() = Some(seed);
                }
            }
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    if let Some(seed) = failed.into_inner().unwrap() {
        panic!("seed {seed} fails; replay with NEERC_SEED={seed} cargo test -p neerc --test contest -- --nocapture");
    }
    let counts = counts.into_inner().unwrap();
    println!("{seeds} seeds: {counts:?}");
    counts.check(seeds);
    let Counts { handed_out, reminders, rehearsed, .. } = counts;
    let outcome = format!(
        "{handed_out} planned tasks and {reminders} reminders, each once: 0 early, 0 twice, 0 lost; nothing left of {rehearsed} rehearsals"
    );
    trust::report(
        "P1",
        "simulated contests with plans, checklists, deadlines and rehearsals",
        seeds as usize,
        &outcome,
    );
}

/// How many of a hundred contests notice that something is wrong.
fn noticed(breakage: Breakage) -> usize {
    let fails = |seed: u64| catch_unwind(AssertUnwindSafe(|| Life::new(seed, false, Some(breakage)).live())).is_err();
    let some = |rest: u64| (0..100).filter(|seed| seed % 2 == rest && fails(*seed)).count();
    std::thread::scope(|scope| {
        let others = scope.spawn(|| some(1));
        some(0) + others.join().unwrap()
    })
}

#[test]
fn what_is_done_wrong_on_purpose_is_noticed() {
    for breakage in Breakage::ALL {
        let noticed = noticed(breakage);
        println!("{breakage:?}: noticed in {noticed} of 100 contests");
        assert!(noticed > 0, "{breakage:?} is not noticed");
    }
}
