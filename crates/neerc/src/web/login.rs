//! Coming in by a code: a page shows six digits, somebody confirms them in the chat, and then the page is let in. It asks again
//! by itself until then. The session is made here and kept from the browser until the room's log has it; nobody else can take
//! it, since only the browser that was shown the code has its ticket.

use super::WebSite;
use super::asks::ServiceGone;
use super::door::{self, cookie, fresh_secret, hash_of};
use super::limits;
use super::pages::{PageFrame, not_shown, note, page, see_other};
use super::picture::{Album, Timepiece};
use super::server::Peer;
use super::visit::{NoVisit, language, session_cookie};
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use neerc_core::change::Room;
use neerc_core::doors::{LoginCode, NewSecret, SecretHash};
use neerc_core::face::words::Arg;
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A page that shows a code.
#[derive(Debug, Clone)]
struct WaitingPage {
    /// Of what its browser shows when it asks again.
    ticket: SecretHash,
    /// What its browser is given once the code is confirmed.
    session: NewSecret,
    address: IpAddr,
    code: LoginCode,
    /// Another code stood there before.
    is_another: bool,
}

/// A browser that is to be shown a code.
struct Comer {
    address: IpAddr,
    /// What it is, in words.
    browser: String,
    /// It was shown a code before, which is good for nothing any more.
    had_code: bool,
}

/// What the web remembers of whoever comes in; nothing of it outlives the process.
#[derive(Debug, Default)]
pub struct Porch {
    pages: Mutex<Vec<WaitingPage>>,
    tries: Mutex<HashMap<IpAddr, VecDeque<i64>>>,
    /// When each session was used last, by the steady time in ms.
    used: Mutex<HashMap<SecretHash, i64>>,
}

/// What a lock guards is whole also where somebody panicked: each change is one step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Porch {
    /// Whether an address may try once more to come in; it is counted.
    pub fn admits(&self, address: IpAddr, steady_ms: i64) -> bool {
        let mut tries = locked(&self.tries);
        let is_new = |at_ms: &i64| steady_ms < at_ms.saturating_add(limits::DOOR_TRIES_MS);
        if tries.len() >= limits::DOOR_ADDRESSES {
            tries.retain(|_, tries| tries.back().is_some_and(is_new));
        }
        if tries.len() >= limits::DOOR_ADDRESSES && !tries.contains_key(&network(address)) {
            return false;
        }
        let tries = tries.entry(network(address)).or_default();
        tries.retain(is_new);
        let admits = tries.len() < limits::DOOR_TRIES;
        if admits {
            tries.push_back(steady_ms);
        }
        admits
    }

    /// Whether a session was in use lately; it is from now on, if it was.
    pub fn uses(&self, session: SecretHash, steady_ms: i64) -> bool {
        let mut used = locked(&self.used);
        if used.len() >= limits::SESSIONS_USED {
            let over_ms = neerc_core::limits::WEB_SESSION_MS;
            used.retain(|_, at_ms| steady_ms < at_ms.saturating_add(over_ms));
        }
        // Since a start it counts from the first use.
        let last_ms = used.entry(session).or_insert(steady_ms);
        let is_good = steady_ms < last_ms.saturating_add(limits::SESSION_IDLE_MS);
        if is_good {
            *last_ms = steady_ms;
        }
        is_good
    }

    fn find(&self, ticket: &SecretHash) -> Option<WaitingPage> {
        locked(&self.pages).iter().find(|page| page.ticket == *ticket).cloned()
    }

    fn forget(&self, ticket: &SecretHash) -> Vec<LoginCode> {
        let mut pages = locked(&self.pages);
        pages.retain(|page| page.ticket != *ticket);
        codes(&pages)
    }

    /// A new page for a browser: what it shows when it asks again, and all codes there are then.
    fn open(&self, comer: Comer, now_ms: i64) -> Option<(NewSecret, WaitingPage, Vec<LoginCode>)> {
        let Comer { address, browser, had_code } = comer;
        let (ticket, session) = (fresh_secret()?, fresh_secret()?);
        let mut pages = locked(&self.pages);
        // Whoever confirmed in the last moment is let in a moment later.
        pages.retain(|page| now_ms < page.code.until_ms.saturating_add(limits::LOGIN_GRACE_MS));
        while pages.iter().filter(|page| page.address == address).count() >= limits::LOGIN_PAGES_PER_ADDRESS
            && let Some(oldest) = pages.iter().position(|page| page.address == address)
        {
            pages.remove(oldest);
        }
        while pages.len() >= limits::LOGIN_PAGES {
            pages.remove(0); // the oldest
        }
        let digits = loop {
            let digits = six_digits()?;
            if !pages.iter().any(|page| *page.code.code == *digits) {
                break digits;
            }
        };
        let until_ms = now_ms.saturating_add(limits::LOGIN_CODE_MS);
        let (code, browser, hash) = (digits.into(), browser.into(), session.hash());
        let code = LoginCode { code, room: None, browser, session: hash, until_ms };
        let page = WaitingPage { ticket: ticket.hash(), session, address, code, is_another: had_code };
        pages.push(page.clone());
        Some((ticket, page, codes(&pages)))
    }
}

