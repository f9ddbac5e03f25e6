//! Numbers of tasks as people write them: `4`, `4.`, `(4)`, `№ 4`, `#4`, `task 4`, `4, 5 and 6`, `1-3`. Not whether there
//! is such a task, nor what is said of it.

use super::clean::{bare, is_colon, is_comma, is_dash, is_stop};
use super::split;
use crate::limits;

/// What stands where the number of a task is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Numbers<'t> {
    /// No number.
    None,
    /// Something that begins like a number and is none: `14:30`, `4x4`, `10%`.
    Unclear,
    /// One number.
    One(Number<'t>),
    /// Several.
    Several(List<'t>),
}

/// One number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number<'t> {
    /// Its digits.
    pub digits: String,
    /// Whether something says that it is the number of a task.
    pub sign: Sign,
    /// What is behind it.
    pub behind: &'t str,
}

/// Whether a number is marked as that of a task: `#4`, `task 4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It is.
    Marked,
    /// It stands alone.
    Plain,
}

/// Several numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List<'t> {
    /// The first one, with all that is behind it.
    pub first: Number<'t>,
    /// The digits of all of them, each once.
    pub digits: Vec<String>,
    /// What stands between the first two of them.
    pub joint: Joint,
    /// What is behind the last one.
    pub behind: &'t str,
}

/// What stands between two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joint {
    /// Nothing but a blank.
    Blank,
    /// A comma and a blank, which may as well end the first one.
    Comma,
    /// A comma alone, or a word: nobody writes so who does not mean both.
    And,
    /// A dash: all from one to the other.
    Range,
}

/// Signs that stand before a number, with a blank or without.
const SIGNS: [&str; 3] = ["#", "№", "n°"];
/// Words that stand before a number.
const WORDS: [&str; 11] =
    ["task", "no.", "nr.", "номер", "ном.", "задача", "задачу", "задаче", "задачи", "задачей", "зад."];
/// Words between two numbers.
const ANDS: [&str; 6] = ["and", "&", "+", "и", "или", "or"];

/// A number on its way to be one of several.
struct Item<'t> {
    digits: String,
    sign: Sign,
    /// What joins it to the one before.
    joint: Joint,
    /// What is right behind its digits.
    raw: &'t str,
}

/// Reads the number or numbers with which a text begins.
pub(super) fn read(text: &str) -> Numbers<'_> {
    let text = skip(text);
    let mut items: Vec<Item<'_>> = Vec::new();
    let mut next = Some((Joint::Blank, text));
    while let Some((joint, (number, sign, raw))) = next.and_then(|(joint, text)| Some((joint, digits(text)?))) {
        let digits: String = number.chars().filter_map(digit).collect();
        if joint == Joint::Range && between(items.last().map(|item| &item.digits), &digits).is_none() {
            break;
        }
        items.push(Item { digits, sign, joint, raw });
        next = if items.len() > limits::PROPOSALS { None } else { joined(raw) };
    }
    let is_cut = items.len() > limits::PROPOSALS;
    // What does not end as a number does belongs to what is behind: `3 4th floor`, `3,5x`.
    while items.last().is_some_and(|item| ended(item.raw).is_none()) && !is_cut {
        items.pop();
    }
    let Some((first, last)) = items.first().zip(items.last()) else {
        return if begins_like_one(text) { Numbers::Unclear } else { Numbers::None };
    };
    let number = Number { digits: first.digits.clone(), sign: first.sign, behind: skip_raw(first.raw) };
    let Some(second) = items.get(1) else { return Numbers::One(number) };
    let (joint, behind) = (second.joint, if is_cut { "" } else { skip_raw(last.raw) });
    Numbers::Several(List { first: number, digits: each(&items), joint, behind })
}

