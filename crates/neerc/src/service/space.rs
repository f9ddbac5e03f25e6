//! How much room is left on the file system of the store: whoever runs the service is told before it is full, since then
//! nothing can be changed any more. Looked at beside the loop, because a file system may take its time.

use crate::limits;
use std::io;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// What was said last of the room that is left.
#[derive(Debug)]
struct Low {
    /// Below this it is said again, in bytes.
    next_bytes: u64,
}

impl Low {
    fn new() -> Low {
        Low { next_bytes: limits::LITTLE_SPACE_BYTES }
    }

    /// What is to be said if so much is left: below the bound, and then each time that half of that is gone.
    fn note(&mut self, folder: &Path, free_bytes: u64) -> Option<String> {
        if free_bytes >= 2 * limits::LITTLE_SPACE_BYTES {
            self.next_bytes = limits::LITTLE_SPACE_BYTES;
        }
        if free_bytes >= self.next_bytes {
            return None;
        }
        self.next_bytes = free_bytes / 2;
        Some(format!(
            "only {} MiB are left on the file system of the store, {}; when it is full, nothing can be changed any more: \
             make room there, or move the store",
            free_bytes >> 20,
            folder.display()
        ))
    }
}

/// What is left for the service on the file system of a folder, in bytes.
pub(super) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let space = rustix::fs::statvfs(folder)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

/// The folder of a file.
pub(super) fn folder(file: &Path) -> PathBuf {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// Looks at the room that is left beside a file, at once and then every minute, and sends what is to be said.
pub async fn watch(file: PathBuf, sender: mpsc::Sender<String>) {
    let folder = folder(&file);
    let mut low = Low::new();
    loop {
        let looked_at = folder.clone();
        let free = tokio::task::spawn_blocking(move || free_bytes(&looked_at)).await;
        if let Ok(Ok(free)) = free
            && let Some(warning) = low.note(&folder, free)
            && sender.send(warning).await.is_err()
        {
            return;
        }
        tokio::time::sleep(limits::SPACE_POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_room_is_said_once_and_again_when_half_of_it_is_gone() {
        const MIB: u64 = 1 << 20;
        let mut low = Low::new();
        let said: Vec<bool> = [5_000, 1_024, 1_023, 1_000, 600, 511, 300, 255, 100, 0, 0]
            .map(|mib| low.note(Path::new("/var/lib/neerc"), mib * MIB).is_some())
            .into();
        assert_eq!(said, [false, false, true, false, false, true, false, true, true, true, false]);
        assert_eq!(low.note(Path::new("x"), 1_500 * MIB), None);
        assert_eq!(low.note(Path::new("x"), 3_000 * MIB), None);
        let again = low.note(Path::new("/var/lib/neerc"), 900 * MIB).unwrap();
        assert!(again.starts_with("only 900 MiB are left on the file system of the store, /var/lib/neerc;"), "{again}");
    }

    #[test]
    fn the_room_of_a_folder_is_known() {
        let folder = std::env::temp_dir();
        assert!(free_bytes(&folder).unwrap() > 0);
        assert!(free_bytes(Path::new("/nonexistent")).is_err());
    }
}
