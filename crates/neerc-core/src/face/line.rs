//! Chat lines: `@todo halls end-60! Announce the freeze`, `done 3`, `готово 3`. A line becomes a row of the menu with
//! its fields filled in, and the menu makes the request of it. What can be read in two ways is asked back, with both
//! readings as lines to be sent. Not what a line does, and not the words in which questions are asked.

pub mod clean;
mod moment;
mod names;
mod number;
mod own;
mod question;
mod task_line;
#[cfg(test)]
mod tests;

pub use clean::clean;
pub(in crate::face) use clean::look;
pub use question::{LineQuestion, Meaning, Proposal};
pub use task_line::TaskLine;

use self::clean::{bare, says_nothing};
use self::names::{Roster, quoted, unquoted};
use self::number::Numbers;
use crate::face::menu::{self, Act, FieldKind, Item, Request};
use crate::limits;
use crate::plan::PlanId;
use crate::refusal::{Refusal, excerpt};
use crate::task::Kind;
use crate::view::View;

/// What a line asks: a row of the menu and the values of its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The row.
    pub item: &'static Item,
    /// The values.
    pub values: Vec<(&'static str, Vec<String>)>,
    /// Which page of a list, from 1.
    pub page: usize,
}

impl Filled {
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

/// A line of a text with what it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read<'t> {
    /// The line.
    pub line: &'t str,
    /// What it asks.
    pub asked: Result<Filled, Unclear>,
}

/// Whether a text that was said to everybody is meant for the service: its first line begins with `@` and a kind of
/// task, as the deployed clients' commands do.
pub fn is_addressed(text: &str) -> bool {
    let text = clean(text.trim_start().lines().next().unwrap_or(""));
    let (word, rest) = split(&text);
    let kind_of = |word: &str| kind(if word.is_empty() { split(rest).0 } else { word });
    word.strip_prefix(['@', '\u{ff20}']).is_some_and(|word| kind_of(word).is_ok())
}

/// Reads the lines of a text that somebody with this view of the room writes, each on its own; blank ones are skipped.
pub fn read<'t>(text: &'t str, writer: &View<'_>) -> Vec<Read<'t>> {
    let lines = || text.lines().map(str::trim).filter(|line| !clean(line).is_empty());
    let people = writer.scene().people;
    // Only admins name people, so only for them is it worth the work.
    let groups = people.groups().filter(|_| writer.is_admin()).map(|group| &**group);
    let roster = Roster::new(people, groups);
    let asked = lines().take(limits::LINES_PER_TEXT);
    let asked = asked.map(|line| Read { line, asked: read_line(&clean(line), writer, &roster) });
    let over = lines().nth(limits::LINES_PER_TEXT).map(|line| {
        let refusal = Refusal::TooMany { what: "lines", limit: limits::LINES_PER_TEXT };
        Read { line, asked: Err(refusal.into()) }
    });
    asked.chain(over).collect()
}

fn read_line(line: &str, writer: &View<'_>, roster: &Roster<'_>) -> Result<Filled, Unclear> {
    let line = &to_us(line, writer);
    let (word, rest) = split(line);
    if let Some(word) = word.strip_prefix(['@', '\u{ff20}']) {
        // A blank behind the `@` is a slip of the thumb.
        let (word, rest) = if word.is_empty() { split(rest) } else { (word, rest) };
        let kind = kind(word)?;
        return creation(kind, rest, writer, roster);
    }
    let (verb, rest) = &verb_first(word, rest, line);
    let item = verb_item(verb)?;
    permit(item, writer)?;
    let (rest, page) = &paged(item, rest, writer);
    let values = match item.act {
        Act::Create => {
            let (word, rest) = split(number::skip(rest));
            return match word {
                "" => Ok(Filled { item, values: Values::new(), page: 1 }),
                word => creation(kind(word.trim_start_matches('@'))?, rest, writer, roster),
            };
        }
        Act::Remove if is_plan(split(unsigned(rest)).0) => {
            return values(menu::by_act(Act::Unplan), verb, rest, roster);
        }
        // What is done to the clock stands behind its own verb.
        Act::Clock | Act::SetClock if !rest.is_empty() && !own::is_courtesy(rest, item) => {
            let item = menu::by_act(Act::SetClock);
            permit(item, writer)?;
            return clock_set(item, rest);
        }
        Act::Login => return login(item, rest),
        Act::Tasks => whose(rest, writer),
        Act::Start | Act::Done | Act::Ok | Act::Fail | Act::Answer | Act::Undo => own::read(verb, item, rest, writer)?,
        _ => return Ok(Filled { page: *page, ..values(item, verb, rest, roster)? }),
    };
    Ok(Filled { item, values, page: *page })
}

