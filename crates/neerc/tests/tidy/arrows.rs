//! Who may use whom: crates, and the folders in them.

use crate::source::{CRATES, Source, read, sources};
use crate::{Finding, Rule, holds, places};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::Visit;

/// What only some may name: the beginning of a path, and the places that may.
const KEPT: &[(&str, &[&str])] = &[
    ("crate::face", &["neerc-core/src/face/", "neerc-core/src/lib.rs"]),
    ("neerc_core::face", &["neerc-xmpp/src/", "neerc/src/"]),
    ("crate::front", &["neerc-xmpp/src/front/"]),
    ("crate::cli", &["neerc/src/cli/", "neerc/src/lib.rs", "neerc/src/main.rs"]),
    ("crate::service", &["neerc/src/service/", "neerc/src/cli/"]),
    ("rusqlite", &["neerc-store/src/sqlite/", "neerc-store/src/error.rs"]),
    ("tokio", &["neerc/src/", "neerc-store/src/"]),
    // The clock of a contest comes as a file of another program, which writes XML.
    ("quick_xml", &["neerc-xmpp/src/", "neerc/src/clocks/"]),
    ("std::fs", &["neerc/src/", "neerc-store/src/"]),
    ("std::net", &["neerc/src/"]),
    ("std::env", &["neerc/src/"]),
    ("std::process", &["neerc/src/", "neerc-store/src/"]),
    ("std::thread", &["neerc/src/", "neerc-store/src/"]),
    // The loop waits in one place. What may sleep has a thread of its own.
    (
        "std::thread::sleep",
        &["neerc/src/clocks/poll.rs", "neerc/src/people", "neerc/src/cli/history.rs", "neerc-store/src/"],
    ),
    ("std::time::SystemTime", &["neerc/src/", "neerc-store/src/"]),
    ("std::time::Instant", &["neerc/src/", "neerc-store/src/"]),
    ("fastrand", &["neerc/src/"]),
];

/// How statements of SQL begin.
const SQL: [&str; 8] =
    ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE TABLE", "PRAGMA ", "BEGIN IMMEDIATE", "VACUUM"];

fn strays(sources: &[Source]) -> Vec<Finding> {
    let mut found = BTreeSet::new();
    for source in sources {
        for path in source.paths() {
            let name = path.join("::");
            for (kept, places) in KEPT {
                let names_it = name.strip_prefix(kept).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
                // `crate` is another one in each crate: the places say which is meant.
                let krate = places.first().and_then(|place| place.split('/').next());
                let meant = !kept.starts_with("crate::") || krate == Some(source.krate.as_str());
                if names_it && meant && !places.iter().any(|place| source.path.starts_with(place)) {
                    found.insert(Finding::new(format!("{} {kept}", source.path), "is kept to other places"));
                }
            }
        }
    }
    found.into_iter().collect()
}

/// SQL outside of the store.
fn sql(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.krate != "neerc-store") {
        let mut texts = Texts(Vec::new());
        texts.visit_file(&source.file);
        let statements = texts.0.iter().filter(|text| SQL.iter().any(|start| text.starts_with(start)));
        found.extend(statements.map(|text| Finding::new(format!("{} SQL", source.path), text)));
    }
    found
}

struct Texts(Vec<String>);

impl<'ast> Visit<'ast> for Texts {
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.0.push(text.value());
    }
}

/// The folders and files at the top of a crate, each with those that it uses.
fn arrows(sources: &[Source], krate: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources.iter().filter(|source| source.krate == krate) {
        let Some(from) = source.module.first() else { continue };
        let to = arrows.entry(from.clone()).or_default();
        for path in source.paths() {
            if let [root, top, ..] = path.as_slice()
                && root == "crate"
                && top != from
            {
                to.insert(top.clone());
            }
        }
    }
    let tops: BTreeSet<String> = arrows.keys().cloned().collect();
    arrows.values_mut().for_each(|to| to.retain(|top| tops.contains(top)));
    arrows
}

/// Pairs that reach each other.
fn circles(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for krate in CRATES {
        let arrows = arrows(sources, krate);
        let reach = |from: &str| {
            let (mut seen, mut next) = (BTreeSet::new(), vec![from.to_owned()]);
            while let Some(at) = next.pop() {
                next.extend(arrows.get(&at).into_iter().flatten().filter(|to| seen.insert((*to).clone())).cloned());
            }
            seen
        };
        for from in arrows.keys() {
            for to in arrows[from].iter().filter(|to| reach(to).contains(from)) {
                found.push(Finding::new(format!("{krate} {from} -> {to}"), "and back"));
            }
        }
    }
    found
}

