//! What every start finds, whatever happened before, and how the handle behaves: on either store.

use super::*;
use neerc_core::board::Board;
use neerc_core::command::{Command, Manner, Named, WholeTask};
use neerc_core::people::{Affiliation, GroupBook, People, Person, Standing};
use neerc_core::task::{Kind as TaskKind, Progress, Status, TaskId, Title};
use neerc_testing::postgres::{Cluster, Psql};
use proptest::prelude::*;
use std::collections::HashMap;
use std::fs;
use std::future::Future;
use std::path::PathBuf;
use std::task::{Context, Poll, Waker};
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
    let kind = prop::sample::select(vec![
        TaskKind::Todo,
        TaskKind::TodoFail,
        TaskKind::Confirm,
        TaskKind::OkFail,
        TaskKind::Question,
    ]);
    let title = "[a-zA-Zа-я<&\"' ]{0,8}x".prop_map(|text| Title::parse(&text).unwrap());
    let named = (prop::sample::select(&NAMES), status.clone())
        .prop_map(|(name, status)| Named { name: name.to_owned(), status });
    let named = prop::collection::vec(named, 0..4);
    let task = (1..6u64).prop_map(TaskId);
    let manner = prop_oneof![Just(Manner::Adding), Just(Manner::Replacing)];
    let create = (title.clone(), kind.clone(), named.clone(), manner.clone())
        .prop_map(|(title, kind, statuses, manner)| Command::Create(WholeTask { title, kind, statuses, manner }));
    let edit = (task.clone(), title, kind, named, manner).prop_map(|(task, title, kind, statuses, manner)| {
        Command::Edit { task, wanted: WholeTask { title, kind, statuses, manner } }
    });
    let remove = task.clone().prop_map(|task| Command::Remove { task });
    let answer = (task, status).prop_map(|(task, status)| Command::Answer { task, status });
    let admins = prop_oneof![3 => create, 4 => edit, 1 => remove].prop_map(|command| ("admin", command));
    let everybodys = (prop::sample::select(&NAMES), answer);
    (prop::sample::select(&ROOMS), prop_oneof![admins, everybodys]).prop_map(|(room, (who, what))| (room, who, what))
}

/// What happens to a store in between.
#[derive(Clone, Debug)]
enum Step {
    Batch(Vec<Ask>),
    Told,
    Snapshot,
    /// Of the log so many percent may go.
    Compact(i64),
    Restart,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(ask(), 1..12).prop_map(Step::Batch),
        1 => Just(Step::Told),
        2 => Just(Step::Snapshot),
        2 => (0..=100i64).prop_map(Step::Compact),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
    ]
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Which store a test is run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// A place for one store.
pub(crate) struct Bed {
    pub folder: TempDir,
    /// Its name in the cluster that all tests share.
    pub database: Option<String>,
}

impl Bed {
    pub fn new(kind: Kind) -> Bed {
        let database = (kind == Kind::Postgres).then(|| Cluster::shared().database());
        Bed { folder: TempDir::new().unwrap(), database }
    }

    pub fn url(&self) -> Url {
        match &self.database {
            None => Url::Sqlite(self.folder.path().join("neerc.db")),
            Some(name) => Url::parse(&Cluster::shared().url(name), self.folder.path()).unwrap(),
        }
    }

    pub fn open(&self) -> Opened {
        open(&self.url()).unwrap()
    }

    fn archives(&self) -> PathBuf {
        archives_of(&self.url())
    }

    /// What is there if the machine stops now, in a place of its own.
    fn crashed(&self) -> Bed {
        let copy = TempDir::new().unwrap();
        let database = self.database.as_ref().map(|name| Cluster::shared().copy(name));
        if let Some(name) = &database {
            // Whoever served is not heard of any more, for as long as that takes.
            Cluster::shared().sql(name, "UPDATE lease SET until = now()");
        } else {
            for name in ["neerc.db", "neerc.db-wal"] {
                fs::copy(self.folder.path().join(name), copy.path().join(name)).unwrap();
            }
        }
        let copy = Bed { folder: copy, database };
        if let Ok(archives) = fs::read_dir(self.archives()) {
            fs::create_dir(copy.archives()).unwrap();
            for file in archives.map(|file| file.unwrap().path()) {
                fs::copy(&file, copy.archives().join(file.file_name().unwrap())).unwrap();
            }
        }
        copy
    }

