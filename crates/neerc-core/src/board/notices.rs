//! Who hears of what has changed in a task.

use super::Board;
use crate::change::Change;
use crate::notice::{Lost, Notice, Reminder};

impl Board {
    /// Who must hear of a change that is about to be applied; `None` if nobody needs to.
    pub fn notice(&self, change: &Change) -> Option<Notice> {
        let task = change.task()?;
        let mut reminder = None;
        let lost = match change {
            Change::Edited { unassigned, .. } => Lost::These(unassigned.clone()),
            Change::Removed { .. } => {
                self.task(task).map_or(Lost::Unknown, |task| Lost::These(task.statuses.keys().cloned().collect()))
            }
            Change::Deadlined { .. } => return None, // nobody sees it in a task
            Change::Reminded { round, .. } => {
                reminder = Some(Reminder::of(*round));
                Lost::These(Vec::new())
            }
            Change::Created { .. }
            | Change::Answered { .. }
            | Change::Restored { .. }
            | Change::Planned(_)
            | Change::Unplanned { .. }
            | Change::Begun { .. }
            | Change::Stopped { .. }
            | Change::Clocked(_)
            | Change::Watched { .. }
            | Change::Linked { .. }
            | Change::Door(_) => Lost::These(Vec::new()),
        };
        Some(Notice { task, lost, reminder })
    }
}
