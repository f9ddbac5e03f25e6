//! Coming in by a real browser and being put out again: cookies, redirects and streams as browsers treat them.

use std::time::{Duration, Instant};

use serde_json::json;

use super::board::without_scripts;
use super::proxy::Way;
use super::stage::Stage;
use super::{Browser, Driver, Look, PLAIN, axe};
use crate::clock::steps;

/// How soon a page is to follow the rights of the room.
const PROMPT: Duration = Duration::from_secs(1);

#[test]
fn a_link_sent_by_chat_lets_one_browser_in_once() {
    let Some(driver) = Driver::start() else { return };
    let stage = Stage::new("");
    let link = stage.link(&stage.chat);
    let [first, second] = [Look::LAPTOP, Look::PHONE].map(|look| driver.browser(look));
    // A page that merely shows the link, as a preview does, uses nothing up.
    second.open(&link);
    first.open(&link);
    first.clicks("main button");
    first.until("return location.href", json!([]), |url| *url == json!(stage.url("")));
    first.sees_in(".who", &stage.admin);
    let cookies = first.debug("Network.getCookies", json!({}));
    let name = format!("neerc-local.{}", stage.room);
    let kept = cookies["cookies"].as_array().unwrap().iter().find(|cookie| cookie["name"] == name.as_str()).unwrap();
    assert_eq!((&kept["httpOnly"], &kept["sameSite"]), (&json!(true), &json!("Lax")));
    second.may_say("the server responded with a status of 4");
    second.clicks("main button");
    second.sees("This link is not good any more");
    second.open(&stage.url(""));
    second.sees("You are not logged in");
    first.clicks(".who button");
    first.may_say("the server responded with a status of 4");
    first.sees("You are not logged in");
}

#[test]
fn a_code_that_is_confirmed_in_the_chat_lets_its_page_in_by_itself() {
    let Some(driver) = Driver::start() else { return };
    let mut stage = Stage::new("");
    let browser = driver.browser(Look::LAPTOP);
    ["Failed to load resource", "net::ERR_"].into_iter().for_each(|text| browser.may_say(text));
    browser.open(&stage.url(""));
    browser.sees("You are not logged in");
    browser.clicks("main a");
    browser.sees_in(".code", "login ");
    let line = || browser.run("return document.querySelector('.code').innerText.trim()", json!([]));
    let first = line().as_str().unwrap().to_owned();
    for scheme in ["light", "dark"] {
        browser.prefers("prefers-color-scheme", scheme);
        assert_eq!(axe(&browser).unwrap_or_default(), [""; 0], "{scheme}");
    }
    browser.size(360, 640);
    assert!(!browser.is_too_wide());
    let digits: u32 = first.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap();
    let said = stage.says(&stage.chat, &format!("login {:06}", (digits + 1) % 1_000_000));
    assert!(said.starts_with("No page shows"), "{said}");
    // A code of which the service knows nothing any more gives way to another one on the page.
    stage.neerc.kill9();
    stage.neerc.restart();
    let code = "const code = document.querySelector('.code'); return code && code.innerText.trim()";
    let second = browser.until(code, json!([]), |code| code.is_string() && *code != json!(first));
    let said = stage.says(&stage.chat, &first);
    assert!(said.starts_with("No page shows"), "{said}");
    let asked = stage.says(&stage.chat, second.as_str().unwrap());
    assert!(asked.contains("Chrom") && asked.contains("127.0.0.1"), "{asked}");
    stage.says(&stage.chat, "yes");
    browser.sees_in(".who", &stage.admin);
    browser.until("return location.href", json!([]), |url| *url == json!(stage.url("")));
}

#[test]
fn a_code_whose_time_is_over_gives_way_to_another_and_the_page_says_so() {
    const GOOD_S: i64 = 5 * 60;
    let Some(driver) = Driver::start() else { return };
    let mut stage = Stage::new("");
    let step = stage.neerc.dir.join("step");
    stage.neerc.terminate();
    stage.neerc.env = vec![("LD_PRELOAD", steps()), ("CLOCK_STEP", step.clone())];
    stage.neerc.restart();
    let scripted = driver.browser(Look::LAPTOP);
    let plain = driver.browser(Look::PHONE);
    without_scripts(&plain);
    let code = "const code = document.querySelector('.code'); return code && code.innerText.trim()";
    let shown = |browser: &Browser<'_>| {
        browser.until(code, json!([]), serde_json::Value::is_string).as_str().unwrap().to_owned()
    };
    let another = "The code that stood here is not good any more.";
    let old = [&scripted, &plain].map(|browser| {
        browser.open(&stage.url("/../../login"));
        let line = shown(browser);
        assert!(!browser.run("return document.body.innerText", json!([])).as_str().unwrap().contains(another));
        line
    });
    std::fs::write(step, (GOOD_S + 1).to_string()).unwrap();
    for (browser, old) in [&scripted, &plain].into_iter().zip(&old) {
        browser.sees(another);
        let new = shown(browser);
        assert_ne!(new, *old);
        let said = stage.says(&stage.chat, old);
        assert!(said.starts_with("No page shows"), "{said}");
        assert_eq!(axe(&scripted).unwrap_or_default(), [""; 0]);
        let asked = stage.says(&stage.chat, &new);
        assert!(asked.contains("127.0.0.1"), "{asked}");
        stage.says(&stage.chat, "yes");
        browser.sees_in(".who", &stage.admin);
    }
}

