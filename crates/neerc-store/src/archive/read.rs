//! Reads an archive from its beginning to its end, and checks all of it.

use super::{ARCHIVE_VERSION, ArchiveHead, BoardsLine, EndLine, Row};
use crate::{StoreError, limits, record};
use flate2::bufread::GzDecoder;
use neerc_core::board::Boards;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// An archive that is being read. What it returns is checked; that nothing is missing is known once it has returned `None`.
pub(crate) struct ArchiveReader {
    file: PathBuf,
    lines: BufReader<GzDecoder<BufReader<File>>>,
    line: Vec<u8>,
    sum: crc32fast::Hasher,
    count: u64,
    head: ArchiveHead,
    boards: Boards,
    boards_record: String,
    last: u64,
    chain: u32,
}

impl ArchiveReader {
    /// Opens an archive, and reads what stands before its changes.
    pub fn open(file: &Path) -> Result<ArchiveReader, StoreError> {
        let at = |source| StoreError::File { file: file.to_owned(), source };
        let opened = File::open(file).map_err(at)?;
        let mut reader = ArchiveReader {
            file: file.to_owned(),
            lines: BufReader::with_capacity(limits::CHUNK_BYTES, GzDecoder::new(BufReader::new(opened))),
            line: Vec::new(),
            sum: crc32fast::Hasher::new(),
            count: 0,
            head: ArchiveHead {
                version: 0,
                first: 1,
                last: 0,
                earliest_ms: 0,
                latest_ms: 0,
                before_ms: 0,
                chain_before: 0,
                chain_after: 0,
            },
            boards: Boards::new(),
            boards_record: String::new(),
            last: 0,
            chain: 0,
        };
        reader.begin()?;
        Ok(reader)
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.take_line()?;
        let head: ArchiveHead =
            serde_json::from_slice(&self.line).map_err(|error| self.damaged(&format!("its head: {error}")))?;
        if head.version != ARCHIVE_VERSION {
            return Err(StoreError::NewerArchive {
                file: self.file.clone(),
                found: head.version,
                known: ARCHIVE_VERSION,
            });
        }
        if head.first == 0 || head.last < head.first {
            return Err(self.damaged(&format!("it says that it holds revisions {} to {}", head.first, head.last)));
        }
        (self.last, self.chain, self.head) = (head.first - 1, head.chain_before, head);
        self.take_line()?;
        let line = serde_json::from_slice::<BoardsLine<'_>>(&self.line);
        let line = line.map_err(|error| self.damaged(&format!("its boards: {error}")))?;
        match line.boards {
            Some(boards) => {
                let boards = boards.get().to_owned();
                let read = record::read_boards(boards.as_bytes());
                self.boards = read.map_err(|error| self.damaged(&format!("its boards: {error}")))?;
                self.boards_record = boards;
            }
            None if self.head.first == 1 => {}
            None => return Err(self.damaged("its boards are missing")),
        }
        Ok(())
    }

    /// What it says that it holds.
    pub fn head(&self) -> &ArchiveHead {
        &self.head
    }

    /// The boards before its first change.
    pub fn boards(&self) -> &Boards {
        &self.boards
    }

    /// The same as they are stored; empty if there are none.
    pub fn boards_record(&self) -> &str {
        &self.boards_record
    }

    /// The next change; `None` once all have been read and the file is known to be whole.
    pub fn next(&mut self) -> Result<Option<Row>, StoreError> {
        if self.last == self.head.last {
            self.end()?;
            return Ok(None);
        }
        self.take_line()?;
        let row = self.row().map_err(|what| self.damaged(&what))?;
        self.last = row.entry.revision;
        self.chain = record::chained(self.chain, row.sum);
        Ok(Some(row))
    }

    fn row(&self) -> Result<Row, String> {
        Row::read(&self.line, self.last, &self.boards)
    }

    /// Reads the last line, after which there must be nothing.
    fn end(&mut self) -> Result<(), StoreError> {
        let (count, sum) = (self.count, self.sum.clone().finalize());
        self.take_line()?;
        let end = serde_json::from_slice::<EndLine>(&self.line);
        let end = end.map_err(|error| self.damaged(&format!("its last line: {error}")))?;
        if (end.lines, end.lines_sum) != (count, sum) {
            return Err(self.damaged("its lines are not those that were written"));
        }
        if self.chain != self.head.chain_after {
            return Err(self.damaged("its changes do not come to what its head says"));
        }
        let mut rest = [0];
        match self.lines.read(&mut rest) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.damaged("something follows its last line")),
            Err(error) => Err(self.unreadable(error)),
        }
    }

    fn take_line(&mut self) -> Result<(), StoreError> {
        self.line.clear();
        let most = limits::ARCHIVE_LINE_BYTES;
        let read = (&mut self.lines).take(most).read_until(b'\n', &mut self.line);
        read.map_err(|error| self.unreadable(error))?;
        if self.line.last() != Some(&b'\n') {
            return Err(self.damaged(&format!("it ends within line {}", self.count + 1)));
        }
        self.count += 1;
        self.sum.update(&self.line);
        Ok(())
    }

    /// What does not decompress is damaged; what cannot be read from the disk is not known to be.
    fn unreadable(&self, error: io::Error) -> StoreError {
        match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                self.damaged(&format!("it does not decompress: {error}"))
            }
            _ => StoreError::File { file: self.file.clone(), source: error },
        }
    }

    fn damaged(&self, what: &str) -> StoreError {
        StoreError::DamagedArchive { file: self.file.clone(), what: what.to_owned() }
    }
}
