//! The front and the ledger of the program with a disk that may fail and a process that may die.

use crate::broken::{Breakage, Broken};
use neerc_core::board::{Board, Boards};
use neerc_core::change::Entry;
use neerc_core::clock::Reading;
use neerc_core::clocks::{ClockedRooms, Clocks};
use neerc_core::ledger::{Answer, Ask, Face, Ledger, Now, Rooms, Settled, Stored};
use neerc_core::people::People;
use neerc_core::planner::{DuePlan, Planner};
use neerc_core::world::World;
use neerc_xmpp::front::{Front, FrontEvent, FrontSettings};
use neerc_xmpp::stream::outgoing::Outgoing;
use std::sync::Arc;

/// What survives a crash.
#[derive(Default)]
pub struct Disk {
    /// Every change.
    pub log: Vec<Entry>,
    /// Up to where everybody is known to have been told.
    pub told: u64,
    /// How many of the changes outlive a loss of power.
    synced: usize,
}

impl Disk {
    /// Writes a commit; what came before is on disk for good by now, also where nobody has asked for that.
    pub fn write(&mut self, entries: &[Entry]) {
        self.synced = self.log.len();
        self.log.extend(entries.iter().cloned());
    }

    /// Makes what was written durable.
    pub fn sync(&mut self) {
        self.synced = self.log.len();
    }

    /// What was not synced is gone.
    pub fn lose_power(&mut self) {
        self.log.truncate(self.synced);
    }

    /// The boards by the log.
    pub fn boards(&self) -> Boards {
        let mut boards = Boards::new();
        for Entry { revision, room, change, .. } in &self.log {
            boards.entry(room.clone()).or_default().apply(*revision, change);
        }
        boards
    }
}

/// What the loop wants the world to know.
pub enum Word {
    /// It was decided on this board, to this effect.
    Decided(Box<(Ask, Board, Option<Entry>)>),
    /// The front has given up the stream.
    Ended(String),
    /// Everybody has been told of this.
    Told(u64),
}

/// The rooms of the front, noting what is decided.
struct Watched<'a> {
    front: &'a mut Front,
    words: &'a mut Vec<Word>,
}

impl Rooms for Watched<'_> {
    fn people(&mut self, room: &str) -> &People {
        self.front.people(room)
    }

    fn is_known(&self, room: &str) -> bool {
        self.front.is_known(room)
    }

    fn decided(&mut self, ask: &Ask, before: &Board, entry: Option<&Entry>) {
        self.words.push(Word::Decided(Box::new((ask.clone(), before.clone(), entry.cloned()))));
    }
}

/// One life of the process.
pub struct Service {
    /// The XMPP side.
    pub front: Front,
    /// What is decided, and what of it is on disk.
    pub ledger: Ledger,
    /// The contest clock.
    pub clocks: Clocks,
    /// What is due by it.
    pub planner: Planner,
    /// Told, and to be saved some time.
    pub told: u64,
    broken: Option<Broken>,
}

impl Service {
    /// Starts on a disk; `breakage`: with something wrong.
    pub fn start(settings: FrontSettings, now_ms: i64, disk: &Disk, breakage: Option<Breakage>) -> Service {
        let ledger = Ledger::new(disk.boards(), disk.log.len() as u64);
        let mut front = Front::new(settings, now_ms, disk.told);
        for (room, revision, notice) in ledger.notices(disk.log.iter().filter(|entry| entry.revision > disk.told)) {
            front.tell(now_ms, &room, revision, notice);
        }
        let broken = breakage.map(|breakage| Broken::new(breakage, disk.boards()));
        Service { front, ledger, clocks: Clocks::default(), planner: Planner::default(), told: disk.told, broken }
    }

    /// What everybody sees.
    pub fn boards(&self) -> &Boards {
        seen(&self.broken, &self.ledger)
    }

    /// Takes the front's events; the link is the caller's.
    pub fn take_events(&mut self, now_ms: i64, words: &mut Vec<Word>) {
        self.look_at_plans(now_ms);
        while let Some(event) = self.front.poll() {
            match event {
                FrontEvent::Ask(ask) => self.ledger.ask(ask),
                FrontEvent::Ended(why) => {
                    self.front.disconnected();
                    words.push(Word::Ended(why));
                }
                FrontEvent::Told(revision) => {
                    self.told = revision;
                    words.push(Word::Told(revision));
                }
                _ => {}
            }
        }
    }

