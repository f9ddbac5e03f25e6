//! Who asks, by a token, and how often. What they may do is the room's.

use super::problem::ApiProblem;
use crate::web::WebSite;
use crate::web::door::hash_of;
use crate::web::limits;
use crate::web::picture::{Picture, Timepiece};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderMap};
use neerc_core::change::Room;
use neerc_core::doors::{SecretHash, TokenId, TokenScope};
use neerc_core::people::Person;
use neerc_core::refusal::Refusal;
use neerc_core::view::View;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A program that asks, with the room as it was then.
#[derive(Clone, Debug)]
pub struct Caller {
    pub picture: Arc<Picture>,
    pub time: Timepiece,
    /// In whose name.
    pub who: Person,
    pub token: TokenId,
    pub scope: TokenScope,
    secret: SecretHash,
}

impl Caller {
    /// Who asks for a room. Whether there is such a room is told to nobody who has no token of it.
    pub fn of(site: &WebSite, room: &str, headers: &HeaderMap) -> Result<Caller, ApiProblem> {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, secret) = given.unwrap_or_default().split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ApiProblem::unauthorized("send a token: Authorization: Bearer TOKEN"));
        }
        Caller::by(site, room, hash_of(secret.trim()))
    }

    /// The same caller, with the room as it is now, if the token is still good.
    pub fn again(&self, site: &WebSite) -> Result<Caller, ApiProblem> {
        Caller::by(site, &self.picture.room, self.secret)
    }

    fn by(site: &WebSite, room: &str, secret: SecretHash) -> Result<Caller, ApiProblem> {
        let album = site.bridge.album();
        let time = album.time.ok_or_else(starting)?.now();
        let of_room = |picture: &Arc<Picture>| {
            let token = picture.board.doors().token(&secret)?;
            let (picture, who, token, scope) = (picture.clone(), token.person.clone(), token.id, token.scope);
            Some(Caller { picture, time, who, token, scope, secret })
        };
        let found = album.room(room).and_then(of_room).filter(|caller| caller.scope != TokenScope::Display);
        found.ok_or_else(|| ApiProblem::unauthorized("this token is not good here; an admin makes one by: token read"))
    }

    /// Refuses as long as nobody knows who belongs to the room. What is to be changed waits for that in the service.
    pub fn room_is_read(&self) -> Result<(), ApiProblem> {
        if self.picture.people.is_empty() { Err(starting()) } else { Ok(()) }
    }

    /// What they see.
    pub fn view(&self) -> Result<View<'_>, Refusal> {
        View::of(self.picture.scene(self.time), &self.who)
    }
}

/// The service has just begun.
fn starting() -> ApiProblem {
    ApiProblem::new(StatusCode::SERVICE_UNAVAILABLE, "starting", "the service starts").retry_after(1)
}

/// How much each token has asked for lately.
#[derive(Debug, Default)]
pub struct ApiThrottle(Mutex<HashMap<(Room, TokenId), Spent>>);

/// What a token has spent of its burst, as of then.
#[derive(Clone, Copy, Debug)]
struct Spent {
    requests: f64,
    at_ms: i64,
}

impl ApiThrottle {
    /// Counts a request of a caller.
    pub fn take(&self, caller: &Caller) -> Result<(), ApiProblem> {
        self.take_at((caller.picture.room.clone(), caller.token), caller.time.steady_ms)
    }

    fn take_at(&self, key: (Room, TokenId), now_ms: i64) -> Result<(), ApiProblem> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = |spent: &Spent| {
            let gone_s = now_ms.saturating_sub(spent.at_ms).max(0) as f64 / 1_000.0;
            (spent.requests - gone_s * limits::API_REQUESTS_PER_S).max(0.0)
        };
        if all.len() >= limits::API_TOKENS_COUNTED {
            all.retain(|_, spent| left(spent) > 0.0);
        }
        let requests = all.get(&key).map_or(0.0, left);
        if requests + 1.0 > limits::API_BURST {
            let problem = ApiProblem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-requests",
                format!("at most {} requests a second", limits::API_REQUESTS_PER_S),
            );
            return Err(problem.retry_after(1));
        }
        all.insert(key, Spent { requests: requests + 1.0, at_ms: now_ms });
        Ok(())
    }
}

/// How many streams each token reads.
#[derive(Clone, Debug, Default)]
pub struct ApiStreams(Arc<Mutex<HashMap<(Room, TokenId), usize>>>);

/// A stream that is read as long as this lives.
#[derive(Debug)]
pub struct ApiReading {
    streams: ApiStreams,
    key: (Room, TokenId),
}

impl ApiStreams {
    /// Begins one more.
    pub fn begin(&self, caller: &Caller) -> Result<ApiReading, ApiProblem> {
        let key = (caller.picture.room.clone(), caller.token);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(key.clone()).or_default();
        if *count >= limits::API_STREAMS_PER_TOKEN {
            let detail = format!("this token reads {count} streams already");
            return Err(ApiProblem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-streams", detail).retry_after(1));
        }
        *count += 1;
        Ok(ApiReading { streams: self.clone(), key })
    }
}

impl Drop for ApiReading {
    fn drop(&mut self) {
        let mut all = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.key) {
            *count -= 1; // it was counted when it began
            if *count == 0 {
                all.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_too_often_is_told_to_wait() {
        let throttle = ApiThrottle::default();
        let asked = |token, now_ms| throttle.take_at(("neerc".into(), TokenId(token)), now_ms);
        for _ in 0..limits::API_BURST as usize {
            assert!(asked(1, 5).is_ok());
        }
        let refused = asked(1, 5).unwrap_err().into_response("/");
        assert_eq!(
            (refused.status(), refused.headers()["retry-after"].as_bytes()),
            (StatusCode::TOO_MANY_REQUESTS, &b"1"[..])
        );
        assert!(asked(2, 5).is_ok(), "others are not held up");
        let in_a_second = (0..200).filter(|_| asked(1, 1_005).is_ok()).count();
        assert_eq!(in_a_second, limits::API_REQUESTS_PER_S as usize);
        assert!(asked(1, 1_000_000).is_ok());
    }
}
