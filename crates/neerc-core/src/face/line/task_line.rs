//! Lines that make a task: `@KIND [ASSIGNEES] [SCHED] TITLE`, the grammar of the deployed clients, with names and titles
//! in quotes, names of any letters, and a colon behind names beyond it. Where the old grammar guessed who is meant, this
//! one asks.

use super::clean::{bare, is_comma};
use super::moment::{self, Found, Moment};
use super::names::{self, Addressees, Names, Roster, is_address, is_quote, is_quoted, quote, unquoted};
use super::number::skip;
use super::{Filled, LineQuestion, Unclear, split};
use crate::face::menu::{self, Act};
use crate::limits;
use crate::moment::{ContestMoment, When};
use crate::plan::Timing;
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
    pub timing: Option<Timing>,
    /// By when it is to be answered.
    pub deadline: Option<When>,
    /// What to do.
    pub title: String,
}

impl From<TaskLine> for Filled {
    fn from(line: TaskLine) -> Filled {
        let schedule = line.timing.map(|timing| timing.to_string()).into_iter().collect();
        let deadline = line.deadline.map(|by| ("deadline", vec![by.to_string()]));
        let mut values = vec![
            ("kind", vec![line.kind.name().to_owned()]),
            ("title", vec![line.title]),
            ("names", line.assignees),
            ("schedule", schedule),
        ];
        values.extend(deadline);
        Filled { item: menu::by_act(Act::Create), values, page: 1 }
    }
}

impl fmt::Display for TaskLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.kind.name())?;
        for (n, name) in self.assignees.iter().enumerate() {
            f.write_str(if n == 0 { " " } else { "," })?;
            f.write_str(&names::write(name))?;
        }
        match self.timing {
            Some(timing) => write!(f, " {timing}")?,
            None if self.assignees.is_empty() => {}
            // Behind a colon nothing can be taken for one more name.
            None => f.write_str(":")?,
        }
        if let Some(by) = self.deadline {
            write!(f, " by {by}")?;
        }
        f.write_str(" ")?;
        let title = &self.title;
        let plain = !self.assignees.is_empty() && !title.is_empty() && !title.starts_with(is_quote);
        let plain = plain && separated(title) == title && title.trim() == title && !moment::begins(title);
        if plain { f.write_str(title) } else { f.write_str(&quote(title)) }
    }
}

/// What is behind the commas and dashes that part a title from what stands before it.
fn separated(text: &str) -> &str {
    skip(text.trim_start_matches(is_comma))
}

/// A line of which some is read already.
#[derive(Clone, Copy)]
struct Reader<'l, 'r> {
    kind: Kind,
    /// What is behind the kind.
    rest: &'l str,
    roster: &'r Roster<'r>,
}

/// Reads what is behind the kind.
pub(super) fn read(kind: Kind, rest: &str, roster: &Roster<'_>) -> Result<TaskLine, Unclear> {
    let rest = skip(rest);
    let reader = Reader { kind, rest, roster };
    if rest.is_empty() {
        return Err(Refusal::MissingField { field: "title" }.into());
    }
    if is_quoted(rest) {
        return Ok(reader.line(Vec::new(), &unquoted(rest)));
    }
    if let Some((by, word, behind)) = moment::deadline(rest)? {
        if separated(behind).is_empty() {
            return Err(LineQuestion::OnlySchedule { word, title: reader.title() }.into());
        }
        return due(by, read(kind, behind, roster));
    }
    if let Some(addressees) = names::before_colon(rest, roster)? {
        return reader.addressed(addressees);
    }
    let Names { names, behind } = names::names(rest)?;
    let known: Vec<String> = names.iter().filter_map(|name| roster.known(name)).collect();
    if known.len() == names.len() && !names.is_empty() {
        return reader.for_known(known, behind);
    }
    if let Some((group, behind)) = roster.spaced(rest) {
        return Err(reader.people_in_title(vec![group.clone()], vec![group], behind, reader.title())?.into());
    }
    match moment::read(rest)? {
        Moment::Clear(found) => return reader.at_moment(found, Certainty::Clear),
        Moment::Likely(found) => return reader.at_moment(found, Certainty::Likely),
        Moment::Other(word) => return Err(LineQuestion::NoMoment { word, title: reader.title() }.into()),
        Moment::None => {}
    }
    reader.for_unknown(names, behind)
}

/// How sure it is that a moment is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    Clear,
    Likely,
}

impl Reader<'_, '_> {
    fn line(&self, assignees: Vec<String>, title: &str) -> TaskLine {
        TaskLine { kind: self.kind, assignees, timing: None, deadline: None, title: title.to_owned() }
    }

