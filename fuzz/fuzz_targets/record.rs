//! Fuzzes the program's stored records; what is checked is said in `src/program/record.rs`.
#![no_main]

#[path = "../src/program/record.rs"]
mod check;
#[allow(dead_code)] // the program uses more of it
#[path = "../../crates/neerc-store/src/record.rs"]
mod record;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
