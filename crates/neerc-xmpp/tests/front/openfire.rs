//! Openfire's ways, played by a fake of two versions (bench/openfire.rs), for no Openfire is in reach of the tests: it does
//! what real ones were seen to do to a component. A real one is tried by `make test-openfire`.
//!
//! | what an Openfire does | 4.2.4 | 5.1.1 | test |
//! |---|---|---|---|
//! | lists for one who is not in the room | 400 | given | `what_is_told_of_lists_from_outside_differs` |
//! | lists asked for together | answered together | same | `lists_asked_for_together_are_answered_together` |
//! | an administrator of the rooms | is owner where it joined | is owner everywhere | `what_is_told_of_lists_from_outside_differs` |
//! | members-only room, no right to enter | 407 | 407, with text | `a_room_that_refuses_with_407_becomes_advice_for_openfire` |
//! | real JIDs | in every presence for owners, else if whois is anyone | same | `addresses_are_seen_by_owners_and_where_anyone_sees_them` |
//! | affiliation of somebody absent | not told | same | `whoever_was_just_made_a_member_on_openfire_was_refused_for_minutes` |
//! | of somebody present | a presence for each session | same | `each_session_has_a_presence_of_its_own` |
//! | two resources under one nick | a presence for each | same | `each_session_has_a_presence_of_its_own` |
//! | a nick that somebody else has | 409 | same | `the_services_nick_is_taken_back_behind_a_409` |
//! | self-ping | comes to us as a request | answered by the room | `self_pings_come_back_or_are_answered` |
//! | self-ping from outside, to a missing room | 400, 400 | 406, 404 | `self_pings_from_outside_bring_the_service_back` |
//! | a new room | 201, 110, 100; locked until its form comes | with 170, subject, occupant-id | `a_new_room_is_unlocked_and_lets_everybody_in` |
//! | discovery of a room | as configured; missing: 404 | with more features | `a_room_that_is_open_or_temporary_is_told_of` |
//! | discovery of the server | "Openfire Server" | same | `whoever_was_just_made_a_member_on_openfire_was_refused_for_minutes` |
//! | what it asks us once connected | discovery | and the version | `the_servers_questions_are_answered_and_make_the_service_known` |
//! | payloads of messages, our `from` | kept | kept, three added | `what_the_server_adds_to_messages_changes_nothing` |
//! | message to a bare JID, or to nobody | nothing comes back | same | `who_has_left_is_told_nothing_and_nothing_goes_to_a_bare_address` |
//! | refusal before the handshake | a stream error | a header without id | `a_refused_connection_is_explained` |
//! | wrong secret | not-authorized | same | `a_refused_connection_is_explained` |
//! | header to and from the subdomain | taken as the domain | same | `a_header_that_names_only_the_subdomain_is_taken` |
//! | no stanza from us for 6 minutes | closes | same | `the_service_is_never_silent_for_minutes` |
//! | stanza over 1 MiB, unknown type or element | ends the stream | same | `nothing_that_users_send_makes_the_service_end_its_own_stream`, and the fake in every test |
//! | users' presence | comes to us | taken as the same | `who_subscribes_is_answered` |
//! | our death | leaves a ghost; its JID and nick come in again | same | `a_service_that_died_comes_in_again_over_its_ghost` |
//! | rosters (XEP-0356) | forbidden | same | `rosters_that_are_forbidden_keep_nobody_from_their_tasks` |
//!
//! Not played: two connections at once (`allowMultiple`, which the service never asks for); `from` of other domains, which it
//! never sends; how long Openfire holds up a client that adds somebody of an unreachable domain, which no component sees; the
//! lists of what the server offers as clients see them; its limits towards clients.

use super::*;
use bench::openfire::{Openfire, VERSIONS, Version};
use neerc_xmpp::front::{FrontEvent, FrontSettings};
use neerc_xmpp::limits::{HINT_SPACING_MS, REREAD_OUTSIDE_MS, REREAD_UNTOLD_MS, SELF_PING_MS};
use neerc_xmpp::stanza::address::Address;

const OTHER: &str = "volunteer@localhost/Phone";
const ROOMS_JID: &str = "tasks-service@neerc.localhost";

fn settings_there() -> FrontSettings {
    FrontSettings { wiki_packet: false, rooms_jid: ROOMS_JID.to_owned(), ..settings() }
}

/// A service that is ready, beside an Openfire of that version.
fn beside(version: Version) -> Bench {
    beside_such(settings_there(), Openfire::new(version))
}

