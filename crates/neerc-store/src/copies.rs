//! What is said of copies of a store: what they may replace, and what came of making them or putting them back.

use std::path::PathBuf;

/// What becomes of a file that exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written.
    Keep,
    /// It is replaced.
    Replace,
}

/// A copy that was read and found whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where it is.
    pub file: PathBuf,
    /// The changes in it.
    pub revision: u64,
    /// The live tasks in it.
    pub tasks: usize,
}

/// What became of a [`crate::restore`].
#[derive(Debug, PartialEq, Eq)]
pub struct Restored {
    /// The store as it is now.
    pub now: Copied,
    /// Where the store is that was in its place, if there was one.
    pub kept: Option<PathBuf>,
}
