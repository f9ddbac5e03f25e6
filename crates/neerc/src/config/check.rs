//! From what is written to what it means: every value is checked here, once, and each error says where its value stands.

use super::error::{ConfigError, Origin};
use super::file::Source;
use super::keys::{Raw, RawComponent, RawDirectory, RawLimits, RawRooms, RawStore, RawTasks, variable};
use super::{ChatRooms, Component, Config, HostPort, Secret, StoreConfig, Tasks};
use crate::follow::Alone;
use crate::limits::{
    ANSWERS_KIB, BURST, COPIES, DIRECTORY_POLL_S, DOMAIN_BYTES, KEEP_DAYS, NAME_BYTES, PER_SECOND, PLAN_LAPSES_MIN,
    REMIND_MIN, SPACING_MS, STANZA_BYTES, STORED_MIB,
};
use neerc_core::change::Room;
use neerc_core::face::words::Language;
use neerc_core::planner::Patience;
use neerc_core::view::Visibility;
use neerc_xmpp::stanza::address::{self, Address};
use neerc_xmpp::throttle::{Budget, Rate};
use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// Characters that RFC 7622 forbids in the local part of a JID (`@` is dealt with where it may separate).
const NOT_IN_USER: &[char] = &['"', '&', '\'', '/', ':', '<', '>'];

/// What a path starts with that names what systemd hands over (`LoadCredential=`).
const CREDENTIALS: &str = "${CREDENTIALS_DIRECTORY}/";

/// A domain in its prepared form; the error says what a domain is.
pub fn domain(text: &str) -> Result<Address, &'static str> {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    let is_domain = |text: &str| text.len() <= DOMAIN_BYTES && text.split('.').all(is_label);
    let prepared = is_domain(text).then(|| Address::parse(&text.to_lowercase())).flatten();
    prepared
        .filter(|domain| is_domain(domain.as_str()))
        .ok_or("must be a domain alone, such as neerc.example.org, without user name, resource or port")
}

/// An account such as `you@example.org`.
pub fn account(text: &str) -> Option<Address> {
    let (user, host) = text.split_once('@')?;
    let host = domain(host).ok()?;
    let jid = is_user(user).then(|| Address::parse(&format!("{}@{}", user.to_lowercase(), host.as_str()))).flatten();
    jid.filter(|jid| jid.as_str().len() <= NAME_BYTES)
}

/// The checks, and what they need to say where a value came from.
pub(super) struct Check<'a> {
    pub(super) source: Source<'a>,
    /// The environment variables that gave a value.
    pub(super) variables: BTreeSet<&'static str>,
    /// The folder in which systemd hands secrets to a service.
    pub(super) credentials: Option<PathBuf>,
}

/// Whether words are a program by its whole path, and its arguments.
pub(super) fn is_program(words: &[String]) -> bool {
    words.first().is_some_and(|program| program.starts_with('/'))
}