    /// Asks for what is due by the contest clock.
    fn look_at_plans(&mut self, now_ms: i64) {
        let Service { front, ledger, clocks, planner, broken, .. } = self;
        for due in planner.look(now_ms, World::new(seen(broken, ledger), clocks), front) {
            match due {
                DuePlan::HandOut(ask) => self.ledger.ask(ask),
                DuePlan::AskFirst { room, planned } => self.front.ask_planner(&room, planned),
            }
        }
    }

    /// Bytes from the server.
    pub fn receive(&mut self, now_ms: i64, bytes: &[u8]) {
        let Service { front, ledger, clocks, broken, .. } = self;
        front.receive(now_ms, bytes, World::new(seen(broken, ledger), clocks));
    }

    /// What is to be sent now.
    pub fn transmit(&mut self, now_ms: i64, limit: usize) -> Vec<u8> {
        let mut out = Outgoing::default();
        let Service { front, ledger, clocks, broken, .. } = self;
        front.transmit(now_ms, World::new(seen(broken, ledger), clocks), &mut out, limit);
        out.to_vec()
    }

    /// The contest clock was looked at.
    pub fn clock_read(&mut self, now_ms: i64, reading: Reading) {
        if self.clocks.read(now_ms, reading) {
            self.front.say_clock();
        }
    }

    /// Does what is due.
    pub fn timeout(&mut self, now_ms: i64) {
        self.front.timeout(now_ms);
        if self.clocks.tick(now_ms) {
            self.front.say_clock();
        }
    }

    /// When something is due, in ms.
    pub fn next_timeout_ms(&self) -> i64 {
        let by_clock_ms = self.clocks.next_tick_ms().min(self.planner.next_look_ms());
        self.front.next_timeout_ms().min(by_clock_ms).min(self.ledger.next_commit_ms())
    }

    /// Decides what waits; returns what is to be stored now.
    pub fn decide(&mut self, now: Now, words: &mut Vec<Word>) -> Option<Arc<[Entry]>> {
        let mut answers = Vec::new();
        let mut rooms = Watched { front: &mut self.front, words };
        let mut rooms = ClockedRooms { rooms: &mut rooms, clocks: &self.clocks };
        let entries = self.ledger.decide(now, &mut rooms, &mut answers);
        if let Some(broken) = &mut self.broken {
            answers.extend(broken.decided(now, &mut self.front, words));
        }
        self.answer(now, answers);
        entries
    }

    /// What was to be stored is on disk, or not; returns what is to be stored next.
    pub fn stored(&mut self, now: Now, stored: Stored) -> Option<Arc<[Entry]>> {
        let mut settled = self.ledger.stored(now, stored).expect("an outcome that is known");
        if let Some(broken) = &mut self.broken {
            broken.stored(&mut settled);
        }
        self.follow_clocks(now);
        let Settled { next, answers, notices, .. } = settled;
        self.answer(now, answers);
        for (room, revision, notice) in notices {
            self.front.tell(now.steady_ms(), &room, revision, notice);
        }
        next
    }

    /// Goes by what was set by hand.
    pub fn follow_clocks(&mut self, now: Now) {
        let Service { front, ledger, clocks, broken, .. } = self;
        if clocks.follow(now, seen(broken, ledger)) {
            front.say_clock();
        }
    }

    fn answer(&mut self, now: Now, answers: Vec<Answer>) {
        for Answer { token, outcome } in answers {
            let Service { front, ledger, clocks, planner, broken, .. } = self;
            let world = World::new(seen(broken, ledger), clocks);
            match token.face {
                Face::Xmpp => front.answer(now.steady_ms(), token.number, outcome, world),
                Face::Planner => {
                    if let Some(handed_out) = planner.answered(now.steady_ms(), token.number, outcome) {
                        front.handed_out(handed_out, world);
                    }
                }
            }
        }
    }
}

/// The boards that everybody sees.
fn seen<'b>(broken: &'b Option<Broken>, ledger: &'b Ledger) -> &'b Boards {
    broken.as_ref().map_or(ledger.boards(), |broken| broken.boards(ledger))
}
