//! Which sessions are told of a change, and which never.

use super::*;
use bench::server::BOTH;
use neerc_xmpp::limits;

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

/// A message for that session comes back.
fn bounce(bench: &mut Bench, from: &str) {
    bench.hear(format!("<message type='error' from='{from}' to='neerc.localhost'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"));
}

#[test]
fn a_message_that_comes_back_is_the_last_one() {
    for flavour in BOTH {
        let mut bench = ready(flavour).with_task(&["hall1"]);
        bench.hear(iq("get", HALL2, &query("tasks")));
        bench.joins("hall3", "hall3@localhost/Phone");
        assert_eq!(told_now(&mut bench, "running"), [HALL2, "hall3@localhost/Phone"]);
        bounce(&mut bench, HALL2);
        assert_eq!(told_now(&mut bench, "success"), ["hall3@localhost/Phone"], "{flavour:?}");
    }
}

#[test]
fn a_message_came_back_from_somebody_who_is_still_in_the_room_and_is_told_again() {
    for flavour in BOTH {
        let mut bench = ready(flavour).with_task(&["hall1"]);
        bench.joins("hall2", HALL2);
        bench.joins("hall2", "hall2@localhost/Gone");
        bench.server().lose("neerc", "hall2@localhost/Gone");
        for session in [HALL2, "hall2@localhost/Gone"] {
            bounce(&mut bench, session);
        }
        assert_eq!(bench.answers(HALL1, "running"), Vec::<String>::new(), "{flavour:?}: not before the room was asked");
        assert_eq!(told_now(&mut bench, "success"), [HALL2], "{flavour:?}");
    }
}

#[test]
fn what_changed_between_a_bounce_and_the_word_of_the_room_was_missed() {
    let lost = "hall2@localhost/Gone";
    for flavour in BOTH {
        let mut bench = ready(flavour).with_task(&["hall1"]);
        bench.hear(iq("set", ADMIN, &task("title='U' type='todo'", &["hall1"])));
        for jid in [HALL2, lost] {
            bench.joins("hall2", jid);
        }
        assert_eq!(told_now(&mut bench, "running"), [HALL2, lost]);
        bench.hear(iq("set", HALL1, &status(1, "success"))); // to be told in 50 ms
        bench.server().lose("neerc", lost);
        for session in [HALL2, lost, HALL2] {
            bounce(&mut bench, session);
        }
        bench.hear(iq("set", ADMIN, &task("id='t2' type='remove'", &[])));
        assert_eq!(bench.recipients(), [""; 0], "{flavour:?}: not before the room was asked");
        bench.pass(1_000);
        let mut said: Vec<String> = bench.said().into_iter().filter(|said| said.starts_with("<message")).collect();
        said.sort();
        assert!(said.iter().all(|said| said.contains(&format!("to='{HALL2}'"))), "{said:?}");
        let tells = |said: &[String], what: &str| said.iter().filter(|said| said.contains(what)).count();
        let both = (tells(&said, "type='success'"), tells(&said, "<task id='t2' title='' type='remove'/>"));
        assert_eq!((both, said.len()), ((1, 1), 2), "{flavour:?}: {said:?}");
    }
}

#[test]
fn a_server_that_gives_everything_back_is_told_each_change_once() {
    for flavour in BOTH {
        let mut bench = ready(flavour).with_task(&["hall1"]);
        bench.joins("hall2", HALL2);
        for kind in ["running", "success", "none"] {
            bench.pass(10_000);
            bench.hear(iq("set", HALL1, &status(1, kind)));
            let mut told = 0;
            for _ in 0..600 {
                for _ in bench.recipients().iter().filter(|to| *to == HALL2) {
                    told += 1;
                    bounce(&mut bench, HALL2);
                }
                bench.pass(100);
            }
            assert_eq!(told, 1, "{flavour:?}");
        }
    }
}

