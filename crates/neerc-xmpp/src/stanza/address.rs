//! JIDs (RFC 7622): what is compared, and what is written back. Servers have prepared most of them already, but some hand
//! them on as they were typed. So what stands before the slash is prepared here as servers prepare it, wherever they all
//! agree; what is answered goes to an address as it came.

use crate::limits;
use neerc_core::people::Person;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use stringprep::tables::unassigned_code_point;
use stringprep::{nameprep, nodeprep, resourceprep};

/// A JID. Two of them are the same if their prepared forms are.
#[derive(Clone, Debug)]
pub struct Address {
    /// The prepared form.
    text: Arc<str>,
    /// Where the domain begins and ends in it, in bytes.
    domain: (usize, usize),
    /// As it came, if that is something else.
    came: Option<Arc<str>>,
}

impl Address {
    /// Reads a JID; `None` if it is none. What a server lets in is one, be its letters ever so new.
    pub fn parse(text: &str) -> Option<Address> {
        let slash = text.bytes().position(|b| b == b'/').unwrap_or(text.len());
        let (bare, resource) = text.split_at(slash);
        if !resource.is_empty() && !is_resource(resource.strip_prefix('/')?) {
            return None;
        }
        if let Some(start) = plain_domain(bare) {
            return Some(Address { text: text.into(), domain: (start, slash), came: None });
        }
        let mut prepared = String::with_capacity(text.len());
        let domain = match bare.split_once('@') {
            Some((local, domain)) => {
                prepared.push_str(&prepare(local, nodeprep, is_local)?);
                prepared.push('@');
                domain
            }
            None => bare,
        };
        let start = prepared.len();
        // The dot of the root is no part of a domain (RFC 7622 section 3.2).
        prepared.push_str(&prepare(domain.strip_suffix('.').unwrap_or(domain), nameprep, is_domain)?);
        let domain = (start, prepared.len());
        prepared.push_str(resource);
        let came = (prepared != text).then(|| text.into());
        Some(Address { text: prepared.into(), domain, came })
    }

    /// The whole JID in its prepared form: what is compared.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The whole JID as it came: what is written back.
    pub fn as_it_came(&self) -> &str {
        self.came.as_ref().unwrap_or(&self.text)
    }

    /// The JID without its resource as it came.
    pub fn bare_as_it_came(&self) -> &str {
        let text = self.as_it_came();
        text.split_once('/').map_or(text, |(bare, _)| bare)
    }

    /// The whole JID in its prepared form, shared.
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

    /// The part after the `/`, which nobody but its server prepares.
    pub fn resource(&self) -> Option<&str> {
        self.text[self.domain.1..].strip_prefix('/')
    }

    /// The account that the JID belongs to.
    pub fn person(&self) -> Person {
        Person::from_bare(self.bare())
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Address) -> bool {
        self.text == other.text
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Address) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Address) -> Ordering {
        self.text.cmp(&other.text)
    }
}

/// A nick as servers prepare it; `None` if it can be none.
pub fn nick(text: &str) -> Option<String> {
    let is_nick = |text: &str| is_resource(text) && !text.trim().is_empty();
    prepare(text, resourceprep, is_nick).map(Cow::into_owned)
}

/// Prepares a part as servers do, if they all do it alike: by the tables of RFC 3454, which know the letters of Unicode
/// 3.2. What becomes of newer letters depends on a server's tables, so they stay as they are: folded here, somebody
/// could pass for somebody else. So does what the profile refuses; it is for the server to let it in or not.
fn prepare<'t, E>(
    part: &'t str,
    profile: fn(&str) -> Result<Cow<'_, str>, E>,
    is_valid: impl Fn(&str) -> bool,
) -> Option<Cow<'t, str>> {
    if !is_valid(part) {
        return None;
    }
    if part.chars().any(unassigned_code_point) {
        return Some(Cow::Borrowed(part));
    }
    let stays = |prepared: &str| profile(prepared).is_ok_and(|again| again == prepared);
    let prepared = profile(part).ok().filter(|prepared| is_valid(prepared) && stays(prepared));
    Some(prepared.map_or(Cow::Borrowed(part), |prepared| Cow::Owned(prepared.into_owned())))
}

