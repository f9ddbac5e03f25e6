//! What can be done wrong on purpose, so that it is known that the model notices.

use neerc_core::board::Board;
use neerc_core::change::Change;
use neerc_core::clock::Speed;
use neerc_core::clock::hand::SetClock;
use neerc_core::plan::Plan;

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
    /// How fast the time of a rehearsal passes is forgotten by a process that dies.
    SpeedForgotten,
    /// Something planned is left of a rehearsal.
    PlanLeft,
    /// How often people were reminded is forgotten by a process that dies.
    RoundsForgotten,
    /// That nobody is asked any more about something is forgotten by a process that dies.
    LapseForgotten,
    /// What is planned for another moment comes at the old one after a process has died.
    OldMoment,
}

impl Breakage {
    /// All of them.
    pub const ALL: [Breakage; 11] = [
        Breakage::NothingSettles,
        Breakage::PlannedEarly,
        Breakage::HandedOutAgain,
        Breakage::HandForgotten,
        Breakage::SleepUncounted,
        Breakage::FeedsForgotten,
        Breakage::SpeedForgotten,
        Breakage::PlanLeft,
        Breakage::RoundsForgotten,
        Breakage::LapseForgotten,
        Breakage::OldMoment,
    ];

    /// Applies a change from the disk as a process does that starts.
    pub fn apply(self, board: &mut Board, revision: u64, change: &Change) {
        let slow = |set: &SetClock| SetClock { speed: Speed::REAL, ..set.clone() };
        let left = board.plan().entries().next().cloned();
        match (self, change) {
            (Breakage::HandForgotten, Change::Clocked(_))
            | (Breakage::RoundsForgotten, Change::Reminded { .. })
            | (Breakage::LapseForgotten, Change::Lapsed { .. })
            | (Breakage::OldMoment, Change::Replanned { .. }) => {}
            (Breakage::SpeedForgotten, Change::Rehearsed(set)) => board.apply(revision, &Change::Rehearsed(slow(set))),
            (Breakage::PlanLeft, Change::RehearsalEnded { .. }) => {
                board.apply(revision, change);
                let plan = Plan::restore(left, board.plan().next());
                *board = std::mem::take(board).with_plan(plan);
            }
            _ => board.apply(revision, change),
        }
    }
}
