//! Who gets in by which door, and that what opens one opens it once.

use super::*;
use crate::doors::{DoorChange, DoorCommand, Leaving, NewSecret, SecretHash, TokenId, TokenScope, WebSessionId};

fn hash(n: u8) -> SecretHash {
    SecretHash::new([n; 32])
}

fn secret(n: u8) -> Option<NewSecret> {
    Some(NewSecret::new(&format!("secret{n}"), hash(n)))
}

fn person(name: &str) -> Person {
    Person::named(name, HOST)
}

fn ask(world: &mut World, who: &str, command: DoorCommand) -> Result<Decision, Refusal> {
    world.ask(&person(who), &Command::Door(command))
}

fn redeem(world: &mut World, who: &str, link: u8, session: u8) -> Result<Decision, Refusal> {
    let command = DoorCommand::Redeem { link: hash(link), session: hash(session), browser: "Firefox".into() };
    ask(world, who, command)
}

#[test]
fn a_link_logs_in_once_whom_it_was_given_and_not_for_long() {
    let mut world = World::new();
    let offered = ask(&mut world, "hall1", DoorCommand::OfferLink { secret: secret(1) }).unwrap();
    assert_eq!(offered.done().secret, secret(1), "it comes back with the answer");
    assert_eq!(redeem(&mut world, "hall2", 1, 2), Err(Refusal::UsedLink), "another's");
    redeem(&mut world, "hall1", 1, 2).unwrap();
    assert_eq!(redeem(&mut world, "hall1", 1, 3), Err(Refusal::UsedLink), "replayed");
    assert_eq!(redeem(&mut world, "hall1", 9, 3), Err(Refusal::UsedLink), "guessed");
    let session = world.board.doors().session(&hash(2), world.now_ms).unwrap();
    assert_eq!((&session.person, session.id), (&person("hall1"), WebSessionId(1)));
    ask(&mut world, "hall1", DoorCommand::OfferLink { secret: secret(4) }).unwrap();
    assert_eq!(redeem(&mut world, "hall1", 4, 2), Err(Refusal::UsedLink), "a session that is there already");
    world.now_ms += limits::LOGIN_LINK_MS;
    assert_eq!(redeem(&mut world, "hall1", 4, 5), Err(Refusal::UsedLink), "too old");
    assert_eq!(world.folded(), world.board);
}

#[test]
fn a_code_lets_in_whoever_confirmed_it_first() {
    let mut world = World::new();
    let admit = || DoorCommand::Admit { session: hash(1), browser: "x".repeat(1_000).into() };
    let stranger = ask(&mut world, "stranger", admit());
    assert_eq!(stranger, Err(Refusal::NotInRoom));
    ask(&mut world, "hall1", admit()).unwrap();
    assert_eq!(ask(&mut world, "hall1", admit()), Ok(Decision::default()), "twice");
    assert_eq!(ask(&mut world, "hall2", admit()), Err(Refusal::UsedCode));
    let browser = world.board.doors().session(&hash(1), 0).map(|session| session.browser.len());
    assert_eq!(browser, Some(limits::BROWSER_CHARS));
}

#[test]
fn people_log_themselves_out_and_nobody_else() {
    let mut world = World::new();
    for (n, who) in [(1, "hall1"), (2, "hall1"), (3, "hall2")] {
        ask(&mut world, who, DoorCommand::Admit { session: hash(n), browser: "Firefox".into() }).unwrap();
    }
    let leave = |world: &mut World, leaving| ask(world, "hall1", DoorCommand::Leave(leaving));
    let unknown = Err(Refusal::UnknownSession { session: "3".into() });
    assert_eq!(leave(&mut world, Leaving::One(WebSessionId(3))), unknown);
    assert_eq!(leave(&mut world, Leaving::This(hash(3))), Ok(Decision::default()));
    let ended = leave(&mut world, Leaving::One(WebSessionId(1))).unwrap().change;
    assert_eq!(ended, Some(Change::Door(DoorChange::Ended { sessions: vec![hash(1)] })));
    leave(&mut world, Leaving::All).unwrap();
    assert_eq!(leave(&mut world, Leaving::All), Ok(Decision::default()));
    assert_eq!(world.board.doors().sessions().count(), 1);
}

#[test]
fn tokens_are_given_and_revoked_by_admins_and_not_without_a_web_side() {
    let mut world = World::new();
    let give = |name: Option<&str>, n| DoorCommand::Give {
        scope: TokenScope::Display,
        name: name.map(str::to_owned),
        secret: if n == 0 { None } else { secret(n) },
    };
    assert_eq!(ask(&mut world, "hall1", give(None, 1)), Err(Refusal::AdminsOnly));
    assert_eq!(ask(&mut world, "admin", give(None, 0)), Err(Refusal::NoWeb));
    let nobody = Err(Refusal::UnknownUser { name: "nobody".into() });
    assert_eq!(ask(&mut world, "admin", give(Some("nobody"), 1)), nobody);
    assert_eq!(ask(&mut world, "admin", give(Some("hall1"), 1)).unwrap().secret, secret(1));
    ask(&mut world, "hall2", DoorCommand::Issue { scope: TokenScope::Read, secret: secret(2) }).unwrap();
    let tokens: Vec<_> = world.board.doors().tokens().map(|t| (t.id, t.person.clone(), t.by.clone())).collect();
    let expected = [(TokenId(1), person("hall1"), Some(person("admin"))), (TokenId(2), person("hall2"), None)];
    assert_eq!(tokens, expected);
    let revoke = |token| DoorCommand::Revoke { token };
    assert_eq!(ask(&mut world, "hall1", revoke(TokenId(1))), Err(Refusal::AdminsOnly));
    ask(&mut world, "admin", revoke(TokenId(2))).unwrap();
    assert_eq!(ask(&mut world, "admin", revoke(TokenId(2))), Err(Refusal::UnknownToken { token: "k2".into() }));
    assert!(world.board.doors().token(&hash(2)).is_none() && world.board.doors().token(&hash(1)).is_some());
    for n in 3..=(limits::TOKENS_PER_ROOM + 1) as u8 {
        assert!(ask(&mut world, "admin", give(None, n)).is_ok());
    }
    assert!(matches!(ask(&mut world, "admin", give(None, 255)), Err(Refusal::TooMany { .. })));
    assert_eq!(
        world.board.doors().tokens().last().unwrap().id,
        TokenId(limits::TOKENS_PER_ROOM as u64 + 1),
        "never twice"
    );
}
