//! Lists of people from outside of the chat server: how they are called, and their groups. Each list is read by a thread of
//! its own, since files, programs and web servers may all keep one waiting. They give no rights. Not who belongs to a room.

mod command;
mod csv;
mod volunteers;

use crate::http::HttpAddress;
use crate::limits;
use crate::watched::WatchedFile;
use neerc_core::face::line::clean::clean;
use neerc_core::people::{Card, Group, fold};
use neerc_core::refusal::excerpt;
use neerc_xmpp::stanza::names::composed;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// A person on a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// The name of the account, or its whole address.
    pub name: String,
    /// How they are called by people.
    #[serde(default)]
    pub display: Option<String>,
    /// The groups that they are in.
    #[serde(default)]
    pub groups: Vec<String>,
}

impl Listed {
    /// Without what nobody sees, if it can be taken.
    fn cleaned(self) -> Result<Listed, String> {
        let name = one_line("name", &self.name)?;
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(format!("'{}' is no name of an account", excerpt(&self.name)));
        }
        let display = self.display.map(|display| one_line("display", &display)).transpose()?;
        let display = display.filter(|display| !display.is_empty());
        if self.groups.len() > limits::GROUPS_OF_LISTED {
            return Err(format!("{name} is in {} groups, more than {}", self.groups.len(), limits::GROUPS_OF_LISTED));
        }
        let groups = self.groups.iter().map(|group| one_line("groups", group)).collect::<Result<Vec<_>, _>>()?;
        Ok(Listed { name, display, groups: groups.into_iter().filter(|group| !group.is_empty()).collect() })
    }
}

/// A text of one line, of a length that lists can show.
fn one_line(key: &str, text: &str) -> Result<String, String> {
    let text = composed(&clean(text)).into_owned();
    if text.chars().any(char::is_control) {
        return Err(format!("{key} '{}' has a control character in it", excerpt(&text)));
    }
    if text.chars().count() > limits::LISTED_CHARS {
        return Err(format!("{key} '{}' is longer than {} characters", excerpt(&text), limits::LISTED_CHARS));
    }
    Ok(text)
}

/// All of a list, if each of it can be taken and nobody stands in it twice.
fn whole(listed: impl IntoIterator<Item = Listed>) -> Result<Vec<Listed>, String> {
    let mut known = BTreeMap::new();
    let mut whole = Vec::new();
    for (number, one) in listed.into_iter().enumerate() {
        let one = one.cleaned()?;
        if known.insert(fold(&one.name), number).is_some() {
            return Err(format!("{} stands in it twice", excerpt(&one.name)));
        }
        if whole.len() == limits::LISTED {
            return Err(format!("it names more than {} people", limits::LISTED));
        }
        whole.push(one);
    }
    Ok(whole)
}

/// Where the volunteers service is, and what to ask there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volunteers {
    /// Its address, without `/api`.
    pub address: HttpAddress,
    /// The file that holds the token.
    pub token_file: PathBuf,
    /// The year whose halls count, by its number there.
    pub year: u32,
    /// The day on which people are in those halls, by its number there; without it nobody is asked for.
    pub day: Option<u32>,
}

/// Where a list is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListSource {
    /// In a CSV file.
    File(PathBuf),
    /// From a program with its arguments, run as that user.
    Command(Vec<String>, Option<String>),
    /// From the volunteers service.
    Volunteers(Volunteers),
}

impl fmt::Display for ListSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListSource::File(path) => write!(f, "{}", path.display()),
            ListSource::Command(words, _) => f.write_str(&words.join(" ")),
            ListSource::Volunteers(service) => f.write_str(&service.address.url),
        }
    }
}

/// A list of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeopleList {
    /// Where it is read.
    pub source: ListSource,
    /// The group that all on it are in, besides their own.
    pub group: Option<Group>,
    /// How often it is read.
    pub poll: Duration,
}

impl PeopleList {
    /// Reads it once. `accounts` gives the names of all who may be asked for.
    pub fn read(&self, accounts: impl FnOnce() -> Vec<String>) -> Result<Vec<Listed>, String> {
        let listed = match &self.source {
            ListSource::File(path) => read_file(path)?,
            ListSource::Command(words, user) => command::read(words, user.as_deref())?,
            ListSource::Volunteers(service) => volunteers::read(service, &accounts())?,
        };
        whole(listed)
    }
}

/// Reads a CSV file.
pub fn read_file(path: &Path) -> Result<Vec<Listed>, String> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| format!("it cannot be read: {error}"))?;
    let read = file.take(limits::LIST_BYTES as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("it cannot be read: {error}"))?;
    read_table(&bytes)
}

/// Reads a table in CSV.
pub fn read_table(bytes: &[u8]) -> Result<Vec<Listed>, String> {
    whole(csv::parse(bytes)?)
}

/// What the reader of a list has to say.
#[derive(Debug)]
pub enum ListLook {
    /// The list of that place holds these now.
    List(usize, Vec<Listed>),
    /// Why one cannot be taken. What it held before stays.
    Wrong(String),
    /// Wants to know whom it may ask for.
    Accounts(oneshot::Sender<Vec<String>>),
}

/// Begins to read all lists.
pub fn watch(lists: &[PeopleList]) -> Result<mpsc::Receiver<ListLook>, String> {
    let (sender, receiver) = mpsc::channel(limits::MESSAGES_WAITING);
    for (place, list) in lists.iter().enumerate() {
        let (list, sender) = (list.clone(), sender.clone());
        let thread = std::thread::Builder::new().name(format!("list {place}"));
        let source = list.source.to_string();
        let started = thread.spawn(move || follow(&list, place, &sender));
        started.map_err(|error| format!("no thread for the list of people at {source}: {error}"))?;
    }
    Ok(receiver)
}

/// Reads a list again and again, and tells what is new, until nobody listens.
fn follow(list: &PeopleList, place: usize, looks: &mpsc::Sender<ListLook>) {
    let accounts = || {
        let (reply, answer) = oneshot::channel();
        let is_asked = looks.blocking_send(ListLook::Accounts(reply)).is_ok();
        if is_asked { answer.blocking_recv().unwrap_or_default() } else { Vec::new() }
    };
    let mut watched = WatchedFile::new(Vec::new());
    while !looks.is_closed() {
        let look = match &list.source {
            ListSource::File(path) => watched.look(path, read_file),
            _ => watched.note(list.read(accounts)),
        };
        let told = look.map(|look| match look {
            Ok(listed) => ListLook::List(place, listed),
            Err(why) => ListLook::Wrong(format!(
                "the list of people at {} cannot be taken, so what it said before stays: {why}",
                list.source
            )),
        });
        if told.is_some_and(|told| looks.blocking_send(told).is_err()) {
            return;
        }
        std::thread::sleep(list.poll);
    }
}

/// What all lists say together, by the names of accounts: of two names to be shown the first one counts.
pub fn cards(lists: &[PeopleList], held: &[Vec<Listed>]) -> BTreeMap<String, Card> {
    let mut cards: BTreeMap<String, Card> = BTreeMap::new();
    for (list, listed) in lists.iter().zip(held) {
        for one in listed {
            let card = cards.entry(fold(&one.name)).or_default();
            if card.display.is_none() {
                card.display = one.display.as_deref().map(Into::into);
            }
            card.groups.extend(list.group.iter().cloned().chain(one.groups.iter().map(|group| group.as_str().into())));
        }
    }
    cards
}

#[cfg(test)]
mod tests;
