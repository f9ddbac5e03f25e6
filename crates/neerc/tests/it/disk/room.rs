//! A disk without room: writes are refused and nothing of them is kept, reads go on, and once there is room writes are
//! taken again, without a restart.
//!
//! Once with a real full disk, a small tmpfs in a mount namespace of the program's own, which also holds its log; where
//! that may not be made, a limit on the size of files stands for it. That limit is also a test of its own, since it
//! needs no rights and is a failure of another kind (EFBIG, not ENOSPC).

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::Command;

use rusqlite::Connection;

use crate::guard::{self, Process};
use crate::raw::Raw;
use crate::said::{NS, Said};
use crate::servers::{Kind, Options, Server};
use crate::service::Neerc;
use crate::wait::{PATIENCE, poll_for, wait_for};

on_both!(
    a_full_disk_refuses_writes_until_there_is_room,
    a_limit_on_file_sizes_refuses_writes_until_it_is_raised,
    little_room_on_the_stores_disk_is_told_before_it_is_full,
);

/// Writes after which a disk that was filled must have refused one.
const ENOUGH: usize = 500;
/// Enough for what the program says of them to fill the last page of its log, too.
const REFUSALS: usize = 100;
/// For the database, its log and the program's log.
const DISK: &str = "size=2m";
const FILE_BYTES: u64 = 96 * 1024;

/// The program in an environment of this test's making.
struct Unusual<'a> {
    neerc: Neerc<'a>,
    process: Option<Process>,
    /// Where the program finds its store and its log.
    disk: PathBuf,
    room: String,
    server: &'a Server,
}

impl<'a> Unusual<'a> {
    /// `script` is given the disk's folder, the program and the configuration, and ends as the program.
    fn start(server: &'a Server, script: &str) -> Self {
        let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
        let disk = guard::scratch_dir("disk");
        let neerc = Neerc::prepare(server, &[&room], &format!("[store]\nurl = \"sqlite:{}/neerc.db\"", disk.display()));
        let mut unusual = Self { neerc, process: None, disk, room, server };
        unusual.run(script);
        unusual
    }

    fn run(&mut self, script: &str) {
        let mut command = Command::new("unshare");
        // Without options it does nothing but run the command.
        if script.contains("mount") {
            command.args(["--user", "--map-root-user", "--mount"]);
        }
        command.args(["sh", "-c", script, "sh"]).arg(&self.disk).arg(env!("CARGO_BIN_EXE_neerc"));
        command.arg(self.neerc.config()).current_dir(&self.neerc.dir).env("NO_COLOR", "1");
        let log = self.neerc.dir.join("script.log");
        self.process = Some(Process::spawn_logged("neerc", &mut command, &log));
        let ready = poll_for(PATIENCE, || {
            let exited = self.process.as_mut().and_then(Process::exited);
            assert!(exited.is_none(), "{exited:?} {}", guard::log_tail(&log));
            self.log().contains("ready: rooms").then_some(())
        });
        assert!(ready.is_some(), "{}", self.log());
    }

    fn pid(&self) -> u32 {
        self.process.as_ref().expect("it runs").pid()
    }

    /// A file on the disk as the program sees it.
    fn on_disk(&self, name: &str) -> PathBuf {
        let disk = self.disk.strip_prefix("/").expect("an absolute path");
        PathBuf::from(format!("/proc/{}/root", self.pid())).join(disk).join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.on_disk("neerc.log")).unwrap_or_default()
    }

    fn jury(&self) -> Jury {
        let raw = Raw::login(self.server, "jury1", &crate::servers::unique("disk"));
        Jury { raw, to: self.neerc.room_jid(&self.room), titles: Vec::new(), writes: 0 }
    }

    #[track_caller]
    fn assert_alive(&mut self) {
        let exited = self.process.as_mut().expect("it was started").exited();
        assert!(exited.is_none(), "{exited:?} {}", guard::log_tail(&self.neerc.dir.join("script.log")));
    }

    /// Waits until that many changes are in the log, without gaps. It is a copy of the files that is looked at, since
    /// SQLite does not find its way into another mount namespace; one taken in the middle of things is taken again.
    #[track_caller]
    fn assert_stored(&self, changes: usize) {
        let copy = guard::scratch_dir("copy");
        wait_for("all answered changes in the log, and no others", || {
            for name in ["neerc.db-wal", "neerc.db"] {
                drop(fs::copy(self.on_disk(name), copy.join(name)));
            }
            let file = Connection::open(copy.join("neerc.db")).unwrap();
            let query = "SELECT count(*), coalesce(max(revision), 0) FROM log";
            let stored = file.query_row(query, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
            stored.is_ok_and(|stored| stored == (changes as i64, changes as i64))
        });
    }
}

struct Jury {
    raw: Raw,
    to: String,
    /// What was answered with a result.
    titles: Vec<String>,
    writes: usize,
}

impl Jury {
    #[track_caller]
    fn ask(&mut self, kind: &str, child: &str) -> Said {
        let id = crate::servers::unique("d");
        self.raw.send(&format!("<iq to='{}' type='{kind}' id='{id}'>{child}</iq>", self.to));
        Said::read(&self.raw.expect(|text| Said::read(text).id == id))
    }

    /// Creates a task with a long title; whether that was done.
    #[track_caller]
    fn create(&mut self) -> bool {
        self.writes += 1;
        let title = format!("{:04} {}", self.writes, "long ".repeat(180));
        let title = title.trim();
        let answer = self.ask("set", &format!("<task xmlns='{NS}#task' title='{title}' type='todo'/>"));
        if answer.kind == "error" {
            assert_eq!(answer.condition, "internal-server-error", "{}", answer.xml);
            assert!(answer.xml.replace('"', "'").contains("type='wait'"), "{}", answer.xml);
            return false;
        }
        self.titles.push(title.to_owned());
        true
    }

