//! Reads archives, backups and stores from beginning to end, and says which of them are whole and whether they follow each
//! other without a gap.

use crate::archive::{self, ArchiveReader};
use crate::{StoreError, Url, sqlite};
use neerc_core::board::Boards;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WholeKind {
    /// An archive.
    Archive,
    /// A store, or a backup of one.
    Store,
}

/// A file that was read and is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeFile {
    /// Its path.
    pub file: PathBuf,
    /// What it is.
    pub kind: WholeKind,
    /// The first revision in it.
    pub first: u64,
    /// The last; less than the first if there is none.
    pub last: u64,
}

/// What was found out about one file, or two.
#[derive(Debug)]
pub enum Verdict {
    /// The file is whole.
    Whole(WholeFile),
    /// It is not.
    Wrong(StoreError),
    /// The changes between two files are in none of them.
    Gap {
        /// The first that is missing.
        first: u64,
        /// The last.
        last: u64,
        /// The file after the gap.
        before: PathBuf,
    },
    /// Two files follow each other by their revisions, but are of different histories.
    Strangers {
        /// The earlier.
        one: PathBuf,
        /// The later.
        other: PathBuf,
    },
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_fine(&self) -> bool {
        matches!(self, Verdict::Whole(_))
    }
}

/// What a file ends with, for what comes after it.
struct End {
    file: PathBuf,
    last: u64,
    chain: u32,
    boards: Boards,
}

/// Reads files, and compares those that follow each other. Says something of each, and of what is between them, in the
/// order of what is in them.
pub fn verify_files(files: &[PathBuf]) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let mut archives = Vec::new();
    let mut stores = Vec::new();
    for file in files {
        match kind(file) {
            Ok(WholeKind::Store) => stores.push(file),
            Ok(WholeKind::Archive) => match ArchiveReader::open(file) {
                Ok(reader) => archives.push((reader.head().first, reader.head().last, file)),
                Err(error) => verdicts.push(Verdict::Wrong(error)),
            },
            Err(error) => verdicts.push(Verdict::Wrong(error)),
        }
    }
    archives.sort();
    let mut end: Option<End> = None;
    for (_, _, file) in archives {
        match read_archive(file, end.as_ref(), &mut verdicts) {
            Ok(read) if end.as_ref().is_some_and(|end| end.last > read.last) => {} // of another history, or a copy
            Ok(read) => end = Some(read),
            Err(error) => verdicts.push(Verdict::Wrong(error)),
        }
    }
    for file in stores {
        match sqlite::backup::look(file) {
            Ok(store) => {
                let begins = Begin { file, first: store.floor + 1, chain: store.chain, boards: &store.floor_boards };
                compare(end.as_ref(), &begins, &mut verdicts);
                let (file, kind) = (file.clone(), WholeKind::Store);
                verdicts.push(Verdict::Whole(WholeFile { file, kind, first: store.floor + 1, last: store.revision }));
            }
            Err(error) => verdicts.push(Verdict::Wrong(error)),
        }
    }
    verdicts
}

/// The files of a store: its archives, and itself if it is one.
pub fn files_of(url: &Url) -> Result<Vec<PathBuf>, StoreError> {
    let archives = archive::list(&archives_of(url))?;
    let store = match url {
        Url::Sqlite(path) => Some(sqlite::resolve(path)?),
        Url::Postgres(_) => None,
    };
    Ok(archives.into_iter().map(|(_, _, file)| file).chain(store).collect())
}

/// Where the archives of a store are.
pub fn archives_of(url: &Url) -> PathBuf {
    let local = url.local();
    archive::folder(&sqlite::resolve(local).unwrap_or_else(|_| local.to_owned()))
}

/// What a file is, by its beginning.
pub(crate) fn kind(file: &Path) -> Result<WholeKind, StoreError> {
    let at = |source| StoreError::File { file: file.to_owned(), source };
    let mut head = Vec::new();
    File::open(file).map_err(at)?.take(16).read_to_end(&mut head).map_err(at)?;
    if head.starts_with(sqlite::backup::MAGIC) {
        return Ok(WholeKind::Store);
    }
    match head.starts_with(&[0x1f, 0x8b]) {
        true => Ok(WholeKind::Archive),
        false => Err(at(io::Error::other("it is neither an archive nor a store"))),
    }
}

/// Reads an archive to its end.
fn read_archive(file: &Path, before: Option<&End>, verdicts: &mut Vec<Verdict>) -> Result<End, StoreError> {
    let mut reader = ArchiveReader::open(file)?;
    let head = reader.head().clone();
    let mut boards = reader.boards().clone();
    while let Some(row) = reader.next()? {
        boards.entry(row.entry.room.clone()).or_default().replay(&row.entry);
    }
    let begins = Begin { file, first: head.first, chain: head.chain_before, boards: reader.boards() };
    compare(before, &begins, verdicts);
    let (kind, path) = (WholeKind::Archive, file.to_owned());
    verdicts.push(Verdict::Whole(WholeFile { file: path.clone(), kind, first: head.first, last: head.last }));
    Ok(End { file: path, last: head.last, chain: head.chain_after, boards })
}

/// What a file begins with.
struct Begin<'a> {
    file: &'a Path,
    first: u64,
    chain: u32,
    boards: &'a Boards,
}

/// Whether a file goes on where the one before it ends.
fn compare(end: Option<&End>, begin: &Begin<'_>, verdicts: &mut Vec<Verdict>) {
    let Some(end) = end else { return };
    if begin.first > end.last + 1 {
        let (first, last) = (end.last + 1, begin.first - 1);
        verdicts.push(Verdict::Gap { first, last, before: begin.file.to_owned() });
    } else if begin.first == end.last + 1
        && (begin.chain != end.chain || !sqlite::backup::is_same(begin.boards, &end.boards))
    {
        verdicts.push(Verdict::Strangers { one: end.file.clone(), other: begin.file.to_owned() });
    }
}
