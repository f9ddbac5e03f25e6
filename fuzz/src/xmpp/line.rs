//! Lines of chat on a small board: no panic; a refusal says something; and every line that is proposed in answer to one
//! that is not clear can be sent as it is: it is read without asking again, as what it was proposed for.
//!
//! The first byte of the input chooses who writes; the rest is the text.

use neerc_core::board::Board;
use neerc_core::change::{Change, Room};
use neerc_core::face::line::{self, Filled, LineQuestion, Meaning, TaskLine, Unclear};
use neerc_core::face::menu::Request;
use neerc_core::moment::When;
use neerc_core::people::{Affiliation, GroupBook, GroupRule, People, Person, Standing, fold};
use neerc_core::task::{Kind, Progress, Status, TaskId, Title};
use neerc_core::view::{RoomScene, View, Visibility};
use std::sync::OnceLock;

const HOST: &str = "localhost";
const WRITERS: [&str; 5] = ["admin", "hall1", "hall2", "зал1", "stranger"];

/// A room with its people and three tasks.
struct Scene {
    people: People,
    board: Board,
}

/// Checks one input.
pub fn check(data: &[u8]) {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    let Scene { people, board } = SCENE.get_or_init(scene);
    let [first, text @ ..] = data else { return };
    let text = String::from_utf8_lossy(text);
    let who = Person::named(WRITERS[usize::from(*first) % WRITERS.len()], HOST);
    let _ = line::is_addressed(&text);
    let (room, visibility) = (&Room::from("neerc"), Visibility::All);
    let scene = RoomScene {
        room,
        people,
        board,
        clock: None,
        visibility,
        now: None,
        checklists: &[],
        trail: None,
        entrance: neerc_core::doors::Entrance::closed(),
    };
    let Ok(writer) = &View::of(scene, &who) else { return assert_eq!(who.name(HOST), "stranger") };
    for read in line::read(&text, writer) {
        assert!(text.contains(read.line));
        match read.asked {
            Ok(asked) => {
                nothing_is_ignored(read.line, &asked, people);
                built(&asked, writer);
            }
            Err(Unclear::Refused(refusal)) => assert_ne!(refusal.to_string(), ""),
            Err(Unclear::Question(question)) => asked_back(&question, writer),
        }
    }
}

/// hall1 has tasks 1 to 3, hall2 has one open task and has answered another.
fn scene() -> Scene {
    let names = [
        ("admin", Affiliation::Owner),
        ("hall1", Affiliation::Member),
        ("hall2", Affiliation::Member),
        ("hall-1", Affiliation::Member),
        ("зал1", Affiliation::Member),
    ];
    let standings = names.map(|(name, affiliation)| Standing { person: Person::named(name, HOST), affiliation });
    let rule = |group: &str, pattern: &str| GroupRule { group: group.into(), patterns: vec![pattern.to_owned()] };
    let rules = vec![rule("Halls", "hall?"), rule("Верхний \"этаж\", левый", "зал*")];
    let nicks = [("Ivan, the \"1st\"".to_owned(), Person::named("hall1", HOST))].into_iter().collect();
    let people = People::build(HOST, "neerc", standings, nicks, &GroupBook { rules, ..GroupBook::default() });
    let mut board = Board::default();
    let of = |name: &str, progress| (Person::named(name, HOST), Status::new(progress, "").unwrap());
    let tasks = [
        vec![of("hall1", Progress::None), of("зал1", Progress::None)],
        vec![of("hall1", Progress::None), of("hall2", Progress::Success)],
        vec![of("hall1", Progress::Running), of("hall2", Progress::Running)],
    ];
    for (id, statuses) in (1..).zip(tasks) {
        let title = Title::parse("Раздать \"воду\" 2").unwrap();
        let (task, kind, timestamp_ms) = (TaskId(id), Kind::Todo, 1_000);
        board.apply(id, &Change::Created { task, title, kind, timestamp_ms, statuses, plan: None, deadline: None });
    }
    Scene { people, board }
}

/// What is asked can be made a request of, or refused in words; and the request can be decided.
fn built(asked: &Filled, writer: &View<'_>) {
    let RoomScene { people, board, .. } = writer.scene();
    match asked.build() {
        Err(refusal) => assert_ne!(refusal.to_string(), ""),
        Ok(Request::Query(_) | Request::Help(_) | Request::Begin(_) | Request::Login(_)) => {}
        Ok(Request::Command(command)) => match board.decide(2_000, writer.who(), people, &command) {
            Err(refusal) => assert_ne!(refusal.to_string(), ""),
            Ok(decision) => {
                let Some(change) = decision.change else { return };
                let mut after = board.clone();
                after.apply(4, &change);
                assert_ne!(after, *board, "a change that changes nothing");
            }
        },
    }
}

