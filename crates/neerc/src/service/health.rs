//! How the service is, for those who watch it or ask, and how the loop fills that in. Not how it is asked: that is status.rs.

use super::Service;
use super::meters::Meters;
use crate::clocks::ClockSource;
use crate::limits;
use neerc_core::clock::Reading;
use neerc_core::clock::hand::clock_face;
use neerc_core::clocks::FeedState;
use neerc_xmpp::server::probe::RoundTrips;
use serde::{Deserialize, Serialize};

/// The target of lines of the log that are said however often they were: others are counted after a while.
pub const SAID_ALWAYS: &str = "neerc::always";

/// What somebody who watches the service sees of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The version of the program.
    pub version: String,
    /// How long it has been running, in ms.
    pub age_ms: i64,
    /// How it waits for another process that serves, if it does. Nothing else is known then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing_by: Option<String>,
    /// The server's address.
    pub server: String,
    /// The server has accepted the component.
    pub online: bool,
    /// Every room is joined and read.
    pub ready: bool,
    /// Why there is no connection, if there is none.
    pub lost: Option<String>,
    /// Which program the server is, if it is a known one.
    pub software: Option<String>,
    /// The server keeps messages for people who are away.
    pub keeps_messages: bool,
    /// Each room.
    pub rooms: Vec<RoomHealth>,
    /// Each clock that is read somewhere.
    #[serde(default)]
    pub clocks: Vec<ClockHealth>,
    /// The server has said who is in the groups, or that it does not tell.
    pub knows_groups: bool,
    /// Groups of the configuration that nobody is in.
    pub empty_groups: Vec<String>,
    /// What was to be mended, the newest last.
    pub troubles: Vec<Trouble>,
    /// How long stanzas take through the server, if it was measured.
    #[serde(skip)]
    pub round_trips: Option<RoundTrips>,
    /// What is counted and measured, where that was asked for in this process.
    #[serde(skip)]
    pub meters: Meters,
}

/// A room as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomHealth {
    /// Its name.
    pub room: String,
    /// Its address.
    pub jid: String,
    /// Whether the service is in it and knows its people.
    pub ready: bool,
    /// How many users it has.
    pub users: usize,
    /// How many of them have power.
    pub power: usize,
    /// Live tasks.
    pub tasks: usize,
    /// What is wrong with it, if anything is.
    pub trouble: Option<String>,
}

/// A contest clock as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockHealth {
    /// Where it is read.
    pub source: String,
    /// What it shows.
    pub shows: Option<String>,
    /// How long ago it was heard, in ms.
    pub age_ms: Option<i64>,
    /// Why it cannot be read.
    pub trouble: Option<String>,
}

impl ClockHealth {
    /// How a feed is that is read there.
    pub fn of(feed: FeedState, source: &ClockSource) -> ClockHealth {
        let FeedState { reading, age_ms, trouble, .. } = feed;
        ClockHealth { source: source.to_string(), shows: reading.map(shows), age_ms, trouble }
    }
}

/// A reading in plain words.
pub fn shows(Reading { elapsed_ms, total_ms, phase }: Reading) -> String {
    let sign = if elapsed_ms < 0 { "-" } else { "" };
    format!("{} at {sign}{} of {}", phase.name(), clock_face(elapsed_ms.saturating_abs()), clock_face(total_ms))
}

/// Something that was to be mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What, and what to change where.
    pub text: String,
    /// How old the service was when it last said so, in ms.
    pub at_ms: i64,
}

impl Health {
    /// Notes a trouble, once and as the newest; the oldest of many are forgotten.
    pub fn note(&mut self, text: String, at_ms: i64) {
        self.troubles.retain(|known| known.text != text);
        self.troubles.push(Trouble { text, at_ms });
        let excess = self.troubles.len().saturating_sub(limits::TROUBLES);
        self.troubles.drain(..excess);
    }
}

impl Service {
    /// Something was to be mended.
    pub(super) fn trouble(&mut self, trouble: String) {
        tracing::warn!("{trouble}");
        self.note_trouble(trouble);
    }

    /// The same where somebody has just asked for it, so it is said however often it was.
    pub(super) fn trouble_asked_for(&mut self, trouble: String) {
        tracing::warn!(target: SAID_ALWAYS, "{trouble}");
        self.note_trouble(trouble);
    }

    fn note_trouble(&mut self, trouble: String) {
        self.gauge.meters.troubles += 1;
        let age_ms = self.time.age_ms();
        self.note_health(|health| health.note(trouble, age_ms));
    }

    /// There is no connection any more, or none could be opened. It is tried again; what to do about it is said once.
    pub(super) fn lost(&mut self, why: String) {
        self.gauge.meters.losses += 1;
        self.remembered.connected_ms = None;
        let is_news = self.health.borrow().lost.as_ref() != Some(&why);
        let said = if is_news { &why } else { why.split(". ").next().unwrap_or_default() };
        tracing::warn!("{said}; trying again");
        let age_ms = self.time.age_ms();
        self.note_health(|health| {
            health.note(why.clone(), age_ms);
            (health.online, health.ready, health.lost) = (false, false, Some(why));
        });
    }

    pub(super) fn note_health(&self, note: impl FnOnce(&mut Health)) {
        let rooms = self.front.rooms().map(|watch| RoomHealth {
            room: watch.room.to_string(),
            jid: watch.jid.as_str().to_owned(),
            ready: watch.is_ready(),
            users: watch.people().len(),
            power: watch.people().powerful(),
            tasks: self.desk.ledger.boards().get(&watch.room).map_or(0, |board| board.len()),
            trouble: watch.trouble().map(str::to_owned),
        });
        let rooms = rooms.collect();
        let clocks = self.clocks_health();
        let server = self.front.server();
        self.health.send_modify(|health| {
            health.version = env!("CARGO_PKG_VERSION").to_owned();
            health.age_ms = self.time.age_ms();
            health.server = self.link.server().to_owned();
            health.software = server.software.map(|software| software.name().to_owned());
            health.keeps_messages = server.keeps_messages;
            health.knows_groups = self.front.knows_groups();
            health.empty_groups = self.front.empty_groups();
            health.rooms = rooms;
            health.clocks = clocks;
            note(health);
        });
    }
}
