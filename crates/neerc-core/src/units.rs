//! Lengths of time in ms, for whatever counts in them. Not how long anything may take: that is limits.rs.

/// A minute, in ms.
pub const MINUTE_MS: i64 = 60_000;
/// A day, in ms.
pub const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
