//! The stream: opening and its failures, silence, answers that are not the server's.

use super::*;
use neerc_xmpp::front::FrontEvent;

#[test]
fn the_stream_is_opened_and_accepted() {
    let mut bench = Bench::new(settings());
    bench.connect();
    assert_eq!(
        bench.said(),
        [
            "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='neerc.localhost'>"
        ]
    );
    bench.hear(bench::server::HEADER);
    // sha1sum of 3BF96D32secret
    assert_eq!(bench.said(), ["<handshake>b09ea9b3b7f586be8a08d0a3dd7466f110aeb136</handshake>"]);
    assert_eq!(bench.events, []);
    bench.check(
        "C: <handshake/>
         S: <iq type='get' id='n0' from='neerc.localhost' to='localhost'>
              <query xmlns='http://jabber.org/protocol/disco#info'/>
            </iq>
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
            </iq>",
    );
    assert_eq!(bench.events, [FrontEvent::Online]);
}

#[test]
fn what_the_server_says_instead_of_yes_becomes_advice() {
    for (condition, text, words) in [
        ("not-authorized", "", "the server refuses the secret of neerc.localhost: make component.secret in neerc.toml"),
        ("not-authorized", "Given token", "refuses the secret of neerc.localhost (Given token): make"),
        ("host-unknown", "", "the server does not know the component neerc.localhost: add Component"),
        ("conflict", "Component already connected", "already has a neerc.localhost (Component already connected)"),
        ("invalid-from", "", "component.jid in neerc.toml (neerc.localhost) must be"),
        ("not-well-formed", "", "lower tasks.max_stanza_bytes in neerc.toml"),
        ("system-shutdown", "", "the server is shutting down"),
        ("undefined-condition", "no idea", "ended the stream with undefined-condition (no idea)"),
    ] {
        let mut bench = Bench::new(settings());
        bench.connect();
        bench.hear(bench::server::HEADER);
        let ns = "urn:ietf:params:xml:ns:xmpp-streams";
        let said = if text.is_empty() { String::new() } else { format!("<text xmlns='{ns}'>{text}</text>") };
        bench.hear(format!("<stream:error><{condition} xmlns='{ns}'/>{said}</stream:error></stream:stream>"));
        let troubles = bench.troubles();
        assert!(troubles.len() == 1 && troubles[0].contains(words), "{condition}: {troubles:?}");
        assert_eq!(bench.front.next_timeout_ms(), i64::MAX, "{condition}: something is still due");
    }
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let mut bench = Bench::new(settings());
    bench.connect();
    bench.pass(9_999);
    assert_eq!(bench.troubles(), Vec::<String>::new());
    bench.pass(1);
    assert_eq!(bench.troubles(), ["the server did not accept the component within 10 s"]);
}

fn pings_the_host(said: &[String]) -> bool {
    said.iter().any(|said| said.contains("from='neerc.localhost' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"))
}

#[test]
fn silence_is_broken_by_a_ping_and_then_ends_the_stream() {
    let mut bench = Bench::accepted(settings());
    bench.said();
    bench.pass(14_999);
    assert!(!pings_the_host(&bench.said()));
    bench.pass(1);
    assert!(pings_the_host(&bench.said()));
    bench.hear(" ");
    bench.pass(14_999);
    assert!(!pings_the_host(&bench.said()), "a space is a sign of life");
    bench.pass(1);
    assert!(pings_the_host(&bench.said()));
    bench.troubles();
    bench.pass(19_999);
    assert!(!bench.troubles().iter().any(|trouble| trouble.contains("silent")));
    bench.pass(1);
    assert_eq!(bench.troubles(), ["the server has been silent for 35 s"]);
}

const ROOM: &str = "neerc@conference.localhost";

/// A list of people, as the answer to the request of that id.
fn list(from: &str, id: &str, items: &str) -> String {
    format!(
        "<iq type='result' id='{id}' from='{from}' to='neerc.localhost'>\
         <query xmlns='http://jabber.org/protocol/muc#admin'>{items}</query></iq>"
    )
}

/// The service comes into its room, which then says who has which role: nobody.
fn enters(bench: &mut Bench) {
    bench.hear(
        "<presence from='neerc@conference.localhost/neerc' to='neerc.localhost'>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner' role='moderator'/><status code='110'/></x></presence>",
    );
    for id in ["n4", "n5", "n6"] {
        bench.hear(list(ROOM, id, ""));
    }
}

