//! Where the servers' programs are: on this machine, or in a folder with another system's userland, which
//! `scripts/setup servers` makes. `NEERC_TEST_SERVERS` chooses: unset or `own`, else the folder's name below `target/`.
//!
//! Programs of a folder run with it as their root. Its tests keep all their files below its `tmp`, and below the root a
//! link with the folder's own path leads back to it, so every path is the same for both sides and nothing is mounted.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const CHOICE: &str = "NEERC_TEST_SERVERS";
const OWN: &str = "own";

/// A place of server programs.
pub struct Home {
    /// The folder; `None` for this machine's own root.
    root: Option<PathBuf>,
}

/// The one that the tests of this process use.
pub fn home() -> &'static Home {
    static ONE: OnceLock<Home> = OnceLock::new();
    ONE.get_or_init(|| Home::chosen(std::env::var_os(CHOICE).as_deref()))
}

impl Home {
    fn chosen(choice: Option<&OsStr>) -> Self {
        let Some(name) = choice.filter(|name| !name.is_empty() && *name != OWN) else { return Self { root: None } };
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
        let root = target.join(name).canonicalize().unwrap_or_else(|_| target.join(name));
        assert!(
            root.join(".complete").exists(),
            "{CHOICE} is {name:?}, but {} is not complete: run `scripts/setup servers`, or unset {CHOICE}",
            root.display()
        );
        Self { root: Some(root) }
    }

    /// A command that runs a program of this place.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("env");
        command.args(self.words(program));
        command
    }

    /// The same for programs that look for it in `PATH`: a folder, below `dir`, to put there.
    pub fn path_with(&self, program: &str, dir: &Path) -> PathBuf {
        let bin = dir.join("bin");
        fs::create_dir_all(&bin).unwrap();
        if self.root.is_some() {
            let words: Vec<_> = self.words(program).iter().map(|word| format!("'{word}'")).collect();
            let script = format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" "));
            fs::write(bin.join(program), script).unwrap();
            fs::set_permissions(bin.join(program), fs::Permissions::from_mode(0o755)).unwrap();
        }
        bin
    }

    fn words(&self, program: &str) -> Vec<String> {
        let Some(root) = &self.root else { return vec![program.to_owned()] };
        // Only root may change the root; anybody may be root of a namespace of their own.
        let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let enter: &[&str] = if is_root { &["chroot"] } else { &["unshare", "--map-root-user", "chroot"] };
        let root = root.to_str().expect("the path of the project is in Unicode");
        let rest = [root, "env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", program];
        enter.iter().chain(&rest).map(|word| (*word).to_owned()).collect()
    }

    /// A file of this place.
    pub fn read(&self, path: &str) -> Option<String> {
        let path =
            self.root.as_ref().map_or_else(|| PathBuf::from(path), |root| root.join(path.trim_start_matches('/')));
        fs::read_to_string(path).ok()
    }

    /// Where tests may make folders that programs of this place see under the same path.
    pub fn temp_dir(&self) -> PathBuf {
        self.root.as_ref().map_or_else(std::env::temp_dir, |root| root.join("tmp"))
    }
}
