//! Names as XML has them (Namespaces in XML 1.0).

use super::tags::is_space;
use super::{XmlError, excerpt};

/// Equality of short names: most differ in the first byte, and a call to compare memory costs more than that.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    match (one.as_bytes(), other.as_bytes()) {
        ([], []) => true,
        ([first, ..], [second, ..]) => first == second && one == other,
        _ => false,
    }
}

pub(super) fn name_len(tag: &str) -> usize {
    // Every byte taken for white space is a whole character, so this is a character boundary.
    tag.bytes().position(|byte| is_space(char::from(byte))).unwrap_or(tag.len())
}

/// Prefix and local part of a qualified name.
pub(super) fn split_name(name: &str) -> Result<(Option<&str>, &str), XmlError> {
    if is_usual_name(name) {
        return Ok((None, name));
    }
    let colon = name.bytes().position(|byte| byte == b':');
    let (prefix, local) = match colon.and_then(|at| name.split_at_checked(at)) {
        Some((prefix, local)) => (Some(prefix), local.get(1..).unwrap_or_default()),
        None => (None, name),
    };
    if is_ncname(local) && prefix.is_none_or(is_ncname) {
        Ok((prefix, local))
    } else {
        Err(XmlError::Name { found: excerpt(name) })
    }
}

/// Whether this is a name without a colon, by XML 1.0 fifth edition.
pub(super) fn is_ncname(name: &str) -> bool {
    if is_usual_name(name) {
        return true;
    }
    let mut chars = name.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name_char)
}

/// Whether this is a name of ASCII without a colon, as nearly all are.
fn is_usual_name(name: &str) -> bool {
    const USUAL: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            let c = byte as u8;
            table[byte] = c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
            byte += 1;
        }
        table
    };
    let bytes = name.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.iter().all(|byte| USUAL[usize::from(*byte)])
}

fn is_name_start(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '_'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn is_name_char(c: char) -> bool {
    is_name_start(c) || matches!(c, '0'..='9' | '-' | '.' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}
