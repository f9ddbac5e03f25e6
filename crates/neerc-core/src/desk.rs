//! What stands between the faces and the store: the ledger, the contest clocks and the planner, and how they work together
//! in every turn of the loop, whoever runs it. Not the faces, and not where the time, the readings and the disk come from.
//!
//! A turn of the loop: [`Desk::look_at_plans`], then what the faces ask goes to the [`Ledger`], then [`Desk::decide`]. When
//! what that handed out is stored, [`Ledger::stored`] says what follows, and [`Desk::settle`] has it follow.

use crate::board::{Boards, Done};
use crate::change::Entry;
use crate::checklist::Checklist;
use crate::clocks::{ClockedRooms, Clocks};
use crate::doors::{Entrance, NewSecret};
use crate::ledger::{Answer, Ask, Face, Ledger, Now, Rooms, Settled, Token};
use crate::notice::{Notice, PlanNews};
use crate::plan::Planned;
use crate::planner::{Due, HandedOut, Patience, Planner};
use crate::quota::Quota;
use crate::refusal::Refusal;
use crate::world::World;
use std::sync::Arc;

/// The faces, as the desk sees them: all of them together.
pub trait Faces: Rooms {
    /// The answer to an ask of a face.
    fn answer(&mut self, now_ms: i64, token: Token, outcome: Result<Done, Refusal>, world: World<'_>);

    /// Whoever must hear of something is to be told.
    fn tell(&mut self, now_ms: i64, room: &str, revision: u64, notice: Notice);

    /// A planned task was handed out, or could not be.
    fn handed_out(&mut self, handed_out: HandedOut, world: World<'_>);

    /// Whoever planned this has to say first that it is to be handed out.
    fn ask_planner(&mut self, room: &str, planned: Planned);

    /// Something was decided on a planned task about which admins are asked.
    fn plan_news(&mut self, news: PlanNews, world: World<'_>);

    /// Everybody in a room whose contest clock is news is to hear of it.
    fn say_clocks(&mut self, clocks: &mut Clocks);
}

/// Ledger, clocks and planner.
#[derive(Debug)]
pub struct Desk {
    /// What is decided, and what of it is on disk.
    pub ledger: Ledger,
    /// The contest clocks.
    pub clocks: Clocks,
    /// The checklists that can be gone through in every room. Those that are gone through do not depend on them.
    pub checklists: Arc<[Checklist]>,
    /// The web side, as it says of itself.
    pub entrance: Entrance,
    planner: Planner,
}

impl Desk {
    /// A desk on what is on disk, with clocks that nobody has looked at.
    pub fn new(boards: Boards, revision: u64) -> Desk {
        Desk {
            ledger: Ledger::new(boards, revision),
            clocks: Clocks::default(),
            checklists: Arc::new([]),
            entrance: Entrance::default(),
            planner: Planner::default(),
        }
    }

    /// The same with a limit on what each person may store.
    pub fn within(self, quota: Quota) -> Desk {
        Desk { ledger: self.ledger.within(quota), ..self }
    }

    /// The same, which waits so long for people.
    pub fn patient(mut self, patience: Patience) -> Desk {
        self.wait_so_long(patience);
        self
    }

    /// Waits so long for people from now on.
    pub fn wait_so_long(&mut self, patience: Patience) {
        self.planner.wait_so_long(patience);
    }

    /// The same on changes that are on disk, the newest last.
    pub fn after(self, entries: impl IntoIterator<Item = Entry>) -> Desk {
        Desk { ledger: self.ledger.after(entries), ..self }
    }

    /// The same with these clocks.
    pub fn by_clocks(self, clocks: Clocks) -> Desk {
        Desk { clocks, ..self }
    }

    /// What everybody may see.
    pub fn world(&self) -> World<'_> {
        world(&self.ledger, &self.clocks, &self.checklists, &self.entrance)
    }

    /// Takes an ask of a face, with the secret that it needs, if it needs one; where there is no web side, it gets none.
    pub fn ask(&mut self, mut ask: Ask, make: impl FnOnce() -> Option<NewSecret>) {
        if self.entrance.is_open() {
            ask.command = ask.command.with_secret(make);
        }
        self.ledger.ask(ask);
    }

    /// Asks for what is due, or has people asked; says whether anything is due.
    pub fn look_at_plans(&mut self, now: Now, faces: &mut impl Faces) -> bool {
        let due = self.planner.look(now, world(&self.ledger, &self.clocks, &self.checklists, &self.entrance), faces);
        let is_any = !due.is_empty();
        for due in due {
            match due {
                Due::HandOut(ask) | Due::Note(ask) => self.ledger.ask(ask),
                Due::AskFirst { room, planned } => faces.ask_planner(&room, planned),
            }
        }
        is_any
    }

    /// Decides what waits; returns what is to be stored now, if it is time for that.
    pub fn decide(&mut self, now: Now, faces: &mut impl Faces) -> Option<Arc<[Entry]>> {
        let mut answers = Vec::new();
        let mut rooms = ClockedRooms { rooms: faces, clocks: &self.clocks };
        let entries = self.ledger.decide(now, &mut rooms, &mut answers);
        self.answer(now, answers, faces);
        entries
    }

    /// The same at the end, when nothing more is asked: nothing waits for others.
    pub fn decide_last(&mut self, now: Now, faces: &mut impl Faces) -> Option<Arc<[Entry]>> {
        let mut answers = Vec::new();
        let mut rooms = ClockedRooms { rooms: faces, clocks: &self.clocks };
        let entries = self.ledger.decide_last(now, &mut rooms, &mut answers);
        self.answer(now, answers, faces);
        entries
    }

    /// What was stored has its consequences: clocks go by what was set, whoever asked is answered, and then everybody else
    /// is told. What is to be stored next should be on its way by then.
    pub fn settle(&mut self, now: Now, settled: Settled, faces: &mut impl Faces) {
        if settled.sets_clock() {
            self.follow_clocks(now, faces);
        }
        self.answer(now, settled.answers, faces);
        for (room, revision, notice) in settled.notices {
            faces.tell(now.steady_ms(), &room, revision, notice);
        }
        for news in settled.plan_news {
            faces.plan_news(news, self.world());
        }
    }

    /// Clocks go by what was set by hand, as it is on disk.
    pub fn follow_clocks(&mut self, now: Now, faces: &mut impl Faces) {
        if self.clocks.follow(now, self.ledger.boards()) {
            faces.say_clocks(&mut self.clocks);
        }
    }

    /// Time has gone by; says whether anybody is to hear of a contest clock again.
    pub fn tick(&mut self, now_ms: i64, faces: &mut impl Faces) -> bool {
        let is_due = self.clocks.tick(now_ms);
        if is_due {
            faces.say_clocks(&mut self.clocks);
        }
        is_due
    }

    /// Gives answers to whoever asked.
    pub fn answer(&mut self, now: Now, answers: Vec<Answer>, faces: &mut impl Faces) {
        let world = world(&self.ledger, &self.clocks, &self.checklists, &self.entrance);
        for Answer { token, outcome } in answers {
            match token.face {
                Face::Xmpp | Face::Web => faces.answer(now.steady_ms(), token, outcome, world),
                Face::Planner => {
                    if let Some(handed_out) = self.planner.answered(now.steady_ms(), token.number, outcome) {
                        faces.handed_out(handed_out, world);
                    }
                }
            }
        }
    }

    /// When a clock or a planned task is due, in ms.
    pub fn next_due_ms(&self) -> i64 {
        self.clocks.next_tick_ms().min(self.planner.next_look_ms())
    }
}

/// What everybody may see.
fn world<'w>(ledger: &'w Ledger, clocks: &'w Clocks, checklists: &'w [Checklist], entrance: &'w Entrance) -> World<'w> {
    World::new(ledger.boards(), clocks).with_trail(ledger.trail()).with_checklists(checklists).with_entrance(entrance)
}
