//! Tests of the test tools themselves: what every other test here builds on.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::raw::{Raw, Silence};
use crate::servers::{HOST, Kind, Options, ROOMS, Server, home};
use crate::slix::Slix;
use crate::wait::{PATIENCE, wait_for};

on_both!(
    two_users_see_each_other_in_a_room,
    affiliation_set_by_the_server_is_pushed,
    raw_client_logs_in_and_pings,
    refused_join_says_why,
    many_sessions_are_cheap,
    cut_connection_is_noticed,
    data_survives_stop_and_start,
    data_survives_a_kill,
    nothing_is_left_after_drop,
    groups_are_readable_from_the_directory,
    service_admin_is_owner_of_every_room,
    server_dies_with_a_killed_test_process,
);

const ADMIN_NS: &str = "http://jabber.org/protocol/muc#admin";

fn two_users_see_each_other_in_a_room(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let jury = Slix::shared().login(server, "jury1", "see");
    let hall = Slix::shared().login(server, "hall1", "see");
    jury.join(&room, "Jury");
    hall.join(&room, "Hall");
    let presence = jury.expect_presence(|presence| presence.attr("from").ends_with("/Hall"), PATIENCE);
    let item = presence.find("item").expect("an item");
    assert_eq!((item.attr("jid"), item.attr("affiliation")), ("hall1@localhost/see", "member"));
    hall.say(&room, "salut");
    let message = jury.expect_message(|message| message.body() == "salut", PATIENCE);
    assert_eq!(message.attr("from"), format!("{room}@{ROOMS}/Hall"));
    hall.leave(&room, "Hall");
    jury.expect_presence(|presence| presence.kind() == "unavailable", PATIENCE);
}

fn affiliation_set_by_the_server_is_pushed(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("jury2", "owner"), ("hall2", "member")]);
    let jury = Slix::shared().login(server, "jury2", "push");
    let hall = Slix::shared().login(server, "hall2", "push");
    jury.join(&room, "Jury");
    hall.join(&room, "Hall");
    server.set_affiliation(&room, "hall2@localhost", "admin");
    jury.expect_presence(
        |presence| presence.find("item").is_some_and(|item| item.attr("affiliation") == "admin"),
        PATIENCE,
    );
    // Of somebody who is not in the room the others are told by a message.
    server.set_affiliation(&room, "absent@localhost", "member");
    jury.expect_message(
        |message| message.find("item").is_some_and(|item| item.attr("jid") == "absent@localhost"),
        PATIENCE,
    );
}

fn raw_client_logs_in_and_pings(kind: Kind) {
    let server = Server::shared(kind);
    server.register("raw1");
    let mut raw = Raw::login(server, "raw1", "bytes");
    assert_eq!(raw.jid, "raw1@localhost/bytes");
    raw.send(&format!("<iq to='{HOST}' type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>"));
    let pong = raw.expect(|stanza| stanza.contains("p1"));
    assert!(pong.contains("result"), "{pong}");
    assert_eq!(raw.stanza(Duration::from_millis(1)), Err(Silence::Timeout));
    raw.send("<not-closed></wrong>");
    assert!(raw.expect_closed().concat().contains("stream:error"));
}

fn refused_join_says_why(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[]);
    server.register("stranger");
    let stranger = Slix::shared().login(server, "stranger", "refused");
    let error = stranger.try_join(&room, "Stranger").expect_err("a members-only room");
    assert_eq!((error.condition.as_str(), error.kind.as_str()), ("registration-required", "auth"));
    let answer = stranger.iq(HOST, "get", "<query xmlns='urn:unknown'/>");
    assert_eq!(answer.error().expect("an error").condition, "service-unavailable");
}

fn many_sessions_are_cheap(kind: Kind) {
    let server = Server::shared(kind);
    let names: Vec<_> = (1..=30).map(|number| format!("many{number}")).collect();
    server.register_many(&names);
    let users = Slix::shared().login_many(server, &names, "many");
    for user in &users {
        user.sync(HOST);
    }
    assert_eq!(users.len(), 30);
}

fn cut_connection_is_noticed(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let jury = Slix::shared().login(server, "jury1", "cut");
    let hall = Slix::shared().login(server, "hall1", "cut");
    jury.join(&room, "Jury");
    hall.join(&room, "Hall");
    hall.cut();
    jury.expect_presence(|presence| presence.kind() == "unavailable", PATIENCE);
    hall.expect_closed(PATIENCE);
}

