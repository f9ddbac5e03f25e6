//! The browsers themselves, on a page of a few lines: what every other test here builds on.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use serde_json::json;

use super::{Driver, ENTER, Look, axe};

/// A server of one page, which is there as long as this process. What is posted stands on the page that is answered.
fn serve(page: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || answer(&mut BufReader::new(stream), page));
        }
    });
    url
}

fn answer(stream: &mut BufReader<std::net::TcpStream>, page: &str) -> Option<()> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_lowercase()),
        }
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let page = match head.first()? {
        icon if icon.contains("favicon") => String::new(),
        _ => page.replace("POSTED", &String::from_utf8_lossy(&body)),
    };
    let policy = "default-src 'self'; form-action 'self'";
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Security-Policy: {policy}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        page.len()
    );
    stream.get_mut().write_all(head.as_bytes()).ok()?;
    stream.get_mut().write_all(page.as_bytes()).ok()
}

const PAGE: &str = "<!doctype html><html lang=en><title>Bed</title><meta name=viewport content=width=device-width><main><h1>Bed</h1><p id=p>POSTED</p>
    <form method=post><label>Word <input name=word></label><button>Send</button></form></main>";

#[test]
fn a_page_is_read_filled_in_and_pictured() {
    let Some(driver) = Driver::start() else { return };
    let url = serve(PAGE);
    let [one, two] = [Look::LAPTOP, Look::PHONE].map(|look| driver.browser(look));
    for browser in [&one, &two] {
        browser.open(&url);
        browser.sees("Bed");
        browser.types("input", "salut");
        browser.clicks("button");
        browser.sees_in("#p", "word=salut");
        browser.types("input", "again");
        browser.presses(ENTER);
        browser.sees_in("#p", "word=again");
        assert!(browser.picture(true).starts_with(b"\x89PNG"));
        assert!(!browser.is_too_wide());
        browser.check();
    }
    assert_eq!(two.run("return innerWidth", json!([])), json!(360));
    one.prefers("prefers-color-scheme", "dark");
    assert_eq!(one.run("return matchMedia('(prefers-color-scheme: dark)').matches", json!([])), json!(true));
    assert_eq!(axe(&one).unwrap_or_default(), [""; 0]);
    let first = one.tab();
    one.new_tab();
    one.open(&url);
    one.close_tab();
    one.go_to(&first);
    one.sees_in("#p", "word=again");
}

#[test]
fn what_a_page_does_wrong_is_found() {
    let Some(driver) = Driver::start() else { return };
    let browser = driver.browser(Look::LAPTOP);
    let found = |browser: &super::Browser<'_>| {
        browser.listen();
        browser.met.take().join("\n")
    };
    browser
        .open(&serve("<!doctype html><title>Bad</title><p style='color: red'>Bad<script>alert(1)</script><img src=x>"));
    let said = found(&browser);
    assert!(said.contains("Content Security Policy") && said.contains("inline"), "{said}");
    if let Some(bad) = axe(&browser) {
        let has = |rule: &str| bad.iter().any(|line| line.contains(rule));
        assert!(has("html-has-lang") && has("image-alt"), "{bad:?}");
    }
    browser.run("setTimeout(() => { missing() })", json!([]));
    browser.until("return true", json!([]), |_| found(&browser).contains("missing is not defined"));
    browser.run("setTimeout(() => alert('hello'))", json!([]));
    browser.until("return true", json!([]), |_| found(&browser).contains("a dialog: \"hello\""));
    browser.call("POST", "/alert/accept", &json!({}));
}