#[test]
fn a_session_left_unseen_and_asked_and_was_not_told() {
    for flavour in BOTH {
        let mut bench = ready(flavour).with_task(&["hall1"]);
        for jid in [HALL1, SECOND, THIRD] {
            bench.joins("hall1", jid);
        }
        bench.pass(limits::REREAD_ROLES_MS);
        for jid in [SECOND, THIRD] {
            bench.server().lose("neerc", jid);
        }
        bench.hear(iq("get", SECOND, &query("tasks")));
        bench.pass(limits::REREAD_ROLES_MS + 1_000); // by now the lists have said who has gone
        bench.said();
        assert_eq!(
            bench.answers(HALL1, "running"),
            [HALL1, SECOND],
            "{flavour:?}: who asked waits for the answer to be kept up"
        );
        bench.pass(limits::ASKER_MS);
        assert_eq!(told_now(&mut bench, "success"), [HALL1], "{flavour:?}: for a minute");
    }
}

#[test]
fn after_a_start_only_one_session_of_a_shared_account_was_told() {
    for flavour in BOTH {
        let mut server = Server::new(flavour);
        for jid in [HALL1, SECOND, THIRD] {
            server.join("neerc", "hall1", jid);
        }
        let mut bench = Bench::served(settings(), server).with_task(&["hall1"]);
        let mut told = told_now(&mut bench, "running");
        told.sort();
        assert_eq!(told, [HALL1, SECOND, THIRD], "{flavour:?}: after a start");
        bench.server_says(|server| server.kick("neerc"));
        bench.answers(HALL1, "success");
        bench.pass(2_000);
        let mut told = bench.recipients();
        told.sort();
        assert_eq!(told, [HALL1, SECOND, THIRD], "{flavour:?}: what it missed while it was put out");
        bench.disconnect();
        bench.connect();
        let mut told = told_now(&mut bench, "none");
        told.sort();
        assert_eq!(told, [HALL1, SECOND, THIRD], "{flavour:?}: after a lost link");
    }
}

#[test]
fn two_devices_under_one_nick_one_of_which_went_over_to_another_and_only_the_other_left() {
    for flavour in BOTH {
        for roles in [true, false] {
            let mut server = Server::new(flavour);
            server.roles = roles;
            let mut bench = Bench::served(settings(), server).with_task(&["hall1"]);
            bench.joins("x", HALL1);
            bench.joins("x", SECOND);
            bench.server_says(|server| server.rename("neerc", "x", "z", SECOND));
            bench.leaves("x", HALL1);
            assert_eq!(bench.answers(HALL1, "running"), [SECOND], "{flavour:?} {roles}: at once");
            assert_eq!(told_now(&mut bench, "success"), [SECOND], "{flavour:?} {roles}");
            bench.leaves("z", SECOND);
            assert_eq!(told_now(&mut bench, "none"), Vec::<String>::new(), "{flavour:?} {roles}");
        }
    }
}

#[test]
fn a_session_went_over_to_a_nick_that_its_account_had_already_and_counted_as_gone() {
    for flavour in BOTH {
        let mut bench = ready(flavour).with_task(&["hall1"]);
        bench.joins("x", HALL1);
        bench.joins("z", SECOND);
        bench.answers(HALL1, "running");
        bench.hear(iq("set", HALL1, &status(1, "success"))); // to be told in 50 ms
        bench.server_says(|server| server.rename("neerc", "x", "z", HALL1));
        bench.pass(50);
        assert_eq!(bench.recipients(), [HALL1, SECOND], "{flavour:?}: what was to be told in that moment");
        assert_eq!(told_now(&mut bench, "none"), [HALL1, SECOND], "{flavour:?}");
        bench.leaves("z", SECOND);
        bench.pass(30_000); // one server says nothing of it
        assert_eq!(told_now(&mut bench, "running"), [HALL1], "{flavour:?}");
    }
}

#[test]
fn a_session_that_came_under_a_second_nick_left_with_that_only() {
    for flavour in BOTH {
        let mut bench = ready(flavour).with_task(&["hall1"]);
        for (nick, jid) in [("x", HALL1), ("x", SECOND), ("x", THIRD)] {
            bench.joins(nick, jid);
        }
        bench.server_says(|server| server.rename("neerc", "x", "y", THIRD));
        bench.leaves("y", THIRD);
        assert_eq!(told_now(&mut bench, "running"), [HALL1, SECOND], "{flavour:?}");
        bench.leaves("x", HALL1);
        bench.pass(30_000); // one server says nothing of it
        assert_eq!(told_now(&mut bench, "success"), [SECOND], "{flavour:?}");
    }
}

