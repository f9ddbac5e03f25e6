//! Planned tasks by the contest clock: what is due is handed out in the name of whoever planned it, or they are asked
//! first. What is planned is on the boards; here is only what was asked and what is under way.

use super::asks::Asker;
use super::{Front, FrontEvent};
use neerc_core::board::Done;
use neerc_core::change::Effect;
use neerc_core::command::Command;
use neerc_core::face::words::Arg;
use neerc_core::limits;
use neerc_core::plan::{Consent, PlanId, Planned};
use neerc_core::refusal::Refusal;
use neerc_core::world::World;
use std::collections::BTreeSet;

/// What is under way with the planned tasks of one room.
#[derive(Debug, Default)]
pub(super) struct PlanWatch {
    /// Which planned tasks there were at the last look: the number of the next one, and how many.
    seen: (u64, usize),
    /// Those whose planners were asked, or could not hand them out: they are left to people.
    asked: BTreeSet<PlanId>,
    /// Those that are being handed out.
    under_way: BTreeSet<PlanId>,
}

impl Front {
    /// Asks for what is due by the contest clock. It looks closely only where something may be due.
    pub(super) fn look_at_plans(&mut self, now_ms: i64, world: World<'_>) {
        if !self.ready {
            return; // without the people of the rooms nobody has any rights
        }
        for (index, watch) in self.rooms.iter().enumerate() {
            let seen = (world.board(&watch.room).plan().next(), world.board(&watch.room).plan().len());
            if std::mem::replace(&mut self.plans[index].seen, seen) != seen {
                self.plan_news = true;
            }
        }
        if !std::mem::take(&mut self.plan_news) && now_ms < self.plans_at_ms {
            return;
        }
        self.plans_at_ms = i64::MAX;
        for index in 0..self.rooms.len() {
            let Some(reading) = world.reading(&self.rooms[index].room, now_ms) else { continue };
            let board = world.board(&self.rooms[index].room);
            if let Some(left_ms) = board.plan().next_due_ms(reading) {
                self.plans_at_ms = self.plans_at_ms.min(now_ms.saturating_add(left_ms));
            }
            let PlanWatch { asked, under_way, .. } = &mut self.plans[index];
            asked.retain(|plan| board.plan().entry(*plan).is_some());
            let due: Vec<Planned> = board
                .plan()
                .due(reading)
                .filter(|planned| !asked.contains(&planned.id) && !under_way.contains(&planned.id))
                .cloned()
                .collect();
            for planned in due {
                if self.asks.is_full() {
                    self.plans_at_ms = now_ms + limits::RETRY_PLAN_MS;
                    return;
                }
                self.plan_due(index, &planned, world);
            }
        }
    }

    fn plan_due(&mut self, room: usize, planned: &Planned, world: World<'_>) {
        if planned.schedule.consent == Consent::Required {
            // Whoever is not there is asked when they come.
            if self.say_of_plan("plan-due", room, planned, &[], world) {
                self.plans[room].asked.insert(planned.id);
            }
            return;
        }
        self.plans[room].under_way.insert(planned.id);
        let asker = Asker::Plan { room, planned: Box::new(planned.clone()) };
        self.ask(room, planned.by.clone(), Command::Fulfil { plan: planned.id }, asker);
    }

    /// What was due is handed out, or it is not.
    pub(super) fn plan_answered(
        &mut self,
        now_ms: i64,
        room: usize,
        planned: &Planned,
        outcome: &Result<Done, Refusal>,
        world: World<'_>,
    ) {
        let PlanWatch { asked, under_way, .. } = &mut self.plans[room];
        under_way.remove(&planned.id);
        match outcome {
            Ok(Done { effect: Effect::Created { task, .. }, .. }) => {
                self.say_of_plan("plan-fulfilled", room, planned, &[("task", &task.to_string())], world);
            }
            Ok(_) | Err(Refusal::UnknownPlan { .. }) => {} // an admin was quicker
            Err(Refusal::NotDurable | Refusal::Busy) => {
                self.plans_at_ms = self.plans_at_ms.min(now_ms + limits::RETRY_PLAN_MS);
            }
            Err(refusal) => {
                asked.insert(planned.id);
                let why = self.settings.words.refusal(self.settings.language, refusal);
                self.say_of_plan("plan-failed", room, planned, &[("why", &why)], world);
                let (id, room, by) = (planned.id, &self.rooms[room].room, planned.by.bare());
                let trouble = format!(
                    "the planned task {id} of room {room} was not handed out for {by}: {refusal}; an admin can still \
                     do it by the line: now {id}"
                );
                self.events.push_back(FrontEvent::Trouble(trouble));
            }
        }
    }

    /// Says something of a planned task to whoever planned it; tells whether they are there to hear it.
    fn say_of_plan(
        &mut self,
        key: &str,
        room: usize,
        planned: &Planned,
        more: &[(&str, &str)],
        world: World<'_>,
    ) -> bool {
        let sessions = self.contacts.speaking(room, &planned.by);
        let plan = planned.id.to_string();
        let said = self.answers_for(room, &planned.by, world, |answers| {
            let mut args = vec![("plan", Arg::Text(&plan)), ("title", Arg::Text(planned.title.as_str()))];
            args.extend(more.iter().map(|(name, value)| (*name, Arg::Text(value))));
            answers.words.say(answers.language, key, &args)
        });
        let Some(said) = said.filter(|_| !sessions.is_empty()) else { return false };
        let mut out = std::mem::take(&mut self.wire.out);
        self.say(room, &planned.by, &sessions, &[said], out.own());
        self.wire.out = out;
        true
    }

    /// When something is due by the contest clock, in ms.
    pub(super) fn next_plan_ms(&self) -> i64 {
        match (self.ready, self.plan_news) {
            (false, _) => i64::MAX,
            (true, true) => i64::MIN,
            (true, false) => self.plans_at_ms,
        }
    }
}
