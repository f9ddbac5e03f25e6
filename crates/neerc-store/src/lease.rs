//! Who of several machines serves: one node's part in it, as a value. Times are handed in, of a steady clock of this machine;
//! what the database's clock says is compared in the database alone. Not how the database is asked.
//!
//! There is one lease in the database, with its holder, an epoch that only grows, and until when it lasts. Whoever stands by
//! takes it once it has run out, which makes a new epoch. Every commit carries the epoch in its own transaction, so nothing of
//! an old holder is stored after that. What a holder says to people no transaction holds back: it stops saying anything at a
//! time of its own, without asking, which is earlier than anybody can take over.
//!
//! On a server of the database that has just been promoted the lease lasts once more. It is tempting to leave that out where
//! whoever takes over has seen, on that server while it only followed, that the lease did not change for as long as it lasts. That
//! would be wrong, whether commits wait for that server or not: renewals do not wait for it, or the service would end
//! with its standby. So what is seen there is the same in two cases. In the one, the holder is gone. In the other, the server
//! that follows was cut off from the one that is written to, where the holder goes on renewing; it stores nothing, and speaks. If the
//! first server ends just before the other is promoted, the holder speaks for another `LEASE_TTL_MS - LEASE_MARGIN_MS` at most.
//! Nothing that can be read on the promoted server is newer than the cut, so nothing there tells the two apart, and only the
//! wait, which begins after the promotion, is longer than that. The simulated world shows two who speak without it.
//!
//! What does tell them apart is to end the holder: a node can have something that does, a fence. Before it takes a lease that was
//! not given back it has the holder ended; where that has worked, nobody speaks any more and nothing is waited for. Where it
//! has not, all is as without. Only rows of the server on which the holder was seen count then: a process that was ended
//! may have begun again, and taken a lease that another server has not got.

use crate::limits::{LEASE_AGAIN_MS, LEASE_FENCE_MS, LEASE_LOOK_MS, LEASE_MARGIN_MS, LEASE_RENEW_MS};
pub use crate::limits::{LEASE_ANSWER_MS, LEASE_TTL_MS};

/// What is to be asked of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseAsk {
    /// To look who holds the lease, and to take it if it was given back, or is free for whoever asks.
    Take(LeaseFree),
    /// To let it last longer, if this epoch is still the newest and has not run out.
    Renew {
        /// The epoch in which this node holds it.
        epoch: u64,
    },
}

/// Of which term a lease is, and where that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseSeen {
    /// The epoch.
    pub epoch: u64,
    /// Which start of which server of the database.
    pub server: i64,
}

/// What a node that stands by sees of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseSight {
    /// In so many ms it runs out, if it is not renewed.
    pub lasts_ms: i64,
    /// It was given back, so it is free for whoever asks next.
    pub is_given_back: bool,
    /// Of which term it is.
    pub seen: LeaseSeen,
    /// It was taken or renewed last before this server was promoted.
    pub is_from_before: bool,
    /// An earlier process of this node is said to hold it.
    pub is_own: bool,
    /// That server is on this node's machine.
    pub is_here: bool,
}

/// When a lease is free that was not given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseFree {
    /// When it has run out.
    RunOut,
    /// Never: its holder is to be ended first.
    Never,
    /// When it has run out, and is still of this epoch, whose holder could not be ended.
    RunOutOf(u64),
    /// Now, if it is still of this epoch on the server where that was seen: its holder was ended.
    EndedOf(LeaseSeen),
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// This node holds the lease, from when it asked on.
    Mine {
        /// Its epoch.
        epoch: u64,
    },
    /// Somebody holds it: another node, or this one by a request whose answer never came. That does not count: where a server
    /// of the database took over without all that was stored, such a row may be older than what another node does.
    Others(LeaseSight),
    /// The epoch of this node is over.
    Gone,
    /// No answer came, or an error: nothing is known, so nothing changes.
    Failed,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseStep {
    /// To ask this; [`Lease::answered`] is told what came of it.
    Ask(LeaseAsk),
    /// To end whoever holds the lease in this term; [`Lease::fenced`] is told what came of it.
    Fence(LeaseSeen),
    /// Nothing until then.
    Wait {
        /// When.
        until_ms: i64,
    },
    /// Nothing any more: this node's part is over.
    Over,
}

