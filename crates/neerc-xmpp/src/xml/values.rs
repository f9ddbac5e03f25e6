//! What text and attribute values mean: references resolved, line breaks as XML wants them.

use super::escape::is_forbidden;
use super::{XmlError, excerpt};
use memchr::{memchr, memchr_iter};
use std::borrow::Cow;

/// The decoded value of an attribute: references resolved, each raw tab or line break one space.
pub(super) fn attribute_value(raw: &str) -> Result<Cow<'_, str>, XmlError> {
    let special = |byte: &u8| matches!(byte, b'<' | b'&' | b'\t' | b'\n' | b'\r');
    // All of it without stopping, which takes several bytes at a time.
    if !raw.as_bytes().iter().fold(false, |found, byte| found | special(byte)) {
        return Ok(Cow::Borrowed(raw));
    }
    if raw.contains('<') {
        return Err(XmlError::Attribute { found: excerpt(raw) });
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.as_bytes().iter().position(special) {
        let (before, from) = rest.split_at(at);
        value.push_str(before);
        if let Some(name) = from.strip_prefix('&') {
            let Some((name, after)) = name.split_once(';') else {
                return Err(XmlError::Reference { found: String::new() });
            };
            value.push(reference(name)?);
            rest = after;
        } else {
            value.push(' ');
            rest = from.strip_prefix("\r\n").or_else(|| from.get(1..)).unwrap_or_default();
        }
    }
    value.push_str(rest);
    Ok(Cow::Owned(value))
}

/// The character meant by what is between `&` and `;`.
pub(super) fn reference(name: &str) -> Result<char, XmlError> {
    let unknown = || XmlError::Reference { found: excerpt(name) };
    let (digits, radix) = match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => match name.strip_prefix("#x") {
            Some(hex) => (hex, 16),
            None => (name.strip_prefix('#').ok_or_else(unknown)?, 10),
        },
    };
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(unknown()); // from_str_radix would take a sign
    }
    let number = u32::from_str_radix(digits, radix).map_err(|_| unknown())?;
    let found = char::from_u32(number).ok_or_else(unknown)?;
    if is_forbidden(found) { Err(XmlError::ForbiddenChar { found }) } else { Ok(found) }
}

/// Text as it stands between tags, with line breaks as XML wants them.
pub(super) fn plain_text(raw: &str) -> Result<Cow<'_, str>, XmlError> {
    let bytes = raw.as_bytes();
    if memchr_iter(b'>', bytes).any(|at| bytes.get(..at).is_some_and(|before| before.ends_with(b"]]"))) {
        return Err(XmlError::CdataEnd);
    }
    Ok(unix_lines(raw))
}

/// A raw carriage return, with or without a line feed after it, is a line feed.
pub(super) fn unix_lines(raw: &str) -> Cow<'_, str> {
    match memchr(b'\r', raw.as_bytes()) {
        None => Cow::Borrowed(raw),
        Some(_) => Cow::Owned(raw.replace("\r\n", "\n").replace('\r', "\n")),
    }
}
