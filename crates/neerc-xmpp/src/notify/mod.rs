//! Tracks who still has to be told of what. Telling is by state, not by queue: each task that changed has the set of
//! sessions that have not been told of its newest state. That state is read when the link takes it, so a burst of
//! changes coalesces, memory is bounded, and no session hears of one task more often than the spacing allows.
//! recipients.rs holds who may be told, comings.rs how they come and go, fences.rs what has arrived, late.rs who is
//! told of all tasks one after another, gone.rs what departed sessions were told, held.rs what is held back for a
//! while. What a notification looks like is in neerc.rs.

pub mod slots;

mod comings;
mod fences;
mod gone;
mod held;
mod late;
mod recipients;

use self::fences::Fences;
use self::gone::Gone;
pub use self::gone::Owed;
use self::held::Held;
use self::late::Late;
pub use self::late::Why;
use self::recipients::Recipients;
pub use self::recipients::{Crowd, Hears, Recipient};
use crate::limits;
use crate::notify::slots::Slots;
use crate::stanza::address::Address;
use neerc_core::notice::Lost;
use neerc_core::people::Person;
use neerc_core::task::TaskId;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A task of a room, by the room's index.
pub type Key = (usize, TaskId);

#[derive(Debug, Default)]
struct Pending {
    /// The first revision that somebody has not been told of; `u64::MAX` where only a true state is repeated.
    since: u64,
    due_ms: i64,
    /// Everybody who is in the room once the service is in it.
    everybody: bool,
    waiting: Slots,
    /// Whether the link took some of the sessions and left the others waiting.
    begun: bool,
    /// Sessions that were told in this round and must be told once more, a spacing later.
    again: Slots,
    /// The first revision that those have not been told of.
    again_since: u64,
    lost: Losers,
}

impl Pending {
    /// These sessions have to be told of what is new now.
    fn wait(&mut self, slots: &Slots) {
        if self.begun {
            self.again.union(&slots.without(&self.waiting));
        } else {
            self.waiting.union(slots);
        }
    }
}

/// Who was assigned to a task and is not any more, since people were told of it.
#[derive(Clone, Debug, Default)]
pub struct Losers {
    people: BTreeSet<Person>,
    /// Anybody may have been.
    anybody: bool,
}

impl Losers {
    /// Whether that person is one of them; of a task that was removed anybody may have had it.
    pub fn include(&self, person: &Person) -> bool {
        self.anybody || self.people.contains(person)
    }

    fn add(&mut self, others: Losers) {
        self.people.extend(others.people);
        self.anybody |= others.anybody;
    }
}

impl From<Lost> for Losers {
    fn from(lost: Lost) -> Losers {
        match lost {
            Lost::These(people) => Losers { people: people.into_iter().collect(), anybody: false },
            Lost::Unknown => Losers { people: BTreeSet::new(), anybody: true },
        }
    }
}

/// A task to be written to the sessions of `slots`.
#[derive(Debug)]
pub struct DueTelling {
    /// Which task.
    pub key: Key,
    /// To whom.
    pub slots: Vec<usize>,
    /// Who was assigned and is not any more.
    pub lost: Losers,
    /// The first revision that these sessions have not been told of; `u64::MAX` where only the true state is repeated.
    pub since: u64,
}

/// The outbox.
#[derive(Debug)]
pub struct Outbox {
    spacing_ms: i64,
    recipients: Recipients,
    pending: BTreeMap<Key, Pending>,
    order: BTreeSet<(i64, Key)>,
    last_told_ms: HashMap<Key, i64>,
    clock_waiting: Slots,
    /// Sessions that are to be looked at once more, some seconds after they first asked, by that time (ms).
    second_looks: BTreeSet<(i64, usize)>,
    gone: Gone,
    held: Held,
    late: Late,
    /// Sessions of each room that knew everything when they were last seen: before the link was lost, or the room left.
    knew: HashSet<(usize, Address)>,
    fences: Fences,
    latest_revision: u64,
    inside: BTreeSet<usize>,
}

