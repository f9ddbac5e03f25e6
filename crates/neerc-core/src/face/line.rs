//! Chat lines: `@todo halls end-60! Announce the freeze`, `done 3`, `готово 3`. A line becomes a row of the menu with
//! its fields filled in, and the menu makes the request of it. What can be read in two ways is asked back, with both
//! readings as lines to be sent. Not what a line does, and not the words in which questions are asked.

mod clean;
mod task_line;
#[cfg(test)]
mod tests;

pub use clean::clean;
pub use task_line::TaskLine;

use self::clean::bare;

use crate::face::menu::{self, Act, FieldKind, Item, Presence, Request};
use crate::limits;
use crate::people::{People, fold};
use crate::plan::PlanId;
use crate::refusal::{Refusal, excerpt};
use crate::task::{Kind, Task, TaskId, Title};
use crate::view::View;
use std::collections::HashSet;

/// What a line asks: a row of the menu and the values of its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The row.
    pub item: &'static Item,
    /// The values.
    pub values: Vec<(&'static str, Vec<String>)>,
}

impl Asked {
    /// Makes the request of it.
    pub fn build(&self) -> Result<Request, Refusal> {
        menu::build(self.item, &self.values)
    }
}

/// Why a line asks nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unclear {
    /// It cannot be meant.
    Refused(Refusal),
    /// It can be meant in more than one way.
    Question(Box<LineQuestion>),
}

impl From<Refusal> for Unclear {
    fn from(refusal: Refusal) -> Unclear {
        Unclear::Refused(refusal)
    }
}

impl From<LineQuestion> for Unclear {
    fn from(question: LineQuestion) -> Unclear {
        Unclear::Question(Box::new(question))
    }
}

/// What is asked back of a line that can be read in more than one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineQuestion {
    /// The line names people of whom some are nobody: are they misspelt, or does the title begin there?
    NobodyCalled {
        /// The names that nobody has.
        names: Vec<String>,
        /// With the people that were most likely meant, if any are close.
        people: Option<TaskLine>,
        /// As a title.
        title: TaskLine,
    },
    /// The line names people and nothing to do: is their name the title?
    OnlyPeople {
        /// Their names.
        names: Vec<String>,
        /// As a title.
        title: TaskLine,
    },
    /// The line names a moment and nothing to do: is it the title?
    OnlySchedule {
        /// The moment as it was written.
        word: String,
        /// As a title.
        title: TaskLine,
    },
    /// The line begins with the name of a moment: is it to be done then, or does the title begin there?
    BareSchedule {
        /// The word.
        word: String,
        /// As a moment.
        schedule: TaskLine,
        /// As a title.
        title: TaskLine,
    },
    /// People stand where the title is expected: is it for them?
    PeopleInTitle {
        /// Their names.
        names: Vec<String>,
        /// For them.
        people: TaskLine,
        /// As a title.
        title: TaskLine,
    },
    /// The writer has several tasks that the line could be about.
    WhichTask {
        /// The verb as it was written.
        verb: String,
        /// What was written behind it.
        text: String,
        /// The tasks, the oldest first, as many as can be proposed.
        open: Vec<(TaskId, Title)>,
    },
    /// The line holds one number: is it the answer to the writer's only open task?
    NumberOrText {
        /// The verb as it was written.
        verb: String,
        /// The only open task.
        task: TaskId,
        /// The number.
        text: String,
    },
}

/// How a line can be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Somebody is to have the task.
    People,
    /// It is all title.
    Title,
    /// It is to be done at a moment of the contest.
    Schedule,
    /// It is about this task.
    Task(TaskId, Title),
    /// It is the text of an answer.
    Text,
}

impl Reading {
    /// All keys.
    pub const KEYS: [&'static str; 5] = ["people", "title", "schedule", "task", "text"];

    /// Under which name words in any language are kept for it.
    pub fn key(&self) -> &'static str {
        match self {
            Reading::People => "people",
            Reading::Title => "title",
            Reading::Schedule => "schedule",
            Reading::Task(..) => "task",
            Reading::Text => "text",
        }
    }
}

