//! Notifications: who is told, what exactly, how often, and who is told nothing.

use std::fs;
use std::time::{Duration, Instant};

use super::{
    NS, Stage, Task, answered_once, connect, done, expect_push, login, muc, packet, pushes, query, refused, shared,
    status_packet, users_of, within,
};
use crate::raw::Raw;
use crate::servers::{Kind, unique};
use crate::slix::Stanza;
use crate::wait::{PATIENCE, wait_for};

on_both!(
    a_notification_has_exactly_the_form_that_clients_read,
    every_session_is_told_of_every_change_once,
    other_sessions_of_an_account_get_no_copies,
    a_session_that_asked_before_it_joined_is_told,
    nothing_is_kept_for_a_user_who_went,
    a_session_that_went_is_told_nothing_while_another_stays,
    a_refused_write_shows_its_sender_the_truth,
    names_left_out_are_said_to_the_sender_of_a_get,
    a_burst_is_spaced_and_ends_with_the_newest_state,
    titles_never_break_the_line_or_ring_the_clock,
    a_removal_is_told_once,
    own_visibility_shows_own_tasks_only,
    the_wiki_packet_can_be_left_out,
);

const PEOPLE: [(&str, &str); 3] = [("jury1", "owner"), ("hall1", "member"), ("hall2", "member")];

fn a_notification_has_exactly_the_form_that_clients_read(kind: Kind) {
    let stage = Stage::new(shared(kind), &PEOPLE, "");
    let jury = stage.join("jury1");
    let hall = stage.join("hall1");
    let title = "A <b> & 'q' Б";
    let id = stage.create(&jury, title, "okfail", &[("hall1", "none", "")]);
    for brief in [
        format!("{id} okfail '{title}': hall1 none"),
        format!("{id} okfail '{title}': hall1 fail 'no \"ink\"'"),
        format!("{id} remove ''"),
    ] {
        let told = expect_push(&hall, &brief);
        if brief.ends_with("none") {
            stage.answer(&hall, &id, "fail", "no \"ink\"");
        } else if brief.contains("ink") {
            stage.remove(&jury, &id);
        }
        let mut attributes: Vec<_> = told.attrs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        attributes.retain(|(name, _)| *name != "xml:lang"); // stamped by one server
        assert_eq!(attributes, [("from", stage.svc()), ("to", hall.jid.as_str())]);
        let mut children: Vec<_> = told
            .children
            .iter()
            .map(|child| (child.name.as_str(), child.ns.strip_prefix(NS).unwrap_or(&child.ns)))
            .collect();
        children.sort_by_key(|(name, _)| *name != "body"); // one server puts it last
        children.retain(|(name, _)| *name != "private"); // the other takes it out once it has obeyed it
        assert_eq!(
            children,
            [
                ("body", "jabber:client"),
                ("x", "#tasks"),
                ("task", "#task"),
                ("no-store", "urn:xmpp:hints"),
                ("no-copy", "urn:xmpp:hints"),
            ],
            "{}",
            told.xml
        );
        assert!(told.child("body").unwrap().attrs.is_empty(), "no language of its own: {}", told.xml);
        let removed = brief.ends_with("remove ''");
        let expected = if removed { format!("Task ({id}) changed") } else { format!("Task '{title}' ({id}) changed") };
        assert_eq!(told.body(), expected);
        let (read, bare) = (&told.child("x").unwrap().children[0], told.child("task").unwrap());
        let names = |task: &crate::slix::Element| task.attrs.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(bare), ["id", "title", "type"], "{}", told.xml);
        assert_eq!(Task { timestamp_ms: None, ..Task::of(read) }, Task::of(bare));
        if removed {
            assert_eq!(names(read), ["id", "title", "type"], "{}", told.xml);
        } else {
            assert!(Task::of(read).timestamp_ms.is_some_and(|ms| ms > 1_500_000_000_000), "{}", told.xml);
        }
    }
}