/// What a list is asked by, and which page of it: `tasks all 2`, `late 2`, `history 7 2`.
fn paged<'l>(item: &Item, rest: &'l str, writer: &View<'_>) -> (&'l str, usize) {
    let of_task = matches!(item.act, Act::Show | Act::History);
    if !of_task
        && !matches!(
            item.act,
            Act::Tasks | Act::Who | Act::Late | Act::Plans | Act::Checklists | Act::Sessions | Act::Tokens
        )
    {
        return (rest, 1);
    }
    let (before, word) = rest.rsplit_once(char::is_whitespace).unwrap_or(("", rest));
    let people = writer.scene().people;
    let is_user = |name: &str| people.user(name).or_else(|| people.shown_as(name)).is_some();
    let digits = bare(word);
    let is_page = digits.len() <= limits::PAGE_DIGITS && digits.bytes().all(|c| c.is_ascii_digit());
    match digits.parse::<usize>() {
        // Of a task, the first number is which one.
        Ok(_) if of_task && (before.ends_with(',') || !before.contains(|c: char| c.is_ascii_digit())) => (rest, 1),
        Ok(page) if is_page && page > 0 && !is_user(&unquoted(rest)) => {
            let before = before.trim_end();
            let named =
                ["page", "p.", "страница", "стр.", "стр"].into_iter().find_map(|name| before.strip_suffix(name));
            (named.unwrap_or(before).trim_end(), page)
        }
        _ => (rest, 1),
    }
}

/// Whether a line asks for the next page of the list that was shown last.
pub fn is_more(line: &str) -> bool {
    let line = clean(line.trim());
    matches!(bare(&line).to_lowercase().as_str(), "more" | "next" | "еще" | "ещё" | "далее")
}

/// `clock start at 10:30`: what is done to the clock, and the time that goes with it.
fn clock_set(item: &'static Item, rest: &str) -> Result<Filled, Unclear> {
    let (word, time) = split(rest);
    let mut values = vec![("act", vec![bare(word).to_owned()])];
    let time = time.trim_end_matches(['.', '!', ',']);
    if !time.is_empty() && !own::is_courtesy(time, item) {
        values.push(("time", vec![time.to_owned()]));
    }
    Ok(Filled { item, values, page: 1 })
}

/// `login 482 193 yes`: the code, whose digits may stand in groups, and whether the browser is the writer's.
fn login(item: &'static Item, rest: &str) -> Result<Filled, Unclear> {
    let is_code = |word: &&str| word.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '#' | '№' | '.' | ','));
    let mut words = rest.split_whitespace().peekable();
    let mut code = Vec::new();
    while let Some(word) = words.next_if(is_code) {
        code.push(word);
    }
    let mut values = Values::new();
    if !code.is_empty() {
        values.push(("code", vec![code.join(" ")]));
    }
    let behind = words.collect::<Vec<_>>().join(" ");
    if !behind.is_empty() && !own::is_courtesy(&behind, item) {
        values.push(("confirm", vec![behind]));
    }
    Ok(Filled { item, values, page: 1 })
}

/// A line that makes a task of this kind.
fn creation(kind: Kind, rest: &str, writer: &View<'_>, roster: &Roster<'_>) -> Result<Filled, Unclear> {
    let item = menu::by_act(Act::Create);
    permit(item, writer)?;
    if rest.is_empty() {
        return Ok(Filled { item, values: vec![("kind", vec![kind.name().to_owned()])], page: 1 });
    }
    Ok(task_line::read(kind, rest, roster)?.into())
}

