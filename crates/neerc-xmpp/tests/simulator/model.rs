//! What must be true: every state that every task has had, who may have been shown which, and what each change may be.
//! Panics with the reason when a promise is broken.

use neerc_core::board::{Board, Boards};
use neerc_core::change::{Change, Entry};
use neerc_core::command::{Command, Manner, Named, WholeTask};
use neerc_core::ledger::Ask;
use neerc_core::people::Person;
use neerc_core::plan::PlanId;
use neerc_core::task::{Status, Task};
use neerc_testing::lists::Lists;
use neerc_xmpp::xml::Element;
use std::collections::{BTreeMap, BTreeSet};

/// The domain of the users.
pub const HOST: &str = "localhost";
/// The rooms, by their index.
pub const ROOMS: [&str; 2] = ["neerc", "test"];

/// A task as a client holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    pub id: String,
    pub title: String,
    pub kind: String,
    pub timestamp: String,
    /// Name, type and value.
    pub statuses: Vec<(String, String, String)>,
}

impl Copy {
    fn of(task: &Task) -> Copy {
        let status = |(person, status): (&Person, &Status)| {
            (person.name(HOST).to_owned(), status.progress.name().to_owned(), status.value().to_owned())
        };
        Copy {
            id: task.id.wire_id(),
            title: task.title.as_str().to_owned(),
            kind: task.kind.name().to_owned(),
            timestamp: task.timestamp_ms.to_string(),
            statuses: task.statuses.iter().map(status).collect(),
        }
    }

    /// The copy with what has changed.
    pub fn changed(&self, part: Copy) -> Copy {
        let by_person =
            |(name, kind, value): (String, String, String)| (Person::named(&name, HOST), (name, kind, value));
        let mut statuses: BTreeMap<_, _> = self.statuses.iter().cloned().map(by_person).collect();
        for (person, status) in part.statuses.into_iter().map(by_person) {
            if status.1 == "unassigned" {
                statuses.remove(&person);
            } else {
                statuses.insert(person, status);
            }
        }
        Copy { statuses: statuses.into_values().collect(), ..part }
    }
}

/// What the service says of a task.
#[derive(Clone, Debug)]
pub enum News {
    /// All of it.
    Whole(Copy),
    /// What may have changed in it.
    Part(Copy),
    /// It is gone.
    Gone,
}

impl News {
    /// Reads it from the wire, with the id.
    pub fn read(task: &Element<'_>) -> (u64, News) {
        let attr = |e: &Element<'_>, name: &str| e.attr(name).unwrap_or_else(|| panic!("no {name}: {e:?}")).to_owned();
        let id = attr(task, "id");
        let number = number(&id).expect("an id is a number behind a letter");
        if task.attr("type") == Some("remove") {
            assert_eq!(task.attr("title"), Some(""), "a removal without its empty title");
            return (number, News::Gone);
        }
        let part = task.attr("delta").is_some();
        let status = |s: &Element<'_>| {
            let (name, kind) = (attr(s, "for"), attr(s, "type"));
            let unassigned = part && kind == "unassigned";
            (name, kind, if unassigned { String::new() } else { attr(s, "value") })
        };
        let statuses = task.elements().map(status).collect();
        let (title, kind) = (attr(task, "title"), attr(task, "type"));
        let copy = Copy { id, title, kind, timestamp: attr(task, "timestamp"), statuses };
        (number, if part { News::Part(copy) } else { News::Whole(copy) })
    }
}

/// The number in an id as it stands in packets.
pub fn number(id: &str) -> Option<u64> {
    id.strip_prefix('t')?.parse().ok()
}

/// How somebody is shown a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// As it is.
    Whole,
    /// Only if it is theirs, with the own status.
    Own(String),
}

impl Sight {
    /// What is seen of a state.
    pub fn view(&self, copy: &Option<Copy>) -> Option<Copy> {
        let mut copy = copy.clone()?;
        if let Sight::Own(name) = self {
            copy.statuses.retain(|(person, ..)| person == name);
            if copy.statuses.is_empty() {
                return None;
            }
        }
        Some(copy)
    }
}

