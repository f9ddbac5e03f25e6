//! Processes that stand by for a store in a real PostgreSQL, played by as many locks in folders of their own.

use crate::lease::{LEASE_TTL_MS, LeaseFree, LeaseSeen};
use crate::postgres::read::runtime;
use crate::postgres::session::Session;
use crate::postgres::take;
use crate::tests::{block_on, created};
use crate::{Fence, LogReader, Looked, Opened, Standby, StoreCopies, StoreError, Url, limits};
use neerc_testing::postgres::Cluster;
use neerc_testing::trust::{report, times};
use std::cell::Cell;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Barrier, Mutex, OnceLock};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long is waited for what must come, on a loaded machine too.
const PATIENCE: Duration = Duration::from_secs(60);

fn steady_ms() -> i64 {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    1_000 + BEGAN.get_or_init(Instant::now).elapsed().as_millis() as i64
}

/// A machine, by its folder.
struct Node {
    folder: TempDir,
    url: Url,
}

impl Node {
    fn of(database: &str) -> Node {
        let folder = TempDir::new().unwrap();
        let url = Url::parse(&Cluster::shared().url(database), folder.path()).unwrap();
        Node { folder, url }
    }

    fn stand_by(&self) -> Standby {
        Standby::of(&self.url, steady_ms)
    }
}

fn sql(database: &str, sql: &str) -> String {
    Cluster::shared().sql(database, sql)
}

/// Looks until the store is this one's; how long that took.
#[track_caller]
fn serves(standby: &mut Standby) -> (Opened, Duration) {
    let since = Instant::now();
    loop {
        match standby.look().unwrap() {
            Looked::Opened(opened) => return (*opened, since.elapsed()),
            Looked::Others(who) => assert!(since.elapsed() < PATIENCE, "{who:?}"),
        }
        sleep(Duration::from_millis(20));
    }
}

/// Stores that, in time.
#[track_caller]
fn commit(opened: &Opened, revisions: RangeInclusive<u64>) -> Result<(), StoreError> {
    block_on(async { tokio::time::timeout(PATIENCE, opened.store.commit(created(revisions))).await })
        .expect("an answer")
}

/// Waits until this process may speak no more.
#[track_caller]
fn falls_silent(opened: &mut Opened) {
    block_on(async { tokio::time::timeout(PATIENCE, opened.holding.ended()).await }).expect("it falls silent");
}

#[track_caller]
fn stands_by(standby: &mut Standby) -> crate::WhoServes {
    match standby.look().unwrap() {
        Looked::Others(who) => who,
        Looked::Opened(_) => panic!("it serves"),
    }
}

#[test]
fn one_serves_and_the_other_one_follows_at_once_where_it_ends_cleanly() {
    let database = Cluster::shared().database();
    let (a, b) = (Node::of(&database), Node::of(&database));
    let (first, _) = serves(&mut a.stand_by());
    assert!(first.holding.may_speak() && first.holding.left_ms() <= LEASE_TTL_MS);
    block_on(first.store.commit(created(1..=3))).unwrap();
    let mut second = b.stand_by();
    let since = Instant::now();
    while stands_by(&mut second).revision != 3 {
        assert!(since.elapsed() < PATIENCE);
    }
    assert!(!stands_by(&mut second).holder.is_empty());
    // It goes on for longer than a lease lasts, since it is renewed.
    let until = Instant::now() + Duration::from_millis(LEASE_TTL_MS as u64 + 1_000);
    while Instant::now() < until {
        stands_by(&mut second);
        assert!(first.holding.may_speak());
        sleep(Duration::from_millis(50));
    }
    block_on(first.store.close()).unwrap();
    let (second, took) = serves(&mut second);
    assert_eq!(second.revision, 3);
    assert!(took < Duration::from_millis(LEASE_TTL_MS as u64 / 2), "{took:?}");
    block_on(second.store.commit(created(4..=4))).unwrap();
}

