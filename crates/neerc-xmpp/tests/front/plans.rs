//! Planned tasks by the contest clock.

use super::*;
use bench::Disk;
use neerc_core::change::Change;
use neerc_core::clock::Phase;
use neerc_core::people::GroupRule;

const MINUTE_MS: i64 = 60_000;
const LENGTH_MS: i64 = 300 * MINUTE_MS;

/// An admin with a chat client is in the room and has planned this.
fn planned(lines: &str) -> Bench {
    let mut bench = ready(Flavour::Prosody);
    bench.hear(format!(
        "<presence from='neerc@conference.localhost/chief' to='neerc.localhost'>\
         <c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='v'/>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{ADMIN}' affiliation='owner' role='moderator'/>\
         </x></presence>"
    ));
    bench.pass(10_000);
    admin_writes(&mut bench, lines);
    bench
}

fn running(bench: &mut Bench, minutes: i64) -> Vec<String> {
    bench.clock(minutes * MINUTE_MS, LENGTH_MS, Phase::Running);
    texts(bench.said())
}

#[test]
fn what_is_due_is_handed_out_once_by_the_running_clock() {
    let mut bench = planned("@todo hall1 start+5! Five\n@todo hall1 end-60! Freeze");
    bench.clock(0, LENGTH_MS, Phase::Before);
    bench.pass(10 * MINUTE_MS);
    assert_eq!(titles(&bench), Vec::<String>::new(), "not before the contest");
    running(&mut bench, 0);
    bench.pass(5 * MINUTE_MS - 1);
    assert_eq!(titles(&bench), Vec::<String>::new());
    bench.said();
    bench.pass(1);
    assert_eq!(titles(&bench), ["Five"]);
    assert_eq!(texts(bench.said()), ["[plan-fulfilled plan=s1 title=Five task=1]"]);
    bench.pass(LENGTH_MS);
    assert_eq!(titles(&bench), ["Five", "Freeze"]);
}

#[test]
fn a_clock_that_jumps_hands_out_each_task_once() {
    let mut bench = planned("@todo hall1 start+5! Five\n@todo hall1 start+10! Ten\n@todo hall1 start+20 Ask");
    assert_eq!(running(&mut bench, 30).len(), 3, "two are handed out, and one is asked about");
    assert_eq!(titles(&bench), ["Five", "Ten"]);
    for minutes in [0, 30, 0, 60, 7, 300] {
        assert_eq!(running(&mut bench, minutes), Vec::<String>::new());
        bench.pass(1_000);
    }
    bench.clock(LENGTH_MS, LENGTH_MS, Phase::Over);
    assert_eq!(titles(&bench), ["Five", "Ten"]);
}

#[test]
fn a_task_that_is_handed_out_late_says_for_when_it_was_planned() {
    let mut bench = planned("@todo hall1 start+5! Five\n@todo hall1 start-15! Seats");
    let five = "[plan-fulfilled-late plan=s1 title=Five task=1 moment=0:05:00 count=4]";
    let seats = "[plan-fulfilled-late plan=s2 title=Seats task=2 moment=-0:15:00 count=24]";
    assert_eq!(running(&mut bench, 9), [five, seats]);
}

#[test]
fn without_an_exclamation_mark_the_planner_is_asked_once() {
    let mut bench = planned("@todo hall1 start+5 Five\n@todo hall1 start+5 Not wanted");
    assert_eq!(running(&mut bench, 5), ["[plan-due plan=s1 title=Five]", "[plan-due plan=s2 title=Not wanted]"]);
    bench.pass(10 * MINUTE_MS);
    assert_eq!((texts(bench.said()), titles(&bench)), (vec![], vec![]));
    assert_eq!(
        admin_writes(&mut bench, "now s1\nunplan s2"),
        ["[said-created task=1 count=1 title=Five]\n[said-unplanned plan=s2]"]
    );
    bench.pass(10 * MINUTE_MS);
    assert_eq!(titles(&bench), ["Five"]);
}

#[test]
fn a_planner_who_is_away_is_asked_when_they_come() {
    let mut bench = planned("@todo hall1 start+5 Five");
    bench.hear(format!("<presence type='unavailable' from='neerc@conference.localhost/chief' to='neerc.localhost'><x xmlns='http://jabber.org/protocol/muc#user'><item jid='{ADMIN}' affiliation='owner' role='none'/></x></presence>"));
    assert_eq!(running(&mut bench, 5), Vec::<String>::new());
    bench.pass(MINUTE_MS);
    bench.joins("chief", ADMIN);
    assert_eq!(admin_writes(&mut bench, "who").len(), 2, "the answer and the question");
    assert_eq!(admin_writes(&mut bench, "who").len(), 1);
}

