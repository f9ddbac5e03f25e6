//! The ledger with asks of many people, a disk that may fail at any time, and every order of its calls.

use super::*;
use crate::change::Effect;
use crate::command::{Command, Manner, Named, WholeTask};
use crate::doors::TokenId;
use crate::people::{Affiliation, GroupBook, Standing};
use crate::task::{Kind, Progress, Status, TaskId, Title};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// One room's people: an owner and a member.
struct Hall(People);

impl Hall {
    fn new() -> Hall {
        let standings = [("admin@localhost", Affiliation::Owner), ("hall1@localhost", Affiliation::Member)];
        let standings = standings.map(|(jid, affiliation)| Standing { person: Person::from_bare(jid), affiliation });
        Hall(People::build("localhost", "neerc", standings, HashMap::new(), &GroupBook::default()))
    }
}

impl Rooms for Hall {
    fn people(&mut self, _: &str) -> &People {
        &self.0
    }

    fn is_known(&self, _: &str) -> bool {
        true
    }
}

fn at(ms: i64) -> Now {
    Now::from_ms(ms, ms)
}

fn ask(number: u64, who: &str, command: Command) -> Ask {
    Ask {
        token: Token { face: Face::Xmpp, number },
        room: "neerc".into(),
        who: Person::from_bare(who),
        command,
        request: None,
        seen: None,
    }
}

fn create(token: u64) -> Ask {
    let status = Status::NONE;
    let statuses = vec![Named { name: "hall1".to_owned(), status }];
    let title = Title::parse("T").unwrap();
    ask(
        token,
        "admin@localhost",
        Command::Create(WholeTask { title, kind: Kind::Todo, statuses, manner: Manner::Replacing }),
    )
}

fn answer(token: u64, task: u64, value: &str) -> Ask {
    let status = Status::new(Progress::Running, value).unwrap();
    ask(token, "hall1@localhost", Command::Answer { task: TaskId(task), status })
}

fn tokens(answers: &[Answer]) -> Vec<(u64, bool)> {
    answers.iter().map(|answer| (answer.token.number, answer.outcome.is_ok())).collect()
}

/// What has to be true of a ledger at any time: what is seen is what is decided on less what is being stored and what is
/// stored next.
fn check(ledger: &Ledger) {
    let mut boards = ledger.boards.clone();
    let storing = ledger.storing.iter().flat_map(|batch| batch.entries.iter());
    let mut revision = ledger.revision;
    for entry in storing.chain(&ledger.next.entries) {
        revision += 1;
        assert_eq!(entry.revision, revision, "a gap in the order");
        boards.entry(entry.room.clone()).or_default().replay(entry);
    }
    let known = |boards: &Boards| -> BTreeMap<_, _> {
        boards
            .iter()
            .filter(|(_, board)| board.revision() > 0)
            .map(|(room, board)| (room.clone(), board.clone()))
            .collect()
    };
    assert_eq!(known(&boards), known(&ledger.ahead));
}

