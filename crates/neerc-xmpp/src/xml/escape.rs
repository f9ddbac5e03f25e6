//! Characters that XML forbids, and text written so that it is read as it was.

/// The first character of `text` that XML 1.0 forbids, raw and by reference alike.
pub fn forbidden_char(text: &str) -> Option<char> {
    // Forbidden are control characters and U+FFFE, U+FFFF, whose first byte is EF: rare, so whole blocks are waved through.
    let suspect = |byte: &u8| (*byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || *byte == 0xEF;
    let clean = |block: &[u8]| !block.iter().fold(false, |found, byte| found | suspect(byte));
    if text.as_bytes().chunks(64).all(clean) {
        return None;
    }
    text.chars().find(|c| is_forbidden(*c))
}

pub(super) fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Appends `text` as the value of an attribute in either kind of quotes.
///
/// Tab, line feed and carriage return become character references, or the reader would see spaces; forbidden
/// characters become U+FFFD.
pub fn escape_attr(out: &mut Vec<u8>, text: &str) {
    const AS_IS: [bool; 256] = as_is(b"&<>'\"\t\n");
    escape(out, text, &AS_IS);
}

/// How many bytes `text` takes at most as an attribute value in quotes.
pub fn escaped_len(text: &str) -> usize {
    let more = |byte: u8| match byte {
        b'"' | b'\'' => 5,
        b'&' | b'\t' | b'\n' | b'\r' => 4,
        b'<' | b'>' => 3,
        0..0x20 => 2,
        _ => 0,
    };
    text.len() + text.bytes().map(more).sum::<usize>()
}

/// Appends `text` as text between tags; forbidden characters become U+FFFD.
pub fn escape_text(out: &mut Vec<u8>, text: &str) {
    const AS_IS: [bool; 256] = as_is(b"&<>");
    escape(out, text, &AS_IS);
}

/// A table of the bytes copied as they are: all but `special`, control characters and the first byte of U+FFFE.
const fn as_is(special: &[u8]) -> [bool; 256] {
    let mut table = [true; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = control == b'\t' as usize || control == b'\n' as usize; // control < 256
        control += 1;
    }
    table[0xEF] = false; // 0xEF < 256
    let mut at = 0;
    while at < special.len() {
        table[special[at] as usize] = false; // a u8 is < 256
        at += 1;
    }
    table
}

fn escape(out: &mut Vec<u8>, text: &str, as_is: &[bool; 256]) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if as_is[usize::from(byte)] {
            continue; // a u8 is < 256
        }
        let (instead, width): (&[u8], usize) = match byte {
            b'&' => (b"&amp;", 1),
            b'<' => (b"&lt;", 1),
            b'>' => (b"&gt;", 1),
            b'\'' => (b"&apos;", 1),
            b'"' => (b"&quot;", 1),
            b'\t' => (b"&#9;", 1),
            b'\n' => (b"&#10;", 1),
            b'\r' => (b"&#13;", 1),
            0xEF if !matches!(bytes.get(at + 1..at + 3), Some([0xBF, 0xBE | 0xBF])) => continue,
            0xEF => ("\u{FFFD}".as_bytes(), 3),
            _ => ("\u{FFFD}".as_bytes(), 1),
        };
        // copied <= at < len: `copied` is the end of a character at or before this one.
        out.extend_from_slice(&bytes[copied..at]);
        out.extend_from_slice(instead);
        copied = at + width;
    }
    out.extend_from_slice(&bytes[copied..]); // copied <= len
}
