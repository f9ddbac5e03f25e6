//! The configuration: defaults, below the TOML file, below the environment.
//!
//! The `Raw*` structs are the one list of keys. Their doc comments are what `neerc init` writes above each key, and
//! `env` and `default` beside them are what it prints as such, so nothing is said twice. A [`Config`] is what is left
//! after checking: whoever holds one need not check again. Nothing here reads a clock, randomness or any file but the
//! configuration and the secret.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::Ipv6Addr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use confique::meta::{Expr, Field, FieldKind, LeafKind, Meta};
use confique::{Config as _, Layer as _};
use neerc_core::face::words::Language;
use neerc_core::people::fold;
use neerc_store::Url;
use neerc_xmpp::stanza::names::composed;
use serde_json::{Map, Value};

/// Least and most milliseconds between two updates of one task to one session.
const SPACING_MS: RangeInclusive<i64> = 0..=10_000;
/// Least and most requests each second of one session; 0 is without limit.
const PER_SECOND: RangeInclusive<i64> = 0..=100_000;
/// Least and most requests of one session at once.
const BURST: RangeInclusive<i64> = 1..=100_000;
/// Least and most KiB of answers each second to one account; 0 is without limit.
const ANSWERS_KIB: RangeInclusive<i64> = 0..=1_000_000;
/// Least and most MiB that one person's changes may take in a day; 0 is without limit.
const STORED_MIB: RangeInclusive<i64> = 0..=1_000_000;
/// Least and most bytes of an outgoing stanza. Prosody closes the stream above 512 KiB.
const STANZA_BYTES: RangeInclusive<i64> = 16_384..=524_288;
/// Least and most seconds between two readings of the directory.
const POLL_S: RangeInclusive<i64> = 1..=86_400;
/// Longest domain, in bytes (the limit of DNS).
const DOMAIN_BYTES: usize = 255;
/// Longest nickname, group name, room name, member or JID, in bytes.
const NAME_BYTES: usize = 255;
/// Characters that RFC 7622 forbids in the local part of a JID (`@` is dealt with where it may separate).
const NOT_IN_USER: &[char] = &['"', '&', '\'', '/', ':', '<', '>'];

/// Every key there is, with its words, default and environment variable.
pub const KEYS: &Meta = &Raw::META;

/// The whole file, as written.
#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
struct Raw {
    /// The connection to the XMPP server.
    #[config(nested)]
    component: RawComponent,
    /// The chat rooms whose people and rights the service uses.
    #[config(nested)]
    rooms: RawRooms,
    /// Where the tasks are kept.
    #[config(nested)]
    store: RawStore,
    /// A group that a task can be given to by one name. Any number of these tables, each with a name and either
    /// members (user names; * stands for any characters, ? for one) or room (a chat room whose members are the group).
    /// In the environment: "Halls=hall*,aux?; Jury=room:jury", which replaces all groups of the file.
    #[config(env = "NEERC_GROUPS")]
    groups: Option<Vec<RawGroup>>,
    /// People and groups from an account's contact list, read by XEP-0356. Off without jid.
    #[config(nested)]
    directory: RawDirectory,
    /// How tasks are told to people.
    #[config(nested)]
    tasks: RawTasks,
    /// The contest clock. Off without file.
    #[config(nested)]
    clock: RawClock,
    /// How much one session may ask.
    #[config(nested)]
    limits: RawLimits,
    /// What people are told in words.
    #[config(nested)]
    texts: RawTexts,
    /// Whom people can turn to.
    #[config(nested)]
    contact: RawContact,
    /// What the service writes to standard error.
    #[config(nested)]
    log: RawLog,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
struct RawComponent {
    /// The service's own address, a domain. Required.
    #[config(env = "NEERC_COMPONENT_JID")]
    jid: Option<String>,
    /// Where the XMPP server takes component connections, host:port. Openfire's port is 5275.
    #[config(env = "NEERC_COMPONENT_SERVER", default = "127.0.0.1:5347")]
    server: String,
    /// The secret shared with the server. Required: this or secret_file, not both.
    #[config(env = "NEERC_COMPONENT_SECRET")]
    secret: Option<Secret>,
    /// A file that holds the secret and nothing else, relative to this file. A newline at its end is ignored.
    #[config(env = "NEERC_COMPONENT_SECRET_FILE")]
    secret_file: Option<String>,
    /// The domain of the users: they are called by their short names. Default: jid without its first label.
    #[config(env = "NEERC_COMPONENT_HOST")]
    host: Option<String>,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
struct RawRooms {
    /// The domain of the chat rooms. Default: "conference." and component.host.
    #[config(env = "NEERC_ROOMS_SERVICE")]
    service: Option<String>,
    /// The rooms, each a world of its own; the first is the default room. Letters, digits and _ only.
    /// In the environment: names with commas between.
    #[config(env = "NEERC_ROOMS_JOIN", default = ["neerc"])]
    join: Vec<String>,
    /// The service's name in the rooms. Must not start with "hall": clients list the service among the people.
    #[config(env = "NEERC_ROOMS_NICKNAME", default = "neerc")]
    nickname: String,
    /// Whether people in a room without an affiliation there are ordinary users; false: they may do nothing.
    #[config(env = "NEERC_ROOMS_ADMIT_UNAFFILIATED", default = false)]
    admit_unaffiliated: bool,
    /// Accounts that become owners of a room where nobody but the service has power, such as one that it has just
    /// made: `["you@example.org"]`. In the environment: with commas between.
    #[config(env = "NEERC_ROOMS_OWNERS", default = [])]
    owners: Vec<String>,
    /// The service's address towards the rooms. Default: component.jid. Openfire wants one with a user name, and the
    /// name must be one that no room can have, so with a hyphen in it: "tasks-service@neerc.example.org".
    #[config(env = "NEERC_ROOMS_JID")]
    jid: Option<String>,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
struct RawStore {
    /// "sqlite:" and the path of the database, relative to this file.
    #[config(env = "NEERC_STORE_URL", default = "sqlite:neerc.db")]
    url: String,
}

/// One `[[groups]]`, as written.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGroup {
    name: Option<String>,
    members: Option<Vec<String>>,
    room: Option<String>,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
struct RawDirectory {
    /// The account whose contact list names the people and their groups. The service needs the right to read it.
    #[config(env = "NEERC_DIRECTORY_JID")]
    jid: Option<String>,
    /// Seconds between two readings, 1 to 86400.
    #[config(env = "NEERC_DIRECTORY_POLL_S", default = 60)]
    poll_s: i64,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
struct RawTasks {
    /// What ordinary users see: "all" tasks, or only their "own".
    #[config(env = "NEERC_TASKS_VISIBILITY", default = "all")]
    visibility: String,
    /// Whether each change is also sent as the bare packet that the protocol's wiki page describes.
    #[config(env = "NEERC_TASKS_WIKI_PACKET", default = true)]
    wiki_packet: bool,
    /// Least milliseconds between two updates of one task to one session, 0 to 10000. Under 50 some clients end on the
    /// older state.
    #[config(env = "NEERC_TASKS_SPACING_MS", default = 50)]
    spacing_ms: i64,
    /// Most bytes of one outgoing stanza, 16384 to 524288. Prosody closes the connection above 524288.
    #[config(env = "NEERC_TASKS_MAX_STANZA_BYTES", default = 262144)]
    max_stanza_bytes: i64,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
struct RawClock {
    /// The contest system's clock file, relative to this file; read every second.
    #[config(env = "NEERC_CLOCK_FILE")]
    file: Option<String>,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
struct RawLimits {
    /// Requests each second that one session may send in the long run, 0 to 100000; 0 means without limit.
    #[config(env = "NEERC_LIMITS_REQUESTS_PER_SECOND", default = 20)]
    requests_per_second: i64,
    /// Requests that one session may send at once after a pause, 1 to 100000.
    #[config(env = "NEERC_LIMITS_REQUESTS_BURST", default = 60)]
    requests_burst: i64,
    /// The same for owners and admins of a room, 1 to 100000: a desktop client sends a request for each line that is
    /// pasted and each task that is removed.
    #[config(env = "NEERC_LIMITS_REQUESTS_BURST_OF_POWER", default = 1000)]
    requests_burst_of_power: i64,
    /// KiB each second that all sessions of one account are answered in the long run, 0 to 1000000; 0 means without
    /// limit. Prosody takes some 1000 of everybody's together.
    #[config(env = "NEERC_LIMITS_ANSWERS_KIB_PER_SECOND", default = 128)]
    answers_kib_per_second: i64,
    /// KiB that all sessions of one account are answered after a pause, 1 to 1000000. They are handed out at four times
    /// the rate above.
    #[config(env = "NEERC_LIMITS_ANSWERS_BURST_KIB", default = 4096)]
    answers_burst_kib: i64,
    /// MiB that one person's changes may take of the disk in a day, 0 to 1000000; 0 means without limit. Owners and admins
    /// may take 16 times as much. What was taken before a restart is forgotten.
    #[config(env = "NEERC_LIMITS_STORED_MIB_PER_DAY", default = 64)]
    stored_mib_per_day: i64,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
struct RawTexts {
    /// The language of those whose client does not tell theirs: "en" or "ru".
    #[config(env = "NEERC_TEXTS_LANGUAGE", default = "en")]
    language: String,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
struct RawContact {
    /// URIs of whoever runs the service, such as `["xmpp:admin@example.org", "mailto:admin@example.org"]`; clients show
    /// them. In the environment: with commas between.
    #[config(env = "NEERC_CONTACT_ADMIN", default = [])]
    admin: Vec<String>,
}

#[derive(confique::Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
struct RawLog {
    /// error, warn, info, debug or trace.
    #[config(env = "NEERC_LOG_LEVEL", default = "info")]
    level: String,
}

type RawLayer = <Raw as confique::Config>::Layer;

/// The checked configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The connection to the XMPP server.
    pub component: Component,
    /// The chat rooms.
    pub rooms: Rooms,
    /// Where the tasks are kept.
    pub store: Url,
    /// The groups of the file; names differ, ignoring case.
    pub groups: Vec<Group>,
    /// The account whose contact list names people and groups.
    pub directory: Option<Directory>,
    /// How tasks are told.
    pub tasks: Tasks,
    /// The contest clock.
    pub clock: Option<Clock>,
    /// How much one session may ask.
    pub limits: Limits,
    /// The language of those who do not tell theirs.
    pub language: Language,
    /// URIs of whoever runs the service.
    pub contacts: Vec<String>,
    /// How much is logged.
    pub log_level: Level,
}

/// `[component]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The service's own domain, lower case.
    pub jid: String,
    /// Where to connect to.
    pub server: Server,
    /// The shared secret.
    pub secret: Secret,
    /// The file that holds it; `None` where the environment gave it.
    pub secret_at: Option<PathBuf>,
    /// The users' domain, lower case.
    pub host: String,
}

/// An address to connect to. `Display` gives `host:port` as TCP libraries take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// A host name or IP address, without brackets.
    pub host: String,
    /// Never 0.
    pub port: u16,
}

/// A text that is never printed: `Debug` says only that there is one, `Display` does not exist.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// `[rooms]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rooms {
    /// The domain of the rooms, lower case.
    pub service: String,
    /// Names of rooms (`[a-z0-9_]+`), at least one, no two equal; the first is the default room.
    pub join: Vec<String>,
    /// The service's nick in every room.
    pub nickname: String,
    /// What occupants without an affiliation are.
    pub unaffiliated: Unaffiliated,
    /// Bare JIDs, lower case, that become owners where nobody but the service has power.
    pub owners: Vec<String>,
    /// The service's address towards the rooms, lower case: `component.jid`, or a name at it that no room has.
    pub jid: String,
}

/// What occupants without an affiliation are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unaffiliated {
    /// Nobody: they may do nothing.
    Refused,
    /// Ordinary users.
    Admitted,
}

/// One of `[[groups]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name as shown.
    pub name: String,
    /// Who belongs to it.
    pub members: Members,
}

/// Who belongs to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Members {
    /// Users whose name matches one of these: lower case, `*` any characters, `?` one. At least one.
    Names(Vec<String>),
    /// The members of this room (`[a-z0-9_]+`).
    Room(String),
}

/// `[directory]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// A bare JID, lower case.
    pub jid: String,
    /// Seconds between two readings.
    pub poll_s: u64,
}

