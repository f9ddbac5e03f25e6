//! The tasks of one room. [`Board::decide`] may refuse and changes nothing; [`Board::apply`] changes the board and
//! cannot fail. The people of the room are handed in; storage is not the board's business.

mod amend;
mod deadlines;
mod decision;
mod doors;
mod links;
mod names;
mod notices;
mod plans;
mod rehearsal;
mod removed;
mod requests;
mod runs;
mod watches;

pub use self::decision::{Decision, Done};
pub use self::rehearsal::{MARK, Rehearsal};
pub use self::removed::{RemovedTask, RemovedTasks};

use self::decision::edited;
use self::names::{Resolved, assigned, resolve, unanswered};
use crate::change::{Change, Room};
use crate::clock::hand::{ClockNow, SetClock};
use crate::command::{Command, Manner, WholeTask};
use crate::deadline::Deadline;
use crate::doors::Doors;
use crate::limits;
use crate::links::LinksWishes;
use crate::people::{Admin, People, Person, Rights};
use crate::plan::{Plan, PlanId};
use crate::refusal::Refusal;
use crate::requests::KnownRequests;
use crate::task::{Difference, Kind, LeftOut, Past, Progress, Status, Task, TaskId, Title};
use crate::watch::Watches;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The tasks of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// Shared between copies of the board, so copying is cheap.
    tasks: BTreeMap<TaskId, Arc<Task>>,
    plan: Plan,
    /// What the contest clock was set to by hand.
    clock: Option<SetClock>,
    rehearsal: Option<Rehearsal>,
    watches: Watches,
    links: LinksWishes,
    removed: RemovedTasks,
    /// Of live tasks.
    deadlines: BTreeMap<TaskId, Deadline>,
    /// Shared between copies of the board.
    doors: Arc<Doors>,
    /// Those that have keys.
    requests: KnownRequests,
    next_id: u64,
    last_timestamp_ms: i64,
    revision: u64,
}

impl Default for Board {
    fn default() -> Board {
        Board {
            tasks: BTreeMap::new(),
            plan: Plan::default(),
            clock: None,
            rehearsal: None,
            watches: Watches::default(),
            links: LinksWishes::default(),
            removed: RemovedTasks::default(),
            deadlines: BTreeMap::new(),
            doors: Arc::default(),
            requests: KnownRequests::default(),
            next_id: 1,
            last_timestamp_ms: 0,
            revision: 0,
        }
    }
}

/// The boards of all rooms.
pub type Boards = BTreeMap<Room, Board>;

impl Board {
    /// Restores a board from a snapshot: its tasks, the number of the next new task, the last timestamp given, and the
    /// revision of the last change applied.
    pub fn restore(
        tasks: impl IntoIterator<Item = Task>,
        next_id: u64,
        last_timestamp_ms: i64,
        revision: u64,
    ) -> Board {
        let tasks: BTreeMap<_, _> = tasks.into_iter().map(|task| (task.id, Arc::new(task))).collect();
        // No number or timestamp is given twice, even if the snapshot's counters are too low.
        let next_id = tasks.keys().map(|id: &TaskId| id.0.saturating_add(1)).fold(next_id.max(1), u64::max);
        let last_timestamp_ms = tasks.values().map(|task| task.timestamp_ms).fold(last_timestamp_ms, i64::max);
        Board { tasks, next_id, last_timestamp_ms, revision, ..Board::default() }
    }

    /// The same board with the plan of a snapshot.
    pub fn with_plan(self, plan: Plan) -> Board {
        Board { plan, ..self }
    }

    /// The same with the clock of a snapshot.
    pub fn with_clock(self, clock: Option<SetClock>) -> Board {
        Board { clock, ..self }
    }

    /// What the contest clock of the room was set to by hand, if it was.
    pub fn clock(&self) -> Option<&SetClock> {
        self.clock.as_ref()
    }

