//! What whoever has begun a checklist is told of it: that a step begins, and that all of it is finished. Told by state: whoever
//! was away hears where it stands. Not when a step begins: that follows from the changes.

use super::Front;
use neerc_core::face::lines::Lines;
use neerc_core::face::words::Arg;
use neerc_core::plan::{Run, RunId};
use neerc_core::world::World;
use std::collections::BTreeMap;

/// Where the checklists stood, and what is to be said of them.
#[derive(Debug, Default)]
pub(super) struct RunWords {
    /// The step of each at the last look; none of a room that was not looked at yet.
    seen: BTreeMap<usize, BTreeMap<RunId, u64>>,
    waiting: BTreeMap<(usize, RunId), Run>,
    /// Something was stored since the last look.
    is_stale: bool,
}

impl RunWords {
    /// Whether somebody is to hear something.
    pub fn waits(&self) -> bool {
        self.is_stale || !self.waiting.is_empty()
    }

    /// Notes where the checklists of a room stand now.
    fn look<'r>(&mut self, room: usize, runs: impl Iterator<Item = &'r Run>) {
        let before = self.seen.remove(&room);
        let mut now = BTreeMap::new();
        for run in runs {
            let known = before.as_ref().map_or(run.step, |seen| seen.get(&run.id).copied().unwrap_or(1));
            if known != run.step {
                self.waiting.insert((room, run.id), run.clone());
            }
            now.insert(run.id, run.step);
        }
        self.waiting.retain(|(of, id), _| *of != room || now.contains_key(id));
        self.seen.insert(room, now);
    }
}

impl Front {
    /// Something was stored: a checklist may stand elsewhere.
    pub(super) fn runs_may_move(&mut self) {
        self.run_words.is_stale = true;
        self.plan_words.is_due = true;
    }

    fn look_at_runs(&mut self, world: World<'_>) {
        self.run_words.is_stale = false;
        for (index, hall) in self.halls.iter().enumerate() {
            self.run_words.look(index, world.board(&hall.watch().room).plan().runs());
        }
    }

    /// Says what waits to those who are there by now.
    pub(super) fn say_run_words(&mut self, world: World<'_>) {
        self.look_at_runs(world);
        for ((room, id), run) in std::mem::take(&mut self.run_words.waiting) {
            if !self.say_run_word(room, &run, world) {
                self.run_words.waiting.insert((room, id), run);
            }
        }
    }

    /// Says where a checklist stands; tells whether whoever began it is there to hear it.
    fn say_run_word(&mut self, room: usize, run: &Run, world: World<'_>) -> bool {
        let sessions = self.contacts.speaking(room, &run.by);
        let number = |number: u64| Arg::Number(i64::try_from(number).unwrap_or(i64::MAX));
        let key = if run.is_over() { "run-finished" } else { "run-step" };
        let args = [("checklist", Arg::Text(&run.name)), ("step", number(run.step)), ("steps", number(run.steps))];
        let say = |answers: &Lines<'_>| {
            let said = answers.say(key, &args);
            let mark = answers.scene.board.rehearsal().map(|_| answers.say("rehearsal-mark", &[]) + " ");
            mark.unwrap_or_default() + &said
        };
        let said = if sessions.is_empty() { None } else { self.answers_for(room, &run.by, world, say) };
        let Some(said) = said else { return false };
        let mut out = std::mem::take(&mut self.wire.out);
        self.say(room, &run.by, &sessions, &[said], out.own());
        self.wire.out = out;
        true
    }
}