#[test]
fn of_two_that_start_at_once_one_serves() {
    let rounds = times(20, 1_000);
    let (mut epoch, mut revision, mut skipped) = (0, 0, 0);
    let database = Cluster::shared().database();
    let nodes = [Node::of(&database), Node::of(&database)];
    for round in 0..rounds {
        // Each second time they also find a database without any tables.
        if round % 2 == 0 {
            sql(&database, "DROP TABLE IF EXISTS meta, log, snapshot, floor, head, lease, backdrop");
            (epoch, revision) = (0, 0);
        }
        let barrier = Barrier::new(nodes.len());
        let looked: Vec<Result<Looked, StoreError>> = scope(|scope| {
            let threads = nodes.each_ref().map(|node| {
                scope.spawn(|| {
                    let mut standby = node.stand_by();
                    barrier.wait();
                    standby.look()
                })
            });
            threads.map(|thread| thread.join().unwrap()).into() // nobody ends before both have looked
        });
        let mut stores = looked.into_iter().filter_map(|looked| match looked.unwrap() {
            Looked::Opened(opened) => Some(opened.store),
            Looked::Others(_) => None,
        });
        let store = stores.next().unwrap_or_else(|| panic!("round {round}: nobody serves"));
        assert!(stores.next().is_none(), "round {round}: both serve");
        revision += 1;
        block_on(store.commit(created(revision..=revision))).unwrap();
        let head = sql(&database, "SELECT epoch, revision FROM head");
        let (new, stored) = head.split_once('|').unwrap();
        let new: u64 = new.parse().unwrap();
        assert!(new > epoch && stored == revision.to_string(), "round {round}: {head} after epoch {epoch}");
        skipped += new - epoch - 1; // on a machine that hangs for two seconds whoever asks asks again
        epoch = new;
        block_on(store.close()).unwrap();
    }
    let outcome = format!("one served and stored each time, in an epoch of its own; {skipped} epochs between them");
    report("P6", "two services that start at once on one database", rounds, &outcome);
}

#[test]
fn who_does_not_renew_is_followed_once_the_lease_has_run_out_and_is_fenced() {
    let database = Cluster::shared().database();
    let (a, b) = (Node::of(&database), Node::of(&database));
    let first = crate::open(&a.url).unwrap(); // takes it and keeps nothing
    let mut second = b.stand_by();
    stands_by(&mut second);
    sql(&database, "UPDATE lease SET until = now() + interval '1 s'");
    let (second, _) = serves(&mut second);
    assert!(block_on(first.store.commit(created(1..=1))).unwrap_err().is_fatal());
    block_on(second.store.commit(created(1..=1))).unwrap();
    assert!(a.folder.path().exists());
}

#[test]
fn who_finds_the_lease_taken_is_silent_without_delay() {
    let database = Cluster::shared().database();
    let node = Node::of(&database);
    let (mut opened, _) = serves(&mut node.stand_by());
    sql(&database, "UPDATE lease SET holder = 'another', epoch = epoch + 1, until = now() + interval '1 h'");
    falls_silent(&mut opened);
    assert!(!opened.holding.may_speak());
}

#[test]
fn what_another_server_wrote_of_the_time_is_not_believed() {
    let database = Cluster::shared().database();
    let node = Node::of(&database);
    block_on(serves(&mut node.stand_by()).0.store.close()).unwrap(); // the tables are made
    let waits = |said: &str| {
        sql(&database, &format!("UPDATE lease SET holder = 'another', {said}"));
        let other = Node::of(&database);
        let mut standby = other.stand_by();
        matches!(standby.look().unwrap(), Looked::Others(_))
    };
    let foreign = "clock = clock - interval '1 h'";
    assert!(waits(&format!("until = now() - interval '10 min', {foreign}")), "its time may not be over");
    let left = sql(&database, "SELECT until BETWEEN now() + interval '1 s' AND now() + interval '9 s' FROM lease");
    assert_eq!(left, "t", "it has as long again");
    assert!(waits(&format!("until = now() + interval '10 min', {foreign}")));
    assert_eq!(sql(&database, "SELECT until < now() + interval '9 s' FROM lease"), "t");
    assert!(
        waits(&format!("until = '-infinity', timeline = timeline + 1, {foreign}")),
        "somebody may have taken it since"
    );
    assert!(!waits(&format!("until = '-infinity', timeline = timeline - 1, {foreign}")), "it was given back here");
}

