//! What the four deployed clients send, byte for byte, and the answers read the way those clients read them.
//!
//! The texts were captured from the desktop and the web client; those of Android and Shemplo follow their sources. Ids of
//! tasks are the only thing that is put in, since it is the service that gives them.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use neerc_xmpp::xml::{self, Element, TreeLimits};

use super::{NS, Stage, Task, connect, done, packet};
use crate::raw::Raw;
use crate::servers::{HOST, Kind, Options, Server, unique};
use crate::service::Neerc;
use crate::wait::PATIENCE;

on_both!(desktop, android, web, shemplo);

const UUID: &str = "11111111-2222-3333-4444-555555555555";

/// One server with the names that these clients have built in: `neerc.localhost`, and a room called `neerc`.
fn stage(kind: Kind) -> &'static Stage<'static> {
    static PROSODY: OnceLock<Stage<'static>> = OnceLock::new();
    static EJABBERD: OnceLock<Stage<'static>> = OnceLock::new();
    let cell = match kind {
        Kind::Prosody => &PROSODY,
        Kind::Ejabberd => &EJABBERD,
    };
    cell.get_or_init(|| {
        let server = Box::leak(Box::new(Server::launch(kind, Options::default())));
        let room = String::from("neerc");
        server.create_room(&room);
        let people =
            [("admin", "owner"), ("matvey", "admin"), ("hall1", "member"), ("hall2", "member"), ("hall3", "member")];
        server.register_many(&people.map(|(user, _)| user));
        for (user, affiliation) in people {
            server.set_affiliation(&room, &format!("{user}@{HOST}"), affiliation);
        }
        let neerc = Neerc::start(server, &[&room], "[[groups]]\nname = \"Halls\"\nmembers = [\"hall*\"]\n");
        assert_eq!(neerc.jid, "neerc.localhost");
        Stage { server, room, neerc }
    })
}

/// A client on the wire, which loses nothing of what it is sent.
struct Client {
    raw: Raw,
    unread: Vec<String>,
    answers: HashMap<String, usize>,
}

impl Client {
    fn login(stage: &Stage<'_>, user: &str, resource: &str) -> Self {
        Self { raw: Raw::login(stage.server, user, resource), unread: Vec::new(), answers: HashMap::new() }
    }

    /// The first stanza not yet taken that `wanted` accepts.
    #[track_caller]
    fn take(&mut self, wanted: impl Fn(&Element<'_>) -> bool) -> String {
        if let Some(place) = self.unread.iter().position(|stanza| wanted(&parse(stanza))) {
            return self.unread.remove(place);
        }
        loop {
            let stanza = match self.raw.stanza(PATIENCE) {
                Ok(stanza) => stanza,
                Err(silence) => panic!("{silence:?} after {:#?}", self.unread),
            };
            let element = parse(&stanza);
            if element.name == "iq" {
                *self.answers.entry(element.attr("id").unwrap_or_default().to_owned()).or_default() += 1;
            }
            if wanted(&element) {
                return stanza;
            }
            self.unread.push(stanza);
        }
    }

    /// Sends a request as it is and takes the answer to it: from the very address that was asked.
    #[track_caller]
    fn ask(&mut self, request: &str) -> String {
        let sent = parse(request);
        let (id, to) = (sent.attr("id").unwrap(), sent.attr("to").unwrap());
        self.raw.send(request);
        let answer = self.take(|stanza| stanza.name == "iq" && stanza.attr("id") == Some(id));
        let read = parse(&answer);
        assert_eq!((read.attr("from"), read.attr("to")), (Some(to), Some(self.raw.jid.as_str())), "{answer}");
        answer
    }

    /// Asks and is answered by an empty result.
    #[track_caller]
    fn done(&mut self, request: &str) {
        let answer = self.ask(request);
        let read = parse(&answer);
        assert_eq!((read.attr("type"), read.elements().count()), (Some("result"), 0), "{answer}");
    }

    /// Asks and is refused: the error is all there is, so that no client takes an echo for a list.
    #[track_caller]
    fn refused(&mut self, request: &str, condition: &str) {
        let answer = self.ask(request);
        let read = parse(&answer);
        let children: Vec<_> = read.elements().map(|child| child.name).collect();
        assert_eq!((read.attr("type"), children), (Some("error"), vec!["error"]), "{answer}");
        let error = read.elements().next().unwrap();
        assert!(error.child(condition, "urn:ietf:params:xml:ns:xmpp-stanzas").is_some(), "{answer}");
        assert!(error.attr("code").is_some_and(|code| code.parse::<u16>().is_ok()), "{answer}");
    }

    /// Joins the room as the client does, and reads up to its own presence.
    #[track_caller]
    fn join(&mut self, presence: &str) {
        let occupant = parse(presence).attr("to").unwrap().to_owned();
        self.raw.send(presence);
        let own = self.take(|stanza| stanza.name == "presence" && stanza.attr("from") == Some(&occupant));
        assert!(own.contains("110"), "two of the clients wait for that code: {own}");
    }

    /// The notification of a task that `wanted` accepts.
    #[track_caller]
    fn told(&mut self, wanted: impl Fn(&Told) -> bool) -> Told {
        let told = |stanza: &Element<'_>| Told::read(stanza).filter(|told| wanted(told));
        let stanza = self.take(|stanza| told(stanza).is_some());
        Told::read(&parse(&stanza)).unwrap()
    }

    /// Each request had one answer, and nothing came that no client could read.
    #[track_caller]
    fn finish(mut self) {
        self.done("<iq to='neerc.localhost' id='finish' type='get'><ping xmlns='urn:xmpp:ping'/></iq>");
        while let Ok(stanza) = self.raw.stanza(Duration::from_millis(1)) {
            self.unread.push(stanza);
        }
        assert!(self.answers.values().all(|count| *count == 1), "{:?}", self.answers);
        for stanza in &self.unread {
            let read = parse(stanza);
            let ours = read.attr("from").is_some_and(|from| from.ends_with("neerc.localhost"));
            assert!(!ours || (read.name == "message" && Told::read(&read).is_some()), "unasked for: {stanza}");
        }
    }
}

#[track_caller]
fn parse(stanza: &str) -> Element<'_> {
    xml::parse(stanza.as_bytes(), "jabber:client", &TreeLimits::default())
        .unwrap_or_else(|why| panic!("{why}: {stanza}"))
}

