//! Every request with its answers and its errors.

use std::fs;

use super::{
    NS, PROMPT, Stage, answered_once, connect, done, expect_push, login, packet, query, refused, shared, status_packet,
    tasks_of, users_of, within,
};
use crate::servers::{HOST, Kind, Options, Server, unique};
use crate::service::Neerc;
use crate::slix::Stanza;
use crate::wait::PATIENCE;

on_both!(
    users_have_three_attributes_and_power_comes_first,
    tasks_are_listed_in_order_and_for_one_user,
    a_task_is_created_edited_answered_and_removed,
    aliases_are_taken_and_not_given,
    bad_requests_change_nothing,
    members_may_answer_and_no_more,
    strangers_are_refused,
    what_is_not_known_is_said_to_be_so,
    the_clock_is_told_and_asked,
    rooms_are_worlds_of_their_own,
    groups_come_from_rules_and_rooms,
    groups_come_from_the_directory,
    ordinary_clients_learn_what_the_service_is,
);

const BOTH: [&str; 2] = ["get", "set"];

fn users_have_three_attributes_and_power_comes_first(kind: Kind) {
    let people = [("hall2", "member"), ("zoe", "owner"), ("hall1", "member"), ("adam", "admin"), ("bob", "member")];
    let stage = Stage::new(shared(kind), &people, "");
    stage.server.register("mallory");
    stage.server.set_affiliation(&stage.room, "mallory@localhost", "outcast");
    let expected = ["adam Admins yes", "zoe Admins yes", "bob Users no", "hall1 Users no", "hall2 Users no"];
    let hall = login(stage.server, "hall1");
    for to in [stage.at(), stage.svc().to_owned()] {
        for kind in BOTH {
            let answer = hall.iq(&to, kind, &query("users"));
            assert_eq!((answer.kind(), answer.attr("from")), ("result", to.as_str()));
            assert_eq!(users_of(&answer), expected);
        }
    }
    answered_once(&hall);
}

fn tasks_are_listed_in_order_and_for_one_user(kind: Kind) {
    let people = [("jury1", "owner"), ("hall1", "member"), ("hall2", "member")];
    let stage = Stage::new(shared(kind), &people, "");
    let jury = stage.join("jury1");
    let hall = login(stage.server, "hall1");
    assert_eq!(stage.list(&hall), [""; 0], "a new room has no tasks");
    let idle = stage.create(&jury, "nobody's", "todo", &[]);
    let first = stage.create(&jury, "first", "todo", &[("hall1", "none", ""), ("hall2", "none", "")]);
    let second = stage.create(&jury, "second", "confirm", &[("hall2", "running", "x")]);
    let gone = stage.create(&jury, "gone", "todo", &[("hall1", "none", "")]);
    stage.remove(&jury, &gone);
    let all = [
        format!("{first} todo 'first': hall1 none, hall2 none"),
        format!("{second} confirm 'second': hall2 running 'x'"),
        format!("{idle} todo 'nobody's'"),
    ];
    for kind in BOTH {
        for to in [stage.at(), stage.svc().to_owned()] {
            let answer = hall.iq(&to, kind, &query("tasks"));
            assert_eq!(answer.attr("from"), to);
            let tasks = tasks_of(&answer);
            assert_eq!(tasks.iter().map(ToString::to_string).collect::<Vec<_>>(), all);
            let stamps: Vec<_> =
                tasks.iter().filter(|task| task.title != "nobody's").map(|task| task.timestamp_ms).collect();
            assert!(stamps.is_sorted_by(|a, b| a < b), "strictly ascending: {stamps:?}");
        }
    }
    let of = |name: &str| hall.iq(&stage.at(), "get", &format!("<query xmlns='{NS}#tasks' for='{name}'/>"));
    let briefs = |answer: &Stanza| tasks_of(answer).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(briefs(&of("hall1")), [format!("{first} todo 'first': hall1 none")]);
    assert_eq!(
        briefs(&of("hall2")),
        [format!("{first} todo 'first': hall2 none"), format!("{second} confirm 'second': hall2 running 'x'")]
    );
    assert_eq!(briefs(&of("jury1")), [""; 0]);
    assert!(refused(&of("hall9"), "item-not-found").contains("hall9"));
    // Assigning somebody new moves a task to now, an answer does not.
    stage.answer(&hall, &first, "running", "");
    assert_eq!(stage.tasks(&hall)[0].id, first);
    stage.edit(&jury, &first, "first", "todo", &[("hall1", "none", ""), ("hall2", "none", ""), ("jury1", "none", "")]);
    let order: Vec<_> = stage.tasks(&hall).into_iter().map(|task| task.id).collect();
    assert_eq!(order, [second, first, idle]);
    answered_once(&hall);
    answered_once(&jury);
}

