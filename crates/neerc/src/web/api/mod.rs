//! The interface for programs, `/api/v1`: what the core's queries and commands are called there, and who asks. Tokens are
//! the only way in; what their people may do is the room's. Not how pages look, and nothing that a browser keeps counts.

mod asked;
mod caller;
mod document;
mod events;
mod history;
mod problem;
mod routes;
mod shown;

#[cfg(test)]
mod tests;

pub use self::document::document;

use self::asked::Asked;
use self::caller::{ApiStreams, ApiThrottle, Caller};
use self::problem::ApiProblem;
use self::routes::{Endpoint, Found, ROOT};
use super::WebSite;
use super::limits;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use neerc_core::doors::TokenScope;
use serde_json::Value;
use std::sync::Arc;

/// What every answer says: it is nothing that a browser should show or keep.
const HEADERS: [(HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::VARY, "Authorization"),
];

/// The interface, as it is served.
#[derive(Debug)]
struct Api {
    site: Arc<WebSite>,
    throttle: ApiThrottle,
    streams: ApiStreams,
}

/// All of its addresses.
pub fn router(site: Arc<WebSite>) -> Router {
    let api = Arc::new(Api { site, throttle: ApiThrottle::default(), streams: ApiStreams::default() });
    Router::new().route("/api/{*path}", any(serve)).with_state(api)
}

/// The answer of a machine that stands by to whatever it does not show.
pub fn standing_by(detail: &str, address: &str) -> Response {
    ApiProblem::standing_by(detail).into_response(address)
}

/// What is answered if nothing goes wrong.
enum Answer {
    /// A document.
    Json(StatusCode, Value),
    /// A document with headers of its own.
    With(Vec<(HeaderName, String)>, StatusCode, Value),
    /// Nothing but that it was done.
    Done,
    /// A stream.
    Stream(Response),
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let json = |status, value: &Value| {
            (status, [(header::CONTENT_TYPE, "application/json")], format!("{value}\n")).into_response()
        };
        match self {
            Answer::Json(status, value) => json(status, &value),
            Answer::With(headers, status, value) => {
                let mut response = json(status, &value);
                for (name, value) in headers {
                    response.headers_mut().extend(HeaderValue::from_str(&value).ok().map(|value| (name, value)));
                }
                response
            }
            Answer::Done => StatusCode::NO_CONTENT.into_response(),
            Answer::Stream(response) => response,
        }
    }
}

async fn serve(State(api): State<Arc<Api>>, path: Result<Path<String>, PathRejection>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let address = parts.uri.path().to_owned();
    let answered = match path {
        Ok(Path(path)) => answer(&api, &path, &parts, body).await,
        Err(_) => Err(ApiProblem::no_such_address()),
    };
    let mut response = answered.map_or_else(|problem| problem.into_response(&address), IntoResponse::into_response);
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

async fn answer(api: &Arc<Api>, path: &str, parts: &Parts, body: Body) -> Result<Answer, ApiProblem> {
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if !host.is_some_and(|host| api.site.is_own_host(host)) {
        return Err(ApiProblem::new(StatusCode::MISDIRECTED_REQUEST, "other-host", "this host is not served here"));
    }
    let path: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
    let method = if parts.method == Method::HEAD { Method::GET } else { parts.method.clone() };
    let found = routes::find(&method, &path)?;
    match found.route.endpoint {
        Endpoint::Document => return Ok(Answer::Json(StatusCode::OK, document())),
        Endpoint::Problem => {
            return problem::described(found.value(0)).map(|about| Answer::Json(StatusCode::OK, about));
        }
        _ => {}
    }
    let caller = Caller::of(&api.site, found.room, &parts.headers)?;
    api.throttle.take(&caller)?;
    if method == Method::GET {
        caller.room_is_read()?;
        return read(api, &caller, &found, parts).await;
    }
    if caller.scope != TokenScope::Write {
        return Err(ApiProblem::new(StatusCode::FORBIDDEN, "read-only-token", "this token is good for reading only"));
    }
    let body = whole(&parts.headers, body).await?;
    asked::change(api, caller, Asked { parts, body: &body, found: &found }).await
}

async fn read(api: &Arc<Api>, caller: &Caller, found: &Found<'_>, parts: &Parts) -> Result<Answer, ApiProblem> {
    let query = super::board::form(parts.uri.query().unwrap_or_default());
    let json = |value| Ok(Answer::Json(StatusCode::OK, value));
    match found.route.endpoint {
        Endpoint::Users => json(shown::users(caller)?),
        Endpoint::Tasks => json(shown::tasks(caller, &query)?),
        Endpoint::Late => json(shown::late(caller)?),
        Endpoint::Clock => json(shown::clock(caller)?),
        Endpoint::Plans => json(shown::plans(&caller.view()?)?),
        Endpoint::History => history::page(api, caller, &query).await,
        Endpoint::Events => events::open(api, caller, &parts.headers, &query).map(Answer::Stream),
        _ => Err(ApiProblem::no_such_address()), // the others are not read
    }
}

/// The whole body of a request, within bounds.
async fn whole(headers: &HeaderMap, body: Body) -> Result<Bytes, ApiProblem> {
    let read = tokio::time::timeout(limits::BODY_PATIENCE, to_bytes(body, limits::BODY_BYTES)).await;
    let slow = |_| ApiProblem::new(StatusCode::REQUEST_TIMEOUT, "slow-body", "the body took too long to arrive");
    let large = |_| ApiProblem::new(StatusCode::PAYLOAD_TOO_LARGE, "large-body", "the body has more than 64 KiB");
    let body = read.map_err(slow)?.map_err(large)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !body.is_empty() && !kind.eq_ignore_ascii_case("application/json") {
        return Err(ApiProblem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-json",
            "the body has to be JSON, and Content-Type application/json",
        ));
    }
    Ok(body)
}

/// Puts a member into an object.
fn put(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), value);
    }
}

/// The address of something in a room.
fn address(room: &str, rest: &str) -> String {
    format!("{ROOT}/rooms/{room}{rest}")
}
