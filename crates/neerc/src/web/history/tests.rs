//! The pages and files of a room's history over HTTP, from a store with some days of a contest; the loop is a picture.

use super::super::asks::BridgeEnd;
use super::super::picture::{Album, Picture, Timepiece};
use super::super::{Web, WebSettings};
use super::super::{door, limits};
use crate::service::time::wall_ms;
use neerc_core::board::Board;
use neerc_core::change::{Change, Entry};
use neerc_core::doors::{DoorChange, WebSession, WebSessionId};
use neerc_core::face::words::Language;
use neerc_core::people::{Affiliation, GroupBook, People, Person, Standing};
use neerc_core::task::{Kind, Progress, Status, TaskId, Title};
use neerc_core::view::Visibility;
use neerc_testing::trust;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;
use tempfile::TempDir;

fn person(name: &str) -> Person {
    Person::named(name, "localhost")
}

/// A site with one room, in which admin is an admin and hall1 is not; both are logged in, with their names as secrets.
struct Site {
    web: Web,
    _store: neerc_store::Store,
    _folder: TempDir,
}

/// What is answered: the status, what a header says, and the body.
struct Got {
    status: u16,
    kept: String,
    body: String,
}

impl Site {
    /// The log holds these changes besides the logins, one a minute up to now.
    fn new(changes: Vec<Change>) -> Site {
        let folder = TempDir::new().unwrap();
        let url = neerc_store::Url::Sqlite(folder.path().join("neerc.db"));
        let store = neerc_store::open(&url).unwrap().store;
        let now_ms = wall_ms();
        let logins = ["admin", "hall1"].into_iter().zip(1..).map(|(name, id)| {
            let (id, person, browser) = (WebSessionId(id), person(name), "a browser".into());
            let session = WebSession { id, person, at_ms: now_ms, browser };
            Change::Door(DoorChange::Admitted { hash: door::hash_of(name), session, link: None })
        });
        let changes: Vec<Change> = logins.chain(changes).collect();
        let (mut board, mut entries, count) = (Board::default(), Vec::new(), changes.len() as i64);
        for (change, revision) in changes.into_iter().zip(1..) {
            let by = match &change {
                Change::Answered { person, .. } => person.clone(),
                _ => person("admin"),
            };
            let at_ms = now_ms - (count - i64::try_from(revision).unwrap()) * 60_000;
            board.apply(revision, &change);
            entries.push(Entry { revision, room: "neerc".into(), at_ms, by, change, request: None });
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for batch in entries.chunks(1_000) {
            runtime.block_on(store.commit(batch.to_vec())).unwrap();
        }
        let listen = "127.0.0.1:0".parse().unwrap();
        let settings = WebSettings { listen, url: None, language: Language::English, log: store.log_reader() };
        let web = Web::start(settings).unwrap();
        show(&web.bridge, board);
        Site { web, _store: store, _folder: folder }
    }

    fn get(&self, path: &str, who: &str, language: &str) -> Got {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = agent.get(format!("{}{path}", self.web.url)).header("Cookie", format!("neerc-local={who}"));
        let mut answer = request.header("Accept-Language", language).call().unwrap();
        let kept = answer.headers().get("content-disposition").map(|value| value.to_str().unwrap().to_owned());
        let bytes = answer.body_mut().read_to_vec().unwrap();
        let body = String::from_utf8(bytes).unwrap();
        Got { status: answer.status().as_u16(), kept: kept.unwrap_or_default(), body }
    }

    #[track_caller]
    fn page(&self, path: &str) -> String {
        let got = self.get(path, "admin", "en");
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        got.body
    }
}

fn show(bridge: &BridgeEnd, board: Board) {
    let standings = [("admin", Affiliation::Owner), ("hall1", Affiliation::Member), ("hall2", Affiliation::Member)];
    let standings = standings.map(|(name, affiliation)| Standing { person: person(name), affiliation });
    let people = People::build("localhost", "neerc", standings, HashMap::new(), &GroupBook::default());
    let time = Timepiece { taken: Instant::now(), steady_ms: 0, wall_ms: wall_ms(), zone_ms: 0 };
    let picture = Picture {
        taken: time,
        room: "neerc".into(),
        serial: 1,
        generation: 1,
        history: 0x5ed,
        people: Arc::new(people),
        board: Arc::new(board),
        times: None,
        clock: None,
        online: Arc::new(BTreeSet::new()),
        checklists: Arc::new([]),
        entrance: Arc::default(),
        visibility: Visibility::All,
        keeping: neerc_core::keeping::Keeping::default(),
        is_connected: true,
    };
    bridge.albums.send_replace(Arc::new(Album { time: Some(time), rooms: vec![Arc::new(picture)], elsewhere: None }));
}

fn created(id: u64, title: &str, names: &[&str]) -> Change {
    let (task, title, kind) = (TaskId(id), Title::parse(title).unwrap(), Kind::TodoFail);
    let statuses = names.iter().map(|name| (person(name), Status::NONE)).collect();
    Change::Created { task, title, kind, timestamp_ms: 0, statuses, plan: None, deadline: None }
}

fn answered(id: u64, name: &str, progress: Progress, value: &str) -> Change {
    Change::Answered { task: TaskId(id), person: person(name), status: Status::new(progress, value).unwrap() }
}

/// Hall 1 answers after two minutes and fails the second task, hall 2 says nothing; a third task is gone again.
fn contest() -> Site {
    Site::new(vec![
        created(1, "Water <script>alert(1)</script>", &["hall1", "hall2"]),
        created(2, "Printer", &["hall1"]),
        answered(1, "hall1", Progress::Success, ""),
        answered(2, "hall1", Progress::Fail, "=cmd|'/c calc'!A1"),
        created(3, "Gone", &["hall2"]),
        Change::Removed { task: TaskId(3), at_ms: None },
    ])
}

#[test]
fn the_history_of_a_room_is_its_admins() {
    let site = contest();
    for path in ["history", "report", "export.csv", "export.jsonl", "print"] {
        let status = |who: &str| site.get(&format!("/r/neerc/{path}"), who, "en").status;
        assert_eq!((status("admin"), status("guess")), (200, 401), "{path}");
        assert_eq!(status("hall1"), if path == "print" { 200 } else { 403 }, "{path}");
        assert_eq!(site.get(&format!("/r/nowhere/{path}"), "admin", "en").status, 401, "{path}");
    }
}

#[test]
fn what_happened_is_told_newest_first_and_found_by_task_and_person() {
    let site = contest();
    let page = site.page("/r/neerc/history");
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text} in {page}"));
    assert!(at("<td>removed</td>") < at("could not do it: =cmd"));
    assert!(at("could not do it: =cmd") < at("new task: Printer"));
    assert!(at("new task: Printer") < at("logged in with a browser"));
    assert!(page.contains("<svg class=\"timeline\"") && !page.contains("<script>alert"), "{page}");
    assert!(page.contains("<th scope=\"row\">hall1</th><td>2</td><td>0</td><td>02:00</td>"), "{page}");
    let of_task = site.page("/r/neerc/history?task=2");
    assert!(of_task.contains("new task: Printer") && !of_task.contains("<td>removed</td>"));
    let by = site.page("/r/neerc/history?by=hall1");
    assert!(by.contains("could not do it") && !by.contains("new task: Printer"));
    let nothing = site.page("/r/neerc/history?by=nobody");
    assert!(nothing.contains("Nothing happened that fits."));
    let russian = site.get("/r/neerc/history", "admin", "ru").body;
    assert!(russian.contains("Кто что делал") && russian.contains("вход через браузер"), "{russian}");
}

