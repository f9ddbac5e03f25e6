//! The whole XMPP side as one value: bytes, answers, changes and the time go in; bytes, asks and events come out. No
//! sockets, no clock, no tasks of its own: the boards are handed in to be read, and every write is an [`Ask`].
//!
//! The order of a call's effects is the order of the calls. A panic here means a bug, never bad input.

use crate::address::Address;
use crate::entity::{Answer, Entity, Place};
use crate::frame::{Excess, Frame, FrameLimits, Framer};
use crate::groups::{GroupSettings, Groups};
use crate::neerc::{self, Notification, Request};
use crate::outbox::{Due, Hears, Key, Outbox};
use crate::probe::{Probe, RoundTrips};
use crate::room::{RoomEvent, RoomSettings, RoomWatch};
use crate::stanza::{Condition, Kind, NS_COMPONENT, ReturnAddress, Shell, attribute};
use crate::stream::{self, StreamError};
use crate::throttle::{Rate, Throttle};
use crate::wire::{PING, Purpose, Wire};
use crate::xml::{self, Element, TreeLimits, escape_text};
use neerc_core::board::{Board, Boards};
use neerc_core::change::Room;
use neerc_core::clock::{ContestClock, Phase, Reading};
use neerc_core::command::{Command, Query};
use neerc_core::limits;
use neerc_core::notice::{Notice, Sight, Visibility};
use neerc_core::people::{People, Person};
use neerc_core::refusal::Refusal;
use neerc_core::task::{Task, TaskId};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// What the configuration says of the XMPP side. JIDs are in normal form.
#[derive(Clone, Debug)]
pub struct FrontSettings {
    /// The component's domain.
    pub component: String,
    /// The domain whose users are called by their local part; also the server that is pinged.
    pub host: Address,
    /// The secret shared with the server.
    pub secret: String,
    /// The domain of the chat rooms.
    pub rooms_service: String,
    /// The rooms, the default one first; never empty.
    pub rooms: Vec<Room>,
    /// The nick to join with.
    pub nickname: String,
    /// Whether occupants without an affiliation count as ordinary users.
    pub admit_unaffiliated: bool,
    /// Where groups come from.
    pub groups: GroupSettings,
    /// Who may see which tasks.
    pub visibility: Visibility,
    /// Whether a notification carries the bare `#task` packet too.
    pub wiki_packet: bool,
    /// Least time between two updates of one task to one session, in ms.
    pub spacing_ms: i64,
    /// Largest stanza sent, in bytes.
    pub max_stanza_bytes: usize,
    /// How much one session may ask.
    pub rate: Rate,
    /// Version of the program.
    pub version: String,
}

/// A write that somebody asks for; to be answered by [`Front::answer`] with its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Names the ask in the answer.
    pub token: u64,
    /// In which room.
    pub room: Room,
    /// Who asks.
    pub who: Person,
    /// For what.
    pub command: Command,
}

/// What the rest of the program must do or know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrontEvent {
    /// Somebody asks for a change.
    Ask(Ask),
    /// The server has accepted the component.
    Online,
    /// Every room is joined and its people are known.
    Ready,
    /// A room of that name was missing and has been created.
    RoomCreated(Room),
    /// Something that whoever runs the service must mend; the service goes on.
    Trouble(String),
    /// The stream is over, with the reason; the connection is to be closed and opened again later.
    Ended(String),
    /// Everybody has been told of every change up to this revision.
    Told(u64),
    /// How long stanzas take through the server, as [`Front::probe`] asked.
    Probed(RoundTrips),
}

#[derive(Debug, PartialEq, Eq)]
enum StreamPhase {
    Down,
    /// Header or handshake sent; given up at that time (ms).
    Opening {
        deadline_ms: i64,
    },
    Online,
}

#[derive(Debug)]
struct Asked<'s> {
    back: ReturnAddress<'s>,
    room: usize,
    task: Option<TaskId>,
}

impl Asked<'_> {
    /// The same, to be kept until the answer is known.
    fn into_owned(self) -> Asked<'static> {
        Asked { back: self.back.into_owned(), room: self.room, task: self.task }
    }
}

/// The list of all tasks of a room, as the payload of an answer.
#[derive(Clone, Debug)]
enum AllTasks {
    /// All of them.
    Whole(Arc<Vec<u8>>),
    /// Those that fit.
    Cut(Arc<Vec<u8>>),
}

/// The XMPP side.
#[derive(Debug)]
pub struct Front {
    settings: FrontSettings,
    phase: StreamPhase,
    framer: Framer,
    wire: Wire,
    rooms: Vec<RoomWatch>,
    groups: Groups,
    entity: Entity,
    outbox: Outbox,
    asks: HashMap<u64, Asked<'static>>,
    throttle: Throttle,
    probe: Option<Probe>,
    next_token: u64,
    events: VecDeque<FrontEvent>,
    ready: bool,
    heard_ms: i64,
    pinged: bool,
    /// The framer may hold stanzas that were not taken because too many answers wait for the link.
    backlog: bool,
    clock: Option<ContestClock>,
    clock_tick_ms: i64,
    fence_ms: i64,
    told_revision: u64,
    /// The list of each room as it was last written, with the revision that it shows.
    lists: Vec<Option<(u64, AllTasks)>>,
    user_lists: Vec<Option<Arc<Vec<u8>>>>,
    /// The notification that was written last, with the task and its revision.
    written: Option<(Key, u64, Notification)>,
    troubles: HashMap<&'static str, String>,
}

