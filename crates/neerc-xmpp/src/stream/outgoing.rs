//! Bytes on their way to the link: text written for one recipient, and between it long texts that many recipients share
//! without a copy. One call hands both to the socket; the program makes that call.

use crate::limits;
use crate::xml::WriteXml;
use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::Arc;

/// A queue of bytes.
#[derive(Debug, Default)]
pub struct Outgoing {
    own: Vec<u8>,
    /// Up to where `own` has gone.
    gone: usize,
    /// Each shared text with the place in `own` that it stands before.
    shared: VecDeque<(usize, Arc<Vec<u8>>)>,
    /// How much of the first shared text has gone.
    shared_gone: usize,
    /// What of the shared texts has not gone.
    shared_bytes: usize,
}

impl WriteXml for Outgoing {
    fn bytes(&mut self) -> &mut Vec<u8> {
        self.own()
    }
}

impl Outgoing {
    /// To append bytes to; what is in it already must be left alone.
    pub fn own(&mut self) -> &mut Vec<u8> {
        &mut self.own
    }

    /// Appends a text that others may share.
    pub fn share(&mut self, text: &Arc<Vec<u8>>) {
        if text.len() < limits::SHARED_BYTES {
            return self.own.extend_from_slice(text);
        }
        self.shared.push_back((self.own.len(), text.clone()));
        self.shared_bytes += text.len();
    }

    /// Appends all of another queue, of which nothing has gone yet, and empties that.
    pub fn append(&mut self, other: &mut Outgoing) {
        debug_assert!(other.gone == 0 && other.shared_gone == 0);
        if self.is_empty() {
            self.clear();
            return std::mem::swap(self, other);
        }
        let before = self.own.len();
        self.shared.extend(other.shared.drain(..).map(|(at, text)| (before + at, text)));
        self.shared_bytes += other.shared_bytes;
        self.own.append(&mut other.own);
        other.clear();
    }

    /// Bytes that have not gone.
    pub fn len(&self) -> usize {
        self.own.len() - self.gone + self.shared_bytes
    }

    /// Bytes of shared texts that have not gone.
    pub fn shared_len(&self) -> usize {
        self.shared_bytes
    }

    /// Whether everything has gone.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops everything; keeps the memory for what comes next.
    pub fn clear(&mut self) {
        self.own.clear();
        self.shared.clear();
        (self.gone, self.shared_gone, self.shared_bytes) = (0, 0, 0);
    }

    /// Gives memory back, but for so many bytes.
    pub fn shrink_to(&mut self, bytes: usize) {
        self.own.shrink_to(bytes);
        self.shared.shrink_to(bytes / limits::SHARED_BYTES);
    }

