//! P1, P2 and P3 over crashes: the program is killed with SIGKILL at random moments under load, again and again. What it
//! answered is there, nothing is there by halves, everybody who stayed hears of all of it, and the log has no gaps.
//!
//! `NEERC_CRASHES` is the number of kills over both servers, `NEERC_SEED` repeats a run's choices. SIGKILL leaves the
//! page cache alone, so this does not show that a sync was asked for: only a power cut would.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use rusqlite::{Connection, OpenFlags};

use crate::raw::{Raw, Silence};
use crate::said::{NS, Said, Task, Tasks};
use crate::servers::{HOST, Kind, Options, ROOMS, Server};
use crate::service::Neerc;
use crate::wait::{PATIENCE, poll_for, wait_for};

on_both!(answered_changes_survive_kill_9_under_load);

const CRASHES: u64 = 25;
const HALLS: usize = 10;
/// Halls that are in the room, so are told; all admins are. The others only write, which costs the server less.
const LISTENING: [&str; 2] = ["hall1", "hall2"];
const ADMINS: usize = 3;
/// Tasks that every hall answers all the time.
const SHARED_TASKS: usize = 6;
/// Tasks that each admin keeps.
const ADMINS_TASKS: usize = 8;
/// How long a session waits at a time for the answer to its write.
const GLANCE: Duration = Duration::from_millis(20);
/// How soon the program has to serve again, in the middle of its starts.
const START_LIMIT: Duration = Duration::from_secs(2);

/// A write that was sent. What it makes of a task is the whole task but for the timestamp.
#[derive(Clone, Debug)]
enum Write {
    Create(Task),
    Edit(u64, Task),
    Remove(u64),
    Answer(u64, (String, String)),
}

/// Somebody who writes as fast as answers come, hears what is told, and remembers what must be.
struct Session {
    name: String,
    is_listening: bool,
    raw: Raw,
    to: String,
    rng: Rng,
    writes: u64,
    answered: u64,
    /// The one write whose answer has not come.
    open: Option<Write>,
    /// Whether the last write had happened, if that had to be judged without its answer. A server may still have it.
    judged: Option<bool>,
    /// What this session was told by notifications alone.
    told: Tasks,
    /// Own tasks as they must be (an admin's).
    own: Tasks,
    /// Own tasks whose id is not known yet.
    created: Vec<Task>,
    /// Own answers as they must be (a hall's).
    answers: BTreeMap<u64, (String, String)>,
}

impl Session {
    fn login(server: &Server, neerc: &Neerc<'_>, room: &str, name: &str, rng: &mut Rng) -> Self {
        let mut raw = Raw::login(server, name, "crash");
        let is_listening = name.starts_with("jury") || LISTENING.contains(&name);
        if is_listening {
            raw.send(&format!(
                "<presence to='{room}@{ROOMS}/{name}'><x xmlns='http://jabber.org/protocol/muc'>\
                 <history maxstanzas='0'/></x></presence>"
            ));
            raw.expect(|text| text.starts_with("<presence") && text.contains("110"));
        }
        Self {
            name: name.to_owned(),
            is_listening,
            raw,
            to: neerc.room_jid(room),
            rng: rng.fork(),
            writes: 0,
            answered: 0,
            open: None,
            judged: None,
            told: Tasks::new(),
            own: Tasks::new(),
            created: Vec::new(),
            answers: BTreeMap::new(),
        }
    }

    fn is_admin(&self) -> bool {
        self.name.starts_with("jury")
    }

