//! Whatever comes in, the front goes on and answers what can be answered.

use super::*;
use proptest::prelude::*;

/// Pieces that garbage is made of: more of it gets through the framing than of plain bytes.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "<iq type='get' id='1' from='hall1@localhost/x' to='neerc.localhost'>",
            "</iq>",
            "<message",
            "<presence ",
            ">",
            "/>",
            " from='neerc@conference.localhost/hall1'",
            " from='neerc@conference.localhost'",
            " from='admin@localhost/x'",
            " to='neerc.localhost'",
            " type='error'",
            " type='unavailable'",
            " type='result' id='n4'",
            "</message>",
            "</presence>",
            "<x xmlns='http://jabber.org/protocol/muc#user'>",
            "</x>",
            "<item jid='a@localhost/b' affiliation='owner'/>",
            "<status code='110'/>",
            "<status code='303'/>",
            "<destroy/>",
            "<query xmlns='http://neerc.ifmo.ru/protocol/neerc#tasks'/>",
            "<task xmlns='http://neerc.ifmo.ru/protocol/neerc#task' title='x' type='todo'/>",
            "&#0;",
            "&lt;",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<?x?>",
            "\u{0}",
            "ы",
            "'",
            "\"",
            " ",
            "<a>",
            "</a>",
        ])
        .prop_map(str::to_owned),
        ".{0,8}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage_never_panics(pieces in prop::collection::vec(piece(), 0..60), chunk in 1_usize..50, wait_ms in 0_i64..100_000) {
        let mut bench = ready(Flavour::Prosody);
        for bytes in pieces.concat().as_bytes().chunks(chunk) {
            bench.hear(bytes);
        }
        bench.pass(wait_ms);
    }

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), chunk in 1_usize..50) {
        let mut bench = ready(Flavour::Ejabberd);
        for bytes in bytes.chunks(chunk) {
            bench.hear(bytes);
        }
    }

    #[test]
    fn whole_stanzas_of_garbage_end_nothing(payload in "[ -~ыЯ]{0,60}", kind in "[a-z]{0,6}", id in "[ -%(-;=-~]{0,20}", from in "[a-z@/.]{1,20}") {
        let mut bench = ready(Flavour::Prosody);
        let mut escaped = Vec::new();
        neerc_xmpp::xml::escape_attr(&mut escaped, &id);
        let id = String::from_utf8(escaped).unwrap();
        let mut text = Vec::new();
        neerc_xmpp::xml::escape_text(&mut text, &payload);
        let payload = String::from_utf8(text).unwrap();
        bench.hear(format!("<iq type='{kind}' id='{id}' from='{from}' to='neerc.localhost'><q>{payload}</q></iq>"));
        prop_assert!(bench.said().len() <= 1);
        prop_assert_eq!(bench.troubles(), Vec::<String>::new());
        let said = bench.on(&iq("get", HALL1, &query("ping")));
        prop_assert!(said[0].starts_with("<iq type='result'"), "{:?}", said);
    }
}
