//! Names that find people, groups, and changes of one person's standing.

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
        cards: BTreeMap::from([(
            hall1.clone(),
            Card { display: Some("Room 305".into()), groups: vec!["Floor 1".into(), "Ground floor".into()] },
        )]),
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
    assert_eq!(
        groups,
        [r#"a ["Admins"]"#, r#"hall1 ["Halls", "Floor 1", "Ground floor", "Printers"]"#, r#"u ["Users"]"#]
    );
    assert_eq!(people.group("FLOOR 1"), [&hall1]);
    assert_eq!(people.shown(&hall1), "hall1 (Room 305)");
    assert_eq!(people.nearest("hlal1").as_deref(), Some("hall1"), "what is said can be typed");
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
    assert!(people(&[("jury1@localhost", Affiliation::Owner)], &GroupBook::default()).user("\u{2c7c}ury1").is_none());
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

#[test]
fn people_as_somebody_else_knew_them_have_the_same_rights() {
    let standing = |jid: &str, affiliation| Standing { person: Person::from_bare(jid), affiliation };
    let standings = [
        standing("jury1@localhost", Affiliation::Owner),
        standing("hall1@localhost", Affiliation::Member),
        standing("guests.org", Affiliation::Member),
        standing("bad@guests.org", Affiliation::Outcast),
    ];
    let known = People::build("localhost", "neerc", standings, HashMap::new(), &GroupBook::default());
    let members = known.listed().into_iter().map(|(person, member)| (person.clone(), member.clone()));
    let domains = known.domains().map(|(domain, affiliation)| (domain.to_owned(), affiliation));
    let restored = People::restore(known.host(), members, domains, known.outcasts().cloned());
    assert_eq!(restored.listed(), known.listed());
    for jid in ["jury1@localhost", "hall1@localhost", "some@guests.org", "bad@guests.org", "other@localhost"] {
        assert_eq!(restored.rights_of(jid), known.rights_of(jid), "{jid}");
    }
    assert_eq!(restored.user("hall1"), known.user("hall1"));
    assert_eq!(restored.group("Admin"), known.group("Admin"));
    for affiliation in [Affiliation::Owner, Affiliation::Admin, Affiliation::Member, Affiliation::None] {
        assert_eq!(Affiliation::parse(affiliation.name()), Some(affiliation));
    }
}
