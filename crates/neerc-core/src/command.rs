//! Everything anybody can ask, as two closed lists: [`Query`] only reads, [`Command`] changes. Not how it is written
//! by a client: each face makes these values from its own notation.

use crate::task::{Kind, Status, TaskId, Title};

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
}

/// How a packet that holds a whole task is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It only ever adds people, and names that nobody has are left out: the sender lists people it merely saw and
    /// shows no errors.
    Adding,
    /// People left out are unassigned, and a name that nobody has is an error.
    Replacing,
}

/// A name in a packet (of a user, a group or an occupant) with the status given for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name as it was given.
    pub name: String,
    /// The status.
    pub status: Status,
}

/// A request that changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A new task. For admins.
    Create {
        /// What to do.
        title: Title,
        /// What kind of answer it asks for.
        kind: Kind,
        /// For whom.
        statuses: Vec<Named>,
        /// How the names are meant.
        manner: Manner,
    },
    /// A whole task as the sender wants it, made from a copy that may be old. For admins.
    Edit {
        /// Which.
        task: TaskId,
        /// Its title.
        title: Title,
        /// Its kind.
        kind: Kind,
        /// Its people.
        statuses: Vec<Named>,
        /// How it is meant.
        manner: Manner,
    },
    /// Remove a task. For admins.
    Remove {
        /// Which.
        task: TaskId,
    },
    /// Say how far the asker is. For whoever is assigned.
    Answer {
        /// Which task.
        task: TaskId,
        /// What.
        status: Status,
    },
}

impl Command {
    /// The existing task that it is about.
    pub fn task(&self) -> Option<TaskId> {
        match self {
            Command::Create { .. } => None,
            Command::Edit { task, .. } | Command::Remove { task } | Command::Answer { task, .. } => Some(*task),
        }
    }
}
