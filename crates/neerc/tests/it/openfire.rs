//! Beside an Openfire that somebody has: `make test-openfire` says how it is named. Without one there is nothing to run;
//! its ways as far as they are known are played in neerc-xmpp/tests/front/openfire.rs.

use std::fs;
use std::process::Command;

use crate::guard::{self, Process};
use crate::letter::text;
use crate::wait::wait_for;

#[test]
fn what_init_writes_works_beside_an_openfire_that_was_set_up_as_it_prints() {
    let of = |name: &str| std::env::var(format!("OPENFIRE_{name}")).ok().filter(|value| !value.is_empty());
    let (Some(server), Some(host), Some(secret), Some(admin)) = (of("SERVER"), of("HOST"), of("SECRET"), of("ADMIN"))
    else {
        eprintln!(
            "not run: OPENFIRE_SERVER (host:port), OPENFIRE_HOST, OPENFIRE_SECRET and OPENFIRE_ADMIN are not all set"
        );
        return;
    };
    let dir = guard::scratch_dir("openfire");
    let config = dir.join("neerc.toml");
    let neerc = |action: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_neerc"));
        command.arg(action).arg("--config").arg(&config).current_dir(&dir).env("NEERC_COMPONENT_SERVER", &server);
        command
    };
    let written = neerc("init").args(["--server", "openfire", "--host", &host, "--admin", &admin]).output().unwrap();
    assert!(written.status.success(), "{}", text(&written));
    let toml = fs::read_to_string(&config).unwrap();
    let line = toml.lines().find(|line| line.starts_with("secret =")).expect("the secret's line");
    fs::write(&config, toml.replace(line, &format!("secret = {secret:?}"))).unwrap();
    for _ in 0..2 {
        // The second time the room is there already.
        let checked = neerc("check").output().unwrap();
        assert!(checked.status.success(), "{}", text(&checked));
        println!("{}", text(&checked));
    }
    let log = dir.join("neerc.log");
    let mut process = Process::spawn_logged("neerc", &mut neerc("run"), &log);
    wait_for("the service to be ready", || fs::read_to_string(&log).is_ok_and(|log| log.contains("ready: rooms")));
    let checked = neerc("check").output().unwrap();
    assert!(checked.status.success(), "{}", text(&checked));
    assert!(text(&checked).contains("(Openfire)"), "{}", text(&checked));
    assert!(process.terminate().success());
}
