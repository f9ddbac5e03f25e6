//! Limits how much the changes of one person may add to the log in a day, so nobody can fill the disk. The count is
//! kept in memory and starts from zero when the process does; days are UTC days.

use crate::change::Change;
use crate::doors::DoorChange;
use crate::limits;
use crate::people::{Person, Rights};
use crate::plan::Planned;
use crate::refusal::Refusal;
use crate::requests::KeyedRequest;
use crate::task::Status;
use crate::units::DAY_MS;
use std::collections::HashMap;

const MIB: u64 = 1024 * 1024;

/// What each person has used today.
#[derive(Debug, Default)]
pub struct Quota {
    mib_per_day: u64,
    day: i64,
    used_bytes: HashMap<Person, u64>,
}

impl Quota {
    /// A quota of that many MiB for each person and day; 0 means no limit. Admins may store [`limits::QUOTA_OF_POWER`]
    /// times as much.
    pub fn new(mib_per_day: u64) -> Quota {
        Quota { mib_per_day, ..Quota::default() }
    }

    /// Allows another number of MiB.
    pub(crate) fn allow(&mut self, mib_per_day: u64) {
        self.mib_per_day = mib_per_day;
    }

    /// Counts so many bytes against the quota of `who`, or refuses them.
    pub(crate) fn take(
        &mut self,
        wall_ms: i64,
        who: &Person,
        rights: Option<Rights>,
        bytes: u64,
    ) -> Result<(), Refusal> {
        if self.mib_per_day == 0 {
            return Ok(());
        }
        let day = wall_ms.div_euclid(DAY_MS);
        if day != self.day {
            self.day = day;
            self.used_bytes.clear();
        }
        let times = match rights {
            Some(Rights::Power(_)) => limits::QUOTA_OF_POWER,
            Some(Rights::Ordinary) | None => 1,
        };
        let limit_mib = self.mib_per_day.saturating_mul(times);
        let used = self.used_bytes.get(who).copied().unwrap_or(0).saturating_add(bytes);
        if used > limit_mib.saturating_mul(MIB) {
            return Err(Refusal::UsedUp { mib: limit_mib });
        }
        if self.used_bytes.len() >= limits::QUOTA_PERSONS {
            // People who have stored little gain little by being forgotten.
            let much = self.mib_per_day.saturating_mul(MIB) / 64;
            self.used_bytes.retain(|_, used| *used >= much);
        }
        self.used_bytes.insert(who.clone(), used);
        Ok(())
    }
}

/// Estimated size of a change in the log with the request that it is made for, in bytes.
pub(crate) fn entry_bytes(change: &Change, request: Option<&KeyedRequest>) -> u64 {
    let key = request.map_or(0, |request| request.key.len().saturating_add(limits::STORED_REQUEST_BYTES));
    stored_bytes(change).saturating_add(key as u64)
}

