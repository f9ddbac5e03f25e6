//! Help as sentences: everything that can be written, on one phone screen, and the details of a command, a kind of task,
//! names or moments. The words come by key.

use super::line;
use super::lines::Lines;
use super::menu::{self, Act, Field, FieldKind, Item, Presence};
use crate::refusal::Refusal;
use crate::task::Kind;

/// What somebody wants help with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// All that can be written.
    Everything,
    /// A row of the menu.
    Row(&'static Item),
    /// A kind of task.
    Kind(Kind),
    /// For whom a task is.
    Names,
    /// When a planned task is to be handed out.
    Moments,
}

/// Words for topics that are no rows of the menu.
const NAMES: [&str; 8] = ["names", "name", "whom", "groups", "имена", "имя", "кому", "группы"];
const MOMENTS: [&str; 8] = ["plan", "when", "moments", "schedule", "план", "когда", "моменты", "моментах"];

impl Topic {
    /// Every topic that is no row of the menu, under the key of its words.
    pub const KEYS: [&'static str; 7] =
        ["kind-todo", "kind-todofail", "kind-confirm", "kind-okfail", "kind-question", "names", "moments"];

    /// Reads what stands behind `help`.
    pub fn parse(word: &str) -> Result<Topic, Refusal> {
        let lower = word.trim().to_lowercase();
        let plain = lower.trim_end_matches(['.', '!', '?', ',', ':']);
        if NAMES.contains(&plain) {
            return Ok(Topic::Names);
        }
        if MOMENTS.contains(&plain) {
            return Ok(Topic::Moments);
        }
        if let Some(kind) = plain.strip_prefix('@') {
            let create = || Topic::Row(menu::by_act(Act::Create));
            return Ok(line::kind(kind).map_or_else(|_| create(), Topic::Kind));
        }
        match menu::by_word(plain) {
            Ok(item) => Ok(Topic::Row(item)),
            Err(refusal) => line::kind(plain).map(Topic::Kind).map_err(|_| refusal),
        }
    }
}

impl Lines<'_> {
    /// What can be asked, or more of a topic.
    pub fn help(&self, topic: Topic) -> Vec<String> {
        let lines = |key: &str| self.say(key, &[]).lines().map(str::to_owned).collect::<Vec<_>>();
        match topic {
            Topic::Everything => {
                let mut said = lines("help-user");
                if self.view().is_ok_and(|view| view.is_admin()) {
                    said.extend(lines("help-admin"));
                }
                if self.scene.entrance.is_open() {
                    said.extend(lines("help-web-user"));
                    if self.view().is_ok_and(|view| view.is_admin()) {
                        said.extend(lines("help-web-admin"));
                    }
                }
                said
            }
            Topic::Kind(kind) => lines(&format!("help-kind-{}", kind.name())),
            Topic::Names => lines("help-names"),
            Topic::Moments => lines("help-moments"),
            Topic::Row(item) => {
                let words: Vec<&str> = item.words().collect();
                let mut said = vec![format!("{} — {}", self.usage(item), self.item_help(item)), words.join(", ")];
                if item.act == Act::Create {
                    said.extend(lines("help-kind-todo"));
                }
                said
            }
        }
    }

    /// A row of the menu as a line is written for it.
    fn usage(&self, item: &Item) -> String {
        let verb = self.verb(item);
        let field = |field: &Field| {
            let name = self.label(field.var).to_lowercase();
            match (field.kind, field.presence) {
                (FieldKind::TaskKind, _) => None,
                (_, Presence::Required) => Some(format!(" ‹{name}›")),
                (_, Presence::Optional) => Some(format!(" [{name}]")),
            }
        };
        if item.act == Act::SetClock {
            let clock = self.verb(menu::by_act(Act::Clock));
            return format!("{clock}{}", item.fields.iter().filter_map(field).collect::<String>());
        }
        if item.act == Act::Create {
            // The order of the line, not that of the form.
            let mut fields: Vec<&Field> = item.fields.iter().collect();
            fields.sort_by_key(|field| field.presence == Presence::Required);
            return format!("@todo{}", fields.into_iter().filter_map(field).collect::<String>());
        }
        format!("{verb}{}", item.fields.iter().filter_map(field).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_by_the_words_that_people_have_for_them() {
        for (word, expected) in [
            ("done", Topic::Row(menu::by_act(Act::Done))),
            ("Done.", Topic::Row(menu::by_act(Act::Done))),
            ("готово", Topic::Row(menu::by_act(Act::Done))),
            ("ok", Topic::Row(menu::by_act(Act::Ok))),
            ("@ok", Topic::Kind(Kind::Confirm)),
            ("todo", Topic::Kind(Kind::Todo)),
            ("@todo", Topic::Kind(Kind::Todo)),
            ("@okfail", Topic::Kind(Kind::OkFail)),
            ("okfail", Topic::Kind(Kind::OkFail)),
            ("вопрос", Topic::Kind(Kind::Question)),
            ("@", Topic::Row(menu::by_act(Act::Create))),
            ("names", Topic::Names),
            ("plan", Topic::Moments),
            ("план", Topic::Moments),
            ("plans", Topic::Row(menu::by_act(Act::Plans))),
        ] {
            assert_eq!(Topic::parse(word), Ok(expected), "{word}");
        }
        assert!(matches!(Topic::parse("doen"), Err(Refusal::UnknownVerb { nearest: Some("done"), .. })));
    }
}
