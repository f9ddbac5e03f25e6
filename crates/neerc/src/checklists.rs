//! The file of checklists: a list in YAML, whose entries are texts, as in `scripts.yaml` of the desktop client, or have a name
//! and steps. What is read is bounded in size and depth, and nothing in it refers to anything else. Not what a line makes:
//! that is read when somebody begins the checklist, as if they wrote the line.

pub mod watch;
mod yaml;

use self::yaml::{YamlNode, YamlValue};
use crate::limits::CHECKLIST_FILE_BYTES;
use neerc_core::checklist::{Checklist, ChecklistLine};
use neerc_core::face::line;
use neerc_core::limits::{CHECKLIST_NAME_CHARS, CHECKLISTS, LINES_PER_CHECKLIST, STEPS_PER_CHECKLIST};
use neerc_core::refusal::excerpt;
use std::path::Path;

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChecklistFile {
    /// The checklists, no two of one name.
    pub checklists: Vec<Checklist>,
    /// Lines that make no task, so they are in no checklist: the desktop client says them in the room.
    pub left_out: Vec<ChecklistLine>,
}

impl ChecklistFile {
    /// What to say of the lines that are in no checklist.
    pub fn warnings(&self, file: &Path) -> Vec<String> {
        let of = |ChecklistLine { text, number }: &ChecklistLine| {
            format!("{}, line {number}: '{}' makes no task, so no checklist has it", file.display(), excerpt(text))
        };
        self.left_out.iter().map(of).collect()
    }
}

/// What is wrong with a file, and in which line of it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {wrong}")]
pub struct Wrong {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong.
    pub wrong: String,
}

/// Why a file cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// What is in it.
    #[error("{0}")]
    Wrong(#[from] Wrong),
}

/// Reads a file.
pub fn read_file(path: &Path) -> Result<ChecklistFile, FileError> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let most = CHECKLIST_FILE_BYTES as u64 + 1;
    std::fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()]; // valid up to there, so within
        wrong(1 + before.iter().filter(|byte| **byte == b'\n').count(), "it is not in UTF-8")
    })?;
    Ok(read(&text)?)
}

/// Reads the text of a file.
pub fn read(text: &str) -> Result<ChecklistFile, Wrong> {
    if text.len() > CHECKLIST_FILE_BYTES {
        return Err(wrong(1, format!("the file is longer than {} KiB", CHECKLIST_FILE_BYTES / 1024)));
    }
    let mut read = ChecklistFile::default();
    let Some(root) = yaml::parse(text.strip_prefix('\u{feff}').unwrap_or(text))? else { return Ok(read) };
    let entries = match root.value {
        YamlValue::List(entries) => entries,
        YamlValue::Text(text) if text.text.is_empty() => return Ok(read),
        _ => return Err(wrong(root.line, "the file has to be a list: each checklist begins with a hyphen")),
    };
    for (number, entry) in (1..).zip(entries) {
        let line = entry.line;
        let checklist = match entry.value {
            YamlValue::Text(_) => script(number, &entry, &mut read.left_out),
            YamlValue::Map(_) => Some(named(entry)?),
            YamlValue::List(_) => return Err(wrong(line, "a checklist is a text, or has a name and steps")),
        };
        let Some(checklist) = checklist else { continue };
        if checklist.len() > LINES_PER_CHECKLIST {
            return Err(wrong(line, format!("a checklist has at most {LINES_PER_CHECKLIST} lines")));
        }
        let is_called = |known: &Checklist| known.name.to_lowercase() == checklist.name.to_lowercase();
        if read.checklists.iter().any(is_called) {
            return Err(wrong(line, format!("a checklist before is called '{}' too", checklist.name)));
        }
        read.checklists.push(checklist);
        if read.checklists.len() > CHECKLISTS {
            return Err(wrong(line, format!("a file has at most {CHECKLISTS} checklists")));
        }
    }
    Ok(read)
}

fn wrong(line: usize, wrong: impl Into<String>) -> Wrong {
    Wrong { line, wrong: wrong.into() }
}

