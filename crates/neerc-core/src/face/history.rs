//! What happened to a task in sentences: who did what, and when. Not which changes are known, nor who may read them.

use super::lines::{Lines, ListPage, short};
use super::words::Arg;
use crate::change::{Change, Entry};
use crate::clock::hand::time_of_day;
use crate::doors::{AccessToken, DoorChange, TokenId};
use crate::people::Person;
use crate::task::{Kind, Status, Task, TaskId};
use crate::units::DAY_MS;

/// Something that happened in a room, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEvent {
    /// When.
    pub time: String,
    /// Who did it.
    pub by: String,
    /// To which task; `None` for what is about none.
    pub task: Option<TaskId>,
    /// What it was.
    pub what: String,
}

impl Lines<'_> {
    /// What happened to a task, newest first.
    pub(super) fn history(&self, task: TaskId, entries: &[&Entry], page: &mut ListPage) -> Vec<String> {
        let number = task.to_string();
        let args = [("task", Arg::Text(number.as_str()))];
        if entries.is_empty() {
            return vec![self.say("no-history", &args)];
        }
        let mut said = vec![self.say("heading-history", &args)];
        let line = |entry: &&Entry| self.happened(task, entry).join(" · ");
        said.extend(self.page(page, entries.len(), entries.iter().map(line)));
        let is_whole = entries.last().is_some_and(|entry| matches!(entry.change, Change::Created { .. }));
        if page.is_last && !is_whole {
            said.push(self.say("history-older", &[]));
        }
        said
    }

    /// When something happened to a task, who did it, and what it was.
    pub(super) fn happened(&self, task: TaskId, entry: &Entry) -> Vec<String> {
        let by = short(&self.scene.people.shown(&entry.by));
        vec![self.happened_at(entry.at_ms), by, self.what_happened(task, &entry.change)]
    }

    /// The same of any change of the room, with the task that it is about.
    pub fn event(&self, entry: &Entry) -> HistoryEvent {
        let what = self.what_happened(entry.change.task().unwrap_or(TaskId(0)), &entry.change); // 0: of no task
        let of_whom = match &entry.change {
            Change::Answered { person, .. } if *person != entry.by => Some(self.scene.people.shown(person)),
            _ => None,
        };
        HistoryEvent {
            time: self.happened_at(entry.at_ms),
            by: short(&self.scene.people.shown(&entry.by)),
            task: entry.change.task(),
            what: of_whom.map_or_else(|| what.clone(), |person| format!("{}: {what}", short(&person))),
        }
    }

    fn happened_at(&self, at_ms: i64) -> String {
        let Some(now) = self.scene.now else { return String::new() };
        let time = time_of_day(at_ms, now.zone_ms);
        match now.wall_ms.saturating_sub(at_ms) / DAY_MS {
            ..=0 => time,
            days => self.say("history-days", &[("count", Arg::Number(days)), ("time", Arg::Text(&time))]),
        }
    }

    fn what_happened(&self, task: TaskId, change: &Change) -> String {
        // What was answered to a task that is gone is said as to any.
        let kind = self.scene.board.task(task).map_or(Kind::Todo, |task: &Task| task.kind);
        match change {
            Change::Created { title, statuses, .. } => {
                let (title, people) = (short(title.as_str()), self.people(statuses.iter().map(|(person, _)| person)));
                self.say("history-created", &[("title", Arg::Text(&title)), ("people", Arg::Text(&people))])
            }
            Change::Edited { title, kind: new_kind, timestamp_ms, set, unassigned, .. } => {
                let title = title
                    .as_ref()
                    .map(|title| self.say("history-renamed", &[("title", Arg::Text(&short(title.as_str())))]));
                let new_kind =
                    new_kind.map(|kind| self.say("history-kind", &[("kind", Arg::Text(self.kind(kind).as_str()))]));
                let set = self.set(kind, timestamp_ms.is_some(), set);
                let taken = (!unassigned.is_empty()).then(|| self.about("history-unassigned", unassigned.iter()));
                let parts = title.into_iter().chain(new_kind).chain(set).chain(taken);
                parts.collect::<Vec<_>>().join("; ")
            }
            Change::Answered { person, status, .. } if *status == Status::NONE => {
                self.about("history-taken-back", [person].into_iter())
            }
            Change::Answered { status, .. } => self.status(kind, status),
            Change::Removed { .. } => self.say("history-removed", &[]),
            Change::Restored { .. } => self.say("history-restored", &[]),
            Change::Reminded { round: None, .. } => self.say("history-reminded", &[]),
            Change::Reminded { round: Some(_), .. } => self.say("history-overdue", &[]),
            Change::Deadlined { deadline: Some(deadline), .. } => {
                self.say("history-deadline", &[("when", Arg::Text(&self.due(deadline.due)))])
            }
            Change::Deadlined { deadline: None, .. } => self.say("history-no-deadline", &[]),
            Change::Planned(planned) => {
                let (title, when) = (short(planned.title.as_str()), self.moment(planned.schedule));
                self.say("history-planned", &[("title", Arg::Text(&title)), ("when", Arg::Text(&when))])
            }
            Change::Replanned { plan, schedule } => {
                let (plan, when) = (plan.to_string(), self.moment(*schedule));
                self.say("history-replanned", &[("plan", Arg::Text(&plan)), ("when", Arg::Text(&when))])
            }
            Change::Lapsed { plan } => self.say("history-lapsed", &[("plan", Arg::Text(&plan.to_string()))]),
            Change::Unplanned { plan } => self.say("history-unplanned", &[("plan", Arg::Text(&plan.to_string()))]),
            Change::Begun { name, .. } => self.say("history-begun", &[("name", Arg::Text(&short(name)))]),
            Change::Stopped { .. } => self.say("history-stopped", &[]),
            Change::Clocked(Some(_)) => self.say("history-clock-set", &[]),
            Change::Clocked(None) => self.say("history-clock-freed", &[]),
            Change::Rehearsed(_) => self.say("history-rehearsed", &[]),
            Change::RehearsalEnded { .. } => self.say("history-rehearsal-ended", &[]),
            Change::Watched { .. } => self.say("history-watched", &[]),
            Change::Linked { .. } => self.say("history-linked", &[]),
            Change::Door(DoorChange::Admitted { .. }) => self.say("history-admitted", &[]),
            Change::Door(DoorChange::Ended { .. }) => self.say("history-logged-out", &[]),
            Change::Door(DoorChange::Offered { .. }) => self.say("history-link-offered", &[]),
            Change::Door(DoorChange::Given(AccessToken { id, .. })) => self.token("history-token-given", *id),
            Change::Door(DoorChange::Revoked { token }) => self.token("history-token-revoked", *token),
        }
    }

    fn token(&self, key: &str, token: TokenId) -> String {
        self.say(key, &[("token", Arg::Text(&token.to_string()))])
    }

    /// People who were given a task, or whose answers were replaced.
    fn set(&self, kind: Kind, assigns: bool, set: &[(Person, Status)]) -> Vec<String> {
        let (clear, answered): (Vec<_>, Vec<_>) = set.iter().partition(|(_, status)| *status == Status::NONE);
        let key = if assigns { "history-assigned" } else { "history-reset" };
        let clear = (!clear.is_empty()).then(|| self.about(key, clear.into_iter().map(|(person, _)| person)));
        let all = answered.len();
        let of = |(person, status): &(Person, Status)| {
            format!("{}: {}", short(&self.scene.people.shown(person)), self.status(kind, status))
        };
        let answered = (all > 0).then(|| self.first(all, answered.into_iter().map(of)).join(", "));
        clear.into_iter().chain(answered).collect()
    }

    fn about<'p>(&self, key: &str, people: impl ExactSizeIterator<Item = &'p Person>) -> String {
        self.say(key, &[("people", Arg::Text(&self.people(people)))])
    }

    fn people<'p>(&self, people: impl ExactSizeIterator<Item = &'p Person>) -> String {
        match people.len() {
            0 => self.say("nobody", &[]),
            all => self.first(all, people.map(|person| short(&self.scene.people.shown(person)))).join(", "),
        }
    }
}
