//! Those who may have heard nothing, or something old: who was there before the service, who comes after a session of the same
//! account has gone, and who has too many sessions.

use super::*;
use bench::server::BOTH;
use neerc_core::clock::Phase;
use neerc_core::view::Visibility;
use neerc_xmpp::front::FrontSettings;
use neerc_xmpp::limits;

/// What each session was told of since the last look, as `to id title-or-type statuses`, in order.
fn heard(bench: &mut Bench) -> Vec<String> {
    let of = |said: String| {
        let task = said.split_once("<task ")?.1.split_once("</x>")?.0;
        let to = bench::attr(&said, "to")?;
        let attr = |name| bench::attr(&format!("<task {task}"), name).unwrap_or_default();
        let title = if attr("type") == "remove" { "removed".to_owned() } else { attr("title") };
        Some(format!("{to} {} {title}", attr("id")))
    };
    let said = bench.said();
    said.into_iter().filter(|said| said.starts_with("<message")).filter_map(of).collect()
}

/// Creates a task for these people.
fn create(bench: &mut Bench, title: &str, names: &[&str]) {
    bench.hear(iq("set", ADMIN, &task(&format!("title='{title}' type='todo'"), names)));
}

fn ghost_hall1(bench: &mut Bench) {
    // The phone's connection is lost; the server keeps its session, and says so to nobody.
    bench.joins("hall1", HALL1);
    bench.hear(iq("get", HALL1, &query("tasks")));
    create(bench, "short lived", &["hall1"]);
    create(bench, "stays", &["hall1"]);
    create(bench, "of others", &["hall2"]);
    bench.pass(10_000);
    bench.leaves("hall1", HALL1); // given up
    bench.hear(iq("set", ADMIN, &task("id='t1' type='remove'", &[])));
    bench.pass(10_000);
    bench.said();
}

#[test]
fn a_removed_task_came_back_as_an_offline_message_and_stayed() {
    for flavour in BOTH {
        let mut bench = ready(flavour);
        ghost_hall1(&mut bench);
        let desk = "hall1@localhost/Desk";
        bench.hear(iq("get", desk, &query("tasks")));
        bench.joins("hall1", desk);
        bench.pass(2_900);
        assert_eq!(heard(&mut bench), [""; 0], "what the server kept comes now");
        bench.pass(1_000);
        let mut told = heard(&mut bench);
        told.sort();
        assert_eq!(
            told,
            [format!("{desk} t1 removed"), format!("{desk} t2 stays"), format!("{desk} t3 of others")],
            "{flavour:?}"
        );
        bench.hear(iq("get", desk, &query("tasks")));
        bench.hear(iq("get", HALL2, &query("tasks")));
        bench.pass(5_000);
        assert_eq!(heard(&mut bench), [""; 0], "once; and nobody else");
    }
}

#[test]
fn whoever_does_not_have_the_task_any_more_hears_that_it_is_gone() {
    let mut settings = settings();
    settings.visibility = Visibility::Own;
    let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
    bench.joins("hall1", HALL1);
    create(&mut bench, "handed on", &["hall1"]);
    bench.pass(1_000);
    bench.leaves("hall1", HALL1);
    bench.hear(iq("set", ADMIN, &task("id='t1' title='handed on' type='todo'", &["hall2"])));
    bench.pass(1_000);
    bench.said();
    bench.hear(iq("get", HALL1, &query("tasks")));
    bench.pass(4_000);
    assert_eq!(heard(&mut bench), [format!("{HALL1} t1 removed")]);
}

