//! Looks whether the file of checklists has changed, beside the loop. A file is read once it has rested from one look to the
//! next, so one that is being written is not. Not what becomes of what is read.

use super::{ChecklistFile, read_file};
use crate::limits;
use std::fs::metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tokio::sync::mpsc;

/// What came of reading the file again. Where it says what it said before, there is nothing to tell.
#[derive(Debug, PartialEq, Eq)]
pub enum ChecklistLook {
    /// What it holds now.
    File(ChecklistFile),
    /// Why it cannot be taken, in words. The checklists are those that it held before.
    Wrong(String),
}

/// By what a changed file is told, without reading it; `None` for one that is not there.
type Stamp = Option<(u64, u64, Option<SystemTime>)>;

/// What was seen of the file.
#[derive(Debug)]
struct Watched {
    /// What was taken of it last.
    taken: ChecklistFile,
    /// What was wrong with it last, if that was after.
    wrong: Option<String>,
    /// As it was when it was read last.
    read: Option<Stamp>,
    /// As it was at the last look.
    seen: Option<Stamp>,
}

impl Watched {
    fn new(taken: ChecklistFile) -> Watched {
        Watched { taken, wrong: None, read: None, seen: None }
    }

    /// One look at the file; what is to be told of it.
    fn look(&mut self, path: &Path) -> Option<ChecklistLook> {
        let stamp: Stamp = metadata(path).ok().map(|found| (found.ino(), found.len(), found.modified().ok()));
        let rests = self.seen.replace(stamp) == Some(stamp);
        if !rests || self.read == Some(stamp) {
            return None;
        }
        self.read = Some(stamp);
        self.note(path, read_file(path).map_err(|error| error.to_string()))
    }

    /// Takes what was read; what is to be told of it.
    fn note(&mut self, path: &Path, read: Result<ChecklistFile, String>) -> Option<ChecklistLook> {
        match read {
            Ok(file) => {
                let was_wrong = self.wrong.take().is_some();
                if file == self.taken && !was_wrong {
                    return None;
                }
                self.taken = file.clone();
                Some(ChecklistLook::File(file))
            }
            Err(why) if self.wrong.as_ref() == Some(&why) => None,
            Err(why) => {
                let file = path.display();
                let said = format!(
                    "the file of checklists, {file}, was changed and cannot be taken, so those from before stay: {why}"
                );
                self.wrong = Some(why);
                Some(ChecklistLook::Wrong(said))
            }
        }
    }
}

/// Looks at a file that held this, and sends what changes. Ends when nobody listens.
pub async fn watch(path: PathBuf, taken: ChecklistFile, looks: mpsc::Sender<ChecklistLook>) {
    let (mut ticks, mut watched) = (tokio::time::interval(limits::CHECKLISTS_POLL), Watched::new(taken));
    while !looks.is_closed() {
        ticks.tick().await;
        let looked_at = path.clone();
        let looked = tokio::task::spawn_blocking(move || (watched.look(&looked_at), watched)).await;
        let Ok((look, back)) = looked else { return }; // it cannot panic
        watched = back;
        if let Some(ChecklistLook::File(file)) = &look {
            file.warnings(&path).iter().for_each(|warning| tracing::warn!("{warning}"));
        }
        if let Some(look) = look
            && looks.send(look).await.is_err()
        {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_read_once_it_rests_and_a_wrong_one_is_said_once_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scripts.yaml");
        let mut written = 0;
        let mut write = |text: &str| {
            // A file of another length is another one, whatever the clock of the file system says.
            written += 1;
            fs::write(&path, format!("{text}{}", " ".repeat(written))).unwrap();
        };
        let count = |look: Option<ChecklistLook>| match look {
            Some(ChecklistLook::File(file)) => Ok(file.checklists.len()),
            Some(ChecklistLook::Wrong(why)) => Err(why),
            None => Ok(usize::MAX),
        };
        const NOTHING: Result<usize, String> = Ok(usize::MAX);
        write("- '@todo halls Water'\n");
        let mut watched = Watched::new(read_file(&path).unwrap());
        let mut look = || count(watched.look(&path));
        assert_eq!([look(), look(), look()], [NOTHING; 3], "nothing has changed");
        write("- '@todo halls Water'\n- '@todo halls Bread'\n");
        assert_eq!([look(), look(), look()], [NOTHING, Ok(2), NOTHING]);
        write("- @todo halls Bread\n");
        assert_eq!(look(), NOTHING);
        let why = look().unwrap_err();
        assert!(why.contains("scripts.yaml") && why.contains("line 1: "), "{why}");
        assert_eq!(look(), NOTHING, "it is said once");
        fs::remove_file(&path).unwrap();
        assert_eq!(look(), NOTHING);
        assert!(look().unwrap_err().contains("it cannot be read"));
        write("- '@todo halls Water'\n- '@todo halls Bread'\n");
        assert_eq!([look(), look(), look()], [NOTHING, Ok(2), NOTHING], "that it is well again is told");
    }
}
