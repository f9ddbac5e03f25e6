//! How much the tests of a promise try, and where they report it. `make test` runs each in a short form; `make trust`
//! sets `NEERC_TRUST` to a file, so they run in the long one, and prints a table of what they appended to it.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

/// How often to try: `short` in `make test`, `long` in `make trust`.
pub fn times(short: usize, long: usize) -> usize {
    if env::var_os("NEERC_TRUST").is_some() { long } else { short }
}

/// One row of the table of `make trust`: the promise (`P1` to `P6` of doc/trust.md), what was tried, how often, and
/// what came of it ("0 answered changes lost, 0 half-applied"). Nothing in `make test`.
pub fn report(promise: &str, tried: &str, times: usize, outcome: &str) {
    let Some(file) = env::var_os("NEERC_TRUST") else { return };
    let mut file = OpenOptions::new().create(true).append(true).open(file).expect("the file NEERC_TRUST names");
    let row = format!("{promise}\t{tried}\t{times}\t{outcome}\n"); // one write, so that processes do not mix
    file.write_all(row.as_bytes()).expect("a row for the table of make trust");
}
