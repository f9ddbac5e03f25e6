//! `[web]` and `[operations]`: where is listened, and under which address people know the board.

use super::check::{Check, domain};
use super::error::ConfigError;
use super::keys::RawWeb;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Where the board is served to browsers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebAddress {
    /// Where they, or a proxy before them, connect to. Port 0 is any that is free.
    pub listen: SocketAddr,
    /// Under which address people open it; `None` where it is only for this machine, at `listen` itself.
    pub url: Option<WebUrl>,
}

/// An address of the web without a path, such as `https://board.example.org`. `Display` gives it without a slash behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebUrl {
    /// Whether it is `https`.
    pub is_secure: bool,
    /// Host, and port where it is not the usual one.
    pub authority: String,
}

impl WebUrl {
    /// Reads one; anything behind the authority but a slash is refused.
    pub fn parse(text: &str) -> Option<WebUrl> {
        let (scheme, rest) = text.split_once("://")?;
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest).to_lowercase();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority.as_str(), None),
        };
        let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port != 0);
        let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(host) => host.parse::<std::net::Ipv6Addr>().is_ok(),
            None => host.is_ascii() && domain(host).is_ok(),
        };
        (is_host && port.is_none_or(is_port)).then_some(WebUrl { is_secure, authority })
    }

    /// The address of what listens there, for this machine only.
    pub fn of(listen: SocketAddr) -> WebUrl {
        WebUrl { is_secure: false, authority: listen.to_string() }
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http{}://{}", if self.is_secure { "s" } else { "" }, self.authority)
    }
}

impl Check<'_> {
    pub(super) fn web(&self, raw: RawWeb) -> Result<Option<WebAddress>, ConfigError> {
        let url = raw.url.map(|text| {
            let wanted = "must be http:// or https:// and a host, such as https://board.example.org, without a path";
            WebUrl::parse(&text).ok_or_else(|| self.invalid("web.url", &text, wanted))
        });
        let url = url.transpose()?;
        let Some(listen) = raw.listen else { return Ok(None) };
        let listen = self.listener("web.listen", &listen)?;
        if url.is_none() && !is_here(listen.ip()) {
            let wanted = "say under which address people open the board, such as https://board.example.org";
            return Err(self.missing("web.url", wanted));
        }
        Ok(Some(WebAddress { listen, url }))
    }

    pub(super) fn listener(&self, key: &'static str, text: &str) -> Result<SocketAddr, ConfigError> {
        let wanted = "must be an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080";
        text.parse().map_err(|_| self.invalid(key, text, wanted))
    }
}

/// Whether only this machine can connect to it.
fn is_here(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_web() {
        let read = |text| WebUrl::parse(text).map(|url| url.to_string());
        assert_eq!(read("HTTPS://Board.Example.org/").as_deref(), Some("https://board.example.org"));
        for right in ["http://127.0.0.1:8080", "http://[::1]:80", "http://[::1]", "https://board.example.org:8443"] {
            assert_eq!(read(right).as_deref(), Some(right));
        }
        for wrong in [
            "board.example.org",
            "ftp://a",
            "https://",
            "https://a/b",
            "https://a:0",
            "https://a:99999",
            "https://a:b",
            "https://a@b",
            "https://a b",
            "https://a?b",
            "https://[::1",
            "https://a\n",
            "https://доска.рф",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
