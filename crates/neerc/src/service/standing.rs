//! How the service stands, for `neerc status`: all that whoever runs it asks for at a glance, as one document. Not how it is
//! printed.

use super::time::{moment_of, wall_ms};
use super::{Service, space};
use neerc_core::clock::hand::clock_face;
use neerc_store::Url;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The document. Fields may be added to it, none is taken away or changes its meaning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceStanding {
    /// The version of the program.
    pub version: String,
    /// The id of its process.
    pub pid: u32,
    /// When it was started, by the time of day (UTC).
    pub since: String,
    /// How long ago that was, in seconds.
    pub up_s: i64,
    /// How it waits for another process that serves, if it does. Nothing but the process and the newest change is known then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing_by: Option<String>,
    /// The newest change on disk.
    pub revision: u64,
    /// How many of the newest changes somebody may not have heard of.
    pub untold_changes: u64,
    /// For how long at least somebody has not heard of something, in seconds.
    pub untold_s: i64,
    /// The connection to the chat server.
    pub link: LinkStanding,
    /// Each room, in the order of the configuration.
    pub rooms: Vec<RoomStanding>,
    /// What was to be mended, the newest last.
    pub troubles: Vec<TroubleStanding>,
    /// The store.
    pub store: StoreStanding,
    /// Whether changes are on two machines, where they should be and it is known.
    pub copies: Option<CopiesStanding>,
    /// Up to which revision other machines that follow have the log.
    pub followers: Vec<u64>,
    /// The last backup that was made since the start.
    pub backup: Option<BackupNote>,
    /// Each endpoint of webhooks, in the order of the configuration.
    pub webhooks: Vec<WebhookStanding>,
}

/// The connection to the chat server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkStanding {
    /// Where the server is.
    pub server: String,
    /// Which program it is, if it is a known one.
    pub software: Option<String>,
    /// The server has accepted the component.
    pub connected: bool,
    /// For how long, in seconds.
    pub connected_s: Option<i64>,
    /// Why there is no connection.
    pub lost: Option<String>,
    /// Requests that wait to be on disk.
    pub waiting: usize,
    /// For how long the server has not taken what is sent to it, in seconds.
    pub blocked_s: i64,
}

/// A room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomStanding {
    /// Its name.
    pub room: String,
    /// Whether the service is in it and knows its people.
    pub joined: bool,
    /// How many users it has.
    pub people: usize,
    /// How many of them have power.
    pub admins: usize,
    /// How many of them are online.
    pub online: usize,
    /// Tasks.
    pub tasks: usize,
    /// Those that somebody has not finished.
    pub open: usize,
    /// Those of them whose deadline has passed.
    pub late: usize,
    /// Its contest clock, once it was read or set.
    pub clock: Option<ClockStanding>,
    /// What is wrong with it.
    pub trouble: Option<String>,
}

/// A contest clock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClockStanding {
    /// `before`, `running`, `paused`, `over`.
    pub phase: String,
    /// What it shows, in seconds.
    pub elapsed_s: i64,
    /// How long the contest is, in seconds.
    pub length_s: i64,
    /// An admin has set it.
    pub by_hand: bool,
    /// How long ago it was heard where it is read, in seconds.
    pub age_s: Option<i64>,
    /// Why it cannot be read.
    pub trouble: Option<String>,
}

/// Something that was to be mended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TroubleStanding {
    /// What.
    pub text: String,
    /// How long ago it was said last, in seconds.
    pub age_s: i64,
}

/// The files of the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoreStanding {
    /// Where it is, if it is not in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<PathBuf>,
    /// The database, or what the files are called like that are kept here beside it.
    pub file: PathBuf,
    /// How long it is, with what is written ahead.
    pub bytes: u64,
    /// How much longer than at the start.
    pub grown_bytes: i64,
    /// How much room is left on its file system.
    pub free_bytes: Option<u64>,
}

/// Changes that should be on two machines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CopiesStanding {
    /// There is one copy only.
    pub one_only: bool,
    /// Changes wait until there are two.
    pub waits: bool,
    /// Since when, by the time of day (UTC), once it has lasted for a while.
    pub since: Option<String>,
}