fn beside_such(settings: FrontSettings, openfire: Openfire) -> Bench {
    let mut bench = Bench::beside(settings, openfire);
    assert!(is_ready(&bench), "not ready: {:?}", bench.events);
    assert_eq!(bench.said(), Vec::<String>::new());
    bench.events.clear();
    bench
}

fn is_ready(bench: &Bench) -> bool {
    bench.events.contains(&FrontEvent::Ready)
}

/// What the room does now, and what comes of it.
fn does(bench: &mut Bench, deed: impl FnOnce(&mut Openfire)) {
    deed(bench.openfire());
    bench.pump();
}

fn may_read(bench: &mut Bench, who: &str) -> bool {
    bench.on(&iq("get", who, &query("tasks")))[0].starts_with("<iq type='result'")
}

/// Who is told of a new task for hall1, at once.
fn told_of_a_task(bench: &mut Bench) -> Vec<String> {
    bench.hear(iq("set", ADMIN, &task("title='T' type='todo'", &["hall1"])));
    let mut told = bench.recipients();
    told.sort_unstable();
    told
}

#[test]
fn what_is_told_of_lists_from_outside_differs() {
    for version in VERSIONS {
        let mut bench = beside(version);
        does(&mut bench, |openfire| {
            openfire.is_mute = true;
            openfire.kick("neerc");
            openfire.affiliate("neerc", "volunteer@localhost", "member");
        });
        bench.pass(REREAD_OUTSIDE_MS + 1_000);
        assert_eq!(may_read(&mut bench, OTHER), version == Version::V5, "{version:?}");
        assert!(may_read(&mut bench, HALL1), "{version:?}: a list that cannot be read keeps its people");
        bench.openfire().is_mute = false;
        bench.pass(60_000);
        assert!(bench.openfire().own_nick("neerc").is_some() && may_read(&mut bench, OTHER), "{version:?}");
    }
}

#[test]
fn lists_asked_for_together_are_answered_together() {
    for version in VERSIONS {
        let mut bench = beside(version);
        let asked = bench.openfire().list_requests;
        let items: String =
            ["owner", "admin", "member"].iter().map(|list| format!("<item affiliation='{list}'/>")).collect();
        let together = format!(
            "<iq type='get' id='x' from='{ROOMS_JID}' to='neerc@conference.localhost'>\
             <query xmlns='http://jabber.org/protocol/muc#admin'>{items}</query></iq>"
        );
        assert!(bench.openfire().hears(&together));
        let answer = bench.openfire().take().concat();
        assert_eq!(answer.matches("<item ").count(), 5, "{answer}");
        bench.openfire().list_requests = asked;
        // The service asks for each alone, as other servers want it.
        bench.pass(REREAD_UNTOLD_MS + 100);
        assert_eq!(bench.openfire().list_requests - asked, 3, "{version:?}");
    }
}

#[test]
fn a_room_that_refuses_with_407_becomes_advice_for_openfire() {
    for version in VERSIONS {
        let mut openfire = Openfire::new(version);
        openfire.administrators.clear();
        let mut bench = Bench::beside(settings_there(), openfire);
        assert!(!is_ready(&bench));
        let troubles = bench.troubles().join("\n");
        let said = match version {
            Version::V4 => "cannot be joined (registration-required): ",
            Version::V5 => "cannot be joined (registration-required: This room is members-only.): ",
        };
        assert!(troubles.contains(said), "{troubles}");
        let advice =
            format!("in Openfire, {ROOMS_JID} under Group Chat > Group Chat Settings > conference > Administrators");
        assert!(troubles.contains(&advice) && !troubles.contains("ejabberd"), "{troubles}");
        bench.openfire().administrators.insert(ROOMS_JID.to_owned());
        bench.pass(30_000);
        assert!(is_ready(&bench) && may_read(&mut bench, HALL1), "{version:?}");
    }
}

#[test]
fn addresses_are_seen_by_owners_and_where_anyone_sees_them() {
    let hidden = |openfire: &mut Openfire| {
        let whois = openfire.room("neerc").settings.get_mut("muc#roomconfig_whois");
        *whois.unwrap() = "moderators".to_owned();
        openfire.join("neerc", "hall1", HALL1);
    };
    for version in VERSIONS {
        let mut openfire = Openfire::new(version);
        hidden(&mut openfire);
        let mut bench = beside_such(settings_there(), openfire);
        assert_eq!(told_of_a_task(&mut bench), [HALL1], "{version:?}");
        assert_eq!(bench.troubles(), Vec::<String>::new());
        // As a mere member it sees none.
        let mut openfire = Openfire::new(version);
        hidden(&mut openfire);
        openfire.administrators.clear();
        openfire.affiliate("neerc", ROOMS_JID, "member");
        let mut bench = Bench::beside(settings_there(), openfire);
        let troubles = bench.troubles().join("\n");
        assert!(troubles.contains("hides its occupants' addresses"), "{troubles}");
    }
}

