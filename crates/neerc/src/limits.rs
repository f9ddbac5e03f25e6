//! Every bound that only the program itself knows: of the configuration, the command line, the link and what watches the
//! service. Those of the tasks are the core's, those of a crate stand in its own `limits.rs`.

use std::ops::RangeInclusive;

// The configuration

/// Least and most milliseconds between two updates of one task to one session.
pub const SPACING_MS: RangeInclusive<i64> = 0..=10_000;
/// Least and most requests each second of one session; 0 is without limit.
pub const PER_SECOND: RangeInclusive<i64> = 0..=100_000;
/// Least and most requests of one session at once.
pub const BURST: RangeInclusive<i64> = 1..=100_000;
/// Least and most KiB of answers each second to one account; 0 is without limit.
pub const ANSWERS_KIB: RangeInclusive<i64> = 0..=1_000_000;
/// Least and most MiB that one person's changes may take in a day; 0 is without limit.
pub const STORED_MIB: RangeInclusive<i64> = 0..=1_000_000;
/// Least and most bytes of an outgoing stanza. Prosody closes the stream above 512 KiB.
pub const STANZA_BYTES: RangeInclusive<i64> = 16_384..=524_288;
/// Least and most seconds between two readings of the directory.
pub const DIRECTORY_POLL_S: RangeInclusive<i64> = 1..=86_400;
/// Longest domain, in bytes (the limit of DNS).
pub const DOMAIN_BYTES: usize = 255;
/// Longest nickname, group name, room name, member or JID of the configuration, in bytes.
pub const NAME_BYTES: usize = 255;