#[test]
fn where_it_is_set_anew_who_sees_which_tasks_everybody_is_told_and_whoever_may_not_see_one_any_more_has_it_no_longer() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("hall1", HALL1);
    bench.joins("admin", ADMIN);
    create(&mut bench, "own", &["hall1"]);
    create(&mut bench, "others", &["hall2"]);
    bench.pass(1_000);
    bench.said();
    for (visibility, of_hall) in [(Visibility::Own, "removed"), (Visibility::All, "others")] {
        let now_ms = bench.now_ms;
        bench.front.renew(now_ms, FrontSettings { visibility, ..settings() });
        bench.pass(5_000);
        let mut told = heard(&mut bench);
        told.sort();
        let all = [format!("{ADMIN} t1 own"), format!("{ADMIN} t2 others"), format!("{HALL1} t1 own")];
        assert_eq!(told, [&all[..], &[format!("{HALL1} t2 {of_hall}")]].concat());
        let said = bench.on(&iq("get", HALL1, &query("tasks")));
        assert_eq!(said[0].contains("others"), visibility == Visibility::All, "{said:?}");
    }
}

#[test]
fn a_removal_was_not_told_after_a_restart_where_somebody_else_had_lost_the_task_before() {
    let mut settings = settings();
    settings.visibility = Visibility::Own;
    let mut server = Server::new(Flavour::Prosody);
    server.join("neerc", "hall1", HALL1);
    server.join("neerc", "hall2", HALL2);
    let mut bench = Bench::served(settings, server);
    create(&mut bench, "T", &["hall1", "hall2"]);
    bench.pass(1_000);
    bench.hear(iq("set", ADMIN, &task("id='t1' title='T' type='todo'", &["hall1"])));
    bench.hear(iq("set", ADMIN, &task("id='t1' type='remove'", &[])));
    bench.restart(1); // the two were not told
    bench.pass(1_000);
    let mut told = heard(&mut bench);
    told.sort();
    assert_eq!(told, [format!("{HALL1} t1 removed"), format!("{HALL2} t1 removed")]);
}

#[test]
fn a_session_whose_messages_were_kept_while_the_link_was_lost_is_corrected_too() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("hall1", HALL1);
    create(&mut bench, "told", &["hall1"]);
    bench.pass(1_000);
    bench.disconnect();
    bench.server().leave("neerc", "hall1", HALL1);
    bench.connect();
    bench.pass(5_000);
    bench.hear(iq("set", ADMIN, &task("id='t1' type='remove'", &[])));
    bench.pass(1_000);
    bench.said();
    bench.hear(iq("get", HALL1, &query("tasks")));
    bench.pass(4_000);
    assert_eq!(heard(&mut bench), [format!("{HALL1} t1 removed")]);
}

#[test]
fn of_more_tellings_than_are_remembered_everything_is_told() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("hall1", HALL1);
    for number in 0..20 {
        create(&mut bench, &format!("n{number}"), &["hall1"]);
    }
    bench.pass(1_000);
    bench.leaves("hall1", HALL1);
    bench.joins("hall2", HALL2);
    for number in 0..limits::TELLINGS_REMEMBERED {
        create(&mut bench, &format!("m{number}"), &[]);
        bench.hear(iq("set", ADMIN, &task(&format!("id='t{}' type='remove'", number + 21), &[])));
        bench.pass(60);
    }
    bench.said();
    bench.hear(iq("get", HALL1, &query("tasks")));
    bench.pass(3_000 + 1_000 + 300_000);
    let told = heard(&mut bench);
    for number in 0..20 {
        let line = format!("{HALL1} t{} n{number}", number + 1);
        assert!(told.contains(&line), "{line} is not in {} lines", told.len());
    }
}

