//! The wire protocol (PROTOCOL.md) through real servers: what clients ask, are answered and are told. Not the rules of
//! the tasks themselves, which core tests at speed.

mod bursts;
mod forged;
mod golden;
mod pushes;
mod rebase;
mod requests;
mod restarts;
mod rights;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::servers::{Kind, Options, ROOMS, Server, unique};
use crate::service::Neerc;
use crate::slix::{Element, Slix, Stanza, User};
use crate::wait::{PATIENCE, poll_for};

const NS: &str = "http://neerc.ifmo.ru/protocol/neerc";

/// How soon rights must follow the room.
const PROMPT: Duration = Duration::from_secs(1);

/// A room with people, and a service for it.
struct Stage<'a> {
    server: &'a Server,
    room: String,
    neerc: Neerc<'a>,
}

impl<'a> Stage<'a> {
    /// People are local parts with affiliations; `toml` is laid over the service's configuration.
    #[track_caller]
    fn new(server: &'a Server, people: &[(&str, &str)], toml: &str) -> Self {
        let room = server.room(people);
        let neerc = Neerc::start(server, &[&room], toml);
        Self { server, room, neerc }
    }

    /// The service.
    fn svc(&self) -> &str {
        &self.neerc.jid
    }

    /// The room's address at the service.
    fn at(&self) -> String {
        self.neerc.room_jid(&self.room)
    }

    /// A session that is in the room under the account's name, and known to the service.
    #[track_caller]
    fn join(&self, user: &str) -> User<'static> {
        let session = login(self.server, user);
        session.join(&self.room, user);
        session.sync(self.svc());
        session
    }

    /// A new task as `set`; its id. The admin has to be in the room.
    #[track_caller]
    fn create(&self, admin: &User<'_>, title: &str, kind: &str, statuses: &[(&str, &str, &str)]) -> String {
        done(&admin.iq(&self.at(), "set", &packet(None, title, kind, statuses)));
        let created = |stanza: &Stanza| Task::pushed(stanza).is_some_and(|task| task.title == title);
        let id = Task::pushed(&admin.expect_message(created, PATIENCE)).unwrap().id;
        assert!(!id.is_empty() && id.len() <= 8, "short enough to type: {id}");
        id
    }

    /// Changes a task without waiting for anybody to hear of it.
    #[track_caller]
    fn edit(&self, admin: &User<'_>, id: &str, title: &str, kind: &str, statuses: &[(&str, &str, &str)]) {
        done(&admin.iq(&self.at(), "set", &packet(Some(id), title, kind, statuses)));
    }

    #[track_caller]
    fn remove(&self, admin: &User<'_>, id: &str) {
        done(&admin.iq(&self.at(), "set", &packet(Some(id), "", "remove", &[])));
    }

    #[track_caller]
    fn answer(&self, user: &User<'_>, id: &str, status: &str, value: &str) {
        done(&user.iq(&self.at(), "set", &status_packet(id, status, value)));
    }

    /// The tasks as `user` is given them.
    #[track_caller]
    fn tasks(&self, user: &User<'_>) -> Vec<Task> {
        tasks_of(&user.iq(&self.at(), "get", &query("tasks")))
    }

    /// The tasks in short, as [`Task`] is printed.
    #[track_caller]
    fn list(&self, user: &User<'_>) -> Vec<String> {
        self.tasks(user).iter().map(Task::to_string).collect()
    }

    /// Makes and removes a task, and waits until all of `sessions` have heard of that: whatever was changed before has
    /// been told by then, where nothing is held back by the spacing.
    #[track_caller]
    fn settle(&self, admin: &User<'_>, sessions: &[&User<'_>]) {
        let title = unique("settle");
        let id = self.create(admin, &title, "todo", &[]);
        for session in sessions.iter().filter(|session| session.jid != admin.jid) {
            session.expect_message(|stanza| Task::pushed(stanza).is_some_and(|task| task.id == id), PATIENCE);
        }
        self.remove(admin, &id);
        for session in sessions.iter().chain([&admin]) {
            session.expect_message(|stanza| Task::pushed(stanza).is_some_and(|task| task.id == id), PATIENCE);
        }
    }
}