    /// Writes until `stop`, or until the server says that the program is gone.
    fn work(&mut self, stop: &AtomicBool, answered: &AtomicU64) {
        while !stop.load(Ordering::Relaxed) {
            let write = if self.is_admin() { self.admins_write() } else { self.halls_write() };
            self.send(write);
            while self.open.is_some() {
                match self.raw.stanza(GLANCE) {
                    Ok(text) => {
                        if let Some(error) = self.take(&text) {
                            let bounces = ["remote-server-timeout", "remote-server-not-found", "service-unavailable"];
                            assert!(bounces.contains(&error.condition.as_str()), "{}: {}", self.name, error.xml);
                            return;
                        }
                    }
                    Err(Silence::Timeout) if stop.load(Ordering::Relaxed) => return,
                    Err(Silence::Timeout) => {}
                    Err(Silence::Closed) => panic!("{} was disconnected", self.name),
                }
            }
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A value that nobody ever gave or gives again.
    fn unique(&self) -> String {
        format!("{}-{}", self.name, self.writes)
    }

    fn halls_write(&mut self) -> Write {
        self.writes += 1;
        let ids: Vec<u64> = self.answers.keys().copied().collect();
        let kind = ["running", "success", "fail", "acknowledged"][self.rng.usize(..4)];
        Write::Answer(ids[self.rng.usize(..ids.len())], (kind.to_owned(), self.unique()))
    }

    fn admins_write(&mut self) -> Write {
        self.writes += 1;
        let ids: Vec<u64> = self.own.keys().copied().collect();
        let place = self.rng.usize(..ADMINS_TASKS);
        let Some(&id) = ids.get(place) else { return Write::Create(self.packet(1)) };
        let assigned = self.own[&id].statuses.len();
        if self.rng.u8(..8) == 0 || assigned == HALLS {
            Write::Remove(id)
        } else {
            Write::Edit(id, self.packet(assigned + 1))
        }
    }

    /// A new title, and as many people, each with a status that names the same version as the title.
    fn packet(&mut self, people: usize) -> Task {
        let title = self.unique();
        let status = |number| (format!("hall{number}"), (String::from("running"), title.clone()));
        Task { kind: String::from("todo"), statuses: (1..=people).map(status).collect(), title, ..Task::default() }
    }

    fn send(&mut self, write: Write) {
        let child = match &write {
            Write::Create(task) => task_packet("", task),
            Write::Edit(id, task) => task_packet(&format!("id='{id}'"), task),
            Write::Remove(id) => format!("<task xmlns='{NS}#task' id='{id}' type='remove'/>"),
            Write::Answer(id, (kind, value)) => {
                format!("<taskstatus xmlns='{NS}#taskstatus' id='{id}' type='{kind}' value='{value}'/>")
            }
        };
        self.raw.send(&format!("<iq to='{}' type='set' id='w{}'>{child}</iq>", self.to, self.writes));
        (self.open, self.judged) = (Some(write), None);
    }

    /// Takes a stanza: an answer to the open write or something told. Gives the answer back if it is an error.
    fn take(&mut self, text: &str) -> Option<Said> {
        let said = Said::read(text);
        if said.name == "message" {
            for (id, task) in said.tasks {
                match task {
                    Some(task) => drop(self.told.insert(id, task)),
                    None => drop(self.told.remove(&id)),
                }
            }
            let told = &self.told;
            let (known, unknown) = std::mem::take(&mut self.created)
                .into_iter()
                .partition::<Vec<_>, _>(|task| told.values().any(|told| told.title == task.title));
            self.created = unknown;
            for task in known {
                let id = told.iter().find(|(_, told)| told.title == task.title).map(|(id, _)| *id);
                self.own.insert(id.expect("just found"), task);
            }
            return None;
        }
        if said.name != "iq" || said.id != format!("w{}", self.writes) {
            return None;
        }
        if said.kind == "error" {
            (self.open, self.judged) = (None, None);
            return Some(said);
        }
        match (self.open.take(), self.judged.take()) {
            (Some(write), _) => {
                self.answered += 1;
                self.happened(write);
            }
            (None, Some(true)) => {}
            (None, Some(false)) => panic!("{} was answered, and nothing was done: {text}", self.name),
            (None, None) => panic!("{} got two answers: {text}", self.name),
        }
        None
    }

    fn happened(&mut self, write: Write) {
        match write {
            Write::Create(task) => self.created.push(task),
            Write::Edit(id, task) => drop(self.own.insert(id, task)),
            Write::Remove(id) => drop(self.own.remove(&id)),
            Write::Answer(id, status) => drop(self.answers.insert(id, status)),
        }
    }

    /// Sends an IQ that is not one of the load's, and gives its answer; what came before it is taken.
    #[track_caller]
    fn ask(&mut self, to: &str, kind: &str, child: &str) -> Said {
        self.raw.send(&format!("<iq to='{to}' type='{kind}' id='asked'>{child}</iq>"));
        loop {
            let text = self.raw.stanza(PATIENCE).unwrap_or_else(|silence| panic!("no answer: {silence:?}"));
            let said = Said::read(&text);
            if said.name == "iq" && said.id == "asked" {
                return said;
            }
            self.take(&text);
        }
    }

    /// The tasks as they are.
    #[track_caller]
    fn list(&mut self) -> Tasks {
        let answer = self.ask(&self.to.clone(), "get", &format!("<query xmlns='{NS}#tasks'/>"));
        assert_eq!(answer.kind, "result", "{}", answer.xml);
        answer.listed()
    }

    /// A round trip to the server: an answer that came before the crash is taken then.
    #[track_caller]
    fn drain(&mut self) {
        self.ask(HOST, "get", "<ping xmlns='urn:xmpp:ping'/>");
    }

    /// Decides by what is there whether the write that was not answered happened, and holds the rest against it.
    /// Whether it did happen.
    #[track_caller]
    fn compare(&mut self, truth: &Tasks) -> bool {
        let there = |task: &Task| truth.values().any(|known| same(known, task));
        let open = self.open.take();
        self.judged = open.is_some().then_some(false);
        let happened = open.filter(|write| match write {
            Write::Create(task) => there(task),
            Write::Edit(id, task) => truth.get(id).is_some_and(|known| same(known, task)),
            Write::Remove(id) => !truth.contains_key(id),
            Write::Answer(id, status) => truth.get(id).and_then(|task| task.statuses.get(&self.name)) == Some(status),
        });
        let did = happened.is_some();
        self.judged = self.judged.map(|_| did);
        happened.into_iter().for_each(|write| self.happened(write));
        for task in std::mem::take(&mut self.created) {
            let found = truth.iter().find(|(_, known)| same(known, &task));
            let (id, _) = found.unwrap_or_else(|| panic!("{} created {task:?}, and it is not there", self.name));
            self.own.insert(*id, task);
        }
        for (id, task) in &self.own {
            let known = truth.get(id).unwrap_or_else(|| panic!("task {id} of {} is gone: {task:?}", self.name));
            assert!(same(known, task), "{} made task {id} into {task:?}, but it is {known:?}", self.name);
        }
        for (id, status) in &self.answers {
            let known = truth.get(id).and_then(|task| task.statuses.get(&self.name));
            assert_eq!(known, Some(status), "the answer of {} to task {id}", self.name);
        }
        did
    }

    /// Waits until notifications have told this session of everything.
    #[track_caller]
    fn hear(&mut self, truth: &Tasks) {
        let deadline = Instant::now() + PATIENCE;
        while self.told != *truth {
            let Ok(text) = self.raw.stanza(deadline.saturating_duration_since(Instant::now())) else {
                let differing = |(id, task): &(&u64, &Task)| self.told.get(id) != Some(task);
                let missing: Vec<_> = truth.iter().filter(differing).collect();
                let gone: Vec<_> = self.told.keys().filter(|id| !truth.contains_key(id)).collect();
                panic!("{} was not told of {missing:#?}, nor that {gone:?} are gone", self.name);
            };
            self.take(&text);
        }
    }
}

fn same(known: &Task, task: &Task) -> bool {
    (&known.title, &known.kind, &known.statuses) == (&task.title, &task.kind, &task.statuses)
}

fn task_packet(id: &str, task: &Task) -> String {
    let statuses = task.statuses.iter();
    let statuses = statuses.map(|(who, (kind, value))| format!("<status for='{who}' type='{kind}' value='{value}'/>"));
    let (title, kind) = (&task.title, &task.kind);
    format!("<task xmlns='{NS}#task' {id} title='{title}' type='{kind}'>{}</task>", statuses.collect::<String>())
}

/// The number of changes in the log, which has to be without gaps.
#[track_caller]
fn log_len(neerc: &Neerc<'_>) -> u64 {
    let file = Connection::open_with_flags(neerc.dir.join("neerc.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let query = "SELECT count(*), coalesce(min(revision), 1), coalesce(max(revision), 0) FROM log";
    let [count, first, last] =
        file.query_row(query, [], |row| Ok([row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?])).unwrap();
    assert_eq!((first, last), (1, count), "revisions without gaps");
    count.unsigned_abs()
}

/// The tasks that the halls answer, made by the first admin.
fn share_tasks(sessions: &mut [Session]) {
    let admin = sessions.iter_mut().find(|session| session.is_admin()).expect("an admin");
    for number in 1..=SHARED_TASKS {
        let status = |hall| (format!("hall{hall}"), (String::from("none"), String::new()));
        let statuses = (1..=HALLS).map(status).collect();
        let task =
            Task { title: format!("Shared {number}"), kind: String::from("okfail"), statuses, ..Task::default() };
        let answer = admin.ask(&admin.to.clone(), "set", &task_packet("", &task));
        assert_eq!(answer.kind, "result", "{}", answer.xml);
    }
    let shared: Vec<u64> = admin.list().into_keys().collect();
    for hall in sessions.iter_mut().filter(|session| !session.is_admin()) {
        hall.answers = shared.iter().map(|id| (*id, (String::from("none"), String::new()))).collect();
    }
}

/// Load until a random moment, SIGKILL, start, and everything that must hold then.
#[track_caller]
fn crash(neerc: &mut Neerc<'_>, sessions: &mut [Session], rng: &mut Rng, figures: &mut Figures) {
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let before: u64 = sessions.iter().map(|session| session.answered).sum();
    let log_before = log_len(neerc);
    std::thread::scope(|scope| {
        for session in sessions.iter_mut() {
            scope.spawn(|| session.work(&stop, &answered));
        }
        wait_for("an answer", || answered.load(Ordering::Relaxed) > 0);
        let (began, from) = (Instant::now(), answered.load(Ordering::Relaxed));
        // Nothing is waited for here: any moment is as good as another.
        poll_for(Duration::from_micros(rng.u64(..900_000)), || None::<()>);
        neerc.kill9();
        figures.load += began.elapsed();
        figures.changes += answered.load(Ordering::Relaxed) - from;
        stop.store(true, Ordering::Relaxed);
    });
    sessions.iter_mut().for_each(Session::drain);
    figures.starts.push(neerc.restart());
    let truth = sessions[0].list();
    let happened = sessions.iter_mut().map(|session| session.compare(&truth)).filter(|did| *did).count() as u64;
    figures.unanswered += happened;
    let known: BTreeSet<u64> =
        sessions.iter().flat_map(|session| session.own.keys().chain(session.answers.keys())).copied().collect();
    assert_eq!(truth.keys().copied().collect::<BTreeSet<_>>(), known, "nobody's task");
    let done = sessions.iter().map(|session| session.answered).sum::<u64>() - before;
    assert_eq!(log_len(neerc) - log_before, done + happened, "each change is in the log once");
    let began = Instant::now();
    sessions.iter_mut().filter(|session| session.is_listening).for_each(|session| session.hear(&truth));
    figures.heard = figures.heard.max(began.elapsed());
}

#[derive(Default)]
struct Figures {
    load: Duration,
    changes: u64,
    unanswered: u64,
    starts: Vec<Duration>,
    heard: Duration,
}

fn answered_changes_survive_kill_9_under_load(kind: Kind) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let crashes = number("NEERC_CRASHES").unwrap_or(CRASHES);
    let crashes = if kind == Kind::Prosody { crashes.div_ceil(2) } else { crashes / 2 };
    let seed = number("NEERC_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("{kind:?}: {crashes} crashes, NEERC_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let server = Server::launch(kind, Options::default());
    let halls: Vec<_> = (1..=HALLS).map(|number| (format!("hall{number}"), "member")).collect();
    let admins: Vec<_> = (1..=ADMINS).map(|number| (format!("jury{number}"), "admin")).collect();
    let people: Vec<_> = halls.iter().chain(&admins).map(|(name, affiliation)| (name.as_str(), *affiliation)).collect();
    let room = server.room(&people);
    let mut neerc = Neerc::start(&server, &[&room], "");
    let login = |(name, _): &(&str, &str)| Session::login(&server, &neerc, &room, name, &mut rng);
    let mut sessions: Vec<_> = people.iter().map(login).collect();
    share_tasks(&mut sessions);
    let mut figures = Figures::default();
    for _ in 0..crashes {
        crash(&mut neerc, &mut sessions, &mut rng, &mut figures);
    }
    figures.starts.sort();
    let (middle, slowest) = (figures.starts[figures.starts.len() / 2], figures.starts[figures.starts.len() - 1]);
    println!(
        "{kind:?}: {} changes in the log; {:.0} changes/s; {} unanswered ones survived; ready {middle:.2?} after a \
         start, at most {slowest:.2?}; all heard within {:.2?} of that",
        log_len(&neerc),
        figures.changes as f64 / figures.load.as_secs_f64(),
        figures.unanswered,
        figures.heard,
    );
    assert!(middle < START_LIMIT, "ready after {middle:?}");
}
