//! The workloads, in pieces that can be run alone. Each starts what it needs, alternates what it compares, and gives
//! rows of the table.

use crate::contest::{self, Cast, Cycle};
use crate::drive::{BOTH, LISTS, Measured, READS, WRITES, closed, open};
use crate::link::{Link, PATIENCE, listen};
use crate::process::{Process, folder};
use crate::profile;
use crate::service::{Peer, Service};
use crate::table::{Goal, Row, median, median_run};
use crate::{Outcome, Scale, bare, machine, plot};
use std::process::Command;
use std::time::{Duration, Instant};

/// Requests under way at once.
const WINDOWS: [usize; 3] = [1, 16, 256];
const EMPTY: Cast = Cast { members: 17, sessions: 0 };

/// One program with one request, measured in every window and run.
struct Contender {
    name: String,
    of: usize,
    cycle: Cycle,
    counted: [&'static str; 4],
    /// For each window, for each run.
    measured: [Vec<Measured>; 3],
}

impl Contender {
    fn new(name: impl Into<String>, of: usize, what: &str, counted: [&'static str; 4]) -> Contender {
        // Of many sessions: the service counts the requests of each.
        let requests: Vec<String> =
            (1..=17).map(|hall| contest::read(&format!("hall{hall}@localhost/s0"), what)).collect();
        let cycle = Cycle::new(&requests);
        Contender { name: name.into(), of, cycle, counted, measured: Default::default() }
    }

    fn rates(&self, window: usize) -> Vec<f64> {
        self.measured[window].iter().map(Measured::rate).collect()
    }

    fn row(&self, window: usize) -> Row {
        let rates = self.rates(window);
        let more = self.measured[window][median_run(&rates)].words();
        Row::new(format!("{}, window {}", self.name, WINDOWS[window]), rates, "/s").more(more)
    }
}

/// Measures all contenders in turn, so that what the machine does meanwhile hits all alike.
fn alternate(scale: Scale, programs: &mut [(Process, Link)], contenders: &mut [Contender]) -> Outcome<()> {
    for run in 0..scale.runs {
        for contender in &mut *contenders {
            let (process, link) = &mut programs[contender.of];
            link.count(&contender.counted);
            for (window, measured) in WINDOWS.into_iter().zip(&mut contender.measured) {
                if run == 0 {
                    closed(link, process, &mut contender.cycle, window, scale.time / 5)
                        .map_err(|error| format!("{}: {error}", contender.name))?; // to warm up
                }
                measured.push(closed(link, process, &mut contender.cycle, window, scale.time)?);
            }
        }
    }
    Ok(())
}

/// What the time of one program goes to with many requests under way.
fn profiled(scale: Scale, programs: &mut [(Process, Link)], contender: &mut Contender) -> Outcome<Vec<String>> {
    let (process, link) = &mut programs[contender.of];
    link.count(&contender.counted);
    let (_, words) = profile::during(process, || closed(link, process, &mut contender.cycle, 256, scale.time * 2))?;
    Ok(words)
}

fn programs(service: Service) -> Outcome<Vec<(Process, Link)>> {
    let mut programs = vec![(service.process, service.link)];
    for peer in Peer::ALL {
        programs.push(peer.start()?);
    }
    Ok(programs)
}

/// The service's processor time for each request with many under way, beside that of the library which needs the least:
/// unlike the share of a raw scanner, that hardly depends on the processor. `goal`: how much of it, at most.
fn beside_best(name: &str, own: &Contender, peers: &[Contender], goal: f64, profile: &[String]) -> Option<Row> {
    let costs = |contender: &Contender| -> Vec<f64> { contender.measured[2].iter().map(Measured::cpu_us).collect() };
    let best = peers.iter().min_by(|one, other| median(&costs(one)).total_cmp(&median(&costs(other))))?;
    let row = Row::new(format!("{name}, window 256, CPU each"), costs(own), "µs");
    let of = format!("the {:.2} µs of {}", median(&costs(best)), best.name);
    Some(row.beside(&costs(best), of).goal(Goal::RatioAtMost(goal)).profile(profile))
}

/// Requests with tiny answers.
pub fn tiny(scale: Scale) -> Outcome<Vec<Row>> {
    let mut programs = programs(Service::start(EMPTY, 0, 0)?)?;
    let mut contenders =
        vec![Contender::new("neerc #ping", 0, "ping", READS), Contender::new("neerc #users (18)", 0, "users", READS)];
    for (index, peer) in Peer::ALL.into_iter().enumerate() {
        contenders.push(Contender::new(format!("{} #ping", peer.name()), index + 1, "ping", READS));
    }
    alternate(scale, &mut programs, &mut contenders)?;
    let profile = profiled(scale, &mut programs, &mut contenders[0])?;
    let mut rows = Vec::new();
    for window in 0..WINDOWS.len() {
        let (raw, libstrophe) = (contenders[2].rates(window), contenders[3].rates(window));
        for contender in &contenders {
            let row = contender.row(window).beside(&raw, "raw");
            let is_measured = window == 2 && contender.name.starts_with("neerc #ping");
            rows.push(if is_measured { row.goal(Goal::Ratio(0.25)).profile(&profile) } else { row });
        }
        let row = contenders[0].row(window).beside(&libstrophe, "libstrophe");
        rows.push(if window == 2 { row.goal(Goal::Ratio(2.0)).profile(&profile) } else { row });
    }
    // Behind the raw scanner the libraries, and at the end the blind search.
    let libraries = &contenders[3..contenders.len() - 1];
    rows.extend(beside_best("neerc #ping", &contenders[0], libraries, 0.5, &profile));
    Ok(rows)
}

/// Lists of tasks.
pub fn tasks(scale: Scale) -> Outcome<Vec<Row>> {
    let mut programs = programs(Service::start(EMPTY, 16, 17)?)?;
    let large = Service::start(EMPTY, 100, 17)?;
    programs.push((large.process, large.link));
    let bytes = [16, 100].map(|tasks| contest::task_list_answer(tasks, 17).len() / 1_000);
    let mut contenders = vec![
        Contender::new(format!("neerc #tasks {} KB", bytes[0]), 0, "tasks", LISTS),
        Contender::new(format!("neerc #tasks {} KB", bytes[1]), programs.len() - 1, "tasks", LISTS),
        Contender::new(format!("raw scanner {} KB, precomputed", bytes[1]), 1, "whole", LISTS),
        Contender::new(format!("raw scanner {} KB, precomputed", bytes[0]), 1, "tasks", LISTS),
    ];
    for (index, peer) in Peer::ALL.into_iter().enumerate().filter(|(_, peer)| !matches!(peer, Peer::Raw | Peer::Blind))
    {
        contenders.push(Contender::new(format!("{} {} KB, built", peer.name(), bytes[0]), index + 1, "tasks", LISTS));
    }
    alternate(scale, &mut programs, &mut contenders)?;
    let [short, long] = [0, 1].map(|index| profiled(scale, &mut programs, &mut contenders[index]));
    let profiles = [short?, long?];
    let mut rows = Vec::new();
    for window in 0..WINDOWS.len() {
        let goal = |row: Row, goal, list: usize| {
            if window == 2 { row.goal(Goal::Ratio(goal)).profile(&profiles[list]) } else { row }
        };
        let own = contenders[0].rates(window);
        let raw = contenders[3].rates(window);
        for (index, contender) in contenders.iter().enumerate() {
            let row = contender.row(window);
            match index {
                0 => rows.push(goal(row.beside(&raw, "raw"), 0.7, 0)),
                1 => rows.push(goal(row.beside(&contenders[2].rates(window), "raw"), 0.7, 1)),
                2 | 3 => rows.push(row),
                _ => {
                    let ratios = own.iter().zip(contender.rates(window)).map(|(own, peer)| own / peer).collect();
                    rows.push(goal(row.ratio(ratios, "it is neerc"), 30.0, 0));
                }
            }
        }
    }
    let name = format!("neerc #tasks {} KB", bytes[0]);
    rows.extend(beside_best(&name, &contenders[0], &contenders[4..], 1.0 / 30.0, &profiles[0]));
    Ok(rows)
}

/// Status changes that are answered once they are on disk.
pub fn durable(scale: Scale) -> Outcome<Vec<Row>> {
    let mut service = Service::start(EMPTY, 100, 17)?;
    let mut cycle = contest::answers(100, 17);
    let disk = folder("bare")?;
    let mut runs: [Vec<Measured>; 3] = Default::default();
    let mut offered: [Vec<Measured>; 2] = Default::default();
    let mut syncs = Vec::new();
    let (mut alike, mut whole, mut batches) = (Vec::new(), Vec::new(), Vec::<f64>::new());
    for _ in 0..scale.runs {
        service.link.count(&WRITES);
        let mut before = 0.0;
        for (window, measured) in WINDOWS.into_iter().zip(&mut runs) {
            if window == 256 {
                // Before and after, for the disk's and the machine's pace changes from one second to the next.
                before = bare::rows_per_second(&disk, batches.last().map_or(100, |batch| *batch as usize), scale.time)?;
            }
            measured.push(closed(&mut service.link, &service.process, &mut cycle, window, scale.time * 2)?);
        }
        let Some(measured) = runs[2].last() else { break };
        let batch = (measured.replies / measured.bursts.max(1)).clamp(1, 256) as usize;
        batches.push(batch as f64);
        let after = bare::rows_per_second(&disk, batch, scale.time)?;
        alike.push((before + after) / 2.0);
        whole.push(bare::rows_per_second(&disk, 256, scale.time)?);
        syncs.push(median(&machine::syncs()?));
        service.link.count(&BOTH);
        for (rate, measured) in [10_000.0, 30_000.0].into_iter().zip(&mut offered) {
            measured.push(open(&mut service.link, &service.process, &mut cycle, rate, scale.time * 4)?);
        }
    }
    let Service { process, link, .. } = &mut service;
    link.count(&WRITES);
    let (_, flood) = profile::during(process, || closed(link, process, &mut cycle, 256, scale.time * 2))?;
    link.count(&BOTH);
    let (_, steady) = profile::during(process, || open(link, process, &mut cycle, 30_000.0, scale.time * 2))?;
    let mut rows = Vec::new();
    let rates = |runs: &[Measured]| -> Vec<f64> { runs.iter().map(Measured::rate).collect() };
    let p99s = |runs: &[Measured]| -> Vec<f64> { runs.iter().map(|run| run.latencies.ms(0.99)).collect() };
    for (window, runs) in WINDOWS.into_iter().zip(&runs) {
        let more = runs[median_run(&rates(runs))].words();
        let row = Row::new(format!("status change, window {window}"), rates(runs), "/s").more(more);
        rows.push(if window == 256 {
            row.beside(&alike, "bare rows").goal(Goal::Ratio(0.6)).profile(&flood)
        } else {
            row
        });
    }
    let late = Row::new("status change, window 256, p99", p99s(&runs[2]), "ms");
    let sync_ms = median(&syncs);
    rows.push(late.goal(Goal::AtMost(10.0)).profile(&flood));
    rows.push(Row::new("  replies at once, window 256", batches, ""));
    rows.push(Row::new("  bare SQLite, as many rows in a batch", alike, "/s"));
    rows.push(Row::new("  bare SQLite, batches of 256", whole, "/s"));
    rows.push(Row::new("  a sync of 8 KB", syncs, "ms"));
    for (name, runs) in ["10,000", "30,000"].into_iter().zip(&offered) {
        let more = runs[median_run(&p99s(runs))].words();
        let row = Row::new(format!("status change, {name}/s offered, p99"), p99s(runs), "ms").more(more);
        rows.push(if name == "30,000" { row.goal(Goal::AtMost(3.0 + 10.0 * sync_ms)).profile(&steady) } else { row });
    }
    Ok(rows)
}

/// Status changes with many sessions to tell.
pub fn telling(scale: Scale) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for sessions in [120, 1_000] {
        let mut service = Service::start(Cast { members: 20, sessions }, 100, 17)?;
        let mut alone = Service::start(Cast { members: 20, sessions: 0 }, 100, 17)?;
        let (listener, port) = listen()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["peer-teller", &port.to_string(), &sessions.to_string()]);
        let (mut cycle, mut alone_cycle) = (contest::answers(100, 17), contest::answers(100, 17));
        let (mut told, mut flood, mut bare) = (Vec::new(), Vec::new(), Vec::new());
        let mut untold = Vec::new();
        // 100 tasks, each told 20 times in a second at most: no change is told together with another one. And changes so
        // far apart that each is a commit of its own, here and with nobody to tell.
        let rate = 300.0;
        for _ in 0..scale.runs {
            service.link.drain(Duration::from_millis(300), PATIENCE)?;
            service.link.count(&BOTH);
            told.push(open(&mut service.link, &service.process, &mut cycle, rate, scale.time * 2)?);
            alone.link.count(&BOTH);
            untold.push(open(&mut alone.link, &alone.process, &mut alone_cycle, rate, scale.time * 2)?);
            service.link.drain(Duration::from_millis(300), PATIENCE)?;
            service.link.count(&WRITES);
            flood.push(closed(&mut service.link, &service.process, &mut cycle, 256, scale.time)?);
            let process = Process::spawn(&mut command, &folder("teller")?.join("log.txt"))?;
            let mut link = Link::accept_bare(&listener, PATIENCE)?;
            link.count(&WRITES);
            bare.push(messages(&mut link, &process, scale.time)?);
        }
        let Service { process, link, .. } = &mut service;
        link.count(&BOTH);
        let (_, words) = profile::during(process, || open(link, process, &mut cycle, rate, scale.time * 2))?;
        let [own, rest @ ..] = telling_rows(sessions, &told, &untold, &flood, &bare);
        rows.push(own.profile(&words));
        rows.extend(rest);
    }
    Ok(rows)
}

