//! A client that sends exactly the bytes it is given: for requests to the byte and for hostile input.
#![allow(dead_code)] // a toolbox: not every tool is in use at any one time

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use crate::servers::{ELSEWHERE, HOST, PASSWORD, ROOMS, SECRET, Server};
use crate::wait::{PATIENCE, poll_for};

/// Why there is no stanza.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Nothing (or not all of it) came in time.
    Timeout,
    /// The server has closed the stream.
    Closed,
}

/// Shorter tags come in one piece.
const LONG_TAG_BYTES: usize = 1_024;

/// A session over a plain TCP connection.
pub struct Raw {
    /// The full JID, once logged in.
    pub jid: String,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Raw {
    /// Connects and does nothing else.
    pub fn connect(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server listens");
        stream.set_nodelay(true).expect("a socket option");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket option");
        Self { jid: String::new(), stream, buffer: Vec::new() }
    }

    /// Connects, authenticates and binds; sends no presence.
    #[track_caller]
    pub fn login(server: &Server, user: &str, resource: &str) -> Self {
        let mut raw = Self::connect(server.c2s_port);
        raw.open_stream();
        let credentials = base64(format!("\0{user}\0{PASSWORD}").as_bytes());
        raw.send(&format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{credentials}</auth>"));
        raw.expect(|stanza| stanza.starts_with("<success"));
        raw.open_stream();
        let bind = "urn:ietf:params:xml:ns:xmpp-bind";
        raw.send(&format!("<iq type='set' id='bind'><bind xmlns='{bind}'><resource>{resource}</resource></bind></iq>"));
        let bound = raw.expect(|stanza| stanza.contains("id='bind'") || stanza.contains("id=\"bind\""));
        raw.jid = between(&bound, "<jid>", "</jid>").unwrap_or_else(|| panic!("not bound: {bound}")).to_owned();
        raw
    }

    /// Connects as the component that plays another server; every stanza has to say from whom it is. The connection
    /// before it may still be about to end.
    #[track_caller]
    pub fn elsewhere(server: &Server) -> Self {
        poll_for(PATIENCE, || Self::try_elsewhere(server)).expect("the server takes the component")
    }

    fn try_elsewhere(server: &Server) -> Option<Self> {
        let mut raw = Self::connect(server.elsewhere_port);
        let mut header = Vec::new();
        neerc_xmpp::stream::open(&mut header, ELSEWHERE);
        raw.send_bytes(&header);
        let deadline = Instant::now() + PATIENCE;
        let id = loop {
            raw.read(deadline).ok()?;
            let text = String::from_utf8_lossy(&raw.buffer).replace('"', "'");
            if let Some(id) = text.split_once("<stream:stream").and_then(|(_, rest)| between(rest, " id='", "'")) {
                break id.to_owned();
            }
        };
        raw.buffer.clear();
        let mut handshake = Vec::new();
        neerc_xmpp::stream::handshake(&mut handshake, &id, SECRET);
        raw.send_bytes(&handshake);
        raw.stanza(PATIENCE).ok().filter(|stanza| stanza.starts_with("<handshake"))?;
        raw.jid = ELSEWHERE.to_owned();
        Some(raw)
    }

    /// Opens a (new) stream and waits for the features.
    #[track_caller]
    pub fn open_stream(&mut self) {
        self.buffer.clear();
        self.send(&format!(
            "<?xml version='1.0'?><stream:stream to='{HOST}' version='1.0' xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams'>"
        ));
        self.expect(|stanza| stanza.starts_with("<stream:features"));
    }

    /// Sends text of which no part is to wait for more: see [`Self::push`].
    #[track_caller]
    pub fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes());
        self.push(text.as_bytes()).expect("the server reads");
    }

