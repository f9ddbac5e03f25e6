//! What somebody says of one of their own tasks: `done 3`, `fail 3 no ladder`, `3 done`. Without a number it is the only
//! one that can be meant. Not who may say it.

use super::clean::says_nothing;
use super::moment;
use super::names::Roster;
use super::number::{self, Joint, List, Number, Numbers, Sign};
use super::{LineQuestion, Unclear, Values, split};
use crate::face::menu::{self, Act, Field, FieldKind, Item, Presence};
use crate::limits;
use crate::refusal::{Refusal, excerpt};
use crate::task::{Task, TaskId};
use crate::view::View;

/// Words that ask and say nothing.
const COURTESIES: [&str; 12] =
    ["please", "pls", "thanks", "thank", "thx", "you", "пожалуйста", "плиз", "спасибо", "спс", "благодарю", "sir"];

/// The line of one of the writer's own tasks, taken apart.
struct Own<'l, 'v> {
    verb: &'l str,
    item: &'static Item,
    text: Option<&'static Field>,
    rest: &'l str,
    writer: &'l View<'v>,
}

/// Reads what is behind the verb.
pub(super) fn read(verb: &str, item: &'static Item, rest: &str, writer: &View<'_>) -> Result<Values, Unclear> {
    let text = item.fields.iter().find(|field| field.kind == FieldKind::Text);
    let rest = number::skip(rest);
    let own = Own { verb, item, text, rest, writer };
    match number::read(rest) {
        Numbers::One(number) => own.one(number),
        Numbers::Several(list) => match singled(&list, text) {
            Some(first) => own.one(first),
            // `fail 3 42` says "42" of task 3, unless 42 is another task of theirs.
            None if text.is_some() && list.joint == Joint::Blank && !own.has_others(&list) => own.one(list.first),
            None if own.needs_text() && !list.behind.contains(char::is_alphanumeric) => own.like_a_number(),
            // The same number twice.
            None if list.digits.len() == 1 => own.one(Number { behind: list.behind, ..list.first }),
            None => Err(several(verb, list, text.map_or(Rest::Dropped, |_| Rest::Text)).into()),
        },
        Numbers::Unclear => own.like_a_number(),
        Numbers::None => own.without_number(),
    }
}

impl Own<'_, '_> {
    fn tasks(&self) -> Vec<&Task> {
        let (who, board) = (self.writer.who(), self.writer.scene().board);
        if self.item.act == Act::Undo { board.answered_tasks(who) } else { board.open_tasks(who) }
    }

    /// Whether another number than the first is that of a task of the writer's.
    fn has_others(&self, list: &List<'_>) -> bool {
        let (who, board) = (self.writer.who(), self.writer.scene().board);
        let own = |task: &&Task| list.digits.iter().skip(1).any(|digits| *digits == task.id.to_string());
        board.open_tasks(who).iter().any(own) || board.answered_tasks(who).iter().any(own)
    }

    fn values(&self, task: String, text: &str) -> Values {
        let text = self.text.map(|field| (field.var, vec![text.to_owned()]));
        [("task", vec![task])].into_iter().chain(text).collect()
    }

    fn needs_text(&self) -> bool {
        self.text.is_some_and(|field| field.presence == Presence::Required)
    }

    fn one(&self, number: Number<'_>) -> Result<Values, Unclear> {
        let Number { digits, sign, behind } = number;
        let behind = if self.needs_text() && only_asks(behind) { "" } else { behind };
        if self.text.is_some() && !only_asks(behind) {
            if self.needs_text()
                && behind.is_empty()
                && sign == Sign::Plain
                && let [lone] = self.tasks()[..]
                && lone.id.to_string() != digits
            {
                return Err(self.number_or_text(lone, &digits).into());
            }
            return Ok(self.values(digits, behind));
        }
        if !is_courtesy(behind, self.item) {
            return Err(self.trailing(&digits, behind).into());
        }
        Ok(self.values(digits, ""))
    }

    /// What begins like a number and is none is a text; it is never taken for one without asking.
    fn like_a_number(&self) -> Result<Values, Unclear> {
        if self.text.is_none() {
            return Ok(self.values(split(self.rest).0.to_owned(), "")); // there is no such task
        }
        match &self.tasks()[..] {
            [lone] => Err(self.number_or_text(lone, self.rest).into()),
            _ => self.lone(self.rest).map(|task| self.values(task.to_string(), self.rest)),
        }
    }

    fn without_number(&self) -> Result<Values, Unclear> {
        if self.text.is_none() && !is_courtesy(self.rest, self.item) {
            return Ok(self.values(split(self.rest).0.to_owned(), "")); // there is no such task
        }
        if self.text.is_some() && only_asks(self.rest) {
            let task = self.lone("")?.to_string();
            if self.needs_text() {
                return Ok(self.values(task, ""));
            }
            return Err(self.trailing(&task, self.rest).into());
        }
        let text = if self.text.is_some() { self.rest } else { "" };
        if self.item.act == Act::Undo && self.tasks().is_empty() {
            return Ok(Values::new());
        }
        Ok(self.values(self.lone(text)?.to_string(), text))
    }

    /// The only task that can be meant, or a question which.
    fn lone(&self, text: &str) -> Result<TaskId, Unclear> {
        match &self.tasks()[..] {
            [] => Err(Refusal::NoOpenTask.into()),
            [task] => Ok(task.id),
            tasks => {
                let open = tasks.iter().take(limits::PROPOSALS).map(|task| (task.id, task.title.clone())).collect();
                Err(LineQuestion::WhichTask { verb: self.verb.to_owned(), text: text.to_owned(), open }.into())
            }
        }
    }

