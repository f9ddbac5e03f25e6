//! What browsers are shown is drawn from: a picture of each room, which the loop hands over when something has changed.
//! It is owned and never changes, so drawing takes nothing from the loop. Not who may see what of it: that is the view's.

use neerc_core::board::Board;
use neerc_core::change::Room;
use neerc_core::checklist::Checklist;
use neerc_core::clock::ContestClock;
use neerc_core::clock::hand::SetClock;
use neerc_core::clocks::Dial;
use neerc_core::doors::Entrance;
use neerc_core::keeping::Keeping;
use neerc_core::people::{People, Person};
use neerc_core::times::Times;
use neerc_core::view::{DayTime, RoomScene, Visibility};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

/// One room at one moment.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Its name.
    pub room: Room,
    /// Counts the pictures of a room, from 1.
    pub serial: u64,
    /// Which run of the service took it; pictures of another one have serials of their own. A run is on one history of the log,
    /// and its number is drawn by chance, so no picture of another machine, or of a log that was lost, is taken for one of these.
    pub generation: u64,
    /// Of which history the log is from which it was made: revisions of another one are others.
    pub history: u64,
    /// When it was taken.
    pub taken: Timepiece,
    /// Its people.
    pub people: Arc<People>,
    /// Its tasks, as they are on disk.
    pub board: Arc<Board>,
    /// When answers were given, as far as that is kept.
    pub times: Option<Times>,
    /// Its contest clock, once it was read or set.
    pub clock: Option<PictureClock>,
    /// Who is online with a chat client.
    pub online: Arc<BTreeSet<Person>>,
    /// The checklists that there are.
    pub checklists: Arc<[Checklist]>,
    /// What the web side says of itself.
    pub entrance: Arc<Entrance>,
    /// Who may see which tasks.
    pub visibility: Visibility,
    /// How changes are kept, as far as admins are told.
    pub keeping: Keeping,
    /// Whether the chat server is connected: else nothing is known of who is online, and rights are as they were last.
    pub is_connected: bool,
}

/// A contest clock that runs on after the picture was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureClock {
    /// What it shows, by the steady time.
    pub clock: ContestClock,
    /// By whom and when it was set by hand.
    pub set: Option<SetClock>,
    /// Since when its feed has been silent for too long, in ms since 1970.
    pub silent_since_ms: Option<i64>,
}

/// The time, as the loop knew it last.
#[derive(Debug, Clone, Copy)]
pub struct Timepiece {
    /// When the loop looked.
    pub taken: Instant,
    /// The steady time then, in ms.
    pub steady_ms: i64,
    /// The time of day then, in ms since 1970.
    pub wall_ms: i64,
    /// What the clocks on the walls here are ahead of UTC, in ms.
    pub zone_ms: i64,
}

impl Timepiece {
    /// The time now.
    pub fn now(self) -> Timepiece {
        let gone_ms = i64::try_from(self.taken.elapsed().as_millis()).unwrap_or(i64::MAX);
        Timepiece {
            taken: Instant::now(),
            steady_ms: self.steady_ms.saturating_add(gone_ms),
            wall_ms: self.wall_ms.saturating_add(gone_ms),
            ..self
        }
    }

    /// For words that name times.
    pub fn of_day(self) -> DayTime {
        DayTime { wall_ms: self.wall_ms, zone_ms: self.zone_ms }
    }
}

impl Picture {
    /// What the contest clock shows at a moment.
    pub fn dial(&self, at: Timepiece) -> Option<Dial<'_>> {
        let PictureClock { clock, set, silent_since_ms } = self.clock.as_ref()?;
        let reading = clock.at(at.steady_ms);
        let reading = if set.is_some() { reading.over_at_end() } else { reading };
        let (silent_since_ms, zone_ms, over_ms) = (*silent_since_ms, at.zone_ms, clock.over_ms(at.steady_ms));
        Some(Dial { reading, set: set.as_ref(), silent_since_ms, zone_ms, over_ms })
    }

    /// The room, to be looked at.
    pub fn scene(&self, at: Timepiece) -> RoomScene<'_> {
        RoomScene {
            room: &self.room,
            people: &self.people,
            board: &self.board,
            clock: self.dial(at),
            visibility: self.visibility,
            now: Some(at.of_day()),
            checklists: &self.checklists,
            trail: None,
            entrance: &self.entrance,
        }
    }
}

/// Who serves where this machine does not, and how far this one is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// The name of the machine that serves; nothing, if that is not known.
    pub holder: Option<String>,
    /// Under which address browsers find it, if that is another one than here.
    pub url: Option<Arc<str>>,
    /// The revision that is shown.
    pub revision: u64,
    /// When that was the newest one, in ms since 1970; nothing before anything could be read.
    pub at_ms: Option<i64>,
}

/// A revision that somebody remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// One of this log, as far as can be told.
    Known(u64),
    /// One of a log that was lost or taken back.
    Elsewhere,
}

impl Picture {
    /// How the history of the log is called.
    pub fn history_name(&self) -> String {
        format!("{:x}", self.history)
    }

    /// A revision as it is given away to be brought back.
    pub fn position(&self, revision: u64) -> String {
        format!("{:x}-{revision}", self.history)
    }

    /// A revision that somebody brings back, with the name of its history or alone; `None` if it is neither.
    pub fn brought(&self, text: &str) -> Option<Position> {
        let Some((history, revision)) = text.split_once('-') else { return text.parse().ok().map(Position::Known) };
        let (history, revision) = (u64::from_str_radix(history, 16).ok()?, revision.parse().ok()?);
        Some(if history == self.history { Position::Known(revision) } else { Position::Elsewhere })
    }
}

/// All rooms, and the time.
#[derive(Debug, Clone, Default)]
pub struct Album {
    /// When the loop looked last; `None` before it has.
    pub time: Option<Timepiece>,
    /// Each room, the default one first. Those that have not changed are shared with the album before.
    pub rooms: Vec<Arc<Picture>>,
    /// Where it is not of this machine: then it is only shown, and nothing can be done.
    pub elsewhere: Option<Arc<Elsewhere>>,
}

impl Album {
    /// The room of that name.
    pub fn room(&self, name: &str) -> Option<&Arc<Picture>> {
        self.rooms.iter().find(|picture| *picture.room == *name)
    }
}
