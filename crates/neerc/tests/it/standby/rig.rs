//! Two machines with a service, and two servers of their database of which one follows the other: what fails there, how it is
//! put right again by the lines of `doc/two-machines.md`, and what has to be so after that.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use neerc_testing::postgres::Cluster;

use super::desk::{Desk, LISTEN, number_in};
use super::tape::Tape;
use super::way::{Direction, Moment, Way};
use crate::servers::{Kind, Options, Server};
use crate::service::Neerc;
use crate::wait::{PATIENCE, poll_for, wait_for};

/// With what is Prosody's default the old connection of a machine that hangs would keep the new one out.
const KICK_OLD: &str = "component_conflict_resolve = \"kick_old\"\n";

/// How soon a standby tries again to reach the server that it follows: by itself, every 5 s.
const AGAIN: &str = "wal_retrieve_retry_interval = 500ms";

/// Notes all that is written to the row that each commit compares.
const AUDIT: &str = "
    CREATE TABLE audit (number bigserial, epoch bigint, revision bigint);
    CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO audit (epoch, revision) VALUES (NEW.epoch, NEW.revision); RETURN NULL; END';
    CREATE TRIGGER audit AFTER UPDATE ON head FOR EACH ROW EXECUTE FUNCTION audit()";
/// What was stored in an earlier epoch than what had been stored before it, or at a revision that was stored before.
const BACKWARDS: &str = "
    SELECT count(*) FROM (SELECT epoch < lag(epoch) OVER seen OR revision < lag(revision) OVER seen AS is_one FROM audit
        WINDOW seen AS (ORDER BY number)) AS pairs WHERE is_one";

/// A machine with its service, and its ways to both servers of the database.
pub struct Machine<'a> {
    pub neerc: Neerc<'a>,
    pub ways: [Way; 2],
    /// Its last process.
    process: u32,
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        if self.neerc.is_running() {
            self.neerc.kill9();
        }
        self.clear();
    }
}

impl Machine<'_> {
    fn stand_by(&mut self) {
        let old = self.neerc.log().len();
        self.begin();
        self.neerc.wait_for_log("standing by for", old);
    }

    fn begin(&mut self) {
        self.clear();
        self.neerc.spawn();
        self.process = self.neerc.pid();
        fs::write(process_file(&self.neerc), self.process.to_string()).unwrap();
    }

    /// Ends it as an upgrade does.
    fn end(&mut self) {
        let (status, _) = self.neerc.terminate();
        assert!(status.success(), "{status}:\n{}", self.neerc.log());
    }

    /// Removes what a program with a clock of its own leaves behind where it is killed.
    fn clear(&self) {
        for name in ["faketime_shm_", "sem.faketime_sem_"] {
            let _ = fs::remove_file(format!("/dev/shm/{name}{}", self.process));
        }
    }

    /// What `neerc standby status` says there.
    fn survey(&self) -> String {
        let command = ["standby", "status", "--config"];
        let asked = self.neerc.command().args(command).arg(self.neerc.config()).output().unwrap();
        assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
        String::from_utf8(asked.stdout).unwrap()
    }
}

/// Where it stands which process runs there.
fn process_file(neerc: &Neerc<'_>) -> PathBuf {
    neerc.config().with_file_name("process")
}

/// The line that has a machine end the service of another one.
fn fence(other: &Neerc<'_>) -> String {
    let file = process_file(other);
    let file = file.display();
    let ends = format!("id=$(cat {file}); kill -KILL $id || ! kill -0 $id");
    format!("fence = [\"/bin/sh\", \"-c\", \"{ends}\"]\n")
}

/// All of it.
pub struct Rig<'a> {
    desk: &'a Desk,
    tape: Tape,
    clusters: [Cluster; 2],
    database: String,
    /// Which server of the database is written to.
    primary: usize,
    /// Which one the other one follows.
    followed: usize,
    machines: [Machine<'a>; 2],
    /// Which service serves, as far as is known.
    serving: usize,
    /// How much both had logged when they began at once.
    begun: [usize; 2],
}

