//! What a real PostgreSQL does to a store: killed, frozen, cut off, and cancelled while it waits for a standby.

use super::read::runtime;
use super::session::Session;
use crate::tests::{Bed, Kind, block_on, created};
use crate::{Opened, PostgresError, Store, StoreError, Url, limits, open};
use neerc_testing::postgres::{Cluster, signal_to};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Opens a store again. A server that was started anew first lets the one who served go on for as long as they might.
fn open_again(url: &Url) -> Opened {
    let since = Instant::now();
    loop {
        match open(url) {
            Err(StoreError::Postgres(PostgresError::Held { .. })) if since.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(50));
            }
            opened => return opened.unwrap(),
        }
    }
}

fn open_at(text: &str, folder: &Path) -> Result<Opened, StoreError> {
    open(&Url::parse(text, folder).unwrap())
}

fn commit(store: &Store, revisions: RangeInclusive<u64>) -> Result<(), StoreError> {
    store.commit(created(revisions)).wait()
}

/// Waits until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// What another start finds, once the one before is closed.
fn assert_stored(store: Store, url: &Url, last: u64) {
    block_on(store.close()).unwrap();
    let opened = open_again(url);
    assert_eq!((opened.revision, &opened.untold), (last, &created(1..=last)));
    block_on(opened.store.close()).unwrap();
}

#[test]
fn nothing_of_an_earlier_epoch_is_stored() {
    let bed = Bed::new(Kind::Postgres);
    let old = bed.open().store;
    commit(&old, 1..=2).unwrap();
    let other = TempDir::new().unwrap();
    let (cluster, name) = (Cluster::shared(), bed.database.clone().unwrap());
    let held = open_at(&cluster.url(&name), other.path()).unwrap_err();
    assert!(matches!(held, StoreError::Postgres(PostgresError::Held { .. })) && !held.is_fatal(), "{held}");
    cluster.sql(&name, "UPDATE lease SET until = now()"); // it is not heard of for a while
    let new = open_at(&cluster.url(&name), other.path()).unwrap();
    assert_eq!(new.revision, 2);
    let fenced = commit(&old, 3..=3).unwrap_err();
    assert!(matches!(fenced, StoreError::Postgres(PostgresError::Fenced { .. })) && fenced.is_fatal(), "{fenced}");
    assert!(matches!(commit(&old, 3..=3), Err(StoreError::Broken { .. })));
    old.told(2);
    assert!(block_on(old.close()).is_err(), "it has nothing more to say");
    assert_eq!(cluster.sql(&name, "SELECT epoch, revision, told FROM head"), "2|2|0");
    assert_eq!(
        cluster.sql(&name, "SELECT until > now() FROM lease"),
        "t",
        "the old one did not end the new one's term"
    );
    commit(&new.store, 3..=4).unwrap();
    assert_stored(new.store, &Url::parse(&cluster.url(&name), other.path()).unwrap(), 4);
}

#[test]
fn who_takes_over_waits_for_what_is_being_stored() {
    let bed = Bed::new(Kind::Postgres);
    let old = bed.open().store;
    commit(&old, 1..=2).unwrap();
    let (cluster, name) = (Cluster::shared(), bed.database.clone().unwrap());
    // A write of the old epoch that has not come to its end.
    let mut write = cluster.psql(&name);
    write.run("BEGIN; UPDATE head SET batch = batch WHERE epoch = 1;");
    cluster.sql(&name, "UPDATE lease SET until = now()");
    let (url, other) = (cluster.url(&name), TempDir::new().unwrap());
    thread::scope(|scope| {
        let taking = scope.spawn(|| open_at(&url, other.path()));
        let waits =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        until("it waits", || cluster.sql(&name, waits) == "1");
        assert!(!taking.is_finished());
        write.run("COMMIT;");
        assert_eq!(taking.join().unwrap().unwrap().revision, 2);
    });
}

