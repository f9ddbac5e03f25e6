//! Mistakes made on purpose on the servers as their packages ship them: `neerc check` says of each what to change where,
//! the cause first, and nothing that follows from it. A service that runs is asked and not disturbed.

use std::fs;

use crate::letter::{Printed, check, init, prepare, text};
use crate::servers::{Kind, Options, Server};
use crate::service::Neerc;

on_both!(
    a_check_names_each_mistake_in_the_servers_own_words,
    a_running_service_is_asked_and_not_disturbed,
    a_check_with_another_store_names_the_other_connection,
);

/// One mistake.
struct Mistake {
    name: &'static str,
    /// What becomes of the lines that `init` has printed.
    lines: fn(&str) -> String,
    /// A room that others have made before.
    room: Option<&'static str>,
    /// What is laid over `neerc.toml`; `C2S` is the port for clients.
    toml: &'static str,
    /// A variable of the environment.
    variable: Option<(&'static str, &'static str)>,
    /// What the check says, in lines that are WRONG or WARN.
    says: &'static [&'static str],
    /// How many lines are WRONG.
    wrong: usize,
}

const NONE: Mistake =
    Mistake { name: "none", lines: str::to_owned, room: None, toml: "", variable: None, says: &[], wrong: 0 };

/// Made in the configuration of the service, on both servers.
fn of_the_service(kind: Kind) -> Vec<Mistake> {
    let place = match kind {
        Kind::Prosody => {
            "prosodyctl shell 'muc:room(\"empty@conference.localhost\"):set_affiliation(true,\"admin@localhost\",\"owner\")'"
        }
        Kind::Ejabberd => "ejabberdctl set_room_affiliation empty conference.localhost admin@localhost owner",
    };
    let places: &'static [&'static str] = Box::leak(Box::new(["none of them with power", place]));
    let roster = match kind {
        Kind::Prosody => "mod_privilege with privileged_entities roster",
        Kind::Ejabberd => "mod_privilege with roster: get",
    };
    let rosters: &'static [&'static str] =
        Box::leak(Box::new(["the roster of directory@localhost cannot be read", roster]));
    vec![
        Mistake {
            name: "wrong secret",
            toml: "[component]\nsecret = \"wrong\"\n",
            says: &["refuses the secret of neerc.localhost", "component.secret"],
            wrong: 1,
            ..NONE
        },
        Mistake {
            name: "port for clients",
            toml: "[component]\nserver = \"127.0.0.1:C2S\"\n",
            says: &["port for components"],
            wrong: 1,
            ..NONE
        },
        Mistake {
            name: "nothing listens",
            toml: "[component]\nserver = \"127.0.0.1:9\"\n",
            says: &[
                "no connection to the server 127.0.0.1:9",
                "Is the server running",
                "component.server in neerc.toml",
            ],
            wrong: 1,
            ..NONE
        },
        Mistake {
            name: "no such machine",
            toml: "[component]\nserver = \"no-such-machine.invalid:5347\"\n",
            says: &[
                "no connection to the server no-such-machine.invalid:5347",
                "Correct component.server in neerc.toml",
            ],
            wrong: 1,
            ..NONE
        },
        Mistake {
            name: "no such domain of rooms",
            toml: "[rooms]\nservice = \"nowhere.localhost\"\n",
            says: &["correct rooms.service in neerc.toml (nowhere.localhost)"],
            wrong: 1,
            ..NONE
        },
        Mistake {
            name: "nobody with power",
            toml: "[rooms]\nowners = []\njoin = [\"empty\"]\n",
            says: places,
            wrong: 1,
            ..NONE
        },
        Mistake {
            name: "group of nobody",
            toml: "[[groups]]\nname = \"Printers\"\nmembers = [\"printer*\"]\n",
            says: &["group Printers: nobody is in it"],
            ..NONE
        },
        Mistake { name: "no groups, no members", says: &["there are no groups", "has no members besides"], ..NONE },
        Mistake {
            name: "clock file missing",
            toml: "[clock]\nfile = \"nowhere.xml\"\n",
            says: &["nowhere.xml cannot be read", "correct clock.file or path in neerc.toml"],
            ..NONE
        },
        Mistake {
            name: "mistyped variable",
            variable: Some(("NEERC_ROOM_JOIN", "neerc")),
            says: &["NEERC_ROOM_JOIN is no setting and is not used; is NEERC_ROOMS_JOIN meant?"],
            ..NONE
        },
        Mistake {
            name: "roster that may not be read",
            toml: "[directory]\njid = \"directory@localhost\"\n",
            says: rosters,
            wrong: 1,
            ..NONE
        },
    ]
}