/// A notification, read by the rules of all four clients at once.
#[derive(Debug)]
struct Told {
    id: String,
    title: String,
    kind: String,
    statuses: Vec<(String, String, String)>,
}

impl Told {
    #[track_caller]
    fn read(stanza: &Element<'_>) -> Option<Self> {
        let x = stanza.child("x", &format!("{NS}#tasks")).filter(|_| stanza.name == "message")?;
        // Shemplo: the bare service, type normal, and a body on one line that names the task.
        assert_eq!(stanza.attr("from"), Some("neerc.localhost"));
        assert!(matches!(stanza.attr("type"), None | Some("normal")));
        let bodies: Vec<_> = stanza.elements().filter(|child| child.name == "body").collect();
        assert!(bodies.len() == 1 && bodies[0].ns == "jabber:client" && bodies[0].attributes.is_empty(), "{stanza:?}");
        assert!(names_a_task(&bodies[0].text()), "{stanza:?}");
        // Desktop: no delay, exactly one task. Android: a title even of a removed one.
        assert!(stanza.child("delay", "urn:xmpp:delay").is_none());
        let tasks: Vec<_> = x.elements().collect();
        assert_eq!(tasks.len(), 1, "{stanza:?}");
        let task = tasks[0];
        assert!(task.is("task", &format!("{NS}#tasks")));
        if task.attr("type") == Some("remove") {
            assert_eq!((task.attr("title"), task.elements().count()), (Some(""), 0));
        } else {
            read_task(task);
        }
        let attr = |element: &Element<'_>, name: &str| {
            element.attr(name).unwrap_or_else(|| panic!("no {name}: {element:?}")).to_owned()
        };
        Some(Self {
            id: attr(task, "id"),
            title: attr(task, "title"),
            kind: attr(task, "type"),
            statuses: task
                .elements()
                .map(|status| (attr(status, "for"), attr(status, "type"), attr(status, "value")))
                .collect(),
        })
    }

    fn has(&self, name: &str, kind: &str, value: &str) -> bool {
        self.statuses.contains(&(name.to_owned(), kind.to_owned(), value.to_owned()))
    }
}

/// Java's `.+\((\w|-)+\).+`, matched as a whole.
fn names_a_task(body: &str) -> bool {
    let id =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let line_ends = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
    !body.contains(line_ends)
        && body.match_indices('(').any(|(open, _)| {
            let rest = &body[open + 1..];
            open > 0 && rest.find(')').is_some_and(|close| id(&rest[..close]) && close + 1 < rest.len())
        })
}

