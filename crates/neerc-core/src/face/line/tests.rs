//! Lines and what they come to: those of the deployed grammar, the verbs of both languages, and what is asked back.

use super::*;
use crate::board::Board;
use crate::change::Change;
use crate::command::{Command, NewPlan, Query, WholeTask};
use crate::doors::Entrance;
use crate::face::help::Topic;
use crate::people::{Affiliation, GroupBook, GroupRule, People, Person, Standing};
use crate::plan::Timing;
use crate::task::{Progress, Status, TaskId, Title};
use crate::view::{RoomScene, Visibility};
use proptest::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

const HOST: &str = "localhost";

/// There is a web side.
fn entrance() -> &'static Entrance {
    static OPEN: OnceLock<Entrance> = OnceLock::new();
    OPEN.get_or_init(|| Entrance { url: Some("https://board.example.org".into()), codes: Vec::new() })
}

/// admin is an admin; hall1 to hall3 (the group Halls), hall-1, зал1 (in the group "Верхний этаж") are members.
/// Ivan is the nick of hall1.
fn people() -> &'static People {
    static PEOPLE: OnceLock<People> = OnceLock::new();
    PEOPLE.get_or_init(new_people)
}

fn new_people() -> People {
    let members = ["hall1", "hall2", "hall3", "hall-1", "зал1"].map(|name| (name, Affiliation::Member));
    let standings = members.into_iter().chain([("admin", Affiliation::Admin)]);
    let standings = standings.map(|(name, affiliation)| Standing { person: Person::named(name, HOST), affiliation });
    let rule = |group: &str, pattern: &str| GroupRule { group: group.into(), patterns: vec![pattern.into()] };
    let book = GroupBook {
        rules: vec![rule("Halls", "hall?"), rule("Верхний этаж", "зал*")], ..GroupBook::default()
    };
    let nicks = HashMap::from([("Ivan".to_owned(), Person::named("hall1", HOST))]);
    People::build(HOST, "neerc", standings, nicks, &book)
}

/// Tasks 1 to 3: hall1 has all of them, hall2 has answered 2 and not 3, hall3 has answered 1.
fn board() -> &'static Board {
    static BOARD: OnceLock<Board> = OnceLock::new();
    BOARD.get_or_init(new_board)
}

fn new_board() -> Board {
    let of = |name: &str, progress| (Person::named(name, HOST), Status::new(progress, "").unwrap());
    let tasks = [
        vec![of("hall1", Progress::None), of("hall3", Progress::Success)],
        vec![of("hall1", Progress::None), of("hall2", Progress::Success)],
        vec![of("hall1", Progress::Running), of("hall2", Progress::Running)],
    ];
    let mut board = Board::default();
    for (n, statuses) in (1..).zip(tasks) {
        let (title, timestamp_ms) = (Title::parse(&format!("Task {n}")).unwrap(), 1000 - n as i64);
        let task = TaskId(n);
        let created =
            Change::Created { task, title, kind: Kind::Todo, timestamp_ms, statuses, plan: None, deadline: None };
        board.apply(n, &created);
    }
    board
}

fn reads<'t>(who: &str, text: &'t str) -> Result<Vec<Read<'t>>, Refusal> {
    let (who, people, board) = (Person::named(who, HOST), people(), board());
    let (room, visibility) = (&"neerc".into(), Visibility::All);
    let view = View::of(
        RoomScene {
            room,
            people,
            board,
            clock: None,
            visibility,
            now: None,
            checklists: &[],
            trail: None,
            entrance: entrance(),
        },
        &who,
    )?;
    Ok(read(text, &view))
}

fn read_as<'t>(who: &str, text: &'t str) -> Vec<Read<'t>> {
    reads(who, text).unwrap()
}

fn one(who: &str, line: &str) -> Result<Filled, Unclear> {
    let mut read = reads(who, line)?;
    assert_eq!(read.len(), 1, "{line}");
    read.remove(0).asked
}

