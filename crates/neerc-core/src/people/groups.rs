//! The groups of a person, by the rules of the configuration, the directory, and rooms that stand for groups.

use super::person::{Person, fold, same_name};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Displayed name of a group.
pub type Group = Arc<str>;

/// A rule of the configuration that puts people into a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRule {
    /// The group.
    pub group: Group,
    /// User names or globs (`*` for any run of characters, `?` for one), compared ignoring case.
    pub patterns: Vec<String>,
}

/// What a list from outside says of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// How they are called by people, to be shown beside the name of the account.
    pub display: Option<Arc<str>>,
    /// The groups that they are in.
    pub groups: Vec<Group>,
}

/// The sources of groups, in order of precedence: rules of the configuration, the roster of the directory account,
/// lists from outside, rooms that stand for groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupBook {
    /// From the configuration.
    pub rules: Vec<GroupRule>,
    /// From the directory: the groups of each person.
    pub directory: BTreeMap<Person, Vec<Group>>,
    /// From lists from outside.
    pub cards: BTreeMap<Person, Card>,
    /// From rooms: each group with the members of its room.
    pub rooms: Vec<(Group, BTreeSet<Person>)>,
}

impl GroupBook {
    pub(super) fn of(&self, person: &Person, name: &str, power: bool) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let mut add = |group: &Group| {
            if !groups.iter().any(|known| same_name(known, group)) {
                groups.push(group.clone());
            }
        };
        for rule in &self.rules {
            if rule.patterns.iter().any(|pattern| glob(pattern, name)) {
                add(&rule.group);
            }
        }
        self.directory.get(person).into_iter().flatten().for_each(&mut add);
        self.cards.get(person).into_iter().flat_map(|card| &card.groups).for_each(&mut add);
        self.rooms.iter().filter(|(_, members)| members.contains(person)).for_each(|(group, _)| add(group));
        if groups.is_empty() {
            groups.push(if power { "Admins".into() } else { "Users".into() });
        }
        groups
    }

    /// How somebody is called by people.
    pub(super) fn display(&self, person: &Person) -> Option<Arc<str>> {
        self.cards.get(person)?.display.clone()
    }
}

/// Whether `name` matches `pattern`, where `*` matches any run of characters and `?` matches one; case is ignored.
pub fn glob(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = fold(pattern).chars().collect();
    let name: Vec<char> = fold(name).chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&letter) = name.get(n) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == letter => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    n = from + 1;
                    star = Some((at, n));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|&c| c == '*')
}
