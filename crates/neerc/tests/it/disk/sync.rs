//! A sync that fails, once. Nobody knows then what is on disk, and asking again would only hide it: the program answers
//! nothing of what was under way as done, and ends with a message. The next start goes by what is on disk.

use super::faults::{Deed, Faults, STORE};
use super::load::{Load, log_of};
use super::power::{Run, cuts, seeded};
use crate::fake::FakeServer;
use crate::trust;
use neerc_store::Url;

/// Batches within which the sync that fails has to come.
const BATCHES: usize = 200;

#[test]
fn a_sync_that_fails_ends_the_program_and_what_was_answered_is_there() {
    let times = trust::times(6, 30);
    let (listener, mut neerc) = FakeServer::prepare(STORE);
    let faults = Faults::under(&mut neerc);
    let mut load = Load::default();
    let mut unanswered = 0;
    for time in 0..times {
        let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
        load.write_all(&mut fake, &faults, 1);
        load.assert_in(&log_of(&faults.store()).unwrap());
        let (from, old_log) = (faults.trace_len(), neerc.log().len());
        faults.fail_sync(1 + time);
        let ended = (0..BATCHES).find_map(|_| {
            let before = load.answered.len();
            let outcome = load.write(&mut fake, &faults, 1 + time % 5);
            assert!(outcome.refused.is_empty(), "{outcome:?}");
            let answered = load.answered.len() - before;
            outcome.is_ended.then_some(1 + time % 5 - answered)
        });
        unanswered += ended.expect("a sync failed, and the program goes on");
        assert_eq!(neerc.wait_for_exit().code(), Some(1));
        let said = neerc.log().split_off(old_log);
        assert!(said.contains("leaves it unknown what is on disk"), "{said}");
        let failed = faults.trace(from).into_iter().filter(|record| record.deed == Deed::FailedSync).count();
        assert_eq!(failed, 1);
    }
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    load.write_all(&mut fake, &faults, 1);
    neerc.terminate();
    neerc_store::verify(&Url::Sqlite(faults.store())).unwrap();
    // Nor is anything lost if the power goes as well, be it before the end, after the next start or much later.
    let (run, mut rng) = (Run::new(&faults, &load), seeded());
    let points = run.moments(10 * times, &mut rng);
    let wrong = cuts(&run, points, &mut rng, |_, _| true);
    assert!(wrong.is_empty(), "{} of {}: {:#?}", wrong.len(), 10 * times, &wrong[..wrong.len().min(10)]);
    println!("{times} failed syncs: {} changes answered, {unanswered} left without an answer", load.answered.len());
    let outcome = format!(
        "0 of {} answered changes lost, also not in {} power cuts meanwhile; {unanswered} left unanswered, a message \
         each",
        load.answered.len(),
        10 * times
    );
    trust::report("P1", "a sync fails (EIO)", times, &outcome);
}
