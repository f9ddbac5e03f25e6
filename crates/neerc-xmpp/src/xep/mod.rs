//! Extensions of XMPP that stand by themselves, a file for each or for a few that go together.

pub mod entity;
pub mod form;
pub mod receipt;
