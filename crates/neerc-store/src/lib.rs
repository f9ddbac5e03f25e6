//! Where changes are durable. [`open`] hands over the boards as they were left; then [`Store::commit`] stores batches
//! of changes, each whole or not at all. Not what the changes mean: that is the core's business.

#[cfg(test)]
#[path = "../../../fuzz/src/program/record.rs"]
mod fuzz;
mod owner;
mod record;
mod sqlite;

use neerc_core::board::Boards;
use neerc_core::change::Entry;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

pub use owner::User;

/// What [`open`] found.
#[derive(Debug)]
pub struct Opened {
    /// The way to store more.
    pub store: Store,
    /// The boards of all rooms that ever had a change, as of `revision`.
    pub boards: Boards,
    /// The revision of the last change; 0 if there is none.
    pub revision: u64,
    /// The revision of the snapshot that was read; 0 if there was none. The changes above it were read one by one.
    pub snapshot_revision: u64,
    /// Everybody was told of the changes up to here, as far as is stored.
    pub told_revision: u64,
    /// The changes above `told_revision`, in order.
    pub untold: Vec<Entry>,
}

/// Opens the store at `url`: the path of an SQLite file, with or without `sqlite:` before it. The file is made if there
/// is none. Reads the newest snapshot and the changes after it; waits for the disk, so not for use within the loop.
pub fn open(url: &str) -> Result<Opened, StoreError> {
    let (store, loaded) = sqlite::open(&path_of(url)?)?;
    let sqlite::Loaded { boards, revision, snapshot_revision, told_revision, untold } = loaded;
    Ok(Opened { store: Store::Sqlite(store), boards, revision, snapshot_revision, told_revision, untold })
}

/// Whether [`open`] would make a new store at `url`.
pub fn is_new(url: &str) -> Result<bool, StoreError> {
    sqlite::is_new(&path_of(url)?)
}

fn path_of(url: &str) -> Result<PathBuf, StoreError> {
    let path = match url.split_once(':') {
        Some(("sqlite", path)) => path.strip_prefix("//").unwrap_or(path),
        Some((scheme, rest)) if rest.starts_with("//") => {
            return Err(StoreError::Url { url: format!("{scheme}://…") }); // the rest may hold a password
        }
        _ => url,
    };
    if path.is_empty() {
        return Err(StoreError::Url { url: url.to_owned() });
    }
    Ok(PathBuf::from(path))
}

/// Copies the store at `url` to `target` while it may be in use, and reads the copy from beginning to end before it gets
/// its name. Without a target the copy is named after its revision, in the working folder.
pub fn backup(url: &str, target: Option<&Path>, existing: Existing) -> Result<Copied, StoreError> {
    sqlite::backup::backup(&path_of(url)?, target, existing)
}

/// Puts a copy of the backup `source` in the place of the store at `url`, which nobody must be using. The backup is read
/// from beginning to end first, and what was in its place is kept.
pub fn restore(url: &str, source: &Path) -> Result<Restored, StoreError> {
    sqlite::backup::restore(&path_of(url)?, source)
}

/// Reads all of the store at `url`, also what a start does not need, and checks it. It must be open in this process.
pub fn verify(url: &str) -> Result<(), StoreError> {
    let file = sqlite::resolve(&path_of(url)?)?;
    sqlite::backup::verify(&file).map(|_| ())
}

/// What becomes of a file that exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written.
    Keep,
    /// It is replaced.
    Replace,
}

/// A copy that was read and found whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where it is.
    pub file: PathBuf,
    /// The changes in it.
    pub revision: u64,
    /// The live tasks in it.
    pub tasks: usize,
}

/// What became of a [`restore`].
#[derive(Debug, PartialEq, Eq)]
pub struct Restored {
    /// The store as it is now.
    pub now: Copied,
    /// Where the store is that was in its place, if there was one.
    pub kept: Option<PathBuf>,
}