/// Whether this node may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Another one may hold it.
    By,
    /// It holds the lease until a time by its own clock.
    Holds { epoch: u64, until_ms: i64 },
    /// It held the lease, or gave it back. A node does not stand by again: its boards are those of the epoch that ended.
    Over,
}

/// One node's part.
#[derive(Debug)]
pub struct Lease {
    standing: Standing,
    /// When to ask next.
    next_ms: i64,
    /// When what was asked was sent, until it is answered.
    sent_ms: Option<i64>,
    /// What it knows of the holder, if it can end it.
    fence: Option<Fence>,
}

/// What a node that stands by knows of a holder that it can end.
#[derive(Debug)]
struct Fence {
    /// When the holder was known last to go on.
    heard_ms: i64,
    /// Since when it has not come to a server that was promoted.
    missed_ms: Option<i64>,
    /// In which term it is to be ended.
    due: Option<LeaseSeen>,
    /// In which term that was tried, and whether it was ended.
    tried: Option<(LeaseSeen, bool)>,
}

impl Fence {
    /// Somebody holds the lease.
    fn sees(&mut self, now_ms: i64, sight: LeaseSight) {
        let LeaseSight { lasts_ms, is_given_back, seen, is_from_before, is_own, is_here } = sight;
        if is_given_back && !is_from_before {
            return; // that was since this node asked for it
        }
        let is_over = lasts_ms <= 0;
        if !is_over && !is_from_before {
            *self = Fence { heard_ms: now_ms, missed_ms: None, due: None, tried: None };
            return;
        }
        // Whoever goes on finds the promoted server sooner than that.
        let is_missed = now_ms - *self.missed_ms.get_or_insert(now_ms) >= LEASE_FENCE_MS;
        let is_silent = now_ms - self.heard_ms >= LEASE_TTL_MS;
        match self.tried {
            Some((tried, _)) if tried == seen => {}
            // One node has that server, so they do not end each other, and nobody ends the machine that has it.
            _ if is_missed && is_silent && is_from_before && is_here => self.due = Some(seen),
            _ if is_over && is_own => self.tried = Some((seen, false)), // that process is gone
            _ if is_over => self.due = Some(seen),
            _ => {}
        }
    }
}

impl Lease {
    /// That of a node that stands by.
    pub fn standby(now_ms: i64) -> Lease {
        Lease { standing: Standing::By, next_ms: now_ms, sent_ms: None, fence: None }
    }

    /// The same where it can end whoever holds the lease.
    pub fn with_fence(self, now_ms: i64) -> Lease {
        let fence = Some(Fence { heard_ms: now_ms, missed_ms: None, due: None, tried: None });
        Lease { fence, ..self }
    }

    /// The epoch in which this node may store and speak now; nothing if it may not. To be asked right before either.
    pub fn epoch(&self, now_ms: i64) -> Option<u64> {
        match self.standing {
            Standing::Holds { epoch, until_ms } if now_ms < until_ms => Some(epoch),
            _ => None,
        }
    }

    /// Until when this node may speak, if it is not told otherwise.
    pub fn until_ms(&self) -> Option<i64> {
        match self.standing {
            Standing::Holds { until_ms, .. } => Some(until_ms),
            _ => None,
        }
    }

    /// What is to be done now. What is asked counts from `now_ms` on, so it must be sent after that.
    pub fn step(&mut self, now_ms: i64) -> LeaseStep {
        self.expire(now_ms);
        let ask = match self.standing {
            Standing::Over => return LeaseStep::Over,
            Standing::By => LeaseAsk::Take(self.free()),
            Standing::Holds { epoch, .. } => LeaseAsk::Renew { epoch },
        };
        if let (Standing::By, Some(Fence { due: Some(seen), .. })) = (self.standing, &self.fence) {
            return LeaseStep::Fence(*seen);
        }
        let until_ms = self.until_ms().unwrap_or(i64::MAX);
        if self.sent_ms.is_some() {
            return LeaseStep::Wait { until_ms }; // for the answer, but not for longer than this node holds the lease
        }
        if now_ms < self.next_ms {
            return LeaseStep::Wait { until_ms: self.next_ms.min(until_ms) };
        }
        self.sent_ms = Some(now_ms);
        LeaseStep::Ask(ask)
    }

