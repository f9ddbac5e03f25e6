//! Plays what was kept of fuzzing on the stable compiler. Real fuzzing is in `fuzz/`, whose bodies are included here so
//! that this workspace does not depend on it. The targets of the program itself are played by its own tests.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a finding is reported

#[path = "../../../fuzz/src/play.rs"]
mod play;
#[path = "../../../fuzz/src/xmpp/mod.rs"]
mod targets;

#[test]
fn frame_survives_its_corpus() {
    play::survives("frame", targets::frame::check);
}

#[test]
fn stanza_survives_its_corpus() {
    play::survives("stanza", targets::stanza::check);
}

#[test]
fn wire_survives_its_corpus() {
    play::survives("wire", targets::wire::check);
}

#[test]
fn front_survives_its_corpus() {
    play::survives("front", targets::front::check);
}

#[test]
fn muc_survives_its_corpus() {
    play::survives("muc", targets::muc::check);
}

#[test]
fn line_survives_its_corpus() {
    play::survives("line", targets::line::check);
}
