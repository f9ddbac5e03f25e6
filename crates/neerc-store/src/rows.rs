//! Rows as any database holds them, and what is checked before they are believed.

use crate::record;
use crate::{LogFloor, StoreError};
use neerc_core::board::Boards;
use neerc_core::change::{Entry, Room};
use neerc_core::people::Person;
use std::fmt::Display;

/// A row of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredRow<'a> {
    pub number: i64,
    pub room: &'a [u8],
    pub at_ms: i64,
    pub by: &'a [u8],
    pub record: &'a [u8],
    pub sum: i64,
}

impl StoredRow<'_> {
    /// The entry, which must have that revision; the error says what is wrong with it.
    pub fn entry(&self, boards: &Boards, revision: u64) -> Result<Entry, String> {
        let StoredRow { number, room, at_ms, by, record, sum: known } = *self;
        let wrong = |why: &dyn Display| format!("revision {revision} of the log: {why}");
        if number != number_of(revision) {
            return Err(format!("revision {revision} of the log is missing; the next is {number}"));
        }
        let sum = i64::from(record::entry_sum(number, room, at_ms, by, record));
        if sum != known {
            return Err(wrong(&format_args!("its checksum is {sum}, not {known} as stored")));
        }
        let room = std::str::from_utf8(room).map_err(|e| wrong(&e))?;
        let room = boards.get_key_value(room).map_or_else(|| Room::from(room), |(room, _)| room.clone());
        let by = Person::from_bare(std::str::from_utf8(by).map_err(|e| wrong(&e))?);
        let (change, request) = record::read_entry(record).map_err(|e| wrong(&e))?;
        Ok(Entry { revision, room, at_ms, by, change, request })
    }
}

/// What the row of a change holds besides the change's own fields: the record and its checksum.
pub(crate) fn written(entry: &Entry) -> Result<(String, u32), StoreError> {
    let Entry { revision, room, at_ms, by, change, request } = entry;
    let record = record::write_entry(change, request.as_deref())
        .map_err(|why| StoreError::Unwritable { revision: *revision, what: why.to_string() })?;
    let (room, by) = (room.as_bytes(), by.bare().as_bytes());
    let sum = record::entry_sum(number_of(*revision), room, *at_ms, by, record.as_bytes());
    Ok((record, sum))
}

/// The boards of a snapshot; the error says what is wrong with it.
pub(crate) fn snapshot(number: i64, record: &[u8], known: i64) -> Result<Boards, String> {
    let sum = i64::from(record::snapshot_sum(number, record));
    if sum != known {
        return Err(format!("its checksum is {sum}, not {known} as stored"));
    }
    record::read_boards(record).map_err(|e| e.to_string())
}

/// A floor: the last revision that is in an archive, with the boards as they were then.
#[derive(Clone, Debug, Default)]
pub(crate) struct Floor {
    /// 0 if nothing is in archives.
    pub revision: u64,
    /// When that change happened, in ms since 1970.
    pub at_ms: i64,
    /// The checksum of the log up to there.
    pub chain: u32,
    /// The boards, encoded.
    pub record: String,
}

impl Floor {
    /// A floor as it was read; the error says what is wrong with it.
    pub fn checked(number: i64, at_ms: i64, chain: u32, record: &str, known: u32) -> Result<Floor, String> {
        match record::floor_sum(number, at_ms, chain, record.as_bytes()) {
            sum if sum == known => Ok(Floor { revision: stored(number), at_ms, chain, record: record.to_owned() }),
            sum => Err(format!("its checksum is {sum}, not {known} as stored")),
        }
    }

    /// Its checksum.
    pub fn sum(&self) -> u32 {
        record::floor_sum(number_of(self.revision), self.at_ms, self.chain, self.record.as_bytes())
    }

    /// The boards.
    pub fn boards(&self) -> Result<Boards, String> {
        match self.revision {
            0 => Ok(Boards::new()),
            _ => record::read_boards(self.record.as_bytes()).map_err(|error| error.to_string()),
        }
    }

    /// What is told of it outside.
    pub fn told(&self) -> LogFloor {
        LogFloor { revision: self.revision, at_ms: self.at_ms }
    }
}

/// A revision as databases hold numbers.
pub(crate) fn number_of(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

/// A revision from the number of a database; a negative one, which is never stored, counts as none.
pub(crate) fn stored(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
