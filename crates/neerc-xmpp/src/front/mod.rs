//! The whole XMPP side as one value: bytes, answers, changes and the time go in; bytes, asks and events come out. No
//! sockets, no clock, no tasks of its own: the [`World`] is handed in to be read, and every write is an [`Ask`].
//!
//! The order of a call's effects is the order of the calls. A panic here means a bug, never bad input.

mod admins;
mod asks;
mod chat;
mod commands;
mod conversations;
mod endpoints;
mod faces;
mod hall;
mod iq;
mod keeping;
mod lanes;
mod late;
mod leaving;
mod link;
mod notice;
mod plans;
mod presences;
mod reminders;
mod replies;
mod runs;
mod settings;
mod speaking;
mod stream;
mod telling;
mod unknown;

use self::asks::Asks;
use self::commands::Commanded;
use self::conversations::Conversations;
use self::endpoints::EndpointWords;
pub use self::endpoints::{EndpointNews, EndpointTrouble};
use self::hall::Hall;
use self::iq::PendingIq;
use self::keeping::KeepingWords;
use self::lanes::{Arrival, Lanes};
use self::leaving::Leavings;
pub use self::leaving::Undecided;
use self::notice::Written;
use self::plans::PlanWords;
use self::presences::Presences;
use self::reminders::Reminders;
use self::runs::RunWords;
pub use self::settings::{FrontEvent, FrontSettings};
use self::stream::{Enters, Stream};
use self::unknown::Unknown;
use crate::adhoc::Commands;
use crate::chat::contacts::{Contacts, Whereabouts};
use crate::chat::watchers::Watchers;
use crate::notify::{Crowd, Outbox};
use crate::room::groups::Groups;
use crate::room::{RoomEvent, RoomSettings, RoomWatch};
use crate::server::{Server, Software};
use crate::stanza::Shell;
use crate::stanza::address::Address;
use crate::stanza::wire::Wire;
use crate::throttle::Throttle;
use crate::xep::entity::{Entity, Target};
use crate::xep::receipt;
use crate::xml::Element;
use neerc_core::board::Done;
use neerc_core::change::Room;
use neerc_core::clocks::Clocks;
use neerc_core::command::Command;
use neerc_core::ledger::{Ask, Face, Token};
use neerc_core::people::{Group, People, Person};
use neerc_core::refusal::Refusal;
use neerc_core::view::{RoomScene, Visibility};
use neerc_core::world::World;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

