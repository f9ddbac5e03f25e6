//! Archives: what of the log is not in the database any more, as lines of JSON in a gzip file, which any program can read.
//! Each holds a span of revisions, and the boards as they were before it, so that any one of them is enough for the moments
//! in it. Its last line tells a whole file from one that was cut short.

mod read;
mod write;

pub(crate) use read::ArchiveReader;
pub(crate) use write::{ArchiveWriter, set_aside};

use crate::rows::{self, StoredRow, number_of};
use crate::url::beside;
use crate::{StoreError, owner};
use neerc_core::board::Boards;
use neerc_core::change::Entry;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The version of the archives that are written; no others are read.
pub(crate) const ARCHIVE_VERSION: u32 = 1;
/// How the names of archives end.
pub(crate) const ENDING: &str = ".jsonl.gz";

/// What an archive holds, as its first line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveHead {
    /// The version of its form.
    #[serde(rename = "neerc_archive")]
    pub version: u32,
    /// The first revision in it.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// When the earliest change in it happened, in ms since 1970.
    pub earliest_ms: i64,
    /// When the latest did, in ms since 1970.
    pub latest_ms: i64,
    /// When the last change before it happened, in ms since 1970; 0 if there was none.
    pub before_ms: i64,
    /// The checksum of the log before it.
    pub chain_before: u32,
    /// The same at its end.
    pub chain_after: u32,
}

/// The second line.
#[derive(Serialize, Deserialize)]
struct BoardsLine<'a> {
    /// The boards before the first revision; absent if that is 1.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    boards: Option<&'a RawValue>,
}

/// Each of the lines after that: a row of the log.
#[derive(Serialize, Deserialize)]
struct EntryLine<'a> {
    revision: u64,
    room: Cow<'a, str>,
    at_ms: i64,
    by: Cow<'a, str>,
    #[serde(borrow)]
    record: &'a RawValue,
    sum: u32,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct EndLine {
    /// How many lines are before it.
    lines: u64,
    /// The checksum (CRC-32) of these lines, with their ends.
    lines_sum: u32,
}

/// Where the archives of a store are: beside it.
pub(crate) fn folder(store: &Path) -> PathBuf {
    beside(store, ".archive")
}

/// Makes the folder, private to the owner of the store.
pub(crate) fn make_folder(store: &Path) -> Result<PathBuf, StoreError> {
    let folder = folder(store);
    let made = match DirBuilder::new().mode(0o700).create(&folder) {
        // Whoever made it may have ended before its name was durable.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => sync_folder_of(&folder),
        Err(error) => Err(error),
        Ok(()) => File::open(&folder).and_then(|made| {
            owner::bequeath(&made, store);
            sync_folder_of(&folder)
        }),
    };
    made.map_err(|source| StoreError::File { file: folder.clone(), source })?;
    Ok(folder)
}

/// Makes the names in the folder of a file durable.
pub(crate) fn sync_folder_of(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Makes an archive durable that is there already, with its name: whoever wrote it may have ended before that.
pub(crate) fn settle(file: &Path) -> Result<(), StoreError> {
    let settled = File::open(file).and_then(|found| found.sync_all()).and_then(|()| sync_folder_of(file));
    settled.map_err(|source| StoreError::File { file: file.to_owned(), source })
}

/// What the archive of a span is called.
pub(crate) fn name(first: u64, last: u64) -> String {
    format!("{first:010}-{last:010}{ENDING}")
}

/// The archives in a folder, by their names, in order of their first revision. None if there is no folder.
pub(crate) fn list(folder: &Path) -> Result<Vec<(u64, u64, PathBuf)>, StoreError> {
    let at = |source| StoreError::File { file: folder.to_owned(), source };
    let found = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        found => found.map_err(at)?,
    };
    let mut archives = Vec::new();
    for file in found {
        let file = file.map_err(at)?;
        let span = file.file_name().to_str().and_then(span_of);
        archives.extend(span.map(|(first, last)| (first, last, file.path())));
    }
    archives.sort();
    Ok(archives)
}