/// A notification, the clock, words about names that were left out, and a line of chat: each is for one session, and servers
/// copy what is sent to one to the others that ask for copies.
fn other_sessions_of_an_account_get_no_copies(kind: Kind) {
    let clock = std::env::temp_dir().join(unique("neerc-it-copies-clock"));
    fs::write(&clock, "<clock time='60000' length='18000000' status='RUNNING'/>").unwrap();
    let mut stage = Stage::new(shared(kind), &PEOPLE, &format!("[clock]\nfile = {:?}\n", clock.to_str().unwrap()));
    let others = ["Phone", "Web"].map(|_| login(stage.server, "hall1"));
    let office = login(stage.server, "jury1");
    let jury = stage.join("jury1");
    let hall = stage.join("hall1");
    for copied in others.iter().chain([&office, &jury, &hall]) {
        done(&copied.iq(copied.bare_jid(), "set", "<enable xmlns='urn:xmpp:carbons:2'/>"));
    }
    assert_eq!(stage.tasks(&hall), []);
    hall.expect_message(|stanza| stanza.child_ns("x", &format!("{NS}#clock")).is_some(), PATIENCE);
    let id = stage.create(&jury, "copied", "todo", &[("hall1", "none", "")]);
    expect_push(&hall, &format!("{id} todo 'copied': hall1 none"));
    done(&jury.iq(
        &stage.at(),
        "get",
        &packet(Some(&id), "copied", "todo", &[("hall1", "none", ""), ("nobody", "none", "")]),
    ));
    jury.expect_message(|stanza| stanza.body().contains("left out"), PATIENCE);
    let chatting = login(stage.server, "hall2");
    let silent = login(stage.server, "hall2");
    for copied in [&chatting, &silent] {
        done(&copied.iq(copied.bare_jid(), "set", "<enable xmlns='urn:xmpp:carbons:2'/>"));
    }
    chatting.join(&stage.room, "hall2");
    chatting.send(&format!("<message type='chat' to='{}'><body>tasks</body></message>", stage.at()));
    chatting.expect_message(|stanza| stanza.attr("from") == stage.at(), PATIENCE);
    silent.expect_message(|stanza| stanza.find("received").is_some(), PATIENCE);
    silent.clear(); // the answer is part of a conversation that is the same on all devices
    stage.create(&jury, "told by chat", "todo", &[("hall2", "none", "")]);
    chatting.expect_message(|stanza| stanza.body().contains("told by chat"), PATIENCE);
    stage.neerc.terminate(); // whatever was on its way has arrived
    for copied in others.iter().chain([&office, &silent]) {
        copied.sync("localhost");
        let copies: Vec<_> = copied.stanzas().into_iter().filter(|stanza| stanza.name == "message").collect();
        assert!(copies.is_empty(), "{} has got {copies:#?}", copied.jid);
    }
    let _ = fs::remove_file(clock);
}

fn every_session_is_told_of_every_change_once(kind: Kind) {
    let stage = Stage::new(shared(kind), &PEOPLE, "");
    let jury = stage.join("jury1");
    // Three volunteers share the account of their hall, so its nick as well.
    let sessions = [(); 3].map(|()| stage.join("hall1"));
    let other = stage.join("hall2");
    let asker = connect(stage.server, "hall2");
    stage.tasks(&asker);
    let id = stage.create(&jury, "for all", "todo", &[("hall1", "none", "")]);
    stage.answer(&sessions[1], &id, "success", "");
    stage.remove(&jury, &id);
    let everybody: Vec<_> = sessions.iter().chain([&other, &asker]).collect();
    for session in everybody.iter().chain([&&jury]) {
        expect_push(session, &format!("{id} remove ''"));
    }
    stage.settle(&jury, &everybody);
    for session in &everybody {
        // The two states before the removal may have been passed over: what counts is the newest one.
        let told = pushes(session, Some(&id));
        let all = [format!("{id} todo 'for all': hall1 none"), format!("{id} todo 'for all': hall1 success")];
        let mut rest = all.iter();
        assert!(told.iter().all(|brief| rest.any(|state| state == brief)), "each once and in order: {told:?}");
        assert!(session.messages().iter().all(|message| message.attr("to") == session.jid), "{session:?}");
    }
    assert_eq!(users_of(&jury.iq(&stage.at(), "get", &query("users"))).len(), 3, "the service is none of the users");
}