#[test]
fn of_two_asks_in_one_batch_by_what_both_have_seen_the_second_is_refused() {
    let (mut hall, mut answers) = (Hall::new(), Vec::new());
    let mut ledger = Ledger::new(Boards::new(), 0);
    let mut store = |ledger: &mut Ledger, asks: Vec<Ask>| {
        asks.into_iter().for_each(|ask| ledger.ask(ask));
        ledger.decide_last(at(0), &mut hall, &mut answers).map(|_| {
            let settled = ledger.stored(at(0), Stored::Yes).unwrap();
            (settled.entries.len(), settled.answers.into_iter().map(|answer| answer.outcome).collect::<Vec<_>>())
        })
    };
    store(&mut ledger, vec![create(1), create(2)]).unwrap();
    let seen = |ask: Ask, seen| Ask { seen: Some(seen), ..ask };
    let rename = |token, title: &str| {
        let title = Title::parse(title).unwrap();
        ask(token, "admin@localhost", Command::Rename { task: TaskId(1), title })
    };
    let asks = vec![
        seen(answer(3, 1, "a"), 2),
        seen(answer(4, 1, "b"), 2),
        seen(answer(5, 2, "b"), 2), // another task
        seen(rename(6, "A"), 2),    // what was answered stays
        seen(rename(7, "B"), 2),
        rename(8, "C"), // whoever does not say what they have seen means it anyway
    ];
    let (stored, outcomes) = store(&mut ledger, asks).unwrap();
    let is_refused: Vec<_> = outcomes.iter().map(|outcome| *outcome == Err(Refusal::Outdated)).collect();
    assert_eq!((stored, is_refused), (4, vec![false, true, false, false, true, false]), "{outcomes:?}");
    let task = ledger.boards()["neerc"].task(TaskId(1)).unwrap();
    assert_eq!((task.title.as_str(), task.statuses.values().next().unwrap().value()), ("C", "a"));
    // What is on disk counts like what is on its way there, and whoever has seen it may go on.
    let again =
        vec![seen(answer(9, 1, "c"), 2), seen(answer(10, 1, "c"), ledger.revision()), seen(answer(11, 1, "c"), 0)];
    let (stored, outcomes) = store(&mut ledger, again).unwrap();
    assert_eq!(
        (stored, outcomes[0].clone(), outcomes[2].is_ok()),
        (1, Err(Refusal::Outdated), true),
        "it is so already"
    );
    // Of what is not remembered any more, it is not known what it was.
    let boards = ledger.boards().clone();
    let mut forgetful = Ledger::new(boards, ledger.revision());
    let asks = vec![seen(answer(12, 1, "d"), 2), seen(answer(13, 2, "d"), ledger.revision())];
    let (stored, outcomes) = store(&mut forgetful, asks).unwrap();
    assert_eq!((stored, outcomes[0].clone(), outcomes[1].is_ok()), (1, Err(Refusal::Outdated), true));
}

#[test]
fn the_next_batch_is_decided_while_one_is_being_stored_and_is_seen_only_when_it_is_on_disk() {
    let (mut ledger, mut hall, mut answers) = (Ledger::new(Boards::new(), 0), Hall::new(), Vec::new());
    ledger.ask(create(1));
    let first = ledger.decide(at(0), &mut hall, &mut answers).expect("something to store");
    ledger.ask(answer(2, 1, "a"));
    assert!(ledger.decide(at(0), &mut hall, &mut answers).is_none(), "one batch at a time");
    check(&ledger);
    assert_eq!((first.len(), answers.len(), ledger.boards().len()), (1, 0, 0), "nothing is answered or seen before");
    let settled = ledger.stored(at(1), Stored::Yes).unwrap();
    assert_eq!((tokens(&settled.answers), settled.notices.len(), settled.refused), (vec![(1, true)], 1, 0));
    assert_eq!(settled.next.map(|next| next[0].revision), Some(2), "the disk is busy at once");
    check(&ledger);
    assert_eq!((ledger.boards()["neerc"].revision(), ledger.revision()), (1, 1));
    let settled = ledger.stored(at(2), Stored::Yes).unwrap();
    assert_eq!((tokens(&settled.answers), settled.next), (vec![(2, true)], None));
    assert!(ledger.is_idle());
}

