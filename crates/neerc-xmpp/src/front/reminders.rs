//! What people are told of tasks that are not finished: whoever has not finished one is reminded of it, because an admin asks
//! for it or its deadline has passed, and the admins are told who is late at last. Said to those who are spoken to by chat at
//! that moment; whoever comes later hears of it when they come. Not when that is due: that is core's planner.

use super::Front;
use neerc_core::notice::Reminder;
use neerc_core::people::Person;
use neerc_core::task::TaskId;
use neerc_core::world::World;
use std::collections::BTreeSet;

/// What is to be said now: of which task of which room, and to whom.
pub(super) type Reminders = BTreeSet<(usize, TaskId, Reminder)>;

impl Front {
    /// Somebody is to be told that a task is not finished.
    pub(super) fn remind(&mut self, room: usize, task: TaskId, reminder: Reminder) {
        // Without a connection nobody is there; whoever comes is told.
        if self.stream.is_online() {
            self.reminders.insert((room, task, reminder));
        }
    }

    /// Says what reminders there are to those who are there.
    pub(super) fn say_reminders(&mut self, world: World<'_>) {
        for (room, task, reminder) in std::mem::take(&mut self.reminders) {
            for person in self.reminded(room, task, reminder, world) {
                let sessions = self.contacts.speaking(room, &person);
                if sessions.is_empty() {
                    continue;
                }
                let said = self.answers_for(room, &person, world, |lines| match reminder {
                    Reminder::ToTheLate => lines.reminder_of(task),
                    Reminder::Overdue => lines.overdue(task),
                    Reminder::ToAdmins => lines.still_late(task).into_iter().collect(),
                });
                let mut out = std::mem::take(self.wire.out.own());
                self.say(room, &person, &sessions, &said.unwrap_or_default(), &mut out);
                *self.wire.out.own() = out;
            }
        }
    }

    /// Who may have to hear a reminder; whether they do is found out when it is said.
    fn reminded(&self, room: usize, task: TaskId, reminder: Reminder, world: World<'_>) -> Vec<Person> {
        let watch = self.halls[room].watch();
        match reminder {
            Reminder::ToTheLate | Reminder::Overdue => {
                let task = world.board(&watch.room).task(task);
                task.map(|task| task.statuses.keys().cloned().collect()).unwrap_or_default()
            }
            Reminder::ToAdmins => watch.people().admins(),
        }
    }
}