/// One state of a task.
#[derive(Debug)]
pub struct Version {
    /// The change that made it.
    pub revision: u64,
    /// When that was durable.
    pub at_ms: i64,
    /// The state; `None` once removed.
    pub copy: Option<Copy>,
}

/// Everything that is durable.
#[derive(Default)]
pub struct Model {
    /// All states of each task of each room, oldest first.
    pub history: BTreeMap<(usize, u64), Vec<Version>>,
    boards: Boards,
    /// States that were decided on and are not durable yet, oldest first, each with the change that is the next one.
    under_way: Vec<(u64, usize, Copy)>,
    /// The checklists that are gone through.
    pub lists: Lists,
    /// When each planned task was durable, and of a line of a checklist when its turn came.
    planned_ms: BTreeMap<(usize, PlanId), i64>,
    /// What was handed out of it.
    fulfilled: BTreeSet<(usize, PlanId)>,
    highest_id: [u64; 2],
    highest_timestamp: [i64; 2],
}

impl Model {
    /// Takes changes that have just become durable.
    pub fn committed(&mut self, now_ms: i64, entries: &[Entry]) {
        for entry in entries {
            let room = ROOMS.iter().position(|room| **room == *entry.room).expect("a room that is served");
            let board = self.boards.entry(entry.room.clone()).or_default();
            let given = match &entry.change {
                Change::Created { task, timestamp_ms, plan, .. } => {
                    let planned = plan.map(|plan| (room, plan));
                    if let Some(planned) = planned {
                        assert!(self.planned_ms.contains_key(&planned), "{planned:?} was never planned");
                        assert!(self.fulfilled.insert(planned), "{planned:?} is handed out twice");
                    }
                    assert!(task.0 > self.highest_id[room], "the id {task} is used twice");
                    self.highest_id[room] = task.0;
                    Some(*timestamp_ms)
                }
                Change::Edited { timestamp_ms, .. } => *timestamp_ms,
                Change::Answered { person, .. } => {
                    assert_eq!(*person, entry.by, "an answer for somebody else");
                    None
                }
                Change::Planned(planned) => {
                    let before = self.planned_ms.insert((room, planned.id), now_ms);
                    assert_eq!(before, None, "the number {} is planned twice", planned.id);
                    None
                }
                Change::Removed { .. }
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
                | Change::Door(_)
                | Change::Reminded { .. }
                | Change::Deadlined { .. }
                | Change::Restored { .. } => None,
            };
            if let Some(timestamp_ms) = given {
                assert!(timestamp_ms > self.highest_timestamp[room], "timestamps do not increase");
                self.highest_timestamp[room] = timestamp_ms;
            }
            board.apply(entry.revision, &entry.change);
            for plan in self.lists.committed(room, entry, board) {
                let before = self.planned_ms.insert((room, plan), now_ms);
                assert_eq!(before, None, "the turn of {plan} comes twice");
            }
            let Some(task) = entry.change.task() else { continue };
            let copy = board.task(task).map(Copy::of);
            let version = Version { revision: entry.revision, at_ms: now_ms, copy };
            self.history.entry((room, task.0)).or_default().push(version);
        }
        let durable = entries.last().map_or(0, |entry| entry.revision);
        self.under_way.retain(|(next, ..)| *next > durable + 1);
    }

    /// When a planned task was durable, or its turn came.
    pub fn planned_ms(&self, room: usize, plan: PlanId) -> Option<i64> {
        self.planned_ms.get(&(room, plan)).copied()
    }

    /// The boards by what is durable.
    pub fn boards(&self) -> &Boards {
        &self.boards
    }

    /// Which state of a task was shown to somebody who was shown `seen` before: the earliest and the latest that fit.
    pub fn shown(
        &self,
        key: (usize, u64),
        sights: &[Sight],
        seen: Option<usize>,
        copy: &Option<Copy>,
    ) -> (usize, usize) {
        let history = self.history.get(&key).unwrap_or_else(|| panic!("told of task {key:?}, which never was"));
        let fits = |sight: &Sight, version: &Version| sight.view(&version.copy) == *copy;
        let from = seen.unwrap_or(0);
        let earliest = |sight: &Sight| history[from..].iter().position(|version| fits(sight, version));
        let latest = |sight: &Sight| history.iter().rposition(|version| fits(sight, version));
        match sights.iter().filter_map(earliest).max() {
            Some(at) => (from + at, sights.iter().filter_map(latest).max().unwrap_or(from + at)),
            None if history.iter().any(|version| sights.iter().any(|sight| fits(sight, version))) => {
                panic!("task {key:?} went back in time: {copy:?}")
            }
            None => panic!("task {key:?} was never so: {copy:?}, {history:?}"),
        }
    }

