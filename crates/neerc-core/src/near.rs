//! Finds the word that a typo was most likely meant to be, by edit distance. This is not a search: only likely typos
//! count, and the cost is bounded for any input.

use crate::limits;

/// The word of `among` that `text` was most likely meant to be, if one is close enough: one edit away for words of up
/// to four characters, two for longer ones. Case is ignored. Numbers must agree: `hall9` is not a typo of `hall1`.
pub fn nearest<'a>(text: &str, among: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = lower(text);
    if !(3..=limits::NEAR_CHARS).contains(&text.len()) {
        return None;
    }
    let allowed = if text.len() <= 4 { 1 } else { 2 };
    let numbers = |word: &[char]| word.iter().filter(|c| c.is_numeric()).copied().collect::<Vec<_>>();
    let wanted = numbers(&text);
    let near = among.into_iter().filter_map(|word| {
        let letters = lower(word);
        let like = letters.len().abs_diff(text.len()) <= allowed && numbers(&letters) == wanted;
        like.then(|| (edits(&text, &letters), word)).filter(|(edits, _)| *edits <= allowed)
    });
    near.min().map(|(_, word)| word)
}

fn lower(text: &str) -> Vec<char> {
    text.chars().take(limits::NEAR_CHARS + 1).flat_map(char::to_lowercase).collect()
}

/// How many letters must be added, dropped, changed or swapped with a neighbour to turn `a` into `b`.
fn edits(a: &[char], b: &[char]) -> usize {
    // Every complete row is one longer than `b`, and `j` is an index into `b`.
    let (mut last, mut row) = (Vec::new(), (0..=b.len()).collect::<Vec<usize>>());
    for (i, x) in a.iter().enumerate() {
        let before = std::mem::replace(&mut last, std::mem::replace(&mut row, vec![i + 1]));
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && b[j - 1] == *x {
                least = least.min(before[j - 1] + 1); // i > 0, so two rows are complete
            }
            row.push(least);
        }
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slips_are_near() {
        let words = ["hall1", "hall2", "halls", "admin", "готово", "зал1", "who"];
        for (text, expected) in [
            ("hal1", Some("hall1")),
            ("HLAL2", Some("hall2")),
            ("hall", Some("halls")),
            ("hall9", None),
            ("hall11", None),
            ("admn", Some("admin")),
            ("готов", Some("готово")),
            ("гоотво", Some("готово")),
            ("зла1", Some("зал1")),
            ("wo", None),
            ("just", None),
            ("", None),
        ] {
            assert_eq!(nearest(text, words), expected, "{text}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), words), None);
    }

    #[test]
    fn the_longest_word_that_is_looked_at() {
        let (longest, longer) = ("x".repeat(limits::NEAR_CHARS), "x".repeat(limits::NEAR_CHARS + 1));
        assert_eq!(nearest(&longest, [&*longer]), Some(&*longer));
        assert_eq!(nearest(&longer, [&*longest]), None);
    }

    #[test]
    fn edits_are_counted() {
        let count = |a, b| edits(&lower(a), &lower(b));
        assert_eq!([count("", ""), count("", "ab"), count("ab", ""), count("ab", "ba")], [0, 2, 2, 1]);
        assert_eq!([count("kitten", "sitting"), count("abc", "abc"), count("done", "doen")], [3, 0, 1]);
    }
}