/// One reading of a line, as a line that can only be read in this way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// How it is meant.
    pub reading: Reading,
    /// The line to be sent.
    pub line: String,
}

impl LineQuestion {
    /// All keys.
    pub const KEYS: [&'static str; 7] = [
        "nobody-called",
        "only-people",
        "only-schedule",
        "bare-schedule",
        "people-in-title",
        "which-task",
        "number-or-text",
    ];

    /// Under which name words in any language are kept for it.
    pub fn key(&self) -> &'static str {
        match self {
            LineQuestion::NobodyCalled { .. } => "nobody-called",
            LineQuestion::OnlyPeople { .. } => "only-people",
            LineQuestion::OnlySchedule { .. } => "only-schedule",
            LineQuestion::BareSchedule { .. } => "bare-schedule",
            LineQuestion::PeopleInTitle { .. } => "people-in-title",
            LineQuestion::WhichTask { .. } => "which-task",
            LineQuestion::NumberOrText { .. } => "number-or-text",
        }
    }

    /// What its words are about, by name.
    pub fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            LineQuestion::NobodyCalled { names, .. }
            | LineQuestion::OnlyPeople { names, .. }
            | LineQuestion::PeopleInTitle { names, .. } => {
                vec![("names", names.join(", ")), ("count", names.len().to_string())]
            }
            LineQuestion::OnlySchedule { word, .. } | LineQuestion::BareSchedule { word, .. } => {
                vec![("word", word.clone())]
            }
            LineQuestion::WhichTask { verb, open, .. } => {
                vec![("verb", verb.clone()), ("count", open.len().to_string())]
            }
            LineQuestion::NumberOrText { verb, task, text } => {
                vec![("verb", verb.clone()), ("task", task.to_string()), ("text", text.clone())]
            }
        }
    }

    /// The readings, the likeliest first.
    pub fn proposals(&self) -> Vec<Proposal> {
        let proposal = |reading, line: &TaskLine| Proposal { reading, line: line.to_string() };
        match self {
            LineQuestion::NobodyCalled { people, title, .. } => {
                let people = people.iter().map(|people| proposal(Reading::People, people));
                people.chain([proposal(Reading::Title, title)]).collect()
            }
            LineQuestion::OnlyPeople { title, .. } | LineQuestion::OnlySchedule { title, .. } => {
                vec![proposal(Reading::Title, title)]
            }
            LineQuestion::BareSchedule { schedule, title, .. } => {
                vec![proposal(Reading::Title, title), proposal(Reading::Schedule, schedule)]
            }
            LineQuestion::PeopleInTitle { people, title, .. } => {
                vec![proposal(Reading::People, people), proposal(Reading::Title, title)]
            }
            LineQuestion::WhichTask { verb, text, open } => {
                let proposal = |(id, title): &(TaskId, Title)| Proposal {
                    reading: Reading::Task(*id, title.clone()),
                    line: format!("{verb} {id} {text}").trim_end().to_owned(),
                };
                open.iter().map(proposal).collect()
            }
            LineQuestion::NumberOrText { verb, task, text } => {
                vec![Proposal { reading: Reading::Text, line: format!("{verb} {task} {text}") }]
            }
        }
    }
}

/// A line of a text with what it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read<'t> {
    /// The line.
    pub line: &'t str,
    /// What it asks.
    pub asked: Result<Asked, Unclear>,
}

/// Whether a text that was said to everybody is meant for the service: its first line begins with `@` and a kind of
/// task, as the deployed clients' commands do.
pub fn is_addressed(text: &str) -> bool {
    let text = clean(text.trim_start().lines().next().unwrap_or(""));
    let (word, _) = split(&text);
    bare(word).strip_prefix('@').is_some_and(|word| kind(word).is_ok())
}

