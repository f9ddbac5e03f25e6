//! The texts that are in people's logs, and what is refused.

use super::*;
use neerc_core::change::Change;
use neerc_core::clock::hand::SetClock;
use neerc_core::clock::{Phase, Reading, Speed};
use neerc_core::doors::{
    AccessToken, DoorChange, LoginLink, SecretHash, TokenId, TokenScope, WebSession, WebSessionId,
};
use neerc_core::links::LinksWish;
use neerc_core::plan::{PlanId, Planned, RunId, RunStep, Schedule, Timing};
use neerc_core::watch::{Watch, WatchedAnswers};

fn hash(n: u8) -> SecretHash {
    SecretHash::new([n; 32])
}

fn session() -> WebSession {
    WebSession { id: WebSessionId(3), person: person("hall1"), at_ms: 5, browser: "Firefox, 192.0.2.7".into() }
}

fn link() -> LoginLink {
    LoginLink { person: person("hall1"), until_ms: 300_005 }
}

fn token(scope: TokenScope, by: Option<&str>) -> AccessToken {
    AccessToken { id: TokenId(1), hash: hash(3), scope, person: person("hall1"), by: by.map(person), at_ms: 5 }
}

fn person(name: &str) -> Person {
    Person::from_bare(&format!("{name}@localhost"))
}

fn status(progress: Progress, value: &str) -> Status {
    Status::new(progress, value).unwrap()
}

fn title(text: &str) -> Title {
    Title::parse(text).unwrap()
}

fn set(elapsed_ms: i64, phase: Phase) -> SetClock {
    let reading = Reading { elapsed_ms, total_ms: 18_000_000, phase };
    SetClock { by: person("admin"), at_ms: 1_700_000_000_123, reading, speed: Speed::REAL }
}

