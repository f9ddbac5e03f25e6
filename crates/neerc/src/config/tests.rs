use super::log::{LogFormat, LogSettings, LogTime};
use super::*;
use super::{check::Check, file::Source, keys::RawStore, keys::variable};
use crate::clocks::{ClockSource, Format, Served};
use crate::http::HttpAddress;
use crate::webhooks::networks::Network;
use crate::webhooks::signature::SigningKeys;
use confique::meta::FieldKind;
use neerc_core::people::GroupRule;
use std::collections::BTreeMap;
use tempfile::TempDir;
use tracing::Level;

/// The shortest file that loads: two lines, `[component]` open for more.
const LEAST: &str = "[component]\njid = \"neerc.localhost\"\nsecret = \"s3cret\"\n";

/// What signs messages to webhooks.
const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Loads the text as `neerc.toml`; an error is its whole text, with the folder left out.
fn load(toml: &str, env: &[(&str, &str)]) -> Result<Config, String> {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("secret.txt"), "from file\n").unwrap();
    std::fs::write(folder.path().join("crlf.txt"), "from file\r\n").unwrap();
    std::fs::write(folder.path().join("two-lines.txt"), "from\nfile\n").unwrap();
    std::fs::write(folder.path().join("empty.txt"), "\n").unwrap();
    let path = folder.path().join("neerc.toml");
    std::fs::write(&path, toml).unwrap();
    let variable = |name: &str| {
        let value = env.iter().find(|(key, _)| *key == name)?.1;
        Some(value.to_owned())
    };
    let prefix = format!("{}/", folder.path().display());
    let config = Config::load(&path, variable);
    if let Err(error) = &config {
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    config.map_err(|error| error.to_string().replace(&prefix, ""))
}

fn error(toml: &str, env: &[(&str, &str)]) -> String {
    load(toml, env).map(|config| format!("loaded: {config:?}")).unwrap_or_else(|error| error)
}

/// The settings in force, one a line.
fn lines(config: &Config) -> Vec<String> {
    let Config { component, rooms, store, groups, tasks, rate, budget, .. } = config;
    let joined = |addresses: &[Address]| addresses.iter().map(Address::as_str).collect::<Vec<_>>().join(", ");
    let mut lines = vec![
        format!("component.jid = {}", component.jid.as_str()),
        format!("component.server = {}", component.server),
        format!("component.secret = {:?}", component.secret),
        format!("component.host = {}", component.host.as_str()),
        format!("rooms.service = {}", rooms.service.as_str()),
        format!("rooms.join = {}", rooms.join.join(", ")),
        format!("rooms.nickname = {}", rooms.nickname),
        format!("rooms.admit_unaffiliated = {}", rooms.admit_unaffiliated),
        format!("rooms.owners = {}", joined(&rooms.owners)),
        format!("rooms.jid = {}", rooms.jid.as_str()),
        format!("store.url = {store}"),
        format!("store.keep_days = {}", config.keep_days),
        format!("store.alone = {:?}", config.alone),
        format!("store.fence = {}", config.fence.join(" ")),
    ];
    lines.extend(groups.rules.iter().map(|rule| format!("group {} = {}", rule.group, rule.patterns.join(", "))));
    lines.extend(groups.rooms.iter().map(|(group, room)| format!("group {group} = members of {}", room.as_str())));
    lines.push(match &groups.directory {
        Some((jid, poll_ms)) => format!("directory = {}, every {poll_ms} ms", jid.as_str()),
        None => "directory = (off)".to_owned(),
    });
    lines.extend([
        format!("tasks.visibility = {:?}", tasks.visibility),
        format!("tasks.wiki_packet = {}", tasks.wiki_packet),
        format!("tasks.spacing_ms = {}", tasks.spacing_ms),
        format!("tasks.max_stanza_bytes = {}", tasks.max_stanza_bytes),
        format!("tasks.remind_min = {}", tasks.patience.remind_ms / 60_000),
        format!("tasks.plan_lapses_min = {}", tasks.patience.lapse_ms.unwrap_or(0) / 60_000),
        format!("clock = {:?}", config.clocks.sources[0]),
        format!(
            "checklists.file = {}",
            config.checklists.iter().map(|file| file.display().to_string()).collect::<String>()
        ),
        format!("limits.requests_per_second = {}", rate.per_second),
        format!("limits.requests_burst = {}", rate.burst),
        format!("limits.requests_burst_of_power = {}", rate.burst_of_power),
        format!("limits.answers_kib_per_second = {}", budget.bytes_per_second / 1_024),
        format!("limits.answers_burst_kib = {}", budget.burst_bytes / 1_024),
        format!("limits.stored_mib_per_day = {}", config.stored_mib_per_day),
        format!("texts.language = {}", config.language.tag()),
        format!("contact.admin = {}", config.contacts.join(", ")),
        format!("web = {}", config.web.as_ref().map_or("off".to_owned(), |web| web.listen.to_string())),
        format!("operations = {}", config.operations.map_or("off".to_owned(), |listen| listen.to_string())),
        format!("log.level = {}", config.log.level),
        format!("log.format = {:?}", config.log.format),
        format!("log.time = {:?}", config.log.time),
    ]);
    lines
}

#[test]
fn the_least_file_gives_the_defaults() {
    let config = load(LEAST, &[]).unwrap();
    let path = config.store.local();
    assert_eq!(path.file_name().unwrap(), "neerc.db");
    assert!(path.is_absolute(), "beside the file: {}", path.display());
    let lines: Vec<String> = lines(&config).into_iter().filter(|line| !line.starts_with("store.url")).collect();
    assert_eq!(
        lines,
        [
            "component.jid = neerc.localhost",
            "component.server = 127.0.0.1:5347",
            "component.secret = (hidden)",
            "component.host = localhost",
            "rooms.service = conference.localhost",
            "rooms.join = neerc",
            "rooms.nickname = neerc",
            "rooms.admit_unaffiliated = false",
            "rooms.owners = ",
            "rooms.jid = neerc.localhost",
            "store.keep_days = 90",
            "store.alone = None",
            "store.fence = ",
            "directory = (off)",
            "tasks.visibility = All",
            "tasks.wiki_packet = true",
            "tasks.spacing_ms = 50",
            "tasks.max_stanza_bytes = 262144",
            "tasks.remind_min = 5",
            "tasks.plan_lapses_min = 60",
            "clock = Manual",
            "checklists.file = ",
            "limits.requests_per_second = 20",
            "limits.requests_burst = 60",
            "limits.requests_burst_of_power = 1000",
            "limits.answers_kib_per_second = 128",
            "limits.answers_burst_kib = 4096",
            "limits.stored_mib_per_day = 64",
            "texts.language = en",
            "contact.admin = ",
            "web = off",
            "operations = off",
            "log.level = INFO",
            "log.format = Text",
            "log.time = Utc",
        ]
    );
}