#[test]
fn every_answered_change_survives_a_server_that_is_killed() {
    let mut cluster = Cluster::start(&[]);
    let folder = TempDir::new().unwrap();
    let url = Url::parse(&cluster.url("postgres"), folder.path()).unwrap();
    let store = open(&url).unwrap().store;
    let mut last = 0;
    for round in 0..5 {
        let goes_on = Arc::new(AtomicBool::new(true));
        let (writer, still) = (store.clone(), goes_on.clone());
        let begun = last;
        let writing = thread::spawn(move || {
            let mut last = begun;
            while still.load(Ordering::SeqCst) || last == begun {
                commit(&writer, last + 1..=last + 3).unwrap();
                last += 3;
            }
            last
        });
        let stored = "SELECT revision FROM head";
        until("it writes", || cluster.sql("postgres", stored).parse::<u64>().unwrap() > begun + 10 * round);
        cluster.kill();
        goes_on.store(false, Ordering::SeqCst);
        cluster.again();
        last = writing.join().unwrap();
        assert_eq!(cluster.sql("postgres", "SELECT revision FROM head"), last.to_string());
    }
    assert_stored(store, &url, last);
}

#[test]
fn connections_that_are_ended_all_the_time_lose_nothing_and_repeat_nothing() {
    let bed = Bed::new(Kind::Postgres);
    let store = bed.open().store;
    let (cluster, name) = (Cluster::shared(), bed.database.clone().unwrap());
    // Each commit is met three times at most, so that it gets through on any machine.
    let (ends, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
            while !is_over.load(Ordering::SeqCst) {
                match ends.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |ends| ends.checked_sub(1)) {
                    Ok(_) => drop(cluster.sql("postgres", &end)),
                    Err(_) => thread::sleep(Duration::from_millis(1)),
                }
            }
        });
        for revision in 1..=40 {
            ends.store(3, Ordering::SeqCst);
            let stored = commit(&store, revision..=revision);
            is_over.store(revision == 40 || stored.is_err(), Ordering::SeqCst);
            stored.unwrap();
        }
    });
    assert_stored(store, &bed.url(), 40);
}

/// The processes that work for others at a database, of which there are none or all of the same kind.
fn processes(name: &str) -> Vec<u32> {
    let find = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let found = Cluster::shared().sql(name, find);
    found.lines().map(|pid| pid.parse().unwrap()).collect()
}

#[test]
fn the_log_is_read_by_a_connection_that_is_kept_and_made_anew_once_it_breaks() {
    let bed = Bed::new(Kind::Postgres);
    let store = bed.open().store;
    let name = bed.database.clone().unwrap();
    commit(&store, 1..=3).unwrap();
    let before = processes(&name);
    let kept = || processes(&name).into_iter().filter(|pid| !before.contains(pid)).collect::<Vec<_>>();
    let reader = store.log_reader();
    assert!(kept().is_empty(), "nobody has read yet");
    assert_eq!(reader.newest().unwrap(), 3);
    let first = kept();
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!((reader.read_all(1, 10).unwrap().len(), store.log_reader().floor().unwrap().revision), (2, 0));
    assert_eq!(kept(), first, "whoever reads takes the same one");
    Cluster::shared().sql(&name, &format!("SELECT pg_terminate_backend({})", first[0]));
    until("it has ended", || kept().is_empty());
    commit(&store, 4..=4).unwrap();
    assert_eq!(reader.newest().unwrap(), 4);
    let second = kept();
    assert!(second.len() == 1 && second != first, "{second:?}");
    signal_to(second[0], "STOP");
    let read = reader.newest();
    signal_to(second[0], "CONT");
    assert_eq!(read.unwrap(), 4);
    until("the one that froze has ended", || kept().len() == 1 && kept() != second);
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert_eq!(reader.read_all(0, 10).unwrap().len(), 4));
        }
    });
    until("few are kept", || kept().len() <= limits::READERS_KEPT);
    drop((reader, store)); // in no order that matters
    until("none is left", || processes(&name).is_empty());
}

