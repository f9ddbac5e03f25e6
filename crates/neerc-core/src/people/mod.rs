//! The users of a room with their groups and rights. Affiliations come in as plain values from the face that reads
//! them.

mod escape;
mod groups;
mod person;

pub use self::groups::{Card, Group, GroupBook, GroupRule, glob};
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

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Affiliation::Owner => "owner",
            Affiliation::Admin => "admin",
            Affiliation::Member => "member",
            Affiliation::None => "none",
            Affiliation::Outcast => "outcast",
        }
    }
}

/// Proof that somebody is an admin of the room. Only this module can create it, so a function that takes it cannot be
/// called without the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admin(());

/// The rights of a person in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// To read, and to answer their own tasks.
    Ordinary,
    /// To do everything.
    Power(Admin),
}

impl Rights {
    /// Whether these are the rights of an admin.
    pub fn is_power(self) -> bool {
        matches!(self, Rights::Power(_))
    }
}

/// One user of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Owner or admin of the room.
    pub power: bool,
    /// Their groups, never empty; the first one is displayed.
    pub groups: Vec<Group>,
    /// How they are called by people, if that is known.
    pub display: Option<Arc<str>>,
}

/// The affiliation of one JID with a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Who.
    pub person: Person,
    /// Their highest known affiliation.
    pub affiliation: Affiliation,
}

/// The users of one room at one moment.
#[derive(Clone, Debug, Default)]
pub struct People {
    host: Arc<str>,
    own_nick: String,
    members: BTreeMap<Person, Member>,
    by_name: HashMap<String, Person>,
    nicks: HashMap<String, Person>,
    domains: BTreeMap<String, Affiliation>,
    outcasts: BTreeSet<Person>,
    /// The members of each group, by the folded name of the group.
    groups: BTreeMap<String, BTreeSet<Person>>,
}

impl People {
    /// Builds the people of a room. `standings` lists everybody with an affiliation. A standing without `@` covers a
    /// whole domain: all its users have the rights, except outcasts. `nicks` maps nicks of occupants to accounts.
    /// `own_nick` is the nick of the service, which stands for nobody.
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

    /// The people of a room as somebody else knew them: its users, the domains whose users all have rights, and who has none in
    /// spite of that. Nobody's nick is known.
    pub fn restore(
        host: &str,
        members: impl IntoIterator<Item = (Person, Member)>,
        domains: impl IntoIterator<Item = (String, Affiliation)>,
        outcasts: impl IntoIterator<Item = Person>,
    ) -> People {
        let mut people = People { host: host.into(), ..People::default() };
        people.domains.extend(domains);
        people.outcasts.extend(outcasts);
        members.into_iter().for_each(|(person, member)| people.insert(person, member));
        people
    }

    fn insert(&mut self, person: Person, member: Member) {
        for group in &member.groups {
            self.groups.entry(fold(group)).or_default().insert(person.clone());
        }
        self.by_name.insert(person.name(&self.host).to_owned(), person.clone());
        self.members.insert(person, member);
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
        let display = book.display(&person);
        self.insert(person, Member { power, groups, display });
    }

    /// Sets the highest affiliation of one person. Returns whether the list of users has changed.
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

    /// Sets who has that nick in the room; `None` if nobody has.
    pub fn name_occupant(&mut self, nick: &str, person: Option<Person>) {
        match person {
            Some(person) => self.nicks.insert(nick.to_owned(), person),
            None => self.nicks.remove(nick),
        };
    }

    /// The rights of `who`; `None` for somebody who does not belong to the room.
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

    /// Whether somebody has an admin's rights, by their bare JID in normal form.
    pub fn is_admin(&self, bare: &str) -> bool {
        self.rights_of(bare).is_some_and(Rights::is_power)
    }

    /// The person with that bare JID in normal form; shares memory with the user of the room, if there is one.
    pub fn person(&self, bare: &str) -> Person {
        self.members.get_key_value(bare).map_or_else(|| Person::from_bare(bare), |(person, _)| person.clone())
    }

    /// What is known about a user.
    pub fn member(&self, who: &Person) -> Option<&Member> {
        self.members.get(who)
    }

    /// All users in the order of the user list: admins first, then by name.
    pub fn listed(&self) -> Vec<(&Person, &Member)> {
        let mut all: Vec<_> = self.members.iter().collect();
        all.sort_by(|a, b| b.1.power.cmp(&a.1.power).then_with(|| self.name(a.0).cmp(self.name(b.0))));
        all
    }

    /// The domains whose users all have rights.
    pub fn domains(&self) -> impl Iterator<Item = (&str, Affiliation)> {
        self.domains.iter().map(|(domain, affiliation)| (&**domain, *affiliation))
    }

    /// Who has no rights in spite of that.
    pub fn outcasts(&self) -> impl Iterator<Item = &Person> {
        self.outcasts.iter()
    }

    /// Those with power, by name.
    pub fn admins(&self) -> Vec<Person> {
        self.listed().into_iter().take_while(|(_, member)| member.power).map(|(person, _)| person.clone()).collect()
    }

    /// Their name on the wire.
    pub fn name<'a>(&self, person: &'a Person) -> &'a str {
        person.name(&self.host)
    }

    /// The domain whose users go by their local part.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The user with that name.
    pub fn user(&self, name: &str) -> Option<&Person> {
        self.by_name.get(name).or_else(|| self.by_name.get(&fold(name))).or_else(|| {
            // A user of this host may also be named by their whole bare JID.
            self.members.get_key_value(&Person::named(name, &self.host)).map(|(person, _)| person)
        })
    }

    /// A person as people are shown them: the name of the account, and how they are called, if that is another name.
    pub fn shown<'a>(&self, person: &'a Person) -> Cow<'a, str> {
        let name = self.unescaped(person);
        match self.member(person).and_then(|member| member.display.as_deref()) {
            Some(display) if fold(display) != fold(&name) => Cow::Owned(format!("{name} ({display})")),
            _ => name,
        }
    }

    /// The name of a person's account without the escapes of XEP-0106, unless that is the name of somebody else.
    fn unescaped<'a>(&self, person: &'a Person) -> Cow<'a, str> {
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

    /// The user whose name without escapes, but not the name itself, is `name`: `ivan@mail.ru` stands for `ivan\40mail.ru`,
    /// unless somebody may have the address `ivan@mail.ru`.
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

    /// Whether the name may be the address of an unlisted person: an account of this host, or of a domain whose users
    /// all have rights.
    fn may_be_an_address(&self, name: &str) -> bool {
        name.rsplit_once('@').is_some_and(|(_, domain)| domain == &*self.host || self.domains.contains_key(domain))
    }

    /// The members of that group, by name; empty if there is no such group.
    pub fn group(&self, name: &str) -> Vec<&Person> {
        self.groups.get(&fold(name)).into_iter().flatten().collect()
    }

    /// Whether the room has an admin.
    pub fn has_power(&self) -> bool {
        self.members.values().any(|member| member.power)
    }

    /// How many admins there are.
    pub fn powerful(&self) -> usize {
        self.members.values().filter(|member| member.power).count()
    }

    /// The user or group that was most likely meant by a misspelt `name`.
    pub fn nearest(&self, name: &str) -> Option<String> {
        let users: Vec<Cow<'_, str>> = self.members.keys().map(|person| self.unescaped(person)).collect();
        let users = users.iter().map(|user| &**user);
        near::nearest(name, users.chain(self.groups().map(|group| &**group))).map(str::to_owned)
    }

    /// The groups of all users; a group with several members is repeated.
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
