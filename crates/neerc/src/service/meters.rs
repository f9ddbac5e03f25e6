//! What is counted and measured while the service runs, for whoever watches it. Not how it is written down.

use super::Service;
use crate::limits::HISTOGRAM_BOUNDS_US;
use crate::webhooks::{EndpointState, Webhooks};
use neerc_core::change::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often something took how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// How often, by the first bound that it took no longer than; the last one is what took longer than all of them.
    counts: [u64; HISTOGRAM_BOUNDS_US.len() + 1],
    /// How long all of it took together, in µs.
    pub sum_us: u64,
}

impl Histogram {
    /// It took so long once more.
    pub fn note(&mut self, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = HISTOGRAM_BOUNDS_US.iter().position(|bound_us| took_us <= *bound_us);
        self.counts[place.unwrap_or(HISTOGRAM_BOUNDS_US.len())] += 1; // there is a count more than there are bounds
        self.sum_us = self.sum_us.saturating_add(took_us);
    }

    /// Each bound in µs, with how often it took no longer.
    pub fn steps(&self) -> impl Iterator<Item = (u64, u64)> {
        let sums = self.counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        HISTOGRAM_BOUNDS_US.into_iter().zip(sums)
    }

    /// How often in all.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// What was counted since the start, and how it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meters {
    /// How long turns of the loop took.
    pub turns: Histogram,
    /// How long it took to have changes on disk.
    pub commits: Histogram,
    /// How often that failed.
    pub failed_commits: u64,
    /// The last time it did.
    pub is_store_failing: bool,
    /// There is one copy only, where two are wanted and it is known.
    pub is_store_alone: Option<bool>,
    /// How often there was no connection any more, or none could be opened.
    pub losses: u64,
    /// How often something was to be mended.
    pub troubles: u64,
    /// The newest change on disk.
    pub revision: u64,
    /// How many of the newest changes somebody may not have heard of.
    pub untold_changes: u64,
    /// For how long at least somebody has not heard of something, in ms.
    pub untold_ms: i64,
    /// How many asks wait to be on disk.
    pub waiting: usize,
    /// For how long the server has not taken what is sent to it, in ms.
    pub blocked_ms: i64,
    /// Nothing is read from the server, because too much waits to be sent to it.
    pub is_congested: bool,
    /// How many sessions of people are told of changes, in each room.
    pub sessions: Vec<usize>,
    /// How many connections to the web are open, and how many streams, where it is served.
    pub web: Option<[usize; 2]>,
    /// How the endpoints of webhooks are.
    pub webhooks: Vec<EndpointState>,
    /// Up to which revision each follower has the log.
    pub followers: Vec<u64>,
}

/// What is being measured.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    pub meters: Meters,
    /// When the turn of the loop began.
    woke: Option<Instant>,
    /// When the store was given what it stores.
    committing: Option<Instant>,
    /// A change that somebody may not have heard of, and since when at least, in ms.
    untold: Option<(u64, i64)>,
    /// Since when the server has not taken everything, in ms.
    blocked_since_ms: Option<i64>,
}

impl Gauge {
    /// A turn of the loop begins.
    pub fn woken(&mut self) {
        self.woke = Some(Instant::now());
    }

    /// It is over.
    pub fn turned(&mut self) {
        if let Some(woke) = self.woke.take() {
            self.meters.turns.note(woke.elapsed());
        }
    }

    /// What was given to the store is on disk, or not.
    pub fn committed(&mut self, is_stored: bool) {
        if let Some(began) = self.committing.take() {
            self.meters.commits.note(began.elapsed());
        }
        self.meters.is_store_failing = !is_stored;
        self.meters.failed_commits += u64::from(!is_stored);
    }

    /// That is on disk, of which people are to hear.
    pub fn changed(&mut self, newest: Option<&Entry>, now_ms: i64) {
        self.untold = self.untold.or(newest.map(|entry| (entry.revision, now_ms)));
    }

    /// Everybody has heard of all changes up to `told`.
    pub fn told(&mut self, told: u64, revision: u64, now_ms: i64) {
        if told >= revision {
            self.untold = None;
        } else if self.untold.is_none_or(|(waits, _)| told >= waits) {
            self.untold = Some((revision, now_ms));
        }
    }