#[test]
fn every_admin_is_asked_once_also_who_comes_later_and_the_first_decides() {
    let mut bench = planned("@todo hall1 start+5 Five\n@todo hall1 start+5 Six");
    running(&mut bench, 5);
    assert!(bench.log().iter().all(|entry| !matches!(entry.change, Change::Created { .. })));
    let second = "jury2@localhost/Desk";
    let asks = |bench: &mut Bench, lines: &str| {
        let said = texts(
            bench.on(&format!("<message type='chat' from='{second}' to='{ROOM}'><body>{lines}</body></message>")),
        );
        said.into_iter().filter(|said| said.starts_with("[plan-due ")).collect::<Vec<_>>()
    };
    bench.server().list("neerc", "jury2@localhost", "owner");
    bench.hear(format!(
        "<presence from='neerc@conference.localhost/second' to='neerc.localhost'>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{second}' affiliation='owner' role='moderator'/>\
         </x></presence>"
    ));
    let both = ["[plan-due plan=s1 title=Five]", "[plan-due plan=s2 title=Six]"];
    assert_eq!(asks(&mut bench, "who"), both);
    assert_eq!(asks(&mut bench, "now s1\nwho"), Vec::<String>::new(), "once each");
    assert_eq!(titles(&bench), ["Five"]);
    assert_eq!(admin_writes(&mut bench, "now s1"), ["[refusal-unknown-plan plan=s1]"]);
    bench.pass(50 * MINUTE_MS);
    assert_eq!(texts(bench.said()), Vec::<String>::new());
}

#[test]
fn nothing_is_handed_out_for_whoever_has_no_rights_any_more() {
    let mut bench = planned("@todo hall1 start+5! Five");
    bench.server().list("neerc", "admin@localhost", "member");
    bench.hear(format!(
        "<presence from='neerc@conference.localhost/chief' to='neerc.localhost'>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{ADMIN}' affiliation='member' role='participant'/>\
         </x></presence>"
    ));
    let said = running(&mut bench, 5);
    assert_eq!(said, ["[plan-failed plan=s1 title=Five why=[refusal-admins-only]]"]);
    assert_eq!(titles(&bench), Vec::<String>::new());
    assert_eq!(bench.troubles().len(), 1);
    bench.pass(10 * MINUTE_MS);
    assert_eq!((texts(bench.said()), bench.troubles()), (vec![], vec![]), "it is left to people");
    bench.hear(format!("<message type='chat' from='tk@localhost/x' to='{ROOM}'><body>now s1</body></message>"));
    assert_eq!(titles(&bench), ["Five"]);
}

#[test]
fn what_could_not_be_stored_is_tried_again() {
    let mut bench = planned("@todo hall1 start+5! Five");
    bench.disk = Disk::Full;
    running(&mut bench, 5);
    assert_eq!(titles(&bench), Vec::<String>::new());
    bench.disk = Disk::Good;
    bench.pass(11_000);
    assert_eq!(titles(&bench), ["Five"]);
}

#[test]
fn plans_survive_a_restart_and_wait_for_the_people_of_the_room() {
    let mut bench = planned("@todo hall1 start+5! Five\n@todo hall1 start+6! Six");
    running(&mut bench, 5);
    bench.restart_without_link(u64::MAX);
    running(&mut bench, 6);
    bench.pass(MINUTE_MS);
    assert_eq!(titles(&bench), ["Five"], "nobody is known to have any rights");
    bench.check("(the service connects)");
    assert_eq!(titles(&bench), ["Five", "Six"]);
}

#[test]
fn what_comes_due_while_the_link_is_down_is_handed_out_and_everybody_is_told_when_it_is_back() {
    let mut bench = planned("@todo hall1 start+5! Five");
    bench.joins("Hall 1", HALL1);
    running(&mut bench, 4);
    bench.said();
    bench.check("(the connection is lost)");
    bench.pass(MINUTE_MS - 1);
    assert_eq!(titles(&bench), Vec::<String>::new());
    bench.pass(1);
    assert_eq!(titles(&bench), ["Five"]);
    let entry = bench.log().last().unwrap();
    assert_eq!(entry.by.bare(), "admin@localhost", "it is on disk, in the name of whoever planned it");
    assert!(matches!(entry.change, Change::Created { plan: Some(_), .. }), "{entry:?}");
    bench.pass(10 * MINUTE_MS);
    assert_eq!((titles(&bench), bench.said()), (vec!["Five".to_owned()], vec![]), "once, and nobody can be told");
    bench.connect();
    bench.pass(1_000);
    let told = bench.said().into_iter().filter(|stanza| stanza.contains("title='Five'"));
    let told: Vec<_> = told.filter(|stanza| stanza.contains(&format!("to='{HALL1}'"))).collect();
    assert!(!told.is_empty(), "{told:?}");
}

