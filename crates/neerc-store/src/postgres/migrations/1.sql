-- Every change of every room in their one order. record: JSON (store/record.rs); sum: CRC-32 over all other columns.
CREATE TABLE log (
    revision bigint PRIMARY KEY,
    room     text   NOT NULL,
    at_ms    bigint NOT NULL,
    by_jid   text   NOT NULL,
    record   text   NOT NULL,
    sum      bigint NOT NULL
);

-- The boards as they were after a revision: only a shortcut for reading the log, which stays the truth.
CREATE TABLE snapshot (
    revision bigint PRIMARY KEY,
    record   text   NOT NULL,
    sum      bigint NOT NULL
);

-- What of the log is in archives, not here: all up to a revision. One row, or none.
CREATE TABLE floor (
    revision bigint PRIMARY KEY,
    at_ms    bigint NOT NULL, -- when the change of that revision happened
    chain    bigint NOT NULL, -- checksum of the log up to there (store/record/sums.rs)
    record   text   NOT NULL, -- the boards as they were then
    sum      bigint NOT NULL  -- CRC-32 over all other columns
);

-- The format, and how far others have read the log.
CREATE TABLE meta (
    key   text   PRIMARY KEY,
    value bigint NOT NULL
);

-- Where the log ends, and which batch of whom came last: what every commit writes and compares. Room is left in its one
-- page, so that a new version of the row fits beside the old ones.
CREATE TABLE head (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch    bigint NOT NULL,
    revision bigint NOT NULL,
    batch    text   NOT NULL,
    told     bigint NOT NULL -- everybody was told of the changes up to here
) WITH (fillfactor = 10);

-- Who serves, and until when. A row of its own: a commit that waits for the standby locks the row above, and to stay the
-- one who serves must not wait for that.
CREATE TABLE lease (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    holder     text        NOT NULL,
    epoch      bigint      NOT NULL, -- goes up each time another takes over, and never down
    until      timestamptz NOT NULL, -- by the clock of the database, which is the only one that counts
    generation bigint      NOT NULL  -- another one after changes were lost or taken back
) WITH (fillfactor = 10);

INSERT INTO head VALUES (true, 0, 0, '', 0);
INSERT INTO lease VALUES (true, '', 0, '-infinity', floor(random() * 4294967296)::bigint);
