//! Tests of the framer: whatever the stream holds, and wherever it is cut.

use proptest::prelude::*;

use super::*;

const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' id='1>2'>";
const SMALL: FrameLimits = FrameLimits { bytes: 40, depth: 3, head_bytes: 20 };

fn show(frame: Frame<'_>) -> String {
    let (word, bytes) = match frame {
        Frame::Open(bytes) => ("open", bytes),
        Frame::Stanza(bytes) => ("stanza", bytes),
        Frame::Skipped { head, why: Excess::Bytes } => ("long", head),
        Frame::Skipped { head, why: Excess::Depth } => ("deep", head),
        Frame::Close => ("close", &b""[..]),
    };
    format!("{word} {}", String::from_utf8_lossy(bytes))
}

/// Everything that comes out of the chunks: the frames, and the error that ended them.
fn run<'c>(limits: FrameLimits, chunks: impl IntoIterator<Item = &'c [u8]>) -> (Vec<String>, Option<FrameError>) {
    let mut framer = Framer::new(limits);
    let mut frames = Vec::new();
    for chunk in chunks {
        framer.push(chunk);
        loop {
            match framer.next_frame() {
                Ok(Some(frame)) => frames.push(show(frame)),
                Ok(None) => break,
                Err(error) => {
                    framer.push(b"<a/>");
                    assert_eq!(framer.next_frame(), Err(error), "an error is final");
                    return (frames, Some(error));
                }
            }
        }
        assert!(framer.buffer.len() <= framer.limits.bytes, "kept {} bytes", framer.buffer.len());
    }
    (frames, None)
}

fn both_ways(limits: FrameLimits, stream: &[u8]) -> (Vec<String>, Option<FrameError>) {
    let whole = run(limits, [stream]);
    let bytewise = run(limits, stream.chunks(1));
    assert_eq!(whole.0, bytewise.0, "whole and one byte at a time");
    assert_eq!(whole.1.is_some(), bytewise.1.is_some(), "{:?} {:?}", whole.1, bytewise.1);
    whole
}

/// Frames after the stream header, within limits of 40 bytes, 3 levels and heads of 20 bytes.
#[track_caller]
fn check(script: &str, expect: &[&str]) {
    let header = "<s:s a='b'>";
    let (frames, error) = both_ways(SMALL, format!("{header}{script}").as_bytes());
    assert_eq!(error, None);
    assert_eq!(frames[0], format!("open {header}"));
    assert_eq!(frames[1..], *expect, "{script}");
}

#[track_caller]
fn check_error(stream: &str, frames: usize, expect: &str) {
    let (found, error) = both_ways(SMALL, stream.as_bytes());
    assert_eq!(error, run(SMALL, stream.as_bytes().chunks(1)).1, "the place does not depend on the split");
    assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(expect), "{stream}");
    assert_eq!(found.len(), frames);
}

#[test]
fn stanzas_of_every_shape() {
    check("<a/>", &["stanza <a/>"]);
    check("<a></a>", &["stanza <a></a>"]);
    check("<a/><b/>\n<c> </c >", &["stanza <a/>", "stanza <b/>", "stanza <c> </c >"]);
    check("<a><b/><c>t</c></a><d", &["stanza <a><b/><c>t</c></a>"]);
    check("<a x='>' y=\"/>'\"/>", &["stanza <a x='>' y=\"/>'\"/>"]);
    check("<a x='</a>'>\"'></a>", &["stanza <a x='</a>'>\"'></a>"]);
    check("<a x=/ ></a><b x='/'></b>", &["stanza <a x=/ ></a>", "stanza <b x='/'></b>"]);
    check("<a><a><a/></a></a>", &["stanza <a><a><a/></a></a>"]);
    check("<a><b></a></b><c/>", &["stanza <a><b></a></b>", "stanza <c/>"]);
}

