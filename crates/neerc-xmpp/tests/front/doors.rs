//! Browsers let in by chat and by forms, links to the board, and tokens: who gets what, and that nobody else does.

use super::*;
use neerc_core::doors::SecretHash;
use neerc_core::people::Person;

const CODES: &[(&str, &str)] = &[("482193", "Firefox, 192.0.2.7"), ("000007", "Lynx, 192.0.2.8")];

/// A service with a web side whose pages show two codes; hall1 has no task.
fn open() -> Bench {
    let mut bench = ready(Flavour::Prosody);
    bench.open_web(CODES);
    bench.pass(10_000);
    bench.said();
    bench
}

fn write(bench: &mut Bench, from: &str, line: &str) -> Vec<String> {
    texts(bench.on(&format!("<message type='chat' from='{from}' to='{ROOM}'><body>{line}</body></message>")))
}

fn browsers(bench: &Bench, name: &str) -> Vec<String> {
    let person = Person::named(name, "localhost");
    let Some(board) = bench.boards().get("neerc") else { return Vec::new() };
    board.doors().sessions_of(&person, 0).iter().map(|session| session.browser.to_string()).collect()
}

const ASKED: &str = "[question-let-in code=482193 browser=Firefox, 192.0.2.7]\nlogin 482193 yes — [reading-let-in]";

#[test]
fn a_browser_is_let_in_by_a_yes_behind_the_question_and_by_nothing_else() {
    for (answer, expected) in [
        ("yes", &["[said-admitted]"][..]),
        ("Да!", &["ru[said-admitted]"]),
        ("login 482 193 yes", &["[said-admitted]"]),
        ("no", &["[refusal-not-let-in]"]),
    ] {
        let mut bench = open();
        assert_eq!(write(&mut bench, HALL1, "login 482 193"), [ASKED]);
        assert!(browsers(&bench, "hall1").is_empty(), "nobody is let in without a yes");
        assert_eq!(write(&mut bench, HALL1, answer), expected, "{answer}");
        assert_eq!(browsers(&bench, "hall1").len(), usize::from(!expected[0].contains("refusal")), "{answer}");
    }
    let mut bench = open();
    assert_eq!(write(&mut bench, HALL1, "login 482193"), [ASKED]);
    write(&mut bench, HALL1, "tasks");
    assert!(write(&mut bench, HALL1, "yes")[0].contains("no-open-task"), "the question is forgotten");
    assert_eq!(write(&mut bench, HALL1, "login 482193"), [ASKED]);
    assert!(write(&mut bench, "hall1@localhost/Other", "yes")[0].contains("no-open-task"), "it was not asked here");
    assert!(browsers(&bench, "hall1").is_empty());
}

#[test]
fn a_code_was_guessed() {
    let mut bench = open();
    for guess in ["000000", "000001"] {
        assert!(write(&mut bench, HALL1, &format!("login {guess} yes"))[0].contains("[refusal-unknown-code"));
    }
    // By a form it is the same account that tries.
    let payload = |code: &str, confirm: &str| {
        let node = neerc_core::face::menu::by_word("login").unwrap().node;
        format!(
            "<command xmlns='http://jabber.org/protocol/commands' node='{node}' action='complete'>\
             <x xmlns='jabber:x:data' type='submit'><field var='code'><value>{code}</value></field>\
             <field var='confirm'><value>{confirm}</value></field></x></command>"
        )
    };
    let by_form = |bench: &mut Bench, from: &str, code: &str, confirm: &str| {
        bench.on(&iq("set", from, &payload(code, confirm))).concat()
    };
    assert!(by_form(&mut bench, HALL1, "000002", "yes").contains("[refusal-unknown-code"));
    for said in [
        write(&mut bench, HALL1, "login 482193 yes")[0].clone(),
        write(&mut bench, "hall1@localhost/Other", "login 482193 yes")[0].clone(),
        by_form(&mut bench, HALL1, "482193", "yes"),
    ] {
        assert!(said.contains("[refusal-too-many-tries minutes=10]"), "{said}");
    }
    // Others are not touched; a form says first which browser it is.
    let said = by_form(&mut bench, HALL2, "482193", "no");
    assert!(said.contains("[refusal-unconfirmed code=482193 browser=Firefox, 192.0.2.7]"), "{said}");
    assert!(browsers(&bench, "hall2").is_empty());
    assert!(by_form(&mut bench, HALL2, "482193", "yes").contains("[said-admitted]"));
    assert_eq!(browsers(&bench, "hall2"), ["Firefox, 192.0.2.7"]);
    bench.pass(10 * 60_000);
    bench.said();
    assert!(write(&mut bench, HALL1, "login 482193 yes")[0].contains("[refusal-used-code]"));
    assert_eq!(write(&mut bench, HALL1, "login 7"), ["[refusal-unknown-code code=7]"], "a code is its six digits");
    assert_eq!(write(&mut bench, HALL1, "login 000007 yes"), ["[said-admitted]"]);
    assert_eq!(write(&mut bench, "stranger@elsewhere/x", "login 000007 yes"), [""; 0]);
}

