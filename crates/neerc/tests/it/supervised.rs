//! A supervisor as systemd is one, played by the test: what it is told of a real service, and when.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::fake::FakeServer;
use crate::servers::{Kind, Server};
use crate::service::Neerc;
use crate::wait::{PATIENCE, poll_for};

on_both!(a_supervisor_hears_when_all_rooms_are_read_and_that_the_loop_turns);

/// What is heard of a service that is watched every second.
pub struct Supervisor(UnixDatagram);

/// What a service may be silent for before it is ended.
const ALLOWED: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Watches over a service that is not started yet.
    pub fn of(neerc: &mut Neerc<'_>) -> Supervisor {
        Supervisor::allowing(neerc, ALLOWED)
    }

    /// The same that waits so long for a sign of life.
    pub fn allowing(neerc: &mut Neerc<'_>, allowed: Duration) -> Supervisor {
        let path = neerc.dir.join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        neerc.env.push(("NOTIFY_SOCKET", path));
        neerc.env.push(("WATCHDOG_USEC", PathBuf::from(allowed.as_micros().to_string())));
        Supervisor(socket)
    }

    fn next(&self) -> Option<String> {
        let mut bytes = [0; 4096];
        let length = self.0.recv(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
    }

    /// All that it is told up to something that starts with `wanted`.
    #[track_caller]
    pub fn hears(&self, wanted: &str) -> Vec<String> {
        let mut heard: Vec<String> = Vec::new();
        let found = poll_for(PATIENCE, || {
            heard.extend(self.next());
            heard.last().is_some_and(|last| last.starts_with(wanted)).then_some(())
        });
        assert!(found.is_some(), "{wanted:?} is not among {heard:?}");
        heard
    }

    /// Hears nothing for twice as long as is allowed.
    #[track_caller]
    fn hears_nothing(&self) {
        while self.next().is_some() {} // what was said before
        let until = Instant::now() + 2 * ALLOWED;
        while Instant::now() < until {
            assert_eq!(self.next(), None);
        }
    }
}

fn a_supervisor_hears_when_all_rooms_are_read_and_that_the_loop_turns(kind: Kind) {
    let server = Server::shared(kind);
    let (first, second) = (server.room(&[("jury1", "owner")]), server.room(&[("jury1", "owner")]));
    let mut neerc = Neerc::prepare(server, &[&first, &second], "");
    let supervisor = Supervisor::of(&mut neerc);
    neerc.spawn();
    let heard = supervisor.hears("STATUS=serving");
    assert!(heard[0].starts_with("STATUS=waiting for the server at 127.0.0.1:"), "{heard:?}");
    assert!(heard.iter().any(|said| said.starts_with(&format!("STATUS=reading room {first}"))), "{heard:?}");
    assert_eq!(heard[heard.len() - 1], format!("STATUS=serving {first}, {second}\nREADY=1"));
    for _ in 0..3 {
        supervisor.hears("WATCHDOG=1");
    }
    // A loop that is stuck says nothing.
    neerc.signal("STOP");
    supervisor.hears_nothing();
    neerc.signal("CONT");
    supervisor.hears("WATCHDOG=1");
    neerc.terminate();
    supervisor.hears("STOPPING=1");
}

#[test]
fn a_service_without_its_server_is_not_ready_and_asks_for_time() {
    let (listener, mut neerc) = FakeServer::prepare("");
    let supervisor = Supervisor::of(&mut neerc);
    neerc.spawn();
    let heard = supervisor.hears("EXTEND_TIMEOUT_USEC=");
    supervisor.hears("EXTEND_TIMEOUT_USEC=");
    assert!(heard[0].starts_with("STATUS=waiting for the server at 127.0.0.1:"), "{heard:?}");
    neerc.kill9();
    while listener.accept().is_ok() {} // what the first run had opened
    while let Some(said) = supervisor.next() {
        assert!(!said.contains("READY=1"), "{said}");
    }
    let fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    supervisor.hears("STATUS=serving fake\nREADY=1");
    drop(fake);
    let heard = supervisor.hears("STATUS=waiting for the server");
    assert!(!heard.iter().any(|said| said.starts_with("EXTEND")), "it was ready once: {heard:?}");
}
