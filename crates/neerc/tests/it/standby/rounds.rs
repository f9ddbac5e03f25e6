//! Whatever fails of two machines with two servers of one database, again and again while people work: nothing that was
//! answered is missing, nobody is told anything out of order, no two epochs store anything beside each other, and never
//! do two services speak. What each of them says to the chat server passes a recorder.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::rig::{Clocks, PLAIN, Rig, Setup, faketime, with_chat_server, with_two_machines};
use crate::servers::{Kind, Server};
use crate::trust;

/// How many pairs of machines of each setup fail at a time in the long form, if nothing else is wanted: they wait most of the
/// time.
const LANES: usize = 3;

/// Something that goes wrong.
struct Trial {
    /// In words, for the table.
    what: &'static str,
    /// Does it. From when on people wait for the service, and for nothing else.
    happens: fn(&mut Rig<'_>) -> Instant,
    /// Takes it back, after people were answered again.
    ends: fn(&mut Rig<'_>),
}

impl Trial {
    fn name(&self, setup: Setup, kind: Kind) -> String {
        let setup = match setup {
            Setup { clocks: Clocks::Apart, .. } => ", clocks twenty minutes apart",
            Setup { has_fences: true, .. } => ", with store.fence",
            _ => "",
        };
        format!("{}{setup}, {kind:?}", self.what)
    }
}

fn nothing(_: &mut Rig<'_>) {}

macro_rules! trials {
    ($($name:ident: $what:literal, $happens:ident, $ends:expr;)+) => {
        $(const $name: Trial = Trial { what: $what, happens: |rig| rig.$happens(), ends: $ends };)+
        const TRIALS: &[Trial] = &[$($name),+];
    };
}

trials! {
    DATABASE_KILLED: "database killed, the other one promoted", database_is_killed, nothing;
    BOTH_KILLED: "database and service killed, the other database promoted", both_are_killed, nothing;
    NOTHING_ARRIVES: "all lost that the service sends to the database", nothing_arrives, |rig| rig.ways_are_mended();
    NOTHING_COMES_BACK: "all lost that the database sends to the service", nothing_comes_back, |rig| rig.ways_are_mended();
    STARTED_AGAIN: "database killed in a commit and started again", database_starts_again_in_commit, nothing;
    SERVICE_KILLED: "service killed", service_is_killed, nothing;
    SERVICE_PAUSED: "service paused until the other one serves", service_is_paused, |rig| rig.service_goes_on();
    SERVICE_ENDED: "service ended as usual", service_is_ended, nothing;
    BOTH_BEGIN: "both services started at the same moment", both_services_begin, |rig| rig.one_stands_by();
    DATABASE_HANGS: "database paused until the service gives up", database_hangs, nothing;
    DATABASE_PAUSED: "database paused for 3 s", database_is_paused, nothing;
    CONNECTIONS_LOST: "connections that carry nothing to the database any more", connections_are_lost, |rig| rig.ways_are_mended();
    CONNECTIONS_DEAF: "connections that carry nothing back any more", connections_are_deaf, |rig| rig.ways_are_mended();
    COMMIT_CUT: "connection cut before a commit", commit_is_cut, nothing;
    COMMIT_CUT_SENT: "connection cut after a commit", commit_is_cut_when_sent, nothing;
    COMMIT_CUT_ANSWERED: "connection cut before the answer to a commit", commit_is_cut_when_answered, nothing;
}

/// What clocks might matter to.
const WITH_CLOCKS: &[Trial] = &[SERVICE_KILLED, DATABASE_KILLED, SERVICE_PAUSED, BOTH_KILLED, SERVICE_ENDED];

/// What a machine might end the service of the other one for, and what not.
const WITH_FENCES: &[Trial] =
    &[SERVICE_PAUSED, SERVICE_KILLED, DATABASE_KILLED, BOTH_KILLED, NOTHING_ARRIVES, SERVICE_ENDED];

on_both!(nobody_is_fooled_whatever_fails, nobody_is_fooled_in_hours);

/// One round of those that differ most, other ones beside each server.
fn nobody_is_fooled_whatever_fails(kind: Kind) {
    let (setup, trials) = match kind {
        Kind::Prosody => (PLAIN, [&BOTH_BEGIN, &SERVICE_PAUSED, &COMMIT_CUT_SENT, &BOTH_KILLED]),
        Kind::Ejabberd => {
            let setup = Setup { has_fences: true, ..apart() };
            (setup, [&SERVICE_ENDED, &SERVICE_PAUSED, &COMMIT_CUT_ANSWERED, &NOTHING_COMES_BACK])
        }
    };
    with_chat_server(kind, |server| {
        with_two_machines(server, setup, |rig| {
            for trial in trials {
                round(rig, trial);
            }
        });
    });
}

/// Clocks twenty minutes apart, if that can be done here.
fn apart() -> Setup {
    match faketime() {
        Some(_) => Setup { clocks: Clocks::Apart, ..PLAIN },
        None => {
            eprintln!("SKIPPED: clocks that differ, since there is no faketime; scripts/setup test installs it");
            PLAIN
        }
    }
}

/// Does it once, and puts everything right again. How long people waited.
fn round(rig: &mut Rig<'_>, trial: &Trial) -> Duration {
    rig.is_answered();
    let since = (trial.happens)(rig);
    rig.is_answered();
    let waited = since.elapsed();
    (trial.ends)(rig);
    rig.put_right();
    rig.assert_nobody_was_fooled();
    waited
}

/// What came of the rounds of a trial.
#[derive(Clone, Default)]
struct Outcome {
    waited: Vec<Duration>,
    answered: usize,
    heard: usize,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut waited: Vec<f64> = self.waited.iter().map(Duration::as_secs_f64).collect();
        waited.sort_by(f64::total_cmp);
        let at = |part: usize| waited[(waited.len() * part).div_ceil(100).max(1) - 1];
        let Outcome { answered, heard, .. } = self;
        write!(
            f,
            "0 of {answered} answered changes lost, 0 of {heard} told out of order, never two speaking or storing; "
        )?;
        write!(f, "answered again after {:.1} s, p99 {:.1} s, at most {:.1} s", at(50), at(99), at(100))
    }
}

/// What is tried on some pairs of machines at a time.
struct Series<'a> {
    kind: Kind,
    setup: Setup,
    trials: Vec<&'a Trial>,
    times: usize,
    next: AtomicUsize,
    outcomes: Mutex<Vec<Outcome>>,
}

impl<'a> Series<'a> {
    /// Of those trials the ones whose names hold what the environment wants.
    fn of(kind: Kind, setup: Setup, trials: &'a [Trial], times: usize) -> Series<'a> {
        let wanted = std::env::var("NEERC_ROUNDS_OF").unwrap_or_default();
        let trials: Vec<_> = trials.iter().filter(|trial| trial.name(setup, kind).contains(&wanted)).collect();
        let outcomes = Mutex::new(vec![Outcome::default(); trials.len()]);
        Series { kind, setup, trials, times, next: AtomicUsize::new(0), outcomes }
    }

    /// One pair of machines, on which the trials take turns until there were enough of each.
    fn run(&self, server: &Server) {
        if self.trials.is_empty() {
            return;
        }
        with_two_machines(server, self.setup, |rig| {
            let mut known = (0, 0);
            loop {
                let number = self.next.fetch_add(1, Ordering::SeqCst);
                if number >= self.times * self.trials.len() {
                    return;
                }
                let at = number % self.trials.len();
                let waited = round(rig, self.trials[at]);
                let now = rig.assert_nobody_was_fooled();
                let mut outcomes = self.outcomes.lock().unwrap();
                let outcome = &mut outcomes[at];
                outcome.waited.push(waited);
                outcome.answered += now.0 - known.0;
                outcome.heard += now.1 - known.1;
                known = now;
                println!("{}: {waited:.1?}; of {}: {outcome}", self.name(at), outcome.waited.len());
            }
        });
    }

    fn name(&self, at: usize) -> String {
        self.trials[at].name(self.setup, self.kind)
    }

    fn report(&self) {
        for (at, outcome) in self.outcomes.lock().unwrap().iter().enumerate() {
            trust::report("P1", &self.name(at), self.times, &outcome.to_string());
        }
    }
}

/// Many rounds of each, on several pairs of machines at a time.
fn nobody_is_fooled_in_hours(kind: Kind) {
    let wanted = |name: &str| std::env::var(name).ok().and_then(|number| number.parse().ok());
    let times = wanted("NEERC_ROUNDS").unwrap_or_else(|| trust::times(0, 200));
    if times == 0 {
        return; // the test before this one is the short form
    }
    let all = Series::of(kind, PLAIN, TRIALS, times);
    let with_clocks = Series::of(kind, apart(), WITH_CLOCKS, times.div_ceil(4));
    let with_fences = Series::of(kind, Setup { has_fences: true, ..PLAIN }, WITH_FENCES, times);
    with_chat_server(kind, |server| {
        thread::scope(|scope| {
            for _ in 0..wanted("NEERC_LANES").unwrap_or(LANES) {
                for series in [&all, &with_clocks, &with_fences] {
                    scope.spawn(|| series.run(server));
                }
            }
        });
    });
    all.report();
    with_clocks.report();
    with_fences.report();
}
