//! Sends messages to one endpoint over HTTP. Blocking, with bounds; it connects to no address but those that may be, and
//! goes nowhere that an answer sends it on to.

use super::message::Message;
use super::networks::{Network, is_public};
use super::{Webhook, limits};
use crate::http::agent_with;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use ureq::config::Config;
use ureq::http::{HeaderMap, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Agent, Error};

/// What came of sending a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It was taken.
    Taken,
    /// The endpoint wants nothing more (410).
    Unwanted,
    /// It was not taken.
    Failed {
        /// Why, in words.
        why: String,
        /// How long the endpoint asks to be left alone, in s.
        retry_after_s: Option<u64>,
    },
}

/// Sends messages to one endpoint.
#[derive(Debug)]
pub struct Poster {
    agent: Agent,
    hook: Webhook,
}

impl Poster {
    /// To that endpoint; what is wrong with its certificates is said.
    pub fn new(hook: Webhook) -> Result<Poster, String> {
        Poster::with_names(hook, DefaultResolver::default())
    }

    /// The same with what looks up names.
    fn with_names(hook: Webhook, names: impl Resolver) -> Result<Poster, String> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None) // it would look names up by itself
            .timeout_connect(Some(limits::CONNECT))
            .timeout_global(Some(limits::WHOLE))
            .max_response_header_size(limits::HEADER_BYTES)
            .user_agent(concat!("neerc/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = agent_with(config, &hook.address, Guard { lookup: names, door: hook.door() })?;
        Ok(Poster { agent, hook })
    }

    /// Sends a message at that time of day.
    pub fn post(&self, message: &Message, timestamp_s: i64) -> Posted {
        let request = self
            .agent
            .post(&self.hook.address.url)
            .header("content-type", "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", timestamp_s.to_string())
            .header("webhook-signature", self.hook.keys.sign(&message.id, timestamp_s, &message.body));
        let mut response = match request.send(&message.body) {
            Ok(response) => response,
            Err(error) => return Posted::Failed { why: in_words(&error), retry_after_s: None },
        };
        let retry_after_s = retry_after_s(response.headers());
        let status = response.status().as_u16();
        // A connection can be used again once its answer was read; a long one is not worth it.
        let _ = response.body_mut().with_config().limit(limits::BODY_BYTES).read_to_vec();
        match status {
            200..=299 => Posted::Taken,
            410 => Posted::Unwanted,
            300..=399 => {
                let why =
                    format!("it sends on to another address ({status}), which is not followed: give that one in url");
                Posted::Failed { why, retry_after_s: None }
            }
            _ => Posted::Failed { why: format!("it answers {status}"), retry_after_s },
        }
    }
}

fn in_words(error: &Error) -> String {
    match error {
        Error::Other(why) => why.to_string(),
        Error::Timeout(_) => "it takes too long".to_owned(),
        error => error.to_string(),
    }
}

fn retry_after_s(headers: &HeaderMap) -> Option<u64> {
    headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()
}

/// Which addresses may be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// These, although they are not public.
    pub private: Vec<Network>,
    /// No others, since what is sent there can be read on its way.
    pub is_plain: bool,
}

impl Door {
    fn lets(&self, address: IpAddr) -> bool {
        let is_listed = self.private.iter().any(|network| network.holds(address));
        is_listed || (!self.is_plain && is_public(address))
    }

    /// Those of the addresses of a name that may be connected to; else why there are none.
    pub fn choose(&self, addresses: &[SocketAddr]) -> Result<Vec<SocketAddr>, String> {
        let chosen: Vec<SocketAddr> = addresses.iter().copied().filter(|address| self.lets(address.ip())).collect();
        match (chosen.is_empty(), addresses.first().map(SocketAddr::ip)) {
            (false, _) => Ok(chosen),
            (true, None) => Err("its name has no address".to_owned()),
            (true, Some(ip)) if is_public(ip) => {
                Err(format!("it is at {ip}, to which http:// would be readable on its way: use https://"))
            }
            (true, Some(ip)) => {
                Err(format!("it is at {ip}, which is not public: list that in allow_private if it is meant"))
            }
        }
    }

    /// The addresses of the host of a URL that may be connected to. It blocks on name servers.
    pub fn look_up(&self, url: &str) -> Result<Vec<SocketAddr>, String> {
        let uri: Uri = url.parse().map_err(|_| "its URL cannot be read".to_owned())?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err("its URL names no host".to_owned());
        };
        let host = DefaultResolver::host_and_port(scheme, authority).ok_or("its URL names no host")?;
        let found = host.to_socket_addrs().map_err(|error| format!("its name cannot be looked up: {error}"))?;
        self.choose(&found.collect::<Vec<_>>())
    }
}

/// Looks names up and hands on only addresses that may be connected to. What is handed on is what is connected to.
#[derive(Debug)]
struct Guard<R> {
    lookup: R,
    door: Door,
}

impl<R: Resolver> Resolver for Guard<R> {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.lookup.resolve(uri, config, timeout)?;
        let chosen = self.door.choose(&found).map_err(|why| Error::Other(why.into()))?;
        let mut addresses = self.empty();
        chosen.into_iter().for_each(|address| addresses.push(address)); // not more than there were
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests;
