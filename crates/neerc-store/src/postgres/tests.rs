//! What a real PostgreSQL does to a store.

use crate::tests::{block_on, created};
use crate::{Opened, Store, StoreError, Url, open};
use neerc_testing::postgres::Cluster;
use std::path::Path;
use tempfile::TempDir;

/// A database of its own in the cluster that all tests share.
fn bed() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let name = Cluster::shared().database();
    (folder, name)
}

fn url(text: &str, folder: &Path) -> Url {
    Url::parse(text, folder).unwrap()
}

fn open_in(folder: &Path, database: &str) -> Result<Opened, StoreError> {
    open(&url(&Cluster::shared().url(database), folder))
}

fn commit(store: &Store, revisions: std::ops::RangeInclusive<u64>) -> Result<(), StoreError> {
    block_on(store.commit(created(revisions)))
}

#[test]
fn what_was_committed_is_found_again() {
    let (folder, name) = bed();
    let opened = open_in(folder.path(), &name).unwrap();
    assert_eq!((opened.revision, opened.told_revision), (0, 0));
    commit(&opened.store, 1..=3).unwrap();
    commit(&opened.store, 4..=4).unwrap();
    block_on(opened.store.close()).unwrap();
    let opened = open_in(folder.path(), &name).unwrap();
    assert_eq!((opened.revision, opened.untold, opened.newest), (4, created(1..=4), created(1..=4)));
}
