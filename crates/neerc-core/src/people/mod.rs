//! Who there is: persons, their groups, and their rights in one room. Not how a server says it: affiliations come in
//! as plain values from the face that reads them.

mod escape;
mod groups;
mod person;

pub use self::groups::{Group, GroupBook, GroupRule, glob};
pub use self::person::{Person, fold};

use self::escape::{escaped, unescaped};
use crate::near;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Standing in a room, lowest first (XEP-0045 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Affiliation {
    /// Banned.
    Outcast,
    /// No lasting standing.
    None,
    /// On the member list.
    Member,
    /// On the admin list.
    Admin,
    /// On the owner list, or an owner by the server's configuration.
    Owner,
}

impl Affiliation {
    /// Reads the value of an `affiliation` attribute.
    pub fn parse(text: &str) -> Option<Affiliation> {
        Some(match text {
            "owner" => Affiliation::Owner,
            "admin" => Affiliation::Admin,
            "member" => Affiliation::Member,
            "none" => Affiliation::None,
            "outcast" => Affiliation::Outcast,
            _ => return None,
        })
    }
}

/// Proof that somebody is an admin of the room. Only this module makes one, so a function that takes it cannot be
/// reached without the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admin(());

/// What somebody may do in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Read, and answer the own tasks.
    Ordinary,
    /// Everything.
    Power(Admin),
}

impl Rights {
    /// Whether these are an admin's rights.
    pub fn is_power(self) -> bool {
        matches!(self, Rights::Power(_))
    }
}

/// One user of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Owner or admin of the room.
    pub power: bool,
    /// The groups, the one that is shown first; never empty.
    pub groups: Vec<Group>,
}

/// What a room says of one JID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Who.
    pub person: Person,
    /// The highest affiliation known of them.
    pub affiliation: Affiliation,
}

/// The users of one room, as of now: a value, replaced when the room changes.
#[derive(Clone, Debug, Default)]
pub struct People {
    host: Arc<str>,
    own_nick: String,
    members: BTreeMap<Person, Member>,
    by_name: HashMap<String, Person>,
    nicks: HashMap<String, Person>,
    domains: BTreeMap<String, Affiliation>,
    outcasts: BTreeSet<Person>,
    /// Who is in which group, by the group's folded name.
    groups: BTreeMap<String, BTreeSet<Person>>,
}

impl People {
    /// Builds the people of a room. `standings` lists everybody with an affiliation. A standing without `@` is a whole
    /// domain: its users get the rights when they ask, except outcasts. `nicks` maps occupants' nicks to accounts.
    /// `own_nick` is the service's nick in the room, which is nobody.
    pub fn build(
        host: &str,
        own_nick: &str,
        standings: impl IntoIterator<Item = Standing>,
        nicks: HashMap<String, Person>,
        book: &GroupBook,
    ) -> People {
        let mut people = People { host: host.into(), own_nick: own_nick.to_owned(), nicks, ..People::default() };
        let mut highest: BTreeMap<Person, Affiliation> = BTreeMap::new();
        for standing in standings {
            if standing.affiliation == Affiliation::None {
                continue;
            }
            let known = highest.entry(standing.person).or_insert(standing.affiliation);
            *known = (*known).max(standing.affiliation);
        }
        for (person, affiliation) in highest {
            people.admit(person, affiliation, book);
        }
        people
    }

    fn admit(&mut self, person: Person, affiliation: Affiliation, book: &GroupBook) {
        if affiliation < Affiliation::Member {
            if affiliation == Affiliation::Outcast {
                self.outcasts.insert(person);
            }
            return;
        }
        if !person.bare().contains('@') {
            self.domains.insert(person.bare().to_owned(), affiliation);
            return;
        }
        let power = affiliation >= Affiliation::Admin;
        let groups = book.of(&person, person.name(&self.host), power);
        for group in &groups {
            self.groups.entry(fold(group)).or_default().insert(person.clone());
        }
        self.by_name.insert(person.name(&self.host).to_owned(), person.clone());
        self.members.insert(person, Member { power, groups });
    }

    /// Takes what is now the highest affiliation of one person; the rest stays. Says whether the list of users is
    /// another one now.
    pub fn update(&mut self, person: &Person, affiliation: Affiliation, book: &GroupBook) -> bool {
        self.outcasts.remove(person);
        self.domains.remove(person.bare());
        let before = self.members.remove(person);
        if let Some(before) = &before {
            self.by_name.remove(person.name(&self.host));
            for group in &before.groups {
                let name = fold(group);
                if let Some(members) = self.groups.get_mut(&name) {
                    members.remove(person);
                    if members.is_empty() {
                        self.groups.remove(&name);
                    }
                }
            }
        }
        self.admit(person.clone(), affiliation, book);
        self.members.get(person) != before.as_ref()
    }

    /// Takes whose sessions have that nick in the room now; nobody's, if it is free.
    pub fn name_occupant(&mut self, nick: &str, person: Option<Person>) {
        match person {
            Some(person) => self.nicks.insert(nick.to_owned(), person),
            None => self.nicks.remove(nick),
        };
    }

