//! Rights that follow the room, and groups.

use super::*;
use bench::server::BOTH;
use neerc_core::people::GroupRule;
use neerc_xmpp::limits;
use neerc_xmpp::stanza::address::Address;

/// Name, group and power of everybody, as `#users` says it.
fn users(bench: &mut Bench, from: &str) -> String {
    let said = bench.on(&iq("get", from, &query("users")));
    let users = said[0].split("<user ").skip(1).map(|user| {
        let value =
            |name: &str| user.split_once(&format!("{name}='")).unwrap().1.split('\'').next().unwrap().to_owned();
        format!("{}/{}/{}", value("name"), value("group"), value("power"))
    });
    users.collect::<Vec<_>>().join(" ")
}

fn may_create(bench: &mut Bench, from: &str) -> bool {
    let said = bench.on(&iq("set", from, &task("title='T' type='todo'", &[])));
    said[0].starts_with("<iq type='result'")
}

fn may_read(bench: &mut Bench, from: &str) -> bool {
    bench.on(&iq("get", from, &query("users")))[0].starts_with("<iq type='result'")
}

#[test]
fn rights_follow_the_room_in_both_directions() {
    for flavour in BOTH {
        for present in [false, true] {
            let mut bench = ready(flavour);
            if present {
                bench.joins("hall1", HALL1);
                bench.joins("hall1", "hall1@localhost/Second");
            }
            assert!(!may_create(&mut bench, HALL1));
            for (affiliation, power, reads) in [
                ("admin", true, true),
                ("member", false, true),
                ("owner", true, true),
                ("none", false, false),
                ("member", false, true),
                ("outcast", false, false),
                ("admin", true, true),
            ] {
                bench.server_says(|server| server.affiliate("neerc", "hall1@localhost", affiliation));
                bench.pass(limits::HINT_SPACING_MS);
                bench.said();
                assert_eq!(may_create(&mut bench, HALL1), power, "{flavour:?} present {present} {affiliation}");
                bench.said();
                assert_eq!(may_read(&mut bench, HALL1), reads, "{flavour:?} present {present} {affiliation}");
                bench.said();
            }
        }
    }
}

#[test]
fn a_change_that_nobody_told_of_is_read_in_time() {
    let mut bench = ready(Flavour::Prosody);
    bench.server().list("neerc", "tk@localhost", "none");
    bench.pass(299_000);
    assert!(may_create(&mut bench, "tk@localhost/Desk"));
    bench.pass(2_000);
    assert!(!may_create(&mut bench, "tk@localhost/Desk"));
}

#[test]
fn implicit_owners_count_while_they_are_in_the_room() {
    for flavour in BOTH {
        let mut server = Server::new(flavour);
        server.implicit.insert("root@localhost".to_owned());
        let mut bench = Bench::served(settings(), server);
        assert!(!may_create(&mut bench, "root@localhost/Desk"));
        bench.joins("root", "root@localhost/Desk");
        assert!(may_create(&mut bench, "root@localhost/Desk"), "{flavour:?}");
        bench.pass(600_000);
        assert!(may_create(&mut bench, "root@localhost/Desk"), "{flavour:?}: lists that do not name them were read");
    }
}

#[test]
fn an_outcast_kept_the_power_of_a_session_that_had_gone_without_a_word() {
    for flavour in BOTH {
        let mut bench = ready(flavour);
        let [said, unsaid] = ["tk@localhost/A", "tk@localhost/B"];
        [said, unsaid].into_iter().for_each(|session| bench.joins("tk", session));
        bench.pass(30_000);
        // Who is in the room was read a moment ago, so it is not read again at once.
        bench.server_says(|server| server.show("neerc", "tk"));
        bench.server().lose("neerc", unsaid);
        bench.leaves("tk", said);
        bench.server_says(|server| server.affiliate("neerc", "tk@localhost", "outcast"));
        bench.pass(30_000);
        bench.said();
        assert!(!may_read(&mut bench, unsaid), "{flavour:?}");
    }
}

