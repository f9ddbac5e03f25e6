//! Where the contest clock is read from.

pub mod clics;
pub mod file;
mod limits;
pub mod time;