#[test]
fn markup_inside_a_stanza_does_not_confuse_it() {
    check("<a><!-- > </a> ' -- -></a>--></a>", &["stanza <a><!-- > </a> ' -- -></a>--></a>"]);
    check("<a><!--></a>--></a>", &["stanza <a><!--></a>--></a>"]);
    check("<a><!--a---></a>", &["stanza <a><!--a---></a>"]);
    check("<a><![CDATA[</a>]]&]]]></a>", &["stanza <a><![CDATA[</a>]]&]]]></a>"]);
    check("<a><![CDATA[]]></a>", &["stanza <a><![CDATA[]]></a>"]);
    check("<a><?p </a> ' > ??></a>", &["stanza <a><?p </a> ' > ??></a>"]);
    check("<a><!D [<!E '</a>'>] ></a>", &["stanza <a><!D [<!E '</a>'>] ></a>"]);
    check("<a><!D [<!--'>--><?'>?>]></a>", &["stanza <a><!D [<!--'>--><?'>?>]></a>"]);
    check("<a><![CDA[ x><![C></a>", &["stanza <a><![CDA[ x><![C></a>"]);
    check("<a><!></a><b/>", &["stanza <a><!></a>", "stanza <b/>"]);
}

#[test]
fn whatever_stands_between_stanzas_is_dropped() {
    check(" \t\r\n <a/>   ", &["stanza <a/>"]);
    check("text & <a/>text]]>", &["stanza <a/>"]);
    check("<!-- <b/> --><a/><!-- ", &["stanza <a/>"]);
    check("<?xml version='1.0'?><a/>", &["stanza <a/>"]);
    check("<![CDATA[<b/>]]><a/>", &["stanza <a/>"]);
    check("<!DOCTYPE x [<!ENTITY y '<b/>'>]><a/>", &["stanza <a/>"]);
    let long = " x".repeat(100);
    check(&format!("{long}<!--{long}--><?{long}?><!D [<!E '{long}'><e{long}>{long}]><a/>"), &["stanza <a/>"]);
    let declaration = format!("<s><!D [{long}<");
    let (frames, error) = run(SMALL, [declaration.as_bytes(), b"e>]><a/>"]);
    assert_eq!((frames[1..].join(","), error), ("stanza <a/>".to_owned(), None));
}

#[test]
fn limits_exactly_at_the_boundary() {
    let stanza = |len: usize| format!("<a>{}</a>", "x".repeat(len - 7));
    check(&stanza(40), &[&format!("stanza {}", stanza(40))]);
    check(&format!("{}<b/>", stanza(41)), &["long <a>", "stanza <b/>"]);
    let empty = |len: usize| format!("<a x='{}'/>", "x".repeat(len - 9));
    check(&empty(40), &[&format!("stanza {}", empty(40))]);
    check(&format!("{}<b/>", empty(41)), &["long ", "stanza <b/>"]);
    check("<a><b><c></c></b></a>", &["stanza <a><b><c></c></b></a>"]);
    check("<a><b><c/></b></a>", &["stanza <a><b><c/></b></a>"]);
    check("<a><b><c><d/></c></b></a><e/>", &["deep <a>", "stanza <e/>"]);
    check("<a><b><c><d></d></c></b></a><e/>", &["deep <a>", "stanza <e/>"]);
}

#[test]
fn the_head_of_a_skipped_stanza_is_kept_up_to_its_limit() {
    let deep = "<b><c><d><e/></d></c></b>";
    check(&format!("<a x='34567890123'>{deep}</a>"), &["deep <a x='34567890123'>"]);
    check(&format!("<a x='345678901234'>{deep}</a>"), &["deep <a x='345678901234'>"]);
    check(&format!("<a x='3456789012345'>{deep}</a>"), &["deep "]);
    let long = "x".repeat(50);
    check(&format!("<a x='>'>{long}</a><b/>"), &["long <a x='>'>", "stanza <b/>"]);
    check(&format!("<a x='{long}'>t</a><b/>"), &["long ", "stanza <b/>"]);
    check(&format!("<b/><a x='{long}'>t</a>"), &["stanza <b/>", "long "]);
    let no_longer_than_a_stanza = FrameLimits { head_bytes: 100, ..SMALL };
    let (frames, _) = both_ways(no_longer_than_a_stanza, format!("<s><a x='{long}'>t</a>").as_bytes());
    assert_eq!(frames[1..], ["long "]);
    check(&format!("<a><b>{long}<c><d/></c></b></a>"), &["long <a>"]);
    check(&format!("<a><b><c><d/></c>{long}</b></a>"), &["deep <a>"]);
    check(&format!("<a>{long}</a><b>{long}</b>"), &["long <a>", "long <b>"]);
    check(&format!("<a><!--{long}</a>--><![CDATA[</a>]]><?</a>?></a><b/>"), &["long <a>", "stanza <b/>"]);
}