fn a_session_that_asked_before_it_joined_is_told(kind: Kind) {
    let stage = Stage::new(shared(kind), &PEOPLE, "");
    let jury = stage.join("jury1");
    let hall = connect(stage.server, "hall1");
    assert_eq!(stage.list(&hall), [""; 0]);
    // Between its list and its joining, when it has not even sent presence.
    let id = stage.create(&jury, "early", "todo", &[("hall1", "none", "")]);
    expect_push(&hall, &format!("{id} todo 'early': hall1 none"));
    hall.send("<presence/>");
    hall.join(&stage.room, "hall1");
    stage.answer(&hall, &id, "running", "");
    expect_push(&hall, &format!("{id} todo 'early': hall1 running"));
    stage.settle(&jury, &[&hall]);
    assert_eq!(pushes(&hall, Some(&id)), [""; 0], "asking and joining are not two subscriptions");
    // A user who only sent presence to the service is told too, until it goes.
    let directed = connect(stage.server, "hall2");
    directed.send(&format!("<presence to='{}'/>", stage.at()));
    directed.sync(stage.svc());
    stage.answer(&hall, &id, "success", "");
    expect_push(&directed, &format!("{id} todo 'early': hall1 success"));
    directed.send(&format!("<presence type='unavailable' to='{}'/>", stage.at()));
    directed.sync(stage.svc());
    stage.answer(&hall, &id, "none", "");
    expect_push(&hall, &format!("{id} todo 'early': hall1 none"));
    stage.settle(&jury, &[&hall]);
    directed.sync(stage.svc());
    assert_eq!(pushes(&directed, None), [""; 0]);
}

fn nothing_is_kept_for_a_user_who_went(kind: Kind) {
    let stage = Stage::new(shared(kind), &[("jury1", "owner"), ("hall7", "member"), ("hall2", "member")], "");
    let jury = stage.join("jury1");
    let id = stage.create(&jury, "gone", "todo", &[("hall7", "none", ""), ("hall2", "none", "")]);
    for (round, way) in ["leaves", "is cut", "is cut without having joined"].into_iter().enumerate() {
        let hall = match way {
            "is cut without having joined" => {
                let hall = connect(stage.server, "hall7");
                // The presence to the jury lets this test see when the server knows of the end.
                hall.send(&format!("<presence/><presence to='{}'/><presence to='{}'/>", stage.at(), jury.jid));
                stage.tasks(&hall);
                hall
            }
            _ => stage.join("hall7"),
        };
        jury.clear();
        match way {
            "leaves" => hall.leave(&stage.room, "hall7"),
            _ => hall.cut(),
        }
        let from = if way == "is cut without having joined" { hall.jid.as_str() } else { "/hall7" };
        jury.expect_presence(
            |presence| presence.kind() == "unavailable" && presence.attr("from").ends_with(from),
            PATIENCE,
        );
        jury.sync(stage.svc());
        stage.edit(&jury, &id, &format!("gone {round}"), "todo", &[("hall7", "none", ""), ("hall2", "none", "")]);
        stage.settle(&jury, &[]);
        if way == "leaves" {
            hall.sync(stage.svc());
            assert_eq!(pushes(&hall, None), [""; 0], "left but online");
        }
        drop(hall);
        // Whatever was stored for the account comes with its next presence, before the answer to the ping.
        let back = login(stage.server, "hall7");
        back.sync("localhost");
        back.sync(stage.svc());
        assert_eq!(back.messages(), [], "stored for a user who {way}");
    }
}