/// The crates of ours that a Cargo.toml names in its dependencies, and how many others.
fn dependencies(manifest: &str) -> (BTreeSet<&str>, usize) {
    let section = manifest.split("\n[").find_map(|part| part.strip_prefix("dependencies]")).unwrap_or_default();
    let names = section.lines().filter_map(|line| line.split_once('=').map(|(name, _)| name.trim()));
    let (ours, others): (Vec<_>, Vec<_>) = names.partition(|name| name.starts_with("neerc"));
    (ours.into_iter().collect(), others.len())
}

/// The arrows between crates as a text draws them: "`a` -> `b`, `c`;", in a line that begins with "Arrows:".
fn drawn(text: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let line = text.lines().find_map(|line| line.strip_prefix("Arrows: ")).expect("a line of arrows");
    let arrows = line.trim_end_matches('.').split(';').filter_map(|arrow| arrow.split_once("->"));
    arrows
        .map(|(from, to)| {
            let to = to.split(',').map(|name| name.trim().trim_matches('`')).filter(|name| *name != "std");
            (from.trim().trim_matches('`'), to.collect())
        })
        .collect()
}

fn wrong_arrows(drawn: &BTreeMap<&str, BTreeSet<&str>>, manifests: &[(&str, String)]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (krate, manifest) in manifests {
        let (ours, others) = dependencies(manifest);
        let drawn = drawn.get(krate).cloned().unwrap_or_default();
        if ours != drawn {
            found.push(Finding::new(*krate, format!("depends on {ours:?}, and {drawn:?} is drawn")));
        }
        if *krate == "neerc-core" && others > 0 {
            found.push(Finding::new(*krate, "depends on more than std"));
        }
    }
    found
}

#[test]
fn folders_name_only_what_they_may() {
    let all = sources();
    let mut found = strays(&all);
    found.extend(sql(&all));
    holds(Rule::Arrow, &found);
    let source = |krate: &str, text: &str| [Source::read(krate, "x.rs", text.to_owned())];
    assert_eq!(places(&strays(&source("neerc-core", "use crate::face::menu;"))), ["neerc-core/src/x.rs crate::face"]);
    assert_eq!(
        places(&strays(&source("neerc-core", "fn a() { std::fs::read(\"a\"); }"))),
        ["neerc-core/src/x.rs std::fs"]
    );
    assert_eq!(places(&strays(&source("neerc-xmpp", "use tokio::net;"))), ["neerc-xmpp/src/x.rs tokio"]);
    assert_eq!(places(&strays(&source("neerc", "use rusqlite::Connection;"))), ["neerc/src/x.rs rusqlite"]);
    let sleep = source("neerc", "fn a() { std::thread::sleep(b); }");
    assert_eq!(places(&strays(&sleep)), ["neerc/src/x.rs std::thread::sleep"]);
    assert!(strays(&source("neerc-xmpp", "use crate::facets;\nuse neerc_core::face::menu;")).is_empty());
    assert_eq!(places(&sql(&source("neerc", "const A: &str = \"SELECT 1\";"))), ["neerc/src/x.rs SQL"]);
}

#[test]
fn folders_do_not_use_each_other_in_circles() {
    holds(Rule::Circle, &circles(&sources()));
    let source = |at: &str, text: &str| Source::read("neerc-core", at, text.to_owned());
    let mut all = vec![source("a/mod.rs", "use crate::b::B;"), source("b.rs", "use crate::c;"), source("c.rs", "")];
    assert!(circles(&all).is_empty());
    all.push(source("c/d.rs", "use crate::a::A;"));
    let circle = ["neerc-core a -> b", "neerc-core b -> c", "neerc-core c -> a"];
    assert_eq!(places(&circles(&all)), circle);
}

#[test]
fn crates_depend_on_each_other_as_it_is_drawn() {
    let text = read("ARCHITECTURE.md");
    let manifests = CRATES.map(|krate| (krate, read(&format!("crates/{krate}/Cargo.toml"))));
    let found = wrong_arrows(&drawn(&text), &manifests);
    assert!(found.is_empty(), "{found:#?}");
    assert!(drawn(&text).keys().all(|krate| CRATES.contains(krate)), "a crate is drawn that is not there");
    let arrows = drawn("Arrows: `neerc-xmpp` -> `neerc-core`; `neerc-core` -> std.");
    let with = |krate, line: &str| {
        [(krate, format!("[package]\n\n[dependencies]\n{line} = \"1\"\n\n[dev-dependencies]\na = \"1\"\n"))]
    };
    assert!(wrong_arrows(&arrows, &with("neerc-xmpp", "neerc-core")).is_empty());
    assert_eq!(places(&wrong_arrows(&arrows, &with("neerc-xmpp", "neerc-store"))), ["neerc-xmpp"]);
    assert_eq!(places(&wrong_arrows(&arrows, &with("neerc-core", "serde"))), ["neerc-core"]);
}
