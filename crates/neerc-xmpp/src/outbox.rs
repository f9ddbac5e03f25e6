//! Who still has to be told of what. Telling is by state, not by queue: for each task that changed, the set of sessions
//! that have not been told of its newest state. The state itself is read when the link takes it, so a burst of changes
//! coalesces, memory is bounded, and no session hears of one task more often than the spacing allows.
//! Not the writing of it: that is neerc.rs.

use crate::address::Address;
use crate::slots::Slots;
use crate::xml::escape_attr;
use neerc_core::limits;
use neerc_core::people::Person;
use neerc_core::task::TaskId;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A task of a room, by the room's index.
pub type Key = (usize, TaskId);

/// One session that may be told.
#[derive(Clone, Debug)]
pub struct Session {
    /// Index of the room.
    pub room: usize,
    /// The full JID.
    pub address: Address,
    /// The account.
    pub person: Person,
    /// The full JID as it stands in an attribute.
    pub to: Box<[u8]>,
    /// How it is told.
    pub hears: Hears,
    joined: bool,
    directed: bool,
    asked_ms: Option<i64>,
    /// Tasks whose true state it is to be told, whether or not it is told of changes.
    repeats: BTreeSet<TaskId>,
    clock_sent: bool,
    /// It is told by chat lines instead.
    by_chat: bool,
}

impl Session {
    fn is_live(&self, now_ms: i64) -> bool {
        self.joined || self.directed || self.asked_ms.is_some_and(|asked| now_ms - asked <= limits::ASKER_MS)
    }
}

#[derive(Debug, Default)]
struct RoomSessions {
    count: usize,
    slots: Slots,
}

#[derive(Debug, Default)]
struct Sessions {
    sessions: Vec<Option<Session>>,
    free: Vec<usize>,
    index: HashMap<(usize, Address), usize>,
    per_room: BTreeMap<usize, RoomSessions>,
}

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
    lost: BTreeSet<Person>,
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

/// A task to be written to the sessions of `slots`.
#[derive(Debug)]
pub struct Due {
    /// Which task.
    pub key: Key,
    /// To whom.
    pub slots: Vec<usize>,
    /// People who were assigned and are not any more.
    pub lost: BTreeSet<Person>,
    /// The first revision that these sessions have not been told of; `u64::MAX` where only the true state is repeated.
    pub since: u64,
}

/// How a session is told of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hears {
    /// Of each changed task, whole.
    #[default]
    Tasks,
    /// Of each changed task, the statuses that changed.
    Differences,
}

fn escaped(text: &str) -> Box<[u8]> {
    let mut out = Vec::new();
    escape_attr(&mut out, text);
    out.into()
}

/// The outbox.
#[derive(Debug)]
pub struct Outbox {
    spacing_ms: i64,
    slots: Sessions,
    pending: BTreeMap<Key, Pending>,
    order: BTreeSet<(i64, Key)>,
    last_told_ms: HashMap<Key, i64>,
    clock_waiting: Slots,
    /// Told, but not known to have arrived at the server, with the first revision and who lost the task.
    unfenced: BTreeMap<Key, (u64, BTreeSet<Person>)>,
    fencing: BTreeMap<Key, (u64, BTreeSet<Person>)>,
    /// The number of the last fence.
    fence: u64,
    latest_revision: u64,
    inside: BTreeSet<usize>,
}

impl Outbox {
    /// An empty outbox with that spacing of the updates of one task.
    pub fn new(spacing_ms: i64) -> Outbox {
        Outbox {
            spacing_ms,
            slots: Sessions::default(),
            pending: BTreeMap::new(),
            order: BTreeSet::new(),
            last_told_ms: HashMap::new(),
            clock_waiting: Slots::default(),
            unfenced: BTreeMap::new(),
            fencing: BTreeMap::new(),
            fence: 0,
            latest_revision: 0,
            inside: BTreeSet::new(),
        }
    }

    // Sessions