#[test]
fn the_board_is_used_without_tls_from_another_machine() {
    let Some(driver) = Driver::start() else { return };
    let stage = Stage::at(PLAIN, "");
    let link = stage.link(&stage.chat);
    let browser = driver.browser(Look::LAPTOP);
    // Such browsers say so of each page.
    browser.may_say("Cross-Origin-Opener-Policy header has been ignored");
    browser.open(&link);
    browser.clicks("main button");
    browser.sees_in(".who", &stage.admin);
    assert_eq!(browser.run("return window.isSecureContext", json!([])), json!(false));
    stage.hands_out("todo", "Water");
    browser.sees("Water");
    browser.may_say("the server responded with a status of 4");
    browser.clicks(".who button");
    browser.sees("You are not logged in");
}

#[test]
fn whoever_loses_their_rights_loses_the_controls_within_a_second() {
    let Some(driver) = Driver::start() else { return };
    let mut took = Vec::new();
    // How fast it can be; how fast it is on a machine that does other things too is no fault of the board.
    for _ in 0..8 {
        if took.iter().any(|time| *time < PROMPT) {
            break;
        }
        let stage = Stage::new("");
        stage.hands_out("todo", "Water");
        let admin = stage.browser(&driver, &stage.admin, Look::LAPTOP);
        admin.sees_count("#line", 1);
        let began = Instant::now();
        stage.stands(&stage.admin, "member");
        admin.sees_count("#line", 0);
        took.push(began.elapsed());
        admin.sees("Water");
        admin.may_say("the server responded with a status of 4");
        stage.stands(&stage.admin, "none");
        admin.sees_count("#board", 0);
    }
    assert!(took.iter().any(|time| *time < PROMPT), "{took:?}");
}

#[test]
fn whoever_lost_their_rights_while_the_board_was_away_has_no_controls_afterwards() {
    let Some(driver) = Driver::start() else { return };
    let mut stage = Stage::new("");
    let admin = stage.browser(&driver, &stage.admin.clone(), Look::LAPTOP);
    ["Failed to load resource", "net::ERR_"].into_iter().for_each(|text| admin.may_say(text));
    stage.proxy.set(Way::Busy);
    stage.proxy.cut();
    stage.stands(&stage.admin, "member");
    admin.sees_in("#stale", "No connection since");
    stage.proxy.set(Way::Open);
    admin.sees_count("#line", 0);
    stage.stands(&stage.admin, "owner");
    admin.sees_count("#line", 1);
    // Neither does the next run of the service know which page it was.
    stage.is_true(&admin);
    stage.neerc.kill9();
    stage.stands(&stage.admin, "member");
    admin.sees_in("#stale", "No connection since");
    stage.neerc.restart();
    admin.sees_count("#line", 0);
}

#[test]
fn a_restored_backup_is_shown_as_it_was() {
    let Some(driver) = Driver::start() else { return };
    let mut stage = Stage::new("");
    let client = stage.client(&stage.halls[1]);
    stage.hands_out("todo", "Water");
    let admin = stage.browser(&driver, &stage.admin.clone(), Look::LAPTOP);
    ["Failed to load resource", "net::ERR_"].into_iter().for_each(|text| admin.may_say(text));
    stage.runs(&["backup", "before.db"]);
    for status in ["running", "fail", "success"] {
        stage.answers(&client, 1, status, "");
    }
    stage.hands_out("todo", "Bread");
    stage.shows(&admin, 1, &stage.halls[1], "done");
    admin.sees("Bread");
    stage.neerc.terminate();
    stage.runs(&["restore", "before.db"]);
    stage.neerc.restart();
    stage.shows(&admin, 1, &stage.halls[1], "silent");
    admin.sees_count("#h2", 0);
    stage.is_true(&admin);
}