#[test]
fn a_process_of_the_server_that_freezes_holds_nothing_up_for_long() {
    let bed = Bed::new(Kind::Postgres);
    let store = bed.open().store;
    commit(&store, 1..=1).unwrap();
    let (cluster, name) = (Cluster::shared(), bed.database.clone().unwrap());
    let find = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let pid = cluster.sql(&name, find).parse().unwrap();
    signal_to(pid, "STOP");
    let stored = commit(&store, 2..=3);
    signal_to(pid, "CONT"); // what was sent to it comes too late
    stored.unwrap();
    until("it has ended", || !Path::new(&format!("/proc/{pid}")).exists());
    commit(&store, 4..=4).unwrap();
    assert_stored(store, &bed.url(), 4);
}

#[test]
fn a_server_that_freezes_is_waited_for_and_not_hung_on() {
    let cluster = Cluster::start(&[]);
    let folder = TempDir::new().unwrap();
    let url = Url::parse(&cluster.url("postgres"), folder.path()).unwrap();
    let store = open(&url).unwrap().store;
    commit(&store, 1..=1).unwrap();
    let find = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let all = [cluster.sql("postgres", find).parse().unwrap(), cluster.pid()];
    all.iter().for_each(|pid| signal_to(*pid, "STOP"));
    let waiting = store.commit(created(2..=2));
    thread::sleep(limits::COMMIT + crate::limits::CONNECT); // long enough to have been given up and tried again
    all.iter().for_each(|pid| signal_to(*pid, "CONT"));
    waiting.wait().unwrap();
    assert_stored(store, &url, 2);
}

/// Commits that wait for a standby that does not come, and how many have.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