/// `[tasks]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tasks {
    /// What ordinary users see.
    pub visibility: Visibility,
    /// Whether notifications carry the wiki page's packet.
    pub wiki_packet: WikiPacket,
    /// Least milliseconds between two updates of one task to one session.
    pub spacing_ms: u64,
    /// Most bytes of an outgoing stanza.
    pub max_stanza_bytes: usize,
}

/// What ordinary users see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// All tasks of the room.
    All,
    /// The tasks assigned to them.
    Own,
}

/// Whether notifications carry the bare `#task` packet of the wiki page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WikiPacket {
    /// They do.
    Sent,
    /// They do not.
    LeftOut,
}

/// `[limits]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests each second of one session; 0 means without limit.
    pub requests_per_second: u32,
    /// Requests of one session at once, at least 1.
    pub requests_burst: u32,
    /// The same for people with power, at least 1.
    pub requests_burst_of_power: u32,
    /// KiB of answers each second to all sessions of an account; 0 means without limit.
    pub answers_kib_per_second: u32,
    /// KiB of answers to them after a pause, at least 1.
    pub answers_burst_kib: u32,
    /// MiB of changes of one person in a day; 0 means without limit.
    pub stored_mib_per_day: u32,
}

/// `[clock]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// The contest system's clock file.
    pub file: PathBuf,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What went wrong.
    Error,
    /// And what may go wrong.
    Warn,
    /// And what happens.
    Info,
    /// And why.
    Debug,
    /// And every stanza.
    Trace,
}

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The file, and the line where it could be told, counted from 1.
    File(PathBuf, Option<usize>),
    /// The environment variable of this name.
    Variable(&'static str),
}

/// Why there is no configuration. The cause of `Read` and `SecretFile` is in `source()`, not in the text.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {} (`neerc init` writes a new one)", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("{place}: {message}")]
    Syntax {
        /// Where.
        place: Place,
        /// What the parser says.
        message: String,
    },
    /// A key or section that does not exist.
    #[error("{place}: unknown key `{key}`; allowed here: {allowed}")]
    UnknownKey {
        /// Where.
        place: Place,
        /// The key, with its section.
        key: String,
        /// The keys that exist there.
        allowed: String,
    },
    /// A number where a text belongs, or the like.
    #[error("{place}: {key} is {found}, but must be {wanted}")]
    WrongType {
        /// Where.
        place: Place,
        /// The key, with its section.
        key: String,
        /// What is there.
        found: String,
        /// What belongs there.
        wanted: String,
    },
    /// A required key is not there.
    #[error("{place}: {key} is missing: {wanted}")]
    Missing {
        /// Where it is not.
        place: Place,
        /// The key, with its section.
        key: &'static str,
        /// How to give it.
        wanted: String,
    },
    /// A value of the right type that makes no sense.
    #[error("{place}: {key} is {value}: {wanted}")]
    Invalid {
        /// Where.
        place: Place,
        /// The key, with its section.
        key: &'static str,
        /// The value, quoted, or a stand-in where it may hold a secret.
        value: String,
        /// What would be right.
        wanted: String,
    },
    /// The secret is given twice.
    #[error("{place}: both component.secret and component.secret_file are given: keep one of them")]
    TwoSecrets {
        /// Where the second is.
        place: Place,
    },
    /// A variable is there, but is no text.
    #[error("{place}: is not UTF-8: give it as text, or put the value into the configuration file")]
    NotText {
        /// Which.
        place: Place,
    },
    /// The file with the secret cannot be read.
    #[error("{place}: cannot read component.secret_file {}", path.display())]
    SecretFile {
        /// Where it is named.
        place: Place,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Config {
    /// Reads the file at `path`; `env` gives the value of an environment variable. An empty variable counts as unset.
    ///
    /// A secret in the environment, given either way, replaces the one in the file, whichever way that is given.
    pub fn load(path: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let mut file: RawLayer = confique::File::with_format(path, confique::FileFormat::Toml)
            .required()
            .load()
            .map_err(|error| parse_error(path, &text, &error))?;
        let mut variables = BTreeSet::new();
        let layer = env_layer(path, &env, &mut variables)?;
        let check = Check { path, text: &text, variables };
        if layer.component.secret.is_some() || layer.component.secret_file.is_some() {
            file.component.secret = None;
            file.component.secret_file = None;
        }
        let merged = layer.with_fallback(file).with_fallback(RawLayer::default_values());
        let raw = Raw::from_layer(merged).map_err(|error| ConfigError::Syntax {
            place: Place::File(path.to_owned(), None),
            message: error.to_string(),
        })?;
        check.config(raw)
    }
}

/// The environment variables that give a setting.
pub fn variables() -> impl Iterator<Item = &'static str> {
    let of = |field: &Field| match field.kind {
        FieldKind::Leaf { env, .. } => env,
        FieldKind::Nested { .. } => None,
    };
    KEYS.fields.iter().flat_map(move |field| match field.kind {
        FieldKind::Nested { meta } => meta.fields.iter().filter_map(of).collect::<Vec<_>>(),
        FieldKind::Leaf { .. } => of(field).into_iter().collect(),
    })
}

/// Refuses a variable of ours that is given and cannot be used.
pub fn check_variables(environment: impl Iterator<Item = (OsString, OsString)>) -> Result<(), ConfigError> {
    let mut broken = environment.filter(|(_, value)| value.to_str().is_none());
    match broken.find_map(|(name, _)| variables().find(|known| name == *known)) {
        Some(name) => Err(ConfigError::NotText { place: Place::Variable(name) }),
        None => Ok(()),
    }
}

/// A domain, lower case; the error says what a domain is.
pub fn domain(text: &str) -> Result<String, &'static str> {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    if text.len() <= DOMAIN_BYTES && text.split('.').all(label) {
        Ok(text.to_lowercase())
    } else {
        Err("must be a domain alone, such as neerc.example.org, without user name, resource or port")
    }
}

