//! Whom the service speaks to by chat lines, and what they have been told. A session is spoken to once it has shown
//! that people read it - its client is none of the deployed NEERC clients, or a line was written from it - and as long
//! as it has asked nothing in the NEERC protocol: who has is told by notifications, and never by chat.
//! Telling is by state: for each person the open tasks they know of. Not what is said: that is answers.rs.

use super::outsiders::Outsiders;
use crate::limits;
use crate::ns;
use crate::stanza::address::Address;
use crate::xml::Element;
use neerc_core::face::words::Language;
use neerc_core::people::Person;
use neerc_core::task::{TaskId, Title};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// Which client a session has, as its presence shows (XEP-0115).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Client {
    /// It does not show, or it is made with what the deployed NEERC clients are made with.
    #[default]
    Unknown,
    /// Another one, made for people to chat with.
    Chat,
    /// One of these in which nothing comes of tapping a link.
    WithoutLinks,
}

impl Client {
    /// From the node of a presence's capabilities.
    pub fn of(presence: &Element<'_>) -> Client {
        let node = presence.child("c", ns::CAPS).and_then(|caps| caps.attr("node"));
        const DEPLOYED: [&str; 2] = ["http://www.igniterealtime.org/projects/smack", "https://stanza.io"];
        const WITHOUT_LINKS: [&str; 3] =
            ["http://profanity-im.github.io", "http://www.profanity.im", "https://dino.im"];
        match node {
            Some(node) if WITHOUT_LINKS.contains(&node.trim_end_matches('/')) => Client::WithoutLinks,
            Some(node) if !DEPLOYED.contains(&node.trim_end_matches('/')) => Client::Chat,
            _ => Client::Unknown,
        }
    }
}

/// Where a session is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// Among the occupants of the room.
    InRoom,
    /// By the presence that it sends to the service, which is in its contact list.
    AsContact,
}

#[derive(Debug, Default)]
struct Listener {
    in_room: bool,
    as_contact: bool,
    /// It has asked something in the NEERC protocol.
    special: bool,
    /// It was in the room before the service, so what it asked then is not known.
    before: bool,
    /// Links are of no use in it.
    without_links: bool,
    /// A line was written from it.
    wrote: bool,
    /// It is spoken to.
    speaking: bool,
    /// When it will be, in ms.
    begins_ms: Option<i64>,
    /// The number of the last sign of it.
    heard: u64,
}

/// What is known of a person who is spoken to, or was a little while ago.
#[derive(Debug, Default)]
struct Known {
    /// Their sessions that are spoken to.
    speaking: BTreeSet<Address>,
    language: Option<Language>,
    /// The open tasks that they know of, from the time on when they are first spoken to.
    told: Option<BTreeMap<TaskId, Title>>,
    reminded_ms: Option<i64>,
    gone_ms: i64,
}

#[derive(Debug, Default)]
struct RoomContacts {
    /// The service is in the room.
    inside: bool,
    sessions: HashMap<Address, Listener>,
    /// The sessions of each account.
    accounts: HashMap<Person, Vec<Address>>,
    people: HashMap<Person, Known>,
    beginning: BTreeSet<(i64, Address)>,
    changed: BTreeSet<TaskId>,
    due_ms: Option<i64>,
    /// What is being told, and who has not heard of it.
    telling: Arc<BTreeSet<TaskId>>,
    left: VecDeque<Person>,
}

/// Everybody who may be spoken to.
#[derive(Debug)]
pub struct Contacts {
    rooms: Vec<RoomContacts>,
    /// Sessions that have asked in the NEERC protocol, with the time: most do so before they join.
    asked: HashMap<Address, i64>,
    /// How many of them each account has.
    asked_by: HashMap<Person, usize>,
    heard: u64,
    /// How often a session has come or gone.
    changes: u64,
    /// Accounts that had too many sessions in a room since the last look.
    crowded: Vec<(usize, Person)>,
    /// Occupants who were told lately where to write, with the time.
    hinted: HashMap<Address, i64>,
    outsiders: Outsiders,
    tidy_at_ms: i64,
}

/// What a session that begins to be spoken to has to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Welcome {
    /// All open tasks.
    Reminder,
    /// What has changed since the person was last told.
    News,
    /// Nothing: they have just asked something themselves.
    Silence,
}

impl Contacts {
    /// Nobody, in that many rooms.
    pub fn new(rooms: usize) -> Contacts {
        let rooms = (0..rooms).map(|_| RoomContacts::default()).collect();
        Contacts {
            rooms,
            asked: HashMap::new(),
            asked_by: HashMap::new(),
            heard: 0,
            changes: 0,
            crowded: Vec::new(),
            hinted: HashMap::new(),
            outsiders: Outsiders::default(),
            tidy_at_ms: 0,
        }
    }

