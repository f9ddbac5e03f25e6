//! What a machine that stands by shows. Whoever may read where another one serves reads here as well, and nothing can be done:
//! each page says who serves and how old it is. Everybody else is told that, and nothing more: by every other address too,
//! `/healthz` among them, so a web server before both machines sends people to the one that serves.

use super::guard;
use super::picture::Elsewhere;
use super::visit::language;
use super::{WebSite, api};
use crate::limits::STANDBY_AGAIN_S;
use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER};
use axum::http::{HeaderName, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use neerc_core::clock::hand::clock_face;
use neerc_core::face::menu::{Act, Item, MENU};
use neerc_core::face::words::{Arg, Language};
use std::sync::Arc;

/// What every answer says that another machine's would say anew: which revision it is of.
const STANDBY: HeaderName = HeaderName::from_static("neerc-standby");
/// By which a web server before both machines asks for the one that serves, and for nothing else.
const SERVING_ONLY: HeaderName = HeaderName::from_static("neerc-serving-only");

/// The page for whoever is shown nothing.
#[derive(Template)]
#[template(path = "standby.html")]
struct StandbyPage {
    language: Language,
    title: String,
    lines: Vec<String>,
    url: Option<Arc<str>>,
    open: String,
    again_s: u32,
}

/// Whether a row of the menu only shows, from what is known here.
pub fn is_shown(item: &Item) -> bool {
    item.is_query() && item.act != Act::History // that is told from what the loop remembers; the page of the history is not
}

/// Whether an address only shows, from what is known here.
fn only_shows(path: &str) -> bool {
    let path: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match path[..] {
        [""] | ["assets", _] | ["language"] | ["wall", _] | ["wall", _, "events"] | ["r", _] | ["api", ..] => true,
        ["r", _, page] => ["events", "history", "report", "print", "export.csv", "export.jsonl"].contains(&page),
        ["r", _, "do", verb] => MENU.iter().any(|item| item.verb == verb && is_shown(item)),
        _ => false,
    }
}

/// Who serves, and how old what is shown here is.
pub fn words(site: &WebSite, language: Language, elsewhere: &Elsewhere, zone_ms: i64) -> String {
    let say = |key: &str, args: &[(&str, Arg<'_>)]| site.words().say(language, key, args);
    let serves = match &elsewhere.holder {
        Some(holder) => say("web-elsewhere", &[("name", Arg::Text(holder))]),
        None => say("web-elsewhere-unknown", &[]),
    };
    let Some(at_ms) = elsewhere.at_ms else { return serves };
    let time = clock_face(at_ms.saturating_add(zone_ms).rem_euclid(86_400_000));
    let revision = elsewhere.revision.to_string();
    serves + " " + &say("web-elsewhere-as-of", &[("revision", Arg::Text(&revision)), ("time", Arg::Text(&time))])
}

/// Lets only through what shows something, where another machine serves, and answers everything else itself.
pub async fn only_show(State(site): State<Arc<WebSite>>, request: Request, next: Next) -> Response {
    let Some(elsewhere) = site.bridge.album().elsewhere.clone() else { return next.run(request).await };
    let path = request.uri().path().to_owned();
    let headers = request.headers().clone();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_answered = is_read && only_shows(&path) && !headers.contains_key(SERVING_ONLY);
    let shown = if is_answered { Some(next.run(request).await) } else { None };
    let is_api = path.starts_with("/api/");
    let is_told = |answer: &Response| match answer.status() {
        // Whom nobody is known to be, somebody may be where it is known.
        StatusCode::UNAUTHORIZED | StatusCode::SERVICE_UNAVAILABLE => false,
        status => is_api || status.is_success() || status.is_redirection(),
    };
    let mut answer = match shown.filter(is_told) {
        Some(answer) => answer,
        None if is_api => problem(&elsewhere, &path),
        None => page(&site, language(&site, &headers), &elsewhere),
    };
    let revision = format!("revision={}", elsewhere.revision);
    answer.headers_mut().extend(HeaderValue::from_str(&revision).ok().map(|revision| (STANDBY, revision)));
    answer
}

/// What a browser is told that is shown nothing.
fn page(site: &WebSite, language: Language, elsewhere: &Elsewhere) -> Response {
    let say = |key: &str| site.words().say(language, key, &[]);
    let zone_ms = site.bridge.album().time.map_or(0, |time| time.zone_ms);
    let lines = vec![words(site, language, elsewhere, zone_ms), say("web-standby-help")];
    let (title, open, url) = (say("web-standby"), say("web-elsewhere-open"), elsewhere.url.clone());
    let page = StandbyPage { language, title, lines, url, open, again_s: STANDBY_AGAIN_S };
    let mut answer = match page.render() {
        Ok(page) => (StatusCode::SERVICE_UNAVAILABLE, Html(page)).into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    let said = answer.headers_mut();
    for (name, value) in guard::HEADERS {
        said.insert(name, HeaderValue::from_static(value));
    }
    said.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    said.insert(RETRY_AFTER, STANDBY_AGAIN_S.into());
    answer
}

/// The same for a program.
fn problem(elsewhere: &Elsewhere, path: &str) -> Response {
    let serves = elsewhere.holder.as_deref().unwrap_or("another machine");
    let at = elsewhere.url.as_ref().map(|url| format!(" at {url}")).unwrap_or_default();
    let mut answer = api::standing_by(&format!("this machine stands by; {serves} serves{at}"), path);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
