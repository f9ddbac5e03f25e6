//! Contest clocks of every source in one configuration, and what `neerc check` says of them: before the service runs, while it
//! does, and of those that cannot be read.
#![allow(clippy::disallowed_methods)] // a test looks at the same clock as the program

use crate::servers::{Kind, Server};
use crate::service::Neerc;
use crate::wait::{PATIENCE, poll_for};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

const HOUR_MS: i64 = 3_600_000;

fn wall_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Serves a contest that began an hour ago, until it is broken, and a document that stands; its address.
fn serve(broken: Arc<AtomicBool>) -> String {
    let start = jiff::Timestamp::from_millisecond(wall_ms() - HOUR_MS).unwrap().to_string();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = BufReader::new(stream);
            let mut request = String::new();
            while !request.ends_with("\r\n\r\n") && stream.read_line(&mut request).is_ok_and(|read| read > 0) {}
            let (status, body) = match request.split(' ').nth(1) {
                Some(path) if path.starts_with("/api/") && broken.load(Ordering::SeqCst) => (500, String::new()),
                Some("/api/contests/demo") => (200, format!("{{\"start_time\":\"{start}\",\"duration\":\"5:00:00\"}}")),
                Some("/api/contests/demo/state") => (200, format!("{{\"started\":\"{start}\",\"ended\":null}}")),
                Some("/clock") => {
                    (200, r#"{"time_ms": 7200000, "length_ms": 18000000, "status": "PAUSED"}"#.to_owned())
                }
                _ => (404, String::new()),
            };
            let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}", body.len());
            _ = write!(stream.get_mut(), "{head}\r\n\r\n{body}");
            _ = stream.get_mut().flush();
        }
    });
    address
}

/// What `neerc check` prints, which finds nothing wrong.
#[track_caller]
fn checked(neerc: &Neerc<'_>) -> String {
    let ended = neerc.command().arg("check").output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(ended.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&ended.stderr));
    said
}

/// The line of a clock.
#[track_caller]
fn of<'a>(said: &'a str, source: &str) -> &'a str {
    let mut lines = said.lines().filter(|line| line.contains("clock") && line.contains(source));
    let line = lines.next().unwrap_or_else(|| panic!("nothing of {source}:\n{said}"));
    assert_eq!(lines.next(), None, "it is said once");
    line
}

fn a_check_says_of_clocks_of_every_source_what_they_show_and_how_old_that_is(kind: Kind) {
    let server = Server::shared(kind);
    server.register("sourceboss");
    let rooms: [String; 6] = std::array::from_fn(|_| server.room(&[("sourceboss", "owner")]));
    let names: Vec<&str> = rooms.iter().map(String::as_str).collect();
    let mut neerc = Neerc::prepare(server, &names, "[clock]\nsource = \"file\"\npath = \"clock.xml\"\n");
    let broken = Arc::new(AtomicBool::new(false));
    let web = serve(broken.clone());
    let mut config = std::fs::read_to_string(neerc.config()).unwrap();
    for (room, clock) in names[1..].iter().zip([
        format!("source = \"clics\"\nurl = \"{web}/api/contests/demo\""),
        format!("source = \"json\"\nurl = \"{web}/clock\""),
        "source = \"json\"\npath = \"clock.json\"".to_owned(),
        "source = \"manual\"".to_owned(),
        format!("source = \"json\"\nurl = \"{web}/nowhere\""),
    ]) {
        config.push_str(&format!("[[clocks]]\nrooms = [\"{room}\"]\n{clock}\n"));
    }
    std::fs::write(neerc.config(), config).unwrap();
    let file = neerc.dir.join("clock.xml");
    std::fs::write(&file, "<clock time='600000' length='18000000' status='PAUSED'/>").unwrap();
    let document = r#"{"time_ms": 18000000, "length_ms": 18000000, "status": "OVER"}"#;
    std::fs::write(neerc.dir.join("clock.json"), document).unwrap();

    let said = checked(&neerc);
    assert!(of(&said, "clock.xml").ends_with("clock.xml: paused at 0:10:00 of 5:00:00"), "{said}");
    assert!(of(&said, "/api/contests/demo").starts_with("ok    clock http://127.0.0.1:"), "{said}");
    assert!(of(&said, "/api/contests/demo").contains("/demo: running at 1:0"), "{said}");
    assert!(of(&said, "/clock:").ends_with("/clock: paused at 2:00:00 of 5:00:00"), "{said}");
    assert!(of(&said, "clock.json").ends_with("clock.json: over at 5:00:00 of 5:00:00"), "{said}");
    assert_eq!(of(&said, "by hand"), format!("ok    clock by hand: {}, as set by chat", names[4]));
    let unread = of(&said, "/nowhere");
    assert!(unread.starts_with("WARN  clock http://") && unread.contains("cannot be read ("), "{said}");
    assert!(unread.contains("knows no such contest (404)") && unread.contains("correct url, user"), "{said}");

    neerc.restart();
    let mut said = String::new();
    let all = poll_for(PATIENCE, || {
        said = checked(&neerc);
        let has_all = said.matches("of 5:00:00, heard ").count() == 4;
        (has_all && said.contains("cannot be read now")).then_some(())
    });
    assert!(all.is_some(), "{said}");
    assert!(of(&said, "clock.xml").contains("clock.xml: paused at 0:10:00 of 5:00:00, heard "), "{said}");
    assert!(of(&said, "/api/contests/demo").contains("/demo: running at 1:0"), "{said}");
    assert!(of(&said, "/clock:").contains("/clock: paused at 2:00:00 of 5:00:00, heard "), "{said}");
    assert!(of(&said, "clock.json").contains("clock.json: over at 5:00:00 of 5:00:00, heard "), "{said}");
    assert_eq!(of(&said, "by hand"), format!("ok    clock by hand: {}, as set by chat", names[4]));
    assert!(of(&said, "/nowhere").contains("/nowhere: nothing yet, and cannot be read now: "), "{said}");

    broken.store(true, Ordering::SeqCst);
    std::fs::remove_file(file).unwrap();
    let both = poll_for(PATIENCE, || {
        said = checked(&neerc);
        (said.matches("ago, and cannot be read now: ").count() == 2).then_some(())
    });
    assert!(both.is_some(), "{said}");
    let gone = of(&said, "/api/contests/demo");
    assert!(gone.starts_with("WARN  ") && gone.contains("running at 1:0") && gone.ends_with("answers 500"), "{said}");
    assert!(of(&said, "clock.xml").contains("clock.xml: paused at 0:10:00 of 5:00:00, heard "), "{said}");
    assert!(of(&said, "/clock:").starts_with("ok    "), "{said}");
}

on_both!(a_check_says_of_clocks_of_every_source_what_they_show_and_how_old_that_is);
