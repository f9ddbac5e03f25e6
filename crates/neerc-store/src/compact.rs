//! Moves the oldest part of the log into archives. What is moved was read, written, made durable, read back and compared
//! before the database lets go of it; the boards that stand in its place are what it comes to. It is read a part at a time
//! on a thread of its own, so that others are stored meanwhile.

use crate::archive::{self, ArchiveHead, ArchiveReader, ArchiveWriter, Row};
use crate::rows::{Floor, StoredRow, stored};
use crate::{Archived, Compacted, Keep, StoreError, record};
use neerc_core::board::Boards;
use neerc_core::limits::STORED_CHANGE_BYTES;
use neerc_core::units::DAY_MS;
use std::ops::ControlFlow;
use std::path::Path;

/// What a compaction is about to do; whoever is told may say that it is not wanted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Reading a part of the log.
    Read,
    /// Writing the archive of a span.
    Write,
    /// Reading an archive back.
    Compare,
    /// Taking it out of the database.
    Let,
    /// The database begins later now.
    Done,
}

/// What is compacted: the log of a store that is in use.
pub(crate) trait Source {
    /// Its name, for messages.
    fn name(&self) -> &Path;
    /// What its archives are beside.
    fn place(&self) -> &Path;
    /// Where its log begins; the inner error says why that cannot be believed.
    fn floor(&mut self) -> Result<Result<Floor, String>, StoreError>;
    /// Up to where it goes.
    fn span(&mut self) -> Result<LogSpan, StoreError>;
    /// Shows the revision and the length of each of the newest records, the last one first.
    fn lengths(&mut self, take: &mut dyn FnMut(u64, usize) -> ControlFlow<()>) -> Result<(), StoreError>;
    /// Shows some of the rows from one revision (not included) to another, in order.
    fn part(
        &mut self,
        after: u64,
        to: u64,
        take: &mut dyn FnMut(&StoredRow<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;
}

/// Up to where a log goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogSpan {
    /// The last revision.
    pub last: u64,
    /// The told revision.
    pub told: u64,
    /// The lowest mark of those who read the log, if there is any.
    pub marked: Option<u64>,
}

/// Moves what may be moved, at most so many changes into each archive. `raise` stores each floor.
pub(crate) fn compact<S: Source>(
    source: &mut S,
    keep: Keep,
    most: u64,
    raise: &mut dyn FnMut(Floor) -> Result<(), StoreError>,
    goes_on: &mut dyn FnMut(Stage) -> bool,
) -> Result<Compacted, StoreError> {
    let mut work = Work { source, goes_on };
    let mut floor = work.source.floor()?.map_err(|why| work.damaged(&why))?;
    let last = work.last_to_move(floor.revision, keep)?;
    let mut archives = Vec::new();
    while floor.revision < last {
        let to = last.min(floor.revision + most);
        let (archived, next) = work.archive(&floor, to)?;
        work.step(Stage::Let)?;
        raise(next.clone())?;
        work.step(Stage::Done)?;
        archives.push(archived);
        floor = next;
    }
    let kept = work.source.span()?.last.saturating_sub(floor.revision);
    Ok(Compacted { archives, floor: floor.told(), kept })
}

struct Work<'a, S> {
    source: &'a mut S,
    goes_on: &'a mut dyn FnMut(Stage) -> bool,
}

