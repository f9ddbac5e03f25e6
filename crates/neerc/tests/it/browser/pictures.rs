//! Pictures of the pages as they are shown in the README: `NEERC_WRITE=1 cargo test -p neerc --test it browser::pictures`
//! makes them anew. Otherwise it is only tried that they can be made.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use neerc_core::change::Change;
use neerc_core::deadline::Deadline;
use neerc_core::doors::{AccessToken, DoorChange, TokenId, TokenScope};
use neerc_core::moment::DueAt;
use neerc_core::people::Person;
use neerc_core::task::{Kind, Progress, Status, TaskId, Title};

use serde_json::json;

use super::stage::{self, Stage};
use super::{Browser, Driver, Look, axe};
use crate::servers::{HOST, Kind as ServerKind, Options, Server};

/// The largest that one may be, in bytes.
const MOST_BYTES: usize = 100 * 1024;

fn keep(name: &str, browser: &Browser<'_>, whole: bool) {
    let picture = browser.picture(whole);
    assert!(picture.starts_with(b"\x89PNG"));
    if std::env::var_os("NEERC_WRITE").is_some() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../doc");
        assert!(picture.len() < MOST_BYTES, "{name}: {} bytes", picture.len());
        fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }
    browser.check();
}

/// What eight halls said in the first hour and a half, not all of them equally fast: hall, task, minutes ago, and what.
const SAID: [(usize, u64, i64, Progress, &str); 34] = [
    (2, 1, 99, Progress::Running, ""),
    (1, 1, 98, Progress::Success, ""),
    (3, 1, 96, Progress::Success, ""),
    (5, 1, 95, Progress::Success, ""),
    (3, 2, 92, Progress::Acknowledged, ""),
    (1, 2, 92, Progress::Success, ""),
    (4, 1, 91, Progress::Fail, "17 is dark"),
    (2, 2, 90, Progress::Success, ""),
    (5, 2, 90, Progress::Success, ""),
    (7, 1, 89, Progress::Success, ""),
    (8, 1, 88, Progress::Running, "half"),
    (8, 2, 85, Progress::Success, ""),
    (4, 2, 84, Progress::Success, ""),
    (6, 2, 80, Progress::Success, ""),
    (7, 2, 79, Progress::Success, ""),
    (1, 3, 70, Progress::Success, ""),
    (4, 3, 68, Progress::Success, ""),
    (5, 3, 66, Progress::Success, ""),
    (6, 3, 65, Progress::Success, ""),
    (3, 3, 61, Progress::Fail, "out of paper"),
    (2, 1, 58, Progress::Success, ""),
    (8, 3, 50, Progress::Success, ""),
    (1, 4, 41, Progress::Success, ""),
    (2, 4, 40, Progress::Running, ""),
    (2, 3, 37, Progress::Success, ""),
    (1, 5, 28, Progress::Success, "32"),
    (7, 5, 27, Progress::Success, "31"),
    (4, 5, 26, Progress::Success, "30"),
    (2, 5, 22, Progress::Success, "29"),
    (8, 5, 17, Progress::Success, "28"),
    (5, 5, 15, Progress::Success, "33"),
    (6, 6, 7, Progress::Running, ""),
    (3, 6, 6, Progress::Success, ""),
    (1, 6, 2, Progress::Running, ""),
];

/// The tasks: minutes ago, kind, title, and which halls have them.
const TASKS: [(i64, Kind, &str, &[usize]); 6] = [
    (100, Kind::TodoFail, "Wallpapers set on all computers?", &[1, 2, 3, 4, 5, 6, 7, 8]),
    (93, Kind::Confirm, "The contest begins at 11:00", &[1, 2, 3, 4, 5, 6, 7, 8]),
    (72, Kind::OkFail, "Printers work?", &[1, 2, 3, 4, 5, 6, 7, 8]),
    (45, Kind::Todo, "Bring water", &[1, 2, 5]),
    (30, Kind::Question, "How many teams are seated?", &[1, 2, 3, 4, 5, 6, 7, 8]),
    (10, Kind::TodoFail, "Balloons are there", &[1, 2, 3, 4, 5, 6, 7, 8]),
];

