use super::*;
use crate::clocks::ClockSource;
use crate::config::{Config, ConfigError};
use neerc_xmpp::stanza::address::Address;
use tempfile::TempDir;

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("neerc.toml")
}

fn load(text: &str) -> Result<Config, ConfigError> {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("secret.txt"), "secret\n").unwrap();
    std::fs::write(folder.path().join("webhook.txt"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    std::fs::write(file(&folder), text).unwrap();
    Config::load(&file(&folder), |_| None)
}

/// The line with its key uncommented, if it is one.
fn uncommented(line: &str) -> Option<&str> {
    line.strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' '))
}

#[test]
fn the_file_loads_and_holds_what_was_asked_for() {
    let config = load(&render(ServerKind::Prosody, "example.org", &[], "q\"\\ü", None)).unwrap();
    assert_eq!(config.component.jid.as_str(), "neerc.example.org");
    assert_eq!(config.component.host.as_str(), "example.org");
    assert_eq!(config.component.server.to_string(), "127.0.0.1:5347");
    assert_eq!(config.component.secret.expose(), "q\"\\ü");
    assert_eq!(config.rooms.service.as_str(), "conference.example.org");
    assert_eq!(config.rooms.join, ["neerc".into()]);
    assert_eq!((config.groups.is_configured(), config.clocks.sources), (false, vec![ClockSource::Manual]));
}

#[test]
fn every_commented_line_is_a_valid_key_when_uncommented() {
    let text = render(ServerKind::Prosody, "example.org", &[], "secret", None);
    let lines: Vec<&str> = text.lines().collect();
    let mut keys = 0;
    for at in 0..lines.len() {
        let Some(key) = uncommented(lines[at]) else { continue };
        let mut edited: Vec<&str> = lines.clone();
        edited[at] = key;
        // A section goes with its keys, and a secret in a file instead of the one that stands there.
        let block = lines[..=at].iter().rposition(|line| uncommented(line).is_none()).unwrap_or(0) + 1;
        for (nth, line) in lines.iter().enumerate().skip(block) {
            match uncommented(line) {
                Some(other) if lines[block].starts_with("#[") => edited[nth] = other,
                _ => break,
            }
        }
        if key == "secret_file = \"secret.txt\"" {
            edited.retain(|line| !line.starts_with("secret ="));
        }
        // A path or a URL says nothing without what it is of.
        let source = match key.split_once(" = ") {
            Some(("path", _)) => Some("source = \"file\""),
            Some(("url", value)) if value.contains("/api/") => Some("source = \"clics\""),
            _ => None,
        };
        if let (Some(source), Some(line)) = (source, edited.iter_mut().find(|line| line.starts_with("#source"))) {
            *line = source;
        }
        let loaded = load(&edited.join("\n"));
        assert!(loaded.is_ok(), "{key}: {loaded:?}");
        keys += 1;
    }
    assert_eq!(keys, 54, "45 of the 50 keys, and the three lines of a group, of a clock and of a webhook");
}

#[test]
fn everything_uncommented_loads_too() {
    let text = render(ServerKind::Prosody, "example.org", &[], "secret", None);
    let one_of_many = ["secret =", "#source = \"manual\"", "#path =", "#url = \"https://judge"];
    let lines = text.lines().filter(|line| !one_of_many.iter().any(|start| line.starts_with(start)));
    let lines = lines.filter(|line| !line.starts_with("#[[clocks]]") && !line.starts_with("#rooms ="));
    let text: Vec<&str> = lines.map(|line| uncommented(line).unwrap_or(line)).collect();
    let config = load(&text.join("\n")).unwrap();
    assert_eq!(config.groups.rules.len(), 1);
    assert!(config.groups.directory.is_some() && config.clocks.sources != [ClockSource::Manual]);
}

#[test]
fn prose_is_no_wider_than_the_screen() {
    for line in render(ServerKind::Prosody, "example.org", &[], "secret", None).lines() {
        assert!(line.chars().count() <= 120, "{line}");
    }
}

#[test]
fn a_file_is_kept_unless_told_otherwise() {
    let folder = TempDir::new().unwrap();
    let run = |secret: &str, existing| {
        let wish = Wish { kind: Some(ServerKind::Openfire), host: "Example.org", admins: &[], secret, lines: None };
        run(&file(&folder), wish, existing)
    };
    let printed = run("first", Existing::Keep).unwrap();
    assert!(printed.contains("first") && printed.contains("Openfire 4") && !printed.contains("Prosody"));
    let first = std::fs::read_to_string(file(&folder)).unwrap();
    assert!(first.contains("jid = \"neerc.example.org\"") && first.contains("server = \"127.0.0.1:5275\""));
    let error = run("second", Existing::Keep).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} exists already: give another --config, or --force to replace it and its secret",
            file(&folder).display()
        )
    );
    assert_eq!(std::fs::read_to_string(file(&folder)).unwrap(), first);
    run("second", Existing::Replace).unwrap();
    assert!(std::fs::read_to_string(file(&folder)).unwrap().contains("secret = \"second\""));
}

#[test]
#[cfg(unix)]
fn nobody_else_may_read_the_secret() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    run(&file(&folder), wish("localhost", &[]), Existing::Keep).unwrap();
    assert_eq!(std::fs::metadata(file(&folder)).unwrap().permissions().mode() & 0o077, 0);
}

fn wish<'a>(host: &'a str, admins: &'a [String]) -> Wish<'a> {
    Wish { kind: None, host, admins, secret: "secret", lines: None }
}

