use super::*;
use neerc_core::face::help::Topic;
use neerc_core::face::line::{LineQuestion, Meaning};
use neerc_core::face::menu::{Act, FieldKind, MENU, Needs};
use neerc_core::refusal::Refusal;
use neerc_core::task::{Kind, Progress, TaskId, Title};
use std::collections::{BTreeMap, BTreeSet};

fn is_key(line: &str) -> bool {
    line.starts_with(|c: char| c.is_ascii_lowercase()) && line.contains(" =")
}

/// The keys of a file, each with the names of its blanks.
fn keys(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys = BTreeMap::new();
    let mut blanks = &mut BTreeSet::new();
    for line in source(language).lines().filter(|line| !line.starts_with('#')) {
        if let Some((key, _)) = line.split_once(" =").filter(|_| is_key(line)) {
            blanks = keys.entry(key.to_owned()).or_insert_with(BTreeSet::new);
        }
        for blank in line.split('$').skip(1) {
            blanks.insert(blank.chars().take_while(char::is_ascii_alphabetic).collect());
        }
    }
    keys
}

fn count(language: Language, key: &str, count: i64) -> String {
    Files.say(language, key, &[("count", Arg::Number(count))])
}

#[test]
fn the_files_are_well_formed_and_have_the_same_keys_and_blanks() {
    for language in Language::ALL {
        let resource = FluentResource::try_new(source(language).to_owned());
        resource.map_err(|(_, errors)| errors).unwrap();
        let (keys, given) = (keys(language), source(language).lines().filter(|line| is_key(line)).count());
        assert_eq!(keys.len(), given, "a key is given twice");
        assert!(keys.keys().all(|key| bundle(language).0.has_message(key)));
    }
    assert_eq!(keys(Language::English), keys(Language::Russian));
    assert!(keys(Language::English)["greeting"].contains("room"));
}

#[test]
fn everything_the_core_names_has_words() {
    let refusals = Refusal::examples();
    let many = ["names", "lines", "tasks in the room", "people assigned to a task", "planned tasks"];
    let whats = many.iter().chain(&["title", "value"]).map(|what| what.replace(' ', "-"));
    let items = MENU.iter().flat_map(|item| [format!("item-{}", item.verb), format!("item-{}-help", item.verb)]);
    let fields = MENU.iter().flat_map(|item| item.fields).map(|field| format!("field-{}", field.var));
    let kinds = ["todo", "todofail", "confirm", "okfail", "question"].map(|name| Kind::parse(name).unwrap());
    let used = items
        .chain(fields)
        .chain(["tasks", "links", "help"].map(|verb| format!("form-{verb}")))
        .chain(refusals.iter().map(|refusal| format!("refusal-{}", refusal.key())))
        .chain(LineQuestion::KEYS.iter().map(|key| format!("question-{key}")))
        .chain(Meaning::KEYS.iter().map(|key| format!("reading-{key}")))
        .chain(Progress::ALL.iter().map(|progress| format!("status-{}", progress.name())))
        .chain(kinds.iter().flat_map(|kind| [format!("kind-{}", kind.name()), format!("reply-{}", kind.name())]))
        .chain(kinds.iter().map(|kind| format!("example-{}", kind.name())))
        .chain(Topic::KEYS.iter().map(|key| format!("help-{key}")))
        .chain(["task", "plan", "names", "title", "new-title", "kind", "text"].map(|field| format!("lacks-{field}")))
        .chain(whats.map(|what| format!("what-{what}")));
    let used: BTreeSet<String> = used.collect();
    for language in Language::ALL {
        let keys = keys(language);
        let missing: Vec<_> = used.iter().filter(|key| !keys.contains_key(*key)).collect();
        assert!(missing.is_empty(), "{language:?} lacks {missing:?}");
    }
}

#[test]
fn every_text_can_be_said_with_all_of_its_blanks() {
    for language in Language::ALL {
        for (key, blanks) in keys(language) {
            let number = |blank: &str| ["count", "total", "chars", "limit"].contains(&blank);
            let args: Vec<_> = blanks
                .iter()
                .map(|blank| (&**blank, if number(blank) { Arg::Number(5) } else { Arg::Text("X") }))
                .collect();
            let said = Files.say(language, &key, &args);
            assert!((said != key || key == "nobody") && !said.contains(['{', '}', '$', '\u{2068}']), "{key}: {said}");
        }
    }
}

#[test]
fn every_refusal_is_said_whole() {
    for language in Language::ALL {
        for example in Refusal::examples() {
            let said = Files.refusal(language, &example);
            assert!(!said.contains(['{', '$']) && !said.starts_with("refusal-"), "{said}");
        }
    }
    let told = |refused: Refusal| Language::ALL.map(|language| Files.refusal(language, &refused)).join(" | ");
    assert_eq!(
        told(Refusal::TooLong { what: "title", chars: 1001, limit: 1000 }),
        "Title too long: 1001 characters, at most 1000 are allowed. | \
         Название: слишком длинно, 1001 символ; можно не больше 1000."
    );
    assert_eq!(
        told(Refusal::TooMany { what: "people assigned to a task", limit: 10_000 }),
        "Too many people for one task: at most 10000 are allowed. | \
         Слишком много людей на одну задачу: можно не больше 10000."
    );
    assert_eq!(
        told(Refusal::UnknownVerb { verb: "doen".into(), nearest: Some("done") }),
        "I do not know \"doen\". Did you mean \"done\"? | Не знаю, что такое «doen». Может быть, «done»?"
    );
    assert_eq!(told(Refusal::MissingField { field: "names" }), "For whom: please fill in. | Кому: нужно заполнить.");
}

