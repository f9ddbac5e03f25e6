//! Lines that make a task: `@KIND [ASSIGNEES] [SCHED] TITLE`, the grammar of the deployed clients, with names and titles
//! in quotes and names of any letters beyond it. Where the old grammar guessed who is meant, this one asks.

use super::{Asked, Known, LineQuestion, Unclear, split};
use crate::face::menu::{self, Act};
use crate::limits;
use crate::plan::{Planned, Schedule};
use crate::refusal::Refusal;
use crate::task::Kind;
use std::fmt;

/// A line that makes a task; printed, it reads as itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskLine {
    /// What kind of answer the task asks for.
    pub kind: Kind,
    /// For whom.
    pub assignees: Vec<String>,
    /// When, if not now.
    pub schedule: Option<Schedule>,
    /// What to do.
    pub title: String,
}

impl From<&Planned> for TaskLine {
    fn from(planned: &Planned) -> TaskLine {
        TaskLine {
            kind: planned.kind,
            assignees: planned.names.clone(),
            schedule: Some(planned.schedule),
            title: planned.title.as_str().to_owned(),
        }
    }
}

impl From<TaskLine> for Asked {
    fn from(line: TaskLine) -> Asked {
        let schedule = line.schedule.map(|schedule| schedule.to_string()).into_iter().collect();
        let values = vec![
            ("kind", vec![line.kind.name().to_owned()]),
            ("title", vec![line.title]),
            ("names", line.assignees),
            ("schedule", schedule),
        ];
        Asked { item: menu::by_act(Act::Create), values }
    }
}

impl fmt::Display for TaskLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.kind.name())?;
        for (n, name) in self.assignees.iter().enumerate() {
            f.write_str(if n == 0 { " " } else { "," })?;
            let plain = !name.contains(|c: char| c.is_whitespace() || c == ',' || is_quote(c));
            if plain { f.write_str(name)? } else { write_quoted(f, name)? }
        }
        if let Some(schedule) = self.schedule {
            write!(f, " {schedule}")?;
        }
        f.write_str(" ")?;
        let first = split(&self.title).0;
        let moment = self.schedule.is_none() && !matches!(Schedule::parse(first), Ok(None));
        let plain = !self.assignees.is_empty() && !moment && !self.title.starts_with(is_quote);
        let plain = plain && !self.title.is_empty() && self.title.trim() == self.title;
        if plain { f.write_str(&self.title) } else { write_quoted(f, &self.title) }
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '«' | '“' | '„')
}

fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('"', "\"\""))
}

/// The text in the quotes with which `text` begins, and what is behind them; `None` if it begins with none, or they do
/// not end. A `"` inside of `"…"` is written twice; inside of the others they may be nested.
fn quoted(text: &str) -> Option<(String, &str)> {
    let open = text.chars().next().filter(|c| is_quote(*c))?;
    let (mut inside, mut depth) = (String::new(), 1);
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        let closes = match open {
            '"' => c == '"',
            '«' => c == '»',
            '„' => matches!(c, '“' | '”'),
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
            return Some((inside, &text[at + c.len_utf8()..]));
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

fn is_quoted(text: &str) -> bool {
    quoted(text).is_some_and(|(_, behind)| behind.is_empty())
}

/// Names with commas and no blanks between them.
struct Names<'t> {
    names: Vec<String>,
    /// Whether a comma stands behind the last one.
    goes_on: bool,
    /// What is behind them.
    behind: &'t str,
}

/// Reads names up to the first blank. One in quotes ends at their end.
fn names(text: &str) -> Result<Names<'_>, Refusal> {
    let (mut names, mut rest, mut goes_on) = (Vec::new(), text, false);
    loop {
        let whole = |behind: &str| behind.is_empty() || behind.starts_with(|c: char| c == ',' || c.is_whitespace());
        let (name, behind) = quoted(rest).filter(|(_, behind)| whole(behind)).unwrap_or_else(|| {
            let end = rest.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        });
        if !name.is_empty() {
            goes_on = false;
            names.push(name);
        }
        if names.len() > limits::NAMES_PER_LINE {
            return Err(Refusal::TooMany { what: "names", limit: limits::NAMES_PER_LINE });
        }
        match behind.strip_prefix(',') {
            Some(behind) => (rest, goes_on) = (behind, true),
            None => return Ok(Names { names, goes_on, behind: behind.trim_start() }),
        }
    }
}

/// Names with commas or blanks between them, to the end of the line.
pub(super) fn all_names(text: &str) -> Result<Vec<String>, Refusal> {
    let (mut all, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let some = names(rest)?;
        all.extend(some.names);
        rest = some.behind;
        if all.len() > limits::NAMES_PER_LINE {
            return Err(Refusal::TooMany { what: "names", limit: limits::NAMES_PER_LINE });
        }
    }
    Ok(all)
}

