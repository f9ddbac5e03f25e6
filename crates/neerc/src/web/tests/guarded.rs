//! What is refused, whoever asks, and what every answer tells the browser to refuse.

use super::{Got, Stage, line_of};
use neerc_core::view::Visibility;
use std::io::{Read, Write};
use std::net::TcpStream;

const TASK: [(&str, &str); 3] = [("kind", "todo"), ("title", "Forged"), ("names", "Halls")];

#[test]
fn every_answer_says_what_browsers_are_to_refuse() {
    let stage = Stage::new(Visibility::All);
    let snapshot = |got: &Got| {
        let wanted = [
            "cache-control",
            "content-security-policy",
            "cross-origin-opener-policy",
            "cross-origin-resource-policy",
            "permissions-policy",
            "referrer-policy",
            "vary",
            "x-content-type-options",
        ];
        wanted.map(|name| format!("{name}: {}", got.headers.get(name).map_or("", String::as_str))).join("\n")
    };
    let expected = "cache-control: no-store\n\
        content-security-policy: default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
        form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types neerc\n\
        cross-origin-opener-policy: same-origin\n\
        cross-origin-resource-policy: same-origin\n\
        permissions-policy: accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
        microphone=(), midi=(), payment=(), usb=(), screen-wake-lock=(self)\n\
        referrer-policy: same-origin\n\
        vary: Cookie, Accept-Language\n\
        x-content-type-options: nosniff";
    for path in ["/r/neerc", "/r/neerc/do/create", "/r/nowhere", "/nowhere", "/"] {
        assert_eq!(snapshot(&stage.get("admin", path)), expected, "{path}");
    }
    let page = stage.page("admin", "/r/neerc");
    let style = page.split("href=\"/assets/").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let asset = stage.get("", &format!("/assets/{style}"));
    assert_eq!((asset.status, asset.headers["content-type"].as_str()), (200, "text/css; charset=utf-8"));
    assert!(asset.headers["cache-control"].contains("immutable"));
    assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains("onclick"), "nothing is inline");
}

#[test]
fn what_another_site_sends_is_refused() {
    let stage = Stage::new(Visibility::All);
    let before = stage.room.lock().unwrap().board.revision();
    let own = stage.web.url.to_string();
    for headers in [
        &[("Sec-Fetch-Site", "cross-site")][..],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "none")],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
        &[("Sec-Fetch-Site", "same-origin"), ("Origin", "https://evil.example")],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", &own)],
        &[],
        &[("Host", "evil.example"), ("Sec-Fetch-Site", "same-origin")],
        &[("Host", "evil.example"), ("Origin", "http://evil.example")],
    ] {
        let got = stage.post_with("admin", "/r/neerc/do/create", &TASK, headers);
        assert!(matches!(got.status, 403 | 421), "{headers:?}: {got:?}");
    }
    assert_eq!(stage.room.lock().unwrap().board.revision(), before);
    for headers in [&[("Origin", own.as_str())][..], &[("Sec-Fetch-Site", "same-origin"), ("Origin", "null")]] {
        assert_eq!(stage.post_with("admin", "/r/neerc/do/create", &TASK, headers).status, 303, "{headers:?}");
    }
    assert_eq!(stage.get("admin", "/r/neerc/do/remove?task=1&seen=99").status, 200, "to look changes nothing");
    assert_eq!(stage.room.lock().unwrap().board.len(), 2);
}

#[test]
fn whoever_is_not_logged_in_is_told_nothing_about_rooms() {
    let stage = Stage::new(Visibility::All);
    stage.does("admin", "create", &TASK);
    for who in ["", "nobody", "ADMIN"] {
        for path in ["/r/neerc", "/r/nowhere", "/r/neerc/events", "/r/neerc/do/create", "/r/neerc/do/who"] {
            let got = stage.get(who, path);
            assert_eq!(got.status, 401, "{who} {path}");
            assert!(!got.body.contains("Forged") && !got.body.contains("hall1"), "{}", got.body);
        }
        assert_eq!(stage.post(who, "/r/neerc/do/create", &TASK).status, 401);
        assert_eq!(stage.post(who, "/r/neerc/line", &[("line", "@todo halls x")]).status, 401);
    }
    stage.logged_out("hall1");
    assert_eq!(stage.get("hall1", "/r/neerc").status, 401);
}

