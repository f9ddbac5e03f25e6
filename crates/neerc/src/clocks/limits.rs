//! The bounds of what is read from contest systems.

/// The longest length of time that is believed, in hours.
pub const LONGEST_H: i64 = 10_000;

/// The largest offset from UTC that is believed, in s.
pub const FARTHEST_S: i64 = 18 * 3_600;

/// The most stretches of removed time that one contest may have.
pub const REMOVED_INTERVALS: usize = 1_000;

/// How long two looks that agree are apart before a moved start counts, in ms.
pub const SETTLE_MS: i64 = 2_000;

/// How often a clock that ticks is asked for, in ms.
pub const POLL_MS: u64 = 5_000;

/// How often one that stands is asked for, in ms.
pub const POLL_STANDING_MS: u64 = 10_000;

/// How soon one is asked for again that has moved, in ms.
pub const DOUBT_MS: u64 = 2_000;

/// The first pause after a failure, in ms; it doubles from there.
pub const RETRY_FIRST_MS: u64 = 1_000;

/// The longest of these pauses, in ms.
pub const RETRY_LONGEST_MS: u64 = 60_000;

/// The longest pause that a server may ask for, in ms.
pub const RETRY_AFTER_LONGEST_MS: u64 = 600_000;

/// Of how many answers the server's offset is taken.
pub const OFFSETS: usize = 3;

/// How long the last reading of a feed is believed after a start, in ms: a week.
pub const KEPT_MS: i64 = 7 * 24 * 60 * 60_000;
