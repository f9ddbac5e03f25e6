//! Who still has to be told of what. Telling is by state, not by queue: for each task that changed, the set of sessions
//! that have not been told of its newest state. The state itself is read when the link takes it, so a burst of changes
//! coalesces, memory is bounded, and no session hears of one task more often than the spacing allows.
//! Not the writing of it: that is neerc.rs.

use crate::address::Address;
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
    joined: bool,
    directed: bool,
    asked_ms: Option<i64>,
    /// To be told what is due now and then forgotten.
    once: bool,
    clock_sent: bool,
}

impl Session {
    fn is_live(&self, now_ms: i64) -> bool {
        self.joined || self.directed || self.asked_ms.is_some_and(|asked| now_ms - asked <= limits::ASKER_MS)
    }
}

#[derive(Debug, Default)]
struct Slots {
    sessions: Vec<Option<Session>>,
    free: Vec<usize>,
    index: HashMap<(usize, Address), usize>,
    per_room: HashMap<usize, usize>,
}

#[derive(Debug, Default)]
struct Pending {
    /// The first revision that somebody has not been told of; `u64::MAX` where only a true state is repeated.
    since: u64,
    due_ms: i64,
    /// Everybody who is in the room once the service is in it.
    everybody: bool,
    waiting: BTreeSet<usize>,
    lost: BTreeSet<Person>,
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
}

/// The outbox.
#[derive(Debug)]
pub struct Outbox {
    spacing_ms: i64,
    slots: Slots,
    pending: BTreeMap<Key, Pending>,
    order: BTreeSet<(i64, Key)>,
    last_told_ms: HashMap<Key, i64>,
    clock_waiting: BTreeSet<usize>,
    /// Told, but not known to have arrived at the server, with the first revision and who lost the task.
    unfenced: BTreeMap<Key, (u64, BTreeSet<Person>)>,
    fencing: BTreeMap<Key, (u64, BTreeSet<Person>)>,
    latest_revision: u64,
    inside: BTreeSet<usize>,
}

impl Outbox {
    /// An empty outbox with that spacing of the updates of one task.
    pub fn new(spacing_ms: i64) -> Outbox {
        Outbox {
            spacing_ms,
            slots: Slots::default(),
            pending: BTreeMap::new(),
            order: BTreeSet::new(),
            last_told_ms: HashMap::new(),
            clock_waiting: BTreeSet::new(),
            unfenced: BTreeMap::new(),
            fencing: BTreeMap::new(),
            latest_revision: 0,
            inside: BTreeSet::new(),
        }
    }

    // Sessions

    fn session(&mut self, room: usize, address: &Address) -> Option<&mut Session> {
        let key = (room, address.clone());
        if let Some(&slot) = self.slots.index.get(&key) {
            return self.slots.sessions[slot].as_mut();
        }
        let count = self.slots.per_room.entry(room).or_default();
        if *count >= limits::SESSIONS_PER_ROOM {
            return None;
        }
        *count += 1;
        let session = Session {
            room,
            address: address.clone(),
            person: address.person(),
            joined: false,
            directed: false,
            asked_ms: None,
            once: false,
            clock_sent: false,
        };
        let slot = self.slots.free.pop().unwrap_or_else(|| {
            self.slots.sessions.push(None);
            self.slots.sessions.len() - 1
        });
        self.slots.index.insert(key, slot);
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
        let Some(&slot) = self.slots.index.get(&(room, address.clone())) else { return };
        let Some(session) = &mut self.slots.sessions[slot] else { return };
        session.joined = false;
        session.asked_ms = None;
        if !session.directed {
            self.forget(slot);
        }
    }

    /// The session has sent presence to the service itself.
    pub fn directed(&mut self, room: usize, address: &Address) {
        if let Some(session) = self.session(room, address) {
            session.directed = true;
        }
    }

    /// The session is gone from wherever it was.
    pub fn gone(&mut self, address: &Address) {
        for room in 0..=self.slots.per_room.keys().max().copied().unwrap_or(0) {
            if let Some(&slot) = self.slots.index.get(&(room, address.clone())) {
                self.forget(slot);
            }
        }
    }

    /// The session has asked for the tasks of the room, so it knows all that is committed. Says whether the clock is
    /// still to be sent to it.
    pub fn asked(&mut self, room: usize, address: &Address, now_ms: i64) {
        let Some(session) = self.session(room, address) else { return };
        session.asked_ms = Some(now_ms);
        if !std::mem::replace(&mut session.clock_sent, true)
            && let Some(&slot) = self.slots.index.get(&(room, address.clone()))
        {
            self.clock_waiting.insert(slot);
        }
    }

    fn forget(&mut self, slot: usize) {
        let Some(session) = self.slots.sessions[slot].take() else { return };
        if let Some(count) = self.slots.per_room.get_mut(&session.room) {
            *count = count.saturating_sub(1);
        }
        self.slots.index.remove(&(session.room, session.address));
        self.slots.free.push(slot);
        self.clock_waiting.remove(&slot);
        for pending in self.pending.values_mut() {
            pending.waiting.remove(&slot);
        }
    }

    /// How many sessions are told of changes in a room.
    pub fn sessions(&self, room: usize) -> usize {
        self.slots.per_room.get(&room).copied().unwrap_or(0)
    }

