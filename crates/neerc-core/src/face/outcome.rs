//! The outcome of a line or a form as sentences: what was done, why nothing was done, or what is asked back. The words come
//! by key.

use super::line::{Filled, Unclear};
use super::lines::{Lines, short};
use super::menu::{Act, Item};
use super::words::{Arg, Language};
use crate::board::Done;
use crate::change::Effect;
use crate::checklist;
use crate::moment::DueAt;
use crate::plan::{PlanId, Planned};
use crate::refusal::Refusal;
use crate::task::{Kind, Progress, Status, Task, TaskId};
use crate::watch::WatchedAnswers;

impl Lines<'_> {
    /// Why nothing was done, and what would be right.
    pub fn refusal(&self, refusal: &Refusal) -> String {
        let mut said = self.words.refusal(self.language, refusal);
        match refusal {
            Refusal::UnknownUser { name } | Refusal::UnknownName { name } => {
                if let Some(near) = self.scene.people.nearest(name) {
                    said.push(' ');
                    said.push_str(&self.say("did-you-mean", &[("name", Arg::Text(&near))]));
                }
            }
            Refusal::UnknownChecklist { checklist } => {
                let all = self.scene.checklists;
                if let Some(near) = checklist::nearest(all, checklist) {
                    said.push(' ');
                    said.push_str(&self.say("did-you-mean", &[("name", Arg::Text(&near))]));
                } else if !all.is_empty() {
                    let names = self.names(all.iter().map(|checklist| short(&checklist.name)).collect());
                    said.push(' ');
                    said.push_str(&self.say("your-checklists", &[("names", Arg::Text(&names))]));
                }
            }
            Refusal::NotAssigned { .. } => said.push_str(&self.own_tasks("your-open-tasks", &self.open_tasks())),
            // An admin may mean anybody's task.
            Refusal::UnknownTask { .. } | Refusal::RemovedTask { .. }
                if !self.view().is_ok_and(|view| view.is_admin()) =>
            {
                said.push_str(&self.own_tasks("your-open-tasks", &self.open_tasks()));
            }
            _ => {}
        }
        said
    }

    /// The same of a row of the menu whose fields are known: which of the asker's tasks it can be about.
    pub fn refusal_of(&self, item: &Item, refusal: &Refusal) -> String {
        self.refusal(refusal) + &self.meant(item, refusal)
    }

    /// What a line lacks, with a line that is complete.
    pub fn lacking(&self, filled: &Filled, refusal: &Refusal) -> String {
        let Refusal::MissingField { field } = refusal else { return self.refusal(refusal) };
        let item = filled.item;
        let key = if item.act == Act::Create && *field == "title" { "new-title" } else { field };
        let task = filled.values.iter().find(|(name, _)| *name == "task").and_then(|(_, values)| values.first());
        let plan = filled.values.iter().find(|(name, _)| *name == "plan").and_then(|(_, values)| values.first());
        let plan = plan.map_or("s1", String::as_str);
        let about = match key {
            "schedule" => ("plan", Arg::Text(plan)),
            _ => ("task", Arg::Text(task.map_or("3", String::as_str))),
        };
        let args = [("verb", Arg::Text(self.verb(item))), about];
        self.say(&format!("lacks-{key}"), &args) + &self.meant(item, refusal)
    }

    /// A verb in the language that is spoken.
    pub(super) fn verb(&self, item: &Item) -> &'static str {
        match self.language {
            Language::English => item.verb,
            Language::Russian => item.russian.first().unwrap_or(&item.verb),
        }
    }

    /// The asker's tasks that a row can be about, where the task is missing.
    fn meant(&self, item: &Item, refusal: &Refusal) -> String {
        match (refusal, item.act) {
            (Refusal::MissingField { field: "task" }, Act::Undo) => {
                self.own_tasks("your-answered-tasks", &self.scene.board.answered_tasks(self.who))
            }
            (Refusal::MissingField { field: "task" }, Act::Start | Act::Done | Act::Ok | Act::Fail | Act::Answer) => {
                self.own_tasks("your-open-tasks", &self.open_tasks())
            }
            _ => String::new(),
        }
    }

    fn open_tasks(&self) -> Vec<&Task> {
        self.scene.board.open_tasks(self.who)
    }

    fn own_tasks(&self, key: &str, tasks: &[&Task]) -> String {
        if tasks.is_empty() {
            return String::new();
        }
        let numbers = self.first(tasks.len(), tasks.iter().map(|task| task.id.to_string())).join(", ");
        format!(" {}", self.say(key, &[("tasks", Arg::Text(&numbers))]))
    }

    /// What is asked back of a line, or why it is refused.
    pub fn unclear(&self, unclear: &Unclear) -> String {
        match unclear {
            Unclear::Refused(refusal) => self.refusal(refusal),
            Unclear::Question(question) => self.words.question(self.language, question),
        }
    }

    /// What came of a command that is on disk.
    pub fn done(&self, done: &Done) -> Vec<String> {
        let title =
            |task: TaskId| self.scene.board.task(task).map_or_else(String::new, |task| short(task.title.as_str()));
        let mut said = vec![match done.effect {
            Effect::Nothing => self.say("said-unchanged", &[]),
            Effect::Created { task, people, .. } => self.say(
                "said-created",
                &[("task", Arg::Text(&task.to_string())), ("count", people.into()), ("title", Arg::Text(&title(task)))],
            ),
            Effect::Edited { task } => self.changed("said-changed", task),
            Effect::Answered { task } => self.answered_so(task),
            Effect::Removed { task } => self.say("said-removed", &[("task", Arg::Text(&task.to_string()))]),
            Effect::Planned { plan } => self.planned(plan),
            Effect::Replanned { plan } => self.replanned(plan),
            Effect::Lapsed => self.say("said-unchanged", &[]), // nobody asks for it
            Effect::Unplanned { plan } => self.say("said-unplanned", &[("plan", Arg::Text(&plan.to_string()))]),
            Effect::Restored { task } => self.changed("said-restored", task),
            Effect::Reminded { task } => self.reminded(task),
            Effect::Watched => self.watching(),
            Effect::Deadlined { task } => self.deadlined(task),
            Effect::Begun { lines, steps } => {
                let steps = Arg::Number(i64::try_from(steps).unwrap_or(i64::MAX));
                self.say("said-begun", &[("count", lines.into()), ("steps", steps)])
            }
            Effect::Stopped => self.say("said-stopped", &[]),
            Effect::Admitted
            | Effect::LoggedOut { .. }
            | Effect::LinkOffered
            | Effect::TokenGiven { .. }
            | Effect::TokenRevoked { .. } => self.door(done),
            Effect::Linked { wish } => self.say(&format!("said-links-{}", wish.name()), &[]),
            Effect::Rehearsed => self.say("said-rehearsed", &[("speed", self.speed())]),
            Effect::RehearsalEnded { tasks } => self.say("said-rehearsal-ended", &[("count", tasks.into())]),
            Effect::Clocked => {
                self.scene.clock.map_or_else(|| self.refusal(&Refusal::NoClock), |dial| self.clock(dial))
            }
        }];
        if let Effect::Created { task, .. } = done.effect
            && self.scene.board.deadline(task).is_some()
        {
            said.push(self.deadlined(task));
        }
        match done.effect {
            Effect::Created { task, people: 0, .. } => {
                said.push(self.say("said-nobody", &[("task", Arg::Text(&task.to_string()))]));
            }
            Effect::Planned { plan } | Effect::Replanned { plan }
                if self.scene.clock.is_none() && self.is_by_contest(plan) =>
            {
                said.push(self.say("no-clock-for-plans", &[("plan", Arg::Text(&plan.to_string()))]));
            }
            _ => {}
        }
        if !done.left_out.is_empty() {
            let count = done.left_out.len();
            let names = self.names(done.left_out.iter().map(|name| short(name)).collect());
            said.push(self.say("said-left-out", &[("names", Arg::Text(&names)), ("count", count.into())]));
        }
        said
    }

    /// How a task is now that was changed.
    fn changed(&self, key: &str, task: TaskId) -> String {
        let number = task.to_string();
        let Some(task) = self.scene.board.task(task) else {
            return self.say("said-removed", &[("task", Arg::Text(&number))]);
        };
        let of = |(person, status): (&crate::people::Person, &Status)| {
            format!("{} ({})", short(&self.scene.people.shown(person)), self.status(task.kind, status))
        };
        let people = match task.statuses.len() {
            0 => self.say("nobody", &[]),
            all => self.first(all, task.statuses.iter().map(of)).join(", "),
        };
        let title = short(task.title.as_str());
        let args = [("task", Arg::Text(&number)), ("title", Arg::Text(&title)), ("people", Arg::Text(&people))];
        self.say(key, &args)
    }

    /// What the asker has answered to a task.
    fn answered_so(&self, task: TaskId) -> String {
        let number = task.to_string();
        let task = self.scene.board.task(task);
        let own = task.and_then(|task| Some((task.kind, task.statuses.get(self.who)?)));
        if let Some((Kind::Question, status)) = own
            && status.progress == Progress::Success
            && !status.value().is_empty()
            && let args = [("task", Arg::Text(&number)), ("answer", Arg::Text(&short(status.value())))]
            && let Some(said) = self.words.find(self.language, "said-answered-question", &args)
        {
            return said;
        }
        let status = own.map(|(kind, status)| self.status(kind, status)).unwrap_or_default();
        self.say("said-answered", &[("task", Arg::Text(&number)), ("status", Arg::Text(&status))])
    }

    /// Who is reminded of a task.
    fn reminded(&self, task: TaskId) -> String {
        let statuses = self.scene.board.task(task).map(|task| &task.statuses).into_iter().flatten();
        let late: Vec<_> = statuses.filter(|(_, status)| !status.progress.is_final()).collect();
        let names = late.iter().map(|(person, _)| short(&self.scene.people.shown(person)));
        let people = self.first(late.len(), names).join(", ");
        self.say("said-reminded", &[("task", Arg::Text(&task.to_string())), ("people", Arg::Text(&people))])
    }

    /// What the asker is told of from now on.
    fn watching(&self) -> String {
        let Some(watch) = self.scene.board.watches().of(self.who) else { return self.say("said-watching-none", &[]) };
        let mut said = match watch.answers {
            WatchedAnswers::None => Vec::new(),
            WatchedAnswers::Failures => vec![self.say("said-watching-failures", &[])],
            WatchedAnswers::All => vec![self.say("said-watching-all", &[])],
        };
        if watch.answers != WatchedAnswers::All && !watch.tasks.is_empty() {
            let tasks = self.first(watch.tasks.len(), watch.tasks.iter().map(TaskId::to_string)).join(", ");
            said.push(self.say("said-watching-tasks", &[("tasks", Arg::Text(&tasks))]));
        }
        said.join(" ")
    }

    fn is_by_contest(&self, plan: PlanId) -> bool {
        self.scene.board.plan().entry(plan).is_some_and(Planned::is_by_contest)
    }

    /// When a task comes that was planned for another moment.
    fn replanned(&self, plan: PlanId) -> String {
        let (plans, number) = (self.scene.board.plan(), plan.to_string());
        let Some(planned) = plans.entry(plan) else {
            return self.say("said-unplanned", &[("plan", Arg::Text(&number))]); // an admin was quicker
        };
        let (title, when) = (short(planned.title.as_str()), self.moment(planned.schedule));
        let args = [("plan", Arg::Text(&number)), ("when", Arg::Text(&when)), ("title", Arg::Text(&title))];
        self.say("said-replanned", &args)
    }

    fn planned(&self, plan: PlanId) -> String {
        let number = plan.to_string();
        let Some(planned) = self.scene.board.plan().entry(plan) else {
            return self.say("said-unplanned", &[("plan", Arg::Text(&number))]); // an admin was quicker
        };
        let (title, when) = (short(planned.title.as_str()), self.moment(planned.schedule));
        let mut args = vec![("plan", Arg::Text(&number)), ("when", Arg::Text(&when)), ("title", Arg::Text(&title))];
        if let Some(DueAt::Day { .. }) = planned.schedule.due {
            return self.say("said-planned-day", &args);
        }
        let written = self.written(planned.schedule).map(|timing| timing.to_string()).unwrap_or_default();
        args.insert(1, ("schedule", Arg::Text(&written)));
        self.say("said-planned", &args)
    }
}
