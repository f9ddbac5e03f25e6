//! Measures how long the server takes to route a stanza: the component sends some to itself, short ones and long ones,
//! one at a time. It shows a server that writes long stanzas in pieces and waits for each to be acknowledged.

use crate::limits;
use crate::ns;
use crate::stanza::address::Address;
use crate::stanza::wire::{Purpose, Wire};
use crate::xml::WriteXml;

/// What was measured: medians, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundTrips {
    /// Of stanzas of some hundred bytes.
    pub short_ms: i64,
    /// Of stanzas of 20 KB.
    pub long_ms: i64,
}

/// A measurement that is under way.
#[derive(Debug)]
pub struct Probe {
    own: Address,
    sent_ms: i64,
    took_ms: Vec<i64>,
}

impl Probe {
    /// Sends the first stanza to `own`, the component's address.
    pub fn start(now_ms: i64, own: Address, wire: &mut Wire) -> Probe {
        let mut probe = Probe { own, sent_ms: now_ms, took_ms: Vec::new() };
        probe.send(now_ms, wire);
        probe
    }

    fn send(&mut self, now_ms: i64, wire: &mut Wire) {
        let bytes = if self.took_ms.len() < limits::PROBE_ROUNDS { 10 } else { limits::PROBE_LONG_BYTES };
        let payload = |out: &mut Vec<u8>| out.open("probe").xmlns(ns::PROBE).text(&"x".repeat(bytes));
        self.sent_ms = now_ms;
        wire.request(now_ms, "get", &self.own, payload, Purpose::Probe);
    }

    /// A stanza has come back; sends the next one, or returns what was measured.
    pub fn came_back(&mut self, now_ms: i64, wire: &mut Wire) -> Option<RoundTrips> {
        self.took_ms.push(now_ms - self.sent_ms);
        if self.took_ms.len() < 2 * limits::PROBE_ROUNDS {
            self.send(now_ms, wire);
            return None;
        }
        let median = |times: &[i64]| {
            let mut times = times.to_vec();
            times.sort_unstable();
            times.get(times.len() / 2).copied().unwrap_or(0)
        };
        let (short, long) = self.took_ms.split_at(limits::PROBE_ROUNDS);
        Some(RoundTrips { short_ms: median(short), long_ms: median(long) })
    }
}