/// An account such as `you@example.org`, lower case.
pub fn account(text: &str) -> Option<String> {
    let (user, host) = text.split_once('@')?;
    let host = domain(host).ok()?;
    let jid = is_user(user).then(|| format!("{}@{host}", user.to_lowercase()))?;
    Some(jid).filter(|jid| jid.len() <= NAME_BYTES)
}

/// What is known of where values came from, and the checks that need it to complain.
struct Check<'a> {
    path: &'a Path,
    text: &'a str,
    /// The environment variables that gave a value.
    variables: BTreeSet<&'static str>,
}

impl Check<'_> {
    fn config(&self, raw: Raw) -> Result<Config, ConfigError> {
        let component = self.component(raw.component)?;
        Ok(Config {
            rooms: self.rooms(raw.rooms, &component)?,
            component,
            store: self.store(&raw.store.url)?,
            groups: self.groups(raw.groups.unwrap_or_default())?,
            directory: self.directory(raw.directory)?,
            tasks: self.tasks(&raw.tasks)?,
            clock: self.clock(raw.clock)?,
            limits: self.limits(&raw.limits)?,
            language: self.language(&raw.texts.language)?,
            contacts: self.contacts(raw.contact.admin)?,
            log_level: self.level(&raw.log.level)?,
        })
    }

    fn component(&self, raw: RawComponent) -> Result<Component, ConfigError> {
        let jid = raw
            .jid
            .ok_or_else(|| self.missing("component.jid", "give the service's own domain, such as neerc.example.org"))?;
        let jid = self.domain("component.jid", &jid)?;
        let host = match (raw.host, jid.split_once('.')) {
            (Some(host), _) => self.domain("component.host", &host)?,
            (None, Some((_, host))) => host.to_owned(),
            (None, None) => {
                let wanted = format!("give the users' domain, since it cannot be told from component.jid \"{jid}\"");
                return Err(self.missing("component.host", &wanted));
            }
        };
        let server = self.server(&raw.server)?;
        let (secret, secret_at) = self.secret(raw.secret, raw.secret_file)?;
        Ok(Component { jid, server, secret, secret_at, host })
    }

    fn server(&self, text: &str) -> Result<Server, ConfigError> {
        parse_server(text).ok_or_else(|| {
            self.invalid("component.server", text, "must be host:port, such as 127.0.0.1:5347 or [::1]:5347")
        })
    }

    /// The secret, and the file that holds it.
    fn secret(&self, secret: Option<Secret>, file: Option<String>) -> Result<(Secret, Option<PathBuf>), ConfigError> {
        let (key, secret, at) = match (secret, file) {
            (Some(_), Some(_)) => return Err(ConfigError::TwoSecrets { place: self.place("component.secret_file") }),
            (Some(secret), None) => {
                let at = match self.place("component.secret") {
                    Place::File(path, _) => Some(path),
                    Place::Variable(_) => None,
                };
                ("component.secret", secret, at)
            }
            (None, Some(file)) => {
                let path = self.beside("component.secret_file", &file)?;
                ("component.secret_file", self.read_secret(&path)?, Some(path))
            }
            (None, None) => {
                let wanted = "give component.secret or component.secret_file";
                return Err(self.missing("component.secret", wanted));
            }
        };
        let wrong = match secret.expose() {
            "" => "must not be empty",
            text if text.contains(|c: char| c.is_control() || c == '\u{feff}') => {
                "must be one line without control characters"
            }
            _ => return Ok((secret, at)),
        };
        Err(ConfigError::Invalid {
            place: self.place(key),
            key,
            value: "(hidden)".to_owned(),
            wanted: wrong.to_owned(),
        })
    }

    fn read_secret(&self, path: &Path) -> Result<Secret, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::SecretFile {
            place: self.place("component.secret_file"),
            path: path.to_owned(),
            source,
        })?;
        // Editors of Windows put a mark before the text.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let line = text.strip_suffix('\n').unwrap_or(text);
        Ok(Secret(line.strip_suffix('\r').unwrap_or(line).to_owned()))
    }

    fn rooms(&self, raw: RawRooms, component: &Component) -> Result<Rooms, ConfigError> {
        let service = match raw.service {
            Some(service) => self.domain("rooms.service", &service)?,
            None => format!("conference.{}", component.host),
        };
        if raw.join.is_empty() {
            return Err(self.invalid_raw("rooms.join", "[]", "must name at least one room"));
        }
        let mut join: Vec<String> = Vec::with_capacity(raw.join.len());
        for name in &raw.join {
            let name = self.room("rooms.join", name, 0)?;
            if join.contains(&name) {
                return Err(self.invalid("rooms.join", &name, "must be named once only, ignoring case"));
            }
            join.push(name);
        }
        let nickname = self.nickname(&raw.nickname)?;
        let unaffiliated = match raw.admit_unaffiliated {
            true => Unaffiliated::Admitted,
            false => Unaffiliated::Refused,
        };
        let owner = |text: &String| {
            let wanted = "must be an account such as you@example.org";
            account(text).ok_or_else(|| self.invalid("rooms.owners", text, wanted))
        };
        let owners = raw.owners.iter().map(owner).collect::<Result<_, _>>()?;
        let jid = self.rooms_jid(raw.jid, &component.jid)?;
        Ok(Rooms { service, join, nickname, unaffiliated, owners, jid })
    }

    fn rooms_jid(&self, text: Option<String>, component: &str) -> Result<String, ConfigError> {
        let Some(text) = text.filter(|text| !text.eq_ignore_ascii_case(component)) else {
            return Ok(component.to_owned());
        };
        let name = |user: &str| user.chars().any(|c| !(c.is_ascii_alphanumeric() || c == '_'));
        let ours =
            account(&text).filter(|jid| jid.split_once('@').is_some_and(|(user, at)| at == component && name(user)));
        ours.ok_or_else(|| {
            let wanted = format!(
                "must be {component}, or a name at it that no room can have, such as tasks-service@{component}"
            );
            self.invalid("rooms.jid", &text, &wanted)
        })
    }

    fn nickname(&self, text: &str) -> Result<String, ConfigError> {
        let key = "rooms.nickname";
        if text.to_lowercase().starts_with("hall") {
            let wanted = "must not start with \"hall\": clients would take the service for a hall";
            return Err(self.invalid(key, text, wanted));
        }
        self.line(key, text, 0)
    }

    fn store(&self, url: &str) -> Result<Url, ConfigError> {
        Url::parse(url, self.base()).map_err(|error| self.invalid_raw("store.url", &error.value, &error.wanted))
    }

    fn groups(&self, raw: Vec<RawGroup>) -> Result<Vec<Group>, ConfigError> {
        let mut names = BTreeSet::new();
        let mut groups = Vec::with_capacity(raw.len());
        for (nth, group) in raw.into_iter().enumerate() {
            let name = group.name.ok_or_else(|| ConfigError::Missing {
                place: self.nth_place("groups.name", nth),
                key: "groups.name",
                wanted: "give the group a name, such as \"Halls\"".to_owned(),
            })?;
            let name = composed(&self.line("groups.name", &name, nth)?).into_owned();
            if !names.insert(fold(&name)) {
                return Err(self.nth_invalid("groups.name", nth, &name, "must differ from the others, ignoring case"));
            }
            let members = self.members(&name, group.members, group.room, nth)?;
            groups.push(Group { name, members });
        }
        Ok(groups)
    }

    fn members(
        &self,
        group: &str,
        members: Option<Vec<String>>,
        room: Option<String>,
        nth: usize,
    ) -> Result<Members, ConfigError> {
        match (members, room) {
            (Some(members), None) if !members.is_empty() => {
                members.iter().map(|member| self.member(member, nth)).collect::<Result<_, _>>().map(Members::Names)
            }
            (None, Some(room)) => self.room("groups.room", &room, nth).map(Members::Room),
            (Some(_), Some(_)) => Err(self.nth_invalid("groups.name", nth, group, "has members and a room: keep one")),
            (_, None) => Err(ConfigError::Missing {
                place: self.nth_place("groups.members", nth),
                key: "groups.members",
                wanted: format!("give the group \"{group}\" members or a room"),
            }),
        }
    }

    fn member(&self, text: &str, nth: usize) -> Result<String, ConfigError> {
        let (user, host) = match text.split_once('@') {
            Some((user, host)) => (user, Some(host)),
            None => (text, None),
        };
        if is_user(user) && host.is_none_or(is_user) && text.len() <= NAME_BYTES {
            Ok(composed(text).to_lowercase())
        } else {
            let wanted =
                "must be a user name such as hall1 or boss@example.org; * stands for any characters, ? for one";
            Err(self.nth_invalid("groups.members", nth, text, wanted))
        }
    }

    fn directory(&self, raw: RawDirectory) -> Result<Option<Directory>, ConfigError> {
        let poll_s = self.number("directory.poll_s", raw.poll_s, POLL_S)?;
        let Some(text) = raw.jid else { return Ok(None) };
        let jid = account(&text).ok_or_else(|| {
            let wanted = "must be an account without resource, such as directory@example.org";
            self.invalid("directory.jid", &text, wanted)
        })?;
        Ok(Some(Directory { jid, poll_s }))
    }

    fn tasks(&self, raw: &RawTasks) -> Result<Tasks, ConfigError> {
        let visibility = match raw.visibility.as_str() {
            "all" => Visibility::All,
            "own" => Visibility::Own,
            other => return Err(self.invalid("tasks.visibility", other, "must be \"all\" or \"own\"")),
        };
        let wiki_packet = match raw.wiki_packet {
            true => WikiPacket::Sent,
            false => WikiPacket::LeftOut,
        };
        let spacing_ms = self.number("tasks.spacing_ms", raw.spacing_ms, SPACING_MS)?;
        let max_stanza_bytes = self.number("tasks.max_stanza_bytes", raw.max_stanza_bytes, STANZA_BYTES)?;
        Ok(Tasks { visibility, wiki_packet, spacing_ms, max_stanza_bytes })
    }

    fn limits(&self, raw: &RawLimits) -> Result<Limits, ConfigError> {
        let requests_per_second = self.number("limits.requests_per_second", raw.requests_per_second, PER_SECOND)?;
        let requests_burst = self.number("limits.requests_burst", raw.requests_burst, BURST)?;
        let power = self.number("limits.requests_burst_of_power", raw.requests_burst_of_power, BURST)?;
        let answers = self.number("limits.answers_kib_per_second", raw.answers_kib_per_second, ANSWERS_KIB)?;
        let burst = self.number("limits.answers_burst_kib", raw.answers_burst_kib, 1..=*ANSWERS_KIB.end())?;
        Ok(Limits {
            requests_per_second,
            requests_burst,
            requests_burst_of_power: power,
            answers_kib_per_second: answers,
            answers_burst_kib: burst,
            stored_mib_per_day: self.number("limits.stored_mib_per_day", raw.stored_mib_per_day, STORED_MIB)?,
        })
    }

    fn clock(&self, raw: RawClock) -> Result<Option<Clock>, ConfigError> {
        let file = raw.file.map(|file| self.beside("clock.file", &file)).transpose()?;
        Ok(file.map(|file| Clock { file }))
    }

    fn contacts(&self, uris: Vec<String>) -> Result<Vec<String>, ConfigError> {
        let is_uri = |uri: &str| {
            let (scheme, rest) = uri.split_once(':').unwrap_or_default();
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
            !scheme.is_empty() && scheme.chars().all(plain) && !rest.is_empty() && !uri.contains(char::is_whitespace)
        };
        match uris.iter().find(|uri| !is_uri(uri)) {
            Some(wrong) => Err(self.invalid("contact.admin", wrong, "must be a URI such as xmpp:admin@example.org")),
            None => Ok(uris),
        }
    }

    fn language(&self, text: &str) -> Result<Language, ConfigError> {
        let exact = Language::ALL.into_iter().find(|language| language.tag() == text);
        exact.ok_or_else(|| self.invalid("texts.language", text, "must be en or ru"))
    }

    fn level(&self, text: &str) -> Result<Level, ConfigError> {
        match text {
            "error" => Ok(Level::Error),
            "warn" => Ok(Level::Warn),
            "info" => Ok(Level::Info),
            "debug" => Ok(Level::Debug),
            "trace" => Ok(Level::Trace),
            _ => Err(self.invalid("log.level", text, "must be error, warn, info, debug or trace")),
        }
    }

    fn domain(&self, key: &'static str, text: &str) -> Result<String, ConfigError> {
        domain(text).map_err(|wanted| self.invalid(key, text, wanted))
    }

    fn room(&self, key: &'static str, text: &str, nth: usize) -> Result<String, ConfigError> {
        let name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !text.is_empty() && text.len() <= NAME_BYTES && name(text) {
            Ok(text.to_ascii_lowercase())
        } else {
            let wanted = "a room's name must be of the letters a-z, digits and _, without domain";
            Err(self.nth_invalid(key, nth, text, wanted))
        }
    }

    /// A text that people read: one line, no blanks around it.
    fn line(&self, key: &'static str, text: &str, nth: usize) -> Result<String, ConfigError> {
        let plain = !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control);
        if plain && text.len() <= NAME_BYTES {
            Ok(text.to_owned())
        } else {
            let wanted = format!("must be one line of 1 to {NAME_BYTES} bytes, without blanks around it");
            Err(self.nth_invalid(key, nth, text, &wanted))
        }
    }

    /// A number within bounds, none of which is negative.
    fn number<T: TryFrom<i64>>(
        &self,
        key: &'static str,
        value: i64,
        bounds: RangeInclusive<i64>,
    ) -> Result<T, ConfigError> {
        let inside = bounds.contains(&value).then(|| T::try_from(value).ok()).flatten();
        inside.ok_or_else(|| {
            let wanted = format!("must be {} to {}", bounds.start(), bounds.end());
            self.invalid_raw(key, &value.to_string(), &wanted)
        })
    }

    /// A path, relative to the configuration file.
    fn beside(&self, key: &'static str, text: &str) -> Result<PathBuf, ConfigError> {
        if text.is_empty() || text.contains('\0') {
            return Err(self.invalid(key, text, "must be the path of a file"));
        }
        Ok(self.base().join(text))
    }

    /// The folder of the configuration file.
    fn base(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    fn missing(&self, key: &'static str, wanted: &str) -> ConfigError {
        let wanted = match variable(key) {
            Some(name) => format!("{wanted} (or set {name})"),
            None => wanted.to_owned(),
        };
        ConfigError::Missing { place: self.place(key), key, wanted }
    }

    fn invalid(&self, key: &'static str, value: &str, wanted: &str) -> ConfigError {
        self.nth_invalid(key, 0, value, wanted)
    }

    fn nth_invalid(&self, key: &'static str, nth: usize, value: &str, wanted: &str) -> ConfigError {
        let value = format!("{value:?}");
        ConfigError::Invalid { place: self.nth_place(key, nth), key, value, wanted: wanted.to_owned() }
    }

    /// For a value that is no text, or that must not be repeated in full.
    fn invalid_raw(&self, key: &'static str, value: &str, wanted: &str) -> ConfigError {
        ConfigError::Invalid { place: self.place(key), key, value: value.to_owned(), wanted: wanted.to_owned() }
    }

    fn place(&self, key: &str) -> Place {
        self.nth_place(key, 0)
    }

    /// Where the key was given, in the `nth` section of its name; for a key not given, where the section is.
    fn nth_place(&self, key: &str, nth: usize) -> Place {
        let name = variable(key).or_else(|| variable(key.split('.').next()?));
        match name.filter(|name| self.variables.contains(name)) {
            Some(name) => Place::Variable(name),
            None => Place::File(self.path.to_owned(), line_of(self.text, key, nth)),
        }
    }
}