impl Outbox {
    /// An empty outbox with that spacing of the updates of one task.
    pub fn new(spacing_ms: i64) -> Outbox {
        Outbox {
            spacing_ms,
            recipients: Recipients::default(),
            pending: BTreeMap::new(),
            order: BTreeSet::new(),
            last_told_ms: HashMap::new(),
            clock_waiting: Slots::default(),
            second_looks: BTreeSet::new(),
            gone: Gone::default(),
            held: Held::default(),
            late: Late::default(),
            knew: HashSet::new(),
            fences: Fences::default(),
            latest_revision: 0,
            inside: BTreeSet::new(),
        }
    }

    // Recipients

    /// Takes another spacing.
    pub fn space(&mut self, spacing_ms: i64) {
        self.spacing_ms = spacing_ms;
    }

    /// The session may not see a change: it cannot hear differences any more, until it asks again.
    pub fn misses(&mut self, slot: usize) {
        if let Some(session) = self.recipients.get_mut(slot) {
            session.hears = Hears::Tasks;
        }
    }

    /// How many sessions are told of changes in a room.
    pub fn sessions(&self, room: usize) -> usize {
        self.recipients.count(room)
    }

    /// The session in a slot, if it is still to be told of that task; of anything else, if none is given.
    pub fn recipient(&self, slot: usize, task: Option<TaskId>, now_ms: i64) -> Option<&Recipient> {
        let session = self.recipients.get(slot)?;
        let awaited = task.is_some_and(|task| session.repeats.contains(&task));
        (awaited || (session.is_live(now_ms) && !session.by_chat)).then_some(session)
    }

    /// Where sessions had to make room for others, or were not taken, since the last call.
    pub fn take_crowds(&mut self) -> Vec<Crowd> {
        self.recipients.take_crowds()
    }

    // Those who may have heard nothing, or something old

    /// The next session that asked for the first time some seconds ago, in its slot, with what the server may have handed it
    /// since. The clock is sent to it once more.
    pub fn take_second_look(&mut self, now_ms: i64) -> Option<(usize, Owed)> {
        let &(at_ms, slot) = self.second_looks.first()?;
        if at_ms > now_ms {
            return None;
        }
        self.second_looks.pop_first();
        self.clock_waiting.insert(slot);
        let session = self.recipients.get(slot)?;
        Some((slot, self.gone.owed(now_ms, session.room, &session.person)))
    }

    /// The session of a slot is to be told the true state of all these tasks, one after another.
    pub fn tell_late(&mut self, now_ms: i64, slot: usize, why: Why, tasks: Vec<TaskId>) {
        self.late.list(now_ms, slot, why, tasks);
    }

    /// The session of a slot is to be told of all tasks of its room.
    pub fn tell_all(&mut self, now_ms: i64, slot: usize) {
        self.late.add(now_ms, slot, Why::Untold);
    }

    /// Whoever is in a room may see other tasks than before: all are told again, and gone are those that they had.
    pub fn shown_otherwise(&mut self, now_ms: i64, room: usize) {
        let of_room = self.recipients.of_room(room).into_iter().flat_map(Slots::iter);
        of_room.for_each(|slot| self.late.add(now_ms, slot, Why::Missed));
    }

    /// The next session that is to be told of all tasks, for which there is no list of them yet, and why.
    pub fn take_late(&mut self, now_ms: i64) -> Option<(usize, Why, &Recipient)> {
        loop {
            let (slot, why) = self.late.take(now_ms)?;
            if self.recipients.get(slot).is_some_and(|session| !session.by_chat && session.is_live(now_ms)) {
                return Some((slot, why, self.recipients.get(slot)?));
            }
        }
    }

    /// A little of what is told late is due from now on; `size` says about how long the notification of a task is.
    pub fn go_on_late(&mut self, now_ms: i64, size: impl Fn(usize, TaskId) -> usize) {
        let sized = |slot, task| self.recipients.get(slot).map_or(0, |session: &Recipient| size(session.room, task));
        for (slot, task, why) in self.late.beat(now_ms, sized) {
            let Some(session) = self.recipients.get_mut(slot).filter(|session| !session.by_chat) else { continue };
            session.repeats.insert(task);
            let (key, person) = ((session.room, task), session.person.clone());
            let mut one = Slots::default();
            one.insert(slot);
            let pending = self.pend(now_ms, key, u64::MAX);
            pending.wait(&one);
            // Whoever does not have the task any more may be handed that they have it.
            if why != Why::Untold {
                pending.lost.people.insert(person);
            }
        }
    }

