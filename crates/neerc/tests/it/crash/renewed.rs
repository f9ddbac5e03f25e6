//! The service is given other settings, or replaced by a new process on its store, while everybody works: each request is
//! answered, nothing that was answered is lost, and everybody hears of all of it.

use super::*;
use std::fs;

on_both!(no_request_is_lost_by_changed_settings_under_load, a_new_process_on_the_same_store_loses_nothing_under_load);

/// After so many changed settings it is looked whether all is told.
const RELOADS_AT_ONCE: usize = 50;
/// Of so many sessions one may be without an answer after an upgrade: ejabberd loses a request that reaches it just when it
/// closes a component's connection, and tells nobody.
const LOST_BY_EJABBERD: usize = 20;
/// How long a session waits after the server has said that nobody serves.
const PAUSE: Duration = Duration::from_millis(20);

impl Session {
    /// Writes until `stop`, whoever serves. How often the server had to say that nobody does.
    fn work_on(&mut self, stop: &AtomicBool, answered: &AtomicU64) -> usize {
        let mut bounced = 0;
        while !stop.load(Ordering::Relaxed) && !self.is_silent() {
            if self.write(stop) {
                answered.fetch_add(1, Ordering::Relaxed);
            } else if self.open.is_none() && !stop.load(Ordering::Relaxed) {
                bounced += 1;
                poll_for(PAUSE, || None::<()>);
            }
        }
        bounced
    }

    /// Waits for the answer that has not come yet, up to that moment. What came of it.
    #[track_caller]
    fn hears_out(&mut self, deadline: Instant) -> Outcome {
        while self.open.is_some() {
            let Ok(text) = self.raw.stanza(deadline.saturating_duration_since(Instant::now())) else {
                return Outcome::Nothing;
            };
            if let Some(error) = self.take(&text) {
                assert!(BOUNCES.contains(&error.condition.as_str()), "{}: {}", self.name, error.xml);
                return Outcome::Bounced;
            }
        }
        Outcome::Answered
    }
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Answered,
    /// The server said that nobody serves.
    Bounced,
    /// Nobody said anything.
    Nothing,
}

/// Waits for all answers that have not come yet: how many requests were bounced, and how many got no answer.
#[track_caller]
fn all_hear_out(sessions: &mut [Session]) -> (usize, usize) {
    let deadline = Instant::now() + PATIENCE;
    let outcomes: Vec<Outcome> = sessions.iter_mut().map(|session| session.hears_out(deadline)).collect();
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    (count(Outcome::Bounced), count(Outcome::Nothing))
}

