//! `neerc init`: a first configuration, and what to tell the XMPP server.
//!
//! The file is drawn from the keys of `config`, so none is missing and none is made up. Randomness comes from outside.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use confique::meta::{Field, FieldKind, LeafKind};

use crate::config::{self, KEYS};

/// An XMPP server that `init` knows how to set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ServerKind {
    /// Prosody 0.12 or newer.
    Prosody,
    /// ejabberd 23.01 or newer.
    Ejabberd,
    /// Openfire 4 or newer.
    Openfire,
}

/// What to do with a file that is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it, and fail.
    Keep,
    /// Replace what it holds.
    Replace,
}

/// Why no configuration was written. The cause of `Write` is in `source()`, not in the text.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The host is no domain.
    #[error("--host is {host:?}: {wanted}")]
    Host {
        /// What was given.
        host: String,
        /// What would be right.
        wanted: &'static str,
    },
    /// There is a file.
    #[error("{} exists already: give another --config, or --force to replace it and its secret", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes the configuration to `path` and returns what to print: where it is, and what to tell the server, for each
/// kind of server if none is given.
pub fn run(
    path: &Path,
    kind: Option<ServerKind>,
    host: &str,
    secret: &str,
    existing: Existing,
) -> Result<String, InitError> {
    let host = config::domain(host).map_err(|wanted| InitError::Host { host: host.to_owned(), wanted })?;
    let port = kind.unwrap_or(ServerKind::Prosody).port();
    write(path, &render(&host, secret, port), existing)?;
    let kinds = match kind {
        Some(kind) => vec![kind],
        None => vec![ServerKind::Prosody, ServerKind::Ejabberd, ServerKind::Openfire],
    };
    let mut text = format!("Wrote {}. It holds the secret: keep it to yourself.\n", path.display());
    for kind in kinds {
        let _ = write!(text, "\n{}", snippet(kind, &host, secret)); // to a String: cannot fail
    }
    let _ = write!(text, "\nThen: neerc check --config {0} && neerc run --config {0}\n", path.display());
    Ok(text)
}

/// Only the owner may read a new file; one that is replaced keeps its rights.
fn write(path: &Path, text: &str, existing: Existing) -> Result<(), InitError> {
    let mut options = OpenOptions::new();
    options.write(true);
    match existing {
        Existing::Keep => options.create_new(true),
        Existing::Replace => options.create(true).truncate(true),
    };
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists { path: path.to_owned() },
        _ => InitError::Write { path: path.to_owned(), source },
    })
}

/// The configuration for the users of `host`, which must be a domain, with every key explained. Keys that may be left
/// out stand behind a `#` without a blank; prose stands behind one with a blank.
pub fn render_config(host: &str, secret: &str) -> String {
    render(host, secret, ServerKind::Prosody.port())
}

fn render(host: &str, secret: &str, port: u16) -> String {
    let given = [
        ("component.jid", quoted(&format!("neerc.{host}"))),
        ("component.server", quoted(&format!("127.0.0.1:{port}"))),
        ("component.secret", quoted(secret)),
        ("rooms.service", quoted(&format!("conference.{host}"))),
        ("rooms.join", "[\"neerc\"]".to_owned()),
    ];
    let mut text = String::from(
        "# The configuration of neerc.\n\
         # A line that starts with # and no blank is a key that may be left out, with its default or an example.\n\
         # Each key can be given in the environment as well, which wins over this file.\n",
    );
    for field in KEYS.fields {
        text.push('\n');
        prose(&mut text, field);
        match field.kind {
            FieldKind::Leaf { .. } => text.push_str("#[[groups]]\n#name = \"Halls\"\n#members = [\"hall*\"]\n"),
            FieldKind::Nested { meta } => {
                text.push_str(&format!("[{}]\n", field.name));
                for key in meta.fields {
                    prose(&mut text, key);
                    let name = format!("{}.{}", field.name, key.name);
                    match given.iter().find(|(given, _)| *given == name) {
                        Some((_, value)) => text.push_str(&format!("{} = {value}\n", key.name)),
                        None => text.push_str(&format!("#{} = {}\n", key.name, default(key, &name, host))),
                    }
                }
            }
        }
    }
    text
}