#[test]
fn each_session_has_a_presence_of_its_own() {
    for version in VERSIONS {
        let mut bench = beside(version);
        let second = "hall1@localhost/Desk";
        does(&mut bench, |openfire| openfire.join("neerc", "hall1", HALL1));
        does(&mut bench, |openfire| openfire.join("neerc", "hall1", second));
        assert_eq!(told_of_a_task(&mut bench), [second, HALL1], "{version:?}");
        let asked = bench.openfire().list_requests;
        for (affiliation, expected) in [("admin", "result"), ("member", "error"), ("owner", "result")] {
            does(&mut bench, |openfire| openfire.affiliate("neerc", "hall1@localhost", affiliation));
            for session in [HALL1, second] {
                let said = bench.on(&iq("set", session, &task("title='T' type='todo'", &["hall2"])));
                assert!(
                    said.iter().any(|said| said.starts_with(&format!("<iq type='{expected}'"))),
                    "{affiliation}: {said:?}"
                );
            }
        }
        assert_eq!(bench.openfire().list_requests, asked, "presences alone told it");
        bench.pass(1_000);
        bench.said();
        does(&mut bench, |openfire| openfire.leave("neerc", HALL1));
        assert_eq!(told_of_a_task(&mut bench), [second], "{version:?}");
    }
}

#[test]
fn the_services_nick_is_taken_back_behind_a_409() {
    for version in VERSIONS {
        let mut openfire = Openfire::new(version);
        openfire.join("neerc", "neerc", "hall3@localhost/Phone");
        let mut bench = beside_such(settings_there(), openfire);
        let troubles = bench.troubles().concat();
        assert_eq!(bench.openfire().own_nick("neerc"), Some("neerc"), "{version:?}: {troubles}");
        // It is known by that nick from now on: what it says there itself is nobody's command.
        does(&mut bench, |openfire| openfire.say("neerc", "neerc", "<body>@todo hall1 X</body>"));
        assert!(bench.boards().get("neerc").is_none_or(|board| board.tasks().count() == 0));
        bench.pass(2 * SELF_PING_MS);
        assert_eq!(bench.openfire().own_nick("neerc"), Some("neerc"));
    }
}

#[test]
fn self_pings_come_back_or_are_answered() {
    for version in VERSIONS {
        let mut bench = beside(version);
        bench.pass(20 * SELF_PING_MS);
        assert_eq!(bench.troubles(), Vec::<String>::new(), "{version:?}");
        let pings = bench.openfire().self_pings;
        assert!((19..=20).contains(&pings), "{version:?}: {pings} in 20 minutes");
        assert_eq!(bench.openfire().joins, 1, "{version:?}: it never left");
    }
}

#[test]
fn self_pings_from_outside_bring_the_service_back() {
    for version in VERSIONS {
        let mut bench = beside(version);
        bench.openfire().forget("neerc");
        bench.pass(SELF_PING_MS + 1_000);
        assert_eq!(bench.openfire().own_nick("neerc"), Some("neerc"), "{version:?}");
        does(&mut bench, |openfire| openfire.join("neerc", "hall1", HALL1));
        assert_eq!(told_of_a_task(&mut bench), [HALL1], "{version:?}");
        // The whole room is gone.
        bench.openfire().rooms.clear();
        bench.pass(SELF_PING_MS + 1_000);
        assert_eq!(bench.openfire().own_nick("neerc"), Some("neerc"), "{version:?}");
        assert!(!bench.openfire().room("neerc").is_locked, "{version:?}");
    }
}

#[test]
fn a_new_room_is_unlocked_and_lets_everybody_in() {
    for version in VERSIONS {
        let mut settings = settings_there();
        settings.owners = vec![Address::parse("admin@localhost").unwrap()];
        let mut openfire = Openfire::new(version);
        openfire.rooms.clear();
        let mut bench = beside_such(settings, openfire);
        let room = bench.openfire().room("neerc");
        assert!(!room.is_locked, "{version:?}");
        for (name, value) in [("maxusers", "0"), ("persistentroom", "1"), ("membersonly", "1"), ("whois", "anyone")] {
            assert_eq!(room.settings[&format!("muc#roomconfig_{name}")], value, "{version:?}: {name}");
        }
        assert_eq!(room.affiliations["admin@localhost"], "owner", "{version:?}");
        assert!(may_read(&mut bench, ADMIN), "{version:?}");
    }
}

