//! What the fuzz targets check, as plain functions that panic when a promise is broken. Here so that the stable
//! compiler can run them too: `crates/neerc-xmpp/tests/corpus.rs` includes this file and feeds it the corpora. What lies in
//! `program/` checks the binary crate, which nothing can depend on, and is included by its own tests instead.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a finding is reported

pub mod bench;
pub mod frame;
pub mod front;
pub mod full;
pub mod line;
pub mod muc;
pub mod naive;
pub mod stanza;
pub mod wire;