fn a_task_is_created_edited_answered_and_removed(kind: Kind) {
    let people = [("jury1", "admin"), ("hall1", "member"), ("hall2", "member")];
    let stage = Stage::new(shared(kind), &people, "");
    let jury = stage.join("jury1");
    let hall = stage.join("hall1");
    for kind in BOTH {
        let title = unique("life");
        for (to, child) in [
            (stage.at(), packet(None, &title, "okfail", &[("hall1", "none", "")])),
            (stage.svc().to_owned(), query("ping")),
        ] {
            let answer = jury.iq(&to, kind, &child);
            done(&answer);
            assert_eq!(answer.attr("from"), to);
        }
        let id = stage.tasks(&jury)[0].id.clone();
        let line = |rest: &str| vec![format!("{id} {rest}")];
        assert_eq!(stage.list(&hall), line(&format!("okfail '{title}': hall1 none")));
        done(&hall.iq(&stage.at(), kind, &status_packet(&id, "fail", "no <paper> & 'ink' Б")));
        let told = line(&format!("okfail '{title}': hall1 fail 'no <paper> & 'ink' Б'"));
        assert_eq!(stage.list(&jury), told);
        // The own status without a value, and to the service itself.
        let bare = format!("<taskstatus xmlns='{NS}#taskstatus' type='success' id='{id}'/>");
        done(&hall.iq(stage.svc(), kind, &bare));
        assert_eq!(stage.list(&jury), line(&format!("okfail '{title}': hall1 success")));
        let statuses = [("hall1", "success", ""), ("hall2", "none", "")];
        done(&jury.iq(&stage.at(), kind, &packet(Some(&id), "Other", "todo", &statuses)));
        assert_eq!(stage.list(&jury), line("todo 'Other': hall1 success, hall2 none"));
        done(&jury.iq(&stage.at(), kind, &packet(Some(&id), "", "remove", &[])));
        assert_eq!(stage.list(&jury), [""; 0]);
        let again = packet(Some(&id), "Other", "todo", &statuses);
        assert!(
            refused(&jury.iq(&stage.at(), kind, &again), "item-not-found").contains(number(&id)),
            "removed for ever"
        );
        assert_eq!(stage.list(&jury), [""; 0]);
    }
    answered_once(&jury);
    answered_once(&hall);
}

fn aliases_are_taken_and_not_given(kind: Kind) {
    let stage = Stage::new(shared(kind), &[("jury1", "owner")], "");
    let jury = stage.join("jury1");
    for (alias, kind) in [
        ("task", "todo"),
        ("ok", "confirm"),
        ("reason", "okfail"),
        ("q", "question"),
        ("todo", "todo"),
        ("todofail", "todofail"),
        ("confirm", "confirm"),
        ("okfail", "okfail"),
        ("question", "question"),
    ] {
        let id = stage.create(&jury, alias, alias, &[("jury1", "none", "")]);
        let task = stage.tasks(&jury).into_iter().find(|task| task.id == id).unwrap();
        assert_eq!(task.kind, kind);
    }
    // A status without a type is none.
    let child = format!("<task xmlns='{NS}#task' title='bare' type='todo'><status for='jury1'/></task>");
    done(&jury.iq(&stage.at(), "set", &child));
    assert!(stage.list(&jury).last().unwrap().ends_with(" todo 'bare': jury1 none"));
}

