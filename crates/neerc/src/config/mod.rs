//! The configuration: defaults, below the TOML file, below the environment.
//!
//! A [`Config`] is what is left after checking, in the types that the rest of the program takes, so nothing is checked
//! twice. Nothing here reads a clock, randomness or any file but the configuration and the secret.

pub mod changes;
mod check;
mod clocks;
mod env;
mod error;
mod file;
mod groups;
mod keys;
pub mod log;
mod store;
#[cfg(test)]
mod tests;
mod web;
mod webhooks;

pub use check::{account, domain};
pub use env::check_variables;
pub use error::{ConfigError, Origin};
pub use keys::{KEYS, variables};
pub use web::{WebAddress, WebUrl};

use self::changes::GivenKeys;
use crate::clocks::Clockwork;
use crate::follow::Alone;
use crate::i18n;
use crate::people::PeopleList;
use crate::webhooks::Webhook;
use confique::{Config as _, Layer as _};
use neerc_core::change::Room;
use neerc_core::face::words::Language;
use neerc_core::planner::Patience;
use neerc_core::view::Visibility;
use neerc_store::Url;
use neerc_xmpp::front::FrontSettings;
use neerc_xmpp::room::groups::GroupSettings;
use neerc_xmpp::stanza::address::Address;
use neerc_xmpp::throttle::{Budget, Rate};
use std::collections::BTreeSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The checked configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The connection to the XMPP server.
    pub component: Component,
    /// The chat rooms.
    pub rooms: ChatRooms,
    /// Where the tasks are kept; its path is UTF-8.
    pub store: Url,
    /// The file that holds the password of the store; `None` where there is none, or the environment gave it.
    pub store_secret_at: Option<PathBuf>,
    /// How many days of the log stay in the database; 0 is all.
    pub keep_days: u32,
    /// What happens to changes while they are on this machine alone; `None` if one machine is enough.
    pub alone: Option<Alone>,
    /// The program with its arguments that ends whoever served on another machine; empty where there is none.
    pub fence: Vec<String>,
    /// The groups of the file, whose names differ, ignoring case; and the account whose contact list names more.
    pub groups: GroupSettings,
    /// Lists of people from outside.
    pub lists: Vec<PeopleList>,
    /// How tasks are told.
    pub tasks: Tasks,
    /// Where the contest clocks are read.
    pub clocks: Clockwork,
    /// The file of checklists.
    pub checklists: Option<PathBuf>,
    /// How much one session may ask.
    pub rate: Rate,
    /// How much all sessions of an account are answered.
    pub budget: Budget,
    /// MiB of changes of one person in a day; 0 means without limit.
    pub stored_mib_per_day: u64,
    /// The language of those who do not tell theirs.
    pub language: Language,
    /// URIs of the people who run the service.
    pub contacts: Vec<String>,
    /// Where the board is served to browsers, if it is.
    pub web: Option<WebAddress>,
    /// Where monitoring may ask how the service is.
    pub operations: Option<SocketAddr>,
    /// Who is told over HTTP what happens.
    pub webhooks: Vec<Webhook>,
    /// How the log is written, and how much of it.
    pub log: log::LogSettings,
}

/// What of it a store is read and looked after with, beside the service or without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// Where the tasks are kept.
    pub store: Url,
    /// How many days of the log stay in the database; 0 is all.
    pub keep_days: u32,
    /// The users' domain.
    pub host: Address,
    /// The rooms, the default one first.
    pub rooms: Vec<Room>,
    /// What ordinary users see.
    pub visibility: Visibility,
    /// The language of those who do not tell theirs.
    pub language: Language,
    /// How the log of the command is written, and how much of it.
    pub log: log::LogSettings,
}

/// `[component]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The service's own domain.
    pub jid: Address,
    /// Where to connect to.
    pub server: HostPort,
    /// The shared secret.
    pub secret: Secret,
    /// The file that holds it; `None` where the environment gave it.
    pub secret_at: Option<PathBuf>,
    /// The users' domain.
    pub host: Address,
}

