//! What is said of deadlines: by when a task is to be answered, and who is late.

use super::lines::{Lines, short};
use super::words::Arg;
use crate::people::Person;
use crate::task::TaskId;

impl Lines<'_> {
    /// By when a task is to be answered, for whoever has said so.
    pub(super) fn deadlined(&self, task: TaskId) -> String {
        let number = task.to_string();
        match self.scene.board.deadline(task) {
            Some(deadline) => {
                let when = self.due(deadline.due);
                self.say("said-deadline", &[("task", Arg::Text(&number)), ("when", Arg::Text(&when))])
            }
            None => self.say("said-no-deadline", &[("task", Arg::Text(&number))]),
        }
    }

    /// What whoever is late with a task is told once its deadline has passed; nothing if they are not late any more.
    pub fn overdue(&self, task: TaskId) -> Vec<String> {
        let Some(deadline) = self.scene.board.deadline(task) else { return Vec::new() };
        self.reminder_with(task, || self.say("reminder-overdue", &[("when", Arg::Text(&self.due(deadline.due)))]))
    }

    /// What an admin is told of when they come: the tasks of which all reminding has not helped.
    pub(super) fn overdue_tasks(&self) -> Vec<String> {
        if !self.view().is_ok_and(|view| view.is_admin()) {
            return Vec::new();
        }
        let board = self.scene.board;
        let tasks = board.deadlines().filter(|(_, deadline)| deadline.is_escalated()).map(|(task, _)| task);
        let lines: Vec<String> = tasks.filter_map(|task| self.still_late(task)).collect();
        self.cut(lines)
    }

    /// What the admins are told of a task whose deadline has passed; nothing if nobody is late any more.
    pub fn still_late(&self, task: TaskId) -> Option<String> {
        let (task, deadline) = (self.scene.board.task(task)?, self.scene.board.deadline(task)?);
        let late: Vec<&Person> =
            task.statuses.iter().filter(|(_, status)| !status.progress.is_final()).map(|(person, _)| person).collect();
        if late.is_empty() {
            return None;
        }
        let (number, when, title) = (task.id.to_string(), self.due(deadline.due), short(task.title.as_str()));
        let people = self.called(&late);
        let args = [
            ("task", Arg::Text(&number)),
            ("title", Arg::Text(&title)),
            ("when", Arg::Text(&when)),
            ("people", Arg::Text(&people)),
        ];
        Some(self.say("task-still-late", &args))
    }
}
