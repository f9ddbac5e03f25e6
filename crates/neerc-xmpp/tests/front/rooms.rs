//! Joining, creating and staying in a room, with the script as the chat server.

use super::*;
use neerc_xmpp::front::FrontEvent;

const LISTS_ASKED: &str = "
    S: <presence from='neerc.localhost' to='neerc@conference.localhost/neerc'>
         <x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x><caps/>
       </presence>
    S: <iq type='get' id='n1' from='neerc.localhost' to='neerc@conference.localhost'>
         <query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='owner'/></query>
       </iq>
    S: <iq type='get' id='n2' from='neerc.localhost' to='neerc@conference.localhost'>
         <query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='admin'/></query>
       </iq>
    S: <iq type='get' id='n3' from='neerc.localhost' to='neerc@conference.localhost'>
         <query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member'/></query>
       </iq>";

/// The requests for the role lists, from that number on.
fn roles_asked(first: u32) -> String {
    let request = |(id, role): (u32, &str)| {
        format!(
            "S: <iq type='get' id='n{id}' from='neerc.localhost' to='neerc@conference.localhost'>
                  <query xmlns='http://jabber.org/protocol/muc#admin'><item role='{role}'/></query>
                </iq>\n"
        )
    };
    (first..).zip(["moderator", "participant", "visitor"]).map(request).collect()
}

fn own_presence(nick: &str, codes: &[u16]) -> String {
    let codes: String = codes.iter().map(|code| format!("<status code='{code}'/>")).collect();
    format!(
        "<presence from='neerc@conference.localhost/{nick}' to='neerc.localhost'>\
         <x xmlns='http://jabber.org/protocol/muc#user'>\
         <item jid='neerc.localhost' affiliation='owner' role='moderator'/>{codes}</x></presence>"
    )
}

fn join(nick: &str) -> String {
    format!(
        "<presence from='neerc.localhost' to='neerc@conference.localhost/{nick}'>\
         <x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x><caps/></presence>"
    )
}

fn refused(kind: &str, condition: &str) -> String {
    format!(
        "<presence type='error' from='neerc@conference.localhost/neerc' to='neerc.localhost'>\
         <error type='{kind}'><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>"
    )
}

fn lists(bench: &mut Bench) {
    lists_from(bench, 1);
}

/// Answers the requests for the three lists, of which the first has that number.
fn lists_from(bench: &mut Bench, first: u32) {
    for id in first..first + 3 {
        bench.hear(format!(
            "<iq type='result' id='n{id}' from='neerc@conference.localhost' to='neerc.localhost'>\
             <query xmlns='http://jabber.org/protocol/muc#admin'/></iq>"
        ));
    }
}

/// What was said but for the requests for lists, which are read every few seconds while the service is outside.
fn said_but_lists(bench: &mut Bench) -> Vec<String> {
    let said = bench.said().into_iter().filter(|stanza| !stanza.contains("protocol/muc#admin'><item affiliation="));
    said.collect()
}

/// Whether the service asks to come in under that nick, and says nothing else.
fn asks_to_come_in(bench: &mut Bench, nick: &str) -> bool {
    said_but_lists(bench) == [join(nick).replace("<caps/>", bench::CAPS)]
}

#[test]
fn a_missing_room_is_created_with_the_fields_it_offers() {
    let mut bench = Bench::accepted(settings());
    bench.check(&format!(
        "{LISTS_ASKED}
         C: <iq type='error' id='n1' from='neerc@conference.localhost' to='neerc.localhost'>
              <error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>
            </iq>
         C: <iq type='error' id='n2' from='neerc@conference.localhost' to='neerc.localhost'>
              <error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>
            </iq>
         C: <iq type='error' id='n3' from='neerc@conference.localhost' to='neerc.localhost'>
              <error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>
            </iq>
         C: {}
         S: <iq type='get' id='n4' from='neerc.localhost' to='neerc@conference.localhost'>
              <query xmlns='http://jabber.org/protocol/muc#owner'/>
            </iq>
         {}
         C: <iq type='result' id='n4' from='neerc@conference.localhost' to='neerc.localhost'>
              <query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='form'>
                <field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/muc#roomconfig</value></field>
                <field var='muc#roomconfig_membersonly' type='boolean'/>
                <field var='muc#roomconfig_whois' type='list-single'/>
                <field var='muc#roomconfig_persistentroom' type='boolean'/>
                <field var='muc#roomconfig_historylength' type='text-single'/>
              </x></query>
            </iq>
         S: <iq type='set' id='n8' from='neerc.localhost' to='neerc@conference.localhost'>
              <query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>
                <field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>
                <field var='muc#roomconfig_persistentroom'><value>1</value></field>
                <field var='muc#roomconfig_membersonly'><value>1</value></field>
                <field var='muc#roomconfig_whois'><value>anyone</value></field>
              </x></query>
            </iq>
         C: <iq type='result' id='n8' from='neerc@conference.localhost' to='neerc.localhost'/>
         S: <iq type='get' id='n9' from='neerc.localhost' to='neerc@conference.localhost'>
              <query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='owner'/></query>
            </iq>
         S: <iq type='get' id='n10' from='neerc.localhost' to='neerc@conference.localhost'>
              <query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='admin'/></query>
            </iq>
         S: <iq type='get' id='n11' from='neerc.localhost' to='neerc@conference.localhost'>
              <query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member'/></query>
            </iq>",
        own_presence("neerc", &[110, 201]),
        roles_asked(5)
    ));
    assert_eq!(bench.events, [FrontEvent::Online, FrontEvent::RoomCreated("neerc".into())]);
}