/// Reads the lines of a text that somebody with this view of the room writes, each on its own; blank ones are skipped.
pub fn read<'t>(text: &'t str, writer: &View<'_>) -> Vec<Read<'t>> {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let known = Known::of(writer);
    let asked = lines().take(limits::LINES_PER_TEXT).map(|line| Read { line, asked: read_line(line, writer, &known) });
    let over = lines().nth(limits::LINES_PER_TEXT).map(|line| {
        let refusal = Refusal::TooMany { what: "lines", limit: limits::LINES_PER_TEXT };
        Read { line, asked: Err(refusal.into()) }
    });
    asked.chain(over).collect()
}

/// Which names people and groups have.
struct Known<'a> {
    people: &'a People,
    groups: HashSet<String>,
}

impl<'a> Known<'a> {
    /// Only admins name people, so only for them is it worth the work.
    fn of(writer: &View<'a>) -> Known<'a> {
        let people = writer.scene().people;
        let groups = writer.is_admin().then(|| people.groups().map(|group| fold(group)).collect());
        Known { people, groups: groups.unwrap_or_default() }
    }

    fn has(&self, name: &str) -> bool {
        let people = self.people;
        let person = people.user(name).or_else(|| people.shown_as(name)).or_else(|| people.by_nick(name));
        person.is_some() || self.groups.contains(&fold(name))
    }
}

fn read_line(line: &str, writer: &View<'_>, known: &Known<'_>) -> Result<Asked, Unclear> {
    let (word, rest) = split(line);
    if let Some(word) = word.strip_prefix('@') {
        let item = menu::by_act(Act::Create);
        let kind = kind(bare(word))?;
        permit(item, writer)?;
        return Ok(task_line::read(kind, rest, known)?.into());
    }
    let (verb, rest) = &verb_first(word, rest);
    let item = verb_item(verb)?;
    permit(item, writer)?;
    let values = match item.act {
        Act::Create => {
            let (word, rest) = split(rest);
            if word.is_empty() {
                return Err(Refusal::MissingField { field: "kind" }.into());
            }
            return Ok(task_line::read(kind(word)?, rest, known)?.into());
        }
        Act::Remove if PlanId::parse(split(rest).0).is_ok() => {
            let item = menu::by_act(Act::Unplan);
            return Ok(Asked { item, values: values(item, rest)? });
        }
        Act::Tasks => whose(rest, writer),
        Act::Start | Act::Done | Act::Ok | Act::Fail | Act::Answer | Act::Undo => own(verb, item, rest, writer)?,
        _ => values(item, rest)?,
    };
    Ok(Asked { item, values })
}

/// Turns away whom the row is not offered, before their words are looked at closely.
fn permit(item: &Item, writer: &View<'_>) -> Result<(), Refusal> {
    if item.is_offered(writer) { Ok(()) } else { Err(Refusal::AdminsOnly) }
}

/// The first word and what is behind it, without the blanks around.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

/// `3 done` is as good as `done 3`.
fn verb_first(word: &str, rest: &str) -> (String, String) {
    let (second, behind) = split(rest);
    if TaskId::digits(word).is_some() && verb_item(second).is_ok() {
        return (second.to_owned(), format!("{word} {behind}"));
    }
    (word.to_owned(), rest.to_owned())
}

/// The row of a verb, which may end as a sentence does.
fn verb_item(word: &str) -> Result<&'static Item, Refusal> {
    let bare = word.trim_end_matches(['.', ',', '!', ':', ';']);
    menu::by_word(if bare.is_empty() { word } else { bare })
}

/// A kind of task by its name, its aliases or its Russian name.
fn kind(word: &str) -> Result<Kind, Refusal> {
    const RUSSIAN: [(&str, Kind); 5] = [
        ("задача", Kind::Todo),
        ("попытка", Kind::TodoFail),
        ("подтверждение", Kind::Confirm),
        ("проверка", Kind::OkFail),
        ("вопрос", Kind::Question),
    ];
    let lower = word.to_lowercase();
    let russian = RUSSIAN.into_iter().find(|(name, _)| *name == lower);
    russian.map_or_else(|| Kind::parse(&lower), |(_, kind)| Ok(kind))
}

