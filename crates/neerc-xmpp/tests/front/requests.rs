//! Requests that are odd in their shell or their address, and refusals.

use super::*;
use bench::{Disk, canonical};

#[track_caller]
fn same(said: &[String], expected: &[String]) {
    let canon = |all: &[String]| all.iter().map(|one| canonical(one).unwrap()).collect::<Vec<_>>();
    assert_eq!(canon(said), canon(expected));
}

#[test]
fn every_iq_that_asks_gets_one_answer() {
    let mut bench = ready(Flavour::Prosody);
    let bad = |text: &str| error(HALL1, 400, "modify", "bad-request", text);
    let one = "an iq that asks holds exactly one element";
    for (stanza, expected) in [
        (iq("get", HALL1, ""), bad(one)),
        (iq("get", HALL1, "text"), bad(one)),
        (iq("get", HALL1, &(query("users") + &query("tasks"))), bad(one)),
        (iq("fetch", HALL1, &query("users")), bad("an iq has the type get or set, not 'fetch'")),
        (iq("", HALL1, &query("users")), bad("an iq has the type get or set, not ''")),
        (iq("get", HALL1, &query("users")).replace(" type='get'", ""), bad("an iq has the type get or set, not ''")),
        (
            iq("get", HALL1, &query("users")).replace(" id='i'", ""),
            bad("the attribute 'id' is missing").replace(" id='i'", ""),
        ),
        (
            iq("get", HALL1, &query("serial")),
            error(HALL1, 503, "cancel", "service-unavailable", "nothing here answers such a request"),
        ),
        (
            iq("get", HALL1, "<query xmlns='urn:other'/>"),
            error(HALL1, 503, "cancel", "service-unavailable", "nothing here answers such a request"),
        ),
        (
            iq("get", HALL1, "<query/>"),
            error(HALL1, 503, "cancel", "service-unavailable", "nothing here answers such a request"),
        ),
        (
            iq("get", HALL1, &query("users").replace("query", "list")),
            error(HALL1, 503, "cancel", "service-unavailable", "nothing here answers such a request"),
        ),
    ] {
        same(&bench.on(&stanza), &[expected]);
    }
    for unreadable in ["<a b='1' b='2'/>", "<p:a/>", "&nbsp;", "<a>\u{1}</a>", "<![CDATA[x]]><!-- c --><a/>"] {
        let said = bench.on(&iq("get", HALL1, unreadable));
        assert_eq!(said.len(), 1, "{unreadable}");
        assert!(said[0].contains("<bad-request "), "{unreadable}: {said:?}");
    }
}

#[test]
fn answers_and_our_own_words_are_never_answered() {
    let mut bench = ready(Flavour::Prosody);
    for stanza in [
        iq("result", HALL1, &query("users")),
        iq("error", HALL1, ""),
        iq("error", HALL1, "<a b='1' b='2'/>"),
        iq("get", "neerc.localhost", &query("users")),
        iq("get", "neerc@neerc.localhost/x", &query("ping")),
        "<message from='hall1@localhost/Phone' to='neerc.localhost'/>".to_owned(),
        "<message type='error' from='hall1@localhost/Phone' to='neerc.localhost'/>".to_owned(),
        "<presence type='subscribed' from='hall1@localhost' to='neerc.localhost'/>".to_owned(),
        "<other from='hall1@localhost' to='neerc.localhost'/>".to_owned(),
        "<iq type='get' id='i' to='neerc.localhost'/>".to_owned(), // whom to answer is not said
    ] {
        assert_eq!(bench.on(&stanza), Vec::<String>::new(), "{stanza}");
    }
}

