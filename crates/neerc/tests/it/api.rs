//! The interface for programs and the command line that uses it, with real servers and clients: what a program makes is seen
//! by chat clients, and what they answer by programs.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Output;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Method, Request};

use crate::servers::{Kind, Server, unique};
use crate::service::Neerc;
use crate::slix::Slix;
use crate::wait::PATIENCE;

const WEB: &str = "[web]\nlisten = \"127.0.0.1:0\"\n";
const TASKS: &str = "http://neerc.ifmo.ru/protocol/neerc#tasks";
const STATUS: &str = "http://neerc.ifmo.ru/protocol/neerc#taskstatus";

on_both!(
    what_programs_make_clients_see_and_answer,
    a_repeated_request_is_answered_after_a_kill_and_done_once,
    of_two_who_change_at_once_what_both_have_seen_one_is_told_what_changed
);

/// A program with a token.
struct Program {
    agent: Agent,
    url: String,
    room: String,
    token: String,
}

impl Program {
    /// In the name of a user, to do what they may do.
    fn of(neerc: &Neerc<'_>, room: &str, name: &str) -> Program {
        let asked = ["token", "--room", room, "--write", "--as", name, "--config"];
        let output = neerc.command().args(asked).arg(neerc.config()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let token = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
        Program { agent: config.build().new_agent(), url: url(neerc), room: room.to_owned(), token }
    }

    fn ask(&self, method: Method, path: &str, key: &str, body: Option<&Value>) -> (u16, Value) {
        self.ask_with(method, path, ("Idempotency-Key", key), body)
    }

    /// Asks with a header, unless that is empty.
    fn ask_with(&self, method: Method, path: &str, header: (&str, &str), body: Option<&Value>) -> (u16, Value) {
        let request = Request::builder().method(method).uri(format!("{}/api/v1/rooms/{}{path}", self.url, self.room));
        let request = request.header("Authorization", format!("Bearer {}", self.token));
        let request = if header.1.is_empty() { request } else { request.header(header.0, header.1) };
        let answer = match body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json").body(body.to_string()).unwrap();
                self.agent.run(request)
            }
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer.expect("an answer");
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Every event from now on, after the first one, which tells everything.
    fn events(&self) -> BufReader<TcpStream> {
        let host = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (room, token) = (&self.room, &self.token);
        let head = format!(
            "GET /api/v1/rooms/{room}/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut stream = BufReader::new(stream);
        event(&mut stream, |data| data["clock"] == Value::Null && data["tasks"].is_array());
        stream
    }

    /// What a command of the program prints.
    fn run(&self, neerc: &Neerc<'_>, args: &[&str]) -> Output {
        let mut command = neerc.command();
        command.args(args).args(["--url", &self.url, "--room", &self.room]).env("NEERC_TOKEN", &self.token);
        command.output().unwrap()
    }

    #[track_caller]
    fn printed(&self, neerc: &Neerc<'_>, args: &[&str]) -> String {
        let output = self.run(neerc, args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Where the board is served by the process that runs now.
fn url(neerc: &Neerc<'_>) -> String {
    let log = neerc.log();
    let (_, rest) = log.rsplit_once("the board is served at ").expect("it says where");
    rest.split_whitespace().next().unwrap().to_owned()
}

/// The data of the first event that is wanted.
#[track_caller]
fn event(stream: &mut BufReader<TcpStream>, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        let mut line = String::new();
        assert_ne!(stream.read_line(&mut line).expect("an event in time"), 0, "the stream ended");
        let data = line.strip_prefix("data: ").and_then(|data| serde_json::from_str(data).ok());
        if let Some(data) = data.filter(&wanted) {
            return data;
        }
    }
}

fn what_programs_make_clients_see_and_answer(kind: Kind) {
    let server = Server::shared(kind);
    server.register_many(&["boss", "hall1"]);
    let room = server.room(&[("boss", "owner"), ("hall1", "member")]);
    let neerc = Neerc::start(server, &[&room], WEB);
    let to = neerc.room_jid(&room);
    let hall = Slix::shared().login(server, "hall1", "desk");
    hall.join(&room, "Hall 1");
    assert_eq!(hall.iq(&to, "get", &format!("<query xmlns='{TASKS}'/>")).kind(), "result");
    let program = Program::of(&neerc, &room, "boss");
    let mut events = program.events();
    let (status, made) = program.ask(
        Method::POST,
        "/tasks",
        "",
        Some(&json!({"title": "Printers", "kind": "todofail", "for": ["hall1"]})),
    );
    assert_eq!((status, made["id"].as_str()), (201, Some("t1")), "{made}");
    let told = hall.expect_message(|message| message.xml.contains("Printers"), PATIENCE);
    assert!(told.xml.contains("t1"), "{}", told.xml);
    event(&mut events, |data| data["tasks"][0]["title"] == "Printers");
    let said = hall.iq(&to, "set", &format!("<taskstatus xmlns='{STATUS}' id='t1' type='fail' value='no paper'/>"));
    assert_eq!(said.kind(), "result");
    let seen = event(&mut events, |data| data["tasks"][0]["statuses"][0]["status"] == "fail");
    assert_eq!(seen["tasks"][0]["statuses"][0]["value"], "no paper");
    // The same by the command line.
    assert_eq!(program.printed(&neerc, &["tasks"]), "t1 · Printers · todofail · hall1 fail: no paper\n");
    let made = program.printed(&neerc, &["task", "Water for all", "--for", "hall1"]);
    assert_eq!(made, "t2\n");
    hall.expect_message(|message| message.xml.contains("Water for all"), PATIENCE);
    assert_eq!(program.printed(&neerc, &["late"]), "t2 · Water for all · hall1\n");
    let said = program.printed(&neerc, &["answer", "t2", "running", "--for", "hall1"]);
    assert_eq!(said, "t2 · Water for all · hall1 running\n");
    hall.expect_message(|message| message.xml.contains("running"), PATIENCE);
    let set = program.printed(&neerc, &["clock", "length", "5:00"]);
    assert!(set.contains("5:00:00"), "{set}");
    let shown: Value = serde_json::from_str(&program.printed(&neerc, &["clock", "--json"])).unwrap();
    assert_eq!(shown["total_ms"], 18_000_000);
    let refused = program.run(&neerc, &["answer", "t9", "running", "--for", "hall1"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!((refused.status.code(), said.as_str()), (Some(1), "neerc: there is no task '9'\n"));
    let mut unknown = neerc.command();
    let without =
        unknown.args(["tasks", "--url", &program.url, "--room", &room]).env_remove("NEERC_TOKEN").output().unwrap();
    assert_eq!(without.status.code(), Some(2), "{without:?}");
    // A token is good as long as its user is in the room, and is nobody else's.
    let own = Program::of(&neerc, &room, "hall1");
    assert_eq!(own.ask(Method::GET, "/late", "", None).1["code"], "admins-only");
    server.set_affiliation(&room, "hall1@localhost", "none");
    let gone = crate::wait::poll_for(PATIENCE, || {
        (own.ask(Method::GET, "/tasks", "", None).1["code"] == "not-in-room").then_some(())
    });
    assert!(gone.is_some(), "who is out of the room reads it still");
}

fn a_repeated_request_is_answered_after_a_kill_and_done_once(kind: Kind) {
    let server = Server::shared(kind);
    server.register_many(&["boss"]);
    let room = server.room(&[("boss", "owner")]);
    let mut neerc = Neerc::start(server, &[&room], WEB);
    let mut program = Program::of(&neerc, &room, "boss");
    let body = json!({"title": "Once", "kind": "todo"});
    let made = program.ask(Method::POST, "/tasks", "\"8e03978e\"", Some(&body));
    assert_eq!((made.0, made.1["id"].as_str()), (201, Some("t1")), "{made:?}");
    neerc.kill9();
    neerc.restart();
    program.url = url(&neerc);
    let again = program.ask(Method::POST, "/tasks", "\"8e03978e\"", Some(&body));
    assert_eq!((again.0, again.1["id"].as_str()), (201, Some("t1")), "{again:?}");
    let other = program.ask(Method::POST, "/tasks", "\"8e03978e\"", Some(&json!({"title": "Other", "kind": "todo"})));
    assert_eq!((other.0, other.1["code"].as_str()), (422, Some("used-key")));
    let all = program.ask(Method::GET, "/tasks", "", None).1;
    assert_eq!(all["tasks"].as_array().map(Vec::len), Some(1), "{all}");
}

fn of_two_who_change_at_once_what_both_have_seen_one_is_told_what_changed(kind: Kind) {
    let server = Server::shared(kind);
    let (one, other, hall) = (unique("one"), unique("other"), unique("hall"));
    server.register_many(&[&one, &other, &hall]);
    let room = server.room(&[(&one, "owner"), (&other, "admin"), (&hall, "member")]);
    let neerc = Neerc::start(server, &[&room], WEB);
    let programs = [&one, &other].map(|name| Program::of(&neerc, &room, name));
    let wanted = json!({"title": "Printers", "kind": "todo", "for": [hall]});
    assert_eq!(programs[0].ask(Method::POST, "/tasks", "", Some(&wanted)).0, 201);
    let seen = |program: &Program| program.ask(Method::GET, "/tasks", "", None).1["tasks"][0].clone();
    for (header, refused) in [("If-Match", 412), ("", 409)] {
        let before = seen(&programs[0]);
        let revision = before["revision"].as_u64().expect("a task says its revision");
        let (matched, query) = match header {
            "" => (String::new(), format!("?seen={revision}")),
            _ => (format!("\"{revision}\""), String::new()),
        };
        let rename = |program: &Program, title: &str| {
            let body = json!({"title": title});
            program.ask_with(Method::PATCH, &format!("/tasks/t1{query}"), (header, &matched), Some(&body))
        };
        let titles = [format!("Ink {header}"), format!("Paper {header}")];
        let told = std::thread::scope(|scope| {
            let asked = [0, 1].map(|n| {
                scope.spawn({
                    let (rename, programs, titles) = (&rename, &programs, &titles);
                    move || rename(&programs[n], &titles[n])
                })
            });
            asked.map(|asked| asked.join().unwrap())
        });
        let winner = told.iter().position(|(status, _)| *status == 200).unwrap_or_else(|| panic!("{told:?}"));
        let (status, problem) = &told[1 - winner];
        assert_eq!((*status, &problem["code"]), (refused, &json!("outdated")), "{told:?}");
        assert_eq!(problem["task"]["title"], json!(titles[winner]), "who was late is shown what is there: {problem}");
        let now = seen(&programs[1]);
        assert_eq!((&now["title"], &now), (&json!(titles[winner]), &problem["task"]), "nothing else was done");
        assert_eq!(rename(&programs[winner], &titles[winner]).0, 200, "it is so already");
    }
    let malformed = programs[0].ask_with(Method::DELETE, "/tasks/t1", ("If-Match", "\"x\", \"y\""), None);
    assert_eq!((malformed.0, &malformed.1["code"]), (400, &json!("malformed")));
    assert_eq!(programs[0].ask(Method::DELETE, "/tasks/t1?seen=1", "", None).0, 409, "it has another title since");
    let revision = seen(&programs[0])["revision"].as_u64().unwrap();
    let removed = programs[0].ask_with(Method::DELETE, "/tasks/t1", ("If-Match", &format!("\"{revision}\"")), None);
    assert_eq!(removed.0, 204);
}