/// Whether this may be the local part of a JID, or a pattern for it.
fn is_user(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '@' || NOT_IN_USER.contains(&c);
    !text.is_empty() && !text.contains(odd)
}

fn parse_server(text: &str) -> Option<Server> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match bracketed {
        Some(host) => host.parse::<Ipv6Addr>().ok().map(|_| host)?,
        None => domain(host).ok().map(|_| host)?,
    };
    Some(Server { host: host.to_owned(), port })
}

/// The environment variable of a key such as `tasks.spacing_ms`.
fn variable(key: &str) -> Option<&'static str> {
    let mut fields = KEYS.fields;
    for part in key.split('.') {
        match fields.iter().find(|field| field.name == part)?.kind {
            FieldKind::Nested { meta } => fields = meta.fields,
            FieldKind::Leaf { env, .. } if key.ends_with(part) => return env,
            FieldKind::Leaf { .. } => return None,
        }
    }
    None
}

/// What the environment says, in the shape of the file. The names of the variables used are added to `variables`.
///
/// Not confique's own reading of the environment: that takes the process's, which tests cannot change.
fn env_layer(
    path: &Path,
    env: &impl Fn(&str) -> Option<String>,
    variables: &mut BTreeSet<&'static str>,
) -> Result<RawLayer, ConfigError> {
    let mut object = Map::new();
    for field in KEYS.fields {
        match field.kind {
            FieldKind::Leaf { .. } => env_field(field, env, variables, &mut object)?,
            FieldKind::Nested { meta } => {
                let mut section = Map::new();
                for field in meta.fields {
                    env_field(field, env, variables, &mut section)?;
                }
                object.insert(field.name.to_owned(), Value::Object(section));
            }
        }
    }
    // The values have the shapes that the keys ask for, so this does not fail.
    serde_json::from_value(Value::Object(object)).map_err(|error| ConfigError::Syntax {
        place: Place::File(path.to_owned(), None),
        message: format!("the environment does not fit: {error}"),
    })
}

