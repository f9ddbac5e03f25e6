//! Names, and whatever else people type, in composed letters (NFC): keyboards and file systems differ in whether `й` is one
//! letter or two, and nobody can see it. Not whose names they are.

use std::borrow::Cow;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The text with its letters composed.
pub fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_composed() {
        for (text, expected) in [
            ("hall1", "hall1"),
            ("jose\u{301}", "jos\u{e9}"),
            ("и\u{306}е\u{308}", "й\u{451}"),
            ("\u{1100}\u{1161}", "\u{ac00}"),
            ("📱\u{200d}", "📱\u{200d}"),
        ] {
            assert_eq!(composed(text), expected);
            assert_eq!(composed(expected), expected);
        }
        assert!(matches!(composed("hall1 й"), Cow::Borrowed(_)), "nearly every text costs nothing");
    }
}
