//! `neerc init`: a first configuration, and what to tell the XMPP server.
//!
//! The file is drawn from the keys of `config`, so none is missing and none is made up. Randomness comes from outside.

pub mod lines;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use confique::meta::{Field, FieldKind, LeafKind};
use neerc_xmpp::server::Software;

use self::lines::Site;
use super::args::InitArgs;
use super::{Outcome, failure, out, usage};
use crate::config::{self, KEYS};
use crate::secret;
use anyhow::Context;

/// Writes a configuration, and prints what to tell the server.
pub fn init(args: &InitArgs) -> Outcome {
    let secret = secret::hex(32).context("there is no randomness to be had from /dev/urandom").map_err(failure)?;
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let wish = Wish { kind: args.server, host: &args.host, admins: &args.admin, secret: &secret };
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
}

/// Writes the configuration to `path` and returns what to print: where it is, and what to tell the server, for each
/// kind of server if none is given.
pub fn run(path: &Path, wish: Wish<'_>, existing: Existing) -> Result<String, InitError> {
    let Wish { kind, host, admins, secret } = wish;
    let domain = config::domain(host).map_err(|wanted| InitError::Host { host: host.to_owned(), wanted })?;
    let host = domain.as_str();
    let admin = |text: &String| {
        let jid = if text.contains('@') { text.clone() } else { format!("{text}@{host}") };
        let account = config::account(&jid).map(|account| account.as_str().to_owned());
        account.ok_or_else(|| InitError::Admin { admin: text.clone(), host: host.to_owned() })
    };
    let admins: Vec<String> = admins.iter().map(admin).collect::<Result<_, _>>()?;
    let before = write(path, &render(kind.unwrap_or(ServerKind::Prosody), host, &admins, secret), existing)?;
    let kinds = match kind {
        Some(kind) => vec![kind],
        None => vec![ServerKind::Prosody, ServerKind::Ejabberd, ServerKind::Openfire],
    };
    let mut text = format!("Wrote {}. It holds the secret: keep it to yourself.\n", path.display());
    if before.is_some_and(|replaced| replaced.mode() & 0o077 != 0) {
        text.push_str("The file before it could be read by others; now only its owner may.\n");
    }
    for kind in &kinds {
        let lines = lines::configuration(kind.software(), Site { host, secret });
        let _ = write!(text, "\n{lines}"); // to a String: cannot fail
    }
    let _ = write!(text, "\nThen: neerc check --config {0} && neerc run --config {0}\n", path.display());
    for kind in &kinds {
        let _ = write!(text, "\n{}", lines::people(kind.software(), host, &admins));
    }
    Ok(text)
}

