//! What people are told of planned tasks whose moment has come: that they have to say so first, that a task is handed out,
//! or why it is not. Not what is due: that is core's planner.

use super::{Front, FrontEvent};
use neerc_core::clock::hand::clock_face;
use neerc_core::face::lines::Lines;
use neerc_core::face::words::Arg;
use neerc_core::moment::DueAt;
use neerc_core::notice::{PlanFate, PlanNews};
use neerc_core::people::Person;
use neerc_core::plan::{Lateness, PlanId, Planned};
use neerc_core::planner::HandedOut;
use neerc_core::refusal::Refusal;
use neerc_core::task::TaskId;
use neerc_core::view::{DayTime, RoomScene};
use neerc_core::world::World;
use std::collections::{BTreeMap, BTreeSet};

/// What is to be said of a planned task to whoever planned it.
#[derive(Clone, Debug)]
enum PlanWord {
    /// They have to say whether it is to be handed out.
    Question,
    /// It is this task now, at its moment or late.
    HandedOut(TaskId, Option<Lateness>),
    /// It could not be handed out.
    Refused(Refusal),
    /// Nobody has said whether it is to be handed out.
    Lapsed,
    /// Somebody else has decided this.
    Decided(Person, PlanFate),
}

/// What waits until whoever has to hear it is there. Each planned task is in it once at most.
#[derive(Debug, Default)]
pub(super) struct PlanWords {
    waiting: BTreeMap<(usize, PlanId), (Planned, PlanWord)>,
    /// The admins who were asked of planned tasks that wait for an answer.
    asked: BTreeMap<(usize, PlanId), BTreeSet<Person>>,
    /// The time of day as it was last, in ms since 1970.
    pub wall_ms: i64,
    /// Something is new, or somebody may have come.
    pub is_due: bool,
}

impl Front {
    /// The moment of a planned task has come, and an admin has to say that it is to be handed out. Whoever is not there is
    /// asked when they come, as long as nobody has.
    pub fn ask_planner(&mut self, room: &str, planned: Planned) {
        if let Some(room) = self.index_of(room) {
            self.plan_words.waiting.insert((room, planned.id), (planned, PlanWord::Question));
            self.plan_words.is_due = true;
        }
    }

    /// A planned task was handed out, or could not be. Whoever planned it is told at once or not at all; what came of it
    /// while there was no connection waits for them.
    pub fn handed_out(&mut self, handed_out: HandedOut, world: World<'_>) {
        let HandedOut { room: name, planned, outcome, lateness } = handed_out;
        if let Err(refusal) = &outcome {
            let (id, by) = (planned.id, planned.by.bare());
            let trouble = format!(
                "the planned task {id} of room {name} was not handed out for {by}: {refusal}; an admin can still do it by \
                 the line: now {id}"
            );
            self.events.push_back(FrontEvent::Trouble(trouble));
        }
        let Some(room) = self.index_of(&name) else { return };
        if outcome.is_ok() && planned.schedule.due.is_none() {
            return; // that its step begins is said
        }
        let word = match outcome {
            Ok(task) => PlanWord::HandedOut(task, lateness),
            Err(refusal) => PlanWord::Refused(refusal),
        };
        if self.stream.is_online() {
            self.say_plan_word(room, &planned, &planned.by, &word, world);
        } else {
            self.plan_words.waiting.insert((room, planned.id), (planned, word));
        }
    }

    /// Something was decided on a planned task about which admins are asked. The others who were asked are told, if they are
    /// there; that it has lapsed is told to whoever planned it, when they are.
    pub fn plan_news(&mut self, PlanNews { room, planned, by, fate }: PlanNews, world: World<'_>) {
        let Some(room) = self.index_of(&room) else { return };
        let key = (room, planned.id);
        let asked = self.plan_words.asked.remove(&key).unwrap_or_default();
        self.plan_words.waiting.remove(&key);
        if fate == PlanFate::Lapsed {
            self.plan_words.waiting.insert(key, (planned, PlanWord::Lapsed));
            self.plan_words.is_due = true;
        } else if self.stream.is_online() {
            let word = PlanWord::Decided(by.clone(), fate);
            for person in asked.iter().filter(|person| **person != by) {
                self.say_plan_word(room, &planned, person, &word, world);
            }
        }
    }

    /// Says what waits to those who are there by now.
    pub(super) fn say_plan_words(&mut self, world: World<'_>) {
        if !self.stream.is_online() || !std::mem::take(&mut self.plan_words.is_due) {
            return;
        }
        self.say_run_words(world);
        self.say_endpoint_words(world);
        self.say_keeping_words(world);
        for ((room, id), (planned, word)) in std::mem::take(&mut self.plan_words.waiting) {
            let plan = world.board(&self.halls[room].watch().room).plan();
            let is_void = match word {
                PlanWord::Question | PlanWord::Refused(_) => plan.entry(id).is_none(),
                PlanWord::Lapsed => !plan.is_lapsed(id),
                PlanWord::HandedOut(..) | PlanWord::Decided(..) => false,
            };
            if is_void {
                self.plan_words.asked.remove(&(room, id));
                continue;
            }
            let is_said = match word {
                PlanWord::Question => self.ask_admins(room, &planned, world),
                _ => self.say_plan_word(room, &planned, &planned.by, &word, world),
            };
            if !is_said {
                self.plan_words.waiting.insert((room, id), (planned, word));
            }
        }
    }

