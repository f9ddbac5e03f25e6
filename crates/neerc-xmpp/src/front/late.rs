//! What is told to those who may have heard nothing, or may be handed something old: who was in the room before the service,
//! and who has just asked for the first time. Not the news.

use super::{Front, FrontEvent, scene};
use crate::limits;
use crate::notify::{Crowd, Owed, Why};
use neerc_core::task::{Task, TaskId};
use neerc_core::view::{Sight, View};
use neerc_core::world::World;

impl Front {
    /// Looks once more at sessions that asked for the first time some seconds ago.
    pub(super) fn look_again(&mut self, now_ms: i64) {
        while let Some((slot, owed)) = self.outbox.take_second_look(now_ms) {
            match owed {
                Owed::Tasks(tasks) => self.outbox.tell_late(now_ms, slot, Why::MayBeHandedOldStates, tasks),
                Owed::Everything(tasks) => {
                    self.outbox.tell_late(now_ms, slot, Why::MayBeHandedOldStates, tasks);
                    self.outbox.tell_all(now_ms, slot);
                }
            }
        }
    }

    /// Lets a little of what is told late be due.
    pub(super) fn go_on_late(&mut self, now_ms: i64, world: World<'_>) {
        for _ in 0..limits::LATE_LISTS {
            let Some((slot, why, session)) = self.outbox.take_late(now_ms) else { break };
            let scene = scene(self.halls[session.room].watch(), world, self.settings.visibility);
            let tasks = View::of(scene, &session.person).map(|view| all(&view, why));
            self.outbox.tell_late(now_ms, slot, why, tasks.unwrap_or_default());
        }
        let packets = if self.settings.wiki_packet { 2 } else { 1 };
        self.outbox.go_on_late(now_ms, |room, task| {
            let board = self.halls.get(room).map(|hall| world.board(&hall.watch().room));
            let people = board.and_then(|board| board.task(task)).map_or(0, |task| task.statuses.len());
            (limits::NOTIFICATION_BYTES + people * limits::STATUS_BYTES) * packets
        });
    }

    /// Says where there are more sessions than may be told.
    pub(super) fn note_crowds(&mut self) {
        let of_contacts = self.contacts.take_crowded().into_iter().map(|(room, person)| Crowd::Account(room, person));
        for crowd in self.outbox.take_crowds().into_iter().chain(of_contacts.collect::<Vec<_>>()) {
            if self.crowds.len() >= limits::CROWDS || !self.crowds.insert(crowd.clone()) {
                continue; // said already
            }
            let (Crowd::Account(room, _) | Crowd::Room(room)) = &crowd;
            let Some(room) = self.halls.get(*room).map(|hall| hall.watch().room.clone()) else { continue };
            let trouble = match crowd {
                Crowd::Account(_, person) => format!(
                    "{} has more than {} sessions in room {room}, so those are told nothing more of which nothing was heard \
                     for longest; if that is no attack, end sessions that nobody uses",
                    person.bare(),
                    limits::SESSIONS_PER_ACCOUNT
                ),
                Crowd::Room(_) => format!(
                    "room {room} has {} sessions, and whoever comes now is told nothing; find out whose they are, and take \
                     those accounts out of the room's lists",
                    limits::SESSIONS_PER_ROOM
                ),
            };
            self.events.push_back(FrontEvent::Trouble(trouble));
        }
    }
}

/// All tasks that somebody may see, or may have seen before: their own before the others, and the newest first.
fn all(view: &View<'_>, why: Why) -> Vec<TaskId> {
    let is_told = |task: &&Task| why != Why::Untold || view.sight(task) != Sight::Nothing;
    let mut tasks: Vec<_> = view.scene().board.tasks().filter(is_told).collect();
    tasks.sort_by_key(|task| (!task.statuses.contains_key(view.who()), std::cmp::Reverse(task.timestamp_ms)));
    tasks.into_iter().map(|task| task.id).collect()
}
