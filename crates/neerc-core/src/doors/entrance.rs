//! What the web side says of itself: where it is, and which codes its pages show. Like a contest clock, it is advice from
//! outside: handed in, read, and not stored.

use super::SecretHash;
use crate::refusal::{Refusal, excerpt};
use std::sync::Arc;

/// A code that a page shows whose reader wants to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginCode {
    /// Its digits.
    pub code: Arc<str>,
    /// The only room that it lets into; any, if there is none.
    pub room: Option<Arc<str>>,
    /// What browser waits, and from which address, in words.
    pub browser: Arc<str>,
    /// Of the secret that the browser is given once somebody has confirmed the code.
    pub session: SecretHash,
    /// Until when it is good, in ms since 1970.
    pub until_ms: i64,
}

/// The web side, as it says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entrance {
    /// Where people find it, without a slash at the end; nowhere, where it is off.
    pub url: Option<Arc<str>>,
    /// The codes that its pages show.
    pub codes: Vec<LoginCode>,
}

impl Entrance {
    /// The one of a service that has no web side.
    pub fn closed() -> &'static Entrance {
        static CLOSED: Entrance = Entrance { url: None, codes: Vec::new() };
        &CLOSED
    }

    /// Whether there is a web side.
    pub fn is_open(&self) -> bool {
        self.url.is_some()
    }

    /// The code that somebody of a room wrote, possibly in groups, if a page shows it.
    pub fn code(&self, room: &str, text: &str, now_ms: Option<i64>) -> Result<&LoginCode, Refusal> {
        let digits = digits(text);
        let is_it = |code: &&LoginCode| {
            *code.code == *digits
                && code.room.as_ref().is_none_or(|only| **only == *room)
                && now_ms.is_none_or(|now_ms| now_ms < code.until_ms)
        };
        self.codes.iter().find(is_it).ok_or_else(|| Refusal::UnknownCode { code: excerpt(text.trim()) })
    }
}

/// The digits of a code, without what may stand between and around them.
pub fn digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '#' | '№' | '.' | '!' | ',')).collect()
}