    /// The server has taken everything that was sent to it, or there is none.
    pub fn link(&mut self, is_blocked: bool, now_ms: i64) {
        self.blocked_since_ms = is_blocked.then(|| self.blocked_since_ms.unwrap_or(now_ms));
    }
}

impl Service {
    /// Has changes made durable, if there are any.
    pub(super) fn commit(&mut self, entries: Option<Arc<[Entry]>>) {
        let Some(entries) = entries else { return };
        self.gauge.committing = Some(Instant::now());
        self.committing = Some(self.store.commit(entries));
    }

    /// Everybody was told of all changes up to that revision.
    pub(super) fn told(&mut self, revision: u64) {
        self.store.told(revision);
        self.gauge.told(revision, self.desk.ledger.revision(), self.time.now_ms());
    }

    /// What is measured, as it is now.
    pub(super) fn measure(&mut self) -> Meters {
        let now_ms = self.time.now_ms();
        let (told, revision) = (self.front.told_revision(), self.desk.ledger.revision());
        self.gauge.told(told, revision, now_ms);
        let age_ms = |since_ms: Option<i64>| since_ms.map_or(0, |since_ms| now_ms.saturating_sub(since_ms));
        let rooms = self.front.rooms().count();
        Meters {
            revision,
            untold_changes: revision.saturating_sub(told),
            untold_ms: age_ms(self.gauge.untold.map(|(_, since_ms)| since_ms)),
            waiting: self.desk.ledger.unanswered(),
            blocked_ms: age_ms(self.gauge.blocked_since_ms),
            is_congested: self.is_congested(),
            sessions: (0..rooms).map(|room| self.front.sessions(room)).collect(),
            web: self.web.as_ref().map(|side| {
                let crowd = &side.web.crowd;
                [crowd.connections.count(), crowd.streams.count()]
            }),
            webhooks: self.webhooks.as_ref().map(Webhooks::endpoints).unwrap_or_default(),
            followers: self.copying.copies.followers(),
            is_store_alone: self.is_alone(),
            ..self.gauge.meters.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_what_took_no_longer_than_each_bound() {
        let mut histogram = Histogram::default();
        let longest_us = HISTOGRAM_BOUNDS_US[HISTOGRAM_BOUNDS_US.len() - 1];
        for took_us in [0, HISTOGRAM_BOUNDS_US[0], HISTOGRAM_BOUNDS_US[0] + 1, longest_us, longest_us + 1] {
            histogram.note(Duration::from_micros(took_us));
        }
        let steps: Vec<_> = histogram.steps().collect();
        assert_eq!((steps[0], steps[1]), ((HISTOGRAM_BOUNDS_US[0], 2), (HISTOGRAM_BOUNDS_US[1], 3)));
        assert_eq!((steps[steps.len() - 1], histogram.count()), ((longest_us, 4), 5));
        assert_eq!(histogram.sum_us, 2 * (HISTOGRAM_BOUNDS_US[0] + longest_us) + 2);
    }

    #[test]
    fn what_somebody_has_not_heard_of_grows_older_until_they_have() {
        let mut gauge = Gauge { untold: Some((7, 1_000)), ..Gauge::default() };
        gauge.told(6, 8, 3_000);
        assert_eq!(gauge.untold, Some((7, 1_000)));
        gauge.told(7, 8, 4_000);
        assert_eq!(gauge.untold, Some((8, 4_000)), "the newer one has waited since then at least");
        gauge.told(8, 8, 5_000);
        assert_eq!(gauge.untold, None);
    }

    #[test]
    fn a_link_is_blocked_since_it_first_was() {
        let mut gauge = Gauge::default();
        for (is_blocked, now_ms, since_ms) in
            [(false, 1, None), (true, 2, Some(2)), (true, 9, Some(2)), (false, 10, None)]
        {
            gauge.link(is_blocked, now_ms);
            assert_eq!(gauge.blocked_since_ms, since_ms);
        }
    }
}
