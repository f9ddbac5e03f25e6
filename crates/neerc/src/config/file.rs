//! The text of the configuration file, and where in it things stand.

use super::error::{ConfigError, Origin};
use super::keys::RawLayer;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// A configuration file that has been read. What is wrong with it as TOML is said by [`Source::layer`].
pub(super) struct Source<'a> {
    path: &'a Path,
    text: &'a str,
    /// Its keys and values with their places; what follows a mistake may be missing.
    tree: DeTable<'a>,
}

impl<'a> Source<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Source<'a> {
        Source { path, text, tree: DeTable::parse_recoverable(text).0.into_inner() }
    }

    /// The folder of the file.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// What the file says.
    pub(super) fn layer(&self) -> Result<RawLayer, ConfigError> {
        toml::from_str(self.text).map_err(|error| self.refused(&error))
    }

    /// Where a key stands, in the `nth` section of its name; for a key not given, where that section is.
    pub(super) fn origin(&self, key: &str, nth: usize) -> Origin {
        let span = key.split_once('.').and_then(|(section, name)| {
            let (key, value) = entry(&self.tree, section)?;
            let (whole, table) = match value.get_ref() {
                DeValue::Array(tables) => tables.get(nth).map(|table| (table.span(), table.get_ref().as_table()))?,
                other => (key.span(), other.as_table()),
            };
            Some(table.and_then(|table| entry(table, name)).map_or(whole, |(key, _)| key.span()))
        });
        self.at(span)
    }

    fn at(&self, span: Option<Range<usize>>) -> Origin {
        let before = span.and_then(|span| self.text.as_bytes().get(..span.start));
        let line = before.map(|before| before.iter().filter(|byte| **byte == b'\n').count() + 1);
        Origin::File(self.path.to_owned(), line)
    }

    /// The parser's error in the reader's words. Only its message is taken: its text quotes whole lines of the file, and
    /// one of them may hold the secret.
    fn refused(&self, error: &toml::de::Error) -> ConfigError {
        let (origin, message) = (self.at(error.span()), error.message());
        let key = error.span().and_then(|span| key_at(&self.tree, span.start)).unwrap_or_default();
        if let Some((_, allowed)) = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
            let allowed = allowed.trim_start_matches(", expected ").trim_start_matches("one of ").to_owned();
            return ConfigError::UnknownKey { origin, key, allowed };
        }
        match message.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once(", expected ")) {
            Some((found, wanted)) => {
                // In the place of the whole section may stand what was meant to be the secret.
                let is_hidden = key.is_empty() || ["component", "webhooks"].contains(&&*key) || key.contains("secret");
                let found = if is_hidden { "of another type" } else { found };
                let found = found.replace('`', "");
                ConfigError::WrongType { origin, key, found, wanted: in_words(wanted).to_owned() }
            }
            None if error.span().is_some_and(|span| self.is_bare_word(span.start)) => {
                ConfigError::Syntax { origin, message: format!("{key}: a text must stand in quotes") }
            }
            None if key.is_empty() => ConfigError::Syntax { origin, message: message.to_owned() },
            None => ConfigError::Syntax { origin, message: format!("{key}: {message}") },
        }
    }

    /// Whether a word without quotes stands at a byte where a value is expected. Of most of them the parser says only that
    /// they are no number.
    fn is_bare_word(&self, at: usize) -> bool {
        self.text.split_at_checked(at).is_some_and(|(before, rest)| {
            before.trim_end().ends_with(['=', '[', ',']) && rest.starts_with(char::is_alphabetic)
        })
    }
}

type Pair<'t, 'a> = (&'t Spanned<DeString<'a>>, &'t Spanned<DeValue<'a>>);

fn entry<'t, 'a>(table: &'t DeTable<'a>, name: &str) -> Option<Pair<'t, 'a>> {
    table.iter().find(|(key, _)| key.get_ref() == name)
}

/// The innermost key, with its sections, that the byte `at` belongs to by its name or its value.
fn key_at(table: &DeTable<'_>, at: usize) -> Option<String> {
    let reaches = |span: Range<usize>| span.start <= at && at <= span.end; // what is missing is missed at the end
    table.iter().find_map(|(key, value)| match inside(value.get_ref(), at) {
        Some(rest) => Some(format!("{}.{rest}", key.get_ref())),
        None if reaches(key.span()) || reaches(value.span()) => Some(key.get_ref().to_string()),
        None => None,
    })
}

fn inside(value: &DeValue<'_>, at: usize) -> Option<String> {
    match value {
        DeValue::Table(table) => key_at(table, at),
        DeValue::Array(values) => values.iter().find_map(|value| inside(value.get_ref(), at)),
        _ => None,
    }
}

/// What a type of serde is called by people who write TOML.
fn in_words(wanted: &str) -> &str {
    match wanted {
        "i64" => "a whole number",
        "a boolean" => "true or false",
        "a string" => "a text in quotes",
        "a sequence" => "a list in brackets",
        wanted if wanted.starts_with("struct ") => "a section of keys",
        wanted => wanted,
    }
}
