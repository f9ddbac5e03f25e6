//! Asking other systems over HTTP, politely and with bounds: contest systems for their clocks, services for lists of people,
//! webhooks. Blocking: whoever asks has a thread for it, so neither a slow name server nor a slow handshake holds up the service.
//! Not the pages and programs that ask us: those are in `web/`.

pub mod limits;
mod tls;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::http::{HeaderMap, Response, Uri};
use ureq::unversioned::resolver::{DefaultResolver, Resolver};
use ureq::unversioned::transport::{Connector, TcpConnector};
use ureq::{Agent, Body};

/// Where a document is, and how to be let in and whom to believe.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HttpAddress {
    /// `https://host/api/contests/demo`; `http://` to the machine itself or a private network only.
    pub url: String,
    /// For basic authentication (RFC 7617), with the password.
    pub login: Option<(String, String)>,
    /// Certificates to believe besides those of the system, in PEM.
    pub ca_file: Option<PathBuf>,
    /// The SHA-256 of the only certificate to believe, whoever signed it.
    pub fingerprint: Option<[u8; 32]>,
}

impl std::fmt::Debug for HttpAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url) // not the password
    }
}

/// A document as it came.
#[derive(Debug)]
pub struct Document {
    /// Its bytes.
    pub body: Vec<u8>,
    /// How far the server's time of day is ahead of ours, in ms, if it says it.
    pub ahead_ms: Option<i64>,
}

/// Why there is none.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// In words.
    pub words: String,
    /// How long the server asks to be left alone, in s.
    pub retry_after_s: Option<u64>,
}

impl From<String> for Problem {
    fn from(words: String) -> Problem {
        Problem { words, retry_after_s: None }
    }
}

/// Fetches documents from one server.
#[derive(Debug)]
pub struct HttpClient {
    agent: Agent,
    authorization: Option<String>,
}

impl HttpClient {
    /// A client for that address; what is wrong with its certificates is said.
    pub fn new(address: &HttpAddress) -> Result<HttpClient, String> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(Duration::from_millis(limits::CONNECT_MS)))
            .timeout_global(Some(Duration::from_millis(limits::WHOLE_MS)))
            .max_response_header_size(limits::HEADER_BYTES)
            .user_agent(concat!("neerc/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .build();
        let login = address.login.as_ref();
        Ok(HttpClient {
            agent: with_tls(config, address)?,
            authorization: login
                .map(|(user, password)| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))),
        })
    }

    /// Fetches one document. `wall_ms` gives the time of day.
    pub fn get(&self, url: &str, wall_ms: fn() -> i64) -> Result<Document, Problem> {
        let began = Instant::now();
        let mut request = self.agent.get(url);
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let mut response = request.call().map_err(|error| Problem::from(error.to_string()))?;
        let took_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        // The server wrote its time somewhere between the request and the answer.
        let ahead_ms = server_ms(response.headers()).map(|server_ms| server_ms - (wall_ms() - took_ms / 2));
        refuse(url, &response)?;
        let body = response.body_mut().with_config().limit(limits::BODY_BYTES).read_to_vec();
        Ok(Document { body: body.map_err(|error| Problem::from(error.to_string()))?, ahead_ms })
    }
}

/// Asks servers in other ways, believing the same certificates; what is wrong with those is said.
pub fn agent(address: &HttpAddress) -> Result<Agent, String> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_connect(Some(Duration::from_millis(limits::CONNECT_MS)))
        .timeout_global(Some(Duration::from_millis(limits::WHOLE_MS)))
        .user_agent(concat!("neerc/", env!("CARGO_PKG_VERSION")))
        .build();
    with_tls(config, address)
}

fn with_tls(config: Config, address: &HttpAddress) -> Result<Agent, String> {
    agent_with(config, address, DefaultResolver::default())
}

/// The same with bounds of one's own, and what looks up names.
pub fn agent_with(config: Config, address: &HttpAddress, names: impl Resolver) -> Result<Agent, String> {
    let connector = TcpConnector::default().chain(tls::TlsConnector::new(address)?);
    Ok(Agent::with_parts(config, connector, names))
}

/// The date of an HTTP answer (RFC 9110, 5.6.7), in ms since 1970.
pub fn http_date(text: &str) -> Option<i64> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some(at.as_millisecond())
}

/// The time of day of the server: `ICPC-Time` says it in ms, `Date` in whole seconds.
fn server_ms(headers: &HeaderMap) -> Option<i64> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let exact = text("icpc-time").and_then(|text| text.trim().parse().ok());
    exact.or_else(|| Some(text("date").and_then(http_date)? + 500))
}

/// An answer that holds no document.
fn refuse(url: &str, response: &Response<Body>) -> Result<(), Problem> {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let status = response.status();
    let words = match status.as_u16() {
        200 => return Ok(()),
        300..=399 => {
            let to = text("location").unwrap_or("somewhere else");
            format!("{url} sends on to {to}: give the address itself in url; a login page means that user is missing")
        }
        401 => format!("{url} wants a login (401): set user and password or password_file"),
        403 => format!("{url} refuses that user (403): the account needs the right to read the contest (api_reader)"),
        404 => format!("{url} knows no such contest (404): before its activation that is so; else correct url"),
        429 | 503 => format!("{url} is busy ({})", status.as_u16()),
        other => format!("{url} answers {other}"),
    };
    Err(Problem { words, retry_after_s: text("retry-after").and_then(|text| text.trim().parse().ok()) })
}

/// Whether an address may be asked without encryption: only the machine itself and private networks.
pub fn check(url: &str) -> Result<(), String> {
    let refused = |why: &str| Err(format!("\"{url}\" {why}"));
    let Ok(uri) = url.parse::<Uri>() else { return refused("is no URL") };
    let host = uri.host().unwrap_or("");
    match uri.scheme_str() {
        _ if host.is_empty() => refused("names no host; it must be like https://host/api/contests/demo"),
        _ if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) => {
            refused("holds a password; put it into user and password_file")
        }
        Some("https") => Ok(()),
        Some("http") if is_near(host) => Ok(()),
        Some("http") => refused("would send the login over the network for everybody to read; use https"),
        _ => refused("must begin with https://"),
    }
}

fn is_near(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse() {
        Ok(std::net::IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Ok(std::net::IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        Err(_) => host == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_answers() {
        assert_eq!(http_date("Sun, 12 Oct 2031 07:00:00 GMT"), Some(1_949_554_800_000));
        assert_eq!(http_date("yesterday"), None);
    }
}
