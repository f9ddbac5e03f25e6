//! Everything of the menu is on the web, for those whom it is offered to; and what comes of it.

use super::{Stage, line_of};
use neerc_core::face::menu::{Act, FieldKind, Item, MENU, Needs, Presence};
use neerc_core::view::Visibility;

/// A room with three tasks: 1 for hall1 and hall2, 2 that the admins have too, and 3 that was removed.
fn stage() -> Stage {
    let stage = Stage::new(Visibility::All);
    for (title, names) in [("Water", "hall1"), ("Printer", "admin"), ("Gone", "hall2")] {
        stage.does("admin", "create", &[("kind", "todofail"), ("title", title), ("names", names)]);
    }
    stage.does("admin", "remove", &[("task", "3")]);
    stage
}

/// What a field is filled in with.
fn example(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::OwnOpenTask | FieldKind::OwnAnsweredTask => "2",
        FieldKind::Task => "1",
        FieldKind::RemovedTask => "3",
        FieldKind::Names | FieldKind::Assigned => "hall1",
        FieldKind::User => "all",
        FieldKind::TaskKind => "okfail",
        FieldKind::Title | FieldKind::Text => "Chairs",
        FieldKind::Deadline => "20m",
        FieldKind::Verb => "done",
        FieldKind::ClockAct => "start",
        FieldKind::Watched => "all",
        FieldKind::LinksWish => "off",
        _ => "nothing-of-the-kind",
    }
}

/// What stands in the fields that have to be filled in.
fn form(item: &Item) -> Vec<(&'static str, &'static str)> {
    let required = item.fields.iter().filter(|field| field.presence == Presence::Required);
    required.map(|field| (field.var, example(field.kind))).collect()
}

#[test]
fn every_row_of_the_menu_has_a_page_for_those_whom_it_is_offered_to() {
    let stage = stage();
    for item in &MENU {
        let path = format!("/r/neerc/do/{}", item.verb);
        let (admin, hall) = (stage.get("admin", &path), stage.get("hall1", &path));
        let is_clock = item.act == Act::Clock; // there is none
        assert_eq!(admin.status, if is_clock { 422 } else { 200 }, "{path}: {admin:?}");
        assert_eq!(hall.status, if item.needs == Needs::Admin { 403 } else { admin.status }, "{path}");
        let board = stage.page("admin", "/r/neerc");
        assert!(board.contains(&format!("href=\"{path}\"")), "{path} is not on the board");
        let is_said =
            ["<form class=\"form\"", "class=\"report\"", "class=\"said-line\"", "class=\"empty\"", "id=\"refusal\""];
        assert!(is_said.iter().any(|part| admin.body.contains(part)), "{path}: {}", admin.body);
    }
}

#[test]
fn every_row_of_the_menu_does_or_answers_what_it_is_for() {
    for item in &MENU {
        let stage = stage();
        if item.act == Act::Undo {
            stage.does("admin", "done", &[("task", "2")]);
        }
        let path = format!("/r/neerc/do/{}", item.verb);
        let form = form(item);
        if item.is_query() {
            let query = form.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
            let got = stage.get("admin", &format!("{path}?{query}"));
            let is_clock = item.act == Act::Clock; // there is none
            assert_eq!(got.status, if is_clock { 422 } else { 200 }, "{path}: {got:?}");
            assert_eq!(stage.post("admin", &path, &form).status, 405, "{path} changes nothing");
            continue;
        }
        let before = stage.room.lock().unwrap().board.revision();
        let refused = stage.post("hall1", &path, &form);
        if item.needs == Needs::Admin {
            assert_eq!(refused.status, 403, "{path}: {refused:?}");
            assert_eq!(stage.room.lock().unwrap().board.revision(), before, "{path}");
        }
        let got = stage.post("admin", &path, &form);
        let is_known = !form.iter().any(|(_, value)| *value == "nothing-of-the-kind");
        // There is no plan, no checklist, no code and no token here: that is said above the form.
        assert!(got.status == if is_known { 303 } else { 422 }, "{path}: {got:?}");
        if !is_known {
            assert!(got.body.contains("id=\"refusal\"") || got.body.contains("said-line"), "{path}: {}", got.body);
        }
    }
}

