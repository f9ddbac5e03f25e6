//! The loop's side of the web: pictures of the rooms are handed over when something has changed, and what is asked there
//! is asked of the desk like everything else. Not what is drawn from the pictures.

use super::Service;
use super::time::wall_ms;
use crate::web::Web;
use crate::web::asks::{WebAsk, WebWish};
use crate::web::door::fresh_secret;
use crate::web::limits::{PICTURE_BEAT_MS, PICTURE_SPACING_MS, TAKE_OVER_MS};
use crate::web::picture::{Album, Picture, PictureClock, Timepiece};
use neerc_core::board::Done;
use neerc_core::checklist::Checklist;
use neerc_core::clocks::Clocks;
use neerc_core::desk::{Desk, Faces};
use neerc_core::doors::Entrance;
use neerc_core::keeping::Keeping;
use neerc_core::ledger::{Ask, Face, Rooms, Token};
use neerc_core::notice::{Notice, PlanNews};
use neerc_core::people::{People, Person};
use neerc_core::plan::Planned;
use neerc_core::planner::HandedOut;
use neerc_core::refusal::Refusal;
use neerc_core::view::Visibility;
use neerc_core::world::World;
use neerc_xmpp::front::Front;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

/// What a picture is taken of, to tell whether it is still true.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Subject {
    revision: u64,
    people_changes: u64,
    online_changes: u64,
    is_connected: bool,
    keeping: Keeping,
    clock: Option<PictureClock>,
    checklists: Arc<[Checklist]>,
    entrance: Arc<Entrance>,
    visibility: Visibility,
}

type Reply = oneshot::Sender<Result<Done, Refusal>>;

/// What the loop holds for the web.
#[derive(Debug)]
pub(super) struct WebSide {
    pub web: Web,
    generation: u64,
    history: u64,
    /// What ordinary users see.
    pub visibility: Visibility,
    /// What it says of itself, as it was seen last.
    entrance: Arc<Entrance>,
    /// How changes are kept.
    keeping: Keeping,
    /// What each room's last picture shows.
    subjects: Vec<Subject>,
    taken_ms: i64,
    /// When the service began, in ms.
    began_ms: i64,
    /// Some picture is not true any more.
    is_due: bool,
    /// Who waits for the answer to which ask.
    waiting: HashMap<u64, Reply>,
    next_number: u64,
    /// Answers that are given once the pictures show what was done.
    answers: Vec<(Reply, Result<Done, Refusal>)>,
}

impl WebSide {
    /// Nobody has asked anything, and no picture was taken.
    pub fn new(web: Web, visibility: Visibility, (history, began_ms): (u64, i64)) -> WebSide {
        WebSide {
            web,
            entrance: Arc::default(),
            keeping: Keeping::default(),
            generation: RandomState::new().hash_one(std::process::id()) >> 16,
            history,
            visibility,
            subjects: Vec::new(),
            taken_ms: i64::MIN,
            began_ms,
            is_due: true,
            waiting: HashMap::new(),
            next_number: 0,
            answers: Vec::new(),
        }
    }

    fn answered(&mut self, number: u64, outcome: Result<Done, Refusal>) {
        if let Some(reply) = self.waiting.remove(&number) {
            self.answers.push((reply, outcome));
        }
    }

    /// When the next pictures are to be taken, in ms.
    fn next_ms(&self) -> i64 {
        let is_due = self.is_due || !self.answers.is_empty();
        self.taken_ms.saturating_add(if is_due { PICTURE_SPACING_MS } else { PICTURE_BEAT_MS })
    }

    /// Takes pictures if it is time for that, and gives the answers that waited for them.
    fn look(&mut self, now_ms: i64, front: &Front, desk: &Desk) {
        if self.is_due && now_ms < self.next_ms() {
            return;
        }
        if *self.entrance != desk.entrance {
            self.entrance = Arc::new(desk.entrance.clone());
        }
        let (seen, keeping) = ((&self.entrance, self.visibility), self.keeping);
        let subjects: Vec<Subject> =
            front.rooms().map(|room| Subject { keeping, ..subject(now_ms, front, desk, &room.room, seen) }).collect();
        self.is_due |= self.subjects != subjects;
        if now_ms < self.next_ms() {
            return;
        }
        let before = self.web.bridge.albums.borrow().clone();
        let is_unread = front.rooms().any(|room| room.people().is_empty());
        if before.elsewhere.is_some() && is_unread && now_ms < self.began_ms.saturating_add(TAKE_OVER_MS) {
            self.taken_ms = now_ms; // what was shown while this machine stood by is as much as is known
            return;
        }
        let time =
            Timepiece { taken: Instant::now(), steady_ms: now_ms, wall_ms: wall_ms(), zone_ms: desk.clocks.zone_ms() };
        let rooms = front.rooms().zip(&subjects).enumerate().map(|(index, (room, subject))| {
            let (old, was) = (before.rooms.get(index), self.subjects.get(index));
            if let (Some(old), true) = (old, was == Some(subject)) {
                return old.clone();
            }
            let same =
                |is_same: fn(&Subject, &Subject) -> bool| old.filter(|_| was.is_some_and(|was| is_same(was, subject)));
            let people = same(|was, now| was.people_changes == now.people_changes).map(|old| old.people.clone());
            let board = same(|was, now| was.revision == now.revision).map(|old| old.board.clone());
            let online = same(|was, now| was.online_changes == now.online_changes).map(|old| old.online.clone());
            Arc::new(Picture {
                room: room.room.clone(),
                serial: old.map_or(0, |old| old.serial) + 1,
                generation: self.generation,
                history: self.history,
                taken: time,
                people: people.unwrap_or_else(|| Arc::new(room.people().clone())),
                board: board.unwrap_or_else(|| Arc::new(desk.world().board(&room.room).clone())),
                times: desk.ledger.trail().times(&room.room).cloned(),
                clock: subject.clock.clone(),
                online: online.unwrap_or_else(|| {
                    Arc::new(front.people_online(index).into_iter().map(Person::from_bare).collect())
                }),
                checklists: subject.checklists.clone(),
                entrance: subject.entrance.clone(),
                visibility: subject.visibility,
                keeping: subject.keeping,
                is_connected: subject.is_connected,
            })
        });
        let album = Album { time: Some(time), rooms: rooms.collect(), elsewhere: None };
        self.web.bridge.albums.send_replace(Arc::new(album));
        (self.subjects, self.taken_ms, self.is_due) = (subjects, now_ms, false);
        for (reply, outcome) in self.answers.drain(..) {
            let _ = reply.send(outcome); // whoever has gone is not told
        }
    }
}

