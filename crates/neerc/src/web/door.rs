//! How a browser comes in: by a link that is good once, which gives it a session. Not what whoever comes in may do: that
//! is the room's, and looked up for each page.

use super::picture::Picture;
use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use neerc_core::change::Room;
use neerc_core::people::Person;
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

type Hash = [u8; 32];

#[derive(Debug, Default)]
struct Table {
    links: HashMap<Hash, (Room, Person)>,
    sessions: HashMap<Hash, (Room, Person)>,
}

/// Who may come in, and who is in.
#[derive(Debug, Default)]
pub struct Doors {
    table: Mutex<Table>,
}

/// What nobody can guess, in hexadecimal digits.
fn secret() -> Option<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a string takes everything
        text
    }))
}

fn hash(secret: &str) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref());
    hash
}

/// The value of a cookie.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// The name of the cookie of a session. Browsers take the stricter one over `https` only.
pub fn cookie_name(is_secure: bool) -> &'static str {
    if is_secure { "__Host-neerc" } else { "neerc-local" }
}

impl Doors {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A link that logs somebody in, once: what stands behind `/l/`.
    pub fn offer(&self, room: Room, who: Person) -> Option<String> {
        let secret = secret()?;
        self.table().links.insert(hash(&secret), (room, who));
        Some(secret)
    }

    /// Whether a link is still good.
    pub fn is_good(&self, link: &str) -> bool {
        self.table().links.contains_key(&hash(link))
    }

    /// Uses a link up: the room that it leads to, and the secret of the session.
    pub fn redeem(&self, link: &str) -> Option<(Room, String)> {
        let session = secret()?;
        let mut table = self.table();
        let (room, who) = table.links.remove(&hash(link))?;
        table.sessions.insert(hash(&session), (room.clone(), who));
        Some((room, session))
    }

    /// Ends the session of whoever asks.
    pub fn leave(&self, headers: &HeaderMap, is_secure: bool) {
        if let Some(session) = cookie(headers, cookie_name(is_secure)) {
            self.table().sessions.remove(&hash(session));
        }
    }

    /// Who asks, if they have a session in that room.
    pub fn who(&self, headers: &HeaderMap, is_secure: bool, picture: &Picture) -> Option<Person> {
        let session = cookie(headers, cookie_name(is_secure))?;
        let table = self.table();
        let (room, who) = table.sessions.get(&hash(session))?;
        (*room == picture.room).then(|| who.clone())
    }
}