/// `untold`: the same changes with nobody to tell, at the same rate.
fn telling_rows(
    sessions: usize,
    told: &[Measured],
    untold: &[Measured],
    flood: &[Measured],
    bare: &[Measured],
) -> [Row; 4] {
    let cost = |run: &Measured| run.cpu.as_secs_f64() * 1e6 / run.messages.max(1) as f64;
    let costs = |runs: &[Measured]| -> Vec<f64> { runs.iter().map(cost).collect() };
    let bare_costs = costs(bare);
    let less = |(told, untold): (&Measured, &Measured)| {
        let changes = untold.cpu.as_secs_f64() * told.replies as f64 / untold.replies.max(1) as f64;
        (told.cpu.as_secs_f64() - changes) * 1e6 / told.messages.max(1) as f64
    };
    let telling_costs: Vec<f64> = told.iter().zip(untold).map(less).collect();
    let row = |name: String, runs: &[Measured], costs: Vec<f64>| {
        let run = &runs[median_run(&costs)];
        let mut more = format!(
            "{:.0} k messages/s of {} bytes, {:.0} MB/s",
            run.messages as f64 / run.seconds / 1e3,
            run.bytes / run.messages.max(1),
            run.bytes as f64 / run.seconds / 1e6
        );
        if run.replies > 0 {
            let each = run.messages as f64 / run.replies as f64;
            more +=
                &format!(", {each:.0} per change, {:.0} changes/s, p99 {:.1} ms", run.rate(), run.latencies.ms(0.99));
        }
        let ratios = bare_costs.iter().zip(&costs).map(|(bare, own)| bare / own).collect();
        Row::new(name, costs, "µs CPU per message").more(more).ratio(ratios, "bare loop")
    };
    [
        row(format!("telling {sessions} sessions of each change"), told, telling_costs).goal(Goal::Ratio(0.5)),
        row("  the same with the commits".to_owned(), told, costs(told)),
        row("  the same in a closed loop, window 256".to_owned(), flood, costs(flood)),
        row(format!("  bare loop of {sessions} sessions"), bare, costs(bare)),
    ]
}

