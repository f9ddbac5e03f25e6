//! What admins are told of how changes are kept: one copy only, changes that may be missing. Not when they are told.

use super::lines::Lines;
use super::words::Arg;
use crate::keeping::{CopyLack, LostChanges, OneCopy};

impl Lines<'_> {
    /// There is one copy only.
    pub fn one_copy(&self, one: OneCopy) -> String {
        let key = match one.lack {
            CopyLack::Waits => "one-copy-waits",
            CopyLack::GoesOn => "one-copy",
        };
        self.say(key, &[("time", Arg::Text(&self.day_time(one.since_ms)))])
    }

    /// There are two again.
    pub fn two_copies(&self) -> String {
        self.say("two-copies", &[])
    }

    /// Changes may be missing.
    pub fn lost(&self, lost: LostChanges) -> String {
        let [first, last] = [lost.first, lost.last].map(|revision| revision.to_string());
        let args = [("time", self.day_time(lost.since_ms)), ("first", first), ("last", last)];
        self.say("changes-lost", &args.each_ref().map(|(name, value)| (*name, Arg::Text(value))))
    }
}
