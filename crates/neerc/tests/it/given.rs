//! What is given is used or refused, and the program ends with 0, 1 or 2 whatever becomes of what it prints.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::pipe;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use crate::files::{Place, ended, finish};

#[test]
fn a_variable_that_was_no_text_was_not_used_and_nothing_said() {
    let place = Place::new();
    let mut command = place.command(&["check"]);
    let (code, text) = ended(command.env("NEERC_STORE_URL", OsStr::from_bytes(b"sqlite:b\xfccher.db")));
    assert!(code == 2 && text.contains("NEERC_STORE_URL") && text.contains("UTF-8"), "{code} {text}");
    let mut command = place.command(&["check"]);
    let (code, text) = ended(command.env("NEERC_COMPONENT_SECRET", OsStr::from_bytes(b"hunter\xff")));
    assert!(code == 2 && text.contains("NEERC_COMPONENT_SECRET") && !text.contains("hunter"), "{code} {text}");
}

#[test]
fn a_variable_that_is_no_setting_is_said() {
    let place = Place::new();
    let mut command = place.command(&["check"]);
    let (_, text) = ended(command.env("NEERC_STORE_ULR", "sqlite:other.db"));
    assert!(text.contains("NEERC_STORE_ULR") && text.contains("NEERC_STORE_URL"), "{text}");
    let mut command = place.command(&["check"]);
    let (_, text) = ended(command.env(OsStr::from_bytes(b"NEERC_\xff"), "x"));
    assert!(text.contains("WARN  ") && text.contains("NEERC_"), "{text}");
}

#[test]
fn a_store_in_a_folder_whose_name_is_no_text_is_refused() {
    let place = Place::new();
    let folder = place.dir.join(OsStr::from_bytes(b"b\xfccher"));
    fs::create_dir(&folder).unwrap();
    fs::copy(place.file("neerc.toml"), folder.join("neerc.toml")).unwrap();
    let mut command = place.command(&["check", "--config"]);
    let (code, text) = ended(command.arg(folder.join("neerc.toml")));
    assert!(code == 2 && text.contains("store.url") && text.contains("UTF-8"), "{code} {text}");
}

#[test]
fn a_reader_that_went_away_ended_the_program_with_a_panic() {
    let place = Place::new();
    let commands: [&[&str]; 8] = [
        &["check"],
        &["--help"],
        &["backup", "--help"],
        &["--version"],
        &["init", "--config", "a.toml"],
        &["init", "--config", "a.toml"],
        &["backup", "copy.db"],
        &["nonsense"],
    ];
    for arguments in commands {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let mut command = place.command(arguments);
        let child = command.stdout(writer.try_clone().unwrap()).stderr(Stdio::piped()).spawn().unwrap();
        let output = finish(child, &command);
        let (code, text) = (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned());
        assert!((0..=2).contains(&code) && !text.contains("panicked"), "{arguments:?}: {code} {text}");
        assert!(!text.contains("roken pipe"), "{arguments:?}: quietly: {text}");
        let code = place.command(arguments).stdout(writer.try_clone().unwrap()).stderr(writer).output().unwrap();
        assert!((0..=2).contains(&code.status.code().unwrap()), "{arguments:?} without stderr as well: {code:?}");
    }
}

#[test]
fn a_full_disk_behind_the_output_is_said_and_is_a_failure() {
    let place = Place::new();
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [&["check"][..], &["init", "--config", "a.toml"], &["--help"], &["--version"]] {
        let output = place.command(arguments).stdout(full()).output().unwrap();
        let (code, text) = (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned());
        assert!(
            code == 1 && text.contains("cannot write to standard output: No space left"),
            "{arguments:?}: {code} {text}"
        );
        drop(fs::remove_file(place.file("a.toml"))); // what was to be printed is lost, the file is not
        let output = place.command(arguments).stdout(full()).stderr(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    }
    let output = place.command(&["run", "--config", "nowhere"]).stderr(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_secret_file_as_editors_leave_it_is_read() {
    let place = Place::new();
    let text = fs::read_to_string(place.file("neerc.toml")).unwrap();
    fs::write(place.file("neerc.toml"), text.replace("secret = \"s\"", "secret_file = \"secret\"")).unwrap();
    for bytes in [&b"s"[..], b"s\n", b"s\r\n", b"\xef\xbb\xbfs\r\n"] {
        fs::write(place.file("secret"), bytes).unwrap();
        let (_, text) = place.said(&["check"]);
        assert!(text.contains("ok    configuration"), "{bytes:?}: {text}");
    }
    for (bytes, what) in [
        (&b"\xff\xfes\0\n\0"[..], "UTF-8"),
        (b"\xef\xbb\xbf", "must not be empty"),
        (b"\n", "must not be empty"),
        (b"s\n\n", "must be one line"),
        (b"\xef\xbb\xbf\xef\xbb\xbfs", "must be one line"),
    ] {
        fs::write(place.file("secret"), bytes).unwrap();
        let (code, text) = place.said(&["check"]);
        assert!(code == 2 && text.contains("component.secret_file") && text.contains(what), "{bytes:?}: {text}");
    }
    fs::remove_file(place.file("secret")).unwrap();
    fs::create_dir(place.file("secret")).unwrap();
    let (code, text) = place.said(&["check"]);
    assert!(code == 2 && text.contains("component.secret_file"), "{text}");
}
