//! The program under test: `neerc run` beside a real server, with a configuration and a store of its own.
#![allow(dead_code)] // a toolbox: not every tool is in use at any one time

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::guard::{self, Process};
use crate::servers::{HOST, ROOMS, SECRET, Server};
use crate::wait::{PATIENCE, poll_for};

/// A `neerc` process; killed on drop, and its log shown if the test fails.
pub struct Neerc<'a> {
    /// The component's domain, `neerc.localhost` or `n7.localhost`.
    pub jid: String,
    /// The folder with `neerc.toml`, `neerc.db` and `neerc.log`; also its working folder.
    pub dir: PathBuf,
    /// What it is started with in its environment.
    pub env: Vec<(&'static str, PathBuf)>,
    /// What it is told besides `run`.
    pub arguments: Vec<&'static str>,
    server: &'a Server,
    process: Option<Process>,
    /// It shares its component with another one, which gives that back.
    is_second: bool,
}

impl<'a> Neerc<'a> {
    /// Starts it on a component of its own and waits until it is ready. `toml_extra` is laid over the usual
    /// configuration: a key in it replaces that key, a new table or key is added.
    #[track_caller]
    pub fn start(server: &'a Server, rooms: &[&str], toml_extra: &str) -> Self {
        let mut neerc = Self::prepare(server, rooms, toml_extra);
        neerc.restart();
        neerc
    }

    /// All that [`Self::start`] does, without starting it.
    pub fn prepare(server: &'a Server, rooms: &[&str], toml_extra: &str) -> Self {
        let jid = server.take_component();
        let dir = guard::scratch_dir("neerc");
        let base = base_config(server, &jid, rooms);
        fs::write(dir.join("neerc.toml"), overlay(&base, toml_extra)).unwrap();
        // It holds the secret, of which the program says a word where others can read it.
        fs::set_permissions(dir.join("neerc.toml"), fs::Permissions::from_mode(0o600)).unwrap();
        Self { jid, dir, env: Vec::new(), arguments: Vec::new(), server, process: None, is_second: false }
    }

    /// Another machine with the same configuration, in a folder of its own; not started.
    pub fn second(&self) -> Neerc<'a> {
        let dir = guard::scratch_dir("neerc");
        fs::copy(self.config(), dir.join("neerc.toml")).unwrap();
        let (jid, env, arguments) = (self.jid.clone(), self.env.clone(), self.arguments.clone());
        Neerc { jid, dir, env, arguments, server: self.server, process: None, is_second: true }
    }

    /// Lays more over its configuration, for the next start.
    pub fn lay(&self, toml_extra: &str) {
        let known = fs::read_to_string(self.config()).unwrap();
        fs::write(self.config(), overlay(&known, toml_extra)).unwrap();
    }

    /// The address of a room at the service, for requests about it.
    pub fn room_jid(&self, room: &str) -> String {
        format!("{room}@{}", self.jid)
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.dir.join("neerc.toml")
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("neerc runs").pid()
    }

    /// Starts it (again) and waits until it says that it is ready; the time that took.
    #[track_caller]
    pub fn restart(&mut self) -> Duration {
        let began = Instant::now();
        let old_log = self.log().len();
        self.spawn();
        self.wait_for_log("ready: rooms", old_log);
        began.elapsed()
    }

    /// Starts it (again) without waiting for anything.
    pub fn spawn(&mut self) {
        assert!(self.process.is_none(), "neerc runs already");
        let mut command = command(&self.dir);
        command.arg("run").args(&self.arguments).arg("--config").arg(self.config()).envs(self.env.iter().cloned());
        self.process = Some(Process::spawn_logged("neerc", &mut command, &self.log_path()));
    }

    /// Any other command of the program with this configuration's folder as working folder; nothing is started.
    pub fn command(&self) -> Command {
        command(&self.dir)
    }

    /// Waits for a line of the log that holds `text`, after the first `from` bytes.
    #[track_caller]
    pub fn wait_for_log(&mut self, text: &str, from: usize) {
        let found = poll_for(PATIENCE, || {
            let log = self.log();
            if log.get(from..).is_some_and(|new| new.contains(text)) {
                return Some(Ok(()));
            }
            self.process.as_mut().and_then(Process::exited).map(Err)
        });
        match found {
            Some(Ok(())) => {}
            Some(Err(status)) => panic!("neerc ended with {status} before it said {text:?}\n{}", self.log_tail()),
            None => panic!("neerc does not say {text:?} in {PATIENCE:?}\n{}", self.log_tail()),
        }
    }

    /// Waits for its end, which it has to come to by itself.
    #[track_caller]
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("neerc runs");
        let status = process.wait(PATIENCE);
        status.unwrap_or_else(|| panic!("neerc still runs after {PATIENCE:?}\n{}", self.log_tail()))
    }

    /// How it ended, if it has.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.process.as_mut().and_then(Process::exited)
    }

    /// Whether it runs. One that has come to its end may be started again after that.
    pub fn is_running(&mut self) -> bool {
        if self.exited().is_some() {
            self.process = None;
        }
        self.process.is_some()
    }

    /// SIGKILL.
    pub fn kill9(&mut self) {
        self.process.take().expect("neerc runs").kill();
    }

    /// SIGTERM: how it ended and how long that took.
    pub fn terminate(&mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        let status = self.process.take().expect("neerc runs").terminate();
        (status, began.elapsed())
    }

    /// Any signal, say `STOP` and `CONT`.
    pub fn signal(&mut self, signal: &str) {
        self.process.as_mut().expect("neerc runs").signal(signal);
    }

    /// All that it has logged, over all starts.
    pub fn log(&self) -> String {
        fs::read(self.log_path()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.dir.join("neerc.log")
    }

    fn log_tail(&self) -> String {
        guard::log_tail(&self.log_path())
    }
}