/// An endpoint of webhooks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WebhookStanding {
    /// Where it is, without what is secret of that.
    pub to: String,
    /// How many of the newest changes it has not heard of.
    pub behind_changes: u64,
    /// How many messages it has taken since the start.
    pub taken: u64,
    /// How many times one was not taken.
    pub failed: u64,
    /// Since when it takes nothing, by the time of day (UTC).
    pub failing_since: Option<String>,
    /// It wants nothing more.
    pub off: bool,
    /// Why the last message was not taken.
    pub why: Option<String>,
}

/// A backup that was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupNote {
    /// When, by the time of day (UTC).
    #[serde(default)]
    pub at: String,
    /// Where it was put.
    pub file: PathBuf,
    /// The newest change in it.
    pub revision: u64,
}

/// What the loop remembers for that.
#[derive(Debug, Clone, Default)]
pub(super) struct Remembered {
    /// Whether the database was last known to have a copy.
    pub(super) copies: neerc_store::StoreCopies,
    store: PathBuf,
    start_bytes: u64,
    /// What the store is called, if it is not in a file.
    database: Option<PathBuf>,
    pub connected_ms: Option<i64>,
    /// When it was looked last how the endpoints of webhooks are.
    pub endpoints_looked_ms: Option<i64>,
    backup: Option<BackupNote>,
}

/// How long a store is, with what is written ahead.
fn store_bytes(store: &Path) -> u64 {
    let mut ahead = store.as_os_str().to_owned();
    ahead.push("-wal");
    let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |known| known.len());
    bytes(store) + bytes(Path::new(&ahead))
}

impl StoreStanding {
    fn line(&self) -> String {
        let free = self.free_bytes.map(|free| format!(", {} free", mib(free))).unwrap_or_default();
        if let Some(database) = &self.database {
            let here = self.file.parent().unwrap_or(&self.file);
            return format!("store     {}; archives in {}{free}\n", database.display(), here.display());
        }
        let (file, bytes, grown) = (self.file.display(), mib(self.bytes), mib(self.grown_bytes.unsigned_abs()));
        let sign = if self.grown_bytes < 0 { '-' } else { '+' };
        format!("store     {file}, {bytes} ({sign}{grown} since the start){free}\n")
    }

    fn of(Remembered { store, start_bytes, database, .. }: &Remembered) -> StoreStanding {
        let bytes = store_bytes(store);
        let grown = i128::from(bytes) - i128::from(*start_bytes);
        StoreStanding {
            database: database.clone(),
            file: store.clone(),
            bytes,
            grown_bytes: i64::try_from(grown).unwrap_or_default(),
            free_bytes: space::free_bytes(&space::folder(store)).ok(),
        }
    }
}

impl ServiceStanding {
    /// A process that stands by.
    pub fn standing_by(words: String, revision: u64, age_ms: i64) -> ServiceStanding {
        ServiceStanding {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            since: moment_of(wall_ms().saturating_sub(age_ms)),
            up_s: age_ms / 1_000,
            standing_by: Some(words),
            revision,
            ..ServiceStanding::default()
        }
    }
}

impl Service {
    /// The same, knowing where its store is.
    pub fn stored_in(mut self, store: &Url) -> Service {
        self.remembered.start_bytes = store_bytes(store.local());
        self.remembered.store = store.local().to_owned();
        self.remembered.database = matches!(store, Url::Postgres(_)).then(|| store.name());
        self
    }

    /// A command has made a backup.
    pub(super) fn backed_up(&mut self, note: BackupNote) {
        self.remembered.backup = Some(BackupNote { at: moment_of(wall_ms()), ..note });
    }