/// Nobody is refused because they asked a moment too early.
#[test]
fn who_asked_before_the_room_had_said_who_its_people_are_was_refused() {
    let mut bench = Bench::accepted(settings());
    bench.said();
    let asked = iq("get", HALL1, &query("users")).replace("id='i'", "id='early'");
    let stranger = iq("get", "evil@localhost/x", &query("users")).replace("id='i'", "id='stranger'");
    let pinged = bench.on(&iq("get", HALL1, &query("ping")));
    assert!(pinged.len() == 1 && pinged[0].contains("'result'"), "what needs no rights waits for nothing: {pinged:?}");
    assert_eq!(bench.on(&asked), Vec::<String>::new());
    assert_eq!(bench.on(&stranger), Vec::<String>::new());
    bench.hear(list(ROOM, "n1", "<item jid='admin@localhost' affiliation='owner'/>"));
    let known = iq("get", "admin@localhost/x", &query("users")).replace("id='i'", "id='behind'");
    assert_eq!(bench.on(&known), Vec::<String>::new(), "nobody overtakes those who wait");
    bench.hear(list(ROOM, "n2", ""));
    bench.hear(list(ROOM, "n3", "<item jid='hall1@localhost' affiliation='member'/>"));
    enters(&mut bench);
    let said = bench.said();
    let of = |id: &str| {
        said.iter()
            .position(|text| text.contains(&format!("id='{id}'")))
            .unwrap_or_else(|| panic!("no {id} in {said:#?}"))
    };
    assert!(said[of("early")].contains("'result'") && said[of("behind")].contains("'result'"), "{said:?}");
    assert!(said[of("stranger")].contains("<forbidden"), "{said:?}");
    assert!(of("early") < of("stranger") && of("stranger") < of("behind"), "{said:?}");
}

#[test]
fn a_result_from_somebody_else_is_no_answer() {
    let evil = "<item jid='evil@localhost' affiliation='owner'/>";
    let mut bench = Bench::accepted(settings());
    bench.said();
    for from in ["evil@localhost/x", "conference.localhost", "neerc@conference.localhost/evil", "localhost"] {
        bench.hear(list(from, "n1", evil));
    }
    bench.hear(list(ROOM, "n1", "<item jid='admin@localhost' affiliation='owner'/>"));
    for id in ["n2", "n3"] {
        bench.hear(list(ROOM, id, ""));
    }
    bench.hear(list(ROOM, "n1", evil)); // the id has been answered
    enters(&mut bench);
    bench.said();
    bench.check(&format!(
        "C: {}\nS: {}",
        iq("get", "evil@localhost/x", &query("users")),
        error("evil@localhost/x", 403, "auth", "forbidden", "you are neither owner, admin nor member of this room")
    ));
    let people = bench.front.people("neerc").listed().len();
    assert_eq!(people, 1);
}

#[test]
fn a_server_that_ends_the_stream_is_left() {
    let mut bench = ready(Flavour::Prosody);
    bench.hear("</stream:stream>");
    assert_eq!(bench.troubles(), ["the server has closed the stream"]);
    bench.hear("<iq/>"); // nothing is read any more
    assert_eq!(bench.said(), Vec::<String>::new());
}

#[test]
fn a_stream_that_cannot_be_cut_ends() {
    let mut bench = ready(Flavour::Prosody);
    bench.hear("<iq></iq></other>");
    let troubles = bench.troubles();
    assert!(troubles.len() == 1 && troubles[0].contains("cannot be read any more"), "{troubles:?}");
}

#[test]
fn closing_leaves_the_rooms_and_ends_the_stream() {
    let mut bench = ready(Flavour::Prosody);
    bench.front.close();
    let out = bench.transmit(1);
    assert_eq!(
        String::from_utf8(out.to_vec()).unwrap(),
        "<presence type='unavailable' from='neerc.localhost' to='neerc@conference.localhost/neerc'></presence></stream:stream>"
    );
}

/// A long conversation with rooms, people, requests, clock and changes, as bytes with their times.
fn recorded() -> (Vec<(i64, Vec<u8>)>, Vec<String>) {
    let mut bench = ready(Flavour::Prosody);
    bench.heard.clear();
    let mut said = Vec::new();
    bench.joins("hall1", HALL1);
    bench.joins("hall1", "hall1@localhost/Second");
    bench.joins("admin", ADMIN);
    for payload in [query("users"), query("tasks"), task("title='Ещё &lt;раз&gt;' type='ok'", &["hall1", "hall2"])]
    {
        bench.hear(iq("get", ADMIN, &payload));
    }
    bench.hear(iq("set", HALL1, &status(1, "success")));
    bench.hear(format!("<message type='error' from='{ADMIN}' to='neerc.localhost'><body>x</body></message>"));
    bench.hear(format!("<presence from='{HALL2}' to='neerc.localhost'/>{}", iq("set", HALL2, &status(1, "fail"))));
    bench.hear(format!("<iq type='get' id='x' from='{HALL1}' to='neerc.localhost'><!-- no --></iq>"));
    said.extend(bench.said());
    (std::mem::take(&mut bench.heard), said)
}