impl Drop for Neerc<'_> {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
        if !self.is_second {
            self.server.give_component(std::mem::take(&mut self.jid));
        }
        if std::thread::panicking() {
            eprintln!("{}", self.log_tail());
        }
    }
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neerc"));
    command.current_dir(dir).env("NO_COLOR", "1").env("RUST_BACKTRACE", "1");
    // Settings of the tests, not of the program, which warns of those that it does not know.
    command
        .env_remove("NEERC_TEST_SERVERS")
        .env_remove("NEERC_VENV")
        .env_remove("NEERC_TRUST")
        .env_remove("NEERC_ROUNDS");
    command
}

/// The least there must be, and no limit on requests: tests ask faster than people.
fn base_config(server: &Server, jid: &str, rooms: &[&str]) -> String {
    let port = server.component_port;
    format!(
        r#"[component]
jid = "{jid}"
server = "127.0.0.1:{port}"
secret = "{SECRET}"
[rooms]
service = "{ROOMS}"
join = {rooms:?}
nickname = "neerc"
[store]
url = "sqlite:neerc.db"
[limits]
requests_per_second = 0
answers_kib_per_second = 0
"#
    )
}

/// Lays the tables of one TOML text over another. Lines only: a value that spans lines is not understood.
fn overlay(base: &str, extra: &str) -> String {
    let mut tables = tables(base);
    for (header, lines) in self::tables(extra) {
        // A table of an array ([[groups]]) is always one more.
        let same = tables.iter_mut().find(|(known, _)| *known == header && !header.starts_with("[["));
        match same {
            None => tables.push((header, lines)),
            Some((_, known)) => {
                known.retain(|line| !lines.iter().any(|new| key(new) == key(line)));
                known.extend(lines);
            }
        }
    }
    tables.iter().map(|(header, lines)| format!("{header}\n{}\n", lines.join("\n"))).collect()
}

fn tables(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut tables = vec![("", Vec::new())];
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('[') {
            tables.push((line, Vec::new()));
        } else if let Some((_, lines)) = tables.last_mut() {
            lines.push(line);
        }
    }
    tables
}

fn key(line: &str) -> &str {
    line.split('=').next().unwrap_or(line).trim()
}

/// The bare JID of a user of the test servers.
pub fn bare(user: &str) -> String {
    format!("{user}@{HOST}")
}

#[test]
fn extra_configuration_replaces_keys_and_adds_tables() {
    let laid = overlay("[a]\nx = 1\ny = 2\n", "[a]\ny = 3\n[[b]]\nz = 1\n[[b]]\nz = 2\n");
    assert_eq!(laid, "\n\n[a]\nx = 1\ny = 3\n[[b]]\nz = 1\n[[b]]\nz = 2\n");
}