/// A text of the desktop client's file: all of it at once, called by its number in the list. What makes no task is left out.
fn script(number: usize, entry: &YamlNode, left_out: &mut Vec<ChecklistLine>) -> Option<Checklist> {
    let (tasks, others): (Vec<_>, Vec<_>) = lines(entry).into_iter().partition(|line| line::is_addressed(&line.text));
    left_out.extend(others);
    (!tasks.is_empty()).then(|| Checklist { name: number.to_string(), steps: vec![tasks] })
}

/// A checklist with a name and steps.
fn named(entry: YamlNode) -> Result<Checklist, Wrong> {
    let at = entry.line;
    let YamlValue::Map(fields) = entry.value else { return Err(wrong(at, "a checklist has a name and steps")) };
    let (mut name, mut steps) = (None, None);
    for (key, value) in fields {
        match (key.as_str(), &value.value) {
            ("name", YamlValue::Text(text)) if name.is_none() => name = Some(text.text.trim().to_owned()),
            ("steps", YamlValue::List(_)) if steps.is_none() => steps = Some(stepwise(value)?),
            ("lines", _) if steps.is_none() => steps = Some(vec![step(&value)?]),
            ("name", _) => return Err(wrong(value.line, "a checklist has one name, which is a text")),
            ("steps" | "lines", _) => {
                return Err(wrong(value.line, "a checklist has steps, which are a list, or lines, and one of both"));
            }
            _ => {
                return Err(wrong(
                    value.line,
                    format!("'{key}' is nothing that a checklist has; it has name, steps, lines"),
                ));
            }
        }
    }
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| wrong(at, "the checklist has no name"))?;
    if name.chars().count() > CHECKLIST_NAME_CHARS || name.contains(char::is_control) {
        return Err(wrong(
            at,
            format!("the name of a checklist is one line of at most {CHECKLIST_NAME_CHARS} characters"),
        ));
    }
    let steps = steps.filter(|steps| !steps.is_empty());
    let steps = steps.ok_or_else(|| wrong(at, format!("the checklist '{name}' has no steps")))?;
    if steps.len() > STEPS_PER_CHECKLIST {
        return Err(wrong(at, format!("a checklist has at most {STEPS_PER_CHECKLIST} steps")));
    }
    Ok(Checklist { name, steps })
}

fn stepwise(steps: YamlNode) -> Result<Vec<Vec<ChecklistLine>>, Wrong> {
    let YamlValue::List(steps) = steps.value else { return Ok(Vec::new()) };
    steps.iter().map(step).collect()
}

/// The lines of a step: a text, or a list of texts.
fn step(node: &YamlNode) -> Result<Vec<ChecklistLine>, Wrong> {
    let found = match &node.value {
        YamlValue::Text(_) => lines(node),
        YamlValue::List(texts) if texts.iter().all(|text| matches!(text.value, YamlValue::Text(_))) => {
            texts.iter().flat_map(lines).collect()
        }
        _ => return Err(wrong(node.line, "a step is a text or a list of texts")),
    };
    if let Some(line) = found.iter().find(|line| !line::is_addressed(&line.text)) {
        let kinds = "it begins with @todo, @confirm, @okfail, @todofail or @question";
        return Err(wrong(line.number, format!("'{}' makes no task; a line that does {kinds}", line.text)));
    }
    if found.is_empty() { Err(wrong(node.line, "the step has no lines")) } else { Ok(found) }
}

/// The lines of a text, each with its place in the file; of a text in quotes all are where it begins.
fn lines(node: &YamlNode) -> Vec<ChecklistLine> {
    let YamlValue::Text(text) = &node.value else { return Vec::new() };
    // A text below a | begins where the first line of it is that is not blank.
    let numbered = text.text.lines().skip_while(|line| line.trim().is_empty()).enumerate();
    let all = numbered.map(|(n, line)| (if text.is_literal { node.line + n } else { node.line }, line.trim()));
    all.filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| ChecklistLine { text: line.to_owned(), number })
        .collect()
}

#[cfg(test)]
mod tests;