    // Changes

    /// A change with that revision is committed; everybody in the room must hear of the task.
    pub fn changed(&mut self, now_ms: i64, key: Key, revision: u64, lost: impl Into<Losers>) {
        self.latest_revision = self.latest_revision.max(revision);
        let inside = self.inside.contains(&key.0);
        self.held.changed(key.0, key.1);
        self.pend(now_ms, key, revision);
        let Some(pending) = self.pending.get_mut(&key) else { return };
        pending.everybody |= !inside;
        pending.lost.add(lost.into());
        if let Some(of_room) = self.recipients.of_room(key.0) {
            pending.wait(of_room);
        }
    }

    /// One session must hear the true state of a task, whether or not it is told of changes otherwise.
    pub fn repeat(&mut self, now_ms: i64, key: Key, address: &Address) {
        let Some(session) = self.session(key.0, address, false) else { return };
        session.repeats.insert(key.1);
        let Some(slot) = self.recipients.slot(key.0, address) else { return };
        let mut one = Slots::default();
        one.insert(slot);
        self.pend(now_ms, key, u64::MAX).wait(&one);
    }

    fn pend(&mut self, now_ms: i64, key: Key, revision: u64) -> &mut Pending {
        let due_ms = self.spaced_ms(key).map_or(now_ms, |spaced_ms| spaced_ms.max(now_ms));
        let new = || Pending { since: u64::MAX, again_since: u64::MAX, due_ms, ..Pending::default() };
        let pending = self.pending.entry(key).or_insert_with(new);
        self.order.insert((pending.due_ms, key));
        pending.since = pending.since.min(revision);
        if pending.begun {
            pending.again_since = pending.again_since.min(revision);
        }
        pending
    }

    /// When a task that was told lately may be told again, in ms: at the next beat after the spacing, so that what is told
    /// of several tasks goes out together. Spacings shorter than a beat are kept as they are.
    fn spaced_ms(&self, key: Key) -> Option<i64> {
        let spaced_ms = self.last_told_ms.get(&key)? + self.spacing_ms;
        let beat_ms = if self.spacing_ms < limits::TELL_BEAT_MS { 1 } else { limits::TELL_BEAT_MS };
        Some(spaced_ms + (-spaced_ms).rem_euclid(beat_ms))
    }

    /// The contest clock of a room must be sent to everybody in it.
    pub fn clock_changed(&mut self, room: usize) {
        if let Some(of_room) = self.recipients.of_room(room) {
            self.clock_waiting.union(of_room);
        }
    }

    /// The sessions that the clock is to be sent to.
    pub fn take_clock(&mut self) -> Slots {
        std::mem::take(&mut self.clock_waiting)
    }

    /// The next task that may be told now, with everybody who waits for it. What cannot be written now is given back
    /// by [`Outbox::put_back`].
    pub fn take_due(&mut self, now_ms: i64) -> Option<DueTelling> {
        loop {
            let &(due_ms, key) = self.order.first()?;
            if due_ms > now_ms {
                return None;
            }
            self.order.pop_first();
            let Some(pending) = self.pending.get_mut(&key) else { continue };
            if pending.everybody && !self.inside.contains(&key.0) && pending.waiting.is_empty() {
                // Nobody can be told before the service is in the room; `inside` puts it in order again.
                continue;
            }
            let slots = std::mem::take(&mut pending.waiting).iter().collect();
            return Some(DueTelling { key, slots, lost: pending.lost.clone(), since: pending.since });
        }
    }

    /// The rest of a due task that did not fit; it stays first in order.
    pub fn put_back(&mut self, key: Key, rest: &[usize]) {
        if let Some(pending) = self.pending.get_mut(&key) {
            pending.begun = true;
            rest.iter().for_each(|slot| pending.waiting.insert(*slot));
            self.order.insert((pending.due_ms, key));
        }
    }

