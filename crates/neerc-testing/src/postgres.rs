//! PostgreSQL servers for tests: clusters of their own in temporary folders, which end with the test run, however it ends.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Ends a server and removes its folder once its own standard input ends: when the test run is over or was killed.
const JANITOR: &str = r#"
    trap '' INT TERM HUP
    read -r _
    pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
    if [ -n "$pid" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$1/data"; then
        for child in $(grep -lx "PPid:.$pid" /proc/[0-9]*/status 2>/dev/null); do
            child=${child#/proc/} && kill -CONT "${child%/status}" 2>/dev/null
        done
        kill -CONT "$pid" 2>/dev/null; kill -QUIT "$pid" 2>/dev/null
        while [ -d "/proc/$pid" ]; do sleep 0.05; done
    fi
    rm -rf "$1"
"#;
/// How long a server may take to start on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster: the data of one server, and the server.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    /// Holds the end of a pipe that the janitor reads.
    _janitor: Child,
    databases: AtomicU32,
    /// What the server finds in its environment.
    environment: Vec<(String, String)>,
}

impl Cluster {
    /// A new cluster that runs, with these lines in its configuration.
    pub fn start(settings: &[&str]) -> Cluster {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("neerc-postgres-{}-{number}", std::process::id()));
        let cluster = Cluster::empty(folder);
        let data = cluster.data();
        let options = ["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-k"];
        run(as_owner("initdb").args(options).arg("-D").arg(&data));
        cluster.begin(settings)
    }

    /// A copy of another one, which runs and follows it.
    pub fn standby(primary: &Cluster, settings: &[&str]) -> Cluster {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("neerc-standby-{}-{number}", std::process::id()));
        let cluster = Cluster::empty(folder);
        cluster.copy_of(primary);
        cluster.begin(settings)
    }

    /// Makes this one, which does not run any more, a copy of another one that follows it. Its port stays.
    pub fn follow(&mut self, primary: &Cluster) {
        run(as_owner_any("rm").arg("-rf").arg(self.data()));
        self.copy_of(primary);
        self.again();
    }

    fn copy_of(&self, primary: &Cluster) {
        let mut copy = as_owner("pg_basebackup");
        copy.args(["--no-sync", "-R", "-c", "fast", "-U", "postgres", "-h"]).arg(&primary.folder);
        run(copy.args(["-p", &primary.port.to_string(), "-D"]).arg(self.data()));
    }

    /// The one that all tests of a process share.
    pub fn shared() -> &'static Cluster {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Cluster::start(&["max_connections = 300"]))
    }

    fn empty(folder: PathBuf) -> Cluster {
        run(as_owner_any("mkdir").args(["-m", "700"]).arg(&folder));
        let mut janitor = Command::new("bash");
        janitor.args(["-c", JANITOR, "janitor"]).arg(&folder).stdin(Stdio::piped()).process_group(0);
        let janitor = janitor.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("bash");
        Cluster { folder, port: 0, _janitor: janitor, databases: AtomicU32::new(0), environment: Vec::new() }
    }

    fn begin(mut self, settings: &[&str]) -> Cluster {
        let own = ["shared_buffers = 16MB", "log_min_messages = warning", "max_wal_size = 256MB"];
        let lines = own.iter().chain(settings).map(|line| format!("{line}\n")).collect::<String>();
        let path = self.data().join("postgresql.conf");
        let mut all = fs::read_to_string(&path).expect("its configuration");
        all.push_str(&lines);
        fs::write(&path, all).expect("its configuration");
        self.again();
        self
    }

    /// The same one, started again with that in its environment.
    pub fn with(mut self, environment: &[(String, String)]) -> Cluster {
        self.kill();
        self.environment = environment.to_vec();
        self.again();
        self
    }

    /// Starts the server, which does not run, on a free port.
    pub fn again(&mut self) {
        let since = Instant::now();
        loop {
            if self.port == 0 {
                let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|socket| socket.local_addr());
                self.port = free.expect("a free port").port();
            }
            let options = format!("-c port={} -c listen_addresses=127.0.0.1 -k {}", self.port, self.folder.display());
            let mut start = as_owner_any("env");
            start
                .args(self.environment.iter().map(|(name, value)| format!("{name}={value}")))
                .arg(program("pg_ctl"))
                .arg("-D")
                .arg(self.data())
                .arg("-l")
                .arg(self.folder.join("log"))
                .args(["-w", "-t", "60", "-o", &options]);
            let started = start.arg("start").stdout(Stdio::null()).stderr(Stdio::null()).status().expect("pg_ctl");
            if started.success() {
                return;
            }
            // The port was taken meanwhile, or what was killed is not quite gone.
            assert!(since.elapsed() < PATIENCE, "{}", fs::read_to_string(self.folder.join("log")).unwrap_or_default());
            sleep(Duration::from_millis(100));
        }
    }

    /// A new database, by its name.
    pub fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::SeqCst));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    /// The address of a database by its socket.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}:{}/{database}", self.port)
    }

    /// The same over TCP, by any port that leads there.
    pub fn url_at(port: u16, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/{database}")
    }

    /// What it listens at.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs SQL, and returns what it answers, by lines.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.try_sql(database, sql).unwrap_or_else(|why| panic!("{why}"))
    }

    /// The same where it may fail.
    pub fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = Command::new(program("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"]).arg(&self.folder);
        let said = psql.args(["-p", &self.port.to_string(), "-d", database, "-c", sql]).output().expect("psql");
        match said.status.success() {
            true => Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned()),
            false => Err(format!("{sql}: {}", String::from_utf8_lossy(&said.stderr))),
        }
    }

    /// A session that stays, for SQL that is run step by step.
    pub fn psql(&self, database: &str) -> Psql {
        let mut psql = Command::new(program("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-U", "postgres", "-h"]).arg(&self.folder);
        psql.args(["-p", &self.port.to_string(), "-d", database]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = psql.spawn().expect("psql");
        let said = BufReader::new(child.stdout.take().expect("a pipe"));
        Psql { child, said }
    }

    /// Another database with what is committed in one now. Whoever is connected to that one is cut off.
    pub fn copy(&self, database: &str) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::SeqCst));
        let since = Instant::now();
        loop {
            let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname";
            self.sql("postgres", &format!("{cut} = '{database}'"));
            // Somebody may have come back meanwhile.
            match self.try_sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {database}")) {
                Ok(_) => return name,
                Err(why) => assert!(since.elapsed() < PATIENCE, "{why}"),
            }
        }
    }

    /// Sends a signal to the process of the server, such as `KILL`.
    pub fn signal(&self, signal: &str) {
        signal_to(self.pid(), signal);
    }

    /// Sends a signal, `STOP` or `CONT`, to the server and to all processes that it has made.
    pub fn signal_all(&self, signal: &str) {
        let pid = self.pid();
        signal_to(pid, signal); // once it is stopped, it makes no more
        let said = Command::new("kill").args(["-s", signal]).args(children(pid)).output().expect("kill");
        drop(said); // one of them may have ended meanwhile
    }

    /// The id of the server's process.
    pub fn pid(&self) -> u32 {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).expect("it runs");
        file.lines().next().and_then(|line| line.trim().parse().ok()).expect("an id")
    }

    /// Ends it at once, as a power cut does to the process, and waits until it is gone.
    pub fn kill(&self) {
        let pid = self.pid();
        signal_to(pid, "KILL");
        let since = Instant::now();
        while Path::new(&format!("/proc/{pid}")).exists() {
            assert!(since.elapsed() < PATIENCE, "it does not end");
            sleep(Duration::from_millis(5));
        }
    }

    /// Makes a standby the one that is written to.
    pub fn promote(&self) {
        run(as_owner("pg_ctl").arg("-D").arg(self.data()).args(["-w", "promote"]).stdout(Stdio::null()));
    }

    /// Puts a file into its folder, which only the server may read.
    pub fn give(&self, name: &str, text: &str) {
        let (path, of) = (self.data().join(name), fs::metadata(self.data()).expect("its folder"));
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("rights");
        chown(&path, Some(of.uid()), Some(of.gid())).expect("an owner");
    }

    /// Has it read its configuration again, with these settings, and waits until it has.
    pub fn set(&self, settings: &[(&str, &str)]) {
        static SET: AtomicU32 = AtomicU32::new(0);
        let round = SET.fetch_add(1, Ordering::SeqCst) % 10_000 + 1;
        for (name, value) in settings {
            self.sql("postgres", &format!("ALTER SYSTEM SET {name} = '{value}'"));
        }
        // This one means nothing here. All are read at once, and a new session has what was read.
        self.sql("postgres", &format!("ALTER SYSTEM SET vacuum_cost_limit = {round}"));
        self.sql("postgres", "SELECT pg_reload_conf()");
        let since = Instant::now();
        while self.sql("postgres", "SHOW vacuum_cost_limit") != round.to_string() {
            assert!(since.elapsed() < PATIENCE, "it is not set");
            sleep(Duration::from_millis(20));
        }
    }

    /// Its folder.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