    /// Asks the admins who are there and were not asked yet. Whoever comes later is asked, so it is never done.
    fn ask_admins(&mut self, room: usize, planned: &Planned, world: World<'_>) -> bool {
        for person in self.halls[room].watch().people().admins() {
            let asked = self.plan_words.asked.get(&(room, planned.id));
            if asked.is_none_or(|asked| !asked.contains(&person))
                && self.say_plan_word(room, planned, &person, &PlanWord::Question, world)
            {
                self.plan_words.asked.entry((room, planned.id)).or_default().insert(person);
            }
        }
        false
    }

    /// Says something of a planned task to somebody; tells whether they are there to hear it.
    fn say_plan_word(
        &mut self,
        room: usize,
        planned: &Planned,
        person: &Person,
        word: &PlanWord,
        world: World<'_>,
    ) -> bool {
        let sessions = self.contacts.speaking(room, person);
        if sessions.is_empty() {
            return false;
        }
        let (key, more) = match word {
            PlanWord::Question => ("plan-due", None),
            PlanWord::Lapsed => ("plan-lapsed", None),
            PlanWord::Decided(_, PlanFate::HandedOut(task)) => ("plan-decided-now", Some(("task", task.to_string()))),
            PlanWord::Decided(_, PlanFate::Replanned(_)) => ("plan-decided-replan", None),
            PlanWord::Decided(..) => ("plan-decided-unplan", None),
            PlanWord::HandedOut(task, None) => ("plan-fulfilled", Some(("task", task.to_string()))),
            PlanWord::HandedOut(task, Some(Lateness { due: DueAt::Contest(_), .. })) => {
                ("plan-fulfilled-late", Some(("task", task.to_string())))
            }
            PlanWord::HandedOut(task, Some(_)) => ("plan-fulfilled-late-day", Some(("task", task.to_string()))),
            PlanWord::Refused(refusal) => {
                ("plan-failed", Some(("why", self.settings.words.refusal(self.settings.language, refusal))))
            }
        };
        let plan = planned.id.to_string();
        let late = if let PlanWord::HandedOut(_, late) = word { *late } else { None };
        let now = Some(DayTime { wall_ms: self.plan_words.wall_ms, zone_ms: world.zone_ms() });
        let said = self.answers_for(room, person, world, |answers| {
            let answers = &Lines { scene: RoomScene { now, ..answers.scene }, ..*answers };
            let mut args = vec![("plan", Arg::Text(&plan)), ("title", Arg::Text(planned.title.as_str()))];
            args.extend(more.iter().map(|(name, value)| (*name, Arg::Text(value))));
            let moment = late.map(|late| match late.due {
                DueAt::Contest(moment) => signed_face(moment.contest_ms(late.total_ms)),
                DueAt::Day { at_ms } => answers.day_time(at_ms),
            });
            if let (Some(moment), Some(Lateness { late_min, .. })) = (&moment, late) {
                args.extend([("moment", Arg::Text(moment)), ("count", Arg::Number(late_min))]);
            }
            let decided = match word {
                PlanWord::Decided(by, fate) => Some((answers.scene.people.shown(by).into_owned(), *fate)),
                _ => None,
            };
            let when = match decided {
                Some((_, PlanFate::Replanned(schedule))) => answers.moment(schedule),
                _ => String::new(),
            };
            if let Some((name, _)) = &decided {
                args.push(("name", Arg::Text(name)));
            }
            if !when.is_empty() {
                args.push(("when", Arg::Text(&when)));
            }
            answers.words.say(answers.language, key, &args)
        });
        let Some(said) = said else { return false };
        let mut out = std::mem::take(&mut self.wire.out);
        self.say(room, person, &sessions, &[said], out.own());
        self.wire.out = out;
        true
    }

    /// When something of the plans may be said to somebody, in ms.
    pub(super) fn next_plan_word_ms(&self) -> i64 {
        let of_admins = self.endpoint_words.waits() || self.keeping_words.waits();
        let waits = !self.plan_words.waiting.is_empty() || self.run_words.waits() || of_admins;
        let says = self.plan_words.is_due && waits;
        if says { i64::MIN } else { i64::MAX }
    }
}

/// Contest time as clocks show it, also before the start.
fn signed_face(contest_ms: i64) -> String {
    let sign = if contest_ms < 0 { "-" } else { "" };
    format!("{sign}{}", clock_face(contest_ms.saturating_abs()))
}