/// Counts what comes unasked for that long.
fn messages(link: &mut Link, of: &Process, time: Duration) -> Outcome<Measured> {
    let mut measured = Measured::default();
    let (start, cpu) = (Instant::now(), of.cpu());
    while start.elapsed() < time {
        let seen = link.read()?;
        measured.messages += seen.counts[2] as u64;
        measured.bytes += seen.bytes as u64;
    }
    measured.seconds = start.elapsed().as_secs_f64();
    measured.cpu = of.cpu() - cpu;
    Ok(measured)
}

/// A contest: 120 sessions of 20 accounts, 100 tasks of 17 people. Of 100 requests 40 are answers, 5 are edits that
/// assign, 40 read the tasks and 15 the users; a real contest sees 10 requests in a second.
pub fn mixed(scale: Scale) -> Outcome<Vec<Row>> {
    let cast = Cast { members: 20, sessions: 120 };
    let mut service = Service::start(cast, 100, 17)?;
    let mut cycle = mixture(cast);
    let mut rows = Vec::new();
    let mut runs: [Vec<Measured>; 2] = Default::default();
    for _ in 0..scale.runs {
        for (times, measured) in [10.0, 100.0].into_iter().zip(&mut runs) {
            service.link.drain(Duration::from_millis(300), PATIENCE)?;
            service.link.count(&BOTH);
            measured.push(open(&mut service.link, &service.process, &mut cycle, 10.0 * times, scale.time * 3)?);
        }
    }
    for (times, runs) in ["10", "100"].into_iter().zip(&runs) {
        let p99s: Vec<f64> = runs.iter().map(|run| run.latencies.ms(0.99)).collect();
        let run = &runs[median_run(&p99s)];
        let more = format!(
            "reads p99 {:.2} ms, {:.0} messages/s, {:.1} MB/s, {:.1} % CPU, {:.0} MB",
            run.read_latencies.ms(0.99),
            run.messages as f64 / run.seconds,
            run.bytes as f64 / run.seconds / 1e6,
            run.cpu.as_secs_f64() / run.seconds * 100.0,
            run.rss_mb
        );
        rows.push(Row::new(format!("contest, {times} times real, p99 of writes"), p99s, "ms").more(more));
    }
    Ok(rows)
}