#[test]
fn what_came_of_a_task_that_was_due_without_a_link_is_told_to_its_planner_when_they_are_there_again() {
    let mut bench = planned("@todo hall1 start+5! Five\n@todo hall1 start+5 Ask");
    running(&mut bench, 4);
    bench.check("(the connection is lost)");
    bench.pass(MINUTE_MS);
    bench.connect();
    bench.joins("chief", ADMIN);
    bench.said();
    let said = admin_writes(&mut bench, "who");
    assert!(said.contains(&"[plan-fulfilled plan=s1 title=Five task=1]".to_owned()), "{said:?}");
    assert!(said.contains(&"[plan-due plan=s2 title=Ask]".to_owned()), "{said:?}");
    assert_eq!(admin_writes(&mut bench, "who").len(), 1);
}

#[test]
fn a_planner_who_lost_power_while_the_link_was_down_counts_by_the_lists_once_they_are_read_again() {
    let mut bench = planned("@todo hall1 start+5! Five\n@todo hall1 start+10! Ten");
    running(&mut bench, 4);
    bench.check("(the connection is lost)");
    bench.server().list("neerc", "admin@localhost", "member");
    bench.pass(MINUTE_MS);
    assert_eq!(titles(&bench), ["Five"], "nobody could say that they have lost it");
    bench.check("(the service connects)");
    bench.troubles();
    bench.pass(5 * MINUTE_MS);
    assert_eq!((titles(&bench), bench.troubles().len()), (vec!["Five".to_owned()], 1));
    bench.check("(the connection is lost)");
    bench.pass(MINUTE_MS);
    assert_eq!(titles(&bench), ["Five"]);
}

#[test]
fn people_groups_and_nicks_are_kept_while_the_link_is_down() {
    let mut settings = settings();
    settings.admit_unaffiliated = true;
    let rule = GroupRule { group: "Halls".into(), patterns: vec!["hall*".to_owned()] };
    settings.groups.rules.push(rule);
    let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
    bench.joins("Chief", ADMIN);
    bench.joins("Volunteer", "someone@localhost/x");
    bench.pass(10_000);
    admin_writes(&mut bench, "@todo halls start+5! Five\n@todo Volunteer start+5! Nick");
    running(&mut bench, 4);
    bench.check("(the connection is lost)");
    bench.pass(MINUTE_MS);
    let people: Vec<Vec<String>> = bench.boards()["neerc"]
        .tasks()
        .map(|task| task.statuses.keys().map(|person| person.bare().to_owned()).collect())
        .collect();
    assert_eq!(people.len(), 2);
    assert!(people[0].contains(&"hall1@localhost".to_owned()), "{people:?}");
    assert_eq!(people[1], ["someone@localhost"]);
}

#[test]
fn a_plan_says_what_the_clock_will_show_or_that_there_is_none() {
    let mut bench = planned("");
    let line = "@todo hall1 end-60! Freeze";
    let when = "when=[moment-before-end count=60]";
    assert_eq!(
        admin_writes(&mut bench, line),
        [format!("[said-planned plan=s1 schedule=end-60! {when} title=Freeze]\n[no-clock-for-plans plan=s1]")]
    );
    bench.clock(0, LENGTH_MS, Phase::Before);
    bench.said();
    let when = "[moment-before-end count=60][moment-clock time=4:00:00]";
    assert_eq!(
        admin_writes(&mut bench, line),
        [format!("[said-planned plan=s2 schedule=end-60! when={when} title=Freeze]")]
    );
    let plans = admin_writes(&mut bench, "plans");
    assert!(plans[0].ends_with(&format!("s2 · @todo hall1 end-60! Freeze · {when}")), "{plans:?}");
}

/// A second admin comes to the room.
fn second_admin(bench: &mut Bench) -> &'static str {
    let second = "jury2@localhost/Desk";
    bench.server().list("neerc", "jury2@localhost", "owner");
    bench.hear(format!(
        "<presence from='neerc@conference.localhost/second' to='neerc.localhost'>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{second}' affiliation='owner' role='moderator'/>\
         </x></presence>"
    ));
    second
}

fn writes(bench: &mut Bench, who: &str, lines: &str) -> Vec<String> {
    texts(bench.on(&format!("<message type='chat' from='{who}' to='{ROOM}'><body>{lines}</body></message>")))
}

