//! Which address shows which page, and the pages that are not the board: how one comes in, and why something is not shown.

use super::door::{self, cookie_name, old_cookie_name};
use super::picture::Timepiece;
use super::server::Peer;
use super::visit::{LANGUAGE_COOKIE, NoVisit, Visit, language, session_cookie};
use super::{WebSite, api, assets, board, doing, draw, guard, history, live, login, standby, typed, wall};
use askama::Template;
use assets::AssetNames;
use axum::extract::{FromRequestParts, Path, Query, RawPathParams, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{AppendHeaders, Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use neerc_core::face::words::Language;
use std::collections::HashMap;
use std::sync::Arc;

/// Every page there is.
pub fn router(site: Arc<WebSite>) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/assets/{name}", get(assets::serve))
        .route("/language", get(choose_language))
        .route("/login", get(login::show))
        .route("/l/{link}", get(link).post(redeem))
        .route("/r/{room}", get(board::show))
        .route("/r/{room}/do/{verb}", get(doing::draw).post(doing::perform))
        .route("/r/{room}/line", post(typed::take))
        .route("/r/{room}/events", get(live::open))
        .route("/r/{room}/logout", post(logout))
        .route("/wall/{token}", get(wall::show))
        .route("/wall/{token}/events", get(wall::events))
        .merge(history::routes())
        .fallback(nowhere)
        .layer(from_fn_with_state(site.clone(), guard::guard))
        .with_state(site.clone())
        .merge(api::router(site.clone()))
        .layer(from_fn_with_state(site, standby::only_show))
}

/// What all pages have in common.
#[derive(Debug)]
pub struct PageFrame<'a> {
    /// The site.
    pub site: &'a WebSite,
    /// What the page is written in.
    pub spoken: Language,
    /// What the window is called.
    pub title: String,
    /// Its address, without the host.
    pub here: String,
    /// The files that it needs.
    pub assets: AssetNames,
}

impl<'a> PageFrame<'a> {
    /// A page with that title, at an address without the host.
    pub fn new(site: &'a WebSite, spoken: Language, title: String, here: String) -> PageFrame<'a> {
        PageFrame { site, spoken, title, here, assets: assets::names() }
    }

    /// A text of the page.
    pub fn say(&self, key: &str) -> String {
        self.site.words().say(self.spoken, key, &[])
    }

    /// A text of the page that counts something.
    pub fn count(&self, key: &str, count: &usize) -> String {
        self.site.words().say(self.spoken, key, &[("count", (*count).into())])
    }

    /// What stands on each page of a machine that stands by.
    pub fn elsewhere(&self) -> String {
        draw::elsewhere(self.site, self.spoken).unwrap_or_default()
    }

    /// The tag of its language.
    pub fn language(&self) -> &'static str {
        self.spoken.tag()
    }

    /// Every language, with what it calls itself.
    pub fn languages(&self) -> [(&'static str, &'static str); 2] {
        [("en", "English"), ("ru", "Русский")]
    }
}

/// A page that says something, and where to go from there.
#[derive(Template)]
#[template(path = "note.html")]
struct NotePage<'a> {
    frame: PageFrame<'a>,
    lines: Vec<String>,
    link: Option<(String, String)>,
}

/// A page with the button that uses a link up.
#[derive(Template)]
#[template(path = "enter.html")]
struct EnterPage<'a> {
    frame: PageFrame<'a>,
}

/// A page, with what it means to programs.
pub fn page(status: StatusCode, template: &impl Template) -> Response {
    (status, Html(template.render().unwrap_or_default())).into_response()
}

/// Sends the browser on.
pub fn see_other(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
}

/// A page that says why there is no other.
pub fn note(site: &WebSite, spoken: Language, status: StatusCode, key: &str) -> Response {
    let frame = PageFrame::new(site, spoken, site.words().say(spoken, key, &[]), "/".to_owned());
    let help = site.words().find(spoken, &format!("{key}-help"), &[]);
    let link = match key {
        "web-not-logged-in" => ("/login".to_owned(), frame.say("web-login")),
        _ => ("/".to_owned(), frame.say("web-home")),
    };
    let link = Some(link);
    page(status, &NotePage { frame, lines: help.into_iter().collect(), link })
}

/// Whoever asks for what is in a room, which the address names. Others get the page that says why not.
impl FromRequestParts<Arc<WebSite>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<WebSite>) -> Result<Visit, Response> {
        let named = RawPathParams::from_request_parts(parts, site).await.map_err(IntoResponse::into_response)?;
        let room = named.iter().find(|(name, _)| *name == "room").map(|(_, room)| room).unwrap_or_default();
        Visit::of(site, room, &parts.headers).map_err(|why| not_shown(site, &parts.headers, why))
    }
}

