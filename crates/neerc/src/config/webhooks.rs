//! `[[webhooks]]`: who is told over HTTP what happens.

use super::check::Check;
use super::error::ConfigError;
use super::keys::RawWebhook;
use crate::http::HttpAddress;
use crate::webhooks::Webhook;
use crate::webhooks::limits::WEBHOOKS;
use crate::webhooks::message::TYPES;
use crate::webhooks::networks::Network;
use crate::webhooks::signature::SigningKeys;
use neerc_core::change::Room;
use ureq::http::Uri;

impl Check<'_> {
    pub(super) fn webhooks(&self, raw: Vec<RawWebhook>, rooms: &[Room]) -> Result<Vec<Webhook>, ConfigError> {
        let mut hooks: Vec<Webhook> = Vec::with_capacity(raw.len());
        for (nth, raw) in raw.into_iter().enumerate() {
            let wrong = |wanted: &str| Err(self.nth_hidden("webhooks.url", nth, wanted));
            if nth == WEBHOOKS {
                return wrong(&format!("is one too many: there can be {WEBHOOKS} webhooks"));
            }
            let hook = self.webhook(raw, nth, rooms)?;
            if hooks.iter().any(|known| known.address.url == hook.address.url) {
                return wrong("has a webhook already: let that one name the rooms and events of both");
            }
            hooks.push(hook);
        }
        Ok(hooks)
    }

    fn webhook(&self, raw: RawWebhook, nth: usize, rooms: &[Room]) -> Result<Webhook, ConfigError> {
        let private = self.networks(raw.allow_private.unwrap_or_default(), nth)?;
        let url = raw
            .url
            .ok_or_else(|| self.nth_missing("webhooks.url", nth, "say who is told, such as https://host/path"))?;
        check_url(&url, !private.is_empty()).map_err(|wanted| self.nth_hidden("webhooks.url", nth, wanted))?;
        let (key, secret) = match (raw.secret, raw.secret_file) {
            (Some(secret), None) => ("webhooks.secret", secret),
            (None, Some(file)) => {
                let path = self.secret_path("webhooks.secret_file", nth, &file)?;
                ("webhooks.secret_file", self.read_secret("webhooks.secret_file", nth, &path)?)
            }
            (Some(_), Some(file)) => {
                return Err(self.nth_invalid("webhooks.secret_file", nth, &file, "stands beside secret: keep one"));
            }
            (None, None) => return Err(self.nth_missing("webhooks.secret", nth, "give secret or secret_file")),
        };
        let keys = SigningKeys::parse(secret.expose()).map_err(|wanted| self.nth_hidden(key, nth, &wanted))?;
        let named = |name: &String| {
            let known = rooms.iter().find(|known| known.eq_ignore_ascii_case(name)).cloned();
            known.ok_or_else(|| self.nth_invalid("webhooks.rooms", nth, name, "is not among rooms.join"))
        };
        let of_type = |name: &String| {
            let known = TYPES.into_iter().find(|known| known == name);
            let wanted = || format!("must be one of {}", TYPES.join(", "));
            known.ok_or_else(|| self.nth_invalid("webhooks.events", nth, name, &wanted()))
        };
        let ca_file = raw.ca_file.map(|file| self.nth_beside("webhooks.ca_file", nth, &file)).transpose()?;
        let fingerprint = self.fingerprint("webhooks.fingerprint", nth, raw.fingerprint)?;
        Ok(Webhook {
            address: HttpAddress { url, login: None, ca_file, fingerprint },
            keys,
            rooms: raw.rooms.iter().flatten().map(named).collect::<Result<_, _>>()?,
            types: raw.events.iter().flatten().map(of_type).collect::<Result<_, _>>()?,
            private,
        })
    }

    fn networks(&self, texts: Vec<String>, nth: usize) -> Result<Vec<Network>, ConfigError> {
        let wanted = "must be an address such as 10.0.0.5, or a network such as 10.0.0.0/8";
        let network = |text: &String| {
            Network::parse(text).ok_or_else(|| self.nth_invalid("webhooks.allow_private", nth, text, wanted))
        };
        texts.iter().map(network).collect()
    }

    /// For a value that is a secret, or holds one.
    fn nth_hidden(&self, key: &'static str, nth: usize, wanted: &str) -> ConfigError {
        let value = "(hidden)".to_owned();
        ConfigError::Invalid { origin: self.nth_origin(key, nth), key, value, wanted: wanted.to_owned() }
    }
}

/// What is wrong with a URL, if anything is. What stands behind the host is often a secret, so it is not repeated.
fn check_url(url: &str, has_private: bool) -> Result<(), &'static str> {
    let uri: Uri = url.parse().map_err(|_| "must be a URL such as https://host/path")?;
    match uri.scheme_str() {
        _ if uri.host().unwrap_or_default().is_empty() => Err("must name a host, such as https://host/path"),
        _ if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) => {
            Err("must hold no password: the signature is what shows who sends")
        }
        Some("https") => Ok(()),
        Some("http") if has_private => Ok(()),
        Some("http") => Err("must begin with https://, unless it is at an address that allow_private lists"),
        _ => Err("must begin with https://"),
    }
}
