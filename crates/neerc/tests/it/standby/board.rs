//! The board of a machine that stands by: kept up with the one that serves, for those who may read there and nobody else, with
//! nothing to press, and live without being opened anew once that machine takes over.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use neerc_testing::postgres::Cluster;
use serde_json::json;

use crate::browser::{Driver, Look, axe};
use crate::guard::{self, Port, Process};
use crate::http::{Http, Reply};
use crate::servers::{Kind, Options, Server};
use crate::service::Neerc;
use crate::slix::Slix;
use crate::wait::wait_for;

const WEB: &str = "[web]\nlisten = \"127.0.0.1:0\"\n";

#[test]
fn the_board_is_shown_and_goes_on_where_machines_share_a_database() {
    let cluster = Cluster::shared();
    let store = format!("[store]\nurl = \"{}\"\n", cluster.url(&cluster.database()));
    let extra_config = "component_conflict_resolve = \"kick_old\"\n".to_owned();
    let server = Server::launch(Kind::Prosody, Options { extra_config, ..Options::default() });
    let room = server.room(&[("jury1", "owner"), ("hall1", "member"), ("hall2", "member")]);
    let mut first = Neerc::prepare(&server, &[&room], &(store + WEB));
    let second = first.second();
    first.restart();
    it_is_shown_and_goes_on(&server, &room, [first, second]);
}

#[test]
fn the_board_is_shown_and_goes_on_where_two_processes_share_a_file() {
    let server = Server::shared(Kind::Prosody);
    let room = server.room(&[("jury1", "owner"), ("hall1", "member"), ("hall2", "member")]);
    it_is_shown_and_goes_on(server, &room, two(server, &room, [WEB, ""]));
}

#[test]
fn the_board_can_be_read_while_no_database_is_written_to() {
    let primary = Cluster::start(&[]);
    let database = primary.database();
    let other = Cluster::standby(&primary, &[]);
    let (ours, theirs) = (primary.port(), other.port());
    let store = format!("[store]\nurl = \"postgres://postgres@127.0.0.1:{ours},127.0.0.1:{theirs}/{database}\"\n");
    let server = Server::shared(Kind::Prosody);
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let mut first = Neerc::prepare(server, &[&room], &(store + WEB));
    let mut second = first.second();
    first.restart();
    let (jury, to) = (Slix::shared().login(server, "jury1", "reads"), first.room_jid(&room));
    let said = jury.asks(&to, "token display");
    let link = said.split_whitespace().find(|word| word.len() >= 64).expect("a token is told");
    assert!(jury.asks(&to, "@todo hall1 Bring water").contains("is handed out"));
    let sql = "SELECT count(*) FROM backdrop JOIN head USING (epoch) WHERE revision >= 2";
    wait_for("the server that follows", || other.try_sql(&database, sql).is_ok_and(|found| found == "1"));
    primary.kill();
    first.kill9();
    second.spawn();
    second.wait_for_log("browsers are told at", 0);
    let standing = Http::said(&second, "browsers are told at");
    let wall = format!("/wall/{}", link.rsplit('/').next().unwrap_or(link));
    wait_for("the wall", || standing.get(&wall).status == 200);
    let page = standing.get(&wall).text;
    assert!(page.contains("Bring water") && page.contains("who serves is not known. As of revision 2, "), "{page}");
    is_told_who_serves(&standing.get("/wall/x"));
    assert!(second.terminate().0.success());
}

/// A service with a board, and another one that is to stand by on the same machine.
fn two<'a>(server: &'a Server, room: &str, web: [&str; 2]) -> [Neerc<'a>; 2] {
    let first = Neerc::start(server, &[room], web[0]);
    let mut second = first.second();
    second.lay(&format!("[store]\nurl = \"sqlite:{}\"\n{}", first.dir.join("neerc.db").display(), web[1]));
    second.arguments = vec!["--standby"];
    [first, second]
}

#[test]
fn a_web_server_before_both_machines_asks_the_one_that_serves() {
    const NGINX: &str = "/usr/sbin/nginx";
    if !Path::new(NGINX).exists() {
        eprintln!("SKIPPED: there is no nginx; scripts/setup test installs it");
        return;
    }
    let server = Server::shared(Kind::Prosody);
    let room = server.room(&[("hall1", "member"), ("jury1", "owner")]);
    let ports = [Port::reserve(), Port::reserve(), Port::reserve()];
    let [before, one, other] = ports.each_ref().map(|port| Http(format!("127.0.0.1:{}", port.number)));
    let web = |at: &Http| format!("[web]\nlisten = \"{}\"\nurl = \"http://{}\"\n", at.0, before.0);
    let [mut first, mut second] = two(server, &room, [&web(&one), &web(&other)]);
    second.spawn();
    second.wait_for_log("browsers are told at", 0);
    let _nginx = nginx(NGINX, &before, [&one, &other]);
    let (hall, board) = (session(&first, &before, &room, "hall1"), format!("/r/{room}"));
    wait_for("the board on the other machine", || other.get_as(&board, &hall).status == 200);
    let page = other.get_as(&board, &hall);
    assert!(page.text.contains("This machine stands by; ") && !page.text.contains("Open the machine"), "{}", page.text);
    for _ in 0..6 {
        let page = before.get_as(&board, &hall);
        assert!(page.status == 200 && !page.text.contains("stands by"), "{page:?}");
    }
    assert!(first.terminate().0.success());
    wait_for("the board of the other machine", || {
        let page = before.get_as(&board, &hall);
        page.status == 200 && !page.text.contains("stands by")
    });
    assert!(second.terminate().0.success());
}

