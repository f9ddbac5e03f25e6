//! Clocks over real HTTP and HTTPS, from a server that says what contest systems have said and done.

mod recorded;
mod systems;
mod versions;

use super::*;
use neerc_core::clock::Phase;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::cell::Cell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// 2031-10-12T10:00:00+03:00, in ms since 1970.
const TEN: i64 = 1_949_554_800_000;
const CONTEST: &str = r#"{"id":"demo","start_time":"2031-10-12T10:00:00+03:00","duration":"5:00:00.000"}"#;
const STARTED: &str = r#"{"started":"2031-10-12T10:00:00+03:00","ended":null}"#;
/// 2031-10-12T11:00:00+03:00, as an answer says it.
const ELEVEN: &str = "Date: Sun, 12 Oct 2031 08:00:00 GMT\r\n";

thread_local! {
    static NOW_MS: Cell<i64> = const { Cell::new(TEN + 3_600_000) };
}

/// The time of day of the test that asks.
fn now() -> i64 {
    NOW_MS.get()
}

fn pass(ms: i64) {
    NOW_MS.set(NOW_MS.get() + ms);
}

/// An answer: status, headers with their line ends, body.
type Answer = (u16, String, String);
/// Makes the answer to a path and the headers of its request.
type Script = Box<dyn FnMut(&str, &str) -> Answer + Send>;

/// A server on a free port, until the process ends.
struct Server {
    port: u16,
    script: Arc<Mutex<Script>>,
}

impl Server {
    fn start(tls: Option<Arc<ServerConfig>>, script: impl FnMut(&str, &str) -> Answer + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Box::new(script)));
        let shared = script.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A client that does not believe the certificate goes away.
                _ = match &tls {
                    Some(tls) => serve(StreamOwned::new(ServerConnection::new(tls.clone()).unwrap(), stream), &shared),
                    None => serve(stream, &shared),
                };
            }
        });
        Server { port, script }
    }

    /// From now on it answers this.
    fn says(&self, script: impl FnMut(&str, &str) -> Answer + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    fn address(&self) -> HttpAddress {
        HttpAddress { url: format!("http://127.0.0.1:{}/api/contests/demo", self.port), ..HttpAddress::default() }
    }

    fn secure(&self) -> HttpAddress {
        HttpAddress { url: format!("https://localhost:{}/api/contests/demo", self.port), ..HttpAddress::default() }
    }
}