#[test]
fn who_came_while_the_service_was_away_had_an_empty_list() {
    for flavour in BOTH {
        let mut bench = ready(flavour);
        for (title, names) in [("oldest", &["hall2"][..]), ("own", &["hall1"]), ("nobody", &[]), ("newest", &["hall2"])]
        {
            create(&mut bench, title, names);
        }
        bench.hear(iq("set", ADMIN, &task("id='t1' title='older' type='todo'", &["hall2"])));
        bench.pass(1_000);
        bench.server().join("neerc", "hall1", HALL1); // and asks nobody
        bench.server().join("neerc", "hall2", HALL2);
        bench.restart(5);
        bench.pass(900);
        assert_eq!(heard(&mut bench), [""; 0], "they may still ask");
        bench.hear(iq("get", HALL2, &query("tasks")));
        bench.pass(10_000);
        let told = ["t2 own", "t4 newest", "t3 nobody", "t1 older"].map(|task| format!("{HALL1} {task}"));
        assert_eq!(heard(&mut bench), told, "{flavour:?}");
    }
}

#[test]
fn who_was_told_before_hears_only_what_is_new_after_the_service_was_out() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("hall1", HALL1);
    create(&mut bench, "old", &["hall1"]);
    bench.pass(1_000);
    bench.said();
    bench.server_says(|server| server.kick("neerc"));
    bench.pass(20_000);
    assert_eq!(heard(&mut bench), [""; 0]);
    bench.disconnect();
    bench.server().join("neerc", "hall2", HALL2);
    bench.connect();
    bench.pass(20_000);
    assert_eq!(heard(&mut bench), [format!("{HALL2} t1 old")], "who came meanwhile knows nothing");
    create(&mut bench, "new", &["hall1"]);
    bench.pass(1_000);
    assert_eq!(heard(&mut bench), [format!("{HALL1} t2 new"), format!("{HALL2} t2 new")]);
}

#[test]
fn who_was_not_told_of_all_before_the_link_was_lost_is_told_of_all_after_it() {
    let mut bench = ready(Flavour::Prosody);
    for number in 1..=100 {
        create(&mut bench, &format!("n{number}"), &["hall1"]);
    }
    bench.pass(1_000);
    bench.server().join("neerc", "hall1", HALL1);
    bench.restart(100);
    bench.pass(2_000);
    let told = heard(&mut bench);
    assert!((5..50).contains(&told.len()), "{} in the first second", told.len());
    bench.disconnect();
    bench.connect();
    bench.pass(20_000);
    assert_eq!(heard(&mut bench).len(), 100);
}

#[test]
fn who_is_told_of_all_by_chat_is_not_told_of_all_by_notifications() {
    let mut server = Server::new(Flavour::Prosody);
    server.join("neerc", "hall2", HALL2);
    let mut bench = Bench::served(settings(), server);
    create(&mut bench, "T", &["hall1"]);
    bench.pass(1_000);
    bench.restart(1);
    bench.hear(format!(
        "<presence from='neerc@conference.localhost/hall1' to='neerc.localhost'>\
         <c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='v'/>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{HALL1}' affiliation='member' role='participant'/></x></presence>"
    ));
    bench.pass(20_000);
    assert_eq!(heard(&mut bench), [format!("{HALL2} t1 T")]);
}

/// 120 sessions and 150 tasks: 18,000 messages.
#[test]
fn news_does_not_wait_behind_those_who_are_told_of_everything() {
    let mut server = Server::new(Flavour::Prosody);
    let halls: Vec<String> = (1..=120).map(|n| format!("hall{n}")).collect();
    for hall in &halls {
        server.affiliate("neerc", &format!("{hall}@localhost"), "member");
        server.join("neerc", hall, &format!("{hall}@localhost/Desk"));
    }
    server.take();
    let mut bench = Bench::served(settings(), server);
    for number in 1..=150 {
        create(&mut bench, &format!("n{number}"), &[&halls[number % 120], &halls[(number + 40) % 120]]);
    }
    bench.pass(60_000);
    bench.restart(150);
    bench.pass(900);
    bench.said();
    let mut told = Vec::new();
    for round in 0..20 {
        create(&mut bench, &format!("news{round}"), &[]);
        let news = heard(&mut bench).iter().filter(|line| line.contains("news")).count();
        assert_eq!(news, 120, "at once");
        bench.pass(50);
        let more = heard(&mut bench);
        assert!(more.len() <= 2 * limits::LATE_BEAT_TASKS, "{} messages within 50 ms", more.len());
        told.extend(more);
    }
    for hall in 1..=120 {
        let to = format!("hall{hall}@localhost/Desk ");
        let first = told.iter().find(|line| line.starts_with(&to)).unwrap();
        let number: usize = first.rsplit_once('n').unwrap().1.parse().unwrap();
        assert!([number % 120 + 1, (number + 40) % 120 + 1].contains(&hall), "{first} is not theirs");
    }
    bench.pass(30_000);
    told.extend(heard(&mut bench));
    told.sort();
    told.dedup();
    assert_eq!(told.iter().filter(|line| !line.contains("news")).count(), 18_000);
}

