//! What came while the service was stopping and nobody decided: it is left in a file beside the store, where the next process
//! takes it up. The file is removed before anything of it is done: after a crash in between a request is lost, as one that is on
//! its way is by any crash, and none is ever done twice.

use super::Service;
use super::time::wall_ms;
use neerc_xmpp::front::Undecided;
use neerc_xmpp::limits::{HELD_ENTRY_BYTES, LEFT_BYTES, LEFT_STANZAS};
use ring::digest::{SHA256, digest};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What the file begins with: its name and version. The number of stanzas, their length and their sum follow.
const MAGIC: &str = "neerc-undecided-1";

/// The file that belongs to a store.
pub fn beside(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push("-undecided");
    name.into()
}

fn sum(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Each stanza behind its time of day and its length.
fn written(stanzas: &[Undecided]) -> Vec<u8> {
    let mut body = Vec::new();
    for Undecided { bytes, at_ms } in stanzas {
        body.extend_from_slice(format!("{at_ms} {}\n", bytes.len()).as_bytes());
        body.extend_from_slice(bytes);
        body.push(b'\n');
    }
    let head = format!("{MAGIC} {} {} {}\n", stanzas.len(), body.len(), sum(&body));
    [head.into_bytes(), body].concat()
}

/// The stanzas of a file; of one that is torn, how many it should have held.
fn read(file: &[u8]) -> Result<Vec<Undecided>, Option<usize>> {
    let (head, body) = line(file).ok_or(None)?;
    let mut words = head.split(' ');
    if words.next() != Some(MAGIC) {
        return Err(None);
    }
    let count: usize = words.next().and_then(|word| word.parse().ok()).ok_or(None)?;
    let (length, wanted) = (words.next().and_then(|word| word.parse().ok()), words.next());
    if length != Some(body.len()) || wanted != Some(&sum(body)) {
        return Err(Some(count));
    }
    let (mut stanzas, mut rest) = (Vec::new(), body);
    while let Some((head, after)) = line(rest) {
        let numbers = head.split_once(' ').and_then(|(at, length)| Some((at.parse().ok()?, length.parse().ok()?)));
        let (at_ms, length): (i64, usize) = numbers.ok_or(Some(count))?;
        let (bytes, after) = after.split_at_checked(length).ok_or(Some(count))?;
        stanzas.push(Undecided { bytes: bytes.to_vec(), at_ms });
        rest = after.strip_prefix(b"\n").ok_or(Some(count))?;
    }
    if stanzas.len() == count { Ok(stanzas) } else { Err(Some(count)) }
}

/// The first line of bytes, and what comes after it.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (head, rest) = bytes.split_at_checked(end)?;
    Some((std::str::from_utf8(head).ok()?, rest.strip_prefix(b"\n")?))
}

/// Leaves stanzas in a file, with their times of day. It is on disk once this is over.
fn leave(file: &Path, stanzas: &[Undecided]) -> io::Result<()> {
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let _ = fs::remove_file(&part); // of a process that was killed
    let mut open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    open.write_all(&written(stanzas))?;
    open.sync_all()?;
    fs::rename(&part, file)?;
    sync_folder(file)
}

fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Takes what was left in a file, which is gone then. What goes wrong is said for the log.
fn take(file: &Path) -> Result<Vec<Undecided>, String> {
    let open = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened,
    };
    // Twice what is ever written, so that a file which is too long is seen to be.
    let most = 2 * (LEFT_BYTES + LEFT_STANZAS * HELD_ENTRY_BYTES) as u64;
    let mut bytes = Vec::new();
    let found = open.and_then(|open| open.take(most).read_to_end(&mut bytes));
    let gone = fs::remove_file(file).and_then(|()| sync_folder(file));
    let lost = |count: Option<usize>| match count {
        Some(count) => format!("{count} requests that came while the service was stopping are not answered"),
        None => "requests that came while the service was stopping are not answered".to_owned(),
    };
    let count = |bytes: &[u8]| read(bytes).map_or_else(|count| count, |stanzas| Some(stanzas.len()));
    match (found, gone) {
        (Err(error), _) => Err(format!("{}: {} cannot be read: {error}", lost(None), file.display())),
        (Ok(_), Err(error)) => Err(format!("{}: {} cannot be removed: {error}", lost(count(&bytes)), file.display())),
        (Ok(_), Ok(())) => read(&bytes).map_err(|count| format!("{}: {} is damaged", lost(count), file.display())),
    }
}