/// What a listed task needs, or one of the clients disconnects, crashes or stops painting.
#[track_caller]
fn read_task(task: &Element<'_>) {
    assert!(task.is("task", &format!("{NS}#tasks")), "{task:?}");
    assert!(task.attr("id").is_some_and(|id| !id.is_empty()) && task.attr("title").is_some(), "{task:?}");
    assert!(task.attr("timestamp").is_some_and(|ms| ms.parse::<i64>().is_ok()), "{task:?}");
    let kind = task.attr("type").unwrap();
    assert!(["todo", "todofail", "confirm", "okfail", "question"].contains(&kind), "{task:?}");
    for status in task.elements() {
        assert!(status.is("status", &format!("{NS}#tasks")), "{task:?}");
        assert!(status.attr("for").is_some() && status.attr("value").is_some(), "{task:?}");
        let kind = status.attr("type").unwrap();
        assert!(["none", "running", "success", "fail", "acknowledged"].contains(&kind), "{task:?}");
    }
}

/// Reads `#users` by the rules of all clients; `name group power`.
#[track_caller]
fn read_users(answer: &str) -> Vec<String> {
    let read = parse(answer);
    assert_eq!(read.attr("type"), Some("result"), "{answer}");
    let query = read.child("query", &format!("{NS}#users")).unwrap();
    let user = |user: &Element<'_>| {
        assert!(user.is("user", &format!("{NS}#users")), "{answer}");
        let [name, group, power] =
            ["name", "group", "power"].map(|name| user.attr(name).unwrap_or_else(|| panic!("no {name}: {answer}")));
        assert!(power == "yes" || power == "no", "{answer}");
        format!("{name} {group} {power}")
    };
    let users: Vec<_> = query.elements().map(user).collect();
    assert!(!users.is_empty(), "the web client throws on an empty list");
    users
}

/// Reads `#tasks` by the rules of all clients; the ids.
#[track_caller]
fn read_tasks(answer: &str) -> Vec<String> {
    let read = parse(answer);
    assert_eq!(read.attr("type"), Some("result"), "{answer}");
    let query = read.child("query", &format!("{NS}#tasks")).unwrap();
    query.elements().for_each(read_task);
    let idle: Vec<_> = query.elements().map(|task| task.elements().count() == 0).collect();
    assert!(idle.is_sorted(), "the web client stops at the first task of nobody: {answer}");
    query.elements().map(|task| task.attr("id").unwrap().to_owned()).collect()
}

const USERS: [&str; 5] =
    ["admin Admins yes", "matvey Admins yes", "hall1 Halls no", "hall2 Halls no", "hall3 Halls no"];

/// A task made by somebody else; its id.
fn task(stage: &Stage<'_>, title: &str, kind: &str, statuses: &[(&str, &str, &str)]) -> String {
    let maker = connect(stage.server, "matvey");
    let own = unique("made");
    done(&maker.iq(&stage.at(), "set", &packet(None, &own, kind, statuses)));
    let made = stage.tasks(&maker).into_iter().find(|task| task.title == own);
    let Task { id, .. } = made.expect("the new task");
    stage.edit(&maker, &id, title, kind, statuses);
    id
}

