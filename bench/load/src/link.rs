//! The server's side of a component stream: accepts the component, plays server and chat room for it, and reads what it
//! sends by scanning bytes. Not a server: it believes everything and understands only what the service asks of one.

use crate::Outcome;
use crate::contest::{COMPONENT, Cast, ROOM};
use memchr::memmem::{self, Finder};
use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long anything may take before a measurement is given up.
pub const PATIENCE: Duration = Duration::from_secs(30);

const HEADER: &[u8] = b"<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' \
    xmlns:stream='http://etherx.jabber.org/streams' id='bench' from='neerc.localhost'>";
const BUFFER: usize = 512 * 1024;
/// Bytes that are kept until more is read: no shorter than anything that is searched for.
const KEPT: usize = 32;

/// A listener on a free port of the loopback interface.
pub fn listen() -> Outcome<(TcpListener, u16)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// What one read brought.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// How often each of the things looked for was there.
    pub counts: [usize; 4],
    /// Bytes read.
    pub bytes: usize,
}

struct Mark {
    finder: Finder<'static>,
    /// Up to where the buffer was searched.
    from: usize,
}

/// One accepted component.
pub struct Link {
    stream: TcpStream,
    writer: Arc<Mutex<TcpStream>>,
    buffer: Box<[u8]>,
    filled: usize,
    marks: Vec<Mark>,
    asks: Mark,
    cast: Option<Cast>,
}

impl Link {
    /// Accepts a component within the time and brings the stream to where stanzas flow.
    pub fn accept(listener: &TcpListener, patience: Duration) -> Outcome<Link> {
        let mut link = Link::accept_bare(listener, patience)?;
        link.wait_for(b"stream:stream", b">")?;
        link.send(HEADER)?;
        link.wait_for(b"<handshake", b"</handshake>")?;
        link.send(b"<handshake/>")?;
        Ok(link)
    }

