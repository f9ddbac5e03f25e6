//! Fuzzes `neerc_fuzz::xmpp::stanza`; what is checked is said there.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| neerc_fuzz::xmpp::stanza::check(data));