#[test]
fn the_answer_comes_from_the_address_that_was_asked() {
    let mut bench = ready(Flavour::Ejabberd);
    for (to, from, condition) in [
        ("neerc.localhost", "neerc.localhost", None),
        ("NEERC.Localhost", "neerc.localhost", None),
        ("neerc@neerc.localhost", "neerc@neerc.localhost", None),
        ("Neerc@NEERC.localhost", "Neerc@neerc.localhost", None),
        ("neerc@neerc.localhost/r", "neerc@neerc.localhost/r", Some("item-not-found")),
        ("neerc.localhost/r", "neerc.localhost/r", Some("item-not-found")),
        ("neerc.localhost/a@b", "neerc.localhost/a@b", Some("item-not-found")),
        ("NEERC.localhost/a@b/c", "neerc.localhost/a@b/c", Some("item-not-found")),
        ("lounge@neerc.localhost", "lounge@neerc.localhost", Some("item-not-found")),
        ("Комната@neerc.localhost", "Комната@neerc.localhost", Some("item-not-found")),
    ] {
        let stanza = format!("<iq type='get' id='i' from='{HALL1}' to='{to}'>{}</iq>", query("ping"));
        let said = bench.on(&stanza);
        assert_eq!(said.len(), 1, "{to}");
        assert_eq!(bench::attr(&said[0], "from").as_deref(), Some(from), "{to}");
        assert_eq!(bench::attr(&said[0], "type").as_deref(), Some(condition.map_or("result", |_| "error")), "{to}");
        assert!(condition.is_none_or(|condition| said[0].contains(condition)), "{to}: {said:?}");
    }
}

#[test]
fn only_the_account_itself_has_its_rights() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("admin", ADMIN);
    let strangers = [
        "neerc@conference.localhost/admin", // through the room
        "admin@elsewhere.localhost/Desk",
        "admin@conference.localhost/Desk",
        "localhost",
        "admin.localhost/x",
        "visitor@localhost/Web",
    ];
    for from in strangers {
        for payload in [
            query("users"),
            query("tasks"),
            query("clock"),
            task("title='T' type='todo'", &[]),
            task("id='1' type='remove'", &[]),
            status(1, "success"),
        ] {
            let text = "you are neither owner, admin nor member of this room";
            same(&bench.on(&iq("set", from, &payload)), &[error(from, 403, "auth", "forbidden", text)]);
        }
        same(&bench.on(&iq("get", from, &query("ping"))), &[result(from, "")]);
        assert!(
            bench.on(&iq("get", from, "<query xmlns='http://jabber.org/protocol/disco#info'/>"))[0].contains("result")
        );
    }
}

#[test]
fn both_types_do_for_every_request() {
    for kind in ["get", "set"] {
        let mut bench = ready(Flavour::Prosody);
        for payload in [
            task("title='T' type='q'", &["hall1"]),
            query("users"),
            query("ping"),
            task("id='1' title='U' type='q'", &["hall1"]),
        ] {
            let said = bench.on(&iq(kind, ADMIN, &payload));
            assert!(said.len() == 1 && said[0].starts_with("<iq type='result'"), "{kind} {payload}: {said:?}");
        }
        assert!(bench.on(&iq(kind, HALL1, &status(1, "success")))[0].contains("type='result'"));
        assert!(bench.on(&iq(kind, ADMIN, &task("id='1' type='remove'", &[])))[0].contains("type='result'"));
    }
}

#[test]
fn a_refused_write_shows_the_sender_the_true_state_and_nobody_else() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("hall1", HALL1);
    let mut bench = bench.with_task(&["hall1"]);
    let now = bench::BEGIN_MS;
    let forbidden = error(HALL2, 403, "auth", "forbidden", "task 1 is not assigned to you");
    same(&bench.on(&iq("set", HALL2, &status(1, "success"))), &[forbidden, told(HALL2, now, &[("hall1", "none")])]);
    // nor is the sender told of anything afterwards
    assert_eq!(bench.answers(HALL1, "running"), Vec::<String>::new(), "spacing");
    bench.pass(50);
    assert_eq!(bench.recipients(), [HALL1]);
    bench.pass(100);
    for payload in [status(1, "done"), task("id='1' title='' type='todo'", &[]), task("id='1' type='remove'", &[])] {
        let said = bench.on(&iq("get", HALL2, &payload));
        assert_eq!(said.len(), 2, "{payload}: {said:?}");
        same(&said[1..], &[told(HALL2, now, &[("hall1", "running")])]);
        bench.pass(100);
    }
    // a stranger is told nothing of the task
    for payload in [status(1, "success"), task("id='1' type='remove'", &[]), status(1, "done")] {
        let said = bench.on(&iq("set", "visitor@localhost/Web", &payload));
        assert!(said.len() == 1 && said[0].contains("<forbidden "), "{said:?}");
        bench.pass(100);
        assert_eq!(bench.said(), Vec::<String>::new());
    }
}

