//! The database as a model: the statements that the lease and commits are made of, and how long each holds which row.

use super::{Wrong, node_of};
use crate::lease::{LeaseAnswer, LeaseFree, LeaseSeen, LeaseSight};
use crate::limits::LEASE_TTL_MS;

/// A server of the database: each start has a number of its own, and each server that took over a new timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Server {
    start: u64,
    timeline: u64,
}

/// What one transaction stores: here, one change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    pub revision: u64,
    pub epoch: u64,
    pub run: u64,
    pub id: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    Take { wall_ms: i64, free: LeaseFree },
    Renew { epoch: u64, wall_ms: i64 },
    Resign { epoch: u64 },
    Load,
    Commit { batch: Batch },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Lease(LeaseAnswer),
    Loaded { revision: u64 },
    Stored,
    Fenced,
}

/// How far a request came.
pub enum Begun {
    Done(Outcome),
    /// It holds its rows for so many ms, and is committed then.
    Holds(i64),
}

/// Whoever may hold a lease that rows say was given back, and which may be old.
const UNKNOWN: u64 = u64::MAX;

/// The rows: the lease, and the head of the log.
#[derive(Clone, Copy, Debug, Default)]
struct Rows {
    holder: u64,
    epoch: u64,
    until_ms: i64,
    /// Whose clock that is.
    clock: Server,
    /// On which timeline it was taken or renewed last.
    timeline: u64,
    head_epoch: u64,
    head_run: u64,
    revision: u64,
}

/// A transaction that has not committed.
#[derive(Clone, Copy, Debug)]
struct Open {
    until_ms: i64,
    run: u64,
    request: Request,
}

pub struct Database {
    wrong: Wrong,
    pub server: Server,
    /// How much its clock differs from the true time.
    clock_ms: i64,
    rows: Rows,
    log: Vec<Batch>,
    /// What was committed last, and when, for a server that has not got all of it.
    past: Vec<(i64, Rows)>,
    commit: Option<Open>,
    take: Option<Open>,
    /// Who took the lease last.
    taken: (u64, u64),
    /// Whether a server took over without all that was committed.
    pub is_lossy: bool,
    found_wrong: Option<String>,
}

impl Database {
    pub fn new(wrong: Wrong, clock_ms: i64) -> Database {
        let server = Server { start: 1, timeline: 1 };
        let rows = Rows { clock: server, timeline: server.timeline, until_ms: clock_ms - 1, ..Rows::default() };
        Database {
            wrong,
            server,
            clock_ms,
            rows,
            log: Vec::new(),
            past: vec![(0, rows)],
            commit: None,
            take: None,
            taken: (0, 0),
            is_lossy: false,
            found_wrong: None,
        }
    }

    pub fn wrong(&mut self) -> Option<String> {
        self.found_wrong.take()
    }

    pub fn holds(&self, batch: &Batch) -> bool {
        self.log.get(batch.revision as usize - 1) == Some(batch)
    }

    /// Until when a request waits for a row that another transaction holds.
    pub fn busy_until(&self, request: &Request) -> Option<i64> {
        let (commit, take) = (self.commit.map(|open| open.until_ms), self.take.map(|open| open.until_ms));
        match request {
            Request::Take { .. } | Request::Renew { .. } | Request::Resign { .. } => take,
            Request::Commit { .. } => take.max(commit),
            Request::Load => None,
        }
    }

    /// Begins a transaction that has all its rows.
    pub fn begin(&mut self, run: u64, request: Request, now_ms: i64, takes_ms: i64) -> Begun {
        match request {
            Request::Take { wall_ms, free } => self.take(run, (wall_ms, free), now_ms),
            Request::Renew { epoch, wall_ms } => Begun::Done(Outcome::Lease(self.renew(run, epoch, wall_ms, now_ms))),
            Request::Resign { epoch } => {
                if (self.rows.holder, self.rows.epoch) == (run, epoch) {
                    (self.rows.holder, self.rows.until_ms) = (0, now_ms + self.clock_ms);
                    if self.wrong == Wrong::EpochReset {
                        self.rows.epoch = 0;
                    }
                    self.past.push((now_ms, self.rows));
                }
                Begun::Done(Outcome::Lease(LeaseAnswer::Failed))
            }
            Request::Load => Begun::Done(Outcome::Loaded { revision: self.rows.revision }),
            Request::Commit { batch } => {
                if self.log.last() == Some(&batch) {
                    return Begun::Done(Outcome::Stored); // it was, and the answer was lost
                }
                let is_newest = (batch.epoch, batch.run) == (self.rows.head_epoch, self.rows.head_run);
                if batch.revision != self.rows.revision + 1 || (!is_newest && self.wrong != Wrong::NoFence) {
                    return Begun::Done(Outcome::Fenced);
                }
                self.commit = Some(Open { until_ms: now_ms + takes_ms, run, request });
                Begun::Holds(takes_ms)
            }
        }
    }

    fn clock(&self, wall_ms: i64, now_ms: i64) -> i64 {
        if self.wrong == Wrong::OwnClock { wall_ms } else { now_ms + self.clock_ms }
    }