/// Gives the archives up to a revision to another store as well, which is made from the same log.
pub(crate) fn share(from: &Path, store: &Path, floor: u64) -> Result<(), StoreError> {
    for (_, last, file) in list(from)? {
        let name = file.file_name().filter(|_| last <= floor);
        let Some(to) = name.map(|name| folder(store).join(name)).filter(|to| !to.exists()) else { continue };
        make_folder(store)?;
        // Links share the space; other file systems have none.
        let shared =
            fs::hard_link(&file, &to).or_else(|_| fs::copy(&file, &to).and_then(|_| File::open(&to)?.sync_all()));
        shared.and_then(|()| sync_folder_of(&to)).map_err(|source| StoreError::File { file: to.clone(), source })?;
    }
    Ok(())
}

/// Takes the archives after a revision away from a store that will go on from there in another way: to the store that was
/// in its place, if one was.
pub(crate) fn part_with(store: &Path, kept: Option<&Path>, floor: u64) -> Result<(), StoreError> {
    let from = folder(store);
    if let Some(kept) = kept {
        share(&from, kept, floor)?;
    }
    for (first, _, file) in list(&from)?.into_iter().filter(|(first, ..)| *first > floor) {
        match (kept, file.file_name()) {
            (Some(kept), Some(name)) => {
                let to = make_folder(kept)?.join(name);
                fs::rename(&file, &to).map_err(|source| StoreError::File { file: to, source })?;
            }
            _ => drop(set_aside(&file)?),
        }
        tracing::debug!("revision {first} and later belong to the store that was here before");
    }
    Ok(())
}

fn span_of(name: &str) -> Option<(u64, u64)> {
    let (first, last) = name.strip_suffix(ENDING)?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// A change with its row as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub entry: Entry,
    pub record: String,
    pub sum: u32,
}

impl Row {
    /// A row that was read as that entry.
    pub fn of(entry: Entry, row: &StoredRow<'_>) -> Result<Row, String> {
        let record = std::str::from_utf8(row.record).map_err(|error| error.to_string())?.to_owned();
        let sum = u32::try_from(row.sum).map_err(|error| error.to_string())?;
        Ok(Row { entry, record, sum })
    }

    fn line(&self) -> serde_json::Result<EntryLine<'_>> {
        let record: &RawValue = serde_json::from_str(&self.record)?;
        let Entry { revision, room, at_ms, by, .. } = &self.entry;
        let (room, by) = ((&**room).into(), by.bare().into());
        Ok(EntryLine { revision: *revision, room, at_ms: *at_ms, by, record, sum: self.sum })
    }

    /// The row of a line, which must come after that revision; rooms are known by those boards. The error says what is
    /// wrong with it.
    pub(crate) fn read(line: &[u8], last: u64, boards: &Boards) -> Result<Row, String> {
        let expected = last.saturating_add(1);
        let line = serde_json::from_slice(line).map_err(|error| format!("revision {expected} of the log: {error}"))?;
        let EntryLine { revision, room, at_ms, by, record, sum } = line;
        let (room, by, text) = (room.as_bytes(), by.as_bytes(), record.get().as_bytes());
        let row = StoredRow { number: number_of(revision), room, at_ms, by, record: text, sum: sum.into() };
        let entry = row.entry(boards, expected)?;
        Ok(Row { entry, record: record.get().to_owned(), sum })
    }
}

/// A change as a line of an archive, without its end: for whoever keeps the same log somewhere else.
pub fn write_line(entry: &Entry) -> Result<String, StoreError> {
    let (record, sum) = rows::written(entry)?;
    let row = Row { entry: entry.clone(), record, sum };
    let line = row.line().and_then(|line| serde_json::to_string(&line));
    line.map_err(|error| StoreError::Unwritable { revision: entry.revision, what: error.to_string() })
}

/// The change of such a line, which must be the next after that revision. The error says what is wrong with it.
pub fn read_line(line: &str, last: u64) -> Result<Entry, String> {
    let row = Row::read(line.as_bytes(), last, &Boards::new());
    row.map(|row| row.entry)
}

#[cfg(test)]
mod tests;