/// A task's id as the words of refusals have it: without the letter.
fn number(id: &str) -> &str {
    id.trim_start_matches('t')
}

fn bad_requests_change_nothing(kind: Kind) {
    let stage = Stage::new(shared(kind), &[("jury1", "owner"), ("hall1", "member")], "");
    let jury = stage.join("jury1");
    let id = stage.create(&jury, "stays", "todo", &[("hall1", "none", ""), ("jury1", "none", "")]);
    let removed = stage.create(&jury, "removed", "todo", &[]);
    stage.remove(&jury, &removed);
    let before = stage.tasks(&jury);
    let long = "я".repeat(1_001);
    let task = |rest: &str| format!("<task xmlns='{NS}#task' {rest}/>");
    let status = |rest: &str| format!("<taskstatus xmlns='{NS}#taskstatus' {rest}/>");
    let id = id.as_str();
    let cases = [
        (task("type='todo'"), "bad-request", "title"),
        (task("title='' type='todo'"), "bad-request", "title"),
        (task("title=' ' type='todo'"), "bad-request", "title"),
        (task("title='x'"), "bad-request", "type"),
        (task("title='x' type='bogus'"), "bad-request", "bogus"),
        (task("title='x' type='todos'"), "bad-request", "todofail"),
        (task("title='' type='remove'"), "bad-request", "id"),
        (packet(None, &long, "todo", &[]), "bad-request", "1001"),
        (packet(None, "x", "todo", &[("hall1", "bogus", "")]), "bad-request", "bogus"),
        (packet(None, "x", "todo", &[("hall1", "none", &long)]), "bad-request", "1001"),
        (packet(None, "x", "todo", &[("hall1", "none", ""), ("ghost", "none", "")]), "bad-request", "ghost"),
        (format!("<task xmlns='{NS}#task' title='x' type='todo'><status/></task>"), "bad-request", "for"),
        (packet(Some(id), "", "todo", &[]), "bad-request", "title"),
        (packet(Some(id), "x", "todo", &[("ghost", "none", "")]), "bad-request", "ghost"),
        (packet(Some("9999"), "x", "todo", &[]), "item-not-found", "9999"),
        (packet(Some("no such"), "x", "todo", &[]), "item-not-found", "no such"),
        (packet(Some(""), "x", "todo", &[]), "item-not-found", "task"),
        (packet(Some(&removed), "x", "todo", &[]), "item-not-found", number(&removed)),
        (packet(Some("9999"), "", "remove", &[]), "item-not-found", "9999"),
        (packet(Some(&removed), "", "remove", &[]), "item-not-found", number(&removed)),
        (status("type='success'"), "bad-request", "id"),
        (status(&format!("id='{id}'")), "bad-request", "type"),
        (status_packet(id, "bogus", ""), "bad-request", "acknowledged"),
        (status_packet(id, "", ""), "bad-request", "none"),
        (status_packet(id, "fail", &long), "bad-request", "1001"),
        (status_packet("9999", "success", ""), "item-not-found", "9999"),
        (status_packet(&removed, "success", ""), "item-not-found", number(&removed)),
    ];
    for (child, condition, word) in &cases {
        let answer = jury.iq(&stage.at(), "set", child);
        assert_eq!(answer.attr("from"), stage.at());
        let text = refused(&answer, condition);
        assert!(text.contains(word), "{child}: {text}");
    }
    assert_eq!(stage.tasks(&jury), before);
    let longest = "я".repeat(1_000);
    stage.answer(&jury, id, "success", &longest);
    stage.create(&jury, &longest, "todo", &[]);
    answered_once(&jury);
}