#[test]
fn opening_and_closing() {
    let (frames, error) = both_ways(FrameLimits::default(), format!(" {HEADER} </stream:stream\n><a/>").as_bytes());
    assert_eq!((frames.len(), error), (2, None));
    assert_eq!(frames[0], "open <stream:stream xmlns='jabber:component:accept' id='1>2'>");
    assert_eq!(frames[1], "close ");
    check("<a/></s:s>garbage</s:s>", &["stanza <a/>", "close "]);
    let doctype = "<!-- <x> --><!DOCTYPE x [<!ENTITY y '<x>'>]><s>";
    assert_eq!(both_ways(SMALL, doctype.as_bytes()), (vec!["open <s>".to_owned()], None));
    assert_eq!(both_ways(SMALL, b""), (vec![], None));
}

#[test]
fn what_cannot_be_framed_is_an_error_with_its_place() {
    check_error(" HTTP/1.1 400", 0, "text before the stream header at byte 1: not an xmpp stream");
    check_error(" </s>", 0, "end tag at byte 1 closes no open element");
    check_error("<s> <a/></a><b/>", 2, "end tag at byte 8 closes no open element");
    check_error("<s><a <b>", 1, "'<' inside a tag at byte 6");
    check_error("<s><a></a<b/>", 1, "'<' inside a tag at byte 9");
    check_error("<s <b>", 0, "'<' inside a tag at byte 3");
    check_error(" <s/>", 0, "stream header at byte 1 closes the stream at once");
    let long = "x".repeat(40);
    check_error(&format!("  <{long}>"), 0, "tag of the stream itself at byte 2 is longer than 40 bytes");
    check_error(&format!("<s></s{long}>"), 1, "tag of the stream itself at byte 3 is longer than 40 bytes");
}

#[test]
fn five_thousand_nested_elements_do_not_end_the_stream() {
    for levels in [33, 5_000, 100_000] {
        let stream = format!("{HEADER}<m from='a'>{}{}</m><b/>", "<x>".repeat(levels), "</x>".repeat(levels));
        let (frames, error) = both_ways(FrameLimits::default(), stream.as_bytes());
        assert_eq!(error, None);
        assert_eq!(frames[1..], ["deep <m from='a'>", "stanza <b/>"]);
    }
}

#[test]
fn a_long_stanza_is_let_through_by_its_start_tag() {
    let long = |name: &str, len: usize| format!("<{name}>{}</{name}>", "x".repeat(len - 7));
    let stream = [long("a", 60), long("b", 60), long("a", 80), long("a", 81), long("a", 40)].concat();
    for size in [1, 7, 1_000] {
        let mut framer = Framer::new(SMALL);
        framer.push(b"<s>");
        let mut frames = Vec::new();
        for chunk in stream.as_bytes().chunks(size) {
            framer.push(chunk);
            let longest = |head: &[u8]| if head == b"<a>" { 80 } else { 0 };
            while let Ok(Some(frame)) = framer.next_frame_within(longest) {
                frames.push(show(frame));
            }
            assert!(framer.buffer.len() <= 80.max(size), "kept {} bytes", framer.buffer.len());
        }
        let stanza = |len| format!("stanza {}", long("a", len));
        assert_eq!(frames[1..], [stanza(60), "long <b>".to_owned(), stanza(80), "long <a>".to_owned(), stanza(40)]);
    }
}

#[test]
fn a_long_stanza_leaves_no_memory_behind() {
    let limits = FrameLimits { bytes: 1_024, ..SMALL };
    let mut framer = Framer::new(limits);
    framer.push(format!("<s><a>{}</a>", "x".repeat(1 << 20)).as_bytes());
    while let Ok(Some(_)) = framer.next_frame_within(|_| 4 << 20) {}
    assert!(framer.buffer.capacity() <= 4 * limits.bytes, "{} bytes", framer.buffer.capacity());
}

