//! Checklists: begun by one line, step by step, once, over restarts, and told to whoever began them.

use super::*;
use neerc_core::change::Change;
use neerc_core::checklist::{Checklist, ChecklistLine};
use neerc_core::clock::Phase;

const MINUTE_MS: i64 = 60_000;
const LENGTH_MS: i64 = 300 * MINUTE_MS;

fn checklist(name: &str, steps: &[&[&str]]) -> Checklist {
    let mut number = 0;
    let mut line = |text: &&str| {
        number += 1;
        ChecklistLine { text: (*text).to_owned(), number }
    };
    Checklist {
        name: name.to_owned(),
        steps: steps.iter().map(|lines| lines.iter().map(&mut line).collect()).collect(),
    }
}

/// A service with these checklists, and an admin in the room who chats.
fn with(checklists: Vec<Checklist>) -> Bench {
    let mut settings = settings();
    settings.wiki_packet = false;
    let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
    bench.checklists(checklists);
    comes(&mut bench);
    bench.pass(10_000);
    bench.said();
    bench
}

fn comes(bench: &mut Bench) {
    bench.hear(format!(
        "<presence from='neerc@conference.localhost/chief' to='neerc.localhost'>\
         <c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='v'/>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{ADMIN}' affiliation='owner' role='moderator'/>\
         </x></presence>"
    ));
}

fn leaves(bench: &mut Bench) {
    bench.hear(format!(
        "<presence type='unavailable' from='neerc@conference.localhost/chief' to='neerc.localhost'>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{ADMIN}' affiliation='owner' role='none'/>\
         </x></presence><presence type='unavailable' from='{ADMIN}' to='neerc.localhost'/>"
    ));
    bench.pass(1_000);
}

/// The checklist of three steps with which most of these begin.
pub fn seating() -> Bench {
    with(vec![
        checklist(
            "Seating",
            &[
                &["@todo hall1 Open the doors", "@confirm hall2 Are you there?"],
                &["@todo hall1,hall2 Seat the teams"],
                &["@todo hall1 Close the doors"],
            ],
        ),
        checklist("2", &[&["@todo hall1 Water"]]),
    ])
}

/// Somebody says that a task is done; what the admin is told by chat.
fn done(bench: &mut Bench, who: &str, task: u64) -> Vec<String> {
    bench.hear(iq("set", who, &status(task, "success")));
    bench.pass(1_000);
    texts(bench.said()).into_iter().filter(|text| text.contains("[run-")).collect()
}

#[test]
fn a_step_follows_when_everybody_has_finished_all_of_the_one_before() {
    let mut bench = seating();
    let said = admin_writes(&mut bench, "run seating");
    assert_eq!(said, ["[said-begun count=4 steps=3]"]);
    assert_eq!(titles(&bench), ["Open the doors", "Are you there?"]);
    assert_eq!(done(&mut bench, HALL1, 1), Vec::<String>::new());
    assert_eq!(titles(&bench).len(), 2, "hall2 has not answered");
    assert_eq!(done(&mut bench, HALL2, 2), ["[run-step checklist=Seating step=2 steps=3]"]);
    assert_eq!(titles(&bench)[2..], ["Seat the teams"]);
    assert_eq!(done(&mut bench, HALL1, 3), Vec::<String>::new());
    bench.hear(iq("set", HALL2, &status(3, "fail")));
    bench.pass(1_000);
    assert_eq!(titles(&bench)[3..], ["Close the doors"], "whoever could not do it is finished too");
    let last = bench.log().last().unwrap();
    assert!(matches!(last.change, Change::Created { plan: Some(_), .. }), "{last:?}");
    assert_eq!(last.by.bare(), "admin@localhost");
    bench.said();
    assert_eq!(done(&mut bench, HALL1, 4), ["[run-finished checklist=Seating step=4 steps=3]"]);
    let (said, tasks) = (admin_writes(&mut bench, "checklists"), titles(&bench));
    assert!(said[0].contains("Seating · [run-over] · [count-lines count=4], [count-steps count=3]"), "{said:?}");
    assert!(said[0].contains("2 · [count-lines count=1]: @todo hall1 Water"), "{said:?}");
    assert_eq!(tasks.len(), 4);
    assert_eq!(admin_writes(&mut bench, "run Seating"), ["[said-begun count=4 steps=3]"], "and anew");
    assert_eq!(titles(&bench).len(), 6);
}

