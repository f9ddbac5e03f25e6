//! What comes in from outside of XMPP: so far the contest clock.

pub mod clock_file;
