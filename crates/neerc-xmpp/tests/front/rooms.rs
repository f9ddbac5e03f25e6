//! Joining, creating and staying in a room, with the script as the chat server.

use super::*;
use neerc_xmpp::front::FrontEvent;
use neerc_xmpp::limits;

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
            </iq>
         S: <iq type='get' id='n12' from='neerc.localhost' to='neerc@conference.localhost'>
              <query xmlns='http://jabber.org/protocol/disco#info'/>
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
        ("auth", "not-authorized", "the room has a password, which neerc.localhost does not know"),
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

/// The nick in the last request to come in, or to have another nick.
fn nick_asked_for(bench: &mut Bench) -> Option<String> {
    let said = said_but_lists(bench).into_iter().rfind(|stanza| stanza.starts_with("<presence "))?;
    Some(bench::attr(&said, "to")?.split_once('/')?.1.to_owned())
}

fn conflict(nick: &str) -> String {
    refused("cancel", "conflict").replace("/neerc'", &format!("/{nick}'"))
}

fn occupant(nick: &str, kind: &str, jid: &str, affiliation: &str) -> String {
    format!(
        "<presence{kind} from='neerc@conference.localhost/{nick}' to='neerc.localhost'>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{jid}' affiliation='{affiliation}'/></x></presence>"
    )
}

#[test]
fn a_member_held_the_services_nick_and_kept_it_out() {
    let mut bench = Bench::accepted(settings());
    bench.said();
    bench.hear(conflict("neerc"));
    let nick = nick_asked_for(&mut bench).unwrap();
    assert!(nick.starts_with("neerc-") && nick.len() == "neerc-".len() + 10, "{nick}");
    bench.hear(occupant("neerc", "", "hall1@localhost/Phone", "member"));
    bench.hear(own_presence(&nick, &[100, 110]));
    assert!(bench.front.rooms().next().unwrap().is_inside());
    // The holder is put out, and then the service takes its nick.
    let said = bench.said();
    let put_out = said.iter().find(|stanza| stanza.contains(" role='none'>")).unwrap();
    assert!(put_out.contains("<item nick='neerc' role='none'><reason>[nick-of-the-service]</reason></item>"));
    bench.hear(occupant("neerc", " type='unavailable'", "hall1@localhost/Phone", "member"));
    assert_eq!(nick_asked_for(&mut bench).as_deref(), Some("neerc"));
    // Somebody was faster: the service goes on as it is, and tries again in time.
    bench.hear(conflict("neerc"));
    bench.hear(occupant("neerc", "", "hall2@localhost/Phone", "member"));
    assert!(bench.front.rooms().next().unwrap().is_inside());
    bench.pass(limits::RECLAIM_NICK_MS);
    assert!(bench.said().iter().any(|stanza| stanza.contains("<item nick='neerc' role='none'>")));
}

#[test]
fn whoever_has_power_keeps_the_services_nick_and_is_told_of() {
    let mut bench = Bench::accepted(settings());
    bench.said();
    bench.hear(conflict("neerc"));
    let nick = nick_asked_for(&mut bench).unwrap();
    bench.hear(occupant("neerc", "", "admin@localhost/Desk", "owner"));
    bench.hear(own_presence(&nick, &[100, 110]));
    assert!(!bench.said().iter().any(|stanza| stanza.contains("role='none'")));
    let troubles = bench.troubles();
    assert!(troubles[1].starts_with("the nick neerc in neerc@conference.localhost belongs to admin@localhost"));
}

#[test]
fn nicks_that_are_all_taken_are_tried_quickly_and_never_twice() {
    let mut bench = Bench::accepted(settings());
    bench.said();
    let mut nicks = vec!["neerc".to_owned()];
    for _ in 0..60 {
        bench.hear(conflict(nicks.last().unwrap()));
        match nick_asked_for(&mut bench) {
            Some(nick) => nicks.push(nick),
            None => {
                bench.pass(limits::RETRY_NICK_MS);
                nicks.push(nick_asked_for(&mut bench).expect("a try within a second"));
            }
        }
    }
    let tried = nicks.len();
    nicks.sort();
    nicks.dedup();
    assert_eq!(nicks.len(), tried);
}

#[test]
fn while_the_service_is_outside_whoever_is_deposed_loses_power_within_seconds() {
    for flavour in bench::server::BOTH {
        let mut server = Server::new(flavour);
        server.closed = true;
        let mut bench = Bench::new(settings());
        bench.server = Some(server);
        bench.connect();
        let may = |bench: &mut Bench| {
            bench.on(&iq("set", "tk@localhost/x", &task("title='T' type='todo'", &[])))[0].contains("'result'")
        };
        assert!(may(&mut bench), "{flavour:?}");
        bench.server().list("neerc", "tk@localhost", "member");
        bench.pass(limits::REREAD_OUTSIDE_MS + 500);
        bench.said();
        assert!(!may(&mut bench), "{flavour:?}");
    }
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
            bench.pass(10_000);
            bench.server().forget("neerc");
            bench.hear(format!(
                "<presence type='unavailable' from='neerc@conference.localhost/neerc' to='neerc.localhost'>\
                 <x xmlns='http://jabber.org/protocol/muc#user'>{payload}</x></presence>"
            ));
            assert_eq!(bench.troubles(), [format!("neerc@conference.localhost {words}; joining it again")]);
            // After the end of a room others must not come first.
            assert_eq!(bench.front.rooms().next().unwrap().is_inside(), words == "was destroyed");
            bench.pass(1_000);
            assert!(bench.front.rooms().next().unwrap().is_inside(), "{words}");
            assert_eq!(bench.front.sessions(0), 1);
        }
    }
}

