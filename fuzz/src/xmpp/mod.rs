//! What is checked of the XMPP side. Included by `crates/neerc-xmpp/tests/corpus.rs` as well, so nothing here may need
//! another crate than that test has.

pub mod bench;
pub mod frame;
pub mod front;
pub mod full;
pub mod line;
pub mod muc;
pub mod naive;
pub mod stanza;
pub mod wire;