    /// Sends bytes.
    #[track_caller]
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.try_send_bytes(bytes).expect("the server reads");
    }

    /// Sends bytes to a server that may be closing the stream.
    pub fn try_send_bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends white space so that the server looks at all of what was sent before: a tag that the end of a read has cut
    /// is looked at again by libexpat (2.6, and older ones with security updates) once as much again has come.
    pub fn push(&mut self, sent: &[u8]) -> std::io::Result<()> {
        self.try_send_bytes(&vec![b' '; longest_tag(sent)])
    }

    /// The next stanza exactly as it came.
    pub fn stanza(&mut self, limit: Duration) -> Result<String, Silence> {
        let deadline = Instant::now() + limit;
        loop {
            match cut(&self.buffer) {
                Cut::Stanza(range) => {
                    let stanza = String::from_utf8_lossy(&self.buffer[range.clone()]).into_owned();
                    self.buffer.drain(..range.end);
                    return Ok(stanza);
                }
                Cut::StreamEnd => return Err(Silence::Closed),
                Cut::More => self.read(deadline)?,
            }
        }
    }

    /// Reads stanzas until one is accepted, which is returned.
    #[track_caller]
    pub fn expect(&mut self, mut wanted: impl FnMut(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut others = Vec::new();
        loop {
            match self.stanza(deadline.saturating_duration_since(Instant::now())) {
                Ok(stanza) if wanted(&stanza) => return stanza,
                Ok(stanza) => others.push(stanza),
                Err(silence) => panic!("{} did not get it ({silence:?}), only {others:#?}", self.jid),
            }
        }
    }

    /// Enters a room, or takes another nick there, and waits until that is done.
    #[track_caller]
    pub fn enter(&mut self, room: &str, nick: &str) {
        let at = format!("{room}@{ROOMS}/{nick}");
        self.send(&format!("<presence to='{at}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"));
        self.expect(|text| text.starts_with("<presence") && text.contains(&at) && text.contains("110"));
    }

    /// Reads until the server ends the stream; all stanzas before that.
    #[track_caller]
    pub fn expect_closed(&mut self) -> Vec<String> {
        let mut last = Vec::new();
        loop {
            match self.stanza(PATIENCE) {
                Ok(stanza) => last.push(stanza),
                Err(Silence::Closed) => return last,
                Err(Silence::Timeout) => panic!("the stream is still open; it said {last:#?}"),
            }
        }
    }

    fn read(&mut self, deadline: Instant) -> Result<(), Silence> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Silence::Timeout);
        }
        self.stream.set_read_timeout(Some(left)).expect("a socket option");
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(Silence::Closed),
            Ok(count) => {
                self.buffer.extend_from_slice(&chunk[..count]);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Err(Silence::Timeout),
            Err(_) => Err(Silence::Closed),
        }
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with unread {:?}", self.jid, String::from_utf8_lossy(&self.buffer))
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Cut {
    Stanza(std::ops::Range<usize>),
    StreamEnd,
    More,
}

/// Finds the first whole element behind a possible stream header. Trusts the server to send well-formed XML.
fn cut(bytes: &[u8]) -> Cut {
    let (mut depth, mut start, mut place) = (0, 0, 0);
    while let Some(open) = bytes[place..].iter().position(|byte| *byte == b'<').map(|found| place + found) {
        let Some(close) = tag_end(bytes, open) else { return Cut::More };
        let tag = &bytes[open..=close];
        place = close + 1;
        if depth == 0 {
            start = open;
        }
        if tag.starts_with(b"<?") || (tag.starts_with(b"<stream:stream") && depth == 0) {
            continue;
        } else if tag.starts_with(b"</") {
            if depth == 0 {
                return Cut::StreamEnd;
            }
            depth -= 1;
        } else if !tag.ends_with(b"/>") {
            depth += 1;
        }
        if depth == 0 {
            return Cut::Stanza(start..place);
        }
    }
    Cut::More
}

/// How long the longest tag may be, with the text behind it; 0 where none is long enough to be cut by a server's reads.
fn longest_tag(bytes: &[u8]) -> usize {
    let longest = bytes.split(|byte| *byte == b'<').map(<[u8]>::len).max().unwrap_or(0);
    if longest < LONG_TAG_BYTES { 0 } else { longest + 1 }
}

/// Where the tag that begins at `open` ends: at a `>` outside of quotes.
fn tag_end(bytes: &[u8], open: usize) -> Option<usize> {
    let mut quote = None;
    for (place, byte) in bytes.iter().enumerate().skip(open) {
        match (quote, byte) {
            (None, b'>') => return Some(place),
            (None, b'\'' | b'"') => quote = Some(*byte),
            (Some(mark), byte) if mark == *byte => quote = None,
            _ => {}
        }
    }
    None
}

/// What stands between two texts.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = [0, 1, 2].map(|place| u32::from(chunk.get(place).copied().unwrap_or(0)));
        let bits = group[0] << 16 | group[1] << 8 | group[2];
        for place in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { letter.into() } else { '=' });
        }
    }
    text
}

#[test]
fn stanzas_are_cut_at_their_ends() {
    let stream = b"<?xml version='1.0'?><stream:stream a='>'><a b='/>'><c/>x</a><d/><e";
    let Cut::Stanza(first) = cut(stream) else { panic!("no stanza") };
    assert_eq!(&stream[first.clone()], b"<a b='/>'><c/>x</a>");
    let Cut::Stanza(second) = cut(&stream[first.end..]) else { panic!("no stanza") };
    assert_eq!(&stream[first.end..][second.clone()], b"<d/>");
    assert_eq!(cut(&stream[first.end + second.end..]), Cut::More);
    assert_eq!(cut(b" </stream:stream>"), Cut::StreamEnd);
}

#[test]
fn base64_pads() {
    assert_eq!([&b"M"[..], b"Ma", b"Man"].map(base64), ["TQ==", "TWE=", "TWFu"]);
}
