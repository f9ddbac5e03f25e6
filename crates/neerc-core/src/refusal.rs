//! Every reason for "no". Each face turns a refusal into its own kind of error by one `match`; the words here are the
//! plain English of it.

use crate::limits;
use std::fmt;

/// As much of a text that somebody gave as a refusal repeats.
pub fn excerpt(text: &str) -> String {
    excerpt_within(text, limits::EXCERPT_CHARS)
}

/// The same with a length of its own, in characters.
pub fn excerpt_within(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

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
    /// Somebody was to be unassigned or their answer undone who does not have the task.
    NotTheirs {
        /// The task.
        task: String,
        /// Their name as it was given.
        name: String,
    },
    /// No planned task has this number.
    UnknownPlan {
        /// The number as it was given.
        plan: String,
    },
    /// Not a moment of the contest.
    BadSchedule {
        /// The moment as it was given.
        schedule: String,
    },
    /// A field of a command that has to be filled in is not.
    MissingField {
        /// Its name in the menu.
        field: &'static str,
    },
    /// A chat line begins with a word that is no command.
    UnknownVerb {
        /// The word.
        verb: String,
        /// A command that is so close to it that it was most likely meant.
        nearest: Option<&'static str>,
    },
    /// A chat line goes on where its command has nothing more to be told.
    Surplus {
        /// What it goes on with.
        text: String,
    },
    /// A command was to be about the asker's open task, and there is none.
    NoOpenTask,
    /// The change could not be made durable, so it was not made.
    NotDurable,
    /// Too many requests wait already.
    Busy,
    /// The asker's changes have taken all that they may take of the disk today.
    UsedUp {
        /// How much that is, in MiB.
        limit_mib: u64,
    },
}

