//! Who becomes an owner where nobody but the service has power; what is asked again while there is no answer.

use super::*;
use neerc_xmpp::front::FrontEvent;
use neerc_xmpp::stanza::address::Address;

const NS_ADMIN: &str = "http://jabber.org/protocol/muc#admin";
const CONFERENCE: &str = "neerc@conference.localhost";

const LISTS: [&str; 3] = ["affiliation='owner'", "affiliation='admin'", "affiliation='member'"];

/// A service that has come into a room, and all that it has asked so far.
struct Alone {
    bench: Bench,
    asked: Vec<String>,
}

impl Alone {
    fn new(codes: &str) -> Alone {
        let mut settings = settings();
        settings.owners = ["you@localhost", "b@elsewhere"].map(|jid| Address::parse(jid).unwrap()).to_vec();
        let mut alone = Alone { bench: Bench::accepted(settings), asked: Vec::new() };
        alone.bench.hear(format!(
            "<presence from='{CONFERENCE}/neerc' to='neerc.localhost'><x xmlns='http://jabber.org/protocol/muc#user'>\
             <item jid='neerc.localhost' affiliation='owner' role='moderator'/><status code='110'/>{codes}</x></presence>"
        ));
        for role in ["role='moderator'", "role='participant'", "role='visitor'"] {
            alone.answer(role, &format!("<query xmlns='{NS_ADMIN}'/>"));
        }
        alone
    }

    /// Takes what is asked of that kind and still to be answered or noticed: the stanzas.
    fn asked(&mut self, kind: &str) -> Vec<String> {
        self.asked.extend(self.bench.said());
        let (these, others) = std::mem::take(&mut self.asked).into_iter().partition(|said| said.contains(kind));
        self.asked = others;
        these
    }

    fn result(&mut self, asked: &str, payload: &str) {
        let id = bench::attr(asked, "id").unwrap();
        self.bench.hear(format!("<iq type='result' id='{id}' from='{CONFERENCE}' to='neerc.localhost'>{payload}</iq>"));
    }

    /// Answers what is asked of that kind, once.
    fn answer(&mut self, kind: &str, payload: &str) {
        let asked = self.asked(kind);
        let [asked] = &asked[..] else { panic!("{kind}: {asked:?}") };
        self.result(asked, payload);
    }

    /// Answers the three lists: these owners, and a hall.
    fn lists(&mut self, owners: &str) {
        for (list, items) in LISTS.into_iter().zip([owners, "", "<item affiliation='member' jid='hall1@localhost'/>"]) {
            self.answer(list, &format!("<query xmlns='{NS_ADMIN}'>{items}</query>"));
        }
    }
}

const NAMING: &str = "<item affiliation='owner' jid='you@localhost'/><item affiliation='owner' jid='b@elsewhere'/>";

#[test]
fn nobody_could_enter_the_room_that_the_service_had_made_for_itself() {
    let mut alone = Alone::new("<status code='201'/>");
    alone.lists("");
    assert_eq!(alone.asked("type='set'"), [""; 0], "a room that is still being made has no owners yet");
    alone.answer(
        "muc#owner'/>",
        "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='form'>\
         <field var='muc#roomconfig_maxusers' type='list-single'><value>30</value><option><value>10</value></option>\
         <option><value>0</value></option></field></x></query>",
    );
    alone.answer("<field var='muc#roomconfig_maxusers'><value>0</value></field>", "");
    alone.lists("");
    let naming = alone.asked(NAMING);
    assert!(naming.len() == 1 && naming[0].contains("type='set'"), "{naming:?}");
    assert!(!alone.bench.events.contains(&FrontEvent::Ready), "the owners are still to come");
    alone.result(&naming[0], "");
    alone.lists("<item affiliation='owner' jid='you@localhost'/>");
    let owners = "you@localhost, b@elsewhere".to_owned();
    let named = FrontEvent::OwnersNamed { room: "neerc".into(), owners };
    assert!(alone.bench.events.contains(&named), "{:?}", alone.bench.events);
    assert!(alone.bench.events.contains(&FrontEvent::Ready));
    assert_eq!((alone.asked(NAMING), alone.bench.troubles()), (Vec::new(), Vec::new()));
}