fn env_field(
    field: &Field,
    env: &impl Fn(&str) -> Option<String>,
    variables: &mut BTreeSet<&'static str>,
    section: &mut Map<String, Value>,
) -> Result<(), ConfigError> {
    let FieldKind::Leaf { env: Some(name), kind } = field.kind else { return Ok(()) };
    let Some(text) = env(name).filter(|text| !text.is_empty()) else { return Ok(()) };
    let wrong = |wanted: &str| ConfigError::WrongType {
        place: Place::Variable(name),
        key: "its value".to_owned(),
        found: format!("{text:?}"),
        wanted: wanted.to_owned(),
    };
    let value = match kind {
        LeafKind::Required { default: Some(Expr::Bool(_)) } => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Value::Bool(true),
            "false" | "no" | "0" => Value::Bool(false),
            _ => return Err(wrong("true or false")),
        },
        LeafKind::Required { default: Some(Expr::Integer(_)) } => {
            Value::from(text.trim().parse::<i64>().map_err(|_| wrong("a whole number"))?)
        }
        LeafKind::Required { default: Some(Expr::Array(_)) } => env_list(&text),
        _ if field.name == "groups" => env_groups(&text)
            .ok_or_else(|| wrong("NAME=USER,USER or NAME=room:ROOM, with semicolons between groups"))?,
        _ => Value::String(text),
    };
    variables.insert(name);
    section.insert(field.name.to_owned(), value);
    Ok(())
}

/// `a, b` as a list.
fn env_list(text: &str) -> Value {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Value::from).collect()
}

/// `Halls=hall*,aux?; Jury=room:jury` as `[[groups]]`.
fn env_groups(text: &str) -> Option<Value> {
    let groups = text.split(';').map(str::trim).filter(|group| !group.is_empty());
    let group = |group: &str| {
        let (name, members) = group.split_once('=')?;
        let (key, members) = match members.trim().strip_prefix("room:") {
            Some(room) => ("room", Value::from(room.trim())),
            None => ("members", env_list(members)),
        };
        let pairs = [("name".to_owned(), Value::from(name.trim())), (key.to_owned(), members)];
        Some(Value::Object(pairs.into_iter().collect()))
    };
    groups.map(group).collect()
}

/// What the TOML parser says, taken apart: it quotes whole lines of the file, and one of them may hold the secret.
///
/// confique gives the parser's error as text only, so the line is read from that text; a test holds its form.
fn parse_error(path: &Path, text: &str, error: &confique::Error) -> ConfigError {
    let report = match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    };
    let (line, message) = match report.strip_prefix("TOML parse error at line ") {
        Some(rest) => {
            let line = rest.split(',').next().and_then(|line| line.parse::<usize>().ok());
            // The heading, and three lines that quote the file.
            (line, report.lines().skip(4).collect::<Vec<_>>().join(" "))
        }
        None => (None, report.lines().next().unwrap_or_default().to_owned()),
    };
    let place = Place::File(path.to_owned(), line);
    let key = line.map(|line| key_at(text, line)).unwrap_or_default();
    if let Some((name, allowed)) = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
        let allowed = allowed.trim_start_matches(", expected ").trim_start_matches("one of ").to_owned();
        let key = match key.split('.').any(|part| part == name) {
            true => key,
            false => join(&key, name),
        };
        return ConfigError::UnknownKey { place, key, allowed };
    }
    match message.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((found, wanted)) => {
            // In the place of the whole section may stand what was meant to be the secret.
            let hidden = key == "component" || key.contains("secret");
            let found = if hidden { "of another type" } else { found };
            let found = found.replace('`', "");
            ConfigError::WrongType { place, key, found, wanted: in_words(wanted).to_owned() }
        }
        None if line.is_some_and(|line| lacks_quotes(text, line)) => {
            ConfigError::Syntax { place, message: format!("{key}: a text must stand in quotes") }
        }
        None => ConfigError::Syntax { place, message },
    }
}

/// Whether the value in a line looks like a bare word, of which the parser says only that it is no number.
fn lacks_quotes(text: &str, line: usize) -> bool {
    let value = text.lines().nth(line.saturating_sub(1)).and_then(|content| content.split_once('='));
    let word = value.map(|(_, value)| value.split('#').next().unwrap_or_default().trim()).unwrap_or_default();
    word.starts_with(char::is_alphabetic) && !["true", "false", "inf", "nan"].contains(&word)
}

/// What a type of serde is called by people who write TOML.
fn in_words(wanted: &str) -> &str {
    match wanted {
        "i64" => "a whole number",
        "a boolean" => "true or false",
        "a string" => "a text in quotes",
        "a sequence" => "a list in brackets",
        wanted if wanted.starts_with("struct ") => "a section of keys",
        wanted => wanted,
    }
}

/// The name in a line such as `[tasks]` or `[[groups]]`.
fn header(line: &str) -> Option<&str> {
    let name = line.trim().strip_prefix('[')?;
    name.trim_start_matches('[').split(']').next().map(str::trim)
}

fn join(section: &str, key: &str) -> String {
    match section {
        "" => key.to_owned(),
        _ => format!("{section}.{key}"),
    }
}

/// The key that is given in a line, with its section. For messages only: it does not know every form of TOML.
fn key_at(text: &str, line: usize) -> String {
    let mut section = "";
    for (at, content) in text.lines().enumerate().take(line) {
        if let Some(name) = header(content) {
            section = name;
        } else if at + 1 == line {
            return match content.split_once('=') {
                Some((key, _)) => join(section, key.trim()),
                None => section.to_owned(),
            };
        }
    }
    section.to_owned()
}

/// The line where a key is given in the `nth` section of its name, else the line of that section.
/// For messages only: it does not know every form of TOML.
fn line_of(text: &str, key: &str, nth: usize) -> Option<usize> {
    let (section, name) = key.rsplit_once('.')?;
    let (mut current, mut seen, mut found) = ("", 0, None);
    for (at, content) in text.lines().enumerate() {
        if let Some(header) = header(content) {
            current = header;
            seen += usize::from(header == section);
            if header == section && seen == nth + 1 {
                found = Some(at + 1);
            }
        } else if let Some((given, _)) = content.split_once('=') {
            let given = given.trim();
            let inside = current == section && seen == nth + 1 && given == name;
            if inside || (current.is_empty() && given == key) {
                return Some(at + 1);
            }
        }
    }
    found
}

impl Secret {
    /// The text itself, for the handshake only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own complaint would quote a secret that somebody wrote without quotes, as a number.
        let text = String::deserialize(deserializer)
            .map_err(|_| serde::de::Error::custom("invalid type: of another type, expected a string"))?;
        Ok(Secret(text))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path, Some(line)) => write!(f, "{}:{line}", path.display()),
            Place::File(path, None) => write!(f, "{}", path.display()),
            Place::Variable(name) => f.write_str(name),
        }
    }
}

/// The settings in force, one a line, for `neerc check`. Never the secret.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Config { component, rooms, store, groups, directory, tasks, clock, limits, language, contacts, log_level } =
            self;
        writeln!(f, "component.jid = {}", component.jid)?;
        writeln!(f, "component.server = {}", component.server)?;
        writeln!(f, "component.secret = {:?}", component.secret)?;
        writeln!(f, "component.host = {}", component.host)?;
        writeln!(f, "rooms.service = {}", rooms.service)?;
        writeln!(f, "rooms.join = {}", rooms.join.join(", "))?;
        writeln!(f, "rooms.nickname = {}", rooms.nickname)?;
        writeln!(f, "rooms.admit_unaffiliated = {}", rooms.unaffiliated == Unaffiliated::Admitted)?;
        writeln!(f, "rooms.owners = {}", rooms.owners.join(", "))?;
        writeln!(f, "rooms.jid = {}", rooms.jid)?;
        writeln!(f, "store.url = {store}")?;
        for Group { name, members } in groups {
            match members {
                Members::Names(names) => writeln!(f, "group {name} = {}", names.join(", "))?,
                Members::Room(room) => writeln!(f, "group {name} = members of the room {room}")?,
            }
        }
        match directory {
            Some(Directory { jid, poll_s }) => writeln!(f, "directory = {jid}, every {poll_s} s")?,
            None => writeln!(f, "directory = (off)")?,
        }
        let visibility = match tasks.visibility {
            Visibility::All => "all",
            Visibility::Own => "own",
        };
        writeln!(f, "tasks.visibility = {visibility}")?;
        writeln!(f, "tasks.wiki_packet = {}", tasks.wiki_packet == WikiPacket::Sent)?;
        writeln!(f, "tasks.spacing_ms = {}", tasks.spacing_ms)?;
        writeln!(f, "tasks.max_stanza_bytes = {}", tasks.max_stanza_bytes)?;
        match clock {
            Some(Clock { file }) => writeln!(f, "clock.file = {}", file.display())?,
            None => writeln!(f, "clock = (off)")?,
        }
        writeln!(f, "limits.requests_per_second = {}", limits.requests_per_second)?;
        writeln!(f, "limits.requests_burst = {}", limits.requests_burst)?;
        writeln!(f, "limits.requests_burst_of_power = {}", limits.requests_burst_of_power)?;
        writeln!(f, "limits.answers_kib_per_second = {}", limits.answers_kib_per_second)?;
        writeln!(f, "limits.answers_burst_kib = {}", limits.answers_burst_kib)?;
        writeln!(f, "limits.stored_mib_per_day = {}", limits.stored_mib_per_day)?;
        writeln!(f, "texts.language = {}", language.tag())?;
        writeln!(f, "contact.admin = {}", contacts.join(", "))?;
        writeln!(f, "log.level = {}", log_level.as_str())
    }
}

impl Level {
    /// As in the file, and as tracing's filters name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// The shortest file that loads: two lines, `[component]` open for more.
    const LEAST: &str = "[component]\njid = \"neerc.localhost\"\nsecret = \"s3cret\"\n";