fn a_session_that_went_is_told_nothing_while_another_stays(kind: Kind) {
    let stage = Stage::new(shared(kind), &[("jury1", "owner"), ("hall8", "member")], "");
    let jury = stage.join("jury1");
    let id = stage.create(&jury, "two", "todo", &[("hall8", "none", "")]);
    let stays = stage.join("hall8");
    let leaves = stage.join("hall8");
    let cut = stage.join("hall8");
    stage.edit(&jury, &id, "two 0", "todo", &[("hall8", "none", "")]);
    for session in [&stays, &leaves, &cut] {
        expect_push(session, &format!("{id} todo 'two 0': hall8 none"));
    }
    leaves.leave(&stage.room, "hall8");
    cut.cut();
    let mut round = 0;
    let mut quiet = || {
        round += 1;
        stays.clear();
        leaves.clear();
        stage.edit(&jury, &id, &format!("two {round}"), "todo", &[("hall8", "none", "")]);
        stage.settle(&jury, &[&stays]);
        leaves.sync(stage.svc());
        let told = pushes(&stays, Some(&id));
        assert!(
            told.iter().all(|brief| *brief == format!("{id} todo 'two {round}': hall8 none")),
            "never an old state"
        );
        assert!(!told.is_empty(), "who stays is told");
        told.len() == 1 && pushes(&leaves, Some(&id)).is_empty()
    };
    match kind {
        // This server shows its room's occupants anew when one session of several goes.
        Kind::Prosody => {
            let took = within(Duration::from_secs(3), "the end of tellings to sessions that went", quiet);
            println!("{kind:?}: a session of several is forgotten after {took:?}");
        }
        // This one says nothing until the last session of a nick goes: what went may be told, and what was cut has its
        // copy go to the session that stayed, always of the newest state.
        Kind::Ejabberd => drop(quiet()),
    }
    jury.clear();
    stays.leave(&stage.room, "hall8");
    jury.expect_presence(|presence| presence.kind() == "unavailable", PATIENCE);
    jury.sync(stage.svc());
    // Whoever is not named as it goes may be in the room still, until the room has been asked.
    let took = within(Duration::from_secs(3), "the end of tellings to all sessions of the nick", || {
        for session in [&stays, &leaves] {
            session.sync(stage.svc());
            session.clear();
        }
        stage.settle(&jury, &[]);
        let told = |session: &crate::slix::User<'_>| {
            session.sync(stage.svc());
            !pushes(session, None).is_empty()
        };
        // What is for the one that was cut comes to either of them.
        let is_told = [&stays, &leaves].map(told);
        is_told == [false; 2]
    });
    println!("{kind:?}: all sessions of a nick are forgotten after {took:?}");
}

fn a_refused_write_shows_its_sender_the_truth(kind: Kind) {
    let stage = Stage::new(shared(kind), &PEOPLE, "");
    let jury = stage.join("jury1");
    let hall = stage.join("hall1");
    let twin = stage.join("hall1");
    let absent = connect(stage.server, "hall2");
    let id = stage.create(&jury, "truth", "todo", &[("hall2", "none", "")]);
    let gone = stage.create(&jury, "ghost", "todo", &[("hall1", "none", "")]);
    stage.remove(&jury, &gone);
    stage.settle(&jury, &[&hall, &twin]);
    for session in [&jury, &hall, &twin] {
        session.clear();
    }
    let truth = format!("{id} todo 'truth': hall2 none");
    let removed = format!("{gone} remove ''");
    for (child, condition, shown) in [
        (status_packet(&id, "success", ""), "forbidden", Some(&truth)),
        (status_packet(&id, "bogus", ""), "bad-request", Some(&truth)),
        (packet(Some(&id), "mine", "todo", &[("hall1", "none", "")]), "forbidden", Some(&truth)),
        (packet(Some(&id), "", "remove", &[]), "forbidden", Some(&truth)),
        (status_packet(&gone, "success", ""), "item-not-found", Some(&removed)),
        (packet(Some(&gone), "mine", "todo", &[]), "forbidden", Some(&removed)),
        (status_packet("9999", "success", ""), "item-not-found", None),
        (packet(None, "mine", "todo", &[]), "forbidden", None),
    ] {
        for session in [&hall, &absent] {
            if session.jid == absent.jid && child.contains(&format!("#taskstatus' id='{id}' type='success'")) {
                continue; // that one is theirs
            }
            refused(&session.iq(&stage.at(), "set", &child), condition);
            if let Some(brief) = shown {
                expect_push(session, brief);
            }
        }
    }
    // An admin's mistake is shown as well.
    refused(&jury.iq(&stage.at(), "set", &packet(Some(&id), "", "todo", &[])), "bad-request");
    expect_push(&jury, &truth);
    stage.settle(&jury, &[&hall, &twin]);
    for session in [&jury, &hall, &twin, &absent] {
        session.sync(stage.svc());
        assert_eq!(pushes(session, Some(&id)), [""; 0], "{}", session.jid);
        assert_eq!(pushes(session, Some(&gone)), [""; 0], "{}", session.jid);
        assert_eq!(pushes(session, Some("9999")), [""; 0], "{}", session.jid);
        answered_once(session);
    }
}

