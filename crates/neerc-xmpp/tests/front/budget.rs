//! How much one account is answered, and in which order the answers to several go out.

use super::*;
use neerc_xmpp::throttle::{Budget, Rate};
use std::collections::BTreeMap;

const KIB: u32 = 1_024;

/// The defaults of the program.
fn limited() -> neerc_xmpp::front::FrontSettings {
    let mut settings = settings();
    settings.rate = Rate { per_second: 20, burst: 60, burst_of_power: 1_000 };
    settings.budget = Budget { bytes_per_second: 128 * KIB, burst_bytes: 4_096 * KIB };
    settings
}

/// A bench with tasks for some 12 KB of a list, of which it forgets what was said.
fn with_list(settings: neerc_xmpp::front::FrontSettings) -> Bench {
    let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
    for n in 0..100 {
        bench.hear(iq("set", ADMIN, &task(&format!("title='Bring water to everybody, {n}' type='todo'"), &["hall1"])));
    }
    bench.pass(60_000);
    bench.said();
    let list = bench.on(&iq("get", "hall3@localhost/x", &query("tasks")));
    assert!((10_000..16_000).contains(&list[0].len()), "{}", list[0].len());
    bench
}

/// How many of these answers are lists, and how many tell to wait.
fn counted(said: &[String]) -> (usize, usize) {
    let lists = said.iter().filter(|one| one.contains("type='result'") && one.len() > 1_000).count();
    (lists, said.iter().filter(|one| one.contains("<resource-constraint")).count())
}

#[test]
fn ten_sessions_of_one_account_are_answered_no_faster_than_a_server_takes_it() {
    let mut bench = with_list(limited());
    let (mut lists, mut refused, mut pings) = (0, 0, 0);
    for tick in 0..200 {
        // Each of ten sessions 20 times a second, for ten seconds.
        for session in 0..10 {
            bench.hear(iq("get", &format!("hall1@localhost/{session}"), &query("tasks")));
        }
        if tick % 10 == 0 {
            bench.hear(iq("get", HALL2, &query("ping")));
        }
        bench.pass(50);
        let said = bench.said();
        let ping = said.iter().filter(|one| bench::attr(one, "to").as_deref() == Some(HALL2)).count();
        assert_eq!(ping, usize::from(tick % 10 == 0), "others are answered at once");
        pings += ping;
        let (more, told_to_wait) = counted(&said);
        lists += more;
        refused += told_to_wait;
        assert!(more <= 60, "{more} lists within 50 ms");
    }
    assert_eq!(pings, 20);
    // The burst, and 128 KiB in each second; a list is some 12 KB.
    assert!((350..=470).contains(&lists), "{lists} lists in 10 s");
    assert!(lists + refused <= 2_000 && refused > 500, "{lists} lists, {refused} told to wait");
    let list = bench.on(&iq("get", "hall2@localhost/Other", &query("tasks")));
    assert_eq!(counted(&list), (1, 0));
}

#[test]
fn everybody_has_their_lists_soon_after_a_power_cut_also_with_one_account_for_all() {
    let mut bench = with_list(limited());
    let mut sessions: Vec<String> = (0..120).map(|n| format!("hall1@localhost/pc{n}")).collect();
    for hall in ["hall2", "hall3", "tk"] {
        sessions.extend((0..8).map(|n| format!("{hall}@localhost/pc{n}")));
    }
    let mut begun: BTreeMap<String, i64> = BTreeMap::new();
    for session in &sessions {
        bench.hear(iq("get", session, &query("users")).replace("id='i'", "id='u'"));
        begun.insert(session.clone(), bench.now_ms);
    }
    let mut lists = 0;
    for _ in 0..500 {
        bench.pass(10);
        for said in bench.said().into_iter().filter(|said| said.starts_with("<iq")) {
            let to = bench::attr(&said, "to").unwrap();
            assert_eq!(bench::attr(&said, "type").as_deref(), Some("result"), "{said}");
            let waited_ms = bench.now_ms - begun[&to];
            assert!(waited_ms < 4_500, "{to} waited {waited_ms} ms: clients give up after 5 s");
            if bench::attr(&said, "id").as_deref() == Some("u") {
                begun.insert(to.clone(), bench.now_ms);
                bench.hear(iq("get", &to, &query("tasks")));
            } else {
                lists += 1;
            }
        }
    }
    assert_eq!(lists, sessions.len());
}

