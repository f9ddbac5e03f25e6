//! P1 and P6 on the files: a store is one file whatever it is called, the files belong to the user who runs the
//! service and to nobody else, and no command replaces what it has not made.

use neerc_store::Url;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use neerc_core::change::{Change, Entry};
use neerc_core::people::Person;
use neerc_core::task::{Kind, TaskId, Title};

use crate::guard::{Port, Process, scratch_dir};
use crate::wait::{PATIENCE, poll_for, wait_for};

/// A user that no file here belongs to.
const NOBODY: u32 = 65_534;

/// A folder with a configuration, a port where no server is, and no store yet.
pub struct Place {
    pub dir: PathBuf,
    server: Port,
}

impl Place {
    pub fn new() -> Self {
        let place = Self { dir: scratch_dir("files"), server: Port::reserve() };
        place.configure("neerc.toml", "neerc.db");
        place
    }

    /// Writes another configuration into the folder, for the store of this name.
    fn configure(&self, config: &str, store: &str) {
        let server = format!("127.0.0.1:{}", self.server.number);
        let text = format!(
            "[component]\njid = \"neerc.localhost\"\nserver = \"{server}\"\nsecret = \"s\"\n[store]\nurl = \"sqlite:{store}\"\n"
        );
        fs::write(self.dir.join(config), text).unwrap();
        fs::set_permissions(self.dir.join(config), fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Stores changes, as a service that has ended would leave them.
    fn store(&self, name: &str, revisions: std::ops::RangeInclusive<u64>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let opened = neerc_store::open(&Url::Sqlite(self.file(name))).unwrap();
            opened.store.commit(revisions.map(entry).collect::<Vec<_>>()).await.unwrap();
            opened.store.close().await.unwrap();
        });
        // A program that another test starts at this moment holds what is open here until it is itself.
        for file in [self.file(name), self.file(&format!("{name}.lock"))] {
            wait_for("the store to be let go", || fs::File::open(&file).unwrap().try_lock().is_ok());
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_neerc"));
        command.current_dir(&self.dir).env("NO_COLOR", "1").args(arguments).stdin(Stdio::null());
        command
    }

    /// How it ended and what it printed.
    pub fn said(&self, arguments: &[&str]) -> (i32, String) {
        ended(&mut self.command(arguments))
    }

    /// The same as another user.
    fn said_as(&self, user: u32, arguments: &[&str]) -> (i32, String) {
        ended(&mut as_user(user, &self.command(arguments)))
    }

    /// Starts a service, once it has opened its store.
    pub fn run(&self, config: &str) -> Process {
        run(&self.dir, self.command(&["run", "--config", config]))
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(&self.dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.file(name)).unwrap_or_else(|error| panic!("{name}: {error}")).mode() & 0o7777
    }

    fn owner(&self, name: &str) -> u32 {
        fs::metadata(self.file(name)).unwrap_or_else(|error| panic!("{name}: {error}")).uid()
    }

    fn give_all_to(&self, user: u32) {
        for path in self.names().iter().map(|name| self.file(name)).chain([self.dir.clone()]) {
            std::os::unix::fs::lchown(path, Some(user), Some(user)).unwrap();
        }
    }
}

fn run(dir: &Path, mut command: Command) -> Process {
    let log = dir.join(crate::servers::unique("log"));
    let process = Process::spawn_logged("neerc", &mut command, &log);
    wait_for("the store to be opened", || {
        let said = fs::read_to_string(&log).unwrap_or_default();
        assert!(!said.contains("cannot") && !said.contains("in use"), "{said}");
        said.contains("store opened")
    });
    process
}

/// How a command ended and what it printed; one that does not end is a failure.
pub fn ended(command: &mut Command) -> (i32, String) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    said(finish(child, command))
}

/// Waits for the end of a command that prints little.
pub fn finish(mut child: Child, command: &Command) -> Output {
    if poll_for(PATIENCE, || child.try_wait().unwrap()).is_none() {
        child.kill().unwrap();
        panic!("{command:?} does not end: {:?}", said(child.wait_with_output().unwrap()));
    }
    child.wait_with_output().unwrap()
}