    /// What is listed is exactly what was answered.
    #[track_caller]
    fn assert_listed(&mut self) {
        let tasks = self.ask("get", &format!("<query xmlns='{NS}#tasks'/>")).listed();
        assert_eq!(tasks.values().map(|task| &task.title).collect::<Vec<_>>(), self.titles.iter().collect::<Vec<_>>());
    }
}

/// What must hold between `fill` and `make_room`, and after.
fn writes_wait_for_room(
    unusual: &mut Unusual<'_>,
    fill: impl Fn(&Unusual<'_>),
    make_room: impl Fn(&Unusual<'_>),
) -> Jury {
    let mut jury = unusual.jury();
    assert!(jury.create());
    fill(unusual);
    // Between refusals one may be taken: where only the size of files is limited, a shorter log of the store makes room.
    let (mut taken, mut refused) = (0, 0);
    while refused < REFUSALS {
        assert!(taken < ENOUGH, "the disk is never full");
        if jury.create() {
            taken += 1;
        } else {
            refused += 1;
            jury.assert_listed();
        }
    }
    unusual.assert_alive();
    assert_eq!(jury.ask("get", &format!("<query xmlns='{NS}#users'/>")).users.len(), 2);
    unusual.assert_stored(jury.titles.len());
    // The task that would have been the next is not even remembered.
    let next = jury.titles.len() + 1;
    let unknown = jury.ask("set", &format!("<task xmlns='{NS}#task' id='{next}' type='remove'/>"));
    assert_eq!(unknown.condition, "item-not-found", "{}", unknown.xml);
    make_room(unusual);
    assert!(jury.create(), "there is room and writes are still refused");
    jury.assert_listed();
    unusual.assert_stored(jury.titles.len());
    unusual.assert_alive();
    println!("{:?}: {taken} writes fitted, {REFUSALS} were refused, and then there was room", unusual.server.kind);
    jury
}

/// Whether a file system may be mounted in a namespace here.
fn may_mount() -> bool {
    let may = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).status();
    may.is_ok_and(|status| status.success())
}

fn a_full_disk_refuses_writes_until_there_is_room(kind: Kind) {
    if !may_mount() {
        println!("no mount namespaces here: the limit on file sizes has to do");
        return a_limit_on_file_sizes_refuses_writes_until_it_is_raised(kind);
    }
    let script = format!("mount -t tmpfs -o {DISK} neerc \"$1\" && exec \"$2\" run --config \"$3\" 2>\"$1/neerc.log\"");
    let server = Server::launch(kind, Options::default());
    let mut unusual = Unusual::start(&server, &script);
    let fill = |unusual: &Unusual<'_>| {
        let mut ballast = File::create(unusual.on_disk("ballast")).unwrap();
        let full = std::iter::repeat_with(|| ballast.write_all(&[0; 4_096])).find_map(Result::err).expect("for ever");
        assert_eq!(full.kind(), ErrorKind::StorageFull);
    };
    writes_wait_for_room(&mut unusual, fill, |unusual| fs::remove_file(unusual.on_disk("ballast")).unwrap());
}

fn a_limit_on_file_sizes_refuses_writes_until_it_is_raised(kind: Kind) {
    let script = "trap '' XFSZ; exec \"$2\" run --config \"$3\" 2>>\"$1/neerc.log\"";
    let server = Server::launch(kind, Options::default());
    let mut unusual = Unusual::start(&server, script);
    let limit = |unusual: &Unusual<'_>, bytes: &str| {
        let pid = unusual.pid().to_string();
        let set = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:")]).status();
        assert!(set.is_ok_and(|status| status.success()), "prlimit (util-linux) is there");
    };
    let mut jury = writes_wait_for_room(
        &mut unusual,
        |unusual| limit(unusual, &FILE_BYTES.to_string()),
        |unusual| limit(unusual, "unlimited"),
    );
    unusual.process.take().expect("it runs").kill();
    fs::remove_file(unusual.disk.join("neerc.log")).unwrap();
    unusual.run(script);
    jury.assert_listed();
}

fn little_room_on_the_stores_disk_is_told_before_it_is_full(kind: Kind) {
    if !may_mount() {
        eprintln!("NOT RUN: no mount namespaces here, so no disk with little room can be made");
        return;
    }
    let script = |size: &str| {
        format!("mount -t tmpfs -o size={size} neerc \"$1\" && exec \"$2\" run --config \"$3\" 2>\"$1/neerc.log\"")
    };
    let warning = |unusual: &Unusual<'_>| {
        let line = unusual.log().lines().find(|line| line.contains("are left on the file system"))?.to_owned();
        assert!(line.contains(" WARN "), "{line}");
        Some(line)
    };
    let server = Server::shared(kind);
    let mut little = Unusual::start(server, &script("64m"));
    let said = poll_for(PATIENCE, || warning(&little)).unwrap_or_else(|| panic!("not said: {}", little.log()));
    let expected = format!("on the file system of the store, {}; when it is full", little.disk.display());
    assert!(said.contains(&expected) && said.contains("make room there, or move the store"), "{said}");
    let mib = said.split_once("only ").and_then(|(_, rest)| rest.split_once(" MiB")).map(|(mib, _)| mib.parse());
    assert!(matches!(mib, Some(Ok(40..=64))), "{said}");
    assert!(little.jury().create(), "it is a warning: there is room still");
    little.assert_alive();
    // A tmpfs takes no memory before it is written to.
    let much = Unusual::start(server, &script("3g"));
    assert!(much.jury().create());
    assert_eq!(warning(&much), None, "{}", much.log());
}