    /// A folder of its own for each file, gone afterwards.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            let nth = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("neerc-config-{}-{nth}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Folder(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// Loads the text as `neerc.toml`; an error is its whole text, with the folder left out.
    fn load(toml: &str, env: &[(&str, &str)]) -> Result<Config, String> {
        let folder = Folder::new();
        std::fs::write(folder.0.join("secret.txt"), "from file\n").unwrap();
        std::fs::write(folder.0.join("crlf.txt"), "from file\r\n").unwrap();
        std::fs::write(folder.0.join("two-lines.txt"), "from\nfile\n").unwrap();
        std::fs::write(folder.0.join("empty.txt"), "\n").unwrap();
        let path = folder.0.join("neerc.toml");
        std::fs::write(&path, toml).unwrap();
        let variable = |name: &str| {
            let value = env.iter().find(|(key, _)| *key == name)?.1;
            Some(value.to_owned())
        };
        let prefix = format!("{}/", folder.0.display());
        let config = Config::load(&path, variable);
        if let Err(error) = &config {
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        config.map_err(|error| error.to_string().replace(&prefix, ""))
    }

    fn error(toml: &str, env: &[(&str, &str)]) -> String {
        load(toml, env).map(|config| format!("loaded: {config}")).unwrap_or_else(|error| error)
    }

    #[test]
    fn the_least_file_gives_the_defaults() {
        let config = load(LEAST, &[]).unwrap();
        let Url::Sqlite(path) = &config.store;
        assert_eq!(path.file_name().unwrap(), "neerc.db");
        assert!(path.is_absolute(), "beside the file: {}", path.display());
        let text = config.to_string();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("store.url")).collect();
        assert_eq!(
            lines,
            [
                "component.jid = neerc.localhost",
                "component.server = 127.0.0.1:5347",
                "component.secret = (hidden)",
                "component.host = localhost",
                "rooms.service = conference.localhost",
                "rooms.join = neerc",
                "rooms.nickname = neerc",
                "rooms.admit_unaffiliated = false",
                "rooms.owners = ",
                "rooms.jid = neerc.localhost",
                "directory = (off)",
                "tasks.visibility = all",
                "tasks.wiki_packet = true",
                "tasks.spacing_ms = 50",
                "tasks.max_stanza_bytes = 262144",
                "clock = (off)",
                "limits.requests_per_second = 20",
                "limits.requests_burst = 60",
                "limits.requests_burst_of_power = 1000",
                "limits.answers_kib_per_second = 128",
                "limits.answers_burst_kib = 4096",
                "limits.stored_mib_per_day = 64",
                "texts.language = en",
                "contact.admin = ",
                "log.level = info",
            ]
        );
    }

    #[test]
    fn everything_can_be_given_in_the_file() {
        let toml = r#"
[component]
jid = "NEERC.Example.org"
server = "[::1]:5275"
secret_file = "secret.txt"
host = "Users.Example.org"
[rooms]
service = "Rooms.Example.org"
join = ["Neerc", "school_2"]
nickname = "The Tasks"
admit_unaffiliated = true
owners = ["You@Example.org"]
jid = "Tasks-service@NEERC.example.org"
[store]
url = "sqlite:/var/lib/neerc/neerc.db"
[[groups]]
name = "Halls"
members = ["Hall*", "aux?", "boss@elsewhere.org"]
[[groups]]
name = "Jury"
room = "Jury"
[directory]
jid = "Directory@Example.org"
poll_s = 5
[tasks]
visibility = "own"
wiki_packet = false
spacing_ms = 0
max_stanza_bytes = 524288
[clock]
file = "/run/clock.xml"
[limits]
requests_per_second = 0
requests_burst = 7
requests_burst_of_power = 8
answers_kib_per_second = 0
answers_burst_kib = 9
stored_mib_per_day = 10
[texts]
language = "ru"
[contact]
admin = ["xmpp:admin@example.org", "mailto:admin@example.org"]
[log]
level = "trace"
"#;
        let names = ["hall*", "aux?", "boss@elsewhere.org"].map(str::to_owned).to_vec();
        let expect = Config {
            component: Component {
                jid: "neerc.example.org".to_owned(),
                server: Server { host: "::1".to_owned(), port: 5275 },
                secret: Secret("from file".to_owned()),
                secret_at: None,
                host: "users.example.org".to_owned(),
            },
            rooms: Rooms {
                service: "rooms.example.org".to_owned(),
                join: vec!["neerc".to_owned(), "school_2".to_owned()],
                nickname: "The Tasks".to_owned(),
                unaffiliated: Unaffiliated::Admitted,
                owners: vec!["you@example.org".to_owned()],
                jid: "tasks-service@neerc.example.org".to_owned(),
            },
            store: Url::Sqlite(PathBuf::from("/var/lib/neerc/neerc.db")),
            groups: vec![
                Group { name: "Halls".to_owned(), members: Members::Names(names) },
                Group { name: "Jury".to_owned(), members: Members::Room("jury".to_owned()) },
            ],
            directory: Some(Directory { jid: "directory@example.org".to_owned(), poll_s: 5 }),
            tasks: Tasks {
                visibility: Visibility::Own,
                wiki_packet: WikiPacket::LeftOut,
                spacing_ms: 0,
                max_stanza_bytes: 524_288,
            },
            clock: Some(Clock { file: PathBuf::from("/run/clock.xml") }),
            limits: Limits {
                requests_per_second: 0,
                requests_burst: 7,
                requests_burst_of_power: 8,
                answers_kib_per_second: 0,
                answers_burst_kib: 9,
                stored_mib_per_day: 10,
            },
            language: Language::Russian,
            contacts: vec!["xmpp:admin@example.org".to_owned(), "mailto:admin@example.org".to_owned()],
            log_level: Level::Trace,
        };
        let mut loaded = load(toml, &[]).unwrap();
        assert!(loaded.component.secret_at.take().unwrap().ends_with("secret.txt"));
        assert_eq!(loaded, expect);
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
        let toml = format!(
            "{LEAST}[tasks]\nspacing_ms = 70\nmax_stanza_bytes = 20000\n[[groups]]\nname = \"Old\"\nroom = \"old\"\n"
        );
        let env = [
            ("NEERC_TASKS_SPACING_MS", " 80 "),
            ("NEERC_TASKS_WIKI_PACKET", "No"),
            ("NEERC_ROOMS_JOIN", "neerc, School,"),
            ("NEERC_COMPONENT_SERVER", "xmpp:5275"),
            ("NEERC_GROUPS", "Halls=hall*, aux? ; Jury = room:Jury;"),
            ("NEERC_ROOMS_NICKNAME", ""),
        ];
        let config = load(&toml, &env).unwrap();
        assert_eq!((config.tasks.spacing_ms, config.tasks.max_stanza_bytes), (80, 20_000));
        assert_eq!(config.tasks.wiki_packet, WikiPacket::LeftOut);
        assert_eq!(config.rooms.join, ["neerc", "school"]);
        assert_eq!(config.rooms.nickname, "neerc", "an empty variable is no value");
        assert_eq!(config.component.server.to_string(), "xmpp:5275");
        let names = vec!["hall*".to_owned(), "aux?".to_owned()];
        assert_eq!(
            config.groups,
            [
                Group { name: "Halls".to_owned(), members: Members::Names(names) },
                Group { name: "Jury".to_owned(), members: Members::Room("jury".to_owned()) },
            ]
        );
    }

    #[test]
    fn a_secret_in_the_environment_replaces_the_one_in_the_file_in_either_form() {
        let jid = "[component]\njid = \"neerc.localhost\"\n";
        let secret = "secret = \"s3cret\"\n";
        let file = "secret_file = \"crlf.txt\"\n";
        let by_text = ("NEERC_COMPONENT_SECRET", "from env");
        let by_file = ("NEERC_COMPONENT_SECRET_FILE", "secret.txt");
        for (written, env, expect) in [
            (secret, None, "s3cret"),
            (file, None, "from file"),
            (secret, Some(by_text), "from env"),
            (file, Some(by_text), "from env"),
            (secret, Some(by_file), "from file"),
            ("", Some(by_file), "from file"),
        ] {
            let env: Vec<_> = env.into_iter().collect();
            let config = load(&format!("{jid}{written}"), &env).unwrap();
            assert_eq!(config.component.secret.expose(), expect, "{written} {env:?}");
        }
        assert_eq!(
            error(&format!("{jid}{secret}{file}"), &[]),
            "neerc.toml:4: both component.secret and component.secret_file are given: keep one of them"
        );
        assert_eq!(
            error(jid, &[by_text, by_file]),
            "NEERC_COMPONENT_SECRET_FILE: both component.secret and component.secret_file are given: keep one of them"
        );
    }

