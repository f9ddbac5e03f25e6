//! A second machine that follows: what was answered is on it, whatever happens to the first, and it can serve.

mod ssh;

use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use neerc_store::{Keep, LogReader, Url};

use crate::disk::power::close;
use crate::doors::printed;
use crate::fake::{FakeServer, ROOM};
use crate::files::ended;
use crate::guard::Process;
use crate::said::NS;
use crate::service::Neerc;
use crate::wait::wait_for;

const JURY: &str = "jury1@localhost/desk";
const TWO: &str = "[store]\ncopies = 2\n";

/// The machine that follows, whose configuration is that of `second`.
pub fn follow(second: &Neerc<'_>, first: &Neerc<'_>) -> Process {
    Process::spawn_logged("follower", &mut following(second, first), &second.dir.join("follower.log"))
}

/// The same, joined to the other machine by that command.
fn follow_by(second: &Neerc<'_>, command: &[OsString]) -> Process {
    Process::spawn_logged("follower", &mut following_by(second, command), &second.dir.join("follower.log"))
}

fn following(second: &Neerc<'_>, first: &Neerc<'_>) -> Command {
    let feed = [env!("CARGO_BIN_EXE_neerc").into(), "feed".into(), "--config".into(), first.config().into()];
    following_by(second, &feed)
}

fn following_by(second: &Neerc<'_>, command: &[OsString]) -> Command {
    let mut following = second.command();
    following.args(["follow", "--config"]).arg(second.config()).arg("--").args(command);
    following
}

fn log_of(neerc: &Neerc<'_>) -> LogReader {
    LogReader::of(&Url::Sqlite(neerc.dir.join("neerc.db")))
}

/// Waits until a store has the log up to a revision.
#[track_caller]
fn waits_for(neerc: &Neerc<'_>, revision: u64) {
    wait_for(&format!("revision {revision}"), || log_of(neerc).newest().is_ok_and(|newest| newest >= revision));
}

fn task(fake: &FakeServer, title: &str) -> String {
    let task = format!("<task xmlns='{NS}#task' title='{title}' type='todo'><status for='hall1'/></task>");
    fake.iq(JURY, "set", title, &task)
}

#[track_caller]
fn make(fake: &mut FakeServer, title: &str) {
    fake.send(&task(fake, title));
    assert_eq!(fake.expect(|said| said.id == title).kind, "result", "{title}");
}

/// Waits until everybody was told up to a revision.
#[track_caller]
fn is_told(fake: &mut FakeServer, neerc: &Neerc<'_>, revision: u64) {
    wait_for("everybody to be told", || {
        while fake.hear(Duration::from_millis(5)).is_some() {}
        log_of(neerc).told().unwrap() == revision
    });
}

/// The titles of all tasks, as a client sees them.
fn titles(fake: &mut FakeServer) -> String {
    fake.send(&fake.iq(JURY, "get", "titles", &format!("<query xmlns='{NS}#tasks'/>")));
    fake.expect(|said| said.id == "titles").xml
}