#[test]
fn one_byte_at_a_time_says_the_same() {
    let (heard, said) = recorded();
    assert!(said.len() >= 9, "{said:?}");
    for size in [1, 2, 7, 64] {
        let mut bench = ready(Flavour::Prosody);
        bench.server = None; // what the server says is in the record
        let mut again = Vec::new();
        for (_, bytes) in &heard {
            for piece in bytes.chunks(size) {
                bench.hear_only(piece);
            }
            bench.pump();
            again.extend(bench.said());
        }
        again.retain(|said| !said.contains(" id='n")); // requests to the server, which are not in the record
        assert_eq!(again, said, "{size} bytes at a time");
    }
}

#[test]
fn a_presence_and_what_follows_it_count_in_their_order() {
    let presence = "<presence from='neerc@conference.localhost/hall1' to='neerc.localhost'><x xmlns='http://jabber.org/protocol/muc#user'>\
                    <item jid='hall1@localhost/Phone' affiliation='member'/></x></presence>";
    let bounce = format!("<message type='error' from='{HALL1}' to='neerc.localhost'/>");
    for apart in [true, false] {
        let mut bench = ready(Flavour::Prosody);
        if apart {
            bench.hear(presence);
            bench.hear(&bounce);
        } else {
            bench.hear(format!("{presence}{bounce}"));
        }
        assert_eq!(bench.front.sessions(0), 0, "apart: {apart}");
    }
}

#[test]
fn a_stanza_over_a_limit_is_refused_and_ends_nothing() {
    let mut bench = ready(Flavour::Prosody);
    let long = format!("<query xmlns='{NS}#users'>{}</query>", "x".repeat(300_000));
    let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
    for (payload, text) in
        [(long, "a stanza may have at most 262144 bytes"), (deep, "elements may be nested at most 32 deep")]
    {
        let expected = error(HALL1, 406, "modify", "policy-violation", text);
        let said = bench.on(&iq("get", HALL1, &payload));
        assert_eq!(said, [expected]);
    }
    assert!(bench.on(&iq("get", HALL1, &query("ping")))[0].contains("result"));
}

#[test]
fn a_probe_measures_what_its_stanzas_take_and_nobody_elses_count() {
    let mut bench = ready(Flavour::Prosody);
    bench.server = None; // from here on this test is the server
    bench.front.probe(bench.now_ms);
    bench.pass(0);
    for round in 0..10 {
        let said = bench.said();
        let own = said.iter().find(|stanza| stanza.contains("urn:neerc:probe")).expect("a stanza to itself").clone();
        assert_eq!(own.len() > 20_000, round >= 5, "short ones first");
        bench.hear(own.replacen("from='neerc.localhost'", "from='hall1@localhost/Phone'", 1));
        bench.pass(if round < 5 { 1 } else { 44 });
        bench.hear(own);
    }
    let trips = neerc_xmpp::server::probe::RoundTrips { short_ms: 1, long_ms: 44 };
    assert!(bench.events.contains(&FrontEvent::Probed(trips)), "{:?}", bench.events);
}

#[test]
fn a_link_on_which_nothing_is_handed_on_any_more_is_opened_again() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("hall1", HALL1);
    bench.pass(60_000);
    assert_eq!(bench.troubles(), Vec::<String>::new());
    bench.server().hands_on = false; // what the server answers itself still comes
    bench.pass(20_000);
    assert_eq!(bench.troubles(), Vec::<String>::new());
    bench.pass(10_000);
    let troubles = bench.troubles();
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    assert!(troubles[0].starts_with("the server has handed nothing on to neerc.localhost for 2"), "{troubles:?}");
    bench.server().hands_on = true;
    bench.connect();
    bench.pass(120_000);
    assert_eq!(bench.troubles(), Vec::<String>::new());
}

#[test]
fn whoever_is_heard_proves_that_the_link_is_not_deaf() {
    let mut bench = ready(Flavour::Ejabberd);
    bench.pass(60_000);
    bench.server().hands_on = false; // pings to the own address are lost, and people are heard
    for _ in 0..20 {
        bench.pass(9_000);
        bench.hear(iq("get", HALL1, &query("ping")));
    }
    assert_eq!(bench.troubles(), Vec::<String>::new());
}

#[test]
fn a_server_that_never_hands_on_what_is_for_ourselves_is_not_deaf() {
    let mut server = Server::new(Flavour::Prosody);
    server.hands_on = false;
    let mut bench = Bench::served(settings(), server);
    bench.pass(600_000);
    assert_eq!(bench.troubles(), Vec::<String>::new());
}

#[test]
fn rooms_that_answer_no_self_ping_any_more_say_that_the_link_is_deaf() {
    let mut server = Server::new(Flavour::Prosody);
    server.hands_on = false;
    let mut bench = Bench::served(settings(), server);
    bench.pass(90_000);
    bench.server().pongs = false;
    for _ in 0..200 {
        bench.pass(1_000);
        bench.hear(" "); // the stream is open
    }
    let troubles = bench.troubles();
    assert!(troubles[0].starts_with("the server has handed nothing on"), "{troubles:?}");
}
