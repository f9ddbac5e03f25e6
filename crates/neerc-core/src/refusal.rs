//! Every reason for "no". Each face turns a refusal into its own kind of error by one `match`; the words here are the
//! plain English of it.

use crate::limits;
use std::fmt;

/// Why something was not done. Nothing has changed when one is returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The asker is neither owner, admin nor member of the room.
    NotInRoom,
    /// Only owners and admins of the room may do this.
    AdminsOnly,
    /// The asker is not assigned to the task.
    NotAssigned {
        /// The task.
        task: String,
    },
    /// The configuration lets ordinary users see their own tasks only.
    OwnTasksOnly,
    /// No task ever had this id.
    UnknownTask {
        /// The id as it was given.
        task: String,
    },
    /// The task was removed; its id never comes back.
    RemovedTask {
        /// The id.
        task: String,
    },
    /// No user of the room has this name.
    UnknownUser {
        /// The name as it was given.
        name: String,
    },
    /// Somebody was to be assigned who is no user, group or occupant.
    UnknownName {
        /// The name as it was given.
        name: String,
    },
    /// There is no such room here.
    UnknownRoom {
        /// The address as it was given.
        room: String,
    },
    /// No contest clock is configured, or it could not be read yet.
    NoClock,
    /// A task needs a title.
    EmptyTitle,
    /// A text is over its limit.
    TooLong {
        /// Which text.
        what: &'static str,
        /// Its length in characters.
        chars: usize,
        /// The most there may be.
        limit: usize,
    },
    /// A text holds a character that XML 1.0 cannot carry.
    ForbiddenCharacter {
        /// Which text.
        what: &'static str,
        /// The character.
        character: char,
    },
    /// No such type of task.
    UnknownKind {
        /// The type as it was given.
        kind: String,
    },
    /// No such type of status.
    UnknownStatus {
        /// The type as it was given.
        status: String,
    },
    /// Something that the request needs is not in it.
    Missing {
        /// What.
        what: &'static str,
    },
    /// Something in the request is not of the form it should have.
    Malformed {
        /// What.
        what: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// Too many of something.
    TooMany {
        /// Of what.
        what: &'static str,
        /// The most there may be.
        limit: usize,
    },
    /// The change could not be made durable, so it was not made.
    NotDurable,
    /// Too many requests wait already.
    Busy,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotInRoom => write!(f, "you are neither owner, admin nor member of this room"),
            Refusal::AdminsOnly => write!(f, "only owners and admins of the room may do this"),
            Refusal::NotAssigned { task } => write!(f, "task {task} is not assigned to you"),
            Refusal::OwnTasksOnly => write!(f, "you may see your own tasks only"),
            Refusal::UnknownTask { task } => write!(f, "there is no task '{task}'"),
            Refusal::RemovedTask { task } => write!(f, "task {task} was removed"),
            Refusal::UnknownUser { name } => write!(f, "there is no user '{name}' in this room"),
            Refusal::UnknownName { name } => write!(f, "there is no user, group or occupant '{name}' in this room"),
            Refusal::UnknownRoom { room } => write!(f, "there is no room '{room}' here"),
            Refusal::NoClock => write!(f, "there is no contest clock"),
            Refusal::EmptyTitle => write!(f, "the title is empty; a task needs one"),
            Refusal::TooLong { what, chars, limit } => {
                write!(f, "the {what} has {chars} characters; at most {limit} are allowed")
            }
            Refusal::ForbiddenCharacter { what, character } => {
                write!(f, "the {what} holds the character U+{:04X}, which XML does not allow", u32::from(*character))
            }
            Refusal::UnknownKind { kind } => {
                write!(f, "there is no task type '{kind}'; allowed are todo, todofail, confirm, okfail, question")
            }
            Refusal::UnknownStatus { status } => {
                write!(f, "there is no status type '{status}'; allowed are none, running, success, fail, acknowledged")
            }
            Refusal::Missing { what } => write!(f, "{what} is missing"),
            Refusal::Malformed { what, wanted } => write!(f, "{what} is not {wanted}"),
            Refusal::TooMany { what, limit } => write!(f, "too many {what}; at most {limit} are allowed"),
            Refusal::NotDurable => write!(f, "the change could not be stored, so nothing was changed; try again later"),
            Refusal::Busy => {
                write!(f, "too many changes wait to be stored ({} at most); try again later", limits::WRITES_WAITING)
            }
        }
    }
}

impl std::error::Error for Refusal {}