fn serve(stream: impl Read + Write, script: &Mutex<Script>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if stream.read_line(&mut request)? == 0 {
            return Ok(());
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (status, headers, body) = (script.lock().unwrap())(path, &request);
    let length =
        if headers.contains("Content-Length") { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{length}{headers}\r\n");
    stream.get_mut().write_all(format!("{head}{body}").as_bytes())?;
    stream.get_mut().flush()
}

fn ok(body: &str) -> Answer {
    (200, ELEVEN.to_owned(), body.to_owned())
}

fn contest(path: &str) -> Answer {
    match path {
        "/api/contests/demo" => ok(CONTEST),
        "/api/contests/demo/state" => ok(STARTED),
        _ => (404, String::new(), r#"{"code":404,"message":"Object not found"}"#.to_owned()),
    }
}

/// Looks until what is seen counts.
fn settled(poll: &mut Poll) -> Reading {
    assert_eq!(poll.look(now), Ok(None), "one look is none");
    pass(2_000);
    poll.look(now).unwrap().unwrap()
}

#[test]
fn a_contest_is_read_once_two_looks_agree() {
    let server = Server::start(None, |path, _| contest(path));
    let mut poll = Poll::new(&server.address(), Served::Clics).unwrap();
    assert_eq!(poll.look(now), Ok(None));
    assert_eq!(poll.pause_ms(&Ok(None)), limits::DOUBT_MS);
    pass(2_000);
    let reading = poll.look(now).unwrap().unwrap();
    assert_eq!((reading.phase, reading.total_ms), (Phase::Running, 18_000_000));
    let slow_ms = reading.elapsed_ms - 3_600_000;
    assert!((-2_000..3_000).contains(&slow_ms), "{slow_ms} ms off: the server's time stands, ours went on");
    assert!((4_500..=5_500).contains(&poll.pause_ms(&Ok(Some(reading)))));
    let stands = Reading { phase: Phase::Paused, ..reading };
    assert!((9_000..=11_000).contains(&poll.pause_ms(&Ok(Some(stands)))));
}

#[test]
fn who_is_not_let_in_is_told_what_to_set() {
    let server = Server::start(None, |path, request| {
        // "neerc:geheim", as RFC 7617 writes it
        match request.to_ascii_lowercase().contains("authorization: basic bmvlcmm6z2vozwlt") {
            true => contest(path),
            false => (401, "WWW-Authenticate: Basic realm=\"x\"\r\n".to_owned(), "<html>Log in</html>".to_owned()),
        }
    });
    let mut poll = Poll::new(&server.address(), Served::Clics).unwrap();
    let problem = poll.look(now).unwrap_err();
    assert!(problem.words.ends_with("wants a login (401): set user and password or password_file"), "{problem:?}");
    let login = Some(("neerc".to_owned(), "geheim".to_owned()));
    let mut poll = Poll::new(&HttpAddress { login, ..server.address() }, Served::Clics).unwrap();
    assert_eq!(settled(&mut poll).phase, Phase::Running);
}

#[test]
fn failures_are_tried_again_ever_more_slowly_and_as_the_server_asks() {
    let server = Server::start(None, |_, _| (503, "Retry-After: 120\r\n".to_owned(), String::new()));
    let mut poll = Poll::new(&server.address(), Served::Json).unwrap();
    let busy = poll.look(now);
    assert_eq!(busy.as_ref().unwrap_err().retry_after_s, Some(120));
    assert_eq!(poll.pause_ms(&busy), 120_000);
    let silent: Result<_, Problem> = Err(Problem::from("silent".to_owned()));
    let pauses: Vec<u64> = (0..9).map(|_| poll.pause_ms(&silent)).collect();
    for (pause_ms, most_ms) in pauses.iter().zip([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000])
    {
        assert!((most_ms - most_ms / 10..=most_ms + most_ms / 10).contains(pause_ms), "{pauses:?}");
    }
    let for_ever = Err(Problem { words: String::new(), retry_after_s: Some(u64::MAX) });
    assert_eq!(poll.pause_ms(&for_ever), 600_000);
    poll.pause_ms(&Ok(None));
    assert!(poll.pause_ms(&silent) <= 1_100, "one good answer begins anew");
}

#[test]
fn the_neutral_document_is_read_as_it_is() {
    let server = Server::start(None, |_, _| ok(r#"{"time_ms": -60000, "length_ms": 18000000, "status": "BEFORE"}"#));
    let mut poll = Poll::new(&server.address(), Served::Json).unwrap();
    let reading = Reading { elapsed_ms: -60_000, total_ms: 18_000_000, phase: Phase::Counting };
    assert_eq!(poll.look(now), Ok(Some(reading)));
}

#[test]
fn a_certificate_is_believed_by_file_or_by_fingerprint_and_no_other_way() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let server = Server::start(Some(Arc::new(config)), |path, _| contest(path));
    let look = |address: &HttpAddress| Poll::new(address, Served::Clics).unwrap().look(now);
    let why = look(&server.secure()).unwrap_err().words;
    assert!(why.contains("certificate"), "{why}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, made.cert.pem()).unwrap();
    assert_eq!(look(&HttpAddress { ca_file: Some(file.clone()), ..server.secure() }), Ok(None));
    for (text, words) in [("", "it holds none; it must be in PEM"), ("-----BEGIN CERTIFICATE-----\nx", "cannot read")] {
        std::fs::write(&file, text).unwrap();
        let why =
            Poll::new(&HttpAddress { ca_file: Some(file.clone()), ..server.secure() }, Served::Clics).unwrap_err();
        assert!(why.contains(words), "{why}");
    }

    let why = look(&HttpAddress { fingerprint: Some([7; 32]), ..server.secure() }).unwrap_err().words;
    let found = why.split("fingerprint ").nth(1).unwrap().split(',').next().unwrap();
    let byte = |at: usize| u8::from_str_radix(&found[2 * at..2 * at + 2], 16).unwrap();
    let fingerprint: [u8; 32] = std::array::from_fn(byte);
    assert_eq!(look(&HttpAddress { fingerprint: Some(fingerprint), ..server.secure() }), Ok(None));
    // The name in it does not matter then.
    let by_number = HttpAddress { url: server.secure().url.replace("localhost", "127.0.0.1"), ..server.secure() };
    assert_eq!(look(&HttpAddress { fingerprint: Some(fingerprint), ..by_number }), Ok(None));
}

#[test]
fn readings_and_troubles_are_handed_on_until_nobody_listens() {
    let server = Server::start(None, |_, _| ok(r#"{"time_ms": 0, "length_ms": 18000000, "status": "OVER"}"#));
    let poll = Poll::new(&server.address(), Served::Json).unwrap();
    let (sender, mut heard) = mpsc::channel(1);
    let thread = std::thread::spawn(move || watch(poll, now, &(0, sender)));
    let over = Reading { elapsed_ms: 0, total_ms: 18_000_000, phase: Phase::Over };
    assert_eq!(heard.blocking_recv(), Some((0, ClockLook::Reading(over))));
    drop(heard);
    drop(thread); // it ends at its next look
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = HttpAddress { url: format!("http://{gone}/clock"), ..HttpAddress::default() };
    let poll = Poll::new(&address, Served::Json).unwrap();
    let (sender, mut heard) = mpsc::channel(1);
    std::thread::spawn(move || watch(poll, now, &(0, sender)));
    let Some((_, ClockLook::Nothing(words))) = heard.blocking_recv() else { panic!("nobody listens there") };
    assert!(words.to_lowercase().contains("refused"), "{words}");
}

#[test]
fn addresses_that_would_tell_the_login_to_everybody_are_refused() {
    for url in [
        "https://judge.example.org/api/contests/demo",
        "http://127.0.0.1:8080/x",
        "http://[::1]/x",
        "http://10.1.2.3/x",
        "http://localhost/x",
    ] {
        assert_eq!(crate::http::check(url), Ok(()), "{url}");
    }
    for (url, words) in [
        ("http://judge.example.org/x", "use https"),
        ("http://8.8.8.8/x", "use https"),
        ("ftp://judge.example.org/x", "must begin with https://"),
        ("judge.example.org", "must begin with https://"),
        ("https:///x", "is no URL"),
        ("https://neerc:geheim@judge.example.org/x", "holds a password"),
        ("", "is no URL"),
    ] {
        let why = crate::http::check(url).unwrap_err();
        assert!(why.contains(words), "{why}");
    }
}
