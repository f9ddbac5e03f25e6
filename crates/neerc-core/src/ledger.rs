//! The one loop between faces and store, as a value: what is asked, what is decided, what is on its way to the disk, and what
//! is there. It decides ahead of the disk, hands out what is to be stored, and gives answers and notices once that is done.
//! It has no disk, clock or threads of its own: the time, the people and the outcome of storing are handed in.
//!
//! The order in which it is called:
//!
//! 1. [`Ledger::ask`] whenever somebody asks.
//! 2. [`Ledger::decide`] whenever something may have been asked or may be due. What it hands out is to be stored, all of it
//!    or nothing, before [`Ledger::stored`] is called; it hands out nothing more until then.
//! 3. [`Ledger::stored`] with what came of it. What that hands out is to be stored next; its answers are to be given before
//!    its notices are told.
//!
//! The board of a room that everybody sees is what is on disk. The next ask is decided on a second one, which is ahead by
//! what is being stored and by what is stored next.

mod pace;
mod seen;

use self::pace::Pace;
use self::seen::Newer;
use crate::board::{Board, Boards, Decision, Done};
use crate::change::{Change, Entry, Room};
use crate::clock::hand::{ClockNow, SetClock};
use crate::command::Command;
use crate::limits;
use crate::notice::{Notice, PlanNews};
use crate::people::{People, Person};
use crate::quota::{self, Quota};
use crate::refusal::Refusal;
use crate::requests::KeyedRequest;
use crate::trail::Trail;
use std::collections::VecDeque;
use std::sync::Arc;

/// Where an ask comes from; its answer goes back there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// Chat clients and the deployed clients, through the chat server.
    Xmpp,
    /// Browsers, and programs that ask over HTTP.
    Web,
    /// The planner, in the name of whoever planned what is due now.
    Planner,
}

/// Names an ask in its answer. The face that asks chooses the number, and never the same one twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Which face asks.
    pub face: Face,
    /// Which of its asks it is.
    pub number: u64,
}

/// A write that somebody asks for; the answer comes with its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Names the ask in the answer.
    pub token: Token,
    /// In which room.
    pub room: Room,
    /// Who asks.
    pub who: Person,
    /// For what.
    pub command: Command,
    /// By which it is known when it is asked again, where the asker gives it a key.
    pub request: Option<Arc<KeyedRequest>>,
    /// The revision of the board that the asker has seen, where they say so: what is newer is not replaced.
    pub seen: Option<u64>,
}

/// The answer for whoever asked with that token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Of the ask.
    pub token: Token,
    /// What came of it. `Ok` means: on disk.
    pub outcome: Result<Done, Refusal>,
}

/// The time of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For deadlines and delays, in µs; it never goes back.
    pub steady_us: i64,
    /// The time of day, in ms since 1970, for what is kept.
    pub wall_ms: i64,
}

impl Now {
    /// The time of a call in ms alone.
    pub fn from_ms(steady_ms: i64, wall_ms: i64) -> Now {
        Now { steady_us: steady_ms.saturating_mul(1_000), wall_ms }
    }

    /// For deadlines and delays, in ms.
    pub fn steady_ms(self) -> i64 {
        self.steady_us.div_euclid(1_000)
    }
}

/// What came of storing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// All of it is on disk.
    Yes,
    /// None of it is, and none ever will be.
    No,
    /// Some or all of it may be on disk, now or later.
    Unknown,
}

/// It is unknown what is on disk, so nothing can be answered: the process has to end, and the next start goes by what is
/// there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeUnknown;

/// The rooms, for whoever decides.
pub trait Rooms {
    /// The people of a room as they are known now; nobody for a room that is not served.
    fn people(&mut self, room: &str) -> &People;

    /// Whether the people have been read since the start. They stay known while there is no connection.
    fn is_known(&self, room: &str) -> bool;

    /// The contest clock of a room, which was last set to this by hand.
    fn clock(&self, _: &str, set: Option<&SetClock>, now: Now) -> ClockNow {
        ClockNow::by_hand(set, now.wall_ms)
    }