    /// The stream is gone: nobody is known to be online.
    pub fn disconnected(&mut self) {
        self.changes += 1;
        for room in &mut self.rooms {
            *room = RoomContacts::default();
        }
        self.outsiders.disconnected();
    }

    /// A session is here, with that client as far as is known.
    pub fn seen(&mut self, now_ms: i64, room: usize, address: &Address, seen: Whereabouts, client: Client) {
        let special = self.asked.contains_key(address);
        self.heard += 1;
        let (heard, index) = (self.heard, room);
        let Some(room) = self.rooms.get_mut(room) else { return };
        if !room.sessions.contains_key(address) {
            let of_account = room.accounts.get(address.bare()).map_or(0, Vec::len);
            if of_account >= limits::SESSIONS_PER_ACCOUNT {
                if self.crowded.len() < limits::CROWDS {
                    self.crowded.push((index, address.person()));
                }
                let Some(last) = room.least_recent(address, seen) else { return };
                room.forget(now_ms, &last);
            }
            if room.sessions.len() >= limits::CONTACTS_PER_ROOM {
                return;
            }
            room.accounts.entry(address.person()).or_default().push(address.clone());
            self.changes += 1;
        }
        let before = seen == Whereabouts::InRoom && !room.inside;
        let session =
            room.sessions.entry(address.clone()).or_insert_with(|| Listener { before, ..Listener::default() });
        session.special |= special;
        session.heard = heard;
        session.without_links |= client == Client::WithoutLinks;
        match seen {
            Whereabouts::InRoom => session.in_room = true,
            Whereabouts::AsContact => session.as_contact = true,
        }
        if client != Client::Unknown && !session.special && !session.speaking && session.begins_ms.is_none() {
            room.begin_at(address, now_ms + limits::CHAT_GRACE_MS);
        }
    }

    /// A session is not here any more.
    pub fn left(&mut self, now_ms: i64, room: usize, address: &Address, seen: Whereabouts) {
        let Some(room) = self.rooms.get_mut(room) else { return };
        let Some(session) = room.sessions.get_mut(address) else { return };
        match seen {
            Whereabouts::InRoom => session.in_room = false,
            Whereabouts::AsContact => session.as_contact = false,
        }
        if !session.in_room && !session.as_contact {
            self.changes += 1;
            room.forget(now_ms, address);
        }
    }

    /// A session is gone from wherever it was.
    pub fn gone(&mut self, now_ms: i64, address: &Address) {
        self.changes += 1;
        self.rooms.iter_mut().for_each(|room| room.forget(now_ms, address));
    }

