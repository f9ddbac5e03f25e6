//! Those whom the news does not reach, at real servers: who came while the service was away, who is handed what the server
//! kept for a session that has gone, and who is known by their contact list only.
#![allow(clippy::disallowed_methods)] // a test measures how long it waits

use std::fs;
use std::time::Instant;

use rusqlite::Connection;

use crate::raw::Raw;
use crate::said::{NS, Said};
use crate::servers::{Kind, Options, ROOMS, Server, unique};
use crate::service::Neerc;
use crate::wait::wait_for;

mod prosody {
    use crate::servers::Kind;

    #[test]
    fn who_logged_in_while_the_service_was_away_had_an_empty_list() {
        super::who_logged_in_while_the_service_was_away_had_an_empty_list(Kind::Prosody);
    }

    #[test]
    fn who_was_reached_by_presence_only_was_forgotten_at_a_restart() {
        super::who_was_reached_by_presence_only_was_forgotten_at_a_restart(Kind::Prosody);
    }

    /// Only this server keeps what says that it is not to be kept.
    #[test]
    fn a_removed_task_and_an_old_clock_came_back_as_offline_messages() {
        super::a_removed_task_and_an_old_clock_came_back_as_offline_messages();
    }
}

mod ejabberd {
    use crate::servers::Kind;

    #[test]
    fn who_logged_in_while_the_service_was_away_had_an_empty_list() {
        super::who_logged_in_while_the_service_was_away_had_an_empty_list(Kind::Ejabberd);
    }

    #[test]
    fn who_was_reached_by_presence_only_was_forgotten_at_a_restart() {
        super::who_was_reached_by_presence_only_was_forgotten_at_a_restart(Kind::Ejabberd);
    }
}

/// A room with an admin and two halls, and a service for it.
struct Stage<'a> {
    server: &'a Server,
    room: String,
    halls: [String; 2],
    neerc: Neerc<'a>,
    /// The admin, who is in the room.
    jury: Raw,
}

impl<'a> Stage<'a> {
    fn new(server: &'a Server, toml_extra: &str) -> Self {
        let [chief, hall, other] = ["latechief", "latehall", "lateother"].map(unique);
        let room = server.room(&[(&chief, "owner"), (&hall, "member"), (&other, "member")]);
        let neerc = Neerc::start(server, &[&room], toml_extra);
        let jury = Raw::login(server, &chief, "desk");
        let mut stage = Stage { server, room, halls: [hall, other], neerc, jury };
        stage.jury.enter(&stage.room, "chief");
        stage
    }

    /// The answer to a request of the admin.
    #[track_caller]
    fn ask(&mut self, kind: &str, payload: &str) -> Said {
        let to = self.neerc.room_jid(&self.room);
        ask(&mut self.jury, &to, kind, payload)
    }

    /// Creates a task for one of the halls; its id.
    #[track_caller]
    fn create(&mut self, title: &str, hall: &str) -> u64 {
        let task = format!("<task xmlns='{NS}#task' title='{title}' type='todo'><status for='{hall}'/></task>");
        let answer = self.ask("set", &task);
        assert_eq!(answer.kind, "result", "{}", answer.xml);
        let told = self.jury.expect(|text| told(text).iter().any(|(_, known)| known.as_deref() == Some(title)));
        Said::read(&told).tasks[0].0
    }

    /// What the service answers to a chat line of the admin.
    fn says(&mut self, line: &str) -> String {
        let to = self.neerc.room_jid(&self.room);
        self.jury.send(&format!("<message to='{to}' type='chat'><body>{line}</body></message>"));
        self.jury.expect(|text| {
            let said = Said::read(text);
            said.name == "message" && said.kind == "chat" && said.from == to
        })
    }
}

#[track_caller]
fn ask(session: &mut Raw, to: &str, kind: &str, payload: &str) -> Said {
    let id = unique("ask");
    session.send(&format!("<iq to='{to}' type='{kind}' id='{id}'>{payload}</iq>"));
    Said::read(&session.expect(|text| Said::read(text).id == id))
}

/// The tasks of a notification, by id with their titles; none where a task was removed.
fn told(text: &str) -> Vec<(u64, Option<String>)> {
    let said = Said::read(text);
    let tasks = if said.name == "message" { said.tasks } else { Vec::new() };
    tasks.into_iter().map(|(id, task)| (id, task.map(|task| task.title))).collect()
}

fn query(what: &str) -> String {
    format!("<query xmlns='{NS}#{what}'/>")
}

