//! The contest clocks of the service: what their feeds say, what is set by hand, and how they are. Not where they are read.

use super::health::ClockHealth;
use super::{Service, time};
use crate::clocks::{ClockLook, ClockSource};
use neerc_core::clocks::Precision;

impl Service {
    /// A contest clock was looked at.
    pub(super) fn clock_read(&mut self, feed: usize, look: ClockLook) {
        let now_ms = self.time.now_ms();
        let precision = match self.sources.get(feed) {
            Some(ClockSource::Http(..)) => Precision::Exact,
            _ => Precision::Rough,
        };
        match look {
            ClockLook::Reading(reading) if self.clocks.read_feed(now_ms, feed, reading, precision) => {
                self.front.say_clock();
            }
            ClockLook::Reading(_) => {}
            ClockLook::Same => self.clocks.heard(now_ms, feed),
            ClockLook::Nothing(why) => {
                if self.clocks.not_heard(feed, why.clone()) {
                    tracing::warn!("{why}");
                }
            }
        }
    }

    /// Goes by what was set by hand, as it is on disk.
    pub(super) fn clocks_set(&mut self) {
        self.clocks.set_zone(time::zone_ms());
        if self.clocks.follow(self.now(), self.ledger.boards()) {
            self.front.say_clock();
        }
    }

    /// How each clock is that is read somewhere.
    pub(super) fn clocks_health(&self) -> Vec<ClockHealth> {
        let feeds = self.clocks.feeds(self.time.now_ms()).zip(&self.sources);
        let feeds = feeds.filter(|(_, source)| **source != ClockSource::Manual);
        feeds.map(|(feed, source)| ClockHealth::of(feed, source)).collect()
    }
}
