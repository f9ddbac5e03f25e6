//! What a board decides: the change to be stored, and the answer once it is.

use crate::change::{Change, Effect};
use crate::doors::NewSecret;
use crate::people::Person;
use crate::task::{Status, Task, Title};

/// The decision on a command that was not refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// The change to store and apply; `None` if the board already is as the command wants it.
    pub change: Option<Change>,
    /// Names that were left out because nobody has them.
    pub left_out: Vec<String>,
    /// A secret that only the asker is to be told.
    pub secret: Option<NewSecret>,
}

impl Decision {
    /// The answer to give once the change is durable.
    pub fn done(&self) -> Done {
        let effect = self.change.as_ref().map_or(Effect::Nothing, Effect::from);
        Done { effect, left_out: self.left_out.clone(), secret: self.secret.clone() }
    }
}

/// The outcome of a command, for the asker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// What has changed.
    pub effect: Effect,
    /// Names that were left out because nobody has them.
    pub left_out: Vec<String>,
    /// A secret that only the asker is to be told.
    pub secret: Option<NewSecret>,
}

impl From<Change> for Decision {
    fn from(change: Change) -> Decision {
        Decision { change: Some(change), ..Decision::default() }
    }
}

/// An edit of what is given; no change if nothing is given.
pub(super) fn edited(
    task: &Task,
    title: Option<Title>,
    timestamp_ms: Option<i64>,
    set: Vec<(Person, Status)>,
    unassigned: Vec<Person>,
) -> Decision {
    if title.is_none() && set.is_empty() && unassigned.is_empty() {
        return Decision::default();
    }
    Change::Edited { task: task.id, title, kind: None, timestamp_ms, set, unassigned }.into()
}