#[test]
fn a_push_between_two_lists_is_the_newest_truth() {
    let list = |id: u32, items: &str| {
        format!(
            "<iq type='result' id='n{id}' from='neerc@conference.localhost' to='neerc.localhost'>\
             <query xmlns='http://jabber.org/protocol/muc#admin'>{items}</query></iq>"
        )
    };
    let mut bench = Bench::accepted(settings());
    bench.said();
    bench.hear(list(1, "<item jid='admin@localhost' affiliation='owner'/>"));
    bench.hear(list(2, "<item jid='tk@localhost' affiliation='admin'/>"));
    bench.hear(
        "<presence from='neerc@conference.localhost/tk' to='neerc.localhost'>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item jid='tk@localhost/Desk' affiliation='member'/></x>\
         </presence>",
    );
    bench.hear(list(3, "<item jid='tk@localhost' affiliation='member'/>"));
    bench.said();
    assert_eq!(users(&mut bench, ADMIN), "admin/Admins/yes tk/Users/no");
}

#[test]
fn pushes_that_are_not_the_rooms_own_change_nothing() {
    let mut bench = ready(Flavour::Ejabberd);
    let item = "<x xmlns='http://jabber.org/protocol/muc#user'><item jid='hall1@localhost' affiliation='owner'/></x>";
    for (from, kind) in [
        ("hall1@localhost/Phone", ""),
        ("neerc@conference.localhost/hall1", ""), // a private message through the room
        ("neerc@conference.localhost", "type='groupchat'"),
        ("neerc@conference.localhost", "type='error'"),
        ("other@conference.localhost", ""),
        ("conference.localhost", ""),
    ] {
        bench.hear(format!("<message {kind} from='{from}' to='neerc.localhost'>{item}</message>"));
        assert!(!may_create(&mut bench, HALL1), "{from} {kind}");
    }
}

#[test]
fn the_service_itself_is_nobody() {
    let mut server = Server::new(Flavour::Prosody);
    server.list("neerc", "neerc.localhost", "owner");
    server.list("neerc", "bot@neerc.localhost", "owner");
    let mut bench = Bench::served(settings(), server);
    assert_eq!(users(&mut bench, ADMIN), "admin/Admins/yes tk/Admins/yes hall1/Users/no hall2/Users/no hall3/Users/no");
}

#[test]
fn an_outcast_of_a_listed_domain_was_let_in() {
    const MORITZ: &str = "moritz@partner.example/Phone";
    for flavour in BOTH {
        let mut server = Server::new(flavour);
        server.list("neerc", "partner.example", "member");
        server.list("neerc", "moritz@partner.example", "outcast");
        let mut bench = Bench::served(settings(), server);
        assert!(!may_read(&mut bench, MORITZ) && may_read(&mut bench, "max@partner.example/Phone"), "{flavour:?}");
        for (affiliation, reads) in [("none", true), ("outcast", false)] {
            bench.server_says(|server| server.affiliate("neerc", "moritz@partner.example", affiliation));
            bench.pass(limits::HINT_SPACING_MS);
            assert_eq!(may_read(&mut bench, MORITZ), reads, "{flavour:?} {affiliation}");
        }
        // Who was an outcast before the domain came onto a list is looked up at once.
        let mut bench = ready(flavour);
        bench.server().list("neerc", "moritz@partner.example", "outcast");
        bench.server_says(|server| server.affiliate("neerc", "partner.example", "admin"));
        bench.pass(limits::HINT_SPACING_MS);
        assert!(!may_read(&mut bench, MORITZ) && may_create(&mut bench, "max@partner.example/Phone"), "{flavour:?}");
    }
}

#[test]
fn unaffiliated_occupants_are_users_only_by_the_setting() {
    for admit in [false, true] {
        let mut settings = settings();
        settings.admit_unaffiliated = admit;
        let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
        bench.joins("guest", "guest@localhost/Web");
        assert_eq!(may_read(&mut bench, "guest@localhost/Web"), admit);
        assert!(!may_create(&mut bench, "guest@localhost/Web"));
        bench.leaves("guest", "guest@localhost/Web");
        assert!(!may_read(&mut bench, "guest@localhost/Web"));
    }
}

