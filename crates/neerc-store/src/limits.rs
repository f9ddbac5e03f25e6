//! The bounds of the store, in one table. Sizes that a file format prescribes are next to the code that reads it.

use std::time::Duration;

/// Most batches waiting for the thread; the service has one in progress at a time.
pub const BATCHES_WAITING: usize = 64;
/// How long to wait for another process that writes to the file.
pub const BUSY_TIMEOUT: Duration = Duration::from_millis(250);
/// How long a told revision waits for a commit to be stored along with.
pub const TOLD_WAIT: Duration = Duration::from_millis(500);
/// Idle time before the write-ahead log is copied back.
pub const IDLE: Duration = Duration::from_millis(200);
/// Pages in the write-ahead log above which it is copied back even under load: 16 MiB.
pub const WAL_PAGES: i64 = 4_096;
/// Pages in the write-ahead log above which a reader that blocks it is worth a warning: 256 MiB.
pub const WAL_PAGES_ALARMING: i64 = 65_536;
/// Pause before failed housekeeping is retried.
pub const RETRY: Duration = Duration::from_secs(1);
/// How often the thread checks whether a snapshot has been encoded.
pub const SNAPSHOT_POLL: Duration = Duration::from_millis(10);
/// Number of snapshots to keep.
pub const SNAPSHOTS: u32 = 2;
/// Size to which the write-ahead log is filled in advance, in bytes: about 1,000 single commits, or a second of heavy
/// load.
pub const PREPARED_BYTES: usize = 4 << 20;
/// How much of a write-ahead log to read or write at a time, in bytes.
pub const CHUNK_BYTES: usize = 1 << 18;
/// How long to wait for a writer at a time while a copy is made or read.
pub const COPY_BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Most names to try for a replaced store that is kept.
pub const KEPT: u32 = 10_000;
/// Most changes in one archive.
pub const ARCHIVE_CHANGES: u64 = 250_000;
/// Longest line of an archive that is read, in bytes: the boards of all rooms.
pub const ARCHIVE_LINE_BYTES: u64 = 1 << 30;
/// Rows of the log that are read at a time while others are stored: no longer than a few milliseconds.
pub const PART_ROWS: i64 = 1_000;
/// Rows that are in archives and are deleted at a time.
pub const SWEEP_ROWS: i64 = 500;
/// Pause between two such deletions, for what waits to be stored.
pub const SWEEP_PAUSE: Duration = Duration::from_millis(20);
/// How long a compaction is waited for at a time where the store is being closed.
pub const CLOSING_POLL: Duration = Duration::from_millis(5);
/// Free pages are left in the file if they are no more than this part of it: what is stored next takes them.
pub const FREE_PAGES_KEPT: i64 = 4;

/// How long one server of PostgreSQL may take from the first packet to its first answer to a question.
pub const CONNECT: Duration = Duration::from_secs(3);
/// How long one is waited for before the next one is asked as well.
pub const NEXT_SERVER: Duration = Duration::from_millis(250);
/// How long what was sent may stay unconfirmed by the other machine.
pub const UNANSWERED: Duration = Duration::from_secs(8);
/// How long a connection is silent before the other machine is asked whether it is there.
pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
/// Pause between two such questions.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
/// How many may stay without answer.
pub const KEEPALIVE_RETRIES: u32 = 3;
/// How long a server that follows another one may take to show what it has on its disk.
pub const REPLAY: Duration = Duration::from_secs(5);
/// How often it is asked whether it does.
pub const REPLAY_LOOK: Duration = Duration::from_millis(50);
/// How long a statement may take that reads or writes little.
pub const STATEMENT: Duration = Duration::from_secs(5);
/// How long reading may go on without another row: long enough for the boards of all rooms as one value.
pub const ROW: Duration = Duration::from_secs(30);
/// How long a commit may take that is known not to wait for the standby.
pub const COMMIT: Duration = Duration::from_secs(5);
/// How often a commit that takes long is asked after.
pub const COMMIT_LOOK: Duration = Duration::from_secs(1);
/// How long a synchronous standby is waited for where the service is to go on without: longer than one takes to connect
/// again, which PostgreSQL does every 5 s.
pub const STANDBY_AWAY: Duration = Duration::from_secs(10);
/// How long it may take to find out what became of a commit.
pub const RESOLVE: Duration = Duration::from_secs(30);
/// Pause before servers that could not be reached are tried again.
pub const RECONNECT: Duration = Duration::from_millis(200);
/// How many connections that read the log are kept while nobody reads.
pub const READERS_KEPT: usize = 2;
/// The oldest PostgreSQL that is used: others are not looked after by its makers any more.
pub const OLDEST_POSTGRES: u32 = 13;
/// The port of PostgreSQL where an address names none.
pub const POSTGRES_PORT: u16 = 5432;

// The lease

/// How long a lease lasts by the database's clock, in ms. Whoever stands by takes over then, so with the time that a start
/// takes, people wait ten seconds at most.
pub const LEASE_TTL_MS: i64 = 7_000;
/// The same. Who opens a store for a command, or replaces what is in it, has it once and does not renew it.
pub const LEASE_TTL: Duration = Duration::from_millis(LEASE_TTL_MS.unsigned_abs());
/// How much earlier its holder stops by its own clock, in ms: what it has sent until then has arrived.
pub const LEASE_MARGIN_MS: i64 = 2_000;
/// How often the holder renews it, in ms: a quarter of the time, so that one request may fail, and that one of which only the
/// answer is lost does not make people wait for longer than ten seconds.
pub const LEASE_RENEW_MS: i64 = LEASE_TTL_MS / 4;
/// Pause before what failed is asked again, in ms.
pub const LEASE_AGAIN_MS: i64 = 500;
/// How often whoever stands by looks, in ms.
pub const LEASE_LOOK_MS: i64 = 500;
/// How long whoever serves has for coming to a server that was promoted, before it is ended where that can be done, in ms.
pub const LEASE_FENCE_MS: i64 = 2_000;
/// How long an answer is waited for, in ms.
pub const LEASE_ANSWER_MS: i64 = 2_000;
/// How long the thread of the lease does nothing at a time, in ms.
pub const KEEPER_LOOK_MS: i64 = 100;
/// How often in a row it is looked whether anything is known of the lease.
pub const KEEPER_LOOKS: u32 = 30;
/// How long it may take to hear who follows the database.
pub const KEEPER_COPIES: Duration = Duration::from_secs(1);
