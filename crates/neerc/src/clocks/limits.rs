//! The bounds of what is read from contest systems.

/// The longest length of time that is believed, in hours.
pub const LONGEST_H: i64 = 10_000;
