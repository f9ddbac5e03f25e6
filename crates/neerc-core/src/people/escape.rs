//! Escapes for characters that the local part of a JID cannot hold (XEP-0106): `ivan@mail.ru` is the account
//! `ivan\40mail.ru`. People know the former; addresses and packets hold the latter.

use std::borrow::Cow;

/// The characters with their escapes.
const ESCAPES: [(char, &str); 10] = [
    (' ', "\\20"),
    ('"', "\\22"),
    ('&', "\\26"),
    ('\'', "\\27"),
    ('/', "\\2f"),
    (':', "\\3a"),
    ('<', "\\3c"),
    ('>', "\\3e"),
    ('@', "\\40"),
    ('\\', "\\5c"),
];

/// The text that a local part stands for.
pub fn unescaped(local: &str) -> Cow<'_, str> {
    if !local.contains('\\') {
        return Cow::Borrowed(local);
    }
    let (mut text, mut rest) = (String::with_capacity(local.len()), local);
    while let Some((c, behind)) = read(rest).or_else(|| first(rest)) {
        text.push(c);
        rest = behind;
    }
    Cow::Owned(text)
}

/// The local part that stands for a text.
pub fn escaped(text: &str) -> String {
    let (mut local, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((c, behind)) = first(rest) {
        // A backslash is escaped only where it would otherwise begin an escape.
        let stays = c == '\\' && read(rest).is_none();
        match ESCAPES.iter().find(|(plain, _)| *plain == c && !stays) {
            Some((_, escape)) => local.push_str(escape),
            None => local.push(c),
        }
        rest = behind;
    }
    local
}

/// The first character of a text, and the rest.
fn first(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    Some((chars.next()?, chars.as_str()))
}

/// The character that a text begins with in escaped form, and the rest.
fn read(text: &str) -> Option<(char, &str)> {
    ESCAPES.iter().find_map(|(c, escape)| text.strip_prefix(escape).map(|behind| (*c, behind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_local_parts() {
        for (text, local) in [
            ("hall1", "hall1"),
            ("ivan@mail.ru", "ivan\\40mail.ru"),
            ("d'artagnan", "d\\27artagnan"),
            ("space cadet", "space\\20cadet"),
            ("<\"&/:>", "\\3c\\22\\26\\2f\\3a\\3e"),
            ("c:\\cool", "c\\3a\\cool"),
            ("c\\3a", "c\\5c3a"),
            ("c\\5c3a", "c\\5c5c3a"),
            ("\\", "\\"),
            ("зал\\2", "зал\\2"),
        ] {
            assert_eq!((escaped(text), unescaped(local)), (local.to_owned(), text.into()));
        }
        assert_eq!(unescaped("a\\2F\\41"), "a\\2F\\41", "servers write small letters, and \\41 is none");
    }
}
