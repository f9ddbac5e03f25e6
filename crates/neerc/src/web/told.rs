//! How somebody is told what came of what they sent: a script is answered in JSON, and without scripts the browser is sent on
//! to the board, which says it once.

use super::board::form;
use super::door::cookie;
use super::limits;
use super::pages::see_other;
use super::visit::Visit;
use axum::Json;
use axum::http::header::{ACCEPT, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use std::fmt::Write;

/// The name of the cookie in which the board finds what it is to say.
const SAID: &str = "neerc-said";

/// What a script is answered.
#[derive(serde::Serialize)]
struct Told<'a> {
    said: &'a str,
    is_refused: bool,
}

/// Whether a script asks.
pub fn is_script(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes() == b"application/json")
}

/// The answer for a script.
pub fn to_script(said: &str, status: StatusCode) -> Response {
    (status, Json(Told { said, is_refused: !status.is_success() })).into_response()
}

/// Something was done: back to the board, which says what.
pub fn done(visit: &Visit, headers: &HeaderMap, said: &str) -> Response {
    if is_script(headers) {
        return to_script(said, StatusCode::OK);
    }
    let room = &visit.picture.room;
    let escaped = escaped(&said.chars().take(limits::SAID_CHARS).collect::<String>());
    let kept = format!("{SAID}={escaped}; Path=/r/{room}; Max-Age=60; HttpOnly; SameSite=Lax");
    ([(SET_COOKIE, kept)], see_other(&format!("/r/{room}"))).into_response()
}

/// What the board is to say, once.
pub fn said(headers: &HeaderMap) -> String {
    let pairs = cookie(headers, SAID).map(|said| form(&format!("said={said}"))).unwrap_or_default();
    pairs.into_iter().next().map(|(_, said)| said).unwrap_or_default()
}

/// The cookie that has nothing to be said any more.
pub fn nothing_said(visit: &Visit) -> String {
    format!("{SAID}=; Path=/r/{}; Max-Age=0", visit.picture.room)
}

/// A text as it stands in a cookie.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => escaped.push(char::from(byte)),
            byte => _ = write!(escaped, "%{byte:02X}"), // a string takes everything
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::COOKIE;

    #[test]
    fn what_is_kept_in_a_cookie_is_said_again() {
        let text = "Task 3: «да»; a=b & c\n%+";
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, format!("x=y; {SAID}={}", escaped(text)).parse().unwrap());
        assert_eq!(said(&headers), text);
        assert_eq!(said(&HeaderMap::new()), "");
    }
}
