//! Who of a room wants links in what is said to them by chat, and who does not. Whoever has said neither is sent them where
//! their client makes something of them. Not what a link looks like.

use crate::limits;
use crate::people::Person;
use crate::refusal::{Refusal, excerpt};
use std::collections::BTreeMap;

/// Whether somebody wants links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinksWish {
    /// In every client.
    On,
    /// In none.
    Off,
}

/// The words for [`LinksWish::On`], and those for [`LinksWish::Off`].
const ON: [&str; 5] = ["on", "yes", "вкл", "да", "включить"];
const OFF: [&str; 5] = ["off", "no", "выкл", "нет", "выключить"];

impl LinksWish {
    /// Both, by their names.
    pub const NAMES: [(&'static str, LinksWish); 2] = [("on", LinksWish::On), ("off", LinksWish::Off)];

    /// Its name in the store, and in forms.
    pub fn name(self) -> &'static str {
        match self {
            LinksWish::On => "on",
            LinksWish::Off => "off",
        }
    }

    /// Reads what people write for it.
    pub fn parse(text: &str) -> Result<LinksWish, Refusal> {
        let word = text.trim().trim_end_matches(['.', '!', ',']).to_lowercase();
        let among = |words: &[&str]| words.contains(&word.as_str());
        match (among(&ON), among(&OFF)) {
            (true, _) => Ok(LinksWish::On),
            (_, true) => Ok(LinksWish::Off),
            _ => Err(Refusal::UnknownLinksWish { text: excerpt(text) }),
        }
    }
}

/// What everybody in a room has said about links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinksWishes(BTreeMap<Person, LinksWish>);

impl LinksWishes {
    /// Those of a snapshot.
    pub fn restore(wishes: impl IntoIterator<Item = (Person, LinksWish)>) -> LinksWishes {
        LinksWishes(wishes.into_iter().collect())
    }

    /// What somebody has said, if anything.
    pub fn of(&self, person: &Person) -> Option<LinksWish> {
        self.0.get(person).copied()
    }

    /// What everybody has said.
    pub fn all(&self) -> impl Iterator<Item = (&Person, LinksWish)> {
        self.0.iter().map(|(person, wish)| (person, *wish))
    }

    /// Whether somebody may say so.
    pub(crate) fn check(&self, who: &Person) -> Result<(), Refusal> {
        if self.of(who).is_none() && self.0.len() >= limits::LINKS_WISHES_PER_ROOM {
            return Err(Refusal::TooMany { what: "people with a setting", limit: limits::LINKS_WISHES_PER_ROOM });
        }
        Ok(())
    }

    pub(crate) fn set(&mut self, person: &Person, wish: LinksWish) {
        self.0.insert(person.clone(), wish);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_in_the_words_of_people() {
        for (text, expected) in
            [("on", LinksWish::On), (" On.", LinksWish::On), ("ВКЛ", LinksWish::On), ("выкл!", LinksWish::Off)]
        {
            assert_eq!(LinksWish::parse(text), Ok(expected), "{text}");
        }
        for (name, wish) in LinksWish::NAMES {
            assert_eq!((LinksWish::parse(name), wish.name()), (Ok(wish), name));
        }
        assert_eq!(LinksWish::parse("maybe"), Err(Refusal::UnknownLinksWish { text: "maybe".into() }));
    }

    #[test]
    fn not_more_people_have_a_wish_than_there_may_be() {
        let person = |n: usize| Person::named(&format!("u{n}"), "localhost");
        let mut wishes = LinksWishes::restore((0..limits::LINKS_WISHES_PER_ROOM).map(|n| (person(n), LinksWish::Off)));
        assert_eq!((wishes.check(&person(0)), wishes.of(&person(0))), (Ok(()), Some(LinksWish::Off)));
        wishes.set(&person(0), LinksWish::On);
        assert_eq!(wishes.of(&person(0)), Some(LinksWish::On));
        assert!(matches!(wishes.check(&Person::named("new", "localhost")), Err(Refusal::TooMany { .. })));
    }
}
