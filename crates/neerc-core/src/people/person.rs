//! A person, and how the names that people type for them are compared.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// A user: a bare JID in normal form (lower case, prepared), domain included, so that nobody from elsewhere can pass
/// for somebody with the same name here.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person(Arc<str>);

impl Person {
    /// Takes a bare JID that is already in normal form.
    pub fn from_bare(bare: &str) -> Person {
        Person(bare.into())
    }

    /// The bare JID.
    pub fn bare(&self) -> &str {
        &self.0
    }

    /// The domain of the JID.
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or(&*self.0, |(_, domain)| domain)
    }

    /// The name people use: the local part for users of `host`, else the whole bare JID.
    pub fn name(&self, host: &str) -> &str {
        match self.0.split_once('@') {
            Some((local, domain)) if domain == host => local,
            _ => &self.0,
        }
    }

    /// The person that `name` (see [`Person::name`]) stands for, whether or not there is one.
    pub fn named(name: &str, host: &str) -> Person {
        if name.contains('@') { Person(fold(name).into()) } else { Person(format!("{}@{host}", fold(name)).into()) }
    }
}

/// So that tables of persons can be asked by a bare JID. Order and equality are those of the text.
impl Borrow<str> for Person {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name that somebody has typed, as names are compared: what servers make of it where it is a user's, so `Straße` is
/// the account `strasse`. It is composed already (NFC), by the face that it came through.
pub fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for c in name.chars().map(narrow).flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'ς' => folded.push('σ'),
            c => folded.push(c),
        }
    }
    folded
}

/// The ordinary form of a letter or digit as wide as a Chinese one.
fn narrow(c: char) -> char {
    let wide = matches!(c, '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}');
    if wide { char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c) } else { c }
}

pub(super) fn same_name(a: &str, b: &str) -> bool {
    fold(a) == fold(b)
}