#[test]
fn a_wait_for_the_standby_that_is_cut_short_is_not_an_answer() {
    let cluster = Cluster::start(&[]);
    let folder = TempDir::new().unwrap();
    let url = Url::parse(&cluster.url("postgres"), folder.path()).unwrap();
    let store = open(&url).unwrap().store;
    let set = |names: &str| {
        cluster.sql("postgres", &format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"));
        cluster.sql("postgres", "SELECT pg_reload_conf()");
        until("it is set", || cluster.sql("postgres", "SHOW synchronous_standby_names") == names);
    };
    for (round, cut) in ["pg_cancel_backend", "pg_terminate_backend"].into_iter().enumerate() {
        let revision = round as u64 + 1;
        // The session that sets it would wait for the standby itself if it wrote anything: it does not.
        set("nobody");
        let mut waiting = store.commit(created(revision..=revision));
        until("it waits for the standby", || cluster.sql("postgres", WAITING) == "1");
        let cut_it = format!("SELECT {cut}(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        cluster.sql("postgres", &cut_it);
        let stored = "SELECT revision FROM head";
        until("it is there for all to see", || cluster.sql("postgres", stored) == revision.to_string());
        until("it waits again, with something behind it", || {
            let sql =
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE '%FOR UPDATE%'";
            cluster.sql("postgres", sql) == "1"
        });
        let answered = block_on(async { tokio::time::timeout(Duration::from_millis(100), &mut waiting).await });
        assert!(answered.is_err(), "{cut}: it was answered: {answered:?}");
        set(""); // whoever waits is let go
        waiting.wait().unwrap();
    }
    assert_stored(store, &url, 2);
}

#[test]
fn a_standby_that_takes_long_is_waited_for() {
    let cluster = Cluster::start(&[]);
    let folder = TempDir::new().unwrap();
    let url = Url::parse(&cluster.url("postgres"), folder.path()).unwrap();
    let store = open(&url).unwrap().store;
    cluster.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    cluster.sql("postgres", "SELECT pg_reload_conf()");
    until("it is set", || cluster.sql("postgres", "SHOW synchronous_standby_names") == "nobody");
    let mut waiting = store.commit(created(1..=1));
    let longer = limits::COMMIT + Duration::from_secs(3);
    let answered = block_on(async { tokio::time::timeout(longer, &mut waiting).await });
    assert!(answered.is_err(), "{answered:?}");
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE '%unnest%'";
    assert_eq!(cluster.sql("postgres", waits), "1", "it is the same one, which was not given up");
    cluster.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''");
    cluster.sql("postgres", "SELECT pg_reload_conf()");
    waiting.wait().unwrap();
    assert_stored(store, &url, 1);
}

/// The same store, where changes go on without a standby.
fn going_on(url: &Url) -> Url {
    match url {
        Url::Postgres(servers) => Url::Postgres((**servers).clone().going_on().into()),
        Url::Sqlite(_) => panic!("{url} is no database"),
    }
}

#[test]
fn without_a_standby_changes_go_on_after_a_while_where_that_is_wanted_and_wait_again_once_one_is_back() {
    let cluster = Cluster::start(&[]);
    // As a user who may do nothing but write to their own database.
    cluster.sql("postgres", "CREATE ROLE neerc LOGIN");
    cluster.sql("postgres", "CREATE DATABASE tasks OWNER neerc");
    let folder = TempDir::new().unwrap();
    let text = cluster.url("tasks").replace("postgres://postgres@", "postgres://neerc@");
    let url = going_on(&Url::parse(&text, folder.path()).unwrap());
    let set = |names: &str| {
        cluster.sql("postgres", &format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"));
        cluster.sql("postgres", "SELECT pg_reload_conf()");
        until("it is set", || cluster.sql("postgres", "SHOW synchronous_standby_names") == names);
    };
    let store = open(&url).unwrap().store;
    set("nobody");
    let since = Instant::now();
    commit(&store, 1..=1).unwrap();
    let first = since.elapsed();
    assert!(first >= limits::STANDBY_AWAY, "{first:?}");
    for revision in 2..=4 {
        commit(&store, revision..=revision).unwrap();
    }
    let waits = |what: &str| {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE";
        cluster.sql("postgres", &format!("{sql} '%{what}%'"))
    };
    assert_eq!(waits("unnest"), "0", "none of them waits");
    until("something waits for a standby", || waits("emit_message") == "1");
    set(""); // that is as good as one that has come
    until("nothing waits any more", || waits("emit_message") == "0");
    set("nobody");
    // Whoever stores looks at it with the next change, once it was heard of.
    let mut revision = 4;
    let waiting = loop {
        revision += 1;
        let mut waiting = store.commit(created(revision..=revision));
        let is_done = block_on(async { tokio::time::timeout(Duration::from_secs(2), &mut waiting).await });
        match is_done {
            Ok(stored) => stored.unwrap(),
            Err(_) => break waiting,
        }
        assert!(revision < 100, "no change waits");
    };
    until("it waits for the standby", || waits("unnest") == "1");
    set("");
    waiting.wait().unwrap();
    assert_stored(store, &url, revision);
}

#[test]
fn who_takes_over_without_a_standby_waits_for_nobody_who_does() {
    let cluster = Arc::new(Cluster::start(&[]));
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let url = |folder: &TempDir| going_on(&Url::parse(&cluster.url("postgres"), folder.path()).unwrap());
    let first = open(&url(&one)).unwrap().store;
    cluster.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    cluster.sql("postgres", "SELECT pg_reload_conf()");
    until("it is set", || cluster.sql("postgres", "SHOW synchronous_standby_names") == "nobody");
    // What processes that are gone have left behind: it holds the rows that whoever takes over must write.
    let (ended, left) = mpsc::channel();
    for sql in ["UPDATE head SET batch = 'left'", "UPDATE lease SET holder = 'left', epoch = epoch + 1"] {
        let (theirs, ended) = (cluster.clone(), ended.clone());
        thread::spawn(move || ended.send(theirs.try_sql("postgres", sql)));
    }
    until("they wait for the standby", || cluster.sql("postgres", WAITING) == "2");
    let again =
        "SET lock_timeout = '1 s'; SET synchronous_commit = local; UPDATE lease SET until = now() - interval '1 s'";
    let since = Instant::now();
    let second = loop {
        match open(&url(&other)) {
            Ok(opened) => break opened.store,
            Err(error) => assert!(since.elapsed() < PATIENCE, "{error}"),
        }
        let _ = cluster.try_sql("postgres", again); // for whoever served is not heard of any more; the row may be held yet
        thread::sleep(Duration::from_millis(100));
    };
    for _ in 0..2 {
        assert!(left.recv_timeout(PATIENCE).unwrap().is_err(), "nobody was told that it is stored");
    }
    cluster.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''");
    cluster.sql("postgres", "SELECT pg_reload_conf()");
    assert!(commit(&first, 1..=1).unwrap_err().is_fatal(), "its term is over");
    commit(&second, 1..=1).unwrap();
    assert_stored(second, &url(&other), 1);
}

#[test]
fn a_server_that_follows_is_asked_for_all_that_is_on_its_disk() {
    let primary = Cluster::start(&[]);
    let other = Cluster::standby(&primary, &[]);
    let folder = TempDir::new().unwrap();
    let url = Url::parse(&primary.url("postgres"), folder.path()).unwrap();
    let store = open(&url).unwrap().store;
    commit(&store, 1..=1).unwrap();
    until("it follows", || other.try_sql("postgres", "SELECT revision FROM head").is_ok_and(|stored| stored == "1"));
    // It applies nothing for a while.
    other.sql("postgres", "SELECT pg_wal_replay_pause()");
    until("it pauses", || other.sql("postgres", "SELECT pg_get_wal_replay_pause_state()") == "paused");
    commit(&store, 2..=3).unwrap();
    let flushed = primary.sql("postgres", "SELECT pg_current_wal_flush_lsn()");
    until("it has all", || {
        other.sql("postgres", &format!("SELECT pg_last_wal_receive_lsn() >= '{flushed}'::pg_lsn")) == "t"
    });
    assert_eq!(other.sql("postgres", "SELECT revision FROM head"), "1");
    let Url::Postgres(servers) = Url::parse(&other.url("postgres"), folder.path()).unwrap() else { panic!("a server") };
    thread::scope(|scope| {
        let asked = scope.spawn(|| crate::survey(&servers).unwrap());
        let asks = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_last_wal_replay_lsn() <%' AND pid <> pg_backend_pid()";
        until("it is asked", || other.sql("postgres", asks) == "1");
        other.sql("postgres", "SELECT pg_wal_replay_resume()");
        let said = asked.join().unwrap().servers.remove(0).said.unwrap();
        assert_eq!(said.log.map(|log| log.revision), Some(3));
    });
    let both = format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/postgres", primary.port(), other.port());
    let followers = crate::LogReader::of_followers(&Url::parse(&both, folder.path()).unwrap()).unwrap();
    assert_eq!(followers.state().unwrap().revision, 3);
    assert!(followers.replayed_ms().unwrap().is_some() && store.log_reader().replayed_ms().unwrap().is_none());
    block_on(store.close()).unwrap();
}

#[test]
fn servers_that_would_lose_what_was_answered_are_refused() {
    let cluster = Cluster::start(&["fsync = off"]);
    let folder = TempDir::new().unwrap();
    let refused = || open_at(&cluster.url("postgres"), folder.path()).unwrap_err().to_string();
    let why = refused();
    assert!(why.contains("is not used: fsync is off, so a power cut could lose what was answered"), "{why}");
    cluster.sql("postgres", "ALTER SYSTEM SET full_page_writes = off");
    cluster.sql("postgres", "ALTER SYSTEM SET fsync = on");
    cluster.sql("postgres", "SELECT pg_reload_conf()");
    until("it is set", || cluster.sql("postgres", "SHOW full_page_writes") == "off");
    assert!(refused().contains("full_page_writes is off"));
    cluster.sql("postgres", "ALTER SYSTEM RESET full_page_writes");
    // What a role is set to is set back: the warning must be heard, and commits be on disk.
    cluster.sql("postgres", "ALTER ROLE postgres SET synchronous_commit = off");
    cluster.sql("postgres", "ALTER ROLE postgres SET client_min_messages = error");
    cluster.sql("postgres", "SELECT pg_reload_conf()");
    until("it is set", || cluster.sql("postgres", "SHOW full_page_writes") == "on");
    let opened = open_at(&cluster.url("postgres"), folder.path()).unwrap();
    assert!(opened.store.concerns().is_empty(), "{:?}", opened.store.concerns());
    commit(&opened.store, 1..=1).unwrap();
    cluster.sql("postgres", "CREATE DATABASE foreign_ones");
    cluster.sql("foreign_ones", "CREATE TABLE log (line text)");
    let error = open_at(&cluster.url("foreign_ones"), TempDir::new().unwrap().path()).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    cluster.sql("postgres", "CREATE DATABASE newer");
    let (url, other) = (cluster.url("newer"), TempDir::new().unwrap());
    block_on(open_at(&url, other.path()).unwrap().store.close()).unwrap();
    cluster.sql("newer", "UPDATE meta SET value = 99 WHERE key = 'format'");
    let error = open_at(&url, other.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
}

#[test]
fn servers_are_tried_in_turn_and_each_says_why_not() {
    let bed = Bed::new(Kind::Postgres);
    let (cluster, name) = (Cluster::shared(), bed.database.clone().unwrap());
    // Accepts and says nothing.
    let mute = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let silent = mute.local_addr().unwrap().port();
    let dead = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let url = |last: u16| format!("postgres://postgres@127.0.0.1:{silent},127.0.0.1:{dead},127.0.0.1:{last}/{name}");
    let opened = open_at(&url(cluster.port()), bed.folder.path()).unwrap();
    block_on(opened.store.close()).unwrap();
    let why = open_at(&url(dead), bed.folder.path()).unwrap_err().to_string();
    let said = format!("127.0.0.1:{silent}: no answer within 3 s; 127.0.0.1:{dead}: error connecting to server: ");
    assert!(why.contains(&said) && why.contains("Connection refused"), "{why}");
}

#[test]
fn a_server_that_was_promoted_was_asked_again_only_after_the_silent_one_had_been_given_up() {
    let (folder, cluster, name) = (TempDir::new().unwrap(), Cluster::shared(), Cluster::shared().database());
    let mute = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let silent = mute.local_addr().unwrap().port();
    let text = format!("postgres://postgres@127.0.0.1:{silent},127.0.0.1:{}/{name}", cluster.port());
    let Url::Postgres(servers) = Url::parse(&text, folder.path()).unwrap() else { panic!("a server") };
    let mut psql = cluster.psql("postgres");
    let mut promoted = |is: &str| psql.run(&format!("ALTER DATABASE {name} SET default_transaction_read_only = {is};"));
    promoted("on");
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(limits::NEXT_SERVER * 3); // it has refused by then; if it has not, it is asked later
            promoted("off");
        });
        runtime().unwrap().block_on(async { drop(Session::connect(&servers).await.unwrap()) });
    });
}