impl Front {
    /// A front that is not connected. `told_revision`: up to which everybody was told before.
    pub fn new(settings: FrontSettings, started_ms: i64, told_revision: u64) -> Front {
        let room_settings = RoomSettings {
            component: settings.component.clone(),
            host: settings.host.domain().to_owned(),
            nickname: settings.nickname.clone(),
            admit_unaffiliated: settings.admit_unaffiliated,
        };
        let watch = |(index, room): (usize, &Room)| {
            let jid = Address::parse(&format!("{room}@{}", settings.rooms_service))?;
            Some(RoomWatch::new(index, room.clone(), jid, room_settings.clone()))
        };
        let rooms: Vec<RoomWatch> = settings.rooms.iter().enumerate().filter_map(watch).collect();
        let entity = Entity {
            version: settings.version.clone(),
            started_ms,
            component: settings.component.clone(),
            rooms: settings.rooms.clone(),
        };
        Front {
            phase: StreamPhase::Down,
            framer: new_framer(),
            wire: Wire::new(&settings.component),
            groups: Groups::new(settings.groups.clone()),
            entity,
            outbox: Outbox::new(settings.spacing_ms),
            asks: HashMap::new(),
            throttle: Throttle::new(settings.rate),
            probe: None,
            next_token: 0,
            events: VecDeque::new(),
            ready: false,
            heard_ms: 0,
            pinged: false,
            backlog: false,
            clock: None,
            clock_tick_ms: i64::MAX,
            fence_ms: 0,
            told_revision,
            lists: vec![None; rooms.len()],
            user_lists: vec![None; rooms.len()],
            written: None,
            rooms,
            settings,
            troubles: HashMap::new(),
        }
    }

    /// The next thing to do or to know.
    pub fn poll(&mut self) -> Option<FrontEvent> {
        self.events.pop_front()
    }

    /// The people of a room as they are known now; nobody for a room that is not served.
    pub fn people(&mut self, room: &str) -> &People {
        let index = self.rooms.iter().position(|watch| *watch.room == *room);
        self.freshen();
        static NOBODY: std::sync::LazyLock<People> = std::sync::LazyLock::new(People::default);
        index.map_or(&NOBODY, |index| self.rooms[index].people())
    }

    /// The rooms, for whoever wants to report on them.
    pub fn rooms(&self) -> &[RoomWatch] {
        &self.rooms
    }

    /// How many sessions are told of changes in the room of that index.
    pub fn sessions(&self, room: usize) -> usize {
        self.outbox.sessions(room)
    }

    // The link

    /// The connection to the server is open.
    pub fn connected(&mut self, now_ms: i64) {
        self.framer = new_framer();
        self.backlog = false;
        self.wire.out.clear();
        self.wire.requests.clear();
        self.phase = StreamPhase::Opening { deadline_ms: now_ms + limits::HANDSHAKE_MS };
        self.heard_ms = now_ms;
        self.pinged = false;
        stream::open(&mut self.wire.out, &self.settings.component);
    }

    /// The connection to the server is gone. Asks that were taken are still decided; their answers go out if the
    /// server is back by then.
    pub fn disconnected(&mut self) {
        self.phase = StreamPhase::Down;
        self.ready = false;
        self.backlog = false;
        self.wire.out.clear();
        self.wire.requests.clear();
        self.outbox.disconnected();
        self.groups.disconnected();
        self.rooms.iter_mut().for_each(RoomWatch::disconnected);
        for room in &mut self.rooms {
            room.take_events();
        }
    }

    /// Leaves the rooms and ends the stream; the bytes of it are the last to be sent.
    pub fn close(&mut self) {
        if self.phase == StreamPhase::Online {
            self.rooms.iter_mut().for_each(|room| room.leave(&mut self.wire));
        }
        if self.phase != StreamPhase::Down {
            self.wire.out.extend_from_slice(stream::CLOSE);
        }
        self.phase = StreamPhase::Down;
    }

    /// Bytes from the server. What would be answered beyond the bound of waiting answers is kept for [`Front::resume`]:
    /// a few bytes can ask for many.
    pub fn receive(&mut self, now_ms: i64, bytes: &[u8], boards: &Boards) {
        if self.phase == StreamPhase::Down {
            return;
        }
        self.heard_ms = now_ms;
        self.pinged = false;
        self.framer.push(bytes);
        self.take_frames(now_ms, boards);
    }

    /// Goes on with what was received, once the link has taken enough of the answers.
    pub fn resume(&mut self, now_ms: i64, boards: &Boards) {
        if self.backlog && !self.is_full() && self.phase != StreamPhase::Down {
            self.take_frames(now_ms, boards);
        }
    }