fn status(neerc: &Neerc<'_>) -> String {
    let output = neerc.command().args(["status", "--config"]).arg(neerc.config()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_was_answered_is_served_by_the_second_machine_after_the_first_is_lost() {
    let (listener, mut first) = FakeServer::prepare(TWO);
    let mut fake = FakeServer::serve(&listener, &mut first, |_| String::new());
    let (elsewhere, mut second) = FakeServer::prepare("");
    let follower = follow(&second, &first);
    make(&mut fake, "before");
    let all: String = (0..300).map(|number| task(&fake, &format!("all{number}"))).collect();
    fake.send(&all);
    let mut answered = vec!["before".to_owned()];
    while answered.len() < 100 {
        let said = fake.expect(|said| said.id.starts_with("all"));
        assert_eq!(said.kind, "result");
        answered.push(said.id);
    }
    first.kill9();
    while let Some(said) = fake.expect_or_end(|said| said.id.starts_with("all")) {
        answered.push(said.id);
    }
    drop(follower);
    drop(fake);
    let mut fake = FakeServer::serve(&elsewhere, &mut second, |_| String::new());
    let served = titles(&mut fake);
    for title in &answered {
        assert!(served.contains(&format!("title='{title}'")), "{title} was answered, and is not in {served}");
    }
    make(&mut fake, "after");
}

#[test]
fn nothing_is_answered_before_the_second_machine_has_it() {
    let listening = "[operations]\nlisten = \"127.0.0.1:0\"\n[web]\nlisten = \"127.0.0.1:0\"\n";
    let (listener, mut first) = FakeServer::prepare(&format!("{TWO}{listening}"));
    let mut fake = FakeServer::serve(&listener, &mut first, |_| String::new());
    let (_elsewhere, second) = FakeServer::prepare("");
    let mut follower = follow(&second, &first);
    make(&mut fake, "one");
    let monitor = crate::http::Http::said(&first, "monitoring is answered at");
    assert!(monitor.get("/metrics").text.contains("\nneerc_followers 1\n"));
    let token = printed(&first, &["token", "--room", ROOM, "--write", "--as", "jury1"]);
    let told = || {
        let board = crate::http::Http::board(&first);
        let path = format!("/api/v1/rooms/{ROOM}/history");
        let asked = board.request("GET", &path, &format!("Authorization: Bearer {}\r\n", token.trim()), "");
        board.send(asked.as_bytes()).text
    };
    wait_for("the history in the browser", || told().contains("one"));
    let before = log_of(&first).newest().unwrap();

    follower.signal("STOP");
    fake.send(&task(&fake, "two"));
    waits_for(&first, before + 1);
    fake.send(&fake.iq(JURY, "get", "alive", "<ping xmlns='urn:xmpp:ping'/>"));
    let said = fake.expect(|said| said.id == "alive" || said.id == "two");
    assert_eq!(said.id, "alive", "a change that is on one machine was answered");
    assert!(!titles(&mut fake).contains("title='two'"), "nor does anybody see it");
    let history = |of: &str| printed(&first, &[of]);
    for of in ["log", "export"] {
        let told = history(of);
        assert!(told.contains("one") && !told.contains("two"), "{of} tells of it: {told}");
    }
    assert!(!told().contains("two"), "programs are told of it");
    follower.signal("CONT");
    assert_eq!(fake.expect(|said| said.id == "two").kind, "result");
    wait_for("the history in the browser", || told().contains("two"));
    assert!(history("log").contains("two") && history("export").contains("two"));
    waits_for(&second, before + 1);
    for asks in ["status", "check"] {
        let said = printed(&second, &[asks]);
        let wanted = format!("keeps it up with another machine; the log is here up to revision {}", before + 1);
        assert!(said.contains(&wanted), "{said}");
    }

    follower.kill();
    wait_for("the loss of the follower", || monitor.get("/metrics").text.contains("\nneerc_followers 0\n"));
    fake.send(&task(&fake, "three"));
    first.wait_for_log("no other machine follows, so changes wait until one does", 0);
    let _again = follow(&second, &first);
    assert_eq!(fake.expect(|said| said.id == "three").kind, "result");
    waits_for(&second, before + 2);
}

#[test]
fn a_service_that_may_go_on_alone_answers_and_says_so_to_admins_and_to_whoever_runs_it() {
    let monitoring = "[operations]\nlisten = \"127.0.0.1:0\"\n";
    let (listener, mut first) = FakeServer::prepare(&format!("{TWO}alone = \"go on\"\n{monitoring}"));
    let mut fake = FakeServer::serve(&listener, &mut first, |_| String::new());
    fake.chats("jury1@localhost/phone");
    make(&mut fake, "one");
    first.wait_for_log("no other machine follows, so changes are on this machine alone", 0);
    fake.hears("there is one copy of the tasks only");
    let monitor = crate::http::Http::said(&first, "monitoring is answered at");
    assert!(monitor.get("/metrics").text.contains("\nneerc_store_alone 1\n"));
    assert!(status(&first).contains("\ncopies    ONE ONLY since 20"), "{}", status(&first));
    let (_elsewhere, second) = FakeServer::prepare("");
    let mut follower = follow(&second, &first);
    waits_for(&second, 1);
    fake.hears("The tasks are on two machines again");
    assert!(monitor.get("/metrics").text.contains("\nneerc_store_alone 0\n"));
    assert!(status(&first).contains("\ncopies    two\n"), "{}", status(&first));
    follower.signal("STOP");
    // Whoever is silent is gone in the end.
    make(&mut fake, "two");
    follower.signal("CONT");
    waits_for(&second, 2);
}

#[test]
fn a_store_of_another_history_does_not_follow() {
    let (listener, mut first) = FakeServer::prepare("");
    let mut fake = FakeServer::serve(&listener, &mut first, |_| String::new());
    make(&mut fake, "one");
    let (elsewhere, mut second) = FakeServer::prepare("");
    let mut other = FakeServer::serve(&elsewhere, &mut second, |_| String::new());
    make(&mut other, "other");
    second.terminate();
    let (code, said) = ended(&mut following(&second, &first));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the other machine refuses") && said.contains("another history"), "{said}");
    assert_eq!(log_of(&second).newest().unwrap(), 1);
}

#[test]
fn what_is_in_archives_comes_as_a_copy_and_what_was_told_is_not_told_again() {
    let (listener, mut first) = FakeServer::prepare("");
    let mut fake = FakeServer::serve(&listener, &mut first, |_| String::new());
    for number in 0..20 {
        make(&mut fake, &format!("early{number}"));
    }
    is_told(&mut fake, &first, 20);
    first.terminate();
    drop(fake);
    let opened = neerc_store::open(&Url::Sqlite(first.dir.join("neerc.db"))).unwrap();
    opened.store.compact(Keep { since_ms: i64::MAX, now_ms: i64::MAX, newest_bytes: 1 }).wait().unwrap();
    let floor = log_of(&first).floor().unwrap().revision;
    assert!(floor > 0);
    close(opened.store);

    let mut fake = FakeServer::serve(&listener, &mut first, |_| String::new());
    let (elsewhere, mut second) = FakeServer::prepare("");
    let follower = follow(&second, &first);
    make(&mut fake, "late");
    waits_for(&second, 21);
    assert_eq!(log_of(&second).floor().unwrap().revision, floor);
    is_told(&mut fake, &first, 21);
    wait_for("what was told", || log_of(&second).told().unwrap() == 21);
    drop(follower);
    first.kill9();
    let mut fake = FakeServer::serve(&elsewhere, &mut second, |_| String::new());
    let served = titles(&mut fake);
    assert!((0..20).all(|number| served.contains(&format!("title='early{number}'"))), "{served}");
    assert!(served.contains("title='late'"));
}
