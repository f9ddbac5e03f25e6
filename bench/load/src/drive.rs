//! Driving a component: closed loops with a fixed number of requests under way, open loops with a fixed rate; and what
//! came of it.

use crate::Outcome;
use crate::contest::Cycle;
use crate::link::{Link, Seen, send};
use crate::process::Process;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What to count where reads are asked for.
pub const READS: [&str; 4] = ["~r", "", "", "<error "];
/// What to count where lists are asked for, each of which counts once it is whole.
pub const LISTS: [&str; 4] = ["</query></iq>", "", "", ""];
/// What to count where changes are asked for.
pub const WRITES: [&str; 4] = ["~w", "", "</message>", "<error "];
/// What to count where both are.
pub const BOTH: [&str; 4] = ["~w", "~r", "</message>", "<error "];

/// Latencies, to 3 %.
#[derive(Clone)]
pub struct Latencies {
    buckets: Vec<u64>,
    total: u64,
}

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies { buckets: vec![0; 64 * 32], total: 0 }
    }
}

impl Latencies {
    /// Notes so many of one latency.
    pub fn add(&mut self, latency: Duration, count: u64) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(32);
        let shift = 58 - ns.leading_zeros();
        let index = (shift as usize) * 32 + ((ns >> shift) & 31) as usize;
        self.buckets[index] += count;
        self.total += count;
    }

    /// The latency that this part of all does not exceed, in ms.
    pub fn ms(&self, part: f64) -> f64 {
        let rank = (part * self.total as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            below += count;
            if below >= rank {
                let (shift, low) = (index / 32, (index % 32) as u64);
                return ((32 + low) << shift) as f64 / 1e6;
            }
        }
        0.0
    }

    /// Adds those of another.
    pub fn merge(&mut self, other: &Latencies) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(mine, theirs)| *mine += theirs);
        self.total += other.total;
    }
}

/// What came of one measurement.
#[derive(Clone, Default)]
pub struct Measured {
    /// Replies counted.
    pub replies: u64,
    /// Reads that brought any of them: one or more batches each.
    pub bursts: u64,
    /// Notifications counted, where that was asked for.
    pub messages: u64,
    /// Bytes read.
    pub bytes: u64,
    /// From the first request to the last reply.
    pub seconds: f64,
    /// Latencies of the replies; in an open loop, of the writes.
    pub latencies: Latencies,
    /// Latencies of the reads of an open loop.
    pub read_latencies: Latencies,
    /// Processor time of the component.
    pub cpu: Duration,
    /// Memory of the component, in MB.
    pub rss_mb: f64,
}

impl Measured {
    /// Replies per second.
    pub fn rate(&self) -> f64 {
        self.replies as f64 / self.seconds
    }

    /// Processor time per reply, in µs.
    pub fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.replies.max(1) as f64
    }

    /// Bytes and processor time in seconds.
    pub fn cost(&self) -> (f64, f64) {
        (self.bytes as f64, self.cpu.as_secs_f64())
    }

    /// Latency, processor time and memory in words.
    pub fn words(&self) -> String {
        let (p50, p99) = (self.latencies.ms(0.5), self.latencies.ms(0.99));
        format!("p50 {p50:.2} p99 {p99:.2} ms, {:.2} µs CPU each, {:.0} MB", self.cpu_us(), self.rss_mb)
    }

    fn note(&mut self, seen: &Seen) -> Outcome<()> {
        if seen.counts[3] > 0 {
            return Err("the component refuses what it is asked for".into());
        }
        self.replies += seen.counts[0] as u64;
        self.bursts += u64::from(seen.counts[0] > 0);
        self.messages += seen.counts[2] as u64;
        self.bytes += seen.bytes as u64;
        Ok(())
    }
}

fn send_next(link: &mut Link, cycle: &mut Cycle, mut count: usize) -> Outcome<()> {
    while count > 0 {
        let (bytes, taken) = cycle.take(count);
        link.send(bytes)?;
        count -= taken;
    }
    Ok(())
}

/// Keeps `window` requests under way for that long, then waits for the last replies. Replies come in the order of the
/// requests. The link must count one of the above.
pub fn closed(link: &mut Link, of: &Process, cycle: &mut Cycle, window: usize, time: Duration) -> Outcome<Measured> {
    let mut measured = Measured::default();
    let cpu = of.cpu();
    let start = Instant::now();
    let end = start + time;
    let mut under_way: VecDeque<(usize, Instant)> = VecDeque::from([(window, start)]);
    let mut outstanding = window;
    send_next(link, cycle, window)?;
    while outstanding > 0 {
        let seen = link.read()?;
        measured.note(&seen)?;
        let now = Instant::now();
        let mut answered = seen.counts[0];
        outstanding = outstanding.checked_sub(answered).ok_or("more replies than requests")?;
        let news = answered;
        while answered > 0 {
            let Some((count, sent)) = under_way.front_mut() else { break };
            let part = answered.min(*count);
            measured.latencies.add(now - *sent, part as u64);
            *count -= part;
            answered -= part;
            if *count == 0 {
                under_way.pop_front();
            }
        }
        if news > 0 && now < end {
            under_way.push_back((news, now));
            outstanding += news;
            send_next(link, cycle, news)?;
        }
    }
    measured.seconds = start.elapsed().as_secs_f64();
    measured.cpu = of.cpu() - cpu;
    measured.rss_mb = of.rss_mb();
    Ok(measured)
}

/// Sends `rate` requests per second for that long, whatever the component does; latencies count from when a request
/// was due. Reads and writes may overtake each other. The link must count writes first, reads second.
pub fn open(link: &mut Link, of: &Process, cycle: &mut Cycle, rate: f64, time: Duration) -> Outcome<Measured> {
    let mut measured = Measured::default();
    let kinds = cycle.kinds();
    let places = |reads: bool| -> Vec<usize> { (0..kinds.len()).filter(|at| kinds[*at] == reads).collect() };
    let places = [places(false), places(true)];
    let total = (rate * time.as_secs_f64()) as usize;
    let cpu = of.cpu();
    let writer = link.writer();
    let start = Instant::now();
    std::thread::scope(|scope| -> Outcome<()> {
        let sender = scope.spawn(move || -> Result<(), String> {
            let mut sent = 0;
            while sent < total {
                let due = ((start.elapsed().as_secs_f64() * rate) as usize + 1).min(total);
                while sent < due {
                    let (bytes, count) = cycle.take(due - sent);
                    send(&writer, bytes).map_err(|error| error.to_string())?;
                    sent += count;
                }
                std::thread::sleep(Duration::from_micros(150));
            }
            Ok(())
        });
        let mut answered = [0_usize; 2];
        while answered[0] + answered[1] < total {
            let seen = link.read()?;
            measured.note(&seen)?;
            let now = Instant::now();
            for (class, latencies) in [&mut measured.latencies, &mut measured.read_latencies].into_iter().enumerate() {
                for _ in 0..seen.counts[class] {
                    let (turn, place) = (answered[class] / places[class].len(), answered[class] % places[class].len());
                    let index = turn * kinds.len() + places[class][place];
                    let due = start + Duration::from_secs_f64(index as f64 / rate);
                    latencies.add(now.saturating_duration_since(due), 1);
                    answered[class] += 1;
                }
            }
        }
        measured.replies = total as u64;
        sender.join().map_err(|_| "the sender panicked")??;
        Ok(())
    })?;
    measured.seconds = start.elapsed().as_secs_f64();
    measured.cpu = of.cpu() - cpu;
    measured.rss_mb = of.rss_mb();
    Ok(measured)
}