/// The line without what may stand before its verb: quotes or ticks around it, the service's nick, a bullet.
fn to_us(line: &str, writer: &View<'_>) -> String {
    let ticked = line.strip_prefix('`').and_then(|line| line.strip_suffix('`'));
    let mut line = ticked.map_or(line, str::trim);
    let whole = quoted(line).filter(|(_, behind)| says_nothing(behind));
    let inside = whole.map(|(inside, _)| inside.trim().to_owned());
    if let Some(inside) = &inside {
        line = inside;
    }
    let (word, rest) = split(line);
    let nick = bare(word).trim_start_matches('@');
    let called = writer.scene().people.is_own_nick(nick) && verb(nick).is_none();
    let bullet = matches!(word, "-" | "*" | "•" | "·" | "–" | "—") || (says_nothing(word) && !word.starts_with('#'));
    if (called || bullet) && !rest.is_empty() && verb(word).is_none() && !is_number(word) { rest } else { line }
        .to_owned()
}

/// Whether a word is a number, or the sign before one.
fn is_number(word: &str) -> bool {
    word.contains(['№', '#']) || !matches!(number::read(word), Numbers::None)
}

/// Turns away whom the row is not offered, before their words are looked at closely.
fn permit(item: &Item, writer: &View<'_>) -> Result<(), Refusal> {
    item.withheld(writer).map_or(Ok(()), Err)
}

/// The first word and what is behind it, without the blanks around.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

/// `3 done` is as good as `done 3`.
fn verb_first(word: &str, rest: &str, line: &str) -> (String, String) {
    let behind = match number::read(line) {
        Numbers::One(number) => number.behind,
        Numbers::Several(list) => list.behind,
        Numbers::None | Numbers::Unclear => "",
    };
    let (word_behind, after) = split(behind);
    let numbers = line.strip_suffix(behind).unwrap_or_default();
    // `no. 3 done` is about number 3, although `no` is a verb.
    let is_verb = || verb(word).is_some() && !word.eq_ignore_ascii_case("no.");
    if !word_behind.is_empty() && verb(word_behind).is_some() && !is_verb() {
        return (verb_of(word_behind).to_owned(), format!("{numbers} {after}"));
    }
    (verb_of(word).to_owned(), rest.to_owned())
}

/// A verb without what may stand at its ends: it may end as a sentence does, or in a smile.
fn verb_of(word: &str) -> &str {
    let verb = word.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '?' | '@'));
    if verb.is_empty() { word } else { verb }
}

/// The row of a verb, if it is one. `who?` asks what `who` does; `done?` asks whether something is.
fn verb(word: &str) -> Option<&'static Item> {
    let verb = verb_of(word);
    let asked = menu::find_word(verb.trim_end_matches(['?', '\u{ff1f}'])).filter(|item| item.is_query());
    asked.or_else(|| menu::find_word(verb))
}

/// The row of a verb.
fn verb_item(word: &str) -> Result<&'static Item, Refusal> {
    if let Some(item) = verb(word) {
        return Ok(item);
    }
    let verb = verb_of(word);
    menu::by_word(verb).map_err(|refusal| match (refusal, kind(verb)) {
        (Refusal::UnknownVerb { verb, .. }, Ok(kind)) => Refusal::UnknownVerb { verb, nearest: Some(mention(kind)) },
        (refusal, _) => refusal,
    })
}

/// How a line begins that makes a task of this kind.
fn mention(kind: Kind) -> &'static str {
    match kind {
        Kind::Todo => "@todo",
        Kind::TodoFail => "@todofail",
        Kind::Confirm => "@confirm",
        Kind::OkFail => "@okfail",
        Kind::Question => "@question",
    }
}

/// A kind of task by its name, its aliases or its Russian name; a comma or colon may stand behind it.
pub(in crate::face) fn kind(word: &str) -> Result<Kind, Refusal> {
    const RUSSIAN: [(&str, Kind); 5] = [
        ("задача", Kind::Todo),
        ("попытка", Kind::TodoFail),
        ("подтверждение", Kind::Confirm),
        ("проверка", Kind::OkFail),
        ("вопрос", Kind::Question),
    ];
    let lower = bare(word).to_lowercase();
    let russian = RUSSIAN.into_iter().find(|(name, _)| *name == lower);
    russian.map_or_else(|| Kind::parse(&lower), |(_, kind)| Ok(kind))
}

