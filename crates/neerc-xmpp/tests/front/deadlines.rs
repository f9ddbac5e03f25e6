//! Deadlines: whoever is late is reminded by chat and by notifications, and at last the admins hear who is late.

use super::speaking::{GAJIM, Spoken};
use super::*;
use bench::attr;
use neerc_core::change::Change;
use neerc_xmpp::limits;

const MINUTE_MS: i64 = 60_000;
const CLIENT: &str = "hall3@localhost/Client";

/// An admin, two halls with chat clients and one with a NEERC client, all in the room, with a task that is due in 20 minutes.
fn due_in_twenty() -> Bench {
    let mut bench = ready(Flavour::Prosody);
    for (nick, jid) in [("chief", ADMIN), ("hall1", HALL1), ("hall2", HALL2)] {
        bench.comes(nick, jid, GAJIM);
    }
    bench.joins("hall3", CLIENT);
    bench.hear(iq("get", CLIENT, &query("tasks")));
    bench.pass(limits::CHAT_GRACE_MS);
    bench.said();
    bench.line(ADMIN, "@okfail hall1,hall2,hall3 by 20m Seated?");
    let said = bench.chats_within(2_000);
    let answer = "[said-created task=1 count=3 title=Seated?]\n[said-deadline task=1 when=[due-time time=";
    assert!(said.iter().any(|(to, text)| to == ADMIN && text.starts_with(answer)), "{said:?}");
    bench
}

/// Lets time go by, and says who was told what by chat, by the first key, and who by notifications.
fn told(bench: &mut Bench, ms: i64) -> Vec<(String, String)> {
    bench.pass(ms);
    let mut told = Vec::new();
    for stanza in bench.said() {
        let to = attr(&stanza, "to").unwrap_or_default();
        if let Some((_, body)) = stanza.split_once("<body>[").filter(|_| stanza.starts_with("<message type='chat'")) {
            told.push((to, body.split([' ', ']']).next().unwrap_or_default().to_owned()));
        } else if stanza.contains("<task id='t1' title='Seated?'") {
            told.push((to, "notification".to_owned()));
        }
    }
    told.sort();
    told
}

fn pairs(told: &[(&str, &str)]) -> Vec<(String, String)> {
    told.iter().map(|(to, what)| ((*to).to_owned(), (*what).to_owned())).collect()
}

#[test]
fn whoever_is_late_is_reminded_and_at_last_the_admins_are_told_who() {
    let mut bench = due_in_twenty();
    bench.line(HALL2, "yes 1");
    bench.line(HALL1, "start 1");
    told(&mut bench, 1_000);
    assert_eq!(told(&mut bench, 20 * MINUTE_MS - 4_000), [], "not before it is due");
    let round = pairs(&[(HALL1, "reminder-overdue"), (CLIENT, "notification")]);
    assert_eq!(told(&mut bench, 2_000), round);
    for _ in 2..=9 {
        assert_eq!(told(&mut bench, 5 * MINUTE_MS), round, "whoever has begun is late as long as they are not done");
    }
    bench.pass(5 * MINUTE_MS);
    let said = bench.chats();
    let [(to, text)] = &said[..] else { panic!("{said:?}") };
    assert_eq!(to, ADMIN);
    assert!(text.starts_with("[task-still-late task=1 title=Seated? when=[due-time time="), "{text}");
    assert!(text.ends_with("people=hall1, hall3]"), "{text}");
    assert_eq!(told(&mut bench, 60 * MINUTE_MS), [], "that is all");
    let rounds = bench.log().iter().filter(|entry| matches!(entry.change, Change::Reminded { .. })).count();
    assert_eq!(rounds, 10);
}

#[test]
fn nobody_is_reminded_once_the_deadline_is_off_or_all_have_answered_and_a_new_one_begins_anew() {
    let mut bench = due_in_twenty();
    bench.line(ADMIN, "deadline 1 off");
    assert_eq!(bench.chats(), [(ADMIN.into(), "[said-no-deadline task=1]".into())]);
    assert_eq!(told(&mut bench, 60 * MINUTE_MS), []);
    bench.line(ADMIN, "deadline 1 10m");
    bench.said();
    let all = pairs(&[(HALL1, "reminder-overdue"), (HALL2, "reminder-overdue"), (CLIENT, "notification")]);
    assert_eq!(told(&mut bench, 11 * MINUTE_MS), all);
    for hall in [HALL1, HALL2] {
        bench.line(hall, "yes 1");
    }
    bench.hear(iq("set", CLIENT, &status(1, "success")));
    told(&mut bench, 1_000);
    assert_eq!(told(&mut bench, 60 * MINUTE_MS), []);
    // Who has to answer again is late at once, and the deadline goes on where it was.
    bench.line(ADMIN, "reset 1 hall1");
    let said = told(&mut bench, MINUTE_MS);
    assert!(said.contains(&(HALL1.to_owned(), "reminder-overdue".to_owned())), "{said:?}");
}

#[test]
fn what_was_said_before_a_crash_is_not_said_again_and_whoever_comes_hears_of_what_they_have_to_do() {
    let mut bench = due_in_twenty();
    told(&mut bench, 20 * MINUTE_MS + 1_000);
    let noted = bench.log().len();
    for told_revision in [noted, noted - 1] {
        bench.restart(told_revision as u64);
        bench.comes("hall1", HALL1, GAJIM);
        let said = told(&mut bench, limits::CHAT_GRACE_MS);
        assert!(said.contains(&(HALL1.to_owned(), "reminder".to_owned())), "{said:?}");
        assert!(said.contains(&(CLIENT.to_owned(), "notification".to_owned())), "{said:?}");
        assert!(said.iter().all(|(_, what)| what != "reminder-overdue"), "{said:?}");
    }
    assert_eq!(bench.log().len(), noted, "it is noted once");
    assert_eq!(told(&mut bench, 5 * MINUTE_MS), pairs(&[(HALL1, "reminder-overdue"), (CLIENT, "notification")]));
}

#[test]
fn admins_who_were_not_there_hear_who_is_late_when_they_come() {
    let mut bench = due_in_twenty();
    bench.goes("chief", ADMIN);
    told(&mut bench, 2 * 60 * MINUTE_MS);
    bench.comes("chief", ADMIN, GAJIM);
    assert_eq!(told(&mut bench, limits::CHAT_GRACE_MS), pairs(&[(ADMIN, "task-still-late")]));
    bench.restart(bench.log().len() as u64);
    bench.comes("chief", ADMIN, GAJIM);
    bench.comes("hall1", HALL1, GAJIM);
    let expected = pairs(&[(ADMIN, "task-still-late"), (HALL1, "reminder"), (CLIENT, "notification")]);
    assert_eq!(told(&mut bench, limits::CHAT_GRACE_MS), expected, "halls hear nothing of others");
}