#[test]
fn a_hall_answers_by_its_buttons_and_the_board_says_so_once() {
    let stage = stage();
    let board = stage.page("hall1", "/r/neerc");
    assert!(line_of(&board, "b1-done").contains("formaction=\"/r/neerc/do/done\""), "{board}");
    let got = stage.post("hall1", "/r/neerc/do/fail", &[("task", "1"), ("text", "no <i>bottles</i>")]);
    assert_eq!((got.status, got.headers["location"].as_str()), (303, "/r/neerc"), "{got:?}");
    let said = got.headers["set-cookie"].split(';').next().unwrap().to_owned();
    let cookies = format!("neerc-local=hall1; {said}");
    let answer = Stage::agent().get(stage.url("/r/neerc")).header("Cookie", cookies).call();
    let page = super::got(answer);
    assert!(line_of(&page.body, "said").contains("Task 1: "), "{}", page.body);
    assert!(page.headers["set-cookie"].contains("Max-Age=0"));
    let cell = line_of(&page.body, "t1-hall1");
    assert!(cell.contains("failed") && cell.contains("no &#60;i&#62;bottles&#60;/i&#62;"), "{cell}");
    let script = [("Sec-Fetch-Site", "same-origin"), ("Accept", "application/json")];
    let told = stage.post_with("hall1", "/r/neerc/do/undo", &[("task", "1")], &script);
    assert_eq!(told.status, 200);
    assert!(told.body.contains("\"is_refused\":false"), "{}", told.body);
}

