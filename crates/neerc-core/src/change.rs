//! Everything that can happen to the tasks of a room, as a closed list. Changes are stored forever and never edited;
//! how they are encoded is the store's business.

use crate::clock::hand::SetClock;
use crate::deadline::{Deadline, Round};
use crate::doors::{DoorChange, TokenId, TokenScope};
use crate::links::LinksWish;
use crate::people::Person;
use crate::plan::{PlanId, Planned, RunId, Schedule};
use crate::requests::KeyedRequest;
use crate::task::{Kind, Status, TaskId, Title};
use crate::watch::Watch;
use std::sync::Arc;

/// Name of a room: the local part of its JID, in lower case.
pub type Room = Arc<str>;

/// A change to the tasks of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new task.
    Created {
        /// Its number, never used before in the room.
        task: TaskId,
        /// What to do.
        title: Title,
        /// What kind of answer it asks for.
        kind: Kind,
        /// When, in ms since 1970; later than every earlier timestamp in the room.
        timestamp_ms: i64,
        /// The people it is assigned to at first.
        statuses: Vec<(Person, Status)>,
        /// The planned task that it fulfils, which is removed from the plan.
        plan: Option<PlanId>,
        /// By when it is to be answered.
        deadline: Option<Deadline>,
    },
    /// An admin changed a task. Fields that are `None` or empty keep their values.
    Edited {
        /// Which.
        task: TaskId,
        /// The new title.
        title: Option<Title>,
        /// The new kind.
        kind: Option<Kind>,
        /// The new timestamp, if somebody new was assigned.
        timestamp_ms: Option<i64>,
        /// People assigned, or whose status was replaced.
        set: Vec<(Person, Status)>,
        /// People who are no longer assigned.
        unassigned: Vec<Person>,
    },
    /// Somebody answered a task.
    Answered {
        /// Which task.
        task: TaskId,
        /// Who answered.
        person: Person,
        /// What.
        status: Status,
    },
    /// A task was removed; its number is never reused.
    Removed {
        /// Which.
        task: TaskId,
        /// When, in ms since 1970: for a while it may be brought back. Logs of earlier versions do not say it.
        at_ms: Option<i64>,
    },
    /// A removed task was brought back, with the people and answers that it had.
    Restored {
        /// Which.
        task: TaskId,
        /// Its new timestamp.
        timestamp_ms: i64,
    },
    /// A task was planned.
    Planned(
        /// The planned task, with a number never used before in the room.
        Planned,
    ),
    /// A planned task was removed from the plan.
    Unplanned {
        /// Which.
        plan: PlanId,
    },
    /// A task was planned for another moment.
    Replanned {
        /// Which.
        plan: PlanId,
        /// When.
        schedule: Schedule,
    },
    /// Nobody has said whether a planned task is to be handed out, and nobody is asked any more.
    Lapsed {
        /// Which.
        plan: PlanId,
    },
    /// A task was given a deadline, or has none any more.
    Deadlined {
        /// Which.
        task: TaskId,
        /// By when it is to be answered.
        deadline: Option<Deadline>,
    },
    /// Whoever has not finished a task is reminded of it, or the admins are told who that is. The task is as it was.
    Reminded {
        /// Which.
        task: TaskId,
        /// What is said of its deadline, which has passed; `None`: an admin asked for it.
        round: Option<Round>,
    },
    /// A checklist is gone through from now on.
    Begun {
        /// What it is called.
        name: String,
        /// When it was begun, in ms since 1970.
        at_ms: i64,
        /// Its lines, by step.
        lines: Vec<Planned>,
    },
    /// A checklist is not gone through any more; what is handed out of it stays.
    Stopped {
        /// Which.
        run: RunId,
    },
    /// The contest clock of the room was set by hand; `None`: it goes by its feed again.
    Clocked(Option<SetClock>),
    /// A rehearsal began, on an empty board, with this clock.
    Rehearsed(SetClock),
    /// It ended: these tasks and all that is planned are thrown away, and the clock is as it was before.
    RehearsalEnded {
        /// All tasks that there are.
        tasks: Vec<TaskId>,
    },
    /// Somebody asked to be told of answers by chat, or of none.
    Watched {
        /// Who.
        person: Person,
        /// Of all these, and of no others.
        watch: Watch,
    },
    /// Somebody asked for links in what is said to them by chat, or for none.
    Linked {
        /// Who.
        person: Person,
        /// What they want.
        wish: LinksWish,
    },
    /// A door of the room was opened or closed: a session, a link or a token.
    Door(DoorChange),
}

impl Change {
    /// The tasks that it is about.
    pub fn tasks(&self) -> impl Iterator<Item = TaskId> + '_ {
        let thrown_away = match self {
            Change::RehearsalEnded { tasks } => &tasks[..],
            _ => &[],
        };
        self.task().into_iter().chain(thrown_away.iter().copied())
    }

    /// The one task that it is about; `None` for what is about none or many.
    pub fn task(&self) -> Option<TaskId> {
        match self {
            Change::Created { task, .. }
            | Change::Edited { task, .. }
            | Change::Answered { task, .. }
            | Change::Removed { task, .. }
            | Change::Restored { task, .. }
            | Change::Deadlined { task, .. }
            | Change::Reminded { task, .. } => Some(*task),
            Change::Planned(_)
            | Change::Unplanned { .. }
            | Change::Replanned { .. }
            | Change::Lapsed { .. }
            | Change::Begun { .. }
            | Change::Stopped { .. }
            | Change::Clocked(_)
            | Change::Rehearsed(_)
            | Change::RehearsalEnded { .. }
            | Change::Watched { .. }
            | Change::Linked { .. }
            | Change::Door(_) => None,
        }
    }
}