    /// `until` of another server's clock says nothing: the lease lasts once more, by this one's. One that was given back is
    /// free, unless that is said by rows that may be old.
    fn take(&mut self, run: u64, (wall_ms, free): (i64, LeaseFree), now_ms: i64) -> Begun {
        let clock_ms = self.clock(wall_ms, now_ms);
        let (rows, timeline, start) = (&mut self.rows, self.server.timeline, self.server.start);
        let is_given_back = rows.holder == 0 && rows.clock.timeline == timeline;
        let is_from_here = rows.clock == self.server;
        if !is_from_here && !is_given_back && self.wrong != Wrong::ForeignClock {
            (rows.until_ms, rows.clock) = (clock_ms + LEASE_TTL_MS, self.server);
            if rows.holder == 0 {
                rows.holder = UNKNOWN;
            }
            self.past.push((now_ms, *rows));
        }
        // A node that was killed is followed at once by its next process, but not on a server that may have missed another one.
        let is_there = rows.timeline == timeline || self.wrong == Wrong::OwnFromBefore;
        let is_own = ![0, UNKNOWN].contains(&rows.holder) && node_of(rows.holder) == node_of(run);
        let has_run_out = clock_ms > rows.until_ms;
        let is_free = match free {
            LeaseFree::RunOut => has_run_out,
            LeaseFree::Never => false,
            LeaseFree::RunOutOf(epoch) => has_run_out && rows.epoch == epoch,
            LeaseFree::EndedOf(seen) => {
                rows.epoch == seen.epoch && (has_run_out || is_from_here && seen.server == start.cast_signed())
            }
        };
        if !(is_given_back || is_free || is_own && is_there && is_from_here) {
            let seen = LeaseSeen { epoch: rows.epoch, server: start.cast_signed() };
            let lasts_ms = (rows.until_ms - clock_ms).max(0);
            let (is_from_before, is_here) = (rows.timeline != timeline, node_of(start) == node_of(run));
            let is_given_back = rows.holder == 0;
            let answer =
                LeaseAnswer::Others(LeaseSight { lasts_ms, is_given_back, seen, is_from_before, is_own, is_here });
            return Begun::Done(Outcome::Lease(answer));
        }
        let free_ms = self.commit.map_or(now_ms, |open| open.until_ms) + 1;
        let request = Request::Take { wall_ms: clock_ms, free };
        self.take = Some(Open { until_ms: free_ms, run, request });
        Begun::Holds(free_ms - now_ms)
    }

    fn renew(&mut self, run: u64, epoch: u64, wall_ms: i64, now_ms: i64) -> LeaseAnswer {
        let (clock_ms, rows) = (self.clock(wall_ms, now_ms), &mut self.rows);
        let is_running = clock_ms < rows.until_ms || rows.clock != self.server;
        if (rows.holder, rows.epoch) != (run, epoch) || !is_running {
            return LeaseAnswer::Gone;
        }
        (rows.until_ms, rows.clock) = (clock_ms + LEASE_TTL_MS, self.server);
        rows.timeline = self.server.timeline;
        self.past.push((now_ms, *rows));
        LeaseAnswer::Mine { epoch }
    }

    /// A transaction commits that has held its rows.
    pub fn commit(&mut self, request: Request, now_ms: i64) -> Option<Outcome> {
        let outcome = match request {
            Request::Commit { batch } => {
                self.commit.take().filter(|open| open.request == request)?;
                let last = self.log.last().copied().unwrap_or_default();
                if (batch.epoch, batch.run) != self.taken || batch.epoch < last.epoch {
                    self.found_wrong = Some(format!("{batch:?} is stored after {last:?}, and {:?} holds", self.taken));
                }
                self.log.push(batch);
                self.rows.revision = batch.revision;
                Outcome::Stored
            }
            _ => {
                let Open { run, request: Request::Take { wall_ms: clock_ms, .. }, .. } = self.take.take()? else {
                    return None;
                };
                let rows = &mut self.rows;
                rows.epoch += 1;
                (rows.holder, rows.clock, rows.until_ms) = (run, self.server, clock_ms + LEASE_TTL_MS);
                rows.timeline = self.server.timeline;
                (rows.head_epoch, rows.head_run) = (rows.epoch, run);
                self.taken = (rows.epoch, run);
                Outcome::Lease(LeaseAnswer::Mine { epoch: rows.epoch })
            }
        };
        self.past.push((now_ms, self.rows));
        Some(outcome)
    }

    /// Another server takes over, or this one is started anew. What was being committed is kept or not; `lost_ms`: how much
    /// of the last is not there.
    pub fn failover(&mut self, now_ms: i64, lost_ms: i64, clock_ms: i64, keeps: bool, is_restart: bool) {
        for open in [self.commit, self.take].into_iter().flatten().filter(|_| keeps) {
            self.commit(open.request, now_ms);
        }
        (self.commit, self.take) = (None, None);
        if lost_ms > 0 {
            let there = self.past.iter().rev().find(|(at_ms, _)| *at_ms <= now_ms - lost_ms);
            self.rows = there.map_or(self.rows, |(_, rows)| *rows);
            self.is_lossy |= self.log.len() as u64 > self.rows.revision;
            self.log.truncate(self.rows.revision as usize);
            self.taken = (self.rows.head_epoch, self.rows.head_run);
        }
        let seen_since_ms = self.unchanged_since_ms(now_ms - lost_ms);
        self.past = vec![(now_ms, self.rows)];
        self.server.start += 1;
        self.server.timeline += u64::from(!is_restart);
        self.clock_ms = clock_ms;
        if self.wrong == Wrong::Observed && !is_restart && seen_since_ms + LEASE_TTL_MS < now_ms {
            (self.rows.clock, self.rows.until_ms) = (self.server, now_ms + clock_ms - 1);
        }
    }

    /// Since when the lease is as it was at a time.
    fn unchanged_since_ms(&self, at_ms: i64) -> i64 {
        let lease = |rows: &Rows| (rows.holder, rows.epoch, rows.until_ms);
        let before = self.past.iter().rev().skip_while(|(then_ms, _)| *then_ms > at_ms);
        let same = before.take_while(|(_, rows)| lease(rows) == lease(&self.rows));
        same.last().map_or(at_ms, |(then_ms, _)| *then_ms)
    }
}
