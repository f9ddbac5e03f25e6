-- What of the log is in archives, not here: all up to a revision. One row. Only a store that was compacted has this table,
-- so that others can still be read by versions that do not know it.
CREATE TABLE floor (
    revision INTEGER PRIMARY KEY,
    at_ms    INTEGER NOT NULL, -- when the change of that revision happened
    chain    INTEGER NOT NULL, -- checksum of the log up to there (store/record/sums.rs)
    record   TEXT    NOT NULL, -- the boards as they were then
    sum      INTEGER NOT NULL  -- CRC-32 over all other columns
) STRICT;
