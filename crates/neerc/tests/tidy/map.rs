//! The map in ARCHITECTURE.md, and the tests that it names, beside what is there.

use crate::naming::rust_files;
use crate::source::{CRATES, crates, read, sources};
use crate::{Finding, Rule, holds, places};
use std::collections::BTreeSet;

/// The names in backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Where a name on the map may be, from the root of the repository; `near`: the place before it.
fn candidates(name: &str, near: &str) -> Vec<String> {
    let krate = |name: &str| name.split('/').next().filter(|first| CRATES.contains(first)).map(str::to_owned);
    if let Some(krate) = krate(name) {
        let rest = name.get(krate.len() + 1..).unwrap_or_default();
        let src = if rest.starts_with("tests/") || rest.is_empty() { "" } else { "src/" };
        return vec![format!("crates/{krate}/{src}{rest}")];
    }
    let folder = near.rsplit_once('/').map_or("", |(folder, _)| folder);
    let src = near.split_inclusive('/').take(3).collect::<String>();
    vec![format!("{folder}/{name}"), format!("{src}{name}"), name.to_owned()]
}

/// The map: what it shows, and where it is wrong.
fn shown(text: &str, exists: impl Fn(&str) -> bool) -> (BTreeSet<String>, Vec<Finding>) {
    let (mut places, mut found) = (BTreeSet::new(), Vec::new());
    let table = text.split("## Where to find what").nth(1).unwrap_or_default();
    let rows = table.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    for row in rows.take_while(|line| line.starts_with('|')) {
        let mut cells = row.trim_matches('|').splitn(2, '|');
        let (place, what) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        let mut row_places: Vec<String> = Vec::new();
        for name in names(place) {
            let near = row_places.first().map_or("", String::as_str);
            match candidates(name, near).into_iter().find(|path| exists(path)) {
                Some(path) => row_places.push(path),
                None => found.push(Finding::new(name, "is on the map and not there")),
            }
        }
        for name in names(what).filter(|name| name.ends_with(".rs") && !name.contains(' ')) {
            let is_there = row_places.iter().any(|near| candidates(name, near).iter().any(|path| exists(path)));
            if !is_there {
                found.push(Finding::new(name, format!("is told of on the map and not there: {}", place.trim())));
            }
        }
        places.extend(row_places);
    }
    (places, found)
}

/// Files that the map does not show, neither by themselves nor by a folder.
fn hidden<'f>(places: &BTreeSet<String>, files: impl IntoIterator<Item = &'f str>) -> Vec<Finding> {
    let is_shown =
        |file: &str| places.iter().any(|place| place == file || (place.ends_with('/') && file.starts_with(place)));
    let hidden = files.into_iter().filter(|file| !is_shown(file));
    hidden.map(|file| Finding::new(file, "is not on the map")).collect()
}

#[test]
fn the_map_shows_what_is_there() {
    let root = crates().join("..");
    let (shown_places, mut found) = shown(&read("ARCHITECTURE.md"), |path| root.join(path).exists());
    let files: Vec<String> = sources().iter().map(|source| format!("crates/{}", source.path)).collect();
    found.extend(hidden(&shown_places, files.iter().map(String::as_str)));
    holds(Rule::Map, &found);
}

#[test]
fn a_wrong_map_is_refused() {
    let text = "## Where to find what\n\n| place | what |\n|---|---|\n| `neerc-core/a/`, `b.rs` | `mod.rs`, `gone.rs` |\n\
                | `neerc-core/lost.rs` | x |\n\n| `no.rs` | another table |\n";
    let there = ["crates/neerc-core/src/a/", "crates/neerc-core/src/a/mod.rs", "crates/neerc-core/src/b.rs"];
    let (shown_places, found) = shown(text, |path| there.contains(&path));
    assert_eq!(places(&found), ["gone.rs", "neerc-core/lost.rs"]);
    let files = ["crates/neerc-core/src/a/c.rs", "crates/neerc-core/src/b.rs", "crates/neerc-core/src/d.rs"];
    assert_eq!(places(&hidden(&shown_places, files)), ["crates/neerc-core/src/d.rs"]);
}

/// The tests that the page names: words in backticks that are sentences, the last of a path.
fn told_tests(text: &str) -> BTreeSet<&str> {
    let words = text.lines().filter(|line| line.starts_with('|')).flat_map(names);
    let last = words.map(|name| name.rsplit("::").next().unwrap_or(name));
    let is_sentence = |name: &&str| {
        name.matches('_').count() >= 3 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    last.filter(is_sentence).collect()
}

/// Tests that are named and that nobody has written.
fn unwritten(text: &str, sources: &str) -> Vec<Finding> {
    let named = told_tests(text).into_iter();
    let unwritten = named.filter(|name| !sources.contains(&format!("fn {name}(")));
    unwritten.map(|name| Finding::new(name, "is named in ARCHITECTURE.md and no test")).collect()
}

#[test]
fn the_tests_that_are_named_are_there() {
    let mut files = Vec::new();
    rust_files(&crates(), &mut files);
    let sources: String = files.into_iter().map(|(_, text)| text).collect();
    let text = read("ARCHITECTURE.md");
    assert!(told_tests(&text).len() > 20, "the page names tests");
    holds(Rule::Map, &unwritten(&text, &sources));
    let text = "| `a::it_is_so_and_so`, `it_was_never_so`, `a_b` | x |\nand `not_in_a_table`\n";
    assert_eq!(places(&unwritten(text, "fn it_is_so_and_so() {}")), ["it_was_never_so"]);
}
