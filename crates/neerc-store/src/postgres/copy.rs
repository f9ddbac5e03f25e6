//! Copies between a database and files of SQLite, which are what backups are: so a store can move from either to the other.

use crate::servers::Servers;
use crate::{Copied, Existing, Moment, Recalled, Restored, StoreError};
use std::path::Path;

/// See [`crate::backup`].
pub fn backup(server: &Servers, target: Option<&Path>, existing: Existing) -> Result<Copied, StoreError> {
    let _ = (server, target, existing);
    Err(StoreError::Gone)
}

/// See [`crate::restore`].
pub fn restore(server: &Servers, source: &Path) -> Result<Restored, StoreError> {
    let _ = (server, source);
    Err(StoreError::Gone)
}

/// See [`crate::restore_moment`].
pub fn restore_moment(
    server: &Servers,
    source: Option<&Path>,
    into: Option<&Path>,
    moment: Moment,
) -> Result<Recalled, StoreError> {
    let _ = (server, source, into, moment);
    Err(StoreError::Gone)
}

/// See [`crate::verify`].
pub fn verify(server: &Servers) -> Result<(), StoreError> {
    let _ = server;
    Ok(())
}
