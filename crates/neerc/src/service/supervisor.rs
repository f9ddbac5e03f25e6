//! Whoever started the service and watches over it, by the protocol of systemd's `sd_notify`: told when all rooms are read,
//! how it stands, and at a beat that the loop still turns. Not what the service does then.
//!
//! Nothing here waits: what a supervisor does not take at once is said again at the next turn.

use super::Service;
use super::time::monotonic_us;
use crate::limits::{SUPERVISOR_AGAIN_MS, SUPERVISOR_CLOSE_BEATS, SUPERVISOR_START, SUPERVISOR_START_BEAT_MS};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The supervisor, if there is one, and what it has been told.
#[derive(Debug, Default)]
pub struct Supervisor {
    socket: Option<UnixDatagram>,
    /// Time between two signs of life that it waits for, in ms; half of what it allows.
    watchdog_ms: Option<i64>,
    /// How long it is to wait at most instead, in ms, until it is told so.
    closer_ms: Option<i64>,
    next_beat_ms: i64,
    /// All rooms have been read once.
    is_ready: bool,
    is_told_ready: bool,
    /// How it stands.
    status: String,
    is_status_told: bool,
}

impl Supervisor {
    /// Whoever is named by the environment of a process with that id.
    pub fn of(env: impl Fn(&str) -> Option<OsString>, pid: u32) -> io::Result<Supervisor> {
        let Some(name) = env("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Ok(Supervisor::default()) };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect_addr(&address(&name)?)?;
        let number = |name: &str| env(name)?.to_str()?.parse::<u64>().ok();
        let is_for_us = number("WATCHDOG_PID").is_none_or(|meant| meant == u64::from(pid));
        let allowed_us = number("WATCHDOG_USEC").filter(|allowed_us| is_for_us && *allowed_us > 0);
        let watchdog_ms = allowed_us.map(|us| i64::try_from(us / 2_000).unwrap_or(i64::MAX).max(1));
        Ok(Supervisor { socket: Some(socket), watchdog_ms, next_beat_ms: i64::MIN, ..Supervisor::default() })
    }

    fn is_there(&self) -> bool {
        self.socket.is_some()
    }

    /// Sends something; whether it was taken, or nobody is there any more to take it.
    fn send(&self, text: &str) -> bool {
        let sent = self.socket.as_ref().map_or(Ok(0), |socket| socket.send(text.as_bytes()));
        !sent.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// A watchdog that waits for longer than so many ms is to wait no longer than that, once the service is ready.
    pub(super) fn watch_within(&mut self, most_ms: i64) {
        self.closer_ms = self.watchdog_ms.filter(|beat_ms| *beat_ms > most_ms / 2).map(|_| most_ms);
    }

    /// How the service stands now, in words.
    pub(super) fn stands(&mut self, status: String, is_ready: bool) {
        self.is_ready |= is_ready;
        if self.status != status {
            (self.status, self.is_status_told) = (status, false);
        }
    }

    /// A turn of the loop is over: says what is to be said.
    pub(super) fn turned(&mut self, now_ms: i64) {
        let ready = (self.is_ready && !self.is_told_ready).then_some("\nREADY=1");
        if (ready.is_some() || !self.is_status_told)
            && self.send(&format!("STATUS={}{}", self.status, ready.unwrap_or_default()))
        {
            (self.is_status_told, self.is_told_ready) = (true, self.is_ready);
        }
        if self.is_told_ready
            && let Some(most_ms) = self.closer_ms
            && self.send(&format!("WATCHDOG_USEC={most_ms}000"))
        {
            let beat_ms = most_ms / SUPERVISOR_CLOSE_BEATS;
            (self.closer_ms, self.watchdog_ms) = (None, Some(beat_ms));
            self.next_beat_ms = self.next_beat_ms.min(now_ms.saturating_add(beat_ms));
        }
        if now_ms < self.next_beat_ms {
            return;
        }
        let text = match (self.is_told_ready, self.watchdog_ms) {
            (true, None) => {
                self.next_beat_ms = i64::MAX;
                return;
            }
            (true, Some(_)) => "WATCHDOG=1".to_owned(),
            // It waits for the server for as long as that takes.
            (false, _) => format!("EXTEND_TIMEOUT_USEC={}\nWATCHDOG=1", SUPERVISOR_START.as_micros()),
        };
        let beat_ms = self.watchdog_ms.unwrap_or(i64::MAX);
        let beat_ms = if self.is_told_ready { beat_ms } else { beat_ms.min(SUPERVISOR_START_BEAT_MS) };
        let pause_ms = if self.send(&text) { beat_ms } else { beat_ms.min(SUPERVISOR_AGAIN_MS) };
        self.next_beat_ms = now_ms.saturating_add(pause_ms);
    }

    /// When the loop has to turn again at the latest, in ms.
    pub(super) fn next_ms(&self, now_ms: i64) -> i64 {
        let is_untold = !self.is_told_ready || self.closer_ms.is_some();
        let is_behind = !self.is_status_told || self.is_ready && is_untold;
        match self.is_there() {
            false => i64::MAX,
            true if is_behind => self.next_beat_ms.min(now_ms.saturating_add(SUPERVISOR_AGAIN_MS)),
            true => self.next_beat_ms,
        }
    }

    /// The configuration is being read again.
    pub(super) fn reloading(&self) {
        if self.is_told_ready {
            self.send(&format!("RELOADING=1\nMONOTONIC_USEC={}", monotonic_us()));
        }
    }

    /// It has been read, with whatever outcome.
    pub(super) fn reloaded(&mut self) {
        self.is_told_ready = false;
    }

    /// The service ends.
    pub(super) fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=stopping");
    }
}

/// Where it listens: a path, or a name without a file.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name),
        [b'/', ..] => SocketAddr::from_pathname(name),
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "NOTIFY_SOCKET is neither a path nor @ and a name")),
    }
}

