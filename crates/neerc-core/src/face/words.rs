//! How words for people are asked for: by key, language and what stands in the blanks. The words themselves are in the
//! binary, which implements [`Words`]; the words people type are in the menu.

use crate::face::line::{LineQuestion, Meaning};
use crate::refusal::{Blank, Refusal};
use crate::task::{Kind, Progress};
use std::fmt;

/// A language that people are spoken to in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Russian.
    Russian,
}

impl Language {
    /// Every language.
    pub const ALL: [Language; 2] = [Language::English, Language::Russian];

    /// The language of a tag as in `xml:lang` (`ru`, `ru-RU`); `None` if there are no words in it.
    pub fn parse(tag: &str) -> Option<Language> {
        let main = tag.split(['-', '_']).next().unwrap_or(tag);
        Language::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(main))
    }

    /// The tag, for `xml:lang`.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Russian => "ru",
        }
    }
}

/// What stands in a blank of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg<'a> {
    /// A text, as it is.
    Text(&'a str),
    /// A number, which the words around it agree with.
    Number(i64),
}

impl From<usize> for Arg<'_> {
    fn from(count: usize) -> Self {
        Arg::Number(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl<'a> From<&'a Blank> for Arg<'a> {
    fn from(blank: &'a Blank) -> Arg<'a> {
        match blank {
            Blank::Text(text) => Arg::Text(text),
            Blank::Number(number) => Arg::Number(*number),
        }
    }
}

/// Where words come from.
pub trait Words: fmt::Debug + Send + Sync {
    /// The text of that key in that language, or in English if it is missing; `None` if it is missing in both.
    fn find(&self, language: Language, key: &str, args: &[(&str, Arg<'_>)]) -> Option<String>;

    /// The text of that key; the key itself if there is none.
    fn say(&self, language: Language, key: &str, args: &[(&str, Arg<'_>)]) -> String {
        self.find(language, key, args).unwrap_or_else(|| key.to_owned())
    }

    /// What an answer is called: by a word for this kind of task where there is one.
    fn answer(&self, language: Language, kind: Kind, progress: Progress) -> String {
        let (kind, progress) = (kind.name(), progress.name());
        let of_kind = self.find(language, &format!("status-{kind}-{progress}"), &[]);
        of_kind.unwrap_or_else(|| self.say(language, &format!("status-{progress}"), &[]))
    }

    /// The words of a refusal.
    fn refusal(&self, language: Language, refusal: &Refusal) -> String {
        let words = |(name, value): (&'static str, Blank)| match (name, value) {
            ("what" | "field", Blank::Text(thing)) => (name, Blank::Text(self.named(language, name, thing))),
            other => other,
        };
        let args: Vec<_> = refusal.args().into_iter().map(words).collect();
        self.say_all(language, &format!("refusal-{}", refusal.key()), &args)
    }

    /// The words of a question about a line, then each reading with the line to send for it.
    fn question(&self, language: Language, question: &LineQuestion) -> String {
        let mut said = self.say_all(language, &format!("question-{}", question.key()), &question.args());
        for proposal in question.proposals() {
            let args = match &proposal.meaning {
                Meaning::Task(task, title) => {
                    vec![("task", Blank::Text(task.to_string())), ("title", Blank::Text(title.as_str().to_owned()))]
                }
                Meaning::OneOf(task) => vec![("task", Blank::Text(task.clone()))],
                Meaning::People
                | Meaning::Title
                | Meaning::Schedule
                | Meaning::Text
                | Meaning::Alone
                | Meaning::LetIn => Vec::new(),
            };
            let reading = self.say_all(language, &format!("reading-{}", proposal.meaning.key()), &args);
            said.push_str(&format!("\n{} — {reading}", proposal.line));
        }
        said
    }

    /// The word for a thing that the core names in English; the English itself if there is none.
    fn named(&self, language: Language, group: &str, thing: String) -> String {
        let slug = thing.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        self.find(language, &format!("{group}-{slug}"), &[]).unwrap_or(thing)
    }

    /// The text of that key with what refusals and questions fill its blanks with.
    fn say_all(&self, language: Language, key: &str, args: &[(&'static str, Blank)]) -> String {
        let args: Vec<_> = args.iter().map(|(name, value)| (*name, Arg::from(value))).collect();
        self.say(language, key, &args)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::face::line::TaskLine;
    use crate::task::{Kind, TaskId, Title};

    /// Says what it is asked for; it knows every key but those of things, of which it knows one.
    #[derive(Debug)]
    struct Echo;

    impl Words for Echo {
        fn find(&self, language: Language, key: &str, args: &[(&str, Arg<'_>)]) -> Option<String> {
            match key {
                "what-the-attribute--id--of-the-task" => return Some("НОМЕР".to_owned()),
                _ if key.starts_with("what-") || key == "nothing" => return None,
                _ => {}
            }
            let args = args.iter().map(|(name, arg)| match arg {
                Arg::Text(text) => format!(" {name}='{text}'"),
                Arg::Number(number) => format!(" {name}={number}"),
            });
            Some(format!("{} {key}{}", language.tag(), args.collect::<String>()))
        }
    }

    #[test]
    fn refusals_ask_for_their_words() {
        let russian = |refusal: &Refusal| Echo.refusal(Language::Russian, refusal);
        for (refusal, expected) in [
            (Refusal::AdminsOnly, "ru refusal-admins-only"),
            (Refusal::Missing { what: "the attribute 'id' of the task" }, "ru refusal-missing what='НОМЕР'"),
            (
                Refusal::TooLong { what: "title", chars: 2, limit: 1 },
                "ru refusal-too-long what='title' chars=2 limit=1", // there is no word for it
            ),
            (Refusal::MissingField { field: "kind" }, "ru refusal-missing-field field='ru field-kind'"),
            (Refusal::UnknownTask { task: "7".to_owned() }, "ru refusal-unknown-task task='7'"),
        ] {
            assert_eq!(russian(&refusal), expected);
        }
    }

    #[test]
    fn questions_ask_for_their_words_and_those_of_every_reading() {
        let line = |title: &str| TaskLine {
            deadline: None,
            kind: Kind::Todo,
            assignees: vec!["hall1".to_owned()],
            timing: None,
            title: title.to_owned(),
        };
        let people =
            LineQuestion::PeopleInTitle { names: vec!["a".into(), "b".into()], people: line("x"), title: line("y") };
        assert_eq!(
            Echo.question(Language::English, &people),
            "en question-people-in-title names='a, b' count=2\n\
             @todo hall1: x — en reading-people\n@todo hall1: y — en reading-title"
        );
        let open = vec![(TaskId(3), Title::parse("T").unwrap())];
        let which = LineQuestion::WhichTask { verb: "done".to_owned(), text: String::new(), open };
        assert_eq!(
            Echo.question(Language::English, &which),
            "en question-which-task verb='done' count=1\ndone 3 — en reading-task task='3' title='T'"
        );
    }

    #[test]
    fn a_text_that_is_missing_is_its_key() {
        assert_eq!(Echo.say(Language::English, "nothing", &[]), "nothing");
    }

    #[test]
    fn languages_by_their_tags() {
        assert_eq!(Language::parse("ru-RU"), Some(Language::Russian));
        assert_eq!(Language::parse("EN_us"), Some(Language::English));
        assert_eq!([Language::parse("de"), Language::parse("")], [None, None]);
    }
}
