//! The loop of `neerc/src/service.rs` with a disk that may fail and a process that may die: decide, commit, apply,
//! answer, tell. What is said of the order of things there is done in the same order here.

use neerc_core::board::{Board, Boards, Done};
use neerc_core::change::Entry;
use neerc_core::limits;
use neerc_core::refusal::Refusal;
use neerc_xmpp::front::{Ask, Front, FrontEvent, FrontSettings};
use std::collections::VecDeque;

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

/// A batch on its way to the disk.
pub struct Batch {
    /// The changes.
    pub entries: Vec<Entry>,
    outcomes: Vec<(u64, Result<Done, Refusal>)>,
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

/// One life of the process.
pub struct Service {
    /// The XMPP side.
    pub front: Front,
    /// What is on disk.
    pub boards: Boards,
    ahead: Boards,
    revision: u64,
    waiting: VecDeque<Ask>,
    /// What is being stored.
    pub batch: Option<Batch>,
    /// Told, and to be saved some time.
    pub told: u64,
}

impl Service {
    /// Starts on a disk.
    pub fn start(settings: FrontSettings, now_ms: i64, disk: &Disk) -> Service {
        let boards = disk.boards();
        let mut front = Front::new(settings, now_ms, disk.told);
        for Entry { revision, room, change, .. } in disk.log.iter().filter(|entry| entry.revision > disk.told) {
            if let Some(notice) = boards.get(room).cloned().unwrap_or_default().notice(change) {
                front.tell(now_ms, room, *revision, notice);
            }
        }
        let revision = disk.log.len() as u64;
        Service {
            front,
            ahead: boards.clone(),
            boards,
            revision,
            waiting: VecDeque::new(),
            batch: None,
            told: disk.told,
        }
    }

    /// Takes the front's events; the link is the caller's.
    pub fn take_events(&mut self, words: &mut Vec<Word>) {
        while let Some(event) = self.front.poll() {
            match event {
                FrontEvent::Ask(ask) => self.waiting.push_back(ask),
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

    /// Decides what waits; says whether something is to be stored now.
    pub fn start_batch(&mut self, now_ms: i64, wall_ms: i64, words: &mut Vec<Word>) -> bool {
        if self.batch.is_some() || self.waiting.is_empty() {
            return false;
        }
        let (mut entries, mut outcomes) = (Vec::new(), Vec::new());
        while outcomes.len() < limits::WRITES_PER_BATCH
            && let Some(ask) = self.waiting.pop_front()
        {
            let Ask { token, room, who, command } = ask.clone();
            let board = self.ahead.entry(room.clone()).or_default();
            let before = board.clone();
            let decided = board.decide(wall_ms, &who, self.front.people(&room), &command);
            let mut stored = None;
            let outcome = decided.map(|decision| {
                let done = decision.done();
                if let Some(change) = decision.change {
                    let revision = self.revision + 1 + entries.len() as u64;
                    board.apply(revision, &change);
                    let entry = Entry { revision, room, at_ms: wall_ms, by: who, change };
                    stored = Some(entry.clone());
                    entries.push(entry);
                }
                done
            });
            words.push(Word::Decided(Box::new((ask, before, stored))));
            outcomes.push((token, outcome));
        }
        if entries.is_empty() {
            self.answer(now_ms, outcomes);
            return false;
        }
        self.batch = Some(Batch { entries, outcomes });
        true
    }

    /// The batch is on disk, or not.
    pub fn stored(&mut self, now_ms: i64, durable: bool) {
        let Some(Batch { entries, outcomes }) = self.batch.take() else { return };
        if !durable {
            self.ahead = self.boards.clone();
            self.answer(now_ms, outcomes.into_iter().map(|(token, _)| (token, Err(Refusal::NotDurable))).collect());
            return;
        }
        let mut notices = Vec::new();
        for Entry { revision, room, change, .. } in entries {
            let board = self.boards.entry(room.clone()).or_default();
            let notice = board.notice(&change);
            board.follow(revision, &change, &self.ahead[&room]);
            self.revision = revision;
            notices.extend(notice.map(|notice| (room, revision, notice)));
        }
        self.answer(now_ms, outcomes);
        for (room, revision, notice) in notices {
            self.front.tell(now_ms, &room, revision, notice);
        }
    }

    fn answer(&mut self, now_ms: i64, outcomes: Vec<(u64, Result<Done, Refusal>)>) {
        for (token, outcome) in outcomes {
            self.front.answer(now_ms, token, outcome, &self.boards);
        }
    }

    /// Whether everything taken has been decided and stored.
    pub fn is_idle(&self) -> bool {
        self.batch.is_none() && self.waiting.is_empty()
    }
}
