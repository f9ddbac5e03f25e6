//! The machine that everything runs on, and how much its speed varies meanwhile: what no figure of the table can be more
//! exact than.

use crate::Outcome;
use crate::process::folder;
use crate::table::{median, number};
use std::fs::{self, File};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::time::Instant;

/// Bytes written before each sync, as a small commit.
const SYNCED_BYTES: usize = 8 * 1024;

/// How long each of twenty syncs takes, in ms, for about 3 to 200 ms.
pub fn syncs() -> Outcome<Vec<f64>> {
    let path = folder("sync")?.join("file");
    let file = File::create(&path)?;
    let bytes = [1; SYNCED_BYTES];
    file.write_all_at(&vec![0; 20 * SYNCED_BYTES], 0)?;
    file.sync_all()?;
    let sync = |n: u64| {
        let start = Instant::now();
        file.write_all_at(&bytes, n * SYNCED_BYTES as u64)?;
        file.sync_data()?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    };
    (0..20).map(sync).collect()
}

/// The processor as it names itself; where that says little, as in many virtual machines, with its family and model.
fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name));
        line.and_then(|line| line.split(':').nth(1)).map(str::trim).unwrap_or_default()
    };
    format!("{} (family {}, model {})", field("model name"), field("cpu family"), field("model"))
}

/// Samples of how fast the machine is, taken between the pieces.
#[derive(Default)]
pub struct Machine {
    /// Time of a fixed loop of arithmetic, in ms.
    loops: Vec<f64>,
    /// Time of a sync, in ms.
    syncs: Vec<f64>,
}

impl Machine {
    /// Takes samples, for about 150 ms.
    pub fn sample(&mut self) -> Outcome<()> {
        for _ in 0..5 {
            let start = Instant::now();
            black_box(
                (0..10_000_000_u64).fold(1, |sum: u64, n| black_box(sum.wrapping_mul(6_364_136_223_846_793_005) ^ n)),
            );
            self.loops.push(start.elapsed().as_secs_f64() * 1e3);
        }
        self.syncs.extend(syncs()?);
        Ok(())
    }

    /// One line on the machine, one on its noise.
    pub fn words(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let spread = |values: &[f64]| {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(0.0, f64::max);
            format!("{} ms in the middle, {}..{}", number(median(values)), number(least), number(most))
        };
        format!(
            "machine: {cores} cores, {}, Linux {}\nits noise: a fixed loop took {}; a sync of 8 KB {}\n",
            processor(),
            kernel.trim(),
            spread(&self.loops),
            spread(&self.syncs)
        )
    }
}
