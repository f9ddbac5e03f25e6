//! Detects whether a write-ahead log has lost durable data. SQLite reads it up to the first frame with a wrong checksum
//! and takes that for the end, which is right for a transaction torn by a power cut and wrong for damage. The two can
//! be told apart: each transaction is synced before the next is written, and each start begins with an empty file, so
//! at most one complete commit can follow the readable part.

use crate::limits;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// Magic of the header; if the last bit is set, checksums are over big-endian words.
const MAGIC: u32 = 0x377f_0682;
const PAGE_BYTES: u32 = 4_096;

/// The running checksum of the file format.
type Sum = (u32, u32);

fn word(bytes: &[u8], index: usize) -> u32 {
    let four = bytes.get(4 * index..).and_then(|rest| rest.first_chunk()).copied();
    u32::from_be_bytes(four.unwrap_or_default())
}

fn add(mut sum: Sum, bytes: &[u8], big_endian: BigEndian) -> Sum {
    let read = |four: &[u8]| {
        let four = four.first_chunk().copied().unwrap_or_default();
        if big_endian.0 { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    };
    for eight in bytes.chunks_exact(8) {
        let (first, second) = eight.split_at(4);
        sum.0 = sum.0.wrapping_add(read(first)).wrapping_add(sum.1);
        sum.1 = sum.1.wrapping_add(read(second)).wrapping_add(sum.0);
    }
    sum
}

#[derive(Clone, Copy)]
struct BigEndian(bool);

/// What is wrong with the write-ahead log at `path`; `None` if no damage is found or there is no log.
pub fn damage(path: &Path) -> io::Result<Option<String>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => BufReader::with_capacity(limits::CHUNK_BYTES, opened?),
    };
    let mut header = [0; HEADER_BYTES];
    if !read(&mut file, &mut header)? {
        return Ok(None);
    }
    let big_endian = BigEndian(word(&header, 0) & 1 == 1);
    let sum = add((0, 0), &header[..24], big_endian);
    let stored = (word(&header, 6), word(&header, 7));
    let is_header_good = word(&header, 0) & !1 == MAGIC && sum == stored;
    let page_bytes = if is_header_good { word(&header, 2) } else { PAGE_BYTES };
    let mut salts = is_header_good.then(|| (word(&header, 4), word(&header, 5)));
    if !page_bytes.is_power_of_two() || !(512..=65_536).contains(&page_bytes) {
        return Ok(None); // not a file of SQLite's
    }
    // The first frame that SQLite would not read, if any.
    let mut end = (!is_header_good).then_some(0);
    // Where the checksum of the next frame may start: at the one stored in the previous frame or, if that is the wrong
    // one, at the one computed for it.
    let (mut previous, mut previous_sum) = (stored, sum);
    let mut commits_behind = 0;
    let mut frame = vec![0; FRAME_HEADER_BYTES + page_bytes as usize];
    let mut number = 0;
    while read(&mut file, &mut frame)? {
        number += 1;
        let (head, page) = frame.split_at(FRAME_HEADER_BYTES);
        let stored = (word(head, 4), word(head, 5));
        let is_ours = *salts.get_or_insert((word(head, 2), word(head, 3))) == (word(head, 2), word(head, 3));
        let is_commit = word(head, 1) != 0;
        let sum_after = |sum| add(add(sum, &head[..8], big_endian), page, big_endian);
        let sum = sum_after(previous_sum);
        if end.is_none() && !(is_ours && sum == stored) {
            end = Some(number);
        }
        // Only a frame that continues the previous one was written completely: a full disk leaves fragments.
        let is_whole = end.is_some() && (sum == stored || sum_after(previous) == stored);
        if is_ours && is_commit && is_whole {
            commits_behind += 1;
        }
        (previous, previous_sum) = (stored, if end == Some(number) { sum } else { stored });
    }
    let what = |end| match end {
        0 => String::from("the header of its write-ahead log is wrong"),
        frame => format!("frame {frame} of its write-ahead log is wrong"),
    };
    Ok(end.filter(|_| commits_behind > 1).map(|end| format!("{}, and {commits_behind} commits follow it", what(end))))
}

/// Rewrites the write-ahead log at `path` unchanged and syncs it. After a failed sync the kernel may take for written
/// what never was; SQLite would copy that into the database, and a power cut could then damage both.
pub fn rewrite(path: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut chunk = vec![0; limits::CHUNK_BYTES];
    let mut offset = 0;
    loop {
        let count = file.read_at(&mut chunk, offset)?;
        if count == 0 {
            break;
        }
        file.write_all_at(&chunk[..count], offset)?; // `read` returns at most the length of the chunk
        offset += count as u64;
    }
    if offset > 0 { file.sync_all() } else { Ok(()) }
}

