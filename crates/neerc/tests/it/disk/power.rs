//! Power cuts: the program runs on a disk that notes every write and sync, and from the notes are built the files as a
//! cut at any moment may leave them. What was synced is there; of what was not, each write is there, missing or torn by
//! sectors, in any combination, and names of files that were not synced come or go in order. Each such state is opened.

use neerc_store::{Url, Verdict, WholeKind};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use fastrand::Rng;
use tempfile::TempDir;

use super::faults::{Deed, Faults, Record, STORE};
use super::load::{Load, Row, log_of, revisions};
use crate::fake::FakeServer;
use crate::trust;
use crate::wait::wait_for;

const SECTOR: usize = 512;
const WAL: &str = "neerc.db-wal";

/// What a run left: its trace, and which revision must be there from which length of the trace on.
pub struct Run {
    pub records: Vec<Record>,
    /// In order of the trace.
    answered: Vec<(u64, u64)>,
    log: Vec<Row>,
    /// What was in the folder before, and survives.
    before: Vec<(String, Vec<u8>)>,
}

/// One run for all tests here. In it: commits alone and in batches, pauses in which the write-ahead log is copied back
/// and begun again, a stop with a snapshot, a kill, and what the starts after them tidy up.
fn run() -> &'static Run {
    static ONE: OnceLock<Run> = OnceLock::new();
    ONE.get_or_init(|| {
        let (listener, mut neerc) = FakeServer::prepare(STORE);
        let faults = Faults::under(&mut neerc);
        let mut load = Load::default();
        for starts in 1..=3 {
            let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
            for _ in 0..3 {
                (0..12).for_each(|_| load.write_all(&mut fake, &faults, 1));
                (0..6).for_each(|_| load.write_all(&mut fake, &faults, 8));
                let from = faults.trace_len();
                let copied = |record: &Record| record.name == "neerc.db" && record.deed == Deed::Synced;
                wait_for("the write-ahead log is copied back", || faults.trace(from).iter().any(copied));
            }
            (0..4).for_each(|_| load.write_all(&mut fake, &faults, 4));
            if starts == 2 {
                neerc.kill9();
            } else {
                assert!(neerc.terminate().0.success(), "{}", neerc.log());
            }
        }
        Run::new(&faults, &load)
    })
}

impl Run {
    /// Of a program that has ended.
    pub fn new(faults: &Faults, load: &Load) -> Self {
        Self::after(faults, load, Vec::new(), log_of(&faults.store()).unwrap())
    }

    /// The same, where there were files already, and this is the whole log.
    pub fn after(faults: &Faults, load: &Load, before: Vec<(String, Vec<u8>)>, log: Vec<Row>) -> Self {
        load.assert_in(&log);
        let revisions = revisions(&log);
        let answered = load.answered.iter().map(|change| (change.at, revisions[change.text.as_str()])).collect();
        Self { records: faults.trace(0), answered, log, before }
    }

    /// So many random moments of it.
    pub fn moments(&self, times: usize, rng: &mut Rng) -> Vec<usize> {
        (0..times).map(|_| rng.usize(..=self.records.len())).collect()
    }

    /// The revision up to which everything had been answered once so much had been done.
    fn answered_at(&self, trace_len: u64) -> u64 {
        let before = self.answered.iter().take_while(|(at, _)| *at <= trace_len);
        before.map(|(_, revision)| *revision).max().unwrap_or(0)
    }

    /// Opens what a cut left, and says what is wrong with it.
    fn check(&self, folder: &Path, answered: u64) -> Result<(), String> {
        let file = folder.join("neerc.db");
        let url = Url::Sqlite(file.clone());
        let opened = neerc_store::open(&url).map_err(|error| error.to_string())?;
        let revision = opened.revision;
        let verified = neerc_store::verify(&url).map_err(|error| error.to_string());
        let log = log_of(&file).map_err(|error| error.to_string());
        close(opened.store);
        verified?;
        if revision < answered {
            return Err(format!("revision {answered} was answered, and the log ends at {revision}"));
        }
        let log = log?;
        let first = log.first().map_or(revision as usize + 1, |row| row.0 as usize);
        if log != self.log[first - 1..revision as usize] {
            return Err(format!("the log from {first} to revision {revision} is not what was stored"));
        }
        archives(&url)?;
        if opened.told_revision > revision {
            return Err(format!("revision {} was told, of {revision}", opened.told_revision));
        }
        Ok(())
    }
}

/// What is not in the database any more is in archives, from the beginning on.
fn archives(url: &Url) -> Result<(), String> {
    let (mut first_of_all, mut first_of_store) = (u64::MAX, 1);
    for verdict in neerc_store::verify_files(&neerc_store::files_of(url).map_err(|error| error.to_string())?) {
        match verdict {
            Verdict::Whole(whole) => {
                first_of_all = first_of_all.min(whole.first);
                if whole.kind == WholeKind::Store {
                    first_of_store = whole.first;
                }
            }
            wrong => return Err(format!("{wrong:?}")),
        }
    }
    match first_of_store > 1 && first_of_all > 1 {
        true => Err(format!("nothing before revision {first_of_all} is there any more")),
        false => Ok(()),
    }
}

