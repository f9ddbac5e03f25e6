//! What services say to a chat server, by whom and when: whether two ever speak at once.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// When a connection has said something, for the first and for the last time.
#[derive(Clone, Copy, Debug)]
struct Span {
    machine: usize,
    first: Instant,
    last: Instant,
}

/// The connections of all services, one after the other.
#[derive(Clone, Default)]
pub struct Tape(Arc<Mutex<Vec<Option<Span>>>>);

impl Tape {
    /// Hands on what a machine's service says to that port; the port for the service.
    pub fn before(&self, port: u16, machine: usize) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let own = listener.local_addr().unwrap().port();
        let tape = self.clone();
        thread::spawn(move || {
            for service in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let (from, to) = (service.try_clone().unwrap(), server.try_clone().unwrap());
                let place = {
                    let mut spans = tape.spans();
                    spans.push(None);
                    spans.len() - 1
                };
                let tape = tape.clone();
                thread::spawn(move || hand_on(from, to, || tape.note(place, machine)));
                thread::spawn(move || hand_on(server, service, || ()));
            }
        });
        own
    }

    fn note(&self, place: usize, machine: usize) {
        let now = Instant::now();
        let span = &mut self.spans()[place];
        span.get_or_insert(Span { machine, first: now, last: now }).last = now;
    }

    /// Fails if one machine has said anything after the other one had begun. How often another one began.
    #[track_caller]
    pub fn never_two(&self) -> usize {
        let mut spans: Vec<Span> = self.spans().iter().flatten().copied().collect();
        spans.sort_by_key(|span| span.first);
        let (mut changes, mut last_of) = (0, spans.first().copied());
        for span in spans {
            let Some(before) = last_of else { continue };
            if before.machine != span.machine {
                let late = before.last.checked_duration_since(span.first);
                assert!(late.is_none(), "machine {} spoke {late:?} after the other had begun", before.machine);
                changes += 1;
            }
            last_of = Some(Span { last: span.last.max(before.last), ..span });
        }
        changes
    }

    /// Who has said something last.
    #[track_caller]
    pub fn speaker(&self) -> usize {
        let spans = self.spans();
        let last = spans.iter().flatten().max_by_key(|span| span.last);
        last.expect("somebody has said something").machine
    }

    fn spans(&self) -> MutexGuard<'_, Vec<Option<Span>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hand_on(mut from: TcpStream, mut to: TcpStream, heard: impl Fn()) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        heard();
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