    /// When a lease is free for this node.
    fn free(&self) -> LeaseFree {
        match &self.fence {
            None => LeaseFree::RunOut,
            Some(Fence { tried: None, .. }) => LeaseFree::Never,
            Some(Fence { tried: Some((seen, false)), .. }) => LeaseFree::RunOutOf(seen.epoch),
            Some(Fence { tried: Some((seen, true)), .. }) => LeaseFree::EndedOf(*seen),
        }
    }

    /// Notes whether the holder of that term was ended.
    pub fn fenced(&mut self, now_ms: i64, seen: LeaseSeen, is_ended: bool) {
        if let Some(fence) = &mut self.fence {
            (fence.due, fence.tried, self.next_ms) = (None, Some((seen, is_ended)), now_ms);
        }
    }

    /// Notes what came of what was asked last.
    pub fn answered(&mut self, now_ms: i64, answer: LeaseAnswer) {
        self.expire(now_ms);
        let Some(sent_ms) = self.sent_ms.take() else { return };
        let until_ms = sent_ms + LEASE_TTL_MS - LEASE_MARGIN_MS;
        self.next_ms = now_ms + LEASE_AGAIN_MS;
        match (self.standing, answer) {
            (Standing::Over, _) | (_, LeaseAnswer::Failed) => {}
            (Standing::Holds { epoch, .. }, LeaseAnswer::Mine { epoch: renewed }) if renewed == epoch => {
                self.standing = Standing::Holds { epoch, until_ms };
                self.next_ms = sent_ms + LEASE_RENEW_MS;
            }
            (Standing::Holds { .. }, _) => self.standing = Standing::Over,
            (Standing::By, LeaseAnswer::Mine { epoch }) if now_ms < until_ms => {
                self.standing = Standing::Holds { epoch, until_ms };
                self.next_ms = sent_ms + LEASE_RENEW_MS;
            }
            (Standing::By, LeaseAnswer::Mine { .. } | LeaseAnswer::Gone) => {} // too late: another one may have taken it since
            (Standing::By, LeaseAnswer::Others(sight)) => {
                if let Some(fence) = &mut self.fence {
                    fence.sees(now_ms, sight);
                }
                self.next_ms = now_ms + sight.lasts_ms.saturating_add(1).clamp(1, LEASE_LOOK_MS);
            }
        }
    }

    /// Ends this node's part, as it stops. The epoch with which the lease is to be given back, if it holds one; nothing may be
    /// stored or said any more.
    pub fn resign(&mut self) -> Option<u64> {
        match std::mem::replace(&mut self.standing, Standing::Over) {
            Standing::Holds { epoch, .. } => Some(epoch),
            Standing::By | Standing::Over => None,
        }
    }

    fn expire(&mut self, now_ms: i64) {
        if let Standing::Holds { until_ms, .. } = self.standing
            && now_ms >= until_ms
        {
            self.standing = Standing::Over;
        }
    }
}

#[cfg(test)]
mod simulated;

#[cfg(test)]
mod tests {
    use super::*;

    const SPEAKS_MS: i64 = LEASE_TTL_MS - LEASE_MARGIN_MS;

    fn holder(now_ms: i64) -> Lease {
        let mut lease = Lease::standby(now_ms);
        assert_eq!(lease.step(now_ms), LeaseStep::Ask(LeaseAsk::Take(LeaseFree::RunOut)));
        lease.answered(now_ms + 20, LeaseAnswer::Mine { epoch: 7 });
        lease
    }

    #[test]
    fn a_lease_counts_from_when_it_was_asked_for_and_ends_early() {
        let mut lease = holder(1_000);
        assert_eq!((lease.epoch(1_020), lease.until_ms()), (Some(7), Some(1_000 + SPEAKS_MS)));
        assert_eq!(lease.step(1_020), LeaseStep::Wait { until_ms: 1_000 + LEASE_RENEW_MS });
        assert_eq!(lease.epoch(1_000 + SPEAKS_MS - 1), Some(7));
        assert_eq!(lease.epoch(1_000 + SPEAKS_MS), None, "without asking anybody");
        assert_eq!(lease.step(1_000 + SPEAKS_MS), LeaseStep::Over);
        assert_eq!(lease.epoch(1_020), None, "for good");
    }

