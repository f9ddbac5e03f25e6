//! What a login is bound to: the certificate of whoever ends TLS (`tls-server-end-point` of RFC 5929). The server compares it
//! with its own, so nobody can stand in between and hand the login on.

use ring::digest::{self, Algorithm};
use rustls::pki_types::CertificateDer;

/// RSASSA-PSS, which has its hash as a parameter.
const PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
/// What a certificate may be signed with, or a hash, and what it is bound by: MD5 and SHA-1 give way to SHA-256.
const KNOWN: [(&[u8], &Algorithm); 13] = [
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04", &digest::SHA256), // RSA with MD5
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", &digest::SHA256), // RSA with SHA-1
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", &digest::SHA256), // RSA with SHA-2
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", &digest::SHA384),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", &digest::SHA512),
    (b"\x2a\x86\x48\xce\x3d\x04\x01", &digest::SHA256), // ECDSA with SHA-1
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x02", &digest::SHA256), // ECDSA with SHA-2
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x03", &digest::SHA384),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x04", &digest::SHA512),
    (b"\x2b\x0e\x03\x02\x1a", &digest::SHA256),                 // SHA-1
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x01", &digest::SHA256), // SHA-2
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x02", &digest::SHA384),
    (b"\x60\x86\x48\x01\x65\x03\x04\x02\x03", &digest::SHA512),
];
/// Tags of DER.
const SEQUENCE: u8 = 0x30;
const NAME: u8 = 0x06;
const FIRST: u8 = 0xa0;

/// The hash of a certificate, by what it is signed with. There is none for some, such as Ed25519.
pub(super) fn end_point(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    // It is a sequence of what is signed, the algorithm and the signature.
    let (whole, _) = element(SEQUENCE, certificate)?;
    let (_, after) = element(SEQUENCE, whole)?;
    let (algorithm, _) = element(SEQUENCE, after)?;
    Some(digest::digest(hash(algorithm)?, certificate).as_ref().to_vec())
}

/// The hash that belongs to an algorithm.
fn hash(algorithm: &[u8]) -> Option<&'static Algorithm> {
    let (mut name, parameters) = element(NAME, algorithm)?;
    if name == PSS {
        let (parameters, _) = element(SEQUENCE, parameters)?;
        let (first, _) = element(FIRST, parameters)?; // without, it is SHA-1, which nobody chooses
        (name, _) = element(NAME, element(SEQUENCE, first)?.0)?;
    }
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, hash)| *hash)
}

/// What is in the next element of DER, which must have that tag, and what comes after it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match der.strip_prefix(&[tag])? {
        [short @ ..=0x7f, rest @ ..] => (usize::from(*short), rest),
        [0x81, length, rest @ ..] => (usize::from(*length), rest),
        [0x82, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return None, // nothing of more than 64 KiB is taken
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests;
