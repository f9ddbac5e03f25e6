//! How the log of the service is written.

use super::check::Check;
use super::error::ConfigError;
use super::keys::RawLog;
use tracing::Level;

/// How the lines of the log are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A document of JSON in each line.
    Json,
}

/// Whose time stands in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogTime {
    /// That of Greenwich.
    #[default]
    Utc,
    /// That of this machine, with its distance from Greenwich.
    Local,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// What is said.
    pub level: Level,
    /// In which form.
    pub format: LogFormat,
    /// In whose time.
    pub time: LogTime,
}

impl Check<'_> {
    pub(super) fn log(&self, raw: &RawLog) -> Result<LogSettings, ConfigError> {
        let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
        let level = levels.into_iter().find(|level| level.as_str().to_ascii_lowercase() == raw.level);
        let wanted = "must be error, warn, info, debug or trace";
        let level = level.ok_or_else(|| self.invalid("log.level", &raw.level, wanted))?;
        let format = match &*raw.format {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => return Err(self.invalid("log.format", other, "must be text or json")),
        };
        let time = match &*raw.time {
            "utc" => LogTime::Utc,
            "local" => LogTime::Local,
            other => return Err(self.invalid("log.time", other, "must be utc or local")),
        };
        Ok(LogSettings { level, format, time })
    }
}
