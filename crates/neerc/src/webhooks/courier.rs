//! The thread that tells one endpoint what has happened: in order, one message at a time, each until it is taken. A message
//! may come twice, with the same id; none is left out.

use super::message::Message;
use super::poster::{Posted, Poster};
use super::{Counter, EndpointState, Office, Waited, Webhook, limits};
use neerc_core::change::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What it knows.
#[derive(Debug)]
pub struct Courier {
    hook: Webhook,
    poster: Poster,
    /// Its place among all.
    place: usize,
    office: Office,
    counter: Arc<Counter>,
    /// Up to which revision the endpoint has heard.
    heard: u64,
    /// Up to which revision that is recorded, and since when.
    marked: (u64, Instant),
    /// How many times in a row a message was not taken.
    failures: u32,
    /// What was said of it.
    said: String,
}

/// Nothing more is to be done.
struct Over;

impl Courier {
    /// One for that endpoint, with its place among all and the revision up to which it has heard.
    pub(super) fn new(
        hook: Webhook,
        poster: Poster,
        (place, heard): (usize, u64),
        office: Office,
        counter: Arc<Counter>,
    ) -> Courier {
        let marked = (heard, Instant::now());
        Courier { hook, poster, place, office, counter, heard, marked, failures: 0, said: String::new() }
    }

    /// Tells until everything is over, or the endpoint wants nothing more.
    pub fn run(mut self) {
        while self.turn().is_ok() {}
        self.mark();
    }

    /// Tells what there is, or waits for more.
    fn turn(&mut self) -> Result<(), Over> {
        let is_marked = self.marked.0 == self.heard;
        let patience = if is_marked { limits::QUIET } else { self.mark_due() };
        let waited = self.counter.wait(self.heard, patience);
        self.mark_if_due();
        match waited {
            Waited::Over => return Err(Over),
            Waited::Quiet => return Ok(()), // it is only time for the mark
            Waited::News => {}
        }
        match self.office.log.read_all(self.heard, limits::LOG_PART) {
            Ok(entries) if entries.is_empty() => self.pause(limits::PAUSE_PATIENT_MS), // the log has lost something
            Ok(entries) => entries.iter().try_for_each(|entry| self.tell(entry)),
            Err(error) => {
                self.say(format!("the log cannot be read for the webhook to {}, which waits: {error}", self.hook));
                self.pause(limits::PAUSE_PATIENT_MS)
            }
        }
    }

    /// Tells of one change, if the endpoint wants to hear of it.
    fn tell(&mut self, entry: &Entry) -> Result<(), Over> {
        if let Some(message) = self.message(entry) {
            self.send(&message)?;
        }
        self.heard = entry.revision;
        self.note(|endpoint| endpoint.heard = entry.revision);
        self.mark_if_due();
        Ok(())
    }

    fn message(&self, entry: &Entry) -> Option<Message> {
        let is_room = self.hook.rooms.is_empty() || self.hook.rooms.contains(&entry.room);
        let what = neerc_core::face::timeline::export::change_name(&entry.change);
        let is_type = self.hook.types.is_empty() || self.hook.types.contains(&what);
        if is_room && is_type { Message::of(&self.office.host, self.office.generation, entry) } else { None }
    }

    /// Sends a message until it is taken.
    fn send(&mut self, message: &Message) -> Result<(), Over> {
        loop {
            match self.poster.post(message, (self.office.wall_ms)().div_euclid(1_000)) {
                Posted::Taken => {
                    if self.failures > 0 {
                        tracing::info!("the webhook to {} takes what happens again", self.hook);
                    }
                    (self.failures, self.said) = (0, String::new());
                    self.note(|endpoint| {
                        (endpoint.taken, endpoint.failing_since_ms) = (endpoint.taken + 1, None);
                        endpoint.why = String::new();
                    });
                    return Ok(());
                }
                Posted::Unwanted => {
                    self.say(format!(
                        "the webhook to {} wants nothing more (410): nothing is sent there until neerc is started again; take \
                         it out of neerc.toml if that is right",
                        self.hook
                    ));
                    self.note(|endpoint| (endpoint.is_off, endpoint.failing_since_ms) = (true, None));
                    return Err(Over);
                }
                Posted::Failed { why, retry_after_s } => {
                    self.note_failed(&why);
                    self.say(format!(
                        "the webhook to {} does not take what happens, which is kept and sent again: {why}",
                        self.hook
                    ));
                    let pause_ms = pause_ms(self.failures);
                    self.failures = self.failures.saturating_add(1);
                    let asked_ms = retry_after_s.unwrap_or(0).min(limits::RETRY_AFTER_S) * 1_000;
                    self.pause(pause_ms.max(asked_ms))?;
                }
            }
        }
    }

    /// Says what is wrong, unless that was said last.
    fn say(&mut self, trouble: String) {
        if self.said != trouble {
            self.said.clone_from(&trouble);
            let _ = self.office.troubles.blocking_send(trouble); // a service that has ended is told nothing
        }
    }

    fn pause(&mut self, pause_ms: u64) -> Result<(), Over> {
        self.mark();
        // A tenth more or less, so that endpoints that failed together are not asked together.
        let pause_ms = pause_ms - pause_ms / 10 + fastrand::u64(..=pause_ms / 5);
        match self.counter.wait(u64::MAX, Duration::from_millis(pause_ms)) {
            Waited::Over => Err(Over),
            Waited::Quiet | Waited::News => Ok(()),
        }
    }

    fn note(&self, note: impl FnOnce(&mut EndpointState)) {
        if let Some(endpoint) = self.counter.desk().endpoints.get_mut(self.place) {
            note(endpoint);
        }
    }

    fn note_failed(&self, why: &str) {
        let now_ms = (self.office.wall_ms)();
        self.note(|endpoint| {
            endpoint.failed += 1;
            endpoint.failing_since_ms.get_or_insert(now_ms);
            why.clone_into(&mut endpoint.why);
        });
    }

    fn mark_due(&self) -> Duration {
        limits::MARK_SPACING.saturating_sub(self.marked.1.elapsed())
    }

    fn mark_if_due(&mut self) {
        if self.mark_due().is_zero() {
            self.mark();
        }
    }

    /// Records how far the endpoint has heard.
    fn mark(&mut self) {
        if self.marked.0 == self.heard {
            return;
        }
        self.marked = (self.heard, Instant::now());
        let marking = {
            let mut desk = self.counter.desk();
            desk.marks.insert(self.hook.mark_name(), self.heard);
            self.office.store.mark(desk.marks.clone()) // queued in the order in which they change
        };
        if let Err(error) = marking.wait() {
            // What is heard again after a crash has an id that shows it.
            tracing::debug!("it is not recorded how far the webhook to {} has heard: {error}", self.hook);
        }
    }
}

/// How long to wait after so many failures before, in ms.
fn pause_ms(failures: u32) -> u64 {
    let place = usize::try_from(failures).unwrap_or(usize::MAX);
    let [.., longest_ms] = limits::PAUSES_MS;
    match failures {
        limits::FAILURES_PATIENT.. => limits::PAUSE_PATIENT_MS,
        _ => limits::PAUSES_MS.get(place).copied().unwrap_or(longest_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let pauses: Vec<u64> = (0..6).map(pause_ms).collect();
        assert_eq!(pauses, [1_000, 5_000, 15_000, 60_000, 60_000, 60_000]);
        assert_eq!((pause_ms(59), pause_ms(60), pause_ms(u32::MAX)), (60_000, 300_000, 300_000));
    }
}