#[test]
fn everything_can_be_given_in_the_file() {
    let toml = r#"
[component]
jid = "NEERC.Example.org"
server = "[::1]:5275"
secret_file = "secret.txt"
host = "Users.Example.org"
[rooms]
service = "Rooms.Example.org"
join = ["Neerc", "school_2"]
nickname = "The Tasks"
admit_unaffiliated = true
owners = ["You@Example.org"]
jid = "Tasks-service@NEERC.example.org"
[store]
url = "sqlite:/var/lib/neerc/neerc.db"
keep_days = 0
copies = 2
alone = "go on"
fence = ["/etc/neerc/fence", "b"]
[[groups]]
name = "Halls"
members = ["Hall*", "aux?", "boss@elsewhere.org"]
[[groups]]
name = "Jury"
room = "Jury"
[directory]
jid = "Directory@Example.org"
poll_s = 5
[tasks]
visibility = "own"
wiki_packet = false
spacing_ms = 0
max_stanza_bytes = 524288
remind_min = 10
plan_lapses_min = 0
[clock]
file = "/run/clock.xml"
[checklists]
file = "/etc/neerc/scripts.yaml"
[limits]
requests_per_second = 0
requests_burst = 7
requests_burst_of_power = 8
answers_kib_per_second = 0
answers_burst_kib = 9
stored_mib_per_day = 10
[texts]
language = "ru"
[contact]
admin = ["xmpp:admin@example.org", "mailto:admin@example.org"]
[web]
listen = "[::1]:8080"
url = "https://Board.example.org/"
[operations]
listen = "127.0.0.1:9100"
[[webhooks]]
url = "http://[fd00::1]:8000/in?key=1"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
rooms = ["NEERC"]
events = ["answered", "clock"]
allow_private = ["fd00::/16", "10.0.0.5"]
fingerprint = "0000000000000000000000000000000000000000000000000000000000000000"
[log]
level = "trace"
format = "json"
time = "local"
"#;
    let address = |text| Address::parse(text).unwrap();
    let patterns = ["hall*", "aux?", "boss@elsewhere.org"].map(str::to_owned).to_vec();
    let expect = Config {
        component: Component {
            jid: address("neerc.example.org"),
            server: HostPort { host: "::1".to_owned(), port: 5275 },
            secret: Secret("from file".to_owned()),
            secret_at: None,
            host: address("users.example.org"),
        },
        rooms: ChatRooms {
            service: address("rooms.example.org"),
            join: vec!["neerc".into(), "school_2".into()],
            nickname: "The Tasks".to_owned(),
            admit_unaffiliated: true,
            owners: vec![address("you@example.org")],
            jid: address("tasks-service@neerc.example.org"),
        },
        store: Url::Sqlite(PathBuf::from("/var/lib/neerc/neerc.db")),
        store_secret_at: None,
        keep_days: 0,
        alone: Some(Alone::GoOn),
        fence: vec!["/etc/neerc/fence".into(), "b".into()],
        groups: GroupSettings {
            rules: vec![GroupRule { group: "Halls".into(), patterns }],
            rooms: vec![("Jury".into(), address("jury@rooms.example.org"))],
            directory: Some((address("directory@example.org"), 5_000)),
        },
        lists: Vec::new(),
        tasks: Tasks {
            visibility: Visibility::Own,
            wiki_packet: false,
            spacing_ms: 0,
            max_stanza_bytes: 524_288,
            patience: Patience { remind_ms: 600_000, lapse_ms: None },
        },
        clocks: Clockwork {
            sources: vec![ClockSource::File(PathBuf::from("/run/clock.xml"), Format::Pcms)],
            of_room: BTreeMap::new(),
        },
        checklists: Some(PathBuf::from("/etc/neerc/scripts.yaml")),
        rate: Rate { per_second: 0, burst: 7, burst_of_power: 8 },
        budget: Budget { bytes_per_second: 0, burst_bytes: 9 * 1_024 },
        stored_mib_per_day: 10,
        language: Language::Russian,
        contacts: vec!["xmpp:admin@example.org".to_owned(), "mailto:admin@example.org".to_owned()],
        web: Some(WebAddress {
            listen: "[::1]:8080".parse().unwrap(),
            url: WebUrl::parse("https://board.example.org"),
        }),
        operations: Some("127.0.0.1:9100".parse().unwrap()),
        webhooks: vec![Webhook {
            address: HttpAddress {
                url: "http://[fd00::1]:8000/in?key=1".to_owned(),
                fingerprint: Some([0; 32]),
                ..HttpAddress::default()
            },
            keys: SigningKeys::parse(SIGNING).unwrap(),
            rooms: vec!["neerc".into()],
            types: vec!["answered", "clock"],
            private: ["fd00::/16", "10.0.0.5"].map(|text| Network::parse(text).unwrap()).to_vec(),
        }],
        log: LogSettings { level: Level::TRACE, format: LogFormat::Json, time: LogTime::Local },
    };
    let mut loaded = load(toml, &[]).unwrap();
    assert!(loaded.component.secret_at.take().unwrap().ends_with("secret.txt"));
    assert_eq!(loaded, expect);
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let toml = format!(
        "{LEAST}[tasks]\nspacing_ms = 70\nmax_stanza_bytes = 20000\n[[groups]]\nname = \"Old\"\nroom = \"old\"\n"
    );
    let env = [
        ("NEERC_TASKS_SPACING_MS", " 80 "),
        ("NEERC_TASKS_WIKI_PACKET", "No"),
        ("NEERC_ROOMS_JOIN", "neerc, School,"),
        ("NEERC_COMPONENT_SERVER", "xmpp:5275"),
        ("NEERC_GROUPS", "Halls=hall*, aux? ; Jury = room:Jury;"),
        ("NEERC_ROOMS_NICKNAME", ""),
    ];
    let config = load(&toml, &env).unwrap();
    assert_eq!((config.tasks.spacing_ms, config.tasks.max_stanza_bytes), (80, 20_000));
    assert!(!config.tasks.wiki_packet);
    assert_eq!(config.rooms.join, ["neerc".into(), "school".into()]);
    assert_eq!(config.rooms.nickname, "neerc", "an empty variable is no value");
    assert_eq!(config.component.server.to_string(), "xmpp:5275");
    let patterns = vec!["hall*".to_owned(), "aux?".to_owned()];
    assert_eq!(config.groups.rules, [GroupRule { group: "Halls".into(), patterns }]);
    let jury = Address::parse("jury@conference.localhost").unwrap();
    assert_eq!(config.groups.rooms, [("Jury".into(), jury)]);
}

