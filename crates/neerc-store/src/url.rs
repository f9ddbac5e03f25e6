//! The location of a store; the only code that reads the setting.

use crate::servers::Servers;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const WANTED: &str = "must be \"sqlite:\" and a path, such as sqlite:neerc.db or sqlite:/var/lib/neerc/neerc.db, or a \
                      database such as postgres://neerc@localhost/neerc";

/// The location of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Url {
    /// An SQLite database at this path.
    Sqlite(PathBuf),
    /// A PostgreSQL database on one of these servers.
    Postgres(Arc<Servers>),
}

/// Why a text is not the location of a store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value}: {wanted}")]
pub struct UrlError {
    /// The text, quoted, without possible secrets.
    pub value: String,
    /// What to write instead.
    pub wanted: String,
}

/// The file beside a store that is called like it, with `ending` appended.
pub fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(ending);
    PathBuf::from(name)
}

impl Url {
    /// Reads `sqlite:` followed by a path, relative to `folder`, or the address of a PostgreSQL database, beside which
    /// that folder keeps what has to be on this machine.
    pub fn parse(text: &str, folder: &Path) -> Result<Url, UrlError> {
        let scheme = text.split(':').next().unwrap_or_default();
        let refused = |value, wanted: &str| Err(UrlError { value, wanted: wanted.to_owned() });
        if scheme == "postgres" || scheme == "postgresql" {
            // The address may hold a password, so only its scheme is repeated.
            let value = format!("\"{scheme}:...\"");
            return match Servers::parse(text, folder) {
                Ok(server) => Ok(Url::Postgres(server.into())),
                Err(why) => refused(value, &why),
            };
        }
        match text.strip_prefix("sqlite:") {
            Some(":memory:") => refused(format!("{text:?}"), "must be a file: what is answered is on disk"),
            Some(path) if !path.is_empty() && !path.starts_with("//") && !path.contains(['?', '\0']) => {
                Ok(Url::Sqlite(folder.join(path)))
            }
            Some(_) => refused(format!("{text:?}"), WANTED),
            None => refused(without_userinfo(text), WANTED),
        }
    }

    /// What a store is called in messages.
    pub fn name(&self) -> PathBuf {
        match self {
            Url::Sqlite(path) => path.clone(),
            Url::Postgres(server) => server.name(),
        }
    }

    /// What the files are called like that are on this machine and belong to the store: itself or, if it is elsewhere, what
    /// is kept beside it.
    pub fn local(&self) -> &Path {
        match self {
            Url::Sqlite(path) => path,
            Url::Postgres(server) => server.local(),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Url::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Url::Postgres(server) => server.fmt(f),
        }
    }
}

/// Quotes an address for display, without the part before an `@`, which may be a password.
fn without_userinfo(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, rest)) => format!("{:?}", format!("...@{rest}")),
        None => format!("{url:?}"),
    }
}
