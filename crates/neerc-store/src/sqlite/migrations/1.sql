-- Every change of every room in their one order. record: JSON (store/record.rs); sum: CRC-32 over all other columns.
CREATE TABLE log (
    revision INTEGER PRIMARY KEY,
    room     TEXT    NOT NULL,
    at_ms    INTEGER NOT NULL,
    by_jid   TEXT    NOT NULL,
    record   TEXT    NOT NULL,
    sum      INTEGER NOT NULL
) STRICT;

-- The boards as they were after a revision: only a shortcut for reading the log, which stays the truth.
CREATE TABLE snapshot (
    revision INTEGER PRIMARY KEY,
    record   TEXT    NOT NULL,
    sum      INTEGER NOT NULL
) STRICT;

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Everybody was told of the changes up to here.
INSERT INTO meta (key, value) VALUES ('told_revision', 0);
