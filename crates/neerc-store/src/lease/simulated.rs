//! The lease in a simulated world: three nodes and a database, whose statements are modelled with their locks. Processes are
//! paused and killed, requests and answers are lost or late, clocks are minutes apart, and another server takes over from the
//! database's, with all that was committed or without the last of it. What must hold: no commit of an epoch after another one
//! began, no two nodes that speak at once, nothing answered that is not there. Done wrong on purpose, it must be noticed.

mod database;
mod worlds;

use self::database::{Batch, Begun, Database, Outcome, Request, Server};
use super::{Lease, LeaseAnswer, LeaseAsk, LeaseSeen, LeaseStep, Standing};
use crate::limits::LEASE_ANSWER_MS;
use neerc_testing::random::Random;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What is done wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// Commits do not look at the epoch.
    NoFence,
    /// The clock of whoever asks counts, and not the database's.
    OwnClock,
    /// Giving the lease back sets the epoch back.
    EpochReset,
    /// A server that has just taken over believes the times of the one before.
    ForeignClock,
    /// What somebody has seen of the lease on a server that only followed counts once that one has taken over: it had not
    /// changed there for as long as it lasts.
    Observed,
    /// A holder goes on until it hears that it is none any more.
    NoDeadline,
    /// Of a holder it is said that it was ended, and it was not.
    Spared,
    /// A node that finds itself to be the holder takes over at once, also on a server that may have missed others since.
    OwnFromBefore,
}

const NODES: usize = 3;
const LENGTH_MS: i64 = 180_000;
/// At the end nothing goes wrong any more.
const QUIET_MS: i64 = 60_000;
const COMMIT_PATIENCE_MS: i64 = 3_000;
const APART_MS: i64 = 600_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A node looks what there is to do.
    Wake(usize),
    Start(usize),
    Pause(usize),
    Kill(usize),
    Stop(usize),
    Resume(usize),
    /// A request reaches its server.
    Arrives(usize),
    /// A transaction that held its locks for a while is committed.
    Commits(usize),
    /// What came of a request reaches whoever sent it.
    Answered(usize),
    /// All other nodes are ended, by their place in the list of what is to end them.
    Ends(usize),
    /// Who wanted that hears that it was done, or was not.
    Fenced(usize),
    Failover,
}

/// A request on its way, by its place in the list of all.
#[derive(Clone, Debug)]
struct Sent {
    node: usize,
    /// Which process of that node.
    run: u64,
    server: Server,
    request: Request,
    sent_ms: i64,
    outcome: Option<Outcome>,
}

/// What is to end all other nodes.
#[derive(Clone, Copy, Debug)]
struct Fencing {
    node: usize,
    run: u64,
    seen: LeaseSeen,
    works: bool,
}

struct Node {
    /// The process; each has its own number, which says of which node it is. None is running if it is 0.
    run: u64,
    lease: Lease,
    paused: bool,
    /// What came while it was paused, in order.
    missed: Vec<Event>,
    /// Its steady clock: what it began with, and how much faster than others it is, in millionths.
    began_ms: i64,
    faster_ppm: i64,
    /// How wrong its time of day is.
    skew_ms: i64,
    asked: Option<usize>,
    /// It waits until others are ended.
    fences: bool,
    batch: Option<(Batch, usize)>,
    revision: Option<u64>,
    /// Where its requests go.
    server: Server,
}

struct World {
    wrong: Wrong,
    random: Random,
    now_ms: i64,
    events: BinaryHeap<Reverse<(i64, u64, Event)>>,
    count: u64,
    runs: u64,
    sent: Vec<Sent>,
    /// Nodes can end others.
    has_fences: bool,
    fencings: Vec<Fencing>,
    nodes: Vec<Node>,
    database: Database,
    /// What was answered, with what it must be in the log.
    answered: Vec<Batch>,
    failovers: usize,
    takeovers: usize,
}