    /// An edit that some version of the task explains was made from an old copy: it may undo no answer and lose no
    /// assignment but what it left out of that version. `is_user`: whether somebody surely is one of the room.
    pub fn decided(&mut self, ask: &Ask, before: &Board, entry: &Entry, is_user: impl Fn(&Person) -> bool) {
        self.check_edit(ask, before, entry, is_user);
        let room = ROOMS.iter().position(|room| **room == *ask.room).expect("a room");
        let decided_on = entry.change.task().and_then(|id| before.task(id));
        self.under_way.extend(decided_on.map(|task| (entry.revision, room, Copy::of(task))));
    }

    /// What was decided and is not durable is lost.
    pub fn lost(&mut self) {
        self.under_way.clear();
    }

    fn check_edit(&self, ask: &Ask, before: &Board, entry: &Entry, is_user: impl Fn(&Person) -> bool) {
        let (
            Command::Edit { task, wanted: WholeTask { statuses, manner, .. } },
            Change::Edited { set, unassigned, .. },
        ) = (&ask.command, &entry.change)
        else {
            return;
        };
        let Some(now) = before.task(*task) else { panic!("a change of no task") };
        assert!(*manner == Manner::Replacing || unassigned.is_empty(), "a packet that only adds has unassigned");
        let named: BTreeMap<Person, &Status> = match named(statuses) {
            Some(named) => named,
            None => return,
        };
        // A name that nobody has is left out, so it says nothing of the version.
        if !named.keys().all(|person| now.statuses.contains_key(person) || is_user(person)) {
            return;
        }
        let room = ROOMS.iter().position(|room| **room == *ask.room).expect("a room");
        let mut versions: Vec<BTreeMap<Person, (String, String)>> = vec![people(&Copy::of(now))];
        let under_way = self.under_way.iter().rev().filter(|(_, of, copy)| *of == room && copy.id == task.wire_id());
        versions.extend(under_way.map(|(.., copy)| people(copy)));
        let history = self.history.get(&(room, task.0)).into_iter().flatten();
        versions.extend(history.rev().filter_map(|version| version.copy.as_ref()).map(people));
        let explains = |version: &BTreeMap<Person, (String, String)>| {
            named.iter().all(|(person, status)| match version.get(person) {
                Some((kind, value)) => kind == status.progress.name() && value == status.value(),
                None => **status == Status::NONE,
            })
        };
        let Some(version) = versions.iter().find(|version| explains(version)) else { return };
        for (person, status) in set {
            assert!(!now.statuses.contains_key(person), "an old copy has replaced what {person:?} said");
            assert!(*status == Status::NONE && !version.contains_key(person), "an old copy has said {status:?}");
        }
        let may_go: BTreeSet<&Person> = version.keys().filter(|person| !named.contains_key(*person)).collect();
        for person in unassigned {
            assert!(may_go.contains(person), "an old copy has unassigned {person:?}, whom it did not know");
        }
    }
}

fn people(copy: &Copy) -> BTreeMap<Person, (String, String)> {
    let statuses = copy.statuses.iter();
    statuses.map(|(name, kind, value)| (Person::named(name, HOST), (kind.clone(), value.clone()))).collect()
}

/// The people of a packet that names nobody by group or nick.
fn named(statuses: &[Named]) -> Option<BTreeMap<Person, &Status>> {
    statuses.iter().map(plainly_named).collect()
}

fn plainly_named(named: &Named) -> Option<(Person, &Status)> {
    let plain = (named.name.starts_with("hall") && named.name != "halls") || named.name.contains('@');
    plain.then(|| (Person::named(&named.name, HOST), &named.status))
}