fn said(output: Output) -> (i32, String) {
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.code().unwrap_or(-1), text)
}

fn entry(revision: u64) -> Entry {
    let (task, title, timestamp_ms) = (TaskId(revision), Title::parse("Water").unwrap(), 1_000 + revision as i64);
    let change =
        Change::Created { task, title, kind: Kind::Todo, timestamp_ms, statuses: vec![], plan: None, deadline: None };
    Entry { revision, room: "neerc".into(), at_ms: timestamp_ms, by: Person::from_bare("a@b"), change, request: None }
}

/// The command, started as somebody else.
fn as_user(user: u32, command: &Command) -> Command {
    let mut changed = Command::new("setpriv");
    changed.args([format!("--reuid={user}"), format!("--regid={user}"), String::from("--clear-groups")]);
    changed.arg(command.get_program()).args(command.get_args());
    changed.current_dir(command.get_current_dir().unwrap()).env("NO_COLOR", "1").stdin(Stdio::null());
    changed
}

/// Whether this user may become another; says so where not.
fn is_root(test: &str) -> bool {
    let done = Command::new("setpriv").args(["--reuid=65534", "true"]).stderr(Stdio::null()).status();
    let is_root = done.is_ok_and(|status| status.success());
    if !is_root {
        println!("SKIPPED {test}: only root may become somebody else");
    }
    is_root
}

#[test]
fn two_services_wrote_into_one_database_that_had_two_names() {
    let place = Place::new();
    place.store("neerc.db", 1..=3);
    fs::create_dir(place.file("other")).unwrap();
    fs::hard_link(place.file("neerc.db"), place.file("other/neerc.db")).unwrap();
    place.configure("other.toml", "other/neerc.db");
    let _first = place.run("neerc.toml");
    for arguments in [&["run"][..], &["restore", "neerc.db"]] {
        let (code, text) = place.said(&[arguments, &["--config", "other.toml"]].concat());
        assert!(code == 1 && text.contains("other/neerc.db is in use by another neerc"), "{arguments:?} {code} {text}");
    }
    let (code, text) = place.said(&["check", "--config", "other.toml"]);
    assert!(code == 0 && text.contains("a running neerc serves from it"), "{code} {text}");
    let (code, text) = place.said(&["backup", "--config", "other.toml", "copy.db"]);
    assert!(code == 1 && text.contains("under another name"), "it would lack what the other name's log holds: {text}");
    let (code, text) = place.said(&["backup", "--force", "other/neerc.db"]);
    assert!(code == 1 && text.contains("is the store itself"), "{code} {text}");
}

#[test]
fn a_database_mounted_into_two_places_is_one() {
    let place = Place::new();
    place.store("neerc.db", 1..=3);
    fs::create_dir(place.file("other")).unwrap();
    fs::write(place.file("other/neerc.db"), "").unwrap();
    place.configure("other.toml", "other/neerc.db");
    let _first = place.run("neerc.toml");
    let script = "mount --bind neerc.db other/neerc.db || exit 99; exec \"$0\" run --config other.toml";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_neerc")]).current_dir(&place.dir);
    let (code, text) = ended(command.env("NO_COLOR", "1"));
    if code == 99 || text.starts_with("unshare: ") {
        return println!("SKIPPED a_database_mounted_into_two_places_is_one: nothing may be mounted here: {text}");
    }
    assert!(code == 1 && text.contains("other/neerc.db is in use by another neerc"), "{code} {text}");
}

#[test]
fn a_second_service_started_once_the_lock_file_was_removed() {
    let place = Place::new();
    let _first = place.run("neerc.toml"); // a new store as well
    fs::remove_file(place.file("neerc.db.lock")).unwrap();
    for arguments in [&["run"][..], &["restore", "neerc.toml"]] {
        let (code, text) = place.said(arguments);
        assert!(code == 1 && text.contains("neerc.db is in use by another neerc"), "{arguments:?} {code} {text}");
    }
}