/// nginx before two machines, told what the documentation says.
fn nginx(program: &str, before: &Http, machines: [&Http; 2]) -> Process {
    let folder = guard::scratch_dir("nginx");
    let shown = folder.display();
    let told = include_str!("../../../../../doc/two-machines.md")
        .split("```nginx\n")
        .nth(1)
        .and_then(|told| told.split("```").next());
    let told =
        told.expect("its lines").replace("10.0.0.1:8080", &machines[0].0).replace("10.0.0.2:8080", &machines[1].0);
    let (upstream, location) = told.split_once('\n').expect("several lines");
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("{name}_temp_path {shown}/{name};\n")).concat();
    let configuration = format!(
        "daemon off;\nmaster_process off;\npid {shown}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n\
         {temporary}{upstream}\nserver {{ listen {}; location / {{ proxy_set_header Host $http_host;\n{location}}} }}\n}}\n",
        before.0
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration).unwrap();
    let mut command = Command::new(program);
    command.arg("-e").arg(folder.join("error.log")).arg("-p").arg(&folder).arg("-c").arg(&file);
    let log = folder.join("nginx.log");
    let mut process = Process::spawn_logged("nginx", &mut command, &log);
    wait_for("nginx", || {
        let ended = process.exited();
        assert!(ended.is_none(), "{ended:?} {}", guard::log_tail(&log));
        std::net::TcpStream::connect(&before.0).is_ok()
    });
    process
}

#[test]
fn a_wall_that_is_open_on_the_other_machine_goes_on_by_itself() {
    let Some(driver) = Driver::start() else { return };
    let server = Server::shared(Kind::Prosody);
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let [mut first, mut second] = two(server, &room, [WEB, ""]);
    second.spawn();
    second.wait_for_log("browsers are told at", 0);
    let standing = Http::said(&second, "browsers are told at");
    let (jury, to) = (Slix::shared().login(server, "jury1", "goes"), first.room_jid(&room));
    let said = jury.asks(&to, "token display");
    let link = said.split_whitespace().find(|word| word.len() >= 64).expect("a token is told");
    let wall = format!("/wall/{}", link.rsplit('/').next().unwrap_or(link));
    wait_for("the wall on the other machine", || standing.get(&wall).status == 200);
    let browser = driver.browser(Look::LAPTOP);
    browser.open(&format!("http://{}{wall}", standing.0));
    browser.sees_in("#elsewhere", "This machine stands by; ");
    assert!(jury.asks(&to, "@todo hall1 Bring water").contains("is handed out"));
    browser.sees_in("#board", "Bring water");
    assert_eq!(axe(&browser).unwrap_or_default(), [""; 0]);
    browser.check();
    let log = second.log().len();
    assert!(first.terminate().0.success());
    second.wait_for_log("ready: rooms", log);
    browser.sees_count("#elsewhere", 0);
    assert!(jury.asks(&to, "@todo hall1 Bring tea").contains("is handed out"));
    browser.sees_in("#board", "Bring tea");
    browser.until("return document.body.dataset.looks", json!([]), |looks| *looks == json!("false"));
    browser.check();
    assert!(second.terminate().0.success());
}

/// What an address is answered with on a machine that stands by, where it shows nothing.
#[track_caller]
fn is_told_who_serves(reply: &Reply) {
    assert_eq!((reply.status, reply.field("retry-after")), (503, Some("5")), "{reply:?}");
    assert!(reply.text.contains("Another machine serves") && !reply.text.contains("Bring"), "{}", reply.text);
}

