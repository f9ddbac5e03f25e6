//! The written form of changes that were made for requests with keys, and of the requests that a room remembers.

use super::RecordError;
use super::changes::{ChangeRecord, change_of, read_change, write_change};
use neerc_core::change::Change;
use neerc_core::doors::TokenId;
use neerc_core::plan::PlanId;
use neerc_core::refusal::Refusal;
use neerc_core::requests::{KeyedRequest, KnownRequest, KnownRequests, Made};
use neerc_core::task::TaskId;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// How the record of a change begins that was made for a request with a key. No other change is called so.
const REQUESTED: &[u8] = b"{\"requested\":";

/// A change with the request that it was made for; one without is written by itself.
#[derive(Deserialize)]
struct EntryRecord<'a> {
    #[serde(borrow)]
    requested: KeyRecord<'a>,
    change: ChangeRecord<'a>,
}

/// A request with a key.
#[derive(Serialize, Deserialize)]
struct KeyRecord<'a> {
    token: u64,
    key: Cow<'a, str>,
    /// 32 hexadecimal digits.
    print: Cow<'a, str>,
}

/// A request that was done.
#[derive(Serialize, Deserialize)]
pub(super) struct RequestRecord<'a> {
    #[serde(flatten)]
    request: KeyRecord<'a>,
    at_ms: i64,
    /// The task that was made for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<u64>,
    /// The planned task that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<u64>,
}

impl<'a> KeyRecord<'a> {
    fn of(request: &'a KeyedRequest) -> KeyRecord<'a> {
        KeyRecord {
            token: request.token.0,
            key: (&*request.key).into(),
            print: format!("{:032x}", request.print).into(),
        }
    }

    fn read(&self) -> Result<Arc<KeyedRequest>, Refusal> {
        let print = u128::from_str_radix(&self.print, 16);
        let print = print.map_err(|_| Refusal::Malformed { what: "the print", wanted: "32 hexadecimal digits" })?;
        KeyedRequest::new(TokenId(self.token), &self.key, print).map(Arc::new)
    }
}

impl<'a> RequestRecord<'a> {
    pub(super) fn of(known: &'a KnownRequest) -> RequestRecord<'a> {
        let (task, plan) = match known.made {
            Made::Task(task) => (Some(task.0), None),
            Made::Plan(plan) => (None, Some(plan.0)),
            Made::Nothing => (None, None),
        };
        RequestRecord { request: KeyRecord::of(&known.request), at_ms: known.at_ms, task, plan }
    }

    fn read(&self) -> Result<KnownRequest, Refusal> {
        let made = match (self.task, self.plan) {
            (Some(task), _) => Made::Task(TaskId(task)),
            (None, Some(plan)) => Made::Plan(PlanId(plan)),
            (None, None) => Made::Nothing,
        };
        Ok(KnownRequest { request: self.request.read()?, at_ms: self.at_ms, made })
    }
}

/// The requests of a snapshot.
pub(super) fn read(records: &[RequestRecord<'_>]) -> Result<KnownRequests, Refusal> {
    Ok(KnownRequests::restore(records.iter().map(RequestRecord::read).collect::<Result<Vec<_>, _>>()?))
}

/// Encodes a change with the request that it was made for.
pub fn write_entry(change: &Change, request: Option<&KeyedRequest>) -> Result<String, RecordError> {
    let change = write_change(change)?;
    let Some(request) = request else { return Ok(change) };
    let request = serde_json::to_string(&KeyRecord::of(request))?;
    Ok(format!("{{\"requested\":{request},\"change\":{change}}}"))
}

/// Decodes what [`write_entry`] encoded.
pub fn read_entry(record: &[u8]) -> Result<(Change, Option<Arc<KeyedRequest>>), RecordError> {
    if !record.starts_with(REQUESTED) {
        return Ok((read_change(record)?, None));
    }
    let EntryRecord { requested, change } = serde_json::from_slice(record)?;
    Ok((change_of(change)?, Some(requested.read()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{read_boards, write_boards};
    use neerc_core::board::{Board, Boards};
    use neerc_core::change::Entry;
    use neerc_core::people::Person;

    #[test]
    fn changes_with_keys_are_read_as_they_were_first_written() {
        let record = r#"{"requested":{"token":3,"key":"8e03978e-40d5","print":"000000000000000000000000000000ff"},"change":{"removed":{"task":7,"at_ms":5}}}"#;
        let (change, request) = read_entry(record.as_bytes()).unwrap();
        assert_eq!(change, Change::Removed { task: TaskId(7), at_ms: Some(5) });
        let request = request.unwrap();
        assert_eq!((request.token, &*request.key, request.print), (TokenId(3), "8e03978e-40d5", 255));
        assert_eq!(write_entry(&change, Some(&request)).unwrap(), record);
        assert_eq!(read_entry(write_entry(&change, None).unwrap().as_bytes()).unwrap(), (change, None));
        for wrong in [
            r#"{"requested":{"token":3,"key":"","print":"ff"},"change":{"removed":{"task":7}}}"#,
            r#"{"requested":{"token":3,"key":"a","print":"g"},"change":{"removed":{"task":7}}}"#,
            r#"{"requested":{"token":3,"key":"a","print":"ff"}}"#,
        ] {
            assert!(read_entry(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_snapshot_remembers_the_requests_and_what_was_made_for_them() {
        let mut board = Board::default();
        for (revision, key) in [(1, "a"), (2, "b")] {
            let request = KeyedRequest::new(TokenId(1), key, u128::MAX).map(Arc::new).unwrap();
            let created = r#"{"created":{"task":TASK,"title":"t","kind":"todo","timestamp_ms":5}}"#;
            let (change, _) = read_entry(created.replace("TASK", &revision.to_string()).as_bytes()).unwrap();
            let by = Person::from_bare("a@b");
            board.replay(&Entry { revision, room: "neerc".into(), at_ms: 9, by, change, request: Some(request) });
        }
        let boards = Boards::from([("neerc".into(), board)]);
        let record = write_boards(&boards).unwrap();
        assert!(record.contains(
            r#""requests":[{"token":1,"key":"a","print":"ffffffffffffffffffffffffffffffff","at_ms":9,"task":1},"#
        ));
        assert_eq!(read_boards(record.as_bytes()).unwrap(), boards);
    }
}
