//! What single contest systems do that the specification of the API does not say, and what else may come instead of a
//! document; by name, over HTTP, and where it can be in the words of each version.

use super::versions::{NONE_PLANNED, NOT_BEGUN, VERSIONS, Version, ends, started, starts};
use super::*;

/// Two looks, 2 s apart, at a server that says no time of its own: `after_ms` after ten o'clock in UTC.
fn seen(poll: &mut Poll, after_ms: i64) -> (i64, Phase) {
    NOW_MS.set(TEN_UTC + after_ms - 2_000);
    _ = poll.look(now).unwrap();
    pass(2_000);
    let reading = poll.look(now).unwrap().unwrap();
    (reading.elapsed_ms, reading.phase)
}

/// 2031-10-12T10:00:00Z, in ms since 1970.
const TEN_UTC: i64 = TEN + 3 * HOUR_MS;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Whatever document of a running contest is answered like that, in whatever version, it is said in these words, and the
/// next good answer counts at once.
#[track_caller]
fn is_said(answer: &Answer, words: &str) {
    for version in VERSIONS {
        let good = || version.serves(starts("10:00:00"), started("10:00:00"));
        let server = Server::start(None, good());
        let mut poll = Poll::new(&server.address(), Served::Clics).unwrap();
        assert_eq!(seen(&mut poll, HOUR_MS), (HOUR_MS, Phase::Running));
        for broken in ["/api/contests/demo", "/api/contests/demo/state"] {
            let (mut rest, said) = (good(), answer.clone());
            server.says(move |path, request| if path == broken { said.clone() } else { rest(path, request) });
            let problem = poll.look(now).unwrap_err();
            assert!(problem.words.contains(words) && !problem.words.is_empty(), "{version:?} {broken}: {problem:?}");
            server.says(good());
            let reading = poll.look(now).unwrap().unwrap();
            assert_eq!((reading.elapsed_ms, reading.phase), (HOUR_MS, Phase::Running), "{version:?} {broken}");
        }
    }
}

#[test]
fn a_404_says_that_no_such_contest_is_known() {
    let body = r#"{"code":404,"message":"Object with ID 'demo' not found"}"#;
    is_said(&(404, String::new(), body.to_owned()), "knows no such contest (404)");
}

#[test]
fn a_401_with_a_web_page_asks_for_a_login() {
    let headers = "WWW-Authenticate: Basic realm=\"x\"\r\nContent-Type: text/html\r\n";
    is_said(&(401, headers.to_owned(), "<html>Log in</html>".to_owned()), "wants a login (401)");
}

#[test]
fn a_captive_portal_that_answers_200_is_a_web_page() {
    let page = "<!DOCTYPE html><p>Free WiFi".to_owned();
    is_said(&(200, "Content-Type: text/html\r\n".to_owned(), page), "it is a web page");
}

#[test]
fn an_empty_500_is_said() {
    is_said(&(500, String::new(), String::new()), "answers 500");
}

#[test]
fn a_document_that_is_cut_off_is_none() {
    is_said(&(200, String::new(), CONTEST[..50].to_owned()), "it is not the JSON of a contest: EOF");
    is_said(&(200, "Content-Length: 9999\r\n".to_owned(), CONTEST.to_owned()), "");
}

#[test]
fn a_302_to_a_login_page_is_not_followed() {
    let headers = "Location: http://127.0.0.1/login\r\n";
    is_said(&(302, headers.to_owned(), String::new()), "sends on to http://127.0.0.1/login");
}

#[test]
fn a_proxy_that_says_304_to_what_nobody_asked_is_no_answer() {
    is_said(&(304, String::new(), String::new()), "sends on to somewhere else");
}

#[test]
fn a_document_or_a_head_that_is_too_long_is_not_read() {
    is_said(&(200, String::new(), " ".repeat(300_000)), "");
    is_said(&(200, format!("X: {}\r\n", "y".repeat(100_000)), CONTEST.to_owned()), "");
}

#[test]
fn an_end_in_2074_is_none_in_each_version() {
    for version in VERSIONS {
        let state = version.state(ends("10:00:00", "15:00:00")).replace("2031-10-12T15:00:00", "2074-10-12T15:00:00");
        let mut rest = version.serves(starts("10:00:00"), started("10:00:00"));
        let server = Server::start(None, move |path, request| {
            if path.ends_with("/state") { (200, String::new(), state.clone()) } else { rest(path, request) }
        });
        let mut poll = Poll::new(&server.address(), Served::Clics).unwrap();
        assert_eq!(seen(&mut poll, HOUR_MS), (HOUR_MS, Phase::Running), "{version:?}");
    }
}

