//! What endpoints do to harm whoever tells them something: they send on, answer slowly, without end or not at all, and write
//! what is no answer. Others are told meanwhile, and nobody else is connected to.

use super::*;

use std::fs;
use std::time::Instant;

/// An endpoint that does that with each connection once it was sent a request's head.
fn evil(does: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let does = does.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                if request(&mut reader).is_some() {
                    does(reader.into_inner());
                }
            });
        }
    });
    at
}

/// Writes it again and again until nobody reads it any more.
fn again(mut stream: TcpStream, text: &str) {
    while stream.write_all(text.as_bytes()).is_ok() {}
}

/// Writes one byte of it after the other, each after a while, until nobody reads it any more.
fn drip(mut stream: TcpStream, text: &str) {
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    for byte in text.bytes().cycle() {
        // It says nothing more, so reading takes as long as it may, or ends with the connection.
        if stream.write_all(&[byte]).is_err() || matches!(stream.read(&mut [0]), Ok(0)) {
            return;
        }
    }
}

fn hook(at: SocketAddr) -> String {
    format!("[[webhooks]]\nurl = \"http://{at}/\"\nsecret = \"{SECRET}\"\nallow_private = [\"127.0.0.0/8\"]\n")
}

fn peak_kb(neerc: &Neerc<'_>) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", neerc.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says so");
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn an_endpoint_sends_nobody_on_to_another_address() {
    let trap = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    trap.set_nonblocking(true).unwrap();
    let to = trap.local_addr().unwrap();
    let ways = ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"];
    let endpoints = ways.map(|way| {
        let endpoint = Endpoint::open();
        endpoint.answers(&[format!("{way}\r\nLocation: http://{to}/")]);
        endpoint
    });
    let (mut neerc, mut fake, _listener) = start(&endpoints.each_ref().map(Endpoint::toml).concat());
    make(&mut fake, "one");
    for endpoint in &endpoints {
        let (first, again) = (endpoint.next(), endpoint.next());
        assert!(first.id == again.id && first.body == again.body, "{first:?}, then {again:?}");
        neerc.wait_for_log(&format!("http://{} does not take what happens", endpoint.at), 0);
    }
    assert_eq!(neerc.log().matches("which is not followed: give that one in url").count(), ways.len());
    assert_eq!(trap.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    trust::report("P4", "webhooks that answer with another address on this machine", ways.len(), "0 followed");
}

#[test]
fn answers_without_end_or_sense_and_none_at_all_hold_up_nobody_and_take_no_memory() {
    const MEMORY_KB: u64 = 32 * 1024;
    let endpoint = Endpoint::open();
    let refused = [
        evil(|stream| again(stream, "HTTP/1.1 200 OK\r\n")),
        evil(|mut stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n"); // nobody may read it any more
            again(stream, "X-More: more and more\r\n");
        }),
        evil(|stream| again(stream, "x")),
        evil(|stream| again(stream, "\u{1b}]0;title\u{7}\u{1b}[2J\r\n\r\n")),
        evil(|stream| drip(stream, "HTTP/1.1 200 OK\r\nX-Slow: ")),
        evil(|mut stream| _ = stream.read_to_end(&mut Vec::new())),
        evil(drop),
    ];
    // What was taken is not asked for again because of what comes behind it.
    let taken = [
        evil(|mut stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"); // nobody may read it any more
            again(stream, "more and more");
        }),
        evil(|mut stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n");
            drip(stream, "slowly");
        }),
    ];
    let toml = refused.iter().chain(&taken).map(|at| hook(*at)).collect::<String>() + &endpoint.toml();
    let (mut neerc, mut fake, _listener) = start(&toml);
    let (before_kb, began) = (peak_kb(&neerc), Instant::now());
    for number in 0..100 {
        make(&mut fake, &format!("{number}"));
        assert_eq!(endpoint.next().body["data"]["title"], format!("{number}"));
    }
    let took = began.elapsed();
    for at in refused {
        neerc.wait_for_log(&format!("the webhook to http://{at} does not take what happens"), 0);
    }
    let (log, growth_kb) = (neerc.log(), peak_kb(&neerc) - before_kb);
    for at in taken {
        assert!(!log.contains(&format!("{at} does not take")), "{log}");
    }
    let is_clean = |text: &str| !text.chars().any(|c| c.is_control() && c != '\n');
    assert!(is_clean(&log), "what an endpoint writes reaches who reads the log: {log:?}");
    assert!(growth_kb < MEMORY_KB, "{growth_kb} KB more");
    let outcome = format!(
        "another endpoint had 100 messages in {:.1} s, each before the next change; {growth_kb} KB more memory",
        took.as_secs_f64()
    );
    trust::report("P4", "webhooks that answer slowly, without end, with what is no HTTP, or not", 9, &outcome);
}
