//! The question that answers a line with more than one meaning, and for each meaning a line that has no other. Not the
//! words of the question.

use super::TaskLine;
use super::own::with_text;
use crate::refusal::Blank;
use crate::task::{TaskId, Title};

/// The question that answers a line with more than one meaning.
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
    /// The line holds something that begins like a number: is it the answer to the writer's only open task?
    NumberOrText {
        /// The verb as it was written.
        verb: String,
        /// The only open task.
        task: TaskId,
        /// What begins like a number.
        text: String,
    },
    /// The line holds several numbers, and one line is about one task.
    SeveralTasks {
        /// The verb as it was written.
        verb: String,
        /// The numbers, as many as can be proposed.
        tasks: Vec<String>,
        /// What is behind them.
        text: String,
        /// What is behind the first one, where that may be a text.
        or_text: Option<String>,
    },
    /// The line goes on where its verb has nothing more to be told.
    Trailing {
        /// The line without it.
        line: String,
        /// What it goes on with.
        text: String,
        /// The line that says the same with that text, if there is one.
        with_text: Option<String>,
    },
    /// A page shows the code: is it the writer's own browser?
    LetIn {
        /// The code.
        code: String,
        /// What browser shows it, and from where.
        browser: String,
    },
    /// A time stands where the moment of a plan may stand, and is none.
    NoMoment {
        /// The time as it was written.
        word: String,
        /// As a title.
        title: TaskLine,
    },
}

/// How a line can be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Somebody is to have the task.
    People,
    /// It is all title.
    Title,
    /// It is to be done at a moment.
    Schedule,
    /// It is about this task.
    Task(TaskId, Title),
    /// It is the text of an answer.
    Text,
    /// It is what is left without the rest.
    Alone,
    /// It is about the task of this number, among others.
    OneOf(String),
    /// It is the writer's own browser.
    LetIn,
}

impl Meaning {
    /// All keys.
    pub const KEYS: [&'static str; 8] = ["people", "title", "schedule", "task", "text", "alone", "one-of", "let-in"];

    /// Under which name words in any language are kept for it.
    pub fn key(&self) -> &'static str {
        match self {
            Meaning::People => "people",
            Meaning::Title => "title",
            Meaning::Schedule => "schedule",
            Meaning::Task(..) => "task",
            Meaning::Text => "text",
            Meaning::Alone => "alone",
            Meaning::OneOf(_) => "one-of",
            Meaning::LetIn => "let-in",
        }
    }
}

/// One reading of a line, as a line that can only be read in this way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// How it is meant.
    pub meaning: Meaning,
    /// The line to be sent.
    pub line: String,
}

