//! What is logged of changes.

use neerc_core::change::{Change, Entry};

/// One line for each change; what people wrote is not in it.
pub fn change(entry: &Entry) {
    let Entry { revision, room, by, change, .. } = entry;
    let what = match change {
        Change::Created { .. } => "created",
        Change::Edited { .. } => "edited",
        Change::Answered { .. } => "answered",
        Change::Removed { .. } => "removed",
        Change::Planned(_) => "planned",
        Change::Unplanned { .. } => "unplanned",
        Change::Replanned { .. } => "replanned",
        Change::Lapsed { .. } => "plan lapsed",
        Change::Deadlined { .. } => "deadlined",
        Change::Begun { .. } => "begun",
        Change::Stopped { .. } => "stopped",
        Change::Clocked(_) => "clocked",
        Change::Restored { .. } => "restored",
        Change::Reminded { .. } => "reminded",
        Change::Watched { .. } => "watched",
        Change::Linked { .. } => "linked",
        Change::Door(_) => "door",
        Change::Rehearsed(_) | Change::RehearsalEnded { .. } => "rehearsal",
    };
    tracing::debug!(revision, room = &**room, by = by.bare(), task = change.task().map(|task| task.0), what);
}
