//! A board of a few halls as different people see it, with every filter, and what differs after a change.

use super::*;
use crate::board::Board;
use crate::change::{Change, Entry};
use crate::clock::Speed;
use crate::deadline::Deadline;
use crate::face::words::Arg;
use crate::people::{Affiliation, GroupBook, GroupRule, Standing};
use crate::task::Title;
use crate::view::{DayTime, RoomScene, Visibility};
use std::collections::HashMap;

const HOST: &str = "localhost";

/// Says the keys themselves.
#[derive(Debug)]
struct Keys;

impl Words for Keys {
    fn find(&self, _: Language, key: &str, _: &[(&str, Arg<'_>)]) -> Option<String> {
        // A word of an answer for one kind of task only is not known.
        (key.matches('-').count() == 1).then(|| key.trim_start_matches("status-").to_owned())
    }
}

/// A room with admin, hall1, hall2, hall10, and gone, who has left it.
struct Hall {
    room: Room,
    people: People,
    board: Board,
    times: Times,
    wall_ms: i64,
}

fn person(name: &str) -> Person {
    Person::named(name, HOST)
}

fn people() -> People {
    let names = ["hall10", "hall2", "hall1", "desk"];
    let members = names.map(|name| Standing { person: person(name), affiliation: Affiliation::Member });
    let admin = Standing { person: person("admin"), affiliation: Affiliation::Owner };
    let rules = vec![GroupRule { group: "Halls".into(), patterns: vec!["hall*".into()] }];
    let book = GroupBook { rules, ..GroupBook::default() };
    People::build(HOST, "neerc", members.into_iter().chain([admin]), HashMap::new(), &book)
}

impl Hall {
    /// Task 1 (water): hall1 done, hall2 silent, hall10 running. Task 2 (printer): hall1 failed, gone silent. Task 3
    /// (doors), due at 1,000: hall10 silent. Task 4: nobody's.
    fn new() -> Hall {
        let board = Board::default();
        let mut hall = Hall { room: "neerc".into(), people: people(), board, times: Times::default(), wall_ms: 500 };
        hall.create(1, "Water", Kind::Todo, &["hall1", "hall2", "hall10"]);
        hall.create(2, "Printer", Kind::OkFail, &["hall1", "gone"]);
        hall.create(3, "Doors", Kind::Confirm, &["hall10"]);
        hall.create(4, "Later", Kind::Question, &[]);
        hall.answer(1, "hall1", Progress::Success, "");
        hall.answer(1, "hall10", Progress::Running, "half");
        hall.answer(2, "hall1", Progress::Fail, "no paper");
        let due = Deadline::required("1m").unwrap().due(-59_000, 0, Speed::REAL);
        let deadline = Some(Deadline { by: person("admin"), due, last: None });
        hall.apply(Change::Deadlined { task: TaskId(3), deadline });
        hall
    }

    fn apply(&mut self, change: Change) {
        let revision = self.board.revision() + 1;
        self.board.apply(revision, &change);
        let at_ms = i64::try_from(revision).unwrap();
        self.times.note(&Entry {
            revision,
            room: self.room.clone(),
            at_ms,
            by: person("admin"),
            change,
            request: None,
        });
    }

    fn create(&mut self, id: u64, title: &str, kind: Kind, names: &[&str]) {
        let (task, title) = (TaskId(id), Title::parse(title).unwrap());
        let statuses = names.iter().map(|name| (person(name), Status::NONE)).collect();
        let timestamp_ms = i64::try_from(id).unwrap();
        self.apply(Change::Created { task, title, kind, timestamp_ms, statuses, plan: None, deadline: None });
    }

    fn answer(&mut self, task: u64, name: &str, progress: Progress, value: &str) {
        let status = Status::new(progress, value).unwrap();
        self.apply(Change::Answered { task: TaskId(task), person: person(name), status });
    }

    fn grid_in(&self, visibility: Visibility, who: &str, query: &[(&str, &str)], look: impl FnOnce(&Grid<'_>)) {
        let scene = RoomScene {
            room: &self.room,
            people: &self.people,
            board: &self.board,
            clock: None,
            visibility,
            now: Some(DayTime { wall_ms: self.wall_ms, zone_ms: 0 }),
            checklists: &[],
            trail: None,
            entrance: crate::doors::Entrance::closed(),
        };
        let who = person(who);
        let view = View::of(scene, &who).unwrap();
        let maker = GridMaker { words: &Keys, language: Language::English, times: Some(&self.times) };
        look(&maker.grid(&view, &GridFilter::parse(query.iter().copied())));
    }

    fn drawn(&self, who: &str, query: &[(&str, &str)]) -> String {
        let mut text = String::new();
        self.grid_in(Visibility::All, who, query, |grid| text = drawn(grid));
        text
    }
}

/// Tasks in the first line, then each group with its people and what they say; a dot: not assigned.
fn drawn(grid: &Grid<'_>) -> String {
    let mut lines = vec![grid.columns.iter().map(|column| column.task.to_string()).collect::<Vec<_>>().join(" ")];
    for band in &grid.bands {
        lines.push(format!("[{}]", band.group.unwrap_or("-")));
        for row in &band.rows {
            let cells = row.cells.iter().map(|cell| match cell.state {
                CellState::NotAssigned => ".".to_owned(),
                state if cell.is_late => format!("{}!", state.name()),
                state => state.name().to_owned(),
            });
            lines.push(format!("{}: {}", row.shown, cells.collect::<Vec<_>>().join(" ")));
        }
    }
    lines.join("\n")
}

#[test]
fn tasks_across_and_people_by_groups_down() {
    let expected = "1 2 3 4\n\
        [Halls]\nhall1: done failed . .\nhall2: silent . . .\nhall10: running . silent .\n\
        [Users]\ndesk: . . . .\n\
        [-]\ngone: . silent . .";
    let hall = Hall::new();
    assert_eq!(hall.drawn("admin", &[]), expected);
    assert_eq!(hall.drawn("hall1", &[]), expected, "everybody may see everything here");
    hall.grid_in(Visibility::All, "hall1", &[], |grid| {
        assert_eq!((grid.revision, &*grid.groups), (8, &["Admins", "Halls", "Users"][..]));
        let row = grid.rows().find(|row| row.is_own).unwrap();
        let failed = &row.cells[1];
        assert_eq!((row.name, &*failed.word, failed.value, failed.since_ms), ("hall1", "fail", "no paper", Some(7)));
        let silent = &grid.bands[0].rows[1].cells[0];
        assert_eq!((&*silent.word, silent.since_ms), ("none", Some(1)), "since it was handed out");
        let tally = Tally { all: 3, silent: 1, running: 1, done: 1, ..Tally::default() };
        assert_eq!((grid.columns[0].tally, grid.bands[0].tallies[0]), (tally, tally));
        assert_eq!((grid.bands[0].tally.all, grid.bands[0].tally.open(), grid.bands[2].tally.silent), (5, 3, 1));
        assert_eq!(grid.column(TaskId(2)).map(|column| column.title), Some("Printer"));
    });
}

#[test]
fn without_the_times_only_the_silent_are_dated() {
    let mut hall = Hall::new();
    hall.times = Times::default();
    hall.grid_in(Visibility::All, "admin", &[], |grid| {
        let since = |row: usize, column: usize| grid.bands[0].rows[row].cells[column].since_ms;
        assert_eq!((since(0, 0), since(1, 0), since(2, 2)), (None, Some(1), Some(3)));
    });
}

#[test]
fn whoever_sees_their_own_tasks_only_sees_nobody_else() {
    let hall = Hall::new();
    hall.grid_in(Visibility::Own, "hall1", &[], |grid| {
        assert_eq!(drawn(grid), "1 2\n[Halls]\nhall1: done failed");
        assert_eq!(grid.columns[0].tally, Tally { all: 1, done: 1, ..Tally::default() }, "not even how many others");
    });
    hall.grid_in(Visibility::Own, "desk", &[], |grid| assert_eq!(drawn(grid), ""));
    hall.grid_in(Visibility::Own, "hall1", &[("text", "hall10")], |grid| assert_eq!(drawn(grid), ""));
    hall.grid_in(Visibility::Own, "admin", &[], |grid| assert_eq!(grid.columns.len(), 4));
}

#[test]
fn filters() {
    let mut hall = Hall::new();
    let admin = |query: &[(&str, &str)]| hall.drawn("admin", query);
    assert_eq!(hall.drawn("hall10", &[("mine", "1")]), "1 3\n[Halls]\nhall10: running silent");
    assert_eq!(admin(&[("mine", "1")]), "");
    let open = "1 2 3\n[Halls]\nhall2: silent . .\nhall10: running . silent\n[-]\ngone: . silent .";
    assert_eq!(admin(&[("open", "1")]), open);
    assert_eq!(admin(&[("late", "1")]), "", "it is not time yet");
    assert_eq!(admin(&[("group", "Users")]), "1 2 3 4\n[Users]\ndesk: . . . .");
    assert_eq!(admin(&[("group", "Nobody")]), "1 2 3 4");
    assert_eq!(admin(&[("text", "PRINT")]), "2\n[Halls]\nhall1: failed\n[-]\ngone: silent");
    assert_eq!(admin(&[("text", "#3")]), "3\n[Halls]\nhall10: silent");
    assert_eq!(admin(&[("text", "Hall1")]), "1 2 3 4\n[Halls]\nhall1: done failed . .\nhall10: running . silent .");
    assert_eq!(admin(&[("text", "nowhere")]), "");
    hall.wall_ms = 1_000;
    let late = hall.drawn("admin", &[("late", "1")]);
    assert_eq!(late, "3\n[Halls]\nhall10: silent!");
    hall.grid_in(Visibility::All, "admin", &[], |grid| {
        assert_eq!(
            (grid.columns[2].is_late, grid.columns[2].due_ms, grid.columns[2].tally.late),
            (true, Some(1_000), 1)
        );
    });
}

#[test]
fn what_is_too_much_is_counted() {
    let mut hall = Hall::new();
    for id in 5..=limits::GRID_COLUMNS as u64 + 6 {
        hall.create(id, "T", Kind::Todo, &["hall1"]);
    }
    let standings = (0..1_000).map(|n| Standing { person: person(&format!("p{n}")), affiliation: Affiliation::Member });
    hall.people = People::build(HOST, "neerc", standings, HashMap::new(), &GroupBook::default());
    hall.grid_in(Visibility::All, "p1", &[], |grid| {
        assert_eq!((grid.columns.len(), grid.tasks_left_out), (limits::GRID_COLUMNS, 6));
        let rows = grid.rows().count();
        assert_eq!((rows, grid.people_left_out), (limits::GRID_CELLS / limits::GRID_COLUMNS, 801));
    });
}

#[test]
fn what_differs_after_a_change() {
    let mut hall = Hall::new();
    let before = Hall { people: people(), board: hall.board.clone(), times: hall.times.clone(), ..Hall::new() };
    let compare = |hall: &Hall, look: &dyn Fn(GridDifference<'_>)| {
        before.grid_in(Visibility::All, "admin", &[], |old| {
            hall.grid_in(Visibility::All, "admin", &[], |new| look(new.since(old)));
        });
    };
    compare(&hall, &|difference| assert!(difference.is_empty(), "{difference:?}"));
    hall.answer(1, "hall2", Progress::Success, "");
    compare(&hall, &|difference| {
        let GridDifference::Parts { cells, columns, tallies, rows, .. } = difference else { panic!() };
        assert_eq!((cells, columns), (vec![(0, 1, 0)], vec![0]));
        assert_eq!((tallies, rows), (vec![(0, 0)], vec![(0, 1)]));
    });
    hall.wall_ms = 1_000;
    compare(&hall, &|difference| {
        let GridDifference::Parts { cells, columns, .. } = difference else { panic!() };
        assert_eq!((cells, columns), (vec![(0, 1, 0), (0, 2, 2)], vec![0, 2]), "somebody has become late");
    });
    hall.apply(Change::Removed { task: TaskId(2), at_ms: None });
    compare(&hall, &|difference| assert_eq!(difference, GridDifference::Shape));
}

#[test]
fn what_is_most_urgent_comes_first_in_a_list() {
    let mut hall = Hall::new();
    hall.wall_ms = 1_000;
    let listed = |tasks: Vec<ListedTask<'_>>| {
        let line = |task: &ListedTask<'_>| {
            let people: Vec<&str> = task.people.iter().map(|(row, _)| row.name).collect();
            format!("{} {} {}", task.column.task, task.urgency.name(), people.join(","))
        };
        tasks.iter().map(line).collect::<Vec<_>>()
    };
    hall.grid_in(Visibility::All, "admin", &[], |grid| {
        assert_eq!(
            listed(grid.all_tasks()),
            ["3 late hall10", "2 failed hall1,gone", "1 open hall2,hall10", "4 open "]
        );
        assert!(grid.own_tasks().is_empty());
    });
    hall.grid_in(Visibility::All, "hall10", &[], |grid| {
        assert_eq!(listed(grid.own_tasks()), ["3 late ", "1 open "]);
        let all = grid.all_tasks();
        assert_eq!((all[0].own.map(|cell| cell.is_late), all[0].people.len()), (Some(true), 0));
    });
    hall.grid_in(Visibility::Own, "hall1", &[], |grid| {
        assert_eq!(listed(grid.own_tasks()), ["2 finished ", "1 finished "]);
    });
}

#[test]
fn names_are_ordered_by_their_numbers() {
    let mut names = ["Hall 10", "hall 9b", "Hall 9", "Hall", "hall 09", "Зал 2", "Зал 11", "", "1", "01"];
    names.sort_by(|a, b| by_number(a, b));
    assert_eq!(names, ["", "01", "1", "Hall", "Hall 9", "hall 09", "hall 9b", "Hall 10", "Зал 2", "Зал 11"]);
}