fn mixture(cast: Cast) -> Cycle {
    let (mut requests, mut answers, mut edits) = (Vec::new(), 0, 0);
    for number in 0..30_000_usize {
        let session = cast.session(number * 7 % cast.sessions);
        requests.push(match number % 20 {
            0 | 2 | 5 | 7 | 10 | 12 | 15 | 17 => {
                answers += 1;
                let (hall, task) = (answers / 100 % 17 + 1, answers % 100 + 1);
                contest::answer(hall, task, ["running", "success"][answers / 1_700 % 2])
            }
            1 | 3 | 6 | 8 | 11 | 13 | 16 | 18 => contest::read(&session, "tasks"),
            4 | 9 | 14 => contest::read(&session, "users"),
            _ => {
                edits += 1;
                contest::assign(edits % 100 + 1, 18 + edits / 100 % 3, edits)
            }
        });
    }
    Cycle::new(&requests)
}

/// Memory with many sessions and tasks.
pub fn memory(scale: Scale) -> Outcome<Vec<Row>> {
    let (mut idle, mut values, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    let mut words = String::new();
    let cast = Cast { members: 1_000, sessions: 1_000 };
    for _ in 0..scale.runs.min(3) {
        let mut service = Service::start(cast, 1_000, 17)?;
        service.link.drain(Duration::from_millis(300), PATIENCE)?; // everybody is told of every new task
        idle.push(service.process.rss_mb());
        let requests: Vec<String> = (0..1_000).map(|number| contest::read(&cast.session(number), "users")).collect();
        service.link.count(&LISTS);
        closed(&mut service.link, &service.process, &mut Cycle::new(&requests), 16, scale.time / 2)?;
        let requests: Vec<String> = (0..1_000).map(|number| contest::read(&cast.session(number), "tasks")).collect();
        let read = closed(&mut service.link, &service.process, &mut Cycle::new(&requests), 16, scale.time)?;
        rates.push(read.rate());
        words = format!("{} KB each, {}", read.bytes / read.replies.max(1) / 1_000, read.words());
        service.link.count(&WRITES);
        let mut cycle = contest::answers(1_000, 17);
        closed(&mut service.link, &service.process, &mut cycle, 16, scale.time)?;
        values.push(service.process.rss_mb());
    }
    Ok(vec![
        Row::new("memory, 1,000 sessions and 1,000 tasks, in use", values, "MB").goal(Goal::AtMost(30.0)),
        Row::new("  before the first request", idle, "MB"),
        Row::new("  #tasks of 1,000 tasks (over the limit), window 16", rates, "/s").more(words),
    ])
}

/// Starting on a long log.
pub fn start(scale: Scale) -> Outcome<Vec<Row>> {
    let changes = if scale.is_quick { 100_000 } else { 1_000_000 };
    let mut service = Service::start(EMPTY, 100, 17)?;
    service.link.count(&WRITES);
    let mut cycle = contest::answers(100, 17);
    let began = Instant::now();
    let mut made = 0;
    while made < changes {
        if began.elapsed() > Duration::from_secs(180) {
            return Err(format!("only {made} changes were made in 3 minutes").into());
        }
        made += closed(&mut service.link, &service.process, &mut cycle, 256, Duration::from_millis(500))?.replies;
    }
    let (folder, grown_mb) = (service.folder.clone(), service.process.rss_mb());
    service.process.stop(Duration::from_secs(20))?;
    let size_mb = std::fs::metadata(folder.join("neerc.db"))?.len() / 1_000_000;
    let begin = |folder: &std::path::PathBuf| -> Outcome<(f64, f64)> {
        let start = Instant::now();
        let service = Service::start_in(folder.clone(), EMPTY)?;
        let seconds = start.elapsed().as_secs_f64();
        let rss_mb = service.process.rss_mb();
        service.process.stop(Duration::from_secs(20))?;
        Ok((seconds, rss_mb))
    };
    let runs = (0..scale.runs).map(|_| begin(&folder)).collect::<Outcome<Vec<_>>>()?;
    let seconds = runs.iter().map(|(seconds, _)| *seconds).collect();
    let memory = runs.iter().map(|(_, rss_mb)| *rss_mb).collect();
    let connection = rusqlite::Connection::open(folder.join("neerc.db"))?;
    let snapshot: i64 = connection.query_row("SELECT max(length(record)) FROM snapshot", [], |row| row.get(0))?;
    connection.execute("DELETE FROM snapshot", [])?;
    drop(connection);
    let folded = begin(&folder)?;
    let name = |what: &str| format!("{what} with a log of {made} changes");
    let more = format!("{size_mb} MB on disk, newest snapshot {:.1} MB", snapshot as f64 / 1e6);
    Ok(vec![
        Row::new(name("start"), seconds, "s").more(more).goal(Goal::AtMost(1.0)),
        Row::new(name("  memory after a start"), memory, "MB").more(format!("{grown_mb:.0} MB when it was made")),
        Row::new(name("  start without a snapshot,"), vec![folded.0], "s"),
    ])
}

/// Everybody answers one task at once, in rooms of growing size: clients that hear whole tasks, then such that hear
/// differences.
pub fn growth(scale: Scale) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    let mut points = Vec::new();
    let sizes: &[usize] = if scale.is_quick { &[10, 100, 1_000] } else { &[10, 30, 100, 300, 1_000, 5_000] };
    for &people in sizes {
        let law = (people * people * bare::notification_bytes(people)) as f64;
        let [whole, differences] = [false, true].map(|by_differences| all_at_once(people, by_differences));
        let (whole, differences) = (whole?, differences?);
        points.push(plot::Point { people: people as f64, law, whole: whole.cost(), differences: differences.cost() });
        for (told, how) in [(whole, "whole tasks"), (differences, "differences")] {
            let more = format!(
                "{} messages in {:.2} s, {:.1} ms CPU; a whole task to everybody per change: {} MB",
                told.messages,
                told.seconds,
                told.cpu.as_secs_f64() * 1e3,
                crate::table::number(law / 1e6)
            );
            let megabytes = told.bytes as f64 / 1e6;
            let row = Row::new(format!("{people} answer one task at once, told {how}"), vec![megabytes], "MB");
            rows.push(row.more(more).ratio(vec![told.bytes as f64 / law], "the law"));
        }
    }
    std::fs::write("growth.svg", plot::log_log(&points))?;
    Ok(rows)
}