impl World {
    fn new(seed: u64, wrong: Wrong) -> World {
        let mut random = Random::new(seed);
        let nodes = (0..NODES).map(|_| Node {
            run: 0,
            lease: Lease::standby(0),
            paused: false,
            missed: Vec::new(),
            began_ms: random.ms(0, 1_000_000),
            faster_ppm: random.ms(-200, 200),
            skew_ms: random.ms(-APART_MS, APART_MS),
            asked: None,
            fences: false,
            batch: None,
            revision: None,
            server: Server::default(),
        });
        let nodes = nodes.collect();
        let has_fences = random.one_in(2);
        let database = Database::new(wrong, random.ms(-APART_MS, APART_MS));
        let events = BinaryHeap::new();
        let (sent, answered) = (Vec::new(), Vec::new());
        let mut world = World {
            wrong,
            random,
            now_ms: 0,
            events,
            count: 0,
            runs: 0,
            sent,
            has_fences,
            fencings: Vec::new(),
            nodes,
            database,
            answered,
            failovers: 0,
            takeovers: 0,
        };
        for node in 0..NODES {
            world.later(0, 2_000, Event::Start(node));
        }
        for _ in 0..world.random.below(12) {
            let node = world.random.below(NODES);
            let event = *world.random.pick(&[Event::Pause(node), Event::Kill(node), Event::Stop(node)]).unwrap();
            world.later(0, LENGTH_MS - QUIET_MS, event);
        }
        for _ in 0..world.random.below(3) {
            world.later(0, LENGTH_MS - QUIET_MS, Event::Failover);
        }
        world
    }

    fn later(&mut self, least_ms: i64, most_ms: i64, event: Event) {
        let at_ms = self.now_ms + self.random.ms(least_ms, most_ms);
        self.count += 1;
        self.events.push(Reverse((at_ms, self.count, event)));
    }

    fn is_quiet(&self) -> bool {
        self.now_ms > LENGTH_MS - QUIET_MS
    }

    fn steady_ms(&self, node: usize) -> i64 {
        let node = &self.nodes[node];
        node.began_ms + self.now_ms + self.now_ms * node.faster_ppm / 1_000_000
    }

    /// The epoch in which a node speaks.
    fn speaks(&self, node: usize) -> Option<u64> {
        self.nodes[node].lease.epoch(self.steady_ms(node))
    }

    /// Runs to the end; what is wrong, if anything is.
    fn run(mut self) -> Result<World, String> {
        while let Some(Reverse((at_ms, _, event))) = self.events.pop() {
            if at_ms > LENGTH_MS {
                break;
            }
            self.now_ms = at_ms;
            self.happens(event);
            let speaking = (0..NODES).filter(|node| self.nodes[*node].run != 0 && !self.nodes[*node].paused);
            let speaking: Vec<usize> = speaking.filter(|node| self.speaks(*node).is_some()).collect();
            if speaking.len() > 1 {
                return Err(format!("{at_ms}: nodes {speaking:?} speak at once"));
            }
            if let Some(wrong) = self.database.wrong() {
                return Err(format!("{at_ms}: {wrong}"));
            }
        }
        if let Some(lost) = self.answered.iter().find(|batch| !self.database.holds(batch)) {
            return Err(format!("{lost:?} was answered and is not there"));
        }
        if !(0..NODES).any(|node| self.speaks(node).is_some()) {
            return Err("nobody speaks at the end".to_owned());
        }
        Ok(self)
    }

    fn happens(&mut self, event: Event) {
        let of = match event {
            Event::Wake(node) => Some(node),
            Event::Fenced(at) => Some(self.fencings[at].node),
            Event::Answered(sent) => {
                (self.nodes[self.sent[sent].node].run == self.sent[sent].run).then(|| self.sent[sent].node)
            }
            _ => None,
        };
        if let Some(node) = of
            && self.nodes[node].paused
        {
            return self.nodes[node].missed.push(event);
        }
        match event {
            Event::Wake(node) => self.act(node),
            Event::Start(node) if self.nodes[node].run == 0 => self.start(node),
            Event::Pause(node) => {
                self.nodes[node].paused = true;
                self.later(100, 30_000, Event::Resume(node));
            }
            Event::Resume(node) => {
                self.nodes[node].paused = false;
                for event in std::mem::take(&mut self.nodes[node].missed) {
                    self.happens(event);
                }
            }
            Event::Kill(node) => self.dies(node),
            Event::Stop(node) if self.nodes[node].run != 0 && !self.nodes[node].paused => {
                if let Some(epoch) = self.nodes[node].lease.resign() {
                    self.send(node, Request::Resign { epoch });
                }
                self.dies(node);
            }
            Event::Start(_) | Event::Stop(_) => {}
            Event::Arrives(sent) => self.arrives(sent),
            Event::Commits(sent) => {
                let Sent { server, request, .. } = self.sent[sent];
                if server == self.database.server
                    && let Some(outcome) = self.database.commit(request, self.now_ms)
                {
                    self.takeovers += usize::from(matches!(request, Request::Take { .. }));
                    self.reply(sent, outcome);
                }
            }
            Event::Answered(sent) => self.hears(sent),
            Event::Ends(at) => {
                let Fencing { node: spared, works, .. } = self.fencings[at];
                if works && self.wrong != Wrong::Spared {
                    (0..NODES).filter(|node| *node != spared).for_each(|node| self.dies(node));
                }
            }
            Event::Fenced(at) => {
                let Fencing { node, run, seen, works } = self.fencings[at];
                if self.nodes[node].run == run {
                    let now_ms = self.steady_ms(node);
                    self.nodes[node].fences = false;
                    self.nodes[node].lease.fenced(now_ms, seen, works);
                    self.act(node);
                }
            }
            Event::Failover => self.failover(),
        }
    }

