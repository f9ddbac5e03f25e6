//! The board in browsers: pages, and changes on their way to those who read them, beside a handler of axum that writes the
//! same bytes, which is what a page or a message can cost at least in this way of serving them.

use crate::contest::{self, Cast};
use crate::drive::{BOTH, open};
use crate::link::PATIENCE;
use crate::process::{Process, folder, free_port};
use crate::service::{self, Service};
use crate::table::{Goal, Row, median, median_run};
use crate::{Outcome, Scale, profile};
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use futures_core::Stream;
use memchr::memmem;
use std::convert::Infallible;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::pin::Pin;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// People who have tasks.
const PEOPLE: usize = 17;
const CAST: Cast = Cast { members: PEOPLE, sessions: 0 };
/// Connections that ask for pages.
const BROWSERS: usize = 16;
/// How many read what changes.
const READERS: usize = 1_000;
/// Most streams of one token.
const PER_TOKEN: usize = 20;
/// Changes in a second: no two of them are shown together.
const CHANGES: f64 = 15.0;
const CELLS: &[u8] = b"event: cells";

/// The events of one stream of the baseline.
struct Events(mpsc::Receiver<Bytes>);

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}

/// Answers with the bytes of a file, and tells all who read its stream those of another, over and over.
pub fn serve(port: u16, page: &Path, event: &Path) -> Outcome<()> {
    let (page, event) = (Bytes::from(fs::read(page)?), Bytes::from(fs::read(event)?));
    let readers: Arc<Mutex<Vec<mpsc::Sender<Bytes>>>> = Arc::default();
    let of_streams = readers.clone();
    let html = [(CONTENT_TYPE, "text/html; charset=utf-8")];
    let pages = axum::Router::new().route("/page", get(async move || (html, page.clone()))).route(
        "/events",
        get(async move || {
            let (sender, events) = mpsc::channel(1);
            of_streams.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
            ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(Events(events)))
        }),
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_secs_f64(1.0 / CHANGES));
            loop {
                tick.tick().await;
                let readers = readers.lock().unwrap_or_else(PoisonError::into_inner);
                readers.iter().for_each(|reader| drop(reader.try_send(event.clone())));
            }
        });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        Ok(axum::serve(listener, pages).await?)
    })
}

