//! How deadlines are written down.

use neerc_core::deadline::{Deadline, Round};
use neerc_core::moment::{DueAt, When};
use neerc_core::people::Person;
use neerc_core::refusal::{Refusal, excerpt};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// By when a task is to be answered.
#[derive(Serialize, Deserialize)]
pub(super) struct DeadlineRecord<'a> {
    by: Cow<'a, str>,
    /// For a time of a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_ms: Option<i64>,
    /// For a moment of the contest: `end-30`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contest: Option<String>,
    /// Absent before anything was said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<RoundRecord>,
}

/// What was said last to those who are late.
#[derive(Serialize, Deserialize)]
pub(super) struct RoundRecord {
    number: u32,
    at_ms: i64,
}

impl RoundRecord {
    pub(super) fn of(Round { number, at_ms }: Round) -> RoundRecord {
        RoundRecord { number, at_ms }
    }

    pub(super) fn read(self) -> Round {
        Round { number: self.number, at_ms: self.at_ms }
    }
}

impl<'a> DeadlineRecord<'a> {
    pub(super) fn of(deadline: &'a Deadline) -> DeadlineRecord<'a> {
        let (at_ms, contest) = match deadline.due {
            DueAt::Day { at_ms } => (Some(at_ms), None),
            DueAt::Contest(moment) => (None, Some(moment.to_string())),
        };
        let last = deadline.last.map(RoundRecord::of);
        DeadlineRecord { by: deadline.by.bare().into(), at_ms, contest, last }
    }

    pub(super) fn read(self) -> Result<Deadline, Refusal> {
        let due = match (self.at_ms, self.contest) {
            (Some(at_ms), _) => DueAt::Day { at_ms },
            (None, contest) => {
                let contest = contest.unwrap_or_default();
                match Deadline::required(&contest)? {
                    When::Contest(moment) => DueAt::Contest(moment),
                    _ => return Err(Refusal::BadDeadline { deadline: excerpt(&contest) }),
                }
            }
        };
        Ok(Deadline { by: Person::from_bare(&self.by), due, last: self.last.map(RoundRecord::read) })
    }
}
