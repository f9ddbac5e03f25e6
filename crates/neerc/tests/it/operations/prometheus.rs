//! Debian's Prometheus with the alerts of `monitoring/`: each fires by its cause and by nothing else, and it has every number
//! that the dashboard draws.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::{CLOCK, Flood, started, task};
use crate::fake::FakeServer;
use crate::follow::follow;
use crate::guard::{self, Port, Process};
use crate::http::Http;
use crate::wait::{PATIENCE, poll_for, wait_for};

/// Longer than any threshold of the alerts.
const THRESHOLD: Duration = Duration::from_secs(120);

/// All of them.
const ALERTS: [&str; 7] =
    ["NeercClockStale", "NeercHeldBack", "NeercNotReady", "NeercOneCopy", "NeercSlow", "NeercStore", "NeercUntold"];

fn monitoring(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../monitoring").join(file)
}

fn is_there() -> bool {
    let is_there = Command::new("prometheus").arg("--version").output().is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("SKIPPED: there is no prometheus; scripts/setup test installs it");
    }
    is_there
}

/// A Prometheus that reads one service every second.
struct Prometheus {
    process: Process,
    http: Http,
    _port: Port,
}

impl Prometheus {
    /// With the alerts as they are in the repository, except that a condition has to hold for 3 s instead of a minute.
    fn start(service: &Http) -> Prometheus {
        let (folder, port) = (guard::scratch_dir("prometheus"), Port::reserve());
        let rules = fs::read_to_string(monitoring("alerts.yml")).unwrap();
        let hasty = rules.replace("for: 1m\n", "for: 3s\n").replace("for: 30s\n", "for: 3s\n");
        assert_eq!(hasty.matches("for: 3s\n").count(), rules.matches(" for: ").count(), "each is cut short");
        fs::write(folder.join("alerts.yml"), hasty).unwrap();
        let printed = fs::read_to_string(monitoring("prometheus.yml")).unwrap();
        assert!(printed.contains("127.0.0.1:9100") && printed.contains("scrape_interval: 5s"), "{printed}");
        let lines = printed.replace("127.0.0.1:9100", &service.0).replace("scrape_interval: 5s", "scrape_interval: 1s");
        let global = "global:\n  evaluation_interval: 200ms\n";
        fs::write(folder.join("prometheus.yml"), format!("{global}{lines}")).unwrap();
        let http = Http(format!("127.0.0.1:{}", port.number));
        let mut command = Command::new("prometheus");
        command.arg(format!("--web.listen-address={}", http.0)).current_dir(&folder);
        command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
        let log = folder.join("prometheus.log");
        let mut process = Process::spawn_logged("prometheus", &mut command, &log);
        wait_for("prometheus", || {
            let ended = process.exited();
            assert!(ended.is_none(), "{ended:?} {}", guard::log_tail(&log));
            std::net::TcpStream::connect(&http.0).is_ok() && http.get("/-/ready").status == 200
        });
        Prometheus { process, http, _port: port }
    }

    fn ask(&self, path: &str) -> Value {
        let reply = self.http.send(self.http.request("GET", path, "Accept-Encoding: identity\r\n", "").as_bytes());
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        serde_json::from_str(&unchunked(&reply.head, &reply.text)).unwrap()
    }

    fn firing(&self) -> BTreeSet<String> {
        let alerts = self.ask("/api/v1/alerts");
        let alerts = alerts["data"]["alerts"].as_array().unwrap().iter();
        alerts.filter(|alert| alert["state"] == "firing").map(|alert| name(&alert["labels"]["alertname"])).collect()
    }

    /// Goes on until an alert fires, doing something meanwhile.
    #[track_caller]
    fn waits_for(&self, alert: &str, mut meanwhile: impl FnMut()) {
        let fires = poll_for(THRESHOLD, || {
            meanwhile();
            self.firing().contains(alert).then_some(())
        });
        assert!(fires.is_some(), "{alert} does not fire; {:?} do", self.firing());
    }

    /// Goes on until an alert does not fire any more.
    #[track_caller]
    fn waits_for_the_end_of(&self, alert: &str) {
        let ended = poll_for(THRESHOLD, || (!self.firing().contains(alert)).then_some(()));
        assert!(ended.is_some(), "{alert} goes on");
    }

    /// How many series a query finds.
    fn series(&self, query: &str) -> usize {
        let answer = self.ask(&format!("/api/v1/query?query={}", escaped(query)));
        answer["data"]["result"].as_array().unwrap().len()
    }
}

