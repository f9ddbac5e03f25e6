//! The interface over HTTP, with a ledger and a store behind it; only the chat is missing.

mod rights;

use super::problem;
use crate::service::time::wall_ms;
use crate::web::asks::{WebAsk, WebWish};
use crate::web::door::hash_of;
use crate::web::picture::{Album, Picture, Timepiece};
use crate::web::{Web, WebSettings, limits};
use neerc_core::board::Boards;
use neerc_core::change::{Change, Entry};
use neerc_core::doors::{AccessToken, DoorChange, TokenId, TokenScope};
use neerc_core::face::words::Language;
use neerc_core::ledger::{Ask, Face, Ledger, Now, Rooms, Stored, Token};
use neerc_core::people::{Affiliation, GroupBook, People, Person, Standing};
use neerc_core::view::Visibility;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::watch;

/// No test waits longer for anything; nothing takes that long.
const PATIENCE: Duration = Duration::from_secs(60);

fn person(name: &str) -> Person {
    Person::named(name, "localhost")
}

/// The people of the room.
struct Hall(People);

impl Rooms for Hall {
    fn people(&mut self, _: &str) -> &People {
        &self.0
    }

    fn is_known(&self, _: &str) -> bool {
        true
    }
}

fn people() -> People {
    let admins = [("admin", Affiliation::Owner)];
    let halls = ["hall1", "hall2", "keeper"].map(|name| (name, Affiliation::Member));
    let all = admins.into_iter().chain(halls);
    let all = all.map(|(name, affiliation)| Standing { person: person(name), affiliation });
    People::build("localhost", "neerc", all, HashMap::new(), &GroupBook::default())
}

/// The tokens that there are; each is its own secret.
const TOKENS: [(&str, &str, TokenScope); 6] = [
    ("boss", "admin", TokenScope::Write),
    ("hall", "hall1", TokenScope::Write),
    ("eyes", "admin", TokenScope::Read),
    ("look", "hall1", TokenScope::Read),
    ("wall", "admin", TokenScope::Display),
    ("gone", "stranger", TokenScope::Write),
];

/// A site with the room `neerc`.
struct Site {
    web: Web,
    /// Ends once the web has.
    serving: JoinHandle<()>,
    folder: TempDir,
    visibility: Visibility,
}

/// What was answered.
#[derive(Debug)]
struct Got {
    status: u16,
    head: String,
    body: Value,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// The status, and the code of the problem if it is one.
    fn outcome(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
}

impl Site {
    fn new() -> Site {
        Site::seen(Visibility::All)
    }

    fn seen(visibility: Visibility) -> Site {
        let folder = TempDir::new().unwrap();
        let (web, serving) = start(&folder, visibility);
        Site { web, serving, folder, visibility }
    }

    /// The same after the service has ended and was started again.
    fn restarted(self) -> Site {
        let Site { web, serving, folder, visibility } = self;
        drop(web);
        serving.join().unwrap();
        let (web, serving) = start(&folder, visibility);
        Site { web, serving, folder, visibility }
    }