/// What a line comes to, in one line: the request, the refusal, or the question with its proposals.
fn told(who: &str, line: &str) -> String {
    match one(who, line).and_then(|asked| Ok(asked.build()?)) {
        Ok(request) => show(&request),
        Err(Unclear::Refused(refusal)) => format!("no: {refusal}"),
        Err(Unclear::Question(question)) => {
            let proposals = question.proposals();
            let proposals = proposals.iter().map(|p| format!("{} [{}]", p.meaning.key(), p.line));
            format!("{}? {}", question.key(), proposals.collect::<Vec<_>>().join(" "))
        }
    }
}

fn show(request: &Request) -> String {
    let command = match request {
        Request::Query(Query::Tasks { of }) => return format!("tasks of {}", of.as_deref().unwrap_or("all")),
        Request::Query(query) => return format!("{query:?}").to_lowercase(),
        Request::Help(Topic::Everything) => return "help".to_owned(),
        Request::Help(Topic::Row(item)) => return format!("help {}", item.verb),
        Request::Help(topic) => return format!("help {topic:?}").to_lowercase(),
        Request::Begin(name) => return format!("run {name}"),
        Request::Login(request) => return format!("login {} {:?}", request.code, request.confirmation),
        Request::Command(command) => command,
    };
    match command {
        Command::Create(WholeTask { title, kind, statuses, .. }) => {
            let names: Vec<_> = statuses.iter().map(|named| named.name.as_str()).collect();
            format!("{} for {names:?}: {}", kind.name(), title.as_str())
        }
        Command::Plan(NewPlan { title, kind, names, timing: schedule }) => {
            format!("{} for {names:?} at {schedule}: {}", kind.name(), title.as_str())
        }
        Command::CreateDue { wanted: WholeTask { title, kind, statuses, .. }, by } => {
            let names: Vec<_> = statuses.iter().map(|named| named.name.as_str()).collect();
            format!("{} for {names:?} by {by}: {}", kind.name(), title.as_str())
        }
        Command::SetDeadline { task, by } => {
            format!("{task} by {}", by.map_or_else(|| "no time".to_owned(), |by| by.to_string()))
        }
        Command::Answer { task, status } => format!("{task}: {status:?}"),
        Command::Assign { task, names } => format!("{task} to {names:?}"),
        Command::Unassign { task, names } => format!("{task} from {names:?}"),
        Command::Reset { task, names } => format!("{task} anew {names:?}"),
        Command::Rename { task, title } => format!("{task} is {title:?}"),
        Command::Remove { task } => format!("no {task}"),
        Command::Unplan { plan } => format!("no {plan}"),
        Command::Replan { plan, timing } => format!("{plan} at {timing}"),
        Command::Fulfil { plan, .. } => format!("now {plan}"),
        Command::Restore { task } => format!("restore {task}"),
        Command::Remind { task } => format!("remind {task}"),
        Command::Watch(wanted) => format!("watch {wanted:?}"),
        Command::Unwatch(wanted) => format!("unwatch {wanted:?}"),
        Command::Door(command) => format!("{command:?}"),
        Command::Links(wish) => format!("links {wish:?}").to_lowercase(),
        Command::Clock(act) => format!("clock {act:?}"),
        Command::Stop { name } => format!("stop {name}"),
        Command::Edit { .. }
        | Command::Amend { .. }
        | Command::SetStatus { .. }
        | Command::NoteOverdue { .. }
        | Command::NoteLapsed { .. }
        | Command::Begin(_) => panic!("no line asks this"),
    }
}

#[track_caller]
fn check(who: &str, table: &[(&str, &str)]) {
    let said: Vec<_> = table.iter().map(|(line, _)| format!("{line} => {}", told(who, line))).collect();
    let expected: Vec<_> = table.iter().map(|(line, told)| format!("{line} => {told}")).collect();
    assert_eq!(said.join("\n"), expected.join("\n"), "\n--- told:\n{}\n", said.join("\n"));
}

