//! The contest clock of a CLICS Contest API over HTTPS, as old clients are told it, also when it is set by chat in between
//! and the process is killed.
#![allow(clippy::disallowed_methods)] // a test looks at the same clock as the program

use crate::servers::{Kind, Server, unique};
use crate::service::Neerc;
use crate::slix::{Slix, Stanza, User};
use crate::tls::Identity;
use crate::wait::{PATIENCE, poll_for};
use rustls::{ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

const NS: &str = "http://neerc.ifmo.ru/protocol/neerc";
const HOUR_MS: i64 = 3_600_000;

fn wall_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// A moment as CLICS writes it.
fn written(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
}

/// Serves a contest that began at that time, until the process ends; its port and its certificate in PEM.
fn serve(start_ms: i64) -> (u16, String) {
    let Identity { config, pem, .. } = Identity::of("localhost");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(connection, stream));
            let mut request = String::new();
            while !request.ends_with("\r\n\r\n") && stream.read_line(&mut request).is_ok_and(|read| read > 0) {}
            let start = written(start_ms);
            let body = match request.split(' ').nth(1) {
                Some("/api/contests/demo") => format!("{{\"start_time\":\"{start}\",\"duration\":\"5:00:00.000\"}}"),
                Some("/api/contests/demo/state") => format!("{{\"started\":\"{start}\",\"ended\":null}}"),
                _ => String::new(),
            };
            let head = format!("ICPC-Time: {}\r\nContent-Length: {}", wall_ms(), body.len());
            _ = write!(stream.get_mut(), "HTTP/1.1 200 OK\r\nConnection: close\r\n{head}\r\n\r\n{body}");
            _ = stream.get_mut().flush();
        }
    });
    (port, pem)
}

/// What a client is told of the clock when it asks: elapsed ms and status.
fn asked(user: &User<'_>, to: &str) -> Option<(i64, String)> {
    let answer = user.iq(to, "get", &format!("<query xmlns='{NS}#clock'/>"));
    let clock = answer.find("clock")?;
    Some((clock.attr("time").parse().unwrap(), clock.attr("status").to_owned()))
}

fn a_contest_over_https_is_told_to_the_second_and_the_chat_overrides_it(kind: Kind) {
    let start_ms = wall_ms() - HOUR_MS;
    let (port, certificate) = serve(start_ms);
    let server = Server::shared(kind);
    server.register_many(&["clockboss", "clockhall"]);
    let room = server.room(&[("clockboss", "owner"), ("clockhall", "member")]);
    let toml = format!(
        "[clock]\nsource = \"clics\"\nurl = \"https://localhost:{port}/api/contests/demo\"\nca_file = \"ca.pem\"\n"
    );
    let mut neerc = Neerc::prepare(server, &[&room], &toml);
    std::fs::write(neerc.dir.join("ca.pem"), certificate).unwrap();
    neerc.restart();
    let (to, svc) = (neerc.room_jid(&room), neerc.jid.clone());
    let join = |user: &str| {
        let session = Slix::shared().connect(server, user, &unique("r"));
        session.join(&room, user);
        session.sync(&svc);
        session
    };
    let (boss, hall) = (join("clockboss"), join("clockhall"));
    let clock_of = |stanza: &Stanza| {
        let clock = stanza.find("clock").filter(|clock| clock.ns == format!("{NS}#clock"))?;
        Some((clock.attr("time").parse::<i64>().unwrap(), clock.attr("status").to_owned()))
    };
    let pushed = |status: &str| {
        let of = |stanza: &Stanza| clock_of(stanza).is_some_and(|(_, found)| found == status);
        clock_of(&hall.expect_message(of, PATIENCE)).unwrap().0
    };
    let is_right = |elapsed_ms: i64| (elapsed_ms - (wall_ms() - start_ms)).abs() <= 1_000;
    let elapsed_ms = pushed("2");
    assert!(is_right(elapsed_ms), "{elapsed_ms} of {}", wall_ms() - start_ms);

    let said = boss.asks(&to, "clock pause");
    assert!(said.starts_with("The contest is paused at 1:00:") && said.contains("By hand since"), "{said}");
    let paused_ms = pushed("3");
    neerc.kill9();
    neerc.restart();
    let kept = poll_for(PATIENCE, || asked(&hall, &to).filter(|(_, status)| status == "3"));
    assert_eq!(kept, Some((paused_ms, "3".to_owned())), "what was set by hand is kept");
    let back =
        poll_for(PATIENCE, || Some(boss.asks(&to, "clock follow")).filter(|said| said.starts_with("Contest time")));
    assert!(back.is_some() || asked(&hall, &to).is_some_and(|(_, status)| status == "2"), "{back:?}");
    let now =
        poll_for(PATIENCE, || asked(&hall, &to).filter(|(elapsed_ms, status)| status == "2" && is_right(*elapsed_ms)));
    assert!(now.is_some(), "it goes by the contest again: {:?}", asked(&hall, &to));
}

on_both!(a_contest_over_https_is_told_to_the_second_and_the_chat_overrides_it);
