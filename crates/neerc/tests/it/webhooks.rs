//! Webhooks: another system is told what happens, signed, in order and at least once, whatever it answers and however
//! either side ends; and nothing is sent where nothing may be sent.

mod attacks;
mod secure;
mod told;

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use ring::hmac;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use crate::fake::FakeServer;
use crate::http::Http;
use crate::said::NS;
use crate::service::Neerc;
use crate::trust;
use crate::wait::{PATIENCE, wait_for};

const JURY: &str = "jury1@localhost/desk";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// What stands behind the host of an endpoint's URL, and is nobody's business.
const PATH: &str = "/in/hidden-path?key=hidden-key";

const OPERATIONS: &str = "[operations]\nlisten = \"127.0.0.1:0\"\n";

/// Another system, which is told what happens. It answers 204 unless it was told what else to answer.
struct Endpoint {
    at: SocketAddr,
    heard: Receiver<Delivery>,
    answers: Answers,
}

type Answers = Arc<Mutex<VecDeque<String>>>;

/// One request that it got, whose signature was right.
#[derive(Debug)]
struct Delivery {
    id: String,
    body: Value,
}

impl Endpoint {
    fn open() -> Endpoint {
        Endpoint::behind(None)
    }

    /// One that is spoken to over TLS, if there is something to do that with.
    fn behind(tls: Option<Arc<ServerConfig>>) -> Endpoint {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = listener.local_addr().unwrap();
        let (sender, heard) = channel();
        let answers = Answers::default();
        let theirs = answers.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (sender, answers, tls) = (sender.clone(), theirs.clone(), tls.clone());
                std::thread::spawn(move || match tls {
                    None => serve(stream, &sender, &answers),
                    Some(tls) => {
                        serve(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream), &sender, &answers)
                    }
                });
            }
        });
        Endpoint { at, heard, answers }
    }

    fn answers<A: ToString>(&self, answers: &[A]) {
        self.answers.lock().unwrap().extend(answers.iter().map(A::to_string));
    }

    #[track_caller]
    fn next(&self) -> Delivery {
        self.heard.recv_timeout(PATIENCE).expect("a message in time")
    }

    /// The configuration that tells it everything.
    fn toml(&self) -> String {
        format!(
            "[[webhooks]]\nurl = \"http://{}{PATH}\"\nsecret = \"{SECRET}\"\nallow_private = [\"127.0.0.0/8\"]\n",
            self.at
        )
    }
}

fn serve(stream: impl Read + Write, heard: &Sender<Delivery>, answers: &Answers) {
    let mut reader = BufReader::new(stream);
    while let Some((head, body)) = request(&mut reader) {
        let field = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).expect(name).1
        };
        let (id, timestamp) = (field("webhook-id").to_owned(), field("webhook-timestamp"));
        let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(&SECRET["whsec_".len()..]).unwrap());
        let signature = STANDARD.decode(field("webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
        hmac::verify(&key, format!("{id}.{timestamp}.{body}").as_bytes(), &signature).expect("it is signed");
        assert!(head.starts_with(&format!("POST {PATH} ")) && field("content-type") == "application/json", "{head}");
        let answer = answers.lock().unwrap().pop_front().unwrap_or_else(|| "204 No Content".to_owned());
        let body = serde_json::from_str(&body).unwrap();
        if heard.send(Delivery { id, body }).is_err() {
            return; // the test is over
        }
        let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
        if reader.get_mut().write_all(answer.as_bytes()).and_then(|()| reader.get_mut().flush()).is_err() {
            return;
        }
    }
}

/// The next request of a connection, if it goes on.
fn request(reader: &mut impl BufRead) -> Option<(String, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((head.replace("\r\n", "\n"), String::from_utf8(body).unwrap()))
}

/// A service that tells what happens, and the server that it is at.
fn start(toml: &str) -> (Neerc<'static>, FakeServer, TcpListener) {
    let (listener, mut neerc) = FakeServer::prepare(toml);
    let fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    (neerc, fake, listener)
}

/// A task is made; its answer is on disk.
#[track_caller]
fn make(fake: &mut FakeServer, title: &str) {
    let task = format!("<task xmlns='{NS}#task' title='{title}' type='todo'><status for='hall1'/></task>");
    fake.send(&fake.iq(JURY, "set", title, &task));
    assert_eq!(fake.expect(|said| said.id == title).kind, "result");
}

/// Waits until monitoring says so much of the endpoint.
#[track_caller]
fn waits_for_numbers(neerc: &Neerc<'_>, numbers: &[&str]) {
    let monitor = Http::said(neerc, "monitoring is answered at");
    wait_for(&numbers.join(", "), || {
        let text = monitor.get("/metrics").text;
        numbers.iter().all(|number| {
            let (name, value) = number.split_once(' ').unwrap();
            text.contains(&format!("neerc_webhook_{name}{{webhook=\"0\"}} {value}\n"))
        })
    });
}