fn members_may_answer_and_no_more(kind: Kind) {
    let people = [("jury1", "owner"), ("hall1", "member"), ("hall2", "member")];
    let stage = Stage::new(shared(kind), &people, "");
    let jury = stage.join("jury1");
    let hall = login(stage.server, "hall1");
    let mine = stage.create(&jury, "mine", "todo", &[("hall1", "none", "")]);
    let other = stage.create(&jury, "other", "todo", &[("hall2", "none", "")]);
    let before = stage.tasks(&jury);
    for kind in BOTH {
        for child in [
            packet(None, "new", "todo", &[]),
            packet(Some(&mine), "mine", "todo", &[("hall1", "success", "")]),
            packet(Some(&mine), "", "remove", &[]),
            packet(Some("9999"), "", "remove", &[]),
            status_packet(&other, "success", ""),
        ] {
            refused(&hall.iq(&stage.at(), kind, &child), "forbidden");
        }
    }
    assert_eq!(stage.tasks(&jury), before);
    // An admin who is not assigned has no status of their own either.
    refused(&jury.iq(&stage.at(), "set", &status_packet(&mine, "success", "")), "forbidden");
    for status in ["running", "success", "fail", "acknowledged", "none"] {
        stage.answer(&hall, &mine, status, "why");
        assert_eq!(stage.list(&hall)[0], format!("{mine} todo 'mine': hall1 {status} 'why'"));
    }
    answered_once(&hall);
}

fn strangers_are_refused(kind: Kind) {
    let stage = Stage::new(shared(kind), &[("jury1", "owner"), ("mallory", "outcast")], "");
    stage.server.register("stranger");
    let jury = stage.join("jury1");
    let id = stage.create(&jury, "secret", "todo", &[("jury1", "none", "")]);
    for who in ["mallory", "stranger"] {
        let session = login(stage.server, who);
        for kind in BOTH {
            for child in [
                query("users"),
                query("tasks"),
                query("clock"),
                format!("<query xmlns='{NS}#tasks' for='jury1'/>"),
                packet(None, "x", "todo", &[]),
                packet(None, "", "bogus", &[]),
                packet(Some(&id), "x", "todo", &[]),
                packet(Some(&id), "", "remove", &[]),
                status_packet(&id, "success", ""),
            ] {
                for to in [stage.at(), stage.svc().to_owned()] {
                    refused(&session.iq(&to, kind, &child), "forbidden");
                }
            }
            done(&session.iq(stage.svc(), kind, &query("ping")));
        }
        stage.settle(&jury, &[]);
        session.sync(stage.svc());
        assert_eq!(session.messages(), [], "nobody from outside is told of anything");
        answered_once(&session);
    }
    assert_eq!(stage.list(&jury), [format!("{id} todo 'secret': jury1 none")]);
}

fn what_is_not_known_is_said_to_be_so(kind: Kind) {
    let stage = Stage::new(shared(kind), &[("jury1", "owner")], "");
    let jury = stage.join("jury1");
    let unknown = [
        query("nothing"),
        query("task"),
        format!("<task xmlns='{NS}#tasks'/>"),
        format!("<users xmlns='{NS}#users'/>"),
        format!("<query xmlns='{NS}'/>"),
        format!("<query xmlns='{NS}#users2'/>"),
        String::from("<query xmlns='jabber:iq:roster'/>"),
        String::from("<query xmlns='jabber:iq:register'/>"),
        format!("<x xmlns='urn:{NS}#users'/>"),
    ];
    for kind in BOTH {
        for child in &unknown {
            for to in [stage.at(), stage.svc().to_owned()] {
                let answer = jury.iq(&to, kind, child);
                refused(&answer, "service-unavailable");
                assert_eq!(answer.attr("from"), to);
            }
        }
        for child in [query("users"), query("tasks"), query("clock"), packet(None, "x", "todo", &[]), query("nothing")]
        {
            for to in [stage.neerc.room_jid("nowhere"), format!("{}/r", stage.at()), format!("{}/r", stage.svc())] {
                let answer = jury.iq(&to, kind, &child);
                refused(&answer, "item-not-found");
                assert_eq!(answer.attr("from"), to);
            }
        }
        refused(&jury.iq(&stage.at(), kind, &query("clock")), "item-not-found");
    }
    let two = jury.iq(&stage.at(), "get", &format!("{}{}", query("users"), query("tasks")));
    assert_eq!(two.error().map(|error| error.condition), Some(String::from("bad-request")));
    // What asks nothing is answered with nothing.
    for stray in [
        format!("<iq type='result' id='stray' to='{}'/>", stage.svc()),
        format!("<iq type='error' id='stray' to='{}'>{}</iq>", stage.at(), query("users")),
        format!("<message to='{}' type='groupchat'><body>hi</body></message>", stage.at()),
        format!("<message to='{}'><active xmlns='http://jabber.org/protocol/chatstates'/></message>", stage.at()),
        format!("<presence type='subscribed' to='{}'/>", stage.svc()),
    ] {
        jury.send(&stray);
    }
    jury.sync(stage.svc());
    assert!(jury.stanzas().iter().all(|stanza| stanza.attr("id") != "stray"), "{jury:?}");
    assert!(jury.presences().iter().all(|presence| !presence.attr("from").contains(stage.svc())), "{jury:?}");
    answered_once(&jury);
}

