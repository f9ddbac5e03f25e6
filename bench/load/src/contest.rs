//! The made-up contest: who is in the room, the tasks, and the requests about them as bytes that are ready to send.
//! Every request has the id `~r` (a read) or `~w` (a write), and nothing else holds a `~`, so answers are easy to count.

use std::fmt::Write as _;

/// The component's domain.
pub const COMPONENT: &str = "neerc.localhost";
/// The chat room.
pub const ROOM: &str = "neerc@conference.localhost";
/// Start of the protocol's namespaces.
pub const NS: &str = "http://neerc.ifmo.ru/protocol/neerc";

const TYPES: [&str; 4] = ["none", "running", "success", "fail"];

/// Who has which affiliation, and how many sessions each member has in the room.
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    /// Members of the room, `hall1` and on. `admin` owns it.
    pub members: usize,
    /// Sessions in the room, spread over the members.
    pub sessions: usize,
}

impl Cast {
    /// The full JID of a session.
    pub fn session(self, number: usize) -> String {
        format!("hall{}@localhost/s{}", number % self.members + 1, number / self.members)
    }
}

/// The title of a task.
pub fn title(task: usize) -> String {
    let letter = char::from(b'A' + ((task - 1) % 13) as u8);
    format!("Bring the balloons of problem {letter} from the store to its hall")
}

fn statuses(task: usize, people: usize) -> String {
    let mut out = String::new();
    for hall in 1..=people {
        let type_ = TYPES[(task + hall) % 4];
        let _ = write!(out, "<status for='hall{hall}' type='{type_}' value=''/>");
    }
    out
}

/// A whole answer to `#tasks`, as the service would write it.
pub fn task_list_answer(tasks: usize, people: usize) -> Vec<u8> {
    let mut out =
        format!("<iq type='result' id='~r' from='{COMPONENT}' to='hall1@localhost/s0'><query xmlns='{NS}#tasks'>");
    for task in 1..=tasks {
        let (title, time) = (title(task), 1_512_700_000_000_u64 + task as u64);
        let _ = write!(out, "<task id='{task}' title='{title}' type='todo' timestamp='{time}'>");
        out += &statuses(task, people);
        out += "</task>";
    }
    out += "</query></iq>";
    out.into_bytes()
}

/// A notification about one task, cut at the recipient.
pub fn notification(people: usize) -> (Vec<u8>, Vec<u8>) {
    let (title, statuses) = (title(17), statuses(17, people));
    let head = format!("<message from='{COMPONENT}' to='");
    let tail = format!(
        "'><body>Task '{title}' (t17) changed</body><x xmlns='{NS}#tasks'><task id='t17' title='{title}' type='todo' \
         timestamp='1512700000017'>{statuses}</task></x><task xmlns='{NS}#task' id='t17' title='{title}' \
         type='todo'>{statuses}</task><no-store xmlns='urn:xmpp:hints'/><no-copy xmlns='urn:xmpp:hints'/>\
         <private xmlns='urn:xmpp:carbons:2'/></message>"
    );
    (head.into_bytes(), tail.into_bytes())
}

fn iq(type_: &str, id: &str, from: &str, payload: &str) -> String {
    format!("<iq type='{type_}' id='{id}' from='{from}' to='{COMPONENT}'>{payload}</iq>")
}

/// A request to read something: `ping`, `users`, `tasks`.
pub fn read(from: &str, what: &str) -> String {
    iq("get", "~r", from, &format!("<query xmlns='{NS}#{what}'/>"))
}

/// A request for the tasks by a client that wants to hear differences from then on.
pub fn differences(from: &str) -> String {
    iq("get", "~r", from, &format!("<query xmlns='{NS}#tasks' delta='1'/>"))
}

/// A request of the admin for a new task with that number.
pub fn create(task: usize, people: usize) -> String {
    let (title, statuses) = (title(task), statuses(task, people));
    let payload = format!("<task xmlns='{NS}#task' title='{title}' type='todo'>{statuses}</task>");
    iq("set", "~w", "admin@localhost/s", &payload)
}

/// A request of a hall to change its status.
pub fn answer(hall: usize, task: usize, type_: &str) -> String {
    let payload = format!("<taskstatus xmlns='{NS}#taskstatus' id='{task}' type='{type_}' value=''/>");
    iq("set", "~w", &format!("hall{hall}@localhost/s0"), &payload)
}

/// Requests that are sent over and over, joined in one run of bytes.
pub struct Cycle {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Index of the next request.
    at: usize,
}

impl Cycle {
    /// The requests in their order; repeated until the run is long enough to be sent in large pieces.
    pub fn new(requests: &[String]) -> Cycle {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        while ends.len() < 1_024 {
            for request in requests {
                bytes.extend_from_slice(request.as_bytes());
                ends.push(bytes.len());
            }
        }
        Cycle { bytes, ends, at: 0 }
    }

    /// The bytes of the next requests: as many as asked for, or up to the end of the run; and how many these are.
    pub fn take(&mut self, most: usize) -> (&[u8], usize) {
        if self.at == self.ends.len() {
            self.at = 0;
        }
        let start = if self.at == 0 { 0 } else { self.ends[self.at - 1] };
        let count = most.min(self.ends.len() - self.at);
        self.at += count;
        (&self.bytes[start..self.ends[self.at - 1]], count)
    }

    /// Which of the next requests are reads (`false`: writes), for as long as the run is.
    pub fn kinds(&self) -> Vec<bool> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let kind = |start: usize| {
            let at = self.bytes[start..].iter().position(|byte| *byte == b'~').map_or(start, |at| start + at);
            self.bytes.get(at + 1) == Some(&b'r')
        };
        let kinds: Vec<bool> = starts.take(self.ends.len()).map(kind).collect();
        let mut turned = kinds.clone();
        turned.rotate_left(self.at % kinds.len());
        turned
    }
}

/// Status changes that are changes whenever they are sent in this order: every task of every hall, one status after
/// the other. Two changes of one task are as far apart as can be.
pub fn answers(tasks: usize, people: usize) -> Cycle {
    let mut requests = Vec::new();
    for type_ in ["running", "success"] {
        for hall in 1..=people {
            requests.extend((1..=tasks).map(|task| answer(hall, task, type_)));
        }
    }
    Cycle::new(&requests)
}

/// A request of the admin that gives a task one more hall and a new title.
pub fn assign(task: usize, hall: usize, number: usize) -> String {
    let title = format!("{} ({number})", title(task));
    let payload =
        format!("<task xmlns='{NS}#task' id='{task}' title='{title}' type='todo'><status for='hall{hall}'/></task>");
    iq("get", "~w", "admin@localhost/s", &payload)
}
