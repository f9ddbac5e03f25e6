//! Plays what was kept of fuzzing the configuration on the stable compiler. Real fuzzing is in `fuzz/`, whose body is
//! included here so that this workspace does not depend on it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a finding is reported

#[path = "../../../fuzz/src/config.rs"]
mod config;
#[path = "../../../fuzz/src/play.rs"]
mod play;

#[test]
fn config_survives_its_corpus() {
    play::survives("config", config::check);
}