#[test]
fn domjudge_shows_a_contest_and_hides_its_state_before_its_activation() {
    let hidden =
        |path: &str| if path.ends_with("/state") { (403, ELEVEN.to_owned(), String::new()) } else { contest(path) };
    let server = Server::start(None, move |path, _| hidden(path));
    let mut poll = Poll::new(&server.address(), Served::Clics).unwrap();
    assert!(
        poll.look(now).unwrap_err().words.contains("(403)"),
        "the contest runs by its plan, and its state is hidden"
    );
    let later = CONTEST.replace("10:00:00", "12:30:00");
    server.says(
        move |path, _| if path.ends_with("/state") { (403, ELEVEN.to_owned(), String::new()) } else { ok(&later) },
    );
    let reading = settled(&mut poll);
    assert_eq!(reading.phase, Phase::Counting);
}

#[test]
fn domjudge_hides_a_contest_after_its_deactivation_and_nothing_is_learned_from_that() {
    let server = Server::start(None, Version::June2023.serves(starts("10:00:00"), ends("10:00:00", "15:00:00")));
    let mut poll = Poll::new(&server.address(), Served::Clics).unwrap();
    assert_eq!(seen(&mut poll, 6 * HOUR_MS), (5 * HOUR_MS, Phase::Over));
    server.says(|_, _| (404, String::new(), String::new()));
    let problem = poll.look(now).unwrap_err();
    assert!(problem.words.contains("404"), "not a reading, so over stays over: {problem:?}");
}

#[test]
fn domjudge_delays_a_start_without_a_word_of_what_is_left() {
    let server = Server::start(None, Version::June2023.serves(starts("10:00:00"), NOT_BEGUN));
    let mut poll = Poll::new(&server.address(), Served::Clics).unwrap();
    assert_eq!(seen(&mut poll, -20 * MINUTE_MS), (-20 * MINUTE_MS, Phase::Counting));
    server.says(Version::June2023.serves(NONE_PLANNED, NOT_BEGUN));
    assert_eq!(seen(&mut poll, -10 * MINUTE_MS), (0, Phase::Before), "nobody knows when, so nothing counts down");
}

#[test]
fn domjudge_adds_properties_of_its_own_unless_it_is_asked_to_be_strict() {
    let more =
        r#"{"shortname":"ao31","end_time":"2031-10-12T18:00:00+03:00","allow_submit":true,"warning_message":null,"#;
    let strict = Version::June2023.contest(starts("10:00:00"));
    for document in [strict.clone(), strict.replacen('{', more, 1)] {
        let server = Server::start(None, move |path, _| {
            let state = Version::June2023.state(started("10:00:00"));
            (200, String::new(), if path.ends_with("/state") { state } else { document.clone() })
        });
        let mut poll = Poll::new(&server.address(), Served::Clics).unwrap();
        assert_eq!(seen(&mut poll, HOUR_MS), (HOUR_MS, Phase::Running));
    }
}

#[test]
fn domjudge_puts_removed_time_into_its_duration_and_does_not_say_which() {
    // A quarter of an hour was removed, and its end moved by it: its contest time is too large by that, and there is no telling.
    let contest = starts("10:00:00").long("5:15:00");
    let server = Server::start(None, Version::June2023.serves(contest, started("10:00:00")));
    let mut poll = Poll::new(&server.address(), Served::Clics).unwrap();
    assert_eq!(seen(&mut poll, 2 * HOUR_MS), (2 * HOUR_MS, Phase::Running));
    let reading = poll.look(now).unwrap().unwrap();
    assert_eq!(reading.total_ms, 5 * HOUR_MS + 15 * MINUTE_MS);
    assert_eq!(reading.total_ms - reading.elapsed_ms, 3 * HOUR_MS + 15 * MINUTE_MS, "what is left is right");
}