impl Check<'_> {
    pub(super) fn config(&self, raw: Raw) -> Result<Config, ConfigError> {
        let component = self.component(raw.component)?;
        let rooms = self.rooms(raw.rooms, &component.jid, &component.host)?;
        let (mut groups, lists) = self.groups(raw.groups.unwrap_or_default(), &rooms.service)?;
        groups.directory = self.directory(raw.directory)?;
        let clocks = self.clocks(raw.clock, raw.clocks.unwrap_or_default(), &rooms.join)?;
        let webhooks = self.webhooks(raw.webhooks.unwrap_or_default(), &rooms.join)?;
        Ok(Config {
            component,
            rooms,
            keep_days: self.number("store.keep_days", raw.store.keep_days, KEEP_DAYS)?,
            alone: self.alone_of_copies(&raw.store)?,
            fence: self.fence(&raw.store)?,
            store_secret_at: self.store_secret_at(&raw.store)?,
            store: self.store(raw.store)?,
            groups,
            lists,
            tasks: self.tasks(&raw.tasks)?,
            clocks,
            checklists: raw.checklists.file.map(|file| self.beside("checklists.file", &file)).transpose()?,
            rate: self.rate(&raw.limits)?,
            budget: self.budget(&raw.limits)?,
            stored_mib_per_day: self.number("limits.stored_mib_per_day", raw.limits.stored_mib_per_day, STORED_MIB)?,
            language: self.language(&raw.texts.language)?,
            contacts: self.contacts(raw.contact.admin)?,
            web: self.web(raw.web)?,
            operations: raw.operations.listen.map(|text| self.listener("operations.listen", &text)).transpose()?,
            webhooks,
            log: self.log(&raw.log)?,
        })
    }

    pub(super) fn store_config(&self, raw: Raw) -> Result<StoreConfig, ConfigError> {
        let (jid, host) = self.domains(&raw.component)?;
        Ok(StoreConfig {
            rooms: self.rooms(raw.rooms, &jid, &host)?.join,
            host,
            keep_days: self.number("store.keep_days", raw.store.keep_days, KEEP_DAYS)?,
            store: self.store(raw.store)?,
            visibility: self.tasks(&raw.tasks)?.visibility,
            language: self.language(&raw.texts.language)?,
            log: self.log(&raw.log)?,
        })
    }

    fn component(&self, raw: RawComponent) -> Result<Component, ConfigError> {
        let (jid, host) = self.domains(&raw)?;
        let server = self.server(&raw.server)?;
        let (secret, secret_at) = self.secret(raw.secret, raw.secret_file)?;
        Ok(Component { jid, server, secret, secret_at, host })
    }

    /// The service's own domain, and that of the users.
    fn domains(&self, raw: &RawComponent) -> Result<(Address, Address), ConfigError> {
        let missing = || self.missing("component.jid", "give the service's own domain, such as neerc.example.org");
        let jid = self.domain("component.jid", raw.jid.as_deref().ok_or_else(missing)?)?;
        let host = match (&raw.host, jid.as_str().split_once('.')) {
            (Some(host), _) => self.domain("component.host", host)?,
            (None, Some((_, host))) => self.domain("component.host", host)?,
            (None, None) => {
                let jid = jid.as_str();
                let wanted = format!("give the users' domain, since it cannot be told from component.jid \"{jid}\"");
                return Err(self.missing("component.host", &wanted));
            }
        };
        Ok((jid, host))
    }

    fn server(&self, text: &str) -> Result<HostPort, ConfigError> {
        parse_server(text).ok_or_else(|| {
            self.invalid("component.server", text, "must be host:port, such as 127.0.0.1:5347 or [::1]:5347")
        })
    }

    /// The secret, and the file that holds it.
    fn secret(&self, secret: Option<Secret>, file: Option<String>) -> Result<(Secret, Option<PathBuf>), ConfigError> {
        let (key, secret, at) = match (secret, file) {
            (Some(_), Some(_)) => return Err(ConfigError::TwoSecrets { origin: self.origin("component.secret_file") }),
            (Some(secret), None) => {
                let at = match self.origin("component.secret") {
                    Origin::File(path, _) => Some(path),
                    Origin::Variable(_) => None,
                };
                ("component.secret", secret, at)
            }
            (None, Some(file)) => {
                let path = self.secret_path("component.secret_file", 0, &file)?;
                ("component.secret_file", self.read_secret("component.secret_file", 0, &path)?, Some(path))
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
            origin: self.origin(key),
            key,
            value: "(hidden)".to_owned(),
            wanted: wrong.to_owned(),
        })
    }

    pub(super) fn read_secret(&self, key: &'static str, nth: usize, path: &Path) -> Result<Secret, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::SecretFile {
            origin: self.nth_origin(key, nth),
            key,
            path: path.to_owned(),
            source,
        })?;
        // Editors of Windows put a mark before the text.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let line = text.strip_suffix('\n').unwrap_or(text);
        Ok(Secret(line.strip_suffix('\r').unwrap_or(line).to_owned()))
    }

    fn rooms(&self, raw: RawRooms, component: &Address, host: &Address) -> Result<ChatRooms, ConfigError> {
        let service = raw.service.unwrap_or_else(|| format!("conference.{}", host.as_str()));
        let service = self.domain("rooms.service", &service)?;
        if raw.join.is_empty() {
            return Err(self.invalid_raw("rooms.join", "[]", "must name at least one room"));
        }
        let mut join: Vec<Room> = Vec::with_capacity(raw.join.len());
        for name in &raw.join {
            let name: Room = self.room("rooms.join", name, 0)?.into();
            if join.contains(&name) {
                return Err(self.invalid("rooms.join", &name, "must be named once only, ignoring case"));
            }
            join.push(name);
        }
        let nickname = self.nickname(&raw.nickname)?;
        let owner = |text: &String| {
            let wanted = "must be an account such as you@example.org";
            account(text).ok_or_else(|| self.invalid("rooms.owners", text, wanted))
        };
        let owners = raw.owners.iter().map(owner).collect::<Result<_, _>>()?;
        let jid = self.rooms_jid(raw.jid, component)?;
        let admit_unaffiliated = raw.admit_unaffiliated;
        Ok(ChatRooms { service, join, nickname, admit_unaffiliated, owners, jid })
    }

    fn rooms_jid(&self, text: Option<String>, component: &Address) -> Result<Address, ConfigError> {
        let Some(text) = text.filter(|text| !text.eq_ignore_ascii_case(component.as_str())) else {
            return Ok(component.clone());
        };
        let can_be_a_room = |user: &str| user.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let is_ours =
            |jid: &Address| jid.domain() == component.as_str() && jid.local().is_some_and(|user| !can_be_a_room(user));
        account(&text).filter(is_ours).ok_or_else(|| {
            let at = component.as_str();
            let wanted = format!("must be {at}, or a name at it that no room can have, such as tasks-service@{at}");
            self.invalid("rooms.jid", &text, &wanted)
        })
    }

    fn nickname(&self, text: &str) -> Result<String, ConfigError> {
        let key = "rooms.nickname";
        let nickname = address::nick(&self.line(key, text, 0)?);
        let nickname = nickname.ok_or_else(|| self.invalid(key, text, "must be a name that a chat room can take"))?;
        if nickname.to_lowercase().starts_with("hall") {
            let wanted = "must not start with \"hall\": clients would take the service for a hall";
            return Err(self.invalid(key, text, wanted));
        }
        Ok(nickname)
    }

    /// What happens to changes while they are on this machine alone, where that is not enough.
    fn alone_of_copies(&self, raw: &RawStore) -> Result<Option<Alone>, ConfigError> {
        let copies: i64 = self.number("store.copies", raw.copies, COPIES)?;
        let alone = self.alone(&raw.alone)?;
        Ok((copies > 1).then_some(alone))
    }

    /// What happens to changes where there is one copy only.
    pub(super) fn alone(&self, alone: &str) -> Result<Alone, ConfigError> {
        match alone {
            "wait" => Ok(Alone::Wait),
            "go on" => Ok(Alone::GoOn),
            other => Err(self.invalid("store.alone", other, "must be \"wait\" or \"go on\"")),
        }
    }

    /// The account whose contact list is read, and the ms between two readings.
    fn directory(&self, raw: RawDirectory) -> Result<Option<(Address, i64)>, ConfigError> {
        let poll_s: i64 = self.number("directory.poll_s", raw.poll_s, DIRECTORY_POLL_S)?;
        let Some(text) = raw.jid else { return Ok(None) };
        let jid = account(&text).ok_or_else(|| {
            let wanted = "must be an account without resource, such as directory@example.org";
            self.invalid("directory.jid", &text, wanted)
        })?;
        Ok(Some((jid, poll_s.saturating_mul(1_000))))
    }

    fn tasks(&self, raw: &RawTasks) -> Result<Tasks, ConfigError> {
        let visibility = match raw.visibility.as_str() {
            "all" => Visibility::All,
            "own" => Visibility::Own,
            other => return Err(self.invalid("tasks.visibility", other, "must be \"all\" or \"own\"")),
        };
        Ok(Tasks {
            visibility,
            wiki_packet: raw.wiki_packet,
            spacing_ms: self.number("tasks.spacing_ms", raw.spacing_ms, SPACING_MS)?,
            max_stanza_bytes: self.number("tasks.max_stanza_bytes", raw.max_stanza_bytes, STANZA_BYTES)?,
            patience: self.patience(raw)?,
        })
    }

    fn patience(&self, raw: &RawTasks) -> Result<Patience, ConfigError> {
        let remind_min: i64 = self.number("tasks.remind_min", raw.remind_min, REMIND_MIN)?;
        let lapse_min: i64 = self.number("tasks.plan_lapses_min", raw.plan_lapses_min, PLAN_LAPSES_MIN)?;
        let lapse_ms = (lapse_min > 0).then_some(lapse_min * 60_000);
        Ok(Patience { remind_ms: remind_min * 60_000, lapse_ms })
    }

    fn rate(&self, raw: &RawLimits) -> Result<Rate, ConfigError> {
        Ok(Rate {
            per_second: self.number("limits.requests_per_second", raw.requests_per_second, PER_SECOND)?,
            burst: self.number("limits.requests_burst", raw.requests_burst, BURST)?,
            burst_of_power: self.number("limits.requests_burst_of_power", raw.requests_burst_of_power, BURST)?,
        })
    }

    fn budget(&self, raw: &RawLimits) -> Result<Budget, ConfigError> {
        let rate: u32 = self.number("limits.answers_kib_per_second", raw.answers_kib_per_second, ANSWERS_KIB)?;
        let burst: u32 = self.number("limits.answers_burst_kib", raw.answers_burst_kib, 1..=*ANSWERS_KIB.end())?;
        Ok(Budget { bytes_per_second: rate.saturating_mul(1_024), burst_bytes: burst.saturating_mul(1_024) })
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

    fn domain(&self, key: &'static str, text: &str) -> Result<Address, ConfigError> {
        domain(text).map_err(|wanted| self.invalid(key, text, wanted))
    }

    pub(super) fn room(&self, key: &'static str, text: &str, nth: usize) -> Result<String, ConfigError> {
        let name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !text.is_empty() && text.len() <= NAME_BYTES && name(text) {
            Ok(text.to_ascii_lowercase())
        } else {
            let wanted = "a room's name must be of the letters a-z, digits and _, without domain: \
                          the NEERC protocol has no others";
            Err(self.nth_invalid(key, nth, text, wanted))
        }
    }

    /// A text that people read: one line, no blanks around it.
    pub(super) fn line(&self, key: &'static str, text: &str, nth: usize) -> Result<String, ConfigError> {
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
    pub(super) fn beside(&self, key: &'static str, text: &str) -> Result<PathBuf, ConfigError> {
        self.nth_beside(key, 0, text)
    }

    /// The same in the `nth` section.
    pub(super) fn nth_beside(&self, key: &'static str, nth: usize, text: &str) -> Result<PathBuf, ConfigError> {
        if text.is_empty() || text.contains('\0') {
            return Err(self.nth_invalid(key, nth, text, "must be the path of a file"));
        }
        Ok(self.source.folder().join(text))
    }

    /// The path of a secret: relative to the configuration file, or one that systemd hands over.
    pub(super) fn secret_path(&self, key: &'static str, nth: usize, text: &str) -> Result<PathBuf, ConfigError> {
        let Some(name) = text.strip_prefix(CREDENTIALS) else { return self.nth_beside(key, nth, text) };
        let is_name = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
        match &self.credentials {
            _ if !is_name => {
                Err(self.nth_invalid(key, nth, text, "must name a credential of systemd after the folder"))
            }
            Some(folder) => Ok(folder.join(name)),
            None => {
                let wanted = "CREDENTIALS_DIRECTORY is not set: systemd sets it for units with LoadCredential=; elsewhere \
                              give the path of a file";
                Err(self.nth_invalid(key, nth, text, wanted))
            }
        }
    }

    pub(super) fn missing(&self, key: &'static str, wanted: &str) -> ConfigError {
        let wanted = match variable(key) {
            Some(name) => format!("{wanted} (or set {name})"),
            None => wanted.to_owned(),
        };
        ConfigError::Missing { origin: self.origin(key), key, wanted }
    }

    pub(super) fn nth_missing(&self, key: &'static str, nth: usize, wanted: &str) -> ConfigError {
        ConfigError::Missing { origin: self.nth_origin(key, nth), key, wanted: wanted.to_owned() }
    }

    pub(super) fn invalid(&self, key: &'static str, value: &str, wanted: &str) -> ConfigError {
        self.nth_invalid(key, 0, value, wanted)
    }

    pub(super) fn nth_invalid(&self, key: &'static str, nth: usize, value: &str, wanted: &str) -> ConfigError {
        let value = format!("{value:?}");
        ConfigError::Invalid { origin: self.nth_origin(key, nth), key, value, wanted: wanted.to_owned() }
    }

    /// For a value that is no text, or that must not be repeated in full.
    pub(super) fn invalid_raw(&self, key: &'static str, value: &str, wanted: &str) -> ConfigError {
        ConfigError::Invalid { origin: self.origin(key), key, value: value.to_owned(), wanted: wanted.to_owned() }
    }

    pub(super) fn origin(&self, key: &str) -> Origin {
        self.nth_origin(key, 0)
    }

    /// Where the key was given, in the `nth` section of its name; for a key not given, where the section is.
    pub(super) fn nth_origin(&self, key: &str, nth: usize) -> Origin {
        let name = variable(key).or_else(|| variable(key.split('.').next()?));
        match name.filter(|name| self.variables.contains(name)) {
            Some(name) => Origin::Variable(name),
            None => self.source.origin(key, nth),
        }
    }
}

/// Whether this may be the local part of a JID, or a pattern for it.
pub(super) fn is_user(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '@' || NOT_IN_USER.contains(&c);
    !text.is_empty() && !text.contains(odd)
}

fn parse_server(text: &str) -> Option<HostPort> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match bracketed {
        Some(host) => host.parse::<Ipv6Addr>().ok().map(|_| host)?,
        None => domain(host).ok().map(|_| host)?,
    };
    Some(HostPort { host: host.to_owned(), port })
}