fn desktop(kind: Kind) {
    let stage = stage(kind);
    let id = task(stage, "Do some work", "todo", &[("hall1", "none", ""), ("hall2", "running", "")]);
    let mut hall = Client::login(stage, "hall1", "dEsKtOpHa1");
    let mut admin = Client::login(stage, "admin", "dEsKtOpAd1");
    let users = "<iq to='neerc@neerc.localhost' id='DVMR5-8' type='get'><query xmlns='http://neerc.ifmo.ru/protocol/neerc#users'></query></iq>";
    let tasks = "<iq to='neerc@neerc.localhost' id='DVMR5-11' type='get'><query xmlns='http://neerc.ifmo.ru/protocol/neerc#tasks'></query></iq>";
    for (client, nick) in [(&mut admin, "admin"), (&mut hall, "hall1")] {
        let join = "<presence to='neerc@conference.localhost/admin' id='DVMR5-5'><x xmlns='http://jabber.org/protocol/muc'><password></password><history since='2026-11-22T00:00:09.735+00:00'/></x><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://www.igniterealtime.org/projects/smack' ver='NfJ3flI83zSdUDzCEICtbypursw='/></presence>";
        client.join(&join.replace("/admin", &format!("/{nick}")));
        assert_eq!(read_users(&client.ask(users)), USERS);
        assert!(read_tasks(&client.ask(tasks)).contains(&id));
        client.raw.send("<presence/>");
    }
    admin.done("<iq to='neerc@neerc.localhost' id='DVMR5-17' type='get'><task xmlns='http://neerc.ifmo.ru/protocol/neerc#task' title='Title with &quot;q&quot; &amp; &lt;b&gt; &apos;s' type='todo'><status for='hall2' type='none' value=''/><status for='hall1' type='none' value=''/></task></iq>");
    for client in [&mut admin, &mut hall] {
        let told = client.told(|told| told.title == "Title with \"q\" & <b> 's");
        assert!(told.kind == "todo" && told.has("hall1", "none", "") && told.has("hall2", "none", ""), "{told:?}");
    }
    admin.done("<iq to='neerc@neerc.localhost' id='DVMR5-18' type='get'><task xmlns='http://neerc.ifmo.ru/protocol/neerc#task' title='X' type='confirm'></task></iq>");
    let unassigned = admin.told(|told| told.title == "X" && told.kind == "confirm" && told.statuses.is_empty()).id;

    let assign = "<iq to='neerc@neerc.localhost' id='DVMR5-21' type='get'><task xmlns='http://neerc.ifmo.ru/protocol/neerc#task' title='Do some work' type='todo' id='11111111-2222-3333-4444-555555555555'><status for='hall3' type='none' value=''/><status for='hall2' type='running' value=''/><status for='hall1' type='none' value=''/></task></iq>";
    admin.refused(&assign.replace("DVMR5-21", "DVMR5-0"), "item-not-found");
    admin.done(&assign.replace(UUID, &id));
    for client in [&mut admin, &mut hall] {
        let told = client.told(|told| told.id == id && told.has("hall3", "none", ""));
        assert!(told.has("hall1", "none", "") && told.has("hall2", "running", ""), "{told:?}");
    }
    let status = "<iq to='neerc@neerc.localhost' id='DVMR5-20' type='get'><taskstatus xmlns='http://neerc.ifmo.ru/protocol/neerc#taskstatus' id='33333333-2222-3333-4444-555555555555' type='success' value='42 &amp; &lt;x&gt;'></taskstatus></iq>";
    hall.refused(&status.replace("DVMR5-20", "DVMR5-1"), "item-not-found");
    hall.done(&status.replace("33333333-2222-3333-4444-555555555555", &id));
    for client in [&mut admin, &mut hall] {
        client.told(|told| told.id == id && told.has("hall1", "success", "42 & <x>"));
    }
    let remove = "<iq to='neerc@neerc.localhost' id='DVMR5-22' type='get'><task xmlns='http://neerc.ifmo.ru/protocol/neerc#task' title='' type='remove' id='22222222-2222-3333-4444-555555555555'></task></iq>";
    admin.refused(&remove.replace("DVMR5-22", "DVMR5-2"), "item-not-found");
    hall.refused(
        &remove.replace("DVMR5-22", "DVMR5-3").replace("22222222-2222-3333-4444-555555555555", &id),
        "forbidden",
    );
    admin.done(&remove.replace("22222222-2222-3333-4444-555555555555", &id));
    for client in [&mut admin, &mut hall] {
        client.told(|told| told.id == id && told.kind == "remove");
    }
    assert!(!read_tasks(&hall.ask(&tasks.replace("DVMR5-11", "DVMR5-12"))).contains(&id));
    assert!(admin.unread.iter().all(|stanza| !stanza.contains("22222222-2222")), "no phantom row");

    // What is none of the service's business, and passes it by.
    admin.raw.send("<message to='neerc@conference.localhost' id='DVMR5-24' type='groupchat'><body>hall2&gt; ?? psst</body></message>");
    hall.take(|stanza| {
        stanza.attr("type") == Some("groupchat") && stanza.elements().any(|body| body.text() == "hall2> ?? psst")
    });
    admin.done("<iq to='localhost' id='DVMR5-31' type='get'><ping xmlns='urn:xmpp:ping'/></iq>");
    admin.done("<iq id=\"X\" to=\"neerc.localhost\" type=\"get\"><query xmlns=\"http://neerc.ifmo.ru/protocol/neerc#ping\" /></iq>");
    // Before 2016-12 the desktop knew the service only, and before 2016-10 it wrote attributes in this way.
    assert_eq!(read_users(&admin.ask(&users.replace("neerc@neerc", "neerc").replace("DVMR5-8", "DVMR5-9"))), USERS);
    admin.done(&format!("<iq id=\"old\" to=\"neerc.localhost\" type=\"get\"><task xmlns=\"http://neerc.ifmo.ru/protocol/neerc#task\" id=\"{unassigned}\" type=\"confirm\" title=\"X\"><status for=\"hall1\" type=\"none\" value=\"\" /></task></iq>"));
    hall.told(|told| told.id == unassigned && told.has("hall1", "none", ""));
    admin.finish();
    hall.finish();
}

