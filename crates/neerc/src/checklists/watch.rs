//! Looks whether the file of checklists has changed, beside the loop. Not what becomes of what is read.

use super::{ChecklistFile, read_file};
use crate::limits;
use crate::watched::WatchedFile;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// What came of reading the file again. Where it says what it said before, there is nothing to tell.
#[derive(Debug, PartialEq, Eq)]
pub enum ChecklistLook {
    /// What it holds now.
    File(ChecklistFile),
    /// Why it cannot be taken, in words. The checklists are those that it held before.
    Wrong(String),
}

/// One look at the file; what is to be told of it.
fn look(watched: &mut WatchedFile<ChecklistFile>, path: &Path) -> Option<ChecklistLook> {
    let look = watched.look(path, |path| read_file(path).map_err(|error| error.to_string()))?;
    let file = path.display();
    Some(look.map_or_else(
        |why| {
            ChecklistLook::Wrong(format!(
                "the file of checklists, {file}, was changed and cannot be taken, so those from before stay: {why}"
            ))
        },
        ChecklistLook::File,
    ))
}

/// Begins to look at a file that held this; what changes is sent from a task of its own.
pub fn begin(path: &Path, taken: &ChecklistFile) -> mpsc::Receiver<ChecklistLook> {
    let (sender, looks) = mpsc::channel(limits::MESSAGES_WAITING);
    tokio::spawn(watch(path.to_owned(), taken.clone(), sender));
    looks
}

/// Looks at a file that held this, and sends what changes. Ends when nobody listens.
pub async fn watch(path: PathBuf, taken: ChecklistFile, looks: mpsc::Sender<ChecklistLook>) {
    let (mut ticks, mut watched) = (tokio::time::interval(limits::CHECKLISTS_POLL), WatchedFile::new(taken));
    while !looks.is_closed() {
        ticks.tick().await;
        let looked_at = path.clone();
        let looked = tokio::task::spawn_blocking(move || (look(&mut watched, &looked_at), watched)).await;
        let Ok((seen, back)) = looked else { return }; // it cannot panic
        watched = back;
        if let Some(ChecklistLook::File(file)) = &seen {
            file.warnings(&path).iter().for_each(|warning| tracing::warn!("{warning}"));
        }
        if let Some(seen) = seen
            && looks.send(seen).await.is_err()
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
        let mut watched = WatchedFile::new(read_file(&path).unwrap());
        let mut look = || count(look(&mut watched, &path));
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