#[test]
fn a_long_history_is_turned_over_page_by_page_and_streamed_whole() {
    let names = 5 * limits::LOG_PART + 7;
    let changes = (1..=names).map(|id| created(id as u64, &format!("Task number {id}."), &[]));
    let site = Site::new(changes.collect());
    let (mut path, mut seen, mut pages) = ("/r/neerc/history?by=admin".to_owned(), 0, 0);
    while pages < 3 {
        let page = site.page(&path);
        seen += page.matches("new task: Task number").count();
        pages += 1;
        let (_, older) = page.split_once("&amp;before=").unwrap();
        let before = older.split('#').next().unwrap();
        path = format!("/r/neerc/history?by=admin&before={before}");
    }
    assert_eq!(seen, 3 * limits::HISTORY_PAGE);
    let csv = site.page("/r/neerc/export.csv");
    assert_eq!(csv.lines().count(), names + 3, "a head and the logins besides");
    assert!((1..=names).zip(csv.lines().skip(3)).all(|(id, line)| line.contains(&format!("Task number {id}."))));
    let report = site.page("/r/neerc/report?hours=0");
    assert_eq!(report.matches("new task: Task number").count(), limits::REPORT_EVENTS);
    assert!(report.contains(&format!("{} older changes are left out.", names + 2 - limits::REPORT_EVENTS)));
}

