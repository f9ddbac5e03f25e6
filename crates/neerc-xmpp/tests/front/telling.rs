//! How a change is told: spacing, coalescing, fences, sizes, own tasks only.

use super::*;
use bench::{BEGIN_MS, canonical};
use neerc_core::view::Visibility;

fn in_room(jids: &[&str]) -> Bench {
    let mut bench = ready(Flavour::Prosody);
    for jid in jids {
        bench.joins(jid.split('@').next().unwrap(), jid);
    }
    bench.with_task(&["hall1"])
}

#[test]
fn updates_of_one_task_are_spaced_and_the_newest_state_wins() {
    let mut bench = in_room(&[HALL2]);
    bench.check(&format!(
        "C: {}
         S: {}
         S: {}
         C: {}
         S: {}
         (20 ms later)
         C: {}
         S: {}
         (29 ms later)
         (1 ms later)
         S: {}
         (1 s later)",
        iq("set", HALL1, &status(1, "running")),
        result(HALL1, ""),
        told(HALL2, BEGIN_MS, &[("hall1", "running")]),
        iq("set", HALL1, &status(1, "fail")),
        result(HALL1, ""),
        iq("set", HALL1, &status(1, "success")),
        result(HALL1, ""),
        told(HALL2, BEGIN_MS, &[("hall1", "success")]),
    ));
}

#[test]
fn other_tasks_are_not_held_back() {
    let mut bench = in_room(&[HALL2]);
    for _ in 0..5 {
        bench.hear(iq("set", ADMIN, &task("title='U' type='todo'", &[])));
        assert_eq!(bench.recipients(), [HALL2]);
    }
}

#[test]
fn spacing_holds_when_the_link_takes_only_some_of_the_sessions() {
    let mut bench = in_room(&[HALL1, HALL2, "hall3@localhost/Phone"]);
    bench.chunk = 1; // one message at a time
    bench.link_free = false;
    bench.hear(iq("set", HALL1, &status(1, "running")));
    let step = |bench: &mut Bench| {
        let out = bench.transmit(1);
        let said = String::from_utf8(out.to_vec()).unwrap();
        let to = said.rsplit("<message").next().and_then(|last| bench::attr(&format!("<message{last}"), "to"));
        (to, said.contains("running"), said.contains("success"))
    };
    let phone = |name: &str| Some(format!("{name}@localhost/Phone"));
    step(&mut bench); // the answer
    assert_eq!(step(&mut bench), (phone("hall1"), true, false));
    bench.now_ms += 10;
    bench.hear(iq("set", HALL1, &status(1, "success")));
    step(&mut bench); // the answer
    assert_eq!(step(&mut bench), (phone("hall2"), false, true), "the newest state to those who have not heard yet");
    assert_eq!(step(&mut bench), (phone("hall3"), false, true));
    let due_ms = bench.front.next_transmit_ms();
    assert!(due_ms >= bench.now_ms + 50 || !step(&mut bench).2, "hall1 was told 10 ms ago");
    bench.now_ms += 49;
    assert!(!step(&mut bench).2);
    bench.now_ms += 1;
    let mut later = vec![step(&mut bench), step(&mut bench)];
    later.retain(|(_, _, success)| *success);
    assert_eq!(later, [(phone("hall1"), false, true)]);
}

#[test]
fn a_burst_is_told_as_one() {
    let mut bench = in_room(&[HALL2]);
    bench.link_free = false;
    for kind in ["running", "success", "fail", "running", "acknowledged"] {
        bench.hear(iq("set", HALL1, &status(1, kind)));
    }
    bench.link_free = true;
    bench.pump();
    let said = bench.said();
    assert_eq!(said.iter().filter(|said| said.starts_with("<iq")).count(), 5);
    assert_eq!(said.iter().filter(|said| said.starts_with("<message")).count(), 1);
    assert!(said.last().unwrap().contains("acknowledged"));
}

#[test]
fn what_changes_nothing_is_told_to_nobody() {
    let mut bench = in_room(&[HALL2]);
    for (from, payload) in [(HALL1, status(1, "none")), (ADMIN, task("id='1' title='T' type='todo'", &["hall1"]))] {
        let said = bench.on(&iq("set", from, &payload));
        assert_eq!(said.len(), 1);
        bench.pass(100);
        assert_eq!(bench.said(), Vec::<String>::new());
    }
}