/// Waits until the store has let its file go.
pub fn close(store: neerc_store::Store) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.close()).unwrap();
}

/// A folder for states of files: in memory if possible, since thousands of them are made.
pub fn state_folder() -> TempDir {
    TempDir::new_in("/dev/shm").unwrap_or_else(|_| TempDir::new().unwrap())
}

/// A file's content, apart from its name, or a folder.
#[derive(Clone, Default)]
struct Content {
    durable: Vec<u8>,
    pending: Vec<Deed>,
    is_folder: bool,
}

/// What a name leads to, since when.
#[derive(Clone)]
struct Named {
    name: String,
    content: Option<usize>,
    /// The name that leads nowhere since then.
    instead_of: Option<String>,
}

/// The disk and the cache before it.
#[derive(Clone, Default)]
struct Disk {
    contents: Vec<Content>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Names given or taken that are not synced.
    pending_names: Vec<Named>,
}

impl Disk {
    /// With these files on it, for a long time.
    fn with(files: &[(String, Vec<u8>)]) -> Self {
        let mut disk = Self::default();
        for (name, bytes) in files {
            disk.names.insert(name.clone(), disk.contents.len());
            disk.contents.push(Content { durable: bytes.clone(), ..Content::default() });
        }
        disk.durable_names = disk.names.clone();
        disk
    }

    /// What the program did, was done.
    fn take(&mut self, record: &Record, rng: &mut Rng) {
        // The index of the write-ahead log is shared memory; nobody expects it to survive.
        if record.name.ends_with("-shm") {
            return;
        }
        let content = self.names.get(&record.name).copied();
        match &record.deed {
            Deed::Created | Deed::MadeFolder => {
                let is_folder = record.deed == Deed::MadeFolder;
                self.contents.push(Content { is_folder, ..Content::default() });
                self.rename(&record.name, Some(self.contents.len() - 1), None);
            }
            Deed::Unlinked => self.rename(&record.name, None, None),
            Deed::Moved { to } => self.rename(to, content, Some(record.name.clone())),
            Deed::Synced
                if record.name.is_empty() || content.is_some_and(|content| self.contents[content].is_folder) =>
            {
                let names = std::mem::take(&mut self.pending_names);
                let (synced, pending): (Vec<_>, _) =
                    names.into_iter().partition(|named| folder_of(&named.name) == record.name);
                self.pending_names = pending;
                synced.iter().for_each(|named| name(&mut self.durable_names, named));
            }
            Deed::Synced => {
                let Content { durable, pending, .. } = &mut self.contents[content.expect("a file that was created")];
                pending.drain(..).for_each(|deed| apply(durable, &deed, |_| true));
            }
            Deed::Wrote { .. } | Deed::Truncated { .. } => {
                self.contents[content.expect("a file that was created")].pending.push(record.deed.clone());
            }
            // What was not written is never written: the cache believes that it was.
            Deed::FailedSync => {
                let Content { durable, pending, .. } = &mut self.contents[content.expect("a file that was created")];
                pending.retain(|_| rng.bool());
                pending.drain(..).for_each(|deed| apply(durable, &deed, |_| true));
            }
            Deed::Opened | Deed::RefusedFull => {}
        }
    }

    fn rename(&mut self, file: &str, content: Option<usize>, instead_of: Option<String>) {
        let named = Named { name: file.to_owned(), content, instead_of };
        name(&mut self.names, &named);
        self.pending_names.push(named);
    }

