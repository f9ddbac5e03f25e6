//! The bounds of what is read from contest systems.

/// The longest length of time that is believed, in hours.
pub const LONGEST_H: i64 = 10_000;

/// The most stretches of removed time that one contest may have.
pub const REMOVED_INTERVALS: usize = 1_000;

/// How long two looks that agree are apart before a moved start counts, in ms.
pub const SETTLE_MS: i64 = 2_000;
