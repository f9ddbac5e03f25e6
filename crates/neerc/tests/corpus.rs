//! Plays what was kept of fuzzing on the stable compiler. Real fuzzing is done by the targets in `fuzz/`.

use neerc_fuzz::{config, record, xmpp};
use neerc_testing::play;

#[test]
fn frame_survives_its_corpus() {
    play::survives("frame", xmpp::frame::check);
}

#[test]
fn stanza_survives_its_corpus() {
    play::survives("stanza", xmpp::stanza::check);
}

#[test]
fn wire_survives_its_corpus() {
    play::survives("wire", xmpp::wire::check);
}

#[test]
fn front_survives_its_corpus() {
    play::survives("front", xmpp::front::check);
}

#[test]
fn muc_survives_its_corpus() {
    play::survives("muc", xmpp::muc::check);
}

#[test]
fn line_survives_its_corpus() {
    play::survives("line", xmpp::line::check);
}

#[test]
fn record_survives_its_corpus() {
    play::survives("record", record::check);
}

#[test]
fn config_survives_its_corpus() {
    play::survives("config", config::check);
}

/// Words that lines are made of, and some that only look so.
const WORDS: [&str; 76] = [
    "@todo",
    "@todo:",
    "@okfail",
    "@вопрос",
    "create todo",
    "done",
    "Done.",
    "готово",
    "fail",
    "нет",
    "answer",
    "ответ",
    "ok",
    "undo",
    "start",
    "assign",
    "unassign",
    "reset",
    "rename",
    "remove",
    "now",
    "unplan",
    "show",
    "1",
    "2",
    "3",
    "3.",
    "(3)",
    "№3",
    "№",
    "#",
    "#2",
    "task",
    "no.",
    "задача",
    "3:",
    "2,",
    "1,2",
    "1-3",
    "3?",
    "4x4",
    "14:30",
    "14:30!",
    "10%",
    "+5",
    "-60!",
    "end",
    "end-60!",
    "end—60",
    "end -",
    "start+15",
    "in 5 minutes",
    "через 5 минут",
    "min",
    "hall1",
    "hall2:",
    "hall1,",
    "halls",
    "hall99",
    "hal1",
    "@hall2",
    "зал1",
    "Верхний",
    "admin",
    "and",
    "и",
    "&",
    ",",
    ":",
    "-",
    "\u{200b}",
    "\u{a0}",
    "water",
    "Вода",
    "\"",
    "👍",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        cases: 4096, failure_persistence: None, ..proptest::prelude::ProptestConfig::default()
    })]

    #[test]
    fn nothing_in_a_line_that_changes_something_goes_unheard(
        who in 0u8..5,
        words in proptest::collection::vec(proptest::sample::select(&WORDS[..]), 1..8),
    ) {
        let mut line = vec![who];
        line.extend_from_slice(words.join(" ").as_bytes());
        xmpp::line::check(&line);
    }
}