/// Only the owner may read the file, also where others could read the one before it, of which this gives the data.
fn write(path: &Path, text: &str, existing: Existing) -> Result<Option<Metadata>, InitError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists { path: path.to_owned() },
        _ => InitError::Write { path: path.to_owned(), source },
    };
    let Some(replaced) = replaceable(path, existing)? else {
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

/// What is there already, if it may be replaced: a configuration, or an empty file.
fn replaceable(path: &Path, existing: Existing) -> Result<Option<Metadata>, InitError> {
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
    let is_config = text.lines().any(|line| line.trim_start_matches('\u{feff}').trim() == "[component]");
    match is_config || text.is_empty() {
        true => Ok(Some(found)),
        false => Err(InitError::NotOurs { path: path.to_owned() }),
    }
}

/// Makes a file for its owner only, who is that of the file it is going to replace where that can be.
fn fill(path: &Path, text: &str, replaced: Option<&Metadata>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if let Some(replaced) = replaced {
        drop(fchown(&file, Some(replaced.uid()), Some(replaced.gid()))); // refused to all but root
    }
    written.inspect_err(|_| drop(fs::remove_file(path)))
}

/// The configuration for the users of `host`, which must be a domain, with every key explained. Keys that may be left
/// out stand behind a `#` without a blank; prose stands behind one with a blank.
fn render(kind: ServerKind, host: &str, admins: &[String], secret: &str) -> String {
    let component = format!("neerc.{host}");
    let mut given = vec![
        ("component.jid", quoted(&component)),
        ("component.server", quoted(&format!("127.0.0.1:{}", kind.port()))),
        ("component.secret", quoted(secret)),
        ("rooms.service", quoted(&format!("conference.{host}"))),
        ("rooms.join", "[\"neerc\"]".to_owned()),
    ];
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
        "clock.file" => quoted("clock.xml"),
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
mod tests {
    use super::*;
    use crate::config::{Config, ConfigError};
    use neerc_xmpp::stanza::address::Address;
    use tempfile::TempDir;

    fn file(folder: &TempDir) -> PathBuf {
        folder.path().join("neerc.toml")
    }

    fn load(text: &str) -> Result<Config, ConfigError> {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("secret.txt"), "secret\n").unwrap();
        std::fs::write(file(&folder), text).unwrap();
        Config::load(&file(&folder), |_| None)
    }

    /// The line with its key uncommented, if it is one.
    fn uncommented(line: &str) -> Option<&str> {
        line.strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' '))
    }

    #[test]
    fn the_file_loads_and_holds_what_was_asked_for() {
        let config = load(&render(ServerKind::Prosody, "example.org", &[], "q\"\\ü")).unwrap();
        assert_eq!(config.component.jid.as_str(), "neerc.example.org");
        assert_eq!(config.component.host.as_str(), "example.org");
        assert_eq!(config.component.server.to_string(), "127.0.0.1:5347");
        assert_eq!(config.component.secret.expose(), "q\"\\ü");
        assert_eq!(config.rooms.service.as_str(), "conference.example.org");
        assert_eq!(config.rooms.join, ["neerc".into()]);
        assert_eq!((config.groups.is_configured(), config.clock_file), (false, None));
    }

    #[test]
    fn every_commented_line_is_a_valid_key_when_uncommented() {
        let text = render(ServerKind::Prosody, "example.org", &[], "secret");
        let lines: Vec<&str> = text.lines().collect();
        let mut keys = 0;
        for at in 0..lines.len() {
            let Some(key) = uncommented(lines[at]) else { continue };
            let mut edited: Vec<&str> = lines.clone();
            edited[at] = key;
            // A section goes with its keys, and a secret in a file instead of the one that stands there.
            let block = lines[..=at].iter().rposition(|line| uncommented(line).is_none()).unwrap_or(0) + 1;
            for (nth, line) in lines.iter().enumerate().skip(block) {
                match uncommented(line) {
                    Some(other) if lines[block].starts_with("#[") => edited[nth] = other,
                    _ => break,
                }
            }
            if key.starts_with("secret_file") {
                edited.retain(|line| !line.starts_with("secret ="));
            }
            let loaded = load(&edited.join("\n"));
            assert!(loaded.is_ok(), "{key}: {loaded:?}");
            keys += 1;
        }
        assert_eq!(keys, 26, "23 of the 28 keys, and the three lines of a group");
    }

    #[test]
    fn everything_uncommented_loads_too() {
        let text = render(ServerKind::Prosody, "example.org", &[], "secret");
        let lines = text.lines().filter(|line| !line.starts_with("secret ="));
        let text: Vec<&str> = lines.map(|line| uncommented(line).unwrap_or(line)).collect();
        let config = load(&text.join("\n")).unwrap();
        assert_eq!(config.groups.rules.len(), 1);
        assert!(config.groups.directory.is_some() && config.clock_file.is_some());
    }

    #[test]
    fn prose_is_no_wider_than_the_screen() {
        for line in render(ServerKind::Prosody, "example.org", &[], "secret").lines() {
            assert!(line.chars().count() <= 120, "{line}");
        }
    }

    #[test]
    fn a_file_is_kept_unless_told_otherwise() {
        let folder = TempDir::new().unwrap();
        let run = |secret: &str, existing| {
            let wish = Wish { kind: Some(ServerKind::Openfire), host: "Example.org", admins: &[], secret };
            run(&file(&folder), wish, existing)
        };
        let printed = run("first", Existing::Keep).unwrap();
        assert!(printed.contains("first") && printed.contains("Openfire 4") && !printed.contains("Prosody"));
        let first = std::fs::read_to_string(file(&folder)).unwrap();
        assert!(first.contains("jid = \"neerc.example.org\"") && first.contains("server = \"127.0.0.1:5275\""));
        let error = run("second", Existing::Keep).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "{} exists already: give another --config, or --force to replace it and its secret",
                file(&folder).display()
            )
        );
        assert_eq!(std::fs::read_to_string(file(&folder)).unwrap(), first);
        run("second", Existing::Replace).unwrap();
        assert!(std::fs::read_to_string(file(&folder)).unwrap().contains("secret = \"second\""));
    }

    #[test]
    #[cfg(unix)]
    fn nobody_else_may_read_the_secret() {
        use std::os::unix::fs::PermissionsExt;
        let folder = TempDir::new().unwrap();
        run(&file(&folder), wish("localhost", &[]), Existing::Keep).unwrap();
        assert_eq!(std::fs::metadata(file(&folder)).unwrap().permissions().mode() & 0o077, 0);
    }

    fn wish<'a>(host: &'a str, admins: &'a [String]) -> Wish<'a> {
        Wish { kind: None, host, admins, secret: "secret" }
    }

    #[test]
    fn a_host_that_is_no_domain_and_an_admin_who_is_no_account() {
        let nowhere = Path::new("/nowhere/neerc.toml");
        let error = run(nowhere, wish("a@b", &[]), Existing::Keep).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--host is \"a@b\": must be a domain alone, such as neerc.example.org, without user name, resource or port"
        );
        let error = run(nowhere, wish("b", &["a b".to_owned()]), Existing::Keep).unwrap_err();
        assert_eq!(error.to_string(), "--admin is \"a b\": must be an account such as you@b");
        let error = run(nowhere, wish("b", &[]), Existing::Keep).unwrap_err();
        assert_eq!(error.to_string(), "cannot write /nowhere/neerc.toml");
    }

    #[test]
    fn nobody_had_power_in_the_room_that_the_service_made_unless_init_names_them() {
        let folder = TempDir::new().unwrap();
        let admins = ["You".to_owned(), "b@elsewhere.org".to_owned()];
        for (kind, server, jid) in [
            (ServerKind::Prosody, "127.0.0.1:5347", "neerc.example.org"),
            (ServerKind::Ejabberd, "127.0.0.1:5347", "neerc.example.org"),
            (ServerKind::Openfire, "127.0.0.1:5275", "tasks-service@neerc.example.org"),
        ] {
            let wish = Wish { kind: Some(kind), ..wish("example.org", &admins) };
            let printed = run(&file(&folder), wish, Existing::Replace).unwrap();
            assert!(printed.contains("you@example.org, b@elsewhere.org become owners of the room"), "{printed}");
            let config = Config::load(&file(&folder), |_| None).unwrap();
            let owners: Vec<&str> = config.rooms.owners.iter().map(Address::as_str).collect();
            assert_eq!(owners, ["you@example.org", "b@elsewhere.org"]);
            assert_eq!((config.component.server.to_string().as_str(), config.rooms.jid.as_str()), (server, jid));
        }
        let printed = run(&file(&folder), wish("example.org", &[]), Existing::Replace).unwrap();
        for command in [
            "prosodyctl shell 'muc:room(\"neerc@conference.example.org\"):set_affiliation(true,\"admin@example.org\",\"owner\")'",
            "ejabberdctl set_room_affiliation neerc conference.example.org admin@example.org owner ",
            "ejabberdctl set_room_affiliation neerc conference.example.org admin example.org owner ",
            "console: Group Chat > neerc > Permissions: add admin@example.org as owner",
        ] {
            assert!(printed.contains(command), "{command}\n{printed}");
        }
        assert!(printed.lines().all(|line| line.chars().count() <= 140), "{printed}");
    }

    #[test]
    fn printed_lines_name_the_component_its_secret_and_the_rooms() {
        for software in Software::ALL {
            let text = lines::configuration(software, Site { host: "example.org", secret: "s3cret" });
            for part in ["neerc.example.org", "s3cret", "conference"] {
                assert!(text.contains(part) || software == Software::Ejabberd, "{software:?} {part}\n{text}");
            }
        }
        let lua = lines::configuration(Software::Prosody, Site { host: "example.org", secret: "a\"b" });
        assert!(
            lua.contains("admins = { \"neerc.example.org\" }") && lua.contains(r#"component_secret = "a\"b""#),
            "{lua}"
        );
    }
}
