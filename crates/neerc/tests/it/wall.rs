//! The board on a wall: opened by a token, kept true, turned page by page, and dark once the token is revoked.

use serde_json::json;

use crate::browser::{Driver, Look, axe};
use crate::http::Http;
use crate::servers::{Kind, Server, unique};
use crate::service::Neerc;
use crate::slix::{Slix, User};
use crate::wait::wait_for;

const WEB: &str = "[web]\nlisten = \"127.0.0.1:0\"\n";

/// A room with an admin and halls, and the service with a board.
struct Bed<'a> {
    neerc: Neerc<'a>,
    jury: User<'a>,
    to: String,
    room: String,
}

impl Bed<'_> {
    fn new() -> Bed<'static> {
        let server = Server::shared(Kind::Prosody);
        let room = server.room(&[("jury1", "owner"), ("hall1", "member"), ("hall2", "member")]);
        let neerc = Neerc::start(server, &[&room], WEB);
        let jury = Slix::shared().login(server, "jury1", &unique("wall"));
        let to = neerc.room_jid(&room);
        Bed { neerc, jury, to, room }
    }

    /// The whole answer to a line of chat.
    #[track_caller]
    fn says(&self, line: &str) -> String {
        let answer = self.jury.asks(&self.to, line);
        self.jury.clear();
        answer
    }

    /// A new token, once the web knows of it: that hears of changes a moment later than the chat.
    #[track_caller]
    fn token(&self, scope: &str) -> String {
        let token = self.told_token(scope);
        let http = Http::board(&self.neerc);
        wait_for("the wall of a new token", || scope != "display" || http.get(&format!("/wall/{token}")).status == 200);
        token
    }

    #[track_caller]
    fn told_token(&self, scope: &str) -> String {
        let said = self.says(&format!("token {scope}"));
        let word = said.split_whitespace().find(|word| word.len() >= 64).expect("a token is told");
        word.rsplit('/').next().unwrap_or(word).to_owned()
    }
}

#[test]
fn a_token_shows_the_board_of_its_room_and_nothing_else() {
    let bed = Bed::new();
    let http = Http::board(&bed.neerc);
    bed.says("@todo hall1 Bring water");
    let (token, read) = (bed.token("display"), bed.token("read"));
    let wall = format!("/wall/{token}");
    let page = http.get(&wall);
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("Bring water") && page.text.contains(&bed.room), "{}", page.text);
    for thing in ["<form", "<button", "/do/", "jury1@"] {
        assert!(!page.text.contains(thing), "a wall has {thing}: {}", page.text);
    }
    assert_eq!((page.field("set-cookie"), page.field("cache-control")), (None, Some("no-store")));
    assert_eq!(page.field("referrer-policy"), Some("same-origin"));
    let room = format!("/r/{}", bed.room);
    assert_eq!(http.get_as(&room, &format!("neerc-local={token}")).status, 401, "a token is no session");
    for (other, why) in [(read.as_str(), "it is for a program"), ("x", "there is none"), ("..%2f..", "it is no token")]
    {
        let dark = http.get(&format!("/wall/{other}"));
        assert_eq!((dark.status, dark.field("refresh")), (404, Some("60")), "{why}");
    }
    let post = http.request("POST", &wall, &format!("Origin: http://{}\r\n", http.0), "a=b");
    assert_eq!(http.send(post.as_bytes()).status, 405);
    let since = page.text.split("data-since=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a picture");
    let mut events = http.events(&format!("{wall}/events?since={since}"));
    events.until("retry: ");
    events.until("event: beat");
    bed.says("@todo hall2 Bring bread");
    events.until("Bring bread");
    assert!(bed.says("revoke k1").contains("k1"));
    events.until("event: bye");
    events.ends();
    let dark = http.get(&wall);
    assert_eq!(dark.status, 404);
    assert!(dark.text.contains("Nothing is shown here any more") && !dark.text.contains("Bring"), "{}", dark.text);
}

#[test]
fn a_wall_turns_its_pages_stays_true_and_says_when_it_is_not() {
    let Some(driver) = Driver::start() else { return };
    let mut bed = Bed::new();
    let http = Http::board(&bed.neerc);
    for number in 1..=40 {
        bed.says(&format!("@todo hall1,hall2 Task of a wall {number}"));
    }
    let (first, second) = (bed.token("display"), bed.token("display"));
    let browser = driver.browser(Look::LAPTOP);
    browser.size(1280, 720);
    browser.open(&format!("http://{}/wall/{first}?turn=3", http.0));
    browser.sees_in("#board", "Task of a wall 1");
    let page = "return document.getElementById('page').textContent";
    let begun = browser.until(page, json!([]), |page| page.as_str().is_some_and(|page| page.contains('/')));
    browser.until(page, json!([]), |now| *now != begun);
    let at = "return document.getElementById('board').scrollLeft";
    browser.until(at, json!([]), |x| x.as_f64().is_some_and(|x| x > 0.0));
    assert!(!browser.is_too_wide());
    bed.says("rename 7 Something else");
    browser.sees_count("#h7", 1);
    browser.until("return document.getElementById('h7').textContent", json!([]), |text| {
        text.as_str().is_some_and(|text| text.contains("Something else"))
    });
    assert_eq!(axe(&browser).unwrap_or_default(), [""; 0]);
    // Six hours later it is loaded anew: what was set on the page is gone.
    let later = "window.marked = true; const now = performance.now.bind(performance); performance.now = () => now() + 7 * 3600e3;";
    browser.run(later, json!([]));
    browser
        .until("return document.readyState === 'complete' && !window.marked", json!([]), |gone| *gone == json!(true));
    browser.sees_in("#board", "Something else");
    browser.check();
    let old = browser.tab();
    browser.new_tab();
    browser.open(&format!("http://{}/wall/{second}", http.0));
    browser.sees_in("#board", "Task of a wall 1");
    bed.says("revoke k2");
    browser.may_say("404");
    browser.sees("Nothing is shown here any more");
    browser.close_tab();
    browser.go_to(&old);
    // While nobody answers it is not loaded anew, and says since when what it shows is old.
    browser.run(&format!("{later} window.asked = 0; const ask = window.fetch; window.fetch = (...what) => {{ window.asked += String(what[0]).includes('healthz'); return ask(...what); }};"), json!([]));
    browser.may_say("ERR_CONNECTION_REFUSED");
    browser.may_say("ERR_INCOMPLETE_CHUNKED_ENCODING");
    browser.may_say("ERR_CONNECTION_RESET");
    bed.neerc.kill9();
    browser.sees_in("#stale", "No connection. All of this is as it was at");
    browser.until("return document.body.classList.contains('is-stale')", json!([]), |stale| *stale == json!(true));
    browser.until("return window.asked > 0 && window.marked", json!([]), |kept| *kept == json!(true));
    browser.sees_in("#board", "Something else");
}
