//! How it is said: the NEERC protocol and the XMPP around it. Pure: bytes and the time go in, bytes and requests come
//! out; no sockets, no clock, no threads. What may be done is decided in `neerc-core`; when it is done, in `neerc`.
//!
//! Everything meets in one value, [`front::Front`]. Two of them wired to each other in memory, or one and a script, are
//! the test bench.

pub(crate) mod adhoc;
pub(crate) mod chat;
pub mod front;
pub mod limits;
pub mod neerc;
pub(crate) mod notify;
pub mod ns;
pub mod room;
pub mod server;
pub mod stanza;
pub mod stream;
pub mod throttle;
pub(crate) mod xep;
pub mod xml;
