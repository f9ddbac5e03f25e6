//! Two processes of which one stands by: what it says meanwhile, and that it serves once the other one has ended.

mod board;
mod desk;
mod lost;
mod rig;
mod rounds;
mod tape;
mod way;

use std::time::Duration;

use neerc_testing::postgres::Cluster;

use crate::doors::printed;
use crate::fake::FakeServer;
use crate::http::{Http, Reply};
use crate::raw::Raw;
use crate::reload::group_of;
use crate::servers::{Kind, Server};
use crate::service::Neerc;
use crate::supervised::Supervisor;
use crate::wait::wait_for;

on_both!(one_stands_by_until_the_other_one_has_ended);

fn one_stands_by_until_the_other_one_has_ended(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let listening = "[operations]\nlisten = \"127.0.0.1:0\"\n[web]\nlisten = \"127.0.0.1:0\"\n";
    let mut first = Neerc::start(server, &[&room], listening);
    let mut second = first.second();
    let file = first.dir.join("neerc.db");
    second.lay(&format!("[store]\nurl = \"sqlite:{}\"\n", file.display()));
    let supervisor = Supervisor::of(&mut second);

    // Without being told to stand by it is a mistake, as ever.
    let refused = second.command().args(["run", "--config"]).arg(second.config()).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("is in use by another neerc"), "{said}");

    second.arguments = vec!["--standby"];
    second.spawn();
    let heard = supervisor.hears("STATUS=standing by");
    assert_eq!(heard, [format!("STATUS=standing by for process {}, revision 0\nREADY=1", first.pid())]);
    second.wait_for_log("browsers are told at", 0);
    let monitoring = Http::said(&second, "monitoring is answered at");
    let Reply { status, text, .. } = monitoring.get("/readyz");
    assert_eq!(status, 503);
    assert!(text.starts_with("this process stands by for process "), "{text}");
    assert_eq!(monitoring.get("/healthz").status, 200);
    assert!(monitoring.get("/metrics").text.contains("\nneerc_leader 0\n"));
    let serving = Http::said(&first, "monitoring is answered at").get("/metrics");
    assert!(serving.text.contains("\nneerc_leader 1\n"), "{}", serving.text);
    let page = Http::said(&second, "browsers are told at").get(&format!("/r/{room}"));
    assert_eq!((page.status, page.field("retry-after")), (503, Some("5")));
    assert!(page.text.contains("<h1>Another machine serves</h1>"), "{}", page.text);

    // What it is to serve by is read again when somebody wants that, and when it takes over.
    let taken = "the configuration was taken as it is now: ";
    let refused = "the changed configuration was not taken, and all stays as it was: ";
    for (changed, said) in [
        ("[[groups]]\nname = \"Floor\"\nmembers = [\"hall1\"]\n", format!("{taken}groups")),
        ("[limits]\nrequests_burst = -1\n", refused.to_owned()),
        (
            "[limits]\nrequests_burst = 9\n[web]\nlisten = \"127.0.0.1:1\"\n",
            format!("{refused}web.listen can be changed"),
        ),
        ("[web]\nlisten = \"127.0.0.1:0\"\n", format!("{taken}limits.requests_burst")),
    ] {
        let old_log = second.log().len();
        second.lay(changed);
        second.signal("HUP");
        second.wait_for_log(&said, old_log);
        supervisor.hears("RELOADING=1");
        supervisor.hears("STATUS=standing by");
    }
    let old_log = second.log().len();
    second.lay("[limits]\nrequests_burst = 10\n[texts]\nlanguage = \"ru\"\n");
    assert!(first.terminate().0.success());
    second.wait_for_log(&format!("{taken}limits.requests_burst, texts.language"), old_log);
    second.wait_for_log("ready: rooms", old_log);
    supervisor.hears(&format!("STATUS=serving {room}"));
    let mut jury = Raw::login(server, "jury1", "standby");
    assert_eq!(group_of(&mut jury, &second.room_jid(&room), "hall1"), "Floor");
    assert!(Http::said(&second, "monitoring is answered at").get("/metrics").text.contains("\nneerc_leader 1\n"));
    let board = Http::board(&second);
    wait_for("the board of the one that serves now", || board.get("/healthz").status == 200);

    // It may be told to end while it stands by, too.
    first.arguments = vec!["--standby"];
    first.spawn();
    first.wait_for_log("standing by for process", 0);
    assert!(first.terminate().0.success());
    assert!(second.terminate().0.success());
}

