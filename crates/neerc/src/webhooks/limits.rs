//! The bounds of webhooks.

use std::time::Duration;

/// Most webhooks: each has a thread of its own.
pub const WEBHOOKS: usize = 16;
/// The shortest and the longest key that signs, in bytes (Standard Webhooks).
pub const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Most keys that sign together, while one takes the place of another.
pub const KEYS: usize = 4;
/// How long opening a connection may take.
pub const CONNECT: Duration = Duration::from_secs(5);
/// How long a whole request may take.
pub const WHOLE: Duration = Duration::from_secs(15);
/// The largest head of an answer, in bytes.
pub const HEADER_BYTES: usize = 32 * 1024;
/// How much of the body of an answer is read, so that its connection can be used again.
pub const BODY_BYTES: u64 = 16 * 1024;
/// Most changes that are read from the log at a time.
pub const LOG_PART: usize = 100;
/// The pauses after failures, in ms; the last one is repeated.
pub const PAUSES_MS: [u64; 4] = [1_000, 5_000, 15_000, 60_000];
/// After so many failures the pauses are longer.
pub const FAILURES_PATIENT: u32 = 60;
/// How long they are then, in ms.
pub const PAUSE_PATIENT_MS: u64 = 300_000;
/// After how long the admins of the rooms are told that an endpoint takes nothing, in ms.
pub const TOLD_AFTER_MS: i64 = 60 * 60_000;
/// Least time between two looks at how endpoints are, in ms.
pub const LOOK_SPACING_MS: i64 = 1_000;
/// The longest pause that an endpoint may ask for, in s.
pub const RETRY_AFTER_S: u64 = 600;
/// Least time between two times that it is recorded how far an endpoint has heard.
pub const MARK_SPACING: Duration = Duration::from_secs(1);
/// How long a courier sleeps at most where nothing happens.
pub const QUIET: Duration = Duration::from_secs(3_600);
/// How much of the hash of a URL names its mark, in bytes.
pub const MARK_NAME_BYTES: usize = 16;
