//! Keys and the signatures that they make (Standard Webhooks 1.0): `v1,` and the HMAC-SHA256 of id, time and body.

use super::limits;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use ring::hmac;
use std::fmt;

/// What keys begin with as they are written.
const PREFIX: &str = "whsec_";

/// The keys of one endpoint: several while a new one takes the place of an old one. They are never printed.
#[derive(Clone)]
pub struct SigningKeys {
    text: String,
    keys: Vec<hmac::Key>,
}

impl SigningKeys {
    /// Reads keys, with blanks between; the error says how they are written.
    pub fn parse(text: &str) -> Result<SigningKeys, String> {
        let wanted = || {
            let (least, most) = (limits::KEY_BYTES.start(), limits::KEY_BYTES.end());
            format!(
                "must be {PREFIX} and {least} to {most} bytes in Base64, as made by: echo {PREFIX}$(openssl rand -base64 32)"
            )
        };
        let key = |word: &str| {
            let bytes = STANDARD.decode(word.strip_prefix(PREFIX)?).ok()?;
            limits::KEY_BYTES.contains(&bytes.len()).then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
        };
        let keys: Option<Vec<_>> = text.split_whitespace().map(key).collect();
        let keys = keys.filter(|keys| (1..=limits::KEYS).contains(&keys.len())).ok_or_else(wanted)?;
        Ok(SigningKeys { text: text.to_owned(), keys })
    }

    /// The signatures of a message, by each key.
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &str) -> String {
        let signed = format!("{id}.{timestamp_s}.{body}");
        let sign = |key: &hmac::Key| format!("v1,{}", STANDARD.encode(hmac::sign(key, signed.as_bytes())));
        self.keys.iter().map(sign).collect::<Vec<_>>().join(" ")
    }
}

impl PartialEq for SigningKeys {
    fn eq(&self, other: &SigningKeys) -> bool {
        self.text == other.text
    }
}

impl Eq for SigningKeys {}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_signed_as_the_standard_has_it() {
        // The vector of the reference implementations.
        let keys = SigningKeys::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");

        let two = format!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n whsec_{}", STANDARD.encode([7; 64]));
        let keys = SigningKeys::parse(&two).unwrap();
        let both = keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert!(both.starts_with(&format!("{signed} v1,")) && both.len() == 2 * signed.len() + 1, "{both}");
        assert_eq!(format!("{keys:?}"), "(hidden)");
    }

    #[test]
    fn keys_are_of_the_length_that_the_standard_wants() {
        let key = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![1; bytes]));
        assert!(SigningKeys::parse(&key(24)).is_ok() && SigningKeys::parse(&key(64)).is_ok());
        let plain = STANDARD.encode([1; 32]);
        for wrong in [key(23), key(65), String::new(), plain, "whsec_?".to_owned(), vec![key(24); 5].join(" ")] {
            let error = SigningKeys::parse(&wrong).unwrap_err();
            assert!(error.starts_with("must be whsec_ and 24 to 64 bytes") && !error.contains(&key(23)), "{error}");
        }
    }
}