#[test]
fn counts_agree_with_their_words() {
    let russian = [0, 1, 2, 5, 11, 21, 22, 112].map(|n| count(Language::Russian, "count-tasks", n));
    assert_eq!(
        russian,
        ["0 задач", "1 задача", "2 задачи", "5 задач", "11 задач", "21 задача", "22 задачи", "112 задач"]
    );
    let english = [0, 1, 2, 11, 21].map(|n| count(Language::English, "count-tasks", n));
    assert_eq!(english, ["0 tasks", "1 task", "2 tasks", "11 tasks", "21 tasks"]);
    assert_eq!(count(Language::English, "and-more", 20), "and 20 more");
    assert_eq!(count(Language::Russian, "and-more", 20), "и ещё 20");
    assert_eq!(
        count(Language::Russian, "greeting-open", 21),
        "У вас 21 открытая задача. Напишите «задачи», чтобы её увидеть."
    );
    let created = |language, n| {
        Files.say(
            language,
            "said-created",
            &[("task", Arg::Text("3")), ("title", Arg::Text("x")), ("count", Arg::Number(n))],
        )
    };
    assert_eq!(created(Language::English, 0), "Task 3 is handed out to nobody yet: x");
    assert_eq!(created(Language::Russian, 0), "Задача 3 создана, пока никому не назначена: x");
    assert_eq!(created(Language::Russian, 3), "Задача 3 роздана, её получили 3 человека: x");
}

#[test]
fn a_question_is_said_with_its_readings() {
    let title = |text: &str| Title::parse(text).unwrap();
    let open = vec![(TaskId(3), title("Вода")), (TaskId(5), title("Бумага"))];
    let asked = LineQuestion::WhichTask { verb: "готово".into(), text: String::new(), open };
    assert_eq!(
        Files.question(Language::Russian, &asked),
        "О какой из ваших задач речь? Их 2.\nготово 3 — задача 3: Вода\nготово 5 — задача 5: Бумага"
    );
    let asked = LineQuestion::NumberOrText { verb: "answer".into(), task: TaskId(3), text: "42".into() };
    let said = Files.question(Language::English, &asked);
    assert_eq!(said, "Is \"42\" your answer? Then write:\nanswer 3 42 — as the answer");
}

#[test]
fn what_is_missing_is_no_disaster() {
    for language in Language::ALL {
        assert_eq!(Files.say(language, "no-such-key", &[]), "no-such-key");
        assert_eq!(Files.say(language, "", &[]), "");
        assert!(Files.say(language, "greeting", &[]).contains("{$name}"));
        assert_eq!(Files.named(language, "what", "the attribute 'id'".into()), "the attribute 'id'");
    }
    let odd = Files.say(Language::English, "task-removed", &[("task", Arg::Text("{ $x } \u{202e}"))]);
    assert_eq!(odd, "Task { $x } \u{202e} was removed.");
}

#[test]
fn the_form_of_tasks_told_what_to_write_in_the_chat() {
    for language in Language::ALL {
        let forms: Vec<String> = keys(language).into_keys().filter(|key| key.starts_with("form-")).collect();
        assert_eq!(forms, ["form-help", "form-links", "form-tasks"]);
        for key in forms {
            let (help, form) = (format!("item-{}-help", &key[5..]), Files.say(language, &key, &[]));
            let line = |said: &str| said.contains(['"', '«', ':']);
            assert!(line(&Files.say(language, &help, &[])) && !line(&form), "{form}");
        }
    }
}

#[test]
fn help_fits_a_phone_and_shows_every_command() {
    for language in Language::ALL {
        let of = |key: &str| Files.say(language, key, &[]);
        let (user, all) = (of("help-user"), format!("{}\n{}", of("help-user"), of("help-admin")));
        assert!(user.lines().count() <= 8 && all.lines().count() <= 13, "{all}");
        assert!(all.lines().all(|line| line.chars().count() <= 64), "{all}");
        let web = format!("{}\n{}", of("help-web-user"), of("help-web-admin"));
        assert!(web.lines().count() <= 3 && web.lines().all(|line| line.chars().count() <= 64), "{web}");
        for item in &MENU {
            let all = if item.is_of_web() { &web } else { &all };
            let verb = match language {
                _ if item.act == Act::Create => "@",
                Language::English => item.verb,
                Language::Russian => item.russian[0],
            };
            assert!(all.contains(verb), "{verb} is missing:\n{all}");
        }
    }
}

