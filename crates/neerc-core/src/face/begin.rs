//! Checklists as people see them: what is said of them, and what going through one is to change. Its lines are read as if
//! whoever begins it wrote them by chat. Not how far a room has come with one: that is in the plan.

use super::line::{self, Unclear};
use super::lines::{Lines, ListPage, short};
use super::menu::Request;
use super::words::Arg;
use crate::checklist::{self, Checklist, ChecklistLine};
use crate::clock::hand::time_of_day;
use crate::command::{Command, NewPlan, NewRun, WholeTask};
use crate::plan::{Plan, Planned, Run, Timing};
use crate::refusal::{Refusal, excerpt};
use crate::view::View;

/// Why a checklist is not begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotBegun {
    /// Why.
    pub refusal: Refusal,
    /// What is wrong with a line of it, if that is the reason.
    pub why: Option<Unclear>,
}

/// What going through the checklist of that name is to change.
pub fn begin(view: &View<'_>, name: &str) -> Result<Command, NotBegun> {
    let found = if view.is_admin() { checklist::find(view.scene().checklists, name) } else { Err(Refusal::AdminsOnly) };
    let checklist = found.map_err(|refusal| NotBegun { refusal, why: None })?;
    let unclear = |line: &ChecklistLine, why| {
        let (checklist, text) = (excerpt(&checklist.name), excerpt(&line.text));
        NotBegun { refusal: Refusal::UnclearChecklist { checklist, line: line.number, text }, why: Some(why) }
    };
    let step = |lines: &Vec<ChecklistLine>| {
        lines.iter().map(|line| planned(view, line).map_err(|why| unclear(line, why))).collect::<Result<Vec<_>, _>>()
    };
    let steps = checklist.steps.iter().map(step).collect::<Result<Vec<_>, _>>()?;
    Ok(Command::Begin(NewRun { name: checklist.name.clone(), steps }))
}

/// What one line makes.
fn planned(view: &View<'_>, line: &ChecklistLine) -> Result<NewPlan, Unclear> {
    let no_task = || Refusal::Malformed { what: "the line", wanted: "one that makes a task" };
    let read = line::read(&line.text, view).into_iter().next().ok_or_else(no_task)?;
    match read.asked?.build()? {
        Request::Command(Command::Plan(plan)) => Ok(plan),
        Request::Command(Command::Create(WholeTask { title, kind, statuses, .. })) => {
            let names = statuses.into_iter().map(|named| named.name).collect();
            Ok(NewPlan { title, kind, names, timing: Timing::AT_ITS_TURN })
        }
        Request::Command(Command::CreateDue { by, .. }) => {
            Err(Refusal::DeadlineOfPlan { deadline: by.to_string() }.into())
        }
        _ => Err(no_task().into()),
    }
}

impl Lines<'_> {
    /// Why a checklist is not begun, with what is to be mended.
    pub fn not_begun(&self, NotBegun { refusal, why }: &NotBegun) -> String {
        let said = self.refusal(refusal);
        why.as_ref().map_or_else(|| said.clone(), |why| format!("{said}\n{}", self.unclear(why)))
    }

    /// What a checklist is called and holds, as it stands in lists.
    pub fn checklist(&self, checklist: &Checklist) -> String {
        format!("{} · {}", short(&checklist.name), self.holds(checklist))
    }

    /// What a checklist holds: the first of its tasks, and how many there are.
    fn holds(&self, checklist: &Checklist) -> String {
        let count = self.count("count-lines", checklist.len());
        let steps = if checklist.steps.len() > 1 {
            format!(", {}", self.count("count-steps", checklist.steps.len()))
        } else {
            String::new()
        };
        let first = checklist.lines().next().map(|line| format!(": {}", short(&line.text))).unwrap_or_default();
        format!("{count}{steps}{first}")
    }

    /// How far the room has come with a checklist.
    pub fn progress(&self, run: &Run) -> String {
        let number = |number: u64| Arg::Number(i64::try_from(number).unwrap_or(i64::MAX));
        if run.is_over() {
            return self.say("run-over", &[]);
        }
        let name = short(&self.scene.people.shown(&run.by));
        let (step, steps) = (("step", number(run.step)), ("steps", number(run.steps)));
        match self.scene.now {
            Some(now) => {
                let time = time_of_day(run.at_ms, now.zone_ms);
                self.say("run-since", &[step, steps, ("name", Arg::Text(&name)), ("time", Arg::Text(&time))])
            }
            None => self.say("run-at", &[step, steps, ("name", Arg::Text(&name))]),
        }
    }

    /// Each checklist with what it holds and how far the room has come; also one that is gone through and is not in the file
    /// any more.
    pub(super) fn checklist_rows(&self, all: &[Checklist], plan: &Plan) -> Vec<(String, String, String)> {
        let run = |name: &str| plan.running(name).or_else(|| plan.runs().find(|run| run.is_called(name)));
        let known = all.iter().map(|checklist| {
            let progress = run(&checklist.name).map(|run| self.progress(run)).unwrap_or_default();
            (short(&checklist.name), self.holds(checklist), progress)
        });
        let is_gone = |run: &&Run| !run.is_over() && checklist::find(all, &run.name).is_err();
        let gone = plan.runs().filter(is_gone).map(|run| (short(&run.name), String::new(), self.progress(run)));
        known.chain(gone).collect()
    }

    /// A page of the checklists.
    pub(super) fn checklists(&self, all: &[Checklist], plan: &Plan, page: &mut ListPage) -> Vec<String> {
        let rows = self.checklist_rows(all, plan);
        if rows.is_empty() {
            return vec![self.say("no-checklists", &[])];
        }
        let line = |(name, holds, progress): (String, String, String)| {
            [name, progress, holds].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
        };
        let mut said = vec![self.say("heading-checklists", &[])];
        said.extend(self.page(page, rows.len(), rows.into_iter().map(line)));
        said
    }

    /// When a planned task comes, in words.
    pub fn when(&self, planned: &Planned, plan: &Plan) -> String {
        let moment = planned.schedule.due.map(|_| self.moment(planned.schedule));
        let turn = planned.turn.and_then(|turn| Some((turn, plan.run(turn.run)?)));
        let step = turn.map(|(turn, run)| {
            let step = i64::try_from(turn.step).unwrap_or(i64::MAX);
            self.say("moment-step", &[("checklist", Arg::Text(&short(&run.name))), ("step", Arg::Number(step))])
        });
        let parts: Vec<String> = step.into_iter().chain(moment).collect();
        let said = if parts.is_empty() { self.moment(planned.schedule) } else { parts.join(", ") };
        said + &self.asked_of(planned, plan)
    }
}
