//! Coming in by a browser: links of the command line and of the chat, codes that somebody confirms, and what attackers try.

use std::process::Output;

use ureq::Agent;
use ureq::http::Response;

use crate::servers::{Kind, Server};
use crate::service::Neerc;
use crate::slix::Slix;
use crate::trust;
use crate::wait::{PATIENCE, wait_for};

const WEB: &str = "[web]\nlisten = \"127.0.0.1:0\"\n";

/// A browser that follows nothing and keeps no cookies by itself.
struct Web {
    agent: Agent,
    origin: String,
}

/// What a page is answered with.
struct Page {
    status: u16,
    cookies: Vec<String>,
    location: String,
    text: String,
}

impl Web {
    /// At the site of a link.
    fn at(link: &str) -> Web {
        let config = Agent::config_builder().max_redirects(0).http_status_as_error(false);
        let agent = config.timeout_global(Some(PATIENCE)).build().new_agent();
        let origin = link.split('/').take(3).collect::<Vec<_>>().join("/");
        Web { agent, origin }
    }

    fn get(&self, path: &str, cookie: &str) -> Page {
        let asked = self.agent.get(format!("{}{path}", self.origin)).header("cookie", cookie);
        Page::of(asked.header("user-agent", AGENT).call().expect("an answer"))
    }

    fn head(&self, path: &str) -> u16 {
        self.agent.head(format!("{}{path}", self.origin)).call().expect("an answer").status().as_u16()
    }

    /// Sends a form from a page of that origin; from nowhere, if there is none.
    fn post(&self, path: &str, cookie: &str, origin: Option<&str>) -> Page {
        let asked = self.agent.post(format!("{}{path}", self.origin)).header("cookie", cookie);
        let asked = asked.header("user-agent", AGENT);
        let asked = if let Some(origin) = origin { asked.header("origin", origin) } else { asked };
        Page::of(asked.send_empty().expect("an answer"))
    }

    fn own_post(&self, path: &str, cookie: &str) -> Page {
        self.post(path, cookie, Some(&self.origin))
    }
}

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

impl Page {
    fn of(mut answer: Response<ureq::Body>) -> Page {
        let all = |name: &str| {
            let values = answer.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
            values.map(str::to_owned).collect::<Vec<_>>()
        };
        let (cookies, location) = (all("set-cookie"), all("location").concat());
        Page {
            status: answer.status().as_u16(),
            cookies,
            location,
            text: answer.body_mut().read_to_string().unwrap_or_default(),
        }
    }

    /// The cookie that keeps somebody logged in, as it is sent back.
    #[track_caller]
    fn session(&self) -> String {
        let session = self.cookies.iter().find(|cookie| cookie.starts_with("neerc-local."));
        let session = session.unwrap_or_else(|| panic!("{} {:?} {}", self.status, self.cookies, self.text));
        for attribute in ["Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=172800"] {
            assert!(session.contains(attribute), "{session}");
        }
        session.split(';').next().unwrap_or_default().to_owned()
    }
}

/// The secret in a cookie.
fn secret_of(cookie: &str) -> &str {
    cookie.split_once('=').map_or(cookie, |(_, secret)| secret)
}

/// What a command of the program prints.
fn run(neerc: &Neerc<'_>, args: &[&str]) -> Output {
    neerc.command().args(args).arg("--config").arg(neerc.config()).output().expect("neerc runs")
}

