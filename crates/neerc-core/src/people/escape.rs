//! Characters that a local part of a JID cannot hold, as they stand in it (XEP-0106): `ivan@mail.ru` is the account
//! `ivan\40mail.ru`. People know the one, addresses and packets hold the other.

use std::borrow::Cow;

/// The characters with what stands for each.
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

/// What a local part shows people.
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

/// The local part that shows people this text.
pub fn escaped(text: &str) -> String {
    let (mut local, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((c, behind)) = first(rest) {
        // A backslash is escaped only where it would be read as the beginning of an escape.
        let stays = c == '\\' && read(rest).is_none();
        match ESCAPES.iter().find(|(plain, _)| *plain == c && !stays) {
            Some((_, escape)) => local.push_str(escape),
            None => local.push(c),
        }
        rest = behind;
    }
    local
}

/// The first character of a text, and what is behind it.
fn first(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    Some((chars.next()?, chars.as_str()))
}

/// The character that is escaped at the beginning of a text, and what is behind it.
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