#[test]
fn what_happens_is_told_signed_and_again_until_it_is_taken() {
    let endpoint = Endpoint::open();
    let (neerc, mut fake, _listener) = start(&(endpoint.toml() + OPERATIONS));
    make(&mut fake, "one");
    let told = endpoint.next();
    assert_eq!((&told.body["type"], &told.body["data"]["title"]), (&Value::from("created"), &Value::from("one")));
    assert_eq!((&told.body["data"]["by"], &told.body["data"]["revision"]), (&Value::from("jury1"), &Value::from(1)));
    assert!(told.id.starts_with(&format!("{}-1-", crate::fake::ROOM)), "{}", told.id);

    endpoint.answers(&["500 Internal Server Error", "302 Found\r\nLocation: http://127.0.0.1:1/"]);
    make(&mut fake, "two");
    make(&mut fake, "three");
    let tries: Vec<Delivery> = (0..4).map(|_| endpoint.next()).collect();
    let titles: Vec<&str> = tries.iter().map(|told| told.body["data"]["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["two", "two", "two", "three"], "in order, and nowhere else");
    assert!(tries[0].id == tries[1].id && tries[1].id == tries[2].id && tries[2].id != tries[3].id, "{tries:?}");

    waits_for_numbers(&neerc, &["behind_changes 0", "taken_total 3", "failures_total 2", "failing 0", "off 0"]);
    let log = neerc.log();
    assert!(log.contains(&format!("the webhook to http://{} does not take what happens", endpoint.at)), "{log}");
    for hidden in [SECRET, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "hidden"] {
        assert!(!log.contains(hidden), "{hidden} in {log}");
    }
}

#[test]
fn an_endpoint_is_told_at_once_also_after_a_while() {
    let endpoint = Endpoint::open();
    let (neerc, mut fake, _listener) = start(&endpoint.toml());
    let log = neerc_store::LogReader::of(&neerc_store::Url::Sqlite(neerc.dir.join("neerc.db")));
    for (title, revision) in [("one", 1), ("two", 2), ("three", 3)] {
        make(&mut fake, title);
        assert_eq!(endpoint.next().body["data"]["title"], title);
        // Once it is recorded, its courier has been awake without news.
        wait_for("the mark", || log.marks().unwrap().values().eq([&revision]));
    }
}

#[test]
fn nothing_is_left_out_where_the_service_is_killed() {
    let endpoint = Endpoint::open();
    let (mut neerc, mut fake, listener) = start(&endpoint.toml());
    make(&mut fake, "one");
    assert_eq!(endpoint.next().body["data"]["title"], "one");
    endpoint.answers(&["503 Service Unavailable"; 3]);
    make(&mut fake, "two");
    make(&mut fake, "three");
    let first = endpoint.next();
    assert_eq!(first.body["data"]["title"], "two");
    neerc.kill9();
    drop(fake);
    endpoint.answers.lock().unwrap().clear();
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    make(&mut fake, "four");
    // What was taken or tried just before may come again, with its id.
    let mut titles = Vec::new();
    while titles.last().is_none_or(|last| last != "four") {
        let told = endpoint.next();
        let title = told.body["data"]["title"].as_str().unwrap().to_owned();
        assert_eq!(title == "two", told.id == first.id, "{told:?}");
        titles.push(title);
    }
    titles.dedup();
    titles.retain(|title| title != "one");
    assert_eq!(titles, ["two", "three", "four"]);
}

#[test]
fn who_does_not_take_what_happens_shows_in_the_numbers() {
    let endpoint = Endpoint::open();
    let (neerc, mut fake, _listener) = start(&(endpoint.toml() + OPERATIONS));
    endpoint.answers(&["500 Internal Server Error"; 1_000]);
    make(&mut fake, "one");
    waits_for_numbers(&neerc, &["failing 1", "behind_changes 1", "taken_total 0"]);
}

#[test]
fn an_endpoint_that_wants_nothing_more_is_left_alone() {
    let endpoint = Endpoint::open();
    let (mut neerc, mut fake, listener) = start(&(endpoint.toml() + OPERATIONS));
    endpoint.answers(&["410 Gone"]);
    make(&mut fake, "one");
    let gone = endpoint.next();
    neerc.wait_for_log("wants nothing more (410)", 0);
    make(&mut fake, "two");
    waits_for_numbers(&neerc, &["off 1", "behind_changes 2"]);
    // A start asks once more, and goes on where it was.
    neerc.terminate();
    drop(fake);
    let _fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    assert_eq!(endpoint.next().id, gone.id, "nothing was sent in between");
    assert_eq!(endpoint.next().body["data"]["title"], "two");
}

#[test]
fn nothing_is_sent_to_this_machine_unless_it_is_listed() {
    let endpoint = Endpoint::open();
    let port = endpoint.at.port();
    let hosts = ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0"];
    let hooks = hosts.map(|host| {
        let url = format!("https://{host}:{port}{PATH}");
        format!("[[webhooks]]\nurl = \"{url}\"\nsecret = \"{SECRET}\"\nallow_private = [\"10.0.0.5\"]\n")
    });
    let plain = format!("http://127.0.0.2:{port}{PATH}");
    let plain = format!("[[webhooks]]\nurl = \"{plain}\"\nsecret = \"{SECRET}\"\nallow_private = [\"10.0.0.5\"]\n");
    let (mut neerc, mut fake, _listener) = start(&(hooks.concat() + &plain));
    make(&mut fake, "one");
    for host in hosts.iter().chain(&["127.0.0.2"]) {
        neerc.wait_for_log(&format!("://{host}:{port} does not take what happens"), 0);
    }
    assert!(neerc.log().matches("which is not public: list that in allow_private").count() >= 6, "{}", neerc.log());
    assert!(endpoint.heard.recv_timeout(Duration::ZERO).is_err());
    trust::report("P4", "webhooks to this machine under names for it, without its being listed", 6, "0 sent");
    let output = neerc.command().args(["check", "--config"]).arg(neerc.config()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains(&format!("WARN  webhook https://127.0.0.1:{port} cannot be told what happens: it is at")),
        "{said}"
    );
    assert!(!said.contains("hidden") && !said.contains(SECRET), "{said}");
}