    /// All of the line as a title.
    fn title(&self) -> TaskLine {
        self.line(Vec::new(), self.rest)
    }

    /// Everything before a colon is names, or looks like names.
    fn addressed(&self, addressees: Addressees<'_>) -> Result<TaskLine, Unclear> {
        let Addressees { known, unknown, meant, behind } = addressees;
        if unknown.is_empty() {
            return self.with_schedule(known, behind);
        }
        let people = if meant.is_empty() { None } else { self.with_schedule(once(meant), behind).ok() };
        Err(LineQuestion::NobodyCalled { names: unknown, people, title: self.title() }.into())
    }

    /// Reads what is behind people who are known and have no colon behind them.
    fn for_known(&self, people: Vec<String>, behind: &str) -> Result<TaskLine, Unclear> {
        let title = separated(behind);
        if is_quoted(title) || title.is_empty() {
            return self.with_schedule(people, behind);
        }
        let more = names::further(behind, self.roster)?;
        if !more.names.is_empty() {
            let line = self.line(people.clone(), title);
            let all = people.iter().chain(&more.names).cloned().collect();
            return Err(self.people_in_title(more.names, all, more.behind, line)?.into());
        }
        if moment::read(title)? == Moment::None && moment::deadline(title)?.is_none() {
            let (word, after) = split(title);
            let Names { names, .. } = names::names(word)?;
            let like = |name: &String| !name.starts_with(is_quote) && self.roster.is_like(name);
            if !after.is_empty() && names.iter().take(limits::NEAR_NAMES).any(like) {
                let near = names.iter().take(limits::NEAR_NAMES).filter_map(|name| self.meant(name));
                let all = once(people.iter().cloned().chain(near).collect());
                let meant = if all.len() == people.len() { None } else { self.with_schedule(all, after).ok() };
                let unknown = names.into_iter().filter(|name| self.roster.known(name).is_none()).collect();
                let title = self.line(people, title);
                return Err(LineQuestion::NobodyCalled { names: unknown, people: meant, title }.into());
            }
        }
        self.with_schedule(people, behind)
    }

    /// The name that somebody has or was most likely meant by.
    fn meant(&self, word: &str) -> Option<String> {
        self.roster.known(word).or_else(|| self.roster.nearest(word))
    }

    /// Asks whether `more` people are meant, with whom it is for `all`.
    fn people_in_title(
        &self,
        more: Vec<String>,
        all: Vec<String>,
        behind: &str,
        title: TaskLine,
    ) -> Result<LineQuestion, Unclear> {
        let people = self.with_schedule(all, behind)?;
        Ok(LineQuestion::PeopleInTitle { names: more, people, title })
    }

    /// Reads a line that begins with what is neither people nor a moment: a title, most likely, or people misspelt.
    fn for_unknown(&self, names: Vec<String>, behind: &str) -> Result<TaskLine, Unclear> {
        let (roster, rest) = (self.roster, self.rest);
        let (word, after) = split(rest);
        // `for hall1 Water`
        if matches!(word.to_lowercase().as_str(), "for" | "to" | "для" | "на") {
            let more = names::further(after, roster)?;
            if !more.names.is_empty() {
                return Err(self.people_in_title(more.names.clone(), more.names, more.behind, self.title())?.into());
            }
        }
        let unknown: Vec<String> = names.iter().filter(|name| roster.known(name).is_none()).cloned().collect();
        let is_like = unknown.iter().take(limits::NEAR_NAMES).any(|name| {
            let quoted = rest.starts_with(is_quote);
            roster.nearest(name).is_some()
                || (!after.is_empty() && !quoted && (is_address(name) || roster.is_like(name)))
        });
        let some_known = unknown.len() < names.len();
        if !(some_known || is_like || is_addressing(word, after)) {
            return Ok(self.title());
        }
        let near: Vec<_> = unknown.iter().take(limits::NEAR_NAMES).map(|name| roster.nearest(name)).collect();
        let meant = |name: &String| match unknown.iter().position(|unknown| unknown == name) {
            Some(at) => near.get(at).cloned().flatten(),
            None => roster.known(name),
        };
        let people = once(names.iter().filter_map(meant).collect());
        let people = if people.is_empty() { None } else { self.with_schedule(people, behind).ok() };
        let names = unknown.iter().map(|name| bare(name).to_owned()).collect();
        Err(LineQuestion::NobodyCalled { names, people, title: self.title() }.into())
    }