#[test]
fn a_server_gives_up_a_machine_that_is_gone_as_soon_as_we_do() {
    let folder = TempDir::new().unwrap();
    let text = Cluster::url_at(Cluster::shared().port(), "postgres");
    let Url::Postgres(servers) = Url::parse(&text, folder.path()).unwrap() else { panic!("a server") };
    let select = "SELECT string_agg(setting, ' ' ORDER BY name) FROM pg_settings WHERE name LIKE 'tcp\\_%'";
    let set = super::read::runtime().unwrap().block_on(async {
        let session = super::session::Session::connect(&servers).await.unwrap();
        session.client().query_one(select, &[]).await.unwrap().get::<_, String>(0)
    });
    assert_eq!(set, "3 5 2 8000");
}

#[test]
fn what_nobody_waited_for_any_more_stayed_on_the_server_until_there_was_no_place_left() {
    let cluster = Cluster::shared();
    let folder = TempDir::new().unwrap();
    let database = cluster.database();
    let Url::Postgres(servers) = Url::parse(&cluster.url(&database), folder.path()).unwrap() else {
        panic!("a server")
    };
    cluster.sql(&database, "CREATE TABLE held AS SELECT 1 AS row");
    let mut holder = cluster.psql(&database);
    holder.run("BEGIN; UPDATE held SET row = 2;");
    let waiting = || {
        cluster.sql(
            "postgres",
            &format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND wait_event_type = 'Lock'"),
        )
    };
    super::read::runtime().unwrap().block_on(async {
        let session = super::session::Session::connect(&servers).await.unwrap();
        let mut asked = std::pin::pin!(session.client().execute("UPDATE held SET row = 3", &[]));
        let since = Instant::now();
        while waiting() != "1" {
            assert!(since.elapsed() < PATIENCE, "it does not wait for the row");
            let answer = tokio::time::timeout(Duration::from_millis(50), &mut asked).await;
            assert!(answer.is_err(), "{answer:?}");
        }
    });
    until("it is not waited for any more", || waiting() == "0");
}

