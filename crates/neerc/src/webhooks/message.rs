//! What programs are told of one change: as an entry of the history, and in the message that a webhook sends of it.

use neerc_core::change::{Change, Entry};
use neerc_core::face::timeline::export::{change_name, rfc3339};
use neerc_core::people::Person;
use neerc_core::task::Status;
use serde_json::{Map, Value, json};

/// What messages tell of: what happens to tasks, plans and the contest.
pub const TYPES: [&str; 16] = [
    "created",
    "edited",
    "answered",
    "removed",
    "restored",
    "planned",
    "unplanned",
    "replanned",
    "plan-lapsed",
    "deadline",
    "reminded",
    "checklist-begun",
    "checklist-stopped",
    "clock",
    "rehearsal",
    "rehearsal-ended",
];

/// A message, the same however often it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// By which its receiver tells that it comes again.
    pub id: String,
    /// JSON.
    pub body: String,
}

impl Message {
    /// What is sent of a change; nothing of those that concern one person alone: sessions, tokens, what they are told.
    pub fn of(host: &str, generation: u64, entry: &Entry) -> Option<Message> {
        let what = change_name(&entry.change);
        if !TYPES.contains(&what) {
            return None;
        }
        let mut data = change(host, entry);
        data.insert("room".to_owned(), json!(*entry.room));
        data.insert("generation".to_owned(), json!(format!("{generation:x}")));
        let body = json!({"type": what, "timestamp": rfc3339(entry.at_ms), "data": data});
        // In a store that was restored from a copy a revision is another change, at another time.
        let id = format!("{}-{}-{}", entry.room, entry.revision, entry.at_ms);
        Some(Message { id, body: body.to_string() })
    }
}

/// One change, for those who know the users of `host` by their short names.
pub fn change(host: &str, entry: &Entry) -> Map<String, Value> {
    let name = |person: &Person| json!(person.name(host));
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| _ = shown.insert(name.to_owned(), value);
    put("revision", json!(entry.revision));
    put("at", json!(rfc3339(entry.at_ms)));
    put("by", name(&entry.by));
    put("what", json!(change_name(&entry.change)));
    let statuses = |all: &[(Person, Status)]| {
        let status = |(person, status): &(Person, Status)| json!({"for": name(person), "status": status.progress.name(), "value": status.value()});
        Value::Array(all.iter().map(status).collect())
    };
    if let Some(task) = entry.change.task() {
        put("task", json!(task.wire_id()));
    }
    match &entry.change {
        Change::Created { title, kind, statuses: all, .. } => {
            put("title", json!(title.as_str()));
            put("kind", json!(kind.name()));
            put("statuses", statuses(all));
        }
        Change::Edited { title, kind, set, unassigned, .. } => {
            if let Some(title) = title {
                put("title", json!(title.as_str()));
            }
            if let Some(kind) = kind {
                put("kind", json!(kind.name()));
            }
            put("statuses", statuses(set));
            put("unassigned", Value::Array(unassigned.iter().map(name).collect()));
        }
        Change::Answered { person, status, .. } => {
            put("statuses", statuses(&[(person.clone(), status.clone())]));
        }
        Change::Planned(planned) => put("plan", json!(planned.id.to_string())),
        Change::Unplanned { plan } | Change::Replanned { plan, .. } | Change::Lapsed { plan, .. } => {
            put("plan", json!(plan.to_string()))
        }
        _ => {}
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use neerc_core::task::{Progress, TaskId};
    use neerc_core::watch::Watch;

    fn entry(change: Change) -> Entry {
        let by = Person::named("hall1", "localhost");
        Entry { revision: 4711, room: "neerc".into(), at_ms: 1_764_153_667_123, by, change, request: None }
    }

    #[test]
    fn a_message_says_what_happened_as_the_history_does() {
        let person = Person::named("hall1", "localhost");
        let status = Status::new(Progress::Fail, "no <paper>").unwrap();
        let message =
            Message::of("localhost", 0x5ed, &entry(Change::Answered { task: TaskId(17), person, status })).unwrap();
        assert_eq!(message.id, "neerc-4711-1764153667123");
        assert_eq!(
            serde_json::from_str::<Value>(&message.body).unwrap(),
            json!({
                "type": "answered",
                "timestamp": "2025-11-26T10:41:07.123Z",
                "data": {
                    "revision": 4711,
                    "room": "neerc",
                    "generation": "5ed",
                    "at": "2025-11-26T10:41:07.123Z",
                    "by": "hall1",
                    "what": "answered",
                    "task": "t17",
                    "statuses": [{"for": "hall1", "status": "fail", "value": "no <paper>"}],
                },
            })
        );
    }

    #[test]
    fn what_concerns_one_person_alone_is_not_sent() {
        let person = Person::named("hall1", "localhost");
        assert_eq!(Message::of("localhost", 0x5ed, &entry(Change::Watched { person, watch: Watch::default() })), None);
    }
}