    fn start(&mut self, node: usize) {
        self.runs += 1;
        let now_ms = self.steady_ms(node);
        let lease = Lease::standby(now_ms);
        let lease = if self.has_fences { lease.with_fence(now_ms) } else { lease };
        let server = self.database.server;
        let it = &mut self.nodes[node];
        (it.run, it.lease, it.asked, it.batch, it.revision) = (run_of(self.runs, node), lease, None, None, None);
        it.fences = false;
        it.server = server;
        self.act(node);
    }

    /// A process ends, and another one is begun after a while.
    fn dies(&mut self, node: usize) {
        if self.nodes[node].run == 0 {
            return; // another one is to begin already
        }
        self.nodes[node].run = 0;
        self.nodes[node].paused = false;
        self.nodes[node].missed.clear();
        self.later(100, 20_000, Event::Start(node));
    }

    /// Another server takes over. Synchronous: all that was committed is there, and what was being committed may be. Or it has
    /// followed late, or not for long, since it was cut off: then renewals are missing also where changes wait for it.
    fn failover(&mut self) {
        self.failovers += 1;
        let most_ms = *self.random.pick(&[0, 0, 5_000, 20_000]).unwrap();
        let lost_ms = self.random.ms(0, most_ms);
        let (clock_ms, keeps) = (self.random.ms(-APART_MS, APART_MS), self.random.one_in(2));
        let is_restart = self.random.one_in(4);
        self.database.failover(self.now_ms, if is_restart { 0 } else { lost_ms }, clock_ms, keeps, is_restart);
        let database = &self.database;
        self.answered.retain(|batch| lost_ms == 0 || is_restart || database.holds(batch));
    }

    /// What a node does by itself.
    fn act(&mut self, node: usize) {
        if self.nodes[node].run == 0 || self.nodes[node].fences {
            return;
        }
        let (now_ms, wall_ms) = (self.steady_ms(node), self.now_ms + self.nodes[node].skew_ms);
        if let Some(asked) = self.nodes[node].asked
            && self.now_ms >= self.sent[asked].sent_ms + LEASE_ANSWER_MS
        {
            self.nodes[node].asked = None;
            self.reconnects(node);
            self.nodes[node].lease.answered(now_ms, LeaseAnswer::Failed);
        }
        match self.nodes[node].lease.step(now_ms) {
            LeaseStep::Ask(ask) => {
                let request = match ask {
                    LeaseAsk::Take(free) => Request::Take { wall_ms, free },
                    LeaseAsk::Renew { epoch } => Request::Renew { epoch, wall_ms },
                };
                self.nodes[node].asked = Some(self.send(node, request));
            }
            LeaseStep::Fence(seen) => return self.fence(node, seen),
            LeaseStep::Wait { .. } => {}
            LeaseStep::Over => return self.dies(node),
        }
        if let Some(epoch) = self.speaks(node) {
            self.store(node, epoch);
        }
        self.later(50, 250, Event::Wake(node));
    }

    /// Has all other nodes ended, if that works; some of them have begun again when it hears of it.
    fn fence(&mut self, node: usize, seen: LeaseSeen) {
        let (run, works, at) = (self.nodes[node].run, !self.random.one_in(4), self.fencings.len());
        self.fencings.push(Fencing { node, run, seen, works });
        self.nodes[node].fences = true;
        let (ends_ms, heard_ms) = (self.random.ms(1, 3_000), self.random.ms(1, 2_000));
        self.later(ends_ms, ends_ms, Event::Ends(at));
        self.later(ends_ms + heard_ms, ends_ms + heard_ms, Event::Fenced(at));
    }