    #[test]
    fn a_renewal_that_fails_is_tried_again_and_loses_nothing_by_itself() {
        let mut lease = holder(0);
        assert_eq!(lease.step(LEASE_RENEW_MS), LeaseStep::Ask(LeaseAsk::Renew { epoch: 7 }));
        assert_eq!(lease.step(LEASE_RENEW_MS), LeaseStep::Wait { until_ms: SPEAKS_MS }, "one at a time");
        let now_ms = LEASE_RENEW_MS + 100;
        lease.answered(now_ms, LeaseAnswer::Failed);
        assert_eq!(lease.epoch(now_ms), Some(7));
        assert_eq!(lease.step(now_ms), LeaseStep::Wait { until_ms: now_ms + LEASE_AGAIN_MS });
        assert_eq!(lease.step(now_ms + LEASE_AGAIN_MS), LeaseStep::Ask(LeaseAsk::Renew { epoch: 7 }));
        lease.answered(now_ms + LEASE_AGAIN_MS + 5, LeaseAnswer::Mine { epoch: 7 });
        assert_eq!(lease.until_ms(), Some(now_ms + LEASE_AGAIN_MS + SPEAKS_MS));
    }

    #[test]
    fn who_hears_that_another_epoch_began_is_silent_at_once() {
        for answer in [LeaseAnswer::Gone, LeaseAnswer::Mine { epoch: 8 }] {
            let mut lease = holder(0);
            lease.step(LEASE_RENEW_MS);
            lease.answered(LEASE_RENEW_MS + 1, answer);
            assert_eq!((lease.epoch(LEASE_RENEW_MS + 1), lease.step(LEASE_RENEW_MS + 1)), (None, LeaseStep::Over));
        }
    }

    #[test]
    fn an_answer_that_comes_too_late_is_none() {
        let mut lease = holder(0);
        lease.step(LEASE_RENEW_MS);
        lease.answered(SPEAKS_MS, LeaseAnswer::Mine { epoch: 7 });
        assert_eq!((lease.epoch(SPEAKS_MS), lease.step(SPEAKS_MS)), (None, LeaseStep::Over));
        let mut lease = Lease::standby(0);
        lease.step(0);
        lease.answered(SPEAKS_MS, LeaseAnswer::Mine { epoch: 3 });
        assert_eq!(lease.epoch(SPEAKS_MS), None);
        assert_eq!(lease.step(SPEAKS_MS + LEASE_AGAIN_MS), LeaseStep::Ask(LeaseAsk::Take(LeaseFree::RunOut)));
    }

    #[test]
    fn who_stands_by_looks_often_and_right_when_the_lease_runs_out() {
        let mut lease = Lease::standby(0);
        lease.step(0);
        lease.answered(10, others(7_000));
        assert_eq!(lease.step(10), LeaseStep::Wait { until_ms: 10 + LEASE_LOOK_MS });
        lease.step(10 + LEASE_LOOK_MS);
        lease.answered(520, others(30));
        assert_eq!(lease.step(520), LeaseStep::Wait { until_ms: 551 });
    }

    const SEEN: LeaseSeen = LeaseSeen { epoch: 7, server: 1 };
    /// The lease of another one that goes on.
    const SIGHT: LeaseSight = LeaseSight {
        lasts_ms: LEASE_TTL_MS,
        is_given_back: false,
        seen: SEEN,
        is_from_before: false,
        is_own: false,
        is_here: false,
    };

    fn others(lasts_ms: i64) -> LeaseAnswer {
        LeaseAnswer::Others(LeaseSight { lasts_ms, ..SIGHT })
    }

    /// What a node does next that looks at `now_ms` and sees this.
    fn sees(lease: &mut Lease, now_ms: i64, answer: LeaseAnswer) -> LeaseStep {
        lease.step(now_ms);
        lease.answered(now_ms, answer);
        lease.step(now_ms + LEASE_LOOK_MS)
    }

    const NEVER: LeaseStep = LeaseStep::Ask(LeaseAsk::Take(LeaseFree::Never));

