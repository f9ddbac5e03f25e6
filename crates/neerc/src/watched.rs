//! Files that are looked at again and again, and read when they have changed. A file is read once it has rested from one look
//! to the next, so one that is being written is not.

use std::fs::metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

/// By what a changed file is told, without reading it; `None` for one that is not there.
type Stamp = Option<(u64, u64, Option<SystemTime>)>;

/// What was seen of a file that holds a `T`.
#[derive(Debug)]
pub struct WatchedFile<T> {
    /// What was taken of it last.
    taken: T,
    /// What was wrong with it last, if that was after.
    wrong: Option<String>,
    /// As it was when it was read last.
    read: Option<Stamp>,
    /// As it was at the last look.
    seen: Option<Stamp>,
}

impl<T: Clone + PartialEq> WatchedFile<T> {
    /// A file of which that was taken.
    pub fn new(taken: T) -> WatchedFile<T> {
        WatchedFile { taken, wrong: None, read: None, seen: None }
    }

    /// One look at the file. What is to be told of it: what it holds now, or why it cannot be taken, each once.
    pub fn look(&mut self, path: &Path, read: impl FnOnce(&Path) -> Result<T, String>) -> Option<Result<T, String>> {
        let stamp: Stamp = metadata(path).ok().map(|found| (found.ino(), found.len(), found.modified().ok()));
        let rests = self.seen.replace(stamp) == Some(stamp);
        if !rests || self.read == Some(stamp) {
            return None;
        }
        self.read = Some(stamp);
        self.note(read(path))
    }

    /// Takes what was read, from wherever; what is to be told of it.
    pub fn note(&mut self, read: Result<T, String>) -> Option<Result<T, String>> {
        match read {
            Ok(read) => {
                let was_wrong = self.wrong.take().is_some();
                if read == self.taken && !was_wrong {
                    return None;
                }
                self.taken = read.clone();
                Some(Ok(read))
            }
            Err(why) if self.wrong.as_ref() == Some(&why) => None,
            Err(why) => {
                self.wrong = Some(why.clone());
                Some(Err(why))
            }
        }
    }
}
