//! A month of contests in twenty rooms, through the ledger and the store of the program: each night what is older than three
//! days is moved into archives, and the service is started anew. The store stops growing, a start reads no more at the end
//! than at the beginning, and the store is brought back to moments of the whole month, each of which a model has kept.

use fastrand::Rng;
use neerc_core::board::Boards;
use neerc_core::command::{Command, Manner, Named, WholeTask};
use neerc_core::ledger::{Ask, Face, Ledger, Now, Rooms, Stored, Token};
use neerc_core::people::{Affiliation, GroupBook, People, Person, Standing};
use neerc_core::task::{Kind, Progress, Status, TaskId, Title};
use neerc_core::units::DAY_MS;
use neerc_store::{Keep, Moment, Opened, Store, Url, files_of, open, restore_moment, verify_files};
use neerc_testing::trust;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::future::Future;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DAYS: usize = 30;
const ROOMS: usize = 20;
const HALLS: usize = 20;
/// How many batches a day has, and a batch changes.
const BATCHES: usize = 20;
/// Days that stay in the database.
const KEPT: i64 = 3;
/// The morning of the first day.
const BEGIN_MS: i64 = 1_764_111_600_000;

/// The people of every room.
struct Crowd(People);

impl Crowd {
    fn new() -> Crowd {
        let names = std::iter::once("admin".to_owned()).chain((1..=HALLS).map(|hall| format!("hall{hall}")));
        let standings = names.map(|name| {
            let affiliation = if name == "admin" { Affiliation::Owner } else { Affiliation::Member };
            Standing { person: Person::named(&name, "localhost"), affiliation }
        });
        let standings: Vec<_> = standings.collect();
        Crowd(People::build("localhost", "neerc", standings, HashMap::new(), &GroupBook::default()))
    }
}

impl Rooms for Crowd {
    fn people(&mut self, _: &str) -> &People {
        &self.0
    }