    /// The service is in the room, and knows who was there before it.
    pub fn inside(&mut self, room: usize) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.inside = true;
        }
    }

    /// The service is not in the room any more, and does not know who is.
    pub fn outside(&mut self, now_ms: i64, room: usize) {
        let Some(of_room) = self.rooms.get_mut(room) else { return };
        of_room.inside = false;
        let there: Vec<Address> = of_room.sessions.keys().cloned().collect();
        there.iter().for_each(|address| self.left(now_ms, room, address, Whereabouts::InRoom));
    }

    /// A session has asked something in the NEERC protocol: from now on it is told by notifications only. Returns the
    /// rooms in which that is news.
    pub fn asked(&mut self, now_ms: i64, address: &Address) -> Vec<usize> {
        if self.asked.get(address).is_some_and(|asked_ms| now_ms - asked_ms < limits::ASKER_MS / 2) {
            return Vec::new(); // all rooms know already
        }
        let of_account = self.asked_by.entry(address.person()).or_default();
        let has_room = self.asked.len() < limits::THROTTLED_SESSIONS && *of_account < limits::SESSIONS_PER_ACCOUNT;
        if (has_room || self.asked.contains_key(address)) && self.asked.insert(address.clone(), now_ms).is_none() {
            *of_account += 1;
        }
        let mut news = Vec::new();
        for (index, room) in self.rooms.iter_mut().enumerate() {
            if let Some(session) = room.sessions.get_mut(address)
                && !std::mem::replace(&mut session.special, true)
            {
                room.silence(now_ms, address);
                news.push(index);
            }
        }
        news
    }

    /// A session that was to be spoken to belongs to nobody in the room; it begins anew when it is seen again.
    pub fn not_yet(&mut self, now_ms: i64, room: usize, address: &Address) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.silence(now_ms, address);
        }
    }

    /// A line was written from a session, and is answered in that language.
    pub fn wrote(&mut self, now_ms: i64, room: usize, address: &Address, language: Language) {
        if self.is_outside(room, address) {
            self.outsiders.wrote(now_ms, room, address, language);
        }
        let Some(room) = self.rooms.get_mut(room) else { return };
        if !room.people.contains_key(address.bare()) && room.people.len() >= limits::CONTACTS_PER_ROOM {
            return;
        }
        let known =
            room.people.entry(address.person()).or_insert_with(|| Known { gone_ms: now_ms, ..Known::default() });
        known.language = Some(language);
        let Some(session) = room.sessions.get_mut(address) else { return };
        session.wrote = true;
        if !session.special && !session.speaking {
            room.begin_at(address, now_ms);
        }
    }

    /// A task of the room has changed.
    pub fn changed(&mut self, now_ms: i64, room: usize, task: TaskId) {
        let Some(room) = self.rooms.get_mut(room) else { return };
        if room.people.is_empty() {
            return; // nobody is told, and who comes is told of everything
        }
        room.changed.insert(task);
        room.due_ms.get_or_insert(now_ms + limits::CHAT_GATHER_MS);
    }

    /// Whether nothing can reach somebody, since no session of theirs is known: none is in the room nor sends us its
    /// presence. Sessions that ask in the NEERC protocol know what they do.
    fn is_outside(&self, room: usize, address: &Address) -> bool {
        let known = self.rooms.get(room).is_some_and(|room| room.accounts.contains_key(address.bare()));
        !known && !self.asked.contains_key(address)
    }

    /// The next session that wrote some time ago and that nothing can reach still.
    pub fn take_outsider(&mut self, now_ms: i64) -> Option<(usize, Address, Language)> {
        while let Some((room, address, language)) = self.outsiders.take(now_ms) {
            if self.is_outside(room, &address) {
                return Some((room, address, language));
            }
        }
        None
    }

    /// When somebody is to be told something, in ms.
    pub fn next_due_ms(&self) -> i64 {
        let of_room = |room: &RoomContacts| {
            let begins = room.beginning.first().map_or(i64::MAX, |(at, _)| *at);
            let told = if room.left.is_empty() { room.due_ms.unwrap_or(i64::MAX) } else { i64::MIN };
            begins.min(told)
        };
        let of_rooms = self.rooms.iter().map(of_room).min().unwrap_or(i64::MAX);
        of_rooms.min(self.outsiders.next_due_ms())
    }

    /// The next session that is to be spoken to from now on, with what it has to hear.
    pub fn take_beginning(&mut self, now_ms: i64) -> Option<(usize, Address, Welcome)> {
        for (index, room) in self.rooms.iter_mut().enumerate() {
            let Some((at, address)) = room.beginning.first().cloned() else { continue };
            if at > now_ms {
                continue;
            }
            room.beginning.pop_first();
            let Some(session) = room.sessions.get_mut(&address) else { continue };
            session.begins_ms = None;
            session.speaking = true;
            let known = room.people.entry(address.person()).or_default();
            known.speaking.insert(address.clone());
            let reminded = known.reminded_ms.is_some_and(|at| now_ms - at < limits::REMINDER_MS);
            let welcome = match (session.wrote, known.told.is_some()) {
                (true, false) => Welcome::Silence,
                (false, told) if !told || !reminded => Welcome::Reminder,
                _ => Welcome::News,
            };
            return Some((index, address, welcome));
        }
        None
    }

    /// Whether a session needs no notifications, since people read there what is said to it: a line was written from it,
    /// or it came and asked nothing.
    pub fn needs_words_only(&self, room: usize, address: &Address) -> bool {
        let session = self.rooms.get(room).and_then(|room| room.sessions.get(address));
        session.is_some_and(|session| !session.special && (session.wrote || !session.before))
    }

    /// The next person who is to hear of changed tasks of a room.
    pub fn take_hearer(&mut self, now_ms: i64) -> Option<(usize, Person, Arc<BTreeSet<TaskId>>)> {
        for (index, room) in self.rooms.iter_mut().enumerate() {
            if room.left.is_empty() && room.due_ms.is_some_and(|due_ms| due_ms <= now_ms) {
                room.due_ms = None;
                room.telling = Arc::new(std::mem::take(&mut room.changed));
                let hearers =
                    room.people.iter().filter(|(_, known)| !known.speaking.is_empty() && known.told.is_some());
                room.left = hearers.map(|(person, _)| person.clone()).collect();
            }
            if let Some(person) = room.left.pop_front() {
                return Some((index, person, room.telling.clone()));
            }
        }
        None
    }

    /// The open tasks that a person is known to know of; `None` where nothing is known of them.
    pub fn told(&mut self, room: usize, person: &Person) -> Option<&mut BTreeMap<TaskId, Title>> {
        self.rooms.get_mut(room)?.people.get_mut(person)?.told.as_mut()
    }

    /// A person has been told of all these open tasks.
    pub fn reminded(&mut self, now_ms: i64, room: usize, person: &Person, open: BTreeMap<TaskId, Title>) {
        let Some(known) = self.rooms.get_mut(room).and_then(|room| room.people.get_mut(person)) else { return };
        known.reminded_ms = Some(now_ms);
        known.told = Some(open);
    }

    /// The sessions of a person that are spoken to.
    pub fn speaking(&self, room: usize, person: &Person) -> Vec<Address> {
        let known = self.rooms.get(room).and_then(|room| room.people.get(person));
        known.map(|known| known.speaking.iter().cloned().collect()).unwrap_or_default()
    }

    /// The language that a person was last answered in.
    pub fn language(&self, room: usize, person: &Person) -> Option<Language> {
        self.rooms.get(room)?.people.get(person)?.language
    }

    /// Whether links are of use to a person: in none of their sessions they are noise.
    pub fn has_links(&self, room: usize, person: &Person) -> bool {
        let room = self.rooms.get(room);
        let sessions = room.and_then(|room| Some((room, room.accounts.get(person.bare())?)));
        !sessions.is_some_and(|(room, sessions)| {
            sessions.iter().filter_map(|address| room.sessions.get(address)).any(|session| session.without_links)
        })
    }

    /// A number that is another one whenever others may be online.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// The people of the room who are online, by bare JID.
    pub fn online(&self, room: usize) -> BTreeSet<&str> {
        self.rooms.get(room).into_iter().flat_map(|room| room.sessions.keys()).map(Address::bare).collect()
    }

    /// Accounts that had too many sessions since the last call.
    pub fn take_crowded(&mut self) -> Vec<(usize, Person)> {
        std::mem::take(&mut self.crowded)
    }

    /// Whether an occupant may be told now where to write; from then on not for a while.
    pub fn hint(&mut self, now_ms: i64, occupant: &Address) -> bool {
        if self.hinted.contains_key(occupant) || self.hinted.len() >= limits::THROTTLED_SESSIONS {
            return false;
        }
        self.hinted.insert(occupant.clone(), now_ms);
        true
    }

    /// Forgets what is of no use any more.
    pub fn tidy(&mut self, now_ms: i64) {
        if now_ms < self.tidy_at_ms {
            return;
        }
        self.tidy_at_ms = now_ms + limits::TIDY_MS;
        self.asked.retain(|_, asked_ms| now_ms - *asked_ms <= limits::ASKER_MS);
        self.asked_by.clear();
        for address in self.asked.keys() {
            *self.asked_by.entry(address.person()).or_default() += 1;
        }
        self.hinted.retain(|_, hinted_ms| now_ms - *hinted_ms <= limits::HINT_MS);
        for room in &mut self.rooms {
            room.people.retain(|_, known| !known.speaking.is_empty() || now_ms - known.gone_ms <= limits::REMINDER_MS);
        }
    }
}

