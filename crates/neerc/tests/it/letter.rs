//! What `neerc init` prints, followed to the letter on the configuration that the servers' packages ship: then `check` is
//! fine, whoever was named hands out a task, and a hall answers it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::guard;
use crate::servers::{HOST, Kind, Options, ROOMS, Server};
use crate::service::Neerc;
use crate::slix::Slix;
use crate::wait::PATIENCE;

on_both!(what_init_prints_works_on_the_server_as_its_package_ships_it);

const NS: &str = "http://neerc.ifmo.ru/protocol/neerc";

/// The lines for the server and the configuration that `init` has written.
pub struct Printed {
    /// What was printed for the server's configuration file.
    pub lines: String,
    /// All that was printed.
    pub all: String,
    /// `neerc.toml`.
    pub toml: String,
}

/// Runs `neerc init` for that kind of server and these admins.
pub fn init(kind: Kind, admins: &[&str]) -> Printed {
    let config = guard::scratch_dir("init").join("neerc.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_neerc"));
    command.arg("init").arg("--config").arg(&config).args(["--host", HOST]);
    command.args(["--server", &format!("{kind:?}").to_lowercase()]);
    command.args(admins.iter().flat_map(|admin| ["--admin", admin]));
    let output = command.output().unwrap();
    let all = text(&output);
    assert!(output.status.success(), "{all}");
    let (_, rest) = all.split_once("\n\n").expect("the first paragraph says where the file is");
    let lines = rest.split("\nThen: ").next().unwrap_or_default().to_owned();
    Printed { lines, toml: fs::read_to_string(config).unwrap(), all }
}

/// The program with the configuration that `init` has written, but for the server's port.
pub fn prepare<'a>(server: &'a Server, printed: &Printed, toml_extra: &str) -> Neerc<'a> {
    let mut neerc = Neerc::prepare(server, &["neerc"], "");
    neerc.jid = "neerc.localhost".to_owned(); // as init makes it of the host
    fs::write(neerc.config(), &printed.toml).unwrap();
    neerc.lay(&format!("[component]\nserver = \"127.0.0.1:{}\"\n", server.component_port));
    neerc.lay(toml_extra);
    fs::set_permissions(neerc.config(), fs::Permissions::from_mode(0o600)).unwrap(); // as init makes it
    neerc
}

/// Runs `neerc check` on that configuration.
pub fn check(neerc: &Neerc<'_>, config: &Path) -> Output {
    neerc.command().arg("check").arg("--config").arg(config).output().unwrap()
}

pub fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

fn what_init_prints_works_on_the_server_as_its_package_ships_it(kind: Kind) {
    let printed = init(kind, &["jury1"]);
    let server = Server::launch(kind, Options { stock: Some(printed.lines.clone()), ..Options::default() });
    server.register_many(&["jury1", "hall1"]);
    // A room that is there already, and is not the service's.
    server.create_room("old");
    server.set_affiliation("old", "hall1@localhost", "owner");
    let mut neerc = prepare(&server, &printed, "[rooms]\njoin = [\"neerc\", \"old\"]\n");
    let checked = check(&neerc, &neerc.config());
    let said = text(&checked);
    assert_eq!(checked.status.code(), Some(0), "{said}\n{}", server.log());
    for room in ["neerc", "old"] {
        let line = format!("ok    room {room}: 1 users, 1 of them with power; 0 tasks");
        assert!(said.lines().any(|said| said == line), "{line}\n{said}");
    }
    neerc.restart();
    let slix = Slix::start();
    let jury = slix.login(&server, "jury1", "desk");
    jury.join("neerc", "Jury");
    let task = format!("<task xmlns='{NS}#task' title='Water' type='todo'><status for='hall1'/></task>");
    let room = neerc.room_jid("neerc");
    assert_eq!(jury.iq(&room, "set", &task).kind(), "error", "hall1 has no place yet");
    let command = printed.all.lines().map(str::trim).find(|line| line.contains("hall1") && line.contains("member"));
    server.place(command.expect("init says how a hall gets its place"), "neerc", "hall1@localhost", "member");
    let hall = slix.login(&server, "hall1", "desk");
    hall.join("neerc", "Hall");
    assert_eq!(jury.iq(&room, "set", &task).kind(), "result");
    hall.expect_message(|message| message.xml.contains("Water"), PATIENCE);
    let answer = format!("<taskstatus xmlns='{NS}#taskstatus' id='t1' type='success' value=''/>");
    assert_eq!(hall.iq(&room, "set", &answer).kind(), "result");
    jury.expect_message(|message| message.xml.contains("success"), PATIENCE);
    assert!(!neerc.log().contains("WARN"), "{}", neerc.log());
    assert_eq!(ROOMS, "conference.localhost", "as init makes it of the host");
}