/// A cheap handle to an open store; all clones are the same store. Once the last one is gone the store closes by
/// itself, a little later.
#[derive(Clone, Debug)]
pub enum Store {
    /// An SQLite file.
    Sqlite(sqlite::Sqlite),
}

impl Store {
    /// Stores a batch in one transaction with one sync of the disk. The entries carry the revisions after the last
    /// stored one, without gaps. Once the future says `Ok`, they are on disk; on an error none of them is stored
    /// (after a fatal one, only opening the store again tells).
    ///
    /// The batch takes its place in the order now, not when the future is polled, and is stored even if the future is
    /// dropped. The future is `'static` and `Unpin`: keep it in a variable and poll `&mut` of it in `select!`.
    pub fn commit(&self, entries: impl Into<Arc<[Entry]>>) -> Committing {
        match self {
            Store::Sqlite(store) => Committing(store.commit(entries.into())),
        }
    }

    /// Notes that everybody was told of the changes up to `revision`. Does not wait: it is stored with the next commit
    /// or within a second, so after a crash somewhat too many changes are untold, never too few.
    pub fn told(&self, revision: u64) {
        match self {
            Store::Sqlite(store) => store.told(revision),
        }
    }

    /// Stores the boards as they were after the committed change `revision`, so that the next start need not read what
    /// is before it. Does not wait; later commits may be under way, and if several snapshots wait only the newest is
    /// stored. A failure is logged and harmless.
    pub fn snapshot(&self, revision: u64, boards: Boards) {
        match self {
            Store::Sqlite(store) => store.snapshot(revision, boards),
        }
    }

    /// Stores what still waits, also of the other handles, and lets the file go. Commits after this fail.
    pub async fn close(self) -> Result<(), StoreError> {
        match self {
            Store::Sqlite(store) => Committing(store.close()).await,
        }
    }
}

/// The outcome of a [`Store::commit`] that is under way.
#[derive(Debug)]
#[must_use = "changes may be answered only once they are stored"]
pub struct Committing(oneshot::Receiver<Result<(), StoreError>>);

impl Future for Committing {
    type Output = Result<(), StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|reply| reply.unwrap_or(Err(StoreError::Gone)))
    }
}