/// A task as it is on the wire, which is printed as `1 todo 'title': hall1 none, hall2 fail 'no paper'`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Task {
    id: String,
    title: String,
    kind: String,
    timestamp_ms: Option<i64>,
    statuses: BTreeMap<String, (String, String)>,
}

impl Task {
    #[track_caller]
    fn of(element: &Element) -> Self {
        assert_eq!(element.name, "task");
        let statuses = element.children.iter().map(|status| {
            assert_eq!((status.name.as_str(), &status.ns), ("status", &element.ns));
            let names: Vec<_> = status.attrs.keys().map(String::as_str).collect();
            assert_eq!(names, ["for", "type", "value"]);
            (status.attr("for").to_owned(), (status.attr("type").to_owned(), status.attr("value").to_owned()))
        });
        Self {
            id: element.attr("id").to_owned(),
            title: element.attr("title").to_owned(),
            kind: element.attr("type").to_owned(),
            timestamp_ms: element.attrs.get("timestamp").map(|text| text.parse().expect("a number")),
            statuses: statuses.collect(),
        }
    }

    /// The task of a notification, if the stanza is one.
    #[track_caller]
    fn pushed(stanza: &Stanza) -> Option<Self> {
        let x = stanza.child_ns("x", &format!("{NS}#tasks")).filter(|_| stanza.name == "message")?;
        assert_eq!(x.children.len(), 1, "exactly one task: {}", stanza.xml);
        Some(Self::of(&x.children[0]))
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} '{}'", self.id, self.kind, self.title)?;
        for (place, (name, (status, value))) in self.statuses.iter().enumerate() {
            write!(f, "{} {name} {status}", if place == 0 { ":" } else { "," })?;
            if !value.is_empty() {
                write!(f, " '{value}'")?;
            }
        }
        Ok(())
    }
}

/// A session with a resource of its own: two tests with one would end each other's.
#[track_caller]
fn login(server: &Server, user: &str) -> User<'static> {
    Slix::shared().login(server, user, &unique("r"))
}

/// The same without any presence.
#[track_caller]
fn connect(server: &Server, user: &str) -> User<'static> {
    Slix::shared().connect(server, user, &unique("r"))
}

/// A running server for the test of this thread. Prosody is shared by all. Of ejabberd each thread has one to itself:
/// there the connection of one component takes the stanzas of all that share its listener, and an account created by
/// two requests at once is one that nobody can log in to.
fn shared(kind: Kind) -> &'static Server {
    thread_local!(static LENT: OnceCell<Lent> = const { OnceCell::new() });
    match kind {
        Kind::Prosody => Server::shared(kind),
        Kind::Ejabberd => LENT.with(|lent| lent.get_or_init(Lent::take).0),
    }
}