    /// How it stands; where the store is has yet to be looked up, by whoever may wait for a disk.
    pub(super) fn standing(
        &mut self,
    ) -> (ServiceStanding, impl FnOnce(ServiceStanding) -> ServiceStanding + Send + 'static) {
        let (now_ms, meters, health) = (self.time.now_ms(), self.measure(), self.health.borrow().clone());
        let age_ms = self.time.age_ms();
        let link = LinkStanding {
            server: self.link.server().to_owned(),
            software: self.front.server().software.map(|software| software.name().to_owned()),
            connected: self.front.is_online(),
            connected_s: self.remembered.connected_ms.map(|since_ms| now_ms.saturating_sub(since_ms) / 1_000),
            lost: health.lost,
            waiting: meters.waiting,
            blocked_s: meters.blocked_ms / 1_000,
        };
        let trouble = |trouble: super::health::Trouble| TroubleStanding {
            age_s: age_ms.saturating_sub(trouble.at_ms) / 1_000,
            text: trouble.text,
        };
        let standing = ServiceStanding {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            since: moment_of(wall_ms().saturating_sub(age_ms)),
            up_s: age_ms / 1_000,
            standing_by: None,
            revision: meters.revision,
            untold_changes: meters.untold_changes,
            untold_s: meters.untold_ms / 1_000,
            link,
            rooms: (0..self.front.rooms().count()).filter_map(|index| self.room_standing(now_ms, index)).collect(),
            troubles: health.troubles.into_iter().map(trouble).collect(),
            store: StoreStanding::default(),
            copies: self.copies_standing(),
            followers: meters.followers,
            backup: self.remembered.backup.clone(),
            webhooks: self.webhooks_standing(meters.revision),
        };
        let remembered = self.remembered.clone();
        (standing, move |standing| ServiceStanding { store: StoreStanding::of(&remembered), ..standing })
    }

    fn room_standing(&self, now_ms: i64, index: usize) -> Option<RoomStanding> {
        let watch = self.front.rooms().nth(index)?;
        let board = self.desk.world().board(&watch.room);
        let is_open = |task: &&neerc_core::task::Task| !task.is_finished();
        let is_late = |task: &&neerc_core::task::Task| {
            let shown = self.desk.clocks.shown(&watch.room, self.now());
            let left_ms = board.deadline(task.id).and_then(|deadline| deadline.due.left_ms(shown));
            left_ms.is_some_and(|left_ms| left_ms <= 0)
        };
        Some(RoomStanding {
            room: watch.room.to_string(),
            joined: watch.is_ready(),
            people: watch.people().len(),
            admins: watch.people().powerful(),
            online: self.front.people_online(index).len(),
            tasks: board.len(),
            open: board.tasks().filter(is_open).count(),
            late: board.tasks().filter(is_open).filter(is_late).count(),
            clock: self.clock_standing(now_ms, &watch.room),
            trouble: watch.trouble().map(str::to_owned),
        })
    }

    fn clock_standing(&self, now_ms: i64, room: &str) -> Option<ClockStanding> {
        let dial = self.desk.clocks.dial(room, now_ms)?;
        let feed = self.desk.clocks.feeds(now_ms).nth(self.desk.clocks.feed_number(room));
        let by_hand = dial.set.is_some();
        let feed = feed.filter(|_| !by_hand);
        Some(ClockStanding {
            phase: dial.reading.phase.name().to_owned(),
            elapsed_s: dial.reading.elapsed_ms / 1_000,
            length_s: dial.reading.total_ms / 1_000,
            by_hand,
            age_s: feed.as_ref().and_then(|feed| feed.age_ms).map(|age_ms| age_ms / 1_000),
            trouble: feed.and_then(|feed| feed.trouble),
        })
    }
}