/// Why a store could not be opened or something could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The setting names no store.
    #[error("there is no store '{url}'; give the path of an SQLite file, or sqlite: and the path")]
    Url {
        /// The setting, without what may be secret.
        url: String,
    },
    /// A file beside the database, or the way to it, cannot be used.
    #[error("cannot use {}: {source}{}", file.display(), owner::explain(.file, .source))]
    File {
        /// Which.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process has the store open.
    #[error("{} is in use by another neerc{}; only one can use it at a time", file.display(), process(.by))]
    InUse {
        /// The database.
        file: PathBuf,
        /// The id of that process, if it could be read.
        by: Option<u32>,
    },
    /// Another process has the database open by another name, or the file beside it is not the one that process locked.
    #[error(
        "{} is in use by another neerc, under another name or without its lock file; only one can use it at a time",
        file.display()
    )]
    InUseElsewhere {
        /// The database.
        file: PathBuf,
    },
    /// A folder, a device, a pipe or a link where a file is wanted.
    #[error("{} is no plain file, but a folder, a device, a pipe or a link; give the name of a file", file.display())]
    NotPlain {
        /// What is there.
        file: PathBuf,
    },
    /// A backup would replace what is not its like.
    #[error("{} is {what}, so it is not replaced; give another name", file.display())]
    NotReplaced {
        /// The file.
        file: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A file of the store was removed or replaced while it was in use.
    #[error(
        "{} is not the file any more that was opened: somebody moved, replaced or removed it while it was in use",
        file.display()
    )]
    Replaced {
        /// The file.
        file: PathBuf,
    },
    /// A database of another program.
    #[error("{} is not a neerc store but some other program's database; give another path", file.display())]
    Foreign {
        /// The database.
        file: PathBuf,
    },
    /// The database was here and is gone.
    #[error(
        "{} is gone, and {} says that revision {revision} was stored in it; bring a backup back with `neerc restore \
         FILE`, or give another name in store.url to begin anew",
        file.display(),
        lock.display()
    )]
    Missing {
        /// The database.
        file: PathBuf,
        /// The file beside it that says so.
        lock: PathBuf,
        /// Up to where it had been stored.
        revision: u64,
    },
    /// A file would be replaced that was not to be.
    #[error("{} exists already; give another name, or --force to replace it", file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// A backup and its store are one file.
    #[error("{} is the store itself; give the name of another file", file.display())]
    Same {
        /// The file.
        file: PathBuf,
    },
    /// A database of a later version of this program.
    #[error(
        "{} was written by a newer neerc (format {found}; this one reads up to {known}); use that version or \
         bring a backup back with `neerc restore FILE`",
        file.display()
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// The format of the database.
        found: i64,
        /// The newest format that can be read.
        known: i64,
    },
    /// The file system lacks what SQLite's write-ahead log needs.
    #[error("{} is on a file system without write-ahead logging (journal mode '{mode}'); use a local disk", file.display())]
    NoWal {
        /// The database.
        file: PathBuf,
        /// The journal mode that could be had.
        mode: String,
    },
    /// What is stored is not what was stored.
    #[error("{} is damaged: {what}; bring a backup back with `neerc restore FILE`", file.display())]
    Damaged {
        /// The database.
        file: PathBuf,
        /// Where and how.
        what: String,
    },
    /// The batch does not continue the log.
    #[error("cannot store revision {given} in {}: after {last} comes {}", file.display(), .last.saturating_add(1))]
    Order {
        /// The database.
        file: PathBuf,
        /// The last revision before.
        last: u64,
        /// The revision that was to follow.
        given: u64,
    },
    /// A change cannot be written down: an error in this program.
    #[error("cannot write down revision {revision}: {what}")]
    Unwritable {
        /// The revision of the change.
        revision: u64,
        /// Why not.
        what: String,
    },
    /// SQLite could not do something.
    #[error("cannot {doing} {}: {source}", file.display())]
    Sqlite {
        /// What, to be followed by the name of the file.
        doing: &'static str,
        /// The database.
        file: PathBuf,
        /// Why not.
        source: rusqlite::Error,
    },
    /// Something fatal happened before, so nothing is stored any more.
    #[error("{} is not used any more since an earlier failure; start again", file.display())]
    Broken {
        /// The database.
        file: PathBuf,
    },
    /// The store's thread cannot be started.
    #[error("cannot start the thread of the store: {0}")]
    Thread(io::Error),
    /// Too many batches wait already.
    #[error("{waiting} batches wait to be stored already; try again later")]
    Busy {
        /// How many.
        waiting: usize,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Gone,
}

impl StoreError {
    /// Whether trying again is pointless and the process must not go on: what is on disk is not known any more (a
    /// failed sync leaves the page cache unlike the disk), is damaged, or is not what this process believes.
    pub fn is_fatal(&self) -> bool {
        match self {
            StoreError::Sqlite { source, .. } => sqlite::is_fatal(source),
            StoreError::Damaged { .. }
            | StoreError::Replaced { .. }
            | StoreError::Order { .. }
            | StoreError::Broken { .. }
            | StoreError::Gone => true,
            StoreError::Url { .. }
            | StoreError::File { .. }
            | StoreError::InUse { .. }
            | StoreError::InUseElsewhere { .. }
            | StoreError::NotPlain { .. }
            | StoreError::NotReplaced { .. }
            | StoreError::Foreign { .. }
            | StoreError::Missing { .. }
            | StoreError::Exists { .. }
            | StoreError::Same { .. }
            | StoreError::Newer { .. }
            | StoreError::NoWal { .. }
            | StoreError::Unwritable { .. }
            | StoreError::Thread(_)
            | StoreError::Busy { .. } => false,
        }
    }
}

