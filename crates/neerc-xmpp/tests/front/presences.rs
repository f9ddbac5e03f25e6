//! Contact lists: who has the service in theirs is asked for anew on each connection, and sees when it is gone.

use super::*;
use bench::server::BOTH;

const GAJIM: &str = "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='v'/>";

/// The presences that are said, as `type from > to`.
fn presences(bench: &mut Bench) -> Vec<String> {
    let of = |said: &String| {
        let attr = |name| bench::attr(said, name).unwrap_or_default();
        format!("{} {} > {}", attr("type"), attr("from"), attr("to")).trim_start().to_owned()
    };
    bench.said().iter().filter(|said| said.starts_with("<presence")).map(of).collect()
}

#[test]
fn who_was_reached_by_presence_only_was_forgotten_at_a_restart() {
    for flavour in BOTH {
        let mut bench = ready(flavour);
        bench.restart(0);
        bench.pass(5_000);
        let probes: Vec<String> =
            bench.probes.iter().filter(|probe| probe.contains("to='hall1@localhost'")).cloned().collect();
        assert_eq!(
            probes,
            [
                "<presence type='probe' from='neerc.localhost' to='hall1@localhost'></presence>",
                "<presence type='probe' from='neerc@neerc.localhost' to='hall1@localhost'></presence>"
            ],
            "{flavour:?}"
        );
        bench.said();
        // Who has no subscription is silent, or says so; who has one says which sessions there are.
        bench.hear(format!("<presence type='unsubscribed' from='hall2@localhost' to='{ROOM}'/>"));
        bench.hear(format!("<presence from='{HALL1}' to='{ROOM}'>{GAJIM}</presence>"));
        bench.hear(format!("<presence from='hall1@localhost/Other' to='{ROOM}'>{GAJIM}</presence>"));
        assert_eq!(presences(&mut bench), [format!("{ROOM}/neerc > hall1@localhost")], "once");
        bench.pass(10_000);
        bench.said();
        bench.hear(iq("set", ADMIN, &task("title='T' type='todo'", &["hall1"])));
        bench.pass(2_000);
        let told = bench.said().into_iter().filter(|said| said.contains("new-task")).count();
        assert_eq!(told, 2, "both sessions");
        bench.server = None;
        bench.front.close();
        bench.pump();
        let said: String = bench.said().concat();
        assert_eq!(
            said.matches(&format!("<presence type='unavailable' from='{ROOM}/neerc' to='hall1@localhost'>")).count(),
            1
        );
        assert!(said.ends_with("</stream:stream>"), "{said}");
    }
}

#[test]
fn a_crowd_of_contacts_leaves_others_spoken_to() {
    let mut bench = ready(Flavour::Prosody);
    for number in 0..20_100 {
        bench.hear_only(format!("<presence from='hall2@localhost/{number}' to='{ROOM}'>{GAJIM}</presence>"));
    }
    bench.pass(10_000);
    let troubles = bench.troubles();
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    bench.hear(format!("<presence from='{HALL1}' to='{ROOM}'>{GAJIM}</presence>"));
    bench.pass(10_000);
    bench.said();
    bench.hear(iq("set", ADMIN, &task("title='T' type='todo'", &["hall1", "hall2"])));
    bench.pass(2_000);
    let told: Vec<String> = bench.said().into_iter().filter(|said| said.contains("new-task")).collect();
    assert_eq!(told.len(), 65);
    assert!(told.iter().any(|said| said.contains(&format!("to='{HALL1}'"))));
    assert!(told.iter().any(|said| said.contains("to='hall2@localhost/20099'")), "the latest stay");
}

#[test]
fn many_people_are_asked_a_few_at_a_time() {
    let mut server = Server::new(Flavour::Prosody);
    for number in 0..500 {
        server.affiliate("neerc", &format!("n{number}@localhost"), "member");
    }
    server.take();
    let mut bench = Bench::served(settings(), server);
    bench.pass(1_000);
    assert!((100..=220).contains(&bench.probes.len()), "{} in a second", bench.probes.len());
    bench.pass(10_000);
    let asked = bench.probes.len();
    assert!(asked >= 1_000, "{asked}");
    bench.pass(600_000);
    assert_eq!(bench.probes.len(), asked, "once on each connection");
    bench.disconnect();
    bench.connect();
    bench.pass(10_000);
    assert_eq!(bench.probes.len(), 2 * asked);
}