#[test]
fn large_and_many_attributes() {
    for len in [9_000, 60_000] {
        let stanza = format!("<m x='{}'/>", "<>".repeat(len / 2));
        let (frames, error) = both_ways(FrameLimits::default(), format!("{HEADER}{stanza}<b/>").as_bytes());
        assert_eq!(error, None);
        assert_eq!(frames[1..], [format!("stanza {stanza}"), "stanza <b/>".to_owned()]);
    }
    let many: String = (0..100_000).map(|n| format!(" a{n}=''")).collect();
    let (frames, _) = both_ways(FrameLimits::default(), format!("{HEADER}<m{many}/><b/>").as_bytes());
    assert_eq!(frames[1..], ["long ", "stanza <b/>"]);
}

#[test]
fn memory_stays_bounded() {
    const PUSH: usize = 64 * 1024;
    let limits = FrameLimits::default();
    let bound = 2 * (limits.bytes + PUSH); // a Vec grows by doubling
    for filler in [&b"x"[..], b"<x>", b"<x/>", b"<!--", b"<x a='"] {
        for before in [&b"<m>"[..], b"<m", b"", b"<!--", b"<m><![CDATA["] {
            let mut framer = Framer::new(limits);
            framer.push(HEADER.as_bytes());
            framer.push(before);
            let chunk = filler.repeat(PUSH / filler.len());
            for _ in 0..(50 << 20) / PUSH / 16 {
                framer.push(&chunk);
                while let Ok(Some(_)) = framer.next_frame() {}
                assert!(framer.buffer.capacity() <= bound, "{} bytes", framer.buffer.capacity());
            }
            assert!(framer.head.capacity() <= 2 * limits.head_bytes);
        }
    }
    let mut framer = Framer::new(limits);
    framer.push(format!("{HEADER}<m>").as_bytes());
    while let Ok(Some(_)) = framer.next_frame() {}
    for _ in 0..(50 << 20) / PUSH {
        framer.push(&vec![b'x'; PUSH]);
        assert_eq!(framer.next_frame(), Ok(None));
        assert!(framer.buffer.capacity() <= bound);
    }
    framer.push(b"</m><a/>");
    assert_eq!(framer.next_frame().map(|frame| frame.map(show)), Ok(Some("long <m>".to_owned())));
    assert_eq!(framer.next_frame().map(|frame| frame.map(show)), Ok(Some("stanza <a/>".to_owned())));
}

#[test]
fn taking_one_frame_a_push_loses_nothing_and_keeps_little() {
    let mut framer = Framer::new(SMALL);
    framer.push(b"<s>");
    let mut taken = 0;
    for _ in 0..1_000 {
        framer.push(b"<a/>");
        taken += usize::from(matches!(framer.next_frame(), Ok(Some(_))));
    }
    assert_eq!(taken, 1_000);
    assert!(framer.buffer.len() < 16);
}

const PIECES: [&str; 38] = [
    "<",
    ">",
    "/",
    "'",
    "\"",
    "!",
    "-",
    "--",
    "[",
    "]",
    "]]",
    "?",
    "a",
    "=",
    "&",
    " ",
    "й",
    "<a>",
    "<b/>",
    "</a>",
    "</s>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    "?>",
    "<!DOCTYPE ",
    "<m x='1'>",
    "</m>",
    "<i x=\"'>\"/>",
    "<x><x><x>",
    "<x><x><x><x>",
    "</x></x></x>",
    "</x></x></x></x>",
    "0123456789",
    "01234567890123456789",
    "0123456789012345678901234567890123456789",
];

proptest! {
    #[test]
    fn any_split_gives_the_same_frames(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40),
        cuts in prop::collection::vec(1_usize..20, 1..60),
        header in prop::sample::select(vec!["<s>", "<?xml?><s a='>'>", ""]),
    ) {
        let stream = format!("{header}{}", pieces.concat());
        let whole = both_ways(SMALL, stream.as_bytes());
        let mut rest = stream.as_bytes();
        let mut chunks = Vec::new();
        for cut in cuts.into_iter().cycle() {
            let (chunk, after) = rest.split_at(cut.min(rest.len()));
            chunks.push(chunk);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let split = run(SMALL, chunks);
        prop_assert_eq!(whole.0, split.0);
        prop_assert_eq!(whole.1.is_some(), split.1.is_some());
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        both_ways(SMALL, &[b"<s>", &bytes[..]].concat());
    }
}
