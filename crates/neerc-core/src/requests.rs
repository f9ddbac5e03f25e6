//! KnownRequests to which programs give keys, so that one that comes again, since its answer was lost, is answered and not done
//! again. They are kept with what was done for them, in the same change of the log.

use crate::doors::TokenId;
use crate::limits;
use crate::plan::PlanId;
use crate::refusal::Refusal;
use crate::task::TaskId;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A request with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// The token with which it came.
    pub token: TokenId,
    /// What the program calls it.
    pub key: Arc<str>,
    /// The beginning of a hash of all that it asks for.
    pub print: u128,
}

impl KeyedRequest {
    /// A request with a key as it was given.
    pub fn new(token: TokenId, key: &str, print: u128) -> Result<KeyedRequest, Refusal> {
        let is_key = (1..=limits::REQUEST_KEY_CHARS).contains(&key.len())
            && key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if is_key {
            Ok(KeyedRequest { token, key: key.into(), print })
        } else {
            Err(Refusal::Malformed { what: "the key", wanted: "1 to 128 letters, digits and signs of ASCII" })
        }
    }
}

/// What was made for a request, by which whoever asked goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// A task.
    Task(TaskId),
    /// A planned task.
    Plan(PlanId),
    /// Nothing that has a number.
    Nothing,
}

/// A request that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRequest {
    /// Which.
    pub request: Arc<KeyedRequest>,
    /// When, in ms since 1970.
    pub at_ms: i64,
    /// What was made for it.
    pub made: Made,
}

/// The requests of a room that were done, by the tokens with which they came. Copies share them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownRequests(BTreeMap<TokenId, Arc<VecDeque<KnownRequest>>>);

impl KnownRequests {
    /// Those of a snapshot, in the order in which they were done.
    pub fn restore(known: impl IntoIterator<Item = KnownRequest>) -> KnownRequests {
        let mut requests = KnownRequests::default();
        known.into_iter().for_each(|KnownRequest { request, at_ms, made }| requests.note(request, at_ms, made));
        requests
    }

    /// All of them; those of one token in the order in which they were done.
    pub fn all(&self) -> impl Iterator<Item = &KnownRequest> {
        self.0.values().flat_map(|known| known.iter())
    }

    /// The request of that key, unless it is too long ago.
    pub fn find(&self, token: TokenId, key: &str, now_ms: i64) -> Option<&KnownRequest> {
        let known = self.0.get(&token)?.iter().rev().find(|known| *known.request.key == *key)?;
        is_known(known, now_ms).then_some(known)
    }

    /// Notes what was made for a request, and forgets those that are too long ago or too many.
    pub(crate) fn note(&mut self, request: Arc<KeyedRequest>, at_ms: i64, made: Made) {
        let known = Arc::make_mut(self.0.entry(request.token).or_default());
        while known.len() >= limits::REQUEST_KEYS_PER_TOKEN || known.front().is_some_and(|old| !is_known(old, at_ms)) {
            known.pop_front();
        }
        known.push_back(KnownRequest { request, at_ms, made });
    }

    /// Forgets those of a token that is good for nothing any more.
    pub(crate) fn forget(&mut self, token: TokenId) {
        self.0.remove(&token);
    }
}

fn is_known(known: &KnownRequest, now_ms: i64) -> bool {
    now_ms.saturating_sub(known.at_ms) < limits::REQUEST_KEY_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(token: u64, key: &str, print: u128) -> Arc<KeyedRequest> {
        Arc::new(KeyedRequest::new(TokenId(token), key, print).unwrap())
    }

    #[test]
    fn a_request_is_known_for_a_day_by_its_token_and_key() {
        let mut requests = KnownRequests::default();
        requests.note(request(1, "a", 7), 1_000, Made::Task(TaskId(3)));
        requests.note(request(2, "a", 8), 1_000, Made::Nothing);
        let made = |token, now_ms| requests.find(TokenId(token), "a", now_ms).map(|known| known.made);
        assert_eq!(
            (made(1, 1_000), made(2, 5_000), made(3, 1_000)),
            (Some(Made::Task(TaskId(3))), Some(Made::Nothing), None)
        );
        assert_eq!(made(1, 999 + limits::REQUEST_KEY_MS), Some(Made::Task(TaskId(3))));
        assert_eq!(made(1, 1_000 + limits::REQUEST_KEY_MS), None);
        assert_eq!(KnownRequests::restore(requests.all().cloned()), requests);
        requests.forget(TokenId(1));
        assert_eq!(requests.all().count(), 1);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut requests = KnownRequests::default();
        for n in 0..limits::REQUEST_KEYS_PER_TOKEN as i64 + 5 {
            requests.note(request(1, &n.to_string(), 0), n, Made::Nothing);
        }
        assert_eq!(requests.all().count(), limits::REQUEST_KEYS_PER_TOKEN);
        assert!(requests.find(TokenId(1), "4", 10).is_none() && requests.find(TokenId(1), "5", 10).is_some());
        requests.note(request(1, "late", 0), 2 * limits::REQUEST_KEY_MS, Made::Nothing);
        assert_eq!(requests.all().count(), 1);
    }

    #[test]
    fn keys_are_of_ascii_and_bounded() {
        assert_eq!(limits::REQUEST_KEY_CHARS, 128, "as the refusal says");
        let refusal = |key: &str| KeyedRequest::new(TokenId(1), key, 0).unwrap_err();
        assert!(matches!(refusal(""), Refusal::Malformed { .. }));
        assert!(matches!(refusal("ключ"), Refusal::Malformed { .. }));
        assert!(matches!(refusal("a\nb"), Refusal::Malformed { .. }));
        assert!(matches!(refusal(&"x".repeat(limits::REQUEST_KEY_CHARS + 1)), Refusal::Malformed { .. }));
    }
}
