//! How many connections and streams of browsers and programs are open, for monitoring.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what is open.
#[derive(Clone, Debug, Default)]
pub struct CrowdCounter(Arc<AtomicUsize>);

/// One that is open, as long as this lives.
#[derive(Debug)]
pub struct Present(CrowdCounter);

impl CrowdCounter {
    /// One more is open.
    pub fn enter(&self) -> Present {
        self.0.fetch_add(1, Ordering::Relaxed);
        Present(self.clone())
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// All that is counted.
#[derive(Clone, Debug, Default)]
pub struct WebCrowd {
    /// Connections.
    pub connections: CrowdCounter,
    /// Streams of events.
    pub streams: CrowdCounter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_gone_is_not_counted() {
        let counter = CrowdCounter::default();
        let one = counter.enter();
        drop(counter.enter());
        assert_eq!(counter.count(), 1);
        drop(one);
        assert_eq!(counter.count(), 0);
    }
}
