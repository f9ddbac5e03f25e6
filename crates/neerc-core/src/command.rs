//! Everything that can be asked, as two closed lists: [`Query`] only reads, [`Command`] changes. Each face makes these
//! values from its own notation.

use crate::clock::hand::ClockAct;
use crate::doors::{DoorCommand, NewSecret};
use crate::links::LinksWish;
use crate::moment::When;
use crate::plan::{PlanId, Schedule, Timing};
use crate::task::{Kind, Status, TaskId, Title};
use crate::watch::Watched;

/// A request that changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// The users of the room.
    Users,
    /// The tasks of the room, or those of one user.
    Tasks {
        /// Name of the user.
        of: Option<String>,
    },
    /// The contest clock.
    Clock,
    /// One task with everything known of it. For admins.
    Show {
        /// Which.
        task: TaskId,
    },
    /// Who did what to a task, and when. For admins.
    History {
        /// Which; it may have been removed.
        task: TaskId,
    },
    /// Who has not answered what. For admins.
    Late,
    /// The planned tasks. For admins.
    Plans,
    /// The checklists, and which of them are gone through. For admins.
    Checklists,
    /// The browsers with which the asker is logged in.
    Sessions,
    /// The tokens of the room. For admins.
    Tokens,
}

/// How the names in a whole-task packet are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The packet only adds people, and unknown names are left out: such a sender lists everybody it happened to see,
    /// and shows no errors.
    Adding,
    /// People who are not in the packet are unassigned, and an unknown name is an error.
    Replacing,
}

/// A name of a user, a group or an occupant, with the status given for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name as it was given.
    pub name: String,
    /// The status.
    pub status: Status,
}

/// A whole task as the sender wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeTask {
    /// What to do.
    pub title: Title,
    /// What kind of answer it asks for.
    pub kind: Kind,
    /// The people, each with the status given for them.
    pub statuses: Vec<Named>,
    /// How the names are meant.
    pub manner: Manner,
}

/// A task to be planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPlan {
    /// What to do.
    pub title: Title,
    /// What kind of answer it asks for.
    pub kind: Kind,
    /// For whom: users, groups or occupants.
    pub names: Vec<String>,
    /// When.
    pub timing: Timing,
}

/// A checklist to be gone through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// What it is called.
    pub name: String,
    /// What each step hands out: a line that is planned for no moment comes at its turn.
    pub steps: Vec<Vec<NewPlan>>,
}

/// What is to be different about a task; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amendment {
    /// What to do.
    pub title: Option<Title>,
    /// What kind of answer it asks for.
    pub kind: Option<Kind>,
    /// Users, groups or occupants who get it.
    pub assign: Vec<String>,
    /// Users, groups or occupants who have it no more; a group stands for its members who have the task.
    pub unassign: Vec<String>,
    /// Those whose answers are reset, named in the same way.
    pub reset: Vec<String>,
}