    /// The revision up to which everybody has been told of everything, once they are told of this task as it is now.
    pub fn told_with(&self, key: Key) -> u64 {
        let others = self.pending.iter().filter(|(other, _)| **other != key).map(|(_, pending)| pending.since);
        others.min().map_or(self.latest_revision, |oldest| (oldest - 1).min(self.latest_revision))
    }

    /// The sessions of `due` have been told of the task as it is now.
    pub fn told(&mut self, now_ms: i64, due: &DueTelling) {
        self.last_told_ms.insert(due.key, now_ms);
        if !due.slots.is_empty() {
            self.gone.told(now_ms, due.key);
        }
        for &slot in &due.slots {
            let Some(session) = self.recipients.get_mut(slot) else { continue };
            session.repeats.remove(&due.key.1);
            if session.repeats.is_empty() && !session.is_live(now_ms) {
                self.forget(slot);
            }
        }
    }

    /// All who waited for a task have been told of it.
    pub fn finish(&mut self, key: Key) {
        let spaced_ms = self.spaced_ms(key);
        let Some(pending) = self.pending.get_mut(&key) else { return };
        pending.begun = false;
        if !pending.again.is_empty() {
            let again_since = std::mem::replace(&mut pending.again_since, u64::MAX);
            // While those in the room cannot be told, what they have not heard stays the first that somebody has not.
            if !pending.everybody || self.inside.contains(&key.0) {
                if pending.since != u64::MAX {
                    self.fences.told(key, pending.since, pending.lost.clone());
                }
                pending.since = again_since;
            }
            pending.waiting = std::mem::take(&mut pending.again);
            pending.due_ms = spaced_ms.unwrap_or(pending.due_ms);
            self.order.insert((pending.due_ms, key));
            return;
        }
        if pending.everybody && !self.inside.contains(&key.0) {
            // It stays for those in the room; sessions that are told already keep their distance to the next change.
            pending.due_ms = spaced_ms.unwrap_or(pending.due_ms);
            return;
        }
        if let Some(pending) = self.pending.remove(&key)
            && pending.since != u64::MAX
        {
            self.fences.told(key, pending.since, pending.lost);
        }
    }

    /// When the next task may be told, in ms.
    pub fn next_due_ms(&self) -> Option<i64> {
        if !self.clock_waiting.is_empty() {
            return Some(i64::MIN);
        }
        let looks = self.second_looks.first().map(|(at_ms, _)| *at_ms);
        self.order.first().map(|(due_ms, _)| *due_ms).into_iter().chain(looks).chain(self.late.next_due_ms()).min()
    }

    /// Forgets the times of tellings that cannot matter any more.
    pub fn tidy(&mut self, now_ms: i64) {
        let spacing_ms = self.spacing_ms;
        self.last_told_ms.retain(|_, told| now_ms - *told <= spacing_ms);
        self.gone.tidy(now_ms);
    }

    // What the server has

    /// Whether something was told that a fence should follow.
    pub fn needs_fence(&self) -> bool {
        self.fences.are_needed()
    }

    /// Whether nothing is to be told, and nothing that was told waits for its fence.
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.fences.is_empty()
    }

    /// The number of a fence that should follow what was told, if anything was. From then on it is under way.
    pub fn take_fence(&mut self) -> Option<u64> {
        self.fences.take()
    }

    /// The fence did not come back; what it followed may not have arrived, and a later one must say so.
    pub fn fence_lost(&mut self, number: u64) {
        self.fences.lost(number);
    }

    /// The server has everything that was told before that fence, which says nothing of what a later one follows.
    /// Returns the revision up to which everybody has been told of everything.
    pub fn fenced(&mut self, number: u64) -> u64 {
        self.fences.arrived(number);
        self.told_revision()
    }

    /// A change with that revision concerns nobody here.
    pub fn passed(&mut self, revision: u64) {
        self.latest_revision = self.latest_revision.max(revision);
    }

    /// The revision up to which everybody has been told of everything.
    pub fn told_revision(&self) -> u64 {
        let pending = self.pending.values().map(|pending| pending.since);
        let oldest = pending.chain(self.fences.oldest()).min();
        oldest.map_or(self.latest_revision, |oldest| (oldest - 1).min(self.latest_revision))
    }
}

#[cfg(test)]
mod tests;
