//! The limits that the service is measured against: a scanner that answers with precomputed bytes, a loop that writes
//! notifications, a loop that writes rows. Each does the least that the job can cost.

use crate::Outcome;
use crate::contest::{self, COMPONENT, Cast, NS};
use memchr::memmem::{self, Finder};
use rusqlite::{Connection, TransactionBehavior};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

const CHUNK: usize = 64 * 1024;

fn connect(port: u16) -> Outcome<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// How the scanner finds where a stanza ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// Looks at every byte: tags, depth and quotes, as whoever cannot trust the stream has to.
    Framing,
    /// Searches for the next `</iq>`, many bytes at a time, which any text in an attribute could mislead.
    Blind,
}

/// Answers `#ping`, `#tasks` (16 tasks) and `#whole` (100 tasks) with bytes that were computed once.
pub fn scanner(port: u16, scan: Scan) -> Outcome<()> {
    let mut stream = connect(port)?;
    write!(
        stream,
        "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' \
         xmlns:stream='http://etherx.jabber.org/streams' to='{COMPONENT}'><handshake>unchecked</handshake>"
    )?;
    let pong = format!("<iq type='result' id='~r' from='{COMPONENT}' to='hall1@localhost/s0'/>").into_bytes();
    let (list, whole) = (contest::task_list_answer(16, 17), contest::task_list_answer(100, 17));
    let (end, kind) = (Finder::new("</iq>"), Finder::new("neerc#"));
    let mut buffer = vec![0; CHUNK];
    let (mut filled, mut start, mut out) = (0, 0, Vec::new());
    let mut framing = Framing::default();
    loop {
        let count = stream.read(&mut buffer[filled..])?;
        if count == 0 {
            return Ok(());
        }
        filled += count;
        loop {
            let after = match scan {
                Scan::Framing => framing.end(&buffer[..filled]),
                Scan::Blind => end.find(&buffer[start..filled]).map(|length| start + length + 5),
            };
            let Some(after) = after else { break };
            let stanza = &buffer[start..after];
            match kind.find(stanza).and_then(|at| stanza.get(at + 6)) {
                Some(b'p') => out.extend_from_slice(&pong),
                Some(b't') => out.extend_from_slice(&list),
                Some(b'w') => out.extend_from_slice(&whole),
                _ => {}
            }
            start = after;
            if out.len() >= CHUNK {
                stream.write_all(&out)?;
                out.clear();
            }
        }
        buffer.copy_within(start..filled, 0);
        (filled, framing.at, start) = (filled - start, framing.at.saturating_sub(start), 0);
        stream.write_all(&out)?;
        out.clear();
    }
}

/// Where the scan of [`Scan::Framing`] is; it goes on where it stopped.
#[derive(Default)]
struct Framing {
    at: usize,
    /// Elements that are open. The stream itself is one of them.
    depth: i32,
    quote: Option<u8>,
    is_tag: bool,
    is_end: bool,
    before: u8,
}

impl Framing {
    /// The end of the next element at the depth of stanzas.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(&byte) = bytes.get(self.at) {
            self.at += 1;
            let before = std::mem::replace(&mut self.before, byte);
            if let Some(quote) = self.quote {
                if byte == quote {
                    self.quote = None;
                }
            } else if !self.is_tag {
                if byte == b'<' {
                    (self.is_tag, self.is_end) = (true, false);
                }
            } else {
                match byte {
                    b'\'' | b'"' => self.quote = Some(byte),
                    b'/' if before == b'<' => self.is_end = true,
                    b'>' => {
                        self.is_tag = false;
                        self.depth += match (self.is_end, before) {
                            (true, _) => -1,
                            (false, b'/' | b'?') => 0,
                            (false, _) => 1,
                        };
                        if self.depth == 1 {
                            return Some(self.at);
                        }
                    }
                    _ => {}
                }
            }
        }
        None
    }
}

/// Tells so many sessions of a task, over and over, until the connection ends.
pub fn teller(port: u16, sessions: usize) -> Outcome<()> {
    let mut stream = connect(port)?;
    let (head, tail) = contest::notification(17);
    let cast = Cast { members: 20, sessions };
    let sessions: Vec<String> = (0..sessions).map(|number| cast.session(number)).collect();
    let mut out = Vec::with_capacity(2 * CHUNK);
    loop {
        for session in &sessions {
            out.extend_from_slice(&head);
            out.extend_from_slice(session.as_bytes());
            out.extend_from_slice(&tail);
            if out.len() >= CHUNK {
                stream.write_all(&out)?;
                out.clear();
            }
        }
    }
}

/// Rows per second that SQLite stores in batches of that size, synced like the service's.
pub fn rows_per_second(folder: &Path, batch: usize, time: Duration) -> Outcome<f64> {
    let mut connection = Connection::open(folder.join(format!("bare-{batch}-{}.db", std::process::id())))?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS log (revision INTEGER PRIMARY KEY, room TEXT NOT NULL, at_ms INTEGER NOT NULL, \
         by_jid TEXT NOT NULL, record TEXT NOT NULL, sum INTEGER NOT NULL) STRICT",
    )?;
    let mut revision: i64 = connection.query_row("SELECT coalesce(max(revision), 0) FROM log", [], |row| row.get(0))?;
    let record = "{\"answered\":{\"task\":17,\"person\":\"hall17@localhost\",\"status\":\"running\"}}";
    let start = Instant::now();
    let (mut rows, mut written) = (0_usize, 0);
    while start.elapsed() < time {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut insert = transaction.prepare_cached("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)")?;
        for _ in 0..batch {
            revision += 1;
            insert.execute((revision, "neerc", 1_512_700_000_000_i64, "hall17@localhost", record, 0x1234_5678))?;
        }
        drop(insert);
        transaction.commit()?;
        rows += batch;
        written += batch;
        if written >= 100_000 {
            written = 0; // about as often as the service does
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        }
    }
    Ok(rows as f64 / start.elapsed().as_secs_f64())
}

/// How many notifications a piece of text holds: for checking the instrument itself.
pub fn notification_bytes(people: usize) -> usize {
    let (head, tail) = contest::notification(people);
    debug_assert!(memmem::find(&tail, NS.as_bytes()).is_some());
    head.len() + "hall10@localhost/s10".len() + tail.len()
}
