//! What ends whoever serves on another machine, once that one is silent. How it does so is the business of whoever stands by.

use std::fmt;

/// Whom to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceOrder {
    /// Who served last, in words.
    pub holder: String,
    /// The server of the database that is written to is on this machine, so it does not end with the other one.
    pub database_is_here: bool,
}

/// Does it, and says why it could not.
type End = dyn FnMut(&FenceOrder) -> Result<(), String> + Send;

/// What ends another process that serves. It blocks while it does.
pub struct Fence(Box<End>);

impl Fence {
    /// One that does it by `end`. That must say so only if no other process speaks for this store any more, on any machine.
    pub fn by(end: impl FnMut(&FenceOrder) -> Result<(), String> + Send + 'static) -> Fence {
        Fence(Box::new(end))
    }

    /// Ends it.
    pub(crate) fn end(&mut self, order: &FenceOrder) -> Result<(), String> {
        (self.0)(order)
    }
}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fence")
    }
}