    fn take_frames(&mut self, now_ms: i64, boards: &Boards) {
        let mut framer = std::mem::replace(&mut self.framer, new_framer());
        self.backlog = false;
        loop {
            if self.is_full() {
                self.backlog = true;
                break;
            }
            match framer.next_frame() {
                Ok(None) => break,
                Ok(Some(frame)) => self.frame(now_ms, frame, boards),
                Err(broken) => {
                    self.end(format!("what the server sends cannot be read any more: {broken}"));
                    break;
                }
            }
            if self.phase == StreamPhase::Down {
                break;
            }
        }
        self.framer = framer;
        self.settle(now_ms);
    }

    fn end(&mut self, why: String) {
        self.phase = StreamPhase::Down;
        self.events.push_back(FrontEvent::Ended(why));
    }

    fn frame(&mut self, now_ms: i64, frame: Frame<'_>, boards: &Boards) {
        match frame {
            Frame::Open(header) => {
                let header = xml::parse_head(header, "");
                let id = header.as_ref().and_then(|header| header.attr("id")).unwrap_or("");
                stream::handshake(&mut self.wire.out, id, &self.settings.secret);
            }
            Frame::Close => self.end("the server has closed the stream".to_owned()),
            Frame::Stanza(bytes) => match xml::parse(bytes, NS_COMPONENT, &TREE) {
                Ok(element) => self.element(now_ms, &element, boards),
                Err(refused) => self.refuse_unread(bytes, Condition::BadRequest, &refused.to_string()),
            },
            Frame::Skipped { head, why } => {
                let text = match why {
                    Excess::Bytes => format!("a stanza may have at most {} bytes", limits::STANZA_BYTES),
                    Excess::Depth => format!("elements may be nested at most {} deep", limits::STANZA_DEPTH),
                };
                self.refuse_unread(head, Condition::PolicyViolation, &text);
            }
        }
    }

    /// Answers a stanza of which only the start tag may be readable.
    fn refuse_unread(&mut self, bytes: &[u8], condition: Condition, text: &str) {
        let Some(head) = xml::parse_head(bytes, NS_COMPONENT) else { return };
        let Some(shell) = Shell::of(&head) else { return };
        let answered = match shell.kind {
            Kind::Iq => shell.is_request(),
            Kind::Message => condition == Condition::PolicyViolation && !matches!(shell.type_, "error" | "groupchat"),
            Kind::Presence => false,
        };
        if answered && self.phase == StreamPhase::Online && shell.from.domain() != self.settings.component {
            shell.return_address().error(&mut self.wire.out, condition, text);
        }
    }

    fn element(&mut self, now_ms: i64, element: &Element<'_>, boards: &Boards) {
        if let Some(error) = StreamError::read(element) {
            return self.end(error.advice(&self.settings.component));
        }
        if self.phase != StreamPhase::Online {
            if element.is("handshake", NS_COMPONENT) {
                self.online(now_ms);
            }
            return;
        }
        let Some(shell) = Shell::of(element) else { return };
        if shell.from.domain() == self.settings.component && shell.kind != Kind::Iq {
            return; // our own words, come back
        }
        match shell.kind {
            Kind::Iq => self.iq(now_ms, &shell, element, boards),
            Kind::Presence => self.presence(now_ms, &shell, element),
            Kind::Message => self.message(now_ms, &shell, element),
        }
    }

    fn online(&mut self, now_ms: i64) {
        self.phase = StreamPhase::Online;
        self.events.push_back(FrontEvent::Online);
        for room in &mut self.rooms {
            room.connected(now_ms, &mut self.wire);
        }
        self.groups.connected(now_ms, &mut self.wire);
    }

    // Time

    /// When [`Front::transmit`] has something to do where the link is free, in ms.
    pub fn next_transmit_ms(&self) -> i64 {
        if self.phase != StreamPhase::Online {
            return if self.wire.out.is_empty() { i64::MAX } else { i64::MIN };
        }
        let due = self.outbox.next_due_ms().unwrap_or(i64::MAX);
        let fence = if self.outbox.needs_fence() { self.fence_ms } else { i64::MAX };
        if self.wire.out.is_empty() { due.min(fence) } else { i64::MIN }
    }

    /// When [`Front::timeout`] has something to do, in ms.
    pub fn next_timeout_ms(&self) -> i64 {
        match self.phase {
            StreamPhase::Down => i64::MAX,
            StreamPhase::Opening { deadline_ms } => deadline_ms,
            StreamPhase::Online => {
                let silence = self.heard_ms
                    + if self.pinged { limits::KEEPALIVE_MS + limits::DEAD_PEER_MS } else { limits::KEEPALIVE_MS };
                let rooms = self.rooms.iter().map(RoomWatch::next_timeout_ms).min().unwrap_or(i64::MAX);
                let requests = self.wire.requests.next_deadline_ms().unwrap_or(i64::MAX);
                let groups = self.groups.next_timeout_ms();
                silence.min(rooms).min(requests).min(groups).min(self.clock_tick_ms)
            }
        }
    }