    /// (file, its error)
    const WRONG_FILES: &[(&str, &str)] = &[
        (
            "",
            "neerc.toml: component.jid is missing: give the service's own domain, such as neerc.example.org (or set NEERC_COMPONENT_JID)",
        ),
        (
            "\n[component]\n",
            "neerc.toml:2: component.jid is missing: give the service's own domain, such as neerc.example.org (or set NEERC_COMPONENT_JID)",
        ),
        (
            "[component]\njid = \"n.localhost\"",
            "neerc.toml:1: component.secret is missing: give component.secret or component.secret_file (or set NEERC_COMPONENT_SECRET)",
        ),
        (
            "[component]\njid = \"neerc\"",
            "neerc.toml:1: component.host is missing: give the users' domain, since it cannot be told from component.jid \"neerc\" (or set NEERC_COMPONENT_HOST)",
        ),
        (
            "[component]\njid = \"neerc@localhost\"",
            "neerc.toml:2: component.jid is \"neerc@localhost\": must be a domain alone, such as neerc.example.org, without user name, resource or port",
        ),
        ("[component]\njid = neerc", "neerc.toml:2: component.jid: a text must stand in quotes"),
        ("[component]\njid = 7", "neerc.toml:2: component.jid is integer 7, but must be a text in quotes"),
        ("[component]\nsecret = hunter2", "neerc.toml:2: component.secret: a text must stand in quotes"),
        (
            "[component]\nsecret = [\"hunter2\"]",
            "neerc.toml:2: component.secret is of another type, but must be a text in quotes",
        ),
        ("component = \"hunter2\"", "neerc.toml:1: component is of another type, but must be a section of keys"),
        (
            "component = { secret = 1, jid = 2 }",
            "neerc.toml:1: component is of another type, but must be a text in quotes",
        ),
        (
            "[component]\nsecert = \"hunter2\"",
            "neerc.toml:2: unknown key `component.secert`; allowed here: `jid`, `server`, `secret`, `secret_file`, `host`",
        ),
        ("[component]\njid = \"a\"\njid = \"b\"", "neerc.toml:3: duplicate key"),
        (
            "[task]\n",
            "neerc.toml:1: unknown key `task`; allowed here: `component`, `rooms`, `store`, `groups`, `directory`, `tasks`, `clock`, `limits`, `texts`, `contact`, `log`",
        ),
        ("[store]\npath = \"x\"", "neerc.toml:2: unknown key `store.path`; allowed here: `url`"),
        ("store = { path = \"x\" }", "neerc.toml:1: unknown key `store.path`; allowed here: `url`"),
        (
            "tasks.spacing = 1",
            "neerc.toml:1: unknown key `tasks.spacing`; allowed here: `visibility`, `wiki_packet`, `spacing_ms`, `max_stanza_bytes`",
        ),
        (
            "[[groups]]\nname = \"a\"\nuser = \"b\"",
            "neerc.toml:3: unknown key `groups.user`; allowed here: `name`, `members`, `room`",
        ),
        (
            "# one\n[tasks]\n# two\nspacing_ms = \"fast\"",
            "neerc.toml:4: tasks.spacing_ms is string \"fast\", but must be a whole number",
        ),
        ("[tasks]\nwiki_packet = 1", "neerc.toml:2: tasks.wiki_packet is integer 1, but must be true or false"),
        ("[rooms]\njoin = \"neerc\"", "neerc.toml:2: rooms.join is string \"neerc\", but must be a list in brackets"),
        ("tasks = 1", "neerc.toml:1: tasks is integer 1, but must be a section of keys"),
        ("[tasks\n", "neerc.toml:1: unclosed table, expected `]`"),
    ];

    /// (what follows the least file, whose lines are 1 to 3, its error)
    const WRONG_VALUES: &[(&str, &str)] = &[
        (
            "server = \"localhost\"",
            "neerc.toml:4: component.server is \"localhost\": must be host:port, such as 127.0.0.1:5347 or [::1]:5347",
        ),
        (
            "server = \"localhost:0\"",
            "neerc.toml:4: component.server is \"localhost:0\": must be host:port, such as 127.0.0.1:5347 or [::1]:5347",
        ),
        (
            "server = \"::1:5347\"",
            "neerc.toml:4: component.server is \"::1:5347\": must be host:port, such as 127.0.0.1:5347 or [::1]:5347",
        ),
        (
            "host = \"a..b\"",
            "neerc.toml:4: component.host is \"a..b\": must be a domain alone, such as neerc.example.org, without user name, resource or port",
        ),
        (
            "[rooms]\nservice = \"a/b\"",
            "neerc.toml:5: rooms.service is \"a/b\": must be a domain alone, such as neerc.example.org, without user name, resource or port",
        ),
        ("[rooms]\njoin = []", "neerc.toml:5: rooms.join is []: must name at least one room"),
        (
            "[rooms]\njoin = [\"a\", \"b c\"]",
            "neerc.toml:5: rooms.join is \"b c\": a room's name must be of the letters a-z, digits and _, without domain",
        ),
        (
            "[rooms]\nowners = [\"admin\"]",
            "neerc.toml:5: rooms.owners is \"admin\": must be an account such as you@example.org",
        ),
        (
            "[rooms]\njid = \"tasks@neerc.localhost\"",
            "neerc.toml:5: rooms.jid is \"tasks@neerc.localhost\": must be neerc.localhost, or a name at it that no room can have, such as tasks-service@neerc.localhost",
        ),
        ("[rooms]\njoin = [\"a\", \"A\"]", "neerc.toml:5: rooms.join is \"a\": must be named once only, ignoring case"),
        (
            "[rooms]\nnickname = \"Hallmaster\"",
            "neerc.toml:5: rooms.nickname is \"Hallmaster\": must not start with \"hall\": clients would take the service for a hall",
        ),
        (
            "[rooms]\nnickname = \" neerc\"",
            "neerc.toml:5: rooms.nickname is \" neerc\": must be one line of 1 to 255 bytes, without blanks around it",
        ),
        (
            "[store]\nurl = \"postgres://u:hunter2@db/neerc\"",
            "neerc.toml:5: store.url is \"postgres:...\": not supported by this version; it must be \"sqlite:\" and a path, such as sqlite:neerc.db or sqlite:/var/lib/neerc/neerc.db",
        ),
        (
            "[store]\nurl = \"mysql://u:hunter2@db/neerc\"",
            "neerc.toml:5: store.url is \"...@db/neerc\": must be \"sqlite:\" and a path, such as sqlite:neerc.db or sqlite:/var/lib/neerc/neerc.db",
        ),
        (
            "[store]\nurl = \"neerc.db\"",
            "neerc.toml:5: store.url is \"neerc.db\": must be \"sqlite:\" and a path, such as sqlite:neerc.db or sqlite:/var/lib/neerc/neerc.db",
        ),
        (
            "[store]\nurl = \"sqlite:\"",
            "neerc.toml:5: store.url is \"sqlite:\": must be \"sqlite:\" and a path, such as sqlite:neerc.db or sqlite:/var/lib/neerc/neerc.db",
        ),
        (
            "[store]\nurl = \"sqlite::memory:\"",
            "neerc.toml:5: store.url is \"sqlite::memory:\": must be a file: what is answered is on disk",
        ),
        ("[[groups]]\nroom = \"a\"", "neerc.toml:4: groups.name is missing: give the group a name, such as \"Halls\""),
        ("[[groups]]\nname = \"a\"", "neerc.toml:4: groups.members is missing: give the group \"a\" members or a room"),
        (
            "[[groups]]\nname = \"a\"\nmembers = []",
            "neerc.toml:6: groups.members is missing: give the group \"a\" members or a room",
        ),
        (
            "[[groups]]\nname = \"a\"\nmembers = [\"b\"]\nroom = \"c\"",
            "neerc.toml:5: groups.name is \"a\": has members and a room: keep one",
        ),
        (
            "[[groups]]\nname = \"a\"\nroom = \"a\"\n[[groups]]\nname = \"A\"\nroom = \"b\"",
            "neerc.toml:8: groups.name is \"A\": must differ from the others, ignoring case",
        ),
        (
            "[[groups]]\nname = \"a\"\nroom = \"a\"\n[[groups]]\nname = \"b\"\nroom = \"b@c\"",
            "neerc.toml:9: groups.room is \"b@c\": a room's name must be of the letters a-z, digits and _, without domain",
        ),
        (
            "[[groups]]\nname = \"a\"\nmembers = [\"hall 1\"]",
            "neerc.toml:6: groups.members is \"hall 1\": must be a user name such as hall1 or boss@example.org; * stands for any characters, ? for one",
        ),
        (
            "[directory]\njid = \"directory\"",
            "neerc.toml:5: directory.jid is \"directory\": must be an account without resource, such as directory@example.org",
        ),
        (
            "[directory]\njid = \"a@b/c\"",
            "neerc.toml:5: directory.jid is \"a@b/c\": must be an account without resource, such as directory@example.org",
        ),
        ("[directory]\njid = \"a@b\"\npoll_s = 0", "neerc.toml:6: directory.poll_s is 0: must be 1 to 86400"),
        ("[tasks]\nvisibility = \"some\"", "neerc.toml:5: tasks.visibility is \"some\": must be \"all\" or \"own\""),
        ("[tasks]\nspacing_ms = -1", "neerc.toml:5: tasks.spacing_ms is -1: must be 0 to 10000"),
        ("[tasks]\nspacing_ms = 10001", "neerc.toml:5: tasks.spacing_ms is 10001: must be 0 to 10000"),
        ("[tasks]\nmax_stanza_bytes = 16383", "neerc.toml:5: tasks.max_stanza_bytes is 16383: must be 16384 to 524288"),
        (
            "[tasks]\nmax_stanza_bytes = 524289",
            "neerc.toml:5: tasks.max_stanza_bytes is 524289: must be 16384 to 524288",
        ),
        ("[clock]\nfile = \"\"", "neerc.toml:5: clock.file is \"\": must be the path of a file"),
        ("[texts]\nlanguage = \"RU\"", "neerc.toml:5: texts.language is \"RU\": must be en or ru"),
        (
            "[contact]\nadmin = [\"xmpp:a@b\", \"a@b\"]",
            "neerc.toml:5: contact.admin is \"a@b\": must be a URI such as xmpp:admin@example.org",
        ),
        ("[log]\nlevel = \"loud\"", "neerc.toml:5: log.level is \"loud\": must be error, warn, info, debug or trace"),
    ];