/// The effect of a change, in as much detail as an answer needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// Nothing had to change.
    #[default]
    Nothing,
    /// A task was created.
    Created {
        /// Its number.
        task: TaskId,
        /// How many people have it.
        people: usize,
        /// The planned task that it was.
        plan: Option<PlanId>,
    },
    /// A task was changed.
    Edited {
        /// Which.
        task: TaskId,
    },
    /// Somebody answered a task.
    Answered {
        /// Which.
        task: TaskId,
    },
    /// A task was removed.
    Removed {
        /// Which.
        task: TaskId,
    },
    /// A removed task was brought back.
    Restored {
        /// Which.
        task: TaskId,
    },
    /// A task was planned.
    Planned {
        /// Its number in the plan.
        plan: PlanId,
    },
    /// A planned task was removed from the plan.
    Unplanned {
        /// Which.
        plan: PlanId,
    },
    /// A task was planned for another moment.
    Replanned {
        /// Its number in the plan.
        plan: PlanId,
    },
    /// Nobody is asked any more whether a planned task is to be handed out.
    Lapsed,
    /// A task was given a deadline, or has none any more.
    Deadlined {
        /// Which.
        task: TaskId,
    },
    /// People are reminded of a task, or the admins told.
    Reminded {
        /// Which.
        task: TaskId,
    },
    /// A checklist is gone through.
    Begun {
        /// How many tasks it makes.
        lines: usize,
        /// In how many steps.
        steps: u64,
    },
    /// A checklist is not gone through any more.
    Stopped,
    /// The contest clock was set.
    Clocked,
    /// A rehearsal began.
    Rehearsed,
    /// It ended.
    RehearsalEnded {
        /// How many tasks are thrown away.
        tasks: usize,
    },
    /// The asker is told of other answers.
    Watched,
    /// The asker is sent links, or none.
    Linked {
        /// What they want.
        wish: LinksWish,
    },
    /// Somebody is logged in with a browser.
    Admitted,
    /// The asker is logged out.
    LoggedOut {
        /// Of how many browsers.
        sessions: usize,
    },
    /// The asker has a link to log in with.
    LinkOffered,
    /// There is a new token.
    TokenGiven {
        /// Which.
        token: TokenId,
        /// What it is good for.
        scope: TokenScope,
    },
    /// A token is good for nothing any more.
    TokenRevoked {
        /// Which.
        token: TokenId,
    },
}

impl From<&Change> for Effect {
    fn from(change: &Change) -> Effect {
        match change {
            Change::Created { task, statuses, plan, .. } => {
                Effect::Created { task: *task, people: statuses.len(), plan: *plan }
            }
            Change::Edited { task, .. } => Effect::Edited { task: *task },
            Change::Answered { task, .. } => Effect::Answered { task: *task },
            Change::Restored { task, .. } => Effect::Restored { task: *task },
            Change::Removed { task, .. } => Effect::Removed { task: *task },
            Change::Reminded { task, .. } => Effect::Reminded { task: *task },
            Change::Planned(planned) => Effect::Planned { plan: planned.id },
            Change::Unplanned { plan } => Effect::Unplanned { plan: *plan },
            Change::Replanned { plan, .. } => Effect::Replanned { plan: *plan },
            Change::Lapsed { .. } => Effect::Lapsed,
            Change::Deadlined { task, .. } => Effect::Deadlined { task: *task },
            Change::Begun { lines, .. } => {
                let steps = lines.iter().filter_map(|planned| Some(planned.turn?.step)).max().unwrap_or_default();
                Effect::Begun { lines: lines.len(), steps }
            }
            Change::Stopped { .. } => Effect::Stopped,
            Change::Clocked(_) => Effect::Clocked,
            Change::Rehearsed(_) => Effect::Rehearsed,
            Change::RehearsalEnded { tasks } => Effect::RehearsalEnded { tasks: tasks.len() },
            Change::Watched { .. } => Effect::Watched,
            Change::Linked { wish, .. } => Effect::Linked { wish: *wish },
            Change::Door(DoorChange::Admitted { .. }) => Effect::Admitted,
            Change::Door(DoorChange::Ended { sessions }) => Effect::LoggedOut { sessions: sessions.len() },
            Change::Door(DoorChange::Offered { .. }) => Effect::LinkOffered,
            Change::Door(DoorChange::Given(token)) => Effect::TokenGiven { token: token.id, scope: token.scope },
            Change::Door(DoorChange::Revoked { token }) => Effect::TokenRevoked { token: *token },
        }
    }
}

/// A change with its place in the order of all changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the order of all changes of all rooms, from 1, without gaps.
    pub revision: u64,
    /// Where.
    pub room: Room,
    /// When it was decided, in ms since 1970, by the clock of the service.
    pub at_ms: i64,
    /// Who asked for it.
    pub by: Person,
    /// What.
    pub change: Change,
    /// The request that it was done for, if that has a key.
    pub request: Option<Arc<KeyedRequest>>,
}