/// The page for somebody who does not see the room that they asked for.
pub fn not_shown(site: &WebSite, headers: &HeaderMap, why: NoVisit) -> Response {
    let (status, key) = match why {
        NoVisit::LoggedOut => (StatusCode::UNAUTHORIZED, "web-not-logged-in"),
        NoVisit::Stranger => (StatusCode::FORBIDDEN, "web-not-in-room"),
        NoVisit::Starting => (StatusCode::SERVICE_UNAVAILABLE, "web-not-ready"),
    };
    note(site, language(site, headers), status, key)
}

async fn nowhere(State(site): State<Arc<WebSite>>, headers: HeaderMap) -> Response {
    note(&site, language(&site, &headers), StatusCode::NOT_FOUND, "web-nowhere")
}

/// The first room that whoever asks is logged in to.
async fn home(State(site): State<Arc<WebSite>>, headers: HeaderMap) -> Response {
    let album = site.bridge.album();
    let visits = album.rooms.iter().filter_map(|picture| Visit::of(&site, &picture.room, &headers).ok());
    match visits.map(|visit| visit.picture.room.clone()).next() {
        Some(room) => see_other(&format!("/r/{room}")),
        None if album.time.is_none() => not_shown(&site, &headers, NoVisit::Starting),
        None => see_other("/login"),
    }
}

async fn choose_language(State(site): State<Arc<WebSite>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let chosen = query.get("set").and_then(|tag| Language::parse(tag)).unwrap_or(site.language());
    let secure = if site.url.is_secure { "; Secure" } else { "" };
    let kept = format!("{LANGUAGE_COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax{secure}", chosen.tag());
    // Only to a page of ours, and one that can stand in a header.
    let is_ours =
        |to: &&String| to.starts_with('/') && !to.starts_with("//") && to.bytes().all(|c| c.is_ascii_graphic());
    let to = query.get("to").filter(is_ours).filter(|to| !to.contains('\\')).map_or("/", String::as_str);
    ([(SET_COOKIE, kept)], see_other(to)).into_response()
}

/// Looking at a link changes nothing: chats and mail programs do so by themselves.
async fn link(
    State(site): State<Arc<WebSite>>,
    Extension(peer): Extension<Peer>,
    Path(link): Path<String>,
    headers: HeaderMap,
) -> Response {
    let spoken = language(&site, &headers);
    if !door::is_good(&site.bridge, &link) {
        return no_such_link(&site, &headers, peer);
    }
    let title = site.words().say(spoken, "web-enter-title", &[]);
    page(StatusCode::OK, &EnterPage { frame: PageFrame::new(&site, spoken, title, format!("/l/{link}")) })
}

async fn redeem(
    State(site): State<Arc<WebSite>>,
    Extension(peer): Extension<Peer>,
    Path(link): Path<String>,
    headers: HeaderMap,
) -> Response {
    match door::redeem(&site.bridge, &link, &headers, peer).await {
        Some((room, session)) => {
            ([(SET_COOKIE, session_cookie(&site, &room, session.reveal()))], see_other(&format!("/r/{room}")))
                .into_response()
        }
        None => no_such_link(&site, &headers, peer),
    }
}

/// A link that is not good; nobody shall find one by trying.
fn no_such_link(site: &WebSite, headers: &HeaderMap, peer: Peer) -> Response {
    let (spoken, time) = (language(site, headers), site.bridge.album().time);
    let admits = |at: Timepiece| site.porch.admits(door::address(headers, peer), at.now().steady_ms);
    if time.is_some_and(admits) {
        note(site, spoken, StatusCode::GONE, "web-link-gone")
    } else {
        note(site, spoken, StatusCode::TOO_MANY_REQUESTS, "web-too-many")
    }
}

/// Logs the browser out of a room.
async fn logout(State(site): State<Arc<WebSite>>, Path(room): Path<String>, headers: HeaderMap) -> Response {
    let is_secure = site.url.is_secure;
    if let Some(session) = door::shown(&headers, is_secure, &room) {
        door::leave(&site.bridge, session).await;
    }
    let album = site.bridge.album();
    let room = album.room(&room).map(|picture| cookie_name(is_secure, &picture.room)); // only what can stand in a header
    let names = [Some(old_cookie_name(is_secure).to_owned()), room];
    // With `Secure`, without which no browser touches a cookie whose name begins with `__Host-`.
    let secure = if is_secure { "; Secure" } else { "" };
    let gone = names.into_iter().flatten().map(|name| (SET_COOKIE, format!("{name}=; Path=/; Max-Age=0{secure}")));
    (AppendHeaders(gone), see_other("/")).into_response()
}