/// An address to connect to. `Display` gives `host:port` as TCP libraries take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
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
pub struct ChatRooms {
    /// The domain of the rooms.
    pub service: Address,
    /// Names of rooms (`[a-z0-9_]+`), at least one, no two equal; the first is the default room.
    pub join: Vec<Room>,
    /// The service's nick in every room, as servers prepare it.
    pub nickname: String,
    /// Whether occupants without an affiliation are ordinary users; else they may do nothing.
    pub admit_unaffiliated: bool,
    /// Accounts that become owners where nobody but the service has power.
    pub owners: Vec<Address>,
    /// The service's address towards the rooms: `component.jid`, or a name at it that no room has.
    pub jid: Address,
}

/// `[tasks]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tasks {
    /// What ordinary users see.
    pub visibility: Visibility,
    /// Whether notifications carry the bare `#task` packet of the wiki page too.
    pub wiki_packet: bool,
    /// Least milliseconds between two updates of one task to one session.
    pub spacing_ms: i64,
    /// Most bytes of an outgoing stanza.
    pub max_stanza_bytes: usize,
    /// How long it is waited for people.
    pub patience: Patience,
}

impl Config {
    /// Reads the file at `path`; `env` gives the value of an environment variable. An empty variable counts as unset.
    ///
    /// A secret in the environment, given either way, replaces the one in the file, whichever way that is given.
    pub fn load(path: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        Config::load_given(path, env).map(|(config, _)| config)
    }

    /// The same with each key as it was given.
    pub fn load_given(path: &Path, env: impl Fn(&str) -> Option<String>) -> Result<(Config, GivenKeys), ConfigError> {
        Config::checked(path, env, |check, raw| check.config(raw))
    }

    /// Only what the store is used with, for whoever may not read the secrets that others are spoken to with.
    pub fn load_store(path: &Path, env: impl Fn(&str) -> Option<String>) -> Result<StoreConfig, ConfigError> {
        Config::checked(path, env, |check, raw| check.store_config(raw)).map(|(config, _)| config)
    }

    /// Only where the store is, for whoever may read the file and no secret that it names.
    pub fn load_place(path: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Url, ConfigError> {
        let store = |raw: keys::Raw| keys::RawStore { password_file: None, ..raw.store };
        Config::checked(path, env, |check, raw| check.store(store(raw))).map(|(store, _)| store)
    }

    /// What a check makes of the file, with each key as it was given.
    fn checked<T>(
        path: &Path,
        env: impl Fn(&str) -> Option<String>,
        check: impl FnOnce(&check::Check<'_>, keys::Raw) -> Result<T, ConfigError>,
    ) -> Result<(T, GivenKeys), ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let source = file::Source::new(path, &text);
        let mut file = source.layer()?;
        let mut variables = BTreeSet::new();
        let layer = env::layer(path, &env, &mut variables)?;
        if layer.component.secret.is_some() || layer.component.secret_file.is_some() {
            file.component.secret = None;
            file.component.secret_file = None;
        }
        let merged = layer.with_fallback(file).with_fallback(keys::RawLayer::default_values());
        let given = GivenKeys::of(&merged);
        let raw = keys::Raw::from_layer(merged).map_err(|error| ConfigError::Syntax {
            origin: Origin::File(path.to_owned(), None),
            message: error.to_string(),
        })?;
        let credentials = env("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        Ok((check(&check::Check { source, variables, credentials }, raw)?, given))
    }

    /// What the XMPP side takes. `nick_seed` is secret random text.
    pub fn front_settings(&self, nick_seed: String) -> FrontSettings {
        let Config { component, rooms, tasks, .. } = self;
        FrontSettings {
            component: component.jid.as_str().to_owned(),
            host: component.host.clone(),
            secret: component.secret.expose().to_owned(),
            rooms_service: rooms.service.as_str().to_owned(),
            rooms: rooms.join.clone(),
            nickname: rooms.nickname.clone(),
            nick_seed,
            rooms_jid: rooms.jid.as_str().to_owned(),
            owners: rooms.owners.clone(),
            admit_unaffiliated: rooms.admit_unaffiliated,
            groups: self.groups.clone(),
            visibility: tasks.visibility,
            wiki_packet: tasks.wiki_packet,
            spacing_ms: tasks.spacing_ms,
            max_stanza_bytes: tasks.max_stanza_bytes,
            rate: self.rate,
            budget: self.budget,
            words: Arc::new(i18n::Files),
            language: self.language,
            contacts: self.contacts.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
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

/// Only whether two are the same can be told from what is written.
impl serde::Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        serializer.serialize_u64(hasher.finish())
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

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}