/// The baseline as a process.
fn bare(page: &[u8], event: &[u8]) -> Outcome<(Process, u16)> {
    let (folder, port) = (folder("axum")?, free_port()?);
    fs::write(folder.join("page"), page)?;
    fs::write(folder.join("event"), event)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("peer-axum").arg(port.to_string()).arg(folder.join("page")).arg(folder.join("event"));
    let process = Process::spawn(&mut command, &folder.join("log.txt"))?;
    let end = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > end {
            return Err(format!("axum does not listen: {}", process.last_words()).into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok((process, port))
}

/// The service with a board, and the port of that.
fn start(tasks: usize) -> Outcome<(Service, u16)> {
    let port = free_port()?;
    let web = format!("[web]\nlisten = \"127.0.0.1:{port}\"\n");
    let mut service = Service::start_with(folder("service")?, CAST, &web)?;
    service.create(tasks, PEOPLE)?;
    Ok((service, port))
}

/// What a command of the program prints: an address, of which the path is kept.
fn path_by(service: &Service, arguments: &[&str]) -> Outcome<String> {
    let output = service::program().args(arguments).arg("--config").arg(service.folder.join("neerc.toml")).output()?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let path = said.strip_prefix("http://").and_then(|rest| rest.find('/').map(|at| rest[at..].to_owned()));
    path.ok_or_else(|| format!("{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr)).into())
}

/// A connection of a browser.
struct Browser {
    stream: TcpStream,
    request: String,
    heard: Vec<u8>,
}

impl Browser {
    fn connect(port: u16, method: &str, path: &str, fields: &str) -> Outcome<Browser> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{fields}\r\n");
        Ok(Browser { stream, request, heard: Vec::new() })
    }

    fn ask(&mut self) -> Outcome<()> {
        Ok(self.stream.write_all(self.request.as_bytes())?)
    }

    /// The head of the next answer, and its body.
    fn answer(&mut self) -> Outcome<(String, Vec<u8>)> {
        let mut chunk = vec![0; 256 * 1024];
        loop {
            if let Some(end) = memmem::find(&self.heard, b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.heard[..end]).into_owned();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                let whole = end + 4 + length.unwrap_or(0);
                if self.heard.len() >= whole {
                    let rest = self.heard.split_off(whole);
                    let mut answer = std::mem::replace(&mut self.heard, rest);
                    return Ok((head, answer.split_off(end + 4)));
                }
            }
            match self.stream.read(&mut chunk)? {
                0 => return Err("the connection was closed".into()),
                count => self.heard.extend_from_slice(&chunk[..count]),
            }
        }
    }
}

/// One run of pages.
struct Pages {
    rate: f64,
    cpu_us: f64,
    bytes: usize,
}

/// Keeps all browsers asking for that long.
fn ask(of: &Process, browsers: &mut [Browser], time: Duration) -> Outcome<Pages> {
    let (start, cpu) = (Instant::now(), of.cpu());
    let (mut count, mut bytes) = (0, 0);
    while start.elapsed() < time {
        for browser in &mut *browsers {
            browser.ask()?;
        }
        for browser in &mut *browsers {
            let (head, body) = browser.answer()?;
            if !head.starts_with("HTTP/1.1 200") {
                return Err(head.into());
            }
            (count, bytes) = (count + 1, bytes + body.len());
        }
    }
    let cpu_us = (of.cpu() - cpu).as_secs_f64() * 1e6 / f64::from(count);
    Ok(Pages { rate: f64::from(count) / start.elapsed().as_secs_f64(), cpu_us, bytes: bytes / count as usize })
}

/// The board of an admin.
fn pages(scale: Scale, tasks: usize) -> Outcome<Vec<Row>> {
    let (service, port) = start(tasks)?;
    let link = path_by(&service, &["login-link", "--room", "neerc", "--as", "admin"])?;
    let mut login = Browser::connect(port, "POST", &link, &format!("Origin: http://127.0.0.1:{port}\r\n"))?;
    login.ask()?;
    let (head, _) = login.answer()?;
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
    let cookie = format!("Cookie: {}\r\n", cookie.ok_or_else(|| format!("no cookie: {head}"))?);
    let connect = |port, path: &str, fields: &str| -> Outcome<Vec<Browser>> {
        (0..BROWSERS).map(|_| Browser::connect(port, "GET", path, fields)).collect()
    };
    let mut browsers = connect(port, "/r/neerc", &cookie)?;
    browsers[0].ask()?;
    let (_, page) = browsers[0].answer()?;
    let (axum, axum_port) = bare(&page, b"")?;
    let mut bare_browsers = connect(axum_port, "/page", "")?;
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for _ in 0..scale.runs {
        own.push(ask(&service.process, &mut browsers, scale.time)?);
        others.push(ask(&axum, &mut bare_browsers, scale.time)?);
    }
    let (_, words) = profile::during(&service.process, || ask(&service.process, &mut browsers, scale.time * 2))?;
    let costs = |runs: &[Pages]| -> Vec<f64> { runs.iter().map(|run| run.cpu_us).collect() };
    let row = |name: String, runs: &[Pages]| {
        let run = &runs[median_run(&costs(runs))];
        let more = format!("{:.0}/s of {} KB", run.rate, run.bytes / 1_000);
        Row::new(name, costs(runs), "µs CPU each").more(more)
    };
    let ratios = costs(&others).iter().zip(costs(&own)).map(|(bare, own)| bare / own).collect();
    let name = format!("board page of {tasks} tasks, {BROWSERS} browsers");
    Ok(vec![
        row(name, &own).ratio(ratios, "bare axum").goal(Goal::Ratio(0.5)).profile(&words),
        row("  bare axum, the same bytes".to_owned(), &others),
    ])
}

/// Those who read streams, until they are told to stop.
#[derive(Default)]
struct Heard {
    messages: u64,
    bytes: u64,
    /// The last message.
    event: Vec<u8>,
}

/// Reads all streams until `stop`.
fn listen(streams: &mut [TcpStream], stop: &AtomicBool) -> Heard {
    let (mut heard, mut chunk) = (Heard::default(), vec![0; 64 * 1024]);
    while !stop.load(Ordering::Relaxed) {
        for stream in &mut *streams {
            while let Ok(count @ 1..) = stream.read(&mut chunk) {
                heard.messages += memmem::find_iter(&chunk[..count], CELLS).count() as u64;
                heard.bytes += count as u64;
                if let Some(at) = memmem::find(&chunk[..count], CELLS) {
                    heard.event = chunk[at..count].to_vec();
                }
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    heard
}

fn streams(port: u16, paths: &[String]) -> Outcome<Vec<TcpStream>> {
    let mut streams = Vec::new();
    for number in 0..READERS {
        let mut browser = Browser::connect(port, "GET", &paths[number / PER_TOKEN % paths.len()], "")?;
        browser.ask()?;
        let mut first = [0; 16];
        match browser.stream.read(&mut first) {
            Ok(count) if first[..count].starts_with(b"HTTP/1.1 200") => {}
            Ok(count) => return Err(format!("no stream: {}", String::from_utf8_lossy(&first[..count])).into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err("no stream".into()),
            Err(error) => return Err(error.into()),
        }
        browser.stream.set_nonblocking(true)?;
        streams.push(browser.stream);
    }
    Ok(streams)
}

/// Hears all readers during `work`, and gives what it costs the process.
fn while_heard(
    of: &Process,
    streams: &mut [TcpStream],
    work: impl FnOnce() -> Outcome<()>,
) -> Outcome<(Heard, Duration)> {
    let stop = AtomicBool::new(false);
    let cpu = of.cpu();
    let heard = std::thread::scope(|scope| {
        let listener = scope.spawn(|| listen(streams, &stop));
        let done = work();
        std::thread::sleep(Duration::from_millis(200)); // the last message is on its way
        stop.store(true, Ordering::Relaxed);
        done.and_then(|()| listener.join().map_err(|_| "the listener panicked".into()))
    })?;
    Ok((heard, of.cpu() - cpu))
}

/// One changed cell to all who read the board.
fn cells(scale: Scale) -> Outcome<Vec<Row>> {
    let (mut service, port) = start(16)?;
    let (mut alone, _) = start(16)?;
    let display = ["token", "--room", "neerc", "--display", "--as", "admin"];
    let walls = (0..READERS / PER_TOKEN).map(|_| Ok(path_by(&service, &display)? + "/events"));
    let walls: Vec<String> = walls.collect::<Outcome<_>>()?;
    std::thread::sleep(Duration::from_millis(300)); // a moment later the web knows of the last token
    let mut readers = streams(port, &walls)?;
    let (mut cycle, mut alone_cycle) = (contest::answers(16, PEOPLE), contest::answers(16, PEOPLE));
    let (mut own, mut others, mut words) = (Vec::new(), Vec::new(), Vec::new());
    let mut more = String::new();
    let time = scale.time * 4;
    service.link.count(&BOTH);
    alone.link.count(&BOTH);
    for run in 0..=scale.runs {
        let Service { process, link, .. } = &mut service;
        let mut change = || open(link, process, &mut cycle, CHANGES, time).map(drop);
        if run == scale.runs {
            words = profile::during(process, || while_heard(process, &mut readers, change))?.1;
            break;
        }
        let (heard, cpu) = while_heard(process, &mut readers, &mut change)?;
        let Service { process, link, .. } = &mut alone;
        let (_, unheard) =
            while_heard(process, &mut [], || open(link, process, &mut alone_cycle, CHANGES, time).map(drop))?;
        let cost = |cpu: Duration, heard: &Heard| cpu.as_secs_f64() * 1e6 / heard.messages.max(1) as f64;
        own.push(cost(cpu.saturating_sub(unheard), &heard));
        more = format!(
            "{:.0} of {} bytes for each change",
            heard.messages as f64 / (CHANGES * time.as_secs_f64()),
            heard.bytes / heard.messages.max(1)
        );
        let (axum, axum_port) = bare(b"", &heard.event)?;
        let mut bare_readers = streams(axum_port, &["/events".to_owned()])?;
        let wait = || {
            std::thread::sleep(time);
            Ok(())
        };
        let (heard, cpu) = while_heard(&axum, &mut bare_readers, wait)?;
        others.push(cost(cpu, &heard));
    }
    let ratios = own.iter().zip(&others).map(|(own, bare)| bare / own).collect();
    let each = format!("{more}; {:.0} µs for all of them", median(&own) * READERS as f64);
    Ok(vec![
        Row::new(format!("a changed cell to {READERS} browsers"), own, "µs CPU per message")
            .more(each)
            .ratio(ratios, "bare axum")
            .goal(Goal::Ratio(0.5))
            .profile(&words),
        Row::new("  bare axum, the same bytes", others, "µs CPU per message"),
    ])
}

/// Both.
pub fn board(scale: Scale) -> Outcome<Vec<Row>> {
    let mut rows = pages(scale, 16)?;
    rows.extend(pages(scale, 100)?);
    rows.extend(cells(scale)?);
    Ok(rows)
}
