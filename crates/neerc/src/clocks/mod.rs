//! Where the contest clock is read from.

pub mod file;
mod limits;
pub mod time;
