//! Plays what was kept of fuzzing the records on the stable compiler. Real fuzzing is in `fuzz/`, whose body is
//! included here so that this workspace does not depend on it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a finding is reported

#[path = "../../../fuzz/src/play.rs"]
mod play;
#[path = "../../../fuzz/src/record.rs"]
mod record;

#[test]
fn record_survives_its_corpus() {
    play::survives("record", record::check);
}
