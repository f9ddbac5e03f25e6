//! Which sessions are told of a change, and which never.

use super::*;
use bench::server::BOTH;

const SECOND: &str = "hall1@localhost/Second";
const THIRD: &str = "hall1@localhost/Third";

/// Who is told when hall1 answers, with all spacing over.
fn told_now(bench: &mut Bench, kind: &str) -> Vec<String> {
    bench.pass(1_000);
    bench.said();
    bench.answers(HALL1, kind)
}

#[test]
fn occupants_are_told_with_every_session_of_a_nick() {
    for flavour in BOTH {
        let mut bench = ready(flavour).with_task(&["hall1"]);
        for (nick, jid) in [("hall1", HALL1), ("hall1", SECOND), ("hall1", THIRD), ("chief", ADMIN)] {
            bench.joins(nick, jid);
        }
        assert_eq!(told_now(&mut bench, "running"), [HALL1, SECOND, THIRD, ADMIN], "{flavour:?}");
        bench.leaves("chief", ADMIN);
        assert_eq!(told_now(&mut bench, "success"), [HALL1, SECOND, THIRD], "{flavour:?}");
    }
}

#[test]
fn people_who_were_there_before_the_service_are_told_too() {
    for flavour in BOTH {
        let mut server = Server::new(flavour);
        server.join("neerc", "hall1", HALL1);
        server.join("neerc", "hall2", HALL2);
        let mut bench = Bench::served(settings(), server).with_task(&["hall1"]);
        assert_eq!(told_now(&mut bench, "running"), [HALL1, HALL2], "{flavour:?}");
    }
}

#[test]
fn one_of_several_sessions_goes() {
    let mut bench = ready(Flavour::Prosody).with_task(&["hall1"]);
    bench.joins("hall1", HALL1);
    bench.joins("hall1", SECOND);
    bench.joins("hall1", THIRD);
    bench.pass(1_000);
    // The presence still names all of them; so the state is asked for anew.
    bench.leaves("hall1", SECOND);
    assert_eq!(told_now(&mut bench, "running"), [HALL1, THIRD]);
    bench.leaves("hall1", HALL1);
    bench.pass(1_000);
    bench.leaves("hall1", THIRD);
    assert_eq!(told_now(&mut bench, "success"), Vec::<String>::new());
}

#[test]
fn a_change_of_nick_is_no_leaving() {
    let mut bench = ready(Flavour::Prosody).with_task(&["hall1"]);
    bench.joins("hall1", HALL1);
    assert_eq!(bench.answers(HALL1, "running"), [HALL1]);
    bench.hear(iq("set", HALL1, &status(1, "success"))); // to be told in 50 ms
    bench.hear("<presence type='unavailable' from='neerc@conference.localhost/hall1' to='neerc.localhost'><x xmlns='http://jabber.org/protocol/muc#user'><item jid='hall1@localhost/Phone' affiliation='member' role='participant' nick='one'/><status code='303'/></x></presence>");
    bench.hear("<presence from='neerc@conference.localhost/one' to='neerc.localhost'><x xmlns='http://jabber.org/protocol/muc#user'><item jid='hall1@localhost/Phone' affiliation='member' role='participant'/></x></presence>");
    bench.pass(50);
    assert_eq!(bench.recipients(), [HALL1]);
    bench.hear("<presence type='unavailable' from='neerc@conference.localhost/one' to='neerc.localhost'><x xmlns='http://jabber.org/protocol/muc#user'><item jid='hall1@localhost/Phone' affiliation='member' role='none'/></x></presence>");
    assert_eq!(bench.front.sessions(0), 0);
}

#[test]
fn who_asks_for_the_tasks_is_told_for_a_minute() {
    let mut bench = ready(Flavour::Prosody).with_task(&["hall1"]);
    bench.hear(iq("get", HALL2, &query("tasks")));
    assert_eq!(told_now(&mut bench, "running"), [HALL2]);
    bench.pass(58_000);
    bench.said();
    assert_eq!(bench.answers(HALL1, "none"), [HALL2]);
    bench.hear(iq("get", HALL2, &query("tasks")));
    bench.pass(60_000);
    bench.said();
    assert_eq!(bench.answers(HALL1, "success"), [HALL2], "60 s count from the last request");
    assert_eq!(told_now(&mut bench, "running"), Vec::<String>::new());
}