    fn session(&mut self, room: usize, address: &Address) -> Option<&mut Session> {
        if address.resource().is_none() && address.local().is_some() {
            return None; // servers store messages for a bare JID, or hand them to another session
        }
        let key = (room, address.clone());
        if let Some(&slot) = self.slots.index.get(&key) {
            return self.slots.sessions[slot].as_mut();
        }
        let of_room = self.slots.per_room.entry(room).or_default();
        if of_room.count >= limits::SESSIONS_PER_ROOM {
            return None;
        }
        let session = Session {
            room,
            address: address.clone(),
            person: address.person(),
            to: escaped(address.as_it_came()),
            hears: Hears::Tasks,
            joined: false,
            directed: false,
            asked_ms: None,
            repeats: BTreeSet::new(),
            clock_sent: false,
            by_chat: false,
        };
        let slot = self.slots.free.pop().unwrap_or_else(|| {
            self.slots.sessions.push(None);
            self.slots.sessions.len() - 1
        });
        self.slots.index.insert(key, slot);
        of_room.count += 1;
        of_room.slots.insert(slot);
        let place = &mut self.slots.sessions[slot];
        *place = Some(session);
        place.as_mut()
    }

    /// The session is in the room.
    pub fn joined(&mut self, room: usize, address: &Address) {
        if let Some(session) = self.session(room, address) {
            session.joined = true;
        }
    }

    /// The session has left the room. It is told nothing more unless it has sent presence to the service itself.
    pub fn left(&mut self, room: usize, address: &Address) {
        self.withdraw(room, address, |session| session.joined = false);
    }

    /// The session has sent presence to the service itself.
    pub fn directed(&mut self, room: usize, address: &Address) {
        if let Some(session) = self.session(room, address) {
            session.directed = true;
        }
    }

    /// The session has taken its presence to the service back. It is told nothing more unless it is in the room.
    pub fn undirected(&mut self, room: usize, address: &Address) {
        self.withdraw(room, address, |session| session.directed = false);
    }

    /// Takes back one reason to tell the session of changes; having asked is none any more either.
    fn withdraw(&mut self, room: usize, address: &Address, reason: impl FnOnce(&mut Session)) {
        let Some(&slot) = self.slots.index.get(&(room, address.clone())) else { return };
        let Some(session) = &mut self.slots.sessions[slot] else { return };
        reason(session);
        session.asked_ms = None;
        if !session.joined && !session.directed {
            self.forget(slot);
        }
    }

    /// The session is gone from wherever it was.
    pub fn gone(&mut self, address: &Address) {
        let rooms: Vec<usize> = self.slots.per_room.keys().copied().collect();
        for room in rooms {
            if let Some(&slot) = self.slots.index.get(&(room, address.clone())) {
                self.forget(slot);
            }
        }
    }

    /// The session has asked for the tasks of the room, so it knows all that is committed. The first time the clock is
    /// sent to it as well.
    pub fn asked(&mut self, room: usize, address: &Address, now_ms: i64, hears: Hears) {
        let Some(session) = self.session(room, address) else { return };
        session.asked_ms = Some(now_ms);
        session.hears = hears;
        session.by_chat = false;
        if !std::mem::replace(&mut session.clock_sent, true)
            && let Some(&slot) = self.slots.index.get(&(room, address.clone()))
        {
            self.clock_waiting.insert(slot);
        }
    }

    /// People read what is sent to the session, and it has not asked for the tasks: it is told by chat lines instead.
    pub fn by_chat(&mut self, room: usize, address: &Address) {
        if let Some(&slot) = self.slots.index.get(&(room, address.clone()))
            && let Some(session) = &mut self.slots.sessions[slot]
        {
            session.by_chat = true;
        }
    }

    /// The session has shown that a program reads what is sent to it.
    pub fn by_notifications(&mut self, room: usize, address: &Address) {
        if let Some(&slot) = self.slots.index.get(&(room, address.clone()))
            && let Some(session) = &mut self.slots.sessions[slot]
        {
            session.by_chat = false;
        }
    }

    fn forget(&mut self, slot: usize) {
        let Some(session) = self.slots.sessions[slot].take() else { return };
        if let Some(of_room) = self.slots.per_room.get_mut(&session.room) {
            of_room.count = of_room.count.saturating_sub(1);
            of_room.slots.remove(slot);
        }
        self.slots.index.remove(&(session.room, session.address));
        self.slots.free.push(slot);
        self.clock_waiting.remove(slot);
        for pending in self.pending.values_mut() {
            pending.waiting.remove(slot);
            pending.again.remove(slot);
        }
    }