#[test]
fn told_is_said_only_after_the_fence() {
    let mut bench = in_room(&[HALL2]);
    bench.events.clear();
    bench.server().pongs = false;
    assert_eq!(bench.answers(HALL1, "running"), [HALL2]);
    bench.pass(500);
    assert_eq!(bench.told(), 0, "the server has not confirmed anything");
    bench.server = None;
    bench.answers(HALL1, "success");
    bench.said();
    let ping = |id: u32| format!("<iq type='result' id='n{id}' from='localhost' to='neerc.localhost'/>");
    let fence = (4..20).find(|id| {
        bench.hear(ping(*id).replace("'localhost'", "'evil@localhost/x'"));
        assert_eq!(bench.told(), 0, "a forged answer");
        bench.hear(ping(*id));
        bench.told() > 0
    });
    assert!(fence.is_some());
    assert_eq!(bench.told(), 2, "the answer confirms what was told before the fence, and nothing later");
}

#[test]
fn a_lost_fence_is_followed_by_another() {
    let mut bench = in_room(&[HALL2]);
    bench.events.clear();
    bench.server().pongs = false;
    bench.answers(HALL1, "running");
    bench.pass(14_000);
    bench.hear(" ");
    bench.server().pongs = true;
    bench.pass(3_000);
    assert_eq!(bench.told(), 2);
    let messages = bench.recipients();
    assert_eq!(messages, Vec::<String>::new(), "a late fence alone repeats nothing");
}

#[test]
fn after_a_disconnect_what_was_not_confirmed_is_told_again() {
    for confirmed in [true, false] {
        let mut bench = in_room(&[HALL2]);
        bench.server().pongs = confirmed;
        bench.answers(HALL1, "running");
        bench.pass(200);
        bench.said();
        bench.disconnect();
        bench.server().pongs = true;
        bench.server_says(|server| server.join("neerc", "hall3", "hall3@localhost/Phone"));
        bench.events.clear();
        bench.connect();
        let again: &[&str] = if confirmed { &[] } else { &["hall2@localhost/Phone", "hall3@localhost/Phone"] };
        assert_eq!(bench.recipients(), again, "confirmed: {confirmed}");
        bench.pass(1_000);
        assert_eq!(bench.told(), if confirmed { 0 } else { 2 });
    }
}

#[test]
fn what_changes_while_the_link_is_down_is_told_after_it() {
    let mut bench = in_room(&[HALL2]);
    bench.hear_only(iq("set", HALL1, &status(1, "success")));
    bench.disconnect();
    bench.pump(); // decided and stored; the answer has nowhere to go
    assert_eq!(bench.said(), Vec::<String>::new());
    bench.connect();
    let said = bench.said();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(canonical(&said[0]), canonical(&told(HALL2, BEGIN_MS, &[("hall1", "success")])));
}

#[test]
fn after_a_crash_what_was_not_told_is_told_again() {
    let mut bench = in_room(&[HALL2]);
    bench.hear(iq("set", HALL1, &status(1, "running")));
    bench.hear(iq("set", ADMIN, &task("title='U' type='todo'", &[])));
    bench.said();
    bench.restart(1);
    let said = bench.said();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("running") && said[1].contains("'U' (t2)"), "{said:?}");
    bench.pass(1_000);
    assert_eq!(bench.told(), 3);
    bench.restart(3);
    assert_eq!(bench.said(), Vec::<String>::new());
    bench.hear(iq("set", ADMIN, &task("id='1' type='remove'", &[])));
    bench.said();
    bench.restart(3);
    assert_eq!(bench.said().iter().map(|said| canonical(said)).collect::<Vec<_>>(), [canonical(&told_removed(HALL2))]);
}

