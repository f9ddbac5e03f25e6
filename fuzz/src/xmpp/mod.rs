//! What is checked of the XMPP side.

pub mod bench;
pub mod frame;
pub mod front;
pub mod full;
pub mod line;
pub mod muc;
pub mod naive;
pub mod stanza;
pub mod wire;
