//! Cleaning what people type of what nobody sees, before it is read: phones, web pages and keyboards put characters
//! into a line that look like nothing, or like another character. Not what a line means. Composed letters (NFC) are
//! the work of the face that the line came through.

use crate::people::fold;
use std::borrow::Cow;

/// The line without invisible characters and without the blanks around it. Joiners stay inside of words, since some
/// scripts and emoji are written with them.
pub fn clean(line: &str) -> Cow<'_, str> {
    let line = line.trim();
    if !line.chars().any(|c| is_invisible(c) || is_joiner(c)) {
        return Cow::Borrowed(line);
    }
    let mut cleaned = String::with_capacity(line.len());
    let seen: String = line.chars().filter(|c| !is_invisible(*c)).collect();
    for piece in seen.split_inclusive(is_edge) {
        // The joiners of a word stand between two of its letters: what is left of them at its ends joins nothing.
        let (word, edge) = match piece.char_indices().next_back() {
            Some((at, c)) if is_edge(c) => piece.split_at(at),
            _ => (piece, ""),
        };
        cleaned.push_str(word.trim_matches(is_joiner));
        cleaned.push_str(edge);
    }
    Cow::Owned(cleaned.trim().to_owned())
}

/// Where a word ends.
fn is_edge(c: char) -> bool {
    c.is_whitespace() || is_comma(c)
}

/// A character that nobody sees and that no word needs: zero-width spaces, marks of direction, soft hyphens.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

/// Whether the letters beside it are drawn as one (ZWJ) or apart (ZWNJ).
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// A comma between names in any script.
pub(super) fn is_comma(c: char) -> bool {
    matches!(c, ',' | '\u{ff0c}' | '\u{60c}' | '\u{3001}')
}

/// A colon, also one as wide as a Chinese letter.
pub(super) fn is_colon(c: char) -> bool {
    matches!(c, ':' | '\u{ff1a}')
}

/// A hyphen or minus sign, or a dash that phones make of it.
pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}')
}

/// What stands behind a word without belonging to it.
pub(super) fn is_stop(c: char) -> bool {
    is_comma(c) || is_colon(c) || matches!(c, '.' | ';' | '!' | '…' | '\u{ff01}' | '\u{3002}')
}

/// A word without what ends a sentence behind it; the word itself if nothing would be left.
pub(super) fn bare(word: &str) -> &str {
    let bare = word.trim_end_matches(is_stop);
    if bare.is_empty() { word } else { bare }
}

/// Whether somebody would say that there is nothing in it: punctuation and pictures, and no question.
pub(super) fn says_nothing(word: &str) -> bool {
    word.chars().all(|c| !c.is_alphanumeric() && !matches!(c, '?' | '\u{ff1f}' | '@' | '/' | '+') && !is_dash(c))
}

/// What a word looks like: two words of the same look cannot be told apart by whoever reads them.
pub(in crate::face) fn look(word: &str) -> String {
    let seen = word.chars().filter(|c| !is_joiner(*c) && !is_invisible(*c)).collect::<String>();
    fold(&seen).chars().map(latin).collect()
}

/// The Latin letter that a Cyrillic one looks like, in lower or in upper case.
fn latin(c: char) -> char {
    match c {
        'а' => 'a',
        'в' => 'b',
        'с' => 'c',
        'е' | 'ё' => 'e',
        'н' => 'h',
        'і' => 'i',
        'ј' => 'j',
        'к' => 'k',
        'м' => 'm',
        'о' => 'o',
        'р' => 'p',
        'ѕ' => 's',
        'т' => 't',
        'у' => 'y',
        'х' => 'x',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_dropped() {
        for (line, expected) in [
            ("\u{200b}done 1\u{200b}", "done 1"),
            ("done\u{200f} \u{2060}1\u{feff}", "done 1"),
            ("@todo hall1\u{200b} x", "@todo hall1 x"),
            ("@todo hall1\u{200d},hall2\u{200c} x", "@todo hall1,hall2 x"),
            ("do\u{ad}ne 1", "done 1"),
            ("\u{202a}done 1\u{202c}", "done 1"),
            ("\u{2066}done\u{2069} 1", "done 1"),
            ("\u{feff} \u{a0} done 1", "done 1"),
            ("done 1", "done 1"),
            ("\u{200b}", ""),
        ] {
            assert_eq!(clean(line), expected, "{line:?}");
            assert_eq!(clean(expected), expected);
        }
    }

    #[test]
    fn joiners_stay_where_letters_need_them() {
        for line in ["می\u{200c}خواهم 1", "answer 3 👩\u{200d}🔬 yes"] {
            assert_eq!(clean(line), line);
            assert!(matches!(clean("done"), Cow::Borrowed(_)), "nearly every line costs nothing");
        }
    }

    #[test]
    fn words_that_look_the_same_have_the_same_look() {
        for (one, other) in [("hall1", "h\u{430}ll1"), ("Done", "d\u{43e}ne"), ("ha\u{200d}ll1", "HALL1"), ("с1", "c1")]
        {
            assert_eq!(look(one), look(other));
        }
        assert_ne!(look("hall1"), look("hal1"));
    }

    #[test]
    fn a_word_without_its_full_stop() {
        for (word, expected) in [("3.", "3"), ("hall1,", "hall1"), ("done!!!", "done"), ("...", "..."), ("a.b", "a.b")]
        {
            assert_eq!(bare(word), expected);
        }
        assert!(["👍", ":)", "!!", "…", ""].iter().all(|word| says_nothing(word)));
        assert!(["?", "1", "да", "+", "@", "-"].iter().all(|word| !says_nothing(word)));
    }
}
