//! Names as people write them: with commas, blanks or words between them, in quotes, with a colon behind them. Who is
//! known by which name; and quotes around texts. Not what is to be done with whoever is named.

use super::clean::{bare, is_colon, is_comma, look};
use crate::limits;
use crate::people::{People, fold};
use crate::refusal::Refusal;
use std::collections::HashSet;

/// Words between two names.
const ANDS: [&str; 5] = ["and", "&", "+", "и", "und"];

pub(super) fn is_quote(c: char) -> bool {
    matches!(c, '"' | '«' | '“' | '„' | '”' | '‹' | '「' | '\u{ff02}')
}

pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// The text in the quotes with which `text` begins, and what is behind them; `None` if it begins with none, or they do
/// not end. A `"` inside of `"…"` is written twice; inside of the others they may be nested.
pub(super) fn quoted(text: &str) -> Option<(String, &str)> {
    let open = text.chars().next().filter(|c| is_quote(*c))?;
    let (mut inside, mut depth) = (String::new(), 1);
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        let closes = match open {
            '"' => c == '"',
            '«' => c == '»',
            '„' => matches!(c, '“' | '”'),
            '‹' => c == '›',
            '「' => c == '」',
            '\u{ff02}' => c == '\u{ff02}',
            _ => c == '”',
        };
        if closes && open == '"' && chars.peek().is_some_and(|(_, next)| *next == '"') {
            chars.next();
        } else if closes {
            depth -= 1;
        } else if c == open {
            depth += 1;
        }
        if depth == 0 {
            return Some((inside, &text[at + c.len_utf8()..])); // where a character ends
        }
        inside.push(c);
    }
    None
}

/// A text without the quotes around it, if they are around all of it.
pub(super) fn unquoted(text: &str) -> String {
    let text = text.trim();
    quoted(text).filter(|(_, behind)| behind.is_empty()).map_or_else(|| text.to_owned(), |(inside, _)| inside)
}

pub(super) fn is_quoted(text: &str) -> bool {
    quoted(text).is_some_and(|(_, behind)| behind.is_empty())
}

/// Which names people and groups have.
pub(super) struct Roster<'a> {
    people: &'a People,
    /// The folded names of the groups.
    groups: HashSet<String>,
    /// The groups whose names are of several words.
    spaced: Vec<&'a str>,
}

impl<'a> Roster<'a> {
    /// The names of these people and groups.
    pub(super) fn new(people: &'a People, groups: impl IntoIterator<Item = &'a str>) -> Roster<'a> {
        let (mut folded, mut spaced) = (HashSet::new(), Vec::new());
        for group in groups {
            if folded.insert(fold(group)) && group.contains(char::is_whitespace) {
                spaced.push(group);
            }
        }
        Roster { people, groups: folded, spaced }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        let people = self.people;
        let person = people.user(name).or_else(|| people.shown_as(name)).or_else(|| people.by_nick(name));
        person.is_some() || self.groups.contains(&fold(name))
    }

    /// The name that a word is, whatever else stands at its ends: `hall1.`, `@hall1`.
    pub(super) fn known(&self, word: &str) -> Option<String> {
        let name = bare(word);
        let mentioned = name.trim_start_matches('@');
        let seen = || look(name);
        [word, name, mentioned].into_iter().find(|name| self.has(name)).map(str::to_owned).or_else(|| {
            let near = self.people.nearest(name)?;
            // Who reads it cannot tell the two apart.
            (look(&near) == seen()).then_some(near)
        })
    }

    /// The name that was most likely meant.
    pub(super) fn nearest(&self, word: &str) -> Option<String> {
        self.people.nearest(bare(word).trim_start_matches('@'))
    }

    /// Whether a word that is nobody's name looks as if it were meant to be one: `hal1`, `hall99`, `ivan@mail.ru`.
    pub(super) fn is_like(&self, word: &str) -> bool {
        is_address(word) || self.nearest(word).is_some() || self.is_numbered(bare(word))
    }

    /// Whether a word differs from a name only by its number.
    fn is_numbered(&self, word: &str) -> bool {
        let stem = |name: &str| fold(name.trim_end_matches(char::is_numeric));
        let wanted = stem(word);
        if wanted.chars().count() < 2 || wanted.len() == fold(word).len() {
            return false;
        }
        let people = self.people.listed();
        let mut users = people.iter().map(|(person, _)| self.people.name(person));
        users.any(|name| stem(name) == wanted) || self.groups.iter().any(|group| stem(group) == wanted)
    }

    /// The group with a name of several words with which a text begins, and what is behind it.
    pub(super) fn spaced<'t>(&self, text: &'t str) -> Option<(String, &'t str)> {
        let longest = self.spaced.iter().filter_map(|group| {
            let end = text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(group.chars().count())?;
            let (start, behind) = text.split_at(end);
            let ends = behind.is_empty() || behind.starts_with(|c: char| ends_name(c) || is_colon(c));
            (ends && fold(start) == fold(group)).then(|| (start.to_owned(), behind))
        });
        longest.max_by_key(|(start, _)| start.len())
    }
}

