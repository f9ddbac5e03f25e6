//! What a check must see before it touches anything, and what the service says of a server that says nothing itself.

use super::*;
use bench::server::HEADER;
use neerc_xmpp::front::FrontEvent;
use neerc_xmpp::limits::LOOK_PINGS;

const PING: &str = "<look xmlns='urn:neerc:look'/>";

/// A service that looks first, accepted; and its pings to itself.
fn looking() -> (Bench, Vec<String>) {
    let mut bench = Bench::new(settings());
    bench.front.look_first();
    bench.connect();
    bench.hear(HEADER);
    bench.hear("<handshake/>");
    let mut said = bench.said();
    let pings = said.split_off(2);
    assert_eq!(pings.len(), LOOK_PINGS);
    for ping in &pings {
        assert!(ping.contains("from='neerc.localhost' to='neerc.localhost'") && ping.contains(PING), "{ping}");
    }
    (bench, pings)
}

#[test]
fn a_check_put_the_running_service_out_of_its_room() {
    let (mut bench, pings) = looking();
    for ping in pings.iter().step_by(2) {
        bench.hear(ping); // the server has dealt the others to the service that runs
    }
    let said = bench.on(&iq("get", HALL1, &query("tasks")));
    assert!(said.len() == 1 && said[0].contains("type='wait'"), "{said:?}");
    bench.pass(499);
    assert_eq!((bench.said(), bench.troubles()), (Vec::new(), Vec::new()));
    bench.pass(1);
    let troubles = bench.troubles();
    assert!(
        troubles.len() == 1 && troubles[0].starts_with("another connection of neerc.localhost is open: some pings"),
        "{troubles:?}"
    );
    assert_eq!(bench.said(), Vec::<String>::new(), "no room was entered");
}

#[test]
fn a_check_that_is_alone_enters_at_once_and_where_pings_to_oneself_go_nowhere_in_time() {
    let entered = |bench: &mut Bench| bench.said().iter().any(|said| said.starts_with("<presence"));
    let (mut bench, pings) = looking();
    for ping in &pings {
        assert!(!entered(&mut bench));
        bench.hear(ping);
    }
    assert!(entered(&mut bench));
    let (mut bench, _) = looking();
    bench.pass(1_999);
    assert!(!entered(&mut bench));
    bench.pass(1);
    assert!(entered(&mut bench));
    // After a lost connection it looks again.
    bench.disconnect();
    bench.connect();
    bench.hear(HEADER);
    bench.hear("<handshake/>");
    assert_eq!(bench.said().iter().filter(|said| said.contains(PING)).count(), LOOK_PINGS);
}

#[test]
fn a_server_that_answers_pings_to_ourselves_by_itself_tells_of_no_other_connection() {
    let mut bench = Bench::new(settings());
    bench.server = Some(Server::new(Flavour::Ejabberd));
    bench.connect();
    assert!(bench.events.contains(&FrontEvent::Ready), "{:?}", bench.events);
    assert_eq!(bench.troubles(), Vec::<String>::new());
    bench.pass(10_000);
    assert_eq!(bench.troubles(), Vec::<String>::new(), "no ping comes back: nothing is concluded");
}

#[test]
fn a_server_that_closes_behind_a_header_without_an_id_said_only_that_it_closed() {
    let mut bench = Bench::new(settings());
    bench.connect();
    assert_eq!(bench.front.silent_refusal(), None);
    bench.hear(HEADER.replace(" id='3BF96D32'", ""));
    let refusal = bench.front.silent_refusal().unwrap();
    for part in ["another neerc is connected", "is not allowed to connect", "no shared secret", "External Components"] {
        assert!(refusal.contains(part), "{part}: {refusal}");
    }
    let mut bench = Bench::new(settings());
    bench.connect();
    bench.hear(HEADER);
    assert_eq!(bench.front.silent_refusal(), None);
}

#[test]
fn a_server_that_lets_in_and_answers_nothing_is_said_to_drop_requests() {
    let mut bench = Bench::new(settings());
    bench.connect();
    bench.hear(HEADER);
    bench.hear("<handshake/>");
    bench.hear(
        "<presence from='neerc@conference.localhost/neerc' to='neerc.localhost'>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner' role='moderator'/><status code='110'/></x></presence>",
    );
    bench.pass(14_900);
    bench.hear(" ");
    assert_eq!(bench.troubles(), Vec::<String>::new());
    bench.pass(1_000);
    let troubles = bench.troubles();
    assert!(
        troubles.len() == 1
            && troubles[0].contains("answers none of its requests")
            && troubles[0].contains("mod_privilege is on and has no permission for neerc.localhost"),
        "{troubles:?}"
    );
}