#[test]
fn groups_by_rule_by_directory_and_by_room() {
    let mut settings = settings();
    settings.groups.rules.push(GroupRule { group: "Halls".into(), patterns: vec!["hall?".into()] });
    settings.groups.directory = Some((Address::parse("directory@localhost").unwrap(), 30_000));
    settings.groups.rooms = vec![("Printers".into(), Address::parse("printers@conference.localhost").unwrap())];
    let mut server = Server::new(Flavour::Ejabberd);
    let of = |name: &str, groups: &[&str]| {
        (format!("{name}@localhost"), groups.iter().map(|group| (*group).to_owned()).collect::<Vec<_>>())
    };
    server.rosters.insert("directory@localhost".to_owned(), vec![of("hall1", &["Floor 1"]), of("tk", &["Jury"])]);
    server.list("printers", "hall2@localhost", "member");
    server.list("printers", "tk@localhost", "member");
    let mut bench = Bench::served(settings, server);
    assert_eq!(users(&mut bench, ADMIN), "admin/Admins/yes tk/Jury/yes hall1/Halls/no hall2/Halls/no hall3/Halls/no");
    for (name, expected) in [("halls", 3), ("FLOOR 1", 1), ("printers", 2), ("Jury", 1), ("admins", 1)] {
        let said = bench.on(&iq("set", ADMIN, &task("title='T' type='todo'", &[name])));
        assert!(said[0].starts_with("<iq type='result'"), "{name}: {said:?}");
        assert_eq!(bench.boards()["neerc"].tasks().last().unwrap().statuses.len(), expected, "{name}");
    }
    // both are asked again in time
    bench.server().rosters.insert("directory@localhost".to_owned(), vec![of("tk", &["Guests"])]);
    bench.server().list("printers", "admin@localhost", "member");
    bench.pass(61_000);
    assert_eq!(
        users(&mut bench, ADMIN).split(' ').take(2).collect::<Vec<_>>(),
        ["admin/Printers/yes", "tk/Guests/yes"]
    );
    bench.server().rosters.clear();
    bench.server().lists = false;
    bench.pass(64_000);
    let troubles = bench.troubles().join("\n");
    assert!(troubles.contains("the roster of directory@localhost cannot be read (forbidden): give the component the right to read rosters (XEP-0356)"), "{troubles}");
    assert!(
        troubles.contains("the members of printers@conference.localhost (group Printers) cannot be read (forbidden)"),
        "{troubles}"
    );
    assert_eq!(users(&mut bench, ADMIN).split(' ').next(), Some("admin/Printers/yes"), "what was known stays");
}

#[test]
fn groups_that_are_set_anew_count_at_once_and_what_was_asked_before_is_not_taken_for_theirs() {
    let room = |name: &str| Address::parse(&format!("{name}@conference.localhost")).unwrap();
    let mut first = settings();
    first.groups.rooms = vec![("Printers".into(), room("printers")), ("Guides".into(), room("guides"))];
    let mut server = Server::new(Flavour::Prosody);
    for (name, member) in
        [("printers", "hall1@localhost"), ("guides", "hall2@localhost"), ("guards", "hall3@localhost")]
    {
        server.list(name, member, "member");
    }
    let mut bench = Bench::served(first.clone(), server);
    assert_eq!(
        users(&mut bench, ADMIN),
        "admin/Admins/yes tk/Admins/yes hall1/Printers/no hall2/Guides/no hall3/Users/no"
    );
    // What is asked now is answered once others are the groups.
    let mut second = first.clone();
    second.groups.rooms = vec![("Guides".into(), room("guides")), ("Guards".into(), room("guards"))];
    second.groups.rules = vec![GroupRule { group: "Ground".into(), patterns: vec!["hall1".into()] }];
    let now_ms = bench.now_ms;
    bench.front.timeout(now_ms + 60_000);
    bench.front.renew(now_ms, second);
    bench.pump();
    bench.pass(1_000);
    assert_eq!(
        users(&mut bench, ADMIN),
        "admin/Admins/yes tk/Admins/yes hall1/Ground/no hall2/Guides/no hall3/Guards/no"
    );
    bench.front.renew(now_ms, settings());
    bench.pump();
    assert_eq!(users(&mut bench, ADMIN), "admin/Admins/yes tk/Admins/yes hall1/Users/no hall2/Users/no hall3/Users/no");
}

