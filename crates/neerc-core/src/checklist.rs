//! Checklists: lines that make tasks, in steps, under a name. Not where they are read from, not what a line makes, and not
//! how far a room has come with one: that is in the plan.

use crate::near;
use crate::refusal::{Refusal, excerpt};

/// A checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checklist {
    /// What it is called.
    pub name: String,
    /// Its steps; none is empty.
    pub steps: Vec<Vec<ChecklistLine>>,
}

/// A line of a checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChecklistLine {
    /// As it could be written by chat.
    pub text: String,
    /// The number of the line in the file, from 1.
    pub number: usize,
}

impl Checklist {
    /// How many lines it has.
    pub fn len(&self) -> usize {
        self.steps.iter().map(Vec::len).sum()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = &ChecklistLine> {
        self.steps.iter().flatten()
    }
}

/// The checklist of that name; case does not matter.
pub fn find<'c>(checklists: &'c [Checklist], name: &str) -> Result<&'c Checklist, Refusal> {
    let lower = name.trim().to_lowercase();
    let found = checklists.iter().find(|checklist| checklist.name.to_lowercase() == lower);
    found.ok_or_else(|| Refusal::UnknownChecklist { checklist: excerpt(name.trim()) })
}

/// The name that was most likely meant by one that no checklist has.
pub fn nearest(checklists: &[Checklist], name: &str) -> Option<String> {
    near::nearest(name, checklists.iter().map(|checklist| checklist.name.as_str())).map(str::to_owned)
}
