//! Tests of the outbox: who waits for what, and when it is told.

use super::*;
use crate::chat::contacts::Client;

/// Takes what is due and says to whom it goes.
fn take(outbox: &mut Outbox, now_ms: i64) -> Vec<String> {
    let Some(due) = outbox.take_due(now_ms) else { return Vec::new() };
    let to = due.slots.iter().filter_map(|slot| outbox.recipient(*slot, Some(due.key.1), now_ms));
    let mut to: Vec<String> = to.map(|session| session.address.as_str().to_owned()).collect();
    to.sort();
    outbox.told(now_ms, &due);
    outbox.finish(due.key);
    to
}

/// A task changes, and the link takes what one of those is told who wait for it.
fn change_told_to_one(outbox: &mut Outbox) {
    outbox.changed(1_000, (0, TaskId(1)), 1, Losers::default());
    let mut due = outbox.take_due(1_000).unwrap();
    let rest = due.slots.split_off(1); // the link has taken no more
    outbox.told(1_000, &due);
    outbox.put_back(due.key, &rest);
}

#[test]
fn a_session_that_only_asked_keeps_its_distance_while_the_service_is_out_of_the_room() {
    let mut outbox = Outbox::new(50);
    let asker = Address::parse("hall1@localhost/A").unwrap();
    outbox.asked(0, &asker, 0, Hears::Tasks);
    outbox.take_clock();
    outbox.changed(1_000, (0, TaskId(1)), 1, Losers::default());
    assert_eq!(take(&mut outbox, 1_000), ["hall1@localhost/A"]);
    outbox.changed(1_010, (0, TaskId(1)), 2, Losers::default());
    assert_eq!(take(&mut outbox, 1_010), [""; 0]);
    assert_eq!(take(&mut outbox, 1_050), ["hall1@localhost/A"]);
    assert_eq!(outbox.told_revision(), 0, "those in the room have heard nothing");
}

#[test]
fn tasks_that_wait_for_their_spacing_are_told_at_one_beat_and_never_before_it() {
    let mut outbox = Outbox::new(50);
    outbox.inside(0, 0);
    outbox.asked(0, &Address::parse("hall1@localhost/A").unwrap(), 0, Hears::Tasks);
    outbox.take_clock();
    for (task, told_ms) in [(1, 1_003), (2, 1_008)] {
        outbox.changed(told_ms, (0, TaskId(task)), task, Losers::default());
        assert_eq!(take(&mut outbox, told_ms), ["hall1@localhost/A"], "the first change is told at once");
    }
    for task in [1, 2] {
        outbox.changed(1_010, (0, TaskId(task)), task + 2, Losers::default());
    }
    assert_eq!((take(&mut outbox, 1_059), outbox.next_due_ms()), (Vec::new(), Some(1_060)));
    for _ in 0..2 {
        assert_eq!(take(&mut outbox, 1_060), ["hall1@localhost/A"]);
    }
}

#[test]
fn a_true_state_was_lost_when_another_task_changed_meanwhile() {
    let mut outbox = Outbox::new(50);
    let asker = Address::parse("hall1@localhost/A").unwrap();
    outbox.inside(0, 0);
    outbox.repeat(1_000, (0, TaskId(1)), &asker);
    assert_eq!(take(&mut outbox, 1_000), ["hall1@localhost/A"]);
    outbox.repeat(1_010, (0, TaskId(1)), &asker); // to be told 50 ms after the first
    outbox.changed(1_020, (0, TaskId(2)), 1, Losers::default());
    assert_eq!(take(&mut outbox, 1_020), [""; 0], "it is not told of changes");
    assert_eq!(take(&mut outbox, 1_050), ["hall1@localhost/A"]);
    assert_eq!(outbox.sessions(0), 0);
}

#[test]
fn what_only_askers_were_told_outside_of_the_room_is_not_taken_for_told() {
    let mut outbox = Outbox::new(50);
    let askers = ["hall1@localhost/A", "hall2@localhost/A"].map(|jid| Address::parse(jid).unwrap());
    askers.iter().for_each(|asker| outbox.asked(0, asker, 0, Hears::Tasks));
    outbox.take_clock();
    change_told_to_one(&mut outbox);
    outbox.changed(1_010, (0, TaskId(1)), 2, Losers::default());
    assert_eq!(take(&mut outbox, 1_020).len(), 1);
    assert_eq!(outbox.told_revision(), 0);
    assert!(!take(&mut outbox, 1_070).is_empty());
    assert_eq!(outbox.take_fence(), None);
    assert_eq!(outbox.told_revision(), 0, "those in the room have heard nothing");
}

#[test]
fn coming_in_while_an_asker_was_being_told_counted_those_inside_as_told() {
    let mut outbox = Outbox::new(50);
    let [first, second, inside] = ["hall1", "hall2", "hall3"].map(|name| {
        let jid = format!("{name}@localhost/A");
        Address::parse(&jid).unwrap()
    });
    for asker in [&first, &second] {
        outbox.asked(0, asker, 0, Hears::Tasks);
    }
    outbox.take_clock();
    change_told_to_one(&mut outbox);
    outbox.joined(0, &inside, Client::Unknown);
    outbox.inside(1_010, 0);
    outbox.take_clock();
    assert_eq!(take(&mut outbox, 1_050).len(), 1, "the rest of the round");
    let fence = outbox.take_fence().unwrap();
    assert_eq!(outbox.fenced(fence), 0, "who is inside has heard nothing");
    assert!(take(&mut outbox, 1_100).contains(&"hall3@localhost/A".to_owned()));
    let fence = outbox.take_fence().unwrap();
    assert_eq!(outbox.fenced(fence), 1);
}

#[test]
fn a_telling_cut_short_by_leaving_the_room_is_not_taken_for_told() {
    let mut outbox = Outbox::new(50);
    let sessions = ["hall1@localhost/A", "hall2@localhost/A"].map(|jid| Address::parse(jid).unwrap());
    let join = |outbox: &mut Outbox| sessions.iter().for_each(|session| outbox.joined(0, session, Client::Unknown));
    join(&mut outbox);
    outbox.inside(0, 0);
    change_told_to_one(&mut outbox);
    outbox.outside(0);
    join(&mut outbox);
    outbox.inside(2_000, 0);
    assert_eq!(take(&mut outbox, 2_000), ["hall1@localhost/A", "hall2@localhost/A"]);
    let fence = outbox.take_fence().unwrap();
    assert_eq!(outbox.fenced(fence), 1);
}

#[test]
fn the_answer_to_a_fence_that_was_overtaken_was_taken_for_the_next_ones() {
    let mut outbox = Outbox::new(50);
    let session = Address::parse("hall1@localhost/A").unwrap();
    outbox.joined(0, &session, Client::Unknown);
    outbox.inside(0, 0);
    outbox.changed(100, (0, TaskId(1)), 1, Losers::default());
    take(&mut outbox, 100);
    let overtaken = outbox.take_fence().unwrap();
    outbox.outside(0); // all of it is told again
    outbox.joined(0, &session, Client::Unknown);
    outbox.inside(200, 0);
    take(&mut outbox, 200);
    let fence = outbox.take_fence().unwrap();
    assert_eq!(outbox.fenced(overtaken), 0, "what was told after it may not have arrived");
    assert_eq!(outbox.fenced(fence), 1);
}
