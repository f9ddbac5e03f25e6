//! What the fuzz targets check, as plain functions that panic when a promise is broken. Here so that the stable
//! compiler can run them too: the corpus tests of the program depend on this crate and feed it the corpora.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a finding is reported

pub mod checklists;
pub mod clock;
pub mod config;
pub mod record;
pub mod time;
pub mod xmpp;