/// Fills an empty write-ahead log with zeros, which SQLite takes for its end, and syncs them. A sync is shorter if the
/// file need not grow: it took 110 µs instead of 180, and 44 µs of processor time instead of 65.
pub fn prepare(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    if file.metadata()?.len() > 0 {
        return Ok(());
    }
    let prepared = file.write_all_at(&vec![0; limits::PREPARED_BYTES], 0).and_then(|()| file.sync_all());
    if prepared.is_err() {
        file.set_len(0)?; // the disk may be full, so give the space back
    }
    prepared
}

/// Fills `bytes`; false if the file ends before that.
fn read(file: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        outcome => outcome.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;
    use std::fs;
    use tempfile::TempDir;

    /// A write-ahead log of a few commits, as it is while the database is open.
    fn log_of(commits: usize) -> (TempDir, Vec<u8>) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.db");
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x)").unwrap();
        for _ in 1..commits {
            conn.execute("INSERT INTO t VALUES (1)", []).unwrap();
        }
        let bytes = fs::read(folder.path().join("a.db-wal")).unwrap();
        (folder, bytes)
    }

    fn damage_of(bytes: &[u8]) -> Option<String> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("wal");
        fs::write(&path, bytes).unwrap();
        damage(&path).unwrap()
    }

    #[test]
    fn sqlite_writes_into_the_zeros_and_they_are_no_damage() {
        let folder = TempDir::new().unwrap();
        let (path, wal) = (folder.path().join("a.db"), folder.path().join("a.db-wal"));
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x)").unwrap();
        let truncate = || conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)) == Ok(0);
        assert!(truncate());
        prepare(&wal).unwrap();
        assert_eq!(damage(&wal).unwrap(), None);
        for n in 0..2 {
            conn.execute("INSERT INTO t VALUES (1)", []).unwrap();
            assert_eq!(
                (damage(&wal).unwrap(), fs::metadata(&wal).unwrap().len()),
                (None, limits::PREPARED_BYTES as u64)
            );
            // What a killed process leaves, opened by the next.
            let copy = folder.path().join(format!("copy{n}.db"));
            fs::copy(&path, &copy).unwrap();
            fs::copy(&wal, folder.path().join(format!("copy{n}.db-wal"))).unwrap();
            let copied = Connection::open(&copy).unwrap();
            assert_eq!(copied.query_row("SELECT count(*) FROM t", [], |row| row.get(0)), Ok(n + 1));
        }
        prepare(&wal).unwrap();
        assert_eq!(conn.query_row("SELECT count(*) FROM t", [], |row| row.get(0)), Ok(2), "what is in it stays");
        assert!(truncate() && fs::metadata(&wal).unwrap().len() == 0);
    }

    #[test]
    fn a_wrong_frame_is_damage_only_if_later_commits_follow() {
        let (_folder, bytes) = log_of(6);
        const FRAME: usize = FRAME_HEADER_BYTES + PAGE_BYTES as usize;
        let frames = (bytes.len() - HEADER_BYTES) / FRAME; // the first commit has two pages
        assert_eq!((frames, damage_of(&bytes)), (7, None));
        let flipped = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 4;
            damage_of(&bytes)
        };
        let page = |frame: usize| HEADER_BYTES + (frame - 1) * FRAME + FRAME_HEADER_BYTES + 100;
        let of_frame = |frame: usize, commits| {
            Some(format!("frame {frame} of its write-ahead log is wrong, and {commits} commits follow it"))
        };
        assert_eq!(flipped(page(1)), of_frame(1, 6));
        assert_eq!(flipped(page(2)), of_frame(2, 5));
        assert_eq!(flipped(page(5)), of_frame(5, 2));
        let checksum = |frame: usize| page(frame) - 100 - 1;
        assert_eq!((flipped(checksum(5)), flipped(checksum(6))), (of_frame(5, 2), None));
        // What a power cut can leave: the last commit torn.
        assert_eq!((flipped(page(6)), flipped(page(7))), (None, None));
        assert!(flipped(17).is_some_and(|what| what.starts_with("the header of its write-ahead log is wrong")));
        for len in [0, 10, HEADER_BYTES, HEADER_BYTES + 7, bytes.len() - 1] {
            assert_eq!(damage_of(&bytes[..len]), None, "{len} bytes");
        }
    }
}
