//! A person, and how typed names are compared.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// A user, identified by a bare JID in normal form (prepared, in lower case). The domain is part of it, so a user of
/// another domain cannot pass for a local one with the same name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person(Arc<str>);

impl Person {
    /// The person with that bare JID, which must be in normal form.
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

    /// Their name: the local part for a user of `host`, the bare JID for anybody else.
    pub fn name(&self, host: &str) -> &str {
        match self.0.split_once('@') {
            Some((local, domain)) if domain == host => local,
            _ => &self.0,
        }
    }

    /// The person with that [`Person::name`], whether or not they exist.
    pub fn named(name: &str, host: &str) -> Person {
        if name.contains('@') { Person(fold(name).into()) } else { Person(format!("{}@{host}", fold(name)).into()) }
    }
}

/// Lets tables of persons be looked up by bare JID. Order and equality are those of the text.
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

/// Folds a typed name for comparison, as servers prepare the name of an account: `Straße` becomes `strasse`. The face
/// has already composed the name (NFC).
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

/// The ordinary form of a full-width letter or digit.
fn narrow(c: char) -> char {
    let wide = matches!(c, '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}');
    if wide { char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c) } else { c }
}

pub(super) fn same_name(a: &str, b: &str) -> bool {
    fold(a) == fold(b)
}