fn codes(pages: &[WaitingPage]) -> Vec<LoginCode> {
    pages.iter().map(|page| page.code.clone()).collect()
}

/// What one household or one machine has of addresses.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

fn six_digits() -> Option<String> {
    let mut bytes = [0; 4];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(format!("{:06}", u32::from_be_bytes(bytes) % 1_000_000))
}

/// A page that shows a code, and asks again by itself.
#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    frame: PageFrame<'a>,
    /// The line to write.
    line: String,
    /// Another one stood there before.
    is_another: bool,
}

/// The name of the cookie by which a waiting page is known.
fn ticket_name(is_secure: bool) -> &'static str {
    if is_secure { "__Host-neerc-login" } else { "neerc-local-login" }
}

fn ticket_cookie(site: &WebSite, ticket: &str, age_s: i64) -> String {
    let secure = if site.url.is_secure { "; Secure" } else { "" };
    let name = ticket_name(site.url.is_secure);
    format!("{name}={ticket}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age_s}{secure}")
}

/// The room into which somebody has let a session.
fn let_in(album: &Album, session: &SecretHash, now: Timepiece) -> Option<Room> {
    let is_in = |picture: &&Arc<super::picture::Picture>| door::who(session, picture, now.wall_ms).is_some();
    album.rooms.iter().find(is_in).map(|picture| picture.room.clone())
}

/// The page with the code; once that is confirmed, the way to the board.
pub async fn show(
    State(site): State<Arc<WebSite>>,
    Extension(peer): Extension<Peer>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let album = site.bridge.album();
    let Some(time) = album.time else { return not_shown(&site, &headers, NoVisit::Starting) };
    let (spoken, now) = (language(&site, &headers), time.now());
    let ticket = cookie(&headers, ticket_name(site.url.is_secure)).map(hash_of);
    if let Some(known) = ticket.and_then(|ticket| site.porch.find(&ticket)) {
        if let Some(room) = let_in(&album, &known.session.hash(), now) {
            let _ = site.bridge.show_codes(site.porch.forget(&known.ticket)).await; // they end by themselves
            let cookies = [session_cookie(&site, &room, known.session.reveal()), ticket_cookie(&site, "", 0)];
            let cookies = AppendHeaders(cookies.map(|cookie| (SET_COOKIE, cookie)));
            return (cookies, see_other(&format!("/r/{room}"))).into_response();
        }
        if now.wall_ms < known.code.until_ms {
            return draw(&site, &headers, &known);
        }
    }
    if method == Method::HEAD {
        return StatusCode::OK.into_response(); // whoever only looks is shown no code
    }
    let address = door::address(&headers, peer);
    if !site.porch.admits(address, now.steady_ms) {
        return note(&site, spoken, StatusCode::TOO_MANY_REQUESTS, "web-too-many");
    }
    let comer = Comer { address, browser: door::browser(&headers, peer), had_code: ticket.is_some() };
    let Some((ticket, waiting, codes)) = site.porch.open(comer, now.wall_ms) else {
        return not_shown(&site, &headers, NoVisit::Starting);
    };
    if let Err(ServiceGone) = site.bridge.show_codes(codes).await {
        return not_shown(&site, &headers, NoVisit::Starting);
    }
    let kept =
        ticket_cookie(&site, ticket.reveal(), limits::LOGIN_CODE_MS.saturating_add(limits::LOGIN_GRACE_MS) / 1_000);
    ([(SET_COOKIE, kept)], draw(&site, &headers, &waiting)).into_response()
}

