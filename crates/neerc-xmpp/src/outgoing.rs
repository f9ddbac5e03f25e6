//! Bytes on their way to the link: what is written once, and between it long texts that many recipients share, which are
//! not copied. The socket takes both in one call. Not the writing to the socket: that is the program's.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::Arc;

/// Shorter texts are copied: a piece of its own costs about as much as copying this many bytes.
const SHARED_BYTES: usize = 1_024;

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

impl Outgoing {
    /// To append bytes to; what is in it already must be left alone.
    pub fn own(&mut self) -> &mut Vec<u8> {
        &mut self.own
    }

    /// Appends a text that others may share.
    pub fn share(&mut self, text: &Arc<Vec<u8>>) {
        if text.len() < SHARED_BYTES {
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
        self.shared.shrink_to(bytes / SHARED_BYTES);
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
