//! Streams of events: that they go on where a page stands, send what differs to those who may see it, and end.

use super::{PATIENCE, Stage, line_of};
use neerc_core::keeping::{CopyLack, Keeping, LostChanges, OneCopy};
use neerc_core::view::Visibility;
use std::io::{BufRead, BufReader};

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub name: String,
    pub id: String,
    pub data: String,
}

/// A browser that reads a stream.
pub(super) struct Reader {
    lines: Box<dyn Iterator<Item = String>>,
}

impl Reader {
    #[track_caller]
    pub(super) fn open(stage: &Stage, who: &str, query: &str, last: Option<&str>) -> Reader {
        Reader::open_in(stage, who, "en", query, last)
    }

    /// The same of a browser that is set to a language.
    #[track_caller]
    pub(super) fn open_in(stage: &Stage, who: &str, language: &str, query: &str, last: Option<&str>) -> Reader {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_recv_body(Some(PATIENCE));
        let agent: ureq::Agent = config.build().into();
        let mut request = agent.get(stage.url(&format!("/r/neerc/events?{query}")));
        request = request.header("Cookie", format!("neerc-local={who}; neerc-language={language}"));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let answer = request.call().unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["x-accel-buffering"], "no");
        let lines = BufReader::new(answer.into_body().into_reader()).lines();
        Reader { lines: Box::new(lines.map_while(Result::ok)) }
    }

    /// The next event; `None` at the end of the stream.
    pub(super) fn next(&mut self) -> Option<Event> {
        let (mut name, mut id, mut data) = (String::new(), String::new(), Vec::new());
        loop {
            let line = self.lines.next()?;
            match line.split_once(": ") {
                _ if line.is_empty() && !name.is_empty() => return Some(Event { name, id, data: data.join("\n") }),
                Some(("event", value)) => name = value.to_owned(),
                Some(("id", value)) => id = value.to_owned(),
                Some(("data", value)) => data.push(value.to_owned()),
                _ => {}
            }
        }
    }

    /// The next event of that name.
    #[track_caller]
    pub(super) fn wait_for(&mut self, name: &str) -> Event {
        loop {
            let event = self.next().unwrap_or_else(|| panic!("the stream ends before {name}"));
            if event.name == name {
                return event;
            }
        }
    }

    /// The next event that holds that text.
    #[track_caller]
    pub(super) fn wait_for_text(&mut self, text: &str) -> Event {
        loop {
            let event = self.next().unwrap_or_else(|| panic!("the stream ends before {text}"));
            if event.data.contains(text) {
                return event;
            }
        }
    }
}

