//! What the fuzz targets check, as plain functions that panic when a promise is broken. Here so that the stable
//! compiler can run them too: `tests/corpus.rs` of each crate includes what checks that crate, and feeds it the corpora.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a finding is reported

pub mod config;
pub mod record;
pub mod xmpp;