    fn number_or_text(&self, lone: &Task, text: &str) -> LineQuestion {
        LineQuestion::NumberOrText { verb: self.verb.to_owned(), task: lone.id, text: text.to_owned() }
    }

    fn trailing(&self, task: &str, text: &str) -> LineQuestion {
        let answers = matches!(self.item.act, Act::Done | Act::Ok);
        let answer = menu::by_act(Act::Answer);
        let answer = if self.verb.is_ascii() { answer.verb } else { answer.russian.first().unwrap_or(&answer.verb) };
        let with_text = (answers && text.contains(char::is_alphanumeric)).then(|| with_text(answer, task, text));
        LineQuestion::Trailing { line: format!("{} {task}", self.verb), text: excerpt(text), with_text }
    }
}

/// The only number that is meant, where others belong to the text.
fn singled<'t>(list: &List<'t>, text: Option<&Field>) -> Option<Number<'t>> {
    let field = text?;
    let alone = list.behind.is_empty();
    let is_text = match (list.joint, field.presence) {
        (Joint::Blank, Presence::Required) => true,
        (Joint::Blank, Presence::Optional) => !alone,
        (Joint::Comma, Presence::Required) => alone && list.digits.len() <= 2,
        (Joint::Comma, Presence::Optional) | (Joint::And | Joint::Range, _) => false,
    };
    is_text.then(|| list.first.clone())
}

/// The line that says a text of the task of that number: behind a colon, where numbers could be read out of the text.
pub(super) fn with_text(verb: &str, task: &str, text: &str) -> String {
    let line = format!("{task} {text}");
    let required = menu::find_word(verb).is_some_and(|item| {
        item.fields.iter().any(|field| field.kind == FieldKind::Text && field.presence == Presence::Required)
    });
    let plain = match number::read(&line) {
        Numbers::One(_) => true,
        Numbers::Several(list) => required && list.joint == Joint::Blank,
        Numbers::None | Numbers::Unclear => false,
    };
    let colon = if plain { "" } else { ":" };
    format!("{verb} {task}{colon} {text}").trim_end().to_owned()
}

/// What becomes of what is behind several numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// The verb takes nothing more.
    Dropped,
    /// It is said with each number.
    Kept,
    /// The same; and a number may as well belong to it.
    Text,
}

/// Asks for one line for each of the numbers.
fn several(verb: &str, list: List<'_>, rest: Rest) -> LineQuestion {
    let List { first, mut digits, joint, behind } = list;
    digits.truncate(limits::PROPOSALS);
    let or_text = rest == Rest::Text && joint == Joint::Comma && !behind.is_empty();
    LineQuestion::SeveralTasks {
        verb: verb.to_owned(),
        tasks: digits,
        text: if rest == Rest::Dropped || only_asks(behind) { String::new() } else { behind.to_owned() },
        or_text: or_text.then(|| first.behind.to_owned()),
    }
}

/// The number of a task that the row is about, and what is behind it.
pub(super) fn number<'t>(
    item: &Item,
    verb: &str,
    rest: &'t str,
    roster: &Roster<'_>,
) -> Result<(String, &'t str), Unclear> {
    let taken = item.fields.iter().find(|field| {
        matches!(field.kind, FieldKind::Title | FieldKind::Text | FieldKind::Names | FieldKind::Assigned)
    });
    let names = taken.is_some_and(|field| matches!(field.kind, FieldKind::Names | FieldKind::Assigned));
    let is_deadline = item.fields.iter().any(|field| field.kind == FieldKind::Deadline);
    match number::read(rest) {
        Numbers::One(number) => Ok((number.digits, number.behind)),
        Numbers::Several(list) if names && list.digits.iter().skip(1).any(|digits| roster.has(digits)) => {
            Ok((list.first.digits, list.first.behind))
        }
        Numbers::Several(list) if is_deadline && is_with_length(&list) => Ok((list.first.digits, list.first.behind)),
        Numbers::Several(list) => match singled(&list, taken.filter(|_| !names)) {
            Some(first) => Ok((first.digits, first.behind)),
            None if names || is_deadline => Err(several(verb, list, Rest::Kept).into()),
            None => Err(several(verb, list, taken.map_or(Rest::Dropped, |_| Rest::Text)).into()),
        },
        Numbers::Unclear | Numbers::None => {
            let (word, behind) = split(rest);
            Ok((word.to_owned(), behind))
        }
    }
}

/// Whether the second of two numbers is of minutes, not of a task: `3 20 min`. Alone, it lacks the word for them.
fn is_with_length(list: &List<'_>) -> bool {
    let is_pair = matches!(list.joint, Joint::Blank | Joint::Comma) && list.digits.len() <= 2;
    is_pair && (list.behind.is_empty() || moment::is_length(&split(list.behind).0.to_lowercase()))
}

/// Whether a text is nothing but question marks, and what may stand beside them.
fn only_asks(text: &str) -> bool {
    text.contains(['?', '\u{ff1f}']) && !text.contains(char::is_alphanumeric)
}

/// Whether what is left of a line says no more than the line does: nothing, thanks, a smile, the verb once more.
pub(super) fn is_courtesy(text: &str, item: &Item) -> bool {
    text.split_whitespace().all(|word| {
        let plain = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '?').to_lowercase();
        says_nothing(word) || COURTESIES.contains(&plain.as_str()) || item.words().any(|known| known == plain)
    })
}