fn past() -> Vec<(i64, String, Change)> {
    let hall = |number: usize| Person::named(&format!("hall{number}"), HOST);
    let now_ms = stage::now_ms();
    let tasks = TASKS.iter().zip(1..).map(|((ago_min, kind, title, halls), id)| {
        let (task, title, kind) = (TaskId(id), Title::parse(title).unwrap(), *kind);
        let statuses = halls.iter().map(|number| (hall(*number), Status::NONE)).collect();
        // The first one was to be answered an hour ago.
        let due = DueAt::Day { at_ms: now_ms - 3_600_000 };
        let deadline = (id == 1).then(|| Deadline { by: Person::named("jury", HOST), due, last: None });
        let timestamp_ms = i64::try_from(id).unwrap();
        let made = Change::Created { task, title, kind, timestamp_ms, statuses, plan: None, deadline };
        (*ago_min, "jury".to_owned(), made)
    });
    let said = SAID.iter().map(|(number, task, ago_min, progress, value)| {
        let status = Status::new(*progress, value).unwrap();
        let answered = Change::Answered { task: TaskId(*task), person: hall(*number), status };
        (*ago_min, format!("hall{number}"), answered)
    });
    let mut past: Vec<_> = tasks.chain(said).collect();
    let hash = stage::hash_of("display");
    let (id, scope, by) = (TokenId(1), TokenScope::Display, Person::named("jury", HOST));
    let token = AccessToken { id, hash, scope, person: by.clone(), by: Some(by), at_ms: now_ms };
    past.push((1, "jury".to_owned(), Change::Door(DoorChange::Given(token))));
    past.sort_by_key(|(ago_min, _, _)| -ago_min);
    past
}

fn contest() -> Stage {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(|| Server::launch(ServerKind::Prosody, Options::default()));
    let halls: Vec<String> = (1..=8).map(|number| format!("hall{number}")).collect();
    let mut people = vec![("jury", "owner")];
    people.extend(halls.iter().map(|hall| (hall.as_str(), "member")));
    let names: Vec<&str> = people.iter().map(|(name, _)| *name).collect();
    server.register_many(&names);
    server.create_room("neerc");
    people.iter().for_each(|(name, standing)| server.set_affiliation("neerc", &format!("{name}@{HOST}"), standing));
    let stage = Stage::of(server, "127.0.0.1", "neerc".to_owned(), "jury".to_owned(), halls.clone(), "", past());
    stage.says(&stage.chat, "clock set 1:23:00");
    stage.says(&stage.chat, "clock start");
    stage
}

#[test]
fn of_every_page() {
    let Some(driver) = Driver::start() else { return };
    let stage = contest();
    let jury = stage.browser(&driver, "jury", Look { size: (1040, 640), ..Look::LAPTOP });
    stage.shows(&jury, 6, "hall6", "running");
    // The table, which is what a projector shows; the menu is above it.
    jury.run("document.querySelector('.filters').scrollIntoView()", json!([]));
    keep("board", &jury, false);
    jury.prefers("prefers-color-scheme", "dark");
    keep("dark", &jury, false);
    jury.prefers("prefers-color-scheme", "light");
    jury.open(&stage.url("/history"));
    jury.sees("out of paper");
    keep("history", &jury, false);
    jury.open(&stage.url("/print"));
    jury.sees("17 is dark");
    keep("print", &jury, false);
    let wall = driver.browser(Look { size: (1100, 640), ..Look::LAPTOP });
    wall.open(&format!("http://127.0.0.1:{}/wall/display", stage.proxy.port));
    wall.sees("17 is dark");
    assert_eq!(axe(&wall).unwrap_or_default(), [""; 0]);
    keep("wall", &wall, false);
    let hall = stage.browser(&driver, "hall2", Look::PHONE);
    hall.sees("Balloons");
    keep("phone", &hall, false);
}
