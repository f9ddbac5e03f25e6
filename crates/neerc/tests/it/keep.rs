//! What is old is moved into archives beside a running service, read by `neerc verify`, and brought back by `neerc restore`.

use std::fs;

use crate::files::Place;
use crate::old::fill;
use crate::wait::wait_for;

/// More than what a start reads, and not much.
const CHANGES: u64 = 30_000;

/// The number after a word in a text.
fn number_after(text: &str, word: &str) -> u64 {
    let rest = text.split_once(word).unwrap_or_else(|| panic!("no {word:?} in {text}")).1;
    rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap_or_else(|_| panic!("{word:?} in {text}"))
}

#[test]
fn what_is_old_is_moved_beside_a_running_service_and_every_moment_comes_back() {
    let place = Place::new();
    fill(&place.file("neerc.db"), "neerc", CHANGES, 60);
    let whole = fs::metadata(place.file("neerc.db")).unwrap().len();
    let service = place.run("neerc.toml");
    wait_for("the service can be asked", || place.file("neerc.db.sock").exists());
    let (code, text) = place.said(&["compact"]);
    assert!(
        code == 0 && text.contains("holds changes 1 to ") && text.contains("it was read again and is whole"),
        "{text}"
    );
    let archived = number_after(&text, "holds changes 1 to ");
    assert!((1_000..CHANGES - 1_000).contains(&archived), "{archived}");
    assert!(
        text.contains(&format!("neerc.db holds {} changes, from {} on", CHANGES - archived, archived + 1)),
        "{text}"
    );
    let (code, text) = place.said(&["compact"]);
    assert!(code == 0 && text.contains("there is nothing to move"), "{text}");
    let (code, text) = place.said(&["verify"]);
    assert!(code == 0 && text.contains(&format!("an archive with changes 1 to {archived}\n")), "{text}");
    assert!(text.contains(&format!("a store with changes {} to {CHANGES}\n", archived + 1)), "{text}");
    let (code, text) = place.said(&["backup", "copy.db"]);
    assert!(code == 0 && text.contains("neerc.db.archive, which is to be copied too"), "{text}");
    // A moment that is in the archive only, and one that is in the store, into files of their own.
    for revision in [archived / 2, archived + 7] {
        let name = format!("then-{revision}.db");
        let at = format!("r{revision}");
        let (code, text) = place.said(&["restore", "--at", &at, "--into", &name]);
        assert!(
            code == 0 && text.contains(&format!("the last change in it is change {revision}, of 1970-01-")),
            "{text}"
        );
        assert!(text.contains(&format!("left out are {} changes", CHANGES - revision)), "{text}");
        assert_eq!(place.said(&["verify", &name]).0, 0);
    }
    let (code, text) = place.said(&["restore", "--at", "r5"]);
    assert!(code == 1 && text.contains("in use by another neerc"), "{text}");
    drop(service);
    let (code, text) = place.said(&["compact"]);
    assert!(code == 0 && text.contains("there is nothing to move"), "{text}");
    let now = fs::metadata(place.file("neerc.db")).unwrap().len();
    assert!(now < whole, "{now} of {whole} bytes: the space was given back");
    let at = format!("r{}", archived - 1);
    let (code, text) = place.said(&["restore", "--at", &at]);
    assert!(code == 0 && text.contains("what was in its place is kept as "), "{text}");
    for arguments in [&["verify"][..], &["verify", "neerc.db.old-1"]] {
        let (code, text) = place.said(arguments);
        assert!(code == 0, "{text}");
    }
}

#[test]
fn what_is_not_whole_is_told_and_a_wrong_moment_is_refused() {
    let place = Place::new();
    fill(&place.file("neerc.db"), "neerc", CHANGES, 60);
    let (code, text) = place.said(&["compact", "--keep-days", "0"]);
    assert!(code == 0, "{text}");
    let folder = place.file("neerc.db.archive");
    let archive = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(&archive).unwrap();
    fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
    let (code, text) = place.said(&["verify"]);
    assert!(code == 1 && text.contains("WRONG ") && text.contains("is damaged: "), "{text}");
    let (code, text) = place.said(&["restore", "--at", "r1", "--into", "then.db"]);
    assert!(code == 1 && text.contains("is damaged: ") && !place.file("then.db").exists(), "{text}");
    fs::write(&archive, &bytes).unwrap();
    assert_eq!(place.said(&["verify"]).0, 0);
    for (arguments, expected) in [
        (&["restore", "--at", "noon"][..], "--at is \"noon\": must be like 14:32"),
        (&["verify", "neerc.toml"], "it is neither an archive nor a store"),
        (&["restore", "--at", "1969-01-01T00:00Z"], "nothing had been stored by then"),
        (&["restore", "--at", "r30001"], "the last change is revision 30000"),
    ] {
        let (code, text) = place.said(arguments);
        assert!(code > 0 && text.contains(expected), "{arguments:?}: {text}");
    }
}

#[test]
fn whoever_only_looks_after_the_store_needs_no_secret() {
    let place = Place::new();
    fill(&place.file("neerc.db"), "neerc", 5, 1);
    let kept = "secret = \"s\"";
    let elsewhere = "secret_file = \"${CREDENTIALS_DIRECTORY}/component\"";
    let text = fs::read_to_string(place.file("neerc.toml")).unwrap();
    let text = text.replace(kept, elsewhere);
    let volunteers = "[[groups]]\nvolunteers = \"http://127.0.0.1:1\"\ntoken_file = \"missing\"\n";
    assert!(text.contains(elsewhere), "{text}");
    fs::write(place.file("neerc.toml"), text + volunteers).unwrap();
    let (code, text) = place.said(&["run"]);
    assert!(code == 2 && text.contains("component.secret_file"), "{text}");
    for arguments in [
        &["log"][..],
        &["export"],
        &["export", "--format", "html"],
        &["backup", "copy.db"],
        &["verify"],
        &["compact", "--keep-days", "7"],
        &["restore", "--at", "r3", "--into", "then.db"],
        &["restore", "copy.db"],
    ] {
        let (code, text) = place.said(arguments);
        assert!(code == 0, "{arguments:?}: {text}");
    }
    let (code, text) = place.said(&["token", "--room", "neerc"]);
    assert!(code == 1 && text.contains("no neerc serves from"), "{text}");
}
