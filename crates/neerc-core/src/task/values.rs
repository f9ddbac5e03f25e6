//! The values of a task: its number, kind, title, and the statuses of its people. A value that exists is valid.

use crate::limits;
use crate::refusal::{Refusal, excerpt};
use std::fmt;
use std::sync::Arc;

/// Number of a task within its room, never used twice. People see the digits, which are short to type; programs get
/// [`TaskId::wire_id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u64);

impl TaskId {
    /// Reads an id as people and programs write it: `17`, `#17`, `t17` or `T17`. Only the exact digits that
    /// [`fmt::Display`] writes count (`017` and `+17` do not); any other text is the id of no task.
    pub fn parse(text: &str) -> Result<TaskId, Refusal> {
        let digits = TaskId::digits(text).filter(|digits| !digits.starts_with('0'));
        let number = digits.and_then(|digits| digits.parse().ok());
        number.map(TaskId).ok_or_else(|| Refusal::UnknownTask { task: excerpt(text) })
    }

    /// The digits of a word in the form of an id.
    pub fn digits(text: &str) -> Option<&str> {
        let text = text.strip_prefix('#').unwrap_or(text);
        let digits = text.strip_prefix(['t', 'T']).unwrap_or(text);
        Some(digits).filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    }

    /// The id on the wire. It is never all digits: JavaScript iterates integer-like properties of an object first and
    /// in numeric order, so a client that keeps tasks in an object would lose the order of the list.
    pub fn wire_id(self) -> String {
        format!("t{}", self.0)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What kind of answer a task asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// To be started and finished.
    Todo,
    /// To be started and finished, or to fail with a reason.
    TodoFail,
    /// To be acknowledged by one click.
    Confirm,
    /// Yes, or no with a reason.
    OkFail,
    /// To be answered with a text.
    Question,
}

impl Kind {
    /// Every kind with its name on the wire, then the aliases, which are accepted and never sent.
    const NAMES: [(&'static str, Kind); 9] = [
        ("todo", Kind::Todo),
        ("todofail", Kind::TodoFail),
        ("confirm", Kind::Confirm),
        ("okfail", Kind::OkFail),
        ("question", Kind::Question),
        ("task", Kind::Todo),
        ("ok", Kind::Confirm),
        ("reason", Kind::OkFail),
        ("q", Kind::Question),
    ];

    /// Reads a name or an alias.
    pub fn parse(text: &str) -> Result<Kind, Refusal> {
        let found = Kind::NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, kind)| *kind).ok_or_else(|| Refusal::UnknownKind { kind: excerpt(text) })
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Todo => "todo",
            Kind::TodoFail => "todofail",
            Kind::Confirm => "confirm",
            Kind::OkFail => "okfail",
            Kind::Question => "question",
        }
    }
}

/// How far a person is with a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Progress {
    /// No answer yet.
    None,
    /// Begun.
    Running,
    /// Done, or answered.
    Success,
    /// Failed; the value says why.
    Fail,
    /// Seen.
    Acknowledged,
}

impl Progress {
    /// Every value.
    pub const ALL: [Progress; 5] =
        [Progress::None, Progress::Running, Progress::Success, Progress::Fail, Progress::Acknowledged];

    /// Reads the name on the wire.
    pub fn parse(text: &str) -> Result<Progress, Refusal> {
        let found = Progress::ALL.into_iter().find(|progress| progress.name() == text);
        found.ok_or_else(|| Refusal::UnknownStatus { status: excerpt(text) })
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Progress::None => "none",
            Progress::Running => "running",
            Progress::Success => "success",
            Progress::Fail => "fail",
            Progress::Acknowledged => "acknowledged",
        }
    }

    /// Whether nothing more is expected after this.
    pub fn is_final(self) -> bool {
        matches!(self, Progress::Success | Progress::Fail)
    }
}

/// The title of a task: one line, not empty, within [`limits::TITLE_CHARS`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Title(Arc<str>);

