//! The demo's folder, and a small shell that sees to it that neither the folder nor the server outlives this process,
//! even if that is killed: the shell waits for the end of a pipe that only this process writes to.

use crate::cli::secret;
use anyhow::Context;
use std::fs::DirBuilder;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Each line replaces the id of the process to end; an empty one says that there is none. The folder goes last, once
/// nobody writes to it: an ended process may stay visible where nobody collects it, hence the limit.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
pid=
while read -r line; do pid=$line; done
if [ "$pid" ]; then
    kill -KILL "$pid"
    turns=0
    while kill -0 "$pid" && [ $turns -lt 20 ]; do sleep 0.05; turns=$((turns + 1)); done
fi
rm -rf "$1"
"#;

/// The folder and its keeper. When this is dropped the folder is removed.
pub struct Keeper {
    folder: PathBuf,
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Keeper {
    /// Makes a new folder that only this user can read.
    pub fn start() -> anyhow::Result<Keeper> {
        let suffix = secret::hex(4).context("there is no randomness to be had from /dev/urandom")?;
        let folder = std::env::temp_dir().join(format!("neerc-demo-{suffix}"));
        let made = DirBuilder::new().mode(0o700).create(&folder);
        made.with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "neerc-demo-keeper"])
            .arg(&folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // Ctrl-C is not for the keeper
            .spawn();
        match shell {
            Ok(mut shell) => Ok(Keeper { folder, pipe: shell.stdin.take(), shell }),
            Err(error) => {
                let _ = std::fs::remove_dir(&folder); // what went wrong before is the news
                Err(error).context("sh cannot be started")
            }
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// From now on the process of this id, a child of ours, is to end with us.
    pub fn watch(&mut self, pid: u32) -> std::io::Result<()> {
        self.tell(&pid.to_string())
    }

    /// That process has ended and its id may be another's by now.
    pub fn forget(&mut self) {
        let _ = self.tell(""); // a keeper that is gone ends nobody
    }

    fn tell(&mut self, line: &str) -> std::io::Result<()> {
        self.pipe.as_mut().map_or(Ok(()), |pipe| writeln!(pipe, "{line}"))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.shell.wait(); // nothing more could be done about it
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_and_the_process_end_with_the_keeper() {
        let mut keeper = Keeper::start().unwrap();
        let folder = keeper.folder().to_owned();
        std::fs::write(folder.join("file"), "content").unwrap();
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        keeper.watch(child.id()).unwrap();
        drop(keeper);
        assert!(!folder.exists());
        assert!(!child.wait().unwrap().success());
    }

    #[test]
    fn a_process_that_is_forgotten_is_left_alone() {
        let mut keeper = Keeper::start().unwrap();
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        keeper.watch(child.id()).unwrap();
        keeper.forget();
        drop(keeper);
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
