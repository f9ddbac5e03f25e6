//! What a face says in sentences: the lines of a list, a task, a refusal, or what came of a command. Drawn from what
//! the view shows, and from the menu; the words come by key. Not who may read it, and not how lines are sent.

use super::menu::{Act, Item};
use super::words::{Arg, Language, Words};
use crate::clock::Phase;
use crate::clock::hand::{clock_face, time_of_day};
use crate::clocks::Dial;
use crate::limits;
use crate::people::{Member, Person};
use crate::plan::{Plan, Planned};
use crate::refusal::Refusal;
use crate::task::{Kind, Progress, Status, Task, TaskId, Title};
use crate::units::DAY_MS;
use crate::view::{Late, RoomScene, Shown, View};
use crate::watch::Watch;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Makes links that send a line of text to the service, for clients in which they can be tapped.
pub trait Links: fmt::Debug {
    /// The link that sends this line.
    fn sending(&self, line: &str) -> String;
}

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListPage {
    /// Its number, from 1; beyond the last one the last is shown.
    pub number: usize,
    /// Whether nothing comes behind it, once it was shown.
    pub is_last: bool,
}

/// Who is spoken to, of which room, and in which words.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a> {
    /// Where words come from.
    pub words: &'a dyn Words,
    /// In which language.
    pub language: Language,
    /// Links for open tasks, where the face has any.
    pub links: Option<&'a dyn Links>,
    /// The room that it is about.
    pub scene: RoomScene<'a>,
    /// Who asks.
    pub who: &'a Person,
}

/// A text as it stands in a list: on one line, and not too long.
pub fn short(text: &str) -> String {
    let mut line: String = text.chars().take(limits::LISTED_CHARS).collect();
    if line.len() < text.len() {
        line.push('…');
    }
    line.replace(['\r', '\n'], " ")
}

