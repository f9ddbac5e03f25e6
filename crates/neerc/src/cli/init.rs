//! `neerc init`: a first configuration, and what to tell the XMPP server.
//!
//! The file is drawn from the keys of `config`, so none is missing and none is made up. Randomness comes from outside.

pub mod lines;
mod proxy;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use confique::meta::{Field, FieldKind, LeafKind};
use neerc_store::Existing;
use neerc_xmpp::server::Software;

use self::lines::Site;
use super::args::{InitArgs, SYSTEM_CONFIG};
use super::{Outcome, failure, out, secret, usage};
use crate::config::{self, KEYS};
use anyhow::Context;

/// Where a configuration at [`SYSTEM_CONFIG`] has its store.
const SYSTEM_STORE: &str = "sqlite:/var/lib/neerc/neerc.db";

/// Writes a configuration, and prints what to tell the server.
pub fn init(args: &InitArgs) -> Outcome {
    let secret = secret::hex(32).context("there is no randomness to be had from /dev/urandom").map_err(failure)?;
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let wish = Wish {
        kind: args.server,
        host: &args.host,
        admins: &args.admin,
        secret: &secret,
        lines: args.lines.as_deref(),
    };
    let text = run(&args.config, wish, existing).map_err(usage)?;
    out::text(&text)
}

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
    /// An admin is no account.
    #[error("--admin is {admin:?}: must be an account such as you@{host}")]
    Admin {
        /// What was given.
        admin: String,
        /// The domain of the users.
        host: String,
    },
    /// There is a file.
    #[error("{} exists already: give another --config, or --force to replace it and its secret", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// What is there is no file.
    #[error("{} is no plain file, but a folder, a device, a pipe or a link: give another --config", path.display())]
    NotPlain {
        /// What is there.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is no configuration of neerc, so it is not replaced: give another --config", path.display())]
    NotOurs {
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

/// What `init` was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The server, if one was named.
    pub kind: Option<ServerKind>,
    /// The domain of the users.
    pub host: &'a str,
    /// Who is to have power in a room that the service makes.
    pub admins: &'a [String],
    /// The secret to share with the server.
    pub secret: &'a str,
    /// Where the lines for that server go, if they are not to be printed.
    pub lines: Option<&'a Path>,
}

/// Writes the configuration to `path` and returns what to print: where it is, and what to tell the server, for each
/// kind of server if none is given.
pub fn run(path: &Path, wish: Wish<'_>, existing: Existing) -> Result<String, InitError> {
    let Wish { kind, host, admins, secret, lines: apart } = wish;
    let domain = config::domain(host).map_err(|wanted| InitError::Host { host: host.to_owned(), wanted })?;
    let host = domain.as_str();
    let admin = |text: &String| {
        let jid = if text.contains('@') { text.clone() } else { format!("{text}@{host}") };
        let account = config::account(&jid).map(|account| account.as_str().to_owned());
        account.ok_or_else(|| InitError::Admin { admin: text.clone(), host: host.to_owned() })
    };
    let admins: Vec<String> = admins.iter().map(admin).collect::<Result<_, _>>()?;
    // Both files or none, as far as that can be told: they hold the same secret.
    replaceable(path, existing, is_configuration)?;
    if let (Some(apart), Some(kind)) = (apart, kind) {
        let lines = lines::configuration(kind.software(), Site { host, secret });
        write(apart, &lines, existing, |text| text.lines().next() == lines.lines().next())?;
    }
    let store = system_store(path);
    let rendered = render(kind.unwrap_or(ServerKind::Prosody), host, &admins, secret, store);
    let before = write(path, &rendered, existing, is_configuration)?;
    let kinds = match kind {
        Some(kind) => vec![kind],
        None => vec![ServerKind::Prosody, ServerKind::Ejabberd, ServerKind::Openfire],
    };
    let mut text = format!("Wrote {}. It holds the secret: keep it to yourself.\n", path.display());
    let (others, who) = match hands_its_group_on(path) {
        true => (0o027, "its owner and group"),
        false => (0o077, "its owner"),
    };
    if before.is_some_and(|replaced| replaced.mode() & others != 0) {
        let _ = writeln!(text, "The file before it could be read by others; now only {who} may.");
    }
    for kind in &kinds {
        let lines = lines::configuration(kind.software(), Site { host, secret });
        // To a String: cannot fail.
        let _ = match apart {
            Some(apart) => {
                writeln!(text, "Wrote {}, which holds it too: the server must be able to read it.", apart.display())
            }
            None => write!(text, "\n{lines}"),
        };
    }
    let _ = match store {
        Some(_) => write!(text, "\nThen: neerc check && systemctl enable --now neerc\n"),
        None => write!(text, "\nThen: neerc check --config {0} && neerc run --config {0}\n", path.display()),
    };
    for kind in &kinds {
        let _ = write!(text, "\n{}", lines::people(kind.software(), host, &admins));
    }
    let _ = write!(text, "\n{}", proxy::configuration(host));
    Ok(text)
}

/// Only the owner may read the file, also where others could read the one before it, of which this gives the data.
fn write(
    path: &Path,
    text: &str,
    existing: Existing,
    is_ours: impl Fn(&str) -> bool,
) -> Result<Option<Metadata>, InitError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists { path: path.to_owned() },
        _ => InitError::Write { path: path.to_owned(), source },
    };
    let Some(replaced) = replaceable(path, existing, is_ours)? else {
        fill(path, text, None).map_err(failed)?;
        return Ok(None);
    };
    // Under another name first: whole or not at all, and never through what may be in the place meanwhile.
    let mut part = OsString::from(path);
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    drop(fs::remove_file(&part)); // what a killed process may have left
    let written = fill(&part, text, Some(&replaced)).and_then(|()| fs::rename(&part, path));
    written.map_err(|source| {
        drop(fs::remove_file(&part));
        failed(source)
    })?;
    Ok(Some(replaced))
}

