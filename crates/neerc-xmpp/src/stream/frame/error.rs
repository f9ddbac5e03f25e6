//! Why a stream cannot be cut any further.

use std::fmt;

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
    /// The stream header, or an end tag between stanzas, longer than [`FrameLimits::bytes`](super::FrameLimits::bytes).
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
