//! Resolves the names in a command: users, groups, and nicks of occupants.

use crate::command::{Manner, Named};
use crate::limits;
use crate::people::{People, Person};
use crate::plan;
use crate::refusal::{Refusal, excerpt};
use crate::task::{Packet, Status, Task};
use std::collections::{BTreeSet, HashSet};

/// The names, each with an empty status.
pub(super) fn unanswered(names: &[String]) -> Vec<Named> {
    names.iter().map(|name| Named { name: name.clone(), status: Status::NONE }).collect()
}

/// Resolves names among the people of a task: users first, then groups, then nicks of occupants. A group stands for its
/// members who have the task, possibly none.
pub(super) fn assigned<'a>(people: &People, task: &'a Task, names: &[String]) -> Result<BTreeSet<&'a Person>, Refusal> {
    if names.len() > limits::NAMES_PER_PACKET {
        return Err(Refusal::TooMany { what: "names", limit: limits::NAMES_PER_PACKET });
    }
    let has = |person: &Person| task.statuses.get_key_value(person).map(|(person, _)| person);
    let mut found = BTreeSet::new();
    for name in &plan::once(names) {
        let by_nick = || people.by_nick(name).filter(|_| people.group(name).is_empty());
        let shown = people.shown_as(name).or_else(by_nick);
        let user = people.user(name).or(shown);
        let members = people.group(name);
        let exact = people.user(name).and_then(has).or_else(|| has(&Person::named(name, people.host())));
        if let Some(person) = exact.or_else(|| user.and_then(has)) {
            found.insert(person);
        } else if user.is_some() {
            return Err(Refusal::NotTheirs { task: task.id.to_string(), name: excerpt(name) });
        } else if !members.is_empty() {
            found.extend(members.into_iter().filter_map(has));
        } else if !people.is_own_nick(name) {
            return Err(Refusal::UnknownName { name: excerpt(name) });
        }
    }
    Ok(found)
}

/// The one user of that name among the people of a task.
pub(super) fn user_with<'a>(people: &People, task: &'a Task, name: &str) -> Result<&'a Person, Refusal> {
    let has = |person: &Person| task.statuses.get_key_value(person).map(|(person, _)| person);
    let user = people.user(name).or_else(|| people.shown_as(name));
    // Somebody may have a task who has left the room since.
    let found = user.and_then(has).or_else(|| has(&Person::named(name, people.host())));
    found.ok_or_else(|| match user {
        Some(_) => Refusal::NotTheirs { task: task.id.to_string(), name: excerpt(name) },
        None => Refusal::UnknownUser { name: excerpt(name) },
    })
}

/// The people of a packet.
pub(super) struct Resolved {
    pub packet: Packet,
    /// The names that nobody has.
    pub left_out: Vec<String>,
}

/// Resolves the names of a packet: users first, then people of the task, groups, and nicks of occupants. A group only
/// adds members whom neither the packet nor the task names by themselves, and counts where it is first named. A nick
/// has no effect on somebody whom the packet also names as a user.
pub(super) fn resolve(
    people: &People,
    task: Option<&Task>,
    named: &[Named],
    manner: Manner,
) -> Result<Resolved, Refusal> {
    if named.len() > limits::NAMES_PER_PACKET {
        return Err(Refusal::TooMany { what: "names", limit: limits::NAMES_PER_PACKET });
    }
    let assigned = |person: &Person| task.is_some_and(|task| task.statuses.contains_key(person));
    let mut packet = Packet::new();
    let (mut from_groups, mut by_nick) = (Vec::new(), Vec::new());
    let mut left_out = Vec::new();
    let mut groups = HashSet::new();
    for Named { name, status } in named {
        let of_task = || Some(Person::named(name, people.host())).filter(|person| assigned(person));
        let shown_as = || people.shown_as(name).cloned();
        if let Some(person) = people.user(name).cloned().or_else(of_task).or_else(shown_as) {
            packet.insert(person, Some(status.clone()));
            continue;
        }
        if groups.contains(&name.to_lowercase()) {
            continue;
        }
        let members = people.group(name);
        if !members.is_empty() {
            groups.insert(name.to_lowercase());
            from_groups.extend(members.into_iter().map(|person| (person, status)));
        } else if let Some(person) = people.by_nick(name) {
            by_nick.push((person, status));
        } else if people.is_own_nick(name) {
            continue;
        } else if manner == Manner::Replacing {
            return Err(Refusal::UnknownName { name: excerpt(name) });
        } else {
            left_out.push(name.clone());
        }
    }
    for (person, status) in by_nick {
        packet.entry(person.clone()).or_insert_with(|| Some(status.clone()));
    }
    for (person, status) in from_groups {
        // A group tells neither what its members have answered nor whether they were in the copy that the packet is
        // made from.
        let said = Some(status).filter(|status| **status != Status::NONE && !assigned(person));
        packet.entry(person.clone()).or_insert_with(|| said.cloned());
    }
    if packet.len() > limits::ASSIGNEES {
        return Err(Refusal::TooMany { what: "people assigned to a task", limit: limits::ASSIGNEES });
    }
    Ok(Resolved { packet, left_out })
}