#[test]
fn the_last_but_one_took_over_at_once_on_a_server_that_had_missed_the_last_one() {
    let database = Cluster::shared().database();
    let node = Node::of(&database);
    block_on(serves(&mut node.stand_by()).0.store.close()).unwrap();
    let own = crate::postgres::holder(node.url.local());
    let held = |timeline: &str| {
        sql(
            &database,
            &format!("UPDATE lease SET holder = '{own}', until = now() + interval '7 s', timeline = {timeline}"),
        );
    };
    held("timeline - 1");
    assert_eq!(stands_by(&mut node.stand_by()).holder, own);
    held("timeline + 1"); // it was killed, and begins again
    serves(&mut node.stand_by());
}

/// A fence that notes whom it was to end, and says that it did.
fn fence(ended: &Arc<Mutex<Vec<String>>>) -> Fence {
    let ended = ended.clone();
    Fence::by(move |order| {
        assert!(order.database_is_here, "{order:?}");
        ended.lock().unwrap().push(order.holder.clone());
        Ok(())
    })
}

#[test]
fn who_has_not_renewed_is_ended_once_before_another_one_serves() {
    let database = Cluster::shared().database();
    let (a, b) = (Node::of(&database), Node::of(&database));
    let _first = crate::open(&a.url).unwrap(); // takes it and keeps nothing
    let ended = Arc::default();
    let mut second = b.stand_by().with_fence(fence(&ended));
    let holder = stands_by(&mut second).holder;
    assert!(ended.lock().unwrap().is_empty());
    sql(&database, "UPDATE lease SET until = now() + interval '1 s'");
    let (second, _) = serves(&mut second);
    assert_eq!(*ended.lock().unwrap(), [holder]);
    block_on(second.store.close()).unwrap();
    serves(&mut Node::of(&database).stand_by().with_fence(fence(&ended)));
    assert_eq!(ended.lock().unwrap().len(), 1, "whoever gives it back needs not be ended");
}

#[test]
fn what_was_given_back_is_seen_as_such() {
    let (database, folder) = (Cluster::shared().database(), TempDir::new().unwrap());
    let url = Url::parse(&Cluster::shared().url(&database), folder.path()).unwrap();
    block_on(serves(&mut Standby::of(&url, steady_ms)).0.store.close()).unwrap();
    let Url::Postgres(server) = &url else { panic!("{url}") };
    let seen = runtime().unwrap().block_on(async {
        let session = Session::connect(server).await.unwrap();
        take::sight(&session, &server.name()).await.unwrap()
    });
    assert!(seen.is_given_back && !seen.is_from_before && seen.lasts_ms == 0, "{seen:?}");
}

#[test]
fn who_cannot_be_ended_is_followed_all_the_same_once_the_lease_has_run_out() {
    let database = Cluster::shared().database();
    let (a, b) = (Node::of(&database), Node::of(&database));
    let _first = crate::open(&a.url).unwrap();
    let mut second = b.stand_by().with_fence(Fence::by(|_| Err(String::from("no route to host"))));
    stands_by(&mut second);
    sql(&database, "UPDATE lease SET until = now() + interval '1 s'");
    serves(&mut second);
}

#[test]
fn who_was_ended_is_not_waited_for_where_a_server_was_promoted() {
    /// A clock that can be put forward, as if that time had passed.
    static PASSED_MS: AtomicI64 = AtomicI64::new(0);
    fn jumping_ms() -> i64 {
        steady_ms() + PASSED_MS.load(Ordering::SeqCst)
    }
    let database = Cluster::shared().database();
    let (a, b) = (Node::of(&database), Node::of(&database));
    let _first = crate::open(&a.url).unwrap();
    sql(&database, "UPDATE lease SET timeline = timeline - 1, clock = clock - interval '1 h'");
    let ended = Arc::default();
    let mut second = Standby::of(&b.url, jumping_ms).with_fence(fence(&ended));
    stands_by(&mut second);
    assert!(ended.lock().unwrap().is_empty(), "it may still come");
    PASSED_MS.fetch_add(LEASE_TTL_MS, Ordering::SeqCst);
    let (second, took) = serves(&mut second);
    assert_eq!(ended.lock().unwrap().len(), 1);
    assert!(took < Duration::from_millis(LEASE_TTL_MS as u64 * 2 / 3), "{took:?}");
    block_on(second.store.close()).unwrap();
}

