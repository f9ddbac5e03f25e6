//! What the fuzz targets check, as plain functions that panic when a promise is broken. Here so that the stable
//! compiler can run them too: `crates/neerc-xmpp/tests/corpus.rs` includes this file and feeds it the corpora.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a finding is reported

pub mod bench;
pub mod frame;
pub mod front;
pub mod full;
pub mod muc;
pub mod naive;
pub mod stanza;
pub mod wire;

/// Checks one input.
pub type Check = fn(&[u8]);

/// Every target with its name, which is also that of its corpus.
pub const TARGETS: [(&str, Check); 5] = [
    ("frame", frame::check),
    ("stanza", stanza::check),
    ("wire", wire::check),
    ("front", front::check),
    ("muc", muc::check),
];
