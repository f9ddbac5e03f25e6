use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn listed(name: &str, display: Option<&str>, groups: &[&str]) -> Listed {
    let groups = groups.iter().map(|&group| group.to_owned()).collect();
    Listed { name: name.to_owned(), display: display.map(str::to_owned), groups }
}

#[test]
fn a_table_is_read_as_office_programs_write_it() {
    let expected =
        vec![listed("hall1", Some("Room 305, left"), &["Halls", "Ground floor"]), listed("jury1", None, &[])];
    for table in [
        "name,display,groups\nhall1,\"Room 305, left\",Halls;Ground floor\njury1,,\n",
        "\u{feff}Name;Display;Groups\r\nhall1;Room 305, left;\"Halls; Ground floor\"\r\njury1;;\r\n;;\r\n",
        "groups\tname\tdisplay\nHalls|Ground floor\thall1\tRoom 305, left\n\tjury1\n",
    ] {
        assert_eq!(read_table(table.as_bytes()).unwrap(), expected, "{table:?}");
    }
}

#[test]
fn a_table_that_cannot_be_taken_says_where_and_why() {
    let long = format!("name\n{}\n", "x".repeat(65));
    for (table, why) in [
        ("", "there is no column name"),
        ("hall1,Room\n", "column 'hall1' is none of name, display, groups"),
        ("name,display\nhall1,Room 3,left\n", "line 2: 3 fields, but 2 columns"),
        ("name\nhall1\nHALL1\n", "stands in it twice"),
        ("name\nhall 1\n", "line 2: 'hall 1' is no name of an account"),
        ("name,display\nhall1,\"a\u{7}b\"\n", "has a control character in it"),
        (&long, "longer than 64 characters"),
    ] {
        let said = read_table(table.as_bytes()).unwrap_err();
        assert!(said.contains(why), "{table:?}: {said}");
    }
    assert!(read_table(b"name\n\xff\xfe\n").unwrap_err().starts_with("line 2: it is not in UTF-8"));
    assert!(read_table(&vec![b'x'; limits::LIST_BYTES + 1]).unwrap_err().contains("longer than"));
}

#[test]
fn what_nobody_sees_is_no_part_of_a_name() {
    let table = "name,display\nhall1,\u{202e}Room\u{200b} 305\n";
    assert_eq!(read_table(table.as_bytes()).unwrap(), [listed("hall1", Some("Room 305"), &[])]);
}

/// A program in a folder.
fn program(folder: &Path, script: &str) -> PeopleList {
    let path = folder.join("people");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let source = ListSource::Command(vec![path.display().to_string(), "word".to_owned()], None);
    PeopleList { source, group: None, poll: Duration::from_secs(60) }
}

#[test]
fn a_program_prints_a_list_and_is_told_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let list = program(
        folder.path(),
        r#"printf '[{"name":"%s","display":"in %s","groups":["%s"]},{"name":"hall2"}]' "$1" "$PWD" "${HOME:-nothing}""#,
    );
    let expected = vec![listed("word", Some("in /"), &["nothing"]), listed("hall2", None, &[])];
    assert_eq!(list.read(Vec::new).unwrap(), expected);
}

#[test]
fn a_program_that_fails_says_why() {
    let folder = tempfile::tempdir().unwrap();
    for (script, why) in [
        ("echo no database >&2; exit 3", "exit status: 3: no database"),
        ("echo nonsense", "is no list like"),
        ("echo '[{\"name\":\"hall1\",\"room\":3}]'", "unknown field `room`"),
        ("head -c 2000000 /dev/zero", "prints more than 1024 KiB"),
    ] {
        let said = program(folder.path(), script).read(Vec::new).unwrap_err();
        assert!(said.contains(why), "{script}: {said}");
    }
    let missing = ListSource::Command(vec!["/nonexistent/people".to_owned()], None);
    let missing = PeopleList { source: missing, group: None, poll: Duration::from_secs(60) };
    assert!(missing.read(Vec::new).unwrap_err().starts_with("it cannot be run"));
}

#[test]
fn what_a_program_leaves_behind_does_not_hold_up_its_list() {
    let folder = tempfile::tempdir().unwrap();
    let began = std::time::Instant::now();
    let list = program(folder.path(), "sleep 60 & echo '[]'");
    assert_eq!(list.read(Vec::new).unwrap(), []);
    assert!(began.elapsed() < Duration::from_secs(30), "nobody waited for the sleeper");
}

#[test]
fn a_program_runs_as_its_user_where_root_asks() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut list = program(folder.path(), r#"printf '[{"name":"%s"}]' "$(id -u)""#);
    let ListSource::Command(_, user) = &mut list.source else { unreachable!() };
    *user = Some("nobody".to_owned());
    let outcome = list.read(Vec::new);
    if rustix::process::geteuid().is_root() {
        assert_eq!(outcome.unwrap(), [listed("65534", None, &[])]);
    } else {
        assert!(outcome.unwrap_err().contains("only root may run it as 'nobody'"));
    }
    let ListSource::Command(_, user) = &mut list.source else { unreachable!() };
    *user = Some("nobody-of-that-name".to_owned());
    assert!(list.read(Vec::new).unwrap_err().contains("there is no user 'nobody-of-that-name'"));
}

#[test]
fn lists_are_added_up_and_of_two_names_the_first_counts() {
    let list = |group: Option<&str>| PeopleList {
        source: ListSource::File(PathBuf::new()),
        group: group.map(Into::into),
        poll: Duration::from_secs(1),
    };
    let held = [
        vec![listed("hall1", None, &["Halls"])],
        vec![listed("Hall1", Some("Room 305"), &[]), listed("hall2", Some("Room 306"), &["Ground floor"])],
    ];
    let cards = cards(&[list(None), list(Some("East"))], &held);
    let shown: Vec<_> =
        cards.iter().map(|(name, card)| (name.as_str(), card.display.as_deref(), card.groups.len())).collect();
    assert_eq!(shown, [("hall1", Some("Room 305"), 2), ("hall2", Some("Room 306"), 2)]);
}