#[test]
fn a_secret_in_the_environment_replaces_the_one_in_the_file_in_either_form() {
    let jid = "[component]\njid = \"neerc.localhost\"\n";
    let secret = "secret = \"s3cret\"\n";
    let file = "secret_file = \"crlf.txt\"\n";
    let by_text = ("NEERC_COMPONENT_SECRET", "from env");
    let by_file = ("NEERC_COMPONENT_SECRET_FILE", "secret.txt");
    for (written, env, expect) in [
        (secret, None, "s3cret"),
        (file, None, "from file"),
        (secret, Some(by_text), "from env"),
        (file, Some(by_text), "from env"),
        (secret, Some(by_file), "from file"),
        ("", Some(by_file), "from file"),
    ] {
        let env: Vec<_> = env.into_iter().collect();
        let config = load(&format!("{jid}{written}"), &env).unwrap();
        assert_eq!(config.component.secret.expose(), expect, "{written} {env:?}");
    }
    assert_eq!(
        error(&format!("{jid}{secret}{file}"), &[]),
        "neerc.toml:4: both component.secret and component.secret_file are given: keep one of them"
    );
    assert_eq!(
        error(jid, &[by_text, by_file]),
        "NEERC_COMPONENT_SECRET_FILE: both component.secret and component.secret_file are given: keep one of them"
    );
}