impl Service {
    /// The same, which takes up what the process before has left undecided beside the store.
    pub fn taking_up(mut self, store: &Path) -> Service {
        let undecided = take(&beside(store)).unwrap_or_else(|why| {
            tracing::warn!("{why}");
            Vec::new()
        });
        let ahead_ms = wall_ms() - self.time.now_ms();
        let steady = |one: Undecided| Undecided { at_ms: one.at_ms.saturating_sub(ahead_ms), ..one };
        self.front.take_up(undecided.into_iter().map(steady).collect());
        self.leaves = Some(beside(store));
        self
    }

    /// Leaves what was not decided to the next process.
    pub(super) async fn leave_undecided(&mut self) {
        let (undecided, dropped) = self.front.take_undecided();
        let Some(file) = self.leaves.clone() else { return };
        if undecided.is_empty() {
            return;
        }
        let (ahead_ms, count) = (wall_ms() - self.time.now_ms(), undecided.len());
        let of_day = |one: Undecided| Undecided { at_ms: one.at_ms.saturating_add(ahead_ms), ..one };
        let undecided: Vec<Undecided> = undecided.into_iter().map(of_day).collect();
        let left = tokio::task::spawn_blocking(move || leave(&file, &undecided));
        match left.await.map_err(io::Error::other).and_then(|left| left) {
            Ok(()) => {
                tracing::info!("{count} requests came while the service was stopping; the next start answers them")
            }
            Err(error) => tracing::warn!(
                "{count} requests that came while the service was stopping are not answered, since they cannot be left to \
                 the next start: {error}"
            ),
        }
        if dropped > 0 {
            tracing::warn!("{dropped} more were too many to be left to the next start, so they are not answered");
        }
    }

    /// What the process before has left is being answered.
    pub(super) fn taken_up(&mut self, young: usize, old: usize) {
        if young > 0 {
            tracing::info!("{young} requests that came while the service was stopping are answered now");
        }
        if old > 0 {
            tracing::warn!(
                "{old} requests that came while the service was stopping are not answered: whoever sent them has given up \
                 by now"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn stanzas() -> Vec<Undecided> {
        let one = |at_ms, text: &str| Undecided { bytes: text.as_bytes().to_vec(), at_ms };
        vec![one(1_764_000_000_000, "<iq>\n</iq>"), one(-1, ""), one(5, "<message><body>да</body></message>")]
    }

    #[test]
    fn what_is_left_is_taken_up_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = beside(&folder.path().join("neerc.db"));
        assert_eq!(take(&file).unwrap(), []);
        fs::write(file.with_extension("db-undecided.part"), "of a process that was killed").unwrap();
        leave(&file, &stanzas()).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        leave(&file, &stanzas()).unwrap();
        assert_eq!(take(&file).unwrap(), stanzas());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
        assert_eq!(take(&file).unwrap(), []);
    }

    #[test]
    fn the_file_is_written_as_ever() {
        let one = [Undecided { bytes: b"<iq/>".to_vec(), at_ms: 7 }];
        let sum = "c75e00ddd802a5f89a071e32c62bc49ac3a3077d7253cd9e8990cf2520c9c956";
        let text = format!("neerc-undecided-1 1 10 {sum}\n7 5\n<iq/>\n");
        assert_eq!(String::from_utf8(written(&one)).unwrap(), text);
        assert_eq!(read(text.as_bytes()).unwrap(), one);
    }

    #[test]
    fn a_torn_file_is_said_to_have_held_so_many_and_nothing_of_it_is_done() {
        let whole = written(&stanzas());
        let head = whole.iter().position(|byte| *byte == b'\n').unwrap();
        for length in 0..whole.len() {
            let wanted = if length > head { Some(3) } else { None };
            assert_eq!(read(&whole[..length]), Err(wanted), "cut to {length}");
        }
        for place in head..whole.len() {
            let mut flipped = whole.clone();
            flipped[place] ^= 1;
            assert!(read(&flipped).is_err(), "flipped at {place}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = beside(&folder.path().join("neerc.db"));
        fs::write(&file, &whole[..whole.len() - 1]).unwrap();
        let said = take(&file).unwrap_err();
        assert!(said.starts_with("3 requests that came while the service was stopping are not answered: "), "{said}");
        assert!(!file.exists());
    }
}
