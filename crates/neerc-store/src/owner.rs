//! Owners and permissions of files: a new file is private to its owner, a replacement inherits owner and permissions,
//! and a permission error names the owner.

use crate::StoreError;
use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

/// Permissions of a file that only its owner may read.
const OWNER_ONLY: u32 = 0o600;

/// Options to open a file for writing; a new file is private to its owner.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(OWNER_ONLY);
    options
}

/// Refuses a path that exists and is not a regular file, such as a folder, a device or a pipe. Links are followed.
pub fn plain(file: &Path) -> Result<(), StoreError> {
    match fs::metadata(file) {
        Ok(found) if !found.is_file() => Err(StoreError::NotPlain { file: file.to_owned() }),
        _ => Ok(()), // what cannot be inspected cannot be opened either, and opening says why
    }
}

/// Gives a file to the owner of the database or, if there is none, of its folder. Only root can do this; files of
/// anybody else are already their own.
pub fn bequeath(file: &File, database: &Path) {
    let folder = || database.parent().and_then(|folder| fs::metadata(folder).ok());
    let model = fs::metadata(database).ok().filter(|found| found.len() > 0).or_else(folder);
    if let (Some(model), Ok(now)) = (model, file.metadata())
        && (model.uid(), model.gid()) != (now.uid(), now.gid())
    {
        drop(fchown(file, Some(model.uid()), Some(model.gid()))); // only root is allowed to
    }
}

/// Gives a file the owner and the permissions of the one it will replace.
pub fn like(file: &File, model: &fs::Metadata) -> io::Result<()> {
    let now = file.metadata()?;
    if (model.uid(), model.gid()) != (now.uid(), now.gid()) {
        fchown(file, Some(model.uid()), Some(model.gid()))?;
    }
    file.set_permissions(Permissions::from_mode(model.mode() & 0o777))
}

/// A system user, for messages.
pub struct User(u32);

impl User {
    /// The user of this process, if known.
    pub fn this() -> Option<User> {
        fs::metadata("/proc/self").ok().map(|data| User(data.uid()))
    }

    /// The owner of a file.
    pub fn of(file: &Path) -> Option<User> {
        fs::metadata(file).ok().map(|data| User(data.uid()))
    }
}

impl PartialEq for User {
    fn eq(&self, other: &User) -> bool {
        self.0 == other.0
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let mut lines = known.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let id = self.0.to_string();
        match lines.find(|fields| fields.get(2) == Some(&id.as_str())).and_then(|fields| fields.first().copied()) {
            Some(name) => write!(f, "user {id} ({name})"),
            None => write!(f, "user {id}"),
        }
    }
}

/// An explanation to append to a permission error.
pub fn explain(file: &Path, source: &io::Error) -> String {
    if source.kind() != io::ErrorKind::PermissionDenied {
        return String::new();
    }
    let (what, place) = match file.exists() {
        true => ("it", Some(file)),
        false => ("its folder", file.parent()),
    };
    match (place.and_then(User::of), User::this()) {
        (Some(owner), Some(this)) if owner != this => format!("; {what} belongs to {owner}, and this is {this}"),
        _ => String::new(),
    }
}
