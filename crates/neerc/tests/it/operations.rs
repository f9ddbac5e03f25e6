//! What monitoring is told: each number moves by its cause, and names nobody.

mod prometheus;

use std::fs;
use std::time::Duration;

use crate::disk::faults::{Faults, STORE};
use crate::fake::FakeServer;
use crate::http::{Http, Reply};
use crate::readers::wall;
use crate::said::NS;
use crate::service::Neerc;
use crate::wait::{PATIENCE, wait_for};

const JURY: &str = "jury1@localhost/desk";
const CLOCK: &str = "<clock time='60000' length='18000000' status='RUNNING'/>";
/// How long the service may take for a request before the next one is written behind it.
const GLANCE: Duration = Duration::from_millis(2);

/// Whoever watches a service.
struct Monitor(Http);

impl Monitor {
    fn get(&self, path: &str) -> (u16, String) {
        let Reply { status, text, .. } = self.0.get(path);
        (status, text)
    }

    fn value(&self, series: &str) -> f64 {
        let (status, text) = self.get("/metrics");
        assert_eq!(status, 200, "{text}");
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
    }

    #[track_caller]
    fn waits_for(&self, series: &str, holds: impl Fn(f64) -> bool) {
        wait_for(series, || holds(self.value(series)));
    }

    /// The same while the server reads.
    #[track_caller]
    fn waits_reading(&self, fake: &mut FakeServer, series: &str, holds: impl Fn(f64) -> bool) {
        wait_for(series, || {
            while fake.hear(Duration::from_millis(5)).is_some() {}
            holds(self.value(series))
        });
    }
}

fn task(fake: &FakeServer, id: &str, title: &str) -> String {
    let task = format!("<task xmlns='{NS}#task' title='{title}' type='todo'><status for='hall1'/></task>");
    fake.iq(JURY, "set", id, &task)
}

/// A service with a clock, on a disk that fails on command, beside a server that is played; its store with those lines more.
fn started(store: &str) -> (FakeServer, Neerc<'static>, Faults, Monitor) {
    let settings = "[operations]\nlisten = \"127.0.0.1:0\"\n[clock]\nfile = \"clock.xml\"\n";
    let (listener, mut neerc) = FakeServer::prepare(&format!("{settings}{STORE}{store}"));
    let faults = Faults::under(&mut neerc);
    fs::write(neerc.dir.join("clock.xml"), CLOCK).unwrap();
    let fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    drop(listener);
    let monitor = Monitor(Http::said(&neerc, "monitoring is answered at"));
    (fake, neerc, faults, monitor)
}

#[test]
fn each_number_moves_by_its_cause() {
    let (mut fake, neerc, faults, monitor) = started("");
    is_well(&monitor);
    untold(&monitor, &mut fake);
    not_stored(&monitor, &mut fake, &faults);
    waiting(&monitor, &mut fake, &faults);
    fs::remove_file(neerc.dir.join("clock.xml")).unwrap();
    monitor.waits_for("neerc_clock_failing{clock=\"0\"}", |failing| failing == 1.0);
    let (heard_s, series) =
        (monitor.value("neerc_clock_age_seconds{clock=\"0\"}"), "neerc_clock_age_seconds{clock=\"0\"}");
    monitor.waits_for(series, |age_s| age_s > heard_s);
    let (_, text) = monitor.get("/metrics");
    for name in ["hall1", "jury1", "Bring", "localhost", crate::fake::ROOM, "clock.xml"] {
        assert!(!text.contains(name), "{name} in\n{text}");
    }
    blocked(&monitor, &mut fake);
    drop(fake);
    monitor.waits_for("neerc_link_blocked_seconds", |blocked_s| blocked_s == 0.0);
    monitor.waits_for("neerc_connected", |connected| connected == 0.0);
    assert!(monitor.value("neerc_connection_losses_total") >= 1.0);
    assert_eq!(monitor.get("/readyz"), (503, "there is no connection to the chat server\n".to_owned()));
    assert_eq!(monitor.get("/healthz").0, 200, "the process answers all the same");
}

