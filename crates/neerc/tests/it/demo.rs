//! `neerc demo` as a newcomer runs it: it starts all it needs, shows an exchange, stays up, and leaves nothing behind.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::guard::{self, Process};
use crate::profanity::Profanity;
use crate::servers::home;
use crate::wait::{PATIENCE, poll_for};

#[test]
fn the_demo_shows_a_real_exchange_and_leaves_nothing_behind() {
    let dir = guard::scratch_dir("demo");
    let log = dir.join("demo.log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_neerc"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [home().path_with("prosody", &dir)].into_iter().chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(folders).unwrap());
    command.arg("demo").current_dir(&dir).env("NO_COLOR", "1").env("TMPDIR", &dir);
    let mut demo = Process::spawn_logged("demo", &mut command, &log);
    let read = || fs::read_to_string(&log).unwrap_or_default();
    let up = poll_for(PATIENCE, || read().contains("Whatever changes is shown here").then_some(()));
    let said = read();
    assert!(up.is_some(), "the demo does not come up:\n{said}");
    for line in [
        "admin        hears: admin, jury1 (power); hall1, hall2, hall3 (Halls)",
        "hall1/phone  is told: task t1 \"Wallpapers set?\": hall1 (no answer), hall2 (no answer), hall3 (no answer)",
        "hall2        answers task t1: no: none of them",
        "jury1        is told: task t1 \"Wallpapers set?\": hall1 (no answer), hall2 (no: none of them), hall3 (no answer)",
        "hall2        is refused: forbidden",
    ] {
        assert!(said.contains(line), "no line {line:?} in\n{said}");
    }
    let folder =
        said.split(" in ").last().and_then(|rest| rest.split_whitespace().next()).expect("it names its folder");
    assert!(Path::new(folder).join("neerc.db").exists(), "{folder} holds the store");
    is_encrypted(&said);
    accept_the_invitation(&said);
    let heard = "jury1        is told: task t1 \"Wallpapers set?\": hall1 (yes)";
    let heard = poll_for(PATIENCE, || read().contains(heard).then_some(()));
    assert!(heard.is_some(), "jury1 is not told what was written in the chat:\n{}", read());
    let done = poll_for(PATIENCE, || read().contains("\"Bring water\": hall1 (done)").then_some(()));
    assert!(done.is_some(), "jury1 is not told of the second answer:\n{}", read());
    demo.signal("TERM");
    let status = demo.wait(Duration::from_secs(5)).unwrap_or_else(|| panic!("it does not end:\n{}", read()));
    assert!(status.success(), "{status}\n{}", read());
    assert!(!Path::new(folder).exists(), "{folder} is left behind");
}

/// Types the lines that the demo proposes, as they are, into the client that it proposes: as a hall, which answers a task,
/// is told of the next one, which an admin hands out, and answers as it is told to; and as the jury, which reads in the help
/// how to see who has answered. Nothing is typed that was not on a screen before.
fn accept_the_invitation(said: &str) {
    let password = said.split("password   ").nth(1).and_then(|rest| rest.lines().next()).expect("a password");
    let lines = said.split("is told of new tasks:").nth(1).and_then(|rest| rest.split("\nor ").next());
    let mut lines = lines.expect("an invitation").lines().map(str::trim).filter(|line| !line.is_empty());
    assert_eq!(lines.next(), Some("profanity"));
    let hall = Profanity::start();
    let connects = lines.next().expect("a line that connects");
    hall.types(connects);
    hall.gives(password);
    hall.says(lines.next().expect("a line that asks"), "1 · Wallpapers set? · yes or no");
    hall.says(lines.next().expect("a line that answers"), "Task 1: ");
    hall.says(lines.next().expect("a line that joins"), "You have joined the room");
    assert_eq!(lines.next(), None);
    hall.types("/win 2"); // where it has asked
    let admin = Profanity::start();
    admin.types(&connects.replace("hall1@", "admin@"));
    admin.gives(password);
    let line = said.lines().map(str::trim).find(|line| line.contains("@todo")).expect("a line that hands out a task");
    admin.says(line, "Task 2 ");
    hall.wait_for("Bring water");
    let jury = Profanity::start();
    jury.types(&connects.replace("hall1@", "jury1@"));
    jury.gives(password);
    let to = line.split(" @todo").next().expect("whom to write to");
    assert!(said.contains("(`help` says what else there is)"), "{said}");
    jury.says(&format!("{to} help"), "show 3, history 3, late, remind 3, watch 3, unwatch \u{2014} answers");
    jury.says("late", "2 \u{b7} Bring water \u{b7} ");
    jury.wait_for("hall1, hall2, hall3");
    hall.wait_for("Reply \"start 2\" and \"done 2\"");
    hall.says("done 2", "Task 2: done.");
    jury.says("show 2", "hall1: done");
}

/// What insists on encryption comes in: the certificate is the one that is printed, and names the server.
fn is_encrypted(said: &str) {
    let word = |before: &str| said.split(before).nth(1).and_then(|rest| rest.split([',', ' ', '\n']).next());
    let port = word("127.0.0.1, port ").expect("a port");
    let certificate = word("sudo cp ").expect("a certificate");
    let mut client = Command::new("openssl");
    client.args(["s_client", "-starttls", "xmpp", "-xmpphost", "localhost", "-verify_hostname", "localhost"]);
    client.args(["-connect", &format!("127.0.0.1:{port}"), "-verify_return_error", "-brief", "-CAfile", certificate]);
    let output = client.stdin(std::process::Stdio::null()).output().expect("openssl runs");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.contains("Verification: OK"), "{words}");
}