#[test]
fn no_message_advises_to_remove_the_file_that_keeps_others_out() {
    let place = Place::new();
    place.store("neerc.db", 1..=3);
    fs::rename(place.file("neerc.db"), place.file("away.db")).unwrap();
    let (code, text) = place.said(&["run"]);
    assert!(code == 1 && text.contains("is gone") && text.contains("neerc restore"), "{code} {text}");
    assert!(!text.contains("remove"), "{text}");
    place.store("older.db", 1..=2);
    fs::rename(place.file("older.db"), place.file("neerc.db")).unwrap();
    let (code, text) = place.said(&["run"]);
    assert!(code == 1 && text.contains("the log ends at revision 2"), "{code} {text}");
    assert!(!text.contains("remove"), "{text}");
    // What it says instead has to work.
    let (code, text) = place.said(&["restore", "neerc.db"]);
    assert!(code == 1 && text.contains("is the store itself"), "{code} {text}");
    fs::rename(place.file("neerc.db"), place.file("older.db")).unwrap();
    let (code, text) = place.said(&["restore", "older.db"]);
    assert!(code == 0 && text.contains("holds 2 changes"), "{code} {text}");
    place.run("neerc.toml");
}

#[test]
fn new_files_could_be_read_by_everybody() {
    let place = Place::new();
    let service = place.run("neerc.toml");
    for name in ["neerc.db", "neerc.db-wal", "neerc.db-shm", "neerc.db.lock"] {
        assert_eq!(place.mode(name), 0o600, "{name}");
    }
    drop(service);
    fs::remove_file(place.file("neerc.db")).unwrap();
    fs::remove_file(place.file("neerc.db.lock")).unwrap();
    place.store("neerc.db", 1..=3);
    assert_eq!(place.said(&["backup", "copy.db"]).0, 0);
    assert_eq!(place.said(&["backup"]).0, 0);
    assert_eq!(place.said(&["restore", "copy.db"]).0, 0);
    for name in ["copy.db", "neerc-backup-000003.db", "neerc.db", "neerc.db.old-1", "neerc.db.lock"] {
        assert_eq!(place.mode(name), 0o600, "{name}");
    }
    place.configure("new.toml", "new.db");
    assert_eq!(place.said(&["restore", "copy.db", "--config", "new.toml"]).0, 0);
    assert_eq!((place.mode("new.db"), place.mode("new.db.lock")), (0o600, 0o600));
}

#[test]
fn a_restored_store_has_the_rights_of_the_one_before_it() {
    let place = Place::new();
    place.store("neerc.db", 1..=3);
    assert_eq!(place.said(&["backup", "copy.db"]).0, 0);
    fs::set_permissions(place.file("neerc.db"), fs::Permissions::from_mode(0o640)).unwrap(); // a group may read it
    assert_eq!(place.said(&["restore", "copy.db"]).0, 0);
    assert_eq!(place.mode("neerc.db"), 0o640);
    if !is_root("a_restored_store_has_the_rights_of_the_one_before_it") {
        return;
    }
    place.give_all_to(NOBODY);
    assert_eq!(place.said(&["restore", "copy.db"]).0, 0);
    for name in ["neerc.db", "neerc.db.lock", "neerc.db.old-1"] {
        assert_eq!(place.owner(name), NOBODY, "{name}");
    }
    let (code, text) = place.said_as(NOBODY, &["check"]);
    assert!(text.contains("ok    store") && text.contains("3 changes"), "{code} {text}");
    // Where no store was, it belongs to whom the folder belongs to.
    place.configure("new.toml", "new.db");
    place.give_all_to(NOBODY);
    assert_eq!(place.said(&["restore", "copy.db", "--config", "new.toml"]).0, 0);
    assert_eq!((place.owner("new.db"), place.owner("new.db.lock")), (NOBODY, NOBODY));
}

