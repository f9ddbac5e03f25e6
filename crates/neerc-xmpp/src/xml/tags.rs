//! Tags as they are written: where one ends, and the attributes in it, not decoded.

use super::{XmlError, excerpt};
use memchr::{memchr, memchr3};

/// The attributes of a tag as written. quick-xml's own iterator accepts `a='1'b='2'` and any byte in a name.
pub(super) struct Attributes<'a> {
    pub(super) rest: &'a str,
}

impl<'a> Attributes<'a> {
    /// Name and undecoded value of the next attribute.
    pub(super) fn next(&mut self) -> Result<Option<(&'a str, &'a str)>, XmlError> {
        let rest = trim_start(self.rest);
        if rest.is_empty() {
            return Ok(None);
        }
        // Nothing between the last value and this name is as wrong as no `=` or no quotes.
        let parts = if rest.len() < self.rest.len() { split_attribute(rest) } else { None };
        let Some((name, value, rest)) = parts else {
            return Err(XmlError::Attribute { found: excerpt(rest) });
        };
        self.rest = rest;
        Ok(Some((name, value)))
    }
}

/// Name, value, and what comes after the closing quote.
fn split_attribute(text: &str) -> Option<(&str, &str, &str)> {
    let (name, value) = text.split_at_checked(text.bytes().position(|byte| byte == b'=')?)?;
    let value = trim_start(value.get(1..)?);
    let quote = value.bytes().next().filter(|first| matches!(first, b'"' | b'\''))?;
    let value = value.get(1..)?;
    let (value, rest) = value.split_at_checked(memchr(quote, value.as_bytes())?)?;
    let name = if name.ends_with(is_space) { name.trim_end_matches(is_space) } else { name };
    Some((name, value, rest.get(1..)?))
}

fn trim_start(text: &str) -> &str {
    let spaces = text.bytes().take_while(|byte| is_space(char::from(*byte))).count();
    text.get(spaces..).unwrap_or_default()
}

/// The prefix a namespace declaration is for, empty for the default; `None` for any other attribute.
pub(super) fn declared_prefix(key: &str) -> Option<&str> {
    match key.strip_prefix("xmlns")? {
        "" => Some(""),
        // A lone `xmlns:` is left to fail as a name.
        rest => rest.strip_prefix(':').filter(|prefix| !prefix.is_empty()),
    }
}

/// Length of the tag at the start of the slice, `>` included; all of it if the tag does not end.
pub(super) fn tag_len(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(rest) = bytes.get(at..) {
        let Some(found) = memchr3(b'>', b'"', b'\'', rest) else { break };
        at += found + 1; // behind what was found
        match rest.get(found) {
            Some(b'>') => return at,
            Some(quote) => match memchr(*quote, bytes.get(at..).unwrap_or_default()) {
                Some(close) => at += close + 1,
                None => break,
            },
            None => break,
        }
    }
    bytes.len()
}

pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}