fn names_left_out_are_said_to_the_sender_of_a_get(kind: Kind) {
    let stage = Stage::new(shared(kind), &PEOPLE, "");
    let jury = stage.join("jury1");
    let hall = stage.join("hall1");
    let said = |stanza: &Stanza| stanza.kind() == "chat";
    let nick = "neerc"; // the service itself, which the desktop lists among the people
    let statuses = [
        ("hall1", "none", ""),
        (nick, "none", ""),
        ("ghost", "none", ""),
        ("hall2", "none", ""),
        ("Spook", "none", ""),
    ];
    done(&jury.iq(&stage.at(), "get", &packet(None, "left", "todo", &statuses)));
    let chat = jury.expect_message(said, PATIENCE);
    assert!(chat.body().contains("'ghost'") && chat.body().contains("'Spook'"), "{}", chat.body());
    assert!(!chat.body().contains("neerc") && !chat.body().contains("hall"), "{}", chat.body());
    assert_eq!((chat.attr("from"), chat.attr("to")), (stage.at().as_str(), jury.jid.as_str()));
    let id = stage.tasks(&jury)[0].id.clone();
    assert_eq!(stage.list(&jury), [format!("{id} todo 'left': hall1 none, hall2 none")]);
    done(&jury.iq(
        &stage.at(),
        "get",
        &packet(Some(&id), "left", "todo", &[("ghost", "none", ""), ("jury1", "none", "")]),
    ));
    assert!(jury.expect_message(said, PATIENCE).body().contains("'ghost'"));
    expect_push(&jury, &format!("{id} todo 'left': hall1 none, hall2 none, jury1 none"));
    // In a set they are refused, but for the service's own nick, which is dropped without a word.
    refused(&jury.iq(&stage.at(), "set", &packet(None, "x", "todo", &statuses)), "bad-request");
    done(&jury.iq(&stage.at(), "set", &packet(None, "nobody", "todo", &[(nick, "none", "")])));
    stage.settle(&jury, &[&hall]);
    assert!(stage.list(&jury)[1].ends_with(" todo 'nobody'"), "{:?}", stage.list(&jury));
    for session in [&jury, &hall] {
        assert_eq!(session.messages().iter().filter(|message| said(message)).count(), 0, "{session:?}");
    }
}

