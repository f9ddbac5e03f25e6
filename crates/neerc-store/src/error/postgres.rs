//! What goes wrong with a store in PostgreSQL.

use crate::StoreError;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_postgres::Error;
use tokio_postgres::error::Severity;

/// Why a store in PostgreSQL could not be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// None of its servers can be written to.
    #[error("cannot reach {}: {tried}", store.display())]
    Unreachable {
        /// The store.
        store: PathBuf,
        /// What each of them said.
        tried: String,
    },
    /// A statement was refused.
    #[error("cannot {doing} {}: {}", store.display(), words(source))]
    Failed {
        /// What it was for, to be followed by the name of the store.
        doing: &'static str,
        /// The store.
        store: PathBuf,
        /// Why not.
        source: Error,
    },
    /// A statement was not answered.
    #[error("cannot {doing} {}: no answer within {} s", store.display(), limit.as_secs())]
    Late {
        /// What it was for, to be followed by the name of the store.
        doing: &'static str,
        /// The store.
        store: PathBuf,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The server is set up in a way that loses what was answered, or is of no use otherwise.
    #[error("{} is not used: {what}", store.display())]
    Unfit {
        /// The store.
        store: PathBuf,
        /// Why, and what to do.
        what: String,
    },
    /// Another neerc serves from this store.
    #[error("{} is in use by another neerc: {holder}, until {until} unless it goes on", store.display())]
    Held {
        /// The store.
        store: PathBuf,
        /// Which.
        holder: String,
        /// Until when it is known to be there, by the clock of the database.
        until: String,
    },
    /// Another neerc has taken over; nothing of this one is stored any more.
    #[error("{} was taken over by another neerc: {what}; nothing more of this one is stored", store.display())]
    Fenced {
        /// The store.
        store: PathBuf,
        /// What was found.
        what: String,
    },
    /// Whether a batch is stored could not be found out.
    #[error("whether changes are stored in {} is not known: {what}", store.display())]
    Unknown {
        /// The store.
        store: PathBuf,
        /// Why not.
        what: String,
    },
}

impl PostgresError {
    /// Whether it may pass by itself, so that whoever waits goes on waiting.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            PostgresError::Unreachable { .. } | PostgresError::Failed { .. } | PostgresError::Late { .. } => true,
            PostgresError::Held { .. } | PostgresError::Fenced { .. } | PostgresError::Unknown { .. } => true,
            PostgresError::Unfit { .. } => false,
        }
    }

    /// Whether the process must end.
    pub fn is_fatal(&self) -> bool {
        matches!(self, PostgresError::Fenced { .. } | PostgresError::Unknown { .. })
    }
}

/// An error in all its words.
pub(crate) fn words(error: &Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(said), _) => match said.detail() {
            Some(detail) => format!("{} ({detail}; {})", said.message(), said.code().code()),
            None => format!("{} ({})", said.message(), said.code().code()),
        },
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

/// Whether the server has said that a statement was not done, and goes on.
pub(crate) fn is_refusal(error: &Error) -> bool {
    error.as_db_error().is_some_and(|said| said.parsed_severity() == Some(Severity::Error))
}

/// Wraps an error with what failed.
pub(crate) fn failed(doing: &'static str, store: &Path, source: Error) -> StoreError {
    PostgresError::Failed { doing, store: store.to_owned(), source }.into()
}