    /// Does what is due.
    pub fn timeout(&mut self, now_ms: i64) {
        match self.phase {
            StreamPhase::Down => return,
            StreamPhase::Opening { deadline_ms } => {
                if deadline_ms <= now_ms {
                    self.end(format!(
                        "the server did not accept the component within {} s",
                        limits::HANDSHAKE_MS / 1_000
                    ));
                }
                return;
            }
            StreamPhase::Online => {}
        }
        let silent_ms = now_ms - self.heard_ms;
        if self.pinged && silent_ms >= limits::KEEPALIVE_MS + limits::DEAD_PEER_MS {
            return self.end(format!("the server has been silent for {} s", silent_ms / 1_000));
        }
        if !self.pinged && silent_ms >= limits::KEEPALIVE_MS {
            self.pinged = true;
            let host = self.settings.host.clone();
            self.wire.request(now_ms, "get", &host, PING, Purpose::KeepAlive);
        }
        for purpose in self.wire.requests.overdue(now_ms) {
            self.answered(now_ms, purpose, None);
        }
        for room in &mut self.rooms {
            room.timeout(now_ms, &mut self.wire);
        }
        self.groups.timeout(now_ms, &mut self.wire);
        if self.clock_tick_ms <= now_ms {
            self.clock_tick_ms = now_ms + limits::CLOCK_TICK_MS;
            self.outbox.clock_changed();
        }
        self.outbox.tidy(now_ms);
        self.settle(now_ms);
    }

    /// Takes what rooms and groups have to say after they were given something.
    fn settle(&mut self, now_ms: i64) {
        self.note_room_events(now_ms);
        self.freshen();
        if !self.ready && self.phase == StreamPhase::Online && self.rooms.iter().all(RoomWatch::is_ready) {
            self.ready = true;
            self.events.push_back(FrontEvent::Ready);
        }
    }

    fn note_room_events(&mut self, now_ms: i64) {
        for index in 0..self.rooms.len() {
            for event in self.rooms[index].take_events() {
                match event {
                    RoomEvent::Joined(session) => self.outbox.joined(index, &session),
                    RoomEvent::Left(session) => self.outbox.left(index, &session),
                    RoomEvent::Inside => self.outbox.inside(now_ms, index),
                    RoomEvent::Outside => self.outbox.outside(index),
                    RoomEvent::Created => {
                        self.events.push_back(FrontEvent::RoomCreated(self.rooms[index].room.clone()))
                    }
                    RoomEvent::Trouble(trouble) => self.events.push_back(FrontEvent::Trouble(trouble)),
                    RoomEvent::Read => {}
                }
            }
        }
    }

    /// Works out the people of the rooms where something has changed.
    fn freshen(&mut self) {
        for (index, room) in self.rooms.iter_mut().enumerate() {
            if room.refresh_people(self.groups.book()) {
                self.user_lists[index] = None;
            }
        }
    }

    // Stanzas

    fn iq(&mut self, now_ms: i64, shell: &Shell<'_>, element: &Element<'_>, boards: &Boards) {
        if matches!(shell.type_, "result" | "error") {
            if let Some(purpose) = self.wire.requests.take(shell.id, &shell.from) {
                self.answered(now_ms, purpose, Some(element));
            }
            return;
        }
        if shell.from.domain() == self.settings.component {
            if self.wire.requests.take(shell.id, &shell.from) == Some(Purpose::Probe) {
                self.probed(now_ms);
            }
            return;
        }
        let back = shell.return_address();
        if !self.throttle.admits(now_ms, &shell.from.shared()) {
            let Rate { per_second, burst } = self.settings.rate;
            let text =
                format!("a session may ask {burst} times at once and {per_second} times a second; wait a little");
            return back.error(&mut self.wire.out, Condition::ResourceConstraint, &text);
        }
        if !matches!(shell.type_, "get" | "set") {
            let text =
                format!("an iq has the type get or set, not '{}'", shell.type_.chars().take(32).collect::<String>());
            return back.error(&mut self.wire.out, Condition::BadRequest, &text);
        }
        if shell.id.is_none() {
            return back.error(&mut self.wire.out, Condition::BadRequest, "the attribute 'id' is missing");
        }
        let mut payloads = element.elements();
        let (Some(payload), None) = (payloads.next(), payloads.next()) else {
            return back.error(&mut self.wire.out, Condition::BadRequest, "an iq that asks holds exactly one element");
        };
        let Some(room) = self.room_of(&shell.to) else {
            let text = Refusal::UnknownRoom { room: shell.to_text.chars().take(128).collect() }.to_string();
            return back.error(&mut self.wire.out, Condition::ItemNotFound, &text);
        };
        if let Some(request) = neerc::parse(payload, shell.type_ == "set") {
            return self.request(now_ms, shell, back, room, payload, request, boards);
        }
        let place = if shell.to.local().is_some() { Place::Room(&self.rooms[room].room) } else { Place::Service };
        let out = &mut self.wire.out;
        match self.entity.answer(place, now_ms, payload) {
            Answer::Written(write) => back.result(out, write),
            Answer::NoSuchNode => back.error(out, Condition::ItemNotFound, "there are no nodes here"),
            Answer::Unknown => {
                back.error(out, Condition::ServiceUnavailable, "nothing here answers such a request");
            }
        }
    }

    /// Measures how long the server takes to hand stanzas on; ends with [`FrontEvent::Probed`].
    pub fn probe(&mut self, now_ms: i64) {
        if let Some(own) = Address::parse(&self.settings.component) {
            self.probe = Some(Probe::start(now_ms, own, &mut self.wire));
        }
    }

