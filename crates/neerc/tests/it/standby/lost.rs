//! A machine is lost whose database was copied with a delay: the other one takes over without what was answered last, and whoever
//! remembers some of that learns it: the admins, the clients, browsers, programs.

use std::path::Path;

use neerc_testing::postgres::Cluster;
use serde_json::{Value, json};

use crate::fake::{FakeServer, ROOM};
use crate::http::{Http, Reply};
use crate::said::{NS, Said};
use crate::service::Neerc;
use crate::wait::wait_for;

const JURY: &str = "jury1@localhost/desk";

#[track_caller]
fn make(fake: &mut FakeServer, title: &str) {
    let task = format!("<task xmlns='{NS}#task' title='{title}' type='todo'><status for='hall1'/></task>");
    fake.send(&fake.iq(JURY, "set", title, &task));
    assert_eq!(fake.expect(|said| said.id == title).kind, "result", "{title}");
}

/// Clients are told that what they may have heard of is not there.
#[track_caller]
fn is_gone(fake: &mut FakeServer) {
    let gone = |said: &Said| said.xml.contains("id='t2'") && said.xml.contains("type='remove'");
    fake.expect(|said| said.to == "hall1@localhost/bad" && gone(said));
}

/// What `neerc token` prints.
#[track_caller]
fn token(neerc: &Neerc<'_>, scope: &str) -> String {
    let asked = ["token", "--room", ROOM, scope, "--as", "jury1", "--config"];
    let output = neerc.command().args(asked).arg(neerc.config()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    said.trim().rsplit('/').next().unwrap().to_owned()
}

/// What `neerc standby status` says there.
fn survey(neerc: &Neerc<'_>) -> String {
    let asked = neerc.command().args(["standby", "status", "--config"]).arg(neerc.config()).output().unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    String::from_utf8(asked.stdout).unwrap()
}

/// The interface for programs, as one of them uses it.
struct Program<'a> {
    http: Http,
    token: &'a str,
}

impl Program<'_> {
    #[track_caller]
    fn ask(&self, method: &str, path: &str, fields: &str, body: &str) -> (u16, Value) {
        let fields = format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n{fields}", self.token);
        let request = self.http.request(method, &format!("/api/v1/rooms/{ROOM}{path}"), &fields, body);
        let Reply { status, text, .. } = self.http.send(request.as_bytes());
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask("GET", path, "", "");
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// The last change of all rooms, which the history names.
    #[track_caller]
    fn newest(&self) -> u64 {
        self.get("/history")["history"][0]["revision"].as_u64().unwrap()
    }
}

/// Two machines whose databases follow each other with a delay.
fn databases() -> (Cluster, Cluster, String, String) {
    let primary = Cluster::start(&[]);
    let database = primary.database();
    let other = Cluster::standby(&primary, &[]);
    let (ours, theirs) = (primary.port(), other.port());
    let url = format!("postgres://postgres@127.0.0.1:{ours},127.0.0.1:{theirs}/{database}");
    let config = format!("[store]\nurl = \"{url}\"\n[web]\nlisten = \"127.0.0.1:0\"\n");
    (primary, other, database, config)
}