#[test]
fn a_request_with_a_key_is_done_once_and_answered_as_often_as_it_comes() {
    let (mut ledger, mut hall, mut answers) = (Ledger::new(Boards::new(), 0), Hall::new(), Vec::new());
    let keyed = |token, key: &str, print| {
        let request = KeyedRequest::new(TokenId(1), key, print).map(Arc::new).ok();
        Ask { request, ..create(token) }
    };
    let outcomes = |answers: &[Answer]| -> Vec<_> {
        let made = |answer: &Answer| match &answer.outcome {
            Ok(Done { effect: Effect::Created { task, people: 1, .. }, .. }) => task.to_string(),
            other => format!("{other:?}"),
        };
        answers.iter().map(made).collect()
    };
    let refused = r#"Err(UsedKey { key: "a" })"#;
    [keyed(1, "a", 7), keyed(2, "a", 7), keyed(3, "b", 7), keyed(4, "a", 8)]
        .into_iter()
        .for_each(|ask| ledger.ask(ask));
    let first = ledger.decide_last(at(5), &mut hall, &mut answers).expect("something to store");
    assert_eq!((first.len(), answers.len()), (2, 0), "whoever repeats waits for the same disk");
    ledger.ask(keyed(5, "a", 7));
    ledger.decide(at(5), &mut hall, &mut answers);
    assert_eq!(answers.len(), 0);
    let settled = ledger.stored(at(6), Stored::Yes).unwrap();
    assert_eq!(outcomes(&settled.answers), ["1", "1", "2", refused, "1"]);
    check(&ledger);
    // A start knows it by the log.
    let mut boards = Boards::new();
    first.iter().for_each(|entry| boards.entry(entry.room.clone()).or_default().replay(entry));
    let mut ledger = Ledger::new(boards, 2);
    [keyed(1, "a", 7), keyed(2, "a", 8), keyed(3, "c", 7)].into_iter().for_each(|ask| ledger.ask(ask));
    let next = ledger.decide_last(at(7), &mut hall, &mut answers).expect("something to store");
    assert_eq!(next.len(), 1);
    assert_eq!(outcomes(&ledger.stored(at(8), Stored::Yes).unwrap().answers), ["1", refused, "3"]);
    // Nothing of it is known if it could not be stored.
    let mut ledger = Ledger::new(Boards::new(), 0);
    ledger.ask(keyed(1, "a", 7));
    ledger.decide_last(at(9), &mut hall, &mut answers).expect("something to store");
    ledger.ask(keyed(2, "a", 7));
    ledger.decide(at(9), &mut hall, &mut answers);
    assert_eq!(tokens(&ledger.stored(at(9), Stored::No).unwrap().answers), [(1, false), (2, false)]);
    ledger.ask(keyed(3, "a", 7));
    assert_eq!(ledger.decide_last(at(9), &mut hall, &mut answers).map(|entries| entries.len()), Some(1));
}

#[test]
fn what_was_decided_on_changes_that_were_not_stored_is_refused_with_them() {
    let (mut ledger, mut hall, mut answers) = (Ledger::new(Boards::new(), 0), Hall::new(), Vec::new());
    ledger.ask(create(1));
    ledger.decide(at(0), &mut hall, &mut answers).expect("something to store");
    ledger.ask(answer(2, 1, "a"));
    ledger.ask(answer(3, 9, "of no task"));
    ledger.decide(at(0), &mut hall, &mut answers);
    let settled = ledger.stored(at(1), Stored::No).unwrap();
    assert_eq!(tokens(&settled.answers), [(1, false), (2, false), (3, false)]);
    assert!(settled.answers.iter().all(|answer| answer.outcome == Err(Refusal::NotDurable)));
    assert_eq!((settled.refused, settled.notices.len(), settled.next), (2, 0, None));
    check(&ledger);
    ledger.ask(create(4));
    let again = ledger.decide(at(2), &mut hall, &mut answers).expect("something to store");
    assert_eq!(again[0].revision, 1, "the revision was never used");
}

#[test]
fn nothing_is_answered_where_it_is_unknown_what_is_on_disk() {
    let (mut ledger, mut hall, mut answers) = (Ledger::new(Boards::new(), 0), Hall::new(), Vec::new());
    ledger.ask(create(1));
    ledger.decide(at(0), &mut hall, &mut answers).expect("something to store");
    assert_eq!(ledger.stored(at(1), Stored::Unknown).err(), Some(OutcomeUnknown));
    assert!(answers.is_empty());
}

#[test]
fn what_changes_nothing_waits_for_no_disk() {
    let (mut ledger, mut hall, mut answers) = (Ledger::new(Boards::new(), 0), Hall::new(), Vec::new());
    ledger.ask(answer(1, 9, ""));
    assert!(ledger.decide(at(0), &mut hall, &mut answers).is_none());
    assert_eq!(tokens(&answers), [(1, false)]);
    assert!(ledger.is_idle() && ledger.next_commit_ms() == i64::MAX);
}

