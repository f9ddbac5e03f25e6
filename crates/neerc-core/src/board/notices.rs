//! Who hears of what has changed in a task.

use super::Board;
use crate::change::Change;
use crate::notice::{Lost, Notice, Reminder};
use crate::task::TaskId;

impl Board {
    /// Who must hear of a change that is about to be applied, task by task.
    pub fn notices(&self, change: &Change) -> Vec<Notice> {
        match change {
            Change::RehearsalEnded { tasks } => {
                let gone = |task: &TaskId| Notice { task: *task, lost: self.losing(*task), reminder: None };
                tasks.iter().map(gone).collect()
            }
            _ => self.notice(change).into_iter().collect(),
        }
    }

    /// Whoever has a task that is to be no more.
    fn losing(&self, task: TaskId) -> Lost {
        self.task(task).map_or(Lost::Unknown, |task| Lost::These(task.statuses.keys().cloned().collect()))
    }

    /// Who must hear of a change of one task; `None` if nobody needs to.
    fn notice(&self, change: &Change) -> Option<Notice> {
        let task = change.task()?;
        let mut reminder = None;
        let lost = match change {
            Change::Edited { unassigned, .. } => Lost::These(unassigned.clone()),
            Change::Removed { .. } => self.losing(task),
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
            | Change::Replanned { .. }
            | Change::Lapsed { .. }
            | Change::Begun { .. }
            | Change::Stopped { .. }
            | Change::Clocked(_)
            | Change::Rehearsed(_)
            | Change::RehearsalEnded { .. }
            | Change::Watched { .. }
            | Change::Linked { .. }
            | Change::Door(_) => Lost::These(Vec::new()),
        };
        Some(Notice { task, lost, reminder })
    }
}
