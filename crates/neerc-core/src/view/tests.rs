//! Everything that can be read, by whoever asks, under each visibility, in one table.

use super::*;
use crate::change::Change;
use crate::clock::Speed;
use crate::clock::{Phase, Reading};
use crate::people::{Affiliation, GroupBook, GroupRule, Standing};
use crate::plan::{PlanId, Planned, Timing};
use crate::task::{Kind, Status, TaskId, Title};
use std::collections::HashMap;

const HOST: &str = "localhost";

/// A room: admin and chief@elsewhere are admins, hall1 and `ivan\40mail.ru` are members, everybody at jury.org is.
/// Task 1 is hall1's and done, task 2 hall1's and chief's, task 3 was removed, task 4 is nobody's.
struct World {
    room: Room,
    people: People,
    board: Board,
}

fn world() -> World {
    let standings = [
        ("admin@localhost", Affiliation::Owner),
        ("chief@elsewhere", Affiliation::Admin),
        ("hall1@localhost", Affiliation::Member),
        ("ivan\\40mail.ru@localhost", Affiliation::Member),
        ("jury.org", Affiliation::Member),
        ("banned@jury.org", Affiliation::Outcast),
        ("passer@localhost", Affiliation::None),
    ];
    let standings = standings.map(|(bare, affiliation)| Standing { person: Person::from_bare(bare), affiliation });
    let rules = vec![GroupRule { group: "Halls".into(), patterns: vec!["hall*".into()] }];
    let book = GroupBook { rules, ..GroupBook::default() };
    let nicks = HashMap::from([("Nick".to_owned(), Person::named("hall1", HOST))]);
    let people = People::build(HOST, "neerc", standings, nicks, &book);
    let of = |bare: &str, progress| (Person::from_bare(bare), Status::new(progress, "").unwrap());
    let tasks = [
        vec![of("hall1@localhost", Progress::Success)],
        vec![of("hall1@localhost", Progress::None), of("chief@elsewhere", Progress::Running)],
        Vec::new(),
        Vec::new(),
    ];
    let mut board = Board::default();
    for (id, statuses) in (1..).zip(tasks) {
        let (task, title, kind) = (TaskId(id), Title::parse("T").unwrap(), Kind::Todo);
        board.apply(id, &Change::Created { task, title, kind, timestamp_ms: 0, statuses, plan: None, deadline: None });
    }
    board.apply(5, &Change::Removed { task: TaskId(3), at_ms: None });
    let (id, by, title) = (PlanId(1), Person::named("admin", HOST), Title::parse("P").unwrap());
    let (kind, schedule) = (Kind::Todo, Timing::required("start").unwrap().schedule(0, 0, Speed::REAL));
    board.apply(6, &Change::Planned(Planned { id, by, title, kind, names: Vec::new(), schedule, turn: None }));
    World { room: "neerc".into(), people, board }
}

const DIAL: Dial<'_> = Dial {
    reading: Reading { elapsed_ms: 1, total_ms: 2, phase: Phase::Running },
    set: None,
    silent_since_ms: None,
    zone_ms: 0,
    over_ms: 0,
};

impl World {
    fn scene(&self, visibility: Visibility) -> RoomScene<'_> {
        RoomScene {
            room: &self.room,
            people: &self.people,
            board: &self.board,
            clock: Some(DIAL),
            visibility,
            now: None,
            checklists: &[],
            trail: None,
            entrance: crate::doors::Entrance::closed(),
        }
    }

    /// What comes of a query, in a word or two.
    fn told(&self, visibility: Visibility, who: &str, query: &Query) -> String {
        let who = &Person::from_bare(who);
        match View::of(self.scene(visibility), who).and_then(|view| view.answer(query)) {
            Err(refusal) => format!("no: {}", refusal.key()),
            Ok(Shown::Users(people)) => format!("{} users", people.listed().len()),
            Ok(Shown::Tasks { of: None }) => "all tasks".to_owned(),
            Ok(Shown::Tasks { of: Some(of) }) if of == who => "own tasks".to_owned(),
            Ok(Shown::Tasks { of: Some(of) }) => format!("tasks of {}", of.bare()),
            Ok(Shown::Clock(dial)) => format!("clock {}", dial.reading.elapsed_ms),
            Ok(Shown::Task(task)) => format!("task {}", task.id),
            Ok(Shown::History { task, entries }) => format!("history {task} {}", entries.len()),
            Ok(Shown::Late(tasks)) => format!("late {:?}", tasks.iter().map(|task| task.id.0).collect::<Vec<_>>()),
            Ok(Shown::Checklists(all, plan)) => format!("{} checklists, {} runs", all.len(), plan.runs().count()),
            Ok(Shown::Plans(plan)) => format!("{} planned", plan.len()),
            Ok(Shown::Sessions(sessions)) => format!("{} browsers", sessions.len()),
            Ok(Shown::Tokens(doors)) => format!("{} tokens", doors.tokens().len()),
        }
    }
}