impl<'a> Lines<'a> {
    /// The text of that key.
    pub fn say(&self, key: &str, args: &[(&str, Arg<'_>)]) -> String {
        self.words.say(self.language, key, args)
    }

    /// The text of that key, which counts something.
    pub fn count(&self, key: &str, count: usize) -> String {
        self.say(key, &[("count", count.into())])
    }

    /// The first lines of a list, and how many more there are.
    pub(super) fn cut(&self, lines: Vec<String>) -> Vec<String> {
        let all = lines.len();
        self.first(all, lines.into_iter())
    }

    /// The first of `all` lines, which are made only as far as they are said, and how many more there are.
    pub(super) fn first(&self, all: usize, lines: impl Iterator<Item = String>) -> Vec<String> {
        let mut said: Vec<String> = lines.take(limits::LISTED_IN_CHAT).collect();
        if all > said.len() {
            said.push(self.count("and-more", all - said.len()));
        }
        said
    }

    /// The lines of a page of a list that has `all`, and how to see what comes behind them.
    pub(super) fn page(&self, page: &mut ListPage, all: usize, lines: impl Iterator<Item = String>) -> Vec<String> {
        page.number = page.number.clamp(1, all.div_ceil(limits::LISTED_IN_CHAT).max(1));
        let before = (page.number - 1) * limits::LISTED_IN_CHAT;
        let mut said: Vec<String> = lines.skip(before).take(limits::LISTED_IN_CHAT).collect();
        let more = all.saturating_sub(before + said.len());
        page.is_last = more == 0;
        if more > 0 {
            said.push(self.count("and-more-pages", more));
        }
        said
    }

    /// The word for a kind of task.
    pub fn kind(&self, kind: Kind) -> String {
        self.say(&format!("kind-{}", kind.name()), &[])
    }

    /// The word for an answer to a task of that kind, and what was answered.
    pub fn status(&self, kind: Kind, status: &Status) -> String {
        let word = self.words.answer(self.language, kind, status.progress);
        if status.value().is_empty() { word } else { format!("{word}: {}", short(status.value())) }
    }

    /// What can be replied to a task.
    pub(super) fn reply(&self, kind: Kind, task: TaskId) -> String {
        self.say(&format!("reply-{}", kind.name()), &[("task", Arg::Text(&task.to_string()))])
    }

    /// What can be replied to several tasks: an example for each kind among them.
    fn reply_several(&self, open: &[&Task]) -> String {
        let mut examples: Vec<(Kind, String)> = Vec::new();
        for task in open {
            if !examples.iter().any(|(kind, _)| *kind == task.kind) {
                let number = task.id.to_string();
                let example = self.say(&format!("example-{}", task.kind.name()), &[("task", Arg::Text(&number))]);
                examples.push((task.kind, example));
            }
        }
        let examples: Vec<_> = examples.into_iter().map(|(_, example)| example).collect();
        self.say("reply-several", &[("examples", Arg::Text(&examples.join(", ")))])
    }

    /// A link that replies to a task.
    fn link(&self, kind: Kind, task: TaskId) -> Option<String> {
        let line = match kind {
            Kind::Todo | Kind::TodoFail => format!("done {task}"),
            Kind::Confirm => format!("ok {task}"),
            Kind::OkFail => format!("yes {task}"),
            Kind::Question => format!("answer {task} "),
        };
        Some(self.links?.sending(&line))
    }

    /// An open task of the asker, with the link that replies to it.
    fn own_open(&self, task: &Task) -> String {
        let status = task.statuses.get(self.who).filter(|status| status.progress != Progress::None);
        let status = status.map(|status| format!(" · {}", self.status(task.kind, status))).unwrap_or_default();
        let link = self.link(task.kind, task.id).map(|link| format!(" · {link}")).unwrap_or_default();
        let since = self.since(task);
        format!("{} · {} · {}{status}{since}{link}", task.id, short(task.title.as_str()), self.kind(task.kind))
    }

    fn of_one(&self, task: &Task, of: &Person) -> String {
        let status = task.statuses.get(of);
        let since =
            if status.is_some_and(|status| status.progress.is_final()) { String::new() } else { self.since(task) };
        let status = status.map(|status| self.status(task.kind, status)).unwrap_or_default();
        format!("{} · {} · {status}{since}", task.id, short(task.title.as_str()))
    }

    /// Since when a task waits for those who have it, behind what else is said of it; nothing if it waits for nobody.
    pub(super) fn since(&self, task: &Task) -> String {
        let Some(now) = self.scene.now.filter(|_| !task.statuses.is_empty() && !task.is_finished()) else {
            return String::new();
        };
        let days = now.wall_ms.saturating_sub(task.timestamp_ms) / DAY_MS;
        let since = if days > 0 {
            self.say("since-days", &[("count", Arg::Number(days))])
        } else {
            self.say("since", &[("time", Arg::Text(&time_of_day(task.timestamp_ms, now.zone_ms)))])
        };
        format!(" · {since}")
    }

    fn of_all(&self, task: &Task) -> String {
        let answered = if task.statuses.is_empty() { self.say("nobody", &[]) } else { self.answered(task) };
        format!("{} · {} · {answered}{}", task.id, short(task.title.as_str()), self.since(task))
    }

    /// How many are done with a task.
    pub fn answered(&self, task: &Task) -> String {
        let count = task.statuses.values().filter(|status| status.progress.is_final()).count();
        self.say("count-answered", &[("count", count.into()), ("total", task.statuses.len().into())])
    }

    /// What a row of the menu is called.
    pub fn item(&self, item: &Item) -> String {
        self.say(&format!("item-{}", item.verb), &[])
    }

    /// What a row of the menu does.
    pub fn item_help(&self, item: &Item) -> String {
        self.say(&format!("item-{}-help", item.verb), &[])
    }

    /// What a command does, said above its form: without the lines that it could be written as instead.
    pub fn form_help(&self, item: &Item) -> String {
        match item.act {
            Act::Tasks | Act::Links | Act::Help => self.say(&format!("form-{}", item.verb), &[]),
            _ => self.item_help(item),
        }
    }

    /// What a field is called.
    pub fn label(&self, var: &str) -> String {
        self.say(&format!("field-{var}"), &[])
    }

    /// What the asker sees of the room, if anything.
    pub fn view(&self) -> Result<View<'a>, Refusal> {
        View::of(self.scene, self.who)
    }

    /// A page of what a view shows, in sentences; `online` holds the bare JIDs of those who are.
    pub fn shown(&self, shown: &Shown<'_>, online: &BTreeSet<&str>, page: &mut ListPage) -> Vec<String> {
        page.is_last = true;
        match shown {
            Shown::Users(_) => self.users(online, page),
            Shown::Tasks { of } => self.tasks(*of, page),
            Shown::Clock(dial) => vec![self.clock(*dial)],
            Shown::Task(task) => self.task(task, page),
            Shown::History { task, entries } => self.history(*task, entries, page),
            Shown::Late(tasks) => self.late(tasks, page),
            Shown::Plans(plan) => self.plans(plan, page),
            Shown::Checklists(checklists, plan) => self.checklists(checklists, plan, page),
            Shown::Sessions(sessions) => self.sessions(sessions, page),
            Shown::Tokens(doors) => self.tokens(doors, page),
        }
    }

    /// The tasks of one user, or of everybody: first the asker's own open ones, then what is open, then the rest.
    fn tasks(&self, of: Option<&Person>, page: &mut ListPage) -> Vec<String> {
        let open = self.scene.board.open_tasks(of.unwrap_or(self.who));
        let is_own = of.is_none_or(|of| of == self.who);
        let shown: BTreeSet<TaskId> = open.iter().map(|task| task.id).collect();
        let mut others: Vec<&Task> = self.scene.board.tasks().collect();
        others.retain(|task| !shown.contains(&task.id) && of.is_none_or(|of| task.statuses.contains_key(of)));
        others.sort_unstable_by_key(|task| std::cmp::Reverse(task.timestamp_ms));
        let all = open.len() + others.len();
        let heading = match of {
            None if all == 0 => return vec![self.say("no-tasks", &[])],
            None => self.say("heading-tasks", &[]),
            Some(_) if is_own && all == 0 => return vec![self.say("no-open-tasks", &[])],
            Some(_) if is_own => self.say("heading-own-tasks", &[]),
            Some(_) if all == 0 => return vec![self.say("no-tasks", &[])],
            Some(of) => self.say("heading-tasks-of", &[("name", Arg::Text(&self.scene.people.shown(of)))]),
        };
        let open = open.into_iter().map(|task| match of {
            Some(of) if !is_own => self.of_one(task, of),
            _ => self.own_open(task),
        });
        // Everybody's finished ones come last; whether one is finished is looked up as far as lines are said.
        let is_last = |task: &&Task| of.is_none() && task.is_finished();
        let others = others.iter().copied();
        let others = others.clone().filter(|task| !is_last(task)).chain(others.filter(is_last));
        let others = others.map(|task| of.map_or_else(|| self.of_all(task), |of| self.of_one(task, of)));
        let mut said = vec![heading];
        said.extend(self.page(page, all, open.chain(others)));
        said
    }

    /// What the asker has to do, for when they come online; nothing if that is nothing.
    pub fn reminder(&self) -> Vec<String> {
        let open = self.scene.board.open_tasks(self.who);
        if open.is_empty() {
            return self.overdue_tasks();
        }
        let mut said = vec![self.count("reminder", open.len())];
        said.extend(self.first(open.len(), open.iter().map(|task| self.own_open(task))));
        said.push(match open[..] {
            [task] => self.reply(task.kind, task.id),
            _ => self.reply_several(&open),
        });
        said.extend(self.overdue_tasks());
        said
    }

    /// One task that the asker is reminded of; nothing if they have finished it.
    pub fn reminder_of(&self, task: TaskId) -> Vec<String> {
        self.reminder_with(task, || self.say("reminder-asked", &[]))
    }

    pub(super) fn reminder_with(&self, task: TaskId, heading: impl FnOnce() -> String) -> Vec<String> {
        let task = self.scene.board.task(task);
        let own = task.and_then(|task| Some((task, task.statuses.get(self.who)?)));
        match own {
            Some((task, status)) if !status.progress.is_final() => {
                vec![heading(), self.own_open(task), self.reply(task.kind, task.id)]
            }
            _ => Vec::new(),
        }
    }

    /// The answers that the asker watches and that are newer than that revision.
    pub fn watched(&self, watch: &Watch, told: u64) -> Vec<String> {
        let mut lines = Vec::new();
        let changed = self.scene.board.tasks().filter(|task| task.revision > told);
        for task in changed {
            // A history that does not reach back that far holds what is newest.
            let people = task.changed_since(told.max(task.past.since) + 1).unwrap_or_default();
            let mut people: Vec<_> = people.into_iter().filter(|person| *person != self.who).collect();
            people.retain(|person| task.statuses.get(*person).is_some_and(|status| watch.holds(task.id, status)));
            if people.is_empty() {
                continue;
            }
            let all = people.len();
            let of = |person: &Person| {
                let status = task.statuses.get(person).map(|status| self.status(task.kind, status));
                format!("{} ({})", short(&self.scene.people.shown(person)), status.unwrap_or_default())
            };
            let said = self.first(all, people.into_iter().map(of)).join(", ");
            lines.push(format!("{} · {} · {said} · {}", task.id, short(task.title.as_str()), self.answered(task)));
        }
        if lines.is_empty() {
            return lines;
        }
        let all = lines.len();
        let mut said = vec![self.say("heading-watched", &[])];
        said.extend(self.first(all, lines.into_iter()));
        said
    }

    /// What is new for the asker among these tasks, told what they know of, which is brought up to date.
    pub fn news(&self, tasks: impl IntoIterator<Item = TaskId>, told: &mut BTreeMap<TaskId, Title>) -> Vec<String> {
        let mut lines = Vec::new();
        for id in tasks {
            let task = self.scene.board.task(id);
            let number = id.to_string();
            let about = |key: &str, title: &Title| {
                self.say(key, &[("task", Arg::Text(&number)), ("title", Arg::Text(&short(title.as_str())))])
            };
            let own = task.and_then(|task| task.statuses.get(self.who));
            match (task, own) {
                (Some(task), Some(status)) if !status.progress.is_final() => match told.get(&id) {
                    Some(title) if *title == task.title => {}
                    Some(_) => {
                        told.insert(id, task.title.clone());
                        lines.push(about("task-changed", &task.title));
                    }
                    None => {
                        if told.len() < limits::TOLD_PER_PERSON {
                            told.insert(id, task.title.clone());
                        }
                        let link = self.link(task.kind, id).map(|link| format!("\n{link}")).unwrap_or_default();
                        let reply = self.reply(task.kind, id);
                        lines.push(format!("{}\n{reply}{link}", about("new-task", &task.title)));
                    }
                },
                (Some(_), Some(_)) => _ = told.remove(&id),
                (Some(_), None) => lines.extend(told.remove(&id).map(|title| about("task-taken", &title))),
                (None, _) => lines.extend(told.remove(&id).map(|title| about("task-removed", &title))),
            }
        }
        self.cut(lines)
    }

    /// The open tasks of the asker with their titles: what they know of once they have been reminded.
    pub fn open(&self) -> BTreeMap<TaskId, Title> {
        let open = self.scene.board.open_tasks(self.who).into_iter().rev().take(limits::TOLD_PER_PERSON);
        open.map(|task| (task.id, task.title.clone())).collect()
    }

    /// The people of the room by group; `online` holds the bare JIDs of those who are.
    fn users(&self, online: &BTreeSet<&str>, page: &mut ListPage) -> Vec<String> {
        let mut groups: BTreeMap<&str, Vec<(&Person, &Member)>> = BTreeMap::new();
        for (person, member) in self.scene.people.listed() {
            groups.entry(member.groups.first().map_or("", |group| group)).or_default().push((person, member));
        }
        let named = |(person, member): (&Person, &Member)| {
            let power = if member.power { format!(" ({})", self.say("admin-mark", &[])) } else { String::new() };
            let mark = if online.contains(person.bare()) { " ●" } else { "" };
            format!("{}{power}{mark}", short(&self.scene.people.shown(person)))
        };
        let line = |(group, members): (&str, Vec<(&Person, &Member)>)| {
            let names = self.first(members.len(), members.into_iter().map(named));
            let group = self.words.named(self.language, "group", short(group));
            format!("{group}: {}", names.join(", "))
        };
        let mut said = vec![self.say("heading-users", &[])];
        said.extend(self.page(page, groups.len(), groups.into_iter().map(line)));
        said
    }

    pub(super) fn names(&self, names: Vec<String>) -> String {
        self.cut(names).join(", ")
    }

    pub(super) fn called(&self, people: &[&Person]) -> String {
        self.first(people.len(), people.iter().map(|person| short(&self.scene.people.shown(person)))).join(", ")
    }

    /// Who has not answered what.
    fn late(&self, late: &[&Task], page: &mut ListPage) -> Vec<String> {
        if late.is_empty() {
            return vec![self.say("no-late", &[])];
        }
        let line = |task: &Task| {
            let late = Late::of(task);
            let mut parts = vec![format!("{} · {}", late.task.id, short(late.task.title.as_str()))];
            if !late.silent.is_empty() {
                parts.push(self.called(&late.silent));
            }
            if !late.unfinished.is_empty() {
                let word = self.say("status-running", &[]);
                parts.push(format!("{word}: {}", self.called(&late.unfinished)));
            }
            if let Some(deadline) = self.scene.board.deadline(task.id).filter(|deadline| deadline.last.is_some()) {
                parts.push(self.say("late-since", &[("when", Arg::Text(&self.due(deadline.due)))]));
            }
            parts.join(" · ") + &self.since(task)
        };
        let mut said = vec![self.say("heading-late", &[])];
        said.extend(self.page(page, late.len(), late.iter().map(|task| line(task))));
        said
    }

    /// One task with everybody's answers, the latest to be done first.
    fn task(&self, task: &Task, page: &mut ListPage) -> Vec<String> {
        let mut statuses: Vec<(&Person, &Status)> = task.statuses.iter().collect();
        statuses.sort_by_key(|(_, status)| (status.progress.is_final(), status.progress != Progress::Fail));
        let of = |(person, status): (&Person, &Status)| {
            format!("{}: {}", short(&self.scene.people.shown(person)), self.status(task.kind, status))
        };
        let title = task.title.as_str().replace(['\r', '\n'], " ");
        let mut said = vec![format!("{} · {title} · {}{}", task.id, self.kind(task.kind), self.since(task))];
        if statuses.is_empty() {
            said.push(self.say("nobody", &[]));
        }
        said.extend(self.page(page, statuses.len(), statuses.into_iter().map(of)));
        said
    }

    /// What is planned, each as the line that plans it.
    fn plans(&self, plan: &Plan, page: &mut ListPage) -> Vec<String> {
        if plan.is_empty() {
            return vec![self.say("no-plans", &[])];
        }
        let line = |planned: &Planned| {
            let (line, when) = (short(&self.planning(planned).to_string()), self.when(planned, plan));
            format!("{} · {line} · {when}", planned.id)
        };
        let mut said = vec![self.say("heading-plans", &[])];
        said.extend(self.page(page, plan.len(), plan.entries().map(line)));
        if let (None, Some(first)) = (self.scene.clock, plan.entries().find(|planned| planned.is_by_contest())) {
            said.push(self.say("no-clock-for-plans", &[("plan", Arg::Text(&first.id.to_string()))]));
        }
        said
    }

    /// What the contest clock shows, and where that is from.
    pub fn clock(&self, dial: Dial<'_>) -> String {
        let mut said = self.reading(dial);
        if self.scene.board.rehearsal().is_some() {
            said = format!("{} {said}", self.say("clock-rehearsal", &[("speed", self.speed())]));
        }
        if let Some(set) = dial.set {
            let (time, name) = (time_of_day(set.at_ms, dial.zone_ms), self.scene.people.shown(&set.by));
            said.push(' ');
            said.push_str(
                &self.say("clock-by-hand", &[("time", Arg::Text(&time)), ("name", Arg::Text(&short(&name)))]),
            );
        }
        if let Some(since_ms) = dial.silent_since_ms {
            let time = time_of_day(since_ms, dial.zone_ms);
            said.push(' ');
            said.push_str(&self.say("clock-silent", &[("time", Arg::Text(&time))]));
        }
        said
    }

    /// How many times as fast as time itself contest time passes.
    pub(super) fn speed(&self) -> Arg<'static> {
        Arg::Number(self.scene.board.speed().times().into())
    }

    fn reading(&self, Dial { reading, .. }: Dial<'_>) -> String {
        let (elapsed, total) = (clock_face(reading.elapsed_ms), clock_face(reading.total_ms));
        let args = [("elapsed", Arg::Text(&elapsed)), ("total", Arg::Text(&total))];
        match reading.phase {
            Phase::Before if reading.elapsed_ms < 0 => {
                let left = clock_face(-reading.elapsed_ms);
                self.say("clock-countdown-stands", &[("left", Arg::Text(&left))])
            }
            Phase::Before => self.say("clock-before", &[]),
            Phase::Counting => {
                let left = clock_face(-reading.elapsed_ms);
                self.say("clock-counting", &[("left", Arg::Text(&left)), ("total", Arg::Text(&total))])
            }
            Phase::Running => self.say("clock-running", &args),
            Phase::Paused => self.say("clock-paused", &args),
            Phase::Over => self.say("clock-over", &[]),
        }
    }
}