fn the_clock_is_told_and_asked(kind: Kind) {
    let server = shared(kind);
    let room = server.room(&[("jury1", "owner")]);
    let mut neerc = Neerc::prepare(server, &[&room], "[clock]\nfile = \"clock.xml\"\n");
    let file = neerc.dir.join("clock.xml");
    fs::write(&file, "<clock length=\"18000000\" time=\"1234567\" status=\"PAUSED\"/>").unwrap();
    neerc.restart();
    let stage = Stage { server, room, neerc };
    let jury = stage.join("jury1");
    let asked = || jury.iq(&stage.at(), "get", &query("clock"));
    within(PROMPT * 3, "a reading of the clock", || asked().kind() == "result");
    let answer = asked();
    let clock = answer.child_ns("query", &format!("{NS}#clock")).and_then(|query| query.child("clock")).unwrap();
    assert_eq!((clock.attr("time"), clock.attr("total"), clock.attr("status")), ("1234567", "18000000", "3"));
    assert_eq!(clock.attrs.len(), 3);

    // A session that asks for the tasks hears it once, and everybody hears of a change.
    let ticks = |stanza: &Stanza| stanza.find("clock").is_some_and(|clock| clock.ns == format!("{NS}#clock"));
    let late = connect(server, "jury1");
    stage.tasks(&late);
    let tick = late.expect_message(ticks, PATIENCE);
    assert_eq!((tick.body(), tick.kind(), tick.attr("from")), ("The clock is ticking", "", stage.svc()));
    stage.tasks(&late);
    jury.clear();
    fs::write(&file, "<clock length=\"18000000\" time=\"1300000\" status=\"RUNNING\"/>").unwrap();
    for session in [&jury, &late] {
        let tick = session.expect_message(ticks, PATIENCE);
        let clock = tick.find("clock").unwrap();
        assert_eq!((clock.attr("total"), clock.attr("status")), ("18000000", "2"), "{}", tick.xml);
        let elapsed: i64 = clock.attr("time").parse().unwrap();
        assert!((1_300_000..1_330_000).contains(&elapsed), "{elapsed}");
    }
    let answer = asked();
    let first: i64 = answer.find("clock").unwrap().attr("time").parse().unwrap();
    within(PROMPT, "the clock to run", || asked().find("clock").unwrap().attr("time").parse::<i64>().unwrap() > first);
    late.sync(stage.svc());
    assert!(!late.messages().iter().any(ticks), "{late:?}");
}