fn data_survives_stop_and_start(kind: Kind) {
    survives(kind, Server::stop);
}

fn data_survives_a_kill(kind: Kind) {
    survives(kind, |server| {
        // Servers may write behind; a stop and a start settle what there was. The kill is to lose nothing of that.
        server.stop();
        server.start();
        server.kill_hard();
    });
}

fn survives(kind: Kind, end: impl Fn(&Server)) {
    let server = Server::launch(kind, Options::default());
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let slix = Slix::start();
    let before = slix.login(&server, "jury1", "one");
    let ports = (server.c2s_port, server.component_port);
    end(&server);
    before.expect_closed(PATIENCE);
    server.start();
    assert_eq!(ports, (server.c2s_port, server.component_port));
    let after = slix.login(&server, "jury1", "two");
    let list = after.iq(
        &format!("{room}@{ROOMS}"),
        "get",
        &format!("<query xmlns='{ADMIN_NS}'><item affiliation='member'/></query>"),
    );
    assert_eq!(list.find("item").map(|item| item.attr("jid")), Some("hall1@localhost"), "{}", list.xml);
}

fn nothing_is_left_after_drop(kind: Kind) {
    let server = Server::launch(kind, Options::default());
    let family = family(server.pid());
    assert!(family.iter().all(|pid| runs(*pid)) && family.contains(&server.pid()));
    drop(server);
    wait_for("the end of the server's processes", || !family.iter().any(|pid| runs(*pid)));
}

fn groups_are_readable_from_the_directory(kind: Kind) {
    let halls = vec![String::from("hall1"), String::from("hall2")];
    let options = Options { groups: Some(vec![(String::from("Halls"), halls)]), ..Options::default() };
    let server = Server::launch(kind, options);
    server.register("directory");
    let directory = Slix::shared().login(&server, "directory", "groups");
    let roster = directory.iq(directory.bare_jid(), "get", "<query xmlns='jabber:iq:roster'/>");
    let items = &roster.child("query").expect("a roster").children;
    let mut jids: Vec<_> = items.iter().map(|item| item.attr("jid")).collect();
    jids.sort_unstable();
    assert_eq!(jids, ["hall1@localhost", "hall2@localhost"], "{}", roster.xml);
    assert_eq!(items[0].child("group").map(|group| group.text.as_str()), Some("Halls"));
}

fn service_admin_is_owner_of_every_room(kind: Kind) {
    let options = Options { service_admins: vec![String::from("chief")], ..Options::default() };
    let server = Server::launch(kind, options);
    server.register("chief");
    let room = server.room(&[]);
    let chief = Slix::shared().login(&server, "chief", "all");
    chief.join(&room, "Chief");
    let own = chief.expect_presence(|presence| presence.attr("from").ends_with("/Chief"), PATIENCE);
    assert_eq!(own.find("item").map(|item| item.attr("affiliation")), Some("owner"));
}

/// What the process under test of [`server_dies_with_a_killed_test_process`] is told by the environment.
const VICTIM: &str = "NEERC_IT_VICTIM";

/// This test runs itself once more as a process of its own, kills that, and looks whether its server goes too.
fn server_dies_with_a_killed_test_process(kind: Kind) {
    if std::env::var_os(VICTIM).is_some() {
        let server = Server::launch(kind, Options::default());
        println!("\nserver {}", server.pid());
        std::thread::park();
        drop(server);
        return;
    }
    let name = format!("harness::{kind:?}::server_dies_with_a_killed_test_process").to_lowercase();
    let mut victim = Command::new(std::env::current_exe().expect("this program has a path"))
        .args(["--exact", &name, "--nocapture"])
        .env(VICTIM, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("this program starts");
    let lines = BufReader::new(victim.stdout.take().expect("stdout is a pipe")).lines();
    let pid = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("server ")?.parse().ok());
    let family = family(pid.expect("the victim starts a server"));
    victim.kill().expect("an own child can be killed");
    victim.wait().expect("an own child can be waited for");
    wait_for("the end of the server of a killed process", || !family.iter().any(|pid| runs(*pid)));
    let scratch = home().temp_dir().join(format!("neerc-it-{}", victim.id()));
    wait_for("the end of its folder", || !scratch.exists());
}

/// The process and everything below it.
fn family(pid: u32) -> Vec<u32> {
    let mut members = vec![pid];
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    for task in tasks {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        members.extend(children.split_whitespace().filter_map(|child| child.parse().ok()).flat_map(family));
    }
    members
}

fn runs(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}
