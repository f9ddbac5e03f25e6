//! Writes an archive under a temporary name. It is durable before it gets its own.

use super::{ArchiveHead, BoardsLine, EndLine, Row};
use crate::{StoreError, owner};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// An archive that is being written; what is not finished is removed.
pub(crate) struct ArchiveWriter {
    part: PathBuf,
    lines: GzEncoder<BufWriter<File>>,
    sum: crc32fast::Hasher,
    count: u64,
    is_finished: bool,
}

impl ArchiveWriter {
    /// Begins an archive with what stands before the changes: its head, and the boards as a record.
    pub fn begin(folder: &Path, store: &Path, head: &ArchiveHead, boards: &str) -> Result<ArchiveWriter, StoreError> {
        let part = folder.join(format!("{}.part", super::name(head.first, head.last)));
        let begun = || -> io::Result<ArchiveWriter> {
            drop(fs::remove_file(&part)); // left by a killed process
            let file = owner::private().create_new(true).open(&part)?;
            owner::bequeath(&file, store);
            let lines = GzEncoder::new(BufWriter::new(file), Compression::default());
            let sum = crc32fast::Hasher::new();
            let mut writer = ArchiveWriter { part: part.clone(), lines, sum, count: 0, is_finished: false };
            writer.line(head)?;
            let boards = (!boards.is_empty()).then(|| serde_json::from_str(boards)).transpose()?;
            writer.line(&BoardsLine { boards })?;
            Ok(writer)
        };
        begun().map_err(|source| StoreError::File { file: part.clone(), source })
    }

    /// Adds a change, with its record as it is stored.
    pub fn add(&mut self, row: &Row) -> Result<(), StoreError> {
        let written = row.line().map_err(io::Error::from).and_then(|line| self.line(&line));
        written.map_err(|source| StoreError::File { file: self.part.clone(), source })
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.sum.update(&text);
        self.count += 1;
        self.lines.write_all(&text)
    }

    /// Ends the archive, makes it durable, and gives it its name. Returns how long it is, in bytes.
    pub fn finish(mut self, file: &Path) -> Result<u64, StoreError> {
        let finished = (|| -> io::Result<u64> {
            let end = EndLine { lines: self.count, lines_sum: self.sum.clone().finalize() };
            self.line(&end)?;
            self.lines.try_finish()?;
            self.lines.get_mut().flush()?;
            let written = self.lines.get_ref().get_ref();
            written.sync_all()?;
            let len = written.metadata()?.len();
            fs::rename(&self.part, file)?;
            self.is_finished = true;
            super::sync_folder_of(file)?;
            Ok(len)
        })();
        finished.map_err(|source| StoreError::File { file: file.to_owned(), source })
    }
}

impl Drop for ArchiveWriter {
    fn drop(&mut self) {
        if !self.is_finished {
            drop(fs::remove_file(&self.part)); // the next one that is written here removes it too
        }
    }
}

/// Gives a file that cannot stay under its name another one that is free.
pub(crate) fn set_aside(file: &Path) -> Result<PathBuf, StoreError> {
    let names = (1..crate::limits::KEPT).map(|number| crate::url::beside(file, &format!(".other-{number}")));
    let mut free = names.filter(|name| !name.exists());
    let Some(name) = free.next() else { return Err(StoreError::Exists { file: file.to_owned() }) };
    fs::rename(file, &name).map_err(|source| StoreError::File { file: file.to_owned(), source })?;
    Ok(name)
}
