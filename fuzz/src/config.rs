//! The configuration file and the environment: no panic; an error names the file or a variable;
//! the secret of the environment is never said; what is accepted keeps what the types promise.
//!
//! Zero bytes cut the input: the first piece is the file, each piece after it one variable, `NAME=VALUE`, where the name
//! is without its `NEERC_`.

use neerc::config::{Config, ConfigError, domain};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

const SECRET: &str = "hunter2-never-to-be-said";
const HIDDEN: [&str; 2] = ["NEERC_COMPONENT_SECRET", "NEERC_COMPONENT_SECRET_FILE"];

/// Checks one input.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut pieces = text.split('\0');
    let file = pieces.next().unwrap_or_default();
    // A file of the machine that runs this is not to be read, whatever an input says.
    if ["secret_f", "\\u", "\\U", "\\x"].iter().any(|way| file.contains(way)) {
        return;
    }
    let variables: Vec<(String, &str)> = pieces
        .filter_map(|piece| piece.split_once('='))
        .map(|(name, value)| (format!("NEERC_{name}"), value))
        .collect();
    let given = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| (*value).to_owned());
    let plain = |name: &str| given(name).filter(|_| !HIDDEN.contains(&name));
    let secret = |name: &str| if name == HIDDEN[0] { Some(SECRET.to_owned()) } else { plain(name) };
    let path = place();
    fs::write(path, file).expect("a file of our own");
    let loaded = [Config::load(path, plain), Config::load(path, secret)];
    fs::remove_file(path).expect("the file is still there");
    for config in loaded {
        match config {
            Ok(config) => sound(&config),
            Err(error) => says_something(&error),
        }
    }
}

/// Where the file is written, for this process and thread alone; in memory, if the machine has such a folder.
fn place() -> &'static PathBuf {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
        folder.join(format!("neerc-fuzz-{}.toml", std::process::id()))
    })
}

/// An error names where it is and what is wrong there.
fn says_something(error: &ConfigError) {
    let said = error.to_string();
    let (place, what) = said.split_once(": ").expect("an error without a place");
    assert!(place.contains("neerc-fuzz-") || place.starts_with("NEERC_"), "no place: {said}");
    assert!(what.chars().any(char::is_alphanumeric), "says nothing: {said:?}");
    assert!(!said.contains(SECRET), "says the secret: {said}");
    assert!(!format!("{error:?}").contains(SECRET), "holds the secret: {error:?}");
}

/// What the types of the configuration promise.
fn sound(config: &Config) {
    for name in [&config.component.jid, &config.component.host, &config.rooms.service] {
        assert_eq!(domain(name.as_str()).as_ref(), Ok(name), "no domain in its prepared form");
    }
    assert!(config.component.server.port != 0 && !config.component.server.host.is_empty());
    assert!(!config.component.secret.expose().is_empty());
    let rooms: BTreeSet<&str> = config.rooms.join.iter().map(|room| &**room).collect();
    assert!(!rooms.is_empty() && rooms.len() == config.rooms.join.len(), "rooms twice: {rooms:?}");
    assert!(rooms.iter().all(|room| is_room(room)), "no room: {rooms:?}");
    assert!(!config.rooms.nickname.to_lowercase().starts_with("hall"));
    let by_name = config.groups.rules.iter().map(|rule| &rule.group);
    let groups: Vec<String> =
        by_name.chain(config.groups.rooms.iter().map(|(group, _)| group)).map(|group| group.to_lowercase()).collect();
    assert_eq!(groups.iter().collect::<BTreeSet<_>>().len(), groups.len(), "groups twice");
    for rule in &config.groups.rules {
        assert!(!rule.patterns.is_empty() && rule.patterns.iter().all(|name| !name.is_empty()));
    }
    for (_, room) in &config.groups.rooms {
        assert!(
            room.local().is_some_and(is_room) && room.domain() == config.rooms.service.as_str(),
            "no room: {room:?}"
        );
    }
    assert!((0..=10_000).contains(&config.tasks.spacing_ms));
    assert!((16_384..=524_288).contains(&config.tasks.max_stanza_bytes));
    assert!(config.rate.burst > 0 && config.rate.burst_of_power > 0 && config.budget.burst_bytes > 0);
    assert!(config.groups.directory.as_ref().is_none_or(|(jid, poll_ms)| *poll_ms > 0 && jid.local().is_some()));
    assert!(!format!("{config:?}").contains(SECRET), "says the secret: {config:?}");
    let settings = config.front_settings(String::new());
    assert_eq!((settings.component.as_str(), &settings.host), (config.component.jid.as_str(), &config.component.host));
}

fn is_room(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
