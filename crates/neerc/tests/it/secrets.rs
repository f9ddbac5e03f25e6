//! What must not come out of the program: the component's secret, at any level of the log, in any complaint, or on disk;
//! and at the usual level, `info`, nothing that people wrote. A day with everything that goes wrong on one is played
//! with words that nobody else would say, and they are looked for.

use std::fs;
use std::process::Output;

use rusqlite::Connection;

use crate::fake::{FakeServer, OCCUPANTS, ROOM};
use crate::said::NS;
use crate::servers::{Kind, ROOMS, Server};
use crate::service::Neerc;
use crate::trust;
use crate::wait::wait_for;

on_both!(a_refused_secret_is_in_no_output);

/// The secret; and what all that people write here begins with.
const SECRET: &str = "kept-by-the-canary";
const WORDS: &str = "canary-";

const JURY: &str = OCCUPANTS[0].1;
const HALL: &str = OCCUPANTS[1].1;

/// A request of somebody and what becomes of it: `result`, or the condition of the error.
type Asked = (&'static str, &'static str, &'static str);

const REQUESTS: [Asked; 14] = [
    (JURY, "<task xmlns='{ns}#task' title='canary-title' type='todo'><status for='hall1'/></task>", "result"),
    (JURY, "<task xmlns='{ns}#task' title='canary-question' type='question'><status for='hall1'/></task>", "result"),
    (JURY, "<task xmlns='{ns}#task' id='t1' title='canary-new' type='todo'><status for='hall1'/></task>", "result"),
    (HALL, "<taskstatus xmlns='{ns}#taskstatus' id='1' type='fail' value='canary-value'/>", "result"),
    (HALL, "<taskstatus xmlns='{ns}#taskstatus' id='canary-id' type='fail' value='canary-value'/>", "item-not-found"),
    (HALL, "<taskstatus xmlns='{ns}#taskstatus' id='1' type='canary-type' value='canary-value'/>", "bad-request"),
    (HALL, "<task xmlns='{ns}#task' title='canary-forbidden' type='todo'/>", "forbidden"),
    (HALL, "<task xmlns='{ns}#task' id='t1' type='remove' title='canary-forbidden'/>", "forbidden"),
    (JURY, "<task xmlns='{ns}#task' title='canary-x' type='todo'><status for='canary-nobody'/></task>", "bad-request"),
    (JURY, "<task xmlns='{ns}#task' title='canary-x' type='canary-type'/>", "bad-request"),
    (JURY, "<task xmlns='{ns}#task' id='t2' type='remove' title='canary-question'/>", "result"),
    (HALL, "<query xmlns='{ns}#tasks' for='canary-nobody'/>", "item-not-found"),
    (HALL, "<canary-element xmlns='canary-namespace'>canary-text</canary-element>", "service-unavailable"),
    (HALL, "<query xmlns='{ns}#tasks' canary-twice='canary-a' canary-twice='canary-b'/>", "bad-request"),
];

/// What people say in the room and to the service, and what comes back of what they were told. Nobody answers it.
const CHAT: [&str; 9] = [
    "<message from='{room}/Hall' to='{me}' type='groupchat'><body>canary-body</body></message>",
    "<message from='{room}/Jury' to='{me}' type='groupchat'><subject>canary-subject</subject></message>",
    "<message from='{hall}' to='{me}' type='chat'><body>canary-body</body></message>",
    "<message from='hall2@localhost/gone' to='{me}' type='error'><body>canary-body</body><error type='cancel'>\
     <gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>canary-error\
     </text></error></message>",
    "<presence from='{room}/canary-nick' to='{me}'><status>canary-status</status>\
     <x xmlns='http://jabber.org/protocol/muc#user'><item jid='hall2@localhost/x' affiliation='member'/></x></presence>",
    "<presence from='{hall}' to='{me}' type='canary-type'><status>canary-status</status></presence>",
    "<presence from='{hall}' to='{me}'><show>canary-show</show><status>canary-status</status></presence>",
    "<iq from='{hall}' to='{me}' type='result' id='canary-id'><query xmlns='canary-namespace'>canary-text</query></iq>",
    "<presence from='{room}/neerc' to='{me}' type='unavailable'><x xmlns='http://jabber.org/protocol/muc#user'>\
     <item affiliation='none' role='none'><reason>canary-reason</reason></item><status code='110'/>\
     <status code='307'/></x></presence>",
];

/// Everything that happens on a day, at one level of the log; gives back all that was printed.
fn day(level: &str) -> String {
    let toml = format!("[log]\nlevel = \"{level}\"\n[component]\nsecret = \"{SECRET}\"\n");
    let (mut fake, mut neerc) = FakeServer::start_with(&toml);
    for (from, child, outcome) in REQUESTS {
        ask(&mut fake, from, &child.replace("{ns}", NS), outcome);
    }
    let long = format!("<task xmlns='{NS}#task' title='{}' type='todo'/>", "canary-long ".repeat(30_000));
    ask(&mut fake, JURY, &long, "policy-violation");
    let me = fake.component.clone();
    for text in CHAT {
        let text = text.replace("{room}", &format!("{ROOM}@{ROOMS}")).replace("{hall}", HALL).replace("{me}", &me);
        fake.send(&text);
    }
    let create = format!("<task xmlns='{NS}#task' title='canary-disk' type='todo'/>");
    // Somebody else holds the database: writes are refused, and that is logged.
    let disk = Connection::open(neerc.dir.join("neerc.db")).unwrap();
    disk.execute_batch("BEGIN IMMEDIATE").unwrap();
    ask(&mut fake, JURY, &create, "internal-server-error");
    disk.execute_batch("ROLLBACK").unwrap();
    drop(disk);
    ask(&mut fake, JURY, &create, "result");
    // And the server goes mad.
    fake.send("<canary-tag <canary-body>");
    wait_for("the end of the stream", || neerc.log().contains("cannot be read any more"));
    let mut fake = fake.accept_again(&neerc);
    ask(&mut fake, HALL, &format!("<query xmlns='{NS}#tasks'/>"), "result");
    assert_eq!(neerc.terminate().0.code(), Some(0));
    for entry in fs::read_dir(&neerc.dir).unwrap().flatten().filter(|entry| entry.file_name() != "neerc.toml") {
        let text = fs::read(entry.path()).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains(SECRET), "the secret is in {:?}", entry.path());
    }
    // Nobody listens there any more.
    drop(fake);
    let check = neerc.command().arg("check").arg("--config").arg(neerc.config()).output().unwrap();
    assert_eq!(check.status.code(), Some(1));
    neerc.log() + &text(&check)
}

