//! Every example of PROTOCOL.md is played against the real front: what the specification prints is what is said.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use bench::server::{Flavour, Server};
use bench::{Bench, settings};
use neerc_core::checklist::{Checklist, ChecklistLine};
use neerc_core::limits as rules;
use neerc_core::people::GroupRule;
use neerc_core::view::Visibility;
use neerc_testing::bench;
use neerc_xmpp::limits;
use neerc_xmpp::neerc::FEATURES;

const SPECIFICATION: &str = include_str!("../../../PROTOCOL.md");

/// One fenced block with the marker before it.
struct Example {
    line: usize,
    marker: String,
    script: String,
}

/// The examples: blocks fenced as `xml`, each with a comment `<!-- example: WORDS -->` on the line before.
fn examples() -> Vec<Example> {
    let lines: Vec<&str> = SPECIFICATION.lines().collect();
    let mut examples = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if *line != "```xml" {
            assert!(!line.starts_with("<!-- example") || lines.get(at + 1) == Some(&"```xml"), "line {}", at + 1);
            continue;
        }
        let marker = lines[at - 1].strip_prefix("<!-- example: ").and_then(|rest| rest.strip_suffix(" -->"));
        let marker = marker.unwrap_or_else(|| panic!("line {}: an example without its marker", at + 1));
        let script: Vec<&str> = lines[at + 1..].iter().copied().take_while(|line| *line != "```").collect();
        examples.push(Example { line: at + 1, marker: marker.to_owned(), script: script.join("\n") });
    }
    examples
}

/// The world of an example: `goes on` is the one before as that left it, everything else a new one.
fn world(words: &str) -> Option<Bench> {
    let mut settings = settings();
    settings.groups.rules.push(GroupRule { group: "Halls".into(), patterns: vec!["hall*".into()] });
    match words {
        "goes on" => return None,
        "begins" => {}
        "begins without the bare packet" => settings.wiki_packet = false,
        "begins with a checklist" => {
            let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
            let line = |(number, text): (usize, &str)| ChecklistLine { text: text.to_owned(), number };
            let steps = [(1, "@todo hall1 Open the doors"), (2, "@okfail hall1 Is everybody seated?")];
            let steps = steps.map(|step| vec![line(step)]).into();
            bench.checklists([Checklist { name: "seating".to_owned(), steps }]);
            return Some(bench);
        }
        "begins with a web side" => {
            let mut bench = Bench::served(settings, Server::new(Flavour::Prosody));
            bench.open_web(&[("482193", "Firefox on Linux, 192.0.2.7")]);
            return Some(bench);
        }
        "begins with visibility = own" => settings.visibility = Visibility::Own,
        _ => panic!("no such world: {words}"),
    }
    Some(Bench::served(settings, Server::new(Flavour::Prosody)))
}

/// Plays the examples of a specification; an error names the line.
fn play(examples: &[Example]) -> Result<(), String> {
    let mut bench: Option<Bench> = None;
    for example in examples {
        bench = world(&example.marker).or(bench);
        let bench = bench.as_mut().expect("the first example begins a world");
        bench.play(&example.script).map_err(|wrong| format!("PROTOCOL.md:{}: {wrong}", example.line))?;
    }
    Ok(())
}

#[test]
fn every_example_is_what_is_said() {
    let examples = examples();
    assert!(examples.len() >= 20, "only {} examples were found", examples.len());
    if let Err(wrong) = play(&examples) {
        panic!("{wrong}");
    }
}

/// A check that cannot fail is none: no stanza the service says can be changed unnoticed.
#[test]
fn an_example_that_is_untrue_is_noticed() {
    let examples = examples();
    assert_eq!(play(&examples), Ok(()), "only true examples can be made untrue");
    let mut first = 0;
    for at in 0..examples.len() {
        if examples[at].marker != "goes on" {
            first = at;
        }
        for (said, _) in examples[at].script.match_indices("S: <") {
            let tag_end = said + examples[at].script[said..].find('>').unwrap();
            let mut script = examples[at].script.clone();
            let before = if script[..tag_end].ends_with('/') { tag_end - 1 } else { tag_end };
            script.insert_str(before, " untrue='1'");
            let mut world: Vec<Example> = examples[first..at]
                .iter()
                .map(|e| Example { line: e.line, marker: e.marker.clone(), script: e.script.clone() })
                .collect();
            world.push(Example { line: examples[at].line, marker: examples[at].marker.clone(), script });
            assert!(play(&world).is_err(), "line {}: a changed example passes", examples[at].line);
        }
    }
}