fn subject(
    now_ms: i64,
    front: &Front,
    desk: &Desk,
    room: &str,
    (entrance, visibility): (&Arc<Entrance>, Visibility),
) -> Subject {
    let world = desk.world();
    let clock = world.clock(room).map(|clock| {
        let dial = world.dial(room, now_ms);
        let set = dial.and_then(|dial| dial.set).cloned();
        PictureClock { clock, set, silent_since_ms: dial.and_then(|dial| dial.silent_since_ms) }
    });
    Subject {
        revision: world.board(room).revision(),
        people_changes: front.rooms().find(|watch| *watch.room == *room).map_or(0, |watch| watch.people_changes()),
        online_changes: front.online_changes(),
        is_connected: front.is_online(),
        keeping: Keeping::default(),
        clock,
        checklists: desk.checklists.clone(),
        entrance: entrance.clone(),
        visibility,
    }
}

/// All faces together, as the desk sees them.
pub(super) struct AllFaces<'a> {
    pub front: &'a mut Front,
    pub web: &'a mut Option<WebSide>,
}

impl Rooms for AllFaces<'_> {
    fn people(&mut self, room: &str) -> &People {
        Rooms::people(self.front, room)
    }

    fn is_known(&self, room: &str) -> bool {
        Rooms::is_known(self.front, room)
    }
}

impl Faces for AllFaces<'_> {
    fn answer(&mut self, now_ms: i64, token: Token, outcome: Result<Done, Refusal>, world: World<'_>) {
        match (token.face, &mut *self.web) {
            (Face::Web, Some(web)) => web.answered(token.number, outcome),
            (Face::Web, None) => {}
            (Face::Xmpp | Face::Planner, _) => Faces::answer(self.front, now_ms, token, outcome, world),
        }
    }

    fn tell(&mut self, now_ms: i64, room: &str, revision: u64, notice: Notice) {
        Faces::tell(self.front, now_ms, room, revision, notice);
    }

    fn handed_out(&mut self, handed_out: HandedOut, world: World<'_>) {
        Faces::handed_out(self.front, handed_out, world);
    }

    fn ask_planner(&mut self, room: &str, planned: Planned) {
        Faces::ask_planner(self.front, room, planned);
    }

    fn plan_news(&mut self, news: PlanNews, world: World<'_>) {
        Faces::plan_news(self.front, news, world);
    }

    fn say_clocks(&mut self, clocks: &mut Clocks) {
        Faces::say_clocks(self.front, clocks);
    }
}

impl Service {
    /// The same with a board for browsers.
    pub fn with_web(mut self, web: Web, visibility: Visibility) -> Service {
        self.desk.entrance.url = Some(web.url.to_string().into());
        let (history, began_ms) = (self.keeping.history, self.time.now_ms());
        Service { web: Some(WebSide::new(web, visibility, (history, began_ms))), ..self }
    }

    /// Something is asked on the web.
    pub(super) fn web_asked(&mut self, ask: WebAsk) {
        let Some(web) = &mut self.web else { return };
        match ask {
            WebAsk::Change { wish: WebWish { room, who, command, request, seen }, reply } => {
                let token = Token { face: Face::Web, number: web.next_number };
                web.next_number += 1;
                web.waiting.insert(token.number, reply);
                self.desk.ask(Ask { token, room, who, command, request, seen }, fresh_secret);
            }
            WebAsk::Codes(codes) => self.desk.entrance.codes = codes,
            WebAsk::Trail { room, task, reply } => {
                let entries = self.desk.ledger.trail().of(&room, task).cloned().collect();
                let _ = reply.send(entries); // whoever has gone is not told
            }
        }
    }

    /// Shows the web how everything is now, if it is time for that.
    pub(super) fn show_web(&mut self) {
        let now_ms = self.time.now_ms();
        if let Some(web) = &mut self.web {
            web.keeping = self.keeping.now;
            web.look(now_ms, &self.front, &self.desk);
        }
    }

    /// When that is to be looked at again, in ms.
    pub(super) fn web_wake_ms(&self) -> i64 {
        self.web.as_ref().map_or(i64::MAX, WebSide::next_ms)
    }

    /// The same at the end: nobody waits any longer.
    pub(super) fn show_web_last(&mut self) {
        if let Some(web) = &mut self.web {
            web.taken_ms = i64::MIN;
        }
        self.show_web();
    }
}