#[test]
fn a_removal_is_told_only_of_an_id_that_existed() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("hall1", HALL1);
    for id in ["2", "0", "x", "18446744073709551615", "99999999999999999999"] {
        for payload in
            [task(&format!("id='{id}' type='remove'"), &[]), task(&format!("id='{id}' title='T' type='todo'"), &[])]
        {
            let said = bench.on(&iq("set", ADMIN, &payload));
            assert!(said.len() == 1 && said[0].contains("<item-not-found "), "{payload}: {said:?}");
        }
    }
    let mut bench = bench.with_task(&["hall1"]);
    let remove = iq("set", ADMIN, &task("id='1' type='remove'", &[]));
    same(&bench.on(&remove), &[result(ADMIN, ""), told_removed(HALL1)]);
    bench.pass(100);
    let gone = error(ADMIN, 404, "cancel", "item-not-found", "task 1 was removed");
    same(&bench.on(&remove), &[gone, told_removed(ADMIN)]);
    bench.pass(1_000);
    assert_eq!(bench.said(), Vec::<String>::new());
}

#[test]
fn what_cannot_be_stored_has_not_happened() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("hall1", HALL1);
    let mut bench = bench.with_task(&["hall1"]);
    bench.disk = Disk::Full;
    let text = "the change could not be stored, so nothing was changed; try again later";
    let refused = error(HALL1, 500, "wait", "internal-server-error", text);
    let now = bench::BEGIN_MS;
    same(&bench.on(&iq("set", HALL1, &status(1, "success"))), &[refused, told(HALL1, now, &[("hall1", "none")])]);
    bench.disk = Disk::Good;
    bench.pass(100);
    let said = bench.on(&iq("set", HALL1, &status(1, "success")));
    same(&said, &[result(HALL1, ""), told(HALL1, now, &[("hall1", "success")])]);
}

#[test]
fn names_that_are_nobodys() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("Зал", HALL2);
    let packet = task("title='T' type='todo'", &["hall1", "nobody", "Зал", "neerc", "o&apos;x"]);
    let refused =
        error(ADMIN, 400, "modify", "bad-request", "there is no user, group or occupant 'nobody' in this room");
    same(&bench.on(&iq("set", ADMIN, &packet)), &[refused]);
    let note = format!(
        "<message type='chat' from='{ROOM}' to='{ADMIN}'><body>There is no user, group or occupant 'nobody', 'o'x' in \
         this room; left out.</body><no-store xmlns='urn:xmpp:hints'/><no-copy xmlns='urn:xmpp:hints'/><private xmlns='urn:xmpp:carbons:2'/></message>"
    );
    let now = bench::BEGIN_MS;
    let news = told(HALL2, now, &[("hall1", "none"), ("hall2", "none")]);
    same(&bench.on(&iq("get", ADMIN, &packet)), &[result(ADMIN, ""), note, news]);
}

#[test]
fn several_rooms_are_worlds_of_their_own() {
    let mut settings = settings();
    settings.rooms = vec!["neerc".into(), "school".into()];
    let mut server = Server::new(Flavour::Prosody);
    server.list("school", "tk@localhost", "owner");
    let mut bench = Bench::served(settings, server);
    bench.server_says(|server| server.join("school", "tk", "tk@localhost/Desk"));
    bench.joins("hall1", HALL1);
    let said = bench
        .on(&iq("set", "tk@localhost/Desk", &task("title='T' type='todo'", &[]))
            .replace(ROOM, "school@neerc.localhost"));
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(bench::attr(&said[0], "from").as_deref(), Some("school@neerc.localhost"));
    assert_eq!(bench::attr(&said[1], "to").as_deref(), Some("tk@localhost/Desk"));
    assert_eq!(bench::attr(&said[1], "from").as_deref(), Some("neerc.localhost"));
    let said = bench.on(&iq("get", ADMIN, &query("tasks")).replace(ROOM, "school@neerc.localhost"));
    assert!(said[0].contains("<forbidden "), "{said:?}");
    same(&bench.on(&iq("get", ADMIN, &query("tasks"))), &[result(ADMIN, &query("tasks"))]);
}