#[test]
fn a_link_goes_to_whoever_asked_for_it_and_is_kept_nowhere() {
    let mut bench = open();
    let said = bench.on(&format!("<message type='chat' from='{HALL1}' to='{ROOM}'><body>board</body></message>"));
    let [letter] = &said[..] else { panic!("{said:?}") };
    assert!(letter.contains("[said-login-link url=https://board.example.org/l/secret"), "{letter}");
    assert!(letter.contains(&format!("to='{HALL1}'")), "{letter}");
    for hint in ["no-store", "no-copy", "<private "] {
        assert!(letter.contains(hint), "{hint} is missing in {letter}");
    }
    assert!(!write(&mut bench, HALL1, "tasks").concat().contains("secret"));
    assert!(!format!("{:?} {:?} {:?}", bench.log(), bench.boards(), bench.front).contains("secret1"));
    let (links, now_ms) = (bench.boards()["neerc"].doors().links().count(), bench.now_ms);
    assert_eq!(links, 1);
    let expected = [0, 0, 0, 0, 0, 0, 0, 1].repeat(4).try_into().unwrap();
    assert!(bench.boards()["neerc"].doors().link(&SecretHash::new(expected), now_ms).is_some());
}

#[test]
fn people_see_and_end_their_own_browsers_and_admins_give_tokens() {
    let mut bench = open();
    write(&mut bench, HALL1, "login 482193 yes");
    write(&mut bench, HALL2, "login 000007 yes");
    let said = write(&mut bench, HALL1, "sessions");
    assert!(said[0].contains("1 · Firefox, 192.0.2.7 · ") && !said[0].contains("Lynx"), "{said:?}");
    assert_eq!(write(&mut bench, HALL1, "logout 2"), ["[refusal-unknown-session session=2]"], "another's");
    assert_eq!(write(&mut bench, HALL1, "logout all"), ["[said-logged-out count=1]"]);
    assert_eq!((browsers(&bench, "hall1").len(), browsers(&bench, "hall2").len()), (0, 1));
    assert_eq!(write(&mut bench, HALL1, "sessions"), ["[no-sessions]"]);
    for line in ["token display", "tokens", "revoke k1"] {
        assert_eq!(write(&mut bench, HALL1, line), ["[refusal-admins-only]"], "{line}");
    }
    let given = admin_writes(&mut bench, "token display");
    assert!(
        given[0].contains("[said-token-display token=k1 secret=https://board.example.org/wall/secret"),
        "{given:?}"
    );
    let given = admin_writes(&mut bench, "token write hall1");
    assert!(given[0].contains("[said-token-write token=k2 secret=secret") && given[0].contains("name=hall1]"));
    let listed = admin_writes(&mut bench, "tokens")[0].clone();
    assert!(
        listed.contains("k1 · [scope-display] · admin · admin · ") && listed.contains("k2 · [scope-write] · hall1")
    );
    assert!(!listed.contains("secret"));
    assert_eq!(admin_writes(&mut bench, "revoke k1"), ["[said-token-revoked token=k1]"]);
    bench.restart(u64::MAX);
    assert_eq!(bench.boards()["neerc"].doors().tokens().count(), 1, "it is in the log");
}

#[test]
fn without_a_web_side_there_is_no_door() {
    let mut bench = ready(Flavour::Prosody);
    bench.pass(10_000);
    bench.said();
    for line in ["board", "login 482193", "sessions", "logout all"] {
        assert_eq!(write(&mut bench, HALL1, line), ["[refusal-no-web]"], "{line}");
    }
    assert!(!write(&mut bench, HALL1, "help")[0].contains("help-web"));
    bench.open_web(&[]);
    assert!(write(&mut bench, HALL1, "help")[0].contains("[help-web-user]"));
    assert!(admin_writes(&mut bench, "help")[0].contains("[help-web-admin]"));
}