    fn is_known(&self, _: &str) -> bool {
        true
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// The service without faces.
struct Life {
    rng: Rng,
    crowd: Crowd,
    ledger: Ledger,
    store: Option<Store>,
    url: Url,
    wall_ms: i64,
    asked: u64,
}

impl Life {
    fn store(&self) -> &Store {
        self.store.as_ref().expect("open by day")
    }

    /// Asks for a change: a task in a room that has few, or an answer.
    fn ask(&mut self) {
        let room = self.rng.usize(..ROOMS);
        let live: Vec<_> = self.board(room);
        let is_task = live.len() < 3 || self.rng.u32(..40) == 0 && live.len() < 12;
        let (who, command) = if is_task {
            let title = Title::parse(&format!("Water for {}", self.asked)).unwrap();
            let statuses =
                (1..=HALLS).map(|hall| Named { name: format!("hall{hall}"), status: Status::NONE }).collect();
            (
                "admin".to_owned(),
                Command::Create(WholeTask { title, kind: Kind::Todo, statuses, manner: Manner::Adding }),
            )
        } else {
            let progress = [Progress::Running, Progress::Success, Progress::Fail][self.rng.usize(..3)];
            let status = Status::new(progress, &format!("word {}", self.asked)).unwrap();
            let task = live[self.rng.usize(..live.len())];
            (format!("hall{}", self.rng.usize(1..=HALLS)), Command::Answer { task, status })
        };
        self.send(room, &who, command);
    }

    fn send(&mut self, room: usize, who: &str, command: Command) {
        self.asked += 1;
        let token = Token { face: Face::Xmpp, number: self.asked };
        let who = Person::named(who, "localhost");
        self.ledger.ask(Ask { token, room: format!("room{room}").into(), who, command, request: None, seen: None });
    }

    fn board(&self, room: usize) -> Vec<TaskId> {
        let board = self.ledger.boards().get(format!("room{room}").as_str());
        board.iter().flat_map(|board| board.tasks()).map(|task| task.id).collect()
    }

    /// Makes all that was asked durable, and has it told.
    fn settle(&mut self) {
        let now = Now::from_ms(self.wall_ms, self.wall_ms);
        let mut answers = Vec::new();
        let mut batch = None;
        while !self.ledger.is_idle() || batch.is_some() {
            let next = batch.take().or_else(|| self.ledger.decide_last(now, &mut self.crowd, &mut answers));
            let Some(entries) = next else { continue };
            block_on(self.store().commit(entries)).unwrap();
            batch = self.ledger.stored(now, Stored::Yes).unwrap().next;
        }
        self.store().told(self.ledger.revision());
    }

    /// What boards there are.
    fn boards(&self) -> Boards {
        let known = self.ledger.boards().iter().filter(|(_, board)| board.revision() > 0);
        known.map(|(room, board)| (room.clone(), board.clone())).collect()
    }

    /// Removes the tasks of the day, compacts, and starts anew. Returns how long the store is and what its start read.
    fn night(&mut self) -> (u64, u64, Duration) {
        for room in 0..ROOMS {
            for task in self.board(room) {
                self.send(room, "admin", Command::Remove { task });
            }
        }
        self.settle();
        let revision = self.ledger.revision();
        block_on(async {
            let store = self.store();
            store.snapshot(revision, self.boards());
            let since_ms = self.wall_ms - KEPT * DAY_MS;
            store.compact(Keep { since_ms, now_ms: self.wall_ms, newest_bytes: 64 * 1_024 }).await.unwrap();
            store.shrink().await.unwrap(); // what was moved is deleted meanwhile, so that the length says what is kept
        });
        block_on(self.store.take().expect("open by day").close()).unwrap();
        let file = self.url.local();
        let len = fs::metadata(file).unwrap().len();
        let began = Instant::now();
        let opened = open(&self.url).unwrap();
        let took = began.elapsed();
        assert_eq!((opened.revision, &opened.boards), (revision, &self.boards()));
        let read = (revision - opened.snapshot_revision.min(opened.told_revision)) + opened.newest.len() as u64;
        let Opened { store, boards, newest, .. } = opened;
        self.ledger = Ledger::new(boards, revision).after(newest);
        self.store = Some(store);
        (len, read, took)
    }
}

#[test]
fn after_a_month_the_store_is_as_small_as_after_a_week_and_every_moment_comes_back() {
    let (batch, moments) = (trust::times(100, 1_000), trust::times(5, 100));
    let folder = TempDir::new().unwrap();
    let url = Url::Sqlite(folder.path().join("neerc.db"));
    let mut rng = Rng::with_seed(16);
    let mut chosen = BTreeSet::new();
    while chosen.len() < moments {
        chosen.insert(rng.usize(..DAYS * BATCHES));
    }
    let store = Some(open(&url).unwrap().store);
    let (crowd, ledger) = (Crowd::new(), Ledger::new(Boards::new(), 0));
    let mut life = Life { rng, crowd, ledger, store, url, wall_ms: BEGIN_MS, asked: 0 };
    let (mut model, mut nights) = (BTreeMap::new(), Vec::new());
    for day in 0..DAYS {
        for number in 0..BATCHES {
            (0..batch).for_each(|_| life.ask());
            life.settle();
            if chosen.contains(&(day * BATCHES + number)) {
                model.insert(life.wall_ms, (life.ledger.revision(), life.boards()));
            }
            life.wall_ms += DAY_MS / BATCHES as i64 - 1;
        }
        nights.push(life.night());
        life.wall_ms += BATCHES as i64;
    }
    let last = life.ledger.revision();
    let most = |nights: &[(u64, u64, Duration)]| {
        nights.iter().map(|(len, read, _)| (*len, *read)).reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)))
    };
    let (week, month) = (most(&nights[5..10]).unwrap(), most(&nights[25..]).unwrap());
    let slowest = nights.iter().map(|night| night.2).max().unwrap();
    println!(
        "{last} changes; {week:?} bytes and rows read in the second week, {month:?} in the last; a start took {slowest:?} at most"
    );
    assert!(month.0 <= week.0 * 3 / 2 && month.1 <= week.1 * 3 / 2, "{nights:?}");
    for verdict in verify_files(&files_of(&life.url).unwrap()) {
        assert!(verdict.is_fine(), "{verdict:?}");
    }
    for (at_ms, (revision, boards)) in &model {
        let then = TempDir::new().unwrap();
        let file = then.path().join("then.db");
        let recalled = restore_moment(&life.url, None, Some(&file), Moment::At(*at_ms)).unwrap();
        assert_eq!(recalled.now.revision, *revision);
        let opened = open(&Url::Sqlite(file)).unwrap();
        assert_eq!((opened.revision, &opened.boards), (*revision, boards), "{at_ms}");
        block_on(opened.store.close()).unwrap();
    }
    let outcome = format!(
        "{last} changes; {} bytes after a week, {} after a month; a start took {} ms at most; every moment was that board",
        week.0,
        month.0,
        slowest.as_millis()
    );
    trust::report("P1", "a month of contests, and moments of it brought back", model.len(), &outcome);
}