fn who_logged_in_while_the_service_was_away_had_an_empty_list(kind: Kind) {
    const ALL: usize = 30;
    const OWN: usize = 13;
    let mut stage = Stage::new(Server::shared(kind), "");
    let [hall, other] = stage.halls.clone();
    for number in 0..ALL {
        // Mixed, so that neither age nor number puts the own ones first.
        let is_own = number % 2 == 0 && number / 2 < OWN;
        let (whose, name) = if is_own { ("own", &hall) } else { ("others", &other) };
        stage.create(&format!("{whose} {number}"), name);
    }
    let store = Connection::open(stage.neerc.dir.join("neerc.db")).unwrap();
    let query_told = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'told_revision'";
    wait_for("all to be told that the others were", || {
        let told: i64 = store.query_row(query_told, [], |row| row.get(0)).unwrap();
        told == ALL as i64
    });
    drop(store);
    assert!(stage.neerc.terminate().0.success());
    let mut asks = Raw::login(stage.server, &hall, "asks");
    let mut silent = Raw::login(stage.server, &hall, "silent");
    asks.enter(&stage.room, "asks");
    silent.enter(&stage.room, "silent");
    let to = stage.neerc.room_jid(&stage.room);
    for what in ["users", "tasks"] {
        let answer = ask(&mut asks, &to, "get", &query(what));
        assert_eq!(answer.kind, "error", "the server says that nobody is there: {}", answer.xml);
    }
    stage.neerc.restart();
    let began = Instant::now();
    for session in [&mut asks, &mut silent] {
        let mut titles: Vec<String> = Vec::new();
        while titles.len() < ALL {
            let text = session.expect(|text| !told(text).is_empty());
            let new = told(&text).into_iter().filter_map(|(_, title)| title);
            titles.extend(new.filter(|title| !titles.contains(title)).collect::<Vec<_>>());
        }
        let (own, rest) = titles.split_at(OWN);
        assert!(own.iter().all(|title| title.starts_with("own ")), "{titles:?}");
        assert!(rest.iter().all(|title| title.starts_with("others ")), "{titles:?}");
    }
    println!("{kind:?}: told of all {ALL} tasks {:.1?} after the service was ready", began.elapsed());
}

/// Writes the file of the contest clock.
fn write_clock(neerc: &Neerc<'_>, time_ms: u32, status: &str) {
    let part = neerc.dir.join("clock.part");
    fs::write(&part, format!("<clock time='{time_ms}' length='18000000' status='{status}'/>")).unwrap();
    fs::rename(part, neerc.dir.join("clock.xml")).unwrap();
}

/// The status of the clock in a stanza, as its digit.
fn clock(text: &str) -> Option<char> {
    let (_, clock) = text.replace('"', "'").split_once("<clock ").map(|(a, b)| (a.to_owned(), b.to_owned()))?;
    clock.split_once("status='")?.1.chars().next()
}

const PAUSED: char = '3';
const OVER: char = '4';

