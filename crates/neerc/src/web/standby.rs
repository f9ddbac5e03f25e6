//! What a browser sees of a machine that stands by: which one serves it cannot know, but that this one does not, and that the
//! page comes by itself. Every address answers so, `/healthz` too, so a web server before both sends people to the other one.

use super::guard;
use crate::i18n::Files;
use crate::limits::STANDBY_AGAIN_S;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, HeaderMap, HeaderValue, RETRY_AFTER};
use axum::response::{Html, IntoResponse, Response};
use neerc_core::face::words::{Language, Words};
use neerc_store::WhoServes;
use tokio::sync::watch;

/// The page.
#[derive(Template)]
#[template(path = "standby.html")]
struct StandbyPage {
    language: Language,
    title: String,
    help: String,
    again_s: u32,
}

/// Answers every address with that page, in the language of whoever asks or in that one.
pub fn router(sight: watch::Receiver<WhoServes>, language: Language) -> Router {
    Router::new().fallback(answer).with_state((sight, language))
}

async fn answer(
    State((sight, language)): State<(watch::Receiver<WhoServes>, Language)>,
    headers: HeaderMap,
) -> Response {
    let wanted = headers.get(ACCEPT_LANGUAGE).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    let language = wanted.split([',', ';']).filter_map(Language::parse).next().unwrap_or(language);
    let count = sight.borrow().revision;
    let say = |key: &str| Files.say(language, key, &[("count", usize::try_from(count).unwrap_or(usize::MAX).into())]);
    let (title, help) = (say("web-standby"), say("web-standby-help"));
    let page = StandbyPage { language, title, help, again_s: STANDBY_AGAIN_S };
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
