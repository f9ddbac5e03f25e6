//! The front and the ledger of the program with a disk that may fail and a process that may die.

use crate::broken::{Breakage, Broken};
use neerc_core::board::{Board, Boards, Done};
use neerc_core::change::Entry;
use neerc_core::clock::Reading;
use neerc_core::clocks::Clocks;
use neerc_core::desk::{Desk, Faces};
use neerc_core::ledger::{Ask, Now, Rooms, Stored, Token};
use neerc_core::notice::{Notice, PlanNews};
use neerc_core::people::People;
use neerc_core::plan::Planned;
use neerc_core::planner::HandedOut;
use neerc_core::refusal::Refusal;
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

/// The front, noting what is decided; it may be shown other boards than those on disk.
struct Watched<'a> {
    front: &'a mut Front,
    broken: &'a Option<Broken>,
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

impl Faces for Watched<'_> {
    fn answer(&mut self, now_ms: i64, token: Token, outcome: Result<Done, Refusal>, world: World<'_>) {
        let world = World::new(seen(self.broken, world.boards()), world.clocks());
        self.front.answer(now_ms, token.number, outcome, world);
    }

    fn tell(&mut self, now_ms: i64, room: &str, revision: u64, notice: Notice) {
        self.front.tell(now_ms, room, revision, notice);
    }

    fn handed_out(&mut self, handed_out: HandedOut, world: World<'_>) {
        let world = World::new(seen(self.broken, world.boards()), world.clocks());
        self.front.handed_out(handed_out, world);
    }

    fn ask_planner(&mut self, room: &str, planned: Planned) {
        self.front.ask_planner(room, planned);
    }

    fn plan_news(&mut self, news: PlanNews, world: World<'_>) {
        let world = World::new(seen(self.broken, world.boards()), world.clocks());
        self.front.plan_news(news, world);
    }

    fn say_clocks(&mut self, clocks: &mut Clocks) {
        self.front.say_clocks(clocks);
    }
}

/// One life of the process.
pub struct Service {
    /// The XMPP side.
    pub front: Front,
    /// What is decided and what of it is on disk, the clocks, and what is due by them.
    pub desk: Desk,
    /// Told, and to be saved some time.
    pub told: u64,
    broken: Option<Broken>,
}

impl Service {
    /// Starts on a disk; `breakage`: with something wrong.
    pub fn start(settings: FrontSettings, now_ms: i64, disk: &Disk, breakage: Option<Breakage>) -> Service {
        let desk = Desk::new(disk.boards(), disk.log.len() as u64);
        let mut front = Front::new(settings, now_ms, disk.told);
        for (room, revision, notice) in desk.ledger.notices(disk.log.iter().filter(|entry| entry.revision > disk.told))
        {
            front.tell(now_ms, &room, revision, notice);
        }
        let broken = breakage.map(|breakage| Broken::new(breakage, disk.boards()));
        Service { front, desk, told: disk.told, broken }
    }

    /// What everybody sees.
    pub fn boards(&self) -> &Boards {
        seen(&self.broken, self.desk.ledger.boards())
    }

    /// Takes the front's events; the link is the caller's.
    pub fn take_events(&mut self, now: Now, words: &mut Vec<Word>) {
        let mut faces = Watched { front: &mut self.front, broken: &self.broken, words };
        self.desk.look_at_plans(now, &mut faces);
        while let Some(event) = self.front.poll() {
            match event {
                FrontEvent::Ask(ask) => self.desk.ledger.ask(ask),
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

    /// Bytes from the server.
    pub fn receive(&mut self, now_ms: i64, bytes: &[u8]) {
        let Service { front, desk, broken, .. } = self;
        front.receive(now_ms, bytes, World::new(seen(broken, desk.ledger.boards()), &desk.clocks));
    }

    /// What is to be sent now.
    pub fn transmit(&mut self, now_ms: i64, limit: usize) -> Vec<u8> {
        let mut out = Outgoing::default();
        let Service { front, desk, broken, .. } = self;
        front.transmit(now_ms, World::new(seen(broken, desk.ledger.boards()), &desk.clocks), &mut out, limit);
        out.to_vec()
    }

    /// The contest clock was looked at.
    pub fn clock_read(&mut self, now_ms: i64, reading: Reading) {
        if self.desk.clocks.read(now_ms, reading) {
            self.front.say_clocks(&mut self.desk.clocks);
        }
    }

    /// Does what is due.
    pub fn timeout(&mut self, now_ms: i64) {
        self.front.timeout(now_ms);
        self.desk.tick(now_ms, &mut self.front);
    }

    /// When something is due, in ms.
    pub fn next_timeout_ms(&self) -> i64 {
        self.front.next_timeout_ms().min(self.desk.next_due_ms()).min(self.desk.ledger.next_commit_ms())
    }

    /// Decides what waits; returns what is to be stored now.
    pub fn decide(&mut self, now: Now, words: &mut Vec<Word>) -> Option<Arc<[Entry]>> {
        let entries = self.desk.decide(now, &mut Watched { front: &mut self.front, broken: &self.broken, words });
        if let Some(broken) = &mut self.broken {
            let early = broken.decided(now, &mut self.front, words);
            self.desk.answer(now, early, &mut Watched { front: &mut self.front, broken: &self.broken, words });
        }
        entries
    }

    /// What was to be stored is on disk, or not; returns what is to be stored next.
    pub fn stored(&mut self, now: Now, stored: Stored) -> Option<Arc<[Entry]>> {
        let mut settled = self.desk.ledger.stored(now, stored).expect("an outcome that is known");
        if let Some(broken) = &mut self.broken {
            broken.stored(&mut settled);
        }
        let next = settled.next.take();
        let words = &mut Vec::new(); // nothing is decided here
        self.desk.settle(now, settled, &mut Watched { front: &mut self.front, broken: &self.broken, words });
        next
    }
}

/// The boards that everybody sees, where those are on disk.
fn seen<'b>(broken: &'b Option<Broken>, on_disk: &'b Boards) -> &'b Boards {
    broken.as_ref().map_or(on_disk, |broken| broken.boards(on_disk))
}
