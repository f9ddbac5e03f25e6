//! Fuzzes `neerc_fuzz::clock`; what is checked is said there.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| neerc_fuzz::clock::check(data));
