//! Copies of a store: what they may replace, and the outcomes of making and restoring them.

use std::path::PathBuf;

/// What happens to a file that already exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is kept, and nothing is written.
    Keep,
    /// It is replaced.
    Replace,
}

/// A copy that was read back and is intact.
#[derive(Debug, PartialEq, Eq)]
pub struct Copied {
    /// Its path.
    pub file: PathBuf,
    /// How many changes it holds.
    pub revision: u64,
    /// How many live tasks it holds.
    pub tasks: usize,
}

/// The outcome of a [`crate::restore`].
#[derive(Debug, PartialEq, Eq)]
pub struct Restored {
    /// The restored store.
    pub now: Copied,
    /// Where the previous store was moved, if there was one.
    pub kept: Option<PathBuf>,
}