pub(super) fn since(page: &str) -> String {
    page.split("data-since=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned()
}

fn stage() -> Stage {
    let stage = Stage::new(Visibility::All);
    stage.does("admin", "create", &[("kind", "okfail"), ("title", "Water"), ("names", "Halls")]);
    stage
}

#[test]
fn a_stream_goes_on_where_the_page_stands() {
    let stage = stage();
    let shown = since(&stage.page("admin", "/r/neerc"));
    stage.does("hall2", "fail", &[("task", "1"), ("text", "none\r\nevent: bye\r\n\r\n")]);
    let mut reader = Reader::open(&stage, "admin", &format!("since={shown}"), None);
    let news = reader.wait_for_text("t1-hall2");
    assert_eq!(news.data.lines().next(), Some(shown.as_str()), "what it follows on");
    assert!(line_of(&news.data, "t1-hall2").contains("failed") && !news.data.contains("t1-hall1"), "{}", news.data);
    assert!(news.data.contains("id=\"h1\"") && news.data.contains("id=\"gHalls-t1\""), "the counts too: {}", news.data);
    stage.does("hall1", "ok", &[("task", "1")]);
    let next = reader.wait_for_text("t1-hall1");
    assert_eq!(next.data.lines().next(), Some(news.id.as_str()));
    drop(reader);
    stage.does("hall3", "ok", &[("task", "1")]);
    let mut again = Reader::open(&stage, "admin", &format!("since={shown}"), Some(&next.id));
    let missed = again.wait_for_text("t1-hall3");
    assert!(missed.data.starts_with(&next.id) && !missed.data.contains("t1-hall1"), "{missed:?}");
}

#[test]
fn a_page_of_another_run_is_told_to_begin_anew() {
    let stage = stage();
    let shown = since(&stage.page("admin", "/r/neerc"));
    let (run, serial) = shown.split_once('-').unwrap();
    assert_ne!(run, "abd");
    let of_another_run = format!("abd-{serial}");
    for since in ["", &of_another_run, "abc-999999", "abc-0", "abc", "-", "zz-1", "abc--1", "%00"] {
        let mut reader = Reader::open(&stage, "admin", &format!("since={since}"), None);
        assert_eq!(reader.next().map(|event| event.name).as_deref(), Some("reload"), "{since}");
    }
}

#[test]
fn of_a_new_task_its_column_is_sent_and_one_that_is_gone_leaves_its_own() {
    let stage = stage();
    let mut reader = Reader::open(&stage, "admin", &format!("since={}", since(&stage.page("admin", "/r/neerc"))), None);
    stage.does("admin", "create", &[("kind", "todo"), ("title", "Tea"), ("names", "hall1")]);
    let news = reader.wait_for_text("id=\"h2\"").data;
    for part in ["t2-hall1", "t2-hall2", "gHalls-t2", "l2", "list-order"] {
        assert!(news.contains(&format!("id=\"{part}\"")), "{part}: {news}");
    }
    assert!(!news.contains("id=\"board\"") && !news.contains("t1-hall1") && !news.contains("id=\"l1\""), "{news}");
    assert!(news.contains("data-order=\"l1 l2\""), "{news}");
    stage.does("admin", "remove", &[("task", "1")]);
    let news = reader.wait_for_text("data-gone").data;
    assert!(news.contains("<th id=\"h1\" data-gone></th>") && news.contains("data-order=\"l2\""), "{news}");
    stage.does("admin", "remove", &[("task", "2")]);
    reader.wait_for_text("id=\"board\"");
}

#[test]
fn many_readers_are_told_of_a_change_soon() {
    const READERS: usize = 200;
    let stage = stage();
    let shown = since(&stage.page("hall1", "/r/neerc"));
    let names = ["admin", "jury1", "hall1", "hall2", "hall3"];
    // As many sessions as browsers: each has a few streams only.
    for n in 0..READERS {
        let session = neerc_core::doors::WebSession {
            id: neerc_core::doors::WebSessionId(100 + n as u64),
            person: super::person(names[n % names.len()]),
            at_ms: crate::service::time::wall_ms(),
            browser: "a browser".into(),
        };
        let hash = super::door::hash_of(&format!("many{n}"));
        let change = neerc_core::doors::DoorChange::Admitted { hash, session, link: None };
        let mut room = stage.room.lock().unwrap();
        let revision = room.board.revision() + 1;
        room.board.apply(revision, &neerc_core::change::Change::Door(change));
    }
    stage.room.lock().unwrap().publish();
    let mut readers: Vec<Reader> = Vec::new();
    for n in 0..READERS {
        let who = format!("many{n}");
        if stage.get(&who, "/r/neerc").status == 200 {
            readers.push(Reader::open(&stage, &who, &format!("since={shown}"), None));
        }
    }
    assert!(readers.len() >= names.len(), "a person has no more than some sessions");
    stage.does("hall2", "fail", &[("task", "1"), ("text", "late news")]);
    for reader in &mut readers {
        reader.wait_for_text("late news");
    }
}

#[test]
fn who_sees_less_is_sent_less() {
    let stage = Stage::new(Visibility::Own);
    stage.does("admin", "create", &[("kind", "okfail"), ("title", "Water"), ("names", "Halls")]);
    let open = |who: &str| Reader::open(&stage, who, &format!("since={}", since(&stage.page(who, "/r/neerc"))), None);
    let (mut hall1, mut hall2, mut admin) = (open("hall1"), open("hall2"), open("admin"));
    stage.does("hall2", "fail", &[("task", "1"), ("text", "secret")]);
    stage.does("hall1", "fail", &[("task", "1"), ("text", "own")]);
    admin.wait_for_text("secret");
    hall2.wait_for_text("secret");
    loop {
        let event = hall1.next().unwrap();
        assert!(!event.data.contains("secret") && !event.data.contains("t1-hall2"), "{event:?}");
        if event.data.contains("t1-hall1") {
            break;
        }
    }
}

#[test]
fn only_what_the_filter_shows_is_sent() {
    let stage = stage();
    stage.does("admin", "create", &[("kind", "todo"), ("title", "Tea"), ("names", "hall1")]);
    let shown = since(&stage.page("admin", "/r/neerc?text=tea"));
    let mut reader = Reader::open(&stage, "admin", &format!("text=tea&since={shown}"), None);
    stage.does("hall1", "ok", &[("task", "1")]);
    stage.does("hall1", "done", &[("task", "2")]);
    loop {
        let event = reader.next().unwrap();
        assert!(!event.data.contains("t1-hall1"), "{event:?}");
        if event.data.contains("t2-hall1") {
            break;
        }
    }
}

#[test]
fn a_hall_is_sent_its_own_tasks_with_their_buttons() {
    let stage = stage();
    let open = |who: &str| Reader::open(&stage, who, &format!("since={}", since(&stage.page(who, "/r/neerc"))), None);
    let (mut hall1, mut hall2) = (open("hall1"), open("hall2"));
    stage.does("admin", "create", &[("kind", "todo"), ("title", "Tea"), ("names", "hall1")]);
    let news = hall1.wait_for_text("id=\"mine\"");
    assert!(news.data.contains("b2-done"), "{}", news.data);
    let news = hall2.wait_for_text("id=\"h2\"");
    assert!(news.data.contains("Tea") && !news.data.contains("id=\"mine\""), "{}", news.data);
}

#[test]
fn rights_are_those_of_the_moment() {
    let stage = stage();
    let shown = since(&stage.page("jury1", "/r/neerc"));
    let mut reader = Reader::open(&stage, "jury1", &format!("since={shown}"), None);
    reader.wait_for("beat");
    stage.powerful(&["admin"]);
    reader.wait_for("rights");
    assert_eq!(reader.next(), None, "a stream of other rights is another stream");
    assert_eq!(stage.get("jury1", "/r/neerc/do/create").status, 403);
    let mut reader = Reader::open(&stage, "jury1", &format!("since={}", since(&stage.page("jury1", "/r/neerc"))), None);
    reader.wait_for("beat");
    stage.logged_out("jury1");
    reader.wait_for("bye");
    assert_eq!(reader.next(), None);
}

#[test]
fn a_browser_with_too_many_streams_loses_the_oldest() {
    let stage = stage();
    let shown = since(&stage.page("admin", "/r/neerc"));
    let mut readers: Vec<Reader> = Vec::new();
    for _ in 0..=super::super::limits::STREAMS_PER_SESSION {
        let mut reader = Reader::open(&stage, "admin", &format!("since={shown}"), None);
        reader.wait_for("beat");
        readers.push(reader);
    }
    readers[0].wait_for("full");
    assert_eq!(readers[0].next(), None);
    stage.does("hall1", "ok", &[("task", "1")]);
    readers[1..].iter_mut().for_each(|reader| drop(reader.wait_for_text("t1-hall1")));
}

#[test]
fn who_has_the_page_open_is_seen_by_the_others() {
    let stage = stage();
    let shown = since(&stage.page("admin", "/r/neerc"));
    let mut admin = Reader::open(&stage, "admin", &format!("since={shown}"), None);
    let hall = Reader::open(&stage, "hall3", &format!("since={shown}"), None);
    let there = |event: &super::events::Event| {
        event.data.split("Looking at this page").nth(1).is_some_and(|names| names.contains("hall3"))
    };
    while !there(&admin.wait_for_text("id=\"online\"")) {}
    drop(hall);
    stage.does("hall1", "ok", &[("task", "1")]); // a connection that nobody reads is seen to be one when something is sent
    while there(&admin.wait_for_text("id=\"online\"")) {}
}

#[test]
fn the_end_of_the_service_ends_its_streams() {
    let mut stage = stage();
    let shown = since(&stage.page("admin", "/r/neerc"));
    let mut reader = Reader::open(&stage, "admin", &format!("since={shown}"), None);
    reader.wait_for("beat");
    stage.web.stop();
    while reader.next().is_some() {}
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ended = async { tokio::time::timeout(PATIENCE, stage.web.ended()).await };
    assert!(runtime.block_on(ended).is_ok(), "it ends although a stream was open");
}

#[test]
fn admins_see_that_there_is_one_copy_only_and_which_changes_may_be_missing_as_soon_as_it_is_so_and_nobody_else_does() {
    const ONE: &str = "there is one copy of the tasks only";
    let stage = stage();
    let open = |who: &str| Reader::open(&stage, who, &format!("since={}", since(&stage.page(who, "/r/neerc"))), None);
    assert_eq!(
        line_of(&stage.page("admin", "/r/neerc"), "keeping"),
        "<div id=\"keeping\" class=\"keeping\" role=\"status\"></div>"
    );
    let (mut admin, mut hall) = (open("admin"), open("hall1"));
    let one_copy = Some(OneCopy { since_ms: crate::service::time::wall_ms(), lack: CopyLack::GoesOn });
    stage.kept(Keeping { one_copy, lost: None });
    assert!(admin.wait_for_text("id=\"keeping\"").data.contains(ONE));
    assert!(line_of(&stage.page("admin", "/r/neerc"), "keeping").contains(ONE));
    assert!(!stage.page("hall1", "/r/neerc").contains(ONE));
    let lost = Some(LostChanges { first: 18, last: 20, since_ms: 0, found_ms: 0 });
    stage.kept(Keeping { one_copy: None, lost });
    let told = admin.wait_for_text("id=\"keeping\"").data;
    assert!(told.contains("(revisions 18 to 20)") && !told.contains(ONE), "{told}");
    stage.kept(Keeping::default());
    assert!(admin.wait_for_text("id=\"keeping\"").data.contains("role=\"status\"></div>"));
    stage.does("hall1", "ok", &[("task", "1")]);
    loop {
        let event = hall.next().unwrap();
        assert!(!event.data.contains(ONE) && !event.data.contains("revisions 18"), "{event:?}");
        if event.data.contains("t1-hall1") {
            break;
        }
    }
}