fn rooms_are_worlds_of_their_own(kind: Kind) {
    let server = shared(kind);
    let main = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let school = server.room(&[("hall1", "owner"), ("hall3", "member")]);
    let neerc = Neerc::start(server, &[&main, &school], "");
    let (at_main, at_school) = (neerc.room_jid(&main), neerc.room_jid(&school));
    let [jury, hall1, hall3] = ["jury1", "hall1", "hall3"].map(|user| login(server, user));
    jury.join(&main, "jury1");
    hall1.join(&main, "hall1");
    hall1.join(&school, "hall1");
    hall3.join(&school, "hall3");
    assert_eq!(users_of(&jury.iq(&at_main, "get", &query("users"))), ["jury1 Admins yes", "hall1 Users no"]);
    assert_eq!(users_of(&hall1.iq(&at_school, "get", &query("users"))), ["hall1 Admins yes", "hall3 Users no"]);
    assert_eq!(users_of(&hall1.iq(&neerc.jid, "get", &query("users"))), ["jury1 Admins yes", "hall1 Users no"]);
    refused(&jury.iq(&at_school, "get", &query("users")), "forbidden");
    refused(&hall3.iq(&at_main, "get", &query("users")), "forbidden");
    refused(&hall3.iq(&neerc.jid, "get", &query("users")), "forbidden");
    // Who has power in one room has none in the other.
    refused(&hall1.iq(&at_main, "set", &packet(None, "x", "todo", &[])), "forbidden");
    done(&hall1.iq(&at_school, "set", &packet(None, "school", "todo", &[("hall3", "none", "")])));
    done(&jury.iq(&at_main, "set", &packet(None, "main", "todo", &[("hall1", "none", "")])));
    refused(&jury.iq(&at_main, "set", &packet(None, "x", "todo", &[("hall3", "none", "")])), "bad-request");
    expect_push(&jury, "t1 todo 'main': hall1 none");
    expect_push(&hall3, "t1 todo 'school': hall3 none");
    expect_push(&hall1, "t1 todo 'main': hall1 none");
    expect_push(&hall1, "t1 todo 'school': hall3 none");
    let list = |answer: &Stanza| tasks_of(answer).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(list(&hall1.iq(&at_main, "get", &query("tasks"))), ["t1 todo 'main': hall1 none"]);
    assert_eq!(list(&hall1.iq(&at_school, "get", &query("tasks"))), ["t1 todo 'school': hall3 none"]);
    done(&jury.iq(&neerc.jid, "set", &packet(Some("1"), "", "remove", &[])));
    expect_push(&jury, "t1 remove ''");
    assert_eq!(list(&hall3.iq(&at_school, "get", &query("tasks"))), ["t1 todo 'school': hall3 none"]);
    assert_eq!(jury.messages().iter().filter(|message| message.attr("from") == neerc.jid).count(), 0, "{jury:?}");
    assert_eq!(hall3.messages().iter().filter(|message| message.attr("from") == neerc.jid).count(), 0, "{hall3:?}");
}

fn groups_come_from_rules_and_rooms(kind: Kind) {
    let server = shared(kind);
    let printers = server.room(&[("hall2", "member"), ("bob", "member")]);
    let toml = format!(
        "[[groups]]\nname = \"Halls\"\nmembers = [\"hall*\"]\n[[groups]]\nname = \"Printers\"\nroom = \"{printers}\"\n"
    );
    let people = [("jury1", "owner"), ("hall1", "member"), ("hall2", "member"), ("bob", "member"), ("carl", "member")];
    let stage = Stage::new(server, &people, &toml);
    let jury = stage.join("jury1");
    let listed = || users_of(&jury.iq(&stage.at(), "get", &query("users")));
    let expected =
        ["jury1 Admins yes", "bob Printers no", "carl Users no", "hall1 Halls no", "hall2 Halls no"].map(String::from);
    within(PROMPT, "the members of the group's room", || listed() == expected);
    // A name that is no user is a group, whatever its case.
    stage.create(&jury, "to halls", "todo", &[("halls", "none", "")]);
    stage.create(&jury, "to printers", "todo", &[("PRINTERS", "none", "")]);
    stage.create(&jury, "to users", "todo", &[("Users", "none", ""), ("admins", "none", "")]);
    let list = stage.list(&jury);
    assert!(list[0].ends_with("'to halls': hall1 none, hall2 none"), "{list:?}");
    assert!(list[1].ends_with("'to printers': bob none, hall2 none"), "{list:?}");
    assert!(list[2].ends_with("'to users': carl none, jury1 none"), "{list:?}");
}