    /// What `who` may do here, by the lists as they are now; `None` for somebody who is nobody in this room.
    pub fn rights(&self, who: &Person) -> Option<Rights> {
        self.rights_of(who.bare())
    }

    /// [`People::rights`] by a bare JID in normal form.
    pub fn rights_of(&self, bare: &str) -> Option<Rights> {
        let power = match self.members.get(bare) {
            Some(member) => member.power,
            None if self.outcasts.contains(bare) => return None,
            None => *self.domains.get(bare.split_once('@').map_or(bare, |(_, domain)| domain))? >= Affiliation::Admin,
        };
        Some(if power { Rights::Power(Admin(())) } else { Rights::Ordinary })
    }

    /// The person of a bare JID in normal form; shared, if it is somebody of the room.
    pub fn person(&self, bare: &str) -> Person {
        self.members.get_key_value(bare).map_or_else(|| Person::from_bare(bare), |(person, _)| person.clone())
    }

    /// What is known of a user.
    pub fn member(&self, who: &Person) -> Option<&Member> {
        self.members.get(who)
    }

    /// Everybody, power first, then by name: the order of the user list.
    pub fn listed(&self) -> Vec<(&Person, &Member)> {
        let mut all: Vec<_> = self.members.iter().collect();
        all.sort_by(|a, b| b.1.power.cmp(&a.1.power).then_with(|| self.name(a.0).cmp(self.name(b.0))));
        all
    }

    /// The name of a person on the wire.
    pub fn name<'a>(&self, person: &'a Person) -> &'a str {
        person.name(&self.host)
    }

    /// The domain whose users are called by their local part.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The user of that name.
    pub fn user(&self, name: &str) -> Option<&Person> {
        self.by_name.get(name).or_else(|| self.by_name.get(&fold(name))).or_else(|| {
            // The whole bare JID of a user of this host is as good as the local part.
            self.members.get_key_value(&Person::named(name, &self.host)).map(|(person, _)| person)
        })
    }

    /// What people are shown as the name of a person: without the escapes of XEP-0106, unless that is somebody else's name.
    pub fn shown<'a>(&self, person: &'a Person) -> Cow<'a, str> {
        let name = self.name(person);
        if !name.contains('\\') {
            return Cow::Borrowed(name);
        }
        let shown: Cow<'_, str> = match name.rsplit_once('@') {
            Some((local, domain)) => Cow::Owned(format!("{}@{domain}", unescaped(local))),
            None => unescaped(name),
        };
        let is_theirs = self.user(&shown).is_none_or(|other| other == person);
        if is_theirs && !self.may_be_an_address(&shown) { shown } else { Cow::Borrowed(name) }
    }

    /// The user who is shown as `name` and whose name is another: `ivan@mail.ru` is `ivan\40mail.ru` here, unless there
    /// may be somebody of that very address.
    pub fn shown_as(&self, name: &str) -> Option<&Person> {
        let folded = fold(name);
        let find = |bare: &str| self.members.get_key_value(bare).map(|(person, _)| person);
        let elsewhere = || {
            let (local, domain) = folded.rsplit_once('@')?;
            find(&format!("{}@{domain}", escaped(local)))
        };
        let here = || find(&format!("{}@{}", escaped(&folded), self.host));
        if self.may_be_an_address(&folded) { elsewhere() } else { here().or_else(elsewhere) }
    }

    /// Whether the name is an address of somebody who may be meant without being listed: an account of this host, or of
    /// a domain whose users all have rights.
    fn may_be_an_address(&self, name: &str) -> bool {
        name.rsplit_once('@').is_some_and(|(_, domain)| domain == &*self.host || self.domains.contains_key(domain))
    }

    /// The members of the group of that name, in the order of their names; empty if there is no such group.
    pub fn group(&self, name: &str) -> Vec<&Person> {
        self.groups.get(&fold(name)).into_iter().flatten().collect()
    }

    /// Whether anybody has power.
    pub fn has_power(&self) -> bool {
        self.members.values().any(|member| member.power)
    }

    /// How many have power.
    pub fn powerful(&self) -> usize {
        self.members.values().filter(|member| member.power).count()
    }

    /// The user or group whose name is so close to `name` that it was most likely meant.
    pub fn nearest(&self, name: &str) -> Option<String> {
        let users: Vec<Cow<'_, str>> = self.members.keys().map(|person| self.shown(person)).collect();
        let users = users.iter().map(|user| &**user);
        near::nearest(name, users.chain(self.groups().map(|group| &**group))).map(str::to_owned)
    }

    /// The groups of everybody, those of several people several times.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.members.values().flat_map(|member| &member.groups)
    }

    /// The user whose occupant has that nick in the room.
    pub fn by_nick(&self, nick: &str) -> Option<&Person> {
        self.nicks.get(nick).filter(|person| self.members.contains_key(person.bare()))
    }

    /// Whether the name is the service's own nick in the room. Nicks differ by case too: somebody else may be `Neerc`.
    pub fn is_own_nick(&self, name: &str) -> bool {
        self.own_nick == name
    }

    /// How many users there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

#[cfg(test)]
mod tests;