#[test]
fn what_people_wrote_is_text_on_every_page() {
    let stage = Stage::new(Visibility::All);
    let nasty = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</title><svg onload=alert(1)>",
        "{{7*7}}",
        "' onmouseover='alert(1)",
        "javascript:alert(1)",
        "\u{2028}data: x\revent: y",
    ];
    for (text, id) in nasty.iter().zip(1..) {
        stage.does("admin", "create", &[("kind", "question"), ("title", text), ("names", "hall1")]);
        stage.does("hall1", "answer", &[("task", &format!("{id}")), ("text", text)]);
    }
    for path in [
        "/r/neerc",
        "/r/neerc/do/show?task=1",
        "/r/neerc/do/history?task=2",
        "/r/neerc/do/rename?task=3",
        "/r/neerc/do/tasks?of=all",
        "/r/neerc?text=%3Cscript%3E",
        "/r/neerc?group=%22%3E%3Cimg%20src=x%3E",
    ] {
        let page = stage.page("admin", path);
        let script = page.matches("<script").count();
        assert!(script <= 1 && !page.contains("<img") && !page.contains("<svg onload"), "{path}: {page}");
        assert!(!page.contains("onmouseover='") && !page.contains("onerror=alert(1)>"), "{path}: {page}");
    }
    assert!(line_of(&stage.page("admin", "/r/neerc"), "t1-hall1").contains("&#60;script&#62;"));
}

#[test]
fn hall_sees_only_its_own_where_that_is_how_the_room_is() {
    let stage = Stage::new(Visibility::Own);
    stage.does("admin", "create", &[("kind", "todo"), ("title", "Ours"), ("names", "Halls")]);
    stage.does("admin", "create", &[("kind", "todo"), ("title", "Theirs"), ("names", "hall2")]);
    stage.does("hall2", "done", &[("task", "1")]);
    let page = stage.page("hall1", "/r/neerc");
    assert!(page.contains("Ours") && !page.contains("Theirs") && !page.contains("t1-hall2"), "{page}");
    let page = stage.page("admin", "/r/neerc");
    assert!(page.contains("Theirs") && page.contains("t1-hall2"));
}

/// Sends bytes as they are, and reads until the other side has nothing more to say.
fn raw(stage: &Stage, bytes: &[u8]) -> String {
    let address = stage.web.url.to_string();
    let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(super::PATIENCE)).unwrap();
    let _ = stream.write_all(bytes); // it may be refused before all of it was sent
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer); // a connection that is reset has said what it said
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn requests_that_are_too_long_or_strange_are_refused() {
    let stage = Stage::new(Visibility::All);
    let host = stage.web.url.authority.clone();
    let long = "x".repeat(70_000);
    let got = stage.post("admin", "/r/neerc/line", &[("line", &long)]);
    assert_eq!(got.status, 413, "{got:?}");
    let head = raw(&stage, format!("GET /r/neerc HTTP/1.1\r\nHost: {host}\r\nX: {long}\r\n\r\n").as_bytes());
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 4"), "{head}");
    let many: String = (0..200).map(|n| format!("X{n}: y\r\n")).collect();
    let head = raw(&stage, format!("GET / HTTP/1.1\r\nHost: {host}\r\n{many}\r\n").as_bytes());
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 4"), "{head}");
    for path in [
        "/r/../etc/passwd",
        "/assets/../mod.rs",
        "/assets/..%2f..%2fCargo.toml",
        "/r/neerc/do/%00",
        "//r/neerc",
        "/r/%6eeerc",
        "/r/neerc%2f..",
        "/r/neerc/do/create%0d%0aX:%20y",
        "/l/",
        "/r/",
    ] {
        let got = raw(&stage, format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes());
        let status = got.split(' ').nth(1).unwrap_or_default();
        assert!(matches!(status, "400" | "401" | "404"), "{path}: {got}");
        assert!(!got.contains("\r\nx: y") && !got.contains("root:") && !got.contains("[package]"), "{path}: {got}");
    }
    for method in ["PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH", "BREW"] {
        let text = format!("{method} /r/neerc HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let got = raw(&stage, text.as_bytes());
        assert!(got.is_empty() || got.starts_with("HTTP/1.1 4"), "{method}: {got}");
    }
    let got = raw(&stage, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(got.starts_with("HTTP/1.1 4"), "without a host: {got}");
    assert_eq!(stage.get("admin", "/r/neerc").status, 200, "others are served all the same");
}