fn android(kind: Kind) {
    let stage = stage(kind);
    let mut admin = Client::login(stage, "admin", "admin_aNdRoId12");
    let mut hall = Client::login(stage, "hall1", "hall1_aNdRoId12");
    for client in [&mut admin, &mut hall] {
        let users = "<iq to='neerc@neerc.localhost' id='Ab1cD-7' type='get'><query xmlns='http://neerc.ifmo.ru/protocol/neerc#users'></query></iq>";
        let tasks = "<iq to='neerc@neerc.localhost' id='Ab1cD-8' type='get'><query xmlns='http://neerc.ifmo.ru/protocol/neerc#tasks'></query></iq>";
        assert_eq!(read_users(&client.ask(users)), USERS);
        read_tasks(&client.ask(tasks));
    }
    // It has asked and not joined yet.
    let early = task(stage, "Early", "okfail", &[("hall1", "none", "")]);
    hall.told(|told| told.id == early && told.title == "Early");
    for (client, nick) in [(&mut admin, "admin"), (&mut hall, "hall1")] {
        client.join(&format!("<presence to='neerc@conference.localhost/{nick}' id='Ab1cD-10'><x xmlns='http://jabber.org/protocol/muc'><password></password><history seconds='86400'/></x></presence>"));
        client.raw.send("<presence/>");
    }
    admin.done("<iq to='neerc@neerc.localhost' id='Ab1cD-20' type='set'><task xmlns='http://neerc.ifmo.ru/protocol/neerc#task' title='New' type='okfail'></task></iq>");
    let id = admin.told(|told| told.title == "New" && told.kind == "okfail" && told.statuses.is_empty()).id;
    let assign = "<iq to='neerc@neerc.localhost' id='Ab1cD-21' type='set'><task xmlns='http://neerc.ifmo.ru/protocol/neerc#task' title='New' type='okfail' id='UUID'><status for='hall1' type='none' value=''/><status for='hall2' type='success' value=''/></task></iq>";
    admin.refused(&assign.replace("Ab1cD-21", "Ab1cD-0"), "item-not-found");
    admin.done(&assign.replace("UUID", &id));
    hall.told(|told| told.id == id && told.has("hall1", "none", "") && told.has("hall2", "success", ""));
    let status = "<iq to='neerc@neerc.localhost' id='Ab1cD-23' type='set'><taskstatus xmlns='http://neerc.ifmo.ru/protocol/neerc#taskstatus' id='UUID' type='fail' value='no paper'></taskstatus></iq>";
    hall.refused(&status.replace("Ab1cD-23", "Ab1cD-1"), "item-not-found");
    hall.done(&status.replace("UUID", &id));
    admin.told(|told| told.id == id && told.has("hall1", "fail", "no paper"));
    // The dialog was opened before: hall2 was deselected there, and hall1's answer is not undone.
    admin.done(
        &assign
            .replace("Ab1cD-21", "Ab1cD-25")
            .replace("<status for='hall2' type='success' value=''/>", "")
            .replace("UUID", &id),
    );
    let told = hall.told(|told| told.id == id && told.statuses.len() == 1);
    assert!(told.has("hall1", "fail", "no paper"), "{told:?}");
    let remove = "<iq to='neerc@neerc.localhost' id='Ab1cD-22' type='set'><task xmlns='http://neerc.ifmo.ru/protocol/neerc#task' title='' type='remove' id='UUID'></task></iq>";
    admin.done(&remove.replace("UUID", &id));
    for client in [&mut admin, &mut hall] {
        client.told(|told| told.id == id && told.kind == "remove");
    }
    // A ghost that it still shows is cleaned away when somebody touches it.
    hall.refused(&status.replace("Ab1cD-23", "Ab1cD-26").replace("UUID", &id), "item-not-found");
    hall.told(|told| told.id == id && told.kind == "remove");
    admin.raw.send("<message to='neerc@conference.localhost' id='Ab1cD-24' type='groupchat'><body>photo</body><x xmlns='jabber:x:oob'><url>https://HOST/upload/a.jpg</url></x></message>");
    hall.take(|stanza| stanza.child("x", "jabber:x:oob").is_some());
    admin.finish();
    hall.finish();
}