/// Whether somebody's address is meant: who writes one does not begin a title with it.
pub(super) fn is_address(word: &str) -> bool {
    word.trim_matches('@').contains('@')
}

fn ends_name(c: char) -> bool {
    is_comma(c) || c.is_whitespace()
}

/// Names with commas and no blanks between them.
pub(super) struct Names<'t> {
    pub names: Vec<String>,
    /// What is behind them.
    pub behind: &'t str,
}

fn too_many() -> Refusal {
    Refusal::TooMany { what: "names", limit: limits::NAMES_PER_LINE }
}

/// The name with which a text begins, up to a comma or blank; one in quotes ends at their end.
fn name(text: &str) -> (String, &str) {
    let whole = |behind: &str| behind.is_empty() || behind.starts_with(|c: char| ends_name(c) || is_colon(c));
    quoted(text).filter(|(_, behind)| whole(behind)).unwrap_or_else(|| {
        let (name, behind) = text.split_at(text.find(ends_name).unwrap_or(text.len()));
        (name.to_owned(), behind)
    })
}

/// Reads names up to the first blank.
pub(super) fn names(text: &str) -> Result<Names<'_>, Refusal> {
    let (mut names, mut rest) = (Vec::new(), text);
    loop {
        let (name, behind) = name(rest);
        if !name.is_empty() {
            names.push(name);
        }
        if names.len() > limits::NAMES_PER_LINE {
            return Err(too_many());
        }
        match behind.strip_prefix(is_comma) {
            Some(behind) => rest = behind,
            None => return Ok(Names { names, behind: behind.trim_start() }),
        }
    }
}

/// Names with commas, blanks or words between them, to the end of the line: as they are known, where they are.
pub(super) fn all_names(text: &str, roster: &Roster<'_>) -> Result<Vec<String>, Refusal> {
    const WORDS: [&str; 10] = ["to", "for", "from", "of", "на", "для", "с", "у", "от", "кому"];
    let (mut all, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let (name, behind) = match roster.spaced(rest) {
            Some((name, behind)) => (name, behind),
            None => name(rest),
        };
        let is_quoted = rest.starts_with(is_quote);
        rest = behind.trim_start_matches(|c| ends_name(c) || is_colon(c));
        let lower = name.to_lowercase();
        let between = ANDS.contains(&lower.as_str()) && !rest.is_empty() && !all.is_empty();
        let before = all.is_empty() && !rest.is_empty() && WORDS.contains(&lower.as_str());
        let says_nothing = name.is_empty() || (!is_quoted && super::clean::says_nothing(&name));
        if !is_quoted && (between || before || says_nothing) && !roster.has(&name) {
            continue;
        }
        all.push(if is_quoted { name } else { roster.known(&name).unwrap_or(name) });
        if all.len() > limits::NAMES_PER_LINE {
            return Err(too_many());
        }
    }
    Ok(all)
}

/// People before a colon.
pub(super) struct Addressees<'t> {
    /// Who is known, by name.
    pub known: Vec<String>,
    /// What is nobody's name.
    pub unknown: Vec<String>,
    /// Both, in their order, as far as they can be guessed.
    pub meant: Vec<String>,
    /// What is behind the colon.
    pub behind: &'t str,
}

