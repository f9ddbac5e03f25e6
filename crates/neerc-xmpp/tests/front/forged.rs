//! What others write that looks like the room's word: none of it is believed, and none of it keeps the true word out.

use super::*;
use bench::server::BOTH;
use neerc_xmpp::limits;

const STRANGER: &str = "zoe@elsewhere.example/Web";
const USER: &str = "http://jabber.org/protocol/muc#user";
const CONFERENCE: &str = "neerc@conference.localhost";

fn may_create(bench: &mut Bench, from: &str) -> bool {
    bench.on(&iq("set", from, &task("title='T' type='todo'", &[])))[0].starts_with("<iq type='result'")
}

/// A declined invitation, as one server hands it on: from the room, with everything that its sender put into it.
fn declined(items: &[(&str, &str)]) -> String {
    let items: String =
        items.iter().map(|(jid, affiliation)| format!("<item jid='{jid}' affiliation='{affiliation}'/>")).collect();
    format!(
        "<message from='{CONFERENCE}' to='neerc.localhost'><x xmlns='{USER}'><decline from='{STRANGER}'/>{items}</x>\
         </message>"
    )
}

fn presence(nick: &str, kind: &str, jid: &str, affiliation: &str, more: &str) -> String {
    format!(
        "<presence{kind} from='{CONFERENCE}/{nick}' to='neerc.localhost'>{more}<x xmlns='{USER}'>\
         <item jid='{jid}' affiliation='{affiliation}' role='participant'/></x></presence>"
    )
}

#[test]
fn a_declined_invitation_made_a_stranger_an_owner() {
    let forged = [
        declined(&[("zoe@elsewhere.example", "owner"), ("admin@localhost", "outcast")]),
        declined(&[("elsewhere.example", "owner"), ("admin@localhost", "none")]),
        declined(&[("zoe@elsewhere.example", "admin")]).replace("<decline from='zoe@elsewhere.example/Web'/>", ""),
        declined(&[("zoe@elsewhere.example", "owner")]).replacen("<message ", "<message type='normal' ", 1),
        declined(&[("zoe@elsewhere.example", "owner")]).replacen("<message ", "<message type='groupchat' ", 1),
        declined(&[("zoe@elsewhere.example", "owner")]).replace("decline", "invite"),
    ];
    // The server that is slow to answer shows what is believed before the lists are read again.
    for (flavour, answers) in BOTH.into_iter().flat_map(|flavour| [(flavour, true), (flavour, false)]) {
        for forged in &forged {
            let mut bench = ready(flavour);
            bench.joins("admin", ADMIN);
            bench.pass(1_000);
            bench.server().pongs = answers;
            let before = bench.on(&iq("get", ADMIN, &query("users")));
            bench.hear(forged);
            assert!(!may_create(&mut bench, STRANGER), "{flavour:?} {forged}");
            assert_eq!(bench.on(&iq("get", ADMIN, &query("users"))), before, "{flavour:?} {forged}");
            bench.pass(1_000);
            assert!(!may_create(&mut bench, STRANGER) && may_create(&mut bench, ADMIN), "{flavour:?} {forged}");
        }
    }
}

#[test]
fn a_deposed_owner_forges_their_power_in_vain() {
    for flavour in BOTH {
        let mut bench = ready(flavour);
        bench.pass(1_000);
        let forged = declined(&[("tk@localhost", "owner")]);
        bench.hear(&forged);
        bench.server_says(|server| server.affiliate("neerc", "tk@localhost", "member"));
        for _ in 0..99 {
            bench.hear(&forged);
            bench.pass(10);
        }
        assert!(!may_create(&mut bench, "tk@localhost/Desk"), "{flavour:?}: after a second");
        for _ in 0..20 {
            bench.hear(&forged);
            bench.pass(100);
            assert!(!may_create(&mut bench, "tk@localhost/Desk"), "{flavour:?}");
        }
    }
}

