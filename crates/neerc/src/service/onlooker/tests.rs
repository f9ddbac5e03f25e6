//! What admins are told of how changes are kept, on a machine that stands by.

use super::*;
use crate::web::door::hash_of;
use neerc_core::change::Change;
use neerc_core::doors::{AccessToken, DoorChange, TokenId, TokenScope};
use neerc_core::keeping::{CopyLack, OneCopy};
use neerc_core::limits::COPY_TOLD_AFTER_MS;
use neerc_core::people::{People, Person};
use neerc_core::view::Visibility;
use neerc_store::{Existing, Url, backup, open, restore};
use tempfile::TempDir;

fn entry(revision: u64) -> Entry {
    let (id, hash, person) = (TokenId(revision), hash_of(&revision.to_string()), Person::from_bare("jury@localhost"));
    let token = AccessToken { id, hash, scope: TokenScope::Read, person: person.clone(), by: None, at_ms: 70 };
    let change = Change::Door(DoorChange::Given(token));
    Entry { revision, room: "neerc".into(), at_ms: 70, by: person, change, request: None }
}

/// Another process serves, and ends after those changes.
fn serve(url: &Url, entries: Vec<Entry>) {
    let store = open(url).unwrap().store;
    let people = People::default().into();
    let room = RoomBackdrop { room: "neerc".into(), people, visibility: Visibility::All, clock: None };
    let backdrop = Backdrop { url: None, rooms: vec![room] };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        store.commit(entries).await.unwrap();
        store.show_before(&backdrop).unwrap().await.unwrap();
        store.close().await.unwrap();
    });
}

#[test]
fn it_is_said_which_changes_may_be_missing_and_that_there_is_one_copy_only() {
    let folder = TempDir::new().unwrap();
    let (url, copy) = (Url::Sqlite(folder.path().join("neerc.db")), folder.path().join("copy.db"));
    serve(&url, vec![entry(1), entry(2)]);
    backup(&url, Some(&copy), Existing::Keep).unwrap();
    serve(&url, vec![entry(3), entry(4)]);
    let mut onlooker = Onlooker::new(vec![LogReader::of(&url)], String::new());
    let shown = |onlooker: &mut Onlooker| onlooker.album(&WhoServes::default()).rooms[0].clone();
    onlooker.look().unwrap();
    let before = shown(&mut onlooker);
    assert_eq!((before.board.revision(), before.keeping), (4, Keeping::default()));

    restore(&url, &copy).unwrap();
    serve(&url, vec![entry(3)]);
    onlooker.look().unwrap();
    let after = shown(&mut onlooker);
    assert_eq!(after.board.revision(), 3);
    let lost = after.keeping.lost.expect("it is known");
    assert_eq!((lost.first, lost.last, lost.since_ms), (3, 4, 70));

    // The database has lost its standby a while ago.
    onlooker.copies = StoreCopies::Awaited;
    assert_eq!(shown(&mut onlooker).keeping.one_copy, None, "it may be over soon");
    let (now_ms, since_ms) = (onlooker.time.now_ms(), 1_000_000);
    onlooker.keeping = KeepingWatch::default();
    onlooker.keeping.look(Some(CopyLack::Waits), (now_ms - COPY_TOLD_AFTER_MS, since_ms));
    let alone = shown(&mut onlooker);
    let one_copy = Some(OneCopy { since_ms, lack: CopyLack::Waits });
    assert_eq!(alone.keeping, Keeping { one_copy, lost: Some(lost) });
    assert_ne!(alone.serial, after.serial, "whoever looks is told");
    assert_eq!(shown(&mut onlooker).serial, alone.serial);
}
