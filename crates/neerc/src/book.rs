//! The book in `doc/` says what the program does: its reference is made from the program, its lines can be written, its troubles
//! are those that are said. `NEERC_WRITE=1 cargo test -p neerc --lib -- the_reference` writes the reference anew.

use crate::config::KEYS;
use confique::meta::{Field, FieldKind, LeafKind};
use neerc_core::board::Board;
use neerc_core::checklist::{Checklist, ChecklistLine};
use neerc_core::doors::Entrance;
use neerc_core::face::line;
use neerc_core::people::{Affiliation, GroupBook, GroupRule, People, Person, Standing};
use neerc_core::view::{RoomScene, View, Visibility};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

fn doc() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../doc")
}

fn page(name: &str) -> String {
    fs::read_to_string(doc().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Whether a page of the reference is what the program makes of it now.
#[track_caller]
pub fn holds(name: &str, made: &str) {
    if std::env::var_os("NEERC_WRITE").is_some() {
        return fs::write(doc().join(name), made).unwrap();
    }
    assert_eq!(page(name), made, "NEERC_WRITE=1 cargo test -p neerc --lib -- the_reference writes it anew");
}

#[test]
fn the_reference_has_every_key() {
    let mut made = String::from(
        "# Configuration\n\nEvery key of `neerc.toml`, from the program itself. Each can be given in the environment, which wins over \
         the file. Times of day and dates are those of the machine.\n",
    );
    for section in KEYS.fields {
        let words = |field: &Field| field.doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        match section.kind {
            FieldKind::Leaf { env, .. } => {
                let variable = env.unwrap_or_default();
                made += &format!("\n## `[[{}]]`\n\n{} (`{variable}`)\n", section.name, words(section));
            }
            FieldKind::Nested { meta } => {
                made += &format!("\n## `[{}]`\n\n{}\n", section.name, words(section));
                made += "\n| key | default | what it does |\n|---|---|---|\n";
                for key in meta.fields {
                    let FieldKind::Leaf { env, kind } = key.kind else { unreachable!("a section in a section") };
                    let default = match kind {
                        LeafKind::Required { default: Some(value) } => {
                            format!("`{}`", serde_json::to_string(&value).unwrap())
                        }
                        _ => String::new(),
                    };
                    let (words, variable) = (words(key).replace('|', "\\|"), env.unwrap_or_default());
                    made += &format!("| `{}` | {default} | {words} (`{variable}`) |\n", key.name);
                }
            }
        }
    }
    holds("reference/configuration.md", &made);
}

#[test]
fn the_summary_has_every_page_and_each_is_there() {
    let summary = page("SUMMARY.md");
    let linked: BTreeSet<_> = summary.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    let mut there = BTreeSet::new();
    for folder in ["", "reference/"] {
        let found = fs::read_dir(doc().join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        let pages = found.filter_map(|name| name.to_str().filter(|name| name.ends_with(".md")).map(str::to_owned));
        there.extend(pages.map(|name| format!("{folder}{name}")));
    }
    there.remove("SUMMARY.md");
    assert_eq!(linked, there.iter().map(String::as_str).collect());
}

/// Every link between pages leads to one that is there.
#[test]
fn links_lead_somewhere() {
    let summary = page("SUMMARY.md");
    for name in summary.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        for link in page(name).split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap()) {
            let folder = Path::new(name).parent().unwrap();
            let is_there = link.is_empty() || link.contains("://") || doc().join(folder).join(link).exists();
            assert!(is_there, "{name} links to {link}");
        }
    }
}

/// What stands in backticks in the last column of the tables of a page, and in its numbered steps.
fn written(text: &str) -> Vec<&str> {
    let rows = text.lines().filter(|line| line.starts_with("| ") || line.starts_with(|c: char| c.is_ascii_digit()));
    let code = rows.flat_map(|line| line.split('`').skip(1).step_by(2));
    code.filter(|code| !code.starts_with("neerc") && *code != "halls" && *code != "ok").collect()
}

#[test]
fn every_line_of_the_sheets_can_be_written() {
    let named = |name: &str, affiliation| Standing { person: Person::named(name, "localhost"), affiliation };
    let halls = (1..=4).map(|number| named(&format!("hall{number}"), Affiliation::Member));
    let standings: Vec<_> = halls.chain([named("jury", Affiliation::Owner)]).collect();
    let rules = vec![GroupRule { group: "Halls".into(), patterns: vec!["hall*".into()] }];
    let book = GroupBook { rules, ..GroupBook::default() };
    let people = People::build("localhost", "neerc", standings, HashMap::new(), &book);
    let line_of = |text: &str| ChecklistLine { text: text.to_owned(), number: 1 };
    let checklists = [Checklist { name: "seating".into(), steps: vec![vec![line_of("@todo halls Open the doors")]] }];
    let entrance = Entrance { url: Some("https://board.example.org".into()), codes: Vec::new() };
    let (room, board) = ("neerc".into(), Board::default());
    let scene = RoomScene {
        room: &room,
        people: &people,
        board: &board,
        clock: None,
        visibility: Visibility::All,
        now: None,
        checklists: &checklists,
        trail: None,
        entrance: &entrance,
    };
    for (name, who, least) in
        [("hall.md", "hall1", 9), ("hall.ru.md", "hall1", 9), ("jury.md", "jury", 30), ("jury.ru.md", "jury", 25)]
    {
        let (text, who) = (page(name), Person::named(who, "localhost"));
        let view = View::of(scene, &who).unwrap();
        let lines = written(&text);
        assert!(lines.len() >= least, "{name} has {} lines", lines.len());
        for line in lines {
            let read = line::read(line, &view);
            assert_eq!(read.len(), 1, "{name}: {line}");
            for one in read {
                let built = one.asked.map(|filled| filled.build());
                assert!(matches!(built, Ok(Ok(_))), "{name}: {line}: {:?}", built.map(|built| built.map(|_| ())));
            }
        }
    }
}

/// All sources, as the words in them are said: a line that ends with a backslash goes on without a break.
fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, all);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&entry).unwrap();
            let mut lines = text.split("\\\n");
            all.push_str(lines.next().unwrap_or_default());
            lines.for_each(|line| all.push_str(line.trim_start()));
        }
    }
}

#[test]
fn every_trouble_that_is_explained_is_said_by_the_program() {
    let mut said = String::new();
    for part in ["neerc", "neerc-core", "neerc-store", "neerc-xmpp"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(part).join("src"), &mut said);
    }
    let page = page("troubles.md");
    let rows: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert!(rows.len() > 15, "{} rows", rows.len());
    for row in rows {
        for part in row.split('…').map(str::trim).filter(|part| !part.is_empty()) {
            assert!(said.contains(part), "nothing says '{part}'");
        }
    }
}
