//! Moments that are brought back, and files that do not go together.

use crate::sqlite::tests::{entries, folded};
use crate::{Existing, Keep, LogPoint, Moment, Recalled, StoreError, Url, Verdict, WholeFile, WholeKind};
use crate::{backup, files_of, open, restore, restore_moment, verify, verify_files};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn url(folder: &TempDir, name: &str) -> Url {
    Url::Sqlite(folder.path().join(name))
}

/// When the change of a revision happened, as [`entries`] say.
fn at_ms(revision: u64) -> i64 {
    1_000 + revision as i64
}

fn point(revision: u64) -> LogPoint {
    LogPoint { revision, at_ms: at_ms(revision) }
}

/// Adds changes, and moves those up to each of the floors into an archive of their own.
fn fill(store: &Url, revisions: std::ops::RangeInclusive<u64>, floors: &[u64]) {
    block_on(async {
        let opened = open(store).unwrap();
        let last = *revisions.end();
        opened.store.commit(entries(revisions)).await.unwrap();
        opened.store.told(last);
        opened.store.close().await.unwrap(); // what was told is on disk
        let opened = open(store).unwrap();
        for floor in floors {
            let keep = Keep { since_ms: at_ms(*floor) + 1, now_ms: i64::MAX, newest_bytes: 1 };
            assert_eq!(opened.store.compact(keep).await.unwrap().floor, (*floor, at_ms(*floor)).into());
        }
        opened.store.close().await.unwrap();
    });
}

impl From<(u64, i64)> for crate::LogFloor {
    fn from((revision, at_ms): (u64, i64)) -> Self {
        crate::LogFloor { revision, at_ms }
    }
}

/// What a store holds: its last revision, and what of it is in archives.
fn look(store: &Url) -> (u64, u64) {
    verify_all(store);
    let opened = open(store).unwrap();
    assert_eq!(opened.boards, if opened.revision == 0 { Default::default() } else { folded(1..=opened.revision) });
    let (revision, archived) = (opened.revision, opened.archived_revision);
    // It goes on from there.
    block_on(async {
        opened.store.commit(entries(revision + 1..=revision + 1)).await.unwrap();
        opened.store.close().await.unwrap();
    });
    verify_all(store);
    (revision, archived)
}

/// Everything of a store that is not in use is whole, from its first change on.
fn verify_all(store: &Url) {
    let mut next = 1;
    for verdict in verify_files(&files_of(store).unwrap()) {
        let Verdict::Whole(WholeFile { first, last, .. }) = verdict else { panic!("{verdict:?}") };
        assert_eq!(first, next);
        next = last + 1;
    }
}

#[test]
fn every_revision_and_every_moment_comes_back_also_from_archives() {
    let folder = TempDir::new().unwrap();
    let store = url(&folder, "neerc.db");
    fill(&store, 1..=30, &[8, 20]);
    for revision in [0, 1, 5, 8, 9, 12, 20, 21, 25, 30] {
        for moment in [Moment::Revision(revision), Moment::At(at_ms(revision))] {
            let target = folder.path().join(format!("{revision}-{}.db", matches!(moment, Moment::At(_))));
            let recalled = restore_moment(&store, None, Some(&target), moment);
            if moment == Moment::At(at_ms(0)) {
                assert_eq!(recalled.unwrap_err().to_string(), "nothing had been stored by then");
                continue;
            }
            let Recalled { now, kept, taken, left_out, left_out_count } = recalled.unwrap();
            assert_eq!((now.revision, now.file.clone(), kept), (revision, target.canonicalize().unwrap(), None));
            assert_eq!(taken, (revision > 0).then(|| point(revision)));
            assert_eq!((left_out, left_out_count), ((revision < 30).then(|| point(revision + 1)), 30 - revision));
            let archived = if revision >= 20 {
                20
            } else if revision > 8 {
                8
            } else {
                0
            };
            assert_eq!(look(&Url::Sqlite(target)), (revision, archived), "{moment:?}");
        }
    }
    let late = restore_moment(&store, None, Some(&folder.path().join("late.db")), Moment::Revision(31)).unwrap_err();
    assert_eq!(late.to_string(), "the last change is revision 30");
    assert_eq!(look(&store), (30, 20), "the store is as it was");
}

#[test]
fn in_its_own_place_a_store_goes_back_and_what_it_was_is_kept_whole() {
    for (moment, archived) in [(25, 20), (15, 8), (5, 0)] {
        let folder = TempDir::new().unwrap();
        let store = url(&folder, "neerc.db");
        fill(&store, 1..=30, &[8, 20]);
        let recalled = restore_moment(&store, None, None, Moment::Revision(moment)).unwrap();
        let kept = folder.path().canonicalize().unwrap().join("neerc.db.old-1");
        assert_eq!((recalled.now.revision, recalled.kept), (moment, Some(kept.clone())));
        assert_eq!(look(&store), (moment, archived));
        assert_eq!(look(&Url::Sqlite(kept)), (30, 20));
        // It is compacted again, with other changes.
        fill(&store, moment + 2..=40, &[33]);
        assert_eq!(look(&store), (40, 33));
    }
}

