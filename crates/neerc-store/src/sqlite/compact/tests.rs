//! Compactions that are cut off anywhere, and archives that are not what they should be.

use super::super::disk::{Checkpoint, Disk};
use super::super::open::open_disk;
use super::super::tests::{entries, folded};
use super::*;
use crate::archive::{self, ArchiveReader};
use crate::compact::{Stage, compact};
use crate::sqlite::backup::verify;
use crate::{Compacted, Keep, record};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// So many changes are in a store, told up to some.
const CHANGES: u64 = 40;
const TOLD: u64 = 35;

fn store() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("neerc.db");
    let (mut disk, _) = open_disk(&file).unwrap();
    disk.append(&entries(1..=CHANGES), 0).unwrap();
    disk.save_told(TOLD).unwrap();
    (folder, file)
}

/// What keeps the changes after a revision.
fn after(revision: u64) -> Keep {
    Keep { since_ms: 1_001 + revision as i64, now_ms: i64::MAX, newest_bytes: 1 }
}

fn compact_with(disk: &mut Disk, keep: Keep, goes_on: &mut dyn FnMut(Stage) -> bool) -> Result<Compacted, StoreError> {
    let file = disk.file.clone();
    compact(&mut FileLog::open(&file).unwrap(), keep, 10, &mut |floor| disk.raise_floor(&floor), goes_on)
}

/// The archives of a store: what each holds, and what all hold.
fn archives(file: &Path) -> (Vec<(u64, u64)>, Vec<neerc_core::change::Entry>) {
    let (mut spans, mut all) = (Vec::new(), Vec::new());
    for (first, last, file) in archive::list(&archive::folder(file)).unwrap() {
        let mut archive = ArchiveReader::open(&file).unwrap();
        while let Some(row) = archive.next().unwrap() {
            all.push(row.entry);
        }
        spans.push((first, last));
    }
    (spans, all)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(|file| file.unwrap()) {
        let target = to.join(file.file_name());
        match file.file_type().unwrap().is_dir() {
            true => copy(&file.path(), &target),
            false => drop(fs::copy(file.path(), target).unwrap()),
        }
    }
}

/// A store that was cut off has everything, and the next compaction makes the archives that an undisturbed one makes.
fn check_cut(folder: &Path) {
    let file = folder.join("neerc.db");
    let (mut disk, loaded) = open_disk(&file).unwrap();
    assert_eq!((loaded.boards, loaded.revision, loaded.told_revision), (folded(1..=CHANGES), CHANGES, TOLD));
    assert_eq!(loaded.newest, entries(loaded.floor + 1..=CHANGES));
    let whole: Vec<_> = archives(&file).1.into_iter().filter(|entry| entry.revision <= loaded.floor).collect();
    assert_eq!(whole, entries(1..=loaded.floor), "what the database has let go of is in archives");
    verify(&file).unwrap();
    compact_with(&mut disk, after(33), &mut |_| true).unwrap();
    while disk.sweep().unwrap() {}
    let rows: i64 = disk.conn.query_row("SELECT count(*) FROM log", [], |row| row.get(0)).unwrap();
    assert_eq!((rows, disk.floor), (7, 33));
    assert_eq!(archives(&file), (vec![(1, 10), (11, 20), (21, 30), (31, 33)], entries(1..=33)));
    verify(&file).unwrap();
}

#[test]
fn a_compaction_that_is_cut_off_anywhere_loses_nothing_and_is_done_by_the_next() {
    let (folder, file) = store();
    let (mut disk, _) = open_disk(&file).unwrap();
    let cuts = TempDir::new().unwrap();
    let mut number = 0;
    let mut cut = || {
        number += 1;
        copy(folder.path(), &cuts.path().join(number.to_string()));
    };
    compact_with(&mut disk, after(33), &mut |_| {
        cut();
        true
    })
    .unwrap();
    cut();
    while disk.sweep().unwrap() {
        cut();
    }
    cut();
    for number in 1..=number {
        check_cut(&cuts.path().join(number.to_string()));
    }
    assert!(number > 20, "{number} moments");
}

#[test]
fn what_is_wanted_or_needed_stays() {
    let check = |keep: Keep, floor| {
        let (_folder, file) = store();
        let (mut disk, _) = open_disk(&file).unwrap();
        let compacted = compact_with(&mut disk, keep, &mut |_| true).unwrap();
        assert_eq!((compacted.floor.revision, compacted.kept), (floor, CHANGES - floor));
        assert_eq!(disk.floor, floor);
    };
    check(after(0), 0);
    check(after(7), 7);
    check(after(1_000), TOLD);
    check(Keep { newest_bytes: usize::MAX, ..after(1_000) }, 0);
    // A clock that was wrong once holds up nothing.
    check(Keep { now_ms: 0, ..after(7) }, 7);
    let (_folder, file) = store();
    let (mut disk, _) = open_disk(&file).unwrap();
    disk.save_told(CHANGES).unwrap();
    let compacted = compact_with(&mut disk, after(1_000), &mut |_| true).unwrap();
    assert_eq!((compacted.floor.revision, compacted.kept), (CHANGES - 1, 1), "the last change stays");
}