/// One of each query, of every kind of name and task; one that is missing here does not compile.
fn queries(me: &str) -> Vec<(String, Query)> {
    let of = |name: &str| Query::Tasks { of: Some(name.to_owned()) };
    let mut all = vec![Query::Users];
    while let Some(next) = match &all[all.len() - 1] {
        Query::Users => Some(Query::Tasks { of: None }),
        Query::Tasks { of: None } => Some(of(me)),
        Query::Tasks { of: Some(name) } => {
            let names = ["hall1", "HALL1", "ivan@mail.ru", "hall1@localhost", "Halls", "Nick", "neerc", "nobody", ""];
            let at = names.iter().position(|known| known == name).map_or(0, |at| at + 1);
            Some(names.get(at).map_or(Query::Clock, |name| of(name)))
        }
        Query::Clock => Some(Query::Show { task: TaskId(1) }),
        Query::Show { task } if task.0 < 5 => Some(Query::Show { task: TaskId(task.0 + 1) }),
        Query::Show { .. } => Some(Query::History { task: TaskId(1) }),
        Query::History { task } if task.0 < 5 => Some(Query::History { task: TaskId(task.0 + 1) }),
        Query::History { .. } => Some(Query::Late),
        Query::Late => Some(Query::Plans),
        Query::Plans => Some(Query::Checklists),
        Query::Checklists => Some(Query::Sessions),
        Query::Sessions => Some(Query::Tokens),
        Query::Tokens => None,
    } {
        all.push(next);
    }
    let name = |query: &Query| match query {
        Query::Tasks { of: Some(of) } if of == me => "of me".to_owned(),
        Query::Tasks { of: Some(of) } => format!("of {of}"),
        Query::Show { task } => format!("show {task}"),
        Query::History { task } => format!("history {task}"),
        other => format!("{other:?}"),
    };
    all.into_iter().map(|query| (name(&query), query)).collect()
}

const ADMIN: &[(&str, &str)] = &[
    ("Users", "4 users"),
    ("Tasks { of: None }", "all tasks"),
    ("of me", "own tasks"),
    ("of hall1", "tasks of hall1@localhost"),
    ("of HALL1", "tasks of hall1@localhost"),
    ("of ivan@mail.ru", "tasks of ivan\\40mail.ru@localhost"),
    ("of hall1@localhost", "tasks of hall1@localhost"),
    ("of Halls", "no: unknown-user"),
    ("of Nick", "no: unknown-user"),
    ("of neerc", "no: unknown-user"),
    ("of nobody", "no: unknown-user"),
    ("of ", "no: unknown-user"),
    ("Clock", "clock 1"),
    ("show 1", "task 1"),
    ("show 2", "task 2"),
    ("show 3", "no: removed-task"),
    ("show 4", "task 4"),
    ("show 5", "no: unknown-task"),
    ("history 1", "history 1 0"),
    ("history 2", "history 2 0"),
    ("history 3", "history 3 0"),
    ("history 4", "history 4 0"),
    ("history 5", "no: unknown-task"),
    ("Late", "late [2]"),
    ("Plans", "1 planned"),
    ("Checklists", "0 checklists, 0 runs"),
    ("Sessions", "0 browsers"),
    ("Tokens", "0 tokens"),
];

/// What an ordinary user is told otherwise than an admin, whatever the visibility.
const ORDINARY: &[(&str, &str)] = &[
    ("show 1", "no: admins-only"),
    ("show 2", "no: admins-only"),
    ("show 3", "no: admins-only"),
    ("show 4", "no: admins-only"),
    ("show 5", "no: admins-only"),
    ("history 1", "no: admins-only"),
    ("history 2", "no: admins-only"),
    ("history 3", "no: admins-only"),
    ("history 4", "no: admins-only"),
    ("history 5", "no: admins-only"),
    ("Late", "no: admins-only"),
    ("Plans", "no: admins-only"),
    ("Checklists", "no: admins-only"),
    ("Tokens", "no: admins-only"),
];