/// The service has left the room, and nobody has made it leave.
const LEFT: &str = "<presence type='unavailable' from='neerc@conference.localhost/neerc' to='neerc.localhost'>\
    <x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner' role='none'/><status code='110'/></x>\
    </presence>";

#[test]
fn the_end_of_an_earlier_stay_was_reported_as_being_put_out() {
    let mut bench = Bench::accepted(settings());
    bench.said();
    lists(&mut bench);
    bench.said();
    // What stopped a moment ago has left under the same nick, which the room says to whoever is connected now.
    bench.hear(LEFT);
    assert_eq!(bench.troubles(), Vec::<String>::new());
    bench.pass(1_000);
    assert!(asks_to_come_in(&mut bench, "neerc"), "the room may have meant this stay");
}

#[test]
fn a_check_right_after_the_services_end_was_put_out_by_it() {
    for flavour in bench::server::BOTH {
        let mut bench = ready(flavour);
        // This connection came in first; only then the server heard that the last one has left.
        bench.server().forget("neerc");
        bench.hear(LEFT);
        assert_eq!(bench.troubles(), Vec::<String>::new());
        bench.pass(1_000);
        assert!(bench.front.rooms().next().unwrap().is_inside(), "the room may have meant this stay");
    }
}

const DESTROYED: &str = "<presence type='unavailable' from='neerc@conference.localhost/neerc' to='neerc.localhost'>\
    <x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='none'/><destroy/>\
    <status code='110'/></x></presence>";

fn may_remove(bench: &mut Bench, from: &str) -> bool {
    let answer = &bench.on(&iq("set", from, &task("id='9' title='' type='remove'", &[])))[0];
    answer.contains("<item-not-found ") // who has power hears that there is no such task
}

#[test]
fn a_member_made_a_destroyed_room_anew_and_removed_the_tasks_of_the_jury() {
    for flavour in bench::server::BOTH {
        let mut bench = ready(flavour);
        bench.joins("hall3", "hall3@localhost/Phone");
        for (who, affiliation) in [("admin", "none"), ("tk", "none"), ("hall1", "none"), ("hall3", "owner")] {
            bench.server().list("neerc", &format!("{who}@localhost"), affiliation);
        }
        bench.server().list("neerc", "friend@localhost", "admin");
        bench.hear(DESTROYED);
        assert!(!may_remove(&mut bench, "hall3@localhost/Phone"), "{flavour:?}");
        let troubles = bench.troubles().join("\n");
        assert!(troubles.contains("friend@localhost, hall3@localhost has power in it and had none"), "{troubles}");
        let users = |bench: &mut Bench, who: &str| bench.on(&iq("get", who, &query("users"))).remove(0);
        assert!(users(&mut bench, "hall3@localhost/x").contains("<user name='hall3' group='Users' power='no'/>"));
        assert!(users(&mut bench, "friend@localhost/x").contains("<forbidden "), "{flavour:?}");
        // It is not said again with each reading, and it does not pass with time.
        bench.pass(2 * limits::REREAD_ROOM_MS);
        assert_eq!(bench.troubles(), Vec::<String>::new());
        assert!(!may_remove(&mut bench, "hall3@localhost/Phone"), "{flavour:?}");
        // Whoever had power may have it again, and once nobody else has it, all is as ever.
        bench.server_says(|server| server.affiliate("neerc", "admin@localhost", "owner"));
        bench.pass(limits::HINT_SPACING_MS);
        assert!(may_remove(&mut bench, ADMIN), "{flavour:?}");
        for who in ["friend@localhost", "hall3@localhost"] {
            bench.server_says(|server| server.affiliate("neerc", who, "member"));
            bench.pass(1_000);
        }
        bench.server_says(|server| server.affiliate("neerc", "new@localhost", "admin"));
        bench.pass(limits::HINT_SPACING_MS);
        bench.said();
        assert!(may_remove(&mut bench, "new@localhost/x"), "{flavour:?}");
    }
}

#[test]
fn an_owner_who_made_the_room_anew_has_power_at_once() {
    let mut bench = ready(Flavour::Ejabberd);
    for who in ["tk", "hall1", "hall2", "hall3"] {
        bench.server().list("neerc", &format!("{who}@localhost"), "none");
    }
    bench.hear(DESTROYED);
    assert!(may_remove(&mut bench, ADMIN));
    assert_eq!(bench.troubles().len(), 1, "that it was destroyed");
}