#[test]
fn who_asks_for_something_else_is_not_told() {
    let mut bench = ready(Flavour::Prosody).with_task(&["hall1"]);
    for payload in [query("users"), query("ping"), query("clock"), query("tasks").replace("/>", " for='nobody'/>")] {
        bench.hear(iq("get", HALL2, &payload));
    }
    bench.hear(iq("get", "visitor@localhost/Web", &query("tasks")));
    assert_eq!(told_now(&mut bench, "running"), Vec::<String>::new());
}

#[test]
fn who_asked_and_then_joined_is_told_until_they_leave() {
    for flavour in BOTH {
        let mut bench = ready(flavour).with_task(&["hall1"]);
        bench.hear(iq("get", HALL2, &query("tasks")));
        bench.joins("hall2", HALL2);
        bench.pass(100_000);
        assert_eq!(told_now(&mut bench, "running"), [HALL2]);
        bench.hear(iq("get", HALL2, &query("tasks")));
        bench.leaves("hall2", HALL2);
        assert_eq!(told_now(&mut bench, "success"), Vec::<String>::new(), "gone is gone, whatever was asked");
    }
}

#[test]
fn directed_presence_is_told_until_it_is_withdrawn() {
    for to in ["neerc.localhost", ROOM] {
        let mut bench = ready(Flavour::Prosody).with_task(&["hall1"]);
        bench.hear(format!("<presence from='{HALL2}' to='{to}'/>"));
        bench.hear(format!("<presence from='visitor@localhost/Web' to='{to}'/>"));
        bench.hear(format!("<presence from='hall3@localhost' to='{to}'/>"));
        bench.pass(100_000);
        assert_eq!(told_now(&mut bench, "running"), [HALL2]);
        bench.hear(format!("<presence type='unavailable' from='{HALL2}' to='{to}'/>"));
        assert_eq!(told_now(&mut bench, "success"), Vec::<String>::new());
    }
}

#[test]
fn directed_presence_that_is_withdrawn_leaves_an_occupant_an_occupant() {
    let mut bench = ready(Flavour::Prosody).with_task(&["hall1"]);
    bench.joins("hall2", HALL2);
    bench.hear(format!("<presence from='{HALL2}' to='neerc.localhost'/>"));
    bench.hear(format!("<presence type='unavailable' from='{HALL2}' to='neerc.localhost'/>"));
    assert_eq!(told_now(&mut bench, "running"), [HALL2]);
    bench.leaves("hall2", HALL2);
    assert_eq!(told_now(&mut bench, "success"), Vec::<String>::new());
}

#[test]
fn a_message_that_comes_back_is_the_last_one() {
    let mut bench = ready(Flavour::Prosody).with_task(&["hall1"]);
    bench.joins("hall2", HALL2);
    bench.joins("hall3", "hall3@localhost/Phone");
    assert_eq!(told_now(&mut bench, "running"), [HALL2, "hall3@localhost/Phone"]);
    bench.hear(format!("<message type='error' from='{HALL2}' to='neerc.localhost'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"));
    assert_eq!(told_now(&mut bench, "success"), ["hall3@localhost/Phone"]);
}

#[test]
fn nobody_is_told_at_a_bare_jid() {
    let mut bench = ready(Flavour::Prosody).with_task(&["hall1"]);
    let said = bench.on(&iq("get", "hall2@localhost", &query("tasks")));
    assert!(said.len() == 1 && said[0].starts_with("<iq type='result'"));
    let said = bench.on(&iq("set", "hall2@localhost", &status(1, "success")));
    assert!(said.len() == 1 && said[0].contains("<forbidden "), "{said:?}");
    assert_eq!(told_now(&mut bench, "running"), Vec::<String>::new());
}

#[test]
fn who_lost_the_rights_is_not_told() {
    for flavour in BOTH {
        let mut bench = ready(flavour).with_task(&["hall1"]);
        bench.joins("hall2", HALL2);
        bench.joins("chief", ADMIN);
        bench.server_says(|server| server.affiliate("neerc", "hall2@localhost", "none"));
        assert_eq!(told_now(&mut bench, "running"), [ADMIN], "{flavour:?}");
        bench.server_says(|server| server.affiliate("neerc", "hall2@localhost", "member"));
        assert_eq!(told_now(&mut bench, "success"), [HALL2, ADMIN], "{flavour:?}");
    }
}

#[test]
fn who_asked_is_told_while_the_service_is_out_of_the_room() {
    let mut bench = ready(Flavour::Prosody).with_task(&["hall1"]);
    bench.hear(iq("get", HALL2, &query("tasks")));
    bench.said();
    bench.server_says(|server| server.kick("neerc"));
    assert_eq!(bench.answers(HALL1, "running"), [HALL2], "at once, not when the room is joined again");
}
