//! The payload of a request all the way: read, decided on a board, applied, written, read again. No panic; what is
//! written is what the board holds; and the current copy of a task, sent back, changes nothing.
//!
//! Each line of the input is one request: a digit (who asks, and whether as `set`), then its payload.

use super::bench::SVC;
use neerc_core::board::{Board, Decision};
use neerc_core::command::Command;
use neerc_core::people::{Affiliation, GroupBook, GroupRule, People, Person, Standing};
use neerc_core::task::{Task, TaskId};
use neerc_core::view::Sight;
use neerc_xmpp::neerc::{self, Notification, Payload};
use neerc_xmpp::ns;
use neerc_xmpp::stream::outgoing::Outgoing;
use neerc_xmpp::xml::{self, Element, TreeLimits};

const HOST: &str = "localhost";
const USERS: [(&str, Affiliation); 5] = [
    ("admin@localhost", Affiliation::Owner),
    ("hall1@localhost", Affiliation::Member),
    ("hall2@localhost", Affiliation::Member),
    ("admin@elsewhere", Affiliation::Member),
    ("stranger@localhost", Affiliation::Outcast),
];

/// Checks one input.
pub fn check(data: &[u8]) {
    let people = people();
    let mut board = Board::default();
    let mut now_ms = 1_700_000_000_000;
    let mut revision = 0;
    for line in data.split(|byte| *byte == b'\n').take(100) {
        let [who, payload @ ..] = line else { continue };
        now_ms += [0, 1, 1_000, -5_000][revision as usize % 4];
        let (person, affiliation) = USERS[usize::from(*who) / 2 % USERS.len()];
        let Ok(payload) = xml::parse(payload, ns::COMPONENT, &TreeLimits::default()) else { continue };
        let _ = neerc::task_of(&payload);
        let Some(Ok(Payload::Command(command))) = neerc::parse(&payload, who % 2 == 1) else { continue };
        let Ok(decision) = board.decide(now_ms, &Person::from_bare(person), &people, &command) else { continue };
        assert!(affiliation >= Affiliation::Member, "a stranger's command was not refused");
        let answer = matches!(command, Command::Answer { .. });
        assert!(affiliation >= Affiliation::Admin || answer, "beyond the affiliation");
        let Some(change) = decision.change else { continue };
        let before = board.clone();
        revision += 1;
        board.apply(revision, &change);
        assert!(board.last_timestamp_ms() >= before.last_timestamp_ms());
        assert!(board.next_id() >= before.next_id());
        written(&board);
        let Some(id) = change.task() else { continue };
        if let Some(task) = board.task(id) {
            told(&board, &people, task, now_ms);
        } else {
            assert!(board.was_removed(id));
        }
    }
}

fn people() -> People {
    let standings = USERS.map(|(jid, affiliation)| Standing { person: Person::from_bare(jid), affiliation });
    let rules = vec![GroupRule { group: "Halls".into(), patterns: vec!["hall*".to_owned()] }];
    let nicks = [("Nick".to_owned(), Person::from_bare("hall2@localhost"))].into_iter().collect();
    People::build(HOST, "neerc", standings, nicks, &GroupBook { rules, ..GroupBook::default() })
}

/// The answer to `#tasks` holds the board.
fn written(board: &Board) {
    let mut out = Vec::new();
    neerc::write_tasks(&mut out, HOST, board.listed(), None, usize::MAX / 2).expect("no limit");
    let limits = TreeLimits { nodes: 1_000_000, ..TreeLimits::default() };
    let list = xml::parse(&out, "", &limits).expect("our own list is well-formed");
    let mut last = i64::MIN;
    for (element, task) in list.elements().zip(board.listed()) {
        same(element, task);
        if !task.statuses.is_empty() {
            assert!(task.timestamp_ms > last, "timestamps do not increase");
            last = task.timestamp_ms;
        }
    }
    assert_eq!(list.elements().count(), board.len());
}

fn same(element: &Element<'_>, task: &Task) {
    assert_eq!(element.attr("id"), Some(&*task.id.wire_id()));
    assert_eq!(element.attr("id").map(TaskId::parse), Some(Ok(task.id)));
    assert_eq!(element.attr("title"), Some(task.title.as_str()));
    assert_eq!(element.attr("type"), Some(task.kind.name()));
    let said: Vec<_> = element.elements().map(|s| (s.attr("for"), s.attr("type"), s.attr("value"))).collect();
    let held: Vec<_> = task
        .statuses
        .iter()
        .map(|(person, status)| (Some(person.name(HOST)), Some(status.progress.name()), Some(status.value())))
        .collect();
    assert_eq!(said, held);
}

/// A notification holds the task, and the packet in it, sent back by an admin, changes nothing.
fn told(board: &Board, people: &People, task: &Task, now_ms: i64) {
    let admin = Person::from_bare("admin@localhost");
    let mut out = Outgoing::default();
    Notification::task(SVC, HOST, task, Sight::Whole, &admin, true, 1 << 20)
        .write(&mut out, b"hall1@localhost/&apos;&lt;&amp;&gt;");
    let limits = TreeLimits { nodes: 1_000_000, ..TreeLimits::default() };
    let out = out.to_vec();
    let message = xml::parse(&out, ns::COMPONENT, &limits).expect("our own notification is well-formed");
    assert_eq!(message.attr("to"), Some("hall1@localhost/'<&>"));
    let body = message.elements().find(|e| e.name == "body").expect("a body").text();
    assert!(!body.contains('\n') && body.ends_with("changed"));
    for packet in message.elements().filter(|e| e.name == "task") {
        same(packet, task);
        for replacing in [false, true] {
            let Some(Ok(Payload::Command(command))) = neerc::parse(packet, replacing) else {
                panic!("our own packet is not read: {packet:?}");
            };
            let again = board.decide(now_ms, &admin, people, &command);
            assert_eq!(again, Ok(Decision::default()), "the current copy changes something");
        }
    }
    for limit in [0, 3_500, 10_000] {
        let short = Notification::task(SVC, HOST, task, Sight::OwnStatus, &admin, true, limit);
        let mut out = Outgoing::default();
        short.write(&mut out, b"x@y/z");
        xml::parse(&out.to_vec(), ns::COMPONENT, &limits).expect("a shortened notification is well-formed");
    }
}