#[test]
fn a_join_that_is_refused_comes_with_advice_and_is_tried_again() {
    for (kind, condition, words) in [
        ("auth", "registration-required", "give neerc.localhost the right to enter"),
        ("auth", "forbidden", "give neerc.localhost the right to enter"),
        ("cancel", "not-allowed", "let neerc.localhost create rooms by making it an owner of all rooms"),
        ("cancel", "remote-server-not-found", "correct rooms.service in neerc.toml (conference.localhost)"),
        ("cancel", "item-not-found", "the room is locked or may not be created by the service"),
        ("wait", "service-unavailable", "the server gave no better reason"),
    ] {
        let mut bench = Bench::accepted(settings());
        bench.said();
        lists(&mut bench);
        bench.hear(refused(kind, condition));
        let troubles = bench.troubles();
        assert!(troubles.len() == 1 && troubles[0].contains(words), "{condition}: {troubles:?}");
        assert!(troubles[0].starts_with(&format!("neerc@conference.localhost cannot be joined ({condition}):")));
        bench.pass(9_999);
        assert_eq!(said_but_lists(&mut bench), Vec::<String>::new(), "{condition}");
        bench.pass(1);
        assert!(asks_to_come_in(&mut bench, "neerc"), "{condition}");
        bench.hear(refused(kind, condition));
        assert_eq!(bench.troubles(), Vec::<String>::new(), "{condition}: the same trouble is reported once");
    }
}

#[test]
fn a_taken_nick_is_lengthened() {
    let mut bench = Bench::accepted(settings());
    bench.said();
    bench.check(&format!(
        "C: {}
         S: {}
         C: {}
         {}",
        refused("cancel", "conflict"),
        join("neerc_"),
        own_presence("neerc_", &[100, 110]),
        roles_asked(4),
    ));
    lists(&mut bench);
    lists_from(&mut bench, 4); // those of roles
    lists_from(&mut bench, 7); // asked again, for the first ones were asked for before the join that was granted
    assert!(bench.events.contains(&FrontEvent::Ready), "{:?}", bench.events);
}

#[test]
fn a_nick_conflict_does_not_go_on_for_ever() {
    let mut bench = Bench::accepted(settings());
    bench.said();
    lists(&mut bench);
    bench.said();
    let mut tries = 0;
    let mut nick = "neerc".to_owned();
    loop {
        bench.hear(refused("cancel", "conflict").replace("/neerc'", &format!("/{nick}'")));
        let Some(next) = bench.said().pop() else { break };
        nick = bench::attr(&next, "to").unwrap().split('/').next_back().unwrap().to_owned();
        tries += 1;
        assert!(tries < 20);
    }
    assert_eq!((tries, nick.as_str()), (8, "neerc________"));
    bench.pass(10_000);
    assert!(asks_to_come_in(&mut bench, "neerc"));
}

#[test]
fn a_room_that_does_not_answer_is_joined_again() {
    let mut bench = Bench::accepted(settings());
    bench.said();
    lists(&mut bench);
    for _ in 0..3 {
        bench.pass(5_000);
        bench.hear(" ");
    }
    assert_eq!(bench.troubles(), ["neerc@conference.localhost did not answer the request to join"]);
    assert_eq!(said_but_lists(&mut bench), Vec::<String>::new());
    bench.pass(10_000);
    assert!(asks_to_come_in(&mut bench, "neerc"));
}

#[test]
fn a_join_that_stops_half_way_leaves_nobody_behind() {
    let mut bench = Bench::accepted(settings());
    bench.said();
    lists(&mut bench);
    bench.hear("<presence from='neerc@conference.localhost/hall1' to='neerc.localhost'><x xmlns='http://jabber.org/protocol/muc#user'><item jid='hall1@localhost/Phone' affiliation='member'/></x></presence>");
    assert_eq!(bench.front.sessions(0), 1);
    for _ in 0..3 {
        bench.pass(5_000);
        bench.hear(" ");
    }
    assert_eq!(bench.front.sessions(0), 0, "whether hall1 stays is not known any more");
}