fn draw(site: &WebSite, headers: &HeaderMap, waiting: &WaitingPage) -> Response {
    let spoken = language(site, headers);
    let title = site.words().say(spoken, "web-login", &[]);
    let code = &waiting.code.code;
    let (first, second) = code.split_at_checked(3).unwrap_or((code, ""));
    let digits = format!("{first} {second}");
    let line = site.words().say(spoken, "web-login-line", &[("code", Arg::Text(&digits))]);
    let frame = PageFrame::new(site, spoken, title, "/login".to_owned());
    page(StatusCode::OK, &LoginPage { frame, line, is_another: waiting.is_another })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn comer(address: IpAddr) -> Comer {
        Comer { address, browser: "Firefox".to_owned(), had_code: false }
    }

    #[test]
    fn ten_tries_a_minute_for_each_address() {
        let porch = Porch::default();
        assert_eq!((0..20).filter(|n| porch.admits(HERE, *n)).count(), 10);
        assert!(porch.admits("192.0.2.8".parse().unwrap(), 20), "others are not touched");
        assert!(!porch.admits(HERE, 59_999) && porch.admits(HERE, 60_000));
        let v6 = |n: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n));
        assert_eq!((0..20).filter(|n| porch.admits(v6(*n), 0)).count(), 10, "one network");
    }

    #[test]
    fn pages_have_codes_of_their_own_and_are_bounded() {
        let porch = Porch::default();
        let address = |n: usize| IpAddr::V4(std::net::Ipv4Addr::from_bits(n as u32));
        let mut last = Vec::new();
        for n in 0..limits::LOGIN_PAGES + 10 {
            let (ticket, page, codes) = porch.open(comer(address(n)), 0).unwrap();
            assert_eq!(porch.find(&ticket.hash()).unwrap().code, page.code);
            assert!(page.code.code.len() == 6 && page.code.code.bytes().all(|c| c.is_ascii_digit()));
            last = codes;
        }
        assert_eq!(last.len(), limits::LOGIN_PAGES);
        let distinct: std::collections::BTreeSet<_> = last.iter().map(|code| code.code.clone()).collect();
        assert_eq!(distinct.len(), last.len());
        for _ in 0..20 {
            porch.open(comer(HERE), 0).unwrap();
        }
        assert_eq!(
            locked(&porch.pages).iter().filter(|page| page.address == HERE).count(),
            limits::LOGIN_PAGES_PER_ADDRESS
        );
        let later_ms = limits::LOGIN_CODE_MS + limits::LOGIN_GRACE_MS;
        let (ticket, _, codes) = porch.open(comer(HERE), later_ms).unwrap();
        assert_eq!(codes.len(), 1, "the others are over");
        assert!(porch.forget(&ticket.hash()).is_empty() && porch.find(&ticket.hash()).is_none());
    }

    #[test]
    fn a_session_that_nobody_uses_for_half_a_day_is_over() {
        let (porch, session) = (Porch::default(), SecretHash::new([1; 32]));
        let idle_ms = limits::SESSION_IDLE_MS;
        assert!(porch.uses(session, 0) && porch.uses(session, idle_ms - 1) && porch.uses(session, 2 * idle_ms - 2));
        assert!(!porch.uses(session, 3 * idle_ms - 2));
        assert!(!porch.uses(session, 3 * idle_ms), "and it does not come back");
    }
}