fn a_burst_is_spaced_and_ends_with_the_newest_state(kind: Kind) {
    let stage = Stage::new(shared(kind), &PEOPLE, "");
    let jury = stage.join("jury1");
    let id = stage.create(&jury, "burst", "todo", &[("hall1", "none", "")]);
    let mut hall = Raw::login(stage.server, "hall1", "burst");
    let occupant = format!("{}/hall1", muc(&stage.room));
    hall.send(&format!("<presence/><presence to='{occupant}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"));
    hall.expect(|stanza| stanza.starts_with("<presence") && stanza.contains("110"));
    hall.send(&format!("<iq type='get' id='in' to='{}'><ping xmlns='urn:xmpp:ping'/></iq>", stage.svc()));
    hall.expect(|stanza| stanza.starts_with("<iq"));
    // The receiver may read a push late, so that the next one seems early: one burst has to come without lateness. How
    // many pushes there may be in the time of a burst holds for each.
    let mut seen = Vec::new();
    for burst in 0..20 {
        let last = format!("burst {burst} of 20");
        // What was told before must not hold the first of these back.
        let quiet = Instant::now();
        wait_for("the spacing has passed", || quiet.elapsed() > Duration::from_millis(60));
        let began = Instant::now();
        let arrivals = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut arrivals = Vec::new();
                loop {
                    let told = hall
                        .expect(|stanza| stanza.starts_with("<message") && stanza.contains(&format!("burst {burst} ")));
                    arrivals.push(Instant::now());
                    if told.contains(&last) {
                        return arrivals;
                    }
                }
            });
            for number in 1..=20 {
                let title = if number == 20 { last.clone() } else { format!("burst {burst} no {number}") };
                stage.edit(&jury, &id, &title, "todo", &[("hall1", "none", "")]);
            }
            reader.join().unwrap()
        });
        assert_eq!(stage.tasks(&jury)[0].title, last);
        stage.settle(&jury, &[]);
        let gaps: Vec<_> = arrivals.windows(2).map(|pair| pair[1] - pair[0]).collect();
        println!("{kind:?}: 20 edits told by {} pushes, gaps {gaps:?}", arrivals.len());
        assert!((2..20).contains(&arrivals.len()), "the first at once, the others together: {}", arrivals.len());
        let most = arrivals[arrivals.len() - 1].duration_since(began).as_millis() / 50 + 1;
        assert!(arrivals.len() as u128 <= most, "{} pushes, but at most {most}: {gaps:?}", arrivals.len());
        if gaps.iter().all(|gap| *gap >= Duration::from_millis(40)) {
            return;
        }
        seen.push(gaps);
    }
    panic!("in no burst were all pushes 40 ms apart: {seen:?}");
}

fn titles_never_break_the_line_or_ring_the_clock(kind: Kind) {
    let stage = Stage::new(shared(kind), &PEOPLE, "");
    let jury = stage.join("jury1");
    let hall = stage.join("hall1");
    for (title, clean, body) in [
        ("two\nlines", "two lines", "Task 'two lines' (ID) changed"),
        ("a\rb\tc", "a b c", "Task 'a b c' (ID) changed"),
        ("line\u{2028}separator", "line separator", "Task 'line separator' (ID) changed"),
        ("Set the Clock", "Set the Clock", "Task (ID) changed"),
        ("o'clock (5)", "o'clock (5)", "Task (ID) changed"),
    ] {
        done(&jury.iq(&stage.at(), "set", &packet(None, title, "todo", &[("hall1", "none", "")])));
        let told = hall.expect_message(|stanza| Task::pushed(stanza).is_some(), PATIENCE);
        let task = Task::pushed(&told).unwrap();
        assert_eq!((task.title.as_str(), told.body()), (clean, body.replace("ID", &task.id).as_str()));
        assert_eq!(told.children.iter().filter(|child| child.name == "body").count(), 1);
        jury.expect_message(|stanza| Task::pushed(stanza).is_some_and(|other| other.id == task.id), PATIENCE);
    }
}

fn a_removal_is_told_once(kind: Kind) {
    let stage = Stage::new(shared(kind), &PEOPLE, "");
    let jury = stage.join("jury1");
    let hall = stage.join("hall1");
    let id = stage.create(&jury, "once", "todo", &[("hall1", "none", "")]);
    let removed = format!("{id} remove ''");
    stage.remove(&jury, &id);
    let late = stage.join("hall2");
    assert_eq!(stage.list(&late), [""; 0]);
    // Removing it again is refused, which shows the sender the truth and tells the others nothing.
    refused(&jury.iq(&stage.at(), "set", &packet(Some(&id), "", "remove", &[])), "item-not-found");
    refused(&jury.iq(&stage.at(), "set", &packet(Some("9999"), "", "remove", &[])), "item-not-found");
    expect_push(&hall, &removed);
    expect_push(&jury, &removed);
    stage.settle(&jury, &[&hall, &late]);
    assert_eq!(pushes(&hall, Some(&id)), [format!("{id} todo 'once': hall1 none")]);
    assert_eq!(pushes(&hall, Some("9999")), [""; 0]);
    assert!(pushes(&late, Some(&id)).len() <= 1, "at most the removal itself, if it came while that was told");
}