#[test]
fn what_somebody_would_replace_unseen_is_shown_to_them_and_what_they_typed_is_kept() {
    let stage = stage();
    let form = stage.page("admin", "/r/neerc/do/rename?task=1");
    let seen = form.split("name=\"seen\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    stage.does("jury1", "rename", &[("task", "1"), ("title", "Tea")]);
    let values = [("task", "1"), ("title", "Coffee"), ("seen", seen.as_str())];
    let got = stage.post("admin", "/r/neerc/do/rename", &values);
    assert_eq!(got.status, 409, "{got:?}");
    assert!(line_of(&got.body, "meanwhile").contains("Tea"), "{}", got.body);
    assert!(line_of(&got.body, "f-title").contains("value=\"Coffee\""), "{}", got.body);
    let title = || stage.room.lock().unwrap().board.tasks().next().unwrap().title.as_str().to_owned();
    assert_eq!(title(), "Tea");
    let seen = got.body.split("name=\"seen\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let values = [("task", "1"), ("title", "Coffee"), ("seen", seen)];
    assert_eq!(stage.post("admin", "/r/neerc/do/rename", &values).status, 303);
    assert_eq!(title(), "Coffee");
    // An answer is replaced unseen only if it is one's own.
    let revision = stage.room.lock().unwrap().board.revision().to_string();
    stage.does("admin", "assign", &[("task", "1"), ("names", "hall2")]);
    stage.does("hall2", "start", &[("task", "1")]);
    let form = [("task", "1"), ("seen", revision.as_str())];
    assert_eq!(stage.post("hall1", "/r/neerc/do/done", &form).status, 303);
    assert_eq!(stage.post("hall2", "/r/neerc/do/done", &form).status, 409);
    // Nor is an answer given to another question than was seen, or to what is asked already.
    let revision = stage.room.lock().unwrap().board.revision().to_string();
    stage.does("admin", "rename", &[("task", "1"), ("title", "Juice")]);
    let form = [("task", "1"), ("seen", revision.as_str())];
    let got = stage.post("hall2", "/r/neerc/do/done", &form);
    assert_eq!(got.status, 409);
    assert!(got.body.split("id=\"meanwhile\"").nth(1).is_some_and(|rest| rest.contains("Juice")), "{}", got.body);
    let same = [("task", "1"), ("title", "Juice"), ("seen", revision.as_str())];
    assert_eq!(stage.post("jury1", "/r/neerc/do/rename", &same).status, 303, "it is so already");
}

#[test]
fn of_two_who_set_the_clock_by_what_they_saw_the_second_is_told() {
    let stage = stage();
    let seen = stage.room.lock().unwrap().board.revision().to_string();
    let form = |act: &'static str| [("act", act), ("seen", seen.as_str())];
    assert_eq!(stage.post("jury1", "/r/neerc/do/setclock", &form("start")).status, 303);
    let got = stage.post("admin", "/r/neerc/do/setclock", &form("over"));
    assert_eq!(got.status, 409, "{got:?}");
    assert!(got.body.contains("id=\"meanwhile\""), "{}", got.body);
}

#[test]
fn a_line_says_what_it_will_do_and_does_it() {
    let stage = stage();
    let script = [("Sec-Fetch-Site", "same-origin"), ("Accept", "application/json")];
    let dry = |line: &str| stage.post_with("admin", "/r/neerc/line?dry=1", &[("line", line)], &script).body;
    let before = stage.room.lock().unwrap().board.revision();
    assert!(dry("@todo halls Chairs").contains("Will do: Task 4 is handed out to 3 people: Chairs"), "{}", dry(""));
    assert!(dry("@todo hall9 Chairs").contains("hall9"));
    assert!(dry("rename 1 Tea").contains("Tea"));
    assert_eq!((dry("tasks").as_str(), dry("")), ("{\"said\":\"\",\"is_refused\":false}", dry("tasks")));
    assert_eq!(stage.room.lock().unwrap().board.revision(), before, "nothing was done");
    let got = stage.post("admin", "/r/neerc/line", &[("line", "@todo halls Chairs")]);
    assert_eq!(got.status, 303, "{got:?}");
    assert!(stage.page("admin", "/r/neerc").contains("Chairs"));
    let got = stage.post("admin", "/r/neerc/line", &[("line", "late")]);
    assert!(got.status == 200 && got.body.contains("Chairs"), "{got:?}");
    let got = stage.post("hall1", "/r/neerc/line", &[("line", "@todo halls Chairs")]);
    assert_eq!(got.status, 422);
}

#[test]
fn two_languages_by_what_the_browser_asks_and_by_a_switch() {
    let stage = stage();
    let ask = |headers: &[(&str, &str)]| {
        let mut request = Stage::agent().get(stage.url("/r/neerc"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        super::got(request.call()).body
    };
    let russian = ask(&[("Cookie", "neerc-local=admin"), ("Accept-Language", "de, ru-RU;q=0.8, en;q=0.5")]);
    assert!(russian.contains("<html lang=\"ru\">") && russian.contains("Доска задач"), "{russian}");
    let switched = stage.get("admin", "/language?set=en&to=/r/neerc?open=1");
    assert_eq!((switched.status, switched.headers["location"].as_str()), (303, "/r/neerc?open=1"));
    for elsewhere in ["//evil.example", "http://evil.example", "/\\evil.example", "/%0d%0aX:y"] {
        let got = stage.get("admin", &format!("/language?set=en&to={elsewhere}"));
        assert_eq!(got.headers["location"], "/", "{elsewhere}");
    }
    let chosen = switched.headers["set-cookie"].split(';').next().unwrap().to_owned();
    let cookies = format!("neerc-local=admin; {chosen}");
    assert!(ask(&[("Cookie", &cookies), ("Accept-Language", "ru")]).contains("<html lang=\"en\">"));
}

#[test]
fn filters_stand_in_the_address() {
    let stage = stage();
    let page = stage.page("admin", "/r/neerc?text=water&open=1");
    assert!(page.contains("id=\"h1\"") && !page.contains("id=\"h2\""), "{page}");
    assert!(page.contains("data-events=\"/r/neerc/events?open=1&#38;text=water\""), "{page}");
    assert!(page.contains("name=\"open\" value=\"1\" checked"));
}