    /// Accepts a connection that speaks no XMPP.
    pub fn accept_bare(listener: &TcpListener, patience: Duration) -> Outcome<Link> {
        let end = Instant::now() + patience;
        let stream = loop {
            match listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < end => {
                    std::thread::sleep(Duration::from_micros(500));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Err("it did not connect".into()),
                Err(error) => return Err(error.into()),
            }
        };
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Link {
            writer: Arc::new(Mutex::new(stream.try_clone()?)),
            stream,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            filled: 0,
            marks: Vec::new(),
            asks: Mark { finder: Finder::new("<iq type='get'"), from: 0 },
            cast: None,
        })
    }

    /// Waits for `start` and then `end`, and drops everything up to there.
    fn wait_for(&mut self, start: &[u8], end: &[u8]) -> Outcome<()> {
        loop {
            let data = &self.buffer[..self.filled];
            if let Some(at) = memmem::find(data, start)
                && let Some(length) = memmem::find(&data[at..], end)
            {
                self.keep_from(at + length + end.len());
                return Ok(());
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Outcome<usize> {
        if self.filled == self.buffer.len() {
            return Err("the component sends a stanza that is too long".into());
        }
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => Err("the component has closed the connection".into()),
            Ok(count) => {
                self.filled += count;
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err("the component does not answer".into()),
            Err(error) => Err(error.into()),
        }
    }

    fn keep_from(&mut self, start: usize) {
        self.buffer.copy_within(start..self.filled, 0);
        self.filled -= start;
        for mark in self.marks.iter_mut().chain([&mut self.asks]) {
            mark.from = mark.from.saturating_sub(start);
        }
    }

    /// Another hand to write with.
    pub fn writer(&self) -> Arc<Mutex<TcpStream>> {
        self.writer.clone()
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: &[u8]) -> Outcome<()> {
        send(&self.writer, bytes)
    }

    /// From now on counts these, in the places of [`Seen::counts`]; an empty one is never found.
    pub fn count(&mut self, needles: &[&'static str]) {
        assert!(needles.len() <= 4 && needles.iter().all(|needle| needle.len() <= KEPT), "see Seen and KEPT");
        self.filled = 0;
        self.asks.from = 0;
        self.marks = needles.iter().map(|needle| Mark { finder: Finder::new(*needle), from: 0 }).collect();
    }

    /// Reads what is there, waiting for some, and counts. What the service asks its server is answered on the way.
    pub fn read(&mut self) -> Outcome<Seen> {
        let mut seen = Seen { bytes: self.fill()?, ..Seen::default() };
        let data = &self.buffer[..self.filled];
        for (mark, count) in self.marks.iter_mut().zip(&mut seen.counts) {
            if mark.finder.needle().is_empty() {
                continue;
            }
            let (length, start) = (mark.finder.needle().len(), mark.from);
            mark.from = (self.filled + 1).saturating_sub(length).max(start);
            for at in mark.finder.find_iter(&data[start..]) {
                *count += 1;
                mark.from = mark.from.max(start + at + length); // not to be found again in what is kept
            }
        }
        let mut keep = self.filled.saturating_sub(KEPT);
        if let Some(cast) = self.cast {
            keep = keep.min(self.answer_asks(cast)?);
        }
        self.keep_from(keep);
        Ok(seen)
    }

    /// Answers the service's own requests; returns from where on the buffer is still needed.
    fn answer_asks(&mut self, cast: Cast) -> Outcome<usize> {
        let mut answers = String::new();
        let mut keep = self.filled;
        loop {
            let data = &self.buffer[self.asks.from..self.filled];
            let Some(at) = self.asks.finder.find(data) else {
                self.asks.from = self.asks.from.max(self.filled.saturating_sub(KEPT));
                break;
            };
            let Some(length) = memmem::find(&data[at..], b"</iq>") else {
                self.asks.from += at;
                keep = self.asks.from;
                break;
            };
            let stanza = String::from_utf8_lossy(&data[at..at + length]);
            answer_iq(&mut answers, &stanza, cast);
            self.asks.from += at + length;
        }
        if !answers.is_empty() {
            self.send(answers.as_bytes())?;
        }
        Ok(keep)
    }

    /// Plays server and room until the service has joined and read all that it wants to know, and answers.
    pub fn settle(&mut self, cast: Cast) -> Outcome<()> {
        self.cast = Some(cast);
        let mut text = String::new();
        let (mut lists, mut roles, mut joined) = (0, 0, false);
        while !joined || lists < 3 || roles < 3 {
            self.fill()?;
            text.push_str(&String::from_utf8_lossy(&self.buffer[..self.filled]));
            self.filled = 0;
            let mut answers = String::new();
            while let Some((stanza, rest)) = first_stanza(&text) {
                let stanza = stanza.trim_start(); // bursts end with white space
                if stanza.starts_with("<presence") && !stanza.contains("unavailable") {
                    occupants(&mut answers, cast, attribute(stanza, "to"));
                    joined = true;
                } else if stanza.starts_with("<iq") {
                    lists += usize::from(stanza.contains("affiliation="));
                    roles += usize::from(stanza.contains(" role="));
                    answer_iq(&mut answers, stanza, cast);
                }
                text = rest.to_owned();
            }
            self.send(answers.as_bytes())?;
        }
        self.count(&["~r"]);
        self.send(crate::contest::read("admin@localhost/s", "users").as_bytes())?;
        while self.read()?.counts[0] == 0 {}
        Ok(())
    }

    /// Reads until nothing has come for that long, and counts.
    pub fn drain(&mut self, quiet: Duration, patience: Duration) -> Outcome<Seen> {
        let mut total = Seen::default();
        let end = Instant::now() + patience;
        self.stream.set_read_timeout(Some(quiet))?;
        while Instant::now() < end {
            match self.read() {
                Ok(seen) => {
                    total.bytes += seen.bytes;
                    total.counts.iter_mut().zip(seen.counts).for_each(|(total, seen)| *total += seen);
                }
                Err(error) if error.to_string().contains("does not answer") => break,
                Err(error) => return Err(error),
            }
        }
        self.stream.set_read_timeout(Some(PATIENCE))?;
        Ok(total)
    }
}

/// Sends bytes by a hand of the link.
pub fn send(writer: &Mutex<TcpStream>, bytes: &[u8]) -> Outcome<()> {
    Ok(writer.lock().unwrap_or_else(PoisonError::into_inner).write_all(bytes)?)
}

fn first_stanza(text: &str) -> Option<(&str, &str)> {
    let end = ["</iq>", "</presence>", "</message>"]
        .iter()
        .filter_map(|end| text.find(end).map(|at| at + end.len()))
        .min()?;
    Some(text.split_at(end))
}

fn attribute<'s>(stanza: &'s str, name: &str) -> &'s str {
    let start = format!(" {name}='");
    stanza.find(&start).and_then(|at| stanza[at + start.len()..].split('\'').next()).unwrap_or("")
}

/// Answers a request of the service to its server or room.
fn answer_iq(out: &mut String, stanza: &str, cast: Cast) {
    if !matches!(attribute(stanza, "type"), "get" | "set") {
        return;
    }
    let (id, to) = (attribute(stanza, "id"), attribute(stanza, "to"));
    if stanza.contains(" role=") {
        // The presences have named everybody, so they are to be believed.
        let _ = write!(
            out,
            "<iq type='error' id='{id}' from='{to}' to='{COMPONENT}'><error type='cancel'>\
             <feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        );
        return;
    }
    let _ = write!(out, "<iq type='result' id='{id}' from='{to}' to='{COMPONENT}'");
    if stanza.contains("muc#admin") {
        let affiliation = attribute(stanza, "affiliation");
        out.push_str("><query xmlns='http://jabber.org/protocol/muc#admin'>");
        match affiliation {
            "owner" => out.push_str("<item affiliation='owner' jid='admin@localhost'/>"),
            "member" => {
                // A longer list would be over what the service takes in one stanza; the rest are known by presence.
                for hall in 1..=cast.members.min(4_000) {
                    let _ = write!(out, "<item affiliation='member' jid='hall{hall}@localhost'/>");
                }
            }
            _ => {}
        }
        out.push_str("</query></iq>");
    } else if stanza.contains("muc#owner") && attribute(stanza, "type") == "get" {
        out.push_str(
            "><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='form'><field \
             var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/muc#roomconfig</value></field><field \
             var='muc#roomconfig_persistentroom' type='boolean'/></x></query></iq>",
        );
    } else {
        out.push_str("/>");
    }
}

/// The presences that a room answers a join with.
fn occupants(out: &mut String, cast: Cast, own: &str) {
    let mut occupant = |from: &str, jid: &str, affiliation: &str, status: &str| {
        let _ = write!(
            out,
            "<presence from='{from}' to='{COMPONENT}'><x xmlns='http://jabber.org/protocol/muc#user'><item \
             affiliation='{affiliation}' role='participant' jid='{jid}'/>{status}</x></presence>"
        );
    };
    for number in 0..cast.sessions {
        occupant(&format!("{ROOM}/n{number}"), &cast.session(number), "member", "");
    }
    occupant(own, COMPONENT, "owner", "<status code='110'/>");
}
