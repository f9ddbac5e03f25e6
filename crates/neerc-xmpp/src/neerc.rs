//! The NEERC protocol on the wire: what a request's payload asks for, and how answers and notifications are written
//! (PROTOCOL.md). Not who may ask, which core decides, and not the stanza around it.

mod condition;

pub use self::condition::condition;

use crate::limits;
use crate::ns;
use crate::stanza::for_one_session;
use crate::stanza::names::composed;
use crate::stream::outgoing::Outgoing;
use crate::xml::{Element, StartTag, WriteXml, attribute, escape_text};
use neerc_core::board::Board;
use neerc_core::clock::Reading;
use neerc_core::command::{Command, Manner, Named, Query, WholeTask};
use neerc_core::people::{Member, People, Person};
use neerc_core::refusal::Refusal;
use neerc_core::task::{Kind, Progress, Status, Task, TaskId, Title};
use neerc_core::view::Sight;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The features that the service announces; each is the namespace of a payload that [`parse`] takes.
pub const FEATURES: [&str; 6] = [ns::USERS, ns::TASKS, ns::TASK, ns::TASK_STATUS, ns::CLOCK, ns::NEERC_PING];

/// What a payload asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Only to be answered.
    Ping,
    /// To read something.
    Query(Query),
    /// To read the tasks, as far as they changed after that revision, and to be told of differences from now on.
    Changes {
        /// What the asker knows already.
        since: Option<u64>,
    },
    /// To change something.
    Command(Command),
}

/// Reads the payload of a request. `None`: it is none of this protocol. `replacing`: the request was a `set`, so what
/// a whole task leaves out is meant to go.
pub fn parse(payload: &Element<'_>, replacing: bool) -> Option<Result<Payload, Refusal>> {
    let name = payload.ns.strip_prefix(ns::NEERC)?;
    let manner = if replacing { Manner::Replacing } else { Manner::Adding };
    Some(match (payload.name, name) {
        ("query", "#ping") => Ok(Payload::Ping),
        ("query", "#users") => Ok(Payload::Query(Query::Users)),
        ("query", "#tasks") if payload.attr("delta") == Some("1") => changes(payload),
        ("query", "#tasks") => {
            Ok(Payload::Query(Query::Tasks { of: payload.attr("for").map(|name| composed(name).into_owned()) }))
        }
        ("query", "#clock") => Ok(Payload::Query(Query::Clock)),
        ("task", "#task") => task_packet(payload, manner).map(Payload::Command),
        ("taskstatus", "#taskstatus") => status_packet(payload).map(Payload::Command),
        _ => return None,
    })
}

/// The id of the task that a refused request was about, if it names one that may exist.
pub fn task_of(payload: &Element<'_>) -> Option<TaskId> {
    TaskId::parse(payload.attr("id")?).ok()
}

fn changes(payload: &Element<'_>) -> Result<Payload, Refusal> {
    let Some(since) = payload.attr("since") else { return Ok(Payload::Changes { since: None }) };
    let since =
        since.parse().map_err(|_| Refusal::Malformed { what: "the attribute 'since'", wanted: "a revision" })?;
    Ok(Payload::Changes { since: Some(since) })
}

fn task_packet(payload: &Element<'_>, manner: Manner) -> Result<Command, Refusal> {
    let id = payload.attr("id").map(TaskId::parse);
    let kind = payload.attr("type").ok_or(Refusal::Missing { what: "the attribute 'type' of the task" })?;
    if kind == "remove" {
        let task = id.ok_or(Refusal::Missing { what: "the attribute 'id' of the task to be removed" })??;
        return Ok(Command::Remove { task });
    }
    let kind = Kind::parse(kind)?;
    let title = payload.attr("title").ok_or(Refusal::Missing { what: "the attribute 'title' of the task" })?;
    let title = Title::parse(title)?;
    let statuses = payload.elements().filter(|e| e.name == "status").map(named).collect::<Result<Vec<_>, _>>()?;
    let wanted = WholeTask { title, kind, statuses, manner };
    Ok(match id {
        None => Command::Create(wanted),
        Some(task) => Command::Edit { task: task?, wanted },
    })
}

fn named(status: &Element<'_>) -> Result<Named, Refusal> {
    let name = status.attr("for").ok_or(Refusal::Missing { what: "the attribute 'for' of a status" })?;
    let progress = status.attr("type").map_or(Ok(Progress::None), Progress::parse)?;
    Ok(Named { name: composed(name).into_owned(), status: Status::new(progress, status.attr("value").unwrap_or(""))? })
}