/// What somebody who sees their own tasks only is told otherwise than one who sees all.
const OWN_ONLY: &[(&str, &str)] = &[
    ("Tasks { of: None }", "own tasks"),
    ("of hall1", "no: own-tasks-only"),
    ("of HALL1", "no: own-tasks-only"),
    ("of ivan@mail.ru", "no: own-tasks-only"),
    ("of hall1@localhost", "no: own-tasks-only"),
];

/// hall1 means themselves by each of these.
const HALL1: &[(&str, &str)] = &[("of HALL1", "own tasks"), ("of hall1@localhost", "own tasks")];

#[test]
fn what_everybody_may_read_under_each_visibility() {
    let world = world();
    let admin = ("admin@localhost", "admin");
    let (chief, hall1) = (("chief@elsewhere", "chief@elsewhere"), ("hall1@localhost", "hall1"));
    // A user of a domain that is on a list, who is in no list of users.
    let guest = ("guest@jury.org", "guest@jury.org");
    for ((bare, me), visibility, otherwise) in [
        (admin, Visibility::All, vec![]),
        (admin, Visibility::Own, vec![]),
        (chief, Visibility::All, vec![]),
        (chief, Visibility::Own, vec![]),
        (hall1, Visibility::All, vec![ORDINARY, HALL1]),
        (hall1, Visibility::Own, vec![ORDINARY, OWN_ONLY, HALL1]),
        (guest, Visibility::All, vec![ORDINARY]),
        (guest, Visibility::Own, vec![ORDINARY, OWN_ONLY]),
    ] {
        let mut expected: HashMap<&str, &str> = ADMIN.iter().copied().collect();
        expected.extend(otherwise.into_iter().flatten().copied());
        let mut told = 0;
        for (name, query) in queries(me) {
            let here = format!("{bare} under {visibility:?} asks {name}");
            assert_eq!(world.told(visibility, bare, &query), expected[&*name], "{here}");
            told += 1;
        }
        assert!(told >= ADMIN.len() - 1, "hall1's own name is asked once");
    }
}

#[test]
fn nobody_else_may_read_anything() {
    let world = world();
    for who in ["passer@localhost", "banned@jury.org", "stranger@nowhere", "hall1@jury.org.evil", "hall1"] {
        for visibility in [Visibility::All, Visibility::Own] {
            for (name, query) in queries("passer") {
                assert_eq!(world.told(visibility, who, &query), "no: not-in-room", "{who} asks {name}");
            }
        }
    }
}

#[test]
fn a_name_that_nobody_has_is_repeated_in_part() {
    let (world, who) = (world(), Person::named("admin", HOST));
    let view = View::of(world.scene(Visibility::All), &who).unwrap();
    let asked = view.answer(&Query::Tasks { of: Some("я".repeat(100)) });
    assert_eq!(asked.unwrap_err(), Refusal::UnknownUser { name: "я".repeat(64) });
}

#[test]
fn a_clock_that_is_not_there_cannot_be_read() {
    let (world, who) = (world(), Person::named("hall1", HOST));
    let scene = RoomScene { clock: None, ..world.scene(Visibility::All) };
    assert_eq!(View::of(scene, &who).unwrap().answer(&Query::Clock).unwrap_err(), Refusal::NoClock);
}

#[test]
fn who_sees_how_much_of_a_task() {
    let world = world();
    let (task, all) = (world.board.task(TaskId(2)).unwrap(), ["admin", "hall1", "ivan\\40mail.ru", "stranger"]);
    let seen = |visibility| {
        all.map(|name| {
            let who = &Person::named(name, HOST);
            View::of(world.scene(visibility), who).map_or(Sight::Nothing, |view| view.sight(task))
        })
    };
    assert_eq!(seen(Visibility::All), [Sight::Whole, Sight::Whole, Sight::Whole, Sight::Nothing]);
    assert_eq!(seen(Visibility::Own), [Sight::Whole, Sight::OwnStatus, Sight::Nothing, Sight::Nothing]);
}

#[test]
fn whose_view_it_is() {
    let world = world();
    for (name, visibility, admin, sees_all) in [
        ("admin", Visibility::All, true, true),
        ("admin", Visibility::Own, true, true),
        ("hall1", Visibility::All, false, true),
        ("hall1", Visibility::Own, false, false),
    ] {
        let who = Person::named(name, HOST);
        let view = View::of(world.scene(visibility), &who).unwrap();
        assert_eq!((view.own_name(), view.is_admin(), view.sees_all()), (name, admin, sees_all));
        assert_eq!(view.instead_of_all(), Some(&who).filter(|_| !admin), "{name}");
        assert_eq!((view.who(), world.people.is_admin(who.bare())), (&who, admin));
    }
}
