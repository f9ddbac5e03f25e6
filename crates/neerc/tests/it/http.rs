//! HTTP as bytes: what browsers send, and what they would not.
#![allow(dead_code)] // a toolbox: not every tool is in use at any one time

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::service::Neerc;
use crate::wait::PATIENCE;

/// A site of the program under test.
#[derive(Clone, Debug)]
pub struct Http(pub String);

/// What a request was answered with.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// 0 if the connection was closed without an answer.
    pub status: u16,
    /// The status line and the fields.
    pub head: String,
    pub text: String,
}

impl Reply {
    /// The value of the first field of that name.
    pub fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

impl Http {
    /// What listens at the address that stands behind those words in the log.
    #[track_caller]
    pub fn said(neerc: &Neerc<'_>, words: &str) -> Http {
        let log = neerc.log();
        let address = log.rsplit_once(&format!("{words} http://")).expect("it says where").1;
        Http(address.lines().next().unwrap_or_default().trim().to_owned())
    }

    /// The board.
    #[track_caller]
    pub fn board(neerc: &Neerc<'_>) -> Http {
        Http::said(neerc, "the board is served at")
    }

    /// A request as browsers send it, with more fields, each with its line's end.
    pub fn request(&self, method: &str, path: &str, fields: &str, body: &str) -> String {
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n{fields}{length}Connection: close\r\n\r\n{body}", self.0)
    }

    /// A connection, on which bytes were sent.
    pub fn open(&self, bytes: &[u8]) -> TcpStream {
        let mut socket = TcpStream::connect(&self.0).expect("it listens");
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = socket.write_all(bytes); // what is refused need not be read to its end
        socket
    }

    /// Sends bytes, and reads until the connection is closed.
    #[track_caller]
    pub fn send(&self, bytes: &[u8]) -> Reply {
        let mut socket = self.open(bytes);
        let mut answer = Vec::new();
        match socket.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{error} after {}", String::from_utf8_lossy(&answer)),
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let Some((head, text)) = answer.split_once("\r\n\r\n") else { return Reply::default() };
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Reply { status, head: head.to_owned(), text: text.to_owned() }
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        self.send(self.request("GET", path, "", "").as_bytes())
    }

    /// The same with a cookie.
    #[track_caller]
    pub fn get_as(&self, path: &str, cookie: &str) -> Reply {
        self.send(self.request("GET", path, &format!("Cookie: {cookie}\r\n"), "").as_bytes())
    }

    /// Opens a stream of events.
    pub fn events(&self, path: &str) -> Events {
        Events {
            socket: self.open(self.request("GET", path, "Accept: text/event-stream\r\n", "").as_bytes()),
            heard: String::new(),
        }
    }
}

/// A stream of events, as it arrives.
pub struct Events {
    socket: TcpStream,
    heard: String,
}

impl Events {
    /// Reads until a text has come; what came with it and before, after what was waited for last. What a stream is cut into
    /// for the way is taken out.
    #[track_caller]
    pub fn until(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.heard.find(text) {
                let rest = self.heard.split_off(at + text.len());
                return std::mem::replace(&mut self.heard, rest);
            }
            assert!(Instant::now() < deadline && self.read(), "no {text:?} in {:?}", self.heard);
        }
    }

    /// Reads until it ends.
    #[track_caller]
    pub fn ends(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.read() {
            assert!(Instant::now() < deadline, "it goes on: {:?}", self.heard);
        }
    }

    /// Reads some; whether the stream goes on.
    fn read(&mut self) -> bool {
        let mut chunk = [0; 1 << 14];
        self.socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        match self.socket.read(&mut chunk) {
            Ok(0) => false,
            Ok(count) => {
                self.heard.push_str(&String::from_utf8_lossy(&chunk[..count]));
                true
            }
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted),
        }
    }
}
