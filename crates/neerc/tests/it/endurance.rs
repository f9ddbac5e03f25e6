//! A wall that hangs for days: what a hundred thousand changes leave in the browser and in the service, and what comes after a
//! sleep.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::browser::{Browser, Driver, Look};
use crate::fake::FakeServer;
use crate::http::{Events, Http};
use crate::readers::wall;
use crate::said::NS;
use crate::service::Neerc;
use crate::trust;

const JURY: &str = "jury1@localhost/desk";
const HALL: &str = "hall1@localhost/bad";
const SETTINGS: &str =
    "[web]\nlisten = \"127.0.0.1:0\"\n[limits]\nrequests_per_second = 0\nstored_mib_per_day = 4096\n";
/// Tasks that stay.
const TASKS: usize = 20;

/// The service with a room of tasks, and somebody who reads the stream of its wall.
struct Bed {
    fake: FakeServer,
    neerc: Neerc<'static>,
    wall: String,
    events: Events,
}

impl Bed {
    #[track_caller]
    fn new() -> Bed {
        let (fake, neerc) = FakeServer::start_with(SETTINGS);
        let http = Http::board(&neerc);
        let wall = wall(&neerc, &http);
        let mut events = http.events(&format!("{wall}/events"));
        events.until("event: beat");
        let mut bed = Bed { fake, neerc, wall: format!("http://{}{wall}", http.0), events };
        let tasks: Vec<String> = (1..=TASKS).map(|number| task("", &format!("Task {number}"), "todo")).collect();
        bed.ask(&tasks.iter().map(|task| (JURY, task.clone())).collect::<Vec<_>>());
        bed
    }

    /// Asks for all of it at once, and waits until all of it is done.
    #[track_caller]
    fn ask(&mut self, asked: &[(&str, String)]) {
        let all: String = asked.iter().map(|(who, child)| self.fake.iq(who, "set", "asked", child)).collect();
        self.fake.send(&all);
        for (who, child) in asked {
            let said = self.fake.expect(|said| said.id == "asked");
            assert_eq!(said.kind, "result", "{who} {child}: {}", said.xml);
        }
    }

    /// Has a hall answer all tasks, and waits until that has reached a reader.
    #[track_caller]
    fn answers(&mut self, value: &str) {
        let answer = |id| format!("<taskstatus xmlns='{NS}#taskstatus' id='t{id}' type='running' value='{value}'/>");
        self.ask(&(1..=TASKS).map(|id| (HALL, answer(id))).collect::<Vec<_>>());
        // The last one is shown with all before it, or after them.
        let last = format!("id=\"t{TASKS}-hall1\"");
        while !{
            self.events.until(&last);
            self.events.until("\n\n").contains(value)
        } {}
    }

    /// Memory that the service takes, in KB.
    fn service_kb(&self) -> i64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.neerc.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says so");
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

fn task(id: &str, title: &str, kind: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!(" id='{id}'") };
    format!(
        "<task xmlns='{NS}#task'{id} title='{title}' type='{kind}'><status for='hall1'/><status for='hall2'/></task>"
    )
}

/// What a page takes once what it does not need is thrown away.
#[derive(Debug)]
struct Taken {
    heap_kb: i64,
    nodes: i64,
    listeners: i64,
}

impl Taken {
    #[track_caller]
    fn by(browser: &Browser<'_>) -> Taken {
        browser.debug("HeapProfiler.collectGarbage", json!({}));
        let number = |value: &Value| value.as_f64().expect("a number") as i64;
        let heap = number(&browser.debug("Runtime.getHeapUsage", json!({}))["usedSize"]);
        let counted = browser.debug("Memory.getDOMCounters", json!({}));
        Taken {
            heap_kb: heap / 1024,
            nodes: number(&counted["nodes"]),
            listeners: number(&counted["jsEventListeners"]),
        }
    }
}

