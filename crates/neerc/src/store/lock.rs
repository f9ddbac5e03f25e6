//! The file beside the database: its lock keeps a second neerc out, and in it stands how far the log was once stored.
//! That note is written after each commit and never synced: a killed process leaves it exact, a power cut may leave an
//! older one, and nothing leaves one that says too much. So a log that ends before it has lost something.

use super::StoreError;
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes of the first line, which is the process id.
const PID_BYTES: usize = 11;
/// Bytes of the second line: the word, a revision in 20 digits, its checksum in 8.
const NOTE_BYTES: usize = NOTE_WORD.len() + 20 + 1 + 8 + 1;
const NOTE_WORD: &str = "revision ";

/// The lock, held until it is dropped; the kernel releases it with the process. The file itself stays.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

/// The file of the same name with more at its end.
pub fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(ending);
    PathBuf::from(name)
}

impl Lock {
    /// Takes the lock of a database and writes the own process id into it.
    pub fn take(database: &Path) -> Result<Lock, StoreError> {
        let path = beside(database, ".lock");
        let at = |source| StoreError::File { file: path.clone(), source };
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(at)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse { file: database.to_owned(), by: pid(file) });
            }
            Err(TryLockError::Error(error)) => return Err(at(error)),
        }
        let lock = Lock { file, path };
        if let Err(error) = lock.sign() {
            tracing::debug!("{}: cannot note the process id: {error}", lock.path.display()); // the lock holds all the same
        }
        Ok(lock)
    }

    fn sign(&self) -> io::Result<()> {
        if self.file.metadata()?.len() != (PID_BYTES + NOTE_BYTES) as u64 {
            self.file.set_len(0)?; // of another version, or torn: no note
        }
        self.file.write_all_at(format!("{:<10}\n", std::process::id()).as_bytes(), 0)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Up to which revision the log was stored at least; `None` if nobody wrote that, or it cannot be read.
    pub fn noted(&self) -> Option<u64> {
        let mut line = [0; NOTE_BYTES];
        self.file.read_exact_at(&mut line, PID_BYTES as u64).ok()?;
        let text = std::str::from_utf8(&line).ok()?;
        let revision: u64 = text.strip_prefix(NOTE_WORD)?.get(..20)?.parse().ok()?;
        (text == note(revision)).then_some(revision)
    }

    /// Notes that the log is on disk up to a revision. Not synced: see above.
    pub fn note(&self, revision: u64) {
        if let Err(error) = self.file.write_all_at(note(revision).as_bytes(), PID_BYTES as u64) {
            tracing::debug!("{}: cannot note revision {revision}: {error}", self.path.display()); // a check less
        }
    }

    /// Waits until the note is on disk.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

fn note(revision: u64) -> String {
    format!("{NOTE_WORD}{revision:020} {:08x}\n", crc32fast::hash(&revision.to_le_bytes()))
}

/// Who holds the lock.
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