/// A way to the server that swallows what goes in one direction, of the connections that were made before.
struct Way {
    port: u16,
    /// Swallows what connections of a lower number carry.
    swallows: Arc<AtomicBool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    FromServer,
}

impl Way {
    fn to(port: u16, swallowed: Direction) -> Way {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let own = listener.local_addr().unwrap().port();
        let swallows = Arc::new(AtomicBool::new(false));
        let given = swallows.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                // What comes later is carried as it should be.
                let is_old = !given.load(Ordering::SeqCst);
                for (from, to, direction) in [
                    (client.try_clone().unwrap(), server.try_clone().unwrap(), Direction::ToServer),
                    (server, client, Direction::FromServer),
                ] {
                    let swallows = (is_old && direction == swallowed).then(|| given.clone());
                    thread::spawn(move || carry(from, to, swallows));
                }
            }
        });
        Way { port: own, swallows }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, swallows: Option<Arc<AtomicBool>>) {
    let mut buffer = [0; 4_096];
    while let Ok(len @ 1..) = from.read(&mut buffer) {
        let is_swallowed = swallows.as_ref().is_some_and(|swallows| swallows.load(Ordering::SeqCst));
        if !is_swallowed && to.write_all(&buffer[..len]).is_err() {
            break;
        }
    }
    let is_swallowed = swallows.is_some_and(|swallows| swallows.load(Ordering::SeqCst));
    if !is_swallowed {
        drop(to.shutdown(Shutdown::Both));
    }
}

fn swallowed(direction: Direction) {
    let bed = Bed::new(Kind::Postgres);
    let (cluster, name) = (Cluster::shared(), bed.database.clone().unwrap());
    let way = Way::to(cluster.port(), direction);
    let url = Cluster::url_at(way.port, &name);
    let store = open_at(&url, bed.folder.path()).unwrap().store;
    commit(&store, 1..=1).unwrap();
    way.swallows.store(true, Ordering::SeqCst);
    commit(&store, 2..=3).unwrap();
    commit(&store, 4..=4).unwrap();
    assert_stored(store, &Url::parse(&url, bed.folder.path()).unwrap(), 4);
}

#[test]
fn a_way_that_swallows_what_is_sent_is_left() {
    swallowed(Direction::ToServer);
}

#[test]
fn a_way_that_swallows_the_answers_is_left_and_nothing_stored_twice() {
    swallowed(Direction::FromServer);
}