#[test]
fn bodies_are_one_line_and_never_mistaken_for_the_clock() {
    for (title, body) in [
        ("Bring&#10;two&#13;&#10;things&#9;now", "Task 'Bring two  things now' (t1) changed"),
        ("The clock", "Task (t1) changed"),
        ("CLOCKwork", "Task (t1) changed"),
        ("it&apos;s &lt;b&gt; &amp; \u{2028} x", "Task 'it's &lt;b&gt; &amp;   x' (t1) changed"),
    ] {
        let mut bench = ready(Flavour::Prosody);
        bench.joins("hall2", HALL2);
        bench.hear(iq("set", ADMIN, &task(&format!("title='{title}' type='todo'"), &[])));
        let said = bench.said();
        assert!(said[1].contains(&format!("<body>{body}</body>")), "{title}: {}", said[1]);
        assert!(!said[1].contains('\n') && said[1].contains(" title='"));
    }
}

#[test]
fn the_bare_packet_is_sent_by_the_setting() {
    let mut bench = Bench::served(settings(), Server::new(Flavour::Prosody));
    bench.joins("hall2", HALL2);
    bench.hear(iq("set", ADMIN, &task("title='T' type='todo'", &["hall1"])));
    let said = bench.said();
    assert!(said[1].contains("</x><task xmlns='http://neerc.ifmo.ru/protocol/neerc#task' id='t1' title='T' type='todo'><status for='hall1' type='none' value=''/></task><no-store"), "{}", said[1]);
}

#[test]
fn ordinary_users_see_their_own_only_if_so_set() {
    let mut settings = settings();
    settings.wiki_packet = false;
    settings.visibility = Visibility::Own;
    let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
    for (nick, jid) in [("hall1", HALL1), ("hall2", HALL2), ("hall3", "hall3@localhost/Phone"), ("admin", ADMIN)] {
        bench.joins(nick, jid);
    }
    let said = bench.on(&iq("set", ADMIN, &task("title='T' type='todo'", &["hall1", "hall2"])));
    let both = [("hall1", "none"), ("hall2", "none")];
    let expected = [
        result(ADMIN, ""),
        told(HALL1, BEGIN_MS, &[("hall1", "none")]),
        told(HALL2, BEGIN_MS, &[("hall2", "none")]),
        told(ADMIN, BEGIN_MS, &both),
    ];
    let canon = |all: &[String]| all.iter().map(|one| canonical(one).unwrap()).collect::<Vec<_>>();
    assert_eq!(canon(&said), canon(&expected));
    for (from, payload, tasks) in [
        (HALL1, query("tasks"), 1),
        ("hall3@localhost/Phone", query("tasks"), 0),
        (ADMIN, query("tasks").replace("/>", " for='hall2'/>"), 1),
    ] {
        let said = bench.on(&iq("get", from, &payload));
        assert_eq!(said[0].matches("<task ").count(), tasks, "{from}");
        assert!(said[0].matches("<status ").count() <= 1, "{from}: {said:?}");
    }
    bench.pass(100);
    // Unassigned means gone, for whoever was; the others never knew.
    let said = bench.on(&iq("set", ADMIN, &task("id='1' title='T' type='todo'", &["hall2"])));
    let expected = [
        result(ADMIN, ""),
        told_removed(HALL1),
        told(HALL2, BEGIN_MS, &[("hall2", "none")]),
        told(ADMIN, BEGIN_MS, &[("hall2", "none")]),
    ];
    assert_eq!(canon(&said), canon(&expected));
    bench.pass(100);
    let said = bench.on(&iq("set", ADMIN, &task("id='1' type='remove'", &[])));
    assert_eq!(canon(&said), canon(&[result(ADMIN, ""), told_removed(HALL2), told_removed(ADMIN)]));
}

#[test]
fn a_list_over_the_limit_is_shortened_by_who_asks() {
    let mut settings = settings();
    settings.max_stanza_bytes = 4_096 + 2_000;
    let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
    for n in 0..30 {
        let who = if n < 3 { "hall1" } else { "hall2" };
        bench.hear(iq("set", ADMIN, &task(&format!("title='Number {n:02}' type='todo'"), &[who])));
    }
    for id in [5, 7] {
        bench.hear(iq("set", HALL2, &status(id, "success")));
    }
    bench.said();
    let titles = |said: &[String]| {
        said[0].split("title='Number ").skip(1).map(|rest| rest[..2].parse().unwrap()).collect::<Vec<u32>>()
    };
    let ordinary = bench.on(&iq("get", HALL1, &query("tasks")));
    assert_eq!(titles(&ordinary), [0, 1, 2], "an ordinary user is given their own");
    let troubles = bench.troubles();
    assert!(troubles.len() == 1 && troubles[0].contains("the oldest tasks are left out"), "{troubles:?}");
    let admin = bench.on(&iq("get", ADMIN, &query("tasks")));
    let shown = titles(&admin);
    assert!(admin[0].len() < 4_096 + 2_000, "{}", admin[0].len());
    assert!(!shown.contains(&4) && !shown.contains(&6), "finished ones go first: {shown:?}");
    assert!(!shown.contains(&0) && shown.contains(&29), "then the oldest: {shown:?}");
    assert_eq!(bench.troubles(), Vec::<String>::new(), "once is enough");
    let long = bench.on(&iq("get", HALL2, &query("tasks")));
    assert!(
        long[0].len() < 4_096 + 2_000 && titles(&long).contains(&29) && !titles(&long).contains(&4),
        "even the own may be too many"
    );
}

