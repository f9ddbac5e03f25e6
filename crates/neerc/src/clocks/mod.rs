//! Where the contest clocks are read from, each by a task or a thread of its own.

pub mod clics;
pub mod file;
pub mod json;
pub mod kept;
pub mod limits;
pub mod poll;
pub mod time;

use crate::http::HttpAddress;
use neerc_core::change::Room;
use neerc_core::clock::Reading;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// What is served at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// A contest of the CLICS Contest API, with its `state` below it.
    Clics,
    /// The neutral document.
    Json,
}

/// What stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The clock.xml of PCMS2.
    Pcms,
    /// The neutral document.
    Json,
}

/// Where a clock is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClockSource {
    /// Nowhere: people set it.
    Manual,
    /// From a file.
    File(PathBuf, Format),
    /// From a web server.
    Http(HttpAddress, Served),
}

impl fmt::Display for ClockSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClockSource::Manual => f.write_str("by hand"),
            ClockSource::File(path, _) => write!(f, "{}", path.display()),
            ClockSource::Http(address, _) => f.write_str(&address.url),
        }
    }
}

/// All clocks of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clockwork {
    /// Where each is read. The first one is that of every room that has no other.
    pub sources: Vec<ClockSource>,
    /// The rooms that have another, with its place among the sources.
    pub of_room: BTreeMap<Room, usize>,
}

/// What came of a look at a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClockLook {
    /// What the clock shows now.
    Reading(Reading),
    /// The same as before.
    Same,
    /// Why it could not be read, in words. The clock goes on by its last reading.
    Nothing(String),
}

/// Begins to read all clocks; the readings come with the place of their clock among the sources.
pub fn watch(clockwork: &Clockwork, wall_ms: fn() -> i64) -> Result<mpsc::Receiver<(usize, ClockLook)>, String> {
    let (sender, receiver) = mpsc::channel(crate::limits::MESSAGES_WAITING);
    for (place, source) in clockwork.sources.iter().enumerate() {
        let sender = sender.clone();
        match source.clone() {
            ClockSource::Manual => {}
            ClockSource::File(path, format) => {
                tokio::spawn(file::watch(path, format, wall_ms, (place, sender)));
            }
            ClockSource::Http(address, served) => {
                let poll = poll::Poll::new(&address, served)?;
                // It sleeps most of the time, and blocks on name servers and slow handshakes.
                let thread = std::thread::Builder::new().name(format!("clock {place}"));
                let watch = move || poll::watch(poll, wall_ms, &(place, sender));
                thread.spawn(watch).map_err(|error| format!("no thread for the clock at {}: {error}", address.url))?;
            }
        }
    }
    Ok(receiver)
}

/// Looks at a clock once; an error says why it cannot be read.
pub fn try_look(source: &ClockSource, wall_ms: fn() -> i64) -> Result<Option<Reading>, String> {
    match source {
        ClockSource::Manual => Ok(None),
        ClockSource::File(path, format) => file::try_read(path, *format).map(Some),
        ClockSource::Http(address, served) => {
            let mut poll = poll::Poll::new(address, *served)?;
            poll.try_look(wall_ms).map(Some).map_err(|problem| problem.words)
        }
    }
}