fn web(kind: Kind) {
    let stage = stage(kind);
    task(stage, "Nobody's", "todo", &[]);
    let id = task(stage, "Web", "todo", &[("hall3", "none", "")]);
    let mut hall = Client::login(stage, "hall3", "web");
    hall.raw.send("<presence xmlns=\"jabber:client\" id=\"f99b2b69-f10d-4b60-af25-4990ebcb4325\"/>");
    let users = "<iq xmlns=\"jabber:client\" to=\"neerc.localhost\" type=\"get\" id=\"a8b1f7af-d052-4a8b-9351-16b49c1b7041\"><query xmlns=\"http://neerc.ifmo.ru/protocol/neerc#users\"/></iq>";
    let tasks = "<iq xmlns=\"jabber:client\" to=\"neerc.localhost\" type=\"get\" id=\"e256e929-0b9c-4c36-b261-2d86b670d10e\"><query xmlns=\"http://neerc.ifmo.ru/protocol/neerc#tasks\"/></iq>";
    assert_eq!(read_users(&hall.ask(users)), USERS);
    assert!(read_tasks(&hall.ask(tasks)).contains(&id));
    let join = "<presence xmlns=\"jabber:client\" to=\"neerc@conference.localhost/hall3\" id=\"a9f8cac9-aaee-43e5-a8df-ede67ea1e325\"><c xmlns=\"http://jabber.org/protocol/caps\" node=\"https://stanza.io\" hash=\"sha-1\" ver=\"4ArXvj+KpyleAhwHHCoKUPRQRto=\"/><x xmlns=\"http://jabber.org/protocol/muc\"/></presence>";
    hall.join(join);
    hall.raw.send("<message xmlns=\"jabber:client\" to=\"neerc@conference.localhost\" type=\"groupchat\" id=\"e384d9e4-f2d8-4bdf-8938-0c04510731bd\"><body>Hall1&gt; ?! hi &amp; &lt;b&gt; \"q\" Б</body></message>");
    hall.take(|stanza| {
        stanza.attr("type") == Some("groupchat")
            && stanza.elements().any(|body| body.text() == "Hall1> ?! hi & <b> \"q\" Б")
    });
    let other = connect(stage.server, "hall3");
    stage.answer(&other, &id, "running", "");
    hall.told(|told| told.id == id && told.has("hall3", "running", ""));
    // A stranger's client is refused without an echo that it would read as an empty list.
    stage.server.register("stranger");
    let mut stranger = Client::login(stage, "stranger", "web");
    stranger.refused(users, "forbidden");
    stranger.refused(tasks, "forbidden");
    stranger.finish();
    hall.finish();
}

fn shemplo(kind: Kind) {
    let stage = stage(kind);
    let id = task(stage, "Shemplo", "todofail", &[("hall1", "none", "")]);
    let mut hall = Client::login(stage, "hall1", "shemplo");
    hall.join("<presence to='neerc@conference.localhost/hall1' id='x-5'><x xmlns='http://jabber.org/protocol/muc'><password></password><history maxstanzas='3000'/></x></presence>");
    let users = "<iq to='neerc@neerc.localhost' id='x-7' type='get'><query xmlns='http://neerc.ifmo.ru/protocol/neerc#users'></query></iq>";
    let tasks = "<iq to='neerc@neerc.localhost' id='x-8' type='get'><query xmlns='http://neerc.ifmo.ru/protocol/neerc#tasks'></query></iq>";
    assert_eq!(read_users(&hall.ask(users)), USERS);
    let answer = hall.ask(tasks);
    assert!(read_tasks(&answer).contains(&id));
    // It routes a list by `\w+@neerc\..+`.
    let from = parse(&answer).attr("from").unwrap().to_owned();
    let (room, rest) = from.split_once('@').unwrap();
    assert!(
        room.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && rest.starts_with("neerc."),
        "{from}"
    );
    let status = "<iq to='neerc@neerc.localhost' id='x-12' type='get'><taskstatus xmlns='http://neerc.ifmo.ru/protocol/neerc#taskstatus' type='running' value='' id='UUID'></taskstatus></iq>";
    hall.refused(&status.replace("x-12", "x-0"), "item-not-found");
    hall.done(&status.replace("UUID", &id));
    hall.told(|told| told.id == id && told.has("hall1", "running", ""));
    // Every notification makes it ask for the list anew.
    assert!(read_tasks(&hall.ask(&tasks.replace("x-8", "x-9"))).contains(&id));
    hall.finish();
}
