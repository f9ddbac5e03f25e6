//! P6: of all that are started on one store, one speaks. The others end without ever connecting to a server, whatever
//! way their configuration names the store, be the first at work or frozen; and when it is gone, the next one may.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::guard::Process;
use crate::service::Neerc;
use crate::trust;
use crate::wait::{PATIENCE, poll_for, wait_for};

/// How many are started at once.
const RIVALS: usize = 4;

/// A configuration like that of `neerc` beside it, with another name for the store and another server.
fn rival(neerc: &Neerc<'_>, store: &str, server: &TcpListener) -> Command {
    let text = fs::read_to_string(neerc.config()).unwrap();
    let lines = text.lines().map(|line| match line.split_once(" = ") {
        Some(("url", _)) => format!("url = \"sqlite:{store}\""),
        Some(("server", _)) => format!("server = \"{}\"", server.local_addr().unwrap()),
        _ => line.to_owned(),
    });
    let config = neerc.dir.join(crate::servers::unique("rival"));
    fs::write(&config, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let mut command = neerc.command();
    command.arg("run").arg("--config").arg(config);
    command
}

fn listener() -> TcpListener {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

/// The names by which a store can be called.
fn names(neerc: &Neerc<'_>) -> Vec<String> {
    let dir = &neerc.dir;
    let links = [("link.db", dir.join("neerc.db")), ("folder", dir.clone())];
    for (link, to) in &links {
        std::os::unix::fs::symlink(to, dir.join(link)).unwrap();
    }
    let absolute = |path: &Path| path.display().to_string();
    let dots = dir.join("folder").join("..").join(dir.file_name().unwrap()).join("neerc.db");
    [
        vec![String::from("neerc.db"), String::from("./neerc.db"), String::from("link.db")],
        vec![String::from("folder/neerc.db"), absolute(&dir.join("neerc.db")), absolute(&dots)],
    ]
    .concat()
}

#[test]
fn a_second_instance_on_the_same_store_never_speaks() {
    let (first, server) = (listener(), listener());
    let (_, mut neerc) = crate::fake::FakeServer::prepare("");
    neerc.lay(&format!("[component]\nserver = \"{}\"\n", first.local_addr().unwrap()));
    neerc.spawn();
    let speaks = poll_for(PATIENCE, || first.accept().ok());
    assert!(speaks.is_some(), "{}", neerc.log());
    let names = names(&neerc);
    let mut tried = 0;
    for state in ["CONT", "STOP"] {
        neerc.signal(state);
        for name in &names {
            let output = rival(&neerc, name, &server).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{name}: {said}");
            assert!(said.contains("neerc.db is in use by another neerc"), "{name}: {said}");
            assert!(server.accept().is_err(), "{name}: it has connected");
            tried += 1;
        }
    }
    neerc.signal("CONT");
    neerc.kill9();
    // Now one may; which of them is chance.
    let rounds = trust::times(3, 100);
    for _ in 0..rounds {
        one_of_many_speaks(&neerc, &names, &server);
        tried += RIVALS - 1;
    }
    trust::report("P6", "second instance on the same store", tried, "0 spoke");
}

/// Starts many at once on a store that nobody uses: one connects, the others end.
#[track_caller]
fn one_of_many_speaks(neerc: &Neerc<'_>, names: &[String], server: &TcpListener) {
    let start = |name: &String| {
        let mut command = rival(neerc, name, server);
        Process::spawn("neerc", command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))
    };
    let mut rivals: Vec<_> = names.iter().cycle().take(RIVALS).map(start).collect();
    wait_for("all but one to end", || {
        rivals.retain_mut(|rival| match rival.exited() {
            None => true,
            Some(status) => {
                assert_eq!(status.code(), Some(1));
                false
            }
        });
        rivals.len() == 1
    });
    let mut connections = Vec::new();
    wait_for("a connection", || {
        connections.extend(server.accept());
        !connections.is_empty()
    });
    for rival in &mut rivals {
        rival.kill();
    }
    assert!(server.accept().is_err(), "two have connected");
}
