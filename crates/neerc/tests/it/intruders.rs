//! What attackers send to the board who have no account: slow heads and bodies, bodies without end, paths that lead elsewhere,
//! fields that would become others, forged origins. Nothing of it gets in, changes anything or holds anybody up.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::fake::{FakeServer, ROOM};
use crate::http::{Http, Reply};
use crate::service::Neerc;
use crate::trust;
use crate::wait::PATIENCE;

const WEB: &str = "[web]\nlisten = \"127.0.0.1:0\"\n";
/// The largest body that is read, in bytes.
const BODY_BYTES: usize = 64 * 1024;

fn start() -> (FakeServer, Neerc<'static>, Http) {
    let (fake, neerc) = FakeServer::start_with(WEB);
    let http = Http::board(&neerc);
    (fake, neerc, http)
}

#[track_caller]
fn is_well(http: &Http) {
    assert_eq!(http.get("/healthz").status, 200);
}

/// Reads until the connection is closed; what came.
fn rest(mut socket: TcpStream) -> String {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut said = Vec::new();
    if let Err(error) = socket.read_to_end(&mut said) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "the connection stays open");
    }
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn slow_heads_and_bodies_are_given_up_and_hold_up_nobody() {
    let (_fake, _neerc, http) = start();
    let times = trust::times(40, 1_000);
    let half_head = format!("GET / HTTP/1.1\r\nHost: {}\r\nX-Slow: ", http.0);
    let half_body = format!(
        "POST /r/{ROOM}/line HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nContent-Length: 1000\r\n\r\nline=",
        http.0
    );
    let slow: Vec<TcpStream> =
        (0..times).map(|number| http.open(if number % 2 == 0 { &half_head } else { &half_body }.as_bytes())).collect();
    let began = Instant::now();
    is_well(&http);
    let took = began.elapsed();
    for mut socket in slow {
        let _ = socket.write_all(b"x"); // the next of its bytes, a long time later
        let said = rest(socket);
        assert!(!said.starts_with("HTTP/1.1 2"), "{said}");
    }
    is_well(&http);
    trust::report(
        "P4",
        "half a request to the board, and then nothing",
        times,
        &format!("all given up; others answered in {took:.0?}"),
    );
}

#[test]
fn bodies_are_read_up_to_a_bound() {
    let (_fake, _neerc, http) = start();
    let path = format!("/r/{ROOM}/line");
    let origin = format!("Origin: http://{}\r\n", http.0);
    let of = |length: usize| http.send(http.request("POST", &path, &origin, &"x".repeat(length)).as_bytes()).status;
    assert_eq!(of(BODY_BYTES), 401, "it is read, and then nobody is logged in");
    assert_eq!(of(BODY_BYTES + 1), 413);
    let long = format!("POST {path} HTTP/1.1\r\nHost: {}\r\n{origin}Content-Length: 99999999999\r\n\r\n", http.0);
    let mut socket = http.open(long.as_bytes());
    let refused = loop {
        if socket.write_all(&[b'x'; 4096]).is_err() {
            break true;
        }
        let mut said = [0; 12];
        socket.set_read_timeout(Some(std::time::Duration::from_millis(1))).unwrap();
        match socket.read(&mut said) {
            Ok(0) => break true,
            Ok(_) => break said.starts_with(b"HTTP/1.1 413"),
            Err(_) => {}
        }
    };
    assert!(refused, "a body without end is read");
    let chunked = format!("POST {path} HTTP/1.1\r\nHost: {}\r\n{origin}Transfer-Encoding: chunked\r\n\r\n", http.0);
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    assert_eq!(http.send((chunked + &chunk.repeat(20) + "0\r\n\r\n").as_bytes()).status, 413);
    is_well(&http);
    trust::report(
        "P4",
        "bodies of more than 64 KiB, with a length, with a wrong one, in chunks",
        3,
        "0 read to their end",
    );
}