/// A while in short: `3d 4h`, `2h 5m`, `40s`.
fn ago(seconds: i64) -> String {
    match seconds {
        i64::MIN..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

fn mib(bytes: u64) -> String {
    format!("{}.{} MiB", bytes >> 20, ((bytes % (1 << 20)) * 10) >> 20)
}

impl ServiceStanding {
    /// In lines for people.
    pub fn lines(&self) -> String {
        let ServiceStanding { version, pid, since, up_s, revision, untold_changes, untold_s, link, store, .. } = self;
        let mut text = format!("neerc     {version}, process {pid}, since {since} ({})\n", ago(*up_s));
        if let Some(words) = &self.standing_by {
            return text + &format!("service   {words}\nchanges   {revision} are known\n");
        }
        text += &match (link.connected, link.connected_s, &link.lost) {
            (true, since, _) => {
                let software = link.software.as_deref().unwrap_or("a server");
                let since = since.map(|seconds| format!(" for {}", ago(seconds))).unwrap_or_default();
                format!("link      {software} at {}, connected{since}; {} requests wait\n", link.server, link.waiting)
            }
            (false, _, Some(why)) => format!("link      NOT connected to {}: {why}\n", link.server),
            (false, ..) => format!("link      not connected to {} yet\n", link.server),
        };
        text += &match untold_changes {
            0 => format!("changes   {revision}, and everybody has been told of all\n"),
            some => format!("changes   {revision}; somebody has not heard of the last {some} for {}\n", ago(*untold_s)),
        };
        text += &store.line();
        text += &self.copies.as_ref().map(CopiesStanding::line).unwrap_or_default();
        for has in &self.followers {
            text += &match revision.saturating_sub(*has) {
                0 => "follower  has all changes\n".to_owned(),
                behind => format!("follower  has all but the last {behind} changes\n"),
            };
        }
        text += &match &self.backup {
            Some(BackupNote { at, file, revision }) => {
                format!("backup    {at}, {} with {revision} changes\n", file.display())
            }
            None => "backup    none since the start\n".to_owned(),
        };
        self.webhooks.iter().for_each(|webhook| text += &webhook.line());
        text += "\nroom            people online  tasks   open   late  clock\n";
        for room in &self.rooms {
            let RoomStanding { room: name, people, online, tasks, open, late, .. } = room;
            let clock = room.clock.as_ref().map_or("none".to_owned(), ClockStanding::words);
            let out = if room.joined { "" } else { "  NOT joined" };
            text += &format!("{name:<15} {people:>6} {online:>6} {tasks:>6} {open:>6} {late:>6}  {clock}{out}\n");
            if let Some(trouble) = &room.trouble {
                text += &format!("    {trouble}\n");
            }
        }
        if !self.troubles.is_empty() {
            text += "\ntroubles\n";
        }
        for trouble in self.troubles.iter().rev() {
            text += &format!("    {} ago: {}\n", ago(trouble.age_s), trouble.text);
        }
        text
    }
}

impl CopiesStanding {
    fn line(&self) -> String {
        let since = self.since.as_ref().map(|since| format!(" since {since}")).unwrap_or_default();
        match (self.one_only, self.waits) {
            (false, _) => "copies    two\n".to_owned(),
            (true, true) => format!("copies    ONE ONLY{since}: nothing is stored until there are two\n"),
            (true, false) => format!("copies    ONE ONLY{since}: changes go on with it\n"),
        }
    }
}

impl WebhookStanding {
    fn line(&self) -> String {
        let how = match (self.off, &self.failing_since, self.behind_changes) {
            (true, ..) => "OFF, since it wants nothing more; a start of neerc asks it again".to_owned(),
            (_, Some(since), behind) => {
                let why = self.why.as_deref().unwrap_or_default();
                format!("FAILING since {since}, {behind} changes behind: {why}")
            }
            (_, None, 0) => "told of all".to_owned(),
            (_, None, behind) => format!("{behind} changes behind"),
        };
        format!("webhook   {}: {how}\n", self.to)
    }
}

impl ClockStanding {
    fn words(&self) -> String {
        let face = |seconds: i64| {
            let sign = if seconds < 0 { "-" } else { "" };
            format!("{sign}{}", clock_face(seconds.saturating_mul(1_000).saturating_abs()))
        };
        let from = match (self.by_hand, self.age_s, &self.trouble) {
            (true, ..) => "set by hand".to_owned(),
            (_, Some(age_s), None) => format!("heard {} ago", ago(age_s)),
            (_, Some(age_s), Some(why)) => format!("heard {} ago, and cannot be read: {why}", ago(age_s)),
            (_, None, why) => why.clone().unwrap_or_default(),
        };
        format!("{} at {} of {}, {from}", self.phase, face(self.elapsed_s), face(self.length_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_copies_there_are_is_said_where_two_are_wanted() {
        let of = |one_only, waits, since: Option<&str>| {
            let copies = CopiesStanding { one_only, waits, since: since.map(str::to_owned) };
            let lines = ServiceStanding { copies: Some(copies), ..ServiceStanding::default() }.lines();
            lines.lines().find(|line| line.starts_with("copies")).unwrap().to_owned()
        };
        assert_eq!(of(false, false, None), "copies    two");
        assert_eq!(of(true, true, Some("T")), "copies    ONE ONLY since T: nothing is stored until there are two");
        assert_eq!(of(true, false, None), "copies    ONE ONLY: changes go on with it");
        assert!(!ServiceStanding::default().lines().contains("copies"), "one is enough");
    }

    #[test]
    fn all_of_it_is_printed_in_columns() {
        let clock = ClockStanding {
            phase: "running".into(),
            elapsed_s: 3_661,
            length_s: 18_000,
            age_s: Some(2),
            ..ClockStanding::default()
        };
        let room = RoomStanding {
            room: "neerc".into(),
            joined: true,
            people: 12,
            online: 7,
            tasks: 40,
            open: 5,
            late: 1,
            clock: Some(clock),
            ..RoomStanding::default()
        };
        let mut standing =
            ServiceStanding { version: "1.0".into(), pid: 7, rooms: vec![room], ..ServiceStanding::default() };
        (standing.since, standing.up_s, standing.revision) = ("2026-11-26T10:00:00Z".into(), 7_300, 99);
        standing.link =
            LinkStanding { server: "h:5347".into(), connected: true, connected_s: Some(61), ..LinkStanding::default() };
        standing.store =
            StoreStanding { file: "a.db".into(), bytes: 3 << 19, grown_bytes: 1 << 20, ..StoreStanding::default() };
        let hook = |to: &str| WebhookStanding { to: to.into(), ..WebhookStanding::default() };
        let why = Some("it answers 500".into());
        standing.webhooks = vec![
            hook("https://a"),
            WebhookStanding { behind_changes: 2, ..hook("https://b") },
            WebhookStanding {
                behind_changes: 3,
                failing_since: Some("2026-11-26T10:41:00Z".into()),
                why,
                ..hook("https://c")
            },
            WebhookStanding { off: true, ..hook("https://d") },
        ];
        standing.troubles = vec![TroubleStanding { text: "mend it".into(), age_s: 5 }];
        assert_eq!(
            standing.lines(),
            "neerc     1.0, process 7, since 2026-11-26T10:00:00Z (2h 1m)\n\
             link      a server at h:5347, connected for 1m 1s; 0 requests wait\n\
             changes   99, and everybody has been told of all\n\
             store     a.db, 1.5 MiB (+1.0 MiB since the start)\n\
             backup    none since the start\n\
             webhook   https://a: told of all\n\
             webhook   https://b: 2 changes behind\n\
             webhook   https://c: FAILING since 2026-11-26T10:41:00Z, 3 changes behind: it answers 500\n\
             webhook   https://d: OFF, since it wants nothing more; a start of neerc asks it again\n\n\
             room            people online  tasks   open   late  clock\n\
             neerc               12      7     40      5      1  running at 1:01:01 of 5:00:00, heard 2s ago\n\n\
             troubles\n    5s ago: mend it\n"
        );
        let text = serde_json::to_string(&standing).unwrap();
        assert_eq!(serde_json::from_str::<ServiceStanding>(&text).unwrap(), standing);
    }
    #[test]
    fn a_database_was_said_to_be_a_file_of_no_length() {
        let database = Some("postgres://neerc@a,b/neerc".into());
        let store = StoreStanding {
            database,
            file: "/var/lib/neerc/neerc".into(),
            free_bytes: Some(9 << 20),
            ..StoreStanding::default()
        };
        assert_eq!(store.line(), "store     postgres://neerc@a,b/neerc; archives in /var/lib/neerc, 9.0 MiB free\n");
    }
}