#[track_caller]
fn ask(fake: &mut FakeServer, from: &str, child: &str, outcome: &str) {
    let id = crate::servers::unique("canary-id");
    let iq = fake.iq(from, "set", &id, child);
    fake.send(&iq);
    let answer = fake.expect(|said| said.id == id);
    let said = if answer.kind == "result" { "result" } else { &answer.condition };
    assert_eq!(said, outcome, "{}", answer.xml);
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

#[test]
fn nothing_that_people_wrote_is_logged_and_the_secret_never() {
    const LEVELS: [&str; 3] = ["info", "debug", "trace"];
    for level in LEVELS {
        let log = day(level);
        assert!(!log.contains(SECRET), "at {level} the secret is in {log}");
        assert!(level != "info" || !log.contains(WORDS), "at {level} what people wrote is in {log}");
        for part in ["ready: rooms", "put the service out", "could not be stored", "cannot be read any more"] {
            assert!(log.contains(part), "{part} is not in {log}");
        }
        assert_eq!(log.contains("what=\"answered\""), level != "info", "{log}");
    }
    let tried = format!("day of {} requests and chat with everything that goes wrong", REQUESTS.len() + CHAT.len() + 4);
    trust::report(
        "secrets",
        &tried,
        LEVELS.len(),
        "0 secrets in logs at any level, 0 words of people at info or above",
    );
}

fn a_refused_secret_is_in_no_output(kind: Kind) {
    let server = Server::shared(kind);
    let toml = format!("[log]\nlevel = \"trace\"\n[component]\nsecret = \"{SECRET}\"\n");
    let mut neerc = Neerc::prepare(server, &["neerc"], &toml);
    let check = neerc.command().arg("check").arg("--config").arg(neerc.config()).output().unwrap();
    assert_eq!(check.status.code(), Some(1));
    neerc.spawn();
    neerc.wait_for_log("refuses the secret", 0);
    neerc.terminate();
    let said = neerc.log() + &text(&check);
    assert!(!said.contains(SECRET), "{said}");
}

#[test]
fn no_complaint_about_a_configuration_holds_the_secret() {
    const WRONG: [&str; 13] = [
        "secret = {secret}",
        "secret = \"{secret}",
        "secret = {secret}\"",
        "secret = [\"{secret}\"]",
        "secret = { is = \"{secret}\" }",
        "secret = \"{secret}\\n\"",
        "secret = \"{secret}\"\nsecret = \"{secret}\"",
        "secret = \"{secret}\"\nsecret_file = \"secret.txt\"",
        "secret: \"{secret}\"",
        "sekret = \"{secret}\"",
        "password = \"{secret}\"",
        "secret \"{secret}\"",
        "secret_file = \"secret.txt\"",
    ];
    let neerc = Neerc::prepare(Server::shared(Kind::Prosody), &["neerc"], "");
    fs::write(neerc.dir.join("secret.txt"), format!("{SECRET}\nand another line\n")).unwrap();
    let good = fs::read_to_string(neerc.config()).unwrap();
    let line = good.lines().find(|line| line.starts_with("secret")).expect("the secret's line");
    let wrong = WRONG.iter().map(|wrong| good.replace(line, &wrong.replace("{secret}", SECRET)));
    let in_place = |from: &str, to: &str| good.replace(from, to).replace(line, &format!("secret = \"{SECRET}\""));
    let others = [
        in_place("[component]", "[component"),
        in_place("[component]", "[komponent]"),
        in_place("[component]", &format!("component = \"{SECRET}\"")),
        in_place("sqlite:neerc.db", &format!("postgres://neerc:{SECRET}@db")),
    ];
    let texts: Vec<_> = wrong.chain(others).collect();
    let complain_by = |actions: &[&str], what: &str, variable: Option<&str>| {
        for action in actions {
            let mut command = neerc.command();
            command.envs(variable.map(|value| ("NEERC_COMPONENT_SECRET", value)));
            let output = command.arg(action).arg("--config").arg(neerc.config()).output().unwrap();
            let said = text(&output);
            assert!(output.status.code().is_some_and(|code| code != 0), "{said} of {what}");
            assert!(!said.is_empty() && !said.contains(SECRET), "{said} of {what}");
        }
    };
    let complain = |what: &str, variable| complain_by(&["run", "check"], what, variable);
    for wrong in &texts {
        assert_ne!(*wrong, good);
        fs::write(neerc.config(), wrong).unwrap();
        complain(wrong, None);
    }
    // A start waits for a server that does not answer.
    let nowhere = in_place("sqlite:neerc.db", &format!("postgres://neerc:{SECRET}@127.0.0.1:1/neerc"));
    fs::write(neerc.config(), &nowhere).unwrap();
    complain_by(&["check"], &nowhere, None);
    fs::write(neerc.config(), &good).unwrap();
    complain("a secret of two lines in the environment", Some(&format!("{SECRET}\n{SECRET}")));
    trust::report("secrets", "wrong configuration", texts.len() + 2, "0 secrets in complaints");
}
