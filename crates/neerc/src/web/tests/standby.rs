//! A machine that stands by: what it shows, to whom, and that nothing can be done there.

use super::events::Reader;
use super::{Got, Stage, got, person};
use crate::service::time::wall_ms;
use crate::web::door;
use crate::web::limits::SESSION_IDLE_MS;
use crate::web::picture::Elsewhere;
use neerc_core::change::Change;
use neerc_core::doors::{AccessToken, DoorChange, TokenId, TokenScope, WebSession, WebSessionId};
use neerc_core::keeping::{CopyLack, Keeping, LostChanges, OneCopy};
use neerc_core::view::Visibility;

const TITLE: &str = "Bring water";

fn elsewhere() -> Elsewhere {
    let url = Some("https://other.example.org".into());
    Elsewhere { holder: Some("alpha".to_owned()), url, revision: 7, at_ms: Some(3_723_000) }
}

/// A board with a task of hall1, on a machine that stands by.
fn stage(visibility: Visibility) -> Stage {
    let stage = Stage::new(visibility);
    stage.does("jury1", "create", &[("kind", "todo"), ("title", TITLE), ("names", "hall1")]);
    stage.elsewhere(Some(elsewhere()));
    stage
}

fn give(stage: &Stage, id: u64, scope: TokenScope, who: &str, secret: &str) {
    let (id, hash, person) = (TokenId(id), door::hash_of(secret), person(who));
    let token = AccessToken { id, hash, scope, person, by: None, at_ms: wall_ms() };
    stage.room.lock().unwrap().apply(&super::person("jury1"), Change::Door(DoorChange::Given(token)));
}

fn is_told_who_serves(got: &Got) {
    assert_eq!(got.status, 503, "{got:?}");
    assert_eq!(got.headers["retry-after"], "5");
    assert!(got.body.contains("alpha") && got.body.contains("https://other.example.org"), "{got:?}");
    assert!(!got.body.contains(TITLE) && !got.headers.contains_key("set-cookie"), "{got:?}");
}

#[test]
fn admins_are_told_there_as_well_how_changes_are_kept() {
    let stage = stage(Visibility::All);
    let one_copy = Some(OneCopy { since_ms: wall_ms(), lack: CopyLack::Waits });
    let lost = Some(LostChanges { first: 18, last: 20, since_ms: 0, found_ms: 0 });
    stage.kept(Keeping { one_copy, lost });
    let [admin, hall] = ["jury1", "hall1"].map(|who| stage.get(who, "/r/neerc"));
    for told in ["the second machine is away, so nothing is stored", "(revisions 18 to 20)"] {
        assert!(admin.body.contains(told) && !hall.body.contains(told), "{told}: {}", admin.body);
    }
}

#[test]
fn whoever_may_read_reads_and_there_is_nothing_to_press() {
    let stage = stage(Visibility::All);
    give(&stage, 1, TokenScope::Display, "jury1", "wall");
    let pages = [
        ("jury1", "/r/neerc"),
        ("hall1", "/r/neerc"),
        ("hall2", "/r/neerc?late=1"),
        ("jury1", "/r/neerc/do/show?task=1"),
        ("jury1", "/r/neerc/do/late"),
        ("jury1", "/r/neerc/print"),
        ("jury1", "/r/neerc/history"),
        ("", "/wall/wall"),
    ];
    for (who, path) in pages {
        let page = stage.get(who, path);
        assert_eq!((page.status, &*page.headers["neerc-standby"]), (200, "revision=7"), "{path}: {page:?}");
        let says = "This machine stands by; alpha serves. As of revision 7, 1:02:03.";
        assert!(page.body.contains(says), "{path}: {}", page.body);
        assert!(page.body.contains("href=\"https://other.example.org\""), "{path}");
        for thing in
            ["method=\"post\"", "formaction", "name=\"line\"", "/do/done", "/do/create", "/do/history", "/logout"]
        {
            assert!(!page.body.contains(thing), "{path} of {who} has {thing}: {}", page.body);
        }
    }
    assert!(stage.page("hall1", "/r/neerc").contains(TITLE));
    assert!(
        stage.page("jury1", "/r/neerc").contains("/r/neerc/history") && stage.page("", "/wall/wall").contains(TITLE)
    );
    assert!(!stage.page("hall1", "/r/neerc").contains("/r/neerc/history"));
    assert_eq!(stage.get("hall1", "/").headers["location"], "/r/neerc");
}