/// One of each form. These texts are in people's logs: never change one, only add.
fn golden() -> Vec<(&'static str, Change)> {
    let created = |task, statuses| Change::Created {
        task: TaskId(task),
        title: title("Раздать \"воду\""),
        kind: Kind::OkFail,
        timestamp_ms: 1_700_000_000_123,
        statuses,
        plan: None,
        deadline: None,
    };
    let edited = |title, kind, timestamp_ms, set, unassigned| Change::Edited {
        task: TaskId(7),
        title,
        kind,
        timestamp_ms,
        set,
        unassigned,
    };
    let answered = |progress, value: &str| Change::Answered {
        task: TaskId(7),
        person: person("hall2"),
        status: status(progress, value),
    };
    vec![
        (
            r#"{"created":{"task":18446744073709551615,"title":"Раздать \"воду\"","kind":"okfail","timestamp_ms":1700000000123}}"#,
            created(u64::MAX, vec![]),
        ),
        (
            r#"{"created":{"task":7,"title":"Раздать \"воду\"","kind":"okfail","timestamp_ms":1700000000123,"statuses":[{"person":"hall2@localhost","status":"none"},{"person":"hall1@localhost","status":"running","value":"50%"}]}}"#,
            created(7, vec![(person("hall2"), Status::NONE), (person("hall1"), status(Progress::Running, "50%"))]),
        ),
        (
            r#"{"edited":{"task":7,"title":"t","kind":"question","timestamp_ms":-1,"set":[{"person":"hall1@localhost","status":"none"}],"unassigned":["hall2@localhost"]}}"#,
            edited(
                Some(title("t")),
                Some(Kind::Question),
                Some(-1),
                vec![(person("hall1"), Status::NONE)],
                vec![person("hall2")],
            ),
        ),
        (r#"{"edited":{"task":7,"kind":"todo"}}"#, edited(None, Some(Kind::Todo), None, vec![], vec![])),
        (r#"{"answered":{"task":7,"person":"hall2@localhost","status":"success"}}"#, answered(Progress::Success, "")),
        (
            r#"{"answered":{"task":7,"person":"hall2@localhost","status":"fail","value":"нет бумаги"}}"#,
            answered(Progress::Fail, "нет бумаги"),
        ),
        (
            r#"{"answered":{"task":7,"person":"hall2@localhost","status":"acknowledged"}}"#,
            answered(Progress::Acknowledged, ""),
        ),
        (
            r#"{"door":{"admitted":{"hash":"0101010101010101010101010101010101010101010101010101010101010101","session":3,"person":"hall1@localhost","since_ms":5,"browser":"Firefox, 192.0.2.7"}}}"#,
            Change::Door(DoorChange::Admitted { hash: hash(1), session: session(), link: None }),
        ),
        (
            r#"{"door":{"admitted":{"hash":"0101010101010101010101010101010101010101010101010101010101010101","session":3,"person":"hall1@localhost","since_ms":5,"browser":"Firefox, 192.0.2.7","link":"0202020202020202020202020202020202020202020202020202020202020202"}}}"#,
            Change::Door(DoorChange::Admitted { hash: hash(1), session: session(), link: Some(hash(2)) }),
        ),
        (
            r#"{"door":{"ended":{"sessions":["0101010101010101010101010101010101010101010101010101010101010101"]}}}"#,
            Change::Door(DoorChange::Ended { sessions: vec![hash(1)] }),
        ),
        (
            r#"{"door":{"offered":{"hash":"0202020202020202020202020202020202020202020202020202020202020202","person":"hall1@localhost","until_ms":300005,"at_ms":5}}}"#,
            Change::Door(DoorChange::Offered { hash: hash(2), link: link(), at_ms: 5 }),
        ),
        (
            r#"{"door":{"given":{"token":1,"hash":"0303030303030303030303030303030303030303030303030303030303030303","scope":"display","person":"hall1@localhost","by":"admin@localhost","at_ms":5}}}"#,
            Change::Door(DoorChange::Given(token(TokenScope::Display, Some("admin")))),
        ),
        (
            r#"{"door":{"given":{"token":1,"hash":"0303030303030303030303030303030303030303030303030303030303030303","scope":"write","person":"hall1@localhost","at_ms":5}}}"#,
            Change::Door(DoorChange::Given(token(TokenScope::Write, None))),
        ),
        (r#"{"door":{"revoked":{"token":1}}}"#, Change::Door(DoorChange::Revoked { token: TokenId(1) })),
        (
            r#"{"removed":{"task":7,"at_ms":1700000000123}}"#,
            Change::Removed { task: TaskId(7), at_ms: Some(1_700_000_000_123) },
        ),
        (r#"{"restored":{"task":7,"timestamp_ms":5}}"#, Change::Restored { task: TaskId(7), timestamp_ms: 5 }),
        (r#"{"reminded":{"task":7}}"#, Change::Reminded { task: TaskId(7), round: None }),
        (r#"{"removed":{"task":7}}"#, Change::Removed { task: TaskId(7), at_ms: None }),
        (
            r#"{"planned":{"plan":3,"by":"admin@localhost","title":"Раздать \"воду\"","kind":"okfail","names":["halls","зал 1"],"schedule":"end-60!"}}"#,
            Change::Planned(planned(3, &["halls", "зал 1"], "end-60!")),
        ),
        (
            r#"{"planned":{"plan":18446744073709551615,"by":"admin@localhost","title":"Раздать \"воду\"","kind":"okfail","schedule":"start+0"}}"#,
            Change::Planned(planned(u64::MAX, &[], "start")),
        ),
        (
            r#"{"planned":{"plan":3,"by":"admin@localhost","title":"Раздать \"воду\"","kind":"okfail","time":{"at_ms":1200000}}}"#,
            Change::Planned(planned(3, &[], "in 20m!")),
        ),
        (
            r#"{"planned":{"plan":3,"by":"admin@localhost","title":"Раздать \"воду\"","kind":"okfail","time":{"at_ms":37800000,"asks":true}}}"#,
            Change::Planned(planned(3, &[], "10:30")),
        ),
        (r#"{"replanned":{"plan":3,"schedule":"end-45!"}}"#, replanned("end-45!")),
        (r#"{"replanned":{"plan":3,"time":{"at_ms":37800000,"asks":true}}}"#, replanned("10:30")),
        (r#"{"lapsed":{"plan":3}}"#, Change::Lapsed { plan: PlanId(3) }),
        (r#"{"unplanned":{"plan":3}}"#, Change::Unplanned { plan: PlanId(3) }),
        (
            r#"{"clocked":{"by":"admin@localhost","at_ms":1700000000123,"elapsed_ms":-60000,"total_ms":18000000,"phase":"counting"}}"#,
            Change::Clocked(Some(set(-60_000, Phase::Counting))),
        ),
        (r#"{"clocked":null}"#, Change::Clocked(None)),
        (
            r#"{"rehearsed":{"by":"admin@localhost","at_ms":1700000000123,"elapsed_ms":0,"total_ms":18000000,"phase":"before","speed":60}}"#,
            Change::Rehearsed(SetClock { speed: Speed::new(60).unwrap(), ..set(0, Phase::Before) }),
        ),
        (r#"{"rehearsal_ended":{"tasks":[3,4]}}"#, Change::RehearsalEnded { tasks: vec![TaskId(3), TaskId(4)] }),
        (r#"{"rehearsal_ended":{}}"#, Change::RehearsalEnded { tasks: vec![] }),
        (BEGUN, begun()),
        (r#"{"stopped":{"run":4}}"#, Change::Stopped { run: RunId(4) }),
        (
            r#"{"watched":{"person":"admin@localhost","answers":"failures","tasks":[3,7]}}"#,
            watched(WatchedAnswers::Failures, &[3, 7]),
        ),
        (
            r#"{"linked":{"person":"hall1@localhost","links":"off"}}"#,
            Change::Linked { person: person("hall1"), wish: LinksWish::Off },
        ),
        (
            r#"{"linked":{"person":"hall1@localhost","links":"on"}}"#,
            Change::Linked { person: person("hall1"), wish: LinksWish::On },
        ),
        (r#"{"watched":{"person":"admin@localhost"}}"#, watched(WatchedAnswers::None, &[])),
        (
            r#"{"created":{"task":7,"title":"t","kind":"todo","timestamp_ms":5,"plan":3}}"#,
            Change::Created {
                task: TaskId(7),
                title: title("t"),
                kind: Kind::Todo,
                timestamp_ms: 5,
                statuses: vec![],
                plan: Some(PlanId(3)),
                deadline: None,
            },
        ),
    ]
}

fn replanned(schedule: &str) -> Change {
    Change::Replanned { plan: PlanId(3), schedule: Timing::required(schedule).unwrap().schedule(0, 0, Speed::REAL) }
}

fn watched(answers: WatchedAnswers, tasks: &[u64]) -> Change {
    let tasks = tasks.iter().copied().map(TaskId).collect();
    Change::Watched { person: person("admin"), watch: Watch { answers, tasks } }
}

const BEGUN: &str = concat!(
    r#"{"begun":{"name":"рассадка","at_ms":1700000000123,"lines":["#,
    r#"{"plan":4,"by":"admin@localhost","title":"Раздать \"воду\"","kind":"okfail","names":["halls"],"run":4,"step":1},"#,
    r#"{"plan":5,"by":"admin@localhost","title":"Раздать \"воду\"","kind":"okfail","schedule":"end-60!","run":4,"step":2}"#,
    "]}}",
);

/// A checklist of two steps, the second at a moment of its own.
fn begun() -> Change {
    let line = |id, names: &[&str], schedule: &str, step| {
        let turn = Some(RunStep { run: RunId(4), step });
        Planned { turn, ..planned(id, names, if schedule.is_empty() { "start" } else { schedule }) }
    };
    let first = Planned { schedule: Schedule::AT_ITS_TURN, ..line(4, &["halls"], "", 1) };
    let lines = vec![first, line(5, &[], "end-60!", 2)];
    Change::Begun { name: "рассадка".to_owned(), at_ms: 1_700_000_000_123, lines }
}

fn planned(id: u64, names: &[&str], schedule: &str) -> Planned {
    Planned {
        id: PlanId(id),
        by: person("admin"),
        title: title("Раздать \"воду\""),
        kind: Kind::OkFail,
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        schedule: Timing::required(schedule).unwrap().schedule(0, 0, Speed::REAL),
        turn: None,
    }
}

#[test]
fn changes_are_written_and_read_as_ever() {
    for (text, change) in golden() {
        assert_eq!(write_change(&change).unwrap(), text);
        assert_eq!(read_change(text.as_bytes()).unwrap(), change);
    }
    for kind in [Kind::Todo, Kind::TodoFail, Kind::Confirm, Kind::OkFail, Kind::Question] {
        let text = format!(r#"{{"edited":{{"task":7,"kind":"{}"}}}}"#, kind.name());
        assert!(matches!(read_change(text.as_bytes()).unwrap(), Change::Edited { kind: Some(k), .. } if k == kind));
    }
}

#[test]
fn a_field_of_a_later_version_is_no_obstacle() {
    let text = r#"{"removed":{"task":7,"why":"done"}}"#;
    assert_eq!(read_change(text.as_bytes()).unwrap(), Change::Removed { task: TaskId(7), at_ms: None });
}

#[test]
fn what_no_change_could_say_is_refused() {
    let check = |text: &str, expected: &str| {
        let error = read_change(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    };
    check("", "it cannot be read");
    check(r#"{"moved":{"task":7}}"#, "unknown variant `moved`");
    check(r#"{"removed":{}}"#, "missing field `task`");
    check(
        r#"{"created":{"task":1,"title":" ","kind":"todo","timestamp_ms":1}}"#,
        "it is not valid: the title is empty",
    );
    check(r#"{"edited":{"task":1,"kind":"tidy"}}"#, "no task type 'tidy'");
    check(r#"{"answered":{"task":1,"person":"a@b","status":"late"}}"#, "no status type 'late'");
    let planned = r#"{"planned":{"plan":1,"by":"a@b","title":"t","kind":"todo","schedule":"noon"}}"#;
    check(planned, "'noon' is no moment");
}

/// Two rooms with everything a board can remember.
fn boards() -> Boards {
    let halls = ["hall1", "hall2"].map(|name| (person(name), Status::NONE));
    let created = |task, kind| Change::Created {
        task: TaskId(task),
        title: title("Water"),
        kind,
        timestamp_ms: 1_000 + task as i64,
        statuses: halls.to_vec(),
        plan: None,
        deadline: None,
    };
    let mut boards = Boards::new();
    let neerc = boards.entry("neerc".into()).or_default();
    neerc.apply(1, &created(1, Kind::Todo));
    neerc.apply(2, &created(2, Kind::Confirm));
    let answered =
        Change::Answered { task: TaskId(1), person: person("hall2"), status: status(Progress::Running, "50%") };
    neerc.apply(3, &answered);
    let edited = Change::Edited {
        task: TaskId(1),
        title: Some(title("Вода")),
        kind: Some(Kind::Question),
        timestamp_ms: Some(2_000),
        set: vec![(person("admin"), Status::NONE)],
        unassigned: vec![person("hall1")],
    };
    neerc.apply(4, &edited);
    neerc.apply(6, &Change::Removed { task: TaskId(2), at_ms: None });
    boards.entry("empty".into()).or_default();
    boards.entry("other".into()).or_default().apply(5, &created(1, Kind::OkFail));
    boards
}

const SNAPSHOT: &str = concat!(
    r#"{"v":1,"people":["admin@localhost","hall2@localhost","hall1@localhost"],"#,
    r#""statuses":[["none",""],["running","50%"]],"rooms":["#,
    r#"{"room":"empty","next_id":1,"last_timestamp_ms":0,"revision":0,"tasks":[]},"#,
    r#"{"room":"neerc","next_id":3,"last_timestamp_ms":2000,"revision":6,"tasks":["#,
    r#"{"id":1,"title":"Вода","kind":"question","timestamp_ms":2000,"revision":4,"statuses":[[0,0],[1,1]],"#,
    r#""past_titles":["Water"],"past_kinds":["todo"],"past_since":1,"past_steps":[[3,[[1,0]]],[4,[[2,0],[0,null]]]]}]},"#,
    r#"{"room":"other","next_id":2,"last_timestamp_ms":1001,"revision":5,"tasks":["#,
    r#"{"id":1,"title":"Water","kind":"okfail","timestamp_ms":1001,"revision":5,"statuses":[[2,0],[1,0]],"past_since":5}]}]}"#,
);

#[test]
fn snapshots_are_written_and_read_as_ever() {
    assert_eq!(write_boards(&boards()).unwrap(), SNAPSHOT);
    assert_eq!(read_boards(SNAPSHOT.as_bytes()).unwrap(), boards());
}

#[test]
fn what_is_planned_survives_a_snapshot_as_ever() {
    let mut boards = Boards::new();
    let room = boards.entry("neerc".into()).or_default();
    for (revision, id) in [(1, 1), (2, 2), (3, 3)] {
        room.apply(revision, &Change::Planned(planned(id, &["halls"], "start+15")));
    }
    room.apply(4, &Change::Unplanned { plan: PlanId(1) });
    room.apply(5, &Change::Unplanned { plan: PlanId(3) });
    let written = concat!(
        r#"{"v":1,"people":[],"statuses":[],"rooms":[{"room":"neerc","next_id":1,"last_timestamp_ms":0,"revision":5,"#,
        r#""tasks":[],"plan":{"next":4,"entries":[{"plan":2,"by":"admin@localhost","#,
        r#""title":"Раздать \"воду\"","kind":"okfail","names":["halls"],"schedule":"start+15"}]}}]}"#,
    );
    assert_eq!(write_boards(&boards).unwrap(), written);
    assert_eq!(read_boards(written.as_bytes()).unwrap(), boards);
}

#[test]
fn a_clock_set_by_hand_survives_a_snapshot() {
    let mut boards = Boards::new();
    let room = boards.entry("neerc".into()).or_default();
    room.apply(1, &Change::Clocked(Some(set(754_000, Phase::Paused))));
    let written = concat!(
        r#"{"v":1,"people":[],"statuses":[],"rooms":[{"room":"neerc","next_id":1,"last_timestamp_ms":0,"revision":1,"#,
        r#""tasks":[],"clock":{"by":"admin@localhost","at_ms":1700000000123,"elapsed_ms":754000,"total_ms":18000000,"#,
        r#""phase":"paused"}}]}"#,
    );
    assert_eq!(write_boards(&boards).unwrap(), written);
    assert_eq!(read_boards(written.as_bytes()).unwrap(), boards);
    assert!(read_boards(written.replace("paused", "frozen").as_bytes()).is_err());
}

#[test]
fn a_checklist_in_the_middle_survives_a_snapshot() {
    let mut boards = Boards::new();
    let room = boards.entry("neerc".into()).or_default();
    room.apply(1, &begun_as_it_is(1));
    let created = Change::Created {
        task: TaskId(1),
        title: title("Water"),
        kind: Kind::Todo,
        timestamp_ms: 5,
        statuses: vec![(person("hall1"), Status::NONE)],
        plan: Some(PlanId(1)),
        deadline: None,
    };
    room.apply(2, &created);
    let written = write_boards(&boards).unwrap();
    let plan = concat!(
        r#""plan":{"next":3,"entries":[{"plan":2,"by":"admin@localhost","title":"Раздать \"воду\"","kind":"okfail","#,
        r#""schedule":"end-60!","run":1,"step":2}],"runs":[{"run":1,"name":"рассадка","by":"admin@localhost","#,
        r#""at_ms":1700000000123,"steps":2,"step":1,"tasks":[[1,1]]}]}"#,
    );
    assert!(written.contains(plan), "{written}");
    let mut restored = read_boards(written.as_bytes()).unwrap();
    assert_eq!(restored, boards);
    for boards in [&mut boards, &mut restored] {
        let done = status(Progress::Success, "");
        let answered = Change::Answered { task: TaskId(1), person: person("hall1"), status: done };
        boards.get_mut("neerc").unwrap().apply(3, &answered);
    }
    assert_eq!(restored, boards);
    assert_eq!(restored["neerc"].plan().running("Рассадка").map(|run| run.step), Some(2));
}

/// The same with its first line under that number.
fn begun_as_it_is(first: u64) -> Change {
    let Change::Begun { name, at_ms, mut lines } = begun() else { unreachable!() };
    for (line, id) in lines.iter_mut().zip(first..) {
        line.id = PlanId(id);
        line.turn = line.turn.map(|turn| RunStep { run: RunId(first), ..turn });
    }
    Change::Begun { name, at_ms, lines }
}

#[test]
fn what_was_removed_lately_survives_a_snapshot() {
    let mut boards = Boards::new();
    let room = boards.entry("neerc".into()).or_default();
    let created = Change::Created {
        task: TaskId(1),
        title: title("Water"),
        kind: Kind::Todo,
        timestamp_ms: 5,
        statuses: vec![(person("hall1"), status(Progress::Fail, "x"))],
        plan: None,
        deadline: None,
    };
    room.apply(1, &created);
    room.apply(2, &Change::Removed { task: TaskId(1), at_ms: Some(7) });
    let written = concat!(
        r#"{"v":1,"people":[],"statuses":[],"rooms":[{"room":"neerc","next_id":2,"last_timestamp_ms":5,"revision":2,"#,
        r#""tasks":[],"removed":[{"task":1,"at_ms":7,"title":"Water","kind":"todo","#,
        r#""statuses":[{"person":"hall1@localhost","status":"fail","value":"x"}]}]}]}"#,
    );
    assert_eq!(write_boards(&boards).unwrap(), written);
    assert_eq!(read_boards(written.as_bytes()).unwrap(), boards);
}

#[test]
fn what_is_watched_survives_a_snapshot() {
    let mut boards = Boards::new();
    let room = boards.entry("neerc".into()).or_default();
    room.apply(1, &watched(WatchedAnswers::All, &[3]));
    let written = concat!(
        r#"{"v":1,"people":[],"statuses":[],"rooms":[{"room":"neerc","next_id":1,"last_timestamp_ms":0,"revision":1,"#,
        r#""tasks":[],"watches":[{"person":"admin@localhost","answers":"all","tasks":[3]}]}]}"#,
    );
    assert_eq!(write_boards(&boards).unwrap(), written);
    assert_eq!(read_boards(written.as_bytes()).unwrap(), boards);
    boards.entry("neerc".into()).or_default().apply(2, &watched(WatchedAnswers::None, &[]));
    assert!(!write_boards(&boards).unwrap().contains("watches"));
}

#[test]
fn who_wants_links_survives_a_snapshot() {
    let mut boards = Boards::new();
    let room = boards.entry("neerc".into()).or_default();
    room.apply(1, &Change::Linked { person: person("hall1"), wish: LinksWish::On });
    room.apply(2, &Change::Linked { person: person("hall1"), wish: LinksWish::Off });
    let written = concat!(
        r#"{"v":1,"people":[],"statuses":[],"rooms":[{"room":"neerc","next_id":1,"last_timestamp_ms":0,"revision":2,"#,
        r#""tasks":[],"links":[{"person":"hall1@localhost","links":"off"}]}]}"#,
    );
    assert_eq!(write_boards(&boards).unwrap(), written);
    assert_eq!(read_boards(written.as_bytes()).unwrap(), boards);
}

#[test]
fn the_doors_of_a_room_survive_a_snapshot() {
    let mut boards = Boards::new();
    let room = boards.entry("neerc".into()).or_default();
    for (n, change) in [
        DoorChange::Admitted { hash: hash(1), session: session(), link: None },
        DoorChange::Offered { hash: hash(2), link: link(), at_ms: 5 },
        DoorChange::Given(token(TokenScope::Read, None)),
    ]
    .into_iter()
    .enumerate()
    {
        room.apply(n as u64 + 1, &Change::Door(change));
    }
    let written = concat!(
        r#"{"v":1,"people":[],"statuses":[],"rooms":[{"room":"neerc","next_id":1,"last_timestamp_ms":0,"revision":3,"#,
        r#""tasks":[],"doors":{"last":[3,1],"#,
        r#""sessions":[{"hash":"0101010101010101010101010101010101010101010101010101010101010101","#,
        r#""session":3,"person":"hall1@localhost","since_ms":5,"browser":"Firefox, 192.0.2.7"}],"#,
        r#""links":[{"hash":"0202020202020202020202020202020202020202020202020202020202020202","#,
        r#""person":"hall1@localhost","until_ms":300005}],"#,
        r#""tokens":[{"token":1,"hash":"0303030303030303030303030303030303030303030303030303030303030303","#,
        r#""scope":"read","person":"hall1@localhost","at_ms":5}]}}]}"#,
    );
    assert_eq!(write_boards(&boards).unwrap(), written);
    assert_eq!(read_boards(written.as_bytes()).unwrap(), boards);
    let broken = written.replace("0202", "02");
    assert!(read_boards(broken.as_bytes()).unwrap_err().to_string().contains("hexadecimal"));
}

#[test]
fn a_rehearsal_survives_a_snapshot() {
    let mut boards = Boards::new();
    let room = boards.entry("neerc".into()).or_default();
    room.apply(1, &Change::Clocked(Some(set(-60_000, Phase::Counting))));
    room.apply(2, &Change::Rehearsed(SetClock { speed: Speed::new(60).unwrap(), ..set(0, Phase::Before) }));
    let written = concat!(
        r#"{"v":1,"people":[],"statuses":[],"rooms":[{"room":"neerc","next_id":1,"last_timestamp_ms":0,"revision":2,"#,
        r#""tasks":[],"clock":{"by":"admin@localhost","at_ms":1700000000123,"elapsed_ms":0,"total_ms":18000000,"phase":"before","#,
        r#""speed":60},"rehearsal":{"by":"admin@localhost","at_ms":1700000000123,"first":1,"before":{"by":"admin@localhost","#,
        r#""at_ms":1700000000123,"elapsed_ms":-60000,"total_ms":18000000,"phase":"counting"}}}]}"#,
    );
    assert_eq!(write_boards(&boards).unwrap(), written);
    assert_eq!(read_boards(written.as_bytes()).unwrap(), boards);
}

#[test]
fn snapshots_of_another_version_or_with_loose_ends_are_refused() {
    let check = |from: &str, to: &str, expected: &str| {
        assert!(SNAPSHOT.contains(from));
        let error = read_boards(SNAPSHOT.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(r#""v":1"#, r#""v":2"#, "a snapshot of format 2");
    check("[0,0],[1,1]", "[0,0],[1,2]", "it refers to status 2 and has only 2");
    check("[[1,0]]", "[[3,0]]", "it refers to person 3 and has only 3");
    check("Вода", "", "the title is empty");
}

#[test]
fn checksums_are_as_ever_and_tell_every_field() {
    let sum = entry_sum(7, b"neerc", 1_000, b"a@b", b"{}");
    assert_eq!(sum, 0x3801_78a5); // Python: zlib.crc32
    let others = [
        entry_sum(8, b"neerc", 1_000, b"a@b", b"{}"),
        entry_sum(7, b"neerd", 1_000, b"a@b", b"{}"),
        entry_sum(7, b"neerc", 1_001, b"a@b", b"{}"),
        entry_sum(7, b"neerc", 1_000, b"a@c", b"{}"),
        entry_sum(7, b"neerc", 1_000, b"a@b", b"{ "),
        entry_sum(7, b"neerca", 1_000, b"@b", b"{}"),
    ];
    assert!(others.iter().all(|other| *other != sum));
    assert_eq!(snapshot_sum(7, b"{}"), 0xe329_deb3);
    assert_ne!(snapshot_sum(8, b"{}"), snapshot_sum(7, b"{}"));
}

#[test]
fn deadlines_are_kept_as_they_were_first_written() {
    for record in [
        r#"{"deadlined":{"task":7,"deadline":{"by":"admin@localhost","at_ms":1200000}}}"#,
        r#"{"deadlined":{"task":7,"deadline":{"by":"admin@localhost","contest":"end-30"}}}"#,
        r#"{"deadlined":{"task":7,"deadline":null}}"#,
        r#"{"reminded":{"task":7,"round":{"number":2,"at_ms":1500000}}}"#,
        r#"{"created":{"task":7,"title":"Seated?","kind":"okfail","timestamp_ms":5,"deadline":{"by":"admin@localhost","at_ms":9}}}"#,
    ] {
        let change = read_change(record.as_bytes()).unwrap();
        assert_eq!(write_change(&change).unwrap(), record);
    }
    let mut board = Board::default();
    for record in [
        r#"{"created":{"task":1,"title":"Seated?","kind":"okfail","timestamp_ms":5,"deadline":{"by":"admin@localhost","at_ms":9}}}"#,
        r#"{"reminded":{"task":1,"round":{"number":2,"at_ms":1500000}}}"#,
    ] {
        board.apply(board.revision() + 1, &read_change(record.as_bytes()).unwrap());
    }
    let boards = Boards::from([("neerc".into(), board)]);
    assert_eq!(read_boards(write_boards(&boards).unwrap().as_bytes()).unwrap(), boards);
}