    #[test]
    fn a_holder_that_has_not_renewed_is_ended_before_another_one_takes_over() {
        let mut lease = Lease::standby(0).with_fence(0);
        assert_eq!(sees(&mut lease, 0, others(600)), NEVER);
        lease.answered(600, others(0));
        assert_eq!(lease.step(600), LeaseStep::Fence(SEEN));
        lease.fenced(800, SEEN, true);
        assert_eq!(lease.step(800), LeaseStep::Ask(LeaseAsk::Take(LeaseFree::EndedOf(SEEN))));
        // Another one was sooner, and goes on.
        let sight = LeaseSight { seen: LeaseSeen { epoch: 8, server: 1 }, ..SIGHT };
        lease.answered(810, LeaseAnswer::Others(sight));
        assert_eq!(lease.step(810 + LEASE_LOOK_MS), NEVER);
    }

    #[test]
    fn whoever_gave_the_lease_back_just_after_it_was_asked_for_was_ended() {
        let mut lease = Lease::standby(0).with_fence(0);
        let given_back = LeaseAnswer::Others(LeaseSight { lasts_ms: 0, is_given_back: true, ..SIGHT });
        assert_eq!(sees(&mut lease, 0, given_back), NEVER);
    }

    #[test]
    fn where_the_holder_could_not_be_ended_it_is_waited_for_as_ever() {
        let mut lease = Lease::standby(0).with_fence(0);
        assert_eq!(sees(&mut lease, 0, others(0)), LeaseStep::Fence(SEEN));
        lease.fenced(5_000, SEEN, false);
        assert_eq!(lease.step(5_000), LeaseStep::Ask(LeaseAsk::Take(LeaseFree::RunOutOf(7))));
    }

    #[test]
    fn whoever_comes_to_a_promoted_server_in_time_is_not_ended() {
        let before = LeaseAnswer::Others(LeaseSight { is_from_before: true, is_here: true, ..SIGHT });
        let mut lease = Lease::standby(0).with_fence(0);
        assert_eq!(sees(&mut lease, 20_000, before), NEVER);
        assert_eq!(sees(&mut lease, 21_000, others(6_500)), NEVER, "it has come");
        assert_eq!(sees(&mut lease, 22_000, before), NEVER, "promoted again");
        assert_eq!(sees(&mut lease, 26_000, before), NEVER, "it may just have renewed");
        assert_eq!(sees(&mut lease, 28_000, before), LeaseStep::Fence(SEEN));
    }

    #[test]
    fn of_two_that_wait_at_a_promoted_server_only_the_one_that_has_it_ends_the_other() {
        for is_own in [false, true] {
            let before = |is_here| LeaseAnswer::Others(LeaseSight { is_from_before: true, is_own, is_here, ..SIGHT });
            for (is_here, then) in [(false, NEVER), (true, LeaseStep::Fence(SEEN))] {
                let mut lease = Lease::standby(0).with_fence(0);
                assert_eq!(sees(&mut lease, 20_000, before(is_here)), NEVER);
                assert_eq!(sees(&mut lease, 22_000, before(is_here)), then);
            }
        }
    }

    #[test]
    fn nobody_is_ended_by_the_node_whose_own_process_held_the_lease() {
        let own = LeaseAnswer::Others(LeaseSight { lasts_ms: 0, is_own: true, ..SIGHT });
        let mut lease = Lease::standby(0).with_fence(0);
        assert_eq!(sees(&mut lease, 0, own), LeaseStep::Ask(LeaseAsk::Take(LeaseFree::RunOutOf(7))));
    }

    #[test]
    fn whoever_resigns_is_over() {
        let mut lease = holder(0);
        assert_eq!((lease.resign(), lease.epoch(30), lease.step(30)), (Some(7), None, LeaseStep::Over));
        assert_eq!((lease.resign(), Lease::standby(0).resign()), (None, None));
    }

    #[test]
    fn one_request_may_fail_and_what_was_sent_has_arrived() {
        const { assert!(LEASE_RENEW_MS + LEASE_ANSWER_MS + LEASE_AGAIN_MS < LEASE_TTL_MS - LEASE_MARGIN_MS) };
    }
}