fn own_visibility_shows_own_tasks_only(kind: Kind) {
    let stage = Stage::new(shared(kind), &PEOPLE, "[tasks]\nvisibility = \"own\"\n");
    let jury = stage.join("jury1");
    let [hall1, hall2] = ["hall1", "hall2"].map(|user| stage.join(user));
    let both = stage.create(&jury, "both", "todo", &[("hall1", "none", ""), ("hall2", "none", "")]);
    let first = stage.create(&jury, "first", "todo", &[("hall1", "none", "")]);
    expect_push(&hall1, &format!("{both} todo 'both': hall1 none"));
    expect_push(&hall2, &format!("{both} todo 'both': hall2 none"));
    expect_push(&hall1, &format!("{first} todo 'first': hall1 none"));
    assert_eq!(
        stage.list(&hall1),
        [format!("{both} todo 'both': hall1 none"), format!("{first} todo 'first': hall1 none")]
    );
    assert_eq!(stage.list(&hall2), [format!("{both} todo 'both': hall2 none")]);
    assert_eq!(stage.list(&jury)[0], format!("{both} todo 'both': hall1 none, hall2 none"));
    let of = |name: &str| hall2.iq(&stage.at(), "get", &format!("<query xmlns='{NS}#tasks' for='{name}'/>"));
    refused(&of("hall1"), "forbidden");
    assert_eq!(super::tasks_of(&of("hall2")).len(), 1);
    // An answer of one is nothing that the other may see.
    stage.answer(&hall1, &both, "fail", "secret");
    expect_push(&hall1, &format!("{both} todo 'both': hall1 fail 'secret'"));
    expect_push(&jury, &format!("{both} todo 'both': hall1 fail 'secret', hall2 none"));
    // Who loses a task is told that it is gone; who gets one is told of it; the others hear nothing.
    stage.edit(&jury, &first, "first", "todo", &[("hall2", "none", "")]);
    expect_push(&hall1, &format!("{first} remove ''"));
    expect_push(&hall2, &format!("{first} todo 'first': hall2 none"));
    stage.remove(&jury, &first);
    expect_push(&hall2, &format!("{first} remove ''"));
    expect_push(&jury, &format!("{first} remove ''"));
    // A refused write shows nothing that its sender may not see.
    let hidden = stage.create(&jury, "hidden", "todo", &[("hall2", "none", "")]);
    refused(&hall1.iq(&stage.at(), "set", &status_packet(&hidden, "success", "")), "forbidden");
    let last = stage.create(&jury, "last", "todo", &[("hall1", "none", ""), ("hall2", "none", "")]);
    for hall in [&hall1, &hall2] {
        hall.expect_message(|stanza| Task::pushed(stanza).is_some_and(|task| task.id == last), PATIENCE);
        assert!(!hall.messages().iter().any(|message| message.xml.contains("secret")), "{hall:?}");
    }
    assert_eq!(pushes(&hall1, None).iter().filter(|brief| brief.contains("hidden")).count(), 0, "{hall1:?}");
    assert_eq!(pushes(&hall2, Some(&first)), [""; 0]);
}

fn the_wiki_packet_can_be_left_out(kind: Kind) {
    let stage = Stage::new(shared(kind), &PEOPLE, "[tasks]\nwiki_packet = false\n");
    let jury = stage.join("jury1");
    let hall = stage.join("hall1");
    let id = stage.create(&jury, "plain", "todo", &[("hall1", "none", "")]);
    stage.remove(&jury, &id);
    for brief in [format!("{id} todo 'plain': hall1 none"), format!("{id} remove ''")] {
        let told = expect_push(&hall, &brief);
        let mut children: Vec<_> = told.children.iter().map(|child| child.name.as_str()).collect();
        children.sort_unstable();
        children.retain(|name| *name != "private"); // one server takes it out once it has obeyed it
        assert_eq!(children, ["body", "no-copy", "no-store", "x"]);
    }
}
