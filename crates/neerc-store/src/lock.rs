//! Keeps a second neerc out, by two locks: one on the file beside the database, and one on the database itself, since
//! the database may have other names (links, mounts) and the file may be removed. The file also notes the last stored
//! revision. The note is written after each commit and never synced: a killed process leaves an exact note, a power cut
//! may leave an older one, and nothing leaves a newer one. So a log that ends before its note has lost changes.

use crate::{StoreError, owner};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

pub use crate::url::beside;

/// Length of the first line, the process id.
const PID_BYTES: usize = 11;
/// Length of the second line: a word, a revision of 20 digits, its checksum of 8.
const NOTE_BYTES: usize = NOTE_WORD.len() + 20 + 1 + 8 + 1;
const NOTE_WORD: &str = "revision ";

/// The lock. It is released when it is dropped or the process ends; the file stays.
///
/// It must outlive every SQLite connection to the database: closing any handle to a file releases all POSIX locks that
/// the process holds on it.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
    database: PathBuf,
    /// The locked database, by a lock that does not conflict with SQLite's; `None` until it exists.
    held: Option<File>,
    /// The files that must still be in place after each commit.
    watched: Vec<(PathBuf, Identity)>,
}

/// The identity of a file under any name: its device and inode.
pub type Identity = (u64, u64);

/// The identity of a file with that metadata.
pub fn identity(of: &fs::Metadata) -> Identity {
    (of.dev(), of.ino())
}

