//! Stanzas as tests look at them: shell, condition of an error, tasks and users. Read from the text of one stanza, be it
//! from a server or, in a test that plays the server, from the program itself.

use std::collections::BTreeMap;

use neerc_xmpp::xml::{self, Element, TreeLimits};

/// Start of every namespace of the protocol.
pub const NS: &str = "http://neerc.ifmo.ru/protocol/neerc";

/// A task as it is told and listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// What to do.
    pub title: String,
    /// `todo`, `question`...
    pub kind: String,
    /// When it was created or last assigned.
    pub timestamp: String,
    /// For whom, with type and value of the status.
    pub statuses: BTreeMap<String, (String, String)>,
}

/// Tasks by id.
pub type Tasks = BTreeMap<u64, Task>;

/// A stanza.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// `iq`, `message`, `presence`, or whatever else came.
    pub name: String,
    /// The `type`, empty if absent.
    pub kind: String,
    /// The `id`, empty if absent.
    pub id: String,
    /// The `from`, empty if absent.
    pub from: String,
    /// The `to`, empty if absent.
    pub to: String,
    /// The condition of an error, empty if it is none.
    pub condition: String,
    /// The tasks of an answer to `#tasks` or of a notification; `None` is a removed one.
    pub tasks: Vec<(u64, Option<Task>)>,
    /// The users of an answer to `#users`: name, group, power.
    pub users: Vec<[String; 3]>,
    /// The payload's name and namespace.
    pub payload: (String, String),
    /// The text.
    pub xml: String,
}

impl Said {
    /// Reads a stanza. Servers repeat hostile payloads in errors: where the whole cannot be read, the shell is.
    pub fn read(text: &str) -> Self {
        let limits = TreeLimits { depth: 64, nodes: 1 << 20, attributes: 1 << 10 };
        let whole = xml::parse(text.as_bytes(), "", &limits).ok();
        let head = whole.or_else(|| xml::parse_head(text.as_bytes(), ""));
        let Some(stanza) = head else { return Self { xml: text.to_owned(), ..Self::default() } };
        let attr = |name| stanza.attr(name).unwrap_or_default().to_owned();
        let payload = stanza.elements().next();
        let inside = |ns: &'static str| {
            let of_ns = move |child: &&Element<'_>| child.ns.strip_prefix(NS) == Some(ns) && child.name != "task";
            stanza.elements().filter(of_ns).flat_map(Element::elements)
        };
        Self {
            name: stanza.name.to_owned(),
            kind: attr("type"),
            id: attr("id"),
            from: attr("from"),
            to: attr("to"),
            condition: condition(text, stanza.attr("type")),
            tasks: inside("#tasks").filter_map(task).collect(),
            users: inside("#users")
                .map(|user| ["name", "group", "power"].map(|name| user.attr(name).unwrap_or_default().to_owned()))
                .collect(),
            payload: payload.map(|child| (child.name.to_owned(), child.ns.to_string())).unwrap_or_default(),
            xml: text.to_owned(),
        }
    }

    /// The tasks of an answer to `#tasks`.
    pub fn listed(self) -> Tasks {
        self.tasks.into_iter().filter_map(|(id, task)| Some((id, task?))).collect()
    }
}

/// The first element inside the last `<error>`: what comes before it may be the sender's.
fn condition(text: &str, kind: Option<&str>) -> String {
    let inside = text.rsplit_once("<error").filter(|_| kind == Some("error"));
    let name = inside.and_then(|(_, rest)| rest.split_once('<')).map(|(_, name)| name).unwrap_or_default();
    name.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect()
}

fn task(task: &Element<'_>) -> Option<(u64, Option<Task>)> {
    let attr = |element: &Element<'_>, name| element.attr(name).unwrap_or_default().to_owned();
    let id = task.attr("id")?.strip_prefix('t')?.parse().ok()?;
    if task.attr("type") == Some("remove") {
        return Some((id, None));
    }
    let statuses = task.elements().filter(|child| child.name == "status");
    let statuses = statuses.map(|s| (attr(s, "for"), (attr(s, "type"), attr(s, "value")))).collect();
    let (title, kind, timestamp) = (attr(task, "title"), attr(task, "type"), attr(task, "timestamp"));
    Some((id, Some(Task { title, kind, timestamp, statuses })))
}

#[test]
fn stanzas_are_read() {
    let push = "<message from='n' to='a@b/c'><x xmlns='http://neerc.ifmo.ru/protocol/neerc#tasks'><task id='t7' \
                title='T' type='todo' timestamp='1'><status for='h' type='fail' value='v'/></task></x></message>";
    let said = Said::read(push);
    let status = (String::from("h"), (String::from("fail"), String::from("v")));
    assert_eq!((said.name.as_str(), said.to.as_str()), ("message", "a@b/c"));
    assert_eq!(said.listed()[&7].statuses, BTreeMap::from([status]));
    let error =
        "<iq type='error' id='x'><a><error><y/></error></a><error type='auth'><forbidden xmlns='z'/></error></iq>";
    assert_eq!(Said::read(error).condition, "forbidden");
}