#[test]
fn an_answer_taken_back_after_its_step_gives_nothing_out_again() {
    let mut bench = seating();
    admin_writes(&mut bench, "run seating");
    done(&mut bench, HALL1, 1);
    bench.hear(iq("set", HALL2, &status(2, "success")));
    bench.hear(iq("set", HALL2, &status(2, "none")));
    bench.pass(1_000);
    assert_eq!(titles(&bench).len(), 3, "the second step has begun");
    bench.said();
    assert_eq!(done(&mut bench, HALL2, 2), Vec::<String>::new());
    assert_eq!(titles(&bench).len(), 3);
}

#[test]
fn one_that_is_under_way_is_shared_by_all_admins_and_begins_once() {
    let mut bench = seating();
    let both = "run seating\nrun SEATING\nstop seating\nstop seating\nrun seating\nrun seat\nrun\nstop\nrun nothing";
    let said = admin_writes(&mut bench, both).join("\n");
    let expected = [
        "[said-begun count=4 steps=3]",
        "[refusal-runs-already checklist=Seating]",
        "[said-stopped]",
        "[refusal-runs-not checklist=seating]",
        "[said-begun count=4 steps=3]",
        "[refusal-unknown-checklist checklist=seat] [your-checklists names=Seating, 2]",
        "[lacks-checklist verb=run task=3]",
        "[lacks-running verb=stop task=3]",
        "[refusal-unknown-checklist checklist=nothing] [your-checklists names=Seating, 2]",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    let said = admin_writes(&mut bench, "run saeting").join("\n");
    assert_eq!(said, "[refusal-unknown-checklist checklist=saeting] [did-you-mean name=Seating]");
}

#[test]
fn what_is_stopped_hands_out_no_more_and_keeps_what_is_out() {
    let mut bench = seating();
    admin_writes(&mut bench, "run seating");
    let said = admin_writes(&mut bench, "plans").join("\n");
    assert!(said.contains("s3 · @todo hall1,hall2: Seat the teams · [moment-step checklist=Seating step=2]"), "{said}");
    assert_eq!(admin_writes(&mut bench, "stop Seating."), ["[said-stopped]"]);
    done(&mut bench, HALL1, 1);
    assert_eq!(done(&mut bench, HALL2, 2), Vec::<String>::new());
    assert_eq!(titles(&bench), ["Open the doors", "Are you there?"]);
    assert_eq!(admin_writes(&mut bench, "plans"), ["[no-plans]"]);
}

#[test]
fn a_line_with_a_moment_waits_for_its_turn_and_its_moment() {
    let mut bench = with(vec![checklist(
        "freeze",
        &[
            &["@todo hall1 Water", "@todo hall1 start+10! Ten"],
            &["@todo hall2 start+5! Five", "@todo hall2 end-60! Freeze"],
        ],
    )]);
    admin_writes(&mut bench, "run freeze");
    assert_eq!(titles(&bench), ["Water"], "without a clock what has no moment comes all the same");
    bench.clock(0, LENGTH_MS, Phase::Running);
    bench.pass(9 * MINUTE_MS);
    done(&mut bench, HALL1, 1);
    assert_eq!(titles(&bench), ["Water"], "the first step has a line to come, so five is not yet due");
    bench.pass(MINUTE_MS);
    assert_eq!(titles(&bench), ["Water", "Ten"]);
    bench.said();
    bench.hear(iq("set", HALL1, &status(2, "success")));
    bench.pass(1_000);
    assert_eq!(titles(&bench), ["Water", "Ten", "Five"]);
    let said = texts(bench.said());
    assert!(
        said.contains(&"[plan-fulfilled-late plan=s3 title=Five task=3 moment=0:05:00 count=5]".to_owned()),
        "{said:?}"
    );
    bench.pass(LENGTH_MS - 80 * MINUTE_MS);
    assert_eq!(titles(&bench).len(), 3);
    bench.pass(20 * MINUTE_MS);
    assert_eq!(titles(&bench)[3..], ["Freeze"]);
}

#[test]
fn what_is_removed_taken_from_everybody_or_unplanned_holds_up_nothing() {
    let mut bench = with(vec![checklist(
        "a",
        &[&["@todo hall1 One", "@todo hall2 Two", "@todo hall2 start! Three"], &["@todo hall1 Four"]],
    )]);
    admin_writes(&mut bench, "run a\nremove 1\nunassign 2 hall2");
    assert_eq!(titles(&bench), ["Two"]);
    admin_writes(&mut bench, "unplan s3");
    bench.pass(1_000);
    assert_eq!(titles(&bench), ["Two", "Four"]);
}

#[test]
fn a_line_that_comes_early_by_hand_is_waited_for_in_its_step() {
    let mut bench = seating();
    admin_writes(&mut bench, "run seating\nnow s4");
    assert_eq!(titles(&bench), ["Open the doors", "Are you there?", "Close the doors"]);
    done(&mut bench, HALL1, 1);
    done(&mut bench, HALL2, 2);
    assert_eq!(titles(&bench)[3..], ["Seat the teams"]);
    done(&mut bench, HALL1, 4);
    assert_eq!(done(&mut bench, HALL2, 4), ["[run-step checklist=Seating step=3 steps=3]"]);
    assert_eq!(done(&mut bench, HALL1, 3), ["[run-finished checklist=Seating step=4 steps=3]"]);
}

#[test]
fn nothing_comes_twice_and_nothing_is_lost_over_a_restart_after_any_change() {
    let mut bench = seating();
    admin_writes(&mut bench, "run seating");
    let mut steps = vec![(HALL1, 1), (HALL2, 2), (HALL1, 3), (HALL2, 3), (HALL1, 4)].into_iter();
    loop {
        let told = bench.told();
        bench.restart(told);
        bench.pass(10_000);
        comes(&mut bench);
        bench.pass(10_000);
        let Some((who, task)) = steps.next() else { break };
        done(&mut bench, who, task);
    }
    assert_eq!(titles(&bench), ["Open the doors", "Are you there?", "Seat the teams", "Close the doors"]);
    let said = admin_writes(&mut bench, "checklists").join("\n");
    assert!(said.contains("Seating · [run-over]"), "{said}");
}

#[test]
fn nothing_is_handed_out_after_a_restart_before_the_room_is_known() {
    let mut bench = seating();
    admin_writes(&mut bench, "run seating");
    bench.hear(iq("set", HALL1, &status(1, "success")));
    bench.restart_without_link(0);
    bench.pass(MINUTE_MS);
    assert_eq!(titles(&bench).len(), 2);
    bench.connect();
    bench.pass(10_000);
    done(&mut bench, HALL2, 2);
    assert_eq!(titles(&bench).len(), 3);
}

#[test]
fn a_line_that_is_not_clear_is_named_and_nothing_begins() {
    let mut bench = with(vec![checklist("a", &[&["@todo hall1 One"], &["@todo hall1 Two", "@todo just do it"]])]);
    let said = admin_writes(&mut bench, "run a").join("\n");
    assert!(said.starts_with("[refusal-unclear-checklist checklist=a line=3 text=@todo just do it]\n"), "{said}");
    assert!(said.contains("@todo &quot;just do it&quot;") || said.contains("@todo \"just do it\""), "{said}");
    assert_eq!((titles(&bench).len(), bench.log().len()), (0, 0));
}

#[test]
fn whoever_began_it_and_was_away_hears_where_it_stands() {
    let mut bench = seating();
    admin_writes(&mut bench, "run seating");
    leaves(&mut bench);
    for (who, task) in [(HALL1, 1), (HALL2, 2), (HALL1, 3), (HALL2, 3)] {
        assert_eq!(done(&mut bench, who, task), Vec::<String>::new());
    }
    comes(&mut bench);
    bench.pass(1_000);
    let mut said = texts(bench.said());
    said.extend(admin_writes(&mut bench, "who"));
    let told: Vec<_> = said.iter().filter(|text| text.contains("[run-")).collect();
    assert_eq!(told, ["[run-step checklist=Seating step=3 steps=3]"]);
}

#[test]
fn whoever_began_it_and_has_lost_power_leaves_the_rest_to_others() {
    let mut bench = seating();
    leaves(&mut bench);
    bench.joins("Chief", ADMIN);
    admin_writes(&mut bench, "run seating");
    bench.server_says(|server| server.affiliate("neerc", "admin@localhost", "member"));
    bench.pass(10_000);
    done(&mut bench, HALL1, 1);
    done(&mut bench, HALL2, 2);
    assert_eq!(titles(&bench).len(), 2);
    assert_eq!(bench.troubles().len(), 1);
    bench.server_says(|server| server.affiliate("neerc", "hall1@localhost", "admin"));
    bench.pass(10_000);
    let said = bench.on(&format!("<message type='chat' from='{HALL1}' to='{ROOM}'><body>now s3</body></message>"));
    assert!(texts(said).iter().any(|text| text.starts_with("[said-created")), "another admin hands it out");
    assert_eq!(titles(&bench).len(), 3);
}