#[test]
fn that_somebody_was_ended_says_nothing_of_what_another_server_has() {
    let database = Cluster::shared().database();
    let (a, b) = (Node::of(&database), Node::of(&database));
    let first = crate::open(&a.url).unwrap();
    let Url::Postgres(server) = &b.url else { panic!("{:?}", b.url) };
    let takes = |server_seen: i64, epoch: u64| {
        let free = LeaseFree::EndedOf(LeaseSeen { epoch, server: server_seen });
        runtime().unwrap().block_on(async {
            let session = Session::connect(server).await.unwrap();
            take::take(&session, server, ("b", free), limits::LEASE_TTL).await.unwrap()
        })
    };
    let seen = takes(0, 0).unwrap_err();
    assert!(seen.lasts_ms > 0 && !seen.is_given_back);
    takes(seen.server - 1, seen.epoch).unwrap_err();
    takes(seen.server, seen.epoch - 1).unwrap_err();
    assert_eq!(takes(seen.server, seen.epoch).unwrap().epoch, seen.epoch + 1);
    assert!(block_on(first.store.commit(created(1..=1))).unwrap_err().is_fatal());
}

#[test]
fn a_log_that_ends_before_what_was_seen_is_another_one() {
    let database = Cluster::shared().database();
    let node = Node::of(&database);
    let (opened, _) = serves(&mut node.stand_by());
    block_on(opened.store.commit(created(1..=4))).unwrap();
    block_on(opened.store.close()).unwrap();
    let generation = || sql(&database, "SELECT generation FROM lease");
    let before = generation();
    let (opened, _) = serves(&mut node.stand_by());
    assert_eq!(opened.lost, None);
    block_on(opened.store.close()).unwrap();
    assert_eq!(generation(), before);
    sql(&database, "DELETE FROM log WHERE revision > 2; UPDATE head SET revision = 2, told = 2");
    let (opened, _) = serves(&mut node.stand_by());
    let lost = opened.lost.unwrap();
    assert_eq!((lost.first, lost.last), (3, 4));
    assert!(lost.since_ms > 0 && lost.found_ms > 0, "{lost:?}");
    assert_ne!(generation(), before);
    assert_eq!(generation(), opened.generation.to_string());
    block_on(opened.store.close()).unwrap();
    let (again, _) = serves(&mut node.stand_by());
    assert_eq!((again.lost, again.generation), (Some(lost), opened.generation), "it is found once, and kept");
    block_on(again.store.close()).unwrap();
    sql(&database, "UPDATE lease SET timeline = timeline - 1");
    let (promoted, _) = serves(&mut node.stand_by());
    assert_ne!(promoted.generation, opened.generation, "who was promoted cannot know what it has not got");
}

#[test]
fn what_was_stored_alone_is_missed_once_the_standby_that_was_away_is_promoted() {
    let primary = Cluster::start(&[]);
    let database = primary.database();
    let mut standby = Cluster::standby(&primary, &[]);
    let [one, two] = [&primary, &standby].map(|cluster| cluster.url(&database));
    let host = |url: &str| url.split(['@', '/']).nth(3).unwrap().to_owned();
    let url = one.replace(&host(&one), &format!("{},{}", host(&one), host(&two)));
    let folder = TempDir::new().unwrap();
    let Url::Postgres(servers) = Url::parse(&url, folder.path()).unwrap() else { panic!("{url}") };
    let url = Url::Postgres((*servers).clone().going_on().into());
    let (opened, _) = serves(&mut Standby::of(&url, steady_ms));
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.sql("postgres", "SELECT pg_reload_conf()");
    let knows = |wanted: StoreCopies| {
        let since = Instant::now();
        while opened.holding.copies() != wanted {
            assert!(since.elapsed() < PATIENCE, "{:?} and not {wanted:?}", opened.holding.copies());
            sleep(Duration::from_millis(20));
        }
    };
    knows(StoreCopies::Kept);
    commit(&opened, 1..=2).unwrap();
    standby.kill();
    commit(&opened, 3..=4).unwrap();
    knows(StoreCopies::Alone);
    assert!(opened.holding.may_speak());
    primary.kill();
    standby.again();
    standby.promote();
    let fenced = commit(&opened, 5..=5).unwrap_err();
    assert!(fenced.is_fatal(), "{fenced}");
    drop(opened);
    let (opened, _) = serves(&mut Standby::of(&url, steady_ms));
    assert_eq!((opened.revision, opened.lost.map(|lost| (lost.first, lost.last))), (2, Some((3, 4))));
}

