//! A way from a service to a server of its database, on which bytes are lost: in one direction, or in the middle of a commit.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What a commit of those who ask holds, and no other statement.
const COMMIT: &[u8] = b"Bring no";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    ToServer,
    FromServer,
}

/// What is cut of the next commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The commit itself.
    Asked,
    /// What the server does with it: it has been sent.
    Sent,
    /// The answer.
    Answered,
    /// Nothing; it is only noted that one is under way.
    Watched,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rule {
    #[default]
    Carries,
    /// Connections with a lower number lose what goes in that direction, and nobody is told.
    Swallows(Direction, u64),
    Cuts(Moment),
    /// The next answer on that connection is lost, with the connection.
    CutsAnswer(u64),
}

#[derive(Default)]
struct Traffic {
    rule: Rule,
    next: u64,
    open: BTreeMap<u64, [TcpStream; 2]>,
    has_met_commit: bool,
}

impl Traffic {
    /// Ends a connection for both sides.
    fn end(&mut self, id: u64) {
        for side in self.open.remove(&id).into_iter().flatten() {
            let _ = side.shutdown(Shutdown::Both);
        }
    }

    fn swallows(&self, id: u64, direction: Direction) -> bool {
        matches!(self.rule, Rule::Swallows(lost, below) if lost == direction && id < below)
    }
}

/// A port that leads to another one.
#[derive(Clone)]
pub struct Way {
    pub port: u16,
    traffic: Arc<Mutex<Traffic>>,
}

impl Way {
    pub fn to(port: u16) -> Way {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let way = Way { port: listener.local_addr().unwrap().port(), traffic: Arc::default() };
        let given = way.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                given.begin(client, server);
            }
        });
        way
    }

    fn begin(&self, client: TcpStream, server: TcpStream) {
        let sides = [client.try_clone().unwrap(), server.try_clone().unwrap()];
        let id = {
            let mut traffic = self.traffic();
            traffic.next += 1;
            let id = traffic.next;
            traffic.open.insert(id, sides);
            id
        };
        let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        for (from, to, direction) in [(from, to, Direction::ToServer), (server, client, Direction::FromServer)] {
            let way = self.clone();
            let _ = (from.set_nodelay(true), to.set_nodelay(true));
            thread::spawn(move || way.carry(id, from, to, direction));
        }
    }

    fn carry(&self, id: u64, mut from: TcpStream, mut to: TcpStream, direction: Direction) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            if !self.passes(id, direction, &bytes[..length]) {
                continue;
            }
            if to.write_all(&bytes[..length]).is_err() {
                break;
            }
            self.passed(id, direction, &bytes[..length]);
        }
        let mut traffic = self.traffic();
        // Of one that has been lost half-way the other side hears nothing.
        if !traffic.swallows(id, Direction::ToServer) && !traffic.swallows(id, Direction::FromServer) {
            traffic.end(id);
        }
    }

    /// Whether bytes are handed on.
    fn passes(&self, id: u64, direction: Direction, bytes: &[u8]) -> bool {
        let mut traffic = self.traffic();
        let is_cut = match traffic.rule {
            Rule::Cuts(Moment::Asked) => is_commit(direction, bytes),
            Rule::CutsAnswer(of) => of == id && direction == Direction::FromServer,
            _ => false,
        };
        if is_cut {
            traffic.met();
            traffic.end(id);
        }
        !is_cut && !traffic.swallows(id, direction)
    }

    /// Notes what was handed on.
    fn passed(&self, id: u64, direction: Direction, bytes: &[u8]) {
        let mut traffic = self.traffic();
        let Rule::Cuts(moment) = traffic.rule else { return };
        if !is_commit(direction, bytes) {
            return;
        }
        match moment {
            Moment::Asked => {}
            Moment::Answered => traffic.rule = Rule::CutsAnswer(id),
            Moment::Watched => traffic.met(),
            Moment::Sent => {
                traffic.met();
                traffic.end(id);
            }
        }
    }

    /// From now on everything is lost in one direction, also on connections that are made later.
    pub fn swallow(&self, direction: Direction) {
        self.traffic().rule = Rule::Swallows(direction, u64::MAX);
    }

    /// The same for those connections only that there are.
    pub fn swallow_old(&self, direction: Direction) {
        let mut traffic = self.traffic();
        traffic.rule = Rule::Swallows(direction, traffic.next + 1);
    }

    /// Waits for the next commit, and loses something of it.
    pub fn cut(&self, moment: Moment) {
        let mut traffic = self.traffic();
        traffic.has_met_commit = false;
        traffic.rule = Rule::Cuts(moment);
    }

    /// Whether there was one since.
    pub fn has_met_commit(&self) -> bool {
        self.traffic().has_met_commit
    }

    /// Carries everything again. Connections that have lost something are ended.
    pub fn mend(&self) {
        let mut traffic = self.traffic();
        if let Rule::Swallows(_, below) = traffic.rule {
            let lossy: Vec<u64> = traffic.open.range(..below).map(|(id, _)| *id).collect();
            lossy.into_iter().for_each(|id| traffic.end(id));
        }
        traffic.rule = Rule::Carries;
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Traffic {
    fn met(&mut self) {
        self.has_met_commit = true;
        self.rule = Rule::Carries;
    }
}

fn is_commit(direction: Direction, bytes: &[u8]) -> bool {
    direction == Direction::ToServer && bytes.windows(COMMIT.len()).any(|part| part == COMMIT)
}