    /// The session in a slot, if it is still to be told.
    pub fn recipient(&self, slot: usize, now_ms: i64) -> Option<&Session> {
        let session = self.slots.sessions.get(slot)?.as_ref()?;
        (session.once || session.is_live(now_ms)).then_some(session)
    }

    // Changes

    /// A change with that revision is committed; everybody in the room must hear of the task.
    pub fn changed(&mut self, now_ms: i64, key: Key, revision: u64, lost: impl IntoIterator<Item = Person>) {
        self.latest_revision = self.latest_revision.max(revision);
        let inside = self.inside.contains(&key.0);
        let everybody: Vec<usize> = if inside { self.slots_of(key.0) } else { Vec::new() };
        let pending = self.pend(now_ms, key, revision);
        pending.everybody |= !inside;
        pending.lost.extend(lost);
        pending.waiting.extend(everybody);
    }

    /// One session must hear the true state of a task, whether or not it is told of changes otherwise.
    pub fn repeat(&mut self, now_ms: i64, key: Key, address: &Address) {
        let Some(session) = self.session(key.0, address) else { return };
        session.once = true;
        let Some(&slot) = self.slots.index.get(&(key.0, address.clone())) else { return };
        self.pend(now_ms, key, u64::MAX).waiting.insert(slot);
    }

    fn slots_of(&self, room: usize) -> Vec<usize> {
        let of_room =
            |(slot, session): (usize, &Option<Session>)| session.as_ref().filter(|s| s.room == room).map(|_| slot);
        self.slots.sessions.iter().enumerate().filter_map(of_room).collect()
    }

    fn pend(&mut self, now_ms: i64, key: Key, revision: u64) -> &mut Pending {
        let due_ms = self.last_told_ms.get(&key).map_or(now_ms, |told| (told + self.spacing_ms).max(now_ms));
        let new = || Pending { since: u64::MAX, due_ms, ..Pending::default() };
        let pending = self.pending.entry(key).or_insert_with(new);
        self.order.insert((pending.due_ms, key));
        pending.since = pending.since.min(revision);
        pending
    }

    /// The contest clock must be sent to everybody.
    pub fn clock_changed(&mut self) {
        let all = self.slots.sessions.iter().enumerate().filter(|(_, session)| session.is_some()).map(|(slot, _)| slot);
        self.clock_waiting = all.collect();
    }

    /// The sessions that the clock is to be sent to.
    pub fn take_clock(&mut self) -> BTreeSet<usize> {
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
            let slots = std::mem::take(&mut pending.waiting).into_iter().collect();
            return Some(Due { key, slots, lost: pending.lost.clone() });
        }
    }

    /// The rest of a due task that did not fit; it stays first in order.
    pub fn put_back(&mut self, key: Key, rest: &[usize]) {
        if let Some(pending) = self.pending.get_mut(&key) {
            pending.waiting.extend(rest);
            self.order.insert((pending.due_ms, key));
        }
    }

    /// The sessions of `due` have been told of the task as it is now.
    pub fn told(&mut self, now_ms: i64, due: &Due) {
        self.last_told_ms.insert(due.key, now_ms);
        for &slot in &due.slots {
            let Some(session) = self.slots.sessions[slot].as_mut() else { continue };
            session.once = false;
            if !session.is_live(now_ms) {
                self.forget(slot);
            }
        }
    }

    /// All who waited for a task have been told of it.
    pub fn finish(&mut self, key: Key) {
        let Some(pending) = self.pending.get(&key) else { return };
        if pending.everybody && !self.inside.contains(&key.0) {
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
    pub fn fence_lost(&mut self) {
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

    /// Whether something was told that a fence should follow. From then on it is under way.
    pub fn take_fence(&mut self) -> bool {
        if !self.needs_fence() {
            return false;
        }
        self.fencing = std::mem::take(&mut self.unfenced);
        true
    }

    /// The server has everything that was told before the fence. Returns the revision up to which everybody has been
    /// told of everything.
    pub fn fenced(&mut self) -> u64 {
        self.fencing.clear();
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
        let slots = self.slots_of(room);
        let keys: Vec<Key> =
            self.pending.range((room, TaskId(0))..=(room, TaskId(u64::MAX))).map(|(key, _)| *key).collect();
        for key in keys {
            let Some(pending) = self.pending.get_mut(&key) else { continue };
            if std::mem::take(&mut pending.everybody) {
                pending.waiting.extend(&slots);
                self.order.remove(&(pending.due_ms, key));
                pending.due_ms = now_ms;
                self.order.insert((now_ms, key));
            }
        }
    }

    /// The service is not in the room any more; who is there is not known.
    pub fn outside(&mut self, room: usize) {
        self.inside.remove(&room);
        let gone: Vec<usize> = self
            .slots_of(room)
            .into_iter()
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
        for (_, pending) in self.pending.range_mut((room, TaskId(0))..=(room, TaskId(u64::MAX))) {
            pending.everybody |= pending.since != u64::MAX;
        }
    }

    /// The link is gone: no session is known to be there, and what the server did not confirm is told again.
    pub fn disconnected(&mut self) {
        self.slots = Slots::default();
        self.clock_waiting.clear();
        self.pending.retain(|_, pending| {
            pending.waiting.clear();
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