/// The digits of all of them, each once.
fn each(items: &[Item<'_>]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut before = None;
    for item in items {
        let range = if item.joint == Joint::Range { between(before, &item.digits) } else { None };
        let more = range.unwrap_or_else(|| vec![item.digits.clone()]);
        before = Some(&item.digits);
        for digits in more {
            if !all.contains(&digits) {
                all.push(digits);
            }
        }
    }
    all
}

/// What is behind a number, without what parts it from that.
fn skip_raw(raw: &str) -> &str {
    skip(ended(raw).unwrap_or_else(|| raw.trim_start_matches(closes)))
}

/// Whether a text begins with a digit, or with a sign or word for numbers and a digit.
fn begins_like_one(text: &str) -> bool {
    let text = undressed(text).0;
    text.starts_with(|c: char| digit(c).is_some())
}

/// The digit that a character is in any of the scripts whose digits people type.
fn digit(c: char) -> Option<char> {
    let zero = match c {
        '0'..='9' => '0',
        '\u{ff10}'..='\u{ff19}' => '\u{ff10}',
        '\u{660}'..='\u{669}' => '\u{660}',
        '\u{6f0}'..='\u{6f9}' => '\u{6f0}',
        _ => return None,
    };
    char::from_digit(u32::from(c).checked_sub(u32::from(zero))?, 10)
}

/// What makes a key of a digit in pictures of keys.
fn is_keycap(c: char) -> bool {
    matches!(c, '\u{fe0f}' | '\u{20e3}')
}

fn opens(c: char) -> bool {
    matches!(c, '(' | '[' | '{' | '"' | '«' | '“' | '„' | '\'' | '`')
}

fn closes(c: char) -> bool {
    matches!(c, ')' | ']' | '}' | '"' | '»' | '”' | '“' | '\'' | '`') || is_stop(c)
}

/// The text without the signs, words and brackets that stand before a number; whether there were any signs or words.
fn undressed(text: &str) -> (&str, Sign) {
    let (mut rest, mut sign) = (text.trim_start_matches(opens).trim_start(), Sign::Plain);
    while let Some(behind) = SIGNS.iter().find_map(|mark| rest.strip_prefix(mark)).or_else(|| worded(rest)) {
        (rest, sign) = (behind.trim_start().trim_start_matches(opens), Sign::Marked);
    }
    // `t4` is how programs call task 4; `т` stands on the other keyboard.
    let letter = rest.strip_prefix(['t', 'T', 'т', 'Т']);
    let lettered = letter.filter(|behind| behind.starts_with(|c: char| digit(c).is_some()));
    lettered.map_or((rest, sign), |behind| (behind, Sign::Marked))
}

/// What is behind a word for numbers, if the text begins with one.
fn worded(text: &str) -> Option<&str> {
    let (word, behind) = split(text);
    let lower = word.to_lowercase();
    if WORDS.iter().any(|known| *known == lower || *known == bare(&lower)) {
        return Some(behind);
    }
    // `no.4`: a word that ends in a full stop needs no blank.
    let dotted = WORDS.iter().filter(|known| known.ends_with('.')).find(|known| lower.starts_with(**known))?;
    text.get(dotted.len()..)
}

/// Where the digits of the number begin and end with which the text begins.
fn digits(text: &str) -> Option<(&str, Sign, &str)> {
    let (rest, sign) = undressed(text);
    let end = rest.find(|c: char| digit(c).is_none() && !is_keycap(c)).unwrap_or(rest.len());
    let (number, behind) = rest.split_at(end);
    number.chars().any(|c| digit(c).is_some()).then_some((number, sign, behind))
}

/// What is behind a number that ends as one does, from what is right behind its digits.
fn ended(raw: &str) -> Option<&str> {
    let after = raw.trim_start_matches(closes);
    let dashed = after.strip_prefix(is_dash).filter(|rest| rest.starts_with(char::is_whitespace));
    let stopped = after.len() < raw.len() && after.starts_with(char::is_alphabetic);
    let ends = after.is_empty() || after.starts_with(char::is_whitespace) || dashed.is_some() || stopped;
    let asked = after.trim_start_matches(['?', '\u{ff1f}']);
    (ends || asked.is_empty() || asked.starts_with(char::is_whitespace)).then_some(after)
}

/// What joins a number to the next one, and the text from there on.
fn joined(behind: &str) -> Option<(Joint, &str)> {
    // Behind a colon all is text.
    if behind.trim_start_matches(|c| closes(c) && !is_colon(c)).starts_with(is_colon) {
        return None;
    }
    let after = behind.trim_start_matches(|c| closes(c) && !is_comma(c));
    let (after, comma) = match after.trim_start().strip_prefix(is_comma) {
        Some(rest) => (rest, true),
        None => (after, false),
    };
    let text = after.trim_start();
    let blank = text.len() < after.len();
    let (word, next) = split(text);
    if ANDS.contains(&word.to_lowercase().as_str()) {
        return Some((Joint::And, next));
    }
    if let Some(next) = text.strip_prefix(['&', '+']) {
        return Some((Joint::And, next.trim_start()));
    }
    let dashed = text.strip_prefix(is_dash).map(str::trim_start);
    if let Some(next) = dashed.filter(|next| !comma && next.starts_with(|c: char| digit(c).is_some())) {
        // `4 - 5 chairs are missing` is no range.
        return (!blank).then_some((Joint::Range, next));
    }
    match (comma, blank) {
        (true, true) => Some((Joint::Comma, text)),
        (true, false) => Some((Joint::And, text)),
        (false, true) => Some((Joint::Blank, text)),
        (false, false) => None,
    }
}

/// The numbers behind the first up to the last; `None` if that is no range, or too long a one.
fn between(first: Option<&String>, last: &str) -> Option<Vec<String>> {
    let (first, last): (usize, usize) = (first?.parse().ok()?, last.parse().ok()?);
    let reasonable = first < last && last - first < limits::PROPOSALS;
    reasonable.then(|| (first + 1..=last).map(|n| n.to_string()).collect())
}

/// The text without the blanks, stops and dashes that part it from what stands before.
pub(super) fn skip(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let dash = rest.strip_prefix(is_dash).filter(|rest| rest.starts_with(char::is_whitespace) || rest.is_empty());
        let stop = rest.strip_prefix(is_stop).filter(|_| !rest.starts_with("..") && !rest.starts_with('!'));
        match dash.or(stop) {
            Some(behind) => rest = behind.trim_start(),
            None => return rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        match read(text) {
            Numbers::None => "none".to_owned(),
            Numbers::Unclear => "unclear".to_owned(),
            Numbers::One(Number { digits, sign, behind }) => format!("{digits} {sign:?} [{behind}]"),
            Numbers::Several(List { digits, joint, behind, .. }) => {
                format!("{} {joint:?} [{behind}]", digits.join(" "))
            }
        }
    }

    #[test]
    fn a_number_in_any_dress_is_that_number() {
        for text in
            ["4", "4.", "(4)", "4)", "4:", "4,", "4!", "[4]", "«4»", "\"4\"", "4…", "4️⃣", "４", "٤", " - 4 .", ": 4"]
        {
            assert_eq!(told(text), "4 Plain []", "{text}");
        }
        for text in [
            "№4",
            "№ 4",
            "#4",
            "# 4",
            "task 4",
            "Task №4",
            "no. 4",
            "no.4",
            "задача 4",
            "задачу № 4",
            "t4",
            "т4",
            "(#4)",
        ] {
            assert_eq!(told(text), "4 Marked []", "{text}");
        }
    }

    #[test]
    fn what_is_behind_a_number() {
        for (text, expected) in [
            ("4. no ladder", "4 Plain [no ladder]"),
            ("4: no ladder", "4 Plain [no ladder]"),
            ("4.no ladder", "4 Plain [no ladder]"),
            ("4) no ladder", "4 Plain [no ladder]"),
            ("(4) no ladder", "4 Plain [no ladder]"),
            ("4 - no ladder", "4 Plain [no ladder]"),
            ("4- no ladder", "4 Plain [no ladder]"),
            ("№4 no ladder", "4 Marked [no ladder]"),
            ("5, none", "5 Plain [none]"),
            ("6: 43", "6 Plain [43]"),
            ("6: and 43", "6 Plain [and 43]"),
            ("3 9-1 broken", "3 Plain [9-1 broken]"),
            ("3 -5 degrees", "3 Plain [-5 degrees]"),
            ("3 ...", "3 Plain [...]"),
            ("3?", "3 Plain [?]"),
            ("3 4th floor", "3 Plain [4th floor]"),
            ("3 2+2=4", "3 Plain [2+2=4]"),
            ("4 and then", "4 Plain [and then]"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn several_numbers() {
        for (text, expected) in [
            ("1 2", "1 2 Blank []"),
            ("1,2", "1 2 And []"),
            ("1, 2", "1 2 Comma []"),
            ("1 , 2", "1 2 Comma []"),
            ("1 and 2", "1 2 And []"),
            ("1, 2 и 3 нет воды", "1 2 3 Comma [нет воды]"),
            ("1 & 2", "1 2 And []"),
            ("1&2", "1 2 And []"),
            ("1. 2. 3.", "1 2 3 Blank []"),
            ("#1 #2", "1 2 Blank []"),
            ("1-3", "1 2 3 Range []"),
            ("1–3 нет", "1 2 3 Range [нет]"),
            ("4,5 no ladder", "4 5 And [no ladder]"),
            ("1 1", "1 Blank []"),
            ("1,2,2", "1 2 And []"),
            ("task 1 and task 2", "1 2 And []"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_of_a_task() {
        for text in ["", "no ladder", "task", "#", "№", "forty two", "ten 4", "tasks", "t", "-"] {
            assert_eq!(told(text), "none", "{text}");
        }
        for text in ["14:30", "4x4", "10%", "3rd floor", "4.5", "1/2", "9-1", "1-100000", "#4th", "2+2=4", "1,2x"] {
            assert_eq!(told(text), "unclear", "{text}");
        }
    }
}