/// A session that can be resumed is lost without a word; the server keeps what comes for it, and then hands it to the
/// account's next session.
fn a_removed_task_and_an_old_clock_came_back_as_offline_messages() {
    let extra_config = String::from("smacks_hibernation_time = 2\n");
    let server = Server::launch(Kind::Prosody, Options { extra_config, ..Options::default() });
    let mut stage = Stage::new(&server, "[clock]\nfile = \"clock.xml\"\n");
    let [hall, _] = stage.halls.clone();
    let to = stage.neerc.room_jid(&stage.room);
    let mut phone = Raw::login(&server, &hall, "phone");
    phone.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    phone.expect(|text| text.starts_with("<enabled"));
    phone.send("<presence/>");
    phone.enter(&stage.room, "hall");
    assert_eq!(ask(&mut phone, &to, "get", &query("tasks")).kind, "result");
    drop(phone); // the connection ends, the stream does not
    let task = stage.create("short lived", &hall);
    write_clock(&stage.neerc, 3_700_000, "PAUSED");
    stage.jury.expect(|text| clock(text) == Some(PAUSED));
    let seat = format!("{}@{ROOMS}/hall", stage.room);
    stage.jury.expect(|text| text.starts_with("<presence") && text.contains(&seat) && text.contains("unavailable"));
    assert_eq!(stage.ask("set", &format!("<task xmlns='{NS}#task' id='t{task}' type='remove'/>")).kind, "result");
    stage.jury.expect(|text| told(text) == [(task, None)]);
    write_clock(&stage.neerc, 18_000_000, "OVER");
    stage.jury.expect(|text| clock(text) == Some(OVER));

    let mut desk = Raw::login(&server, &hall, "desk");
    desk.enter(&stage.room, "hall");
    let listed = ask(&mut desk, &to, "get", &query("tasks"));
    assert!(listed.tasks.is_empty(), "{}", listed.xml);
    desk.send("<presence/>");
    let (mut copies, mut last_task, mut last_clock) = (Vec::new(), None, None);
    let mut note = |text: &str| {
        let is_copy = text.contains("urn:xmpp:delay");
        if let Some((_, known)) = told(text).into_iter().find(|(id, _)| *id == task) {
            last_task = Some((is_copy, known.is_some()));
        }
        if let Some(status) = clock(text) {
            last_clock = Some((is_copy, status));
        }
        if is_copy && (clock(text).is_some() || !told(text).is_empty()) {
            copies.push(text.to_owned());
        }
        // What the server had kept has come, and after it both words of the service.
        copies.len() >= 2 && last_task == Some((false, false)) && last_clock == Some((false, OVER))
    };
    desk.expect(&mut note);
    // Nothing old comes after that.
    desk.send(&format!("<iq to='{to}' type='get' id='end'>{}</iq>", query("ping")));
    desk.expect(|text| {
        note(text);
        Said::read(text).id == "end"
    });
    assert!(copies.iter().any(|copy| copy.contains("short lived")), "{copies:?}");
    assert!(copies.iter().any(|copy| clock(copy) == Some(PAUSED)), "{copies:?}");
    assert_eq!((last_task, last_clock), (Some((false, false)), Some((false, OVER))));
}

const GAJIM: &str = "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='v'/>";

fn who_was_reached_by_presence_only_was_forgotten_at_a_restart(kind: Kind) {
    let mut stage = Stage::new(Server::shared(kind), "");
    let [hall, _] = stage.halls.clone();
    let service = stage.neerc.room_jid(&stage.room);
    let from_service = |text: &str, kind: &str| {
        let said = Said::read(text);
        // What says that it is there comes from a resource.
        let at = if kind == "subscribe" { service.clone() } else { format!("{service}/neerc") };
        said.name == "presence" && said.kind == kind && said.from == at
    };
    let mut gajim = Raw::login(stage.server, &hall, "gajim");
    gajim.send(&format!("<presence>{GAJIM}</presence>"));
    gajim.send(&format!("<presence type='subscribe' to='{service}'/>"));
    gajim.expect(|text| from_service(text, "subscribe"));
    gajim.send(&format!("<presence type='subscribed' to='{service}'/>"));
    // A client of no known make is told by notifications.
    let mut plain = Raw::login(stage.server, &hall, "plain");
    plain.send("<presence/>");
    plain.expect(|text| from_service(text, ""));
    wait_until_online(&mut stage);
    assert_told(&mut stage, "before", &mut gajim, &mut plain);

    for (round, end) in ["killed", "ended", "killed again"].into_iter().enumerate() {
        if end == "ended" {
            assert!(stage.neerc.terminate().0.success());
            for session in [&mut gajim, &mut plain] {
                session.expect(|text| from_service(text, "unavailable"));
            }
        } else {
            stage.neerc.kill9();
        }
        stage.neerc.restart();
        for session in [&mut gajim, &mut plain] {
            session.expect(|text| from_service(text, ""));
        }
        wait_until_online(&mut stage);
        assert_told(&mut stage, &format!("{end}, round {round}"), &mut gajim, &mut plain);
    }
}

/// The service knows that the hall is online, with every session.
#[track_caller]
fn wait_until_online(stage: &mut Stage<'_>) {
    let online = format!("{} ●", stage.halls[0]);
    wait_for("the hall to be online", || stage.says("who").contains(&online));
    // Each session has answered for itself: by now all answers have come.
    for _ in 0..3 {
        assert_eq!(stage.ask("get", &query("ping")).kind, "result");
    }
}

/// A new task is told to both of them.
#[track_caller]
fn assert_told(stage: &mut Stage<'_>, title: &str, gajim: &mut Raw, plain: &mut Raw) {
    let hall = stage.halls[0].clone();
    stage.create(title, &hall);
    gajim.expect(|text| {
        let said = Said::read(text);
        // As a new task or as a reminder, whichever was first.
        said.kind == "chat" && text.contains(title)
    });
    plain.expect(|text| told(text).iter().any(|(_, known)| known.as_deref() == Some(title)));
}