    /// The session may not see a change: it cannot hear differences any more, until it asks again.
    pub fn misses(&mut self, slot: usize) {
        if let Some(Some(session)) = self.slots.sessions.get_mut(slot) {
            session.hears = Hears::Tasks;
        }
    }

    /// How many sessions are told of changes in a room.
    pub fn sessions(&self, room: usize) -> usize {
        self.slots.per_room.get(&room).map_or(0, |of_room| of_room.count)
    }

    /// The session in a slot, if it is still to be told of that task; of anything else, if none is given.
    pub fn recipient(&self, slot: usize, task: Option<TaskId>, now_ms: i64) -> Option<&Session> {
        let session = self.slots.sessions.get(slot)?.as_ref()?;
        let awaited = task.is_some_and(|task| session.repeats.contains(&task));
        (awaited || (session.is_live(now_ms) && !session.by_chat)).then_some(session)
    }

    // Changes

    /// A change with that revision is committed; everybody in the room must hear of the task.
    pub fn changed(&mut self, now_ms: i64, key: Key, revision: u64, lost: impl IntoIterator<Item = Person>) {
        self.latest_revision = self.latest_revision.max(revision);
        let inside = self.inside.contains(&key.0);
        self.pend(now_ms, key, revision);
        let Some(pending) = self.pending.get_mut(&key) else { return };
        pending.everybody |= !inside;
        pending.lost.extend(lost);
        if let Some(of_room) = self.slots.per_room.get(&key.0) {
            pending.wait(&of_room.slots);
        }
    }

