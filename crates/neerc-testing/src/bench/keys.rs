//! Words for tests: each text is its key with what stands in its blanks, so that a test does not depend on the words.

use neerc_core::face::words::{Arg, Language, Words};

/// Words that are their keys with what stands in their blanks.
#[derive(Debug)]
pub struct Keys;

impl Words for Keys {
    fn find(&self, language: Language, key: &str, args: &[(&str, Arg<'_>)]) -> Option<String> {
        let mark = if language == Language::English { "" } else { language.tag() };
        let args = args.iter().map(|(name, arg)| match arg {
            Arg::Text(text) => format!(" {name}={text}"),
            Arg::Number(number) => format!(" {name}={number}"),
        });
        Some(format!("{mark}[{key}{}]", args.collect::<String>()))
    }
}
