//! Where the contest clock is read from.

pub mod clics;
pub mod file;
pub mod http;
pub mod json;
mod limits;
pub mod poll;
pub mod time;