#[test]
fn what_changed_while_the_service_was_out_of_the_room_is_read_when_it_is_back() {
    for flavour in BOTH {
        let mut bench = ready(flavour);
        bench.server_says(|server| server.kick("neerc"));
        bench.server().list("neerc", "tk@localhost", "none"); // of which nobody outside is told
        bench.pass(2_000);
        assert!(!may_create(&mut bench, "tk@localhost/Desk"), "{flavour:?}");
    }
}

/// Whether somebody belongs to the room; the answer is short however many do.
fn belongs(bench: &mut Bench, from: &str) -> bool {
    bench.on(&iq("get", from, &query("tasks")))[0].starts_with("<iq type='result'")
}

/// A server whose room has that many members more, with addresses of the usual length.
fn big_room(flavour: Flavour, members: usize) -> Server {
    let mut server = Server::new(flavour);
    for number in 0..members {
        server.list("neerc", &format!("hall{number}@contest.example.org"), "member");
    }
    server
}

#[test]
fn a_room_had_five_thousand_members_and_not_even_its_owner_had_rights() {
    for flavour in BOTH {
        for members in [5_000, 10_000] {
            let mut bench = Bench::served(settings(), big_room(flavour, members));
            assert_eq!(bench.troubles(), [""; 0], "{flavour:?} {members}");
            assert!(may_create(&mut bench, ADMIN) && belongs(&mut bench, HALL1), "{flavour:?} {members}");
            for number in [0, 17, members - 1] {
                let from = format!("hall{number}@contest.example.org/Phone");
                assert!(belongs(&mut bench, &from), "{flavour:?} {from}");
            }
        }
    }
}

#[test]
fn five_thousand_sessions_were_in_the_room_before_the_service() {
    for flavour in BOTH {
        let mut server = big_room(flavour, 5_000);
        for number in 0..5_000 {
            let jid = format!("hall{number}@contest.example.org");
            server.join("neerc", &jid, &format!("{jid}/Phone"));
            server.join("neerc", &jid, &format!("{jid}/Second"));
        }
        let bench = Bench::served(settings(), server);
        assert_eq!(bench.front.sessions(0), 10_000, "{flavour:?}");
    }
}

#[test]
fn a_list_was_too_long_and_took_the_others_with_it() {
    for flavour in BOTH {
        let mut server = big_room(flavour, 101_000);
        server.list("neerc", "hall1@localhost", "admin");
        let mut bench = Bench::new(settings());
        bench.server = Some(server);
        bench.connect();
        assert!(may_create(&mut bench, ADMIN) && may_create(&mut bench, HALL1), "{flavour:?}: who could be read");
        assert!(!belongs(&mut bench, "hall17@contest.example.org/Phone"), "{flavour:?}");
        let troubles = bench.troubles();
        let words = "the member list of neerc@conference.localhost cannot be read (too long: over 4194304 bytes, or over \
                     100000 elements), so those on it are known only as far as they were before, or are in the room: take \
                     people off the list, or divide the room";
        assert_eq!(troubles, [words], "{flavour:?}");
    }
}

#[test]
fn who_was_on_a_list_before_it_became_too_long_stays_on_it() {
    let mut bench = ready(Flavour::Prosody);
    for number in 0..101_000 {
        bench.server().list("neerc", &format!("hall{number}@contest.example.org"), "member");
    }
    bench.server().list("neerc", "tk@localhost", "none");
    bench.server().list("neerc", "hall3@localhost", "owner");
    bench.pass(300_000);
    assert!(belongs(&mut bench, HALL2), "a member as before");
    assert!(!may_create(&mut bench, "tk@localhost/Desk"), "a list that could be read");
    assert!(may_create(&mut bench, "hall3@localhost/Phone"), "another one");
}