#[test]
fn lines_that_the_deployed_grammar_and_this_one_read_alike() {
    check(
        "admin",
        &[
            ("@todo halls end-60! Announce the freeze", r#"todo for ["halls"] at end-60!: Announce the freeze"#),
            ("@task hall1 Bring paper", r#"todo for ["hall1"]: Bring paper"#),
            ("@todofail hall1,hall2 Fix it", r#"todofail for ["hall1", "hall2"]: Fix it"#),
            ("@confirm HALLS Are you here?", r#"confirm for ["HALLS"]: Are you here?"#),
            ("@ok hall2 Ready", r#"confirm for ["hall2"]: Ready"#),
            ("@okfail halls,admin Network", r#"okfail for ["halls", "admin"]: Network"#),
            ("@reason hall3 Network", r#"okfail for ["hall3"]: Network"#),
            ("@question hall1 How many?", r#"question for ["hall1"]: How many?"#),
            ("@q hall1 How many?", r#"question for ["hall1"]: How many?"#),
            ("@todo halls start Begin", r#"todo for ["halls"] at start+0: Begin"#),
            ("@todo halls start-15! text", r#"todo for ["halls"] at start-15!: text"#),
            ("@todo halls end+5 Go home", r#"todo for ["halls"] at end+5: Go home"#),
            ("@todo start+5 x", r#"todo for [] at start+5: x"#),
            ("@confirm end! x", r#"confirm for [] at end+0!: x"#),
            ("@todo halls end-60 start-5 x", r#"todo for ["halls"] at end-60: start-5 x"#),
            ("@todo Announce", r#"todo for []: Announce"#),
            ("@todo Раздать воду", r#"todo for []: Раздать воду"#),
            ("@todo it's late", r#"todo for []: it's late"#),
        ],
    );
}

#[test]
fn whose_tasks_and_which_answer_are_meant() {
    check(
        "hall1",
        &[
            ("tasks", "tasks of hall1"),
            ("tasks all", "tasks of all"),
            ("задачи ВСЕ", "tasks of all"),
            ("задачи всё", "tasks of all"),
            ("tasks mine", "tasks of hall1"),
            ("tasks hall2", "tasks of hall2"),
        ],
    );
    // Nothing is left to be done, and nothing was said that could be undone.
    let (open, answered) = (Refusal::NoOpenTask, Refusal::MissingField { field: "task" });
    check("hall-1", &[("done", &format!("no: {open}")), ("undo", &format!("no: {answered}"))]);
}

#[test]
fn names_titles_and_moments_that_are_easily_confused() {
    check(
        "admin",
        &[
            ("@todo hall1, bring paper", r#"todo for ["hall1"]: bring paper"#),
            ("@todo “hall1 is closed”", "todo for []: hall1 is closed"),
            ("@todo foo_bar do it", r#"nobody-called? title [@todo "foo_bar do it"]"#),
            ("@todo start do it", r#"bare-schedule? title [@todo "start do it"] schedule [@todo start+0 "do it"]"#),
        ],
    );
    let line = TaskLine {
        kind: Kind::Todo,
        assignees: vec!["a,b".into(), "c".into()],
        timing: None,
        deadline: None,
        title: "T".into(),
    };
    assert_eq!(line.to_string(), r#"@todo "a,b",c: T"#);
}

#[test]
fn as_many_names_as_a_line_may_hold() {
    const MOST: usize = limits::NAMES_PER_LINE;
    let too_many = format!("no: {}", Refusal::TooMany { what: "names", limit: MOST });
    for line in [
        |names: usize| format!("@todo {} x", vec!["hall1"; names].join(",")),
        |names: usize| format!("assign 1 {}", vec!["hall1"; names].join(" ")),
    ] {
        assert!(!told("admin", &line(MOST)).starts_with("no: "), "{}", line(MOST));
        assert_eq!(told("admin", &line(MOST + 1)), too_many);
    }
}

#[test]
fn what_the_words_of_a_question_are_about() {
    let about = |who: &str, line: &str| match one(who, line) {
        Err(Unclear::Question(question)) => {
            let args = question.args().into_iter().map(|(name, value)| format!("{name}={value}"));
            format!("{} {}", question.key(), args.collect::<Vec<_>>().join(" "))
        }
        other => panic!("{line}: {other:?}"),
    };
    for (who, line, expected) in [
        ("admin", "@todo hal1,hall9 x", "nobody-called names=hal1, hall9 count=2"),
        ("admin", "@todo hall1", "only-people names=hall1 count=1"),
        ("admin", "@todo end-60", "only-schedule word=end-60"),
        ("hall1", "done", "which-task verb=done count=3"),
    ] {
        assert_eq!(about(who, line), expected, "{line}");
    }
}

#[test]
fn lines_that_the_deployed_grammar_misread() {
    check(
        "admin",
        &[
            ("@todo just do it", r#"nobody-called? title [@todo "just do it"]"#),
            ("@todo hal1 do it", r#"nobody-called? people [@todo hall1: do it] title [@todo "hal1 do it"]"#),
            ("@todo hall1,hal2 x", r#"nobody-called? people [@todo hall1,hall2: x] title [@todo "hall1,hal2 x"]"#),
            ("@todo hall1,hall9 x", r#"nobody-called? people [@todo hall1: x] title [@todo "hall1,hall9 x"]"#),
            ("@todo hall9 end-60! x", r#"nobody-called? title [@todo "hall9 end-60! x"]"#),
            ("@todo hals end-60! x", r#"nobody-called? people [@todo Halls end-60! x] title [@todo "hals end-60! x"]"#),
            ("@todo start Begin", r#"bare-schedule? title [@todo "start Begin"] schedule [@todo start+0 "Begin"]"#),
            (
                "@todo End halls Begin",
                r#"bare-schedule? title [@todo "End halls Begin"] schedule [@todo halls end+0 Begin]"#,
            ),
            ("@todo halls", r#"only-people? title [@todo "halls"]"#),
            ("@todo hall1,hall2", r#"only-people? title [@todo "hall1,hall2"]"#),
            ("@todo hal1", r#"nobody-called? title [@todo "hal1"]"#),
            ("@todo start", r#"only-schedule? title [@todo "start"]"#),
            ("@todo end-60!", r#"only-schedule? title [@todo "end-60!"]"#),
            ("@todo halls start+5", r#"only-schedule? title [@todo halls: "start+5"]"#),
            (
                "@todo start+5 halls x",
                r#"people-in-title? people [@todo halls start+5 x] title [@todo start+5 "halls x"]"#,
            ),
            ("@todo start+5 halls", r#"only-people? title [@todo start+5 "halls"]"#),
            (
                "@todo hall1 hall2 is closed",
                r#"people-in-title? people [@todo hall1,hall2: is closed] title [@todo hall1: hall2 is closed]"#,
            ),
            ("@todo hall1, hall2 x", r#"people-in-title? people [@todo hall1,hall2: x] title [@todo hall1: hall2 x]"#),
            ("@todo hall1, hall2", r#"only-people? title [@todo "hall1, hall2"]"#),
            ("@todo hall-1 x", r#"todo for ["hall-1"]: x"#),
            ("@todo зал1 x", r#"todo for ["зал1"]: x"#),
            ("@todo зла1 x", r#"nobody-called? people [@todo зал1: x] title [@todo "зла1 x"]"#),
            ("@todo  halls   x", r#"todo for ["halls"]: x"#),
            ("@todo", "no: the field 'title' has to be filled in"),
            (
                "@todo halls start+99999 x",
                "no: 'start+99999' is no moment; write 10:30, in 20m, start+15 or end-60!, at most 10080 minutes",
            ),
            (
                "@todoo halls x",
                "no: there is no task type 'todoo'; allowed are todo, todofail, confirm, okfail, question",
            ),
        ],
    );
}

#[test]
fn names_and_titles_in_quotes_and_kinds_in_russian() {
    check(
        "admin",
        &[
            (r#"@todo "just do it""#, r#"todo for []: just do it"#),
            ("@todo «just «do» it»", r#"todo for []: just «do» it"#),
            ("@todo „halls“", r#"todo for []: halls"#),
            (r#"@todo "say ""hi"" now""#, r#"todo for []: say "hi" now"#),
            (r#"@todo "a" and "b""#, r#"todo for []: "a" and "b""#),
            (r#"@todo "Верхний этаж",hall1 Свет"#, r#"todo for ["Верхний этаж", "hall1"]: Свет"#),
            (r#"@todo «верхний этаж» конец−60! «Свет»"#, r#"todo for ["верхний этаж"] at end-60!: Свет"#),
            (r#"@todo halls "start+5 x""#, r#"todo for ["halls"]: start+5 x"#),
            (r#"@todo halls "unfinished"#, r#"todo for ["halls"]: "unfinished"#),
            ("@todo Ivan x", r#"todo for ["Ivan"]: x"#),
            (r#"@todo """#, "no: the field 'title' has to be filled in"),
            ("@Вопрос зал1 Сколько?", r#"question for ["зал1"]: Сколько?"#),
            ("create okfail halls x", r#"okfail for ["halls"]: x"#),
            ("создать подтверждение halls x", r#"confirm for ["halls"]: x"#),
            ("create", "no: the field 'kind' has to be filled in"),
        ],
    );
}

#[test]
fn what_users_say_of_their_tasks() {
    check(
        "hall2", // has one open task, 3
        &[
            ("start 3", r#"3: running """#),
            ("Done #3", r#"3: success """#),
            ("done", r#"3: success """#),
            ("Готово!", r#"3: success """#),
            ("ok 3", r#"3: success """#),
            ("да", r#"3: success """#),
            ("fail 3 no paper", r#"3: fail "no paper""#),
            ("fail 3", r#"3: fail """#),
            ("нет бумаги", r#"3: fail "бумаги""#),
            ("ошибка 3 нет бумаги", r#"3: fail "нет бумаги""#),
            ("answer 3 42", r#"3: success "42""#),
            ("ответ сорок два", r#"3: success "сорок два""#),
            ("answer 42", "number-or-text? text [answer 3 42]"),
            ("answer #3", "no: the field 'text' has to be filled in"),
            ("answer", "no: the field 'text' has to be filled in"),
            ("undo 2", r#"2: none """#),
            ("undo", "which-task? task [undo 3] task [undo 2]"),
            ("3 готово", r#"3: success """#),
            ("#3 fail no paper", r#"3: fail "no paper""#),
            ("done everything", "no: there is no task 'everything'"),
            ("done 3 4", "several-tasks? one-of [done 3] one-of [done 4]"),
            ("начал 3", r#"3: running """#),
            ("отмена 3", r#"3: none """#),
        ],
    );
    check("hall3", &[("done", "no: you have no open task"), ("undo", r#"1: none """#)]);
    check(
        "hall1",
        &[
            ("done", "which-task? task [done 3] task [done 2] task [done 1]"),
            ("fail no paper", "which-task? task [fail 3 no paper] task [fail 2 no paper] task [fail 1 no paper]"),
            ("answer 42", "no: the field 'text' has to be filled in"),
        ],
    );
}

/// A line of the table with `\u{...}` in the place of what cannot be seen.
fn unescaped(line: &str) -> String {
    let mut pieces = line.split("\\u{");
    let first = pieces.next().unwrap().to_owned();
    pieces.fold(first, |line, piece| {
        let (code, rest) = piece.split_once('}').unwrap();
        line + &char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap().to_string() + rest
    })
}

/// The lines of the table with their writers and what is expected of them.
fn table() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let mut writer = "";
    include_str!("lines.txt").lines().filter(|line| !line.is_empty() && !line.starts_with("# ")).filter_map(
        move |line| match line.strip_prefix("== ") {
            Some(who) => {
                writer = who;
                None
            }
            None => line.split_once(" => ").map(|(line, expected)| (writer, line, expected)),
        },
    )
}

#[test]
fn every_line_of_the_table_does_what_stands_there() {
    let said = |(who, line, _): (&str, &str, &str)| format!("{who}: {line} => {}", told(who, &unescaped(line)));
    let wrong: Vec<_> = table()
        .filter(|(who, line, expected)| said((who, line, "")) != format!("{who}: {line} => {expected}"))
        .map(said)
        .collect();
    assert_eq!(wrong, Vec::<String>::new(), "\n{}", wrong.join("\n"));
    let is_russian = |line: &str| line.contains(|c| ('\u{400}'..='\u{4ff}').contains(&c));
    let (russian, english): (Vec<_>, Vec<_>) = table().partition(|(_, line, _)| is_russian(line));
    assert!(english.len() >= 300 && russian.len() >= 300, "{} and {}", english.len(), russian.len());
}

#[test]
fn what_anybody_may_ask() {
    check(
        "hall1",
        &[
            ("tasks", "tasks of hall1"),
            ("задачи", "tasks of hall1"),
            ("tasks all", "tasks of all"),
            ("tasks hall2", "tasks of hall2"),
            ("WHO", "users"),
            ("кто", "users"),
            ("время", "clock"),
            ("help", "help"),
            ("?", "help"),
            ("помощь готово", "help done"),
            ("who are you", "no: 'are you' is more than this command takes"),
            ("@todo halls x", "no: only owners and admins of the room may do this"),
            ("late", "no: only owners and admins of the room may do this"),
            ("doen 3", "no: there is no command 'doen'; did you mean done?"),
            ("готов0", "no: there is no command 'готов0'; try help"),
            ("гтово 3", "no: there is no command 'гтово'; did you mean готово?"),
            ("hello", "no: there is no command 'hello'; did you mean help?"),
            ("good morning", "no: there is no command 'good'; try help"),
        ],
    );
    check("nobody", &[("tasks", "no: you are neither owner, admin nor member of this room")]);
}

#[test]
fn what_admins_may_say() {
    check(
        "admin",
        &[
            ("tasks", "tasks of all"),
            ("tasks my", "tasks of admin"),
            ("show 3", "show { task: taskid(3) }"),
            ("assign 3 hall1,hall2", r#"3 to ["hall1", "hall2"]"#),
            ("назначить 3 hall1, hall2 «Верхний этаж»", r#"3 to ["hall1", "hall2", "Верхний этаж"]"#),
            ("unassign 3 hall4", r#"3 from ["hall4"]"#),
            ("снять 3 hall4", r#"3 from ["hall4"]"#),
            ("reset #3 hall2", r#"3 anew ["hall2"]"#),
            ("rename 3 New title", r#"3 is "New title""#),
            ("переименовать 3 «Новое»", r#"3 is "Новое""#),
            ("remove 3", "no 3"),
            ("remove s3", "no s3"),
            ("unplan s3", "no s3"),
            ("now s3", "now s3"),
            ("late", "late"),
            ("ждём", "late"),
            ("план", "plans"),
            ("assign", "no: the field 'task' has to be filled in"),
            ("assign 3", "no: the field 'names' has to be filled in"),
            ("assign hall1 3", "no: there is no task 'hall1'"),
            ("rename 3", "no: the field 'title' has to be filled in"),
            ("remove 3 4", "several-tasks? one-of [remove 3] one-of [remove 4]"),
        ],
    );
}

#[test]
fn every_word_of_the_menu_is_understood() {
    for item in &menu::MENU {
        for word in item.words() {
            let asked = one("admin", &format!("{word} "));
            let row = asked.as_ref().is_ok_and(|asked| asked.item == item);
            let needs_more = matches!(
                asked,
                Err(Unclear::Refused(Refusal::NoOpenTask | Refusal::MissingField { .. })) | Err(Unclear::Question(_))
            );
            assert!(row || needs_more, "{word}: {asked:?}");
        }
    }
}

#[test]
fn each_line_is_read_on_its_own() {
    let read = read_as("admin", "@todo halls A\r\n\n  @todo just B \nlate");
    let lines: Vec<_> = read.iter().map(|read| (read.line, read.asked.is_ok())).collect();
    assert_eq!(lines, [("@todo halls A", true), ("@todo just B", false), ("late", true)]);
    let many = "late\n".repeat(limits::LINES_PER_TEXT * 2);
    let read = read_as("admin", &many);
    assert_eq!(read.iter().filter(|read| read.asked.is_ok()).count(), limits::LINES_PER_TEXT);
    assert!(matches!(read.last().unwrap().asked, Err(Unclear::Refused(Refusal::TooMany { what: "lines", .. }))));
    assert!(read_as("admin", " \n\n").is_empty());
}

#[test]
fn names_without_end_are_refused() {
    let many = "a,".repeat(1_000_000);
    for line in [format!("@todo {many} x"), format!("assign 3 {many}"), format!("@todo start+5 {many} x")] {
        let refused = Err(Unclear::Refused(Refusal::TooMany { what: "names", limit: limits::NAMES_PER_LINE }));
        assert_eq!(one("admin", &line), refused);
    }
}

#[test]
fn what_is_said_to_everybody_is_meant_for_the_service_if_it_makes_a_task() {
    for text in ["@todo halls x", " @Q hall1 x\nand more", "@вопрос x", "@todo"] {
        assert!(is_addressed(text), "{text}");
    }
    for text in ["", "@", "@hall1 come here", "todo x", "hello\n@todo x", "done 3", "/todo x"] {
        assert!(!is_addressed(text), "{text}");
    }
}

/// The questions that some line leads to.
fn questions(line: &str) -> Option<LineQuestion> {
    match one("admin", line) {
        Err(Unclear::Question(question)) => Some(*question),
        _ => None,
    }
}

fn asserts_its_proposals(who: &str, question: &LineQuestion) {
    for Proposal { meaning, line } in question.proposals() {
        let asked = one(who, &line).unwrap_or_else(|unclear| panic!("{line}: {unclear:?}"));
        let value = |var| asked.values.iter().find(|(name, _)| *name == var).map(|(_, values)| &values[..]);
        match &meaning {
            Meaning::People => assert!(value("names").is_some_and(|names| !names.is_empty()), "{line}"),
            Meaning::Schedule => assert!(value("schedule").is_some_and(|schedule| !schedule.is_empty()), "{line}"),
            Meaning::Title => {
                let title = match question {
                    LineQuestion::NobodyCalled { title, .. }
                    | LineQuestion::OnlyPeople { title, .. }
                    | LineQuestion::OnlySchedule { title, .. }
                    | LineQuestion::BareSchedule { title, .. }
                    | LineQuestion::PeopleInTitle { title, .. }
                    | LineQuestion::NoMoment { title, .. } => title,
                    LineQuestion::WhichTask { .. }
                    | LineQuestion::NumberOrText { .. }
                    | LineQuestion::SeveralTasks { .. }
                    | LineQuestion::LetIn { .. }
                    | LineQuestion::Trailing { .. } => panic!("{question:?}"),
                };
                assert_eq!(asked, title.clone().into(), "{line}");
            }
            Meaning::Task(id, _) => assert_eq!(value("task"), Some(&[id.to_string()][..]), "{line}"),
            Meaning::Text => {
                let text = value("text").or_else(|| value("title"));
                assert!(text.is_some_and(|text| !text[0].is_empty()), "{line}");
            }
            Meaning::OneOf(task) => assert_eq!(value("task"), Some(&[task.clone()][..]), "{line}"),
            Meaning::Alone | Meaning::LetIn => assert!(asked.build().is_ok(), "{line}"),
        }
    }
}

#[test]
fn every_question_is_asked_by_some_line_and_means_what_it_proposes() {
    let lines = [
        ("admin", "@todo hal1 do it"),
        ("admin", "@todo halls"),
        ("admin", "@todo start"),
        ("admin", "@todo start hall1 x"),
        ("admin", "@todo hall1, hall2 x"),
        ("hall1", "fail no paper"),
        ("hall2", "answer 42"),
        ("hall2", "answer 14:30"),
        ("hall2", "done 1 and 2"),
        ("hall2", "done 3 all of it"),
        ("admin", "@todo hall1 14.30 lunch"),
    ];
    let mut keys = BTreeSet::new();
    for (who, line) in lines {
        let Err(Unclear::Question(question)) = one(who, line) else { panic!("{line}") };
        assert!(!question.proposals().is_empty() && !question.args().is_empty());
        assert!(question.proposals().iter().all(|proposal| Meaning::KEYS.contains(&proposal.meaning.key())));
        asserts_its_proposals(who, &question);
        keys.insert(question.key());
    }
    keys.insert("let-in"); // it is asked once the code is looked up
    assert_eq!(keys, LineQuestion::KEYS.into(), "each question has its own key");
}

/// Texts that come close to lines.
fn lines() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "@todo",
        "@q",
        "@вопрос",
        "@",
        "halls",
        "hall1",
        "hal1",
        "hall1,hall2",
        "hall1,",
        ",",
        "hall1,foo",
        "foo,bar",
        "start",
        "end",
        "start+5",
        "end-60!",
        "end!",
        "конец-5",
        "just",
        "Раздать",
        "зал1",
        "зла1",
        "\"",
        "\"\"",
        "\"a b\"",
        "«",
        "»",
        "«Верхний этаж»",
        "\"Верхний",
        "этаж\",x",
        "„x“",
        "“",
        "done",
        "3",
        "#3",
        "s3",
        "answer",
        "нет",
        "undo",
        "tasks",
        "assign",
        "create",
        "todo",
        "rename",
        "?",
        "!",
        "İ",
        "\u{301}",
        "\u{a0}",
        "start+",
    ]);
    let words = prop::collection::vec(prop_oneof![6 => word.prop_map(str::to_owned), 1 => any::<String>()], 0..8);
    (words, prop::sample::select(vec![" ", "  ", "\t", "\n", ","])).prop_map(|(words, between)| words.join(between))
}

fn task_lines() -> impl Strategy<Value = TaskLine> {
    let name = prop::sample::select(vec!["hall1", "HALLS", "зал1", "Верхний этаж", "hall-1", "Ivan", "admin"]);
    let names = prop::collection::vec(name.prop_map(str::to_owned), 0..4);
    let schedule = prop::option::of(prop::sample::select(vec![
        "start+0",
        "start-15!",
        "end-60",
        "end+5!",
        "10:30",
        "9:05!",
        "in 20m",
        "in 90m!",
    ]));
    let title = prop_oneof![
        prop::sample::select(vec![
            "x",
            "just do it",
            "start",
            "start+5 x",
            "halls",
            "\"a\" b",
            "«a»",
            " x ",
            "a\"",
            "hall1, x",
            "\"",
            "„",
            "start+99999999 x",
            "10:30 x",
            "in 20m x",
            "через час x",
            ","
        ])
        .prop_map(str::to_owned),
        "[ -~а-я«»“”„]{1,20}",
    ];
    (names, schedule, title).prop_map(|(assignees, schedule, title)| TaskLine {
        deadline: None,
        kind: Kind::OkFail,
        assignees,
        timing: schedule.map(|schedule| Timing::required(schedule).unwrap()),
        title,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_and_every_proposal_reads_as_what_it_says(text in lines(), who in 0usize..4) {
        let who = ["admin", "hall1", "hall2", "hall3"][who]; // nobody else has a view to write from
        is_addressed(&text);
        for read in read_as(who, &text) {
            match read.asked {
                Ok(asked) => _ = asked.build(),
                Err(Unclear::Question(question)) => {
                    question.args();
                    asserts_its_proposals(who, &question);
                }
                Err(Unclear::Refused(_)) => {}
            }
        }
    }

    #[test]
    fn a_line_that_was_written_reads_as_itself(line in task_lines()) {
        prop_assert_eq!(one("admin", &line.to_string()), Ok(line.clone().into()), "{}", line);
        prop_assert_eq!(questions(&line.to_string()), None);
    }
}