    /// An ask was decided on that board. `entry`: what is to be stored for it.
    fn decided(&mut self, _: &Ask, _: &Board, _: Option<&Entry>) {}
}

/// What follows from storing.
#[derive(Debug, Default)]
pub struct Settled {
    /// To be stored now, before anything is answered, so that the disk is busy meanwhile.
    pub next: Option<Arc<[Entry]>>,
    /// To be answered.
    pub answers: Vec<Answer>,
    /// What was made durable, in order.
    pub entries: Arc<[Entry]>,
    /// Who must hear of what, each with its room and revision, after the answers.
    pub notices: Vec<(Room, u64, Notice)>,
    /// What was decided on planned tasks about which admins are asked.
    pub plan_news: Vec<PlanNews>,
    /// How many changes are refused because they could not be stored.
    pub refused: usize,
}

impl Settled {
    /// Whether a contest clock was set.
    pub fn sets_clock(&self) -> bool {
        self.entries.iter().any(|entry| {
            matches!(entry.change, Change::Clocked(_) | Change::Rehearsed(_) | Change::RehearsalEnded { .. })
        })
    }
}

/// Decided, and to be made durable together.
#[derive(Debug, Default)]
struct Decided {
    entries: Vec<Entry>,
    answers: Vec<Answer>,
}

/// The same, while it is being stored.
#[derive(Debug)]
struct Batch {
    entries: Arc<[Entry]>,
    answers: Vec<Answer>,
    begun_us: i64,
}

/// The ledger.
#[derive(Debug)]
pub struct Ledger {
    /// What is on disk.
    boards: Boards,
    /// That, what is being stored and what is next: what the next ask is decided on.
    ahead: Boards,
    /// Of the last change on disk.
    revision: u64,
    waiting: VecDeque<Ask>,
    storing: Option<Batch>,
    /// Decided while something else is being stored.
    next: Decided,
    pace: Pace,
    /// The newest changes on disk.
    trail: Trail,
    /// Without limit, unless it is given one.
    quota: Quota,
}

impl Ledger {
    /// A ledger on what is on disk: the boards, and the revision of the last change.
    pub fn new(boards: Boards, revision: u64) -> Ledger {
        Ledger {
            ahead: boards.clone(),
            boards,
            revision,
            waiting: VecDeque::new(),
            storing: None,
            next: Decided::default(),
            pace: Pace::default(),
            trail: Trail::default(),
            quota: Quota::default(),
        }
    }

    /// The same with a limit on what each person may store.
    pub fn within(self, quota: Quota) -> Ledger {
        Ledger { quota, ..self }
    }

    /// Allows each person that many MiB in a day from now on; what they used today stays used.
    pub fn allow(&mut self, mib_per_day: u64) {
        self.quota.allow(mib_per_day);
    }

    /// The same on changes that are on disk, the newest last.
    pub fn after(self, entries: impl IntoIterator<Item = Entry>) -> Ledger {
        Ledger { trail: Trail::restore(entries), ..self }
    }

    /// The newest changes on disk.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// The boards as they are on disk: what everybody may see.
    pub fn boards(&self) -> &Boards {
        &self.boards
    }

