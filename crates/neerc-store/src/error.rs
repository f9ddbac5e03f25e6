//! Why something could not be opened or stored, in words that say what to do, and which of these the process must not
//! outlive.

use crate::owner;
use rusqlite::{ErrorCode, ffi};
use std::io;
use std::path::{Path, PathBuf};

/// Why a store could not be opened or something could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file beside the database, or the way to it, cannot be used.
    #[error("cannot use {}: {source}{}", file.display(), owner::explain(.file, .source))]
    File {
        /// Which.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process has the store open.
    #[error("{} is in use by another neerc{}; only one can use it at a time", file.display(), process(.by))]
    InUse {
        /// The database.
        file: PathBuf,
        /// The id of that process, if it could be read.
        by: Option<u32>,
    },
    /// Another process has the database open by another name, or the file beside it is not the one that process locked.
    #[error(
        "{} is in use by another neerc, under another name or without its lock file; only one can use it at a time",
        file.display()
    )]
    InUseElsewhere {
        /// The database.
        file: PathBuf,
    },
    /// A folder, a device, a pipe or a link where a file is wanted.
    #[error("{} is no plain file, but a folder, a device, a pipe or a link; give the name of a file", file.display())]
    NotPlain {
        /// What is there.
        file: PathBuf,
    },
    /// A backup would replace what is not its like.
    #[error("{} is {what}, so it is not replaced; give another name", file.display())]
    NotReplaced {
        /// The file.
        file: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A file of the store was removed or replaced while it was in use.
    #[error(
        "{} is not the file any more that was opened: somebody moved, replaced or removed it while it was in use",
        file.display()
    )]
    Replaced {
        /// The file.
        file: PathBuf,
    },
    /// A database of another program.
    #[error("{} is not a neerc store but some other program's database; give another path", file.display())]
    Foreign {
        /// The database.
        file: PathBuf,
    },
    /// The database was here and is gone.
    #[error(
        "{} is gone, and {} says that revision {revision} was stored in it; bring a backup back with `neerc restore \
         FILE`, or give another name in store.url to begin anew",
        file.display(),
        lock.display()
    )]
    Missing {
        /// The database.
        file: PathBuf,
        /// The file beside it that says so.
        lock: PathBuf,
        /// Up to where it had been stored.
        revision: u64,
    },
    /// A file would be replaced that was not to be.
    #[error("{} exists already; give another name, or --force to replace it", file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// A backup and its store are one file.
    #[error("{} is the store itself; give the name of another file", file.display())]
    Same {
        /// The file.
        file: PathBuf,
    },
    /// A database of a later version of this program.
    #[error(
        "{} was written by a newer neerc (format {found}; this one reads up to {known}); use that version or \
         bring a backup back with `neerc restore FILE`",
        file.display()
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// The format of the database.
        found: i64,
        /// The newest format that can be read.
        known: i64,
    },
    /// The file system lacks what SQLite's write-ahead log needs.
    #[error("{} is on a file system without write-ahead logging (journal mode '{mode}'); use a local disk", file.display())]
    NoWal {
        /// The database.
        file: PathBuf,
        /// The journal mode that could be had.
        mode: String,
    },
    /// What is stored is not what was stored.
    #[error("{} is damaged: {what}; bring a backup back with `neerc restore FILE`", file.display())]
    Damaged {
        /// The database.
        file: PathBuf,
        /// Where and how.
        what: String,
    },
    /// The batch does not continue the log.
    #[error("cannot store revision {given} in {}: after {last} comes {}", file.display(), .last.saturating_add(1))]
    Order {
        /// The database.
        file: PathBuf,
        /// The last revision before.
        last: u64,
        /// The revision that was to follow.
        given: u64,
    },
    /// A change cannot be written down: an error in this program.
    #[error("cannot write down revision {revision}: {what}")]
    Unwritable {
        /// The revision of the change.
        revision: u64,
        /// Why not.
        what: String,
    },
    /// SQLite could not do something.
    #[error("cannot {doing} {}: {source}", file.display())]
    Sqlite {
        /// What, to be followed by the name of the file.
        doing: &'static str,
        /// The database.
        file: PathBuf,
        /// Why not.
        source: rusqlite::Error,
    },
    /// Something fatal happened before, so nothing is stored any more.
    #[error("{} is not used any more since an earlier failure; start again", file.display())]
    Broken {
        /// The database.
        file: PathBuf,
    },
    /// The store's thread cannot be started.
    #[error("cannot start the thread of the store: {0}")]
    Thread(io::Error),
    /// Too many batches wait already.
    #[error("{waiting} batches wait to be stored already; try again later")]
    Busy {
        /// How many.
        waiting: usize,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Gone,
}

impl StoreError {
    /// Whether trying again is pointless and the process must not go on: what is on disk is not known any more (a
    /// failed sync leaves the page cache unlike the disk), is damaged, or is not what this process believes.
    pub fn is_fatal(&self) -> bool {
        match self {
            StoreError::Sqlite { source, .. } => is_fatal(source),
            StoreError::Damaged { .. }
            | StoreError::Replaced { .. }
            | StoreError::Order { .. }
            | StoreError::Broken { .. }
            | StoreError::Gone => true,
            StoreError::File { .. }
            | StoreError::InUse { .. }
            | StoreError::InUseElsewhere { .. }
            | StoreError::NotPlain { .. }
            | StoreError::NotReplaced { .. }
            | StoreError::Foreign { .. }
            | StoreError::Missing { .. }
            | StoreError::Exists { .. }
            | StoreError::Same { .. }
            | StoreError::Newer { .. }
            | StoreError::NoWal { .. }
            | StoreError::Unwritable { .. }
            | StoreError::Thread(_)
            | StoreError::Busy { .. } => false,
        }
    }
}

fn process(id: &Option<u32>) -> String {
    id.map(|id| format!(" (process {id})")).unwrap_or_default()
}

/// An error of SQLite with what it happened at. Damage is recognised whatever was being done.
pub(crate) fn failed(doing: &'static str, file: &Path, source: rusqlite::Error) -> StoreError {
    let file = file.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { file, what: source.to_string() }
        }
        _ => StoreError::Sqlite { doing, file, source },
    }
}

/// Whether after this error what is on disk is not known any more.
fn is_fatal(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(error, _) = error else { return false };
    let syncs = [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC, ffi::SQLITE_IOERR_CORRUPTFS];
    // The index of the write-ahead log grows after the sync, so the changes may be on disk all the same.
    let index = [ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_SHMMAP];
    syncs.contains(&error.extended_code)
        || index.contains(&error.extended_code)
        || matches!(error.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_errors_are_fatal() {
        let error = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        for code in [
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_IOERR_DIR_FSYNC,
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_CORRUPT_INDEX,
            ffi::SQLITE_NOTADB,
        ] {
            assert!(is_fatal(&error(code)), "{code}");
        }
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_READONLY] {
            assert!(!is_fatal(&error(code)), "{code}");
        }
    }
}