/// A request that changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Create a task. For admins.
    Create(WholeTask),
    /// Create a task that is to be answered in time. For admins.
    CreateDue {
        /// The task.
        wanted: WholeTask,
        /// By when.
        by: When,
    },
    /// Change a task as a whole. The sender may have seen an old copy of it. For admins.
    Edit {
        /// Which.
        task: TaskId,
        /// What it is to be.
        wanted: WholeTask,
    },
    /// Change several things about a task at once, as it is now. For admins.
    Amend {
        /// Which.
        task: TaskId,
        /// What is to be different.
        amendment: Amendment,
    },
    /// Remove a task. For admins.
    Remove {
        /// Which.
        task: TaskId,
    },
    /// Answer a task. For the people who have it.
    Answer {
        /// Which task.
        task: TaskId,
        /// What.
        status: Status,
    },
    /// Say what somebody says of a task: of oneself as an answer, of others only for admins.
    SetStatus {
        /// Which task.
        task: TaskId,
        /// The user who has it.
        name: String,
        /// What they say.
        status: Status,
    },
    /// Give a task to more people. For admins.
    Assign {
        /// Which.
        task: TaskId,
        /// Users, groups or occupants.
        names: Vec<String>,
    },
    /// Take a task away from people. For admins.
    Unassign {
        /// Which.
        task: TaskId,
        /// Users, groups or occupants; a group stands for its members who have the task.
        names: Vec<String>,
    },
    /// Reset people's answers, as if they had said nothing. For admins.
    Reset {
        /// Which.
        task: TaskId,
        /// Users, groups or occupants; a group stands for its members who have the task.
        names: Vec<String>,
    },
    /// Rename a task, possibly to an earlier title. For admins.
    Rename {
        /// Which.
        task: TaskId,
        /// The title.
        title: Title,
    },
    /// Plan a task for a time of day or a moment of the contest. For admins.
    Plan(NewPlan),
    /// Remove a task from the plan. For admins.
    Unplan {
        /// Which.
        plan: PlanId,
    },
    /// Plan a task for another moment. For admins.
    Replan {
        /// Which.
        plan: PlanId,
        /// When, and whether an admin must agree first.
        timing: Timing,
    },
    /// Note that nobody has said whether a planned task is to be handed out. Only the service asks for it, in the name of whoever
    /// planned it.
    NoteLapsed {
        /// Which.
        plan: PlanId,
        /// For when it was planned as people were asked.
        due: Schedule,
    },
    /// Give a task a deadline, or take it away. For admins.
    SetDeadline {
        /// Which.
        task: TaskId,
        /// By when it is to be answered.
        by: Option<When>,
    },
    /// Note that the deadline of a task has passed, and that whoever is late is told so now, or the admins. Only the service
    /// asks for it, in the name of whoever set the deadline, which holds after they have gone.
    NoteOverdue {
        /// Which.
        task: TaskId,
        /// For which time: it is noted once.
        round: u32,
    },
    /// Go through a checklist. For admins.
    Begin(NewRun),
    /// Stop going through one. For admins.
    Stop {
        /// What it is called.
        name: String,
    },
    /// Set the contest clock of the room by hand. For admins.
    Clock(ClockAct),
    /// Hand out a planned task now. The service asks for it in the name of the planner once the task is due; an admin
    /// may ask at any time. For admins.
    Fulfil {
        /// Which.
        plan: PlanId,
        /// For when it was planned as its moment came: if it is planned for another one by now, nothing is done. `None` where an
        /// admin asks.
        due: Option<Schedule>,
    },
    /// Bring a task back that was removed within the day. For admins.
    Restore {
        /// Which.
        task: TaskId,
    },
    /// Remind whoever has not finished a task of it. For admins.
    Remind {
        /// Which.
        task: TaskId,
    },
    /// Be told of answers by chat. For admins.
    Watch(Watched),
    /// Be told of them no more; `None`: of no answers at all. For admins.
    Unwatch(Option<Watched>),
    /// Have links in what is said by chat, or not.
    Links(LinksWish),
    /// Open or close a door of the room: a session in a browser, a link to log in with, a token.
    Door(DoorCommand),
}

impl Command {
    /// The same with the secret that it needs, if it needs one. Secrets are random, so none is made here.
    pub fn with_secret(self, make: impl FnOnce() -> Option<NewSecret>) -> Command {
        match self {
            Command::Door(command) => Command::Door(command.with_secret(make)),
            other => other,
        }
    }

    /// The existing task that it is about, if any.
    pub fn task(&self) -> Option<TaskId> {
        match self {
            Command::Create(_)
            | Command::CreateDue { .. }
            | Command::Plan(_)
            | Command::Unplan { .. }
            | Command::Replan { .. }
            | Command::NoteLapsed { .. }
            | Command::Begin(_)
            | Command::Stop { .. }
            | Command::Fulfil { .. }
            | Command::Clock(_)
            | Command::Watch(_)
            | Command::Unwatch(_)
            | Command::Links(_)
            | Command::Door(_) => None,
            Command::Edit { task, .. }
            | Command::Amend { task, .. }
            | Command::SetStatus { task, .. }
            | Command::Remove { task }
            | Command::Answer { task, .. }
            | Command::Assign { task, .. }
            | Command::Unassign { task, .. }
            | Command::Reset { task, .. }
            | Command::Rename { task, .. }
            | Command::Restore { task }
            | Command::SetDeadline { task, .. }
            | Command::NoteOverdue { task, .. }
            | Command::Remind { task } => Some(*task),
        }
    }
}
