//! Many who read the board at once: how long a change takes to reach them all, and what that costs those who chat; and one who
//! reads nothing.

use std::fs;
use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::fake::FakeServer;
use crate::http::Http;
use crate::said::NS;
use crate::service::Neerc;
use crate::trust;
use crate::wait::{poll_for, wait_for};

const HALL: &str = "hall1@localhost/bad";
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

/// Those who read the board, on a thread of their own that gives way to the program, as if they were on other machines.
struct Audience {
    /// When each change was asked for, and after how many ms some reader knew of it.
    told: Arc<Mutex<(Vec<Instant>, Vec<f64>)>>,
    /// How many know the last change.
    finished: Arc<AtomicUsize>,
    /// How many have been greeted.
    greeted: Arc<AtomicUsize>,
}

impl Audience {
    fn open(http: &Http, walls: &[String], readers: usize, changes: usize) -> Audience {
        let audience = Audience { told: Arc::default(), finished: Arc::default(), greeted: Arc::default() };
        let (told, finished, greeted) = (audience.told.clone(), audience.finished.clone(), audience.greeted.clone());
        let address = http.0.clone();
        let requests: Vec<String> =
            walls.iter().map(|wall| http.request("GET", &format!("{wall}/events"), "", "")).collect();
        std::thread::spawn(move || {
            #[cfg(target_os = "linux")]
            rustix::process::nice(19).expect("it may be nicer");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let local = tokio::task::LocalSet::new();
            for number in 0..readers {
                let (told, finished, greeted) = (told.clone(), finished.clone(), greeted.clone());
                let (address, request) = (address.clone(), requests[number / PER_TOKEN].clone());
                local.spawn_local(async move {
                    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
                    stream.write_all(request.as_bytes()).await.unwrap();
                    let (mut heard, mut known, mut is_greeted) = (Vec::new(), 0, false);
                    while known < changes && stream.read_buf(&mut heard).await.unwrap() > 0 {
                        let text = String::from_utf8_lossy(&heard);
                        if !is_greeted && text.contains("event: beat") {
                            is_greeted = true;
                            greeted.fetch_add(1, Ordering::SeqCst);
                        }
                        let newest = text.rsplit_once("change").and_then(|(_, rest)| rest.split_once('.'));
                        let newest = newest.and_then(|(number, _)| number.parse().ok()).unwrap_or(known);
                        let whole = text.rfind("\n\n").map_or(0, |end| end + 2);
                        heard.drain(..whole.min(heard.len()));
                        let mut told = told.lock().unwrap();
                        for change in known..newest {
                            let ms = told.0[change].elapsed().as_secs_f64() * 1_000.0;
                            told.1.push(ms);
                        }
                        known = known.max(newest);
                    }
                    assert_eq!(known, changes, "the stream has ended");
                    finished.fetch_add(1, Ordering::SeqCst);
                });
            }
            runtime.block_on(local);
        });
        wait_for("all streams", || audience.greeted.load(Ordering::SeqCst) == readers);
        audience
    }
}

/// How long a hall's answers take that are asked for at a fixed pace, in ms.
#[track_caller]
fn answered_ms(fake: &mut FakeServer, name: &str, changes: usize, audience: Option<&Audience>) -> Vec<f64> {
    const PACE: Duration = Duration::from_millis(50);
    let began = Instant::now();
    let answered = (1..=changes).map(|number| {
        let due = PACE * u32::try_from(number).unwrap();
        let id = format!("{name}{number}.");
        let _ = poll_for(due.saturating_sub(began.elapsed()), || None::<()>);
        let status = format!("<taskstatus xmlns='{NS}#taskstatus' id='t1' type='running' value='{id}'/>");
        let (iq, asked) = (fake.iq(HALL, "set", &id, &status), Instant::now());
        if let Some(audience) = audience {
            audience.told.lock().unwrap().0.push(asked);
        }
        fake.send(&iq);
        assert_eq!(fake.expect(|said| said.id == id).kind, "result");
        asked.elapsed().as_secs_f64() * 1_000.0
    });
    answered.collect()
}

fn percentile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * percent / 100).min(values.len() - 1)]
}

/// Processor time that the program's thread for browsers has taken, in ticks of 10 ms.
fn web_ticks(neerc: &Neerc<'_>) -> u64 {
    let threads = fs::read_dir(format!("/proc/{}/task", neerc.pid())).unwrap().flatten();
    let stats = threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
    let of_web = stats.filter_map(|stat| Some(stat.split_once(" (web) ")?.1.to_owned())).next().expect("a thread");
    of_web.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

#[test]
fn a_change_reaches_all_who_read_the_board() {
    let readers = trust::times(40, 2_000);
    let changes = trust::times(5, 400);
    let (mut fake, neerc) = FakeServer::start_with(&format!("{WEB}[limits]\nrequests_per_second = 0\n"));
    let http = Http::board(&neerc);
    create(&mut fake, "Water");
    assert_eq!(fake.expect(|said| said.id == "Water").kind, "result");
    let alone = answered_ms(&mut fake, "alone", changes, None);
    let walls: Vec<String> = (0..readers.div_ceil(PER_TOKEN)).map(|_| wall(&neerc, &http)).collect();
    let audience = Audience::open(&http, &walls, readers, changes);
    let ticks = web_ticks(&neerc);
    let beside = answered_ms(&mut fake, "change", changes, Some(&audience));
    wait_for("all who read", || audience.finished.load(Ordering::SeqCst) == readers);
    let cpu_us = (web_ticks(&neerc) - ticks) as f64 * 10_000.0 / (readers * changes) as f64;
    let told = std::mem::take(&mut audience.told.lock().unwrap().1);
    assert_eq!(told.len(), readers * changes);
    let halves = [&alone, &beside].map(|values| percentile(values.clone(), 50));
    let [told, beside, alone] = [told, beside, alone].map(|values| percentile(values, 99));
    let outcome = format!(
        "p99 {told:.0} ms until they have it, {cpu_us:.0} µs of processor time for each; p99 of a request by chat \
         {beside:.1} ms, without readers {alone:.1} ms (p50 {:.1} and {:.1} ms)",
        halves[1], halves[0]
    );
    println!("{readers} readers: {outcome}");
    trust::report(
        "P4",
        &format!("{readers} browsers read the board of a room that changes 20 times a second"),
        changes,
        &outcome,
    );
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