#[test]
fn a_room_that_is_destroyed_again_and_again_is_joined_ever_more_slowly() {
    let mut bench = ready(Flavour::Ejabberd);
    let mut pauses = Vec::new();
    for _ in 0..7 {
        bench.server().forget("neerc");
        bench.hear(DESTROYED);
        let from_ms = bench.now_ms;
        while !bench.front.rooms().next().unwrap().is_inside() {
            bench.pass(100);
        }
        pauses.push(bench.now_ms - from_ms);
    }
    assert_eq!(pauses, [0, 500, 1_000, 2_000, 4_000, 8_000, 10_000]);
    bench.pass(100_000);
    bench.hear(DESTROYED);
    assert!(bench.front.rooms().next().unwrap().is_inside(), "much later it is at once again");
}

#[test]
fn a_request_to_come_in_that_went_down_with_the_room_is_sent_again() {
    let mut bench = ready(Flavour::Ejabberd);
    bench.server().forget("neerc");
    bench.server().closed = true;
    bench.hear(DESTROYED);
    bench.server().closed = false;
    assert!(!bench.front.rooms().next().unwrap().is_inside());
    bench.pass(limits::REJOIN_MS);
    assert!(bench.front.rooms().next().unwrap().is_inside());
}

fn configured(id: &str, features: &[&str]) -> String {
    let features: String = features.iter().map(|var| format!("<feature var='{var}'/>")).collect();
    format!(
        "<iq type='result' id='{id}' from='neerc@conference.localhost' to='neerc.localhost'>\
         <query xmlns='http://jabber.org/protocol/disco#info'>{features}</query></iq>"
    )
}

#[test]
fn an_open_room_and_one_that_does_not_last_are_troubles() {
    for (features, admits, words) in [
        (&["muc_open", "muc_persistent"][..], false, &["is open, so anybody can come in"][..]),
        (&["muc_open", "muc_persistent"], true, &[]),
        (&["muc_membersonly", "muc_temporary"], true, &["is not persistent"]),
        (&["muc_open", "muc_temporary"], false, &["is open", "and it is not persistent"]),
        (&["muc_membersonly", "muc_persistent"], false, &[]),
        (&["http://jabber.org/protocol/muc"], false, &[]),
    ] {
        let mut settings = settings();
        settings.admit_unaffiliated = admits;
        let mut bench = Bench::accepted(settings);
        bench.said();
        bench.hear(own_presence("neerc", &[110]));
        lists(&mut bench);
        let asked = bench.said().into_iter().find(|stanza| stanza.contains("disco#info")).unwrap();
        let id = bench::attr(&asked, "id").unwrap();
        bench.hear(configured(&id, features));
        let troubles = bench.troubles();
        assert_eq!(troubles.len(), usize::from(!words.is_empty()), "{features:?} {troubles:?}");
        assert!(words.iter().all(|words| troubles[0].contains(words)), "{features:?} {troubles:?}");
        // The room says that its configuration has changed; what was said is not said again.
        bench.pass(1_000);
        bench.said();
        bench.hear(
            "<message type='groupchat' from='neerc@conference.localhost' to='neerc.localhost'>\
             <x xmlns='http://jabber.org/protocol/muc#user'><status code='104'/></x></message>",
        );
        let asked = bench.said().into_iter().find(|stanza| stanza.contains("disco#info")).unwrap();
        bench.hear(configured(&bench::attr(&asked, "id").unwrap(), features));
        assert_eq!(bench.troubles(), Vec::<String>::new());
    }
}

#[test]
fn presences_of_the_room_itself_mean_nobody() {
    let mut bench = ready(Flavour::Ejabberd);
    bench.hear("<presence type='unavailable' from='neerc@conference.localhost' to='neerc.localhost'/>");
    assert!(bench.front.rooms().next().unwrap().is_inside());
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
        bench.hear(configured("n7", &["muc_membersonly", "muc_persistent"]));
        bench.said();
        for _ in 0..5 {
            bench.pass(12_000);
            bench.hear(" ");
        }
        let said = bench.said();
        let id = bench::attr(&said[0], "id").unwrap();
        assert_eq!(
            said,
            [format!(
                "<iq type='get' id='{id}' from='neerc.localhost' to='neerc@conference.localhost/neerc'><ping xmlns='urn:xmpp:ping'/></iq>"
            )]
        );
        let (kind, payload) = match error {
            "" => ("result", String::new()),
            error => (
                "error",
                format!("<error type='cancel'><{error} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"),
            ),
        };
        bench.hear(format!(
            "<iq type='{kind}' id='{id}' from='neerc@conference.localhost/neerc' to='neerc.localhost'>{payload}</iq>"
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
    assert!(bench.front.rooms().next().unwrap().is_inside());
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
            troubles.len() == 1 && troubles[0].starts_with("the owner list of neerc@conference.localhost cannot be read (forbidden), so only people who are in the room are known: make neerc.localhost an owner of all rooms: in "),
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