#[track_caller]
pub fn printed(neerc: &Neerc<'_>, args: &[&str]) -> String {
    let output = run(neerc, args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[track_caller]
fn refused(neerc: &Neerc<'_>, args: &[&str]) -> (Option<i32>, String) {
    let output = run(neerc, args);
    assert!(output.stdout.is_empty() && !output.status.success(), "{args:?}: {output:?}");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn path(link: &str) -> String {
    format!("/{}", link.splitn(4, '/').nth(3).expect("an address with a path"))
}

fn a_link_of_the_command_line_opens_the_board_once_whoever_looks_at_it_before(kind: Kind) {
    let server = Server::shared(kind);
    server.register_many(&["boss", "hall1"]);
    let room = server.room(&[("boss", "owner"), ("hall1", "member")]);
    let mut neerc = Neerc::start(server, &[&room], WEB);
    let to = neerc.room_jid(&room);
    let link = printed(&neerc, &["login-link", "--room", &room, "--as", "hall1"]);
    let web = Web::at(&link);
    let (at, board) = (path(&link), format!("/r/{room}"));
    // A preview, a mail scanner and a person who only looks.
    for _ in 0..3 {
        assert_eq!((web.head(&at), web.get(&at, "").status), (200, 200));
    }
    assert!(web.get(&at, "").cookies.is_empty());
    // A form of another site, of none, and of a site whose name begins as ours.
    for origin in [Some("https://evil.example"), None, Some("null"), Some(&*format!("{}.evil.example", web.origin))] {
        assert_eq!(web.post(&at, "", origin).status, 403, "{origin:?}");
    }
    // Nobody chooses the session of somebody else.
    let fixed = "neerc-local=0000000000000000000000000000000000000000000000000000000000000000";
    let entered = web.own_post(&at, fixed);
    assert_eq!((entered.status, entered.location.as_str()), (303, board.as_str()));
    let session = entered.session();
    assert_ne!(session, fixed);
    assert_eq!((web.get(&board, &session).status, web.get(&board, fixed).status), (200, 401));
    // Replayed and guessed.
    for path in [at.clone(), format!("/l/{}", "0".repeat(64)), "/l/x".to_owned()] {
        assert_eq!((web.own_post(&path, "").status, web.get(&path, "").status), (410, 410));
    }
    trust::report("P5", &format!("links replayed, guessed, or sent from other sites, {kind:?}"), 10, "0 let in");
    trust::report("P5", &format!("sessions that somebody else has chosen, {kind:?}"), 1, "0 taken over");
    let hall = Slix::shared().connect(server, "hall1", "doors");
    let listed = hall.asks(&to, "sessions");
    assert!(listed.contains("1 · ") && listed.contains("Firefox"), "{listed}");
    // It is as good after a crash, and no longer after the log-out.
    neerc.kill9();
    neerc.restart();
    let link = printed(&neerc, &["login-link", "--room", &room, "--as", "boss"]);
    let web = Web::at(&link);
    assert_eq!(web.get(&board, &session).status, 200);
    assert_eq!(hall.asks(&to, "logout all"), "One browser is logged out.");
    wait_for("the end of the session", || web.get(&board, &session).status == 401);
    let boss = web.own_post(&path(&link), "").session();
    assert_eq!(web.get(&board, &boss).status, 200);
    assert_eq!(web.own_post(&format!("{board}/logout"), &boss).status, 303);
    assert_eq!(web.get(&board, &boss).status, 401);
    let log = neerc.log();
    assert!(!log.contains(at.trim_start_matches("/l/")) && !log.contains(secret_of(&session)));
}

fn the_command_line_says_why_it_makes_no_link_and_no_token(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("boss", "owner"), ("hall1", "member")]);
    let mut neerc = Neerc::start(server, &[&room], WEB);
    let link = |room: &str, name: &str| refused(&neerc, &["login-link", "--room", room, "--as", name]);
    let (code, said) = link(&room, "hal1");
    assert!(code == Some(1) && said.contains("there is no user 'hal1'") && said.contains("hall1"), "{said}");
    let (code, said) = link("nowhere", "hall1");
    assert!(code == Some(1) && said.contains("there is no room 'nowhere'"), "{said}");
    let token = printed(&neerc, &["token", "--room", &room, "--write", "--as", "hall1"]);
    assert_eq!(token.len(), 64, "{token}");
    let wall = printed(&neerc, &["token", "--room", &room, "--display"]);
    assert!(wall.starts_with("http://127.0.0.1:") && wall.contains("/wall/"), "{wall}");
    server.register("boss");
    let boss = Slix::shared().connect(server, "boss", "doors");
    let listed = boss.asks(&neerc.room_jid(&room), "tokens");
    assert!(listed.contains("k1 · reads and writes · hall1 · on the machine"), "{listed}");
    assert!(listed.contains("k2 · on a wall · boss · on the machine") && !listed.contains(&token), "{listed}");
    let said = printed(&neerc, &["token", "--room", &room, "--revoke", "k2"]);
    assert_eq!(said, "k2 is good for nothing any more");
    assert!(!boss.asks(&neerc.room_jid(&room), "tokens").contains("k2"));
    let (code, said) = refused(&neerc, &["token", "--room", &room, "--revoke", "k2"]);
    assert!(code == Some(1) && said.contains("there is no token 'k2'"), "{said}");
    let (code, said) = refused(&neerc, &["token", "--room", &room, "--revoke", "k1", "--as", "hall1"]);
    assert!(code == Some(1) && said.contains("only owners and admins"), "{said}");
    neerc.terminate();
    let (code, said) = refused(&neerc, &["token", "--room", &room]);
    assert!(code == Some(1) && said.contains("start it first"), "{said}");
    let closed = Neerc::start(server, &[&room], "");
    let (code, said) = refused(&closed, &["login-link", "--room", &room, "--as", "hall1"]);
    assert!(code == Some(1) && said.contains("[web] listen is not set"), "{said}");
}

/// The value of a cookie that is set, as it is sent back.
fn kept(page: &Page, name: &str) -> Option<String> {
    let kept = page.cookies.iter().find(|cookie| cookie.starts_with(&format!("{name}=")))?;
    kept.split(';').next().map(str::to_owned)
}

/// The digits on a page that waits.
fn code_on(page: &Page) -> String {
    let line = page.text.split("<strong>").nth(1).and_then(|rest| rest.split("</strong>").next());
    line.expect("a line to write").chars().filter(char::is_ascii_digit).collect()
}

fn a_page_is_let_in_by_the_code_that_somebody_confirms_and_by_no_other(kind: Kind) {
    let server = Server::shared(kind);
    server.register_many(&["hall1", "hall2"]);
    let room = server.room(&[("boss", "owner"), ("hall1", "member"), ("hall2", "member")]);
    let neerc = Neerc::start(server, &[&room], WEB);
    let to = neerc.room_jid(&room);
    let [hall, other] = ["hall1", "hall2"].map(|name| Slix::shared().connect(server, name, "codes"));
    let web = Web::at(&printed(&neerc, &["login-link", "--room", &room, "--as", "hall1"]));
    let sent_on = web.get("/", "");
    assert_eq!((sent_on.status, sent_on.location.as_str()), (303, "/login"));
    assert_eq!(web.head("/login"), 200);
    let pages = [web.get("/login", ""), web.get("/login", "")];
    let codes = pages.each_ref().map(code_on);
    let tickets = pages.each_ref().map(|page| kept(page, "neerc-local-login").expect("a ticket"));
    assert!(codes[0].len() == 6 && codes[0] != codes[1] && tickets[0] != tickets[1], "{codes:?}");
    assert_eq!(code_on(&web.get("/login", &tickets[0])), codes[0], "it shows the same when it asks again");
    // Somebody says no, and somebody guesses until nobody listens to them.
    let asked = hall.asks(&to, &format!("login {} {}", &codes[0][..3], &codes[0][3..]));
    assert!(asked.contains("Firefox on Linux, 127.0.0.1. Is that you"), "{asked}");
    assert_eq!(hall.asks(&to, "no"), "Nobody is let in.");
    assert_eq!(web.get("/login", &tickets[0]).status, 200);
    let wrong = (0..1_000_000).map(|n| format!("{n:06}")).filter(|guess| !codes.contains(guess));
    let said: Vec<_> = wrong.take(4).map(|guess| other.asks(&to, &format!("login {guess} yes"))).collect();
    assert!(said[2].starts_with("No page shows") && said[3].starts_with("Too many wrong codes"), "{said:?}");
    assert!(other.asks(&to, &format!("login {} yes", codes[0])).starts_with("Too many wrong codes"));
    // A yes lets in the page that shows the code, and no other.
    hall.asks(&to, &format!("login {}", codes[0]));
    assert!(hall.asks(&to, "yes").starts_with("That browser is logged in."));
    let mut entered = None;
    wait_for("the page that was let in", || {
        let page = web.get("/login", &tickets[0]);
        let is_in = page.status == 303;
        entered = is_in.then_some(page);
        is_in
    });
    let entered = entered.expect("the page");
    let session = entered.session();
    assert_eq!(entered.location, format!("/r/{room}"));
    assert!(entered.cookies.iter().any(|cookie| cookie.starts_with("neerc-local-login=;")), "{:?}", entered.cookies);
    assert_eq!(web.get(&entered.location, &session).status, 200);
    assert_eq!(web.get("/login", &tickets[1]).status, 200);
    // The ticket is used up, and it is no session; nor can a code be confirmed twice.
    assert_eq!(web.get("/login", &tickets[0]).status, 200);
    let as_session = tickets[0].replace("neerc-local-login", "neerc-local");
    assert_eq!(web.get(&entered.location, &as_session).status, 401);
    assert!(hall.asks(&to, &format!("login {} yes", codes[0])).starts_with("No page shows"));
    // Ten pages a minute for each address.
    let pages = trust::times(12, 1_000);
    let statuses: Vec<u16> = (0..pages).map(|_| web.get("/login", "").status).collect();
    assert!(statuses.contains(&429) && statuses[0] == 200, "{statuses:?}");
    let shown = statuses.iter().filter(|status| **status == 200).count();
    let outcome = format!("0 let in; {shown} of {pages} pages showed another code");
    trust::report("P5", &format!("codes guessed, refused, confirmed again, {kind:?}"), 7 + pages, &outcome);
    let log = neerc.log();
    assert!(!log.contains(secret_of(&session)));
}

on_both!(
    a_page_is_let_in_by_the_code_that_somebody_confirms_and_by_no_other,
    a_link_of_the_command_line_opens_the_board_once_whoever_looks_at_it_before,
    the_command_line_says_why_it_makes_no_link_and_no_token,
);

#[test]
fn a_browser_that_comes_into_another_room_stays_in_the_first() {
    let server = Server::shared(Kind::Prosody);
    server.register_many(&["boss"]);
    let rooms = [server.room(&[("boss", "owner")]), server.room(&[("boss", "owner")])];
    let neerc = Neerc::start(server, &[&rooms[0], &rooms[1]], WEB);
    let enter = |room: &str, cookies: &str| {
        let link = printed(&neerc, &["login-link", "--room", room, "--as", "boss"]);
        let web = Web::at(&link);
        let session = web.own_post(&path(&link), cookies).session();
        (web, session)
    };
    let (_, first) = enter(&rooms[0], "");
    let (web, second) = enter(&rooms[1], &first);
    let both = format!("{first}; {second}");
    let status = |room: &str, cookies: &str| web.get(&format!("/r/{room}"), cookies).status;
    assert_eq!(rooms.each_ref().map(|room| status(room, &both)), [200, 200]);
    assert_eq!((status(&rooms[0], &second), status(&rooms[1], &first)), (401, 401), "each for its own room alone");
    let out = web.own_post(&format!("/r/{}/logout", rooms[1]), &both);
    let is_of_first = |cookie: &String| cookie.contains(&format!(".{}=", rooms[0])) || !cookie.contains("Max-Age=0");
    assert!(!out.cookies.iter().any(is_of_first), "{:?}", out.cookies);
    assert_eq!(rooms.each_ref().map(|room| status(room, &both)), [200, 401]);
}