#[test]
fn an_account_that_waits_for_many_lists_is_not_before_one_that_waits_for_one() {
    let mut bench = with_list(limited());
    bench.link_free = false;
    for n in 0..10 {
        bench.hear(iq("get", "hall1@localhost/a", &query("tasks")).replace("id='i'", &format!("id='a{n}'")));
    }
    bench.hear(iq("get", HALL2, &query("tasks")));
    bench.hear(iq("get", HALL2, &query("ping")));
    bench.link_free = true;
    bench.pump();
    bench.pass(2_000);
    let order: Vec<String> = bench.said().iter().map(|said| bench::attr(said, "id").unwrap()).collect();
    let expected = ["a0", "a1", "a2", "i", "a3", "i"]; // three until the link is busy, the ping, then in turn
    assert_eq!(order.len(), 12, "{order:?}");
    assert!(order.iter().rposition(|id| id == "i").unwrap() <= expected.len(), "{order:?}");
    let own: Vec<&String> = order.iter().filter(|id| id.starts_with('a')).collect();
    assert!(own.is_sorted(), "{own:?}");
}

#[test]
fn what_has_waited_shows_what_is_true_when_it_is_answered() {
    let mut bench = with_list(limited());
    bench.link_free = false;
    for _ in 0..5 {
        bench.hear(iq("get", HALL1, &query("tasks")));
    }
    bench.hear(iq("set", HALL1, &status(7, "success")));
    bench.link_free = true;
    bench.pump();
    let said = bench.said();
    let lists: Vec<bool> =
        said.iter().filter(|one| one.len() > 1_000).map(|list| list.contains("type='success'")).collect();
    assert_eq!(lists.len(), 5);
    assert!(!lists[0] && lists[4], "{lists:?}");
}

#[test]
fn nothing_waits_for_a_stream_that_is_over() {
    let mut bench = with_list(limited());
    bench.link_free = false;
    for _ in 0..20 {
        bench.hear(iq("get", HALL1, &query("tasks")));
    }
    bench.disconnect();
    bench.link_free = true;
    bench.connect();
    bench.pass(1_000);
    assert_eq!(counted(&bench.said()), (0, 0));
}

#[test]
fn lines_and_forms_of_an_account_that_was_given_too_much_wait_too() {
    let mut settings = limited();
    settings.budget = Budget { bytes_per_second: KIB, burst_bytes: 64 * KIB };
    settings.rate.per_second = 0;
    let mut bench = with_list(settings);
    let chat = |from: &str| format!("<message type='chat' from='{from}' to='{ROOM}'><body>tasks all</body></message>");
    let command = "<command xmlns='http://jabber.org/protocol/commands' node='tasks'/>";
    while counted(&bench.on(&iq("get", HALL1, &query("tasks")))).1 == 0 {}
    let refused = bench.on(&iq("set", HALL1, command));
    assert_eq!(counted(&refused), (0, 1), "{refused:?}");
    assert!(bench.on(&chat(HALL1))[0].contains("[too-fast]"));
    assert_eq!(bench.on(&chat(HALL1)), Vec::<String>::new(), "said once");
    assert_eq!(bench.on(&iq("set", HALL1, &status(1, "success")))[0], result(HALL1, "").replace("></iq>", "/>"));
    assert!(bench.on(&chat(HALL2))[0].contains("[heading-tasks]"));
}

#[test]
fn an_admin_who_pastes_500_lines_or_removes_500_tasks_loses_none_of_them() {
    let mut bench = Bench::served(limited(), Server::new(Flavour::Prosody));
    for n in 0..500 {
        bench.hear(iq("set", ADMIN, &task(&format!("title='Line {n}' type='todo'"), &["hall2"])));
    }
    assert_eq!(bench.boards()["neerc"].len(), 500);
    for n in 1..=500 {
        bench.hear(iq("set", ADMIN, &task(&format!("id='{n}' type='remove'"), &[])));
    }
    assert_eq!(bench.boards()["neerc"].len(), 0);
    let said = bench.said();
    assert_eq!(counted(&said).1, 0, "nobody is told to wait");
    let refused = (0..100).filter(|_| counted(&bench.on(&iq("get", HALL1, &query("ping")))).1 == 1).count();
    assert_eq!(refused, 40, "others as before");
}

#[test]
fn lines_that_look_much_up_are_answered_in_time_and_not_all_at_once() {
    let mut bench = Bench::served(limited(), Server::new(Flavour::Prosody));
    for n in 0..1_000 {
        bench.hear(iq("set", ADMIN, &task(&format!("title='{n}' type='todo'"), &["hall1"])));
        if n % 100 == 0 {
            bench.pass(10_000);
        }
    }
    bench.pass(60_000);
    bench.said();
    let body = "tasks all\n".repeat(50);
    bench.hear(format!("<message type='chat' from='{HALL1}' to='{ROOM}'><body>{body}</body></message>"));
    let lists = |said: Vec<String>| said.concat().matches("[heading-tasks]").count();
    let mut answered = lists(bench.said());
    assert!((1..=10).contains(&answered), "{answered} at once");
    let mut after_ms = 0;
    while answered < 50 {
        bench.pass(100);
        after_ms += 100;
        let more = lists(bench.said());
        assert!(more <= 6, "{more} within 100 ms");
        answered += more;
        assert!(after_ms < 5_000, "only {answered} after {after_ms} ms");
    }
    assert!(after_ms > 500, "all after {after_ms} ms");
}