#[test]
fn a_room_that_is_open_or_temporary_is_told_of() {
    for version in VERSIONS {
        let mut bench = beside(version);
        assert_eq!(bench.troubles(), Vec::<String>::new(), "{version:?}");
        let mut openfire = Openfire::new(version);
        openfire.room("neerc").settings.retain(|name, _| name.ends_with("whois"));
        let troubles = beside_such_troubled(openfire).join("\n");
        assert!(troubles.contains("is open") && troubles.contains("is not persistent"), "{version:?}: {troubles}");
    }
}

fn beside_such_troubled(openfire: Openfire) -> Vec<String> {
    let mut bench = Bench::beside(settings_there(), openfire);
    assert!(is_ready(&bench));
    bench.troubles()
}

#[test]
fn the_servers_questions_are_answered_and_make_the_service_known() {
    for (version, questions) in VERSIONS.into_iter().zip([1, 2]) {
        let mut bench = beside(version);
        let told = bench.openfire().told.clone();
        assert_eq!(told.len(), questions, "{version:?}: {told:?}");
        for answer in &told {
            let attr = |name| bench::attr(answer, name).unwrap();
            assert_eq!((attr("type"), attr("from")), ("result".to_owned(), "neerc.localhost".to_owned()), "{answer}");
        }
        assert_eq!(bench.openfire().offered().as_deref(), Some("NEERC service"));
        assert!(version == Version::V4 || told[1].contains("<version>0.1.0</version>"), "{told:?}");
    }
}

#[test]
fn what_the_server_adds_to_messages_changes_nothing() {
    for version in VERSIONS {
        let mut bench = beside(version);
        does(&mut bench, |openfire| openfire.join("neerc", "chief", ADMIN));
        does(&mut bench, |openfire| openfire.join("neerc", "hall1", HALL1));
        bench.said();
        let inside = "<body>@todo hall1 Water</body><x xmlns='urn:example:foreign'><y/></x>";
        does(&mut bench, |openfire| openfire.say("neerc", "chief", inside));
        let said = bench.said();
        assert_eq!(bench.boards()["neerc"].tasks().count(), 1, "{version:?}: {said:?}");
        let told = said.iter().find(|said| bench::attr(said, "to").as_deref() == Some(HALL1)).unwrap();
        assert!(told.contains(" from='neerc.localhost'") || told.contains(&format!(" from='{ROOM}'")), "{told}");
        assert!(told.contains(&format!("<x xmlns='{NS}#tasks'>")), "{told}");
        // What the service is said to have said itself is nobody's command, nor what a member says.
        for nick in ["neerc", "hall1"] {
            does(&mut bench, |openfire| openfire.say("neerc", nick, inside));
        }
        assert_eq!(bench.boards()["neerc"].tasks().count(), 1, "{version:?}");
    }
}

#[test]
fn who_has_left_is_told_nothing_and_nothing_goes_to_a_bare_address() {
    for version in VERSIONS {
        let mut bench = beside(version);
        for (nick, jid) in [("hall1", HALL1), ("hall2", HALL2)] {
            does(&mut bench, |openfire| openfire.join("neerc", nick, jid));
        }
        assert_eq!(told_of_a_task(&mut bench), [HALL1, HALL2], "{version:?}");
        does(&mut bench, |openfire| openfire.leave("neerc", HALL2));
        bench.pass(1_000);
        bench.said();
        bench.hear(iq("set", ADMIN, &task("title='For both' type='todo'", &["hall1", "hall2"])));
        bench.pass(60_000);
        let to = bench.recipients();
        assert!(!to.is_empty() && to.iter().all(|to| to == HALL1), "{version:?}: {to:?}");
    }
}

