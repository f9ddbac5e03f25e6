//! People as a program prints them: a JSON list of objects with `name` and, where they are known, `display` and `groups`. The
//! program gets no input, no environment but PATH, and a user of its own where one is named. Not how often it is run.

use super::Listed;
use crate::limits;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

/// Runs the program, and reads what it prints.
pub fn read(words: &[String], user: Option<&str>) -> Result<Vec<Listed>, String> {
    let [program, arguments @ ..] = words else { return Err("there is no program".to_owned()) };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").current_dir("/").process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(user) = user {
        let (uid, gid) = account(user)?;
        command.uid(uid).gid(gid);
    }
    let mut child = command.spawn().map_err(|error| format!("it cannot be run: {error}"))?;
    let [printed, complaint] = [reader(child.stdout.take()), reader(child.stderr.take())];
    let ended = wait(&mut child);
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
    serde_json::from_slice(&printed).map_err(|error| {
        format!("what it prints is no list like [{{\"name\":\"hall1\",\"display\":\"Room 305\",\"groups\":[\"Halls\"]}}]: {error}")
    })
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

fn wait(child: &mut Child) -> Result<std::process::ExitStatus, String> {
    let deadline = Instant::now() + limits::COMMAND_PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(limits::COMMAND_LOOK),
            Ok(None) => return Err(format!("it did not end within {} s", limits::COMMAND_PATIENCE.as_secs())),
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
