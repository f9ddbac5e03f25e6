//! What is old is moved into archives beside a running service, read by `neerc verify`, and brought back by `neerc restore`.

use neerc_core::change::{Change, Entry};
use neerc_core::people::Person;
use neerc_core::task::{Kind, Progress, Status, TaskId, Title};
use neerc_store::Url;
use std::fs;
use std::path::Path;

use crate::files::Place;
use crate::wait::wait_for;

/// More than what a start reads, and not much.
const CHANGES: u64 = 30_000;

/// A task, and then its answers; all of them years ago.
fn entry(revision: u64) -> Entry {
    let (task, by) = (TaskId(1), Person::from_bare("hall1@localhost"));
    let change = match revision {
        1 => {
            let (title, statuses) = (Title::parse("Water").unwrap(), vec![(by.clone(), Status::NONE)]);
            let (kind, timestamp_ms) = (Kind::Todo, 1_000);
            Change::Created { task, title, kind, timestamp_ms, statuses, plan: None, deadline: None }
        }
        _ => {
            let status = Status::new(Progress::Running, &format!("step {revision} {}", "x".repeat(60))).unwrap();
            Change::Answered { task, person: by.clone(), status }
        }
    };
    Entry { revision, room: "neerc".into(), at_ms: 1_000 * revision as i64, by, change, request: None }
}

/// Stores all changes, which everybody was told of.
fn fill(file: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let opened = neerc_store::open(&Url::Sqlite(file.to_owned())).unwrap();
        opened.store.commit((1..=CHANGES).map(entry).collect::<Vec<_>>()).await.unwrap();
        opened.store.told(CHANGES);
        opened.store.close().await.unwrap();
    });
}

/// The number after a word in a text.
fn number_after(text: &str, word: &str) -> u64 {
    let rest = text.split_once(word).unwrap_or_else(|| panic!("no {word:?} in {text}")).1;
    rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap_or_else(|_| panic!("{word:?} in {text}"))
}

#[test]
fn what_is_old_is_moved_beside_a_running_service_and_every_moment_comes_back() {
    let place = Place::new();
    fill(&place.file("neerc.db"));
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
    fill(&place.file("neerc.db"));
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