#[test]
fn a_flood_of_forged_hints_costs_the_server_little_and_hides_no_true_one() {
    for flavour in BOTH {
        let mut bench = ready(flavour);
        bench.pass(1_000);
        let forged = declined(&[("zoe@elsewhere.example", "owner")]);
        let (began_ms, asked) = (bench.now_ms, bench.server().list_requests);
        for turn in 0..1_000 {
            for _ in 0..10 {
                bench.hear(&forged);
            }
            if turn == 500 {
                bench.server_says(|server| server.affiliate("neerc", "hall1@localhost", "admin"));
            }
            bench.pass(10);
            assert_eq!(bench.said(), Vec::<String>::new());
        }
        let readings = (bench.server().list_requests - asked) / 3;
        let most = (bench.now_ms - began_ms) / limits::HINT_SPACING_MS + 2;
        assert!(readings as i64 <= most, "{flavour:?}: {readings} readings in {} ms", bench.now_ms - began_ms);
        assert!(may_create(&mut bench, HALL1), "{flavour:?}");
        // A hint alone is read for at once.
        bench.pass(10_000);
        bench.server_says(|server| server.affiliate("neerc", "hall1@localhost", "member"));
        assert!(!may_create(&mut bench, HALL1), "{flavour:?}");
    }
}

#[test]
fn hints_while_the_server_does_not_answer_start_one_reading() {
    let mut bench = ready(bench::server::Flavour::Ejabberd);
    bench.pass(1_000);
    bench.server().pongs = false;
    let asked = bench.server().list_requests;
    for _ in 0..1_000 {
        bench.hear(declined(&[("zoe@elsewhere.example", "owner")]));
        bench.pass(10);
        bench.hear(" ");
    }
    // What is not answered is asked again a few times, whatever is hinted.
    let requests = bench.server().list_requests - asked;
    assert!(requests <= 15, "{requests} requests in 10 s");
}

/// A reading of the lists begins for a hint, and is answered so much later.
fn a_reading_takes(bench: &mut Bench, ms: i64) {
    bench.pass(60_000);
    bench.hear_only(declined(&[("zoe@elsewhere.example", "owner")]));
    bench.now_ms += ms;
    bench.pump();
    bench.said();
}

#[test]
fn after_a_machine_had_slept_for_an_hour_rights_were_followed_an_hour_late() {
    for flavour in BOTH {
        let mut bench = ready(flavour);
        a_reading_takes(&mut bench, 3_600_000);
        bench.server_says(|server| server.affiliate("neerc", "hall1@localhost", "admin"));
        assert!(may_create(&mut bench, HALL1), "{flavour:?}: at once");
        // A server that is slow to answer is left in peace for as long as it took.
        a_reading_takes(&mut bench, 4_000);
        bench.server_says(|server| server.affiliate("neerc", "hall1@localhost", "member"));
        bench.pass(3_500);
        assert!(may_create(&mut bench, HALL1), "{flavour:?}: not yet");
        bench.pass(1_000);
        assert!(!may_create(&mut bench, HALL1), "{flavour:?}");
    }
}

#[test]
fn an_admin_hid_the_loss_of_power_in_an_unreadable_presence() {
    let many = "<a/>".repeat(limits::STANZA_NODES + 1);
    let long = format!("<status>{}</status>", "x".repeat(limits::STANZA_BYTES));
    for hiding in [many, long] {
        let mut bench = ready(bench::server::Flavour::Prosody);
        bench.joins("tk", "tk@localhost/Desk");
        bench.joins("hall1", HALL1);
        bench.pass(1_000);
        assert!(may_create(&mut bench, "tk@localhost/Desk"));
        bench.server().list("neerc", "tk@localhost", "member");
        bench.hear(presence("tk", "", "tk@localhost/Desk", "member", &hiding));
        bench.pass(1_000);
        bench.said();
        assert!(!may_create(&mut bench, "tk@localhost/Desk"));
        // Nor does somebody stay in the room who has left it in such a way.
        let sessions = bench.front.sessions(0);
        bench.hear(presence("hall1", " type='unavailable'", HALL1, "member", &hiding));
        assert_eq!(bench.front.sessions(0), sessions - 1);
        bench.hear(presence("neerc", " type='unavailable'", "neerc.localhost", "none", &hiding));
        assert!(!bench.front.rooms().next().unwrap().is_inside(), "the service was put out");
        bench.pass(1_000);
        assert!(bench.front.rooms().next().unwrap().is_inside());
    }
}

