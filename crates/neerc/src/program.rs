//! Programs of the administrator's: run without input and with no environment but PATH and what is named, for so long at most;
//! whatever they have started ends with them. Not what is run when.

use crate::limits;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What is run.
pub struct Program<'a> {
    /// Its path, and its arguments.
    pub words: &'a [String],
    /// Whose rights it has, if not this process's.
    pub user: Option<&'a str>,
    /// What it is told beside.
    pub environment: &'a [(&'a str, &'a str)],
    /// How long it may take.
    pub patience: Duration,
}

impl Program<'_> {
    /// Runs it, and returns what it prints.
    pub fn run(&self) -> Result<Vec<u8>, String> {
        let [program, arguments @ ..] = self.words else { return Err("there is no program".to_owned()) };
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").current_dir("/");
        command.envs(self.environment.iter().copied()).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(user) = self.user {
            let (uid, gid) = account(user)?;
            command.uid(uid).gid(gid);
        }
        let mut child = command.spawn().map_err(|error| format!("it cannot be run: {error}"))?;
        let [printed, complaint] = [reader(child.stdout.take()), reader(child.stderr.take())];
        let ended = wait(&mut child, self.patience);
        // What it has started holds its output open.
        kill_group(&child);
        let status = ended.inspect_err(|_| drop(child.wait()))?;
        let [printed, complaint] = [printed, complaint].map(|reader| reader.join().unwrap_or_default());
        if printed.len() > limits::LIST_BYTES {
            return Err(format!("it prints more than {} KiB", limits::LIST_BYTES / 1024));
        }
        if !status.success() {
            let complaint = String::from_utf8_lossy(&complaint);
            let last = complaint.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
            return Err(format!("it ended with {status}: {}", neerc_core::refusal::excerpt(last)));
        }
        Ok(printed)
    }
}

/// Reads beside the loop, a byte more than is taken at most.
fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(limits::LIST_BYTES as u64 + 1).read_to_end(&mut bytes); // what came until then counts
        }
        bytes
    })
}

fn wait(child: &mut Child, patience: Duration) -> Result<std::process::ExitStatus, String> {
    let deadline = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(limits::PROGRAM_LOOK),
            Ok(None) => return Err(format!("it did not end within {} s", patience.as_secs())),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn kill_group(child: &Child) {
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL); // nobody may be left of it
    }
}

/// The ids of a user of this machine.
fn account(user: &str) -> Result<(u32, u32), String> {
    let known = std::fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
    let ids = known.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields[..] {
            [name, _, uid, gid, ..] if name == user => Some((uid.parse().ok()?, gid.parse().ok()?)),
            _ => None,
        }
    });
    let ids = ids.ok_or_else(|| format!("there is no user '{user}' in /etc/passwd"))?;
    let this = rustix::process::geteuid();
    if !this.is_root() && this.as_raw() != ids.0 {
        return Err(format!(
            "only root may run it as '{user}': leave user out, or have a timer of that user write a CSV file and name \
             the file here"
        ));
    }
    Ok(ids)
}