#[test]
fn files_are_kept_under_a_name_and_do_no_harm() {
    let site = contest();
    let csv = site.get("/r/neerc/export.csv", "admin", "en");
    assert!(csv.kept.starts_with("attachment; filename=\"neerc-neerc-2"), "{}", csv.kept);
    assert!(csv.kept.ends_with(".csv\""), "{}", csv.kept);
    assert!(csv.body.starts_with("\u{feff}revision,time,"));
    assert!(csv.body.contains(",hall1,fail,'=cmd|'/c calc'!A1\r\n"), "{}", csv.body);
    assert_eq!(csv.body.lines().count(), 10);
    // Whatever else stands at the beginning of a cell in spreadsheets' formulas.
    let begins = ["=", "+", "-", "@", "\u{ff1d}", "\u{ff0b}", "\u{ff0d}", "\u{ff20}"];
    let formulas = begins.iter().zip(1..).map(|(begin, id)| created(id, &format!("{begin}1+1"), &[]));
    let file = Site::new(formulas.collect()).page("/r/neerc/export.csv");
    for begin in begins {
        assert!(file.contains(&format!(",'{begin}1+1,")), "{file}");
    }
    trust::report("P4", "answers and titles that spreadsheets would take for formulas", 9, "0 are any in the files");
    let json = site.page("/r/neerc/export.jsonl");
    let lines: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 9);
    assert_eq!((&lines[6]["what"], &lines[6]["value"]), (&"answered".into(), &"=cmd|'/c calc'!A1".into()));
    let report = site.page("/r/neerc/report");
    assert!(report.contains("<style>") && report.contains("<svg ") && report.contains("could not do it"));
    for outside in ["src=", "href=", "url(", "@import", "<script"] {
        assert!(!report.contains(outside), "a report needs nothing else: {outside}");
    }
}

#[test]
fn an_empty_room_has_a_history_too() {
    let site = Site::new(Vec::new());
    assert!(site.page("/r/neerc/history").contains("Nobody has answered anything in that time."));
    assert_eq!(site.page("/r/neerc/export.jsonl").lines().count(), 2);
    assert!(site.page("/r/neerc/print").contains("There are no tasks"));
}

#[test]
fn the_state_on_paper_has_a_box_for_what_is_open() {
    let site = contest();
    let page = site.page("/r/neerc/print");
    assert!(page.contains("☐</span> hall2: no answer") && page.contains("☑</span> hall1: done"), "{page}");
    assert!(page.contains("☒</span> hall1: could not do it — =cmd"), "{page}");
    let found = site.page("/r/neerc/print?text=print");
    assert!(found.contains("Printer") && !found.contains("Water"));
}

#[test]
fn what_is_in_archives_is_not_told_and_that_is_said() {
    let site = contest();
    assert!(!site.page("/r/neerc/history").contains("archives of the service"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let floor = runtime.block_on(async {
        // Those who are told of all, and one change more.
        site._store.told(8);
        let (by, change) = (person("hall1"), answered(1, "hall1", Progress::Running, ""));
        let more = Entry { revision: 9, room: "neerc".into(), at_ms: wall_ms(), by, change, request: None };
        site._store.commit(vec![more]).await.unwrap();
        let keep = neerc_store::Keep { since_ms: wall_ms() - 150_000, now_ms: wall_ms(), newest_bytes: 1 };
        site._store.compact(keep).await.unwrap().floor
    });
    assert!((3..8).contains(&floor.revision), "{floor:?}");
    for (path, language, words) in [
        ("history", "en", "is in the archives of the service."),
        ("history?hours=0", "ru", "лежит в архивах службы."),
        ("report?hours=0", "en", "is in the archives of the service."),
    ] {
        let body = site.get(&format!("/r/neerc/{path}"), "admin", language).body;
        assert!(body.contains(words) && !body.contains("alert(1)"), "{path}: {body}");
    }
    let file = site.get("/r/neerc/export.csv", "admin", "en");
    assert!(file.kept.contains("-to-") && !file.body.contains("alert(1)"), "{}", file.kept);
}
