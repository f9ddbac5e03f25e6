//! Planned tasks by the contest clock.

use super::*;
use bench::Disk;
use neerc_core::clock::Phase;

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
    write(&mut bench, lines);
    bench
}

/// What is said to an admin who writes this.
fn write(bench: &mut Bench, lines: &str) -> Vec<String> {
    let body = lines.replace('\n', "&#10;");
    texts(bench.on(&format!("<message type='chat' from='{ADMIN}' to='{ROOM}'><body>{body}</body></message>")))
}

fn texts(said: Vec<String>) -> Vec<String> {
    let chat = said.into_iter().filter(|stanza| stanza.starts_with("<message type='chat'"));
    chat.map(|stanza| stanza.split_once("<body>").unwrap().1.split("</body>").next().unwrap().to_owned()).collect()
}

fn titles(bench: &Bench) -> Vec<String> {
    bench.boards().values().flat_map(|board| board.tasks()).map(|task| task.title.as_str().to_owned()).collect()
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
fn without_an_exclamation_mark_the_planner_is_asked_once() {
    let mut bench = planned("@todo hall1 start+5 Five\n@todo hall1 start+5 Not wanted");
    assert_eq!(running(&mut bench, 5), ["[plan-due plan=s1 title=Five]", "[plan-due plan=s2 title=Not wanted]"]);
    bench.pass(10 * MINUTE_MS);
    assert_eq!((texts(bench.said()), titles(&bench)), (vec![], vec![]));
    assert_eq!(
        write(&mut bench, "now s1\nunplan s2"),
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
    assert_eq!(write(&mut bench, "who").len(), 2, "the answer and the question");
    assert_eq!(write(&mut bench, "who").len(), 1);
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
    bench.restart(u64::MAX);
    bench.said();
    running(&mut bench, 5);
    assert_eq!(titles(&bench), ["Five"]);
    bench.check("(the connection is lost)");
    bench.pass(MINUTE_MS);
    assert_eq!(titles(&bench), ["Five"]);
    bench.check("(the service connects)");
    assert_eq!(titles(&bench), ["Five", "Six"]);
}
