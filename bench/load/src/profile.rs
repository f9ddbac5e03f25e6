//! Where a program's processor time goes, by sampling it with Linux' perf while it works: which thread, how much of it in
//! the kernel and for what, and how much in which part of the program. For the words under a missed goal, not for the
//! figures of the table: sampling costs some time itself.

use crate::Outcome;
use crate::process::{Process, folder};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Samples per second: no multiple of what the service does at regular times.
const RATE: &str = "1999";
/// Fewer samples than this say nothing.
const LEAST_SAMPLES: usize = 50;
/// Shares below this are left out, in percent.
const LEAST_SHARE: f64 = 1.0;

/// What a call into the kernel is for.
const CALLS: [(&str, &[&str]); 3] = [
    ("disk", &["fdatasync", "fsync", "pwrite64", "pread64", "fcntl", "ftruncate"]),
    ("sockets", &["sendto", "sendmsg", "writev", "recvfrom", "read"]),
    ("waiting and waking", &["epoll_wait", "epoll_ctl", "futex", "sched_yield"]),
];

/// Which part of a program a function belongs to, by what its name holds; the first that fits.
const PARTS: [(&str, &[&str]); 9] = [
    ("memory", &["malloc", "_int_free", "cfree", "realloc", "calloc", "unlink_chunk", "__rustc::__rust"]),
    ("copying and comparing", &["__mem", "__str"]),
    ("reading XML", &["neerc_xmpp::xml", "neerc_xmpp::stream::frame", "quick_xml", "memchr", "core::str"]),
    ("XMPP", &["neerc_xmpp"]),
    ("core", &["neerc_core"]),
    ("records", &["serde", "crc32fast", "neerc_store::record"]),
    ("runtime", &["tokio", "mio::", "std::sync::mp"]),
    ("hashing, trees, drops", &["hash", "alloc::", "core::ptr::drop"]),
    // Last: Rust has names with `btree` and `unix` in them, too.
    ("SQLite", &["sqlite", "wal", "pcache", "btree", "vdbe", "rusqlite", "pager", "unix"]),
];

/// Does `work` while the process is sampled, and says where its time went, or why that is not known. The words are one line for each thread that matters.
pub fn during<T>(process: &Process, work: impl FnOnce() -> Outcome<T>) -> Outcome<(T, Vec<String>)> {
    let file = folder("profile")?.join("perf.data");
    let mut command = Command::new("perf");
    command.args(["record", "--freq", RATE, "-g", "--pid", &process.pid().to_string(), "--output"]).arg(&file);
    let perf = Process::spawn(&mut command, &file.with_extension("log"));
    let started = Instant::now();
    while perf.is_ok() && !file.exists() && started.elapsed() < Duration::from_secs(2) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let done = work()?;
    let words = perf.and_then(|perf| {
        perf.interrupt(Duration::from_secs(5))?;
        let script = Command::new("perf")
            .args(["script", "--fields", "comm,ip,sym", "--input"])
            .arg(&file)
            .stderr(Stdio::null())
            .output()?;
        words(&String::from_utf8_lossy(&script.stdout))
    });
    Ok((done, words.unwrap_or_else(|error| vec![format!("not profiled: {error}")])))
}

/// How many samples fell on what.
#[derive(Default)]
struct Share {
    samples: usize,
    parts: BTreeMap<String, usize>,
}

impl Share {
    fn note(&mut self, part: &str) {
        self.samples += 1;
        *self.parts.entry(part.to_owned()).or_default() += 1;
    }

    /// `34 % disk (fdatasync 20, pwrite64 14)`, the parts being percent of all.
    fn words(&self, name: &str, total: usize) -> String {
        let percent = |samples: usize| samples as f64 * 100.0 / total as f64;
        let mut parts: Vec<_> = self.parts.iter().filter(|(_, count)| percent(**count) >= LEAST_SHARE).collect();
        parts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let parts: Vec<String> = parts.iter().map(|(part, count)| format!("{part} {:.0}", percent(**count))).collect();
        format!("{:.0} % {name} ({})", percent(self.samples), parts.join(", "))
    }
}

/// From the text of `perf script`: a line with the thread's name, then a line for each function, the innermost first,
/// then an empty line.
fn words(script: &str) -> Outcome<Vec<String>> {
    let mut threads: BTreeMap<&str, BTreeMap<&str, Share>> = BTreeMap::new();
    let mut total = 0;
    for sample in script.split("\n\n").map(|sample| sample.trim_start_matches('\n')) {
        let mut lines = sample.lines();
        let (Some(thread), stack) = (lines.next(), lines.filter_map(function).collect::<Vec<_>>()) else { continue };
        if stack.is_empty() {
            continue;
        }
        total += 1;
        let (kind, part) = place(&stack);
        threads.entry(thread.trim()).or_default().entry(kind).or_default().note(part);
    }
    if total < LEAST_SAMPLES {
        return Err(format!("perf took {total} samples only").into());
    }
    let samples = |kinds: &BTreeMap<&str, Share>| kinds.values().map(|share| share.samples).sum::<usize>();
    let mut threads: Vec<_> = threads.into_iter().collect();
    threads.sort_by_key(|(_, kinds)| std::cmp::Reverse(samples(kinds)));
    let mut out = Vec::new();
    for (thread, kinds) in &threads {
        let percent = samples(kinds) as f64 * 100.0 / total as f64;
        if percent < LEAST_SHARE {
            continue;
        }
        let mut kinds: Vec<_> = kinds.iter().collect();
        kinds.sort_by_key(|(_, share)| std::cmp::Reverse(share.samples));
        let kinds: Vec<String> = kinds.into_iter().map(|(kind, share)| share.words(kind, total)).collect();
        out.push(format!("thread {thread}, {percent:.0} %: {}", kinds.join("; ")));
    }
    Ok(out)
}

/// The name of a function without its address.
fn function(line: &str) -> Option<&str> {
    let (_, name) = line.trim_start().split_once(' ')?;
    Some(name.trim())
}

/// What a sample was spent on, from its functions, the innermost first.
fn place<'s>(stack: &[&'s str]) -> (&'static str, &'s str) {
    let call = |name: &&'s str| match *name {
        "do_writev" => Some("writev"),
        name => name.strip_prefix("__x64_sys_"),
    };
    if let Some(call) = stack.iter().find_map(call) {
        let known = CALLS.iter().find(|(_, calls)| calls.contains(&call));
        return (known.map_or("kernel, other", |(kind, _)| kind), call);
    }
    if stack.iter().any(|name| name.starts_with("asm_") || name.contains("SYSCALL")) {
        let is_switch = stack.iter().any(|name| name.starts_with("finish_task_switch") || *name == "schedule");
        return ("kernel, other", if is_switch { "switched out" } else { "interrupts and faults" });
    }
    let innermost = stack.first().copied().unwrap_or_default();
    let fits = |names: &[&str]| names.iter().any(|name| innermost.contains(name));
    let known = PARTS.iter().find(|(_, names)| fits(names));
    ("own work", known.map_or("other", |(part, _)| part))
}