fn status_packet(payload: &Element<'_>) -> Result<Command, Refusal> {
    let task = payload.attr("id").ok_or(Refusal::Missing { what: "the attribute 'id' of the task" })?;
    let progress = payload.attr("type").ok_or(Refusal::Missing { what: "the attribute 'type' of the status" })?;
    let status = Status::new(Progress::parse(progress)?, payload.attr("value").unwrap_or(""))?;
    Ok(Command::Answer { task: TaskId::parse(task)?, status })
}

/// The payload of an answer to `#users`, as far as it fits.
#[derive(Clone, Debug)]
pub struct UserList {
    text: Arc<Vec<u8>>,
    /// Who is in it, if not everybody is.
    listed: Option<BTreeSet<Person>>,
    /// How many are not.
    pub left_out: usize,
}

const END_OF_LIST: &[u8] = b"</query>";

/// Begins the payload that [`END_OF_LIST`] ends, or nothing where it becomes too long: such lists are cut as they are
/// written. Its start tag may take more attributes.
fn begin_list(out: &mut Vec<u8>, ns: &str) {
    out.extend_from_slice(b"<query");
    attribute(out, "xmlns", ns);
}

impl UserList {
    /// Of everybody; or of as many, people with power first, as fit into `limit` bytes with one more of them.
    pub fn of(people: &People, limit: usize) -> UserList {
        let all = people.listed();
        let mut out = Vec::new();
        begin_list(&mut out, ns::USERS);
        out.push(b'>');
        let begin = out.len();
        let mut ends = Vec::with_capacity(all.len());
        let mut longest = 0;
        for (person, member) in &all {
            let before = out.len();
            write_user(&mut out, people, person, member);
            longest = longest.max(out.len() - before);
            ends.push(out.len());
        }
        if out.len() + END_OF_LIST.len() <= limit {
            out.extend_from_slice(END_OF_LIST);
            return UserList { text: Arc::new(out), listed: None, left_out: 0 };
        }
        let most = limit.saturating_sub(END_OF_LIST.len() + longest);
        let fit = ends.iter().take_while(|end| **end <= most).count();
        out.truncate(fit.checked_sub(1).and_then(|last| ends.get(last)).copied().unwrap_or(begin));
        out.extend_from_slice(END_OF_LIST);
        let listed = all.iter().take(fit).map(|(person, _)| (*person).clone()).collect();
        UserList { text: Arc::new(out), listed: Some(listed), left_out: all.len() - fit }
    }

    /// The same for somebody, who is in it in any case.
    pub fn with(&self, people: &People, who: &Person) -> Arc<Vec<u8>> {
        let left_out = self.listed.as_ref().is_some_and(|listed| !listed.contains(who));
        let Some(member) = people.member(who).filter(|_| left_out) else { return self.text.clone() };
        let mut out = self.text.strip_suffix(END_OF_LIST).unwrap_or_default().to_vec();
        write_user(&mut out, people, who, member);
        out.extend_from_slice(END_OF_LIST);
        Arc::new(out)
    }
}

fn write_user(out: &mut Vec<u8>, people: &People, person: &Person, member: &Member) {
    let group = member.groups.first().map_or("Users", |group| group);
    let power = if member.power { "yes" } else { "no" };
    out.open("user").attr("name", people.name(person)).attr("group", group).attr("power", power).empty();
}

/// Writes the payload of an answer to `#tasks` that lists `tasks`, each with the statuses that `of` leaves. Stops, and
/// says so, once it is longer than `limit` bytes.
pub fn write_tasks<'t>(
    out: &mut Vec<u8>,
    host: &str,
    tasks: impl IntoIterator<Item = &'t Task>,
    of: Option<&Person>,
    limit: usize,
) -> Result<(), TooLong> {
    let end = out.len() + limit;
    begin_list(out, ns::TASKS);
    out.push(b'>');
    write_within(out, host, tasks, of, end)
}

/// What was to be written is over the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Writes tasks and the end of their list, as long as the whole ends before `end`.
fn write_within<'t>(
    out: &mut Vec<u8>,
    host: &str,
    tasks: impl IntoIterator<Item = &'t Task>,
    of: Option<&Person>,
    end: usize,
) -> Result<(), TooLong> {
    for task in tasks {
        write_task(out, host, task, of, Stamp::With);
        if out.len() > end {
            return Err(TooLong);
        }
    }
    out.extend_from_slice(END_OF_LIST);
    if out.len() > end { Err(TooLong) } else { Ok(()) }
}

