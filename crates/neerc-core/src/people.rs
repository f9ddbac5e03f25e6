//! Who there is: persons, their groups, and their rights in one room. Not how a server says it: affiliations come in
//! as plain values from the face that reads them.

use crate::escape::{escaped, unescaped};
use crate::near;
use std::borrow::{Borrow, Cow};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

/// A user: a bare JID in normal form (lower case, prepared), domain included, so that nobody from elsewhere can pass
/// for somebody with the same name here.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person(Arc<str>);

impl Person {
    /// Takes a bare JID that is already in normal form.
    pub fn from_bare(bare: &str) -> Person {
        Person(bare.into())
    }

    /// The bare JID.
    pub fn bare(&self) -> &str {
        &self.0
    }

    /// The domain of the JID.
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or(&*self.0, |(_, domain)| domain)
    }

    /// The name people use: the local part for users of `host`, else the whole bare JID.
    pub fn name(&self, host: &str) -> &str {
        match self.0.split_once('@') {
            Some((local, domain)) if domain == host => local,
            _ => &self.0,
        }
    }

    /// The person that `name` (see [`Person::name`]) stands for, whether or not there is one.
    pub fn named(name: &str, host: &str) -> Person {
        if name.contains('@') { Person(fold(name).into()) } else { Person(format!("{}@{host}", fold(name)).into()) }
    }
}

/// So that tables of persons can be asked by a bare JID. Order and equality are those of the text.
impl Borrow<str> for Person {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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

/// Name of a group as people see it.
pub type Group = Arc<str>;

/// One user of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Owner or admin of the room.
    pub power: bool,
    /// The groups, the one that is shown first; never empty.
    pub groups: Vec<Group>,
}

/// One rule of the configuration that puts people into a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRule {
    /// The group.
    pub group: Group,
    /// User names or globs (`*` any run, `?` one character), compared without regard to case.
    pub patterns: Vec<String>,
}

/// Where groups come from, in the order in which they count: rules of the configuration, the directory account's
/// roster, the rooms that stand for groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupBook {
    /// From the configuration.
    pub rules: Vec<GroupRule>,
    /// From the directory: who is listed in which groups.
    pub directory: BTreeMap<Person, Vec<Group>>,
    /// From rooms: the members of each group's room.
    pub rooms: Vec<(Group, BTreeSet<Person>)>,
}

impl GroupBook {
    fn of(&self, person: &Person, name: &str, power: bool) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let mut add = |group: &Group| {
            if !groups.iter().any(|known| same_name(known, group)) {
                groups.push(group.clone());
            }
        };
        for rule in &self.rules {
            if rule.patterns.iter().any(|pattern| glob(pattern, name)) {
                add(&rule.group);
            }
        }
        self.directory.get(person).into_iter().flatten().for_each(&mut add);
        self.rooms.iter().filter(|(_, members)| members.contains(person)).for_each(|(group, _)| add(group));
        if groups.is_empty() {
            groups.push(if power { "Admins".into() } else { "Users".into() });
        }
        groups
    }
}

/// A name that somebody has typed, as names are compared: what servers make of it where it is a user's, so `Straße` is
/// the account `strasse`. It is composed already (NFC), by the face that it came through.
pub fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for c in name.chars().map(narrow).flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'ς' => folded.push('σ'),
            c => folded.push(c),
        }
    }
    folded
}

/// The ordinary form of a letter or digit as wide as a Chinese one.
fn narrow(c: char) -> char {
    let wide = matches!(c, '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}');
    if wide { char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c) } else { c }
}

fn same_name(a: &str, b: &str) -> bool {
    fold(a) == fold(b)
}

