//! Openfire's ways, played by the bench's server, for no Openfire was in reach: nothing is told of people who are not in
//! the room, lists are for occupants only, and the service has an address with a name towards the rooms.

use super::*;
use neerc_core::limits::{HINT_SPACING_MS, REREAD_UNTOLD_MS};

const OTHER: &str = "volunteer@localhost/Phone";

fn openfire() -> Bench {
    let mut settings = settings();
    settings.wiki_packet = false;
    settings.rooms_jid = "tasks-service@neerc.localhost".to_owned();
    let mut server = Server::new(Flavour::Ejabberd);
    server.is_openfire = true;
    Bench::served(settings, server)
}

fn may_read(bench: &mut Bench, who: &str) -> bool {
    bench.on(&iq("get", who, &query("tasks")))[0].starts_with("<iq type='result'")
}

#[test]
fn whoever_was_just_made_a_member_on_openfire_was_refused_for_minutes() {
    let mut bench = openfire();
    bench.pass(HINT_SPACING_MS);
    bench.server().affiliate("neerc", "volunteer@localhost", "member");
    assert!(may_read(&mut bench, OTHER), "the lists are read before somebody unknown is refused");
    let said =
        bench.on(&format!("<message type='chat' from='new@localhost/A' to='{ROOM}'><body>tasks</body></message>"));
    assert!(said.concat().contains("[refusal-not-in-room]"), "{said:?}");
    bench.server().affiliate("neerc", "volunteer@localhost", "none");
    bench.pass(REREAD_UNTOLD_MS + 100);
    assert!(!may_read(&mut bench, OTHER), "who was taken off the lists has no rights after three seconds");
}

#[test]
fn strangers_cannot_make_the_service_read_the_lists_in_a_loop() {
    let mut bench = openfire();
    bench.pass(10_000);
    let before = bench.server().list_requests;
    for number in 0..1_000 {
        let said = bench.on(&iq("get", &format!("stranger{number}@localhost/A"), &query("tasks")));
        assert!(said.len() == 1 && said[0].contains("<forbidden "), "{number}: {said:?}");
        bench.pass(1);
    }
    let asked = bench.server().list_requests - before;
    assert!(asked <= 3 * 8, "{asked} lists in one second");
}

#[test]
fn what_goes_to_rooms_comes_from_the_address_that_the_service_has_there() {
    let mut settings = settings();
    settings.rooms_jid = "tasks-service@neerc.localhost".to_owned();
    let mut bench = Bench::accepted(settings);
    let said = bench.said();
    for stanza in said.iter().filter(|stanza| stanza.contains("@conference.localhost")) {
        assert!(stanza.contains(" from='tasks-service@neerc.localhost'"), "{stanza}");
    }
    assert!(said.iter().any(|stanza| stanza.starts_with("<presence from='tasks-service@neerc.localhost' ")));
    // One server hands the service's own ping to its nick on to it.
    let ping = "<iq type='get' id='p' from='neerc@conference.localhost/neerc' to='tasks-service@neerc.localhost'>\
                <ping xmlns='urn:xmpp:ping'/></iq>";
    bench.hear(ping);
    let said = bench.said();
    assert!(
        said.iter().any(|said| said.starts_with("<iq type='result' id='p' from='tasks-service@neerc.localhost'")),
        "{said:?}"
    );
}

#[test]
fn a_nick_that_the_server_has_half_forgotten_kept_the_service_out_for_ever() {
    let mut settings = settings();
    settings.nickname = "neerc".to_owned();
    let mut bench = Bench::accepted(settings);
    let mut nicks = Vec::new();
    for _ in 0..12 {
        nicks.extend(
            bench
                .said()
                .iter()
                .filter(|said| said.starts_with("<presence "))
                .filter_map(|said| Some(bench::attr(said, "to")?.split_once('/')?.1.to_owned())),
        );
        bench.pass(6_000);
        bench.hear(" ");
    }
    assert_eq!(nicks[..2], ["neerc", "neerc"]);
    assert!(nicks.len() > 2 && nicks[2] != "neerc", "{nicks:?}");
}
