//! What may be planned, and what is handed out of the plan.

use super::names::{resolve, unanswered};
use super::{Board, Decision};
use crate::change::Change;
use crate::command::{Manner, NewPlan};
use crate::limits;
use crate::people::{Admin, People, Person};
use crate::plan::{self, Consent, PlanId, Planned, Schedule, Timing};
use crate::refusal::Refusal;

impl Board {
    pub(super) fn add_plan(
        &self,
        _: Admin,
        who: &Person,
        people: &People,
        wanted: &NewPlan,
        (now_ms, zone_ms): (i64, i64),
    ) -> Result<Decision, Refusal> {
        if self.plan.len() >= limits::PLANS_PER_ROOM {
            return Err(Refusal::TooMany { what: "planned tasks", limit: limits::PLANS_PER_ROOM });
        }
        // A typo should show now, not when the task is due.
        resolve(people, None, &unanswered(&wanted.names), Manner::Replacing)?;
        let id = PlanId(self.plan.next());
        let names = plan::once(&wanted.names);
        if self.plan.names_bytes() + plan::weight(&names) > limits::PLAN_NAMES_BYTES {
            return Err(Refusal::TooMany { what: "bytes of names in planned tasks", limit: limits::PLAN_NAMES_BYTES });
        }
        let NewPlan { kind, timing, .. } = *wanted;
        let (title, schedule) = (self.marked(&wanted.title), timing.schedule(now_ms, zone_ms, self.speed()));
        Ok(Change::Planned(Planned { id, by: who.clone(), title, kind, names, schedule, turn: None }).into())
    }

    pub(super) fn unplan(&self, _: Admin, id: PlanId) -> Result<Decision, Refusal> {
        self.planned(id)?;
        Ok(Change::Unplanned { plan: id }.into())
    }

    pub(super) fn replan(
        &self,
        _: Admin,
        id: PlanId,
        timing: Timing,
        (now_ms, zone_ms): (i64, i64),
    ) -> Result<Decision, Refusal> {
        let (planned, schedule) = (self.planned(id)?, timing.schedule(now_ms, zone_ms, self.speed()));
        if planned.schedule == schedule && !self.plan.is_lapsed(id) {
            return Ok(Decision::default());
        }
        Ok(Change::Replanned { plan: id, schedule }.into())
    }

    /// Nothing where it was noted before, or where somebody has decided meanwhile.
    pub(super) fn lapse(&self, id: PlanId, due: Schedule) -> Decision {
        let asks = |planned: &Planned| planned.schedule.consent == Consent::Required && planned.schedule == due;
        if self.plan.is_lapsed(id) || !self.plan.entry(id).is_some_and(asks) {
            return Decision::default();
        }
        Change::Lapsed { plan: id }.into()
    }

    /// People who have left the room are left out; the planned task is handed out all the same.
    pub(super) fn fulfil(
        &self,
        _: Admin,
        now_ms: i64,
        people: &People,
        id: PlanId,
        due: Option<Schedule>,
    ) -> Result<Decision, Refusal> {
        let Planned { title, kind, names, schedule, .. } = self.planned(id)?;
        if due.is_some_and(|due| due != *schedule) {
            return Ok(Decision::default());
        }
        let resolved = resolve(people, None, &unanswered(names), Manner::Adding)?;
        self.created(now_ms, title, *kind, resolved, Some(id))
    }

    fn planned(&self, id: PlanId) -> Result<&Planned, Refusal> {
        self.plan.entry(id).ok_or_else(|| Refusal::UnknownPlan { plan: id.to_string() })
    }
}
