//! Requests for long answers that wait for their turn, account by account. Requests wait and not their answers: they are
//! short, and what is answered in the end is the newest. Not whose turn it is: that is the throttle's.

use super::Front;
use crate::limits;
use crate::ns;
use crate::stanza::address::Address;
use crate::stanza::{Shell, StanzaKind};
use crate::stream::outgoing::Outgoing;
use crate::throttle::Turn;
use crate::xml;
use neerc_core::world::World;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// How a request came to be looked at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arrival<'b> {
    /// It has just come, as these bytes.
    New(&'b [u8]),
    /// It has waited, and it is its turn.
    Waited,
    /// It has waited, and meanwhile its account has used up what it may be answered.
    InVain,
}

/// What a request for a long answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// To read, for which any time is as good.
    Reads,
    /// It may change something, so it does not wait only because the link is busy.
    MayWrite,
}

/// What is to be done with a request now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is to be answered.
    Now,
    /// It waits and is looked at again.
    Waits,
    /// There is too much of it.
    Refused,
}

/// The requests of one account, the oldest first.
#[derive(Debug, Default)]
struct Lane {
    requests: VecDeque<Vec<u8>>,
    bytes: usize,
}

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: HashMap<Arc<str>, Lane>,
    /// When each account is to be looked at, in ms, and after whom.
    order: BTreeSet<(i64, u64, Arc<str>)>,
    turns: u64,
    bytes: usize,
}

/// What a waiting request counts for, in bytes.
fn weight(request: &[u8]) -> usize {
    request.len() + limits::HELD_ENTRY_BYTES
}

impl Lanes {
    /// Whether something of an account waits.
    fn holds(&self, account: &str) -> bool {
        !self.lanes.is_empty() && self.lanes.contains_key(account)
    }

    /// Puts a request behind the others of its account; says whether there was room for it.
    fn put(&mut self, at_ms: i64, account: &str, request: &[u8]) -> bool {
        let weight = weight(request);
        let held = self.lanes.get(account).map_or(0, |lane| lane.bytes);
        let is_first = held == 0;
        if self.bytes + weight > limits::HELD_BYTES || (!is_first && held + weight > limits::HELD_PER_ACCOUNT_BYTES) {
            return false;
        }
        let account: Arc<str> = account.into();
        let lane = self.lanes.entry(account.clone()).or_default();
        lane.requests.push_back(request.to_vec());
        lane.bytes += weight;
        self.bytes += weight;
        if is_first {
            self.wait(at_ms, account);
        }
        true
    }

    fn wait(&mut self, at_ms: i64, account: Arc<str>) {
        self.turns += 1;
        self.order.insert((at_ms, self.turns, account));
    }

    /// When the next account is to be looked at, in ms.
    fn next_ms(&self) -> Option<i64> {
        self.order.first().map(|(at_ms, _, _)| *at_ms)
    }

    /// The account that is to be looked at by now.
    fn next(&mut self, now_ms: i64) -> Option<Arc<str>> {
        if self.next_ms()? > now_ms {
            return None;
        }
        self.order.pop_first().map(|(_, _, account)| account)
    }

    /// Takes the oldest request of an account.
    fn take(&mut self, account: &str) -> Option<Vec<u8>> {
        let lane = self.lanes.get_mut(account)?;
        let request = lane.requests.pop_front()?;
        let weight = weight(&request);
        lane.bytes -= weight;
        self.bytes -= weight;
        if lane.requests.is_empty() {
            self.lanes.remove(account);
        }
        Some(request)
    }

    /// Takes all requests, those of each account in their order.
    pub fn take_all(&mut self) -> impl Iterator<Item = Vec<u8>> + use<> {
        let mut lanes: Vec<_> = std::mem::take(self).lanes.into_iter().collect();
        lanes.sort_by(|one, other| one.0.cmp(&other.0));
        lanes.into_iter().flat_map(|(_, lane)| lane.requests)
    }

    /// Forgets everything: the stream that brought it is over.
    pub fn clear(&mut self) {
        *self = Lanes::default();
    }
}

