//! `neerc backup` beside a running program under load, and `neerc restore` after it.

use std::process::{Command, Output, Stdio};

use super::faults::{Faults, STORE};
use super::load::{Load, log_of, revisions};
use crate::fake::FakeServer;
use crate::said::NS;
use crate::trust;

fn output(command: &mut Command) -> (Option<i32>, String) {
    said(command.output().unwrap())
}

fn said(Output { status, stdout, stderr }: Output) -> (Option<i32>, String) {
    (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

#[test]
fn a_backup_under_load_has_what_was_answered_and_restore_brings_it_back() {
    let times = trust::times(5, 50);
    let (listener, mut neerc) = FakeServer::prepare(STORE);
    let faults = Faults::under(&mut neerc);
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    let mut load = Load::default();
    load.write_all(&mut fake, &faults, 1);
    let mut during = 0;
    for time in 0..times {
        (0..10).for_each(|_| load.write_all(&mut fake, &faults, 4));
        let before = load.answered.len();
        let mut command = neerc.command();
        let command = command.args(["backup", "--force", "copy.db"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        while child.try_wait().unwrap().is_none() {
            load.write_all(&mut fake, &faults, 4);
        }
        let (code, text) = said(child.wait_with_output().unwrap());
        assert!(code == Some(0) && text.starts_with("copy.db holds "), "{code:?} {text}");
        let copy = log_of(&neerc.dir.join("copy.db")).unwrap();
        let there = revisions(&copy);
        for change in &load.answered[..before] {
            assert!(there.contains_key(change.text.as_str()), "backup {time} has no {}", change.text);
        }
        during += load.answered.len() - before;
    }
    let (code, text) = output(neerc.command().args(["restore", "copy.db"]));
    assert!(code == Some(1) && text.contains("data/neerc.db is in use by another neerc (process "), "{text}");
    (0..10).for_each(|_| load.write_all(&mut fake, &faults, 4));
    neerc.kill9();
    let copy = log_of(&neerc.dir.join("copy.db")).unwrap();
    let (code, text) = output(neerc.command().args(["restore", "copy.db"]));
    let expected = format!("data/neerc.db holds {} changes, ", copy.len());
    assert!(code == Some(0) && text.contains(&expected) && text.contains("data/neerc.db.old-1\n"), "{text}");
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    assert_eq!(log_of(&faults.store()).unwrap(), copy);
    let query = fake.iq("jury1@localhost/desk", "get", "list", &format!("<query xmlns='{NS}#tasks'/>"));
    fake.send(&query);
    let tasks = fake.expect(|said| said.id == "list").listed();
    assert_eq!(tasks.len(), copy.iter().filter(|row| row.4.contains("\"created\"")).count());
    load.assert_in(&log_of(&faults.folder.join("neerc.db.old-1")).unwrap());
    println!("{times} backups; {during} changes were answered while they were made");
    let outcome = format!("0 changes missing that were answered before; {during} answered meanwhile");
    trust::report("P1", "backups under load, each read whole", times, &outcome);
}

#[test]
fn a_backup_replaces_nothing_unasked_and_is_named_after_its_revision() {
    let (listener, mut neerc) = FakeServer::prepare(STORE);
    let faults = Faults::under(&mut neerc);
    let (code, text) = output(neerc.command().arg("backup"));
    assert!(code == Some(1) && text.contains("cannot use data/neerc.db: No such file"), "{text}");
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    Load::default().write_all(&mut fake, &faults, 1);
    let backup = |arguments: &[&str]| output(neerc.command().arg("backup").args(arguments));
    let expected = "neerc-backup-000001.db holds 1 changes, 1 tasks; it was read again and is whole\n";
    assert_eq!(backup(&[]), (Some(0), expected.to_owned()));
    let (code, text) = backup(&[]);
    assert!(code == Some(1) && text.contains("neerc-backup-000001.db exists already; give another name, or --force"));
    assert_eq!(backup(&["--force"]), (Some(0), expected.to_owned()));
    let (code, text) = backup(&["--force", "data/neerc.db"]);
    assert!(code == Some(1) && text.contains("data/neerc.db is the store itself"), "{text}");
    let left = std::fs::read_dir(&neerc.dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name.contains("part")).count(), 0);
}
