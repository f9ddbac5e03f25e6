//! What the tests of several crates share. For tests only: nothing that is shipped depends on it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a test fails

pub mod bench;
pub mod lists;
pub mod play;
pub mod postgres;
pub mod random;
pub mod rights;
pub mod trust;