    /// Sends a request as it is, and reads what is answered to its end.
    fn raw(&self, request: &str) -> Got {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Got { status, head: head.to_owned(), body: serde_json::from_str(body).unwrap_or(Value::Null) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.web.url.authority).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn head(&self, method: &str, path: &str, token: &str, more: &str) -> String {
        let host = &self.web.url.authority;
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{more}")
    }

    fn with(&self, method: &str, path: &str, token: &str, more: &str, body: &str) -> Got {
        let length = body.len();
        let more = format!("Connection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}");
        self.raw(&format!("{}\r\n{body}", self.head(method, path, token, &more)))
    }

    /// Asks for something in the room.
    fn call(&self, method: &str, path: &str, token: &str, body: &Value) -> Got {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.with(method, &format!("/api/v1/rooms/neerc{path}"), token, "", &body)
    }

    fn get(&self, path: &str, token: &str) -> Got {
        self.call("GET", path, token, &Value::Null)
    }

    #[track_caller]
    fn made(&self, title: &str, names: &[&str]) -> String {
        let got = self.call("POST", "/tasks", "boss", &json!({"title": title, "kind": "todo", "for": names}));
        assert_eq!(got.status, 201, "{got:?}");
        got.body["id"].as_str().unwrap().to_owned()
    }
}

/// A web side whose loop does nothing but what it is asked.
fn start(folder: &TempDir, visibility: Visibility) -> (Web, JoinHandle<()>) {
    let url = neerc_store::Url::Sqlite(folder.path().join("neerc.db"));
    let opened = neerc_store::open(&url).unwrap();
    let (store, mut ledger) = (opened.store, Ledger::new(opened.boards, opened.revision));
    let listen = "127.0.0.1:0".parse().unwrap();
    let settings = WebSettings { listen, url: None, language: Language::English, log: store.log_reader() };
    let mut web = Web::start(settings).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    if ledger.revision() == 0 {
        let given = TOKENS.into_iter().zip(1..).map(|((secret, name, scope), id)| {
            let (id, hash, person, at_ms) = (TokenId(id), hash_of(secret), person(name), wall_ms());
            let change = Change::Door(DoorChange::Given(AccessToken { id, hash, scope, person, by: None, at_ms }));
            let by = Person::from_bare("admin@localhost");
            Entry { revision: id.0, room: "neerc".into(), at_ms, by, change, request: None }
        });
        let entries: Vec<Entry> = given.collect();
        let mut boards = Boards::new();
        entries.iter().for_each(|entry| boards.entry(entry.room.clone()).or_default().replay(entry));
        ledger = Ledger::new(boards, entries.len() as u64);
        runtime.block_on(store.commit(entries)).unwrap();
    }
    let (albums, mut asks) = (web.bridge.albums.clone(), web.bridge.asks.take().unwrap());
    show(&albums, &ledger, visibility);
    let serving = std::thread::spawn(move || {
        let (mut hall, mut number) = (Hall(people()), 0);
        while let Some(ask) = asks.blocking_recv() {
            let WebAsk::Change { wish, reply } = ask else { continue };
            let WebWish { room, who, command, request, seen } = wish;
            number += 1;
            ledger.ask(Ask { token: Token { face: Face::Web, number }, room, who, command, request, seen });
            let (now, mut answers) = (Now::from_ms(0, wall_ms()), Vec::new());
            if let Some(entries) = ledger.decide_last(now, &mut hall, &mut answers) {
                runtime.block_on(store.commit(entries)).unwrap();
                answers.extend(ledger.stored(now, Stored::Yes).unwrap().answers);
            }
            show(&albums, &ledger, visibility);
            let _ = reply.send(answers.remove(0).outcome);
        }
        runtime.block_on(store.close()).unwrap();
    });
    (web, serving)
}

fn show(albums: &watch::Sender<Arc<Album>>, ledger: &Ledger, visibility: Visibility) {
    let time = Timepiece { taken: Instant::now(), steady_ms: 0, wall_ms: wall_ms(), zone_ms: 0 };
    let serial = albums.borrow().rooms.first().map_or(0, |picture| picture.serial) + 1;
    let picture = Picture {
        room: "neerc".into(),
        serial,
        generation: 1,
        history: 0x5ed,
        taken: time,
        people: Arc::new(people()),
        board: Arc::new(ledger.boards().get("neerc").cloned().unwrap_or_default()),
        times: ledger.trail().times("neerc").cloned(),
        clock: None,
        online: Arc::new(BTreeSet::from([person("hall1")])),
        checklists: Arc::new([]),
        entrance: Arc::default(),
        visibility,
        keeping: neerc_core::keeping::Keeping::default(),
        is_connected: true,
    };
    albums.send_replace(Arc::new(Album { time: Some(time), rooms: vec![Arc::new(picture)], elsewhere: None }));
}

#[test]
fn a_task_is_made_answered_changed_and_removed() {
    let site = Site::new();
    let users = site.get("/users", "look").body;
    let user = |name: &str| users["users"].as_array().unwrap().iter().find(|user| user["name"] == name).cloned();
    assert_eq!(user("admin").unwrap()["power"], true);
    assert_eq!((&user("hall1").unwrap()["online"], &user("hall2").unwrap()["online"]), (&json!(true), &json!(false)));
    let got = site.call(
        "POST",
        "/tasks",
        "boss",
        &json!({"title": "Printers", "kind": "todofail", "for": ["hall1", "hall2"]}),
    );
    assert_eq!((got.status, &got.body["id"]), (201, &json!("t1")));
    assert_eq!(got.header("location"), Some("/api/v1/rooms/neerc/tasks/t1"));
    let said = site.call("PUT", "/tasks/t1/statuses/hall1", "hall", &json!({"status": "fail", "value": "jam"}));
    assert_eq!((said.status, &said.body["statuses"][0]["value"]), (200, &json!("jam")));
    assert!(said.body["statuses"][0]["at"].is_string());
    let by_admin = site.call("PUT", "/tasks/1/statuses/hall2", "boss", &json!({"status": "success"}));
    assert_eq!((by_admin.status, &by_admin.body["statuses"][1]["status"]), (200, &json!("success")));
    let all = site.get("/tasks", "look").body;
    assert_eq!(all["tasks"][0]["title"], "Printers");
    let change = json!({"title": "All printers", "unassign": ["hall2"], "reset": ["hall1"]});
    let changed = site.call("PATCH", "/tasks/t1", "boss", &change);
    assert_eq!((changed.status, changed.body["statuses"].as_array().unwrap().len()), (200, 1));
    let since = site.get(&format!("/tasks?since={}", all["revision"]), "look").body;
    assert_eq!((&since["tasks"][0]["title"], &since["ids"]), (&json!("All printers"), &json!(["t1"])));
    assert_eq!(site.get("/late", "eyes").body["tasks"][0]["silent"], json!(["hall1"]));
    let late = site.call("POST", "/do/remind", "boss", &json!({"task": "t1"}));
    assert_eq!(late.status, 200, "{late:?}");
    assert_eq!(site.call("DELETE", "/tasks/t1", "boss", &Value::Null).status, 204);
    assert_eq!(site.call("DELETE", "/tasks/t1", "boss", &Value::Null).outcome(), (410, "removed-task"));
    assert_eq!(site.get(&format!("/tasks?since={}", since["revision"]), "look").body["ids"], json!([]));
    let back = site.call("POST", "/do/restore", "boss", &json!({"task": "1"}));
    assert_eq!((back.status, site.get("/tasks?for=hall1", "look").body["tasks"][0]["id"].as_str()), (200, Some("t1")));
}

#[test]
fn plans_and_the_clock_are_the_admins() {
    let site = Site::new();
    let plan = json!({"title": "Freeze", "kind": "confirm", "for": ["hall1"], "schedule": "end-60!"});
    assert_eq!(site.call("POST", "/plans", "hall", &plan).outcome(), (403, "admins-only"));
    let made = site.call("POST", "/plans", "boss", &plan);
    assert_eq!((made.status, made.body["id"].as_str()), (201, Some("s1")));
    assert_eq!(site.get("/plans", "eyes").body["plans"][0]["schedule"], "end-60!");
    assert_eq!(site.get("/plans", "look").outcome(), (403, "admins-only"));
    assert_eq!(site.call("DELETE", "/plans/s1", "boss", &Value::Null).status, 204);
    assert_eq!(site.get("/clock", "look").outcome(), (404, "no-clock"));
    assert_eq!(site.call("PUT", "/clock", "boss", &json!({"act": "pause"})).outcome(), (409, "clock-stands"));
    let begun = site.call("PUT", "/clock", "boss", &json!({"act": "start"}));
    assert!([200, 204].contains(&begun.status), "{begun:?}");
}

#[test]
fn nobody_comes_in_but_by_a_token_that_is_good_for_it() {
    let site = Site::new();
    let task = json!({"title": "t", "kind": "todo"});
    for token in ["", "guess", "wall"] {
        let got = site.get("/users", token);
        assert_eq!(got.outcome(), (401, "no-token"), "{token}");
        assert_eq!(got.header("www-authenticate"), Some("Bearer realm=\"neerc\""));
    }
    assert_eq!(site.get("/users", "gone").outcome(), (403, "not-in-room"));
    assert_eq!(site.call("POST", "/tasks", "eyes", &task).outcome(), (403, "read-only-token"));
    assert_eq!(site.call("POST", "/tasks", "hall", &task).outcome(), (403, "admins-only"));
    assert_eq!(site.with("GET", "/api/v1/rooms/other/users", "boss", "", "").outcome(), (401, "no-token"));
    let host = &site.web.url.authority;
    let by_cookie = format!(
        "GET /api/v1/rooms/neerc/users HTTP/1.1\r\nHost: {host}\r\nCookie: neerc-local=boss\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(site.raw(&by_cookie).outcome(), (401, "no-token"));
    let elsewhere = site
        .head("GET", "/api/v1/rooms/neerc/users", "boss", "Connection: close\r\n\r\n")
        .replace(host, "evil.example");
    assert_eq!(site.raw(&elsewhere).outcome(), (421, "other-host"));
    for path in [
        "",
        "/",
        "/rooms/neerc",
        "/rooms//users",
        "/rooms/neerc/tasks/",
        "/rooms/neerc/do/tasks",
        "/rooms/neerc/do/token",
    ] {
        let got = site.with("POST", &format!("/api/v1{path}"), "boss", "", "{}");
        let wanted = if path == "/rooms/neerc/tasks/" { (400, "malformed") } else { (404, "no-such-address") };
        assert_eq!(got.outcome(), wanted, "{path}");
    }
    let got = site.call("PUT", "/tasks", "boss", &task);
    assert_eq!((got.outcome(), got.header("allow")), ((405, "method-not-allowed"), Some("GET, POST")));
}

#[test]
fn what_is_wrong_with_a_body_is_said() {
    let site = Site::new();
    site.made("Paper", &["hall1"]);
    let long = format!(r#"{{"title":"{}","kind":"todo"}}"#, "x".repeat(1_001));
    let deep = "[".repeat(5_000);
    for (method, path, body, wanted) in [
        ("POST", "/tasks", "", (400, "malformed")),
        ("POST", "/tasks", "{", (400, "malformed")),
        ("POST", "/tasks", "null", (400, "malformed")),
        ("POST", "/tasks", &deep, (400, "malformed")),
        ("POST", "/tasks", r#"{"title":"t"}"#, (400, "malformed")),
        ("POST", "/tasks", r#"{"title":"t","kind":"todo","fro":[]}"#, (400, "malformed")),
        ("POST", "/tasks", r#"{"title":"t","title":"u","kind":"todo"}"#, (400, "malformed")),
        ("POST", "/tasks", r#"{"title":"t","kind":"todo","for":"hall1"}"#, (400, "malformed")),
        ("POST", "/tasks", r#"{"title":"t\u0000","kind":"todo"}"#, (422, "forbidden-character")),
        ("POST", "/tasks", r#"{"title":" ","kind":"todo"}"#, (400, "missing-field")),
        ("POST", "/tasks", r#"{"title":"t","kind":"chore"}"#, (422, "unknown-kind")),
        ("POST", "/tasks", r#"{"title":"t","kind":"todo","for":["nobody"]}"#, (422, "unknown-name")),
        ("POST", "/tasks", &long, (422, "too-long")),
        ("POST", "/plans", r#"{"title":"t","kind":"todo","schedule":"noon"}"#, (422, "bad-schedule")),
        ("POST", "/plans", r#"{"title":"t","kind":"todo","schedule":""}"#, (400, "missing-field")),
        ("PATCH", "/tasks/t1", r#"{"assign":["nobody"]}"#, (422, "unknown-name")),
        ("PATCH", "/tasks/t1", r#"{"unassign":["hall2"]}"#, (409, "not-theirs")),
        ("PATCH", "/tasks/t99", "{}", (404, "unknown-task")),
        ("PATCH", "/tasks/..%2f..", "{}", (404, "no-such-address")),
        ("PUT", "/tasks/t1/statuses/hall1", r#"{"status":"maybe"}"#, (422, "unknown-status")),
        ("PUT", "/tasks/t1/statuses/hall2", r#"{"status":"fail"}"#, (409, "not-theirs")),
        ("PUT", "/tasks/t1/statuses/nobody", r#"{"status":"fail"}"#, (404, "unknown-user")),
        ("PUT", "/tasks/t1/statuses/%ff", r#"{"status":"fail"}"#, (404, "no-such-address")),
        ("PUT", "/clock", r#"{"act":"explode"}"#, (422, "unknown-clock-act")),
        ("POST", "/do/assign", r#"{"task":"t1","names":["hall2"],"x":"y"}"#, (400, "malformed")),
        ("POST", "/do/assign", r#"{"task":"t1","names":[7]}"#, (400, "malformed")),
        ("POST", "/do/assign", r#"{"task":"t1"}"#, (400, "missing-field")),
        ("POST", "/do/run", r#"{"checklist":"nothing"}"#, (404, "unknown-checklist")),
    ] {
        let got = site.with(method, &format!("/api/v1/rooms/neerc{path}"), "boss", "", body);
        assert_eq!(got.outcome(), wanted, "{method} {path} {body}: {got:?}");
        assert_eq!(got.header("content-type"), Some("application/problem+json"));
        assert_eq!(got.body["status"], got.status);
        assert!(got.body["detail"].as_str().unwrap().chars().count() <= 400, "{got:?}");
    }
    let head = |more: &str| {
        site.head("POST", "/api/v1/rooms/neerc/tasks", "boss", &format!("Connection: close\r\n{more}\r\n"))
    };
    let form = head("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n");
    assert_eq!(site.raw(&format!("{form}a=b")).outcome(), (415, "not-json"));
    let large = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", limits::BODY_BYTES + 1);
    let got = site.raw(&format!("{}{}", head(&large), "x".repeat(limits::BODY_BYTES + 1)));
    assert_eq!(got.outcome(), (413, "large-body"));
    assert_eq!(site.get("/tasks?since=x", "boss").outcome(), (400, "malformed"));
    assert_eq!(site.get("/tasks", "boss").body["tasks"].as_array().unwrap().len(), 1, "nothing of all that was done");
}

#[test]
fn a_request_with_a_key_is_done_once_also_by_the_next_process() {
    let site = Site::new();
    let post = |site: &Site, token: &str, key: &str, title: &str| {
        let body = json!({"title": title, "kind": "todo"}).to_string();
        site.with("POST", "/api/v1/rooms/neerc/tasks", token, &format!("Idempotency-Key: {key}\r\n"), &body)
    };
    let id = |got: &Got| got.body["id"].as_str().unwrap_or_default().to_owned();
    assert_eq!(id(&post(&site, "boss", "\"8e03\"", "Water")), "t1");
    let again = post(&site, "boss", "8e03", "Water");
    assert_eq!((again.status, id(&again).as_str()), (201, "t1"));
    assert_eq!(post(&site, "boss", "\"8e03\"", "Tea").outcome(), (422, "used-key"));
    assert_eq!(id(&post(&site, "boss", "\"8e04\"", "Water")), "t2");
    assert_eq!(post(&site, "boss", "ключ", "Water").outcome(), (400, "malformed"));
    assert_eq!(post(&site, "boss", &"x".repeat(200), "Water").outcome(), (400, "malformed"));
    let site = site.restarted();
    assert_eq!(id(&post(&site, "boss", "\"8e03\"", "Water")), "t1");
    assert_eq!(post(&site, "boss", "\"8e03\"", "Tea").outcome(), (422, "used-key"));
    assert_eq!(id(&post(&site, "boss", "\"8e05\"", "Water")), "t3");
    assert_eq!(site.get("/tasks", "boss").body["tasks"].as_array().unwrap().len(), 3);
}

#[test]
fn what_happened_is_told_newest_first_page_by_page() {
    let site = Site::new();
    for n in 0..limits::HISTORY_PAGE {
        let body = json!({"title": format!("Task {n}"), "kind": "todo"});
        let more = format!("Idempotency-Key: {n}\r\n");
        // Two tokens, so that neither asks too often.
        let got = site.with("POST", "/api/v1/rooms/neerc/tasks", "boss", &more, &body.to_string());
        assert_eq!(got.status, 201, "{got:?}");
    }
    assert_eq!(site.get("/history", "look").outcome(), (403, "admins-only"));
    let first = site.get("/history", "eyes");
    let all = first.body["history"].as_array().unwrap();
    assert_eq!((all.len(), &all[0]["task"]), (limits::HISTORY_PAGE, &json!(format!("t{}", limits::HISTORY_PAGE))));
    let link = first.header("link").unwrap().to_owned();
    let next = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
    let second = site.with("GET", next, "eyes", "", "");
    let rest = second.body["history"].as_array().unwrap();
    assert_eq!((rest.len(), &rest[0]["what"], second.header("link")), (TOKENS.len(), &json!("door"), None));
    let of_task = site.get("/history?task=t3", "eyes").body;
    assert_eq!((of_task["history"].as_array().unwrap().len(), &of_task["history"][0]["title"]), (1, &json!("Task 2")));
    let revision = all[2]["revision"].as_u64().unwrap();
    let newer = site.get(&format!("/history?since={revision}"), "eyes");
    assert_eq!((newer.body["history"].as_array().unwrap().len(), newer.header("link")), (2, None));
    assert_eq!(site.get("/history?by=hall1", "eyes").body["history"], json!([]));
    assert_eq!(site.get("/history?task=t999", "eyes").outcome(), (404, "unknown-task"));
}

/// The events of a stream, one by one: name, id and data.
struct Stream(BufReader<TcpStream>);

impl Stream {
    fn open(site: &Site, token: &str, more: &str) -> Stream {
        let mut stream = site.connect();
        let head = site.head("GET", "/api/v1/rooms/neerc/events", token, &format!("{more}\r\n"));
        stream.write_all(head.as_bytes()).unwrap();
        Stream(BufReader::new(stream))
    }

    /// The next event that is no beat; nothing at the end of the stream.
    fn next(&mut self) -> Option<(String, String, Value)> {
        let (mut name, mut id, mut data) = (String::new(), String::new(), String::new());
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap_or(0) == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("event", text)) => text.clone_into(&mut name),
                Some(("id", text)) => text.clone_into(&mut id),
                Some(("data", text)) => data.push_str(text),
                None if line.trim_end().is_empty() && !data.is_empty() => {
                    if name != "beat" {
                        return Some((name, id, serde_json::from_str(&data).unwrap()));
                    }
                    data.clear();
                }
                _ => {}
            }
        }
    }
}

#[test]
fn what_changes_is_told_as_it_happens_until_the_token_is_revoked() {
    let site = Site::new();
    site.made("Water", &["hall1"]);
    let mut stream = Stream::open(&site, "look", "");
    let (name, _, data) = stream.next().unwrap();
    assert_eq!((name.as_str(), &data["tasks"][0]["title"]), ("snapshot", &json!("Water")));
    site.call("PUT", "/tasks/t1/statuses/hall1", "hall", &json!({"status": "running"}));
    let (name, id, data) = stream.next().unwrap();
    assert_eq!((name.as_str(), &data["tasks"][0]["statuses"][0]["status"]), ("tasks", &json!("running")));
    // Whoever knows all of it is told only what comes next.
    let mut resumed = Stream::open(&site, "look", &format!("Last-Event-ID: {id}\r\n"));
    // The answer to this begins once the stream is open.
    let mut line = String::new();
    resumed.0.read_line(&mut line).unwrap();
    assert_eq!(line.trim_end(), "HTTP/1.1 200 OK");
    site.call("DELETE", "/tasks/t1", "boss", &Value::Null);
    for stream in [&mut stream, &mut resumed] {
        let (name, _, data) = stream.next().unwrap();
        assert_eq!((name.as_str(), &data["removed"]), ("tasks", &json!(["t1"])));
    }
    let mut stale = Stream::open(&site, "look", "Last-Event-ID: 7-7\r\n");
    assert_eq!(stale.next().unwrap().0, "snapshot");
    let change = Change::Door(DoorChange::Revoked { token: TokenId(4) });
    let album = site.web.bridge.albums.borrow().clone();
    let mut picture = (*album.rooms[0]).clone();
    let mut board = (*picture.board).clone();
    board.apply(board.revision() + 1, &change);
    (picture.board, picture.serial) = (Arc::new(board), picture.serial + 1);
    site.web.bridge.albums.send_replace(Arc::new(Album {
        time: album.time,
        rooms: vec![Arc::new(picture)],
        elsewhere: None,
    }));
    for mut stream in [stream, resumed, stale] {
        assert!(stream.next().is_none(), "the stream ends with its token");
    }
    assert_eq!(site.get("/users", "look").outcome(), (401, "no-token"));
}

#[test]
fn a_token_reads_so_many_streams_and_no_more() {
    let site = Site::new();
    let open = || {
        let mut stream = Stream::open(&site, "look", "");
        let mut line = String::new();
        stream.0.read_line(&mut line).unwrap();
        (stream, line.trim_end().to_owned())
    };
    let mut streams: Vec<_> = (0..limits::API_STREAMS_PER_TOKEN).map(|_| open()).collect();
    assert!(streams.iter().all(|(_, line)| line == "HTTP/1.1 200 OK"));
    assert_eq!(open().1, "HTTP/1.1 429 Too Many Requests");
    streams.pop();
    // Whether somebody has gone is known once something is written to them.
    let began = Instant::now();
    while open().1 != "HTTP/1.1 200 OK" {
        site.made("News", &["hall1"]);
        assert!(began.elapsed() < PATIENCE, "the place is not free again");
        std::thread::sleep(Duration::from_millis(50)); // not to ask too often
    }
}

#[test]
fn the_description_is_what_is_served_and_each_of_its_addresses_answers() {
    let made = super::document();
    let text = format!("{made:#}\n");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../doc/openapi.json");
    if std::env::var_os("NEERC_WRITE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    assert!(known == text, "doc/openapi.json is not what is made now; NEERC_WRITE=1 writes it");
    let site = Site::new();
    assert_eq!(site.with("GET", "/api/v1/openapi.json", "", "", "").body, made);
    let names: BTreeSet<_> = made["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
    for reference in text.split("#/components/schemas/").skip(1) {
        assert!(names.contains(reference.split('"').next().unwrap()), "{reference:.40}");
    }
    let mut operations = 0;
    for (path, methods) in made["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let at = path.replace("{room}", "neerc").replace("{task}", "t1").replace("{name}", "hall1");
            let at = at.replace("{plan}", "s1").replace("{code}", "no-clock");
            if at.ends_with("/events") {
                let mut stream = Stream::open(&site, "boss", "");
                assert_eq!(stream.next().unwrap().0, "snapshot");
            } else {
                let got = site.with(&method.to_uppercase(), &at, "boss", "", "");
                assert!(
                    !["no-such-address", "method-not-allowed"].contains(&got.outcome().1),
                    "{method} {at}: {got:?}"
                );
                assert!(got.status < 500 && got.status != 0, "{method} {at}: {got:?}");
                let has_body = operation["requestBody"]["required"] == true;
                assert_eq!(got.outcome().0 == 400, has_body, "{method} {at}: {got:?}");
            }
            operations += 1;
        }
    }
    assert!(operations > 30, "{operations}");
}

#[test]
fn every_problem_has_a_code_of_its_own_and_is_described() {
    let codes: Vec<_> = problem::all().map(|(code, _)| code).collect();
    let distinct: BTreeSet<_> = codes.iter().collect();
    assert_eq!(distinct.len(), codes.len());
    let site = Site::new();
    let got = site.with("GET", "/api/v1/problems/removed-task", "", "", "");
    assert_eq!(got.body, json!({"code": "removed-task", "title": "Removed task", "status": 410}));
    assert_eq!(site.with("GET", "/api/v1/problems/none", "", "", "").outcome(), (404, "no-such-address"));
}
