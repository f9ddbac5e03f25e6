//! Copies of a store: what they may replace, which moment they are of, and the outcomes of making and restoring them.

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
    /// How many of them are not in it, but in archives.
    pub archived: u64,
    /// How many changes it comes to.
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

/// A moment of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A time, in ms since 1970: with every change that is said to have happened by then, and those before them.
    At(i64),
    /// After the change of that revision.
    Revision(u64),
}

/// A change of a log, by its place and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPoint {
    /// Its revision.
    pub revision: u64,
    /// When it happened, in ms since 1970.
    pub at_ms: i64,
}

/// The outcome of a [`crate::restore_moment`].
#[derive(Debug, PartialEq, Eq)]
pub struct Recalled {
    /// The restored store.
    pub now: Copied,
    /// Where the previous store was moved, if one was in its place.
    pub kept: Option<PathBuf>,
    /// The last change that is in it; `None` if there is none.
    pub taken: Option<LogPoint>,
    /// The first that is not in it any more.
    pub left_out: Option<LogPoint>,
    /// How many are not.
    pub left_out_count: u64,
}