fn process(id: &Option<u32>) -> String {
    id.map(|id| format!(" (process {id})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use neerc_core::board::Board;
    use neerc_core::command::{Command, Manner, Named};
    use neerc_core::people::{Affiliation, GroupBook, People, Person, Standing};
    use neerc_core::task::{Kind, Progress, Status, TaskId, Title};
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::fs;
    use std::time::{Duration, Instant};
    use tempfile::TempDir;

    const ROOMS: [&str; 2] = ["neerc", "other"];
    const NAMES: [&str; 4] = ["admin", "hall1", "hall2", "hall3"];

    fn person(name: &str) -> Person {
        Person::named(name, "localhost")
    }

    fn people() -> People {
        let affiliation = |name: &str| if name == "admin" { Affiliation::Admin } else { Affiliation::Member };
        let standings = NAMES.map(|name| Standing { person: person(name), affiliation: affiliation(name) });
        People::build("localhost", "neerc", standings, HashMap::new(), &GroupBook::default())
    }

    /// What is asked of whom in which room.
    type Ask = (&'static str, &'static str, Command);

    fn ask() -> impl Strategy<Value = Ask> {
        let status = (prop::sample::select(&Progress::ALL), "[a-zа-я\"\\\\ ]{0,6}")
            .prop_map(|(progress, value)| Status::new(progress, &value).unwrap());
        let kind = prop::sample::select(vec![Kind::Todo, Kind::TodoFail, Kind::Confirm, Kind::OkFail, Kind::Question]);
        let title = "[a-zA-Zа-я<&\"' ]{0,8}x".prop_map(|text| Title::parse(&text).unwrap());
        let named = (prop::sample::select(&NAMES), status.clone())
            .prop_map(|(name, status)| Named { name: name.to_owned(), status });
        let named = prop::collection::vec(named, 0..4);
        let task = (1..6u64).prop_map(TaskId);
        let manner = prop_oneof![Just(Manner::Adding), Just(Manner::Replacing)];
        let create = (title.clone(), kind.clone(), named.clone(), manner.clone())
            .prop_map(|(title, kind, statuses, manner)| Command::Create { title, kind, statuses, manner });
        let edit = (task.clone(), title, kind, named, manner)
            .prop_map(|(task, title, kind, statuses, manner)| Command::Edit { task, title, kind, statuses, manner });
        let remove = task.clone().prop_map(|task| Command::Remove { task });
        let answer = (task, status).prop_map(|(task, status)| Command::Answer { task, status });
        let admins = prop_oneof![3 => create, 4 => edit, 1 => remove].prop_map(|command| ("admin", command));
        let everybodys = (prop::sample::select(&NAMES), answer);
        (prop::sample::select(&ROOMS), prop_oneof![admins, everybodys])
            .prop_map(|(room, (who, what))| (room, who, what))
    }

    /// What happens to a store in between.
    #[derive(Clone, Debug)]
    enum Step {
        Batch(Vec<Ask>),
        Told,
        Snapshot,
        Restart,
        Crash,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => prop::collection::vec(ask(), 1..12).prop_map(Step::Batch),
            1 => Just(Step::Told),
            2 => Just(Step::Snapshot),
            1 => Just(Step::Restart),
            1 => Just(Step::Crash),
        ]
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    fn open_in(folder: &Path) -> Opened {
        open(folder.join("neerc.db").to_str().unwrap()).unwrap()
    }

    /// The files as a power cut leaves them, in a folder of their own.
    fn crashed(folder: &Path) -> TempDir {
        let copy = TempDir::new().unwrap();
        for name in ["neerc.db", "neerc.db-wal"] {
            fs::copy(folder.join(name), copy.path().join(name)).unwrap();
        }
        copy
    }

    fn decide(boards: &mut Boards, revision: u64, (room, who, command): &Ask) -> Option<Entry> {
        let board: &mut Board = boards.entry((*room).into()).or_default();
        let at_ms = 1_000 * revision as i64;
        let change = board.decide(at_ms, &person(who), &people(), command).ok()?.change?;
        board.apply(revision, &change);
        Some(Entry { revision, room: (*room).into(), at_ms, by: person(who), change })
    }

    /// Runs the steps and compares what each start finds with what was there before.
    async fn check(steps: Vec<Step>) {
        let mut folder = TempDir::new().unwrap();
        let mut store = open_in(folder.path()).store;
        let (mut boards, mut log, mut told) = (Boards::new(), Vec::<Entry>::new(), 0);
        for step in steps {
            match step {
                Step::Batch(asks) => {
                    let mut batch = Vec::new();
                    for ask in &asks {
                        batch.extend(decide(&mut boards, (log.len() + batch.len()) as u64 + 1, ask));
                    }
                    boards.retain(|_, board| board.revision() > 0);
                    log.extend(batch.iter().cloned());
                    store.commit(batch).await.unwrap();
                }
                Step::Told => {
                    told = log.len() as u64;
                    store.told(told);
                }
                Step::Snapshot => store.snapshot(log.len() as u64, boards.clone()),
                Step::Restart | Step::Crash => {
                    let is_crash = matches!(step, Step::Crash);
                    let before = folder;
                    if is_crash {
                        folder = crashed(before.path());
                    } else {
                        store.close().await.unwrap();
                        folder = before;
                    }
                    let opened = open_in(folder.path());
                    assert_eq!(opened.boards, boards);
                    assert_eq!(opened.revision, log.len() as u64);
                    assert!(if is_crash { opened.told_revision <= told } else { opened.told_revision == told });
                    assert_eq!(opened.untold, log[opened.told_revision as usize..]);
                    (store, told) = (opened.store, opened.told_revision);
                }
            }
        }
        store.close().await.unwrap();
        let opened = open_in(folder.path());
        assert_eq!((opened.boards, opened.revision), (boards, log.len() as u64));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn every_start_finds_what_was_committed(steps in prop::collection::vec(step(), 1..16)) {
            block_on(check(steps));
        }
    }

    /// The first changes of a room: one task after the other.
    fn created(revisions: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
        let mut boards = Boards::new();
        let (title, kind) = (Title::parse("Water").unwrap(), Kind::Todo);
        let create = Command::Create { title, kind, statuses: vec![], manner: Manner::Adding };
        let all = (1..=*revisions.end()).filter_map(|n| decide(&mut boards, n, &("neerc", "admin", create.clone())));
        all.filter(|entry| revisions.contains(&entry.revision)).collect()
    }

    #[test]
    fn told_is_stored_with_a_commit_or_soon_by_itself() {
        let folder = TempDir::new().unwrap();
        let store = open_in(folder.path()).store;
        let told = |folder: &TempDir| open_in(folder.path()).told_revision;
        block_on(async {
            store.commit(created(1..=5)).await.unwrap();
            store.told(3);
            store.told(2);
            assert_eq!(told(&crashed(folder.path())), 0);
            store.commit(created(6..=6)).await.unwrap();
            assert_eq!(told(&crashed(folder.path())), 3);
            store.told(999); // more than there is
            let since = Instant::now();
            while told(&crashed(folder.path())) != 6 {
                assert!(since.elapsed() < Duration::from_secs(5), "told was never stored");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
    }

    #[test]
    fn the_log_is_copied_back_in_a_pause_and_the_file_is_whole_after_a_close() {
        let folder = TempDir::new().unwrap();
        let store = open_in(folder.path()).store;
        let file = |name: &str| folder.path().join(name);
        let in_database = || fs::read(file("neerc.db")).unwrap().windows(5).any(|text| text == b"Water");
        block_on(async {
            store.commit(created(1..=5)).await.unwrap();
            assert!(!in_database());
            let since = Instant::now();
            while !in_database() {
                assert!(since.elapsed() < Duration::from_secs(5), "it was never copied back");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            store.commit(created(6..=6)).await.unwrap();
            store.close().await.unwrap();
        });
        assert!(!file("neerc.db-wal").exists());
    }

    #[test]
    fn the_log_is_copied_back_even_without_a_pause() {
        let folder = TempDir::new().unwrap();
        let store = open_in(folder.path()).store;
        let title = Title::parse(&"я".repeat(1_000)).unwrap();
        let mut last = 0;
        block_on(async {
            // 2 KB each: together twice what the write-ahead log may grow to
            for mut batch in created(1..=16_384).chunks(512).map(<[Entry]>::to_vec) {
                for entry in &mut batch {
                    if let neerc_core::change::Change::Created { title: old, .. } = &mut entry.change {
                        *old = title.clone();
                    }
                    last = entry.revision;
                }
                store.commit(batch).await.unwrap();
            }
        });
        assert_eq!(last, 16_384);
        let size = fs::metadata(folder.path().join("neerc.db-wal")).unwrap().len();
        assert!(size < 20 << 20, "the write-ahead log grew to {size} bytes");
    }

    #[test]
    fn a_dropped_store_lets_the_file_go_with_everything_in_it() {
        let folder = TempDir::new().unwrap();
        let store = open_in(folder.path()).store;
        let other = store.clone();
        drop(store.commit(created(1..=5))); // nobody waits for it
        store.told(5);
        drop(store);
        other.snapshot(5, Boards::new());
        drop(other);
        let since = Instant::now();
        let opened = loop {
            match open(folder.path().join("neerc.db").to_str().unwrap()) {
                Err(StoreError::InUse { .. }) if since.elapsed() < Duration::from_secs(5) => {
                    std::thread::sleep(Duration::from_millis(5))
                }
                opened => break opened.unwrap(),
            }
        };
        assert_eq!((opened.revision, opened.told_revision), (5, 5));
        assert!(opened.boards.is_empty(), "the snapshot (a wrong one, to tell it from the log) was not stored");
    }

    #[test]
    fn a_closed_store_says_so() {
        let folder = TempDir::new().unwrap();
        let store = open_in(folder.path()).store;
        let other = store.clone();
        block_on(async {
            store.close().await.unwrap();
            let error = other.commit(created(1..=1)).await.unwrap_err();
            assert!(matches!(error, StoreError::Gone) && error.is_fatal());
            other.told(1);
            other.snapshot(1, Boards::new());
        });
        assert_eq!(open_in(folder.path()).revision, 0);
    }

    #[test]
    fn too_many_batches_are_refused_and_the_others_stored() {
        let folder = TempDir::new().unwrap();
        let store = open_in(folder.path()).store;
        let blocker = rusqlite::Connection::open(folder.path().join("neerc.db")).unwrap();
        blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
        let batches: Vec<_> = created(1..=70).into_iter().map(|entry| store.commit(vec![entry])).collect();
        blocker.execute_batch("ROLLBACK").unwrap();
        block_on(async {
            let mut stored = 0;
            for batch in batches {
                match batch.await {
                    Ok(()) => stored += 1,
                    Err(error) => assert_eq!(
                        error.to_string(),
                        "64 batches wait to be stored already; try again later",
                        "after {stored}"
                    ),
                }
            }
            assert!((64..=65).contains(&stored), "{stored} were stored");
        });
    }

    #[test]
    fn where_a_store_can_be() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.db");
        for url in [format!("sqlite:{}", path.display()), format!("sqlite://{}", path.display())] {
            block_on(open(&url).unwrap().store.close()).unwrap();
            assert!(path.exists());
            fs::remove_file(&path).unwrap();
        }
        let error = open("postgres://neerc:secret@db/neerc").unwrap_err().to_string();
        assert_eq!(error, "there is no store 'postgres://…'; give the path of an SQLite file, or sqlite: and the path");
        assert!(open("").is_err() && open("sqlite:").is_err());
    }
}
