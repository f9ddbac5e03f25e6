//! Who must hear of a change. A notice only names the task: faces tell people its newest state, whenever they get to
//! it.

use crate::people::{Person, Rights};
use crate::task::{Task, TaskId};

/// Which tasks ordinary users see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// Every user of the room sees every task.
    #[default]
    All,
    /// Ordinary users see their own tasks, with only their own status; admins see everything.
    Own,
}

/// A task has changed, and some people may have lost it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which task.
    pub task: TaskId,
    /// The people who are no longer assigned: everybody, if the task was removed.
    pub lost: Lost,
}

/// Who has lost a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// These people.
    These(Vec<Person>),
    /// Unknown people: the task was removed, and its state before that is not kept.
    Unknown,
}

/// How much of a task somebody may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// All of it.
    Whole,
    /// With their own status only.
    OwnStatus,
    /// Nothing.
    Nothing,
}

impl Visibility {
    /// How much of `task` a person with these rights may see.
    pub fn sight(self, rights: Option<Rights>, who: &Person, task: &Task) -> Sight {
        match (self, rights) {
            (_, None) => Sight::Nothing,
            (Visibility::All, _) | (_, Some(Rights::Power(_))) => Sight::Whole,
            (Visibility::Own, _) if task.statuses.contains_key(who) => Sight::OwnStatus,
            (Visibility::Own, _) => Sight::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::{Affiliation, GroupBook, People, Standing};
    use crate::task::{Kind, Status, Title};
    use std::collections::{BTreeMap, HashMap};

    #[test]
    fn who_sees_how_much_of_a_task() {
        let person = |name: &str| Person::named(name, "localhost");
        let standings = [("admin", Affiliation::Admin), ("hall1", Affiliation::Member), ("hall2", Affiliation::Member)];
        let standings = standings.map(|(name, affiliation)| Standing { person: person(name), affiliation });
        let people = People::build("localhost", "neerc", standings, HashMap::new(), &GroupBook::default());
        let task = Task {
            id: TaskId(1),
            title: Title::parse("T").unwrap(),
            kind: Kind::Todo,
            timestamp_ms: 1,
            statuses: BTreeMap::from([(person("hall1"), Status::NONE), (person("stranger"), Status::NONE)]),
            revision: 1,
            past: Default::default(),
        };
        let sight = |visibility: Visibility, name| visibility.sight(people.rights(&person(name)), &person(name), &task);
        let seen = |visibility| ["admin", "hall1", "hall2", "stranger"].map(|name| sight(visibility, name));
        assert_eq!(seen(Visibility::All), [Sight::Whole, Sight::Whole, Sight::Whole, Sight::Nothing]);
        assert_eq!(seen(Visibility::Own), [Sight::Whole, Sight::OwnStatus, Sight::Nothing, Sight::Nothing]);
    }
}