#[test]
fn nothing_is_let_go_of_if_the_archive_is_not_what_was_written() {
    let (_folder, file) = store();
    let (mut disk, _) = open_disk(&file).unwrap();
    let name = archive::folder(&file).join(archive::name(1, 10));
    let error = compact_with(&mut disk, after(33), &mut |stage| {
        if stage == Stage::Compare {
            let mut bytes = fs::read(&name).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&name, bytes).unwrap();
        }
        true
    });
    let error = error.unwrap_err();
    assert!(error.to_string().contains("0000000001-0000000010.jsonl.gz is damaged: ") && !error.is_fatal(), "{error}");
    assert_eq!(disk.floor, 0);
    // The next one keeps it under another name, and writes it again.
    compact_with(&mut disk, after(33), &mut |_| true).unwrap();
    assert_eq!(archives(&file).1, entries(1..=33));
    assert!(name.with_file_name("0000000001-0000000010.jsonl.gz.other-1").exists());
}

#[test]
fn a_damaged_log_is_not_archived() {
    let (_folder, file) = store();
    let (mut disk, _) = open_disk(&file).unwrap();
    disk.conn.execute_batch("UPDATE log SET sum = 0 WHERE revision = 15").unwrap();
    let error = compact_with(&mut disk, after(33), &mut |_| true).unwrap_err().to_string();
    assert!(error.contains("neerc.db is damaged: revision 15 of the log: its checksum"), "{error}");
    assert_eq!((disk.floor, archives(&file).0), (10, vec![(1, 10)]));
}

#[test]
fn a_start_needs_what_stands_in_place_of_the_archives_only_where_there_is_no_snapshot() {
    let (_folder, file) = store();
    let (mut disk, _) = open_disk(&file).unwrap();
    compact_with(&mut disk, after(20), &mut |_| true).unwrap();
    fs::remove_dir_all(archive::folder(&file)).unwrap();
    drop(disk);
    let (disk, loaded) = open_disk(&file).unwrap();
    assert_eq!((loaded.boards, loaded.snapshot_revision), (folded(1..=CHANGES), 20));
    disk.conn.execute_batch("UPDATE floor SET at_ms = at_ms + 1").unwrap();
    drop(disk);
    let refused = open_disk(&file).err().unwrap().to_string();
    assert!(
        refused.contains("is damaged: what the log begins with after what is in archives: its checksum"),
        "{refused}"
    );
    rusqlite::Connection::open(&file).unwrap().execute_batch("UPDATE floor SET at_ms = at_ms - 1").unwrap();
    let (mut disk, _) = open_disk(&file).unwrap();
    disk.save_snapshot(30, &record::write_boards(&folded(1..=30)).unwrap()).unwrap();
    disk.conn.execute_batch("UPDATE floor SET at_ms = at_ms + 1").unwrap();
    drop(disk);
    assert_eq!(open_disk(&file).unwrap().1.boards, folded(1..=CHANGES));
    assert!(verify(&file).unwrap_err().to_string().contains("what is in place of the archives: its checksum"));
}

#[test]
fn the_space_of_what_was_moved_is_given_back() {
    let (_folder, file) = store();
    let (mut disk, _) = open_disk(&file).unwrap();
    for revision in CHANGES + 1..=4_000 {
        disk.append(&entries(revision..=revision), 0).unwrap();
    }
    disk.save_told(4_000).unwrap();
    disk.checkpoint(Checkpoint::Truncate).unwrap();
    let before = fs::metadata(&file).unwrap().len();
    compact(
        &mut FileLog::open(&file).unwrap(),
        after(3_900),
        10_000,
        &mut |floor| disk.raise_floor(&floor),
        &mut |_| true,
    )
    .unwrap();
    disk.shrink().unwrap();
    drop(disk);
    let now = fs::metadata(&file).unwrap().len();
    assert!(now < before / 4, "{now} of {before} bytes");
    assert_eq!(open_disk(&file).unwrap().1.revision, 4_000);
}

#[test]
fn what_others_have_still_to_read_is_not_moved() {
    let (_folder, file) = store();
    let (mut disk, _) = open_disk(&file).unwrap();
    let marks = |list: &[(&str, u64)]| list.iter().map(|(name, at)| ((*name).to_owned(), *at)).collect();
    disk.save_marks(&marks(&[("a", 30), ("b", 7)])).unwrap();
    let floor = |disk: &mut Disk| compact_with(disk, after(33), &mut |_| true).unwrap().floor.revision;
    assert_eq!(floor(&mut disk), 7);
    disk.save_marks(&marks(&[("a", 31)])).unwrap();
    assert_eq!(floor(&mut disk), 31);
    assert_eq!(read::read_all(&file, 0, 2).unwrap(), entries(32..=33), "what is in archives is not read");
}
