//! What is drawn once for all who see the same: that nobody is shown what was drawn for somebody who sees something else, or what
//! was true before.

use super::super::drawn::{self, Drawn, PLACE, Part};
use super::super::limits;
use super::Stage;
use super::events::{Reader, since};
use axum::body::Bytes;
use neerc_core::face::words::Language;
use neerc_core::view::Visibility;
use std::cell::Cell;

const WHO: [&str; 5] = ["admin", "jury1", "hall1", "hall2", "hall3"];
const FILTERS: [&str; 7] = ["", "mine=1", "open=1", "late=1", "group=Halls", "text=tea", "text=hall2"];

/// A room with tasks that some have and some have answered.
fn stage(visibility: Visibility) -> Stage {
    let stage = Stage::new(visibility);
    stage.does("admin", "create", &[("kind", "okfail"), ("title", "Water"), ("names", "Halls")]);
    stage.does("admin", "create", &[("kind", "todo"), ("title", "Tea"), ("names", "hall1")]);
    stage.does("admin", "create", &[("kind", "todo"), ("title", PLACE), ("names", "hall2")]);
    stage.does("hall2", "fail", &[("task", "1"), ("text", PLACE)]);
    stage
}

/// A page without what differs whenever it is asked for.
fn page(stage: &Stage, who: &str, language: &str, filter: &str) -> String {
    let cookies = format!("neerc-local={who}; neerc-language={language}");
    let got = super::got(Stage::agent().get(stage.url(&format!("/r/neerc?{filter}"))).header("Cookie", cookies).call());
    assert_eq!(got.status, 200, "{got:?}");
    assert!(!got.body.contains(PLACE), "everything is in its place, and only there: {}", got.body);
    without_times(&got.body)
}

fn without_times(page: &str) -> String {
    let mut page = page.to_owned();
    for name in ["data-now=\"", "data-since=\""] {
        if let Some(at) = page.find(name).map(|at| at + name.len()) {
            let end = page[at..].find('"').unwrap();
            page.replace_range(at..at + end, "");
        }
    }
    // Minutes go by while it is asked for.
    let mut parts = page.split("<time ");
    let mut timeless = parts.next().unwrap().to_owned();
    for part in parts {
        let (age, rest) = part.split_once("</time>").unwrap();
        timeless.push_str(age.split_once('>').unwrap().0);
        timeless.push_str(rest);
    }
    timeless
}

#[test]
fn nobody_is_shown_a_page_that_was_drawn_for_somebody_who_sees_something_else() {
    for visibility in [Visibility::All, Visibility::Own] {
        let stage = stage(visibility);
        let sights = || {
            let of =
                |who| ["en", "ru"].into_iter().flat_map(move |language| FILTERS.map(|filter| (who, language, filter)));
            WHO.into_iter().flat_map(of).collect::<Vec<_>>()
        };
        // Of a picture of which nothing was drawn yet.
        let anew = |(who, language, filter): (&str, &str, &str)| {
            stage.room.lock().unwrap().publish();
            page(&stage, who, language, filter)
        };
        let expected: Vec<String> = sights().into_iter().map(anew).collect();
        let mut kinds = expected.clone();
        kinds.sort();
        kinds.dedup();
        assert!(kinds.len() > 40, "they do see different things: {}", kinds.len());
        stage.room.lock().unwrap().publish();
        let mut random = fastrand::Rng::with_seed(7);
        let mut order: Vec<usize> = (0..2 * expected.len()).map(|n| n % expected.len()).collect();
        random.shuffle(&mut order);
        for at in order {
            let (who, language, filter) = sights()[at];
            assert_eq!(page(&stage, who, language, filter), expected[at], "{who} {language} {filter}");
        }
    }
}

#[test]
fn a_right_that_is_lost_or_given_shows_in_the_next_page() {
    let stage = stage(Visibility::Own);
    let is_admins = |who: &str| {
        let page = page(&stage, who, "en", "");
        let (box_for_lines, of_others) =
            (page.contains("id=\"line\""), page.contains("t1-hall1") && page.contains("t1-hall2"));
        assert_eq!(box_for_lines, of_others, "{page}");
        box_for_lines
    };
    assert_eq!(WHO.map(is_admins), [true, true, false, false, false]);
    stage.powerful(&["admin", "hall3"]);
    assert_eq!(WHO.map(is_admins), [true, false, false, false, true]);
    stage.powerful(&["jury1"]);
    assert_eq!(WHO.map(is_admins), [false, true, false, false, false]);
    stage.does("jury1", "rename", &[("task", "1"), ("title", "Juice")]);
    assert!(page(&stage, "jury1", "en", "").contains("Juice") && !page(&stage, "jury1", "en", "").contains("Water"));
    stage.logged_out("jury1");
    assert_eq!(stage.get("jury1", "/r/neerc").status, 401);
}

