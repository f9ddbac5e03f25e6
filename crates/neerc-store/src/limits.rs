//! Every bound of the store, in one table. Not what the formats of files prescribe: that stands where they are read.

use std::time::Duration;

/// Most batches waiting for the thread; the service has one under way at a time.
pub const BATCHES_WAITING: usize = 64;
/// How long another process that writes into the file is waited for.
pub const BUSY_TIMEOUT: Duration = Duration::from_millis(250);
/// How long a told revision waits for a commit to be stored with.
pub const TOLD_WAIT: Duration = Duration::from_millis(500);
/// How long nothing must be committed before the write-ahead log is copied back.
pub const IDLE: Duration = Duration::from_millis(200);
/// Pages in the write-ahead log at which it is copied back even if commits keep coming: 16 MiB.
pub const WAL_PAGES: i64 = 4_096;
/// Pages in the write-ahead log at which somebody's reading transaction is worth a warning: 256 MiB.
pub const WAL_PAGES_ALARMING: i64 = 65_536;
/// Pause before housekeeping that failed is tried again.
pub const RETRY: Duration = Duration::from_secs(1);
/// How often the thread looks whether a snapshot has been written down.
pub const SNAPSHOT_POLL: Duration = Duration::from_millis(10);
/// Snapshots that are kept.
pub const SNAPSHOTS: u32 = 2;
/// How much of the write-ahead log is there before it is needed, in bytes: about 1,000 lone commits, or a second of many.
pub const PREPARED_BYTES: usize = 4 << 20;
/// How much of a write-ahead log is read or written at a time, in bytes.
pub const CHUNK_BYTES: usize = 1 << 18;
/// How long somebody who writes is waited for at a time while a copy is made or read.
pub const COPY_BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Names that a replaced store may be kept under.
pub const KEPT: u32 = 10_000;
