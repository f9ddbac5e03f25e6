//! What can be done wrong on purpose, so that it is known that the model notices.

/// One thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakage {
    /// What is said once is taken at its word.
    NothingSettles,
    /// The planner is told a clock that is two minutes ahead.
    PlannedEarly,
    /// A task is asked for again although it was handed out.
    HandedOutAgain,
    /// What was set by hand is forgotten by a process that dies.
    HandForgotten,
    /// Steady time stands while the machine is suspended.
    SleepUncounted,
    /// What feeds said last is forgotten by a process that dies.
    FeedsForgotten,
}

impl Breakage {
    /// All of them.
    pub const ALL: [Breakage; 6] = [
        Breakage::NothingSettles,
        Breakage::PlannedEarly,
        Breakage::HandedOutAgain,
        Breakage::HandForgotten,
        Breakage::SleepUncounted,
        Breakage::FeedsForgotten,
    ];
}
