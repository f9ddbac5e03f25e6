//! Processes that never outlive this one, what they cost, and the temporary folder. Not what they are asked.
//!
//! A small shell, the guardian, reads the ids of running children from a pipe. The pipe closes when this process ends,
//! however it ends: the guardian then stops every child still listed, by id, and removes the folder.

use crate::Outcome;
use nix::sys::signal::{Signal, kill};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

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
[ "$pids" = ' ' ] || sleep 1
for pid in $pids; do kill -KILL "$pid"; done
rm -rf "$1"
"#;

struct Guardian {
    pipe: Mutex<ChildStdin>,
    root: PathBuf,
    /// Ends by itself once the pipe is closed; held only so that it is not lost.
    _shell: Child,
}

fn guardian() -> &'static Guardian {
    static ONE: OnceLock<Guardian> = OnceLock::new();
    ONE.get_or_init(|| {
        let root = PathBuf::from(format!("target/run-{}", std::process::id()));
        fs::create_dir_all(&root).expect("bench/target can be written");
        let root = root.canonicalize().expect("it was just made");
        let mut shell = Command::new("sh");
        shell.args(["-c", GUARDIAN, "guardian"]).arg(&root).process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut shell = shell.spawn().expect("there is a shell");
        let pipe = Mutex::new(shell.stdin.take().expect("stdin is a pipe"));
        Guardian { pipe, root, _shell: shell }
    })
}

fn note(sign: char, pid: u32) {
    let mut pipe = guardian().pipe.lock().unwrap_or_else(PoisonError::into_inner);
    drop(writeln!(pipe, "{sign} {pid}").and_then(|()| pipe.flush()));
}

/// A new empty folder, which goes with this process.
pub fn folder(name: &str) -> Outcome<PathBuf> {
    static COUNT: Mutex<u32> = Mutex::new(0);
    let mut count = COUNT.lock().unwrap_or_else(PoisonError::into_inner);
    *count += 1;
    let folder = guardian().root.join(format!("{name}-{count}"));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A port of the loopback interface that was free a moment ago.
pub fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// A running child.
pub struct Process {
    child: Child,
    /// Where its output goes.
    pub log: PathBuf,
}

impl Process {
    /// Starts it with its output in `log`.
    pub fn spawn(command: &mut Command, log: &Path) -> Outcome<Process> {
        let file = File::create(log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
        note('+', child.id());
        Ok(Process { child, log: log.to_owned() })
    }

    /// Processor time used so far by all threads, also those that have ended: the clock of the process, in ns (what
    /// /proc/PID/stat says in hundredths of a second).
    pub fn cpu(&self) -> Duration {
        let clock = clock_getcpuclockid(Pid::from_raw(self.child.id() as i32));
        clock.and_then(|clock| clock.now()).map_or(Duration::ZERO, Duration::from)
    }

    /// Memory in use, in MB.
    pub fn rss_mb(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kb = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<f64>().ok());
        kb.unwrap_or(0.0) / 1024.0
    }

    /// Whether it has not ended by itself.
    pub fn is_running(&mut self) -> Outcome<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The end of its output, for an error's text.
    pub fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(12).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Waits until its output holds `words`.
    pub fn wait_for_words(&mut self, words: &str, patience: Duration) -> Outcome<()> {
        let end = Instant::now() + patience;
        loop {
            if fs::read_to_string(&self.log).unwrap_or_default().contains(words) {
                return Ok(());
            }
            if self.child.try_wait()?.is_some() || Instant::now() > end {
                return Err(format!("it did not come to '{words}':\n{}", self.last_words()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it to end, and makes it end.
    pub fn stop(self, patience: Duration) -> Outcome<()> {
        self.end(Signal::SIGTERM, patience)
    }

    /// The same as by Ctrl-C.
    pub fn interrupt(self, patience: Duration) -> Outcome<()> {
        self.end(Signal::SIGINT, patience)
    }

    fn end(mut self, signal: Signal, patience: Duration) -> Outcome<()> {
        kill(Pid::from_raw(self.child.id() as i32), signal)?;
        let end = Instant::now() + patience;
        while self.child.try_wait()?.is_none() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(()) // the rest is done by drop
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pid = self.child.id();
        drop(self.child.kill());
        drop(self.child.wait());
        note('-', pid);
    }
}
