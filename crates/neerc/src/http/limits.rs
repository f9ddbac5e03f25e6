//! The bounds of what other systems are asked over HTTP, and of what they answer.

/// How long opening a connection to another system may take, in ms.
pub const CONNECT_MS: u64 = 5_000;

/// How long a whole request to it may take, in ms.
pub const WHOLE_MS: u64 = 10_000;

/// The largest head of an answer, in bytes.
pub const HEADER_BYTES: usize = 32 * 1024;

/// The largest document, in bytes.
pub const BODY_BYTES: u64 = 256 * 1024;