impl Refusal {
    /// Under which name words in any language are kept for it.
    pub fn key(&self) -> &'static str {
        match self {
            Refusal::NotInRoom => "not-in-room",
            Refusal::AdminsOnly => "admins-only",
            Refusal::NotAssigned { .. } => "not-assigned",
            Refusal::OwnTasksOnly => "own-tasks-only",
            Refusal::UnknownTask { .. } => "unknown-task",
            Refusal::RemovedTask { .. } => "removed-task",
            Refusal::UnknownUser { .. } => "unknown-user",
            Refusal::UnknownName { .. } => "unknown-name",
            Refusal::UnknownRoom { .. } => "unknown-room",
            Refusal::NoClock => "no-clock",
            Refusal::EmptyTitle => "empty-title",
            Refusal::TooLong { .. } => "too-long",
            Refusal::ForbiddenCharacter { .. } => "forbidden-character",
            Refusal::UnknownKind { .. } => "unknown-kind",
            Refusal::UnknownStatus { .. } => "unknown-status",
            Refusal::Missing { .. } => "missing",
            Refusal::Malformed { .. } => "malformed",
            Refusal::TooMany { .. } => "too-many",
            Refusal::NotTheirs { .. } => "not-theirs",
            Refusal::UnknownPlan { .. } => "unknown-plan",
            Refusal::BadSchedule { .. } => "bad-schedule",
            Refusal::MissingField { .. } => "missing-field",
            Refusal::UnknownVerb { .. } => "unknown-verb",
            Refusal::Surplus { .. } => "surplus",
            Refusal::NoOpenTask => "no-open-task",
            Refusal::NotDurable => "not-durable",
            Refusal::Busy => "busy",
            Refusal::UsedUp { .. } => "used-up",
        }
    }

    /// What its words are about, by name; a nearest command that is none is called `none`.
    pub fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Refusal::NotInRoom
            | Refusal::AdminsOnly
            | Refusal::OwnTasksOnly
            | Refusal::NoClock
            | Refusal::EmptyTitle
            | Refusal::NoOpenTask
            | Refusal::NotDurable => Vec::new(),
            Refusal::NotAssigned { task } | Refusal::UnknownTask { task } | Refusal::RemovedTask { task } => {
                vec![("task", task.clone())]
            }
            Refusal::UnknownUser { name } | Refusal::UnknownName { name } => vec![("name", name.clone())],
            Refusal::UnknownRoom { room } => vec![("room", room.clone())],
            Refusal::TooLong { what, chars, limit } => {
                vec![("what", (*what).to_owned()), ("chars", chars.to_string()), ("limit", limit.to_string())]
            }
            Refusal::ForbiddenCharacter { what, character } => {
                let code = format!("U+{:04X}", u32::from(*character));
                vec![("what", (*what).to_owned()), ("character", code)]
            }
            Refusal::UnknownKind { kind } => vec![("kind", kind.clone())],
            Refusal::UnknownStatus { status } => vec![("status", status.clone())],
            Refusal::Missing { what } => vec![("what", (*what).to_owned())],
            Refusal::Malformed { what, wanted } => {
                vec![("what", (*what).to_owned()), ("wanted", (*wanted).to_owned())]
            }
            Refusal::TooMany { what, limit } => vec![("what", (*what).to_owned()), ("limit", limit.to_string())],
            Refusal::NotTheirs { task, name } => vec![("task", task.clone()), ("name", name.clone())],
            Refusal::UnknownPlan { plan } => vec![("plan", plan.clone())],
            Refusal::BadSchedule { schedule } => {
                vec![("schedule", schedule.clone()), ("limit", limits::SCHEDULE_MIN.to_string())]
            }
            Refusal::MissingField { field } => vec![("field", (*field).to_owned())],
            Refusal::UnknownVerb { verb, nearest } => {
                vec![("verb", verb.clone()), ("nearest", nearest.unwrap_or("none").to_owned())]
            }
            Refusal::Surplus { text } => vec![("text", text.clone())],
            Refusal::Busy => vec![("limit", limits::WRITES_WAITING.to_string())],
            Refusal::UsedUp { limit_mib } => vec![("limit", limit_mib.to_string())],
        }
    }

    /// One of each, for whoever has to have words for all of them.
    pub fn examples() -> Vec<Refusal> {
        let text = || String::from("x");
        vec![
            Refusal::NotInRoom,
            Refusal::AdminsOnly,
            Refusal::NotAssigned { task: text() },
            Refusal::OwnTasksOnly,
            Refusal::UnknownTask { task: text() },
            Refusal::RemovedTask { task: text() },
            Refusal::UnknownUser { name: text() },
            Refusal::UnknownName { name: text() },
            Refusal::UnknownRoom { room: text() },
            Refusal::NoClock,
            Refusal::EmptyTitle,
            Refusal::TooLong { what: "title", chars: 2, limit: 1 },
            Refusal::ForbiddenCharacter { what: "value", character: '\0' },
            Refusal::UnknownKind { kind: text() },
            Refusal::UnknownStatus { status: text() },
            Refusal::Missing { what: "x" },
            Refusal::TooMany { what: "names", limit: 1 },
            Refusal::NotTheirs { task: text(), name: text() },
            Refusal::UnknownPlan { plan: text() },
            Refusal::BadSchedule { schedule: text() },
            Refusal::MissingField { field: "task" },
            Refusal::UnknownVerb { verb: text(), nearest: Some("done") },
            Refusal::NoOpenTask,
            Refusal::NotDurable,
            Refusal::Busy,
            Refusal::Surplus { text: text() },
            Refusal::Malformed { what: "x", wanted: "x" },
            Refusal::UsedUp { limit_mib: 64 },
        ]
    }
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
            Refusal::NotTheirs { task, name } => write!(f, "task {task} is not assigned to '{name}'"),
            Refusal::UnknownPlan { plan } => write!(f, "there is no planned task '{plan}'"),
            Refusal::BadSchedule { schedule } => {
                let limit = limits::SCHEDULE_MIN;
                write!(f, "'{schedule}' is no moment of a contest; write start+15 or end-60!, at most {limit} minutes")
            }
            Refusal::MissingField { field } => write!(f, "the field '{field}' has to be filled in"),
            Refusal::UnknownVerb { verb, nearest: None } => write!(f, "there is no command '{verb}'; try help"),
            Refusal::UnknownVerb { verb, nearest: Some(nearest) } => {
                write!(f, "there is no command '{verb}'; did you mean {nearest}?")
            }
            Refusal::Surplus { text } => write!(f, "'{text}' is more than this command takes"),
            Refusal::NoOpenTask => write!(f, "you have no open task"),
            Refusal::NotDurable => write!(f, "the change could not be stored, so nothing was changed; try again later"),
            Refusal::Busy => {
                write!(f, "too many changes wait to be stored ({} at most); try again later", limits::WRITES_WAITING)
            }
            Refusal::UsedUp { limit_mib } => {
                write!(f, "your changes of today have taken {limit_mib} MiB of the disk; wait until tomorrow")
            }
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The place of a variant in the list of all; a new one does not compile until it has one.
    fn place(refusal: &Refusal) -> usize {
        match refusal {
            Refusal::NotInRoom => 0,
            Refusal::AdminsOnly => 1,
            Refusal::NotAssigned { .. } => 2,
            Refusal::OwnTasksOnly => 3,
            Refusal::UnknownTask { .. } => 4,
            Refusal::RemovedTask { .. } => 5,
            Refusal::UnknownUser { .. } => 6,
            Refusal::UnknownName { .. } => 7,
            Refusal::UnknownRoom { .. } => 8,
            Refusal::NoClock => 9,
            Refusal::EmptyTitle => 10,
            Refusal::TooLong { .. } => 11,
            Refusal::ForbiddenCharacter { .. } => 12,
            Refusal::UnknownKind { .. } => 13,
            Refusal::UnknownStatus { .. } => 14,
            Refusal::Missing { .. } => 15,
            Refusal::TooMany { .. } => 16,
            Refusal::NotTheirs { .. } => 17,
            Refusal::UnknownPlan { .. } => 18,
            Refusal::BadSchedule { .. } => 19,
            Refusal::MissingField { .. } => 20,
            Refusal::UnknownVerb { .. } => 21,
            Refusal::NoOpenTask => 22,
            Refusal::NotDurable => 23,
            Refusal::Busy => 24,
            Refusal::Surplus { .. } => 25,
            Refusal::Malformed { .. } => 26,
            Refusal::UsedUp { .. } => 27,
        }
    }

    #[test]
    fn every_refusal_has_its_own_key() {
        let examples = Refusal::examples();
        assert_eq!(examples.iter().map(place).collect::<Vec<_>>(), (0..28).collect::<Vec<_>>());
        let keys: BTreeSet<_> = examples.iter().map(Refusal::key).collect();
        assert_eq!(keys.len(), examples.len());
    }

    #[test]
    fn what_the_english_names_is_among_the_arguments() {
        for refusal in Refusal::examples() {
            let english = refusal.to_string();
            let named = refusal.args().into_iter().filter(|(_, value)| english.contains(value)).count();
            assert_eq!(named, refusal.args().len(), "{refusal:?}");
        }
    }

    #[test]
    fn what_the_words_of_a_refusal_are_about() {
        let args = |refusal: Refusal| {
            let args = refusal.args().into_iter().map(|(name, value)| format!("{name}={value}"));
            args.collect::<Vec<_>>().join(" ")
        };
        let text = || "x y".to_owned();
        assert_eq!(args(Refusal::AdminsOnly), "");
        assert_eq!(args(Refusal::TooLong { what: "title", chars: 2, limit: 1 }), "what=title chars=2 limit=1");
        assert_eq!(
            args(Refusal::ForbiddenCharacter { what: "value", character: '\u{b}' }),
            "what=value character=U+000B"
        );
        assert_eq!(args(Refusal::NotTheirs { task: "3".to_owned(), name: text() }), "task=3 name=x y");
        assert_eq!(args(Refusal::UnknownVerb { verb: text(), nearest: None }), "verb=x y nearest=none");
        assert_eq!(args(Refusal::Busy), format!("limit={}", limits::WRITES_WAITING));
        // The plain English is about the same.
        for refusal in Refusal::examples() {
            let words = refusal.to_string();
            for (name, value) in refusal.args() {
                assert!(value == "none" || words.contains(&value), "{words}: {name} is {value}");
            }
        }
    }
}
