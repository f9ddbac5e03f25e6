//! JIDs in normal form (RFC 7622). Servers hand some of them on as they were typed, so every address is prepared here
//! once and compared as text afterwards.

use jid::Jid;
use neerc_core::people::Person;
use std::sync::Arc;

/// A JID in normal form.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    text: Arc<str>,
    /// Where the domain begins and ends, in bytes.
    domain: (usize, usize),
}

impl Address {
    /// Reads a JID; `None` if it is none.
    pub fn parse(text: &str) -> Option<Address> {
        if is_plain(text) {
            return Some(Address::split(text));
        }
        Some(Address::split(Jid::new(text).ok()?.as_str()))
    }

    /// Splits a JID that is in normal form.
    fn split(text: &str) -> Address {
        let slash = text.find('/').unwrap_or(text.len());
        let start = text[..slash].find('@').map_or(0, |at| at + 1);
        Address { text: text.into(), domain: (start, slash) }
    }

    /// The whole JID.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The whole JID, shared.
    pub fn shared(&self) -> Arc<str> {
        self.text.clone()
    }

    /// The JID without its resource.
    pub fn bare(&self) -> &str {
        &self.text[..self.domain.1]
    }

    /// The part before the `@`.
    pub fn local(&self) -> Option<&str> {
        self.text[..self.domain.0].strip_suffix('@')
    }

    /// The domain.
    pub fn domain(&self) -> &str {
        &self.text[self.domain.0..self.domain.1]
    }

    /// The part after the `/`.
    pub fn resource(&self) -> Option<&str> {
        self.text[self.domain.1..].strip_prefix('/')
    }

    /// The account that the JID belongs to.
    pub fn person(&self) -> Person {
        Person::from_bare(self.bare())
    }
}

/// Whether preparation would leave the text as it is: lower-case ASCII of the harmless kind before the slash, printable
/// ASCII without spaces after it. This is nearly every JID there is, and preparation is slow.
fn is_plain(text: &str) -> bool {
    let (bare, resource) = match text.split_once('/') {
        Some((bare, resource)) => (bare, Some(resource)),
        None => (text, None),
    };
    let (local, domain) = match bare.split_once('@') {
        Some((local, domain)) => (Some(local), domain),
        None => (None, bare),
    };
    let harmless = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    let part = |text: &str| !text.is_empty() && text.len() <= 1023;
    local.is_none_or(|local| part(local) && local.bytes().all(|b| harmless(b) || b == b'.'))
        && part(domain)
        && domain.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(harmless)
                && !label.contains('_')
                && !label.starts_with('-')
                && !label.ends_with('-')
                && !label.starts_with("xn--")
        })
        && resource.is_none_or(|resource| part(resource) && resource.bytes().all(|b| b.is_ascii_graphic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_in_normal_form() {
        let jid = Address::parse("Hall1@LOCALHOST/Res/x@y").unwrap();
        assert_eq!(jid.as_str(), "hall1@localhost/Res/x@y");
        assert_eq!((jid.local(), jid.domain(), jid.resource()), (Some("hall1"), "localhost", Some("Res/x@y")));
        assert_eq!(jid.bare(), "hall1@localhost");
        let domain = Address::parse("neerc.localhost").unwrap();
        assert_eq!((domain.local(), domain.bare(), domain.resource()), (None, "neerc.localhost", None));
        let typed = Address::parse("Комната@localhost").unwrap();
        assert_eq!(typed.bare(), "комната@localhost");
    }

    #[test]
    fn what_is_no_jid() {
        for text in ["", "@localhost", "a@", "a@b/", "/r", "a b@localhost", "a\u{0}@localhost", &"a".repeat(2000)] {
            assert_eq!(Address::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_short_way_agrees_with_preparation() {
        for text in ["hall1@localhost", "a.b-c_d@x.y-z.org/Res", "localhost", "1@10.0.0.1/r!#$%&'()*+,", "a@b/c/d"] {
            assert!(is_plain(text), "{text}");
            assert_eq!(Jid::new(text).unwrap().as_str(), text);
        }
        for text in ["A@b", "a@-b", "a@b/ c", "a'b@c", "ß@c", "a@b..c", "a@xn--c", "a@@b"] {
            assert!(!is_plain(text), "{text}");
        }
    }
}
