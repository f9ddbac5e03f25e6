//! What modules say of themselves, where numbers stand, and what types are called.

use crate::source::{CRATES, Source, crates, sources};
use crate::{Finding, Rule, holds, places};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use syn::visit::{self, Visit};
use syn::{Expr, Item, Type, Visibility};

/// Constants that bound nothing, or that somebody else has fixed: each with what fixes it.
const FIXED: &[(&str, &str)] = &[
    ("DAY_MS", "a unit"),
    ("HOUR_MS", "a unit"),
    ("MIB", "a unit"),
    ("MINUTE_MS", "a unit"),
    ("ARCHIVE_VERSION", "the stored format"),
    ("COMPACTED", "the stored format"),
    ("APPLICATION_ID", "marks the file as one of ours"),
    ("APPLICATION_ID_AT", "SQLite's file format"),
    ("HEADER_BYTES", "SQLite's write-ahead log"),
    ("FRAME_HEADER_BYTES", "SQLite's write-ahead log"),
    ("MAGIC", "SQLite's write-ahead log"),
    ("PAGE_BYTES", "the stored format"),
    ("SNAPSHOT_VERSION", "the stored format"),
    ("SEQUENCE", "the encoding of certificates"),
    ("NAME", "the encoding of certificates"),
    ("FIRST", "the encoding of certificates"),
    ("PID_BYTES", "the stored format of the lock"),
    ("NOTE_BYTES", "the stored format of the lock"),
    ("OWNER_ONLY", "bits of a file's mode"),
    ("ANYBODY_RUNS", "bits of a file's mode"),
    ("EVERYBODY_READS", "bits of a file's mode"),
    ("USUAL_PORT", "RFC 6120"),
];

fn without_doc(sources: &[Source]) -> Vec<Finding> {
    let silent = sources.iter().filter(|source| !source.text.starts_with("//! "));
    silent.map(|source| Finding::new(&source.path, "begins without `//!`")).collect()
}

/// Numbers with a name that are written outside of a limits.rs.
fn bounds(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !source.path.ends_with("/limits.rs")) {
        let mut numbers = Numbers::default();
        numbers.visit_file(&source.file);
        let why = "a number that belongs into limits.rs, or on the list of what is fixed";
        found.extend(numbers.0.into_iter().map(|name| Finding::new(format!("{} {name}", source.path), why)));
    }
    found
}

/// Constants that are numbers or durations, in whose value a number is written.
#[derive(Default)]
struct Numbers(Vec<String>);

impl Numbers {
    fn note(&mut self, name: &syn::Ident, kind: &Type, value: &Expr) {
        let Type::Path(kind) = kind else { return };
        let is_number = kind.path.segments.last().is_some_and(|last| {
            let name = last.ident.to_string();
            let integer =
                name.strip_prefix(['i', 'u']).is_some_and(|bits| bits == "size" || bits.parse::<u8>().is_ok());
            integer || ["f32", "f64", "Duration"].contains(&name.as_str())
        });
        let mut literals = Literals(false);
        literals.visit_expr(value);
        if is_number && literals.0 {
            self.0.push(name.to_string());
        }
    }
}

impl<'ast> Visit<'ast> for Numbers {
    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.note(&item.ident, &item.ty, &item.expr);
        visit::visit_item_const(self, item);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.note(&item.ident, &item.ty, &item.expr);
        visit::visit_item_static(self, item);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.note(&item.ident, &item.ty, &item.expr);
        visit::visit_impl_item_const(self, item);
    }
}

struct Literals(bool);

impl<'ast> Visit<'ast> for Literals {
    fn visit_lit(&mut self, literal: &'ast syn::Lit) {
        self.0 |= matches!(literal, syn::Lit::Int(_) | syn::Lit::Float(_));
    }
}

