//! How Prosody (0.12 or newer) is configured, started and told what to do.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

use super::{ELSEWHERE, HOST, PASSWORD, ROOMS, SECRET, Server, all_components, home, stock};
use crate::guard::Process;

/// Writes the configuration file.
pub fn prepare(server: &Server) {
    let data = server.dir.join("data");
    fs::create_dir_all(&data).unwrap();
    fs::create_dir_all(server.dir.join("conf.d")).unwrap(); // the packaged file includes what is in it
    fs::write(config_path(server), config(server)).unwrap();
    if let Some(groups) = &server.options.groups {
        let mut text = String::new();
        for (name, members) in groups {
            // The plus makes the group visible in everybody's roster, so in the directory's.
            writeln!(text, "[+{name}]").unwrap();
            for member in members {
                writeln!(text, "{member}@{HOST}={member}").unwrap();
            }
        }
        fs::write(server.dir.join("groups.txt"), text).unwrap();
    }
}

/// Starts it in the foreground.
pub fn spawn(server: &Server) -> Process {
    let mut command = home().command("prosody");
    command.arg("--config").arg(config_path(server)).arg("-F").current_dir(&server.dir);
    Process::spawn_logged("prosody", &mut command, &server.dir.join("stdout.log"))
}

/// The administration shell answers on a socket in the data folder.
pub fn shell_is_open(server: &Server) -> bool {
    std::os::unix::net::UnixStream::connect(server.dir.join("data/prosody.sock")).is_ok()
}

/// Creates accounts.
pub fn register(server: &Server, users: &[&str]) {
    let lines: Vec<_> = users.iter().map(|user| format!("user:create({:?}, {PASSWORD:?})", jid(user))).collect();
    shell(server, &lines, "User exists");
}

/// Creates a room.
pub fn create_room(server: &Server, room: &str) {
    let line =
        format!("muc:create({:?}, {{ persistent = true, members_only = true, whois = \"anyone\" }})", room_jid(room));
    shell(server, &[line], "Room exists");
}

/// Loads a component's module anew, which forgets the connection of the component and leaves it open.
pub fn reload_component(server: &Server, component: &str) {
    shell(server, &[format!("module:reload(\"component\", {component:?})")], "no error");
}

/// Destroys a room.
pub fn destroy_room(server: &Server, room: &str) {
    shell(server, &[format!("muc:room({:?}):destroy() or true", room_jid(room))], "no error");
}

/// Sets an affiliation.
pub fn set_affiliation(server: &Server, room: &str, bare_jid: &str, affiliation: &str) {
    let line = format!("muc:room({:?}):set_affiliation(true, {bare_jid:?}, {affiliation:?})", room_jid(room));
    shell(server, &[line], "no error");
}

fn jid(user: &str) -> String {
    format!("{user}@{HOST}")
}

fn room_jid(room: &str) -> String {
    format!("{room}@{ROOMS}")
}

/// Runs one command for `prosodyctl` as somebody has printed it.
pub fn control(server: &Server, command: &str) -> String {
    let argument = command.strip_prefix("prosodyctl shell '").and_then(|rest| rest.strip_suffix('\'')).expect(command);
    let output = home()
        .command("prosodyctl")
        .arg("--config")
        .arg(config_path(server))
        .args(["shell", argument])
        .current_dir(&server.dir)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn config_path(server: &Server) -> PathBuf {
    server.dir.join("prosody.cfg.lua")
}

/// Runs lines in the administration shell. Each answers `| OK: ...`, `| Result: ...` or `| ! an error`.
fn shell(server: &Server, lines: &[String], tolerated: &str) {
    let mut child = home()
        .command("prosodyctl")
        .arg("--config")
        .arg(config_path(server))
        .arg("shell")
        .current_dir(&server.dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("prosodyctl is installed: scripts/setup test");
    let mut input = child.stdin.take().expect("stdin is a pipe");
    for line in lines {
        writeln!(input, "{line}").expect("the shell reads");
    }
    drop(input);
    let output = child.wait_with_output().expect("the shell ends");
    let text = String::from_utf8_lossy(&output.stdout);
    let answers = text.lines().filter(|line| {
        let answer = line.trim_start_matches("prosody> ").trim_start_matches("| ");
        answer.starts_with("OK: ")
            || answer.starts_with("Result: true")
            || answer.starts_with("Result: MUC room")
            || answer.contains(tolerated)
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(answers.count() == lines.len(), "prosody shell: {lines:?}\n{text}\n{errors}\n{}", server.log());
}

fn config(server: &Server) -> String {
    if let Some(printed) = &server.options.stock {
        return stock::prosody(server, printed);
    }
    let dir = server.dir.display();
    let Server { c2s_port, component_port, elsewhere_port, http_port, options, .. } = server;
    let mut text = format!(
        r#"-- Written by the tests: one loopback server without encryption.
run_as_root = true
pidfile = "{dir}/prosody.pid"
data_path = "{dir}/data"
log = {{ {{ levels = {{ min = "info" }}, to = "file", filename = "{dir}/server.log" }} }}

interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s_port} }}
c2s_direct_tls_ports = {{}}
component_interfaces = {{ "127.0.0.1" }}
component_ports = {{ {component_port}, {elsewhere_port} }}
http_interfaces = {{ "127.0.0.1" }}
http_ports = {{ {http_port} }}
https_ports = {{}}
http_default_host = "{HOST}"
consider_websocket_secure = true
consider_bosh_secure = true

c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "internal"
network_settings = {{ nagle = false }} -- as neerc init advises
modules_disabled = {{ "s2s" }} -- no DNS either
modules_enabled = {{
	"roster", "saslauth", "disco", "posix", "ping", "carbons", "blocklist", "private", "smacks",
	"bosh", "websocket", "admin_shell",
}}
{extra}
"#,
        extra = options.extra_config
    );
    if options.groups.is_some() {
        writeln!(text, "groups_file = \"{dir}/groups.txt\"").unwrap();
    }
    text += &virtual_host(server);
    text += &rooms(server);
    writeln!(text, "Component \"{ELSEWHERE}\"\n\tcomponent_secret = \"{SECRET}\"").unwrap();
    for component in all_components() {
        writeln!(text, "Component \"{component}\"\n\tcomponent_secret = \"{SECRET}\"").unwrap();
        if options.groups.is_some() {
            text += "\tmodules_enabled = { \"privilege\" }\n";
        }
    }
    text
}

fn virtual_host(server: &Server) -> String {
    let mut text = format!("VirtualHost \"{HOST}\"\n");
    if server.options.groups.is_some() {
        text += "\tmodules_enabled = { \"groups\", \"privilege\" }\n\tprivileged_entities = {\n";
        for component in all_components() {
            writeln!(text, "\t\t[\"{component}\"] = {{ roster = \"get\", message = \"outgoing\" }},").unwrap();
        }
        text += "\t}\n";
    }
    text
}

fn rooms(server: &Server) -> String {
    let mut admins: Vec<_> = server.options.service_admins.iter().map(|user| jid(user)).collect();
    if server.options.component_is_muc_admin {
        admins.extend(all_components());
    }
    let admins: Vec<_> = admins.iter().map(|jid| format!("\"{jid}\"")).collect();
    format!(
        "Component \"{ROOMS}\" \"muc\"\n\tadmins = {{ {} }}\n\tcomponent_admins_as_room_owners = true\n\tmuc_room_default_history_length = 20\n",
        admins.join(", ")
    )
}