type Values = Vec<(&'static str, Vec<String>)>;

/// Whose tasks are to be listed: of whoever is named; else everybody's for admins, and the writer's own for others.
fn whose(rest: &str, writer: &View<'_>) -> Values {
    let people = writer.scene().people;
    let is_user = |name: &str| people.user(name).or_else(|| people.shown_as(name)).is_some();
    let of = match bare(rest).to_lowercase().as_str() {
        "all" | "все" | "всё" => None,
        "my" | "mine" | "мои" => Some(writer.own_name().to_owned()),
        "" if writer.is_admin() => None,
        "" => Some(writer.own_name().to_owned()),
        _ => {
            let (name, mentioned) = (unquoted(rest), bare(rest).trim_start_matches('@'));
            Some(if !is_user(&name) && is_user(mentioned) { mentioned.to_owned() } else { name })
        }
    };
    of.map(|of| vec![("of", vec![of])]).unwrap_or_default()
}

/// Whether a word is the number of a planned task; on a Russian keyboard `с` stands for `s`.
fn is_plan(word: &str) -> bool {
    PlanId::parse(&plan(word)).is_ok()
}

/// What is behind the sign for numbers with which a text may begin.
fn unsigned(text: &str) -> &str {
    number::skip(text).trim_start_matches(['#', '№']).trim_start()
}

fn plan(word: &str) -> String {
    let bare = bare(word.trim_matches(['(', ')', '"', '«', '»', '“', '”'])).trim_start_matches(['#', '№']);
    bare.strip_prefix(['с', 'С']).map_or_else(|| bare.to_owned(), |digits| format!("s{digits}"))
}

/// The values of a row's fields, one word each, except that names and texts take everything that is left.
fn values(item: &'static Item, verb: &str, rest: &str, roster: &Roster<'_>) -> Result<Filled, Unclear> {
    let mut rest = number::skip(rest);
    let mut values = Values::new();
    for field in item.fields {
        if rest.is_empty() {
            break;
        }
        let value = match field.kind {
            FieldKind::Names | FieldKind::Assigned => names::all_names(std::mem::take(&mut rest), roster)?,
            FieldKind::Deadline => vec![moment::deadline_alone(std::mem::take(&mut rest))],
            FieldKind::Schedule => vec![moment::schedule_alone(std::mem::take(&mut rest))],
            FieldKind::Title | FieldKind::Text | FieldKind::Owner => vec![unquoted(std::mem::take(&mut rest))],
            FieldKind::Checklist | FieldKind::Running => {
                vec![unquoted(unsigned(std::mem::take(&mut rest)).trim_end_matches(['.', '!', ',']))]
            }
            FieldKind::OwnOpenTask
            | FieldKind::OwnAnsweredTask
            | FieldKind::Task
            | FieldKind::RemovedTask
            | FieldKind::Watched => {
                let (task, behind) = own::number(item, verb, rest, roster)?;
                rest = behind;
                vec![task]
            }
            FieldKind::Plan => {
                let (word, behind) = split(unsigned(rest));
                rest = behind;
                vec![plan(word)]
            }
            FieldKind::User
            | FieldKind::Code
            | FieldKind::Confirmation
            | FieldKind::Session
            | FieldKind::TokenScope
            | FieldKind::Token
            | FieldKind::TaskKind
            | FieldKind::Verb
            | FieldKind::ClockAct
            | FieldKind::LinksWish
            | FieldKind::Time => {
                let (word, behind) = split(rest);
                rest = behind;
                vec![bare(word).to_owned()]
            }
        };
        values.push((field.var, value));
    }
    let about = values.first().and_then(|(_, values)| values.first());
    match about {
        _ if own::is_courtesy(rest, item) => Ok(Filled { item, values, page: 1 }),
        Some(about) if item.fields.len() == 1 && item.act != Act::Help => {
            let line = format!("{verb} {about}");
            Err(LineQuestion::Trailing { line, text: excerpt(rest), with_text: None }.into())
        }
        _ => Err(Refusal::Surplus { text: excerpt(rest) }.into()),
    }
}
