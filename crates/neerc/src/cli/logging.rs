//! The log of a service that runs: where it goes, in which form, and how much is said. Not `neerc log`, which shows what people
//! did: that is `history.rs`.

mod journal;
mod repeats;

use self::journal::Journal;
use self::repeats::Repeats;
use crate::config::log::{LogFormat, LogSettings, LogTime};
use crate::service::time::stamp;
use serde_json::{Map, Value};
use std::fmt;
use std::io::{IsTerminal, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, reload};

/// How much is said, which can be changed while it is.
pub struct LogLevel(Box<dyn Fn(EnvFilter) + Send + Sync>, Repeats);

impl LogLevel {
    /// Says so much from now on.
    pub fn set(&self, level: Level) {
        (self.0)(filter(level));
    }

    /// What is counted instead of said.
    pub fn repeats(&self) -> Repeats {
        self.1.clone()
    }
}

fn filter(level: Level) -> EnvFilter {
    EnvFilter::new(format!("neerc={level}"))
}

/// Writes the log from now on: to the journal with fields where standard error goes there and nothing else is wanted, else to
/// standard error.
pub fn begin(settings: LogSettings) -> LogLevel {
    let (filter, handle) = reload::Layer::new(filter(settings.level));
    let repeats = Repeats::default();
    let registry = tracing_subscriber::registry().with(filter).with(repeats.clone());
    let journal = if settings.format == LogFormat::Text { Journal::of_this_process() } else { None };
    match (journal, settings.format) {
        (Some(journal), _) => registry.with(journal).init(),
        (None, LogFormat::Json) => registry.with(JsonLines(settings.time)).init(),
        (None, LogFormat::Text) => {
            let ansi = std::env::var_os("NO_COLOR").is_none() && std::io::stderr().is_terminal();
            let lines = tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_timer(Stamps(settings.time))
                .with_ansi(ansi)
                .with_target(false)
                // It would complain of a log that cannot be written by writing to it, which panics: a full disk ended the
                // service.
                .log_internal_errors(false);
            registry.with(lines).init();
        }
    }
    let set = move |filter| {
        if let Err(error) = handle.reload(filter) {
            tracing::warn!("how much is logged cannot be changed: {error}");
        }
    };
    LogLevel(Box::new(set), repeats)
}

/// The time at the beginning of a line.
struct Stamps(LogTime);

impl FormatTime for Stamps {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        writer.write_str(&stamp(self.0))
    }
}

/// What an event says, and its fields.
#[derive(Debug, Default)]
struct Parts {
    message: String,
    fields: Map<String, Value>,
}

impl Parts {
    fn of(event: &Event<'_>) -> Parts {
        let mut parts = Parts::default();
        event.record(&mut parts);
        parts
    }
}

impl Visit for Parts {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => drop(self.fields.insert(name.to_owned(), format!("{value:?}").into())),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            name => drop(self.fields.insert(name.to_owned(), value.into())),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.fields.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.fields.insert(field.name().to_owned(), value.into());
    }
}

/// A document in each line of standard error.
struct JsonLines(LogTime);

fn json_line(time: String, level: Level, parts: Parts) -> Vec<u8> {
    let mut line = Map::new();
    line.insert("time".to_owned(), time.into());
    line.insert("level".to_owned(), level.as_str().to_lowercase().into());
    line.insert("message".to_owned(), parts.message.into());
    for (name, value) in parts.fields {
        line.entry(name).or_insert(value);
    }
    let mut line = Value::Object(line).to_string().into_bytes();
    line.push(b'\n');
    line
}

impl<S: Subscriber> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let line = json_line(stamp(self.0), *event.metadata().level(), Parts::of(event));
        let _ = std::io::stderr().write_all(&line); // a log that cannot be written is no reason to end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// Keeps what it is given.
    #[derive(Clone, Default)]
    pub(super) struct Kept(pub(super) Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let line = json_line("now".to_owned(), *event.metadata().level(), Parts::of(event));
            self.0.lock().unwrap().push(String::from_utf8(line).unwrap());
        }
    }

    #[test]
    fn a_line_of_json_holds_the_message_and_the_fields() {
        let kept = Kept::default();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(kept.clone()), || {
            let revision = 5_u64;
            tracing::info!(revision, room = "hall", task = Some(3), time = "no", "a \"change\"\nof {}", "two lines");
        });
        let line = r#"{"level":"info","message":"a \"change\"\nof two lines","revision":5,"room":"hall","task":3,"time":"now"}"#;
        assert_eq!(*kept.0.lock().unwrap(), [format!("{line}\n")]);
    }
}
