//! The journal of systemd, by its own protocol: each event is a datagram of fields, so `journalctl -o json` and filters see them.

use super::Parts;
use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Where the journal takes events.
const SOCKET: &str = "/run/systemd/journal/socket";

/// The journal, open.
pub(super) struct Journal(UnixDatagram);

impl Journal {
    /// The journal, if that is where standard error of this process goes, as `JOURNAL_STREAM` says.
    pub(super) fn of_this_process() -> Option<Journal> {
        let stream = std::env::var("JOURNAL_STREAM").ok()?;
        let stderr = File::from(std::io::stderr().as_fd().try_clone_to_owned().ok()?).metadata().ok()?;
        is_stream(&stream, stderr.dev(), stderr.ino()).then_some(())?;
        let socket = UnixDatagram::unbound().ok()?;
        socket.connect(SOCKET).ok()?;
        Some(Journal(socket))
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
        if self.0.send(&datagram(level, &parts)).is_err() {
            // It is too long, or the journal has gone: what is in the stream is still read where there is somebody.
            let _ = writeln!(std::io::stderr(), "<{}>{}", priority(level), parts.message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let [one, other] = UnixDatagram::pair().map(|(one, other)| [one, other]).unwrap();
        let journal = Journal(one);
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