#[test]
fn a_refused_connection_is_explained() {
    for (condition, advice) in [
        ("conflict", "the server already has a neerc.localhost: either another neerc is connected"),
        ("host-unknown", "neerc.localhost to the External Components of Openfire"),
        ("internal-server-error", "an Openfire up to 4.7 does so where it has no shared secret for neerc.localhost"),
    ] {
        let refusing = |version| {
            let mut openfire = Openfire::new(version);
            openfire.refuses = Some(condition);
            openfire
        };
        let mut bench = Bench::beside(settings_there(), refusing(Version::V4));
        let troubles = bench.troubles();
        assert!(troubles.len() == 1 && troubles[0].contains(advice), "{condition}: {troubles:?}");
        // The newer one says nothing but the beginning of a header, and closes.
        let mut bench = Bench::beside(settings_there(), refusing(Version::V5));
        assert_eq!(bench.said(), Vec::<String>::new(), "without an id there is nothing to say");
        assert!(bench.front.silent_refusal().is_some_and(|said| said.contains("One of three")), "{condition}");
        bench.hear("</stream:stream>");
        assert!(
            bench.troubles().concat().contains("One of three"),
            "{condition}: the same where it closes its stream first"
        );
    }
    for version in VERSIONS {
        let mut openfire = Openfire::new(version);
        openfire.secret = "another";
        let mut bench = Bench::beside(settings_there(), openfire);
        let troubles = bench.troubles();
        assert!(
            troubles.len() == 1
                && troubles[0].contains("refuses the secret of neerc.localhost")
                && troubles[0].contains("the shared secret of External Components in Openfire"),
            "{troubles:?}"
        );
    }
}

#[test]
fn a_header_that_names_only_the_subdomain_is_taken() {
    for version in VERSIONS {
        let mut openfire = Openfire::new(version);
        openfire.header_from = "neerc";
        let mut bench = beside_such(settings_there(), openfire);
        assert!(may_read(&mut bench, HALL1), "{version:?}");
    }
}

#[test]
fn the_service_is_never_silent_for_minutes() {
    for version in VERSIONS {
        let mut bench = beside(version);
        // Half an hour with nothing to say: never longer than half of the six minutes after which it would be closed.
        for minute in 0..30 {
            let before = bench.openfire().stanzas;
            bench.pass(180_000 / 3);
            assert!(bench.openfire().stanzas > before, "{version:?}: silent in minute {minute}");
        }
        assert_eq!(bench.troubles(), Vec::<String>::new(), "{version:?}");
    }
}

#[test]
fn nothing_that_users_send_makes_the_service_end_its_own_stream() {
    for version in VERSIONS {
        let mut bench = beside(version);
        let long = "x".repeat(200_000);
        for stanza in [
            format!("<iq type='bogus' id='a' from='{HALL1}' to='{ROOM}'><query xmlns='{NS}#tasks'/></iq>"),
            format!("<iq id='a' from='{HALL1}' to='{ROOM}'><query xmlns='{NS}#tasks'/></iq>"),
            format!(
                "<iq type='get' id='&#xA;&#x9;&apos;&lt;' from='{HALL1}' to='{ROOM}'><query xmlns='{NS}#tasks'/></iq>"
            ),
            format!("<unknown type='get' id='a' from='{HALL1}' to='{ROOM}'/>"),
            format!("<message type='weird' from='{HALL1}' to='{ROOM}'><body>tasks</body></message>"),
            format!("<message type='chat' from='{HALL1}' to='{ROOM}'><body>{long}</body></message>"),
            format!(
                "<message type='chat' from='{HALL1}' to='{ROOM}'><body>@todo &#x7F;\u{85}\u{FFFD} X</body></message>"
            ),
            format!("<presence type='strange' from='{HALL1}' to='{ROOM}'/>"),
            iq("set", HALL1, &format!("<task xmlns='{NS}#task' title='{long}' type='todo'/>")),
            iq("set", ADMIN, &task("title='&#x7F;&lt;&amp;&#xA;]]&gt;' type='todo'", &["hall1"])),
        ] {
            bench.hear(&stanza);
            bench.pass(1_000);
            let ended = bench.events.iter().any(|event| matches!(event, FrontEvent::Ended(_)));
            assert!(!ended, "{version:?}: {stanza:.200} {:?}", bench.troubles());
        }
        bench.said();
        assert!(may_read(&mut bench, HALL1), "{version:?}");
    }
}

#[test]
fn who_subscribes_is_answered() {
    for version in VERSIONS {
        let mut bench = beside(version);
        let said = bench.on(&format!("<presence type='subscribe' from='hall1@localhost' to='{ROOM}'/>")).concat();
        assert!(said.contains("<presence type='subscribed' "), "{version:?}: {said}");
        bench.on(&format!("<presence from='{HALL1}' to='{ROOM}'/>"));
        bench.on(&format!("<presence type='probe' from='hall1@localhost' to='{ROOM}'/>"));
        assert_eq!(
            bench.on(&format!("<presence type='unavailable' from='{HALL1}' to='{ROOM}'/>")),
            Vec::<String>::new()
        );
        assert!(may_read(&mut bench, HALL1));
    }
}

