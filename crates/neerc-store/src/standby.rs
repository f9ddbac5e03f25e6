//! Standing by: the store is opened as soon as nobody else serves from it. Which of two gets it, a lock decides or a lease.

use crate::lock::Lock;
use crate::{Opened, StoreError, Url, open};
use std::path::Path;

/// A process that waits for a store.
#[derive(Debug)]
pub struct Standby {
    url: Url,
}

/// What is known of who serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhoServes {
    /// Who it is, in words.
    pub holder: String,
    /// The last revision that is known to be stored.
    pub revision: u64,
}

/// What came of looking.
#[derive(Debug)]
pub enum Looked {
    /// The store is this process's.
    Opened(Box<Opened>),
    /// It is another's.
    Others(WhoServes),
}

impl Standby {
    /// One that waits for the store at `url`.
    pub fn of(url: &Url) -> Standby {
        Standby { url: url.clone() }
    }

    /// Opens the store, unless somebody else serves from it. Blocks on the disk.
    pub fn look(&mut self) -> Result<Looked, StoreError> {
        match open(&self.url) {
            Ok(opened) => Ok(Looked::Opened(Box::new(opened))),
            Err(StoreError::InUse { file, by }) => Ok(Looked::Others(sight(&file, by))),
            Err(StoreError::InUseElsewhere { file }) => Ok(Looked::Others(sight(&file, None))),
            Err(error) => Err(error),
        }
    }
}

fn sight(file: &Path, by: Option<u32>) -> WhoServes {
    let holder = by.map_or_else(|| "another process".to_owned(), |id| format!("process {id}"));
    WhoServes { holder, revision: Lock::peek(file).unwrap_or(0) }
}
