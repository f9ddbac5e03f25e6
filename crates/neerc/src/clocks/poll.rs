//! A contest clock that is asked for over HTTP: how often, and what to make of errors. On a thread of its own.

use super::clics::{self, Agreed, State};
use super::{ClockLook, Served, json, limits};
use crate::http::{Document, HttpAddress, HttpClient, Problem};
use neerc_core::clock::Reading;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc;

/// A clock that is polled.
#[derive(Debug)]
pub struct Poll {
    client: HttpClient,
    url: String,
    served: Served,
    settled: Agreed,
    /// How far the server's time of day was ahead of ours in the last answers, in ms.
    ahead_ms: VecDeque<i64>,
    failures: u32,
}

impl Poll {
    /// A clock at that address; what is wrong with its certificates is said.
    pub fn new(address: &HttpAddress, served: Served) -> Result<Poll, String> {
        Ok(Poll {
            client: HttpClient::new(address)?,
            url: address.url.trim_end_matches('/').to_owned(),
            served,
            settled: Agreed::default(),
            ahead_ms: VecDeque::new(),
            failures: 0,
        })
    }

    /// Looks once. `None`: the server was heard, and what it says has still to be confirmed.
    pub fn look(&mut self, wall_ms: fn() -> i64) -> Result<Option<Reading>, Problem> {
        match self.served {
            Served::Json => {
                let Document { body, .. } = self.get("", wall_ms)?;
                Ok(Some(json::reading(&String::from_utf8_lossy(&body))?))
            }
            Served::Clics => self.look_at_contest(wall_ms),
        }
    }

    fn look_at_contest(&mut self, wall_ms: fn() -> i64) -> Result<Option<Reading>, Problem> {
        let schedule = clics::schedule(&self.get("", wall_ms)?.body)?;
        let state = match self.get("/state", wall_ms) {
            Ok(document) => clics::state(&document.body)?,
            // Before a contest is active some servers show it to everybody and its state to nobody.
            Err(_) if self.settled.is_ahead(&schedule, self.server_ms(wall_ms)) => State::default(),
            Err(problem) => return Err(problem),
        };
        let now_ms = self.server_ms(wall_ms);
        let agreed = self.settled.see(schedule, state, wall_ms());
        Ok(agreed.map(|(schedule, state)| schedule.reading(&state, now_ms)))
    }

    /// Looks once and takes what is said at its word.
    pub fn try_look(&mut self, wall_ms: fn() -> i64) -> Result<Reading, Problem> {
        if self.served == Served::Json {
            return self.look(wall_ms)?.ok_or_else(|| Problem::from("it says nothing".to_owned()));
        }
        let timetable = clics::schedule(&self.get("", wall_ms)?.body)?;
        let state =
            self.get("/state", wall_ms).map_or_else(|_| Ok(State::default()), |state| clics::state(&state.body))?;
        Ok(timetable.reading(&state, self.server_ms(wall_ms)))
    }

    fn get(&mut self, below: &str, wall_ms: fn() -> i64) -> Result<Document, Problem> {
        let document = self.client.get(&format!("{}{below}", self.url), wall_ms)?;
        if let Some(ahead_ms) = document.ahead_ms {
            self.ahead_ms.push_back(ahead_ms);
            if self.ahead_ms.len() > limits::OFFSETS {
                self.ahead_ms.pop_front();
            }
        }
        Ok(document)
    }

    /// The server's time of day, in ms since 1970: contest times are its own.
    fn server_ms(&self, wall_ms: fn() -> i64) -> i64 {
        let mut ahead_ms: Vec<i64> = self.ahead_ms.iter().copied().collect();
        ahead_ms.sort_unstable();
        wall_ms() + ahead_ms.get(ahead_ms.len() / 2).copied().unwrap_or(0)
    }

    /// How long to wait before the next look, in ms.
    fn pause_ms(&mut self, outcome: &Result<Option<Reading>, Problem>) -> u64 {
        match outcome {
            Ok(_) if self.settled.doubts() => limits::DOUBT_MS,
            Ok(reading) => {
                self.failures = 0;
                let ticks = reading.is_some_and(|reading| reading.phase.ticks());
                jittered(if ticks { limits::POLL_MS } else { limits::POLL_STANDING_MS })
            }
            Err(problem) => {
                let pause_ms = (limits::RETRY_FIRST_MS << self.failures.min(16)).min(limits::RETRY_LONGEST_MS);
                self.failures += 1;
                let asked_ms = problem.retry_after_s.unwrap_or(0).saturating_mul(1_000);
                jittered(pause_ms).max(asked_ms.min(limits::RETRY_AFTER_LONGEST_MS))
            }
        }
    }
}

/// A tenth more or less, so that services that started together do not ask together.
fn jittered(ms: u64) -> u64 {
    ms - ms / 10 + fastrand::u64(..=ms / 5)
}

/// Looks again and again, and hands on what is heard with the clock's place, until nobody listens.
pub fn watch(mut poll: Poll, wall_ms: fn() -> i64, (place, looks): &(usize, mpsc::Sender<(usize, ClockLook)>)) {
    while !looks.is_closed() {
        let outcome = poll.look(wall_ms);
        let look = match &outcome {
            Ok(reading) => reading.map_or(ClockLook::Same, ClockLook::Reading),
            Err(problem) => ClockLook::Nothing(problem.words.clone()),
        };
        if looks.blocking_send((*place, look)).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(poll.pause_ms(&outcome)));
    }
}

#[cfg(test)]
mod tests;