/// A body that came in pieces, as one.
fn unchunked(head: &str, text: &str) -> String {
    if !head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return text.to_owned();
    }
    let (mut rest, mut whole) = (text, String::new());
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap();
        whole.push_str(&after[..length]);
        rest = after[length..].trim_start_matches("\r\n");
    }
    whole
}

fn escaped(query: &str) -> String {
    query.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn name(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[test]
fn the_alerts_and_what_they_wait_for_are_what_prometheus_reads() {
    if !is_there() {
        return;
    }
    for (what, file) in [("check", "alerts.yml"), ("test", "alerts.test.yml")] {
        let output = Command::new("promtool").args([what, "rules"]).arg(monitoring(file)).output().unwrap();
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let rules = fs::read_to_string(monitoring("alerts.yml")).unwrap();
    let named = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    assert_eq!(named.collect::<BTreeSet<_>>(), BTreeSet::from(ALERTS));
}

#[test]
fn each_alert_fires_by_its_cause_and_the_dashboard_has_what_it_draws() {
    if !is_there() {
        return;
    }
    let (mut fake, neerc, faults, monitor) = started("copies = 2\nalone = \"go on\"\n");
    let (_elsewhere, second) = FakeServer::prepare("");
    let follower = follow(&second, &neerc);
    monitor.waits_for("neerc_store_alone", |alone| alone == 0.0);
    let prometheus = Prometheus::start(&monitor.0);
    wait_for("the service is read", || prometheus.series("up == 1") == 1 && prometheus.series("neerc_ready == 1") == 1);
    dashboard(&prometheus);
    let expected = |firing: &[&str]| firing.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
    let free = monitor.value("neerc_store_free_bytes");
    let lasts: &[&str] = if free < 1_073_741_824.0 { &["NeercStore"] } else { &[] };
    let mut firing = prometheus.firing();
    firing.remove("NeercSlow"); // a machine on which other tests run may be
    assert_eq!(firing, expected(lasts), "all is well");

    drop(follower);
    faults.slow_down(700);
    fake.send(&task(&fake, "slow", "Bring water"));
    assert_eq!(fake.expect(|said| said.id == "slow").kind, "result");
    prometheus.waits_for("NeercSlow", || while fake.hear(Duration::from_millis(5)).is_some() {});
    faults.slow_down(0);
    prometheus.waits_for("NeercOneCopy", || while fake.hear(Duration::from_millis(5)).is_some() {});
    let _again = follow(&second, &neerc);

    faults.fill(0);
    fake.send(&task(&fake, "refused", "Bring wine"));
    assert_eq!(fake.expect(|said| said.id == "refused").kind, "error");
    prometheus.waits_for("NeercStore", || while fake.hear(Duration::from_millis(5)).is_some() {});
    faults.make_room();
    fake.send(&task(&fake, "taken", "Bring bread"));
    assert_eq!(fake.expect(|said| said.id == "taken").kind, "result");
    if lasts.is_empty() {
        prometheus.waits_for_the_end_of("NeercStore");
    }

    fs::remove_file(neerc.dir.join("clock.xml")).unwrap();
    prometheus.waits_for("NeercClockStale", || while fake.hear(Duration::from_millis(5)).is_some() {});
    fs::write(neerc.dir.join("clock.xml"), CLOCK).unwrap();
    prometheus.waits_for_the_end_of("NeercClockStale");

    prometheus.waits_for_the_end_of("NeercOneCopy");
    let untold = task(&fake, "untold", "Bring salt");
    let mut flood = Flood::begin(&mut fake);
    assert!(fake.send_unheard(untold.as_bytes(), PATIENCE));
    prometheus.waits_for("NeercHeldBack", || flood.go_on(&mut fake));
    prometheus.waits_for("NeercUntold", || {});
    assert!(!prometheus.firing().contains("NeercNotReady"), "a slow server is no lost one");

    drop(fake);
    prometheus.waits_for("NeercNotReady", || {});
    prometheus.waits_for_the_end_of("NeercHeldBack");
    drop(prometheus.process);
}

/// Each query of the dashboard finds something while the service is well.
fn dashboard(prometheus: &Prometheus) {
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(monitoring("dashboard.json")).unwrap()).unwrap();
    let mut drawn = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let query = name(&target["expr"]).replace("$instance", ".*").replace("$__rate_interval", "1m");
            assert!(!query.contains('$'), "{query}");
            wait_for(&query, || prometheus.series(&query) > 0);
            drawn += 1;
        }
    }
    assert!(drawn > 20, "{drawn} queries");
}
