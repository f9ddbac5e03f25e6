//! Which requests with keys a room has done already, and what they are answered when they come again.

use super::{Board, Done};
use crate::change::{Change, Effect, Entry};
use crate::refusal::{Refusal, excerpt};
use crate::requests::{KeyedRequest, KnownRequests, Made};

impl Board {
    /// The requests with keys that are known.
    pub fn requests(&self) -> &KnownRequests {
        &self.requests
    }

    /// The same board with the requests of a snapshot.
    pub fn with_requests(self, requests: KnownRequests) -> Board {
        Board { requests, ..self }
    }

    /// Applies a change of the log, with the request that it was made for.
    pub fn replay(&mut self, entry: &Entry) {
        self.apply(entry.revision, &entry.change);
        self.note_request(entry);
    }

    /// Notes the request that a change was made for, if it has a key. It is asked for after the change was applied.
    pub(crate) fn note_request(&mut self, entry: &Entry) {
        if let Some(request) = &entry.request {
            self.requests.note(request.clone(), entry.at_ms, made_by(&entry.change));
        }
    }

    /// What a request is answered that was done already; nothing, if it was not.
    pub(crate) fn repeated(&self, request: &KeyedRequest, now_ms: i64) -> Option<Result<Done, Refusal>> {
        let known = self.requests.find(request.token, &request.key, now_ms)?;
        if known.request.print != request.print {
            return Some(Err(Refusal::UsedKey { key: excerpt(&request.key) }));
        }
        let effect = match known.made {
            Made::Task(task) => {
                let people = self.task(task).map_or(0, |task| task.statuses.len());
                Effect::Created { task, people, plan: None }
            }
            Made::Plan(plan) => Effect::Planned { plan },
            Made::Nothing => Effect::Nothing,
        };
        Some(Ok(Done { effect, ..Done::default() }))
    }
}

/// What a change makes.
fn made_by(change: &Change) -> Made {
    match change {
        Change::Created { task, .. } => Made::Task(*task),
        Change::Planned(planned) => Made::Plan(planned.id),
        _ => Made::Nothing,
    }
}