#[test]
fn answers_are_called_by_what_was_asked() {
    let told = |kind: &str, progress| {
        Language::ALL.map(|language| Files.answer(language, Kind::parse(kind).unwrap(), progress)).join(" | ")
    };
    for (kind, progress, expected) in [
        ("todo", Progress::Success, "done | готово"),
        ("todo", Progress::Running, "in progress | в работе"),
        ("todofail", Progress::Fail, "could not do it | не получилось"),
        ("confirm", Progress::Success, "read | прочитано"),
        ("okfail", Progress::Success, "yes | да"),
        ("okfail", Progress::Fail, "no | нет"),
        ("okfail", Progress::None, "no answer | нет ответа"),
        ("question", Progress::Success, "answered | ответ получен"),
    ] {
        assert_eq!(told(kind, progress), expected, "{kind}");
    }
}

/// Names of types, statuses, moments and people, which are written so in every language.
const ENGLISH_IN_RUSSIAN: [&str; 19] = [
    "todo",
    "todofail",
    "confirm",
    "okfail",
    "question",
    "none",
    "running",
    "success",
    "fail",
    "acknowledged",
    "start",
    "end",
    "halls",
    "hall",
    "admin",
    "Admins",
    "Users",
    "undo",
    "XMPP",
];

#[test]
fn no_english_is_left_in_the_russian_words() {
    for (key, blanks) in keys(Language::Russian) {
        let args: Vec<_> = blanks.iter().map(|blank| (&**blank, Arg::Number(5))).collect();
        let said = Files.say(Language::Russian, &key, &args);
        let words = said.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 1);
        let foreign: Vec<_> = words.filter(|word| !ENGLISH_IN_RUSSIAN.contains(word)).collect();
        assert!(foreign.is_empty(), "{key}: {foreign:?} in {said}");
    }
}

/// The table of all lines, as the README shows it.
fn table_of_lines() -> String {
    let mut table = String::from("| line | the same in Russian | who | what it does |\n|---|---|---|---|\n");
    for item in &MENU {
        let line = |verb: &str, language| match item.act {
            Act::Create => format!(
                "@{}",
                if verb == item.verb {
                    "todo halls Bring water"
                } else {
                    "задача halls Принести воду"
                }
            ),
            Act::SetClock => String::from(if verb == item.verb { "clock pause" } else { "часы пауза" }),
            _ => {
                let fields = item.fields.iter().filter(|field| {
                    !matches!(field.kind, FieldKind::User | FieldKind::Owner | FieldKind::Confirmation)
                });
                fields.fold(verb.to_owned(), |line, field| format!("{line} {}", example(field.kind, language)))
            }
        };
        let others = |words: &[&str]| words.iter().map(|word| format!(", {word}")).collect::<String>();
        let who = if item.needs == Needs::Admin { "jury" } else { "all" };
        let help = Files.say(Language::English, &format!("item-{}-help", item.verb), &[]);
        let [english, russian] = [line(item.verb, Language::English), line(item.russian[0], Language::Russian)];
        table += &format!(
            "| `{english}`{} | `{russian}`{} | {who} | {help} |\n",
            others(item.english),
            others(&item.russian[1..])
        );
    }
    table
}

fn example(kind: FieldKind, language: Language) -> &'static str {
    let of = |english, russian| if language == Language::Russian { russian } else { english };
    match kind {
        FieldKind::OwnOpenTask | FieldKind::OwnAnsweredTask | FieldKind::Task => "3",
        FieldKind::RemovedTask | FieldKind::Watched => "3",
        FieldKind::Names | FieldKind::Assigned => "hall1",
        FieldKind::Text => of("why", "почему"),
        FieldKind::Title => of("New title", "Новое название"),
        FieldKind::Plan => "s1",
        FieldKind::Verb => of("done", "готово"),
        FieldKind::LinksWish => of("off", "выкл"),
        FieldKind::Code => "482193",
        FieldKind::Session => of("all", "везде"),
        FieldKind::TokenScope => of("display", "экран"),
        FieldKind::Token => "k1",
        FieldKind::Schedule => "end-60",
        FieldKind::Checklist | FieldKind::Running => "seating",
        FieldKind::Deadline => "20m",
        _ => "…",
    }
}

/// With `NEERC_WRITE=1` it writes the table instead.
#[test]
fn the_readme_has_a_table_of_all_lines() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once("<!-- all lines -->\n").expect("where the table begins");
    let (table, after) = rest.split_once("<!-- end of all lines -->\n").expect("where it ends");
    let made = table_of_lines();
    if std::env::var_os("NEERC_WRITE").is_some() {
        let marked = format!("{before}<!-- all lines -->\n{made}<!-- end of all lines -->\n{after}");
        return std::fs::write(path, marked).unwrap();
    }
    assert_eq!(table, made, "NEERC_WRITE=1 cargo test -p neerc --lib the_readme_has writes it anew");
}

#[test]
fn the_reference_has_every_line() {
    let head = "# Lines\n\nWhat can be written to the service by chat, in the language of whoever writes; words with commas between them \
                mean the same. Who is jury, may do what halls may.\n\n";
    crate::book::holds("reference/lines.md", &format!("{head}{}", table_of_lines()));
}