#[test]
fn a_check_by_root_left_files_that_the_service_could_not_open() {
    if !is_root("a_check_by_root_left_files_that_the_service_could_not_open") {
        return;
    }
    let place = Place::new();
    place.give_all_to(NOBODY);
    let before = place.names();
    let (_, text) = place.said(&["check"]);
    assert!(text.contains("there is no store yet; `neerc run` makes it"), "{text}");
    assert_eq!(place.names(), before);
    let start = || run(&place.dir, as_user(NOBODY, &place.command(&["run"])));
    start();
    let (_, text) = place.said(&["check"]);
    assert!(text.contains("neerc.db: 0 changes, 0 tasks") && text.contains("belongs to user 65534"), "{text}");
    for name in place.names() {
        assert_eq!(place.owner(&name), if name.starts_with("log") { 0 } else { NOBODY }, "{name}");
    }
    start();
    // The other way round it says who should be asked.
    place.give_all_to(0);
    fs::set_permissions(&place.dir, fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(place.file("neerc.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    for command in ["run", "check"] {
        let (code, text) = place.said_as(NOBODY, &[command]);
        assert!(code == 1 && text.contains("belongs to user 0 (root), and this is user 65534"), "{code} {text}");
    }
}

#[test]
fn a_secret_that_everybody_can_read_is_warned_of() {
    let place = Place::new();
    let warning = "can be read by every user of this machine";
    let warned = |config: &str| {
        let (_, text) = place.said(&["check", "--config", config]);
        text.contains(warning)
    };
    assert!(!warned("neerc.toml"));
    fs::set_permissions(place.file("neerc.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(warned("neerc.toml"));
    let text = fs::read_to_string(place.file("neerc.toml")).unwrap();
    fs::write(place.file("with.toml"), text.replace("secret = \"s\"", "secret_file = \"secret\"")).unwrap();
    fs::write(place.file("secret"), "s\n").unwrap();
    fs::set_permissions(place.file("secret"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(warned("with.toml"));
    fs::set_permissions(place.file("secret"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(!warned("with.toml"), "the configuration itself holds no secret");
    let store = |lines: &str| {
        let text = fs::read_to_string(place.file("with.toml")).unwrap();
        let rest = text.lines().filter(|line| !line.starts_with("url = \"sqlite")).collect::<Vec<_>>().join("\n");
        let rest = rest.replace("[store]", "");
        fs::write(place.file("database.toml"), format!("{rest}\n[store]\n{lines}\n")).unwrap();
        let (_, text) = place.said(&["check", "--config", "database.toml"]);
        text.contains(&format!("holds the password of the store and {warning}"))
    };
    let at = "@127.0.0.1:1/tasks\""; // where nobody answers
    assert!(!store(&format!("url = \"postgres://neerc{at}")), "it holds no password");
    assert!(store(&format!("url = \"postgres://neerc:hunter2{at}")));
    fs::write(place.file("password"), "hunter2\n").unwrap();
    fs::set_permissions(place.file("password"), fs::Permissions::from_mode(0o644)).unwrap();
    let in_file = format!("url = \"postgres://neerc{at}\npassword_file = \"password\"");
    assert!(store(&in_file));
    fs::set_permissions(place.file("password"), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(!store(&in_file));
    let log = place.file("log");
    let _service = Process::spawn_logged("neerc", &mut place.command(&["run"]), &log);
    wait_for("a warning", || fs::read_to_string(&log).unwrap().contains(warning));
}

/// What stands in the way, in `place`, and how it is called.
fn obstacles(place: &Place) -> Vec<&'static str> {
    fs::write(place.file("text"), "my notes\n").unwrap();
    fs::create_dir(place.file("folder")).unwrap();
    symlink("copy.db", place.file("link")).unwrap();
    symlink("nowhere", place.file("dangling")).unwrap();
    assert!(Command::new("mkfifo").arg(place.file("fifo")).status().unwrap().success());
    let made = Command::new("mknod").arg(place.file("null")).args(["c", "1", "3"]).stderr(Stdio::null()).status();
    let mut names = vec!["text", "folder", "link", "dangling", "fifo"];
    match made.is_ok_and(|status| status.success()) {
        true => names.push("null"),
        false => println!("SKIPPED the device: only root may make one"),
    }
    names
}

/// What kind of thing each is, and what is in it or where it leads.
fn look(place: &Place, names: &[&str]) -> Vec<(bool, bool, bool, bool, u64, Option<PathBuf>)> {
    let look = |name: &&str| {
        let of = fs::symlink_metadata(place.file(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let kind = of.file_type();
        let to = fs::read_link(place.file(name)).ok();
        (kind.is_file(), kind.is_dir(), kind.is_fifo(), kind.is_char_device(), of.ino(), to)
    };
    names.iter().map(look).collect()
}

#[test]
fn a_backup_replaced_what_was_no_backup() {
    let place = Place::new();
    place.store("neerc.db", 1..=3);
    assert_eq!(place.said(&["backup", "copy.db"]).0, 0);
    let names = obstacles(&place);
    let before = look(&place, &names);
    for force in [&[][..], &["--force"]] {
        for name in &names {
            let (code, text) = place.said(&[&["backup"], force, &[name]].concat());
            assert!(code == 1 && text.contains(name), "{name} {force:?}: {code} {text}");
            let why = if *name == "text" { "is no store and no backup" } else { "is no plain file" };
            assert!(text.contains(why) || force.is_empty() && text.contains("exists already"), "{name}: {text}");
        }
    }
    assert_eq!(look(&place, &names), before);
    assert_eq!(fs::read_to_string(place.file("text")).unwrap(), "my notes\n");
    // A store that somebody else works with is theirs.
    place.configure("other.toml", "other.db");
    let other = place.run("other.toml");
    let (code, text) = place.said(&["backup", "--force", "other.db"]);
    assert!(code == 1 && text.contains("other.db is in use by another neerc"), "{code} {text}");
    drop(other);
    // What a backup is made for replacing is replaced: an old one, and a name that was only made to have it.
    fs::write(place.file("empty"), "").unwrap();
    for name in ["copy.db", "empty"] {
        assert_eq!(place.said(&["backup", "--force", name]).0, 0, "{name}");
    }
    assert!(!place.names().iter().any(|name| name.contains("part")), "{:?}", place.names());
}

#[test]
fn a_restore_takes_only_plain_files_and_puts_them_only_there() {
    let place = Place::new();
    place.store("neerc.db", 1..=3);
    assert_eq!(place.said(&["backup", "copy.db"]).0, 0);
    let names: Vec<_> = obstacles(&place).into_iter().filter(|name| !["link", "dangling"].contains(name)).collect();
    let before = look(&place, &names);
    for name in &names {
        let (code, text) = place.said(&["restore", name]);
        assert!(code == 1 && text.contains(name), "{name}: {code} {text}");
        place.configure("onto.toml", name);
        if *name != "text" {
            for command in [&["restore", "copy.db"][..], &["run"], &["check"], &["backup", "new.db"]] {
                let (code, text) = place.said(&[command, &["--config", "onto.toml"]].concat());
                assert!(code == 1 && text.contains("is no plain file"), "{command:?} {name}: {code} {text}");
            }
        }
    }
    assert_eq!(look(&place, &names), before);
    let (code, text) = place.said(&["check"]);
    assert!(text.contains("ok    store") && text.contains("3 changes"), "{code} {text}");
}

#[test]
fn a_new_configuration_was_written_over_what_was_none() {
    let place = Place::new();
    let names = obstacles(&place);
    let before = look(&place, &names);
    for name in &names {
        let (code, text) = place.said(&["init", "--force", "--config", name]);
        assert!(code == 2 && text.contains(name), "{name}: {code} {text}");
    }
    assert_eq!(look(&place, &names), before);
    assert_eq!(fs::read_to_string(place.file("text")).unwrap(), "my notes\n");
    // One that everybody could read can be read by its owner only, and that is said.
    fs::set_permissions(place.file("neerc.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    let (code, text) = place.said(&["init", "--force"]);
    assert!(code == 0 && text.contains("could be read by others; now only its owner may"), "{code} {text}");
    assert_eq!(place.mode("neerc.toml"), 0o600);
    fs::write(place.file("empty"), "").unwrap();
    assert_eq!(place.said(&["init", "--force", "--config", "empty"]).0, 0);
    if is_root("a_new_configuration_was_written_over_what_was_none") {
        place.give_all_to(NOBODY);
        assert_eq!(place.said(&["init", "--force"]).0, 0);
        assert_eq!(place.owner("neerc.toml"), NOBODY);
    }
}