#[test]
fn a_notification_over_the_limit_loses_what_matters_least() {
    let people: Vec<String> = (0..40).map(|n| format!("p{n:02}")).collect();
    let names: Vec<&str> = people.iter().map(String::as_str).collect();
    let whole = 40 * "<status for='p00' type='none' value=''/>".len();
    for (room, packets, statuses) in
        [(2 * whole + 900, 2, 80), (whole + 900, 1, 40), (whole, 1, 1), (400, 1, 1), (0, 1, 0)]
    {
        let mut settings = settings();
        settings.max_stanza_bytes = 3_072 + room;
        let mut server = Server::new(Flavour::Prosody);
        for name in &names {
            server.list("neerc", &format!("{name}@localhost"), "member");
        }
        let mut bench = Bench::served(settings, server);
        bench.joins("hall2", HALL2);
        bench.hear(iq("set", ADMIN, &task("title='T' type='todo'", &names)));
        bench.pass(100);
        bench.said();
        bench.hear(iq("set", "p07@localhost/x", &status(1, "success")));
        let said = bench.said();
        assert_eq!(said[1].matches("<task ").count(), packets, "{room}");
        assert_eq!(said[1].matches("<status ").count(), statuses, "{room}: {}", said[1]);
    }
}

#[test]
fn the_fence_never_starves_and_its_pace_is_bounded() {
    let mut bench = in_room(&[HALL2]);
    bench.server = None;
    let mut fences = 0;
    for n in 0..100 {
        let kind = if n % 2 == 0 { "running" } else { "success" };
        bench.hear(iq("set", HALL1, &status(1, kind)));
        bench.pass(10);
        for said in bench.said().iter().filter(|said| said.contains("urn:xmpp:ping")) {
            fences += 1;
            let id = bench::attr(said, "id").unwrap();
            bench.hear(format!("<iq type='result' id='{id}' from='localhost' to='neerc.localhost'/>"));
        }
    }
    assert!((5..=11).contains(&fences), "{fences} fences in a second");
    assert!(bench.told() >= 80, "{}", bench.told());
}

/// A notification of what differs in the one task `1` with title `T`.
fn told_difference(to: &str, revision: u64, timestamp_ms: i64, statuses: &str) -> String {
    format!(
        "<message from='neerc.localhost' to='{to}'><body>Task 'T' (t1) changed</body><x xmlns='{NS}#tasks' \
         revision='{revision}'><task id='t1' title='T' type='todo' timestamp='{timestamp_ms}' delta='1'>{statuses}</task>\
         </x><no-store xmlns='urn:xmpp:hints'/><no-copy xmlns='urn:xmpp:hints'/><private xmlns='urn:xmpp:carbons:2'/></message>"
    )
}

fn changes(since: &str) -> String {
    format!("<query xmlns='{NS}#tasks' delta='1'{since}/>")
}

