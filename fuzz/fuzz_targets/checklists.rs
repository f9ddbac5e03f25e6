//! Fuzzes `neerc_fuzz::checklists`; what is checked is said there.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| neerc_fuzz::checklists::check(data));
