//! The two machines joined by a real sshd, with a key that may do nothing but have the log fed.

use super::{TWO, follow_by, log_of, task, titles, waits_for};
use crate::fake::FakeServer;
use crate::guard::{Port, Process, log_tail, scratch_dir};
use crate::service::Neerc;
use crate::wait::{PATIENCE, poll_for, wait_for};
use rustix::process::{Pid, Signal, getuid, kill_process};
use std::ffi::OsString;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const SSHD: &str = "/usr/sbin/sshd";
/// How long the service is listened to at a time.
const GLANCE: Duration = Duration::from_millis(20);
/// Where sshd wants a folder if it runs as root.
const EMPTY: &str = "/run/sshd";

/// An sshd that lets one key in, which feeds the log of one service.
struct Sshd {
    dir: PathBuf,
    port: Port,
    process: Process,
}

impl Sshd {
    /// Nothing where there is none to be had.
    fn start(feeds: &Neerc<'_>) -> Option<Sshd> {
        if !Path::new(SSHD).exists() || (getuid().is_root() && !Path::new(EMPTY).exists()) {
            eprintln!("SKIPPED: there is no sshd, or not its folder {EMPTY}; scripts/setup test has both");
            return None;
        }
        let (dir, port) = (scratch_dir("sshd"), Port::reserve());
        for key in ["host", "key"] {
            let mut made = Command::new("ssh-keygen");
            made.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(dir.join(key));
            assert!(made.stdin(Stdio::null()).status().unwrap().success());
        }
        let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
        let feed = format!("{} feed --config {}", env!("CARGO_BIN_EXE_neerc"), feeds.config().display());
        let (at, number) = (dir.display(), port.number);
        let settings = format!(
            "ListenAddress 127.0.0.1:{number}\nHostKey {at}/host\nAuthorizedKeysFile {at}/authorized\nPidFile none\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin forced-commands-only\n"
        );
        for (name, text) in [
            ("settings", settings),
            ("authorized", format!("restrict,command=\"{feed}\" {}", read("key.pub"))),
            ("hosts", format!("[127.0.0.1]:{number} {}", read("host.pub"))),
        ] {
            fs::write(dir.join(name), text).unwrap();
        }
        let mut command = Command::new(SSHD);
        command.args(["-D", "-e", "-f"]).arg(dir.join("settings"));
        let mut process = Process::spawn_logged("sshd", &mut command, &dir.join("log"));
        wait_for("sshd to listen", || {
            assert!(process.exited().is_none(), "{}", log_tail(&dir.join("log")));
            TcpStream::connect(("127.0.0.1", number)).is_ok()
        });
        Some(Sshd { dir, port, process })
    }

    /// What a second machine is joined by.
    fn ssh(&self) -> Vec<OsString> {
        let user = Command::new("id").arg("-un").output().unwrap();
        let user = String::from_utf8(user.stdout).unwrap();
        let (at, number, user) = (self.dir.display(), self.port.number, user.trim());
        let line = format!(
            "ssh -F none -i {at}/key -p {number} -o UserKnownHostsFile={at}/hosts -o GlobalKnownHostsFile=none \
             -o IdentitiesOnly=yes -o BatchMode=yes {user}@127.0.0.1"
        );
        line.split(' ').map(OsString::from).collect()
    }

    /// Ends all connections, as a machine between the two would.
    fn cut(&self) {
        let pid = self.process.pid();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        for child in children.split_whitespace() {
            let child = Pid::from_raw(child.parse().unwrap()).unwrap();
            let _ = kill_process(child, Signal::KILL); // it may have ended
        }
    }
}

/// Waits for an answer as long as ssh may take, also again and again, on a machine that is busy with much else.
#[track_caller]
fn is_answered(fake: &mut FakeServer, id: &str, second: &Neerc<'_>) {
    let answer = poll_for(8 * PATIENCE, || fake.hear(GLANCE).filter(|said| said.id == id));
    let follower = || log_tail(&second.dir.join("follower.log"));
    assert_eq!(answer.unwrap_or_else(|| panic!("{id} is not answered; {}", follower())).kind, "result", "{id}");
}

#[test]
fn a_second_machine_follows_through_ssh_by_a_key_that_may_do_nothing_else() {
    let (listener, mut first) = FakeServer::prepare(TWO);
    let Some(sshd) = Sshd::start(&first) else { return };
    let mut fake = FakeServer::serve(&listener, &mut first, |_| String::new());
    let (elsewhere, mut second) = FakeServer::prepare("");

    let [program, arguments @ ..] = &*sshd.ssh() else { panic!("a command has a name") };
    let elsewhere_file = sshd.dir.join("made");
    let mut other = Command::new(program);
    other.args(arguments).arg(format!("touch {}", elsewhere_file.display())).stdin(Stdio::null());
    let output = other.output().unwrap();
    assert!(output.status.success() && !elsewhere_file.exists(), "{output:?}");

    fake.send(&task(&fake, "one"));
    waits_for(&first, 1);
    fake.send(&fake.iq(super::JURY, "get", "alive", "<ping xmlns='urn:xmpp:ping'/>"));
    assert_eq!(fake.expect(|said| said.id == "alive" || said.id == "one").id, "alive", "nobody follows yet");
    let follower = follow_by(&second, &sshd.ssh());
    is_answered(&mut fake, "one", &second);
    assert_eq!(log_of(&second).newest().unwrap(), 1);

    sshd.cut();
    fake.send(&task(&fake, "two"));
    is_answered(&mut fake, "two", &second);
    assert_eq!(log_of(&second).newest().unwrap(), 2);
    first.kill9();
    drop(follower);
    let mut fake = FakeServer::serve(&elsewhere, &mut second, |_| String::new());
    let served = titles(&mut fake);
    assert!(served.contains("title='one'") && served.contains("title='two'"), "{served}");
}
