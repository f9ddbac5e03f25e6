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
        if let Some(domain) = plain_domain(text) {
            return Some(Address { text: text.into(), domain });
        }
        let prepared = Jid::new(text).ok()?;
        // Letters newer than the tables of RFC 3454 may become capitals, which a second preparation would make small:
        // such an address would be another one each time it is read.
        if prepared.as_str() != text && Jid::new(prepared.as_str()).ok()? != prepared {
            return None;
        }
        let text = prepared.as_str();
        let slash = text.bytes().position(|b| b == b'/').unwrap_or(text.len());
        let start = text.bytes().take(slash).position(|b| b == b'@').map_or(0, |at| at + 1);
        Some(Address { text: text.into(), domain: (start, slash) })
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

/// Where the domain of a JID begins and ends, if preparation would leave the text as it is: lower-case ASCII of the
/// harmless kind before the slash, printable ASCII without spaces after it. This is nearly every JID there is, and
/// preparation is slow.
fn plain_domain(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut start = 0;
    let mut slash = bytes.len();
    let mut is_domain = true; // as far as is known: no `_`, no empty label, no `-` at the ends of a label
    let mut before = b'.';
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' => {}
            b'_' => is_domain = false,
            b'-' => is_domain &= before != b'.',
            b'.' => is_domain &= before != b'.' && before != b'-',
            b'@' if start == 0 && at > 0 => {
                start = at + 1;
                is_domain = true;
                before = b'.';
                continue;
            }
            b'/' => {
                slash = at;
                break;
            }
            _ => return None,
        }
        before = byte;
    }
    is_domain &= before != b'.' && before != b'-';
    let (domain, resource) = (text.get(start..slash)?, text.get(slash..)?);
    let lengths = start <= 1_024 && domain.len() <= 253 && resource.len() <= 1_024;
    let labels = || domain.split('.').all(|label| label.len() <= 63 && !label.starts_with("xn--"));
    let resource_is_plain =
        slash == bytes.len() || (resource.len() > 1 && resource.bytes().all(|b| b.is_ascii_graphic()));
    // Only long domains or such with an `x` need a look at each label.
    let labels_are_plain = (domain.len() <= 63 && !domain.contains("xn--")) || labels();
    (is_domain && lengths && resource_is_plain && labels_are_plain).then_some((start, slash))
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
    fn an_address_that_would_be_another_when_read_again_is_none() {
        assert_eq!(Address::parse("nes\u{3f9}@localhost"), None, "it becomes Σ, and that σ");
        assert_eq!(Address::parse("nes\u{3a3}@localhost").unwrap().as_str(), "nes\u{3c3}@localhost");
        assert_eq!(Address::parse("a@b/\u{3f9}").map(|jid| jid.as_str().to_owned()).as_deref(), Some("a@b/\u{3a3}"));
    }

    #[test]
    fn the_short_way_agrees_with_preparation() {
        for text in ["hall1@localhost", "a.b-c_d@x.y-z.org/Res", "localhost", "1@10.0.0.1/r!#$%&'()*+,", "a@b/c/d"] {
            assert!(plain_domain(text).is_some(), "{text}");
            assert_eq!(Jid::new(text).unwrap().as_str(), text);
        }
        for text in [
            "A@b", "a@-b", "a@b/ c", "a'b@c", "ß@c", "a@b..c", "a@xn--c", "a@@b", "@b", "a@", "a@b/", "a@b-", "a@b_c",
            "a@b.", "", "/r", "a@.b",
        ] {
            assert!(plain_domain(text).is_none(), "{text}");
        }
    }
}