#[test]
fn whoever_remembers_what_was_lost_learns_it() {
    let (primary, other, database, config) = databases();
    let (listener, mut first) = FakeServer::prepare(&config);
    let mut fake = FakeServer::serve(&listener, &mut first, |_| String::new());
    let (elsewhere, mut second) = FakeServer::prepare(&config);
    second.spawn();
    second.wait_for_log("standing by for", 0);
    make(&mut fake, "kept");
    let (write, wall) = (token(&first, "--write"), token(&first, "--display"));
    let program = Program { http: Http::board(&first), token: &write };
    let board = program.get("/tasks");
    let generation = board["generation"].as_str().unwrap().to_owned();
    let kept = program.newest();
    let page = program.http.get(&format!("/wall/{wall}")).text;
    let shown = page.split("data-since=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();

    // From here on the other database is told nothing more.
    let ends = |of: &Cluster| of.sql(&database, "SELECT revision FROM head");
    wait_for("the other database", || ends(&other) == ends(&primary));
    let ends_at: u64 = ends(&other).parse().unwrap();
    other.sql("postgres", "ALTER SYSTEM SET primary_conninfo = ''");
    other.sql("postgres", "SELECT pg_reload_conf()");
    wait_for("the end of copying", || primary.sql("postgres", "SELECT count(*) FROM pg_stat_replication") == "0");
    make(&mut fake, "lost");
    make(&mut fake, "forgotten");
    let lost = program.newest();
    assert_eq!(lost, ends_at + 2);
    wait_for("the machine that stands by to see it", || {
        survey(&second).contains(&format!("has seen revision {lost}\n"))
    });
    primary.kill();
    first.kill9();
    drop(fake);
    other.promote();
    let mut fake = FakeServer::accept(elsewhere, &second);

    // Clients, old ones as well.
    is_gone(&mut fake);
    // Whoever runs it, and the admins.
    let missing = format!("{} to {lost}", ends_at + 1);
    second.wait_for_log(&format!("changes may be missing: the store had revisions {missing}"), 0);
    fake.chats("jury1@localhost/phone");
    let told = fake.hears("may be missing").xml;
    assert!(told.contains(&format!("(revisions {missing})")), "{told}");
    fake.send(&fake.iq("hall1@localhost/bad", "get", "tasks", &format!("<query xmlns='{NS}#tasks'/>")));
    let list = fake.expect(|said| said.id == "tasks").xml;
    assert!(list.contains("title='kept'") && !list.contains("title='lost'"), "{list}");

    // Programs. Until the service has taken a picture of its room, they are shown what was known while it stood by.
    let program = Program { http: Http::board(&second), token: &write };
    wait_for("the log that is served", || {
        let (status, board) = program.ask("GET", "/tasks", "", "");
        status == 200 && board["generation"] != json!(generation)
    });
    let board = program.get("/tasks");
    let titles =
        |of: &Value| of["tasks"].as_array().unwrap().iter().map(|task| task["title"].clone()).collect::<Vec<_>>();
    assert_eq!(titles(&board), ["kept"]);
    for since in [format!("{generation}-{lost}"), format!("{generation}-{kept}"), lost.to_string()] {
        assert_eq!(titles(&program.get(&format!("/tasks?since={since}"))), ["kept"], "everything, since {since}");
    }
    let (status, problem) = program.ask("GET", &format!("/history?since={generation}-{kept}"), "", "");
    assert_eq!((status, &problem["code"]), (410, &json!("another-log")), "{problem}");
    let rename = json!({"title": "renamed"}).to_string();
    for seen in [format!("{generation}-{lost}"), format!("{generation}-{kept}"), lost.to_string()] {
        let (status, problem) = program.ask("PATCH", "/tasks/t1", &format!("If-Match: \"{seen}\"\r\n"), &rename);
        assert_eq!((status, &problem["task"]["title"]), (412, &json!("kept")), "{seen}: {problem}");
    }
    let seen = format!("If-Match: \"{}-{}\"\r\n", board["generation"].as_str().unwrap(), board["revision"]);
    assert_eq!(program.ask("PATCH", "/tasks/t1", &seen, &rename).0, 200);

    // Browsers.
    let mut events = program.http.events(&format!("/wall/{wall}/events?since={shown}"));
    events.until("event: reload");
}

#[track_caller]
fn tool(neerc: &Neerc<'_>, does: &str, file: &Path) {
    let output = neerc.command().arg(does).arg(file).arg("--config").arg(neerc.config()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_backup_that_is_brought_back_is_the_same_to_whoever_remembers_more() {
    let (listener, mut neerc) = FakeServer::prepare("");
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    make(&mut fake, "kept");
    let copy = neerc.dir.join("copy.db");
    tool(&neerc, "backup", &copy);
    make(&mut fake, "lost");
    make(&mut fake, "forgotten");
    neerc.kill9();
    drop(fake);
    tool(&neerc, "restore", &copy);
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    is_gone(&mut fake);
    neerc.wait_for_log("changes may be missing: the store had revisions 2 to 3, and ended at revision 1 then", 0);
    fake.chats("jury1@localhost/phone");
    fake.hears("may be missing (revisions 2 to 3)");
    make(&mut fake, "again");
}
