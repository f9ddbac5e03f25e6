//! Any bytes in any split: the framer never panics, cuts the same however the bytes come, and cuts what a full parser
//! (quick-xml, over the whole stream at once) sees as the children of the stream element, byte for byte.
//!
//! The first two bytes choose the limits and where the bytes are split; the rest is the stream. Nothing is copied:
//! two framers and the parser go through the stream in step, and what each has found next is compared.
//!
//! The comparison with the parser ends where the two differ deliberately, and goes on between the two framers:
//! - text before the stream header, a byte order mark and a header that closes itself: an error of the framer;
//! - a tag of the stream itself over the limit, and an end tag there of another name: an error of the framer;
//! - a `<` in a tag outside its quotes: an error of the framer, no matter to quick-xml;
//! - a quote in an end tag, where quick-xml then looks for the next one and the framer for `>`; it is never legal;
//! - control characters in a tag, which quick-xml takes for part of a name;
//! - `<!DOCTYPE` and other declarations, which no server may send: the two need not agree where they end;
//! - what is not UTF-8 or has no end, which quick-xml refuses as a whole.
//!
//! Names of end tags inside a stanza and `&` are no matter to the framer, so the parser is told not to mind them either.

use neerc_xmpp::stream::frame::{Excess, Frame, FrameError, FrameLimits, Framer};
use quick_xml::Reader;
use quick_xml::events::Event;

/// Checks one input.
pub fn check(data: &[u8]) {
    let [first, second, stream @ ..] = data else { return };
    let limits = match first % 3 {
        0 => FrameLimits { bytes: 48, depth: 3, head_bytes: 24 },
        1 => FrameLimits { bytes: 300, depth: 5, head_bytes: 300 },
        _ => FrameLimits::default(),
    };
    let mut whole = Framer::new(limits);
    whole.push(stream);
    let mut pieces = Pieces::new(limits, stream, usize::from(first / 3), usize::from(*second));
    let mut parser = Parser::new(limits, stream);
    loop {
        let cut = whole.next_frame();
        pieces.same(cut);
        match parser.next_frame() {
            Seen::Frame(frame) => assert_eq!(cut, Ok(Some(frame)), "the framer and the parser"),
            Seen::End => assert_eq!(cut, Ok(None), "the framer, and the parser that is at the end"),
            Seen::Unknown => {}
        }
        match cut {
            Ok(Some(Frame::Stanza(bytes))) => {
                assert!(bytes.len() <= limits.bytes, "a stanza over the limit");
                assert!(bytes.starts_with(b"<") && bytes.ends_with(b">"));
            }
            Ok(Some(Frame::Skipped { head, .. })) => assert!(head.len() <= limits.head_bytes, "a head over the limit"),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return,
        }
    }
}

/// A framer that gets the stream cut into at most 18 pieces: some short ones in a row, and what is before and after.
struct Pieces<'s> {
    framer: Framer,
    rest: &'s [u8],
    /// Length of the piece that comes next.
    next: usize,
    /// Length of the short pieces.
    len: usize,
    /// Short pieces still to come.
    left: usize,
}

impl<'s> Pieces<'s> {
    /// The short pieces begin `at` 85ths into the stream; `shape` is how many there are and how long they are.
    fn new(limits: FrameLimits, stream: &'s [u8], at: usize, shape: usize) -> Self {
        let next = stream.len() * at.min(85) / 85;
        Self { framer: Framer::new(limits), rest: stream, next, len: shape % 16 + 1, left: shape / 16 + 1 }
    }

    /// Cuts the next frame, which must be the same.
    fn same(&mut self, cut: Result<Option<Frame<'_>>, FrameError>) {
        loop {
            match (self.framer.next_frame(), cut) {
                (Ok(None), _) if !self.rest.is_empty() => {}
                (Ok(one), Ok(other)) => return assert_eq!(one, other, "in pieces and whole"),
                (Err(_), Err(_)) => return, // which error depends on what of the tag is there
                (one, other) => panic!("in pieces {one:?}, whole {other:?}"),
            }
            let (piece, rest) = self.rest.split_at(self.next.min(self.rest.len()));
            self.framer.push(piece);
            self.rest = rest;
            self.next = if self.left > 0 { self.len } else { rest.len() };
            self.left = self.left.saturating_sub(1);
        }
    }
}

/// What the parser says comes next.
#[derive(Clone, Copy)]
enum Seen<'s> {
    Frame(Frame<'s>),
    /// Nothing, and the stream may go on.
    End,
    /// Something in which parser and framer need not agree, and all that comes after it.
    Unknown,
}

/// The full parser, and how far it has come.
struct Parser<'s> {
    reader: Reader<&'s [u8]>,
    stream: &'s [u8],
    limits: FrameLimits,
    /// Name of the stream element, once it is open.
    name: Option<&'s [u8]>,
    /// Nothing more is known, or nothing more can come.
    over: Option<Seen<'s>>,
}