    /// What is in the archives of the store.
    fn archived(&self) -> Vec<Entry> {
        let archives = archive::list(&self.archives()).unwrap();
        let mut entries = Vec::new();
        for (_, _, file) in archives {
            let mut archive = archive::ArchiveReader::open(&file).unwrap();
            while let Some(row) = archive.next().unwrap() {
                entries.push(row.entry);
            }
        }
        entries
    }
}

/// Runs each of these on either store, under a name that says which.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $name() { super::$name(super::Kind::Sqlite); })*
        }
        mod on_postgres {
            $(#[test] fn $name() { super::$name(super::Kind::Postgres); })*
        }
    };
}

on_both!(
    who_is_there_is_kept_for_those_who_stand_by_until_another_serves,
    told_is_stored_with_a_commit_or_soon_by_itself,
    the_log_of_a_room_is_read_in_parts_while_changes_are_stored,
    a_dropped_store_lets_go_with_everything_in_it,
    a_closed_store_says_so,
    too_many_batches_are_refused_and_the_others_stored,
    how_far_others_have_read_the_log_is_kept,
    a_copy_holds_what_the_store_does_and_can_be_put_into_either,
    a_store_goes_back_to_a_moment,
    a_store_that_went_back_is_another_one_and_says_what_is_missing,
    nothing_is_read_that_does_not_count_yet,
    damage_is_found,
);

fn decide(boards: &mut Boards, revision: u64, (room, who, command): &Ask) -> Option<Entry> {
    let board: &mut Board = boards.entry((*room).into()).or_default();
    let at_ms = 1_000 * revision as i64;
    let change = board.decide(at_ms, &person(who), &people(), command).ok()?.change?;
    board.apply(revision, &change);
    Some(Entry { revision, room: (*room).into(), at_ms, by: person(who), change, request: None })
}

/// Runs the steps and compares what each start finds with what was there before.
async fn check(kind: Kind, steps: Vec<Step>) {
    let mut bed = Bed::new(kind);
    let mut store = bed.open().store;
    let (mut boards, mut log, mut told) = (Boards::new(), Vec::<Entry>::new(), 0);
    let mut floor = 0;
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
            Step::Compact(percent) => {
                let since_ms = 10 * percent * log.len() as i64;
                let keep = Keep { since_ms, now_ms: i64::MAX, newest_bytes: 200 };
                let compacted = store.compact(keep).await.unwrap();
                assert!(compacted.floor.revision >= floor && compacted.floor.revision <= told, "{compacted:?}");
                floor = compacted.floor.revision;
                assert_eq!(bed.archived(), log[..floor as usize]);
            }
            Step::Restart | Step::Crash => {
                let is_crash = matches!(step, Step::Crash);
                let before;
                if is_crash {
                    before = bed;
                    bed = before.crashed();
                } else {
                    store.close().await.unwrap();
                }
                let opened = bed.open();
                assert_eq!(opened.boards, boards);
                assert_eq!(opened.revision, log.len() as u64);
                assert!(if is_crash { opened.told_revision <= told } else { opened.told_revision == told });
                assert_eq!(opened.untold, log[opened.told_revision as usize..]);
                assert_eq!((opened.archived_revision, &*opened.newest), (floor, &log[floor as usize..]));
                assert_eq!(bed.archived(), log[..floor as usize]);
                verify(&bed.url()).unwrap();
                (store, told) = (opened.store, opened.told_revision);
            }
        }
    }
    store.close().await.unwrap();
    let opened = bed.open();
    assert_eq!((opened.boards, opened.revision), (boards, log.len() as u64));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_start_finds_what_was_committed(steps in prop::collection::vec(step(), 1..16)) {
        block_on(check(Kind::Sqlite, steps));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn every_start_finds_what_was_committed_in_postgres(steps in prop::collection::vec(step(), 1..16)) {
        block_on(check(Kind::Postgres, steps));
    }
}

/// The first changes of a room: one task after the other.
pub(crate) fn created(revisions: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
    let mut boards = Boards::new();
    let (title, kind) = (Title::parse("Water").unwrap(), TaskKind::Todo);
    let create = Command::Create(WholeTask { title, kind, statuses: vec![], manner: Manner::Adding });
    let all = (1..=*revisions.end()).filter_map(|n| decide(&mut boards, n, &("neerc", "admin", create.clone())));
    all.filter(|entry| revisions.contains(&entry.revision)).collect()
}