/// A chat server for any number of them.
pub fn with_chat_server<T>(kind: Kind, work: impl FnOnce(&Server) -> T) -> T {
    match kind {
        Kind::Prosody => work(&Server::prosody(Options { extra_config: KICK_OLD.to_owned(), ..Options::default() })),
        Kind::Ejabberd => work(Server::shared(kind)),
    }
}

/// What the clocks of both machines say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocks {
    Same,
    /// That of the first one is ten minutes ahead, that of the second one ten minutes behind, for the database as well.
    Apart,
}

impl Clocks {
    /// What a program finds in its environment on the first or the second machine.
    fn environment(self, at: usize) -> Vec<(&'static str, String)> {
        let Some(library) = faketime().filter(|_| self == Clocks::Apart) else { return Vec::new() };
        let offset = if at == 0 { "+10m" } else { "-10m" };
        // What waits by the steady clock is not to be misled as well.
        vec![
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME", offset.to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }
}

/// What sets the clock of one program, if it is installed.
pub fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|library| library.exists())
}

/// How two machines are set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    pub clocks: Clocks,
    /// Each can end the service of the other one.
    pub has_fences: bool,
}

/// As the doc has them, with nothing more.
pub const PLAIN: Setup = Setup { clocks: Clocks::Same, has_fences: false };