impl<'s> Parser<'s> {
    fn new(limits: FrameLimits, stream: &'s [u8]) -> Self {
        let mut reader = Reader::from_reader(stream);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        let over = stream.starts_with(b"\xef\xbb\xbf").then_some(Seen::Unknown);
        Self { reader, stream, limits, name: None, over }
    }

    fn next_frame(&mut self) -> Seen<'s> {
        if let Some(over) = self.over {
            return over;
        }
        let seen = self.read().unwrap_or(Seen::Unknown);
        self.over = match seen {
            Seen::Frame(Frame::Close) | Seen::End => Some(Seen::End),
            Seen::Frame(_) => None,
            Seen::Unknown => Some(Seen::Unknown),
        };
        seen
    }

    /// Reads up to the end of the next frame; `None` is for [`Seen::Unknown`].
    fn read(&mut self) -> Option<Seen<'s>> {
        let mut stanza = Stanza::default();
        loop {
            let from = usize::try_from(self.reader.buffer_position()).ok()?;
            let event = self.reader.read_event().ok()?;
            let to = usize::try_from(self.reader.buffer_position()).ok()?;
            let raw = self.stream.get(from..to)?;
            match event {
                Event::Eof => return (from == self.stream.len()).then_some(Seen::End),
                Event::DocType(_) => return None,
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                    let between = self.name.is_some() || raw.iter().all(|byte| is_space(*byte));
                    between.then_some(())?;
                }
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
                Event::Start(_) | Event::Empty(_) if !is_tag(raw) => return None,
                Event::Start(tag) => {
                    if self.name.is_none() {
                        self.name = self.stream.get(from + 1..from + 1 + tag.name().0.len());
                        return self.own_tag(raw, Frame::Open(raw));
                    }
                    stanza.opened(from, to, &self.limits);
                }
                Event::Empty(_) => {
                    self.name?;
                    stanza.opened(from, to, &self.limits);
                    if let Some(frame) = stanza.closed(self.stream, to, &self.limits) {
                        return Some(Seen::Frame(frame));
                    }
                }
                Event::End(_) if !is_end_tag(raw) => return None,
                Event::End(_) if stanza.depth > 0 => {
                    if let Some(frame) = stanza.closed(self.stream, to, &self.limits) {
                        return Some(Seen::Frame(frame));
                    }
                }
                Event::End(tag) => {
                    let own = self.name.is_some_and(|name| name == tag.name().0.trim_ascii_end().as_bytes());
                    own.then_some(())?;
                    return self.own_tag(raw, Frame::Close);
                }
            }
        }
    }

    /// A tag of the stream itself, which the framer takes up to its limit.
    fn own_tag(&self, raw: &[u8], frame: Frame<'s>) -> Option<Seen<'s>> {
        (raw.len() <= self.limits.bytes).then_some(Seen::Frame(frame))
    }
}

/// A child of the stream element that is being read.
#[derive(Default)]
struct Stanza {
    depth: usize,
    start: usize,
    head: usize,
    /// The limit it went over first.
    why: Option<Excess>,
}

impl Stanza {
    fn opened(&mut self, from: usize, to: usize, limits: &FrameLimits) {
        if self.depth == 0 {
            (self.start, self.head) = (from, to - from);
        }
        self.depth += 1;
        if self.depth > limits.depth && self.why.is_none() {
            let long = from + 1 - self.start > limits.bytes;
            self.why = Some(if long { Excess::Bytes } else { Excess::Depth });
        }
    }

    fn closed<'s>(&mut self, stream: &'s [u8], to: usize, limits: &FrameLimits) -> Option<Frame<'s>> {
        self.depth -= 1;
        if self.depth > 0 {
            return None;
        }
        let stanza = stream.get(self.start..to)?;
        let why = self.why.or((stanza.len() > limits.bytes).then_some(Excess::Bytes));
        let kept = if self.head <= limits.head_bytes { self.head } else { 0 };
        Some(why.map_or(Frame::Stanza(stanza), |why| Frame::Skipped { head: &stanza[..kept], why }))
    }
}

/// Whether a start tag has neither `<` outside of its quotes nor control characters.
fn is_tag(raw: &[u8]) -> bool {
    let mut quote = 0;
    let inside = raw.get(1..).unwrap_or_default();
    is_plain(raw)
        && inside.iter().all(|&byte| {
            match byte {
                b'<' if quote == 0 => return false,
                b'\'' | b'"' if quote == 0 => quote = byte,
                _ if byte == quote => quote = 0,
                _ => {}
            }
            true
        })
}

/// Whether an end tag has neither a second `<` nor quotes nor control characters.
fn is_end_tag(raw: &[u8]) -> bool {
    is_plain(raw) && !raw.iter().skip(1).any(|byte| matches!(byte, b'<' | b'\'' | b'"'))
}

/// Whether there is no control character but white space; others are in no name.
fn is_plain(raw: &[u8]) -> bool {
    raw.iter().all(|byte| *byte >= b' ' || is_space(*byte))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
