-- Who the people of each room are, as whoever serves has heard it last: for those who stand by and show the board. JSON
-- (store/record/backdrop.rs). One row, or none; of another epoch it says nothing any more.
CREATE TABLE backdrop (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch  bigint NOT NULL,
    stamp  bigint NOT NULL, -- another one with each record
    record text   NOT NULL
);