#[test]
fn a_secret_can_be_what_systemd_hands_over() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("component"), "from systemd").unwrap();
    let credentials = [("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap())];
    let file =
        |name| format!("[component]\njid = \"neerc.localhost\"\nsecret_file = \"${{CREDENTIALS_DIRECTORY}}/{name}\"");
    let config = load(&file("component"), &credentials).unwrap();
    assert_eq!(config.component.secret.expose(), "from systemd");
    assert_eq!(config.component.secret_at, Some(folder.path().join("component")));
    assert_eq!(
        error(&file("component"), &[]),
        "neerc.toml:3: component.secret_file is \"${CREDENTIALS_DIRECTORY}/component\": CREDENTIALS_DIRECTORY is not set: \
         systemd sets it for units with LoadCredential=; elsewhere give the path of a file"
    );
    for name in ["", "..", "a/b"] {
        assert!(
            error(&file(name), &credentials).ends_with("must name a credential of systemd after the folder"),
            "{name}"
        );
    }
    let clock = "[clock]\nsource = \"json\"\nurl = \"https://localhost/clock\"\nuser = \"u\"\n\
                 password_file = \"${CREDENTIALS_DIRECTORY}/component\"";
    let config = load(&format!("{LEAST}{clock}"), &credentials).unwrap();
    let [ClockSource::Http(address, _)] = &config.clocks.sources[..] else { panic!("{:?}", config.clocks) };
    assert_eq!(address.login, Some(("u".to_owned(), "from systemd".to_owned())));
}

/// (file, its error)
const WRONG_FILES: &[(&str, &str)] = &[
    (
        "",
        "neerc.toml: component.jid is missing: give the service's own domain, such as neerc.example.org (or set NEERC_COMPONENT_JID)",
    ),
    (
        "\n[component]\n",
        "neerc.toml:2: component.jid is missing: give the service's own domain, such as neerc.example.org (or set NEERC_COMPONENT_JID)",
    ),
    (
        "[component]\njid = \"n.localhost\"",
        "neerc.toml:1: component.secret is missing: give component.secret or component.secret_file (or set NEERC_COMPONENT_SECRET)",
    ),
    (
        "[component]\njid = \"neerc\"",
        "neerc.toml:1: component.host is missing: give the users' domain, since it cannot be told from component.jid \"neerc\" (or set NEERC_COMPONENT_HOST)",
    ),
    (
        "[component]\njid = \"neerc@localhost\"",
        "neerc.toml:2: component.jid is \"neerc@localhost\": must be a domain alone, such as neerc.example.org, without user name, resource or port",
    ),
    ("[component]\njid = neerc", "neerc.toml:2: component.jid: a text must stand in quotes"),
    ("[component]\njid = 7", "neerc.toml:2: component.jid is integer 7, but must be a text in quotes"),
    ("[component]\nsecret = hunter2", "neerc.toml:2: component.secret: a text must stand in quotes"),
    (
        "[component]\nsecret = [\"hunter2\"]",
        "neerc.toml:2: component.secret is of another type, but must be a text in quotes",
    ),
    ("component = \"hunter2\"", "neerc.toml:1: component is of another type, but must be a section of keys"),
    ("component = { secret = 1, jid = 2 }", "neerc.toml:1: component.jid is integer 2, but must be a text in quotes"),
    (
        "component = { secret = 1, jid = \"n.localhost\" }",
        "neerc.toml:1: component.secret is of another type, but must be a text in quotes",
    ),
    ("component.'secret' = 1", "neerc.toml:1: component.secret is of another type, but must be a text in quotes"),
    ("[rooms]\njoin = [\n  \"a\",\n  neerc,\n]", "neerc.toml:4: rooms.join: a text must stand in quotes"),
    ("[rooms]\njoin = [\n  \"a\",\n  7,\n]", "neerc.toml:4: rooms.join is integer 7, but must be a text in quotes"),
    ("[log]\nlevel = \"info", "neerc.toml:2: log.level: invalid basic string, expected `\"`"),
    (
        "[component]\nsecert = \"hunter2\"",
        "neerc.toml:2: unknown key `component.secert`; allowed here: `jid`, `server`, `secret`, `secret_file`, `host`",
    ),
    ("[component]\njid = \"a\"\njid = \"b\"", "neerc.toml:3: duplicate key"),
    (
        "[task]\n",
        "neerc.toml:1: unknown key `task`; allowed here: `component`, `rooms`, `store`, `groups`, `directory`, `tasks`, `clock`, `clocks`, `checklists`, `limits`, `texts`, `contact`, `web`, `operations`, `webhooks`, `log`",
    ),
    (
        "[store]\npath = \"x\"",
        "neerc.toml:2: unknown key `store.path`; allowed here: `url`, `keep_days`, `copies`, `alone`, `fence`, `password_file`, `folder`",
    ),
    (
        "store = { path = \"x\" }",
        "neerc.toml:1: unknown key `store.path`; allowed here: `url`, `keep_days`, `copies`, `alone`, `fence`, `password_file`, `folder`",
    ),
    (
        "tasks.spacing = 1",
        "neerc.toml:1: unknown key `tasks.spacing`; allowed here: `visibility`, `wiki_packet`, `spacing_ms`, `max_stanza_bytes`, `remind_min`, `plan_lapses_min`",
    ),
    (
        "[[groups]]\nname = \"a\"\nusers = \"b\"",
        "neerc.toml:3: unknown key `groups.users`; allowed here: `name`, `members`, `room`, `file`, `command`, `user`, `volunteers`, `token_file`, `ca_file`, `year`, `day`, `poll_s`",
    ),
    (
        "# one\n[tasks]\n# two\nspacing_ms = \"fast\"",
        "neerc.toml:4: tasks.spacing_ms is string \"fast\", but must be a whole number",
    ),
    ("[tasks]\nwiki_packet = 1", "neerc.toml:2: tasks.wiki_packet is integer 1, but must be true or false"),
    ("[rooms]\njoin = \"neerc\"", "neerc.toml:2: rooms.join is string \"neerc\", but must be a list in brackets"),
    ("tasks = 1", "neerc.toml:1: tasks is integer 1, but must be a section of keys"),
    ("[tasks\n", "neerc.toml:1: tasks: unclosed table, expected `]`"),
];

/// (what follows the least file, whose lines are 1 to 3, its error)
const WRONG_VALUES: &[(&str, &str)] = &[
    (
        "server = \"localhost\"",
        "neerc.toml:4: component.server is \"localhost\": must be host:port, such as 127.0.0.1:5347 or [::1]:5347",
    ),
    (
        "server = \"localhost:0\"",
        "neerc.toml:4: component.server is \"localhost:0\": must be host:port, such as 127.0.0.1:5347 or [::1]:5347",
    ),
    (
        "server = \"::1:5347\"",
        "neerc.toml:4: component.server is \"::1:5347\": must be host:port, such as 127.0.0.1:5347 or [::1]:5347",
    ),
    (
        "host = \"a..b\"",
        "neerc.toml:4: component.host is \"a..b\": must be a domain alone, such as neerc.example.org, without user name, resource or port",
    ),
    (
        "[rooms]\nservice = \"a/b\"",
        "neerc.toml:5: rooms.service is \"a/b\": must be a domain alone, such as neerc.example.org, without user name, resource or port",
    ),
    ("[rooms]\njoin = []", "neerc.toml:5: rooms.join is []: must name at least one room"),
    (
        "[rooms]\njoin = [\"a\", \"b c\"]",
        "neerc.toml:5: rooms.join is \"b c\": a room's name must be of the letters a-z, digits and _, without domain: \
         the NEERC protocol has no others",
    ),
    (
        "[rooms]\nowners = [\"admin\"]",
        "neerc.toml:5: rooms.owners is \"admin\": must be an account such as you@example.org",
    ),
    (
        "[rooms]\njid = \"tasks@neerc.localhost\"",
        "neerc.toml:5: rooms.jid is \"tasks@neerc.localhost\": must be neerc.localhost, or a name at it that no room can have, such as tasks-service@neerc.localhost",
    ),
    ("[rooms]\njoin = [\"a\", \"A\"]", "neerc.toml:5: rooms.join is \"a\": must be named once only, ignoring case"),
    (
        "[rooms]\nnickname = \"Hallmaster\"",
        "neerc.toml:5: rooms.nickname is \"Hallmaster\": must not start with \"hall\": clients would take the service for a hall",
    ),
    (
        "[rooms]\nnickname = \" neerc\"",
        "neerc.toml:5: rooms.nickname is \" neerc\": must be one line of 1 to 255 bytes, without blanks around it",
    ),
    (
        "[store]\nurl = \"postgres://u:hunter2@db\"",
        "neerc.toml:5: store.url is \"postgres:...\": it names no database; write postgres://USER@HOST/DATABASE",
    ),
    (
        "[store]\nurl = \"mysql://u:hunter2@db/neerc\"",
        "neerc.toml:5: store.url is \"...@db/neerc\": must be \"sqlite:\" and a path, such as sqlite:neerc.db or sqlite:/var/lib/neerc/neerc.db, or a database such as postgres://neerc@localhost/neerc",
    ),
    (
        "[store]\nurl = \"neerc.db\"",
        "neerc.toml:5: store.url is \"neerc.db\": must be \"sqlite:\" and a path, such as sqlite:neerc.db or sqlite:/var/lib/neerc/neerc.db, or a database such as postgres://neerc@localhost/neerc",
    ),
    (
        "[store]\nurl = \"sqlite:\"",
        "neerc.toml:5: store.url is \"sqlite:\": must be \"sqlite:\" and a path, such as sqlite:neerc.db or sqlite:/var/lib/neerc/neerc.db, or a database such as postgres://neerc@localhost/neerc",
    ),
    (
        "[store]\nfence = [\"fence\"]",
        "neerc.toml:5: store.fence is \"fence\": must be a list that begins with the whole path of a program, such as [\"/etc/neerc/fence\"]",
    ),
    ("[store]\nalone = \"stop\"", "neerc.toml:5: store.alone is \"stop\": must be \"wait\" or \"go on\""),
    ("[store]\ncopies = 3", "neerc.toml:5: store.copies is 3: must be 1 to 2"),
    (
        "[store]\nurl = \"sqlite::memory:\"",
        "neerc.toml:5: store.url is \"sqlite::memory:\": must be a file: what is answered is on disk",
    ),
    ("[[groups]]\nroom = \"a\"", "neerc.toml:4: groups.name is missing: give the group a name, such as \"Halls\""),
    (
        "[[groups]]\nname = \"a\"",
        "neerc.toml:4: groups.members is missing: give the group \"a\" members, a room, a file, a command or volunteers",
    ),
    (
        "[[groups]]\nname = \"a\"\nmembers = [\"b\"]\nfile = \"c\"",
        "neerc.toml:5: groups.name is \"a\": has members and file: keep one",
    ),
    (
        "[[groups]]\ncommand = [\"people\"]",
        "neerc.toml:5: groups.command is \"people\": must be a list that begins with the whole path of a program, such as [\"/usr/local/bin/people\"]",
    ),
    ("[[groups]]\nfile = \"people.csv\"\npoll_s = 0", "neerc.toml:6: groups.poll_s is \"0\": must be 1 to 86400 s"),
    (
        "[[groups]]\nvolunteers = \"http://example.org\"",
        "neerc.toml:5: groups.volunteers is \"http://example.org\": would send the login over the network for everybody to read; use https",
    ),
    (
        "[[groups]]\nvolunteers = \"https://example.org\"",
        "neerc.toml:4: groups.token_file is missing: name the file that holds the token of the volunteers service",
    ),
    (
        "[[groups]]\nname = \"a\"\nmembers = []",
        "neerc.toml:6: groups.members is missing: give the group \"a\" members, a room, a file, a command or volunteers",
    ),
    (
        "[[groups]]\nname = \"a\"\nmembers = [\"b\"]\nroom = \"c\"",
        "neerc.toml:5: groups.name is \"a\": has members and room: keep one",
    ),
    (
        "[[groups]]\nname = \"a\"\nroom = \"a\"\n[[groups]]\nname = \"A\"\nroom = \"b\"",
        "neerc.toml:8: groups.name is \"A\": must differ from the others, ignoring case",
    ),
    (
        "[[groups]]\nname = \"a\"\nroom = \"a\"\n[[groups]]\nname = \"b\"\nroom = \"b@c\"",
        "neerc.toml:9: groups.room is \"b@c\": a room's name must be of the letters a-z, digits and _, without domain: \
         the NEERC protocol has no others",
    ),
    (
        "[[groups]]\nname = \"a\"\nmembers = [\"hall 1\"]",
        "neerc.toml:6: groups.members is \"hall 1\": must be a user name such as hall1 or boss@example.org; * stands for any characters, ? for one",
    ),
    (
        "[directory]\njid = \"directory\"",
        "neerc.toml:5: directory.jid is \"directory\": must be an account without resource, such as directory@example.org",
    ),
    (
        "[directory]\njid = \"a@b/c\"",
        "neerc.toml:5: directory.jid is \"a@b/c\": must be an account without resource, such as directory@example.org",
    ),
    ("[directory]\njid = \"a@b\"\npoll_s = 0", "neerc.toml:6: directory.poll_s is 0: must be 1 to 86400"),
    ("[tasks]\nvisibility = \"some\"", "neerc.toml:5: tasks.visibility is \"some\": must be \"all\" or \"own\""),
    ("[ tasks ] # how\n'spacing_ms' = -1", "neerc.toml:5: tasks.spacing_ms is -1: must be 0 to 10000"),
    (
        "[rooms]\nnickname = \"\"\"\n[tasks]\nspacing_ms = 1\"\"\"\n[tasks]\nspacing_ms = -1",
        "neerc.toml:5: rooms.nickname is \"[tasks]\\nspacing_ms = 1\": must be one line of 1 to 255 bytes, without blanks around it",
    ),
    ("[checklists]\nfile = \"\"", "neerc.toml:5: checklists.file is \"\": must be the path of a file"),
    ("[tasks]\nspacing_ms = -1", "neerc.toml:5: tasks.spacing_ms is -1: must be 0 to 10000"),
    ("[tasks]\nremind_min = 0", "neerc.toml:5: tasks.remind_min is 0: must be 1 to 1440"),
    ("[tasks]\nplan_lapses_min = 10081", "neerc.toml:5: tasks.plan_lapses_min is 10081: must be 0 to 10080"),
    ("[tasks]\nspacing_ms = 10001", "neerc.toml:5: tasks.spacing_ms is 10001: must be 0 to 10000"),
    ("[tasks]\nmax_stanza_bytes = 16383", "neerc.toml:5: tasks.max_stanza_bytes is 16383: must be 16384 to 524288"),
    ("[tasks]\nmax_stanza_bytes = 524289", "neerc.toml:5: tasks.max_stanza_bytes is 524289: must be 16384 to 524288"),
    (
        "[clock]\nsource = \"file\"",
        "neerc.toml:4: clock.path is missing: source is \"file\": give the path of the clock file",
    ),
    (
        "[clock]\nsource = \"pcms\"",
        "neerc.toml:5: clock.source is \"pcms\": must be \"file\", \"clics\", \"json\" or \"manual\"",
    ),
    (
        "[clock]\nurl = \"https://x/y\"",
        "neerc.toml:4: clock.source is missing: say what the path or url is: \"file\", \"clics\" or \"json\"",
    ),
    (
        "[clock]\nsource = \"clics\"\nurl = \"judge.example.org\"",
        "neerc.toml:6: clock.url is \"judge.example.org\": must begin with https://",
    ),
    (
        "[clock]\nsource = \"json\"\nurl = \"http://example.org/x\"",
        "neerc.toml:6: clock.url is \"http://example.org/x\": would send the login over the network for everybody to read; use https",
    ),
    (
        "[clock]\nsource = \"json\"\nurl = \"https://x/y\"\nuser = \"neerc\"",
        "neerc.toml:4: clock.password is missing: give password or password_file",
    ),
    (
        "[clock]\nsource = \"clics\"\nurl = \"https://x/y\"\nfingerprint = \"00\"",
        "neerc.toml:7: clock.fingerprint is \"00\": must be the SHA-256 of the certificate: 64 hexadecimal digits, with or without colons",
    ),
    (
        "[clock]\nfile = \"x\"\nsource = \"json\"",
        "neerc.toml:5: clock.file is \"x\": is source = \"file\" and path in one, so neither another source nor path or url fits beside it",
    ),
    (
        "[[clocks]]\nsource = \"manual\"",
        "neerc.toml:4: clocks.rooms is missing: name the rooms that have this clock, such as [\"school\"]",
    ),
    ("[[clocks]]\nrooms = [\"school\"]", "neerc.toml:5: clocks.rooms is \"school\": is not among rooms.join"),
    (
        "[[clocks]]\nrooms = [\"neerc\"]\n[[clocks]]\nrooms = [\"NEERC\"]",
        "neerc.toml:7: clocks.rooms is \"NEERC\": has a clock already",
    ),
    (
        "[[clocks]]\nrooms = [\"neerc\"]\nsource = \"clics\"",
        "neerc.toml:4: clocks.url is missing: source is \"clics\": give the contest's own address, https://host/api/contests/demo",
    ),
    ("[clock]\nfile = \"\"", "neerc.toml:5: clock.file is \"\": must be the path of a file"),
    ("[texts]\nlanguage = \"RU\"", "neerc.toml:5: texts.language is \"RU\": must be en or ru"),
    (
        "[contact]\nadmin = [\"xmpp:a@b\", \"a@b\"]",
        "neerc.toml:5: contact.admin is \"a@b\": must be a URI such as xmpp:admin@example.org",
    ),
    (
        "[web]\nlisten = \"localhost:8080\"",
        "neerc.toml:5: web.listen is \"localhost:8080\": must be an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080",
    ),
    (
        "[web]\nlisten = \"0.0.0.0:8080\"",
        "neerc.toml:4: web.url is missing: say under which address people open the board, such as https://board.example.org (or set NEERC_WEB_URL)",
    ),
    (
        "[web]\nurl = \"https://board.example.org/neerc\"",
        "neerc.toml:5: web.url is \"https://board.example.org/neerc\": must be http:// or https:// and a host, such as https://board.example.org, without a path",
    ),
    (
        "[operations]\nlisten = \"9100\"",
        "neerc.toml:5: operations.listen is \"9100\": must be an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080",
    ),
    ("[log]\nformat = \"xml\"", "neerc.toml:5: log.format is \"xml\": must be text or json"),
    ("[log]\ntime = \"Moscow\"", "neerc.toml:5: log.time is \"Moscow\": must be utc or local"),
    ("[log]\nlevel = \"loud\"", "neerc.toml:5: log.level is \"loud\": must be error, warn, info, debug or trace"),
];

/// (variable, value, error)
const WRONG_VARIABLES: &[(&str, &str, &str)] = &[
    ("NEERC_TASKS_SPACING_MS", "fast", "NEERC_TASKS_SPACING_MS: its value is \"fast\", but must be a whole number"),
    ("NEERC_TASKS_SPACING_MS", "99999", "NEERC_TASKS_SPACING_MS: tasks.spacing_ms is 99999: must be 0 to 10000"),
    ("NEERC_TASKS_WIKI_PACKET", "maybe", "NEERC_TASKS_WIKI_PACKET: its value is \"maybe\", but must be true or false"),
    (
        "NEERC_ROOMS_JOIN",
        "a,b c",
        "NEERC_ROOMS_JOIN: rooms.join is \"b c\": a room's name must be of the letters a-z, digits and _, without domain: \
         the NEERC protocol has no others",
    ),
    ("NEERC_ROOMS_JOIN", ",", "NEERC_ROOMS_JOIN: rooms.join is []: must name at least one room"),
    (
        "NEERC_GROUPS",
        "Halls",
        "NEERC_GROUPS: its value is \"Halls\", but must be NAME=USER,USER or NAME=room:ROOM, with semicolons between groups",
    ),
    (
        "NEERC_GROUPS",
        "Halls=",
        "NEERC_GROUPS: groups.members is missing: give the group \"Halls\" members, a room, a file, a command or volunteers",
    ),
    (
        "NEERC_COMPONENT_SECRET",
        "hunter2\n",
        "NEERC_COMPONENT_SECRET: component.secret is (hidden): must be one line without control characters",
    ),
    (
        "NEERC_COMPONENT_SECRET_FILE",
        "two-lines.txt",
        "NEERC_COMPONENT_SECRET_FILE: component.secret_file is (hidden): must be one line without control characters",
    ),
    (
        "NEERC_COMPONENT_SECRET_FILE",
        "empty.txt",
        "NEERC_COMPONENT_SECRET_FILE: component.secret_file is (hidden): must not be empty",
    ),
    (
        "NEERC_COMPONENT_SECRET_FILE",
        "nowhere.txt",
        "NEERC_COMPONENT_SECRET_FILE: cannot read component.secret_file nowhere.txt",
    ),
];

#[test]
fn errors_name_the_place_the_key_the_value_and_what_would_be_right() {
    let files = WRONG_FILES.iter().map(|(toml, expect)| ((*toml).to_owned(), *expect));
    let values = WRONG_VALUES.iter().map(|(rest, expect)| (format!("{LEAST}{rest}\n"), *expect));
    let files = files.chain(values).map(|(toml, expect)| (error(&toml, &[]), expect));
    let variables = WRONG_VARIABLES.iter();
    let variables = variables.map(|(name, value, expect)| (error(LEAST, &[(name, value)]), *expect));
    let wrong: Vec<_> = files.chain(variables).filter(|(said, expect)| said != expect).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_file_that_is_not_there() {
    let error = Config::load(Path::new("/nowhere/neerc.toml"), |_| None).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the configuration /nowhere/neerc.toml (`neerc init` writes a new one)");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn paths_are_relative_to_the_file() {
    let base = |path| Check { source: Source::new(Path::new(path), ""), variables: BTreeSet::new(), credentials: None };
    let raw = |url: &str| RawStore {
        url: url.to_owned(),
        keep_days: 0,
        copies: 1,
        alone: String::new(),
        fence: Vec::new(),
        password_file: None,
        folder: None,
    };
    let store = |path, url| base(path).store(raw(url)).unwrap();
    assert_eq!(store("neerc.toml", "sqlite:neerc.db"), Url::Sqlite("neerc.db".into()));
    assert_eq!(store("/etc/neerc/neerc.toml", "sqlite:a/b.db"), Url::Sqlite("/etc/neerc/a/b.db".into()));
    assert_eq!(store("/etc/neerc/neerc.toml", "sqlite:/b.db"), Url::Sqlite("/b.db".into()));
    assert_eq!(base("/etc/neerc.toml").beside("clock.file", "c.xml").unwrap(), Path::new("/etc/c.xml"));
}

#[test]
fn nothing_prints_the_secret() {
    let config = load(&LEAST.replace("s3cret", "hunter2"), &[]).unwrap();
    assert_eq!(config.component.secret.expose(), "hunter2");
    for text in [format!("{config:?}"), format!("{config:#?}"), lines(&config).join("\n")] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn every_key_has_its_environment_variable_and_its_words() {
    let mut leaves = 0;
    for section in KEYS.fields {
        assert!(!section.doc.is_empty(), "{}", section.name);
        let keys = match section.kind {
            FieldKind::Nested { meta } => meta.fields.to_vec(),
            FieldKind::Leaf { env, .. } => {
                assert_eq!(env, Some(&*format!("NEERC_{}", section.name.to_uppercase())));
                continue;
            }
        };
        for key in keys {
            let FieldKind::Leaf { env, .. } = key.kind else { panic!("{} is a section in a section", key.name) };
            let path = format!("{}.{}", section.name, key.name);
            assert_eq!(env, Some(&*format!("NEERC_{}", path.replace('.', "_").to_uppercase())));
            assert_eq!(variable(&path), env);
            assert!(!key.doc.is_empty(), "{path}");
            leaves += 1;
        }
    }
    assert_eq!(leaves, 50, "a new key needs a row in the tables above");
}

#[test]
fn every_variable_is_heard() {
    let rows = [
        ("NEERC_COMPONENT_JID", "x.org", "component.jid = x.org"),
        ("NEERC_COMPONENT_SERVER", "x:1", "component.server = x:1"),
        ("NEERC_COMPONENT_HOST", "x.org", "component.host = x.org"),
        ("NEERC_ROOMS_SERVICE", "x.org", "rooms.service = x.org"),
        ("NEERC_ROOMS_JOIN", "x,y", "rooms.join = x, y"),
        ("NEERC_CHECKLISTS_FILE", "/a.yaml", "checklists.file = /a.yaml"),
        ("NEERC_ROOMS_NICKNAME", "x", "rooms.nickname = x"),
        ("NEERC_ROOMS_ADMIT_UNAFFILIATED", "1", "rooms.admit_unaffiliated = true"),
        ("NEERC_ROOMS_OWNERS", "You@x.org, b@y", "rooms.owners = you@x.org, b@y"),
        ("NEERC_ROOMS_JID", "a-b@neerc.localhost", "rooms.jid = a-b@neerc.localhost"),
        ("NEERC_STORE_URL", "sqlite:/x.db", "store.url = sqlite:/x.db"),
        ("NEERC_STORE_KEEP_DAYS", "30", "store.keep_days = 30"),
        ("NEERC_STORE_FENCE", "/x/y, z", "store.fence = /x/y z"),
        ("NEERC_STORE_COPIES", "2", "store.alone = Some(Wait)"),
        ("NEERC_GROUPS", "X=room:y", "group X = members of y@conference.localhost"),
        ("NEERC_DIRECTORY_JID", "x@y", "directory = x@y, every 60000 ms"),
        ("NEERC_TASKS_VISIBILITY", "own", "tasks.visibility = Own"),
        ("NEERC_TASKS_WIKI_PACKET", "0", "tasks.wiki_packet = false"),
        ("NEERC_TASKS_SPACING_MS", "1", "tasks.spacing_ms = 1"),
        ("NEERC_TASKS_MAX_STANZA_BYTES", "16384", "tasks.max_stanza_bytes = 16384"),
        ("NEERC_TASKS_REMIND_MIN", "7", "tasks.remind_min = 7"),
        ("NEERC_TASKS_PLAN_LAPSES_MIN", "90", "tasks.plan_lapses_min = 90"),
        ("NEERC_CLOCK_FILE", "/x.xml", "clock = File(\"/x.xml\", Pcms)"),
        ("NEERC_LIMITS_REQUESTS_PER_SECOND", "5", "limits.requests_per_second = 5"),
        ("NEERC_LIMITS_REQUESTS_BURST", "9", "limits.requests_burst = 9"),
        ("NEERC_LIMITS_REQUESTS_BURST_OF_POWER", "7", "limits.requests_burst_of_power = 7"),
        ("NEERC_LIMITS_ANSWERS_KIB_PER_SECOND", "6", "limits.answers_kib_per_second = 6"),
        ("NEERC_LIMITS_ANSWERS_BURST_KIB", "4", "limits.answers_burst_kib = 4"),
        ("NEERC_LIMITS_STORED_MIB_PER_DAY", "3", "limits.stored_mib_per_day = 3"),
        ("NEERC_TEXTS_LANGUAGE", "ru", "texts.language = ru"),
        ("NEERC_CONTACT_ADMIN", "xmpp:a@b,mailto:c@d", "contact.admin = xmpp:a@b, mailto:c@d"),
        ("NEERC_WEB_LISTEN", "127.0.0.1:1", "web = 127.0.0.1:1"),
        ("NEERC_OPERATIONS_LISTEN", "[::1]:1", "operations = [::1]:1"),
        ("NEERC_LOG_LEVEL", "error", "log.level = ERROR"),
        ("NEERC_LOG_FORMAT", "json", "log.format = Json"),
        ("NEERC_LOG_TIME", "local", "log.time = Local"),
    ];
    for (name, value, line) in rows {
        let lines = lines(&load(LEAST, &[(name, value)]).unwrap());
        assert!(lines.iter().any(|one| one == line), "{name}: {lines:?}");
    }
    let env = [("NEERC_DIRECTORY_JID", "x@y"), ("NEERC_DIRECTORY_POLL_S", "7")];
    assert!(lines(&load(LEAST, &env).unwrap()).iter().any(|line| line == "directory = x@y, every 7000 ms"));
    let json = [("NEERC_CLOCK_SOURCE", "json"), ("NEERC_CLOCK_PATH", "/x.json")];
    assert_eq!(load(LEAST, &json).unwrap().clocks.sources, [ClockSource::File("/x.json".into(), Format::Json)]);
    let (fingerprint, url) = ("0F:".repeat(31) + "0F", "https://x.org/api/contests/demo");
    let clics = [
        ("NEERC_CLOCK_SOURCE", "clics"),
        ("NEERC_CLOCK_URL", url),
        ("NEERC_CLOCK_USER", "neerc"),
        ("NEERC_CLOCK_PASSWORD", "hunter2"),
        ("NEERC_CLOCK_CA_FILE", "/ca.pem"),
        ("NEERC_CLOCK_FINGERPRINT", &fingerprint),
    ];
    let config = load(LEAST, &clics).unwrap();
    let ClockSource::Http(address, Served::Clics) = &config.clocks.sources[0] else { panic!("{config:?}") };
    assert_eq!((address.url.as_str(), address.fingerprint), (url, Some([15; 32])));
    assert_eq!(address.login, Some(("neerc".to_owned(), "hunter2".to_owned())));
    assert_eq!(address.ca_file.as_deref(), Some(Path::new("/ca.pem")));
    assert!(!format!("{config:?}").contains("hunter2"));
    let folder = TempDir::new().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "hunter2\n").unwrap();
    let at = folder.path().to_str().unwrap();
    let postgres = |url| {
        [
            ("NEERC_STORE_URL", url),
            ("NEERC_STORE_FOLDER", at),
            ("NEERC_STORE_PASSWORD_FILE", password.to_str().unwrap()),
        ]
    };
    let config = load(LEAST, &postgres("postgres://neerc@a,b:5433/tasks")).unwrap();
    assert_eq!(config.store.to_string(), "postgres://neerc@a,b:5433/tasks");
    assert_eq!(config.store.local(), folder.path().join("neerc"));
    let Url::Postgres(servers) = &config.store else { panic!("{config:?}") };
    assert!(servers.has_password() && !format!("{config:?}").contains("hunter2"));
    assert_eq!(config.store_secret_at.as_deref(), Some(&*password));
    let goes_on = |alone| match load(LEAST, &[("NEERC_STORE_URL", "postgres://n@a/b"), ("NEERC_STORE_ALONE", alone)]) {
        Ok(Config { store: Url::Postgres(servers), .. }) => servers.goes_on(),
        other => panic!("{other:?}"),
    };
    assert!(goes_on("go on") && !goes_on("wait") && !servers.goes_on());
    let both = error(LEAST, &postgres("postgres://neerc:hunter2@a/tasks"));
    assert!(
        both.contains("store.password_file is ") && both.ends_with("stands beside a password in store.url: keep one")
    );
    let rooms = [("NEERC_ROOMS_JOIN", "neerc,a,b"), ("NEERC_CLOCKS", "A, b=json:https://x.org/c; neerc=manual")];
    let clocks = load(LEAST, &rooms).unwrap().clocks;
    assert_eq!(clocks.of_room, BTreeMap::from([("a".into(), 1), ("b".into(), 1), ("neerc".into(), 2)]));
    assert_eq!(
        clocks.sources.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["by hand", "https://x.org/c", "by hand"]
    );
}

#[test]
fn webhooks_are_whole_and_their_secrets_are_not_repeated() {
    let hook = |lines: &str| format!("[[webhooks]]\nurl = \"https://x.org/hunter2\"\nsecret = \"{SIGNING}\"\n{lines}");
    let wrong = |lines: &str| error(&format!("{LEAST}{lines}"), &[]);
    let secret = "secret = \"whsec_hunter2\"";
    for (lines, wanted) in [
        ("[[webhooks]]\nrooms = []".to_owned(), "webhooks.url is missing: say who is told, such as https://host/path"),
        ("[[webhooks]]\nurl = \"https://x.org\"".to_owned(), "webhooks.secret is missing: give secret or secret_file"),
        (
            format!("[[webhooks]]\nurl = \"https://x.org\"\n{secret}"),
            "webhooks.secret is (hidden): must be whsec_ and 24 to 64",
        ),
        (
            format!("[[webhooks]]\nurl = \"http://x.org/hunter2\"\n{secret}"),
            "webhooks.url is (hidden): must begin with https://, unless",
        ),
        (
            format!("[[webhooks]]\nurl = \"https://u:hunter2@x.org\"\n{secret}"),
            "webhooks.url is (hidden): must hold no password",
        ),
        (
            format!("[[webhooks]]\nurl = \"ftp://x.org/hunter2\"\n{secret}"),
            "webhooks.url is (hidden): must begin with https://",
        ),
        (format!("[[webhooks]]\nurl = \"hunter2\"\n{secret}"), "webhooks.url is (hidden): must "),
        (hook("rooms = [\"school\"]"), "webhooks.rooms is \"school\": is not among rooms.join"),
        (hook("events = [\"door\"]"), "webhooks.events is \"door\": must be one of created, edited, answered,"),
        (
            hook("allow_private = [\"10.0.0.5/8\"]"),
            "webhooks.allow_private is \"10.0.0.5/8\": must be an address such as",
        ),
        (hook("secret_file = \"a\""), "webhooks.secret_file is \"a\": stands beside secret: keep one"),
        (hook("fingerprint = \"0\""), "webhooks.fingerprint is \"0\": must be the SHA-256"),
        (format!("{}{}", hook(""), hook("")), "webhooks.url is (hidden): has a webhook already"),
        ("webhooks = \"whsec_hunter2\"".to_owned(), "component.webhooks"),
        (
            "[[webhooks]]\nurl = \"https://x.org\"\nsecret_file = \"none.txt\"".to_owned(),
            "cannot read webhooks.secret_file none.txt",
        ),
    ] {
        let error = wrong(&lines);
        assert!(error.contains(wanted) && !error.contains("hunter2"), "{lines}: {error}");
    }
    let whole = format!("webhooks = \"whsec_hunter2\"\n{LEAST}");
    assert!(!error(&whole, &[]).contains("hunter2"), "{}", error(&whole, &[]));
    let many: String = (0..17).map(|nth| hook("").replace("x.org", &format!("x{nth}.org"))).collect();
    assert!(wrong(&many).contains("there can be 16 webhooks"), "{}", wrong(&many));

    let two = format!("https://a.org/x {SIGNING}; https://b.org {SIGNING} {SIGNING};");
    let hooks = load(LEAST, &[("NEERC_WEBHOOKS", &two)]).unwrap().webhooks;
    assert_eq!(hooks.iter().map(ToString::to_string).collect::<Vec<_>>(), ["https://a.org", "https://b.org"]);
    let error = error(LEAST, &[("NEERC_WEBHOOKS", "hunter2")]);
    assert!(error.contains("NEERC_WEBHOOKS: its value is (hidden)"), "{error}");
}

#[test]
fn where_the_store_is_can_be_read_without_the_secrets() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("neerc.toml");
    let toml = "[component]\njid = \"neerc.localhost\"\nsecret_file = \"${CREDENTIALS_DIRECTORY}/component\"\n\
                [store]\nurl = \"sqlite:elsewhere.db\"\n";
    std::fs::write(&path, toml).unwrap();
    // As systemd has it where a configuration is read again: the folder is named, and nobody may look into it.
    let variable = |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| "/run/credentials/nowhere".to_owned());
    assert!(Config::load(&path, variable).is_err());
    let url = Url::Sqlite(folder.path().join("elsewhere.db"));
    assert_eq!(Config::load_place(&path, variable).unwrap(), url);
    assert!(Config::load_place(&path, |_| None).is_ok());
    let StoreConfig { store, host, rooms, .. } = Config::load_store(&path, |_| None).unwrap();
    assert_eq!((store, host.as_str(), &*rooms), (url, "localhost", &["neerc".into()][..]));
    std::fs::write(&path, "[store]\nurl = 7\n").unwrap();
    assert!(Config::load_place(&path, |_| None).is_err() && Config::load_store(&path, |_| None).is_err());
}
