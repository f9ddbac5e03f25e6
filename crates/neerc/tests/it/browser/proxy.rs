//! What stands between browsers and the board and goes wrong: a proxy that answers 503 while the board is away, or through
//! which nothing comes any more although connections stay open.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What it does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It hands everything on.
    Open,
    /// It answers requests with 503 by itself.
    Busy,
    /// It takes everything and hands on nothing, as a machine does that has gone without a word.
    Silent,
}

struct Shared {
    way: Mutex<Way>,
    pipes: Mutex<Vec<TcpStream>>,
    refused: AtomicUsize,
}

/// A proxy, which is there as long as this process.
pub struct Proxy {
    /// Its port.
    pub port: u16,
    shared: Arc<Shared>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// One before that port.
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let shared =
            Arc::new(Shared { way: Mutex::new(Way::Open), pipes: Mutex::default(), refused: AtomicUsize::new(0) });
        let of_thread = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = of_thread.clone();
                std::thread::spawn(move || connected(&shared, &stream, port));
            }
        });
        Self { port: own, shared }
    }

    /// What it does from now on with new connections, and what comes on those that there are.
    pub fn set(&self, way: Way) {
        *locked(&self.shared.way) = way;
    }

    /// Breaks every connection.
    pub fn cut(&self) {
        for pipe in locked(&self.shared.pipes).drain(..) {
            drop(pipe.shutdown(Shutdown::Both));
        }
    }

    /// How many requests were answered with 503.
    pub fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::SeqCst)
    }
}

fn connected(shared: &Arc<Shared>, stream: &TcpStream, port: u16) -> Option<()> {
    if *locked(&shared.way) == Way::Busy {
        return refuse(shared, stream);
    }
    let upstream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    for pipe in [stream, &upstream] {
        locked(&shared.pipes).push(pipe.try_clone().ok()?);
    }
    let [from, to] = [stream.try_clone().ok()?, upstream.try_clone().ok()?];
    let back = shared.clone();
    std::thread::spawn(move || hand_on(&back, to, from));
    hand_on(shared, stream.try_clone().ok()?, upstream)
}

/// Answers one request after the other.
fn refuse(shared: &Shared, stream: &TcpStream) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    while !lines.next()?.ok()?.is_empty() {}
    let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\nConnection: close\r\n\r\naway\n";
    stream.try_clone().ok()?.write_all(answer.as_bytes()).ok()?;
    shared.refused.fetch_add(1, Ordering::SeqCst);
    stream.shutdown(Shutdown::Both).ok()
}

fn hand_on(shared: &Shared, mut from: TcpStream, mut to: TcpStream) -> Option<()> {
    let mut bytes = vec![0; 1 << 16];
    loop {
        let count = from.read(&mut bytes).unwrap_or(0);
        if count == 0 {
            return to.shutdown(Shutdown::Both).ok();
        }
        // What comes on a connection that was open before is refused by ending it, as a proxy does that is restarted.
        match *locked(&shared.way) {
            Way::Silent => {}
            Way::Busy => return to.shutdown(Shutdown::Both).and_then(|()| from.shutdown(Shutdown::Both)).ok(),
            Way::Open => to.write_all(bytes.get(..count)?).ok()?,
        }
    }
}