    fn probed(&mut self, now_ms: i64) {
        let Some(probe) = &mut self.probe else { return };
        if let Some(round_trips) = probe.came_back(now_ms, &mut self.wire) {
            self.probe = None;
            self.events.push_back(FrontEvent::Probed(round_trips));
        }
    }

    /// The index of the room that an address of ours stands for.
    fn room_of(&self, to: &Address) -> Option<usize> {
        if to.domain() != self.settings.component || to.resource().is_some() {
            return None;
        }
        match to.local() {
            None => Some(0).filter(|_| !self.rooms.is_empty()),
            Some(local) => self.rooms.iter().position(|watch| *watch.room == *local),
        }
    }

    #[allow(clippy::too_many_arguments)] // a request with all that is known of it
    fn request(
        &mut self,
        now_ms: i64,
        shell: &Shell<'_>,
        back: ReturnAddress<'_>,
        room: usize,
        payload: &Element<'_>,
        request: Result<Request, Refusal>,
        boards: &Boards,
    ) {
        if request == Ok(Request::Ping) {
            return back.result(&mut self.wire.out, |_| {});
        }
        self.settle(now_ms);
        let asked = Asked { back, room, task: neerc::task_of(payload) };
        if self.rooms[room].people().rights_of(shell.from.bare()).is_none() {
            return self.refuse(now_ms, asked, Refusal::NotInRoom, boards);
        }
        match request {
            Err(refusal) => self.refuse(now_ms, asked, refusal, boards),
            Ok(Request::Ping) => {}
            Ok(Request::Query(query)) => self.query(now_ms, asked, &shell.from, &query, boards),
            Ok(Request::Changes { since }) => self.changes(now_ms, asked, &shell.from, since, boards),
            Ok(Request::Command(command)) => {
                if self.asks.len() >= limits::WRITES_WAITING {
                    return self.refuse(now_ms, asked, Refusal::Busy, boards);
                }
                let token = self.next_token;
                self.next_token += 1;
                self.asks.insert(token, asked.into_owned());
                let who = shell.from.person();
                let room = self.rooms[room].room.clone();
                self.events.push_back(FrontEvent::Ask(Ask { token, room, who, command }));
            }
        }
    }

    /// Refuses a request. No deployed client shows errors, but all of them repaint a task they are told of: so the
    /// asker is told the true state of the task they tried to change.
    fn refuse(&mut self, now_ms: i64, asked: Asked<'_>, refusal: Refusal, boards: &Boards) {
        asked.back.error(&mut self.wire.out, neerc::condition(&refusal), &refusal.to_string());
        let existed = |task: &TaskId| {
            let board = boards.get(&self.rooms[asked.room].room);
            board.is_some_and(|board| board.task(*task).is_some() || board.was_removed(*task))
        };
        let known = self.rooms[asked.room].people().rights_of(asked.back.to.bare()).is_some();
        if let Some(task) = asked.task.filter(|task| known && existed(task)) {
            self.outbox.repeat(now_ms, (asked.room, task), &asked.back.to);
        }
    }

    /// The answer to an ask: names that were left out, or why nothing was done.
    pub fn answer(&mut self, now_ms: i64, token: u64, outcome: Result<Vec<String>, Refusal>, boards: &Boards) {
        let Some(asked) = self.asks.remove(&token) else { return };
        if self.phase != StreamPhase::Online {
            return;
        }
        match outcome {
            Err(refusal) => self.refuse(now_ms, asked, refusal, boards),
            Ok(left_out) => {
                asked.back.result(&mut self.wire.out, |_| {});
                if !left_out.is_empty() {
                    self.say_left_out(&asked.back, &left_out);
                }
            }
        }
    }

    /// Tells an asker whose client shows no errors that some names were nobody's.
    fn say_left_out(&mut self, back: &ReturnAddress<'_>, left_out: &[String]) {
        let names: Vec<String> =
            left_out.iter().take(20).map(|name| format!("'{}'", name.chars().take(64).collect::<String>())).collect();
        let out = &mut self.wire.out;
        out.extend_from_slice(b"<message type='chat'");
        attribute(out, "from", &back.from);
        attribute(out, "to", back.to.as_str());
        out.extend_from_slice(b"><body>");
        escape_text(out, &format!("There is no user, group or occupant {} in this room; left out.", names.join(", ")));
        out.extend_from_slice(b"</body><no-store xmlns='urn:xmpp:hints'/></message>");
    }

