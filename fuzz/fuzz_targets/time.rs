//! Fuzzes `neerc_fuzz::time`; what is checked is said there.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| neerc_fuzz::time::check(data));
