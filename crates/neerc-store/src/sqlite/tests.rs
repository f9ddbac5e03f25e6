//! Files as they are left, damaged and opened again.

use super::disk::Checkpoint;
use super::open::open_disk;
use crate::{StoreError, record};
use neerc_core::board::Boards;
use neerc_core::change::{Change, Entry};
use neerc_core::people::Person;
use neerc_core::task::{Kind, Progress, Status, TaskId, Title};
use rusqlite::Connection;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A task with one person, and then that person's answers.
fn entry(revision: u64) -> Entry {
    let person = Person::from_bare("hall1@localhost");
    let (task, timestamp_ms) = (TaskId(1), 1_000);
    let change = if revision == 1 {
        let (title, statuses) = (Title::parse("Water").unwrap(), vec![(person.clone(), Status::NONE)]);
        Change::Created { task, title, kind: Kind::Todo, timestamp_ms, statuses, plan: None, deadline: None }
    } else {
        let status = Status::new(Progress::Running, &format!("step {revision} {}", "x".repeat(200))).unwrap();
        Change::Answered { task, person: person.clone(), status }
    };
    Entry { revision, room: "neerc".into(), at_ms: 1_000 + revision as i64, by: person, change, request: None }
}

pub(super) fn entries(revisions: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
    revisions.map(entry).collect()
}

pub(super) fn folded(revisions: std::ops::RangeInclusive<u64>) -> Boards {
    let mut boards = Boards::new();
    for entry in entries(revisions) {
        boards.entry(entry.room).or_default().apply(entry.revision, &entry.change);
    }
    boards
}

/// A folder with a store of 20 changes, told up to 15.
fn store_of_20() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("neerc.db");
    let (mut disk, _) = open_disk(&file).unwrap();
    disk.append(&entries(1..=20), 0).unwrap();
    disk.save_told(15).unwrap();
    (folder, file)
}

fn refusal(file: &Path) -> String {
    open_disk(file).err().expect("the store opened").to_string()
}

/// What is done to a sound store makes it refused with these words.
fn check_damage(damage: impl FnOnce(&Path), expected: &str) {
    let (_folder, file) = store_of_20();
    damage(&file);
    let error = refusal(&file);
    let advice = "; bring a backup back with `neerc restore FILE`";
    assert!(error.contains("neerc.db is damaged: ") && error.ends_with(advice), "{error}");
    assert!(error.contains(expected), "{error}");
}

fn check_sql(sql: &str, expected: &str) {
    check_damage(|file| Connection::open(file).unwrap().execute_batch(sql).unwrap(), expected);
}

#[test]
fn a_second_neerc_is_kept_out_even_by_another_path() {
    let (folder, file) = store_of_20();
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let (disk, _) = open_disk(&link).unwrap();
    for path in [&file, &link] {
        let pid = std::process::id();
        let expected = format!("neerc.db is in use by another neerc (process {pid}); only one can use it at a time");
        assert!(refusal(path).ends_with(&expected), "{}", refusal(path));
    }
    drop(disk);
    open_disk(&file).unwrap();
}