#[test]
fn a_client_that_did_not_know_the_service_yet_ignored_that_it_is_online() {
    let mut bench = ready(Flavour::Prosody);
    bench.pass(10_000);
    bench.said();
    bench.hear(format!("<presence type='subscribe' from='hall1@localhost' to='{ROOM}'/>"));
    let (here, bare) = (format!("{ROOM}/neerc > hall1@localhost"), format!("{ROOM} > hall1@localhost"));
    assert_eq!(presences(&mut bench), [format!("subscribed {bare}"), here.clone(), format!("subscribe {bare}")]);
    bench.hear(format!("<presence type='subscribed' from='hall1@localhost' to='{ROOM}'/>"));
    assert!(presences(&mut bench).is_empty());
    for said in [vec![here], Vec::new()] {
        bench.hear(format!("<presence from='{HALL1}' to='{ROOM}'>{GAJIM}</presence>"));
        assert_eq!(presences(&mut bench), said, "once more when they answer");
    }
}

#[test]
fn who_writes_from_outside_is_told_once_how_to_be_told_and_asked_to_be_a_contact() {
    let write = |from: &str| format!("<message type='chat' from='{from}' to='{ROOM}'><body>tasks</body></message>");
    let told = |bench: &mut Bench| -> Vec<String> {
        bench.pass(10_000);
        bench.said().into_iter().filter(|said| said.contains("not-here") || said.contains("'subscribe'")).collect()
    };
    for flavour in BOTH {
        let mut bench = ready(flavour);
        bench.pass(10_000);
        bench.said();
        bench.hear(write(HALL1));
        let said = told(&mut bench);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("<body>[not-here room=neerc@conference.localhost]</body>"), "{said:?}");
        assert!(said[0].contains(&format!("to='{HALL1}'")), "{said:?}");
        assert_eq!(
            said[1],
            format!(
                "<presence type='subscribe' from='{ROOM}' to='hall1@localhost'><status>[contact-wish]</status></presence>"
            )
        );
        bench.hear(write(HALL1));
        bench.hear(write("hall1@localhost/Other"));
        assert_eq!(told(&mut bench), Vec::<String>::new(), "once");
        // They accept, and are told of tasks from then on.
        bench.hear(format!("<presence type='subscribed' from='hall1@localhost' to='{ROOM}'/>"));
        bench.hear(format!("<presence from='{HALL1}' to='{ROOM}'>{GAJIM}</presence>"));
        assert_eq!(presences(&mut bench), [format!("{ROOM}/neerc > hall1@localhost")]);
        bench.pass(10_000);
        bench.said();
        bench.hear(iq("set", ADMIN, &task("title='T' type='todo'", &["hall1"])));
        bench.pass(2_000);
        assert_eq!(bench.said().iter().filter(|said| said.contains("new-task")).count(), 1);
        // Who joins right after their first line, or has another session there, needs no telling.
        bench.hear(write(HALL2));
        bench.joins("hall2", HALL2);
        bench.hear(write("hall2@localhost/Other"));
        assert_eq!(told(&mut bench), Vec::<String>::new());
    }
}

#[test]
fn clients_ask_what_the_service_is_where_its_presence_comes_from() {
    let mut bench = ready(Flavour::Prosody);
    for query in ["<query xmlns='http://jabber.org/protocol/disco#info'/>", "<ping xmlns='urn:xmpp:ping'/>"] {
        for (address, answer) in [(format!("{ROOM}/neerc"), "result"), (format!("{ROOM}/other"), "error")] {
            let said = bench.on(&format!("<iq type='get' id='i' from='{HALL1}' to='{address}'>{query}</iq>"));
            let start = format!("<iq type='{answer}' id='i' from='{address}' to='{HALL1}'");
            assert!(said.len() == 1 && said[0].starts_with(&start), "{said:?}");
        }
    }
}