    /// (variable, value, error)
    const WRONG_VARIABLES: &[(&str, &str, &str)] = &[
        ("NEERC_TASKS_SPACING_MS", "fast", "NEERC_TASKS_SPACING_MS: its value is \"fast\", but must be a whole number"),
        ("NEERC_TASKS_SPACING_MS", "99999", "NEERC_TASKS_SPACING_MS: tasks.spacing_ms is 99999: must be 0 to 10000"),
        (
            "NEERC_TASKS_WIKI_PACKET",
            "maybe",
            "NEERC_TASKS_WIKI_PACKET: its value is \"maybe\", but must be true or false",
        ),
        (
            "NEERC_ROOMS_JOIN",
            "a,b c",
            "NEERC_ROOMS_JOIN: rooms.join is \"b c\": a room's name must be of the letters a-z, digits and _, without domain",
        ),
        ("NEERC_ROOMS_JOIN", ",", "NEERC_ROOMS_JOIN: rooms.join is []: must name at least one room"),
        (
            "NEERC_GROUPS",
            "Halls",
            "NEERC_GROUPS: its value is \"Halls\", but must be NAME=USER,USER or NAME=room:ROOM, with semicolons between groups",
        ),
        (
            "NEERC_GROUPS",
            "Halls=",
            "NEERC_GROUPS: groups.members is missing: give the group \"Halls\" members or a room",
        ),
        (
            "NEERC_COMPONENT_SECRET",
            "hunter2\n",
            "NEERC_COMPONENT_SECRET: component.secret is (hidden): must be one line without control characters",
        ),
        (
            "NEERC_COMPONENT_SECRET_FILE",
            "two-lines.txt",
            "NEERC_COMPONENT_SECRET_FILE: component.secret_file is (hidden): must be one line without control characters",
        ),
        (
            "NEERC_COMPONENT_SECRET_FILE",
            "empty.txt",
            "NEERC_COMPONENT_SECRET_FILE: component.secret_file is (hidden): must not be empty",
        ),
        (
            "NEERC_COMPONENT_SECRET_FILE",
            "nowhere.txt",
            "NEERC_COMPONENT_SECRET_FILE: cannot read component.secret_file nowhere.txt",
        ),
    ];

    #[test]
    fn errors_name_the_place_the_key_the_value_and_what_would_be_right() {
        let files = WRONG_FILES.iter().map(|(toml, expect)| ((*toml).to_owned(), *expect));
        let values = WRONG_VALUES.iter().map(|(rest, expect)| (format!("{LEAST}{rest}\n"), *expect));
        let files = files.chain(values).map(|(toml, expect)| (error(&toml, &[]), expect));
        let variables = WRONG_VARIABLES.iter();
        let variables = variables.map(|(name, value, expect)| (error(LEAST, &[(name, value)]), *expect));
        let wrong: Vec<_> = files.chain(variables).filter(|(said, expect)| said != expect).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_file_that_is_not_there() {
        let error = Config::load(Path::new("/nowhere/neerc.toml"), |_| None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read the configuration /nowhere/neerc.toml (`neerc init` writes a new one)"
        );
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let base = |path| Check { path: Path::new(path), text: "", variables: BTreeSet::new() };
        let store = |path, url| base(path).store(url).unwrap();
        assert_eq!(store("neerc.toml", "sqlite:neerc.db"), Url::Sqlite("neerc.db".into()));
        assert_eq!(store("/etc/neerc/neerc.toml", "sqlite:a/b.db"), Url::Sqlite("/etc/neerc/a/b.db".into()));
        assert_eq!(store("/etc/neerc/neerc.toml", "sqlite:/b.db"), Url::Sqlite("/b.db".into()));
        assert_eq!(base("/etc/neerc.toml").beside("clock.file", "c.xml").unwrap(), Path::new("/etc/c.xml"));
    }

    #[test]
    fn nothing_prints_the_secret() {
        let config = load(&LEAST.replace("s3cret", "hunter2"), &[]).unwrap();
        assert_eq!(config.component.secret.expose(), "hunter2");
        for text in [format!("{config}"), format!("{config:?}"), format!("{config:#?}")] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn every_key_has_its_environment_variable_and_its_words() {
        let mut leaves = 0;
        for section in KEYS.fields {
            assert!(!section.doc.is_empty(), "{}", section.name);
            let keys = match section.kind {
                FieldKind::Nested { meta } => meta.fields.to_vec(),
                FieldKind::Leaf { env, .. } => {
                    assert_eq!(env, Some(&*format!("NEERC_{}", section.name.to_uppercase())));
                    continue;
                }
            };
            for key in keys {
                let FieldKind::Leaf { env, .. } = key.kind else { panic!("{} is a section in a section", key.name) };
                let path = format!("{}.{}", section.name, key.name);
                assert_eq!(env, Some(&*format!("NEERC_{}", path.replace('.', "_").to_uppercase())));
                assert_eq!(variable(&path), env);
                assert!(!key.doc.is_empty(), "{path}");
                leaves += 1;
            }
        }
        assert_eq!(leaves, 28, "a new key needs a row in the tables above");
    }

    #[test]
    fn every_variable_is_heard() {
        let rows = [
            ("NEERC_COMPONENT_JID", "x.org", "component.jid = x.org"),
            ("NEERC_COMPONENT_SERVER", "x:1", "component.server = x:1"),
            ("NEERC_COMPONENT_HOST", "x.org", "component.host = x.org"),
            ("NEERC_ROOMS_SERVICE", "x.org", "rooms.service = x.org"),
            ("NEERC_ROOMS_JOIN", "x,y", "rooms.join = x, y"),
            ("NEERC_ROOMS_NICKNAME", "x", "rooms.nickname = x"),
            ("NEERC_ROOMS_ADMIT_UNAFFILIATED", "1", "rooms.admit_unaffiliated = true"),
            ("NEERC_ROOMS_OWNERS", "You@x.org, b@y", "rooms.owners = you@x.org, b@y"),
            ("NEERC_ROOMS_JID", "a-b@neerc.localhost", "rooms.jid = a-b@neerc.localhost"),
            ("NEERC_STORE_URL", "sqlite:/x.db", "store.url = sqlite:/x.db"),
            ("NEERC_GROUPS", "X=room:y", "group X = members of the room y"),
            ("NEERC_DIRECTORY_JID", "x@y", "directory = x@y, every 60 s"),
            ("NEERC_TASKS_VISIBILITY", "own", "tasks.visibility = own"),
            ("NEERC_TASKS_WIKI_PACKET", "0", "tasks.wiki_packet = false"),
            ("NEERC_TASKS_SPACING_MS", "1", "tasks.spacing_ms = 1"),
            ("NEERC_TASKS_MAX_STANZA_BYTES", "16384", "tasks.max_stanza_bytes = 16384"),
            ("NEERC_CLOCK_FILE", "/x.xml", "clock.file = /x.xml"),
            ("NEERC_LIMITS_REQUESTS_PER_SECOND", "5", "limits.requests_per_second = 5"),
            ("NEERC_LIMITS_REQUESTS_BURST", "9", "limits.requests_burst = 9"),
            ("NEERC_LIMITS_REQUESTS_BURST_OF_POWER", "7", "limits.requests_burst_of_power = 7"),
            ("NEERC_LIMITS_ANSWERS_KIB_PER_SECOND", "6", "limits.answers_kib_per_second = 6"),
            ("NEERC_LIMITS_ANSWERS_BURST_KIB", "4", "limits.answers_burst_kib = 4"),
            ("NEERC_LIMITS_STORED_MIB_PER_DAY", "3", "limits.stored_mib_per_day = 3"),
            ("NEERC_TEXTS_LANGUAGE", "ru", "texts.language = ru"),
            ("NEERC_CONTACT_ADMIN", "xmpp:a@b,mailto:c@d", "contact.admin = xmpp:a@b, mailto:c@d"),
            ("NEERC_LOG_LEVEL", "error", "log.level = error"),
        ];
        for (name, value, line) in rows {
            let text = error(LEAST, &[(name, value)]);
            assert!(text.lines().any(|one| one.trim_start_matches("loaded: ") == line), "{name}: {text}");
        }
        let env = [("NEERC_DIRECTORY_JID", "x@y"), ("NEERC_DIRECTORY_POLL_S", "7")];
        assert!(error(LEAST, &env).contains("directory = x@y, every 7 s"));
    }
}