/// A line that changes something has no number and no name in it that went unheard: each is in some field; and where a
/// name or a moment would be heard, the title begins with neither, unless it was set apart.
fn nothing_is_ignored(line: &str, asked: &Filled, people: &People) {
    if !matches!(asked.build(), Ok(Request::Command(_))) {
        return;
    }
    let line = &line::clean(line);
    let values: Vec<&str> = asked.values.iter().flat_map(|(_, values)| values).map(String::as_str).collect();
    let heard = fold(&values.join(" "));
    let digits = |text: &str| {
        let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
        numbers.map(str::to_owned).collect::<Vec<_>>()
    };
    let numbers = digits(&heard);
    let value = |var| asked.values.iter().find(|(name, _)| *name == var).and_then(|(_, values)| values.first());
    // Of moments it is heard what they are: `in 1:20` is `in 80m`.
    let is_timed = value("schedule").is_some() || value("deadline").is_some();
    for number in digits(line).into_iter().filter(|_| !is_timed) {
        assert!(numbers.contains(&number), "{number} was not heard in {line:?}: {asked:?}");
    }
    let is_name = |word: &str| people.user(word).is_some() || !people.group(word).is_empty();
    let parted = |c: char| c.is_whitespace() || matches!(c, ',' | ':');
    for word in line.split(parted).filter(|word| is_name(word)) {
        assert!(heard.contains(&fold(word)), "{word} was not heard in {line:?}: {asked:?}");
    }
    let Some(title) = value("title").filter(|_| value("kind").is_some() && value("schedule").is_none()) else { return };
    let set_apart = line.contains(['"', '«', '“', '„', '”', ':', '：', '‹', '「', '＂']);
    let first = title.split(parted).next().unwrap_or("");
    assert!(set_apart || !is_name(first), "{first} is a name in {line:?}: {asked:?}");
    let is_moment = !matches!(When::parse(first), Ok(None | Some(When::Within { .. })));
    assert!(set_apart || !is_moment, "{first} is a moment in {line:?}: {asked:?}");
}

/// Whatever is proposed is read without asking again.
fn asked_back(question: &LineQuestion, writer: &View<'_>) {
    assert!(LineQuestion::KEYS.contains(&question.key()) && !question.args().is_empty());
    let proposals = question.proposals();
    assert!(!proposals.is_empty(), "nothing is proposed: {question:?}");
    for (nth, proposal) in proposals.iter().enumerate() {
        let read = line::read(&proposal.line, writer);
        assert_eq!(read.len(), 1, "not one line: {proposal:?}");
        let asked = read.into_iter().next().unwrap().asked;
        let asked = asked.unwrap_or_else(|unclear| panic!("{unclear:?} is said of {proposal:?}"));
        assert!(!proposals[..nth].iter().any(|other| other.line == proposal.line), "proposed twice: {proposals:?}");
        if let Some(line) = proposed(question, &proposal.meaning) {
            assert_eq!(asked, Filled::from(line.clone()), "{proposal:?} is read as something else");
        }
        if let Meaning::Task(id, _) = &proposal.meaning {
            assert_eq!(asked.values.first(), Some(&("task", vec![id.to_string()])), "{proposal:?}");
        }
        built(&asked, writer);
    }
}

/// The line that is proposed for a reading.
fn proposed<'q>(question: &'q LineQuestion, reading: &Meaning) -> Option<&'q TaskLine> {
    match (question, reading) {
        (LineQuestion::NobodyCalled { people, .. }, Meaning::People) => people.as_ref(),
        (LineQuestion::PeopleInTitle { people, .. }, Meaning::People) => Some(people),
        (LineQuestion::BareSchedule { schedule, .. }, Meaning::Schedule) => Some(schedule),
        (
            LineQuestion::NobodyCalled { title, .. }
            | LineQuestion::OnlyPeople { title, .. }
            | LineQuestion::OnlySchedule { title, .. }
            | LineQuestion::BareSchedule { title, .. }
            | LineQuestion::PeopleInTitle { title, .. }
            | LineQuestion::NoMoment { title, .. },
            Meaning::Title,
        ) => Some(title),
        _ => None,
    }
}