/// Made in the configuration of the server.
fn of_the_server(kind: Kind) -> Vec<Mistake> {
    match kind {
        Kind::Prosody => vec![
            Mistake {
                name: "lines not added",
                lines: |_| String::new(),
                says: &["no connection to the server", "Prosody opens the port for components"],
                wrong: 1,
                ..NONE
            },
            Mistake {
                name: "other component",
                lines: |lines| {
                    lines.replace("\"neerc.localhost\"\n\tcomponent_secret", "\"tasks.localhost\"\n\tcomponent_secret")
                },
                says: &["the server does not know the component neerc.localhost", "prosody.cfg.lua"],
                wrong: 1,
                ..NONE
            },
            Mistake {
                name: "rooms not owned",
                lines: |lines| lines.replace("\tadmins =", "\t-- admins ="),
                room: Some("neerc"),
                says: &[
                    "neerc@conference.localhost cannot be joined (registration-required",
                    "in Prosody, admins = { \"neerc.localhost\" } and component_admins_as_room_owners = true",
                ],
                wrong: 1,
                ..NONE
            },
            Mistake {
                name: "rooms may not be made",
                lines: |lines| lines.replace("\tadmins =", "\trestrict_room_creation = true\n\t-- admins ="),
                says: &["neerc@conference.localhost cannot be joined (not-allowed", "in Prosody, admins ="],
                wrong: 1,
                ..NONE
            },
            Mistake {
                name: "long stanzas held back",
                lines: |lines| lines.replace("network_settings", "-- network_settings"),
                says: &["network_settings = { nagle = false } into prosody.cfg.lua"],
                ..NONE
            },
            Mistake {
                name: "messages kept",
                lines: |lines| lines.replace("modules_disabled = { \"offline\" }\n", ""),
                says: &["add \"offline\" to modules_disabled in prosody.cfg.lua"],
                ..NONE
            },
        ],
        Kind::Ejabberd => vec![
            Mistake {
                name: "lines not added",
                lines: |_| String::new(),
                says: &["no connection to the server", "ejabberd where listen has an ejabberd_service"],
                wrong: 1,
                ..NONE
            },
            Mistake {
                name: "other component",
                lines: |lines| lines.replace("\"neerc.localhost\":", "\"tasks.localhost\":"),
                says: &["listen/ejabberd_service/hosts in ejabberd.yml"],
                wrong: 1,
                ..NONE
            },
            Mistake {
                name: "rooms not owned",
                lines: |lines| lines.replace("    access_admin: muc_admin\n", ""),
                room: Some("neerc"),
                says: &[
                    "neerc@conference.localhost cannot be joined (registration-required",
                    "in ejabberd, acl: neerc: server: neerc.localhost, and access_admin with allow: neerc under mod_muc",
                ],
                wrong: 1,
                ..NONE
            },
            Mistake {
                name: "rooms may not be made",
                lines: |lines| lines.replace("  muc_create:", "  muc_create_of_others:"),
                says: &[
                    "neerc@conference.localhost is missing, and neerc.localhost may not make rooms",
                    "access_create as well",
                ],
                wrong: 1,
                ..NONE
            },
        ],
    }
}

/// Mistakes that are none on older versions.
fn of_newer_servers(server: &Server) -> Vec<Mistake> {
    match server.kind {
        Kind::Prosody if server.needs_owners_option() => vec![Mistake {
            name: "rooms not owned by admins",
            lines: |lines| lines.replace("\tcomponent_admins_as_room_owners", "\t-- component_admins_as_room_owners"),
            room: Some("neerc"),
            says: &["cannot be joined (registration-required", "component_admins_as_room_owners = true"],
            wrong: 1,
            ..NONE
        }],
        Kind::Ejabberd if !server.hears_privileged() => vec![Mistake {
            name: "privileges of others",
            lines: |lines| format!("{lines}  mod_privilege:\n    roster:\n      get: nobody_of_ours\n"),
            says: &["answers none of its requests", "mod_privilege is on and has no permission for neerc.localhost"],
            wrong: 1,
            ..NONE
        }],
        _ => Vec::new(),
    }
}