    /// One session must hear the true state of a task, whether or not it is told of changes otherwise.
    pub fn repeat(&mut self, now_ms: i64, key: Key, address: &Address) {
        let Some(session) = self.session(key.0, address) else { return };
        session.repeats.insert(key.1);
        let Some(&slot) = self.slots.index.get(&(key.0, address.clone())) else { return };
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

    /// The contest clock must be sent to everybody.
    pub fn clock_changed(&mut self) {
        for (slot, session) in self.slots.sessions.iter().enumerate() {
            if session.is_some() {
                self.clock_waiting.insert(slot);
            }
        }
    }

    /// The sessions that the clock is to be sent to.
    pub fn take_clock(&mut self) -> Slots {
        std::mem::take(&mut self.clock_waiting)
    }

    /// The next task that may be told now, with everybody who waits for it. What cannot be written now is given back
    /// by [`Outbox::put_back`].
    pub fn take_due(&mut self, now_ms: i64) -> Option<Due> {
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
            return Some(Due { key, slots, lost: pending.lost.clone(), since: pending.since });
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
    pub fn told(&mut self, now_ms: i64, due: &Due) {
        self.last_told_ms.insert(due.key, now_ms);
        for &slot in &due.slots {
            let Some(session) = self.slots.sessions[slot].as_mut() else { continue };
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
                    let unfenced = self.unfenced.entry(key).or_insert((u64::MAX, BTreeSet::new()));
                    unfenced.0 = unfenced.0.min(pending.since);
                    unfenced.1.extend(pending.lost.iter().cloned());
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
            let unfenced = self.unfenced.entry(key).or_insert((u64::MAX, BTreeSet::new()));
            unfenced.0 = unfenced.0.min(pending.since);
            unfenced.1.extend(pending.lost);
        }
    }

    /// When the next task may be told, in ms.
    pub fn next_due_ms(&self) -> Option<i64> {
        if !self.clock_waiting.is_empty() {
            return Some(i64::MIN);
        }
        self.order.first().map(|(due_ms, _)| *due_ms)
    }

    /// Forgets the times of tellings that cannot matter any more.
    pub fn tidy(&mut self, now_ms: i64) {
        let spacing_ms = self.spacing_ms;
        self.last_told_ms.retain(|_, told| now_ms - *told <= spacing_ms);
    }

    // Fences: what the server has

    /// Whether something was told that a fence should follow.
    pub fn needs_fence(&self) -> bool {
        !self.unfenced.is_empty() && self.fencing.is_empty()
    }

    /// Whether nothing is to be told, and nothing that was told waits for its fence.
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.unfenced.is_empty() && self.fencing.is_empty()
    }

    /// The fence did not come back; what it followed may not have arrived, and a later one must say so.
    pub fn fence_lost(&mut self, number: u64) {
        if number != self.fence {
            return;
        }
        for (key, (since, lost)) in std::mem::take(&mut self.fencing) {
            let unfenced = self.unfenced.entry(key).or_insert((u64::MAX, BTreeSet::new()));
            unfenced.0 = unfenced.0.min(since);
            unfenced.1.extend(lost);
        }
    }

    /// A change with that revision concerns nobody here.
    pub fn passed(&mut self, revision: u64) {
        self.latest_revision = self.latest_revision.max(revision);
    }

    /// The number of a fence that should follow what was told, if anything was. From then on it is under way.
    pub fn take_fence(&mut self) -> Option<u64> {
        if !self.needs_fence() {
            return None;
        }
        self.fencing = std::mem::take(&mut self.unfenced);
        self.fence += 1;
        Some(self.fence)
    }

    /// The server has everything that was told before that fence, which says nothing of what a later one follows.
    /// Returns the revision up to which everybody has been told of everything.
    pub fn fenced(&mut self, number: u64) -> u64 {
        if number == self.fence {
            self.fencing.clear();
        }
        self.told_revision()
    }

    /// The revision up to which everybody has been told of everything.
    pub fn told_revision(&self) -> u64 {
        let pending = self.pending.values().map(|pending| pending.since);
        let unfenced = self.unfenced.values().chain(self.fencing.values()).map(|(since, _)| *since);
        pending.chain(unfenced).min().map_or(self.latest_revision, |oldest| (oldest - 1).min(self.latest_revision))
    }

    /// The service is in the room, and its sessions are known: what they have not heard is told.
    pub fn inside(&mut self, now_ms: i64, room: usize) {
        self.inside.insert(room);
        let keys: Vec<Key> =
            self.pending.range((room, TaskId(0))..=(room, TaskId(u64::MAX))).map(|(key, _)| *key).collect();
        for key in keys {
            let spaced_ms = self.spaced_ms(key);
            let Some(pending) = self.pending.get_mut(&key) else { continue };
            if std::mem::take(&mut pending.everybody) {
                if pending.begun {
                    // Whoever is told in the next round has heard nothing of this one.
                    pending.again_since = pending.again_since.min(pending.since);
                }
                if let Some(of_room) = self.slots.per_room.get(&room) {
                    pending.wait(&of_room.slots);
                }
                self.order.remove(&(pending.due_ms, key));
                pending.due_ms = spaced_ms.map_or(now_ms, |spaced_ms| spaced_ms.max(now_ms));
                self.order.insert((pending.due_ms, key));
            }
        }
        // Clients count by themselves in between; they may have missed that the clock was stopped.
        if let Some(of_room) = self.slots.per_room.get(&room) {
            self.clock_waiting.union(&of_room.slots);
        }
    }

    /// The service is not in the room any more; who is there is not known.
    pub fn outside(&mut self, room: usize) {
        self.inside.remove(&room);
        let Some(of_room) = self.slots.per_room.get(&room) else { return self.untold(room) };
        let gone: Vec<usize> = of_room
            .slots
            .iter()
            .filter(|slot| {
                let Some(session) = self.slots.sessions[*slot].as_mut() else { return false };
                session.joined = false;
                !session.directed && session.asked_ms.is_none()
            })
            .collect();
        gone.into_iter().for_each(|slot| self.forget(slot));
        self.untold(room);
    }

    /// Whatever may not have arrived counts as not told.
    fn untold(&mut self, room: usize) {
        let unfenced = std::mem::take(&mut self.unfenced).into_iter().chain(std::mem::take(&mut self.fencing));
        let (again, other): (Vec<_>, Vec<_>) = unfenced.partition(|(key, _)| key.0 == room);
        self.unfenced = other.into_iter().collect();
        for (key, (since, lost)) in again {
            let pending = self.pend(0, key, since);
            pending.lost.extend(lost);
        }
        for (key, pending) in self.pending.range_mut((room, TaskId(0))..=(room, TaskId(u64::MAX))) {
            pending.everybody |= pending.since != u64::MAX;
            if std::mem::take(&mut pending.begun) {
                // The round is over without its end: whoever is still there is told in the next one.
                pending.waiting.union(&std::mem::take(&mut pending.again));
                pending.again_since = u64::MAX;
                self.order.remove(&(pending.due_ms, *key));
                pending.due_ms = self.last_told_ms.get(key).map_or(pending.due_ms, |told| told + self.spacing_ms);
                self.order.insert((pending.due_ms, *key));
            }
        }
    }

    /// The link is gone: no session is known to be there, and what the server did not confirm is told again.
    pub fn disconnected(&mut self) {
        self.slots = Sessions::default();
        self.clock_waiting.clear();
        self.pending.retain(|_, pending| {
            pending.waiting.clear();
            pending.again.clear();
            pending.begun = false;
            pending.since != u64::MAX
        });
        let pending: BTreeSet<Key> = self.pending.keys().copied().collect();
        self.order.retain(|(_, key)| pending.contains(key));
        let rooms: BTreeSet<usize> =
            pending.iter().chain(self.unfenced.keys()).chain(self.fencing.keys()).map(|key| key.0).collect();
        rooms.into_iter().for_each(|room| self.untold(room));
        self.inside.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes what is due and says to whom it goes.
    fn take(outbox: &mut Outbox, now_ms: i64) -> Vec<String> {
        let Some(due) = outbox.take_due(now_ms) else { return Vec::new() };
        let to = due.slots.iter().filter_map(|slot| outbox.recipient(*slot, Some(due.key.1), now_ms));
        let mut to: Vec<String> = to.map(|session| session.address.as_str().to_owned()).collect();
        to.sort();
        outbox.told(now_ms, &due);
        outbox.finish(due.key);
        to
    }

    #[test]
    fn a_session_that_only_asked_keeps_its_distance_while_the_service_is_out_of_the_room() {
        let mut outbox = Outbox::new(50);
        let asker = Address::parse("hall1@localhost/A").unwrap();
        outbox.asked(0, &asker, 0, Hears::Tasks);
        outbox.take_clock();
        outbox.changed(1_000, (0, TaskId(1)), 1, []);
        assert_eq!(take(&mut outbox, 1_000), ["hall1@localhost/A"]);
        outbox.changed(1_010, (0, TaskId(1)), 2, []);
        assert_eq!(take(&mut outbox, 1_010), [""; 0]);
        assert_eq!(take(&mut outbox, 1_050), ["hall1@localhost/A"]);
        assert_eq!(outbox.told_revision(), 0, "those in the room have heard nothing");
    }

    #[test]
    fn tasks_that_wait_for_their_spacing_are_told_at_one_beat_and_never_before_it() {
        let mut outbox = Outbox::new(50);
        outbox.inside(0, 0);
        outbox.asked(0, &Address::parse("hall1@localhost/A").unwrap(), 0, Hears::Tasks);
        outbox.take_clock();
        for (task, told_ms) in [(1, 1_003), (2, 1_008)] {
            outbox.changed(told_ms, (0, TaskId(task)), task, []);
            assert_eq!(take(&mut outbox, told_ms), ["hall1@localhost/A"], "the first change is told at once");
        }
        for task in [1, 2] {
            outbox.changed(1_010, (0, TaskId(task)), task + 2, []);
        }
        assert_eq!((take(&mut outbox, 1_059), outbox.next_due_ms()), (Vec::new(), Some(1_060)));
        for _ in 0..2 {
            assert_eq!(take(&mut outbox, 1_060), ["hall1@localhost/A"]);
        }
    }

    #[test]
    fn a_true_state_was_lost_when_another_task_changed_meanwhile() {
        let mut outbox = Outbox::new(50);
        let asker = Address::parse("hall1@localhost/A").unwrap();
        outbox.inside(0, 0);
        outbox.repeat(1_000, (0, TaskId(1)), &asker);
        assert_eq!(take(&mut outbox, 1_000), ["hall1@localhost/A"]);
        outbox.repeat(1_010, (0, TaskId(1)), &asker); // to be told 50 ms after the first
        outbox.changed(1_020, (0, TaskId(2)), 1, []);
        assert_eq!(take(&mut outbox, 1_020), [""; 0], "it is not told of changes");
        assert_eq!(take(&mut outbox, 1_050), ["hall1@localhost/A"]);
        assert_eq!(outbox.sessions(0), 0);
    }

    #[test]
    fn what_only_askers_were_told_outside_of_the_room_is_not_taken_for_told() {
        let mut outbox = Outbox::new(50);
        let askers = ["hall1@localhost/A", "hall2@localhost/A"].map(|jid| Address::parse(jid).unwrap());
        askers.iter().for_each(|asker| outbox.asked(0, asker, 0, Hears::Tasks));
        outbox.take_clock();
        outbox.changed(1_000, (0, TaskId(1)), 1, []);
        let mut due = outbox.take_due(1_000).unwrap();
        let rest = due.slots.split_off(1); // the link has taken no more
        outbox.told(1_000, &due);
        outbox.put_back(due.key, &rest);
        outbox.changed(1_010, (0, TaskId(1)), 2, []);
        assert_eq!(take(&mut outbox, 1_020).len(), 1);
        assert_eq!(outbox.told_revision(), 0);
        assert!(!take(&mut outbox, 1_070).is_empty());
        assert_eq!(outbox.take_fence(), None);
        assert_eq!(outbox.told_revision(), 0, "those in the room have heard nothing");
    }

    #[test]
    fn coming_in_while_an_asker_was_being_told_counted_those_inside_as_told() {
        let mut outbox = Outbox::new(50);
        let [first, second, inside] = ["hall1", "hall2", "hall3"].map(|name| {
            let jid = format!("{name}@localhost/A");
            Address::parse(&jid).unwrap()
        });
        for asker in [&first, &second] {
            outbox.asked(0, asker, 0, Hears::Tasks);
        }
        outbox.take_clock();
        outbox.changed(1_000, (0, TaskId(1)), 1, []);
        let mut due = outbox.take_due(1_000).unwrap();
        let rest = due.slots.split_off(1); // the link has taken no more
        outbox.told(1_000, &due);
        outbox.put_back(due.key, &rest);
        outbox.joined(0, &inside);
        outbox.inside(1_010, 0);
        outbox.take_clock();
        assert_eq!(take(&mut outbox, 1_050).len(), 1, "the rest of the round");
        let fence = outbox.take_fence().unwrap();
        assert_eq!(outbox.fenced(fence), 0, "who is inside has heard nothing");
        assert!(take(&mut outbox, 1_100).contains(&"hall3@localhost/A".to_owned()));
        let fence = outbox.take_fence().unwrap();
        assert_eq!(outbox.fenced(fence), 1);
    }

    #[test]
    fn a_telling_cut_short_by_leaving_the_room_is_not_taken_for_told() {
        let mut outbox = Outbox::new(50);
        let sessions = ["hall1@localhost/A", "hall2@localhost/A"].map(|jid| Address::parse(jid).unwrap());
        let join = |outbox: &mut Outbox| sessions.iter().for_each(|session| outbox.joined(0, session));
        join(&mut outbox);
        outbox.inside(0, 0);
        outbox.changed(1_000, (0, TaskId(1)), 1, []);
        let mut due = outbox.take_due(1_000).unwrap();
        let rest = due.slots.split_off(1); // the link has taken no more
        outbox.told(1_000, &due);
        outbox.put_back(due.key, &rest);
        outbox.outside(0);
        join(&mut outbox);
        outbox.inside(2_000, 0);
        assert_eq!(take(&mut outbox, 2_000), ["hall1@localhost/A", "hall2@localhost/A"]);
        let fence = outbox.take_fence().unwrap();
        assert_eq!(outbox.fenced(fence), 1);
    }

    #[test]
    fn the_answer_to_a_fence_that_was_overtaken_was_taken_for_the_next_ones() {
        let mut outbox = Outbox::new(50);
        let session = Address::parse("hall1@localhost/A").unwrap();
        outbox.joined(0, &session);
        outbox.inside(0, 0);
        outbox.changed(100, (0, TaskId(1)), 1, []);
        take(&mut outbox, 100);
        let overtaken = outbox.take_fence().unwrap();
        outbox.outside(0); // all of it is told again
        outbox.joined(0, &session);
        outbox.inside(200, 0);
        take(&mut outbox, 200);
        let fence = outbox.take_fence().unwrap();
        assert_eq!(outbox.fenced(overtaken), 0, "what was told after it may not have arrived");
        assert_eq!(outbox.fenced(fence), 1);
    }
}
