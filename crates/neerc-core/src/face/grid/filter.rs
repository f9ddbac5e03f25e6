//! Which part of a board somebody wants to see, and how that stands in an address.

use crate::limits;
use std::fmt::Write;

/// What of a board is shown; by default all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GridFilter {
    /// Only whoever looks, with their tasks.
    pub mine: bool,
    /// Only tasks that somebody has not finished, and those people.
    pub open: bool,
    /// Only tasks whose deadline has passed, and those who are late.
    pub late: bool,
    /// Only the people of this group.
    pub group: Option<String>,
    /// Only tasks with this text in their title or as their number; if there are none, people with it in their name.
    pub text: Option<String>,
}

impl GridFilter {
    /// Reads the parameters of an address; what is not a filter is passed over.
    pub fn parse<'p>(parameters: impl IntoIterator<Item = (&'p str, &'p str)>) -> GridFilter {
        let mut filter = GridFilter::default();
        for (name, value) in parameters {
            let value = value.trim();
            let is_set = !value.is_empty() && value != "0";
            let text = || is_set.then(|| value.chars().take(limits::GRID_TEXT_CHARS).collect());
            match name {
                "mine" => filter.mine = is_set,
                "open" => filter.open = is_set,
                "late" => filter.late = is_set,
                "group" => filter.group = text(),
                "text" => filter.text = text(),
                _ => {}
            }
        }
        filter
    }

    /// Whether everything is shown.
    pub fn is_empty(&self) -> bool {
        *self == GridFilter::default()
    }

    /// The parameters of an address, escaped: `open=1&group=Halls`; empty where everything is shown.
    pub fn query(&self) -> String {
        let flags = [("mine", self.mine), ("open", self.open), ("late", self.late)];
        let flags = flags.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| format!("{name}=1"));
        let texts = [("group", &self.group), ("text", &self.text)];
        let texts = texts.into_iter().filter_map(|(name, text)| Some(format!("{name}={}", escaped(text.as_ref()?))));
        flags.chain(texts).collect::<Vec<_>>().join("&")
    }
}

/// A text as it stands in an address (RFC 3986).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(byte)),
            byte => _ = write!(escaped, "%{byte:02X}"), // a string takes everything
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(GridFilter::default().query(), "");
        let filter = GridFilter {
            open: true,
            late: true,
            group: Some("Зал & 1".into()),
            text: Some("a=b+c".into()),
            ..GridFilter::default()
        };
        assert_eq!(filter.query(), "open=1&late=1&group=%D0%97%D0%B0%D0%BB%20%26%201&text=a%3Db%2Bc");
        let parameters = [("late", "1"), ("open", "yes"), ("group", " Зал & 1 "), ("text", "a=b+c"), ("page", "7")];
        assert_eq!(GridFilter::parse(parameters), filter);
        assert!(GridFilter::parse([("mine", "0"), ("open", ""), ("group", " "), ("text", "")]).is_empty());
    }

    #[test]
    fn a_long_text_is_cut() {
        let long = "ж".repeat(10_000);
        let text = GridFilter::parse([("text", &*long)]).text.unwrap();
        assert_eq!(text.chars().count(), limits::GRID_TEXT_CHARS);
    }
}
