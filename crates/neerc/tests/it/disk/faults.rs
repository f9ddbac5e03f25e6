//! The program on a disk that fails on command: builds `faults.c`, lays it under the program, and reads what it noted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::guard;
use crate::service::Neerc;

/// The configuration that puts the store where the disk fails.
pub const STORE: &str = "[store]\nurl = \"sqlite:data/neerc.db\"\n";

/// The disk under one program.
pub struct Faults {
    /// The folder that it fails in; the store is `neerc.db` there.
    pub folder: PathBuf,
    trace: PathBuf,
    full: PathBuf,
    sync: PathBuf,
    slow: PathBuf,
    end: PathBuf,
}

/// What the program did to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    Opened,
    Created,
    Wrote { offset: u64, data: Vec<u8> },
    Truncated { len: u64 },
    Synced,
    Unlinked,
    MadeFolder,
    Moved { to: String },
    RefusedFull,
    FailedSync,
}

/// A line of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The file's name in the folder; empty for the folder itself.
    pub name: String,
    pub deed: Deed,
    /// How long the trace was with it.
    pub end: u64,
}

impl Faults {
    /// Lays the disk under a program that was not started yet, whose store is [`STORE`].
    pub fn under(neerc: &mut Neerc<'_>) -> Self {
        let dir = neerc.dir.canonicalize().unwrap();
        let names = ["data", "trace", "full", "sync", "slow", "end"];
        let [folder, trace, full, sync, slow, end] = names.map(|name| dir.join(name));
        fs::create_dir_all(&folder).unwrap();
        fs::write(&trace, "").unwrap();
        neerc.env = vec![
            ("LD_PRELOAD", library().to_owned()),
            ("FAULTS_FOLDER", folder.clone()),
            ("FAULTS_TRACE", trace.clone()),
            ("FAULTS_FULL", full.clone()),
            ("FAULTS_SYNC", sync.clone()),
            ("FAULTS_SLOW", slow.clone()),
            ("FAULTS_END", end.clone()),
        ];
        Self { folder, trace, full, sync, slow, end }
    }

    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self.folder.join("neerc.db")
    }

    /// From now on the disk takes only so many more bytes.
    pub fn fill(&self, room_bytes: usize) {
        replace(&self.full, room_bytes);
    }

    /// There is room again.
    pub fn make_room(&self) {
        fs::remove_file(&self.full).unwrap();
    }

    /// The sync of that number from now on fails, once; the next is number 1.
    pub fn fail_sync(&self, number: usize) {
        replace(&self.sync, number);
    }

    /// From now on each sync takes so many ms longer.
    pub fn slow_down(&self, ms: usize) {
        replace(&self.slow, ms);
    }

    /// The program ends, as if killed, right after the next file has got another name.
    pub fn end_at_move(&self) {
        replace(&self.end, 1);
    }

    /// How long the trace is.
    pub fn trace_len(&self) -> u64 {
        fs::metadata(&self.trace).unwrap().len()
    }

    /// The trace from an offset on; a record that is being written is left out.
    pub fn trace(&self, from: u64) -> Vec<Record> {
        let bytes = fs::read(&self.trace).unwrap();
        let mut records = Vec::new();
        let mut rest = &bytes[from as usize..];
        while let Some((name, deed, after)) = read(rest) {
            rest = after;
            records.push(Record { name, deed, end: (bytes.len() - rest.len()) as u64 });
        }
        records
    }
}

/// Whole at any time: the program may look at it right now.
fn replace(file: &Path, number: usize) {
    let part = file.with_extension("part");
    fs::write(&part, number.to_string()).unwrap();
    fs::rename(part, file).unwrap();
}

fn read(bytes: &[u8]) -> Option<(String, Deed, &[u8])> {
    let (head, rest) = bytes.split_at_checked(24)?;
    let number = |from: usize| u64::from_ne_bytes(head[from..from + 8].try_into().unwrap());
    let name_len = u32::from_ne_bytes(head[4..8].try_into().unwrap()) as usize;
    let (offset, len) = (number(8), number(16) as usize);
    let (name, rest) = rest.split_at_checked(name_len)?;
    let (data, rest) = rest.split_at_checked(len)?;
    let deed = match &head[..4] {
        b"open" if offset == 1 => Deed::Created,
        b"open" => Deed::Opened,
        b"writ" => Deed::Wrote { offset, data: data.to_owned() },
        b"trun" => Deed::Truncated { len: offset },
        b"sync" => Deed::Synced,
        b"unli" => Deed::Unlinked,
        b"fold" => Deed::MadeFolder,
        b"move" => Deed::Moved { to: String::from_utf8(data.to_owned()).unwrap() },
        b"full" => Deed::RefusedFull,
        b"fail" => Deed::FailedSync,
        kind => panic!("a record of the trace is of kind {kind:?}"),
    };
    Some((String::from_utf8(name.to_owned()).unwrap(), deed, rest))
}

/// The library, built once by the C compiler that building the program takes anyway.
fn library() -> &'static Path {
    static ONE: OnceLock<PathBuf> = OnceLock::new();
    ONE.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/disk/faults.c");
        let library = guard::scratch_dir("faults").join("faults.so");
        let flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"];
        let built = Command::new("cc").args(flags).arg(&library).arg(&source).arg("-ldl").status();
        assert!(built.is_ok_and(|status| status.success()), "cc builds {}", source.display());
        library
    })
}