#[test]
fn a_hint_takes_no_power_from_owners_whom_no_list_names() {
    for flavour in BOTH {
        let mut server = bench::server::Server::new(flavour);
        server.implicit.insert("root@localhost".to_owned());
        let mut bench = Bench::served(settings(), server);
        bench.joins("root", "root@localhost/Desk");
        bench.pass(1_000);
        bench.hear(declined(&[("root@localhost", "outcast")]));
        bench.pass(1_000);
        assert!(may_create(&mut bench, "root@localhost/Desk"), "{flavour:?}");
        bench.leaves("root", "root@localhost/Desk");
        bench.hear(declined(&[("root@localhost", "outcast")]));
        bench.pass(limits::REREAD_ROOM_MS / 2);
        assert!(may_create(&mut bench, "root@localhost/Desk"), "{flavour:?}: who has left is remembered for a while");
        bench.pass(2 * limits::REREAD_ROOM_MS);
        assert!(!may_create(&mut bench, "root@localhost/Desk"), "{flavour:?}: but not for ever");
    }
}

#[test]
fn who_was_made_an_owner_while_there_is_not_remembered_as_one_whom_no_list_names() {
    for flavour in BOTH {
        let mut bench = ready(flavour);
        bench.joins("hall1", HALL1);
        for affiliation in ["owner", "member", "admin"] {
            bench.server_says(|server| server.affiliate("neerc", "hall1@localhost", affiliation));
            bench.pass(limits::REREAD_ROOM_MS + 1);
        }
        bench.leaves("hall1", HALL1);
        bench.server_says(|server| server.affiliate("neerc", "hall1@localhost", "member"));
        bench.pass(1_000);
        bench.said();
        assert!(!may_create(&mut bench, HALL1), "{flavour:?}");
    }
}

#[test]
fn an_occupant_without_a_name_spoke_for_everybody_of_its_domain() {
    let mut settings = settings();
    settings.admit_unaffiliated = true;
    for affiliation in ["owner", "none"] {
        let mut bench = Bench::served(settings.clone(), Server::new(Flavour::Ejabberd));
        bench.hear(presence("gateway", "", "irc.example", affiliation, ""));
        let said = bench.on(&iq("get", "anybody@irc.example/x", &query("users")));
        assert!(said[0].contains("<forbidden "), "{affiliation}: {said:?}");
        bench.pass(1_000);
    }
}

#[test]
fn a_session_that_only_a_role_list_named_kept_the_power_that_its_owner_had_lost() {
    let mut bench = Bench::accepted(settings());
    bench.hear(presence("neerc", "", "neerc.localhost", "owner", "").replace("</x>", "<status code='110'/></x>"));
    let ids: Vec<String> = bench.said().iter().filter_map(|said| bench::attr(said, "id")).collect();
    let list = |id: &str, items: &str| {
        format!(
            "<iq type='result' id='{id}' from='{CONFERENCE}' to='neerc.localhost'>\
             <query xmlns='http://jabber.org/protocol/muc#admin'>{items}</query></iq>"
        )
    };
    let lists = &ids[ids.iter().position(|id| id == "n1").unwrap()..];
    for id in &lists[..3] {
        bench.hear(list(id, if id == "n3" { "<item jid='tk@localhost' affiliation='member'/>" } else { "" }));
    }
    let seat = |resource: &str| {
        format!("<item nick='tk' jid='tk@localhost/{resource}' affiliation='admin' role='participant'/>")
    };
    bench.hear(list(&lists[3], &format!("{}{}", seat("A"), seat("B"))));
    bench.hear(presence("tk", "", "tk@localhost/B", "member", "")); // of two sessions one server names one
    bench.hear(list(&lists[4], ""));
    bench.hear(list(&lists[5], ""));
    bench.said();
    assert!(!may_create(&mut bench, "tk@localhost/A"));
}