/// Writes the payload of an answer to `#tasks` with `delta`: the tasks changed after `since`, whole, and the ids of all
/// that there are; or all tasks, if there is no such revision to start from. Stops once it is longer than `limit` bytes.
pub fn write_changes(
    out: &mut Vec<u8>,
    host: &str,
    board: &Board,
    since: Option<u64>,
    limit: usize,
) -> Result<(), TooLong> {
    let end = out.len() + limit;
    let revision = board.revision();
    let tasks = board.listed();
    begin_list(out, ns::TASKS);
    attribute(out, "revision", &revision.to_string());
    let since = since.filter(|since| *since <= revision);
    if let Some(since) = since {
        attribute(out, "since", &since.to_string());
        let ids: Vec<String> = tasks.iter().map(|task| task.id.wire_id()).collect();
        attribute(out, "ids", &ids.join(" "));
    }
    out.push(b'>');
    let changed = tasks.into_iter().filter(|task| since.is_none_or(|since| task.revision > since));
    write_within(out, host, changed, None, end)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stamp {
    With,
    Without,
}

fn write_task(out: &mut Vec<u8>, host: &str, task: &Task, of: Option<&Person>, stamp: Stamp) {
    open_task(out, task, stamp).inside_if_any(|out| match of {
        Some(of) => task.statuses.get(of).iter().for_each(|status| write_status(out, of.name(host), status)),
        None => task.statuses.iter().for_each(|(person, status)| write_status(out, person.name(host), status)),
    });
}

fn write_status(out: &mut Vec<u8>, name: &str, status: &Status) {
    let kind = status.progress.name();
    out.open("status").attr("for", name).attr("type", kind).attr("value", status.value()).empty();
}

fn open_task<'o>(out: &'o mut Vec<u8>, task: &Task, stamp: Stamp) -> StartTag<'o, 'static, Vec<u8>> {
    let (ns, timestamp_ms) = match stamp {
        Stamp::With => (None, Some(task.timestamp_ms)),
        Stamp::Without => (Some(ns::TASK), None),
    };
    let tag = out.open("task").attr_if("xmlns", ns).attr("id", &task.id.wire_id()).attr("title", task.title.as_str());
    let tag = tag.attr("type", task.kind.name());
    match timestamp_ms {
        Some(timestamp_ms) => tag.number("timestamp", timestamp_ms),
        None => tag,
    }
}

/// Takes tasks out of a list until it fits into `limit` bytes (PROTOCOL.md, "Limits"): the oldest finished ones first,
/// then the oldest of all. Returns how many were taken out. Only what stays is measured.
pub fn shorten(tasks: &mut Vec<&Task>, host: &str, of: Option<&Person>, limit: usize) -> usize {
    let mut newest: Vec<&Task> = tasks.clone();
    newest.sort_unstable_by_key(|task| std::cmp::Reverse(task.timestamp_ms));
    let mut kept = BTreeSet::new();
    let (mut out, mut bytes) = (Vec::new(), 0);
    let mut keep = |task: &Task| {
        out.clear();
        write_task(&mut out, host, task, of, Stamp::With);
        bytes += out.len();
        bytes <= limit && kept.insert(task.id)
    };
    let mut finished = Vec::new();
    let open_fit = newest.into_iter().all(|task| {
        if task.is_finished() {
            finished.push(task);
            return true;
        }
        keep(task)
    });
    if open_fit {
        _ = finished.into_iter().all(keep);
    }
    let all = tasks.len();
    tasks.retain(|task| kept.contains(&task.id));
    all - tasks.len()
}

/// A notification about one task, ready but for the recipient: `head` goes before the recipient's address, `tail`
/// after it, shared by all recipients.
#[derive(Clone, Debug, Default)]
pub struct Notification {
    /// From the start of the stanza into the `to` attribute.
    pub head: Vec<u8>,
    /// From the end of the `to` attribute to the end of the stanza.
    pub tail: Arc<Vec<u8>>,
}

impl Notification {
    fn new(component: &str, body: &str, payload: impl FnOnce(&mut Vec<u8>)) -> Notification {
        let mut head = b"<message".to_vec();
        attribute(&mut head, "from", component);
        head.extend_from_slice(b" to='");
        let mut tail = b"'><body>".to_vec();
        escape_text(&mut tail, body);
        tail.extend_from_slice(b"</body>");
        payload(&mut tail);
        for_one_session(&mut tail);
        tail.extend_from_slice(b"</message>");
        Notification { head, tail: Arc::new(tail) }
    }

