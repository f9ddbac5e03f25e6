//! P1, P2 and P3 over crashes: the program is killed with SIGKILL at random moments under the load of 200 sessions, again
//! and again. What it answered is there, nothing is there by halves, everybody who stayed hears of all of it, all hear
//! the states of a task in one order, and the log has no gaps.
//!
//! `NEERC_CRASHES` is the number of kills over both servers, `NEERC_SEED` repeats a run's choices. SIGKILL leaves the
//! page cache alone, so this does not show that a sync was asked for: only a power cut would.

mod renewed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use rusqlite::{Connection, OpenFlags};

use crate::raw::{Raw, Silence};
use crate::said::{NS, Said, Task, Tasks};
use crate::servers::{HOST, Kind, Options, ROOMS, Server};
use crate::service::Neerc;
use crate::trust;
use crate::wait::{PATIENCE, poll_for, wait_for};

on_both!(answered_changes_survive_kill_9_under_load);

/// Accounts of halls and of admins, and how many sessions each has: 200 in all.
const HALLS: usize = 6;
const SESSIONS_PER_HALL: usize = 30;
const ADMINS: usize = 2;
const SESSIONS_PER_ADMIN: usize = 10;
/// Accounts with sessions that are in the room, so are told, and how many: all of an account under one nick, as
/// volunteers share accounts. The last of each stays silent: it came in and never says a word again. The other sessions
/// only write, which costs the server less.
const LISTENING: [&str; 4] = ["jury1", "jury2", "hall1", "hall2"];
const LISTENING_PER_ACCOUNT: usize = 3;
/// Tasks that each session of an admin keeps.
const ADMINS_TASKS: usize = 4;
/// How long a session waits at a time for the answer to its write.
const GLANCE: Duration = Duration::from_millis(50);
/// What a server answers where nobody serves.
const BOUNCES: [&str; 3] = ["remote-server-timeout", "remote-server-not-found", "service-unavailable"];
/// Kills after which the program is ended as usual for once.
const CRASHES_PER_END: usize = 20;
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
    /// `hall1.3`: the account and the number of the session.
    name: String,
    account: String,
    number: usize,
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
    /// The states of each task in the order in which they were told; `None`: it was removed.
    heard: BTreeMap<u64, Vec<Option<Version>>>,
    /// Own tasks as they must be (an admin's).
    own: Tasks,
    /// Own tasks whose id is not known yet.
    created: Vec<Task>,
    /// Own answers as they must be (a hall's).
    answers: BTreeMap<u64, (String, String)>,
}

impl Session {
    fn login(server: &Server, neerc: &Neerc<'_>, room: &str, account: &str, number: usize, rng: &mut Rng) -> Self {
        let name = format!("{account}.{number}");
        let mut raw = Raw::login(server, account, &format!("crash{number}"));
        let is_listening = LISTENING.contains(&account) && number <= LISTENING_PER_ACCOUNT;
        if is_listening {
            raw.send(&format!(
                "<presence to='{room}@{ROOMS}/{account}'><x xmlns='http://jabber.org/protocol/muc'>\
                 <history maxstanzas='0'/></x></presence>"
            ));
            raw.expect(|text| text.starts_with("<presence") && text.contains("110"));
        }
        Self {
            name,
            account: account.to_owned(),
            number,
            is_listening,
            raw,
            to: neerc.room_jid(room),
            rng: rng.fork(),
            writes: 0,
            answered: 0,
            open: None,
            judged: None,
            told: Tasks::new(),
            heard: BTreeMap::new(),
            own: Tasks::new(),
            created: Vec::new(),
            answers: BTreeMap::new(),
        }
    }

    fn is_silent(&self) -> bool {
        self.is_listening && self.number == LISTENING_PER_ACCOUNT
    }

    fn is_admin(&self) -> bool {
        self.account.starts_with("jury")
    }

    /// Writes until `stop`, or until the server says that the program is gone. Ends with a round trip to the server: an
    /// answer that came before the crash is taken then.
    fn work(&mut self, stop: &AtomicBool, answered: &AtomicU64) {
        while self.write(stop) {
            answered.fetch_add(1, Ordering::Relaxed);
        }
        self.ask(HOST, "get", "<ping xmlns='urn:xmpp:ping'/>");
    }

