//! What a simulated service does wrong on purpose, and whether that is noticed: a check that cannot fail proves nothing.
//! The ledger is the real one and stays whole; what is broken is around it: the disk, the answers, and the boards that
//! the front is shown.
//!
//! `NEERC_BREAK=answered_early NEERC_SEED=x` replays one world with one of them.

use crate::service::Word;
use crate::{live, variable};
use neerc_core::board::Boards;
use neerc_core::change::Entry;
use neerc_core::ledger::{Answer, Now, Settled, Token};
use neerc_xmpp::front::Front;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Worlds that are tried with each breakage, and how many of them must notice it.
const SEEDS: u64 = 100;
const NOTICED: usize = 5;

/// Something wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakage {
    /// What is stored is written and not synced: the last commit goes with the power.
    SyncLeftOut,
    /// Whoever asks is answered when it is decided, and not when it is on disk.
    AnsweredEarly,
    /// Each change is applied twice to what everybody sees.
    AppliedTwice,
    /// One change in five does not come to what everybody sees.
    FollowSkipped,
}

impl Breakage {
    const ALL: [(&str, Breakage); 4] = [
        ("sync_left_out", Breakage::SyncLeftOut),
        ("answered_early", Breakage::AnsweredEarly),
        ("applied_twice", Breakage::AppliedTwice),
        ("follow_skipped", Breakage::FollowSkipped),
    ];

    /// The one that `NEERC_BREAK` names.
    pub fn asked_for() -> Option<Breakage> {
        let name = std::env::var("NEERC_BREAK").ok()?;
        let found = Breakage::ALL.iter().find(|(known, _)| *known == name);
        Some(found.unwrap_or_else(|| panic!("NEERC_BREAK is none of {:?}", Breakage::ALL)).1)
    }

    /// How it is noticed.
    fn words(self) -> &'static [&'static str] {
        match self {
            Breakage::SyncLeftOut => &["the log gives other boards"],
            Breakage::AnsweredEarly => &["has its result, and it is not on disk"],
            Breakage::AppliedTwice | Breakage::FollowSkipped => &["the boards are not what is on disk"],
        }
    }
}

/// A service with something wrong around its ledger.
pub struct Broken {
    breakage: Breakage,
    /// What the front is shown.
    boards: Boards,
    /// The tokens of whoever has been answered already.
    answered: Vec<Token>,
}

impl Broken {
    /// From the start on.
    pub fn new(breakage: Breakage, boards: Boards) -> Broken {
        Broken { breakage, boards, answered: Vec::new() }
    }

    /// The boards that the front is shown.
    pub fn boards<'b>(&'b self, on_disk: &'b Boards) -> &'b Boards {
        match self.breakage {
            Breakage::AppliedTwice | Breakage::FollowSkipped => &self.boards,
            Breakage::SyncLeftOut | Breakage::AnsweredEarly => on_disk,
        }
    }

    /// This was decided; returns what is answered at once.
    pub fn decided(&mut self, now: Now, front: &mut Front, words: &[Word]) -> Vec<Answer> {
        let mut answers = Vec::new();
        for word in words {
            let Word::Decided(decided) = word else { continue };
            let (ask, before, entry) = &**decided;
            if self.breakage == Breakage::AnsweredEarly && entry.is_some() {
                let decision = before.decide(now.wall_ms, &ask.who, front.people(&ask.room), &ask.command);
                answers.push(Answer { token: ask.token, outcome: decision.map(|decision| decision.done()) });
                self.answered.push(ask.token);
            }
        }
        answers
    }

    /// This was stored.
    pub fn stored(&mut self, settled: &mut Settled) {
        settled.answers.retain(|answer| !self.answered.contains(&answer.token));
        for Entry { revision, room, change, .. } in settled.entries.iter() {
            let times = match self.breakage {
                Breakage::AppliedTwice => 2,
                Breakage::FollowSkipped if revision % 5 == 0 => 0,
                _ => 1,
            };
            for _ in 0..times {
                self.boards.entry(room.clone()).or_default().apply(*revision, change);
            }
        }
    }
}

/// Why it panicked.
fn reason(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default()
}

fn is_caught(breakage: Breakage) {
    if variable("NEERC_SEED").is_some() {
        return;
    }
    let outcomes = (0..SEEDS).map(|seed| catch_unwind(AssertUnwindSafe(|| live(seed, false, Some(breakage)))));
    let caught: Vec<_> = outcomes.filter_map(Result::err).collect();
    for panic in &caught {
        let reason = reason(&**panic);
        let fits = breakage.words().iter().any(|words| reason.contains(words));
        assert!(fits, "{breakage:?} was noticed by something else: {reason}");
    }
    println!("{breakage:?}: noticed in {} of {SEEDS} worlds", caught.len());
    assert!(caught.len() >= NOTICED, "{breakage:?} was noticed in {} of {SEEDS} worlds", caught.len());
}

#[test]
fn a_sync_that_is_left_out_is_noticed() {
    is_caught(Breakage::SyncLeftOut);
}

#[test]
fn an_answer_before_the_commit_is_noticed() {
    is_caught(Breakage::AnsweredEarly);
}

#[test]
fn a_change_that_is_applied_twice_is_noticed() {
    is_caught(Breakage::AppliedTwice);
}

#[test]
fn a_change_that_is_not_followed_is_noticed() {
    is_caught(Breakage::FollowSkipped);
}