#[test]
fn a_host_that_is_no_domain_and_an_admin_who_is_no_account() {
    let nowhere = Path::new("/nowhere/neerc.toml");
    let error = run(nowhere, wish("a@b", &[]), Existing::Keep).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--host is \"a@b\": must be a domain alone, such as neerc.example.org, without user name, resource or port"
    );
    let error = run(nowhere, wish("b", &["a b".to_owned()]), Existing::Keep).unwrap_err();
    assert_eq!(error.to_string(), "--admin is \"a b\": must be an account such as you@b");
    let error = run(nowhere, wish("b", &[]), Existing::Keep).unwrap_err();
    assert_eq!(error.to_string(), "cannot write /nowhere/neerc.toml");
}

#[test]
fn nobody_had_power_in_the_room_that_the_service_made_unless_init_names_them() {
    let folder = TempDir::new().unwrap();
    let admins = ["You".to_owned(), "b@elsewhere.org".to_owned()];
    for (kind, server, jid) in [
        (ServerKind::Prosody, "127.0.0.1:5347", "neerc.example.org"),
        (ServerKind::Ejabberd, "127.0.0.1:5347", "neerc.example.org"),
        (ServerKind::Openfire, "127.0.0.1:5275", "tasks-service@neerc.example.org"),
    ] {
        let wish = Wish { kind: Some(kind), ..wish("example.org", &admins) };
        let printed = run(&file(&folder), wish, Existing::Replace).unwrap();
        assert!(printed.contains("you@example.org, b@elsewhere.org become owners of the room"), "{printed}");
        let config = Config::load(&file(&folder), |_| None).unwrap();
        let owners: Vec<&str> = config.rooms.owners.iter().map(Address::as_str).collect();
        assert_eq!(owners, ["you@example.org", "b@elsewhere.org"]);
        assert_eq!((config.component.server.to_string().as_str(), config.rooms.jid.as_str()), (server, jid));
    }
    let printed = run(&file(&folder), wish("example.org", &[]), Existing::Replace).unwrap();
    for command in [
        "prosodyctl shell 'muc:room(\"neerc@conference.example.org\"):set_affiliation(true,\"admin@example.org\",\"owner\")'",
        "ejabberdctl set_room_affiliation neerc conference.example.org admin@example.org owner ",
        "ejabberdctl set_room_affiliation neerc conference.example.org admin example.org owner ",
        "console: Group Chat > neerc > Permissions: add admin@example.org as owner",
    ] {
        assert!(printed.contains(command), "{command}\n{printed}");
    }
    assert!(printed.lines().all(|line| line.chars().count() <= 140), "{printed}");
}

#[test]
fn printed_lines_name_the_component_its_secret_and_the_rooms() {
    for software in Software::ALL {
        let text = lines::configuration(software, Site { host: "example.org", secret: "s3cret" });
        for part in ["neerc.example.org", "s3cret", "conference"] {
            assert!(text.contains(part) || software == Software::Ejabberd, "{software:?} {part}\n{text}");
        }
    }
    let lua = lines::configuration(Software::Prosody, Site { host: "example.org", secret: "a\"b" });
    assert!(
        lua.contains("admins = { \"neerc.example.org\" }") && lua.contains(r#"component_secret = "a\"b""#),
        "{lua}"
    );
}

#[test]
fn in_a_folder_that_hands_its_group_on_the_group_may_read_the_file_too() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    for (mode, wanted) in [(0o750, 0o600), (0o2750, 0o640)] {
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        let wish = Wish { kind: None, host: "example.org", admins: &[], secret: "secret", lines: None };
        run(&file(&folder), wish, Existing::Replace).unwrap();
        assert_eq!(std::fs::metadata(file(&folder)).unwrap().mode() & 0o7777, wanted);
    }
}

#[test]
fn the_configuration_of_a_package_has_its_store_where_services_keep_theirs() {
    assert_eq!(
        (system_store(Path::new(SYSTEM_CONFIG)), system_store(Path::new("neerc.toml"))),
        (Some(SYSTEM_STORE), None)
    );
    let config = load(&sample()).unwrap();
    assert_eq!(config.store, neerc_store::Url::Sqlite("/var/lib/neerc/neerc.db".into()));
}

#[test]
fn the_lines_for_a_server_go_into_a_file_of_their_own() {
    let folder = TempDir::new().unwrap();
    let lines = folder.path().join("neerc.cfg.lua");
    let run = |secret, existing| {
        let kind = Some(ServerKind::Prosody);
        run(&file(&folder), Wish { kind, host: "example.org", admins: &[], secret, lines: Some(&lines) }, existing)
    };
    let printed = run("s1", Existing::Keep).unwrap();
    assert!(printed.contains("neerc.cfg.lua") && !printed.contains("component_secret"), "{printed}");
    assert!(std::fs::read_to_string(&lines).unwrap().contains("component_secret = \"s1\""));
    assert!(matches!(run("s2", Existing::Keep), Err(InitError::Exists { .. })));
    run("s2", Existing::Replace).unwrap();
    assert!(std::fs::read_to_string(&lines).unwrap().contains("component_secret = \"s2\""));
    assert!(std::fs::read_to_string(file(&folder)).unwrap().contains("secret = \"s2\""));
    std::fs::write(&lines, "VirtualHost \"example.org\"").unwrap();
    assert!(matches!(run("s3", Existing::Replace), Err(InitError::NotOurs { .. })));
    assert!(std::fs::read_to_string(file(&folder)).unwrap().contains("secret = \"s2\""));
}