#[test]
fn a_backup_comes_back_at_a_moment_and_a_plain_restore_parts_with_later_archives() {
    let folder = TempDir::new().unwrap();
    let store = url(&folder, "neerc.db");
    let copy = folder.path().join("copy.db");
    fill(&store, 1..=15, &[8]);
    let copied = backup(&store, Some(&copy), Existing::Keep).unwrap();
    assert_eq!((copied.revision, copied.archived), (15, 8));
    fill(&store, 16..=30, &[20]);
    let target = folder.path().join("new.db");
    let recalled = restore_moment(&store, Some(&copy), Some(&target), Moment::At(at_ms(12))).unwrap();
    assert_eq!((recalled.taken, recalled.left_out_count), (Some(point(12)), 3));
    assert_eq!(look(&Url::Sqlite(target)), (12, 8));
    let restored = restore(&store, &copy).unwrap();
    assert_eq!(look(&store), (15, 8));
    assert_eq!(look(&Url::Sqlite(restored.kept.unwrap())), (30, 20));
}

#[test]
fn a_moment_whose_archive_is_missing_or_of_another_history_is_refused_and_nothing_is_touched() {
    let folder = TempDir::new().unwrap();
    let store = url(&folder, "neerc.db");
    fill(&store, 1..=30, &[8, 20]);
    let archives: Vec<PathBuf> = files_of(&store).unwrap();
    let refused = |expected: &str| {
        let error = restore_moment(&store, None, None, Moment::Revision(5)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!folder.path().join("neerc.db.old-1").exists());
        assert!(verify_files(&archives[2..])[0].is_fine());
    };
    let away = folder.path().join("away");
    fs::rename(&archives[0], &away).unwrap();
    refused("revisions up to 8 are, and no readable archive in ");
    fs::write(&archives[0], "").unwrap();
    refused("revisions up to 8 are, and no readable archive in ");
    fs::rename(&away, &archives[0]).unwrap();
    assert!(restore_moment(&store, None, Some(&folder.path().join("neerc.db")), Moment::Revision(5)).is_err());
    let _opened = open(&store).unwrap();
    let error = restore_moment(&store, None, None, Moment::Revision(5)).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    restore_moment(&store, None, Some(&folder.path().join("new.db")), Moment::Revision(5)).unwrap();
}

#[test]
fn gaps_strangers_and_damage_are_told_of() {
    let folder = TempDir::new().unwrap();
    let (store, other) = (url(&folder, "neerc.db"), url(&folder, "other.db"));
    fill(&store, 1..=30, &[8, 14, 20]);
    let files = files_of(&store).unwrap();
    verify_all(&store);
    let whole = |file: &Path, kind, first, last| WholeFile { file: file.to_owned(), kind, first, last };
    match &verify_files(&[files[2].clone(), files[0].clone()])[..] {
        [Verdict::Whole(one), Verdict::Gap { first: 9, last: 14, before }, Verdict::Whole(three)] => {
            assert_eq!(*one, whole(&files[0], WholeKind::Archive, 1, 8));
            assert_eq!((before, three.first), (&files[2], 15));
        }
        verdicts => panic!("{verdicts:?}"),
    }
    match &verify_files(&files[3..])[..] {
        [Verdict::Whole(alone)] => assert_eq!(*alone, whole(&files[3], WholeKind::Store, 21, 30)),
        verdicts => panic!("{verdicts:?}"),
    }
    // The same revisions, which happened at other times.
    block_on(async {
        let opened = open(&other).unwrap();
        let mut changes = entries(1..=30);
        changes[3].at_ms -= 1;
        opened.store.commit(changes).await.unwrap();
        opened.store.told(30);
        opened.store.close().await.unwrap();
    });
    fill(&other, 31..=31, &[8]);
    let strangers = verify_files(&[files_of(&other).unwrap()[0].clone(), files[1].clone()]);
    assert!(matches!(&strangers[1], Verdict::Strangers { other, .. } if *other == files[1]), "{strangers:?}");
    fs::write(&files[1], &fs::read(&files[1]).unwrap()[..100]).unwrap();
    let verdicts = verify_files(&files);
    let fine = verdicts.iter().filter(|verdict| verdict.is_fine()).count();
    assert!(fine == 3 && verdicts.iter().any(|verdict| matches!(verdict, Verdict::Wrong(_))), "{verdicts:?}");
    let notes = folder.path().join("notes");
    fs::write(&notes, "hello").unwrap();
    let verdicts = verify_files(&[notes, folder.path().join("nowhere")]);
    let wrong = verdicts.iter().map(|verdict| format!("{verdict:?}")).collect::<String>();
    assert!(verdicts.iter().all(|verdict| !verdict.is_fine()) && wrong.contains("neither an archive nor a store"));
    let _opened = open(&store).unwrap();
    verify(&store).unwrap();
    assert!(verify_files(&[files[3].clone()])[0].is_fine(), "also while it is in use");
}

#[test]
fn nobody_has_read_what_is_not_there_any_more() {
    let folder = TempDir::new().unwrap();
    let store = url(&folder, "neerc.db");
    fill(&store, 1..=30, &[8]);
    block_on(async {
        let opened = open(&store).unwrap();
        opened.store.mark([("a".to_owned(), 11), ("b".to_owned(), 29)].into()).await.unwrap();
        opened.store.close().await.unwrap();
    });
    restore_moment(&store, None, None, Moment::Revision(20)).unwrap();
    let opened = open(&store).unwrap();
    assert_eq!(opened.told_revision, 20);
    assert_eq!(opened.store.log_reader().marks().unwrap(), [("a".to_owned(), 11), ("b".to_owned(), 20)].into());
    block_on(opened.store.close()).unwrap();
}
