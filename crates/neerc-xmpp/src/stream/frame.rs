//! Cuts the byte stream of an XEP-0114 component connection into stanzas: a resumable scanner over one buffer, no IO.
//!
//! It knows where an element ends and nothing more: names, references, encoding and what XMPP forbids inside a stanza
//! are for `xml.rs` to refuse. A stanza over a limit is scanned to its end without being stored, so that one oversized
//! stanza costs an error reply and not the connection. Every byte is looked at a constant number of times.

use std::fmt;

use memchr::{memchr, memchr2};

/// Bounds of one stanza.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    /// The longest stanza handed on, in bytes. Also bounds the stream header and the tag that ends the stream. Zero
    /// means 1.
    pub bytes: usize,
    /// The deepest nesting handed on: the stanza itself is 1. Zero means 1.
    pub depth: usize,
    /// The longest start tag kept of a stanza that is skipped, in bytes; never more than `bytes`.
    pub head_bytes: usize,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self { bytes: 256 * 1024, depth: 32, head_bytes: 8 * 1024 }
    }
}

/// Which limit a skipped stanza went over; when both, the one it went over first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// Longer than [`FrameLimits::bytes`].
    Bytes,
    /// Nested deeper than [`FrameLimits::depth`].
    Depth,
}

/// One thing cut out of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The start tag of the stream header, from `<` to `>`; an XML declaration before it is dropped.
    Open(&'a [u8]),
    /// One whole child of the stream element, from `<` to `>`, within the limits.
    Stanza(&'a [u8]),
    /// A child of the stream element that went over a limit.
    Skipped {
        /// Its start tag, from `<` to `>`; empty if that was longer than [`FrameLimits::head_bytes`].
        head: &'a [u8],
        /// The limit it went over.
        why: Excess,
    },
    /// The end tag of the stream. Whatever comes after it is dropped.
    Close,
}

/// The stream cannot be cut any further. Offsets are in bytes from the start of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// Something other than white space before the stream header: most likely not an XMPP server.
    TextBeforeStream {
        /// The first such byte.
        offset: u64,
    },
    /// An end tag that closes nothing: before the stream header, or between stanzas and not of the stream's name.
    EndWithoutStart {
        /// Its `<`.
        offset: u64,
    },
    /// A `<` inside a tag and outside its quotes.
    TagInsideTag {
        /// The second `<`.
        offset: u64,
    },
    /// The stream header, or an end tag between stanzas, longer than [`FrameLimits::bytes`].
    TagTooLong {
        /// Its `<`.
        offset: u64,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The stream header is a self-closing tag: a stream that ends before it began.
    EmptyStream {
        /// Its `<`.
        offset: u64,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TextBeforeStream { offset } => {
                write!(f, "text before the stream header at byte {offset}: not an xmpp stream")
            }
            Self::EndWithoutStart { offset } => write!(f, "end tag at byte {offset} closes no open element"),
            Self::TagInsideTag { offset } => write!(f, "'<' inside a tag at byte {offset}"),
            Self::TagTooLong { offset, limit } => {
                write!(f, "tag of the stream itself at byte {offset} is longer than {limit} bytes")
            }
            Self::EmptyStream { offset } => write!(f, "stream header at byte {offset} closes the stream at once"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Where the scanner stands; everything a split of the input may interrupt.
#[derive(Debug, Clone, Copy)]
enum State {
    /// Outside any markup.
    Text,
    /// After `<`.
    Lt,
    /// In a start tag, outside quotes; whether the byte before was `/`.
    Tag { slash: bool },
    /// In an attribute value, up to this quote.
    Quoted(u8),
    /// In an end tag.
    EndTag,
    /// After `<!`.
    Bang,
    /// After `<!-`.
    BangDash,
    /// After `<![` and so many bytes of `CDATA[`.
    Cdata(usize),
    /// In a comment, CDATA section or processing instruction: up to `need` of `mark` and a `>`, `seen` of them just seen.
    Until { mark: u8, need: u8, seen: u8 },
    /// In a `<!DOCTYPE` or the like, `Framer::declarations` deep, outside quotes.
    Declaration,
    /// In a quoted part of a declaration.
    DeclarationQuoted(u8),
}

/// How far the stream as a whole has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    BeforeOpen,
    Open,
    Closed,
    Broken(FrameError),
}

/// How many bytes a stanza may have that is longer than usual, by its start tag.
type Longest<'l> = &'l mut dyn FnMut(&[u8]) -> usize;

/// What a finished piece of scanning amounts to; the bytes are `start..pos`.
enum Cut {
    Open,
    Stanza,
    Skipped(Excess),
    Close,
}

/// The scanner and its buffer: [`push`](Self::push) bytes, then call [`next_frame`](Self::next_frame) until `None`.
///
/// White space, text, comments, processing instructions and declarations between stanzas are dropped. Text there is
/// not an error, because nothing is lost with it and ending the connection would lose everything; text before the
/// stream header is one. When every frame is taken before the next push, the buffer holds at most
/// [`FrameLimits::bytes`] and one push.
#[derive(Debug)]
pub struct Framer {
    limits: FrameLimits,
    buffer: Vec<u8>,
    /// Where the frame being scanned begins in the buffer.
    start: usize,
    /// Up to where the buffer is scanned; `start <= pos <= buffer.len()` always.
    pos: usize,
    /// Bytes of the stream dropped from the front of the buffer.
    dropped: u64,
    phase: Phase,
    state: State,
    /// Open elements of the stanza being scanned; zero between stanzas.
    depth: usize,
    /// Open `<!` declarations.
    declarations: usize,
    /// Length of the stanza's start tag, once known.
    head_len: usize,
    /// How long the stanza being scanned may be by its start tag, once that was asked for.
    allowed: Option<usize>,
    /// Set while the stanza being scanned is not stored.
    skipping: Option<Excess>,
    /// The start tag kept of the stanza being skipped.
    head: Vec<u8>,
    /// The stream element's name, which its end tag must repeat.
    stream_name: Vec<u8>,
}

impl Framer {
    /// A framer at the very start of a stream.
    pub fn new(limits: FrameLimits) -> Self {
        Self {
            limits: FrameLimits {
                bytes: limits.bytes.max(1),
                depth: limits.depth.max(1),
                head_bytes: limits.head_bytes.min(limits.bytes),
            },
            buffer: Vec::new(),
            start: 0,
            pos: 0,
            dropped: 0,
            phase: Phase::BeforeOpen,
            state: State::Text,
            depth: 0,
            declarations: 0,
            head_len: 0,
            allowed: None,
            skipping: None,
            head: Vec::new(),
            stream_name: Vec::new(),
        }
    }

    /// Takes bytes as they came from the server; after the stream's end or an error they are dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if matches!(self.phase, Phase::Closed | Phase::Broken(_)) {
            return;
        }
        // Only a caller that does not take every frame gets here with a long used part; moving no more bytes than are
        // freed keeps that linear too.
        if self.start > self.buffer.len() / 2 {
            self.drop_used();
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame, `None` when more bytes are needed. An error is final: it is returned again each time.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        self.next_frame_within(|_| 0)
    }

    /// [`Self::next_frame`] where some stanzas may be longer than [`FrameLimits::bytes`]. `longest` is given the start tag
    /// of one that is, and says how many bytes it may have.
    pub fn next_frame_within(
        &mut self,
        mut longest: impl FnMut(&[u8]) -> usize,
    ) -> Result<Option<Frame<'_>>, FrameError> {
        let cut = match self.phase {
            Phase::Closed => None,
            Phase::Broken(error) => return Err(error),
            Phase::BeforeOpen | Phase::Open => match self.scan(&mut longest) {
                Ok(cut) => cut,
                Err(error) => {
                    self.phase = Phase::Broken(error);
                    self.buffer = Vec::new();
                    return Err(error);
                }
            },
        };
        let Some(cut) = cut else {
            self.drop_used();
            return Ok(None);
        };
        // `start <= pos <= buffer.len()` by the invariant of `pos`.
        let bytes = &self.buffer[self.start..self.pos];
        self.start = self.pos;
        Ok(Some(match cut {
            Cut::Open => Frame::Open(bytes),
            Cut::Stanza => Frame::Stanza(bytes),
            Cut::Skipped(why) => Frame::Skipped { head: &self.head, why },
            Cut::Close => Frame::Close,
        }))
    }

    /// Scans until something is finished or the buffer is used up.
    fn scan(&mut self, longest: Longest<'_>) -> Result<Option<Cut>, FrameError> {
        while self.pos < self.buffer.len() {
            let cut = match self.state {
                State::Text => {
                    self.scan_text()?;
                    None
                }
                State::Tag { slash } => self.scan_tag(slash, longest)?,
                State::Quoted(quote) => {
                    if self.skip_past(quote) {
                        self.state = State::Tag { slash: false };
                    }
                    None
                }
                State::EndTag => self.scan_end_tag(longest)?,
                State::Lt => {
                    self.scan_lt()?;
                    None
                }
                State::Until { mark, need, seen } => {
                    self.scan_until(mark, need, seen);
                    None
                }
                State::Bang | State::BangDash | State::Cdata(_) => {
                    self.scan_bang();
                    None
                }
                State::Declaration => {
                    self.scan_declaration();
                    None
                }
                State::DeclarationQuoted(quote) => {
                    if self.skip_past(quote) {
                        self.state = State::Declaration;
                    }
                    None
                }
            };
            if cut.is_some() {
                return Ok(cut);
            }
        }
        self.run_dry(longest)?;
        Ok(None)
    }

    /// The buffer is used up in the middle of something: decides what of it is worth keeping.
    fn run_dry(&mut self, longest: Longest<'_>) -> Result<(), FrameError> {
        let in_tag = self.declarations == 0
            && matches!(self.state, State::Lt | State::Tag { .. } | State::Quoted(_) | State::EndTag);
        if self.skipping.is_some() {
            self.start = self.pos;
        } else if self.depth > 0 || (in_tag && !self.is_stream_tag()) {
            if self.is_too_long(longest) {
                self.begin_skip(Excess::Bytes);
                self.start = self.pos;
            }
        } else if !in_tag {
            self.start = self.pos;
        } else if self.pos - self.start > self.limits.bytes {
            return Err(self.tag_too_long());
        }
        Ok(())
    }

    /// Whether what is scanned of the stanza is longer than it may be.
    fn is_too_long(&mut self, longest: Longest<'_>) -> bool {
        let len = self.pos - self.start;
        if len <= self.limits.bytes {
            return false;
        }
        if self.head_len == 0 {
            return true; // a start tag that long says nothing good
        }
        // head_len was measured from start to an earlier pos.
        let head = &self.buffer[self.start..self.start + self.head_len];
        len > *self.allowed.get_or_insert_with(|| longest(head))
    }

    /// Whether the tag being scanned belongs to the stream element itself and not to a stanza.
    fn is_stream_tag(&self) -> bool {
        self.depth == 0 && (self.phase == Phase::BeforeOpen || matches!(self.state, State::EndTag))
    }

    fn scan_text(&mut self) -> Result<(), FrameError> {
        let rest = &self.buffer[self.pos..]; // pos <= len
        let found = memchr(b'<', rest);
        let text = &rest[..found.unwrap_or(rest.len())]; // memchr's answer is within rest
        if self.phase == Phase::BeforeOpen
            && let Some(at) = text.iter().position(|byte| !is_space(*byte))
        {
            return Err(FrameError::TextBeforeStream { offset: self.offset(self.pos + at) });
        }
        self.pos += text.len();
        if found.is_some() {
            if self.depth == 0 {
                self.start = self.pos;
            }
            self.pos += 1;
            self.state = State::Lt;
        }
        Ok(())
    }

    /// Looks at the byte after `<`. Leaves it to be scanned again where it may matter.
    fn scan_lt(&mut self) -> Result<(), FrameError> {
        // `scan` comes here only while pos < len.
        match self.buffer[self.pos] {
            b'!' => {
                self.pos += 1;
                self.state = State::Bang;
            }
            b'?' => {
                self.pos += 1;
                self.state = State::Until { mark: b'?', need: 1, seen: 0 };
            }
            _ if self.declarations > 0 => {
                self.declarations += 1;
                self.state = State::Declaration;
            }
            b'/' => {
                if self.phase == Phase::BeforeOpen {
                    return Err(FrameError::EndWithoutStart { offset: self.offset(self.start) });
                }
                self.pos += 1;
                self.state = State::EndTag;
            }
            _ => {
                if self.depth >= self.limits.depth && self.skipping.is_none() {
                    let why = if self.pos - self.start > self.limits.bytes { Excess::Bytes } else { Excess::Depth };
                    self.begin_skip(why);
                }
                self.state = State::Tag { slash: false };
            }
        }
        Ok(())
    }

    fn scan_tag(&mut self, mut slash: bool, longest: Longest<'_>) -> Result<Option<Cut>, FrameError> {
        let rest = &self.buffer[self.pos..]; // pos <= len
        let mut at = 0;
        while let Some(&byte) = rest.get(at) {
            at += 1;
            match byte {
                b'\'' | b'"' => {
                    slash = false;
                    // `at` is behind the quote, so at most the length.
                    let Some(close) = memchr(byte, &rest[at..]) else {
                        self.pos = self.buffer.len();
                        self.state = State::Quoted(byte);
                        return Ok(None);
                    };
                    at += close + 1;
                }
                b'>' => {
                    self.pos += at;
                    self.state = State::Text;
                    return if slash { self.element_closed(longest) } else { self.element_opened() };
                }
                b'<' => return Err(FrameError::TagInsideTag { offset: self.offset(self.pos + at - 1) }),
                _ => slash = byte == b'/',
            }
        }
        self.pos = self.buffer.len();
        self.state = State::Tag { slash };
        Ok(None)
    }

    /// After the `>` of a start tag.
    fn element_opened(&mut self) -> Result<Option<Cut>, FrameError> {
        if self.phase == Phase::BeforeOpen {
            if self.pos - self.start > self.limits.bytes {
                return Err(self.tag_too_long());
            }
            // start < pos <= len: at least `<` and `>` lie between.
            let name = self.buffer[self.start + 1..self.pos - 1].split(|byte| is_space(*byte)).next();
            self.stream_name = name.unwrap_or_default().to_vec();
            self.phase = Phase::Open;
            return Ok(Some(Cut::Open));
        }
        if self.depth == 0 {
            self.head_len = self.pos - self.start;
        }
        self.depth += 1;
        Ok(None)
    }

    /// After the `>` of a self-closing tag.
    fn element_closed(&mut self, longest: Longest<'_>) -> Result<Option<Cut>, FrameError> {
        if self.phase == Phase::BeforeOpen {
            return Err(FrameError::EmptyStream { offset: self.offset(self.start) });
        }
        if self.depth == 0 {
            self.head_len = self.pos - self.start;
            return Ok(Some(self.stanza_ended(longest)));
        }
        Ok(None)
    }

    fn scan_end_tag(&mut self, longest: Longest<'_>) -> Result<Option<Cut>, FrameError> {
        let rest = &self.buffer[self.pos..]; // pos <= len
        let Some(at) = memchr2(b'>', b'<', rest) else {
            self.pos = self.buffer.len();
            return Ok(None);
        };
        // memchr2's answer is within rest.
        if rest[at] == b'<' {
            return Err(FrameError::TagInsideTag { offset: self.offset(self.pos + at) });
        }
        self.pos += at + 1;
        self.state = State::Text;
        if self.depth == 0 {
            return self.stream_ended().map(Some);
        }
        self.depth -= 1;
        Ok((self.depth == 0).then(|| self.stanza_ended(longest)))
    }

    fn stream_ended(&mut self) -> Result<Cut, FrameError> {
        if self.pos - self.start > self.limits.bytes {
            return Err(self.tag_too_long());
        }
        // `</` and `>` were scanned after start, so start + 2 <= pos - 1.
        let name = &self.buffer[self.start + 2..self.pos - 1];
        if name.trim_ascii_end() != self.stream_name {
            return Err(FrameError::EndWithoutStart { offset: self.offset(self.start) });
        }
        self.phase = Phase::Closed;
        self.pos = self.buffer.len();
        Ok(Cut::Close)
    }

    fn stanza_ended(&mut self, longest: Longest<'_>) -> Cut {
        if self.skipping.is_none() && self.is_too_long(longest) {
            self.begin_skip(Excess::Bytes);
        }
        self.head_len = 0;
        self.allowed = None;
        self.skipping.take().map_or(Cut::Stanza, Cut::Skipped)
    }

    /// Stops storing the stanza; keeps its start tag if that is complete and short enough.
    fn begin_skip(&mut self, why: Excess) {
        self.skipping = Some(why);
        self.head.clear();
        if self.head_len <= self.limits.head_bytes {
            // head_len is zero or was measured from start to an earlier pos.
            self.head.extend_from_slice(&self.buffer[self.start..self.start + self.head_len]);
        }
    }

    /// Tells apart comment, CDATA section and declaration, byte by byte.
    fn scan_bang(&mut self) {
        const CDATA: &[u8] = b"CDATA[";
        // `scan` comes here only while pos < len.
        let byte = self.buffer[self.pos];
        self.state = match (self.state, byte) {
            (State::Bang, b'-') => State::BangDash,
            (State::Bang, b'[') => State::Cdata(0),
            (State::BangDash, b'-') => State::Until { mark: b'-', need: 2, seen: 0 },
            (State::Cdata(matched), _) if CDATA.get(matched) == Some(&byte) => {
                if matched + 1 == CDATA.len() {
                    State::Until { mark: b']', need: 2, seen: 0 }
                } else {
                    State::Cdata(matched + 1)
                }
            }
            _ => {
                self.declarations += 1;
                self.state = State::Declaration;
                return; // the byte may be a quote or a bracket: scanned again
            }
        };
        self.pos += 1;
    }

    fn scan_until(&mut self, mark: u8, need: u8, mut seen: u8) {
        while let Some(&byte) = self.buffer.get(self.pos) {
            if seen == 0 {
                if !self.skip_past(mark) {
                    break;
                }
                seen = 1;
                continue;
            }
            self.pos += 1;
            if byte == b'>' && seen >= need {
                self.state = if self.declarations > 0 { State::Declaration } else { State::Text };
                return;
            }
            seen = if byte == mark { need.min(seen + 1) } else { 0 };
        }
        self.state = State::Until { mark, need, seen };
    }

    fn scan_declaration(&mut self) {
        while let Some(&byte) = self.buffer.get(self.pos) {
            self.pos += 1;
            match byte {
                b'\'' | b'"' => self.state = State::DeclarationQuoted(byte),
                b'<' => self.state = State::Lt,
                b'>' => {
                    self.declarations = self.declarations.saturating_sub(1);
                    if self.declarations > 0 {
                        continue;
                    }
                    self.state = State::Text;
                }
                _ => continue,
            }
            return;
        }
    }

    /// Moves behind the next such byte, or to the end of the buffer if there is none.
    fn skip_past(&mut self, byte: u8) -> bool {
        let found = memchr(byte, &self.buffer[self.pos..]); // pos <= len
        self.pos = found.map_or(self.buffer.len(), |at| self.pos + at + 1);
        found.is_some()
    }

    fn drop_used(&mut self) {
        self.buffer.drain(..self.start); // start <= len
        self.dropped += self.start as u64;
        self.pos -= self.start;
        self.start = 0;
        // A stanza that was let through in spite of its length leaves no memory behind.
        if self.buffer.len() <= self.limits.bytes && self.buffer.capacity() > 4 * self.limits.bytes {
            self.buffer.shrink_to(self.limits.bytes);
        }
    }

    fn offset(&self, at: usize) -> u64 {
        self.dropped + at as u64
    }

    fn tag_too_long(&self) -> FrameError {
        FrameError::TagTooLong { offset: self.offset(self.start), limit: self.limits.bytes }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' id='1>2'>";
    const SMALL: FrameLimits = FrameLimits { bytes: 40, depth: 3, head_bytes: 20 };

    fn show(frame: Frame<'_>) -> String {
        let (word, bytes) = match frame {
            Frame::Open(bytes) => ("open", bytes),
            Frame::Stanza(bytes) => ("stanza", bytes),
            Frame::Skipped { head, why: Excess::Bytes } => ("long", head),
            Frame::Skipped { head, why: Excess::Depth } => ("deep", head),
            Frame::Close => ("close", &b""[..]),
        };
        format!("{word} {}", String::from_utf8_lossy(bytes))
    }

    /// Everything that comes out of the chunks: the frames, and the error that ended them.
    fn run<'c>(limits: FrameLimits, chunks: impl IntoIterator<Item = &'c [u8]>) -> (Vec<String>, Option<FrameError>) {
        let mut framer = Framer::new(limits);
        let mut frames = Vec::new();
        for chunk in chunks {
            framer.push(chunk);
            loop {
                match framer.next_frame() {
                    Ok(Some(frame)) => frames.push(show(frame)),
                    Ok(None) => break,
                    Err(error) => {
                        framer.push(b"<a/>");
                        assert_eq!(framer.next_frame(), Err(error), "an error is final");
                        return (frames, Some(error));
                    }
                }
            }
            assert!(framer.buffer.len() <= framer.limits.bytes, "kept {} bytes", framer.buffer.len());
        }
        (frames, None)
    }

    fn both_ways(limits: FrameLimits, stream: &[u8]) -> (Vec<String>, Option<FrameError>) {
        let whole = run(limits, [stream]);
        let bytewise = run(limits, stream.chunks(1));
        assert_eq!(whole.0, bytewise.0, "whole and one byte at a time");
        assert_eq!(whole.1.is_some(), bytewise.1.is_some(), "{:?} {:?}", whole.1, bytewise.1);
        whole
    }

    /// Frames after the stream header, within limits of 40 bytes, 3 levels and heads of 20 bytes.
    #[track_caller]
    fn check(script: &str, expect: &[&str]) {
        let header = "<s:s a='b'>";
        let (frames, error) = both_ways(SMALL, format!("{header}{script}").as_bytes());
        assert_eq!(error, None);
        assert_eq!(frames[0], format!("open {header}"));
        assert_eq!(frames[1..], *expect, "{script}");
    }

    #[track_caller]
    fn check_error(stream: &str, frames: usize, expect: &str) {
        let (found, error) = both_ways(SMALL, stream.as_bytes());
        assert_eq!(error, run(SMALL, stream.as_bytes().chunks(1)).1, "the place does not depend on the split");
        assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(expect), "{stream}");
        assert_eq!(found.len(), frames);
    }

    #[test]
    fn stanzas_of_every_shape() {
        check("<a/>", &["stanza <a/>"]);
        check("<a></a>", &["stanza <a></a>"]);
        check("<a/><b/>\n<c> </c >", &["stanza <a/>", "stanza <b/>", "stanza <c> </c >"]);
        check("<a><b/><c>t</c></a><d", &["stanza <a><b/><c>t</c></a>"]);
        check("<a x='>' y=\"/>'\"/>", &["stanza <a x='>' y=\"/>'\"/>"]);
        check("<a x='</a>'>\"'></a>", &["stanza <a x='</a>'>\"'></a>"]);
        check("<a x=/ ></a><b x='/'></b>", &["stanza <a x=/ ></a>", "stanza <b x='/'></b>"]);
        check("<a><a><a/></a></a>", &["stanza <a><a><a/></a></a>"]);
        check("<a><b></a></b><c/>", &["stanza <a><b></a></b>", "stanza <c/>"]);
    }

    #[test]
    fn markup_inside_a_stanza_does_not_confuse_it() {
        check("<a><!-- > </a> ' -- -></a>--></a>", &["stanza <a><!-- > </a> ' -- -></a>--></a>"]);
        check("<a><!--></a>--></a>", &["stanza <a><!--></a>--></a>"]);
        check("<a><!--a---></a>", &["stanza <a><!--a---></a>"]);
        check("<a><![CDATA[</a>]]&]]]></a>", &["stanza <a><![CDATA[</a>]]&]]]></a>"]);
        check("<a><![CDATA[]]></a>", &["stanza <a><![CDATA[]]></a>"]);
        check("<a><?p </a> ' > ??></a>", &["stanza <a><?p </a> ' > ??></a>"]);
        check("<a><!D [<!E '</a>'>] ></a>", &["stanza <a><!D [<!E '</a>'>] ></a>"]);
        check("<a><!D [<!--'>--><?'>?>]></a>", &["stanza <a><!D [<!--'>--><?'>?>]></a>"]);
        check("<a><![CDA[ x><![C></a>", &["stanza <a><![CDA[ x><![C></a>"]);
        check("<a><!></a><b/>", &["stanza <a><!></a>", "stanza <b/>"]);
    }

    #[test]
    fn whatever_stands_between_stanzas_is_dropped() {
        check(" \t\r\n <a/>   ", &["stanza <a/>"]);
        check("text & <a/>text]]>", &["stanza <a/>"]);
        check("<!-- <b/> --><a/><!-- ", &["stanza <a/>"]);
        check("<?xml version='1.0'?><a/>", &["stanza <a/>"]);
        check("<![CDATA[<b/>]]><a/>", &["stanza <a/>"]);
        check("<!DOCTYPE x [<!ENTITY y '<b/>'>]><a/>", &["stanza <a/>"]);
        let long = " x".repeat(100);
        check(&format!("{long}<!--{long}--><?{long}?><!D [<!E '{long}'><e{long}>{long}]><a/>"), &["stanza <a/>"]);
        let declaration = format!("<s><!D [{long}<");
        let (frames, error) = run(SMALL, [declaration.as_bytes(), b"e>]><a/>"]);
        assert_eq!((frames[1..].join(","), error), ("stanza <a/>".to_owned(), None));
    }

    #[test]
    fn limits_exactly_at_the_boundary() {
        let stanza = |len: usize| format!("<a>{}</a>", "x".repeat(len - 7));
        check(&stanza(40), &[&format!("stanza {}", stanza(40))]);
        check(&format!("{}<b/>", stanza(41)), &["long <a>", "stanza <b/>"]);
        let empty = |len: usize| format!("<a x='{}'/>", "x".repeat(len - 9));
        check(&empty(40), &[&format!("stanza {}", empty(40))]);
        check(&format!("{}<b/>", empty(41)), &["long ", "stanza <b/>"]);
        check("<a><b><c></c></b></a>", &["stanza <a><b><c></c></b></a>"]);
        check("<a><b><c/></b></a>", &["stanza <a><b><c/></b></a>"]);
        check("<a><b><c><d/></c></b></a><e/>", &["deep <a>", "stanza <e/>"]);
        check("<a><b><c><d></d></c></b></a><e/>", &["deep <a>", "stanza <e/>"]);
    }

    #[test]
    fn the_head_of_a_skipped_stanza_is_kept_up_to_its_limit() {
        let deep = "<b><c><d><e/></d></c></b>";
        check(&format!("<a x='34567890123'>{deep}</a>"), &["deep <a x='34567890123'>"]);
        check(&format!("<a x='345678901234'>{deep}</a>"), &["deep <a x='345678901234'>"]);
        check(&format!("<a x='3456789012345'>{deep}</a>"), &["deep "]);
        let long = "x".repeat(50);
        check(&format!("<a x='>'>{long}</a><b/>"), &["long <a x='>'>", "stanza <b/>"]);
        check(&format!("<a x='{long}'>t</a><b/>"), &["long ", "stanza <b/>"]);
        check(&format!("<b/><a x='{long}'>t</a>"), &["stanza <b/>", "long "]);
        let no_longer_than_a_stanza = FrameLimits { head_bytes: 100, ..SMALL };
        let (frames, _) = both_ways(no_longer_than_a_stanza, format!("<s><a x='{long}'>t</a>").as_bytes());
        assert_eq!(frames[1..], ["long "]);
        check(&format!("<a><b>{long}<c><d/></c></b></a>"), &["long <a>"]);
        check(&format!("<a><b><c><d/></c>{long}</b></a>"), &["deep <a>"]);
        check(&format!("<a>{long}</a><b>{long}</b>"), &["long <a>", "long <b>"]);
        check(&format!("<a><!--{long}</a>--><![CDATA[</a>]]><?</a>?></a><b/>"), &["long <a>", "stanza <b/>"]);
    }

    #[test]
    fn opening_and_closing() {
        let (frames, error) = both_ways(FrameLimits::default(), format!(" {HEADER} </stream:stream\n><a/>").as_bytes());
        assert_eq!((frames.len(), error), (2, None));
        assert_eq!(frames[0], "open <stream:stream xmlns='jabber:component:accept' id='1>2'>");
        assert_eq!(frames[1], "close ");
        check("<a/></s:s>garbage</s:s>", &["stanza <a/>", "close "]);
        let doctype = "<!-- <x> --><!DOCTYPE x [<!ENTITY y '<x>'>]><s>";
        assert_eq!(both_ways(SMALL, doctype.as_bytes()), (vec!["open <s>".to_owned()], None));
        assert_eq!(both_ways(SMALL, b""), (vec![], None));
    }

    #[test]
    fn what_cannot_be_framed_is_an_error_with_its_place() {
        check_error(" HTTP/1.1 400", 0, "text before the stream header at byte 1: not an xmpp stream");
        check_error(" </s>", 0, "end tag at byte 1 closes no open element");
        check_error("<s> <a/></a><b/>", 2, "end tag at byte 8 closes no open element");
        check_error("<s><a <b>", 1, "'<' inside a tag at byte 6");
        check_error("<s><a></a<b/>", 1, "'<' inside a tag at byte 9");
        check_error("<s <b>", 0, "'<' inside a tag at byte 3");
        check_error(" <s/>", 0, "stream header at byte 1 closes the stream at once");
        let long = "x".repeat(40);
        check_error(&format!("  <{long}>"), 0, "tag of the stream itself at byte 2 is longer than 40 bytes");
        check_error(&format!("<s></s{long}>"), 1, "tag of the stream itself at byte 3 is longer than 40 bytes");
    }

    #[test]
    fn five_thousand_nested_elements_do_not_end_the_stream() {
        for levels in [33, 5_000, 100_000] {
            let stream = format!("{HEADER}<m from='a'>{}{}</m><b/>", "<x>".repeat(levels), "</x>".repeat(levels));
            let (frames, error) = both_ways(FrameLimits::default(), stream.as_bytes());
            assert_eq!(error, None);
            assert_eq!(frames[1..], ["deep <m from='a'>", "stanza <b/>"]);
        }
    }

    #[test]
    fn a_long_stanza_is_let_through_by_its_start_tag() {
        let long = |name: &str, len: usize| format!("<{name}>{}</{name}>", "x".repeat(len - 7));
        let stream = [long("a", 60), long("b", 60), long("a", 80), long("a", 81), long("a", 40)].concat();
        for size in [1, 7, 1_000] {
            let mut framer = Framer::new(SMALL);
            framer.push(b"<s>");
            let mut frames = Vec::new();
            for chunk in stream.as_bytes().chunks(size) {
                framer.push(chunk);
                let longest = |head: &[u8]| if head == b"<a>" { 80 } else { 0 };
                while let Ok(Some(frame)) = framer.next_frame_within(longest) {
                    frames.push(show(frame));
                }
                assert!(framer.buffer.len() <= 80.max(size), "kept {} bytes", framer.buffer.len());
            }
            let stanza = |len| format!("stanza {}", long("a", len));
            assert_eq!(frames[1..], [stanza(60), "long <b>".to_owned(), stanza(80), "long <a>".to_owned(), stanza(40)]);
        }
    }

    #[test]
    fn a_long_stanza_leaves_no_memory_behind() {
        let limits = FrameLimits { bytes: 1_024, ..SMALL };
        let mut framer = Framer::new(limits);
        framer.push(format!("<s><a>{}</a>", "x".repeat(1 << 20)).as_bytes());
        while let Ok(Some(_)) = framer.next_frame_within(|_| 4 << 20) {}
        assert!(framer.buffer.capacity() <= 4 * limits.bytes, "{} bytes", framer.buffer.capacity());
    }

    #[test]
    fn large_and_many_attributes() {
        for len in [9_000, 60_000] {
            let stanza = format!("<m x='{}'/>", "<>".repeat(len / 2));
            let (frames, error) = both_ways(FrameLimits::default(), format!("{HEADER}{stanza}<b/>").as_bytes());
            assert_eq!(error, None);
            assert_eq!(frames[1..], [format!("stanza {stanza}"), "stanza <b/>".to_owned()]);
        }
        let many: String = (0..100_000).map(|n| format!(" a{n}=''")).collect();
        let (frames, _) = both_ways(FrameLimits::default(), format!("{HEADER}<m{many}/><b/>").as_bytes());
        assert_eq!(frames[1..], ["long ", "stanza <b/>"]);
    }

    #[test]
    fn memory_stays_bounded() {
        const PUSH: usize = 64 * 1024;
        let limits = FrameLimits::default();
        let bound = 2 * (limits.bytes + PUSH); // a Vec grows by doubling
        for filler in [&b"x"[..], b"<x>", b"<x/>", b"<!--", b"<x a='"] {
            for before in [&b"<m>"[..], b"<m", b"", b"<!--", b"<m><![CDATA["] {
                let mut framer = Framer::new(limits);
                framer.push(HEADER.as_bytes());
                framer.push(before);
                let chunk = filler.repeat(PUSH / filler.len());
                for _ in 0..(50 << 20) / PUSH / 16 {
                    framer.push(&chunk);
                    while let Ok(Some(_)) = framer.next_frame() {}
                    assert!(framer.buffer.capacity() <= bound, "{} bytes", framer.buffer.capacity());
                }
                assert!(framer.head.capacity() <= 2 * limits.head_bytes);
            }
        }
        let mut framer = Framer::new(limits);
        framer.push(format!("{HEADER}<m>").as_bytes());
        while let Ok(Some(_)) = framer.next_frame() {}
        for _ in 0..(50 << 20) / PUSH {
            framer.push(&vec![b'x'; PUSH]);
            assert_eq!(framer.next_frame(), Ok(None));
            assert!(framer.buffer.capacity() <= bound);
        }
        framer.push(b"</m><a/>");
        assert_eq!(framer.next_frame().map(|frame| frame.map(show)), Ok(Some("long <m>".to_owned())));
        assert_eq!(framer.next_frame().map(|frame| frame.map(show)), Ok(Some("stanza <a/>".to_owned())));
    }

    #[test]
    fn taking_one_frame_a_push_loses_nothing_and_keeps_little() {
        let mut framer = Framer::new(SMALL);
        framer.push(b"<s>");
        let mut taken = 0;
        for _ in 0..1_000 {
            framer.push(b"<a/>");
            taken += usize::from(matches!(framer.next_frame(), Ok(Some(_))));
        }
        assert_eq!(taken, 1_000);
        assert!(framer.buffer.len() < 16);
    }

    const PIECES: [&str; 38] = [
        "<",
        ">",
        "/",
        "'",
        "\"",
        "!",
        "-",
        "--",
        "[",
        "]",
        "]]",
        "?",
        "a",
        "=",
        "&",
        " ",
        "й",
        "<a>",
        "<b/>",
        "</a>",
        "</s>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?",
        "?>",
        "<!DOCTYPE ",
        "<m x='1'>",
        "</m>",
        "<i x=\"'>\"/>",
        "<x><x><x>",
        "<x><x><x><x>",
        "</x></x></x>",
        "</x></x></x></x>",
        "0123456789",
        "01234567890123456789",
        "0123456789012345678901234567890123456789",
    ];

    proptest! {
        #[test]
        fn any_split_gives_the_same_frames(
            pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40),
            cuts in prop::collection::vec(1_usize..20, 1..60),
            header in prop::sample::select(vec!["<s>", "<?xml?><s a='>'>", ""]),
        ) {
            let stream = format!("{header}{}", pieces.concat());
            let whole = both_ways(SMALL, stream.as_bytes());
            let mut rest = stream.as_bytes();
            let mut chunks = Vec::new();
            for cut in cuts.into_iter().cycle() {
                let (chunk, after) = rest.split_at(cut.min(rest.len()));
                chunks.push(chunk);
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            let split = run(SMALL, chunks);
            prop_assert_eq!(whole.0, split.0);
            prop_assert_eq!(whole.1.is_some(), split.1.is_some());
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            both_ways(SMALL, &[b"<s>", &bytes[..]].concat());
        }
    }
}