/// Everybody works while `what` is done, as often as answers come in between.
fn under_load(sessions: &mut [Session], mut what: impl FnMut(&AtomicU64)) -> (usize, u64) {
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let bounced = std::thread::scope(|scope| {
        let (stop, answered) = (&stop, &answered);
        let working: Vec<_> =
            sessions.iter_mut().map(|session| scope.spawn(move || session.work_on(stop, answered))).collect();
        // Also where what is done fails, nobody works on.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| what(answered)));
        stop.store(true, Ordering::Relaxed);
        let bounced = working.into_iter().map(|session| session.join().expect("it worked")).sum();
        done.map(|()| bounced).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    (bounced, answered.into_inner())
}

/// Waits until somebody was answered once more.
#[track_caller]
fn answered_again(answered: &AtomicU64) {
    let before = answered.load(Ordering::Relaxed);
    wait_for("an answer", || answered.load(Ordering::Relaxed) > before);
}

/// What holds whenever nobody writes: what was answered is there, once, and everybody has heard of it.
#[track_caller]
fn all_is_told(neerc: &Neerc<'_>, sessions: &mut [Session], log_before: u64, answered_before: u64) -> Tasks {
    let truth = sessions[0].list();
    let happened = sessions.iter_mut().map(|session| session.compare(&truth)).filter(|did| *did).count() as u64;
    let done = sessions.iter().map(|session| session.answered).sum::<u64>() - answered_before;
    assert_eq!(log_len(neerc) - log_before, done + happened, "each change is in the log once");
    sessions.iter_mut().filter(|session| session.is_listening).for_each(|session| session.hear(&truth));
    assert_one_order(sessions);
    truth
}

/// Somebody who asks for the tasks again and again until they are told.
struct Probe {
    raw: Raw,
    to: String,
    asked: usize,
}

impl Probe {
    #[track_caller]
    fn is_served_again(&mut self) {
        let before = self.asked;
        wait_for("a list of the new process", || {
            self.asked += 1;
            let id = format!("probe{}", self.asked);
            self.raw.send(&format!("<iq to='{}' type='get' id='{id}'><query xmlns='{NS}#tasks'/></iq>", self.to));
            let until = Instant::now() + 5 * GLANCE;
            while let Ok(text) = self.raw.stanza(until.saturating_duration_since(Instant::now())) {
                let said = Said::read(&text);
                let number = said.id.strip_prefix("probe").and_then(|number| number.parse::<usize>().ok());
                match (number.is_some_and(|number| number > before), said.kind.as_str()) {
                    (true, "result") => return true,
                    (true, _) if said.id == id => return false,
                    _ => {}
                }
            }
            false
        });
    }
}

/// Settings, each time others. Of ten one is none, and one needs a restart.
fn settings(number: usize) -> (String, &'static str) {
    let taken = "the configuration was taken as it is now";
    let refused = "the changed configuration was not taken";
    let groups = if number.is_multiple_of(2) { "hall*" } else { "hall1" };
    let text = format!(
        "[[groups]]\nname = \"Group {number}\"\nmembers = [\"{groups}\"]\n[limits]\nrequests_per_second = {}\n\
         requests_burst = 100000\nrequests_burst_of_power = 100000\nanswers_kib_per_second = {}\n\
         answers_burst_kib = 1000000\nstored_mib_per_day = {number}000\n[tasks]\nspacing_ms = {}\nwiki_packet = {}\n\
         max_stanza_bytes = {}\nremind_min = {}\nplan_lapses_min = {}\n[store]\nkeep_days = {}\n[texts]\nlanguage = \"{}\"\n[rooms]\nadmit_unaffiliated = {}\n",
        number % 2 * 100_000,
        number % 3 * 500_000,
        number % 4 * 20,
        number.is_multiple_of(5),
        262_144 - number,
        number % 7 + 1,
        number % 3 * 60,
        number % 4,
        if number.is_multiple_of(2) { "en" } else { "ru" },
        number.is_multiple_of(3),
    );
    match number % 10 {
        4 => (text.replace("language = \"", "language = \"x"), refused),
        7 => (format!("{text}[contact]\nadmin = [\"xmpp:{number}@localhost\"]\n"), refused),
        _ => (text, taken),
    }
}

fn no_request_is_lost_by_changed_settings_under_load(kind: Kind) {
    let times = trust::times(100, 1_000).div_ceil(2);
    let mut rng = Rng::with_seed(fastrand::u64(..));
    let server = Server::launch(kind, Options::default());
    let (mut neerc, mut sessions) = stage(&server, &mut rng);
    let base = fs::read_to_string(neerc.config()).unwrap();
    let mut all = 0;
    // Whoever is told nothing learns in between which tasks are theirs, so that the board does not become too long to be listed.
    for first in (1..=times).step_by(RELOADS_AT_ONCE) {
        let (log_before, answered_before) = (log_len(&neerc), sessions.iter().map(|session| session.answered).sum());
        let (bounced, answered) = under_load(&mut sessions, |answered| {
            for number in first..(first + RELOADS_AT_ONCE).min(times + 1) {
                let (settings, outcome) = settings(number);
                fs::write(neerc.config(), &base).unwrap();
                neerc.lay(&settings);
                let old_log = neerc.log().len();
                neerc.signal("HUP");
                neerc.wait_for_log(outcome, old_log);
                answered_again(answered);
            }
        });
        assert_eq!(bounced, 0, "somebody was told that nobody serves");
        assert_eq!(all_hear_out(&mut sessions), (0, 0), "told that nobody serves, never answered");
        all_is_told(&neerc, &mut sessions, log_before, answered_before);
        all += answered;
    }
    trust::report(
        "P1",
        &format!("SIGHUP with other settings under load of {} sessions, {kind:?}", sessions.len()),
        times,
        &format!("0 of {all} requests lost, 0 changes untold"),
    );
}

fn a_new_process_on_the_same_store_loses_nothing_under_load(kind: Kind) {
    let times = trust::times(6, 50).div_ceil(2);
    let mut rng = Rng::with_seed(fastrand::u64(..));
    let server = Server::launch(kind, Options::default());
    let (mut neerc, mut sessions) = stage(&server, &mut rng);
    let mut probe = Probe { raw: Raw::login(&server, "jury1", "probe"), to: sessions[0].to.clone(), asked: 0 };
    let (mut gaps, mut all, mut refused, mut lost) = (Vec::new(), 0, 0, 0);
    for _ in 0..times {
        let (log_before, answered_before) = (log_len(&neerc), sessions.iter().map(|session| session.answered).sum());
        let (bounced, answered) = under_load(&mut sessions, |answered| {
            answered_again(answered);
            let began = Instant::now();
            assert!(neerc.terminate().0.success());
            neerc.spawn();
            probe.is_served_again();
            gaps.push(began.elapsed());
        });
        (refused, all) = (refused + bounced, all + answered);
        // Whatever was on its way is answered: by the one process, by the next, or by the server.
        let (bounced, unanswered) = all_hear_out(&mut sessions);
        (refused, lost) = (refused + bounced, lost + unanswered);
        let lost_by_server = if kind == Kind::Ejabberd { sessions.len() / LOST_BY_EJABBERD } else { 0 };
        assert!(unanswered <= lost_by_server, "{unanswered} requests were never answered");
        all_is_told(&neerc, &mut sessions, log_before, answered_before);
    }
    let taken_up = taken_up(&neerc.log());
    gaps.sort();
    let (middle, longest) = (gaps[gaps.len() / 2], gaps[gaps.len() - 1]);
    println!("{kind:?}: {all} answered, {taken_up} taken up, {refused} bounced, {lost} never answered, gaps {gaps:?}");
    trust::report(
        "P1",
        &format!("upgrade under load of {} sessions, {kind:?}", sessions.len()),
        times,
        &format!(
            "0 of {all} answered changes lost, 0 untold, {lost} requests without an answer; {taken_up} were taken up by the \
             next process, {refused} refused by the server; served again {middle:.2?} after the order to end, at \
             most {longest:.2?}"
        ),
    );
}

/// How many requests were left by a process and answered by the next.
fn taken_up(log: &str) -> u64 {
    let lines = log
        .lines()
        .filter_map(|line| line.split_once(" requests that came while the service was stopping are answered"));
    lines.filter_map(|(before, _)| before.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}