    /// Reads what is behind the people.
    fn with_schedule(&self, people: Vec<String>, behind: &str) -> Result<TaskLine, Unclear> {
        let behind = separated(behind);
        if behind.is_empty() {
            return Err(LineQuestion::OnlyPeople { names: people, title: self.title() }.into());
        }
        if is_quoted(behind) {
            return Ok(self.line(people, &unquoted(behind)));
        }
        if let Some((by, word, after)) = moment::deadline(behind)? {
            if separated(after).is_empty() {
                return Err(LineQuestion::OnlySchedule { word, title: self.line(people, behind) }.into());
            }
            return due(by, self.with_schedule(people, after));
        }
        let at = |timing, title: &str| TaskLine { timing: Some(timing), ..self.line(people.clone(), title) };
        match moment::read(behind)? {
            Moment::None => Ok(self.line(people, behind)),
            Moment::Other(word) => Err(LineQuestion::NoMoment { word, title: self.line(people, behind) }.into()),
            Moment::Clear(Found { word, behind: after, .. }) | Moment::Likely(Found { word, behind: after, .. })
                if separated(after).is_empty() =>
            {
                Err(LineQuestion::OnlySchedule { word, title: self.line(people, behind) }.into())
            }
            Moment::Clear(Found { timing, behind: after, .. }) => match moment::deadline(separated(after))? {
                Some((by, ..)) => Err(Refusal::DeadlineOfPlan { deadline: by.to_string() }.into()),
                None => Ok(at(timing, &unquoted(separated(after)))),
            },
            Moment::Likely(Found { timing, word, behind: after }) => {
                let schedule = at(timing, &unquoted(separated(after)));
                Err(LineQuestion::BareSchedule { word, schedule, title: self.line(people, behind) }.into())
            }
        }
    }

    /// Reads what is behind a moment that stands before any people.
    fn at_moment(&self, found: Found<'_>, certainty: Certainty) -> Result<TaskLine, Unclear> {
        let Found { timing, word, behind } = found;
        let after = separated(behind);
        if after.is_empty() {
            return Err(LineQuestion::OnlySchedule { word, title: self.title() }.into());
        }
        let at = |people, title: &str| TaskLine { timing: Some(timing), ..self.line(people, &unquoted(title)) };
        let Names { names, behind } = if is_quoted(after) {
            Names { names: Vec::new(), behind: after }
        } else {
            names::names(after)?; // no more than a line may hold
            names::further(after, self.roster)?
        };
        let behind = separated(behind);
        if certainty == Certainty::Likely || ContestMoment::is_bare(&word) {
            let people = !names.is_empty() && !behind.is_empty();
            let schedule = if people { at(names, behind) } else { at(Vec::new(), after) };
            return Err(LineQuestion::BareSchedule { word, schedule, title: self.title() }.into());
        }
        let title = at(Vec::new(), after);
        match (names.is_empty(), behind.is_empty()) {
            (true, _) => Ok(title),
            (false, true) => Err(LineQuestion::OnlyPeople { names, title }.into()),
            (false, false) => {
                let people = at(names.clone(), behind);
                Err(LineQuestion::PeopleInTitle { names, people, title }.into())
            }
        }
    }
}

/// What was read behind a deadline, with it.
fn due(by: When, read: Result<TaskLine, Unclear>) -> Result<TaskLine, Unclear> {
    match read {
        Ok(TaskLine { deadline: None, timing: None, assignees, title, kind }) => {
            Ok(TaskLine { deadline: Some(by), timing: None, assignees, title, kind })
        }
        Ok(TaskLine { deadline: Some(second), .. }) => Err(Refusal::Surplus { text: second.to_string() }.into()),
        Ok(TaskLine { timing: Some(_), .. }) => Err(Refusal::DeadlineOfPlan { deadline: by.to_string() }.into()),
        Err(Unclear::Question(mut question)) => {
            question.lines_mut().for_each(|line| line.deadline = line.deadline.or(Some(by)));
            Err(Unclear::Question(question))
        }
        Err(refused) => Err(refused),
    }
}

/// Whether the first word of a line stands where people may be meant by it. The old grammar took it for people if it was
/// made of ASCII letters, digits, `_` and commas, whoever they were. A word in other letters is one if no sentence begins
/// with it.
fn is_addressing(word: &str, after: &str) -> bool {
    if after.is_empty() {
        return false;
    }
    let old = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ',');
    let named = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.') || is_comma(c);
    let name = bare(word);
    let colon = word.len() > name.len() && word.ends_with(super::clean::is_colon);
    if word.chars().all(old) {
        return word.chars().any(|c| c != ',');
    }
    let is_sentence = name.starts_with(char::is_uppercase) && !after.starts_with(char::is_uppercase);
    let one_word = name.chars().all(named) && name.contains(char::is_alphanumeric);
    one_word && (colon || (name == word && (!is_sentence || name.contains(char::is_numeric))))
}

/// The names, each where it stands first.
fn once(names: Vec<String>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}