    /// Of a task as it is now. Over `limit` bytes the second copy of the packet is left out, then everything said
    /// with the answers, then the people who have nothing to say.
    pub fn task(
        component: &str,
        host: &str,
        task: &Task,
        sight: Sight,
        of: &Person,
        wiki_packet: bool,
        limit: usize,
    ) -> Notification {
        let of = if sight == Sight::OwnStatus { Some(of) } else { None };
        let write = |task: &Task, wiki_packet: bool| {
            Notification::new(component, &body(task), |out| {
                out.open("x").xmlns(ns::TASKS).inside(|out| write_task(out, host, task, of, Stamp::With));
                if wiki_packet {
                    write_task(out, host, task, of, Stamp::Without);
                }
            })
        };
        let fits = |notification: &Notification| notification.len() <= limit;
        let whole = write(task, wiki_packet);
        if fits(&whole) {
            return whole;
        }
        let single = write(task, false);
        if fits(&single) {
            return single;
        }
        let mut short = task.clone();
        short.past = Default::default();
        for status in short.statuses.values_mut() {
            *status = Status::new(status.progress, "").unwrap_or(Status::NONE);
        }
        let valueless = write(&short, false);
        if fits(&valueless) {
            return valueless;
        }
        short.statuses.retain(|_, status| status.progress != Progress::None);
        let mut kept = short.statuses.len();
        loop {
            let notification = write(&short, false);
            if fits(&notification) {
                return notification;
            }
            if kept == 0 {
                let untitled = format!("Task ({}) changed", task.id.wire_id());
                return Notification::new(component, &untitled, |out| {
                    out.open("x").xmlns(ns::TASKS).inside(|out| write_task(out, host, &short, of, Stamp::With));
                });
            }
            kept /= 2;
            short.statuses = std::mem::take(&mut short.statuses).into_iter().take(kept).collect();
        }
    }

    /// Of a task, for a session that hears differences: the statuses of `changed`, and whom of them it does not have any
    /// more; with the revision up to which the session then knows everything.
    pub fn difference(
        component: &str,
        host: &str,
        task: &Task,
        changed: &BTreeSet<&Person>,
        revision: u64,
    ) -> Notification {
        Notification::new(component, &body(task), |out| {
            out.open("x").xmlns(ns::TASKS).number("revision", revision).inside(|out| {
                open_task(out, task, Stamp::With).attr("delta", "1").inside(|out| {
                    for person in changed {
                        match task.statuses.get(*person) {
                            Some(status) => write_status(out, person.name(host), status),
                            None => {
                                out.open("status").attr("for", person.name(host)).attr("type", "unassigned").empty()
                            }
                        }
                    }
                });
            });
        })
    }

    /// That a task is gone, for those who may have it.
    pub fn removal(component: &str, task: TaskId, wiki_packet: bool) -> Notification {
        let task = task.wire_id();
        Notification::new(component, &format!("Task ({task}) changed"), |out| {
            let gone =
                |tag: StartTag<'_, '_, Vec<u8>>| tag.attr("id", &task).attr("title", "").attr("type", "remove").empty();
            out.open("x").xmlns(ns::TASKS).inside(|out| gone(out.open("task")));
            if wiki_packet {
                gone(out.open("task").xmlns(ns::TASK));
            }
        })
    }

    /// The contest clock.
    pub fn clock(component: &str, reading: Reading) -> Notification {
        Notification::new(component, "The clock is ticking", |out| {
            out.open("x").xmlns(ns::CLOCK).inside(|out| write_clock(out, reading));
        })
    }

    /// The most bytes that it may take with an address.
    #[allow(clippy::len_without_is_empty)] // it never is
    pub fn len(&self) -> usize {
        self.head.len() + self.tail.len() + limits::ADDRESS_BYTES
    }

    /// Writes it for one recipient, whose address is escaped already.
    pub fn write(&self, out: &mut Outgoing, to: &[u8]) {
        out.own().extend_from_slice(&self.head);
        out.own().extend_from_slice(to);
        out.share(&self.tail);
    }
}

/// The body that deployed clients route on: one line, and without the title where that could be taken for the clock.
fn body(task: &Task) -> String {
    let (title, id) = (task.title.as_str(), task.id.wire_id());
    if title.to_lowercase().contains("clock") {
        format!("Task ({id}) changed")
    } else {
        format!("Task '{title}' ({id}) changed")
    }
}

/// Writes the payload of an answer to `#clock`.
pub fn write_clock_answer(out: &mut Vec<u8>, reading: Reading) {
    out.open("query").xmlns(ns::CLOCK).inside(|out| write_clock(out, reading));
}

fn write_clock(out: &mut Vec<u8>, reading: Reading) {
    let (elapsed_ms, total_ms, status) = (reading.shown_ms(), reading.total_ms, reading.phase.on_wire());
    out.open("clock").number("time", elapsed_ms).number("total", total_ms).number("status", status).empty();
}
