//! Many who read the board at once: how long a change takes to reach them all, and what that costs those who chat; and one who
//! reads nothing.

use std::fs;
use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::fake::FakeServer;
use crate::http::Http;
use crate::said::NS;
use crate::service::Neerc;
use crate::trust;
use crate::wait::{PATIENCE, poll_for, wait_for};

const JURY: &str = "jury1@localhost/desk";
const WEB: &str = "[web]\nlisten = \"127.0.0.1:0\"\n";
/// Most streams of one token.
const PER_TOKEN: usize = 20;

/// A new token for a wall, once it shows something there.
#[track_caller]
pub fn wall(neerc: &Neerc<'_>, http: &Http) -> String {
    let mut command = neerc.command();
    command.args(["token", "--room", crate::fake::ROOM, "--display", "--as", "jury1", "--config"]).arg(neerc.config());
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let path = said.trim().strip_prefix(&format!("http://{}", http.0));
    let path = path.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr))).to_owned();
    wait_for("the wall of a new token", || http.get(&path).status == 200);
    path
}

/// Somebody who reads the board.
struct Reader {
    socket: TcpStream,
    heard: String,
}

impl Reader {
    fn open(http: &Http, wall: &str) -> Reader {
        let socket = http.open(http.request("GET", &format!("{wall}/events"), "", "").as_bytes());
        socket.set_nonblocking(true).unwrap();
        Reader { socket, heard: String::new() }
    }

    /// Whether a text has come by now.
    fn has(&mut self, text: &str) -> bool {
        let mut chunk = [0; 1 << 14];
        loop {
            match self.socket.read(&mut chunk) {
                Ok(0) => panic!("the stream has ended after {:?}", self.heard),
                Ok(count) => self.heard.push_str(&String::from_utf8_lossy(&chunk[..count])),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        let Some(at) = self.heard.find(text) else { return false };
        self.heard.drain(..at + text.len());
        true
    }
}

fn create(fake: &mut FakeServer, title: &str) {
    let task = format!("<task xmlns='{NS}#task' title='{title}' type='todo'><status for='hall1'/></task>");
    let iq = fake.iq(JURY, "set", title, &task);
    fake.send(&iq);
}

/// Until the answer to it, in ms.
#[track_caller]
fn answered_ms(fake: &mut FakeServer, title: &str) -> f64 {
    let began = Instant::now();
    create(fake, title);
    assert_eq!(fake.expect(|said| said.id == title).kind, "result");
    began.elapsed().as_secs_f64() * 1_000.0
}

fn percentile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * percent / 100).min(values.len() - 1)]
}

#[test]
fn a_change_reaches_all_who_read_the_board() {
    let readers = trust::times(40, 2_000);
    let changes = trust::times(5, 50);
    let (mut fake, neerc) = FakeServer::start_with(WEB);
    let http = Http::board(&neerc);
    let alone: Vec<f64> = (0..changes).map(|number| answered_ms(&mut fake, &format!("alone{number}."))).collect();
    let walls: Vec<String> = (0..readers.div_ceil(PER_TOKEN)).map(|_| wall(&neerc, &http)).collect();
    let mut all: Vec<Reader> = (0..readers).map(|number| Reader::open(&http, &walls[number / PER_TOKEN])).collect();
    wait_for("all streams", || {
        all.iter_mut().all(|reader| reader.heard.contains("event: beat") || reader.has("event: beat"))
    });
    let (mut reached, mut beside) = (Vec::new(), Vec::new());
    for number in 0..changes {
        let title = format!("change{number}.");
        let began = Instant::now();
        beside.push(answered_ms(&mut fake, &title));
        let mut waiting: Vec<usize> = (0..readers).collect();
        let heard = poll_for(PATIENCE, || {
            waiting.retain(|at| !all[*at].has(&title));
            let now_ms = began.elapsed().as_secs_f64() * 1_000.0;
            reached.resize(readers * (number + 1) - waiting.len(), now_ms);
            waiting.is_empty().then_some(())
        });
        assert!(heard.is_some(), "{} of {readers} have not heard of {title}", waiting.len());
    }
    let [reached, beside, alone] = [reached, beside, alone].map(|values| percentile(values, 99));
    println!("{readers} readers: p99 {reached:.0} ms; requests by chat {beside:.0} ms, without readers {alone:.0} ms");
    let outcome = format!(
        "p99 {reached:.0} ms until they have it; p99 of a request by chat {beside:.0} ms, without readers {alone:.0} ms"
    );
    trust::report("P4", &format!("{readers} browsers read the board of a room that changes"), changes, &outcome);
}

/// The program's end of a connection, as a number of the kernel's.
#[track_caller]
fn its_end(http: &Http, socket: &TcpStream) -> String {
    let port = |address: &str| address.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).expect("a port");
    let ours = port(&socket.local_addr().unwrap().to_string());
    let ends = [port(&http.0), ours].map(|port| format!(":{port:04X}"));
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let is_it = |fields: &Vec<&str>| fields.len() > 9 && fields[1].ends_with(&ends[0]) && fields[2].ends_with(&ends[1]);
    let found = table.lines().map(|line| line.split_whitespace().collect()).find(is_it).expect("a connection");
    format!("socket:[{}]", found[9])
}

/// Whether the program has it still.
fn has(neerc: &Neerc<'_>, end: &str) -> bool {
    let files = fs::read_dir(format!("/proc/{}/fd", neerc.pid())).unwrap().flatten();
    files.filter_map(|file| fs::read_link(file.path()).ok()).any(|link| link.as_os_str() == end)
}

fn peak_kb(neerc: &Neerc<'_>) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", neerc.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says so");
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn who_reads_nothing_is_cut_off_and_takes_no_memory() {
    const LIMIT: Duration = Duration::from_secs(120);
    const MEMORY_KB: u64 = 64 * 1024;
    let (mut fake, neerc) = FakeServer::start_with(WEB);
    let http = Http::board(&neerc);
    let path = wall(&neerc, &http);
    let mut reader = Reader::open(&http, &path);
    wait_for("a stream", || reader.has("event: beat"));
    let (before, end) = (peak_kb(&neerc), its_end(&http, &reader.socket));
    assert!(has(&neerc, &end));
    let (began, mut number) = (Instant::now(), 0);
    let task = |title: String| {
        format!("<task xmlns='{NS}#task' id='1' title='{title}' type='todo'><status for='hall1'/></task>")
    };
    create(&mut fake, "first");
    fake.expect(|said| said.id == "first");
    let cut = poll_for(LIMIT, || {
        number += 1;
        let (id, title) = (format!("edit{number}"), format!("{number} {}", "long ".repeat(180).trim()));
        let iq = fake.iq(JURY, "set", &id, &task(title));
        fake.send(&iq);
        fake.expect(|said| said.id == id);
        (!has(&neerc, &end)).then_some(())
    });
    let took = began.elapsed();
    assert!(cut.is_some(), "it is there still after {took:?} and {number} changes");
    let growth = peak_kb(&neerc) - before;
    assert!(growth < MEMORY_KB, "{growth} KB more");
    println!("cut off after {took:.0?} and {number} changes, {growth} KB more");
    let outcome = format!("cut off after {took:.0?}, {growth} KB more memory");
    trust::report("P4", "a browser that opens a stream and reads nothing", 1, &outcome);
}
