//! What holds for every page: what browsers are told to refuse, and which requests are refused because another site made
//! them. Not who asks: that is the door's.

use super::WebSite;
use super::limits;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// What every answer says.
pub const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types neerc",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With `no-referrer` browsers would hide where a form of ours comes from, and without TLS nothing else says it.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), \
         payment=(), usb=(), screen-wake-lock=(self)",
    ),
    (header::VARY, "Cookie, Accept-Language"),
];

/// Refuses what another site asks for, reads what is sent within bounds, and says what browsers are to refuse.
pub async fn guard(State(site): State<Arc<WebSite>>, request: Request, next: Next) -> Response {
    let mut response = match admit(&site, request).await {
        Ok(request) => next.run(request).await,
        Err(status) => status.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

async fn admit(site: &WebSite, request: Request) -> Result<Request, StatusCode> {
    let (parts, body) = request.into_parts();
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if !host.is_some_and(|host| site.is_own_host(host)) {
        return Err(StatusCode::MISDIRECTED_REQUEST);
    }
    match parts.method {
        Method::GET | Method::HEAD => return Ok(Request::from_parts(parts, Body::empty())),
        Method::POST => {}
        _ => return Err(StatusCode::METHOD_NOT_ALLOWED),
    }
    if !is_from_here(site, &parts.headers) {
        return Err(StatusCode::FORBIDDEN);
    }
    let bytes = tokio::time::timeout(limits::BODY_PATIENCE, to_bytes(body, limits::BODY_BYTES)).await;
    let bytes = bytes.map_err(|_| StatusCode::REQUEST_TIMEOUT)?.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// Whether a page of ours sent this, by what browsers say of it.
fn is_from_here(site: &WebSite, headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text(HeaderName::from_static("sec-fetch-site")), text(header::ORIGIN)) {
        (Some(from), origin) => {
            from == "same-origin" && origin.is_none_or(|origin| origin == "null" || site.is_own_origin(origin))
        }
        (None, Some(origin)) => site.is_own_origin(origin),
        (None, None) => false,
    }
}
