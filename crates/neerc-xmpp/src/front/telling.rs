//! Output: what is told without being asked, when the link is free for it. Not the answers, only their place: they go
//! before it.

use super::notice::Telling;
use super::{Front, scene};
use crate::limits;
use crate::neerc::Notification;
use crate::notify::{DueTelling, Hears};
use crate::room::RoomWatch;
use crate::stanza::wire::{Purpose, ping};
use crate::stream::outgoing::Outgoing;
use neerc_core::notice::{Notice, Reminder};
use neerc_core::view::View;
use neerc_core::world::World;

impl Front {
    /// A change with that revision is committed and applied; everybody in the room must hear of it.
    pub fn tell(&mut self, now_ms: i64, room: &str, revision: u64, notice: Notice) {
        self.runs_may_move();
        match self.index_of(room) {
            Some(index) => {
                let Notice { task, lost, reminder } = notice;
                match reminder {
                    Some(reminder) => self.remind(index, task, reminder),
                    None => {
                        self.watchers.changed(now_ms, index, revision);
                        self.contacts.changed(now_ms, index, task);
                    }
                }
                // The task is as it was, but clients that show it show it again to whoever has not answered it.
                if reminder == Some(Reminder::ToAdmins) {
                    self.outbox.passed(revision);
                } else {
                    self.outbox.changed(now_ms, (index, task), revision, lost);
                }
            }
            None => self.outbox.passed(revision), // a room that is not served any more has nobody to hear of it
        }
    }

    /// When [`Front::transmit`] has something to do where the link is free, in ms.
    pub fn next_transmit_ms(&self) -> i64 {
        if !self.stream.is_online() {
            return if self.wire.out.is_empty() { i64::MAX } else { i64::MIN };
        }
        let due = self
            .outbox
            .next_due_ms()
            .unwrap_or(i64::MAX)
            .min(self.contacts.next_due_ms())
            .min(self.watchers.next_due_ms())
            .min(self.next_plan_word_ms());
        let fence = if self.outbox.needs_fence() { self.stream.fence_ms } else { i64::MAX };
        if self.wire.out.is_empty() && self.reminders.is_empty() {
            due.min(fence).min(self.next_held_ms()).min(self.conversations.next_paused_ms())
        } else {
            i64::MIN
        }
    }

    /// The revision up to which everybody has been told of everything.
    pub fn told_revision(&self) -> u64 {
        self.outbox.told_revision()
    }

    /// Whether answers wait for the link in such number that reading should pause.
    pub fn is_congested(&self) -> bool {
        self.stream.backlog || self.is_full()
    }

    pub(super) fn is_full(&self) -> bool {
        let out = &self.wire.out;
        out.shared_len() > limits::LINK_QUEUE_BYTES || out.len() > limits::LINK_QUEUE_SHORT_BYTES
    }

    /// Appends what is to be sent now to `out`: all answers, then tellings until `out` holds `limit` bytes or more.
    /// To be called when the link is free, so that the newest state is told.
    pub fn transmit(&mut self, now_ms: i64, world: World<'_>, out: &mut Outgoing, limit: usize) {
        self.write(now_ms, world, out, limit);
        out.settle();
    }

    fn write(&mut self, now_ms: i64, world: World<'_>, out: &mut Outgoing, limit: usize) {
        self.say_plan_words(world);
        self.say_reminders(world);
        out.append(&mut self.wire.out);
        if !self.stream.is_online() {
            return;
        }
        // What was asked for and what is told share the link.
        self.go_on_with_paused(now_ms, world);
        out.append(&mut self.wire.out);
        self.release(now_ms, world, out, limit / 2);
        self.look_again(now_ms);
        self.transmit_clock(now_ms, world, out);
        self.transmit_due(now_ms, world, out, limit);
        if out.len() < limit {
            self.go_on_late(now_ms, world); // behind all news
            self.transmit_due(now_ms, world, out, limit);
        }
        self.transmit_chat(now_ms, world, out, limit);
        if out.len() < limit
            && now_ms >= self.stream.fence_ms
            && let Some(number) = self.outbox.take_fence()
        {
            self.stream.fence_ms = now_ms + limits::FENCE_MS;
            let host = self.settings.host.clone();
            self.wire.request(now_ms, "get", &host, ping, Purpose::Fence { number });
            out.append(&mut self.wire.out);
        } else if self.outbox.is_idle() {
            // Nobody was there to be told: nothing has to arrive.
            let told = self.outbox.told_revision();
            self.note_told(told);
        }
    }

    fn transmit_due(&mut self, now_ms: i64, world: World<'_>, out: &mut Outgoing, limit: usize) {
        while out.len() < limit {
            let Some(due) = self.outbox.take_due(now_ms) else { break };
            self.transmit_task(now_ms, world, due, out, limit);
        }
    }

    fn transmit_clock(&mut self, now_ms: i64, world: World<'_>, out: &mut Outgoing) {
        let waiting = self.outbox.take_clock();
        if waiting.iter().next().is_none() {
            return;
        }
        let said = |watch: &RoomWatch| {
            world.reading(&watch.room, now_ms).map(|reading| Notification::clock(&self.settings.component, reading))
        };
        let of_rooms: Vec<Option<Notification>> = self.rooms().map(said).collect();
        for slot in waiting.iter() {
            if let Some(session) = self.outbox.recipient(slot, None, now_ms)
                && self.halls[session.room].watch().people().rights(&session.person).is_some()
                && let Some(Some(notification)) = of_rooms.get(session.room)
            {
                notification.write(out, &session.to);
            }
        }
    }

    /// Writes the newest state of a task to everybody who waits for it, as far as there is room.
    fn transmit_task(&mut self, now_ms: i64, world: World<'_>, mut due: DueTelling, out: &mut Outgoing, limit: usize) {
        let Front { settings, outbox, .. } = self;
        let (room, id) = due.key;
        let scene = scene(self.halls[room].watch(), world, settings.visibility);
        let mut telling = Telling::new(settings, outbox, &due, scene.board.task(id), self.written.take());
        let mut missing = Vec::new();
        let mut written = 0;
        for &slot in &due.slots {
            if out.len() >= limit {
                break;
            }
            written += 1;
            let Some(session) = outbox.recipient(slot, Some(id), now_ms) else { continue };
            let view = View::of(scene, &session.person).ok();
            if session.hears == Hears::Differences && !view.is_some_and(|view| view.sees_all()) {
                missing.push(slot);
            }
            if session.to.len() > limits::ADDRESS_BYTES {
                continue; // only what is made to be long is, and what is told would be too
            }
            if let Some(notification) = telling.to(session, view) {
                notification.write(out, &session.to);
            }
        }
        self.written = telling.into_written();
        missing.into_iter().for_each(|slot| self.outbox.misses(slot));
        let rest = due.slots.split_off(written);
        self.outbox.told(now_ms, &due);
        if rest.is_empty() { self.outbox.finish(due.key) } else { self.outbox.put_back(due.key, &rest) }
    }
}