/// Whether `name` matches `pattern`, where `*` stands for any run of characters and `?` for one; case is ignored.
pub fn glob(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = fold(pattern).chars().collect();
    let name: Vec<char> = fold(name).chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    n = from + 1;
                    star = Some((at, n));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
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
mod tests {
    use super::*;

    fn people(standings: &[(&str, Affiliation)], book: &GroupBook) -> People {
        let standings = standings.iter().map(|(jid, a)| Standing { person: Person::from_bare(jid), affiliation: *a });
        People::build("localhost", "neerc", standings, HashMap::new(), book)
    }

    #[test]
    fn names_of_other_domains_are_whole_jids() {
        assert_eq!(Person::from_bare("admin@localhost").name("localhost"), "admin");
        assert_eq!(Person::from_bare("admin@elsewhere").name("localhost"), "admin@elsewhere");
        let people = people(&[("admin@elsewhere", Affiliation::Owner)], &GroupBook::default());
        assert!(people.rights(&Person::from_bare("admin@localhost")).is_none());
        assert!(people.user("admin").is_none());
        assert!(people.user("admin@elsewhere").is_some());
    }

    #[test]
    fn what_a_person_is_called() {
        let person = Person::from_bare("hall1@localhost");
        assert_eq!((person.domain(), format!("{person:?}")), ("localhost", "hall1@localhost".to_owned()));
        assert_eq!(Person::from_bare("localhost").domain(), "localhost");
    }

    #[test]
    fn affiliations_by_their_names() {
        use Affiliation::{Admin, Member, None as NoAffiliation, Outcast, Owner};
        let names = ["owner", "admin", "member", "none", "outcast"];
        let read: Vec<_> = names.iter().filter_map(|name| Affiliation::parse(name)).collect();
        assert_eq!(read, [Owner, Admin, Member, NoAffiliation, Outcast]);
        assert!(["", "Owner", "moderator"].iter().all(|name| Affiliation::parse(name).is_none()));
    }

    #[test]
    fn the_highest_affiliation_counts() {
        let who = Person::from_bare("a@localhost");
        for lists in [[Affiliation::Owner, Affiliation::Member], [Affiliation::Member, Affiliation::Owner]] {
            let people = people(&[("a@localhost", lists[0]), ("a@localhost", lists[1])], &GroupBook::default());
            assert!(people.rights(&who).is_some_and(Rights::is_power));
        }
        for other in ["a@localhost", "localhost"] {
            let people =
                people(&[(other, Affiliation::Member), ("a@localhost", Affiliation::Outcast)], &GroupBook::default());
            assert_eq!(people.rights(&who).is_some(), other == "a@localhost", "a domain is no list of its users");
            assert!(people.rights(&Person::from_bare("b@localhost")).is_none() || other == "localhost");
        }
    }

    #[test]
    fn people_are_counted() {
        let members = ["a@localhost", "b@localhost"].map(|jid| (jid, Affiliation::Member));
        let [two, none] =
            [&members[..], &[("c@localhost", Affiliation::Outcast)]].map(|of| people(of, &GroupBook::default()));
        assert_eq!((two.len(), two.is_empty(), none.len(), none.is_empty()), (2, false, 0, true));
    }

    #[test]
    fn a_domain_on_the_member_list_gives_its_users_rights() {
        let people = people(&[("localhost", Affiliation::Member)], &GroupBook::default());
        assert_eq!(people.rights(&Person::from_bare("x@localhost")), Some(Rights::Ordinary));
        assert_eq!(people.rights(&Person::from_bare("x@elsewhere")), None);
        assert!(people.is_empty());
    }

    #[test]
    fn groups_count_in_their_order() {
        let hall1 = Person::from_bare("hall1@localhost");
        let book = GroupBook {
            rules: vec![GroupRule { group: "Halls".into(), patterns: vec!["hall*".into()] }],
            directory: BTreeMap::from([(hall1.clone(), vec!["Floor 1".into(), "halls".into()])]),
            rooms: vec![("Printers".into(), BTreeSet::from([hall1.clone()]))],
        };
        let people = people(
            &[
                ("hall1@localhost", Affiliation::Member),
                ("a@localhost", Affiliation::Admin),
                ("u@localhost", Affiliation::Member),
            ],
            &book,
        );
        let groups: Vec<_> =
            people.listed().into_iter().map(|(p, m)| format!("{} {:?}", people.name(p), m.groups)).collect();
        assert_eq!(groups, [r#"a ["Admins"]"#, r#"hall1 ["Halls", "Floor 1", "Printers"]"#, r#"u ["Users"]"#]);
        assert_eq!(people.group("FLOOR 1"), [&hall1]);
    }

    #[test]
    fn people_changed_one_by_one_are_those_made_at_once() {
        use Affiliation::{Admin, Member, None as Nothing, Outcast, Owner};
        let book = GroupBook {
            rules: vec![GroupRule { group: "Halls".into(), patterns: vec!["hall*".into()] }],
            ..GroupBook::default()
        };
        let steps = [
            ("hall1@localhost", Member, true),
            ("hall1@localhost", Member, false),
            ("u@elsewhere", Member, true),
            ("localhost", Member, false),
            ("hall1@localhost", Owner, true),
            ("u@elsewhere", Outcast, true),
            ("u@elsewhere", Outcast, false),
            ("hall1@localhost", Admin, false),
            ("hall1@localhost", Nothing, true),
            ("u@elsewhere", Admin, true),
            ("localhost", Nothing, false),
        ];
        let mut now: BTreeMap<&str, Affiliation> = BTreeMap::new();
        let mut changed = people(&[], &book);
        for (jid, affiliation, is_news) in steps {
            now.insert(jid, affiliation);
            assert_eq!(changed.update(&Person::from_bare(jid), affiliation, &book), is_news, "{jid} {affiliation:?}");
            let made = people(&now.clone().into_iter().collect::<Vec<_>>(), &book);
            assert_eq!(format!("{:?}", changed.listed()), format!("{:?}", made.listed()), "{jid} {affiliation:?}");
            for who in ["hall1", "u@elsewhere", "halls", "Users", "admins"] {
                assert_eq!(changed.user(who), made.user(who), "{who}");
                assert_eq!(changed.group(who), made.group(who), "{who}");
            }
            for who in ["hall1@localhost", "u@elsewhere", "x@localhost"] {
                let who = Person::from_bare(who);
                assert_eq!(changed.rights(&who), made.rights(&who), "{who:?} after {jid} {affiliation:?}");
            }
        }
    }

    #[test]
    fn a_slip_in_the_name_of_a_user_or_a_group_is_seen() {
        let book = GroupBook {
            rules: vec![GroupRule { group: "Halls".into(), patterns: vec!["hall*".into()] }],
            ..GroupBook::default()
        };
        let members = ["hall1@localhost", "hall2@localhost", "max@elsewhere"].map(|jid| (jid, Affiliation::Member));
        let people = people(&members, &book);
        for (name, expected) in
            [("hal2", Some("hall2")), ("hals", Some("Halls")), ("max@elsewere", Some("max@elsewhere")), ("zoe", None)]
        {
            assert_eq!(people.nearest(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn names_are_compared_as_servers_prepare_them() {
        for (typed, name) in [
            ("JOS\u{c9}", "jos\u{e9}"),
            ("ΣΊΓΜΑΣ", "σίγμασ"),
            ("σίγμας", "σίγμασ"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("\u{ff28}\u{ff41}ll\u{ff11}", "hall1"),
            ("ИВАН", "иван"),
        ] {
            let people = people(&[(&format!("{name}@localhost"), Affiliation::Member)], &GroupBook::default());
            assert_eq!(people.user(typed).map(Person::bare), Some(&*format!("{name}@localhost")), "{typed}");
            assert!(people.user(&format!("{typed}@LOCALHOST")).is_some(), "{typed}");
            assert!(glob(&format!("{typed}*"), name), "{typed}");
        }
        assert!(
            people(&[("jury1@localhost", Affiliation::Owner)], &GroupBook::default()).user("\u{2c7c}ury1").is_none()
        );
        assert!(!glob("\u{ff0a}", "a"), "a wide asterisk is none");
    }

    #[test]
    fn an_account_with_escapes_is_shown_and_named_without_them() {
        let (here, there) = ("ivan\\40mail.ru@localhost", "ivan@mail.ru");
        let member = |jid| (jid, Affiliation::Member);
        let user = |people: &People, name: &str| {
            people.user(name).or_else(|| people.shown_as(name)).map(|person| person.bare().to_owned())
        };
        let shown = |people: &People, bare: &str| people.shown(&Person::from_bare(bare)).into_owned();
        let alone = people(&[member(here), member("d\\27art@elsewhere")], &GroupBook::default());
        for name in
            ["ivan@mail.ru", "Ivan@Mail.RU", "ivan\\40mail.ru", "ivan\\40mail.ru@localhost", "ivan@mail.ru@localhost"]
        {
            assert_eq!(user(&alone, name).as_deref(), Some(here), "{name}");
        }
        assert_eq!(user(&alone, "d'art@elsewhere").as_deref(), Some("d\\27art@elsewhere"));
        assert_eq!([here, "d\\27art@elsewhere"].map(|bare| shown(&alone, bare)), ["ivan@mail.ru", "d'art@elsewhere"]);
        assert_eq!(alone.nearest("ivan@mail.r").as_deref(), Some("ivan@mail.ru"));
        // Somebody who has that very address is who is meant, and nobody is shown as somebody else.
        let both = people(&[member(here), member(there)], &GroupBook::default());
        assert_eq!(user(&both, "ivan@mail.ru").as_deref(), Some(there));
        assert_eq!([here, there].map(|bare| shown(&both, bare)), ["ivan\\40mail.ru", "ivan@mail.ru"]);
        let domain = people(&[member(here), member("mail.ru")], &GroupBook::default());
        assert_eq!((user(&domain, "ivan@mail.ru"), shown(&domain, here)), (None, "ivan\\40mail.ru".to_owned()));
        // An owner by the server's configuration is in no list, and nobody may be taken for them.
        let feigned = people(&[member("admin\\40localhost@localhost")], &GroupBook::default());
        let whole = "admin\\40localhost";
        assert_eq!(
            (user(&feigned, "admin@localhost"), shown(&feigned, &format!("{whole}@localhost"))),
            (None, whole.to_owned())
        );
    }

    #[test]
    fn globs() {
        for (pattern, name, expected) in [
            ("hall*", "hall12", true),
            ("hall*", "Hall", true),
            ("hall?", "hall12", false),
            ("*1*2", "hall1x2", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "abbbcbc", true),
            ("a*b*c", "abbbcbd", false),
        ] {
            assert_eq!(glob(pattern, name), expected, "{pattern} {name}");
        }
    }
}