#[test]
fn a_wall_takes_no_more_memory_with_each_change() {
    const HEAP_KB: i64 = 2 * 1024;
    const NODES: i64 = 1_000;
    // The pasts of tasks grow until they are as long as they may be, and removed tasks are kept for a day.
    const SERVICE_KB: i64 = 16 * 1024;
    let rounds = trust::times(150, 5_000);
    let Some(driver) = Driver::start() else { return };
    let browser = driver.browser(Look::LAPTOP);
    let mut bed = Bed::new();
    browser.open(&bed.wall);
    let mut before = None;
    for round in 1..=rounds {
        let value = format!("round {round}.");
        // A column comes, and the one before it goes.
        if round % 10 == 0 {
            let old = TASKS + round / 10 - 1;
            let mut asked = vec![(JURY, task("", &format!("Of {value}"), "todo"))];
            asked.extend((old > TASKS).then(|| (JURY, task(&format!("t{old}"), "", "remove"))));
            bed.ask(&asked);
        }
        bed.answers(&value);
        if round == rounds * 3 / 10 || round == rounds {
            browser.sees_in(&format!("#t{TASKS}-hall1"), &value);
            let now = (Taken::by(&browser), bed.service_kb());
            let Some((page, service_kb)) = before.replace(now) else { continue };
            let (page_now, service_now_kb) = before.as_ref().expect("it was just put there");
            let changes = rounds * TASKS + rounds / 5;
            println!("{changes} changes: {page:?}, {service_kb} KB, then {page_now:?}, {service_now_kb} KB");
            assert!(page_now.heap_kb < page.heap_kb + HEAP_KB, "{page:?} became {page_now:?}");
            assert!(page_now.nodes < page.nodes + NODES, "{page:?} became {page_now:?}");
            assert!(page_now.listeners <= page.listeners + 10, "{page:?} became {page_now:?}");
            assert!(service_now_kb - service_kb < SERVICE_KB, "{service_kb} KB became {service_now_kb} KB");
            let outcome = format!(
                "after a third of them and after all: heap {} and {} KB, nodes {} and {}, the service {service_kb} and \
                 {service_now_kb} KB",
                page.heap_kb, page_now.heap_kb, page.nodes, page_now.nodes
            );
            trust::report("P4", "changes of a room that a wall shows (Chromium)", changes, &outcome);
        }
    }
    browser.open("about:blank");
}

/// Notes what a cell shows one after the other from now on. With a time, the page is kept from running as soon as it shows what
/// it is to miss, until that time has gone by and the board shows the present.
fn watch(browser: &Browser<'_>, cell: &str, kept: Option<Duration>, present: &str) {
    let script = "const [cell, ms, present] = arguments;
        window.seen = [];
        document.addEventListener('freeze', () => { window.isFrozen = true; });
        const occupy = () => {
            for (const end = Date.now() + ms; ;) {
                const page = new XMLHttpRequest();
                page.open('GET', location.href, false);
                page.send();
                if (Date.now() > end && page.responseText.includes(present)) return void (window.seen = []);
            }
        };
        new MutationObserver(() => {
            const word = /[a-z]+ \\d+\\./.exec(document.querySelector(cell).textContent)[0];
            if (window.seen[window.seen.length - 1] === word) return;
            window.seen.push(word);
            if (ms && window.seen.length === 1 && word !== present) occupy();
        }).observe(document.querySelector('#board'), { childList: true, subtree: true, characterData: true });";
    browser.may_say("Synchronous XMLHttpRequest");
    browser.run(script, json!([cell, kept.map(|time| time.as_millis() as u64), present]));
}

#[test]
fn a_wall_that_slept_shows_the_present_and_nothing_of_what_it_missed() {
    const SLEEP: Duration = Duration::from_secs(7);
    let Some(driver) = Driver::start() else { return };
    let browser = driver.browser(Look::LAPTOP);
    let mut bed = Bed::new();
    bed.answers("before 0.");
    let cell = format!("#t{TASKS}-hall1");
    let mut missed = 0;
    for way in ["occupied", "frozen"] {
        browser.open(&bed.wall);
        let present = format!("{way} 0.");
        watch(&browser, &cell, (way == "occupied").then_some(SLEEP), &present);
        if way == "frozen" {
            browser.debug("Page.setWebLifecycleState", json!({"state": "frozen"}));
            browser.until("return window.isFrozen", json!([]), |frozen| *frozen == json!(true));
        }
        let began = Instant::now();
        while began.elapsed() < SLEEP {
            missed += 1;
            bed.answers(&format!("missed {missed}."));
        }
        bed.answers(&present);
        if way == "frozen" {
            browser.debug("Page.setWebLifecycleState", json!({"state": "active"}));
        }
        browser.sees_in(&cell, &present);
        let seen = browser.run("return window.seen", json!([]));
        assert!(seen == json!([]) || seen == json!([present]), "{way}, of {missed} changes: {seen:?}");
    }
    browser.open("about:blank");
    trust::report("P4", "changes of a room while its wall sleeps (Chromium)", missed, "it shows the last of them only");
}