    /// Who must hear of changes that are on disk already, as after a start: of each its room, its revision and the notice.
    /// Who had a task that was removed since is not known any more.
    pub fn notices<'e>(&self, entries: impl IntoIterator<Item = &'e Entry>) -> Vec<(Room, u64, Notice)> {
        let nothing = Board::default();
        let of = |Entry { revision, room, change, .. }: &Entry| {
            let notices = self.boards.get(room).unwrap_or(&nothing).notices(change);
            notices.into_iter().map(|notice| (room.clone(), *revision, notice)).collect::<Vec<_>>()
        };
        entries.into_iter().flat_map(of).collect()
    }

    /// Of the last change on disk.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Takes an ask.
    pub fn ask(&mut self, ask: Ask) {
        self.waiting.push_back(ask);
    }

    /// Asks that are not decided yet.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Asks that are not answered yet: those that are not decided, and those whose changes are not on disk.
    pub fn unanswered(&self) -> usize {
        let storing = self.storing.as_ref().map_or(0, |batch| batch.answers.len());
        storing + self.next.answers.len() + self.waiting.len()
    }

    /// Whether more asks wait than should.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= limits::WRITES_WAITING
    }

    /// Whether everything that was asked is decided, stored and answered.
    pub fn is_idle(&self) -> bool {
        self.storing.is_none() && self.waiting.is_empty() && self.next.answers.is_empty()
    }

    /// What is being stored.
    pub fn storing(&self) -> Option<&Arc<[Entry]>> {
        self.storing.as_ref().map(|batch| &batch.entries)
    }

    /// When [`Ledger::decide`] has something to hand out although nothing more is asked, in ms.
    pub fn next_commit_ms(&self) -> i64 {
        if self.storing.is_some() || self.next.entries.is_empty() {
            return i64::MAX;
        }
        self.pace.due_us().saturating_add(999).div_euclid(1_000)
    }

    /// Decides what waits. Returns what is to be stored now, if it is time for that; `answers` takes those that wait for
    /// no disk.
    pub fn decide(&mut self, now: Now, rooms: &mut impl Rooms, answers: &mut Vec<Answer>) -> Option<Arc<[Entry]>> {
        let mut entries = None;
        if self.storing.is_none() {
            // Of many, half: the others are decided, and those before them answered, while these go to the disk.
            let waiting = self.waiting.len();
            let most = if waiting > limits::WRITES_PER_BATCH / 4 { waiting / 2 } else { waiting };
            self.decide_waiting(now, rooms, most);
            entries = self.commit_if_due(now, answers);
        }
        self.decide_waiting(now, rooms, limits::WRITES_PER_BATCH);
        entries
    }

    /// The same at the end, when nothing more is asked: nothing waits for others.
    pub fn decide_last(&mut self, now: Now, rooms: &mut impl Rooms, answers: &mut Vec<Answer>) -> Option<Arc<[Entry]>> {
        self.decide(now, rooms, answers).or_else(|| self.storing.is_none().then(|| self.commit(now, answers))?)
    }

    /// Decides what waits, so that at most `most` are next.
    fn decide_waiting(&mut self, now: Now, rooms: &mut impl Rooms, most: usize) {
        let under_way = self.storing.as_ref().map_or(0, |batch| batch.entries.len());
        let Decided { entries, answers } = &mut self.next;
        while answers.len() < most.min(limits::WRITES_PER_BATCH)
            && let Some(ask) = self.waiting.pop_front()
        {
            let board = self.ahead.entry(ask.room.clone()).or_default();
            let clock = match ask.command {
                Command::Clock(_)
                | Command::CreateDue { .. }
                | Command::SetDeadline { .. }
                | Command::Plan(_)
                | Command::Replan { .. }
                | Command::Begin(_) => rooms.clock(&ask.room, board.clock(), now),
                _ => ClockNow::default(),
            };
            // Its answer waits for the same disk as the first one's, which may be on its way there.
            if let Some(repeated) = ask.request.as_ref().and_then(|request| board.repeated(request, now.wall_ms)) {
                rooms.decided(&ask, board, None);
                answers.push(Answer { token: ask.token, outcome: repeated });
                continue;
            }
            let people = rooms.people(&ask.room);
            let known = self.revision + (under_way + entries.len()) as u64;
            let within = |decision: Decision| {
                if let (Some(seen), Some(change)) = (ask.seen, &decision.change) {
                    let storing = self.storing.iter().flat_map(|batch| batch.entries.iter().rev());
                    let newer = Newer { room: &ask.room, seen, known, trail: &self.trail, board };
                    newer.admit(change, entries.iter().rev().chain(storing))?;
                }
                // What was planned is handed out whatever else its planner has done, and a deadline holds.
                let is_due = matches!(
                    ask.command,
                    Command::Fulfil { .. } | Command::NoteOverdue { .. } | Command::NoteLapsed { .. }
                );
                if let Some(change) = decision.change.as_ref().filter(|_| !is_due) {
                    let bytes = quota::entry_bytes(change, ask.request.as_deref());
                    self.quota.take(now.wall_ms, &ask.who, people.rights(&ask.who), bytes)?;
                }
                Ok(decision)
            };
            let decided = board.decide_by(clock, now.wall_ms, &ask.who, people, &ask.command).and_then(within);
            let (outcome, change) = match decided {
                Ok(decision) => (Ok(decision.done()), decision.change),
                Err(refusal) => (Err(refusal), None),
            };
            let revision = known + 1;
            let (room, by, request) = (ask.room.clone(), ask.who.clone(), ask.request.clone());
            let entry = change.map(|change| Entry { revision, room, at_ms: now.wall_ms, by, change, request });
            rooms.decided(&ask, board, entry.as_ref());
            if let Some(entry) = entry {
                board.replay(&entry);
                entries.push(entry);
            }
            answers.push(Answer { token: ask.token, outcome });
        }
    }

    fn commit_if_due(&mut self, now: Now, answers: &mut Vec<Answer>) -> Option<Arc<[Entry]>> {
        if self.pace.admits(now.steady_us, self.next.entries.len()) { self.commit(now, answers) } else { None }
    }

    fn commit(&mut self, now: Now, answers: &mut Vec<Answer>) -> Option<Arc<[Entry]>> {
        let Decided { entries, answers: waiting } = std::mem::take(&mut self.next);
        if entries.is_empty() {
            answers.extend(waiting); // nothing of them waits for the disk
            return None;
        }
        let entries: Arc<[Entry]> = entries.into();
        self.storing = Some(Batch { entries: entries.clone(), answers: waiting, begun_us: now.steady_us });
        Some(entries)
    }

    /// What was handed out last is stored, or not.
    pub fn stored(&mut self, now: Now, stored: Stored) -> Result<Settled, OutcomeUnknown> {
        let Some(Batch { entries, answers, begun_us }) = self.storing.take() else { return Ok(Settled::default()) };
        match stored {
            Stored::Yes => {
                self.pace.ended(now.steady_us, now.steady_us.saturating_sub(begun_us), entries.len());
                Ok(self.follow(now, entries, answers))
            }
            Stored::No => Ok(self.refuse(&entries, answers)),
            Stored::Unknown => Err(OutcomeUnknown),
        }
    }

    fn follow(&mut self, now: Now, entries: Arc<[Entry]>, mut answers: Vec<Answer>) -> Settled {
        self.revision += entries.len() as u64;
        let mut later = Vec::new();
        let next = self.commit_if_due(now, &mut later);
        let (mut notices, mut plan_news) = (Vec::with_capacity(entries.len()), Vec::new());
        for entry in entries.iter() {
            let Entry { revision, room, change, .. } = entry;
            let board = self.boards.entry(room.clone()).or_default();
            plan_news.extend(PlanNews::of(entry, board.plan()));
            let told = board.notices(change);
            match self.ahead.get(room) {
                Some(ahead) => board.follow(*revision, change, ahead),
                None => board.apply(*revision, change), // cannot be: it was decided on that board
            }
            board.note_request(entry);
            notices.extend(told.into_iter().map(|notice| (room.clone(), *revision, notice)));
        }
        answers.append(&mut later);
        self.trail.note(entries.clone());
        Settled { next, answers, entries, notices, plan_news, refused: 0 }
    }

    /// None of it happened, and neither did what was decided on top of it since.
    fn refuse(&mut self, entries: &[Entry], answers: Vec<Answer>) -> Settled {
        let next = std::mem::take(&mut self.next);
        self.ahead = self.boards.clone();
        let refused = answers.into_iter().chain(next.answers);
        Settled {
            answers: refused.map(|Answer { token, .. }| Answer { token, outcome: Err(Refusal::NotDurable) }).collect(),
            refused: entries.len() + next.entries.len(),
            ..Settled::default()
        }
    }
}

#[cfg(test)]
mod tests;
