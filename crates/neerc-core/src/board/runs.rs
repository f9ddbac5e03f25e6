//! Which checklists may be gone through, and when their steps are finished.

use super::names::{resolve, unanswered};
use super::{Board, Decision};
use crate::change::Change;
use crate::command::{Manner, NewPlan, NewRun};
use crate::limits;
use crate::people::{Admin, People, Person};
use crate::plan::{self, PlanId, Planned, RunId, RunStep};
use crate::refusal::{Refusal, excerpt};

impl Board {
    pub(super) fn begin(
        &self,
        _: Admin,
        who: &Person,
        people: &People,
        NewRun { name, steps }: &NewRun,
        (now_ms, zone_ms): (i64, i64),
    ) -> Result<Decision, Refusal> {
        if steps.iter().all(Vec::is_empty) {
            return Err(Refusal::UnknownChecklist { checklist: excerpt(name) });
        }
        if self.plan.running(name).is_some() {
            return Err(Refusal::RunsAlready { checklist: excerpt(name) });
        }
        if self.plan.runs().filter(|run| !run.is_over()).count() >= limits::RUNS_PER_ROOM {
            return Err(Refusal::TooMany { what: "checklists under way", limit: limits::RUNS_PER_ROOM });
        }
        let run = RunId(self.plan.next());
        let numbered = (1..).zip(steps).flat_map(|(step, lines)| lines.iter().map(move |line| (step, line)));
        let mut lines = Vec::new();
        let mut names_bytes = self.plan.names_bytes();
        for ((step, NewPlan { title, kind, names, timing }), id) in numbered.zip(self.plan.next()..) {
            resolve(people, None, &unanswered(names), Manner::Replacing)?;
            let names = plan::once(names);
            names_bytes += plan::weight(&names);
            let (id, by, turn) = (PlanId(id), who.clone(), Some(RunStep { run, step }));
            let schedule = timing.schedule(now_ms, zone_ms, self.speed());
            lines.push(Planned { id, by, title: self.marked(title), kind: *kind, names, schedule, turn });
        }
        if self.plan.len() + lines.len() > limits::PLANS_PER_ROOM {
            return Err(Refusal::TooMany { what: "planned tasks", limit: limits::PLANS_PER_ROOM });
        }
        if names_bytes > limits::PLAN_NAMES_BYTES {
            return Err(Refusal::TooMany { what: "bytes of names in planned tasks", limit: limits::PLAN_NAMES_BYTES });
        }
        Ok(Change::Begun { name: name.clone(), at_ms: now_ms, lines }.into())
    }

    pub(super) fn stop(&self, _: Admin, name: &str) -> Result<Decision, Refusal> {
        let run = self.plan.running(name).ok_or_else(|| Refusal::RunsNot { checklist: excerpt(name) })?;
        Ok(Change::Stopped { run: run.id }.into())
    }

    /// A task that nobody has, or that is no more, holds up nothing.
    pub(super) fn settle_runs(&mut self) {
        let Board { plan, tasks, .. } = self;
        plan.settle(|id| tasks.get(&id).is_none_or(|task| task.statuses.is_empty() || task.is_finished()));
    }
}
