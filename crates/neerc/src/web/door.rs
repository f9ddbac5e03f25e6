//! How a browser comes in: by a link that is good once, which gives it a session. Secrets are made here, and what is kept of
//! them is their hash, in the room. Not what whoever comes in may do: that is the room's too, and looked up for each page.

use super::agent;
use super::asks::{Bridge, ServiceGone, WebWish};
use super::picture::Picture;
use super::server::Peer;
use axum::http::HeaderMap;
use axum::http::header::{COOKIE, USER_AGENT};
use neerc_core::change::Room;
use neerc_core::command::Command;
use neerc_core::doors::{DoorCommand, Leaving, NewSecret, SecretHash, TokenScope};
use neerc_core::people::Person;
use neerc_core::refusal::Refusal;
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt::Write;
use std::net::IpAddr;

/// The header in which a proxy says whom it asks for.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The hash of a secret.
pub fn hash_of(secret: &str) -> SecretHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref()); // SHA-256 has 32 bytes
    SecretHash::new(hash)
}

/// What nobody can guess, in hexadecimal digits; nothing where the system has no randomness.
pub fn fresh_secret() -> Option<NewSecret> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    let text = bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a string takes everything
        text
    });
    Some(NewSecret::new(&text, hash_of(&text)))
}

/// The value of a cookie.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// The name of the cookie of sessions from before each room had one of its own. Browsers take the stricter one over `https`
/// only.
pub fn old_cookie_name(is_secure: bool) -> &'static str {
    if is_secure { "__Host-neerc" } else { "neerc-local" }
}

/// The name of the cookie of a session in a room: whoever comes into another one stays in this.
pub fn cookie_name(is_secure: bool, room: &str) -> String {
    format!("{}.{room}", old_cookie_name(is_secure))
}

/// The hash of the secret that a browser shows for a room.
pub fn shown(headers: &HeaderMap, is_secure: bool, room: &str) -> Option<SecretHash> {
    let own = cookie(headers, &cookie_name(is_secure, room));
    own.or_else(|| cookie(headers, old_cookie_name(is_secure))).map(hash_of)
}

/// Whose session in a room that is, if it is one.
pub fn who(session: &SecretHash, picture: &Picture, now_ms: i64) -> Option<Person> {
    picture.board.doors().session(session, now_ms).map(|session| session.person.clone())
}

/// By what somebody came in. A token is no session, and a session no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pass {
    /// A browser that is logged in.
    Session(SecretHash),
    /// A wall, by a token for displays.
    Display(SecretHash),
}

impl Pass {
    /// Who came in by it, if it is good in that room.
    pub fn holder(&self, picture: &Picture, now_ms: i64) -> Option<Person> {
        match self {
            Pass::Session(session) => who(session, picture, now_ms),
            Pass::Display(token) => {
                let token = picture.board.doors().token(token);
                token.filter(|token| token.scope == TokenScope::Display).map(|token| token.person.clone())
            }
        }
    }

    /// Whether it only shows.
    pub fn is_wall(&self) -> bool {
        matches!(self, Pass::Display(_))
    }
}

/// Where a request comes from: the other end of the connection, or what a proxy on this machine says of it.
pub fn address(headers: &HeaderMap, peer: Peer) -> IpAddr {
    let ip = peer.0.ip().to_canonical();
    let told = headers.get_all(FORWARDED_FOR).iter().next_back().and_then(|told| told.to_str().ok());
    let told = told.and_then(|told| told.rsplit(',').next()).and_then(|last| last.trim().parse().ok());
    told.filter(|_| ip.is_loopback()).unwrap_or(ip)
}

/// What browser asks, and from where, in words.
pub fn browser(headers: &HeaderMap, peer: Peer) -> String {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    format!("{}, {}", agent::in_words(agent), address(headers, peer))
}

/// Makes a link for somebody: the secret that stands in it.
pub async fn offer(bridge: &Bridge, room: Room, who: Person) -> Result<Result<NewSecret, Refusal>, ServiceGone> {
    let Some(secret) = fresh_secret() else { return Ok(Err(Refusal::NoWeb)) };
    let command = Command::Door(DoorCommand::OfferLink { secret: Some(secret.clone()) });
    Ok(bridge.change(WebWish::new(room, who, command)).await?.map(|_| secret))
}

/// Whether a link is good, in any room.
pub fn is_good(bridge: &Bridge, link: &str) -> bool {
    find(bridge, &hash_of(link)).is_some()
}

fn find(bridge: &Bridge, link: &SecretHash) -> Option<(Room, Person)> {
    let album = bridge.album();
    let now_ms = album.time?.now().wall_ms;
    let in_room = |picture: &std::sync::Arc<Picture>| {
        let link = picture.board.doors().link(link, now_ms)?;
        Some((picture.room.clone(), link.person.clone()))
    };
    album.rooms.iter().find_map(in_room)
}

/// Uses a link up: the room that it leads to, and the session that it gives. Nothing, if it is not good.
pub async fn redeem(bridge: &Bridge, link: &str, headers: &HeaderMap, peer: Peer) -> Option<(Room, NewSecret)> {
    let link = hash_of(link);
    let (room, who) = find(bridge, &link)?;
    let session = fresh_secret()?;
    let browser = browser(headers, peer).into();
    let command = Command::Door(DoorCommand::Redeem { link, session: session.hash(), browser });
    bridge.change(WebWish::new(room.clone(), who, command)).await.ok()?.ok()?;
    Some((room, session))
}

/// Ends the session of a browser in every room in which it has one.
pub async fn leave(bridge: &Bridge, session: SecretHash) {
    let album = bridge.album();
    let Some(time) = album.time else { return };
    for picture in &album.rooms {
        if let Some(person) = who(&session, picture, time.now().wall_ms) {
            let command = Command::Door(DoorCommand::Leave(Leaving::This(session)));
            let wish = WebWish::new(picture.room.clone(), person, command);
            let _ = bridge.change(wish).await; // a session that is left over ends by itself
        }
    }
}