impl Service {
    /// The same with a supervisor that is told how it stands. Where another machine takes over from a service that hangs, that
    /// process is of no use any more, and a chat server may still send it half of what people write.
    pub fn supervised_by(self, mut supervisor: Supervisor) -> Service {
        if let Some(most_ms) = self.holding.longest_ms() {
            supervisor.watch_within(most_ms);
        }
        Service { supervisor, ..self }
    }

    /// Tells the supervisor how it stands; a loop that does not turn says nothing.
    pub(super) fn tell_supervisor(&mut self) {
        if self.supervisor.is_there() {
            let (status, is_ready) = self.stands();
            self.supervisor.stands(status, is_ready);
            self.supervisor.turned(self.time.now_ms());
        }
    }

    /// How it stands, in words, and whether all rooms are read.
    fn stands(&self) -> (String, bool) {
        let server = self.link.server();
        if !self.front.is_online() {
            return match &self.health.borrow().lost {
                None => (format!("waiting for the server at {server}"), false),
                Some(why) => (format!("waiting for the server at {server}: {why}"), false),
            };
        }
        let unread: Vec<&str> = self.front.rooms().filter(|room| !room.is_ready()).map(|room| &*room.room).collect();
        match unread.first() {
            Some(room) => (format!("reading room {room}, {} to go", unread.len()), false),
            None => {
                let rooms: Vec<&str> = self.front.rooms().map(|room| &*room.room).collect();
                (format!("serving {}", rooms.join(", ")), true)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(socket: &UnixDatagram) -> Vec<String> {
        let (mut heard, mut bytes) = (Vec::new(), [0; 4096]);
        while let Ok(length) = socket.recv(&mut bytes) {
            heard.push(String::from_utf8_lossy(&bytes[..length]).into_owned());
        }
        heard
    }

    fn listen(name: &OsStr) -> UnixDatagram {
        let socket = UnixDatagram::bind_addr(&address(name).unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    }

    fn supervisor(name: &OsStr, watchdog: &str, pid: &str) -> Supervisor {
        let env = |key: &str| match key {
            "NOTIFY_SOCKET" => Some(name.to_owned()),
            "WATCHDOG_USEC" => Some(watchdog.into()),
            "WATCHDOG_PID" => Some(pid.into()),
            _ => None,
        };
        Supervisor::of(env, 7).unwrap()
    }

    #[test]
    fn a_supervisor_is_told_each_thing_once_and_at_a_beat_that_the_loop_turns() {
        let folder = tempfile::tempdir().unwrap();
        let abstract_name = format!("@neerc-test-{}-{}", std::process::id(), folder.path().display());
        for name in [folder.path().join("notify").into_os_string(), abstract_name.into()] {
            let socket = listen(&name);
            let mut told = supervisor(&name, "20000000", "7");
            told.stands("waiting".into(), false);
            told.turned(0);
            told.turned(1);
            assert_eq!(hear(&socket), ["STATUS=waiting", "EXTEND_TIMEOUT_USEC=60000000\nWATCHDOG=1"]);
            assert_eq!(told.next_ms(1), 10_000, "half of what is allowed");
            told.stands("serving".into(), true);
            told.turned(2);
            assert_eq!(hear(&socket), ["STATUS=serving\nREADY=1"]);
            told.turned(9_999);
            assert_eq!(hear(&socket), [""; 0]);
            told.turned(10_000);
            assert_eq!((hear(&socket), told.next_ms(10_000)), (vec!["WATCHDOG=1".to_owned()], 20_000));
            told.stands("reading".into(), false);
            told.turned(10_001);
            assert_eq!(hear(&socket), ["STATUS=reading"], "who was ready once is not started anew");
            told.reloading();
            told.reloaded();
            told.turned(10_002);
            let heard = hear(&socket);
            assert!(
                heard[0].starts_with("RELOADING=1\nMONOTONIC_USEC=") && heard[1] == "STATUS=reading\nREADY=1",
                "{heard:?}"
            );
            told.stopping();
            assert_eq!(hear(&socket), ["STOPPING=1\nSTATUS=stopping"]);
        }
    }

    #[test]
    fn a_watchdog_that_waits_for_longer_than_a_lease_lasts_is_told_to_wait_no_longer_once_the_service_is_ready() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("notify").into_os_string();
        let socket = listen(&name);
        let mut told = supervisor(&name, "30000000", "7");
        told.stands("standing by".into(), true);
        told.turned(0);
        assert_eq!(hear(&socket), ["STATUS=standing by\nREADY=1", "WATCHDOG=1"]);
        assert_eq!(told.next_ms(0), 15_000, "a machine that stands by may hang for longer");
        told.watch_within(5_000);
        told.stands("reading".into(), false);
        told.turned(3);
        assert_eq!(hear(&socket), ["STATUS=reading", "WATCHDOG_USEC=5000000"]);
        assert_eq!(told.next_ms(3), 1_253);
        told.turned(1_253);
        assert_eq!((hear(&socket), told.next_ms(1_253)), (vec!["WATCHDOG=1".to_owned()], 2_503));
        told.reloading();
        told.turned(2_503);
        told.reloaded();
        told.turned(2_504);
        let heard = hear(&socket);
        assert_eq!(heard[1..], ["WATCHDOG=1", "STATUS=reading\nREADY=1"], "{heard:?}");
        // One that was not ready before waits for the server for as long as that takes.
        let mut told = supervisor(&name, "30000000", "7");
        told.watch_within(5_000);
        told.stands("waiting".into(), false);
        told.turned(0);
        assert_eq!(hear(&socket), ["STATUS=waiting", "EXTEND_TIMEOUT_USEC=60000000\nWATCHDOG=1"]);
        while told.send("full") {}
        told.stands("serving".into(), true);
        told.turned(10);
        hear(&socket);
        assert_eq!(told.next_ms(10), 10 + SUPERVISOR_AGAIN_MS);
        told.turned(110);
        assert_eq!(hear(&socket), ["STATUS=serving\nREADY=1", "WATCHDOG_USEC=5000000"]);
        // Nobody is told to wait for longer than it was to.
        for (watchdog, pid) in [("4000000", "7"), ("5000000", "7"), ("30000000", "8"), ("0", "7")] {
            let mut told = supervisor(&name, watchdog, pid);
            told.watch_within(5_000);
            told.stands("serving".into(), true);
            told.turned(0);
            assert!(!hear(&socket).iter().any(|said| said.contains("USEC")), "{watchdog} {pid}");
        }
    }

    #[test]
    fn a_watchdog_of_another_process_and_none_at_all_are_not_fed() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("notify").into_os_string();
        let socket = listen(&name);
        for (watchdog, pid) in [("20000000", "8"), ("0", "7"), ("soon", "7")] {
            let mut told = supervisor(&name, watchdog, pid);
            told.stands("serving".into(), true);
            told.turned(0);
            told.turned(1_000_000);
            assert_eq!(hear(&socket), ["STATUS=serving\nREADY=1"]);
            assert_eq!(told.next_ms(1_000_000), i64::MAX);
        }
        assert!(!Supervisor::of(|_| None, 7).unwrap().is_there());
        assert!(Supervisor::of(|_| Some("vsock:2:1".into()), 7).is_err());
    }

    #[test]
    fn a_supervisor_that_takes_nothing_holds_up_nobody_and_is_told_later() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("notify").into_os_string();
        let socket = listen(&name);
        let mut told = supervisor(&name, "20000000", "7");
        while told.send("full") {}
        told.stands("serving".into(), true);
        told.turned(0);
        assert!(!told.is_told_ready && told.next_ms(0) <= SUPERVISOR_AGAIN_MS);
        hear(&socket);
        told.turned(SUPERVISOR_AGAIN_MS);
        assert_eq!(hear(&socket), ["STATUS=serving\nREADY=1", "WATCHDOG=1"]);
        drop(socket);
        told.turned(1_000_000); // it has gone
        assert_eq!(told.next_ms(1_000_000), 1_010_000);
    }
}