#[test]
fn nothing_can_be_done() {
    let stage = stage(Visibility::All);
    give(&stage, 1, TokenScope::Write, "jury1", "secret");
    let revision = stage.room.lock().unwrap().board.revision();
    let posts =
        ["/r/neerc/do/done", "/r/neerc/do/create", "/r/neerc/line", "/r/neerc/logout", "/l/link", "/login", "/r/neerc"];
    for path in posts {
        is_told_who_serves(&stage.post("hall1", path, &[("task", "1"), ("line", "@todo all x"), ("seen", "1")]));
    }
    for path in ["/login", "/l/link", "/healthz", "/r/neerc/do/create", "/r/neerc/do/history?task=1", "/nowhere"] {
        is_told_who_serves(&stage.get("jury1", path));
    }
    let tasks = stage.url("/api/v1/rooms/neerc/tasks");
    let made = Stage::agent().post(&tasks).header("Authorization", "Bearer secret");
    let refused = got(made.content_type("application/json").send(r#"{"title":"x","kind":"todo","for":["hall1"]}"#));
    assert_eq!((refused.status, &*refused.headers["retry-after"]), (503, "5"), "{refused:?}");
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert!(refused.body.contains("\"code\":\"standing-by\"") && refused.body.contains("alpha"), "{refused:?}");
    let read = got(Stage::agent().get(&tasks).header("Authorization", "Bearer secret").call());
    assert_eq!((read.status, &*read.headers["neerc-standby"]), (200, "revision=7"));
    assert!(read.body.contains(TITLE), "{read:?}");
    let guessed = got(Stage::agent().get(&tasks).header("Authorization", "Bearer guessed").call());
    assert!(guessed.status == 503 && !guessed.body.contains(TITLE), "{guessed:?}");
    assert_eq!(stage.room.lock().unwrap().board.revision(), revision);
}

#[test]
fn nobody_is_shown_more_than_where_it_serves() {
    let stage = stage(Visibility::Own);
    let admit = |name: &str, id, who: &str, at_ms| {
        let session = WebSession { id: WebSessionId(id), person: person(who), at_ms, browser: "a browser".into() };
        let change = DoorChange::Admitted { hash: door::hash_of(name), session, link: None };
        stage.room.lock().unwrap().apply(&person(who), Change::Door(change));
    };
    admit("stranger", 11, "stranger", wall_ms());
    admit("old", 12, "jury1", wall_ms() - SESSION_IDLE_MS);
    give(&stage, 1, TokenScope::Read, "jury1", "read");
    give(&stage, 2, TokenScope::Display, "stranger", "gone");
    for who in ["", "x", "stranger", "old", "read", "00"] {
        for path in ["/r/neerc", "/r/neerc/events", "/r/neerc/print", "/r/neerc/history", "/r/neerc/do/show?task=1"] {
            is_told_who_serves(&stage.get(who, path));
        }
    }
    for path in ["/wall/read", "/wall/gone", "/wall/x", "/wall/gone/events", "/r/other", "/r/../r/neerc"] {
        is_told_who_serves(&stage.get("", path));
    }
    for path in ["/r/neerc/history", "/r/neerc/report", "/r/neerc/export.csv", "/r/neerc/do/show?task=1"] {
        is_told_who_serves(&stage.get("hall1", path));
    }
    assert!(stage.page("hall1", "/r/neerc").contains(TITLE) && !stage.page("hall2", "/r/neerc").contains(TITLE));
    // Rights that are gone where it serves are gone here with the next picture.
    stage.powerful(&["admin"]);
    assert!(!stage.page("jury1", "/r/neerc").contains(TITLE));
    stage.logged_out("hall1");
    is_told_who_serves(&stage.get("hall1", "/r/neerc"));
    // A web server before both machines wants the other one.
    let asked = Stage::agent().get(stage.url("/r/neerc")).header("Cookie", "neerc-local=admin");
    is_told_who_serves(&got(asked.header("Neerc-Serving-Only", "1").call()));
    let foreign = Stage::agent().get(stage.url("/r/neerc")).header("Cookie", "neerc-local=admin");
    is_told_who_serves(&got(foreign.header("Host", "evil.example").call()));
}

#[test]
fn a_page_that_is_open_becomes_another_one_when_the_machine_takes_over() {
    let stage = stage(Visibility::All);
    let page = stage.page("hall1", "/r/neerc");
    let since = page.split("data-since=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let mut reader = Reader::open(&stage, "hall1", &format!("since={since}"), None);
    let beat = reader.wait_for("beat");
    assert!(beat.data.contains("id=\"elsewhere\"") && beat.data.contains("revision 7"), "{beat:?}");
    stage.elsewhere(Some(Elsewhere { revision: 8, ..elsewhere() }));
    assert!(reader.wait_for_text("id=\"elsewhere\"").data.contains("revision 8"));
    stage.elsewhere(None);
    reader.wait_for("rights");
    assert_eq!(reader.next(), None);
    let page = stage.page("hall1", "/r/neerc");
    assert!(page.contains("/do/done") && !page.contains("id=\"elsewhere\""), "{page}");
    assert_eq!(stage.get("", "/healthz").status, 200);
    assert_eq!(stage.post("hall1", "/r/neerc/do/done", &[("task", "1")]).status, 303);
}
