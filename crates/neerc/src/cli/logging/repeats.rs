//! A trouble that is said again and again is said a few times and then counted: how often it came besides is said once its
//! minute is over.

use super::Parts;
use crate::limits;
use crate::service::health::SAID_ALWAYS;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::callsite::Identifier;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// A trouble in its minute.
#[derive(Debug)]
struct Seen {
    callsite: Identifier,
    level: Level,
    text: String,
    since: Instant,
    times: usize,
}

/// The troubles of the last minute. Copies share them.
#[derive(Clone, Debug, Default)]
pub struct Repeats(Arc<Mutex<Vec<Seen>>>);

/// How often a trouble came that was not said.
#[derive(Debug, PartialEq, Eq)]
struct Sum {
    level: Level,
    line: String,
}

impl Repeats {
    /// Whether a trouble is to be said, which comes at that moment.
    fn is_said(&self, callsite: Identifier, level: Level, text: &str, now: Instant) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = seen.iter_mut().find(|known| known.callsite == callsite && known.text == text) {
            known.times += 1;
            return known.times <= limits::LOG_REPEATS;
        }
        if seen.len() < limits::LOG_TROUBLES {
            seen.push(Seen { callsite, level, text: text.to_owned(), since: now, times: 1 });
        }
        true
    }

    /// What is to be said of the troubles whose minute is over at that moment.
    fn over(&self, now: Instant) -> Vec<Sum> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over =
            seen.extract_if(.., |known| now.saturating_duration_since(known.since) >= limits::LOG_REPEATS_WITHIN);
        let sum = |known: Seen| {
            let more = known.times.saturating_sub(limits::LOG_REPEATS);
            let line = format!("{more} more times in the last minute: {}", known.text);
            (more > 0).then_some(Sum { level: known.level, line })
        };
        over.filter_map(sum).collect()
    }

    /// Sums up for as long as the program runs.
    pub async fn sum_up(self) {
        let mut beat = tokio::time::interval(Duration::from_secs(1));
        loop {
            beat.tick().await;
            for Sum { level, line } in self.over(Instant::now()) {
                match level {
                    Level::ERROR => tracing::error!(target: SAID_ALWAYS, "{line}"),
                    _ => tracing::warn!(target: SAID_ALWAYS, "{line}"),
                }
            }
        }
    }
}

impl<S: Subscriber> Layer<S> for Repeats {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let data = event.metadata();
        *data.level() > Level::WARN
            || data.target() == SAID_ALWAYS
            || self.is_said(data.callsite(), *data.level(), &Parts::of(event).message, Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Kept;
    use super::*;
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn a_trouble_is_said_a_few_times_and_then_counted() {
        let (repeats, kept) = (Repeats::default(), Kept::default());
        let registry = tracing_subscriber::registry().with(repeats.clone()).with(kept.clone());
        tracing::subscriber::with_default(registry, || {
            for number in 0..100 {
                tracing::warn!("the disk is full");
                tracing::warn!("{} is full", number / 99);
                tracing::info!("connected");
                tracing::warn!(target: SAID_ALWAYS, "refused");
            }
        });
        let count = |text: &str| kept.0.lock().unwrap().iter().filter(|line| line.contains(text)).count();
        let counts = [
            count("\"the disk is full"),
            count("\"0 is full"),
            count("\"1 is full"),
            count("connected"),
            count("refused"),
        ];
        assert_eq!(counts, [limits::LOG_REPEATS, limits::LOG_REPEATS, 1, 100, 100]);
        let now = Instant::now();
        assert_eq!(repeats.over(now), []);
        let sums: Vec<String> =
            repeats.over(now + limits::LOG_REPEATS_WITHIN).into_iter().map(|sum| sum.line).collect();
        assert_eq!(
            sums,
            ["97 more times in the last minute: the disk is full", "96 more times in the last minute: 0 is full"]
        );
        assert_eq!(repeats.over(now + 2 * limits::LOG_REPEATS_WITHIN), [], "said once");
    }
}