#[test]
fn databases_of_others_are_refused_and_left_alone() {
    let check = |sql: &str, expected: &str| {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("other.db");
        Connection::open(&file).unwrap().execute_batch(sql).unwrap();
        let before = fs::read(&file).unwrap();
        let error = refusal(&file);
        assert!(error.contains(expected), "{error}");
        assert_eq!(fs::read(&file).unwrap(), before);
    };
    check("CREATE TABLE log (x)", "other.db is not a neerc store but some other program's database");
    check("PRAGMA application_id = 7", "other.db is not a neerc store");
    check("PRAGMA user_version = 1", "other.db is not a neerc store");
    check(
        "PRAGMA application_id = 0x4e455243; PRAGMA user_version = 7",
        "was written by a newer neerc (format 7; this one reads up to 2); use that version or bring a backup back",
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = refusal(Path::new("/nowhere/neerc.db"));
    assert_eq!(error, "cannot use /nowhere/neerc.db: No such file or directory (os error 2)");
}

#[test]
fn a_file_that_is_no_database_or_cut_short_is_refused() {
    check_damage(|file| fs::write(file, "x".repeat(8_192)).unwrap(), "file is not a database");
    check_damage(
        |file| {
            let cut = OpenOptions::new().write(true).open(file).unwrap();
            cut.set_len(fs::metadata(file).unwrap().len() / 2).unwrap();
        },
        "database disk image is malformed",
    );
}

#[test]
fn a_flipped_bit_is_found() {
    let flip = |file: &Path| {
        let bytes = fs::read(file).unwrap();
        let at = bytes.windows(7).position(|text| text == b"step 17").unwrap();
        OpenOptions::new().write(true).open(file).unwrap().write_all_at(b"S", at as u64).unwrap();
    };
    check_damage(flip, "revision 17 of the log: its checksum is ");
    check_sql("UPDATE log SET room = 'other' WHERE revision = 3", "revision 3 of the log: its checksum");
    check_sql("UPDATE log SET at_ms = at_ms + 1 WHERE revision = 3", "revision 3 of the log: its checksum");
    check_sql("UPDATE log SET by_jid = 'a@b' WHERE revision = 3", "revision 3 of the log: its checksum");
    check_sql("UPDATE log SET record = CAST(x'ff' AS TEXT) WHERE revision = 3", "revision 3 of the log: its");
    check_sql("UPDATE log SET sum = sum + 4294967296 WHERE revision = 3", "revision 3 of the log: its checksum");
}

#[test]
fn a_record_of_an_unknown_form_is_named() {
    let sum = record::entry_sum(20, b"neerc", 1_020, b"hall1@localhost", b"{\"moved\":{}}");
    let sql = format!(r#"UPDATE log SET record = '{{"moved":{{}}}}', sum = {sum} WHERE revision = 20"#);
    check_sql(&sql, "revision 20 of the log: it cannot be read: unknown variant `moved`");
}

#[test]
fn missing_changes_are_found() {
    check_sql("DELETE FROM log WHERE revision = 1", "revision 1 of the log is missing; the next is 2");
    check_sql("DELETE FROM log WHERE revision IN (5, 6)", "revision 5 of the log is missing; the next is 7");
    let cut = "the log ends at revision 14, but people were told of revision 15";
    check_sql("DELETE FROM log WHERE revision > 14", cut);
    let snapshot = "INSERT INTO snapshot VALUES (20, '{}', 0); DELETE FROM log WHERE revision > 18";
    check_sql(snapshot, "the log ends at revision 18, but a snapshot was stored of revision 20");
    check_sql("DELETE FROM meta", "meta has no told_revision");
}

#[test]
fn a_snapshot_that_cannot_be_read_only_makes_the_start_longer() {
    let (_folder, file) = store_of_20();
    let (mut disk, _) = open_disk(&file).unwrap();
    for revision in [4, 8, 12] {
        disk.save_snapshot(revision, &record::write_boards(&folded(1..=revision)).unwrap()).unwrap();
    }
    drop(disk);
    let check = |sql: &str, kept: i64| {
        let conn = Connection::open(&file).unwrap();
        conn.execute_batch(sql).unwrap();
        assert_eq!(conn.query_row("SELECT count(*) FROM snapshot", [], |row| row.get(0)), Ok(kept));
        let (_, loaded) = open_disk(&file).unwrap();
        assert_eq!((loaded.boards, loaded.revision), (folded(1..=20), 20));
        assert_eq!((loaded.told_revision, loaded.untold), (15, entries(16..=20)));
    };
    check("", 2);
    check("UPDATE snapshot SET record = record || ' ' WHERE revision = 12", 2);
    // Now the log before 8 is not read, so that nobody misses this; and then it is.
    check("UPDATE log SET sum = 0 WHERE revision = 3", 2);
    Connection::open(&file).unwrap().execute_batch("UPDATE snapshot SET sum = 0").unwrap();
    assert!(refusal(&file).contains("revision 3 of the log: its checksum"));
}

#[test]
fn a_batch_that_does_not_continue_the_log_leaves_nothing() {
    let (_folder, file) = store_of_20();
    let (mut disk, _) = open_disk(&file).unwrap();
    let error = disk.append(&[entry(21), entry(23)], 20).unwrap_err();
    assert!(error.to_string().contains("cannot store revision 23 in "), "{error}");
    assert!(error.to_string().ends_with("neerc.db: after 21 comes 22") && error.is_fatal(), "{error}");
    assert!(matches!(disk.append(&[entry(21)], 20), Err(StoreError::Broken { .. })));
    drop(disk);
    for given in [20, 22] {
        let (mut disk, loaded) = open_disk(&file).unwrap();
        assert_eq!((loaded.boards, loaded.revision, loaded.told_revision), (folded(1..=20), 20, 15));
        let error = disk.append(&[entry(given)], 20).unwrap_err();
        assert!(matches!(error, StoreError::Order { last: 20, given: g, .. } if g == given), "{error}");
    }
}

#[test]
fn a_full_disk_loses_nothing_and_recovers() {
    let (_folder, file) = store_of_20();
    let (mut disk, _) = open_disk(&file).unwrap();
    let pages: i64 = disk.conn.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    disk.conn.pragma_update(None, "max_page_count", pages + 1).unwrap();
    for _ in 0..2 {
        let error = disk.append(&entries(21..=120), 20).unwrap_err();
        assert!(error.to_string().ends_with("database or disk is full") && !error.is_fatal(), "{error}");
        assert_eq!((disk.last, disk.told), (20, 15));
    }
    disk.append(&entries(21..=22), 20).unwrap();
    disk.conn.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    disk.append(&entries(23..=120), 22).unwrap();
    drop(disk);
    let (_, loaded) = open_disk(&file).unwrap();
    assert_eq!((loaded.boards, loaded.revision, loaded.told_revision), (folded(1..=120), 120, 22));
}

#[test]
fn somebody_elses_write_is_waited_for_only_briefly() {
    let (_folder, file) = store_of_20();
    let (mut disk, _) = open_disk(&file).unwrap();
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = disk.append(&entries(21..=22), 0).unwrap_err();
    assert!(error.to_string().ends_with("database is locked") && !error.is_fatal(), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    disk.append(&entries(21..=22), 0).unwrap();
}

#[test]
fn a_broken_store_takes_nothing_more_and_touches_nothing() {
    let (_folder, file) = store_of_20();
    let (mut disk, _) = open_disk(&file).unwrap();
    disk.append(&[entry(21)], 0).unwrap();
    disk.give_up();
    let before = fs::read(&file).unwrap();
    let error = disk.append(&[entry(22)], 0).unwrap_err();
    assert!(error.to_string().ends_with("is not used any more since an earlier failure; start again"), "{error}");
    assert!(error.is_fatal() && disk.save_told(21).is_err() && disk.checkpoint(Checkpoint::Passive).is_err());
    drop(disk);
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(open_disk(&file).unwrap().1.revision, 21);
}