#[test]
fn a_session_that_asks_too_often_is_told_to_wait_and_the_others_are_not() {
    let mut settings = settings();
    settings.rate = neerc_xmpp::throttle::Rate { per_second: 20, burst: 60, burst_of_power: 1_000 };
    let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
    let refused = |bench: &mut Bench, from: &str, times: usize| {
        let answers = (0..times).flat_map(|_| bench.on(&iq("get", from, &query("ping")))).collect::<Vec<_>>();
        assert_eq!(answers.len(), times, "each request has one answer");
        answers.iter().filter(|answer| answer.contains("<resource-constraint")).count()
    };
    assert_eq!(refused(&mut bench, HALL1, 100), 40);
    assert_eq!(refused(&mut bench, HALL2, 60), 0);
    assert_eq!(refused(&mut bench, "hall1@localhost/Other", 60), 0);
    bench.pass(500);
    assert_eq!(refused(&mut bench, HALL1, 11), 1);
}

/// The names of a JavaScript object's properties in the order in which it is walked: canonical array indices first, in
/// numeric order, then the others as they were added.
fn walked(added: &[String]) -> Vec<String> {
    let index = |name: &str| name.parse::<u32>().ok().filter(|n| n.to_string() == name && *n < u32::MAX);
    let mut indices: Vec<u32> = added.iter().filter_map(|name| index(name)).collect();
    indices.sort_unstable();
    let others = added.iter().filter(|name| index(name).is_none()).cloned();
    indices.iter().map(u32::to_string).chain(others).collect()
}

#[test]
fn the_web_client_shows_all_tasks_beside_one_that_nobody_has() {
    let mut bench = ready(Flavour::Prosody);
    for (title, names) in [("early", &[][..]), ("second", &["hall1"]), ("third", &[]), ("fourth", &["hall2", "hall1"])]
    {
        bench.on(&iq("set", ADMIN, &task(&format!("title='{title}' type='todo'"), names)));
    }
    bench.pass(1_000);
    bench.said();
    for request in
        [query("tasks"), query("tasks").replace("/>", " delta='1'/>"), query("tasks").replace("/>", " for='hall1'/>")]
    {
        let said = bench.on(&iq("get", HALL1, &request)).remove(0);
        let listed: Vec<&str> = said.split("<task ").skip(1).collect();
        let id = |task: &&str| bench::attr(&format!("<task {task}"), "id").unwrap();
        let order = walked(&listed.iter().map(id).collect::<Vec<_>>());
        let has_statuses = |name: &String| {
            let task = listed.iter().find(|task| id(task) == *name).unwrap();
            task.contains("<status ") // the client reads `task.statuses.forEach`, which is missing without one
        };
        let shown = order.iter().take_while(|name| has_statuses(name)).count();
        assert_eq!(shown, 2, "{order:?} of {said}");
    }
}

#[test]
fn a_task_is_known_by_each_way_to_write_its_id() {
    for id in ["1", "#1", "t1", "T1"] {
        let mut bench = ready(Flavour::Prosody).with_task(&["hall1"]);
        same(
            &bench.on(&iq("set", HALL1, &format!("<taskstatus xmlns='{NS}#taskstatus' id='{id}' type='running'/>")))
                [..1],
            &[result(HALL1, "")],
        );
        let edit = task(&format!("id='{id}' title='New' type='todo'"), &["hall1"]);
        same(&bench.on(&iq("set", ADMIN, &edit))[..1], &[result(ADMIN, "")]);
        bench.joins("hall2", HALL2);
        let told = bench.on(&iq("set", ADMIN, &task(&format!("id='{id}' type='remove'"), &[])));
        bench.pass(1_000);
        let told = [told, bench.said()].concat();
        assert!(
            told.contains(&canonical(&told_removed(HALL2)).unwrap()) || told.contains(&told_removed(HALL2)),
            "{id}: {told:?}"
        );
    }
}
