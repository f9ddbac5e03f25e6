//! The rules of the house, checked on its sources: how long files and functions may be, where numbers, words and arrows
//! belong, and that the map in ARCHITECTURE.md shows what is there. Each rule is also shown a source that breaks it.

#![allow(clippy::expect_used)] // a panic is how a rule that is broken is reported

mod arrows;
mod map;
mod naming;
mod proofs;
mod size;
mod source;
mod to_mend;

use to_mend::TO_MEND;

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code)] // rules that nothing breaks at present
enum Rule {
    /// A file of production code has at most 500 lines.
    FileLines,
    /// A function has at most 70 lines.
    FunctionLines,
    /// A module begins by saying what it is.
    ModuleDoc,
    /// A number that bounds something stands in a limits.rs.
    Bound,
    /// What may panic has a comment that proves that it does not.
    Panic,
    /// Nothing is left to do in a comment.
    LeftToDo,
    /// A public type has a name of its own.
    TypeName,
    /// Crates and folders use what they may use.
    Arrow,
    /// The folders of a crate use each other in one direction.
    Circle,
    /// The map shows the files that there are.
    Map,
}

/// One place where a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// A file, with the name of what it is about.
    place: String,
    /// What is wrong there.
    why: String,
}

impl Finding {
    fn new(place: impl Into<String>, why: impl Into<String>) -> Finding {
        Finding { place: place.into(), why: why.into() }
    }
}

/// A rule holds but for the places that are still to be mended, and those break it indeed.
fn holds(rule: Rule, found: &[Finding]) {
    let known = || TO_MEND.iter().filter(|(of, _)| *of == rule).map(|(_, place)| *place);
    let new = found.iter().filter(|finding| known().all(|place| place != finding.place));
    let new: Vec<String> = new.map(|finding| format!("  {}: {}", finding.place, finding.why)).collect();
    assert!(new.is_empty(), "{rule:?} is broken:\n{}", new.join("\n"));
    let mended: Vec<&str> = known().filter(|place| found.iter().all(|finding| finding.place != *place)).collect();
    assert!(mended.is_empty(), "{rule:?} holds here now; take it off the list in to_mend.rs: {mended:?}");
}

/// Where a rule is broken, without the reasons.
fn places(found: &[Finding]) -> Vec<&str> {
    found.iter().map(|finding| finding.place.as_str()).collect()
}