/// Who waits for an ask to be decided.
#[derive(Debug)]
enum Asker {
    /// A request of a client.
    Iq(PendingIq<'static>),
    /// An ad-hoc command.
    Command(Box<Commanded>),
    /// A chat line of that session.
    Line(Address),
}

/// The XMPP side.
///
/// The order in which it is called:
///
/// 1. [`Front::connected`] when there is a connection; from then on [`Front::receive`] with what is read, and
///    [`Front::disconnected`] when it is gone or after [`FrontEvent::Ended`].
/// 2. [`Front::poll`] after every other call, until it has nothing more.
/// 3. [`Front::answer`] once for each [`FrontEvent::Ask`], and then [`Front::tell`] for what was stored, in both cases also
///    while there is no connection.
/// 4. [`Front::transmit`] whenever the link is free, then [`Front::resume`].
/// 5. [`Front::timeout`] no later than [`Front::next_timeout_ms`].
/// 6. [`Front::close`] last, with one more [`Front::transmit`], then [`Front::receive`] until it [has left](Front::has_left).
#[derive(Debug)]
pub struct Front {
    settings: FrontSettings,
    stream: Stream,
    wire: Wire,
    halls: Vec<Hall>,
    groups: Groups,
    entity: Entity,
    outbox: Outbox,
    asks: Asks<Asker>,
    commands: Commands,
    throttle: Throttle,
    lanes: Lanes,
    /// What the stanza at hand has cost besides its answers, as bytes of answers.
    work_bytes: usize,
    unknown: Unknown,
    leavings: Leavings,
    server: Server,
    events: VecDeque<FrontEvent>,
    ready: bool,
    presences: Presences,
    /// Crowds of sessions that were reported.
    crowds: HashSet<Crowd>,
    told_revision: u64,
    written: Option<Written>,
    troubles: HashMap<&'static str, String>,
    contacts: Contacts,
    watchers: Watchers,
    conversations: Conversations,
    plan_words: PlanWords,
    reminders: Reminders,
    run_words: RunWords,
    /// What admins are told of the endpoints of webhooks.
    endpoint_words: EndpointWords,
    /// What they are told of how changes are kept.
    keeping_words: KeepingWords,
}

impl Front {
    /// A front that is not connected. `told_revision`: up to which everybody was told before.
    pub fn new(settings: FrontSettings, started_ms: i64, told_revision: u64) -> Front {
        let halls = halls(&settings);
        let entity = Entity {
            version: settings.version.clone(),
            started_ms,
            wall_ahead_ms: 0,
            component: settings.component.clone(),
            rooms: settings.rooms.clone(),
            contacts: settings.contacts.clone(),
        };
        let mut wire = Wire::new(&settings.component);
        wire.presence = entity.presence(Target::Service);
        wire.rooms_jid.clone_from(&settings.rooms_jid);
        Front {
            stream: Stream::default(),
            wire,
            groups: Groups::new(settings.groups.clone()),
            entity,
            outbox: Outbox::new(settings.spacing_ms),
            asks: Asks::default(),
            commands: Commands::new(started_ms),
            throttle: Throttle::new(settings.rate, settings.budget),
            lanes: Lanes::default(),
            work_bytes: 0,
            unknown: Unknown::default(),
            leavings: Leavings::default(),
            server: Server::default(),
            events: VecDeque::new(),
            ready: false,
            presences: Presences::default(),
            crowds: HashSet::new(),
            told_revision,
            written: None,
            contacts: Contacts::new(halls.len()),
            watchers: Watchers::new(halls.len()),
            conversations: Conversations::default(),
            plan_words: PlanWords::default(),
            reminders: Reminders::default(),
            run_words: RunWords::default(),
            endpoint_words: EndpointWords::default(),
            keeping_words: KeepingWords::default(),
            halls,
            settings,
            troubles: HashMap::new(),
        }
    }

    /// The next thing to do or to know.
    pub fn poll(&mut self) -> Option<FrontEvent> {
        self.events.pop_front()
    }

    fn index_of(&self, room: &str) -> Option<usize> {
        self.rooms().position(|watch| *watch.room == *room)
    }

    /// The people of a room as they are known now; nobody for a room that is not served.
    pub fn people(&self, room: &str) -> &People {
        let index = self.index_of(room);
        static NOBODY: std::sync::LazyLock<People> = std::sync::LazyLock::new(People::default);
        index.map_or(&NOBODY, |index| self.halls[index].watch().people())
    }

    /// The rooms, for whoever wants to report on them.
    pub fn rooms(&self) -> impl Iterator<Item = &RoomWatch> {
        self.halls.iter().map(Hall::watch)
    }

    /// The people of the room of that index who are online, by bare JID.
    pub fn people_online(&self, room: usize) -> BTreeSet<&str> {
        self.contacts.online(room)
    }

    /// Whether the server has accepted the component, and the connection is there.
    pub fn is_online(&self) -> bool {
        self.stream.is_online()
    }

    /// A number that is another one whenever others may be online.
    pub fn online_changes(&self) -> u64 {
        self.contacts.changes()
    }

    /// Whether the server has said who is in the groups, or that it does not tell.
    pub fn knows_groups(&self) -> bool {
        self.groups.is_settled()
    }

    /// The groups of the configuration that no user of any room is in.
    pub fn empty_groups(&self) -> Vec<String> {
        let names = self.settings.groups.rules.iter().map(|rule| &rule.group);
        let names = names.chain(self.settings.groups.rooms.iter().map(|(group, _)| group));
        let is_empty = |name: &&Group| self.rooms().all(|room| room.people().group(name).is_empty());
        names.filter(is_empty).map(|name| name.to_string()).collect()
    }