impl RoomContacts {
    fn begin_at(&mut self, address: &Address, at_ms: i64) {
        let Some(session) = self.sessions.get_mut(address) else { return };
        if let Some(before) = session.begins_ms.replace(at_ms) {
            self.beginning.remove(&(before, address.clone()));
        }
        self.beginning.insert((at_ms, address.clone()));
    }

    fn silence(&mut self, now_ms: i64, address: &Address) {
        let Some(session) = self.sessions.get_mut(address) else { return };
        if let Some(begins_ms) = session.begins_ms.take() {
            self.beginning.remove(&(begins_ms, address.clone()));
        }
        if std::mem::take(&mut session.speaking)
            && let Some(known) = self.people.get_mut(address.bare())
        {
            known.speaking.remove(address);
            known.gone_ms = now_ms;
        }
    }

    fn forget(&mut self, now_ms: i64, address: &Address) {
        self.silence(now_ms, address);
        if self.sessions.remove(address).is_some()
            && let Some(sessions) = self.accounts.get_mut(address.bare())
        {
            sessions.retain(|session| session != address);
            if sessions.is_empty() {
                self.accounts.remove(address.bare());
            }
        }
    }

    /// The session of the same account that goes for one that is seen now: that of which nothing was heard for longest, but
    /// nobody who is in the room for somebody who is not.
    fn least_recent(&self, address: &Address, seen: Whereabouts) -> Option<Address> {
        let sessions = self.accounts.get(address.bare())?.iter();
        let known = sessions.filter_map(|address| Some((address, self.sessions.get(address)?)));
        let (last, session) = known.min_by_key(|(_, session)| (session.in_room, session.heard))?;
        (seen == Whereabouts::InRoom || !session.in_room).then(|| last.clone())
    }
}
