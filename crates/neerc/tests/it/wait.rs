//! The only place of the tests that sleeps: polling a condition until it holds or a time limit passes.

use std::time::{Duration, Instant};

/// How long anything on loopback may take before a test gives up; far above what it takes on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(5);

/// Polls `condition` until it gives something; `None` after `limit`.
pub fn poll_for<T>(limit: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = condition() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Polls `condition` until it holds; panics with `what` after [`PATIENCE`].
#[track_caller]
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let held = poll_for(PATIENCE, || condition().then_some(()));
    assert!(held.is_some(), "waited {PATIENCE:?} in vain for: {what}");
}