/// What a key means, and its environment variable.
fn prose(text: &mut String, field: &Field) {
    for line in field.doc {
        text.push_str(&format!("# {}\n", line.trim()));
    }
    if let FieldKind::Leaf { env: Some(name), .. } = field.kind {
        text.push_str(&format!("# Environment: {name}\n"));
    }
}

/// The default of a key, or an example for one that has none.
fn default(field: &Field, name: &str, host: &str) -> String {
    if let FieldKind::Leaf { kind: LeafKind::Required { default: Some(value) }, .. } = field.kind {
        // Texts, numbers, truth values and lists of them are written alike in JSON and TOML.
        return serde_json::to_string(&value).unwrap_or_default();
    }
    match name {
        "component.secret_file" => quoted("secret.txt"),
        "component.host" => quoted(host),
        "directory.jid" => quoted(&format!("directory@{host}")),
        "clock.file" => quoted("clock.xml"),
        // A new key without a default: the test of the rendered file asks for an example here.
        _ => "?".to_owned(),
    }
}

/// A text in quotes, escaped as TOML and YAML take it; without control characters, Lua as well.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// What to tell the server, so that the service may connect and owns the rooms.
pub fn snippet(kind: ServerKind, host: &str, secret: &str) -> String {
    match kind {
        ServerKind::Prosody => prosody(host, secret),
        ServerKind::Ejabberd => ejabberd(host, secret),
        ServerKind::Openfire => openfire(host, secret),
    }
}

impl ServerKind {
    /// Where the server takes component connections, unless told otherwise.
    fn port(self) -> u16 {
        match self {
            ServerKind::Prosody | ServerKind::Ejabberd => 5347,
            ServerKind::Openfire => 5275,
        }
    }
}

fn prosody(host: &str, secret: &str) -> String {
    let secret = quoted(secret);
    format!(
        r#"-- Prosody: /etc/prosody/prosody.cfg.lua. Restart it afterwards.
-- Socket options belong here, above the first VirtualHost or Component:
-- network_settings = {{ nagle = false }}

-- Into the section of the chat rooms you have, or as it stands. Without it the service does not own the rooms.
Component "conference.{host}" "muc"
	admins = {{ "neerc.{host}" }}

Component "neerc.{host}"
	component_secret = {secret}
"#
    )
}

fn ejabberd(host: &str, secret: &str) -> String {
    let secret = quoted(secret);
    format!(
        r#"# ejabberd: ejabberd.yml. Merge into the sections you have, then: ejabberdctl restart
# Run one neerc only: ejabberd takes a second connection silently and deals requests between the two.
listen:
  - port: 5347
    ip: "127.0.0.1"
    module: ejabberd_service
    access: all
    hosts:
      "neerc.{host}":
        password: {secret}
acl:
  neerc:
    server:
      - "neerc.{host}"
access_rules:
  muc_admin:
    - allow: admin
    - allow: neerc
modules:
  mod_muc:
    host: "conference.{host}"
    access_admin: muc_admin
"#
    )
}

fn openfire(host: &str, secret: &str) -> String {
    format!(
        r#"Openfire: admin console, http://SERVER:9090 (from its sources; not tried out)
1. Server > Server Settings > External Components: enable the service on port 5275, and under
   "Allowed to Connect" add the subdomain
       neerc
   with the shared secret
       {secret}
   The switch and the port are the system properties xmpp.component.socket.active = true and
   xmpp.component.socket.port = 5275. In neerc.toml: server = "127.0.0.1:5275".
2. The service must own the rooms: the property sysadmin.jid of the group-chat service must hold neerc.{host}.
   The console's page for it (Group Chat > Group Chat Settings > conference > Administrators) cannot take a domain:
   it makes neerc.{host}@{host} of it. So stop Openfire and do it in its database:
       INSERT INTO ofMucServiceProp (serviceID, name, propValue)
       SELECT serviceID, 'sysadmin.jid', 'neerc.{host}' FROM ofMucService WHERE subdomain = 'conference';
   If there is such a line already, add ",neerc.{host}" to its propValue instead.
   Or make neerc.{host} an owner of each room, with any client, as an owner of the room.
3. A room takes 30 people unless told otherwise: raise "Maximum Room Occupants" of each room.
"#
    )
}