    fn query(&mut self, now_ms: i64, asked: Asked<'_>, from: &Address, query: &Query, boards: &Boards) {
        let room = asked.room;
        let nothing = Board::default();
        let board = boards.get(&self.rooms[room].room).unwrap_or(&nothing);
        match query {
            Query::Users => {
                let people = self.rooms[room].people();
                let users = self.user_lists[room].get_or_insert_with(|| {
                    let mut out = Vec::new();
                    neerc::write_users(&mut out, people);
                    Arc::new(out)
                });
                asked.back.result(&mut self.wire.out, |out| out.extend_from_slice(users));
            }
            Query::Clock => match self.clock_at(now_ms) {
                Some(reading) => asked.back.result(&mut self.wire.out, |out| neerc::write_clock_answer(out, reading)),
                None => self.refuse(now_ms, asked, Refusal::NoClock, boards),
            },
            Query::Tasks { of } => match self.task_list(room, &from.person(), of.as_deref(), board) {
                Err(refusal) => self.refuse(now_ms, asked, refusal, boards),
                Ok(list) => {
                    asked.back.result(&mut self.wire.out, |out| out.extend_from_slice(&list));
                    self.outbox.asked(room, from, now_ms, Hears::Tasks);
                }
            },
            // No packet asks these; chat lines and forms answer them in words.
            // No packet of this protocol asks these; they are for faces that show them to people.
            Query::Show { .. } | Query::Late | Query::Plans => {
                asked.back.error(
                    &mut self.wire.out,
                    Condition::ServiceUnavailable,
                    "nothing here answers such a request",
                );
            }
        }
    }

    /// Answers a request for the tasks by a client that hears differences. Where the answer would be too long it is the
    /// ordinary list, and so are the notifications.
    fn changes(&mut self, now_ms: i64, asked: Asked<'_>, from: &Address, since: Option<u64>, boards: &Boards) {
        let nothing = Board::default();
        let board = boards.get(&self.rooms[asked.room].room).unwrap_or(&nothing);
        let power = self.rooms[asked.room].people().rights_of(from.bare()).is_some_and(|rights| rights.is_power());
        let own = (self.settings.visibility == Visibility::Own && !power).then(|| from.person());
        let mut payload = Vec::new();
        neerc::write_changes(&mut payload, self.settings.host.domain(), board, since, own.as_ref());
        if payload.len() + limits::STANZA_HEAD_BYTES > self.settings.max_stanza_bytes {
            return self.query(now_ms, asked, from, &Query::Tasks { of: None }, boards);
        }
        asked.back.result(&mut self.wire.out, |out| out.extend_from_slice(&payload));
        let hears = if own.is_some() { Hears::Tasks } else { Hears::Differences };
        self.outbox.asked(asked.room, from, now_ms, hears);
    }

    /// The payload of an answer to `#tasks`.
    fn task_list(
        &mut self,
        room: usize,
        who: &Person,
        of: Option<&str>,
        board: &Board,
    ) -> Result<Arc<Vec<u8>>, Refusal> {
        let people = self.rooms[room].people();
        let power = people.rights(who).is_some_and(|rights| rights.is_power());
        let own_only = self.settings.visibility == Visibility::Own && !power;
        let unknown = |name: &str| Refusal::UnknownUser { name: name.chars().take(64).collect() };
        let of = match of {
            Some(name) => Some(people.user(name).cloned().ok_or_else(|| unknown(name))?),
            None => own_only.then(|| who.clone()),
        };
        if own_only && of.as_ref() != Some(who) {
            return Err(Refusal::OwnTasksOnly);
        }
        match of {
            Some(of) => Ok(Arc::new(self.tasks_of(room, &of, board))),
            None => match self.all_tasks(room, board) {
                AllTasks::Whole(list) => Ok(list),
                AllTasks::Cut(list) if power => Ok(list),
                // Rather all of the own tasks than some of everybody's.
                AllTasks::Cut(_) => Ok(Arc::new(self.tasks_of(room, who, board))),
            },
        }
    }

    /// The list of all tasks, written once for each revision.
    fn all_tasks(&mut self, room: usize, board: &Board) -> AllTasks {
        if let Some((revision, list)) = &self.lists[room]
            && *revision == board.revision()
        {
            return list.clone();
        }
        let (written, left_out) = self.write_list(room, board.listed(), None);
        let list = if left_out == 0 { AllTasks::Whole(Arc::new(written)) } else { AllTasks::Cut(Arc::new(written)) };
        self.lists[room] = Some((board.revision(), list.clone()));
        list
    }

    /// The list of one user's tasks, with that user's statuses.
    fn tasks_of(&mut self, room: usize, of: &Person, board: &Board) -> Vec<u8> {
        let mut tasks = board.listed();
        tasks.retain(|task| task.statuses.contains_key(of));
        self.write_list(room, tasks, Some(of)).0
    }

    /// Writes a list of tasks, as many as fit, and says how many were left out.
    fn write_list(&mut self, room: usize, mut tasks: Vec<&Task>, of: Option<&Person>) -> (Vec<u8>, usize) {
        let host = self.settings.host.domain();
        let limit = self.settings.max_stanza_bytes.saturating_sub(limits::STANZA_HEAD_BYTES);
        let mut out = Vec::new();
        neerc::write_tasks(&mut out, host, tasks.iter().copied(), of);
        if out.len() <= limit {
            return (out, 0);
        }
        let left_out = neerc::shorten(&mut tasks, host, of, limit);
        out.clear();
        neerc::write_tasks(&mut out, host, tasks, of);
        let (room, bytes) = (&self.rooms[room].room, self.settings.max_stanza_bytes);
        let trouble = format!(
            "a task list of room {room} is over tasks.max_stanza_bytes ({bytes}), so the oldest tasks are left out for \
             people with power, and others are given their own tasks only; remove old tasks, or raise the limit together \
             with the server's"
        );
        self.trouble("long list", trouble);
        (out, left_out)
    }