#[test]
fn what_is_sent_of_a_change_is_what_each_ones_page_shows() {
    for visibility in [Visibility::All, Visibility::Own] {
        let stage = stage(visibility);
        let sights: Vec<_> = WHO
            .into_iter()
            .flat_map(|who| {
                ["en", "ru"].into_iter().flat_map(move |language| ["", "text=water"].map(|f| (who, language, f)))
            })
            .collect();
        let open = |&(who, language, filter): &(&str, &'static str, &'static str)| {
            let shown = since(&stage.page(who, &format!("/r/neerc?{filter}")));
            Reader::open_in(&stage, who, language, &format!("{filter}&since={shown}"), None)
        };
        let mut readers: Vec<Reader> = sights.iter().map(open).collect();
        stage.does("hall1", "fail", &[("task", "1"), ("text", "own news")]);
        stage.does("hall2", "ok", &[("task", "1"), ("text", "")]);
        stage.does("admin", "rename", &[("task", "1"), ("title", "Water and last news")]);
        for (reader, (who, language, filter)) in readers.iter_mut().zip(&sights) {
            let page = page(&stage, who, language, filter);
            let is_seen = page.contains("last news");
            let mut parts = String::new();
            while is_seen && !parts.contains("last news") {
                parts = reader.next().unwrap_or_else(|| panic!("{who}: the stream ends")).data;
                assert!(page.contains("t1-hall1") || !parts.contains("t1-hall1"), "{who} {language} {filter}: {parts}");
            }
            for part in parts.split("<th ").skip(1).filter(|part| part.contains("last news")) {
                let part = part.split("</th>").next().unwrap();
                assert!(page.contains(part), "{who} {language} {filter}: {part}");
            }
        }
    }
}

#[test]
fn only_the_newest_picture_is_kept_and_no_more_than_there_may_be() {
    let stage = stage(Visibility::All);
    let picture = || stage.web.bridge.albums.borrow().rooms[0].clone();
    let (drawn, count) = (Drawn::default(), Cell::new(0));
    let part = |picture: &_, now_ms, n| {
        let draw = || {
            count.set(count.get() + 1);
            "x".repeat(1_000)
        };
        drawn.part(picture, now_ms, Part::Online(Language::English, n), draw)
    };
    let old = picture();
    (0..3).for_each(|_| drop(part(&old, 0, 0)));
    assert_eq!(count.get(), 1);
    part(&old, limits::DRAWN_MS, 0);
    assert_eq!(count.get(), 2, "ages go on");
    stage.powerful(&["admin"]);
    let new = picture();
    (0..3).for_each(|_| drop(part(&new, 0, 0)));
    part(&old, 0, 0);
    part(&new, 0, 0);
    assert_eq!(count.get(), 4, "an old one is drawn anew, and takes the place of no newer one");
    for n in 0..20_000 {
        part(&new, 0, n);
        if n % 1_000 == 0 {
            assert!(drawn.bytes("neerc") <= limits::DRAWN_BYTES);
        }
    }
    let whole = drawn.part(&new, 0, Part::Online(Language::Russian, 0), || "x".repeat(limits::DRAWN_BYTES));
    assert_eq!(whole.len(), limits::DRAWN_BYTES);
    assert!(drawn.bytes("neerc") <= limits::DRAWN_BYTES);
}

#[test]
fn a_page_has_its_parts_where_their_places_are() {
    let parts = || [Bytes::from_static(b"1"), Bytes::new(), Bytes::from_static(b"3")];
    let read = |around: String| {
        let response = drawn::page(around, parts());
        let length = axum::body::HttpBody::size_hint(response.body()).exact();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = runtime.block_on(axum::body::to_bytes(response.into_body(), usize::MAX)).unwrap();
        assert_eq!(length, Some(body.len() as u64));
        String::from_utf8(body.to_vec()).unwrap()
    };
    assert_eq!(read(format!("a{PLACE}b{PLACE}{PLACE}c")), "a1b3c");
    assert_eq!(read("ü".to_owned()), "ü");
}
