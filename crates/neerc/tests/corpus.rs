//! Plays what was kept of fuzzing on the stable compiler. Real fuzzing is done by the targets in `fuzz/`.

use neerc_fuzz::{checklists, clock, config, record, time, xmpp};
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
fn checklists_survive_their_corpus() {
    play::survives("checklists", checklists::check);
}

#[test]
fn config_survives_its_corpus() {
    play::survives("config", config::check);
}

#[test]
fn clock_survives_its_corpus() {
    play::survives("clock", clock::check);
}

#[test]
fn time_survives_its_corpus() {
    play::survives("time", time::check);
}

/// How lines begin.
const HEADS: &str = "@todo @todo @todo: @okfail @вопрос create done Done. готово fail fail нет answer ответ ok undo start \
                     assign assign unassign reset rename remove now unplan show 1 2. №3";

/// What stands where numbers, names and moments stand, and what only looks so.
const WORDS: &str = "1 2 3 3. (3) №3 № # #2 task no. задача 3: 2, 1,2 1-3 3? 4x4 14:30 14:30! 10% +5 -60! end end-60! end—60 \
                     start start+15 in 5 minutes через минут min hall1 hall1 hall2 hall2: hall1, halls halls hall99 hal1 \
                     @hall2 зал1 Верхний admin and и & , : - \u{200b} water Вода \" 👍 todo done";

/// One of the words of a text.
fn one_of(words: &'static str) -> impl proptest::strategy::Strategy<Value = &'static str> {
    proptest::sample::select(words.split_whitespace().collect::<Vec<_>>())
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        cases: 8192, failure_persistence: None, ..proptest::prelude::ProptestConfig::default()
    })]

    #[test]
    fn nothing_in_a_line_that_changes_something_goes_unheard(
        who in 0u8..5,
        head in one_of(HEADS),
        words in proptest::collection::vec(one_of(WORDS), 0..6),
    ) {
        let mut line = vec![who];
        line.extend_from_slice(format!("{head} {}", words.join(" ")).as_bytes());
        xmpp::line::check(&line);
    }
}