#[test]
fn paths_lead_nowhere_else() {
    let (_fake, _neerc, http) = start();
    let mut tried = 0;
    for path in [
        "/assets/../../../../etc/passwd",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/assets//etc/passwd",
        "/assets/style.css%00.js",
        "/r/%00",
        "/r/%ff%fe",
        "/r/..",
        "/r/%2e%2e%2fmetrics",
        "/metrics",
        "/readyz",
        "/l/",
        "/l/%0d%0aX-Injected:%20yes",
        "/wall/%0d%0aX-Injected:%20yes",
        "/r/%0d%0aX-Injected:%20yes",
        "/%0d%0aX-Injected:%20yes",
        "//elsewhere.example/",
        "/r/fake/do/../../../metrics",
        "/.git/config",
    ] {
        let reply = http.get(path);
        assert!([400, 401, 404, 410].contains(&reply.status), "{path}: {}", reply.head);
        assert!(!reply.text.contains("root:") && reply.field("x-injected").is_none(), "{path}: {}", reply.head);
        tried += 1;
    }
    for to in [
        "//elsewhere.example",
        "/\\elsewhere.example",
        "https://elsewhere.example",
        "/%0d%0aX-Injected:%20yes",
        "%2f%2felsewhere.example",
    ] {
        let reply = http.get(&format!("/language?set=ru&to={to}"));
        assert_eq!((reply.status, reply.field("location")), (303, Some("/")), "{to}: {}", reply.head);
        assert!(reply.field("x-injected").is_none(), "{}", reply.head);
        tried += 1;
    }
    trust::report("P5", "paths that are to lead elsewhere, fields that are to become others", tried, "0 did");
}

#[test]
fn requests_that_no_browser_makes_are_refused() {
    let (_fake, _neerc, http) = start();
    let own = format!("Origin: http://{}\r\n", http.0);
    let path = format!("/r/{ROOM}/line");
    let post = |fields: &str| http.send(http.request("POST", &path, fields, "line=tasks").as_bytes()).status;
    assert_eq!(post(&own), 401, "a page of ours may ask, and nobody is logged in");
    for forged in [
        "",
        "Origin: null\r\n",
        "Origin: http://elsewhere.example\r\n",
        &format!("Origin: http://{}.elsewhere.example\r\n", http.0),
        &format!("Origin: http://elsewhere.example/{}\r\n", http.0),
        &format!("{own}Sec-Fetch-Site: cross-site\r\n"),
        &format!("{own}Sec-Fetch-Site: same-site\r\n"),
        "Sec-Fetch-Site: none\r\n",
        "Origin: http://elsewhere.example\r\nSec-Fetch-Site: same-origin\r\n",
    ] {
        assert_eq!(post(forged), 403, "{forged}");
    }
    let raw = |text: String| -> Reply { http.send(text.as_bytes()) };
    assert_eq!(
        raw("GET / HTTP/1.1\r\nHost: elsewhere.example\r\nConnection: close\r\n\r\n".into()).status,
        421,
        "another's name"
    );
    let end = "Connection: close\r\n\r\n";
    let many = (0..100).fold(String::new(), |mut many, number| {
        let _ = write!(many, "X-{number}: y\r\n"); // a string takes everything
        many
    });
    for (what, text) in [
        ("no host", format!("GET / HTTP/1.1\r\n{end}")),
        ("too many fields", format!("GET / HTTP/1.1\r\nHost: {}\r\n{many}{end}", http.0)),
        ("a long field", format!("GET / HTTP/1.1\r\nHost: {}\r\nX: {}\r\n{end}", http.0, "y".repeat(20_000))),
        ("a long path", format!("GET /{} HTTP/1.1\r\nHost: {}\r\n{end}", "y".repeat(20_000), http.0)),
        ("a field within a field", format!("GET / HTTP/1.1\r\nHost: {}\r\nX: a\rY: b\r\n{end}", http.0)),
        (
            "two lengths",
            format!(
                "POST {path} HTTP/1.1\r\nHost: {}\r\n{own}Content-Length: 1\r\nContent-Length: 2\r\n{end}xx",
                http.0
            ),
        ),
        ("no HTTP", "\u{1}\u{2}\u{3} hello\r\n\r\n".to_owned()),
    ] {
        let reply = raw(text);
        assert!(reply.status == 0 || (400..500).contains(&reply.status), "{what}: {}", reply.head);
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"] {
        let status = http.send(http.request(method, "/", "", "").as_bytes()).status;
        assert!([400, 404, 405].contains(&status), "{method}: {status}");
    }
    is_well(&http);
    trust::report("P5", "requests with forged origins or hosts, or that no browser makes", 23, "0 were answered");
}