fn groups_come_from_the_directory(kind: Kind) {
    let halls = vec![String::from("hall1"), String::from("hall2")];
    let options = Options { groups: Some(vec![(String::from("Halls"), halls)]), ..Options::default() };
    let server = Server::launch(kind, options);
    if !server.hears_privileged() {
        println!("not tried: this server drops what a component with privileges asks");
        return;
    }
    let people = [("jury1", "owner"), ("hall1", "member"), ("hall2", "member"), ("bob", "member")];
    let stage = Stage::new(&server, &people, "[directory]\njid = \"directory@localhost\"\npoll_s = 1\n");
    let jury = stage.join("jury1");
    let listed = || users_of(&jury.iq(&stage.at(), "get", &query("users")));
    let expected = ["jury1 Admins yes", "bob Users no", "hall1 Halls no", "hall2 Halls no"].map(String::from);
    within(PROMPT * 3, "the directory", || listed() == expected);
    stage.create(&jury, "to halls", "todo", &[("HALLS", "none", "")]);
    let list = stage.list(&jury);
    assert!(list[0].ends_with("'to halls': hall1 none, hall2 none"), "{list:?}");
}

fn ordinary_clients_learn_what_the_service_is(kind: Kind) {
    let stage = Stage::new(shared(kind), &[("jury1", "owner")], "");
    stage.server.register("stranger");
    let asker = login(stage.server, "stranger");
    let info_ns = "http://jabber.org/protocol/disco#info";
    for to in [stage.svc().to_owned(), stage.at()] {
        let info = asker.iq(&to, "get", &format!("<query xmlns='{info_ns}'/>"));
        let features: Vec<_> = info
            .child("query")
            .unwrap()
            .children
            .iter()
            .filter(|child| child.name == "feature")
            .map(|f| f.attr("var"))
            .collect();
        for name in ["#users", "#tasks", "#task", "#taskstatus", "#clock", "#ping"] {
            assert!(features.contains(&format!("{NS}{name}").as_str()), "{name}: {}", info.xml);
        }
        for feature in [info_ns, "urn:xmpp:ping", "jabber:iq:version", "jabber:iq:last", "urn:xmpp:time"] {
            assert!(features.contains(&feature), "{feature}: {}", info.xml);
        }
        let identity = info.find("identity").unwrap();
        let expected = if to == stage.svc() { ("component", "generic") } else { ("client", "bot") };
        assert_eq!((identity.attr("category"), identity.attr("type")), expected);
        done(&asker.iq(&to, "get", "<ping xmlns='urn:xmpp:ping'/>"));
        let version = asker.iq(&to, "get", "<query xmlns='jabber:iq:version'/>");
        assert_eq!(version.find("name").map(|name| name.text.as_str()), Some("neerc"));
        assert_eq!(version.find("version").map(|version| version.text.as_str()), Some(env!("CARGO_PKG_VERSION")));
        let last = asker.iq(&to, "get", "<query xmlns='jabber:iq:last'/>");
        assert!(last.find("query").unwrap().attr("seconds").parse::<u64>().unwrap() < 600, "{}", last.xml);
        let time = asker.iq(&to, "get", "<time xmlns='urn:xmpp:time'/>");
        assert_eq!(time.find("tzo").map(|tzo| tzo.text.as_str()), Some("+00:00"));
        let utc = &time.find("utc").unwrap().text;
        assert!(utc.len() == 20 && utc.ends_with('Z') && utc.starts_with("20"), "{utc}");
        refused(&asker.iq(&to, "get", "<query xmlns='jabber:iq:gateway'/>"), "service-unavailable");
    }
    let items_ns = "http://jabber.org/protocol/disco#items";
    let items = asker.iq(stage.svc(), "get", &format!("<query xmlns='{items_ns}'/>"));
    let items: Vec<_> = items.child("query").unwrap().children.iter().map(|item| item.attr("jid").to_owned()).collect();
    assert_eq!(items, [stage.at()]);
    let host = asker.iq(HOST, "get", &format!("<query xmlns='{items_ns}'/>"));
    assert!(host.xml.contains(stage.svc()), "the server lists the service: {}", host.xml);
    answered_once(&asker);
}
