//! Stores whose changes are years old, which everybody was told of.

use neerc_core::change::{Change, Entry};
use neerc_core::people::Person;
use neerc_core::task::{Kind, Progress, Status, TaskId, Title};
use neerc_store::Url;
use std::path::Path;

/// Stores a task of a room and then answers to it, each of which is that long.
pub fn fill(file: &Path, room: &str, changes: u64, answer_bytes: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let opened = neerc_store::open(&Url::Sqlite(file.to_owned())).unwrap();
        let entries = (1..=changes).map(|revision| entry(revision, room, answer_bytes));
        opened.store.commit(entries.collect::<Vec<_>>()).await.unwrap();
        opened.store.told(changes);
        opened.store.close().await.unwrap();
    });
}

fn entry(revision: u64, room: &str, answer_bytes: usize) -> Entry {
    let (task, by, at_ms) = (TaskId(1), Person::from_bare("hall1@localhost"), 1_000 * revision as i64);
    let change = match revision {
        1 => {
            let (title, statuses) = (Title::parse("Water").unwrap(), vec![(by.clone(), Status::NONE)]);
            Change::Created { task, title, kind: Kind::Todo, timestamp_ms: at_ms, statuses, plan: None, deadline: None }
        }
        _ => {
            let value = format!("step {revision} {}", "x".repeat(answer_bytes));
            Change::Answered { task, person: by.clone(), status: Status::new(Progress::Running, &value).unwrap() }
        }
    };
    Entry { revision, room: room.into(), at_ms, by, change, request: None }
}