fn it_is_shown_and_goes_on(server: &Server, room: &str, [mut first, mut second]: [Neerc<'_>; 2]) {
    second.spawn();
    second.wait_for_log("browsers are told at", 0);
    let (serving, standing) = (Http::board(&first), Http::said(&second, "browsers are told at"));
    let (jury, to) = (Slix::shared().login(server, "jury1", "board"), first.room_jid(room));
    let token = |line: &str| {
        let said = jury.asks(&to, line);
        let word = said.split_whitespace().find(|word| word.len() >= 64).expect("a token is told");
        word.rsplit('/').next().unwrap_or(word).to_owned()
    };
    let (wall, write) = (format!("/wall/{}", token("token display")), token("token write"));
    let hall = session(&first, &serving, room, "hall1");
    let board = format!("/r/{room}");
    wait_for("the wall on the other machine", || standing.get(&wall).status == 200);
    wait_for("the board on the other machine", || standing.get_as(&board, &hall).status == 200);

    // What happens where it serves is seen here, by a stream as well.
    let mut stream = standing.events(&format!("{wall}/events"));
    stream.until("event: reload");
    let since = Instant::now();
    assert!(jury.asks(&to, "@todo hall1 Bring water").contains("is handed out"));
    stream.until("Bring water");
    println!("seen on the machine that stands by after {} ms", since.elapsed().as_millis());
    let page = standing.get_as(&board, &hall);
    assert!(page.text.contains("Bring water") && page.text.contains("This machine stands by; "), "{}", page.text);
    for thing in ["method=\"post\"", "formaction", "/do/done"] {
        assert!(!page.text.contains(thing), "{thing} in {}", page.text);
    }

    // Nothing can be done, and nobody else sees anything.
    let field = format!("Origin: http://{}\r\nCookie: {hall}\r\n", standing.0);
    let post = |path: &str| standing.send(standing.request("POST", path, &field, "task=1").as_bytes());
    is_told_who_serves(&post(&format!("{board}/do/done")));
    is_told_who_serves(&post(&format!("{board}/logout")));
    let forged = format!("neerc-local.{room}={}", "0".repeat(64));
    let swapped = format!("neerc-local.{room}={write}");
    for cookie in ["", &forged, &swapped] {
        is_told_who_serves(&standing.get_as(&board, cookie));
        is_told_who_serves(&standing.get_as(&format!("{board}/events"), cookie));
    }
    for path in ["/", "/login", "/healthz", &*format!("/wall/{write}"), "/wall/x"] {
        let reply = standing.get(path);
        if reply.status != 303 {
            is_told_who_serves(&reply);
        }
    }
    is_told_who_serves(&standing.get_as(&format!("{board}/history"), &hall));
    let bearer = format!("Authorization: Bearer {write}\r\n");
    let api = |method, body| {
        let fields = format!("{bearer}Content-Type: application/json\r\n");
        standing.send(standing.request(method, &format!("/api/v1/rooms/{room}/tasks"), &fields, body).as_bytes())
    };
    let read = api("GET", "");
    assert!(read.status == 200 && read.text.contains("Bring water"), "{read:?}");
    assert!(read.field("neerc-standby").is_some_and(|field| field.starts_with("revision=")), "{read:?}");
    let made = api("POST", "{\"title\":\"x\",\"kind\":\"todo\",\"for\":[\"hall1\"]}");
    assert_eq!((made.status, made.field("retry-after")), (503, Some("5")), "{made:?}");

    // Whoever loses their rights where it serves loses them here.
    let hall2 = session(&first, &serving, room, "hall2");
    wait_for("the board of hall2", || standing.get_as(&board, &hall2).status == 200);
    server.set_affiliation(room, "hall2@localhost", "none");
    wait_for("the end of the rights of hall2", || standing.get_as(&board, &hall2).status == 503);

    // The other one ends: the stream says so, and the same address serves.
    assert!(first.terminate().0.success());
    stream.until("event: rights");
    stream.ends();
    let page = standing.get_as(&board, &hall);
    assert!(page.status == 200 && page.text.contains("/do/done") && !page.text.contains("stands by"), "{page:?}");
    assert_eq!((standing.get("/healthz").status, standing.get_as(&board, &hall2).status), (200, 403));
    assert_eq!(post(&format!("{board}/do/done")).status, 303);
    assert!(standing.get(&wall).text.contains("Bring water"));
    second.wait_for_log("the board is served at", 0);
    assert!(second.terminate().0.success());
}

/// The cookie of somebody who came in where it serves.
fn session(neerc: &Neerc<'_>, http: &Http, room: &str, who: &str) -> String {
    let asked =
        neerc.command().args(["login-link", "--room", room, "--as", who, "--config"]).arg(neerc.config()).output();
    let link = String::from_utf8(asked.unwrap().stdout).unwrap();
    let path = link.trim().splitn(4, '/').nth(3).expect("a link").to_owned();
    let origin = format!("Origin: http://{}\r\nContent-Length: 0\r\n", http.0);
    let entered = http.send(http.request("POST", &format!("/{path}"), &origin, "").as_bytes());
    let cookie = entered.field("set-cookie").unwrap_or_else(|| panic!("{entered:?}"));
    cookie.split(';').next().unwrap_or_default().to_owned()
}
