use super::*;

fn hash(n: u8) -> SecretHash {
    SecretHash::new([n; 32])
}

fn person(name: &str) -> Person {
    Person::named(name, "localhost")
}

fn admitted(doors: &Doors, n: u8, who: &str, at_ms: i64) -> DoorChange {
    let session = WebSession { id: doors.next_session(), person: person(who), at_ms, browser: "Firefox".into() };
    DoorChange::Admitted { hash: hash(n), session, link: None }
}

#[test]
fn a_session_is_over_after_two_days_and_falls_out_with_the_next_one() {
    let mut doors = Doors::default();
    doors.apply(&admitted(&doors, 1, "hall1", 1_000));
    let until_ms = 1_000 + limits::WEB_SESSION_MS;
    assert!(doors.session(&hash(1), until_ms - 1).is_some());
    assert_eq!(doors.session(&hash(1), until_ms), None);
    assert_eq!(doors.sessions().count(), 1, "it is still there");
    doors.apply(&admitted(&doors, 2, "hall2", until_ms));
    assert_eq!(doors.sessions().map(|(hash, _)| *hash).collect::<Vec<_>>(), [hash(2)]);
    assert_eq!(doors.sessions_of(&person("hall2"), until_ms)[0].id, WebSessionId(2));
}

#[test]
fn the_oldest_session_of_a_person_makes_room_for_the_newest() {
    let mut doors = Doors::default();
    for n in 0..=limits::WEB_SESSIONS_PER_PERSON as u8 {
        doors.apply(&admitted(&doors, n, "hall1", i64::from(n)));
        doors.apply(&admitted(&doors, 100 + n, &format!("u{n}"), i64::from(n)));
    }
    let theirs = doors.sessions_of(&person("hall1"), 100);
    assert_eq!(theirs.len(), limits::WEB_SESSIONS_PER_PERSON);
    assert!(doors.session(&hash(0), 100).is_none() && doors.session(&hash(100), 100).is_some());
}

#[test]
fn links_are_used_up_by_the_session_they_make_and_few_for_each_person() {
    let mut doors = Doors::default();
    for n in 0..=limits::LOGIN_LINKS_PER_PERSON as u8 {
        let link = LoginLink { person: person("hall1"), until_ms: 300_000 + i64::from(n) };
        doors.apply(&DoorChange::Offered { hash: hash(n), link, at_ms: i64::from(n) });
    }
    assert_eq!(doors.links().count(), limits::LOGIN_LINKS_PER_PERSON);
    assert!(doors.link(&hash(0), 5).is_none(), "the oldest one");
    assert!(doors.link(&hash(1), 300_000).is_some() && doors.link(&hash(1), 300_001).is_none());
    let DoorChange::Admitted { hash: new, session, .. } = admitted(&doors, 9, "hall1", 10) else { unreachable!() };
    doors.apply(&DoorChange::Admitted { hash: new, session, link: Some(hash(1)) });
    assert!(doors.link(&hash(1), 11).is_none() && doors.session(&hash(9), 11).is_some());
}

#[test]
fn which_sessions_are_meant() {
    let mut doors = Doors::default();
    for (n, who) in [(1, "hall1"), (2, "hall2"), (3, "hall1")] {
        doors.apply(&admitted(&doors, n, who, 0));
    }
    let meant = |leaving| doors.meant(&person("hall1"), leaving);
    assert_eq!(meant(Leaving::All), [hash(1), hash(3)]);
    assert_eq!(meant(Leaving::One(WebSessionId(3))), [hash(3)]);
    assert_eq!(meant(Leaving::This(hash(1))), [hash(1)]);
    assert_eq!([meant(Leaving::One(WebSessionId(2))), meant(Leaving::This(hash(2)))], [vec![], vec![]], "another's");
    doors.apply(&DoorChange::Ended { sessions: meant(Leaving::All) });
    assert_eq!(doors.sessions().count(), 1);
}

#[test]
fn what_people_write_for_sessions_tokens_and_scopes() {
    assert_eq!(Leaving::parse("Все!"), Ok(Leaving::All));
    assert_eq!(Leaving::parse("#3."), Ok(Leaving::One(WebSessionId(3))));
    assert_eq!(Leaving::parse("+3"), Err(Refusal::UnknownSession { session: "+3".into() }));
    for text in ["k3", "K3", "к3", "#k3", "3"] {
        assert_eq!(TokenId::parse(text), Ok(TokenId(3)), "{text}");
    }
    assert!(TokenId::parse("k").is_err() && TokenId::parse("k+3").is_err() && TokenId::parse("s3").is_err());
    for scope in TokenScope::ALL {
        assert_eq!(TokenScope::parse(scope.name()), Ok(scope));
    }
    assert_eq!(TokenScope::parse("Экран."), Ok(TokenScope::Display));
    assert!(TokenScope::parse("admin").is_err());
}

#[test]
fn a_code_is_found_by_its_digits_in_its_room_while_it_is_good() {
    let code = |digits: &str, room: Option<&str>| LoginCode {
        code: digits.into(),
        room: room.map(Into::into),
        browser: "Firefox".into(),
        session: hash(1),
        until_ms: 100,
    };
    let entrance = Entrance {
        url: Some("https://board.example.org".into()),
        codes: vec![code("482193", None), code("000001", Some("finals"))],
    };
    let is_found = |room, text, now_ms| entrance.code(room, text, now_ms).is_ok();
    assert!(is_found("neerc", "482193", Some(99)) && is_found("neerc", " 482 193. ", None));
    assert!(is_found("neerc", "482-193", Some(1)) && !is_found("neerc", "482193", Some(100)));
    assert!(
        is_found("finals", "000001", Some(1))
            && !is_found("neerc", "000001", Some(1))
            && !is_found("finals", "1", None)
    );
    assert!(!Entrance::closed().is_open() && entrance.is_open());
}