/// An ejabberd that goes back to the others at the end of its thread.
struct Lent(&'static Server);

struct Pool {
    free: Vec<&'static Server>,
    launched: usize,
}

const MOST_EJABBERDS: usize = 4;

static POOL: (Mutex<Pool>, Condvar) = (Mutex::new(Pool { free: Vec::new(), launched: 0 }), Condvar::new());

impl Lent {
    fn take() -> Self {
        let mut pool = POOL.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(server) = pool.free.pop() {
                return Self(server);
            }
            if pool.launched < MOST_EJABBERDS {
                pool.launched += 1;
                drop(pool);
                return Self(Box::leak(Box::new(Server::launch(Kind::Ejabberd, Options::default()))));
            }
            pool = POOL.1.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        POOL.0.lock().unwrap_or_else(PoisonError::into_inner).free.push(self.0);
        POOL.1.notify_one();
    }
}

/// `<query xmlns='NS#NAME'/>`.
fn query(name: &str) -> String {
    format!("<query xmlns='{NS}#{name}'/>")
}

/// A whole task, as clients send it.
fn packet(id: Option<&str>, title: &str, kind: &str, statuses: &[(&str, &str, &str)]) -> String {
    let id = id.map(|id| format!(" id='{id}'")).unwrap_or_default();
    let status = |(name, kind, value): &(&str, &str, &str)| {
        format!("<status for='{}' type='{kind}' value='{}'/>", escaped(name), escaped(value))
    };
    let statuses: String = statuses.iter().map(status).collect();
    format!("<task xmlns='{NS}#task' title='{}' type='{kind}'{id}>{statuses}</task>", escaped(title))
}

/// The own status, as clients send it.
fn status_packet(id: &str, status: &str, value: &str) -> String {
    format!("<taskstatus xmlns='{NS}#taskstatus' id='{id}' type='{status}' value='{}'/>", escaped(value))
}

fn escaped(text: &str) -> String {
    let mut escaped = Vec::new();
    neerc_xmpp::xml::escape_attr(&mut escaped, text);
    String::from_utf8(escaped).unwrap()
}

/// An empty result.
#[track_caller]
fn done(answer: &Stanza) {
    assert_eq!((answer.kind(), answer.children.len()), ("result", 0), "{}", answer.xml);
}

/// The list in an answer to `#tasks`.
#[track_caller]
fn tasks_of(answer: &Stanza) -> Vec<Task> {
    let list = answer.child_ns("query", &format!("{NS}#tasks"));
    let list = list.unwrap_or_else(|| panic!("no task list: {}", answer.xml));
    assert!(list.children.iter().all(|task| task.ns == list.ns), "{}", answer.xml);
    let tasks: Vec<Task> = list.children.iter().map(Task::of).collect();
    assert!(tasks.iter().all(|task| task.timestamp_ms.is_some()), "{}", answer.xml);
    tasks
}

/// The list in an answer to `#users`, as `name group power`.
#[track_caller]
fn users_of(answer: &Stanza) -> Vec<String> {
    let list = answer.child_ns("query", &format!("{NS}#users"));
    let list = list.unwrap_or_else(|| panic!("no user list: {}", answer.xml));
    let user = |user: &Element| {
        let names: Vec<_> = user.attrs.keys().map(String::as_str).collect();
        assert_eq!((user.name.as_str(), &user.ns, names), ("user", &list.ns, vec!["group", "name", "power"]));
        format!("{} {} {}", user.attr("name"), user.attr("group"), user.attr("power"))
    };
    list.children.iter().map(user).collect()
}

/// An error with that condition and the legacy code and type that belong to it, and nothing of the request; its words.
#[track_caller]
fn refused(answer: &Stanza, condition: &str) -> String {
    let error = answer.error().unwrap_or_else(|| panic!("no error, but {}", answer.xml));
    let (code, kind) = match condition {
        "bad-request" => ("400", "modify"),
        "forbidden" => ("403", "auth"),
        "item-not-found" => ("404", "cancel"),
        "service-unavailable" => ("503", "cancel"),
        other => panic!("which code has {other}?"),
    };
    let said = (error.condition.as_str(), error.code.as_str(), error.kind.as_str(), answer.children.len());
    assert_eq!(said, (condition, code, kind, 1), "{}", answer.xml);
    assert!(!error.text.is_empty(), "{}", answer.xml);
    error.text
}

/// The notifications in a mailbox, in short; those of one task if `id` is given.
fn pushes(user: &User<'_>, id: Option<&str>) -> Vec<String> {
    let tasks = user.messages().iter().filter_map(Task::pushed).collect::<Vec<_>>();
    tasks.iter().filter(|task| id.is_none_or(|id| task.id == id)).map(Task::to_string).collect()
}

/// Waits until a session has been told of exactly that state of a task.
#[track_caller]
fn expect_push(user: &User<'_>, brief: &str) -> Stanza {
    user.expect_message(|stanza| Task::pushed(stanza).is_some_and(|task| task.to_string() == brief), PATIENCE)
}

/// No request in this mailbox was answered twice.
#[track_caller]
fn answered_once(user: &User<'_>) {
    let mut ids: Vec<_> =
        user.stanzas().iter().filter(|stanza| stanza.name == "iq").map(|iq| iq.attr("id").to_owned()).collect();
    let answers = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), answers, "{user:?}");
}

/// How long it takes until `condition` holds; panics after `limit`.
#[track_caller]
fn within(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    let held = poll_for(limit, || condition().then_some(()));
    assert!(held.is_some(), "waited {limit:?} in vain for: {what}");
    began.elapsed()
}

/// The address of a room at the server.
fn muc(room: &str) -> String {
    format!("{room}@{ROOMS}")
}