/// Every request and every error of the protocol has its example.
#[test]
fn nothing_is_left_without_an_example() {
    let scripts: String = examples().into_iter().map(|example| example.script).collect();
    for feature in FEATURES {
        assert!(scripts.contains(&format!("xmlns='{feature}'")), "no example of {feature}");
    }
    let conditions = [
        ("bad-request", "modify", "400"),
        ("forbidden", "auth", "403"),
        ("item-not-found", "cancel", "404"),
        ("not-allowed", "cancel", "405"),
        ("policy-violation", "modify", "406"),
        ("internal-server-error", "wait", "500"),
        ("resource-constraint", "wait", "500"),
        ("service-unavailable", "cancel", "503"),
    ];
    let errors: Vec<(&str, &str)> = scripts.split("<error ").skip(1).filter_map(|rest| rest.split_once('>')).collect();
    for (condition, kind, code) in conditions {
        let row = format!("| `{condition}` | `{kind}` | {code} |");
        assert!(SPECIFICATION.contains(&row), "the table of errors has no row {row}");
        let is_it = |(head, rest): &(&str, &str)| {
            *head == format!("code='{code}' type='{kind}'") && rest.trim_start().starts_with(&format!("<{condition} "))
        };
        let unplayable = ["policy-violation", "resource-constraint"].contains(&condition); // too long to be printed
        assert!(unplayable || errors.iter().any(is_it), "no example of {condition}");
    }
}

/// The numbers of the specification are those of the program.
#[test]
fn the_limits_are_the_true_ones() {
    let thousands = |number: usize| {
        let digits = number.to_string();
        let mut out = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        out
    };
    let rows = [
        ("title of a task", thousands(rules::TITLE_CHARS) + " characters"),
        ("value of a status", thousands(rules::VALUE_CHARS) + " characters"),
        ("people assigned to one task", thousands(rules::ASSIGNEES)),
        ("names in one packet", thousands(rules::NAMES_PER_PACKET)),
        ("live tasks in one room", thousands(rules::TASKS_PER_ROOM)),
        ("history of one task that old copies are compared with", format!("{} KiB", rules::HISTORY_BYTES / 1024)),
        ("earlier titles of one task that are remembered", thousands(rules::TITLES_PER_TASK)),
        ("sessions told of changes in one room", thousands(limits::SESSIONS_PER_ROOM)),
        ("requests of one session at once, after a pause", format!("{} (a setting)", limits::REQUESTS_BURST)),
        (
            "the same for a user with power",
            format!("{} (a setting)", thousands(limits::REQUESTS_BURST_OF_POWER as usize)),
        ),
        (
            "requests of one session each second, in the long run",
            format!("{} (a setting)", limits::REQUESTS_PER_SECOND),
        ),
        (
            "answers to all sessions of one account after a pause",
            format!("{} KiB (a setting)", thousands(limits::ANSWERS_BURST_KIB as usize)),
        ),
        (
            "answers to all sessions of one account each second, in the long run",
            format!("{} KiB (a setting)", limits::ANSWERS_KIB_PER_SECOND),
        ),
        ("writes that wait to be stored", thousands(rules::WRITES_WAITING)),
        ("size of a stanza taken", format!("{} KiB", limits::STANZA_BYTES / 1024)),
        ("nesting of elements in a stanza taken", thousands(limits::STANZA_DEPTH)),
        ("start tag of an over-long stanza that is still answered", format!("{} KiB", limits::HEAD_BYTES / 1024)),
        ("size of a stanza sent", "256 KiB (a setting)".to_owned()),
        ("time that a session is told of changes after `#tasks`", format!("{} s", limits::ASKER_MS / 1_000)),
        ("time between two updates of one task to one session", "50 ms (a setting), at least".to_owned()),
        ("time between two clock messages", format!("{} s", rules::CLOCK_TICK_MS / 1_000)),
    ];
    for (what, value) in rows {
        let row = format!("| {what} | {value} |");
        assert!(SPECIFICATION.contains(&row), "the table of limits has no row {row}");
    }
}