impl Title {
    /// Checks a title; line breaks (also those of Unicode) and tabs become spaces.
    pub fn parse(text: &str) -> Result<Title, Refusal> {
        let line = one_line("title", text, limits::TITLE_CHARS)?;
        if line.trim().is_empty() { Err(Refusal::EmptyTitle) } else { Ok(Title(line)) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

fn one_line(what: &'static str, text: &str, limit: usize) -> Result<Arc<str>, Refusal> {
    let chars = text.chars().count();
    if chars > limit {
        return Err(Refusal::TooLong { what, chars, limit });
    }
    // A client reads our bodies with Java's regular expressions, which end a line at all of these.
    let breaks = |c: char| matches!(c, '\r' | '\n' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let forbidden = |c: &char| matches!(c, '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}') && !breaks(*c);
    if let Some(character) = text.chars().find(forbidden) {
        return Err(Refusal::ForbiddenCharacter { what, character });
    }
    Ok(if text.contains(breaks) { text.replace(breaks, " ").into() } else { text.into() })
}

/// What one person says about one task.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Status {
    /// How far.
    pub progress: Progress,
    value: Option<Arc<str>>,
}

impl Status {
    /// Nothing said yet.
    pub const NONE: Status = Status { progress: Progress::None, value: None };

    /// Checks a value: one line (line breaks become spaces) within [`limits::VALUE_CHARS`], possibly empty.
    pub fn new(progress: Progress, value: &str) -> Result<Status, Refusal> {
        let value = if value.is_empty() { None } else { Some(one_line("value", value, limits::VALUE_CHARS)?) };
        Ok(Status { progress, value })
    }

    /// The text, possibly empty.
    pub fn value(&self) -> &str {
        self.value.as_deref().unwrap_or("")
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.progress.name(), self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_numbers_are_ids() {
        for text in ["17", "#17", "t17", "T17", "#t17"] {
            assert_eq!(TaskId::parse(text), Ok(TaskId(17)), "{text}");
        }
        assert_eq!((TaskId(17).wire_id(), TaskId::parse(&TaskId(17).wire_id())), ("t17".to_owned(), Ok(TaskId(17))));
        for text in
            ["", "0", "017", "+17", "-1", "17 ", "x", "18446744073709551616", "11111111-2222-3333-4444-555555555555"]
                .into_iter()
                .chain(["t", "#", "t0", "t017", "t+17", "tt17", "t#17", "##17", "s17", "t 17", "т17"])
        {
            assert!(matches!(TaskId::parse(text), Err(Refusal::UnknownTask { .. })), "{text}");
        }
    }

    #[test]
    fn kinds_and_their_aliases() {
        for (text, kind) in Kind::NAMES {
            assert_eq!(Kind::parse(text), Ok(kind));
        }
        assert_eq!(Kind::parse(Kind::OkFail.name()), Ok(Kind::OkFail));
        assert!(Kind::parse("remove").is_err() && Kind::parse("Todo").is_err() && Kind::parse("").is_err());
    }

    #[test]
    fn texts_are_one_line_within_limits() {
        assert_eq!(Title::parse("a\r\nb\tc").unwrap().as_str(), "a  b c");
        assert_eq!(Title::parse("a\u{85}b\u{2028}c\u{2029}d").unwrap().as_str(), "a b c d");
        assert_eq!(Title::parse(" \n"), Err(Refusal::EmptyTitle));
        assert!(Title::parse(&"я".repeat(limits::TITLE_CHARS)).is_ok());
        let chars = limits::TITLE_CHARS + 1;
        assert_eq!(Title::parse(&"я".repeat(chars)), Err(Refusal::TooLong { what: "title", chars, limit: chars - 1 }));
        for c in ['\0', '\u{b}', '\u{1f}', '\u{fffe}'] {
            assert_eq!(
                Title::parse(&format!("a{c}")),
                Err(Refusal::ForbiddenCharacter { what: "title", character: c })
            );
        }
        assert_eq!(Status::new(Progress::Fail, "").unwrap().value(), "");
        assert!(Status::new(Progress::Fail, &"x".repeat(limits::VALUE_CHARS + 1)).is_err());
    }
}
