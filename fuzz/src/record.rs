//! Stored records: no panic; what is read is written and read again as the same; what can be read can be applied to any
//! board, and a board that was read can be decided and applied to like any other.
//!
//! Each line of the input is one record: a snapshot takes the place of the boards, a change is applied to the first.

use neerc_core::board::{Board, Boards};
use neerc_core::change::{Change, Room};
use neerc_core::command::{Command, Manner, Named, WholeTask};
use neerc_core::people::{Affiliation, GroupBook, People, Person, Standing};
use neerc_core::task::{Kind, Progress, Status, Title};
use neerc_store::record::{read_boards, read_change, write_boards, write_change};

/// Checks one input.
pub fn check(data: &[u8]) {
    let mut boards = Boards::from([(Room::from("neerc"), Board::default())]);
    for line in data.split(|byte| *byte == b'\n').take(50) {
        match read_change(line) {
            Ok(change) => {
                again(&change);
                if let Some(board) = boards.values_mut().next() {
                    board.apply(board.revision().saturating_add(1), &change);
                }
            }
            Err(error) => assert_ne!(error.to_string(), ""),
        }
        match read_boards(line) {
            Ok(read) => boards = read,
            Err(error) => assert_ne!(error.to_string(), ""),
        }
    }
    kept(&boards);
    for board in boards.values_mut() {
        used(board);
    }
    kept(&boards);
}

/// A change is written as what it was read from says.
fn again(change: &Change) {
    let written = write_change(change).expect("what was read can be written");
    let read = read_change(written.as_bytes()).expect("what was written can be read");
    assert_eq!(read, *change, "{written}");
    assert_eq!(write_change(&read).expect("the same again"), written);
}

/// Boards come out of a snapshot as they went in.
fn kept(boards: &Boards) {
    let written = write_boards(boards).expect("boards can be written");
    let read = read_boards(written.as_bytes()).expect("what was written can be read");
    assert_eq!(read, *boards, "{written}");
}

/// The board takes what a room's admin and its halls may say.
fn used(board: &mut Board) {
    let standing = |name, affiliation| Standing { person: Person::named(name, "localhost"), affiliation };
    let standings = [standing("admin", Affiliation::Owner), standing("hall1", Affiliation::Member)];
    let people = People::build("localhost", "neerc", standings, Default::default(), &GroupBook::default());
    let (admin, hall) = (Person::named("admin", "localhost"), Person::named("hall1", "localhost"));
    let say = |board: &mut Board, who, command: &Command| {
        let Ok(decision) = board.decide(1_700_000_000_000, who, &people, command) else { return };
        let Some(change) = decision.change else { return };
        again(&change);
        board.apply(board.revision().saturating_add(1), &change);
    };
    let title = Title::parse("Water").expect("a title");
    let statuses = vec![Named { name: "hall1".to_owned(), status: Status::NONE }];
    say(board, &admin, &Command::Create(WholeTask { title, kind: Kind::Todo, statuses, manner: Manner::Replacing }));
    let status = Status::new(Progress::Fail, "dry").expect("a status");
    let tasks: Vec<_> = board.tasks().map(|task| task.id).take(3).collect();
    for task in tasks {
        say(board, &hall, &Command::Answer { task, status: status.clone() });
        say(board, &admin, &Command::Reset { task, names: vec!["hall1".to_owned()] });
        say(board, &admin, &Command::Remove { task });
    }
}
