//! Processes, ports and folders that never outlive the test process, however it ends.
//!
//! A small shell, the guardian, reads the ids of running children from a pipe. The pipe closes when this process ends,
//! be it by Ctrl-C or SIGKILL: the guardian then stops every child still listed, by id, and removes the folders.
#![allow(dead_code)] // a toolbox: not every tool is in use at any one time

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::servers::home;
use crate::wait::poll_for;

/// How long a process may take to go after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(10);

const LOG_TAIL_LINES: usize = 60;

const GUARDIAN: &str = r#"
trap '' INT TERM HUP
pids=' '
while read -r sign pid; do
    case $sign in
        +) pids="$pids$pid " ;;
        -) case $pids in *" $pid "*) pids="${pids%% $pid *} ${pids#* $pid }" ;; esac ;;
    esac
done
for pid in $pids; do kill -TERM "$pid"; done
turns=0
while [ $turns -lt 50 ]; do
    alive=
    for pid in $pids; do kill -0 "$pid" && alive=1; done
    [ "$alive" ] || break
    sleep 0.1
    turns=$((turns + 1))
done
for pid in $pids; do kill -KILL "$pid"; done
rm -rf "$1"
"#;

struct Guardian {
    pipe: Mutex<ChildStdin>,
    root: PathBuf,
    /// The pipe's other end; held only so that it is not lost.
    _shell: Child,
}

fn guardian() -> &'static Guardian {
    static ONE: OnceLock<Guardian> = OnceLock::new();
    ONE.get_or_init(|| {
        let root = home().temp_dir().join(format!("neerc-it-{}", std::process::id()));
        drop(fs::remove_dir_all(&root));
        fs::create_dir_all(&root).expect("the temp folder can be written");
        let mut shell = Command::new("sh")
            .args(["-c", GUARDIAN, "guardian"])
            .arg(&root)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("sh is there");
        let pipe = Mutex::new(shell.stdin.take().expect("stdin is a pipe"));
        Guardian { pipe, root, _shell: shell }
    })
}

impl Guardian {
    fn tell(&self, sign: char, pid: u32) {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(pipe, "{sign} {pid}").expect("the guardian lives");
    }
}

/// A new folder, removed at the end of the process at the latest.
pub fn scratch_dir(name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = guardian().root.join(format!("{name}-{number}"));
    fs::create_dir_all(&dir).expect("the temp folder can be written");
    dir
}

/// A child process in a process group of its own, known to the guardian; stopped on drop.
pub struct Process {
    name: String,
    child: Child,
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` with no input and with both outputs appended to the file `log`.
    pub fn spawn_logged(name: &str, command: &mut Command, log: &Path) -> Self {
        let out = OpenOptions::new().create(true).append(true).open(log).expect("the log can be written");
        let err = out.try_clone().expect("a file handle can be cloned");
        Self::spawn(name, command.stdin(Stdio::null()).stdout(out).stderr(err))
    }

    /// Starts `command` with the streams it was given.
    pub fn spawn(name: &str, command: &mut Command) -> Self {
        let guardian = guardian();
        let child = command.process_group(0).spawn().unwrap_or_else(|error| {
            panic!("{name} does not start ({error}); is it installed? `scripts/setup test` does that: {command:?}")
        });
        guardian.tell('+', child.id());
        Self { name: name.to_owned(), child, status: None }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The child itself, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How it ended, if it has.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().expect("a child can be waited for");
            if self.status.is_some() {
                guardian().tell('-', self.pid());
            }
        }
        self.status
    }

    /// Waits for its end; `None` if it still runs after `limit`.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        poll_for(limit, || self.exited())
    }

    /// Sends the signal `TERM`, `STOP`, `CONT`...
    pub fn signal(&mut self, signal: &str) {
        if self.exited().is_none() {
            let script = format!("kill -{signal} {}", self.pid());
            let sent = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status();
            assert!(sent.is_ok(), "sh is there");
        }
    }

    /// SIGTERM, and SIGKILL if that does not help.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait(GRACE).unwrap_or_else(|| self.kill())
    }

    /// SIGKILL.
    pub fn kill(&mut self) -> ExitStatus {
        if self.exited().is_none() {
            self.child.kill().expect("an own child can be killed");
        }
        self.wait(GRACE).unwrap_or_else(|| panic!("{} survives SIGKILL", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.terminate();
    }
}

/// A TCP port of 127.0.0.1 that no other test of this machine takes while this value lives.
pub struct Port {
    /// The number.
    pub number: u16,
    _lock: File,
}

/// Below the range that systems take outgoing ports from, so that no connection can sit on one.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

impl Port {
    /// Finds a free port.
    pub fn reserve() -> Self {
        static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
        let user = fs::metadata(&guardian().root).expect("the folder is there").uid();
        let folder = std::env::temp_dir().join(format!("neerc-it-ports-{user}"));
        drop(fs::create_dir_all(&folder));
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = u16::try_from(std::process::id() % 1_000).unwrap_or(0) * 12;
        let candidates = (PORTS.start + offset..PORTS.end).chain(PORTS.start..PORTS.start + offset);
        for number in candidates.filter(|number| !taken.contains(number)).collect::<Vec<_>>() {
            if let Some(lock) = Self::try_lock(&folder, number) {
                taken.insert(number);
                return Self { number, _lock: lock };
            }
        }
        panic!("no free port in {PORTS:?}; locks are in {}", folder.display());
    }

    fn try_lock(folder: &Path, number: u16) -> Option<File> {
        let lock = File::create(folder.join(number.to_string())).ok()?;
        lock.try_lock().ok()?;
        TcpListener::bind(("127.0.0.1", number)).ok()?;
        Some(lock)
    }
}

/// The last lines of a log file, for a panic's message.
pub fn log_tail(path: &Path) -> String {
    let text = fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n");
    format!("--- {} ---\n{tail}\n", path.display())
}
