//! Ordinary chat messages: which are taken and how they are written, and whom the service speaks to by them.

pub mod bot;
pub mod contacts;
pub mod outsiders;
pub mod watchers;
