//! The journal of systemd, by its own protocol: each event is a datagram of fields, so `journalctl -o json` and filters see them.
//! One that takes nothing, as on a disk that hangs, is waited for once and not for long: the loop logs too.

use super::Parts;
use crate::limits::JOURNAL_PATIENCE;
use serde_json::Value;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Where the journal takes events.
const SOCKET: &str = "/run/systemd/journal/socket";

/// The journal, open.
pub(super) struct Journal {
    /// Waits until it takes something.
    patient: UnixDatagram,
    /// Does not.
    hasty: UnixDatagram,
    /// Events that it did not take, since it takes nothing.
    left_out: AtomicU64,
}

impl Journal {
    /// The journal, if that is where standard error of this process goes, as `JOURNAL_STREAM` says.
    pub(super) fn of_this_process() -> Option<Journal> {
        let stream = std::env::var("JOURNAL_STREAM").ok()?;
        let stderr = File::from(std::io::stderr().as_fd().try_clone_to_owned().ok()?).metadata().ok()?;
        is_stream(&stream, stderr.dev(), stderr.ino()).then_some(())?;
        let connected = || {
            let socket = UnixDatagram::unbound()?;
            socket.connect(SOCKET)?;
            Ok(socket)
        };
        Journal::by(connected).ok()
    }

    /// The journal to which those are connected.
    fn by(connected: impl Fn() -> io::Result<UnixDatagram>) -> io::Result<Journal> {
        let (patient, hasty) = (connected()?, connected()?);
        patient.set_write_timeout(Some(JOURNAL_PATIENCE))?;
        hasty.set_nonblocking(true)?;
        Ok(Journal { patient, hasty, left_out: AtomicU64::new(0) })
    }

    /// Hands something over, or counts it as left out.
    fn send(&self, datagram: &[u8]) -> io::Result<()> {
        let is_stuck = self.left_out.load(Ordering::Relaxed) > 0;
        match if is_stuck { self.hasty.send(datagram) } else { self.patient.send(datagram) } {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                self.left_out.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            sent => {
                if is_stuck && sent.is_ok() {
                    self.say_left_out();
                }
                sent.map(|_| ())
            }
        }
    }

    /// It takes something again: says how much is missing, if there is room for that.
    fn say_left_out(&self) {
        let left_out = self.left_out.swap(0, Ordering::Relaxed);
        let message =
            format!("the journal has taken nothing for a while, so {left_out} lines before this one are missing");
        let parts = Parts { message, ..Parts::default() };
        if left_out > 0 && self.hasty.send(&datagram(Level::WARN, &parts)).is_err() {
            self.left_out.fetch_add(left_out, Ordering::Relaxed);
        }
    }
}

/// Whether `JOURNAL_STREAM` means that file. It is inherited by programs whose standard error goes elsewhere.
fn is_stream(stream: &str, device: u64, inode: u64) -> bool {
    stream.split_once(':').is_some_and(|(dev, ino)| (dev.parse(), ino.parse()) == (Ok(device), Ok(inode)))
}

/// How urgent it is to syslog.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

/// A field; of several lines with its length before it.
fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        out.push(b'\n');
        out.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        out.push(b'=');
    }
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}

/// An event as the journal takes it.
fn datagram(level: Level, parts: &Parts) -> Vec<u8> {
    let mut out = Vec::new();
    field(&mut out, "PRIORITY", &priority(level).to_string());
    field(&mut out, "SYSLOG_IDENTIFIER", "neerc");
    field(&mut out, "MESSAGE", &parts.message);
    for (name, value) in &parts.fields {
        let name: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
        let text = value.as_str().map_or_else(|| Value::to_string(value), str::to_owned);
        field(&mut out, &format!("NEERC_{name}"), &text);
    }
    out
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (level, parts) = (*event.metadata().level(), Parts::of(event));
        if self.send(&datagram(level, &parts)).is_err() {
            // It is too long, or the journal has gone: what is in the stream is still read where there is somebody.
            let _ = writeln!(std::io::stderr(), "<{}>{}", priority(level), parts.message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn journal() -> (Journal, UnixDatagram) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let heard = UnixDatagram::bind(&socket).unwrap();
        let connected = || {
            let one = UnixDatagram::unbound()?;
            one.connect(&socket)?;
            Ok(one)
        };
        (Journal::by(connected).unwrap(), heard)
    }

    #[test]
    fn one_that_takes_nothing_is_waited_for_once_and_told_what_it_has_missed() {
        let (journal, heard) = journal();
        heard.set_nonblocking(true).unwrap();
        let (mut sent, began) = (0_u64, Instant::now());
        while journal.left_out.load(Ordering::Relaxed) < 100 {
            journal.send(format!("{sent}").as_bytes()).unwrap();
            sent += 1;
        }
        assert!(began.elapsed() < JOURNAL_PATIENCE * 50, "{:?}", began.elapsed());
        let mut bytes = [0; 400];
        let mut next = || heard.recv(&mut bytes).map(|length| String::from_utf8_lossy(&bytes[..length]).into_owned());
        for number in 0..sent - 100 {
            assert_eq!(next().unwrap(), number.to_string());
        }
        assert!(next().is_err());
        journal.send(b"again").unwrap();
        assert_eq!(next().unwrap(), "again");
        assert!(next().unwrap().contains("so 100 lines before this one are missing"));
        journal.send(b"well").unwrap();
        assert_eq!((next().unwrap(), next().is_err()), ("well".to_owned(), true));
    }

    #[test]
    fn the_stream_is_known_by_its_file() {
        assert!(is_stream("8:1234", 8, 1234));
        for other in ["8:1235", "9:1234", "8", "", "8:1234:5", "a:b"] {
            assert!(!is_stream(other, 8, 1234), "{other}");
        }
    }

    #[test]
    fn an_event_is_fields_of_the_journal() {
        let parts = Parts {
            message: "one\ntwo".to_owned(),
            fields: [("room".to_owned(), "hall".into()), ("task-no".to_owned(), 7.into())].into_iter().collect(),
        };
        let wanted = b"PRIORITY=4\nSYSLOG_IDENTIFIER=neerc\nMESSAGE\n\x07\0\0\0\0\0\0\0one\ntwo\nNEERC_ROOM=hall\nNEERC_TASK_NO=7\n";
        assert_eq!(datagram(Level::WARN, &parts), wanted);
        let (journal, other) = journal();
        let heard = std::thread::scope(|_| {
            let registry = tracing_subscriber::layer::SubscriberExt::with(tracing_subscriber::registry(), journal);
            tracing::subscriber::with_default(registry, || tracing::error!(room = "hall", "broken"));
            let mut bytes = [0; 200];
            let length = other.recv(&mut bytes).unwrap();
            bytes[..length].to_vec()
        });
        assert_eq!(heard, b"PRIORITY=3\nSYSLOG_IDENTIFIER=neerc\nMESSAGE=broken\nNEERC_ROOM=hall\n");
    }
}
