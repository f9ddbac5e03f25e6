//! Copies that are made, put back and refused.

use super::{Existing, beside};
use crate::{Url, backup, open, restore, verify};
use neerc_core::board::Boards;
use neerc_core::change::{Change, Entry};
use neerc_core::people::Person;
use neerc_core::task::{Kind, TaskId, Title};
use rusqlite::Connection;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn url(folder: &TempDir, name: &str) -> Url {
    Url::Sqlite(folder.path().join(name))
}

fn path(url: &Url) -> &Path {
    let Url::Sqlite(path) = url else { unreachable!() };
    path
}

fn entry(revision: u64) -> Entry {
    let (task, title, timestamp_ms) = (TaskId(revision), Title::parse("Water").unwrap(), 1_000 + revision as i64);
    let change =
        Change::Created { task, title, kind: Kind::Todo, timestamp_ms, statuses: vec![], plan: None, deadline: None };
    Entry { revision, room: "neerc".into(), at_ms: timestamp_ms, by: Person::from_bare("a@b"), change, request: None }
}

async fn store_of(url: &Url, revisions: std::ops::RangeInclusive<u64>) {
    let opened = open(url).unwrap();
    opened.store.commit(revisions.map(entry).collect::<Vec<_>>()).await.unwrap();
    opened.store.close().await.unwrap();
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn revision(url: &Url) -> u64 {
    let opened = open(url).unwrap();
    block_on(opened.store.close()).unwrap();
    opened.revision
}

fn names(folder: &TempDir) -> Vec<String> {
    let names = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn a_backup_brings_back_what_was() {
    let folder = TempDir::new().unwrap();
    let (store, copy) = (url(&folder, "a.db"), folder.path().join("copy.db"));
    block_on(store_of(&store, 1..=3));
    let copied = backup(&store, Some(&copy), Existing::Keep).unwrap();
    assert_eq!((copied.revision, copied.tasks), (3, 3));
    let error = backup(&store, Some(&copy), Existing::Keep).unwrap_err().to_string();
    assert!(error.ends_with("copy.db exists already; give another name, or --force to replace it"), "{error}");
    block_on(store_of(&store, 4..=5));
    let restored = restore(&store, &copy).unwrap();
    assert_eq!((restored.now.revision, restored.now.tasks), (3, 3));
    assert_eq!(restored.kept, Some(folder.path().join("a.db.old-1")));
    assert_eq!(revision(&store), 3);
    assert_eq!(revision(&url(&folder, "a.db.old-1")), 5);
    backup(&store, Some(&copy), Existing::Replace).unwrap();
}

#[test]
fn what_is_not_a_whole_store_is_no_backup_and_nothing_is_touched() {
    let folder = TempDir::new().unwrap();
    let (store, copy) = (url(&folder, "a.db"), folder.path().join("copy.db"));
    block_on(store_of(&store, 1..=3));
    block_on(store_of(&Url::Sqlite(copy.clone()), 1..=30));
    let refused = |expected: &str| {
        let before = names(&folder);
        let error = restore(&store, &copy).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(names(&folder), before);
        assert_eq!(revision(&store), 3);
    };
    let sql = |sql| Connection::open(&copy).unwrap().execute_batch(sql).unwrap();
    sql("UPDATE log SET sum = 0 WHERE revision = 2");
    refused("copy.db is damaged: revision 2 of the log: its checksum");
    sql("DELETE FROM log WHERE revision < 30");
    refused("copy.db is damaged: revision 1 of the log is missing");
    fs::write(&copy, "").unwrap();
    refused("copy.db is not a neerc store");
    fs::remove_file(&copy).unwrap();
    refused("cannot use");
    let error = restore(&store, path(&store)).unwrap_err().to_string();
    assert!(error.ends_with("a.db is the store itself; give the name of another file"), "{error}");
    let error = backup(&store, Some(path(&store)), Existing::Replace).unwrap_err().to_string();
    assert!(error.contains("is the store itself"), "{error}");
}

#[test]
fn a_backup_can_be_put_where_no_store_was() {
    let folder = TempDir::new().unwrap();
    let (store, copy) = (url(&folder, "a.db"), folder.path().join("copy.db"));
    block_on(store_of(&store, 1..=3));
    backup(&store, Some(&copy), Existing::Keep).unwrap();
    let new = url(&folder, "new.db");
    assert_eq!(restore(&new, &copy).unwrap().kept, None);
    assert_eq!(revision(&new), 3);
    // What was taken away is missed until it is back.
    fs::remove_file(path(&new)).unwrap();
    assert!(open(&new).unwrap_err().to_string().contains("is gone"));
    restore(&new, &copy).unwrap();
    assert_eq!(revision(&new), 3);
}

#[test]
fn a_store_that_has_lost_its_last_changes_is_not_backed_up() {
    let folder = TempDir::new().unwrap();
    let (store, copy) = (url(&folder, "a.db"), folder.path().join("copy.db"));
    block_on(store_of(&store, 1..=3));
    Connection::open(path(&store)).unwrap().execute_batch("DELETE FROM log WHERE revision = 3").unwrap();
    let error = backup(&store, Some(&copy), Existing::Keep).unwrap_err().to_string();
    assert!(error.contains("the log ends at revision 2, but ") && !copy.exists(), "{error}");
}

#[test]
fn nothing_is_restored_under_a_running_service() {
    let folder = TempDir::new().unwrap();
    let (store, copy) = (url(&folder, "a.db"), folder.path().join("copy.db"));
    block_on(store_of(&store, 1..=3));
    backup(&store, Some(&copy), Existing::Keep).unwrap();
    let opened = open(&store).unwrap();
    let error = restore(&store, &copy).unwrap_err().to_string();
    assert!(error.contains("a.db is in use by another neerc (process "), "{error}");
    block_on(opened.store.close()).unwrap();
    restore(&store, &copy).unwrap();
}

#[test]
fn a_wrong_snapshot_is_found_by_reading_everything() {
    let folder = TempDir::new().unwrap();
    let store = url(&folder, "a.db");
    block_on(async {
        let opened = open(&store).unwrap();
        opened.store.commit((1..=3).map(entry).collect::<Vec<_>>()).await.unwrap();
        opened.store.snapshot(3, Boards::new());
        opened.store.close().await.unwrap();
    });
    let error = verify(&store).unwrap_err().to_string();
    assert!(error.contains("the snapshot of revision 3 is not what the log comes to"), "{error}");
}

#[test]
fn what_was_stored_in_a_file_that_somebody_took_away_was_lost() {
    for (ending, replaces) in [("", false), ("-wal", false), ("", true)] {
        let folder = TempDir::new().unwrap();
        let store = url(&folder, "a.db");
        let file = beside(path(&store), ending);
        block_on(async {
            let opened = open(&store).unwrap();
            opened.store.commit(vec![entry(1)]).await.unwrap();
            fs::rename(&file, folder.path().join("away")).unwrap();
            if replaces {
                fs::copy(folder.path().join("away"), &file).unwrap();
            }
            let error = opened.store.commit(vec![entry(2)]).await.unwrap_err();
            assert!(error.is_fatal() && error.to_string().contains("not the file any more"), "{error}");
            let error = opened.store.commit(vec![entry(2)]).await.unwrap_err();
            assert!(error.is_fatal(), "{error}");
        });
    }
}

#[test]
fn a_store_that_is_gone_is_not_made_anew() {
    let folder = TempDir::new().unwrap();
    let store = url(&folder, "a.db");
    block_on(store_of(&store, 1..=3));
    fs::remove_file(path(&store)).unwrap();
    let error = open(&store).unwrap_err().to_string();
    assert!(error.contains("a.db is gone, and ") && error.contains("revision 3 was stored"), "{error}");
    fs::remove_file(beside(path(&store), ".lock")).unwrap();
    assert_eq!(revision(&store), 0);
}
