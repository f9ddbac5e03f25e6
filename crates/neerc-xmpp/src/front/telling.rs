//! Output: what is told without being asked, when the link is free for it. Not the answers, only their place: they go
//! before it.

use super::{Front, FrontSettings, StreamPhase, scene};
use crate::limits;
use crate::neerc::Notification;
use crate::notify::{Due, Hears, Key};
use crate::room::RoomWatch;
use crate::stanza::wire::{Purpose, ping};
use crate::stream::outgoing::Outgoing;
use neerc_core::notice::{Notice, Sight};
use neerc_core::people::Person;
use neerc_core::view::View;
use neerc_core::world::World;

/// What was written last of one task, at one revision of it: a telling that the link takes in parts goes on with it.
#[derive(Debug)]
pub(super) struct Written {
    key: Key,
    revision: u64,
    whole: Option<Notification>,
    difference: Option<Difference>,
}

/// What has changed of a task since a revision, for those who are then told of everything up to another.
#[derive(Debug)]
struct Difference {
    since: u64,
    told: u64,
    said: Notification,
}

impl Front {
    /// A change with that revision is committed and applied; everybody in the room must hear of it.
    pub fn tell(&mut self, now_ms: i64, room: &str, revision: u64, notice: Notice) {
        match self.index_of(room) {
            Some(index) => {
                self.contacts.changed(now_ms, index, notice.task);
                self.outbox.changed(now_ms, (index, notice.task), revision, notice.lost);
            }
            None => self.outbox.passed(revision), // a room that is not served any more has nobody to hear of it
        }
    }

    /// When [`Front::transmit`] has something to do where the link is free, in ms.
    pub fn next_transmit_ms(&self) -> i64 {
        if self.phase != StreamPhase::Online {
            return if self.wire.out.is_empty() { i64::MAX } else { i64::MIN };
        }
        let due = self
            .outbox
            .next_due_ms()
            .unwrap_or(i64::MAX)
            .min(self.contacts.next_due_ms())
            .min(self.next_plan_word_ms());
        let fence = if self.outbox.needs_fence() { self.fence_ms } else { i64::MAX };
        if self.wire.out.is_empty() {
            due.min(fence).min(self.next_held_ms()).min(self.next_paused_ms())
        } else {
            i64::MIN
        }
    }

    /// Whether answers wait for the link in such number that reading should pause.
    pub fn is_congested(&self) -> bool {
        self.backlog || self.is_full()
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
        out.append(&mut self.wire.out);
        if self.phase != StreamPhase::Online {
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
            && now_ms >= self.fence_ms
            && let Some(number) = self.outbox.take_fence()
        {
            self.fence_ms = now_ms + limits::FENCE_MS;
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
        let of_rooms: Vec<Option<Notification>> = self.rooms.iter().map(said).collect();
        for slot in waiting.iter() {
            if let Some(session) = self.outbox.recipient(slot, None, now_ms)
                && self.rooms[session.room].people().rights(&session.person).is_some()
                && let Some(Some(notification)) = of_rooms.get(session.room)
            {
                notification.write(out, &session.to);
            }
        }
    }

    /// Writes the newest state of a task to everybody who waits for it, as far as there is room.
    fn transmit_task(&mut self, now_ms: i64, world: World<'_>, mut due: Due, out: &mut Outgoing, limit: usize) {
        let (room, id) = due.key;
        let FrontSettings { component, wiki_packet, visibility, max_stanza_bytes, .. } = &self.settings;
        let scene = scene(&self.rooms[room], world, *visibility);
        let task = scene.board.task(id);
        let host = self.settings.host.domain();
        let write = |sight: Sight, of: &Person| {
            task.map(|task| Notification::task(component, host, task, sight, of, *wiki_packet, *max_stanza_bytes))
        };
        let mut difference: Option<Option<Difference>> = None;
        // What the link took only in part goes on with the same words, unless there is news.
        let revision = task.map(|task| task.revision);
        let (mut whole, mut known) = match self.written.take() {
            Some(Written { key, revision: at, whole, difference }) if key == due.key && Some(at) == revision => {
                (whole, difference)
            }
            _ => (None, None),
        };
        let mut removal: Option<Notification> = None;
        let mut missing = Vec::new();
        let mut written = 0;
        for &slot in &due.slots {
            if out.len() >= limit {
                break;
            }
            written += 1;
            let Some(session) = self.outbox.recipient(slot, Some(id), now_ms) else { continue };
            let view = View::of(scene, &session.person).ok();
            let sees_all = view.is_some_and(|view| view.sees_all());
            if !sees_all && session.hears == Hears::Differences {
                missing.push(slot);
            }
            let to = &session.to;
            if to.len() > limits::ADDRESS_BYTES {
                continue; // only what is made to be long is, and what is told would be too
            }
            let sight = view.zip(task).map_or(Sight::Nothing, |(view, task)| view.sight(task));
            match sight {
                Sight::Whole => {
                    if session.hears == Hears::Differences {
                        let difference = difference.get_or_insert_with(|| {
                            let since = Some(due.since).filter(|since| *since != u64::MAX)?;
                            let told = self.outbox.told_with(due.key);
                            if let Some(known) = known.take_if(|known| (known.since, known.told) == (since, told)) {
                                return Some(known);
                            }
                            let changed = task?.changed_since(since)?;
                            let said = Notification::difference(component, host, task?, &changed, told);
                            (said.len() <= *max_stanza_bytes).then_some(Difference { since, told, said })
                        });
                        if let Some(difference) = difference {
                            difference.said.write(out, to);
                            continue;
                        }
                    }
                    if whole.is_none() {
                        whole = write(sight, &session.person);
                    }
                    if let Some(whole) = &whole {
                        whole.write(out, to);
                    }
                }
                Sight::OwnStatus => {
                    if let Some(own) = write(sight, &session.person) {
                        own.write(out, to);
                    }
                }
                Sight::Nothing => {
                    // Of a task that is gone whoever saw all tasks hears, and who tried to change it.
                    let is_gone = task.is_none() && (sees_all || session.awaits(id));
                    if view.is_some() && (is_gone || due.lost.include(&session.person)) {
                        let notification =
                            removal.get_or_insert_with(|| Notification::removal(component, id, *wiki_packet));
                        notification.write(out, to);
                    }
                }
            }
        }
        missing.into_iter().for_each(|slot| self.outbox.misses(slot));
        let difference = difference.flatten().or(known);
        self.written = revision.map(|revision| Written { key: due.key, revision, whole, difference });
        let rest = due.slots.split_off(written);
        self.outbox.told(now_ms, &due);
        if rest.is_empty() { self.outbox.finish(due.key) } else { self.outbox.put_back(due.key, &rest) }
    }
}