impl Front {
    /// Whether a request for a long answer is answered now; if it waits, it is kept.
    pub(super) fn admission(&mut self, now_ms: i64, from: &Address, intent: Intent, arrival: Arrival<'_>) -> Admission {
        let request = match arrival {
            Arrival::New(request) => request,
            Arrival::Waited => return Admission::Now,
            Arrival::InVain => return Admission::Refused,
        };
        if self.throttle.is_unlimited() {
            return Admission::Now;
        }
        let account = from.bare();
        let busy = intent == Intent::Reads && self.wire.out.len() > limits::LINK_BUSY_BYTES;
        let at_ms = match self.throttle.turn(now_ms, account) {
            Turn::Refused => return Admission::Refused,
            Turn::At(at_ms) => at_ms,
            Turn::Now if busy || self.lanes.holds(account) => now_ms,
            Turn::Now => return Admission::Now,
        };
        if self.lanes.put(at_ms, account, request) { Admission::Waits } else { Admission::Refused }
    }

    /// Notes what the answers since `before` have cost: the bytes of them and the work for them.
    pub(super) fn charge(&mut self, now_ms: i64, account: &str, before: usize) {
        let bytes = self.wire.out.len().saturating_sub(before) + std::mem::take(&mut self.work_bytes);
        self.throttle.charge(now_ms, account, bytes);
    }

    /// When the next waiting request is to be looked at, in ms.
    pub(super) fn next_held_ms(&self) -> i64 {
        self.lanes.next_ms().unwrap_or(i64::MAX)
    }

    /// Answers what has waited, one request of each account in turn, until `out` holds `limit` bytes or more; at least
    /// one.
    pub(super) fn release(&mut self, now_ms: i64, world: World<'_>, out: &mut Outgoing, limit: usize) {
        while let Some(account) = self.lanes.next(now_ms) {
            let arrival = match self.throttle.turn(now_ms, &account) {
                Turn::At(at_ms) => {
                    self.lanes.wait(at_ms, account);
                    continue;
                }
                Turn::Now => Arrival::Waited,
                Turn::Refused => Arrival::InVain,
            };
            let Some(request) = self.lanes.take(&account) else { continue };
            self.released(now_ms, &request, arrival, world);
            out.append(&mut self.wire.out);
            if self.lanes.holds(&account) {
                self.lanes.wait(now_ms, account);
            }
            if out.len() >= limit || !self.stream.is_online() {
                return;
            }
        }
    }

    fn released(&mut self, now_ms: i64, request: &[u8], arrival: Arrival<'_>, world: World<'_>) {
        let Ok(element) = xml::parse(request, ns::COMPONENT, &super::stream::TREE) else { return };
        let Some(shell) = Shell::of(&element) else { return };
        let before = self.wire.out.len();
        match shell.kind {
            StanzaKind::Iq => self.asked(now_ms, &shell, &element, world, arrival),
            StanzaKind::Message => self.chat(now_ms, &shell, &element, world, arrival),
            StanzaKind::Presence => {}
        }
        self.charge(now_ms, shell.from.bare(), before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_take_turns_and_each_keeps_its_order() {
        let mut lanes = Lanes::default();
        for (account, request) in [("a@b", "1"), ("a@b", "2"), ("a@b", "3"), ("c@b", "4"), ("d@b", "5"), ("c@b", "6")] {
            assert!(lanes.put(7, account, request.as_bytes()));
        }
        assert!(lanes.next(6).is_none() && lanes.holds("a@b") && !lanes.holds("x@b"));
        let mut order = String::new();
        while let Some(account) = lanes.next(7) {
            order.push_str(&String::from_utf8(lanes.take(&account).unwrap()).unwrap());
            if lanes.holds(&account) {
                lanes.wait(7, account);
            }
        }
        assert_eq!((&*order, lanes.bytes, lanes.lanes.len(), lanes.next_ms()), ("145263", 0, 0, None));
    }

    #[test]
    fn what_waits_is_bounded_for_each_account_and_for_all() {
        let mut lanes = Lanes::default();
        let request = [b'x'; 1_000];
        let of_one = (0..1_000).filter(|_| lanes.put(0, "a@b", &request)).count();
        assert_eq!(of_one, limits::HELD_PER_ACCOUNT_BYTES / (1_000 + limits::HELD_ENTRY_BYTES));
        let long = vec![b'x'; limits::STANZA_BYTES];
        let accounts = (0..1_000).filter(|n| lanes.put(0, &format!("{n}@b"), &long)).count();
        assert_eq!(accounts, (limits::HELD_BYTES - limits::HELD_PER_ACCOUNT_BYTES) / (limits::STANZA_BYTES + 256));
        lanes.clear();
        assert!(lanes.put(0, "a@b", &long));
    }
}