fn told_is_stored_with_a_commit_or_soon_by_itself(kind: Kind) {
    let bed = Bed::new(kind);
    let store = bed.open().store;
    let told = |bed: &Bed| bed.open().told_revision;
    block_on(async {
        store.commit(created(1..=5)).await.unwrap();
        let since = Instant::now();
        store.told(3);
        store.told(2);
        let at_once = told(&bed.crashed());
        assert!(at_once == 0 || since.elapsed() >= limits::TOLD_WAIT, "{at_once} was stored at once");
        store.commit(created(6..=6)).await.unwrap();
        assert_eq!(told(&bed.crashed()), 3);
        store.told(999); // more than there is
        let since = Instant::now();
        while told(&bed.crashed()) != 6 {
            assert!(since.elapsed() < Duration::from_secs(30), "told was never stored");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

fn the_log_of_a_room_is_read_in_parts_while_changes_are_stored(kind: Kind) {
    let bed = Bed::new(kind);
    let store = bed.open().store;
    let reader = store.log_reader();
    let mut log = created(1..=9);
    log.iter_mut().filter(|entry| entry.revision % 3 == 0).for_each(|entry| entry.room = "other".into());
    let revisions = |room: &str, part, most| {
        let entries = reader.read(room, part, most).unwrap();
        assert!(entries.iter().all(|entry| *entry == log[entry.revision as usize - 1]));
        entries.iter().map(|entry| entry.revision).collect::<Vec<_>>()
    };
    block_on(async {
        store.commit(log[..6].to_vec()).await.unwrap();
        assert_eq!(revisions("neerc", LogPart::After(0), 3), [1, 2, 4]);
        store.commit(log[6..].to_vec()).await.unwrap();
        assert_eq!(revisions("neerc", LogPart::After(4), 100), [5, 7, 8]);
        assert_eq!(revisions("neerc", LogPart::Before(u64::MAX), 2), [8, 7]);
        assert_eq!(revisions("neerc", LogPart::Before(7), 100), [5, 4, 2, 1]);
        assert_eq!(revisions("other", LogPart::After(0), 100), [3, 6, 9]);
        assert_eq!(revisions("nowhere", LogPart::After(0), 100), [0; 0]);
        store.close().await.unwrap();
    });
    assert!(!bed.folder.path().join("neerc.db-wal").exists(), "no reader is left");
    assert_eq!(bed.open().revision, 9);
}

#[test]
fn the_log_is_copied_back_in_a_pause_and_the_file_is_whole_after_a_close() {
    let Bed { folder, .. } = &Bed::new(Kind::Sqlite);
    let store = open(&Url::Sqlite(folder.path().join("neerc.db"))).unwrap().store;
    let file = |name: &str| folder.path().join(name);
    let in_database = || fs::read(file("neerc.db")).unwrap().windows(5).any(|text| text == b"Water");
    block_on(async {
        let since = Instant::now();
        store.commit(created(1..=5)).await.unwrap();
        assert!(!in_database() || since.elapsed() >= limits::IDLE, "it was copied back at once");
        let since = Instant::now();
        while !in_database() {
            assert!(since.elapsed() < Duration::from_secs(30), "it was never copied back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        store.commit(created(6..=6)).await.unwrap();
        store.close().await.unwrap();
    });
    assert!(!file("neerc.db-wal").exists());
}

#[test]
fn the_log_is_copied_back_even_without_a_pause() {
    let Bed { folder, .. } = &Bed::new(Kind::Sqlite);
    let store = open(&Url::Sqlite(folder.path().join("neerc.db"))).unwrap().store;
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

fn a_dropped_store_lets_go_with_everything_in_it(kind: Kind) {
    let bed = Bed::new(kind);
    let store = bed.open().store;
    let other = store.clone();
    drop(store.commit(created(1..=5))); // nobody waits for it
    store.told(5);
    drop(store);
    other.snapshot(5, Boards::new());
    drop(other);
    let since = Instant::now();
    let opened = loop {
        match open(&bed.url()) {
            Err(StoreError::InUse { .. }) if since.elapsed() < Duration::from_secs(60) => {
                std::thread::sleep(Duration::from_millis(5))
            }
            opened => break opened.unwrap(),
        }
    };
    assert_eq!((opened.revision, opened.told_revision), (5, 5));
    assert!(opened.boards.is_empty(), "the snapshot (a wrong one, to tell it from the log) was not stored");
}

fn a_closed_store_says_so(kind: Kind) {
    let bed = Bed::new(kind);
    let store = bed.open().store;
    let other = store.clone();
    block_on(async {
        store.close().await.unwrap();
        let error = other.commit(created(1..=1)).await.unwrap_err();
        assert!(matches!(error, StoreError::Gone) && error.is_fatal());
        other.told(1);
        other.snapshot(1, Boards::new());
    });
    assert_eq!(bed.open().revision, 0);
}

fn too_many_batches_are_refused_and_the_others_stored(kind: Kind) {
    let bed = Bed::new(kind);
    let store = bed.open().store;
    let blocker = Blocker::of(&bed);
    // The thread of the store has taken the first one out of the queue when the last one is refused, or has not.
    let mut waiting = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    let refused = created(1..=70).into_iter().find_map(|entry| {
        let mut batch = Box::pin(store.commit(vec![entry]));
        match batch.as_mut().poll(&mut context) {
            Poll::Ready(outcome) => Some(outcome.unwrap_err()),
            Poll::Pending => {
                waiting.push(batch);
                None
            }
        }
    });
    assert_eq!(refused.unwrap().to_string(), "64 batches wait to be stored already; try again later");
    assert!((64..=65).contains(&waiting.len()), "{} wait", waiting.len());
    drop(blocker);
    let stored = waiting.len() as u64;
    block_on(async {
        for batch in waiting {
            batch.await.unwrap();
        }
        store.close().await.unwrap();
    });
    assert_eq!(bed.open().revision, stored);
}

fn how_far_others_have_read_the_log_is_kept(kind: Kind) {
    let bed = Bed::new(kind);
    let store = bed.open().store;
    let marks = |list: &[(&str, u64)]| list.iter().map(|(name, at)| ((*name).to_owned(), *at)).collect();
    let reader = store.log_reader();
    assert_eq!(reader.marks().unwrap(), marks(&[]));
    block_on(async {
        store.commit(created(1..=5)).await.unwrap();
        store.mark(marks(&[("a", 2), ("b", 9)])).await.unwrap();
    });
    assert_eq!(reader.marks().unwrap(), marks(&[("a", 2), ("b", 5)]), "nobody has read what is not there");
    block_on(store.mark(marks(&[("b", 4)]))).unwrap();
    drop(open_in_again(store, &bed));
    assert_eq!(reader.marks().unwrap(), marks(&[("b", 4)]), "of others nothing is kept");
    assert_eq!(reader.read_all(3, 9).unwrap(), created(4..=5));
    assert_eq!(reader.read_all(0, 2).unwrap(), created(1..=2));
}

/// Somebody else who writes and does not finish, until it is dropped.
enum Blocker {
    File(rusqlite::Connection),
    Server(Psql),
}

impl Blocker {
    fn of(bed: &Bed) -> Blocker {
        match &bed.database {
            None => {
                let other = rusqlite::Connection::open(bed.folder.path().join("neerc.db")).unwrap();
                other.execute_batch("BEGIN IMMEDIATE").unwrap();
                Blocker::File(other)
            }
            Some(name) => {
                let mut other = Cluster::shared().psql(name);
                other.run("BEGIN; SELECT FROM head FOR UPDATE;");
                Blocker::Server(other)
            }
        }
    }
}

impl Drop for Blocker {
    fn drop(&mut self) {
        match self {
            Blocker::File(other) => other.execute_batch("ROLLBACK").unwrap(),
            Blocker::Server(other) => other.run("ROLLBACK;"),
        }
    }
}

/// The same store after a restart, with all that it knew.
fn open_in_again(store: Store, bed: &Bed) -> Opened {
    block_on(store.close()).unwrap();
    let opened = bed.open();
    assert_eq!((opened.revision, opened.told_revision), (5, 0));
    opened
}

#[test]
fn where_a_store_can_be() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.db");
    for text in [String::from("sqlite:a.db"), format!("sqlite:{}", path.display())] {
        let url = Url::parse(&text, folder.path()).unwrap();
        assert_eq!(url.to_string(), format!("sqlite:{}", path.display()));
        block_on(open(&url).unwrap().store.close()).unwrap();
        assert!(path.exists());
        fs::remove_file(&path).unwrap();
    }
    let refused = |text| Url::parse(text, folder.path()).unwrap_err().to_string();
    let wanted = "must be \"sqlite:\" and a path, such as sqlite:neerc.db or sqlite:/var/lib/neerc/neerc.db, or a database \
                  such as postgres://neerc@localhost/neerc";
    assert_eq!(refused("mysql://neerc:secret@db/neerc"), format!("\"...@db/neerc\": {wanted}"));
    for text in ["", "sqlite:", "neerc.db", "sqlite://a.db", "sqlite:a.db?mode=ro", "sqlite:a\0b"] {
        assert_eq!(refused(text), format!("{text:?}: {wanted}"));
    }
    assert_eq!(refused("sqlite::memory:"), "\"sqlite::memory:\": must be a file: what is answered is on disk");
}

#[test]
fn where_a_database_can_be() {
    let folder = Path::new("/var/lib/neerc");
    let shown = |text: &str| Url::parse(text, folder).unwrap();
    let url = shown("postgres://neerc:secret@a,b:5433/tasks");
    assert_eq!(url.to_string(), "postgres://neerc@a,b:5433/tasks");
    assert!(!format!("{url:?}").contains("secret"));
    assert_eq!(url.local(), folder.join("neerc"));
    let local = "postgres://neerc@/var/run/postgresql/tasks";
    assert_eq!(shown("postgres://neerc@%2Fvar%2Frun%2Fpostgresql/tasks").to_string(), local);
    assert_eq!(shown("postgresql:///tasks?user=neerc").to_string(), local);
    let refused = |text: &str| Url::parse(text, folder).unwrap_err().to_string();
    assert_eq!(
        refused("postgres://neerc:secret@db/neerc?sslmode=allow"),
        "\"postgres:...\": its sslmode must be disable, prefer, require, verify-ca or verify-full"
    );
    for text in ["postgres://db/neerc", "postgres://neerc:secret@db", "postgres://", "postgres:neerc"] {
        let why = refused(text);
        assert!(why.ends_with("write postgres://USER@HOST/DATABASE") && !why.contains("secret"), "{text}: {why}");
    }
    let why = refused("postgres://neerc:pw@secret@a/neerc");
    assert!(
        why.ends_with("it has more than one @; write %40 for one in the password") && !why.contains("secret"),
        "{why}"
    );
    let why = refused("postgres://neerc:secret@a,b,c:1,d:2/neerc?sslmod=require");
    assert!(why.contains("unknown option `sslmod`") && !why.contains("secret"), "{why}");
}

/// A store with a log that was compacted, marks, a snapshot and something untold; it is closed.
fn lived_in(kind: Kind) -> Bed {
    let bed = Bed::new(kind);
    let store = bed.open().store;
    block_on(async {
        store.commit(created(1..=20)).await.unwrap();
        store.told(15);
        store.commit(created(21..=30)).await.unwrap();
        store.mark(BTreeMap::from([("web".to_owned(), 12)])).await.unwrap();
        let keep = Keep { since_ms: i64::MAX, now_ms: i64::MAX, newest_bytes: 1 };
        assert_eq!(store.compact(keep).await.unwrap().floor.revision, 12);
        let mut boards = Boards::new();
        created(1..=25).iter().for_each(|entry| boards.entry(entry.room.clone()).or_default().replay(entry));
        store.snapshot(25, boards);
        store.close().await.unwrap();
    });
    bed
}

/// Whether two starts find the same.
fn assert_same(one: &Opened, other: &Opened) {
    let numbers = |opened: &Opened| {
        let marks = opened.store.log_reader().marks().unwrap();
        (opened.revision, opened.snapshot_revision, opened.archived_revision, opened.told_revision, marks)
    };
    assert_eq!(numbers(one), numbers(other));
    assert_eq!((&one.boards, &one.untold, &one.newest), (&other.boards, &other.untold, &other.newest));
}

fn a_copy_holds_what_the_store_does_and_can_be_put_into_either(kind: Kind) {
    let bed = lived_in(kind);
    let opened = bed.open();
    assert_eq!((opened.revision, opened.snapshot_revision, opened.told_revision), (30, 25, 15));
    let copy = bed.folder.path().join("copy.db");
    let copied = backup(&bed.url(), Some(&copy), Existing::Keep).unwrap(); // while it is in use
    assert_eq!((copied.revision, copied.archived, copied.tasks), (30, 12, 30));
    let error = backup(&bed.url(), Some(&copy), Existing::Keep).unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }), "{error}");
    assert!(matches!(restore(&bed.url(), &copy).unwrap_err(), StoreError::InUse { .. }));
    for other in [Kind::Sqlite, Kind::Postgres] {
        let other = Bed::new(other);
        let before = other.open().store;
        block_on(before.commit(created(1..=2))).unwrap();
        block_on(before.close()).unwrap();
        let restored = restore(&other.url(), &copy).unwrap();
        assert_eq!((restored.now.revision, restored.now.tasks), (30, 30));
        assert_same(&other.open(), &opened);
        verify(&other.url()).unwrap();
        let kept = Url::Sqlite(restored.kept.expect("what was there is kept"));
        assert_eq!(open(&kept).unwrap().boards.values().map(Board::len).sum::<usize>(), 2);
    }
    block_on(opened.store.close()).unwrap();
}

fn a_store_goes_back_to_a_moment(kind: Kind) {
    for (revision, is_archived) in [(20, false), (5, true)] {
        let bed = lived_in(kind);
        let into = bed.folder.path().join("other.db");
        let recalled = restore_moment(&bed.url(), None, Some(&into), Moment::Revision(revision)).unwrap();
        assert_eq!((recalled.now.revision, recalled.left_out_count, recalled.kept), (revision, 30 - revision, None));
        let recalled = restore_moment(&bed.url(), None, None, Moment::Revision(revision)).unwrap();
        assert_eq!((recalled.now.revision, recalled.now.tasks as u64), (revision, revision));
        assert_eq!(recalled.left_out, Some(LogPoint { revision: revision + 1, at_ms: 1_000 * (revision as i64 + 1) }));
        let opened = bed.open();
        assert_eq!((opened.revision, opened.archived_revision), (revision, if is_archived { 0 } else { 12 }));
        assert_eq!(opened.told_revision, revision.min(15));
        let kept = open(&Url::Sqlite(recalled.kept.expect("what was there is kept"))).unwrap();
        assert_eq!((kept.revision, kept.archived_revision), (30, 12));
        block_on(opened.store.commit(created(revision + 1..=revision + 1))).unwrap();
    }
}

fn damage_is_found(kind: Kind) {
    for sql in [
        "UPDATE log SET record = replace(record, 'Water', 'Wine') WHERE revision = 28",
        "DELETE FROM log WHERE revision = 27",
        "DELETE FROM log WHERE revision = 30",
        "UPDATE log SET room = 'other' WHERE revision = 26",
    ] {
        let bed = lived_in(kind);
        match &bed.database {
            None => {
                let file = rusqlite::Connection::open(bed.folder.path().join("neerc.db")).unwrap();
                file.execute_batch(sql).unwrap();
            }
            Some(name) => drop(Cluster::shared().sql(name, sql)),
        }
        let error = open(&bed.url()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{sql}: {error}");
        assert!(backup(&bed.url(), Some(&bed.folder.path().join("copy.db")), Existing::Keep).is_err(), "{sql}");
    }
}

fn who_is_there_is_kept_for_those_who_stand_by_until_another_serves(kind: Kind) {
    let bed = Bed::new(kind);
    let opened = bed.open();
    let reader = LogReader::of(&bed.url());
    assert!(matches!(reader.backdrop(None).unwrap(), BackdropFound::Nothing));
    let room = |room: &str| RoomBackdrop {
        room: room.into(),
        people: people().into(),
        visibility: neerc_core::view::Visibility::Own,
        clock: None,
    };
    let mut backdrop = Backdrop { url: Some("http://a".into()), rooms: vec![room("neerc")] };
    opened.store.show_before(&backdrop).unwrap().wait().unwrap();
    let BackdropFound::New(found, stamp) = reader.backdrop(None).unwrap() else { panic!("it was kept") };
    assert!(found.is_like(&backdrop));
    assert!(matches!(reader.backdrop(Some(stamp)).unwrap(), BackdropFound::Same));
    backdrop.rooms.push(room("other"));
    assert!(!found.is_like(&backdrop));
    opened.store.show_before(&backdrop).unwrap().wait().unwrap();
    let BackdropFound::New(found, _) = reader.backdrop(Some(stamp)).unwrap() else { panic!("it is another one") };
    assert!(found.is_like(&backdrop));

    let title = Title::parse("water").unwrap();
    let wanted = WholeTask { title, kind: TaskKind::Todo, statuses: Vec::new(), manner: Manner::Replacing };
    let mut boards = Boards::new();
    let entry = decide(&mut boards, 1, &("neerc", "admin", Command::Create(wanted))).unwrap();
    block_on(opened.store.commit([entry.clone()])).unwrap();
    let state = reader.state().unwrap();
    assert_eq!((state.revision, &state.newest[..], state.boards), (1, &[entry][..], boards));
    block_on(opened.store.close()).unwrap();

    let opened = bed.open();
    assert!(matches!(reader.backdrop(None).unwrap(), BackdropFound::Nothing), "nobody knows yet who is there now");
    block_on(opened.store.close()).unwrap();
}

fn a_store_that_went_back_is_another_one_and_says_what_is_missing(kind: Kind) {
    let bed = Bed::new(kind);
    let copy = bed.folder.path().join("copy.db");
    let opened = bed.open();
    let first = opened.generation;
    block_on(opened.store.commit(created(1..=2))).unwrap();
    backup(&bed.url(), Some(&copy), Existing::Keep).unwrap();
    block_on(opened.store.commit(created(3..=5))).unwrap();
    block_on(opened.store.close()).unwrap();
    let opened = bed.open();
    assert_eq!((opened.generation, opened.lost), (first, None), "a start changes nothing");
    block_on(opened.store.close()).unwrap();

    restore(&bed.url(), &copy).unwrap();
    let opened = bed.open();
    assert_ne!(opened.generation, first);
    let lost = opened.lost.unwrap();
    assert_eq!((lost.first, lost.last, lost.since_ms), (3, 5, 2_000));
    assert!(lost.found_ms > 1_700_000_000_000, "{lost:?}");
    block_on(opened.store.commit(created(3..=4))).unwrap();
    block_on(opened.store.close()).unwrap();

    restore_moment(&bed.url(), None, None, Moment::Revision(1)).unwrap();
    let again = bed.open();
    let lost = again.lost.unwrap();
    assert_eq!((lost.first, lost.last, lost.since_ms), (2, 4, 1_000));
    assert!(![first, opened.generation].contains(&again.generation));
    block_on(again.store.close()).unwrap();

    // Where nothing was, nothing is missing; the history is another one all the same, since the two go on by themselves.
    let other = Bed::new(kind);
    restore(&other.url(), &copy).unwrap();
    let moved = other.open();
    assert_eq!((moved.revision, moved.lost), (2, None));
    assert_ne!(moved.generation, first);
}

fn nothing_is_read_that_does_not_count_yet(kind: Kind) {
    let bed = Bed::new(kind);
    let store = bed.open().store;
    let answered = Arc::new(AtomicU64::new(0));
    let log = store.log_reader().up_to(answered.clone());
    block_on(store.commit(created(1..=6))).unwrap();
    for counts in [0, 2, 5, 6, 9] {
        answered.store(counts, Ordering::SeqCst);
        let known: Vec<u64> = (1..=6).filter(|revision| *revision <= counts).collect();
        let revisions = |entries: Vec<Entry>| entries.iter().map(|entry| entry.revision).collect::<Vec<_>>();
        assert_eq!(revisions(log.read_all(0, 100).unwrap()), known);
        assert_eq!(revisions(log.read("neerc", LogPart::After(0), 100).unwrap()), known);
        let newest_first = revisions(log.read("neerc", LogPart::Before(u64::MAX), 100).unwrap());
        assert_eq!(newest_first.into_iter().rev().collect::<Vec<_>>(), known);
        let last = revisions(log.read("neerc", LogPart::Before(u64::MAX), 1).unwrap());
        assert_eq!(last, known.last().copied().into_iter().collect::<Vec<_>>(), "the newest that counts");
        assert_eq!(log.newest().unwrap(), counts.min(6));
        assert!(log.read_all(6, 100).unwrap().is_empty());
    }
}