/// Reads the names before a colon; `None` if there is none, or what stands before it is not all names.
pub(super) fn before_colon<'t>(text: &'t str, roster: &Roster<'_>) -> Result<Option<Addressees<'t>>, Refusal> {
    let mut read = Addressees { known: Vec::new(), unknown: Vec::new(), meant: Vec::new(), behind: "" };
    let mut rest = text.trim_start();
    let mut count = 0;
    while !rest.is_empty() {
        let is_quoted = rest.starts_with(is_quote);
        let (word, behind) = match roster.spaced(rest).filter(|_| !is_quoted) {
            Some(found) => found,
            None => name(rest),
        };
        let cut = if is_quoted { None } else { word.find(is_colon).map(|at| (&word[..at], at)) };
        let (word, ends, behind) = match cut {
            Some((name, at)) => {
                let behind = rest.get(at..).unwrap_or("");
                (name.to_owned(), true, behind.get(behind.chars().next().map_or(0, char::len_utf8)..).unwrap_or(""))
            }
            None => match behind.trim_start().strip_prefix(is_colon) {
                Some(behind) => (word, true, behind),
                None => (word, false, behind),
            },
        };
        count += 1;
        let joins = count > 1 && !is_quoted && ANDS.contains(&word.to_lowercase().as_str()) && !roster.has(&word);
        if !joins && !word.is_empty() && !take(&mut read, word, is_quoted, roster) {
            return Ok(None);
        }
        if read.known.len() > limits::NAMES_PER_LINE {
            return Err(too_many());
        }
        if ends {
            read.behind = behind.trim_start();
            return Ok(Some(read).filter(|read| !read.meant.is_empty() || !read.unknown.is_empty()));
        }
        rest = behind.trim_start_matches(ends_name);
    }
    Ok(None)
}

/// Takes a word for a name, if it is one or looks like one.
fn take(read: &mut Addressees<'_>, word: String, is_quoted: bool, roster: &Roster<'_>) -> bool {
    let known = if is_quoted { Some(word.clone()).filter(|name| roster.has(name)) } else { roster.known(&word) };
    if let Some(known) = known {
        read.meant.push(known.clone());
        read.known.push(known);
        return true;
    }
    if is_quoted || read.unknown.len() >= limits::NEAR_NAMES || !roster.is_like(&word) {
        return false;
    }
    read.meant.extend(roster.nearest(&word));
    read.unknown.push(word);
    true
}

/// The known names with which a text goes on, whatever stands between them, and what is behind them.
pub(super) fn further<'t>(text: &'t str, roster: &Roster<'_>) -> Result<Names<'t>, Refusal> {
    let mut found = Names { names: Vec::new(), behind: text };
    let mut rest = text.trim_start_matches(ends_name);
    while !rest.is_empty() {
        let is_quoted = rest.starts_with(is_quote);
        let (word, behind) = match roster.spaced(rest).filter(|_| !is_quoted) {
            Some(group) => group,
            None => name(rest),
        };
        let next = behind.trim_start_matches(ends_name);
        if !is_quoted && ANDS.contains(&word.to_lowercase().as_str()) && !roster.has(&word) {
            rest = next;
            continue;
        }
        let known = if is_quoted { Some(word).filter(|name| roster.has(name)) } else { roster.known(&word) };
        let Some(known) = known else { break };
        found.names.push(known);
        found.behind = behind.trim_start();
        rest = next;
        if found.names.len() > limits::NAMES_PER_LINE {
            return Err(too_many());
        }
    }
    Ok(found)
}

/// How a name is written so that it reads as itself.
pub(super) fn write(name: &str) -> String {
    let odd = |c: char| ends_name(c) || is_quote(c) || is_colon(c);
    let lower = name.to_lowercase();
    let plain = !name.is_empty() && !name.contains(odd) && bare(name) == name && !name.starts_with('@');
    let plain = plain && !ANDS.contains(&lower.as_str()) && name.contains(char::is_alphanumeric);
    if plain { name.to_owned() } else { quote(name) }
}