#[test]
fn a_nick_is_put_out_with_all_its_sessions_and_no_other() {
    for flavour in BOTH {
        for roles in [true, false] {
            let mut server = Server::new(flavour);
            server.roles = roles;
            let mut bench = Bench::served(settings(), server).with_task(&["hall1"]);
            for (nick, jid) in [("x", HALL1), ("x", SECOND), ("y", THIRD), ("z", HALL2)] {
                bench.joins(nick, jid);
            }
            bench.server_says(|server| server.put_out("neerc", "x"));
            assert_eq!(told_now(&mut bench, "running"), [THIRD, HALL2], "{flavour:?} {roles}");
        }
    }
}

#[test]
fn an_old_nick_that_goes_takes_nobody_with_it_who_has_another() {
    let mut bench = ready(Flavour::Ejabberd).with_task(&["hall1"]);
    bench.joins("x", HALL1);
    bench.server_says(|server| server.rename("neerc", "x", "z", HALL1));
    bench.hear("<presence type='unavailable' from='neerc@conference.localhost/x' to='neerc.localhost'><x xmlns='http://jabber.org/protocol/muc#user'><item jid='hall1@localhost/Phone' affiliation='member' role='none'/></x></presence>");
    assert_eq!(told_now(&mut bench, "running"), [HALL1]);
}

#[test]
fn a_nick_went_without_a_word_who() {
    let gone = "<presence type='unavailable' from='neerc@conference.localhost/x' to='neerc.localhost'><x xmlns='http://jabber.org/protocol/muc#user'/></presence>";
    for (roles, is_here, told) in [(true, true, true), (true, false, false), (false, true, false)] {
        let mut server = Server::new(Flavour::Prosody);
        server.roles = roles;
        let mut bench = Bench::served(settings(), server).with_task(&["hall1"]);
        bench.joins("x", HALL1);
        bench.hear(gone);
        if !is_here {
            bench.server().lose("neerc", HALL1);
        }
        assert_eq!(told_now(&mut bench, "running"), [HALL1][..usize::from(told)], "lists {roles}, here {is_here}");
    }
}

#[test]
fn one_of_several_went_and_nothing_was_said() {
    let mut bench = ready(Flavour::Ejabberd).with_task(&["hall1"]);
    for jid in [HALL1, SECOND, THIRD] {
        bench.joins("hall1", jid);
    }
    bench.leaves("hall1", SECOND);
    bench.pass(30_000);
    assert_eq!(told_now(&mut bench, "running"), [HALL1, THIRD]);
}

#[test]
fn two_sessions_that_change_their_status_made_the_service_ask_all_the_time() {
    for flavour in BOTH {
        let mut bench = ready(flavour);
        bench.joins("hall1", HALL1);
        bench.joins("hall1", SECOND);
        bench.pass(1_000);
        bench.server().asked = 0;
        for _ in 0..100 {
            bench.server_says(|server| server.show("neerc", "hall1"));
            bench.pass(100);
        }
        let asked = bench.server().asked;
        assert!(asked <= 12 * 3, "{flavour:?}: {asked} requests and presences in 10 s");
        bench.pass(2_000);
        bench.server().asked = 0;
        bench.pass(60_000);
        assert!(bench.server().asked <= 2 * 3 + 5, "{flavour:?}: {} in a quiet minute", bench.server().asked);
    }
}

#[test]
fn a_server_that_gives_no_role_lists_is_not_asked_again_and_again() {
    let mut server = Server::new(Flavour::Prosody);
    server.roles = false;
    let mut bench = Bench::served(settings(), server);
    bench.joins("hall1", HALL1);
    bench.joins("hall1", SECOND);
    bench.server().asked = 0;
    for _ in 0..60 {
        bench.server_says(|server| server.show("neerc", "hall1"));
        bench.pass(1_000);
    }
    assert!(bench.server().asked <= 2 * 3 + 5, "{} in a minute", bench.server().asked);
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
