//! Fuzzes the program's configuration; what is checked is said in `src/program/config.rs`.
#![no_main]

#[path = "../src/program/config.rs"]
mod check;
#[allow(dead_code)] // the program uses more of it
#[path = "../../crates/neerc/src/config.rs"]
mod config;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
