//! The scanner's steps, one for each place in the markup where it may stand: each moves on as far as it can, and says if
//! that ends something. Not what becomes of that.

use super::{Cut, Excess, FrameError, Framer, Longest, Phase, State};
use memchr::{memchr, memchr2};

impl Framer {
    pub(super) fn scan_text(&mut self) -> Result<(), FrameError> {
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
    pub(super) fn scan_lt(&mut self) -> Result<(), FrameError> {
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

    pub(super) fn scan_tag(&mut self, mut slash: bool, longest: Longest<'_>) -> Result<Option<Cut>, FrameError> {
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
    pub(super) fn element_opened(&mut self) -> Result<Option<Cut>, FrameError> {
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
    pub(super) fn element_closed(&mut self, longest: Longest<'_>) -> Result<Option<Cut>, FrameError> {
        if self.phase == Phase::BeforeOpen {
            return Err(FrameError::EmptyStream { offset: self.offset(self.start) });
        }
        if self.depth == 0 {
            self.head_len = self.pos - self.start;
            return Ok(Some(self.stanza_ended(longest)));
        }
        Ok(None)
    }

    pub(super) fn scan_end_tag(&mut self, longest: Longest<'_>) -> Result<Option<Cut>, FrameError> {
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

    /// Tells apart comment, CDATA section and declaration, byte by byte.
    pub(super) fn scan_bang(&mut self) {
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

    pub(super) fn scan_until(&mut self, mark: u8, need: u8, mut seen: u8) {
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

    pub(super) fn scan_declaration(&mut self) {
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
    pub(super) fn skip_past(&mut self, byte: u8) -> bool {
        let found = memchr(byte, &self.buffer[self.pos..]); // pos <= len
        self.pos = found.map_or(self.buffer.len(), |at| self.pos + at + 1);
        found.is_some()
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