#[track_caller]
fn try_out(server: &Server, printed: &Printed, mistake: &Mistake) {
    let Mistake { name, says, wrong, .. } = mistake;
    if let Some(room) = mistake.room {
        server.create_room(room);
    }
    let neerc = prepare(server, printed, &mistake.toml.replace("C2S", &server.c2s_port.to_string()));
    let mut command = neerc.command();
    command.envs(mistake.variable).arg("check").arg("--config").arg(neerc.config());
    let output = command.output().unwrap();
    let said = text(&output);
    println!("{:?}, {name}:\n{said}", server.kind);
    for part in *says {
        assert!(said.contains(part), "{name}: {part}\n{said}\n{}", server.log());
    }
    let count = said.lines().filter(|line| line.starts_with("WRONG")).count();
    assert_eq!(count, *wrong, "{name}: {said}");
    assert_eq!(output.status.code(), Some(i32::from(*wrong > 0)), "{name}: {said}");
    let mut lines: Vec<_> = said.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), said.lines().count(), "{name}: a line twice\n{said}");
}

fn a_check_names_each_mistake_in_the_servers_own_words(kind: Kind) {
    let printed = init(kind, &["jury1"]);
    let launch = |lines: &str| {
        let server = Server::launch(kind, Options { stock: Some(lines.to_owned()), ..Options::default() });
        server.register("jury1");
        server
    };
    let server = launch(&printed.lines);
    for mistake in of_the_service(kind) {
        try_out(&server, &printed, &mistake);
    }
    let newer = of_newer_servers(&server);
    drop(server);
    for mistake in of_the_server(kind).into_iter().chain(newer) {
        let lines = (mistake.lines)(&printed.lines);
        assert_ne!(lines, printed.lines, "{}", mistake.name);
        try_out(&launch(&lines), &printed, &mistake);
    }
}

fn a_running_service_is_asked_and_not_disturbed(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let mut neerc = Neerc::start(server, &[&room], "");
    let checked = check(&neerc, &neerc.config());
    let said = text(&checked);
    assert_eq!(checked.status.code(), Some(0), "{said}");
    let pid = neerc.pid();
    assert!(said.contains(&format!("a running neerc (process {pid}) serves from it, version ")), "{said}");
    assert!(said.contains(&format!("ok    room {room}: 2 users, 1 of them with power; 0 tasks")), "{said}");
    assert_eq!(neerc.log().matches("connected to").count(), 1, "{}", neerc.log());
    // It says what is wrong with it.
    server.set_affiliation(&room, "jury1@localhost", "none");
    let said = crate::wait::poll_for(crate::wait::PATIENCE, || {
        let checked = check(&neerc, &neerc.config());
        (checked.status.code() == Some(1)).then(|| text(&checked))
    });
    assert!(said.as_ref().is_some_and(|said| said.contains("none of them with power")), "{said:?}");
    // One that is stopped does not answer.
    neerc.signal("STOP");
    let checked = check(&neerc, &neerc.config());
    neerc.signal("CONT");
    assert_eq!(checked.status.code(), Some(1));
    assert!(text(&checked).contains("cannot be asked how it is"), "{}", text(&checked));
    neerc.terminate();
    assert!(!neerc.dir.join("neerc.db.sock").exists());
}

fn a_check_with_another_store_names_the_other_connection(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("jury1", "owner"), ("hall1", "member")]);
    let neerc = Neerc::start(server, &[&room], "");
    let other = neerc.dir.join("other.toml");
    fs::write(&other, fs::read_to_string(neerc.config()).unwrap().replace("neerc.db", "other.db")).unwrap();
    for _ in 0..3 {
        let checked = check(&neerc, &other);
        let said = text(&checked);
        let words = match kind {
            Kind::Prosody => format!("the server already has a {}", neerc.jid),
            Kind::Ejabberd => format!("another connection of {} is open", neerc.jid),
        };
        assert!(checked.status.code() == Some(1) && said.contains(&words), "{words}\n{said}");
        assert_eq!(said.lines().filter(|line| line.starts_with("WRONG")).count(), 1, "{said}");
    }
    assert!(!neerc.log().contains("put the service out"), "{}", neerc.log());
}