#[test]
fn who_serves_knows_whether_there_is_a_second_copy() {
    let primary = Cluster::start(&[]);
    let database = primary.database();
    let folder = TempDir::new().unwrap();
    let url = Url::parse(&primary.url(&database), folder.path()).unwrap();
    let (opened, _) = serves(&mut Standby::of(&url, steady_ms));
    let (by_looking, seen) = (LogReader::of(&url), Cell::new(StoreCopies::Unknown));
    let knows = |wanted: StoreCopies| {
        let since = Instant::now();
        while opened.holding.copies() != wanted || seen.get() != wanted {
            assert!(since.elapsed() < PATIENCE, "{:?} and not {wanted:?}", (opened.holding.copies(), seen.get()));
            sleep(Duration::from_millis(20));
            seen.set(by_looking.copies(seen.get()).unwrap());
        }
    };
    let waits_for = |names: &str| {
        primary.sql("postgres", &format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"));
        primary.sql("postgres", "SELECT pg_reload_conf()");
    };
    knows(StoreCopies::Unknown);
    let standby = Cluster::standby(&primary, &[]);
    waits_for("*");
    knows(StoreCopies::Kept);
    standby.kill();
    knows(StoreCopies::Awaited);
    assert!(opened.holding.may_speak(), "to serve on does not wait for the standby");
    waits_for("");
    knows(StoreCopies::Alone);
    block_on(opened.store.commit(created(1..=1))).unwrap();
    block_on(opened.store.close()).unwrap();

    // As after a promotion: nobody is waited for, and the address says that there should be another one.
    let (ours, theirs) = (primary.port(), standby.port());
    let both = format!("postgres://postgres@127.0.0.1:{ours},127.0.0.1:{theirs}/{database}");
    let url = Url::parse(&both, folder.path()).unwrap();
    let (opened, _) = serves(&mut Standby::of(&url, steady_ms));
    let since = Instant::now();
    while opened.holding.copies() != StoreCopies::Alone {
        assert!(since.elapsed() < PATIENCE, "{:?}", opened.holding.copies());
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn who_serves_is_silent_once_the_database_has_lost_what_was_stored_also_where_nobody_writes() {
    let database = Cluster::shared().database();
    let node = Node::of(&database);
    let (mut opened, _) = serves(&mut node.stand_by());
    block_on(opened.store.commit(created(1..=4))).unwrap();
    sql(&database, "DELETE FROM log WHERE revision > 2; UPDATE head SET revision = 2, told = 2");
    falls_silent(&mut opened);
    assert!(!opened.holding.may_speak());
    drop(opened);
    let (again, _) = serves(&mut node.stand_by());
    assert_eq!((again.revision, again.lost.map(|lost| (lost.first, lost.last))), (2, Some((3, 4))));
}

#[test]
fn who_holds_the_lease_of_one_server_opened_the_log_of_another_that_had_come_back() {
    let (mut old, promoted) = (Cluster::start(&[]), Cluster::start(&[]));
    let database = old.database();
    assert_eq!(promoted.database(), database);
    let both = format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/{database}", old.port(), promoted.port());
    old.kill();
    let [first, second] = [(); 2].map(|()| TempDir::new().unwrap());
    let stand_by = |folder: &TempDir| Standby::of(&Url::parse(&both, folder.path()).unwrap(), steady_ms);
    let (opened, _) = serves(&mut stand_by(&first));
    commit(&opened, 1..=3).unwrap();
    let mut second = stand_by(&second);
    stands_by(&mut second);
    old.again();
    block_on(opened.store.close()).unwrap();
    let since = Instant::now();
    let why = loop {
        match second.look() {
            Ok(Looked::Others(who)) => assert!(since.elapsed() < PATIENCE, "{who:?}"),
            Ok(Looked::Opened(opened)) => panic!("it shows a log that ends at revision {}", opened.revision),
            Err(error) => break error.to_string(),
        }
    };
    assert!(why.contains("two of its servers are written to"), "{why}");
}