impl LineQuestion {
    /// The readings of it that make a task.
    pub(super) fn lines_mut(&mut self) -> impl Iterator<Item = &mut TaskLine> {
        let (first, second) = match self {
            LineQuestion::NobodyCalled { people, title, .. } => (people.as_mut(), Some(title)),
            LineQuestion::PeopleInTitle { people, title, .. } => (Some(people), Some(title)),
            LineQuestion::BareSchedule { schedule, title, .. } => (Some(schedule), Some(title)),
            LineQuestion::OnlyPeople { title, .. }
            | LineQuestion::OnlySchedule { title, .. }
            | LineQuestion::NoMoment { title, .. } => (None, Some(title)),
            LineQuestion::WhichTask { .. }
            | LineQuestion::NumberOrText { .. }
            | LineQuestion::SeveralTasks { .. }
            | LineQuestion::Trailing { .. }
            | LineQuestion::LetIn { .. } => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// All keys.
    pub const KEYS: [&'static str; 11] = [
        "nobody-called",
        "only-people",
        "only-schedule",
        "bare-schedule",
        "people-in-title",
        "which-task",
        "number-or-text",
        "several-tasks",
        "trailing",
        "no-moment",
        "let-in",
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
            LineQuestion::SeveralTasks { .. } => "several-tasks",
            LineQuestion::Trailing { .. } => "trailing",
            LineQuestion::NoMoment { .. } => "no-moment",
            LineQuestion::LetIn { .. } => "let-in",
        }
    }

    /// What its words are about, by name.
    pub fn args(&self) -> Vec<(&'static str, Blank)> {
        let text = |text: &str| Blank::Text(text.to_owned());
        match self {
            LineQuestion::NobodyCalled { names, .. }
            | LineQuestion::OnlyPeople { names, .. }
            | LineQuestion::PeopleInTitle { names, .. } => {
                vec![("names", Blank::Text(names.join(", "))), ("count", names.len().into())]
            }
            LineQuestion::OnlySchedule { word, .. } | LineQuestion::BareSchedule { word, .. } => {
                vec![("word", text(word))]
            }
            LineQuestion::WhichTask { verb, open, .. } => {
                vec![("verb", text(verb)), ("count", open.len().into())]
            }
            LineQuestion::NumberOrText { verb, task, text: said } => {
                vec![("verb", text(verb)), ("task", Blank::Text(task.to_string())), ("text", text(said))]
            }
            LineQuestion::SeveralTasks { tasks, .. } => vec![("count", tasks.len().into())],
            LineQuestion::Trailing { text: said, .. } => vec![("text", text(said))],
            LineQuestion::NoMoment { word, .. } => vec![("word", text(word))],
            LineQuestion::LetIn { code, browser } => vec![("code", text(code)), ("browser", text(browser))],
        }
    }

    /// The readings, the likeliest first.
    pub fn proposals(&self) -> Vec<Proposal> {
        let proposal = |meaning, line: &TaskLine| Proposal { meaning, line: line.to_string() };
        match self {
            LineQuestion::NobodyCalled { people, title, .. } => {
                let people = people.iter().map(|people| proposal(Meaning::People, people));
                people.chain([proposal(Meaning::Title, title)]).collect()
            }
            LineQuestion::OnlyPeople { title, .. }
            | LineQuestion::OnlySchedule { title, .. }
            | LineQuestion::NoMoment { title, .. } => {
                vec![proposal(Meaning::Title, title)]
            }
            LineQuestion::BareSchedule { schedule, title, .. } => {
                vec![proposal(Meaning::Title, title), proposal(Meaning::Schedule, schedule)]
            }
            LineQuestion::PeopleInTitle { people, title, .. } => {
                vec![proposal(Meaning::People, people), proposal(Meaning::Title, title)]
            }
            LineQuestion::WhichTask { verb, text, open } => {
                let proposal = |(id, title): &(TaskId, Title)| Proposal {
                    meaning: Meaning::Task(*id, title.clone()),
                    line: with_text(verb, &id.to_string(), text),
                };
                open.iter().map(proposal).collect()
            }
            LineQuestion::NumberOrText { verb, task, text } => {
                vec![Proposal { meaning: Meaning::Text, line: with_text(verb, &task.to_string(), text) }]
            }
            LineQuestion::SeveralTasks { verb, tasks, text, or_text } => {
                let one = |task: &String| Proposal {
                    meaning: Meaning::OneOf(task.clone()),
                    line: with_text(verb, task, text),
                };
                let first = tasks.first().zip(or_text.as_ref());
                let text = first.map(|(task, text)| with_text(verb, task, text));
                let text = text.map(|line| Proposal { meaning: Meaning::Text, line });
                tasks.iter().map(one).chain(text).collect()
            }
            LineQuestion::LetIn { code, .. } => {
                vec![Proposal { meaning: Meaning::LetIn, line: format!("login {code} yes") }]
            }
            LineQuestion::Trailing { line, with_text, .. } => {
                let alone = Proposal { meaning: Meaning::Alone, line: line.clone() };
                let text = with_text.clone().map(|line| Proposal { meaning: Meaning::Text, line });
                [alone].into_iter().chain(text).collect()
            }
        }
    }
}
