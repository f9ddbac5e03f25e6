//! Changes that are asked for, and which of them were answered when: what must be on disk from then on.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::faults::Faults;
use crate::fake::FakeServer;
use crate::said::{NS, Said};

/// Of so many changes one is a new task; the others are answers.
const CHANGES_PER_TASK: usize = 10;

/// A change that was answered with a result.
#[derive(Clone, Debug)]
pub struct Answered {
    /// A text that is in this change and no other.
    pub text: String,
    /// How long the trace was when the answer had come: it was made before.
    pub at: u64,
}

/// What came of some changes.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The answers that were errors.
    pub refused: Vec<Said>,
    /// The program has ended instead of answering them all.
    pub is_ended: bool,
}

/// Somebody who writes.
#[derive(Debug, Default)]
pub struct Load {
    /// All that was answered with a result, in order.
    pub answered: Vec<Answered>,
    sent: usize,
    tasks: usize,
}

impl Load {
    /// Asks for so many changes at once, and waits for the answers.
    pub fn write(&mut self, fake: &mut FakeServer, faults: &Faults, changes: usize) -> Outcome {
        let mut open = BTreeMap::new();
        let mut packets = String::new();
        for _ in 0..changes {
            self.sent += 1;
            let (id, text, packet) = self.change(fake);
            packets.push_str(&packet);
            open.insert(id, text);
        }
        fake.send(&packets);
        let mut outcome = Outcome::default();
        while !open.is_empty() {
            let Some(answer) = fake.expect_or_end(|said| said.name == "iq" && open.contains_key(&said.id)) else {
                outcome.is_ended = true;
                break;
            };
            let text = open.remove(&answer.id).expect("just found");
            if answer.kind == "error" {
                outcome.refused.push(answer);
                continue;
            }
            self.tasks += usize::from(text.starts_with('t'));
            self.answered.push(Answered { text, at: faults.trace_len() });
        }
        outcome
    }

    /// The same, where all must be done.
    #[track_caller]
    pub fn write_all(&mut self, fake: &mut FakeServer, faults: &Faults, changes: usize) {
        let outcome = self.write(fake, faults, changes);
        assert!(outcome.refused.is_empty() && !outcome.is_ended, "{outcome:?}");
    }

    /// Id, text and packet of the next change.
    fn change(&self, fake: &FakeServer) -> (String, String, String) {
        let number = self.sent;
        let id = format!("c{number}");
        if self.tasks == 0 || number.is_multiple_of(CHANGES_PER_TASK) {
            let text = format!("t{number}.");
            let people = "<status for='hall1'/><status for='hall2'/>";
            let task = format!("<task xmlns='{NS}#task' title='{text}' type='todo'>{people}</task>");
            let packet = fake.iq("jury1@localhost/desk", "set", &id, &task);
            return (id, text, packet);
        }
        let text = format!("v{number}.");
        let who = ["hall1@localhost/bad", "hall2@localhost/desk"][number % 2];
        let task = 1 + number % self.tasks;
        let status = format!("<taskstatus xmlns='{NS}#taskstatus' id='{task}' type='running' value='{text}'/>");
        let packet = fake.iq(who, "set", &id, &status);
        (id, text, packet)
    }

    /// The answered changes are all in a log.
    #[track_caller]
    pub fn assert_in(&self, log: &[Row]) {
        let revisions = revisions(log);
        for Answered { text, .. } in &self.answered {
            assert!(revisions.contains_key(text.as_str()), "{text} was answered, and is not in the log");
        }
    }
}

/// A line of the log as it is stored.
pub type Row = (i64, String, i64, String, String, i64);

/// The whole log of a store.
pub fn log_of(store: &Path) -> rusqlite::Result<Vec<Row>> {
    let file = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut log = file.prepare("SELECT revision, room, at_ms, by_jid, record, sum FROM log ORDER BY revision")?;
    log.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)))?
        .collect()
}

/// Where in a log the change with each text is.
pub fn revisions(log: &[Row]) -> HashMap<&str, u64> {
    fn text(row: &Row) -> Option<&str> {
        let (_, rest) = row.4.split_once("\"title\":\"").or_else(|| row.4.split_once("\"value\":\""))?;
        Some(rest.split_once('"')?.0)
    }
    log.iter().filter_map(|row| Some((text(row)?, row.0.unsigned_abs()))).collect()
}