#[test]
fn the_other_admins_who_were_asked_are_told_what_was_decided_and_by_whom() {
    let mut bench = planned("@todo hall1 start+5 Five\n@todo hall1 start+5 Six\n@todo hall1 start+5 Seven");
    let second = second_admin(&mut bench);
    running(&mut bench, 5);
    writes(&mut bench, second, "who");
    bench.said();
    let said = writes(&mut bench, second, "now s1\nunplan s2\nreplan s3 start+9");
    let decided = [
        "[plan-decided-now plan=s1 title=Five task=1 name=jury2]",
        "[plan-decided-unplan plan=s2 title=Six name=jury2]",
        "[plan-decided-replan plan=s3 title=Seven name=jury2 when=",
    ];
    let told: Vec<_> = said.iter().filter(|said| said.starts_with("[plan-decided-")).collect();
    assert_eq!(told.len(), 3, "{said:?}");
    assert!(decided.iter().all(|decided| told.iter().any(|told| told.starts_with(decided))), "{told:?}");
    bench.pass(4 * MINUTE_MS);
    let asked: Vec<_> = texts(bench.said()).into_iter().filter(|said| said.starts_with("[plan-due ")).collect();
    assert_eq!(asked, ["[plan-due plan=s3 title=Seven]"; 2], "both are asked anew");
}

#[test]
fn a_question_that_nobody_answers_lapses_and_whoever_planned_it_is_told_once() {
    let mut bench = planned("@todo hall1 start+5 Five");
    assert_eq!(running(&mut bench, 5), ["[plan-due plan=s1 title=Five]"]);
    let waits = admin_writes(&mut bench, "plans").join("");
    assert!(waits.contains("[plan-mark-waits]"), "{waits}");
    bench.pass(60 * MINUTE_MS - 1);
    assert!(texts(bench.said()).iter().all(|said| !said.contains("lapsed")));
    bench.pass(10_000);
    assert_eq!(texts(bench.said()), ["[plan-lapsed plan=s1 title=Five]"]);
    let plans = admin_writes(&mut bench, "plans").join("");
    assert!(plans.contains("[plan-mark-lapsed]"), "{plans}");
    bench.pass(3 * 60 * MINUTE_MS);
    assert_eq!(texts(bench.said()), Vec::<String>::new());
    assert_eq!(admin_writes(&mut bench, "now s1"), ["[said-created task=1 count=1 title=Five]"]);
    assert_eq!(titles(&bench), ["Five"]);
}

#[test]
fn whoever_planned_what_has_lapsed_is_told_when_they_come_and_a_restart_asks_nobody_again() {
    let mut bench = planned("@todo hall1 start+5 Five");
    bench.hear(format!("<presence type='unavailable' from='neerc@conference.localhost/chief' to='neerc.localhost'><x xmlns='http://jabber.org/protocol/muc#user'><item jid='{ADMIN}' affiliation='owner' role='none'/></x></presence>"));
    running(&mut bench, 5);
    bench.pass(61 * MINUTE_MS);
    assert_eq!(texts(bench.said()), Vec::<String>::new());
    bench.joins("chief", ADMIN);
    let said = admin_writes(&mut bench, "who");
    assert!(said.contains(&"[plan-lapsed plan=s1 title=Five]".to_owned()), "{said:?}");
    bench.restart_without_link(u64::MAX);
    running(&mut bench, 70);
    bench.connect();
    bench.pass(60 * MINUTE_MS);
    let said: Vec<_> = texts(bench.said()).into_iter().filter(|said| said.starts_with("[plan-")).collect();
    assert_eq!(said, Vec::<String>::new());
}

#[test]
fn a_time_of_day_is_said_back_with_its_date_and_comes_without_a_contest_clock() {
    let mut bench = planned("");
    let said = admin_writes(&mut bench, "@todo hall1 in 20m! Soon\n@todo hall1 in 25h Later").join("\n");
    assert!(said.contains("[said-planned-day plan=s1 when=[moment-day time="), "{said}");
    assert!(said.contains("[day-tomorrow time=") || said.contains("[day-other time="), "{said}");
    assert!(!said.contains("no-clock"), "{said}");
    bench.pass(20 * MINUTE_MS - 1_000);
    assert_eq!(titles(&bench), Vec::<String>::new());
    bench.pass(11_000);
    assert_eq!(titles(&bench), ["Soon"]);
}

#[test]
fn forms_offer_first_what_waits_for_an_answer() {
    let mut bench = planned("@todo hall1 end+0 Last\n@todo hall1 start+5 Five");
    running(&mut bench, 5);
    let form = bench.on(&format!(
        "<iq type='set' id='f1' from='{ADMIN}' to='{ROOM}'><command xmlns='http://jabber.org/protocol/commands' \
         node='http://neerc.ifmo.ru/protocol/neerc/commands#now' action='execute'/></iq>"
    ));
    let form = form.join("");
    let at = |text: &str| form.find(text).unwrap_or_else(|| panic!("{text} in {form}"));
    assert!(at("[plan-mark-waits]") < at("s1 "), "{form}");
    assert!(form.contains("<value>s2</value>"), "it is filled in: {form}");
}
