//! Who still has to be told of what. Telling is by state, not by queue: for each task that changed, the set of sessions
//! that have not been told of its newest state. The state itself is read when the link takes it, so a burst of changes
//! coalesces, memory is bounded, and no session hears of one task more often than the spacing allows.
//! Who may be told is in sessions.rs, who is told all of it one after another in late.rs, what was told to whoever has gone in
//! gone.rs, what is held back for a while in held.rs. Not the writing of it: that is neerc.rs.

pub mod slots;

mod gone;
mod held;
mod late;
mod sessions;

use self::gone::Gone;
pub use self::gone::Owed;
use self::held::{Held, Missed};
use self::late::Late;
pub use self::late::Why;
use self::sessions::Sessions;
pub use self::sessions::{Crowd, Hears, Session};
use crate::chat::contacts::Client;
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
pub struct Due {
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
    slots: Sessions,
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
    /// Told, but not known to have arrived at the server, with the first revision and who lost the task.
    unfenced: BTreeMap<Key, (u64, Losers)>,
    fencing: BTreeMap<Key, (u64, Losers)>,
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
            second_looks: BTreeSet::new(),
            gone: Gone::default(),
            held: Held::default(),
            late: Late::default(),
            knew: HashSet::new(),
            unfenced: BTreeMap::new(),
            fencing: BTreeMap::new(),
            fence: 0,
            latest_revision: 0,
            inside: BTreeSet::new(),
        }
    }

    // Sessions

    /// The session of that address, made if there is none and there is room for it. `joined`: it is seen in the room.
    fn session(&mut self, room: usize, address: &Address, joined: bool) -> Option<&mut Session> {
        let (slot, pushed_out) = self.slots.place(room, address, joined, self.gone.last())?;
        if let Some(pushed_out) = pushed_out {
            self.forget(pushed_out);
        }
        self.slots.get_mut(slot)
    }

    /// The session is in the room, with that client as far as is known.
    pub fn joined(&mut self, room: usize, address: &Address, client: Client) {
        let inside = self.inside.contains(&room);
        if let Some(session) = self.session(room, address, true) {
            session.joined = true;
            // Who comes while the service is here is answered when they ask.
            session.knows |= inside;
            session.chats |= client == Client::Chat;
        }
    }

    /// A message to the session came back, and the room may have it still: it is told nothing before the room has said so.
    pub fn hold(&mut self, room: usize, address: &Address) {
        let Some(slot) = self.slots.slot(room, address) else { return };
        let of_room = self.pending.range((room, TaskId(0))..=(room, TaskId(u64::MAX)));
        let due = of_room.filter(|(_, pending)| pending.waiting.contains(slot) || pending.again.contains(slot));
        let late = self.late.listed(slot);
        self.held.hold(room, address, due.map(|((_, task), _)| *task).chain(late));
        self.forget(slot);
    }

    /// The session is in the room: if it was held, it is told of what it missed.
    pub fn release(&mut self, now_ms: i64, room: usize, address: &Address) {
        let Some(missed) = self.held.release(room, address) else { return };
        let Some(slot) = self.slots.slot(room, address) else { return };
        self.clock_waiting.insert(slot);
        match missed {
            Missed::Tasks(tasks) => self.tell_late(now_ms, slot, Why::Missed, tasks.into_iter().collect()),
            Missed::Everything => self.tell_all(now_ms, slot),
        }
    }

    /// The session has left the room. It is told nothing more unless it has sent presence to the service itself.
    pub fn left(&mut self, room: usize, address: &Address) {
        self.withdraw(room, address, |session| session.joined = false);
    }

    /// The session has left the room at a time that nobody told of, so it may have asked after that.
    pub fn missing(&mut self, room: usize, address: &Address) {
        self.held.release(room, address);
        let Some(slot) = self.slots.slot(room, address) else { return };
        let Some(session) = self.slots.get_mut(slot) else { return };
        session.joined = false;
        if !session.directed && session.asked_ms.is_none() {
            self.forget(slot);
        }
    }

    /// The session has sent presence to the service itself.
    pub fn directed(&mut self, room: usize, address: &Address) {
        if let Some(session) = self.session(room, address, false) {
            session.directed = true;
        }
    }

    /// The session has taken its presence to the service back. It is told nothing more unless it is in the room.
    pub fn undirected(&mut self, room: usize, address: &Address) {
        self.withdraw(room, address, |session| session.directed = false);
    }

    /// Takes back one reason to tell the session of changes; having asked is none any more either.
    fn withdraw(&mut self, room: usize, address: &Address, reason: impl FnOnce(&mut Session)) {
        self.held.release(room, address);
        let Some(slot) = self.slots.slot(room, address) else { return };
        let Some(session) = self.slots.get_mut(slot) else { return };
        reason(session);
        session.asked_ms = None;
        if !session.joined && !session.directed {
            self.forget(slot);
        }
    }

    /// The session is gone from wherever it was.
    pub fn gone(&mut self, address: &Address) {
        for room in self.slots.rooms() {
            if let Some(slot) = self.slots.slot(room, address) {
                self.forget(slot);
            }
        }
    }

    /// The session has asked for the tasks of the room, so it knows all that is committed. The first time the clock is
    /// sent to it as well, and it is looked at once more a little later: some clients hear nothing before they have drawn
    /// the list, and servers hand on then what they kept for a session of the same account that has gone.
    pub fn asked(&mut self, room: usize, address: &Address, now_ms: i64, hears: Hears) {
        self.held.release(room, address);
        let Some(session) = self.session(room, address, false) else { return };
        session.asked_ms = Some(now_ms);
        session.hears = hears;
        session.by_chat = false;
        session.knows = true;
        let is_first = session.second_look_ms.is_none();
        let look_ms = *session.second_look_ms.get_or_insert(now_ms + limits::SECOND_LOOK_MS);
        let Some(slot) = self.slots.slot(room, address) else { return };
        self.late.needs_not_all(slot);
        if is_first {
            self.clock_waiting.insert(slot);
            self.second_looks.insert((look_ms, slot));
        }
    }

    /// People read what is sent to the session, and it has not asked for the tasks: it is told by chat lines instead.
    pub fn by_chat(&mut self, room: usize, address: &Address) {
        if let Some(session) = self.slots.find(room, address) {
            session.by_chat = true;
        }
    }

    /// The session has shown that a program reads what is sent to it.
    pub fn by_notifications(&mut self, room: usize, address: &Address) {
        if let Some(session) = self.slots.find(room, address) {
            session.by_chat = false;
        }
    }

    fn forget(&mut self, slot: usize) {
        let Some(session) = self.slots.remove(slot) else { return };
        self.gone.left(session.room, &session.person, session.since);
        if let Some(look_ms) = session.second_look_ms {
            self.second_looks.remove(&(look_ms, slot));
        }
        self.late.remove(slot);
        self.clock_waiting.remove(slot);
        for pending in self.pending.values_mut() {
            pending.waiting.remove(slot);
            pending.again.remove(slot);
        }
    }

    /// The session may not see a change: it cannot hear differences any more, until it asks again.
    pub fn misses(&mut self, slot: usize) {
        if let Some(session) = self.slots.get_mut(slot) {
            session.hears = Hears::Tasks;
        }
    }

    /// How many sessions are told of changes in a room.
    pub fn sessions(&self, room: usize) -> usize {
        self.slots.count(room)
    }

    /// The session in a slot, if it is still to be told of that task; of anything else, if none is given.
    pub fn recipient(&self, slot: usize, task: Option<TaskId>, now_ms: i64) -> Option<&Session> {
        let session = self.slots.get(slot)?;
        let awaited = task.is_some_and(|task| session.repeats.contains(&task));
        (awaited || (session.is_live(now_ms) && !session.by_chat)).then_some(session)
    }

    /// Where sessions had to make room for others, or were not taken, since the last call.
    pub fn take_crowds(&mut self) -> Vec<Crowd> {
        self.slots.take_crowds()
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
        let session = self.slots.get(slot)?;
        Some((slot, self.gone.owed(now_ms, session.room, &session.person)))
    }

    /// The session of a slot is to be told the true state of all these tasks, one after another.
    pub fn tell_late(&mut self, now_ms: i64, slot: usize, why: Why, tasks: Vec<TaskId>) {
        self.late.list(now_ms, slot, why, tasks);
    }

    /// The session of a slot is to be told of all tasks of its room.
    pub fn tell_all(&mut self, now_ms: i64, slot: usize) {
        self.late.add(now_ms, slot);
    }

    /// The next session that is to be told of all tasks, for which there is no list of them yet.
    pub fn take_late(&mut self, now_ms: i64) -> Option<(usize, &Session)> {
        loop {
            let slot = self.late.take(now_ms)?;
            if self.slots.get(slot).is_some_and(|session| !session.by_chat && session.is_live(now_ms)) {
                return Some((slot, self.slots.get(slot)?));
            }
        }
    }

    /// A little of what is told late is due from now on; `size` says about how long the notification of a task is.
    pub fn go_on_late(&mut self, now_ms: i64, size: impl Fn(usize, TaskId) -> usize) {
        let sized = |slot, task| self.slots.get(slot).map_or(0, |session: &Session| size(session.room, task));
        for (slot, task, why) in self.late.beat(now_ms, sized) {
            let Some(session) = self.slots.get_mut(slot).filter(|session| !session.by_chat) else { continue };
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
        if let Some(of_room) = self.slots.of_room(key.0) {
            pending.wait(of_room);
        }
    }

    /// One session must hear the true state of a task, whether or not it is told of changes otherwise.
    pub fn repeat(&mut self, now_ms: i64, key: Key, address: &Address) {
        let Some(session) = self.session(key.0, address, false) else { return };
        session.repeats.insert(key.1);
        let Some(slot) = self.slots.slot(key.0, address) else { return };
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
        self.slots.all().for_each(|slot| self.clock_waiting.insert(slot));
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
        if !due.slots.is_empty() {
            self.gone.told(now_ms, due.key);
        }
        for &slot in &due.slots {
            let Some(session) = self.slots.get_mut(slot) else { continue };
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
                    let unfenced = self.unfenced.entry(key).or_insert((u64::MAX, Losers::default()));
                    unfenced.0 = unfenced.0.min(pending.since);
                    unfenced.1.add(pending.lost.clone());
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
            let unfenced = self.unfenced.entry(key).or_insert((u64::MAX, Losers::default()));
            unfenced.0 = unfenced.0.min(pending.since);
            unfenced.1.add(pending.lost);
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
            let unfenced = self.unfenced.entry(key).or_insert((u64::MAX, Losers::default()));
            unfenced.0 = unfenced.0.min(since);
            unfenced.1.add(lost);
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
                if let Some(of_room) = self.slots.of_room(room) {
                    pending.wait(of_room);
                }
                self.order.remove(&(pending.due_ms, key));
                pending.due_ms = spaced_ms.map_or(now_ms, |spaced_ms| spaced_ms.max(now_ms));
                self.order.insert((pending.due_ms, key));
            }
        }
        // Clients count by themselves in between; they may have missed that the clock was stopped.
        if let Some(of_room) = self.slots.of_room(room) {
            self.clock_waiting.union(of_room);
        }
        self.note_who_knows_nothing(now_ms, room);
    }

    /// Who was in the room before the service may have asked while nobody answered, and most clients ask only once: whoever
    /// is not known from before is told of everything, unless they ask soon.
    fn note_who_knows_nothing(&mut self, now_ms: i64, room: usize) {
        let here: Vec<usize> = self.slots.of_room(room).map(|slots| slots.iter().collect()).unwrap_or_default();
        for slot in here {
            let Some(session) = self.slots.get_mut(slot) else { continue };
            let key = (room, session.address.clone());
            let knows = std::mem::replace(&mut session.knows, true) || self.knew.contains(&key);
            if session.joined && !session.chats && !knows {
                self.late.add(now_ms, slot);
            }
        }
        self.knew.retain(|(of, _)| *of != room);
    }

    /// Remembers who of a room knows everything, since nobody knows for a while who is there.
    fn note_who_knows(&mut self, room: usize) {
        let holders = self.late.holders();
        for slot in self.slots.of_room(room).into_iter().flat_map(Slots::iter) {
            if let Some(session) = self.slots.get(slot)
                && session.knows
                && !holders.contains(&slot)
            {
                self.knew.insert((room, session.address.clone()));
            }
        }
    }

    /// The service is not in the room any more; who is there is not known.
    pub fn outside(&mut self, room: usize) {
        self.inside.remove(&room);
        self.held.outside(room);
        self.note_who_knows(room);
        let here: Vec<usize> = self.slots.of_room(room).map(|slots| slots.iter().collect()).unwrap_or_default();
        let gone: Vec<usize> = here
            .into_iter()
            .filter(|slot| {
                let Some(session) = self.slots.get_mut(*slot) else { return false };
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
            pending.lost.add(lost);
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
        for room in self.slots.rooms() {
            self.note_who_knows(room);
        }
        for session in self.slots.drain() {
            self.gone.left(session.room, &session.person, session.since);
        }
        self.second_looks.clear();
        self.held.clear();
        self.late.clear();
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
mod tests;
