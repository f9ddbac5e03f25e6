//! Changes that dribble in, as where many clients ask again as soon as they are answered: everything else that the loop
//! listens to is heard meanwhile.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::fake::{FakeServer, OCCUPANTS};
use crate::said::NS;

/// From one change to the next: a few of them come while one is being stored.
const BETWEEN: Duration = Duration::from_micros(300);
/// Changes between two questions.
const CHANGES: usize = 60;
const QUESTIONS: usize = 50;
/// A machine that is busy with other tests has to be able to keep this.
const AT_ONCE: Duration = Duration::from_millis(100);

/// Asks the program how it is, as `neerc status` does; how long that took.
fn ask(socket: &std::path::Path) -> Duration {
    let began = Instant::now();
    let mut answer = String::new();
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(b"{}\n").unwrap();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"ready\":true"), "{answer}");
    began.elapsed()
}

#[test]
fn a_question_and_a_signal_are_heard_at_once_while_changes_dribble_in() {
    let (mut fake, mut neerc) = FakeServer::start();
    let task = format!("<task xmlns='{NS}#task' title='T' type='todo'><status for='hall1'/></task>");
    fake.send(&fake.iq(OCCUPANTS[0].1, "set", "task", &task));
    fake.expect(|said| said.id == "task");
    let socket = neerc.dir.join("neerc.db.sock");
    let mut took = Vec::new();
    let mut sent = 0;
    for question in 0..QUESTIONS {
        for _ in 0..CHANGES {
            let status = format!("<taskstatus xmlns='{NS}#taskstatus' id='1' type='running' value='v{sent}'/>");
            fake.send(&fake.iq(OCCUPANTS[1].1, "set", &format!("c{sent}"), &status));
            sent += 1;
            std::thread::sleep(BETWEEN);
        }
        took.push(ask(&socket));
        let last = format!("c{}", sent - 1);
        assert_eq!(fake.expect(|said| said.id == last).kind, "result", "before question {question}");
    }
    took.sort_unstable();
    assert!(took[QUESTIONS / 2] < AT_ONCE, "{took:?}");
    let status = format!("<taskstatus xmlns='{NS}#taskstatus' id='1' type='running' value='last'/>");
    fake.send(&fake.iq(OCCUPANTS[1].1, "set", "last", &status).repeat(20));
    let (status, took) = neerc.terminate();
    assert!(status.success() && took < Duration::from_secs(9), "{status} after {took:?}");
}