/// Public types, each with where it is.
fn types(sources: &[Source]) -> BTreeMap<String, Vec<String>> {
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources {
        for item in &source.file.items {
            let (visibility, name) = match item {
                Item::Struct(item) => (&item.vis, &item.ident),
                Item::Enum(item) => (&item.vis, &item.ident),
                Item::Trait(item) => (&item.vis, &item.ident),
                Item::Type(item) => (&item.vis, &item.ident),
                _ => continue,
            };
            if matches!(visibility, Visibility::Public(_)) {
                types.entry(name.to_string()).or_default().push(source.path.clone());
            }
        }
    }
    types
}

fn shared_names(sources: &[Source]) -> Vec<Finding> {
    let shared = types(sources).into_iter().filter(|(_, places)| places.len() > 1);
    shared.map(|(name, places)| Finding::new(name, format!("is in {}", places.join(" and ")))).collect()
}

/// Lines that leave something to do.
fn left_to_do(path: &str, text: &str) -> Vec<Finding> {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let left = text.lines().filter(|line| {
        let comment = line.split_once("//").map_or("", |(_, comment)| comment);
        comment.split(|c: char| !c.is_alphanumeric()).any(|word| marks.contains(&word))
    });
    left.map(|line| Finding::new(path, line.trim())).collect()
}

/// All sources below a folder, tests among them, each with its path.
pub fn rust_files(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            rust_files(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&entry).expect("a source");
            let path = entry.strip_prefix(crates()).expect("a path below").display().to_string();
            found.push((path, text));
        }
    }
}

#[test]
fn modules_say_what_they_are() {
    holds(Rule::ModuleDoc, &without_doc(&sources()));
    let silent = [Source::read("neerc-core", "x.rs", "// What it is.\nfn a() {}\n".to_owned())];
    assert_eq!(places(&without_doc(&silent)), ["neerc-core/src/x.rs"]);
}

#[test]
fn numbers_that_bound_something_stand_in_limits() {
    let all = bounds(&sources());
    let name = |finding: &Finding| finding.place.rsplit(' ').next().unwrap_or_default().to_owned();
    let is_fixed = |finding: &Finding| FIXED.iter().any(|(fixed, _)| *fixed == name(finding));
    let found: Vec<Finding> = all.iter().filter(|finding| !is_fixed(finding)).cloned().collect();
    holds(Rule::Bound, &found);
    for (fixed, _) in FIXED {
        assert!(all.iter().any(|finding| name(finding) == *fixed), "{fixed} is not there any more: take it off FIXED");
    }
    let text = "const A: usize = 64;\nfn f() { const B: Duration = Duration::from_secs(3); }\n\
                const C: usize = limits::C;\nconst D: &str = \"4\";\nconst E: [u8; 2] = *b\"ab\";\n";
    let source = |at: &str| [Source::read("neerc-core", at, text.to_owned())];
    assert_eq!(places(&bounds(&source("x.rs"))), ["neerc-core/src/x.rs A", "neerc-core/src/x.rs B"]);
    assert!(bounds(&source("limits.rs")).is_empty());
}

#[test]
fn a_name_is_one_types() {
    holds(Rule::TypeName, &shared_names(&sources()));
    let source = |krate: &str, text: &str| Source::read(krate, "x.rs", text.to_owned());
    let two =
        [source("neerc-core", "pub struct A;\npub enum B {}"), source("neerc-xmpp", "pub type A = u8;\nenum B {}")];
    assert_eq!(places(&shared_names(&two)), ["A"]);
}

#[test]
fn nothing_is_left_to_do() {
    let mut files = Vec::new();
    CRATES.iter().for_each(|krate| rust_files(&crates().join(krate), &mut files));
    let found: Vec<Finding> = files.iter().flat_map(|(path, text)| left_to_do(path, text)).collect();
    holds(Rule::LeftToDo, &found);
    let text = format!("let a = \"{0}\"; // todo list\nlet b = 1; // {0}: more\n", concat!("TO", "DO"));
    assert_eq!(left_to_do("x.rs", &text).len(), 1);
}