#[test]
fn domjudge_does_not_take_back_a_start_that_has_happened_when_another_is_planned() {
    let server = Server::start(None, Version::June2023.serves(starts("10:00:00"), started("10:00:00")));
    let mut poll = Poll::new(&server.address(), Served::Clics).unwrap();
    assert_eq!(seen(&mut poll, 5 * MINUTE_MS), (5 * MINUTE_MS, Phase::Running));
    server.says(Version::June2023.serves(starts("11:00:00"), started("10:00:00")));
    assert_eq!(seen(&mut poll, 10 * MINUTE_MS), (10 * MINUTE_MS, Phase::Running));
}

#[test]
fn the_cds_says_its_time_to_the_ms_and_is_believed_40_s_ahead() {
    let ahead = |path: &str| {
        let (status, _, body) = contest(path);
        (status, format!("{ELEVEN}ICPC-Time: {}\r\n", TEN + 3_640_000), body)
    };
    let server = Server::start(None, move |path, _| ahead(path));
    let mut poll = Poll::new(&server.address(), Served::Clics).unwrap();
    poll.look(now).unwrap();
    // Its time went on with ours.
    pass(2_000);
    server.says(move |path, _| {
        let (status, _, body) = contest(path);
        (status, format!("ICPC-Time: {}\r\n", TEN + 3_642_000), body)
    });
    let reading = poll.look(now).unwrap().unwrap();
    let off_ms = reading.elapsed_ms - 3_642_000;
    assert!(off_ms.abs() < 1_000, "{off_ms} ms off");
}

#[test]
fn the_cds_says_a_start_and_a_countdown_at_once_and_the_countdown_counts() {
    for version in VERSIONS {
        let server = Server::start(None, version.serves(starts("10:00:00").counted("0:02:41"), NOT_BEGUN));
        let mut poll = Poll::new(&server.address(), Served::Clics).unwrap();
        assert_eq!(seen(&mut poll, MINUTE_MS), (-161_000, Phase::Before), "{version:?}");
        server.says(version.serves(starts("10:00:00").counted("0:02:41"), started("10:09:25")));
        assert_eq!(seen(&mut poll, 10 * MINUTE_MS), (35_000, Phase::Running), "what has happened comes before both");
    }
}

#[test]
fn a_contest_that_the_cds_replays_at_another_speed_is_refused() {
    let document = Version::Draft.contest(starts("10:00:00")).replacen('{', r#"{"time_multiplier":60.0,"#, 1);
    let server = Server::start(None, move |_, _| (200, String::new(), document.clone()));
    let problem = Poll::new(&server.address(), Served::Clics).unwrap().look(now).unwrap_err();
    assert!(problem.words.starts_with("time_multiplier is 60"), "{problem:?}");
}

#[test]
fn pc2_serves_its_only_contest_without_an_id_and_does_not_say_that_its_clock_stands() {
    let mut rest = Version::March2020.serves(starts("10:00:00"), ends("10:00:00", "15:00:00"));
    let server = Server::start(None, move |path, request| {
        let below = path.strip_prefix("/contest").unwrap_or("/none");
        rest(&format!("/api/contests/demo{below}"), request)
    });
    let url = format!("http://127.0.0.1:{}/contest/", server.port);
    let mut poll = Poll::new(&HttpAddress { url, ..HttpAddress::default() }, Served::Clics).unwrap();
    // It was stopped for half an hour in between; only by hand can that be said.
    assert_eq!(seen(&mut poll, 2 * HOUR_MS), (2 * HOUR_MS, Phase::Running));
    assert_eq!(
        seen(&mut poll, 6 * HOUR_MS),
        (5 * HOUR_MS, Phase::Over),
        "and its end is the first start and the length"
    );
}

#[test]
fn kattis_names_nothing_and_writes_offsets_of_hours() {
    let contest = r#"{"id":"ao31","name":"ao31","duration":"5:00:00.000","start_time":"2031-10-12T10:00:00.000+00",
        "formal_name":null,"penalty_time":20,"scoreboard_freeze_duration":"0:00:00.000"}"#;
    let server = Server::start(None, move |path, _| {
        (200, String::new(), if path.ends_with("/state") { "{}" } else { contest }.to_owned())
    });
    let mut poll = Poll::new(&server.address(), Served::Clics).unwrap();
    assert_eq!(seen(&mut poll, -MINUTE_MS), (-MINUTE_MS, Phase::Counting));
    assert_eq!(
        seen(&mut poll, MINUTE_MS),
        (MINUTE_MS, Phase::Running),
        "it begins as planned where its state is silent"
    );
}