impl Lock {
    /// Takes the lock of a database and writes the id of this process into it.
    pub fn take(database: &Path) -> Result<Lock, StoreError> {
        let path = beside(database, ".lock");
        let at = |source| StoreError::File { file: path.clone(), source };
        for file in [database, &path] {
            owner::plain(file)?;
        }
        let file = owner::private().create(true).read(true).truncate(false).open(&path).map_err(at)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse { file: database.to_owned(), by: pid(file) });
            }
            Err(TryLockError::Error(error)) => return Err(at(error)),
        }
        // A file that root creates here must be usable by the user of the service.
        owner::bequeath(&file, database);
        let mut lock = Lock { file, path, database: database.to_owned(), held: None, watched: Vec::new() };
        lock.hold(OpenOptions::new().read(true).write(true))?;
        if let Err(error) = lock.sign() {
            tracing::debug!("{}: cannot note the process id: {error}", lock.path.display()); // the lock holds anyway
        }
        Ok(lock)
    }

    /// Locks the database itself, if it exists.
    fn hold(&mut self, options: &OpenOptions) -> Result<(), StoreError> {
        let at = |source| StoreError::File { file: self.database.clone(), source };
        let file = match options.open(&self.database) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(at)?,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUseElsewhere { file: self.database.clone() }),
            Err(TryLockError::Error(error)) => return Err(at(error)),
        }
        self.held = Some(file);
        Ok(())
    }

    /// Creates the database if it does not exist, empty and private to its owner. The files that SQLite puts beside it
    /// get the same permissions.
    pub fn make(&mut self) -> Result<(), StoreError> {
        if self.held.is_none() {
            self.hold(owner::private().create_new(true).read(true))?;
            self.held.iter().for_each(|file| owner::bequeath(file, &self.database));
        }
        Ok(())
    }

    /// Records the identities of the database and its write-ahead log.
    pub fn watch(&mut self) -> Result<(), StoreError> {
        let watched = ["", "-wal"].into_iter().map(|ending| {
            let file = beside(&self.database, ending);
            let data = fs::metadata(&file).map_err(|source| StoreError::File { file: file.clone(), source })?;
            Ok((file, identity(&data)))
        });
        self.watched = watched.collect::<Result<_, StoreError>>()?;
        Ok(())
    }

    /// Checks that the files are still in place: writes to a removed or replaced file are lost when the process ends.
    pub fn check(&self) -> Result<(), StoreError> {
        let is_there =
            |(file, known): &&(PathBuf, Identity)| fs::metadata(file).is_ok_and(|now| identity(&now) == *known);
        match self.watched.iter().find(|watched| !is_there(watched)) {
            Some((file, _)) => Err(StoreError::Replaced { file: file.clone() }),
            None => Ok(()),
        }
    }

    fn sign(&self) -> io::Result<()> {
        if self.file.metadata()?.len() != (PID_BYTES + NOTE_BYTES) as u64 {
            self.file.set_len(0)?; // of another version, or torn: not a note
        }
        self.file.write_all_at(format!("{:<10}\n", std::process::id()).as_bytes(), 0)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The noted revision, up to which the log is stored; `None` if there is no readable note.
    pub fn noted(&self) -> Option<u64> {
        read_note(&self.file)
    }

    /// The note beside a database, read without the lock; it may be changing.
    pub fn peek(database: &Path) -> Option<u64> {
        File::open(beside(database, ".lock")).ok().and_then(|file| read_note(&file))
    }

    /// The process that has the store, or had it last.
    pub fn user(database: &Path) -> Option<u32> {
        File::open(beside(database, ".lock")).ok().and_then(pid)
    }

    /// Notes that the log is on disk up to a revision. Not synced; see the module.
    pub fn note(&self, revision: u64) {
        if let Err(error) = self.file.write_all_at(note(revision).as_bytes(), PID_BYTES as u64) {
            tracing::debug!("{}: cannot note revision {revision}: {error}", self.path.display()); // only a later check is lost
        }
    }

    /// Syncs the note.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

/// A program that is being started by another thread has a copy of every handle for a moment, which would keep a lock that is
/// only closed here.
impl Drop for Lock {
    fn drop(&mut self) {
        for file in self.held.iter().chain([&self.file]) {
            if let Err(error) = file.unlock() {
                tracing::debug!("{}: cannot be unlocked before it is closed: {error}", self.path.display());
            }
        }
    }
}

fn read_note(file: &File) -> Option<u64> {
    let mut line = [0; NOTE_BYTES];
    file.read_exact_at(&mut line, PID_BYTES as u64).ok()?;
    let text = std::str::from_utf8(&line).ok()?;
    let revision: u64 = text.strip_prefix(NOTE_WORD)?.get(..20)?.parse().ok()?;
    (text == note(revision)).then_some(revision)
}

fn note(revision: u64) -> String {
    format!("{NOTE_WORD}{revision:020} {:08x}\n", crc32fast::hash(&revision.to_le_bytes()))
}

/// The process that holds the lock.
fn pid(lock: File) -> Option<u32> {
    let mut text = String::new();
    lock.take(PID_BYTES as u64).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    #[test]
    fn a_lock_is_released_at_once_also_where_its_handles_have_copies() {
        let folder = TempDir::new().unwrap();
        let database = folder.path().join("a.db");
        let mut lock = Lock::take(&database).unwrap();
        lock.make().unwrap();
        // As in a program that is being started just then.
        let copies = [lock.file.try_clone().unwrap(), lock.held.as_ref().unwrap().try_clone().unwrap()];
        assert!(matches!(Lock::take(&database), Err(StoreError::InUse { .. })));
        drop(lock);
        assert!(Lock::take(&database).is_ok());
        drop(copies);
    }

    #[test]
    fn the_note_outlives_the_lock_and_a_torn_one_says_nothing() {
        let folder = TempDir::new().unwrap();
        let database = folder.path().join("a.db");
        let noted = || Lock::take(&database).unwrap().noted();
        assert_eq!(noted(), None);
        Lock::take(&database).unwrap().note(17);
        assert_eq!((noted(), noted()), (Some(17), Some(17)));
        let path = folder.path().join("a.db.lock");
        let whole = fs::read(&path).unwrap();
        assert_eq!(whole.len(), PID_BYTES + NOTE_BYTES);
        for bit in 8 * PID_BYTES..8 * whole.len() {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, flipped).unwrap();
            assert_eq!(noted(), None, "bit {bit}");
        }
        for len in 0..whole.len() {
            fs::write(&path, &whole[..len]).unwrap();
            assert_eq!(noted(), None, "{len} bytes");
        }
        fs::write(&path, "4711\n").unwrap(); // as it was before there were notes
        assert_eq!(noted(), None);
        Lock::take(&database).unwrap().note(u64::MAX);
        assert_eq!(noted(), Some(u64::MAX));
    }
}