type Values = Vec<(&'static str, Vec<String>)>;

/// Whose tasks are to be listed: of whoever is named; else everybody's for admins, and the writer's own for others.
fn whose(rest: &str, writer: &View<'_>) -> Values {
    let of = match rest.to_lowercase().as_str() {
        "all" | "все" | "всё" => None,
        "my" | "mine" | "мои" => Some(writer.own_name().to_owned()),
        "" if writer.is_admin() => None,
        "" => Some(writer.own_name().to_owned()),
        _ => Some(task_line::unquoted(rest)),
    };
    of.map(|of| vec![("of", vec![of])]).unwrap_or_default()
}

/// What the writer says of one of their own tasks. Without a number it is the only one that can be meant.
fn own(verb: &str, item: &'static Item, rest: &str, writer: &View<'_>) -> Result<Values, Unclear> {
    let (who, board) = (writer.who(), writer.scene().board);
    let text_field = item.fields.iter().find(|field| field.kind == FieldKind::Text);
    let tasks = || if item.act == Act::Undo { board.answered_tasks(who) } else { board.open_tasks(who) };
    let (first, behind) = split(rest);
    let (task, text) = match TaskId::digits(first) {
        Some(digits) => {
            let lacks_text = behind.is_empty() && text_field.is_some_and(|field| field.presence == Presence::Required);
            if let (true, false, [lone]) = (lacks_text, first != digits, &tasks()[..]) {
                let question = LineQuestion::NumberOrText { verb: verb.into(), task: lone.id, text: digits.into() };
                return Err(question.into());
            }
            (digits.to_owned(), behind)
        }
        None if text_field.is_none() && !rest.is_empty() => (first.to_owned(), behind),
        None => (lone(verb, item, rest, &tasks())?.to_string(), rest),
    };
    match text_field {
        Some(field) => Ok(vec![("task", vec![task]), (field.var, vec![text.to_owned()])]),
        None if !text.is_empty() => Err(surplus(text).into()),
        None => Ok(vec![("task", vec![task])]),
    }
}

/// The only task that can be meant, or a question which.
fn lone(verb: &str, item: &Item, text: &str, tasks: &[&Task]) -> Result<TaskId, Unclear> {
    match tasks {
        [] if item.act == Act::Undo => Err(Refusal::MissingField { field: "task" }.into()),
        [] => Err(Refusal::NoOpenTask.into()),
        [task] => Ok(task.id),
        tasks => {
            let open = tasks.iter().take(limits::PROPOSALS).map(|task| (task.id, task.title.clone())).collect();
            Err(LineQuestion::WhichTask { verb: verb.to_owned(), text: text.to_owned(), open }.into())
        }
    }
}

fn surplus(text: &str) -> Refusal {
    Refusal::Surplus { text: excerpt(text) }
}

/// The values of a row's fields, one word each, except that names and texts take everything that is left.
fn values(item: &'static Item, rest: &str) -> Result<Values, Refusal> {
    let mut rest = rest;
    let mut values = Values::new();
    for field in item.fields {
        if rest.is_empty() {
            break;
        }
        let value = match field.kind {
            FieldKind::Names | FieldKind::Assigned => task_line::all_names(std::mem::take(&mut rest))?,
            FieldKind::Title | FieldKind::Text => vec![task_line::unquoted(std::mem::take(&mut rest))],
            FieldKind::OwnOpenTask
            | FieldKind::OwnAnsweredTask
            | FieldKind::Task
            | FieldKind::User
            | FieldKind::TaskKind
            | FieldKind::Schedule
            | FieldKind::Plan
            | FieldKind::Verb => {
                let (word, behind) = split(rest);
                rest = behind;
                vec![word.to_owned()]
            }
        };
        values.push((field.var, value));
    }
    if rest.is_empty() { Ok(values) } else { Err(surplus(rest)) }
}