    /// Reports something to whoever runs the service, once until the words change.
    fn trouble(&mut self, about: &'static str, trouble: String) {
        if self.troubles.get(about) != Some(&trouble) {
            self.troubles.insert(about, trouble.clone());
            self.events.push_back(FrontEvent::Trouble(trouble));
        }
    }

    fn presence(&mut self, now_ms: i64, shell: &Shell<'_>, element: &Element<'_>) {
        if let Some(room) = self.rooms.iter_mut().find(|room| room.jid.as_str() == shell.from.bare()) {
            return room.presence(now_ms, shell, element, &mut self.wire);
        }
        if shell.from.resource().is_none() {
            return;
        }
        match shell.type_ {
            "" => {
                let Some(room) = self.room_of(&shell.to) else { return };
                self.settle(now_ms);
                if self.rooms[room].people().rights(&shell.from.person()).is_some() {
                    self.outbox.directed(room, &shell.from);
                }
            }
            "unavailable" => {
                self.note_room_events(now_ms);
                if let Some(room) = self.room_of(&shell.to) {
                    self.outbox.undirected(room, &shell.from);
                }
            }
            "error" => {
                self.note_room_events(now_ms);
                self.outbox.gone(&shell.from);
            }
            _ => {}
        }
    }

    fn message(&mut self, now_ms: i64, shell: &Shell<'_>, element: &Element<'_>) {
        if let Some(room) = self.rooms.iter_mut().find(|room| room.jid.as_str() == shell.from.bare()) {
            return room.message(shell, element);
        }
        if shell.type_ == "error" && shell.from.resource().is_some() {
            // What was sent to that session came back: it is gone.
            self.note_room_events(now_ms);
            self.outbox.gone(&shell.from);
        }
    }

    /// Takes the answer to one of our requests, or that there was none in time.
    fn answered(&mut self, now_ms: i64, purpose: Purpose, answer: Option<&Element<'_>>) {
        let wire = &mut self.wire;
        match purpose {
            Purpose::KeepAlive | Purpose::Probe => {}
            Purpose::Fence if answer.is_some() => {
                let told = self.outbox.fenced();
                self.note_told(told);
            }
            Purpose::Fence => self.outbox.fence_lost(),
            Purpose::List { room, affiliation } => {
                if let Some(room) = self.rooms.get_mut(room) {
                    room.list(now_ms, affiliation, answer, wire);
                }
            }
            Purpose::SelfPing { room } => {
                if let Some(room) = self.rooms.get_mut(room) {
                    room.self_pinged(now_ms, answer, wire);
                }
            }
            Purpose::ConfigForm { room } => {
                if let Some(room) = self.rooms.get_mut(room) {
                    room.config_form(now_ms, answer, wire);
                }
            }
            Purpose::ConfigSubmit { room } => {
                if let Some(room) = self.rooms.get_mut(room) {
                    room.configured(now_ms, answer, wire);
                }
            }
            Purpose::GroupRoom { group } => {
                let outcome = self.groups.room(group, answer);
                self.groups_answered("group room", outcome);
            }
            Purpose::Directory => {
                let outcome = self.groups.directory(answer);
                self.groups_answered("directory", outcome);
            }
        }
    }

    fn groups_answered(&mut self, about: &'static str, outcome: Result<bool, String>) {
        match outcome {
            Ok(changed) => {
                self.troubles.remove(about);
                if changed {
                    self.rooms.iter_mut().for_each(RoomWatch::groups_changed);
                }
            }
            Err(problem) => self.trouble(about, problem),
        }
    }

    fn note_told(&mut self, revision: u64) {
        if revision > self.told_revision {
            self.told_revision = revision;
            self.events.push_back(FrontEvent::Told(revision));
        }
    }

    // Changes and the clock

    /// A change with that revision is committed and applied; everybody in the room must hear of it.
    pub fn tell(&mut self, now_ms: i64, room: &str, revision: u64, notice: Notice) {
        match self.rooms.iter().position(|watch| *watch.room == *room) {
            Some(index) => self.outbox.changed(now_ms, (index, notice.task), revision, notice.lost),
            None => self.outbox.passed(revision), // a room that is not served any more has nobody to hear of it
        }
    }

    /// The contest clock was read.
    pub fn clock(&mut self, now_ms: i64, reading: Reading) {
        let news = match &mut self.clock {
            Some(clock) => clock.update(reading, now_ms),
            None => {
                self.clock = Some(ContestClock::new(reading, now_ms));
                true
            }
        };
        if news {
            self.outbox.clock_changed();
            self.clock_tick_ms =
                if reading.phase == Phase::Running { now_ms + limits::CLOCK_TICK_MS } else { i64::MAX };
        }
    }

    fn clock_at(&self, now_ms: i64) -> Option<Reading> {
        self.clock.map(|clock| clock.at(now_ms))
    }

    // Output

    /// Whether answers wait for the link in such number that reading should pause.
    pub fn is_congested(&self) -> bool {
        self.backlog || self.is_full()
    }