    /// Whether one more write was answered with a result before the crash.
    fn write(&mut self, stop: &AtomicBool) -> bool {
        if stop.load(Ordering::Relaxed) || self.is_silent() {
            return false;
        }
        let write = if self.is_admin() { self.admins_write() } else { self.halls_write() };
        self.send(write);
        while self.open.is_some() {
            match self.raw.stanza(GLANCE) {
                Ok(text) => {
                    if let Some(error) = self.take(&text) {
                        assert!(BOUNCES.contains(&error.condition.as_str()), "{}: {}", self.name, error.xml);
                        return false;
                    }
                }
                Err(Silence::Timeout) if stop.load(Ordering::Relaxed) => return false,
                Err(Silence::Timeout) => {}
                Err(Silence::Closed) => panic!("{} was disconnected", self.name),
            }
        }
        true
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
                self.heard.entry(id).or_default().push(task.as_ref().map(version));
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
            Write::Answer(id, status) => {
                truth.get(id).and_then(|task| task.statuses.get(&self.account)) == Some(status)
            }
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
            let known = truth.get(id).and_then(|task| task.statuses.get(&self.account));
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

/// What a state of a task is made of: of whom the newest write was, by the numbers that all values end with.
type Version = BTreeMap<String, u64>;

fn version(task: &Task) -> Version {
    let number = |text: &str| text.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(0);
    let statuses = task.statuses.iter().map(|(who, (_, value))| (who.clone(), number(value)));
    statuses.chain([(String::from("title"), number(&task.title))]).collect()
}

/// Whether nothing in `later` is older than in `version`.
fn is_before(version: &Version, later: &Version) -> bool {
    version.iter().all(|(what, number)| later.get(what).is_some_and(|newer| number <= newer))
}

/// All that was heard of each task fits into one order, and everybody heard it in that order. Gives back how many
/// states were heard, by all together.
#[track_caller]
fn assert_one_order(sessions: &mut [Session]) -> usize {
    let mut count = 0;
    let mut states: BTreeMap<u64, BTreeSet<Version>> = BTreeMap::new();
    for session in sessions.iter_mut() {
        for (id, heard) in std::mem::take(&mut session.heard) {
            count += heard.len();
            let follows = |pair: &[Option<Version>]| match pair {
                [Some(first), Some(then)] => is_before(first, then),
                [_, then] => then.is_none(),
                _ => true,
            };
            assert!(heard.windows(2).all(follows), "{} heard of task {id} backwards: {heard:#?}", session.name);
            states.entry(id).or_default().extend(heard.into_iter().flatten());
        }
    }
    for (id, states) in states {
        let mut order: Vec<_> = states.into_iter().collect();
        order.sort_by_key(|version| version.values().sum::<u64>());
        let is_one = order.windows(2).all(|pair| is_before(&pair[0], &pair[1]));
        assert!(is_one, "there is no one order of what was heard of task {id}: {order:#?}");
    }
    count
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

/// The tasks that the halls answer, made by the first admin. Each is shared by the sessions of one number, one of each
/// hall, so that each session knows what must be there.
fn share_tasks(sessions: &mut [Session]) {
    let admin = sessions.iter_mut().find(|session| session.is_admin()).expect("an admin");
    for number in 1..=SESSIONS_PER_HALL {
        let status = |hall| (format!("hall{hall}"), (String::from("none"), String::new()));
        let statuses = (1..=HALLS).map(status).collect();
        let task =
            Task { title: format!("Shared {number}"), kind: String::from("okfail"), statuses, ..Task::default() };
        let answer = admin.ask(&admin.to.clone(), "set", &task_packet("", &task));
        assert_eq!(answer.kind, "result", "{}", answer.xml);
    }
    let shared: Vec<u64> = admin.list().into_keys().collect();
    for hall in sessions.iter_mut().filter(|session| !session.is_admin()) {
        hall.answers = BTreeMap::from([(shared[hall.number - 1], (String::from("none"), String::new()))]);
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
        poll_for(Duration::from_micros(rng.u64(..600_000)), || None::<()>);
        neerc.kill9();
        figures.load += began.elapsed();
        figures.changes += answered.load(Ordering::Relaxed) - from;
        stop.store(true, Ordering::Relaxed);
    });
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
    figures.states += assert_one_order(sessions);
}

#[derive(Default)]
struct Figures {
    load: Duration,
    changes: u64,
    unanswered: u64,
    starts: Vec<Duration>,
    heard: Duration,
    states: usize,
}

fn answered_changes_survive_kill_9_under_load(kind: Kind) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let crashes = number("NEERC_CRASHES").map_or_else(|| trust::times(25, 1_000), |crashes| crashes as usize);
    let crashes = if kind == Kind::Prosody { crashes.div_ceil(2) } else { crashes / 2 };
    let seed = number("NEERC_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("{kind:?}: {crashes} crashes, NEERC_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let server = Server::launch(kind, Options::default());
    let (mut neerc, mut sessions) = stage(&server, &mut rng);
    let mut figures = Figures::default();
    for number in 1..=crashes {
        crash(&mut neerc, &mut sessions, &mut rng, &mut figures);
        // Who is only ever killed keeps no snapshot of a log that becomes longer than that of any contest.
        if number % CRASHES_PER_END == 0 {
            assert!(neerc.terminate().0.success());
            neerc.restart();
        }
    }
    figures.tell(kind, crashes, &sessions, log_len(&neerc));
}

/// The program, and everybody who writes and hears, with the tasks that the halls answer.
fn stage<'a>(server: &'a Server, rng: &mut Rng) -> (Neerc<'a>, Vec<Session>) {
    let halls = (1..=HALLS).map(|number| (format!("hall{number}"), "member", SESSIONS_PER_HALL));
    let admins = (1..=ADMINS).map(|number| (format!("jury{number}"), "admin", SESSIONS_PER_ADMIN));
    let people: Vec<_> = admins.chain(halls).collect();
    let room = server.room(&people.iter().map(|(name, power, _)| (name.as_str(), *power)).collect::<Vec<_>>());
    let neerc = Neerc::start(server, &[&room], "");
    let mut sessions = Vec::new();
    for (account, _, count) in &people {
        let login = |number| Session::login(server, &neerc, &room, account, number, rng);
        sessions.extend((1..=*count).map(login));
    }
    share_tasks(&mut sessions);
    (neerc, sessions)
}

impl Figures {
    /// What all of it came to. What was lost, half-applied, untold or out of order has ended the test before this.
    #[track_caller]
    fn tell(&mut self, kind: Kind, crashes: usize, sessions: &[Session], changes: u64) {
        self.starts.sort();
        let (middle, slowest) = (self.starts[self.starts.len() / 2], self.starts[self.starts.len() - 1]);
        let answered = sessions.iter().map(|session| session.answered).sum::<u64>();
        let rate = self.changes as f64 / self.load.as_secs_f64();
        let Self { unanswered, heard, states, .. } = *self;
        println!(
            "{kind:?}: {changes} changes in the log; {rate:.0} changes/s; {unanswered} unanswered ones survived; ready \
             {middle:.2?} after a start, at most {slowest:.2?}; all heard within {heard:.2?} of that"
        );
        let tried = format!("SIGKILL under load of {} sessions, {kind:?}", sessions.len());
        trust::report(
            "P1",
            &tried,
            crashes,
            &format!(
                "0 of {answered} answered changes lost, 0 half-applied, {rate:.0} answered/s; serving again after \
                 {middle:.2?}, at most {slowest:.2?}"
            ),
        );
        let order = format!("0 of {states} heard states out of one order, {changes} changes in the log without gaps");
        trust::report("P2", &tried, crashes, &order);
        let told = format!(
            "0 of {changes} changes untold to {} listeners, {LISTENING_PER_ACCOUNT} under each nick, one of which never \
             asks; all within {heard:.2?}",
            LISTENING.len() * LISTENING_PER_ACCOUNT
        );
        trust::report("P3", &tried, crashes, &told);
        assert!(middle < START_LIMIT, "ready after {middle:?}");
    }
}
