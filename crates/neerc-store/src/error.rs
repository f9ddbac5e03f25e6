//! Why a store could not be opened or written, in words that say what to do, and which errors must end the process.

pub(crate) mod postgres;

use crate::owner;
use postgres::PostgresError;
use rusqlite::{ErrorCode, ffi};
use std::io;
use std::path::{Path, PathBuf};

/// Why a store could not be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file beside the database, or a folder on the path to it, cannot be used.
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
        /// The id of that process, if known.
        by: Option<u32>,
    },
    /// Another process has the database open under another name, or has locked another file than the one beside it.
    #[error(
        "{} is in use by another neerc, under another name or without its lock file; only one can use it at a time",
        file.display()
    )]
    InUseElsewhere {
        /// The database.
        file: PathBuf,
    },
    /// The path leads to a folder, a device, a pipe or a link instead of a file.
    #[error("{} is no plain file, but a folder, a device, a pipe or a link; give the name of a file", file.display())]
    NotPlain {
        /// The path.
        file: PathBuf,
    },
    /// A backup would replace something other than a backup.
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
    /// The database existed and is gone.
    #[error(
        "{} is gone, and {} says that revision {revision} was stored in it; bring a backup back with `neerc restore \
         FILE`, or give another name in store.url to begin anew",
        file.display(),
        lock.display()
    )]
    Missing {
        /// The database.
        file: PathBuf,
        /// The file beside it that records this.
        lock: PathBuf,
        /// The last revision that was stored in it.
        revision: u64,
    },
    /// A file would be replaced that must not be.
    #[error("{} exists already; give another name, or --force to replace it", file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// The backup and the store are the same file.
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
        /// The journal mode that SQLite fell back to.
        mode: String,
    },
    /// The stored data is damaged.
    #[error("{} is damaged: {what}; bring a backup back with `neerc restore FILE`", file.display())]
    Damaged {
        /// The database.
        file: PathBuf,
        /// What is damaged.
        what: String,
    },
    /// An archive is damaged.
    #[error("{} is damaged: {what}; take a copy of it from elsewhere", file.display())]
    DamagedArchive {
        /// The archive.
        file: PathBuf,
        /// What is damaged.
        what: String,
    },
    /// An archive of a later version of this program.
    #[error("{} was written by a newer neerc (archive {found}; this one reads {known}); use that version", file.display())]
    NewerArchive {
        /// The archive.
        file: PathBuf,
        /// Its version.
        found: u32,
        /// The version that can be read.
        known: u32,
    },
    /// What was read back of an archive is not what it was made of.
    #[error("{} does not hold what was written into it: {what}; nothing was taken out of the store", file.display())]
    NotArchived {
        /// The archive.
        file: PathBuf,
        /// What is different.
        what: String,
    },
    /// A moment that is neither in the store nor in its archives.
    #[error("{what}")]
    NoMoment {
        /// Why not, as a sentence.
        what: String,
    },
    /// Changes are being archived already.
    #[error("{} is being compacted already", file.display())]
    Compacting {
        /// The database.
        file: PathBuf,
    },
    /// The batch does not continue the log.
    #[error("cannot store revision {given} in {}: after {last} comes {}", file.display(), .last.saturating_add(1))]
    Order {
        /// The database.
        file: PathBuf,
        /// The last stored revision.
        last: u64,
        /// The revision that was given.
        given: u64,
    },
    /// A change cannot be encoded, which is a bug in this program.
    #[error("cannot write down revision {revision}: {what}")]
    Unwritable {
        /// The revision of the change.
        revision: u64,
        /// Why not.
        what: String,
    },
    /// An operation of SQLite failed.
    #[error("cannot {doing} {}: {source}", file.display())]
    Sqlite {
        /// The operation, to be followed by the name of the file.
        doing: &'static str,
        /// The database.
        file: PathBuf,
        /// Why not.
        source: rusqlite::Error,
    },
    /// Something of PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// An earlier fatal error has stopped the store.
    #[error("{} is not used any more since an earlier failure; start again", file.display())]
    Broken {
        /// The database.
        file: PathBuf,
    },
    /// The store's thread cannot be started.
    #[error("cannot start the thread of the store: {0}")]
    Thread(io::Error),
    /// Too many batches are already waiting.
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
    /// Whether the process must end, since retrying is pointless: the contents of the disk are unknown (after a failed
    /// sync the page cache differs from the disk), damaged, or not what this process assumes.
    pub fn is_fatal(&self) -> bool {
        match self {
            StoreError::Sqlite { source, .. } => is_fatal(source),
            StoreError::Postgres(error) => error.is_fatal(),
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
            | StoreError::DamagedArchive { .. }
            | StoreError::NewerArchive { .. }
            | StoreError::NotArchived { .. }
            | StoreError::NoMoment { .. }
            | StoreError::Compacting { .. }
            | StoreError::Unwritable { .. }
            | StoreError::Thread(_)
            | StoreError::Busy { .. } => false,
        }
    }
}

fn process(id: &Option<u32>) -> String {
    id.map(|id| format!(" (process {id})")).unwrap_or_default()
}

/// Wraps an error of SQLite with the operation that failed. Damage is recognised in any operation.
pub(crate) fn failed(doing: &'static str, file: &Path, source: rusqlite::Error) -> StoreError {
    let file = file.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { file, what: source.to_string() }
        }
        _ => StoreError::Sqlite { doing, file, source },
    }
}

/// Whether this error leaves the contents of the disk unknown.
fn is_fatal(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(error, _) = error else { return false };
    let syncs = [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC, ffi::SQLITE_IOERR_CORRUPTFS];
    // The index of the write-ahead log grows after the sync, so the changes may be on disk despite the error.
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
