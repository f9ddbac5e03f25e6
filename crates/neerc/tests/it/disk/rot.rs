//! Bits that flip, in the database and in the write-ahead log of a killed process. A start either refuses, and says what
//! is damaged and what brings it back, or everything that was answered is there.

use neerc_store::Url;
use std::fs;
use std::path::Path;

use neerc_core::board::Boards;

use super::faults::{Faults, STORE};
use super::load::{Load, log_of};
use super::power::{close, seeded, state_folder};
use crate::fake::FakeServer;
use crate::service::Neerc;
use crate::trust;

/// The header of a database.
const HEADER_BITS: usize = 8 * 100;

/// Files that a start finds, and what it has to make of them.
struct Files {
    neerc: Neerc<'static>,
    faults: Faults,
    files: Vec<(String, Vec<u8>)>,
    boards: Boards,
    revision: u64,
}

/// How the process before ended, and so where its changes are.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Most are in the database, with a snapshot, the last in the write-ahead log.
    Killed,
    /// The same without a snapshot: a start reads the whole log.
    KilledAgain,
    /// All are in the database.
    Stopped,
}

impl Files {
    fn after(end: End) -> Self {
        let (listener, mut neerc) = FakeServer::prepare(STORE);
        let faults = Faults::under(&mut neerc);
        let mut load = Load::default();
        let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
        (0..30).for_each(|_| load.write_all(&mut fake, &faults, 8));
        match end {
            End::Killed | End::Stopped => assert!(neerc.terminate().0.success()),
            End::KilledAgain => neerc.kill9(),
        }
        if !matches!(end, End::Stopped) {
            let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
            (0..20).for_each(|_| load.write_all(&mut fake, &faults, 2));
            neerc.kill9();
        }
        let names = ["neerc.db", "neerc.db-wal", "neerc.db.lock"];
        let read = |name: &str| Some((name.to_owned(), fs::read(faults.folder.join(name)).ok()?));
        let files: Vec<_> = names.into_iter().filter_map(read).collect();
        assert_eq!(files.len(), if matches!(end, End::Stopped) { 2 } else { 3 });
        let mut files = Self { neerc, faults, files, boards: Boards::new(), revision: 0 };
        let whole = state_folder();
        files.write(whole.path(), None);
        let opened = neerc_store::open(&Url::Sqlite(whole.path().join("neerc.db"))).unwrap();
        load.assert_in(&log_of(&whole.path().join("neerc.db")).unwrap());
        close(opened.store);
        assert_eq!(opened.revision, load.answered.len() as u64);
        (files.boards, files.revision) = (opened.boards, opened.revision);
        files
    }

