//! Where the contest clock is read from.

pub mod file;
