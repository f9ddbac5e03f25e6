use super::*;
use crate::http::HttpAddress;
use crate::webhooks::signature::SigningKeys;
use neerc_testing::trust;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

fn hook(url: &str, private: &[&str]) -> Webhook {
    Webhook {
        address: HttpAddress { url: url.to_owned(), ..HttpAddress::default() },
        keys: SigningKeys::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap(),
        rooms: Vec::new(),
        types: Vec::new(),
        private: private.iter().map(|text| Network::parse(text).unwrap()).collect(),
    }
}

/// Answers each of so many requests, and hands them back.
fn server(answers: Vec<String>) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = move || answers.into_iter().map(|answer| request(&listener, &answer)).collect();
    (port, std::thread::spawn(answer))
}

fn request(listener: &TcpListener, answer: &str) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    stream
        .write_all(format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes())
        .unwrap();
    format!("{head}\r\n{}", String::from_utf8(body).unwrap())
}

fn message() -> Message {
    Message { id: "neerc-1-2".to_owned(), body: r#"{"type":"created"}"#.to_owned() }
}

#[test]
fn a_message_is_sent_signed_and_its_answer_understood() {
    let answers =
        ["204 No Content", "500 Oops", "410 Gone", "429 Slowly\r\nRetry-After: 7", "302 Found\r\nLocation: /there"];
    let (port, served) = server(answers.map(str::to_owned).to_vec());
    let poster = Poster::new(hook(&format!("http://127.0.0.1:{port}/in?key=1"), &["127.0.0.0/8"])).unwrap();
    let posted: Vec<Posted> = answers.iter().map(|_| poster.post(&message(), 1_614_265_330)).collect();
    let failed = |why: &str, retry_after_s| Posted::Failed { why: why.to_owned(), retry_after_s };
    assert_eq!(posted[..2], [Posted::Taken, failed("it answers 500", None)]);
    assert_eq!(posted[2..4], [Posted::Unwanted, failed("it answers 429", Some(7))]);
    let elsewhere = "it sends on to another address (302), which is not followed: give that one in url";
    assert_eq!(posted[4], failed(elsewhere, None));
    let requests = served.join().unwrap();
    let signature = hook("", &[]).keys.sign("neerc-1-2", 1_614_265_330, r#"{"type":"created"}"#);
    let first = requests[0].replace("\r\n", "\n");
    assert!(first.starts_with("POST /in?key=1 HTTP/1.1\n") && first.ends_with("\n\n{\"type\":\"created\"}"), "{first}");
    for line in ["content-type: application/json", "webhook-id: neerc-1-2", "webhook-timestamp: 1614265330"] {
        assert!(first.to_ascii_lowercase().contains(&format!("{line}\n")), "{line} in {first}");
    }
    assert!(first.contains(&format!("webhook-signature: {signature}\n")), "{first}");
}

#[test]
fn addresses_that_are_not_public_are_not_connected_to() {
    // Nobody is connected to here, however a loopback address is written: whatever comes would be counted.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let written = [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::]",
        "[::127.0.0.1]",
    ];
    for host in written {
        for (url, private) in
            [(format!("https://{host}:{port}/"), &[][..]), (format!("http://{host}:{port}/"), &["10.0.0.0/8"])]
        {
            let poster = Poster::new(hook(&url, private)).unwrap();
            let Posted::Failed { why, .. } = poster.post(&message(), 0) else { panic!("{url}") };
            // Some of these ways of writing are none to this machine's name service.
            let is_refused =
                why.contains("is not public") || why.contains("looked up") || why.contains("service not known");
            assert!(is_refused || why.contains("lookup"), "{url}: {why}");
        }
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    trust::report("P4", "webhooks to loopback, however it is written", 2 * written.len(), "0 connected to");
}

#[test]
fn of_the_addresses_of_a_name_those_are_taken_that_may_be() {
    let at = |text: &str| format!("{text}:443").parse::<SocketAddr>().unwrap();
    let door = |private: &[&str], url: &str| hook(url, private).door();
    let (public, private) = (at("1.1.1.1"), at("10.0.0.5"));
    assert_eq!(door(&[], "https://x").choose(&[private, public]), Ok(vec![public]));
    assert_eq!(door(&["10.0.0.5"], "https://x").choose(&[private, public]), Ok(vec![private, public]));
    assert_eq!(door(&["10.0.0.5"], "http://x").choose(&[public, private]), Ok(vec![private]));
    let refused = |door: Door, at: SocketAddr| door.choose(&[at]).unwrap_err();
    let wanted = "it is at 10.0.0.5, which is not public: list that in allow_private if it is meant";
    assert_eq!(refused(door(&["10.0.0.6"], "https://x"), private), wanted);
    assert!(refused(door(&["10.0.0.6"], "http://x"), public).ends_with("use https://"));
    assert_eq!(door(&[], "https://x").choose(&[]), Err("its name has no address".to_owned()));
}

/// A name that has one of two addresses, and then the other, and so on.
#[derive(Debug)]
struct FickleName {
    addresses: [SocketAddr; 2],
    asked: Arc<AtomicUsize>,
}

impl Resolver for FickleName {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut found = self.empty();
        found.push(self.addresses[self.asked.fetch_add(1, Ordering::SeqCst) % 2]);
        Ok(found)
    }
}

#[test]
fn a_name_that_changes_its_mind_leads_to_no_address_that_may_not_be() {
    const TIMES: usize = 20;
    let (port, served) = server(vec!["204 No Content".to_owned(); TIMES / 2]);
    // Whoever is connected to here, would be counted.
    let inside = TcpListener::bind("127.0.0.2:0").unwrap();
    inside.set_nonblocking(true).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let addresses = [SocketAddr::from(([127, 0, 0, 1], port)), inside.local_addr().unwrap()];
    let names = FickleName { addresses, asked: asked.clone() };
    let poster = Poster::with_names(hook("http://fickle.example/in", &["127.0.0.1"]), names).unwrap();
    for time in 0..TIMES {
        let posted = poster.post(&message(), 0);
        match time % 2 {
            0 => assert_eq!(posted, Posted::Taken),
            _ => assert!(matches!(&posted, Posted::Failed { why, .. } if why.contains("127.0.0.2")), "{posted:?}"),
        }
        // It is not looked up again between being checked and being connected to.
        assert_eq!(asked.load(Ordering::SeqCst), time + 1);
    }
    assert_eq!(inside.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(served.join().unwrap().len(), TIMES / 2);
    trust::report("P4", "webhooks to a name that is of this machine each second time", TIMES, "0 connected to it");
}