#[test]
fn commands_ask_a_process_that_stands_by_for_a_database_how_it_stands_and_have_it_read_its_configuration() {
    let cluster = Cluster::shared();
    let store = format!("[store]\nurl = \"{}\"\n", cluster.url(&cluster.database()));
    let (listener, mut first) = FakeServer::prepare(&store);
    let watched = Duration::from_secs(30);
    let supervisor = Supervisor::allowing(&mut first, watched);
    let _fake = FakeServer::serve(&listener, &mut first, |_| String::new());
    // Who serves for as long as a lease lasts is watched as closely; who stands by is not.
    let heard = supervisor.hears("WATCHDOG_USEC=5000000");
    assert!(heard.contains(&"STATUS=serving fake\nREADY=1".to_owned()), "{heard:?}");
    let (_elsewhere, mut second) = FakeServer::prepare(&store);
    let supervisor = Supervisor::allowing(&mut second, watched);
    second.spawn();
    second.wait_for_log("standing by for", 0);
    let said = |second: &Neerc<'_>, command: &str| {
        let output = second.command().args([command, "--config"]).arg(second.config()).output().unwrap();
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let (code, text) = said(&second, "status");
    let wanted = format!("process {}, since", second.pid());
    assert!(code == Some(0) && text.contains(&wanted) && text.contains("\nservice   standing by for "), "{text}");
    let (code, text) = said(&second, "check");
    assert!(code == Some(0) && text.lines().any(|line| line.contains("standing by for")), "{text}");
    assert_eq!(said(&second, "reload"), (Some(0), "nothing has changed in the configuration\n".to_owned()));
    second.lay("[limits]\nrequests_burst = 9\n");
    let taken = "the configuration was taken as it is now: limits.requests_burst\n";
    assert_eq!(said(&second, "reload"), (Some(0), taken.to_owned()));
    let heard = supervisor.hears("STATUS=standing by");
    assert!(first.terminate().0.success());
    let after = supervisor.hears("STATUS=waiting for the server");
    assert!(!heard.iter().chain(&after).any(|said| said.contains("WATCHDOG_USEC")), "{heard:?} {after:?}");
    supervisor.hears("WATCHDOG_USEC=5000000");
    assert!(second.terminate().0.success());
}

#[test]
fn that_the_database_has_one_copy_only_is_said_to_whoever_runs_it_and_to_admins() {
    let cluster = Cluster::start(&[]);
    let store = format!("[store]\nurl = \"{}\"\n", cluster.url(&cluster.database()));
    let (listener, mut neerc) = FakeServer::prepare(&store);
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    fake.chats("jury1@localhost/phone");
    let waits_for = |names: &str| {
        cluster.sql("postgres", &format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"));
        cluster.sql("postgres", "SELECT pg_reload_conf()");
    };
    let status = |neerc: &Neerc<'_>| printed(neerc, &["status"]);
    waits_for("nobody");
    neerc.wait_for_log("no synchronous standby of the database is connected, so nothing is stored or answered", 0);
    fake.hears("the second machine is away, so nothing is stored or answered");
    assert!(status(&neerc).contains(": nothing is stored until there are two\n"), "{}", status(&neerc));
    assert!(status(&neerc).contains("\nstore     postgres://"), "{}", status(&neerc));
    let survey = printed(&neerc, &["standby", "status"]);
    assert!(survey.contains("is written to, and none of the standbys that commits wait for is connected"), "{survey}");
    waits_for("");
    neerc.wait_for_log("the database has lost its synchronous standby and goes on alone", 0);
    assert!(status(&neerc).contains(": changes go on with it\n"), "{}", status(&neerc));
}