    /// What the server says of itself.
    pub fn server(&self) -> Server {
        self.server
    }

    /// How many sessions are told of changes in the room of that index.
    pub fn sessions(&self, room: usize) -> usize {
        self.outbox.sessions(room)
    }

    /// Asks for a change; the answer goes to `asker`.
    fn ask(&mut self, room: usize, who: Person, command: Command, asker: Asker) {
        let token = Token { face: Face::Xmpp, number: self.asks.add(asker) };
        let room = self.halls[room].watch().room.clone();
        self.events.push_back(FrontEvent::Ask(Ask { token, room, who, command, request: None, seen: None }));
    }

    /// The ask of that number is decided, and what was decided is on the boards.
    pub fn answer(&mut self, now_ms: i64, number: u64, outcome: Result<Done, Refusal>, world: World<'_>) {
        self.runs_may_move();
        match self.asks.take(number) {
            None => {}
            Some(Asker::Iq(asked)) => self.iq_decided(now_ms, asked, outcome, world),
            Some(Asker::Command(commanded)) => {
                let (account, before) = (commanded.account().to_owned(), self.wire.out.len());
                self.commanded(now_ms, *commanded, outcome, world);
                self.charge(now_ms, &account, before);
            }
            Some(Asker::Line(session)) => self.line_answered(now_ms, &session, outcome, world),
        }
    }

    /// Takes what rooms and groups have to say after they were given something: behind each stanza and whatever else
    /// changes them, so that nobody else has to.
    fn settle(&mut self, now_ms: i64) {
        self.note_room_events(now_ms);
        self.note_crowds();
        self.note_whom_to_ask(now_ms);
        if !self.ready && self.stream.is_online() && self.rooms().all(RoomWatch::is_ready) {
            self.ready = true;
            if self.server.software == Some(Software::Ejabberd) && self.stream.enters == Enters::AtOnce {
                self.look_around(now_ms);
            }
            self.plan_words.is_due = true;
            self.events.push_back(FrontEvent::Ready);
        }
    }

    fn note_room_events(&mut self, now_ms: i64) {
        for index in 0..self.halls.len() {
            for event in self.halls[index].take_events() {
                match event {
                    RoomEvent::Joined(session, client) => {
                        self.outbox.joined(index, &session, client);
                        self.outbox.release(now_ms, index, &session);
                        self.contacts.seen(now_ms, index, &session, Whereabouts::InRoom, client);
                    }
                    RoomEvent::Left(session) => {
                        self.outbox.left(index, &session);
                        self.contacts.left(now_ms, index, &session, Whereabouts::InRoom);
                    }
                    RoomEvent::Missing(session) => {
                        self.outbox.missing(index, &session);
                        self.contacts.left(now_ms, index, &session, Whereabouts::InRoom);
                    }
                    RoomEvent::Inside => {
                        self.outbox.inside(now_ms, index);
                        self.contacts.inside(index);
                    }
                    RoomEvent::Outside => {
                        self.outbox.outside(index);
                        self.contacts.outside(now_ms, index);
                    }
                    RoomEvent::Created => {
                        self.events.push_back(FrontEvent::RoomCreated(self.halls[index].watch().room.clone()))
                    }
                    RoomEvent::OwnersNamed(owners) => {
                        let room = self.halls[index].watch().room.clone();
                        self.events.push_back(FrontEvent::OwnersNamed { room, owners });
                    }
                    RoomEvent::Trouble(trouble) => self.events.push_back(FrontEvent::Trouble(trouble)),
                }
            }
        }
    }

    /// Gives one room something; nothing happens where there is none of that index.
    fn change_room(&mut self, room: usize, change: impl FnOnce(&mut RoomWatch, &mut Wire)) {
        if let Some(hall) = self.halls.get_mut(room) {
            hall.change(self.groups.book(), |room| change(room, &mut self.wire));
        }
    }

    /// Gives all rooms something.
    fn change_rooms(&mut self, mut change: impl FnMut(&mut RoomWatch, &mut Wire)) {
        for hall in &mut self.halls {
            hall.change(self.groups.book(), |room| change(room, &mut self.wire));
        }
    }