/// What is there already, if it may be replaced: something of ours, or an empty file.
fn replaceable(path: &Path, existing: Existing, is_ours: impl Fn(&str) -> bool) -> Result<Option<Metadata>, InitError> {
    let failed = |source| InitError::Write { path: path.to_owned(), source };
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(failed)?,
    };
    if existing == Existing::Keep {
        return Err(InitError::Exists { path: path.to_owned() });
    }
    if !found.is_file() {
        return Err(InitError::NotPlain { path: path.to_owned() });
    }
    let text = String::from_utf8_lossy(&fs::read(path).map_err(failed)?).into_owned();
    match text.is_empty() || is_ours(&text) {
        true => Ok(Some(found)),
        false => Err(InitError::NotOurs { path: path.to_owned() }),
    }
}

fn is_configuration(text: &str) -> bool {
    text.lines().any(|line| line.trim_start_matches('\u{feff}').trim() == "[component]")
}

/// Makes a file for its owner only, who is that of the file it is going to replace where that can be. In a folder that hands
/// its group on to files (setgid), as that of a package does, the group may read it: the service is in it.
fn fill(path: &Path, text: &str, replaced: Option<&Metadata>) -> io::Result<()> {
    let mode = if hands_its_group_on(path) { 0o640 } else { 0o600 };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if let Some(replaced) = replaced {
        drop(fchown(&file, Some(replaced.uid()), Some(replaced.gid()))); // refused to all but root
    }
    written.inspect_err(|_| drop(fs::remove_file(path)))
}

fn hands_its_group_on(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::metadata(folder).is_ok_and(|folder| folder.mode() & 0o2000 != 0)
}

/// The store of a configuration that stands where packages have it; of any other it is beside the configuration.
fn system_store(path: &Path) -> Option<&'static str> {
    (path == Path::new(SYSTEM_CONFIG)).then_some(SYSTEM_STORE)
}

/// What is written for an example, with every key explained.
pub fn sample() -> String {
    render(ServerKind::Prosody, "example.org", &[], "secret", Some(SYSTEM_STORE))
}

/// The configuration for the users of `host`, which must be a domain, with every key explained. Keys that may be left
/// out stand behind a `#` without a blank; prose stands behind one with a blank.
fn render(kind: ServerKind, host: &str, admins: &[String], secret: &str, store: Option<&str>) -> String {
    let component = format!("neerc.{host}");
    let mut given = vec![
        ("component.jid", quoted(&component)),
        ("component.server", quoted(&format!("127.0.0.1:{}", kind.port()))),
        ("component.secret", quoted(secret)),
        ("rooms.service", quoted(&format!("conference.{host}"))),
        ("rooms.join", "[\"neerc\"]".to_owned()),
    ];
    if let Some(store) = store {
        given.push(("store.url", quoted(store)));
    }
    if !admins.is_empty() {
        given.push((
            "rooms.owners",
            format!("[{}]", admins.iter().map(|jid| quoted(jid)).collect::<Vec<_>>().join(", ")),
        ));
    }
    if kind == ServerKind::Openfire {
        given.push(("rooms.jid", quoted(&lines::openfire_rooms_jid(&component))));
    }
    let mut text = String::from(
        "# The configuration of neerc.\n\
         # A line that starts with # and no blank is a key that may be left out, with its default or an example.\n\
         # Each key can be given in the environment as well, which wins over this file.\n",
    );
    for field in KEYS.fields {
        text.push('\n');
        prose(&mut text, field);
        match field.kind {
            FieldKind::Leaf { .. } if field.name == "clocks" => {
                text.push_str("#[[clocks]]\n#rooms = [\"neerc\"]\n#source = \"manual\"\n");
            }
            FieldKind::Leaf { .. } if field.name == "webhooks" => {
                text.push_str("#[[webhooks]]\n#url = \"https://example.org/neerc\"\n#secret_file = \"webhook.txt\"\n");
            }
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
        "rooms.jid" => quoted(&lines::openfire_rooms_jid(&format!("neerc.{host}"))),
        "directory.jid" => quoted(&format!("directory@{host}")),
        "checklists.file" => quoted("scripts.yaml"),
        "clock.source" => quoted("manual"),
        "clock.path" | "clock.file" => quoted("clock.xml"),
        "clock.url" => quoted("https://judge.example.org/api/contests/demo"),
        "clock.user" => quoted("neerc"),
        "clock.password" => quoted("secret"),
        "store.password_file" => quoted("store-password.txt"),
        "store.folder" => quoted("/var/lib/neerc"),
        "clock.password_file" => quoted("clock-password.txt"),
        "clock.ca_file" => quoted("ca.pem"),
        "clock.fingerprint" => quoted(&"00".repeat(32)),
        "web.listen" => quoted("127.0.0.1:8080"),
        "web.url" => quoted(&format!("https://board.{host}")),
        "operations.listen" => quoted("127.0.0.1:9100"),
        // A new key without a default: the test of the rendered file asks for an example here.
        _ => "?".to_owned(),
    }
}

/// A text in quotes, escaped as TOML and YAML take it; without control characters, Lua as well.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

impl ServerKind {
    fn software(self) -> Software {
        match self {
            ServerKind::Prosody => Software::Prosody,
            ServerKind::Ejabberd => Software::Ejabberd,
            ServerKind::Openfire => Software::Openfire,
        }
    }

    /// Where the server takes component connections, unless told otherwise.
    fn port(self) -> u16 {
        match self {
            ServerKind::Prosody | ServerKind::Ejabberd => 5347,
            ServerKind::Openfire => 5275,
        }
    }
}

#[cfg(test)]
mod tests;