#[test]
fn a_service_that_died_comes_in_again_over_its_ghost() {
    for version in VERSIONS {
        let mut bench = beside(version);
        does(&mut bench, |openfire| openfire.join("neerc", "hall1", HALL1));
        bench.disconnect();
        assert_eq!(bench.openfire().own_nick("neerc"), Some("neerc"), "the ghost");
        bench.openfire().say("neerc", "hall1", "<body>to nobody</body>");
        bench.openfire().affiliate("neerc", "volunteer@localhost", "member");
        bench.openfire().affiliate("neerc", "hall1@localhost", "admin");
        bench.pass(10_000);
        bench.restart(0);
        assert!(is_ready(&bench), "{version:?}: {:?}", bench.events);
        assert_eq!(bench.openfire().own_nick("neerc"), Some("neerc"));
        assert!(may_read(&mut bench, OTHER), "{version:?}");
        let said = bench.on(&iq("set", HALL1, &task("title='T' type='todo'", &["hall2"])));
        assert!(said[0].starts_with("<iq type='result'"), "{version:?}: {said:?}");
        bench.pass(1_000);
        bench.said();
        assert_eq!(told_of_a_task(&mut bench), [HALL1, OTHER], "{version:?}: once each");
    }
}

#[test]
fn rosters_that_are_forbidden_keep_nobody_from_their_tasks() {
    for version in VERSIONS {
        let mut settings = settings_there();
        settings.groups.directory = Some((Address::parse("directory@localhost").unwrap(), 30_000));
        let mut bench = beside_such_or_later(settings, version);
        let troubles = bench.troubles().join("\n");
        assert!(
            troubles.contains("the roster of directory@localhost cannot be read (forbidden)"),
            "{version:?}: {troubles}"
        );
        assert!(may_read(&mut bench, HALL1) && may_read(&mut bench, ADMIN), "{version:?}");
    }
}

/// Ready within a minute: groups that cannot be read are waited for at first.
fn beside_such_or_later(settings: FrontSettings, version: Version) -> Bench {
    let mut bench = Bench::beside(settings, Openfire::new(version));
    bench.pass(60_000);
    assert!(is_ready(&bench), "{:?}", bench.events);
    bench.said();
    bench
}

#[test]
fn whoever_was_just_made_a_member_on_openfire_was_refused_for_minutes() {
    for version in VERSIONS {
        let mut bench = beside(version);
        bench.pass(HINT_SPACING_MS);
        bench.openfire().affiliate("neerc", "volunteer@localhost", "member");
        assert!(may_read(&mut bench, OTHER), "the lists are read before somebody unknown is refused");
        let said =
            bench.on(&format!("<message type='chat' from='new@localhost/A' to='{ROOM}'><body>tasks</body></message>"));
        assert!(said.concat().contains("[refusal-not-in-room]"), "{said:?}");
        bench.openfire().affiliate("neerc", "volunteer@localhost", "none");
        bench.pass(REREAD_UNTOLD_MS + 100);
        assert!(!may_read(&mut bench, OTHER), "who was taken off the lists has no rights after three seconds");
    }
}

#[test]
fn who_lost_their_place_soon_after_a_start_kept_it_for_minutes() {
    for version in VERSIONS {
        let mut bench = beside(version);
        bench.openfire().affiliate("neerc", "hall1@localhost", "none");
        bench.openfire().affiliate("neerc", "tk@localhost", "member");
        bench.pass(REREAD_UNTOLD_MS + 100);
        assert!(!may_read(&mut bench, HALL1), "{version:?}");
        let said = bench.on(&iq("set", "tk@localhost/A", &task("title='T' type='todo'", &["hall2"])));
        assert!(said[0].starts_with("<iq type='error'"), "{version:?}: {said:?}");
    }
}

#[test]
fn strangers_cannot_make_the_service_read_the_lists_in_a_loop() {
    let mut bench = beside(Version::V5);
    bench.pass(10_000);
    let before = bench.openfire().list_requests;
    for number in 0..1_000 {
        let said = bench.on(&iq("get", &format!("stranger{number}@localhost/A"), &query("tasks")));
        assert!(said.len() == 1 && said[0].contains("<forbidden "), "{number}: {said:?}");
        bench.pass(1);
    }
    let asked = bench.openfire().list_requests - before;
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