    /// Writes the files, with one bit of one of them flipped.
    fn write(&self, folder: &Path, flip: Option<(&str, usize)>) {
        for (name, bytes) in &self.files {
            let mut bytes = bytes.clone();
            if let Some((_, bit)) = flip.filter(|(flipped, _)| flipped == name) {
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            fs::write(folder.join(name), bytes).unwrap();
        }
    }

    /// How many bits were written: the write-ahead log ends with zeros for commits to come.
    fn bits(&self, name: &str) -> usize {
        let (_, bytes) = self.files.iter().find(|(known, _)| known == name).expect("one of the files");
        8 * bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
    }

    /// What a start makes of a flipped bit.
    fn start(&self, name: &str, bit: usize) -> Verdict {
        let folder = state_folder();
        self.write(folder.path(), Some((name, bit)));
        let url = Url::Sqlite(folder.path().join("neerc.db"));
        let opened = match neerc_store::open(&url) {
            Err(error) => return Verdict::Refused(error.to_string()),
            Ok(opened) => opened,
        };
        let is_all_there = (opened.revision, &opened.boards) == (self.revision, &self.boards);
        let verified = neerc_store::verify(&url);
        close(opened.store);
        match verified {
            _ if !is_all_there => Verdict::Lost,
            Ok(()) => Verdict::Harmless,
            Err(_) => Verdict::Unneeded,
        }
    }
}

enum Verdict {
    /// With this message.
    Refused(String),
    /// Everything answered is there; a full check finds damage in what a start does not need.
    Unneeded,
    /// Everything answered is there, and a full check finds nothing.
    Harmless,
    /// Something answered is not there, and nothing was said.
    Lost,
}

fn flips_in(name: &str, ends: &[End]) {
    let times = trust::times(100, 1_000);
    let all: Vec<_> = ends.iter().map(|end| Files::after(*end)).collect();
    let mut rng = seeded();
    let (mut refused, mut unneeded, mut harmless) = (0, 0, 0);
    for time in 0..times {
        let files = &all[time % all.len()];
        // Of so small a part as the header chance alone would see little.
        let bits = if rng.u8(..5) == 0 { HEADER_BITS } else { files.bits(name) };
        let bit = rng.usize(..bits);
        match files.start(name, bit) {
            Verdict::Refused(why) => {
                let says_all = why.contains("is damaged: ") || why.contains("was written by a newer neerc");
                assert!(says_all && why.contains("neerc restore"), "bit {bit} of {name}: {why}");
                refused += 1;
            }
            Verdict::Unneeded => unneeded += 1,
            Verdict::Harmless => harmless += 1,
            Verdict::Lost => panic!("bit {bit} of {name}: something answered is gone, and nothing was said"),
        }
    }
    let outcome = format!(
        "0 answered changes lost unseen; {refused} refused at start, {unneeded} found by a full check only, {harmless} \
         without effect"
    );
    println!("{times} flips in {name}: {outcome}");
    assert!(refused > 0);
    trust::report("P1", &format!("flipped bits in {name}"), times, &outcome);
}

#[test]
fn a_flipped_bit_in_the_database_loses_nothing_unseen() {
    flips_in("neerc.db", &[End::Killed, End::KilledAgain, End::Stopped]);
}

#[test]
fn a_flipped_bit_in_the_write_ahead_log_of_a_killed_process_loses_nothing_unseen() {
    flips_in("neerc.db-wal", &[End::Killed, End::KilledAgain]);
}

/// A power cut may leave an old note beside the database. Then it is the write-ahead log alone that gives damage away,
/// and its last two commits cannot.
#[test]
fn without_the_note_only_the_last_commits_can_go_unseen() {
    let mut files = Files::after(End::Killed);
    files.files.retain(|(name, _)| name != "neerc.db.lock");
    let times = trust::times(100, 1_000);
    let (mut seen, mut unseen) = (0, 0);
    for _ in 0..times {
        let bit = fastrand::usize(..files.bits("neerc.db-wal"));
        let folder = state_folder();
        files.write(folder.path(), Some(("neerc.db-wal", bit)));
        match neerc_store::open(&Url::Sqlite(folder.path().join("neerc.db"))) {
            Err(error) => {
                assert!(error.to_string().contains("neerc restore"), "{error}");
                seen += 1;
            }
            Ok(opened) => {
                close(opened.store);
                unseen += usize::from(opened.revision < files.revision);
                // Two batches of two changes, and what is noted of what was told lies between them.
                assert!(opened.revision + 4 >= files.revision, "bit {bit}: {} are there", opened.revision);
            }
        }
    }
    println!("{times} flips in the write-ahead log without the note: {seen} refused, {unseen} lost a last commit");
    let outcome = format!("{seen} refused at start, {unseen} lost the last commits unseen");
    trust::report("P1", "flipped bits in neerc.db-wal, the note beside it gone", times, &outcome);
}

/// What people see of it.
#[test]
fn the_program_says_what_is_damaged_and_what_brings_it_back() {
    let mut files = Files::after(End::Killed);
    // Every start leaves a damaged store as it is, so the second says the same.
    files.write(&files.faults.folder, Some(("neerc.db-wal", 8 * 20_000)));
    let before = fs::read(files.faults.folder.join("neerc.db-wal")).unwrap();
    for _ in 0..2 {
        let old_log = files.neerc.log().len();
        files.neerc.spawn();
        assert_eq!(files.neerc.wait_for_exit().code(), Some(1));
        let said = files.neerc.log().split_off(old_log);
        assert!(said.contains("data/neerc.db is damaged: frame 5 of its write-ahead log is wrong, and "), "{said}");
        assert!(said.trim().ends_with("commits follow it; bring a backup back with `neerc restore FILE`"), "{said}");
    }
    assert!(fs::read(files.faults.folder.join("neerc.db-wal")).unwrap() == before, "it was touched");
}

#[test]
fn a_check_reads_also_what_a_start_does_not_need() {
    let files = Files::after(End::Stopped);
    let check = || files.neerc.command().arg("check").output().unwrap();
    let said = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let whole = format!("ok    store sqlite:data/neerc.db: {} changes, ", files.revision);
    assert!(said(&check()).contains(&whole), "{}", said(&check()));
    let store = rusqlite::Connection::open(files.faults.store()).unwrap();
    store.execute("UPDATE log SET sum = 0 WHERE revision = 3", []).unwrap();
    drop(store);
    let output = check();
    let expected = "data/neerc.db is damaged: revision 3 of the log: its checksum is ";
    assert!(said(&output).contains("WRONG store sqlite:data/neerc.db: "), "{}", said(&output));
    assert!(output.status.code() == Some(1) && said(&output).contains(expected), "{}", said(&output));
}