impl<S: Source> Work<'_, S> {
    fn step(&mut self, stage: Stage) -> Result<(), StoreError> {
        if (self.goes_on)(stage) { Ok(()) } else { Err(StoreError::Gone) }
    }

    fn damaged(&self, why: &str) -> StoreError {
        let what = format!("what the log begins with after what is in archives: {why}");
        StoreError::Damaged { file: self.source.name().to_owned(), what }
    }

    /// Up to which revision the log may be moved: not what is wanted, not what a start reads, and not what somebody has
    /// still to be told or to read.
    fn last_to_move(&mut self, floor: u64, keep: Keep) -> Result<u64, StoreError> {
        let LogSpan { last, told, marked } = self.source.span()?;
        let newest = self.newest(last, keep.newest_bytes)?;
        let most = told.min(marked.unwrap_or(u64::MAX)).min(last.saturating_sub(1)).min(newest.saturating_sub(1));
        let mut to = floor;
        let is_old = |at_ms: i64| at_ms < keep.since_ms || at_ms > keep.now_ms.saturating_add(DAY_MS);
        self.each(floor, most, |row| {
            if !is_old(row.at_ms) {
                return ControlFlow::Break(());
            }
            to = stored(row.number);
            ControlFlow::Continue(())
        })?;
        Ok(to)
    }

    /// The first of the newest changes, which a start reads.
    fn newest(&mut self, last: u64, bytes: usize) -> Result<u64, StoreError> {
        let (mut first, mut taken) = (last.saturating_add(1), 0);
        self.source.lengths(&mut |revision, length| {
            if taken >= bytes {
                return ControlFlow::Break(());
            }
            first = revision;
            taken += length + STORED_CHANGE_BYTES;
            ControlFlow::Continue(())
        })?;
        Ok(first)
    }

    /// Shows the rows from one revision (not included) to another, in parts.
    fn each(
        &mut self,
        after: u64,
        to: u64,
        mut take: impl FnMut(&StoredRow<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut last = after;
        while last < to {
            self.step(Stage::Read)?;
            let (before, mut is_over) = (last, false);
            self.source.part(last, to, &mut |row| {
                last = stored(row.number);
                let taken = take(row);
                is_over = taken.is_break();
                taken
            })?;
            if is_over || last == before {
                return Ok(()); // what is missing is found by whoever reads every one
            }
        }
        Ok(())
    }

    /// Shows the changes from one revision (not included) to another, each of which must be there.
    fn entries(
        &mut self,
        after: u64,
        to: u64,
        boards: &mut Boards,
        mut take: impl FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let file = self.source.name().to_owned();
        let (mut last, mut failure) = (after, None);
        self.each(after, to, |row| {
            let read = row.entry(boards, last + 1);
            let damaged = |what| StoreError::Damaged { file: file.clone(), what };
            let taken = read.map_err(damaged).and_then(|entry| {
                last = entry.revision;
                boards.entry(entry.room.clone()).or_default().replay(&entry);
                take(&Row::of(entry, row).map_err(damaged)?)
            });
            failure = taken.err();
            if failure.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        match failure {
            Some(error) => Err(error),
            None if last < to => {
                let what = format!("revision {} of the log is missing", last + 1);
                Err(StoreError::Damaged { file, what })
            }
            None => Ok(()),
        }
    }

    /// Archives the changes after a floor up to a revision. Returns the archive, and the floor that it makes.
    fn archive(&mut self, floor: &Floor, to: u64) -> Result<(Archived, Floor), StoreError> {
        let head = self.head(floor, to)?;
        let folder = archive::make_folder(self.source.place())?;
        let name = folder.join(archive::name(head.first, head.last));
        let adopted = self.clear(&folder, &head)?;
        if adopted {
            archive::settle(&name)?;
        } else {
            self.step(Stage::Write)?;
            let mut writer = ArchiveWriter::begin(&folder, self.source.place(), &head, &floor.record)?;
            let mut boards = floor.boards().map_err(|why| self.damaged(&why))?;
            self.entries(floor.revision, to, &mut boards, |row| writer.add(row))?;
            writer.finish(&name)?;
        }
        self.step(Stage::Compare)?;
        let next = self.compare(floor, &head, &name)?;
        let bytes = std::fs::metadata(&name).map_err(|source| StoreError::File { file: name.clone(), source })?.len();
        Ok((Archived { file: name, first: head.first, last: head.last, bytes }, next))
    }

    fn head(&mut self, floor: &Floor, to: u64) -> Result<ArchiveHead, StoreError> {
        let (mut earliest_ms, mut latest_ms, mut chain) = (i64::MAX, i64::MIN, floor.chain);
        self.each(floor.revision, to, |row| {
            (earliest_ms, latest_ms) = (earliest_ms.min(row.at_ms), latest_ms.max(row.at_ms));
            chain = record::chained(chain, u32::try_from(row.sum).unwrap_or(0)); // a wrong one is found when it is read
            ControlFlow::Continue(())
        })?;
        let (chain_before, chain_after) = (floor.chain, chain);
        let (version, first, last, before_ms) = (archive::ARCHIVE_VERSION, floor.revision + 1, to, floor.at_ms);
        Ok(ArchiveHead { version, first, last, earliest_ms, latest_ms, before_ms, chain_before, chain_after })
    }

    /// Makes room for an archive among those that an earlier compaction left before it was cut off, or that belong to
    /// another history of the store. Returns whether the very archive is there; it is compared like any other.
    fn clear(&mut self, folder: &Path, head: &ArchiveHead) -> Result<bool, StoreError> {
        let mut is_there = false;
        for (first, last, file) in archive::list(folder)? {
            let is_same = ArchiveReader::open(&file).is_ok_and(|found| found.head() == head);
            let is_whole = is_same && read_all(&file).is_ok();
            match last >= head.first {
                true if is_whole && (first, last) == (head.first, head.last) => is_there = true,
                true => {
                    let aside = archive::set_aside(&file)?;
                    tracing::warn!("{} is not used; it is kept as {}", file.display(), aside.display());
                }
                false => {}
            }
        }
        Ok(is_there)
    }

    /// Reads an archive back and compares it with the log. Returns the floor that it makes.
    fn compare(&mut self, floor: &Floor, head: &ArchiveHead, name: &Path) -> Result<Floor, StoreError> {
        let not = |what: &str| StoreError::NotArchived { file: name.to_owned(), what: what.to_owned() };
        let mut archive = ArchiveReader::open(name)?;
        if archive.head() != head || archive.boards_record() != floor.record {
            return Err(not("its head or its boards are different"));
        }
        let mut boards = floor.boards().map_err(|why| self.damaged(&why))?;
        let mut at_ms = floor.at_ms;
        self.entries(floor.revision, head.last, &mut boards, |row| {
            at_ms = row.entry.at_ms;
            match archive.next()?.as_ref() == Some(row) {
                true => Ok(()),
                false => Err(not(&format!("revision {} is different", row.entry.revision))),
            }
        })?;
        if archive.next()?.is_some() {
            return Err(not("it holds more"));
        }
        let unwritable =
            |why: record::RecordError| StoreError::Unwritable { revision: head.last, what: why.to_string() };
        let record = record::write_boards(&boards).map_err(unwritable)?;
        if record::read_boards(record.as_bytes()).map_err(unwritable)? != boards {
            let what = String::from("the boards are read back as others");
            return Err(StoreError::Unwritable { revision: head.last, what });
        }
        Ok(Floor { revision: head.last, at_ms, chain: head.chain_after, record })
    }
}

/// Reads an archive to its end.
fn read_all(file: &Path) -> Result<(), StoreError> {
    let mut archive = ArchiveReader::open(file)?;
    while archive.next()?.is_some() {}
    Ok(())
}