#[test]
fn few_changes_soon_after_a_commit_of_several_wait_for_others() {
    let (mut ledger, mut hall, mut answers) = (Ledger::new(Boards::new(), 0), Hall::new(), Vec::new());
    (0..4).for_each(|token| ledger.ask(create(token)));
    ledger.decide(at(0), &mut hall, &mut answers).expect("something to store");
    ledger.stored(at(1), Stored::Yes).unwrap();
    ledger.ask(create(5));
    assert!(ledger.decide(at(1), &mut hall, &mut answers).is_none(), "it waits");
    let due_ms = ledger.next_commit_ms();
    assert!((2..=1 + limits::COMMIT_REST_US / 1_000).contains(&due_ms), "until {due_ms}");
    assert!(ledger.decide(at(due_ms - 1), &mut hall, &mut answers).is_none(), "it waits");
    let due = ledger.decide(at(due_ms), &mut hall, &mut answers);
    assert_eq!(due.map(|entries| entries.len()), Some(1));
    ledger.stored(at(20), Stored::Yes).unwrap();
    ledger.ask(create(6));
    assert!(ledger.decide(at(20), &mut hall, &mut answers).is_some(), "a lone change is stored at once");
    ledger.stored(at(21), Stored::Yes).unwrap();
    (0..4).for_each(|token| ledger.ask(create(token)));
    ledger.decide(at(22), &mut hall, &mut answers).expect("something to store");
    ledger.stored(at(23), Stored::Yes).unwrap();
    ledger.ask(create(7));
    assert!(ledger.decide_last(at(23), &mut hall, &mut answers).is_some(), "at the end nothing waits for others");
}

#[derive(Clone, Debug)]
enum Step {
    Create,
    Answer(u64, u8),
    Decide,
    DecideLast,
    Stored(bool),
    Later(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Create),
        4 => (1u64..12, 0u8..4).prop_map(|(task, value)| Step::Answer(task, value)),
        4 => Just(Step::Decide),
        1 => Just(Step::DecideLast),
        4 => prop::bool::weighted(0.8).prop_map(Step::Stored),
        1 => (0i64..12).prop_map(Step::Later),
    ];
    prop::collection::vec(step, 0..120)
}

proptest! {
    #[test]
    fn what_is_seen_is_what_is_decided_less_what_is_not_stored(steps in steps()) {
        let (mut ledger, mut hall) = (Ledger::new(Boards::new(), 0), Hall::new());
        let (mut now_ms, mut asked, mut disk, mut answered) = (0, 0, Vec::<Entry>::new(), Vec::new());
        for step in steps.into_iter().chain([Step::DecideLast, Step::Stored(true), Step::DecideLast, Step::Stored(true)]) {
            let mut answers = Vec::new();
            match step {
                Step::Create => { ledger.ask(create(asked)); asked += 1; }
                Step::Answer(task, value) => { ledger.ask(answer(asked, task, &value.to_string())); asked += 1; }
                Step::Later(ms) => now_ms += ms,
                Step::Decide => { ledger.decide(at(now_ms), &mut hall, &mut answers); }
                Step::DecideLast => { ledger.decide_last(at(now_ms), &mut hall, &mut answers); }
                Step::Stored(durable) => {
                    let storing = ledger.storing().cloned();
                    let settled = ledger.stored(at(now_ms), if durable { Stored::Yes } else { Stored::No }).unwrap();
                    if durable {
                        disk.extend(storing.iter().flat_map(|entries| entries.iter().cloned()));
                    }
                    prop_assert_eq!(settled.entries.len(), if durable { storing.map_or(0, |entries| entries.len()) } else { 0 });
                    prop_assert!(settled.notices.windows(2).all(|pair| pair[0].1 < pair[1].1), "told out of order");
                    answers.extend(settled.answers);
                }
            }
            answered.extend(answers.into_iter().map(|answer| answer.token.number));
            check(&ledger);
            let mut boards = Boards::new();
            for entry in &disk {
                boards.entry(entry.room.clone()).or_default().apply(entry.revision, &entry.change);
            }
            prop_assert_eq!(&boards, ledger.boards(), "what is seen is not what is on disk");
        }
        prop_assert!(ledger.is_idle());
        prop_assert!(answered.iter().copied().eq(0..asked), "each is answered once, in order: {:?}", answered);
    }
}
