//! Whatever a server or its users send to a front that is online: it never panics, all it writes is well-formed and
//! goes to somebody, every request has one answer, and only the server's own end of the stream ends it.
//!
//! Zero bytes in the input cut it into pieces; between two of them time goes by.

use super::bench::Bench;
use neerc_xmpp::ns;
use neerc_xmpp::stanza::Shell;
use neerc_xmpp::stream::frame::{Frame, FrameLimits, Framer};
use neerc_xmpp::xml::{self, TreeLimits};

/// Checks one input.
pub fn check(data: &[u8]) {
    let mut bench = Bench::joined();
    let before = bench.answers;
    let mut received = Vec::new();
    for (n, piece) in data.split(|byte| *byte == 0).take(64).enumerate() {
        if n > 0 && bench.between {
            bench.wait([20, 60, 1_000, 16_000][n % 4]);
        }
        if bench.ended {
            break;
        }
        received.extend_from_slice(piece);
        bench.between = between(&received);
        bench.receive(piece);
    }
    let Asked { requests, maybe, ends } = asked(data);
    if !ends {
        assert!(!bench.ended, "the stream was ended by what is well framed");
        let answers = bench.answers - before;
        assert!((requests..=requests + maybe).contains(&answers), "{requests} requests, {answers} answers");
    }
    for _ in 0..20 {
        bench.wait(100);
    }
}

/// Whether the bytes end between two stanzas.
fn between(received: &[u8]) -> bool {
    let mut framer = Framer::new(FrameLimits::default());
    framer.push(b"<stream:stream>");
    framer.push(received);
    framer.push(b"<probe/>");
    let mut last = false;
    while let Ok(Some(frame)) = framer.next_frame() {
        last = frame == Frame::Stanza(b"<probe/>");
    }
    last
}

/// What the input asks for.
struct Asked {
    requests: usize,
    /// Stanzas that may or may not be answered, as nothing but their start can be read.
    maybe: usize,
    ends: bool,
}

fn asked(data: &[u8]) -> Asked {
    let mut asked = Asked { requests: 0, maybe: 0, ends: data.iter().filter(|byte| **byte == 0).count() > 63 };
    let mut framer = Framer::new(FrameLimits::default());
    framer.push(b"<stream:stream>");
    let _ = framer.next_frame();
    framer.push(&data.iter().copied().filter(|byte| *byte != 0).collect::<Vec<u8>>());
    loop {
        match framer.next_frame() {
            Ok(None) => return asked,
            Ok(Some(Frame::Skipped { .. })) => asked.maybe += 1,
            Ok(Some(Frame::Stanza(bytes))) => match xml::parse(bytes, ns::COMPONENT, &TreeLimits::default()) {
                Err(_) => asked.maybe += 1,
                Ok(element) if element.is("error", ns::STREAMS) => asked.ends = true,
                Ok(element) => {
                    let shell = Shell::of(&element);
                    let request = shell.is_some_and(|s| s.is_request() && s.from.domain() != super::bench::SVC);
                    asked.requests += usize::from(request);
                }
            },
            Ok(Some(Frame::Open(_) | Frame::Close)) | Err(_) => {
                asked.ends = true;
                return asked;
            }
        }
    }
}