#[test]
fn groups_of_six_thousand_were_empty() {
    let mut settings = settings();
    settings.groups.directory = Some((Address::parse("directory@localhost").unwrap(), 30_000));
    settings.groups.rooms = vec![("Printers".into(), Address::parse("printers@conference.localhost").unwrap())];
    let mut server = Server::new(Flavour::Prosody);
    let names = (0..6_000).map(|number| format!("hall{number}@contest.example.org"));
    let roster = names
        .clone()
        .map(|jid| (jid, vec!["Floor 1".to_owned()]))
        .chain([("tk@localhost".to_owned(), vec!["Jury".to_owned()])]);
    server.rosters.insert("directory@localhost".to_owned(), roster.collect());
    names.for_each(|jid| server.list("printers", &jid, "member"));
    server.list("printers", "hall1@localhost", "member");
    let mut bench = Bench::served(settings, server);
    assert_eq!(
        users(&mut bench, ADMIN),
        "admin/Admins/yes tk/Jury/yes hall1/Printers/no hall2/Users/no hall3/Users/no"
    );
}

#[test]
fn a_user_cannot_send_what_only_an_answer_may_be() {
    let mut bench = ready(Flavour::Prosody);
    let item = "<item jid='x@localhost' affiliation='owner'/>".repeat(7_000);
    for from in ["hall1@localhost/Phone", "neerc@conference.localhost/hall1", "neerc@conference.localhost"] {
        for kind in ["result", "error", "set"] {
            for id in 1..20 {
                bench.hear(format!(
                    "<iq type='{kind}' id='n{id}' from='{from}' to='{ROOM}'><query xmlns='http://jabber.org/protocol/muc#admin'>{item}</query></iq>"
                ));
            }
        }
    }
    let said = bench.said();
    assert!(said.iter().all(|said| said.contains("<policy-violation ")), "{:?}", said.first());
    assert_eq!(said.len(), 3 * 19, "the requests are refused, and nothing else is answered");
    assert!(!may_create(&mut bench, "x@localhost/A"));
}

/// How long the front takes for what it hears, with everything that it says thrown away.
fn took(bench: &mut Bench, heard: impl IntoIterator<Item = String>) -> std::time::Duration {
    let began = std::time::Instant::now();
    for xml in heard {
        bench.hear_only(xml);
        while bench.front.next_transmit_ms() == i64::MIN {
            bench.transmit(usize::MAX);
        }
    }
    began.elapsed()
}

#[test]
fn four_thousand_people_came_online_and_each_made_all_of_them_anew() {
    const PEOPLE: usize = 4_500;
    for flavour in BOTH {
        let mut bench = Bench::served(settings(), big_room(flavour, PEOPLE));
        let stanza = |number: usize, type_: &str, role: &str| {
            format!(
                "<presence{type_} from='neerc@conference.localhost/hall {number}' to='neerc.localhost'>\
                 <x xmlns='http://jabber.org/protocol/muc#user'><item jid='hall{number}@contest.example.org/Phone' \
                 affiliation='member' role='{role}'/></x></presence>"
            )
        };
        let asks = |number: usize| iq("get", &format!("hall{number}@contest.example.org/Phone"), &query("users"));
        let come = took(&mut bench, (0..PEOPLE).map(|number| stanza(number, "", "participant")));
        let ask = took(&mut bench, (0..50).map(asks));
        assert_eq!(bench.front.sessions(0), PEOPLE);
        let go = took(&mut bench, (0..PEOPLE).map(|number| stanza(number, " type='unavailable'", "none")));
        assert_eq!(bench.front.sessions(0), 0);
        println!(
            "{flavour:?}: {PEOPLE} people come in {come:.2?}, 50 ask for the users in {ask:.2?}, all go in {go:.2?}"
        );
        // By far more than it takes, and by far less than it took when each made all people anew.
        assert!(come.as_secs() < 20 && go.as_secs() < 20, "{come:?} {go:?}");
    }
}