    fn is_full(&self) -> bool {
        self.wire.out.len() > limits::LINK_QUEUE_BYTES
    }

    /// Appends what is to be sent now to `out`: all answers, then tellings until `out` holds `limit` bytes or more.
    /// To be called when the link is free, so that the newest state is told.
    pub fn transmit(&mut self, now_ms: i64, boards: &Boards, out: &mut Vec<u8>, limit: usize) {
        if out.is_empty() {
            std::mem::swap(out, &mut self.wire.out);
        } else {
            out.append(&mut self.wire.out);
        }
        if self.phase != StreamPhase::Online {
            return;
        }
        self.transmit_clock(now_ms, out);
        while out.len() < limit {
            let Some(due) = self.outbox.take_due(now_ms) else { break };
            self.transmit_task(now_ms, boards, due, out, limit);
        }
        if out.len() < limit && now_ms >= self.fence_ms && self.outbox.take_fence() {
            self.fence_ms = now_ms + limits::FENCE_MS;
            let host = self.settings.host.clone();
            self.wire.request(now_ms, "get", &host, PING, Purpose::Fence);
            out.append(&mut self.wire.out);
        } else if self.outbox.is_idle() {
            // Nobody was there to be told: nothing has to arrive.
            let told = self.outbox.told_revision();
            self.note_told(told);
        }
    }

    fn transmit_clock(&mut self, now_ms: i64, out: &mut Vec<u8>) {
        let waiting = self.outbox.take_clock();
        let Some(reading) = self.clock_at(now_ms) else { return };
        let notification = Notification::clock(&self.settings.component, reading);
        for slot in waiting.iter() {
            if let Some(session) = self.outbox.recipient(slot, now_ms)
                && self.rooms[session.room].people().rights(&session.person).is_some()
            {
                notification.write(out, &session.to);
            }
        }
    }

    /// Writes the newest state of a task to everybody who waits for it, as far as there is room.
    fn transmit_task(&mut self, now_ms: i64, boards: &Boards, mut due: Due, out: &mut Vec<u8>, limit: usize) {
        let (room, id) = due.key;
        let people = self.rooms[room].people();
        let board = boards.get(&self.rooms[room].room);
        let task = board.and_then(|board| board.task(id));
        let FrontSettings { component, wiki_packet, visibility, max_stanza_bytes, .. } = &self.settings;
        let host = self.settings.host.domain();
        let write = |sight: Sight, of: &Person| {
            task.map(|task| Notification::task(component, host, task, sight, of, *wiki_packet, *max_stanza_bytes))
        };
        let mut difference: Option<Option<Notification>> = None;
        // What the link took only in part goes on with the same words, unless there is news.
        let revision = task.map(|task| task.revision);
        let mut whole = match self.written.take() {
            Some((key, written_at, whole)) if key == due.key && Some(written_at) == revision => Some(whole),
            _ => None,
        };
        let mut removal: Option<Notification> = None;
        let mut written = 0;
        for &slot in &due.slots {
            if out.len() >= limit {
                break;
            }
            written += 1;
            let Some(session) = self.outbox.recipient(slot, now_ms) else { continue };
            let rights = people.rights(&session.person);
            let sight = task.map_or(Sight::Nothing, |task| visibility.sight(rights, &session.person, task));
            let to = &session.to;
            match sight {
                Sight::Whole => {
                    if session.hears == Hears::Differences {
                        let difference = difference.get_or_insert_with(|| {
                            let known = Some(due.since).filter(|since| *since != u64::MAX);
                            let changed = task?.changed_since(known?)?;
                            let told = self.outbox.told_with(due.key);
                            let short = Notification::difference(component, host, task?, &changed, told);
                            (short.len() <= *max_stanza_bytes).then_some(short)
                        });
                        if let Some(difference) = difference {
                            difference.write(out, to);
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
                    let had_it = match visibility {
                        Visibility::All => task.is_none(),
                        // Who had a task that was removed is not known after a restart; then everybody hears of it.
                        Visibility::Own => {
                            let power = rights.is_some_and(|rights| rights.is_power());
                            due.lost.contains(&session.person) || (task.is_none() && (power || due.lost.is_empty()))
                        }
                    };
                    if rights.is_some() && had_it {
                        let notification =
                            removal.get_or_insert_with(|| Notification::removal(component, id, *wiki_packet));
                        notification.write(out, to);
                    }
                }
            }
        }
        self.written = whole.zip(revision).map(|(whole, revision)| (due.key, revision, whole));
        let rest = due.slots.split_off(written);
        self.outbox.told(now_ms, &due);
        if rest.is_empty() { self.outbox.finish(due.key) } else { self.outbox.put_back(due.key, &rest) }
    }
}

/// Bounds of the tree of one stanza.
const TREE: TreeLimits =
    TreeLimits { depth: limits::STANZA_DEPTH, nodes: limits::STANZA_NODES, attributes: limits::STANZA_ATTRIBUTES };

fn new_framer() -> Framer {
    Framer::new(FrameLimits {
        bytes: limits::STANZA_BYTES,
        depth: limits::STANZA_DEPTH,
        head_bytes: limits::HEAD_BYTES,
    })
}