/// As it is after a start where all is well.
fn is_well(monitor: &Monitor) {
    monitor.waits_for("neerc_clock_failing{clock=\"0\"}", |failing| failing == 0.0);
    for (series, value) in [
        ("neerc_connected", 1.0),
        ("neerc_ready", 1.0),
        ("neerc_connection_losses_total", 0.0),
        ("neerc_room_ready{room=\"0\"}", 1.0),
        ("neerc_room_users{room=\"0\"}", 4.0),
        ("neerc_room_admins{room=\"0\"}", 1.0),
        ("neerc_room_sessions{room=\"0\"}", 3.0),
        ("neerc_room_tasks{room=\"0\"}", 0.0),
        ("neerc_changes_total", 0.0),
        ("neerc_commit_seconds_count", 0.0),
        ("neerc_store_failing", 0.0),
        ("neerc_link_blocked_seconds", 0.0),
    ] {
        monitor.waits_for(series, |now| now == value);
    }
    for series in
        ["neerc_store_free_bytes", "neerc_store_bytes", "process_resident_memory_bytes", "neerc_uptime_seconds"]
    {
        assert!(monitor.value(series) > 0.0, "{series}");
    }
    let turns = monitor.value("neerc_turn_seconds_count");
    monitor.waits_for("neerc_turn_seconds_count", |now| now > turns);
    assert_eq!(monitor.get("/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(monitor.get("/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(monitor.get("/r/fake").0, 404);
    assert_eq!(monitor.0.send(monitor.0.request("POST", "/metrics", "", "").as_bytes()).status, 405);
}

/// The server has everything only when it says so.
fn untold(monitor: &Monitor, fake: &mut FakeServer) {
    let text = task(fake, "first", "Bring water");
    assert!(fake.send_unheard(text.as_bytes(), PATIENCE));
    monitor.waits_for("neerc_changes_total", |changes| changes == 1.0);
    assert_eq!(monitor.value("neerc_untold_changes"), 1.0);
    monitor.waits_for("neerc_untold_seconds", |untold_s| untold_s > 0.0);
    assert_eq!(monitor.value("neerc_room_tasks{room=\"0\"}"), 1.0);
    assert_eq!(monitor.value("neerc_commit_seconds_count"), 1.0);
    fake.expect(|said| said.id == "first");
    monitor.waits_reading(fake, "neerc_untold_changes", |changes| changes == 0.0);
    assert_eq!(monitor.value("neerc_untold_seconds"), 0.0);
}

/// A server that reads nothing holds the service back.
fn blocked(monitor: &Monitor, fake: &mut FakeServer) {
    let mut flood = Flood::begin(fake);
    wait_for("the service is held back", || {
        flood.go_on(fake);
        let blocked_s = monitor.value("neerc_link_blocked_seconds");
        blocked_s > 0.0 && monitor.value("neerc_link_congested") == 1.0
    });
}

/// Requests for long lists by somebody who reads no answers.
struct Flood(std::ops::Range<usize>);

impl Flood {
    const LISTS: usize = 100;
    const TOO_MANY: usize = 1_000_000;

    /// With tasks that make lists long.
    fn begin(fake: &mut FakeServer) -> Flood {
        for number in 1..=10 {
            let (id, title) = (format!("long{number}"), "long ".repeat(190));
            fake.send(&task(fake, &id, title.trim()));
            assert_eq!(fake.expect(|said| said.id == id).kind, "result");
        }
        Flood(0..Flood::TOO_MANY)
    }

    /// Some more of them.
    fn go_on(&mut self, fake: &mut FakeServer) {
        for number in self.0.by_ref().take(Flood::LISTS) {
            let text = fake.iq(JURY, "get", &format!("list{number}"), &format!("<query xmlns='{NS}#tasks'/>"));
            fake.send_unheard(text.as_bytes(), GLANCE);
        }
    }
}

/// A store that takes nothing makes the service not ready, until it does.
fn not_stored(monitor: &Monitor, fake: &mut FakeServer, faults: &Faults) {
    let troubles = monitor.value("neerc_troubles_total");
    faults.fill(0);
    fake.send(&task(fake, "refused", "Bring wine"));
    assert_eq!(fake.expect(|said| said.id == "refused").kind, "error");
    assert_eq!(monitor.value("neerc_commit_failures_total"), 1.0);
    assert_eq!(monitor.value("neerc_store_failing"), 1.0);
    assert!(monitor.value("neerc_troubles_total") > troubles);
    assert_eq!(monitor.get("/readyz"), (503, "the last changes could not be stored\n".to_owned()));
    faults.make_room();
    fake.send(&task(fake, "taken", "Bring bread"));
    assert_eq!(fake.expect(|said| said.id == "taken").kind, "result");
    assert_eq!(monitor.value("neerc_store_failing"), 0.0);
    assert_eq!(monitor.get("/readyz"), (200, "ready\n".to_owned()));
}

/// A slow disk makes requests wait.
fn waiting(monitor: &Monitor, fake: &mut FakeServer, faults: &Faults) {
    assert_eq!(monitor.value("neerc_asks_waiting"), 0.0);
    faults.slow_down(500);
    let mut number = 0;
    wait_for("a request that waits to be on disk", || {
        number += 1;
        let id = format!("slow{number}");
        fake.send(&task(fake, &id, "Bring salt"));
        let waiting = monitor.value("neerc_asks_waiting");
        assert_eq!(fake.expect(|said| said.id == id).kind, "result");
        waiting == 1.0
    });
    faults.slow_down(0);
    monitor.waits_for("neerc_asks_waiting", |waiting| waiting == 0.0);
}

#[test]
fn who_is_connected_to_the_board_is_counted() {
    let settings = "[operations]\nlisten = \"127.0.0.1:0\"\n[web]\nlisten = \"127.0.0.1:0\"\n";
    let (_fake, neerc) = FakeServer::start_with(settings);
    let monitor = Monitor(Http::said(&neerc, "monitoring is answered at"));
    let board = Http::board(&neerc);
    // The board closes what asks nothing for long, so it is opened anew each time that it is looked at.
    wait_for("a connection is counted", || {
        let _open = board.open(b"GET /login HTTP/1.1\r\n");
        monitor.value("neerc_web_connections") >= 1.0
    });
    assert_eq!(monitor.value("neerc_web_streams"), 0.0);
    monitor.waits_for("neerc_web_connections", |connections| connections == 0.0);
    let mut events = board.events(&format!("{}/events", wall(&neerc, &board)));
    events.until("event: beat");
    monitor.waits_for("neerc_web_streams", |streams| streams == 1.0);
    drop(events);
    monitor.waits_for("neerc_web_streams", |streams| streams == 0.0);
}
