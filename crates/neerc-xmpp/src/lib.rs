//! How it is said: the NEERC protocol and the XMPP around it. Pure: bytes and the time go in, bytes and requests come
//! out; no sockets, no clock, no threads. What may be done is decided in `neerc-core`; when it is done, in `neerc`.
//!
//! Everything meets in one value, [`front::Front`]. Two of them wired to each other in memory, or one and a script, are
//! the test bench.

pub mod address;
pub mod adhoc;
pub mod answers;
pub mod bot;
pub mod contacts;
pub mod entity;
pub mod form;
pub mod frame;
pub mod front;
pub mod groups;
pub mod liveness;
pub mod look;
pub mod names;
pub mod neerc;
pub mod outbox;
pub mod outgoing;
pub mod probe;
pub mod receipt;
pub mod room;
pub mod server;
pub mod slots;
pub mod stanza;
pub mod stream;
pub mod throttle;
pub mod wire;
pub mod xml;
