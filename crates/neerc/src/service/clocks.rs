//! The contest clocks of the service: what their feeds say, what is set by hand, and how they are. Not where they are read.

use super::health::ClockHealth;
use super::web::AllFaces;
use super::{Service, time};
use crate::clocks::kept::{self, KeptReading};
use crate::clocks::{ClockLook, ClockSource, Clockwork};
use neerc_core::clocks::{Clocks, FeedState, LastHeard, Precision};
use std::path::PathBuf;
use tokio::sync::{mpsc, watch};

impl Service {
    /// The same with contest clocks that are looked at; the last readings of an earlier run are in that file. To be called where
    /// tasks can be spawned.
    pub fn by_clocks(
        self,
        Clockwork { sources, of_room }: Clockwork,
        looks: mpsc::Receiver<(usize, ClockLook)>,
        kept: PathBuf,
    ) -> Service {
        let mut clocks = Clocks::new(of_room);
        for (feed, heard) in kept::read(&kept, &sources, time::wall_ms()) {
            clocks.restore(self.time.now_ms(), feed, heard);
        }
        let (keep, readings) = watch::channel(Vec::new());
        tokio::spawn(kept::keep(kept, readings));
        Service { looks: Some(looks), desk: self.desk.by_clocks(clocks), sources, kept: Some(keep), ..self }
    }

    /// Keeps what the feeds say; while a clock only runs on, that stays true.
    fn keep_clocks(&self) {
        let Some(kept) = &self.kept else { return };
        let feeds = self.desk.clocks.feeds(self.time.now_ms()).zip(&self.sources);
        let reading = |(feed, source): (FeedState, &ClockSource)| {
            let heard = LastHeard { reading: feed.reading?, heard_ms: time::wall_ms(), over_ms: feed.over_ms };
            Some(KeptReading::of(source, heard))
        };
        kept.send_replace(feeds.filter_map(reading).collect());
    }

    /// A contest clock was looked at.
    pub(super) fn clock_read(&mut self, feed: usize, look: ClockLook) {
        let now_ms = self.time.now_ms();
        let precision = match self.sources.get(feed) {
            Some(ClockSource::Http(..)) => Precision::Exact,
            _ => Precision::Rough,
        };
        match look {
            ClockLook::Reading(reading) if self.desk.clocks.read_feed(now_ms, feed, reading, precision) => {
                self.front.say_clocks(&mut self.desk.clocks);
                self.keep_clocks();
            }
            ClockLook::Reading(_) => {}
            ClockLook::Same => self.desk.clocks.heard(now_ms, feed),
            ClockLook::Nothing(why) => {
                if self.desk.clocks.not_heard(feed, why.clone()) {
                    tracing::warn!("{why}");
                }
            }
        }
    }

    /// Goes by what was set by hand, as it is on disk.
    pub(super) fn clocks_set(&mut self) {
        self.desk.clocks.set_zone(time::zone_ms());
        let now = self.now();
        self.desk.follow_clocks(now, &mut AllFaces { front: &mut self.front, web: &mut self.web });
    }

    /// How each clock is that is read somewhere.
    pub(super) fn clocks_health(&self) -> Vec<ClockHealth> {
        let feeds = self.desk.clocks.feeds(self.time.now_ms()).zip(&self.sources);
        let feeds = feeds.filter(|(_, source)| **source != ClockSource::Manual);
        feeds.map(|(feed, source)| ClockHealth::of(feed, source)).collect()
    }
}