#[test]
fn put_out_of_a_room_or_destroyed_it_is_joined_again() {
    for (payload, words) in [
        ("<item affiliation='none' role='none'/><status code='110'/><status code='307'/>", "put the service out"),
        ("<item affiliation='none' role='none'/><status code='110'/><destroy/>", "was destroyed"),
        ("<item affiliation='none' role='none'/>", "put the service out"), // without 110, by the nick
    ] {
        for flavour in bench::server::BOTH {
            let mut bench = ready(flavour);
            bench.joins("hall1", HALL1);
            bench.server().forget("neerc");
            bench.hear(format!(
                "<presence type='unavailable' from='neerc@conference.localhost/neerc' to='neerc.localhost'>\
                 <x xmlns='http://jabber.org/protocol/muc#user'>{payload}</x></presence>"
            ));
            assert_eq!(bench.troubles(), [format!("neerc@conference.localhost {words}; joining it again")]);
            assert!(!bench.front.rooms()[0].is_inside());
            bench.pass(1_000);
            assert!(bench.front.rooms()[0].is_inside(), "{words}");
            assert_eq!(bench.front.sessions(0), 1);
        }
    }
}

#[test]
fn presences_of_the_room_itself_mean_nobody() {
    let mut bench = ready(Flavour::Ejabberd);
    bench.hear("<presence type='unavailable' from='neerc@conference.localhost' to='neerc.localhost'/>");
    assert!(bench.front.rooms()[0].is_inside());
    assert_eq!(bench.front.sessions(0), 0);
}

#[test]
fn self_pings_tell_whether_the_service_is_still_inside() {
    for (error, inside) in [
        ("", true),
        ("not-acceptable", false),
        ("item-not-found", false),
        ("service-unavailable", true),
        ("feature-not-implemented", true),
        ("remote-server-timeout", true),
    ] {
        let mut bench = Bench::accepted(settings());
        bench.said();
        lists(&mut bench);
        bench.hear(own_presence("neerc", &[110]));
        lists_from(&mut bench, 4); // those of roles
        bench.said();
        for _ in 0..5 {
            bench.pass(12_000);
            bench.hear(" ");
        }
        let said = bench.said();
        assert_eq!(
            said,
            [
                "<iq type='get' id='n8' from='neerc.localhost' to='neerc@conference.localhost/neerc'><ping xmlns='urn:xmpp:ping'/></iq>"
            ]
        );
        let (kind, payload) = match error {
            "" => ("result", String::new()),
            error => (
                "error",
                format!("<error type='cancel'><{error} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"),
            ),
        };
        bench.hear(format!(
            "<iq type='{kind}' id='n8' from='neerc@conference.localhost/neerc' to='neerc.localhost'>{payload}</iq>"
        ));
        let said = bench.said();
        assert_eq!(said, if inside { vec![] } else { vec![join("neerc").replace("<caps/>", bench::CAPS)] }, "{error}");
    }
}

#[test]
fn a_silent_exit_is_noticed_and_what_was_missed_is_told() {
    let mut bench = ready(Flavour::Ejabberd).with_task(&["hall1"]);
    bench.joins("hall1", HALL1);
    bench.server().forget("neerc"); // and hall1's presence with it
    bench.pass(60_000);
    assert!(bench.front.rooms()[0].is_inside());
    assert_eq!(bench.front.sessions(0), 1);
}

#[test]
fn lists_that_may_not_be_read_are_a_trouble_and_presences_still_count() {
    for flavour in bench::server::BOTH {
        let mut server = Server::new(flavour);
        server.lists = false;
        let mut bench = Bench::new(settings());
        bench.server = Some(server);
        bench.connect();
        bench.joins("admin", ADMIN);
        bench.pass(2_000);
        let troubles = bench.troubles();
        assert!(
            troubles.len() == 1 && troubles[0].starts_with("the owner list of neerc@conference.localhost cannot be read (forbidden), so only people who are in the room are known: make neerc.localhost an owner of all rooms; in Prosody by admins"),
            "{troubles:?}"
        );
        assert!(bench.events.contains(&FrontEvent::Ready));
        let said = bench.on(&iq("set", ADMIN, &task("title='T' type='todo'", &[])));
        assert!(said[0].starts_with("<iq type='result'"), "{said:?}");
        assert!(bench.on(&iq("get", HALL1, &query("users")))[0].contains("<forbidden "));
        bench.server().lists = true;
        bench.pass(11_000);
        assert!(bench.on(&iq("get", HALL1, &query("users")))[0].starts_with("<iq type='result'"));
    }
}

#[test]
fn hidden_addresses_are_a_trouble() {
    let mut bench = ready(Flavour::Prosody);
    bench.hear("<presence from='neerc@conference.localhost/x' to='neerc.localhost'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='participant'/></x></presence>");
    let troubles = bench.troubles();
    assert!(troubles.len() == 1 && troubles[0].contains("hides its occupants' addresses"), "{troubles:?}");
}