/// A session of SQL. What is open is rolled back when it is dropped.
#[derive(Debug)]
pub struct Psql {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Psql {
    /// Runs something, and waits until it is done.
    pub fn run(&mut self, sql: &str) {
        let input = self.child.stdin.as_mut().expect("a pipe");
        writeln!(input, "{sql}\n\\echo it is done").expect("psql");
        let mut line = String::new();
        while line.trim() != "it is done" {
            line.clear();
            assert!(self.said.read_line(&mut line).expect("psql") > 0, "psql has ended");
        }
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        drop(self.child.stdin.take()); // it ends with its input
        drop(self.child.wait());
    }
}

/// Sends a signal to a process that a test has found by its id.
pub fn signal_to(pid: u32, signal: &str) {
    run(Command::new("kill").args(["-s", signal, &pid.to_string()]));
}

/// The processes that one has made, by their ids.
fn children(pid: u32) -> Vec<String> {
    let parent = format!("PPid:\t{pid}");
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_child = |process: &fs::DirEntry| {
        fs::read_to_string(process.path().join("status")).is_ok_and(|status| status.lines().any(|line| line == parent))
    };
    all.filter(is_child).map(|process| process.file_name().to_string_lossy().into_owned()).collect()
}

/// A program of PostgreSQL's newest version on this machine.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.max_by_key(|version| version.file_name().to_string_lossy().parse().unwrap_or(0));
    let newest = newest.expect("PostgreSQL is not installed; run scripts/setup test");
    newest.path().join("bin").join(name)
}

/// The same as a user that PostgreSQL agrees to run as.
fn as_owner(name: &str) -> Command {
    as_owner_any(program(name))
}

fn as_owner_any(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|found| std::os::unix::fs::MetadataExt::uid(&found) == 0);
    let mut command = if is_root {
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let user = if users.lines().any(|line| line.starts_with("postgres:")) { "postgres" } else { "nobody" };
        let group = if user == "postgres" { "postgres" } else { "nogroup" };
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/").env("LC_ALL", "C").stdin(Stdio::null());
    command
}

fn run(command: &mut Command) {
    let said = command.output().expect("a program");
    assert!(said.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said.stderr));
}