fn is_part(part: &str) -> bool {
    (1..=limits::ADDRESS_PART_BYTES).contains(&part.len()) && !part.chars().any(|c| c.is_control() || c.is_whitespace())
}

fn is_local(part: &str) -> bool {
    is_part(part) && !part.contains(['"', '&', '\'', '/', ':', '<', '>', '@'])
}

fn is_domain(part: &str) -> bool {
    is_part(part)
        && !part.contains(['"', '&', '\'', '/', '<', '>', '@'])
        && part.split('.').all(|label| !label.is_empty())
}

fn is_resource(part: &str) -> bool {
    let plain = |b: u8| (b' '..=b'~').contains(&b);
    (1..=limits::ADDRESS_PART_BYTES).contains(&part.len())
        && (part.bytes().all(plain) || !part.chars().any(char::is_control))
}

/// Where the domain of a bare JID begins, if preparation would leave the text as it is: lower-case ASCII of the harmless
/// kind. This is nearly every JID there is, and preparation is slow.
fn plain_domain(bare: &str) -> Option<usize> {
    let (mut start, mut before) = (0, b'.');
    let mut labels = true; // none of the domain is empty, as far as is known
    for (at, &byte) in bare.as_bytes().iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => {}
            b'.' => labels &= before != b'.',
            b'@' if start == 0 && at > 0 => {
                start = at + 1;
                labels = true;
                before = b'.';
                continue;
            }
            _ => return None,
        }
        before = byte;
    }
    let lengths = start <= limits::ADDRESS_PART_BYTES + 1 && bare.len() - start <= limits::ADDRESS_PART_BYTES;
    (labels && before != b'.' && lengths).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_in_prepared_form() {
        let jid = Address::parse("Hall1@LOCALHOST/Res/x@y").unwrap();
        assert_eq!(jid.as_str(), "hall1@localhost/Res/x@y");
        assert_eq!((jid.local(), jid.domain(), jid.resource()), (Some("hall1"), "localhost", Some("Res/x@y")));
        assert_eq!(jid.bare(), "hall1@localhost");
        let domain = Address::parse("neerc.localhost").unwrap();
        assert_eq!((domain.local(), domain.bare(), domain.resource()), (None, "neerc.localhost", None));
        let typed = Address::parse("Комната@localhost").unwrap();
        assert_eq!(typed.bare(), "комната@localhost");
        assert_eq!(Address::parse("a@b.").unwrap().as_str(), "a@b", "the dot of the root");
    }

    #[test]
    fn an_address_is_written_back_as_it_came() {
        for text in
            ["Hall1@LOCALHOST/Res", "jose\u{301}@localhost/e\u{301}\u{a0}\u{212b}", "hall1@localhost/phone 📱", "a@b."]
        {
            assert_eq!(Address::parse(text).unwrap().as_it_came(), text);
        }
        let jid = Address::parse("Straße@Localhost/A/b").unwrap();
        assert_eq!((jid.bare(), jid.bare_as_it_came()), ("strasse@localhost", "Straße@Localhost"));
        assert_eq!(Address::parse("STRASSE@localhost/A/b"), Some(jid), "one session, however its account is spelt");
    }

    #[test]
    fn what_is_no_jid() {
        let long = "a".repeat(1_024);
        let (long_local, long_domain, long_resource) =
            (format!("{long}@b"), format!("a@{long}"), format!("a@b/{long}"));
        for text in [
            "",
            "@localhost",
            "a@",
            "a@b/",
            "/r",
            "a b@localhost",
            "a\u{0}@localhost",
            "a@b/\u{7}",
            "a@b/x\u{85}",
            "a@b/\t",
            "a@b@c",
            "a@.b",
            "a@b..c",
            "a:b@c",
            "a'b@c",
            "a<@c",
            "a@b c",
            "a\u{a0}@b",
            "a@b\u{2003}",
            "@",
            "/",
            "@/",
            &long_local,
            &long_domain,
            &long_resource,
        ] {
            assert_eq!(Address::parse(text), None, "{text:?}");
        }
        let longest = format!("{0}@{0}/{0}", "a".repeat(1_023));
        assert_eq!(Address::parse(&longest).map(|jid| jid.as_str().len()), Some(longest.len()));
    }

    #[test]
    fn a_resource_of_any_letters_is_one() {
        let longest = "\u{436}".repeat(511) + "x";
        for resource in [
            "phone 📱",
            "👩\u{200d}💻",
            "\u{2c7c}\u{a7ae}",
            "<>&'\"",
            "שלום",
            "שלוםb",
            " a ",
            "\u{200b}",
            "e\u{301}",
            "\u{ffff}",
            &longest,
        ] {
            let text = format!("hall1@localhost/{resource}");
            let jid = Address::parse(&text).unwrap();
            assert_eq!((jid.as_str(), jid.as_it_came(), jid.resource()), (&*text, &*text, Some(resource)));
        }
        assert_ne!(
            Address::parse("a@b/\u{e9}"),
            Address::parse("a@b/e\u{301}"),
            "which is which, only the server knows"
        );
    }

    #[test]
    fn letters_newer_than_the_tables_of_servers_are_nobody_elses() {
        for (new, old) in [
            ("\u{2c7c}ury1", "jury1"),
            ("nes\u{3f9}", "nesσ"),
            ("\u{1f130}dmin", "admin"),
            ("HALL\u{2c7c}", "hall\u{2c7c}"),
        ] {
            let [new, old] = [new, old].map(|local| Address::parse(&format!("{local}@localhost")).unwrap());
            assert_ne!(new, old);
            assert_eq!(new.as_str(), new.as_it_came());
        }
        assert_ne!(Address::parse("\u{2c7c}@b").unwrap(), Address::parse("j@b").unwrap());
    }

    #[test]
    fn accounts_are_prepared_as_servers_do() {
        for (typed, account) in [
            ("JOSE\u{301}", "jos\u{e9}"),
            ("ΣΙΓΜΑς", "σιγμασ"),
            ("Straße", "strasse"),
            ("\u{ff48}all1", "hall1"),
            ("Ж", "ж"),
            ("ivan\\40mail.ru", "ivan\\40mail.ru"),
            ("\u{130}x", "i\u{307}x"),
            ("a\u{ad}b", "ab"),
        ] {
            assert_eq!(Address::parse(&format!("{typed}@b")).unwrap().local(), Some(account), "{typed}");
        }
        // What no profile lets in stays as it is, and so do parts that would fall apart.
        for odd in ["שa@b", "\u{ff20}a@b", "a@b\u{ff0f}c", "\u{ad}@b", "a@b\u{ff0e}\u{ff0e}c"] {
            assert_eq!(Address::parse(odd).unwrap().as_str(), odd);
        }
    }

    #[test]
    fn nicks_are_prepared_as_servers_do() {
        let nicks = ["Neerc", "e\u{301}", "a\u{a0}b", "📱\u{fb01}", " ", "", "a\u{7}"].map(nick);
        let expected = ["Neerc", "\u{e9}", "a b", "📱\u{fb01}"].map(|nick| Some(nick.to_owned()));
        assert_eq!((&nicks[..4], &nicks[4..]), (&expected[..], &[None, None, None][..]));
    }

    #[test]
    fn the_short_way_agrees_with_preparation() {
        for bare in
            ["hall1@localhost", "a.b-c_d@x.y-z.org", "localhost", "1@10.0.0.1", "a@-b", "a@xn--c", "a@b_c", ".a@b"]
        {
            assert!(plain_domain(bare).is_some(), "{bare}");
            let (local, domain) = bare.split_once('@').unwrap_or(("x", bare));
            assert_eq!((&*nodeprep(local).unwrap(), &*nameprep(domain).unwrap()), (local, domain));
        }
        for bare in ["A@b", "a'b@c", "ß@c", "a@b..c", "a@@b", "@b", "a@", "a@b.", "", "a@.b", "a b@c", "a@[::1]"] {
            assert!(plain_domain(bare).is_none(), "{bare}");
        }
    }
}