fn all_at_once(people: usize, by_differences: bool) -> Outcome<Measured> {
    let cast = Cast { members: people, sessions: people };
    let mut service = Service::start(cast, 1, people)?;
    service.link.drain(Duration::from_millis(300), PATIENCE)?;
    if by_differences {
        service.link.count(&["</query></iq>", "<query xmlns='http://neerc.ifmo", "", "<error "]);
        let asks: Vec<String> = (0..people).map(|number| contest::differences(&cast.session(number))).collect();
        service.link.send(asks.concat().as_bytes())?;
        let seen = service.link.drain(Duration::from_millis(500), Duration::from_secs(60))?;
        if seen.counts[0] != people {
            return Err(format!("{} of {people} sessions were told the tasks", seen.counts[0]).into());
        }
    }
    service.link.count(&WRITES);
    let answers: Vec<String> = (1..=people).map(|hall| contest::answer(hall, 1, "acknowledged")).collect();
    let (began, cpu) = (Instant::now(), service.process.cpu());
    service.link.send(answers.concat().as_bytes())?;
    let quiet = Duration::from_millis(500);
    let seen = service.link.drain(quiet, Duration::from_secs(60))?;
    if seen.counts[0] != people || seen.counts[3] > 0 {
        return Err(format!("{} of {people} answers were taken", seen.counts[0]).into());
    }
    Ok(Measured {
        replies: people as u64,
        messages: seen.counts[2] as u64,
        bytes: seen.bytes as u64,
        seconds: (began.elapsed() - quiet).as_secs_f64(),
        cpu: service.process.cpu() - cpu,
        ..Measured::default()
    })
}