    /// The planned tasks.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The live tasks, by number.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values().map(|task| &**task)
    }

    /// How many live tasks there are.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there are no live tasks.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The live tasks in wire order: by timestamp, tasks without people last.
    pub fn listed(&self) -> Vec<&Task> {
        let mut tasks: Vec<&Task> = self.tasks().collect();
        tasks.sort_by_key(|task| (task.statuses.is_empty(), task.timestamp_ms));
        tasks
    }

    /// The tasks that `who` has not finished, oldest first.
    pub fn open_tasks(&self, who: &Person) -> Vec<&Task> {
        self.own_tasks(who, |progress| !progress.is_final())
    }

    /// The tasks that `who` has answered in any way, oldest first.
    pub fn answered_tasks(&self, who: &Person) -> Vec<&Task> {
        self.own_tasks(who, |progress| progress != Progress::None)
    }

    fn own_tasks(&self, who: &Person, wanted: fn(Progress) -> bool) -> Vec<&Task> {
        let own = |task: &&Task| task.statuses.get(who).is_some_and(|status| wanted(status.progress));
        let mut tasks: Vec<&Task> = self.tasks().filter(own).collect();
        tasks.sort_by_key(|task| task.timestamp_ms);
        tasks
    }

    /// The only task that `who` has not finished; `None` if there are none or several.
    pub fn lone_open_task(&self, who: &Person) -> Option<&Task> {
        match self.open_tasks(who)[..] {
            [task] => Some(task),
            _ => None,
        }
    }

    /// A live task.
    pub fn task(&self, id: TaskId) -> Option<&Task> {
        self.tasks.get(&id).map(|task| &**task)
    }

    /// A live task, or why there is none with that id.
    pub fn existing(&self, id: TaskId) -> Result<&Task, Refusal> {
        let task = id.to_string();
        self.task(id).ok_or_else(|| {
            if self.was_removed(id) { Refusal::RemovedTask { task } } else { Refusal::UnknownTask { task } }
        })
    }

    /// Whether the id belonged to a task that was removed.
    pub fn was_removed(&self, id: TaskId) -> bool {
        (1..self.next_id).contains(&id.0) && !self.tasks.contains_key(&id)
    }

    /// The number of the next new task.
    pub fn next_id(&self) -> u64 {
        self.next_id
    }

    /// The last timestamp given, in ms since 1970.
    pub fn last_timestamp_ms(&self) -> i64 {
        self.last_timestamp_ms
    }

    /// The revision of the last change applied; 0 before the first.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Decides what a command of `who` at `now_ms` changes, or refuses it; the contest clock is as it was set by hand.
    pub fn decide(&self, now_ms: i64, who: &Person, people: &People, command: &Command) -> Result<Decision, Refusal> {
        self.decide_by(ClockNow::by_hand(self.clock(), now_ms), now_ms, who, people, command)
    }

    /// The same by a clock.
    pub fn decide_by(
        &self,
        clock: ClockNow,
        now_ms: i64,
        who: &Person,
        people: &People,
        command: &Command,
    ) -> Result<Decision, Refusal> {
        // What the service notes needs nobody's rights.
        match command {
            Command::NoteOverdue { task, round } => return Ok(self.overdue(now_ms, *task, *round)),
            Command::NoteLapsed { plan, due } => return Ok(self.lapse(*plan, *due)),
            _ => {}
        }
        let rights = people.rights(who).ok_or(Refusal::NotInRoom)?;
        let times = (now_ms, clock.zone_ms);
        match command {
            Command::Create(wanted) => self.create(admin(rights)?, now_ms, people, wanted),
            Command::CreateDue { wanted, by } => {
                let decision = self.create(admin(rights)?, now_ms, people, wanted)?;
                Ok(decision.due(Deadline::set(*by, who, now_ms, clock.zone_ms, self.speed())))
            }
            Command::Edit { task, wanted } => self.edit(admin(rights)?, now_ms, people, *task, wanted),
            Command::Amend { task, amendment } => self.amend(admin(rights)?, now_ms, people, *task, amendment),
            Command::SetStatus { task, name, status } => self.set_status(rights, who, people, *task, name, status),
            Command::Remove { task } => self.remove(admin(rights)?, now_ms, *task),
            Command::Answer { task, status } => self.answer(who, *task, status),
            Command::Assign { task, names } => self.assign(admin(rights)?, now_ms, people, *task, names),
            Command::Unassign { task, names } => self.unassign(admin(rights)?, people, *task, names),
            Command::Reset { task, names } => self.reset(admin(rights)?, people, *task, names),
            Command::Rename { task, title } => self.rename(admin(rights)?, *task, title),
            Command::Plan(wanted) => self.add_plan(admin(rights)?, who, people, wanted, times),
            Command::Unplan { plan } => self.unplan(admin(rights)?, *plan),
            Command::Replan { plan, timing } => self.replan(admin(rights)?, *plan, *timing, times),
            Command::Fulfil { plan, due } => self.fulfil(admin(rights)?, now_ms, people, *plan, *due),
            Command::Restore { task } => self.bring_back(admin(rights)?, now_ms, *task),
            Command::Remind { task } => self.remind(admin(rights)?, *task),
            Command::Watch(wanted) => self.watch(admin(rights)?, who, *wanted),
            Command::Unwatch(wanted) => Ok(self.unwatch(admin(rights)?, who, *wanted)),
            Command::SetDeadline { task, by } => {
                let deadline = by.map(|by| Deadline::set(by, who, now_ms, clock.zone_ms, self.speed()));
                self.set_deadline(admin(rights)?, *task, deadline)
            }
            Command::NoteOverdue { .. } | Command::NoteLapsed { .. } => Ok(Decision::default()), // above
            Command::Begin(wanted) => self.begin(admin(rights)?, who, people, wanted, times),
            Command::Stop { name } => self.stop(admin(rights)?, name),
            Command::Links(wish) => self.wish_links(who, *wish),
            Command::Door(command) => self.decide_door(rights, now_ms, who, people, command),
            Command::Clock(act) => self.set_clock(admin(rights)?, clock, *act, who, now_ms),
        }
    }

    fn create(&self, _: Admin, now_ms: i64, people: &People, wanted: &WholeTask) -> Result<Decision, Refusal> {
        let resolved = resolve(people, None, &wanted.statuses, wanted.manner)?;
        self.created(now_ms, &wanted.title, wanted.kind, resolved, None)
    }

    fn created(
        &self,
        now_ms: i64,
        title: &Title,
        kind: Kind,
        Resolved { packet, left_out }: Resolved,
        plan: Option<PlanId>,
    ) -> Result<Decision, Refusal> {
        if self.tasks.len() >= limits::TASKS_PER_ROOM {
            return Err(Refusal::TooMany { what: "tasks in the room", limit: limits::TASKS_PER_ROOM });
        }
        let change = Change::Created {
            task: TaskId(self.next_id),
            title: self.marked(title),
            kind,
            timestamp_ms: self.next_timestamp_ms(now_ms),
            statuses: packet.into_iter().map(|(person, status)| (person, status.unwrap_or(Status::NONE))).collect(),
            plan,
            deadline: None,
        };
        Ok(Decision { change: Some(change), left_out, secret: None })
    }

    fn edit(
        &self,
        _: Admin,
        now_ms: i64,
        people: &People,
        id: TaskId,
        wanted: &WholeTask,
    ) -> Result<Decision, Refusal> {
        let task = self.existing(id)?;
        let Resolved { packet, left_out } = resolve(people, Some(task), &wanted.statuses, wanted.manner)?;
        let absent = match wanted.manner {
            Manner::Adding => LeftOut::Kept,
            Manner::Replacing => LeftOut::Unassigned,
        };
        let Difference { set, unassigned } = task.rebase(&packet, absent);
        let new = set.keys().filter(|person| !task.statuses.contains_key(*person)).count();
        // Only people who have the task are unassigned.
        if task.statuses.len() - unassigned.len() + new > limits::ASSIGNEES {
            return Err(Refusal::TooMany { what: "people assigned to a task", limit: limits::ASSIGNEES });
        }
        let title = self.marked(&wanted.title);
        let title = Some(title).filter(|title| *title != task.title && !task.past.titles.contains(title));
        let kind = Some(wanted.kind).filter(|kind| *kind != task.kind && !task.past.kinds.contains(kind));
        if title.is_none() && kind.is_none() && set.is_empty() && unassigned.is_empty() {
            return Ok(Decision { left_out, ..Decision::default() });
        }
        let change = Change::Edited {
            task: id,
            title,
            kind,
            timestamp_ms: (new > 0).then(|| self.next_timestamp_ms(now_ms)),
            set: set.into_iter().collect(),
            unassigned: unassigned.into_iter().collect(),
        };
        Ok(Decision { change: Some(change), left_out, secret: None })
    }

    fn remove(&self, _: Admin, now_ms: i64, id: TaskId) -> Result<Decision, Refusal> {
        self.existing(id)?;
        Ok(Change::Removed { task: id, at_ms: Some(now_ms) }.into())
    }

    fn answer(&self, who: &Person, id: TaskId, status: &Status) -> Result<Decision, Refusal> {
        let task = self.existing(id)?;
        match task.statuses.get(who) {
            None => Err(Refusal::NotAssigned { task: id.to_string() }),
            Some(known) if known == status => Ok(Decision::default()),
            Some(_) => Ok(Change::Answered { task: id, person: who.clone(), status: status.clone() }.into()),
        }
    }

    fn assign(
        &self,
        _: Admin,
        now_ms: i64,
        people: &People,
        id: TaskId,
        names: &[String],
    ) -> Result<Decision, Refusal> {
        let task = self.existing(id)?;
        let Resolved { packet, .. } = resolve(people, Some(task), &unanswered(names), Manner::Replacing)?;
        let new = packet.into_keys().filter(|person| !task.statuses.contains_key(person));
        let set: Vec<_> = new.map(|person| (person, Status::NONE)).collect();
        if task.statuses.len() + set.len() > limits::ASSIGNEES {
            return Err(Refusal::TooMany { what: "people assigned to a task", limit: limits::ASSIGNEES });
        }
        let timestamp_ms = (!set.is_empty()).then(|| self.next_timestamp_ms(now_ms));
        Ok(edited(task, None, timestamp_ms, set, Vec::new()))
    }

    fn unassign(&self, _: Admin, people: &People, id: TaskId, names: &[String]) -> Result<Decision, Refusal> {
        let task = self.existing(id)?;
        let unassigned = assigned(people, task, names)?.into_iter().cloned().collect();
        Ok(edited(task, None, None, Vec::new(), unassigned))
    }

    fn reset(&self, _: Admin, people: &People, id: TaskId, names: &[String]) -> Result<Decision, Refusal> {
        let task = self.existing(id)?;
        let answered = assigned(people, task, names)?.into_iter();
        let answered = answered.filter(|person| task.statuses.get(*person) != Some(&Status::NONE));
        let set = answered.map(|person| (person.clone(), Status::NONE)).collect();
        Ok(edited(task, None, None, set, Vec::new()))
    }

    fn rename(&self, _: Admin, id: TaskId, title: &Title) -> Result<Decision, Refusal> {
        let task = self.existing(id)?;
        let title = Some(self.marked(title)).filter(|title| *title != task.title);
        Ok(edited(task, title, None, Vec::new(), Vec::new()))
    }

    fn next_timestamp_ms(&self, now_ms: i64) -> i64 {
        now_ms.max(self.last_timestamp_ms.saturating_add(1))
    }

    /// Applies a change. A change that does not fit the board, which only a tampered log can hold, is ignored rather
    /// than guessed at.
    pub fn apply(&mut self, revision: u64, change: &Change) {
        self.make(revision, change, None);
    }

    /// Applies a change that the board `ahead` already has. The two boards share the memory of the history it adds.
    pub(crate) fn follow(&mut self, revision: u64, change: &Change, ahead: &Board) {
        self.make(revision, change, Some(ahead));
    }

    fn make(&mut self, revision: u64, change: &Change, ahead: Option<&Board>) {
        self.change(revision, change, ahead);
        if self.plan.awaits(change.task()) {
            self.settle_runs();
        }
    }

    fn change(&mut self, revision: u64, change: &Change, ahead: Option<&Board>) {
        self.revision = revision;
        let made = change.task().and_then(|task| ahead?.task(task)?.past.step_at(revision));
        match change {
            Change::Created { task, title, kind, timestamp_ms, statuses, plan, deadline } => {
                if task.0 < self.next_id {
                    return; // a number is never used twice
                }
                self.next_id = self.next_id.max(task.0.saturating_add(1));
                self.last_timestamp_ms = self.last_timestamp_ms.max(*timestamp_ms);
                let created = Task {
                    id: *task,
                    title: title.clone(),
                    kind: *kind,
                    timestamp_ms: *timestamp_ms,
                    statuses: statuses.iter().cloned().collect(),
                    revision,
                    past: Past::restore(Vec::new(), Vec::new(), revision, []),
                };
                self.tasks.insert(*task, Arc::new(created));
                self.set_due(*task, deadline.clone());
                plan.iter().for_each(|plan| self.plan.hand_out(*plan, *task));
            }
            Change::Edited { task, title, kind, timestamp_ms, set, unassigned } => {
                let Some(task) = self.tasks.get_mut(task).map(Arc::make_mut) else { return };
                task.revision = revision;
                if let Some(title) = title {
                    task.retitle(title.clone());
                }
                if let Some(kind) = kind {
                    task.rekind(*kind);
                }
                if let Some(timestamp_ms) = timestamp_ms {
                    task.timestamp_ms = *timestamp_ms;
                    self.last_timestamp_ms = self.last_timestamp_ms.max(*timestamp_ms);
                }
                let set = set.iter().map(|(person, status)| (person.clone(), Some(status.clone())));
                task.step(revision, set.chain(unassigned.iter().map(|person| (person.clone(), None))), made);
            }
            Change::Answered { task, person, status } => {
                let Some(task) = self.tasks.get_mut(task).map(Arc::make_mut) else { return };
                task.answer(revision, person, status, made);
            }
            Change::Removed { task, at_ms } => {
                if let (Some(removed), Some(at_ms)) = (self.tasks.remove(task), at_ms) {
                    self.removed.keep(&removed, *at_ms);
                }
                self.watches.forget(*task);
                self.deadlines.remove(task);
            }
            Change::Restored { task, timestamp_ms } => self.put_back(*task, *timestamp_ms, revision),
            Change::Deadlined { task, deadline } => self.set_due(*task, deadline.clone()),
            Change::Reminded { task, round } => self.note_round(*task, *round),
            Change::Planned(planned) => self.plan.add(planned, ahead.map(Board::plan)),
            Change::Unplanned { plan } => self.plan.take_out(*plan),
            Change::Replanned { plan, schedule } => self.plan.replan(*plan, *schedule),
            Change::Lapsed { plan } => self.plan.lapse(*plan),
            Change::Begun { name, at_ms, lines } => self.plan.begin(name, *at_ms, lines, ahead.map(Board::plan)),
            Change::Stopped { run } => self.plan.stop(*run),
            Change::Clocked(set) => self.clock.clone_from(set),
            Change::Rehearsed(set) => self.begin_rehearsal(set),
            Change::RehearsalEnded { tasks } => self.throw_away(tasks),
            Change::Watched { person, watch } => self.watches.set(person, watch),
            Change::Linked { person, wish } => self.links.set(person, *wish),
            Change::Door(change) => self.change_door(change),
        }
    }
}

fn admin(rights: Rights) -> Result<Admin, Refusal> {
    match rights {
        Rights::Power(admin) => Ok(admin),
        Rights::Ordinary => Err(Refusal::AdminsOnly),
    }
}

#[cfg(test)]
mod tests;
