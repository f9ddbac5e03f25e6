//! The log of a service that runs: where it goes, and how much is said.

use std::io::IsTerminal;
use tracing::Level;
use tracing_subscriber::EnvFilter;

/// How much is said, which can be changed while it is.
pub struct LogLevel(Box<dyn Fn(EnvFilter) + Send + Sync>);

impl LogLevel {
    /// Says so much from now on.
    pub fn set(&self, level: Level) {
        (self.0)(filter(level));
    }
}

fn filter(level: Level) -> EnvFilter {
    EnvFilter::new(format!("neerc={level}"))
}

/// Writes the log to standard error from now on.
pub fn begin(level: Level) -> LogLevel {
    let ansi = std::env::var_os("NO_COLOR").is_none() && std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(ansi)
        .with_target(false)
        // It would complain of a log that cannot be written by writing to it, which panics: a full disk ended the service.
        .log_internal_errors(false)
        .with_env_filter(filter(level))
        .with_filter_reloading();
    let handle = builder.reload_handle();
    builder.init();
    LogLevel(Box::new(move |filter| {
        if let Err(error) = handle.reload(filter) {
            tracing::warn!("how much is logged cannot be changed: {error}");
        }
    }))
}