    /// The room of that address.
    fn room_at(&self, jid: &str) -> Option<usize> {
        self.rooms().position(|room| room.jid.as_str() == jid)
    }

    /// Reports something to whoever runs the service, once until the words change.
    fn trouble(&mut self, about: &'static str, trouble: String) {
        if self.troubles.get(about) != Some(&trouble) {
            self.troubles.insert(about, trouble.clone());
            self.events.push_back(FrontEvent::Trouble(trouble));
        }
    }

    fn presence(&mut self, now_ms: i64, shell: &Shell<'_>, element: &Element<'_>) {
        if let Some(room) = self.room_at(shell.from.bare()) {
            return self.change_room(room, |room, wire| room.presence(now_ms, shell, element, wire));
        }
        self.contact_presence(now_ms, shell, element);
    }

    fn message(&mut self, now_ms: i64, shell: &Shell<'_>, element: &Element<'_>, bytes: &[u8], world: World<'_>) {
        if let Some(index) = self.room_at(shell.from.bare()) {
            self.change_room(index, |room, wire| room.message(now_ms, shell, element, wire));
            return self.occupant_said(now_ms, index, shell, element, world);
        }
        if shell.type_ == "error" && shell.from.resource().is_some() {
            // What was sent to that session came back: it is gone.
            return self.session_gone(now_ms, &shell.from);
        }
        self.receipt(shell, element);
        self.chat(now_ms, shell, element, world, Arrival::New(bytes));
    }

    /// Says that a message has arrived, to users of the room that it is for.
    fn receipt(&mut self, shell: &Shell<'_>, element: &Element<'_>) {
        let Some(room) = self.room_of(&shell.to) else { return };
        if self.halls[room].watch().people().rights_of(shell.from.bare()).is_some() {
            receipt::write(self.wire.out.own(), shell, element);
        }
    }

    fn note_told(&mut self, revision: u64) {
        if revision > self.told_revision {
            self.told_revision = revision;
            self.events.push_back(FrontEvent::Told(revision));
        }
    }

    /// Everybody in a room whose contest clock has changed, or was not said for a while, is to hear what it shows.
    pub fn say_clocks(&mut self, clocks: &mut Clocks) {
        for (room, hall) in self.halls.iter().enumerate() {
            if clocks.is_news(&hall.watch().room) {
                self.outbox.clock_changed(room);
            }
        }
        clocks.said();
    }

    /// The time of day, which people are told; everything that waits goes by `now_ms`, which never goes back.
    pub fn time_of_day(&mut self, now_ms: i64, wall_ms: i64) {
        self.entity.wall_ahead_ms = wall_ms.saturating_sub(now_ms);
        self.plan_words.wall_ms = wall_ms;
    }
}

/// The rooms of the configuration.
fn halls(settings: &FrontSettings) -> Vec<Hall> {
    let room_settings = RoomSettings {
        component: settings.component.clone(),
        host: settings.host.domain().to_owned(),
        nickname: settings.nickname.clone(),
        nick_seed: settings.nick_seed.clone(),
        nick_reason: settings.words.say(settings.language, "nick-of-the-service", &[]),
        jid: settings.rooms_jid.clone(),
        owners: settings.owners.clone(),
        admit_unaffiliated: settings.admit_unaffiliated,
    };
    let hall = |(index, room): (usize, &Room)| {
        let jid = Address::parse(&format!("{room}@{}", settings.rooms_service))?;
        Some(Hall::new(RoomWatch::new(index, room.clone(), jid, room_settings.clone())))
    };
    settings.rooms.iter().enumerate().filter_map(hall).collect()
}

/// A room as it is now, to be read; without the clock, which is given to whoever may ask for it.
fn scene<'a>(watch: &'a RoomWatch, world: World<'a>, visibility: Visibility) -> RoomScene<'a> {
    let (room, people) = (&watch.room, watch.people());
    RoomScene {
        room,
        people,
        board: world.board(room),
        clock: None,
        visibility,
        now: None,
        checklists: world.checklists(),
        trail: world.trail(),
        entrance: world.entrance(),
    }
}