    /// The next pieces, as many as fit into `slices`; returns how many those are.
    pub fn slices<'s>(&'s self, slices: &mut [IoSlice<'s>]) -> usize {
        let mut count = 0;
        let mut add = |piece: &'s [u8]| {
            if piece.is_empty() {
                return true;
            }
            let Some(slice) = slices.get_mut(count) else { return false };
            *slice = IoSlice::new(piece);
            count += 1;
            true
        };
        let (mut from, mut shared_gone) = (self.gone, self.shared_gone);
        for (at, text) in &self.shared {
            let own = self.own.get(from..*at).unwrap_or_default();
            let rest = text.get(std::mem::take(&mut shared_gone)..).unwrap_or_default();
            if !add(own) || !add(rest) {
                return count;
            }
            from = *at;
        }
        add(self.own.get(from..).unwrap_or_default());
        count
    }

    /// So many bytes have gone.
    pub fn advance(&mut self, mut bytes: usize) {
        while let Some((at, text)) = self.shared.front() {
            let own = (at - self.gone).min(bytes);
            self.gone += own;
            bytes -= own;
            let rest = text.len() - self.shared_gone;
            if self.gone < *at || bytes < rest {
                self.shared_gone += bytes;
                self.shared_bytes -= bytes;
                return;
            }
            bytes -= rest;
            self.shared_bytes -= rest;
            self.shared_gone = 0;
            self.shared.pop_front();
        }
        self.gone = self.own.len().min(self.gone + bytes);
    }

    /// Ends what waits with so much white space that the server hands on all of it. A tag that the end of a read has cut
    /// is looked at again by libexpat since 2.6 only once as much again has come: without this, what stands behind it
    /// would wait for whatever is sent next.
    pub fn settle(&mut self) {
        let short = if self.len() < limits::WHOLE_BYTES { 0 } else { self.unsettled_bytes() };
        self.own.resize(self.own.len() + short, b' ');
    }

    /// How much is missing behind the tags, at most: of each as much as it is long, less what follows it already.
    fn unsettled_bytes(&self) -> usize {
        let mut slices = vec![IoSlice::new(&[]); 2 * self.shared.len() + 1];
        let count = self.slices(&mut slices);
        let (total, mut before, mut missing, mut tag_end) = (self.len(), self.len(), 0, None);
        for piece in slices.iter().take(count).rev() {
            before -= piece.len();
            for place in memchr::memchr2_iter(b'<', b'>', piece).rev() {
                let behind = total - (before + place); // from this byte to the end
                if piece.get(place) == Some(&b'>') {
                    tag_end.get_or_insert(behind - 1);
                    continue;
                }
                let follows = tag_end.take().unwrap_or(0);
                missing = missing.max((behind - follows).saturating_sub(follows));
                // The tags before this one are no longer than what is left, and have all this behind them.
                if (total - behind).min(limits::LONG_TAG_BYTES) <= behind + missing {
                    return missing;
                }
            }
        }
        missing
    }

    /// All that has not gone, copied into one.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut copy = Outgoing { own: Vec::with_capacity(self.len()), ..Outgoing::default() };
        let mut slices = vec![IoSlice::new(&[]); 2 * self.shared.len() + 1];
        let count = self.slices(&mut slices);
        slices.iter().take(count).for_each(|slice| copy.own.extend_from_slice(slice));
        copy.own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SHARED_BYTES;

    /// Own bytes and shared texts in turns, and what they come to.
    fn filled(rounds: u8) -> (Outgoing, Vec<u8>) {
        let (mut out, mut expected) = (Outgoing::default(), Vec::new());
        for round in 0..rounds {
            let own = vec![round; usize::from(round) % 3];
            let text = Arc::new(vec![
                100 + round;
                [SHARED_BYTES + 7, SHARED_BYTES - 1, 2 * SHARED_BYTES][usize::from(round) % 3]
            ]);
            out.own().extend_from_slice(&own);
            out.share(&text);
            expected.extend(own);
            expected.extend_from_slice(&text);
        }
        out.own().extend_from_slice(b"end");
        expected.extend_from_slice(b"end");
        (out, expected)
    }

    #[test]
    fn everything_goes_in_order_however_little_the_socket_takes() {
        for taken in [1, 2, 1_000, SHARED_BYTES + 7, 4_000, 1 << 20] {
            for most in [1, 2, 5, 64] {
                let (mut out, expected) = filled(12);
                let mut gone = Vec::new();
                while !out.is_empty() {
                    assert_eq!(out.to_vec(), expected[gone.len()..]);
                    let mut slices = vec![IoSlice::new(&[]); most];
                    let count = out.slices(&mut slices);
                    assert!(count > 0);
                    let offered: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect();
                    let accepted = taken.min(offered.len());
                    gone.extend_from_slice(&offered[..accepted]);
                    out.advance(accepted);
                    assert_eq!(out.len(), expected.len() - gone.len());
                    if taken < 1_000 && gone.len() > 9 * SHARED_BYTES {
                        break; // more of the same
                    }
                }
                assert_eq!(gone, expected[..gone.len()]);
            }
        }
    }

    #[test]
    fn a_queue_is_appended_to_one_that_has_begun_to_go() {
        for gone in [0, 1, 5, SHARED_BYTES, 3 * SHARED_BYTES, 5 * SHARED_BYTES] {
            let (mut first, all) = filled(6);
            first.advance(gone);
            let (mut second, more) = filled(4);
            let expected = [&all[gone..], &more].concat();
            first.append(&mut second);
            assert_eq!((first.to_vec(), first.len(), second.is_empty()), (expected.clone(), expected.len(), true));
            first.advance(expected.len() - 2);
            assert_eq!(first.to_vec(), b"nd");
        }
        let (mut empty, (mut first, expected)) = (Outgoing::default(), filled(3));
        empty.append(&mut first);
        assert_eq!((empty.to_vec(), first.len()), (expected, 0));
    }

    /// A reader that looks at a tag which it has seen a part of only once as much again has come; what it still holds
    /// back at the end.
    fn held_back(bytes: &[u8], reads: &[usize]) -> usize {
        let (mut from, mut seen, mut tried) = (0, 0, 0);
        let mut reads = reads.iter().cycle();
        while seen < bytes.len() {
            seen = bytes.len().min(seen + reads.next().unwrap());
            if seen - from < 2 * tried {
                continue;
            }
            tried = 0;
            while let Some(open) = bytes[from..seen].iter().position(|byte| *byte == b'<') {
                from += open;
                let Some(close) = bytes[from..seen].iter().position(|byte| *byte == b'>') else {
                    tried = seen - from;
                    break;
                };
                from += close + 1;
            }
        }
        bytes[from..].iter().filter(|byte| **byte != b' ').count()
    }

    #[test]
    fn a_reader_that_waits_for_as_much_again_has_all_of_a_burst() {
        let (mut was_held, mut state) = (0, 1_u64);
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for round in 0..60 {
            let mut out = Outgoing::default();
            for _ in 0..=random(30) {
                let long = if random(6) == 0 { random(12_000) } else { random(300) };
                let (attribute, text) = (vec![b'a'; long], vec![b't'; random(200)]);
                let stanza = [b"<m a='", &attribute[..], b"'><b>", &text, b"</b></m>"].concat();
                if random(2) == 0 { out.share(&Arc::new(stanza)) } else { out.own().extend_from_slice(&stanza) }
            }
            let bare = out.to_vec();
            out.settle();
            let settled = out.to_vec();
            assert!(settled.starts_with(&bare) && settled[bare.len()..].iter().all(|byte| *byte == b' '));
            for _ in 0..20 {
                let reads: Vec<_> = (0..5).map(|_| limits::WHOLE_BYTES + random(9_000)).collect();
                was_held += usize::from(held_back(&bare, &reads) > 0);
                assert_eq!(held_back(&settled, &reads), 0, "round {round}, reads of {reads:?}");
            }
        }
        assert!(was_held > 50, "the test shows something: {was_held}");
    }

    #[test]
    fn white_space_is_no_more_than_the_longest_tag_at_the_end() {
        let settled = |texts: &[&str]| {
            let mut out = Outgoing::default();
            texts.iter().for_each(|text| out.share(&Arc::new(text.as_bytes().to_vec())));
            let bare = out.len();
            out.settle();
            out.len() - bare
        };
        let (long, short) = (format!("<m a='{}'/>", "a".repeat(8_000)), "<m><b>t</b></m>");
        assert_eq!(settled(&[short]), 0, "it comes in one piece");
        assert_eq!(settled(&[&long]), long.len());
        assert_eq!(settled(&[&long, &short.repeat(100)]), long.len() - 1_500);
        assert_eq!(settled(&[&long, &short.repeat(1_000)]), "</m>".len());
        assert_eq!(settled(&[]), 0);
    }

    #[test]
    fn long_texts_are_not_copied() {
        let text = Arc::new(vec![b'x'; SHARED_BYTES]);
        let mut out = Outgoing::default();
        (0..1_000).for_each(|_| out.share(&text));
        assert_eq!((out.len(), out.own.len(), Arc::strong_count(&text)), (1_000 * SHARED_BYTES, 0, 1_001));
        out.advance(out.len());
        assert_eq!(Arc::strong_count(&text), 1);
    }
}