#[test]
fn one_account_with_any_number_of_sessions_crowded_out_everybody_who_came_later() {
    let mut bench = ready(Flavour::Prosody).with_task(&["hall1"]);
    bench.joins("hall1", HALL1);
    for number in 0..50_100 {
        bench.hear_only(format!("<presence from='hall2@localhost/{number}' to='neerc.localhost'/>"));
    }
    bench.pump();
    assert_eq!(bench.front.sessions(0), 65);
    bench.hear(iq("get", "hall3@localhost/Phone", &query("tasks")));
    bench.pass(4_000);
    bench.said();
    let told = bench.answers(HALL1, "running");
    assert_eq!(told.len(), 66);
    assert!(told.contains(&HALL1.to_owned()) && told.contains(&"hall3@localhost/Phone".to_owned()));
    assert!(told.contains(&"hall2@localhost/50099".to_owned()), "the latest stay");
    let troubles = bench.troubles();
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    let outcome = format!("{} sessions kept, 0 others untold", limits::SESSIONS_PER_ACCOUNT);
    trust::report("P4", "one account with 50,100 sessions, then others come", 50_100, &outcome);
    assert!(troubles[0].starts_with("hall2@localhost has more than 64 sessions in room neerc"), "{troubles:?}");
}

#[test]
fn who_is_in_the_room_does_not_go_for_a_presence_from_outside() {
    let mut bench = ready(Flavour::Ejabberd).with_task(&["hall1"]);
    for number in 0..10 {
        bench.joins("hall1", &format!("hall1@localhost/in{number}"));
    }
    for number in 0..500 {
        bench.hear(format!("<presence from='hall1@localhost/{number}' to='{ROOM}'/>"));
    }
    bench.pass(1_000);
    bench.said();
    let told = bench.answers(HALL1, "running");
    let inside = told.iter().filter(|to| to.contains("/in")).count();
    assert_eq!((told.len(), inside), (64, 10));
    for number in 10..80 {
        bench.joins("hall1", &format!("hall1@localhost/in{number}"));
    }
    bench.hear(format!("<presence from='hall1@localhost/more' to='{ROOM}'/>"));
    bench.pass(1_000);
    bench.said();
    let told = bench.answers(HALL1, "success");
    assert_eq!(told.len(), 64);
    assert!(told.iter().all(|to| to.contains("/in")), "{told:?}");
    assert!(told.contains(&"hall1@localhost/in79".to_owned()) && !told.contains(&"hall1@localhost/in0".to_owned()));
}

#[test]
fn a_clock_that_was_kept_for_a_session_that_went_is_put_right() {
    let mut bench = ready(Flavour::Prosody);
    bench.joins("hall1", HALL1);
    bench.clock(3_600_000, 18_000_000, Phase::Paused);
    bench.leaves("hall1", HALL1);
    bench.clock(3_700_000, 18_000_000, Phase::Over);
    bench.hear(iq("get", HALL1, &query("tasks")));
    bench.said();
    bench.pass(3_000);
    let said = bench.said();
    assert!(said.iter().any(|said| said.contains("<clock time='3700000' total='18000000' status='4'/>")), "{said:?}");
}