    /// Begins to store a batch, or again what is not known to be stored.
    fn store(&mut self, node: usize, epoch: u64) {
        let again = match self.nodes[node].batch {
            Some((_, sent)) if self.now_ms < self.sent[sent].sent_ms + COMMIT_PATIENCE_MS => return,
            Some((batch, _)) => {
                self.reconnects(node);
                Some(batch)
            }
            None => None,
        };
        let run = self.nodes[node].run;
        let request = match (again, self.nodes[node].revision) {
            (Some(batch), _) => Request::Commit { batch },
            (None, None) => Request::Load, // a store is read once the lease is held
            (None, Some(revision)) => {
                let revision = revision + 1;
                Request::Commit { batch: Batch { revision, epoch, run, id: self.count } }
            }
        };
        let batch = match request {
            Request::Commit { batch } => batch,
            _ => Batch::default(),
        };
        let sent = self.send(node, request);
        self.nodes[node].batch = Some((batch, sent)).filter(|_| request != Request::Load);
    }

    fn reconnects(&mut self, node: usize) {
        self.nodes[node].server = self.database.server;
    }

    fn send(&mut self, node: usize, request: Request) -> usize {
        let place = self.sent.len();
        let Node { run, server, .. } = self.nodes[node];
        self.sent.push(Sent { node, run, server, request, sent_ms: self.now_ms, outcome: None });
        if self.is_quiet() || !self.random.one_in(20) {
            let most_ms = if !self.is_quiet() && self.random.one_in(30) { 25_000 } else { 20 };
            self.later(1, most_ms, Event::Arrives(place));
        }
        place
    }

    fn arrives(&mut self, sent: usize) {
        let Sent { server, request, run, .. } = self.sent[sent];
        if server != self.database.server {
            return; // that one is gone
        }
        if let Some(free_ms) = self.database.busy_until(&request) {
            let wait_ms = free_ms - self.now_ms;
            return self.later(wait_ms, wait_ms, Event::Arrives(sent));
        }
        // Some commits wait for the synchronous standby for long.
        let takes_ms = if !self.is_quiet() && self.random.one_in(40) { self.random.ms(0, 15_000) } else { 2 };
        match self.database.begin(run, request, self.now_ms, takes_ms) {
            Begun::Holds(takes_ms) => self.later(takes_ms, takes_ms, Event::Commits(sent)),
            Begun::Done(outcome) => self.reply(sent, outcome),
        }
    }

    fn reply(&mut self, sent: usize, outcome: Outcome) {
        self.sent[sent].outcome = Some(outcome);
        if self.is_quiet() || !self.random.one_in(20) {
            self.later(1, 20, Event::Answered(sent));
        }
    }

    /// What came of a request; of one that is not waited for any more, nothing.
    fn hears(&mut self, sent: usize) {
        let Sent { node, run, outcome, .. } = self.sent[sent];
        let (now_ms, it) = (self.steady_ms(node), &mut self.nodes[node]);
        let Some(outcome) = outcome.filter(|_| it.run == run) else { return };
        if let (true, Outcome::Lease(answer)) = (it.asked == Some(sent), outcome) {
            it.asked = None;
            it.lease.answered(now_ms, answer);
            if let (Wrong::NoDeadline, Standing::Holds { until_ms, .. }) = (self.wrong, &mut it.lease.standing) {
                *until_ms = i64::MAX;
            }
        } else if let Outcome::Loaded { revision } = outcome {
            it.revision.get_or_insert(revision);
        } else if let Some((batch, _)) = it.batch.filter(|(_, waits)| *waits == sent) {
            match outcome {
                Outcome::Stored => {
                    (it.batch, it.revision) = (None, Some(batch.revision));
                    if self.database.holds(&batch) || !self.database.is_lossy {
                        self.answered.push(batch);
                    }
                }
                _ => return self.dies(node), // fenced
            }
        }
        if self.nodes[node].lease.standing == Standing::Over {
            self.dies(node);
        }
    }
}

/// A number for the process that is the so-manieth one of all, on that node.
fn run_of(number: u64, node: usize) -> u64 {
    number * NODES as u64 + node as u64
}

/// On which node a process runs.
fn node_of(run: u64) -> usize {
    (run % NODES as u64) as usize
}
