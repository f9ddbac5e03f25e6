//! What every start finds, whatever happened before, and how the handle behaves.

use super::*;
use neerc_core::board::Board;
use neerc_core::command::{Command, Manner, Named, WholeTask};
use neerc_core::people::{Affiliation, GroupBook, People, Person, Standing};
use neerc_core::task::{Kind, Progress, Status, TaskId, Title};
use proptest::prelude::*;
use std::collections::HashMap;
use std::fs;
use std::future::Future;
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
    let kind = prop::sample::select(vec![Kind::Todo, Kind::TodoFail, Kind::Confirm, Kind::OkFail, Kind::Question]);
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

fn open_in(folder: &Path) -> Opened {
    open(&Url::Sqlite(folder.join("neerc.db"))).unwrap()
}

/// The files as a power cut leaves them, in a folder of their own.
fn crashed(folder: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    for name in ["neerc.db", "neerc.db-wal"] {
        fs::copy(folder.join(name), copy.path().join(name)).unwrap();
    }
    if let Ok(archives) = fs::read_dir(folder.join("neerc.db.archive")) {
        fs::create_dir(copy.path().join("neerc.db.archive")).unwrap();
        for file in archives.map(|file| file.unwrap().path()) {
            fs::copy(&file, copy.path().join("neerc.db.archive").join(file.file_name().unwrap())).unwrap();
        }
    }
    copy
}

/// What is in the archives of a store.
fn archived(folder: &Path) -> Vec<Entry> {
    let archives = archive::list(&folder.join("neerc.db.archive")).unwrap();
    let mut entries = Vec::new();
    for (_, _, file) in archives {
        let mut archive = archive::ArchiveReader::open(&file).unwrap();
        while let Some(row) = archive.next().unwrap() {
            entries.push(row.entry);
        }
    }
    entries
}

fn decide(boards: &mut Boards, revision: u64, (room, who, command): &Ask) -> Option<Entry> {
    let board: &mut Board = boards.entry((*room).into()).or_default();
    let at_ms = 1_000 * revision as i64;
    let change = board.decide(at_ms, &person(who), &people(), command).ok()?.change?;
    board.apply(revision, &change);
    Some(Entry { revision, room: (*room).into(), at_ms, by: person(who), change, request: None })
}

/// Runs the steps and compares what each start finds with what was there before.
async fn check(steps: Vec<Step>) {
    let mut folder = TempDir::new().unwrap();
    let mut store = open_in(folder.path()).store;
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
                assert_eq!(archived(folder.path()), log[..floor as usize]);
            }
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
                assert_eq!((opened.archived_revision, &*opened.newest), (floor, &log[floor as usize..]));
                assert_eq!(archived(folder.path()), log[..floor as usize]);
                verify(&Url::Sqlite(folder.path().join("neerc.db"))).unwrap();
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
pub(crate) fn created(revisions: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
    let mut boards = Boards::new();
    let (title, kind) = (Title::parse("Water").unwrap(), Kind::Todo);
    let create = Command::Create(WholeTask { title, kind, statuses: vec![], manner: Manner::Adding });
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
        let since = Instant::now();
        store.told(3);
        store.told(2);
        let at_once = told(&crashed(folder.path()));
        assert!(at_once == 0 || since.elapsed() >= limits::TOLD_WAIT, "{at_once} was stored at once");
        store.commit(created(6..=6)).await.unwrap();
        assert_eq!(told(&crashed(folder.path())), 3);
        store.told(999); // more than there is
        let since = Instant::now();
        while told(&crashed(folder.path())) != 6 {
            assert!(since.elapsed() < Duration::from_secs(30), "told was never stored");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

#[test]
fn the_log_of_a_room_is_read_in_parts_while_changes_are_stored() {
    let folder = TempDir::new().unwrap();
    let store = open_in(folder.path()).store;
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
    assert!(!folder.path().join("neerc.db-wal").exists(), "no reader is left");
    assert_eq!(open_in(folder.path()).revision, 9);
}

#[test]
fn the_log_is_copied_back_in_a_pause_and_the_file_is_whole_after_a_close() {
    let folder = TempDir::new().unwrap();
    let store = open_in(folder.path()).store;
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
        match open(&Url::Sqlite(folder.path().join("neerc.db"))) {
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
    blocker.execute_batch("ROLLBACK").unwrap();
    let stored = waiting.len() as u64;
    block_on(async {
        for batch in waiting {
            batch.await.unwrap();
        }
        store.close().await.unwrap();
    });
    assert_eq!(open_in(folder.path()).revision, stored);
}

#[test]
fn how_far_others_have_read_the_log_is_kept() {
    let folder = TempDir::new().unwrap();
    let store = open_in(folder.path()).store;
    let marks = |list: &[(&str, u64)]| list.iter().map(|(name, at)| ((*name).to_owned(), *at)).collect();
    let reader = store.log_reader();
    assert_eq!(reader.marks().unwrap(), marks(&[]));
    block_on(async {
        store.commit(created(1..=5)).await.unwrap();
        store.mark(marks(&[("a", 2), ("b", 9)])).await.unwrap();
    });
    assert_eq!(reader.marks().unwrap(), marks(&[("a", 2), ("b", 5)]), "nobody has read what is not there");
    block_on(store.mark(marks(&[("b", 4)]))).unwrap();
    drop(open_in_again(store, folder.path()));
    assert_eq!(reader.marks().unwrap(), marks(&[("b", 4)]), "of others nothing is kept");
    assert_eq!(reader.read_all(3, 9).unwrap(), created(4..=5));
    assert_eq!(reader.read_all(0, 2).unwrap(), created(1..=2));
}

/// The same store after a restart, with all that it knew.
fn open_in_again(store: Store, folder: &Path) -> Opened {
    block_on(store.close()).unwrap();
    let opened = open_in(folder);
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
        refused("postgres://neerc:secret@db/neerc?sslmode=require"),
        "\"postgres:...\": this version cannot encrypt the connection: reach it by its Unix socket, through WireGuard or \
         through an ssh tunnel, and leave sslmode out"
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