/// Estimated size of a change in the log, in bytes.
pub(crate) fn stored_bytes(change: &Change) -> u64 {
    let one =
        |(person, status): &(Person, Status)| person.bare().len() + status.value().len() + limits::STORED_ENTRY_BYTES;
    let statuses = |all: &[(Person, Status)]| all.iter().map(one).sum::<usize>();
    let planned = |planned: &Planned| {
        let names: usize = planned.names.iter().map(|name| name.len() + limits::STORED_ENTRY_BYTES).sum();
        planned.title.as_str().len() + names
    };
    let bytes: usize = match change {
        Change::Created { title, statuses: all, .. } => title.as_str().len() + statuses(all),
        Change::Edited { title, set, unassigned, .. } => {
            let left: usize = unassigned.iter().map(|person| person.bare().len() + limits::STORED_ENTRY_BYTES).sum();
            title.as_ref().map_or(0, |title| title.as_str().len()) + statuses(set) + left
        }
        Change::Answered { person, status, .. } => person.bare().len() + status.value().len(),
        Change::Planned(line) => planned(line),
        Change::Begun { name, lines, .. } => {
            name.len() + lines.iter().map(|line| planned(line) + limits::STORED_CHANGE_BYTES).sum::<usize>()
        }
        Change::Watched { person, watch } => person.bare().len() + watch.tasks.len() * limits::STORED_ENTRY_BYTES,
        Change::Linked { person, .. } => person.bare().len(),
        Change::Door(DoorChange::Admitted { session, .. }) => {
            session.person.bare().len() + session.browser.len() + limits::STORED_ENTRY_BYTES
        }
        Change::Door(DoorChange::Ended { sessions }) => sessions.len() * 2 * limits::STORED_ENTRY_BYTES,
        Change::Door(DoorChange::Offered { link, .. }) => link.person.bare().len() + limits::STORED_ENTRY_BYTES,
        Change::Door(DoorChange::Given(token)) => token.person.bare().len() * 2 + limits::STORED_ENTRY_BYTES,
        Change::RehearsalEnded { tasks } => tasks.len() * limits::STORED_ENTRY_BYTES,
        Change::Removed { .. }
        | Change::Restored { .. }
        | Change::Reminded { .. }
        | Change::Unplanned { .. }
        | Change::Replanned { .. }
        | Change::Lapsed { .. }
        | Change::Deadlined { .. }
        | Change::Stopped { .. }
        | Change::Clocked(_)
        | Change::Rehearsed(_)
        | Change::Door(DoorChange::Revoked { .. }) => 0,
    };
    (bytes + limits::STORED_CHANGE_BYTES) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doors::TokenId;
    use crate::task::{Progress, TaskId};

    fn answer(value: &str) -> Change {
        let person = Person::from_bare("hall1@localhost");
        Change::Answered { task: TaskId(1), person, status: Status::new(Progress::Running, value).unwrap() }
    }

    fn taken(quota: &mut Quota, wall_ms: i64, who: &str, most: usize) -> usize {
        let bytes = entry_bytes(&answer(&"\u{1F4A7}".repeat(1_000)), None);
        let who = Person::from_bare(who);
        (0..most).take_while(|_| quota.take(wall_ms, &who, Some(Rights::Ordinary), bytes).is_ok()).count()
    }

    #[test]
    fn the_key_of_a_request_counts_with_what_is_done_for_it() {
        let request = KeyedRequest::new(TokenId(1), &"k".repeat(128), 7).unwrap();
        let (with, without) = (entry_bytes(&answer("a"), Some(&request)), entry_bytes(&answer("a"), None));
        assert_eq!(with - without, 128 + limits::STORED_REQUEST_BYTES as u64);
    }

    #[test]
    fn one_account_that_writes_as_much_as_it_can_stores_no_more_than_its_part_of_a_day() {
        let mut quota = Quota::new(2);
        let stored = taken(&mut quota, 5, "hall1@localhost", 10_000);
        assert!((450..530).contains(&stored), "{stored} answers of some 4 KB");
        assert_eq!(taken(&mut quota, DAY_MS - 1, "hall1@localhost", 10), 0);
        assert_eq!(taken(&mut quota, DAY_MS - 1, "hall2@localhost", 10), 10, "others are not touched");
        assert_eq!(taken(&mut quota, DAY_MS, "hall1@localhost", 10_000), stored, "a new day");
        assert_eq!(taken(&mut Quota::new(0), 5, "hall1@localhost", 10_000), 10_000, "0 is without limit");
    }

    #[test]
    fn who_has_stored_little_is_forgotten_before_there_are_too_many() {
        let mut quota = Quota::new(1);
        assert!(taken(&mut quota, 0, "much@localhost", 10_000) < 10_000);
        for n in 0..limits::QUOTA_PERSONS + 10 {
            assert_eq!(taken(&mut quota, 0, &format!("{n}@localhost"), 1), 1);
        }
        assert!(quota.used_bytes.len() <= limits::QUOTA_PERSONS);
        assert_eq!(taken(&mut quota, 0, "much@localhost", 1), 0);
    }
}