/// Sets all of it up, with people who ask and listen until `work` is done.
pub fn with_two_machines(server: &Server, Setup { clocks, has_fences }: Setup, work: impl FnOnce(&mut Rig<'_>)) {
    let room = server.room(&[("jury1", "owner"), ("jury2", "owner"), ("hall1", "member")]);
    let clusters = databases(clocks);
    let database = clusters[0].database();
    let tape = Tape::default();
    let first = Neerc::prepare(server, &[&room], "");
    let second = first.second();
    let desk = Desk::of(first.room_jid(&room), room);
    let mut machines = [first, second].map(|neerc| {
        let ways = [0, 1].map(|at: usize| Way::to(clusters[at].port()));
        Machine { neerc, ways, process: 0 }
    });
    let fences = [1, 0].map(|other: usize| if has_fences { fence(&machines[other].neerc) } else { String::new() });
    for (at, Machine { neerc, ways: [a, b], .. }) in machines.iter_mut().enumerate() {
        neerc.env = clocks.environment(at).into_iter().map(|(name, value)| (name, value.into())).collect();
        let port = tape.before(server.component_port, at);
        let url = format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/{database}", a.port, b.port);
        neerc.lay(&format!("[component]\nserver = \"127.0.0.1:{port}\"\n[store]\nurl = \"{url}\"\n{}", fences[at]));
    }
    machines[0].begin();
    machines[0].neerc.wait_for_log("ready: rooms", 0);
    clusters[0].sql(&database, AUDIT);
    machines[1].stand_by();
    let mut rig =
        Rig { desk: &desk, tape, clusters, database, primary: 0, followed: 0, machines, serving: 0, begun: [0; 2] };
    rig.want_standby();
    rig.wait_for_standby();
    thread::scope(|scope| {
        let _closing = desk.closing();
        scope.spawn(|| desk.ask(server));
        for at in 0..LISTEN.len() {
            let desk = &desk;
            scope.spawn(move || desk.listen(server, at));
        }
        work(&mut rig);
    });
}

/// Two servers, of which the second one follows the first.
fn databases(clocks: Clocks) -> [Cluster; 2] {
    let with = |cluster: Cluster, at: usize| match clocks {
        Clocks::Same => cluster,
        Clocks::Apart => {
            let environment = clocks.environment(at).into_iter().map(|(name, value)| (name.to_owned(), value));
            cluster.with(&environment.collect::<Vec<_>>())
        }
    };
    let primary = with(Cluster::start(&[AGAIN]), 0);
    let other = with(Cluster::standby(&primary, &[]), 1);
    if clocks == Clocks::Apart {
        let [ahead, behind] = [&primary, &other].map(|server| {
            let now = server.sql("postgres", "SELECT extract(epoch FROM now())::bigint");
            now.parse::<i64>().unwrap()
        });
        assert!(ahead - behind > 1_000, "their clocks are {} s apart", ahead - behind);
    }
    [primary, other]
}

impl<'a> Rig<'a> {
    fn server(&self) -> &Cluster {
        &self.clusters[self.primary]
    }

    fn service(&mut self) -> &mut Machine<'a> {
        &mut self.machines[self.serving]
    }

    /// Its way to the server that is written to.
    fn way(&self) -> &Way {
        &self.machines[self.serving].ways[self.primary]
    }

    // What happens to a service.

    pub fn service_is_killed(&mut self) -> Instant {
        let began = Instant::now();
        self.service().neerc.kill9();
        began
    }

    pub fn service_is_paused(&mut self) -> Instant {
        let began = Instant::now();
        self.service().neerc.signal("STOP");
        began
    }

    pub fn service_goes_on(&mut self) {
        self.service().neerc.signal("CONT");
        assert!(!self.service().neerc.wait_for_exit().success(), "its lease has run out");
    }

    pub fn service_is_ended(&mut self) -> Instant {
        let began = Instant::now();
        self.service().end();
        began
    }

    /// Both are ended, and begin at the same moment.
    pub fn both_services_begin(&mut self) -> Instant {
        for at in [1 - self.serving, self.serving] {
            self.machines[at].end();
        }
        let began = Instant::now();
        self.begun = self.machines.each_mut().map(|machine| {
            let old = machine.neerc.log().len();
            machine.begin();
            old
        });
        began
    }

    /// Of both that have begun, one serves and the other one stands by.
    pub fn one_stands_by(&mut self) {
        self.serving = self.tape.speaker();
        let other = 1 - self.serving;
        self.machines[other].neerc.wait_for_log("standing by for", self.begun[other]);
        assert!(!self.machines[other].neerc.log()[self.begun[other]..].contains("ready: rooms"));
    }

    // What happens to the database. It counts from when somebody has done something about it.

    pub fn database_is_killed(&mut self) -> Instant {
        self.server().kill();
        self.promote()
    }

    pub fn both_are_killed(&mut self) -> Instant {
        self.service().neerc.kill9();
        self.database_is_killed()
    }

    /// What the doc says of a machine that is lost, on the other one.
    fn promote(&mut self) -> Instant {
        let other = 1 - self.primary;
        let (port, known) = {
            let machine = &self.machines[1 - self.serving];
            (machine.ways[other].port, machine.survey())
        };
        assert!(
            known.contains(&format!("no server is written to. 127.0.0.1:{port} has most, up to revision ")),
            "{known}"
        );
        assert!(known.contains(": all that this machine has seen is there."), "{known}");
        let server = &self.clusters[other];
        server.promote();
        let promoted = Instant::now();
        server.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''");
        server.sql("postgres", "SELECT pg_reload_conf()");
        self.primary = other;
        promoted
    }

    /// For so long that the service notices and goes on.
    pub fn database_is_paused(&mut self) -> Instant {
        self.server().signal_all("STOP");
        thread::sleep(Duration::from_secs(3));
        self.server().signal_all("CONT");
        Instant::now()
    }

    /// For so long that the service gives up.
    pub fn database_hangs(&mut self) -> Instant {
        self.server().signal_all("STOP");
        let ended = poll_for(PATIENCE, || self.service().neerc.exited());
        self.server().signal_all("CONT");
        assert!(ended.is_some_and(|status| !status.success()), "its lease has run out");
        Instant::now()
    }

    // What happens on the way.

    pub fn nothing_arrives(&mut self) -> Instant {
        self.swallow(Direction::ToServer)
    }

    pub fn nothing_comes_back(&mut self) -> Instant {
        self.swallow(Direction::FromServer)
    }

    fn swallow(&mut self, direction: Direction) -> Instant {
        let began = Instant::now();
        self.service().ways.iter().for_each(|way| way.swallow(direction));
        began
    }

    pub fn ways_are_mended(&mut self) {
        self.machines.iter().flat_map(|machine| &machine.ways).for_each(Way::mend);
    }

    pub fn connections_are_lost(&mut self) -> Instant {
        self.way().swallow_old(Direction::ToServer);
        Instant::now()
    }

    pub fn connections_are_deaf(&mut self) -> Instant {
        self.way().swallow_old(Direction::FromServer);
        Instant::now()
    }

    pub fn commit_is_cut(&mut self) -> Instant {
        self.cut(Moment::Asked)
    }

    pub fn commit_is_cut_when_sent(&mut self) -> Instant {
        self.cut(Moment::Sent)
    }

    pub fn commit_is_cut_when_answered(&mut self) -> Instant {
        self.cut(Moment::Answered)
    }

    fn cut(&mut self, moment: Moment) -> Instant {
        self.way().cut(moment);
        wait_for("a commit", || self.way().has_met_commit());
        Instant::now()
    }

    /// The server of the database is killed with a commit under way, and started again.
    pub fn database_starts_again_in_commit(&mut self) -> Instant {
        self.cut(Moment::Watched);
        self.server().kill();
        self.clusters[self.primary].again();
        Instant::now()
    }

    // What has to be so then.

    /// Waits until somebody is answered again.
    pub fn is_answered(&self) {
        self.desk.is_answered(|| ());
    }

    /// Starts what has ended: services stand by, a server of the database follows the other one.
    pub fn put_right(&mut self) {
        let speaks = self.tape.speaker();
        if speaks != self.serving {
            let old = self.service();
            if old.neerc.is_running() {
                assert!(!old.neerc.wait_for_exit().success(), "its lease has run out");
            }
            old.stand_by();
            self.serving = speaks;
        }
        let other = &mut self.machines[1 - speaks].neerc;
        assert!(other.is_running(), "whoever stands by goes on:\n{}", other.log());
        if self.primary != self.followed {
            let [a, b] = &mut self.clusters;
            let (primary, other) = if self.primary == 0 { (a, b) } else { (b, a) };
            other.follow(primary);
            self.followed = self.primary;
            self.want_standby();
        }
        self.wait_for_standby();
    }

    fn want_standby(&self) {
        self.server().sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.server().sql("postgres", "SELECT pg_reload_conf()");
    }

    fn wait_for_standby(&self) {
        let synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        wait_for("a synchronous standby", || self.server().sql("postgres", synchronous) == "1");
    }

    /// How many changes were answered, none of which is missing, and how often somebody was told something, never two at once
    /// and never backwards.
    #[track_caller]
    pub fn assert_nobody_was_fooled(&self) -> (usize, usize) {
        let (answered, heard) = (self.desk.answered(), self.desk.heard());
        let select = "SELECT revision, record FROM log WHERE record LIKE '%Bring no%' ORDER BY revision";
        let mut revisions = BTreeMap::new();
        for line in self.server().sql(&self.database, select).lines() {
            let (revision, record) = line.split_once('|').unwrap();
            let (revision, number) = (revision.parse::<u64>().unwrap(), number_in(record).unwrap());
            let before = revisions.insert(number, revision);
            assert!(before.is_none(), "{number} was done at revision {before:?} and at {revision}");
        }
        let lost: Vec<_> = answered.iter().filter(|number| !revisions.contains_key(number)).collect();
        assert!(lost.is_empty(), "answered and not there: {lost:?}");
        for (user, heard) in LISTEN.iter().zip(&heard) {
            let told = |number: &usize| {
                revisions.get(number).unwrap_or_else(|| panic!("{user} was told {number}, which is not there"))
            };
            let is_ahead = heard.windows(2).find(|pair| told(&pair[0]) > told(&pair[1]));
            assert!(is_ahead.is_none(), "{user} was told out of order: {is_ahead:?}");
        }
        assert_eq!(self.server().sql(&self.database, BACKWARDS), "0", "an earlier epoch has stored something");
        self.tape.never_two();
        (answered.len(), heard.iter().map(Vec::len).sum())
    }
}
