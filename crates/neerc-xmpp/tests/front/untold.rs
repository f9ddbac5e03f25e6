//! Servers of any name that tell nothing of people who are not in the room: the lists show it, and are read every few
//! seconds from then on. What is told, and power that no list names, does not make a server one of those.

use super::*;
use bench::server::BOTH;
use neerc_xmpp::limits::{HINT_SPACING_MS, REREAD_ROOM_MS, REREAD_UNTOLD_MS};

const VOLUNTEER: &str = "volunteer@localhost/Phone";

fn may_read(bench: &mut Bench, who: &str) -> bool {
    bench.on(&iq("get", who, &query("tasks")))[0].starts_with("<iq type='result'")
}

/// How often lists are read within ten minutes.
fn readings(bench: &mut Bench) -> usize {
    let before = bench.server().list_requests;
    bench.pass(2 * REREAD_ROOM_MS);
    (bench.server().list_requests - before) / 3
}

#[test]
fn everybody_waited_for_minutes_on_an_unknown_server_that_tells_nothing() {
    for flavour in BOTH {
        let mut bench = ready(flavour);
        // The first is found as late as it has to be.
        bench.server().list("neerc", "volunteer@localhost", "member");
        assert!(!may_read(&mut bench, VOLUNTEER), "{flavour:?}");
        bench.pass(REREAD_ROOM_MS + 1_000);
        assert!(may_read(&mut bench, VOLUNTEER), "{flavour:?}");
        // From then on that is known of the server.
        bench.pass(HINT_SPACING_MS);
        bench.server().list("neerc", "second@localhost", "member");
        assert!(may_read(&mut bench, "second@localhost/Phone"), "{flavour:?}: whoever is unknown waits for the lists");
        bench.server().list("neerc", "volunteer@localhost", "none");
        bench.pass(REREAD_UNTOLD_MS + 100);
        assert!(!may_read(&mut bench, VOLUNTEER), "{flavour:?}");
        assert!(readings(&mut bench) > 100, "{flavour:?}");
        // Also after the connection was lost.
        bench.disconnect();
        bench.connect();
        bench.said();
        assert!(readings(&mut bench) > 100, "{flavour:?}");
    }
}

#[test]
fn a_server_that_tells_what_changes_is_asked_seldom() {
    for flavour in BOTH {
        let mut bench = ready(flavour);
        bench.server().implicit.insert("boss@localhost".to_owned());
        for offset_ms in [-2, -1, 0, 1] {
            bench.pass(1_000);
            // Somebody with power by the configuration, whom no list names, is there for a while.
            bench.joins("boss", "boss@localhost/Desk");
            bench.leaves("boss", "boss@localhost/Desk");
            // The lists are read at once, and next when it is time.
            let before = bench.server().list_requests;
            bench.server_says(|server| server.affiliate("neerc", &format!("m{offset_ms}@localhost"), "member"));
            assert_eq!(bench.server().list_requests, before + 3, "{flavour:?}");
            bench.pass(REREAD_ROOM_MS + offset_ms);
            // What is told then is in one read with the answers, or comes a moment before or after it.
            bench.server().affiliate("neerc", &format!("n{offset_ms}@localhost"), "member");
            bench.pass(2);
            bench.said();
        }
        bench.pass(REREAD_ROOM_MS);
        let readings = readings(&mut bench);
        assert!(readings <= 3, "{flavour:?}: {readings} in ten minutes");
    }
}