#[test]
fn a_room_where_somebody_has_power_keeps_its_owners() {
    let mut alone = Alone::new("");
    alone.lists("<item affiliation='admin' jid='tk@localhost'/>");
    assert_eq!(alone.asked(NAMING), [""; 0]);
    assert!(alone.bench.events.contains(&FrontEvent::Ready));
}

#[test]
fn owners_that_cannot_be_named_are_said_once_and_the_service_goes_on() {
    let mut alone = Alone::new("");
    alone.lists("");
    let naming = alone.asked(NAMING);
    let id = bench::attr(&naming[0], "id").unwrap();
    alone.bench.hear(format!(
        "<iq type='error' id='{id}' from='{CONFERENCE}' to='neerc.localhost'><error type='auth'>\
         <forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    ));
    let troubles = alone.bench.troubles();
    assert!(troubles.len() == 1 && troubles[0].contains("of rooms.owners could not be made owners"), "{troubles:?}");
    assert!(alone.bench.events.contains(&FrontEvent::Ready));
    for round in 0..25 {
        alone.bench.pass(14_000);
        alone.bench.hear(" ");
        assert_eq!(alone.asked(NAMING), [""; 0], "in round {round}");
    }
}

#[test]
fn a_request_that_the_server_dropped_is_asked_again() {
    let mut alone = Alone::new("");
    let lists = |alone: &mut Alone| LISTS.map(|list| alone.asked(list).len());
    let first = alone.asked(LISTS[0]);
    alone.asked(LISTS[1]);
    let members = alone.asked(LISTS[2]);
    alone.bench.pass(999);
    assert_eq!(lists(&mut alone), [0, 0, 0]);
    alone.bench.pass(1);
    assert_eq!(alone.asked(LISTS[0]), first, "the same request: whichever is answered first counts");
    alone.answer(LISTS[1], "");
    alone.asked(LISTS[2]);
    alone.bench.pass(1_999);
    assert_eq!(lists(&mut alone), [0, 0, 0]);
    alone.bench.pass(1);
    assert_eq!(lists(&mut alone), [1, 0, 1]);
    alone.bench.pass(4_000);
    assert_eq!(lists(&mut alone), [1, 0, 1]);
    alone.result(
        &first[0],
        &format!("<query xmlns='{NS_ADMIN}'><item affiliation='owner' jid='you@localhost'/></query>"),
    );
    alone.result(&members[0], "");
    assert!(alone.bench.events.contains(&FrontEvent::Ready));
    let late = format!("<query xmlns='{NS_ADMIN}'><item affiliation='member' jid='second@localhost'/></query>");
    alone.result(&members[0], &late); // the answer to the same request once more
    alone.bench.pass(14_000);
    assert_eq!(lists(&mut alone), [0, 0, 0]);
    assert!(!alone.bench.front.people("neerc").listed().iter().any(|(person, _)| person.bare() == "second@localhost"));
    assert_eq!(alone.bench.troubles(), Vec::<String>::new());
}

#[test]
fn a_roster_that_was_refused_in_the_first_moments_was_not_read_for_a_minute() {
    for flavour in bench::server::BOTH {
        let mut settings = settings();
        settings.groups.directory = Some((Address::parse("directory@localhost").unwrap(), 60_000));
        let mut bench = Bench::served(settings, Server::new(flavour));
        assert_eq!(bench.troubles(), Vec::<String>::new(), "it is asked again before anything is concluded");
        let roster = vec![("hall1@localhost".to_owned(), vec!["Team".to_owned()])];
        bench.server().rosters.insert("directory@localhost".to_owned(), roster);
        bench.pass(1_000);
        assert!(bench.front.people("neerc").groups().any(|group| &**group == "Team"));
        bench.server().rosters.clear();
        bench.pass(60_000 + 2_999);
        assert_eq!(bench.troubles(), Vec::<String>::new());
        bench.pass(3_000);
        let troubles = bench.troubles();
        assert!(
            troubles.len() == 1
                && troubles[0].starts_with("the roster of directory@localhost cannot be read (forbidden)"),
            "{troubles:?}"
        );
    }
}
