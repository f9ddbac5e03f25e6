//! Why there is no configuration, and where the reason stands.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
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
    #[error("{origin}: {message}")]
    Syntax {
        /// Where.
        origin: Origin,
        /// What the parser says.
        message: String,
    },
    /// A key or section that does not exist.
    #[error("{origin}: unknown key `{key}`; allowed here: {allowed}")]
    UnknownKey {
        /// Where.
        origin: Origin,
        /// The key, with its section.
        key: String,
        /// The keys that exist there.
        allowed: String,
    },
    /// A number where a text belongs, or the like.
    #[error("{origin}: {key} is {found}, but must be {wanted}")]
    WrongType {
        /// Where.
        origin: Origin,
        /// The key, with its section.
        key: String,
        /// What is there.
        found: String,
        /// What belongs there.
        wanted: String,
    },
    /// A required key is not there.
    #[error("{origin}: {key} is missing: {wanted}")]
    Missing {
        /// Where it is not.
        origin: Origin,
        /// The key, with its section.
        key: &'static str,
        /// How to give it.
        wanted: String,
    },
    /// A value of the right type that makes no sense.
    #[error("{origin}: {key} is {value}: {wanted}")]
    Invalid {
        /// Where.
        origin: Origin,
        /// The key, with its section.
        key: &'static str,
        /// The value, quoted, or a stand-in where it may hold a secret.
        value: String,
        /// What would be right.
        wanted: String,
    },
    /// The secret is given twice.
    #[error("{origin}: both component.secret and component.secret_file are given: keep one of them")]
    TwoSecrets {
        /// Where the second is.
        origin: Origin,
    },
    /// A variable is there, but is no text.
    #[error("{origin}: is not UTF-8: give it as text, or put the value into the configuration file")]
    NotText {
        /// Which.
        origin: Origin,
    },
    /// A file with a secret cannot be read.
    #[error("{origin}: cannot read {key} {}", path.display())]
    SecretFile {
        /// Where it is named.
        origin: Origin,
        /// The key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File(path, Some(line)) => write!(f, "{}:{line}", path.display()),
            Origin::File(path, None) => write!(f, "{}", path.display()),
            Origin::Variable(name) => f.write_str(name),
        }
    }
}
