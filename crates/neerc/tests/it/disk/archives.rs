//! Power cuts while what is old is moved into archives: at any moment whatever was stored is in the database or in an archive,
//! whole, also where the program was killed between the two and has begun anew.

use super::faults::{Deed, Faults, Record, STORE};
use super::load::{Load, log_of};
use super::power::{Run, cuts, loose_names, seeded};
use crate::fake::FakeServer;
use crate::guard::Process;
use crate::old::fill;
use crate::service::Neerc;
use crate::trust;
use std::fs;
use std::process::Command;

const ARCHIVES: &str = "neerc.db.archive";
/// More than what a start reads, in few changes.
const CHANGES: u64 = 6_000;

/// `neerc compact`.
fn compact(neerc: &Neerc<'_>) -> Command {
    let mut command = neerc.command();
    command.args(["compact", "--keep-days", "0", "--config"]).arg(neerc.config());
    command
}

/// The service moves what it may, while others write.
fn beside(neerc: &Neerc<'_>, fake: &mut FakeServer, faults: &Faults, load: &mut Load) {
    let mut compact = Process::spawn("neerc compact", &mut compact(neerc));
    let status = loop {
        load.write_all(fake, faults, 1);
        if let Some(status) = compact.exited() {
            break status;
        }
    };
    assert!(status.success(), "{}", neerc.log());
}

/// It is done without a service, and killed once the archive has got its name; and then again, which takes the archive as
/// it is.
fn killed(neerc: &Neerc<'_>, faults: &Faults) {
    faults.end_at_move();
    for is_killed in [true, false] {
        let output = compact(neerc).envs(neerc.env.iter().cloned()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), !is_killed, "{said}");
    }
    let archives = fs::read_dir(faults.folder.join(ARCHIVES)).unwrap().count();
    assert_eq!(archives, 1, "the archive was taken as it is");
}

/// A compaction after some changes of a room, and starts after it.
fn run(is_killed: bool) -> Run {
    let (listener, mut neerc) = FakeServer::prepare(STORE);
    let faults = Faults::under(&mut neerc);
    fill(&faults.store(), "elsewhere", CHANGES, 800);
    let files = fs::read_dir(&faults.folder).unwrap().map(|file| file.unwrap());
    let before = files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect();
    let mut log = log_of(&faults.store()).unwrap();
    let mut load = Load::default();
    let mut fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    load.write_all(&mut fake, &faults, 5);
    if is_killed {
        neerc.kill9();
        killed(&neerc, &faults);
    } else {
        beside(&neerc, &mut fake, &faults, &mut load);
        load.write_all(&mut fake, &faults, 5);
        neerc.kill9();
    }
    fake = FakeServer::serve(&listener, &mut neerc, |_| String::new());
    load.write_all(&mut fake, &faults, 5);
    assert!(neerc.terminate().0.success(), "{}", neerc.log());
    let now = log_of(&faults.store()).unwrap();
    assert!(now[0].0 > 1, "something was moved");
    log.extend(now.into_iter().filter(|row| row.0 > CHANGES as i64));
    Run::after(&faults, &load, before, log)
}

/// The first record of that kind.
fn first(run: &Run, is_it: impl Fn(&Record) -> bool) -> usize {
    run.records.iter().position(is_it).expect("it was done")
}

#[test]
fn nothing_is_lost_by_a_power_cut_while_it_is_moved_into_an_archive() {
    let times = trust::times(8, 400);
    let mut rng = seeded();
    for is_killed in [true, false] {
        let run = run(is_killed);
        let loose = loose_names(&run, &mut rng);
        assert!(!loose.iter().any(|name| name.starts_with(ARCHIVES)), "killed: {is_killed}: {loose:?}");
        let made = first(&run, |record| record.name == ARCHIVES && record.deed == Deed::MadeFolder);
        let moved = first(&run, |record| matches!(record.deed, Deed::Moved { .. }));
        // Half of them around the moment at which the archive gets its name, a quarter long after it.
        let point = |at: usize| match at % 4 {
            0 | 1 => (moved + rng.usize(..40)).min(run.records.len()),
            2 => rng.usize(made..=run.records.len()),
            _ => run.records.len(),
        };
        let points: Vec<usize> = (0..times / 2).map(point).collect();
        let wrong = cuts(&run, points, &mut rng, |_, _| true);
        let shown = &wrong[..wrong.len().min(5)];
        assert!(wrong.is_empty(), "{} of {}, killed: {is_killed}: {shown:#?}", wrong.len(), times / 2);
        // Without the syncs of the folder an archive may be gone after the database has let go of what is in it.
        let end = run.records.len();
        let is_seen = |_| !cuts(&run, vec![end], &mut rng, |_, record| record.name != ARCHIVES).is_empty();
        assert!((0..100).any(is_seen), "an archive that is gone is not seen");
    }
    trust::report(
        "P1",
        "power cuts while what is old is moved into archives",
        times,
        "0 changes lost, in neither place",
    );
}
