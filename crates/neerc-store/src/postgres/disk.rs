//! The database as its thread uses it.

use super::commit::Writer;
use super::read::MARK;
use crate::lock::Lock;
use crate::rows::{Floor, number_of};
use crate::{StoreError, limits, record, thread};
use neerc_core::change::Entry;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;
use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;

/// The writer, with what waits for the network.
pub(super) struct Disk {
    pub runtime: Runtime,
    pub writer: Writer,
    pub lock: Lock,
}

impl thread::Disk for Disk {
    fn name(&self) -> &Path {
        &self.writer.name
    }

    fn last(&self) -> u64 {
        self.writer.last
    }

    fn told(&self) -> u64 {
        self.writer.told
    }

    fn floor(&self) -> u64 {
        self.writer.floor
    }

    fn is_broken(&self) -> bool {
        self.writer.is_broken
    }

    fn append(&mut self, entries: &[Entry], told: u64) -> Result<(), StoreError> {
        if self.writer.is_broken {
            return Err(StoreError::Broken { file: self.writer.name.clone() });
        }
        self.runtime.block_on(self.writer.append(entries, told))?;
        self.lock.note(self.writer.last);
        Ok(())
    }

    fn save_told(&mut self, told: u64) -> Result<(), StoreError> {
        let told = told.min(self.writer.last);
        let sql = "UPDATE head SET told = greatest(told, $1) WHERE epoch = $2";
        let epoch = number_of(self.writer.epoch);
        let values: &[&(dyn ToSql + Sync)] = &[&number_of(told), &epoch];
        let rows = self.runtime.block_on(self.writer.repeat("store progress", sql, values))?;
        self.writer.is_ours(rows)?;
        self.writer.told = told;
        Ok(())
    }

    fn save_marks(&mut self, marks: &BTreeMap<String, u64>) -> Result<(), StoreError> {
        let last = self.writer.last;
        let keys: Vec<_> = marks.keys().map(|name| format!("{MARK}{name}")).collect();
        let values: Vec<_> = marks.values().map(|revision| number_of(last.min(*revision))).collect();
        let sql = "WITH fence AS (SELECT 1 FROM head WHERE epoch = $3 FOR SHARE),
                gone AS (DELETE FROM meta USING fence WHERE starts_with(key, $4) AND key <> ALL ($1::text[]))
            INSERT INTO meta SELECT u.* FROM fence, unnest($1::text[], $2::bigint[]) AS u
                ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        let epoch = number_of(self.writer.epoch);
        let values: &[&(dyn ToSql + Sync)] = &[&keys, &values, &epoch, &MARK];
        self.runtime.block_on(self.writer.repeat("store progress", sql, values)).map(|_| ())
    }

    fn save_backdrop(&mut self, record: &str) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO backdrop SELECT true, epoch, epoch * 4294967296 + floor(random() * 4294967296)::bigint, $1
                FROM head WHERE epoch = $2 FOR SHARE
            ON CONFLICT (one) DO UPDATE
                SET epoch = excluded.epoch, stamp = excluded.stamp, record = excluded.record";
        let epoch = number_of(self.writer.epoch);
        let rows = self.runtime.block_on(self.writer.repeat("store who is there", sql, &[&record, &epoch]))?;
        self.writer.is_ours(rows)
    }

    fn save_snapshot(&mut self, revision: u64, record: &str) -> Result<(), StoreError> {
        let last = self.writer.last;
        if revision > last {
            return Err(StoreError::Order { file: self.writer.name.clone(), last, given: revision });
        }
        let number = number_of(revision);
        let sum = i64::from(record::snapshot_sum(number, record.as_bytes()));
        let sql = "WITH fence AS (SELECT 1 FROM head WHERE epoch = $4 FOR SHARE),
                gone AS (DELETE FROM snapshot USING fence WHERE revision NOT IN
                    (SELECT revision FROM snapshot WHERE revision <> $1 ORDER BY revision DESC LIMIT $5)
                    AND revision <> $1)
            INSERT INTO snapshot SELECT $1, $2, $3 FROM fence
                ON CONFLICT (revision) DO UPDATE SET record = excluded.record, sum = excluded.sum";
        let (epoch, others) = (number_of(self.writer.epoch), i64::from(limits::SNAPSHOTS) - 1);
        let values: &[&(dyn ToSql + Sync)] = &[&number, &record, &sum, &epoch, &others];
        let rows = self.runtime.block_on(self.writer.repeat("store a snapshot", sql, values))?;
        self.writer.is_ours(rows)
    }

    fn raise_floor(&mut self, floor: &Floor) -> Result<(), StoreError> {
        let last = self.writer.last;
        if floor.revision > self.writer.told.min(last) {
            return Err(StoreError::Order { file: self.writer.name.clone(), last, given: floor.revision });
        }
        let sql = "WITH fence AS (SELECT 1 FROM head WHERE epoch = $6 FOR SHARE),
                gone AS (DELETE FROM floor USING fence WHERE revision <> $1),
                old AS (DELETE FROM snapshot USING fence WHERE revision < $1)
            INSERT INTO floor SELECT $1, $2, $3, $4, $5 FROM fence
                ON CONFLICT (revision) DO UPDATE SET at_ms = excluded.at_ms, chain = excluded.chain,
                    record = excluded.record, sum = excluded.sum";
        let (number, chain, sum) = (number_of(floor.revision), i64::from(floor.chain), i64::from(floor.sum()));
        let epoch = number_of(self.writer.epoch);
        let values: &[&(dyn ToSql + Sync)] = &[&number, &floor.at_ms, &chain, &floor.record, &sum, &epoch];
        let rows = self.runtime.block_on(self.writer.repeat("store what is in archives", sql, values))?;
        self.writer.is_ours(rows)?;
        self.writer.floor = floor.revision;
        Ok(())
    }

    fn sweep(&mut self) -> Result<bool, StoreError> {
        let sql = "WITH fence AS (SELECT 1 FROM head WHERE epoch = $2 FOR SHARE)
            DELETE FROM log USING fence WHERE revision IN
                (SELECT revision FROM log WHERE revision <= $1 ORDER BY revision LIMIT $3)";
        let (floor, epoch) = (number_of(self.writer.floor), number_of(self.writer.epoch));
        let values: &[&(dyn ToSql + Sync)] = &[&floor, &epoch, &limits::SWEEP_ROWS];
        let swept = self.runtime.block_on(self.writer.repeat("delete what is in archives", sql, values))?;
        Ok(i64::try_from(swept) == Ok(limits::SWEEP_ROWS))
    }

    /// PostgreSQL uses the space of what was deleted again by itself.
    fn shrink(&mut self) -> Result<(), StoreError> {
        while self.sweep()? {}
        Ok(())
    }

    fn due(&self) -> Option<Instant> {
        None
    }

    fn keep_house(&mut self, _: Instant) -> Result<(), StoreError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        if self.writer.is_broken {
            return Ok(());
        }
        self.runtime.block_on(self.writer.resign())
    }
}