    /// Writes the files as a power cut may leave them now.
    fn cut(&self, folder: &Path, rng: &mut Rng) {
        let mut names = self.durable_names.clone();
        let survivors = rng.usize(..=self.pending_names.len());
        self.pending_names[..survivors].iter().for_each(|named| name(&mut names, named));
        let (there, torn) = (rng.f64(), rng.f64() / 2.0);
        for (name, content) in names {
            let Content { durable, pending, is_folder } = &self.contents[content];
            if *is_folder {
                fs::create_dir(folder.join(name)).unwrap();
                continue;
            }
            // Folders come before what is in them.
            if !folder.join(folder_of(&name)).is_dir() {
                continue;
            }
            let mut bytes = durable.clone();
            for deed in pending {
                let kind = rng.f64();
                match () {
                    () if kind < torn => apply(&mut bytes, deed, |_| rng.bool()),
                    () if kind < torn + (1.0 - torn) * there => apply(&mut bytes, deed, |_| true),
                    () => {}
                }
            }
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
}

/// The names that a power cut at the end may take away or bring back.
pub fn loose_names(run: &Run, rng: &mut Rng) -> Vec<String> {
    let mut disk = Disk::with(&run.before);
    run.records.iter().for_each(|record| disk.take(record, rng));
    disk.pending_names.into_iter().map(|named| named.name).collect()
}

/// The folder of a file, as its name in the whole folder.
fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn name(names: &mut BTreeMap<String, usize>, named: &Named) {
    if let Some(old) = &named.instead_of {
        names.remove(old);
    }
    match named.content {
        Some(content) => drop(names.insert(named.name.clone(), content)),
        None => drop(names.remove(&named.name)),
    }
}

/// Applies a change, or those sectors of it that `is_there` says.
fn apply(bytes: &mut Vec<u8>, deed: &Deed, mut is_there: impl FnMut(usize) -> bool) {
    match deed {
        Deed::Truncated { len } if is_there(0) => bytes.resize(*len as usize, 0),
        Deed::Wrote { offset, data } => {
            let (start, end) = (*offset as usize, *offset as usize + data.len());
            for sector in start / SECTOR..end.div_ceil(SECTOR) {
                let (from, to) = (start.max(sector * SECTOR), end.min((sector + 1) * SECTOR));
                if is_there(sector) {
                    bytes.resize(bytes.len().max(to), 0);
                    bytes[from..to].copy_from_slice(&data[from - start..to - start]);
                }
            }
        }
        _ => {}
    }
}

/// Cuts the power after each of some records, and says what was wrong with the states that came of it. Syncs that
/// `is_kept` does not say are taken for ones that never happened.
pub fn cuts(run: &Run, mut after: Vec<usize>, rng: &mut Rng, is_kept: impl Fn(usize, &Record) -> bool) -> Vec<String> {
    after.sort_unstable();
    let (mut disk, mut taken, mut wrong) = (Disk::with(&run.before), 0, Vec::new());
    for point in after {
        for (number, record) in run.records.iter().enumerate().take(point).skip(taken) {
            if record.deed != Deed::Synced || is_kept(number, record) {
                disk.take(record, rng);
            }
        }
        taken = taken.max(point);
        let folder = state_folder();
        disk.cut(folder.path(), rng);
        let len = point.checked_sub(1).map_or(0, |last| run.records[last].end);
        if let Err(why) = run.check(folder.path(), run.answered_at(len)) {
            wrong.push(format!("cut after record {point}: {why}"));
        }
    }
    wrong
}

/// Choices that `NEERC_SEED` repeats.
pub fn seeded() -> Rng {
    let seed = std::env::var("NEERC_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("NEERC_SEED={seed}");
    Rng::with_seed(seed)
}

#[test]
fn answered_changes_survive_a_power_cut_at_any_moment() {
    let (run, mut rng) = (run(), seeded());
    let times = trust::times(300, 10_000);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(times);
    let mut share = |number: usize| {
        let mut rng = rng.fork();
        let points = run.moments((times + number) / threads, &mut rng);
        move || cuts(run, points, &mut rng, |_, _| true)
    };
    let wrong: Vec<_> = std::thread::scope(|scope| {
        let shares: Vec<_> = (0..threads).map(|number| scope.spawn(share(number))).collect();
        shares.into_iter().flat_map(|share| share.join().expect("no cut panics")).collect()
    });
    println!("{times} cuts in {} writes and syncs, of {} changes", run.records.len(), run.log.len());
    assert!(wrong.is_empty(), "{} of {times}: {:#?}", wrong.len(), &wrong[..wrong.len().min(10)]);
    trust::report("P1", "power cuts at random writes", times, "0 answered changes lost, 0 half-applied, 0 not opened");
}

#[test]
fn without_syncs_answered_changes_are_lost_which_is_seen() {
    let (run, mut rng) = (run(), seeded());
    let times = trust::times(40, 400);
    let (never, once) = (run.moments(times, &mut rng), run.moments(times, &mut rng));
    let none = cuts(run, never, &mut rng, |_, record| record.name != WAL).len();
    // Only the last sync before the cut is left out.
    let is_last = |number: usize, point: usize| {
        !run.records[number + 1..point].iter().any(|record| record.name == WAL && record.deed == Deed::Synced)
    };
    let one: usize = once
        .into_iter()
        .map(|point| cuts(run, vec![point], &mut rng, |number, record| record.name != WAL || !is_last(number, point)))
        .map(|wrong| wrong.len())
        .sum();
    println!("of {times} cuts {none} were seen without any sync of the write-ahead log, {one} with all but one");
    assert!(none > times / 2 && one > times / 20, "{none} and {one} of {times}");
    let outcome = format!("{none} losses seen without the log's syncs, {one} with one left out");
    trust::report("P1", "the same with syncs left out, which must be seen", times, &outcome);
}
