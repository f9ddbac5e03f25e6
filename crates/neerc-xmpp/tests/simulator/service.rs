//! The front and the ledger of the program with a disk that may fail and a process that may die.

use neerc_core::board::{Board, Boards};
use neerc_core::change::Entry;
use neerc_core::ledger::{Answer, Ask, Face, Ledger, Now, Rooms, Settled, Stored};
use neerc_core::people::People;
use neerc_xmpp::front::{Front, FrontEvent, FrontSettings};
use std::sync::Arc;

/// What survives a crash.
#[derive(Default)]
pub struct Disk {
    /// Every change.
    pub log: Vec<Entry>,
    /// Up to where everybody is known to have been told.
    pub told: u64,
}

impl Disk {
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
    /// Told, and to be saved some time.
    pub told: u64,
}

impl Service {
    /// Starts on a disk.
    pub fn start(settings: FrontSettings, now_ms: i64, disk: &Disk) -> Service {
        let ledger = Ledger::new(disk.boards(), disk.log.len() as u64);
        let mut front = Front::new(settings, now_ms, disk.told);
        for (room, revision, notice) in ledger.notices(disk.log.iter().filter(|entry| entry.revision > disk.told)) {
            front.tell(now_ms, &room, revision, notice);
        }
        Service { front, ledger, told: disk.told }
    }

    /// Takes the front's events; the link is the caller's.
    pub fn take_events(&mut self, words: &mut Vec<Word>) {
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

    /// Decides what waits; returns what is to be stored now.
    pub fn decide(&mut self, now: Now, words: &mut Vec<Word>) -> Option<Arc<[Entry]>> {
        let mut answers = Vec::new();
        let entries = self.ledger.decide(now, &mut Watched { front: &mut self.front, words }, &mut answers);
        self.answer(now, answers);
        entries
    }

    /// What was to be stored is on disk, or not; returns what is to be stored next.
    pub fn stored(&mut self, now: Now, stored: Stored) -> Option<Arc<[Entry]>> {
        let settled = self.ledger.stored(now, stored).expect("an outcome that is known");
        let Settled { next, answers, notices, .. } = settled;
        self.answer(now, answers);
        for (room, revision, notice) in notices {
            self.front.tell(now.steady_ms, &room, revision, notice);
        }
        next
    }

    fn answer(&mut self, now: Now, answers: Vec<Answer>) {
        for Answer { token, outcome } in answers {
            match token.face {
                Face::Xmpp => self.front.answer(now.steady_ms, token.number, outcome, self.ledger.boards()),
            }
        }
    }
}
