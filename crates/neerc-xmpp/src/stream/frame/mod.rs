//! Cuts the byte stream of an XEP-0114 component connection into stanzas: a resumable scanner over one buffer, no IO.
//!
//! It knows where an element ends and nothing more: names, references, encoding and what XMPP forbids inside a stanza
//! are for `xml/` to refuse. A stanza over a limit is scanned to its end without being stored, so that one oversized
//! stanza costs an error reply and not the connection. Every byte is looked at a constant number of times.

mod error;
mod scan;

pub use self::error::FrameError;
use crate::limits;

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
        Self { bytes: limits::STANZA_BYTES, depth: limits::STANZA_DEPTH, head_bytes: limits::HEAD_BYTES }
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

#[cfg(test)]
mod tests;