/// Reads what is behind the kind.
pub(super) fn read(kind: Kind, rest: &str, known: &Known<'_>) -> Result<TaskLine, Unclear> {
    let rest = rest.trim();
    let title = |title: &str| TaskLine { kind, assignees: Vec::new(), schedule: None, title: title.to_owned() };
    if rest.is_empty() {
        return Err(Refusal::MissingField { field: "title" }.into());
    }
    if is_quoted(rest) {
        return Ok(title(&unquoted(rest)));
    }
    let Names { names, goes_on, behind } = names(rest)?;
    let unknown: Vec<String> = names.iter().filter(|name| !known.has(name)).cloned().collect();
    if unknown.is_empty() && !names.is_empty() {
        return for_known(kind, names, goes_on, behind, title(rest), known);
    }
    let (word, after) = split(rest);
    if let Some(schedule) = Schedule::parse(word)? {
        return at_moment(kind, schedule, word, after, title(rest), known);
    }
    // The old grammar took the first word for people if it was made of these letters, whoever they were.
    let old = !after.is_empty() && !names.is_empty();
    let old = old && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b',');
    let near: Vec<_> = unknown.iter().take(limits::NEAR_NAMES).map(|name| known.people.nearest(name)).collect();
    // Who writes an address does not begin a title with it, but rather means somebody.
    let address = |name: &String| name.trim_matches('@').contains('@');
    let addressed = !after.is_empty() && unknown.iter().any(address);
    if !old && !addressed && unknown.len() == names.len() && near.iter().all(Option::is_none) {
        return Ok(title(rest));
    }
    let meant = |name: &String| match unknown.iter().position(|unknown| unknown == name) {
        Some(at) => near.get(at).cloned().flatten(),
        None => Some(name.clone()),
    };
    let mut people: Vec<String> = names.iter().filter_map(meant).collect();
    people.dedup();
    let people = if people.is_empty() { None } else { with_schedule(kind, people, behind, title(rest)).ok() };
    Err(LineQuestion::NobodyCalled { names: unknown, people, title: title(rest) }.into())
}

/// Reads what is behind people who are known.
fn for_known(
    kind: Kind,
    mut people: Vec<String>,
    goes_on: bool,
    behind: &str,
    title: TaskLine,
    known: &Known<'_>,
) -> Result<TaskLine, Unclear> {
    if !goes_on || behind.is_empty() {
        return with_schedule(kind, people, behind, title);
    }
    // `hall1, hall2 Title`: the old grammar took hall2 for the title.
    let more = names(behind)?;
    if more.names.is_empty() || !more.names.iter().all(|name| known.has(name)) {
        return with_schedule(kind, people, behind, title);
    }
    let line = TaskLine { kind, assignees: people.clone(), schedule: None, title: behind.to_owned() };
    people.extend(more.names.iter().cloned());
    let people = with_schedule(kind, people, more.behind, title)?;
    Err(LineQuestion::PeopleInTitle { names: more.names, people, title: line }.into())
}

/// Reads what is behind the people. `whole` is the line as nothing but a title.
fn with_schedule(kind: Kind, people: Vec<String>, behind: &str, whole: TaskLine) -> Result<TaskLine, Unclear> {
    if behind.is_empty() {
        return Err(LineQuestion::OnlyPeople { names: people, title: whole }.into());
    }
    let line = |schedule, title| TaskLine { kind, assignees: people, schedule, title };
    let (word, after) = split(behind);
    match if is_quoted(behind) { None } else { Schedule::parse(word)? } {
        None => Ok(line(None, unquoted(behind))),
        Some(_) if after.is_empty() => {
            Err(LineQuestion::OnlySchedule { word: word.to_owned(), title: line(None, word.to_owned()) }.into())
        }
        Some(schedule) => Ok(line(Some(schedule), unquoted(after))),
    }
}

/// Reads what is behind a moment that stands before any people. `whole` is the line as nothing but a title.
fn at_moment(
    kind: Kind,
    schedule: Schedule,
    word: &str,
    after: &str,
    whole: TaskLine,
    known: &Known<'_>,
) -> Result<TaskLine, Unclear> {
    if after.is_empty() {
        return Err(LineQuestion::OnlySchedule { word: word.to_owned(), title: whole }.into());
    }
    let line = |assignees, title: &str| TaskLine { kind, assignees, schedule: Some(schedule), title: unquoted(title) };
    let Names { names, behind, .. } = names(after)?;
    let people = !is_quoted(after) && !names.is_empty() && names.iter().all(|name| known.has(name));
    if Schedule::is_bare(word) {
        let schedule = if people && !behind.is_empty() { line(names, behind) } else { line(Vec::new(), after) };
        return Err(LineQuestion::BareSchedule { word: word.to_owned(), schedule, title: whole }.into());
    }
    if !people {
        return Ok(line(Vec::new(), after));
    }
    let title = line(Vec::new(), after);
    if behind.is_empty() {
        return Err(LineQuestion::OnlyPeople { names, title }.into());
    }
    Err(LineQuestion::PeopleInTitle { people: line(names.clone(), behind), names, title }.into())
}
