//! The two pure crates in a simulated world that a seed determines: server, link, disk, people and accidents. Beside it
//! a model that knows what was promised (P1 to P5 of doc/trust.md) and panics when it does not hold.
//!
//! `NEERC_SEEDS=n` tries more seeds; `NEERC_SEED=x` replays one and prints what happens. What broken.rs does wrong
//! on purpose must be noticed.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a broken promise is reported

mod broken;
mod checklists;
mod contest;
mod deadlines;
mod model;
mod plans;
mod server;
mod service;
mod users;
mod world;

use broken::Breakage;
use neerc_testing::{bench::keys, trust};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use world::{Counts, World};

/// Seeds of an ordinary run, and of a long one.
const SEEDS: [usize; 2] = [10_000, 100_000];
/// Things done in each.
const ACTS: usize = 40;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn what_is_promised_holds_whatever_happens() {
    if let Some(seed) = variable("NEERC_SEED") {
        live(seed, true, Breakage::asked_for());
        return;
    }
    let seeds = variable("NEERC_SEEDS").unwrap_or(trust::times(SEEDS[0], SEEDS[1]) as u64);
    let first = variable("NEERC_FIRST").unwrap_or(0);
    let next = AtomicU64::new(first);
    let counts = Mutex::new(Counts::default());
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let failed = std::thread::scope(|scope| {
        let work = || {
            let mut failed = None;
            while failed.is_none() {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= first + seeds {
                    break;
                }
                match catch_unwind(AssertUnwindSafe(|| live(seed, false, None))) {
                    Ok(done) => counts.lock().unwrap().add(&done),
                    Err(_) => {
                        next.store(u64::MAX / 2, Ordering::Relaxed);
                        failed = Some(seed);
                    }
                }
            }
            failed
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok().flatten()).collect::<Vec<u64>>()
    });
    assert!(
        failed.is_empty(),
        "seeds {failed:?} fail; replay with NEERC_SEED={} cargo test -p neerc-xmpp --test simulator -- --nocapture",
        failed[0]
    );
    let counts = counts.into_inner().unwrap();
    println!("{seeds} seeds: {counts:?}");
    report(seeds as usize, &counts);
}

fn report(seeds: usize, counts: &Counts) {
    let Counts { steps, crashes, cuts, changes, answered, shown, rights, due, due_without_link, reminders } = counts;
    let world = format!("simulated worlds, {steps} steps, {crashes} crashes, {cuts} lost links");
    let row = |promise: &str, outcome: String| trust::report(promise, &world, seeds, &outcome);
    row("P1", format!("{answered} writes answered, {changes} changes stored: 0 answered changes lost, 0 half-applied"));
    row("P2", format!("{shown} states shown: 0 out of order, 0 that never were"));
    row("P3", format!("{shown} states shown: 0 missed by somebody who was there"));
    println!("{due} planned tasks were handed out when they were due, {due_without_link} of them without a link");
    println!("{reminders} reminders of deadlines, each once and in its time");
    assert!(*due_without_link > 0 || seeds < SEEDS[0], "no task came due while there was no link");
    row("P5", format!("rights compared {rights} times with what the room says: 0 differ after 3 s"));
}

/// One seed: a while of anything, then peace, in which everything must settle, then everybody leaves.
fn live(seed: u64, trace: bool, breakage: Option<Breakage>) -> Counts {
    let mut world = World::new(seed, trace, breakage);
    world.open();
    for _ in 0..ACTS {
        world.act();
        world.go_through_checklists();
        let ms = match world.random.below(10) {
            0..4 => 0,
            4..8 => world.random.ms(1, 60),
            _ => world.random.ms(100, 3_000),
        };
        world.run_for(ms);
        world.check_rights();
        world.check_plans();
    }
    world.calm = true;
    for at in 0..world.sessions.len() {
        if world.sessions[at].online && world.sessions[at].wants_parts {
            world.read_tasks(at);
        }
    }
    world.run_for(45_000);
    world.trace(|| "everything must have settled".to_owned());
    world.check_settled();
    everybody_leaves(&mut world);
    world.counts
}

/// When all have gone, the service must have forgotten them with the next change.
fn everybody_leaves(world: &mut World) {
    for at in 0..world.sessions.len() {
        world.go_offline(at);
    }
    world.run_for(70_000);
    for (room, admin) in ["admin@localhost/Z", "boss@localhost/Z"].into_iter().enumerate() {
        world.come_as(admin.to_owned());
        let at = world.sessions.len() - 1;
        world.last_change(at);
        world.run_for(2_000);
        world.go_offline(at);
        world.run_for(70_000);
        let service = world.service.as_ref().expect("the service runs");
        // The last one may only have asked, and goes without a word.
        assert!(service.front.sessions(room) <= 1, "sessions of room {room} are never forgotten");
    }
    world.check_settled();
}
