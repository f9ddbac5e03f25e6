//! A disk that fills up within a write, at any byte of it: the write is refused whole, reads go on, and once there is
//! room writes are taken again. A short write before the error is what real disks do, too.

use super::faults::{Deed, Faults, STORE};
use super::load::{Load, log_of};
use crate::fake::FakeServer;
use crate::said::{NS, Said};
use crate::trust;
use crate::wait::wait_for;
use neerc_store::Url;

/// More than a batch of the largest kind here writes.
const MOST_BYTES: usize = 60_000;
/// Batches within which a disk with no more room than that must be full.
const BATCHES: usize = 40;

#[test]
fn a_disk_that_fills_up_anywhere_in_a_write_loses_nothing() {
    let times = trust::times(20, 200);
    let (listener, mut neerc) = FakeServer::prepare(STORE);
    let faults = Faults::under(&mut neerc);
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    let mut load = Load::default();
    load.write_all(&mut fake, &faults, 1);
    let (mut refusals, mut tasks) = (0, 1);
    for time in 0..times {
        let from = faults.trace_len();
        faults.fill(MOST_BYTES * time / times);
        let refused = (0..BATCHES).find_map(|_| {
            let outcome = load.write(&mut fake, &faults, 1 + time % 7);
            assert!(!outcome.is_ended, "{}", neerc.log());
            (!outcome.refused.is_empty()).then_some(outcome.refused)
        });
        for refusal in refused.expect("the disk is full") {
            assert_eq!(refusal.condition, "internal-server-error", "{}", refusal.xml);
            assert!(refusal.xml.replace('"', "'").contains("type='wait'"), "{}", refusal.xml);
            refusals += 1;
        }
        tasks = assert_listed(&mut fake, &load, tasks);
        if time % 5 == 0 {
            // Copying the write-ahead log back fails as well, and that is to do no harm either.
            wait_for("the database itself cannot be written", || {
                let full = |name: &str, deed: &Deed| name == "neerc.db" && *deed == Deed::RefusedFull;
                faults.trace(from).iter().any(|record| full(&record.name, &record.deed))
            });
        }
        faults.make_room();
        load.write_all(&mut fake, &faults, 1 + time % 7);
    }
    assert_listed(&mut fake, &load, tasks);
    neerc.kill9();
    let fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    neerc_store::verify(&Url::Sqlite(faults.store())).unwrap();
    let log = log_of(&faults.store()).unwrap();
    load.assert_in(&log);
    assert_eq!(log.len(), load.answered.len(), "what was refused is not there");
    drop(fake);
    println!("{times} times full: {} changes answered, {refusals} refused", log.len());
    let outcome = format!("0 of {} answered changes lost, 0 of {refusals} refused ones stored, 0 restarts", log.len());
    trust::report("P1", "disk full at bytes 0 to 60,000 of what is written", times, &outcome);
}

/// Reading goes on, and shows what was answered; how many tasks there are.
#[track_caller]
fn assert_listed(fake: &mut FakeServer, load: &Load, before: usize) -> usize {
    let query = fake.iq("jury1@localhost/desk", "get", "list", &format!("<query xmlns='{NS}#tasks'/>"));
    fake.send(&query);
    let tasks = Said::listed(fake.expect(|said| said.id == "list")).len();
    let created = load.answered.iter().filter(|change| change.text.starts_with('t')).count();
    assert!(tasks == created && tasks >= before, "{tasks} tasks are listed, {created} were created");
    tasks
}
