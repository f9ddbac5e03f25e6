//! How ejabberd (23.01 or newer) is configured, started and told what to do.
//!
//! The Erlang machine is started directly and without distribution: no node name, no port mapper, no cookie, and the
//! process that was started is the server itself. Commands go through the HTTP API, a few milliseconds each.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};

use super::{ELSEWHERE, HOST, PASSWORD, ROOMS, SECRET, Server, all_components, home, stock};
use crate::guard::Process;
use crate::wait::PATIENCE;

/// Writes the configuration file.
pub fn prepare(server: &Server) {
    fs::create_dir_all(server.dir.join("mnesia")).unwrap();
    fs::write(server.dir.join("ejabberd.yml"), config(server)).unwrap();
    fs::write(server.dir.join("inetrc"), "{lookup,[\"file\",\"native\"]}.\n").unwrap();
}

/// Starts it in the foreground.
pub fn spawn(server: &Server) -> Process {
    let dir = &server.dir;
    let mut command = home().command("erl");
    command
        .args(["-noinput", "+K", "true", "-mnesia", "dir"])
        .arg(format!("\"{}\"", dir.join("mnesia").display()))
        .args(["-s", "ejabberd"])
        .current_dir(dir)
        .env("HOME", dir)
        .env("ERL_CRASH_DUMP", "/dev/null")
        .env("ERL_INETRC", dir.join("inetrc"))
        .env("EJABBERD_CONFIG_PATH", dir.join("ejabberd.yml"))
        .env("EJABBERD_LOG_PATH", dir.join("server.log"));
    if let Some(libs) = erlang_libs() {
        command.env("ERL_LIBS", libs);
    }
    Process::spawn_logged("ejabberd", &mut command, &dir.join("stdout.log"))
}

/// Where the package keeps ejabberd's code: its own start script knows.
fn erlang_libs() -> Option<String> {
    let script = ["/usr/sbin/ejabberdctl", "/usr/bin/ejabberdctl"].iter().find_map(|path| home().read(path))?;
    let value = script.lines().find_map(|line| line.strip_prefix("ERL_LIBS="))?;
    Some(value.trim_matches(['\'', '"']).to_owned())
}

/// The HTTP API answers.
pub fn api_is_open(server: &Server) -> bool {
    call(server, "status", &json!({})).is_ok_and(|(status, _)| status == 200)
}

/// Creates accounts, one after the other: two requests for one account at once make an account that cannot log in.
pub fn register(server: &Server, users: &[&str]) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    for user in users {
        let (status, answer) =
            call(server, "register", &json!({"user": user, "host": HOST, "password": PASSWORD})).unwrap();
        assert!(status == 200 || status == 409, "register {user}: {status} {answer}\n{}", server.log());
    }
}

/// Creates a room.
pub fn create_room(server: &Server, room: &str) {
    let options: Vec<Value> =
        [("persistent", "true"), ("members_only", "true"), ("anonymous", "false"), ("moderated", "false")]
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
    let request = json!({"name": room, "service": ROOMS, "host": HOST, "options": options});
    command(server, "create_room_with_opts", &request);
}

/// Destroys a room.
pub fn destroy_room(server: &Server, room: &str) {
    command(server, "destroy_room", &json!({"name": room, "service": ROOMS}));
}

/// Sets an affiliation.
pub fn set_affiliation(server: &Server, room: &str, bare_jid: &str, affiliation: &str) {
    let request = json!({"name": room, "service": ROOMS, "jid": bare_jid, "affiliation": affiliation});
    command(server, "set_room_affiliation", &request);
}

/// Creates the shared roster groups and lets `directory@localhost` see them.
pub fn create_groups(server: &Server) {
    let Some(groups) = &server.options.groups else { return };
    let names: Vec<_> = groups.iter().map(|(name, _)| group_id(name)).collect();
    register(server, &["directory"]);
    for (name, members) in groups {
        create_group(server, name, &json!([]));
        for member in members {
            add_to_group(server, member, name);
        }
    }
    create_group(server, "Directory", &json!(names));
    add_to_group(server, "directory", "Directory");
}

fn create_group(server: &Server, name: &str, shown: &Value) {
    let request = json!({"group": group_id(name), "host": HOST, "label": name, "description": name, "display": shown});
    command(server, "srg_create", &request);
}

