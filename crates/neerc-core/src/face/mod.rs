//! What every face of the service is drawn from, whatever it speaks: the commands there are, how a line of text is read,
//! and how words are asked for. Nothing outside of this folder imports from it within the crate.

pub mod line;
pub mod menu;
pub mod words;