#[test]
fn who_asks_for_differences_is_told_differences_and_nobody_else() {
    let mut bench = ready(Flavour::Prosody).with_task(&["hall1", "hall2"]);
    bench.joins("hall2", HALL2);
    let tk = "tk@localhost/Desk";
    bench.on(&iq("get", tk, &changes("")));
    bench.hear(iq("set", HALL1, &status(1, "running")));
    let said = bench.said();
    assert!(
        said.iter().any(|s| canonical(s)
            == canonical(&told_difference(tk, 2, BEGIN_MS, "<status for='hall1' type='running' value=''/>"))),
        "{said:#?}"
    );
    assert!(
        said.iter()
            .any(|s| canonical(s) == canonical(&told(HALL2, BEGIN_MS, &[("hall1", "running"), ("hall2", "none")]))),
        "{said:#?}"
    );
    bench.pass(1_000);
    let unassign =
        format!("<task xmlns='{NS}#task' id='t1' title='T' type='todo'><status for='hall1' type='running'/></task>");
    bench.hear(iq("set", ADMIN, &unassign));
    let said = bench.said();
    assert!(
        said.iter()
            .any(|s| canonical(s)
                == canonical(&told_difference(tk, 3, BEGIN_MS, "<status for='hall2' type='unassigned'/>"))),
        "{said:#?}"
    );
}

#[test]
fn a_refused_write_of_somebody_who_hears_differences_is_answered_by_the_whole_task() {
    let mut bench = ready(Flavour::Prosody).with_task(&["hall1"]);
    bench.on(&iq("get", HALL2, &changes("")));
    bench.pass(1_000);
    bench.said();
    bench.hear(iq("set", HALL2, &status(1, "running")));
    let said = bench.said();
    assert!(said.iter().any(|s| canonical(s) == canonical(&told(HALL2, BEGIN_MS, &[("hall1", "none")]))), "{said:#?}");
}

#[test]
fn a_resumed_list_holds_what_has_changed_and_the_ids_of_all() {
    let mut bench = ready(Flavour::Prosody).with_task(&["hall1"]);
    let second = iq("set", ADMIN, &task("title='U' type='todo'", &["hall1"]));
    bench.on(&second);
    bench.pass(1_000);
    bench.said();
    let answer = |bench: &mut Bench, since: &str| bench.on(&iq("get", HALL2, &changes(since)))[0].clone();
    let newer = answer(&mut bench, " since='1'");
    assert!(
        newer.contains("revision='2' since='1' ids='t1 t2'")
            && newer.contains("title='U'")
            && !newer.contains("title='T'"),
        "{newer}"
    );
    let nothing = answer(&mut bench, " since='2'");
    assert!(nothing.contains("ids='t1 t2'") && !nothing.contains("<task"), "{nothing}");
    let unknown = answer(&mut bench, " since='99'");
    assert!(!unknown.contains("since=") && unknown.contains("title='T'") && unknown.contains("title='U'"), "{unknown}");
    let refused = answer(&mut bench, " since='x'");
    assert!(refused.contains("bad-request"), "{refused}");
}

#[test]
fn a_new_admin_was_never_given_what_a_resumed_list_left_out() {
    let mut settings = settings();
    settings.visibility = Visibility::Own;
    let mut bench = Bench::served(settings, Server::new(Flavour::Ejabberd)).with_task(&["hall1"]);
    let list = bench.on(&iq("get", HALL2, &changes("")))[0].clone();
    assert!(!list.contains("revision="), "who sees nothing of it does not know the revision: {list}");
    bench.server_says(|server| server.affiliate("neerc", "hall2@localhost", "admin"));
    let list = bench.on(&iq("get", HALL2, &changes("")))[0].clone();
    assert!(list.contains("revision='1'") && list.contains("title='T'"), "{list}");
}

#[test]
fn who_got_their_rights_back_was_told_the_difference_to_what_they_had_missed() {
    let mut bench = ready(Flavour::Prosody).with_task(&["hall2", "hall3"]);
    bench.on(&iq("get", HALL1, &changes("")));
    let mut told = |affiliation: &str, from: &str| {
        bench.server_says(|server| server.affiliate("neerc", "hall1@localhost", affiliation));
        bench.pass(1_000);
        bench.said();
        bench.hear(iq("set", from, &status(1, "running")));
        let said = bench.said();
        said.into_iter().find(|stanza| stanza.starts_with("<message") && stanza.contains(HALL1))
    };
    assert!(told("member", ADMIN).is_none(), "who is not assigned changes nothing");
    assert_eq!(told("none", HALL2), None);
    let whole = told("member", "hall3@localhost/Phone").unwrap();
    assert!(!whole.contains("revision=") && whole.contains("for='hall2'") && whole.contains("for='hall3'"), "{whole}");
}
