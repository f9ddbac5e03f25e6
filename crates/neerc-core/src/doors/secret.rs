//! Secrets that open doors, and their hashes. Neither is made here: both are handed in. A secret never stands in a log or in
//! `Debug`.

use std::fmt;
use std::sync::Arc;

/// The SHA-256 of a secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// That hash.
    pub fn new(bytes: [u8; 32]) -> SecretHash {
        SecretHash(bytes)
    }

    /// Reads what [`SecretHash`] shows.
    pub fn parse(text: &str) -> Option<SecretHash> {
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() || !text.bytes().all(|c| c.is_ascii_hexdigit()) {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(SecretHash(bytes))
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A secret that nobody has been told yet, with its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSecret {
    text: Arc<str>,
    hash: SecretHash,
}

impl NewSecret {
    /// A secret that nobody can guess, with its hash.
    pub fn new(text: &str, hash: SecretHash) -> NewSecret {
        NewSecret { text: text.into(), hash }
    }

    /// The secret itself, for whoever is to have it and nobody else.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Its hash.
    pub fn hash(&self) -> SecretHash {
        self.hash
    }
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_read_as_they_are_shown_and_secrets_are_not_shown() {
        let hash = SecretHash::new(std::array::from_fn(|n| (n * 9) as u8));
        assert_eq!(SecretHash::parse(&hash.to_string()), Some(hash));
        for wrong in ["", "00", &"0".repeat(63), &"g".repeat(64), &"é".repeat(32), &format!("+1{}", "0".repeat(62))] {
            assert_eq!(SecretHash::parse(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{:?}", NewSecret::new("hidden", hash)), "NewSecret(..)");
    }
}
