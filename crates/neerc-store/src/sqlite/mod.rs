//! The store in an SQLite file. Every commit is synced; the write-ahead log is copied back between commits, never during
//! one. Other processes may read the file (backups), but a lock file keeps a second neerc out.

pub(crate) mod backup;
pub(crate) mod compact;
mod copying;
mod disk;
pub(crate) mod filling;
mod floor;
mod generation;
mod load;
pub(crate) mod moment;
mod open;
pub(crate) mod read;
mod wal;

use crate::StoreError;
use crate::loaded::Loaded;
use crate::lock::Lock;
use crate::thread::Handle;
use std::path::Path;

pub(crate) use open::resolve;

/// Whether there is nothing at a path and never was a store.
pub fn is_new(path: &Path) -> Result<bool, StoreError> {
    let file = resolve(path)?;
    Ok(!file.exists() && Lock::peek(&file).is_none_or(|noted| noted == 0))
}

/// Opens the file, reads it and starts the thread.
pub fn open(path: &Path) -> Result<(Handle, Loaded), StoreError> {
    let (disk, loaded) = open::open_disk(path)?;
    Ok((Handle::start(disk)?, loaded))
}

#[cfg(test)]
pub(crate) mod tests;
