//! Any bytes in any split: the framer never panics, cuts the same however the bytes come, and agrees on the stanzas
//! with a parser that sees all of them at once.
//!
//! The first byte chooses the limits, the second where the bytes are split; the rest is the stream.

use neerc_xmpp::frame::{Frame, FrameLimits, Framer};
use quick_xml::Reader;
use quick_xml::events::Event;

/// A frame that outlives the framer's buffer.
#[derive(Debug, PartialEq, Eq)]
enum Cut {
    Open(Vec<u8>),
    Stanza(Vec<u8>),
    Skipped(Vec<u8>),
    Close,
}

/// Checks one input.
pub fn check(data: &[u8]) {
    let [limits, split, stream @ ..] = data else { return };
    let limits = match limits % 3 {
        0 => FrameLimits { bytes: 48, depth: 3, head_bytes: 24 },
        1 => FrameLimits { bytes: 300, depth: 5, head_bytes: 300 },
        _ => FrameLimits::default(),
    };
    let whole = run(limits, [stream]);
    let mut rest = stream;
    let mut step = u64::from(*split) + 1;
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        step = step.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let len = (1 + (step >> 33) as usize % (1 + usize::from(*split))).min(rest.len());
        let (chunk, after) = rest.split_at(len);
        chunks.push(chunk);
        rest = after;
    }
    let pieces = run(limits, chunks);
    assert_eq!(whole, pieces, "whole and in pieces");
    agrees(limits, stream, &whole);
}

/// What is cut out of the chunks, and whether the framer gave up.
fn run<'c>(limits: FrameLimits, chunks: impl IntoIterator<Item = &'c [u8]>) -> (Vec<Cut>, bool) {
    let mut framer = Framer::new(limits);
    let mut cuts = Vec::new();
    for chunk in chunks {
        framer.push(chunk);
        loop {
            match framer.next_frame() {
                Ok(None) => break,
                Err(_) => return (cuts, true),
                Ok(Some(Frame::Open(bytes))) => cuts.push(Cut::Open(bytes.to_vec())),
                Ok(Some(Frame::Close)) => cuts.push(Cut::Close),
                Ok(Some(Frame::Stanza(bytes))) => {
                    assert!(bytes.len() <= limits.bytes, "a stanza over the limit");
                    assert!(bytes.starts_with(b"<") && bytes.ends_with(b">"));
                    cuts.push(Cut::Stanza(bytes.to_vec()));
                }
                Ok(Some(Frame::Skipped { head, .. })) => {
                    assert!(head.len() <= limits.head_bytes, "a head over the limit");
                    cuts.push(Cut::Skipped(head.to_vec()));
                }
            }
        }
    }
    (cuts, false)
}

/// Compares with what quick-xml finds in the whole stream, up to where it is well-formed.
fn agrees(limits: FrameLimits, stream: &[u8], (cuts, failed): &(Vec<Cut>, bool)) {
    let (expected, complete) = reference(limits, stream);
    let common = expected.len().min(cuts.len());
    assert_eq!(expected[..common], cuts[..common], "the parser and the framer");
    assert!(cuts.len() >= expected.len(), "the framer missed {:?}", &expected[common..]);
    if complete {
        assert_eq!(expected.len(), cuts.len(), "the framer found more");
        assert!(!failed, "the framer gave up on well-formed input");
    }
}

/// The cuts up to where the stream is no longer well-formed in the parts of XML that a server may send, and whether
/// that was its end.
fn reference(limits: FrameLimits, stream: &[u8]) -> (Vec<Cut>, bool) {
    let mut reader = Reader::from_reader(stream);
    let mut cuts = Vec::new();
    let (mut from, mut depth, mut deepest, mut start, mut head) = (0, 0_usize, 0, 0, 0);
    if stream.starts_with(b"\xef\xbb\xbf") {
        return (cuts, false);
    }
    loop {
        let Ok(event) = reader.read_event() else { return (cuts, false) };
        let to = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let raw = &stream[from..to];
        let empty = matches!(event, Event::Empty(_));
        match event {
            Event::Eof => return (cuts, raw.is_empty() && from == stream.len()),
            Event::Start(_) | Event::Empty(_) => {
                if !is_tag(raw) || !is_legal(raw) || (depth == 0 && (empty || raw.len() > limits.bytes)) {
                    return (cuts, false);
                }
                depth += 1;
                match depth {
                    1 => cuts.push(Cut::Open(raw.to_vec())),
                    2 => (start, head, deepest) = (from, raw.len(), 1),
                    _ => deepest = deepest.max(depth - 1),
                }
                depth -= usize::from(empty);
            }
            Event::End(_) => {
                if raw.iter().filter(|byte| **byte == b'<').count() != 1 || !is_legal(raw) {
                    return (cuts, false);
                }
                depth -= 1;
                if depth == 0 {
                    if raw.len() > limits.bytes {
                        return (cuts, false);
                    }
                    cuts.push(Cut::Close);
                    return (cuts, true);
                }
            }
            Event::DocType(_) => return (cuts, false),
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) if depth == 0 => {
                if !raw.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
                    return (cuts, false);
                }
            }
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {}
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
        }
        if depth == 1 && start > 0 {
            let stanza = &stream[start..to];
            let long = stanza.len() > limits.bytes || deepest > limits.depth;
            let head = if head > limits.head_bytes { &[] } else { &stanza[..head] };
            cuts.push(if long { Cut::Skipped(head.to_vec()) } else { Cut::Stanza(stanza.to_vec()) });
            start = 0;
        }
        from = to;
    }
}

/// Whether a start tag has no `<` outside of its quotes, which quick-xml does not mind.
fn is_tag(raw: &[u8]) -> bool {
    let mut quote = None;
    for byte in raw.get(1..).unwrap_or_default() {
        match (quote, byte) {
            (None, b'<') => return false,
            (None, b'\'' | b'"') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
    }
    true
}

/// Whether there is no control character but white space; others are in no name.
fn is_legal(raw: &[u8]) -> bool {
    raw.iter().all(|byte| matches!(byte, b'\t' | b'\r' | b'\n' | b' '..))
}