fn add_to_group(server: &Server, user: &str, group: &str) {
    let request = json!({"user": user, "host": HOST, "group": group_id(group), "grouphost": HOST});
    command(server, "srg_user_add", &request);
}

/// Rosters show the label. The id is made lower case when 24.12 creates a group, and not when it looks for it.
fn group_id(name: &str) -> String {
    name.to_lowercase()
}

fn command(server: &Server, name: &str, arguments: &Value) {
    let (status, answer) = call(server, &format!("{name}{}", api_version(server)), arguments).unwrap();
    assert!(status == 200 && answer.trim() == "0", "{name} {arguments}: {status} {answer}\n{}", server.log());
}

/// What to put behind a command so that it is the one with the arguments given here: from 24.02 on there are several
/// versions of some, and the newest is taken unless one is named; before, none may be named.
fn api_version(server: &Server) -> &'static str {
    if version(server) >= (24, 2) { "/v1" } else { "" }
}

/// Year and month of the release.
pub fn version(server: &Server) -> (u32, u32) {
    static VERSION: OnceLock<(u32, u32)> = OnceLock::new();
    *VERSION.get_or_init(|| {
        let (_, status) = call(server, "status", &json!({})).unwrap();
        let version = status.split("ejabberd ").nth(1).unwrap_or_default();
        let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        assert!(version > (0, 0), "ejabberd does not say its version: {status}");
        version
    })
}

/// One HTTP request: status and body.
fn call(server: &Server, name: &str, arguments: &Value) -> std::io::Result<(u16, String)> {
    let body = arguments.to_string();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.http_port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "POST /api/{name} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    Ok((status, body))
}

fn config(server: &Server) -> String {
    if let Some(printed) = &server.options.stock {
        return stock::ejabberd(server, printed);
    }
    let Server { c2s_port, component_port, elsewhere_port, http_port, options, .. } = server;
    let mut components = String::new();
    let mut servers = String::new();
    for component in all_components() {
        writeln!(components, "      \"{component}\": {{password: \"{SECRET}\"}}").unwrap();
        writeln!(servers, "      - \"{component}\"").unwrap();
    }
    let users = options.service_admins.iter().map(|user| format!("\"{user}@{HOST}\"")).collect::<Vec<_>>().join(", ");
    let muc_admins = if options.component_is_muc_admin { "\n    - allow: services" } else { "" };
    let privilege = match options.groups {
        None => "",
        Some(_) => "  mod_privilege: {roster: {get: privileged}, message: {outgoing: privileged}}\n",
    };
    format!(
        r#"# Written by the tests: one loopback server without encryption.
loglevel: info
hosts: ["{HOST}"]
auth_method: internal
auth_password_format: plain
listen:
  - {{port: {c2s_port}, ip: "127.0.0.1", module: ejabberd_c2s, access: all, max_stanza_size: 262144}}
  - port: {component_port}
    ip: "127.0.0.1"
    module: ejabberd_service
    access: all
    global_routes: false
    hosts:
{components}
  - port: {elsewhere_port}
    ip: "127.0.0.1"
    module: ejabberd_service
    access: all
    global_routes: false
    hosts:
      "{ELSEWHERE}": {{password: "{SECRET}"}}
  - port: {http_port}
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers: {{/api: mod_http_api, /xmpp-websocket: ejabberd_http_ws, /http-bind: mod_bosh}}
acl:
  loopback: {{ip: ["127.0.0.0/8"]}}
  admins: {{user: [{users}]}}
  services:
    server:
{servers}
access_rules:
  privileged: [{{allow: services}}]
  room_owners:
    - allow: admins{muc_admins}
api_permissions:
  tests: {{from: [mod_http_api], who: {{access: {{allow: loopback}}}}, what: "*"}}
modules:
  mod_admin_extra: {{}}
  mod_adhoc: {{}}
  mod_blocking: {{}}
  mod_bosh: {{}}
  mod_carboncopy: {{}}
  mod_disco: {{}}
  mod_http_api: {{}}
  mod_muc: {{host: "{ROOMS}", access_admin: room_owners, history_size: 20}}
  mod_muc_admin: {{}}
  mod_offline: {{}}
  mod_ping: {{}}
  mod_privacy: {{}}
{privilege}  mod_private: {{}}
  mod_roster: {{}}
  mod_shared_roster: {{use_cache: false}}
  mod_stream_mgmt: {{}}
{extra}
"#,
        extra = options.extra_config
    )
}
